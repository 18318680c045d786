"""Decides when a node's fold is written to its database, and loads it at the start.

    kept = FoldKeeping(store, signed)      what is stored is of the anchor at most, or it is forgotten
    engine = Engine(holdings=kept.holdings, entries=kept.entries, ...)
    kept.missing()                         numbers of the entries that are still to be folded, up to the anchor
    kept.relieve(engine, part)             while much is taken in: written as soon as much has changed
    kept.finish(engine, part)              then all of it, and both maps
    changes = kept.take(part); ...; kept.written(engine)      while the node runs: with each note of a quorum

* While a node runs, the stored fold is that of the newest stored note; one transaction has both. Before there is a
  note, and while a log is loaded, it is that of the beginning of the log read so far.
* Killed at any moment, the node finds a mark and continues from there. Data by another version of the fold is dropped
  and folded again, in batches, so that memory stays bounded.
* While much is taken in, the maps are not updated but made once at the end, which is a tenth of the work.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from functools import partial
from itertools import chain
from sqlite3 import Connection
from typing import Final

from accredit.governance.records.committed_set import COMMITTED
from accredit.node.engine import Engine
from accredit.node.engine.quorum_state import KEPT_NOTE, KeptNote, Part
from accredit.node.storage.fold_store import StoredHoldings
from accredit.node.storage.fold_writes import PendingWrites, clear, make_maps
from accredit.node.storage.log_reader import Reader
from accredit.node.storage.log_store import Store
from accredit.node.storage.state_store import DAMAGED, StoredNoted, forget_note
from accredit.registry.domain.records import FOLD_VERSION
from accredit.registry.errors import DecodeError, StorageError
from accredit.registry.transparency.state_note import StateNote
from accredit.registry.transparency.state_trie import state_root

UNWRITTEN: Final = 20_000
"""Rows that may have changed before they are written, while much is taken in: some 20 MiB, two batches."""

CHECKED: Final = 50_000
"""With at most so many statements, a start reads all records and maps, in some half a second; with more, an audit
does."""


class FoldKeeping:
    """See the module.

    Args:
        store: the database; what is read goes through connections that are closed with it.
        signed: the state cosigned last, and of which part of the log it is.

    Attributes:
        anchor: the part of the log for the stored fold at the start: that of the newest stored note, else of the last
            cosigned state, else the whole log.
        reason: why everything is made again from the log, if it is.
    """

    def __init__(self, store: Store, signed: tuple[StateNote, Part] | None) -> None:
        self._store = store
        self.entries: Reader = store.companion()
        self.holdings = StoredHoldings(self.entries, FOLD_VERSION)
        self.anchor, self._state = self._anchored(signed)
        self.reason = self._why_not()
        if self.reason is not None:
            self.holdings.forget()
            store.write(clear)
        if not store.size():
            self.reason = None

    def _why_not(self) -> str | None:
        """Return why the stored fold cannot be used, if it cannot."""
        try:
            if not self.holdings.resume():
                return "this version of the program has stored nothing"
            if not _is_within(self.holdings.mark.part, self.anchor):
                return "the stored data covers more than a quorum has cosigned"
            held = StoredNoted(self.entries)
            root = state_root(held.trie.root(), held.statements.root())
            if self._state is not None and self.holdings.mark.part == self.anchor and root != self._state.root:
                return "the stored data does not lead to the root that a quorum cosigned"
            if len(self.holdings.facts(COMMITTED)) <= CHECKED:
                held.check()
                self.holdings.check()
        except StorageError as error:
            if error.code not in DAMAGED:
                raise
            return error.message
        return None

    @property
    def is_anchored(self) -> bool:
        """Whether the anchor is of a state that was noted or cosigned."""
        return self._state is not None

    def _anchored(self, signed: tuple[StateNote, Part] | None) -> tuple[Part, StateNote | None]:
        kept, size = self._store.kept(KEPT_NOTE), self._store.size()
        noted = None
        with suppress(DecodeError):  # whoever loads the log says what is wrong with it
            noted = None if kept is None else KeptNote.decode(kept)
        for state, part in (*([] if noted is None else [(noted.state, noted.part)]), *([signed] if signed else [])):
            if state.fold == FOLD_VERSION and part.size <= size:
                return part, state
        return Part(size=size), None

    def reading(self) -> AbstractContextManager[None]:
        """For as long as a thread asks much of the fold."""
        return self.entries.snapshot()

    def stored(self, engine: Engine, size: int, newest: Sequence[bytes]) -> None:
        """So many entries of another node's log are in ours, settled, the `newest` last; they are written, if that is
        much."""
        self.holdings.logged(newest, size - len(newest))
        if not self.is_anchored:
            self.relieve(engine, Part(size=size))
        engine.read_on(size)

    def missing(self) -> list[int]:
        """Numbers of the entries of the anchor that are not in what is stored, ascending."""
        stored, without = self.holdings.mark.part, dict.fromkeys(self.anchor.without)
        numbers = chain(stored.without, range(stored.size, self.anchor.size))
        return [number for number in numbers if number not in without]

    def relieve(self, engine: Engine, part: Part) -> None:
        """Write what has changed, if that is much; the fold, settled, is of `part`. Not within `reading`."""
        if self.holdings.unwritten >= UNWRITTEN:
            self._write(engine, part, has_maps=False)

    def finish(self, engine: Engine, part: Part) -> None:
        """Write what has changed, if anything was written meanwhile, and make the maps, if they were left alone."""
        if self.holdings.mark.has_maps and self.holdings.unwritten < UNWRITTEN:
            return  # little: it goes with the next note
        self._write(engine, part, has_maps=False)
        mark = self.holdings.mark
        self._store.write(lambda connection: make_maps(connection, mark))
        self.holdings.mapped()
        with self.reading():
            engine.fold.renew(self.holdings, is_same=False)

    def take(self, part: Part) -> PendingWrites:
        """What has changed since the last time, of a fold of `part`."""
        return self.holdings.take(part)

    def written(self, engine: Engine) -> None:
        """What was taken is stored."""
        self.holdings.written()
        base = engine.notary.base
        if base is not None and not self.holdings.unwritten:
            base.renew(self.holdings)
            engine.notary.renew()
        engine.read_on(engine.size)

    def put_back(self) -> None:
        """What was taken was not stored."""
        self.holdings.put_back()

    def _write(self, engine: Engine, part: Part, *, has_maps: bool) -> None:
        changes = self.holdings.take(part, has_maps=has_maps)
        try:
            self._store.write(partial(_write, changes=changes))
        except BaseException:
            self.holdings.put_back()
            raise
        self.holdings.written()
        with self.reading():
            engine.fold.renew(self.holdings, is_same=has_maps)


def _write(connection: Connection, *, changes: PendingWrites) -> None:
    forget_note(connection)
    changes.write(connection)


def _is_within(part: Part, whole: Part) -> bool:
    """Whether all entries of one part are of the other."""
    without = dict.fromkeys(part.without)
    return part.size <= whole.size and all(number in without for number in whole.without if number < part.size)
