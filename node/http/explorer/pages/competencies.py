"""`/explore/competencies` and `/explore/competency`: frameworks; one competency with its mappings and the issuers that
may attest it."""

from typing import Any, Final

from accredit.node.http.exchange import Response
from accredit.node.http.explorer.frame import DOWNLOAD, Page, address, page_route, show
from accredit.node.http.explorer.listing import authority_name
from accredit.node.http.explorer.phrases import LANGUAGE, load
from accredit.node.http.handling.record_pages import ids, page
from accredit.node.http.handling.request_reading import identifier, verbatim
from accredit.node.http.handling.route import Call
from accredit.node.http.routes.decisions import served_ecosystem
from accredit.node.http.routes.frameworks import DECIDED, find_competency, list_attestors, list_items
from accredit.registry.domain import frameworks as framework_records
from accredit.registry.domain.record_types import CompetencyRecord
from accredit.registry.domain.records import framework_in, mapping_in
from accredit.registry.encoding.identifiers import CanonicalId, canonical

FRAMEWORKS: Final = 30
ITEMS: Final = 50
ATTESTORS: Final = 20
LINKS: Final = 50


async def competencies(call: Call) -> Response:
    """The frameworks, or one of them with the competencies in it; a competency is found by its address."""
    fold, now, wanted = call.reader.fold, call.reader.now(), call.params["framework"]

    def rows_of(id: CanonicalId) -> list[dict[str, Any]] | None:
        record = framework_in(fold, id)
        if record is None:
            return None
        return [
            {
                "framework": id,
                "title": stated["title"],
                "version": stated["version"],
                "publisher": stated.get("publisher", ""),
                "license": stated.get("license", ""),
                "format": stated["format"],
                "items": stated["item_count"],
                "complete": stated["complete"],
                "status": framework_records.status_at(stated, now, known=now),
                "stated_by": authority_name(fold, stated["by"], stated["via"]),
                "source_url": stated.get("source_url", ""),
                "_href": address("/explore/statement", id=stated["statement"].hex()),
                "_changes": address("/explore/changes", sub=id),
            }
            for stated in record["stated"]
        ]

    among = await ids(call, "framework") if wanted is None else [wanted]
    found, following = await page(call, among, call.params["after"] if wanted is None else None, FRAMEWORKS, rows_of)
    items, next_item = ([], None) if wanted is None else _items(call, wanted)
    values = {
        "wanted": wanted,
        "next": None if following is None else address("/explore/competencies", after=following),
        "next_item": next_item,
    }
    page_ = Page(
        template="competencies.html",
        title=load(LANGUAGE).competencies.title,
        source=address("/v1/framework", id=wanted) if wanted is not None and found else "/v1/frameworks",
        values=values,
        tables={"frameworks": [row for rows in found for row in rows], "items": items},
    )
    return show(call, page_)


def _items(call: Call, framework: CanonicalId) -> tuple[list[dict[str, Any]], str | None]:
    """A page of the competencies in a framework, and the address of the next page."""
    record = framework_in(call.reader.fold, framework)
    if record is None:
        return [], None
    listed = list_items(call, record, None, call.params["after"], ITEMS)
    rows = [
        {
            "competency": item["id"],
            "code": item.get("code", ""),
            "label": item.get("label", ""),
            "text": item["text"],
            "_href": address("/explore/competency", uri=item["id"]),
        }
        for item in listed["items"]
    ]
    following = listed["next"]
    return rows, following and address("/explore/competencies", framework=framework, after=following)


async def competency(call: Call) -> Response:
    """One competency."""
    served_ecosystem(call)
    record, fold = find_competency(call), call.reader.fold
    uri, after = record["id"], call.params["after"]
    entries: list[dict[str, Any]] = [
        {
            "framework": one["framework"],
            "item": one["item"],
            "code": one.get("code", ""),
            "label": one.get("label", ""),
            "parents": one["parents"],
            "stated_by": authority_name(fold, one["by"], one["via"]),
            "_href": address("/explore/competencies", framework=one["framework"]),
        }
        for one in record["in"]
    ]
    attestors, following = await list_attestors(call, uri, after, ATTESTORS, DECIDED)
    may = [
        {
            "id": one["id"],
            "name": one["name"] or one["id"],
            "verdict": str(one["verdict"]),
            "how": one["how"],
            "through": " ".join(one["through"]),
            "accreditations": one["accreditations"],
            "_href": address("/explore/decision", issuer=one["id"], competency=uri),
        }
        for one in attestors
    ]
    label = next((one["label"] or one["code"] for one in entries if one["label"] or one["code"]), uri)
    values = {
        "uri": uri,
        "label": label,
        "next": None if following is None else address("/explore/competency", uri=uri, after=following),
        "feeds": [address("/v1/changes.atom", sub=one["framework"]) for one in entries[:3]],
        "ask": address("/v1/competencies/issuers", uri=uri),
    }
    tables = {"entries": entries, "mappings": mapped(call, record), "attestors": may}
    source = address("/v1/competencies", uri=uri)
    return show(call, Page(template="competency.html", title=label, source=source, values=values, tables=tables))


def mapped(call: Call, record: CompetencyRecord) -> list[dict[str, Any]]:
    """Return the competencies that published mappings link with one, in either direction."""
    fold, uri = call.reader.fold, record["id"]
    rows: list[dict[str, Any]] = []
    for link in record.get("links", ())[:LINKS]:
        mapping = mapping_in(fold, link["mapping"])
        stated = next(
            (one for one in (() if mapping is None else mapping["stated"]) if one["statement"] == link["statement"]),
            None,
        )
        if "withdrawn" in link or stated is None:
            continue
        is_source = "to" in link
        other = link["to"] if is_source else link["from"]
        ends = (uri, other) if is_source else (other, uri)
        original = next(
            (one.get("original", "") for one in stated["links"] if (one["source"], one["target"]) == ends), ""
        )
        rows.append(
            {
                "relation": link["relation"],
                "direction": "to" if is_source else "from",
                "other": other,
                "original": original,
                "mapping": link["mapping"],
                "title": stated["title"],
                "counts": "usable" in link,
                "_href": address("/explore/statement", id=link["statement"].hex()),
            }
        )
    return rows


ROUTES: Final = (
    page_route(
        "/explore/competencies",
        competencies,
        "Competency frameworks",
        identifier("framework", "only this framework", read=canonical),
        verbatim(
            "after", "the id to go on from, of the page before: a framework, or with ?framework a competency in it"
        ),
        DOWNLOAD,
    ),
    page_route(
        "/explore/competency",
        competency,
        "One competency, what maps to it, and who may attest it",
        identifier("uri", "the competency's id, a URL, URN or DID", required=True),
        verbatim("after", "the issuer to go on from: of the page before"),
        DOWNLOAD,
    ),
)
