"""Decides a query: `decide(query, records, now)` is pure, so a node, a browser and an offline program give the same
answer.

    decision = decide(query, records, now, ecosystem_id=…)          one question
    sitting = Sitting(records, now, ecosystem_id=…)                 many about the same records, at the same second
    decisions = [sitting.decide(query) for query in queries]

It reads the accreditations of the issuer that the entity names, directly or by an alias that counts, made by an
authority that the query accepts (any of the ecosystem, or one on the accreditor's chain). `accreditation` judges each
of them; the best finding decides. For the action `accredit`, the mandates of an authority take the place of
accreditations. An authority is asked about by mandate, never by name (`authority_chain`).

`decide` raises no error, whatever the query says, for any records that the reducers can make. A question that cannot be
answered is `indeterminate`, and the answer names the missing piece.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from ..domain.issuers import name_of
from ..domain.record_types import CharterRecord, IssuerRecord, RecognitionRecord, StatedRecognition
from ..domain.records import (
    AHEAD_MAX,
    Records,
    Voice,
    accreditation_in,
    alias_in,
    authority_in,
    charter_in,
    competency_in,
    end_of,
    framework_in,
    is_ahead,
    issuer_in,
    met,
    recognition_in,
    standing,
)
from ..encoding.identifiers import CanonicalId
from ..encoding.rfc3339 import day
from ..errors import DecodeError
from ..limits import IDENTIFIER_CHARS
from .accreditation import judge
from .authority_chain import Chain, counts, mandates_of
from .case import Case, publishers_of
from .mandate import judge_mandate
from .notes import ScopeAnswers
from .query import ACCREDIT, ISSUE, Query, mandate_named, spelled, spelled_authority
from .verdict import AUTHORIZED, Decision, Finding, Other, Reason, Verdict, order_of

__all__ = (
    "AUTHORIZED",
    "Decision",
    "Other",
    "Query",
    "Reason",
    "Sitting",
    "Verdict",
    "decide",
    "decide_recognition",
)

CLOCK_SLACK: Final = AHEAD_MAX
"""A question at most so many seconds ahead of the answerer's clock is about now, because clients use their own
clocks."""

APPLY_LINKS: Final = 5
"""How many addresses to apply at one answer names."""

OTHER_MANDATES: Final = 3
"""How many mandates one answer names besides the one that was asked about."""


CASES: Final = 256
"""Cases that a sitting keeps. Questions asked by the thousand mostly differ only in the entity. A guess."""


def decide(query: Query, records: Records, now: int, *, ecosystem_id: CanonicalId) -> Decision:
    """Decide whether the entity may do what is asked, as of the time asked about.

    Args:
        now: the answerer's clock, seconds since 1970.
        ecosystem_id: the charter's id, under which `records` has the charter.
    """
    return Sitting(records, now, ecosystem_id=ecosystem_id).decide(query)


class Sitting:
    """Decides many queries on the same records at the same second, and reads what they share only once.

    They share the charter, the chains of authorities and, where only the entity differs, the rest of the query. Make a
    new one as soon as the records change or the clock moves on.

    Args:
        records, now, ecosystem_id: as for `decide`.
        is_watched: whether somebody notes what each decision reads. Then it reads from the records again all that
            `decide` would read, for questions of which `reads_again` is true.
    """

    __slots__ = ("_cases", "_chains", "_charter", "_ecosystem_id", "_is_watched", "_records", "now")

    def __init__(self, records: Records, now: int, *, ecosystem_id: CanonicalId, is_watched: bool = False) -> None:
        self.now: Final = now
        self._records = records
        self._ecosystem_id = ecosystem_id
        self._is_watched = is_watched
        self._charter: CharterRecord | None = None
        self._chains: dict[tuple[CanonicalId, bytes | None], Chain] = {}
        self._cases: dict[tuple[object, ...], _Opened] = {}

    @staticmethod
    def reads_again(query: Query, ecosystem_id: CanonicalId) -> bool:
        """Return whether a watched sitting reads all that this question rests on: whether an issuer may issue, by the
        whole ecosystem."""
        return query.action == ISSUE and query.authority == ecosystem_id and query.resource is None

    def decide(self, query: Query) -> Decision:
        """Return the decision, as `decide` does."""
        if self._is_watched:
            charter_in(self._records, self._ecosystem_id)
        try:
            opened = self._cases.get(query[1:]) or self._open(query)
            entity = spelled(query.entity)
        except _Unanswerable as unanswerable:
            return _answer(query, self.now, Verdict.INDETERMINATE, unanswerable.reason)
        except DecodeError as error:
            return _answer(
                query,
                self.now,
                Verdict.INDETERMINATE,
                Reason(code="bad_identifier", text=f"The question does not name a valid entity: {error}"),
            )
        if len(entity) > IDENTIFIER_CHARS:
            return _nothing_found(opened, entity, None, ())  # no record can have such an id
        try:
            if query.action == ACCREDIT:
                return _decide_mandate(opened, entity, mandate_named(query.entity))
            return _decide_issue(opened, entity)
        except Exception:  # a record was damaged, and what was worked out half may be left behind
            self._cases.clear()
            self._chains.clear()
            raise

    def _open(self, query: Query) -> "_Opened":
        """Return the case, or raise the reason why none can be opened."""
        records, now = self._records, self.now
        charter = self._charter
        if charter is None:
            charter = self._charter = charter_in(records, self._ecosystem_id)
        if charter is None:
            raise _Unanswerable("no_charter", f"No charter of {self._ecosystem_id} is in effect here yet.")
        accepted: str | None = None
        mandates: list[Voice] | None = None
        if (asked := spelled_authority(query.authority)) != self._ecosystem_id:
            accepted = asked
            mandates = _mandates(records, spelled(query.authority), mandate_named(query.authority))
        if mandates == []:
            raise _Unanswerable("unknown_authority", f"{accepted} is not an authority of this ecosystem.")
        time = now if query.time is None else query.time
        if time > now + CLOCK_SLACK:
            raise _Unanswerable("future_time", f"{day(time)} is in the future; ask about a time up to now.")
        if query.action not in (ISSUE, ACCREDIT):
            raise _Unanswerable("unknown_action", f"{query.action} is not a known action; ask about issue or accredit.")
        case = Case(
            query=_resolved(query, records),
            records=records,
            time=min(time, now),
            now=now,
            publishers=[Voice(by, None) for by in charter["publishers"]],
            is_watched=self._is_watched,
            max_backdating=charter.get("max_backdating"),
            mandates=None if mandates is None else frozenset(mandates),
            is_plain=query.key is None
            and query.committed_with is None
            and (mandates is None or len(set(mandates)) < 2),
            chains=self._chains,
            links={},
            key_answers={},
            scoped=[],
            scope_answers=ScopeAnswers(),
            shared=[],
        )
        if len(self._cases) == CASES:
            self._cases.clear()
        opened = self._cases[query[1:]] = _Opened(case, charter, accepted, [])
        return opened


class _Opened(NamedTuple):
    """A case, and what all decisions on it share.

    Attributes:
        charter: the one in force. accepted: the authority that was asked about; None if the whole ecosystem was.
        apply: where to apply, a sentence, once an answer has named it; empty before.
    """

    case: Case
    charter: CharterRecord
    accepted: str | None
    apply: list[str]

    def where_to_apply(self) -> str:
        """Say where an issuer may apply for an accreditation; empty where no authority names an address."""
        if self.case.is_watched or not self.apply:
            self.apply[:] = []
            self.apply.append(_where_to_apply(self.case.records, self.charter, self.accepted))
        return self.apply[0]


class _Unanswerable(Exception):
    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.reason = Reason(code=code, text=text)


def _mandates(records: Records, id: CanonicalId, via: bytes | None) -> list[Voice]:
    """Return the mandates that a question means: the one delegation it names, or all that count for the body's id."""
    record = authority_in(records, id)
    if record is None:
        return []
    if via is None:
        return mandates_of(record)
    return [Voice(id, via)] if any(one["via"] == via for one in record["standings"]) else []


def _resolved(query: Query, records: Records) -> Query:
    """Return the query with its resource resolved: a framework if the registry has that id, else a competency."""
    if query.resource is None:
        return query
    if framework_in(records, query.resource) is not None and competency_in(records, query.resource) is None:
        return query._replace(resource=None, framework=query.framework or query.resource)
    return query._replace(resource=None, competencies=(*query.competencies, query.resource))


# ------------------------------------------------------------------------------------------------ issuers


def _decide_issue(opened: _Opened, entity: CanonicalId) -> Decision:
    case = opened.case
    records = case.records
    issuer = issuer_in(records, entity)
    findings: list[Finding] = []
    missing: list[str] = []
    if issuer is not None:
        _judge_all(case, issuer, None, findings, missing)
    for finding in findings:
        if finding.verdict in AUTHORIZED:
            break
    else:
        # An alias counts if an authority of the accreditation's own chain stated it. So nobody can take over another
        # issuer's accreditation by an alias, and several claims to one alias do not block each other.
        alias = alias_in(records, entity)
        for id in alias["issuers"] if alias is not None else ():
            named = issuer_in(records, id)
            if named is None:
                missing.append(f"issuer {id}")
            elif id != entity:
                before = len(findings)
                _judge_all(case, named, entity, findings, missing)
                issuer = issuer or (named if len(findings) > before else None)
    if not findings:
        return _nothing_found(opened, entity, issuer, missing)
    return _combine(case, findings, missing, {entity: issuer})


def _judge_all(
    case: Case,
    issuer: IssuerRecord,
    alias: str | None,
    findings: list[Finding],
    missing: list[str],
) -> None:
    for id, _ in issuer["accreditations"]:
        record = accreditation_in(case.records, id)
        if record is None:
            missing.append(f"accreditation {id.hex()}")
            continue
        chain = case.chain((record["by"], record["via"]))
        if case.mandates is not None and all(link.voice not in case.mandates for link in chain):
            continue
        if alias is None or _is_known_as(case, issuer, alias, chain, publishers_of(case, record)):
            findings.append(judge(case, issuer, record, chain))


def _is_known_as(case: Case, issuer: IssuerRecord, alias: str, chain: Chain, publishers: Collection[Voice]) -> bool:
    return any(
        alias in fact["facts"].get("also_known_as", ()) and counts(fact, chain, publishers)
        for fact in standing(case.said(issuer["stated"]))
    )


def _nothing_found(
    opened: _Opened, entity: CanonicalId, issuer: IssuerRecord | None, missing: Sequence[str]
) -> Decision:
    case, accepted = opened.case, opened.accepted
    query, now = case.query, case.now
    if missing:
        reason = Reason(code="record_missing", text=f"These records are missing here: {', '.join(missing)}.")
        return _answer(query, now, Verdict.INDETERMINATE, reason)._replace(unchecked=tuple(missing))
    apply = opened.where_to_apply()
    if issuer is None:
        reason = Reason(code="unknown_issuer", text=f"{entity} is not in this registry.{apply}")
        return _answer(query, now, Verdict.UNKNOWN_ISSUER, reason)
    if issuer["accreditations"]:
        text = f"Neither {accepted} nor a delegate of it has accredited {entity}."
        text += _other_mandates(case, accepted)
        reason = Reason(code="not_by_this_authority", text=text)
    else:
        reason = Reason(
            code="no_accreditation", text=f"{entity} is registered, but no authority has accredited it.{apply}"
        )
    decision = _answer(query, now, Verdict.NOT_TRUSTED, reason)
    return decision._replace(issuer=issuer["id"], issuer_name=name_of(issuer))


def _other_mandates(case: Case, accepted: str | None) -> str:
    """Say how to ask about mandates that the id alone does not mean: those from before the charter named it."""
    if accepted is None or case.mandates is None or "#" in accepted:
        return ""
    id = spelled(accepted)
    record = authority_in(case.records, id)
    assert record is not None, "its mandates were found in it"
    vias = [one["via"] for one in record["standings"] if one["via"] is not None]
    held = [via for via in vias if Voice(id, via) not in case.mandates]
    named = [f"{id}#{via.hex()}" for via in held[:OTHER_MANDATES]]
    return f" It was a delegate earlier: to ask about that mandate, name {' or '.join(named)}." if named else ""


def _where_to_apply(records: Records, charter: CharterRecord, accepted: str | None) -> str:
    links = []
    for id in charter["authorities"] if accepted is None else (spelled(accepted),):
        record = authority_in(records, id)
        counting = () if record is None else mandates_of(record)
        for one in record["standings"] if record is not None else ():
            if one["withdrawn"] is None and "apply_url" in one and Voice(id, one["via"]) in counting:
                links.append(f"{one['name']}, {one['apply_url']}")
    return f" To apply: {'; '.join(links[:APPLY_LINKS])}" if links else ""


def _combine(
    case: Case,
    findings: list[Finding],
    missing: Sequence[str],
    read: Mapping[CanonicalId, IssuerRecord | None] = MappingProxyType({}),
) -> Decision:
    """Turn the best finding into the decision, and say so if a record that is missing here might improve it.

    Args:
        read: records of issuers that have been read already, by their ids.
    """
    if len(findings) > 1:
        findings.sort(key=order_of)
    best = findings[0]
    verdict, reasons = best.verdict, best.reasons
    if missing and verdict not in AUTHORIZED:
        reason = Reason(code="record_missing", text=f"These records are missing here: {', '.join(missing)}.")
        verdict, reasons = Verdict.INDETERMINATE, (reason, *reasons)
    chain, name = tuple([(link.by, link.via) for link in best.chain]), None
    dates = best.dates if len(findings) == 1 else [date for one in findings for date in one.dates]
    if best.issuer is not None:
        record = read.get(best.issuer) or issuer_in(case.records, best.issuer)
        name = None if record is None else name_of(record, chain)
    return Decision(
        verdict,
        reasons,
        case.now,
        case.query.time,
        () if best.id is None else (best.id,),
        _others(findings),
        best.statements,
        chain,
        (*best.unchecked, *missing),
        min(dates, default=None),
        best.issuer,
        name,
    )


def _others(findings: Sequence[Finding]) -> tuple[Other, ...]:
    if len(findings) == 1:
        return ()
    return tuple([Other(one.id, one.verdict, one.reasons[0].code) for one in findings[1:] if one.id is not None])


# ------------------------------------------------------------------------------------------------ authorities


def _decide_mandate(opened: _Opened, entity: CanonicalId, via: bytes | None) -> Decision:
    case, accepted = opened.case, opened.accepted
    record = authority_in(case.records, entity)
    mandates = _mandates(case.records, entity, via)
    if record is None or not mandates:
        reason = Reason(
            code="unknown_entity",
            text=f"{entity} is not an authority of this ecosystem.{opened.where_to_apply()}",
        )
        return _answer(case.query, case.now, Verdict.UNKNOWN_ISSUER, reason)
    findings = []
    for voice in mandates:
        chain = case.chain(voice)
        if case.mandates is None or any(link.voice in case.mandates for link in chain[1:]):
            findings.append(judge_mandate(case, chain, mandates))
    if not findings:
        reason = Reason(code="not_by_this_authority", text=f"{accepted} has not given {entity} a mandate.")
        return _answer(case.query, case.now, Verdict.NOT_TRUSTED, reason)
    decision = _combine(case, findings, ())
    via = decision.chain[0][1]
    name = next(str(one["name"]) for one in record["standings"] if one["via"] == via)
    return decision._replace(issuer=entity, issuer_name=name)


# ------------------------------------------------------------------------------------------------ recognition


def decide_recognition(query: Query, records: Records, now: int, *, ecosystem_id: CanonicalId) -> Decision:
    """Decide whether this ecosystem recognises another one, or an authority, for an action (TRQP 2.0 recognition).

    The ecosystem itself and its own authorities are recognised without a statement. `query.action` is any word; the
    resource is not limited by a recognition.
    """
    charter = charter_in(records, ecosystem_id)
    time = now if query.time is None else query.time
    if charter is None:
        reason = Reason(code="no_charter", text=f"No charter of {ecosystem_id} is in effect here yet.")
        return _answer(query, now, Verdict.INDETERMINATE, reason)
    if time > now + CLOCK_SLACK:
        reason = Reason(code="future_time", text=f"{day(time)} is in the future; ask about a time up to now.")
        return _answer(query, now, Verdict.INDETERMINATE, reason)
    try:
        entity = spelled(query.entity)
    except DecodeError as error:
        return _answer(
            query,
            now,
            Verdict.INDETERMINATE,
            Reason(code="bad_identifier", text=f"The question does not name a valid entity: {error}"),
        )
    if entity == ecosystem_id or entity in charter["authorities"]:
        reason = Reason(code="own_authority", text=f"{entity} belongs to this ecosystem.")
        return _answer(query, now, Verdict.TRUSTED, reason)
    record = recognition_in(records, entity)
    if record is None:
        reason = Reason(code="not_recognized", text=f"This ecosystem has not recognised {entity}.")
        return _answer(query, now, Verdict.NOT_TRUSTED, reason)
    return _best_recognition(query, record, min(time, now), now)


def _best_recognition(query: Query, record: RecognitionRecord, time: int, now: int) -> Decision:
    findings = [_recognition(query, one, time, now) for one in record["granted"]]
    best = min(findings, key=lambda finding: (order_of(finding), finding.statements))
    return Decision(
        verdict=best.verdict,
        reasons=best.reasons,
        time_evaluated=now,
        time_requested=query.time,
        statements=best.statements,
        valid_until=min((date for one in findings for date in one.dates), default=None),
        issuer=record["id"],
        issuer_name=str(record["granted"][0]["name"]),
    )


def _recognition(query: Query, granted: StatedRecognition, time: int, now: int) -> Finding:
    ends = [granted["valid_until"]] if "valid_until" in granted else []
    withdrawn = granted["withdrawn"]
    ends += [end_of(withdrawn, now)] if withdrawn is not None else []
    begins, end = granted.get("valid_from", met(granted)), min(ends, default=None)
    if is_ahead(granted, now):
        begins = max(begins, met(granted))
    name = granted["name"]
    if query.action not in granted["actions"] and "*" not in granted["actions"]:
        verdict, code = Verdict.NOT_TRUSTED, "action_not_covered"
        text = f"{name} is recognised, but not for {query.action}."
    elif time < begins:
        verdict, code, text = Verdict.NOT_TRUSTED, "not_yet_valid", f"Recognition of {name} begins on {day(begins)}."
    elif end is not None and end <= time:
        verdict, code, text = Verdict.NOT_TRUSTED, "recognition_ended", f"{name} was recognised until {day(end)}."
    elif end is not None and end <= now:
        verdict, code = Verdict.TRUSTED_HISTORICAL, "later_ended"
        text = f"{name} was recognised on {day(time)}; the recognition ended on {day(end)}."
    else:
        verdict, code, text = Verdict.TRUSTED, "recognized", f"{name} has been recognised since {day(begins)}."
    statements = (granted["statement"], *(() if withdrawn is None else (withdrawn["statement"],)))
    return Finding(
        verdict=verdict,
        reasons=(Reason(code=code, text=text),),
        statements=statements,
        dates=_after(now, (begins, *ends)),
    )


def _after(now: int, dates: Iterable[int]) -> tuple[int, ...]:
    return tuple(date for date in dates if date > now)


def _answer(query: Query, now: int, verdict: Verdict, reason: Reason) -> Decision:
    return Decision(verdict=verdict, reasons=(reason,), time_evaluated=now, time_requested=query.time)
