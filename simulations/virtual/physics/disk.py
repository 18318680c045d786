"""A node's disk: data survive a crash only after they are synced.

A write takes a moment. A crash during the write loses it, or leaves it on the disk unannounced: both happen to real
databases, and a node must be right after either. A disk may be full (the write fails, no part of it is kept)
or slow."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from accredit.registry.errors import StorageError

from .shared_list import SharedList

SYNC_MS: Final = 4
"""One transaction with synchronous FULL and a signed checkpoint: a guess between an SSD (1) and a busy disk (10)."""


@dataclass(slots=True, kw_only=True)
class Disk:
    """The log of one node as stored on its machine.

    Attributes:
        entries: synced, in order: id and whole encoding of each statement.
        is_full: whether the next write fails.
        slowness: how many times `SYNC_MS` a write takes.
    """

    entries: SharedList[tuple[bytes, bytes]] = field(default_factory=SharedList)
    is_full: bool = False
    slowness: int = 1
    _unsynced: tuple[tuple[bytes, bytes], ...] = ()

    @property
    def is_writing(self) -> bool:
        """Return whether a write is under way."""
        return bool(self._unsynced)

    def write(self, entries: Sequence[tuple[bytes, bytes]]) -> int:
        """Begin to write; call `sync` after the returned ms.

        Raises:
            StorageError: `disk_full`.
        """
        assert not self._unsynced, "one append is under way at a time"
        if self.is_full:
            raise StorageError("disk_full", "there is no space left for the log.", hint="Free some space.")
        self._unsynced = tuple(entries)
        return SYNC_MS * self.slowness

    def sync(self) -> int:
        """Finish the write; return the number of entries."""
        self.entries.extend(self._unsynced)
        self._unsynced = ()
        return len(self.entries)

    def crash(self, random: Random) -> bool:
        """Cut the power; return whether a running write is on the disk all the same."""
        survives = bool(self._unsynced) and random.random() < 0.5
        if survives:
            self.entries.extend(self._unsynced)
        self._unsynced = ()
        return survives
