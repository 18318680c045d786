"""Judges one accreditation for a query, as of the time asked about and as of now.

The checks run in this order, and every refusal is collected, so that an answer names everything that stands against it:

1. the **chain**: the delegations must be valid at that time (what was granted under one that was withdrawn later still
   stands, with an advisory);
2. the **terms** must have stood then; they reach back at most the charter's `max_backdating` before they were stated;
3. the **status** then (column "newly issued" of `vocabulary.STATUSES`);
4. the **scope** of all terms that stood then must cover the question, cut by the limits of every link of the chain
   (`domain.ceiling`);
5. the **key**, if the query names one;
6. where it makes a difference, whether anything shows by when the credential **existed**: then its date need not rest
   on the issuer's word, and a key that was stolen later still counts;
7. if all checks pass and the time lies in the past: what happened **later** (column "issued earlier"), because a later
   loss does not undo earlier trust.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple, assert_never

from ..domain.accreditations import Status, beginning, certain_from, publisher, status_at, terms_at
from ..domain.record_types import AccreditationRecord, IssuerRecord, NeededRule, StatedFacts, StatedTerms
from ..domain.records import Records, Voice, end_of, is_ahead, met, standing
from ..domain.scope import Axis, AxisOutcome, MappedStep, covers, says_what
from ..domain.vocabulary import (
    NARROWING_EVENTS,
    STATUSES,
    WIDENING_EVENTS,
    IssuedEarlier,
    NewlyIssued,
    status_of_event,
)
from ..encoding.identifiers import CanonicalId
from ..encoding.rfc3339 import day
from ..limits import TIME_MAX
from .authority_chain import Chain, Link, chain_of, counts, window
from .competencies import Competencies, Extent, extents_of_terms, words_of
from .issuer_keys import KeyAnswer, KeyState, key_at
from .query import Query
from .verdict import Finding, Reason, Verdict

_ACTIVE: Final = "active"

_ASKED: Final = {
    "credential_types": "the type of credential",
    "achievement_types": "the achievement type",
    "competencies": "the competency",
    "framework": "the framework",
    "level": "the level",
    "jurisdiction": "the place",
    "program": "the programme",
    "field_of_study": "the field of study",
    "delivery_mode": "the mode of delivery",
}

_SOME_OF: Final = {
    "credential_types": "types of credential",
    "achievement_types": "achievement types",
    "competencies": "competencies",
    "framework": "frameworks",
    "level": "levels",
    "jurisdiction": "places",
    "program": "programmes",
    "field_of_study": "fields of study",
    "delivery_mode": "modes of delivery",
}

_KEY_TEXTS: Final = {
    KeyState.KEY_UNKNOWN: "{key} is not among the keys pinned for this issuer.",
    KeyState.KEY_NOT_YET_VALID: "{key} was not yet valid on {time}.",
    KeyState.KEY_EXPIRED: "{key} was no longer valid on {time}.",
    KeyState.KEY_RETIRED: "{key} had been retired by {time}.",
    KeyState.KEY_COMPROMISED: "{key} is compromised; what it signed on {time} proves nothing.",
    KeyState.KEY_IN_DOUBT: "This issuer's keys report each other as compromised ({key} is one of them); an "
    "authority must decide.",
}


class Case(NamedTuple):
    """The facts and caches that all findings of one decision share.

    Attributes:
        time: the time asked about. now: the answerer's clock. Both in seconds; time is at most now.
        publishers: the voices whose facts the charter lets count for everybody.
        max_backdating: the charter's cap, seconds; None: no cap.
        mandates: the voices of the authority that was asked about; None where the whole ecosystem was.
        chains, links, key_answers, scoped, scope_answers: results kept because one authority may have made a hundred
            accreditations; the first two by voice, then by issuer, voice and publishers, for the terms judged last, and
            by scope.
    """

    query: Query
    records: Records
    time: int
    now: int
    publishers: Collection[Voice]
    max_backdating: int | None
    mandates: Collection[Voice] | None
    chains: dict[Voice, Chain]
    links: dict[tuple[CanonicalId, bytes | None], "ChainNotes"]
    key_answers: dict[tuple[object, ...], KeyAnswer]
    scoped: list["ScopeNotes"]
    scope_answers: "ScopeAnswers"

    def chain(self, voice: Voice) -> Chain:
        """The chain of an instance."""
        found = self.chains.get(voice)
        if found is None:
            found = self.chains[voice] = chain_of(self.records, *voice)
        return found

    def said(self, stated: list[StatedFacts]) -> list[StatedFacts]:
        """Return the facts that are not dated ahead of the answerer's clock."""
        return [one for one in stated if not is_ahead(one, self.now)]

    @property
    def is_past(self) -> bool:
        return self.time < self.now


class ChainNotes(NamedTuple):
    """Notes on a chain that hold for every accreditation made under it.

    Attributes:
        notes: None if the chain gives no reason to note anything.
        over: when its mandates ended, seconds; None if they are still valid.
        limits: the limits of every link that has limits, the nearest first.
    """

    notes: "Notes | None"
    over: int | None
    limits: Sequence[Mapping[str, Any]]


class ScopeNotes(NamedTuple):
    """Notes on terms, which hold for all terms that grant the same.

    Attributes:
        granted: `_granted` of each of the terms. rule: the rule of the grant.
        notes: None if the terms cover the question without any remark.
    """

    granted: tuple[object, ...]
    rule: NeededRule | None
    chain: Chain
    publishers: Collection[Voice]
    notes: "Notes | None"


class ScopeAnswers:
    """The answers of scopes to a question that names no competency, for scopes that nothing limits.

    Attributes:
        scope, notes: the last scope, and the notes on it.
        by_answers: the notes, by whether the question is precise enough and the answer on every axis.
    """

    __slots__ = ("by_answers", "notes", "scope")

    def __init__(self) -> None:
        self.scope: Mapping[str, Any] | None = None
        self.notes: Notes | None = None
        self.by_answers: dict[tuple[bool, tuple[Axis, ...]], Notes | None] = {}


class Notes:
    """The reasons and citations that accumulate while one accreditation is judged."""

    __slots__ = (
        "advisories",
        "dates",
        "gaps",
        "later",
        "mapped",
        "proved",
        "refusals",
        "statements",
        "suspensions",
        "unchecked",
    )

    def __init__(self) -> None:
        """Start empty. The lists are written out because a decision makes one of these for each accreditation."""
        self.refusals: list[Reason] = []
        self.suspensions: list[Reason] = []
        self.gaps: list[Reason] = []
        self.later: list[Reason] = []
        self.advisories: list[Reason] = []
        self.mapped: list[Reason] = []
        self.proved: list[Reason] = []
        self.unchecked: list[str] = []
        self.statements: dict[bytes, None] = {}
        self.dates: list[int] = []

    def or_none(self) -> "Notes | None":
        """Return these notes on a chain or a scope; None if they are empty."""
        is_some = (
            self.refusals
            or self.gaps
            or self.later
            or self.advisories
            or self.mapped
            or self.unchecked
            or self.statements
            or self.dates
        )
        return self if is_some else None

    def take(self, other: "Notes") -> None:
        """Add the notes on a chain or a scope to these."""
        self.refusals += other.refusals
        self.gaps += other.gaps
        self.later += other.later
        self.advisories += other.advisories
        self.mapped += other.mapped
        self.unchecked += other.unchecked
        self.statements |= other.statements
        self.dates += other.dates

    @property
    def against(self) -> tuple[Reason, ...]:
        """The reasons for which the answer is not yes."""
        return (*self.refusals, *self.suspensions, *self.gaps)

    def refuse(self, code: str, text: str) -> None:
        self.refusals.append(Reason(code=code, text=text))

    def miss(self, code: str, text: str) -> None:
        self.gaps.append(Reason(code=code, text=text))

    def lose(self, code: str, text: str) -> None:
        self.later.append(Reason(code=code, text=text))

    def advise(self, code: str, text: str) -> None:
        self.advisories.append(Reason(code=code, text=text))

    def prove(self, existed: int) -> None:
        text = f"It existed by {day(existed)}, before anything that makes its date or its key doubtful."
        self.proved = [Reason(code="existence_proved", text=text)]

    def cite(self, statements: Sequence[bytes]) -> None:
        for statement in statements:
            self.statements[statement] = None

    def finding(
        self,
        positive: Callable[[], Reason],
        chain: Chain,
        now: int,
        *,
        id: bytes | None = None,
        issuer: CanonicalId | None = None,
        away: int = 0,
    ) -> Finding:
        """The verdict that follows from everything noted.

        Args:
            positive: the first reason of a good one.
        """
        if self.refusals or self.suspensions or self.gaps:
            reasons = self.against
            verdict = (
                Verdict.NOT_TRUSTED
                if self.refusals
                else Verdict.SUSPENDED
                if self.suspensions
                else Verdict.INDETERMINATE
            )
        else:
            reasons = (*self.later, positive(), *self.mapped, *self.proved, *self.advisories)
            verdict = (
                Verdict.TRUSTED_HISTORICAL
                if self.later
                else Verdict.TRUSTED_WITH_ADVISORY
                if self.advisories
                else Verdict.TRUSTED
            )
        return Finding(
            verdict,
            reasons,
            id,
            issuer,
            tuple(self.statements),
            chain,
            tuple(self.unchecked),
            tuple([date for date in self.dates if date > now]),
            away,
        )


def judge(case: Case, issuer: IssuerRecord, record: AccreditationRecord, chain: Chain) -> Finding:
    """Return the finding on one accreditation of `issuer`; `chain` is its accreditor's."""
    links = notes_on(case, chain)
    publishers = publishers_of(case, record)
    is_plain = not record["events"] and links.notes is None and not links.limits and len(record["terms"]) == 1
    found = judge_lone_grant(case, record, chain, links, publishers) if is_plain else None
    return judge_at_length(case, issuer, record, chain, links, publishers) if found is None else found


def judge_lone_grant(
    case: Case, record: AccreditationRecord, chain: Chain, links: ChainNotes, publishers: Collection[Voice]
) -> Finding | None:
    """Return the finding on a lone grant that is in force, on a plain chain; None if `judge_at_length` must decide.

    Most accreditations are such grants. Both functions find the same; this one takes a third of the time.
    """
    terms, time, query = record["terms"], case.time, case.query
    if (
        query.key is not None
        or query.committed_with is not None
        or (case.mandates is not None and len(case.mandates) > 1)
    ):
        return None
    one = terms[0]
    until = one.get("valid_until")
    if (
        one["valid_from"] > time
        or one["effective_from"] > time
        or met(one) > time
        or (until is not None and until <= case.now)
        or "valid_from_precision" in one
        or "conditions" in one
        or one.get("initial_status", _ACTIVE) != _ACTIVE
    ):
        return None
    notes = _scope_notes(case, record, terms, chain, links, publishers)
    reasons: tuple[Reason, ...]
    unchecked: tuple[str, ...] = ("key",)
    statements, dates, away = [record["id"], one["statement"]], [] if until is None else [until], 0
    if notes is not None:
        if notes.mapped:
            return None  # a mapping may have been withdrawn since
        statements += notes.statements
        unchecked = (*notes.unchecked, *unchecked)
        dates += [date for date in notes.dates if date > case.now]
    if notes is not None and (notes.refusals or notes.gaps):
        verdict, reasons = Verdict.NOT_TRUSTED if notes.refusals else Verdict.INDETERMINATE, notes.against
        away = TIME_MAX if _covers_something_else(notes) else 0
    else:
        accredited = _accredited_by(chain[0].name, record["kind"], record["level"], day(one["valid_from"]), until)
        advisories = () if notes is None else notes.advisories
        verdict = Verdict.TRUSTED_WITH_ADVISORY if advisories else Verdict.TRUSTED
        reasons = (accredited, *advisories)
    return Finding(
        verdict,
        reasons,
        record["id"],
        record["issuer"],
        tuple(dict.fromkeys(statements)),
        chain,
        unchecked,
        tuple(dates),
        away,
    )


def judge_at_length(
    case: Case,
    issuer: IssuerRecord,
    record: AccreditationRecord,
    chain: Chain,
    links: ChainNotes,
    publishers: Collection[Voice],
) -> Finding:
    """Return the finding on any accreditation; arguments as for `judge`."""
    notes = Notes()
    notes.statements[record["id"]] = None
    if links.notes is not None:
        notes.take(links.notes)
    over = links.over
    say_mandate(case.mandates, chain, notes)
    if over is not None:
        _judge_anchors(record, chain, over, notes)
    terms = terms_at(record, case.time, max_backdating=case.max_backdating, known=case.now)
    if terms:
        _judge_terms(case, terms, notes)
        status = status_at(record, case.time, known=case.now)
        _judge_status(case, record, status, notes)
        said = _scope_notes(case, record, terms, chain, links, publishers)
        if said is not None:
            notes.take(said)
        if links.limits:
            _judge_categories(case, issuer, links.limits, chain, publishers, notes)
    else:
        status = None
        notes.refusals.append(_not_yet(case, record))
    existed = _existed_by(case, issuer, chain, publishers, notes)
    key_is_good = _judge_key(case, issuer, chain, publishers, existed, notes)
    if status is not None and case.is_past and not (notes.refusals or notes.suspensions or notes.gaps):
        _judge_later(case, record, status, terms, chain, publishers, notes)
        if notes.later and not key_is_good:
            if existed is not None and existed < _first_loss(case, record, terms, over):
                notes.prove(existed)
            else:
                notes.advise(
                    "issuance_date_self_asserted",
                    "Only the issuer vouches for this date: no key was shown to be valid at that time.",
                )
    _note_dates(case, record, notes)
    return notes.finding(
        lambda: _accredited(record, terms, chain),
        chain,
        case.now,
        id=record["id"],
        issuer=record["issuer"],
        away=_away(case, record, status, notes),
    )


def _away(case: Case, record: AccreditationRecord, status: Status | None, notes: Notes) -> int:
    """Return the seconds between the time asked about and the nearest time at which an accreditation stood.

    An accreditation that covers something else, or has not begun, counts as further away than any that has ended.
    """
    if status is None:
        return TIME_MAX + record["terms"][0]["valid_from"] - case.time
    away = case.time - status.since if STATUSES[status.word].newly is NewlyIssued.NOT_TRUSTED else 0
    return away + TIME_MAX if _covers_something_else(notes) else away


def _covers_something_else(notes: Notes) -> bool:
    return any(reason.code.endswith("_not_covered") for reason in notes.refusals)


def publishers_of(case: Case, record: AccreditationRecord) -> Collection[Voice]:
    """Return the publishers whose facts count besides those of the chain: the charter's and the grant's."""
    named = record.get("publishers")
    return (*case.publishers, *map(publisher, named)) if named else case.publishers


def say_mandate(mandates: Collection[Voice] | None, chain: Chain, notes: Notes) -> None:
    """Say under which mandate this is answered, where the question names a body that holds several."""
    if mandates is None or len(mandates) < 2:
        return
    at = next(at for at, link in enumerate(chain) if link.voice in mandates)
    link, giver = chain[at], chain[at + 1] if at + 1 < len(chain) else None
    assert link.via is not None, "who is named in the charter has one mandate that counts"
    given = "" if giver is None else f", given by {giver.name}"
    notes.advise(
        "several_mandates",
        f"{link.name} holds {len(mandates)} mandates; this answer uses mandate {link.via.hex()[:16]}{given}. To "
        f"ask about that mandate alone, write {link.by}#{link.via.hex()}.",
    )


# ------------------------------------------------------------------------------------------------ one piece each


def notes_on(case: Case, chain: Chain) -> ChainNotes:
    """Return the notes on a chain."""
    voice = chain[0][:2]
    found = case.links.get(voice)
    if found is None:
        found = case.links[voice] = _notes_on_chain(case, chain)
    return found


_NOTHING_TO_NOTE: Final = ChainNotes(notes=None, over=None, limits=())


def _notes_on_chain(case: Case, chain: Chain) -> ChainNotes:
    if len(chain) == 1 and _is_plain(chain[0]):
        return _NOTHING_TO_NOTE
    notes = Notes()
    for link in chain:
        if link.via is not None:
            notes.statements[link.via] = None
    begins, ends = window(chain, case.now)
    over = [] if ends is None else [ends]
    if begins is not None:
        notes.dates.append(begins)
        if case.time < begins:
            notes.refuse("delegation_not_yet_valid", f"The delegation it rests on begins on {day(begins)}.")
    if ends is not None:
        notes.dates.append(ends)
        if ends <= case.time:
            notes.refuse("delegation_expired", f"The delegation it rests on ended on {day(ends)}.")
        elif ends <= case.now:
            notes.lose("later_delegation_expired", f"The delegation it rests on ended on {day(ends)}.")
    for link in chain:
        if link.standing is None:
            notes.advise("authority_not_in_force", f"{link.name} is no longer an authority of this ecosystem.")
        elif link.standing["withdrawn"] is not None:
            since = end_of(link.standing["withdrawn"], case.now)
            notes.dates.append(since)
            over.append(since)
            if since <= case.now:
                notes.advise(
                    "authority_withdrawn",
                    f"{link.name} lost its mandate on {day(since)}; its earlier statements still stand.",
                )
    return ChainNotes(
        notes=notes.or_none(),
        over=min((one for one in over if one <= case.now), default=None),
        limits=limits_of(chain),
    )


def _is_plain(link: Link) -> bool:
    """Return whether a link is an authority that the charter names, in force and without limits, as most are."""
    standing = link.standing
    return (
        link.via is None
        and standing is not None
        and standing["withdrawn"] is None
        and not standing["limits"]
        and "valid_from" not in standing
        and "valid_until" not in standing
    )


def _judge_anchors(record: AccreditationRecord, chain: Chain, over: int, notes: Notes) -> None:
    """Require proof, beyond its own date, that what gives trust was stated before its author's mandate ended."""
    gives = [*record["terms"], *(event for event in record["events"] if event["event"] in WIDENING_EVENTS)]
    if any("unanchored" in one for one in gives):
        notes.miss(
            "unanchored",
            f"Nothing but its own date shows that it was said before the mandate of {chain[0].name} ended on"
            f" {day(over)}. An authority above can close the mandate and name what was said in time.",
        )


def _judge_terms(case: Case, terms: Sequence[StatedTerms], notes: Notes) -> None:
    time = case.time
    for one in terms:
        notes.statements[one["statement"]] = None
    for one in terms:
        if time < one["valid_from"]:
            notes.refuse("not_yet_valid", f"It is valid from {beginning(one)}.")
        elif "valid_from_precision" in one and time < certain_from(one):
            notes.miss(
                "start_approximate",
                f"It began {beginning(one)}, and no record says on which day: whether it had begun by"
                f" {day(time)} is not known.",
            )
        said = met(one)
        if said <= time:
            pass
        elif is_ahead(one, case.now):
            notes.advise(
                "dated_ahead",
                f"An amendment is dated {day(said)}: what it takes away is gone already, what it gives waits for "
                "that day.",
            )
        else:
            since = beginning(one) if one["effective_from"] == one["valid_from"] else day(one["effective_from"])
            notes.advise("recorded_later", f"Valid from {since}; recorded on {day(said)}.")
        for condition in one.get("conditions", ()):
            notes.advise("condition", f"Condition: {condition['text']}")


def _not_yet(case: Case, record: AccreditationRecord) -> Reason:
    grant = record["terms"][0]
    if is_ahead(grant, case.now):
        return Reason(
            code="dated_ahead",
            text=f"It is dated {day(met(grant))} and takes effect on that day: its signer's clock may have been wrong.",
        )
    if grant["effective_from"] <= case.time:
        return Reason(
            code="before_backdating_limit",
            text=f"It was stated on {day(met(grant))}; the charter does not let it apply as early as {day(case.time)}.",
        )
    return Reason(code="not_yet_valid", text=f"It is valid from {beginning(grant)}.")


def _judge_status(case: Case, record: AccreditationRecord, status: Status, notes: Notes) -> None:
    notes.cite(status.events)
    if status.is_stayed:
        notes.advise("stayed", "A decision against it is stayed while an appeal is heard.")
    newly = STATUSES[status.word].newly
    if newly is NewlyIssued.TRUSTED:
        return
    reason = Reason(code=f"status_{status.word}", text=_status_text(case, record, status))
    match newly:
        case NewlyIssued.ADVISORY:
            notes.advisories.append(reason)
        case NewlyIssued.SUSPENDED:
            notes.suspensions.append(reason)
        case NewlyIssued.NOT_TRUSTED:
            notes.refusals.append(reason)
        case NewlyIssued.LISTED_PROGRAMS:
            _judge_teach_out(case, status, reason, notes)
        case _:
            assert_never(newly)


def _judge_teach_out(case: Case, status: Status, reason: Reason, notes: Notes) -> None:
    assert status.event is not None, "teach_out has no other source than its event"
    applies_to = status.event["applies_to"]
    programs, program = applies_to.get("programs"), case.query.program
    if programs is None or "cohorts_enrolled_before" in applies_to:
        notes.unchecked.append("cohort")
    if programs is not None and program is None:
        notes.miss(
            "program_needed", "It is being taught out in some programmes only: name the programme you ask about."
        )
    elif programs is not None and program not in programs:
        notes.refuse("teach_out_not_covered", f"{program} is not one of the programmes being taught out.")
    notes.advisories.append(reason)


def _status_text(case: Case, record: AccreditationRecord, status: Status) -> str:
    words = status.word.replace("_", " ")
    grant = record["terms"][0]
    is_first = status.event is None and status.since == grant["valid_from"]
    since = f"since {beginning(grant) if is_first else day(status.since)}"
    text = f"Its status on {day(case.time)} was" if case.is_past else "Its status is"
    text += f" {words}, {since}."
    event = status.event
    if event is not None and "reason_code" in event:
        text += f" Reason: {event.get('reason_text', event['reason_code'].replace('_', ' '))}"
        text += "" if text.endswith(".") else "."
    if status.has_appeal:
        text += " An appeal is open."
    if event is not None and "successor" in event:
        text += f" Its successor is {event['successor']}."
    row = STATUSES[status.word]
    is_over = row.newly is NewlyIssued.NOT_TRUSTED and (event is None or "void_from" not in event)
    if case.query.time is None and is_over and status.since > grant["valid_from"]:
        text += (
            f" It was accredited until {day(status.since)}: for a credential issued before then, ask with "
            "its date of issue."
        )
    return text


def limits_of(chain: Chain) -> list[Mapping[str, Any]]:
    """Return the limits of every link of a chain that has limits, the nearest first."""
    return [link.standing["limits"] for link in chain if link.standing is not None and link.standing["limits"]]


def _answers(
    case: Case, time: int, extents: Sequence[Extent], chain: Chain, publishers: Collection[Voice]
) -> tuple[Iterator[Axis], Sequence[bytes], Sequence[int]]:
    """Return how the extents answer the question at a time; and two lists that fill as that is read: the statements
    consulted, and the dates at which the answer changes."""
    query = case.query
    if not query.competencies:
        return (axis for extent in extents for axis in covers(extent.scope, query)), (), ()

    def is_over(voice: Voice) -> bool:
        return notes_on(case, case.chain(voice)).over is not None

    known = Competencies(case.records, time, case.now, chain, publishers, is_over)
    return (axis for extent in extents for axis in known.covers(extent, query)), known.cited, known.dates


def _judge_categories(
    case: Case,
    issuer: IssuerRecord,
    limits: Sequence[Mapping[str, Any]],
    chain: Chain,
    publishers: Collection[Voice],
    notes: Notes,
) -> None:
    """Check the issuer's stated categories against those to which each link's mandate is limited."""
    for limit in limits:
        allowed = limit.get("categories", "*")
        if allowed == "*":
            continue
        stated = [fact for fact in standing(case.said(issuer["stated"])) if counts(fact, chain, publishers)]
        named = [category for fact in stated for category in fact["facts"].get("categories", ())]
        outside = [category for category in named if category not in allowed]
        if outside:
            notes.refuse("category_not_covered", f"Its accreditor may not accredit {', '.join(outside)}.")
        elif not named:
            text = (
                f"Its accreditor may accredit {', '.join(allowed)} only, and no authority that counts has "
                "stated its category."
            )
            notes.miss("category_unknown", text)
        else:
            notes.cite([fact["statement"] for fact in stated])


def _granted(terms: StatedTerms) -> tuple[object, ...]:
    """Return everything in terms that decides how they answer a question."""
    scope = terms["scope"]
    # To Python 1 and true are equal, and to `covers` they are not.
    return terms["by"], terms["via"], terms.get("rule"), scope.get("inherit_to_narrower") is True, scope


def _notes_on_scope(case: Case, scope: Mapping[str, Any]) -> Notes | None:
    """Return the notes on a scope that nothing limits, or None; the question names no competency."""
    memory = case.scope_answers
    if scope == memory.scope:
        return memory.notes
    query = case.query
    is_enough, axes = answers = says_what(scope, query), tuple(covers(scope, query))
    if answers not in memory.by_answers:
        notes = Notes()
        _note_answers(is_enough, axes, notes)
        memory.by_answers[answers] = notes.or_none()
    memory.scope, memory.notes = scope, memory.by_answers[answers]
    return memory.notes


def _scope_notes(
    case: Case,
    record: AccreditationRecord,
    terms: Sequence[StatedTerms],
    chain: Chain,
    links: ChainNotes,
    publishers: Collection[Voice],
) -> Notes | None:
    """Return the notes on terms, or None; terms that grant the same as the last ones are not judged again."""
    first = terms[0]
    if (
        len(terms) == 1
        and not case.query.competencies
        and not links.limits
        and (first["by"], first["via"]) == chain[0][:2]
    ):
        return _notes_on_scope(case, first["scope"])
    granted = tuple(map(_granted, terms))
    rule = record["terms"][0].get("rule")
    for last in case.scoped:
        if last.granted == granted and last.rule == rule and last.chain is chain and last.publishers == publishers:
            return last.notes
    notes = Notes()
    extents = extents_of_terms(record, terms, case.chain, case.publishers, publishers)
    judge_scope(case, extents, chain, publishers, notes)
    found = notes.or_none()
    case.scoped[:] = (ScopeNotes(granted, rule, chain, publishers, found),)
    return found


def judge_scope(
    case: Case, extents: Sequence[Extent], chain: Chain, publishers: Collection[Voice], notes: Notes
) -> None:
    """Judge the question against the extents; every one of them must cover it."""
    is_enough = all(says_what(extent.scope, case.query) for extent in extents)
    read, cited, dates = _answers(case, case.time, extents, chain, publishers)
    axes = list(read)  # which fills the other two
    notes.cite(cited)
    notes.dates += dates
    _note_answers(is_enough, axes, notes)


def _note_answers(is_enough: bool, axes: Iterable[Axis], notes: Notes) -> None:
    """Note the answers of scopes on every axis; `is_enough`: the question says what the credential attests."""
    if not is_enough:
        text = "The question does not say what the credential attests: give an achievement type or a competency."
        notes.miss("question_too_open", text)
    # Amendments made side by side must all cover the question; each answer is given once.
    answers: list[Axis] = []
    steps: dict[MappedStep, None] = {}
    covered = AxisOutcome.COVERED
    for axis in axes:
        if axis.outcome is not covered:
            if axis not in answers:
                answers.append(axis)
        elif axis.steps:
            steps.update(dict.fromkeys(axis.steps))
    for step in steps:
        notes.cite((step.statement,))
        notes.mapped.append(Reason(code="covered_by_mapping", text=words_of(step)))
    for axis in answers:
        name = _ASKED[axis.name]
        match axis.outcome:
            case AxisOutcome.NOT_COVERED:
                notes.refuse(f"{axis.name}_not_covered", f"It does not cover {name} {axis.asked}.")
            case AxisOutcome.UNKNOWN:
                notes.miss(
                    "competency_unknown",
                    f"No framework that counts here contains {axis.asked}; a framework may be incomplete.",
                )
            case _:
                notes.unchecked.append(axis.name)
                notes.advise(
                    f"{axis.name}_not_asked",
                    f"It covers only some {_SOME_OF[axis.name]}, and the question does not name any.",
                )


def _existed_by(
    case: Case, issuer: IssuerRecord, chain: Chain, publishers: Collection[Voice], notes: Notes
) -> int | None:
    """Return by when the credential is known to have existed, seconds; None if nothing shows it.

    A commitment counts if a quorum held it while its key was a good key of the issuer: before any date given for a
    theft, and before anybody reported one. The date inside the commitment does not count, because a thief could choose
    it.
    """
    existed, key = case.query.existed_by, case.query.committed_with
    if existed is None or key is None:
        return existed
    answer = key_at(issuer, key, existed, case.now, lambda said: counts(said, chain, publishers))
    notes.cite(answer.statements)
    notes.dates += answer.dates
    if answer.state is KeyState.GOOD and (answer.safe_before is None or existed < answer.safe_before):
        return existed
    notes.advise(
        "commitment_not_counted",
        f"The receipt proves nothing: the key that committed to it is not known to have been a good key of this issuer"
        f" on {day(existed)}.",
    )
    return None


def _first_loss(case: Case, record: AccreditationRecord, terms: Sequence[StatedTerms], over: int | None) -> int:
    """Return when trust was first lost after the time asked about, seconds, even if it was given back since."""
    starts = [
        event.get("void_from", event["effective_from"])
        for event in record["events"]
        if event["event"] in NARROWING_EVENTS
        and STATUSES[status_of_event(event)].newly not in (NewlyIssued.TRUSTED, NewlyIssued.ADVISORY)
    ]
    starts += [one["valid_until"] for one in record["terms"] if "valid_until" in one]
    starts += [one["effective_from"] for one in record["terms"] if one not in terms]
    starts += [] if over is None else [over]
    return min((start for start in starts if start > case.time), default=TIME_MAX + 1)


def _judge_key(
    case: Case,
    issuer: IssuerRecord,
    chain: Chain,
    publishers: Collection[Voice],
    existed: int | None,
    notes: Notes,
) -> bool:
    """Judge the key: it must have been good at the time, and not be known as compromised since.

    Args:
        existed: when the credential is known to have existed, seconds.
    """
    if case.query.key is None:
        notes.unchecked.append("key")
        return False
    about = (issuer["id"], chain[0].voice, *publishers)
    answer = case.key_answers.get(about)
    if answer is None:
        answer = key_at(issuer, case.query.key, case.time, case.now, lambda said: counts(said, chain, publishers))
        case.key_answers[about] = answer
    notes.cite(answer.statements)
    notes.dates += answer.dates
    if answer.state is KeyState.NO_PINNED_KEYS:
        notes.unchecked.append("key")
        notes.advise("no_pinned_keys", "No keys are pinned for this issuer, so its signature was not checked.")
        return False
    if answer.state is not KeyState.GOOD:
        text = _KEY_TEXTS[answer.state].format(key=case.query.key, time=day(case.time))
        note = notes.miss if answer.state is KeyState.KEY_IN_DOUBT else notes.refuse
        note(answer.state.value, text)
        return False
    ends = [notes_on(case, case.chain(voice)).over for voice in answer.unanchored]
    if ends and None not in ends:
        notes.miss(
            "key_unanchored",
            f"Nothing but its own date shows that {case.query.key} was stated before the mandate it was stated under"
            " ended. An authority above can close the mandate and name what was said in time.",
        )
        return False
    stolen = [one for one in (answer.compromised_later, answer.doubted_later) if one is not None and one <= case.now]
    if stolen and existed is not None and answer.safe_before is not None and existed < answer.safe_before:
        notes.prove(existed)
        return True
    if answer.compromised_later is not None and answer.compromised_later <= case.now:
        notes.advise(
            "key_compromised_later",
            f"The key has been compromised since {day(answer.compromised_later)}: a thief can sign with earlier dates.",
        )
        return False
    if answer.doubted_later is not None and answer.doubted_later <= case.now:
        notes.advise(
            "key_in_doubt_later",
            "This issuer's keys report each other as compromised; this key may have been stolen by "
            f"{day(answer.doubted_later)}.",
        )
        return False
    return True


def _judge_later(
    case: Case,
    record: AccreditationRecord,
    then: Status,
    terms: Sequence[StatedTerms],
    chain: Chain,
    publishers: Collection[Voice],
    notes: Notes,
) -> None:
    status = status_at(record, case.now, known=case.now)
    row = STATUSES[status.word]
    if row.earlier is not IssuedEarlier.TRUSTED and (status.word, status.since) != (then.word, then.since):
        notes.cite(status.events)
        words = status.word.replace("_", " ")
        text = f"It was accredited on {day(case.time)}; its status has been {words} since {day(status.since)}."
        notes.lose(f"later_{status.word}", text)
        if row.earlier is IssuedEarlier.HISTORICAL_WITH_ADVISORY:
            notes.advise("suspended_now", "It is suspended at present.")
    now = terms_at(record, case.now, max_backdating=case.max_backdating, known=case.now)
    if now != list(terms) or notes.mapped:
        extents = extents_of_terms(record, now, case.chain, case.publishers, publishers)
        axes, cited, _ = _answers(case, case.now, extents, chain, publishers)
        if any(axis.outcome in (AxisOutcome.NOT_COVERED, AxisOutcome.UNKNOWN) for axis in axes):
            notes.cite([*(one["statement"] for one in now), *cited])
            notes.lose("later_scope", "Its scope covered this then, but no longer does.")


def _accredited(record: AccreditationRecord, terms: Sequence[StatedTerms], chain: Chain) -> Reason:
    until = min([one["valid_until"] for one in terms if "valid_until" in one], default=None)
    return _accredited_by(chain[0].name, record["kind"], record["level"], beginning(record["terms"][0]), until)


@lru_cache(maxsize=4096)
def _accredited_by(name: str, kind: str, level: str, since: str, until: int | None) -> Reason:
    """Return the sentence that opens every good answer; one authority's accreditations mostly share it."""
    span = f"from {since} on" if until is None else f"from {since} until {day(until)}"
    return Reason(code="accredited", text=f"Accredited by {name} ({kind}, {level}), {span}.")


def _note_dates(case: Case, record: AccreditationRecord, notes: Notes) -> None:
    """Note the dates at which this accreditation changes without a new statement."""
    # A lone grant has the same terms before and after they begin.
    stated, events, dates = record["terms"], record["events"], notes.dates
    for said in (*stated, *events):
        dates.append(said["effective_from"])
        if is_ahead(said, case.now):
            dates.append(met(said))
    for terms in stated if len(stated) == 1 else terms_at(record, case.now, known=case.now) or stated:
        dates += (terms["valid_from"], certain_from(terms))
        if "valid_until" in terms:
            dates.append(terms["valid_until"])
    for event in events:
        if "effective_until" in event:
            dates.append(event["effective_until"])
