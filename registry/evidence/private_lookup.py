"""Buckets: all records of the state map under a prefix, so that a verifier need not reveal which issuer it asks about.

    {"bits": number, "prefix": hex, "issuers": [id, …],
     "leaves": [[type, id, digest hex], …], "proof": base64,
     "records": [{"type", "id", "record": base64 / null, "proof": base64}, …],
     "records_root": hex, "statements_root": hex, "note": text}            JSON, of `/v1/issuers/by-prefix/{hex}`

A verifier asks with the first digits of a key, `record_key("issuer", id)` or `record_key("alias", id)`, and finds its
own issuer among all keys that begin with them. `leaves` has type and id behind each key, so that the verifier sees that
none hides another issuer; `range_proof.check_prefix` proves that none was left out. `records` has every record that a
decision on any of the issuers reads, each with its own proof (`proved_records`). A question that names competencies
also needs the bucket of each, from `/v1/competencies/by-prefix/{hex}` by `record_key("competency", id)`: its `records`
are those of the frameworks and mappings around the competencies there.

`open_bucket` checks a bucket and makes a `Records` of it. For an id under the prefix it gives the record or its proved
absence; for any other id, the record if the bucket proves it. Else it raises an error, as evidence does.

    opened = [open_bucket(one, policy, now) for one in (of_the_issuer, of_the_alias, of_a_competency)]
    decision = ask(query, opened, policy, now)
"""

import binascii
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ..decision.query import Query
from ..decision.verdict import Decision
from ..domain.record_types import Record
from ..domain.records import TYPES, record_key
from ..errors import DecodeError, RefusedError
from ..limits import IDENTIFIER_CHARS
from ..transparency.state_trie import DEPTH_MAX, state_root
from .check import check_authority
from .deciding import decide_over
from .proved_records import ProvenRecord, ProvenRecords
from .range_proof import Prefix, check_prefix
from .state_check import CheckError, CheckResult, NotedState, read_note
from .trust_policy import TrustPolicy

LEAVES_MAX: Final = 20_000
"""Leaves under one prefix: some hundred issuers among the competencies of many frameworks. A guess."""

_HEX: Final = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One leaf: its key is the SHA-256 of type and id, its value that of the record."""

    type: str
    id: str
    digest: bytes

    @property
    def key(self) -> bytes:
        """Return its key in the map, 32 bytes."""
        return record_key(self.type, self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A bucket, unverified; see the module."""

    prefix: Prefix
    leaves: tuple[Leaf, ...]
    proof: bytes
    records: tuple[ProvenRecord, ...]
    records_root: bytes
    statements_root: bytes
    note: bytes

    @classmethod
    def of(cls, value: Any) -> "Bucket":
        """Reads an answer of `/v1/issuers/by-prefix/{hex}`.

        Raises:
            DecodeError: it is none.
        """
        try:
            bits, leaves, records = value["bits"], value["leaves"], value["records"]
            digits = str(value["prefix"]).ljust(DEPTH_MAX // 4, "0")
            note = value["note"].encode()
            read = [_leaf(one) for one in leaves]
            proven = [_proven(one) for one in records]
            roots = _digest(value["records_root"]), _digest(value["statements_root"])
            proof, key = _octets(value["proof"]), _digest(digits)
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            raise DecodeError(
                "bucket", f"This is not a bucket of issuers ({repr(error)[:200]}).", hint="Ask another node."
            ) from None
        if type(bits) is not int or not 0 <= bits <= DEPTH_MAX or len(read) > LEAVES_MAX:
            raise DecodeError("bucket", f"expected 0 to {DEPTH_MAX} bits and at most {LEAVES_MAX} leaves.")
        return cls(
            prefix=Prefix.of(key, bits),
            leaves=tuple(read),
            proof=proof,
            records=tuple(proven),
            records_root=roots[0],
            statements_root=roots[1],
            note=note,
        )


class BucketRecords:
    """The `Records` in a verified bucket: only `open_bucket` makes one.

    Attributes:
        noted: the state it belongs to. prefix: it holds every leaf under this.
    """

    def __init__(self, prefix: Prefix, noted: NotedState, leaves: Mapping[bytes, Leaf], proven: ProvenRecords) -> None:
        """Use `open_bucket`."""
        self.prefix = prefix
        self.noted = noted
        self._leaves = leaves
        self._proven = proven

    def get(self, type: str, id: str) -> Record | None:
        """Return the record; None if its absence is proved.

        Raises:
            CheckError: the bucket proves nothing about it.
        """
        key = record_key(type, id)
        if self.prefix.covers(key) and key not in self._leaves:
            return None
        return self._proven.get(type, id)


class Buckets:
    """Several buckets of one state, as one `Records`.

    Raises:
        RefusedError: they are of different states (`buckets_differ`).
    """

    def __init__(self, opened: Sequence[BucketRecords]) -> None:
        if len({one.noted.state for one in opened}) != 1:
            raise RefusedError(
                "buckets_differ",
                "The buckets come from different states.",
                hint="Ask again: a newer state has just been noted.",
            )
        self._opened = tuple(opened)

    def get(self, type: str, id: str) -> Record | None:
        """Return the record; None if one of them proves its absence.

        Raises:
            CheckError: no bucket proves anything about it.
        """
        for one in self._opened[:-1]:
            try:
                return one.get(type, id)
            except CheckError:
                continue
        return self._opened[-1].get(type, id)


def open_bucket(bucket: Bucket, policy: TrustPolicy, now: int) -> BucketRecords:
    """Check a bucket: its note, its roots, that nothing under the prefix is missing, and every record's proof.

    Args:
        now: the verifier's clock, seconds since 1970.

    Raises:
        CheckError: it does not hold; `check` says which of `evidence`'s checks, or `prefix`, failed.
    """
    noted = read_note(bucket.note, policy, now)
    if state_root(bucket.records_root, bucket.statements_root) != noted.state.root:
        raise CheckError(
            CheckResult.REFUTED, "root", "The roots of records and statements do not match the state note."
        )
    leaves = {one.key: one for one in bucket.leaves}
    try:
        check_prefix(
            bucket.records_root,
            bucket.prefix,
            [(one.key, one.digest) for one in bucket.leaves],
            bucket.proof,
        )
    except (DecodeError, RefusedError) as error:
        raise CheckError(CheckResult.REFUTED, "prefix", error.message, hint=error.hint) from None
    return BucketRecords(bucket.prefix, noted, leaves, ProvenRecords(bucket.records_root, bucket.records))


def ask(query: Query, opened: Sequence[BucketRecords], policy: TrustPolicy, now: int) -> Decision:
    """Return the decision on a query over verified buckets.

    Args:
        now: the verifier's clock, seconds since 1970.

    Raises:
        CheckError: the policy does not rely on the authority, or the buckets lack what the decision reads.
        RefusedError: they are of different states.
    """
    check_authority(query, policy)
    return decide_over(query, Buckets(opened), now, ecosystem_id=policy.charter)


def _leaf(value: Any) -> Leaf:
    kind, id, digest = value
    if kind not in TYPES or not isinstance(id, str) or not 1 <= len(id) <= IDENTIFIER_CHARS:
        raise ValueError("a leaf belongs to no record")
    return Leaf(type=kind, id=id, digest=_digest(digest))


def _proven(value: Any) -> ProvenRecord:
    raw = value["record"]
    one = [value["type"], value["id"], None if raw is None else _octets(raw), _octets(value["proof"])]
    return ProvenRecord.of(one, "records")


def _digest(value: Any) -> bytes:
    if not isinstance(value, str) or len(value) != 64 or not _HEX.issuperset(value):
        raise ValueError("a digest must have 64 lower-case hexadecimal digits")
    return bytes.fromhex(value)


def _octets(value: Any) -> bytes:
    try:
        return b64decode(value, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None
