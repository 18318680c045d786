"""`POST /authorization`, `POST /recognition`, `GET /trqp/profile`: the ToIP Trust Registry Query Protocol 2.0, HTTPS.

Request (both): `entity_id`, `authority_id`, `action`, `resource`, all required; `context` optional.
Unknown members of the request and of `context` are ignored, whatever they hold (TRQP versioning); null is as if absent.
`context.time` is RFC 3339 in UTC, written Z or +00:00.

Answer, 200: the four members as sent, `authorized` or `recognized`, `time_evaluated` (this node's clock),
`time_requested` where given, `message`, and those members of `context` that were understood: a missing one did not
narrow the question. Our own members `verdict`, `reasons` (codes) and `valid_until` keep unknown, unchecked and
untrusted apart. 400 means a malformed request; 404 only an authority that this node does not serve; 503 that this
node's view is too old.

Identifiers are URIs (RFC 3986), of any scheme and with any host, IPv6 literals among them. One that no record can have
(`mailto:`, `http://[2001:db8::1]/`) is an entity that nobody has accredited: 200 with false.
"""

import ipaddress
import re
from collections.abc import Collection
from functools import cache
from typing import Annotated, Any, Final, NotRequired, TypedDict

import msgspec
from msgspec import Meta

from accredit.node.http.exchange import Response
from accredit.node.http.handling.deciding import RECOGNITION, decide_held
from accredit.node.http.handling.moment import Moment
from accredit.node.http.handling.request_reading import decode_as
from accredit.node.http.handling.route import JSON, REVALIDATE, AnswerSource, Call, Route, json_response, reading
from accredit.node.questions import CONTEXT, Question, query_from_trqp, spelled_entity
from accredit.node.views.json_views import format_time
from accredit.registry.decision.decide import Decision, Query, Reason, Verdict
from accredit.registry.decision.query import ACCREDIT, ENTITY_CHARS, ISSUE, mandate_named, spelled_authority
from accredit.registry.domain.vocabulary import ACHIEVEMENT_TYPES
from accredit.registry.encoding import rfc3339
from accredit.registry.encoding.identifiers import canonical, without_fragment
from accredit.registry.errors import DecodeError, InputError
from accredit.registry.limits import IDENTIFIER_CHARS

from .decisions import answered, judge, require_served, served_ecosystem

CONTEXT_MEMBERS: Final = 50

OF_RECOGNITION: Final = ("time",)
"""Members of `context` that a question about a recognition understands, because a recognition cannot be narrowed."""

_NOBODY: Final = "did:example:nobody"
"""Stands for an entity that no record can have, while the rest of the question is read."""

_CHAR: Final = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"  # RFC 3986 appendix A: pchar
_USER: Final = r"(?:[A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})*"
_NAME: Final = r"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*"
_SEGMENTS: Final = rf"(?:/{_CHAR}*)*"
_URI: Final = re.compile(
    rf"[A-Za-z][A-Za-z0-9+.-]*:"
    rf"(?://(?:{_USER}@)?(?:\[(?P<literal>[^\]]*)\]|{_NAME})(?::[0-9]*)?{_SEGMENTS}"
    rf"|/(?:{_CHAR}+{_SEGMENTS})?|{_CHAR}+{_SEGMENTS}|)"
    rf"(?:\?(?:{_CHAR}|[/?])*)?(?:#(?:{_CHAR}|[/?])*)?",
    re.ASCII,
)
_FUTURE: Final = re.compile(r"[vV][0-9A-Fa-f]+\.[A-Za-z0-9._~!$&'()*+,;=:-]+", re.ASCII)  # IPvFuture

_Text = Annotated[str, Meta(min_length=1, max_length=IDENTIFIER_CHARS)]
_Who = Annotated[str, Meta(min_length=1, max_length=ENTITY_CHARS)]


class TrqpRequest(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """TRQP 2.0 AuthorizationRequest and RecognitionRequest."""

    entity_id: Annotated[
        _Who, Meta(description="Whom the question is about: a URI (RFC 3986). Issuers have DIDs and https URLs.")
    ]
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
            "others are ignored, and only what was understood is sent back. GET /trqp/profile lists it."
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


class QueryProfile(TypedDict):
    """One of the two questions: its address, and the members that it understands."""

    path: str
    actions: list[str] | None
    context: list[str]


class ResourceForm(TypedDict):
    """One way to write a resource: a prefix with a value, or a bare word. `values`: all values, or null."""

    prefix: str
    names: str
    example: str
    values: list[str] | None


class ServiceEndpoint(TypedDict):
    """The address and the protocol of a service."""

    uri: str
    profile: str


class ServiceEntry(TypedDict):
    """A service of a DID document (DID Core section 5.4), of every type that is in use for TRQP."""

    id: str
    type: list[str]
    serviceEndpoint: ServiceEndpoint


class TrqpProfile(TypedDict):
    """The TRQP interface of this node, for machines that find it before they ask."""

    protocol: str
    version: str
    authority_id: str
    authorization: QueryProfile
    recognition: QueryProfile
    resource: list[ResourceForm]
    context: dict[str, str]
    members: list[str]
    verdicts: list[str]
    service: ServiceEntry


def authorization(asked: AnswerSource, body: bytes) -> Response:
    """May this entity do this with this, under this authority?"""
    request, moment = _read(asked, body)
    ecosystem = moment.ecosystem
    _require_an_authority(request)
    is_nobodys = _is_nobodys(request.entity_id)
    query = query_from_trqp(
        _NOBODY if is_nobodys else request.entity_id,
        request.authority_id,
        request.action,
        request.resource,
        request.context,
        ecosystem,
    )
    require_served(moment.records, query.authority, ecosystem)
    if is_nobodys:
        text = "Nobody of that id is in this registry: its issuers have DIDs and https URLs."
        decision = _about_nobody(asked, moment, query, Verdict.UNKNOWN_ISSUER, Reason(code="unknown_issuer", text=text))
    else:
        decision = judge(asked, query, moment)
    return json_response(_answer(request, decision, "authorized", CONTEXT), cache="no-store")


def recognition(asked: AnswerSource, body: bytes) -> Response:
    """Does this authority recognise that one? A recognition is by the whole ecosystem, whoever proposed it."""
    request, moment = _read(asked, body)
    _require_an_authority(request)
    authority = _served(request, moment)
    is_nobodys = _is_nobodys(request.entity_id)
    entity = _NOBODY if is_nobodys else _entity(request)
    query = Query(entity=entity, authority=authority, action=request.action, time=_time(request))
    if is_nobodys:
        text = "This ecosystem has not recognised it: what it recognises has a DID or an https URL."
        decision = _about_nobody(asked, moment, query, Verdict.NOT_TRUSTED, Reason(code="not_recognized", text=text))
    else:
        decision = decide_held(query, moment.fold, moment.now, ecosystem_id=moment.ecosystem, asked=RECOGNITION)
    return json_response(_answer(request, decision, "recognized", OF_RECOGNITION), cache="no-store")


async def profile(call: Call) -> Response:
    """The TRQP interface of this node, and the service entry for DID documents that lead to it."""
    said: TrqpProfile = {
        "protocol": "TRQP",
        "version": "2.0",
        "authority_id": served_ecosystem(call),
        "authorization": {"path": "/authorization", "actions": [ISSUE, ACCREDIT], "context": list(CONTEXT)},
        "recognition": {"path": "/recognition", "actions": None, "context": list(OF_RECOGNITION)},
        "resource": _RESOURCE_FORMS,
        "context": _context_members(),
        "members": ["verdict", "reasons", "valid_until"],
        "verdicts": [str(verdict) for verdict in Verdict],
        "service": {
            "id": "#trqp",
            "type": ["TRQPRest", "TrustRegistry", "TRQPEndpoint"],
            "serviceEndpoint": {"uri": call.reader.url, "profile": "https://trustoverip.org/profiles/trqp/v2"},
        },
    }
    return json_response(said, cache=REVALIDATE)


_RESOURCE_FORMS: Final[list[ResourceForm]] = [
    {
        "prefix": "achievementType:",
        "names": "an achievement type of Open Badges 3.0, or one of your own as ext:NAME",
        "example": "achievementType:BachelorDegree",
        "values": list(ACHIEVEMENT_TYPES),
    },
    {
        "prefix": "credentialType:",
        "names": "a type of credential, short or as an IRI",
        "example": "credentialType:OpenBadgeCredential",
        "values": None,
    },
    {
        "prefix": "competency:",
        "names": "a competency, by its URI",
        "example": "competency:https://frameworks.example/sql/joins",
        "values": None,
    },
    {
        "prefix": "framework:",
        "names": "any competency of a framework, by the framework's URI",
        "example": "framework:https://frameworks.example/sql",
        "values": None,
    },
    {
        "prefix": "",
        "names": "one of these where it is plain which: an achievement type; a URI of whichever the registry holds; "
        "a word that ends in Credential",
        "example": "BachelorDegree",
        "values": None,
    },
]


@cache
def _context_members() -> dict[str, str]:
    """Return the meaning of each member of `context`, in the words of /v1/decisions, which accepts the same."""
    described = msgspec.json.schema(Question)["$defs"]["Question"]["properties"]
    return {name: described[name]["description"] for name in CONTEXT}


def _is_uri(text: str) -> bool:
    """Whether a text is a URI (RFC 3986 section 3), of whatever scheme."""
    match = _URI.fullmatch(text)
    if match is None:
        return False
    literal = match["literal"]
    if literal is None or _FUTURE.fullmatch(literal) is not None:
        return True
    try:
        ipaddress.IPv6Address(literal)
    except ValueError:
        return False
    return "%" not in literal  # a zone is no part of a URI (RFC 3986 section 3.2.2)


def _is_nobodys(entity: str) -> bool:
    """Return whether an entity's URI is one that no record can have."""
    try:
        spelled_entity(entity)
    except DecodeError:
        return _is_uri(entity)
    return False


def _about_nobody(asked: AnswerSource, moment: Moment, query: Query, verdict: Verdict, reason: Reason) -> Decision:
    decision = Decision(verdict=verdict, reasons=(reason,), time_evaluated=moment.now, time_requested=query.time)
    asked.reader.metrics.decided(verdict)
    if verdict is Verdict.UNKNOWN_ISSUER and query.action == ISSUE:
        asked.reader.metrics.tally(answered(moment.fold, decision))
    return decision


def _require_an_authority(request: TrqpRequest) -> None:
    """Check that an authority's id could exist here; a text that is not a URI is left to later checks.

    Raises:
        InputError: it is a URI of another kind (`unknown_authority`). It is not quoted: it may hold a password.
    """
    if _is_nobodys(request.authority_id):
        raise InputError(
            "unknown_authority",
            "this node does not answer for that authority.",
            hint="It answers for the ecosystem of GET /v1/ecosystem and the authorities of GET /v1/authorities.",
        )


def _read(asked: AnswerSource, body: bytes) -> tuple[TrqpRequest, Moment]:
    """The request, and what is held, if that is fresh."""
    request = decode_as(body, TrqpRequest)
    moment = asked.moment
    moment.check_fresh()
    return request, moment


def _served(request: TrqpRequest, moment: Moment) -> str:
    authority = _spelled(request.authority_id, "authority_id")
    require_served(moment.fold, authority, moment.ecosystem)
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
        raise DecodeError(
            "bad_time", "expected text.", where="context.time", hint="Write it like 2015-05-20T00:00:00Z."
        )
    return rfc3339.parse(written, where="context.time")


def _answer(request: TrqpRequest, decision: Decision, yes: str, understood: Collection[str]) -> dict[str, Any]:
    answer = {
        **_echo(request, understood),
        yes: decision.authorized,
        "time_evaluated": format_time(decision.time_evaluated),
        "message": " ".join(reason.text for reason in decision.reasons),
        "verdict": decision.verdict,
        "reasons": [reason.code for reason in decision.reasons],
    }
    if decision.valid_until is not None:
        answer["valid_until"] = format_time(decision.valid_until)
    return answer


def _echo(request: TrqpRequest, understood: Collection[str]) -> dict[str, Any]:
    echo: dict[str, Any] = {
        "entity_id": request.entity_id,
        "authority_id": request.authority_id,
        "action": request.action,
        "resource": request.resource,
    }
    if request.context is not None:
        members = request.context.items()
        echo["context"] = {name: value for name, value in members if name in understood and value is not None}
        if request.context.get("time") is not None:
            echo["time_requested"] = format_time(rfc3339.parse(request.context["time"]))
    return echo


ROUTES: Final = (
    Route(
        method="POST",
        path="/authorization",
        handler=reading(authorization),
        at_once=authorization,
        family="trqp",
        about="TRQP 2.0: may this entity do this, under this authority?",
        takes={JSON: TrqpRequest},
        gives={JSON: AuthorizationAnswer},
        problems=(404, 503),
    ),
    Route(
        method="POST",
        path="/recognition",
        handler=reading(recognition),
        at_once=recognition,
        family="trqp",
        about="TRQP 2.0: does this authority recognise that ecosystem or authority?",
        takes={JSON: TrqpRequest},
        gives={JSON: RecognitionAnswer},
        problems=(404, 503),
    ),
    Route(
        method="GET",
        path="/trqp/profile",
        handler=profile,
        family="trqp",
        about="What is answered by TRQP: actions, resources, members of context; and the entry for a DID document",
        gives={JSON: TrqpProfile},
        problems=(503,),
    ),
)
