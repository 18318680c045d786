"""Damage to the log: the end is verified before a node appends, an audit names the first misfit anywhere."""

import random
from pathlib import Path

import pytest

from accredit.node.storage.audit import audit
from accredit.node.storage.log_store import Store, open_reader
from accredit.node.storage.migrations import tile_key
from accredit.node.storage.sqlite import checksum
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.errors import StorageError
from accredit.registry.transparency.checkpoint import Checkpoint
from accredit.registry.transparency.signed_note import sign_note
from tests.strategies.stored_log import ORIGIN, expected_root, identify, open_store, statements, tamper

# ---------------------------------------------------------------------------------------------------- damage


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("UPDATE tree SET size = 299", "300|299"),
        ("UPDATE tree SET root = zeroblob(32)", "not lead to the stored root"),
        ("DELETE FROM statements WHERE number = 299", "298"),
        ("DELETE FROM tree", "last stored entry is 299"),
        (f"DELETE FROM tiles WHERE key = {tile_key(0, 1)}", "tile 0/1"),
        (f"UPDATE tiles SET hashes = CAST(hashes || zeroblob(32) AS BLOB) WHERE key = {tile_key(0, 1)}", "tile 0/1"),
        (f"UPDATE tiles SET hashes = zeroblob(32) WHERE key = {tile_key(1, 0)}", "not lead to the stored root"),
        (f"DELETE FROM tiles WHERE key = {tile_key(0, 0)}", ""),
        ("UPDATE statements SET raw = x'00' WHERE number = 299", "last entry"),
        (f"INSERT INTO checkpoint VALUES (1, 301, '', x'{checksum(301, '').hex()}')", "301"),
        ("INSERT INTO checkpoint VALUES (1, 300, '', zeroblob(32))", "altered"),
    ],
)
def test_a_damaged_end_of_the_log_stops_the_node_before_it_appends(path: Path, sql: str, names: str) -> None:
    with open_store(path) as store:
        store.append(statements(0, 300))
    tamper(path, sql)
    if not names:  # far from the end: only an audit reads there
        with open_store(path) as store, pytest.raises(StorageError, match="tile 0/0"):
            audit(store, identify=identify)
        return
    with pytest.raises(StorageError, match=names) as damaged:
        open_store(path)
    assert damaged.value.code == "tree_damaged"


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("UPDATE statements SET raw = x'00' WHERE number = 17", "entry 17 is stored as"),
        ("UPDATE statements SET id = zeroblob(32) WHERE number = 17", "entry 17 is stored as"),
        ("DELETE FROM statements WHERE number = 17", "entry 17 is missing"),
        ("DELETE FROM statements WHERE number < 300", "entry 0 is missing"),
        (
            "UPDATE tiles SET hashes = CAST(substr(hashes, 1, 64) || zeroblob(8128) AS BLOB) "
            f"WHERE key = {tile_key(0, 0)}",
            "hash 2 of tile 0/0",
        ),
        ("UPDATE tree SET root = zeroblob(32)", "not lead to the stored root"),
        (
            f"INSERT INTO checkpoint VALUES (1, 300, 'no note', x'{checksum(300, 'no note').hex()}')",
            "checkpoint cannot be read",
        ),
    ],
)
def test_an_audit_names_the_first_thing_that_does_not_fit(path: Path, sql: str, names: str) -> None:
    with open_store(path) as store:
        store.append(statements(0, 301))
        tamper(path, sql)
        with pytest.raises(StorageError, match=names) as damaged:
            audit(store, identify=identify)
        assert damaged.value.code == "tree_damaged"


@pytest.mark.parametrize(
    ("origin", "size", "root", "names"),
    [
        ("node9.example.org", 3, None, "belongs to node9"),
        (ORIGIN, 2, None, "at 2"),
        (ORIGIN, 4, None, "4 entries, but 3"),
        (ORIGIN, 3, bytes(32), "the root of the checkpoint at 3"),
    ],
)
def test_an_audit_compares_what_was_signed_with_what_is_stored(
    store: Store, origin: str, size: int, root: bytes | None, names: str
) -> None:
    store.append(statements(0, 3))
    text = Checkpoint(origin=origin, size=size, root=root or expected_root(size)).encode()
    claimed, note = max(size, 3), sign_note(text, origin, KeyPair(bytes(32))).decode()
    tamper(store.path, "INSERT INTO checkpoint VALUES (1, ?, ?, ?)", claimed, note, checksum(claimed, note))
    with pytest.raises(StorageError, match=names):
        audit(store, identify=identify)
    tamper(store.path, "DELETE FROM checkpoint")


def test_an_audit_reads_statements_and_shows_how_far_it_is(path: Path) -> None:
    progress: list[tuple[int, int]] = []
    with open_store(path) as store:
        store.append(statements(0, 3000))
        audit(store, identify=identify, progress=lambda done, size: progress.append((done, size)))
        assert progress[-1] == (3000, 3000)
        assert len(progress) > 1
        with pytest.raises(StorageError, match="entry 0 cannot be read"):
            audit(store)  # by its own means: these are no statements


def test_a_missing_tile_that_has_just_become_full_is_noticed_too(path: Path) -> None:
    with open_store(path) as store:
        store.append(statements(0, 256))
    tamper(path, f"DELETE FROM tiles WHERE key = {tile_key(0, 0)}")
    with pytest.raises(StorageError, match="the last entry, 255"):
        open_store(path)


def test_a_row_that_vanishes_while_the_node_runs_is_an_error_and_not_an_empty_log(path: Path) -> None:
    with open_store(path) as store:
        store.append(statements(0, 3))
        tamper(path, "DELETE FROM tree")
        with pytest.raises(StorageError, match="no row answers"):
            store.head()


def test_a_flipped_bit_in_the_file_is_never_taken_for_a_sound_log(path: Path) -> None:
    with open_store(path) as store:
        store.append(statements(0, 1_400, size=400))
        sound = store.head()
    pristine = path.read_bytes()
    choice = random.Random(7)
    named = 0
    for _ in range(60):
        damaged = bytearray(pristine)
        at = choice.randrange(len(damaged))
        damaged[at] ^= 1 << choice.randrange(8)
        path.write_bytes(damaged)
        try:
            with open_store(path) as store:
                head = audit(store, identify=identify)
        except StorageError:
            named += 1
        else:
            # Free space within a page, or a file change counter: nothing that anybody reads.
            assert head == sound
            with open_reader(path) as reader:
                assert reader.entries(0, 1_400) == [raw for _, raw in statements(0, 1_400, size=400)]
    assert named > 40


@pytest.mark.parametrize("name", ["ecosystem", "origin"])
def test_an_owner_that_cannot_be_read_is_damage_and_no_fault_of_the_program(path: Path, name: str) -> None:
    with open_store(path) as store:
        store.append(statements(0, 3))
    tamper(path, "UPDATE meta SET name = 'was ' || name, value = 'not hexadecimal' WHERE name = ?", name)
    with open_reader(path) as reader, pytest.raises(StorageError, match=name) as damaged:
        getattr(reader, name)
    assert damaged.value.code == "tree_damaged"
