"""The noted state: its records, its map and the changes that led to it; and its stored form.

A `NotedMap` is a `registry.domain.records.Records` and proves each of its answers; `MemoryNotedMap` is one in memory.
The driver of an engine keeps one and updates it with each `NoteStands`. It trails the log: proofs are made from it
while newer statements are already held. `changed_since` gives the differences from an earlier noted state, so that a
small file can update a verifier's snapshot. It does not know old states or, in memory, those from before a restart;
then the verifier gets a whole snapshot.

The node stores the note and the part of the log to which it belongs (`KeptNote`, deterministic CBOR `[note, [size,
[numbers]]]`). The rest is derived again, and so verified, whenever the node starts.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import pairwise
from typing import Any, Final, Protocol

from accredit.governance.records.encoded_records import encoded, record_of
from accredit.registry.domain.record_types import Record
from accredit.registry.domain.records import Subject, record_key
from accredit.registry.encoding.cbor import decode, encode, reread
from accredit.registry.errors import DecodeError
from accredit.registry.transparency.signed_note import NOTE_BYTES_MAX, Note
from accredit.registry.transparency.state_map import StateMap, Trie
from accredit.registry.transparency.state_note import StateNote

PAST_STATES: Final = 4_096
"""Noted states whose changes are remembered: more than an hour of a steady stream, years of a quiet one. A guess."""

PAST_SUBJECTS: Final = 50_000
"""Changed records remembered over all of them; with more, a delta is no smaller than a snapshot. A guess."""

KEPT_NOTE: Final = "state_note"
"""The name under which the store keeps the newest note with a quorum (`KeptNote`)."""

KEPT_BYTES: Final = 1024 * 1024
"""A stored note: 100,000 numbers left out; a noted set trails the log by seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Some of a log's entries: the first `size`, but for the numbers `without`, which ascend."""

    size: int
    without: tuple[int, ...] = ()

    def as_list(self) -> list[Any]:
        """As it is stored."""
        return [self.size, list(self.without)]

    @classmethod
    def of(cls, value: Any) -> "Part":
        """The inverse of `as_list`.

        Raises:
            DecodeError: it is not of that shape.
        """
        match value:
            case [int() as size, [*numbers]] if all(type(one) is int for one in (size, *numbers)):
                if all(before < after for before, after in pairwise((-1, *numbers, size))):
                    return cls(size=size, without=tuple(numbers))
        raise DecodeError(
            "bad_part",
            "a part of a log must be its size and the numbers left out, in ascending order and below the size.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptNote:
    """The stored form of a noted state: the note with its cosignatures, and its part of the log."""

    note: bytes
    part: Part

    @property
    def state(self) -> StateNote:
        """What the note says."""
        return StateNote.decode(Note.decode(self.note).text)

    def encode(self) -> bytes:
        """As it is stored."""
        return encode([self.note, self.part.as_list()])

    @classmethod
    def decode(cls, data: bytes) -> "KeptNote":
        """The inverse of `encode`.

        Raises:
            DecodeError: it is none, or its note is no state note.
        """
        value = decode(data, what="the stored note", max_bytes=KEPT_BYTES)
        if type(value) is not list or len(value) != 2 or type(value[0]) is not bytes or len(value[0]) > NOTE_BYTES_MAX:
            raise DecodeError("bad_kept_note", "a stored note must be a note and the part of the log it covers.")
        StateNote.decode(Note.decode(value[0]).text)
        return cls(note=value[0], part=Part.of(value[1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Past:
    """A state that was noted: both its roots, 32 bytes each, and the records that differ in the one after it."""

    root: bytes
    records_root: bytes
    changed: tuple[Subject, ...]


class NotedMap(Protocol):
    """The interface of the noted map, in memory or in a table, as of one noted state."""

    @property
    def note(self) -> bytes | None:
        """The note with every cosignature gathered; None before the first quorum."""
        ...

    @property
    def state(self) -> StateNote | None:
        """What the note says."""
        ...

    @property
    def statements_root(self) -> bytes:
        """The other half of the state root, 32 bytes."""
        ...

    @property
    def trie(self) -> StateMap:
        """The map over all records; to be read only."""
        ...

    @property
    def statements(self) -> StateMap:
        """The map over the statements to which the root binds, each id its own value; to be read only."""
        ...

    def records_root(self) -> bytes:
        """The root over all records, 32 bytes."""
        ...

    def get(self, type: str, id: str) -> Record | None:
        """A record, not to be changed; None where there is none."""
        ...

    def encoded(self, type: str, id: str) -> tuple[bytes, Record] | None:
        """Return a record as encoded, and as `get` returns it; None if there is no such record."""
        ...

    def prove(self, type: str, id: str) -> bytes:
        """That the record is what `get` says, present or absent, under the records root."""
        ...

    def governing(self) -> list[Subject]:
        """Types and ids of the charter's and the authorities' records, sorted: what every decision reads some of."""
        ...

    def items(self) -> Iterator[tuple[Subject, Record]]:
        """All records, in no order that means anything. The map must not go on meanwhile."""
        ...

    def changed_since(self, root: bytes) -> tuple[bytes, tuple[Subject, ...]] | None:
        """What differs from an earlier noted state; see `MemoryNotedMap.changed_since`."""
        ...

    def raws(self) -> Iterator[tuple[Subject, bytes]]:
        """The same, each in its encoding."""
        ...

    def between(self, low: bytes, high: bytes, *, most: int) -> list[Subject]:
        """Types and ids of the records whose keys are from `low` to `high`, in the order of their keys.

        Args:
            low, high: 32 bytes each.
            most: how many, at most.
        """
        ...

    def reading(self) -> AbstractContextManager["NotedMap"]:
        """Give one state for several reads in a row; keep it short, and not across an await."""
        ...

    def apart(self) -> AbstractContextManager["NotedMap"]:
        """Give one state, the newest, for any length of time and in any thread."""
        ...


@dataclass(slots=True)
class MemoryNotedMap:
    """See the module.

    Attributes:
        note: the note with every cosignature gathered; None before the first quorum.
        state: what it says.
        statements_root: the other half of the state root, 32 bytes.
        trie: the map over all records; not to be changed but by `settle`.
    """

    note: bytes | None = None
    state: StateNote | None = None
    statements_root: bytes = bytes(32)
    _raws: dict[Subject, bytes] = field(default_factory=dict)
    trie: Trie = field(default_factory=Trie)
    _committed: dict[bytes, None] = field(default_factory=dict)
    _statements: Trie | None = None
    _governing: dict[Subject, None] = field(default_factory=dict)
    _past: deque[_Past] = field(default_factory=deque)
    _past_subjects: int = 0

    def records_root(self) -> bytes:
        """The root over all records, 32 bytes."""
        return self.trie.root()

    @property
    def statements(self) -> Trie:
        """The map over the statements to which the root commits; made on demand, because few callers in memory need
        it."""
        if self._statements is None:
            self._statements = Trie((id, id) for id in self._committed)
        return self._statements

    def items(self) -> Iterator[tuple[Subject, Record]]:
        """All records, in no order that means anything."""
        return ((subject, reread(raw)) for subject, raw in self._raws.items())

    def get(self, type: str, id: str) -> Record | None:
        """A record as of the noted state."""
        raw = self._raws.get((type, id))
        return None if raw is None else record_of(raw)

    def encoded(self, type: str, id: str) -> tuple[bytes, Record] | None:
        """Return a record as encoded, and as `get` returns it."""
        raw = self._raws.get((type, id))
        return None if raw is None else (raw, record_of(raw))

    def prove(self, type: str, id: str) -> bytes:
        """That the record is what `get` says, present or absent, under the records root."""
        return self.trie.prove(record_key(type, id))

    def governing(self) -> list[Subject]:
        """Types and ids of the charter's and the authorities' records, sorted: what every decision reads some of."""
        return sorted(self._governing)

    def raws(self) -> Iterator[tuple[Subject, bytes]]:
        """The same, each in its encoding."""
        return iter(self._raws.items())

    def between(self, low: bytes, high: bytes, *, most: int) -> list[Subject]:
        """Types and ids of the records whose keys are from `low` to `high`, in the order of their keys."""
        keyed = ((record_key(*subject), subject) for subject in self._raws)
        return [subject for _, subject in sorted(one for one in keyed if low <= one[0] <= high)][:most]

    def reading(self) -> AbstractContextManager[NotedMap]:
        """Itself: it changes only where `settle` is called."""
        return nullcontext(self)

    def apart(self) -> AbstractContextManager[NotedMap]:
        """Itself: it is for one thread."""
        return nullcontext(self)

    def settle(
        self,
        *,
        kept: KeptNote,
        state: StateNote,
        statements_root: bytes,
        changed: Mapping[Subject, Record | None],
        committed: Mapping[bytes, bool],
    ) -> None:
        """Advance to a newer state, or to a note of the same one with other cosignatures.

        Args:
            changed: records that differ, as they now are; None: it is no more.
            committed: ids of statements to which the root binds from now on (True), or no longer does (False).
        """
        if self.state is not None and self.state != state:
            self._remember(_Past(root=self.state.root, records_root=self.trie.root(), changed=tuple(changed)))
        for subject, raw in encoded(changed):
            self.trie.set(record_key(*subject), None if raw is None else sha256(raw).digest())
            if raw is None:
                self._raws.pop(subject, None)
            else:
                self._raws[subject] = raw
            if subject[0] in ("charter", "authority"):
                self._governing.pop(subject, None)
                if raw is not None:
                    self._governing[subject] = None
        for id, is_in in committed.items():
            if is_in:
                self._committed[id] = None
            else:
                self._committed.pop(id, None)
        if committed:
            self._statements = None
        self.note, self.state, self.statements_root = kept.note, state, statements_root

    def changed_since(self, root: bytes) -> tuple[bytes, tuple[Subject, ...]] | None:
        """What differs from an earlier noted state.

        Args:
            root: its state root, 32 bytes.

        Returns:
            Its records root, and the records that may differ now, sorted; None for a state not remembered.
        """
        if self.state is not None and self.state.root == root:
            return self.trie.root(), ()
        changed: dict[Subject, None] = {}
        for past in reversed(self._past):
            changed |= dict.fromkeys(past.changed)
            if past.root == root:
                return past.records_root, tuple(sorted(changed))
        return None

    def _remember(self, past: _Past) -> None:
        self._past.append(past)
        self._past_subjects += len(past.changed)
        while len(self._past) > PAST_STATES or self._past_subjects > PAST_SUBJECTS:
            self._past_subjects -= len(self._past.popleft().changed)
