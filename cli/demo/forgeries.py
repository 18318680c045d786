"""Forges answers for the demonstration, as one node can from the data it has, with keys that are really its own.

    withhold    a revocation: the newest evidence, with the records as they were before it
    deny        an issuer: an answer from a map that lacks it, under a note that only the liar signs
    restamp     an old note: the liar cosigns it again with the present time
    fork        a log: a second checkpoint, of a history that leaves an entry out

No forgery claims to come from somebody else, because signatures prevent that. Each lie is a file as a node would send
it, so that `accredit evidence check` judges it like any other.
"""

from collections.abc import Sequence
from dataclasses import replace

from accredit.node.files.key_files import NodeKeys
from accredit.registry.domain.record_types import Record
from accredit.registry.domain.records import MemoryRecords, record_digest, record_key
from accredit.registry.encoding.cbor import decode
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.evidence.check import Evidence
from accredit.registry.evidence.prove import prove
from accredit.registry.evidence.snapshot import Snapshot
from accredit.registry.limits import RECORD_BYTES
from accredit.registry.transparency.checkpoint import Checkpoint, open_checkpoint
from accredit.registry.transparency.equivocation import Conflict, Entry, conflict_of_checkpoints
from accredit.registry.transparency.merkle import MemoryHashes, leaf_hash, prove_inclusion, root
from accredit.registry.transparency.signed_note import KeyType, Note, VerifierKey, sign_note
from accredit.registry.transparency.state_map import Trie
from accredit.registry.transparency.state_note import StateNote, cosign_state
from accredit.registry.transparency.state_trie import state_root


def withhold(before: bytes, now: bytes) -> bytes:
    """Return the evidence `now` with the records and the answer of the evidence `before`."""
    old, new = Evidence.decode(before), Evidence.decode(now)
    earlier = {(one.type, one.id): one for one in old.records}
    return replace(
        new,
        records=tuple(earlier.get((one.type, one.id), one) for one in new.records),
        answer={**old.answer, "time_evaluated": new.answer["time_evaluated"]},
    ).encode()


def deny(evidence: bytes, held: Snapshot, liar: NodeKeys, charter: CanonicalId, time: int) -> bytes:
    """Return evidence, from all records except the issuer's own, that the issuer in `evidence` is not known.

    Args:
        held: what the liar really holds. charter: the ecosystem's id. time: seconds since 1970.
    """
    query = Evidence.decode(evidence).query
    records = MemoryRecords()
    leaves = []
    for (type_, id_), raw in held.items():
        if (type_, id_) != ("issuer", query.entity):
            record: Record = decode(raw, what="a record", max_bytes=RECORD_BYTES)
            records.put(type_, id_, record)
            leaves.append((record_key(type_, id_), record_digest(record)))
    trie = Trie(leaves)
    state = replace(held.noted.state, root=state_root(trie.root(), held.statements_root()))
    alone = (cosign_state(state, liar.name, liar.state, time),)
    return prove(
        query,
        records,
        trie,
        statements_root=held.statements_root(),
        note=Note(text=state.encode(), signatures=alone).encode(),
        now=time,
        ecosystem_id=charter,
    ).encode()


def restamp(before: bytes, liar: NodeKeys, time: int) -> bytes:
    """Return old evidence whose note the liar has just cosigned."""
    old = Evidence.decode(before)
    note = Note.decode(old.note)
    fresh = cosign_state(StateNote.decode(note.text), liar.name, liar.state, time)
    others = tuple(line for line in note.signatures if line.name != liar.name)
    note = Note(text=note.text, signatures=(*others, fresh))
    return replace(old, note=note.encode(), answer={**old.answer, "time_evaluated": time}).encode()


def fork(entries: Sequence[bytes], left_out: int, checkpoint: bytes, liar: NodeKeys) -> Conflict:
    """Return proof that two checkpoints of a log contradict each other: one of them is of a history without one entry.

    Args:
        entries: of the real log, as many as `checkpoint` is about. left_out: the number of one that others follow.
    """
    key = VerifierKey(name=liar.name, type=KeyType.ED25519, public=liar.log.public_key)
    real, forked = MemoryHashes(), MemoryHashes()
    real.append(leaf_hash(entry) for entry in entries)
    forked.append(leaf_hash(entry) for number, entry in enumerate(entries) if number != left_out)
    size = open_checkpoint(checkpoint, key).checkpoint.size
    second = Checkpoint(origin=liar.name, size=size - 1, root=root(size - 1, forked))
    return conflict_of_checkpoints(
        checkpoint,
        sign_note(second.encode(), liar.name, liar.log),
        key,
        Entry(
            index=left_out,
            first_leaf=real.read_hash(0, left_out),
            first_path=tuple(prove_inclusion(left_out, size, real)),
            second_leaf=forked.read_hash(0, left_out),
            second_path=tuple(prove_inclusion(left_out, size - 1, forked)),
        ),
    )
