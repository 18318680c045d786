"""Keeps rows of a table in memory: unwritten changes, and the rows read last.

    rows.get(key)                       from memory; otherwise reads it and keeps it for a while
    rows.look_ahead(keys)               the same for many, with few queries
    rows.put(key, value)                changed
    leaving = rows.take()               the changes since the last time, which are still found here until written
    rows.written() or rows.put_back()

Any thread may read, and one at a time may change. A read sees all earlier changes, whatever other threads read from the
database meanwhile.

It does not decide how a row is stored (`_read` of its subclass does), or when it is written.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from itertools import islice
from threading import Lock
from typing import Any, Final, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

ROWS: Final = 4_096
"""Least number of rows kept in memory after use; at most twice as many, and those being written. Some 0.5 KiB each. A
guess."""

AT_ONCE: Final = 256
"""Rows read by one query. More save nothing: 3 us a row; a single row takes 12."""


class RowCache(ABC, Generic[K, V]):
    """See the module.

    Args:
        absent: stands for a missing row; no stored value equals it.

    Attributes:
        is_empty: whether nothing is stored, so that reads need no query.
        known: as `get`, but None for a row that is not in memory, which `miss` reads. The fold reads fifty rows a
            statement.
    """

    def __init__(self, absent: V) -> None:
        self.absent: Final = absent
        self.is_empty = False
        self.fresh: dict[K, V] = {}
        self.leaving: dict[K, V] = {}
        self._held: dict[K, V] = {}  # all that is in memory, so that one look finds it
        self.known: Final = self._held.get
        self._epoch = 0  # rises before the stored rows change, so that rows read earlier are not kept
        self._lock = Lock()  # held by whoever keeps what was read, or lets go of something

    def get(self, key: K) -> V:
        """Return the value, which must not be changed; `absent` if there is none."""
        found = self._held.get(key)
        return self.miss(key) if found is None else found

    def put(self, key: K, value: V) -> None:
        """Set the value."""
        self.fresh[key] = self._held[key] = value

    def look_ahead(self, keys: Iterable[K]) -> None:
        """Read the rows of these keys that are not in memory, with few queries."""
        if self.is_empty:
            return
        missing = (key for key in dict.fromkeys(keys) if key not in self._held)
        while some := list(islice(missing, AT_ONCE)):
            epoch = self._epoch
            self._keep({**dict.fromkeys(some, self.absent), **self._read(some)}, epoch)

    def keep(self, values: Mapping[K, V]) -> None:
        """Keep these stored rows in memory."""
        self._keep(values, self._epoch)

    def take(self) -> Mapping[K, V]:
        """Return the changes since the last call, to be written."""
        assert not self.leaving, "one after the other"
        self._epoch += 1
        self.leaving = self.fresh
        self.fresh = {}
        return self.leaving

    def written(self) -> None:
        """Note that the taken changes are stored."""
        self._epoch += 1
        self.leaving, self.is_empty = {}, False
        self._keep({}, self._epoch)

    def put_back(self) -> None:
        """Note that the taken changes were not stored; `take` returns them again."""
        self.fresh, self.leaving = {**self.leaving, **self.fresh}, {}

    def forget(self) -> None:
        """Start as if nothing were stored or changed."""
        with self._lock:
            self._epoch += 1
            self.fresh, self.leaving = {}, {}
            self._held.clear()

    def outdated(self, keys: Iterable[K]) -> None:
        """Forget these rows, which another process has changed, and keep all others; nothing was changed here."""
        assert not self.newer(), "a process that follows another one changes nothing"
        with self._lock:
            self._epoch += 1
            for key in keys:
                self._held.pop(key, None)

    def newer(self) -> dict[K, V]:
        """Return the changes that may not be stored yet."""
        return {**self.leaving, **self.fresh}

    def miss(self, key: K) -> V:
        """Return what `get` does, for a row that was not in memory a moment ago."""
        found = self.fresh.get(key)
        if found is None:
            found = self.leaving.get(key)
        if found is None:
            if self.is_empty:
                return self.absent
            epoch = self._epoch
            found = self._read_one(key)
            with self._lock:
                if epoch == self._epoch and key not in self.fresh and key not in self.leaving:
                    self._held.setdefault(key, found)
            if len(self._held) > 2 * ROWS:
                self._keep({}, epoch)
        return found

    def _read_one(self, key: K) -> V:
        """Return the stored value; `absent` if there is none."""
        return self._read([key]).get(key, self.absent)

    def _keep(self, values: Mapping[K, V], epoch: int) -> None:
        with self._lock:
            if epoch != self._epoch:
                return
            held, fresh, leaving = self._held, self.fresh, self.leaving
            for key, value in values.items():
                if key not in fresh and key not in leaving:
                    held.setdefault(key, value)
            if len(held) > len(fresh) + len(leaving) + 2 * ROWS:
                clean = [key for key in list(held) if key not in fresh and key not in leaving]
                for key in clean[: max(0, len(clean) - ROWS)]:
                    del held[key]

    @abstractmethod
    def _read(self, keys: list[K]) -> Mapping[K, V]:
        """Read the stored rows of these keys."""


def marks(values: list[Any]) -> str:
    """Return that many parameter placeholders for SQL."""
    return ", ".join("?" * len(values))
