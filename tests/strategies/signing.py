"""Nodes that sign state notes, running: several real ones in one process, and their HTTP where it is asked for.

async with signing_nodes(folder, 4) as nodes:
    await nodes.submit(nodes.town.says(A, "issuer.register", register()))
    await nodes.noted()
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import httpx
import trio

from accredit.node.app import Node
from accredit.node.clients.node_client import NodeClient
from accredit.node.http.serve import bind, serve
from accredit.node.settings import NodeConfig
from accredit.registry.statement import Statement
from accredit.registry.transparency.state_note import StateNote
from tests.strategies.consortium import Consortium
from tests.strategies.loopback import NO_CERTIFICATES
from tests.strategies.network import A, B, C, node_entry
from tests.strategies.real_node import PATIENCE, Links, running, until

T = TypeVar("T")


def signing_town(count: int) -> Consortium:
    """Three authorities, and nodes that all sign; their operators do not matter here."""
    names = [f"node{number}" for number in range(1, count + 1)]
    entries = [{**node_entry(name), "operator": f"Operator of {name}"} for name in names]
    return Consortium.of((A, "nonprofit"), (B, "public"), (C, "public"), nodes=entries, signers=names)


@dataclass
class SigningNodes:
    """Running nodes by name; `links.down` says who is cut off."""

    town: Consortium
    folder: Path
    links: Links
    nodes: dict[str, Node] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Node:
        return self.nodes[name]

    async def submit(self, *statements: Statement, to: str = "node1") -> None:
        results = await self.nodes[to].runtime.submit([each.raw for each in statements])
        assert {each.status for each in results} <= {"logged", "known"}

    async def noted(self, *names: str, seconds: float = PATIENCE) -> StateNote:
        """Waits until these nodes (all by default) have a quorum's note of everything said so far."""
        held = [self.nodes[name].runtime.noted for name in names or self.nodes]
        wanted = len(self.town.said)
        await until(lambda: {noted.state.count if noted.state else 0 for noted in held} == {wanted}, seconds=seconds)
        found = {noted.state for noted in held}
        assert len(found) == 1
        state = found.pop()
        assert state is not None
        return state

    async def ask(self, name: str, question: Callable[[NodeClient], T]) -> T:
        """Asks a node over HTTP, from a thread."""

        def work() -> T:
            with NodeClient(self.urls[name]) as client:
                return question(client)

        return await trio.to_thread.run_sync(work)

    async def fetch(self, name: str, path: str, method: str = "GET", **request: object) -> httpx.Response:
        """A bare request."""
        async with httpx.AsyncClient(
            base_url=self.urls[name], trust_env=False, verify=NO_CERTIFICATES, timeout=60.0
        ) as client:
            return await client.request(method, path, **request)  # type: ignore[arg-type]  # what httpx takes


@asynccontextmanager
async def signing_nodes(folder: Path, count: int, *, web: bool = False) -> AsyncIterator[SigningNodes]:
    """A founded town of nodes that have noted its founding."""
    town, links = signing_town(count), Links()
    fleet = SigningNodes(town, folder, links)
    async with AsyncExitStack() as stack:
        for number in range(1, count + 1):
            name = f"node{number}"
            fleet.nodes[name] = await stack.enter_async_context(running(folder, town, name, transport=links))
        for name in fleet.nodes:
            await fleet.submit(town.genesis, to=name)
        await fleet.submit(*town.said)
        await fleet.noted()
        if not web:
            yield fleet
            return
        shutdown = trio.Event()
        async with trio.open_nursery() as nursery:
            for name, node in fleet.nodes.items():
                config = NodeConfig(name=name, host="127.0.0.1", port=0)
                serving = partial(serve, node.application(), config, sock=bind(config), shutdown=shutdown.wait)
                fleet.urls[name] = await nursery.start(serving)
            yield fleet
            shutdown.set()
