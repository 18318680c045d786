"""The state map in SQLite: sorted leaves, and the hashes of every subtree that has many of them.

    with transaction(connection):
        records = SqliteStateMap(connection, "records")      a `state_map.StateMap`; `tables` creates its tables
        records.update({key: value, gone: None})             one batch: each page that it touches is written once
    records.root(), records.prove(key)                       from any connection, in a read transaction

Two tables a map, both a pure function of the set of leaves, so that an audit can make them again and compare:

    NAME_leaves    key, value: 32 bytes each, in the order of the keys
    NAME_pages     path, slots: for every path with more than `BUCKET` leaves below it, a page

A path is the beginning of keys, in hexadecimal digits, so that a page covers four levels of the trie. Its slots are the
sixteen subtrees four levels further down, each as `u32 number of leaves || hash32`, big-endian. Hashes between these
levels are computed when they are needed: at most 15 hashes a page, and below the last page at most `BUCKET` leaves from
one range scan. Nothing is kept in memory between two calls.

A slot has the number of leaves because the place of a single leaf in the trie depends on its first neighbour, not on
its page. An attacker can search for keys that share their first digits; then pages go deeper there, and nowhere else.

It does not open connections or transactions (`sqlite` does), or say which state a map belongs to (`state_store` does).
"""

import sqlite3
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain, groupby, islice
from struct import Struct
from typing import Final

from accredit.registry.errors import StorageError
from accredit.registry.transparency.state_map import Elsewhere, Subtree, Trie, beneath, row_above
from accredit.registry.transparency.state_trie import (
    DEFAULT_PREFIXES,
    DEPTH_MAX,
    KEY_BYTES,
    VALUE_BYTES,
    Prefixes,
    finish_proof,
    hash_bucket,
)

BUCKET: Final = 24
"""Most leaves of a subtree without a page. Fewer need more pages on the disk; more need more hashing for a proof. The
middle one of 16, 24 and 32, at 10^5 leaves (`benchmarks/statemap.py`)."""

PAGES: Final = 512
"""Pages whose inner hashes are remembered for proofs, 5 KiB each: the upper ones, through which all proofs lead, of two
maps. A guess."""

RECORDS: Final = "records"
"""The name of the map over the records."""

STATEMENTS: Final = "statements"
"""The name of the map over the statements to which the root binds: each id is key and value."""

_DIGITS: Final = "0123456789abcdef"
_LEVELS: Final = 4  # of the trie in a page: one hexadecimal digit
_COUNT: Final = Struct(">I")
_SLOT: Final = Struct(">I32s")
_SLOTS: Final = Struct(">" + "I32s" * len(_DIGITS))
_KEY_DIGITS: Final = 2 * KEY_BYTES
_LEAF_BYTES: Final = KEY_BYTES + VALUE_BYTES
_LAST_VALUE: Final = b"\xff" * VALUE_BYTES

_Subtree = tuple[int, bytes]
"""A subtree's number of leaves, and its hash."""


def tables(name: str) -> tuple[str, ...]:
    """Return the SQL that creates the tables of a map."""
    # Without row numbers, so that neighbours in the map are neighbours on the disk.
    return (
        f"CREATE TABLE {name}_leaves (key BLOB PRIMARY KEY CHECK (length(key) = {KEY_BYTES}), "
        f"value BLOB NOT NULL CHECK (length(value) = {VALUE_BYTES})) WITHOUT ROWID",
        f"CREATE TABLE {name}_pages (path TEXT PRIMARY KEY, "
        f"slots BLOB NOT NULL CHECK (length(slots) = {_SLOTS.size})) WITHOUT ROWID",
    )


class SqliteStateMap:
    """A `StateMap` in two tables. It reads and writes through the given connection, and keeps nothing else.

    Several reads see one state only within one transaction; writes need a transaction of the caller.

    Args:
        connection: to a database with the map's `tables`.
        name: of the map.
        prefixes: see `state_trie.Prefixes`.
        bucket: most leaves without a page, 1 or more; the same for the life of the tables.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        name: str,
        *,
        prefixes: Prefixes = DEFAULT_PREFIXES,
        bucket: int = BUCKET,
    ) -> None:
        assert name.isidentifier()
        assert bucket >= 1
        self._connection = connection
        self._leaves = f"{name}_leaves"
        self._pages = f"{name}_pages"
        self._prefixes = prefixes
        self._bucket = bucket

    # ---------------------------------------------------------------------------------------------------- reading

    def __len__(self) -> int:
        return self._whole()[0]

    def get(self, key: bytes) -> bytes | None:
        """Return the value of `key`, or None."""
        assert len(key) == KEY_BYTES
        row = self._connection.execute(f"SELECT value FROM {self._leaves} WHERE key = ?", (key,)).fetchone()
        return row and bytes(row[0])

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield all pairs, sorted by key. The map must not be changed meanwhile."""
        return iter(self._connection.execute(f"SELECT key, value FROM {self._leaves} ORDER BY key"))

    def root(self) -> bytes:
        """Return the root over everything in the map: one page read, or one bucket."""
        return self._whole()[1]

    def prove(self, key: bytes) -> bytes:
        """Return the proof of the key's value or absence under `root()`, for `state_trie.check_proof`."""
        assert len(key) == KEY_BYTES
        digits, siblings, path = key.hex(), list[bytes](), ""
        slots = self._slots(path)
        while slots is not None:
            rows = _levels(slots, self._prefixes)
            slot = int(digits[len(path)], 16)
            for level in reversed(range(_LEVELS)):
                if rows[level + 1][slot >> level + 1][0] <= 1:
                    break  # what is left of the path is one leaf, or nothing
                siblings.append(rows[level][slot >> level ^ 1][1])
            path = digits[: len(path) + 1]
            slots = self._slots(path) if rows[0][slot][0] > self._bucket else None
        return finish_proof(key, siblings, self._scan(*_around(key, len(siblings))), self._prefixes)

    def subtree(self, path: str, reopen: Callable[[], "SqliteStateMap"]) -> Elsewhere:
        """Return the subtree of a path: read as far as the page there, or its leaves where there is none.

        Args:
            reopen: returns this map again, for the thread that continues from there.
        """
        page = self._page(path)
        if page is None:
            return self._elsewhere(path, *self._below(path), lambda: reopen()._scan(*_range(path)))
        return self._elsewhere(path, *self._fold(page), lambda: reopen()._beneath(path, reopen))

    def _elsewhere(self, path: str, count: int, hash: bytes, read: Callable[[], Subtree]) -> Elsewhere:
        return Elsewhere(count=count, hash=hash, depth=_LEVELS * len(path), read=read, prefixes=self._prefixes)

    def _beneath(self, path: str, reopen: Callable[[], "SqliteStateMap"]) -> Subtree:
        page = self._page(path)
        if page is None:
            raise map_damaged(f"the page {path!r} of {self._pages} is missing")

        def below(slot: int) -> Elsewhere:
            (count, hash), deeper = page[slot], path + _DIGITS[slot]
            if count > self._bucket:
                return self._elsewhere(deeper, count, hash, lambda: reopen()._beneath(deeper, reopen))
            return self._elsewhere(deeper, count, hash, lambda: reopen()._scan(*_range(deeper)))

        def leaves(first: int, stop: int) -> bytes:
            return reopen()._scan(_range(path + _DIGITS[first])[0], _range(path + _DIGITS[stop - 1])[1])

        depth = _LEVELS * len(path)
        return beneath(page, below, leaves, depth=depth, bucket=self._bucket, prefixes=self._prefixes)

    # ---------------------------------------------------------------------------------------------------- writing

    def set(self, key: bytes, value: bytes | None) -> None:
        """Give `key` a value, or remove it with None; removing what is missing changes nothing."""
        self.update({key: value})

    def update(self, changes: Mapping[bytes, bytes | None], changed: Trie | None = None) -> None:
        """Change many keys at once: each page above them is read and written once.

        Args:
            changed: this map with these changes in memory, if there is one; then no hash is computed twice.

        Raises:
            StorageError: `map_damaged`: the tables do not fit together.
        """
        assert self._connection.in_transaction
        grown: list[tuple[str, int]] = []  # keys that change, in hexadecimal digits, and by how many leaves
        for key in sorted(changes):
            value, before = changes[key], self.get(key)
            assert value is None or len(value) == VALUE_BYTES
            if value == before:
                continue
            if value is None:
                self._connection.execute(f"DELETE FROM {self._leaves} WHERE key = ?", (key,))
            else:
                self._connection.execute(
                    f"INSERT INTO {self._leaves} (key, value) VALUES (?, ?) "
                    "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                    (key, value),
                )
            grown.append((key.hex(), (value is not None) - (before is not None)))
        if grown:
            page = self._page("")
            count = self._bucket if page is None else sum(count for count, _ in page)
            self._refresh("", count, grown, changed)

    def rebuild(self, items: Iterable[tuple[bytes, bytes]]) -> bytes:
        """Put these pairs, sorted by key, in place of everything in the map; return the root.

        Memory grows with the depth of the trie only.
        """
        assert self._connection.in_transaction
        self._connection.execute(f"DELETE FROM {self._pages}")
        self._connection.execute(f"DELETE FROM {self._leaves}")
        self._connection.executemany(f"INSERT INTO {self._leaves} (key, value) VALUES (?, ?)", items)
        return self._build("")[1]

    # ---------------------------------------------------------------------------------------------------- comparing

    def check(self) -> bytes:
        """Return the root, derived from the leaves alone, after comparing every page with them.

        Raises:
            StorageError: `map_damaged`, and the first page that does not fit.
        """
        pages = 0

        def compare(path: str, slots: bytes) -> None:
            nonlocal pages
            pages += 1
            row = self._connection.execute(f"SELECT slots FROM {self._pages} WHERE path = ?", (path,)).fetchone()
            if row is None or row[0] != slots:
                raise map_damaged(f"the page {path!r} of {self._pages} does not match its leaves")

        _, root = self._make("", self._ahead(""), compare)
        if self._connection.execute(f"SELECT count(*) FROM {self._pages}").fetchone()[0] != pages:
            raise map_damaged(f"{self._pages} has pages without leaves")
        return root

    # ---------------------------------------------------------------------------------------------------- subtrees

    def _whole(self) -> _Subtree:
        page = self._page("")
        if page is not None:
            return self._fold(page)
        return self._below("")

    def _page(self, path: str) -> list[_Subtree] | None:
        slots = self._slots(path)
        return None if slots is None else _unpacked(slots)

    def _slots(self, path: str) -> bytes | None:
        row = self._connection.execute(f"SELECT slots FROM {self._pages} WHERE path = ?", (path,)).fetchone()
        if row is None:
            return None
        slots = row[0]
        if type(slots) is not bytes or len(slots) != _SLOTS.size:
            raise map_damaged(f"the page {path!r} of {self._pages} is malformed")
        return slots

    def _put(self, path: str, slots: bytes) -> None:
        self._connection.execute(
            f"INSERT INTO {self._pages} (path, slots) VALUES (?, ?) "
            "ON CONFLICT (path) DO UPDATE SET slots = excluded.slots",
            (path, slots),
        )

    def _scan(self, low: bytes, high: bytes) -> bytes:
        """Return all leaves from one key to another as a bucket, in the form of `state_trie.hash_bucket`."""
        return b"".join(self._between(low, high))

    def _between(self, low: bytes, high: bytes) -> Iterator[bytes]:
        """Yield the same leaves one by one, 64 bytes each; in order even if the file is damaged."""
        sql = f"SELECT key, value FROM {self._leaves} WHERE key BETWEEN ? AND ? ORDER BY key"
        before = b""
        for key, value in self._connection.execute(sql, (low, high)):
            if not type(key) is type(value) is bytes or key <= before or len(key) + len(value) != _LEAF_BYTES:
                raise map_damaged(f"{self._leaves} has leaves that are malformed or out of order")
            before = key
            yield key + value

    def _below(self, path: str) -> _Subtree:
        """Return the subtree of a path without a page."""
        bucket = self._scan(*_range(path))
        return len(bucket) // _LEAF_BYTES, hash_bucket(bucket, _LEVELS * len(path), self._prefixes)

    def _fold(self, slots: Sequence[_Subtree]) -> _Subtree:
        """Return the subtree whose slots these adjacent subtrees are; their number is a power of two."""
        while len(slots) > 1:
            slots = row_above(slots, self._prefixes)
        return slots[0]

    def _refresh(self, path: str, count: int, grown: Sequence[tuple[str, int]], changed: Trie | None) -> _Subtree:
        """Bring the pages at and below `path` up to date with its leaves.

        Args:
            count: leaves it had before; if it had no page, any number up to `bucket`.
            grown: what changed below it, sorted.
            changed: knows the hashes.
        """
        after = count + sum(by for _, by in grown)
        page = self._slots(path) if count > self._bucket else None
        if page is None:
            if changed is None or not path or after > self._bucket:
                return self._build(path)
            return after, changed.hash_at(path)
        if after <= self._bucket:
            # "g" comes after the last digit: this page and all below it.
            self._connection.execute(f"DELETE FROM {self._pages} WHERE path >= ? AND path < ?", (path, path + "g"))
            return self._below(path)
        at, slots = len(path), bytearray(page)
        for digit, some in groupby(grown, key=lambda one: one[0][at]):
            place = int(digit, 16) * _SLOT.size
            (before,) = _COUNT.unpack_from(slots, place)
            _SLOT.pack_into(slots, place, *self._refresh(path + digit, before, list(some), changed))
        self._put(path, bytes(slots))
        return (after, changed.hash_at(path)) if changed else self._fold(_unpacked(slots))

    def _build(self, path: str) -> _Subtree:
        """Make the pages at and below `path`, which has none yet, from its leaves."""
        return self._make(path, self._ahead(path), self._put)

    def _ahead(self, path: str) -> "_Ahead":
        return _Ahead(self._between(*_range(path)), self._bucket)

    def _make(self, path: str, ahead: "_Ahead", put: Callable[[str, bytes], None]) -> _Subtree:
        """Hand every page at and below `path` to `put`, the lower ones first."""
        bucket = ahead.take(_range(path)[1])
        if bucket is not None:
            count = len(bucket) // _LEAF_BYTES
            return count, hash_bucket(bucket, _LEVELS * len(path), self._prefixes)
        page = [self._make(path + digit, ahead, put) for digit in _DIGITS]
        put(path, _packed(page))
        return self._fold(page)


def trie_over(open: Callable[[], SqliteStateMap], *, prefixes: Prefixes = DEFAULT_PREFIXES) -> Trie:
    """Return a copy of the map to change in memory. It reads only the changed leaves and the nodes above them.

    The copy may be changed and branched before and after the same changes are made in the tables: no branch reads the
    changed places again, and everywhere else the tables stay as they were.

    Args:
        open: returns the map, for the thread that asks.
    """
    return Trie.standing_on(open().subtree("", open), prefixes=prefixes)


class _Ahead:
    """Leaves in order, each 64 bytes, with a look ahead at one more than a bucket holds."""

    def __init__(self, leaves: Iterator[bytes], most: int) -> None:
        self._leaves = leaves
        self._most = most
        self._held: list[bytes] = []

    def take(self, last: bytes) -> bytes | None:
        """Take the next leaves up to the key `last`; return None and take no leaf if they are too many for a bucket."""
        self._held += islice(self._leaves, self._most + 1 - len(self._held))
        count = bisect_right(self._held, last + _LAST_VALUE)
        if count > self._most:
            return None
        bucket = b"".join(self._held[:count])
        del self._held[:count]
        return bucket


def map_damaged(what: str) -> StorageError:
    """Return the error for a damaged stored map."""
    return StorageError(
        "map_damaged",
        f"The stored state map is inconsistent: {what}.",
        hint="Stop the node and check the disk. When it starts again, the map is rebuilt from the log.",
    )


def _packed(page: Iterable[_Subtree]) -> bytes:
    return _SLOTS.pack(*chain.from_iterable(page))


def _unpacked(slots: bytes | bytearray) -> list[_Subtree]:
    """Return the subtrees of a page."""
    fields = iter(_SLOTS.unpack(slots))
    return list(zip(fields, fields, strict=True))


@lru_cache(maxsize=PAGES)
def _levels(slots: bytes, prefixes: Prefixes) -> Sequence[Sequence[_Subtree]]:
    """Return the subtrees of a page on each level, its slots first and the whole last.

    They follow from the page's bytes, so a page that is remembered is never an older one.
    """
    rows = [_unpacked(slots)]
    while len(rows[-1]) > 1:
        rows.append(row_above(rows[-1], prefixes))
    return rows


def _range(path: str) -> tuple[bytes, bytes]:
    """Return the first and the last key that can begin with these digits."""
    return bytes.fromhex(path.ljust(_KEY_DIGITS, "0")), bytes.fromhex(path.ljust(_KEY_DIGITS, "f"))


def _around(key: bytes, depth: int) -> tuple[bytes, bytes]:
    """Return the first and the last key that can share their first `depth` bits with this one."""
    rest = (1 << DEPTH_MAX - depth) - 1
    number = int.from_bytes(key, "big")
    return (number & ~rest).to_bytes(KEY_BYTES, "big"), (number | rest).to_bytes(KEY_BYTES, "big")
