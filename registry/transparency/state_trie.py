"""The trie of a state map: a sparse Merkle trie over 256-bit keys, whose root proves presence and absence of keys.

    leaf  = SHA-256(02 || key32 || value32)      node = SHA-256(03 || left || right)      empty = 32 zero bytes

Each leaf stands at the shortest prefix of its key that no other key shares; bits are read from the most significant bit
of the first byte on. So a node has at least two leaves below it, and a set of pairs has one trie and one root, whatever
the order of insertions and deletions. The two prefix bytes are parameters (`Prefixes`): with 00 and 01 the roots are
those of the published sparse-Merkle vectors.

A proof, for one key, present or absent:

    u16 depth                   big-endian, 0 to 256: number of nodes above the slot where the key's path ends
    bitmap                      ceil(depth / 8) bytes; bit i, from the most significant of the first byte on, is set
                                where the sibling at depth i + 1 is not empty; the bits left over are 0
    siblings                    32 bytes for each set bit, from the root downward
    terminal                    0 bytes: the slot is empty                      -> the key is absent
                                32 bytes: the value of the key's own leaf       -> the key is present
                                64 bytes: key and value of another leaf there   -> the key is absent

The proof needs no more fields: the key gives the sides, and the terminal's length tells its kind. Every field enters
the hash, an empty sibling has one spelling, and the last sibling is not empty (else the leaf would stand higher up). So
for one root and key there is exactly one proof, and any altered one is refused.

It does not keep a map (`state_map`), hash records into keys and values (`records`), or say who vouches for a root
(`signed_note`).
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from ..errors import DecodeError, RefusedError

KEY_BYTES: Final = 32
VALUE_BYTES: Final = 32
LEAF_BYTES: Final = KEY_BYTES + VALUE_BYTES
EMPTY: Final = bytes(32)
DEPTH_MAX: Final = 8 * KEY_BYTES

_HASH_BYTES: Final = 32
# Stands for the depth of a lone leaf, whose hash is the same at every depth.
_ANYWHERE: Final = DEPTH_MAX + 1
_TOP_LEVELS: Final = 8
"""Levels of a proof that others have in common: half of those of 10,000 records. As many as the bits of a byte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefixes:
    """The bytes that distinguish leaves from nodes in a hash; one byte each, not the same."""

    leaf: bytes = b"\x02"
    node: bytes = b"\x03"

    def __post_init__(self) -> None:
        assert len(self.leaf) == len(self.node) == 1
        assert self.leaf != self.node

    def hash_leaf(self, leaf: bytes) -> bytes:
        """Hash `key32 || value32`."""
        return sha256(self.leaf + leaf).digest()

    def hash_node(self, left: bytes, right: bytes) -> bytes:
        """Hash two subtrees, at least one of them not empty."""
        return sha256(self.node + left + right).digest()

    def hash_side(self, current: bytes, sibling: bytes, side: int) -> bytes:
        """Hash a subtree that is the left (0) or right (1) child, with its sibling."""
        return self.hash_node(sibling, current) if side else self.hash_node(current, sibling)


DEFAULT_PREFIXES: Final = Prefixes()


def bulk_root(items: Iterable[tuple[bytes, bytes]], prefixes: Prefixes = DEFAULT_PREFIXES) -> bytes:
    """Return the root over pairs sorted by key in one pass; memory grows with the depth of the trie only."""
    return _hash_leaves((key + value for key, value in items), 0, prefixes)


def hash_bucket(bucket: bytes, depth: int, prefixes: Prefixes = DEFAULT_PREFIXES) -> bytes:
    """Return the hash of the subtree at `depth` that has exactly these leaves.

    Args:
        bucket: `key32 || value32` of each leaf, sorted, their first `depth` bits in common.
    """
    keys = _numbers(bucket)
    return _hash_range(keys, _hash_each(bucket, prefixes), 0, len(keys), depth, prefixes)


def finish_proof(key: bytes, siblings: Sequence[bytes], bucket: bytes, prefixes: Prefixes = DEFAULT_PREFIXES) -> bytes:
    """Return the proof for `key`, given the part of its path from the root down to a small subtree.

    Args:
        siblings: beside that part of the path, 32 bytes each, from the root downward.
        bucket: all leaves below its end, as of `hash_bucket`.
    """
    path = list(siblings)
    keys, hashed = _numbers(bucket), _hash_each(bucket, prefixes)
    low, high = 0, len(keys)
    while high - low > 1:
        depth = len(path)
        middle = bisect_left(keys, _least_right(keys[low], depth), low, high)
        if side_of(key, depth):
            path.append(_hash_range(keys, hashed, low, middle, depth + 1, prefixes))
            low = middle
        else:
            path.append(_hash_range(keys, hashed, middle, high, depth + 1, prefixes))
            high = middle
    return _encode_proof(path, bucket[low * LEAF_BYTES : high * LEAF_BYTES].removeprefix(key))


def state_root(records_root: bytes, statements_root: bytes) -> bytes:
    """Return the value that commits to all records and all accepted statements: SHA-256(04 || both roots)."""
    assert len(records_root) == len(statements_root) == _HASH_BYTES
    return sha256(b"\x04" + records_root + statements_root).digest()


class ProvedTops:
    """The upper ends of proofs that have led to one root, so that the next ones need no hashing there.

    Keys that begin with the same `_TOP_LEVELS` bits have the same siblings on these levels. So a proof that arrives
    there with the siblings and the hash of an earlier one leads to the same root. At most 256 ends are remembered.
    """

    def __init__(self) -> None:
        self._held: dict[int, tuple[list[bytes], bytes]] = {}

    def has(self, key: bytes, siblings: list[bytes], current: bytes) -> bool:
        """Return whether a proof went on from here and led to the root."""
        return self._held.get(key[0]) == (siblings, current)

    def keep(self, key: bytes, siblings: list[bytes], current: bytes) -> None:
        """Remember the end of a proof that has led to the root."""
        self._held[key[0]] = siblings, current


def check_proof(
    root: bytes, key: bytes, proof: bytes, prefixes: Prefixes = DEFAULT_PREFIXES, tops: ProvedTops | None = None
) -> bytes | None:
    """Return the proved value of `key` under `root`, or None where its absence is proved.

    Args:
        tops: of earlier proofs under this root; this one is added.

    Raises:
        DecodeError: the bytes are not a proof.
        RefusedError: the proof is of something else.
    """
    assert len(key) == KEY_BYTES
    siblings, terminal = _decode_proof(proof)
    depth = len(siblings)
    if len(terminal) == LEAF_BYTES:
        other = terminal[:KEY_BYTES]
        if _common_bits(other, key) < depth or other == key:
            raise RefusedError("proof_off_path", "The leaf given as proof of absence is not on the path of this key.")
        current = prefixes.hash_leaf(terminal)
    elif terminal:
        current = prefixes.hash_leaf(key + terminal)
    else:
        current = EMPTY
    # All in one loop, because this is most of the cost of checking evidence: bit 0 of `path` is the side at the lowest
    # node.
    node, path = prefixes.node, int.from_bytes(key, "big") >> (DEPTH_MAX - depth)
    top: list[bytes] = []
    if tops is not None and depth > _TOP_LEVELS:
        top, siblings = siblings[:_TOP_LEVELS], siblings[_TOP_LEVELS:]
    for sibling in reversed(siblings):
        current = sha256(node + sibling + current if path & 1 else node + current + sibling).digest()
        path >>= 1
    if tops is not None and top:
        if tops.has(key, top, current):
            return terminal if len(terminal) == VALUE_BYTES else None
        lower = current
        for sibling in reversed(top):
            current = sha256(node + sibling + current if path & 1 else node + current + sibling).digest()
            path >>= 1
        if current == root:
            tops.keep(key, top, lower)
    if current != root:
        raise RefusedError(
            "proof_other_root",
            "The map proof leads to a different root.",
            hint="Fetch the proof again, together with the newest note.",
        )
    return terminal if len(terminal) == VALUE_BYTES else None


def subtree_hash(leaves: Iterable[tuple[bytes, bytes]], depth: int, prefixes: Prefixes = DEFAULT_PREFIXES) -> bytes:
    """Return the hash at `depth` over pairs sorted by key, whose keys have their first `depth` bits in common."""
    return _hash_leaves((key + value for key, value in leaves), depth, prefixes)


def decode_proof(proof: bytes) -> tuple[list[bytes], bytes]:
    """Return a proof's siblings, root downward, empty ones included, and its terminal (0, 32 or 64 bytes).

    Raises:
        DecodeError: the bytes are not a proof.
    """
    return _decode_proof(proof)


def _encode_proof(siblings: list[bytes], terminal: bytes) -> bytes:
    depth = len(siblings)
    present = [sibling for sibling in siblings if sibling != EMPTY]
    bitmap = (1 << depth) - 1
    if len(present) < depth:
        for at, sibling in enumerate(siblings):
            if sibling == EMPTY:
                bitmap ^= 1 << (depth - 1 - at)
    written = (bitmap << -depth % 8).to_bytes((depth + 7) // 8, "big")
    return b"".join((depth.to_bytes(2, "big"), written, *present, terminal))


def _decode_proof(proof: bytes) -> tuple[list[bytes], bytes]:
    """Return the siblings, root downward, empty ones included, and the terminal (0, 32 or 64 bytes)."""
    depth = int.from_bytes(proof[:2], "big")
    start = 2 + (depth + 7) // 8
    if len(proof) < start or depth > DEPTH_MAX:
        raise DecodeError("map_proof", "A map proof must begin with its depth, 0 to 256, and a bitmap.", where="depth")
    bitmap = int.from_bytes(proof[2:start], "big")
    surplus = -depth % 8
    if bitmap % (1 << surplus):
        raise DecodeError("map_proof", "Bits beyond the depth are set.", where="bitmap")
    bitmap >>= surplus
    if depth and not bitmap & 1:
        raise DecodeError("map_proof", "The last sibling is empty, so the path should end above it.", where="bitmap")
    end = start + _HASH_BYTES * bitmap.bit_count()
    terminal = proof[end:]
    if len(proof) < end or len(terminal) not in (0, VALUE_BYTES, LEAF_BYTES):
        raise DecodeError(
            "map_proof", "The length does not fit any of the three ways a path can end.", where="terminal"
        )
    siblings = [proof[at : at + _HASH_BYTES] for at in range(start, end, _HASH_BYTES)]
    if EMPTY in siblings:
        raise DecodeError("map_proof", "An empty sibling is listed as if it were not empty.", where="siblings")
    if len(siblings) < depth:
        present = iter(siblings)
        siblings = [next(present) if side == "1" else EMPTY for side in f"{bitmap:0{depth}b}"]
    return siblings, terminal


def side_of(key: bytes, depth: int) -> int:
    """Return the side of a key at a node `depth` steps below the root: 0 left, 1 right."""
    return key[depth >> 3] >> (7 - (depth & 7)) & 1


def _common_bits(one: bytes, other: bytes) -> int:
    """Return the length in bits of the longest common prefix of two keys: 256 if they are equal."""
    return DEPTH_MAX - (int.from_bytes(one[:KEY_BYTES], "big") ^ int.from_bytes(other[:KEY_BYTES], "big")).bit_length()


def _numbers(bucket: bytes) -> list[int]:
    """Return the keys of a bucket as numbers, of which the first bit of a key is the highest."""
    return [int.from_bytes(bucket[at : at + KEY_BYTES], "big") for at in range(0, len(bucket), LEAF_BYTES)]


def _least_right(key: int, depth: int) -> int:
    """Return the least key on the right side of the node at `depth` on the way to `key`."""
    below = DEPTH_MAX - 1 - depth
    return (key >> below | 1) << below


def _hash_each(bucket: bytes, prefixes: Prefixes) -> list[bytes]:
    """Return the hashes of the leaves of a bucket."""
    first = prefixes.leaf
    return [sha256(first + bucket[at : at + LEAF_BYTES]).digest() for at in range(0, len(bucket), LEAF_BYTES)]


def _hash_range(keys: list[int], hashed: list[bytes], low: int, high: int, depth: int, prefixes: Prefixes) -> bytes:
    """Hash the subtree at `depth` that has the leaves of a bucket from `low` to before `high`, by their numbers.

    Args:
        keys: `_numbers` of the bucket; those of the range have their first `depth` bits in common.
        hashed: `_hash_each` of the bucket.
    """
    if high - low < 2:
        return hashed[low] if low < high else EMPTY
    key = keys[low]
    parting = DEPTH_MAX - (key ^ keys[high - 1]).bit_length()
    middle = bisect_left(keys, _least_right(key, parting), low, high)
    assert depth <= parting < DEPTH_MAX, "of this subtree, each once"
    assert low < middle < high, "sorted"
    below = parting + 1
    left = hashed[low] if middle - low == 1 else _hash_range(keys, hashed, low, middle, below, prefixes)
    right = hashed[middle] if high - middle == 1 else _hash_range(keys, hashed, middle, high, below, prefixes)
    current = sha256(prefixes.node + left + right).digest()
    for height in range(parting - 1, depth - 1, -1):
        current = prefixes.hash_side(current, EMPTY, key >> (DEPTH_MAX - 1 - height) & 1)
    return current


def _hash_leaves(leaves: Iterable[bytes], depth: int, prefixes: Prefixes) -> bytes:
    """Hash the subtree at `depth` that has these leaves, sorted, whose keys have their first `depth` bits in common.

    Two neighbours separate at the first bit in which they differ. A left subtree waits at that depth until the right
    one is complete, which is when the next neighbour separates further up. So one pass suffices.
    """
    waiting: list[tuple[int, bytes]] = []
    previous = None
    current, stands_at = EMPTY, _ANYWHERE
    for leaf in leaves:
        if previous is not None:
            parting = _common_bits(previous, leaf)
            assert depth <= parting < DEPTH_MAX, "sorted, each once, and of this subtree"
            assert previous < leaf, "sorted"
            while waiting and waiting[-1][0] > parting:
                current, stands_at = _join(waiting, current, stands_at, previous, prefixes)
            waiting.append((parting, _lift(current, stands_at, parting + 1, previous, prefixes)))
        previous, current, stands_at = leaf, prefixes.hash_leaf(leaf), _ANYWHERE
    if previous is None:
        return EMPTY
    while waiting:
        current, stands_at = _join(waiting, current, stands_at, previous, prefixes)
    return _lift(current, stands_at, depth, previous, prefixes)


def _join(
    waiting: list[tuple[int, bytes]], right: bytes, stands_at: int, key: bytes, prefixes: Prefixes
) -> tuple[bytes, int]:
    """Join the last waiting left subtree with the right one; return their hash and where it stands."""
    parting, left = waiting.pop()
    return prefixes.hash_node(left, _lift(right, stands_at, parting + 1, key, prefixes)), parting


def _lift(current: bytes, stands_at: int, depth: int, key: bytes, prefixes: Prefixes) -> bytes:
    """Hash a subtree from where it stands up to `depth`, past empty siblings; a lone leaf moves up as it is."""
    if stands_at != _ANYWHERE:
        for height in reversed(range(depth, stands_at)):
            current = prefixes.hash_side(current, EMPTY, side_of(key, height))
    return current
