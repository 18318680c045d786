"""A mapping over another one: it keeps changes itself and reads everything else from the mapping below.

    base = {"a": 1, "b": 2}
    branch = Layered(base)
    branch["b"] = 3; del branch["a"]; branch["c"] = 4        base is as it was
    dict(branch) == {"b": 3, "c": 4}

So many branches of one large mapping cost what they differ by, and no more. The base may be any mapping, a `Layered`
too. It must not be changed while a branch over it is in use: the branch would see some of it and not the rest. Values
are shared and must not be changed in place; a mapping within a mapping is opened for writing by `inner`.

Iteration gives the base's keys first, in its order, then those added here; what is removed and added again keeps the
base's place. Nothing that is derived from a set of statements may depend on it.

What it does not do: merge a branch down, or stack up without end. Reading costs one look-up more for each layer.
"""

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, Final, TypeVar

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")

_GONE: Final[Any] = object()
_ABSENT: Final[Any] = object()


class Layered(MutableMapping[K, V]):
    """See the module."""

    __slots__ = ("_base", "_count", "_own")

    def __init__(self, base: Mapping[K, V]) -> None:
        self._base = base
        self._own: dict[Any, Any] = {}
        self._count = len(base)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, key: K) -> V:
        value: V = self._own.get(key, _ABSENT)
        if value is _ABSENT:
            return self._base[key]
        if value is _GONE:
            raise KeyError(key)
        return value

    def get(self, key: K, default: Any = None) -> Any:
        """The value, or `default`."""
        value = self._own.get(key, _ABSENT)
        if value is _ABSENT:
            return self._base.get(key, default)
        return default if value is _GONE else value

    def __contains__(self, key: object) -> bool:
        value = self._own.get(key, _ABSENT)
        return key in self._base if value is _ABSENT else value is not _GONE

    def __setitem__(self, key: K, value: V) -> None:
        if key not in self:
            self._count += 1
        self._own[key] = value

    def __delitem__(self, key: K) -> None:
        if key not in self:
            raise KeyError(key)
        self._count -= 1
        if key in self._base:
            self._own[key] = _GONE
        else:
            del self._own[key]

    def __iter__(self) -> Iterator[K]:
        own, base = self._own, self._base
        for key in base:
            if own.get(key, _ABSENT) is not _GONE:
                yield key
        for key in own:
            if key not in base:
                yield key

    def own(self) -> Iterator[K]:
        """The keys that were added or given another value here, in that order."""
        return (key for key, value in self._own.items() if value is not _GONE)


def inner(outer: MutableMapping[K, MutableMapping[T, V]], key: K) -> MutableMapping[T, V]:
    """The mapping at `key`, made if there is none, to be written to: what lies in a base of `outer` stays as it is."""
    found = outer.get(key)
    if found is None:
        outer[key] = {}
        found = outer[key]
    elif isinstance(outer, Layered) and key not in outer._own:
        found = outer[key] = Layered(found)
    return found
