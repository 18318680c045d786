"""How long a witness takes to cosign a checkpoint that grew by one entry. Target (performance.md): p99 ≤ 10 ms.

Three figures, each from the inside out, one request after the other as a log sends them:

* the bare write: one compare-and-set in SQLite, `synchronous=FULL`; what durability costs on this disk;
* the witness in process: request read, two signatures and a proof checked, kept, cosigned;
* the same over HTTP on loopback, with one connection kept alive.
"""

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Final

import httpx
import trio

from accredit.node.clock import SystemClock
from accredit.node.http.serve import serve
from accredit.node.storage.log_store import Store
from accredit.node.witness.server import NodeWitness
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.transparency.witness import Refused
from benchmarks.harness import RUNS, Report, percentile
from tests.strategies.network import founded, node_seed
from tests.strategies.real_node import running
from tests.strategies.witnessed import Tree

REQUESTS: Final = 200
"""In one run: the third slowest is the p99."""

NAME: Final = "node1"
TREE: Final = Tree("log.example", RUNS * (REQUESTS + 1) + 1)
BODIES: Final = [TREE.request(size, size + 1).encode() for size in range(len(TREE.leaves))]


def witness_on(store: Store) -> NodeWitness:
    """One that knows the log of this module."""
    return NodeWitness(
        name=NAME,
        signer=KeyPair(node_seed(NAME, "witness")),
        held=store,
        store=store,
        log_key={TREE.name: TREE.key.public}.get,
        clock=SystemClock(),
    )


async def timings(ask: "Ask", start: int) -> list[float]:
    """Milliseconds of each request, from size `start` on; the first is not counted."""
    await ask(start)
    found = []
    for size in range(start + 1, start + REQUESTS + 1):
        began = perf_counter()
        await ask(size)
        found.append((perf_counter() - began) * 1_000)
    return found


Ask = Callable[[int], Awaitable[None]]


@asynccontextmanager
async def bare(folder: Path) -> AsyncIterator[Ask]:
    """The bare write."""
    notes = [TREE.note(size) for size in range(len(TREE.leaves) + 1)]
    with Store.open(folder / "bare.db", ecosystem=bytes(32), origin=NAME) as store:

        async def ask(size: int) -> None:
            before = notes[size - 1] if size > 1 else None
            assert await trio.to_thread.run_sync(store.swap, "x", before, notes[size])

        yield ask


@asynccontextmanager
async def in_process(folder: Path) -> AsyncIterator[Ask]:
    """The witness without HTTP."""
    with Store.open(folder / "process.db", ecosystem=bytes(32), origin=NAME) as store:
        witness = witness_on(store)

        async def ask(size: int) -> None:
            assert not isinstance(await witness.add_checkpoint(BODIES[size - 1]), Refused)

        yield ask


@asynccontextmanager
async def over_http(folder: Path) -> AsyncIterator[Ask]:
    """A whole node on loopback."""
    town = founded(NAME)
    async with running(folder, town, NAME) as node, trio.open_nursery() as nursery:
        stop = trio.Event()
        url = await nursery.start(partial(serve, node.application(), node.config, shutdown=stop.wait))
        async with httpx.AsyncClient(trust_env=False) as client:

            async def ask(size: int) -> None:
                response = await client.post(f"{url}/witness/add-checkpoint", content=BODIES[size - 1])
                assert response.status_code == 200, response.text

            yield ask
        stop.set()


async def measure(report: Report) -> None:
    """All three, in turn in every run, so that a busy disk is busy for all."""
    runs: dict[str, list[list[float]]] = {"bare write": [], "in process": [], "over HTTP": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with bare(folder) as floor, in_process(folder) as inside, over_http(folder) as outside:
            for run in range(RUNS):
                for ask, found in zip((floor, inside, outside), runs.values(), strict=True):
                    found.append(await timings(ask, 1 + run * (REQUESTS + 1)))
    for what, found in runs.items():
        bound = 10.0 if what == "over HTTP" else None
        report.add(f"add-checkpoint, {what}, p50", "ms", [percentile(run, 0.5) for run in found])
        report.add(f"add-checkpoint, {what}, p99", "ms", [percentile(run, 0.99) for run in found], at_most=bound)
    for what in ("in process", "over HTTP"):
        for fraction in (0.5, 0.99):
            pairs = zip(runs[what], runs["bare write"], strict=True)
            ratios = [percentile(run, fraction) / percentile(least, fraction) for run, least in pairs]
            report.add(f"{what} to bare write, p{fraction * 100:.0f}", "×", ratios)


def main() -> None:
    """Measures and reports."""
    report = Report("witness")
    trio.run(measure, report)
    report.finish()


if __name__ == "__main__":
    main()
