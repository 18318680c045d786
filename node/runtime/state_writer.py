"""How a running node's noted state follows its notary: in a worker thread, one note after the other.

    noting = Noting(NotedStore(store), run_blocking, fitness)
    effects = await noting.resume(engine.settle(...))      at the start; what stands then comes with everything
    if noting.take(stands): ...                            in the trio thread; True: have `store` called in its turn
    await noting.store()

* What stands while another note is being stored waits, joined to one: only the newest note is stored, with everything
  that has changed since the last one that was.
* A full disk puts it off until the next note. What is noted then trails, and is whole all the same.
* What does not lead to the root in the note ends the node: it has agreed with a quorum on that root, so its own disk or
  memory is at fault, and it must not go on signing.
"""

import logging
from collections.abc import Iterable
from functools import partial

from accredit.node.engine.events import Effect, NoteStands
from accredit.node.ports import RunBlocking
from accredit.node.storage.state_store import DAMAGED, NotedStore
from accredit.node.telemetry import event as log_event
from accredit.registry.errors import StorageError

from .fitness import Fitness

_log = logging.getLogger(__name__)


class Noting:
    """See the module.

    Attributes:
        noted: the stored state; to be read by anybody.
    """

    def __init__(self, noted: NotedStore, run_blocking: RunBlocking, fitness: Fitness) -> None:
        self.noted = noted
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
        try:
            with self._fitness.writing("the state note"):
                reason = await self._run_blocking(partial(self._follow, stands))
        except StorageError as error:
            if error.code in DAMAGED:
                raise
            log_event(_log, logging.ERROR, "state note not stored", code=error.code, reason=str(error))
        else:
            self._left_over, self._is_known = None, True
            if reason is not None:
                log_event(_log, logging.WARNING, "noted state made anew", reason=reason)

    def _follow(self, stands: NoteStands | None) -> str | None:
        """In a worker thread; why everything was made anew, if it was."""
        if stands is None:
            self.noted.clear()
            return None
        kept, state, root = stands.kept, stands.state, stands.statements_root
        if self._is_known:
            self.noted.settle(
                kept=kept, state=state, statements_root=root, changed=stands.changed, committed=stands.committed
            )
            return None
        records = {subject: record for subject, record in stands.changed.items() if record is not None}
        ids = {id: None for id, is_in in stands.committed.items() if is_in}
        return self.noted.resume(kept=kept, state=state, statements_root=root, records=records, statements=ids)


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
