"""`accredit authority`: the governance bodies, those the charter names and those that others have delegated to.

A delegation is written as a TOML file (`template` prints one). Its limits only ever narrow: a delegate cannot pass on
what it does not have, nor outlive who delegated to it.
"""

import time
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import click

from accredit.cli.base import documents, output
from accredit.cli.base.commands import CommandGroup
from accredit.cli.base.file_argument import FILE
from accredit.cli.base.ids import AUTHORITIES, read_id
from accredit.cli.base.node_option import compared_heads, complete, connected, node_option
from accredit.cli.base.output import bad, faint, fair, shorten
from accredit.cli.signing.workflow import Desk, Say, signing
from accredit.registry.encoding.counts import many
from accredit.registry.errors import InputError

from .keys import ADDED_BUDGET, budget_option, read_entry

_TEMPLATE: Final = """\
# A delegation: another body becomes an authority, within limits.

delegate = "did:web:agency.example"
name = "Example Agency"
# constituency: one of nonprofit, public, education, employer, labor, government, industry, learner, other
constituency = "public"
threshold = 1                       # how many of its keys must sign for it
actions = ["issuer.*", "accreditation.*"]   # kinds of statement; issuer.* for a family
valid_from = 2026-01-01
valid_until = 2031-01-01            # may be left out
# url = "https://agency.example/"
# apply_url = "https://agency.example/apply"
# appeal_url = "https://agency.example/appeal"

[limits]                            # an upper limit; an axis it does not name is not limited
# categories = ["bootcamp"]         # of issuers; also every axis of a scope
achievement_types = ["Certificate"]
jurisdictions = ["US-IN"]
max_depth = 0                       # how many further delegations below it
max_validity = "5y"                 # of the accreditations it grants

# Its keys: from accredit keys export, or given with --keys.
"""

authority = CommandGroup("authority", help="Governance bodies: show, list, delegate, withdraw.")


@authority.command("list", example="accredit authority list")
@node_option
def list_(nodes: tuple[str, ...]) -> None:
    """List the authorities, and who made each of them an authority."""
    with connected(nodes[0]) as client:
        records = client.authorities()["authorities"]

    def text() -> None:
        rows = [_row(record["id"], standing) for record in records for standing in record["standings"]]
        output.table(("name", "id", "constituency", "by", "keys", ""), rows, empty="No authorities yet.")

    output.emit({"authorities": records}, text)


@authority.command("show", example="accredit authority show did:web:board.example")
@click.argument("authority_id", metavar="ID")
@node_option
def show(authority_id: str, nodes: tuple[str, ...]) -> None:
    """Show an authority: its mandates, keys and limits, and where to apply and appeal."""
    record = _record(nodes, read_id(authority_id, search=AUTHORITIES))

    def text() -> None:
        for standing in record["standings"]:
            output.say(f"{output.styled(standing['name'], bold=True)}  {output.safe(record['id'])}")
            output.facts(
                [
                    ("mandate", _mandate(standing)),
                    ("delegation", standing["via"]),
                    ("constituency", standing["constituency"]),
                    ("may sign", ", ".join(standing["actions"]) if standing["actions"] else "everything"),
                    ("limits", output.lines(documents.outline(standing["limits"])) if standing["limits"] else ""),
                    ("valid", _validity(standing)),
                    ("signs with", f"{standing['threshold']} of {many(len(standing['keys']), 'key')}"),
                    ("web", standing.get("url")),
                    ("contact", standing.get("contact")),
                    ("apply", standing.get("apply_url")),
                    ("appeal", standing.get("appeal_url")),
                ]
            )
            rows = [
                (shorten(key["key"]), documents.public_text(key["public"]), bad("cut off") if key["cut"] else "")
                for key in standing["keys"]
            ]
            output.table(("key", "public", ""), rows)

    output.emit(record, text)


@authority.command("template", example="accredit authority template > delegation.toml")
def template() -> None:
    """Print a delegation file with every member explained, to fill in."""
    parsed = documents.render(documents.convert(documents.parse_toml(_TEMPLATE, "the template")))
    output.emit(parsed, lambda: output.say(_TEMPLATE.rstrip()))


@authority.command("delegate", example="accredit authority delegate delegation.toml --keys agency.toml --key alice.key")
@click.argument("file", type=FILE)
@click.option(
    "--keys",
    "entries",
    type=FILE,
    multiple=True,
    help="Key entry of the delegate, from accredit keys export; may be repeated.",
)
@budget_option
@signing
def delegate(file: Path, entries: tuple[Path, ...], budget: int | None, desk: Desk) -> None:
    """Propose to make another body an authority, as described in FILE."""
    written = dict(documents.read_file(file))
    listed = list(written.get("keys") or [])
    for path in entries:
        named = documents.read_file(path).get("authority")
        if named not in (None, written.get("delegate")):
            raise InputError(
                "whose_key",
                f"{path} holds a key of {named}, but the delegation is for {written.get('delegate')}.",
                hint="Give a key entry of the delegate.",
            )
        listed.append(read_entry(path, budget=budget or ADDED_BUDGET))
    if not listed:
        raise InputError(
            "no_keys", f"{file} lists no key of the delegate.", hint="Add each of its key entries: --keys FILE"
        )
    body = documents.to_body("authority.delegate", {**written, "keys": listed}, str(file))
    for action in body["actions"]:
        _require_kind(action, str(file))
    chosen = budget is not None
    desk.propose(
        [Say(kind="authority.delegate", sub=body["delegate"], body=body, label=body["name"], chose_budget=chosen)]
    )


def _require_kind(action: str, source: str) -> None:
    """Refuse an action of a delegation that no kind of statement fits: the delegate could do nothing by it.

    Raises:
        InputError: there is no such kind.
    """
    from accredit.governance.rules.rulebook import KINDS

    known = {*KINDS, *(f"{kind.partition('.')[0]}.*" for kind in KINDS)}
    if action in known:
        return
    close = get_close_matches(action, known, 1)
    raise InputError(
        "unknown_kind",
        f"{source}: actions: no kind of statement has the name {action}.",
        hint=f"Did you mean {close[0]}?" if close else "As in issuer.register, or issuer.* for all of a family.",
    )


@authority.command("withdraw", example="accredit authority withdraw 5f2b8c11 --reason 'mandate ended' --key alice.key")
@click.argument("delegation", metavar="DELEGATION")
@click.option("--from", "effective_from", metavar="DATE", help="Start of its effect; default: now.")
@click.option("--reason", help="Reason, kept on record.")
@signing
def withdraw(delegation: str, effective_from: str | None, reason: str | None, desk: Desk) -> None:
    """Propose to end a DELEGATION (its id, or the delegate's id if it has only one).

    What the delegate has said so far stands. So that nothing is left out, its newest statements are asked of two nodes
    at least (--node A --node B). Use it to close a mandate that has ended, too: that confirms which
    statements the delegate made before the end.
    """
    by_id = {
        standing["via"]: (record["id"], standing)
        for record in desk.client.authorities()["authorities"]
        for standing in record["standings"]
        if standing["via"] is not None
    }
    via = _delegation(delegation, by_id)
    sub, standing = by_id[via]
    own = {key["key"] for key in standing["keys"]}
    written: dict[str, Any] = {
        "delegation": via,
        "heads": [{"key": key, "id": id_} for key, id_ in compared_heads(desk.nodes, own).items()],
        "effective_from": documents.seconds(effective_from, "--from") if effective_from else int(time.time()),
    }
    if reason:
        written["reason_text"] = reason
    body = documents.to_body("authority.withdraw", written, documents.OPTIONS)
    desk.propose([Say(kind="authority.withdraw", sub=sub, body=body, label=standing["name"])])


def _delegation(text: str, by_id: dict[str, tuple[str, Any]]) -> str:
    if ":" not in text:
        return complete(text, lambda: list(by_id), "a delegation")
    held = [via for via, (sub, _) in by_id.items() if sub == read_id(text, search=AUTHORITIES)]
    if not held:
        raise InputError(
            "no_delegation",
            f"No delegation in force makes {text} an authority.",
            hint=f"{AUTHORITIES} lists authorities.",
        )
    if len(held) != 1:
        raise InputError(
            "which_delegation",
            f"{text} is an authority under {many(len(held), 'delegation')}: {', '.join(map(shorten, held))}.",
            hint=f"Give the delegation's id; accredit authority show {text} says who gave each.",
        )
    return held[0]


def _record(nodes: tuple[str, ...], authority_id: str) -> dict[str, Any]:
    with connected(nodes[0]) as client:
        for record in client.authorities()["authorities"]:
            if record["id"] == authority_id:
                return dict(record)
    raise InputError(
        "unknown_authority",
        f"{authority_id} is not an authority of this ecosystem.",
        hint="accredit authority list shows all authorities.",
    )


def _row(authority_id: str, standing: dict[str, Any]) -> tuple[object, ...]:
    state = fair("withdrawn") if standing["withdrawn"] else ""
    keys = f"{standing['threshold']} of {len(standing['keys'])}"
    return (output.clipped(standing["name"]), authority_id, standing["constituency"], _mandate(standing), keys, state)


def _mandate(standing: dict[str, Any]) -> str:
    if standing["via"] is None:
        return "the charter"
    parent = standing["parent"]
    short = faint(shorten(standing["via"]))
    return output.mix(parent["by"], " (", short, ")") if parent else short


def _validity(standing: dict[str, Any]) -> str:
    withdrawn = standing["withdrawn"]
    if withdrawn:
        return f"withdrawn from {documents.when(withdrawn['effective_from'])}"
    until = standing.get("valid_until")
    since = standing.get("valid_from")
    return " ".join(
        part
        for part in (
            f"from {documents.when(since)}" if since else "",
            f"until {documents.when(until)}" if until else "",
        )
        if part
    )
