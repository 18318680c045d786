"""Records with their proofs: their form in evidence, and the `Records` of the prover and of the verifier.

A `Recorder` wraps records that can be proved (`Proving`) and remembers which of them a decision asked for; `prove`
turns these into `ProvenRecord`s, present or absent, under the root of the records trie. On the verifier's side
`ProvenRecords` checks every proof before it returns anything. Asked for a record without proof it raises an error, and
never says "absent".

Every decision reads the charter and some authority, and many are about the same few issuers, so both sides remember
what was proved (`ProvedBefore`): it is proved once and checked once while the root stays the same. The proof is
remembered byte for byte, so that a different one is checked again.
"""

from collections.abc import Sequence
from hashlib import sha256
from itertools import pairwise
from typing import Any, Final, NamedTuple, Protocol

from ..domain.record_types import Record
from ..domain.records import TYPES, Records, record_key
from ..encoding.cbor import decode, encode
from ..errors import DecodeError, RefusedError
from ..limits import IDENTIFIER_CHARS, RECORD_BYTES
from ..transparency.state_map import StateMap
from ..transparency.state_trie import DEPTH_MAX, ProvedTops, check_proof
from .state_check import CheckError, CheckResult

PROOF_BYTES: Final = 2 + DEPTH_MAX // 8 + 32 * DEPTH_MAX + 64
"""The longest map proof there can be."""

GOVERNING: Final = ("charter", "authority")
"""Types of records that every decision reads."""
GOVERNING_MAX: Final = 1_024
"""Of these, so many are remembered of one state: more authorities than any ecosystem has. A guess."""
OTHERS_MAX: Final = 512
"""Of all other records, so many are remembered: those of some 250 issuers, at 5 KiB each. A guess."""
OTHERS_BYTES: Final = 4 * 1024 * 1024
"""And so many bytes of them, encoded, because one may have 64 KiB: ten times what that many mostly have. Decoded they
take five times as much. A guess."""


class Proving(Records, Protocol):
    """Records of one state that can be proved, as a node's noted state or a snapshot."""

    def encoded(self, type: str, id: str) -> tuple[bytes, Record] | None:
        """Return a record's encoding with what `get` returns; None if it does not exist."""
        ...

    def records_root(self) -> bytes:
        """The root over all records, 32 bytes."""
        ...

    def prove(self, type: str, id: str) -> bytes:
        """Prove that a record is what `get` says, present or absent, under `records_root()` (`StateMap.prove`)."""
        ...


class Mapped:
    """A `Proving` made of records and the map over them."""

    def __init__(self, records: Records, trie: StateMap) -> None:
        self._records = records
        self._trie = trie

    def get(self, type: str, id: str) -> Record | None:
        return self._records.get(type, id)

    def encoded(self, type: str, id: str) -> tuple[bytes, Record] | None:
        record = self._records.get(type, id)
        return None if record is None else (encode(record), record)

    def records_root(self) -> bytes:
        return self._trie.root()

    def prove(self, type: str, id: str) -> bytes:
        return self._trie.prove(record_key(type, id))


class ProvenRecord(NamedTuple):
    """A record, or its absence, with the proof; unverified.

    Attributes:
        raw: the record's encoding; None if it is absent.
        proof: as of `state_map.StateMap.prove`.
    """

    type: str
    id: str
    raw: bytes | None
    proof: bytes

    def as_list(self) -> list[Any]:
        """Return its form in CBOR files."""
        return [self.type, self.id, self.raw, self.proof]

    @classmethod
    def of(cls, value: Any, where: str) -> "ProvenRecord":
        """The inverse of `as_list`.

        Raises:
            DecodeError: it is not of that shape.
        """
        if type(value) is not list or len(value) != 4:
            raise DecodeError("bad_member", "expected type, id, record and proof.", where=where)
        kind, id, raw, proof = value
        if kind not in TYPES or not isinstance(id, str) or not 1 <= len(id) <= IDENTIFIER_CHARS:
            raise DecodeError("bad_member", "expected a record type and the record's id.", where=where)
        if not (raw is None or type(raw) is bytes) or type(proof) is not bytes or len(proof) > PROOF_BYTES:
            raise DecodeError("bad_member", "expected a record as bytes or null, and a proof as bytes.", where=where)
        return cls(kind, id, raw, proof)


class ProvedBefore:
    """The records of one state that have been proved under its root: the charter and the authorities, and those of the
    issuers that were asked about lately.

    Attributes:
        root: of the records trie, 32 bytes. tops: of the proofs that led there.
    """

    def __init__(self, root: bytes) -> None:
        self.root = root
        self.tops: Final = ProvedTops()
        self._governing: dict[tuple[str, str], tuple[ProvenRecord, Record | None]] = {}
        self._others: dict[tuple[str, str], tuple[ProvenRecord, Record | None]] = {}
        self._others_bytes = 0

    def get(self, type: str, id: str) -> tuple[ProvenRecord, Record | None] | None:
        """Return a record with its proof, and the record itself; None if it is not known."""
        return (self._governing if type in GOVERNING else self._others).get((type, id))

    def check(self, proven: ProvenRecord) -> bytes | None:
        """Return the digest that is proved under the root, or None where absence is (`check_proof`)."""
        return check_proof(self.root, record_key(proven.type, proven.id), proven.proof, tops=self.tops)

    def keep(self, proven: ProvenRecord, record: Record | None) -> None:
        """Remember one whose proof has been checked under the root."""
        if proven.type not in GOVERNING:
            # One that takes another's place is counted again: that only forgets sooner.
            self._others_bytes += len(proven.raw or b"")
            if len(self._others) >= OTHERS_MAX or self._others_bytes > OTHERS_BYTES:
                self._others.clear()
                self._others_bytes = len(proven.raw or b"")
            self._others[proven.type, proven.id] = proven, record
        elif len(self._governing) < GOVERNING_MAX:
            self._governing[proven.type, proven.id] = proven, record


class Recorder:
    """A `Records` that remembers which records were read.

    Args:
        held: the records to read and to prove.
        before: what has been proved of the same state.
    """

    def __init__(self, held: Proving, before: ProvedBefore | None = None) -> None:
        self._held = held
        self._before = before or ProvedBefore(held.records_root())
        self._asked: dict[tuple[str, str], tuple[bytes, Record] | None] = {}

    def get(self, type: str, id: str) -> Record | None:
        found = self._asked[type, id] = self._held.encoded(type, id)
        return None if found is None else found[1]

    def __len__(self) -> int:
        """Return how many records were read."""
        return len(self._asked)

    def prove(self) -> tuple[ProvenRecord, ...]:
        """Return the records that were read, proved under the root and sorted by type and id.

        Raises:
            RefusedError: records and map are not of one state.
        """
        return tuple(
            [self._prove(kind, id, *(found or (None, None))) for (kind, id), found in sorted(self._asked.items())]
        )

    def _prove(self, kind: str, id: str, raw: bytes | None, record: Record | None) -> ProvenRecord:
        known = self._before.get(kind, id)
        if known is not None and known[0].raw == raw:
            return known[0]
        proven = ProvenRecord(type=kind, id=id, raw=raw, proof=self._held.prove(kind, id))
        try:
            value = self._before.check(proven)
        except RefusedError:
            raise _behind(kind, id) from None
        if value != (None if raw is None else sha256(raw).digest()):
            raise _behind(kind, id)
        self._before.keep(proven, record)
        return proven


def _behind(kind: str, id: str) -> RefusedError:
    return RefusedError(
        "map_behind",
        f"The {kind} record of {id} in the map differs from the one that was read.",
        hint="Read the records and the map at the same state.",
    )


class ProvenRecords:
    """A `Records` over proved records.

    Args:
        root: of the records trie, as a quorum vouches for it.
        proven: sorted by type and id, each once.
        before: what has been proved under that root.

    Raises:
        CheckError: a proof is of another root, or of another record.
    """

    def __init__(self, root: bytes, proven: Sequence[ProvenRecord], before: ProvedBefore | None = None) -> None:
        known = before or ProvedBefore(root)
        assert known.root == root
        self._records = {(one.type, one.id): _check(known, one) for one in proven}
        self._unasked = dict.fromkeys(self._records)

    def get(self, type: str, id: str) -> Record | None:
        """Return the record; None only if its absence is proved.

        Raises:
            CheckError: nothing is proved about it.
        """
        subject = type, id
        if subject not in self._records:
            message = f"The decision needs the {type} record of {id}, but the evidence has no proof about it."
            raise CheckError(
                CheckResult.REFUTED, "missing_record", message, hint="The record was left out; ask another node."
            )
        self._unasked.pop(subject, None)
        return self._records[subject]

    def check_all_read(self) -> None:
        """Check that every record was read, so that one answer has exactly one evidence file.

        Raises:
            CheckError: a record was never asked for.
        """
        for kind, id in self._unasked:
            raise CheckError(
                CheckResult.REFUTED,
                "surplus_record",
                f"The evidence contains the {kind} record of {id}, which the decision does not need.",
            )


def decode_records(value: Sequence[Any], where: str = "records") -> tuple[ProvenRecord, ...]:
    """Read the records of a file, sorted by type and id, each there once; the inverse is `as_list` of each.

    Raises:
        DecodeError: one is not of its shape, or they are not in order.
    """
    records = tuple([ProvenRecord.of(one, f"{where}[{at}]") for at, one in enumerate(value)])
    if any(one[:2] >= after[:2] for one, after in pairwise(records)):
        raise DecodeError("not_in_order", "expected records sorted by type and id, without duplicates.", where=where)
    return records


def _check(before: ProvedBefore, proven: ProvenRecord) -> Record | None:
    known = before.get(proven.type, proven.id)
    if known is not None and known[0] == proven:
        return known[1]
    record = _checked(before, proven)
    before.keep(proven, record)
    return record


def _checked(before: ProvedBefore, proven: ProvenRecord) -> Record | None:
    what = f"the {proven.type} record of {proven.id}"
    try:
        value = before.check(proven)
    except (DecodeError, RefusedError) as error:
        raise CheckError(CheckResult.REFUTED, "proof", f"The proof of {what} fails: {error.message}") from None
    if proven.raw is None:
        if value is not None:
            raise CheckError(
                CheckResult.REFUTED, "record", f"{what} is given as absent, but the proof shows that it exists."
            )
        return None
    if value != sha256(proven.raw).digest():
        raise CheckError(CheckResult.REFUTED, "record", f"{what} differs from the one that is proved.")
    try:
        record = decode(proven.raw, what=what, max_bytes=RECORD_BYTES)
    except DecodeError as error:
        raise CheckError(CheckResult.REFUTED, "record", error.message) from None
    if type(record) is not dict:
        raise CheckError(CheckResult.REFUTED, "record", f"{what} is not a map.")
    return record
