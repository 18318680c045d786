"""`accredit inbox`, `approve`, `reject`, `annul`: what waits for a governance body, and deciding on it.

A vote is a statement; one can name up to 400 proposals, so that a whole import is one table, one passphrase, one vote.
Votes on something that takes away (a suspension, a revocation) are marked urgent: nodes pass them on at once.
"""

import csv
import io
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from accredit.cli.base import documents, output
from accredit.cli.base.commands import Command, wants_json
from accredit.cli.base.node_option import complete, connected, effective_ids, hex_digits, node_option
from accredit.cli.base.output import faint, fair, shorten
from accredit.cli.signing.keys import read_public
from accredit.cli.signing.outcomes import SHOWN, state_word
from accredit.cli.signing.submit import ARRIVAL_SECONDS
from accredit.cli.signing.workflow import Desk, Say, signing
from accredit.registry.errors import InputError
from accredit.registry.limits import VOTE_TARGETS

if TYPE_CHECKING:
    from accredit.node.clients.node_client import NodeClient

_FILE = click.Path(path_type=Path, dir_okay=False)
_STATE_WORDS = {"effective": "in effect", "waiting": "still waiting"}


@click.command(
    "inbox",
    cls=Command,
    example="""accredit inbox --key alice.key
accredit inbox --authority did:web:board.example
accredit inbox --all""",
)
@click.option("--key", envvar="ACCREDIT_KEY", type=_FILE, help="Whose inbox: what this key can still vote on.")
@click.option("--authority", metavar="ID", help="Whose inbox: what this authority can still vote on.")
@click.option("--all", "everything", is_flag=True, help="All that waits, for whomever.")
@node_option
def inbox(key: Path | None, authority: str | None, everything: bool, nodes: tuple[str, ...]) -> None:
    """What waits for my vote, and what it would change."""
    kid = read_public(key).kid if key is not None and authority is None and not everything else None
    with connected(nodes[0]) as client:
        proposals = waiting_proposals(client, authority=None if everything else authority, key=kid)

    def text() -> None:
        show_proposals(proposals, empty="Nothing waits for your vote.")
        if proposals:
            first = output.safe(shorten(proposals[0]["id"]))
            output.say()
            output.say(f"Decide:  accredit approve {first} …   or   accredit reject {first} --reason TEXT")

    output.emit({"proposals": proposals}, text)


@click.command(
    "approve",
    cls=Command,
    example="""accredit approve 5f2b8c11 88d1f0a2 --key alice.key
accredit approve --from report.json --reason "list checked against the ministry's" --ref https://ministry.example/list""",
)
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option(
    "--from",
    "reports",
    type=_FILE,
    multiple=True,
    help="Report of an import, or JSON of a proposing command; may be repeated.",
)
@click.option("--reason", help="Why, for the record.")
@click.option("--ref", "refs", metavar="URL", multiple=True, help="Where that can be read; may be repeated.")
@click.option("--yes", is_flag=True, help="Do not ask before signing.")
@signing
def approve(
    ids: tuple[str, ...], reports: tuple[Path, ...], reason: str | None, refs: tuple[str, ...], yes: bool, desk: Desk
) -> None:
    """Approve proposals: by id (8 digits or more), or all those in one or more reports."""
    _vote("vote.approve", ids, reports, reason, refs, yes, desk)


@click.command(
    "reject", cls=Command, example="accredit reject 5f2b8c11 --reason 'not an institution we know' --key bob.key"
)
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option(
    "--from",
    "reports",
    type=_FILE,
    multiple=True,
    help="Report of an import, or JSON of a proposing command; may be repeated.",
)
@click.option("--reason", help="Why, for the record.")
@click.option("--ref", "refs", metavar="URL", multiple=True, help="Where that can be read; may be repeated.")
@click.option("--yes", is_flag=True, help="Do not ask before signing.")
@signing
def reject(
    ids: tuple[str, ...], reports: tuple[Path, ...], reason: str | None, refs: tuple[str, ...], yes: bool, desk: Desk
) -> None:
    """Reject proposals. It takes no other key's approval away; a key's first vote is its vote for good."""
    _vote("vote.reject", ids, reports, reason, refs, yes, desk)


@click.command(
    "annul",
    cls=Command,
    example="accredit annul 88d1f0a2… --code administrative_error --reason 'appeal 17/2026 upheld'",
)
@click.argument("statement", metavar="ID")
@click.option("--code", required=True, help="Reason code: administrative_error, false_information, other, …")
@click.option("--reason", help="Why, for the record.")
@click.option("--ref", "refs", metavar="URL", multiple=True, help="Where that can be read; may be repeated.")
@signing
def annul(statement: str, code: str, reason: str | None, refs: tuple[str, ...], desk: Desk) -> None:
    """Answer a wrong decision: the statement ID has no effect any more. It stays in the log; nothing is deleted."""
    target = complete(statement, lambda: effective_ids(desk.client), "a statement")
    body: dict[str, Any] = {"target": bytes.fromhex(target), "reason_code": code}
    desk.propose(
        [Say(kind="statement.annul", sub=target, body=_with_reason(body, reason, refs), label=shorten(target))]
    )


def waiting_proposals(
    client: "NodeClient", *, authority: str | None = None, key: bytes | None = None
) -> list[dict[str, Any]]:
    """What waits for votes; before a charter is in effect that is its genesis."""
    found: list[dict[str, Any]] = client.proposals(authority=authority, key=key)["proposals"]
    ecosystem = client.ecosystem()
    genesis = ecosystem["ecosystem"]
    if ecosystem["effective"] or any(one["id"] == genesis for one in found):
        return found
    said = client.statement(genesis)
    summary = f"Found {ecosystem['name']} ({ecosystem['id']}) with {len(said['body']['authorities'])} authorities."
    founding = {"summary": summary, "class": "widening", "approvals": [], "needed": said["reason"], "votes": []}
    return [{**said, **founding}, *found]


def show_proposals(proposals: Sequence[dict[str, Any]], *, empty: str = "Nothing waits.") -> None:
    """One line for each thing that waits."""
    rows = []
    for proposal in proposals:
        what = proposal["summary"] or f"{proposal['kind']} {proposal['sub']}"
        rows.append(
            (
                shorten(proposal["id"]),
                fair(what) if proposal["class"] == "narrowing" else what,
                proposal["iss"],
                documents.when(proposal["iat"])[:10],
                ", ".join(proposal["approvals"]) or _keys_so_far(proposal),
                proposal["needed"],
            )
        )
    output.table(("id", "what it would change", "proposed by", "on", "approved by", "needed in all"), rows, empty=empty)


def _keys_so_far(proposal: dict[str, Any]) -> str:
    """How many keys have signed where no authority speaks yet: the author's counts as the first."""
    keys = 1 + sum(1 for vote in proposal["votes"] if vote["approve"])
    return f"{keys} key{'s' if keys > 1 else ''}, not enough yet"


def ids_in_report(path: Path) -> list[str]:
    """The ids of statements in a file; what was refused has none.

    JSON with `statements: [{id, …}]`, CSV with a column `statement`, `statements` or `id`, or text with one id a line.
    A cell may hold several, separated by spaces.

    Raises:
        InputError: there are none.
    """
    text = documents.read_text(path)
    if text.lstrip().startswith("{"):
        entries = documents.parse_json(text, str(path)).get("statements")
        cells = [str(entry.get("id", "")) for entry in entries or [] if isinstance(entry, dict)]
    elif path.suffix == ".csv":
        rows = csv.DictReader(io.StringIO(text))
        cells = [row.get("statement") or row.get("statements") or row.get("id") or "" for row in rows]
    else:
        cells = text.splitlines()
    ids = list(dict.fromkeys(word for cell in cells for word in cell.split() if len(word) == 64))
    if not ids:
        raise InputError(
            "no_ids",
            f"{path} names no statements.",
            hint="Give the report of an import, or what a proposing command printed with --json.",
        )
    return ids


def _vote(
    kind: str,
    ids: Sequence[str],
    reports: Sequence[Path],
    reason: str | None,
    refs: Sequence[str],
    yes: bool,
    desk: Desk,
) -> None:
    if not ids and not reports:
        raise click.UsageError("Name what to vote on: ids from accredit inbox, or --from REPORT.")
    in_reports = [id_ for report in reports for id_ in ids_in_report(report)]
    waiting = _await_proposals(desk, [*(hex_digits(text, "a proposal") for text in ids), *in_reports])
    wanted = [complete(text, lambda: list(waiting), "a proposal") for text in ids]
    targets = list(dict.fromkeys([*wanted, *in_reports]))
    held = [id_ for id_ in targets if id_ in waiting]
    others = [id_ for id_ in targets if id_ not in waiting]
    if others:
        _explain_not_waiting(desk, others)
    if not held:
        raise InputError(
            "nothing_to_vote_on", "None of these waits for votes.", hint="accredit inbox --all lists what does."
        )
    if not wants_json():
        show_proposals([waiting[id_] for id_ in held])
        output.say()
    verb = "Approve" if kind == "vote.approve" else "Reject"
    if sys.stdin.isatty() and not yes and not desk.wishes.dry_run and desk.wishes.offline is None:
        click.confirm(f"{verb} {len(held)} proposal(s)?", abort=True, err=True)
    outcomes = desk.propose([_ballot(kind, desk, part, waiting, reason, refs) for part in _parts(held)], show=False)
    after = _states(desk, held) if outcomes[0].status in ("logged", "known") else {}
    rows = [{"id": id_, **after[id_]} for id_ in held if id_ in after]
    data = {"statements": [outcome.to_json() for outcome in outcomes], "proposals": rows}

    def text() -> None:
        desk.show(outcomes)
        if rows:
            named = [
                (shorten(row["id"]), waiting[row["id"]]["summary"], state_word(row["state"]), row["reason"])
                for row in rows[:SHOWN]
            ]
            output.say()
            output.table(("id", "proposal", "is now", ""), named)
            if len(rows) > SHOWN:
                output.say(f"and {len(rows) - SHOWN} more.")
            states = Counter(row["state"] for row in rows)
            output.say(", ".join(f"{count} {_STATE_WORDS.get(state, state)}" for state, count in states.items()) + ".")

    output.emit(data, text)


def _await_proposals(desk: Desk, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What waits, by id. What was just proposed at another node gets a moment to arrive."""
    deadline = time.monotonic() + ARRIVAL_SECONDS
    with output.progress("Waiting for the proposals to reach the node"):
        while True:
            waiting = {one["id"]: one for one in waiting_proposals(desk.client)}
            missing = [text for text in ids if not any(id_.startswith(text) for id_ in waiting)]
            if not missing or time.monotonic() > deadline or all(_is_held(desk, text) for text in missing):
                return waiting
            time.sleep(0.2)


def _states(desk: Desk, ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """What became of the proposals voted on."""
    found = {}
    with output.progress("Asking what became of them", len(ids)) as step:
        for id_ in ids:
            statement = desk.client.statement(id_)
            found[id_] = {"state": str(statement["state"]), "reason": str(statement["reason"])}
            step(1)
    return found


def _is_held(desk: Desk, text: str) -> bool:
    """Whether the node holds the statement: then waiting changes nothing."""
    if len(text) != 64:
        return False
    try:
        desk.client.statement(text)
    except InputError:
        return False
    return True


def _ballot(
    kind: str, desk: Desk, ids: Sequence[str], waiting: dict[str, Any], reason: str | None, refs: Sequence[str]
) -> Say:
    body: dict[str, Any] = {"targets": [bytes.fromhex(id_) for id_ in ids]}
    if any(waiting[id_]["class"] == "narrowing" for id_ in ids):
        body["urgent"] = True
    label = f"{len(ids)} proposal{'s' if len(ids) > 1 else ''}"
    return Say(kind=kind, sub=desk.ecosystem["ecosystem"], body=_with_reason(body, reason, refs), label=label)


def _parts(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[at : at + VOTE_TARGETS] for at in range(0, len(ids), VOTE_TARGETS)]


def _with_reason(body: dict[str, Any], reason: str | None, refs: Sequence[str]) -> dict[str, Any]:
    if reason:
        body["reason_text"] = reason
    if refs:
        body["refs"] = list(refs)
    return body


def _explain_not_waiting(desk: Desk, ids: Sequence[str]) -> None:
    """Says of each what became of it; voting on it would change nothing."""
    for id_ in ids[:20]:
        try:
            state = desk.client.statement(id_)["state"]
        except InputError:
            state = "not known to this node"
        output.note(f"{shorten(id_)}: {faint(state)}; left out.")
    if len(ids) > 20:
        output.note(f"… and {len(ids) - 20} more, left out.")
