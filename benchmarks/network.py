"""Five nodes, each a process of its own, on loopback: how soon something said is known, enforced and vouched for.

Targets (performance.md): an answer to a normal submission p50 ≤ 1.1 s, to an urgent one ≤ 50 ms, both under a signed
checkpoint; a revocation enforced by every one of five nodes p99 ≤ 300 ms; a fresh quorum note ≤ 1.5 s after a single
statement, and none older than 30 s under a stream of 50 statements a second with one of the five dead (proofs.md).

A run is one revocation after another; every node is asked by a thread of its own, again as soon as it has answered. So
the five nodes, the person and five verifiers share this machine's cores: read the figures as upper bounds.

    python3 dev.py bench network
    ACCREDIT_BENCHMARK_SECONDS=120 python3 dev.py bench network          a longer stream
"""

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from pathlib import Path
from typing import Final

from accredit.registry.statement import Statement
from benchmarks.harness import RUNS, Report, percentile
from tests.strategies.bodies import event, grant, register
from tests.strategies.fleet import Fleet, Machine, eventually, founding
from tests.strategies.network import A

NODES: Final = 5
REVOCATIONS: Final = 20
"""In one run; all runs together are a hundred, so that a p99 means something."""

STREAM_SECONDS: Final = float(os.environ.get("ACCREDIT_BENCHMARK_SECONDS", "60"))
STREAM_RATE: Final = 50
"""Statements a second: the issue's figure."""

_numbers: Final = count()


def accredited(fleet: Fleet) -> tuple[str, Statement]:
    """A new issuer that every node trusts; its accreditation."""
    issuer = f"did:web:issuer{next(_numbers)}.example"
    given = fleet.town.says(A, "accreditation.grant", grant(issuer, scope={"achievement_types": ["Degree"]}))
    fleet["node1"].submit(given)
    for machine in fleet.machines.values():
        eventually(partial(machine.trusts, issuer), f"{machine.name} trusts {issuer}")
    return issuer, given


def since(begun: float, condition: Callable[[], bool]) -> float:
    """Milliseconds from `begun` until it is so."""
    while not condition():
        if time.perf_counter() - begun > 30:
            raise TimeoutError
    return (time.perf_counter() - begun) * 1_000


def revoke(fleet: Fleet, pool: ThreadPoolExecutor) -> tuple[float, float]:
    """Milliseconds until the submitter has its answer, and until the last node enforces a revocation."""
    issuer, given = accredited(fleet)
    body = event(given.id, "revoke", effective_from=int(time.time()) - 1, reason_code="closure")
    said = fleet.town.says(A, "accreditation.status", body, issuer)
    begun = time.perf_counter()

    def refuses(machine: Machine) -> bool:
        return not machine.trusts(issuer)

    waits = [pool.submit(since, begun, partial(refuses, machine)) for machine in fleet.machines.values()]
    fleet["node1"].submit(said)
    answered = (time.perf_counter() - begun) * 1_000
    return answered, max(wait.result() for wait in waits)


def answered(fleet: Fleet) -> float:
    """Milliseconds until a normal submission is answered, at a moment of the tick that nobody chose."""
    said = fleet.town.says(A, "issuer.register", register(f"did:web:issuer{next(_numbers)}.example"))
    time.sleep(0.137 * (next(_numbers) % 7))
    begun = time.perf_counter()
    fleet["node2"].submit(said)
    return (time.perf_counter() - begun) * 1_000


def noted(fleet: Fleet, pool: ThreadPoolExecutor) -> float:
    """Milliseconds from the answer to one statement until every node has a quorum's note of it."""
    fleet["node3"].submit(fleet.town.says(A, "issuer.register", register(f"did:web:issuer{next(_numbers)}.example")))
    begun, wanted = time.perf_counter(), len(fleet.town.said)

    def has_note(machine: Machine) -> bool:
        return int(machine.client.status()["state_note"]["count"]) == wanted

    return max(pool.map(lambda machine: since(begun, partial(has_note, machine)), fleet.machines.values()))


def stream(fleet: Fleet) -> tuple[float, float]:
    """The oldest note and the most statements that one trailed, seen at four nodes under a stream, the fifth dead."""
    alive = [machine for name, machine in fleet.machines.items() if name != f"node{NODES}"]
    fleet[f"node{NODES}"].kill()
    begun, sent, age, trail = time.perf_counter(), 0, 0.0, 0
    while (elapsed := time.perf_counter() - begun) < STREAM_SECONDS:
        due = int(elapsed * STREAM_RATE) - sent
        if due > 0:
            new = [
                fleet.town.says(A, "issuer.register", register(f"did:web:issuer{next(_numbers)}.example"))
                for _ in range(due)
            ]
            alive[sent % len(alive)].submit(*new)
            sent += due
        if elapsed > 10:  # what stood before the stream does not count
            for machine in alive:
                note = machine.client.status()["state_note"]
                age = max(age, float(note["age_seconds"]))
                trail = max(trail, len(fleet.town.said) - int(note["count"]))
    return age, float(trail)


def measure(report: Report, fleet: Fleet) -> None:
    """All of it, runs in turn."""
    normal: list[Sequence[float]] = []
    urgent: list[Sequence[float]] = []
    enforced: list[Sequence[float]] = []
    notes: list[Sequence[float]] = []
    with ThreadPoolExecutor(NODES) as pool:
        for _ in range(RUNS):
            normal.append([answered(fleet) for _ in range(REVOCATIONS)])
            pairs = [revoke(fleet, pool) for _ in range(REVOCATIONS)]
            urgent.append([first for first, _ in pairs])
            enforced.append([last for _, last in pairs])
            notes.append([noted(fleet, pool) for _ in range(REVOCATIONS // 4)])
    every = [value for run in enforced for value in run]
    report.add("normal submission to answer, p50", "ms", [percentile(r, 0.5) for r in normal], at_most=1_100)
    report.add("urgent submission to answer, p50", "ms", [percentile(r, 0.5) for r in urgent], at_most=50)
    report.add("revocation enforced by all 5 nodes, p50", "ms", [percentile(r, 0.5) for r in enforced])
    report.add("revocation enforced by all 5 nodes, p99 of all", "ms", [percentile(every, 0.99)], at_most=300)
    report.add("quorum note at all 5 nodes, slowest", "ms", [max(run) for run in notes], at_most=1_500)
    age, trail = stream(fleet)
    report.add("oldest note under a stream of 50/s, one dead", "s", [age], at_most=30)
    report.add("statements that note trailed", "statements", [trail])


def main() -> None:
    """Measures and reports."""
    report = Report("network")
    names = [f"node{number}" for number in range(1, NODES + 1)]
    with (
        tempfile.TemporaryDirectory() as name,
        founding(Path(name), *names, signers=True, tick_ms=1_000, reconcile_ms=10_000) as fleet,
    ):
        fleet.start()
        fleet.agree()
        measure(report, fleet)
    report.finish()


if __name__ == "__main__":
    main()
