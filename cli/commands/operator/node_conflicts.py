"""`accredit node conflicts` and `accuse`: nodes that provably contradicted themselves.

conflicts   asks nodes for the conflicts they keep, fetches each file and checks it here; `--save` writes the files
accuse      shows nodes a conflict's file; they keep it and tell all others, and it is an alarm to every operator

A node's description of a conflict is ignored: everything shown comes from the file, after its signatures were checked.
A bad file is reported as the fault of the node that served it.
"""

from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import click

from accredit.cli.base import documents, exits, output
from accredit.cli.base.commands import Command
from accredit.cli.base.file_argument import FILE
from accredit.cli.base.node_option import connected, node_option
from accredit.cli.base.output import bad, good, shorten
from accredit.node.clients.node_client import NodeClient
from accredit.node.files.atomic_files import write_atomically
from accredit.registry.errors import AccreditError, InputError, RemoteError
from accredit.registry.transparency.checkpoint import Checkpoint
from accredit.registry.transparency.equivocation import CHECKPOINTS, STATE_NOTES, Conflict, check
from accredit.registry.transparency.signed_note import Note

_FOLDER = click.Path(path_type=Path, file_okay=False)
_WHAT: Final = {CHECKPOINTS: "log checkpoints", STATE_NOTES: "state notes"}


@dataclass
class _Found:
    """A conflict that checked, its file, and the nodes that keep it."""

    conflict: Conflict
    file: bytes
    nodes: list[str] = field(default_factory=list)

    def signed(self) -> list[Checkpoint]:
        return [Checkpoint.decode(Note.decode(note).text) for note in (self.conflict.first, self.conflict.second)]


@click.command(
    "conflicts",
    cls=Command,
    example="""accredit node conflicts
accredit node conflicts --save evidence/ --node https://node1.example.org""",
)
@click.option("--save", type=_FOLDER, metavar="DIR", help="Write each file to DIR, as <id>.conflict.")
@node_option
def conflicts(save: Path | None, nodes: tuple[str, ...]) -> None:
    """List nodes that were caught contradicting themselves. The proofs come from the nodes asked and are checked here.

    A proof is two notes that one key signed and that cannot both be true, so nobody can be accused falsely. The charter
    shows whose key it is.
    """
    found: dict[str, _Found] = {}
    failed: list[tuple[str, str]] = []
    unasked: list[AccreditError] = []
    for url in nodes:
        try:
            with connected(url) as client:
                _collect(client, found, failed)
        except (InputError, RemoteError) as error:
            unasked.append(error)
            failed.append((url, f"{error.message} {error.hint}".rstrip()))
    if len(unasked) == len(nodes):
        raise unasked[0]
    if save is not None:
        for name, one in found.items():
            save.mkdir(parents=True, exist_ok=True)
            write_atomically(save / f"{name[:16]}.conflict", one.file)

    def text() -> None:
        rows = [
            (
                one.conflict.key.name,
                f"two {_WHAT[one.conflict.kind]}",
                " and ".join(f"{each.size}: {shorten(each.root)}" for each in one.signed()),
                shorten(name),
                f"{len(one.nodes)} of {len(nodes)}",
            )
            for name, one in found.items()
        ]
        headers = ("with the name", "signed", "statements: root", "conflict", "kept by")
        output.table(headers, rows, empty="No node was caught contradicting itself.")
        for url, why in failed:
            output.say(f"{bad('!')} {output.safe(url)}: {output.safe(why)}")
        if save is not None and found:
            output.say(f"Wrote {len(found)} to {save}. Check one:  accredit evidence check FILE --policy POLICY")
        if found:
            output.say("Only these nodes say whose keys they are, until your policy or a charter confirms it.")

    output.emit(
        {
            "conflicts": [_plain(name, one) for name, one in found.items()],
            "failed": [{"node": url, "error": why} for url, why in failed],
        },
        text,
    )
    if failed:
        raise exits.Negative


@click.command("accuse", cls=Command, example="accredit node accuse node4.conflict --node https://node1.example.org")
@click.argument("file", type=FILE)
@node_option
def accuse(file: Path, nodes: tuple[str, ...]) -> None:
    """Send nodes the conflict in FILE: proof that a log or a signer contradicted itself.

    One node is enough, because it passes the conflict on. FILE is checked before it is sent.
    """
    data = documents.read_bytes(file)
    shown = check(data)
    rows: list[dict[str, Any]] = []
    unasked: list[RemoteError] = []
    for url in nodes:
        try:
            with connected(url) as client:
                rows.append({"node": url, "status": client.accuse(data)["status"]})
        except AccreditError as error:
            unasked += [error] if isinstance(error, RemoteError) else []
            rows.append({"node": url, "status": "refused", "error": f"{error.message} {error.hint}".rstrip()})

    if len(unasked) == len(nodes):
        raise unasked[0]

    def text() -> None:
        name = output.safe(shown.key.name)
        output.say(
            f"One key signed two {_WHAT[shown.kind]} that contradict each other. The nodes check whether it is "
            f"the key of {name}."
        )
        words = {
            "kept": good("kept, and passed on to the other nodes"),
            "known": good("already known"),
            "refused": bad("refused"),
        }
        output.table(("node", "", ""), [(row["node"], words[row["status"]], row.get("error", "")) for row in rows])

    output.emit({"id": sha256(data).digest(), "nodes": rows}, text)
    if all(row["status"] == "refused" for row in rows):
        raise exits.Negative


def _collect(client: NodeClient, found: dict[str, _Found], failed: list[tuple[str, str]]) -> None:
    """What one node keeps, as far as it proves something."""
    for row in client.conflicts()["conflicts"]:
        file = client.conflict(str(row["id"]))
        name = sha256(file).hexdigest()
        try:
            conflict = check(file)
        except InputError as error:
            failed.append((client.url, f"the file it serves as conflict {str(row['id'])[:12]} proves nothing: {error}"))
            continue
        found.setdefault(name, _Found(conflict, file)).nodes.append(client.url)


def _plain(name: str, one: _Found) -> dict[str, Any]:
    return {
        "id": name,
        "kind": one.conflict.kind,
        "name": one.conflict.key.name,
        "key": one.conflict.key.encode(),
        "signed": [{"origin": each.origin, "size": each.size, "root": each.root} for each in one.signed()],
        "nodes": one.nodes,
    }
