"""An older database becomes a current one with everything in it, and carries checksums from then on."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from accredit.node.storage.audit import audit
from accredit.node.storage.log_store import Change
from accredit.node.storage.migrations import MIGRATIONS, migrate, tile_key
from accredit.node.storage.tree_edge import EMPTY_EDGE
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.errors import StorageError
from accredit.registry.transparency.checkpoint import Checkpoint
from accredit.registry.transparency.merkle import leaf_hash
from accredit.registry.transparency.signed_note import sign_note
from tests.strategies.stored_log import ECOSYSTEM, ORIGIN, expected_root, identify, open_store, statements, tamper

TIMES = [50, 70, 60, 65, 90]  # a clock was set back


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """A database as the first release left it."""
    path = tmp_path / "node.sqlite"
    edge, tiles = EMPTY_EDGE.extend([leaf_hash(raw) for _, raw in statements(0, 5)])
    note = sign_note(Checkpoint(origin=ORIGIN, size=5, root=edge.root()).encode(), ORIGIN, KeyPair(bytes(32))).decode()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        migrate(connection, path, MIGRATIONS[:1])
        connection.executemany("INSERT INTO meta VALUES (?, ?)", [("ecosystem", ECOSYSTEM.hex()), ("origin", ORIGIN)])
        rows = [(number, *one) for number, one in enumerate(statements(0, 5))]
        connection.executemany("INSERT INTO statements VALUES (?, ?, ?)", rows)
        connection.executemany("INSERT INTO tiles VALUES (?, ?)", [(tile_key(*id), data) for id, data in tiles.items()])
        connection.execute("INSERT INTO tree VALUES (1, 5, ?)", (edge.root(),))
        connection.execute("INSERT INTO checkpoint VALUES (1, 5, ?)", (note,))
        fed = [(time, number, "issuer.register", f"i{number}", "took_effect") for number, time in enumerate(TIMES)]
        connection.executemany("INSERT INTO changes VALUES (NULL, ?, ?, ?, ?, ?)", fed)
        connection.execute("INSERT INTO feed VALUES (1, 5)")
        connection.execute("INSERT INTO kept VALUES ('witness/log', x'0102')")
    return path


def test_nothing_is_lost_and_everything_is_accounted_for(older: Path) -> None:
    with open_store(older) as store:
        assert audit(store, identify=identify) == (5, expected_root(5))
        assert store.kept("witness/log") == b"\x01\x02"
        assert [change.time for _, change in store.changes(0, 9)] == [50, 70, 70, 70, 90], "times do not go back"
        late = Change(time=1, statement=store.ids(0, 1)[0], kind="issuer.register", sub="i0", change="ceased")
        store.append(statements(5, 6))
        store.add_changes([late], size=6)
        assert store.check_feed() == 6
        assert store.changes(5, 1)[0][1].time == 90
        audit(store, identify=identify)


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("UPDATE changes SET time = 71 WHERE seq = 3", "feed_damaged"),
        ("UPDATE changes SET time = 49 WHERE seq = 2", "feed_damaged"),
        ("UPDATE changes SET seq = 9 WHERE seq = 5", "feed_damaged"),
        ("UPDATE changes SET change = 'ceased' WHERE seq = 1", "feed_damaged"),
        ("DELETE FROM changes WHERE seq = 5", "feed_damaged"),
        ("UPDATE feed SET size = 4", "feed_damaged"),
        ("UPDATE kept SET value = x'0103'", "kept_damaged"),
        ("UPDATE checkpoint SET note = note || '!'", "tree_damaged"),
        ("INSERT INTO checkpoint SELECT 2, size, note, digest FROM checkpoint", "tree_damaged"),
        ("CREATE TABLE surplus (x)", "database_damaged"),
        ("DROP INDEX noted_past_by_root", "database_damaged"),
    ],
)
def test_what_is_changed_afterwards_is_found(older: Path, sql: str, code: str) -> None:
    open_store(older).close()
    with closing(sqlite3.connect(older)) as connection, connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute(sql)
    with pytest.raises(StorageError) as damaged, open_store(older) as store:
        audit(store, identify=identify)
    assert damaged.value.code == code
    assert damaged.value.hint


def test_a_size_of_the_feed_that_was_changed_is_not_folded_upon(older: Path) -> None:
    open_store(older).close()
    tamper(older, "UPDATE feed SET size = 3")
    with open_store(older) as store:
        with pytest.raises(StorageError, match="feed"):
            store.changes_size()
        tamper(older, "UPDATE kept SET value = x''")
        with pytest.raises(StorageError, match="witness/log"):
            store.kept("witness/log")
