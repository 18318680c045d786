"""`accredit node doctor`: whether a node matches its registry entry, can write, and has the right time.

It reads the node's configuration and keys, and asks both the node and the other nodes about it, because a node that was
retired, displaced or moved is the last to learn of it.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from accredit.cli.base import documents, exits, output
from accredit.cli.base.commands import Command
from accredit.cli.base.node_option import connected
from accredit.cli.base.output import bad, good
from accredit.cli.signing.clock import CLOCK_SLACK
from accredit.registry.encoding.counts import many
from accredit.registry.errors import AccreditError, RemoteError

from .node import config_path

if TYPE_CHECKING:
    from accredit.node.clients.node_client import NodeClient
    from accredit.node.settings import NodeConfig

ROOM_BYTES: Final = 256 * 2**20
"""Free space below which a node should be looked at: some days of statements and a backup beside them. A guess."""


class DoctorFinding(NamedTuple):
    """One finding: whether the part is well, its name, and the result or what to do."""

    is_well: bool
    what: str
    detail: str


@click.command("doctor", cls=Command, example="accredit node doctor node1")
@click.argument("folder", metavar="FOLDER|CONFIG", type=click.Path(path_type=Path), default=Path())
def doctor(folder: Path) -> None:
    """Examine a node: disk, clock, readiness, alarms, and its name, keys and address in the registry.

    Ends with 1 if something needs attention.
    """
    from accredit.node.files.key_files import NodeKeys
    from accredit.node.files.secret_files import read_passphrase
    from accredit.node.settings import load

    config = load(config_path(folder))
    passphrase = read_passphrase(Path(config.keys_passphrase_file)) if config.keys_passphrase_file else None
    publics = NodeKeys.load(config.keys, passphrase).publics()
    with output.progress("Looking"):
        findings = [_disk(config), *_itself(config, folder), *_registry(config, publics)]

    def text() -> None:
        rows = [(good("well") if one.is_well else bad("look"), one.what, one.detail) for one in findings]
        output.table(("", "what", "found"), rows)

    rows = [one._asdict() for one in findings]
    output.emit({"is_well": all(one.is_well for one in findings), "findings": rows}, text)
    if not all(one.is_well for one in findings):
        raise exits.Negative


def _disk(config: "NodeConfig") -> DoctorFinding:
    free = shutil.disk_usage(config.data_dir).free
    return DoctorFinding(free >= ROOM_BYTES, "disk", f"{free // 2**20} MiB free in {config.data_dir}")


def _itself(config: "NodeConfig", folder: Path) -> Iterator[DoctorFinding]:
    """What the node says of itself, at the address it listens on."""
    url = config.public_url or f"http://{config.host}:{config.port}"
    try:
        with connected(url) as client:
            status = client.status()
            ahead = client.clock_ahead
            obstacles = _obstacles(client)
    except AccreditError as error:
        start = f"Start it: accredit node run {output.quoted(folder)}"
        hint = start if error.code == "unreachable" else error.hint  # this command takes no --node
        yield DoctorFinding(False, "answers", f"{error.message} {hint}")
        return
    if status["name"] != config.name:
        detail = f"at {url} another node answers, {status['name']}: set public_url to where this one is reached"
        yield DoctorFinding(False, "answers", detail)
        return
    yield DoctorFinding(True, "answers", f"at {url}, with {many(status['size'], 'entry')}")
    yield DoctorFinding(not obstacles, "ready", obstacles or "caught up with its peers, and able to sign")
    for alarm in status["alarms"] or ["none"]:
        yield DoctorFinding(not status["alarms"], "alarms", alarm)
    if ahead is not None:
        told = f"{documents.span(abs(ahead))} from this machine's"
        yield DoctorFinding(abs(ahead) <= CLOCK_SLACK, "clock", told)


def _obstacles(client: "NodeClient") -> str:
    """Why the node is not ready; empty where it is."""
    try:
        client.ready()
    except RemoteError as error:
        if error.code != "not_ready":
            raise
        return error.message
    return ""


def _registry(config: "NodeConfig", publics: dict[str, bytes]) -> Iterator[DoctorFinding]:
    """What the first other node that answers knows of this one; where there is no other, what it knows itself."""
    own = _known_at(config.public_url) if config.public_url else None
    active = own["nodes"] if own else []
    others = [peer.url for peer in config.peers] + [one["url"] for one in active if one["name"] != config.name]
    if active and not others:
        yield DoctorFinding(True, "registry", "There is no other node to ask: this is the ecosystem's only one.")
    ecosystem = next(filter(None, map(_known_at, dict.fromkeys(others))), None) if others else own
    if ecosystem is None:
        silent = "None of the other nodes in the configuration or the registry could be reached."
        unknown = "The configuration names no other node, and this one could not be asked for others."
        yield DoctorFinding(False, "registry", silent if others else unknown)
        return
    record = next((one for one in ecosystem["nodes"] if one["name"] == config.name), None)
    if record is None:
        detail = (
            f"{config.name} is not active: it is not admitted yet, or it was retired. A retired name "
            "cannot be used again."
        )
        yield DoctorFinding(False, "registry", detail)
        return
    same_keys = {role: documents.public_key(key) for role, key in record["keys"].items()} == publics
    yield DoctorFinding(
        same_keys,
        "keys",
        "as in the registry" if same_keys else f"the registry has other keys, of {record['operator']}",
    )
    if not same_keys:
        return  # the address is that of the node with those keys, and not for this one to change
    same_url = record["url"].rstrip("/") == config.public_url.rstrip("/")
    moved = f"the registry has {record['url']}: accredit node replace {config.name} --url {config.public_url}"
    yield DoctorFinding(same_url, "public_url", "as in the registry" if same_url else moved)


def _known_at(url: str) -> dict[str, Any] | None:
    """What a node knows of the ecosystem, if it answers."""
    try:
        with connected(url) as client:
            found: dict[str, Any] = client.ecosystem()
            return found
    except AccreditError:
        return None
