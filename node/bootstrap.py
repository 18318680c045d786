"""How a new node comes to hold what the others do: the genesis by its hash, then another node's public log.

    await join(runtime, peers, "https://node2.example.org")          returns once this node is a member

1. The **genesis** is fetched from the node to join by, and is the right one because its id is the ecosystem's.
2. That node's **log** is read as C2SP tlog-tiles: its checkpoint, then the bundles of entries from where we left off.
   Entries are submitted to this node as anybody's: each is decoded, admitted and its signature checked, or refused. The
   root over all entries read must then be the checkpoint's, which must be signed by the log key in that node's record,
   as soon as we hold such a record. Until then nothing but the entries' own signatures is believed, and they suffice: a
   log that lies can withhold, not invent.
3. As long as this node is **not admitted**, it may not take part in gossip, and new entries are pulled every few
   seconds. How far it has read is kept in the database, so that a restart goes on from there.

What it does not do: ask for admission (`accredit node join` writes the request), or gossip (`gossip`).
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Protocol, TypeVar

import trio

from registry.checkpoint import Checkpoint, open_checkpoint
from registry.errors import AccreditError, DecodeError, RefusedError, RemoteError, StorageError
from registry.limits import STATEMENT_BYTES
from registry.log import TILE_WIDTH, Frontier, bundles_of, decode_bundle
from registry.merkle import leaf_hash
from registry.note import KeyType, Note, VerifierKey
from registry.statement import decode

from .engine import Engine, Result
from .observe import event as log_event
from .store import Store

T = TypeVar("T")

PULL_SECONDS: Final = (3.0, 60.0)
"""Between two pulls, and the longest pause while the other node does not answer. A guess: a few ticks."""

BATCH: Final = 4 * TILE_WIDTH
"""Entries submitted at once: whole bundles, and just above a full batch of the engine, which then waits for no tick."""

CHECKPOINT_BYTES: Final = 64 * 1024
"""A checkpoint with all the cosignatures a note may carry is a tenth of it."""

_BUNDLE_BYTES: Final = TILE_WIDTH * (STATEMENT_BYTES + 2)

_log = logging.getLogger(__name__)


class Files(Protocol):
    """Public files of other nodes: `peers.Peers`."""

    async def get(self, peer: str, url: str, *, max_bytes: int) -> bytes:
        """One file. Raises: RemoteError."""
        ...


class Node(Protocol):
    """The node that joins, as far as joining needs it: `runtime.Runtime`."""

    @property
    def engine(self) -> Engine: ...

    @property
    def store(self) -> Store: ...

    async def submit(self, raws: Sequence[bytes]) -> Sequence[Result]: ...

    async def run_blocking(self, work: Callable[[], T]) -> T: ...


async def fetch_genesis(files: Files, url: str, ecosystem: bytes) -> bytes:
    """The genesis statement, whole.

    Raises:
        RemoteError: the node does not answer. RefusedError: `other_ecosystem`: it answers with another one.
    """
    raw = await files.get(url, f"{url}/v1/genesis", max_bytes=STATEMENT_BYTES)
    try:
        found = decode(raw).id
    except DecodeError as error:
        raise RemoteError("not_a_genesis", f"{url} answered with something else than a genesis.") from error
    if found != ecosystem:
        raise RefusedError(
            "other_ecosystem",
            f"{url} belongs to the ecosystem {found.hex()}, not to {ecosystem.hex()}.",
            hint="Compare the ecosystem's id with what its operators publish.",
        )
    return raw


class Mirror:
    """Another node's public log, read from where it was left off.

    Args:
        url: of the node, without a slash at its end.
        frontier: what was read so far.
    """

    def __init__(self, files: Files, url: str, frontier: Frontier | None = None) -> None:
        self._files = files
        self._url = url
        self.frontier = frontier or Frontier()

    async def pull(self, take: "Take", log_key: "LogKey") -> int:
        """Reads what is new; how many entries.

        Args:
            take: is given the entries in batches, in order, each at most once a pull.
            log_key: the log key of the node with a given name, None while we hold no record of it.

        Raises:
            RemoteError: the node does not answer.
            DecodeError: it answers with what is no log.
            RefusedError: the checkpoint is not signed by the node, or its log is not the one it was. `frontier` is then
                unchanged; what was taken was judged by itself.
        """
        checkpoint = await self._checkpoint(log_key)
        if checkpoint.size < self.frontier.size:
            raise RefusedError(
                "log_shrank",
                f"The log of {checkpoint.origin} had {self.frontier.size} entries and now has {checkpoint.size}.",
                hint="Join by another node, and tell its operator.",
            )
        frontier, start = self.frontier, self.frontier.size
        batch: list[bytes] = []
        for bundle in bundles_of(checkpoint.size, since=start):
            data = await self._files.get(self._url, f"{self._url}/log/{bundle.encode_path()}", max_bytes=_BUNDLE_BYTES)
            entries = decode_bundle(data, bundle.width)[max(0, start - bundle.index * TILE_WIDTH) :]
            frontier = frontier.extend(map(leaf_hash, entries))
            batch += entries
            if len(batch) >= BATCH:
                await take(batch)
                batch = []
        if batch:
            await take(batch)
        if (frontier.size, frontier.root()) != (checkpoint.size, checkpoint.root):
            raise RefusedError(
                "log_root",
                f"The {checkpoint.size} entries of {checkpoint.origin} lead to another root than its checkpoint's.",
                hint="Join by another node; this one's signed checkpoint is evidence.",
            )
        self.frontier = frontier
        return frontier.size - start

    async def _checkpoint(self, log_key: "LogKey") -> Checkpoint:
        data = await self._files.get(self._url, f"{self._url}/log/checkpoint", max_bytes=CHECKPOINT_BYTES)
        claimed = Checkpoint.decode(Note.decode(data).text)
        public = log_key(claimed.origin)
        if public is None:
            return claimed
        return open_checkpoint(data, VerifierKey(name=claimed.origin, type=KeyType.ED25519, public=public)).checkpoint


class Take(Protocol):
    """What is done with entries."""

    async def __call__(self, entries: Sequence[bytes], /) -> None: ...


LogKey = Callable[[str], bytes | None]
"""The public log key of the node of that name, 32 bytes; None where no such node is known."""


async def join(
    node: Node, files: Files, url: str, *, until_member: bool = True, pause_seconds: tuple[float, float] = PULL_SECONDS
) -> None:
    """Brings a new node up to date, and keeps it so until it is admitted and gossips by itself.

    Args:
        url: of a node of the ecosystem.
        until_member: False for a mirror that is never admitted: goes on until cancelled.

    Raises:
        RefusedError: `other_ecosystem`. Everything else is logged and tried again.
    """
    url = url.rstrip("/")
    shortest, longest = pause_seconds
    pause = shortest
    mirror = Mirror(files, url, await _kept(node, url))
    while True:
        try:
            if node.engine.size == 0:
                await _take(node, [await fetch_genesis(files, url, node.store.ecosystem)])
            if await mirror.pull(partial(_take, node), node.engine.log_key):
                await _keep(node, url, mirror.frontier)
            pause = shortest
        except RefusedError as error:
            if error.code == "other_ecosystem":
                raise
            # Another log than the one we were reading, or one that lies: from its beginning, after a long pause.
            log_event(_log, logging.ERROR, "log refused", url=url, code=error.code, reason=str(error))
            mirror, pause = Mirror(files, url), longest
        except AccreditError as error:
            log_event(_log, logging.WARNING, "log not read", url=url, code=error.code, reason=str(error))
            pause = min(longest, 2 * pause)
        if until_member and node.engine.is_member and mirror.frontier.size:
            return
        await trio.sleep(pause)


async def _take(node: Node, entries: Sequence[bytes]) -> None:
    """Submits entries; one that is refused does not come from an honest node's log, and is left out.

    Raises:
        StorageError: this node cannot store them now.
    """
    results = await node.submit(entries)
    errors = [each.error for each in results if each.error is not None]
    for error in errors:
        if isinstance(error, StorageError):
            raise error
    if errors:
        log_event(_log, logging.WARNING, "entries refused", count=len(errors), code=errors[0].code)


async def _kept(node: Node, url: str) -> Frontier | None:
    data = await node.run_blocking(partial(node.store.kept, _name(url)))
    return None if data is None else Frontier.decode(data)


async def _keep(node: Node, url: str, frontier: Frontier) -> None:
    before = await node.run_blocking(partial(node.store.kept, _name(url)))
    await node.run_blocking(partial(node.store.swap, _name(url), before, frontier.encode()))


def _name(url: str) -> str:
    return f"mirror {url}"
