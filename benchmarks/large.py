"""A log of 10^6 statements: how soon a node has folded it, starts again, has taken it in from tiles; and its memory.

Targets (performance.md): ready 5 s after a start, clean or after `kill -9`; 512 MiB; 10^6 statements taken in from
tiles on two cores within 200 s; one more statement at most 1.5 x what it costs at 10^4, and a question too.

The nodes are processes as an operator runs them. All that is said is in the first one's log before it ever runs, so
that its first start folds everything: as after a new version of the fold. A second node, which nobody knows, then takes
the log in from the first one's tiles, with a process that checks signatures for each core and the serving node on the
same cores. Memory is what the kernel counts as the node's own, at rest and at its most (`VmRSS`, `VmHWM`); processes
that check signatures end with the start, and are not in it.

    ACCREDIT_BENCHMARK_STATEMENTS=1000000 python3 dev.py bench large        twenty minutes, 4 GB of disk
    python3 dev.py bench --long                                             with all the others

Without that setting it measures 20,000 statements, which shows that it works. The 10^4 that some figures are compared
with are a node of their own in the same run. Files are made in TMPDIR.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import perf_counter, sleep
from typing import Any, Final

import httpx

from accredit.node.storage.log_store import Store
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.statement import Draft, encode_signed, statement_id
from benchmarks.harness import Report
from tests.strategies.bodies import event, grant, register
from tests.strategies.consortium import Consortium, Pen
from tests.strategies.fleet import Fleet, Machine, founding, quiet_port
from tests.strategies.network import A, B

STATEMENTS: Final = int(os.environ.get("ACCREDIT_BENCHMARK_STATEMENTS", "20000"))
FEW: Final = 10_000
BATCH: Final = 4_096
MORE: Final = 1_000
"""Statements submitted, and questions asked, to see what one costs."""

PATIENCE: Final = 7_200.0
_MIB: Final = 1024.0


class SigningPen:
    """One key that signs without looking at what it has signed: ten thousand statements a second."""

    def __init__(self, pen: Pen, town: Consortium) -> None:
        self._pen, self._pair, self._town = pen, KeyPair(pen.seed), town

    def says(self, kind: str, body: dict[str, Any], sub: str) -> tuple[bytes, bytes]:
        """Id and bytes of one statement, which introduces no key."""
        pen, town = self._pen, self._town
        town.time += 1
        draft = Draft(
            iss=pen.authority, sub=sub, iat=town.time, eco=town.eco, kind=kind, seq=pen.seq, prev=pen.prev, body=body
        )
        id, raw = statement_id(draft, pen.kid), encode_signed(draft, self._pair)
        pen.seq, pen.prev = pen.seq + 1, id
        return id, raw


def issuer(number: int) -> str:
    """The id of an issuer."""
    return f"did:web:i{number}.example"


def story(town: Consortium) -> Iterator[tuple[bytes, bytes]]:
    """Endless: an issuer is registered and accredited, every third is suspended; ids and bytes."""
    registrar, accreditor = (SigningPen(town.pen(f"{by}#1"), town) for by in (A, B))
    number = 0
    while True:
        yield registrar.says("issuer.register", register(issuer(number)), issuer(number))
        granted = accreditor.says("accreditation.grant", grant(issuer(number)), issuer(number))
        yield granted
        if number % 3 == 0:
            yield accreditor.says("accreditation.status", event(granted[0], "suspend"), issuer(number))
        number += 1


def fill(machine: Machine, town: Consortium, more: Iterator[tuple[bytes, bytes]], many: int) -> None:
    """So many statements in a node's log, which has not run yet."""
    batch = [(each.id, each.raw) for each in town.said]
    with Store.open(machine.database, ecosystem=town.eco, origin=machine.name) as store:
        while many > 0:
            while len(batch) < min(BATCH, many):
                batch.append(next(more))
            store.append(batch)
            many -= len(batch)
            batch = []


# ---------------------------------------------------------------------------------------------------- the process


def kibibytes(machine: Machine, name: str) -> float:
    """A line of what the kernel says of a node's memory."""
    assert machine.process is not None
    status = Path(f"/proc/{machine.process.pid}/status").read_text()
    return float(next(line for line in status.splitlines() if line.startswith(name)).split()[1])


def seconds_of_processor(machine: Machine, *, with_children: bool = False) -> float:
    """Processor time of a node's own process, or of the processes too that it has started and that have ended."""
    assert machine.process is not None
    fields = Path(f"/proc/{machine.process.pid}/stat").read_text().rpartition(") ")[2].split()
    ticks = sum(map(int, fields[11 : 15 if with_children else 13]))
    return ticks / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Began:
    """A start: seconds until the node was ready, of processor in all its processes and in its own; MiB at its most."""

    clock: float
    work: float
    own: float
    most: float


def begin(machine: Machine) -> Began:
    """Starts a node; returns once it is ready."""
    begun = perf_counter()
    machine.start(ready="")
    machine.node.wait_until_answers("/readyz", seconds=PATIENCE)
    return Began(
        clock=perf_counter() - begun,
        work=seconds_of_processor(machine, with_children=True),
        own=seconds_of_processor(machine),
        most=kibibytes(machine, "VmHWM") / _MIB,
    )


# -------------------------------------------------------------------------------------------------------- figures


def cost_of_more(machine: Machine, more: Iterator[tuple[bytes, bytes]]) -> float:
    """Microseconds of processor that one statement more costs, submitted with others."""
    before = seconds_of_processor(machine)
    for _ in range(4):
        answer = machine.client.submit([raw for _, raw in (next(more) for _ in range(MORE // 4))])
        assert {row["status"] for row in answer["statements"]} == {"logged"}, answer
    return (seconds_of_processor(machine) - before) / MORE * 1e6


def cost_of_questions(machine: Machine, issuers: int) -> float:
    """Microseconds of processor that a question costs, each about another issuer."""
    random = Random(1)
    with httpx.Client(base_url=machine.url, trust_env=False, timeout=60) as client:
        before = seconds_of_processor(machine)
        for _ in range(MORE):
            asked = {"issuer": issuer(random.randrange(issuers)), "achievement_type": "Degree"}
            client.post("/v1/decisions", json=asked).raise_for_status()
        return (seconds_of_processor(machine) - before) / MORE * 1e6


def measure(report: Report, fleet: Fleet, few: tuple[float, float]) -> None:
    """A log folded, the node started again and killed, and what the log costs afterwards; then it is taken in."""
    node, count, more = fleet["node1"], f"{STATEMENTS:,} statements", story(fleet.town)
    fill(node, fleet.town, more, STATEMENTS)
    first = begin(node)
    node.stop()
    clean = begin(node)
    report.add(f"{count} folded at the first start", "s", [first.clock])
    report.add(f"{count} folded at the first start, by its work", "statements/CPU s", [STATEMENTS / first.work])
    report.add(f"{count}: most memory of a node that folds them", "MiB", [first.most])
    report.add(f"{count}: ready after a clean stop", "s", [clean.clock], at_most=5.0)
    several = costs(node, more, STATEMENTS)
    report.add(f"process with {count}", "MiB", [kibibytes(node, "VmRSS") / _MIB], at_most=_memory())
    node.kill()
    killed = begin(node)
    report.add(f"{count}: ready after kill -9", "s", [killed.clock], at_most=5.0)
    for what, before, after in zip(("a question", "one statement more"), few, several, strict=True):
        report.add(f"{what}, {FEW:,} statements", "us of processor", [before])
        report.add(f"{what}, {count}", "us of processor", [after])
        report.add(f"{what}, {count} to {FEW:,}", "x", [after / before], at_most=1.5)
    took, guest = take_in(fleet, node)
    report.add(f"{count} taken in from tiles", "s", [took], at_most=STATEMENTS / 5_000)
    work = seconds_of_processor(guest, with_children=True)
    report.add(f"{count} taken in from tiles, by its work", "statements/CPU s", [STATEMENTS / work])
    most = kibibytes(guest, "VmHWM") / _MIB
    report.add(f"{count}: most memory of a node that takes them in", "MiB", [most], at_most=_memory())


def costs(node: Machine, more: Iterator[tuple[bytes, bytes]], statements: int) -> tuple[float, float]:
    """What a question costs and what one statement more does, microseconds of processor."""
    return cost_of_questions(node, statements * 3 // 7), cost_of_more(node, more)


def take_in(fleet: Fleet, node: Machine) -> tuple[float, Machine]:
    """A new node takes in the log of another; seconds until it holds all."""
    guest = Machine.at("node2", fleet.folder / "guest", quiet_port())
    guest.set_up(fleet.town, peers=[{"url": node.url, "key": "00" * 32}])
    fleet.machines["node2"] = guest
    size = held(node)
    begun = perf_counter()
    guest.start(ready="")
    guest.node.wait_until_answers("/healthz", seconds=PATIENCE)
    while held(guest) < size:
        guest.node.check_runs()
        sleep(0.1)
    return perf_counter() - begun, guest


def held(machine: Machine) -> int:
    """How many statements a node holds; none while it starts."""
    status = httpx.get(f"{machine.url}/v1/status", trust_env=False, timeout=60)
    return int(status.json()["size"]) if status.status_code == 200 else 0


def _memory() -> float | None:
    """MiB: what the design allows for so many."""
    return {100_000: 128.0, 1_000_000: 512.0}.get(STATEMENTS)


def main() -> None:
    """Measures and reports."""
    report = Report("large")
    with tempfile.TemporaryDirectory() as name:
        with _founded(Path(name) / "few") as fleet:
            more = story(fleet.town)
            fill(fleet["node1"], fleet.town, more, FEW)
            begin(fleet["node1"])
            few = costs(fleet["node1"], more, FEW)
        with _founded(Path(name) / "many") as fleet:
            measure(report, fleet, few)
    report.finish()


def _founded(folder: Path) -> AbstractContextManager[Fleet]:
    return founding(folder, "node1", signers=True, tick_ms=1_000, submissions_per_minute=1_000_000)


if __name__ == "__main__":
    main()
