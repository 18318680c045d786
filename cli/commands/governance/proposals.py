"""`accredit inbox` and `accredit show`: list the proposals that wait for a body, and show any of them in full.

The node predicts the changes and the result of a proposal (`foreseen`); this module only shows them.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from accredit.cli.base import documents, output
from accredit.cli.base.commands import Command
from accredit.cli.base.file_argument import FILE
from accredit.cli.base.ids import authority as authority_id
from accredit.cli.base.ids import read_id
from accredit.cli.base.node_option import complete_statement, connected, node_option
from accredit.cli.base.output import faint, fair, shorten
from accredit.cli.signing.keys import read_public
from accredit.cli.signing.outcomes import SHOWN, foreseen_lines, state_word
from accredit.cli.signing.whole_frameworks import ITEMS, PUBLISH, Together, together
from accredit.cli.signing.whole_mappings import PUBLISH as MAPPING
from accredit.registry.encoding.counts import many
from accredit.registry.encoding.rfc3339 import parse as parse_time
from accredit.registry.errors import InputError

if TYPE_CHECKING:
    from accredit.node.clients.node_client import NodeClient

REMIND_SECONDS: Final = 14 * 86_400
"""How long before a proposal lapses an inbox begins to say so."""
_DIFFERENCES: Final = 2  # in one line of a table; `accredit show` has them all


@click.command(
    "inbox",
    cls=Command,
    example="""accredit inbox --key alice.key
accredit inbox --authority did:web:board.example
accredit inbox --all --kind accreditation. --issuer did:web:uni.example""",
)
@click.option(
    "--key",
    envvar="ACCREDIT_KEY",
    type=FILE,
    help="Show the inbox of this key: proposals on which its vote still counts.",
)
@click.option("--authority", metavar="ID", help="Show the inbox of this authority: proposals it has not approved yet.")
@click.option("--all", "everything", is_flag=True, help="Show every waiting proposal, including lapsed ones.")
@click.option("--by", metavar="ID", help="Only proposals by this authority.")
@click.option("--issuer", metavar="ID", help="Only proposals about this issuer (or other subject).")
@click.option(
    "--kind", metavar="KIND", help="Only this kind of statement, such as charter.amend, or the beginning of one."
)
@node_option
def inbox(
    key: Path | None,
    authority: str | None,
    everything: bool,
    by: str | None,
    issuer: str | None,
    kind: str | None,
    nodes: tuple[str, ...],
) -> None:
    """List the proposals that wait for your vote, oldest first, and their effect.

    A charter may limit how long a proposal waits (proposals_lapse). Older proposals are not listed here, but votes on
    them still count. Reminds of mandates you gave that end within 14 days, or have ended and are not closed: what was
    said under one gives no trust any more unless closing it names it.
    """
    if kind is not None:
        _require_kind(kind)
    issuer = issuer and read_id(issuer, "--issuer")
    kid = read_public(key).kid if key is not None and authority is None and not everything else None
    with connected(nodes[0]) as client:
        by = by and authority_id(client, by, "--by")
        found = waiting_proposals(client, authority=None if everything else authority, key=kid)
        records = client.authorities()["authorities"]
    mandates = mandates_to_close(records, time.time(), authority=None if everything else authority, key=kid)
    tests: tuple[Callable[[dict[str, Any]], bool], ...] = (
        lambda one: by is None or one["iss"] == by,
        lambda one: issuer is None or one["sub"] == issuer,
        lambda one: kind is None or one["kind"].startswith(kind),
    )
    chosen = [one for one in found if all(test(one) for test in tests)]
    lapsed = [] if everything else [one for one in chosen if _left(one) <= 0]
    proposals = sorted((one for one in chosen if one not in lapsed), key=lambda one: (one["iat"], one["id"]))

    def text() -> None:
        asked = "waits for your vote" if kid is not None else "waits for votes"
        show_proposals(proposals, empty=f"No proposal {asked}.")
        if lapsed:
            output.say(faint(f"{len(lapsed)} lapsed because they waited too long; --all shows them."))
        for one in mandates:
            output.say(_to_close(one))
        if proposals:
            first = output.safe(shorten(together(proposals)[0].first["id"]))
            output.say()
            output.say(f"See one in full:  accredit show {first}")
            output.say(f"Decide:  accredit approve {first} …   or   accredit reject {first} --reason TEXT")

    output.emit({"proposals": proposals, "lapsed": len(lapsed), "mandates_to_close": mandates}, text)


def _require_kind(kind: str) -> None:
    """Refuse what begins no kind of statement: an inbox of nothing would say that nothing waits.

    Raises:
        InputError: there is no such kind.
    """
    from accredit.governance.rules.rulebook import KINDS

    if not any(one.startswith(kind) for one in KINDS):
        close = get_close_matches(kind, [*KINDS, *{f"{one.partition('.')[0]}." for one in KINDS}], 1)
        raise InputError(
            "unknown_kind",
            f"--kind: no kind of statement has the name {kind} or begins with it.",
            hint=f"Did you mean {close[0]}?" if close else "As in accreditation. or charter.amend.",
        )


@click.command("show", cls=Command, example="accredit show 5f2b8c11")
@click.argument("statement", metavar="ID")
@node_option
def show(statement: str, nodes: tuple[str, ...]) -> None:
    """Show a proposal or decision in full: what it changes, the result, who has voted, and why.

    ID is the id of a statement, from accredit inbox or a table; its first 8 digits are enough.
    """
    with connected(nodes[0]) as client:
        said = client.statement(complete_statement(client, statement))
        is_of_whole = said["state"] == "waiting" and said["kind"] in (PUBLISH, ITEMS, MAPPING)
        beside = _decided_together(said, waiting_proposals(client)) if is_of_whole else None

    def text() -> None:
        show_statement(said)
        if beside is not None:
            output.say()
            output.say(f"Waits as one thing: {output.safe(beside.told)}")
            output.say(f"Decide on all of it:  accredit approve {shorten(beside.first['id'])}")

    output.emit(said, text)


def _decided_together(said: dict[str, Any], waiting: Sequence[dict[str, Any]]) -> Together | None:
    """The framework or mapping that a statement belongs to, with all that waits of it; None where it waits alone."""
    found = [each for each in together(waiting) if said["id"] in (each.first["id"], *(one["id"] for one in each.parts))]
    return next((each for each in found if len({each.first["id"], *(one["id"] for one in each.parts)}) > 1), None)


def show_statement(said: dict[str, Any]) -> None:
    """Prints a statement in full, with its standing, its votes and what it brings about."""
    names = said["foreseen"]["names"]
    begins = said["foreseen"]["begins"] or ""
    output.say(f"{output.styled(said['summary'], bold=True)}  {state_word(said['state'], begins=begins)}")
    output.facts(
        [
            ("id", said["id"]),
            ("kind", f"{said['kind']}, {said['class']}"),
            ("proposed by", named(said["iss"], names)),
            ("about", named(said["sub"], names)),
            ("on", documents.when(said["iat"])),
            ("lapses", "" if said["state"] != "waiting" else documents.when(said["lapses"])),
            ("approved by", ", ".join(named(one, names) for one in said["approvals"])),
            ("needed in total", said["needed"]),
            ("why it has no effect", said["reason"]),
            ("reason given", said["body"].get("reason_text", "")),
            ("references", output.lines(said["body"].get("refs", ()))),
            ("evidence", output.lines(str(one["uri"]) for one in said["body"].get("evidence", ()))),
        ]
    )
    for told in foreseen_lines(said["foreseen"]):
        output.say(f"  {told}")
    if said["votes"]:
        output.say()
        rows = [
            (
                named(one["by"], names),
                "approves" if one["approve"] else "rejects",
                shorten(one["key"]),
                documents.when(one.get("iat"))[:10],
                " ".join([one.get("reason", ""), *one.get("refs", ())]).strip(),
            )
            for one in said["votes"]
        ]
        output.table(("by", "vote", "key", "on", "why"), rows)
    output.say()
    output.say(faint("What was signed:"))
    for line in documents.outline(said["body"]):
        output.say(f"  {line}")


def named(id: str, names: dict[str, str]) -> str:
    """An id with its name before it, where one is registered."""
    return f"{names[id]} ({id})" if id in names else id


def mandates_to_close(
    records: Sequence[dict[str, Any]], now: float, *, authority: str | None = None, key: bytes | None = None
) -> list[dict[str, Any]]:
    """Mandates that end within `REMIND_SECONDS` of `now`, or have ended, and that nobody has closed; the first first.

    Args:
        records: the authorities, as the node shows them.
        authority, key: only those given by this body, or by one that this key belongs to.
    """
    mine = {
        record["id"]
        for record in records
        if (authority is None or record["id"] == authority)
        and (key is None or any(key.hex() == one["key"] for each in record["standings"] for one in each["keys"]))
    }
    found = [
        {
            "delegation": each["via"],
            "delegate": record["id"],
            "name": each["name"],
            "given_by": each["parent"]["by"],
            "valid_until": each["valid_until"],
            "has_ended": parse_time(each["valid_until"]) <= now,
        }
        for record in records
        for each in record["standings"]
        if each["via"] is not None and each["parent"]["by"] in mine and not each["withdrawn"] and "valid_until" in each
        if parse_time(each["valid_until"]) <= now + REMIND_SECONDS
    ]
    return sorted(found, key=lambda one: (one["valid_until"], one["delegation"]))


def _to_close(mandate: dict[str, Any]) -> str:
    day, short = documents.when(mandate["valid_until"])[:10], shorten(mandate["delegation"])
    name = output.safe(mandate["name"])
    if mandate["has_ended"]:
        return f"The mandate of {name} ended on {day} and is not closed:  accredit authority withdraw {short}"
    return f"The mandate of {name} ends on {day}: prolong it, or close it after that with accredit authority withdraw."


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
    return [{**said, "approvals": [], "needed": said["reason"]}, *found]


def show_proposals(
    proposals: Sequence[dict[str, Any]],
    *,
    empty: str = "No proposal is waiting.",
    most: int | None = None,
    counted: bool = True,
) -> None:
    """One line for each proposal, then what will be once each of the first `SHOWN` is approved; counts by kind.

    A framework or mapping and its parts are one line.

    Args:
        most: lines at most; None for one for each.
        counted: whether counts by kind follow; False where something else gives them.
    """
    rows = []
    listed = together(proposals)
    for each in listed[:most]:
        proposal = each.first
        what = _told_together(each)
        rows.append(
            (
                shorten(proposal["id"]),
                fair(what) if proposal["class"] == "narrowing" else what,
                named(proposal["iss"], proposal["foreseen"]["names"]),
                documents.when(proposal["iat"])[:10],
                ", ".join(proposal["approvals"]) or _keys_so_far(proposal),
                proposal["needed"],
            )
        )
    output.table(("id", "effect if approved", "proposed by", "on", "approved by", "needed in total"), rows, empty=empty)
    if len(rows) < len(listed):
        output.say(faint(f"and {len(listed) - len(rows)} more; accredit inbox lists them all."))
    for proposal in [each.first for each in listed[:SHOWN]]:
        for line in foreseen_lines({**proposal["foreseen"], "differences": []}):  # the line above has those
            output.say(f"  {shorten(proposal['id'])}  {line}")
    if counted and len(proposals) > 1:
        kinds = Counter(str(one["kind"]) for one in proposals)
        counts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        output.say(faint(f"{many(len(proposals), 'proposal')}: {counts}."))


def _told_together(each: Together) -> str:
    if each.first["kind"] == ITEMS:
        return each.told
    return f"{in_a_line(each.first)} {each.told}".rstrip()


def in_a_line(proposal: dict[str, Any]) -> str:
    """What a proposal would change, in one line: two amendments are told apart by what they change."""
    changes = proposal["foreseen"]["differences"]
    what = str(proposal["summary"] or f"{proposal['kind']} {proposal['sub']}")
    if changes:
        more = f" and {len(changes) - _DIFFERENCES} more" if len(changes) > _DIFFERENCES else ""
        what = f"{what.rstrip('.')}: {'; '.join(changes[:_DIFFERENCES])}{more}."
    left = _left(proposal)
    if 0 < left <= REMIND_SECONDS:
        what += f" It lapses on {documents.when(proposal['lapses'])[:10]}."
    return what


def _left(proposal: dict[str, Any]) -> float:
    """Seconds until a proposal lapses; endless where the charter names no time."""
    lapses = proposal.get("lapses")
    return float("inf") if lapses is None else parse_time(lapses) - time.time()


def _keys_so_far(proposal: dict[str, Any]) -> str:
    """How many keys have signed where no authority speaks yet: the author's counts as the first."""
    keys = 1 + sum(1 for vote in proposal["votes"] if vote["approve"])
    return f"{many(keys, 'key')}, not enough yet"
