"""`accredit approve`, `reject`, `retract`, `annul`: decide on the proposals of governance bodies.

A vote is a statement; one can name up to 400 proposals, so that a whole import is one table, one passphrase, one vote.
Votes on narrowing proposals (a suspension, a revocation) are marked as urgent, and nodes pass them on at once.
"""

import csv
import io
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from accredit.cli.base import documents, exits, output
from accredit.cli.base.commands import Command
from accredit.cli.base.context import wants_json
from accredit.cli.base.file_argument import FILE
from accredit.cli.base.node_option import complete, effective_ids, hex_digits
from accredit.cli.base.output import shorten
from accredit.cli.signing.ballot_paper import ballot_paper, show_paper
from accredit.cli.signing.keys import require_yes
from accredit.cli.signing.outcomes import CANNOT_TAKE_EFFECT, SHOWN, state_word
from accredit.cli.signing.submit import ARRIVAL_SECONDS
from accredit.cli.signing.whole_frameworks import ITEMS, with_parts
from accredit.cli.signing.whole_mappings import with_mapping_parts
from accredit.cli.signing.workflow import Desk, Say, signing
from accredit.registry.encoding.counts import many
from accredit.registry.errors import InputError
from accredit.registry.limits import LOOKUP_STATEMENTS, VOTE_TARGETS

from .proposals import show_proposals, waiting_proposals

_STATE_WORDS: Final = {"effective": "in effect", "waiting": "still waiting"}
APPROVE, REJECT, RETRACT = "approve", "reject", "retract"
_VERBS: Final = {APPROVE: "Approve", REJECT: "Reject", RETRACT: "Take back"}
_ALREADY: Final = "already {}; a vote changes nothing."
_IN_EFFECT: Final = "already in effect, so it cannot be taken back."
_NAMED: Final = 20  # proposals left out that are named; --json names all
_ALIKE_NAMED: Final = 5  # of those left out for one reason; more are counted, so that the others are seen


def _voting(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command what approve, reject and retract share: which proposals, why, and the options of signing."""
    shared = (
        click.argument("ids", metavar="[ID]...", nargs=-1),
        click.option(
            "--from",
            "reports",
            type=FILE,
            multiple=True,
            help="Report of an import, or --json output of a proposing command; may be repeated.",
        ),
        click.option("--reason", help="Why, for the record."),
        click.option(
            "--ref", "refs", metavar="URL", multiple=True, help="Link to a document about it; may be repeated."
        ),
        click.option("--yes", is_flag=True, help="Sign without asking for confirmation."),
        signing,
    )
    for option in reversed(shared):  # the one that stands nearest to a function comes last in its help
        command = option(command)
    return command


@click.command(
    "approve",
    cls=Command,
    example="""accredit approve 5f2b8c11 88d1f0a2 --key alice.key
accredit approve --from report.json --reason "list checked against the ministry's" --ref https://ministry.example/list""",
)
@_voting
def approve(**given: Any) -> None:
    """Approve proposals: by id (8 digits or more), or all proposals in one or more reports.

    The id of a framework or mapping, or of any part of it, stands for it with all its parts that wait; a report stands
    for exactly what it lists.
    """
    _vote(APPROVE, **given)


@click.command(
    "reject", cls=Command, example="accredit reject 5f2b8c11 --reason 'not an institution we know' --key bob.key"
)
@_voting
def reject(**given: Any) -> None:
    """Reject proposals. This does not cancel the approvals of other keys; a key's first vote is final."""
    _vote(REJECT, **given)


@click.command(
    "retract",
    cls=Command,
    example="accredit retract 5f2b8c11 --reason 'named the wrong college' --key alice.key",
)
@_voting
def retract(**given: Any) -> None:
    """Take back a proposal of your authority that is not in effect yet. It stays on record, but votes are refused.

    To correct a charter amendment, first take back the mistaken one with the key that proposed it. This does not undo
    a decision that is already in effect: propose the opposite, or annul it.
    """
    _vote(RETRACT, **given)


@click.command(
    "annul",
    cls=Command,
    example="accredit annul 88d1f0a2… --code administrative_error --reason 'appeal 17/2026 upheld'",
)
@click.argument("statement", metavar="ID")
@click.option("--code", required=True, help="Reason code: administrative_error, false_information, other, …")
@click.option("--reason", help="Reason, kept on record.")
@click.option("--ref", "refs", metavar="URL", multiple=True, help="Link to a document about it; may be repeated.")
@signing
def annul(statement: str, code: str, reason: str | None, refs: tuple[str, ...], desk: Desk) -> None:
    """Annul a wrong decision: the statement ID no longer has effect. It stays in the log; nothing is deleted."""
    target = complete(statement, lambda: effective_ids(desk.client), "a statement")
    body: dict[str, Any] = {"target": bytes.fromhex(target), "reason_code": code}
    desk.propose(
        [Say(kind="statement.annul", sub=target, body=_with_reason(body, reason, refs), label=shorten(target))]
    )


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
            f"{path} does not name any statements.",
            hint="Give the report of an import, or the --json output of a proposing command.",
        )
    return ids


def _vote(
    act: str,
    ids: Sequence[str],
    reports: Sequence[Path],
    reason: str | None,
    refs: Sequence[str],
    yes: bool,
    desk: Desk,
) -> None:
    if not ids and not reports:
        raise click.UsageError("Give the proposals to vote on: ids from accredit inbox, or --from REPORT.")
    in_reports = [id_ for report in reports for id_ in ids_in_report(report)]
    waiting, decided = _await_proposals(desk, [*(hex_digits(text, "a proposal") for text in ids), *in_reports])
    wanted, unneeded = with_parts(
        [_proposal_meant(desk, text, waiting) for text in ids],
        waiting,
        read=desk.proposals,
        in_effect=lambda: effective_ids(desk.client, ITEMS),
    )
    wanted = with_mapping_parts(wanted, waiting, desk.proposals)
    targets = list(dict.fromkeys([*wanted, *in_reports]))
    states = _states_of(desk, [id_ for id_ in targets if id_ not in waiting], decided)
    left_out = unneeded | {id_: _why_left_out(act, state) for id_, state in states.items()}
    held = [id_ for id_ in targets if id_ in waiting]
    if held and not desk.wishes.force:
        left_out |= _useless(act, desk, held)
        held = [id_ for id_ in held if id_ not in left_out]
    _tell_left_out(left_out)
    if not held:
        in_effect = [id_ for id_, state in states.items() if state == "effective"] if act == RETRACT else []
        raise InputError(
            "nothing_to_vote_on",
            "None of these proposals waits for your vote; nothing was signed.",
            hint=f"A decision in effect is annulled instead: accredit annul {shorten(in_effect[0])} --code CODE"
            if in_effect
            else "accredit inbox lists those that do; accredit show ID shows the state of one.",
        )
    paper = ballot_paper(desk.proposals([bytes.fromhex(id_) for id_ in held]))
    if not wants_json():
        show_proposals([waiting[id_] for id_ in held], most=SHOWN, counted=False)
        show_paper(paper, with_items=False)
        output.say()
    if not desk.wishes.dry_run and desk.wishes.offline is None:
        require_yes(f"{_VERBS[act]} {many(len(held), 'proposal')}?", yes=yes)
    ballots = [_ballot(act, desk, part, waiting, reason, refs) for part in _parts(held)]
    # Each was asked about before (`_useless`), unless --force said not to.
    outcomes = desk.propose(ballots, show=False, alike=lambda ballot: ballot.kind)
    is_taken = outcomes[0].status in ("logged", "known")
    after = desk.learn(lambda: _states(desk, held), dict[str, dict[str, str]]()) if is_taken else {}
    rows = [{"id": id_, **after[id_]} for id_ in held if id_ in after]
    data = {
        "statements": [outcome.to_json() for outcome in outcomes],
        "proposals": rows,
        "overview": paper.to_json(),
        "left_out": [{"id": id_, "reason": why} for id_, why in left_out.items()],
    }

    def text() -> None:
        desk.show(outcomes)
        if rows:
            listed = [
                (
                    shorten(row["id"]),
                    waiting[row["id"]]["summary"],
                    state_word(row["state"], begins=row["begins"]),
                    row["reason"],
                )
                for row in rows[:SHOWN]
            ]
            output.say()
            output.table(("id", "proposal", "is now", ""), listed)
            if len(rows) > SHOWN:
                output.say(f"and {len(rows) - SHOWN} more.")
            states = Counter(_said_state(row) for row in rows)
            output.say(", ".join(f"{count} {state}" for state, count in states.items()) + ".")

    output.emit(data, text)
    # Parts of a framework that is taken back have no effect any more, as is meant.
    useless = ("ineffective", "void", "annulled") if act == APPROVE else ()
    if any(outcome.came_to_nothing for outcome in outcomes) or any(row["state"] in useless for row in rows):
        raise exits.Negative


def _said_state(row: Mapping[str, str]) -> str:
    if row["state"] == "effective" and row["begins"]:
        return f"taking effect on {documents.when(row['begins'])}"
    return _STATE_WORDS.get(row["state"], row["state"])


def _await_proposals(desk: Desk, ids: Sequence[str]) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """Return the waiting proposals by id, and the standings of the other statements by id.

    A proposal that was just made at another node may still be on its way: the command asks again until the node holds
    each id, for at most `ARRIVAL_SECONDS`.

    Args:
        ids: whole ids, or beginnings as people type them.
    """
    deadline = time.monotonic() + ARRIVAL_SECONDS
    with output.progress("Waiting for the proposals to reach the node"):
        while True:
            waiting = {one["id"]: one for one in waiting_proposals(desk.client)}
            # Of the ids of a report there are thousands, and each is whole; the beginnings of ids are typed.
            missing = [text for text in ids if text not in waiting]
            missing = [text for text in missing if len(text) == 64 or not any(id_.startswith(text) for id_ in waiting)]
            standings = _standings(desk, [text for text in missing if len(text) == 64])
            # One that arrived after the proposals were listed is read with them the next time.
            is_whole = all(text in standings and standings[text]["state"] != "waiting" for text in missing)
            if is_whole or time.monotonic() > deadline:
                return waiting, standings
            time.sleep(0.2)


def _standings(desk: Desk, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return standings (`state`, `reason`, `begins`) of statements by id, without those that the node does not hold.

    One request looks up `LOOKUP_STATEMENTS`. If there are more, the command first takes those in effect from the feed
    of changes, because the node need not judge any statement for that.
    """
    in_effect = set(effective_ids(desk.client)) if len(ids) > LOOKUP_STATEMENTS else set()
    found = {id_: {"state": "effective", "reason": "", "begins": None} for id_ in ids if id_ in in_effect}
    return found | desk.client.standings([id_ for id_ in ids if id_ not in in_effect])


def _states(desk: Desk, ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return how proposals stand after the vote: `state`, `reason` and `begins` as text, empty if there is none."""
    with output.progress("Asking for the outcome"):
        standings = _standings(desk, ids)
    members = ("state", "reason", "begins")
    return {id_: {name: str(one[name] or "") for name in members} for id_, one in standings.items()}


def _states_of(desk: Desk, ids: Sequence[str], known: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The states of statements that do not wait, by id; empty where the node does not hold one."""
    standings = {**known, **_standings(desk, [id_ for id_ in ids if id_ not in known])}
    return {id_: str(standings[id_]["state"]) if id_ in standings else "" for id_ in ids}


def _why_left_out(act: str, state: str) -> str:
    """Why voting on a statement in this state would change nothing."""
    if not state:
        return "This node does not know it."
    if act == RETRACT and state == "effective":
        return _IN_EFFECT
    return _ALREADY.format(_STATE_WORDS.get(state, state))


def _ballot(
    act: str, desk: Desk, ids: Sequence[str], waiting: dict[str, Any], reason: str | None, refs: Sequence[str]
) -> Say:
    body: dict[str, Any] = {"targets": [bytes.fromhex(id_) for id_ in ids]}
    if act == RETRACT:
        body["retract"] = True
    # What takes away is carried at once; what is taken back too, before somebody votes on it.
    if act == RETRACT or any(waiting[id_]["class"] == "narrowing" for id_ in ids):
        body["urgent"] = True
    label = many(len(ids), "proposal")
    kind = "vote.approve" if act == APPROVE else "vote.reject"
    return Say(kind=kind, sub=desk.ecosystem["ecosystem"], body=_with_reason(body, reason, refs), label=label)


def _parts(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[at : at + VOTE_TARGETS] for at in range(0, len(ids), VOTE_TARGETS)]


def _with_reason(body: dict[str, Any], reason: str | None, refs: Sequence[str]) -> dict[str, Any]:
    if reason:
        body["reason_text"] = reason
    if refs:
        body["refs"] = list(refs)
    return body


def _useless(act: str, desk: Desk, ids: Sequence[str]) -> dict[str, str]:
    """Of some proposals those on which this vote would change nothing, each with the node's reason.

    One vote names many; the node is asked about each by itself only where it finds fault with them all.
    """

    def problem(part: Sequence[str]) -> str:
        said = _ballot(act, desk, part, {id_: {"class": "widening"} for id_ in part}, None, ())
        draft = {"iss": desk.authority, "sub": said.sub, "kind": said.kind, "body": said.body, "key": desk.voice.kid}
        answer = desk.client.dry_run(draft)
        return str(answer["reason"]) if answer["state"] in CANNOT_TAKE_EFFECT else ""

    found: dict[str, str] = {}
    for part in _parts(ids):
        if not problem(part):
            continue
        for id_ in part:
            if reason := problem([id_]):
                found[id_] = reason
    return found


def _proposal_meant(desk: Desk, text: str, waiting: Iterable[str]) -> str:
    """The id of the proposal that waits and begins so; if none does, of the statement: what became of it is told."""
    digits = hex_digits(text, "a proposal")
    found = [id_ for id_ in waiting if id_.startswith(digits)]
    return complete(digits, lambda: found or desk.client.statement_ids(digits), "a proposal")


def _tell_left_out(left_out: Mapping[str, str]) -> None:
    """Name the proposals that a batch leaves out; many with the same reason are counted."""
    whys = {id_: why.replace(shorten(id_), "it") for id_, why in left_out.items()}
    counts = Counter(whys.values())
    for why, count in counts.items():
        if count > _ALIKE_NAMED:
            output.note(f"{count} left out: {output.safe(why)}")
    named = [id_ for id_, why in whys.items() if counts[why] <= _ALIKE_NAMED]
    for id_ in named[:_NAMED]:
        output.note(f"{shorten(id_)}  left out: {output.safe(left_out[id_])}")
    if len(named) > _NAMED:
        output.note(f"… and {len(named) - _NAMED} more left out; --json lists them all.")
