"""Lists an issuer's history: statements about it, from when each counts, who voted for it and why.

Every entry has two times: when it took effect (or to when it reaches back), and when it was stated. Most are from the
records. An event says how it ended, as in the timeline of an accreditation: by a later event, by its own end, or as if
it had never been said. What was annulled by a later decision, or is void because its key was cut off, is in no
record any more; it is listed all the same.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final

from accredit.governance.fold import Fold
from accredit.governance.standing import Undone, undone_about
from accredit.registry.decision.timeline import Ending, occurrences
from accredit.registry.domain.record_types import AccreditationRecord, IssuerRecord, StatedEvent
from accredit.registry.domain.records import met
from accredit.registry.domain.scope import sentence
from accredit.registry.encoding.rfc3339 import day

from .frame import address
from .listing import authority_name, body_name

VOTES: Final = 12
"""Votes shown of one statement."""


def timeline(
    fold: Fold, record: IssuerRecord, accreditations: Sequence[AccreditationRecord], annulled: Iterable[bytes] = ()
) -> list[dict[str, Any]]:
    """Entries about an issuer, the newest effect first: the rows of a table.

    Args:
        record: the issuer's.
        accreditations: the records of its accreditations.
        annulled: ids of accreditations that have no record any more.
    """
    entries = [*_about_issuer(record)]
    for one in accreditations:
        entries += _about_accreditation(fold, one)
    subjects = [("issuer", str(record["id"]))]
    subjects += [("accreditation", id.hex()) for id in (*(one["id"] for one in accreditations), *annulled)]
    entries += [_undone(fold, one) for subject in subjects for one in undone_about(fold, *subject)]
    entries.sort(key=itemgetter("_effective", "_stated", "statement"), reverse=True)
    return [_told(fold, entry) for entry in entries]


def _about_issuer(record: IssuerRecord) -> Iterator[dict[str, Any]]:
    for fact in record["stated"]:
        yield _entry("updated" if fact["after"] else "registered", met(fact), fact, about=str(fact["facts"]["name"]))
    for key in record["keys"]:
        if key["op"] == "add":
            begins, about = key["key"].get("valid_from", met(key)), key["key"]["id"]
        else:
            begins, about = key.get("valid_until", key.get("compromised_since", met(key))), key["key_id"]
        yield _entry(f"key_{key['op']}", begins, key, about=about)


def _about_accreditation(fold: Fold, record: AccreditationRecord) -> Iterator[dict[str, Any]]:
    events = {one["statement"]: one for one in record["events"]}
    for one in occurrences(record):
        entry = _entry(one.event, one.effective, one.members, about=record["id"].hex())
        yield entry if one.ending is None else entry | _ended(fold, one.ending, events)


def _ended(fold: Fold, ending: Ending, events: Mapping[bytes, StatedEvent]) -> dict[str, Any]:
    """How an event ceased to count."""
    by = None if ending.statement is None else events[ending.statement]
    return {
        "ended": ending.how,
        "ended_on": day(ending.at),
        "ended_by": "" if by is None else authority_name(fold, by["by"], by["via"]),
        "_ended_href": None if by is None else address("/explore/statement", id=by["statement"].hex()),
    }


def _undone(fold: Fold, one: Undone) -> dict[str, Any]:
    """What no record holds any more, read from its own statement."""
    said, by = one.statement, one.by
    body = said.body
    match said.kind:
        case "issuer.register" | "issuer.update":
            event = "updated" if body.get("after") else "registered"
            effective, about = said.iat, str(body["name"])
        case "issuer.key":
            event, about = f"key_{body['op']}", body["key_id"] if "key_id" in body else body["key"]["id"]
            effective = body.get("valid_until", body.get("compromised_since", said.iat))
        case "accreditation.grant":
            event, effective, about = "granted", body["valid_from"], said.id.hex()
        case _:
            event, effective = body.get("event", "amended"), body["effective_from"]
            about = body["accreditation"].hex()
    members = {**body, "by": said.iss, "via": None, "iat": said.iat, "statement": said.id}
    return {
        **_entry(event, effective, members, about=about),
        "ended": one.state.value,
        "ended_on": day(one.since),
        "ended_by": body_name(fold, by.iss),
        "ended_because": str(by.body.get("reason_text", "")),
        "_by": body_name(fold, said.iss),
        "_successor": None,
        "_ended_href": address("/explore/statement", id=by.id.hex()),
    }


def _entry(event: str, effective: int, said: Mapping[str, Any], *, about: str) -> dict[str, Any]:
    return {
        "event": event,
        "took_effect": day(effective),
        "stated": day(said["iat"]),
        "void_from": day(said["void_from"]) if "void_from" in said else "",
        "until": day(said["effective_until"]) if "effective_until" in said else "",
        "about": about,
        "scope": sentence(said["scope"]) if "scope" in said else "",
        "by": said["by"],
        "reason_code": said.get("reason_code", ""),
        "reason": said.get("reason_text", ""),
        "ended": "",
        "ended_on": "",
        "ended_by": "",
        "ended_because": "",
        "statement": said["statement"].hex(),
        "_effective": effective,
        "_stated": said["iat"],
        "_ended_href": None,
        "_via": said["via"],
        "_successor": said.get("successor"),
    }


def _told(fold: Fold, entry: dict[str, Any]) -> dict[str, Any]:
    """An entry with names, votes and links."""
    votes = votes_on(fold, bytes.fromhex(entry["statement"]))
    return {
        **entry,
        "votes": [f"{vote['name']}: {'for' if vote['approve'] else 'against'}" for vote in votes],
        "_by": entry.get("_by") or authority_name(fold, entry["by"], entry["_via"]),
        "_votes": votes,
        "_href": address("/explore/statement", id=entry["statement"]),
    }


def votes_on(fold: Fold, statement: bytes) -> list[dict[str, Any]]:
    """The votes held on a statement: by whom, for or against, and why."""
    return [
        {
            "by": vote.iss,
            "name": body_name(fold, vote.iss),
            "approve": vote.kind == "vote.approve",
            "reason": vote.body.get("reason_text", ""),
            "refs": vote.body.get("refs", []),
            "iat": vote.iat,
            "href": address("/explore/statement", id=vote.id.hex()),
        }
        for vote in fold.chains.votes_on(statement)[:VOTES]
    ]
