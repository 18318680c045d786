"""The state map in files: a verifier reads them from a web server's folder or an object store, without a node.

    map    = deterministic CBOR [statements root, bits, tops, governing]          one for each state
    bucket = deterministic CBOR [[[type, id, digest], …], [record, …]]            named by what is in it

The map is cut at one depth, `bits`, into 2^bits parts. A *top* commits to one part and is written like the end of a map
proof: empty for an empty part, key and value (64 bytes) of a lone leaf, else the part's hash (32 bytes). All tops
together lead to the records root, so a missing or replaced part is noticed. `governing` has the charter and the
authorities, each with its proof, because every decision reads them.

A bucket is one part: type, id and digest of each leaf in the order of their keys, and the records that belong to them,
sorted by their digests, which identify them. An issuer's bucket also holds its accreditations, wherever in the map they
are, because its record names their digests. So the server of the files learns only that somebody asked about one of the
issuers in a bucket. An unchanged bucket has the same name and bytes in every state, so it is not written again.

    opened = OpenedMap.open(file, read_note(note, policy, now))        the roots are those that a quorum vouches for
    decision = decide_over(query, MapRecords(opened, fetch), …)        `fetch(name)` gives the bucket of that name

It does not say where files are (`node.clients.store_paths`), or how old a note may be.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, cast

from ..domain.record_types import IssuerRecord, Record
from ..domain.records import TYPES, record_key
from ..encoding.cbor import decode, encode
from ..errors import AccreditError, DecodeError
from ..limits import IDENTIFIER_CHARS, RECORD_BYTES
from ..transparency.state_trie import (
    DEFAULT_PREFIXES,
    DEPTH_MAX,
    EMPTY,
    KEY_BYTES,
    VALUE_BYTES,
    state_root,
    subtree_hash,
)
from .proved_records import GOVERNING, ProvenRecord, ProvenRecords, decode_records
from .range_proof import Prefix
from .state_check import CheckError, CheckResult, NotedState

BITS_MAX: Final = 16
"""At most 65,536 parts, and some 2 MB for a map's file: with a million issuers, sixteen in each part. A guess."""

MAP_BYTES: Final = 16 * 1024 * 1024
BUCKET_BYTES: Final = 64 * 1024 * 1024
"""The largest file that is read; if the map is cut into few parts, a bucket also holds competencies of frameworks. A
guess."""

_LEAF_BYTES: Final = KEY_BYTES + VALUE_BYTES
_SPELLINGS: Final = (0, VALUE_BYTES, _LEAF_BYTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartLeaf:
    """One leaf: type and id, and its value, the SHA-256 of the record."""

    type: str
    id: str
    digest: bytes

    @property
    def key(self) -> bytes:
        """Where it is in the map, 32 bytes."""
        return record_key(self.type, self.id)


def part_of(key: bytes, bits: int) -> int:
    """Return the number of the part that a key belongs to, 0 to before 2^bits."""
    return int.from_bytes(key, "big") >> (DEPTH_MAX - bits)


def prefix_of(part: int, bits: int) -> Prefix:
    """Return the first bits that all keys of a part have in common."""
    return Prefix(first=(part << (DEPTH_MAX - bits)).to_bytes(KEY_BYTES, "big"), bits=bits)


def top_of(leaves: Sequence[tuple[bytes, bytes]], bits: int) -> bytes:
    """Return the top of the part that has exactly these leaves, sorted by key."""
    if len(leaves) > 1:
        return subtree_hash(leaves, bits)
    return b"".join(key + value for key, value in leaves)


def root_of(tops: Sequence[bytes]) -> bytes:
    """Return the records root, 32 bytes, that 2^bits tops lead to."""
    row = list(tops)
    while len(row) > 1:
        row = [_joined(left, right) for left, right in zip(row[::2], row[1::2], strict=True)]
    return _hash(row[0])


def name_of(top: bytes) -> str:
    """Return the name of the bucket under a non-empty top: 64 hexadecimal digits."""
    return _hash(top).hex()


def encode_map(*, statements_root: bytes, bits: int, tops: Sequence[bytes], governing: Sequence[ProvenRecord]) -> bytes:
    """Return the file of one state's map.

    Args:
        governing: the charter and the authorities with their proofs, sorted by type and id.
    """
    return encode([statements_root, bits, list(tops), [one.as_list() for one in governing]])


def encode_bucket(leaves: Sequence[PartLeaf], raws: Sequence[bytes]) -> bytes:
    """Return the file of one bucket.

    Args:
        leaves: all leaves of the part. raws: the records that go with them.
    """
    ordered = sorted(leaves, key=lambda one: one.key)
    by_digest = {sha256(raw).digest(): raw for raw in raws}
    return encode([[[one.type, one.id, one.digest] for one in ordered], [by_digest[at] for at in sorted(by_digest)]])


def tops_in(file: bytes) -> tuple[int, tuple[bytes, ...]]:
    """Return the depth and the tops of a map; its state is not checked.

    Raises:
        CheckError: the file is not a map.
    """
    _, bits, tops, _ = _map(file)
    return bits, tops


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedMap:
    """A map that a quorum vouches for: only `open` makes one.

    Attributes:
        noted: the state it belongs to.
        bits, tops: the depth of the cut, and the top of each part.
        governing: the charter and the authorities.
    """

    noted: NotedState
    bits: int
    tops: tuple[bytes, ...]
    governing: ProvenRecords
    governed: frozenset[tuple[str, str]]

    @classmethod
    def open(cls, file: bytes, noted: NotedState) -> "OpenedMap":
        """Read a map and compare it with the state of a verified note.

        Raises:
            CheckError: it is not the map of that state, or not a map.
        """
        statements_root, bits, tops, governing = _map(file)
        records_root = root_of(tops)
        if state_root(records_root, statements_root) != noted.state.root:
            raise CheckError(
                CheckResult.REFUTED,
                "root",
                "The map's parts do not lead to the root in the state note.",
                hint=_ELSEWHERE,
            )
        return cls(
            noted=noted,
            bits=bits,
            tops=tops,
            governing=ProvenRecords(records_root, governing),
            governed=frozenset((one.type, one.id) for one in governing),
        )

    def top(self, key: bytes) -> bytes:
        """Return the top of the part that a key belongs to."""
        return self.tops[part_of(key, self.bits)]


class MapRecords:
    """A `Records` of one state, which fetches a bucket when a decision leads into it.

    Args:
        fetch: gives the bucket of a name; its bytes are checked. Its errors are passed on.
    """

    def __init__(self, opened: OpenedMap, fetch: Callable[[str], bytes]) -> None:
        self._map = opened
        self._fetch = fetch
        self._parts: dict[int, Mapping[bytes, bytes]] = {}
        self._raws: dict[bytes, bytes] = {}
        self._accreditations: dict[str, bytes] = {}

    def get(self, type: str, id: str) -> Record | None:
        """Return the record; None if its part of the map shows its absence.

        Raises:
            CheckError: the bucket it should be in does not match the map, or lacks it.
        """
        if (type, id) in self._map.governed:
            return self._map.governing.get(type, id)
        if type == "accreditation":
            # Take accreditations only from the issuer's bucket: fetching their own parts would reveal the issuer.
            digest = self._accreditations.get(id)
        else:
            digest = self._part(record_key(type, id)).get(record_key(type, id))
            if digest is None:
                return None
        record = None if digest is None else self._record(type, id, digest)
        if record is None:
            message = f"The decision needs the {type} record of {id}, but no bucket has it."
            raise CheckError(CheckResult.REFUTED, "missing_record", message, hint=_ELSEWHERE)
        if type == "issuer":
            named = cast(IssuerRecord, record)["accreditations"]
            self._accreditations |= {one.hex(): digest for one, digest in named}
        return record

    def _record(self, type: str, id: str, digest: bytes) -> Record | None:
        raw = self._raws.get(digest)
        if raw is None:
            return None
        try:
            record: Record = decode(raw, what=f"the {type} record of {id}", max_bytes=RECORD_BYTES)
        except DecodeError as error:
            raise CheckError(CheckResult.REFUTED, "record", error.message) from None
        return record

    def _part(self, key: bytes) -> Mapping[bytes, bytes]:
        number = part_of(key, self._map.bits)
        if number not in self._parts:
            top = self._map.tops[number]
            leaves, raws = _bucket(self._fetch(name_of(top))) if top else ((), ())
            pairs = [(one.key, one.digest) for one in leaves]
            keys, covers = [key for key, _ in pairs], prefix_of(number, self._map.bits).covers
            if keys != sorted(set(keys)) or not all(map(covers, keys)) or top_of(pairs, self._map.bits) != top:
                raise CheckError(
                    CheckResult.REFUTED, "bucket", "A bucket is not the one that the map shows.", hint=_ELSEWHERE
                )
            self._raws |= {sha256(raw).digest(): raw for raw in raws}
            self._parts[number] = dict(pairs)
        return self._parts[number]


_ELSEWHERE: Final = "Ask again, or read the files from another place."


def _joined(left: bytes, right: bytes) -> bytes:
    """Return the top of two neighbouring parts; a lone leaf moves up as far as it can."""
    if not right and len(left) != VALUE_BYTES:
        return left
    if not left and len(right) != VALUE_BYTES:
        return right
    return DEFAULT_PREFIXES.hash_node(_hash(left), _hash(right))


def _hash(top: bytes) -> bytes:
    if not top:
        return EMPTY
    return DEFAULT_PREFIXES.hash_leaf(top) if len(top) == _LEAF_BYTES else top


def _map(file: bytes) -> tuple[bytes, int, tuple[bytes, ...], tuple[ProvenRecord, ...]]:
    try:
        match decode(file, what="a map of a state", max_bytes=MAP_BYTES):
            case [bytes() as root, int() as bits, [*tops], [*governing]] if (
                len(root) == VALUE_BYTES
                and type(bits) is int
                and 0 <= bits <= BITS_MAX
                and len(tops) == 1 << bits
                and all(type(top) is bytes and len(top) in _SPELLINGS for top in tops)
                and all(
                    part_of(top[:KEY_BYTES], bits) == part for part, top in enumerate(tops) if len(top) == _LEAF_BYTES
                )
            ):
                records = decode_records(governing)
                if all(one.type in GOVERNING for one in records):
                    return root, bits, tuple(tops), records
        raise DecodeError("bad_map", "This is not the map of a state.")
    except AccreditError as error:
        raise CheckError(CheckResult.REFUTED, "map", error.message, hint=_ELSEWHERE) from None


def _bucket(file: bytes) -> tuple[Sequence[PartLeaf], Sequence[bytes]]:
    try:
        match decode(file, what="a bucket", max_bytes=BUCKET_BYTES):
            case [[*leaves], [*raws]] if all(type(raw) is bytes for raw in raws):
                return [_leaf(one) for one in leaves], raws
        raise DecodeError("bad_bucket", "This is not a bucket of records.")
    except AccreditError as error:
        raise CheckError(CheckResult.REFUTED, "bucket", error.message, hint=_ELSEWHERE) from None


def _leaf(value: Any) -> PartLeaf:
    match value:
        case [str() as kind, str() as id, bytes() as digest] if kind in TYPES and 1 <= len(id) <= IDENTIFIER_CHARS:
            if len(digest) == VALUE_BYTES:
                return PartLeaf(type=kind, id=id, digest=digest)
    raise DecodeError("bad_bucket", "A leaf of a bucket must be a record's type, id and digest.")
