"""A real history told to three nodes: from the sheets until every node answers, by the commands that a person types.

Target (field.md): 10,000 issuers and their history in at most 3 minutes, on three nodes on two cores. The data are made
in the form of DAPIP's sheets, with its proportions: per institution 2.4 spells and 1.5 steps. One authority imports;
a second one approves what reaches back. The nodes and the commands share this machine's cores.
The nodes' logs are kept beside the results, and each node must end in order when it is told to.

* *import*: `accredit history import dapip`, from its start to its end;
* *approve*: `accredit approve --from`, by another authority;
* *everywhere*: until the third node has everything that was said, in effect.

    python3 dev.py bench history                                     1,000 institutions, once
    ACCREDIT_BENCHMARK_ISSUERS=10000 python3 dev.py bench history
"""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from accredit.cli.histories import dapip
from accredit.registry.errors import InputError
from benchmarks.harness import Report, folder
from tests.strategies.dapip_files import LOSS, SANCTION, action, files, record
from tests.strategies.fleet import Fleet, eventually, founding
from tests.strategies.network import A, B

ISSUERS: Final = int(os.environ.get("ACCREDIT_BENCHMARK_ISSUERS", "1000"))
PATIENCE: Final = 1_800.0
"""Seconds for one command."""


def history(issuers: int) -> dict[str, bytes]:
    """A history of so many institutions, in DAPIP's proportions."""
    return files(
        list(_records(issuers)),
        list(_actions(issuers)),
        institutions=[(str(n), f"{n:08}", "", f"College {n}", "IN", "") for n in range(8, 8 + issuers)],
    )


def _records(issuers: int) -> Iterator[tuple[str, ...]]:
    for n in range(8, 8 + issuers):
        me = str(n)
        yield record(f"{1950 + n % 60}-07-01", flag="Estimated" if n % 3 == 0 else "Actual", institution=me)
        yield record("1999-01-01", "2012-06-30" if n % 4 else "", institution=me, program="9")
        if n % 5 < 2:
            yield record("2014-01-01", "2018-06-30", institution=me, agency="2", program="9")


def _actions(issuers: int) -> Iterator[tuple[str, ...]]:
    for n in range(8, 8 + issuers):
        me = str(n)
        yield action("Renewal of Accreditation", f"2015-0{1 + n % 9}-10", institution=me)
        if n % 6 == 0:
            yield action(f"{SANCTION}Probation", "2016-02-01", institution=me)
        if n % 7 == 0:
            yield action("Grant Substantive Change: Program", "2017-03-01", institution=me)
        if n % 5 == 0:
            yield action(f"{LOSS}Voluntary Withdrawal", "2018-06-30", institution=me, agency="2", program="9")


def measure(report: Report, fleet: Fleet, folder: Path) -> None:
    """One import, approved and known everywhere."""
    sheets, written = folder / "sheets", folder / "report.json"
    sheets.mkdir()
    for name, data in history(ISSUERS).items():
        (sheets / name).write_bytes(data)
    assert set(dapip.HEADS) == {path.name for path in sheets.iterdir()}
    begun = time.perf_counter()
    fleet.types("history", "import", "dapip", sheets, "--report", written, "--json", by=A, patience=PATIENCE)
    imported = time.perf_counter()
    said = json.loads(written.read_text())["statements"]
    fleet.types("approve", "--from", written, "--yes", "--json", by=B, patience=PATIENCE)
    approved = time.perf_counter()
    last, third = said[-1]["id"], fleet["node3"].client

    def is_in_effect() -> bool:
        with suppress(InputError):  # it does not hold it yet
            return bool(third.statement(last)["state"] == "effective")
        return False

    eventually(is_in_effect, "everything is in effect everywhere", seconds=300)
    ended = time.perf_counter()
    report.add("institutions", "issuers", [float(ISSUERS)])
    report.add("statements", "statements", [float(len(said))])
    report.add("import", "s", [imported - begun])
    report.add("approve", "s", [approved - imported])
    report.add("everywhere, after that", "s", [ended - approved])
    report.add("in all", "s", [ended - begun], at_most=180.0 if ISSUERS >= 10_000 else None)
    report.add("in all, for 10,000 institutions at this rate", "s", [(ended - begun) * 10_000 / ISSUERS])


def main() -> None:
    """Measures and reports."""
    report = Report("history")
    names = ("node1", "node2", "node3")
    with tempfile.TemporaryDirectory() as name, founding(Path(name), *names, signers=True) as fleet:
        try:
            fleet.start()
            fleet.agree()
            measure(report, fleet, Path(name))
            assert {machine.stop() for machine in fleet.machines.values()} == {0}
        finally:
            kept = folder()
            kept.mkdir(parents=True, exist_ok=True)
            for machine in fleet.machines.values():
                if machine.log.exists():
                    shutil.copyfile(machine.log, kept / f"history-{machine.name}.log")
    report.finish()


if __name__ == "__main__":
    main()
