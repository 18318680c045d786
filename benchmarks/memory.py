"""How much memory a node needs: a process of its own, filled over HTTP. Target (performance.md): 128 MiB at 10^5.

What a registry holds most of, in turn: a registration, an accreditation, a change to one. The size is what the kernel
counts as the process's own (`VmRSS`), so the interpreter and its modules are in it, and memory given back late.

    python3 dev.py bench memory                                     10^4 statements, some 30 s
    ACCREDIT_BENCHMARK_STATEMENTS=100000 python3 dev.py bench memory
"""

import os
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Final

from accredit.registry.statement import Statement
from benchmarks.harness import Report
from tests.strategies.bodies import event, grant, register
from tests.strategies.consortium import Consortium
from tests.strategies.fleet import Machine, founding
from tests.strategies.network import A

STATEMENTS: Final = int(os.environ.get("ACCREDIT_BENCHMARK_STATEMENTS", "10000"))
BATCH: Final = 1_000
"""Statements in one request: as many as a node takes."""

_MIB: Final = 1024 * 1024


def statements(town: Consortium) -> Iterator[Statement]:
    """Endless: an issuer is registered, accredited, then its accreditation renewed."""
    number = 0
    while True:
        issuer = f"did:web:issuer{number}.example"
        yield town.says(A, "issuer.register", register(issuer), heard=False)
        given = town.says(A, "accreditation.grant", grant(issuer), heard=False)
        yield given
        yield town.says(A, "accreditation.status", event(given.id, "condition"), issuer, heard=False)
        number += 1


def resident(machine: Machine) -> float:
    """Bytes of a node's process in memory."""
    assert machine.process is not None
    status = Path(f"/proc/{machine.process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return float(line.split()[1]) * 1024


def measure(report: Report, machine: Machine, town: Consortium) -> None:
    """Empty, filled, and started again."""
    empty = resident(machine)
    source, begun = statements(town), perf_counter()
    for _ in range(STATEMENTS // BATCH):
        machine.submit(*islice(source, BATCH))
    seconds = perf_counter() - begun
    filled = resident(machine)
    machine.stop()
    machine.start(ready="/readyz")
    again = resident(machine)
    count = f"{STATEMENTS:,} statements"
    bound = 128.0 if STATEMENTS == 100_000 else None
    report.add("process without statements", "MiB", [empty / _MIB])
    report.add(f"process with {count}", "MiB", [filled / _MIB], at_most=bound)
    report.add(f"process with {count}, started again", "MiB", [again / _MIB], at_most=bound)
    report.add("for each statement", "bytes", [(filled - empty) / STATEMENTS])
    report.add("submitted over HTTP, one client", "statements/s", [STATEMENTS / seconds])


def main() -> None:
    """Measures and reports."""
    report = Report("memory")
    with (
        tempfile.TemporaryDirectory() as name,
        founding(Path(name), "node1", signers=True, submissions_per_minute=1_000_000) as fleet,
    ):
        fleet.start()
        measure(report, fleet["node1"], fleet.town)
    report.finish()


if __name__ == "__main__":
    main()
