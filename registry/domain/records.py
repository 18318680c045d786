"""What is in the registry once statements have taken effect: records, by type and id.

A record is a plain dict that deterministic CBOR can hold, derived from the effective statements about one subject and
from nothing else. Its place in the state map is `record_key`, its leaf `record_digest`. Each type's module says what
its record holds and has the pure function (`reduce…`) from statements to record: `issuers`, `accreditations`,
`frameworks`, `mappings`, `recognitions` here; charter, authority and node records come from `governance`.

`Records` is all that a decision reads: a node's fold, a snapshot and the records of an evidence file are each one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, NamedTuple, Protocol

from ..encoding.cbor import encode
from ..statement import Statement

FOLD_VERSION: Final = 2
"""The rules of reckoning by which statements become records here. 2: undoing takes what doing took."""

TYPES: Final = (
    "accreditation",
    "alias",
    "authority",
    "charter",
    "competency",
    "framework",
    "issuer",
    "mapping",
    "node",
    "recognition",
)


Subject = tuple[str, str]
"""Type and id of a record."""


class Records(Protocol):
    """What a decision reads."""

    def get(self, type: str, id: str) -> dict[str, Any] | None:
        """The record, which is not to be changed; None if there is none (and that, too, can be proved)."""
        ...


class MemoryRecords:
    """The simplest `Records`: a dictionary."""

    def __init__(self, records: Mapping[tuple[str, str], dict[str, Any]] | None = None) -> None:
        self._records = dict(records or {})

    def get(self, type: str, id: str) -> dict[str, Any] | None:
        return self._records.get((type, id))

    def put(self, type: str, id: str, record: dict[str, Any] | None) -> None:
        """Set a record, or remove it (None)."""
        assert type in TYPES, type
        if record is None:
            self._records.pop((type, id), None)
        else:
            self._records[type, id] = record


class Voice(NamedTuple):
    """Who speaks: a body *and* the mandate under which it does. Wherever "who" is compared, both are.

    A name alone is nobody's: whoever may delegate can name any body in a delegation, and give it a key of his own.

    Attributes:
        by: the authority's id; for an issuer's word on its own keys, the issuer's.
        via: None: the charter names the authority. Else the statement that lets it speak, 32 bytes: the delegation; for
            an issuer's own word, what stated the key that signed it.
        met: when its rule was met, seconds; None: when it was said.
        begins: from when it counts, seconds, for a statement that has an `effective_from`; None: as stated.
        is_anchored: somebody else's word shows that it was there before its author's mandate ended; always so for
            authorities that the charter names.
    """

    by: str
    via: bytes | None


def voice_of(said: Mapping[str, Any]) -> Voice:
    """The voice that a part of a record comes from."""
    return Voice(said["by"], said["via"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Effective:
    """One statement that has taken effect, with the voice it spoke for (`Voice`: `by`, `via`)."""

    statement: Statement
    by: str
    via: bytes | None
    met: int | None = None
    begins: int | None = None
    is_anchored: bool = True

    @property
    def effective_from(self) -> int:
        """From when it counts, seconds, for a statement that says so."""
        return int(self.statement.body["effective_from"]) if self.begins is None else self.begins

    @property
    def voice(self) -> Voice:
        """Who said it, under which mandate."""
        return Voice(self.by, self.via)


def record_key(type: str, id: str) -> bytes:
    """Where a record is in the state map: SHA-256 of type, a nought byte, id."""
    return sha256(type.encode() + b"\0" + id.encode()).digest()


def record_digest(record: Mapping[str, Any]) -> bytes:
    """SHA-256 of a record's one encoding: its leaf in the state map, and what an issuer's record says of each."""
    return sha256(encode(record)).digest()


def source(effective: Effective) -> dict[str, Any]:
    """The members that say where a part of a record comes from.

    Two are there only where they say something: `met`, if its rule was met at another time than it states;
    `unanchored`, if nothing but its own date shows that it was said before its author's mandate ended.
    """
    statement = effective.statement
    said = {"by": effective.by, "via": effective.via, "statement": statement.id, "iat": statement.iat}
    if effective.met not in (None, statement.iat):
        said["met"] = effective.met
    if not effective.is_anchored:
        said["unanchored"] = True
    return said


def met(said: Mapping[str, Any]) -> int:
    """When the rule of a part of a record was met, seconds."""
    time: int = said.get("met", said["iat"])
    return time


def oldest_first(parts: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return parts of a record in the order in which they took effect, for people: a record has them by id."""
    return sorted(parts, key=lambda one: (one.get("effective_from", met(one)), met(one), one["statement"]))


def in_order(statements: Iterable[Effective]) -> list[Effective]:
    """By id, each once: whatever the order of arrival, the record is the same."""
    unique = {(one.statement.id, one.by, one.via or b""): one for one in statements}
    return [unique[key] for key in sorted(unique)]


def standing(stated: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of facts stated one after another, those that no later one of the same voice names in its `after`."""
    if len(stated) == 1:
        return stated
    named = {(voice_of(fact), id) for fact in stated for id in fact.get("after", ())}
    return [fact for fact in stated if (voice_of(fact), fact["statement"]) not in named]
