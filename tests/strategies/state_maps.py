"""State maps for tests: keys that part where it hurts, the definition to compare with, and every implementation.

    keeper = KEEPERS["SQLite, one leaf a bucket"](folder, Prefixes())
    keeper.change({key: value})            one batch
    keeper.reopen()                        what was kept outlives the object
    keeper.map                             a `StateMap`

A new implementation is one more keeper here; `tests/node/test_state_maps.py` then asks of it what it asks of all.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from hashlib import sha256
from itertools import combinations
from pathlib import Path
from typing import Final, Protocol

from hypothesis import strategies as st

from accredit.node.storage.sqlite import connect_reader, connect_writer, transaction
from accredit.node.storage.sqlite_trie import SqliteStateMap, tables
from accredit.registry.errors import InputError
from accredit.registry.transparency.state_map import StateMap, Trie
from accredit.registry.transparency.state_trie import EMPTY, Prefixes, check_proof

Pairs = dict[bytes, bytes]


def bits(prefix: str, fill: str = "0") -> bytes:
    return int(prefix.ljust(256, fill), 2).to_bytes(32, "big")


# Neighbours that part at once, late in the first byte, at a byte's edge, and only at the very last bit.
UNIVERSE = [
    bits("0"),
    bits("0" * 7 + "1"),
    bits("0" * 8 + "1"),
    bits("10"),
    bits("101"),
    bits("1", fill="1"),
    bits("1" * 255 + "0"),
]
ABSENT = [bits("01"), bits("0" * 16 + "1"), bits("1" * 250), bits("11")]


def value_of(key: bytes) -> bytes:
    return sha256(b"value of " + key).digest()


def definition(pairs: Pairs, depth: int = 0, leaf: bytes = b"\x02", node: bytes = b"\x03") -> bytes:
    """The design word by word, to compare with."""
    if not pairs:
        return bytes(32)
    if len(pairs) == 1:
        return sha256(leaf + b"".join(*pairs.items())).digest()
    sides: tuple[Pairs, Pairs] = ({}, {})
    for key, value in pairs.items():
        sides[int.from_bytes(key, "big") >> (255 - depth) & 1][key] = value
    left, right = (definition(side, depth + 1, leaf, node) for side in sides)
    return sha256(node + left + right).digest()


def subsets() -> Iterator[Pairs]:
    for count in range(len(UNIVERSE) + 1):
        for keys in combinations(UNIVERSE, count):
            yield {key: value_of(key) for key in keys}


def accepted(root: bytes, key: bytes, proof: bytes) -> tuple[bytes | None] | None:
    """What a proof convinces a verifier of, in a tuple; None if it is refused."""
    try:
        return (check_proof(root, key, proof),)
    except InputError:
        return None


def random_pairs(count: int, start: int = 0) -> Pairs:
    return {sha256(b"key %d" % number).digest(): value_of(b"%d" % number) for number in range(start, start + count)}


Changes = list[tuple[int, int | None]]
changes_made = st.lists(st.tuples(st.integers(0, 30), st.none() | st.integers(0, 2)), max_size=80)


def key_at(number: int) -> bytes:
    return UNIVERSE[number] if number < len(UNIVERSE) else sha256(bytes([number])).digest()


def published(numbers: Iterable[int]) -> list[tuple[bytes, bytes]]:
    return [(sha256(number.to_bytes(4, "big")).digest(), sha256(b"DATA").digest()) for number in numbers]


PUBLISHED: Final[list[tuple[list[int], str]]] = [
    ([], "0000000000000000000000000000000000000000000000000000000000000000"),
    ([0], "39f36a7cb4dfb1b46f03d044265df6a491dffc1034121bc1071a34ddce9bb14b"),
    ([*range(2)], "8d0ae412ca9ca0afcb3217af8bcd5a673e798bd6fd1dfacad17711e883f494cb"),
    ([*range(3)], "52295e42d8de2505fdc0cc825ff9fead419cbcf540d8b30c7c4b9c9b94c268b7"),
    ([*range(5)], "108f731f2414e33ae57e584dc26bd276db07874436b2264ca6e520c658185c6b"),
    ([*range(10)], "21ca4917e99da99a61de93deaf88c400d4c082991cb95779e444d43dd13e8849"),
    ([*range(100)], "82bf747d455a55e2f7044a03536fc43f1f55d43b855e72c0110c986707a23e4d"),
    (
        [*range(5), *range(10, 15), *range(20, 25)],
        "7e6643325042cfe0fc76626c043b97062af51c7e9fc56665f12b479034bce326",
    ),
]
"""Numbers of leaves, and the root: the sparse Merkle tree test specification of Celestia and Fuel (Apache-2.0)."""


def parts(proof: bytes) -> tuple[list[bytes], bytes]:
    """Take a proof apart as the docstring describes it, independently of the module."""
    depth = int.from_bytes(proof[:2], "big")
    start = 2 + (depth + 7) // 8
    bitmap = "".join(f"{byte:08b}" for byte in proof[2:start])[:depth]
    siblings = []
    for bit in bitmap:
        siblings.append(proof[start : start + 32] if bit == "1" else EMPTY)
        start += 32 * int(bit)
    return siblings, proof[start:]


def joined(siblings: list[bytes], terminal: bytes) -> bytes:
    bitmap = "".join("01"[sibling != EMPTY] for sibling in siblings)
    packed = bytes(int(bitmap[at : at + 8].ljust(8, "0"), 2) for at in range(0, len(bitmap), 8))
    return len(siblings).to_bytes(2, "big") + packed + b"".join(each for each in siblings if each != EMPTY) + terminal


# ------------------------------------------------------------------------------------------------ implementations


class ListedMap(StateMap, Protocol):
    """A state map that can also be read through."""

    def items(self) -> Iterator[tuple[bytes, bytes]]: ...


class Keeper(Protocol):
    """One implementation, and where its pairs are kept."""

    @property
    def map(self) -> ListedMap: ...

    def change(self, changes: Mapping[bytes, bytes | None]) -> None:
        """One batch."""
        ...

    def replace(self, pairs: Pairs) -> None:
        """These, in place of all."""
        ...

    def reopen(self) -> None:
        """As after a restart."""
        ...

    def close(self) -> None: ...


class TrieKeeper:
    """The map in memory; what outlives it is the list of its pairs."""

    def __init__(self, folder: Path, prefixes: Prefixes, *, bucket: int) -> None:
        del folder
        self._make = partial(Trie, prefixes=prefixes, bucket_leaves=bucket)
        self.map = self._make()

    def change(self, changes: Mapping[bytes, bytes | None]) -> None:
        for key, value in changes.items():
            self.map.set(key, value)

    def replace(self, pairs: Pairs) -> None:
        self.map = self._make(pairs.items())

    def reopen(self) -> None:
        self.map = self._make(self.map.items())

    def close(self) -> None:
        pass


class SqliteKeeper:
    """The map in a database: changed through one connection, read through another."""

    def __init__(self, folder: Path, prefixes: Prefixes, *, bucket: int) -> None:
        number = sum(1 for _ in folder.glob("map*.sqlite"))
        self.path = folder / f"map{number}.sqlite"
        self._make = partial(SqliteStateMap, name="records", prefixes=prefixes, bucket=bucket)
        self.writer = connect_writer(self.path)
        for statement in tables("records"):
            self.writer.execute(statement)
        self._open()

    def _open(self) -> None:
        self.writer.execute("PRAGMA synchronous = OFF")  # no power is cut here
        self.reader = connect_reader(self.path)
        self.map = self._make(self.reader)

    def change(self, changes: Mapping[bytes, bytes | None]) -> None:
        with transaction(self.writer):
            self._make(self.writer).update(changes)

    def replace(self, pairs: Pairs) -> None:
        with transaction(self.writer):
            root = self._make(self.writer).rebuild(sorted(pairs.items()))
        assert root == self.map.root()

    def reopen(self) -> None:
        self.close()
        self.writer = connect_writer(self.path)
        self._open()
        assert self.map.check() == self.map.root()

    def close(self) -> None:
        self.reader.close()
        self.writer.close()

    def pages(self) -> list[tuple[str, bytes]]:
        """Everything that is cached."""
        return self.reader.execute("SELECT path, slots FROM records_pages ORDER BY path").fetchall()


KEEPERS: Final[dict[str, Callable[[Path, Prefixes], Keeper]]] = {
    "in memory, two leaves a bucket": partial(TrieKeeper, bucket=2),
    "in memory, three leaves a bucket": partial(TrieKeeper, bucket=3),
    "in memory": partial(TrieKeeper, bucket=16),
    "SQLite, one leaf a bucket": partial(SqliteKeeper, bucket=1),
    "SQLite, two leaves a bucket": partial(SqliteKeeper, bucket=2),
    "SQLite": partial(SqliteKeeper, bucket=24),
}
"""By name. Small buckets make a small map as deep as a large one."""
