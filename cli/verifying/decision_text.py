"""Answers for people: the verdict in words, who accredits, why, until when, and what to do next.

A decision comes here as `POST /v1/decisions` gives it (`node.views.decision_view` makes the same of one made on this
machine), with *details* that make it readable: the authorities by id, and the accreditations it rests on.
"""

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from accredit.cli.base import documents, output
from accredit.cli.base.output import bad, faint, fair, good, safe, shorten
from accredit.node.views.decision_view import explanation
from accredit.node.views.json_views import plain
from accredit.registry.decision.explanations import Audience

if TYPE_CHECKING:
    from accredit.registry.domain.records import Records

HEADLINES: Final = {
    "trusted": (good, "Trusted"),
    "trusted_with_advisory": (good, "Trusted, with notes"),
    "trusted_historical": (good, "Trusted as of that time"),
    "suspended": (bad, "Suspended"),
    "not_trusted": (bad, "Not trusted"),
    "unknown_issuer": (bad, "Unknown issuer"),
    "indeterminate": (fair, "Undecided"),
    "stale_view": (fair, "This node's data is too old to answer"),
}
_UNASKED: Final = {
    "credential_types": "--for credentialType:NAME",
    "achievement_types": "--for TYPE, as in --for BachelorDegree",
    "competencies": "--competency URI",
    "framework": "--framework URI",
    "level": "--level EQF:6",
    "jurisdiction": "--jurisdiction US-IN",
    "program": "--program ID",
    "field_of_study": "--field cip:51",
    "delivery_mode": "--mode WORD",
    "key": "--key VERIFICATION-METHOD",
}
_ACCREDITATIONS_SHOWN: Final = 5

Details = dict[str, Any]
"""`authorities`: standing by id; `accreditations`: records as a node shows them."""


def details_of(decision: dict[str, Any], records: "Records") -> Details:
    """Return the details that make a decision readable, from given records."""
    # Whoever takes a node's word waits for no records.
    from accredit.registry.domain.accreditations import as_it_happened
    from accredit.registry.domain.records import accreditation_in, authority_in

    ids = decision["accreditations"][:_ACCREDITATIONS_SHOWN]
    found = [accreditation_in(records, bytes.fromhex(id_)) for id_ in ids]
    accreditations = [plain(as_it_happened(record)) for record in found if record is not None]
    named = {one["by"] for one in [*decision["chain"], *accreditations]}
    authorities = {id_: authority_in(records, id_) for id_ in sorted(named)}
    return {
        "authorities": {id_: plain(one["standings"][0]) for id_, one in authorities.items() if one is not None},
        "accreditations": accreditations,
    }


def in_words_of(audience: Audience | None, decision: dict[str, Any]) -> dict[str, Any]:
    """Return a decision with its explanation for an audience; unchanged for None."""
    if audience is None or decision["verdict"] not in HEADLINES:  # a later version's verdict has no words here
        return decision
    codes = [str(reason["code"]) for reason in decision["reasons"]]
    return {**decision, "explanation": explanation(decision["verdict"], codes, audience)}


def show_decision(question: dict[str, Any], decision: dict[str, Any], details: Details, *, at_node: bool) -> None:
    """Print an answer.

    Args:
        at_node: whether a node gave it: then what to do next may be to ask one again.
    """
    colour, headline = HEADLINES.get(decision["verdict"], (fair, decision["verdict"]))
    name = decision["issuer_name"]
    output.say(f"{colour(headline)}  {output.styled(name or question['issuer'], bold=True)}")
    explained = decision.get("explanation")
    if explained is not None:
        output.say(explained["sentence"])
    output.say()
    output.facts(
        [
            ("issuer", question["issuer"]),
            ("asked for", asked_for(question)),
            ("as of", documents.when(decision["time_requested"]) or "now"),
            ("accredited by", output.lines(_by(one, details["authorities"]) for one in details["accreditations"])),
            ("chain", _chain(decision["chain"], details["authorities"])),
            ("why", output.lines(_whys(decision, explained))),
            ("not checked", output.lines(decision["unchecked"])),
            ("valid until", documents.when(decision["valid_until"]) if decision["authorized"] else ""),
            ("next", output.lines(_next_steps(question, decision, details, explained, at_node=at_node))),
        ]
    )


def _whys(decision: dict[str, Any], explained: dict[str, Any] | None) -> list[str]:
    """Return each reason; for an audience first in its words, then, in brackets, with names and dates."""
    if explained is None:
        return [_why(reason) for reason in decision["reasons"]]
    sentences = {one["code"]: one["sentence"] for one in explained["reasons"]}
    told = [(sentences.get(reason["code"]), _why(reason)) for reason in decision["reasons"]]
    return [exact if plainly is None else f"{plainly} ({exact.rstrip('.')})" for plainly, exact in told]


def _next_steps(
    question: dict[str, Any],
    decision: dict[str, Any],
    details: Details,
    explained: dict[str, Any] | None,
    *,
    at_node: bool,
) -> list[str]:
    """Return the next steps, each once: those for the audience, then those that this command line offers."""
    steps = [] if explained is None else [explained["next_step"], *(one["next_step"] for one in explained["reasons"])]
    own = _next(question, decision, details) if at_node else []
    if explained is not None and decision["authorized"]:
        own = []  # the audience's steps say the same
    return list(dict.fromkeys([*steps, *own]))


def _why(reason: dict[str, Any]) -> str:
    """Return a reason; if the question lacked something, with the option that supplies it."""
    axis = str(reason["code"]).removesuffix("_not_asked")
    if axis in _UNASKED and axis != reason["code"]:
        return f"{str(reason['text']).partition(', and the question')[0]}; add {_UNASKED[axis]}."
    return str(reason["text"])


def asked_for(question: dict[str, Any]) -> str:
    """Return a question in one line, without issuer and time."""
    parts = []
    for member, value in question.items():
        if member not in ("issuer", "issued_on"):
            shown = ", ".join(value) if isinstance(value, list) else str(value)
            parts.append(
                shown if member in ("achievement_type", "competency") else f"{member.replace('_', ' ')} {shown}"
            )
    return "; ".join(parts) or "anything"


def _by(accreditation: dict[str, Any], authorities: dict[str, Any]) -> output.Styled:
    name = authorities.get(accreditation["by"], {}).get("name", accreditation["by"])
    terms = accreditation["terms"][-1]
    until = f" until {documents.when(terms['valid_until'])}" if "valid_until" in terms else ""
    events = "".join(
        f"; {one['event']} from {documents.when(one['effective_from'])}" for one in accreditation["events"]
    )
    since, id_ = documents.since(terms), faint(shorten(accreditation["id"]))
    return output.mix(f"{name}: {accreditation['kind']}, from {since}{until}{events} ", id_)


def _chain(chain: Sequence[dict[str, Any]], authorities: dict[str, Any]) -> str:
    names = [safe(authorities.get(link["by"], {}).get("name", link["by"])) for link in chain]
    return " ← ".join([*names, "the charter"]) if names else ""


def _next(question: dict[str, Any], decision: dict[str, Any], details: Details) -> list[str]:
    """Return the steps that a person can take after the answer."""
    contacts = [details["authorities"].get(one["by"], {}) for one in details["accreditations"]]
    match decision["verdict"]:
        case "trusted" | "trusted_with_advisory" | "trusted_historical":
            first = "Check the credential itself: its signature and status; this answer is about its issuer."
            if "key" not in question:
                return [first, "Add --key METHOD to ask whether the issuer's key was valid then."]
            return [first]
        case "unknown_issuer":
            search = f"Search by name: accredit issuer list --name {shlex.quote(_part_of(question['issuer']))}"
            near = [f"Did you mean {safe(one)}?" for one in details.get("near", ())]
            return [*near, search, *_where_to_apply(details)]
        case "indeterminate":
            return [
                "Add details: " + "; ".join(option for axis, option in _UNASKED.items() if _is_missing(axis, decision))
            ]
        case "stale_view":
            return ["Ask another node with --node URL, or this one again in a minute."]
        case _:
            earlier = "For a credential issued earlier, ask as of that day: --on DATE"
            objections = [
                f"To object, turn to {safe(one.get('name', ''))}: {safe(one.get('appeal_url') or one['contact'])}"
                for one in contacts
                if one.get("appeal_url") or one.get("contact")
            ]
            lapsed = details["accreditations"] and "issued_on" not in question
            applies = [] if details["accreditations"] else _where_to_apply(details)
            return [*([earlier] if lapsed else []), *objections[:3], *applies]


def _where_to_apply(details: Details) -> list[str]:
    return [
        f"To be accredited, apply to {safe(one['name'])}: {safe(one['apply_url'])}"
        for one in details["authorities"].values()
        if "apply_url" in one
    ][:3]


def _is_missing(axis: str, decision: dict[str, Any]) -> bool:
    """Return whether an undecided answer names this axis; if it names no known axis, all are offered."""
    named = " ".join(
        [*decision["unchecked"], *(reason["code"] + " " + reason["text"] for reason in decision["reasons"])]
    )
    mentioned = [one for one in _UNASKED if one in named or one.rstrip("s") in named or one.replace("_", " ") in named]
    return axis in mentioned if mentioned else axis in ("achievement_types", "competencies")


def _part_of(issuer: str) -> str:
    """Return a word to search by: the first label of the host that may be a name."""
    host = issuer.removeprefix("https://").split("/")[0].rpartition(":")[2]
    return host.removeprefix("www.").split(".")[0] or host
