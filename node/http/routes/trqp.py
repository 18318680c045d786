"""`POST /authorization`, `POST /recognition`: the ToIP Trust Registry Query Protocol 2.0, HTTPS binding.

Request (both): `entity_id`, `authority_id`, `action`, `resource`, all required; `context` optional.
Unknown members of the request and of `context` are ignored, whatever they hold (TRQP versioning); null is as if absent.
`context.time` is RFC 3339 in UTC, written Z or +00:00.

Answer, 200: the four members as sent, `authorized` or `recognized`, `time_evaluated` (this node's clock),
`time_requested` and `context` where given, `message`. Ours besides: `verdict`, `reasons` (codes), `valid_until`, so
that unknown, unchecked and untrusted stay apart. 400 for what is malformed; 404 only for an authority this node does
not serve, for an unknown entity is 200 with false; 503 where this node's own view is too old.
"""

from typing import Annotated, Any, Final, NotRequired, TypedDict

import msgspec
from msgspec import Meta

from accredit.node.http.exchange import Response
from accredit.node.http.json_views import format_time
from accredit.node.questions import query_from_trqp
from accredit.registry.decision.decide import Decision, Query
from accredit.registry.decision.query import ENTITY_CHARS, mandate_named, spelled_authority
from accredit.registry.encoding import rfc3339
from accredit.registry.encoding.identifiers import CanonicalId, canonical, without_fragment
from accredit.registry.errors import DecodeError, NotYetError
from accredit.registry.limits import IDENTIFIER_CHARS

from .deciding import RECOGNITION, decide_held
from .decisions import judge, require_served, served_ecosystem
from .route import JSON, Call, Route, json_response

CONTEXT_MEMBERS: Final = 50

_Text = Annotated[str, Meta(min_length=1, max_length=IDENTIFIER_CHARS)]
_Who = Annotated[str, Meta(min_length=1, max_length=ENTITY_CHARS)]


class TrqpRequest(msgspec.Struct, kw_only=True, frozen=True):
    """TRQP 2.0 AuthorizationRequest and RecognitionRequest."""

    entity_id: Annotated[_Who, Meta(description="Whom the question is about: a DID or https URL.")]
    authority_id: Annotated[_Text, Meta(description="The ecosystem, or one authority of it.")]
    action: Annotated[_Text, Meta(description="`issue`, or `accredit` for authorities.")]
    resource: Annotated[
        _Text,
        Meta(
            description="An achievement type, a credential type, or the address of a framework or competency. "
            "The prefix `achievementType:`, `credentialType:`, `competency:` or `framework:` removes ambiguity."
        ),
    ]
    context: Annotated[
        Annotated[dict[str, Any], Meta(max_length=CONTEXT_MEMBERS)] | None,
        Meta(
            description="`time` (RFC 3339 in UTC) and other members of a question to /v1/decisions make it precise; "
            "others are ignored and sent back."
        ),
    ] = None


class _Answer(TypedDict):
    entity_id: str
    authority_id: str
    action: str
    resource: str
    time_evaluated: str
    time_requested: NotRequired[str]
    message: str
    context: NotRequired[dict[str, Any]]
    verdict: str
    reasons: list[str]
    valid_until: NotRequired[str]


class AuthorizationAnswer(_Answer):
    """TRQP 2.0 AuthorizationResponse, with `verdict`, `reasons` and `valid_until`."""

    authorized: bool


class RecognitionAnswer(_Answer):
    """TRQP 2.0 RecognitionResponse, with `verdict`, `reasons` and `valid_until`."""

    recognized: bool


async def authorization(call: Call) -> Response:
    """May this entity do this with this, under this authority?"""
    request, ecosystem = await _read(call)
    query = query_from_trqp(
        request.entity_id, request.authority_id, request.action, request.resource, request.context, ecosystem
    )
    require_served(call, query.authority, ecosystem)
    decision = judge(call, query, ecosystem, call.reader.now(), None)
    return json_response(_answer(request, decision, "authorized"), cache="no-store")


async def recognition(call: Call) -> Response:
    """Does this authority recognise that one? A recognition speaks for the whole ecosystem, whoever proposed it."""
    request, ecosystem = await _read(call)
    authority = _served(call, request, ecosystem)
    query = Query(entity=_entity(request), authority=authority, action=request.action, time=_time(request))
    decision = decide_held(query, call.reader.fold, call.reader.now(), ecosystem_id=ecosystem, asked=RECOGNITION)
    return json_response(_answer(request, decision, "recognized"), cache="no-store")


async def _read(call: Call) -> tuple[TrqpRequest, CanonicalId]:
    """The request, and the ecosystem this node answers for, if its view is fresh."""
    request = await call.json_as(TrqpRequest)
    ecosystem = served_ecosystem(call)
    stale = call.reader.health.stale()
    if stale is not None:
        raise NotYetError("stale_view", stale, hint="Ask another node, or this one in a moment.")
    return request, ecosystem


def _served(call: Call, request: TrqpRequest, ecosystem: CanonicalId) -> str:
    authority = _spelled(request.authority_id, "authority_id")
    require_served(call, authority, ecosystem)
    return authority


def _entity(request: TrqpRequest) -> str:
    return _spelled(without_fragment(request.entity_id), "entity_id", ENTITY_CHARS)


def _spelled(text: str, where: str, max_chars: int = IDENTIFIER_CHARS) -> str:
    """TRQP identifiers are URIs (RFC 3986); an authority's may name a mandate after its #."""
    try:
        return spelled_authority(text) if mandate_named(text) is not None else canonical(text, max_chars=max_chars)
    except DecodeError as error:
        raise DecodeError(error.code, error.message, where=where, hint=error.hint) from None


def _time(request: TrqpRequest) -> int | None:
    """`context.time`: "RFC3339 required, using only Z (+00:00) offset"."""
    written = (request.context or {}).get("time")
    if written is None:
        return None
    if not isinstance(written, str):
        raise DecodeError("bad_time", "expected text.", where="context.time", hint="As in 2015-05-20T00:00:00Z.")
    return rfc3339.parse(written, where="context.time")


def _answer(request: TrqpRequest, decision: Decision, yes: str) -> dict[str, Any]:
    answer = {
        **_echo(request),
        yes: decision.authorized,
        "time_evaluated": format_time(decision.time_evaluated),
        "message": " ".join(reason.text for reason in decision.reasons),
        "verdict": decision.verdict,
        "reasons": [reason.code for reason in decision.reasons],
    }
    if decision.valid_until is not None:
        answer["valid_until"] = format_time(decision.valid_until)
    return answer


def _echo(request: TrqpRequest) -> dict[str, Any]:
    echo: dict[str, Any] = {
        "entity_id": request.entity_id,
        "authority_id": request.authority_id,
        "action": request.action,
        "resource": request.resource,
    }
    if request.context is not None:
        echo["context"] = request.context
        if request.context.get("time") is not None:
            echo["time_requested"] = format_time(rfc3339.parse(request.context["time"]))
    return echo


ROUTES: Final = (
    Route(
        method="POST",
        path="/authorization",
        handler=authorization,
        family="trqp",
        about="TRQP 2.0: may this entity do this, under this authority?",
        takes={JSON: TrqpRequest},
        gives={JSON: AuthorizationAnswer},
        problems=(404, 503),
    ),
    Route(
        method="POST",
        path="/recognition",
        handler=recognition,
        family="trqp",
        about="TRQP 2.0: does this authority recognise that one?",
        takes={JSON: TrqpRequest},
        gives={JSON: RecognitionAnswer},
        problems=(404, 503),
    ),
)
