"""Records with their proofs: what travels in evidence, and the two `Records` at its ends.

`Recorder` stands before a node's records and remembers what a decision asked for; `prove` turns that into
`ProvenRecord`s, present or absent, under the root of the records trie. `ProvenRecords`, at the other end, checks every
proof before it gives anything, and answers a question that nobody proved by raising: never by "absent".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from .encoding import decode, encode
from .errors import DecodeError, RefusedError
from .limits import IDENTIFIER_CHARS, RECORD_BYTES
from .noted import CheckError, Result
from .records import TYPES, Records, record_key
from .trie import DEPTH_MAX, StateMap, check_proof

PROOF_BYTES: Final = 2 + DEPTH_MAX // 8 + 32 * DEPTH_MAX + 64
"""The longest map proof there can be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenRecord:
    """A record, or its absence, with the proof; unverified.

    Attributes:
        raw: the record's encoding; None if it is absent.
        proof: as of `trie.StateMap.prove`.
    """

    type: str
    id: str
    raw: bytes | None
    proof: bytes

    def as_list(self) -> list[Any]:
        """As it travels, in CBOR."""
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
            raise DecodeError("bad_member", "expected a type of record and its id.", where=where)
        if not (raw is None or type(raw) is bytes) or type(proof) is not bytes or len(proof) > PROOF_BYTES:
            raise DecodeError("bad_member", "expected the bytes of a record, or null, and of a proof.", where=where)
        return cls(type=kind, id=id, raw=raw, proof=proof)


class Recorder:
    """A `Records` that remembers what was asked of it."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._asked: dict[tuple[str, str], bytes | None] = {}

    def get(self, type: str, id: str) -> dict[str, Any] | None:
        record = self._records.get(type, id)
        if (type, id) not in self._asked:
            self._asked[type, id] = None if record is None else encode(record)
        return record

    def prove(self, trie: StateMap) -> tuple[ProvenRecord, ...]:
        """What was asked, proved under the trie's root; sorted by type and id.

        Raises:
            RefusedError: the trie is not of these records.
        """
        proven = []
        for kind, id in sorted(self._asked):
            raw, key = self._asked[kind, id], record_key(kind, id)
            if trie.get(key) != (None if raw is None else sha256(raw).digest()):
                raise RefusedError(
                    "map_behind",
                    f"The map does not hold the {kind} record of {id} as it was read.",
                    hint="Read the records and the map at one and the same state.",
                )
            proven.append(ProvenRecord(type=kind, id=id, raw=raw, proof=trie.prove(key)))
        return tuple(proven)


class ProvenRecords:
    """A `Records` over proved ones.

    Args:
        root: of the records trie, as a quorum vouches for it.
        proven: sorted by type and id, each once.

    Raises:
        CheckError: a proof is of another root, or of another record.
    """

    def __init__(self, root: bytes, proven: Sequence[ProvenRecord]) -> None:
        self._records = {(one.type, one.id): _check(root, one) for one in proven}
        self._unasked = dict.fromkeys(self._records)

    def get(self, type: str, id: str) -> dict[str, Any] | None:
        """The record; None only where its absence is proved.

        Raises:
            CheckError: nobody proved anything about it.
        """
        if (type, id) not in self._records:
            message = f"The decision reads the {type} record of {id}, and nothing is proved about it."
            raise CheckError(Result.REFUTED, "missing_record", message, hint="Somebody left it out; ask another node.")
        self._unasked.pop((type, id), None)
        return self._records[type, id]

    def check_all_read(self) -> None:
        """That there was nothing to spare: one answer has one evidence.

        Raises:
            CheckError: a record was never asked for.
        """
        for kind, id in self._unasked:
            raise CheckError(Result.REFUTED, "surplus_record", f"The decision does not read the {kind} record of {id}.")


def check_order(proven: Iterable[ProvenRecord], where: str) -> None:
    """That records are sorted by type and id, each there once.

    Raises:
        DecodeError: they are not.
    """
    before: tuple[str, str] | None = None
    for one in proven:
        if before is not None and (one.type, one.id) <= before:
            raise DecodeError("not_in_order", "expected records sorted by type and id, each once.", where=where)
        before = one.type, one.id


def _check(root: bytes, proven: ProvenRecord) -> dict[str, Any] | None:
    what = f"the {proven.type} record of {proven.id}"
    try:
        value = check_proof(root, record_key(proven.type, proven.id), proven.proof)
    except (DecodeError, RefusedError) as error:
        raise CheckError(Result.REFUTED, "proof", f"The proof of {what} fails: {error.message}") from None
    if proven.raw is None:
        if value is not None:
            raise CheckError(Result.REFUTED, "record", f"{what} is given as absent, and is proved to be there.")
        return None
    if value != sha256(proven.raw).digest():
        raise CheckError(Result.REFUTED, "record", f"{what} is not the one that is proved.")
    try:
        record = decode(proven.raw, what=what, max_bytes=RECORD_BYTES)
    except DecodeError as error:
        raise CheckError(Result.REFUTED, "record", error.message) from None
    if type(record) is not dict:
        raise CheckError(Result.REFUTED, "record", f"{what} is not a map.")
    return record
