"""A node's durable memory: its log, the tree over it, its newest checkpoint and its feed, in one SQLite file.

    with Store.open(path, ecosystem=genesis_id, origin="node1.example.org") as store:      the one writer
        size, root = store.append([(statement.id, statement.raw)])                         durable on return
    with open_reader(path) as reader: ...                                                  any number (`reader`)

* An append is one transaction: statements, tile hashes, size and root. Killed at any moment, the file holds a prefix of
  what was appended, all that `append` returned for included. On a full disk nothing of it is there.
* Opening verifies the tree's edge and the last entry against the stored root; `audit` verifies everything.
* A `Store` reads through a connection of its own, and thus sees committed facts only, whatever a writing thread is at.

Methods are synchronous and short; a trio program calls them through one seam (a worker thread), a batch at a time.

What it does not do: judge what is appended (`governance`), sign (`heads` guards that), serve HTTP.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock

from accredit.registry.errors import StorageError
from accredit.registry.transparency.merkle import EMPTY_ROOT, HASH_BYTES, leaf_hash
from accredit.registry.transparency.tiles import ENTRY_BYTES_MAX, TILE_WIDTH

from .log_reader import Change, Reader, open_reader
from .migrations import FED, check_schema, migrate, tile_key
from .sqlite import WriterLock, checksum, connect_reader, connect_writer, telling_what_to_do, transaction
from .tree_edge import Edge, TileId, load_edge, tree_damaged

__all__ = ["Change", "Reader", "Store", "open_reader"]


class Store(Reader):
    """The one connection that writes; every method may be called from any thread, they take turns."""

    def __init__(self, path: Path, reader: sqlite3.Connection, writer: sqlite3.Connection, lock: WriterLock) -> None:
        super().__init__(path, reader)
        self._writer = writer
        self._lock = lock
        self._turn = RLock()
        self._companions: list[Reader] = []
        self._edge = self._verified_edge()

    @classmethod
    def open(cls, path: Path, *, ecosystem: bytes, origin: str) -> "Store":
        """Open for writing; made if there is none, brought up to the newest schema if it is older.

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
        opened: list[sqlite3.Connection] = []
        try:
            with telling_what_to_do(path):
                opened.append(connect_writer(path))
                migrate(opened[0], path)
                check_schema(opened[0], path)
                _claim(opened[0], path, {"ecosystem": ecosystem.hex(), "origin": origin})
                opened.append(connect_reader(path))
                return Store(path, opened[1], opened[0], lock)
        except BaseException:
            for connection in opened:
                connection.close()
            lock.release()
            raise

    def close(self) -> None:
        """Close, fold the write-ahead log into the file, and let another process in."""
        with self._turn:
            for companion in self._companions:
                companion.close()
            super().close()
            self._writer.close()
            self._lock.release()

    def reader(self) -> Reader:
        """A connection of its own for another thread."""
        return open_reader(self._path)

    def append(self, raws: Sequence[tuple[bytes, bytes]]) -> tuple[int, bytes]:
        """Append statements, each `(id, raw)`; durable on return. Returns size and root of the log.

        Raises:
            StorageError: `known_statement`, `disk_full` and the like; then nothing was appended.
        """
        if not raws:
            return self.head()
        for id, raw in raws:
            assert len(id) == HASH_BYTES
            assert len(raw) <= ENTRY_BYTES_MAX
        with self._turn:
            edge, tiles = self._edge.extend([leaf_hash(raw) for _, raw in raws])
            root = edge.root()
            self._insert(raws, edge, root, tiles)
            # Only now: had the transaction failed, the edge would still be that of what is stored.
            self._edge = edge
        return edge.size, root

    def set_checkpoint(self, size: int, note: str) -> None:
        """Keep the newest signed checkpoint, to be served. An equal size replaces it: cosignatures come later.

        Raises:
            StorageError: `checkpoint_out_of_order`: shorter than the last one, or longer than the log.
        """
        with self.writing():
            held, last = self._writer.execute(
                "SELECT size, coalesce((SELECT size FROM checkpoint), 0) FROM tree"
            ).fetchone()
            if not last <= size <= held:
                raise StorageError(
                    "checkpoint_out_of_order",
                    f"A checkpoint of {size} entries cannot follow one of {last} in a log of {held}.",
                    hint="Append first, then sign what `append` returned.",
                )
            self._writer.execute(
                "INSERT OR REPLACE INTO checkpoint (one, size, note, digest) VALUES (1, ?, ?, ?)",
                (size, note, checksum(size, note)),
            )

    def add_changes(self, changes: Sequence[Change], *, size: int) -> None:
        """Continue the feed, and note that it covers the first `size` entries of the log.

        Times never go back in it: a change that a clock set back would date earlier has the time of the one before.

        Raises:
            StorageError: `unknown_statement`: a change names a statement that is not in the log.
        """
        with self.writing() as connection:
            (chain,) = connection.execute("SELECT chain FROM feed").fetchone()
            seq, latest = connection.execute("SELECT seq, time FROM changes ORDER BY seq DESC LIMIT 1").fetchone() or (
                0,
                0,
            )
            for change in changes:
                number = self._number(change.statement)
                if number is None:
                    raise StorageError("unknown_statement", f"No entry of the log is {change.statement.hex()}.")
                seq, latest = seq + 1, max(latest, change.time)
                row = (seq, latest, number, change.kind, change.sub, change.change)
                connection.execute(f"INSERT INTO changes ({FED}) VALUES (?, ?, ?, ?, ?, ?)", row)
                chain = checksum(chain, *row)
            connection.execute("UPDATE feed SET size = ?, chain = ?, digest = ?", (size, chain, checksum(size, chain)))

    def swap(self, name: str, before: bytes | None, after: bytes) -> bool:
        """Keep `after` under `name` if `before` is there now (None: nothing); durable on return. Else change nothing.

        Compare and set in one transaction: a witness stores a log's new size so before it answers.
        """
        with self.writing() as connection:
            row = connection.execute("SELECT value FROM kept WHERE name = ?", (name,)).fetchone()
            if (row and row[0]) != before:
                return False
            keep(connection, name, after)
            return True

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all that is done in it through the connection given, or nothing."""
        with self._turn, telling_what_to_do(self._path), transaction(self._writer):
            yield self._writer

    def companion(self) -> Reader:
        """A connection of its own, closed with this store: for whoever reads several things at one moment."""
        made = self.reader()
        self._companions.append(made)
        return made

    def _insert(self, raws: Sequence[tuple[bytes, bytes]], edge: Edge, root: bytes, tiles: dict[TileId, bytes]) -> None:
        with self.writing():
            self._require_new([id for id, _ in raws])
            self._writer.executemany(
                "INSERT INTO statements (number, id, raw) VALUES (?, ?, ?)",
                ((number, id, raw) for number, (id, raw) in enumerate(raws, start=self._edge.size)),
            )
            self._writer.executemany(
                "INSERT INTO tiles (key, hashes) VALUES (?, ?) "
                "ON CONFLICT (key) DO UPDATE SET hashes = excluded.hashes",
                ((tile_key(*tile), content) for tile, content in tiles.items()),
            )
            self._writer.execute("UPDATE tree SET size = ?, root = ?", (edge.size, root))

    def _number(self, id: bytes) -> int | None:
        # As `index_of`, but within the transaction that writes.
        row = self._writer.execute(
            "SELECT number FROM statements WHERE substr(id, 1, 8) = ? AND id = ?", (id[:8], id)
        ).fetchone()
        return row and int(row[0])

    def _require_new(self, ids: Sequence[bytes]) -> None:
        seen: set[bytes] = set()
        for id in ids:
            if id in seen or self._number(id) is not None:
                raise StorageError(
                    "known_statement", f"The statement {id.hex()} is in the log already.", hint="Append it once."
                )
            seen.add(id)

    def _verified_edge(self) -> Edge:
        """Read the edge of the stored tree; refuse to go on from one that does not fit the stored root."""
        size, root = self.checked_head()
        edge = load_edge(size, self._whole_tile)
        if edge.root() != root:
            raise tree_damaged(f"the edge of the tree at {size} leads to another root than the stored one")
        if size:
            index, offset = divmod(size - 1, TILE_WIDTH)
            hashes = self.tile(0, index, offset + 1)
            if hashes is None or hashes[-HASH_BYTES:] != leaf_hash(self.entry(size - 1) or b""):
                raise tree_damaged(f"the last entry, {size - 1}, is not the one that was appended")
        signed = self.checkpoint()
        if signed is not None and signed[0] > size:
            raise tree_damaged(f"the checkpoint signed is of {signed[0]} entries and {size} are here")
        return edge

    def _whole_tile(self, level: int, index: int) -> bytes:
        row = self._first("SELECT hashes FROM tiles WHERE key = ?", tile_key(level, index))
        return bytes(row[0]) if row is not None else b""


def keep(connection: sqlite3.Connection, name: str, value: bytes) -> None:
    """Put a value under a name, in place of what is there; the transaction is the caller's."""
    connection.execute(
        "INSERT OR REPLACE INTO kept (name, value, digest) VALUES (?, ?, ?)", (name, value, checksum(name, value))
    )


def _claim(connection: sqlite3.Connection, path: Path, whose: dict[str, str]) -> None:
    """Write whose database it is, once; afterwards refuse anybody else."""
    with transaction(connection):
        if connection.execute("SELECT count(*) FROM meta").fetchone()[0] == 0:
            connection.executemany("INSERT INTO meta (name, value) VALUES (?, ?)", whose.items())
        connection.execute("INSERT OR IGNORE INTO tree (one, size, root) VALUES (1, 0, ?)", (EMPTY_ROOT,))
        connection.execute("INSERT OR IGNORE INTO feed (one, size, digest) VALUES (1, 0, ?)", (checksum(0, b""),))
        found = dict(connection.execute("SELECT name, value FROM meta"))
    if found.keys() != whose.keys():
        raise tree_damaged(f"it is to say its {' and '.join(whose)}, and says its {' and '.join(found)}")
    for name, expected in whose.items():
        if found[name] != expected:
            raise StorageError(
                f"other_{name}",
                f"{path} belongs to the {name} {found[name]}, not {expected}.",
                hint="Set data_dir to this node's own folder, or correct the configuration.",
            )
