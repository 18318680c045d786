"""A node's durable memory: its log, the tree over it, its newest checkpoint and its feed, in one SQLite file.

    with Store.open(path, ecosystem=genesis_id, origin="node1.example.org") as store:      the one writer
        size, root = store.append([(statement.id, statement.raw)])                         durable on return
    with open_reader(path) as reader: ...                                                  any number (`log_reader`)

* An append is one transaction: statements, tile hashes, size and root. Killed at any moment, the file holds a prefix of
  the appended statements, including all for which `append` returned. On a full disk no part of the append is stored.
* Opening verifies the tree's edge and the last entry against the stored root; `audit` verifies everything.
* A `Store` reads through other connections than its writing one, and so sees only committed data. The writing
  connection has its own thread (`sqlite.SqliteWriter`), which runs the functions given to `Store.write`.

Methods are synchronous and short; a trio program calls them through one seam (a worker thread), a batch at a time.

It does not judge statements (`governance` does), sign (`signing_guard` guards that) or serve HTTP.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from accredit.registry.errors import StorageError
from accredit.registry.transparency.merkle import EMPTY_ROOT, HASH_BYTES, leaf_hash
from accredit.registry.transparency.tiles import ENTRY_BYTES_MAX, TILE_WIDTH

from .log_reader import Change, Reader, column_of, open_reader
from .migrations import FED, check_schema, migrate, tile_key
from .sqlite import (
    WRITER_CACHE_KIB,
    ReadConnections,
    SqliteWriter,
    WriterLock,
    checksum,
    keep_pages,
    pages_for,
    telling_what_to_do,
    transaction,
)
from .tree_edge import Edge, TileId, load_edge, tree_damaged

__all__ = ["Change", "Reader", "Store", "open_reader"]

PROBE_BYTES: Final = 256 * 1024
"""The free room after which a full disk counts as recovered: a batch, with its indexes and tiles."""

WAL_MOST_BYTES: Final = 64 * 1024 * 1024
"""Largest size of the write-ahead log: one and a half times the size at which SQLite copies it into the database by
itself (`sqlite.WAL_PAGES`)."""

_PROBE: Final = "probe"

T = TypeVar("T")


class Store(Reader):
    """The only writer. Any thread may call every method except `close`; calls take turns."""

    def __init__(self, path: Path, connections: ReadConnections, writer: SqliteWriter, lock: WriterLock) -> None:
        super().__init__(path, connections)
        self._writer = writer
        self._lock = lock
        self._companions: list[Reader] = []
        self._is_closed = False
        self._takes_in_much = False
        self._edge = self._verified_edge()  # from now on the writing thread's
        self._appended: dict[bytes, int] = {}  # places of what was appended last, which is fed next; likewise

    @classmethod
    def open(cls, path: Path, *, ecosystem: bytes, origin: str) -> "Store":
        """Open for writing; create a missing database, and bring an older one up to the newest schema.

        Args:
            path: the database file.
            ecosystem: the genesis statement's id, 32 bytes.
            origin: the log's origin, the node's name.

        Raises:
            StorageError: `already_running`, `not_our_database`, `newer_database`, `other_ecosystem`, `other_origin`,
                `tree_damaged`, or what the operating system says.
        """
        assert len(ecosystem) == HASH_BYTES
        lock = WriterLock(path)
        opened: list[SqliteWriter | ReadConnections] = []
        try:
            with telling_what_to_do(path):
                opened.append(writer := SqliteWriter(path))
                writer.run(partial(_prepare, path=path, whose={"ecosystem": ecosystem.hex(), "origin": origin}))
                opened.append(connections := ReadConnections(path))
                return Store(path, connections, writer, lock)
        except BaseException:
            for one in opened:
                one.close()
            lock.release()
            raise

    def close(self) -> None:
        """Close, copy the write-ahead log into the file, and release the lock; a second call does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        for companion in self._companions:
            companion.close()
        super().close()
        self._writer.close()
        self._lock.release()

    def reader(self) -> Reader:
        """Return a reader with its own connection, for another thread."""
        return open_reader(self._path)

    def append(self, raws: Sequence[tuple[bytes, bytes]]) -> tuple[int, bytes]:
        """Append statements, each `(id, raw)`; durable on return. Return size and root of the log.

        Raises:
            StorageError: `known_statement`, `disk_full` and the like; then nothing was appended.
        """
        if not raws:
            return self.head()
        for id, raw in raws:
            assert len(id) == HASH_BYTES
            assert len(raw) <= ENTRY_BYTES_MAX
        with telling_what_to_do(self._path):
            return self._writer.run(partial(self._append, raws))

    def set_checkpoint(self, size: int, note: str) -> None:
        """Keep the newest signed checkpoint, to be served. An equal size replaces it, because cosignatures come later.

        Raises:
            StorageError: `checkpoint_out_of_order`: shorter than the last one, or longer than the log.
        """
        self.write(partial(_set_checkpoint, size=size, note=note))

    def add_changes(self, changes: Sequence[Change], *, size: int) -> None:
        """Continue the feed, and note that it covers the first `size` entries of the log.

        Times in the feed never go back: if the clock was set back, a change gets the time of the change before it.

        Raises:
            StorageError: `unknown_statement`: a change names a statement that is not in the log.
        """
        self.write(partial(self._add_changes, changes, size))

    def swap(self, name: str, before: bytes | None, after: bytes) -> bool:
        """Store `after` under `name` if its value is `before` (None: no value); durable on return. Else change nothing.

        Compare and set in one transaction: a witness uses it to store a log's new size before it answers.
        """
        return self.write(partial(_swap, name=name, before=before, after=after))

    def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` with the connection, in the writing thread, as one transaction: all or nothing is stored."""

        def whole(connection: sqlite3.Connection) -> T:
            with transaction(connection):
                return work(connection)

        with telling_what_to_do(self._path):
            return self._writer.run(whole)

    def probe(self) -> None:
        """Test whether the disk has room again, by writing as much as a batch takes and rolling it back.

        Raises:
            StorageError: the disk is still full.
        """

        def whole(connection: sqlite3.Connection) -> None:
            keep(connection, _PROBE, bytes(PROBE_BYTES))
            connection.execute("DELETE FROM kept WHERE name = ?", (_PROBE,))

        self.write(whole)

    @contextmanager
    def taking_in_much(self) -> Iterator[None]:
        """Keep as many pages in memory as the log's indexes have, within bounds, as long as the block lasts."""
        self._writer.run(lambda held: keep_pages(pages_for(self._edge.size), held))
        self._takes_in_much = True
        try:
            yield
        finally:
            self._takes_in_much = False
            self._writer.run(_let_go)

    def take_up(self, most: int = WAL_MOST_BYTES) -> bool:
        """Copy a write-ahead log of more than `most` bytes into the database and restart it; return whether it did.

        SQLite does so by itself if no reader is in the way. This method waits some seconds at most for readers to move
        to the last commit; other writes wait meanwhile.
        """
        log = self._path.with_name(self._path.name + "-wal")
        if not log.exists() or log.stat().st_size <= most:
            return False
        with telling_what_to_do(self._path):
            is_busy: int = self._writer.run(lambda held: held.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])
        return not is_busy

    def companion(self) -> Reader:
        """Return a reader with its own connection, which closes with this store, for several reads of one moment."""
        made = self.reader()
        self._companions.append(made)
        return made

    def _append(self, raws: Sequence[tuple[bytes, bytes]], connection: sqlite3.Connection) -> tuple[int, bytes]:
        edge, tiles = self._edge.extend([leaf_hash(raw) for _, raw in raws])
        root = edge.root()
        with transaction(connection):
            _insert(connection, self._edge.size, raws)
            _put_tree(connection, edge, root, tiles)
        # Only now: had the transaction failed, the edge would still be that of what is stored.
        if self._takes_in_much and pages_for(edge.size) != pages_for(self._edge.size):
            keep_pages(pages_for(edge.size), connection)
        self._appended = {id: number for number, (id, _) in enumerate(raws, self._edge.size)}
        self._edge = edge
        return edge.size, root

    def _add_changes(self, changes: Sequence[Change], size: int, connection: sqlite3.Connection) -> None:
        others = [change.statement for change in changes if change.statement not in self._appended]
        numbers = {**self._appended, **_numbers(connection, others)} if others else self._appended
        _feed(connection, changes, numbers, size)

    def _verified_edge(self) -> Edge:
        """Read the edge of the stored tree; refuse to go on from one that does not fit the stored root."""
        size, root = self.checked_head()
        edge = load_edge(size, self._whole_tile)
        if edge.root() != root:
            raise tree_damaged(f"the edge of the tree at {size} does not lead to the stored root")
        if size:
            index, offset = divmod(size - 1, TILE_WIDTH)
            hashes = self.tile(0, index, offset + 1)
            if hashes is None or hashes[-HASH_BYTES:] != leaf_hash(self.entry(size - 1) or b""):
                raise tree_damaged(f"the last entry, {size - 1}, differs from the one that was appended")
        signed = self.checkpoint()
        if signed is not None and signed[0] > size:
            raise tree_damaged(f"the signed checkpoint has {signed[0]} entries, but {size} are here")
        return edge

    def _whole_tile(self, level: int, index: int) -> bytes:
        row = self._first("SELECT hashes FROM tiles WHERE key = ?", tile_key(level, index))
        return bytes(row[0]) if row is not None else b""


def _let_go(connection: sqlite3.Connection) -> None:
    keep_pages(WRITER_CACHE_KIB, connection)
    connection.execute("PRAGMA shrink_memory")


def keep(connection: sqlite3.Connection, name: str, value: bytes) -> None:
    """Store a value under a name, replacing the old one, in the caller's transaction."""
    connection.execute(
        "INSERT OR REPLACE INTO kept (name, value, digest) VALUES (?, ?, ?)", (name, value, checksum(name, value))
    )


def _prepare(connection: sqlite3.Connection, *, path: Path, whose: dict[str, str]) -> None:
    migrate(connection, path)
    check_schema(connection, path)
    _claim(connection, path, whose)


def _insert(connection: sqlite3.Connection, first: int, raws: Sequence[tuple[bytes, bytes]]) -> None:
    found = _numbers(connection, [id for id, _ in raws])
    seen: set[bytes] = set()
    for id, _ in raws:
        if id in seen or id in found:
            raise StorageError(
                "known_statement", f"The statement {id.hex()} is already in the log.", hint="Append it only once."
            )
        seen.add(id)
    connection.executemany(
        "INSERT INTO statements (number, id, raw) VALUES (?, ?, ?)",
        ((number, id, raw) for number, (id, raw) in enumerate(raws, start=first)),
    )


def _put_tree(connection: sqlite3.Connection, edge: Edge, root: bytes, tiles: dict[TileId, bytes]) -> None:
    connection.executemany(
        "INSERT INTO tiles (key, hashes) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET hashes = excluded.hashes",
        ((tile_key(*tile), content) for tile, content in tiles.items()),
    )
    connection.execute("UPDATE tree SET size = ?, root = ?", (edge.size, root))


def _numbers(connection: sqlite3.Connection, ids: Sequence[bytes]) -> dict[bytes, int]:
    """As `Reader.numbers`, but within the transaction that writes."""
    return column_of("number", ids, lambda sql, *beginnings: connection.execute(sql, beginnings).fetchall())


def _set_checkpoint(connection: sqlite3.Connection, *, size: int, note: str) -> None:
    held, last = connection.execute("SELECT size, coalesce((SELECT size FROM checkpoint), 0) FROM tree").fetchone()
    if not last <= size <= held:
        raise StorageError(
            "checkpoint_out_of_order",
            f"A checkpoint of {size} entries cannot follow one of {last} in a log of {held}.",
            hint="Append first, then sign what `append` returned.",
        )
    connection.execute(
        "INSERT OR REPLACE INTO checkpoint (one, size, note, digest) VALUES (1, ?, ?, ?)",
        (size, note, checksum(size, note)),
    )


def _feed(connection: sqlite3.Connection, changes: Sequence[Change], numbers: Mapping[bytes, int], size: int) -> None:
    """Continue the feed; `numbers` has the places of the statements that are in the log."""
    (chain,) = connection.execute("SELECT chain FROM feed").fetchone()
    newest = connection.execute("SELECT seq, time FROM changes ORDER BY seq DESC LIMIT 1").fetchone()
    seq, latest = newest or (0, 0)
    rows = []
    for change in changes:
        number = numbers.get(change.statement)
        if number is None:
            raise StorageError("unknown_statement", f"No entry of the log is {change.statement.hex()}.")
        seq, latest = seq + 1, max(latest, change.time)
        row = (seq, latest, number, change.kind, change.sub, change.change)
        chain = checksum(chain, *row)
        rows.append(row)
    connection.executemany(f"INSERT INTO changes ({FED}) VALUES (?, ?, ?, ?, ?, ?)", rows)
    connection.execute("UPDATE feed SET size = ?, chain = ?, digest = ?", (size, chain, checksum(size, chain)))


def _swap(connection: sqlite3.Connection, *, name: str, before: bytes | None, after: bytes) -> bool:
    row = connection.execute("SELECT value FROM kept WHERE name = ?", (name,)).fetchone()
    if (row and row[0]) != before:
        return False
    keep(connection, name, after)
    return True


def _claim(connection: sqlite3.Connection, path: Path, whose: dict[str, str]) -> None:
    """Write the owner of the database once; later refuse any other."""
    with transaction(connection):
        if connection.execute("SELECT count(*) FROM meta").fetchone()[0] == 0:
            connection.executemany("INSERT INTO meta (name, value) VALUES (?, ?)", whose.items())
        connection.execute("INSERT OR IGNORE INTO tree (one, size, root) VALUES (1, 0, ?)", (EMPTY_ROOT,))
        connection.execute("INSERT OR IGNORE INTO feed (one, size, digest) VALUES (1, 0, ?)", (checksum(0, b""),))
        found = dict(connection.execute("SELECT name, value FROM meta"))
    if found.keys() != whose.keys():
        raise tree_damaged(f"it must state its {' and '.join(whose)}, but states its {' and '.join(found)}")
    for name, expected in whose.items():
        if found[name] != expected:
            raise StorageError(
                f"other_{name}",
                f"{path} belongs to the {name} {found[name]}, not {expected}.",
                hint="Set data_dir to this node's own folder, or correct the configuration.",
            )
