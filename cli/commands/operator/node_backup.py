"""`accredit node backup` and `restore`: a copy of a node's database, and putting one back.

A copy holds the log as of one moment. Restoring one that is older than the node's last signature would make it sign a
second history. So `restore` compares it with the last signed head, which is apart from the database and never part of a
backup, and refuses it.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from accredit.cli.base import output
from accredit.cli.base.commands import Command
from accredit.cli.base.file_argument import FileIn
from accredit.registry.encoding.counts import many
from accredit.registry.errors import InputError, StorageError

from .node import config_path

if TYPE_CHECKING:
    from accredit.node.storage.log_reader import Reader

_FOLDER = click.Path(path_type=Path)
_SQLITE: Final = b"SQLite format 3\0"
"""How every database of SQLite begins (https://www.sqlite.org/fileformat.html, 1.3.1)."""


@click.command("backup", cls=Command, example="accredit node backup node1 backups/node1-2026-11-23.sqlite")
@click.argument("folder", metavar="FOLDER|CONFIG", type=_FOLDER)
@click.argument("target", metavar="FILE", type=FileIn("backup.sqlite", new=True))
def backup(folder: Path, target: Path) -> None:
    """Copy a node's database, as it is at one moment, into a new FILE. Safe while it runs.

    Also back up its node-keys.json, in another place. Never back up its heads folder, because that folder shows
    whether a restored database is older than the newest one.
    """
    from accredit.node.settings import load
    from accredit.node.storage.log_reader import open_reader

    settings = load(config_path(folder))
    with open_reader(settings.database) as reader:
        reader.backup(target)
    with open_reader(target) as copy:
        size, root = copy.checked_head()
    data = {"file": str(target), "size": size, "root": root.hex()}
    output.emit(data, lambda: output.say(f"Wrote {target}: the log's first {many(size, 'statement')}."))


@click.command("restore", cls=Command, example="accredit node restore node1 backups/node1-2026-11-23.sqlite")
@click.argument("folder", metavar="FOLDER|CONFIG", type=_FOLDER)
@click.argument("source", metavar="FILE", type=FileIn("backup.sqlite"))
def restore(folder: Path, source: Path) -> None:
    """Restore a backup of a stopped node's database, if it holds everything the node has signed.

    The replaced database is kept beside it, with `.replaced` added to its name. Later statements of others arrive by
    gossip.
    """
    from accredit.node.settings import load
    from accredit.node.storage.audit import audit
    from accredit.node.storage.log_reader import open_reader
    from accredit.node.storage.signing_guard import SignedHead
    from accredit.node.storage.sqlite import WriterLock

    settings = load(config_path(folder))
    if not source.exists():
        raise InputError("no_file", f"There is no file {source}.", hint="Give the backup file.")
    with source.open("rb") as file:
        if not file.read(len(_SQLITE)).startswith(_SQLITE):
            raise InputError(
                "no_backup", f"{source} is no backup.", hint="Give a file that accredit node backup wrote."
            )
    lock = WriterLock(settings.database)
    try:
        with open_reader(source) as reader, output.progress("Auditing the backup", reader.size()) as step:
            if (reader.ecosystem, reader.origin) != (settings.ecosystem_id, settings.name):
                raise InputError("other_node", f"{source} is a backup of {reader.origin}, not of this node.")
            size, root = audit(reader, progress=_steps(step))
            SignedHead(settings.signed_head).check_may_sign(size, root, reader.root)
            _put_in_place(reader, settings.database)
    finally:
        lock.release()
    data = {"database": str(settings.database), "size": size, "root": root.hex()}
    told = f"Restored {settings.database}: {many(size, 'statement')}. Next:  accredit node run {output.quoted(folder)}"
    output.emit(data, lambda: output.say(told))


def _steps(step: Callable[[int], None]) -> Callable[[int, int], None]:
    """What is done so far, as steps since the last call."""
    done_before = 0

    def progress(done: int, _size: int) -> None:
        nonlocal done_before
        step(done - done_before)
        done_before = done

    return progress


def _put_in_place(reader: "Reader", database: Path) -> None:
    """Copies the backup beside the database, then swaps: at no moment is there half of one."""
    fresh = database.with_name(database.name + ".restored")
    fresh.unlink(missing_ok=True)
    reader.backup(fresh)
    try:
        for suffix in ("", "-wal", "-shm"):
            old = database.with_name(database.name + suffix)
            if old.exists():
                os.replace(old, database.with_name(f"{database.name}.replaced{suffix}"))
        os.replace(fresh, database)
    except OSError as error:
        raise StorageError("not_replaced", f"{database} could not be replaced ({error.strerror}).") from error
