"""The noted state in SQLite: records, both maps, the note, and what changed on the way to it; all of it at one moment.

    noted = NotedStore(store)
    noted.stand(state)                                       at the start: the tables hold that state, or one not noted
    noted.settle(kept, state, …, changed, committed)         one transaction a note: all of it, or nothing
    with noted.reading() as held:                            several reads of one state, in any thread
        held.note, held.get(type, id), held.prove(type, id), held.statements.prove(statement_id)
    with noted.apart() as held: ...                          the same through a connection of its own, for long work
    StoredNoted(open_reader(path))                           the same from another process

It is `quorum_state.NotedMap` in tables (`migrations`), so that a node's memory does not grow with it and deltas outlive
a restart. Readers see a note together with exactly its records and proofs, whatever the writer is at.

All of it follows from the log. Records and maps are also what the node's fold is read from at the start (`fold_store`):
if they do not fit together then, all is made anew from the log. Damage is never signed over: a batch that does not lead
to the root in the note is not stored, and the node stops.

Past states: `noted_past` has, for each state noted before, both roots and the records that differ in the one after it
(CBOR `[[type, id], ...]`), as many as `quorum_state` allows.

What it does not do: verify notes (`notary`), or say which state is the noted one.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from sqlite3 import Connection
from typing import Any, Final, Self

from accredit.governance.records.encoded_records import encoded
from accredit.node.engine import quorum_state
from accredit.node.engine.quorum_state import KEPT_NOTE, KeptNote
from accredit.registry.domain.record_types import Record
from accredit.registry.domain.records import Subject, record_key
from accredit.registry.encoding.cbor import decode, encode
from accredit.registry.errors import DecodeError, StorageError
from accredit.registry.limits import RECORD_BYTES
from accredit.registry.transparency.merkle import HASH_BYTES
from accredit.registry.transparency.state_note import StateNote
from accredit.registry.transparency.state_trie import state_root

from .fold_store import change_maps, put_records
from .log_reader import Reader, open_reader, sound
from .log_store import Store, keep
from .migrations import GOVERNING
from .sqlite import checksum
from .sqlite_trie import RECORDS, STATEMENTS, SqliteStateMap

NO_ROOT: Final = bytes(32)
"""In place of a root where nothing is noted: that of nothing."""

DAMAGED: Final = ("state_damaged", "map_damaged", "kept_damaged", "fold_damaged", "database_damaged")
"""Errors by which stored bytes do not fit together: nothing that waiting helps with."""

_CHANGED_BYTES: Final = 64 * 1024 * 1024
"""The records that differ between two states: all there are, at worst."""

_ROW: Final = """
    SELECT noted.records_root, noted.statements_root, noted.past, kept.name, kept.value, kept.digest
    FROM noted LEFT JOIN kept ON kept.name = ?"""
_RECORD: Final = "SELECT raw FROM noted_records WHERE key = ?"
_PUT: Final = (
    "INSERT INTO noted_records (type, key, id, raw) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (key) DO UPDATE SET raw = excluded.raw"
)

# A bit can make text of bytes, and text that is none: so the types are looked at first.
_COMPARED: Final = f"""
    SELECT typeof(type) || typeof(id) || typeof(records.key) || typeof(raw) || typeof(value),
        CAST(type AS BLOB), CAST(id AS BLOB), records.key, CAST(raw AS BLOB), value
    FROM noted_records AS records LEFT JOIN {RECORDS}_leaves AS leaves ON leaves.key = records.key"""
_COMPARED_TYPES: Final = "texttextblobblobblob"
_PAST: Final = (
    "SELECT seq, records_root FROM noted_past WHERE substr(root, 1, 8) = ? AND root = ? ORDER BY seq DESC LIMIT 1"
)

RecordsBySubject = Mapping[Subject, Record]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotedHead:
    """What is noted, without the records.

    Attributes:
        past: number of the newest row of `noted_past`, 0 for none.
    """

    kept: KeptNote
    state: StateNote
    records_root: bytes
    statements_root: bytes
    past: int


class StoredNoted:
    """Reads the noted state through a `Reader`; see the module. Another thread than the reader's uses `apart`."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._read: tuple[Any, NotedHead] | None = None

    @property
    def trie(self) -> SqliteStateMap:
        """The map over all records, for this thread; to be read only."""
        return SqliteStateMap(self._reader.connection, RECORDS)

    @property
    def statements(self) -> SqliteStateMap:
        """The map over the statements to which the root binds, for this thread; to be read only."""
        return SqliteStateMap(self._reader.connection, STATEMENTS)

    @contextmanager
    def reading(self) -> Iterator[Self]:
        """One state throughout; not across an await, and short: `Reader.snapshot`."""
        with self._reader.snapshot():
            yield self

    @contextmanager
    def apart(self) -> "Iterator[StoredNoted]":
        """One state throughout, in any thread and for as long as it takes, through a connection of its own."""
        with open_reader(self._reader.path) as reader, StoredNoted(reader).reading() as held:
            yield held

    # ------------------------------------------------------------------------------------------------ the note

    def head(self) -> NotedHead | None:
        """What is noted; None before the first quorum.

        Raises:
            StorageError: `state_damaged`, `kept_damaged`: note and roots do not fit together.
        """
        rows = self._reader.ask(_ROW, KEPT_NOTE)
        if not rows:
            return None
        row = rows[0]
        if self._read is None or self._read[0] != row:
            self._read = row, _head(*row)
        return self._read[1]

    @property
    def note(self) -> bytes | None:
        """The note with every cosignature gathered; None before the first quorum."""
        head = self.head()
        return None if head is None else head.kept.note

    @property
    def state(self) -> StateNote | None:
        """What the note says."""
        head = self.head()
        return None if head is None else head.state

    @property
    def statements_root(self) -> bytes:
        """The other half of the state root, 32 bytes."""
        head = self.head()
        return NO_ROOT if head is None else head.statements_root

    def records_root(self) -> bytes:
        """The root over all records, 32 bytes."""
        head = self.head()
        return NO_ROOT if head is None else head.records_root

    # -------------------------------------------------------------------------------------------------- records

    def get(self, type: str, id: str) -> Record | None:
        """A record as of the noted state.

        Raises:
            StorageError: `state_damaged`: its bytes are no record.
        """
        raw = self.raw(type, id)
        if raw is None:
            return None
        try:
            record: Record = decode(raw, what=f"the {type} record of {id}", max_bytes=RECORD_BYTES)
        except DecodeError as error:
            raise state_damaged(error.message) from error
        return record

    def raw(self, type: str, id: str) -> bytes | None:
        """A record's bytes."""
        rows = self._reader.ask(_RECORD, record_key(type, id))
        return bytes(rows[0][0]) if rows else None

    def prove(self, type: str, id: str) -> bytes:
        """That the record is what `get` says, present or absent, under the records root."""
        with self.reading():
            return self.trie.prove(record_key(type, id))

    def governing(self) -> list[Subject]:
        """Types and ids of the charter's and the authorities' records, sorted: what every decision reads some of."""
        return sorted(self._reader.ask(f"SELECT type, id FROM noted_records WHERE {GOVERNING}"))

    def between(self, low: bytes, high: bytes, *, most: int) -> list[Subject]:
        """Types and ids of the records whose keys are from `low` to `high`, in the order of their keys.

        Args:
            low, high: 32 bytes each.
            most: how many, at most.
        """
        sql = "SELECT type, id FROM noted_records WHERE key BETWEEN ? AND ? ORDER BY key LIMIT ?"
        return self._reader.ask(sql, low, high, most)

    def raws(self) -> Iterator[tuple[Subject, bytes]]:
        """All records' bytes, in no order that means anything; to be read within `reading` or `apart`."""
        for type, id, raw in self._reader.connection.execute("SELECT type, id, raw FROM noted_records"):
            yield (type, id), raw

    def raws_between(self, low: bytes, high: bytes) -> Iterator[tuple[Subject, bytes]]:
        """The records' bytes whose keys are from `low` to `high`, in the order of their keys; as `raws`."""
        sql = "SELECT type, id, raw FROM noted_records WHERE key BETWEEN ? AND ? ORDER BY key"
        for type, id, raw in self._reader.connection.execute(sql, (low, high)):
            yield (type, id), raw

    def subjects(self, type: str) -> Iterator[Subject]:
        """Type and id of every record of a type, in no order that means anything; as `raws`."""
        yield from self._reader.connection.execute("SELECT type, id FROM noted_records WHERE type = ?", (type,))

    def items(self) -> Iterator[tuple[Subject, Record]]:
        """All records, in no order that means anything."""
        for (type, id), raw in self.raws():
            yield (type, id), decode(raw, what=f"the {type} record of {id}", max_bytes=RECORD_BYTES)

    # ----------------------------------------------------------------------------------------------------- past

    def changed_since(self, root: bytes) -> tuple[bytes, tuple[Subject, ...]] | None:
        """What differs from an earlier noted state.

        Args:
            root: its state root, 32 bytes.

        Returns:
            Its records root, and the records that may differ now, sorted; None for a state not remembered.
        """
        with self.reading():
            head = self.head()
            if head is not None and head.state.root == root:
                return head.records_root, ()
            found = self._reader.ask(_PAST, root[:8], root)
            if head is None or not found:
                return None
            seq, records_root = found[0]
            changed: dict[Subject, None] = {}
            for past in self._past(seq):
                changed |= dict.fromkeys(past)
            return records_root, tuple(sorted(changed))

    def _past(self, first: int) -> Iterator[tuple[Subject, ...]]:
        """What changed after each past state from number `first` on."""
        sql = "SELECT seq, root, records_root, changed, subjects, digest FROM noted_past WHERE seq >= ? ORDER BY seq"
        for seq, root, records_root, changed, subjects, digest in self._reader.connection.execute(sql, (first,)):
            if digest != checksum(seq, root, records_root, changed, subjects):
                raise state_damaged(f"the past state {seq} was altered")
            rows = decode(changed, what=f"the changes after the past state {seq}", max_bytes=_CHANGED_BYTES)
            yield tuple((type, id) for type, id in rows)

    # --------------------------------------------------------------------------------------------------- compare

    def check(self, records: RecordsBySubject | None = None) -> None:
        """Compares everything here with each other: rows, keys, leaves, pages, roots, the note, the past.

        Args:
            records: those of the noted state, as the log leads to them, to be compared with too.

        Raises:
            StorageError: `state_damaged`, `map_damaged` or `kept_damaged`, and the first thing that does not fit.
        """
        with self.reading():
            head = self.head()
            self._check_records(records)
            # What was folded before a quorum stands by anything is here too, under no root.
            if self.trie.check() != (self.trie.root() if head is None else head.records_root):
                raise state_damaged("the leaves of the map do not lead to the root in the note")
            # One root, one set: each id is in its leaf, so there is nothing else to be compared.
            if self.statements.check() != (self.statements.root() if head is None else head.statements_root):
                raise state_damaged("the map over the statements does not lead to the root in the note")
            self._check_past(0 if head is None else head.past)

    def _check_records(self, records: RecordsBySubject | None) -> None:
        """Every row, its key, its bytes and its leaf in the map."""
        count = 0
        for types, raw_type, raw_id, key, raw, value in self._reader.connection.execute(_COMPARED):
            count += 1
            try:
                subject = raw_type.decode(), raw_id.decode()
            except (UnicodeDecodeError, AttributeError):
                raise state_damaged("the type or the id of a record is not text") from None
            what = f"the {subject[0]} record of {subject[1]}"
            if types != _COMPARED_TYPES or key != record_key(*subject) or value != sha256(raw).digest():
                raise state_damaged(f"the key or the leaf of {what} does not match its bytes")
            if records is not None and (subject not in records or raw != encode(records[subject])):
                raise state_damaged(f"{what} does not match the log")
        leaves = sum(1 for _ in self.trie.items())
        expected = count if records is None else len(records)
        if not count == expected == leaves:
            raise state_damaged(f"it has {count} records and {leaves} leaves, but there must be {expected}")

    def _check_past(self, newest: int) -> None:
        connection = self._reader.connection
        first, last, count, subjects = connection.execute(
            "SELECT coalesce(min(seq), 1), coalesce(max(seq), 0), count(*), coalesce(sum(subjects), 0) FROM noted_past"
        ).fetchone()
        if (last, count) != (newest, last - first + 1):
            raise state_damaged(f"there are {count} past states, up to number {last}, but the newest is {newest}")
        if sum(len(changed) for changed in self._past(0)) != subjects:
            raise state_damaged("the past states have wrong counts of changes")


class NotedStore(StoredNoted):
    """The noted state of a running node; see the module.

    Args:
        store: the database; what is read goes through a connection that is closed with it.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store.companion())
        self._store = store

    def settle(
        self,
        *,
        kept: KeptNote,
        state: StateNote,
        statements_root: bytes,
        changed: Mapping[Subject, Record | None],
        committed: Mapping[bytes, bool],
        also: Callable[[Connection], None] = lambda _connection: None,
    ) -> None:
        """Goes on to a newer state, or to a note of the same one with other cosignatures; durable on return.

        Args:
            changed: records that differ from what is stored, as they now are; None: it is no more.
            committed: ids of statements to which the root binds from now on (True), or no longer does (False).
            also: done in the same transaction.

        Raises:
            StorageError: `state_damaged`: what is stored, with these, does not lead to that state. `disk_full` and the
                like. Nothing is changed then.
        """
        settle = partial(
            _settle, kept=kept, state=state, statements_root=statements_root, changed=changed, committed=committed
        )

        def work(connection: Connection) -> None:
            also(connection)
            settle(connection)

        self._store.write(work)

    def stand(self, state: StateNote | None) -> None:
        """The tables hold the set of this state, or of none that a quorum stands by: another's note is forgotten."""
        head = self.head()
        if head is not None and (state is None or (head.state, head.kept.state) != (state, state)):
            self._store.write(forget_note)


def state_damaged(what: str) -> StorageError:
    """The error that says what of the stored noted state does not fit."""
    return StorageError(
        "state_damaged",
        f"The stored noted state is inconsistent: {what}.",
        hint="Stop the node and check the disk. When it starts again, that state is rebuilt from the log.",
    )


def _head(records_root: bytes, statements_root: bytes, past: int, name: str, value: bytes, digest: bytes) -> NotedHead:
    if value is None:
        raise state_damaged("its note is missing")
    try:
        kept = KeptNote.decode(sound(name, value, digest))
    except DecodeError as error:
        raise state_damaged(error.message) from error
    state = kept.state
    if any(type(root) is not bytes or len(root) != HASH_BYTES for root in (records_root, statements_root)):
        raise state_damaged("its roots are malformed")
    if not _leads_to(state, records_root, statements_root):
        raise state_damaged("its two roots do not lead to the root in its note")
    return NotedHead(kept=kept, state=state, records_root=records_root, statements_root=statements_root, past=past)


def _leads_to(state: StateNote, records_root: bytes, statements_root: bytes) -> bool:
    return state_root(records_root, statements_root) == state.root


def _read_head(connection: Connection) -> NotedHead | None:
    row = connection.execute(_ROW, (KEPT_NOTE,)).fetchone()
    return None if row is None else _head(*row)


def _settle(
    connection: Connection,
    *,
    kept: KeptNote,
    state: StateNote,
    statements_root: bytes,
    changed: Mapping[Subject, Record | None],
    committed: Mapping[bytes, bool],
) -> None:
    before = _read_head(connection)
    past = 0 if before is None else before.past
    if before is not None and before.state.root != state.root:
        past = _remember(connection, before, changed)
    records = dict(encoded(changed))
    put_records(connection, records)
    change_maps(connection, records, committed)
    trie, statements = SqliteStateMap(connection, RECORDS), SqliteStateMap(connection, STATEMENTS)
    _check_led_to(statements_root, statements.root())
    _write_head(connection, kept, state, trie.root(), statements_root, past)


def _check_led_to(statements_root: bytes, root: bytes) -> None:
    if root != statements_root:
        raise state_damaged(
            f"its statements have the root {statements_root.hex()[:16]}, but the stored statements lead to "
            f"{root.hex()[:16]}"
        )


def _write_head(
    connection: Connection, kept: KeptNote, state: StateNote, records_root: bytes, statements_root: bytes, past: int
) -> None:
    if not _leads_to(state, records_root, statements_root):
        raise state_damaged(
            f"its {state.count} statements have the root {state.root.hex()[:16]}, but the stored records lead "
            f"to {state_root(records_root, statements_root).hex()[:16]}"
        )
    connection.execute(
        "INSERT OR REPLACE INTO noted (one, records_root, statements_root, past) VALUES (1, ?, ?, ?)",
        (records_root, statements_root, past),
    )
    keep(connection, KEPT_NOTE, kept.encode())


def forget_note(connection: Connection) -> None:
    """What the tables hold is no state that a quorum stands by, and the past is not that of it."""
    for table in ("noted", "noted_past"):
        connection.execute(f"DELETE FROM {table}")


def _remember(connection: Connection, before: NotedHead, changed: Mapping[Subject, object]) -> int:
    """Puts the state before into the past, and forgets what is too long ago; its number."""
    seq = before.past + 1
    data = encode([list(subject) for subject in sorted(changed)])
    fields = (seq, before.state.root, before.records_root, data, len(changed))
    connection.execute(
        "INSERT INTO noted_past (seq, root, records_root, changed, subjects, digest) VALUES (?, ?, ?, ?, ?, ?)",
        (*fields, checksum(*fields)),
    )
    connection.execute("DELETE FROM noted_past WHERE seq <= ?", (seq - quorum_state.PAST_STATES,))
    total = connection.execute("SELECT sum(subjects) FROM noted_past").fetchone()[0]
    oldest = connection.execute("SELECT seq, subjects FROM noted_past ORDER BY seq").fetchall()
    for number, subjects in oldest:
        if total <= quorum_state.PAST_SUBJECTS:
            break
        connection.execute("DELETE FROM noted_past WHERE seq = ?", (number,))
        total -= subjects
    return seq
