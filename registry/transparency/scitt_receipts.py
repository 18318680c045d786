"""Receipts: a log's signed proof that it holds a statement, or that it only grew.

COSE Receipts (RFC 9942), and the transparent statements of SCITT (RFC 9943):

    receipt     = 18([ protected, {396: {-1: [inclusion]}}, null, signature ])       payload: the root, detached
    growth      = 18([ protected, {396: {-2: [consistency]}}, null, signature ])     payload: the newer root, detached
    protected   = {1: -8, 4: kid, 15: {1: log's origin, 2: subject}, 395: 1}         395: RFC9162_SHA256
    inclusion   = bstr .cbor [size, index, [+ hash bstr32]]
    consistency = bstr .cbor [older size, newer size, [+ hash bstr32]]
    transparent statement = the statement with {394: [+ receipt bstr]} in place of its empty unprotected header

The subject is the statement's id in hex, or for growth the log's origin; `kid` is the log key's COSE thumbprint. All of
it is deterministic CBOR, with one proof in each receipt. A log of one leaf has no receipt, because its path would be
empty; log the genesis first.

The log's key signs both receipts and checkpoints. The two cannot be confused: a checkpoint is UTF-8 text, and the bytes
that COSE signs begin with 84, as no UTF-8 does. A receipt is the word of one log only; the quorum is in the notes. It
proves that the statement is under the signed root. Nobody signs the sizes beside it (a root does not commit to them),
so rely only on the sizes in checkpoints.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from ..encoding.cbor import decode, encode
from ..encoding.cose import ALG, CWT_CLAIMS, EDDSA, ISS, KID, SUB, Sign1, check_detached, sign_detached
from ..encoding.ed25519 import Signer, key_id
from ..errors import DecodeError, RefusedError
from ..limits import STATEMENT_BYTES
from ..statement import decode as decode_statement
from .merkle import HASH_BYTES, SIZE_MAX, check_consistency, check_inclusion, leaf_hash, node_hash
from .signed_note import KeyType, VerifierKey

RECEIPT_BYTES: Final = 4 * 1024
"""63 hashes take 2.2 kB; the longest origin and subject take as much again."""
RECEIPTS_MAX: Final = 16

RECEIPTS: Final = 394
VDS: Final = 395
VDP: Final = 396
RFC9162_SHA256: Final = 1
INCLUSION: Final = -1
CONSISTENCY: Final = -2

_PATH_MAX: Final = 64  # a consistency proof has one hash more than the deepest path


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A receipt, unverified.

    Attributes:
        kind: `INCLUSION` or `CONSISTENCY`.
        origin, subject, kid: the log and the subject that it claims, and the log's key.
        first, second: size and index, or the older and the newer size. No signature covers the size of an inclusion:
            the log signs the root, and one path may lead to it from several sizes (RFC 9162 §2.1.3.2).
        path: hashes of 32 bytes, as `merkle` makes them.
    """

    kind: int
    origin: str
    subject: str
    kid: bytes
    first: int
    second: int
    path: tuple[bytes, ...]
    sign1: Sign1

    def encode(self) -> bytes:
        """The receipt's bytes."""
        return self.sign1.encode()

    @classmethod
    def decode(cls, data: bytes) -> "Receipt":
        """Reads a receipt; `encode` gives the same bytes back.

        Raises:
            DecodeError: it is not one of this profile.
        """
        sign1 = Sign1.decode(data, what="the receipt", max_bytes=RECEIPT_BYTES)
        if sign1.payload is not None:
            raise DecodeError("receipt", "expected a detached payload.", where="payload")
        origin, subject, kid = _read_header(sign1.header())
        kind, proof = _read_proofs(sign1.unprotected)
        first, second, path = _read_proof(proof)
        return cls(
            kind=kind, origin=origin, subject=subject, kid=kid, first=first, second=second, path=path, sign1=sign1
        )


def make_receipt(raw: bytes, origin: str, signer: Signer, *, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Return the receipt for a statement, signed by the log that holds it.

    Args:
        raw: the statement as it was logged. path: of `merkle.prove_inclusion(index, size, …)`.
        signer: has the log's key.

    Raises:
        RefusedError: the path does not belong to the statement's place, or is empty (a log of one leaf).
    """
    root = _root_of_inclusion(leaf_hash(raw), index, size, path)
    return _make(INCLUSION, origin, decode_statement(raw).id.hex(), signer, [size, index, list(path)], root)


def make_growth(origin: str, signer: Signer, *, old: int, new: int, path: Sequence[bytes], root: bytes) -> bytes:
    """Return the receipt that a log only grew, from `old` leaves to `new` leaves under `root`.

    Raises:
        RefusedError: there is nothing to prove (from zero, or to the same size).
    """
    _require_path(path)
    return _make(CONSISTENCY, origin, origin, signer, [old, new, list(path)], root)


def check_receipt(data: bytes, raw: bytes, log: VerifierKey) -> Receipt:
    """Check that the log signed that it holds the statement `raw`; return the receipt.

    Raises:
        DecodeError: receipt or statement are not well-formed.
        RefusedError: it is of another log, another statement, or does not verify.
    """
    receipt = _of_log(data, log, INCLUSION, decode_statement(raw).id.hex())
    root = _root_of_inclusion(leaf_hash(raw), receipt.second, receipt.first, receipt.path)
    check_detached(receipt.sign1, root, log.public)
    return receipt


def check_growth(data: bytes, old_root: bytes, new_root: bytes, log: VerifierKey) -> Receipt:
    """Check that the log signed that it only grew between two roots; return the receipt.

    Raises:
        DecodeError: it is not well-formed.
        RefusedError: it is of another log, or does not verify.
    """
    receipt = _of_log(data, log, CONSISTENCY, log.name)
    check_consistency(receipt.first, receipt.second, old_root, new_root, receipt.path)
    check_detached(receipt.sign1, new_root, log.public)
    return receipt


def attach(raw: bytes, receipts: Sequence[bytes]) -> bytes:
    """Return the transparent statement: `raw`, as it was logged, with its receipts. RFC 9943.

    Raises:
        DecodeError: one of them is not well-formed, or there are none or too many.
    """
    decode_statement(raw)
    for receipt in receipts:
        Receipt.decode(receipt)
    _require_count(receipts)
    protected, _, payload, signature = decode(raw[1:])
    return raw[:1] + encode([protected, {RECEIPTS: list(receipts)}, payload, signature])


def detach(data: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    """Return the statement as it was logged, and its receipts, both unverified; the inverse of `attach`.

    Raises:
        DecodeError: it is no transparent statement.
    """
    maximum = STATEMENT_BYTES + RECEIPTS_MAX * (RECEIPT_BYTES + 8)
    sign1 = Sign1.decode(data, what="the transparent statement", max_bytes=maximum)
    receipts = sign1.unprotected.get(RECEIPTS)
    if set(sign1.unprotected) != {RECEIPTS} or type(receipts) is not list:
        raise DecodeError("transparent", "expected only the label 394, with receipts.", where="unprotected")
    _require_count(receipts)
    for receipt in receipts:
        if type(receipt) is not bytes:
            raise DecodeError("transparent", "expected receipts as byte strings.", where="unprotected")
        Receipt.decode(receipt)
    raw = Sign1(protected=sign1.protected, unprotected={}, payload=sign1.payload, signature=sign1.signature).encode()
    decode_statement(raw)
    return raw, tuple(receipts)


def _make(kind: int, origin: str, subject: str, signer: Signer, proof: list[Any], root: bytes) -> bytes:
    claims = {ISS: origin, SUB: subject}
    header = {ALG: EDDSA, KID: key_id(signer.public_key), CWT_CLAIMS: claims, VDS: RFC9162_SHA256}
    data = sign_detached(header, {VDP: {kind: [encode(proof)]}}, root, signer).encode()
    Receipt.decode(data)
    return data


def _of_log(data: bytes, log: VerifierKey, kind: int, subject: str) -> Receipt:
    receipt = Receipt.decode(data)
    if log.type != KeyType.ED25519 or (receipt.origin, receipt.kid) != (log.name, key_id(log.public)):
        raise RefusedError("wrong_log", f"The receipt belongs to the log {receipt.origin}, not to {log.name}.")
    if receipt.kind != kind:
        raise RefusedError(
            "wrong_receipt", "This receipt is of the wrong kind: inclusion and consistency are different kinds."
        )
    if receipt.subject != subject:
        raise RefusedError("wrong_subject", f"The receipt is about {receipt.subject}, not {subject}.")
    return receipt


def _root_of_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Return the root to which a path leads (RFC 9162 section 2.1.3.2), not yet compared with anything."""
    _require_path(path)
    current = leaf
    inner = (index ^ (size - 1)).bit_length()
    for height, sibling in enumerate(path):
        left_sibling = height >= inner or index >> height & 1
        current = node_hash(sibling, current) if left_sibling else node_hash(current, sibling)
    check_inclusion(leaf, index, size, path, current)  # the numbers and the length of the path
    return current


def _require_path(path: Sequence[bytes]) -> None:
    if not path:
        raise RefusedError(
            "no_receipt",
            "A receipt needs at least one hash in its path (RFC 9942).",
            hint="Log a second statement first, or compare the roots themselves.",
        )


def _require_count(receipts: Sequence[object]) -> None:
    if not 1 <= len(receipts) <= RECEIPTS_MAX:
        raise DecodeError("transparent", f"expected 1 to {RECEIPTS_MAX} receipts.", where="unprotected")


def _read_header(header: dict[Any, Any]) -> tuple[str, str, bytes]:
    claims = header.get(CWT_CLAIMS)
    if set(header) != {ALG, KID, CWT_CLAIMS, VDS} or type(claims) is not dict or set(claims) != {ISS, SUB}:
        raise DecodeError("receipt", "expected the labels 1, 4, 15 (with iss and sub) and 395.", where="protected")
    # In deterministic CBOR only the integer 1 and true equal 1.
    if (header[ALG], header[VDS]) != (EDDSA, RFC9162_SHA256) or type(header[VDS]) is not int:
        raise DecodeError("receipt", "expected EdDSA (-8) and RFC9162_SHA256 (1).", where="protected")
    kid, origin, subject = header[KID], claims[ISS], claims[SUB]
    if type(kid) is not bytes or len(kid) != HASH_BYTES or not isinstance(origin, str) or not isinstance(subject, str):
        raise DecodeError("receipt", "expected a thumbprint as bytes, and iss and sub as text.", where="protected")
    return origin, subject, kid


def _read_proofs(unprotected: Any) -> tuple[int, bytes]:
    proofs = unprotected.get(VDP)
    if set(unprotected) == {VDP} and type(proofs) is dict and list(proofs) in ([INCLUSION], [CONSISTENCY]):
        ((kind, found),) = proofs.items()
        if type(found) is list and len(found) == 1 and type(found[0]) is bytes:
            return kind, found[0]
    raise DecodeError("receipt", "expected the label 396 with one proof of one kind.", where="unprotected")


def _read_proof(data: bytes) -> tuple[int, int, tuple[bytes, ...]]:
    proof = decode(data, what="the proof", max_bytes=RECEIPT_BYTES)
    if type(proof) is not list or [type(one) for one in proof] != [int, int, list]:
        raise DecodeError("receipt", "expected two numbers and a path.", where="proof")
    first, second, path = proof
    if not (0 <= first <= SIZE_MAX and 0 <= second <= SIZE_MAX):
        raise DecodeError("receipt", "expected valid log sizes.", where="proof")
    if not 1 <= len(path) <= _PATH_MAX or any(type(one) is not bytes or len(one) != HASH_BYTES for one in path):
        raise DecodeError("receipt", f"expected 1 to {_PATH_MAX} hashes.", where="proof")
    return first, second, tuple(path)
