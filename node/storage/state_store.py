"""Stores the noted state in SQLite: records, both maps, the note and past changes, all consistent at any moment.

    noted = NotedStore(store)
    noted.stand(state)                                       at the start: removes the note of any other state
    noted.settle(kept, state, …, changed, committed)         one transaction a note: all of it, or nothing
    with noted.reading() as held:                            several reads of one state, in any thread
        held.note, held.get(type, id), held.prove(type, id), held.statements.prove(statement_id)
    with noted.apart() as held: ...                          the same through a connection of its own, for long work
    StoredNoted(open_reader(path))                           the same from another process

It is `quorum_state.NotedMap` in tables (`migrations`), so that a node's memory does not grow with the state, and
changes survive a restart. Readers see a note with exactly its records and proofs, whatever the writer does meanwhile.

All of it follows from the log. At the start, the node reads its fold from the same records and maps (`fold_store`); if
they are inconsistent, it makes everything anew from the log. The node never signs damaged data: it does not store a
batch that does not lead to the root in the note, and stops.

Past states: `noted_past` has, for each state noted before, both roots and the records that differ in the one after it
(CBOR `[[type, id], ...]`), as many as `quorum_state` allows.

It does not verify notes (`notary` does), or say which state is the noted one.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from hashlib import sha256
from sqlite3 import Connection
from typing import Any, Final, Self

from accredit.governance.fold import Maps
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

from .fold_writes import change_maps, put_records
from .log_reader import Reader, open_reader, sound
from .log_store import Store, keep
from .migrations import GOVERNING
from .sqlite import checksum
from .sqlite_trie import RECORDS, STATEMENTS, SqliteStateMap

NO_ROOT: Final = bytes(32)
"""Stands for a root while no state is noted: the root of an empty map."""

DAMAGED: Final = ("state_damaged", "map_damaged", "kept_damaged", "fold_damaged", "database_damaged")
"""Errors that mean inconsistent stored bytes; to try again does not help."""

CHECKED_RECORDS: Final = 256
"""Records kept decoded, whatever the state: the charter, the authorities, what is asked about often. Some 3 KiB each. A
guess."""

_CHANGED_BYTES: Final = 64 * 1024 * 1024
"""Largest encoding of the records that differ between two states: all records, at worst."""

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
    """The noted state without the records.

    Attributes:
        past: number of the newest row of `noted_past`, 0 for none.
    """

    kept: KeptNote
    state: StateNote
    records_root: bytes
    statements_root: bytes
    past: int


class StoredNoted:
    """Reads the noted state through a `Reader`; see the module. Threads other than the reader's use `apart`."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._read: tuple[Any, NotedHead] | None = None

    @property
    def trie(self) -> SqliteStateMap:
        """Return the map over all records, for this thread and for reading only."""
        return SqliteStateMap(self._reader.connection, RECORDS)

    @property
    def statements(self) -> SqliteStateMap:
        """Return the map over the statements to which the root binds, for this thread and for reading only."""
        return SqliteStateMap(self._reader.connection, STATEMENTS)

    @contextmanager
    def reading(self) -> Iterator[Self]:
        """Read one state throughout; keep it short, and never use it across an await: `Reader.snapshot`."""
        with self._reader.snapshot():
            yield self

    @contextmanager
    def apart(self) -> "Iterator[StoredNoted]":
        """Read one state throughout, in any thread and for any time, through a separate connection."""
        with open_reader(self._reader.path) as reader, StoredNoted(reader).reading() as held:
            yield held

    # ------------------------------------------------------------------------------------------------ the note

    def head(self) -> NotedHead | None:
        """Return the noted state; None before the first quorum.

        Raises:
            StorageError: `state_damaged`, `kept_damaged`: note and roots are inconsistent.
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
        """Return the note with every cosignature gathered; None before the first quorum."""
        head = self.head()
        return None if head is None else head.kept.note

    @property
    def state(self) -> StateNote | None:
        """Return the state that the note names."""
        head = self.head()
        return None if head is None else head.state

    @property
    def statements_root(self) -> bytes:
        """Return the root over the statements, the other half of the state root, 32 bytes."""
        head = self.head()
        return NO_ROOT if head is None else head.statements_root

    def records_root(self) -> bytes:
        """Return the root over all records, 32 bytes."""
        head = self.head()
        return NO_ROOT if head is None else head.records_root

    # -------------------------------------------------------------------------------------------------- records

    def get(self, type: str, id: str) -> Record | None:
        """Return a record as of the noted state.

        Raises:
            StorageError: `state_damaged`: its bytes are not a record.
        """
        found = self.encoded(type, id)
        return None if found is None else found[1]

    def encoded(self, type: str, id: str) -> tuple[bytes, Record] | None:
        """Return a record's bytes, and the record; None if it does not exist.

        Raises:
            StorageError: as `get`.
        """
        raw = self.raw(type, id)
        if raw is None:
            return None
        try:
            return raw, _checked_record(raw)
        except DecodeError as error:
            raise state_damaged(f"the {type} record of {id}: {error.message}") from error

    def raw(self, type: str, id: str) -> bytes | None:
        """Return a record's bytes."""
        rows = self._reader.ask(_RECORD, record_key(type, id))
        return bytes(rows[0][0]) if rows else None

    def prove(self, type: str, id: str) -> bytes:
        """Return the proof, under the records root, of what `get` returns: a record or its absence."""
        with self.reading():
            return self.trie.prove(record_key(type, id))

    def governing(self) -> list[Subject]:
        """Return types and ids of the charter's and the authorities' records, sorted. Every decision reads some."""
        return sorted(self._reader.ask(f"SELECT type, id FROM noted_records WHERE {GOVERNING}"))

    def between(self, low: bytes, high: bytes, *, most: int) -> list[Subject]:
        """Return types and ids of the records with keys from `low` to `high`, in the order of their keys.

        Args:
            low, high: 32 bytes each.
            most: how many, at most.
        """
        sql = "SELECT type, id FROM noted_records WHERE key BETWEEN ? AND ? ORDER BY key LIMIT ?"
        return self._reader.ask(sql, low, high, most)

    def raws(self) -> Iterator[tuple[Subject, bytes]]:
        """Yield the bytes of all records in no particular order; use it within `reading` or `apart`."""
        for type, id, raw in self._reader.connection.execute("SELECT type, id, raw FROM noted_records"):
            yield (type, id), raw

    def raws_between(self, low: bytes, high: bytes) -> Iterator[tuple[Subject, bytes]]:
        """Yield the bytes of the records with keys from `low` to `high`, in the order of their keys; as `raws`."""
        sql = "SELECT type, id, raw FROM noted_records WHERE key BETWEEN ? AND ? ORDER BY key"
        for type, id, raw in self._reader.connection.execute(sql, (low, high)):
            yield (type, id), raw

    def subjects(self, type: str) -> Iterator[Subject]:
        """Yield type and id of every record of a type in no particular order; as `raws`."""
        yield from self._reader.connection.execute("SELECT type, id FROM noted_records WHERE type = ?", (type,))

    def items(self) -> Iterator[tuple[Subject, Record]]:
        """Yield all records in no particular order."""
        for (type, id), raw in self.raws():
            yield (type, id), decode(raw, what=f"the {type} record of {id}", max_bytes=RECORD_BYTES)

    # ----------------------------------------------------------------------------------------------------- past

    def changed_since(self, root: bytes) -> tuple[bytes, tuple[Subject, ...]] | None:
        """Return the differences from an earlier noted state.

        Args:
            root: its state root, 32 bytes.

        Returns:
            Its records root, and the records that may differ now, sorted; None if the state is not remembered.
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
        """Yield the changes after each past state from number `first` on."""
        sql = "SELECT seq, root, records_root, changed, subjects, digest FROM noted_past WHERE seq >= ? ORDER BY seq"
        for seq, root, records_root, changed, subjects, digest in self._reader.connection.execute(sql, (first,)):
            if digest != checksum(seq, root, records_root, changed, subjects):
                raise state_damaged(f"the past state {seq} was altered")
            rows = decode(changed, what=f"the changes after the past state {seq}", max_bytes=_CHANGED_BYTES)
            yield tuple((type, id) for type, id in rows)

    # --------------------------------------------------------------------------------------------------- compare

    def check(self, records: RecordsBySubject | None = None) -> None:
        """Check that all stored parts are consistent: rows, keys, leaves, pages, roots, the note, past states.

        Args:
            records: the noted state's records as they follow from the log, to compare with.

        Raises:
            StorageError: `state_damaged`, `map_damaged` or `kept_damaged`, and the first inconsistency.
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
        """Check every row, its key, its bytes and its leaf in the map."""
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
        store: the database; reads use a connection that closes with it.
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
        maps: Maps | None = None,
        also: Callable[[Connection], None] = lambda _connection: None,
    ) -> None:
        """Store a newer state, or a note of the same state with other cosignatures; durable on return.

        Args:
            changed: new versions of the records that differ from the stored ones; None: the record was removed.
            committed: ids of statements to which the root binds from now on (True), or no longer does (False).
            maps: both maps of that state in memory, if they are there: then no hash is computed twice.
            also: work to run in the same transaction.

        Raises:
            StorageError: `state_damaged`: the stored data with these changes do not lead to it. `disk_full` and the
                like. Nothing is changed then.
        """
        settle = partial(
            _settle,
            kept=kept,
            state=state,
            statements_root=statements_root,
            changed=changed,
            committed=committed,
            maps=maps,
        )

        def work(connection: Connection) -> None:
            also(connection)
            settle(connection)

        self._store.write(work)

    def stand(self, state: StateNote | None) -> None:
        """Remove the stored note unless it is of this state."""
        head = self.head()
        if head is not None and (state is None or (head.state, head.kept.state) != (state, state)):
            self._store.write(forget_note)


def state_damaged(what: str) -> StorageError:
    """Return the error for a damaged stored noted state."""
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
    maps: Maps | None,
) -> None:
    before = _read_head(connection)
    past = 0 if before is None else before.past
    if before is not None and before.state.root != state.root:
        past = _remember(connection, before, changed)
    records = dict(encoded(changed))
    put_records(connection, records)
    change_maps(connection, records, committed, maps)
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
    """Remove the note and the past states: the tables hold a state that no quorum has cosigned."""
    for table in ("noted", "noted_past"):
        connection.execute(f"DELETE FROM {table}")


def _remember(connection: Connection, before: NotedHead, changed: Mapping[Subject, object]) -> int:
    """Move the previous state into the past, remove the oldest ones, and return its number."""
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


@lru_cache(maxsize=CHECKED_RECORDS)
def _checked_record(raw: bytes) -> Record:
    """Return the record with this one encoding; not to be changed, for it is shared."""
    record: Record = decode(raw, what="its encoding", max_bytes=RECORD_BYTES)
    return record
