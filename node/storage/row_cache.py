"""Keeps rows of a table in memory: unwritten changes, and the rows read last.

    rows.get(key)                       from memory, or read and kept for a while
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
"""Rows kept in memory after use, at least; twice as many at most, and those that are being written. Some 0.5 KiB each.
A guess."""

AT_ONCE: Final = 256
"""Rows that one query asks for. More save nothing: 3 us a row, where one alone takes 12."""


class RowCache(ABC, Generic[K, V]):
    """See the module.

    Args:
        absent: stands for what is not stored; no value that is stored equals it.

    Attributes:
        is_empty: nothing is stored: there is no need to look.
    """

    def __init__(self, absent: V) -> None:
        self.absent: Final = absent
        self.is_empty = False
        self.fresh: dict[K, V] = {}
        self.leaving: dict[K, V] = {}
        self._held: dict[K, V] = {}  # all that is in memory, so that one look finds it
        self._epoch = 0  # rises before the stored rows change, so that rows read earlier are not kept
        self._lock = Lock()  # held by whoever keeps what was read, or lets go of something

    def get(self, key: K) -> V:
        """The value; `absent` where there is none. Not to be changed."""
        found = self._held.get(key)
        return self._miss(key) if found is None else found

    def put(self, key: K, value: V) -> None:
        """The value is now this one."""
        self.fresh[key] = self._held[key] = value

    def look_ahead(self, keys: Iterable[K]) -> None:
        """These will be asked for: what is not in memory is read at once."""
        if self.is_empty:
            return
        missing = (key for key in dict.fromkeys(keys) if key not in self._held)
        while some := list(islice(missing, AT_ONCE)):
            epoch = self._epoch
            self._keep({**dict.fromkeys(some, self.absent), **self._read(some)}, epoch)

    def keep(self, values: Mapping[K, V]) -> None:
        """These are stored, and may be asked for."""
        self._keep(values, self._epoch)

    def take(self) -> Mapping[K, V]:
        """What has changed since the last time, to be written."""
        assert not self.leaving, "one after the other"
        self._epoch += 1
        self.leaving = self.fresh
        self.fresh = {}
        return self.leaving

    def written(self) -> None:
        """What was taken is stored."""
        self._epoch += 1
        self.leaving, self.is_empty = {}, False
        self._keep({}, self._epoch)

    def put_back(self) -> None:
        """What was taken was not stored."""
        self.fresh, self.leaving = {**self.leaving, **self.fresh}, {}

    def forget(self) -> None:
        """As if nothing were stored, nor changed."""
        with self._lock:
            self._epoch += 1
            self.fresh, self.leaving, self._held = {}, {}, {}

    def newer(self) -> dict[K, V]:
        """What has changed and is perhaps not stored."""
        return {**self.leaving, **self.fresh}

    def _miss(self, key: K) -> V:
        found = self.fresh.get(key)
        if found is None:
            found = self.leaving.get(key)
        if found is None:
            if self.is_empty:
                return self.absent
            epoch = self._epoch
            found = self._read([key]).get(key, self.absent)
            self._keep({key: found}, epoch)
        return found

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
        """What is stored of these."""


def marks(values: list[Any]) -> str:
    """So many places for parameters in SQL."""
    return ", ".join("?" * len(values))
