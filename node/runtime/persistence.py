"""Stores a running node's data durably and restores it at the start: log, head, feed, states, notes, conflicts.

    keeping = Keeping(store=store, head=head, state=state, log_signer=keys.log, run_blocking=in_thread, fitness=fitness)
    size, root = await keeping.append(statements)       stored on return
    await keeping.sign(size, root)                      under a signed checkpoint on return

* **Order of an append.** Statements durable -> root recomputed and compared -> head recorded durably, apart from the
  database -> checkpoint signed -> checkpoint durable. Killed anywhere in between, the node signs the stored log when it
  starts again, and never two trees of one size.
* The last cosigned state is durable, apart from the database (`signing_guard.SignedState`), before others are told of
  it.
* **A full disk** before the statements are stored is an error for the caller; after that, signing is tried until there
  is room. Data that can be stored with the next of its kind waits for it. It is the same where another program has
  locked the database, and in a moment without descriptors or memory (`is_passing`). Any other fault of storage is
  raised, because a person must look.

The caller does these steps in order, one at a time. This module does not decide what is kept (`engine` does).
"""

import logging
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count
from typing import Final

import trio

from accredit.gossip.protocol.backoff import pause_after
from accredit.node.engine import Changed, Engine, KeepNote
from accredit.node.engine.quorum_state import KEPT_NOTE, KeptNote, Part
from accredit.node.files.atomic_files import is_passing
from accredit.node.ports import Progress, RunBlocking
from accredit.node.storage.log_store import Change, Store
from accredit.node.storage.signing_guard import SignedHead, SignedState
from accredit.node.storage.tree_edge import tree_damaged
from accredit.node.sync.initial_sync import Bulk
from accredit.node.sync.verify_queue import VerifyQueue, checking_line, workers_for
from accredit.node.telemetry import event as log_event
from accredit.node.witness.server import CONFLICTS, conflict_place
from accredit.registry.encoding.ed25519 import Signer
from accredit.registry.errors import DecodeError, StorageError
from accredit.registry.statement import Statement
from accredit.registry.transparency.checkpoint import Checkpoint
from accredit.registry.transparency.merkle import leaf_hash
from accredit.registry.transparency.signed_note import Note, sign_note
from accredit.registry.transparency.state_note import StateNote
from accredit.registry.transparency.tiles import Frontier

from .fitness import Fitness
from .fold_keeping import FoldKeeping

LOAD_BATCH: Final = 4_096
"""Entries read, verified and folded in one turn of a worker thread at the start: some 0.5 s."""

RETRY_SECONDS: Final = (1.0, 60.0)
"""First and longest pause between attempts to sign, as on a full disk; it doubles. A guess: an operator's minute."""

_log = logging.getLogger(__name__)


def is_disagreement(error: StorageError) -> bool:
    """Return whether an append failed because engine and store disagree, which submitters are not told."""
    return error.code in ("known_statement", "tree_damaged")


def rows_of(changed: Changed) -> list[Change]:
    """What the feed says of a change of the fold, in its order."""
    return [
        Change(time=changed.time, statement=each.id, kind=each.kind, sub=each.sub, change=word)
        for word, statements in (("took_effect", changed.took_effect), ("ceased", changed.ceased))
        for each in statements
    ]


def signed_checkpoint(origin: str, size: int, root: bytes, log_signer: Signer) -> bytes:
    """The signed note of a checkpoint; who calls this has recorded the head before."""
    return sign_note(Checkpoint(origin=origin, size=size, root=root).encode(), origin, log_signer)


def _batches(numbers: Sequence[int], split: int) -> Iterator[Sequence[int]]:
    """Ascending numbers in batches; those below `split` are not in one with others."""
    below = bisect_left(numbers, split)
    for part in (numbers[:below], numbers[below:]):
        for start in range(0, len(part), LOAD_BATCH):
            yield part[start : start + LOAD_BATCH]


class Keeping:
    """See the module.

    Args:
        head, state: what was signed last, log and state, kept apart from the database.
        kept: what the fold holds.
        log_signer: has the key that signs checkpoints.
        fitness: is told of writes that fail.
    """

    def __init__(
        self,
        *,
        store: Store,
        head: SignedHead,
        state: SignedState,
        kept: FoldKeeping,
        log_signer: Signer,
        run_blocking: RunBlocking,
        fitness: Fitness,
    ) -> None:
        self._store = store
        self._head = head
        self._state = state
        self._kept = kept
        self._log_signer = log_signer
        self._run_blocking = run_blocking
        self._fitness = fitness
        self._frontier = Frontier()
        self._unfed: list[Change] = []

    # ------------------------------------------------------------------------------------------------ while it runs

    async def append(self, statements: Sequence[Statement]) -> tuple[int, bytes]:
        """Stores statements; size and root of the log.

        Raises:
            StorageError: none of them is stored; `is_disagreement` says whether a person must look.
        """
        raws = [(each.id, each.raw) for each in statements]
        size, root = await self._run_blocking(partial(self._store.append, raws))
        self._frontier = self._frontier.extend(leaf_hash(raw) for _, raw in raws)
        return size, root

    async def sign(self, size: int, root: bytes) -> bytes:
        """Sign the stored log as soon as that can be stored; return the signed checkpoint.

        Raises:
            StorageError: it must not be signed, or cannot be for another reason: a person must look.
        """
        for failures in count(1):
            try:
                with self._fitness.writing("the signed head"):
                    return await self._run_blocking(partial(self._sign_once, size, root))
            except StorageError as error:
                if not is_passing(error):
                    raise
                log_event(_log, logging.ERROR, "checkpoint not signed", code=error.code, reason=str(error))
            await trio.sleep(pause_after(failures, *RETRY_SECONDS))
        raise AssertionError("it goes on until it is signed")

    async def feed(self, changed: Changed) -> None:
        """Continue the feed. Changes without room on the disk are stored with the next ones, or after a restart."""
        self._unfed += rows_of(changed)
        try:
            with self._fitness.writing("the feed of changes"):
                await self._run_blocking(partial(self._store.add_changes, list(self._unfed), size=changed.size))
        except StorageError as error:
            log_event(_log, logging.ERROR, "changes not fed", code=error.code, reason=str(error))
        else:
            self._unfed.clear()

    async def keep_state(self, keep: KeepNote) -> bool:
        """Makes the last state cosigned durable; whether there was room for it, so that others may be told."""
        try:
            with self._fitness.writing("the state it cosigns"):
                await self._run_blocking(partial(self._state.record, StateNote.decode(keep.text), keep.part))
        except StorageError as error:
            if not is_passing(error):
                raise
            log_event(_log, logging.ERROR, "state not cosigned", code=error.code, reason=str(error))
            return False
        return True

    async def keep_conflict(self, data: bytes) -> None:
        """Stores a conflict; again, where it is stored already, changes nothing.

        Raises:
            StorageError: it cannot be stored now.
        """
        await self._run_blocking(lambda: self._store.swap(conflict_place(data), None, data))

    async def conflicts(self) -> list[bytes]:
        """Those stored, the oldest first."""
        return await self._run_blocking(partial(self._store.kept_under, CONFLICTS))

    def _sign_once(self, size: int, root: bytes) -> bytes:
        if (self._frontier.size, self._frontier.root()) != (size, root):
            raise StorageError(
                "tree_damaged",
                f"The entries of the log of {size} entries do not lead to the root in the database.",
                hint="Run `accredit node audit`; nothing was signed.",
            )
        with self._store.snapshot():
            self._head.check_may_sign(size, root, self._store.root)
        self._head.record(size, root)
        note = signed_checkpoint(self._store.origin, size, root, self._log_signer)
        self._store.set_checkpoint(size, note.decode())
        return note

    # ------------------------------------------------------------------------------------------------ at the start

    async def load(
        self, engine: Engine, progress: Progress, now: Callable[[], int], workers: int = 1
    ) -> KeptNote | None:
        """Verifies and folds the stored log, all but the last settling.

        Args:
            now: ms since 1970.
            workers: processes that check signatures; 1: this one does.

        Returns:
            the newest note with a quorum, as stored.

        Raises:
            StorageError: as `runtime.Runtime.open`.
        """
        size = await self._run_blocking(self._check_head)
        # What the feed covers is folded without feeding it again; the rest, if we were killed, is fed now.
        fed = await self._run_blocking(self._store.changes_size)
        noted = await self._stored_note(engine.name)
        anchor = self._kept.anchor
        self._frontier = await self._run_blocking(partial(self._frontier_at, size))
        missing = self._kept.missing()
        left = [*anchor.without, *range(anchor.size, size)]
        engine.read_on(missing[0] if missing else anchor.size)
        todo, done = len(missing) + len(left), 0

        def hear(count: int) -> None:
            nonlocal done
            done += count
            progress(size - todo + done, size)

        async with checking_line(workers_for(todo, workers), self._run_blocking) as line:
            await self._load(line, engine, missing, hear, partial(self._keep_some, engine, anchor, now), split=fed)
            await self._run_blocking(partial(self._kept.finish, engine, anchor))
            if self._kept.is_anchored:
                engine.stand()
            await self._load(line, engine, left, hear, lambda _stop: None)
        engine.read_on(size)
        return noted

    def _keep_some(self, engine: Engine, anchor: Part, now: Callable[[], int], stop: int) -> None:
        """After a batch of the anchor, up to the entry before `stop`.

        What the feed does not know is fed at once, where nothing was left out: else all of it would wait in memory.
        """
        without = tuple(number for number in anchor.without if number < stop)
        with self._kept.reading():
            changes = engine.fold.settle()
            is_fed = self._store.changes_size() >= stop
            news = None if is_fed or without or engine.owes else engine.changed(changes, now=now(), size=stop)
        if not is_fed and (news is None or not self._has_fed(news)):
            engine.owe(changes)
        self._kept.relieve(engine, Part(size=stop, without=without))

    def _has_fed(self, news: Changed) -> bool:
        """Whether there was room on the disk for these changes."""
        try:
            self._store.add_changes(rows_of(news), size=news.size)
        except StorageError as error:
            if not is_passing(error):
                raise
            return False
        return True

    def _check_head(self) -> int:
        """Size of the log, which does not contradict what was signed."""
        with self._store.snapshot():
            (size, root), signed = self._store.head(), self._store.checkpoint()
            self._head.check_covers(signed[0] if signed else 0)
            self._head.check_may_sign(size, root, self._store.root)
        return size

    async def take_in(self, engine: Engine, bulk: Bulk, now: Callable[[], int]) -> None:
        """Lets a node that has not signed its log yet, or is not a member, take in another's; after `load`."""
        signed = await self._run_blocking(self._store.checkpoint)
        if signed is None or not engine.is_member:
            await bulk.run(engine, self._store, self._run_blocking, now, self._kept)
            self._frontier = await self._run_blocking(lambda: self._frontier_at(self._store.size()))
            if not self._kept.is_anchored:
                await self._run_blocking(lambda: self._kept.finish(engine, Part(size=self._store.size())))

    async def finish(self) -> None:
        """Signs the log as it was loaded, where that is still to be done."""
        signed = await self._run_blocking(self._store.checkpoint)
        size, root = await self._run_blocking(self._store.head)
        if size and (signed is None or signed[0] != size):
            await self.sign(size, root)
        if self._kept.reason is not None and size:
            log_event(_log, logging.WARNING, "noted state made anew", reason=self._kept.reason)
        log_event(_log, logging.INFO, "log loaded", size=size)

    async def _stored_note(self, name: str) -> KeptNote | None:
        stored = await self._run_blocking(partial(self._store.kept, KEPT_NOTE))
        if stored is None:
            return None
        try:
            kept = KeptNote.decode(stored)
        except DecodeError as error:
            raise StorageError(
                "state_damaged",
                f"The stored state note cannot be read: {error.message}",
                hint="Run `accredit node audit` and check the disk.",
            ) from error
        cosigned = any(line.name == name for line in Note.decode(kept.note).signatures)
        self._state.check_covers(kept.state.count if cosigned else 0)
        return kept

    async def _load(
        self,
        line: VerifyQueue,
        engine: Engine,
        numbers: Sequence[int],
        hear: Callable[[int], None],
        then: Callable[[int], None],
        *,
        split: int = 0,
    ) -> None:
        """Takes in these entries; `then` hears after each batch up to where it went. None goes beyond entry `split`."""

        async def take(some: Sequence[int], checked: Sequence[bytes | Statement]) -> None:
            await self._run_blocking(partial(self._load_batch, engine, some, checked, then))
            hear(len(some))

        for some in _batches(numbers, split):
            await line.put(await self._run_blocking(partial(self._entries, some)), partial(take, some))
        await line.finish()

    def _entries(self, numbers: Sequence[int]) -> list[bytes]:
        with self._store.snapshot():
            if numbers[-1] - numbers[0] == len(numbers) - 1:
                return self._store.entries(numbers[0], numbers[-1] + 1)
            found = [self._store.entry(number) for number in numbers]
        return [raw for raw in found if raw is not None]

    def _load_batch(
        self,
        engine: Engine,
        numbers: Sequence[int],
        entries: Sequence[bytes | Statement],
        then: Callable[[int], None],
    ) -> None:
        with self._kept.reading():
            engine.load(entries)
            stop = numbers[-1] + 1
            engine.read_on(max(stop, engine.size))
        then(stop)

    def _frontier_at(self, size: int) -> Frontier:
        """The frontier of the stored log, read from its tiles and compared with the stored root."""
        with self._store.snapshot():
            frontier = Frontier.of(size, self._store)
            if frontier.root() != self._store.head()[1]:
                raise tree_damaged(f"its tiles do not lead to the stored root at {size}")
        return frontier
