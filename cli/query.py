"""`accredit query`: is this issuer trusted, for what and when, and who says so?

The answer a person gets: the verdict in words, who accredits, why, until when, and what to do next; and the same
question as one curl command. Ends with 0 where the answer is yes, 1 where it is not. With several nodes (`--node`
repeated) all are asked; where they differ, that is said and the answer is no.
"""

import json
import shlex
from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

import click

from cli import exits, forms, output
from cli.asking import connected, node_option
from cli.commands import Command, wants_json
from cli.output import bad, faint, fair, good, safe, shorten
from registry.errors import AccreditError, InputError, RemoteError
from registry.identifiers import canonical_issuer, without_fragment
from registry.vocabulary import ACHIEVEMENT_TYPES

if TYPE_CHECKING:
    from node.client import NodeClient

_HEADLINES: Final = {
    "trusted": (good, "Trusted"),
    "trusted_with_advisory": (good, "Trusted, with something to know"),
    "trusted_historical": (good, "Trusted for that time"),
    "suspended": (bad, "Suspended for the time being"),
    "not_trusted": (bad, "Not trusted"),
    "unknown_issuer": (bad, "Unknown issuer"),
    "indeterminate": (fair, "Cannot be decided"),
    "stale_view": (fair, "This node's view is too old to answer"),
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


@click.command(
    "query",
    cls=Command,
    example="""accredit query did:web:uni.example --for BachelorDegree --on 2015-05-20
accredit query did:web:bootcamp.example --competency https://example.org/skills/python --jurisdiction US-IN
accredit query did:web:uni.example --for Degree --node https://node1.example.org --node https://node2.example.org""",
)
@click.argument("issuer", metavar="ID")
@click.option(
    "--for",
    "wanted",
    metavar="TYPE",
    multiple=True,
    help="Achievement type (BachelorDegree), credential type, or competency URI; may be repeated.",
)
@click.option("--on", "on", metavar="DATE", help="As of: the day the credential was issued. Default: now.")
@click.option("--authority", metavar="ID", help="Only what this authority (or one below it) grants counts.")
@click.option("--action", default="issue", show_default=True, help="issue, or accredit for authorities.")
@click.option("--competency", "competencies", metavar="URI", multiple=True, help="A competency; may be repeated.")
@click.option("--framework", metavar="URI", help="The framework the competencies are meant in.")
@click.option("--jurisdiction", help="Where, as in US-IN.")
@click.option("--level", help="As in EQF:6.")
@click.option("--program", help="The programme's id.")
@click.option("--field", "field_of_study", help="Field of study, as in cip:51 or isced_f:0913.")
@click.option("--mode", "delivery_mode", help="Mode of delivery.")
@click.option("--key", help="The verification method the credential was signed with.")
@node_option
def query(
    issuer: str,
    wanted: tuple[str, ...],
    on: str | None,
    nodes: tuple[str, ...],
    competencies: tuple[str, ...],
    **axes: Any,
) -> None:
    """Ask whether issuer ID (a DID or https URL) is accredited to issue this.

    Says the verdict, who accredits, why, until when, and what to do next. Ends with 0 if the answer is yes, else 1.
    """
    question = build_question(issuer, wanted, on, competencies, axes)
    # Where nodes differ, the more cautious answer is the one to show.
    answers = sorted(_ask_all(nodes, question), key=lambda answer: bool(answer["decision"]["authorized"]))
    first = answers[0]
    agree = all(_gist(answer) == _gist(first) for answer in answers)
    data = first["decision"] if len(answers) == 1 else {"agree": agree, "answers": answers}
    with connected(nodes[0]) as client:
        details = {} if wants_json() else _details(client, first["decision"])
    output.emit(data, lambda: _show(question, answers, details, agree=agree))
    if not agree or not first["decision"]["authorized"]:
        raise exits.Negative


def build_question(
    issuer: str, wanted: Sequence[str], on: str | None, competencies: Sequence[str], axes: dict[str, Any]
) -> dict[str, Any]:
    """The body of `POST /v1/decisions`, from options.

    Raises:
        DecodeError, InputError: an option is not understood.
    """
    question: dict[str, Any] = {"issuer": canonical_issuer(without_fragment(issuer))}
    for word in wanted:
        member, value = sort_wanted(word)
        question.setdefault(member, []).append(value)
    if competencies:
        question.setdefault("competency", []).extend(competencies)
    for member in ("achievement_type", "credential_type", "competency"):
        if len(question.get(member, ())) == 1:
            question[member] = question[member][0]
    if on is not None:
        question["issued_on"] = on if len(on) == 10 and forms.seconds(on, "--on") is not None else _instant(on)
    question.update({name: value for name, value in axes.items() if value and (name, value) != ("action", "issue")})
    return question


def sort_wanted(word: str) -> tuple[str, str]:
    """Which member of a question a word after `--for` belongs to, and its value there.

    Raises:
        InputError: it looks like a mistyped achievement type.
    """
    prefix, colon, rest = word.partition(":")
    if colon and prefix == "achievementType":
        return "achievement_type", rest
    if colon and prefix == "credentialType":
        return "credential_type", rest
    if word in ACHIEVEMENT_TYPES or word.startswith("ext:"):
        return "achievement_type", word
    if "://" in word or word.startswith("urn:"):
        return "competency", word
    if word.endswith("Credential"):
        return "credential_type", word
    by_fold = {one.casefold(): one for one in ACHIEVEMENT_TYPES}
    close = get_close_matches(word.casefold(), by_fold, 1)
    raise InputError(
        "what_is_it",
        f"{word!r} is no achievement type of Open Badges 3.0.",
        hint=(f"Did you mean {by_fold[close[0]]}? " if close else "")
        + "Write credentialType:NAME for a credential type, ext:NAME for an achievement type of your own.",
    )


def as_curl(url: str, question: dict[str, Any]) -> str:
    """The same question as one command."""
    body = json.dumps(question, ensure_ascii=False)
    return f"curl -s {shlex.quote(url + '/v1/decisions')} -H 'content-type: application/json' -d {shlex.quote(body)}"


def _instant(text: str) -> str:
    from node.views import format_time

    return format_time(forms.seconds(text, "--on"))


def _ask_all(nodes: Sequence[str], question: dict[str, Any]) -> list[dict[str, Any]]:
    """Every node's answer; one that cannot be reached is said and left out, unless none is left."""
    answers: list[dict[str, Any]] = []
    failed: list[AccreditError] = []
    with output.progress("Asking", len(nodes)) as step:
        for url in nodes:
            try:
                with connected(url) as client:
                    answers.append({"node": url, "decision": client.decide(question)})
            except RemoteError as error:
                failed.append(error)
            step(1)
    for failure in failed if answers else ():
        output.note(f"{fair('!')} {safe(failure.message)}")
    if not answers:
        raise failed[0]
    return answers


def _gist(answer: dict[str, Any]) -> tuple[Any, ...]:
    decision = answer["decision"]
    return decision["verdict"], decision["authorized"], sorted(decision["accreditations"])


def _details(client: "NodeClient", decision: dict[str, Any]) -> dict[str, Any]:
    """What makes an answer readable: names of authorities, and the accreditations it rests on."""
    authorities = {record["id"]: record["standings"][0] for record in client.authorities()["authorities"]}
    accreditations = []
    for id_ in decision["accreditations"][:5]:
        try:
            accreditations.append(client.accreditation(id_))
        except InputError:
            continue
    return {"authorities": authorities, "accreditations": accreditations}


def _show(question: dict[str, Any], answers: list[dict[str, Any]], details: dict[str, Any], *, agree: bool) -> None:
    node, decision = answers[0]["node"], answers[0]["decision"]
    colour, headline = _HEADLINES.get(decision["verdict"], (fair, decision["verdict"]))
    name = decision["issuer_name"]
    if not agree:
        output.say(bad("The nodes asked do not agree; this is the more cautious of their answers."))
    output.say(f"{colour(headline)}  {output.styled(name or question['issuer'], bold=True)}")
    output.say()
    output.facts(
        [
            ("issuer", question["issuer"]),
            ("asked for", _asked_for(question)),
            ("as of", forms.when(decision["time_requested"]) or "now"),
            ("accredited by", output.lines(_by(one, details["authorities"]) for one in details["accreditations"])),
            ("chain", _chain(decision["chain"], details["authorities"])),
            ("why", "\n".join(safe(reason["text"]) for reason in decision["reasons"])),
            ("not checked", "\n".join(decision["unchecked"])),
            ("holds until", forms.when(decision["valid_until"])),
            ("next", "\n".join(_next(question, decision, details))),
        ]
    )
    if len(answers) > 1:
        output.say()
        rows = [(a["node"], a["decision"]["verdict"], forms.when(a["decision"]["time_evaluated"])) for a in answers]
        output.table(("node", "verdict", "at"), rows)
        output.say(
            good("The nodes agree.")
            if agree
            else bad("The nodes differ: ask again in a moment, then ask their operators.")
        )
    output.say()
    output.say(faint("The same with curl:"))
    output.say(as_curl(node, question))


def _asked_for(question: dict[str, Any]) -> str:
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
    until = f" until {forms.when(terms['valid_until'])}" if "valid_until" in terms else ""
    events = "".join(f"; {one['event']} from {forms.when(one['effective_from'])}" for one in accreditation["events"])
    since, id_ = forms.when(terms["valid_from"]), faint(shorten(accreditation["id"]))
    return output.mix(f"{name}: {accreditation['kind']}, from {since}{until}{events} ", id_)


def _chain(chain: Sequence[dict[str, Any]], authorities: dict[str, Any]) -> str:
    names = [safe(authorities.get(link["by"], {}).get("name", link["by"])) for link in chain]
    return " ← ".join([*names, "the charter"]) if names else ""


def _next(question: dict[str, Any], decision: dict[str, Any], details: dict[str, Any]) -> list[str]:
    """What a person can do with the answer."""
    contacts = [details["authorities"].get(one["by"], {}) for one in details["accreditations"]]
    match decision["verdict"]:
        case "trusted" | "trusted_with_advisory" | "trusted_historical":
            first = "Check the credential itself: its signature and status; this answer is about its issuer."
            if "key" not in question:
                return [first, "Add --key METHOD to ask whether the issuer's key was good then."]
            return [first]
        case "unknown_issuer":
            search = f"Search by name: accredit issuer list --name {shlex.quote(_part_of(question['issuer']))}"
            return [search, *_where_to_apply(details)]
        case "indeterminate":
            return [
                "Say more: " + "; ".join(option for axis, option in _UNASKED.items() if _is_missing(axis, decision))
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


def _where_to_apply(details: dict[str, Any]) -> list[str]:
    return [
        f"To be accredited, apply to {safe(one['name'])}: {safe(one['apply_url'])}"
        for one in details["authorities"].values()
        if "apply_url" in one
    ][:3]


def _is_missing(axis: str, decision: dict[str, Any]) -> bool:
    """Whether an undecided answer names this axis; where it names none that we know, all are offered."""
    named = " ".join(
        [*decision["unchecked"], *(reason["code"] + " " + reason["text"] for reason in decision["reasons"])]
    )
    mentioned = [one for one in _UNASKED if one in named or one.rstrip("s") in named or one.replace("_", " ") in named]
    return axis in mentioned if mentioned else axis in ("achievement_types", "competencies")


def _part_of(issuer: str) -> str:
    """A word to search by: the first label of the host."""
    host = issuer.removeprefix("https://").split("/")[0].rpartition(":")[2]
    return host.split(".")[0] or host
