"""`POST /v1/decisions`: the native question, one or up to a thousand at a time.

    {"issuer": "did:web:college.example", "achievement_type": "BachelorDegree", "issued_on": "2015-05-20"}

Every member has its canonical name and, where people would say it otherwise, a plain one; times may be dates. A list,
or `{"queries": [...]}`, is answered by `{"decisions": [...]}` in the order asked; a question that cannot be understood
has its problem in its place and spoils no other. Only `entity` (or `issuer`) must be given: without an authority the
whole ecosystem is asked, without a time it is now. `resource` is an address
that may name a framework or a competency.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any, Final, TypedDict

import msgspec
from msgspec import Meta
from starlette.responses import Response

from node.api.requests import convert
from node.api.routes import JSON, Call, Route, json_response
from node.problems import Problem, as_member
from node.views import format_time, parse_time, plain
from registry.axes import check_jurisdiction, parse_field, parse_level
from registry.decision import Decision, Query, Reason, Verdict, decide
from registry.errors import AccreditError, DecodeError, InputError, NotYetError
from registry.identifiers import canonical, canonical_issuer, without_fragment
from registry.limits import IDENTIFIER_CHARS

QUERIES: Final = 1_000
LISTED: Final = 50
"""Values on one axis of one question; real credentials name a handful."""

_Text = Annotated[str, Meta(min_length=1, max_length=IDENTIFIER_CHARS)]
_Texts = Annotated[list[_Text], Meta(max_length=LISTED)]
_OneOrMore = _Text | _Texts


class Question(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """One question. Of two names for one thing (entity and issuer, time and issued_on, …) one may be given."""

    entity: _Text | None = None
    issuer: _Text | None = None
    authority: _Text | None = None
    action: _Text = "issue"
    resource: _Text | None = None
    time: _Text | None = None
    issued_on: _Text | None = None
    credential_types: _OneOrMore | None = None
    credential_type: _OneOrMore | None = None
    achievement_types: _OneOrMore | None = None
    achievement_type: _OneOrMore | None = None
    competencies: _OneOrMore | None = None
    competency: _OneOrMore | None = None
    framework: _Text | None = None
    level: _Text | None = None
    jurisdiction: _Text | None = None
    program: _Text | None = None
    field_of_study: _Text | None = None
    delivery_mode: _Text | None = None
    key: _Text | None = None
    evidence: bool = False


PLAIN: Final[Mapping[str, str]] = {
    "entity": "issuer",
    "time": "issued_on",
    "credential_types": "credential_type",
    "achievement_types": "achievement_type",
    "competencies": "competency",
}
"""Canonical names and the plain ones."""


class Questions(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Up to 1,000 questions."""

    queries: Annotated[list[Question], Meta(max_length=QUERIES)]


class ReasonView(TypedDict):
    """A stable code and a sentence."""

    code: str
    text: str


class Link(TypedDict):
    """One authority of the chain up to the charter."""

    by: str
    via: str | None


class OtherView(TypedDict):
    """An accreditation that did not decide, and what it would have said."""

    accreditation: str
    verdict: str
    code: str


class DecisionView(TypedDict):
    """The answer to one question."""

    entity: str
    authority: str
    action: str
    resource: str | None
    verdict: str
    authorized: bool
    reasons: list[ReasonView]
    accreditations: list[str]
    others: list[OtherView]
    statements: list[str]
    chain: list[Link]
    unchecked: list[str]
    time_evaluated: str
    time_requested: str | None
    valid_until: str | None
    issuer: str | None
    issuer_name: str | None


class Failed(TypedDict):
    """A question that could not be understood."""

    problem: Problem


# Which of two dictionaries a row is, msgspec's schemas cannot say by themselves.
_ROW: Final = {"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in ("DecisionView", "Failed")]}
_Rows = Annotated[list[dict[str, Any]], Meta(extra_json_schema={"items": _ROW})]


class Decisions(TypedDict):
    """The answers, in the order asked."""

    decisions: _Rows


async def decisions(call: Call) -> Response:
    """One decision, or many."""
    asked = await call.json()
    ecosystem = served_ecosystem(call)
    stale, now = call.reader.health.stale(), call.reader.now()
    if isinstance(asked, dict) and "queries" not in asked:
        return json_response(_answer(call, asked, ecosystem, now, stale), cache="no-store")
    queries = asked["queries"] if isinstance(asked, dict) and set(asked) == {"queries"} else asked
    if not isinstance(queries, list):
        raise DecodeError(
            "bad_member",
            'expected one query, a list of them, or {"queries": [...]} and nothing else.',
            hint="See /openapi.json.",
        )
    if len(queries) > QUERIES:
        raise InputError(
            "too_many", f"{len(queries)} queries; at most {QUERIES} are answered at once.", hint="Split them."
        )
    rows: list[dict[str, Any]] = []
    for query in queries:
        try:
            rows.append({**_answer(call, query, ecosystem, now, stale)})
        except AccreditError as error:
            rows.append({"problem": as_member(error)})
    value: Decisions = {"decisions": rows}
    return json_response(value, cache="no-store")


def served_ecosystem(call: Call) -> str:
    """The id of the ecosystem this node serves.

    Raises:
        NotYetError: its genesis is not in effect here (`not_ready`).
    """
    charter = call.reader.fold.charter
    if charter is None:
        raise NotYetError(
            "not_ready", "the ecosystem's genesis is not in effect here yet.", hint="GET /readyz says what is missing."
        )
    return charter.id


def require_served(call: Call, authority: str, ecosystem: str) -> None:
    """That this node can answer for `authority`.

    Raises:
        InputError: it is neither the ecosystem nor an authority in it (`unknown_authority`).
    """
    if authority != ecosystem and call.reader.fold.get("authority", authority) is None:
        raise InputError(
            "unknown_authority",
            f"this node does not answer for {authority}.",
            hint=f"It answers for {ecosystem} and the authorities of GET /v1/authorities.",
        )


def _answer(call: Call, asked: Any, ecosystem: str, now: int, stale: str | None) -> DecisionView:
    question = convert(asked, Question)
    if question.evidence:
        raise InputError(
            "evidence_not_available",
            "this node cannot attach proofs to its decisions yet.",
            hint="Ask without evidence; `statements` names what the decision rests on.",
        )
    query = query_of(question, ecosystem)
    require_served(call, query.authority, ecosystem)
    decision = judge(call, query, ecosystem, now, stale)
    return _view(query, decision)


def judge(call: Call, query: Query, ecosystem: str, now: int, stale: str | None) -> Decision:
    """The decision, counted; `stale_view` in place of it where this node's own view is too old."""
    decision = decide(query, call.reader.fold, now, ecosystem_id=ecosystem)
    if stale is not None:
        decision = replace(
            decision,
            verdict=Verdict.STALE_VIEW,
            reasons=(Reason(code="stale_view", text=stale),),
            valid_until=None,
        )
    call.reader.metrics.decisions.labels(str(decision.verdict)).inc()
    return decision


def query_of(question: Question, ecosystem: str) -> Query:
    """The question in the core's terms, every id in its canonical spelling.

    Raises:
        DecodeError: a member is given under both its names, or is not of its form.
    """
    entity = _either(question, "entity")
    if entity is None:
        raise DecodeError("missing_member", "whom do you ask about?", where="entity", hint="Give entity, or issuer.")
    when = _either(question, "time")
    authority = question.authority
    return Query(
        entity=_spelled(canonical_issuer, without_fragment(entity), "entity"),
        authority=ecosystem if authority is None else _spelled(canonical_issuer, authority, "authority"),
        action=question.action,
        resource=None if question.resource is None else _spelled(canonical, question.resource, "resource"),
        time=None if when is None else parse_time(when, where="time", dates=True),
        credential_types=_several(question, "credential_types"),
        achievement_types=_several(question, "achievement_types"),
        competencies=tuple(_spelled(canonical, uri, "competencies") for uri in _several(question, "competencies")),
        framework=None if question.framework is None else _spelled(canonical, question.framework, "framework"),
        level=None if question.level is None else parse_level(question.level),
        jurisdiction=_jurisdiction(question.jurisdiction),
        program=question.program,
        field_of_study=None if question.field_of_study is None else parse_field(question.field_of_study),
        delivery_mode=question.delivery_mode,
        key=question.key,
    )


def _jurisdiction(text: str | None) -> str | None:
    if text is not None:
        check_jurisdiction(text, "jurisdiction")
    return text


def _either(question: Question, canonical_name: str) -> Any:
    """The value of a member under its canonical or its plain name."""
    plain_name = PLAIN[canonical_name]
    first, second = getattr(question, canonical_name), getattr(question, plain_name)
    if first is not None and second is not None:
        raise DecodeError(
            "duplicate_member", f"{canonical_name} and {plain_name} are one thing.", where=plain_name, hint="Give one."
        )
    return second if first is None else first


def _several(question: Question, name: str) -> tuple[str, ...]:
    value = _either(question, name)
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def _spelled(spell: Callable[[str], str], text: str, where: str) -> str:
    try:
        return spell(text)
    except DecodeError as error:
        raise DecodeError(error.code, error.message, where=where, hint=error.hint) from None


def _view(query: Query, decision: Decision) -> DecisionView:
    return {
        "entity": query.entity,
        "authority": query.authority,
        "action": query.action,
        "resource": query.resource,
        "verdict": decision.verdict,
        "authorized": decision.authorized,
        "reasons": [{"code": reason.code, "text": reason.text} for reason in decision.reasons],
        "accreditations": [id.hex() for id in decision.accreditations],
        "others": [
            {"accreditation": other.accreditation.hex(), "verdict": other.verdict, "code": other.code}
            for other in decision.others
        ],
        "statements": [id.hex() for id in decision.statements],
        "chain": [{"by": by, "via": plain(via)} for by, via in decision.chain],
        "unchecked": list(decision.unchecked),
        "time_evaluated": format_time(decision.time_evaluated),
        "time_requested": _time_or_null(decision.time_requested),
        "valid_until": _time_or_null(decision.valid_until),
        "issuer": decision.issuer,
        "issuer_name": decision.issuer_name,
    }


def _time_or_null(seconds: int | None) -> str | None:
    return None if seconds is None else format_time(seconds)


ROUTES: Final = (
    Route(
        method="POST",
        path="/v1/decisions",
        handler=decisions,
        family="decisions",
        about="May this issuer issue this? One question, or up to 1,000",
        takes={JSON: (Question, Questions, list[Question])},
        gives={JSON: (DecisionView, Decisions)},
        mentions=(Failed,),
        problems=(404, 501, 503),
    ),
)
