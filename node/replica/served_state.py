"""One verified state, as the routes of a node read it: its records as a `Fold`, its map as a `NotedMap`.

    state = ServedState.of(snapshot)
    state = state.followed_by(snapshot)         the next one; what does not change is shared

A state never changes: a server switches to the next one, and threads that still read the older one can finish.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Final, cast

from accredit.governance.fold import Fold
from accredit.governance.records.encoded_records import record_of
from accredit.governance.rules.charter import Charter
from accredit.registry.domain.bodies import CharterGenesis
from accredit.registry.domain.record_types import Record
from accredit.registry.domain.records import Subject, charter_in, record_key
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.errors import NotYetError
from accredit.registry.evidence.proved_records import GOVERNING
from accredit.registry.evidence.snapshot import Snapshot
from accredit.registry.evidence.state_check import NotedState
from accredit.registry.transparency.state_map import StateMap, Trie
from accredit.registry.transparency.state_note import StateNote

PAST_STATES: Final = 256
"""Older states from which deltas are served: hours, at one a minute. A guess."""


@dataclass(frozen=True, slots=True)
class _OlderState:
    root: bytes
    records_root: bytes
    changed: tuple[Subject, ...]


@dataclass(frozen=True, kw_only=True)
class ServedState:
    """See the module; a `node.engine.quorum_state.NotedMap`.

    Attributes:
        noted: the state for which a quorum vouches, and since when.
        statements_root: the other half of the state root, 32 bytes.
        trie: the map over all records.
    """

    noted: NotedState
    statements_root: bytes
    trie: Trie
    _raws: Mapping[Subject, bytes]
    _past: tuple[_OlderState, ...] = field(default=())

    @classmethod
    def of(cls, snapshot: Snapshot) -> "ServedState":
        """Return the state of a verified snapshot."""
        raws = dict(snapshot.items())
        trie = Trie((record_key(*subject), sha256(raw).digest()) for subject, raw in raws.items())
        return cls(noted=snapshot.noted, statements_root=snapshot.statements_root(), trie=trie, _raws=raws)

    def followed_by(self, snapshot: Snapshot) -> "ServedState":
        """Return the state of a snapshot that is newer, or has a fresher note."""
        raws, trie, past = dict(snapshot.items()), self.trie.branch(), self._past
        changed = tuple(sorted(one for one in {**self._raws, **raws} if self._raws.get(one) != raws.get(one)))
        for subject in changed:
            raw = raws.get(subject)
            trie.set(record_key(*subject), None if raw is None else sha256(raw).digest())
        if snapshot.noted.state != self.noted.state:
            older = _OlderState(self.noted.state.root, self.records_root(), changed)
            past = (*past, older)[-PAST_STATES:]
        return ServedState(
            noted=snapshot.noted, statements_root=snapshot.statements_root(), trie=trie, _raws=raws, _past=past
        )

    def records(self, charter: CanonicalId) -> Fold:
        """Return the records in place of a fold, without the fold's other data."""
        return _Records(self, charter)

    @property
    def note(self) -> bytes:
        """The note, as it was verified."""
        return self.noted.note

    @property
    def state(self) -> StateNote:
        """What the note says."""
        return self.noted.state

    @property
    def statements(self) -> StateMap:
        """A replica holds no statements.

        Raises:
            NotYetError: always.
        """
        raise NotYetError("not_here", "A replica holds records and no statements.", hint="Ask a node.")

    def records_root(self) -> bytes:
        """The root over all records, 32 bytes."""
        return self.trie.root()

    def get(self, type: str, id: str) -> Record | None:
        """A record, not to be changed; None where there is none."""
        raw = self._raws.get((type, id))
        return None if raw is None else record_of(raw)

    def encoded(self, type: str, id: str) -> tuple[bytes, Record] | None:
        """Return a record as encoded, and as `get` returns it; None if there is no such record."""
        raw = self._raws.get((type, id))
        return None if raw is None else (raw, record_of(raw))

    def prove(self, type: str, id: str) -> bytes:
        """That the record is what `get` says, present or absent, under the records root."""
        return self.trie.prove(record_key(type, id))

    @cached_property
    def _governing(self) -> list[Subject]:
        return sorted(subject for subject in self._raws if subject[0] in GOVERNING)

    def governing(self) -> list[Subject]:
        """Types and ids of the charter's and the authorities' records, sorted: what every decision reads some of."""
        return self._governing

    def items(self) -> Iterator[tuple[Subject, Record]]:
        """All records, in no order that means anything."""
        return ((subject, record_of(raw)) for subject, raw in self._raws.items())

    def raws(self) -> Iterator[tuple[Subject, bytes]]:
        """The same, each in its encoding."""
        return iter(self._raws.items())

    def changed_since(self, root: bytes) -> tuple[bytes, tuple[Subject, ...]] | None:
        """What differs from an earlier state, and its records root; None for one not remembered."""
        if root == self.state.root:
            return self.records_root(), ()
        changed: dict[Subject, None] = {}
        for older in reversed(self._past):
            changed |= dict.fromkeys(older.changed)
            if older.root == root:
                return older.records_root, tuple(sorted(changed))
        return None

    @cached_property
    def _keyed(self) -> list[tuple[bytes, Subject]]:
        return sorted((record_key(*subject), subject) for subject in self._raws)

    def between(self, low: bytes, high: bytes, *, most: int) -> list[Subject]:
        """Types and ids of the records whose keys are from `low` to `high`, in the order of their keys."""
        first = bisect_left(self._keyed, low, key=lambda one: one[0])
        stop = bisect_right(self._keyed, high, key=lambda one: one[0])
        return [subject for _, subject in self._keyed[first : min(stop, first + most)]]

    def reading(self) -> "AbstractContextManager[ServedState]":
        """Itself: it never changes."""
        return nullcontext(self)

    def apart(self) -> "AbstractContextManager[ServedState]":
        """Itself: it never changes."""
        return nullcontext(self)


class _Records(Fold):
    """The records of a state where a fold is expected; nothing was folded."""

    def __init__(self, state: ServedState, charter: CanonicalId) -> None:
        super().__init__(state.state.ecosystem)
        self._state = state
        record = charter_in(state, charter)
        self._charter = None if record is None else Charter(body=cast(CharterGenesis, record), authorities={})

    def get(self, type: str, id: str) -> Record | None:
        """See `Fold`."""
        return self._state.get(type, id)

    @property
    def charter(self) -> Charter | None:
        """As much of it as is in its record."""
        return self._charter
