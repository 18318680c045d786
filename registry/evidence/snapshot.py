"""Snapshots: all records in one file, for verifiers that work offline; deltas keep them up to date.

    snapshot = "accredit-snapshot/v1" LF, statements root[32], u64 number of records, records, state note
    delta    = "accredit-delta/v1" LF, base records root[32], statements root[32], u64 number, changes, state note
    record   = u8 type, u16 length of the id, id, u32 length, record's deterministic CBOR
    change   = the same; length 0: the record is removed

Records are sorted by their keys in the state map, each once, so that one state has one file, byte for byte, except for
the cosignatures on its note. Numbers are big-endian. The types' numbers are `_TYPES`.

`Snapshot.load` trusts no part of the file: it recomputes the map and compares its root with that of the note, which a
quorum of the trust policy's signers must have cosigned. A delta whose result does not have the noted root is discarded,
and the snapshot stays as it was.

A snapshot covers the time up to its note's age limit. After that the answer is `stale_view`, "not covered". It is never
"not revoked", because the snapshot cannot know of newer statements.
"""

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Final

from ..decision.decide import Sitting
from ..decision.query import Query, spelled_authority
from ..decision.verdict import Decision, Reason, Verdict
from ..domain.record_types import Record
from ..domain.records import Subject, record_key
from ..encoding.cbor import decode
from ..encoding.rfc3339 import text
from ..errors import DecodeError, RefusedError
from ..limits import IDENTIFIER_CHARS, RECORD_BYTES
from ..transparency.signed_note import NOTE_BYTES_MAX
from ..transparency.state_map import Trie
from ..transparency.state_note import AHEAD_MAX
from ..transparency.state_trie import state_root
from .deciding import decide_sitting
from .state_check import CheckError, NotedState, read_note
from .trust_policy import LIFETIME, TrustPolicy

_SNAPSHOT: Final = b"accredit-snapshot/v1\n"
_DELTA: Final = b"accredit-delta/v1\n"
_TYPES: Final = {
    1: "accreditation",
    2: "alias",
    3: "authority",
    4: "charter",
    5: "competency",
    6: "framework",
    7: "issuer",
    8: "mapping",
    9: "node",
    10: "recognition",
}
_NUMBERS: Final = {name: number for number, name in _TYPES.items()}
_ROOT_BYTES: Final = 32
_ID_BYTES: Final = 4 * IDENTIFIER_CHARS


def encode_snapshot(records: Iterable[tuple[Subject, bytes]], *, statements_root: bytes, note: bytes) -> bytes:
    """Return the file of one state.

    Args:
        records: type, id and encoding of each, in any order.
        statements_root: of that state, 32 bytes. note: its state note.
    """
    return _SNAPSHOT + statements_root + _encode_records(records) + note


def encode_delta(
    changes: Iterable[tuple[Subject, bytes | None]], *, base_root: bytes, statements_root: bytes, note: bytes
) -> bytes:
    """Return the file that leads from one state to another.

    Args:
        changes: type, id and new encoding of each record that differs; None: it is removed.
        base_root: root of the records before. statements_root, note: of the state after.
    """
    return _DELTA + base_root + statements_root + _encode_records((one, raw or b"") for one, raw in changes) + note


def changes_between(
    old: Mapping[Subject, bytes], new: Mapping[Subject, bytes]
) -> Iterator[tuple[Subject, bytes | None]]:
    """Return the changes from one set of records to another, for `encode_delta`."""
    for subject in sorted({**old, **new}):
        if old.get(subject) != new.get(subject):
            yield subject, new.get(subject)


class Snapshot:
    """Verified records, a `Records` for `decide`: only `load` makes one.

    Attributes:
        noted: their state.
    """

    def __init__(self, records: dict[Subject, bytes], statements_root: bytes, noted: NotedState, policy: TrustPolicy):
        """Use `load`."""
        self._raw = records
        self._trie = Trie(_leaf(subject, raw) for subject, raw in records.items())
        self._read: dict[Subject, Record] = {}
        self._sitting: Sitting | None = None
        self._relied_on: str | None = None
        self._statements_root = statements_root
        self._policy = policy
        self.noted = noted
        _require_root(self._trie, statements_root, noted)

    @classmethod
    def load(cls, data: bytes, policy: TrustPolicy, now: int) -> "Snapshot":
        """Read and verify a file.

        Args:
            now: the verifier's clock, seconds since 1970. An old note is accepted, but may cover no current questions.

        Raises:
            DecodeError: it is no snapshot.
            RefusedError: the note does not hold (`CheckError`), or the records are not those of the note.
        """
        reading = _Reading(data, "snapshot", _SNAPSHOT)
        statements_root = reading.take(_ROOT_BYTES)
        records = dict(reading.records(minimum=1))
        noted = read_note(reading.rest(), policy, now, max_age=LIFETIME)
        return cls(records, statements_root, noted, policy)

    def update(self, delta: bytes, policy: TrustPolicy, now: int) -> None:
        """Apply a delta completely, or change nothing.

        Raises:
            DecodeError: it is none.
            RefusedError: it has another base, is older, its note does not hold, or its result is not the noted state.
        """
        reading = _Reading(delta, "delta", _DELTA)
        base_root, statements_root = reading.take(_ROOT_BYTES), reading.take(_ROOT_BYTES)
        changes = dict(reading.records(minimum=0))
        if base_root != self._trie.root():
            raise RefusedError(
                "delta_base",
                "The delta starts from a different state.",
                hint="Fetch a delta from this state, or a full snapshot.",
            )
        # Evidence may already have shown the verifier a newer state than this one.
        floor = policy if policy.count > self.noted.state.count else policy.remember(self.noted.state)
        noted = read_note(reading.rest(), floor, now, max_age=LIFETIME)
        before = {subject: self._raw.get(subject) for subject in changes}
        self._change(changes)
        try:
            _require_root(self._trie, statements_root, noted)
        except RefusedError:
            self._change({subject: raw or b"" for subject, raw in before.items()})
            raise
        self._statements_root, self._policy, self.noted, self._relied_on = statements_root, policy, noted, None

    def get(self, type: str, id: str) -> Record | None:
        """A record by type and id (`records.Records`).

        Raises:
            DecodeError: a quorum vouched for bytes that are not a record.
        """
        subject = type, id
        record = self._read.get(subject)
        if record is None and (raw := self._raw.get(subject)) is not None:
            record = self._read[subject] = decode(raw, what=f"the {type} record of {id}", max_bytes=RECORD_BYTES)
        return record

    def encoded(self, type: str, id: str) -> tuple[bytes, Record] | None:
        """Return a record's encoding with what `get` returns (`proved_records.Proving`)."""
        record = self.get(type, id)
        return None if record is None else (self._raw[type, id], record)

    def __len__(self) -> int:
        return len(self._raw)

    def items(self) -> Iterator[tuple[Subject, bytes]]:
        """Return all records' encodings, sorted by type and id."""
        yield from sorted(self._raw.items())

    def records_root(self) -> bytes:
        """Return the root over the records: 32 bytes."""
        return self._trie.root()

    def prove(self, type: str, id: str) -> bytes:
        """Prove that a record is what `get` says, present or absent, under `records_root()`
        (`proved_records.Proving`)."""
        return self._trie.prove(record_key(type, id))

    def statements_root(self) -> bytes:
        """Return the root over the statements, the other half of the state root: 32 bytes."""
        return self._statements_root

    def encode(self) -> bytes:
        """Return the file that `load` reads."""
        return encode_snapshot(self._raw.items(), statements_root=self._statements_root, note=self.noted.note)

    def covers(self, now: int, max_age: int | None = None) -> bool:
        """Return whether it may answer questions about `now`: the note is young enough, and the policy has not expired.

        Args:
            max_age: of the note, seconds, in place of the policy's: the verifier's own choice.
        """
        policy, since = self._policy, self.noted.since
        age = policy.max_age if max_age is None else max_age
        return since - AHEAD_MAX <= now < since + age and now < policy.expires

    def ask(self, query: Query, now: int, *, max_age: int | None = None) -> Decision:
        """Return the decision on a query; `stale_view` where the snapshot is too old for it.

        A question about a time before the snapshot's note is answered at any age, as of the note. The reason
        `as_of_snapshot` says so, because newer statements (such as a revocation that reaches back) are not known.

        Args:
            now: the verifier's clock, seconds since 1970.
            max_age: of the note, seconds, in place of the policy's; the verifier's own choice.
        """
        is_current = self.covers(now, max_age)
        is_past = query.time is not None and query.time <= self.noted.since
        if not is_current and not (is_past and self.covers(now, LIFETIME)):
            since = text(self.noted.since)
            said = f"Not covered: this snapshot ends at {since}; it does not know what was stated later."
            return _open(query, now, Verdict.STALE_VIEW, "not_covered", said)
        if query.authority != self._relied_on and not self._relies_on(query.authority):
            said = f"The trust policy does not rely on {query.authority}."
            return _open(query, now, Verdict.INDETERMINATE, "authority_not_relied_on", said)
        try:
            if is_current:
                return decide_sitting(query, self._sitting_at(now))
            decision = decide_sitting(query, self._sitting_at(self.noted.since))
        except CheckError as error:
            return _open(query, now, Verdict.INDETERMINATE, "state_damaged", f"About {query.entity}: {error.message}")
        said = f"This is the state of the snapshot at {text(self.noted.since)}; later statements are not known."
        known = Reason(code="as_of_snapshot", text=said)
        return decision._replace(reasons=(*decision.reasons, known), valid_until=None)

    def _relies_on(self, authority: str) -> bool:
        is_relied_on = self._policy.relies_on(_spelled(authority))
        if is_relied_on:
            self._relied_on = authority  # most questions name the same
        return is_relied_on

    def _sitting_at(self, now: int) -> Sitting:
        sitting = self._sitting
        if sitting is None or sitting.now != now:
            sitting = self._sitting = Sitting(self, now, ecosystem_id=self._policy.charter)
        return sitting

    def _change(self, changes: Mapping[Subject, bytes]) -> None:
        self._sitting = None
        for subject, raw in changes.items():
            key, digest = _leaf(subject, raw)
            self._trie.set(key, digest if raw else None)
            self._read.pop(subject, None)
            if raw:
                self._raw[subject] = raw
            else:
                self._raw.pop(subject, None)


class _Reading:
    """A file and how far it has been read."""

    def __init__(self, data: bytes, what: str, magic: bytes) -> None:
        self._data = data
        self._what = what
        self._at = len(magic)
        if not data.startswith(magic):
            raise self._wrong("expected its first line.")

    def take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._data):
            raise self._wrong("it ends early.")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def rest(self) -> bytes:
        if len(self._data) - self._at > NOTE_BYTES_MAX:
            raise self._wrong("it has extra bytes after its records.")
        return self._data[self._at :]

    def records(self, *, minimum: int) -> Iterator[tuple[Subject, bytes]]:
        before = b""
        for _ in range(self._number(8)):
            kind = _TYPES.get(self._number(1))
            id_bytes = self._number(2)
            if kind is None or not 1 <= id_bytes <= _ID_BYTES:
                raise self._wrong("a record has an unknown type, or its id has no end.")
            try:
                id = self.take(id_bytes).decode()
            except UnicodeDecodeError:
                raise self._wrong("an id is not UTF-8.") from None
            length = self._number(4)
            if not minimum <= length <= RECORD_BYTES:
                raise self._wrong(f"the {kind} record of {id} has {length} bytes.")
            key = record_key(kind, id)
            if key <= before:
                raise self._wrong("its records are not sorted by key, or one is there twice.")
            before = key
            yield (kind, id), self.take(length)

    def _number(self, count: int) -> int:
        return int.from_bytes(self.take(count), "big")

    def _wrong(self, message: str) -> DecodeError:
        return DecodeError(self._what, f"This is not a {self._what}: {message}", hint="Fetch it again.")


def _encode_records(records: Iterable[tuple[Subject, bytes]]) -> bytes:
    keyed = sorted((record_key(*subject), subject, raw) for subject, raw in records)
    parts = [len(keyed).to_bytes(8, "big")]
    for _, (kind, id), raw in keyed:
        named = id.encode()
        parts += [bytes([_NUMBERS[kind]]), len(named).to_bytes(2, "big"), named, len(raw).to_bytes(4, "big"), raw]
    return b"".join(parts)


def _leaf(subject: Subject, raw: bytes) -> tuple[bytes, bytes]:
    return record_key(*subject), sha256(raw).digest()


def _require_root(trie: Trie, statements_root: bytes, noted: NotedState) -> None:
    if state_root(trie.root(), statements_root) != noted.state.root:
        raise RefusedError(
            "snapshot_root",
            "The records do not lead to the root in the state note.",
            hint="Do not use this file; fetch it from another node. Keep it with its note as evidence against "
            "its source.",
        )


def _spelled(authority: str) -> str:
    try:
        return spelled_authority(authority)
    except DecodeError:
        return authority


def _open(query: Query, now: int, verdict: Verdict, code: str, said: str) -> Decision:
    reason = Reason(code=code, text=said)
    return Decision(verdict=verdict, reasons=(reason,), time_evaluated=now, time_requested=query.time)
