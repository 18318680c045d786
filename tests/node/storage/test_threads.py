"""One connection belongs to one thread: nodes that shared theirs read other rows' columns, and called that damage."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from accredit.node.storage.log_store import Reader, Store, open_reader
from accredit.node.storage.sqlite import connect_reader, connect_writer
from accredit.registry.errors import StorageError
from tests.strategies.stored_log import ROOT, open_store, statements

LOOKUPS = 10_000
"""By each of two threads. Of 100,000 some 400 were wrong on Python 3.12 and 3.13, where both used one connection."""

VISITS = 1_000
"""Of another thread, each through a connection of its own."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "node.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with open_store(path) as opened:
        opened.append(statements(0, 300))
        yield opened


def look_up(reader: Reader, lookups: int) -> list[str]:
    """What a reader says that is not so."""
    expected, wrong = statements(0, 300), []
    for turn in range(lookups // 4):
        number = turn * 7 % len(expected)
        id, raw = expected[number]
        try:
            found = reader.index_of(id), reader.raw(id), reader.entry(number), reader.head()[0]
        except Exception as error:  # whatever it is, the file is whole
            wrong.append(repr(error))
        else:
            if found != (number, raw, raw, 300):
                wrong.append(repr(found))
    return wrong


def in_threads(*works: Callable[[], object]) -> list[BaseException]:
    """Runs all at once; what they raised."""
    raised: list[BaseException] = []

    def run(work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


@pytest.mark.parametrize("which", ["a store", "a reader"])
def test_threads_that_look_things_up_through_one_reader_are_told_the_truth(
    store: Store, path: Path, which: str
) -> None:
    with open_reader(path) as reader:
        shared = store if which == "a store" else reader
        wrong: list[str] = []

        def much() -> None:
            with shared.snapshot():
                wrong.extend(look_up(shared, LOOKUPS))

        def one_by_one() -> None:
            wrong.extend(look_up(shared, VISITS))

        started = [threading.Thread(target=work) for work in (much, much, one_by_one)]
        for thread in started:
            thread.start()
        while any(thread.is_alive() for thread in started):  # the event loop's thread asks too
            wrong += look_up(shared, 400)
        assert wrong == []


def test_a_thread_that_appends_does_not_disturb_those_that_read(store: Store) -> None:
    wrong: list[str] = []

    def append() -> None:
        for first in range(300, 1_300, 20):
            store.append(statements(first, first + 20))

    def read() -> None:
        with store.snapshot():
            size = store.size()
            for number, (_, raw) in enumerate(statements(0, size)):
                if store.entry(number) != raw:
                    wrong.append(f"entry {number} of {size}")

    assert in_threads(append, read, read) == []
    assert wrong == []
    assert store.size() == 1_300


def test_a_connection_in_the_wrong_hands_answers_nothing(store: Store, path: Path) -> None:
    for connection in (connect_reader(path), connect_writer(path), store.connection):
        refused = in_threads(partial(connection.execute, "SELECT size FROM tree"))
        assert [type(one) for one in refused] == [sqlite3.ProgrammingError]
        if connection is not store.connection:
            connection.close()


def test_the_writers_connection_cannot_be_carried_out_of_its_thread(store: Store) -> None:
    connection = store.write(lambda connection: connection)
    with pytest.raises(sqlite3.ProgrammingError, match="thread"):
        connection.execute("SELECT size FROM tree")
    cursor = store.write(lambda connection: connection.execute("SELECT size FROM tree"))
    with pytest.raises(sqlite3.ProgrammingError, match="thread"):
        cursor.fetchone()
    with pytest.raises(AssertionError, match="asks the writer for nothing"):
        store.write(lambda _: store.append(statements(300, 301)))
    assert store.size() == 300


def test_a_visitor_leaves_no_connection_behind_and_has_none_without_asking(store: Store) -> None:
    def visit() -> None:
        with store.snapshot(), store.snapshot():
            assert store.connection.execute("SELECT size FROM tree").fetchone() == (300,)
            seen.append(store.connection)
        store.head()
        with pytest.raises(AssertionError, match="within a `with`"):
            _ = store.connection

    seen: list[sqlite3.Connection] = []
    assert in_threads(visit, visit) == []
    assert seen[0] is not seen[1]
    for connection in seen:
        with pytest.raises(sqlite3.ProgrammingError):
            connection.execute("SELECT 1")


def test_a_visitor_that_cannot_open_the_file_is_told_what_to_do(path: Path) -> None:
    with open_store(path) as store:
        store.append(statements(0, 1))
        path.rename(path.with_suffix(".away"))
        (error,) = in_threads(store.head)
        assert isinstance(error, StorageError)
        assert error.code == "database_unusable"
        path.with_suffix(".away").rename(path)
        assert in_threads(store.head) == []


def test_nothing_opens_a_database_that_threads_may_share() -> None:
    sources = [
        path for folder in ("node", "cli", "simulations", "benchmarks") for path in (ROOT / folder).rglob("*.py")
    ]
    texts = {str(path.relative_to(ROOT)): path.read_text() for path in sources}
    assert [name for name, text in texts.items() if "check_same_thread=False" in text] == []
    opening = {name for name, text in texts.items() if "sqlite3.connect(" in text}
    assert opening == {
        "node/storage/sqlite.py",
        "node/storage/log_reader.py",  # the file that a backup goes to
        "node/storage/migrations.py",  # in memory, for what tables are to look like
    }
