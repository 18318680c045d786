"""The map in SQLite: readers see one state, a failed transaction leaves none, and every stored bit is accounted for."""

import sqlite3
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest

from accredit.node.storage.sqlite import transaction
from accredit.node.storage.sqlite_trie import SqliteStateMap, tables
from accredit.registry.errors import StorageError
from accredit.registry.transparency.state_trie import Prefixes, bulk_root, check_proof
from tests.strategies.state_maps import SqliteKeeper, random_pairs, value_of


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[SqliteKeeper]:
    made = SqliteKeeper(tmp_path, Prefixes(), bucket=4)
    yield made
    made.close()


def test_a_reader_in_a_transaction_proves_one_state_while_the_map_goes_on(keeper: SqliteKeeper) -> None:
    pairs = random_pairs(200)
    keeper.change(dict(pairs))
    before = keeper.map.root()
    keeper.reader.execute("BEGIN")
    assert keeper.map.root() == before
    keeper.change({**dict.fromkeys(list(pairs)[:150]), **random_pairs(50, start=500)})
    for key in list(pairs)[:20]:
        assert check_proof(before, key, keeper.map.prove(key)) == pairs[key]
    assert len(keeper.map) == 200
    keeper.reader.execute("COMMIT")
    assert keeper.map.root() != before
    assert len(keeper.map) == 100


def test_a_batch_that_is_rolled_back_leaves_no_trace(keeper: SqliteKeeper) -> None:
    keeper.change(dict(random_pairs(100)))
    before, pages = keeper.map.root(), keeper.pages()

    def interrupted() -> None:
        with transaction(keeper.writer):
            SqliteStateMap(keeper.writer, "records", bucket=4).update(dict(random_pairs(100, start=100)))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert (keeper.map.root(), keeper.pages()) == (before, pages)
    assert keeper.map.check() == before


def test_outside_a_transaction_nothing_is_written(keeper: SqliteKeeper) -> None:
    writing = SqliteStateMap(keeper.writer, "records", bucket=4)
    with pytest.raises(AssertionError):
        writing.set(bytes(32), bytes(32))
    with pytest.raises(AssertionError):
        writing.rebuild([])
    assert len(keeper.map) == 0


def test_pages_are_a_function_of_the_leaves_whatever_happened_before(keeper: SqliteKeeper) -> None:
    """Else an audit could not make them again."""
    random, kept = Random(3), random_pairs(120)
    crowd = {b"\xab\xcd\xef" + random.randbytes(29): bytes(32) for _ in range(60)}
    keeper.change({**kept, **random_pairs(300, start=200)})
    keeper.change({**dict.fromkeys(random_pairs(300, start=200)), **crowd})
    keeper.change(dict.fromkeys(crowd))
    pages = keeper.pages()
    assert len(pages) > 10
    keeper.replace(kept)
    assert keeper.pages() == pages


def test_two_maps_in_one_database_do_not_meet(keeper: SqliteKeeper) -> None:
    for statement in tables("others"):
        keeper.writer.execute(statement)
    other = SqliteStateMap(keeper.writer, "others", bucket=4)
    keeper.change(dict(random_pairs(20)))
    with transaction(keeper.writer):
        assert other.rebuild([(bytes(32), bytes(32))]) == other.root()
    assert (len(keeper.map), len(other)) == (20, 1)
    assert keeper.map.root() == bulk_root(sorted(random_pairs(20).items()))


def stored(keeper: SqliteKeeper, table: str, column: str, order: str) -> list[bytes | str]:
    return [row[0] for row in keeper.reader.execute(f"SELECT {column} FROM {table} ORDER BY {order}")]


def derived(keeper: SqliteKeeper) -> bytes | None:
    """The root that the leaves lead to; None where the pages are not theirs."""
    try:
        return keeper.map.check()
    except StorageError:
        return None


def test_a_bit_flipped_anywhere_in_the_map_is_found(tmp_path: Path) -> None:
    """In the leaves it leads to another root or to other pages, in a page to a page that does not match its leaves."""
    random = Random(8)
    keeper = SqliteKeeper(tmp_path, Prefixes(), bucket=4)
    keeper.change(dict(random_pairs(60)))
    root = keeper.map.root()
    for table, column, order in (
        ("records_leaves", "key", "key"),
        ("records_leaves", "value", "key"),
        ("records_pages", "path", "path"),
        ("records_pages", "slots", "path"),
    ):
        values = stored(keeper, table, column, order)
        for value in values:
            raw = bytearray(value.encode() if isinstance(value, str) else value)
            at, bit = random.randrange(max(1, len(raw))), 1 << random.randrange(7)
            if not raw:
                continue  # the path of the first page; SQLite's own record says that it is empty
            raw[at] ^= bit
            wrong = raw.decode() if isinstance(value, str) else bytes(raw)
            sql = f"UPDATE {table} SET {column} = ? WHERE {column} = ?"
            try:
                keeper.writer.execute(sql, (wrong, value))
            except sqlite3.IntegrityError:
                continue  # another row has that key: the file could not be read in order
            assert derived(keeper) != root, (table, column, value)
            keeper.writer.execute(sql, (value, wrong))
    assert keeper.map.check() == root
    keeper.close()


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("DELETE FROM records_pages WHERE path = 'a'", "'a'"),
        ("INSERT INTO records_pages SELECT 'ffff', slots FROM records_pages WHERE path = ''", "without leaves"),
        ("DELETE FROM records_leaves WHERE key = (SELECT max(key) FROM records_leaves)", "not match its leaves"),
    ],
)
def test_rows_that_vanish_or_appear_are_found(keeper: SqliteKeeper, sql: str, names: str) -> None:
    keeper.change({key: value_of(key) for key in (sha256(bytes([n])).digest() for n in range(100))})
    keeper.writer.execute(sql)
    with pytest.raises(StorageError, match=names) as damaged:
        keeper.map.check()
    assert damaged.value.code == "map_damaged"
    assert damaged.value.hint
