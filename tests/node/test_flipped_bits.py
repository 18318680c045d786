"""A bit turns over somewhere in a node's database: whoever audits it or starts on it is told, whatever it was of."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest

from accredit.governance.fold import FACTS
from accredit.governance.index.holdings import About, Fact
from accredit.node.engine.quorum_state import Part
from accredit.node.storage.audit import audit
from accredit.node.storage.fold_store import StoredHoldings
from accredit.node.storage.fold_tables import HELD
from accredit.node.storage.log_store import Change, open_reader
from accredit.node.storage.state_store import NotedStore
from accredit.registry.domain.records import FOLD_VERSION
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.errors import StorageError
from accredit.registry.transparency.checkpoint import Checkpoint
from accredit.registry.transparency.signed_note import sign_note
from tests.strategies.noted_states import Story, issuers
from tests.strategies.stored_log import ORIGIN, identify, open_store, statements

SIZE = 300

UNREAD = {
    (
        "noted_records",
        "number",
    ): "SQLite's own number of the row: moved by SQL it is sound, on the disk an index differs"
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with something in every table."""
    path, story = tmp_path_factory.mktemp("sound") / "node.sqlite", Story()
    with open_store(path) as store:
        store.append(statements(0, SIZE))
        text = Checkpoint(origin=ORIGIN, size=SIZE, root=store.root()).encode()
        store.set_checkpoint(SIZE, sign_note(text, ORIGIN, KeyPair(bytes(32))).decode())
        feed = [
            Change(
                time=1_000 + n, statement=id, kind="issuer.register", sub=f"did:web:i{n}.example", change="took_effect"
            )
            for n, (id, _) in enumerate(statements(0, 9))
        ]
        store.add_changes(feed, size=SIZE)
        assert store.swap("witness/log", None, b"the head of a log")
        noted = NotedStore(store)
        noted.settle(**story.step(issuers(*range(40))).given())
        noted.settle(**story.step({("authority", "a"): {"n": 1}, **issuers(3, word="was")}).given())
        noted.settle(**story.step({("issuer", "did:web:i5.example"): None}).given())
        holdings = StoredHoldings(store.companion(), FOLD_VERSION)
        for fact in (*FACTS, HELD):
            keys: dict[About, list[Any]] = {
                About.SUBJECT: [("issuer", f"did:web:i{n}.example") for n in range(9)],
                About.KIND: ["key.add", "key.rotate"],
            }
            for key in keys.get(fact.about, [id for id, _ in statements(0, 9)]):
                holdings.facts(fact)[key] = fact.value(_plain(fact))
        for id, _ in statements(0, 9):
            holdings.by_number()[id] = {7: (id,)}
        holdings.counts |= {"records.issuer": 39, "records.authority": 1}
        kept = holdings.take(Part(size=9))
        store.write(kept.write_rows)
    check(path)
    return path


def _plain(fact: Fact) -> Any:
    """A value of the form that a fact has, written down."""
    for plain in (
        None,
        [["issuer", "a"]],
        [1, b"2", 3, True],
        ["a", None, 5],
        [[["issuer", "a"], b"x"]],
        [[b"2", 1, 3]],
    ):
        with suppress(TypeError, ValueError):
            if fact.plain(fact.value(plain)) == plain:
                return plain
    raise AssertionError(fact)


@pytest.fixture
def path(sound: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "node.sqlite"
    shutil.copy(sound, copy)
    return copy


def check(path: Path) -> None:
    """Audits the database as it lies there, then opens it for writing."""
    with open_reader(path) as reader:
        audit(reader, identify=identify)
    with open_store(path) as store:
        assert store.size() == SIZE


def is_found(path: Path) -> bool:
    try:
        check(path)
    except StorageError:
        return True
    return False


def columns(path: Path) -> Iterator[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as connection:
        for (table,) in connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"
        ).fetchall():
            for row in connection.execute(f"PRAGMA table_info({table})").fetchall():
                yield table, row[1]


def flipped(value: Any, random: Random) -> Any:
    """The same with one other bit; of no bytes, one."""
    if isinstance(value, int):
        return value ^ 1 << random.randrange(12)
    data = bytearray(value.encode() if isinstance(value, str) else value) or bytearray(1)
    data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return bytes(data)


def test_every_column_of_every_table_is_accounted_for(sound: Path, path: Path) -> None:
    random, tried = Random(21), 0
    for table, column in columns(sound):
        if (table, column) in UNREAD:
            continue
        with closing(sqlite3.connect(sound)) as connection:
            values = connection.execute(f"SELECT {column} FROM {table}").fetchall()
        assert values, f"{table} is empty"
        for (value,) in random.sample(values, min(5, len(values))):
            shutil.copy(sound, path)
            cast = "CAST(? AS TEXT)" if isinstance(value, str) else "?"
            with closing(sqlite3.connect(path)) as connection, connection:
                connection.execute("PRAGMA ignore_check_constraints = ON")
                sql = f"UPDATE {table} SET {column} = {cast} WHERE {column} = ?"
                try:
                    assert connection.execute(sql, (flipped(value, random), value)).rowcount >= 1
                except sqlite3.IntegrityError:
                    continue  # another row has that key: on the disk that would be a row out of order
            assert is_found(path), (table, column, value)
            tried += 1
    assert tried > 110


def everything(path: Path) -> dict[str, list[Any]]:
    """All rows of all tables."""
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        return {table.lower(): connection.execute(f"SELECT * FROM {table}").fetchall() for (table,) in tables}


def test_a_bit_anywhere_in_the_file_is_found_or_is_of_nothing(sound: Path, path: Path) -> None:
    """Where nobody is told, no row of any table has changed: it was room that nothing uses, or a count of writes."""
    random, pristine, rows = Random(22), sound.read_bytes(), everything(sound)
    used = [at for at, byte in enumerate(pristine) if byte]
    found = 0
    for _ in range(250):
        damaged = bytearray(pristine)
        damaged[random.choice(used)] ^= 1 << random.randrange(8)
        path.write_bytes(damaged)
        if is_found(path):
            found += 1
        else:
            assert everything(path) == rows
        for leftover in path.parent.glob("node.sqlite-*"):
            leftover.unlink()
    assert found > 200
