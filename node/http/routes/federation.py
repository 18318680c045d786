"""`/.well-known/openid-federation`, `/federation/…`: OpenID Federation 1.0, this node as the trust anchor.

Its subordinates are the issuers that may issue now, as in the Digital Credentials Consortium's list; others are not
found. `Cache-Control` limits how long an answer may be kept, and so how long a revocation may stay unseen; a statement
is valid until its `exp`. Subordinate Events and the Extended Subordinate Listing give the history, which the standard's
core cannot express.

An issuer is looked up by `sub` both as sent and as decoded, because readers differ in whether they encode it; the
signed token has the registered id. Errors are the standard's own (§8.9). A node whose view is too old gives no answer.
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple, NotRequired, TypedDict
from urllib.parse import parse_qsl

import msgspec

from accredit.node.http.exchange import Response
from accredit.node.http.facades import federation_claims as claims
from accredit.node.http.facades.federation_claims import may_issue
from accredit.node.http.facades.federation_events import events_of, registered_and_revoked
from accredit.node.http.facades.tokens import TOKEN_BYTES
from accredit.node.http.handling.deciding import decide_held
from accredit.node.http.handling.record_pages import ids
from accredit.node.http.handling.request_reading import Param, integer, moment, one_of, verbatim
from accredit.node.http.handling.route import JSON, Call, ErrorForm, Handler, Route, bytes_response, json_response
from accredit.node.http.handling.turns import Turns
from accredit.node.http.problems import RETRY_AFTER_SECONDS, Problem
from accredit.registry.decision.decide import Decision, Query
from accredit.registry.domain.record_types import AccreditationRecord, IssuerRecord
from accredit.registry.domain.records import accreditation_in, charter_in, issuer_in
from accredit.registry.domain.vocabulary import ACHIEVEMENT_TYPES
from accredit.registry.encoding.identifiers import CanonicalId, canonical
from accredit.registry.errors import DecodeError, InputError

from .decisions import fresh_now, served_ecosystem, voices_of
from .exports import KEPT_SECONDS

FORM: Final = "application/x-www-form-urlencoded"
CACHE: Final = f"public, max-age={KEPT_SECONDS}"

EXTENDED: Final = 100
"""Issuers on one page of the extended listing: each is a statement, decided on and signed, of some 2 KB."""

_OF_STATUS: Final[Mapping[int, str]] = {
    404: "not_found",
    503: "temporarily_unavailable",
    429: "temporarily_unavailable",
}
_OF_CODE: Final[Mapping[str, str]] = {
    "unknown_query_parameter": "unsupported_parameter",
    "unknown_anchor": "invalid_trust_anchor",
    "unknown_issuer": "invalid_issuer",
}


class FederationError(TypedDict):
    """An error as OpenID Federation 1.0 §8.9 tells it."""

    error: str
    error_description: str


class HeldMark(TypedDict):
    """A trust mark that an issuer has."""

    trust_mark_type: str
    trust_mark: str


class ListedEntity(TypedDict):
    """A subordinate in the extended listing."""

    id: str
    entity_statement: NotRequired[str]
    trust_marks: NotRequired[list[HeldMark]]
    registered: NotRequired[int]
    updated: NotRequired[int]
    revoked: NotRequired[int]


class ExtendedListing(TypedDict):
    """A page of the extended listing; ask again with `from_entity_id` = `next_entity_id`."""

    immediate_subordinate_entities: list[ListedEntity]
    next_entity_id: NotRequired[str]


class _Subject(NamedTuple):
    """An issuer that may issue, and by which decision.

    `record` is that of the issuer that was accredited: where `id` is another name of it, its keys and facts are those
    that count.
    """

    id: CanonicalId
    record: IssuerRecord
    decision: Decision


def refuse(problem: Problem) -> Response:
    """Return a problem in the standard's own form (§8.9), under the same status."""
    code = _OF_CODE.get(problem.code) or _OF_STATUS.get(problem.status)
    said: FederationError = {
        "error": code or ("invalid_request" if problem.status < 500 else "server_error"),
        "error_description": " ".join(part for part in (problem.where, problem.detail, problem.hint) if part),
    }
    headers = {"cache-control": "no-store"}
    if problem.status in RETRY_AFTER_SECONDS:
        headers["retry-after"] = str(RETRY_AFTER_SECONDS[problem.status])
    return Response(msgspec.json.encode(said), problem.status, media_type=JSON, headers=headers)


# ------------------------------------------------------------------------------------------------ one entity


async def entity_configuration(call: Call) -> Response:
    """What this node says of itself."""
    now = fresh_now(call)
    charter = charter_in(call.reader.fold, served_ecosystem(call))
    assert charter is not None, "it is in effect"
    said = claims.anchor_claims(call.reader.url, charter["name"], call.must_sign(), now)
    return _token(call, said, claims.ENTITY_STATEMENT)


async def fetch(call: Call) -> Response:
    """What this node says of an issuer that may issue."""
    now, anchor = fresh_now(call), claims.anchor_id(call.reader.url)
    if call.params["iss"] is not None and claims.anchor_id(call.params["iss"]) != anchor:
        why = "this node makes statements in its own name only."
        raise InputError("unknown_issuer", why, hint=f"Ask with iss={anchor}, or without iss.")
    return _token(call, _statement(call, _subject(call, now), now), claims.ENTITY_STATEMENT)


async def resolve(call: Call) -> Response:
    """An issuer's metadata and trust marks, as this anchor resolves them.

    There is no trust chain in it: issuers of credentials publish no entity configurations of their own.
    """
    now, url = fresh_now(call), call.reader.url
    if claims.anchor_id(call.params["trust_anchor"]) != claims.anchor_id(url):
        raise InputError(
            "unknown_anchor", "this node resolves up to itself only.", hint=f"trust_anchor={claims.anchor_id(url)}"
        )
    subject = _subject(call, now)
    metadata = claims.issuer_metadata(subject.record, voices_of(call, subject.decision))
    wanted = call.params["entity_type"]
    said = {
        "iss": claims.anchor_id(url),
        "sub": subject.id,
        **claims.validity(now, subject.decision.valid_until),
        "metadata": {type: members for type, members in metadata.items() if wanted in (None, type)},
        "trust_marks": _marks(call, subject, now),
    }
    return _token(call, said, claims.RESOLVED)


async def historical_keys(call: Call) -> Response:
    """Keys this node signed with before."""
    return _token(call, claims.historical_keys(call.reader.url, call.must_sign(), fresh_now(call)), claims.KEY_SET)


async def subordinate_events(call: Call) -> Response:
    """An issuer's registration events, whether it may issue now or not."""
    now, url = fresh_now(call), call.reader.url
    record = _record(call)
    begin = claims.validity(now)
    said = {
        "iss": claims.anchor_id(url),
        "sub": record["id"],
        **begin,
        "federation_registration_events": events_of(url, record, accreditations_of(call, record), begin["iat"]),
    }
    return _token(call, said, claims.EVENTS)


# ------------------------------------------------------------------------------------------------ lists


async def subordinates(call: Call) -> Response:
    """The ids of all issuers that may issue."""
    now = fresh_now(call)
    mark = call.params["trust_mark_type"]
    achievement = "" if mark is None else claims.meant_by(call.reader.url, mark)
    nobody = achievement is None or call.params["intermediate"] == "true" or call.params["trust_marked"] == "false"
    if nobody or call.params["entity_type"] not in (None, "federation_entity"):
        return json_response([], cache=CACHE)
    assert achievement is not None
    return json_response(await _trusted(call, achievement, now), cache=CACHE)


async def extended_listing(call: Call) -> Response:
    """A page of issuers with what is said of each; with `audit_timestamps` those that were revoked too."""
    now, params = fresh_now(call), call.params
    wanted = {"entity_statement"} if params["claims"] is None else set(params["claims"].split(","))
    unknown = wanted - {"entity_statement", "trust_marks"}
    if unknown:
        raise DecodeError("unknown_query_parameter", f"there is no claim {min(unknown)[:80]!r}.", where="?claims")
    among = await ids(call, "issuer")
    start = bisect_left(among, params["from_entity_id"] or "")
    found: list[ListedEntity] = []
    position = start
    with Turns(call.shared.lengthy) as turns:
        while position < len(among) and len(found) < params["limit"] and position - start < 50 * EXTENDED:
            if turns.is_over and await turns.give():
                found, position = [], start  # whoever could be trusted seconds ago may not be now
            entity = _listed(call, among[position], now, wanted)
            if entity is not None:
                found.append(entity)
            position += 1
    page: ExtendedListing = {"immediate_subordinate_entities": found}
    if position < len(among):
        page["next_entity_id"] = among[position]
    return json_response(page, cache=CACHE)


def _asks_for_times(call: Call) -> bool:
    """Whether histories are to be read, some milliseconds for an issuer with which much has happened."""
    params = call.params
    is_filtered = params["updated_after"] is not None or params["updated_before"] is not None
    return is_filtered or params["audit_timestamps"] == "true"


def _listed(call: Call, id: CanonicalId, now: int, wanted: set[str]) -> ListedEntity | None:
    subject = _judged(call, id, now)
    if subject is None:
        return None
    is_trusted, is_audit = may_issue(subject.decision), call.params["audit_timestamps"] == "true"
    if not (is_trusted or is_audit):
        return None
    registered = updated = revoked = None
    if _asks_for_times(call):
        registered, updated, revoked = registered_and_revoked(accreditations_of(call, subject.record), now)
        after, before = call.params["updated_after"], call.params["updated_before"]
        is_in_time = (after is None or (updated or 0) > after) and (before is None or (updated or 0) < before)
        if not is_in_time or not (is_trusted or registered is not None):
            return None
    entity: ListedEntity = {"id": id}
    if is_trusted and "entity_statement" in wanted:
        said = _statement(call, subject, now)
        entity["entity_statement"] = call.must_sign().sign(said, type=claims.ENTITY_STATEMENT)
    if is_trusted and "trust_marks" in wanted:
        entity["trust_marks"] = _marks(call, subject, now)
    if is_audit:
        times = {"registered": registered, "updated": updated, "revoked": None if is_trusted else (revoked or updated)}
        entity |= {name: time for name, time in times.items() if time is not None}  # type: ignore[typeddict-item]
    return entity


# ------------------------------------------------------------------------------------------------ trust marks


async def trust_mark(call: Call) -> Response:
    """One trust mark of one issuer."""
    now = fresh_now(call)
    subject = _subject(call, now)
    made = _mark(call, subject.id, call.params["trust_mark_type"], now)
    if made is None:
        raise InputError(
            "not_found", "this issuer does not have this trust mark.", hint="GET /federation/resolve lists its marks."
        )
    return bytes_response(made.encode(), _media(claims.TRUST_MARK), cache=CACHE)


async def trust_mark_list(call: Call) -> Response:
    """The ids of the issuers that have a trust mark."""
    now = fresh_now(call)
    achievement = claims.meant_by(call.reader.url, call.params["trust_mark_type"])
    if achievement is None or call.params["sub"] is None:
        found = [] if achievement is None else await _trusted(call, achievement, now)
    else:
        id = _known(call)  # only one is decided, however many there are
        is_held = id is not None and _is_listed(_decision(call, id, now, achievement), achievement)
        found = [id] if id is not None and is_held else []
    return json_response(found, cache=CACHE)


async def trust_mark_status(call: Call) -> Response:
    """Whether a trust mark of this node still holds."""
    now, key = fresh_now(call), call.must_sign()
    _, body = await call.body()
    try:
        sent = dict(parse_qsl(body.decode(), max_num_fields=10, strict_parsing=True))
    except ValueError:
        sent = {}
    if "trust_mark" not in sent:
        raise DecodeError("missing_member", "the form has no trust_mark.", hint="Send trust_mark=JWT as a form.")
    mark = key.read(sent["trust_mark"], type=claims.TRUST_MARK)
    said = {
        "iss": claims.anchor_id(call.reader.url),
        "iat": now,
        "trust_mark": sent["trust_mark"],
        "status": "invalid" if mark is None else _status(call, mark, now),
    }
    return _token(call, said, claims.MARK_STATUS, cache="no-store")


def _status(call: Call, mark: Mapping[str, Any], now: int) -> str:
    if mark["exp"] <= now:
        return "expired"
    is_held = _mark(call, mark["sub"], mark["trust_mark_type"], now) is not None
    return "active" if is_held else "revoked"


def _mark(call: Call, issuer: CanonicalId, mark_type: str, now: int) -> str | None:
    """A trust mark, if the issuer has it."""
    achievement = claims.meant_by(call.reader.url, mark_type)
    if achievement is None:
        return None
    decision = _decision(call, issuer, now, achievement)
    if not _is_listed(decision, achievement):
        return None
    said = claims.mark_claims(call.reader.url, issuer, mark_type, decision, now)
    return call.must_sign().sign(said, type=claims.TRUST_MARK)


def _marks(call: Call, subject: _Subject, now: int) -> list[HeldMark]:
    named = achievements_named(accreditations_of(call, subject.record))
    types = claims.mark_types(call.reader.url, [type for type in ACHIEVEMENT_TYPES if type in named])
    made = {type: _mark(call, subject.id, type, now) for type in types}
    return [{"trust_mark_type": type, "trust_mark": mark} for type, mark in made.items() if mark is not None]


def achievements_named(accreditations: list[AccreditationRecord]) -> set[str]:
    """Return the types of achievements that scopes name; all where one names `*`."""
    named: set[str] = set()
    for one in accreditations:
        for terms in one["terms"]:
            types = terms["scope"].get("achievement_types", "*")
            named |= set(ACHIEVEMENT_TYPES if types == "*" or "*" in types else types)
    return named


# ------------------------------------------------------------------------------------------------ what all of them do


def _subject(call: Call, now: int) -> _Subject:
    """The issuer asked about, which may issue.

    Raises:
        InputError: `not_found`: no such issuer, or one that may not issue.
    """
    id = _known(call)
    subject = None if id is None else _judged(call, id, now)
    if subject is None or not may_issue(subject.decision):
        raise _not_found(f"{call.params['sub'][:200]} is no issuer that may issue now.")
    return subject


def _judged(call: Call, id: CanonicalId, now: int) -> _Subject | None:
    """An issuer and the decision on it; None where there is none, or its record is damaged."""
    decision = _decision(call, id, now)
    if any(reason.code == "state_damaged" for reason in decision.reasons):
        return None
    own = issuer_in(call.reader.fold, id)
    accredited = None if decision.issuer is None else issuer_in(call.reader.fold, decision.issuer)
    record = accredited or own
    return None if own is None or record is None else _Subject(id, record, decision)


def _statement(call: Call, subject: _Subject, now: int) -> dict[str, Any]:
    """Return the statement about an issuer that may issue, valid no longer than its keys and its accreditation."""
    voices = voices_of(call, subject.decision)
    keys, ends = claims.keys_of(subject.record, voices, now, lambda key: _decision(call, subject.id, now, key=key))
    metadata = claims.issuer_metadata(subject.record, voices)
    url = call.reader.url
    return claims.issuer_claims(url, subject.id, metadata, keys, now, subject.decision.valid_until, *ends)


def _record(call: Call) -> IssuerRecord:
    id = _known(call)
    record = None if id is None else issuer_in(call.reader.fold, id)
    if record is None:
        raise _not_found(f"no issuer {call.params['sub'][:200]} is in this registry.")
    return record


def _known(call: Call) -> CanonicalId | None:
    """The id of an issuer here that is `sub` decoded, or `sub` as it was sent."""
    sent = call.request.query.decode("latin-1")
    raw = next((pair[4:] for pair in sent.split("&") if pair.startswith("sub=")), "")
    for text in dict.fromkeys((call.params["sub"], raw)):
        try:
            id = canonical(text)
        except DecodeError:
            continue
        if issuer_in(call.reader.fold, id) is not None:
            return id
    return None


def _not_found(why: str) -> InputError:
    return InputError(
        "not_found", why, hint="GET /federation/list names those that may issue; POST /v1/decisions says why not."
    )


def _decision(call: Call, issuer: CanonicalId, now: int, achievement: str = "", *, key: str | None = None) -> Decision:
    ecosystem = served_ecosystem(call)
    types = (achievement,) if achievement else ()
    query = Query(entity=issuer, authority=ecosystem, action="issue", achievement_types=types, key=key)
    return decide_held(query, call.reader.fold, now, ecosystem_id=ecosystem)


def _is_listed(decision: Decision, achievement: str) -> bool:
    """Return whether a decision lets an issuer issue this type of achievement.

    If no type is named, it is enough that it may issue something.
    """
    return decision.authorized if achievement else may_issue(decision)


def accreditations_of(call: Call, record: IssuerRecord) -> list[AccreditationRecord]:
    """Return an issuer's accreditations."""
    found = (accreditation_in(call.reader.fold, id) for id, _ in record["accreditations"])
    return [one for one in found if one is not None]


async def _trusted(call: Call, achievement: str, now: int) -> list[CanonicalId]:
    """Return the ids of all issuers that may issue this type of achievement, or anything; computed again if a record
    has changed or a minute has passed."""

    def made_of() -> tuple[bytes, int]:
        return call.reader.fold.records_root(), now // KEPT_SECONDS

    async def listed() -> list[CanonicalId]:
        trusted, turns = list[CanonicalId](), Turns()
        for id in await ids(call, "issuer"):
            if turns.is_over:
                await turns.give()
            if _is_listed(_decision(call, id, now, achievement), achievement):
                trusted.append(id)
        return trusted

    return await call.shared.share(f"trusted {achievement}", call.shared.making, made_of, listed)


def _media(type: str) -> str:
    return f"application/{type}"


def _token(call: Call, said: Mapping[str, Any], type: str, *, cache: str = CACHE) -> Response:
    return bytes_response(call.must_sign().sign(said, type=type).encode(), _media(type), cache=cache)


_BOOLEAN: Final = ("true", "false")
_SUB: Final = replace(verbatim("sub", "the issuer's id, percent-encoded or as it is"), required=True)
_MARK: Final = replace(verbatim("trust_mark_type", "the type, an address under /federation/marks"), required=True)
_ENTITY_TYPE: Final = verbatim("entity_type", "a type of metadata", max_chars=100)


_ERRORS: Final = ErrorForm(media_type=JSON, shape=FederationError, respond=refuse)


def _route(path: str, handler: Handler, about: str, gives: Mapping[str, Any], *params: Param, **more: Any) -> Route:
    problems = more.pop("problems", (404, 503))
    return Route(
        method=more.pop("method", "GET"),
        path=path,
        handler=handler,
        family="federation",
        about=f"OpenID Federation: {about}",
        gives=gives,
        params=params,
        problems=problems,
        errors=_ERRORS,
        **more,
    )


ROUTES: Final = (
    _route(
        "/.well-known/openid-federation",
        entity_configuration,
        "what this node, a trust anchor, says of itself",
        {_media(claims.ENTITY_STATEMENT): None},
        problems=(503,),
    ),
    _route(
        "/federation/fetch",
        fetch,
        "what this node says of an issuer that may issue",
        {_media(claims.ENTITY_STATEMENT): None},
        _SUB,
        verbatim("iss", "this node's entity identifier, as drafts before the standard asked for it"),
    ),
    _route(
        "/federation/list",
        subordinates,
        "the issuers that may issue",
        {JSON: list[str]},
        _ENTITY_TYPE,
        one_of("trust_marked", "whether they have trust marks", _BOOLEAN),
        replace(_MARK, required=False),
        one_of("intermediate", "whether they have subordinates; none has", _BOOLEAN),
        problems=(503,),
    ),
    _route(
        "/federation/extended-list",
        extended_listing,
        "issuers, with what is said of each (Extended Subordinate Listing)",
        {JSON: ExtendedListing},
        verbatim("from_entity_id", "the id that the page begins with: `next_entity_id` of the page before"),
        integer("limit", "how many at most", minimum=1, maximum=EXTENDED, default=50),
        moment("updated_after", "changed after this time"),
        moment("updated_before", "changed before this time"),
        verbatim("claims", "entity_statement, trust_marks or both, separated by a comma", max_chars=100),
        one_of("audit_timestamps", "with times, and with those that were revoked", _BOOLEAN),
        problems=(503,),
    ),
    _route(
        "/federation/resolve",
        resolve,
        "an issuer's metadata and trust marks",
        {_media(claims.RESOLVED): None},
        _SUB,
        replace(verbatim("trust_anchor", "this node's entity identifier"), required=True),
        _ENTITY_TYPE,
    ),
    _route(
        "/federation/events",
        subordinate_events,
        "when an issuer was registered, suspended, revoked",
        {_media(claims.EVENTS): None},
        _SUB,
    ),
    _route(
        "/federation/historical-keys",
        historical_keys,
        "keys this node signed with before",
        {_media(claims.KEY_SET): None},
        problems=(503,),
    ),
    _route("/federation/trust-mark", trust_mark, "one trust mark", {_media(claims.TRUST_MARK): None}, _SUB, _MARK),
    _route(
        "/federation/trust-mark-list",
        trust_mark_list,
        "the issuers that have a trust mark",
        {JSON: list[str]},
        _MARK,
        replace(_SUB, required=False),
        problems=(503,),
    ),
    _route(
        "/federation/trust-mark-status",
        trust_mark_status,
        "whether a trust mark still holds",
        {_media(claims.MARK_STATUS): None},
        method="POST",
        takes={FORM: None},
        max_bytes=2 * TOKEN_BYTES,
        problems=(413, 415, 503),
    ),
)
