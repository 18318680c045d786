"""An accreditation's timeline: its events, and for each day the verdict today on a credential issued that day.

    spells(record, now)  -> [Spell(begins=2015-01-01, ends=2024-07-01, word="active", verdict=trusted_historical), …]
    occurrences(record)  -> [Occurrence(event="granted", …), Occurrence(event="suspend", …), …]

A *spell* is a run of days with the same status, as known now. Its verdict is what `decide` says today about a
credential of those days, judged by this accreditation's own terms and status alone; a real decision also checks the
accreditor's mandate, the issuer's keys and the scope. Future days are shown as announced so far.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from ..domain.accreditations import Status, certain_from, status_at, terms_at
from ..domain.record_types import AccreditationRecord, StatedEvent
from ..domain.records import met, oldest_first
from ..domain.vocabulary import STATUSES, IssuedEarlier, NewlyIssued
from .verdict import Verdict

NOT_YET: Final = "not_yet"
"""The word of a spell whose terms have been stated but are not valid yet."""

_NEWLY: Final = {
    NewlyIssued.TRUSTED: Verdict.TRUSTED,
    NewlyIssued.ADVISORY: Verdict.TRUSTED_WITH_ADVISORY,
    NewlyIssued.SUSPENDED: Verdict.SUSPENDED,
    NewlyIssued.LISTED_PROGRAMS: Verdict.TRUSTED_WITH_ADVISORY,
    NewlyIssued.NOT_TRUSTED: Verdict.NOT_TRUSTED,
}


class Occurrence(NamedTuple):
    """Something that was said about an accreditation.

    Attributes:
        event: `granted`, `amended`, or an event of `vocabulary.EVENTS`.
        effective: from when it counts, seconds. stated: its own date, seconds.
        members: the whole entry, as in the record.
    """

    event: str
    effective: int
    stated: int
    members: Mapping[str, Any]


class Spell(NamedTuple):
    """A stretch of days with one status.

    Attributes:
        begins, ends: seconds; `ends` is the first second after it, None if no end is announced.
        word: one of `vocabulary.STATUSES`, or `NOT_YET`.
        event: the event that caused it; None for the initial status, for expiry by date, and before the accreditation
            began.
        is_stayed, has_appeal: as in `Status`.
        verdict: the verdict today on a credential of these days; for future days, the verdict then.
        programs: during a teach-out, the only programmes to which the verdict applies; else empty.
    """

    begins: int
    ends: int | None
    word: str
    event: StatedEvent | None
    is_stayed: bool
    has_appeal: bool
    verdict: Verdict
    programs: tuple[str, ...] = ()


def occurrences(record: AccreditationRecord) -> list[Occurrence]:
    """Returns everything that was said about an accreditation, in the order in which it counts."""
    grant, *amendments = record["terms"]
    found = [Occurrence("granted", grant["valid_from"], grant["iat"], grant)]
    found += [Occurrence("amended", one["effective_from"], one["iat"], one) for one in oldest_first(amendments)]
    events = oldest_first(record["events"])
    found += [Occurrence(one["event"], one["effective_from"], one["iat"], one) for one in events]
    return sorted(found, key=lambda one: (one.effective, one.stated))


def spells(record: AccreditationRecord, now: int, *, max_backdating: int | None = None) -> list[Spell]:
    """Returns the spells of an accreditation, from its first day on.

    Args:
        now: the answerer's clock, seconds since 1970.
        max_backdating: the charter's cap, seconds; None: no cap.
    """
    found: list[Spell] = []
    for begins in _dates(record, now):
        spell = _spell(record, begins, now, max_backdating)
        if found and _alike(found[-1], spell):
            continue
        if found:
            found[-1] = found[-1]._replace(ends=begins)
        found.append(spell)
    return found


def _dates(record: AccreditationRecord, now: int) -> list[int]:
    """Every second at which the status or its worth may change, ascending."""
    dates = {now}
    for terms in record["terms"]:
        dates |= {terms["effective_from"], terms["valid_from"], certain_from(terms), met(terms)}
        dates |= {terms["valid_until"]} if "valid_until" in terms else set()
    for event in record["events"]:
        dates |= {event[name] for name in ("effective_from", "effective_until", "void_from") if name in event}
    first = record["terms"][0]["valid_from"]
    return [first, *sorted(date for date in dates if date > first)]


def _spell(record: AccreditationRecord, time: int, now: int, max_backdating: int | None) -> Spell:
    terms = terms_at(record, time, max_backdating=max_backdating)
    status = status_at(record, time, known=max(time, now))
    if not terms or any(time < certain_from(one) for one in terms):
        return Spell(time, None, NOT_YET, None, False, False, Verdict.NOT_TRUSTED)
    verdict = _NEWLY[STATUSES[status.word].newly]
    is_noted = status.is_stayed or any(one.get("conditions") or time < met(one) for one in terms)
    if verdict is Verdict.TRUSTED and is_noted:
        verdict = Verdict.TRUSTED_WITH_ADVISORY
    if time < now and verdict in (Verdict.TRUSTED, Verdict.TRUSTED_WITH_ADVISORY) and _is_lost(record, status, now):
        verdict = Verdict.TRUSTED_HISTORICAL
    programs: Sequence[str] = ()
    if STATUSES[status.word].newly is NewlyIssued.LISTED_PROGRAMS and status.event is not None:
        programs = status.event["applies_to"].get("programs", ())
    return Spell(
        time, None, status.word, status.event, status.is_stayed, status.has_appeal, verdict, programs=tuple(programs)
    )


def _is_lost(record: AccreditationRecord, then: Status, now: int) -> bool:
    """Return whether trust that existed then has been lost by now, though not retroactively."""
    today = status_at(record, now, known=now)
    is_loss = STATUSES[today.word].earlier is not IssuedEarlier.TRUSTED
    return is_loss and (today.word, today.since) != (then.word, then.since)


def _alike(one: Spell, other: Spell) -> bool:
    """Return whether two consecutive spells can be joined."""
    return one._replace(begins=0, ends=None, event=None) == other._replace(begins=0, ends=None, event=None) and (
        one.event is other.event or (one.event is not None and one.event == other.event)
    )
