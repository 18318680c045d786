"""`/explore/issuer`: one issuer as of a day, with its whole history, its keys, and how to ask about it."""

import shlex
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any, Final

import msgspec

from accredit.governance.fold import Fold
from accredit.governance.standing import ended_grants
from accredit.node.http.exchange import Response
from accredit.node.http.explorer.frame import DOWNLOAD, Page, address, page_route, show
from accredit.node.http.explorer.history import timeline
from accredit.node.http.explorer.listing import authority_name, chain_view
from accredit.node.http.handling.request_reading import Param, identifier, integer
from accredit.node.http.handling.route import Call
from accredit.node.http.routes.registry import find_issuer, successors_in
from accredit.registry.domain.accreditations import beginning, status_at, terms_at
from accredit.registry.domain.issuers import name_of
from accredit.registry.domain.record_types import AccreditationRecord, IssuerRecord, KeyEnded, StatedFacts
from accredit.registry.domain.records import accreditation_in, met, standing
from accredit.registry.domain.scope import sentence
from accredit.registry.encoding import rfc3339
from accredit.registry.encoding.identifiers import canonical_issuer

ACCREDITATIONS: Final = 12
"""Accreditations shown in full; the others are in the table beside them."""

ENTRIES: Final = 30
"""Entries of the history on one page."""

_FURTHER: Final = ("parent", "predecessors", "custodian_for", "learner_contact", "outcomes_dataset")


def as_of(name: str, about: str) -> Param:
    """A day, or an instant, as of which a page is shown."""
    return Param(
        name=name,
        about=about,
        read=lambda text: rfc3339.instant(text, where=f"?{name}", days=True),
        schema={"type": "string", "format": "date"},
    )


async def issuer(call: Call) -> Response:
    """One issuer."""
    fold, now = call.reader.fold, call.reader.now()
    record = find_issuer(call, call.params["id"])
    at = now if call.params["at"] is None else min(call.params["at"], now)
    held = [found for id, _ in record["accreditations"] if (found := accreditation_in(fold, id)) is not None]
    cards = sorted((_card(fold, one, at, now) for one in held), key=lambda one: (one["_is_over"], one["granted"]))
    entries = timeline(fold, record, held, [one.id for one in ended_grants(fold, record["id"])])
    skip = call.params["skip"]
    shown = entries[skip : skip + ENTRIES]
    for entry in shown:
        entry["_is_later"] = entry["_effective"] > at
    facts, successors = standing(record["stated"]), successors_in(fold, record["id"], held)
    here = {"id": record["id"], "at": None if call.params["at"] is None else rfc3339.day(at)}
    values = {
        "id": record["id"],
        "asked_for": call.params["id"],
        "name": name_of(record) or record["id"],
        "at": at,
        "day": rfc3339.text(at)[:10],
        "is_now": call.params["at"] is None,
        "is_start_of_day": rfc3339.day(at) == rfc3339.text(at)[:10],
        "facts": [_stated(fold, fact) for fact in facts],
        "cards": cards[:ACCREDITATIONS],
        "more_cards": len(cards) - ACCREDITATIONS,
        "entries": shown,
        "older": address("/explore/issuer", **here, skip=skip + ENTRIES) if len(entries) > skip + ENTRIES else None,
        "newer": address("/explore/issuer", **here, skip=max(0, skip - ENTRIES)) if skip else None,
        "successors": [one for one in successors if one["takes_its_place"]],
        "keepers": [one for one in successors if one["keeps_records"]],
        "curl": curl(call, {"issuer": record["id"]} | ({} if here["at"] is None else {"issued_on": here["at"]})),
        "ask": address("/explore/decision", issuer=record["id"], on=here["at"]),
        "atom": address("/v1/changes.atom", sub=record["id"]),
        "changes": address("/explore/changes", sub=record["id"]),
    }
    tables = {"accreditations": cards, "history": entries, "keys": _keys(fold, record, at)}
    source = address("/v1/issuer", id=record["id"])
    return show(call, Page(template="issuer.html", title=values["name"], source=source, values=values, tables=tables))


def _card(fold: Fold, record: AccreditationRecord, at: int, now: int) -> dict[str, Any]:
    """Return an accreditation as of a time, or as of its beginning if that is later."""
    status = status_at(record, at, known=now)
    present = terms_at(record, at, known=now)
    terms = present or record["terms"][:1]
    begins, ends = (
        min(one["valid_from"] for one in terms),
        [one["valid_until"] for one in terms if "valid_until" in one],
    )
    is_yet = bool(present) and begins <= at
    word = status.word if is_yet else "not_yet"
    return {
        "id": record["id"].hex(),
        "status": word,
        "since": rfc3339.day(status.since if is_yet else begins),
        "kind": record["kind"],
        "level": record["level"],
        "by": record["by"],
        "valid_from": beginning(min(terms, key=itemgetter("valid_from"))),
        "valid_until": rfc3339.day(min(ends)) if ends else "",
        "granted": rfc3339.day(record["iat"]),
        "scope": [sentence(one["scope"]) for one in terms],
        "_by": authority_name(fold, record["by"], record["via"]),
        "_chain": chain_view(fold, record["by"], record["via"]),
        "_conditions": [condition for one in terms for condition in one.get("conditions", ())],
        "_review": next((one["review_due"] for one in terms if "review_due" in one), None),
        "_policy": next((one["policy"] for one in terms if "policy" in one), None),
        "_evidence": [item for one in terms for item in one.get("evidence", ())][:10],
        "_is_stayed": status.is_stayed,
        "_has_appeal": status.has_appeal,
        "_is_over": word
        in ("revoked", "denied", "withdrawn", "withdrawn_voluntary", "closed", "superseded", "expired"),
        "_reason": None if status.event is None else status.event.get("reason_text"),
        "_href": address("/explore/statement", id=record["id"].hex()),
        "_json": address("/v1/accreditation", id=record["id"].hex()),
    }


def _stated(fold: Fold, fact: StatedFacts) -> dict[str, Any]:
    """What one authority states about the issuer."""
    facts = fact["facts"]
    return {
        "by": authority_name(fold, fact["by"], fact["via"]),
        "by_href": address("/explore/authority", id=fact["by"]),
        "href": address("/explore/statement", id=fact["statement"].hex()),
        "iat": fact["iat"],
        "facts": facts,
        "further": [(name, facts[name]) for name in _FURTHER if name in facts],
    }


def _keys(fold: Fold, record: IssuerRecord, at: int) -> list[dict[str, Any]]:
    """The issuer's keys, each with the window in which it may be believed."""
    ended: dict[str, list[KeyEnded]] = {}
    for said in record["keys"]:
        if said["op"] != "add":
            ended.setdefault(said["key_id"], []).append(said)
    rows = []
    for said in record["keys"]:
        if said["op"] != "add":
            continue
        key, ends = said["key"], ended.get(said["key"]["id"], ())
        until = [key["valid_until"]] if "valid_until" in key else []
        until += [one.get("valid_until", met(one)) for one in ends if one["op"] == "retire"]
        compromised = [one.get("compromised_since") for one in ends if one["op"] == "compromise"]
        begins, last = key.get("valid_from"), min(until, default=None)
        rows.append(
            {
                "id": key["id"],
                "from": "" if begins is None else rfc3339.day(begins),
                "until": "" if last is None else rfc3339.day(last),
                "compromised": _compromise(compromised),
                "key": key.get("public_key_multibase", "JWK"),
                "stated_by": authority_name(fold, said["by"], said["via"]),
                "statement": said["statement"].hex(),
                "_status": _key_status(begins, last, is_compromised=bool(compromised), at=at),
                "_href": address("/explore/statement", id=said["statement"].hex()),
            }
        )
    return rows


def _compromise(times: Sequence[int | None]) -> str:
    known = [time for time in times if time is not None]
    if not times:
        return ""
    return rfc3339.day(min(known)) if len(known) == len(times) else "always"


def _key_status(begins: int | None, last: int | None, *, is_compromised: bool, at: int) -> str:
    if is_compromised:
        return "failed"
    if begins is not None and begins > at:
        return "not_yet"
    return "ended" if last is not None and last <= at else "in_force"


def curl(call: Call, question: Mapping[str, Any]) -> str:
    """The same question for a shell."""
    base = call.reader.url.rstrip("/") or "http://127.0.0.1:8080"
    body = shlex.quote(msgspec.json.encode(question).decode())
    return f"curl -s {shlex.quote(base + '/v1/decisions')} -H 'content-type: application/json' -d {body}"


ROUTES: Final = (
    page_route(
        "/explore/issuer",
        issuer,
        "One issuer as of a day, with its history",
        identifier("id", "the issuer's id, a DID or address", required=True, read=canonical_issuer),
        as_of("at", "the day as of which it is shown; now by default"),
        integer("skip", "entries of the history to pass over", minimum=0, maximum=10_000, default=0),
        DOWNLOAD,
    ),
)
