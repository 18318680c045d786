"""Killed at any moment, out of room at any moment: what was acknowledged stays, nothing is half there."""

import os
import random
import sqlite3
import time
from pathlib import Path
from typing import Final

import pytest

from accredit.node.storage.audit import audit
from accredit.node.storage.log_store import Store
from accredit.node.storage.sqlite import storage_error
from accredit.registry.errors import StorageError
from accredit.registry.transparency.merkle import EMPTY_ROOT
from tests.strategies.stored_log import (
    expected_root,
    identify,
    limit_pages,
    open_store,
    page_count,
    run_child,
    start_child,
    statements,
)

# ------------------------------------------------------------------------------------- power cuts and full disks


APPEND_FOR_EVER = """
with open_store(path) as store:
    size = store.size()
    print("open", size, flush=True)
    while True:
        count = 1 + size % 7 * (size % 40)
        size, root = store.append(statements(size, size + count))
        print(size, root.hex(), flush=True)
"""


def kill_once(path: Path, choice: random.Random, acknowledged: int) -> int:
    """Has a process append, kills it within a quarter of a second, and checks what it left; how much was answered for.

    Args:
        acknowledged: how much was answered for before.
    """
    child = start_child(APPEND_FOR_EVER, path)
    assert child.stdout is not None
    assert child.stdout.readline().startswith("open"), "it goes on after every kill"
    time.sleep(choice.random() * 0.25)
    child.kill()
    lines, _ = child.communicate()
    said = [line.split() for line in lines.splitlines(keepends=True) if line.endswith("\n")]
    if said:
        acknowledged = int(said[-1][0])
        assert said[-1][1] == expected_root(acknowledged).hex()
    with open_store(path) as store:
        size, root = audit(store, identify=identify)
        assert size >= acknowledged
        assert root == expected_root(size)
        assert store.entries(0, size) == [raw for _, raw in statements(0, size)]
    return acknowledged


def test_killed_at_any_moment_it_holds_all_it_acknowledged(path: Path) -> None:
    choice = random.Random(11)
    acknowledged, kills = 0, 0
    # On a slow machine it is no proof before some kills have met some appends.
    while kills < 6 or (acknowledged < 100 and kills < 100):
        acknowledged = kill_once(path, choice, acknowledged)
        kills += 1
    assert acknowledged >= 100


KILLS: Final = int(os.environ.get("ACCREDIT_KILLS", "1000"))
"""Of the wide search: as many as a night has room for, 1.4 s each on a busy machine. A new log begins after every 5:
what is checked after each kill is all of it."""


@pytest.mark.nightly  # a thousand processes
def test_killed_a_thousand_times_it_holds_all_it_acknowledged(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(2**32)
    choice, began, answered, acknowledged = random.Random(seed), time.monotonic(), 0, 0
    try:
        for number in range(KILLS):
            if number % 5 == 0:
                answered, acknowledged = answered + acknowledged, 0
            acknowledged = kill_once(tmp_path / f"log{number // 5}" / "node.sqlite", choice, acknowledged)
    finally:
        print(f"seed {seed}: {number + 1} kills, {answered + acknowledged} answers, {time.monotonic() - began:.0f} s")
    assert answered + acknowledged > KILLS


def test_killed_while_it_is_made_it_can_be_made_again(path: Path) -> None:
    choice = random.Random(13)
    for _ in range(4):
        child = start_child("print('begin', flush=True)\nopen_store(path).append(statements(0, 1))", path)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(choice.random() * 0.03)
        child.kill()
        child.communicate()
        with open_store(path) as store:
            assert store.head() in {(0, EMPTY_ROOT), (1, expected_root(1))}
        for file in path.parent.iterdir():
            file.unlink()


def test_on_a_full_disk_nothing_is_half_written_and_room_is_enough_to_go_on(path: Path) -> None:
    with open_store(path) as store:
        store.append(statements(0, 100))
        pages = page_count(store)
        limit_pages(store, pages + 10)
        size = 100
        while size < 100_000:
            try:
                size = store.append(statements(size, size + 50))[0]
            except StorageError:
                break
        assert audit(store, identify=identify) == (size, expected_root(size))
        with pytest.raises(StorageError, match="cannot grow") as full:
            store.append(statements(size, size + 500))
        assert full.value.code == "disk_full"
        assert "Free some space" in full.value.hint
        limit_pages(store, 1000000)
        assert store.append(statements(size, size + 500)) == (size + 500, expected_root(size + 500))
        assert audit(store, identify=identify)[0] == size + 500


FILL_UP = """
import resource
with open_store(path) as store:
    resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))
    size = 0
    while True:
        try:
            size = store.append(statements(size, size + 100))[0]
        except StorageError as error:
            print(error.code, size, store.head()[0], flush=True)
            break
    audit(store, identify=identify)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print("went on", *store.append(statements(size, size + 1000))[:1], flush=True)
"""


def test_when_the_operating_system_refuses_to_write_it_says_so_and_goes_on_later(path: Path) -> None:
    lines = run_child(FILL_UP, path).splitlines()
    code, size, held = lines[0].split()
    assert (code, size) == ("disk_full", held)
    assert lines[1:] == [f"went on {int(size) + 1000}"]
    with open_store(path) as store:
        assert audit(store, identify=identify) == (int(size) + 1000, expected_root(int(size) + 1000))


def test_what_fails_half_way_in_a_transaction_leaves_no_trace(store: Store) -> None:
    def interrupted(connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM tree")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.write(interrupted)
    assert store.head() == (0, EMPTY_ROOT)


def test_a_tool_that_holds_the_database_is_named_as_the_cause(store: Store) -> None:
    store._writer.run(lambda connection: connection.execute("PRAGMA busy_timeout = 20").close())
    other = sqlite3.connect(store.path)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match="Close other programs") as refused:
        store.append(statements(0, 1))
    assert refused.value.code == "database_busy"
    other.rollback()
    other.close()
    assert store.append(statements(0, 1)) == (1, expected_root(1))


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (sqlite3.SQLITE_IOERR_READ, "disk_failing"),
        (sqlite3.SQLITE_IOERR_FSYNC, "disk_failing"),
        (sqlite3.SQLITE_IOERR_WRITE, "disk_full"),
        (sqlite3.SQLITE_FULL, "disk_full"),
        (sqlite3.SQLITE_CORRUPT_INDEX, "database_damaged"),
        (sqlite3.SQLITE_READONLY_DBMOVED, "database_unusable"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, "database_busy"),
        (sqlite3.SQLITE_CONSTRAINT_UNIQUE, "database_error"),
    ],
)
def test_every_error_of_the_disk_says_what_to_do(path: Path, number: int, code: str) -> None:
    error = sqlite3.OperationalError("as SQLite says it")
    error.sqlite_errorcode = number
    told = storage_error(error, path)
    assert told.code == code
    assert str(path) in told.message
    assert told.hint
