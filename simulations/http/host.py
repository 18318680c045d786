"""One node over simulated wires: the node that `node.app` assembles, with its files in a folder.

    host = HttpHost(world, "n0000.example", folder)
    host.start()
    host.submit((raw,), answer)         a client somewhere posts a statement
    host.crash()

It has the attributes of a simulated `host.Host` that checkers, figures and people use: engine, disk, announced ids.
A crash cancels every task of the node at once, wherever it is, and leaves its files; a start opens them again.

Blocking work runs in the task itself, with some milliseconds of disk time before and after it, so that other tasks run
in between, as they do beside a worker thread.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Final, Protocol, TypeVar, cast

import httpx
import trio

from accredit.node.app import Ports, open_node
from accredit.node.clients.peer_http import Peers
from accredit.node.engine import Appended, Engine, Event, SubmissionResult
from accredit.node.engine.quorum_state import NotedMap
from accredit.node.files.key_files import ROLES, NodeKeys
from accredit.node.http.serve import bounds_of
from accredit.node.http.server import Server
from accredit.node.runtime.runtime import Runtime
from accredit.node.settings import NodeConfig
from accredit.node.storage.log_store import Store, open_reader
from accredit.registry.errors import InputError
from accredit.registry.statement import Statement, decode
from accredit.simulations.virtual.checker import Checker
from accredit.simulations.virtual.metrics import RunMetrics
from accredit.simulations.virtual.physics.disk import SYNC_MS
from accredit.simulations.virtual.physics.shared_list import SharedList
from accredit.simulations.virtual.ports import Answer, WorldView

from .clock import HostClock
from .virtual_sockets import End, VirtualWires

T = TypeVar("T")

PEOPLE: Final = "people.example"
"""The place of clients in the network of links."""

PATIENCE: Final = 30.0
"""Seconds that a client waits for an answer, as in `node.clients.node_client`."""


class WatchedRuntime(Runtime):
    """A runtime that reports its inputs to its host."""

    host: "HttpHost"

    def handle(self, event: Event) -> None:
        """See `Runtime`."""
        if isinstance(event, Appended):
            self.host.appended(event.size)
        super().handle(event)


@dataclass(frozen=True, slots=True)
class StoredLog:
    """The content of a host's database, as a disk for checkers; also while the host is down."""

    database: Path

    @property
    def entries(self) -> SharedList[tuple[bytes, bytes]]:
        """Id and bytes of each entry, in order."""
        with open_reader(self.database) as reader:
            return SharedList((), [(bytes(id), bytes(raw)) for _, id, raw in reader.rows(0, reader.size())])


class HttpHostWorld(WorldView, Protocol):
    """The needs of these hosts from their world, besides `WorldView`."""

    nursery: trio.Nursery
    wires: VirtualWires

    @property
    def metrics(self) -> RunMetrics: ...

    def check(self, ask: Callable[[Checker], None]) -> None: ...


class HttpHost:
    """See the module.

    Attributes:
        clock: its own.
        folder: of its files.
        told: ids in the order in which the engine learned that they were stored.
        starts: how often it was started.
        is_honest: always; adversaries are the world tier's.
    """

    is_honest = True

    def __init__(self, world: HttpHostWorld, name: str, folder: Path) -> None:
        self.world = world
        self.name = name
        self.folder = folder
        self.clock = HostClock(lambda: world.timeline.now)
        self.told: SharedList[bytes] = SharedList()
        self.starts = 0
        self._random = world.timeline.stream(f"host {name}")
        self._runtime: WatchedRuntime | None = None
        self._store: Store | None = None
        self._scope: trio.CancelScope | None = None
        self._is_wanted = False
        self._config = NodeConfig(
            name=name,
            ecosystem=world.town.ecosystem.hex(),
            public_url=f"http://{name}",
            data_dir=str(folder),
            heads_dir=str(folder / "heads"),
            tick_ms=world.settings.tick,
        )
        self._keys = NodeKeys.of_seeds(name, {role: world.town.node_seed(name, role) for role in ROLES})

    def __repr__(self) -> str:
        return f"<host {self.name}{'' if self.is_up else ', down'}>"

    @property
    def is_up(self) -> bool:
        """Return whether it runs and answers."""
        return self._runtime is not None

    @property
    def engine(self) -> Engine | None:
        """Return the node's engine; None while it is down."""
        return None if self._runtime is None else self._runtime.engine

    @property
    def disk(self) -> StoredLog:
        """Return its log."""
        return StoredLog(self._config.database)

    @property
    def noted(self) -> NotedMap | None:
        """Return its newest state with a quorum; None if there is none."""
        return None if self._runtime is None or self._runtime.noted.note is None else self._runtime.noted

    # -------------------------------------------------------------------------------------------- start and crash

    def found(self, statements: Sequence[Statement]) -> None:
        """Put statements into its log before its first start."""
        with self._open() as store:
            store.append([(each.id, each.raw) for each in statements])
        self.told = SharedList((), [each.id for each in statements])

    def start(self) -> None:
        """Start it; it is up a moment later. After a crash, it starts as soon as all its old tasks have ended."""
        if self._scope is not None:
            self._is_wanted = self._scope.cancel_called
        else:
            self._scope = trio.CancelScope()
            self.starts += 1
            self.note("start")
            self.world.nursery.start_soon(self._live, self._scope)

    def crash(self, *, is_told: bool = False) -> None:
        """Stop it at once. `is_told`: whether its connections are reset, as those of a killed process."""
        if self._scope is not None:
            self.note("killed" if is_told else "power lost")
            if self._runtime is not None:
                self.world.metrics.on_crash(self)
            self._runtime, self._store = None, None
            self.world.wires.take_down(self.name, is_told=is_told)
            self._scope.cancel()

    def set_clock(self, ahead: int) -> None:
        """Set its clock so many ms ahead."""
        self.clock.ahead = ahead
        self.note(f"clock {ahead:+}")

    def appended(self, size: int) -> None:
        """Note that the engine is about to learn that entries are stored: from now on the node may announce them."""
        assert self._store is not None
        rows = self._store.rows(len(self.told), size)
        ids = [bytes(id) for _, id, _ in rows]
        self.told += ids
        self.note("stored", b"".join(ids))
        self.world.metrics.on_logged(self, ids)
        statements = [cast(Statement, decode(bytes(raw))) for _, _, raw in rows]
        self.world.check(lambda checker: checker.on_logged(self.world, self, statements))

    # ------------------------------------------------------------------------------------------------ the client

    def submit(self, raws: Sequence[bytes], answer: Answer) -> None:
        """Post a statement as a client; call `answer` once, with None if there was no good answer."""
        self.world.nursery.start_soon(self._post, raws[0], answer)

    async def _post(self, raw: bytes, answer: Answer) -> None:
        transport = self.world.wires.transport(PEOPLE)
        async with httpx.AsyncClient(transport=transport, timeout=PATIENCE, trust_env=False) as client:
            try:
                said = await client.post(
                    f"http://{self.name}/v1/statements", content=raw, headers={"content-type": "application/cose"}
                )
            except httpx.HTTPError:
                answer(None)
                return
        if said.status_code == 200:
            row = said.json()["statements"][0]
            answer((SubmissionResult(id=bytes.fromhex(row["id"]), status=row["status"], index=row.get("index")),))
        elif said.status_code in (400, 422):
            problem = said.json()
            answer((SubmissionResult(id=None, status="refused", error=InputError(problem["code"], problem["detail"])),))
        else:
            self.note(f"answered {said.status_code}")
            answer(None)

    # -------------------------------------------------------------------------------------------------- the node

    async def _live(self, scope: trio.CancelScope) -> None:
        """Run the node from its start to its crash."""
        with scope:
            await self._run()
        self._scope = None
        if self._is_wanted:
            self._is_wanted = False
            self.start()

    async def _run(self) -> None:
        world, name = self.world, self.name
        ports = Ports(
            clock=self.clock,
            peers=Peers(transport=partial(world.wires.transport, name)),
            run_blocking=self._blocking,
            random=Random(self._random.getrandbits(256)),
        )
        with ExitStack() as stack:
            try:
                node = await open_node(
                    self._config, self._keys, ports, stack, gossip=world.settings.gossip, runtime=WatchedRuntime
                )
                runtime = cast(WatchedRuntime, node.runtime)  # what was asked for above
                runtime.host = self
                async with trio.open_nursery() as nursery:
                    await nursery.start(runtime.run)
                    self._is_now(runtime, node.store)
                    server = Server(node.application(), bounds=bounds_of(node.config), now=self.clock.now)
                    nursery.start_soon(server.sweep)
                    world.wires.listen(name, nursery, partial(_serve, server))
                    nursery.start_soon(node.witnessing.run)
            finally:
                with trio.CancelScope(shield=True):
                    await ports.peers.aclose()

    def _is_now(self, runtime: WatchedRuntime, store: Store) -> None:
        """Note that it runs. From now on it announces also the entries that it had not announced before a crash."""
        self._runtime, self._store = runtime, store
        self.world.check(lambda checker: checker.on_start(self.world, self))
        left = [bytes(id) for id in store.ids(len(self.told), store.size())]
        self.told += left
        self.world.metrics.on_logged(self, left)

    async def _blocking(self, work: Callable[[], T], /) -> T:
        """Run blocking work inline, with the duration of a disk."""
        await trio.sleep(self._random.uniform(0, SYNC_MS) / 1_000)
        result = work()
        await trio.sleep(self._random.uniform(0, SYNC_MS) / 1_000)
        return result

    def _open(self) -> Store:
        return Store.open(self._config.database, ecosystem=self.world.town.ecosystem, origin=self.name)

    def note(self, what: str, data: bytes = b"") -> None:
        """Write a line into the trace."""
        self.world.timeline.trace.note(self.world.timeline.now, self.name, what, data)


async def _serve(server: Server, end: End) -> None:
    """Serve one connection as a node does."""
    await server.serve(end, client=end.other_address, own=end.address)
