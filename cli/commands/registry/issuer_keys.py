"""`accredit issuer key`: the keys that sign an issuer's credentials, from the first one to the day one is stolen.

An authority states whose keys they are, because a credential can carry a key of its own. Decisions hear the authority
that accredited the issuer, those above it and the charter's publishers; and the issuer, where it ends a key with one of
its own that was given a budget. Adding a key takes the charter's votes; ending one takes one authority.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from accredit.cli.base import documents, output
from accredit.cli.base.commands import CommandGroup
from accredit.cli.base.file_argument import FILE
from accredit.cli.base.ids import registered
from accredit.cli.base.node_option import connected, node_option
from accredit.cli.signing.workflow import Desk, Say, signing
from accredit.registry.errors import InputError

ALWAYS: Final = "always"
"""The word that people type for a theft of an unknown date."""


key = CommandGroup("key", help="The keys that sign an issuer's credentials: list, add, retire, report as stolen.")


@key.command("list", example="accredit issuer key list did:web:uni.example")
@click.argument("issuer_id", metavar="ID")
@node_option
def list_(issuer_id: str, nodes: tuple[str, ...]) -> None:
    """List an issuer's keys, by whom each was stated, and how it ended."""
    with connected(nodes[0]) as client:
        record = registered(client, issuer_id)
    said: Sequence[Mapping[str, Any]] = record["keys"]

    def text() -> None:
        rows = [_row(one, said) for one in said if one["op"] == "add"]
        output.table(
            ("key", "public", "from", "until", "stated by", "ended"),
            rows,
            empty="No key of this issuer is stated. State one: accredit issuer key add",
        )

    output.emit({"issuer": record["id"], "keys": said}, text)


def _row(added: Mapping[str, Any], said: Sequence[Mapping[str, Any]]) -> tuple[object, ...]:
    stated = added["key"]
    ends = [_end(one) for one in said if one["op"] != "add" and one["key_id"] == stated["id"]]
    return (
        stated["id"],
        output.clipped(stated.get("public_key_multibase", "JWK")),
        documents.when(stated.get("valid_from"))[:10] or "–",
        documents.when(stated.get("valid_until"))[:10] or "–",
        added["by"],
        output.bad("; ".join(ends)) if ends else "",
    )


def _end(said: Mapping[str, Any]) -> str:
    """Return how an authority, or the issuer itself, ended a key."""
    if said["op"] == "retire":
        return f"retired on {documents.when(said.get('valid_until', said['iat']))[:10]} by {said['by']}"
    since = f"since {documents.when(said['compromised_since'])[:10]}" if "compromised_since" in said else ALWAYS
    return f"stolen {since}, says {said['by']}"


@key.command(
    "add",
    example="""accredit issuer key add did:web:uni.example --id did:web:uni.example#key-2 --public z6Mk… --key alice.key
accredit issuer key add did:web:uni.example key.toml --until 2030-01-01 --key alice.key""",
)
@click.argument("issuer_id", metavar="ID")
@click.argument("file", type=FILE, required=False)
@click.option("--id", "key_id", metavar="KEY", help="The key's id in credentials, as in did:web:uni.example#key-2.")
@click.option("--public", metavar="KEY", help="Its public half in multibase, as in z6Mk…; a JWK needs a FILE.")
@click.option("--from", "valid_from", metavar="DATE", help="It signs from this day on.")
@click.option("--until", "valid_until", metavar="DATE", help="It signs until this day.")
@click.option(
    "--budget", type=click.IntRange(1), help="Number of statements the issuer may sign with it, to end keys or commit."
)
@signing
def add(
    issuer_id: str,
    file: Path | None,
    key_id: str | None,
    public: str | None,
    valid_from: str | None,
    valid_until: str | None,
    budget: int | None,
    desk: Desk,
) -> None:
    """State a further key of an issuer, from a TOML or JSON FILE, from options, or both (options override the file)."""
    if file is None and (key_id is None or public is None):
        raise click.UsageError("Give a FILE, or --id and --public.")
    options = {
        "id": key_id,
        "public_key_multibase": public and public.removeprefix("did:key:"),
        "valid_from": valid_from and documents.seconds(valid_from, "--from"),
        "valid_until": valid_until and documents.seconds(valid_until, "--until"),
        "budget": budget,
    }
    written = dict(documents.read_file(file)) if file is not None else {}
    written.update({member: value for member, value in options.items() if value is not None})
    issuer = registered(desk.client, issuer_id)["id"]
    source = str(file or documents.OPTIONS)
    _propose(desk, issuer, {"op": "add", "key": written}, source, chose_budget=budget is not None)


@key.command(
    "retire",
    example="accredit issuer key retire did:web:uni.example key-1 --reason 'replaced by key-2' --key alice.key",
)
@click.argument("issuer_id", metavar="ID")
@click.argument("which", metavar="KEY")
@click.option("--until", metavar="DATE", help="What it signed before this day stays good. Default: now.")
@click.option("--reason", help="Reason, kept on record.")
@signing
def retire(issuer_id: str, which: str, until: str | None, reason: str | None, desk: Desk) -> None:
    """Retire a KEY of an issuer: what it signed stays good, and it signs no more.

    KEY is the key's id or the part after its #, or the public key itself. Sign as an authority, or as the issuer, with
    one of its keys that has a budget.
    """
    record = registered(desk.client, issuer_id)
    body: dict[str, Any] = {"op": "retire", "key_id": _key_of(record, which, desk)}
    if until is not None:
        body["valid_until"] = documents.seconds(until, "--until")
    _propose(desk, record["id"], body, documents.OPTIONS, reason=reason)


@key.command(
    "compromise",
    example="""accredit issuer key compromise did:web:uni.example key-1 --since 2026-11-01 --key alice.key
accredit issuer key compromise did:web:uni.example key-1 --since always --reason 'never was theirs' --key alice.key""",
)
@click.argument("issuer_id", metavar="ID")
@click.argument("which", metavar="KEY")
@click.option("--since", metavar="DATE", help="Day since when others may have had it, or `always`.")
@click.option("--reason", help="Reason, kept on record.")
@signing
def compromise(issuer_id: str, which: str, since: str | None, reason: str | None, desk: Desk) -> None:
    """Report a KEY of an issuer as stolen. What it signed since then is refused.

    What it signed before stays good, with a note, because a thief can sign with earlier dates; a receipt that is older
    than the theft (accredit issuance) takes the note away. KEY is as for retire.
    """
    record = registered(desk.client, issuer_id)
    id_ = _key_of(record, which, desk)
    if since is None:
        raise InputError(
            "since_missing",
            f"Since when may others have had {id_}? What it signed from then on is refused.",
            hint=f"Add --since DATE; if it is unknown, --since {ALWAYS}: then nothing that it signed is believed.",
        )
    body: dict[str, Any] = {"op": "compromise", "key_id": id_}
    if since != ALWAYS:
        body["compromised_since"] = _past(since)
    _propose(desk, record["id"], body, documents.OPTIONS, reason=reason)


def _past(written: str) -> int:
    """Return the time of a theft, seconds.

    Raises:
        DecodeError: it is not a date. InputError: it lies in the future.
    """
    since = documents.seconds(written, "--since")
    if since > time.time():
        raise InputError(
            "not_yet_stolen",
            f"--since: {written} lies ahead, so until then the thief would be believed.",
            hint="Give the day of the theft, or the last day on which the key was surely safe.",
        )
    return since


def _key_of(record: Mapping[str, Any], typed: str, desk: Desk) -> str:
    """Return the id of an issuer's key, given the whole id, the part after its #, or the public key.

    Raises:
        InputError: no such key is stated for the issuer (`--force` accepts a whole id nevertheless), or several match.
    """
    stated = [one["key"] for one in record["keys"] if one["op"] == "add"]
    known = list(dict.fromkeys(one["id"] for one in stated))
    if typed in known:
        return typed
    part, public = typed.removeprefix("#"), typed.removeprefix("did:key:")
    meant = {
        one["id"]: None
        for one in stated
        if part == one["id"].partition("#")[2] or public == one.get("public_key_multibase")
    }
    if not meant and ":" in typed and desk.wishes.force:
        return typed
    if len(meant) == 1:
        return str(next(iter(meant)))
    hint = f"Its keys: {', '.join(known[:5])}." if known else f"State one: accredit issuer key add {record['id']}"
    if meant:
        raise InputError("ambiguous_key", f"KEY: {typed!r} means several keys of {record['id']}.", hint=hint)
    raise InputError("unknown_key", f"KEY: the registry states no key {typed!r} of {record['id']}.", hint=hint)


def _propose(
    desk: Desk, issuer: str, said: dict[str, Any], source: str, *, reason: str | None = None, chose_budget: bool = False
) -> None:
    written = {"issuer": issuer, **said, **({"reason_text": reason} if reason else {})}
    body = documents.to_body("issuer.key", written, source)
    named = said.get("key_id") or said["key"].get("id")
    desk.propose([Say(kind="issuer.key", sub=issuer, body=body, label=f"key {named}", chose_budget=chose_budget)])
