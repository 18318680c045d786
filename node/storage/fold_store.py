"""Stores a fold in a node's database: `governance.index.holdings.Holdings` in tables, behind a bounded cache.

    holdings = StoredHoldings(store)
    fold = Fold(ecosystem, holdings)                     the fold as last written, settled
    holdings.look_ahead(statements)                      reads the stored facts about the next statements together
    ...fold.add(...); fold.settle()...
    changes = holdings.take(part)                        the changes since; the fold may continue
    store.write(changes.write)                           in the caller's transaction
    holdings.written() or holdings.put_back()

* **One row has all facts about one subject**: about a statement by its number in the log, so that new rows are at the
  end of their table; about a key, a record's subject, or an id that may not be held yet. Facts that are read as a whole
  have their own tables.
* Statements are read from the log on demand, records and both maps from the tables of the noted state, which belong to
  the same set of statements.
* Memory holds unwritten changes and the rows used last, a bounded number for each table (`row_cache`). There a row is
  found by its subject; the number of a statement is looked up when its row is written.

Any thread may read, as with `Reader`. Only one thread at a time may change a fold, and not while `take`, `written` or
`put_back` runs. `PendingWrites.write` reads only the changes set aside by `take`, and may run at any time.

It does not decide when to write (`fold_keeping`) or what a transaction writes (`fold_writes`), and does not fold.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import replace
from itertools import chain, count, repeat
from typing import Any, Final

from accredit.governance.fold import FACTS
from accredit.governance.index.holdings import About, ByNumber, Fact
from accredit.governance.records.committed_set import COMMITTED
from accredit.governance.records.reducers import subject_of
from accredit.node.engine.quorum_state import Part
from accredit.registry.domain.records import Subject, record_key
from accredit.registry.statement import Statement, Unverified, recall
from accredit.registry.transparency.state_map import Trie

from .fold_tables import ANNULMENTS, BY_NUMBER, BY_PLACE, HELD, SAID, TABLES, WAITING, table_of
from .fold_writes import IDS, FactRow, FoldMark, PendingWrites, fold_damaged, read_mark, read_row
from .log_reader import Reader
from .migrations import GOVERNING
from .row_cache import RowCache, marks
from .sqlite_trie import SqliteStateMap, trie_over

NUMBERS: Final = 16_384
"""Places in the log kept in memory after use, at most: 150 bytes each. A guess."""

_ASKED_BY: Final = 16
"""Records that are read together are asked for by so many, some of them twice."""

_LISTED: Final = 2_048
"""Records among which those of a type are looked for at a time: some 1 ms. A guess."""

_FEW: Final = {"authority": GOVERNING, "charter": GOVERNING, "node": "type = 'node'"}
"""Types of few records, each with the condition of the index that has them; without it SQLite reads all records."""

_KEY_BYTES: Final = 32
_ID_BYTES: Final = 32

_COUNTED: Final = {
    name: [f"{fact.about}.{fact.name}" for fact in (HELD, SAID, *FACTS) if table_of(fact) == name]
    for name in TABLES
    if name != BY_NUMBER
}
"""For each table that nothing else is in: its facts, as the mark counts them. Many tables are empty in most nodes."""

_ABSENT: Final[Any] = object()
_NOTHING: Final[dict[str, Any]] = {}
_NO_RECORD: Final = b""


class _Rows(RowCache[Any, FactRow]):
    """A table of facts whose rows have the keys that the facts have."""

    _named = "key"
    """The SQL expression for the subject of a row."""

    def __init__(self, reader: Reader, name: str) -> None:
        super().__init__(_NOTHING)
        self.name = name
        self._reader = reader
        self._select = f"SELECT key, facts, digest FROM fold_{name}"

    def own(self, key: Any) -> FactRow:
        """Return the row, which the caller may change."""
        row = self.fresh.get(key)
        if row is None:
            row = {**self.get(key)}
            self.put(key, row)
        return row

    def items(self, beginning: bytes | None = None) -> Iterator[tuple[Any, FactRow]]:
        """Return all rows, or those whose keys begin with a prefix."""
        sql = f"SELECT {self._named}, key, facts, digest FROM fold_{self.name}"
        if beginning is None:
            stored = self._reader.ask(sql)
        else:
            stored = self._reader.ask(f"{sql} WHERE key >= ? AND key < ?", beginning, beginning + b"\xff" * 9)
        newer = self.newer()
        for name, place, facts, digest in stored:
            if (key := self._key(name)) not in newer:
                yield key, self._facts(place, facts, digest)
        for key, row in newer.items():
            if row and (beginning is None or key.startswith(beginning)):
                yield key, row

    def stored(self) -> Iterator[FactRow]:
        """Yield all rows as stored, after comparing each with its checksum."""
        for place, facts, digest in self._reader.ask(self._select):
            yield self._facts(place, facts, digest)

    def placed(self, rows: Mapping[Any, FactRow]) -> dict[Any, FactRow]:
        """Return the rows by their keys in the database."""
        return dict(rows)

    def _key(self, place: Any) -> Any:
        return place

    def _read(self, keys: list[Any]) -> dict[Any, FactRow]:
        found = self._reader.ask(f"{self._select} WHERE key IN ({marks(keys)})", *keys)
        return {place: self._facts(place, facts, digest) for place, facts, digest in found}

    def _facts(self, place: Any, facts: bytes, digest: bytes) -> FactRow:
        return read_row(self.name, place, facts, digest)


class _SubjectRows(_Rows):
    """Facts about records: stored by type and id in one text."""

    def placed(self, rows: Mapping[Any, FactRow]) -> dict[Any, FactRow]:
        """See `_Rows`."""
        return {"\x00".join(subject): row for subject, row in rows.items()}

    def _key(self, place: str) -> Subject:
        type, _, id = place.partition("\x00")
        return type, id

    def _read(self, keys: list[Any]) -> dict[Any, FactRow]:
        return {self._key(place): row for place, row in super()._read(["\x00".join(key) for key in keys]).items()}


class _StatementRows(_Rows):
    """Facts about statements: stored by their numbers in the log."""

    _named = "(SELECT id FROM statements WHERE number = key)"

    def __init__(self, reader: Reader, name: str, holdings: "StoredHoldings") -> None:
        super().__init__(reader, name)
        self._holdings = holdings
        self.end = 0
        """No row that is written has a number so high."""

    def placed(self, rows: Mapping[Any, FactRow]) -> dict[Any, FactRow]:
        """See `_Rows`."""
        numbers = self._holdings.numbers(rows)
        assert len(numbers) == len(rows), "what is concluded about a statement is concluded when it is in the log"
        return {numbers[id]: row for id, row in rows.items()}

    def _read(self, keys: list[Any]) -> dict[Any, FactRow]:
        added = self._holdings.added
        numbers = self._holdings.numbers([id for id in keys if id not in added])
        places = {number: id for id, number in numbers.items() if number < self.end}
        return {places[place]: row for place, row in super()._read(list(places)).items()} if places else {}


class _RecordRows(RowCache[Subject, bytes]):
    """Encoded records; a removed one has no bytes."""

    def __init__(self, reader: Reader) -> None:
        super().__init__(_NO_RECORD)
        self._reader = reader

    def _read(self, keys: list[Subject]) -> dict[Subject, bytes]:
        places = {record_key(*key): key for key in keys}
        # Asked for in a few different numbers only, so that SQLite knows the query already: that takes longest.
        asked = [*places, *repeat(next(iter(places)), -len(places) % _ASKED_BY)]
        rows = self._reader.ask(f"SELECT key, raw FROM noted_records WHERE key IN ({marks(asked)})", *asked)
        return {places[place]: raw for place, raw in rows}

    def _read_one(self, key: Subject) -> bytes:
        row = self._reader.ask_one("SELECT raw FROM noted_records WHERE key = ?", record_key(*key))
        return _NO_RECORD if row is None else row[0]


class _StatementCache(RowCache[bytes, Statement | None]):
    """Statements read from the log."""

    def __init__(self, reader: Reader) -> None:
        super().__init__(None)
        self._reader = reader

    def _read(self, keys: list[bytes]) -> dict[bytes, Statement | None]:
        raws = self._reader.raws(keys)
        assert len(raws) == len(keys), "what is held is in the log"
        return {id: recall(raw) for id, raw in raws.items()}


class _Facts(MutableMapping[Any, Any]):
    """One fact of every row, by the row's subject."""

    def __init__(self, holdings: "StoredHoldings", fact: Fact) -> None:
        self._counts = holdings.counts
        self._rows = holdings.rows(table_of(fact))
        self._known, self._miss = self._rows.known, self._rows.miss
        self._name = fact.name
        self._counted = f"{fact.about}.{fact.name}"

    def __getitem__(self, key: Any) -> Any:
        found = self.get(key, _ABSENT)
        if found is _ABSENT:
            raise KeyError(key)
        return found

    def get(self, key: Any, default: Any = None) -> Any:
        """The value, or `default`."""
        if not self._counts.get(self._counted):
            return default  # many facts are rare, and most nodes have none of them
        row = self._known(key)
        if row is None:
            row = self._miss(key)
        return row.get(self._name, default)

    def __contains__(self, key: object) -> bool:
        if not self._counts.get(self._counted):
            return False
        row = self._known(key)
        return self._name in (self._miss(key) if row is None else row)

    def __setitem__(self, key: Any, value: Any) -> None:
        row = self._rows.fresh.get(key)
        if row is None:
            row = self._rows.own(key)
        if self._name not in row:
            self._counts[self._counted] = self._counts.get(self._counted, 0) + 1
        row[self._name] = value

    def __delitem__(self, key: Any) -> None:
        if key not in self:
            raise KeyError(key)
        self._counts[self._counted] -= 1
        del self._rows.own(key)[self._name]

    def pop(self, key: Any, default: Any = None) -> Any:
        """Remove the value and return it, or return `default`."""
        value = self.get(key, _ABSENT)
        if value is _ABSENT:
            return default
        del self[key]
        return value

    def __iter__(self) -> Iterator[Any]:
        for key, row in self._rows.items():
            if self._name in row:
                yield key

    def __len__(self) -> int:
        return self._counts.get(self._counted, 0)


class _Committed(_Facts):
    """The statements to which the root binds: the content of the map over them."""

    def __init__(self, holdings: "StoredHoldings", fact: Fact) -> None:
        super().__init__(holdings, fact)
        self._holdings = holdings

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

    def __getitem__(self, id: bytes) -> Statement:
        found = self._holdings.added.get(id)
        if found is None:
            found = self._holdings.statement(id) if id in self._held else None
            if found is None:
                raise KeyError(id)
        return found

    def get(self, id: bytes, default: Any = None) -> Any:
        """The statement, or `default`."""
        found = self._holdings.added.get(id)
        if found is None and id in self._held:
            found = self._holdings.statement(id)
        return default if found is None else found

    def __contains__(self, id: object) -> bool:
        return id in self._held

    def __setitem__(self, id: bytes, statement: Statement) -> None:
        self._holdings.added[id] = statement
        self._held[id] = None

    def __delitem__(self, id: bytes) -> None:
        raise TypeError("a statement that was accepted is held for good")

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)


class _Said(MutableMapping[int, tuple[bytes, ...]]):
    """The statements that one key signed, by number."""

    def __init__(self, holdings: "StoredHoldings", key: bytes, said: _Facts) -> None:
        self._rows = holdings.rows(BY_NUMBER)
        self._key = key
        self._said = said

    def __getitem__(self, number: int) -> tuple[bytes, ...]:
        ids: tuple[bytes, ...] | None = self.get(number)
        if ids is None:
            raise KeyError(number)
        return ids

    def get(self, number: int, default: Any = None) -> Any:
        """The statements under a number, or `default`."""
        return self._rows.get(self._key + number.to_bytes(8)).get(IDS, default)

    def __setitem__(self, number: int, ids: tuple[bytes, ...]) -> None:
        place = self._key + number.to_bytes(8)
        if not self._rows.get(place):
            self._said[self._key] = self._said.get(self._key, 0) + 1
        self._rows.put(place, {IDS: ids})

    def __delitem__(self, number: int) -> None:
        raise TypeError("a statement that was accepted is held for good")

    def __iter__(self) -> Iterator[int]:
        return (int.from_bytes(place[_KEY_BYTES:]) for place, _ in self._rows.items(self._key))

    def __len__(self) -> int:
        return int(self._said.get(self._key, 0))


class _ByKey(MutableMapping[bytes, MutableMapping[int, tuple[bytes, ...]]]):
    """The statements of every key, by number."""

    def __init__(self, holdings: "StoredHoldings") -> None:
        self._holdings = holdings
        self._said = _Facts(holdings, SAID)

    def __getitem__(self, key: bytes) -> MutableMapping[int, tuple[bytes, ...]]:
        found: _Said | None = self.get(key)
        if found is None:
            raise KeyError(key)
        return found

    def get(self, key: bytes, default: Any = None) -> Any:
        """The statements of a key, or `default`."""
        return _Said(self._holdings, key, self._said) if key in self._said else default

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
        self._counts = holdings.counts
        self._rows = holdings.record_rows
        self._reader = holdings.reader
        self._type = type
        self._counted = f"records.{type}"

    def __getitem__(self, id: str) -> bytes:
        found: bytes | None = self.get(id)
        if found is None:
            raise KeyError(id)
        return found

    def get(self, id: str, default: Any = None) -> Any:
        """The record's bytes, or `default`."""
        return self._rows.get((self._type, id)) or default

    def __contains__(self, id: object) -> bool:
        return isinstance(id, str) and self.get(id) is not None

    def __setitem__(self, id: str, raw: bytes) -> None:
        if id not in self:
            self._counts[self._counted] = self._counts.get(self._counted, 0) + 1
        self._rows.put((self._type, id), raw)

    def __delitem__(self, id: str) -> None:
        if id not in self:
            raise KeyError(id)
        self._counts[self._counted] -= 1
        self._rows.put((self._type, id), _NO_RECORD)

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(self.keys_in_parts())

    def keys_in_parts(self) -> Iterator[Sequence[str]]:
        """See `Parted`."""
        newer = {id: raw for (type, id), raw in self._rows.newer().items() if type == self._type}
        yield [id for id, raw in newer.items() if raw]
        # The types stand in the text, so that the few records of some are found by their index.
        of_type = f"SELECT id FROM noted_records WHERE type = '{self._type}'"
        if self._type in _FEW:
            yield [id for (id,) in self._reader.ask(f"{of_type} AND {_FEW[self._type]}") if id not in newer]
            return
        start = 0
        while start <= (self._reader.ask_one("SELECT max(number) FROM noted_records")[0] or -1):
            rows = self._reader.ask(f"{of_type} AND number >= ? AND number < ?", start, start + _LISTED)
            yield [id for (id,) in rows if id not in newer]
            start += _LISTED

    def __len__(self) -> int:
        return self._counts.get(self._counted, 0)


class StoredHoldings:
    """See the module.

    Args:
        reader: of the database; nobody else uses it.
        version: of the fold; data that another version made are forgotten.

    Attributes:
        mark: of the stored fold; of an empty fold if the stored one cannot be used.
    """

    def __init__(self, reader: Reader, version: int) -> None:
        self.reader = reader
        self._version = version
        self._statement_tables = tuple(_StatementRows(reader, name, self) for name in BY_PLACE)
        self._rows: dict[str, _Rows] = {
            **{name: _Rows(reader, name) for name in TABLES},
            About.SUBJECT: _SubjectRows(reader, About.SUBJECT),
            **{rows.name: rows for rows in self._statement_tables},
        }
        self.record_rows = _RecordRows(reader)
        self._statements = _StatementCache(reader)
        self._numbers: dict[bytes, int] = {}
        self.added: dict[bytes, Statement] = {}
        self.committed: dict[bytes, bool] = {}
        self._committed_leaving: dict[bytes, bool] = {}
        self.mark = FoldMark(part=Part(size=0), version=version)
        self._taken: FoldMark | None = None
        self.counts: dict[str, int] = {}
        self._end_at(0)

    def stored_mark(self) -> FoldMark | None:
        """Return the mark that is stored now, whichever was resumed; None if there is none.

        Raises:
            StorageError: as `resume`.
        """
        found = self.reader.ask("SELECT mark, digest FROM fold_mark")
        return read_mark(*found[0]) if found else None

    def follow(self, changed: Iterable[Subject] | None = None) -> bool:
        """Resume from what another process has stored by now, as `resume`; forget the changes made here.

        Args:
            changed: the records that may differ from those stored before; None: any.
        """
        statements, records = self._statements, self.record_rows
        self._statements, self.record_rows = _StatementCache(self.reader), _RecordRows(self.reader)
        self.forget()
        self._statements = statements  # they never change
        if changed is not None:
            records.outdated(changed)
            self.record_rows = records
        if self.resume():
            return True
        self.record_rows = _RecordRows(self.reader)
        self._end_at(0)
        return False

    def resume(self) -> bool:
        """Resume from the stored fold; return whether there is one of this version.

        Raises:
            StorageError: `fold_damaged`: the mark is not what was written.
        """
        mark = self.stored_mark()
        if mark is None or mark.version != self._version:
            return False
        self.mark = mark
        self.counts.update(mark.counts)
        self._end_at(mark.part.size)
        return True

    def check(self) -> None:
        """Compare every row with its checksum, and the numbers of rows with the mark; call it after `resume`.

        Raises:
            StorageError: `fold_damaged`, and the first row that is not as it was written.
        """
        with self.reader.snapshot():
            found: Counter[str] = Counter()
            said = 0  # under how many numbers keys have signed something: what is said of them, less what is there
            for name, rows in self._rows.items():
                about = name.partition("_")[0]
                for row in rows.stored():
                    if name == BY_NUMBER:
                        said -= 1
                    else:
                        found.update(f"{about}.{fact}" for fact in row)
                        said += row.get(SAID.name, 0) if name == table_of(SAID) else 0
            for type, count in self.reader.ask("SELECT type, count(*) FROM noted_records GROUP BY type"):
                found[f"records.{type}"] += count
        if said or found != Counter(self.counts):
            raise fold_damaged("its number of facts does not match its mark")

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
        """See `Holdings`; only stored entries."""
        return trie_over(lambda: SqliteStateMap(self.reader.connection, name))

    # ------------------------------------------------------------------------------------------------ for mappings

    def rows(self, name: str) -> _Rows:
        """Return the rows of a table."""
        return self._rows[name]

    def statement(self, id: bytes) -> Statement | None:
        """Return a held statement that is already in the log's table."""
        return self._statements.get(id)

    def numbers(self, ids: Iterable[bytes]) -> dict[bytes, int]:
        """Return the places of statements in the log, without those that are not in it."""
        found: dict[bytes, int] = {}
        unknown: list[bytes] = []
        for id in ids:
            number = self._numbers.get(id)
            if number is None:
                unknown.append(id)
            else:
                found[id] = number
        looked_up = self.reader.numbers(unknown) if unknown else {}
        self._remember(looked_up)
        return found | looked_up

    def logged(self, ids: Sequence[bytes], first: int) -> None:
        """Take note of the places of statements that were appended one after the other, so that nobody looks them
        up."""
        self._remember(dict(zip(ids, count(first))))

    def _remember(self, numbers: Mapping[bytes, int]) -> None:
        if len(self._numbers) > NUMBERS:
            self._numbers = {}
        self._numbers.update(numbers)

    def look_ahead(self, statements: Sequence[Unverified]) -> None:
        """See `Holdings`."""
        # What nobody has checked may name whatever it likes, and as much of it as has room.
        checked = [statement for statement in statements if isinstance(statement, Statement)]
        named = dict.fromkeys(id for statement in checked for id in _named_in(statement))
        ids = [*(statement.id for statement in statements), *named]
        for rows in self._statement_tables:
            rows.look_ahead(ids)
        for name in (About.ID, ANNULMENTS, WAITING):
            self._rows[name].look_ahead(ids)
        held = self._rows[table_of(HELD)]
        older = [id for id in named if id not in self.added and HELD.name in held.get(id)]
        self._statements.look_ahead(older)
        about = (*statements, *map(self._statements.get, older))
        subjects = [subject for each in about if each is not None for subject in _touched_by(each)]
        self._rows[About.SUBJECT].look_ahead(subjects)
        self.record_rows.look_ahead(subjects)
        self._rows[BY_NUMBER].look_ahead(statement.kid + statement.seq.to_bytes(8) for statement in statements)

    def expect(self, subjects: Iterable[Subject]) -> None:
        """See `Holdings`."""
        self.record_rows.look_ahead(subjects)

    def _end_at(self, size: int) -> None:
        for rows in self._statement_tables:
            rows.end = size
        for each in self._caches():
            each.is_empty = not size
        for name, counted in _COUNTED.items():
            self._rows[name].is_empty = not size or not any(map(self.mark.counts.get, counted))

    def _caches(self) -> tuple[RowCache[Any, Any], ...]:
        return (*self._rows.values(), self.record_rows)

    # --------------------------------------------------------------------------------------------------- to be kept

    @property
    def unwritten(self) -> int:
        """Return the number of changed rows and records that are not written."""
        return sum(len(each.fresh) for each in self._caches())

    def take(self, part: Part, *, has_maps: bool = True) -> PendingWrites:
        """Return the changes since the last call, to be written; reads see them even before that.

        Args:
            part: the part of the log that the fold covers now.
            has_maps: whether to change the maps too; otherwise they are made anew later (`make_maps`).
        """
        rows = {name: rows.placed(rows.take()) for name, rows in self._rows.items()}
        records = {subject: raw or None for subject, raw in self.record_rows.take().items()}
        self._committed_leaving, self.committed = self.committed, {}
        self._statements.keep(self.added)
        self.added = {}
        mark = FoldMark(part=part, version=self._version, counts=dict(self.counts), has_maps=has_maps)
        self._taken = mark
        return PendingWrites(mark=mark, rows=rows, records=records, committed=self._committed_leaving)

    def written(self) -> None:
        """Note that the taken changes are stored."""
        assert self._taken is not None
        self.mark, self._taken = self._taken, None
        for each in self._caches():
            each.written()
        self._end_at(self.mark.part.size)
        self._committed_leaving = {}

    def put_back(self) -> None:
        """Note that the taken changes were not stored; the next `take` returns them again."""
        self._taken = None
        for each in self._caches():
            each.put_back()
        self.committed, self._committed_leaving = {**self._committed_leaving, **self.committed}, {}

    def mapped(self) -> None:
        """Note that the maps have been made."""
        self.mark = replace(self.mark, has_maps=True)

    def forget(self) -> None:
        """Start as if nothing were stored; `clear` removes stored data."""
        self._end_at(0)
        for each in self._caches():
            each.forget()
        self._statements.forget()
        self.committed, self._committed_leaving = {}, {}
        self.counts.clear()
        self.added = {}
        self.mark = FoldMark(part=Part(size=0), version=self._version)


def _named_in(statement: Statement) -> Iterator[bytes]:
    """Return the ids of other statements that a statement names."""
    for value in (statement.prev, *statement.body.values()):
        for each in value if type(value) is list else (value,):
            if type(each) is bytes and len(each) == _ID_BYTES:
                yield each


def _touched_by(statement: Unverified) -> Iterator[Subject]:
    """Return the records that a statement changes, as far as its content shows: two at most, whoever wrote it."""
    is_about_a_grant = statement.kind.startswith("accreditation.") and statement.kind != "accreditation.grant"
    if is_about_a_grant and type(statement.body.get("accreditation")) is not bytes:
        return  # nobody has checked it yet
    subject = subject_of(statement)
    if subject is not None:
        yield subject
        if subject[0] == "accreditation":
            yield "issuer", statement.sub
