"""The tables of a node's database, and how an older file becomes a current one.

`PRAGMA user_version` counts the migrations applied. Each runs in the transaction that raises the number, so that a
database is always at exactly one version. Migrations are never edited once released; a new one is appended. They get a
`sqlite_utils.Database`, whose `transform` does what SQLite's ALTER TABLE cannot.

    meta         ecosystem, origin: whose database it is, for good
    statements   the log: number from 0, id, bytes as submitted
    tiles        hashes in the widths of tlog-tiles: key = tile level << 55 | tile index (`tile_key`)
    tree         one row: size and root after the newest append
    checkpoint   one row: the newest signed checkpoint
    changes      statements that took effect or ceased to be in effect, in the order of this node; times never go back
    feed         one row: how many entries of the log `changes` covers; a chain of checksums over all its rows
    kept         small durable facts by name: heads of witnessed logs, state notes, conflicts

and for the noted state (`state_store`), whose note is in `kept`:

    noted            one row: its roots, and the number of the state before it in `noted_past`
    noted_records    type, key in the map, id and bytes of every record
    records_leaves, records_pages                             the map over them (`sqlite_trie`)
    statements_leaves, statements_pages                       the map over the statements to which the root binds
    noted_past       states that were noted before: roots, and the records that differ in the one after

A row that no other data confirms has a `digest` (`sqlite.checksum`): those of `checkpoint`, `feed`, `kept` and
`noted_past`.

Statements are found by the first 8 bytes of their id, then compared whole: an index over random 32-byte ids inserts at
two thirds of the speed. The index is not unique, because 8 bytes can be made to collide; the writer looks before it
inserts (`log_store`).
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Final

from sqlite_utils import Database

from accredit.registry.errors import StorageError

from .fold_tables import TABLES as FOLD_TABLES
from .fold_tables import tables as fold_tables
from .sqlite import APPLICATION_ID, checksum, transaction
from .sqlite_trie import RECORDS, STATEMENTS
from .sqlite_trie import tables as state_map_tables

# A log of 2**63 leaves has 2**55 full tiles in its lowest level, and 8 levels of tiles.
TILE_LEVELS: Final = 8
_LEVEL_SHIFT: Final = 55


def tile_key(level: int, index: int) -> int:
    """Row of a hash tile; fits SQLite's signed 64 bits."""
    assert 0 <= level < TILE_LEVELS
    assert 0 <= index < 1 << _LEVEL_SHIFT
    return level << _LEVEL_SHIFT | index


def _create(db: Database) -> None:
    for statement in (
        "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
        "CREATE TABLE statements (number INTEGER PRIMARY KEY, id BLOB NOT NULL CHECK (length(id) = 32), "
        "raw BLOB NOT NULL)",
        "CREATE INDEX statements_by_id ON statements (substr(id, 1, 8))",
        "CREATE TABLE tiles (key INTEGER PRIMARY KEY, hashes BLOB NOT NULL CHECK (length(hashes) % 32 = 0))",
        "CREATE TABLE tree (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, root BLOB NOT NULL)",
        "CREATE TABLE checkpoint (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, note TEXT NOT NULL)",
        "CREATE TABLE changes (seq INTEGER PRIMARY KEY, time INTEGER NOT NULL, "
        "statement INTEGER NOT NULL REFERENCES statements (number), kind TEXT NOT NULL, sub TEXT NOT NULL, "
        "change TEXT NOT NULL CHECK (change IN ('took_effect', 'ceased')))",
        "CREATE TABLE feed (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL)",
        "CREATE TABLE kept (name TEXT PRIMARY KEY, value BLOB NOT NULL)",
    ):
        db.execute(statement)


def _note_states(db: Database) -> None:
    """Move the noted state from memory into the database; add checksums to facts that no other data confirms."""
    for statement in (
        *state_map_tables(RECORDS),
        "CREATE TABLE noted (one INTEGER PRIMARY KEY CHECK (one = 1), records_root BLOB NOT NULL, "
        "statements_root BLOB NOT NULL, past INTEGER NOT NULL)",
        "CREATE TABLE noted_records (number INTEGER PRIMARY KEY, type TEXT NOT NULL, "
        "key BLOB NOT NULL CHECK (length(key) = 32), id TEXT NOT NULL, raw BLOB NOT NULL)",
        "CREATE UNIQUE INDEX noted_records_by_key ON noted_records (key)",
        f"CREATE INDEX noted_records_governing ON noted_records (type) WHERE {GOVERNING}",
        "CREATE TABLE noted_past (seq INTEGER PRIMARY KEY, root BLOB NOT NULL, records_root BLOB NOT NULL, "
        "changed BLOB NOT NULL, subjects INTEGER NOT NULL, digest BLOB NOT NULL)",
        "CREATE INDEX noted_past_by_root ON noted_past (substr(root, 1, 8))",
        "ALTER TABLE checkpoint ADD COLUMN digest BLOB NOT NULL DEFAULT x''",
        "ALTER TABLE kept ADD COLUMN digest BLOB NOT NULL DEFAULT x''",
        "ALTER TABLE feed ADD COLUMN chain BLOB NOT NULL DEFAULT x''",
        "ALTER TABLE feed ADD COLUMN digest BLOB NOT NULL DEFAULT x''",
    ):
        db.execute(statement)
    for size, note in db.execute("SELECT size, note FROM checkpoint").fetchall():
        db.execute("UPDATE checkpoint SET digest = ?", (checksum(size, note),))
    for name, value in db.execute("SELECT name, value FROM kept").fetchall():
        db.execute("UPDATE kept SET digest = ? WHERE name = ?", (checksum(name, value), name))
    chain, latest = b"", 0
    for seq, time, *rest in db.execute(f"SELECT {FED} FROM changes ORDER BY seq").fetchall():
        latest = max(latest, time)  # a clock set back; from now on times do not go back
        db.execute("UPDATE changes SET time = ? WHERE seq = ? AND time <> ?", (latest, seq, latest))
        chain = checksum(chain, seq, latest, *rest)
    for (size,) in db.execute("SELECT size FROM feed").fetchall():
        db.execute("UPDATE feed SET chain = ?, digest = ?", (chain, checksum(size, chain)))


def _map_statements(db: Database) -> None:
    """Add the second map. Drop the noted state; when the node starts, it makes it from the log, with both maps."""
    for statement in state_map_tables(STATEMENTS):
        db.execute(statement)
    for table in ("noted", "noted_records", "noted_past", f"{RECORDS}_leaves", f"{RECORDS}_pages"):
        db.execute(f"DELETE FROM {table}")


def _keep_fold(db: Database) -> None:
    """Move the fold from memory into the database; the node makes it from the log when it starts."""
    for statement in fold_tables():
        db.execute(statement)
    db.execute("CREATE INDEX noted_records_nodes ON noted_records (type) WHERE type = 'node'")


def _fold_again(db: Database) -> None:
    """Change the form of stored facts; the node makes them from the log when it starts."""
    for name in (*(f"fold_{name}" for name in FOLD_TABLES), "fold_mark"):
        db.execute(f"DELETE FROM {name}")


GOVERNING: Final = "type IN ('authority', 'charter')"
"""The few records of which every decision reads some; they have their own index."""

FED: Final = "seq, time, statement, kind, sub, change"
"""The columns of `changes` in the chain of checksums; each checksum also covers that of the row before."""

ONE_ROW: Final = ("tree", "checkpoint", "feed", "noted", "fold_mark")
"""Tables of one row at most, whose number is 1."""

MIGRATIONS: Final[tuple[Callable[[Database], None], ...]] = (
    _create,
    _note_states,
    _map_statements,
    _keep_fold,
    _fold_again,
)
SCHEMA: Final = len(MIGRATIONS)


def check_ours(connection: sqlite3.Connection, path: Path) -> int:
    """Return the schema version: 0 for an empty file.

    Raises:
        StorageError: the database is another program's, or a newer version's of this program.
    """
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    empty = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0
    if application != APPLICATION_ID and not (empty and application == version == 0):
        raise StorageError(
            "not_our_database", f"{path} is a database of another program.", hint="Set data_dir to a folder of its own."
        )
    if version > SCHEMA:
        raise StorageError(
            "newer_database",
            f"{path} was written by a newer accredit (schema {version}; this one knows {SCHEMA}).",
            hint="Run that version or a later one; a database cannot return to an older schema.",
        )
    return version


def check_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Compare every definition with that of the migrations: a flipped bit in one changes the meaning of its rows.

    Raises:
        StorageError: `database_damaged`, and the name of the first definition that differs.
    """
    found = _definitions(connection)
    for name, expected in _expected().items():
        if found.pop(name, None) != expected:
            raise _other_schema(path, name)
    for name in found:
        raise _other_schema(path, name)


@cache
def _expected() -> dict[str, str]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection, Path(":memory:"))
        return _definitions(connection)


def _definitions(connection: sqlite3.Connection) -> dict[str, str]:
    return dict(connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name"))


def _other_schema(path: Path, name: str) -> StorageError:
    return StorageError(
        "database_damaged",
        f"{path} is damaged: the definition of {name} was altered.",
        hint="Stop the node, check the disk, and restore a backup that is new enough (`accredit node restore`).",
    )


def migrate(
    connection: sqlite3.Connection, path: Path, migrations: tuple[Callable[[Database], None], ...] = MIGRATIONS
) -> None:
    """Bring the database up to the newest schema, one migration a transaction.

    Raises:
        StorageError: as `check_ours`.
    """
    db = Database(connection, execute_plugins=False)
    for version in range(check_ours(connection, path), len(migrations)):
        with transaction(connection):
            migrations[version](db)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {version + 1}")
