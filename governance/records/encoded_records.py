"""Keeps records encoded, in a third of the memory of dicts, and decodes them on demand, once if they are used often."""

from collections.abc import Iterator, Mapping
from functools import lru_cache

from accredit.registry.domain.record_types import Record
from accredit.registry.domain.records import Subject
from accredit.registry.encoding.cbor import encode, reread


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
        """Return a record's encoding; None if there is no such record."""
        return self._raws[subject]

    def __or__(self, newer: "Picked") -> "Picked":
        return Picked(self._raws | newer._raws)


@lru_cache(maxsize=4_096)  # what is asked about often: some 3 KiB each, five times their encoding
def record_of(raw: bytes) -> Record:
    """A record that `encoding.encode` wrote; not to be changed, for it is shared."""
    record: Record = reread(raw)
    return record


def encoding_of(record: Record | None) -> bytes | None:
    """Return the one encoding of a record; None if there is no record."""
    return None if record is None else encode(record)


def encoded(changed: Mapping[Subject, Record | None]) -> Iterator[tuple[Subject, bytes | None]]:
    """Return records with their encodings; a record held encoded is not encoded again."""
    for subject in changed:
        if isinstance(changed, Picked):
            yield subject, changed.raw(subject)
        else:
            yield subject, encoding_of(changed[subject])
