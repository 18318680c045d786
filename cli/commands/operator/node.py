"""`accredit node`: operates a node, from its keys to its retirement.

init      keys, a commented configuration, and the NODE entry that a charter or an admission takes
genesis   puts the signed genesis in place, for a node that the charter names
join      the same as init, for an ecosystem that already exists; writes an admission request
admit, replace, retire   propose to let a node in, to give its name another entry, to let it out
run       runs it
status, peers   how nodes are, as they say themselves (`node_status`)
conflicts, accuse   which of them were caught lying, and the proof (`node_conflicts`)
audit     computes everything again from the stored bytes
publish   writes the state and the log as files, to a folder or an object store (`node_publish`)
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import click

from accredit.cli.base import documents, exits, output
from accredit.cli.base.commands import CommandGroup
from accredit.cli.base.file_argument import FILE, FileIn
from accredit.cli.base.node_option import connected
from accredit.cli.base.output import bad, good
from accredit.cli.signing.workflow import Desk, Say, signing
from accredit.node.clients.node_url import node_url
from accredit.node.files.atomic_files import create_file, write_atomically
from accredit.node.toml_text import toml_text
from accredit.registry.encoding.ed25519 import multibase
from accredit.registry.errors import InputError, RefusedError

_FOLDER = click.Path(path_type=Path, file_okay=False)

CONFIG: Final = "node.toml"
ENTRY: Final = "node-entry.toml"
GENESIS: Final = "genesis.cose"
node = CommandGroup(
    "node",
    help="Run a node: init, genesis, join, admit, retire, run, watch and audit it, backup, restore.",
    lazy={
        "status": (
            "accredit.cli.commands.operator.node_status:status",
            "Show the status of nodes, and whether they hold the same statements.",
        ),
        "peers": ("accredit.cli.commands.operator.node_status:peers", "Show how a node sees the other nodes."),
        "doctor": (
            "accredit.cli.commands.operator.node_doctor:doctor",
            "Examine a node: disk, clock, alarms, and what the registry says about it.",
        ),
        "conflicts": (
            "accredit.cli.commands.operator.node_conflicts:conflicts",
            "List nodes that were caught contradicting themselves.",
        ),
        "accuse": (
            "accredit.cli.commands.operator.node_conflicts:accuse",
            "Send nodes the proof that one of them contradicted itself.",
        ),
        "backup": ("accredit.cli.commands.operator.node_backup:backup", "Copy a node's database into a new file."),
        "publish": (
            "accredit.cli.commands.operator.node_publish:publish",
            "Publish what proves itself as files, for a web server or an object store.",
        ),
        "restore": (
            "accredit.cli.commands.operator.node_backup:restore",
            "Restore a backup, if it holds everything the node has signed.",
        ),
    },
)


def _identity_options(command: Any) -> Any:
    for option in reversed(
        (
            click.option("--name", required=True, help="The node's permanent name, such as node1.example.org."),
            click.option("--operator", required=True, metavar="ID", help="Who runs it: an authority's id, or a name."),
            click.option(
                "--url", required=True, help="URL at which others reach it, such as https://node1.example.org."
            ),
            click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on."),
            click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True),
            click.option(
                "--seal", type=FILE, metavar="FILE", help="Encrypt the node's keys with the passphrase in FILE."
            ),
        )
    ):
        command = option(command)
    return command


@node.command(
    "init",
    example="""accredit node init node1 --name node1.example.org --operator did:web:uni.example --url https://node1.example.org
accredit node init . --name localhost-1 --operator "My tests" --url http://127.0.0.1:8081 --port 8081""",
)
@click.argument("folder", type=_FOLDER)
@_identity_options
def init(folder: Path, **identity: Any) -> None:
    """Make a node's keys, its commented configuration and its NODE entry in FOLDER.

    Use this for an ecosystem that does not exist yet, and `accredit node join` for one that does.
    """
    entry = _make(folder, identity, {})

    def text() -> None:
        _tell_made(folder, identity)
        entry_path = output.quoted(folder / ENTRY)
        output.say(f"Next: put the entry into the charter:  accredit charter draft … --node-entry {entry_path}")
        output.say(f"Then, once the charter is signed:  accredit node genesis {output.quoted(folder)} genesis.json")

    output.emit({"folder": str(folder), "node": entry}, text)


@node.command("genesis", example="accredit node genesis node1 genesis.json")
@click.argument("folder", type=_FOLDER)
@click.argument("file", type=FILE)
def genesis(folder: Path, file: Path) -> None:
    """Install the signed genesis (the ceremony FILE) for the node in FOLDER."""
    from accredit.cli.commands.governance.ceremony import approvals_lacking, genesis_statement

    said, raw = genesis_statement(file)
    lacking = approvals_lacking(file)
    config = folder / CONFIG
    text = documents.read_text(config)
    named = re.search(r'^ecosystem = "([0-9a-f]{64})"', text, re.MULTILINE)
    if named is not None and named[1] != said.id.hex():
        raise RefusedError(
            "other_ecosystem",
            f"{config} belongs to the ecosystem {named[1][:12]}, but {file} founds the ecosystem {said.id.hex()[:12]}.",
            hint="A node cannot change its ecosystem; make another node with accredit node init.",
        )
    write_atomically(folder / GENESIS, raw)
    for name, value in (("ecosystem", said.id.hex()), ("genesis_file", GENESIS)):
        text = _set(text, name, value, config)
    write_atomically(config, text.encode())

    def tell() -> None:
        output.say(f"{good('Ready.')} {config} names the ecosystem {said.id.hex()}.")
        if lacking:
            output.say(f"Its charter is not in effect yet: it takes {lacking}.")
        output.say(f"Next:  accredit node run {output.quoted(folder)}")
        output.say(f"and then:  accredit charter publish {output.quoted(file)} --node URL")

    output.emit({"ecosystem": said.id, "config": str(config)}, tell)


@node.command(
    "join",
    example="""accredit node join https://node1.example.org --ecosystem 5f2b8c11… --folder node5 \\
    --name node5.example.org --operator "Example Library" --url https://node5.example.org""",
)
@click.argument("peer", metavar="URL")
@click.option(
    "--ecosystem",
    required=True,
    metavar="HASH",
    help="The id of the genesis statement, as in node.toml of each member; get it from somebody you trust.",
)
@click.option("--folder", type=_FOLDER, default=Path(), help="Folder for its files; default: the current one.")
@click.option("--replaces", is_flag=True, help="It replaces the active node that has this name.")
@_identity_options
def join(peer: str, ecosystem: str, folder: Path, replaces: bool, **identity: Any) -> None:
    """Make a node for an existing ecosystem, and its request to be admitted.

    It can run at once and follow the log; it counts once it is admitted. The command fetches the genesis, whose hash
    must be HASH.
    """
    from accredit.cli.signing.offline_files import genesis_of
    from accredit.registry.statement import decode

    wanted = documents.digest(ecosystem.lower(), "genesis id")
    with connected(peer) as client:
        raw = client.genesis()
        if decode(raw).id != wanted:
            raise RefusedError(
                "other_ecosystem",
                f"{peer} serves the ecosystem {decode(raw).id.hex()[:12]}, not {ecosystem[:12]}.",
                hint="Check the id with whoever gave it to you, or ask another node.",
            )
        genesis_of([raw], peer)
        known = client.ecosystem()
    taken = next((one for one in known["nodes"] if one["name"] == identity["name"]), None)
    if taken is not None and not replaces:
        raise RefusedError(
            "name_taken",
            f"{identity['name']} is the name of an active node, run by {taken['operator']} at {taken['url']}.",
            hint="Choose another name, or add --replaces if the new node replaces that one.",
        )
    peers = [
        {"url": one["url"], "key": documents.public_key(one["keys"]["peer"]).hex()}
        for one in known["nodes"]
        if one["name"] != identity["name"]
    ]
    entry = _make(folder, identity, {"ecosystem": wanted.hex(), "genesis_file": GENESIS, "peers": peers})
    create_file(folder / GENESIS, raw)

    def text() -> None:
        _tell_made(folder, identity)
        output.say(f"Next: send {folder / ENTRY} to an authority of {output.safe(known['name'])}, who runs:")
        output.say(f"  accredit node {'replace' if taken else 'admit'} {output.quoted(ENTRY)}")
        output.say(f"Meanwhile it can already follow the log:  accredit node run {output.quoted(folder)}")

    output.emit({"folder": str(folder), "node": entry, "ecosystem": wanted, "peers": peers}, text)


@node.command("admit", example="accredit node admit node-entry.toml --key alice.key")
@click.argument("file", type=FileIn(ENTRY))
@signing
def admit(file: Path, desk: Desk) -> None:
    """Propose to admit the node whose request is in FILE. This takes a majority unless the charter says otherwise."""
    from accredit.cli.commands.governance.charter import read_node_entry

    body = documents.to_body("node.admit", read_node_entry(file), str(file))
    desk.propose([Say(kind="node.admit", sub=body["name"], body=body)])


@node.command(
    "replace",
    example="""accredit node replace node-entry.toml --key alice.key
accredit node replace node5.example.org --url https://accredit.node5.example.org --key alice.key""",
)
@click.argument("file_or_name", metavar="FILE|NAME")
@click.option("--url", help="Its new address, if nothing else changes.")
@click.option("--operator", metavar="ID", help="Its new operator, if nothing else changes.")
@signing
def replace(file_or_name: str, url: str | None, operator: str | None, desk: Desk) -> None:
    """Propose a new entry for a node's name: give FILE with the whole entry, or NAME and the changes.

    The name stays; the keys, address or operator change, and voters see which. This takes the same approvals as
    admitting a node. Set the same public_url in the node's configuration.
    """
    from accredit.cli.commands.governance.charter import read_node_entry
    from accredit.governance.authority.node_names import entry_digest

    in_force = {str(one["name"]): _entry_of(one) for one in desk.ecosystem["nodes"]}
    if Path(file_or_name).is_file():
        if url or operator:
            raise click.UsageError("FILE holds the whole entry; --url and --operator work only with a NAME.")
        entry = documents.to_body("node.admit", read_node_entry(Path(file_or_name)), file_or_name)
    elif file_or_name in in_force and (url or operator):
        changes = {"url": url and url.rstrip("/"), "operator": operator}
        entry = {**in_force[file_or_name], **{name: value for name, value in changes.items() if value}}
    else:
        inside = Path(file_or_name) / ENTRY
        raise InputError(
            "unknown_node",
            f"{file_or_name!r} is neither a file nor, with --url or --operator, the name of an active node.",
            hint=f"Give the file in it: {inside}" if inside.is_file() else f"Active nodes: {', '.join(in_force)}.",
        )
    if entry["name"] not in in_force:
        raise InputError(
            "unknown_node",
            f"No active node has the name {entry['name']}.",
            hint="Admit a new node with accredit node admit; a retired name cannot be used again.",
        )
    body = {**entry, "replaces": entry_digest(in_force[entry["name"]])}
    desk.propose([Say(kind="node.replace", sub=entry["name"], body=body)])


def _entry_of(record: dict[str, Any]) -> dict[str, Any]:
    """A node's entry, as statements hold it, from how a node shows it."""
    keys = {role: documents.public_key(key) for role, key in record["keys"].items()}
    return {"name": record["name"], "operator": record["operator"], "url": record["url"], "keys": keys}


@node.command("retire", example="accredit node retire node5.example.org --reason 'project ended' --key alice.key")
@click.argument("node_name", metavar="NAME")
@click.option("--reason", help="Reason, kept on record.")
@signing
def retire(node_name: str, reason: str | None, desk: Desk) -> None:
    """Propose to retire a node. It no longer counts, but its log stays valid."""
    names = [one["name"] for one in desk.ecosystem["nodes"]]
    if node_name not in names:
        raise InputError(
            "unknown_node", f"There is no node {node_name!r}.", hint="Active nodes: " + ", ".join(names) + "."
        )
    body = {"name": node_name, **({"reason_text": reason} if reason else {})}
    desk.propose([Say(kind="node.retire", sub=node_name, body=body)])


@node.command(
    "run",
    example="""accredit node run node1
accredit node run node1 --query-workers 2
ACCREDIT_PORT=8081 accredit node run node1""",
)
@click.argument("folder", metavar="FOLDER|CONFIG", type=click.Path(path_type=Path), default=Path())
@click.option(
    "--workers",
    type=click.IntRange(0, 256),
    help="Number of processes that check signatures while a log is read in (setting ingest_workers); 0: one per core.",
)
@click.option(
    "--query-workers",
    type=click.IntRange(0, 256),
    help="Processes that answer public questions besides the node's own, on the same port (setting query_workers).",
)
def run(folder: Path, workers: int | None, query_workers: int | None) -> None:
    """Run the node in FOLDER (default: here) until it is stopped with Ctrl-C or SIGTERM.

    A new node first reads in the log of one of its first peers, and answers once it has it.
    """
    from msgspec import structs

    from accredit.cli.base.progress import shown
    from accredit.cli.commands.governance.ceremony import genesis_statement
    from accredit.node.app import run_node
    from accredit.node.settings import load, no_ecosystem

    def read_genesis(path: Path) -> tuple[bytes, bytes]:
        said, raw = genesis_statement(path)
        return said.id, raw

    path = config_path(folder)
    config = load(path)
    if not config.ecosystem:
        raise no_ecosystem(str(path), output.quoted(folder))
    if workers is not None:
        config = structs.replace(config, ingest_workers=workers)
    if query_workers is not None:
        config = structs.replace(config, query_workers=query_workers)
    run_node(
        config,
        read_genesis=read_genesis,
        ready=lambda url: output.note(f"{good(config.name)} answers at {url}. Stop it with Ctrl-C."),
        shown=lambda what: shown(what, config.log_format),
    )


@node.command(
    "audit",
    example="""accredit node audit node1
accredit node audit node1 --node http://127.0.0.1:8080""",
)
@click.argument("folder", metavar="FOLDER|CONFIG", type=click.Path(path_type=Path), default=Path())
@click.option("--node", "url", metavar="URL", help="Also compare with what this node reports about itself.")
def audit(folder: Path, url: str | None) -> None:
    """Recompute everything from a node's stored bytes: log, signatures, records, roots. Safe while it runs.

    Names the first error and ends with 6 if the bytes are inconsistent; ends with 1 if they are consistent but differ
    from what the node signed or reports.
    """
    from .node_audit import audit_node

    with output.progress("Auditing") as step:
        findings = audit_node(config_path(folder), url, step)

    def text() -> None:
        rows = [(good("fits") if one.fits else bad("differs"), one.what, one.detail) for one in findings]
        output.table(("", "what", "found"), rows)

    rows = [{"what": one.what, "fits": one.fits, "detail": one.detail} for one in findings]
    output.emit({"fits": all(one.fits for one in findings), "findings": rows}, text)
    if not all(one.fits for one in findings):
        raise exits.Negative


def config_path(place: Path) -> Path:
    """The configuration in a folder, or the file itself.

    Raises:
        InputError: there is none.
    """
    path = place / CONFIG if place.is_dir() else place
    if not path.exists():
        where = "this folder" if str(place) == "." else str(place)
        raise InputError(
            "no_config",
            f"There is no node in {where}.",
            hint="Give the folder of one, or make one with accredit node init (a new ecosystem) or accredit node join.",
        )
    return path


def _make(folder: Path, identity: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    """Keys, configuration and NODE entry of a new node; the entry in its written form."""
    from accredit.node.files.key_files import NodeKeys
    from accredit.node.files.secret_files import check_strength, read_passphrase
    from accredit.node.settings import write_commented

    written = {"name": identity["name"], "operator": identity["operator"], "url": node_url(identity["url"])}
    supposed = dict.fromkeys(("peer", "log", "witness", "state"), _SOME_KEY)
    documents.to_body("node.admit", {**written, "keys": supposed}, documents.OPTIONS)
    if (folder / CONFIG).exists():
        raise InputError("file_exists", f"{folder / CONFIG} already exists.", hint="Choose another folder.")
    seal = identity["seal"]
    passphrase = read_passphrase(seal) if seal is not None else None
    if seal is not None and passphrase is not None:
        check_strength(passphrase, known=(identity["name"], identity["operator"]))
        settings = {**settings, "keys_passphrase_file": str(seal.absolute())}
    write_commented(
        folder / CONFIG,
        name=identity["name"],
        **settings,
        host=identity["host"],
        port=identity["port"],
        public_url=written["url"],
    )
    with output.progress("Making keys"):
        keys = NodeKeys.create(folder / "data" / "node-keys.json", identity["name"], passphrase=passphrase)
    entry = {**written, "keys": {role: multibase(public) for role, public in keys.publics().items()}}
    documents.write_new(
        folder / ENTRY, "# What others need to know about this node; it holds no secret.\n" + toml_text(entry)
    )
    return entry


_SOME_KEY: Final = multibase(bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"))
"""Stands for keys while the other members are checked, before any file is written (RFC 8032 §7.1, test 1)."""


def _tell_made(folder: Path, identity: Mapping[str, Any]) -> None:
    listens = f"{identity['host']}:{identity['port']}"
    if urlsplit(identity["url"]).port not in (None, identity["port"]):
        listens += f", and its URL names another port: set port in {folder / CONFIG}, unless a proxy joins the two"
    output.say(good(f"Made a node in {folder}."))
    output.facts(
        [
            ("configuration", folder / CONFIG),
            ("secret keys", f"{folder / 'data' / 'node-keys.json'} (keep a copy somewhere safe)"),
            ("public entry", folder / ENTRY),
            ("listens on", listens),
        ]
    )


def _set(text: str, name: str, value: str, config: Path) -> str:
    """The configuration with one setting set, whether it was a comment or not."""
    changed, count = re.subn(rf"^(?:# )?{name} = .*$", f'{name} = "{value}"', text, count=1, flags=re.MULTILINE)
    if count != 1:
        raise InputError("bad_config", f"{config} has no line for {name}.", hint=f'Add the line: {name} = "{value}"')
    return changed
