"""Tree arithmetic of RFC 6962 and RFC 9162, section 2.1, with SHA-256: hashes in, hashes out.

    leaf  = SHA-256(00 || data)           node = SHA-256(01 || left || right)           empty tree = SHA-256("")

A tree of `size` leaves splits at the largest power of two below `size`, so that everything to the left of any split is
a *complete* subtree. A complete subtree never changes when leaves are appended, and has the address `(level, index)`:
the hash over the leaves `index * 2**level` to `(index + 1) * 2**level`, the last one excluded. Stores of these hashes
(a dictionary, tiles, a table) are `HashReader`s; this module reads from them and stores nothing itself.

    prove_inclusion(index, size, reader)        <->  check_inclusion(leaf, index, size, proof, root)
    prove_consistency(old, new, reader)         <->  check_consistency(old, new, old_root, new_root, proof)

The checks are strict: for given numbers exactly one length of proof is possible, and it is compared before any hashing.
They raise `RefusedError` and return nothing, so that a forgotten `if` cannot accept a proof.

    >>> hashes = MemoryHashes()
    >>> hashes.append([leaf_hash(b"genesis"), leaf_hash(b"charter")])
    >>> check_inclusion(leaf_hash(b"charter"), 1, 2, prove_inclusion(1, 2, hashes), root(2, hashes))

It does not sign anything, know about files (`tiles`) or say who vouches for a root (`signed_note`).
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final, Protocol

from ..errors import RefusedError

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()
# Sizes are sent as 64-bit numbers, signed ones in Go and SQLite; no log comes near the limit.
SIZE_MAX: Final = 2**63 - 1


class HashReader(Protocol):
    """Knows the hash of every complete subtree of a log."""

    def read_hash(self, level: int, index: int) -> bytes:
        """Return MTH(D[index * 2**level : (index + 1) * 2**level]), 32 bytes."""
        ...


class MemoryHashes:
    """The simplest `HashReader`: every complete subtree of a growing log, one `bytearray` a level."""

    def __init__(self) -> None:
        self._levels: list[bytearray] = [bytearray()]

    def __len__(self) -> int:
        """Number of leaves."""
        return len(self._levels[0]) // HASH_BYTES

    def read_hash(self, level: int, index: int) -> bytes:
        start = index * HASH_BYTES
        found = bytes(self._levels[level][start : start + HASH_BYTES])
        assert len(found) == HASH_BYTES, "asked for a subtree that is not complete yet"
        return found

    def append(self, leaf_hashes: Iterable[bytes]) -> None:
        """Append leaves, given as their hashes."""
        for (level, index), found in new_hashes(len(self), leaf_hashes, self):
            if level == len(self._levels):
                self._levels.append(bytearray())
            assert len(self._levels[level]) == index * HASH_BYTES
            self._levels[level] += found


def leaf_hash(data: bytes) -> bytes:
    """Hash an entry of the log: SHA-256(00 || data). RFC 6962 2.1."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees: SHA-256(01 || left || right). RFC 6962 2.1."""
    return sha256(b"\x01" + left + right).digest()


def root(size: int, reader: HashReader) -> bytes:
    """Return the root of the first `size` leaves. RFC 6962 2.1."""
    assert 0 <= size <= SIZE_MAX
    return _range_hash(0, size, reader) if size else EMPTY_ROOT


def new_hashes(
    size_before: int, leaf_hashes: Iterable[bytes], reader: HashReader
) -> list[tuple[tuple[int, int], bytes]]:
    """Return the subtrees that appending completes: `((level, index), hash)`, each level in order; store them together.

    Args:
        size_before: leaves in the log so far.
        leaf_hashes: the hashes of the leaves to append, 32 bytes each.
        reader: asked only for subtrees complete at `size_before`.
    """
    made: dict[tuple[int, int], bytes] = {}
    for position, leaf in enumerate(leaf_hashes, start=size_before):
        level, index, current = 0, position, leaf
        made[level, index] = current
        # An odd index is a right child: its left sibling is there already, so the parent is complete now.
        while index % 2:
            left = made.get((level, index - 1)) or reader.read_hash(level, index - 1)
            level, index, current = level + 1, index // 2, node_hash(left, current)
            made[level, index] = current
    return list(made.items())


def prove_inclusion(index: int, size: int, reader: HashReader) -> list[bytes]:
    """Return the audit path of leaf `index` in the tree of `size` leaves, the leaf's sibling first. RFC 6962 2.1.1.

    Raises:
        RefusedError: there is no such leaf.
    """
    _require_leaf(index, size)
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range_hash(middle, end, reader))
            end = middle
        else:
            path.append(_range_hash(start, middle, reader))
            start = middle
    return path[::-1]


def check_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that the tree of `size` leaves under `root` has `leaf` (its hash) at `index`. RFC 9162 2.1.3.2.

    Raises:
        RefusedError: it is not proved; the code says whether the numbers, the length or the hashes are wrong.
    """
    _require_leaf(index, size)
    # Up to the level where the paths of this leaf and of the last leaf meet, the bits of the index say on which side a
    # sibling is. Above, on the right edge, only left siblings exist: one for each set bit.
    inner = (index ^ (size - 1)).bit_length()
    _require_hashes(proof, inner + (index >> inner).bit_count())
    _require_hash(leaf)
    current = leaf
    for height, sibling in enumerate(proof):
        left_sibling = height >= inner or index >> height & 1
        current = node_hash(sibling, current) if left_sibling else node_hash(current, sibling)
    _require_root(current, root, "inclusion_refused", "The inclusion proof leads to a different root.")


def prove_consistency(old: int, new: int, reader: HashReader) -> list[bytes]:
    """Return the proof that the tree of `old` leaves is the beginning of that of `new`. RFC 6962 2.1.2.

    Empty where nothing needs a proof: `old == 0` (every tree begins with the empty one) and `old == new`.

    Raises:
        RefusedError: the sizes are not in order.
    """
    _require_order(old, new)
    if old == 0:
        return []
    path: list[bytes] = []
    start, end = 0, new
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_range_hash(middle, end, reader))
            end = middle
        else:
            path.append(_range_hash(start, middle, reader))
            start = middle
    # The last subtree of the old tree; left out if it is the whole old tree, because the checker already has that root.
    if start:
        path.append(_range_hash(start, end, reader))
    return path[::-1]


def check_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the tree of `new` leaves only appends to that of `old`. RFC 9162 2.1.4.2.

    Raises:
        RefusedError: it is not proved; the code says whether the numbers, the length or the hashes are wrong.
    """
    _require_order(old, new)
    _require_hash(old_root, new_root)
    if old in (0, new):
        _require_hashes(proof, 0)
        expected = new_root if old else EMPTY_ROOT
        _require_root(expected, old_root, "consistency_refused", "Two different roots are given for the same size.")
        return
    # `shift` levels up stands the last complete subtree of the old tree: the seed from which both roots are rebuilt.
    shift = (old & -old).bit_length() - 1
    edge = (old - 1) >> shift
    inner = (edge ^ ((new - 1) >> shift)).bit_length()
    seed_travels = edge != 0
    _require_hashes(proof, seed_travels + inner + (edge >> inner).bit_count())
    old_current = new_current = proof[0] if seed_travels else old_root
    for height, sibling in enumerate(proof[seed_travels:]):
        if height >= inner or edge >> height & 1:
            old_current = node_hash(sibling, old_current)
            new_current = node_hash(sibling, new_current)
        else:
            # A right sibling lies beyond the old tree.
            new_current = node_hash(new_current, sibling)
    _require_root(old_current, old_root, "consistency_refused", "The consistency proof leads to a different old root.")
    _require_root(new_current, new_root, "consistency_refused", "The consistency proof leads to a different new root.")


def _split(size: int) -> int:
    """Largest power of two below `size` (at least 2): where RFC 6962 divides a tree."""
    return 1 << ((size - 1).bit_length() - 1)


def _range_hash(start: int, end: int, reader: HashReader) -> bytes:
    """Hash of the leaves from `start` to before `end`, `start` being aligned as in every RFC 6962 split."""
    parts: list[bytes] = []
    while start < end:
        level = (end - start).bit_length() - 1
        assert start % (1 << level) == 0, "not a range that RFC 6962 splits into"
        parts.append(reader.read_hash(level, start >> level))
        start += 1 << level
    current = parts.pop()
    while parts:
        current = node_hash(parts.pop(), current)
    return current


def _require_leaf(index: int, size: int) -> None:
    if not 0 <= index < size <= SIZE_MAX:
        raise RefusedError(
            "no_such_leaf",
            f"A tree of {size} leaves has no leaf {index}.",
            hint="Ask for an index below the size of the checkpoint.",
        )


def _require_order(old: int, new: int) -> None:
    if not 0 <= old <= new <= SIZE_MAX:
        raise RefusedError(
            "sizes_out_of_order",
            f"A tree of {old} leaves cannot grow into a tree of {new}.",
            hint="Give the smaller size first.",
        )


def _require_hashes(proof: Sequence[bytes], count: int) -> None:
    if len(proof) != count:
        raise RefusedError(
            "proof_length",
            f"The proof has {len(proof)} hashes, but these sizes need {count}.",
            hint="Fetch the proof again, for exactly this index and these sizes.",
        )
    _require_hash(*proof)


def _require_hash(*hashes: bytes) -> None:
    # Two empty hashes would be equal, too.
    if any(len(each) != HASH_BYTES for each in hashes):
        raise RefusedError(
            "hash_length",
            f"Every leaf, root and hash of a proof must have {HASH_BYTES} bytes.",
            hint="Fetch the proof again.",
        )


def _require_root(found: bytes, expected: bytes, code: str, message: str) -> None:
    if found != expected:
        raise RefusedError(code, message, hint="Do not rely on it; if its checkpoint is signed, keep it as evidence.")
