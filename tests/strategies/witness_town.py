"""Nodes on loopback that witness each other's logs: real SQLite, real HTTP, some of them up.

town = Town(folder)
async with town.up("node1") as one, town.up("node2"):
    await until(lambda: one.cosigners() == {"node2"})
"""

import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
import trio

from accredit.node.app import Node
from accredit.node.clients.peer_http import Peers
from accredit.node.http.serve import serve
from accredit.node.witness.client import Witnessing
from accredit.node.witness.server import NodeWitness
from accredit.registry.encoding.ed25519 import public_of
from accredit.registry.transparency.checkpoint import OpenedCheckpoint, open_checkpoint
from accredit.registry.transparency.equivocation import Conflict
from accredit.registry.transparency.signed_note import KeyType, VerifierKey
from accredit.registry.transparency.witness import Witness
from tests.strategies.consortium import Consortium
from tests.strategies.loopback import NO_CERTIFICATES
from tests.strategies.network import A, founded, issuer_body, node_seed
from tests.strategies.real_node import running

NAMES = ("node1", "node2", "node3")


class Time:
    """The machine's clock, moved by the story."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> float:
        return time.time() + self.ahead

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


@dataclass
class Whole:
    """A node that serves, witnesses and is witnessed."""

    node: Node
    url: str
    found: list[Conflict]
    log: VerifierKey

    @property
    def witness(self) -> NodeWitness:
        return self.node.witness

    @property
    def witnessing(self) -> Witnessing:
        return self.node.witnessing

    def cosigners(self) -> set[str]:
        return {one.key.name for one in self.served().cosignatures}

    def served(self, *others: VerifierKey) -> OpenedCheckpoint:
        signed = self.node.store.checkpoint()
        assert signed is not None
        return open_checkpoint(signed[1].encode(), self.log, [*map(witness_key, NAMES), *others])

    async def fetched(self) -> OpenedCheckpoint:
        async with httpx.AsyncClient(trust_env=False, verify=NO_CERTIFICATES) as client:
            response = await client.get(f"{self.url}/log/checkpoint")
        return open_checkpoint(response.content, self.log, map(witness_key, NAMES))

    async def says(self, town: Consortium, number: int) -> None:
        statement = town.says(A, "issuer.register", issuer_body(number))
        assert [each.status for each in await self.node.runtime.submit([statement.raw])] == ["logged"]


def witness_key(name: str) -> VerifierKey:
    return VerifierKey(name=name, type=KeyType.COSIGNATURE_V1, public=public_of(node_seed(name, "witness")))


def _reserved() -> socket.socket:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", 0))
    return sock


@dataclass
class Town:
    """Nodes on loopback, some of them up."""

    folder: Path
    clock: Time = field(default_factory=Time)

    def __post_init__(self) -> None:
        # Taken, and not listened on: who is down refuses at once.
        self.socks = {name: _reserved() for name in NAMES}
        self.urls = {name: "http://{}:{}".format(*sock.getsockname()) for name, sock in self.socks.items()}
        self.town = founded(*NAMES, urls=self.urls)

    def close(self) -> None:
        for sock in self.socks.values():
            sock.close()

    @asynccontextmanager
    async def up(self, name: str, *outside: Witness) -> AsyncIterator[Whole]:
        peers, found, shutdown = Peers(timeout_seconds=2.0), list[Conflict](), trio.Event()
        settings = {
            "port": self.socks[name].getsockname()[1],
            "witnesses": tuple(f"{one.key.encode()} {one.url}" for one in outside),
        }
        opened = running(
            self.folder, self.town, name, transport=peers, clock=self.clock, on_conflict=found.append, **settings
        )
        async with opened as node:
            missing = [each.raw for each in self.town.said if each.id not in node.runtime.engine]
            if missing:
                await node.runtime.submit(missing)
            log = VerifierKey(name=name, type=KeyType.ED25519, public=node.keys.log.public_key)
            try:
                async with trio.open_nursery() as nursery:
                    serving = partial(serve, node.application(), node.config, shutdown=shutdown.wait)
                    url = await nursery.start(serving)
                    await nursery.start(node.witnessing.run)
                    yield Whole(node=node, url=url, found=found, log=log)
                    node.witnessing.stop()
                    shutdown.set()
            finally:
                with trio.CancelScope(shield=True):
                    await peers.aclose()
