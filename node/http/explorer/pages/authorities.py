"""`/explore/authorities` and `/explore/authority`: who decides here, within which limits, and what it has granted."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any, Final

from accredit.governance.fold import Fold
from accredit.node.http.exchange import Response
from accredit.node.http.explorer.frame import DOWNLOAD, Page, address, page_route, show
from accredit.node.http.explorer.listing import chain_view
from accredit.node.http.explorer.phrases import LANGUAGE, load
from accredit.node.http.handling.record_pages import ids, page
from accredit.node.http.handling.request_reading import identifier, verbatim
from accredit.node.http.handling.route import Call
from accredit.node.outcomes.figures import appeal_spans
from accredit.node.views.json_views import plain
from accredit.registry.decision.authority_chain import mandate_begins
from accredit.registry.domain.accreditations import status_at
from accredit.registry.domain.issuers import name_of
from accredit.registry.domain.record_types import AccreditationRecord, AuthorityRecord, MandateStanding
from accredit.registry.domain.records import accreditation_in, authority_in, charter_in, end_of, issuer_in
from accredit.registry.encoding import rfc3339
from accredit.registry.encoding.identifiers import CanonicalId, canonical_issuer
from accredit.registry.errors import InputError

LISTED: Final = 50
GRANTED: Final = 25
MANDATES: Final = 8
"""Mandates of one body that a page shows in full."""

KEYS: Final = 24
DAY: Final = 86_400


async def authorities(call: Call) -> Response:
    """Every authority, by id."""

    def row(id: CanonicalId) -> dict[str, Any] | None:
        record = authority_in(call.reader.fold, id)
        return None if record is None else _line(record, call.reader.now())

    found, following = await page(call, await ids(call, "authority"), call.params["after"], LISTED, row)
    fold = call.reader.fold
    charter = fold.charter
    rules = {} if charter is None else charter.body.get("rules", {})
    values = {
        "next": None if following is None else address("/explore/authorities", after=following),
        "charter": None if charter is None else charter_in(fold, charter.id),
        "charter_page": None if charter is None else _charter_page(fold, charter.id),
    }
    tables = {"authorities": found, "rules": [_rule(name, rule) for name, rule in sorted(rules.items())]}
    title = load(LANGUAGE).authorities.title
    return show(
        call, Page(template="authorities.html", title=title, source="/v1/authorities", values=values, tables=tables)
    )


def _charter_page(fold: Fold, id: CanonicalId) -> str:
    record = charter_in(fold, id)
    assert record is not None, "it is in force"
    return address("/explore/statement", id=record["statement"].hex())


def _line(record: AuthorityRecord, now: int) -> dict[str, Any]:
    first = record["standings"][0]
    return {
        "id": record["id"],
        "name": first["name"],
        "constituency": first["constituency"],
        "by": "charter" if first["parent"] is None else first["parent"]["by"],
        "status": _status(first, now),
        "mandates": len(record["standings"]),
        "_href": address("/explore/authority", id=record["id"]),
    }


def _rule(name: str, rule: Mapping[str, Any]) -> dict[str, Any]:
    """Return the rule of a kind of statement, in the charter's own members."""
    return {
        "statement": name,
        "authorities": rule.get("authorities", ""),
        "fraction": rule.get("fraction", ""),
        "majority": rule.get("majority", ""),
        "constituencies": [f"{count} × {sector}" for sector, count in sorted(rule.get("constituencies", {}).items())],
    }


def _status(standing: MandateStanding, now: int) -> str:
    withdrawn, begins = standing["withdrawn"], mandate_begins(standing, now)
    ends = [standing["valid_until"]] if "valid_until" in standing else []
    ends += [] if withdrawn is None else [end_of(withdrawn, now)]
    if any(end <= now for end in ends):
        return "ended"
    return "not_yet" if begins is not None and begins > now else "in_force"


async def authority(call: Call) -> Response:
    """One authority."""
    fold, id, now = call.reader.fold, call.params["id"], call.reader.now()
    record = authority_in(fold, id)
    if record is None:
        raise InputError("not_found", f"no authority {id} is in this registry.", hint="GET /v1/authorities lists them.")
    granted, following = await _granted(call, id, call.params["after"])
    fold = call.reader.fold  # others had a turn
    mandates = [_mandate(fold, id, standing, now) for standing in record["standings"][:MANDATES]]
    keys = [
        {
            "key": key["key"].hex(),
            "public": "" if key["public"] is None else key["public"].hex(),
            "since": key["since"].hex(),
            "cut": key["cut"],
            "mandate": "charter" if standing["via"] is None else standing["via"].hex(),
            "_href": address("/explore/statement", id=key["since"].hex()),
        }
        for standing in record["standings"][:MANDATES]
        for key in standing["keys"]
    ]
    values = {
        "id": id,
        "name": record["standings"][0]["name"],
        "mandates": mandates,
        "more": len(record["standings"]) - MANDATES,
        "deciding": _deciding(granted),
        "next": None if following is None else address("/explore/authority", id=id, after=following),
        "changes": address("/explore/changes", sub=id),
        "atom": address("/v1/changes.atom", sub=id),
        "search": address("/explore/search", authority=id),
        "keys_shown": KEYS,
    }
    page_ = Page(
        template="authority.html",
        title=values["name"],
        source="/v1/authorities",
        values=values,
        tables={"granted": granted, "keys": keys},
    )
    return show(call, page_)


def _mandate(fold: Fold, id: CanonicalId, standing: MandateStanding, now: int) -> dict[str, Any]:
    limits = standing["limits"]
    via = standing["via"]
    return {
        **standing,
        "status": _status(standing, now),
        "chain": chain_view(fold, id, via)[1:],
        "href": None if via is None else address("/explore/statement", id=via.hex()),
        "limits_shown": [(name, _shown(value)) for name, value in sorted((limits or {}).items())],
    }


def _shown(value: Any) -> str:
    """Return a limit in one line; JSON for anything but a word or a list of words."""
    if isinstance(value, list):
        return ", ".join(one if isinstance(one, str) else str(plain(one)) for one in value)
    return str(value)


async def _granted(call: Call, id: str, after: str | None) -> tuple[list[dict[str, Any]], str | None]:
    """Return a page of the accreditations that it has granted, by id; each page reads a bounded number of records."""
    now = call.reader.now()

    def row(accreditation: str) -> dict[str, Any] | None:
        fold = call.reader.fold
        record = accreditation_in(fold, bytes.fromhex(accreditation))
        if record is None or record["by"] != id:
            return None
        issuer = issuer_in(fold, record["issuer"])
        status = status_at(record, now, known=now)
        return {
            "issuer": record["issuer"],
            "name": (None if issuer is None else name_of(issuer)) or record["issuer"],
            "status": status.word,
            "since": rfc3339.day(status.since),
            "kind": record["kind"],
            "level": record["level"],
            "accreditation": accreditation,
            "days_to_last_vote": _days_to_last_vote(fold, record),
            "appeals": sum(event["event"] == "appeal_open" for event in record["events"]),
            "appeals_decided": sum(event["event"] == "appeal_decide" for event in record["events"]),
            "has_appeal": status.has_appeal,
            "_appeal_days": [took / DAY for took in appeal_spans(record["events"]) if took is not None],
            "_href": address("/explore/issuer", id=record["issuer"]),
        }

    return await page(call, await ids(call, "accreditation"), after, GRANTED, row)


def _days_to_last_vote(fold: Fold, record: AccreditationRecord) -> float | None:
    """Return the days from the grant to the last vote for it; None if nobody had to vote."""
    votes = [vote.iat for vote in fold.chains.votes_on(record["id"]) if vote.kind == "vote.approve"]
    return round(max(0, max(votes) - record["iat"]) / DAY, 1) if votes else None


def _deciding(granted: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return how long the listed decisions took, and their appeals; for this page only."""
    votes = [row["days_to_last_vote"] for row in granted if row["days_to_last_vote"] is not None]
    appeals = [days for row in granted for days in row["_appeal_days"]]
    return {
        "voted_on": len(votes),
        "days": round(median(votes), 1) if votes else None,
        "appeals": sum(row["appeals"] for row in granted),
        "decided": sum(row["appeals_decided"] for row in granted),
        "open": sum(row["has_appeal"] for row in granted),
        "appeal_days": round(median(appeals), 1) if appeals else None,
    }


ROUTES: Final = (
    page_route(
        "/explore/authorities",
        authorities,
        "Who decides here, and by which rules",
        verbatim("after", "the id to go on from: of the page before"),
        DOWNLOAD,
    ),
    page_route(
        "/explore/authority",
        authority,
        "One authority: its mandates, keys, and what it has granted",
        identifier("id", "the authority's id", required=True, read=canonical_issuer),
        verbatim("after", "the accreditation to go on from: of the page before"),
        DOWNLOAD,
    ),
)
