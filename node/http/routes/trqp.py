"""`POST /authorization`, `POST /recognition`: the ToIP Trust Registry Query Protocol 2.0, HTTPS binding.

Request (both): `entity_id`, `authority_id`, `action`, `resource`, all required; `context` optional, its members texts.
Unknown members of the request and of `context` are ignored (TRQP versioning). `context.time` is RFC 3339 with Z.

Answer, 200: the four members as sent, `authorized` or `recognized`, `time_evaluated` (this node's clock),
`time_requested` and `context` where given, `message`. Ours besides: `verdict`, `reasons` (codes), `valid_until`, so
that unknown, unchecked and untrusted stay apart. 400 for what is malformed; 404 only for an authority this node does
not serve, for an unknown entity is 200 with false; 503 where this node's own view is too old.
"""

from dataclasses import replace
from typing import Annotated, Any, Final, NotRequired, TypedDict

import msgspec
from msgspec import Meta
from starlette.responses import Response

from accredit.node.http.json_views import format_time, parse_time
from accredit.registry.decision.decide import Decision, Query, decide_recognition, query_from_trqp
from accredit.registry.decision.query import mandate_named, spelled_authority
from accredit.registry.encoding.identifiers import canonical, without_fragment
from accredit.registry.errors import DecodeError, NotYetError
from accredit.registry.limits import IDENTIFIER_CHARS

from .decisions import judge, require_served, served_ecosystem
from .route import JSON, Call, Route, json_response

CONTEXT_MEMBERS: Final = 50
CONTEXT_CHARS: Final = 2_000

_Text = Annotated[str, Meta(min_length=1, max_length=IDENTIFIER_CHARS)]
_Context = Annotated[dict[str, Annotated[str, Meta(max_length=CONTEXT_CHARS)]], Meta(max_length=CONTEXT_MEMBERS)]


class TrqpRequest(msgspec.Struct, kw_only=True, frozen=True):
    """TRQP 2.0 AuthorizationRequest and RecognitionRequest."""

    entity_id: _Text
    authority_id: _Text
    action: _Text
    resource: _Text
    context: _Context | None = None


class _Answer(TypedDict):
    entity_id: str
    authority_id: str
    action: str
    resource: str
    time_evaluated: str
    time_requested: NotRequired[str]
    message: str
    context: NotRequired[dict[str, str]]
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
    context = dict(request.context or {})
    query = query_from_trqp(request.entity_id, request.authority_id, request.action, request.resource, context)
    query = replace(query, entity=_entity(request), authority=_served(call, request, ecosystem), time=_time(request))
    decision = judge(call, query, ecosystem, call.reader.now(), None)
    return json_response(_answer(request, decision, "authorized"), cache="no-store")


async def recognition(call: Call) -> Response:
    """Does this authority recognise that one? A recognition speaks for the whole ecosystem, whoever proposed it."""
    request, ecosystem = await _read(call)
    authority = _served(call, request, ecosystem)
    query = Query(entity=_entity(request), authority=authority, action=request.action, time=_time(request))
    decision = decide_recognition(query, call.reader.fold, call.reader.now(), ecosystem_id=ecosystem)
    return json_response(_answer(request, decision, "recognized"), cache="no-store")


async def _read(call: Call) -> tuple[TrqpRequest, str]:
    """The request, and the ecosystem this node answers for, if its view is fresh."""
    request = await call.json_as(TrqpRequest)
    ecosystem = served_ecosystem(call)
    stale = call.reader.health.stale()
    if stale is not None:
        raise NotYetError("stale_view", stale, hint="Ask another node, or this one in a moment.")
    return request, ecosystem


def _served(call: Call, request: TrqpRequest, ecosystem: str) -> str:
    authority = _spelled(request.authority_id, "authority_id")
    require_served(call, authority, ecosystem)
    return authority


def _entity(request: TrqpRequest) -> str:
    return _spelled(without_fragment(request.entity_id), "entity_id")


def _spelled(text: str, where: str) -> str:
    """TRQP identifiers are URIs (RFC 3986); an authority's may name a mandate after its #."""
    try:
        return canonical(text) if mandate_named(text) is None else spelled_authority(text)
    except DecodeError as error:
        raise DecodeError(error.code, error.message, where=where, hint=error.hint) from None


def _time(request: TrqpRequest) -> int | None:
    """`context.time`: "RFC3339 required, using only Z (+00:00) offset"."""
    text = (request.context or {}).get("time")
    if text is None:
        return None
    if not text.endswith(("Z", "z")):
        raise DecodeError(
            "bad_time",
            f"{text[:40]!r} does not end in Z.",
            where="context.time",
            hint="Write it like 2015-05-20T00:00:00Z.",
        )
    return parse_time(text, where="context.time")


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
        if "time" in request.context:
            echo["time_requested"] = request.context["time"]
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
