"""Holdings that write every fact down as bytes and read it again, and maps whose subtrees are kept elsewhere.

    kept = Written()
    fold = Fold(ecosystem, kept); ...; fold.settle()
    again = Fold(ecosystem, kept)           as after a restart

What a node's database does on disk, this does in memory, so that the fold is asked alone whether it can be taken up.
"""

from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from hashlib import sha256
from typing import Any, Final

from accredit.governance.index.holdings import RECORDS, ByNumber, Fact
from accredit.governance.records.committed_set import COMMITTED
from accredit.registry.domain.records import TYPES, Subject, record_key
from accredit.registry.encoding.cbor import decode, encode
from accredit.registry.statement import Statement, Unverified, recall
from accredit.registry.transparency.state_map import Elsewhere, Subtree, Trie, beneath
from accredit.registry.transparency.state_trie import DEFAULT_PREFIXES, Prefixes
from tests.strategies.state_maps import Pairs, bits, definition

LEVELS: Final = 2
"""Levels of a map that are read at once."""


class Facts(MutableMapping[Any, Any]):
    """One mapping, of which only bytes are kept."""

    def __init__(self, fact: Fact) -> None:
        self._fact = fact
        self._kept: dict[Any, bytes] = {}

    def __getitem__(self, key: Any) -> Any:
        return self._fact.value(decode(self._kept[key]))

    def __setitem__(self, key: Any, value: Any) -> None:
        self._kept[key] = encode(self._fact.plain(value))

    def __delitem__(self, key: Any) -> None:
        del self._kept[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(tuple(self._kept))

    def __len__(self) -> int:
        return len(self._kept)


class Statements(MutableMapping[bytes, Statement]):
    """The statements, of which only bytes are kept."""

    def __init__(self) -> None:
        self._kept: dict[bytes, bytes] = {}

    def __getitem__(self, key: bytes) -> Statement:
        return recall(self._kept[key])

    def __setitem__(self, key: bytes, value: Statement) -> None:
        assert key not in self._kept, "each is added once"
        self._kept[key] = value.raw

    def __delitem__(self, key: bytes) -> None:
        raise AssertionError("none is taken away")

    def __iter__(self) -> Iterator[bytes]:
        return iter(tuple(self._kept))

    def __len__(self) -> int:
        return len(self._kept)


class Written:
    """`Holdings`; the maps follow from the records and the ids that are committed."""

    def __init__(self) -> None:
        self._statements = Statements()
        self._by_number: ByNumber = {}
        self._facts: dict[Fact, Facts] = {}
        self._records: dict[str, dict[str, bytes]] = {type: {} for type in TYPES}

    def statements(self) -> MutableMapping[bytes, Statement]:
        return self._statements

    def by_number(self) -> ByNumber:
        return self._by_number

    def facts(self, fact: Fact) -> MutableMapping[Any, Any]:
        return self._facts.setdefault(fact, Facts(fact))

    def records(self, type: str) -> MutableMapping[str, bytes]:
        return self._records[type]

    def trie(self, name: str) -> Trie:
        pairs = {id: id for id in self.facts(COMMITTED)}
        if name == RECORDS:
            pairs = {
                record_key(type, id): sha256(raw).digest()
                for type, records in self._records.items()
                for id, raw in records.items()
            }
        return Trie.standing_on(elsewhere(pairs))

    def look_ahead(self, statements: Sequence[Unverified]) -> None:
        """All of it is at hand."""

    def expect(self, subjects: Iterable[Subject]) -> None:
        """All of it is at hand."""


def elsewhere(
    pairs: Pairs,
    path: str = "",
    *,
    bucket: int = 3,
    prefixes: Prefixes = DEFAULT_PREFIXES,
    read: list[str] | None = None,
) -> Elsewhere:
    """The subtree of the pairs below a path of bits, read `LEVELS` at a time.

    Args:
        bucket: most leaves that are read together.
        read: gets the path of whatever is read.
    """

    def leaves(of: Sequence[Pairs]) -> bytes:
        return b"".join(key + value for some in of for key, value in sorted(some.items()))

    def subtree() -> Subtree:
        if read is not None:
            read.append(path)
        if len(pairs) <= bucket:
            return leaves([pairs])
        ends = [path + format(number, f"0{LEVELS}b") for number in range(1 << LEVELS)]
        parts = [
            {key: value for key, value in pairs.items() if bits(end) <= key <= bits(end, fill="1")} for end in ends
        ]
        below = [
            elsewhere(part, end, bucket=bucket, prefixes=prefixes, read=read)
            for part, end in zip(parts, ends, strict=True)
        ]
        return beneath(
            [(each.count, each.hash) for each in below],
            below.__getitem__,
            lambda first, stop: leaves(parts[first:stop]),
            depth=len(path),
            bucket=bucket,
            prefixes=prefixes,
        )

    hash = definition(pairs, len(path), prefixes.leaf, prefixes.node)
    return Elsewhere(count=len(pairs), hash=hash, depth=len(path), read=subtree, prefixes=prefixes)
