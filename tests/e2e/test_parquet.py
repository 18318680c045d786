"""Parquet files of a registry: read by DuckDB, without personal data, and their figures are those of the node."""

import csv
import io
import json
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.strategies.bodies import FRAMEWORK, event, framework, framework_items, grant, register
from tests.strategies.consortium import START
from tests.strategies.environments import bare_environment, environment, run
from tests.strategies.fleet import ROOT, accredit, founding
from tests.strategies.network import A

MAIN = "from accredit.cli.start import main; main()"
SQL = ROOT / "examples" / "analysis" / "outcomes.sql"
NOT_OF_RECORDS = (("registry", "node"), ("registry", "as_of"))
WITH_NOUGHTS = ("registry", "spans")
"""Parts that the SQL gives with noughts; elsewhere it leaves them out."""

READ = "import duckdb, json, sys; print(json.dumps(duckdb.sql(open(sys.argv[1]).read()).fetchall()))"
ALL = "import duckdb, glob; print([duckdb.sql(f\"FROM '{path}'\").fetchall() for path in glob.glob('*')])"


@pytest.mark.nightly  # an environment from the network
def test_duckdb_reads_the_files_and_finds_the_figures_of_the_node(tmp_path: Path) -> None:
    python = environment("analysis")
    with founding(tmp_path, "node1") as fleet:
        node = fleet["node1"]
        fleet.start()
        for number in range(3):
            fleet.town.says(A, "issuer.register", register(f"did:web:i{number}.example", name="A Person's Name"))
        granted = [
            fleet.town.says(A, "accreditation.grant", grant(f"did:web:i{number}.example")) for number in range(2)
        ]
        suspend = event(granted[1].id, "suspend", START, detected_at=START - 86_400)
        suspended = fleet.town.says(A, "accreditation.status", suspend, sub="did:web:i1.example")
        appeal = event(granted[1].id, "appeal_open", START + 60, after=[suspended.id])
        opened = fleet.town.says(A, "accreditation.status", appeal, sub="did:web:i1.example")
        decide = event(granted[1].id, "appeal_decide", START + 3_600, after=[opened.id])
        fleet.town.says(A, "accreditation.status", decide, sub="did:web:i1.example")
        published = fleet.town.says(A, "framework.publish", framework(), sub=FRAMEWORK)
        fleet.town.says(A, "framework.items", framework_items(published.id, 0), sub=FRAMEWORK)
        node.submit(*fleet.town.said[-10:])
        now = int(time.time())  # a decision that this node told as soon as it was made
        lift = event(granted[1].id, "lift", now, after=[suspended.id])
        node.submit(fleet.town.says(A, "accreditation.status", lift, sub="did:web:i1.example", iat=now))
        words = ["export", "parquet", tmp_path / "tables", "--node", node.url, "--json"]

        def export() -> "subprocess.CompletedProcess[str]":
            return subprocess.run(
                [str(python), "-c", MAIN, *map(str, words)],
                cwd=ROOT,
                env=bare_environment(PYTHONPATH=str(ROOT)),
                capture_output=True,
                text=True,
                timeout=120,
            )

        done = export()
        assert done.returncode == 0, done.stderr
        assert (
            json.loads(done.stdout)["rows"] | {"issuers": 3, "accreditations": 2, "history": 6}
            == json.loads(done.stdout)["rows"]
        )
        again = export()
        assert (again.returncode, "already exists" in again.stderr) == (6, True)
        told = accredit("outcomes", "--csv", "--weeks", "0", env={"ACCREDIT_NODE": node.url}).out
    found = json.loads(run(python, "-c", READ, str(SQL), folder=tmp_path / "tables"))
    figures = {tuple(row) for row in csv.reader(io.StringIO(told))}
    figures = {row for row in figures if row[:2] not in NOT_OF_RECORDS and row[2] not in ("column", "limit_seconds")}
    figures = {row for row in figures if row[3] not in ("0", "0.0") or row[0] in WITH_NOUGHTS}
    assert {tuple(row) for row in found} == figures
    assert {"spans", "publication", "missing", "appeals", "frameworks", "approvals"} <= {row[0] for row in figures}
    everything = run(python, "-c", ALL, folder=tmp_path / "tables")
    assert "did:web:i0.example" in everything
    assert "A Person's Name" not in everything
    assert list(tmp_path.glob(".tables.*")) == []


@pytest.mark.skipif(find_spec("duckdb") is not None, reason="duckdb is installed here")
def test_without_the_extra_the_command_says_what_to_install(tmp_path: Path) -> None:
    assert "accredit[analysis]" in accredit("export", "parquet", tmp_path / "tables", code=3).said
    assert not (tmp_path / "tables").exists()
