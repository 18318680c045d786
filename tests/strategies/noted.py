"""A state that signers vouch for: its map, its notes and the trust policy of who relies on them.

held = Held.of(world.records(), ecosystem=GENESIS)
policy = trust(held)
evidence = held.prove(query, now)
"""

import hashlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from accredit.registry.decision.query import Query
from accredit.registry.domain.record_types import Record
from accredit.registry.domain.records import FOLD_VERSION, MemoryRecords, Subject, record_digest, record_key
from accredit.registry.encoding.cbor import encode
from accredit.registry.encoding.ed25519 import KeyPair, public_of
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.evidence.check import Evidence
from accredit.registry.evidence.deciding import AUTHORIZATION
from accredit.registry.evidence.prove import prove
from accredit.registry.evidence.proved_records import Mapped, Recorder
from accredit.registry.evidence.range_proof import Prefix
from accredit.registry.evidence.snapshot import encode_snapshot
from accredit.registry.evidence.trust_policy import LIFETIME, TrustPolicy
from accredit.registry.transparency.signed_note import Note, VerifierKey
from accredit.registry.transparency.state_map import Trie
from accredit.registry.transparency.state_note import StateNote, cosign_state, quorum, signer_key
from accredit.registry.transparency.state_trie import state_root
from accredit.registry.transparency.tlog_policy import threshold_policy
from tests.strategies.domain import ECOSYSTEM, GENESIS, NOW

STATEMENTS_ROOT = hashlib.sha256(b"statements").digest()


def state_seed(name: str) -> bytes:
    return hashlib.sha256(f"state {name}".encode()).digest()


def node_names(count: int) -> list[str]:
    return [f"n{number}.example" for number in range(count)]


def signer_keys(count: int) -> list[VerifierKey]:
    return [signer_key(name, public_of(state_seed(name))) for name in node_names(count)]


def cosigned(state: StateNote, time: int, by: Sequence[str]) -> bytes:
    """A note with cosignatures of these nodes, made at `time`."""
    lines = tuple(cosign_state(state, name, KeyPair(state_seed(name)), time) for name in by)
    return Note(text=state.encode(), signatures=lines).encode()


@dataclass
class Held:
    """Records, their map, and as many signers as vouch for them."""

    records: dict[Subject, Record]
    ecosystem: bytes = GENESIS
    charter: CanonicalId = ECOSYSTEM
    count: int = 100
    signers: int = 4
    fold: int = FOLD_VERSION
    statements_root: bytes = STATEMENTS_ROOT
    trie: Trie = field(init=False)

    def __post_init__(self) -> None:
        self.trie = Trie((record_key(*subject), record_digest(record)) for subject, record in self.records.items())

    @classmethod
    def of(cls, records: MemoryRecords, **members: Any) -> "Held":
        return cls(dict(records._records), **members)

    def reader(self) -> MemoryRecords:
        return MemoryRecords(self.records)

    @property
    def state(self) -> StateNote:
        root = state_root(self.trie.root(), self.statements_root)
        return StateNote(name="Example", ecosystem=self.ecosystem, fold=self.fold, count=self.count, root=root)

    def note(self, time: int, by: Sequence[str] | None = None) -> bytes:
        """The note of this state; by exactly a quorum unless told otherwise."""
        names = node_names(self.signers)[: quorum(self.signers)] if by is None else by
        return cosigned(self.state, time, names)

    def prove(self, query: Query, now: int, *, note: bytes | None = None, asked: str = AUTHORIZATION) -> Evidence:
        return prove(
            query,
            self.reader(),
            self.trie,
            statements_root=self.statements_root,
            note=self.note(now) if note is None else note,
            now=now,
            ecosystem_id=self.charter,
            asked=asked,
        )

    def snapshot(self, now: int, note: bytes | None = None) -> bytes:
        return encode_snapshot(
            self.raws().items(),
            statements_root=self.statements_root,
            note=self.note(now) if note is None else note,
        )

    def raws(self) -> Mapping[Subject, bytes]:
        return {subject: encode(record) for subject, record in self.records.items()}


def trust(held: Held, now: int, **members: Any) -> TrustPolicy:
    """The policy that relies on all of the ecosystem, and on its signers."""
    keys = signer_keys(held.signers)
    given: dict[str, Any] = {
        "ecosystem": held.ecosystem,
        "charter": held.charter,
        "version": 1,
        "step": held.ecosystem,
        "signers": threshold_policy(keys, quorum(len(keys))),
        "max_age": 300,
        "expires": now + LIFETIME,
        "authorities": (held.charter,),
    }
    return TrustPolicy(**{**given, **members})


def bucket_of(held: Held, kind: str, id: str, bits: int, *, wanted: str) -> dict[str, Any]:
    """What an honest node answers: everything under the first bits of a record's key, and what `wanted` rests on."""
    prefix = Prefix.of(record_key(kind, id), bits)
    inside = [subject for subject in held.records if prefix.covers(record_key(*subject))]
    inside.sort(key=lambda subject: record_key(*subject))
    recorder = Recorder(Mapped(held.reader(), held.trie))
    for subject in held.records:
        if subject[0] in ("charter", "authority", "accreditation") or subject in inside or subject[1] == wanted:
            recorder.get(*subject)
    leaves = [[*subject, (held.trie.get(record_key(*subject)) or b"").hex()] for subject in inside]
    records = [
        {
            "type": one.type,
            "id": one.id,
            "record": None if one.raw is None else b64encode(one.raw).decode(),
            "proof": b64encode(one.proof).decode(),
        }
        for one in recorder.prove()
    ]
    return {
        "prefix": prefix.first.hex(),
        "bits": bits,
        "leaves": leaves,
        "proof": b64encode(held.trie.prove(prefix.first)).decode(),
        "records": records,
        "records_root": held.trie.root().hex(),
        "statements_root": held.statements_root.hex(),
        "note": held.note(NOW).decode(),
    }
