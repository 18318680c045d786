"""Records by type and id: the content of the registry once statements have taken effect.

A record is a plain dict that deterministic CBOR can hold, derived only from the effective statements about one subject.
Its place in the state map is `record_key`, its leaf `record_digest`. `record_types` says what each type holds. The pure
functions (`reduce…`) from statements to records are in `issuers`, `accreditations`, `frameworks`, `mappings` and
`recognitions` here; charter, authority and node records come from `governance`.

A decision reads `Records` and nothing else: a node's fold, a snapshot and the records of an evidence file each
implement it. Read a record by `issuer_in(records, id)` and the like, which give it the type of its members.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby
from typing import Any, Final, NamedTuple, Protocol, TypeVar, cast

from ..encoding.cbor import encode
from ..encoding.identifiers import CanonicalId
from ..statement import Statement
from .record_types import (
    AccreditationRecord,
    AliasRecord,
    AuthorityRecord,
    CharterRecord,
    CompetencyRecord,
    EndStated,
    FrameworkRecord,
    IssuerRecord,
    MappingRecord,
    NeededRule,
    NodeRecord,
    RecognitionRecord,
    Record,
    RuledPart,
    Sourced,
    StatedFacts,
    TakesEffect,
    VoiceMembers,
)

FOLD_VERSION: Final = 3
"""The version of the rules by which statements become records. 2: an undoing needs the approvals that the doing needed.
3: mappings count, and a beginning may be known to its year or month only."""

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
    """The records that a decision reads."""

    def get(self, type: str, id: str) -> Record | None:
        """Return the record, which callers must not change; None if it does not exist (which can be proved too)."""
        ...


def issuer_in(records: Records, id: CanonicalId) -> IssuerRecord | None:
    """Return an issuer's record, by its id."""
    found: Any = records.get("issuer", id)
    record: IssuerRecord | None = found
    return record


def alias_in(records: Records, id: CanonicalId) -> AliasRecord | None:
    """Return the record of an id that issuers are also known by."""
    return cast("AliasRecord | None", records.get("alias", id))


def accreditation_in(records: Records, id: bytes) -> AccreditationRecord | None:
    """Return an accreditation's record, by the id of its grant."""
    found: Any = records.get("accreditation", id.hex())  # a `cast` is a call, and thousands of these are read a second
    record: AccreditationRecord | None = found
    return record


def framework_in(records: Records, id: CanonicalId) -> FrameworkRecord | None:
    """Return a framework's record, by its id."""
    return cast("FrameworkRecord | None", records.get("framework", id))


def competency_in(records: Records, id: CanonicalId) -> CompetencyRecord | None:
    """Return a competency's record, by its id or an alias of it."""
    return cast("CompetencyRecord | None", records.get("competency", id))


def mapping_in(records: Records, id: CanonicalId) -> MappingRecord | None:
    """Return a mapping's record, by its id."""
    return cast("MappingRecord | None", records.get("mapping", id))


def recognition_in(records: Records, id: CanonicalId) -> RecognitionRecord | None:
    """Return the record of what this ecosystem recognises, by its id."""
    return cast("RecognitionRecord | None", records.get("recognition", id))


def charter_in(records: Records, id: CanonicalId) -> CharterRecord | None:
    """Return the record of the charter in force, by the ecosystem's id."""
    return cast("CharterRecord | None", records.get("charter", id))


def authority_in(records: Records, id: CanonicalId) -> AuthorityRecord | None:
    """Return an authority's record, by its id."""
    return cast("AuthorityRecord | None", records.get("authority", id))


def node_in(records: Records, name: str) -> NodeRecord | None:
    """Return a node's record, by its name."""
    return cast("NodeRecord | None", records.get("node", name))


class MemoryRecords:
    """The simplest `Records`: a dictionary."""

    def __init__(self, records: Mapping[tuple[str, str], Record] | None = None) -> None:
        self._records = dict(records or {})

    def get(self, type: str, id: str) -> Record | None:
        return self._records.get((type, id))

    def put(self, type: str, id: str, record: Record | None) -> None:
        """Set a record, or remove it (None)."""
        assert type in TYPES, type
        if record is None:
            self._records.pop((type, id), None)
        else:
            self._records[type, id] = record


class Voice(NamedTuple):
    """The author of a statement: a body *and* the mandate under which it speaks. Comparisons of authors compare both.

    The body's id alone is not enough: a delegator can name any body in a delegation, and give it a key that the
    delegator holds.

    Attributes:
        by: the authority's id; for an issuer's word on its own keys, the issuer's.
        via: None if the charter names the authority. Else the id, 32 bytes, of the statement that lets it speak: the
            delegation, or for an issuer's own statement the one that stated its signing key.
        met: when its rule was met, seconds; None: at its own date.
        begins: from when it counts, seconds, for a statement that has an `effective_from`; None: as stated.
        is_anchored: another author's statement shows that it existed before its author's mandate ended; always true for
            authorities that the charter names.
    """

    by: CanonicalId
    via: bytes | None


def voice_of(said: VoiceMembers) -> Voice:
    """The voice that a part of a record comes from."""
    return Voice(said["by"], said["via"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Effective:
    """One statement that has taken effect, with the voice it spoke for (`Voice`: `by`, `via`).

    Attributes:
        rule: how many had to agree, for terms and for mappings that may extend them; None: one voice was enough.
    """

    statement: Statement
    by: CanonicalId
    via: bytes | None
    met: int | None = None
    begins: int | None = None
    is_anchored: bool = True
    rule: NeededRule | None = None

    @property
    def effective_from(self) -> int:
        """Return from when it counts, seconds; for statements with an `effective_from`."""
        return int(self.statement.body["effective_from"]) if self.begins is None else self.begins

    @property
    def voice(self) -> Voice:
        """Return its author and mandate."""
        return Voice(self.by, self.via)


def record_key(type: str, id: str) -> bytes:
    """Return a record's key in the state map: SHA-256 of type, a zero byte, id."""
    return sha256(type.encode() + b"\0" + id.encode()).digest()


def record_digest(record: Record) -> bytes:
    """Return the SHA-256 of a record's one encoding: its value in the state map, also listed in its issuer's record."""
    return sha256(encode(record)).digest()


def source(effective: Effective) -> Sourced:
    """Return the members that say where a part of a record comes from.

    Two of them are optional: `met`, if its rule was met at another time than its own date; `unanchored`, if only its
    own date shows that it was stated before its author's mandate ended.
    """
    statement = effective.statement
    said = Sourced(by=effective.by, via=effective.via, statement=statement.id, iat=statement.iat)
    if effective.met is not None and effective.met != statement.iat:
        said["met"] = effective.met
    if not effective.is_anchored:
        said["unanchored"] = True
    return said


def took(effective: Effective) -> RuledPart:
    """Return the member that says how many had to agree; empty if one voice was enough."""
    return RuledPart() if effective.rule is None else RuledPart(rule=effective.rule)


def took_as_much(rule: NeededRule | None, other: NeededRule | None) -> bool:
    """Return whether `rule` requires at least as many approvals as `other` does; None: one voice."""
    if other is None:
        return True
    mine: NeededRule = {"authorities": 1} if rule is None else rule
    seats = mine.get("constituencies", {})
    return mine["authorities"] >= other["authorities"] and all(
        seats.get(seat, 0) >= count for seat, count in other.get("constituencies", {}).items()
    )


def met(said: Sourced) -> int:
    """Return when the rule of a part of a record was met, seconds."""
    return said.get("met", said["iat"])


AHEAD_MAX: Final = 300
"""Seconds by which a statement may be ahead of its reader's clock and still count as made now, because clocks
differ."""


def is_ahead(said: Sourced, now: int) -> bool:
    """Return whether a part of a record is dated ahead of its reader's clock, and so has not been stated yet."""
    return said.get("met", said["iat"]) > now + AHEAD_MAX


class DatedEnd(Protocol):
    """Something that ends another: when its rule was met, and from when it counts, seconds."""

    @property
    def statement(self) -> Statement: ...

    @property
    def met(self) -> int | None: ...

    @property
    def effective_from(self) -> int: ...


def first_end(ends: Iterable[DatedEnd]) -> EndStated | None:
    """Return the earliest of several ends; None if there is none.

    `later` is there where each of them says itself that it begins after it was said.
    """
    several = sorted(ends, key=lambda end: (end.effective_from, end.statement.id))
    if not several:
        return None
    first = EndStated(statement=several[0].statement.id, effective_from=several[0].effective_from)
    if all(end.effective_from > (end.statement.iat if end.met is None else end.met) for end in several):
        first["later"] = True
    return first


def end_of(ended: EndStated, now: int) -> int:
    """Return from when something has ended, seconds, by its reader's clock.

    What ends it and is dated ahead ends it now, unless it says itself that it begins later: nobody waits for the clock
    of whoever takes trust away.
    """
    return ended["effective_from"] if "later" in ended else min(ended["effective_from"], now)


def begins_later(said: TakesEffect) -> bool:
    """Return whether a part of a record says itself that it begins after it was said."""
    return said["effective_from"] > met(said)


def heard_from(said: TakesEffect, known: int, *, narrows: bool) -> int:
    """Return from when a part of a record counts, seconds, by a clock that may be behind its signer's.

    What narrows and is dated ahead counts from then on, as `end_of`; what gives back waits for its date.
    """
    if narrows:
        return said["effective_from"] if begins_later(said) else min(said["effective_from"], known)
    return max(said["effective_from"], met(said)) if is_ahead(said, known) else said["effective_from"]


_Part = TypeVar("_Part", bound=Sourced)


def oldest_first(parts: Iterable[_Part]) -> list[_Part]:
    """Return parts of a record in the order in which they took effect, for people; a record itself sorts them by id.

    If two took effect in the same second, the one that names the other in its `after` comes second.
    """

    def when(part: _Part) -> tuple[int, int]:
        said: Mapping[str, Any] = part  # not every part has an `effective_from`
        return said.get("effective_from", met(part)), met(part)

    found: list[_Part] = []
    for _, together in groupby(sorted(parts, key=lambda part: (*when(part), part["statement"])), key=when):
        left = list(together)
        while left:
            ids = {part["statement"] for part in left}
            first = next((part for part in left if ids.isdisjoint(_after(part))), left[0])
            left.remove(first)
            found.append(first)
    return found


def _after(part: Mapping[str, Any]) -> Iterable[bytes]:
    named: Iterable[bytes] = part.get("after", ())
    return named


def in_order(statements: Iterable[Effective]) -> list[Effective]:
    """Return parts by id, each once, so that the order of arrival does not change the record."""
    unique = {(one.statement.id, one.by, one.via or b""): one for one in statements}
    return [unique[key] for key in sorted(unique)]


def standing(stated: list[StatedFacts]) -> list[StatedFacts]:
    """Return the facts that no later one of the same voice names in its `after`."""
    if len(stated) < 2:
        return stated
    named = {(voice_of(fact), id) for fact in stated for id in fact["after"]}
    return [fact for fact in stated if (voice_of(fact), fact["statement"]) not in named]
