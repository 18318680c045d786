"""How fast a node takes in a log: in bulk, from tiles over loopback, and its own when it starts again.

Targets (performance.md): bulk ingest, every signature verified, map updated, `synchronous=FULL`: ≥ 4,000 statements/s
per core; a new node takes in 10⁶ statements from tiles in ≤ 200 s on two cores, which is 5,000/s; memory of a node at
10⁵ statements ≤ 200 MiB.

* *in bulk, one core*: files at hand, nothing beside this process; decoded, verified, admitted, folded, stored.
* *in bulk, all cores*: the same with a process a core; and the ratio of the two.
* *from tiles*: a whole node in another process serves them over HTTP, on the same cores.
* *restart*: the same log from the database, on one core and on all.
* *memory*: the largest resident size of a process that does nothing but start with that log.

    python -m benchmarks.ingest [ENTRIES] [RUNS]          by default 20,000 and 3: a minute

A statement is what a registry mostly holds: issuers, accreditations, some of them suspended; 420 bytes on average.
Statements per second of CPU, which other programs on the machine do not change, stand beside those of the clock.
"""

import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import Random
from time import perf_counter, process_time
from typing import Final

import trio

from benchmarks.harness import Report
from node.bulk import Bulk
from node.clock import SystemClock
from node.config import NodeConfig
from node.heads import SignedHead, SignedState
from node.peers import Peers
from node.pool import cores
from node.runtime import Runtime
from node.serve import serve
from node.store import Store
from tests.strategies.bodies import event, grant, register
from tests.strategies.consortium import Consortium
from tests.strategies.network import A, B, founded
from tests.strategies.public_log import PublicLog
from tests.strategies.real_node import Links, keys_of

ENTRIES: Final = 20_000
RUNS: Final = 3
RATE: Final = "statements/s"

HOST: Final = "node1"
GUEST: Final = "node2"


def storied(many: int) -> Consortium:
    """An ecosystem in which much was said."""
    town, number = founded(HOST), 0
    while len(town.said) < many:
        issuer = f"did:web:i{number}.example"
        town.says(A, "issuer.register", register(issuer))
        granted = town.says(B, "accreditation.grant", grant(issuer))
        if number % 3 == 0:
            town.says(B, "accreditation.status", event(granted.id, "suspend"), issuer)
        number += 1
    return town


class AtHand:
    """Another node's files, in memory."""

    def __init__(self, log: PublicLog) -> None:
        self._log = log

    async def get(self, peer: str, url: str, *, max_bytes: int) -> bytes:
        """One file."""
        data = self._log.file("/" + url.split("/", 3)[3])
        assert data is not None, (peer, url)
        assert len(data) <= max_bytes
        return data


async def opened(folder: Path, store: Store, bulk: Bulk | None, workers: int) -> Runtime:
    """A node, ready to run."""
    return await Runtime.open(
        store=store,
        head=SignedHead(folder / f"{store.origin}.head"),
        state=SignedState(folder / f"{store.origin}.state"),
        keys=keys_of(store.origin),
        peers=Links(),
        clock=SystemClock(),
        random=Random(1),
        workers=workers,
        bulk=bulk,
    )


def took(folder: Path, eco: bytes, workers: int, bulk: Bulk | None = None) -> tuple[float, float, int]:
    """Seconds by the clock and of CPU (all processes) until a node is ready; and its statements."""
    with Store.open(folder / f"{GUEST}.db", ecosystem=eco, origin=GUEST) as store:
        began, busy = perf_counter(), _busy()
        runtime = trio.run(opened, folder, store, bulk, workers)
        if bulk is not None:  # as the running node does at once: what the last batch brought about is fed
            store.add_changes([], size=store.size())
        return perf_counter() - began, _busy() - busy, runtime.engine.size


def _busy() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return process_time() + children.ru_utime + children.ru_stime


class Measured:
    """Rates of each run, by name."""

    def __init__(self) -> None:
        self.by_clock: dict[str, list[float]] = {}
        self.by_cpu: dict[str, list[float]] = {}

    def add(self, name: str, found: tuple[float, float, int]) -> None:
        seconds, busy, entries = found
        self.by_clock.setdefault(name, []).append(entries / seconds)
        self.by_cpu.setdefault(name, []).append(entries / busy)


def measure(entries: int, runs: int) -> Report:
    """All figures."""
    town, report, measured, all_cores = storied(entries), Report("ingest"), Measured(), cores()
    at_hand = AtHand(PublicLog.of(town))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with _host(folder, town) as url:
            for _ in range(runs):
                for what, workers in (("in bulk, one core", 1), ("in bulk, all cores", all_cores)):
                    _forget(folder)
                    measured.add(what, took(folder, town.eco, workers, Bulk(at_hand, ["http://log"], workers=workers)))
                measured.add("restart, one core", took(folder, town.eco, 1))
                measured.add("restart, all cores", took(folder, town.eco, all_cores))
                _forget(folder)
                bulk = Bulk(Peers(), [url], workers=all_cores)
                measured.add("from tiles over HTTP, all cores", took(folder, town.eco, all_cores, bulk))
        memory = [_memory(folder, town.eco) for _ in range(runs)]
    for what, rates in measured.by_clock.items():
        report.add(what, RATE, rates, at_least=_target(what))
        report.add(f"{what}, of CPU", "statements/CPU s", measured.by_cpu[what])
    for what in ("in bulk", "restart"):
        pairs = zip(measured.by_clock[f"{what}, all cores"], measured.by_clock[f"{what}, one core"], strict=True)
        report.add(f"{what}, {all_cores} cores to one", "×", [many / one for many, one in pairs])
    report.add(f"memory with {len(town.said):,} statements", "MiB", memory, at_most=200.0)
    return report


def _target(what: str) -> float | None:
    return {"in bulk, one core": 4_000.0, "from tiles over HTTP, all cores": 5_000.0}.get(what)


def _forget(folder: Path) -> None:
    for path in folder.glob(f"{GUEST}*"):
        path.unlink()


class _host:
    """A node with the whole log, in a process of its own, as long as the block lasts; gives its URL."""

    def __init__(self, folder: Path, town: Consortium) -> None:
        self._folder = folder
        with Store.open(folder / f"{HOST}.db", ecosystem=town.eco, origin=HOST) as store:
            store.append([(each.id, each.raw) for each in town.said])
        self._eco = town.eco

    def __enter__(self) -> str:
        words = [sys.executable, "-m", "benchmarks.ingest", "host", str(self._folder), self._eco.hex()]
        self._process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


async def _serve(folder: Path, eco: bytes) -> None:
    with Store.open(folder / f"{HOST}.db", ecosystem=eco, origin=HOST) as store:
        runtime = await opened(folder, store, None, 1)
        async with trio.open_nursery() as nursery:
            await nursery.start(runtime.run)
            url = await nursery.start(serve, runtime, NodeConfig(name=HOST, host="127.0.0.1", port=0))
            sys.stdout.write(f"{url}\n")
            sys.stdout.flush()
            await trio.sleep_forever()


def _memory(folder: Path, eco: bytes) -> float:
    words = [sys.executable, "-m", "benchmarks.ingest", "memory", str(folder), eco.hex()]
    return float(subprocess.run(words, stdout=subprocess.PIPE, check=True, text=True).stdout)


def main(words: Sequence[str]) -> None:
    """Measures and reports; or is one of the processes that this takes."""
    match words:
        case ["host", folder, eco]:
            trio.run(_serve, Path(folder), bytes.fromhex(eco))
        case ["memory", folder, eco]:
            took(Path(folder), bytes.fromhex(eco), 1)
            sys.stdout.write(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}\n")
        case _:
            entries, runs = (*map(int, words), *(ENTRIES, RUNS)[len(words) :])
            measure(entries, runs).finish()


if __name__ == "__main__":
    main(sys.argv[1:])
