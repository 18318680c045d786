"""Reads a node's database: the log with its proofs and tiles, the checkpoint, the feed. Any number of readers at once.

    with open_reader(path) as reader:                          in any process, while a node runs or while none does
        prove_inclusion(reader.index_of(id), size, reader)     a `Reader` is a `merkle.HashReader`

* Any thread may use any reader, each through its own connection (`sqlite.ReadConnections`). The thread that opened the
  reader needs no preparation; another one should make several reads within one `snapshot`.

* Entries and complete subtrees never change; so `raw`, `entry`, `read_hash` and full tiles may be cached for ever, the
  rest until `data_version` changes.
* Hashes are kept as tiles, the unit in which they are served: 32 bytes a statement, and one row to answer a request.
  Levels between tiles are folded from the tile below, at most 128 hashes.

It does not write (`log_store` does), or verify the stored data (`audit` does).
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from accredit.node.closing import Closing
from accredit.registry.errors import InputError, RefusedError, StorageError
from accredit.registry.transparency.merkle import HASH_BYTES
from accredit.registry.transparency.merkle import root as merkle_root
from accredit.registry.transparency.tiles import ENTRIES, TILE_HEIGHT, TILE_WIDTH, encode_bundle

from .migrations import FED, ONE_ROW, SCHEMA, TILE_LEVELS, check_ours, check_schema, tile_key
from .sqlite import SQLITE_ERRORS, ReadConnections, checksum, storage_error, telling_what_to_do
from .tree_edge import fold, tree_damaged

_BY_ID: Final = "SELECT {} FROM statements WHERE substr(id, 1, 8) = ? AND id = ?"
_AT_ONCE: Final = 256  # ids of one query: more save nothing
_RANGE: Final = "SELECT {} FROM statements WHERE number >= ? AND number < ? ORDER BY number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A statement that took effect, or ceased to.

    Attributes:
        time: when this node saw it, seconds since 1970.
        statement: its id, 32 bytes.
        kind, sub: the statement's.
        change: `took_effect` or `ceased`.
    """

    time: int
    statement: bytes
    kind: str
    sub: str
    change: str


class Reader(Closing):
    """Reads a node's database (`open_reader`). For any thread; closed by the one that opened it."""

    def __init__(self, path: Path, connections: ReadConnections) -> None:
        self._path = path
        self._connections = connections
        with telling_what_to_do(path), connections as connection:
            self._meta: dict[str, str] = dict(connection.execute("SELECT name, value FROM meta"))

    def close(self) -> None:
        """Close it; later reads fail."""
        self._connections.close()

    @property
    def path(self) -> Path:
        """The path of the database file."""
        return self._path

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection, for modules that have their own tables (as `ask`).

        Get it again for each use; other threads than the one that opened the reader may use it only within `snapshot`,
        which also translates its errors.
        """
        return self._connections.current

    @property
    def ecosystem(self) -> bytes:
        """The genesis statement's id, 32 bytes.

        Raises:
            StorageError: `tree_damaged`: the stored bytes are not an id.
        """
        try:
            return bytes.fromhex(self._meta["ecosystem"])
        except (KeyError, ValueError):
            raise tree_damaged(f"the ecosystem is stored as {self._meta.get('ecosystem')!r}") from None

    @property
    def origin(self) -> str:
        """The log's origin: the node's name."""
        if "origin" not in self._meta:
            raise tree_damaged("the log's origin is missing")
        return self._meta["origin"]

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read one consistent state, almost twice as fast. Keep it short, because the write-ahead log waits for it.

        Never use it across an await. A nested snapshot in the same thread uses the outer one.
        """
        with telling_what_to_do(self._path), self._connections as connection:
            if connection.in_transaction:
                yield
                return
            connection.execute("BEGIN")
            try:
                yield
            finally:
                connection.execute("COMMIT")

    def data_version(self) -> int:
        """Changes whenever another connection has committed: drop what is cached. SQLite's PRAGMA data_version.

        Compare it only with values from the same thread, because each connection counts for itself.
        """
        return int(self._row("PRAGMA data_version")[0])

    # ------------------------------------------------------------------------------------------------ the log

    def head(self) -> tuple[int, bytes]:
        """Return size and root of the log as stored, signed or not."""
        size, root = self._row("SELECT size, root FROM tree")
        return size, root

    def checked_head(self) -> tuple[int, bytes]:
        """Return size and root, after comparing them with the stored entries.

        Raises:
            StorageError: `tree_damaged`: entries are missing or surplus at the end.
        """
        size, root, last = self._row("SELECT size, root, (SELECT max(number) FROM statements) FROM tree")
        if size != (0 if last is None else last + 1):
            raise tree_damaged(f"the tree has {size} entries, but the last stored entry is {last}")
        return size, root

    def integrity(self) -> str:
        """Return `ok`, or the first row, index entry or definition that is wrong in itself. Reads the whole file."""
        with telling_what_to_do(self._path), self._connections as connection:
            check_schema(connection, self._path)
        verdict = str(self._row("PRAGMA integrity_check(1)")[0])
        for table in ONE_ROW if verdict == "ok" else ():
            for (one,) in self._all(f"SELECT one FROM {table} WHERE one IS NOT 1"):
                return f"{table} has row {one}, but may have only one row"
        return verdict

    def size(self) -> int:
        """Number of entries."""
        return self.head()[0]

    def root(self, size: int | None = None) -> bytes:
        """Return the root of the first `size` entries; of all, by default. RFC 6962 2.1.

        Raises:
            RefusedError: the log is not that long.
        """
        return self.head()[1] if size is None else merkle_root(size, self)

    def raw(self, id: bytes) -> bytes | None:
        """Return the bytes of the statement with this id, as submitted."""
        row = self._first(_BY_ID.format("raw"), id[:8], id)
        return row and _bytes(row[0])

    def raws(self, ids: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return the bytes of statements, by id, without those that are not in the log."""
        return {id: _bytes(raw) for id, raw in column_of("raw", ids, self._all).items()}

    def index_of(self, id: bytes) -> int | None:
        """Return the place of a statement in the log."""
        row = self._first(_BY_ID.format("number"), id[:8], id)
        return row and int(row[0])

    def ids_beginning(self, digits: str, most: int) -> list[bytes]:
        """Return the statement ids that begin with these hexadecimal digits, in order, at most `most` of them."""
        first, last = bytes.fromhex(digits.ljust(64, "0")), bytes.fromhex(digits.ljust(64, "f"))
        rows = self._all(
            "SELECT id FROM statements WHERE substr(id, 1, 8) BETWEEN ? AND ? AND id BETWEEN ? AND ? "
            "ORDER BY id LIMIT ?",
            *(first[:8], last[:8], first, last, most),
        )
        return [_bytes(row[0]) for row in rows]

    def numbers(self, ids: Sequence[bytes]) -> dict[bytes, int]:
        """Return the places of statements in the log, by id, without those that are not in it."""
        return column_of("number", ids, self._all)

    def entry(self, index: int) -> bytes | None:
        """Return the bytes of one entry."""
        row = self._first("SELECT raw FROM statements WHERE number = ?", index)
        return row and _bytes(row[0])

    def entries(self, start: int, stop: int) -> list[bytes]:
        """Return the bytes of the entries from `start` to before `stop`, or to the end if that comes first."""
        return [_bytes(raw) for (raw,) in self._all(_RANGE.format("raw"), start, stop)]

    def rows(self, start: int, stop: int) -> list[tuple[int, bytes, bytes]]:
        """Return these entries as stored: number, id and bytes."""
        rows = self._all(_RANGE.format("number, id, raw"), start, stop)
        return [(number, _bytes(id), _bytes(raw)) for number, id, raw in rows]

    def ids(self, start: int, stop: int) -> list[bytes]:
        """Return the ids of these entries, 32 bytes each."""
        return [id for (id,) in self._all(_RANGE.format("id"), start, stop)]

    def read_hash(self, level: int, index: int) -> bytes:
        """Return the hash of a complete subtree: a `merkle.HashReader`, for proofs of any size up to the log's.

        Raises:
            RefusedError: the subtree is not complete in this log.
        """
        tile_level, above = divmod(level, TILE_HEIGHT)
        tile_index, offset = divmod(index << above, TILE_WIDTH)
        found = self._first(
            "SELECT substr(hashes, ?, ?) FROM tiles WHERE key = ?",
            offset * HASH_BYTES + 1,
            HASH_BYTES << above,
            tile_key(tile_level, tile_index),
        )
        if found is None or len(found[0]) != HASH_BYTES << above:
            raise RefusedError("no_such_subtree", f"The log has no complete subtree ({level}, {index}) yet.")
        return fold(found[0])

    def tile(self, level: int, index: int, width: int = TILE_WIDTH) -> bytes | None:
        """Return a tile for tlog-tiles: `32 * width` bytes, or a bundle of entries if `level` is `log.ENTRIES`.

        Return None if the log is shorter. A partial tile is the beginning of the wider one.
        """
        if level == ENTRIES:
            entries = self.entries(index * TILE_WIDTH, index * TILE_WIDTH + width)
            return encode_bundle(entries) if len(entries) == width else None
        if level >= TILE_LEVELS:
            return None
        row = self._first(
            "SELECT substr(hashes, 1, ?) FROM tiles WHERE key = ?", width * HASH_BYTES, tile_key(level, index)
        )
        return bytes(row[0]) if row is not None and len(row[0]) == width * HASH_BYTES else None

    # ----------------------------------------------------------------------------------------------- the rest

    def checkpoint(self) -> tuple[int, str] | None:
        """Return size and note text of the newest signed checkpoint."""
        row = self._first("SELECT size, note, digest FROM checkpoint")
        if row is None:
            return None
        size, note, digest = row
        if digest != checksum(size, note):
            raise tree_damaged(f"the stored checkpoint of {size} entries was altered")
        return size, note

    def changes(self, after: int, limit: int) -> list[tuple[int, Change]]:
        """Return the changes that follow number `after`, at most `limit` of them, each with its number."""
        rows = self._all(
            "SELECT seq, time, id, kind, sub, change FROM changes JOIN statements ON statements.number = statement "
            "WHERE seq > ? ORDER BY seq LIMIT ?",
            after,
            limit,
        )
        return [
            (seq, Change(time=time, statement=id, kind=kind, sub=sub, change=change))
            for seq, time, id, kind, sub, change in rows
        ]

    def changes_before(self, time: int) -> int:
        """Return how many changes the feed has from before a time, seconds: the number from which to continue.

        Numbers run from 1 without a gap, and times never go back (`check_feed`).
        """
        (high,) = self._row("SELECT coalesce(max(seq), 0) FROM changes")
        low = 0
        while low < high:
            middle = (low + high + 1) // 2
            row = self._first("SELECT time FROM changes WHERE seq = ?", middle)
            if row is None:
                raise feed_damaged(f"change {middle} is missing")
            low, high = (middle, high) if row[0] < time else (low, middle - 1)
        return low

    def newest_changes(
        self,
        limit: int,
        *,
        before: int | None = None,
        sub: str | None = None,
        also: Sequence[bytes] = (),
        looked_at: int,
    ) -> list[tuple[int, Change]]:
        """Return the newest changes, the newest first, each with its number.

        Args:
            limit: how many at most.
            before: the number to go on from, not included; None: from the end.
            sub: only changes about this subject.
            also: ids of statements of which the changes are listed too, if only those about a subject are.
            looked_at: how many changes are examined at most, however few are about the subject.
        """
        last = int(self._row("SELECT coalesce(max(seq), 0) FROM changes")[0])
        start = last + 1 if before is None else min(before, last + 1)
        rows = self._all(
            "SELECT seq, time, id, kind, sub, change FROM changes JOIN statements ON statements.number = statement "
            "WHERE seq < ? AND seq >= ? AND (? IS NULL OR sub = ? OR hex(id) IN (SELECT value FROM json_each(?))) "
            "ORDER BY seq DESC LIMIT ?",
            start,
            start - looked_at,
            sub,
            sub,
            json.dumps([one.hex().upper() for one in also]),
            limit,
        )
        return [
            (seq, Change(time=time, statement=id, kind=kind, sub=sub_, change=change))
            for seq, time, id, kind, sub_, change in rows
        ]

    def changes_size(self) -> int:
        """Return how many entries of the log the feed covers; after a crash the node folds and feeds the rest again.

        Raises:
            StorageError: `feed_damaged`: the stored number is not what was written.
        """
        return self._feed()[0]

    def check_feed(self) -> int:
        """Return the number of changes in the feed, after comparing all of them with the chain of their checksums.

        Raises:
            StorageError: `feed_damaged`: a change was altered, removed or inserted; or a time goes back.
        """
        with self.snapshot():
            size, expected = self._feed()
            chain, count, latest = b"", 0, 0
            for row in self.connection.execute(f"SELECT {FED} FROM changes ORDER BY seq"):
                seq, time, statement, *_ = row
                count += 1
                if seq != count or time < latest or not 0 <= statement < size:
                    raise feed_damaged(
                        f"change {count} is stored as number {seq}, of entry {statement}, at {time} after {latest}"
                    )
                latest, chain = time, checksum(chain, *row)
        if chain != expected:
            raise feed_damaged(f"its {count} changes were altered or are incomplete")
        return count

    def _feed(self) -> tuple[int, bytes]:
        size, chain, digest = self._row("SELECT size, chain, digest FROM feed")
        if digest != checksum(size, chain):
            raise feed_damaged("the number of log entries it covers was altered")
        return size, chain

    def kept(self, name: str) -> bytes | None:
        """Return the value that `Store.swap` stored under this name.

        Raises:
            StorageError: `kept_damaged`: the value is not what was written.
        """
        row = self._first("SELECT name, value, digest FROM kept WHERE name = ?", name)
        return None if row is None else sound(*row)

    def check_kept(self) -> int:
        """Return the number of kept facts, after comparing each with its checksum.

        Raises:
            StorageError: `kept_damaged`, and the first fact that is not what was written.
        """
        return len([sound(*row) for row in self._all("SELECT name, value, digest FROM kept ORDER BY name")])

    def kept_under(self, beginning: str) -> list[bytes]:
        """Return the values kept under names with this prefix, in the order in which they were first stored.

        Raises:
            StorageError: as `kept`.
        """
        sql = "SELECT name, value, digest FROM kept WHERE name GLOB ? || '*' ORDER BY rowid"
        return [sound(*row) for row in self._all(sql, beginning)]

    def backup(self, path: Path) -> None:
        """Copy the whole database, as of one moment, to a new file; the node goes on meanwhile.

        Raises:
            InputError: `file_exists`.
            StorageError: `disk_full` and the like; no part of the file remains.
        """
        if path.exists():
            raise InputError("file_exists", f"{path} already exists.", hint="Choose another name for the backup.")
        unfinished = path.with_name(path.name + ".unfinished")
        unfinished.unlink(missing_ok=True)
        try:
            with telling_what_to_do(unfinished):
                target = sqlite3.connect(unfinished)
                try:
                    # No rollback journal for a file that is thrown away if anything fails.
                    target.execute("PRAGMA journal_mode = OFF")
                    target.execute("PRAGMA synchronous = FULL")
                    with self._connections as connection:
                        connection.backup(target)
                finally:
                    target.close()
            unfinished.rename(path)
        finally:
            unfinished.unlink(missing_ok=True)

    def ask(self, sql: str, *parameters: object) -> list[Any]:
        """Return all rows of a query, for modules that have their own tables."""
        return self._all(sql, *parameters)

    def ask_one(self, sql: str, *parameters: object) -> Any:
        """Return the first row of a query, or None; likewise."""
        return self._first(sql, *parameters)

    def _first(self, sql: str, *parameters: object) -> Any:
        try:
            with self._connections as connection:
                return connection.execute(sql, parameters).fetchone()
        except SQLITE_ERRORS as error:
            raise storage_error(error, self._path) from error

    def _row(self, sql: str) -> Any:
        row = self._first(sql)
        if row is None:
            raise tree_damaged(f"no row answers {sql}")
        return row

    def _all(self, sql: str, *parameters: object) -> list[Any]:
        try:
            with self._connections as connection:
                return connection.execute(sql, parameters).fetchall()
        except SQLITE_ERRORS as error:
            raise storage_error(error, self._path) from error


def column_of(name: str, ids: Sequence[bytes], ask: Callable[..., Sequence[Any]]) -> dict[bytes, Any]:
    """Return a column's values for statements, by id, without those that are not in the log.

    Args:
        ask: returns all rows of a query with its parameters.
    """
    found: dict[bytes, Any] = {}
    for start in range(0, len(ids), _AT_ONCE):
        some = dict.fromkeys(ids[start : start + _AT_ONCE])
        marks = ", ".join("?" * len(some))
        rows = ask(f"SELECT id, {name} FROM statements WHERE substr(id, 1, 8) IN ({marks})", *(id[:8] for id in some))
        found.update((id, value) for id, value in rows if id in some)
    return found


def _bytes(value: object) -> bytes:
    """Return a column's value as bytes; a flipped bit can have changed its type to text."""
    if type(value) is not bytes:
        raise tree_damaged(f"bytes are stored as {type(value).__name__}")
    return value


def sound(name: str, value: bytes, digest: bytes) -> bytes:
    """Return the value of a row of `kept`.

    Raises:
        StorageError: `kept_damaged`: the value is not what was written.
    """
    if checksum(name, value) != digest:
        raise StorageError(
            "kept_damaged",
            f"The data stored under {name!r} was altered.",
            hint="Nothing was signed over it. Check the disk, then restore a backup that is new enough.",
        )
    return value


def feed_damaged(what: str) -> StorageError:
    """Return the error for a damaged feed of changes."""
    return StorageError(
        "feed_damaged",
        f"The feed of changes is inconsistent: {what}.",
        hint="Stop the node, check the disk, then restore a backup that is new enough.",
    )


def open_reader(path: Path, *, is_mapped: bool = False) -> Reader:
    """Open an existing database for reading, while a node writes to it or while none does.

    Args:
        is_mapped: as in `connect_reader`.

    Raises:
        StorageError: the file is missing, not a node's database, or of another schema.
    """
    with telling_what_to_do(path):
        connections = ReadConnections(path, is_mapped=is_mapped)
        try:
            version = check_ours(connections.current, path)
            if version != SCHEMA:
                raise StorageError(
                    "older_database",
                    f"{path} has schema {version}; this program reads {SCHEMA}.",
                    hint="Start the node once: it updates its database.",
                )
            return Reader(path, connections)
        except BaseException:
            connections.close()
            raise
