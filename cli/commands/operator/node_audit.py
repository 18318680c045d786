"""Recomputes everything a node stores from its bytes, and compares it with what the node reports.

It checks in this order, so that the first inconsistency is the cause and not a consequence:

1. the database against itself (`node.storage.audit`: rows, tiles, root, checkpoint, checksums, the noted map);
2. every statement, accepted again with its signature;
3. the signature of the checkpoint;
4. the last head the node signed, which is kept apart from the database;
5. records and roots, by a new fold;
6. the newest noted state with all its records, and the last state that the node cosigned, each by a fold of its part
   of the log;
7. the feed of changes against the statements it names;
8. the running node's own report.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from accredit.cli.base.node_option import connected
from accredit.governance.authority.admission import Admission
from accredit.governance.fold import Fold
from accredit.node.engine.quorum_state import KEPT_NOTE, KeptNote
from accredit.node.settings import NodeConfig, load
from accredit.node.storage.audit import audit as audit_log
from accredit.node.storage.audit import audit_fold, audit_noted, audit_state
from accredit.node.storage.log_reader import Reader, open_reader
from accredit.node.storage.state_store import StoredNoted
from accredit.registry.encoding.counts import many
from accredit.registry.errors import AccreditError, DecodeError, RefusedError, RemoteError, StorageError
from accredit.registry.statement import decode
from accredit.registry.transparency.checkpoint import open_checkpoint
from accredit.registry.transparency.signed_note import KeyType, VerifierKey
from accredit.registry.transparency.state_note import open_state, quorum, signer_key

_BATCH = 1_024  # statements read at a time: at 16 KiB, 16 MiB


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFinding:
    """One thing that was compared."""

    what: str
    fits: bool
    detail: str


def audit_node(config: Path, url: str | None, step: Callable[[int], None]) -> list[AuditFinding]:
    """Audits a node's stored bytes.

    Args:
        config: its configuration.
        url: the running node, if what it reports is to be compared.
        step: called with how many statements were read.

    Raises:
        StorageError: the log itself does not fit together; names the first entry, hash or member. Or an entry is no
            statement this ecosystem can have accepted, a stored state does not follow from the log, or the feed says of
            a statement what it does not say.
    """
    settings = load(config)
    with open_reader(settings.database) as reader:
        _require_owner(reader, settings)
        size, root = audit_log(reader)
        findings = [
            AuditFinding(
                what="log",
                fits=True,
                detail=f"its {many(size, 'statement', 'leads', 'lead')} to the root {root.hex()[:16]}",
            )
        ]
        fold = _fold_again(reader, size, step)
        findings.append(
            AuditFinding(what="signatures", fits=True, detail=many(size, "statement", "is valid", "are all valid"))
        )
        findings.append(_checkpoint(reader, fold))
        findings.append(_signed_head(settings, reader))
        order = reader.ids(0, size)
        states = [_noted(reader, fold, order), _cosigned(settings, fold, order)]
        feed = _feed(reader, fold)
        folded = audit_fold(reader, fold, order)
    charter = fold.charter
    records = sum(1 for _ in fold.items())
    findings.append(
        AuditFinding(
            what="charter",
            fits=charter is not None,
            detail=f"{charter.id}, in effect" if charter else "the genesis is not in effect: approvals are missing",
        )
    )
    findings.append(
        AuditFinding(what="records", fits=True, detail=f"{records}, with the root {fold.records_root().hex()[:16]}")
    )
    kept = AuditFinding(what="stored fold", fits=True, detail=f"the same for {many(folded, 'statement')}, fact by fact")
    findings += [*states, kept, feed]
    if url is not None:
        findings += _reported(url, size, fold)
    return findings


def _require_owner(reader: Reader, settings: NodeConfig) -> None:
    if reader.ecosystem != settings.ecosystem_id or reader.origin != settings.name:
        raise StorageError(
            "not_this_node",
            f"{reader.path} is the log of {reader.origin} in {reader.ecosystem.hex()[:12]}, but the "
            f"configuration is for {settings.name} in {settings.ecosystem[:12]}.",
            hint="Check data_dir, name and ecosystem in the configuration.",
        )


def _fold_again(reader: Reader, size: int, step: Callable[[int], None]) -> Fold:
    """Accepts every stored statement again, in the order of the log."""
    admission, fold = Admission(reader.ecosystem), Fold(reader.ecosystem)
    for start in range(0, size, _BATCH):
        for number, raw in enumerate(reader.entries(start, min(start + _BATCH, size)), start=start):
            try:
                statement = admission.admit(decode(raw))
            except AccreditError as error:
                raise StorageError(
                    "entry_not_acceptable",
                    f"Entry {number} of the log is one that no node would accept: {error.message}",
                    hint="The database was changed. Restore the log from a peer; keep this one as evidence.",
                ) from error
            admission.add(statement)
            fold.add(statement)
        step(min(_BATCH, size - start))
    fold.settle()
    return fold


def _checkpoint(reader: Reader, fold: Fold) -> AuditFinding:
    """The newest checkpoint, by the log key that the ecosystem knows for this node."""
    newest = reader.checkpoint()
    if newest is None:
        return AuditFinding(what="checkpoint", fits=reader.size() == 0, detail="none has been signed yet")
    record = next((node for node in fold.nodes() if node["name"] == reader.origin), None)
    if record is None:
        return AuditFinding(
            what="checkpoint", fits=True, detail="not checked: the node is not admitted, so its key is unknown"
        )
    key = VerifierKey(name=reader.origin, type=KeyType.ED25519, public=record["keys"]["log"])
    try:
        checkpoint = open_checkpoint(newest[1].encode(), key).checkpoint
    except AccreditError as error:
        return AuditFinding(what="checkpoint", fits=False, detail=error.message)
    fits = checkpoint.root == reader.root(checkpoint.size)
    return AuditFinding(what="checkpoint", fits=fits, detail=f"size {checkpoint.size}, signed by the node's log key")


def _signed_head(settings: NodeConfig, reader: Reader) -> AuditFinding:
    """The last head signed, which no backup of the database puts back."""
    from accredit.node.storage.signing_guard import SignedHead

    head, signed = SignedHead(settings.signed_head), reader.checkpoint()
    try:
        head.check_covers(signed[0] if signed else 0)
    except StorageError as error:
        return AuditFinding(what="signed head", fits=False, detail=error.message)
    last = head.last
    if last is None:
        return AuditFinding(what="signed head", fits=True, detail="nothing has been signed yet")
    size = reader.size()
    if size < last.size:
        detail = f"{many(last.size, 'entry', 'was', 'were')} signed and {size} are stored: a backup was restored"
        return AuditFinding(what="signed head", fits=False, detail=detail)
    fits = reader.root(last.size) == last.root
    return AuditFinding(
        what="signed head", fits=fits, detail=f"size {last.size}, {'a prefix of' if fits else 'not in'} this log"
    )


def _noted(reader: Reader, fold: Fold, order: Sequence[bytes]) -> AuditFinding:
    """The newest note with a quorum: the state, its stored records and their map, and every cosignature on it."""
    with reader.snapshot():  # a node that runs goes on to other notes meanwhile
        stored = reader.kept(KEPT_NOTE)
        if stored is None:
            return AuditFinding(what="noted state", fits=True, detail="no quorum has cosigned a state yet")
        try:
            kept = KeptNote.decode(stored)
        except DecodeError as error:
            return AuditFinding(what="noted state", fits=False, detail=error.message)
        if kept.part.size > len(order):
            detail = "not compared: the node has moved on to another state; audit again when it is less busy"
            return AuditFinding(what="noted state", fits=True, detail=detail)
        then = audit_state(kept.state, kept.part, fold, order)
        if StoredNoted(reader).head() is not None:
            audit_noted(reader, then)
    # Signers are counted by the charter in force, which the noted state may not have reached yet.
    found = [_cosigners(kept.note, one) for one in (then, fold)]
    cosigned, signers = max(found, key=lambda row: row[0])
    by = f"{cosigned} of {many(signers, 'signer')}"
    detail = f"{many(kept.state.count, 'statement')}, by {by}, root {kept.state.root.hex()[:16]}"
    return AuditFinding(what="noted state", fits=signers > 0 and cosigned >= quorum(signers), detail=detail)


def _cosigners(note: bytes, fold: Fold) -> tuple[int, int]:
    """How many of a charter's signers cosigned, and how many there are; none if a line is not one of theirs."""
    signers = () if fold.charter is None else fold.charter.body["signers"]
    keys = [signer_key(one["name"], one["keys"]["state"]) for one in fold.nodes() if one["name"] in signers]
    try:
        opened = open_state(note, keys)
    except RefusedError:
        return 0, len(keys)
    is_whole = len(opened.cosignatures) == len(opened.note.signatures)
    return (len(opened.cosignatures) if is_whole else 0), len(keys)


def _cosigned(settings: NodeConfig, fold: Fold, order: Sequence[bytes]) -> AuditFinding:
    """The state that this node cosigned last, which no backup of the database puts back."""
    from accredit.node.storage.signing_guard import SignedState

    last = SignedState(settings.signed_state).last
    if last is None:
        return AuditFinding(what="cosigned state", fits=True, detail="this node has not cosigned a state yet")
    audit_state(*last, fold, order)
    return AuditFinding(
        what="cosigned state", fits=True, detail=f"{many(last[0].count, 'statement')}, root {last[0].root.hex()[:16]}"
    )


def _feed(reader: Reader, fold: Fold) -> AuditFinding:
    """Every row of the feed of changes repeats what its statement says; its checksums were compared before."""
    count = 0
    while rows := reader.changes(count, _BATCH):
        for number, change in rows:
            statement = fold.statement(change.statement)
            if statement is None:  # the node has gone on since the log was read
                return _fed(count)
            count += 1
            if number != count or (change.kind, change.sub) != (statement.kind, statement.sub):
                raise StorageError(
                    "feed_damaged",
                    f"Change {count} of the feed is stored as number {number}, {change.kind} about "
                    f"{change.sub}, but its statement differs.",
                    hint="Stop the node, check the disk, then restore a backup that is new enough.",
                )
    return _fed(count)


def _fed(count: int) -> AuditFinding:
    return AuditFinding(
        what="feed", fits=True, detail=f"{many(count, 'change', 'matches its statement', 'match their statements')}"
    )


def _reported(url: str, size: int, fold: Fold) -> list[AuditFinding]:
    """What the running node says of itself, where it holds exactly what was audited."""
    try:
        with connected(url) as client:
            said = client.status()
    except RemoteError as error:
        return [AuditFinding(what="reported", fits=False, detail=f"not compared: {error.message} {error.hint}".strip())]
    if said["size"] != size:
        there = many(said["size"], "statement")
        detail = f"not compared: the node has moved on to {there}; audit again when it is less busy"
        return [AuditFinding(what="reported", fits=True, detail=detail)]
    return [
        AuditFinding(what=f"reported {name}", fits=said[name] == own.hex(), detail=said[name][:16])
        for name, own in (
            ("records_root", fold.records_root()),
            ("statements_root", fold.statements_root()),
            ("state_root", fold.state_root()),
        )
    ]
