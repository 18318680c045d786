"""How long the simulator takes, engines in virtual time on one core. Target (performance.md): 60 s each.

Once each, for they take long: 1,000 nodes and a hundred statements within two seconds; 10,000 nodes and one urgent
statement. The second one gives each node 16 acquaintances in place of more, for the sake of memory. Seconds are those
of processor, which on an idle machine are those of the clock: other programs disturb them less.

    python3 dev.py bench simulator
"""

from collections.abc import Mapping
from typing import Final

from accredit.simulations.run.run import run
from accredit.simulations.scenarios import SCENARIOS
from benchmarks.evidence import seconds_of
from benchmarks.harness import Report

CASES: Final[tuple[tuple[str, str, Mapping[str, float]], ...]] = (
    ("1,000 nodes × 100 statements", "rush", {"nodes": 1_000}),
    (
        "10,000 nodes × 1 urgent statement",
        "revocation",
        {"nodes": 10_000, "seconds": 1.5, "grants": 2, "gossip.acquaintances": 16},
    ),
)


def main() -> None:
    """Measures and reports."""
    report = Report("simulator")
    for name, scenario, changes in CASES:
        events: list[int] = []

        def work(scenario: str = scenario, changes: Mapping[str, float] = changes, events: list[int] = events) -> None:
            outcome = run(SCENARIOS[scenario], changes)
            assert outcome.failure is None, outcome.failure
            events.append(outcome.events)

        seconds = seconds_of(work)
        report.add(name, "s of processor", [seconds], at_most=60)
        report.add(f"{name}: events", "/s", [events[0] / seconds])
    report.finish()


if __name__ == "__main__":
    main()
