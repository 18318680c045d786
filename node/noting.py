"""How a running node's noted state follows its notary: in a worker thread, one note after the other.

    noting = Noting(NotedStore(store), run_blocking)
    effects = await noting.resume(engine.settle(...))      at the start
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

from registry.errors import StorageError

from .happenings import Effect, NoteStands
from .noted_store import DAMAGED, NotedStore
from .observe import event as log_event
from .seams import RunBlocking

_log = logging.getLogger(__name__)


class Noting:
    """See the module.

    Attributes:
        noted: the stored state; to be read by anybody.
    """

    def __init__(self, noted: NotedStore, run_blocking: RunBlocking) -> None:
        self.noted = noted
        self._run_blocking = run_blocking
        self._waiting: NoteStands | None = None
        self._left_over: NoteStands | None = None  # what found no room

    async def resume(self, effects: Iterable[Effect]) -> list[Effect]:
        """Takes up the state that stands at the start; the other effects.

        Raises:
            StorageError: it cannot be stored, or the log does not lead to it.
        """
        standing, rest = None, list[Effect]()
        for effect in effects:
            if isinstance(effect, NoteStands):
                standing = joined(standing, effect)
            else:
                rest.append(effect)
        if standing is None:
            await self._run_blocking(self.noted.clear)
            return rest
        reason = await self._run_blocking(
            partial(
                self.noted.resume,
                kept=standing.kept,
                state=standing.state,
                statements_root=standing.statements_root,
                records={subject: record for subject, record in standing.changed.items() if record is not None},
            )
        )
        if reason is not None:
            log_event(_log, logging.WARNING, "noted state made anew", reason=reason)
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
        assert self._waiting is not None, "that is what it is called for"
        stands = joined(self._left_over, self._waiting)
        self._waiting, self._left_over = None, stands
        settle = partial(
            self.noted.settle,
            kept=stands.kept,
            state=stands.state,
            statements_root=stands.statements_root,
            changed=stands.changed,
        )
        try:
            await self._run_blocking(settle)
        except StorageError as error:
            if error.code in DAMAGED:
                raise
            log_event(_log, logging.ERROR, "state note not stored", code=error.code, reason=str(error))
        else:
            self._left_over = None


def joined(before: NoteStands | None, after: NoteStands) -> NoteStands:
    """Two states that stood one after the other as one: the later one, with what changed on the way to both."""
    if before is None:
        return after
    return NoteStands(
        kept=after.kept,
        state=after.state,
        statements_root=after.statements_root,
        changed={**before.changed, **after.changed},
    )
