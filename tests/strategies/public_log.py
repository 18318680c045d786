"""Public logs made up for newcomers, served over loopback: honest ones, and ones that lie in any way one likes.

log = PublicLog.of(town)
log.entries[7] = b"..."                     it still signs what it serves
async with hosted(log) as url: ...
assert log.asked == [...]                   paths, in the order of the requests
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trio

from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.transparency.checkpoint import Checkpoint
from accredit.registry.transparency.merkle import leaf_hash
from accredit.registry.transparency.signed_note import sign_note
from accredit.registry.transparency.tiles import TILE_WIDTH, Tile, derive_root, encode_bundle
from tests.strategies.consortium import Consortium
from tests.strategies.network import node_seed
from tests.strategies.web import answer, serve

CHECKPOINT = "/log/checkpoint"
GENESIS = "/v1/genesis"


@dataclass
class PublicLog:
    """A log as its node serves it.

    Attributes:
        name: of the node; it signs with that node's log key unless `signer` names another.
        served: of the entries signed, how each bundle is changed before it is served; by its number.
        slowly: paths that are answered a byte at a time.
        endless: paths whose answers never end.
        missing: paths that are answered with 404.
        ill: paths answered with 503 so many times more.
        on_asked: is told each path before it is answered.
    """

    genesis: bytes
    entries: list[bytes]
    name: str = "node1"
    signer: str = ""
    size: int | None = None
    root: bytes | None = None
    served: dict[int, Callable[[Sequence[bytes]], Sequence[bytes]]] = field(default_factory=dict)
    slowly: set[str] = field(default_factory=set)
    endless: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    ill: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    on_asked: Callable[[str], None] = lambda _path: None

    @classmethod
    def of(cls, town: Consortium, name: str = "node1") -> "PublicLog":
        """The log of a node that holds all that was said, in that order."""
        return cls(genesis=town.genesis.raw, entries=[each.raw for each in town.said], name=name)

    def checkpoint(self) -> bytes:
        size = len(self.entries) if self.size is None else self.size
        root = derive_root(map(leaf_hash, self.entries[:size])) if self.root is None else self.root
        text = Checkpoint(origin=self.name, size=size, root=root).encode()
        return sign_note(text, self.name, KeyPair(node_seed(self.signer or self.name, "log")))

    def file(self, path: str) -> bytes | None:
        """What it answers, if it has that."""
        if path == GENESIS:
            return self.genesis
        if path == CHECKPOINT:
            return self.checkpoint()
        bundle = Tile.decode_path(path.removeprefix("/log/"))
        entries: Sequence[bytes] = self.entries[bundle.start : bundle.start + bundle.width]
        change = self.served.get(bundle.index)
        return encode_bundle(entries if change is None else change(entries)) if entries else None

    async def handle(self, line: str, _body: bytes, stream: trio.abc.Stream) -> None:
        """One request."""
        path = line.split(" ")[1]
        self.asked.append(path)
        self.on_asked(path)
        if path in self.missing:
            await stream.send_all(answer(b"", status=404))
        elif self.ill.get(path):
            self.ill[path] -= 1
            await stream.send_all(answer(b"", status=503))
        elif path in self.endless:
            await stream.send_all(b"HTTP/1.1 200 X\r\n\r\n")
            while True:
                await stream.send_all(bytes(0x10000))
        elif path in self.slowly:
            await stream.send_all(b"HTTP/1.1 200 X\r\ncontent-length: 100000\r\n\r\n")
            while True:
                await stream.send_all(b"x")
                await trio.sleep(0.02)
        else:
            found = self.file(path)
            await stream.send_all(answer(b"", status=404) if found is None else answer(found))


def bundle_path(number: int, width: int = TILE_WIDTH) -> str:
    """The path of a bundle."""
    return f"/log/{Tile(level=-1, index=number, width=width).encode_path()}"


@asynccontextmanager
async def hosted(*logs: PublicLog) -> AsyncIterator[list[str]]:
    """Serves logs; yields their URLs."""
    async with trio.open_nursery() as nursery:
        yield [(await nursery.start(serve, log.handle)).url for log in logs]
        nursery.cancel_scope.cancel()
