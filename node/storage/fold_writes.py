"""Writes a fold into a node's database in one transaction: changed rows, the mark, records and both maps.

    changes = holdings.take(part)                        `fold_store.StoredHoldings`
    store.write(changes.write)

Each row has the beginning of a checksum over its table, its key and its facts, which `read_row` compares. The mark
names the part of the log, and the version of the fold, to which everything belongs. It is written in the same
transaction, so that a node killed at any moment finds all of it old, or all of it new.

It does not keep rows in memory, or decide when to write.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from sqlite3 import Connection
from typing import Any, Final

import msgspec

from accredit.governance.fold import FACTS, Maps
from accredit.governance.index.holdings import STATEMENTS, About, Fact, as_is, several
from accredit.governance.records.committed_set import COMMITTED
from accredit.node.engine.quorum_state import Part
from accredit.registry.domain.records import Subject, record_key
from accredit.registry.encoding.cbor import decode, encode
from accredit.registry.errors import DecodeError, StorageError

from .fold_tables import BY_NUMBER, HELD, SAID, TABLES, table_of
from .sqlite import checksum
from .sqlite_trie import RECORDS, SqliteStateMap

FactRow = dict[str, Any]
"""Facts about one subject, by name, as the fold reads them: they take their stored form when their row is written."""

IDS: Final = "ids"
"""The one member of a row of `BY_NUMBER`: the statements that a key signed under that number."""

_CONVERTED: Final = {
    name: {fact.name: fact for fact in (HELD, SAID, *FACTS) if table_of(fact) == name and fact.plain is not as_is}
    for name in TABLES
} | {BY_NUMBER: {IDS: Fact(about=About.KEY, name=IDS, plain=several, value=tuple)}}
"""For each table the facts whose stored form is not the one that the fold reads, by name."""

_MARK_BYTES: Final = 1024 * 1024
_DIGEST_BYTES: Final = 8  # against decay: one flipped bit in 2**64 goes unnoticed

_encode_facts: Final = msgspec.msgpack.Encoder().encode
_decode_facts: Final = msgspec.msgpack.Decoder(FactRow).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldMark:
    """Describes the stored fold.

    Attributes:
        part: the part of the log that it covers. version: of the fold that made it.
        counts: numbers of rows, by the name of what they hold.
        has_maps: whether the maps cover the same part; otherwise they must be made from the records and the statements.
    """

    part: Part
    version: int
    counts: Mapping[str, int] = field(default_factory=dict)
    has_maps: bool = True

    def encode(self) -> bytes:
        """Return its stored form."""
        return encode([self.part.as_list(), self.version, dict(self.counts), self.has_maps])

    @classmethod
    def decode(cls, data: bytes) -> "FoldMark":
        """The inverse of `encode`.

        Raises:
            DecodeError: the bytes are not a mark.
        """
        match decode(data, what="the mark of the fold", max_bytes=_MARK_BYTES):
            case [part, int() as version, dict() as counts, bool() as has_maps]:
                return cls(part=Part.of(part), version=version, counts=counts, has_maps=has_maps)
        raise DecodeError("bad_mark", "a mark is a part of the log, a version, counts, and whether there are maps.")


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingWrites:
    """Changes to be written; see `StoredHoldings.take`.

    Attributes:
        records: changed ones, encoded; None: the record was removed. committed: as in `Fold.settle`.
    """

    mark: FoldMark
    rows: Mapping[str, Mapping[Any, FactRow]]
    records: Mapping[Subject, bytes | None]
    committed: Mapping[bytes, bool]

    def write(self, connection: Connection) -> None:
        """Write everything, in the caller's transaction."""
        self.write_rows(connection)
        put_records(connection, self.records)
        if self.mark.has_maps:
            change_maps(connection, self.records, self.committed)

    def write_rows(self, connection: Connection) -> None:
        """Write everything except records and maps."""
        for name, rows in self.rows.items():
            gone = [(key,) for key, row in rows.items() if not row]
            there = [(key, _to_stored(name, row)) for key, row in sorted(rows.items()) if row]
            connection.executemany(f"DELETE FROM fold_{name} WHERE key = ?", gone)
            connection.executemany(
                f"INSERT OR REPLACE INTO fold_{name} (key, facts, digest) VALUES (?, ?, ?)",
                ((key, facts, _digest(name, key, facts)) for key, facts in there),
            )
        put_mark(connection, self.mark)


def put_mark(connection: Connection, mark: FoldMark) -> None:
    """Replace the stored mark."""
    data = mark.encode()
    connection.execute("INSERT OR REPLACE INTO fold_mark (one, mark, digest) VALUES (1, ?, ?)", (data, checksum(data)))


def read_mark(data: bytes, digest: bytes) -> FoldMark:
    """Return the stored mark.

    Raises:
        StorageError: `fold_damaged`: it is not what was written.
    """
    try:
        if checksum(data) != digest:
            raise DecodeError("bad_mark", "its checksum does not match.")
        return FoldMark.decode(data)
    except DecodeError as error:
        raise fold_damaged(f"its mark cannot be read: {error.message}") from error


def put_records(connection: Connection, records: Mapping[Subject, bytes | None]) -> None:
    """Replace stored records; None removes one."""
    gone = [(record_key(*subject),) for subject, raw in records.items() if raw is None]
    there = [(type, record_key(type, id), id, raw) for (type, id), raw in records.items() if raw is not None]
    connection.executemany("DELETE FROM noted_records WHERE key = ?", gone)
    connection.executemany(
        "INSERT INTO noted_records (type, key, id, raw) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (key) DO UPDATE SET raw = excluded.raw",
        there,
    )


def change_maps(
    connection: Connection,
    records: Mapping[Subject, bytes | None],
    committed: Mapping[bytes, bool],
    changed: Maps | None = None,
) -> None:
    """Apply the changes to both maps.

    Args:
        changed: both with these changes, in memory: then no hash is computed twice.
    """
    of_records, of_statements = (None, None) if changed is None else (changed.records, changed.statements)
    leaves = {record_key(*one): None if raw is None else sha256(raw).digest() for one, raw in records.items()}
    ids = {id: id if is_in else None for id, is_in in committed.items()}
    SqliteStateMap(connection, RECORDS).update(leaves, of_records)
    SqliteStateMap(connection, STATEMENTS).update(ids, of_statements)


def make_maps(connection: Connection, mark: FoldMark) -> None:
    """Make both maps anew from the stored records and statements.

    Args:
        mark: the stored one.
    """
    put_mark(connection, replace(mark, has_maps=True))
    leaves = connection.execute("SELECT key, raw FROM noted_records ORDER BY key")
    SqliteStateMap(connection, RECORDS).rebuild((key, sha256(raw).digest()) for key, raw in leaves)
    ids = sorted(
        id
        for id, facts in connection.execute(
            f"SELECT id, facts FROM fold_{About.STATEMENT} JOIN statements ON number = key"
        )
        if COMMITTED.name in _decode_facts(facts)
    )
    SqliteStateMap(connection, STATEMENTS).rebuild((id, id) for id in ids)


def read_row(name: str, place: Any, facts: bytes, digest: bytes) -> FactRow:
    """Return the facts of a stored row.

    Args:
        name: the table's, without `fold_`. place: the row's key in it.

    Raises:
        StorageError: `fold_damaged`: they are not what was written.
    """
    if _digest(name, place, facts) != digest:
        raise fold_damaged(f"a row of fold_{name} was altered")
    row, converted = _decode_facts(facts), _CONVERTED[name]
    for fact in converted:
        if fact in row:
            row[fact] = converted[fact].value(row[fact])
    return row


def _to_stored(name: str, row: FactRow) -> bytes:
    """Return what `read_row` reads."""
    converted = _CONVERTED[name]
    return _encode_facts(
        {fact: converted[fact].plain(value) if fact in converted else value for fact, value in row.items()}
    )


def _digest(name: str, place: Any, facts: bytes) -> bytes:
    return sha256(b"\x00".join((name.encode(), repr(place).encode(), facts))).digest()[:_DIGEST_BYTES]


def clear(connection: Connection) -> None:
    """Remove the stored fold, its records and maps, in the caller's transaction."""
    for name in (*(f"fold_{name}" for name in TABLES), "fold_mark", "noted", "noted_records", "noted_past"):
        connection.execute(f"DELETE FROM {name}")
    for name in (RECORDS, STATEMENTS):
        SqliteStateMap(connection, name).rebuild(())


def fold_damaged(what: str) -> StorageError:
    """Return the error for a damaged stored fold."""
    return StorageError(
        "fold_damaged",
        f"The stored fold is inconsistent: {what}.",
        hint="Stop the node and check the disk. `accredit node audit` compares all of it with the log.",
    )
