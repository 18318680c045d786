"""Shows the registry: issuers, accreditations, frameworks, competencies, each with its history.

Ids go into the query, percent-encoded once. A list is paged by id: `next`, when not null, is the `after` of the next
page. A search examines a bounded number of records for each page, so a page may be short or empty and still have a next
one.

A record is shown as committed in the state map, with bytes as hex and times as RFC 3339; derived members (a status as
of now, a name) are added and described in the types here.
"""

import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, Final, NotRequired, TypedDict, TypeVar, cast

from accredit.governance.fold import Fold
from accredit.node.http.exchange import Response
from accredit.node.http.json_views import format_time, plain
from accredit.node.lookalikes import lookalikes
from accredit.registry.decision.decide import Query
from accredit.registry.domain import frameworks as framework_records
from accredit.registry.domain.accreditations import as_it_happened, status_at, terms_at
from accredit.registry.domain.bodies import FrameworkItems, FrameworkPublish
from accredit.registry.domain.frameworks import committed_parts
from accredit.registry.domain.issuers import name_of
from accredit.registry.domain.record_types import (
    AccreditationRecord,
    CompetencyEntry,
    CompetencyRecord,
    FrameworkRecord,
    IssuerFacts,
    IssuerRecord,
)
from accredit.registry.domain.records import (
    accreditation_in,
    alias_in,
    competency_in,
    framework_in,
    issuer_in,
    oldest_first,
    standing,
)
from accredit.registry.domain.scope import sentence
from accredit.registry.domain.vocabulary import ISSUER_CATEGORIES, STATUSES
from accredit.registry.encoding.identifiers import CanonicalId, canonical_issuer
from accredit.registry.errors import InputError

from .deciding import decide_held
from .request_reading import hex_id, identifier, integer, one_of, place, verbatim, words
from .route import JSON, Call, Route, json_response

S = TypeVar("S", bound=str)
T = TypeVar("T")

PAGE: Final = 200
EXAMINED: Final = 5_000
"""Records examined for one page of a search: some 10 ms. A guess, to be measured."""

FRAMEWORKS_INDEXED: Final = 8
"""Frameworks of which it is kept where each item stands: some 2 MB for each of 13,000 items."""

DECIDED: Final = 200
"""Issuers decided for one page of those that may attest a competency."""


class AccreditationLine(TypedDict):
    """An accreditation in a list, with its status as of now."""

    id: str
    by: str
    via: str | None
    kind: str
    level: str
    status: str
    since: str


class IssuerLine(TypedDict):
    """An issuer in a list."""

    id: str
    name: str | None
    categories: list[str]
    jurisdictions: list[str]
    accreditations: list[AccreditationLine]


class IssuerPage(TypedDict):
    """A page of issuers, by id."""

    issuers: list[IssuerLine]
    next: str | None


class Facts(TypedDict):
    """What one authority states about an issuer, and which statements it follows."""

    by: str
    via: str | None
    statement: str
    iat: str
    facts: dict[str, Any]
    after: list[str]


class IssuerView(TypedDict):
    """An issuer: what each authority states, its keys and their events, its accreditations."""

    id: str
    name: str | None
    stated: list[Facts]
    keys: list[dict[str, Any]]
    accreditations: list[AccreditationLine]


class StatusView(TypedDict):
    """A status as of now, since when, and the events it rests on."""

    word: str
    since: str
    events: list[str]
    is_stayed: bool
    has_appeal: bool


class AccreditationView(TypedDict):
    """An accreditation: its terms (the grant's, then amendments), its events, and its status as of now."""

    id: str
    issuer: str
    by: str
    via: str | None
    iat: str
    kind: str
    level: str
    publishers: NotRequired[list[str]]
    terms: list[dict[str, Any]]
    events: list[dict[str, Any]]
    status: StatusView
    sentences: list[str]


class FrameworkView(TypedDict):
    """A framework, as each authority publishes it."""

    id: str
    stated: list[dict[str, Any]]


class Frameworks(TypedDict):
    """Frameworks, by id."""

    frameworks: list[FrameworkView]
    next: str | None


CompetencyView = TypedDict(  # `in` is no name for a member in a class
    "CompetencyView",
    {"id": str, "in": list[dict[str, Any]], "links": NotRequired[list[dict[str, Any]]]},
)


class Attestor(TypedDict):
    """An issuer that may attest a competency, and the statements behind that.

    `how`: its scope covers the competency as `named`, as `any`, by its `framework`, as part of a `broader` one, or by a
    `mapping`; `through` has a sentence for each step of mappings.
    """

    id: str
    name: str | None
    verdict: str
    accreditations: list[str]
    how: str
    through: list[str]
    statements: list[str]


class Attestors(TypedDict):
    """A page of issuers that may attest a competency, by id."""

    competency: str
    issuers: list[Attestor]
    next: str | None


# ------------------------------------------------------------------------------------------------------ issuers


async def issuers(call: Call) -> Response:
    """A page of issuers that fit every filter given."""
    found, following = list_issuers(call, call.params)
    value: IssuerPage = {"issuers": found, "next": following}
    return json_response(value)


def list_issuers(call: Call, wanted: Mapping[str, Any]) -> tuple[list[IssuerLine], str | None]:
    """Return a page of issuers that match every filter given, and the id from which to continue.

    Args:
        wanted: the parameters of `GET /v1/issuers`; None for one that was not given.
    """
    fold, now = call.reader.fold, call.reader.now()
    status, authority = wanted["status"], wanted["authority"]

    def line(id: CanonicalId) -> IssuerLine | None:
        record = issuer_in(fold, id)
        if record is None or not _could_fit(record, wanted):
            return None
        made = issuer_line(fold, record, now)
        if status is None and authority is None:
            return made
        fits = any(status in (None, one["status"]) and authority in (None, one["by"]) for one in made["accreditations"])
        return made if fits else None

    return page(ids(call, "issuer"), wanted["after"], wanted["limit"], line)


def _could_fit(record: IssuerRecord, wanted: Mapping[str, Any]) -> bool:
    facts = [fact["facts"] for fact in standing(record["stated"])]
    if (text := wanted["name"]) is not None:
        names = [name for fact in facts for name in (fact["name"], fact.get("legal_name", ""))]
        if not any(searchable(text) in searchable(name) for name in names):
            return False
    if (text := wanted["q"]) is not None and not _is_found(record["id"], facts, text):
        return False
    category, place = wanted["category"], wanted["jurisdiction"]
    if category is not None and not any(_names(fact.get("categories", ()), category) for fact in facts):
        return False
    return place is None or any(_names(fact.get("jurisdictions", ()), place) for fact in facts)


def _is_found(id: str, facts: Sequence[IssuerFacts], text: str) -> bool:
    """Return whether a text is part of a name or id, or an identifier, also as `ror:…` or at the end of an address.

    People paste https://ror.org/03yrm5c26 as well as 03yrm5c26.
    """
    wanted = searchable(text)
    ids = [id, *(alias for fact in facts for alias in fact.get("also_known_as", ()))]
    names = [name for fact in facts for name in (fact["name"], fact.get("legal_name", ""))]
    if any(wanted in searchable(one) for one in (*names, *ids)):
        return True
    bare = wanted.rstrip("/").rpartition("/")[2].rpartition(":")[2]
    return any(one["value"].casefold() == bare for fact in facts for one in fact.get("identifiers", ()))


def _names(values: Sequence[str], wanted: str) -> bool:
    """Whether `wanted` is among the values, or a wider jurisdiction of one: US for US-IN."""
    return any(value == wanted or value.startswith(f"{wanted}-") for value in values)


def issuer_line(fold: Fold, record: IssuerRecord, now: int) -> IssuerLine:
    """An issuer as it stands in a list."""
    facts = [fact["facts"] for fact in standing(record["stated"])]
    return {
        "id": record["id"],
        "name": name_of(record),
        "categories": _every(facts, "categories"),
        "jurisdictions": _every(facts, "jurisdictions"),
        "accreditations": _lines(fold, record, now),
    }


def _every(facts: Sequence[Mapping[str, Any]], member: str) -> list[str]:
    return list(dict.fromkeys(value for fact in facts for value in fact.get(member, ())))


def _lines(fold: Fold, record: IssuerRecord, now: int) -> list[AccreditationLine]:
    lines: list[AccreditationLine] = []
    for id, _ in record["accreditations"]:
        accreditation = accreditation_in(fold, id)
        assert accreditation is not None, "an issuer's record names accreditations that are there"
        status = status_at(accreditation, now, known=now)
        lines.append(
            {
                "id": id.hex(),
                "by": accreditation["by"],
                "via": plain(accreditation["via"]),
                "kind": accreditation["kind"],
                "level": accreditation["level"],
                "status": status.word,
                "since": format_time(status.since),
            }
        )
    return lines


async def issuer(call: Call) -> Response:
    """One issuer, by its id or another id it is known as."""
    fold, record = call.reader.fold, find_issuer(call, call.params["id"])
    value: IssuerView = {
        "id": record["id"],
        "name": name_of(record),
        "stated": plain(oldest_first(record["stated"])),
        "keys": plain(record["keys"]),
        "accreditations": _lines(fold, record, call.reader.now()),
    }
    return json_response(value)


def find_issuer(call: Call, id: CanonicalId) -> IssuerRecord:
    """The record of an issuer, by its id or another id it is known as.

    Raises:
        InputError: `not_found`.
    """
    record = issuer_in(call.reader.fold, id) or known_as(call.reader.fold, id)
    if record is None:
        raise _no_issuer(call, id)
    return record


def known_as(fold: Fold, id: CanonicalId) -> IssuerRecord | None:
    """Return the record of the only issuer also known by an id; None if there is no such issuer, or several."""
    alias = alias_in(fold, id)
    return issuer_in(fold, alias["issuers"][0]) if alias is not None and len(alias["issuers"]) == 1 else None


@lru_cache(maxsize=65_536)
def searchable(name: str) -> str:
    """Return a name as it is searched: without case, accents, width and soft hyphens, however they are encoded."""
    bare = unicodedata.normalize("NFKD", name.casefold()).replace("\u00ad", "")
    return "".join(one for one in bare if not unicodedata.combining(one)).replace("\u0131", "i")


def _no_issuer(call: Call, id: CanonicalId) -> InputError:
    hint = "GET /v1/issuers?name= searches by name; GET /v1/authorities says where to apply."
    alias = alias_in(call.reader.fold, id)
    if alias is not None:
        hint = "Several issuers use this alias: " + ", ".join(alias["issuers"][:5]) + "."
    elif near := next((one for one in lookalikes(id) if call.reader.fold.get("issuer", one) is not None), None):
        hint = f"Did you mean {near}? {hint}"
    raw = call.request.query.partition(b"id=")[2].partition(b"&")[0].decode("latin-1")
    if raw != id and call.reader.fold.get("issuer", raw) is not None:
        # A DID with %3A was sent unencoded; decoded, it is another DID (see the module).
        hint = f"Did you mean {raw}? Percent-encode the id in the path: send % as %25."
    return InputError("not_found", f"the issuer {id} is not in this registry.", hint=hint)


# ------------------------------------------------------------------------------------------------ accreditations


async def accreditation(call: Call) -> Response:
    """One accreditation."""
    record = find_accreditation(call, call.params["id"])
    now = call.reader.now()
    status = status_at(record, now, known=now)
    value = {
        **plain(as_it_happened(record)),
        "status": {
            "word": status.word,
            "since": format_time(status.since),
            "events": [event.hex() for event in status.events],
            "is_stayed": status.is_stayed,
            "has_appeal": status.has_appeal,
        },
        "sentences": [sentence(terms["scope"], subject=record["issuer"]) for terms in terms_at(record, now, known=now)],
    }
    return json_response(value)


def find_accreditation(call: Call, id: bytes) -> AccreditationRecord:
    """The record of an accreditation.

    Raises:
        InputError: `not_found`.
    """
    record = accreditation_in(call.reader.fold, id)
    if record is None:
        raise InputError(
            "not_found",
            f"no accreditation {id.hex()} is in effect.",
            hint="GET /v1/statements/{id} shows whether it waits for votes.",
        )
    return record


# ---------------------------------------------------------------------------------- frameworks and competencies


async def frameworks(call: Call) -> Response:
    """A page of frameworks."""
    fold, now = call.reader.fold, call.reader.now()

    def view(id: CanonicalId) -> FrameworkView | None:
        record = framework_in(fold, id)
        return None if record is None else _framework(record, now)

    found, following = page(ids(call, "framework"), call.params["after"], call.params["limit"], view)
    value: Frameworks = {"frameworks": found, "next": following}
    return json_response(value)


async def framework(call: Call) -> Response:
    """One framework."""
    record = framework_in(call.reader.fold, call.params["id"])
    if record is None:
        raise InputError(
            "not_found",
            f"the framework {call.params['id']} is not in this registry.",
            hint="GET /v1/frameworks lists them.",
        )
    return json_response(_framework(record, call.reader.now()))


def _framework(record: FrameworkRecord, now: int) -> FrameworkView:
    stated = [
        {**plain(one), "status": framework_records.status_at(one, now, known=now)}
        for one in oldest_first(record["stated"])
    ]
    return {"id": record["id"], "stated": stated}


async def competency(call: Call) -> Response:
    """One competency, with the frameworks it is in, and its text in each."""
    record = find_competency(call)
    entries = [{**plain(one), "text": text_of(call, one)} for one in record["in"]]
    return json_response({**plain(record), "in": entries})


def text_of(call: Call, entry: CompetencyEntry) -> str:
    """What a framework says of a competency in it; empty where this node does not hold that part of it."""
    fold = call.reader.fold
    part = _parts_of(call, entry).get(entry["item"])
    held = None if part is None else fold.statement(part)
    items = () if held is None else held.body["items"]
    return next((str(one["statement"]) for one in items if one["id"] == entry["item"]), "")


def _parts_of(call: Call, entry: CompetencyEntry) -> Mapping[str, bytes]:
    """Item -> the statement that holds it, of one framework: large ones have hundreds of parts, which are read once."""
    known: dict[bytes, dict[str, bytes]] = call.shared.keep("parts of frameworks", None, dict)
    publish = entry["statement"]
    if publish not in known:
        while len(known) >= FRAMEWORKS_INDEXED:
            del known[next(iter(known))]
        fold = call.reader.fold
        whole = fold.statement(publish)
        parts = [
            said
            for said in fold.said_about("framework", entry["framework"])
            if said.kind == "framework.items" and said.iss == entry["by"] and said.body["publish"] == publish
        ]
        bodies = [cast(FrameworkItems, said.body) for said in parts]
        # A part that somebody slipped in beside them has no say, though it may hold an item of the same id.
        chosen = None if whole is None else committed_parts(cast(FrameworkPublish, whole.body), bodies)
        known[publish] = {item["id"]: parts[at].id for at in chosen or () for item in bodies[at]["items"]}
    return known[publish]


def find_competency(call: Call) -> CompetencyRecord:
    """The record of the competency that the parameter `uri` names.

    Raises:
        InputError: `not_found`.
    """
    record = competency_in(call.reader.fold, call.params["uri"])
    if record is None:
        raise InputError(
            "not_found",
            f"no complete framework contains the competency {call.params['uri']}.",
            hint="GET /v1/frameworks shows which frameworks are complete.",
        )
    return record


async def attestors(call: Call) -> Response:
    """The issuers that may attest a competency now, by `decide`."""
    uri = call.params["uri"]
    found, following = list_attestors(call, uri, call.params["after"], call.params["limit"], DECIDED)
    value: Attestors = {"competency": uri, "issuers": found, "next": following}
    return json_response(value)


def list_attestors(
    call: Call, uri: CanonicalId, after: str | None, limit: int, examined: int
) -> tuple[list[Attestor], str | None]:
    """Return a page of issuers that may attest a competency, and the id from which to continue; at most `examined` are
    decided."""
    fold, now = call.reader.fold, call.reader.now()
    charter = fold.charter
    assert charter is not None, "there are no records before the genesis is in effect"

    def attestor(id: str) -> Attestor | None:
        query = Query(entity=id, authority=charter.id, action="issue", competencies=(uri,))
        decision = decide_held(query, fold, now, ecosystem_id=charter.id)
        if not decision.authorized:
            return None
        through = [reason.text for reason in decision.reasons if reason.code == "covered_by_mapping"]
        return {
            "id": id,
            "name": decision.issuer_name,
            "verdict": decision.verdict,
            "accreditations": [one.hex() for one in decision.accreditations],
            "how": "mapping" if through else _how(fold, uri, decision.accreditations[0]),
            "through": through,
            "statements": [one.hex() for one in decision.statements],
        }

    return page(ids(call, "issuer"), after, limit, attestor, examined)


def _how(fold: Fold, uri: CanonicalId, accreditation: bytes) -> str:
    """How the scope of an accreditation covers a competency without any mapping."""
    record, known = accreditation_in(fold, accreditation), competency_in(fold, uri)
    assert record is not None, "it has just decided"
    scopes: list[Mapping[str, Any]] = [one["scope"] for one in record["terms"]]
    axes = [(scope.get("competencies", ()), scope.get("frameworks", ())) for scope in scopes]
    if any(uri in named for named, _ in axes):
        return "named"
    if any("*" in axis for axis in axes):
        return "any"
    within = [] if known is None else [one["framework"] for one in known["in"]]
    return "framework" if any(one in frameworks for one in within for _, frameworks in axes) else "broader"


# -------------------------------------------------------------------------------------------------------- pages


def ids(call: Call, type: str) -> Sequence[CanonicalId]:
    """Return the ids of all records of a type, ascending; cached until a record changes."""
    fold = call.reader.fold
    return call.shared.keep(
        f"ids of {type}", fold.records_root(), lambda: [CanonicalId(id) for (_, id), _ in fold.items(type)]
    )


def page(
    among: Sequence[S], after: str | None, limit: int, make: Callable[[S], T | None], examined: int = EXAMINED
) -> tuple[list[T], str | None]:
    """Return the rows that `make` gives for at most `limit` ids after `after`, and the id from which to continue."""
    start = 0 if after is None else bisect_right(among, after)
    found: list[T] = []
    for id in islice(among, start, start + examined):
        start += 1
        made = make(id)
        if made is not None:
            found.append(made)
            if len(found) == limit:
                break
    return found, among[start - 1] if 0 < start < len(among) else None


_AFTER: Final = verbatim("after", "continue after this id: `next` of the previous page")
_LIMIT: Final = integer("limit", "maximum number of results", minimum=1, maximum=PAGE, default=50)
_URI: Final = identifier("uri", "the competency's id, a URL, URN or DID", required=True)


def _route(path: str, handler: Any, about: str, gives: Any, **more: Any) -> Route:
    return Route(method="GET", path=path, handler=handler, family="registry", about=about, gives={JSON: gives}, **more)


ROUTES: Final = (
    _route(
        "/v1/issuers",
        issuers,
        "Search issuers",
        IssuerPage,
        params=(
            words("q", "part of the name or id, or an identifier such as a CTID, OPEID, UNITID or ROR id"),
            words("name", "part of the name"),
            one_of("category", "a category", ISSUER_CATEGORIES),
            one_of("status", "the status of one of its accreditations, as of now", tuple(STATUSES)),
            place("jurisdiction", "a jurisdiction, such as US or US-IN"),
            identifier("authority", "an authority: issuers that it has accredited itself", read=canonical_issuer),
            _AFTER,
            _LIMIT,
        ),
    ),
    _route(
        "/v1/issuer",
        issuer,
        "One issuer, with its history",
        IssuerView,
        params=(identifier("id", "the issuer's id, a DID or URL", required=True, read=canonical_issuer),),
        problems=(404,),
    ),
    _route(
        "/v1/accreditation",
        accreditation,
        "One accreditation, with its history",
        AccreditationView,
        params=(hex_id("id", "the accreditation's id: its grant statement's", required=True),),
        problems=(404,),
    ),
    _route("/v1/frameworks", frameworks, "Frameworks", Frameworks, params=(_AFTER, _LIMIT)),
    _route(
        "/v1/framework",
        framework,
        "One framework, with its history",
        FrameworkView,
        params=(identifier("id", "the framework's id", required=True),),
        problems=(404,),
    ),
    _route("/v1/competencies", competency, "One competency", CompetencyView, params=(_URI,), problems=(404,)),
    _route(
        "/v1/competencies/issuers",
        attestors,
        "Who may attest a competency",
        Attestors,
        params=(_URI, _AFTER, _LIMIT),
        problems=(404,),
    ),
)
