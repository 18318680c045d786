"""A sequence that thousands of hosts mostly share: first the founding statements, then each host's own items.

    log = SharedList(founding)
    log.append(entry)             log.own == [entry]; the founding is held once, however many share it

A host that changes shared items gets a copy of all, and no longer shares any."""

from collections.abc import Iterable, Iterator, MutableSequence
from typing import Any, TypeVar, overload

T = TypeVar("T")


class SharedList(MutableSequence[T]):
    """See the module.

    Attributes:
        base: the shared items; never changed.
        own: the items after them.
    """

    def __init__(self, base: tuple[T, ...] = (), own: Iterable[T] = ()) -> None:
        self.base = base
        self.own = list(own)

    def __len__(self) -> int:
        return len(self.base) + len(self.own)

    def __iter__(self) -> Iterator[T]:
        yield from self.base
        yield from self.own

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> list[T]: ...

    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step == 1 and start >= len(self.base):
                return self.own[start - len(self.base) : max(0, stop - len(self.base))]
            return [*self.base, *self.own][index]
        at = index if index >= 0 else len(self) + index
        return self.base[at] if 0 <= at < len(self.base) else self.own[at - len(self.base) if at >= 0 else len(self)]

    def __setitem__(self, index: Any, value: Any) -> None:
        self._all()[index] = value

    def __delitem__(self, index: int | slice) -> None:
        del self._all()[index]

    def insert(self, index: int, value: T) -> None:
        """See `list.insert`."""
        at = index if index >= 0 else max(0, len(self) + index)
        if at < len(self.base):
            self._all().insert(index, value)
        else:
            self.own.insert(at - len(self.base), value)

    def _all(self) -> list[T]:
        """Return all items as the host's own."""
        self.base, self.own = (), [*self.base, *self.own]
        return self.own
