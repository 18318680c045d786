"""A state that signers vouch for: its map, its notes and the trust policy of who relies on them.

held = Held.of(world.records(), ecosystem=GENESIS)
policy = trust(held)
evidence = held.prove(query, now)
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from accredit.registry.decision.query import Query
from accredit.registry.domain.records import MemoryRecords, Subject, record_digest, record_key
from accredit.registry.encoding.cbor import encode
from accredit.registry.encoding.ed25519 import KeyPair, public_of
from accredit.registry.evidence.check import AUTHORIZATION, Evidence
from accredit.registry.evidence.prove import prove
from accredit.registry.evidence.snapshot import encode_snapshot
from accredit.registry.evidence.trust_policy import LIFETIME, TrustPolicy
from accredit.registry.transparency.signed_note import Note, VerifierKey
from accredit.registry.transparency.state_note import StateNote, cosign_state, quorum, signer_key
from accredit.registry.transparency.state_trie import Trie, state_root
from accredit.registry.transparency.tlog_policy import threshold_policy
from tests.strategies.domain import ECOSYSTEM, GENESIS

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

    records: dict[Subject, dict[str, Any]]
    ecosystem: bytes = GENESIS
    charter: str = ECOSYSTEM
    count: int = 100
    signers: int = 4
    fold: int = 1
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
