"""Whole nodes for tests: real engine, real SQLite, real files; frames go from runtime to runtime, or over loopback.

async with running(folder, town, "node1") as node:
    await node.runtime.submit([raw])
"""

from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any, cast

import trio

from accredit.gossip.protocol.config import GossipConfig
from accredit.node.app import Node, Ports, open_node
from accredit.node.clients.peer_http import Peers
from accredit.node.clock import Clock, SystemClock
from accredit.node.files.key_files import ROLES, NodeKeys
from accredit.node.ports import Transport
from accredit.node.runtime.note_sender import NOTE_PATH, NOTE_TYPE
from accredit.node.runtime.runtime import Runtime
from accredit.node.settings import NodeConfig
from accredit.node.sync.initial_sync import Bulk
from accredit.registry.errors import AccreditError, RemoteError
from accredit.registry.transparency.equivocation import Conflict
from accredit.registry.transparency.tiles import Tile
from tests.strategies.consortium import Consortium
from tests.strategies.network import node_seed
from tests.strategies.web import Handler, answer

PATIENCE = 60.0
"""Seconds until something that should happen is taken for something that never will."""

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


def keys_of(name: str) -> NodeKeys:
    """The keys that `network.node_entry` publishes."""
    return NodeKeys.of_seeds(name, {role: node_seed(name, role) for role in ROLES})


def config_of(folder: Path, town: Consortium, name: str, **settings: Any) -> NodeConfig:
    """Settings of a node with its files in `folder`: `NAME/node.sqlite`, `heads/NAME/`."""
    return NodeConfig(
        name=name,
        ecosystem=town.eco.hex(),
        data_dir=str(folder / name),
        heads_dir=str(folder / "heads" / name),
        tick_ms=TICK,
        **{"host": "127.0.0.1", "port": 0, **settings},
    )


@asynccontextmanager
async def running(
    folder: Path,
    town: Consortium,
    name: str,
    *,
    transport: Transport | None = None,
    clock: Clock | None = None,
    progress: Callable[[int, int], None] | None = None,
    gossip: GossipConfig | None = None,
    workers: int = 1,
    bulk: Bulk | None = None,
    on_conflict: Callable[[Conflict], None] | None = None,
    **settings: Any,
) -> AsyncIterator[Node]:
    """A node with its files in `folder`, from open to a graceful stop; it serves and witnesses nothing by itself."""
    links = transport or Links()
    peers = Links(name, links) if isinstance(links, Links) else links
    ports = Ports(clock=clock or SystemClock(), peers=cast(Peers, peers), random=Random(name))
    with ExitStack() as stack:
        node = await open_node(
            config_of(folder, town, name, **settings),
            keys_of(name),
            ports,
            stack,
            gossip=gossip or GossipConfig(root_interval=100, backoff_min=50),
            workers=workers,
            loaded=progress,
            bulk=bulk,
            on_conflict=on_conflict,
        )
        if isinstance(links, Links):
            links.runtimes[name] = node.runtime
        async with trio.open_nursery() as nursery:
            await nursery.start(node.runtime.run)
            yield node
            await node.runtime.stop()
    if isinstance(links, Links):
        del links.runtimes[name]


def public_files(node: Node) -> Handler:
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


async def until(condition: Callable[[], bool], *, seconds: float = PATIENCE) -> None:
    """Waits until something is so; fails after `seconds`."""
    with trio.fail_after(seconds):
        while not condition():
            await trio.sleep(0.01)
