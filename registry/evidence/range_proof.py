"""All leaves of the state map under a prefix, with a proof that none is missing.

A verifier that does not want to reveal a key asks for all keys with the same beginning. The root proves that none was
left out: the hash of the subtree under the prefix, computed from the leaves given, must lead to the root with the
siblings above it.

The proof is the ordinary one (`state_trie`) of the prefix's first key, which is the prefix followed by zeros: its
siblings down to the prefix are those of the subtree. If the path ends above the prefix, at an empty slot or a leaf,
that proof alone shows that nothing is below, or that one leaf.

    >>> from accredit.registry.transparency.state_map import Trie
    >>> trie = Trie([(bytes([n]) + bytes(31), bytes(32)) for n in range(4)])
    >>> prefix = Prefix.of(bytes([2]) + bytes(31), 7)
    >>> found = [pair for pair in trie.items() if prefix.covers(pair[0])]
    >>> check_prefix(trie.root(), prefix, found, trie.prove(prefix.first)), len(found)
    (None, 2)

It does not say what the leaves stand for. A leaf is two hashes; a verifier that must know that no leaf is another
issuer also needs the type and id behind each key (`private_lookup`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import RefusedError
from ..transparency.state_trie import (
    DEFAULT_PREFIXES,
    DEPTH_MAX,
    KEY_BYTES,
    VALUE_BYTES,
    check_proof,
    decode_proof,
    subtree_hash,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefix:
    """The first `bits` bits of keys, 0 to 256.

    Attributes:
        first: the lowest key with this beginning, 32 bytes: zeros follow the prefix.
    """

    first: bytes
    bits: int

    def __post_init__(self) -> None:
        assert len(self.first) == KEY_BYTES
        assert 0 <= self.bits <= DEPTH_MAX
        assert not int.from_bytes(self.first, "big") & ((1 << DEPTH_MAX - self.bits) - 1), "noughts follow the prefix"

    @classmethod
    def of(cls, key: bytes, bits: int) -> "Prefix":
        """The first bits of a key."""
        rest = DEPTH_MAX - bits
        return cls(first=(int.from_bytes(key, "big") >> rest << rest).to_bytes(KEY_BYTES, "big"), bits=bits)

    @property
    def last(self) -> bytes:
        """Return the highest key with this beginning."""
        rest = (1 << DEPTH_MAX - self.bits) - 1
        return (int.from_bytes(self.first, "big") | rest).to_bytes(KEY_BYTES, "big")

    def covers(self, key: bytes) -> bool:
        """Return whether a key has this beginning."""
        return len(key) == KEY_BYTES and self.first <= key <= self.last


def check_prefix(root: bytes, prefix: Prefix, leaves: Sequence[tuple[bytes, bytes]], proof: bytes) -> None:
    """Check that `leaves` are exactly the leaves under `prefix` in the map with this root.

    Args:
        leaves: keys and values, 32 bytes each, sorted by key.
        proof: of `prefix.first`, as `trie.StateMap.prove` makes it.

    Raises:
        DecodeError: the bytes are not a proof.
        RefusedError: the proof is of something else, or leaves are missing, made up, or not in order.
    """
    value = check_proof(root, prefix.first, proof)
    siblings, terminal = decode_proof(proof)
    if len(siblings) <= prefix.bits:
        if value is not None:
            there = [(prefix.first, value)]
        else:
            there = [(terminal[:KEY_BYTES], terminal[KEY_BYTES:])] if prefix.covers(terminal[:KEY_BYTES]) else []
        if list(leaves) != there:
            raise _wrong()
        return
    keys = [key for key, _ in leaves]
    if keys != sorted(set(keys)) or not all(len(value) == VALUE_BYTES and prefix.covers(key) for key, value in leaves):
        raise _wrong()
    # Check the same path to the same root with the subtree's hash at its end, in place of the nodes below.
    current = subtree_hash(leaves, prefix.bits)
    path = int.from_bytes(prefix.first, "big") >> (DEPTH_MAX - prefix.bits)
    for sibling in reversed(siblings[: prefix.bits]):
        current = DEFAULT_PREFIXES.hash_side(current, sibling, path & 1)
        path >>= 1
    if current != root:
        raise _wrong()


def _wrong() -> RefusedError:
    return RefusedError(
        "prefix_leaves",
        "The leaves do not match the prefix: some are missing or wrong.",
        hint="Ask another node.",
    )
