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
from ..domain.vocabulary import NARROWING_EVENTS, STATUSES, IssuedEarlier, NewlyIssued
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


LAPSED: Final = "lapsed"
"""How an event ended whose own `effective_until` has come."""


class Ending(NamedTuple):
    """How something that was said ceased to count.

    Attributes:
        how: the event of `vocabulary.EVENTS` that ended it, or `LAPSED`.
        at: from when it counts no more, seconds.
        statement: what ended it; None where its own end had come.
    """

    how: str
    at: int
    statement: bytes | None = None


class Occurrence(NamedTuple):
    """Something that was said about an accreditation.

    Attributes:
        event: `granted`, `amended`, or an event of `vocabulary.EVENTS`.
        effective: from when it counts, seconds. stated: its own date, seconds.
        members: the whole entry, as in the record.
        ending: how it ceased to count; None if it still counts, or belongs to one moment only.
    """

    event: str
    effective: int
    stated: int
    members: Mapping[str, Any]
    ending: Ending | None = None


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
    before = {one["statement"]: frozenset(one["after"]) for one in events}
    found += [
        Occurrence(one["event"], one["effective_from"], one["iat"], one, _ending(one, events, before)) for one in events
    ]
    return sorted(found, key=lambda one: (one.effective, one.stated))


def _ending(
    event: StatedEvent, events: Sequence[StatedEvent], before: Mapping[bytes, frozenset[bytes]]
) -> Ending | None:
    """What first took an event's effect from it.

    Args:
        before: what each event follows.
    """
    found = []
    # A teach-out does not lapse: from its end on the accreditation has expired.
    if "effective_until" in event and event["event"] != "teach_out":
        found.append(Ending(LAPSED, event["effective_until"]))
    for later in events:
        if _ends(later["event"], event["event"]) and _follows(later, event["statement"], before):
            found.append(Ending(later["event"], later["effective_from"], later["statement"]))
    return min(found, key=lambda one: (one.at, one.statement or b""), default=None)


def _ends(later: str, earlier: str) -> bool:
    """Whether an event of one kind ends one of another that it follows."""
    if earlier == "stay":
        return later in NARROWING_EVENTS
    if earlier == "appeal_open":
        return later == "appeal_decide"
    return earlier in NARROWING_EVENTS and later in ("lift", "reinstate", "renew", "annul")


def _follows(later: StatedEvent, earlier: bytes, before: Mapping[bytes, frozenset[bytes]]) -> bool:
    """Whether an event comes after another; an annulment is about what it names, and about nothing further back."""
    pending, seen = [*later["after"]], set[bytes]()
    while pending:
        one = pending.pop()
        if one == earlier:
            return True
        if one not in seen and later["event"] != "annul":
            pending += before.get(one, ())
        seen.add(one)
    return False


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
