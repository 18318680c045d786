"""The last log head and the last state this node signed, kept apart from the database.

A node that signs two trees of one size, or a tree that does not begin with the last signed one, has forked its log:
anybody can prove it, and nobody can undo it. Honest operators cause this by restoring a backup. So the last signed size
and root are in a separate small file, in a separate folder that no backup of the database restores, and every signature
is checked here first:

    head.check_covers(size)                     at the start: does the file still cover the stored checkpoint?
    head.check_may_sign(size, root, root_of)    may this be signed?          (reads only)
    head.record(size, root)                     then, before the signature leaves the process
    ...sign...

`check_may_sign` refuses a smaller size, another root for the same size, and a larger tree in which the signed size has
another root: a restored database that has grown past the signed size again is the same fork, only later.

File: JSON `{"size": 5, "root": "<64 hex digits>"}`, replaced atomically and fsynced. One node has one origin for life,
so the file does not name it. A missing file means that the node has never signed. If the database has a checkpoint, it
means that the protection was removed, and the node does not start.

`SignedState` does the same for the state that a signer last cosigned (`notary`): its text and its part of the log. It
is not in the database, because a restored backup must not bring an older one back: a node that cosigned a smaller set,
or another one of the same size, would contradict itself.

File: JSON `{"text": "<the note's text>", "size": 7, "without": [5]}`: of the log's first 7 entries all but number 5.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from accredit.node.engine.quorum_state import Part
from accredit.node.files.atomic_files import write_atomically
from accredit.registry.errors import DecodeError, StorageError
from accredit.registry.transparency.merkle import HASH_BYTES
from accredit.registry.transparency.state_note import StateNote

_RESTORED: Final = "The database is older than this node's last signature: most likely a backup was restored."
_FETCH_BACK: Final = (
    "Do not delete this file. Restore a backup that is new enough (`accredit node restore`), or retire the node "
    "and start it under a new name."
)
_WRITE_ANEW: Final = (
    "If it is lost, write into it the size and root of this node's newest checkpoint at peers or witnesses, "
    'as {"size": 5, "root": "<64 hex digits>"}.'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeHead:
    """A signed tree: `size` leaves, `root` 32 bytes."""

    size: int
    root: bytes


class SignedHead:
    """The last signed head in its file; one process at a time.

    Args:
        path: the file, in a folder that is not part of the database's backup; made when first written.

    Raises:
        StorageError: `head_corrupt`: the file is there and is not what `record` writes.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last = _read(path)

    @property
    def last(self) -> TreeHead | None:
        """Return the last signed head; None before the first."""
        return self._last

    def check_may_sign(self, size: int, root: bytes, root_of: Callable[[int], bytes]) -> None:
        """Refuse a head that contradicts the last signed one.

        Args:
            size, root: the head to be signed.
            root_of: root of the first n leaves of the same log, as `Store.root`; asked for the size signed last.

        Raises:
            StorageError: `log_rolled_back` or `log_forked`. Sign nothing until a person has looked.
        """
        last = self._last
        if last is None:
            return
        if size < last.size:
            raise StorageError(
                "log_rolled_back",
                f"This node signed a log of {last.size} entries ({self._path}), but now holds only {size}. {_RESTORED}",
                hint=_FETCH_BACK,
            )
        if (root if size == last.size else root_of(last.size)) != last.root:
            raise StorageError(
                "log_forked",
                f"The first {last.size} entries of this log are not the entries that this node signed "
                f"({self._path}). {_RESTORED}",
                hint=_FETCH_BACK,
            )

    def check_covers(self, size: int) -> None:
        """Refuse to continue if the database has a signed checkpoint that this file should know but does not.

        Args:
            size: of the stored checkpoint, 0 for none. It was recorded here before it was signed.

        Raises:
            StorageError: `head_missing`: the file is gone, or an older copy of it was put back.
        """
        known = 0 if self._last is None else self._last.size
        if known >= size:
            return
        found = "does not exist" if self._last is None else f"records only {known}"
        raise StorageError(
            "head_missing",
            f"This node signed a log of {size} entries, but {self._path}, the record of this, {found}.",
            hint=f"Put the original file back. {_WRITE_ANEW}",
        )

    def record(self, size: int, root: bytes) -> None:
        """Make `(size, root)` the last signed head, durably; only then may the signature leave.

        Raises:
            StorageError: it would go back (`log_rolled_back`, `log_forked`), or the file cannot be written.
        """
        assert size >= 0
        assert len(root) == HASH_BYTES
        last = self._last
        # The beginning of a larger tree was checked before; here it is taken for granted.
        self.check_may_sign(size, root, lambda _: last.root if last else root)
        if last is not None and last.size == size:
            return
        head = TreeHead(size=size, root=root)
        write_atomically(self._path, (json.dumps({"size": size, "root": root.hex()}) + "\n").encode())
        self._last = head


def _read(path: Path) -> TreeHead | None:
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError("unreadable_file", f"{path} cannot be read: {error.strerror}.") from error
    try:
        members = json.loads(text)
        head = TreeHead(size=members["size"], root=bytes.fromhex(members["root"]))
        well_formed = type(head.size) is int and head.size >= 0 and len(head.root) == HASH_BYTES
    except (ValueError, KeyError, TypeError):
        well_formed = False
    if not well_formed:
        raise StorageError(
            "head_corrupt",
            f"{path} must hold the last signed size and root, but does not.",
            hint=_WRITE_ANEW,
        )
    return head


class SignedState:
    """The last cosigned state in its file; one process at a time.

    Args:
        path: the file, in a folder that is not part of the database's backup; made when first written.

    Raises:
        StorageError: `state_corrupt`: the file is there and is not what `record` writes.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last = _read_state(path)

    @property
    def last(self) -> tuple[StateNote, Part] | None:
        """Return the last cosigned state, and its part of the log; None before the first."""
        return self._last

    def check_covers(self, count: int) -> None:
        """Refuse to continue if the database has a state cosigned by this node that this file should know but does not.

        Args:
            count: statements of the stored note, 0 if this node's cosignature is on none.

        Raises:
            StorageError: `state_missing`: the file is gone, or an older copy of it was put back.
        """
        known = 0 if self._last is None else self._last[0].count
        if known < count:
            raise StorageError(
                "state_missing",
                f"This node cosigned a state of {count} statements, and {self._path}, where that is recorded, "
                f"{'does not exist' if self._last is None else f'records only {known}'}.",
                hint="Put the original file back, or retire this node and start it under a new name.",
            )

    def record(self, state: StateNote, part: Part) -> None:
        """Make this the last cosigned state, durably; only then may the cosignature leave.

        Raises:
            StorageError: it would go back (`state_rolled_back`, `state_forked`), or the file cannot be written.
        """
        if self._last is not None:
            before = self._last[0]
            if (state.count, state.fold) < (before.count, before.fold):
                raise StorageError(
                    "state_rolled_back",
                    f"This node cosigned a state of {before.count} statements ({self._path}), but is now asked "
                    f"to cosign a state of {state.count}.",
                    hint="Nothing was signed. Run `accredit node audit`.",
                )
            if (state.count, state.fold) == (before.count, before.fold) and state.root != before.root:
                raise StorageError(
                    "state_forked",
                    f"This node has cosigned a different state of {before.count} statements ({self._path}).",
                    hint="Nothing was signed. Run `accredit node audit`.",
                )
            if (state, part) == self._last:
                return
        members = {"text": state.encode(), "size": part.size, "without": list(part.without)}
        write_atomically(self._path, (json.dumps(members) + "\n").encode())
        self._last = state, part


def _read_state(path: Path) -> tuple[StateNote, Part] | None:
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError("unreadable_file", f"{path} cannot be read: {error.strerror}.") from error
    try:
        members = json.loads(text)
        state = StateNote.decode(str(members["text"]))
        part = Part.of([members["size"], members["without"]])
    except (DecodeError, ValueError, KeyError, TypeError) as error:
        raise StorageError(
            "state_corrupt",
            f"{path} must hold the last cosigned state, but does not.",
            hint="Put the original file back, or retire this node and start it under a new name.",
        ) from error
    return state, part
