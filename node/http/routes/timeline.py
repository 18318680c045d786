"""`GET /v1/accreditation/timeline`: an accreditation's timeline, for people and programs.

    {"events": [{"event": "granted", "effective_from", "iat", "by", "reason", "votes": […], …}, …],
     "spells": [{"begins", "ends", "status", "verdict", …}, …],
     "successors": [{"id", "name", "takes_its_place", "keeps_records"}]}

Events are in the order in which they count; each says who said it, who voted, and why, and how it ended if it has. What
was annulled by a later decision, or is void because its key was cut off, is in no record any more; it is listed all the
same, for people remember it. Spells say what a credential of each day is worth today (`registry.decision.timeline`).
"""

from collections.abc import Mapping
from typing import Any, Final, TypedDict

from accredit.governance.fold import Fold
from accredit.governance.standing import Undone, undone_about
from accredit.node.http.exchange import Response
from accredit.node.http.handling.request_reading import hex_id
from accredit.node.http.handling.route import JSON, Call, Route, json_response
from accredit.node.views.json_views import format_time, plain
from accredit.registry.decision.explanations import CAUSES
from accredit.registry.decision.timeline import Ending, Occurrence, Spell, occurrences, spells
from accredit.registry.domain.issuers import name_of
from accredit.registry.domain.record_types import AccreditationRecord, StatedEvent
from accredit.registry.domain.records import authority_in, issuer_in
from accredit.registry.domain.scope import sentence
from accredit.registry.encoding.identifiers import CanonicalId

from .registry import SuccessorView, find_accreditation, successors_in


class TimelineVote(TypedDict):
    """A vote on an event, with its reason."""

    by: str
    by_name: str
    approve: bool
    iat: str
    reason: str
    refs: list[str]


class TimelineEnding(TypedDict):
    """How something that was said ceased to count: by a later event (`how` is its name), by its own end (`lapsed`), or
    as if it had never been said, because a decision `annulled` it or its key had been cut off before (`void`).
    """

    how: str
    since: str
    statement: str | None
    by: str | None
    by_name: str | None
    reason: str


class TimelineEvent(TypedDict):
    """An event of the accreditation."""

    event: str
    statement: str
    by: str
    by_name: str
    via: str | None
    iat: str
    effective_from: str
    effective_until: str | None
    void_from: str | None
    reason_code: str | None
    reason: str
    scope: str
    successor: str | None
    evidence: list[dict[str, Any]]
    votes: list[TimelineVote]
    ended: TimelineEnding | None


class SpellView(TypedDict):
    """A run of days with one status, and the verdict today on a credential of these days."""

    begins: str
    ends: str | None
    status: str
    statement: str | None
    is_stayed: bool
    has_appeal: bool
    verdict: str
    programs: list[str]
    enrolled_before: str | None


class TimelineView(TypedDict):
    """An accreditation's life."""

    id: str
    issuer: str
    issuer_name: str | None
    by: str
    by_name: str
    events: list[TimelineEvent]
    spells: list[SpellView]
    successors: list[SuccessorView]


async def timeline(call: Call) -> Response:
    """The life of one accreditation, be it annulled."""
    fold, now, id = call.reader.fold, call.reader.now(), call.params["id"]
    undone = undone_about(fold, "accreditation", id.hex())
    whole = next((one.statement for one in undone if one.statement.id == id), None)
    record: AccreditationRecord | None
    if whole is None:
        record = find_accreditation(call, id)
        by, about = record["by"], record["issuer"]
    else:
        record, by, about = None, whole.iss, whole.body["issuer"]
    issuer = issuer_in(fold, about)
    charter = fold.charter
    cap = None if charter is None else charter.body.get("max_backdating")
    told = [*_told(fold, record), *(_undone(fold, one) for one in undone)]
    value: TimelineView = {
        "id": id.hex(),
        "issuer": about,
        "issuer_name": None if issuer is None else name_of(issuer),
        "by": by,
        "by_name": _body_name(fold, by),
        "events": sorted(told, key=lambda one: (one["effective_from"], one["iat"])),
        "spells": [] if record is None else [_spell(one) for one in spells(record, now, max_backdating=cap)],
        "successors": [] if record is None else successors_in(fold, record["issuer"], [record]),
    }
    return json_response(value)


def _told(fold: Fold, record: AccreditationRecord | None) -> list[TimelineEvent]:
    """What the record holds."""
    if record is None:
        return []
    events = {one["statement"]: one for one in record["events"]}
    return [_event(fold, one, _ended(fold, one.ending, events)) for one in occurrences(record)]


def _ended(fold: Fold, ending: Ending | None, events: Mapping[bytes, StatedEvent]) -> TimelineEnding | None:
    if ending is None:
        return None
    by = None if ending.statement is None else events[ending.statement]
    return {
        "how": ending.how,
        "since": format_time(ending.at),
        "statement": None if by is None else by["statement"].hex(),
        "by": None if by is None else by["by"],
        "by_name": None if by is None else _body_name(fold, by["by"]),
        "reason": "" if by is None else _why(by),
    }


def _undone(fold: Fold, one: Undone) -> TimelineEvent:
    """What no record holds any more, read from its own statement."""
    said, by = one.statement, one.by
    members = {**said.body, "statement": said.id, "by": said.iss, "via": None, "iat": said.iat}
    name = {"accreditation.grant": "granted", "accreditation.amend": "amended"}.get(said.kind) or said.body["event"]
    effective = said.body["valid_from" if said.kind == "accreditation.grant" else "effective_from"]
    ended: TimelineEnding = {
        "how": one.state.value,
        "since": format_time(one.since),
        "statement": by.id.hex(),
        "by": by.iss,
        "by_name": _body_name(fold, by.iss),
        "reason": _why(by.body),
    }
    return _event(fold, Occurrence(name, effective, said.iat, members), ended)


def _event(fold: Fold, one: Occurrence, ended: TimelineEnding | None) -> TimelineEvent:
    members = one.members
    return {
        "event": one.event,
        "statement": members["statement"].hex(),
        "by": members["by"],
        "by_name": _body_name(fold, members["by"]),
        "via": plain(members["via"]),
        "iat": format_time(one.stated),
        "effective_from": format_time(one.effective),
        "effective_until": _time(members.get("effective_until", members.get("valid_until"))),
        "void_from": _time(members.get("void_from")),
        "reason_code": members.get("reason_code"),
        "reason": _why(members),
        "scope": sentence(members["scope"]) if "scope" in members else "",
        "successor": members.get("successor"),
        "evidence": plain(list(members.get("evidence", ()))),
        "votes": votes_with_reasons(fold, members["statement"]),
        "ended": ended,
    }


def _why(members: Mapping[str, Any]) -> str:
    """The reason that was given, in words."""
    return str(members.get("reason_text") or CAUSES.get(members.get("reason_code") or "", ""))


def votes_with_reasons(fold: Fold, statement: bytes) -> list[TimelineVote]:
    """The votes held on a statement: by whom, for or against, when and why."""
    return [
        {
            "by": vote.iss,
            "by_name": _body_name(fold, vote.iss),
            "approve": vote.kind == "vote.approve",
            "iat": format_time(vote.iat),
            "reason": str(vote.body.get("reason_text", "")),
            "refs": list(vote.body.get("refs", ())),
        }
        for vote in fold.chains.votes_on(statement)
    ]


def _spell(one: Spell) -> SpellView:
    applies_to = {} if one.event is None else one.event.get("applies_to", {})
    return {
        "begins": format_time(one.begins),
        "ends": _time(one.ends),
        "status": one.word,
        "statement": None if one.event is None else one.event["statement"].hex(),
        "is_stayed": one.is_stayed,
        "has_appeal": one.has_appeal,
        "verdict": one.verdict,
        "programs": list(one.programs),
        "enrolled_before": _time(applies_to.get("cohorts_enrolled_before")) if one.word == "teach_out" else None,
    }


def _body_name(fold: Fold, id: str) -> str:
    record = authority_in(fold, CanonicalId(id))
    return id if record is None else str(record["standings"][0]["name"])


def _time(seconds: int | None) -> str | None:
    return None if seconds is None else format_time(seconds)


ROUTES: Final = (
    Route(
        method="GET",
        path="/v1/accreditation/timeline",
        handler=timeline,
        family="registry",
        about="The life of an accreditation: what was said, by whom, and what a credential of each day is worth",
        gives={JSON: TimelineView},
        params=(hex_id("id", "the accreditation's id: its grant statement's", required=True),),
        problems=(404,),
    ),
)
