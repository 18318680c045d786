"""Whole nodes for tests: real engine, real SQLite, real files; frames go from runtime to runtime, or over loopback.

async with running(folder, town, "node1") as node:
    await node.runtime.runtime.submit([raw])
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import trio

from accredit.gossip.config import GossipConfig
from accredit.node.clock import SystemClock
from accredit.node.key_files import NodeKeys
from accredit.node.ports import Transport
from accredit.node.runtime.note_sender import NOTE_PATH, NOTE_TYPE
from accredit.node.runtime.runtime import Runtime
from accredit.node.storage.log_store import Store
from accredit.node.storage.signing_guard import SignedHead, SignedState
from accredit.node.sync.initial_sync import Bulk
from accredit.registry.errors import AccreditError, RemoteError
from accredit.registry.transparency.tiles import Tile
from tests.strategies.consortium import Consortium
from tests.strategies.network import node_seed
from tests.strategies.web import Handler, answer

PATIENCE = 10.0
"""Seconds that an answer may take where its asker says nothing."""

TICK = 20
"""Between two appends, ms: tests do not wait for seconds."""


class Links:
    """Carries frames between runtimes in one process. Who is `down` neither hears nor is heard."""

    def __init__(self, name: str = "", of: "Links | None" = None) -> None:
        self.runtimes: dict[str, Runtime] = of.runtimes if of else {}
        self.down: set[str] = of.down if of else set()
        self._name = name

    async def post(
        self,
        peer: str,
        url: str,
        data: bytes,
        *,
        max_bytes: int,
        media_type: str = "application/cose",
        seconds: float = 0.0,
    ) -> tuple[int, bytes]:
        await trio.sleep(0.001)
        name = peer.removesuffix(" notes")
        if self.down & {name, self._name} or name not in self.runtimes:
            raise RemoteError("unreachable", f"{url} does not answer.")
        if url.endswith(NOTE_PATH):
            assert media_type == NOTE_TYPE
            try:
                return 202, await self.runtimes[name].note(data)
            except AccreditError as error:
                return 400, str(error).encode()
        reply = None
        with trio.move_on_after(seconds or PATIENCE):
            reply = await self.runtimes[name].gossip(data)
        if reply is None:
            raise RemoteError("unreachable", f"{url} does not answer in time.")
        assert len(reply.data) <= max_bytes
        return reply.status, reply.data if reply.error is None else str(reply.error).encode()


@dataclass
class RealNode:
    """A node that runs."""

    runtime: Runtime
    store: Store
    keys: NodeKeys


def keys_of(name: str) -> NodeKeys:
    """The keys that `network.node_entry` publishes."""
    return NodeKeys(name=name, **{role: node_seed(name, role) for role in ("peer", "log", "witness", "state")})


@asynccontextmanager
async def running(
    folder: Path,
    town: Consortium,
    name: str,
    *,
    transport: Transport | None = None,
    clock: SystemClock | None = None,
    progress: Callable[[int, int], None] | None = None,
    gossip: GossipConfig | None = None,
    workers: int = 1,
    bulk: Bulk | None = None,
) -> AsyncIterator[RealNode]:
    """A node with its files in `folder`, from open to a graceful stop."""
    links = transport or Links()
    keys = keys_of(name)
    with Store.open(folder / f"{name}.db", ecosystem=town.eco, origin=name) as store:
        runtime = await Runtime.open(
            store=store,
            head=SignedHead(folder / "heads" / f"{name}.json"),
            state=SignedState(folder / "heads" / f"{name}-state.json"),
            keys=keys,
            peers=Links(name, links) if isinstance(links, Links) else links,
            clock=clock or SystemClock(),
            random=Random(name),
            tick=TICK,
            gossip=gossip or GossipConfig(root_interval=100, backoff_min=50),
            progress=progress,
            workers=workers,
            bulk=bulk,
        )
        if isinstance(links, Links):
            links.runtimes[name] = runtime
        async with trio.open_nursery() as nursery:
            await nursery.start(runtime.run)
            yield RealNode(runtime=runtime, store=store, keys=keys)
            await runtime.stop()
    if isinstance(links, Links):
        del links.runtimes[name]


def public_files(node: RealNode) -> Handler:
    """What a joining node asks for, and gossip, as the HTTP side serves them."""

    async def handle(line: str, body: bytes, stream: trio.abc.Stream) -> None:
        path = line.split(" ")[1]
        status, data = 200, b""
        if path == "/gossip":
            reply = await node.runtime.gossip(body)
            status, data = reply.status, reply.data
        elif path == "/v1/genesis":
            data = node.store.entry(0) or b""
        elif path == "/log/checkpoint":
            signed = node.store.checkpoint()
            status, data = (200, signed[1].encode()) if signed else (404, b"")
        else:
            tile = Tile.decode_path(path.removeprefix("/log/"))
            data = node.store.tile(tile.level, tile.index, tile.width) or b""
            status = 200 if data else 404
        await stream.send_all(answer(data, status=status))

    return handle


async def until(condition: Callable[[], bool], *, seconds: float = 10.0) -> None:
    """Waits until something is so; fails after `seconds`."""
    with trio.fail_after(seconds):
        while not condition():
            await trio.sleep(0.01)
