"""The state map: a sparse Merkle trie over 256-bit keys, whose root proves both presence and absence of keys.

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

    >>> trie = Trie([(bytes(32), bytes(32))])
    >>> check_proof(trie.root(), bytes(32), trie.prove(bytes(32))) == bytes(32)
    True
    >>> check_proof(trie.root(), bytes([255] * 32), trie.prove(bytes([255] * 32))) is None
    True

It does not hash records into keys and values (`records`), or say who vouches for a root (`signed_note`).
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from itertools import pairwise
from typing import Final, Protocol

from ..errors import DecodeError, RefusedError, StorageError

KEY_BYTES: Final = 32
VALUE_BYTES: Final = 32
EMPTY: Final = bytes(32)
DEPTH_MAX: Final = 8 * KEY_BYTES

_HASH_BYTES: Final = 32
# Stands for the depth of a lone leaf, whose hash is the same at every depth.
_ANYWHERE: Final = DEPTH_MAX + 1
_LEAF_BYTES: Final = KEY_BYTES + VALUE_BYTES
# Leaves kept together without nodes between them. A guess: larger buckets save memory and cost hashes for each change.
_BUCKET_LEAVES: Final = 16
_FEW: Final = 4
"""Changes of one bucket up to which each is made by itself. A guess."""


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


class StateMap(Protocol):
    """The interface of a state map, in memory or in a table. Keys and values have 32 bytes each."""

    def __len__(self) -> int: ...

    def get(self, key: bytes) -> bytes | None:
        """Return the value of `key`, or None."""
        ...

    def set(self, key: bytes, value: bytes | None) -> None:
        """Give `key` a value, or remove it with None; removing what is not there changes nothing."""
        ...

    def root(self) -> bytes:
        """Return the root over everything in the map."""
        ...

    def prove(self, key: bytes) -> bytes:
        """Return the proof of the key's value or absence under `root()`, for `check_proof`."""
        ...


class _Node:
    """A node kept in memory, with the hash of each child once it is known. Its children never change."""

    __slots__ = ("hash_left", "hash_right", "left", "right")

    def __init__(
        self, left: "_Tree", right: "_Tree", hash_left: bytes | None = None, hash_right: bytes | None = None
    ) -> None:
        self.left, self.right = left, right
        self.hash_left, self.hash_right = hash_left, hash_right


@dataclass(slots=True, kw_only=True)
class Elsewhere:
    """A subtree that is stored elsewhere, and read once, when a change or a question first leads into it.

    Attributes:
        count: number of its leaves. hash: at the depth where it stands; for a lone leaf, the leaf's own hash.
        depth: where it stands, in bits from the root.
        read: gives the subtree: its leaves, or a result of `beneath`. It must give the same for as long as a trie holds
            this object.
    """

    count: int
    hash: bytes
    depth: int
    read: Callable[[], "Subtree"]
    prefixes: Prefixes = DEFAULT_PREFIXES
    _there: "Subtree | None" = field(default=None, init=False, compare=False)

    def there(self) -> "Subtree":
        """Return the subtree; tries that share this object read it once.

        Raises:
            StorageError: `map_damaged`: what was read does not have the hash that leads to it. Nobody may sign a root
                over it.
        """
        if self._there is None:
            found = self.read()
            if not self._fits(found):
                raise StorageError(
                    "map_damaged",
                    f"The stored state map is damaged: a part below {self.depth} bits does not lead to its hash.",
                    hint="Stop the node and check the disk. When it starts again, the map is rebuilt from the log.",
                )
            self._there = found
        return self._there

    def _fits(self, found: "Subtree") -> bool:
        if isinstance(found, bytes):
            return hash_bucket(found, self.depth, self.prefixes) == self.hash
        assert isinstance(found, _Node)
        return self.prefixes.hash_node(found.hash_left or b"", found.hash_right or b"") == self.hash


# A subtree is a node, a bucket (the sorted leaves of a small subtree, 64 bytes each, in one string), or one of these
# stored elsewhere.
_Tree = _Node | bytes | Elsewhere
Subtree = _Tree
"""A subtree, for callers that keep one."""


class Trie:
    """A `StateMap` in memory: some 100 bytes for each leaf; a change hashes only its own path again.

    A change makes new nodes on its path and leaves the old ones as they are, so `branch` costs nothing and shares all
    that stays the same. Small subtrees are kept as buckets, without their inner hashes; the root does not depend on
    which are.

    Args:
        items: the first pairs, each key once, in any order.
        prefixes: see `Prefixes`.
        bucket_leaves: the most leaves in a bucket, at least 2.
    """

    def __init__(
        self,
        items: Iterable[tuple[bytes, bytes]] = (),
        *,
        prefixes: Prefixes = DEFAULT_PREFIXES,
        bucket_leaves: int = _BUCKET_LEAVES,
    ) -> None:
        assert bucket_leaves >= 2
        self._prefixes = prefixes
        self._bucket_bytes = bucket_leaves * _LEAF_BYTES
        # Buckets join again only at half their maximum, so that one key set and removed repeatedly does not split and
        # join them.
        self._join_bytes = self._bucket_bytes // 2
        leaves = _join_sorted(sorted(items))
        self._count = len(leaves) // _LEAF_BYTES
        self._tree = self._split(leaves, 0)
        self._root: bytes | None = None
        self._waiting: dict[bytes, bytes | None] = {}

    @classmethod
    def standing_on(cls, whole: Elsewhere, *, prefixes: Prefixes = DEFAULT_PREFIXES) -> "Trie":
        """Return a map over a subtree stored elsewhere; only changed parts, and the nodes above them, are in memory.

        Changes wait until the map is read. If all is stored before anybody reads it, no subtree is read at all.
        """
        made = cls(prefixes=prefixes)
        made._count, made._tree = whole.count, whole if whole.count else b""
        return made

    def branch(self) -> "Trie":
        """Return a copy; from here on, changes to either do not affect the other."""
        self.settle()
        branch = copy(self)
        branch._waiting = {}
        return branch

    def __len__(self) -> int:
        self.settle()
        return self._count

    def settle(self) -> None:
        """Make the changes that wait, all at once, so that each node above them is made anew once.

        Whoever is about to change what is stored `Elsewhere` settles first: a change that waits would be led into it
        later, and find another subtree than the one that this trie stands on.
        """
        if self._waiting:
            keys = sorted(self._waiting)
            self._tree, grown = self._changed(self._tree, keys, 0, len(keys), 0)
            self._count += grown
            self._waiting, self._root = {}, None

    def get(self, key: bytes) -> bytes | None:
        """Return the value of `key`, or None."""
        assert len(key) == KEY_BYTES
        self.settle()
        tree, depth = _there(self._tree), 0
        while isinstance(tree, _Node):
            tree = _there(tree.right if _bit(key, depth) else tree.left)
            depth += 1
        at = _position(tree, key)
        return tree[at + KEY_BYTES : at + _LEAF_BYTES] if tree.startswith(key, at) else None

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield all pairs, sorted by key. The map must not be changed meanwhile."""
        self.settle()
        waiting = [self._tree]
        while waiting:
            tree = _there(waiting.pop())
            if isinstance(tree, _Node):
                waiting += (tree.right, tree.left)
            else:
                for leaf in _leaves(tree):
                    yield leaf[:KEY_BYTES], leaf[KEY_BYTES:]

    def set(self, key: bytes, value: bytes | None) -> None:
        """Give `key` a value, or remove it with None; removing what is not there changes nothing."""
        assert len(key) == KEY_BYTES
        assert value is None or len(value) == VALUE_BYTES
        self._waiting[key] = value

    def _changed(self, tree: _Tree, keys: Sequence[bytes], first: int, stop: int, depth: int) -> tuple[_Tree, int]:
        """Return the subtree at `depth` with the changes that wait for some keys, and by how many leaves it has grown.

        Args:
            keys: sorted; those from `first` to before `stop` lie in this subtree.
        """
        tree = _there(tree)
        if isinstance(tree, bytes):
            changed = self._with_leaves(tree, keys[first:stop])
            if changed == tree:
                return tree, 0
            return self._split(changed, depth), (len(changed) - len(tree)) // _LEAF_BYTES
        middle = bisect_left(keys, _first_right(keys[first], depth), first, stop)
        left, right, grown = tree.left, tree.right, 0
        if first < middle:
            left, more = self._changed(left, keys, first, middle, depth + 1)
            grown += more
        if middle < stop:
            right, more = self._changed(right, keys, middle, stop, depth + 1)
            grown += more
        return self._joined(left, right, tree), grown

    def _with_leaves(self, bucket: bytes, keys: Sequence[bytes]) -> bytes:
        """Return a bucket with the changes that wait for these keys."""
        if len(keys) <= _FEW:
            for key in keys:
                bucket = _with_leaf(bucket, key, self._waiting[key])
            return bucket
        leaves = {leaf[:KEY_BYTES]: leaf[KEY_BYTES:] for leaf in _leaves(bucket)}
        for key in keys:
            value = self._waiting[key]
            if value is None:
                leaves.pop(key, None)
            else:
                leaves[key] = value
        return _join_sorted(sorted(leaves.items()))

    def root(self) -> bytes:
        """Return the root over everything in the map; only what changed since the last time is hashed."""
        self.settle()
        if self._root is None:
            self._root = self._hash(self._tree, 0)
        return self._root

    def prove(self, key: bytes) -> bytes:
        """Return the proof of the key's value or absence under `root()`, for `check_proof`."""
        assert len(key) == KEY_BYTES
        self.root()
        siblings: list[bytes] = []
        tree = _there(self._tree)
        while isinstance(tree, _Node):
            side = _bit(key, len(siblings))
            sibling = tree.hash_left if side else tree.hash_right
            assert sibling is not None, "root() has hashed every child"
            siblings.append(sibling)
            tree = _there(tree.right if side else tree.left)
        return finish_proof(key, siblings, tree, self._prefixes)

    def _hash(self, tree: _Tree, depth: int) -> bytes:
        if isinstance(tree, bytes):
            return hash_bucket(tree, depth, self._prefixes)
        if isinstance(tree, Elsewhere):
            return tree.hash
        # This is right for a node that branches share, too, because its hashes follow from its children.
        if tree.hash_left is None:
            tree.hash_left = self._hash(tree.left, depth + 1)
        if tree.hash_right is None:
            tree.hash_right = self._hash(tree.right, depth + 1)
        return self._prefixes.hash_node(tree.hash_left, tree.hash_right)

    def _split(self, leaves: bytes, depth: int) -> _Tree:
        if len(leaves) <= self._bucket_bytes:
            return leaves
        middle = _middle(leaves, depth)
        return _Node(self._split(leaves[:middle], depth + 1), self._split(leaves[middle:], depth + 1))

    def _joined(self, left: _Tree, right: _Tree, before: _Node) -> _Tree:
        """Return the subtree of these two, in place of the node `before`."""
        if left is before.left and right is before.right:
            return before
        hash_left = before.hash_left if left is before.left else None
        hash_right = before.hash_right if right is before.right else None
        # A small one is read: a node has two leaves or more below it, and this may have become fewer.
        left, right = self._small(left), self._small(right)
        if isinstance(left, bytes) and isinstance(right, bytes) and len(left) + len(right) <= self._join_bytes:
            return left + right
        return _Node(left, right, hash_left, hash_right)

    def _small(self, tree: _Tree) -> _Tree:
        is_small = isinstance(tree, Elsewhere) and tree.count * _LEAF_BYTES <= self._join_bytes
        return _there(tree) if is_small else tree


def _there(tree: _Tree) -> _Node | bytes:
    return tree.there() if isinstance(tree, Elsewhere) else tree  # type: ignore[return-value]


def beneath(
    slots: Sequence[tuple[int, bytes]],
    below: Callable[[int], Elsewhere],
    leaves: Callable[[int, int], bytes],
    *,
    depth: int,
    bucket: int,
    prefixes: Prefixes = DEFAULT_PREFIXES,
) -> Subtree:
    """Return the subtree at `depth` above some subtrees, which stand side by side; what leads to none is not made.

    Args:
        slots: of each subtree the number of its leaves and its hash; their number is a power of two, at least two.
        below: gives the subtree of a slot, by its number.
        leaves: gives all leaves of the subtrees from one number up to, not including, another; sorted, 64 bytes each.
        bucket: the most leaves to read in this way; a subtree with no more is also read as its leaves.
    """
    rows = [slots]  # of each level of the tree, the lowest first: number of leaves and hash of each subtree
    while len(row := rows[-1]) > 1:
        rows.append([_above(row[at], row[at + 1], prefixes) for at in range(0, len(row), 2)])

    def read(level: int, at: int) -> Subtree:
        if rows[level][at][0] <= bucket:
            return leaves(at << level, (at + 1) << level)
        left, right = 2 * at, 2 * at + 1
        row = rows[level - 1]
        return _Node(made(level - 1, left), made(level - 1, right), row[left][1], row[right][1])

    def made(level: int, at: int) -> _Tree:
        count, hash = rows[level][at]
        if not count:
            return b""
        if not level:
            return below(at)
        stands = depth + len(rows) - 1 - level
        return Elsewhere(count=count, hash=hash, depth=stands, read=partial(read, level, at), prefixes=prefixes)

    return read(len(rows) - 1, 0)


def _above(left: tuple[int, bytes], right: tuple[int, bytes], prefixes: Prefixes) -> tuple[int, bytes]:
    """Return number of leaves and hash of the subtree above two, which stand side by side."""
    count = left[0] + right[0]
    if count > 1:
        return count, prefixes.hash_node(left[1], right[1])
    return left if left[0] else right


def bulk_root(items: Iterable[tuple[bytes, bytes]], prefixes: Prefixes = DEFAULT_PREFIXES) -> bytes:
    """Return the root over pairs sorted by key in one pass; memory grows with the depth of the trie only."""
    return _hash_leaves((key + value for key, value in items), 0, prefixes)


def hash_bucket(bucket: bytes, depth: int, prefixes: Prefixes = DEFAULT_PREFIXES) -> bytes:
    """Return the hash of the subtree at `depth` that has exactly these leaves.

    Args:
        bucket: `key32 || value32` of each leaf, sorted, their first `depth` bits in common.
    """
    return _hash_range(bucket, _numbers(bucket), 0, len(bucket) // _LEAF_BYTES, depth, prefixes)


def finish_proof(key: bytes, siblings: Sequence[bytes], bucket: bytes, prefixes: Prefixes = DEFAULT_PREFIXES) -> bytes:
    """Return the proof for `key`, given the part of its path from the root down to a small subtree.

    Args:
        siblings: beside that part of the path, 32 bytes each, from the root downward.
        bucket: all leaves below its end, as of `hash_bucket`.
    """
    path = list(siblings)
    keys = _numbers(bucket)
    low, high = 0, len(keys)
    while high - low > 1:
        depth = len(path)
        middle = bisect_left(keys, _least_right(keys[low], depth), low, high)
        if _bit(key, depth):
            path.append(_hash_range(bucket, keys, low, middle, depth + 1, prefixes))
            low = middle
        else:
            path.append(_hash_range(bucket, keys, middle, high, depth + 1, prefixes))
            high = middle
    return _encode_proof(path, bucket[low * _LEAF_BYTES : high * _LEAF_BYTES].removeprefix(key))


def state_root(records_root: bytes, statements_root: bytes) -> bytes:
    """Return the value that commits to all records and all accepted statements: SHA-256(04 || both roots)."""
    assert len(records_root) == len(statements_root) == _HASH_BYTES
    return sha256(b"\x04" + records_root + statements_root).digest()


def check_proof(root: bytes, key: bytes, proof: bytes, prefixes: Prefixes = DEFAULT_PREFIXES) -> bytes | None:
    """Return the proved value of `key` under `root`, or None where its absence is proved.

    Raises:
        DecodeError: the bytes are not a proof.
        RefusedError: the proof is of something else.
    """
    assert len(key) == KEY_BYTES
    siblings, terminal = _decode_proof(proof)
    depth = len(siblings)
    if len(terminal) == _LEAF_BYTES:
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
    for sibling in reversed(siblings):
        current = sha256(node + sibling + current if path & 1 else node + current + sibling).digest()
        path >>= 1
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
    if len(proof) < end or len(terminal) not in (0, VALUE_BYTES, _LEAF_BYTES):
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


def _bit(key: bytes, depth: int) -> int:
    """Return the side of a key at a node `depth` steps below the root: 0 left, 1 right."""
    return key[depth >> 3] >> (7 - (depth & 7)) & 1


def _common_bits(one: bytes, other: bytes) -> int:
    """Return the length in bits of the longest common prefix of two keys: 256 if they are equal."""
    return DEPTH_MAX - (int.from_bytes(one[:KEY_BYTES], "big") ^ int.from_bytes(other[:KEY_BYTES], "big")).bit_length()


def _leaves(bucket: bytes) -> Iterator[bytes]:
    return (bucket[at : at + _LEAF_BYTES] for at in range(0, len(bucket), _LEAF_BYTES))


def _join_sorted(items: list[tuple[bytes, bytes]]) -> bytes:
    assert all(len(key) == KEY_BYTES and len(value) == VALUE_BYTES for key, value in items)
    assert all(one[0] != next_one[0] for one, next_one in pairwise(items)), "a key is listed twice"
    return b"".join(key + value for key, value in items)


def _position(bucket: bytes, key: bytes) -> int:
    """Return the offset of the first leaf whose key is not below `key`."""
    low, high = 0, len(bucket) // _LEAF_BYTES
    while low < high:
        middle = (low + high) // 2
        at = middle * _LEAF_BYTES
        if bucket[at : at + KEY_BYTES] < key:
            low = middle + 1
        else:
            high = middle
    return low * _LEAF_BYTES


def _middle(leaves: bytes, depth: int) -> int:
    """Return the offset of the first leaf on the right side of the node at `depth`; all keys share their first bits."""
    return _position(leaves, _first_right(leaves, depth))


def _first_right(key: bytes, depth: int) -> bytes:
    """Return the least key on the right side of the node at `depth` on the way to `key`."""
    byte, bit = divmod(depth, 8)
    return (key[:byte] + bytes([key[byte] & (0xFF00 >> bit) | 0x80 >> bit])).ljust(KEY_BYTES, b"\x00")


def _with_leaf(bucket: bytes, key: bytes, value: bytes | None) -> bytes:
    at = _position(bucket, key)
    after = at + _LEAF_BYTES if bucket.startswith(key, at) else at
    return bucket[:at] + (b"" if value is None else key + value) + bucket[after:]


def _numbers(bucket: bytes) -> list[int]:
    """Return the keys of a bucket as numbers, of which the first bit of a key is the highest."""
    return [int.from_bytes(bucket[at : at + KEY_BYTES], "big") for at in range(0, len(bucket), _LEAF_BYTES)]


def _least_right(key: int, depth: int) -> int:
    """Return the least key on the right side of the node at `depth` on the way to `key`."""
    below = DEPTH_MAX - 1 - depth
    return (key >> below | 1) << below


def _hash_range(bucket: bytes, keys: list[int], low: int, high: int, depth: int, prefixes: Prefixes) -> bytes:
    """Hash the subtree at `depth` that has the leaves of a bucket from `low` to before `high`, by their numbers.

    Args:
        keys: `_numbers` of the bucket; those of the range have their first `depth` bits in common.
    """
    if high - low < 2:
        return prefixes.hash_leaf(bucket[low * _LEAF_BYTES : high * _LEAF_BYTES]) if low < high else EMPTY
    key = keys[low]
    parting = DEPTH_MAX - (key ^ keys[high - 1]).bit_length()
    middle = bisect_left(keys, _least_right(key, parting), low, high)
    assert depth <= parting < DEPTH_MAX, "of this subtree, each once"
    assert low < middle < high, "sorted"
    left = _hash_range(bucket, keys, low, middle, parting + 1, prefixes)
    right = _hash_range(bucket, keys, middle, high, parting + 1, prefixes)
    current = prefixes.hash_node(left, right)
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
            current = prefixes.hash_side(current, EMPTY, _bit(key, height))
    return current
