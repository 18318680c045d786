"""`accredit log`: reads and checks a node's log of everything it has accepted.

    show      the signed checkpoint
    prove     one statement's place in the log, as a file that proves itself (C2SP tlog-proof); with --state, that the
              state which a quorum noted binds to it (`presence`)
    verify    URL: read the whole log, and compute root, records, map and note again; FILE: check such a proof, without
    a
              network

A proof file includes the statement itself. The log's key vouches for it; a node gives that key for the file's
ecosystem, or somebody you trust gives it with `--log-key`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from accredit.cli.base import documents, output
from accredit.cli.base.commands import CommandGroup
from accredit.cli.base.file_argument import FILE
from accredit.cli.base.node_option import complete_statement, connected, node_option
from accredit.cli.base.output import good
from accredit.cli.verifying.query_options import policy_option
from accredit.registry.encoding.counts import many
from accredit.registry.errors import DecodeError, InputError, RefusedError, RemoteError
from accredit.registry.statement import decode
from accredit.registry.transparency.checkpoint import LogProof, check_log_proof, open_checkpoint
from accredit.registry.transparency.merkle import leaf_hash, prove_inclusion
from accredit.registry.transparency.signed_note import NOTE_BYTES_MAX, KeyType, VerifierKey
from accredit.registry.transparency.tiles import ENTRIES, Tile, Tiles
from accredit.registry.transparency.tlog_policy import Policy

if TYPE_CHECKING:
    from accredit.node.clients.node_client import NodeClient

log = CommandGroup("log", help="A node's log: show, prove, verify.")

_TRIES = 5
"""Tries until note and snapshot belong to the same state, which changes at most every second."""

_LOG_KEY = click.option(
    "--log-key", metavar="VKEY", help="The log's key (name+id+key), to check without asking a node."
)


@log.command("show", example="accredit log show --node https://node1.example.org")
@_LOG_KEY
@node_option
def show(log_key: str | None, nodes: tuple[str, ...]) -> None:
    """Show a node's newest checkpoint, signed with its log key: the number of statements and the root."""
    with connected(nodes[0]) as client:
        key = _key(client, log_key)
        opened = open_checkpoint(client.checkpoint().encode(), key, _witness_keys(client))
    checkpoint, names = opened.checkpoint, [one.key.name for one in opened.cosignatures]
    cosigned = [{"name": one.key.name, "key": one.key.encode(), "time": one.time} for one in opened.cosignatures]
    data = {"origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root, "log_key": key.encode()}
    rows = [("origin", checkpoint.origin), ("statements", checkpoint.size), ("root", checkpoint.root.hex())]
    rows += [("log key", key.encode()), ("signature", good("good")), ("witnessed by", ", ".join(names) or "nobody yet")]
    output.emit({**data, "witnesses": cosigned}, lambda: output.facts(rows))


@log.command(
    "prove",
    example="""accredit log prove 5f2b8c11 -o proof.tlog --node https://node1.example.org
accredit log prove 5f2b8c11 --state --policy policy.txt --node https://node1.example.org""",
)
@click.argument("statement", metavar="ID")
@click.option("-o", "--output", "target", type=FILE, help="File to write; default: ID.tlog-proof")
@_LOG_KEY
@click.option(
    "--state", is_flag=True, help="Prove that the state noted by a quorum of signers includes it; writes no file."
)
@policy_option("With --state: your trust policy, from accredit trust export.")
@node_option
def prove(
    statement: str,
    target: Path | None,
    log_key: str | None,
    state: bool,
    policy_path: Path | None,
    nodes: tuple[str, ...],
) -> None:
    """Write a proof that a statement is in a node's log, as a file that anybody can check without a network.

    The file contains the checkpoint as the node serves it, with the cosignatures of its witnesses, for
    `verify --policy`.

    With --state: show whether the newest state that a quorum of the signers in your trust policy vouches for includes
    the statement. Ends with 0 if it does, and with 1 if it is proved that it does not.
    """
    if state:
        from accredit.cli.verifying.statement_proof import prove_presence

        if policy_path is None:
            raise click.UsageError("--state needs --policy, which names the signers you trust.")
        if target is not None or log_key is not None:
            raise click.UsageError("--state writes no file and asks no log: leave out -o and --log-key.")
        prove_presence(statement, policy_path, nodes)
        return
    with connected(nodes[0]) as client:
        whole = complete_statement(client, statement)
        key = _key(client, log_key)
        held = client.statement(whole)
        raw = client.statement_bytes(whole)
        if held["index"] is None:
            raise InputError("not_logged", f"{whole[:12]} is not in the log yet.", hint="Ask again in a moment.")
        note = client.checkpoint().encode()
        size = open_checkpoint(note, key).checkpoint.size
        hashes = prove_inclusion(held["index"], size, Tiles(size, _tile_reader(client)))
    proof = LogProof(index=held["index"], hashes=tuple(hashes), checkpoint=note, extra=raw)
    check_log_proof(proof, leaf_hash(raw), key)
    target = target or Path(f"{whole[:16]}.tlog-proof")
    documents.write_new(target, proof.encode())
    data = {"file": str(target), "statement": whole, "index": held["index"], "size": size, "log_key": key.encode()}

    def text() -> None:
        output.say(f"Wrote {target}: statement {whole[:12]} is number {held['index']} of {size}.")
        output.say(f"Anybody checks it with:  accredit log verify {output.quoted(target)} --log-key {key.encode()}")

    output.emit(data, text)


@log.command(
    "verify",
    example="""accredit log verify https://node1.example.org
accredit log verify proof.tlog --log-key 'node1.example.org+6b0a3c2f+AR…'
accredit log verify proof.tlog --policy witnesses.policy""",
)
@click.argument("what", metavar="URL|FILE")
@_LOG_KEY
@click.option("--policy", type=FILE, help="File with the logs, the witnesses and the quorum (C2SP tlog-policy).")
@node_option
def verify(what: str, log_key: str | None, policy: Path | None, nodes: tuple[str, ...]) -> None:
    """Check a whole log (URL) or a proof FILE.

    For a log, check that its statements, in order, lead to the signed root, and to the records, the state note and the
    snapshot that the node serves.
    """
    relied_on = None if policy is None else Policy.decode(documents.read_bytes(policy))
    if not what.lower().startswith(("https://", "http://")):
        _verify_proof(Path(what), log_key, relied_on, nodes)
    elif relied_on is None:
        _verify_log(what, log_key)
    else:
        raise InputError(
            "proofs_only", "--policy works only with proof files.", hint="accredit log prove writes a proof file."
        )


def _verify_log(url: str, log_key: str | None) -> None:
    from accredit.cli.base.log_entries import read_entries
    from accredit.cli.verifying.rederive import derive

    with connected(url) as client:
        key, ecosystem = _key(client, log_key), decode(client.genesis()).id
        note, snapshot = noted_bytes(client)  # before the checkpoint, so that the log has all that they are of
        checkpoint = open_checkpoint(client.checkpoint().encode(), key).checkpoint
        with output.progress("Reading the log", checkpoint.size) as step:
            entries = read_entries(client, checkpoint.size, step)
            found = derive(ecosystem, entries, checkpoint, note, snapshot)
    state = found.state
    data = {
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": checkpoint.root,
        "verified": True,
        "records": found.records,
        "records_root": found.records_root,
        "state": None if state is None else {"count": state.count, "root": state.root, "cosigned": found.cosigned},
        "state_compared": found.is_compared,
    }

    def text() -> None:
        signer = output.safe(key.name)
        output.say(
            f"{good('The log is complete.')} Its {many(checkpoint.size, 'statement', 'leads', 'lead')} to the root "
            f"that {signer} signed."
        )
        if state is None:
            said = "no quorum has cosigned a state yet"
        elif found.is_compared:
            said = (
                f"its {many(state.count, 'statement', 'leads', 'lead')} to it, {many(found.cosigned, 'signer')} "
                "cosigned it, and the snapshot matches it"
            )
        else:
            said = "not compared: it does not match a prefix of this log; try again when the node is less busy"
        rows = [("root", checkpoint.root.hex()), ("log key", key.encode()), ("records", found.records)]
        output.facts([*rows, ("records root", found.records_root.hex()), ("state note", said)])

    output.emit(data, text)


def noted_bytes(client: "NodeClient") -> tuple[bytes, bytes]:
    """The state note and the snapshot of one state; both empty where there is none.

    Raises:
        RemoteError: the node cannot be asked, or goes on too fast (`too_busy`).
    """
    for _ in range(_TRIES):
        try:
            note, snapshot = client.state_note(), client.snapshot()
        except RemoteError as error:
            if error.code != "no_state_note":
                raise
            return b"", b""
        text = note.partition(b"\n\n")[0]
        if text in snapshot[-NOTE_BYTES_MAX:]:
            return note, snapshot
    raise RemoteError(
        "too_busy", "The log grows faster than it can be read.", hint="Try again when the node is less busy."
    )


def _verify_proof(path: Path, log_key: str | None, policy: Policy | None, nodes: tuple[str, ...]) -> None:
    try:
        proof = LogProof.decode(documents.read_bytes(path))
    except DecodeError as error:
        message = f"{path} is no proof: {error.message.removeprefix('proof: ')}"
        raise DecodeError(error.code, message, hint=error.hint or "accredit log prove writes one.") from error
    if proof.extra is None:
        raise DecodeError(
            "no_statement",
            f"{path} does not contain its statement.",
            hint="accredit log prove writes a proof with its statement.",
        )
    origin = proof.checkpoint.decode("utf-8", "replace").partition("\n")[0]
    if log_key is not None:
        key = _vkey(log_key)
    elif policy is not None:
        key = _key_in_policy(policy, origin)
    else:
        with connected(nodes[0]) as client:
            key = _key_of_node(client, origin)
    witnesses = [] if policy is None else [witness.key for witness in policy.witnesses]
    opened = check_log_proof(proof, leaf_hash(proof.extra), key, witnesses)
    cosigners = [one.key for one in opened.cosignatures]
    if policy is not None and not policy.is_met(cosigners):
        raise RefusedError(
            "too_few_witnesses",
            f"Only {len(cosigners)} of the policy's witnesses cosigned it, which is not enough.",
            hint="Make the proof again in a minute, because nodes ask witnesses every second. accredit log show "
            "lists the witnesses.",
        )
    said = decode(proof.extra)
    data = {
        "verified": True,
        "statement": said.id,
        "kind": said.kind,
        "sub": said.sub,
        "index": proof.index,
        "origin": opened.checkpoint.origin,
        "size": opened.checkpoint.size,
        "witnesses": [each.name for each in cosigners],
    }

    def text() -> None:
        place = f"number {proof.index} of {opened.checkpoint.size}"
        output.say(f"{good('It is in the log')} of {output.safe(opened.checkpoint.origin)}: {place}.")
        output.facts([("statement", said.id.hex()), ("says", f"{said.kind} about {said.sub}"), ("by", said.iss)])

    output.emit(data, text)


def _tile_reader(client: "NodeClient") -> Callable[[Tile], bytes]:
    def read(tile: Tile) -> bytes:
        assert tile.level != ENTRIES
        return client.tile(tile.encode_path())

    return read


def _key(client: "NodeClient", log_key: str | None) -> VerifierKey:
    """The key of the node's own log."""
    if log_key is not None:
        return _vkey(log_key)
    return _key_of_node(client, client.ecosystem()["node"]["name"])


def _key_of_node(client: "NodeClient", name: str) -> VerifierKey:
    """The log key of a node, as the ecosystem knows it: from the charter or its admission."""
    record: Any = next((node for node in client.ecosystem()["nodes"] if node["name"] == name), None)
    if record is None:
        raise InputError(
            "unknown_log",
            f"{client.url} does not know a node named {name!r}.",
            hint="Give the log's key with --log-key; its operator can see it with accredit node status.",
        )
    return VerifierKey(name=name, type=KeyType.ED25519, public=documents.public_key(record["keys"]["log"]))


def _key_in_policy(policy: Policy, origin: str) -> VerifierKey:
    """The key of a log that the policy relies on."""
    key = next((log.key for log in policy.logs if log.key.name == origin), None)
    if key is None:
        raise RefusedError(
            "unknown_log", f"The policy lacks the log {origin[:80]!r}.", hint="Add a line for it, or give --log-key."
        )
    return key


def _witness_keys(client: "NodeClient") -> list[VerifierKey]:
    """The nodes' keys of cosignatures."""
    nodes = client.ecosystem()["nodes"]
    kind = KeyType.COSIGNATURE_V1
    return [VerifierKey(name=n["name"], type=kind, public=documents.public_key(n["keys"]["witness"])) for n in nodes]


def _vkey(text: str) -> VerifierKey:
    try:
        key = VerifierKey.decode(text)
    except DecodeError as error:
        message = f"--log-key: {error.message.removeprefix('vkey: ')}"
        raise DecodeError(error.code, message, hint="Copy the whole key: accredit log show prints it.") from error
    if key.type is not KeyType.ED25519:
        raise RefusedError(
            "wrong_key_type", f"{text} is a witness's key, not a log's.", hint="Give the key of the log itself."
        )
    return key
