"""Writes a running node's noted state as its notary advances: in a worker thread, one note after the other.

    noting = Noting(NotedStore(store), kept, engine, run_blocking, fitness)
    effects = await noting.resume(engine.settle(...))      at the start; what stands then comes with everything
    if noting.take(stands): ...                            in the trio thread; True: have `store` called in its turn
    await noting.store()

* Notes that come while another one is being stored are joined: only the newest is stored, with all changes since the
  last stored one.
* On a full disk writing waits until the next note. The stored state then trails, and is still complete.
* If the records do not lead to the root in the note, the node ends: it has agreed with a quorum on that root, so its
  own disk or memory is at fault, and it must not sign any more.
"""

import logging
from collections.abc import Iterable
from functools import partial

from accredit.governance.fold import Maps
from accredit.governance.records.encoded_records import Picked
from accredit.node.engine import Engine
from accredit.node.engine.events import Effect, NoteStands
from accredit.node.ports import RunBlocking
from accredit.node.storage.fold_writes import PendingWrites
from accredit.node.storage.state_store import DAMAGED, NotedStore
from accredit.node.telemetry import event as log_event
from accredit.registry.errors import StorageError

from .fitness import Fitness
from .fold_keeping import FoldKeeping

_log = logging.getLogger(__name__)


class Noting:
    """See the module.

    Attributes:
        noted: the stored state; to be read by anybody.
    """

    def __init__(
        self, noted: NotedStore, kept: FoldKeeping, engine: Engine, run_blocking: RunBlocking, fitness: Fitness
    ) -> None:
        self.noted = noted
        self._kept = kept
        self._engine = engine
        self._run_blocking = run_blocking
        self._fitness = fitness
        self._waiting: NoteStands | None = None
        self._left_over: NoteStands | None = None  # what found no room
        self._is_known = False  # whether what is stored is what changes are counted from

    async def resume(self, effects: Iterable[Effect]) -> list[Effect]:
        """Takes up the state that stands at the start, if any does; the other effects.

        Raises:
            StorageError: the log does not lead to it, or the disk fails.
        """
        rest = list[Effect]()
        for effect in effects:
            if isinstance(effect, NoteStands):
                self._waiting = joined(self._waiting, effect)
            else:
                rest.append(effect)
        await self.store()
        return rest

    def take(self, stands: NoteStands) -> bool:
        """A note stands; whether `store` is to be called for it."""
        is_first = self._waiting is None
        self._waiting = joined(self._waiting, stands)
        return is_first

    async def store(self) -> None:
        """Stores the newest note with what changed.

        Raises:
            StorageError: what is stored does not lead to its root.
        """
        stands = self._left_over if self._waiting is None else joined(self._left_over, self._waiting)
        self._waiting, self._left_over = None, stands
        # Here, in the thread in which the engine goes on: at this moment what is kept is of the newest note.
        changes = None if stands is None else self._kept.take(stands.kept.part)
        base = self._engine.notary.base
        maps = None if stands is None or base is None else base.maps()
        try:
            with self._fitness.writing("the state note"):
                await self._run_blocking(partial(self._follow, stands, changes, maps))
        except StorageError as error:
            if changes is not None:
                self._kept.put_back()
            if error.code in DAMAGED:
                raise
            log_event(_log, logging.ERROR, "state note not stored", code=error.code, reason=str(error))
        else:
            if changes is not None:
                self._kept.written(self._engine)
            self._left_over, self._is_known = None, True

    def _follow(self, stands: NoteStands | None, changes: PendingWrites | None, maps: Maps | None) -> None:
        """In a worker thread."""
        if not self._is_known:
            self.noted.stand(None if stands is None else stands.state)
        if stands is None or changes is None:
            return
        self.noted.settle(
            kept=stands.kept,
            state=stands.state,
            statements_root=stands.statements_root,
            changed=Picked(dict(changes.records)),
            committed=changes.committed,
            maps=maps,
            also=changes.write_rows,
        )


def joined(before: NoteStands | None, after: NoteStands) -> NoteStands:
    """Two states that stood one after the other as one: the later one, with what changed on the way to both."""
    if before is None:
        return after
    return NoteStands(
        kept=after.kept,
        state=after.state,
        statements_root=after.statements_root,
        changed={**before.changed, **after.changed},
        committed={**before.committed, **after.committed},
    )
