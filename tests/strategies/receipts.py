"""A small log and its receipts."""

from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.transparency.merkle import MemoryHashes, leaf_hash, prove_consistency, prove_inclusion, root
from accredit.registry.transparency.scitt_receipts import make_growth, make_receipt
from tests.strategies.domain import effective, grant_body, seed_of

ORIGIN = "log.example/1"
SEED = seed_of("log")
STATEMENTS = [effective("accreditation.grant", grant_body(), iat=iat).statement.raw for iat in range(7)]


def log_of(size: int) -> MemoryHashes:
    """Its first `size` statements."""
    hashes = MemoryHashes()
    hashes.append([leaf_hash(raw) for raw in STATEMENTS[:size]])
    return hashes


def receipt_for(index: int, size: int = 7) -> bytes:
    """That it holds a statement."""
    path = prove_inclusion(index, size, log_of(size))
    return make_receipt(STATEMENTS[index], ORIGIN, KeyPair(SEED), index=index, size=size, path=path)


def growth(old: int, new: int) -> bytes:
    """That it only grew."""
    hashes = log_of(new)
    path = prove_consistency(old, new, hashes)
    return make_growth(ORIGIN, KeyPair(SEED), old=old, new=new, path=path, root=root(new, hashes))
