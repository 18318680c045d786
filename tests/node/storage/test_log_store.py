"""The log on disk: what is acknowledged stays, what is half done never shows, what is damaged is named."""

import os
import sqlite3
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.node.storage import sqlite
from accredit.node.storage.audit import audit
from accredit.node.storage.log_store import Change, Reader, Store, open_reader
from accredit.node.storage.migrations import MIGRATIONS, SCHEMA, migrate
from accredit.node.storage.sqlite import APPLICATION_ID, WRITER_CACHE_KIB
from accredit.node.storage.tree_edge import EMPTY_EDGE, load_edge
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.errors import InputError, RefusedError, StorageError
from accredit.registry.transparency.checkpoint import Checkpoint
from accredit.registry.transparency.merkle import (
    EMPTY_ROOT,
    MemoryHashes,
    check_consistency,
    check_inclusion,
    leaf_hash,
    prove_consistency,
    prove_inclusion,
)
from accredit.registry.transparency.signed_note import sign_note
from accredit.registry.transparency.tiles import ENTRIES, Tile, Tiles, decode_bundle, encode_tile, tile_width, tiles_of
from tests.strategies.searching import examples
from tests.strategies.stored_log import (
    ECOSYSTEM,
    ORIGIN,
    expected_root,
    identify,
    open_store,
    run_child,
    statements,
    tamper,
)

# ---------------------------------------------------------------------------------------------------- the log


def test_an_empty_log_has_the_empty_root_and_nothing_else(store: Store) -> None:
    assert store.head() == (0, EMPTY_ROOT)
    assert store.root(0) == EMPTY_ROOT
    assert store.append([]) == (0, EMPTY_ROOT)
    assert store.checkpoint() is None
    assert [store.raw(bytes(32)), store.index_of(bytes(32)), store.entry(0)] == [None, None, None]
    assert [*store.entries(0, 10), *store.ids(0, 10), *store.changes(0, 10)] == []
    assert store.tile(0, 0, 1) is store.tile(ENTRIES, 0, 1) is store.tile(63, 0, 1) is None
    assert (store.ecosystem, store.origin) == (ECOSYSTEM, ORIGIN)


def test_an_intake_keeps_as_many_pages_as_its_indexes_have_and_gives_them_back(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kept() -> int:
        return -int(store._writer.run(lambda connection: connection.execute("PRAGMA cache_size").fetchone()[0]))

    assert kept() == WRITER_CACHE_KIB
    monkeypatch.setattr(sqlite, "INTAKE_CACHE_BYTES", 1024 * 1024)
    with store.taking_in_much():
        assert kept() == 8 * 1024
        for many, kibibytes in ((9, 9 * 1024), (40, 49 * 1024), (100, 96 * 1024)):
            store.append(statements(store.size(), store.size() + many))
            assert kept() == kibibytes
    assert kept() == WRITER_CACHE_KIB


@given(st.lists(st.integers(1, 400), min_size=1, max_size=6))
@examples(12)
def test_however_statements_are_batched_the_tree_is_the_same(batches: list[int]) -> None:
    edge, tiles, size = EMPTY_EDGE, dict[tuple[int, int], bytes](), 0
    hashes = MemoryHashes()
    for count in batches:
        leaves = [leaf_hash(raw) for _, raw in statements(size, size + count)]
        edge, touched = edge.extend(leaves)
        hashes.append(leaves)
        # What is touched is what tlog-tiles says is new: nothing else is ever written again.
        assert set(touched) == {(tile.level, tile.index) for tile in tiles_of(size + count, since=size)}
        tiles |= touched
        size += count
        assert edge.size == size
        assert edge.root() == expected_root(size)
    for (level, index), content in tiles.items():
        tile = Tile(level=level, index=index, width=tile_width(level, index, size))
        assert content == encode_tile(tile, hashes)
    assert load_edge(size, lambda level, index: tiles[level, index]) == edge


def test_what_was_appended_is_found_by_number_by_id_and_after_reopening(path: Path) -> None:
    everything = statements(0, 700)
    with open_store(path) as store:
        assert store.append(everything[:3]) == (3, expected_root(3))
        assert store.append(everything[3:]) == (700, expected_root(700))
    with open_store(path) as store:
        assert store.head() == (700, expected_root(700))
        for number in (0, 2, 3, 255, 256, 511, 512, 699):
            id, raw = everything[number]
            assert (store.index_of(id), store.raw(id), store.entry(number)) == (number, raw, raw)
        assert store.ids_beginning("", 1_000) == sorted(id for id, _ in everything)
        some = everything[300][0].hex()
        for digits in (some[:1], some[:5], some[:17], some):
            assert store.ids_beginning(digits, 1_000) == sorted(
                id for id, _ in everything if id.hex().startswith(digits)
            )
        assert len(store.ids_beginning("", 3)) == 3
        assert store.entries(690, 10_000) == [raw for _, raw in everything[690:]]
        assert store.ids(5, 7) == [id for id, _ in everything[5:7]]
        assert store.append(statements(700, 701)) == (701, expected_root(701))
        assert audit(store, identify=identify) == (701, expected_root(701))


def test_proofs_of_every_earlier_size_can_be_made_while_the_log_grows(store: Store) -> None:
    store.append(statements(0, 300))
    for old in (1, 2, 255, 256, 257, 299):
        assert store.root(old) == expected_root(old)
        check_consistency(old, 300, store.root(old), store.root(), prove_consistency(old, 300, store))
        check_inclusion(
            leaf_hash(store.entry(old - 1) or b""), old - 1, 300, prove_inclusion(old - 1, 300, store), store.root()
        )
    with pytest.raises(RefusedError, match="no complete subtree"):
        store.root(301)


def test_tiles_lead_to_the_root_and_a_partial_one_is_still_served_when_it_has_grown(store: Store) -> None:
    store.append(statements(0, 100))
    partial = store.tile(0, 0, 100)
    store.append(statements(100, 70_000, size=20))
    assert store.tile(0, 0, 100) == partial

    def read(tile: Tile) -> bytes:
        content = store.tile(tile.level, tile.index, tile.width)
        assert content is not None
        return content

    served = Tiles(70_000, read)
    assert served.read_hash(16, 0) == store.read_hash(16, 0)
    check_inclusion(
        leaf_hash(store.entry(69_999) or b""), 69_999, 70_000, prove_inclusion(69_999, 70_000, served), store.root()
    )
    width = tile_width(ENTRIES, 273, 70_000)
    assert decode_bundle(store.tile(ENTRIES, 273, width) or b"", width) == store.entries(273 * 256, 70_000)
    assert store.tile(0, 273, width + 1) is store.tile(ENTRIES, 273, width + 1) is store.tile(3, 0, 1) is None


def test_a_statement_is_logged_once_and_a_refused_batch_changes_nothing(store: Store) -> None:
    store.append(statements(0, 5))
    for batch in (statements(5, 9) + statements(2, 3), statements(5, 9) + statements(7, 8)):
        with pytest.raises(StorageError, match="already in the log") as refused:
            store.append(batch)
        assert refused.value.code == "known_statement"
        assert store.head() == (5, expected_root(5))
    assert store.append(statements(5, 9)) == (9, expected_root(9))


def test_ids_made_to_share_their_first_bytes_are_told_apart(store: Store) -> None:
    twins = [(b"8 bytes." + bytes([number]) * 24, b"%d" % number) for number in range(3)]
    store.append(twins[:2])
    store.append(twins[2:])
    assert [store.raw(id) for id, _ in twins] == [b"0", b"1", b"2"]
    assert store.raw(b"8 bytes." + bytes([9]) * 24) is None
    tamper(store.path, "UPDATE statements SET id = ? WHERE raw = ?", identify(b"0"), b"0")
    tamper(store.path, "UPDATE statements SET id = ? WHERE raw = ?", identify(b"1"), b"1")
    tamper(store.path, "UPDATE statements SET id = ? WHERE raw = ?", identify(b"2"), b"2")


def test_threads_that_append_at_once_take_turns(store: Store) -> None:
    def work(first: int) -> None:
        for number in range(first, first + 20):
            store.append(statements(number, number + 1))
            assert store.head()[0] > 0

    threads = [threading.Thread(target=work, args=(first,)) for first in range(0, 80, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(store.ids(0, 100)) == sorted(id for id, _ in statements(0, 80))


# -------------------------------------------------------------------------------------------- the other tables


def test_a_checkpoint_never_goes_back_and_never_runs_ahead_of_the_log(store: Store) -> None:
    def note(size: int) -> str:
        text = Checkpoint(origin=ORIGIN, size=size, root=store.root(size)).encode()
        return sign_note(text, ORIGIN, KeyPair(bytes(32))).decode()

    store.append(statements(0, 5))
    store.set_checkpoint(4, note(4))
    for size in (3, 6):
        with pytest.raises(StorageError) as refused:
            store.set_checkpoint(size, "")
        assert refused.value.code == "checkpoint_out_of_order"
    assert store.checkpoint() == (4, note(4))
    store.set_checkpoint(4, note(4))
    store.set_checkpoint(5, note(5))
    assert store.checkpoint() == (5, note(5))


def test_the_feed_resumes_where_a_reader_stopped_and_says_how_much_of_the_log_it_covers(store: Store) -> None:
    store.append(statements(0, 3))
    seen = [
        Change(time=number, statement=id, kind="issuer.register", sub="did:web:a.example", change="took_effect")
        for number, (id, _) in enumerate(statements(0, 3))
    ]
    store.add_changes(seen[:2], size=2)
    store.add_changes(seen[2:], size=3)
    first = store.changes(0, 2)
    assert [change for _, change in first] == seen[:2]
    assert [change for _, change in store.changes(first[-1][0], 100)] == seen[2:]
    with pytest.raises(StorageError, match="No entry of the log"):
        store.add_changes([seen[0], Change(time=0, statement=bytes(32), kind="", sub="", change="ceased")], size=9)
    assert (len(store.changes(0, 100)), store.changes_size()) == (3, 3)


def test_a_place_in_the_feed_is_found_by_its_time(store: Store) -> None:
    assert store.changes_before(5) == 0
    store.append(statements(0, 5))
    times = (10, 10, 20, 20, 30)
    store.add_changes(
        [
            Change(time=time, statement=id, kind="issuer.register", sub="did:web:a.example", change="took_effect")
            for time, (id, _) in zip(times, statements(0, 5), strict=True)
        ],
        size=5,
    )
    assert [store.changes_before(time) for time in (0, 10, 11, 20, 30, 31)] == [0, 0, 2, 2, 4, 5]


def test_of_two_who_swap_from_the_same_value_one_is_told_no(store: Store) -> None:
    assert store.kept("witness/log") is None
    assert not store.swap("witness/log", b"4", b"5")
    assert store.swap("witness/log", None, b"5")
    assert not store.swap("witness/log", None, b"6")
    assert store.swap("witness/log", b"5", b"6")
    assert not store.swap("witness/log", b"5", b"7")
    assert store.kept("witness/log") == b"6"


# ---------------------------------------------------------------------------------------------------- readers


def test_a_reader_sees_what_is_committed_and_is_told_when_to_drop_its_cache(store: Store) -> None:
    with store.reader() as reader:
        before = reader.data_version()
        assert reader.data_version() == before
        store.append(statements(0, 2))
        assert reader.data_version() != before
        assert reader.head() == store.head()
        with reader.snapshot():
            assert reader.size() == 2
            store.append(statements(2, 3))
            assert reader.size() == 2
            assert reader.index_of(statements(2, 3)[0][0]) is None
        assert reader.size() == 3


def test_a_reader_cannot_write_and_says_so_in_our_words(store: Store) -> None:
    with store.reader() as reader, pytest.raises(StorageError) as refused:
        reader._all("DELETE FROM statements")
    assert refused.value.code == "database_unusable"
    with pytest.raises(StorageError):
        reader.size()  # closed


def test_a_stopped_nodes_database_can_be_read_and_a_missing_one_is_named(path: Path) -> None:
    with pytest.raises(StorageError) as missing:
        open_reader(path)
    assert missing.value.code == "database_unusable"
    with open_store(path) as store:
        store.append(statements(0, 3))
    with open_reader(path) as reader:
        assert audit(reader, identify=identify) == (3, expected_root(3))


# --------------------------------------------------------------------------------------------- whose database


def test_a_second_node_on_the_same_database_is_refused_until_the_first_is_gone(path: Path) -> None:
    with open_store(path):
        with pytest.raises(StorageError, match="already running") as here:
            open_store(path)
        assert here.value.code == "already_running"
        assert str(os.getpid()) in here.value.message
        other = run_child("open_store(path)", path)
        assert "already_running" in other
    open_store(path).close()


def test_a_database_of_another_ecosystem_or_node_is_refused_and_not_touched(path: Path) -> None:
    with open_store(path) as store:
        store.append(statements(0, 1))
    for ecosystem, origin, code in ((bytes(32), ORIGIN, "other_ecosystem"), (ECOSYSTEM, "node2", "other_origin")):
        with pytest.raises(StorageError) as refused:
            Store.open(path, ecosystem=ecosystem, origin=origin)
        assert refused.value.code == code
        assert refused.value.hint
    with open_store(path) as store:
        assert store.size() == 1


def test_a_database_of_a_newer_program_is_refused_by_writer_and_reader(path: Path) -> None:
    open_store(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    connection.close()
    for opening in (open_store, open_reader):
        with pytest.raises(StorageError, match="newer accredit") as refused:
            opening(path)
        assert refused.value.code == "newer_database"


def test_another_programs_files_are_left_alone(path: Path) -> None:
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.commit()
    connection.close()
    with pytest.raises(StorageError) as refused:
        open_store(path)
    assert refused.value.code == "not_our_database"
    path.write_bytes(b"not a database at all, but a text of some length" * 100)
    with pytest.raises(StorageError) as refused:
        open_store(path)
    assert refused.value.code == "database_damaged"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError) as refused:
        open_store(tmp_path / "file" / "node.sqlite")
    assert refused.value.code == "unwritable_folder"


def test_a_migration_that_fails_leaves_the_version_before_and_is_made_up_for_later(path: Path) -> None:
    path.parent.mkdir()
    connection = sqlite3.connect(path, isolation_level=None)

    def fail(db: object) -> None:
        assert db
        connection.execute("CREATE TABLE half_done (x)")
        raise sqlite3.OperationalError("the power went")

    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, path, (*MIGRATIONS, fail))
    assert connection.execute("PRAGMA user_version").fetchone()[0] == SCHEMA
    assert connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
    assert not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'half_done'").fetchall()
    connection.execute("PRAGMA user_version = 0")
    with pytest.raises(StorageError) as refused:
        open_reader(path)
    assert refused.value.code == "older_database"
    connection.execute(f"PRAGMA user_version = {SCHEMA}")
    connection.close()
    open_store(path).close()


# ---------------------------------------------------------------------------------------------------- backups


def test_a_backup_of_a_running_node_is_whole_and_never_replaces_a_file(store: Store, tmp_path: Path) -> None:
    store.append(statements(0, 300))
    copy = tmp_path / "copy" / "backup.sqlite"
    copy.parent.mkdir()
    store.backup(copy)
    store.append(statements(300, 310))
    with pytest.raises(InputError) as refused:
        store.backup(copy)
    assert refused.value.code == "file_exists"
    assert [file.name for file in copy.parent.iterdir()] == ["backup.sqlite"]
    with open_store(copy) as restored:
        assert audit(restored, identify=identify) == (300, expected_root(300))
        assert restored.append(statements(300, 310)) == store.head()


def test_a_backup_that_fails_leaves_no_file_that_looks_like_one(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StorageError) as refused:
        store.backup(tmp_path / "nowhere" / "backup.sqlite")
    assert refused.value.code == "database_unusable"
    held: Reader = store
    assert not list(tmp_path.glob("**/backup*"))
    assert held.size() == 0
