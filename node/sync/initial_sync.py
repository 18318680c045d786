"""Takes in another node's whole log before a new node runs, on all cores; goes on after a crash.

    bulk = Bulk(files, ["https://node2.example.org"], workers=cores())
    await bulk.run(engine, store, run_blocking, now)      called by `Runtime.open`, between loading and signing

1. **From one node**, the first that is suitable. Its checkpoint, then all bundles of entries after those read before
   (`log_follower.Mirror`); signatures are checked by several processes (`verify_queue`). What the checkpoint has grown
   by meanwhile is read too, until that is less than a bundle.
2. **A batch at a time**, in the order of that log: the node judges each statement, stores those not held yet in one
   transaction, folds them, and adds their effects to the feed; then it stores how far it has read. After a kill, it
   goes on from there: it verifies the stored statements again, as at every start, and fetches none of them again.
3. **Our own log** gets these statements in the order in which we stored them, under our own checkpoint, signed once
   the whole log is taken in.

A lying log can do the following:

| the log | consequence |
|---|---|
| changes a byte; has an entry that nobody may state | refused, and the entry named |
| leads to another root; is not signed by the node that its record names | refused |
| repeats entries without end | refused as soon as it has more entries than we hold statements |
| does not hand out some entries, or drips, or answers without end | asked a few times, then refused |
| leaves statements out | found by reconciling with others (`gossip`), or in another log (`log_follower.join`) |

From a refused log, only statements remain that verified, each by itself; the reading position is not kept. The next
node is tried. If no node is suitable, this node runs with the statements that it has, and `log_follower.join` goes on
trying.

It does not keep up with a log while the node runs (`log_follower.join` does).
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from itertools import count
from typing import Final, Protocol, TypeVar

import trio

from accredit.gossip.protocol.backoff import pause_after
from accredit.node.engine import Engine
from accredit.node.files.atomic_files import is_passing
from accredit.node.ports import Progress, RunBlocking
from accredit.node.storage.log_store import Change, Store
from accredit.node.telemetry import event as log_event
from accredit.registry.errors import AccreditError, InputError, NotYetError, RefusedError, StorageError
from accredit.registry.statement import Statement, Unverified, decode
from accredit.registry.transparency.tiles import TILE_WIDTH, Frontier

from .log_follower import Files, Mirror, fetch_genesis, keep_reached, reached_at
from .verify_queue import checking_line, workers_for

BATCH: Final = 4_096
"""Statements in one transaction: some 1.7 MB, and one wait for the disk in half a second of work."""

RETRY_SECONDS: Final = (0.5, 1.0, 2.0, 4.0)
"""Pauses before a bundle is asked for again. A guess: longer than a peer takes to start again."""

ROUND_SECONDS: Final = (1.0, 4.0)
"""Pauses before all nodes are tried again, if we have no statement yet."""

FULL_SECONDS: Final = (1.0, 60.0)
"""First and longest pause before a batch that found no room on the disk is stored again, doubling."""

_log = logging.getLogger(__name__)

T = TypeVar("T")


class Kept(Protocol):
    """Stores an engine's fold; for worker threads."""

    def reading(self) -> AbstractContextManager[None]:
        """Hold one connection while one thread makes many reads."""
        ...

    def stored(self, engine: Engine, size: int, newest: Sequence[bytes]) -> None:
        """Note that the settled fold covers the first entries of the log, which are stored and fed.

        Args:
            newest: ids of the last of them, in order.
        """
        ...


class Bulk:
    """See the module.

    Args:
        files: public files of other nodes.
        urls: of nodes to read from, in the order in which to try them.
        workers: processes that check signatures; 1: this one does.
        progress: is called with the progress.
        retry_seconds: pauses before a failed request is repeated.
    """

    def __init__(
        self,
        files: Files,
        urls: Sequence[str],
        *,
        workers: int = 1,
        progress: Progress = lambda _done, _size: None,
        batch: int = BATCH,
        retry_seconds: Sequence[float] = RETRY_SECONDS,
        round_seconds: Sequence[float] = ROUND_SECONDS,
    ) -> None:
        self._files = files
        self._urls = [url.rstrip("/") for url in urls]
        self._workers = workers
        self._progress = progress
        self._batch = batch
        self._retry_seconds = retry_seconds
        self._round_seconds = round_seconds

    async def run(
        self,
        engine: Engine,
        store: Store,
        run_blocking: RunBlocking,
        now: Callable[[], int],
        kept: Kept,
    ) -> None:
        """Take in the log of the first suitable node, if any.

        Args:
            engine: loaded with all that `store` holds.
            now: ms since 1970.
            kept: the store of the engine's fold.

        Raises:
            StorageError: this node's own database cannot be written; a full disk is waited for.
        """
        intake = _Intake(engine, store, run_blocking, now, kept)
        for pause in (*self._round_seconds, None):
            for url in self._urls:
                if await self._try(intake, url):
                    return
            if engine.size or pause is None or not self._urls:
                break
            await trio.sleep(pause)

    async def _try(self, intake: "_Intake", url: str) -> bool:
        start = intake.engine.size
        try:
            await self._take_log(intake, url)
        except StorageError:
            raise
        except InputError as error:
            log_event(_log, logging.ERROR, "log refused", url=url, code=error.code, reason=str(error))
            await intake.run_blocking(partial(keep_reached, intake.store, url, Frontier()))
            return False
        except AccreditError as error:
            log_event(_log, logging.WARNING, "log not read", url=url, code=error.code, reason=str(error))
            return False
        log_event(_log, logging.INFO, "log taken in", url=url, new=intake.engine.size - start)
        return True

    async def _take_log(self, intake: "_Intake", url: str) -> None:
        if not intake.engine.size:
            await intake.begin(await fetch_genesis(self._files, url, intake.store.ecosystem))
        reached = await intake.run_blocking(partial(reached_at, intake.store, url))
        mirror = Mirror(self._files, url, reached, batch=self._batch, pauses=self._retry_seconds)
        # The second checkpoint, at the latest, is checked with the node's log key: it is in what was read by then.
        await self._pull(intake, url, mirror)
        while await self._pull(intake, url, mirror) >= TILE_WIDTH:
            pass

    async def _pull(self, intake: "_Intake", url: str, mirror: Mirror) -> int:
        checkpoint = await mirror.checkpoint(intake.engine.log_key)
        missing = checkpoint.size - mirror.frontier.size
        async with checking_line(workers_for(missing, self._workers), intake.run_blocking) as line:

            async def put(entries: Sequence[bytes], reached: Frontier) -> None:
                async def take(checked: Sequence[bytes | Statement]) -> None:
                    await intake.take(checked, url, reached)
                    self._progress(reached.size, checkpoint.size)

                await line.put(entries, take)

            try:
                reached = await mirror.read(checkpoint, put)
            except AccreditError:
                await line.finish()  # what came before it is as good as ever
                raise
            await line.finish()
        return mirror.confirm(checkpoint, reached)


class _Intake:
    """The node that takes in a log, and does not run yet."""

    def __init__(
        self,
        engine: Engine,
        store: Store,
        run_blocking: RunBlocking,
        now: Callable[[], int],
        kept: Kept,
    ) -> None:
        self.engine = engine
        self.store = store
        self.run_blocking = run_blocking
        self._now = now
        self._kept = kept

    async def begin(self, genesis: bytes) -> None:
        """Take in the genesis, which has been checked."""
        await self._store([self.engine.take(decode(genesis))])

    async def take(self, entries: Sequence[bytes | Statement], url: str, reached: Frontier) -> None:
        """Take in a batch of the log at `url`, and store how far it has been read.

        Raises:
            RefusedError: `entry_inadmissible`: those before it have been taken in. `log_repeats`.
        """
        statements: list[Statement] = []
        with_reading = partial(self._reading, partial(self._judge, entries, statements))
        refused = await self.run_blocking(with_reading)
        if refused is not None:
            await self._store(statements)
            number = reached.size - len(entries) + refused[0]
            raise RefusedError(
                "entry_inadmissible",
                f"Entry {number} of the log at {url} is one that no node would accept: {refused[1].message}",
                hint="Join through another node, and tell this node's operator.",
            )
        await self._store(statements, url, reached)
        if reached.size > self.engine.size:
            raise RefusedError(
                "log_repeats",
                f"The log at {url} repeats statements: its first {reached.size} entries hold at most "
                f"{self.engine.size} different ones.",
                hint="Join through another node; this log's signed checkpoint is evidence.",
            )

    def _reading(self, work: Callable[[], T]) -> T:
        with self._kept.reading():
            return work()

    def _judge(
        self, entries: Sequence[bytes | Statement], statements: list[Statement]
    ) -> tuple[int, AccreditError] | None:
        """Give the engine the entries that it does not hold; return the first inadmissible one, if any, and why."""
        read: list[Unverified] = []
        refused: tuple[int, AccreditError] | None = None
        for number, entry in enumerate(entries):
            try:
                read.append(entry if isinstance(entry, Statement) else decode(entry))
            except InputError as error:
                refused = number, error
                break
        self.engine.look_ahead(read)
        for number, unverified in enumerate(read):
            try:
                if unverified.id not in self.engine.fold:  # before it runs, the fold holds what is logged
                    statements.append(self.engine.take(unverified))
            except (InputError, NotYetError) as error:
                return number, error
        return refused

    async def _store(self, statements: Sequence[Statement], url: str = "", reached: Frontier | None = None) -> None:
        """Store them durably, and then how far we have read, as soon as the disk has room."""
        changes = await self.run_blocking(partial(self._reading, self._settle)) if statements else []
        for failures in count(1):
            try:
                await self.run_blocking(partial(self._store_once, statements, changes, url, reached))
                return
            except StorageError as error:
                if not is_passing(error):
                    raise
                log_event(_log, logging.ERROR, "batch not stored", code=error.code, reason=str(error))
            await trio.sleep(pause_after(failures, *FULL_SECONDS))

    def _settle(self) -> list[Change]:
        """Apply the effects of the statements entered last."""
        found = self.engine.fold.settle()
        changed = [
            (word, id) for word, ids in (("took_effect", found.took_effect), ("ceased", found.ceased)) for id in ids
        ]
        time, rows = self._now() // 1_000, []
        for word, id in changed:
            statement = self.engine.fold.statement(id)
            assert statement is not None, "what takes effect is held"
            rows.append(Change(time=time, statement=id, kind=statement.kind, sub=statement.sub, change=word))
        return rows

    def _store_once(
        self, statements: Sequence[Statement], changes: Sequence[Change], url: str, reached: Frontier | None
    ) -> None:
        # After a full disk the first of these may have been done already.
        if self.store.size() < self.engine.size:
            self.store.append([(each.id, each.raw) for each in statements])
        if self.store.changes_size() < self.engine.size:
            self.store.add_changes(changes, size=self.engine.size)
        self._kept.stored(self.engine, self.engine.size, [each.id for each in statements])
        if reached is not None:
            keep_reached(self.store, url, reached)
