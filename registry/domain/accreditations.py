"""An accreditation: an authority's grant to an issuer, its terms, and its status, which follows from dated events.

Its id is that of the grant statement, and its accreditor is the authority that made the grant. The body repeats
neither, so nobody can squat an id or misstate an accreditor. *Terms* (scope, validity, conditions) are the grant's,
then each amendment's.

Record `accreditation` (id: the grant's id in hex; events by id):

    {id, issuer, by, via, iat, kind, level, ?publishers,
     terms:  [{by, via, statement, iat, after, effective_from, scope, valid_from, ?valid_until, …}],   ; the grant first
     events: [{by, via, statement, iat, event, effective_from, after, …}]}

The record stores no status: `status_at` derives it for any time from the events and the graph that their `after`
members form. The rules:

1. An event is *present* from its `effective_from` (a revocation from its `void_from`, where it has one) until its
   `effective_until`. A `teach_out` does not lapse: from its end on it means expired.
2. `annul` states that the narrowing events it names were wrong: they are absent at all times.
3. *Heads* are the present events that no other present event names, directly or through others. Every head bears a
   status; the most restrictive one decides, then the one with the earliest start, then the one with the lowest id.
4. A narrowing event bears its own status, or that of the events it follows if theirs is more restrictive: a warning
   never undoes a suspension. To undo is to widen, and has events of its own: `lift` and `reinstate` restore the status
   from before any trouble (the initial status, or active after a `renew`); `renew` makes it active.
5. `stay` bears the status from before the events it names. `annul`, `appeal_open` and `appeal_decide` change no status
   by themselves, so they bear that of the events named or before.
6. Without present events the status is the initial one. Validity adds to this: the status is expired from the
   `valid_until` of any standing terms, unless a status at least as restrictive began before.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, cast

from ..encoding import schema
from ..encoding.identifiers import CanonicalId
from ..encoding.rfc3339 import PRECISIONS, about, day, next_period
from ..errors import DecodeError
from ..limits import TIME_MAX, TIME_MIN
from .bodies import AccreditationGrant, PublisherMandate
from .issuers import AFTER
from .record_types import AccreditationRecord, StatedEvent, StatedTerms
from .records import Effective, Voice, begins_later, heard_from, in_order, is_ahead, met, oldest_first, source, took
from .scope import check_scope
from .vocabulary import (
    ACCREDITATION_KINDS,
    ACCREDITATION_LEVELS,
    EVENTS,
    INITIAL_STATUSES,
    LAPSING_EVENTS,
    NARROWING_EVENTS,
    REASON_CODES,
    SANCTION_LEVELS,
    STATUSES,
    VOID_RANK,
    status_of_event,
)

# ------------------------------------------------------------------------------------------------ shapes

EVIDENCE: Final = schema.list_of(schema.members({"uri": schema.link, "digest": schema.digest}), maximum=50)
"""Documents by address and SHA-256, so that the text relied on can be told from the text there now."""

_CONDITIONS: Final = schema.list_of(
    schema.members({"text": schema.prose}, {"code": schema.text(64), "due_by": schema.time}), maximum=50
)
_TERMS: Final[Mapping[str, schema.Check]] = {
    "valid_from_precision": schema.one_of(*PRECISIONS),
    "valid_until": schema.time,
    "conditions": _CONDITIONS,
    "review_due": schema.time,
    "policy": schema.link,
    "evidence": EVIDENCE,
}
_MANDATE: Final = schema.members({"by": schema.issuer_id, "via": schema.digest})

_PUBLISHER: Final = schema.either(_MANDATE, schema.issuer_id)
"""An authority that the charter names, by its id; or a delegate under one delegation, `{by, via}`."""


def publisher(named: CanonicalId | PublisherMandate) -> Voice:
    """The voice that an entry of `publishers` means."""
    return Voice(named, None) if isinstance(named, str) else Voice(named["by"], named["via"])


_GRANT: Final = schema.members(
    {
        "issuer": schema.issuer_id,
        "kind": schema.one_of(*ACCREDITATION_KINDS),
        "level": schema.one_of(*ACCREDITATION_LEVELS),
        "scope": check_scope,
        "valid_from": schema.time,
    },
    {
        **_TERMS,
        "initial_status": schema.one_of(*INITIAL_STATUSES),
        "publishers": schema.list_of(_PUBLISHER, maximum=50),
        "source_record": schema.members({"system": schema.text(100), "id": schema.text()}),
    },
)
_AMENDMENT: Final = schema.members(
    {
        "accreditation": schema.digest,
        "after": AFTER,
        "effective_from": schema.time,
        "scope": check_scope,
        "valid_from": schema.time,
    },
    {**_TERMS, "reason_text": schema.prose},
)
_STATUS: Final = schema.members(
    {
        "accreditation": schema.digest,
        "event": schema.one_of(*EVENTS),
        "effective_from": schema.time,
        "after": AFTER,
    },
    {
        "sanction_level": schema.one_of(*SANCTION_LEVELS),
        "reason_code": schema.one_of(*REASON_CODES),
        "reason_text": schema.prose,
        "effective_until": schema.time,
        "void_from": schema.time,
        "applies_to": schema.members(
            {}, {"programs": schema.list_of(schema.text(200), minimum=1), "cohorts_enrolled_before": schema.time}
        ),
        "successor": schema.issuer_id,
        "detected_at": schema.time,
        "evidence": EVIDENCE,
    },
)
BELONGS_TO: Final[Mapping[str, Sequence[str]]] = {
    "sanction_level": ("sanction",),
    "effective_until": LAPSING_EVENTS,
    "void_from": ("revoke",),
    "applies_to": ("teach_out",),
    "successor": ("supersede", "close"),
}
"""Members of a status event that only some events may have."""

NEEDS: Final[Mapping[str, Sequence[str]]] = {
    "sanction": ("sanction_level",),
    "teach_out": ("applies_to",),
    "supersede": ("successor",),
    "revoke": ("reason_code",),
    "withdraw": ("reason_code",),
    "deny": ("reason_code",),
}
"""Events and the members that they must have."""

_CHOICES: Final[Mapping[str, Sequence[str]]] = {"reason_code": REASON_CODES, "sanction_level": SANCTION_LEVELS}


def _add(member: str) -> str:
    choices = _CHOICES.get(member)
    if member == "successor":
        return "Add successor, the id of the issuer that takes its place."
    return f"Add {member}." if choices is None else f"Add {member}, one of: {', '.join(choices)}."


_NAMES_WHAT_IT_FOLLOWS: Final = ("lift", "reinstate", "stay", "annul", "appeal_open", "appeal_decide")


def check_grant(body: Any, path: str = "body") -> None:
    """The shape of `accreditation.grant`."""
    _GRANT(body, path)
    _check_validity(body, path)


def check_amend(body: Any, path: str = "body") -> None:
    """Check the shape of `accreditation.amend`, which holds the whole new set of terms."""
    _AMENDMENT(body, path)
    _check_validity(body, path)


def check_status(body: Any, path: str = "body") -> None:
    """The shape of `accreditation.status`."""
    _STATUS(body, path)
    event = body["event"]
    for member, events in BELONGS_TO.items():
        if member in body and event not in events:
            raise DecodeError("unknown_member", f"{member} belongs to {', '.join(events)}, not to {event}.", where=path)
    for member in NEEDS.get(event, ()):
        if member not in body:
            raise DecodeError("missing_member", f"{event} needs {member}.", where=path, hint=_add(member))
    if event in _NAMES_WHAT_IT_FOLLOWS and not body["after"]:
        raise DecodeError(
            "missing_member",
            f"{event} must list in after the events it refers to.",
            where=f"{path}.after",
            hint="Add their statement ids to after.",
        )
    if body.get("reason_code") == "other" and "reason_text" not in body:
        raise DecodeError(
            "missing_member", "the reason code other needs reason_text.", where=path, hint="Add reason_text."
        )
    if body.get("effective_until", TIME_MAX + 1) <= body["effective_from"]:
        raise DecodeError("never_valid", "it would end before it begins.", where=f"{path}.effective_until")
    if body.get("void_from", TIME_MIN) > body["effective_from"]:
        raise DecodeError("bad_member", "void_from is later than effective_from.", where=f"{path}.void_from")


def _check_validity(body: Mapping[str, Any], path: str) -> None:
    if body.get("valid_until", TIME_MAX + 1) <= body["valid_from"]:
        raise DecodeError("never_valid", "it would end before it begins.", where=f"{path}.valid_until")
    precision = body.get("valid_from_precision")
    if precision is not None and next_period(body["valid_from"], precision) is None:
        raise DecodeError(
            "bad_member",
            f"expected the first second of a {precision}, because valid_from_precision says {precision}.",
            where=f"{path}.valid_from",
            hint=f"Write the beginning of that {precision}, or leave valid_from_precision out.",
        )


def certain_from(terms: Mapping[str, Any]) -> int:
    """Return the first second at which terms are surely valid: `valid_from`, or the end of the year or month if no day
    is known.

    Args:
        terms: of a record, or the body of a grant or an amendment.
    """
    start: int = terms["valid_from"]
    precision = terms.get("valid_from_precision")
    return start if precision is None else next_period(start, precision) or start


def beginning(terms: Mapping[str, Any]) -> str:
    """When terms begin, as exactly as it is known: `1987-05-20`, `about 1987`.

    Args:
        terms: of a record, or the body of a grant or an amendment.
    """
    precision = terms.get("valid_from_precision")
    return day(terms["valid_from"]) if precision is None else about(terms["valid_from"], precision)


# ------------------------------------------------------------------------------------------------ record

_NOT_TERMS: Final = ("issuer", "kind", "level", "publishers", "accreditation", "after")


def reduce(grant: Effective, amends: Sequence[Effective], events: Sequence[Effective]) -> AccreditationRecord:
    """Return the accreditation's record from amendments and events that are already known to count."""
    body = cast(AccreditationGrant, grant.statement.body)
    record: AccreditationRecord = {
        "id": grant.statement.id,
        "issuer": body["issuer"],
        "by": grant.by,
        "via": grant.via,
        "iat": grant.statement.iat,
        "kind": body["kind"],
        "level": body["level"],
        "terms": [_terms(grant, body["valid_from"]), *(_terms(one, one.effective_from) for one in in_order(amends))],
        "events": [_event(one) for one in in_order(events)],
    }
    if "publishers" in body:
        record["publishers"] = sorted(
            body["publishers"], key=lambda one: (publisher(one).by, publisher(one).via or b"")
        )
    return record


def _terms(said: Effective, effective_from: int) -> StatedTerms:
    body = said.statement.body
    kept = {name: value for name, value in body.items() if name not in _NOT_TERMS}
    after = sorted(body.get("after", ()))
    return cast(StatedTerms, {**kept, "effective_from": effective_from, **source(said), **took(said), "after": after})


def _event(said: Effective) -> StatedEvent:
    body = said.statement.body
    kept = {name: value for name, value in body.items() if name != "accreditation"}
    return cast(StatedEvent, {**kept, "effective_from": said.effective_from, **source(said)})


def as_it_happened(record: AccreditationRecord) -> AccreditationRecord:
    """Return an accreditation's record with the grant's terms, then amendments and events oldest first, for people."""
    grant, *amendments = record["terms"]
    return {**record, "terms": [grant, *oldest_first(amendments)], "events": oldest_first(record["events"])}


# ------------------------------------------------------------------------------------------------ terms as of a time


def terms_at(
    record: AccreditationRecord, time: int, *, max_backdating: int | None = None, known: int | None = None
) -> list[StatedTerms]:
    """Return the terms that stand at `time`; all of them must cover a question. Empty before the first takes effect.

    An amendment dated ahead of `known` replaces nothing yet. But what it takes away is gone at once, so it must also
    cover a question, unless it states a later beginning itself.

    Args:
        max_backdating: seconds before they were stated that terms apply at most (a charter's rule).
        known: the reader's clock, seconds; a statement dated ahead of it has not been made yet. None: all in the record
            has been.
    """
    terms = record["terms"]
    if len(terms) == 1:  # the usual case: the same as below, without lists
        is_said = known is None or not is_ahead(terms[0], known)
        return terms if is_said and _applies_from(terms[0], max_backdating) <= time else []
    if known is not None and any(is_ahead(one, known) for one in terms):
        said = [one for one in terms if not is_ahead(one, known)]
        if not said or said[0] is not terms[0]:
            return []  # nobody has accredited it yet
        replaced = terms_at({**record, "terms": said}, time, max_backdating=max_backdating)
        binding = [one for one in terms if time >= known and is_ahead(one, known) and not begins_later(one)]
        return [*replaced, *binding] if replaced else []
    present = [one for one in terms if _applies_from(one, max_backdating) <= time]
    if len(present) < 2:
        return present
    grant, amendments = terms[0], terms[1:]
    parents = {one["statement"]: one["after"] for one in amendments}
    named = _ancestors(parents, [one["statement"] for one in present])
    # Every amendment says which accreditation it amends, and so knows the grant.
    return [one for one in present if one is not grant and one["statement"] not in named]


def _applies_from(terms: StatedTerms, max_backdating: int | None) -> int:
    start = terms["effective_from"]
    return start if max_backdating is None else max(start, met(terms) - max_backdating)


# ------------------------------------------------------------------------------------------------ status as of a time


class Status(NamedTuple):
    """An accreditation's status at some time.

    Attributes:
        word: one of `vocabulary.STATUSES`.
        since: when the event or term that causes it began to count, seconds.
        events: ids of the heads, on which it rests. Empty: the initial status.
        event: the event that decides, as in the record; None for the initial status and for expiry by date.
        is_stayed: a pending appeal keeps an event from counting.
        has_appeal: an appeal is open.
    """

    word: str
    since: int
    events: tuple[bytes, ...] = ()
    event: StatedEvent | None = None
    is_stayed: bool = False
    has_appeal: bool = False


class _Bearing(NamedTuple):
    """A status borne by an event: `order` sorts the most restrictive first."""

    rank: int
    since: int
    id: bytes
    word: str
    event: StatedEvent | None

    @property
    def order(self) -> tuple[int, int, bytes]:
        return self.rank, self.since, self.id


def status_at(record: AccreditationRecord, time: int, *, known: int | None = None) -> Status:
    """Return the status at `time`, by the events that have taken effect by `known` (None: all in the record).

    A narrowing event dated ahead of `known` takes effect at `known`, unless it states a later beginning itself: readers
    do not wait for the clock of an authority that takes trust away. An event that gives trust back waits for its date.

    Terms that are not valid yet have a status too: ask `terms_at` whether they stand.
    """
    grant = record["terms"][0]
    word, since = grant.get("initial_status", "active"), grant["effective_from"]
    status = None
    if record["events"]:
        initial = _Bearing(STATUSES[word].rank, since, record["id"], word, None)
        events = record["events"] if known is None else [_as_heard(event, known) for event in record["events"]]
        status = (
            _by_one(events[0], initial, time, known) if len(events) == 1 else _by_events(events, initial, time, known)
        )
    expiry = _expiry(record, time, known)
    if expiry is not None and (status is None or _yields_to_expiry(status, expiry)):
        return Status(word="expired", since=expiry)
    return status or Status(word=word, since=since)


def _yields_to_expiry(status: Status, expiry: int) -> bool:
    rank = STATUSES[status.word].rank
    return (STATUSES["expired"].rank, expiry) < (rank, status.since)


def _as_heard(event: StatedEvent, known: int) -> StatedEvent:
    """An event as it counts by a clock that may be behind its signer's."""
    start = heard_from(event, known, narrows=event["event"] in NARROWING_EVENTS)
    return event if start == event["effective_from"] else {**event, "effective_from": start}


def _expiry(record: AccreditationRecord, time: int, known: int | None) -> int | None:
    """Return when the terms that stand at `time` ended, if they have; the earliest end if several stand."""
    stated = record["terms"]
    if len(stated) == 1:
        until = stated[0].get("valid_until")
        return until if until is not None and until <= time else None
    ends = [terms["valid_until"] for terms in terms_at(record, time, known=known) if "valid_until" in terms]
    return min((end for end in ends if end <= time), default=None)


def _by_events(events: Sequence[StatedEvent], initial: _Bearing, time: int, known: int | None) -> Status | None:
    by_id = {event["statement"]: event for event in events}
    heard = {id: event for id, event in by_id.items() if known is None or event["effective_from"] <= known}
    wrong = {
        id
        for event in heard.values()
        if event["event"] == "annul"
        for id in event["after"]
        if id in by_id and by_id[id]["event"] in NARROWING_EVENTS
    }
    present = {id: event for id, event in heard.items() if id not in wrong and _is_present(event, time)}
    if not present:
        return None
    graph = _Graph(by_id, present, initial, time)
    named = _ancestors({id: event["after"] for id, event in by_id.items()}, present)
    heads = [id for id in present if id not in named]
    borne = min((graph.bearing(id) for id in heads), key=lambda bearing: bearing.order)
    return Status(
        word=borne.word,
        since=borne.since,
        events=tuple(heads),
        event=borne.event,
        is_stayed=any(id in graph.stays for id in heads),
        has_appeal=any(id in graph.appeals for id in heads),
    )


def _by_one(event: StatedEvent, initial: _Bearing, time: int, known: int | None) -> Status | None:
    """As of `_by_events`, for most accreditations have one event or none."""
    if (known is not None and event["effective_from"] > known) or not _is_present(event, time):
        return None
    id = event["statement"]
    if event["event"] in NARROWING_EVENTS:
        borne = _narrowed(event, initial, time)
    else:
        borne = _Graph({id: event}, {id: event}, initial, time).bearing(id)
    word = event["event"]
    return Status(borne.word, borne.since, (id,), borne.event, word == "stay", word == "appeal_open")


def _is_present(event: StatedEvent, time: int) -> bool:
    if event.get("void_from", event["effective_from"]) > time:
        return False
    return event["event"] == "teach_out" or event.get("effective_until", TIME_MAX + 1) > time


_OF_APPEALS: Final = ("appeal_open", "appeal_decide")
"""Events that change no status by themselves."""


class _Graph:
    """The status that each present event bears, computed parents first and without recursion, so that no history is too
    long.

    Attributes:
        stays: events under which something is stayed: stays, and statements about an appeal after one. A decided appeal
            ends no stay: an authority that decides against the appeal states its decision again.
        appeals: events under which an appeal is open, until it is decided or the contested event is taken back.
    """

    def __init__(
        self,
        by_id: Mapping[bytes, StatedEvent],
        present: Mapping[bytes, StatedEvent],
        initial: _Bearing,
        time: int,
    ) -> None:
        self._present = present
        self._initial = initial
        self._time = time
        # The events that an event follows (an absent one is replaced by those it follows), and the unimpaired status
        # under it.
        self._follows: dict[bytes, tuple[bytes, ...]] = {}
        self._base: dict[bytes, _Bearing] = {}
        self._bearings: dict[bytes, _Bearing] = {}
        # The status to bear if an event is stayed.
        self._stayed: dict[bytes, _Bearing] = {}
        self.stays: set[bytes] = set()
        self.appeals: set[bytes] = set()
        for id in _parents_first({id: event["after"] for id, event in by_id.items()}):
            self._enter(id, by_id[id])

    def bearing(self, id: bytes) -> _Bearing:
        return self._bearings[id]

    def _enter(self, id: bytes, event: StatedEvent) -> None:
        parents = [parent for parent in event["after"] if parent in self._follows]
        follows: dict[bytes, None] = {}
        for parent in parents:
            follows.update(dict.fromkeys((parent,) if parent in self._present else self._follows[parent]))
        self._follows[id] = tuple(follows)
        self._base[id] = min((self._base[one] for one in follows), key=_restrictive_last, default=self._initial)
        if id not in self._present:
            return
        word = event["event"]
        if word in NARROWING_EVENTS:
            borne = _narrowed(event, self._worst(self._bearings[parent] for parent in follows), self._time)
        elif word == "renew":
            borne = _Bearing(STATUSES["active"].rank, event["effective_from"], id, "active", event)
            self._base[id] = borne
        elif word in ("lift", "reinstate"):
            base = self._base[id]
            borne = _Bearing(base.rank, event["effective_from"], id, base.word, event)
        elif word == "stay":
            borne = self._worst(self._stayed[parent] for parent in follows)
        else:
            borne = self._worst(self._bearings[parent] for parent in follows)
        self._bearings[id] = borne
        if word in NARROWING_EVENTS:
            self._stayed[id] = self._worst(self._bearings[parent] for parent in follows)
        elif word in _OF_APPEALS:
            # A stay that follows an appeal stays what is appealed against.
            self._stayed[id] = self._worst(self._stayed[parent] for parent in follows)
        else:
            self._stayed[id] = borne
        if word == "stay" or (word in _OF_APPEALS and not self.stays.isdisjoint(follows)):
            self.stays.add(id)
        is_kept = word == "stay" or word in NARROWING_EVENTS
        if word == "appeal_open" or (is_kept and not self.appeals.isdisjoint(follows)):
            self.appeals.add(id)

    def _worst(self, bearings: Iterator[_Bearing]) -> _Bearing:
        return min(bearings, key=lambda bearing: bearing.order, default=self._initial)


def _narrowed(event: StatedEvent, followed: _Bearing, time: int) -> _Bearing:
    """Return what a narrowing event bears: its own status, or a more restrictive one of the events it follows."""
    start = event.get("void_from", event["effective_from"])
    word = status_of_event(event)
    rank = VOID_RANK if "void_from" in event else STATUSES[word].rank
    if word == "teach_out" and event.get("effective_until", TIME_MAX + 1) <= time:
        word, rank, start = "expired", STATUSES["expired"].rank, event["effective_until"]
    return followed if followed.rank < rank else _Bearing(rank, start, event["statement"], word, event)


def _restrictive_last(bearing: _Bearing) -> tuple[int, int, bytes]:
    return -bearing.rank, bearing.since, bearing.id


def _ancestors(parents: Mapping[bytes, Sequence[bytes]], of: Iterable[bytes]) -> set[bytes]:
    """Return every event that those in `of` name, directly or through others."""
    named: set[bytes] = set()
    pending = [parent for id in of for parent in parents.get(id, ())]
    while pending:
        id = pending.pop()
        if id not in named:
            named.add(id)
            pending += parents.get(id, ())
    return named


def _parents_first(parents: Mapping[bytes, Sequence[bytes]]) -> Iterator[bytes]:
    """Return the ids so that each comes after those it names.

    Raises:
        DecodeError: the events form a circle. Real ids are hashes over what they name, so no fold makes such a record.
    """
    done: set[bytes] = set()
    entered: set[bytes] = set()
    for start in parents:
        pending = [start]
        while pending:
            id = pending[-1]
            missing = [parent for parent in parents[id] if parent in parents and parent not in done]
            if not missing:
                pending.pop()
                if id not in done:
                    done.add(id)
                    yield id
            elif id in entered:
                raise DecodeError("bad_event", "events name each other in a circle.")
            else:
                entered.add(id)
                pending += missing
