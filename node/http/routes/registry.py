"""Shows issuers and accreditations, each with its history.

Ids go into the query, percent-encoded once. Lists are paged (`record_pages`).

A record is shown as committed in the state map, with bytes as hex and times as RFC 3339; derived members (a status as
of now, a name) are added and described in the types here.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NotRequired, TypedDict

from accredit.governance.fold import Fold
from accredit.node.http.exchange import Response
from accredit.node.http.handling.record_pages import AFTER, LIMIT, ids, page, record_route
from accredit.node.http.handling.request_reading import hex_id, identifier, one_of, place, words
from accredit.node.http.handling.route import Call, json_response
from accredit.node.lookalikes import lookalikes
from accredit.node.views.json_views import format_time, plain
from accredit.registry.domain.accreditations import as_it_happened, status_at, terms_at
from accredit.registry.domain.issuers import name_of
from accredit.registry.domain.record_types import (
    AccreditationRecord,
    IssuerFacts,
    IssuerRecord,
)
from accredit.registry.domain.records import (
    accreditation_in,
    alias_in,
    issuer_in,
    oldest_first,
    standing,
)
from accredit.registry.domain.scope import sentence
from accredit.registry.domain.vocabulary import ISSUER_CATEGORIES, STATUSES
from accredit.registry.encoding.identifiers import CanonicalId, canonical_issuer
from accredit.registry.errors import InputError


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


class SuccessorView(TypedDict):
    """An issuer that an event names as successor, or of which an authority states that it keeps the records."""

    id: str
    name: str | None
    takes_its_place: bool
    keeps_records: bool


class IssuerView(TypedDict):
    """An issuer: what each authority states, its keys and their events, its accreditations, who succeeds it."""

    id: str
    name: str | None
    stated: list[Facts]
    keys: list[dict[str, Any]]
    accreditations: list[AccreditationLine]
    successors: list[SuccessorView]


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


# ------------------------------------------------------------------------------------------------------ issuers


async def issuers(call: Call) -> Response:
    """A page of issuers that fit every filter given."""
    found, following = await list_issuers(call, call.params)
    value: IssuerPage = {"issuers": found, "next": following}
    return json_response(value)


async def list_issuers(call: Call, wanted: Mapping[str, Any]) -> tuple[list[IssuerLine], str | None]:
    """Return a page of issuers that match every filter given, and the id from which to continue.

    Args:
        wanted: the parameters of `GET /v1/issuers`; None for one that was not given.
    """
    now = call.reader.now()
    status, authority = wanted["status"], wanted["authority"]

    def line(id: CanonicalId) -> IssuerLine | None:
        fold = call.reader.fold
        record = issuer_in(fold, id)
        if record is None or not _could_fit(record, wanted):
            return None
        made = issuer_line(fold, record, now)
        if status is None and authority is None:
            return made
        fits = any(status in (None, one["status"]) and authority in (None, one["by"]) for one in made["accreditations"])
        return made if fits else None

    return await page(call, await ids(call, "issuer"), wanted["after"], wanted["limit"], line)


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


def successors_in(fold: Fold, of: CanonicalId, records: Iterable[AccreditationRecord]) -> list[SuccessorView]:
    """Return the successors that events of an issuer's accreditations name, and who keeps the issuer's records by what
    an authority states.
    """
    named = dict.fromkeys(event["successor"] for one in records for event in one["events"] if "successor" in event)
    found: list[SuccessorView] = []
    for id in dict.fromkeys((*named, *map(CanonicalId, fold.named_keepers(of)))):
        issuer = issuer_in(fold, id)
        facts = [] if issuer is None else [one["facts"] for one in standing(issuer["stated"])]
        keeps = any(of in one.get("custodian_for", ()) for one in facts)
        if keeps or id in named:
            name = None if issuer is None else name_of(issuer)
            found.append({"id": id, "name": name, "takes_its_place": id in named, "keeps_records": keeps})
    return found


async def issuer(call: Call) -> Response:
    """One issuer, by its id or another id it is known as."""
    fold, record = call.reader.fold, find_issuer(call, call.params["id"])
    held = [found for id, _ in record["accreditations"] if (found := accreditation_in(fold, id)) is not None]
    value: IssuerView = {
        "id": record["id"],
        "name": name_of(record),
        "stated": plain(oldest_first(record["stated"])),
        "keys": plain(record["keys"]),
        "accreditations": _lines(fold, record, call.reader.now()),
        "successors": successors_in(fold, record["id"], held),
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


ROUTES: Final = (
    record_route(
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
            AFTER,
            LIMIT,
        ),
    ),
    record_route(
        "/v1/issuer",
        issuer,
        "One issuer, with its history",
        IssuerView,
        params=(identifier("id", "the issuer's id, a DID or URL", required=True, read=canonical_issuer),),
        problems=(404,),
    ),
    record_route(
        "/v1/accreditation",
        accreditation,
        "One accreditation, with its history",
        AccreditationView,
        params=(hex_id("id", "the accreditation's id: its grant statement's", required=True),),
        problems=(404,),
    ),
)
