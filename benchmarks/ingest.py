"""How fast a node takes in a log: in bulk, from tiles over loopback, and its own when it starts again.

Targets (performance.md): bulk ingest, every signature verified, map updated, `synchronous=FULL`: ≥ 5,000 statements/s
per core; a new node takes in 10⁶ statements from tiles in ≤ 200 s on two cores, which is 5,000/s; memory of a node at
10⁵ statements ≤ 200 MiB.

* *in bulk, one core*: files at hand, nothing beside this process; decoded, verified, admitted, folded, stored.
* *in bulk, all cores*: the same with a process a core; and the ratio of the two.
* *from tiles*: a whole node in another process serves them over HTTP, on the same cores.
* *restart*: the same log from the database, on one core and on all.
* *memory*: what a process that has started with that log has in memory (`VmRSS`).

    python3 dev.py bench ingest                                     20,000 statements, three runs: a minute
    ACCREDIT_BENCHMARK_STATEMENTS=100000 python3 dev.py bench ingest

A statement is what a registry mostly holds: issuers, accreditations, some of them suspended; 420 bytes on average.
Beside the clock stands the CPU: of all processes, which is the work; and of the node's own, which is what more cores
cannot take off it. Other programs on the machine change these little.
"""

import gc
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from shutil import rmtree
from time import perf_counter, process_time
from typing import Final, cast

import trio

from accredit.node.app import Node, Ports, open_node
from accredit.node.clients.peer_http import Peers
from accredit.node.clock import SystemClock
from accredit.node.http.serve import serve
from accredit.node.settings import NodeConfig
from accredit.node.storage.log_store import Store
from accredit.node.sync.initial_sync import Bulk
from accredit.node.sync.verify_pool import cores
from benchmarks.harness import Report
from tests.strategies.consortium import Consortium
from tests.strategies.network import storied
from tests.strategies.public_log import PublicLog
from tests.strategies.real_node import Links, keys_of

STATEMENTS: Final = int(os.environ.get("ACCREDIT_BENCHMARK_STATEMENTS", "20000"))
RUNS: Final = 3
RATE: Final = "statements/s"

HOST: Final = "node1"
GUEST: Final = "node2"


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


def settings(folder: Path, name: str, eco: bytes) -> NodeConfig:
    """Those of a node with its files in a folder of its name."""
    files, heads = folder / name, folder / f"{name}-heads"
    return NodeConfig(
        name=name, ecosystem=eco.hex(), data_dir=str(files), heads_dir=str(heads), host="127.0.0.1", port=0
    )


async def opened(config: NodeConfig, stack: ExitStack, workers: int = 1, bulk: Bulk | None = None) -> Node:
    """A node, ready to run."""
    ports = Ports(clock=SystemClock(), peers=cast(Peers, Links()), random=Random(1))
    return await open_node(config, keys_of(config.name), ports, stack, workers=workers, bulk=bulk)


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """What a start took: seconds by the clock, of CPU in all processes and in the node's own; its statements."""

    clock: float
    work: float
    own: float
    statements: int


@contextmanager
def started(folder: Path, eco: bytes, statements: int, workers: int, bulk: Bulk | None = None) -> Iterator[Took]:
    """Starts a node, until it is ready to run with so many statements; it is there as long as the block lasts."""
    gc.collect()
    with ExitStack() as stack:
        clock, own, others = perf_counter(), process_time(), _others()
        node = trio.run(opened, settings(folder, GUEST, eco), stack, workers, bulk)
        clock, own = perf_counter() - clock, process_time() - own
        assert node.runtime.engine.size == statements, "the log was not taken in"
        yield Took(clock=clock, own=own, work=own + _others() - others, statements=statements)


def took(folder: Path, eco: bytes, statements: int, workers: int, bulk: Bulk | None = None) -> Took:
    """Starts a node as `started` does, and ends it."""
    with started(folder, eco, statements, workers, bulk) as found:
        return found


def _others() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def measure(statements: int, runs: int) -> Report:
    """All figures."""
    town, report, many = storied(HOST, statements), Report("ingest"), cores()
    at_hand, held, found = AtHand(PublicLog.of(town)), len(town.said), dict[str, list[Took]]()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with _host(folder, town) as url:
            for _ in range(runs):
                for what, workers in (("in bulk, one core", 1), ("in bulk, all cores", many)):
                    _forget(folder)
                    bulk = Bulk(at_hand, ["http://log"], workers=workers)
                    found.setdefault(what, []).append(took(folder, town.eco, held, workers, bulk))
                found.setdefault("restart, one core", []).append(took(folder, town.eco, held, 1))
                found.setdefault("restart, all cores", []).append(took(folder, town.eco, held, many))
                _forget(folder)
                bulk = Bulk(Peers(), [url], workers=many)
                found.setdefault("from tiles over HTTP", []).append(took(folder, town.eco, held, many, bulk))
        memory = [_memory(folder, town.eco, held) for _ in range(runs)]
    for what, runs_of_it in found.items():
        report.add(what, RATE, [each.statements / each.clock for each in runs_of_it], at_least=_target(what))
        report.add(f"{what}, by its work", "statements/CPU s", [each.statements / each.work for each in runs_of_it])
        if "one core" not in what:
            own = [each.statements / each.own for each in runs_of_it]
            report.add(f"{what}, by the node's own work", "statements/CPU s", own)
    for what in ("in bulk", "restart"):
        pairs = zip(found[f"{what}, one core"], found[f"{what}, all cores"], strict=True)
        report.add(f"{what}, {many} cores to one", "×", [one.clock / all_.clock for one, all_ in pairs])
    report.add(f"memory with {held:,} statements", "MiB", memory, at_most=200.0)
    return report


def _target(what: str) -> float | None:
    return {"in bulk, one core": 5_000.0, "from tiles over HTTP": 5_000.0}.get(what)


def _forget(folder: Path) -> None:
    for path in folder.glob(f"{GUEST}*"):
        rmtree(path)


class _host:
    """A node with the whole log, in a process of its own, as long as the block lasts; gives its URL."""

    def __init__(self, folder: Path, town: Consortium) -> None:
        self._folder = folder
        with Store.open(settings(folder, HOST, town.eco).database, ecosystem=town.eco, origin=HOST) as store:
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
    config = settings(folder, HOST, eco)
    with ExitStack() as stack:
        node = await opened(config, stack)
        async with trio.open_nursery() as nursery:
            await nursery.start(node.runtime.run)
            url = await nursery.start(partial(serve, node.application(), config))
            sys.stdout.write(f"{url}\n")
            sys.stdout.flush()
            await trio.sleep_forever()


def _memory(folder: Path, eco: bytes, statements: int) -> float:
    words = [sys.executable, "-m", "benchmarks.ingest", "memory", str(folder), eco.hex(), str(statements)]
    return float(subprocess.run(words, stdout=subprocess.PIPE, check=True, text=True).stdout)


def main(words: Sequence[str] = ()) -> None:
    """Measures and reports; or is one of the processes that this takes."""
    match words:
        case ["host", folder, eco]:
            trio.run(_serve, Path(folder), bytes.fromhex(eco))
        case ["memory", folder, eco, statements]:
            with started(Path(folder), bytes.fromhex(eco), int(statements), 1):
                gc.collect()
                status = Path("/proc/self/status").read_text()
            line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
            sys.stdout.write(f"{int(line.split()[1]) / 1024}\n")
        case _:
            measure(STATEMENTS, RUNS).finish()


if __name__ == "__main__":
    main(sys.argv[1:])
