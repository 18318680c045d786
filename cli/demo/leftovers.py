"""Clears up after demonstrations that were killed, so that no folder of theirs stays and no node runs on unnoticed.

    folder, lock = new_folder()      # this demonstration's own
    clear()                          # those of killed ones

A demonstration locks a file and then makes it the mark of its folder. The system ends the lock with the process,
however it ends; so a folder whose mark is not locked belongs to nobody any more. A folder without the mark is never
touched: it is of `accredit demo --keep`, or of somebody else.
"""

import fcntl
import os
import shutil
import signal
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from accredit.cli.base import output
from accredit.node.storage.sqlite import WriterLock
from accredit.registry.errors import StorageError

_PREFIX: Final = "accredit-demo-"
_MARK: Final = ".discard"

_END_SECONDS: Final = 15.0
"""Time in which a node ends that was told to; its own grace is 5 s."""


def new_folder() -> tuple[Path, int]:
    """Make a folder of this process; return it, and the descriptor that keeps it from being cleared."""
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    coming = folder / f"{_MARK}.new"
    lock = os.open(coming, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    coming.rename(folder / _MARK)  # only now: another demonstration may look at any moment
    return folder, lock


def clear() -> None:
    """End the nodes of killed demonstrations, and remove their folders; says which."""
    for folder in sorted(Path(tempfile.gettempdir()).glob(f"{_PREFIX}*")):
        with suppress(OSError):  # of another user, or just gone
            if _is_abandoned(folder):
                _remove(folder)


def _is_abandoned(folder: Path) -> bool:
    found = folder.lstat()  # a link of somebody else must not lead to a folder of this user
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or not (folder / _MARK).is_file():
        return False
    lock = os.open(folder / _MARK, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True


def _remove(folder: Path) -> None:
    still = [database for database in sorted(folder.glob("*/data/node.sqlite")) if not _has_ended(database)]
    if still:
        output.note(f"A demonstration that was killed left {folder}, and a node that does not end. End it by hand.")
    else:
        shutil.rmtree(folder)
        output.note(f"Removed {folder}, which a demonstration left that was killed.")


def _has_ended(database: Path) -> bool:
    """Return whether no node runs on a database, after telling one that does to end.

    The lock names the process that holds it, so no other one is ever told.
    """
    deadline = time.monotonic() + _END_SECONDS
    is_told = False
    while True:
        try:
            WriterLock(database).release()
        except StorageError as error:
            if error.code != "already_running" or time.monotonic() > deadline:
                return False
        else:
            return True
        if not is_told:
            with suppress(ValueError, ProcessLookupError):  # it is only starting, or has just ended
                os.kill(int(database.with_name(database.name + ".lock").read_text()), signal.SIGTERM)
                is_told = True
        time.sleep(0.05)
