"""A mapping over another one: it keeps changes itself and reads everything else from the mapping below.

    base = {"a": 1, "b": 2}
    branch = Layered(base)
    branch["b"] = 3; del branch["a"]; branch["c"] = 4        base is as it was
    dict(branch) == {"b": 3, "c": 4}

So each branch of a large mapping costs only its differences. The base may be any mapping, even a `Layered`. It must not
change while a branch over it is in use, because the branch would see only a part of the change. Values are shared and
must not be changed in place; `inner` opens a mapping within a mapping for writing. `pour` writes a branch's differences
into its base; the base is then equal to the branch. `relay` puts what lies over emptied branches onto their base.

Iteration gives the base's keys first, in its order, then those added here; what is removed and added again keeps the
base's place. Data derived from a set of statements must not depend on this order.

It is not meant for many layers: each layer adds one look-up to a read.
"""

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import Any, Final, Protocol, TypeVar, runtime_checkable

K = TypeVar("K")
K_co = TypeVar("K_co", covariant=True)
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
        value: V = self.get(key, _ABSENT)
        if value is _ABSENT:
            raise KeyError(key)
        return value

    def get(self, key: K, default: Any = None) -> Any:
        """Return the value, or `default`."""
        at: Any = self
        while True:  # not one call for each layer: a fold asks a hundred times for each statement
            value = at._own.get(key, _ABSENT)
            if value is not _ABSENT:
                return default if value is _GONE else value
            at = at._base
            if type(at) is not Layered:
                return at.get(key, default)

    def __contains__(self, key: object) -> bool:
        at: Any = self
        while True:
            value = at._own.get(key, _ABSENT)
            if value is not _ABSENT:
                return value is not _GONE
            at = at._base
            if type(at) is not Layered:
                return key in at

    def __setitem__(self, key: K, value: V) -> None:
        own = self._own
        before = own.get(key, _ABSENT)
        if before is _GONE or (before is _ABSENT and key not in self._base):
            self._count += 1
        own[key] = value

    def __delitem__(self, key: K) -> None:
        own = self._own
        is_below = key in self._base
        if own.get(key, _ABSENT if is_below else _GONE) is _GONE:
            raise KeyError(key)
        self._count -= 1
        if is_below:
            own[key] = _GONE
        else:
            del own[key]

    def pop(self, key: K, default: Any = _ABSENT) -> Any:
        """Remove the value and return it; without it, return `default`.

        Most of what a fold removes is not there, and an error raised through every layer to say so is dear.

        Raises:
            KeyError: there is neither.
        """
        value = self.get(key, _GONE)
        if value is not _GONE:
            del self[key]
            return value
        if default is _ABSENT:
            raise KeyError(key)
        return default

    def __iter__(self) -> Iterator[K]:
        own, base = self._own, self._base
        for key in base:
            if own.get(key, _ABSENT) is not _GONE:
                yield key
        for key in own:
            if key not in base:
                yield key

    def own(self) -> Iterator[K]:
        """Yield the keys that were added or given another value here, in that order."""
        return (key for key, value in self._own.items() if value is not _GONE)


@runtime_checkable
class Parted(Protocol[K_co]):
    """A mapping whose keys are read in parts, because reading all takes long."""

    def keys_in_parts(self) -> Iterator[Sequence[K_co]]:
        """Yield them; see `keys_in_parts`."""
        ...


def keys_in_parts(mapping: Mapping[K, Any]) -> Iterator[Sequence[K]]:
    """Yield all keys of a mapping, each once, part by part in no order; a part may be empty.

    The mapping may change between two parts. Keys that are there all the time are among those yielded, others may be.
    """
    if isinstance(mapping, Layered):
        own = dict(mapping._own)  # first, because it may move down meanwhile
        yield [key for key, value in own.items() if value is not _GONE]
        for part in keys_in_parts(mapping._base):
            yield [key for key in part if key not in own]
    elif isinstance(mapping, Parted):
        yield from mapping.keys_in_parts()
    else:
        yield list(mapping)


def inner(outer: MutableMapping[K, MutableMapping[T, V]], key: K) -> MutableMapping[T, V]:
    """Return the mapping at `key` for writing, made if it is missing; mappings in the base of `outer` stay as they
    are."""
    found = outer.get(key)
    if found is None:
        outer[key] = {}
        found = outer[key]
    elif isinstance(outer, Layered) and key not in outer._own:
        found = outer[key] = Layered(found)
    return found


def pour(branch: Mapping[Any, Any]) -> None:
    """Write the differences of a branch into its base. Only this branch and branches of it may be used afterwards."""
    assert isinstance(branch, Layered)
    own, branch._own = branch._own, {}
    _write(own, branch._base)


def relay(branch: Mapping[Any, Any], base: Mapping[Any, Any]) -> None:
    """Put a branch over `base`, which must be equal to the mapping below it now; the branch reads as before."""
    assert isinstance(branch, Layered)
    branch._base = base
    for key, value in branch._own.items():
        if isinstance(value, Layered):  # made by `inner`
            value._base = base[key]


def _write(own: Mapping[Any, Any], below: Any) -> None:
    for key, value in own.items():
        if value is _GONE:
            del below[key]
        elif isinstance(value, Layered):
            _write(value._own, inner(below, key))
        else:
            below[key] = value
