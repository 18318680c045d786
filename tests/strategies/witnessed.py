"""A log in memory, and a fork of it: what a witness is shown.

log = Tree("log.example", size=20)
log.request(5, 8).encode()
"""

from accredit.registry.encoding.ed25519 import KeyPair, public_of
from accredit.registry.transparency.checkpoint import Checkpoint
from accredit.registry.transparency.merkle import MemoryHashes, leaf_hash, prove_consistency, root
from accredit.registry.transparency.signed_note import KeyType, VerifierKey, sign_note
from accredit.registry.transparency.witness import AddCheckpoint
from tests.strategies.consortium import seed_of


class Tree:
    """A log, or a fork of it from entry `fork` on; its key is that of `seed_of(name)`."""

    def __init__(self, name: str, size: int, fork: int | None = None) -> None:
        self.name = name
        self.hashes = MemoryHashes()
        self.leaves = [
            leaf_hash(b"%d%s" % (number, b"!" if fork is not None and number >= fork else b""))
            for number in range(size)
        ]
        self.hashes.append(self.leaves)

    @property
    def key(self) -> VerifierKey:
        return VerifierKey(name=self.name, type=KeyType.ED25519, public=public_of(seed_of(self.name)))

    def checkpoint(self, size: int) -> Checkpoint:
        return Checkpoint(origin=self.name, size=size, root=root(size, self.hashes))

    def text(self, size: int) -> str:
        return self.checkpoint(size).encode()

    def note(self, size: int) -> bytes:
        return sign_note(self.text(size), self.name, KeyPair(seed_of(self.name)))

    def request(self, old: int, size: int) -> AddCheckpoint:
        """With the proof, where there is one."""
        proof = prove_consistency(old, size, self.hashes) if old <= size else []
        return AddCheckpoint(old=old, proof=tuple(proof), checkpoint=self.note(size))
