"""Writes small files that must survive a power cut: they are replaced completely or not at all.

    write_atomically(path, data)   temporary file beside it, fsync, rename, fsync of the folder
    create_file(path, data)        a new file, fsync, fsync of the folder; refuses an existing file
    folder_lock(folder)            one process at a time; released when its holder ends, in any way

A reader therefore sees the old content or the new one. The lock is `flock` on the folder itself: it leaves no file
behind, and unlike a lock on the file it survives the rename. Do not keep keys or a log on network file systems that
ignore `flock`.

It is not for large or growing files; those are in the database (`log_store`).
"""

import errno
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from accredit.registry.errors import InputError, StorageError

OWNER_ONLY: Final = 0o600
_NO_ROOM: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_MEANS: Final = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}

_PASSING: Final = frozenset({"disk_full", "database_busy", "system_exhausted"})
"""Codes of errors that may go away without anybody looking at the files: no room, a lock, no descriptor."""


def write_atomically(path: Path, data: bytes) -> None:
    """Put `data` at `path`, readable by its owner only, replacing what is there; on return it is on the disk.

    Raises:
        StorageError: it cannot be written; what was there before still is.
    """
    with _telling_what_to_do(path):
        descriptor, temporary = tempfile.mkstemp(dir=_made_folder(path), prefix=f".{path.name}.")
        try:
            _write(descriptor, data)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
        _sync_folder(path.parent)


def create_file(path: Path, data: bytes) -> None:
    """Put `data` at `path`, readable by its owner only, where nothing may be yet.

    Raises:
        InputError: `file_exists`; it was not touched.
        StorageError: it cannot be written; nothing is left of it.
    """
    with _telling_what_to_do(path):
        try:
            descriptor = os.open(_made_folder(path) / path.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
        except FileExistsError as error:
            raise InputError(
                "file_exists",
                f"{path} already exists.",
                hint="Choose another name; an existing file is never overwritten.",
            ) from error
        try:
            _write(descriptor, data)
        except BaseException:
            os.unlink(path)
            raise
        _sync_folder(path.parent)


def read_file(path: Path, what: str) -> bytes:
    """Return a whole small file; `what` names it in the error, as in "the key file".

    Raises:
        InputError: `no_such_file`.
        StorageError: it is there and cannot be read.
    """
    named = f"{what[:1].upper()}{what[1:]} {path}"
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise InputError("no_such_file", f"{named} does not exist.", hint="Check the path.") from error
    except OSError as error:
        raise StorageError("unreadable_file", f"{named} cannot be read: {error.strerror}.") from error


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Hold `folder` for a moment; waits for whoever else does.

    Raises:
        StorageError: there is no such folder, or it cannot be opened.
    """
    with _telling_what_to_do(folder):
        descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _made_folder(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path.parent


def _write(descriptor: int, data: bytes) -> None:
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)


@contextmanager
def _telling_what_to_do(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise unwritten(error, path) from error


def unwritten(error: OSError, path: Path) -> StorageError:
    """Return the error for a refused write: `disk_full`, `system_exhausted` or `unwritable_file`."""
    if error.errno in _NO_ROOM:
        return StorageError(
            "disk_full",
            f"{path} cannot be written: the disk, a quota or a size limit is exhausted ({error.strerror}).",
            hint="Free some space; nothing was changed.",
        )
    if error.errno in _NO_MEANS:
        return StorageError(
            "system_exhausted",
            f"{path} cannot be written now: {error.strerror}.",
            hint="End other programs, or raise this machine's limits; nothing was changed.",
        )
    return StorageError(
        "unwritable_file",
        f"{path} cannot be written: {error.strerror}.",
        hint="Give this user the right to write there; nothing was changed.",
    )


def is_passing(error: StorageError) -> bool:
    """Return whether the same write may succeed later, with nothing wrong in the files."""
    return error.code in _PASSING


def _sync_folder(folder: Path) -> None:
    """A new name is durable only once its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
