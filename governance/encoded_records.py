"""Records kept encoded, in a third of the memory of dicts; decoded on demand, and only once if they are used often."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from sys import intern
from typing import Any, Final

from accredit.registry.domain.record_types import Record
from accredit.registry.domain.records import Subject
from accredit.registry.encoding.cbor import encode, reread

_NESTED: Final = frozenset((dict, list))


class Picked(Mapping[Subject, Record | None]):
    """Encoded records by type and id; see `Fold.pick`."""

    def __init__(self, raws: dict[Subject, bytes | None]) -> None:
        self._raws = raws

    def __getitem__(self, subject: Subject) -> Record | None:
        raw = self._raws[subject]
        return None if raw is None else reread(raw)

    def __iter__(self) -> Iterator[Subject]:
        return iter(self._raws)

    def __len__(self) -> int:
        return len(self._raws)

    def raw(self, subject: Subject) -> bytes | None:
        """A record as it is encoded; None where there is none."""
        return self._raws[subject]

    def __or__(self, newer: "Picked") -> "Picked":
        return Picked(self._raws | newer._raws)


@lru_cache(maxsize=8_192)  # what is asked about often: some 2 KiB each, three times their encoding
def record_of(raw: bytes) -> Record:
    """A record that `encoding.encode` wrote; not to be changed, for it is shared."""
    record: Record = _with_known_names(reread(raw))
    return record


def _with_known_names(value: Any) -> Any:
    """The value with the names of members as the ones that code looks for: then they are found at once."""
    if type(value) is dict:
        return {
            intern(name) if type(name) is str else name: _with_known_names(each) if type(each) in _NESTED else each
            for name, each in value.items()
        }
    return [_with_known_names(each) if type(each) in _NESTED else each for each in value]


def encoded(changed: Mapping[Subject, Record | None]) -> Iterator[tuple[Subject, bytes | None]]:
    """Records and their encodings, whatever holds them: what is encoded already is not encoded again."""
    for subject in changed:
        if isinstance(changed, Picked):
            yield subject, changed.raw(subject)
        else:
            record = changed[subject]
            yield subject, None if record is None else encode(record)
