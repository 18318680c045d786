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

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, assert_never

from ..domain.accreditations import Status, beginning, certain_from, status_at, terms_at
from ..domain.record_types import AccreditationRecord, IssuerRecord, StatedEvent, StatedTerms
from ..domain.records import Voice, is_ahead, met, standing
from ..domain.scope import AxisOutcome
from ..domain.vocabulary import (
    CANDIDATE,
    NARROWING_EVENTS,
    STATUSES,
    WIDENING_EVENTS,
    IssuedEarlier,
    NewlyIssued,
    status_of_event,
    words_of,
)
from ..encoding.rfc3339 import day
from ..limits import TIME_MAX
from .authority_chain import Chain, counts
from .case import Case, publishers_of
from .chain_notes import notes_on_chain, say_mandate
from .competencies import extents_of_terms
from .issuer_keys import KeyState, key_at
from .kept_answers import keep
from .notes import ChainNotes, Notes, share_notes
from .scope_notes import answers_of, notes_on_terms
from .verdict import Finding, Reason, Verdict

_ACTIVE: Final = "active"

_KEY_TEXTS: Final = {
    KeyState.KEY_UNKNOWN: "{key} is not among the keys pinned for this issuer.",
    KeyState.KEY_NOT_YET_VALID: "{key} was not yet valid on {time}.",
    KeyState.KEY_EXPIRED: "{key} was no longer valid on {time}.",
    KeyState.KEY_RETIRED: "{key} had been retired by {time}.",
    KeyState.KEY_COMPROMISED: "{key} is compromised; what it signed on {time} proves nothing.",
    KeyState.KEY_IN_DOUBT: "It is in dispute which of this issuer's keys are compromised ({key} is one of "
    "them); an authority must decide.",
}


def judge(case: Case, issuer: IssuerRecord, record: AccreditationRecord, chain: Chain) -> Finding:
    """Return the finding on one accreditation of `issuer`; `chain` is its accreditor's."""
    links = notes_on_chain(case, chain)
    found = judge_lone_grant(case, record, chain, links) if case.is_plain and links.is_plain else None
    return judge_at_length(case, issuer, record, chain, links) if found is None else found


def judge_lone_grant(case: Case, record: AccreditationRecord, chain: Chain, links: ChainNotes) -> Finding | None:
    """Return the finding on a lone grant, in force or lost by one event; None if `judge_at_length` must decide.

    Args:
        case, links: plain ones.

    Most accreditations are such grants. Both functions find the same; this one takes a third of the time, because what
    grants of one scope under one chain have in common is put together once (`SharedNotes`).
    """
    terms, events, time, now = record["terms"], record["events"], case.time, case.now
    if len(terms) > 1 or len(events) > 1:
        return None
    one = terms[0]
    until = one.get("valid_until")
    if (
        one["valid_from"] > time
        or one["effective_from"] > time
        or one.get("met", one["iat"]) > time
        or (until is not None and until <= now)
        or "valid_from_precision" in one
        or "conditions" in one
        or one.get("initial_status", _ACTIVE) != _ACTIVE
    ):
        return None
    loss = _plain_loss(events[0], time, now) if events else None
    if events and loss is None:
        return None
    notes = notes_on_terms(case, record, terms, chain, links)
    shared = case.shared[0] if case.shared else None
    if shared is None or shared.scope is not notes or shared.links is not links:
        shared = share_notes(links, notes, now)
        case.shared[:] = (shared,)
    if shared.is_mapped:
        return None  # a mapping may have been withdrawn since
    reasons, verdict, away = shared.against, shared.verdict, TIME_MAX if shared.is_elsewhere else 0
    if loss is not None:
        reason = _said_by_status(case, record, loss)
        if STATUSES[loss.word].newly is NewlyIssued.SUSPENDED:
            verdict = Verdict.NOT_TRUSTED if shared.refusals else Verdict.SUSPENDED
            reasons = (*shared.refusals, reason, *reasons[len(shared.refusals) :])
        else:
            verdict, reasons, away = Verdict.NOT_TRUSTED, (reason, *reasons), away + time - loss.since
    elif not reasons:
        accredited = _accredited_by(chain[0].name, record["kind"], record["level"], day(one["valid_from"]), until)
        verdict = Verdict.TRUSTED_WITH_ADVISORY if shared.advisories else Verdict.TRUSTED
        reasons = (accredited, *shared.advisories)
    id, statement = record["id"], one["statement"]
    statements: tuple[bytes, ...] = (id,)
    if loss is not None or statement != id or shared.chain_cited or shared.scope_cited:
        ended_by = () if loss is None else loss.events
        statements = tuple(dict.fromkeys((id, *shared.chain_cited, statement, *ended_by, *shared.scope_cited)))
    dates = shared.dates if until is None else (until, *shared.dates)
    return Finding(verdict, reasons, id, record["issuer"], statements, chain, shared.unchecked, dates, away)


def _plain_loss(event: StatedEvent, time: int, now: int) -> Status | None:
    """Return the status that a lone event leaves an active grant in; None unless it plainly took trust by `time`."""
    if (
        event["event"] not in NARROWING_EVENTS
        or event["effective_from"] > time
        or met(event) > now
        or "void_from" in event
        or "effective_until" in event
    ):
        return None
    word = status_of_event(event)
    is_loss = STATUSES[word].newly in (NewlyIssued.SUSPENDED, NewlyIssued.NOT_TRUSTED)
    return Status(word, event["effective_from"], (event["statement"],), event) if is_loss else None


def judge_at_length(
    case: Case, issuer: IssuerRecord, record: AccreditationRecord, chain: Chain, links: ChainNotes
) -> Finding:
    """Return the finding on any accreditation; arguments as for `judge`."""
    publishers = publishers_of(case, record)
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
        said = notes_on_terms(case, record, terms, chain, links)
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
        lambda: _accredited(record, terms, chain, status),
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
    return away + TIME_MAX if notes.is_elsewhere else away


def _judge_anchors(record: AccreditationRecord, chain: Chain, over: int, notes: Notes) -> None:
    """Require proof, beyond its own date, that what gives trust was stated before its author's mandate ended."""
    gives = [*record["terms"], *(event for event in record["events"] if event["event"] in WIDENING_EVENTS)]
    if any("unanchored" in one for one in gives):
        notes.miss(
            "unanchored",
            f"Only its own date says that it was stated before the mandate of {chain[0].name} ended on {day(over)}. An"
            " authority above can close the mandate and confirm which statements were made before it ended.",
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
    reason = _said_by_status(case, record, status)
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


def _said_by_status(case: Case, record: AccreditationRecord, status: Status) -> Reason:
    return Reason(code=f"status_{status.word}", text=_status_text(case, record, status))


def _status_text(case: Case, record: AccreditationRecord, status: Status) -> str:
    words = words_of(status.word)
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
            f" Its status was another until {day(status.since)}: for a credential issued before then, ask with "
            "its date of issue."
        )
    return text


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
        keep(case.key_answers, about, answer)
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
    ends = [notes_on_chain(case, case.chain(voice)).over for voice in answer.unanchored]
    if ends and None not in ends:
        notes.miss(
            "key_unanchored",
            f"Only its own date says that {case.query.key} was stated before the mandate it was stated under ended. An"
            " authority above can close the mandate and confirm which statements were made before it ended.",
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
            "It is in dispute which of this issuer's keys are compromised; this one may have been stolen by "
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
        was = "a candidate for accreditation" if then.word == CANDIDATE else "accredited"
        text = (
            f"It was {was} on {day(case.time)}; its status has been {words_of(status.word)} since {day(status.since)}."
        )
        notes.lose(f"later_{status.word}", text)
        if row.earlier is IssuedEarlier.HISTORICAL_WITH_ADVISORY:
            notes.advise("suspended_now", "It is suspended at present.")
    now = terms_at(record, case.now, max_backdating=case.max_backdating, known=case.now)
    if now != list(terms) or notes.mapped:
        extents = extents_of_terms(record, now, case.chain, case.publishers, publishers)
        axes, cited, _ = answers_of(case, case.now, extents, chain, publishers)
        if any(axis.outcome in (AxisOutcome.NOT_COVERED, AxisOutcome.UNKNOWN) for axis in axes):
            notes.cite([*(one["statement"] for one in now), *cited])
            notes.lose("later_scope", "Its scope covered this then, but no longer does.")


def _accredited(
    record: AccreditationRecord, terms: Sequence[StatedTerms], chain: Chain, status: Status | None
) -> Reason:
    until = min([one["valid_until"] for one in terms if "valid_until" in one], default=None)
    is_candidate = status is not None and status.word == CANDIDATE
    since = beginning(record["terms"][0])
    return _accredited_by(chain[0].name, record["kind"], record["level"], since, until, is_candidate=is_candidate)


@lru_cache(maxsize=4096)
def _accredited_by(
    name: str, kind: str, level: str, since: str, until: int | None, *, is_candidate: bool = False
) -> Reason:
    """Return the sentence that opens every good answer; one authority's accreditations mostly share it."""
    span = f"from {since} on" if until is None else f"from {since} until {day(until)}"
    held = "Candidate for accreditation" if is_candidate else "Accredited"
    return Reason(code="accredited", text=f"{held} by {name} ({kind}, {level}), {span}.")


def _note_dates(case: Case, record: AccreditationRecord, notes: Notes) -> None:
    """Note the dates at which this accreditation changes without a new statement."""
    # A lone grant has the same terms before and after they begin.
    stated, events, dates = record["terms"], record["events"], notes.dates
    for parts in (stated, events):
        for said in parts:
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
