"""`/explore/search`: one box for any name or id, and filters to narrow the result.

The list is that of `GET /v1/issuers`, with the same bounds: a page examines some thousand records and says so. An exact
match of an id (of an issuer by any of its ids, an authority, a framework, a competency, a statement) comes first, and
costs no search.
"""

import re
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, Final

from markupsafe import Markup

from accredit.node.http.exchange import Response
from accredit.node.http.explorer.facets import STATUSES_OFFERED, facet_counts
from accredit.node.http.explorer.frame import DOWNLOAD, Page, address, mark, page_route, show, word
from accredit.node.http.explorer.listing import authority_name, where_to_apply
from accredit.node.http.explorer.phrases import LANGUAGE, isolated, linked, load
from accredit.node.http.handling.request_reading import identifier, integer, one_of, place, verbatim, words
from accredit.node.http.handling.route import Call
from accredit.node.http.routes.registry import IssuerLine, known_as, list_issuers
from accredit.registry.domain.issuers import name_of
from accredit.registry.domain.records import authority_in, competency_in, framework_in, issuer_in
from accredit.registry.domain.vocabulary import ISSUER_CATEGORIES, STATUSES
from accredit.registry.encoding.identifiers import CanonicalId, canonical, canonical_issuer, without_fragment
from accredit.registry.errors import DecodeError

LISTED: Final = 25
"""Issuers on one page, unless asked for more: some 20 KB."""

LISTED_MAX: Final = 50

SHOWN_OF_ISSUER: Final = 3
"""Accreditations of one issuer that the list shows."""

PLACES: Final = 12
"""Places of one issuer that the list shows."""

_HASH: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_FACETS: Final = ("category", "status", "jurisdiction", "authority")


async def search(call: Call) -> Response:
    """Issuers that fit the text and every facet."""
    asked = call.params
    found, following = await list_issuers(call, {**asked, "name": None})
    fold = call.reader.fold
    called = lru_cache(maxsize=None)(partial(_accreditor, call))  # cached for this request: most have the same few
    rows = [_row(called, line) for line in found]
    given = {name: asked[name] for name in ("q", *_FACETS)}
    values = {
        "asked": asked,
        "categories": ISSUER_CATEGORIES,
        "statuses": STATUSES_OFFERED,
        "counts": await facet_counts(call),
        "exact": [] if asked["q"] is None or asked["after"] is not None else named_exactly(call, asked["q"]),
        "next": None if following is None else address("/explore/search", **given, after=following),
        "is_narrowed": any(value is not None for value in given.values()),
        "as_issuer": _as_issuer(asked["q"]),
        "apply": [] if rows else where_to_apply(fold),
    }
    title = asked["q"] or load(LANGUAGE).search.title
    source = address("/v1/issuers", **given, after=asked["after"], limit=asked["limit"])
    return show(call, Page(template="search.html", title=title, source=source, values=values, tables={"issuers": rows}))


def _row(called: Callable[[str, str | None], str], line: IssuerLine) -> dict[str, Any]:
    """Return a row with finished cells; a template that builds each cell takes three times as long."""
    id, name = line["id"], line["name"] or ""
    held = [(one["status"], called(one["by"], one["via"])) for one in line["accreditations"]]
    return {
        "id": id,
        "name": name,
        "categories": line["categories"],
        "jurisdictions": line["jurisdictions"],
        "accreditations": [f"{status}: {by}" for status, by in held],
        "_issuer": linked(address("/explore/issuer", id=id), name or id),
        "_id": isolated(id),
        "_kinds": ", ".join([word(one, "category") for one in line["categories"]]),
        "_places": ", ".join(line["jurisdictions"][:PLACES]),
        "_held": Markup("<br>").join([_shown(status, by) for status, by in held[:SHOWN_OF_ISSUER]]),
        "_more": len(held) - SHOWN_OF_ISSUER,
    }


def _accreditor(call: Call, by: str, via: str | None) -> str:
    return authority_name(call.reader.fold, by, None if via is None else bytes.fromhex(via))


@lru_cache(maxsize=4096)
def _shown(status: str, by: str) -> Markup:
    """Return one accreditation in a list, cached because many issuers have the same."""
    return Markup("{} <small>{}</small>").format(mark(status), isolated(by))


def named_exactly(call: Call, text: str) -> list[tuple[str, str, str]]:
    """Return what the text identifies: kind, name and page of each match."""
    fold, found = call.reader.fold, list[tuple[str, str, str]]()
    if _HASH.fullmatch(text):
        if fold.statement(bytes.fromhex(text)) is not None:
            found.append(("statement", text, address("/explore/statement", id=text)))
        return found
    issuer = _as_issuer(text)
    record = None if issuer is None else issuer_in(fold, issuer) or known_as(fold, issuer)
    if record is not None:
        found.append(("issuer", name_of(record) or record["id"], address("/explore/issuer", id=record["id"])))
    if issuer is not None and (authority := authority_in(fold, issuer)) is not None:
        name = authority["standings"][0]["name"]
        found.append(("authority", name, address("/explore/authority", id=issuer)))
    try:
        uri = canonical(text)
    except DecodeError:
        return found
    if framework_in(fold, uri) is not None:
        found.append(("framework", uri, address("/explore/competencies", framework=uri)))
    if competency_in(fold, uri) is not None:
        found.append(("competency", uri, address("/explore/competency", uri=uri)))
    return found


def _as_issuer(text: str | None) -> CanonicalId | None:
    """The text as an issuer's id in its one spelling; None where it is none."""
    try:
        return None if text is None else canonical_issuer(without_fragment(text))
    except DecodeError:
        return None


ROUTES: Final = (
    page_route(
        "/explore/search",
        search,
        "Search issuers, with facets",
        words("q", "a name, a DID or address, or an identifier"),
        one_of("category", "a category", ISSUER_CATEGORIES),
        one_of("status", "the status of one of its accreditations, as of now", tuple(STATUSES)),
        place("jurisdiction", "a jurisdiction, such as US or US-IN"),
        identifier("authority", "an authority: issuers that it has accredited itself", read=canonical_issuer),
        verbatim("after", "the id to go on from: of the page before"),
        integer("limit", "how many at most", minimum=1, maximum=LISTED_MAX, default=LISTED),
        DOWNLOAD,
    ),
)
