"""Keeps a node that is not a member yet up to date: it reads another node's public log, as files.

    await join(runtime, peers, "https://node2.example.org")          returns once this node is a member

1. The **genesis** is fetched from the given node, and is the right one because its id is the ecosystem's.
2. That node's **log** is read as C2SP tlog-tiles: its checkpoint, then the bundles of entries from where we left off.
   Entries are submitted to this node like anybody's: each is decoded, admitted and its signature checked, or refused.
   The root over all entries read must then be the checkpoint's. As soon as we hold that node's record, the log key in
   it must have signed the checkpoint. Until then the node trusts only the entries' own signatures; they suffice,
   because a lying log can withhold statements, but not invent them.
3. As long as this node is **not admitted**, it may not take part in gossip, and new entries are pulled every few
   seconds. How far it has read is kept in the database, so that a restart goes on from there.

Before a node runs, it takes in a whole log on all cores (`initial_sync`). This module reads later entries, and the logs
of other nodes, in case the first withheld a statement.

It does not ask for admission (`accredit node join` writes the request), or gossip (`gossip` does).
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import cycle, islice, tee
from typing import Final, Protocol, TypeVar

import trio

from accredit.gossip.protocol.backoff import pause_after
from accredit.node.engine import Engine, SubmissionResult
from accredit.node.storage.log_reader import Reader
from accredit.node.storage.log_store import Store
from accredit.node.telemetry import event as log_event
from accredit.registry.errors import AccreditError, DecodeError, RefusedError, RemoteError, StorageError
from accredit.registry.limits import STATEMENT_BYTES
from accredit.registry.statement import decode
from accredit.registry.transparency.checkpoint import Checkpoint, open_checkpoint
from accredit.registry.transparency.merkle import leaf_hash
from accredit.registry.transparency.signed_note import KeyType, Note, VerifierKey
from accredit.registry.transparency.tiles import TILE_WIDTH, Frontier, Tile, bundles_of, decode_bundle

T = TypeVar("T")

PULL_SECONDS: Final = (3.0, 60.0)
"""Time between two pulls, and the longest pause while the other node does not answer. A guess: a few ticks."""

BATCH: Final = 4 * TILE_WIDTH
"""Entries submitted at once: whole bundles, and just above a full batch of the engine, which then waits for no tick."""

BATCH_BYTES: Final = 8 * 1024 * 1024
"""Largest batch: 20,000 statements of usual size, 512 of the largest."""

TURN_BYTES: Final = 32 * 1024
"""Entries that the node decodes and verifies in one turn, in which it answers nobody: some 70 of usual size, 10 ms."""

LANES: Final = 4
"""Bundles fetched at a time. With a round trip of 100 ms that is 10,000 entries/s, as many as two cores verify."""

CHECKPOINT_BYTES: Final = 64 * 1024
"""Largest answer; a checkpoint with all the cosignatures that a note may have is a tenth of it."""

_BUNDLE_BYTES: Final = TILE_WIDTH * (STATEMENT_BYTES + 2)

_log = logging.getLogger(__name__)


class Files(Protocol):
    """Public files of other nodes: `peers.Peers`."""

    async def get(self, peer: str, url: str, *, max_bytes: int) -> bytes:
        """Return one file. Raises: RemoteError."""
        ...


class JoiningNode(Protocol):
    """The node that joins, as far as joining needs it: `runtime.Runtime`."""

    @property
    def engine(self) -> Engine: ...

    @property
    def store(self) -> Store: ...

    async def submit(self, raws: Sequence[bytes]) -> Sequence[SubmissionResult]: ...

    async def run_blocking(self, work: Callable[[], T]) -> T: ...


async def fetch_genesis(files: Files, url: str, ecosystem: bytes) -> bytes:
    """Return the genesis statement, whole.

    Raises:
        RemoteError: the node does not answer. RefusedError: `other_ecosystem`: it answers with another one.
    """
    raw = await files.get(url, f"{url}/v1/genesis", max_bytes=STATEMENT_BYTES)
    try:
        found = decode(raw).id
    except DecodeError as error:
        raise RemoteError("not_a_genesis", f"{url} did not answer with a genesis statement.") from error
    if found != ecosystem:
        raise RefusedError(
            "other_ecosystem",
            f"{url} belongs to the ecosystem {found.hex()}, not to {ecosystem.hex()}.",
            hint="Compare the ecosystem's id with the one its operators publish.",
        )
    return raw


class Mirror:
    """Another node's public log, read from where it was left off.

    Bundles are fetched `LANES` at a time and handed on in order. Hash tiles are not fetched at all: every entry is, and
    the root over all of them must be the checkpoint's.

    Args:
        url: of the node, without a slash at its end.
        frontier: of the entries read so far.
        batch: entries passed on at once, or fewer if they reach `BATCH_BYTES`.
        pauses: before each repeated request for a bundle, s; empty: each bundle is asked for once.
    """

    def __init__(
        self,
        files: Files,
        url: str,
        frontier: Frontier | None = None,
        *,
        batch: int | None = None,
        pauses: Sequence[float] = (),
    ) -> None:
        self._files = files
        self._url = url
        self._batch = batch or BATCH
        self._pauses = pauses
        self.frontier = frontier or Frontier()

    async def pull(self, take: "Take", log_key: "LogKey") -> int:
        """Read and confirm new entries; return their number.

        Args:
            take: is given the entries in batches, in order, each at most once a pull.
            log_key: the log key of the node with a given name, None while we hold no record of it.

        Raises:
            RemoteError: the node does not answer.
            DecodeError: its answer is not a log.
            RefusedError: the checkpoint is not signed by the node, or its log does not continue the earlier one.
                `frontier` is then unchanged; entries already taken were judged each by itself.
        """
        checkpoint = await self.checkpoint(log_key)
        return self.confirm(checkpoint, await self.read(checkpoint, take))

    async def checkpoint(self, log_key: "LogKey") -> Checkpoint:
        """Return the node's checkpoint, not older than the entries read, and signed by its log key if we know it."""
        data = await self._files.get(self._url, f"{self._url}/log/checkpoint", max_bytes=CHECKPOINT_BYTES)
        checkpoint = Checkpoint.decode(Note.decode(data).text)
        public = log_key(checkpoint.origin)
        if public is not None:
            key = VerifierKey(name=checkpoint.origin, type=KeyType.ED25519, public=public)
            checkpoint = open_checkpoint(data, key).checkpoint
        if checkpoint.size < self.frontier.size:
            raise RefusedError(
                "log_shrank",
                f"The log of {checkpoint.origin} had {self.frontier.size} entries, but now has {checkpoint.size}.",
                hint="Join through another node, and tell that log's operator.",
            )
        return checkpoint

    async def read(self, checkpoint: Checkpoint, take: "Take") -> Frontier:
        """Read up to a checkpoint; return the new frontier, which `confirm` has not seen yet."""
        reached, batch, held = self.frontier, list[bytes](), 0
        async with trio.open_nursery() as nursery:
            bundles = bundles_of(checkpoint.size, since=reached.size)
            lanes = [
                _Lane(self, number, islice(mine, number, None, LANES))
                for number, mine in enumerate(tee(bundles, LANES))
            ]
            try:
                for lane in lanes:
                    nursery.start_soon(lane.run)
                for lane in cycle(lanes):
                    entries = await lane.next()
                    if entries is None:
                        break
                    entries = entries[reached.size % TILE_WIDTH :]
                    reached = reached.extend(map(leaf_hash, entries))
                    batch += entries
                    held += sum(map(len, entries))
                    if len(batch) >= self._batch or held >= BATCH_BYTES:
                        await take(batch, reached)
                        batch, held = [], 0
                if batch:
                    await take(batch, reached)
            except AccreditError as error:
                failure = error
            else:
                return reached
            finally:
                for lane in lanes:
                    lane.close()
        raise failure

    def confirm(self, checkpoint: Checkpoint, reached: Frontier) -> int:
        """Check that the entries read lead to the checkpoint's root; return how many of them are new."""
        if (reached.size, reached.root()) != (checkpoint.size, checkpoint.root):
            raise RefusedError(
                "log_root",
                f"The {checkpoint.size} entries of {checkpoint.origin} do not lead to the root in its checkpoint.",
                hint="Join through another node; this log's signed checkpoint is evidence.",
            )
        new = reached.size - self.frontier.size
        self.frontier = reached
        return new

    async def _fetch(self, lane: int, bundle: Tile) -> list[bytes]:
        # Connections of its own: a lane that stalls delays no other, and nothing else that we ask this node for.
        url = f"{self._url}/log/{bundle.encode_path()}"
        data = await self._files.get(f"{self._url} {lane}", url, max_bytes=_BUNDLE_BYTES)
        return decode_bundle(data, bundle.width)

    def _unavailable(self, bundle: Tile, error: RemoteError | DecodeError) -> AccreditError:
        last = bundle.start + bundle.width - 1
        return type(error)(
            error.code,
            f"Entries {bundle.start} to {last} of the log at {self._url} cannot be fetched: {error.message}",
            hint="Join through another node.",
        )


class _Lane:
    """Fetches every n-th bundle of a mirror's log, one ahead of the reader."""

    def __init__(self, mirror: Mirror, number: int, bundles: Iterator[Tile]) -> None:
        self._fetch = partial(mirror._fetch, number)
        self._unavailable = mirror._unavailable
        self._pauses = mirror._pauses
        self._bundles = bundles
        self._closing = trio.Event()
        self._send, self._receive = trio.open_memory_channel[list[bytes] | AccreditError](1)

    async def run(self) -> None:
        """Fetch bundles until the last, a failure, or `close`."""
        with self._send, suppress(trio.BrokenResourceError):
            for bundle in self._bundles:
                found = await self._fetch_patiently(bundle)
                await self._send.send(found)
                if isinstance(found, AccreditError):
                    return

    async def next(self) -> list[bytes] | None:
        """Return the next bundle's entries; None after the last. Raises the error of the fetch."""
        try:
            found = await self._receive.receive()
        except trio.EndOfChannel:
            return None
        if isinstance(found, AccreditError):
            raise found
        return found

    def close(self) -> None:
        """Stop fetching. A running request ends by itself: cancelling it would lose its connection (`peers`)."""
        self._closing.set()
        self._receive.close()

    async def _fetch_patiently(self, bundle: Tile) -> list[bytes] | AccreditError:
        """Return a bundle's entries, asking again after each pause; or the last error."""
        for pause in (*self._pauses, None):
            try:
                return await self._fetch(bundle)
            except (RemoteError, DecodeError) as error:
                failure = self._unavailable(bundle, error)
            if pause is None or failure.code == "answer_too_large":
                break
            with trio.move_on_after(pause):
                await self._closing.wait()
                break
        return failure


class Take(Protocol):
    """A function that takes entries."""

    async def __call__(self, entries: Sequence[bytes], reached: Frontier, /) -> None:
        """Args: reached: all that was read, with these."""
        ...


LogKey = Callable[[str], bytes | None]
"""The public log key of the node of that name, 32 bytes; None where no such node is known."""


async def join(
    node: JoiningNode,
    files: Files,
    url: str,
    *,
    is_done: Callable[[], bool] | None = None,
    pause_seconds: tuple[float, float] = PULL_SECONDS,
) -> None:
    """Bring a node with which the others do not gossip up to date, and keep it so until it is admitted.

    Args:
        url: of a node of the ecosystem.
        is_done: whether to stop after a pull; None: stop as soon as this node is a member.

    Raises:
        RefusedError: `other_ecosystem`. Everything else is logged and tried again.
    """
    url = url.rstrip("/")
    failures = 0
    mirror = Mirror(files, url, await node.run_blocking(partial(reached_at, node.store, url)))
    while True:
        try:
            if node.engine.size == 0:
                await _take(node, [await fetch_genesis(files, url, node.store.ecosystem)], mirror.frontier)
            if await mirror.pull(partial(_take, node), node.engine.log_key):
                await node.run_blocking(partial(keep_reached, node.store, url, mirror.frontier))
            failures, pause = 0, pause_seconds[0]
        except RefusedError as error:
            if error.code == "other_ecosystem":
                raise
            # Another log than the one we were reading, or one that lies: from its beginning, after a long pause.
            log_event(_log, logging.ERROR, "log refused", url=url, code=error.code, reason=str(error))
            mirror, pause = Mirror(files, url), pause_seconds[1]
        except AccreditError as error:
            log_event(_log, logging.WARNING, "log not read", url=url, code=error.code, reason=str(error))
            failures += 1
            pause = pause_after(failures + 1, *pause_seconds)
        if mirror.frontier.size and (is_done() if is_done is not None else node.engine.is_member):
            return
        await trio.sleep(pause)


async def _take(node: JoiningNode, entries: Sequence[bytes], _reached: Frontier) -> None:
    """Submit entries; leave out refused ones, which do not come from an honest node's log.

    Raises:
        StorageError: this node cannot store them now.
    """
    errors: list[AccreditError] = []

    async def submit(some: Sequence[bytes]) -> None:
        try:
            errors.extend(each.error for each in await node.submit(some) if each.error is not None)
        except AccreditError as error:
            failures.append(error)

    failures: list[AccreditError] = []
    async with trio.open_nursery() as nursery:
        # Side by side: each is answered only once it is logged, which happens to all of them together.
        for some in _turns(entries):
            try:
                new = _not_held(node.engine, some)
            except AccreditError as failure:  # from in here it would come out in a group, which nobody expects
                failures.append(failure)
                break
            if new:
                nursery.start_soon(submit, new)
            await trio.lowlevel.checkpoint()
    if failures:
        raise failures[0]
    for error in errors:
        if isinstance(error, StorageError):
            raise error
    if errors:
        log_event(_log, logging.WARNING, "entries refused", count=len(errors), code=errors[0].code)


def _turns(entries: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Yield the entries in order, of `TURN_BYTES` at a time, at least one."""
    start = size = 0
    for number, raw in enumerate(entries):
        if number > start and size + len(raw) > TURN_BYTES:
            yield entries[start:number]
            start, size = number, 0
        size += len(raw)
    if entries:
        yield entries[start:]


def _not_held(engine: Engine, entries: Sequence[bytes]) -> list[bytes]:
    """Return the entries that are not logged. Not for a thread: what the engine looks up changes as it goes on."""
    return [raw for raw in entries if not _is_held(engine, raw)]


def _is_held(engine: Engine, raw: bytes) -> bool:
    try:
        return decode(raw).id in engine
    except DecodeError:
        return False


def reached_at(store: Reader, url: str) -> Frontier:
    """Return how far another node's log has been read; our log has all of these entries."""
    data = store.kept(_name(url))
    return Frontier() if data is None else Frontier.decode(data)


def keep_reached(store: Store, url: str, reached: Frontier) -> None:
    """Store how far another node's log has been read; durable on return."""
    store.swap(_name(url), store.kept(_name(url)), reached.encode())


def _name(url: str) -> str:
    return f"mirror {url}"
