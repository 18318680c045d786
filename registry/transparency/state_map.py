"""Keeps a state map in memory: the trie of `state_trie`, with only the hashes that are needed.

    >>> from accredit.registry.transparency.state_trie import check_proof
    >>> trie = Trie([(bytes(32), bytes(32))])
    >>> check_proof(trie.root(), bytes(32), trie.prove(bytes(32))) == bytes(32)
    True
    >>> check_proof(trie.root(), bytes([255] * 32), trie.prove(bytes([255] * 32))) is None
    True

A subtree may also be stored elsewhere (`Elsewhere`, `beneath`), and is read when a change or a question leads into it.
The interface, `StateMap`, is that of a map in a node's tables as well.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from itertools import pairwise
from typing import Final, Protocol

from ..errors import StorageError
from .state_trie import (
    DEFAULT_PREFIXES,
    KEY_BYTES,
    LEAF_BYTES,
    VALUE_BYTES,
    Prefixes,
    finish_proof,
    hash_bucket,
    side_of,
)

# Leaves kept together without nodes between them. A guess: larger buckets save memory and cost hashes for each change.
_BUCKET_LEAVES: Final = 16
_HASHED_LEAVES: Final = 8
"""Most leaves kept together of a bucket that was stored elsewhere: all of it is hashed to be compared, so the nodes in
it cost nothing more, and a change then leaves most of them as they are."""
_FEW: Final = 4
"""Changes of one bucket up to which each is made by itself. A guess."""


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
            if isinstance(found, bytes):
                found, hash = _hashed(found, self.depth, self.prefixes)
            else:
                assert isinstance(found, _Node)
                hash = self.prefixes.hash_node(found.hash_left or b"", found.hash_right or b"")
            if hash != self.hash:
                raise StorageError(
                    "map_damaged",
                    f"The stored state map is damaged: a part below {self.depth} bits does not lead to its hash.",
                    hint="Stop the node and check the disk. When it starts again, the map is rebuilt from the log.",
                )
            self._there = found
        return self._there


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
        self._bucket_bytes = bucket_leaves * LEAF_BYTES
        # Buckets join again only at half their maximum, so that one key set and removed repeatedly does not split and
        # join them.
        self._join_bytes = self._bucket_bytes // 2
        leaves = _join_sorted(sorted(items))
        self._count = len(leaves) // LEAF_BYTES
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
            tree = _there(tree.right if side_of(key, depth) else tree.left)
            depth += 1
        at = _position(tree, key)
        return tree[at + KEY_BYTES : at + LEAF_BYTES] if tree.startswith(key, at) else None

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
            return self._split(changed, depth), (len(changed) - len(tree)) // LEAF_BYTES
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

    def hash_at(self, path: str) -> bytes:
        """Return the hash of the subtree whose keys begin with these hexadecimal digits."""
        hash, tree, depth = self.root(), self._tree, 4 * len(path)
        low, high = (bytes.fromhex(path.ljust(2 * KEY_BYTES, digit)) for digit in "0f")
        for at in range(depth):
            tree = _there(tree)
            if isinstance(tree, bytes):
                below = b"".join(leaf for leaf in _leaves(tree) if low <= leaf[:KEY_BYTES] <= high)
                return hash_bucket(below, depth, self._prefixes)
            is_right = side_of(low, at)
            found = tree.hash_right if is_right else tree.hash_left
            assert found is not None, "root() has hashed every child"
            hash, tree = found, tree.right if is_right else tree.left
        return hash

    def prove(self, key: bytes) -> bytes:
        """Return the proof of the key's value or absence under `root()`, for `check_proof`."""
        assert len(key) == KEY_BYTES
        self.root()
        siblings: list[bytes] = []
        tree = _there(self._tree)
        while isinstance(tree, _Node):
            side = side_of(key, len(siblings))
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
        is_small = isinstance(tree, Elsewhere) and tree.count * LEAF_BYTES <= self._join_bytes
        return _there(tree) if is_small else tree


def _hashed(bucket: bytes, depth: int, prefixes: Prefixes) -> tuple[_Node | bytes, bytes]:
    """Return the subtree at `depth` that has exactly these leaves, with the hashes of its nodes, and its own."""
    if len(bucket) <= _HASHED_LEAVES * LEAF_BYTES:
        return bucket, hash_bucket(bucket, depth, prefixes)
    middle = _middle(bucket, depth)
    left, hash_left = _hashed(bucket[:middle], depth + 1, prefixes)
    right, hash_right = _hashed(bucket[middle:], depth + 1, prefixes)
    return _Node(left, right, hash_left, hash_right), prefixes.hash_node(hash_left, hash_right)


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
        rows.append(row_above(row, prefixes))

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


def row_above(row: Sequence[tuple[int, bytes]], prefixes: Prefixes = DEFAULT_PREFIXES) -> list[tuple[int, bytes]]:
    """Return number of leaves and hash of each subtree above two of these, which stand side by side."""
    above, node = [], prefixes.node
    for at in range(0, len(row), 2):
        (count, left), (beside, right) = row[at], row[at + 1]
        count += beside
        if count > 1:
            above.append((count, sha256(node + left + right).digest()))
        else:
            above.append(row[at + 1] if beside else row[at])
    return above


def _join_sorted(items: list[tuple[bytes, bytes]]) -> bytes:
    assert all(len(key) == KEY_BYTES and len(value) == VALUE_BYTES for key, value in items)
    assert all(one[0] != next_one[0] for one, next_one in pairwise(items)), "a key is listed twice"
    return b"".join(key + value for key, value in items)


def _leaves(bucket: bytes) -> Iterator[bytes]:
    return (bucket[at : at + LEAF_BYTES] for at in range(0, len(bucket), LEAF_BYTES))


def _position(bucket: bytes, key: bytes) -> int:
    """Return the offset of the first leaf whose key is not below `key`."""
    low, high = 0, len(bucket) // LEAF_BYTES
    while low < high:
        middle = (low + high) // 2
        at = middle * LEAF_BYTES
        if bucket[at : at + KEY_BYTES] < key:
            low = middle + 1
        else:
            high = middle
    return low * LEAF_BYTES


def _middle(leaves: bytes, depth: int) -> int:
    """Return the offset of the first leaf on the right side of the node at `depth`; all keys share their first bits."""
    return _position(leaves, _first_right(leaves, depth))


def _first_right(key: bytes, depth: int) -> bytes:
    """Return the least key on the right side of the node at `depth` on the way to `key`."""
    byte, bit = divmod(depth, 8)
    return (key[:byte] + bytes([key[byte] & (0xFF00 >> bit) | 0x80 >> bit])).ljust(KEY_BYTES, b"\x00")


def _with_leaf(bucket: bytes, key: bytes, value: bytes | None) -> bytes:
    at = _position(bucket, key)
    after = at + LEAF_BYTES if bucket.startswith(key, at) else at
    return bucket[:at] + (b"" if value is None else key + value) + bucket[after:]
