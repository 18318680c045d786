"""`accredit accreditation`: granting, amending and ending what an issuer may issue.

A grant is written as a TOML file (`template` prints one with every member explained). It must give every axis of the
scope: a list, `"*"` for everything, or `"none"` for nothing, so that no axis is granted or left out by mistake. Before
signing, the command repeats the scope as one sentence.

Later changes are dated *events*. Each names the events that it follows, which this module looks up. So two authorities'
decisions stand side by side only if neither knew of the other's.
"""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from accredit.cli.base import documents, output
from accredit.cli.base.commands import CommandGroup
from accredit.cli.base.context import wants_json
from accredit.cli.base.file_argument import FILE
from accredit.cli.base.ids import read_id, registered
from accredit.cli.base.listing import first_of, listing
from accredit.cli.base.node_option import complete, connected, effective_ids, node_option
from accredit.cli.base.output import faint, shorten
from accredit.cli.signing.workflow import Desk, Say, signing
from accredit.cli.verifying.decision_text import HEADLINES
from accredit.registry.domain.vocabulary import NARROWING_EVENTS, SANCTION_LEVELS, status_of_event
from accredit.registry.errors import DecodeError, InputError, RefusedError

from .issuer import status_word, tell_successors

if TYPE_CHECKING:
    from accredit.node.clients.node_client import NodeClient


GIVES_BACK: Final = ("lift", "reinstate", "stay", "annul", "appeal_open", "appeal_decide")
"""Events that are about earlier ones."""

_MEANT: Final = {
    **{level: f"sanction --level {level}" for level in SANCTION_LEVELS},
    "active": "reinstate",
    "withdrawn_voluntary": "withdraw --code voluntary",
    "withdrawn": "withdraw --code CODE",
    "revoked": "revoke --code CODE",
    "denied": "deny --code CODE",
    "superseded": "supersede --successor ID",
    **{status_of_event({"event": event}): event for event in ("suspend", "condition", "expire", "close")},
}
"""The status that people may type in place of an event -> the event."""

ENDED_OUTSIDE: Final = {
    "annulled": "Annulled by {}, as if it had never been said",
    "void": "Void: its key had been cut off by {}",
}
"""What a timeline says of decisions that are none of the accreditation's events."""

AXES: Final = (
    "achievement_types",
    "credential_types",
    "frameworks",
    "competencies",
    "programs",
    "fields_of_study",
    "levels",
    "jurisdictions",
    "delivery_modes",
)
"""Every axis of a scope that a grant has to speak about."""

_TEMPLATE: Final = """\
# An accreditation to grant. Set every axis of the scope: a list, "*" for all, "none" for none.

issuer = "did:web:uni.example"      # or leave it out and use --issuer
kind = "accredit"                   # accredit, approve, recognize, regulate, register, endorse
level = "institutional"             # institutional, programmatic, course, occupational
valid_from = 2026-01-01             # the start of that day, UTC
# valid_until = 2031-01-01          # the first moment at which it is no longer valid
# initial_status = "candidate"      # active (default), candidate, conditional
# review_due = 2030-06-30
# policy = "https://board.example/policy"
# publishers = ["did:web:commons.example"]   # other bodies whose frameworks count here; one's own always do

[scope]
achievement_types = ["BachelorDegree", "MasterDegree"]   # Open Badges 3.0 words; Degree covers all degrees
credential_types = "*"
jurisdictions = ["US-IN"]           # ISO 3166; US covers US-IN
frameworks = "none"                 # URIs of published frameworks: all their competencies
competencies = "none"               # URIs of single competencies
programs = "*"                      # or [{ id = "nursing-bsn", cip = "51.3801" }]
fields_of_study = "*"               # or [{ scheme = "cip", code = "51" }]
levels = "*"                        # or [{ scheme = "EQF", min = 5, max = 6 }]
delivery_modes = "*"
"""

accreditation = CommandGroup(
    "accreditation", help="Accreditations: propose, amend, suspend, reinstate, withdraw, revoke, event, timeline."
)


@accreditation.command("template", example="accredit accreditation template > grant.toml")
def template() -> None:
    """Print a grant file with every member explained, to fill in."""
    output.emit(
        documents.render(documents.convert(documents.parse_toml(_TEMPLATE, "the template"))),
        lambda: output.say(_TEMPLATE.rstrip()),
    )


@accreditation.command("show", example="accredit accreditation show 5f2b8c11")
@click.argument("accreditation_id", metavar="ID")
@node_option
def show(accreditation_id: str, nodes: tuple[str, ...]) -> None:
    """Show an accreditation: its terms, its history and its current status."""
    with connected(nodes[0]) as client:
        record = client.accreditation(_whole(client, accreditation_id))

    def text() -> None:
        _show_record(record)

    output.emit(record, text)


@accreditation.command("timeline", example="accredit accreditation timeline 5f2b8c11")
@click.argument("accreditation_id", metavar="ID")
@node_option
def timeline(accreditation_id: str, nodes: tuple[str, ...]) -> None:
    """Show an accreditation's life: what was said, by whom, why, and what a credential of each day is worth today.

    What was annulled, or is void, is shown with both its dates; so is an accreditation that was annulled itself.
    """
    with connected(nodes[0]) as client:
        told = client.timeline(_ever_granted(client, accreditation_id))
    output.emit(told, lambda: _show_timeline(told))


def _show_timeline(told: dict[str, Any]) -> None:
    output.say(f"{output.styled(told['issuer_name'] or told['issuer'], bold=True)}  {output.safe(told['issuer'])}")
    output.facts([("id", told["id"]), ("accredited by", told["by_name"])])
    output.say()
    rows = [
        (
            documents.when(one["effective_from"]),
            documents.when(_until(one)) or "–",
            one["event"].replace("_", " "),
            one["by_name"],
            documents.when(one["iat"])[:10],
            _remarks(one),
        )
        for one in told["events"]
    ]
    output.table(("from", "until", "what was said", "by", "on", "why"), rows)
    output.say()
    if not told["spells"]:
        output.say("It was annulled, and accredits nobody on any day.")
        return
    spells = [
        (
            documents.when(one["begins"]),
            documents.when(one["ends"]) or "–",
            _status_of(one),
            _worth(one),
        )
        for one in told["spells"]
    ]
    output.table(("issued from", "until", "status then", "a credential of these days, today"), spells)
    tell_successors(told["successors"])


def _until(one: dict[str, Any]) -> str | None:
    """When something that was said ceased to count, or will."""
    ended = one.get("ended")  # a node of an older version does not say
    return str(ended["since"]) if ended else one["effective_until"]


def _remarks(one: dict[str, Any]) -> str:
    """Why something was said, back to when it reaches, how it ended, and the reasons that votes give."""
    back = [f"Void from {documents.when(one['void_from'])}."] if one["void_from"] else []
    votes = [
        f"{vote['by_name']} {'approves' if vote['approve'] else 'rejects'}: {vote['reason']}"
        for vote in one["votes"]
        if vote["reason"]
    ]
    return " ".join([*back, *([one["reason"]] if one["reason"] else []), *_ending(one.get("ended")), *votes])


def _ending(ended: dict[str, Any] | None) -> list[str]:
    """How it ended, where that is in no line of its own."""
    if not ended or ended["how"] not in ENDED_OUTSIDE:
        return []
    why = f": {ended['reason']}" if ended["reason"] else ""
    return [f"{ENDED_OUTSIDE[ended['how']].format(ended['by_name'])} ({shorten(ended['statement'])}){why.rstrip('.')}."]


def _status_of(spell: dict[str, Any]) -> str:
    notes = ["stayed"] if spell["is_stayed"] else []
    notes += ["under appeal"] if spell["has_appeal"] else []
    noted = f" ({', '.join(notes)})" if notes else ""
    return f"{spell['status'].replace('_', ' ')}{noted}"


def _worth(spell: dict[str, Any]) -> output.Styled:
    colour, headline = HEADLINES[spell["verdict"]]
    if spell["status"] != "teach_out":
        return colour(headline)
    programs = f"; only {', '.join(spell['programs'])}" if spell["programs"] else ""
    cohort = f"; enrolled before {documents.when(spell['enrolled_before'])}" if spell["enrolled_before"] else ""
    return output.mix(colour(headline), programs, cohort)


@accreditation.command("list", example="accredit accreditation list --issuer did:web:uni.example")
@click.option("--issuer", "issuer_id", metavar="ID", help="Only this issuer's.")
@listing
@node_option
def list_(issuer_id: str | None, limit: int | None, nodes: tuple[str, ...]) -> None:
    """List accreditations, anybody's or one issuer's."""
    with connected(nodes[0]) as client:
        if issuer_id is None:
            ids = list(dict.fromkeys(effective_ids(client, "accreditation.grant")))
        else:
            listed = registered(client, issuer_id, "--issuer")["accreditations"]
            ids = [str(one["id"]) for one in listed]
        with output.progress("Asking", len(ids)) as step:
            found = first_of(_records(client, ids), limit, step)

    def text() -> None:
        rows = []
        for one in found.rows:
            terms = one["terms"][-1]
            until = documents.when(terms.get("valid_until")) or "–"
            rows.append((shorten(one["id"]), one["issuer"], one["by"], one["kind"], status_word(one), until))
        output.table(("id", "issuer", "by", "kind", "status", "until"), rows, empty="No accreditations.")
        found.tell()

    output.emit({"accreditations": found.rows, "more": found.is_cut}, text)


def _records(client: "NodeClient", ids: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The accreditations of these ids that have an effect still, asked for one after the other."""
    for id_ in ids:
        try:
            yield client.accreditation(id_)
        except InputError as error:
            if error.code != "not_found":
                raise


@accreditation.command(
    "propose",
    example="""accredit accreditation propose grant.toml --issuer did:web:uni.example --key alice.key
accredit accreditation propose grant.toml --dry-run""",
)
@click.argument("file", type=FILE)
@click.option("--issuer", "issuers", metavar="ID", multiple=True, help="Issuer to accredit; may be repeated.")
@signing
def propose(file: Path, issuers: tuple[str, ...], desk: Desk) -> None:
    """Propose to accredit an issuer on the terms in FILE. The command repeats the scope as one sentence."""
    written = documents.read_file(file)
    ids: list[str] = [read_id(one, "--issuer") for one in issuers] or [str(written.get("issuer", ""))]
    bodies = [grant_body(written, str(file), issuer=one) for one in ids]
    if not wants_json():
        for body in bodies:
            output.say(sentence_of(body))
    desk.propose([Say(kind="accreditation.grant", sub=body["issuer"], body=body) for body in bodies])


@accreditation.command(
    "amend", example="accredit accreditation amend 5f2b8c11 new-terms.toml --from 2027-01-01 --key alice.key"
)
@click.argument("accreditation_id", metavar="ID")
@click.argument("file", type=FILE)
@click.option("--from", "effective_from", metavar="DATE", help="Start of its effect; default: now.")
@signing
def amend(accreditation_id: str, file: Path, effective_from: str | None, desk: Desk) -> None:
    """Propose new terms: FILE has the complete new terms, as for a grant (scope, validity, conditions)."""
    record = desk.client.accreditation(_whole(desk.client, accreditation_id))
    whole = documents.read_file(file)
    for name, default in (("kind", record["kind"]), ("level", record["level"])):
        _require_same(file, name, whole.get(name, default), default)
    _require_same(file, "publishers", whole.get("publishers", []), record.get("publishers", []))
    written = {
        name: value
        for name, value in whole.items()
        if name not in ("issuer", "kind", "level", "initial_status", "publishers", "source_record")
    }
    written["scope"] = said_scope(written.get("scope"), str(file))
    body = documents.to_body(
        "accreditation.amend",
        {
            "accreditation": record["id"],
            "after": [terms["statement"] for terms in _heads(record["terms"]) if terms["statement"] != record["id"]],
            "effective_from": documents.seconds(effective_from, "--from") if effective_from else int(time.time()),
            **written,
        },
        str(file),
    )
    if not wants_json():
        output.say(sentence_of({**body, "issuer": record["issuer"]}))
    desk.propose([Say(kind="accreditation.amend", sub=record["issuer"], body=body)])


def _require_same(file: Path, name: str, written: object, granted: object) -> None:
    """Refuse an amendment whose file tries to change what an amendment cannot change."""
    if written != granted:
        raise InputError(
            "not_amendable",
            f"{file}: {name} is {written!r}, and the accreditation has {granted!r}; an amendment changes terms only.",
            hint=f"Leave {name} as it is, or grant anew: accredit accreditation propose.",
        )


def _event_command(name: str, event: str, about: str, example: str) -> None:
    @accreditation.command(name, example=example, help=about)
    @click.argument("accreditation_id", metavar="ID")
    @_event_options
    @signing
    def command(accreditation_id: str, desk: Desk, **options: Any) -> None:
        _propose_event(desk, accreditation_id, event, None, options)


def _event_options(command: Any) -> Any:
    for option in reversed(
        (
            click.option("--from", "effective_from", metavar="DATE", help="Start of its effect; default: now."),
            click.option("--until", "effective_until", metavar="DATE", help="End of its effect, if it ends by itself."),
            click.option(
                "--void-from",
                metavar="DATE",
                help="Treat the accreditation as never valid from this time on (fraud). Only for revoke.",
            ),
            click.option("--code", "reason_code", help="fraud, voluntary, closure, standards_noncompliance, …"),
            click.option("--reason", "reason_text", help="Reason, kept on record."),
        )
    ):
        command = option(command)
    return command


_event_command(
    "suspend",
    "suspend",
    "Suspend an accreditation. It takes effect at once, everywhere.",
    "accredit accreditation suspend 5f2b8c11 --code standards_noncompliance --reason 'site visit of 3 May'",
)
_event_command(
    "reinstate",
    "reinstate",
    "End a suspension or sanction and return to the status before it.",
    "accredit accreditation reinstate 5f2b8c11 --reason 'conditions met'",
)
_event_command(
    "withdraw",
    "withdraw",
    "Withdraw an accreditation. Credentials issued before then stay trusted for their date.",
    "accredit accreditation withdraw 5f2b8c11 --code voluntary --from 2027-01-01",
)
_event_command(
    "revoke",
    "revoke",
    """Revoke an accreditation. With --void-from it is retroactive: credentials issued since then lose trust too.

    Retroactive revocation takes two authorities, unless the charter says otherwise.""",
    "accredit accreditation revoke 5f2b8c11 --void-from 2024-09-01 --code fraud --reason 'forged diplomas'",
)


@accreditation.command(
    "event",
    example="""accredit accreditation event 5f2b8c11 sanction --level probation --reason 'two reports are missing'
accredit accreditation event 5f2b8c11 teach_out --program nursing --enrolled-before 2026-09-01 --until 2029-07-01
accredit accreditation event 5f2b8c11 close --code closure --successor did:web:archive.example""",
)
@click.argument("accreditation_id", metavar="ID")
@click.argument("event", metavar="EVENT")
@click.option(
    "--of", "about", metavar="STATEMENT", help="The earlier event that it is about. Default: what is in force now."
)
@click.option("--level", "sanction_level", help="Of a sanction: warning, probation, show_cause.")
@click.option(
    "--program", "programs", metavar="ID", multiple=True, help="Of a teach_out: a programme; may be repeated."
)
@click.option("--enrolled-before", metavar="DATE", help="Of a teach_out: students must have enrolled before this day.")
@click.option("--successor", metavar="ID", help="Of supersede or close: the issuer that takes its place.")
@click.option("--file", type=FILE, help="File with further members, in TOML or JSON (evidence, …).")
@click.option("--set", "members", metavar="NAME=VALUE", multiple=True, help="A further member; may be repeated.")
@_event_options
@signing
def event(
    accreditation_id: str,
    event: str,
    about: str | None,
    sanction_level: str | None,
    programs: tuple[str, ...],
    enrolled_before: str | None,
    successor: str | None,
    file: Path | None,
    members: tuple[str, ...],
    desk: Desk,
    **options: Any,
) -> None:
    """Propose any EVENT: sanction, condition, stay, lift, renew, expire, teach_out, close, supersede, appeal_open, …

    See docs/life-cycle.md for what each does to credentials issued before and after it.
    """
    if event in _MEANT:
        raise InputError(
            "unknown_event",
            f"{event} is a status, and not an event.",
            hint=f"Write  accredit accreditation event {accreditation_id} {_MEANT[event]}",
        )
    more: dict[str, Any] = dict(documents.read_file(file)) if file is not None else {}
    cohort = (
        {"cohorts_enrolled_before": documents.seconds(enrolled_before, "--enrolled-before")} if enrolled_before else {}
    )
    applies_to = {**({"programs": list(programs)} if programs else {}), **cohort}
    more |= {"applies_to": applies_to} if applies_to else {}
    more |= {"sanction_level": sanction_level} if sanction_level else {}
    more |= {"successor": read_id(successor, "--successor")} if successor else {}
    for member in members:
        name, equals, value = member.partition("=")
        if not equals:
            raise click.BadParameter(f"{member!r} does not have the form NAME=VALUE.", param_hint="--set")
        more[name] = value
    _propose_event(desk, accreditation_id, event, more, options, about=about)


def grant_body(written: dict[str, Any], source: str, *, issuer: str | None = None) -> dict[str, Any]:
    """The body of a grant, from what a file says; every axis of its scope must be said.

    Args:
        issuer: whom to accredit, over what the file says.

    Raises:
        DecodeError: a member is wrong; names the file and the member.
        RefusedError: an axis is not said.
    """
    terms = {**written, "scope": said_scope(written.get("scope"), source)}
    if issuer:
        terms["issuer"] = issuer
    return documents.to_body("accreditation.grant", terms, source)


def said_scope(scope: Any, source: str) -> dict[str, Any]:
    """Return a written scope without its axes of "none".

    Raises:
        DecodeError: there is no scope.
        RefusedError: an axis is neither given, "*" nor "none".
    """
    if not isinstance(scope, dict):
        raise DecodeError(
            "missing_member",
            f"{source}: the table [scope] is missing.",
            hint="accredit accreditation template prints a file with every axis.",
        )
    silent = [axis for axis in AXES if axis not in scope or scope[axis] == []]
    if silent:
        raise RefusedError(
            "axis_not_said",
            f"{source}: [scope] says nothing about {', '.join(silent)}.",
            hint='Give a list, "*" for all, or "none" for none: an axis left out would silently grant nothing.',
        )
    return {name: value for name, value in scope.items() if value != "none"}


def sentence_of(body: dict[str, Any]) -> str:
    """Return the meaning of a grant or amendment in one sentence."""
    from accredit.registry.domain.scope import sentence

    until = f" until {documents.when(body['valid_until'])}" if "valid_until" in body else " with no end date"
    what = sentence(body["scope"], subject=body["issuer"])
    return f"{output.safe(what)} Valid from {documents.since(body)}{until}."


def _propose_event(
    desk: Desk,
    accreditation_id: str,
    event: str,
    more: dict[str, Any] | None,
    options: dict[str, Any],
    *,
    about: str | None = None,
) -> None:
    record = desk.client.accreditation(_whole(desk.client, accreditation_id))
    written: dict[str, Any] = {
        "accreditation": record["id"],
        "event": event,
        "after": ["00" * 32],
        "effective_from": int(time.time()),
        **(more or {}),
    }
    written.update({name: value for name, value in options.items() if value is not None})
    documents.to_body("accreditation.status", written, "the event")  # before a node is asked what it follows
    written["after"] = _followed(record, event, about)
    body = documents.to_body("accreditation.status", written, "the event")
    desk.propose(
        [Say(kind="accreditation.status", sub=record["issuer"], body=body, label=f"{record['issuer']} ({event})")]
    )


def _followed(record: dict[str, Any], event: str, about: str | None) -> list[str]:
    """The events that a new one follows: the newest ones and, where it is about an earlier one, that one as well.

    Raises:
        InputError: the event it names is not of this accreditation, or there is no event to which it could refer.
    """
    events = record["events"]
    heads = [str(one["statement"]) for one in _heads(events)]
    if about is not None:
        wanted = complete(about, lambda: [str(one["statement"]) for one in events], "an event of this accreditation")
        return list(dict.fromkeys([*heads, wanted]))
    if event == "annul":
        # An appeal or a stay may have followed the event to annul; an annulment means the narrowing event.
        return list(dict.fromkeys([*heads, *_narrowing_before(events, heads)]))
    if event in GIVES_BACK and not heads:
        raise InputError(
            "nothing_to_undo",
            f"This accreditation has no event yet that {event} could be about.",
            hint=f"accredit accreditation timeline {shorten(record['id'])} shows what was said.",
        )
    return heads


def _narrowing_before(events: list[dict[str, Any]], heads: list[str]) -> list[str]:
    """The nearest events that take something away, on the way back from `heads` through appeals and stays."""
    by_id = {str(one["statement"]): one for one in events}
    found, pending = dict[str, None](), list(heads)
    while pending:
        one = by_id.get(pending.pop())
        if one is None:
            continue
        if one["event"] in NARROWING_EVENTS:
            found[str(one["statement"])] = None
        elif one["event"] in ("appeal_open", "appeal_decide", "stay"):
            pending += [str(id_) for id_ in one["after"]]
    return list(found)


def _heads(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that no other names in `after`."""
    named = {id_ for entry in entries for id_ in entry.get("after", [])}
    return [entry for entry in entries if entry["statement"] not in named]


def _whole(client: Any, text: str) -> str:
    return complete(text, lambda: effective_ids(client, "accreditation.grant"), "an accreditation")


def _ever_granted(client: "NodeClient", text: str) -> str:
    """The id of an accreditation, in effect or annulled since."""

    def candidates() -> list[str]:
        standing = [one for one in effective_ids(client, "accreditation.grant") if one.startswith(text.lower())]
        return standing or client.statement_ids(text.lower())

    return complete(text, candidates, "an accreditation")


def _show_record(record: dict[str, Any]) -> None:
    output.say(f"{output.styled(record['issuer'], bold=True)}  {status_word(record)}")
    output.facts(
        [
            ("id", record["id"]),
            ("by", record["by"]),
            ("kind", f"{record['kind']}, {record['level']}"),
            ("stated", documents.when(record["iat"])),
        ]
    )
    for terms in _heads(record["terms"]):
        body = documents.convert(terms)
        output.say("  " + sentence_of({**body, "issuer": record["issuer"]}))
    rows = [
        (
            documents.when(one["effective_from"]),
            one["event"],
            one["by"],
            one.get("reason_code", ""),
            one.get("reason_text", ""),
        )
        for one in record["events"]
    ]
    if rows:
        output.table(("from", "event", "by", "code", "reason"), rows)
    else:
        output.say(faint("  No events since then."))
