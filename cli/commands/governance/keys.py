"""`accredit keys`: an authority's keys, from the first one to the day one is stolen.

A key is in an encrypted file. Others need only its *public entry*, a small TOML file that `export` writes and that a
charter, a delegation or `keys add` reads:

    authority = "did:web:board.example"
    [key]
    public = "z6Mk…"
    budget = 1000000              # statements it may ever make
    [key.next]                    # optional: the successor, committed by its id before it is ever shown
    key = "<key id>"
    budget = 1000000
"""

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click

from accredit.cli.base import documents, output
from accredit.cli.base.commands import CommandGroup
from accredit.cli.base.file_argument import FILE
from accredit.cli.base.node_option import connected, node_option
from accredit.cli.signing.keys import new_passphrase_for, read_public
from accredit.cli.signing.workflow import Desk, Say, signing
from accredit.node.toml_text import toml_text
from accredit.registry.encoding.ed25519 import did_key, key_id, multibase
from accredit.registry.errors import DecodeError, InputError, RemoteError

FOUNDER_BUDGET: Final = 1_000_000
"""The default budget of a key named in a charter: 27 statements a day for a hundred years."""

ADDED_BUDGET: Final = 10_000
"""The default budget of a key that another key introduces out of its own budget."""

RECENT: Final = 10
"""Statements of a stolen key that are shown to choose from."""


budget_option = click.option(
    "--budget",
    type=click.IntRange(1),
    help=f"Number of statements a new key may sign, taken from your own key's budget; its successor gets as many. "
    f"[default: {ADDED_BUDGET}]",
)

keys = CommandGroup("keys", help="An authority's keys: make, show, export, add, rotate, report as stolen.")


@keys.command(
    "new",
    example="""accredit keys new alice.key --authority did:web:board.example --label "Alice, board"
accredit keys new alice.key --authority did:web:board.example --next alice-next.key""",
)
@click.argument("file", type=FILE)
@click.option("--authority", required=True, metavar="ID", help="Authority that the key signs for: a DID or https URL.")
@click.option("--label", default="", help="Label for people, such as the holder's name.")
@click.option("--next", "next_file", type=FILE, help="Also make its successor, to be locked away elsewhere.")
@click.option("--passphrase-file", envvar="ACCREDIT_PASSPHRASE_FILE", type=FILE, help="File with the passphrase.")
@click.option(
    "--sealing",
    type=click.Choice(["moderate", "interactive"]),
    default="moderate",
    show_default=True,
    help="Memory needed for each guess at the passphrase: 256 MiB, or 64 MiB for keys that you will soon discard.",
)
def new(
    file: Path, authority: str, label: str, next_file: Path | None, passphrase_file: Path | None, sealing: str
) -> None:
    """Make a new key in FILE, encrypted with a passphrase.

    With --next the command also makes a successor. If the charter or delegation commits to it, it can replace a stolen
    key, and the thief cannot prevent that.
    """
    from accredit.node.files.key_files import new_seed

    authority = _authority(authority)
    passphrase = new_passphrase_for(file, passphrase_file, known=(label, authority))
    made = [_create(file, new_seed(), passphrase, label, authority, sealing)]
    if next_file is not None:
        made.append(_create(next_file, new_seed(), passphrase, f"{label} (next)".strip(), authority, sealing))

    def text() -> None:
        for key in made:
            _show(key)
        if sealing == "interactive":
            output.note("Its passphrase is easier to guess: discard the key soon, or make it without --sealing.")
        more = f" --next {output.quoted(next_file)}" if next_file else ""
        entry = output.quoted(file.with_suffix(".toml").name)
        output.say("Next: write its public entry, for the charter or your accreditor:")
        output.say(f"  accredit keys export {output.quoted(file)}{more} -o {entry}")

    output.emit({"keys": made}, text)


@keys.command(
    "import",
    example="accredit keys import alice.key --seed-file ed25519.pem --authority did:web:board.example",
)
@click.argument("file", type=FILE)
@click.option("--seed-file", type=FILE, required=True, help="Private key file: PKCS#8 PEM, JWK, hex or multibase.")
@click.option("--authority", required=True, metavar="ID", help="Authority that the key signs for.")
@click.option("--label", default="", help="Label for people, such as the holder's name.")
@click.option("--passphrase-file", envvar="ACCREDIT_PASSPHRASE_FILE", type=FILE, help="File with the passphrase.")
def import_(file: Path, seed_file: Path, authority: str, label: str, passphrase_file: Path | None) -> None:
    """Make a key FILE from an Ed25519 key made elsewhere.

    The file does not know what the key has signed before, so the first command that signs with it asks two nodes.
    """
    from accredit.node.files.secret_files import read_seed

    authority = _authority(authority)
    seed = read_seed(seed_file)
    passphrase = new_passphrase_for(file, passphrase_file, known=(label, authority))
    key = _create(file, seed, passphrase, label, authority)

    def text() -> None:
        _show(key)
        output.say(f"Delete {seed_file} now: it holds the key unprotected.")

    output.emit(key, text)


@keys.command("show", example="accredit keys show alice.key")
@click.argument("file", type=FILE)
def show(file: Path) -> None:
    """Show the public part of a key FILE; this needs no passphrase."""
    key = _facts(file)
    output.emit(key, lambda: _show(key))


@keys.command("list", example="accredit keys list ~/keys")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=".")
def list_(folder: Path) -> None:
    """List the key files in FOLDER (default: here)."""
    if not folder.is_dir():
        raise InputError("no_such_folder", f"There is no folder {folder}.", hint="accredit keys new makes a key file.")
    found, skipped = [], []
    for path in sorted(folder.glob("*.key")):
        try:
            found.append(_facts(path))
        except InputError as error:
            skipped.append({"file": str(path), "problem": str(error)})

    def text() -> None:
        rows = [
            (k["file"], output.shorten(k["key"]), k["authority"], k["label"], k["last"]["seq"] if k["last"] else "–")
            for k in found
        ]
        output.table(
            ("file", "key", "authority", "label", "signed"),
            rows,
            empty="There are no key files (*.key) here. Make one: accredit keys new",
        )
        for entry in skipped:
            output.say(f"{output.fair('!')} {output.safe(entry['problem'])}")

    output.emit({"keys": found, "skipped": skipped}, text)


@keys.command(
    "export",
    example="""accredit keys export alice.key -o alice.toml
accredit keys export alice.key --next alice-next.key --budget 50000""",
)
@click.argument("file", type=FILE)
@click.option(
    "--budget",
    type=click.IntRange(1),
    default=FOUNDER_BUDGET,
    show_default=True,
    help="Number of statements it may sign.",
)
@click.option("--next", "next_file", type=FILE, help="Key file of its successor; the entry commits to that key's id.")
@click.option("-o", "--output", "target", type=FILE, default=Path("-"), help="File to write; default: standard output.")
def export(file: Path, budget: int, next_file: Path | None, target: Path) -> None:
    """Write the public entry of a key, for a charter or a delegation. It holds no secret."""
    held = read_public(file)
    entry: dict[str, Any] = {"public": multibase(held.public), "budget": budget}
    if held.label:
        entry["label"] = held.label
    if next_file is not None:
        entry["next"] = {"key": read_public(next_file).kid.hex(), "budget": budget}
    table = {"authority": held.authority, "key": entry}
    if str(target) == "-":
        output.emit(table, lambda: output.say(toml_text(table).rstrip()))
        return
    documents.write_new(target, "# The public entry of an authority's key; it holds no secret.\n" + toml_text(table))
    output.emit({**table, "file": str(target)}, lambda: output.say(f"Wrote {target}."))


@keys.command("add", example="accredit keys add carol.toml --budget 10000 --key alice.key")
@click.argument("entry", type=FILE)
@budget_option
@signing
def add(entry: Path, budget: int | None, desk: Desk) -> None:
    """Add a key to your authority, from its public ENTRY. As many keys as the authority's threshold must agree."""
    body = read_entry(entry, budget=budget or ADDED_BUDGET)
    label = str(body.get("label", ""))
    desk.propose([Say(kind="key.add", sub=desk.authority, body=body, label=label, chose_budget=budget is not None)])


@keys.command(
    "rotate",
    example="""accredit keys rotate alice-2.toml --old 5f2b8c11 --key alice-next.key
accredit keys rotate alice-2.toml --old 5f2b8c11 --last 88d1f0a2 --key bob.key""",
)
@click.argument("entry", type=FILE)
@click.option("--old", required=True, metavar="KEY", help="The key to replace: its id or the beginning of it.")
@click.option(
    "--last", metavar="ID", help="Its last good statement, or `none`; default: its newest statement on the node."
)
@budget_option
@click.option("--reason", help="Reason, kept on record.")
@signing
def rotate(entry: Path, old: str, last: str | None, budget: int | None, reason: str | None, desk: Desk) -> None:
    """Replace one of your authority's keys with the key in ENTRY.

    If the old key committed to a successor, only that successor can replace it: sign with its key file, and give its
    own public entry.
    """
    kid = _key_of(desk, old)
    new = read_entry(entry, budget=budget or ADDED_BUDGET)
    if key_id(new["public"]) == kid:
        raise InputError(
            "same_key",
            f"{entry} holds the key that it would replace, {kid.hex()[:12]}; that key would sign no more.",
            hint="Give the public entry of a new key: accredit keys new FILE, then accredit keys export FILE.",
        )
    body = {"key": kid, "last": _last(desk, kid, last or "newest"), "new": new}
    desk.propose([replace(_key_say("key.rotate", desk, body, reason), chose_budget=budget is not None)])


@keys.command("retire", example="accredit keys retire 5f2b8c11 --reason 'Alice has left' --key bob.key")
@click.argument("old", metavar="KEY")
@click.option(
    "--last", metavar="ID", help="Its last good statement, or `none`; default: its newest statement on the node."
)
@click.option("--reason", help="Reason, kept on record.")
@signing
def retire(old: str, last: str | None, reason: str | None, desk: Desk) -> None:
    """Retire a KEY of your authority: its statements still stand, but it can sign no more."""
    kid = _key_of(desk, old)
    body = {"key": kid, "last": _last(desk, kid, last or "newest")}
    desk.propose([_key_say("key.retire", desk, body, reason)])


@keys.command(
    "compromise", example="accredit keys compromise 5f2b8c11 --last 88d1f0a2 --reason 'laptop stolen' --key bob.key"
)
@click.argument("old", metavar="KEY")
@click.option("--last", metavar="ID", help="Its last good statement, or `none`; every later one is void.")
@click.option("--reason", help="Reason, kept on record.")
@signing
def compromise(old: str, last: str | None, reason: str | None, desk: Desk) -> None:
    """Report a KEY of your authority as stolen. All its statements after the last good one are void, permanently."""
    kid = _key_of(desk, old)
    if last is None:
        newest = "".join(f"\n  {line}" for line in _recent(desk, kid)) or " it has signed none: use --last none"
        raise InputError(
            "last_missing",
            "Which statement was the last good one? Every later statement by the key becomes void.",
            hint=f"Add --last ID. Its newest statements, latest first:{newest}",
        )
    body = {"key": kid, "last": _last(desk, kid, last)}
    signer = read_public(desk.key_path)
    if _is_committed_successor(desk, kid, signer.kid):
        body["public"] = signer.public
    desk.propose([_key_say("key.compromise", desk, body, reason)])


@keys.command("status", example="accredit keys status alice.key --node https://node1.example.org")
@click.argument("file", type=FILE)
@node_option
def status(file: Path, nodes: tuple[str, ...]) -> None:
    """Show what a node knows about a key: for whom it signs, and how many statements it has signed and may sign."""
    held = read_public(file)
    with connected(nodes[0]) as client:
        known = client.key(held.kid)

    def text() -> None:
        output.facts(
            [
                ("key", known["key"]),
                (
                    "signs for",
                    output.lines(sorted(map(_mandate, known["authorities"]))) or "nobody, or no longer",
                ),
                ("statements", f"{known['seq']} of {known['budget']}"),
                ("newest", known["head"]),
                ("forked", output.bad("yes: two statements with the same number") if known["forked"] else ""),
                ("last in this file", held.last.seq if held.last else "none"),
            ]
        )

    output.emit(known, text)


def _mandate(voice: dict[str, Any]) -> str:
    """An authority for which a key signs, and by whose power."""
    by, via = voice["by"], voice["via"]
    return f"{by}, by the charter" if via is None else f"{by}, by delegation {output.shorten(via)}"


def read_entry(path: Path, *, budget: int | None = None) -> dict[str, Any]:
    """The key entry in a file of `keys export`, or of a bare entry; with another budget for it and its successor.

    Raises:
        DecodeError: it is neither.
    """
    from accredit.governance.index.key_entries import KEY

    table = documents.convert(documents.read_file(path))
    if "sealed" in table:
        raise DecodeError(
            "not_a_key_entry",
            f"{path} is a key file with a secret key; what goes to others is its public entry.",
            hint=f"Write that, and give it instead: accredit keys export {output.quoted(path)} "
            f"-o {output.quoted(path.with_suffix('.toml'))}",
        )
    entry = table.get("key") if isinstance(table.get("key"), dict) else table
    entry = {name: value for name, value in entry.items() if name != "authority"}
    if budget is not None:
        entry["budget"] = budget
        if isinstance(entry.get("next"), dict):
            entry["next"] = {**entry["next"], "budget": budget}
    try:
        KEY(entry, "key")
    except DecodeError as error:
        raise DecodeError(
            error.code, f"{path}: {error.message}", hint="accredit keys export writes a public key entry."
        ) from error
    return entry


def _authority(typed: str) -> str:
    """The id of the authority that a key shall speak for."""
    from accredit.cli.base.ids import AUTHORITIES, read_id
    from accredit.cli.base.real_lists import check_did_method

    check_did_method(typed, "--authority")
    chosen = "A body that is not listed yet chooses its id, such as did:web:council.example."
    return read_id(typed, "--authority", search=f"{AUTHORITIES}\n{chosen}")


def _create(
    path: Path, seed: bytes, passphrase: str, label: str, authority: str, sealing: str = "moderate"
) -> dict[str, Any]:
    from accredit.node.files.key_files import INTERACTIVE, MODERATE, SealedKey

    with output.progress("Encrypting the key"):
        limits = INTERACTIVE if sealing == "interactive" else MODERATE
        SealedKey.create(path, seed, passphrase, label=label, authority=authority, limits=limits)
    return _facts(path)


def _facts(path: Path) -> dict[str, Any]:
    key = read_public(path)
    return {
        "file": str(path),
        "key": key.kid.hex(),
        "public": multibase(key.public),
        "did": did_key(key.public),
        "authority": key.authority,
        "label": key.label,
        "holds_secret": key.is_secret,
        "last": {"seq": key.last.seq, "id": key.last.id.hex()} if key.last else None,
    }


def _show(key: dict[str, Any]) -> None:
    output.say(output.styled(key["file"], bold=True))
    signed = f"{key['last']['seq']} (statement {key['last']['id'][:12]})" if key["last"] else "nothing yet"
    output.facts(
        [
            ("key id", key["key"]),
            ("public", key["public"]),
            ("authority", key["authority"]),
            ("label", key["label"]),
            (
                "last signed",
                signed if key["holds_secret"] else "not known from the public entry; accredit keys status FILE asks",
            ),
        ]
    )


def _key_say(kind: str, desk: Desk, body: dict[str, Any], reason: str | None) -> Say:
    if reason:
        body["reason_text"] = reason
    return Say(kind=kind, sub=desk.authority, body=body, label=f"key {output.shorten(body['key'])}")


def _key_of(desk: Desk, text: str) -> bytes:
    """The id of a key: whole, its beginning, or that of a public entry's file."""
    from accredit.cli.base.node_option import complete

    path = Path(text)
    if path.suffix in (".toml", ".key"):
        return key_id(read_public(path).public)
    return bytes.fromhex(complete(text, lambda: _known_keys(desk), "a key"))


def _known_keys(desk: Desk) -> list[str]:
    return [str(head["key"]) for head in desk.client.heads()["heads"]] + [
        str(key["key"])
        for authority in desk.client.authorities()["authorities"]
        for standing in authority["standings"]
        for key in standing["keys"]
    ]


def _last(desk: Desk, kid: bytes, text: str) -> bytes | None:
    if text == "none":
        return None
    known = desk.client.key(kid)
    if text == "newest":
        return bytes.fromhex(known["head"]) if known["head"] else None
    from accredit.cli.base.node_option import complete

    last = bytes.fromhex(complete(text, lambda: _every_id(desk, known["head"], known["seq"]), "a statement"))
    _check_last(desk, kid, last)
    return last


def _check_last(desk: Desk, kid: bytes, last: bytes) -> None:
    """Refuses as the last good statement one by another key: nothing comes before it, so all would be void.

    Raises:
        InputError: another key's, or this node does not hold it.
    """
    from accredit.registry.statement import decode

    said = decode(desk.client.statement_bytes(last))
    if said.kid != kid or said.id != last:
        raise InputError(
            "not_its_statement",
            f"{last.hex()[:12]} is not a statement of the key {kid.hex()[:12]}: all that it has signed would be void.",
            hint="Leave --last out to see its newest statements; --last none makes all of them void.",
        )


def _every_id(desk: Desk, head: str | None, count: int) -> list[str]:
    """Return the ids of all statements of a key, latest first; a thief can make two that begin in the same way.

    Raises:
        RemoteError: the node gives another statement than it was asked for.
    """
    from accredit.registry.statement import decode

    found: list[str] = []
    with output.progress("Reading the key's statements", count) as step:
        while head:
            said = decode(desk.client.statement_bytes(head))
            if said.id.hex() != head:
                raise RemoteError(
                    "bad_answer",
                    f"{desk.nodes[0]} gives another statement than {head[:12]}.",
                    hint="Ask another node with --node, and tell its operator.",
                )
            found.append(head)
            head = said.prev.hex() if said.prev else None
            step(1)
    return found


def _recent(desk: Desk, kid: bytes) -> list[str]:
    """The newest statements of a key for people to choose from, latest first, and how many more there are."""
    known = desk.client.key(kid)
    at: str | None = known["head"]
    shown: list[str] = []
    while at and len(shown) < RECENT:
        one = desk.client.statement(at)
        shown.append(f"{one['id'][:12]}  {documents.when(one['iat'])}  {one['kind']}  {one['sub']}")
        at = one["prev"]
    if at:
        before = f"accredit show {shown[-1][:12]} --json names the one before as prev"
        shown.append(f"and {known['seq'] - len(shown)} older ones: {before}")
    return shown


def _is_committed_successor(desk: Desk, kid: bytes, signer: bytes) -> bool:
    """Whether `signer` is not one of the authority's shown keys: then it is the committed next key of `kid`."""
    shown = {
        key["key"]
        for authority in desk.client.authorities()["authorities"]
        for standing in authority["standings"]
        for key in standing["keys"]
        if not key["cut"]
    }
    return signer != kid and signer.hex() not in shown
