"""`accredit charter`: the ecosystem's constitution, from the first draft to its amendments.

draft    puts it together from exported key entries and node entries, as a commented TOML file
check    describes its meaning, and checks that its rules can be met
sign     a founder signs: the TOML file becomes the genesis, in a ceremony file the others then sign too
publish  sends a ceremony file to a node
show, history   the charter in force, and its history
amend    proposes the next version
"""

from pathlib import Path
from typing import Any, Final, cast

import click

from accredit.cli.base import documents, output
from accredit.cli.base.commands import CommandGroup
from accredit.cli.base.context import wants_json
from accredit.cli.base.file_argument import FILE, FileIn
from accredit.cli.base.node_option import connected, newest_heads, node_option
from accredit.cli.base.output import bad, fair, good, shorten
from accredit.cli.signing.keys import key_options, require_yes
from accredit.cli.signing.submit import submit as send
from accredit.cli.signing.workflow import Desk, Say, signing
from accredit.node.toml_text import toml_text
from accredit.registry.encoding.counts import many
from accredit.registry.errors import DecodeError, InputError, RefusedError, StorageError
from accredit.registry.limits import SIGNERS

from .keys import read_entry

charter = CommandGroup(
    "charter", help="The ecosystem's constitution: draft, check, sign, publish, show, amend, history."
)


class _Threshold(click.types.IntParamType):
    """The number that ends a governance body on the command line."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """As click's; says which of the four parts is wrong."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"THRESHOLD, the last of its four parts, is a whole number such as 2, not {value!r}.", param, ctx)


COMMENTS: Final = {
    "id": "The ecosystem's permanent identifier: a DID or https URL that you control.",
    "name": "The ecosystem's name, for people to read.",
    "fold": "Version of the fold: the rules by which every node turns statements into records.",
    "signers": "At most 16 nodes, each of another operator, that vouch for the common state. A quorum is two thirds\n"
    "of them, rounded down, plus one; with fewer than 4 none may be down.",
    "publishers": "Authorities whose frameworks and facts about issuers count for every accreditation.",
    "proposals_lapse": 'How long a proposal waits in inboxes before it lapses, e.g. "90d"; if left out, never.',
    "max_backdating": 'How far in the past a grant may begin, e.g. "5y"; if left out, there is no limit.',
    "rules": "How many authorities must approve each kind of statement, where this differs from the default:\n"
    '"accreditation.grant" = { authorities = 2 }\n'
    '"charter.amend" = { fraction = "2/3" }\n'
    '"issuer.register" = { majority = true, constituencies = { nonprofit = 1 } }',
    "authorities": "The governance bodies. threshold: how many of a body's keys make it speak. constituency:\n"
    "nonprofit, public, education, employer, labor, government, industry, learner or other.",
    "authorities.keys": "Its keys, from accredit keys export.",
    "nodes": "The first nodes, from accredit node init. Add later ones with accredit node admit.",
}
"""What a draft says above its members."""

OPTIONAL: Final = {"publishers": '["did:web:uni.example"]', "proposals_lapse": '"90d"', "max_backdating": '"5y"'}
"""Members that a draft does not set, each with an example."""


@charter.command(
    "draft",
    example="""accredit charter draft --id https://trust.example/ --name "Example Trust" \\
    --authority did:web:uni.example "University Council" education 2 \\
    --authority did:web:ngo.example "Open Learning NGO" nonprofit 1 \\
    --keys alice.toml --keys bob.toml --keys carol.toml --keys ngo.toml \\
    --node-entry node1.toml --node-entry node2.toml -o charter.toml""",
)
@click.option(
    "--id", "charter_id", required=True, metavar="ID", help="The ecosystem's id: a DID or https URL that you control."
)
@click.option("--name", required=True, help="Its name.")
@click.option(
    "--authority",
    "authorities",
    type=(str, str, str, _Threshold()),
    multiple=True,
    required=True,
    metavar="ID NAME CONSTITUENCY THRESHOLD",
    help="A governance body; may be repeated.",
)
@click.option(
    "--keys",
    "entries",
    type=FILE,
    multiple=True,
    required=True,
    help="Key entry, from accredit keys export; may be repeated.",
)
@click.option(
    "--node-entry", "nodes", type=FileIn("node-entry.toml"), multiple=True, help="A node's entry; may be repeated."
)
@click.option("--signer", "signers", metavar="NAME", multiple=True, help="Node that cosigns; default: all, up to 16.")
@click.option("-o", "--output", "target", type=FILE, default=Path("charter.toml"), show_default=True)
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
def draft(
    charter_id: str,
    name: str,
    authorities: tuple[tuple[str, str, str, int], ...],
    entries: tuple[Path, ...],
    nodes: tuple[Path, ...],
    signers: tuple[str, ...],
    target: Path,
    force: bool,
) -> None:
    """Draft a charter, as a TOML file to read, edit and check."""
    from accredit.registry.domain.records import FOLD_VERSION
    from accredit.registry.encoding.identifiers import canonical_issuer

    keys = _keys_by_authority(entries, [canonical_issuer(row[0]) for row in authorities])
    node_entries = [read_node_entry(path) for path in nodes]
    written: dict[str, Any] = {
        "id": canonical_issuer(charter_id),
        "name": name,
        "fold": FOLD_VERSION,
        "signers": list(signers) or [entry["name"] for entry in node_entries][:SIGNERS],
        "rules": {},
        "authorities": [
            {
                "id": canonical_issuer(id_),
                "name": title,
                "constituency": seat,
                "threshold": threshold,
                "keys": keys[canonical_issuer(id_)],
            }
            for id_, title, seat, threshold in authorities
        ],
        "nodes": node_entries,
    }
    body = documents.to_body("charter.genesis", written, "the charter")
    left_out = "".join(_left_out(name, example) for name, example in OPTIONAL.items() if name not in body)
    text = (
        "# A charter. Read it, change it, then: accredit charter check FILE\n"
        f"#\n# What may be added here, above everything else:\n{left_out}\n"
        + toml_text(documents.render(body), comments=COMMENTS)
    )
    documents.write_new(target, text, force=force)

    def tell() -> None:
        output.say(
            f"Wrote {target}: {many(len(authorities), 'authority')}, {many(len(entries), 'key')}, "
            f"{many(len(nodes), 'node')}."
        )
        output.say(f"Next: read and edit it, then  accredit charter check {output.quoted(target)}")

    output.emit({"file": str(target), "charter": documents.render(body)}, tell)


def _left_out(name: str, example: str) -> str:
    """A member that is not set, as comments: what it says, and how it is written."""
    return "".join(f"# {line}\n" for line in [*COMMENTS[name].splitlines(), f"    {name} = {example}"])


@charter.command("check", example="accredit charter check charter.toml")
@click.argument("file", type=FILE)
def check(file: Path) -> None:
    """Describe a charter FILE in sentences: who can do and undo what, and what may be unwise about it."""
    from accredit.governance.rules.charter import parse
    from accredit.governance.rules.rules_outline import outline, warnings
    from accredit.registry.domain.bodies import CharterGenesis

    body = read_charter(file)
    parsed = parse(cast(CharterGenesis, body))
    advice, rows = [*_advice(body), *warnings(parsed)], outline(parsed)

    def text() -> None:
        _describe(body)
        output.table(
            ("kind", "done by", "undone by", "made retroactive by"),
            [(one.kind, one.done_by, one.undone_by, one.reaches_back_by) for one in rows],
        )
        for sentence in advice:
            output.say(f"{fair('!')} {output.safe(sentence)}")
        output.say(good("The charter is well-formed, and every rule in it can be met."))
        output.say(
            f"Next: the first founder signs:  accredit charter sign {output.quoted(file)} -o genesis.json --key FILE"
        )

    undoing = [
        {
            "kind": one.kind,
            "done_by": one.done_by,
            "undone_by": one.undone_by,
            "reaches_back_by": one.reaches_back_by,
        }
        for one in rows
    ]
    output.emit({"charter": documents.render(body), "advice": advice, "undoing": undoing}, text)


@charter.command(
    "sign",
    example="""accredit charter sign charter.toml -o genesis.json --key alice.key
accredit charter sign genesis.json --key bob.key""",
)
@click.argument("file", type=FILE)
@click.option(
    "-o",
    "--output",
    "target",
    type=FILE,
    default=Path("genesis.json"),
    show_default=True,
    help="Ceremony file to make from a TOML file.",
)
@click.option("--yes", is_flag=True, help="Sign without asking for confirmation.")
@key_options
def sign(file: Path, target: Path, yes: bool, key: Path | None, passphrase_file: Path | None) -> None:
    """Sign as a founder. No network is used.

    The first founder signs the TOML FILE, which makes the genesis in a ceremony file; the others sign that file.
    """
    from .ceremony import approve, found, genesis_statement, progress_of

    if key is None:
        raise InputError("no_key", "No key file was given.", hint="Add --key FILE or set ACCREDIT_KEY.")
    is_first = file.suffix == ".toml"
    if is_first and target.exists():
        again = f"accredit charter sign {output.quoted(target)} --key {output.quoted(key)}"
        raise StorageError(
            "file_exists",
            f"{target} already exists: the first founder has signed.",
            hint=f"Whoever has not yet signed runs: {again}\nFor another charter, name another file: -o FILE",
        )
    body = read_charter(file) if is_first else genesis_statement(file)[0].body
    if not wants_json():
        _describe(body)
    require_yes(f"Sign this charter with {key}?", yes=yes)
    signed = found(body, str(file), key, passphrase_file, target) if is_first else approve(file, key, passphrase_file)
    ceremony = target if is_first else file
    progress = progress_of(signed, str(ceremony))
    _tell_progress(ceremony, progress)


@charter.command("publish", example="accredit charter publish genesis.json --node https://node1.example.org")
@click.argument("file", type=FILE)
@node_option
def publish(file: Path, nodes: tuple[str, ...]) -> None:
    """Send a ceremony FILE to a node of the new ecosystem, which passes it on to the other nodes."""
    from accredit.cli.signing.offline_files import read_ceremony

    from .ceremony import progress_of

    signed = read_ceremony(file)
    progress = progress_of(signed, str(file))
    with connected(nodes[0]) as client:
        receipts = send(client, signed.statements)
    refused = [receipt for receipt in receipts if receipt["status"] == "refused"]
    if refused:
        problem = refused[0]["problem"]
        raise RefusedError(problem["code"], problem["detail"], hint=problem.get("hint", ""))

    def text() -> None:
        output.say(f"{good('Published')} {output.safe(signed.ecosystem_name)}: {many(len(receipts), 'statement')}.")
        output.facts(
            [
                ("ecosystem", progress.ecosystem.hex()),
                ("in effect", "yes" if progress.effective else f"not yet: it needs {progress.needed}"),
            ]
        )

    output.emit({"ecosystem": progress.ecosystem, "effective": progress.effective, "statements": receipts}, text)


@charter.command(
    "show",
    example="""accredit charter show
accredit charter show --toml > next.toml""",
)
@click.option("--toml", "as_toml", is_flag=True, help="Print a file to edit and use with charter amend.")
@node_option
def show(as_toml: bool, nodes: tuple[str, ...]) -> None:
    """Show the charter in force."""
    with connected(nodes[0]) as client:
        ecosystem = client.ecosystem()
        versions = _versions(client, ecosystem)
    body = versions[0]["charter"]
    if as_toml:
        output.emit(
            body,
            lambda: output.say(toml_text(documents.render(documents.convert(body)), comments=COMMENTS).rstrip()),
        )
        return

    def text() -> None:
        _describe(documents.convert(body))
        output.facts(
            [
                ("ecosystem", ecosystem["ecosystem"]),
                ("version", f"{ecosystem['version']} (statement {shorten(versions[0]['id'])})"),
                (
                    "in effect",
                    "" if ecosystem["effective"] else bad("not yet: not all of its founders have approved it"),
                ),
            ]
        )

    output.emit({**ecosystem, "charter": body}, text)


@charter.command("history", example="accredit charter history")
@node_option
def history(nodes: tuple[str, ...]) -> None:
    """List every version of the charter, newest first, and what each changed."""
    from accredit.governance.rules.charter_differences import differences

    with connected(nodes[0]) as client:
        versions = _versions(client, client.ecosystem())
    for version, parent in zip(versions, [*versions[1:], None], strict=True):
        version["changes"] = differences(parent["charter"], version["charter"]) if parent else ["founded"]

    def text() -> None:
        rows = [
            (v["version"], documents.when(v["iat"]), shorten(v["id"]), v["iss"], "; ".join(v["changes"]))
            for v in versions
        ]
        output.table(("version", "said", "id", "by", "what changed"), rows)

    output.emit({"versions": versions}, text)


@charter.command(
    "amend",
    example="""accredit charter show --toml > next.toml
accredit charter amend next.toml --key alice.key""",
)
@click.argument("file", type=FILE)
@signing
def amend(file: Path, desk: Desk) -> None:
    """Propose the charter in FILE as the next version. The old and the new charter's authorities must both approve.

    The amendment names the newest statement of every key. The old rules still apply to those statements and all
    before them. Give several nodes (--node), so that no node can hide a statement.
    """
    from accredit.governance.rules.charter_differences import differences

    current = _versions(desk.client, desk.ecosystem)[0]
    before = documents.convert(current["charter"])
    written = documents.convert(documents.read_file(file))
    _give_nothing_twice(before, written)
    body = {
        "parent": bytes.fromhex(current["id"]),
        "version": current["version"] + 1,
        "charter": written,
        "heads": [{"key": key, "id": id_} for key, id_ in newest_heads(desk.nodes).items()],
    }
    checked = documents.to_body("charter.amend", body, str(file))
    if not differences(before, checked["charter"]):
        raise RefusedError(
            "unchanged",
            f"{file} is the same as the charter in force.",
            hint="Nothing was signed. Edit the file first; changed budgets of keys that are already listed do "
            "not count.",
        )
    desk.propose([Say(kind="charter.amend", sub=before["id"], body=checked, label=f"version {body['version']}")])


def _give_nothing_twice(before: dict[str, Any], written: dict[str, Any]) -> None:
    """Set the budget of known keys to 0, because a key listed again gets no more, and that of their successors to the
    least."""
    entries = [key for authority in before["authorities"] for key in authority["keys"]]
    known = {key["public"] for key in entries}
    committed = {key["next"]["key"] for key in entries if "next" in key}
    listed = [key for authority in written.get("authorities", []) for key in authority.get("keys", [])]
    for key in listed:
        if isinstance(key, dict) and key.get("public") in known:
            key["budget"] = 0
            successor = key.get("next")
            if isinstance(successor, dict) and successor.get("key") in committed:
                successor["budget"] = 1


def read_charter(path: Path) -> dict[str, Any]:
    """A charter's body from a TOML or JSON file, checked as a genesis."""
    return documents.to_body("charter.genesis", documents.read_file(path), str(path))


def read_node_entry(path: Path) -> dict[str, Any]:
    """A NODE entry, as `accredit node init` prints it, in its written form.

    Raises:
        DecodeError: the file is something else, such as the node's configuration, or the entry is not of its shape.
    """
    table = documents.read_file(path)
    entry = table.get("node", table)
    if not isinstance(entry, dict) or not ("operator" in entry or isinstance(entry.get("keys"), dict)):
        raise DecodeError(
            "not_a_node_entry",
            f"{path} is not the public entry of a node.",
            hint="Give node-entry.toml, which accredit node init and accredit node join write into the node's folder.",
        )
    documents.to_body("node.admit", entry, str(path))
    assert isinstance(entry, dict)
    return entry


def _keys_by_authority(paths: tuple[Path, ...], authorities: list[str]) -> dict[str, list[Any]]:
    keys: dict[str, list[Any]] = {authority: [] for authority in authorities}
    for path in paths:
        entry = documents.render(read_entry(path))
        authority = documents.read_file(path).get("authority")
        if authority not in keys:
            raise InputError(
                "whose_key",
                f"{path} is a key of {authority!r}, which is not one of the authorities given.",
                hint="Add --authority for it, or leave this file out.",
            )
        keys[authority].append(entry)
    for authority, held in keys.items():
        if not held:
            raise InputError("no_keys", f"No key of {authority} was given.", hint="Add --keys FILE for it.")
    return keys


def _describe(body: dict[str, Any]) -> None:
    from accredit.governance.rules.charter import parse_rule

    output.say(f"{output.styled(body['name'], bold=True)}  {output.safe(body['id'])}")
    rows = [
        (output.clipped(a["name"]), a["id"], a["constituency"], f"{a['threshold']} of {many(len(a['keys']), 'key')}")
        for a in body["authorities"]
    ]
    output.table(("authority", "id", "constituency", "signs with"), rows)
    if body["nodes"]:
        signers = body["signers"]
        rows = [(n["name"], n["operator"], n["url"], "signer" if n["name"] in signers else "") for n in body["nodes"]]
        output.table(("node", "operator", "url", ""), rows)
    total = len(body["authorities"])
    for kind, rule in sorted(body["rules"].items()):
        parsed = parse_rule(rule)
        seats = "".join(f", {count} of them {seat}" for seat, count in parsed.constituencies)
        output.say(
            f"  {output.safe(kind)} takes {parsed.needed(total)} of {many(total, 'authority')}{output.safe(seats)}"
        )
    output.say("  All other kinds follow the defaults." if body["rules"] else "  All kinds follow the defaults.")


def _advice(body: dict[str, Any]) -> list[str]:
    """Return remarks on rules that are allowed but may be unwise."""
    advice = []
    signers = len(body["signers"])
    if signers < 4:
        advice.append(
            f"With only {many(signers, 'signer')}, each must be up before a quorum can cosign a state; name 4 or more."
        )
    if len(body["authorities"]) < 2:
        advice.append("One authority alone decides everything, including amendments.")
    for authority in body["authorities"]:
        name = authority["name"]
        if len(authority["keys"]) == authority["threshold"]:
            advice.append(f"{name} can no longer sign if it loses one key; give it a spare key.")
        if not any("next" in key for key in authority["keys"]) and len(authority["keys"]) == 1:
            advice.append(
                f"{name}'s only key has no committed successor, so a thief could replace it: "
                "make one with accredit keys new --next FILE."
            )
        if not any(contact in authority for contact in ("url", "contact", "apply_url")):
            advice.append(f"{name} has no url or contact, so nobody will know where to apply or appeal.")
    return advice


def _tell_progress(ceremony: Path, progress: Any) -> None:
    def text() -> None:
        output.say(f"{good('Signed.')} {many(len(progress.signatures), 'signature')} in {ceremony}.")
        approved = ", ".join(progress.approved_by) or "no authority so far"
        output.facts(
            [("ecosystem", progress.ecosystem.hex()), ("approved by", approved), ("needed in total", progress.needed)]
        )
        if progress.effective:
            output.say(f"Enough have signed. Next:  accredit charter publish {output.quoted(ceremony)} --node URL")
        else:
            output.say(f"Next: another founder runs  accredit charter sign {output.quoted(ceremony)} --key FILE")

    output.emit(
        {
            "file": str(ceremony),
            "ecosystem": progress.ecosystem,
            "effective": progress.effective,
            "approved_by": progress.approved_by,
            "needed": progress.needed,
            "signatures": progress.signatures,
        },
        text,
    )


def _versions(client: Any, ecosystem: dict[str, Any]) -> list[dict[str, Any]]:
    """The charter's versions, newest first: from the statement in force back along `parent`."""
    found: list[dict[str, Any]] = []
    at: str | None = _charter_in_force(client, ecosystem)
    while at is not None:
        statement = client.statement(at)
        body = statement["body"]
        is_genesis = statement["kind"] == "charter.genesis"
        found.append(
            {
                "version": 1 if is_genesis else body["version"],
                "id": statement["id"],
                "iss": statement["iss"],
                "iat": statement["iat"],
                "charter": body if is_genesis else body["charter"],
            }
        )
        at = None if is_genesis else body["parent"]
    return found


def _charter_in_force(client: Any, ecosystem: dict[str, Any]) -> str:
    """Id of the statement with the charter in force: the genesis, or what the change feed says took effect last."""
    newest, after = str(ecosystem["ecosystem"]), 0
    while ecosystem["version"] > 1:
        page = client.changes(after=after, limit=1_000)
        for change in page["changes"]:
            if change["kind"] == "charter.amend" and change["change"] == "took_effect":
                body = client.statement(change["statement"])["body"]
                newest = change["statement"] if body["version"] == ecosystem["version"] else newest
        if not page["changes"] or page["next"] in (None, after):
            break
        after = page["next"]
    return newest
