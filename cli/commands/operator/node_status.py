"""`accredit node status` and `peers`: the status that nodes report.

status   of each node asked: its statements, its signers, missing signers and why, alarms for a person
peers    the other nodes as one node sees them, and the state of each connection
"""

from typing import Any, Final

import click

from accredit.cli.base import documents, exits, output
from accredit.cli.base.commands import Command
from accredit.cli.base.node_option import connected, node_option
from accredit.cli.base.output import bad, faint, fair, good, shorten
from accredit.registry.encoding.counts import many
from accredit.registry.errors import RemoteError

OLD_NOTE: Final = 120
"""Seconds after which a state note is not as fresh as it should be: signers cosign twice a minute."""


@click.command(
    "status",
    cls=Command,
    example="accredit node status --node https://node1.example.org --node https://node2.example.org",
)
@node_option
def status(nodes: tuple[str, ...]) -> None:
    """Show the status that nodes report, and whether they hold the same statements."""
    found: list[dict[str, Any]] = []
    failed: list[RemoteError] = []
    for url in nodes:
        try:
            with connected(url) as client:
                found.append({"node": url, **client.status()})
        except RemoteError as error:
            failed.append(error)
            found.append({"node": url, "error": error.message})
    reached = [one for one in found if "error" not in one]
    if not reached:
        raise RemoteError(
            failed[0].code, failed[0].message, hint=failed[0].hint or "Check the URL; is the node running?"
        )

    def text() -> None:
        rows = []
        for one in found:
            if "error" in one:
                rows.append((one["node"], bad("unreachable"), "", "", "", "", "", ""))
                continue
            heard = sum(1 for peer in one["peers"] if peer["last_heard"])
            alarms = bad(f"{len(one['alarms'])}") if one["alarms"] else good("none")
            behind = "" if one["checkpoint_size"] == one["size"] else fair(f" ({one['checkpoint_size']} signed)")
            rows.append(
                (
                    one["name"],
                    good("up"),
                    documents.span(one["uptime"]),
                    output.mix(one["size"], behind),
                    shorten(one["state_root"]),
                    _noted(one["state_note"]),
                    f"{heard} of {len(one['peers'])}",
                    alarms,
                )
            )
        output.table(("node", "", "for", "statements", "state", "noted", "peers heard", "alarms"), rows)
        for one in reached:
            for alarm in one["alarms"]:
                output.say(f"{bad('!')} {output.safe(one['name'])}: {output.safe(alarm)}")
            for signer in (one["state_note"] or {}).get("missing", ()):
                output.say(f"{fair('!')} {output.safe(one['name'])}: {output.safe(missing(signer))}")
        if len(reached) > 1:
            same = len({one["state_root"] for one in reached}) == 1
            output.say(
                good("They hold the same statements.") if same else fair("They do not hold the same statements yet.")
            )

    output.emit({"nodes": found}, text)
    if len(reached) < len(found):
        raise exits.Negative


def missing(signer: dict[str, Any]) -> str:
    """Since when a signer has been missing, and why."""
    if signer["last_seen"] is None:
        since = "and has never been seen"
    else:
        state = f"a state of {many(signer['count'], 'statement')}"
        since = f"since {documents.when(signer['last_seen'])}, when it cosigned {state}"
    why = signer.get("why")  # older nodes do not say
    return f"the signer {signer['name']} is missing {since}" + (f": {why}" if why else "")


def _noted(note: dict[str, Any] | None) -> output.Styled:
    """The state that a quorum stands by: of how many statements, how old, and whose cosignatures are there."""
    if note is None:
        return faint("no signers")
    signers = len({*note["cosigned_by"], *(one["name"] for one in note["missing"])})
    if note["age_seconds"] is None:
        return bad(f"no quorum: it takes {note['quorum']} of {many(signers, 'signer')}")
    text = f"{note['count']}, {documents.span(note['age_seconds'])} ago, by {len(note['cosigned_by'])} of {signers}"
    return fair(text) if note["missing"] or note["age_seconds"] > OLD_NOTE else good(text)


@click.command("peers", cls=Command, example="accredit node peers --node https://node1.example.org")
@node_option
def peers(nodes: tuple[str, ...]) -> None:
    """List the nodes of the ecosystem, as one of them sees the others.

    \b
    mesh         whether statements are sent there as they arrive; connection says why
    round trip   time of its last answer
    we lack      statements it holds and the node asked does not; "it lacks": the opposite
    first        statements that it was the first to send; "again": statements that were already here
    strikes      promises that it broke recently
    """
    with connected(nodes[0]) as client:
        ecosystem, seen = client.ecosystem(), {one["name"]: one for one in client.status()["peers"]}
    here = ecosystem["node"]["name"]

    def text() -> None:
        who = [
            (
                one["name"],
                one["operator"],
                one["url"],
                "signer" if one["name"] in ecosystem["signers"] else "",
                faint("this node") if one["name"] == here else "",
            )
            for one in ecosystem["nodes"]
        ]
        output.table(("node", "operator", "url", "", ""), who, empty="No nodes are admitted yet.")
        rows = [_seen(peer) for peer in seen.values()]
        if rows:
            output.say()
            output.say(f"Other nodes, as {output.safe(here)} sees them:")
            headers = ("node", "mesh", "last heard", "round trip", "we lack", "it lacks", "first", "again", "strikes")
            output.table((*headers, "queued", "connection and problems"), rows)

    output.emit({"nodes": [{**one, "peer": seen.get(one["name"])} for one in ecosystem["nodes"]]}, text)


def _seen(peer: dict[str, Any]) -> tuple[object, ...]:
    """How it goes with one peer, as a row."""
    is_well = not peer["failures"] and peer["distrusted_until"] is None
    trouble = []
    if peer["failures"]:
        trouble.append(f"{many(peer['failures'], 'request')} in a row failed: {peer['error']}")
    if peer["distrusted_until"] is not None:
        trouble.append(f"ignored until {documents.when(peer['distrusted_until'])}")
    if peer["in_sync"] is False and is_well:
        trouble.append("held different statements when last compared")
    if peer["overflowed"]:
        trouble.append(f"{many(peer['overflowed'], 'statement')} only announced, because its queue was full")
    remarks = [faint(peer["why"])] if peer["why"] else []
    remarks += [fair(each) if is_well else bad(each) for each in trouble]
    return (
        peer["name"],
        good("yes") if peer["is_mesh"] else faint("no"),
        documents.when(peer["last_heard"]) or bad("never"),
        "" if peer["round_trip_ms"] is None else f"{peer['round_trip_ms']} ms",
        fair(peer["behind"]) if peer["behind"] else 0,
        fair(peer["lag"]) if peer["lag"] else 0,
        peer["firsts"],
        peer["duplicates"],
        bad(peer["strikes"]) if peer["strikes"] else 0,
        peer["queued"],
        _joined(remarks),
    )


def _joined(parts: list[output.Styled]) -> output.Styled:
    """Parts with semicolons between them."""
    shown = output.mix()
    for part in parts:
        shown = output.mix(shown, "; " if shown else "", part)
    return shown
