"""What a fold holds, in a node's database: `governance.holdings.Holdings` in tables, behind a bounded cache.

    holdings = StoredHoldings(store)
    fold = Fold(ecosystem, holdings)                     what was folded when this was last written, settled
    ...fold.add(...); fold.settle()...
    changes = holdings.take(part)                        what has changed since; the fold may go on
    store.write(changes.write)                           in the transaction that the caller likes
    holdings.written() or holdings.put_back()

* **One row for all facts about one thing**: about a statement by its number in the log, so that new rows lie at the end
  of their table; about a key, a record's subject, an id that is perhaps not held yet. Facts that are read through as a
  whole have tables of their own.
* Statements are read from the log when they are asked for, records and both maps from the tables of the noted state,
  which are of the same set of statements.
* **The mark** says of which part of the log all of it is, and by which version of the fold. It is written with what it
  speaks of, in one transaction: killed at any moment, a node finds both of before or both of after.
* In memory are what changed and is not written yet, and the rows used last, so many of each table.

Any thread may read, as of `Reader`; who changes a fold does so in one thread at a time, and not while `take`,
`written` or `put_back` runs. `PendingWrites.write` reads only what `take` has put aside, and may run beside all of it.

What it does not do: decide when to write, or fold.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from sqlite3 import Connection
from typing import Any, Final, Generic, TypeVar

from accredit.governance.committed_set import COMMITTED
from accredit.governance.holdings import STATEMENTS, About, ByNumber, Fact
from accredit.node.engine.quorum_state import Part
from accredit.registry.domain.records import Subject, record_key
from accredit.registry.encoding.cbor import decode, encode, reread
from accredit.registry.errors import DecodeError, StorageError
from accredit.registry.statement import Statement, recall
from accredit.registry.transparency.state_trie import Trie

from .fold_tables import BY_NUMBER, BY_PLACE, HELD, SAID, TABLES, table_of
from .log_reader import Reader
from .sqlite import checksum
from .sqlite_trie import RECORDS, SqliteStateMap, trie_over

K = TypeVar("K")
V = TypeVar("V")

ROWS: Final = 4_096
"""Rows of a table kept in memory after use, at least; twice as many at most. Some 0.5 KiB each. A guess."""

NUMBERS: Final = 16_384
"""Places in the log kept in memory after use, at least: 150 bytes each. A guess."""

_MARK_BYTES: Final = 1024 * 1024

_KEY_BYTES: Final = 32
_DIGEST_BYTES: Final = 8  # against decay: one flipped bit in 2**64 goes unseen


class _Recent(Generic[K, V]):
    """The pairs used last: `most` of them at least, twice as many at most."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        found = self._young.get(key)
        if found is None and (found := self._old.pop(key, None)) is not None:
            self.put(key, found)
        return found

    def put(self, key: K, value: V) -> None:
        if len(self._young) >= self._most:
            self._old, self._young = self._young, {}
        self._young[key] = value

    def drop(self, key: K) -> None:
        self._young.pop(key, None)
        self._old.pop(key, None)


SqlRow = Mapping[str, Any]


class _Rows:
    """A table of facts by key, as the database has the keys: what changed, what is being written, what was used."""

    def __init__(self, reader: Reader, name: str) -> None:
        self.name = name
        self._reader = reader
        self._all = f"SELECT key, facts, digest FROM fold_{name}"
        self._select = f"{self._all} WHERE key = ?"
        self._list = f"{self._all} WHERE key >= ? AND key < ?"
        self.fresh: dict[Any, SqlRow] = {}
        self.leaving: dict[Any, SqlRow] = {}
        self._recent: _Recent[Any, SqlRow] = _Recent(ROWS)
        self.end: int | None = None
        """Of a table by number: no row that is written has one so high. None: not known."""

    def get(self, key: Any) -> SqlRow:
        """The facts about `key`; none where there are none. Not to be changed."""
        for rows in (self.fresh, self.leaving):
            if (row := rows.get(key)) is not None:
                return row
        if self.end is not None and key >= self.end:
            return {}  # behind all that was ever written
        row = self._recent.get(key)
        if row is None:
            found = self._reader.ask(self._select, key)
            row = self._facts(*found[0]) if found else {}
            self._recent.put(key, row)
        return row

    def set(self, key: Any, row: SqlRow) -> None:
        self.fresh[key] = row

    def items(self, beginning: bytes | None = None) -> Iterator[tuple[Any, SqlRow]]:
        """All rows, or those whose keys begin so."""
        if beginning is None:
            stored = self._reader.ask(self._all)
        else:
            stored = self._reader.ask(self._list, beginning, beginning + b"\xff" * 9)
        newer = {**self.leaving, **self.fresh}
        for key, facts, digest in stored:
            if key not in newer:
                yield key, self._facts(key, facts, digest)
        for key, row in newer.items():
            if row and (beginning is None or key.startswith(beginning)):
                yield key, row

    def _facts(self, key: Any, facts: bytes, digest: bytes) -> SqlRow:
        if _digest(self.name, key, facts) != digest:
            raise fold_damaged(f"a row of fold_{self.name} is not as it was written")
        row: SqlRow = reread(facts)
        return row

    def take(self) -> dict[Any, SqlRow]:
        assert not self.leaving, "one after the other"
        self.leaving, self.fresh = self.fresh, {}
        return self.leaving

    def written(self) -> None:
        for key, row in self.leaving.items():
            self._recent.put(key, row)
        self.leaving = {}

    def put_back(self) -> None:
        self.fresh, self.leaving = {**self.leaving, **self.fresh}, {}

    def forget(self) -> None:
        self.fresh, self.leaving, self._recent = {}, {}, _Recent(ROWS)


def _digest(name: str, key: Any, facts: bytes) -> bytes:
    return checksum(name, key, facts)[:_DIGEST_BYTES]


class _Facts(MutableMapping[Any, Any]):
    """One fact of all rows, by what it is about."""

    def __init__(self, holdings: "StoredHoldings", fact: Fact) -> None:
        self._holdings = holdings
        self._rows = holdings.rows(table_of(fact))
        self._fact = fact
        self._name = fact.name
        self._counted = f"{fact.about}.{fact.name}"

    def __getitem__(self, key: Any) -> Any:
        place = self._holdings.place(self._fact.about, key)
        if place is not None:
            row = self._rows.get(place)
            if self._name in row:
                return self._fact.value(row[self._name])
        raise KeyError(key)

    def get(self, key: Any, default: Any = None) -> Any:
        """The value, or `default`."""
        place = self._holdings.place(self._fact.about, key)
        if place is not None:
            row = self._rows.get(place)
            if self._name in row:
                return self._fact.value(row[self._name])
        return default

    def __contains__(self, key: object) -> bool:
        place = self._holdings.place(self._fact.about, key)
        return place is not None and self._name in self._rows.get(place)

    def __setitem__(self, key: Any, value: Any) -> None:
        place = self._holdings.place(self._fact.about, key)
        assert place is not None, "what is concluded about a statement is concluded when it is in the log"
        row = self._rows.get(place)
        if self._name not in row:
            self._holdings.count(self._counted, 1)
        self._rows.set(place, {**row, self._name: self._fact.plain(value)})

    def __delitem__(self, key: Any) -> None:
        place = self._holdings.place(self._fact.about, key)
        row = {} if place is None else self._rows.get(place)
        if self._name not in row:
            raise KeyError(key)
        self._holdings.count(self._counted, -1)
        self._rows.set(place, {name: value for name, value in row.items() if name != self._name})

    def __iter__(self) -> Iterator[Any]:
        about = self._fact.about
        for place, row in self._rows.items():
            if self._name in row:
                yield self._holdings.key(about, place)

    def __len__(self) -> int:
        return self._holdings.counts.get(self._counted, 0)


class _Committed(_Facts):
    """Which statements the root binds to: what the map over them is made of."""

    def __setitem__(self, key: bytes, value: None) -> None:
        super().__setitem__(key, value)
        self._holdings.committed[key] = True

    def __delitem__(self, key: bytes) -> None:
        super().__delitem__(key)
        self._holdings.committed[key] = False


class _Statements(MutableMapping[bytes, Statement]):
    """The statements of the set, read from the log."""

    def __init__(self, holdings: "StoredHoldings") -> None:
        self._held = _Facts(holdings, HELD)
        self._holdings = holdings
        self._recent: _Recent[bytes, Statement] = _Recent(ROWS)

    def __getitem__(self, id: bytes) -> Statement:
        found = self._holdings.added.get(id) or self._recent.get(id)
        if found is None:
            if id not in self._held:
                raise KeyError(id)
            raw = self._holdings.reader.raw(id)
            assert raw is not None, "its number was found"
            found = recall(raw)
            self._recent.put(id, found)
        return found

    def __contains__(self, id: object) -> bool:
        return id in self._held

    def __setitem__(self, id: bytes, statement: Statement) -> None:
        self._holdings.added[id] = statement
        if self._holdings.place(About.STATEMENT, id) is None:
            self._holdings.expect(id)
        self._held[id] = None

    def __delitem__(self, id: bytes) -> None:
        raise TypeError("a statement that was accepted is held for good")

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)


class _Said(MutableMapping[int, tuple[bytes, ...]]):
    """What one key signed, by number."""

    def __init__(self, holdings: "StoredHoldings", key: bytes, said: _Facts) -> None:
        self._rows = holdings.rows(BY_NUMBER)
        self._key = key
        self._said = said

    def __getitem__(self, number: int) -> tuple[bytes, ...]:
        row = self._rows.get(self._key + number.to_bytes(8))
        if not row:
            raise KeyError(number)
        return tuple(row["ids"])

    def __setitem__(self, number: int, ids: tuple[bytes, ...]) -> None:
        place = self._key + number.to_bytes(8)
        if not self._rows.get(place):
            self._said[self._key] = self._said.get(self._key, 0) + 1
        self._rows.set(place, {"ids": list(ids)})

    def __delitem__(self, number: int) -> None:
        raise TypeError("a statement that was accepted is held for good")

    def __iter__(self) -> Iterator[int]:
        return (int.from_bytes(place[_KEY_BYTES:]) for place, _ in self._rows.items(self._key))

    def __len__(self) -> int:
        return int(self._said.get(self._key, 0))


class _ByKey(MutableMapping[bytes, MutableMapping[int, tuple[bytes, ...]]]):
    """What every key signed, by number."""

    def __init__(self, holdings: "StoredHoldings") -> None:
        self._holdings = holdings
        self._said = _Facts(holdings, SAID)

    def __getitem__(self, key: bytes) -> MutableMapping[int, tuple[bytes, ...]]:
        if key not in self._said:
            raise KeyError(key)
        return _Said(self._holdings, key, self._said)

    def __setitem__(self, key: bytes, value: MutableMapping[int, tuple[bytes, ...]]) -> None:
        assert key not in self._said
        self._said[key] = 0
        self[key].update(value)

    def __delitem__(self, key: bytes) -> None:
        raise TypeError("a statement that was accepted is held for good")

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._said)

    def __len__(self) -> int:
        return len(self._said)


class _Records(MutableMapping[str, bytes]):
    """The records of a type."""

    def __init__(self, holdings: "StoredHoldings", type: str) -> None:
        self._holdings = holdings
        self._type = type
        self._counted = f"records.{type}"
        self._recent: _Recent[str, bytes] = _Recent(ROWS)

    def __getitem__(self, id: str) -> bytes:
        found: bytes | None = self.get(id)
        if found is None:
            raise KeyError(id)
        return found

    def get(self, id: str, default: Any = None) -> Any:
        """The record's bytes, or `default`."""
        subject = self._type, id
        for records in (self._holdings.records_fresh, self._holdings.records_leaving):
            if subject in records:
                raw = records[subject]
                return default if raw is None else raw
        held = self._recent.get(id)
        if held is None:
            found = self._holdings.reader.ask("SELECT raw FROM noted_records WHERE key = ?", record_key(*subject))
            if not found:
                return default
            held = bytes(found[0][0])
            self._recent.put(id, held)
        return held

    def __contains__(self, id: object) -> bool:
        return isinstance(id, str) and self.get(id) is not None

    def __setitem__(self, id: str, raw: bytes) -> None:
        if id not in self:
            self._holdings.count(self._counted, 1)
        self._holdings.records_fresh[self._type, id] = raw
        self._recent.drop(id)

    def __delitem__(self, id: str) -> None:
        if id not in self:
            raise KeyError(id)
        self._holdings.count(self._counted, -1)
        self._holdings.records_fresh[self._type, id] = None
        self._recent.drop(id)

    def __iter__(self) -> Iterator[str]:
        # The type stands in the text, so that the few records of some types are found by their index.
        stored = self._holdings.reader.ask(f"SELECT id FROM noted_records WHERE type = '{self._type}'")
        newer = {**self._holdings.records_leaving, **self._holdings.records_fresh}
        for (id,) in stored:
            if (self._type, id) not in newer:
                yield id
        for (type, id), raw in newer.items():
            if type == self._type and raw is not None:
                yield id

    def __len__(self) -> int:
        return self._holdings.counts.get(self._counted, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldMark:
    """Of what the stored fold is.

    Attributes:
        part: of the log. version: of the fold that made it.
        counts: how many there are of what, by name.
        has_maps: whether the maps are of it too, or still to be made from the records and the statements.
    """

    part: Part
    version: int
    counts: Mapping[str, int] = field(default_factory=dict)
    has_maps: bool = True

    def encode(self) -> bytes:
        """As it is stored."""
        return encode([self.part.as_list(), self.version, dict(self.counts), self.has_maps])

    @classmethod
    def decode(cls, data: bytes) -> "FoldMark":
        """The inverse of `encode`.

        Raises:
            DecodeError: it is none.
        """
        match decode(data, what="the mark of the fold", max_bytes=_MARK_BYTES):
            case [part, int() as version, dict() as counts, bool() as has_maps]:
                return cls(part=Part.of(part), version=version, counts=counts, has_maps=has_maps)
        raise DecodeError("bad_mark", "a mark is a part of the log, a version, counts, and whether there are maps.")


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingWrites:
    """What is to be written; see `StoredHoldings.take`.

    Attributes:
        records: those that changed, as encoded; None: it is no more. committed: as of `Fold.settle`.
    """

    mark: FoldMark
    rows: Mapping[str, Mapping[Any, SqlRow]]
    records: Mapping[Subject, bytes | None]
    committed: Mapping[bytes, bool]

    def write(self, connection: Connection) -> None:
        """Everything, in the caller's transaction."""
        self.write_rows(connection)
        put_records(connection, self.records)
        if self.mark.has_maps:
            change_maps(connection, self.records, self.committed)

    def write_rows(self, connection: Connection) -> None:
        """Everything but records and maps."""
        for name, rows in self.rows.items():
            gone = [(key,) for key, row in rows.items() if not row]
            there = [(key, encode(row)) for key, row in sorted(rows.items()) if row]
            connection.executemany(f"DELETE FROM fold_{name} WHERE key = ?", gone)
            connection.executemany(
                f"INSERT OR REPLACE INTO fold_{name} (key, facts, digest) VALUES (?, ?, ?)",
                ((key, facts, _digest(name, key, facts)) for key, facts in there),
            )
        put_mark(connection, self.mark)


def put_mark(connection: Connection, mark: FoldMark) -> None:
    """The mark in place of the one that is there."""
    data = mark.encode()
    connection.execute("INSERT OR REPLACE INTO fold_mark (one, mark, digest) VALUES (1, ?, ?)", (data, checksum(data)))


def put_records(connection: Connection, records: Mapping[Subject, bytes | None]) -> None:
    """Records in place of those that are there; None: it is no more."""
    gone = [(record_key(*subject),) for subject, raw in records.items() if raw is None]
    there = [(type, record_key(type, id), id, raw) for (type, id), raw in records.items() if raw is not None]
    connection.executemany("DELETE FROM noted_records WHERE key = ?", gone)
    connection.executemany(
        "INSERT INTO noted_records (type, key, id, raw) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (key) DO UPDATE SET raw = excluded.raw",
        there,
    )


def change_maps(
    connection: Connection, records: Mapping[Subject, bytes | None], committed: Mapping[bytes, bool]
) -> None:
    """Both maps brought up to that."""
    leaves = {record_key(*one): None if raw is None else sha256(raw).digest() for one, raw in records.items()}
    SqliteStateMap(connection, RECORDS).update(leaves)
    SqliteStateMap(connection, STATEMENTS).update({id: id if is_in else None for id, is_in in committed.items()})


def make_maps(connection: Connection, mark: FoldMark) -> None:
    """Both maps from the records and the statements that are there, in place of what they were.

    Args:
        mark: the one that is there.
    """
    put_mark(connection, replace(mark, has_maps=True))
    leaves = connection.execute("SELECT key, raw FROM noted_records ORDER BY key")
    SqliteStateMap(connection, RECORDS).rebuild((key, sha256(raw).digest()) for key, raw in leaves)
    ids = sorted(
        id
        for id, facts in connection.execute(
            f"SELECT id, facts FROM fold_{About.STATEMENT} JOIN statements ON number = key"
        )
        if COMMITTED.name in reread(facts)
    )
    SqliteStateMap(connection, STATEMENTS).rebuild((id, id) for id in ids)


class StoredHoldings:
    """See the module.

    Args:
        reader: of the database; this one's alone.
        version: of the fold; what another version made is forgotten.

    Attributes:
        mark: of what is stored; of nothing, where that is of no use.
    """

    def __init__(self, reader: Reader, version: int) -> None:
        self.reader = reader
        self._version = version
        self._rows = {name: _Rows(reader, name) for name in TABLES}
        self._numbers: _Recent[bytes, int] = _Recent(NUMBERS)
        self._expected: dict[bytes, int] = {}  # added before they were in the log
        self._logged = 0  # entries of the log when the last of them was added, and how many were added since
        self._ahead = 0
        self.added: dict[bytes, Statement] = {}
        self.records_fresh: dict[Subject, bytes | None] = {}
        self.records_leaving: dict[Subject, bytes | None] = {}
        self.committed: dict[bytes, bool] = {}
        self._committed_leaving: dict[bytes, bool] = {}
        self.mark = FoldMark(part=Part(size=0), version=version)
        self._taken: FoldMark | None = None
        self.counts: dict[str, int] = {}
        self._end_at(0)

    def resume(self) -> bool:
        """Take up what is stored; whether there is something, by this version of the fold.

        Raises:
            StorageError: `fold_damaged`: the mark is not what was written.
        """
        found = self.reader.ask("SELECT mark, digest FROM fold_mark")
        if not found:
            return False
        data, digest = found[0]
        try:
            if checksum(data) != digest:
                raise DecodeError("bad_mark", "its checksum is another one.")
            mark = FoldMark.decode(data)
        except DecodeError as error:
            raise fold_damaged(f"its mark cannot be read: {error.message}") from error
        if mark.version != self._version:
            return False
        self.mark, self.counts = mark, dict(mark.counts)
        self._end_at(mark.part.size)
        return True

    def check(self) -> None:
        """Compare every row with its checksum, and how many there are with the mark, which has been taken up.

        Raises:
            StorageError: `fold_damaged`, and the first that is not as it was written.
        """
        with self.reader.snapshot():
            found: Counter[str] = Counter()
            said = (
                0  # under how many numbers keys have signed something, by what is said of them and less what is there
            )
            for name, rows in self._rows.items():
                about = name.partition("_")[0]
                for _, row in rows.items():
                    if name == BY_NUMBER:
                        said -= 1
                    else:
                        found.update(f"{about}.{fact}" for fact in row)
                        said += row.get(SAID.name, 0) if name == table_of(SAID) else 0
            for type, count in self.reader.ask("SELECT type, count(*) FROM noted_records GROUP BY type"):
                found[f"records.{type}"] += count
        if said or found != Counter(self.counts):
            raise fold_damaged("it has another number of facts than its mark says")

    # ----------------------------------------------------------------------------------------- governance.holdings

    def statements(self) -> MutableMapping[bytes, Statement]:
        """See `Holdings`."""
        return _Statements(self)

    def by_number(self) -> ByNumber:
        """See `Holdings`."""
        return _ByKey(self)

    def facts(self, fact: Fact) -> MutableMapping[Any, Any]:
        """See `Holdings`."""
        return _Committed(self, fact) if fact is COMMITTED else _Facts(self, fact)

    def records(self, type: str) -> MutableMapping[str, bytes]:
        """See `Holdings`."""
        return _Records(self, type)

    def trie(self, name: str) -> Trie:
        """See `Holdings`; of what is stored."""
        return trie_over(lambda: SqliteStateMap(self.reader.connection, name))

    # ------------------------------------------------------------------------------------------------ for mappings

    def rows(self, name: str) -> _Rows:
        """The rows of a table."""
        return self._rows[name]

    def place(self, about: About, key: Any) -> Any:
        """Where the facts about something are; None for a statement that is not in the log."""
        match about:
            case About.STATEMENT:
                number = self._expected.get(key)
                if number is None:
                    number = self._numbers.get(key)
                if number is None and (number := self.reader.index_of(key)) is not None:
                    self._numbers.put(key, number)
                return number
            case About.SUBJECT:
                return f"{key[0]}\x00{key[1]}"
            case _:
                return key

    def expect(self, id: bytes) -> None:
        """This statement comes next in the log, behind those that were expected before; until `take`."""
        size = self.reader.size()
        if size != self._logged:
            self._logged, self._ahead = size, 0
        self._expected[id] = size + self._ahead
        self._ahead += 1

    def key(self, about: About, place: Any) -> Any:
        """What the facts at a place are about: the inverse of `place`."""
        match about:
            case About.STATEMENT:
                return self.reader.ids(place, place + 1)[0]
            case About.SUBJECT:
                type, _, id = place.partition("\x00")
                return type, id
            case _:
                return place

    def _end_at(self, size: int) -> None:
        for name in BY_PLACE:
            self._rows[name].end = size

    def count(self, name: str, by: int) -> None:
        """There are so many more of something."""
        self.counts[name] = self.counts.get(name, 0) + by

    # --------------------------------------------------------------------------------------------------- to be kept

    @property
    def unwritten(self) -> int:
        """How many rows and records have changed and are not written."""
        return len(self.records_fresh) + sum(len(rows.fresh) for rows in self._rows.values())

    def take(self, part: Part, *, has_maps: bool = True) -> PendingWrites:
        """What has changed since the last time, to be written; until it is, it is read from here.

        Args:
            part: of the log, that the fold is of now.
            has_maps: whether the maps are to be changed too, or are made anew later (`make_maps`).
        """
        rows = {name: rows.take() for name, rows in self._rows.items()}
        self.records_leaving, self.records_fresh = self.records_fresh, {}
        self._committed_leaving, self.committed = self.committed, {}
        for id, number in self._expected.items():
            self._numbers.put(id, number)
        self._expected, self.added = {}, {}
        mark = FoldMark(part=part, version=self._version, counts=dict(self.counts), has_maps=has_maps)
        self._taken = mark
        return PendingWrites(mark=mark, rows=rows, records=self.records_leaving, committed=self._committed_leaving)

    def written(self) -> None:
        """What was taken is stored."""
        assert self._taken is not None
        self.mark, self._taken = self._taken, None
        self._end_at(self.mark.part.size)
        for rows in self._rows.values():
            rows.written()
        self.records_leaving, self._committed_leaving = {}, {}

    def put_back(self) -> None:
        """What was taken was not stored, and is to be taken again."""
        self._taken = None
        for rows in self._rows.values():
            rows.put_back()
        self.records_fresh, self.records_leaving = {**self.records_leaving, **self.records_fresh}, {}
        self.committed, self._committed_leaving = {**self._committed_leaving, **self.committed}, {}

    def mapped(self) -> None:
        """The maps have been made."""
        self.mark = replace(self.mark, has_maps=True)

    def forget(self) -> None:
        """As if nothing were stored; `clear` forgets what is."""
        self._end_at(0)
        for rows in self._rows.values():
            rows.forget()
        self.records_fresh, self.records_leaving = {}, {}
        self.committed, self._committed_leaving, self.counts = {}, {}, {}
        self._expected, self.added = {}, {}
        self.mark = FoldMark(part=Part(size=0), version=self._version)


def clear(connection: Connection) -> None:
    """Forgets the stored fold, its records and maps; in the caller's transaction."""
    for name in (*(f"fold_{name}" for name in TABLES), "fold_mark", "noted", "noted_records", "noted_past"):
        connection.execute(f"DELETE FROM {name}")
    for name in (RECORDS, STATEMENTS):
        SqliteStateMap(connection, name).rebuild(())


def fold_damaged(what: str) -> StorageError:
    """The error that says what of the stored fold does not fit."""
    return StorageError(
        "fold_damaged",
        f"What the log means, as it is stored, does not fit together: {what}.",
        hint="Stop the node and look at the disk. `accredit node audit` compares all of it with the log.",
    )
