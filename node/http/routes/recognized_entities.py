"""`/exports/recognized-…json`, `/exports/achievement-schema.json`: W3C Recognized Entities 1.0.

It lists only issuers that may issue now; the time for which a file may be cached limits how long a revocation may stay
unseen. A file has one page of subjects, and `Link` names the next one (RFC 8288).
"""

from collections.abc import Sequence
from typing import Any, Final, TypedDict
from urllib.parse import quote

from accredit.node.http.exchange import Response
from accredit.node.http.facades import recognized_entities as facade
from accredit.node.http.facades.federation_claims import issuer_metadata, may_issue
from accredit.node.http.handling.deciding import decide_held
from accredit.node.http.handling.record_pages import ids, page
from accredit.node.http.handling.request_reading import Param, identifier, integer, verbatim
from accredit.node.http.handling.route import JSON, Call, Handler, Route, bytes_response, json_response
from accredit.registry.decision.authority_chain import mandate_begins
from accredit.registry.decision.decide import Decision, Query
from accredit.registry.domain.record_types import AuthorityRecord, MandateStanding
from accredit.registry.domain.records import authority_in, charter_in, end_of, issuer_in
from accredit.registry.domain.vocabulary import ACHIEVEMENT_TYPES
from accredit.registry.encoding import jcs
from accredit.registry.encoding.ed25519 import did_key
from accredit.registry.encoding.identifiers import CanonicalId, canonical_issuer
from accredit.registry.errors import DecodeError, InputError

from .decisions import fresh_now, require_served, served_ecosystem, voices_of
from .federation import CACHE, accreditations_of, achievements_named

PAGE: Final = 100
"""Subjects of one credential: each needs a decision for every type of achievement in its scope."""

EXAMINED: Final = 500
"""Issuers examined for one page."""


RecognizedEntityCredential = TypedDict(  # `@context` is no name for a member in a class
    "RecognizedEntityCredential",
    {
        "@context": list[str],
        "id": str,
        "type": list[str],
        "issuer": dict[str, Any],
        "validFrom": str,
        "validUntil": str,
        "credentialSubject": list[dict[str, Any]],
        "proof": dict[str, Any],
    },
)
"""A W3C Recognized Entity Credential."""

AchievementSchema = TypedDict(
    "AchievementSchema",
    {"$schema": str, "$id": str, "title": str, "type": str, "required": list[str], "properties": dict[str, Any]},
)
"""A JSON Schema, 2020-12."""


async def recognized_issuers(call: Call) -> Response:
    """The issuers that one authority has accredited and that may issue now."""
    now, authority = fresh_now(call), _authority(call)
    wanted = call.params["achievement_type"]
    ends: list[int] = []

    def subject(id: CanonicalId) -> dict[str, Any] | None:
        return _issuer(call, id, authority["id"], wanted, now, ends)

    after, limit = call.params["after"], call.params["limit"]
    found, following = await page(call, await ids(call, "issuer"), after, limit, subject, EXAMINED)
    url = facade.issuers_url(call.reader.url, authority["id"])
    if wanted is not None:
        url += f"&achievement_type={quote(wanted, safe='')}"
    return _credential(call, found, authority, url, now, ends, following)


async def recognized_issuer(call: Call) -> Response:
    """One issuer that may issue now, as the authority sees it that accredited it."""
    now, id = fresh_now(call), call.params["id"]
    ends: list[int] = []
    may_be = may_issue(_decision(call, id, served_ecosystem(call), None, now))
    for authority_id in dict.fromkeys(each["by"] for each in _accreditations(call, id)) if may_be else ():
        authority = authority_in(call.reader.fold, authority_id)
        subject = None if authority is None else _issuer(call, id, authority_id, None, now, ends)
        if authority is not None and subject is not None:
            url = f"{call.reader.url.rstrip('/')}/exports/recognized-entity.json?id={quote(id, safe='')}"
            return _credential(call, [subject], authority, url, now, ends, None)
    hint = "POST /v1/decisions says why."
    raise InputError(
        "not_found", f"no authority here recognises {id} as an issuer of a known type of achievement now.", hint=hint
    )


async def recognized_authorities(call: Call) -> Response:
    """The authorities below one authority, or below the ecosystem, and this node."""
    now, ecosystem = fresh_now(call), served_ecosystem(call)
    above = call.params["authority"] or ecosystem
    key, url = call.must_sign(), call.reader.url
    found = [facade.authority_subject(did_key(key.signer.public_key), call.reader.name, above)]
    ends: list[int] = []
    for id in await ids(call, "authority"):
        record = authority_in(call.reader.fold, id)
        standing = None if record is None else _standing(record, now)
        if standing is not None and _above(standing, ecosystem) == above:
            ends += _ends(standing)
            found.append(facade.authority_subject(id, standing["name"], above))
    if above == ecosystem:
        charter = charter_in(call.reader.fold, ecosystem)
        assert charter is not None, "it is in effect"
        name, recognized_in = charter["name"], None
    else:
        authority = _authority(call)
        name, recognized_in = _named(call, authority, now)
    id_ = facade.authorities_url(url, above)
    until = min(ends, default=None)
    made = facade.credential(key, found, id=id_, name=name, above=recognized_in, now=now, until=until)
    return json_response(made, cache=CACHE)


async def achievement_schema(call: Call) -> Response:
    """The JSON Schema that a credential for a type of achievement satisfies."""
    achievement = call.params["achievement_type"]
    return bytes_response(jcs.encode(facade.schema(call.reader.url, achievement)), JSON, cache=CACHE)


def _issuer(
    call: Call, id: CanonicalId, authority: CanonicalId, wanted: str | None, now: int, ends: list[int]
) -> dict[str, Any] | None:
    general = _decision(call, id, authority, wanted, now)
    record = issuer_in(call.reader.fold, id)
    if record is None or not (general.authorized if wanted else may_issue(general)):
        return None
    if general.valid_until is not None:
        ends.append(general.valid_until)
    named = achievements_named(accreditations_of(call, record))
    types = [wanted] if wanted else [each for each in ACHIEVEMENT_TYPES if each in named]
    held = [each for each in types if wanted or _decision(call, id, authority, each, now).authorized]
    if not held:
        return None  # readers understand a subject without types as one that may issue anything
    metadata = issuer_metadata(record, voices_of(call, general))
    return facade.issuer_subject(call.reader.url, id, metadata, authority, held)


def _decision(call: Call, issuer: CanonicalId, authority: str, achievement: str | None, now: int) -> Decision:
    types = (achievement,) if achievement else ()
    query = Query(entity=issuer, authority=authority, action="issue", achievement_types=types)
    return decide_held(query, call.reader.fold, now, ecosystem_id=served_ecosystem(call))


def _credential(
    call: Call,
    subjects: Sequence[dict[str, Any]],
    authority: AuthorityRecord,
    url: str,
    now: int,
    ends: list[int],
    following: str | None,
) -> Response:
    name, above = _named(call, authority, now)
    made = facade.credential(
        call.must_sign(), subjects, id=url, name=name, above=above, now=now, until=min(ends, default=None)
    )
    headers = {} if following is None else {"link": f'<{url}&after={quote(following, safe="")}>; rel="next"'}
    return json_response(made, cache=CACHE, headers=headers)


def _authority(call: Call) -> AuthorityRecord:
    """The authority asked about.

    Raises:
        InputError: `unknown_authority`.
    """
    id, ecosystem = call.params["authority"], served_ecosystem(call)
    require_served(call.reader.fold, id, ecosystem)
    record = authority_in(call.reader.fold, id)
    if record is None:
        hint = "GET /exports/recognized-authorities.json names the authorities; ask for one of them."
        raise InputError("unknown_authority", f"{id} is the ecosystem, which accredits nobody itself.", hint=hint)
    return record


def _named(call: Call, authority: AuthorityRecord, now: int) -> tuple[str, str | None]:
    """Return an authority's name, and the URL of the file that lists it."""
    ecosystem = served_ecosystem(call)
    standing = _standing(authority, now) or authority["standings"][0]
    return standing["name"], facade.authorities_url(call.reader.url, _above(standing, ecosystem))


def _standing(record: AuthorityRecord, now: int) -> MandateStanding | None:
    """The mandate under which an authority acts now: the nearest to the charter."""
    acting = [each for each in record["standings"] if _acts(each, now)]
    return min(acting, key=lambda each: each["depth"], default=None)


def _acts(standing: MandateStanding, now: int) -> bool:
    withdrawn = standing["withdrawn"]
    begins = mandate_begins(standing, now)
    is_current = (begins is None or begins <= now) and now < standing.get("valid_until", now + 1)
    return is_current and (withdrawn is None or end_of(withdrawn, now) > now)


def _ends(standing: MandateStanding) -> list[int]:
    """Return when a mandate ends, if known, seconds."""
    withdrawn = standing["withdrawn"]
    ends = [] if withdrawn is None else [withdrawn["effective_from"]]
    return [*ends, standing["valid_until"]] if "valid_until" in standing else ends


def _above(standing: MandateStanding, ecosystem: CanonicalId) -> CanonicalId:
    return ecosystem if standing["parent"] is None else standing["parent"]["by"]


def _accreditations(call: Call, id: CanonicalId) -> list[Any]:
    record = issuer_in(call.reader.fold, id)
    return [] if record is None else list(accreditations_of(call, record))


def _achievement(*, required: bool) -> Param:
    def read(text: str) -> str:
        if text not in ACHIEVEMENT_TYPES:
            known = ", ".join(ACHIEVEMENT_TYPES)
            raise DecodeError("bad_query_parameter", f"expected one of {known}.", where="?achievement_type")
        return text

    about = "a type of achievement of Open Badges 3.0"
    schema = {"type": "string", "enum": list(ACHIEVEMENT_TYPES)}
    return Param(name="achievement_type", about=about, read=read, schema=schema, required=required)


def _route(path: str, handler: Handler, about: str, gives: Any, *params: Param, problems: tuple[int, ...]) -> Route:
    return Route(
        method="GET",
        path=f"/exports/{path}.json",
        handler=handler,
        family="exports",
        about=f"W3C Recognized Entities: {about}",
        gives={JSON: gives},
        params=params,
        problems=problems,
    )


ROUTES: Final = (
    _route(
        "recognized-entities",
        recognized_issuers,
        "the issuers that an authority has accredited",
        RecognizedEntityCredential,
        identifier("authority", "the authority's id", required=True),
        _achievement(required=False),
        verbatim("after", "the id to go on from, as in the link to the next page"),
        integer("limit", "how many at most", minimum=1, maximum=PAGE, default=PAGE),
        problems=(404, 503),
    ),
    _route(
        "recognized-entity",
        recognized_issuer,
        "one issuer, for its holder to pass on",
        RecognizedEntityCredential,
        identifier("id", "the issuer's id, a DID or URL", required=True, read=canonical_issuer),
        problems=(404, 503),
    ),
    _route(
        "recognized-authorities",
        recognized_authorities,
        "the authorities below an authority or the ecosystem",
        RecognizedEntityCredential,
        identifier("authority", "the authority's id; without it, the ecosystem is meant"),
        problems=(404, 503),
    ),
    _route(
        "achievement-schema",
        achievement_schema,
        "the schema of credentials for a type of achievement",
        AchievementSchema,
        _achievement(required=True),
        problems=(),
    ),
)
