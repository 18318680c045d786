"""Parquet files of a registry: read by DuckDB, without personal data, and their figures are those of the node."""

import json
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.strategies.bodies import event, grant, register
from tests.strategies.consortium import START
from tests.strategies.environments import bare_environment, environment, run
from tests.strategies.fleet import ROOT, accredit, founding
from tests.strategies.network import A

MAIN = "from accredit.cli.start import main; main()"
SQL = ROOT / "examples" / "analysis" / "outcomes.sql"
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
        suspend = event(granted[1].id, "suspend", START)
        fleet.town.says(A, "accreditation.status", suspend, sub="did:web:i1.example")
        node.submit(*fleet.town.said[-6:])
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
            json.loads(done.stdout)["rows"] | {"issuers": 3, "accreditations": 2, "history": 3}
            == json.loads(done.stdout)["rows"]
        )
        again = export()
        assert (again.returncode, "already exists" in again.stderr) == (6, True)
        outcomes = accredit("outcomes", "--json", env={"ACCREDIT_NODE": node.url}).json()
    found = json.loads(run(python, "-c", READ, str(SQL), folder=tmp_path / "tables"))
    assert ["issuers", "", outcomes["issuers"]] in found
    assert ["accreditations", "", outcomes["accreditations"]] in found
    for table in ("statuses", "begun"):
        theirs = {(row["word"], row["count"]) for row in outcomes["tables"][table] if row["count"]}
        assert {(word, count) for name, word, count in found if name == table} == theirs
    everything = run(python, "-c", ALL, folder=tmp_path / "tables")
    assert "did:web:i0.example" in everything
    assert "A Person's Name" not in everything
    assert list(tmp_path.glob(".tables.*")) == []


@pytest.mark.skipif(find_spec("duckdb") is not None, reason="duckdb is installed here")
def test_without_the_extra_the_command_says_what_to_install(tmp_path: Path) -> None:
    assert "accredit[analysis]" in accredit("export", "parquet", tmp_path / "tables", code=3).said
    assert not (tmp_path / "tables").exists()
