"""The rules for SQLite: how to open a connection, the meaning of its errors, and a single writing process.

* WAL, `synchronous=FULL`: a commit that returned survives a power cut; readers never wait for the writer.
* Explicit transactions only (`transaction`), in autocommit mode, so that no commit happens where none is written.
* Every `sqlite3` error becomes a `StorageError` that says what to do (`telling_what_to_do`).
* Facts that no other data confirms carry a `checksum`, so that a flipped bit is noticed.
* The writing process holds `flock` on `<database>.lock` as long as it lives (`WriterLock`), however it ends.
* **One connection belongs to one thread**, the one that opened it, and `sqlite3` refuses any other. Two threads on one
  connection read each other's rows from Python 3.12 on. So threads share a `ReadConnections`, which has one for each of
  them, and a `SqliteWriter`, whose connection has a thread of its own to which the work comes.

It knows no tables (`migrations` does) and no queries (`log_store` does).
"""

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from threading import get_ident, local
from types import TracebackType
from typing import Final, TypeVar

from accredit.node.files.atomic_files import unwritten
from accredit.registry.encoding.cbor import encode
from accredit.registry.errors import StorageError

T = TypeVar("T")

APPLICATION_ID: Final = int.from_bytes(b"accr")  # PRAGMA application_id: `file` and we can tell whose database it is
BUSY_MS: Final = 10_000  # how long to wait for another connection's short exclusive moment (recovery, checkpoint)
WRITER_CACHE_KIB: Final = 8 * 1024
# While a log is taken in, every batch touches pages all over the indexes: some 100 bytes a statement.
INTAKE_CACHE_KIB: Final = (8 * 1024, 96 * 1024)
INTAKE_CACHE_BYTES: Final = 100
READER_CACHE_KIB: Final = 8 * 1024
# SQLite maps so much of a file at most (SQLITE_MAX_MMAP_SIZE), and reads the rest of a larger one without mapping.
MAPPED_BYTES: Final = 0x7FFF0000
# The default of 1,000 pages writes the same index pages back again and again: 15,000 inserts/s at 10^6 rows instead of
# 57,000. 10,000 pages of 4 KiB are a WAL of 40 MiB.
WAL_PAGES: Final = 10_000

# What the operating system's "no" looks like: ENOSPC is FULL; a quota or a file size limit comes as a failed write.
_NO_ROOM: Final = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE}
_DAMAGED: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
# What Python says, without a code, of a text with a flipped bit; where a name has one, it fails to word its own error.
_NO_TEXT: Final = "Could not decode to UTF-8"
SQLITE_ERRORS: Final = (sqlite3.Error, UnicodeDecodeError)
_NO_RIGHT: Final = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}
_BUSY: Final = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def connect_writer(path: Path) -> sqlite3.Connection:
    """Open for writing; create a missing database. The caller holds the `WriterLock`.

    Raises:
        StorageError: it cannot be opened, or its file system cannot share memory between processes (`no_wal`).
    """
    connection = _connect(f"{path.absolute().as_uri()}?mode=rwc")
    with _closing_on_error(connection):
        mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != "wal":
            raise StorageError(
                "no_wal", f"SQLite cannot keep a write-ahead log for {path} (mode {mode}).", hint="Use a local disk."
            )
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        keep_pages(WRITER_CACHE_KIB, connection)
        connection.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
    return connection


def connect_reader(path: Path, *, is_mapped: bool = False) -> sqlite3.Connection:
    """Open an existing database for reading only.

    Args:
        is_mapped: read pages where the system has them in memory, without copying them. A failing disk then ends the
            process (SIGBUS) instead of raising an error, so this is for processes that the node starts again.
    """
    connection = _connect(f"{path.absolute().as_uri()}?mode=ro")
    with _closing_on_error(connection):
        connection.execute("PRAGMA query_only = ON")
        connection.execute(f"PRAGMA cache_size = -{READER_CACHE_KIB}")
        connection.execute(f"PRAGMA mmap_size = {MAPPED_BYTES if is_mapped else 0}")
    return connection


def keep_pages(kibibytes: int, connection: sqlite3.Connection) -> None:
    """Let a connection keep pages of so many KiB in memory."""
    connection.execute(f"PRAGMA cache_size = -{kibibytes}")


def pages_for(statements: int) -> int:
    """Return how many KiB of pages to keep in memory while so many statements are taken in."""
    least, most = INTAKE_CACHE_KIB
    return min(most, max(least, statements * INTAKE_CACHE_BYTES // 1024))


@contextmanager
def _closing_on_error(connection: sqlite3.Connection) -> Iterator[None]:
    """Close a connection if its setup fails: a file that is not a database shows this only at the first query."""
    try:
        yield
    except BaseException:
        connection.close()
        raise


def checksum(*fields: object) -> bytes:
    """Return SHA-256 over the deterministic encoding of a row's fields, 32 bytes. It detects decay, not tampering.

    Fields are numbers, text and bytes; a flipped bit can turn one into another type, and then the sum is empty.
    """
    try:
        return sha256(encode(list(fields))).digest()
    except (TypeError, ValueError):
        return b""


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run a transaction: all or nothing. `IMMEDIATE` first takes the right to write, so data read in it are current."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # SQLite has rolled back by itself after some errors, a full disk among them.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def telling_what_to_do(path: Path) -> Iterator[None]:
    """Turn SQLite's errors within into a `StorageError`."""
    try:
        yield
    except SQLITE_ERRORS as error:
        raise storage_error(error, path) from error


class ReadConnections:
    """Connections to one database for reading, one for each thread.

        with connections as connection:
            connection.execute(...)

    The thread that makes this object has a connection until it calls `close`. Any other thread opens one for its
    outermost `with`, which takes some 0.3 ms, and closes it, so no connection remains in a thread that nobody ends. For
    many queries from another thread, use one `with`.

    Args:
        path: an existing database. is_mapped: as in `connect_reader`, for the thread that makes this.
    """

    def __init__(self, path: Path, *, is_mapped: bool = False) -> None:
        self._path = path
        self._home = get_ident()
        self._own = connect_reader(path, is_mapped=is_mapped)
        self._visit = local()

    def __enter__(self) -> sqlite3.Connection:
        if get_ident() == self._home:
            return self._own
        visit = self._visit
        if not hasattr(visit, "depth"):
            visit.connection, visit.depth = connect_reader(self._path), 0
        visit.depth += 1
        connection: sqlite3.Connection = visit.connection
        return connection

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if get_ident() == self._home:
            return
        visit = self._visit
        visit.depth -= 1
        if not visit.depth:
            visit.connection.close()
            del visit.connection, visit.depth

    @property
    def current(self) -> sqlite3.Connection:
        """Return this thread's connection. The thread must have made this object, or be within a `with`."""
        if get_ident() == self._home:
            return self._own
        assert hasattr(self._visit, "depth"), "another thread than the one that opened this asks within a `with`"
        connection: sqlite3.Connection = self._visit.connection
        return connection

    def close(self) -> None:
        """Close the connection of the thread that made this object, which must be this one; later reads fail."""
        self._own.close()


class SqliteWriter:
    """The only writing connection, in its own thread, which runs the given work in order.

    Args:
        path: the database; a missing one is created. The caller holds the `WriterLock`.

    Raises:
        StorageError: as `connect_writer`.
    """

    def __init__(self, path: Path) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="writer")
        try:
            self._ident = self._thread.submit(get_ident).result()
            self._connection = self._thread.submit(connect_writer, path).result()
        except BaseException:
            self._thread.shutdown()
            raise

    def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` with the connection, after the work that other threads have given; return its result.

        Never call it from within such work. `work` must not return a cursor: cursors belong to the writing thread.
        """
        assert get_ident() != self._ident, "work for the writer asks the writer for nothing"
        return self._thread.submit(work, self._connection).result()

    def close(self) -> None:
        """Close the connection, after finishing the given work."""
        self.run(lambda connection: connection.close())
        self._thread.shutdown()


class WriterLock:
    """Held by the one process that may write.

    Args:
        path: the database; the lock is a file beside it, which stays (removing it would let two processes in).

    Raises:
        StorageError: `already_running`, or the folder cannot be written.
    """

    def __init__(self, path: Path) -> None:
        lock = path.with_name(path.name + ".lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            if (refusal := unwritten(error, lock)).code == "disk_full":
                raise refusal from error
            raise StorageError(
                "unwritable_folder",
                f"{lock} cannot be opened: {error.strerror}.",
                hint="Allow this user to write in that folder, or set data_dir to another folder.",
            ) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._descriptor, 20, 0).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            raise StorageError(
                "already_running",
                f"A node is already running on {path} (process {holder or 'unknown'}).",
                hint="Stop it first, or give this node its own data_dir.",
            ) from error
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            os.close(self._descriptor)
            raise unwritten(error, lock) from error

    def release(self) -> None:
        """Let another process in."""
        os.close(self._descriptor)


def _connect(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(
        uri, uri=True, isolation_level=None, check_same_thread=True, timeout=BUSY_MS / 1000, cached_statements=64
    )


def storage_error(error: Exception, path: Path) -> StorageError:
    """Return the error that tells the operator the meaning of one of SQLite's (`SQLITE_ERRORS`)."""
    # Errors of Python's own wrapper (a closed connection) have no code.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    primary = code & 0xFF
    if code in _NO_ROOM or primary in _NO_ROOM:
        return StorageError(
            "disk_full",
            f"{path} cannot grow: the disk, a quota or a size limit is exhausted ({error}).",
            hint="Free some space. Nothing was half written, and the node continues by itself once there is space.",
        )
    if primary in _DAMAGED or isinstance(error, UnicodeDecodeError) or _NO_TEXT in str(error):
        return StorageError(
            "database_damaged",
            f"{path} is damaged ({error}).",
            hint="Stop the node, check the disk, and restore a backup that is new enough (`accredit node restore`).",
        )
    if primary in _NO_RIGHT:
        return StorageError(
            "database_unusable",
            f"{path} cannot be opened or written ({error}).",
            hint="Check that it exists and that this user may read and write it and its folder.",
        )
    if primary in _BUSY:
        return StorageError(
            "database_busy",
            f"{path} is locked by another program ({error}).",
            hint="Close other programs that have it open.",
        )
    if primary == sqlite3.SQLITE_IOERR:
        return StorageError(
            "disk_failing", f"The disk under {path} reports an error ({error}).", hint="Check the system's log."
        )
    return StorageError("database_error", f"{path}: {error}.", hint="Please report this, with the node's log.")
