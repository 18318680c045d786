"""COSE_Sign1 with EdDSA: RFC 9052 section 4.2, in deterministic CBOR. Statements, frames and receipts are each one.

18([ protected bstr, unprotected map, payload bstr / null, signature bstr64 ])
signed bytes = ["Signature1", protected, h'', payload]      the payload also where it is detached (null)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from ..errors import DecodeError, RefusedError
from .cbor import decode, encode, encode_bytes
from .ed25519 import SIGNATURE_BYTES, Signer, verify

ALG: Final = 1
KID: Final = 4
CWT_CLAIMS: Final = 15  # RFC 9597
ISS: Final = 1
SUB: Final = 2
EDDSA: Final = -8

TAG_SIGN1: Final = b"\xd2"
"""The one-byte head of tag 18, before an array of four."""

_SIGNED: Final = encode(["Signature1", None, None, None])[:-3]  # before the protected header


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign1:
    """A COSE_Sign1, unverified.

    Attributes:
        protected: the protected header as it is signed.
        unprotected: signed by nobody.
        payload: None where it is detached.
    """

    protected: bytes
    unprotected: Mapping[int, Any]
    payload: bytes | None
    signature: bytes

    def header(self) -> dict[Any, Any]:
        """The protected header, read.

        Raises:
            DecodeError: it is not a map in deterministic CBOR.
        """
        header = decode(self.protected, what="the protected header")
        if type(header) is not dict:
            raise DecodeError("not_cose_sign1", "expected a map.", where="protected")
        return header

    def encode(self) -> bytes:
        """Return the bytes, tag included."""
        return TAG_SIGN1 + encode([self.protected, dict(self.unprotected), self.payload, self.signature])

    @classmethod
    def decode(cls, data: bytes, *, what: str, max_bytes: int) -> "Sign1":
        """The inverse of `encode`.

        Raises:
            DecodeError: it is not a COSE_Sign1 with a signature of EdDSA's length, or not deterministic.
        """
        if data[:1] != TAG_SIGN1:
            raise DecodeError("not_cose_sign1", f"{what} must begin with CBOR tag 18 (COSE_Sign1, RFC 9052).")
        value = decode(data[1:], what=what, max_bytes=max_bytes)
        if type(value) is not list or len(value) != len(_PARTS):
            raise DecodeError("not_cose_sign1", f"{what} must be an array of four items (RFC 9052 section 4.2).")
        for part, (name, (expected, types)) in zip(value, _PARTS.items(), strict=True):
            if type(part) not in types:
                raise DecodeError("not_cose_sign1", f"expected {expected}.", where=name)
        protected, unprotected, payload, signature = value
        if len(signature) != SIGNATURE_BYTES:
            raise DecodeError("not_cose_sign1", f"expected {SIGNATURE_BYTES} bytes.", where="signature")
        return cls(protected=protected, unprotected=unprotected, payload=payload, signature=signature)


_PARTS: Final[Mapping[str, tuple[str, tuple[type, ...]]]] = {
    "protected": ("a byte string", (bytes,)),
    "unprotected": ("a map", (dict,)),
    "payload": ("a byte string, or null", (bytes, type(None))),
    "signature": (f"{SIGNATURE_BYTES} bytes", (bytes,)),
}


def sign_detached(header: Mapping[int, Any], unprotected: Mapping[int, Any], payload: bytes, signer: Signer) -> Sign1:
    """Signs `payload` and leaves it out."""
    protected = encode(dict(header))
    signature = signer.sign(to_be_signed(protected, payload))
    return Sign1(protected=protected, unprotected=unprotected, payload=None, signature=signature)


def check_detached(sign1: Sign1, payload: bytes, public: bytes) -> None:
    """Check the signature over a payload that is sent separately.

    Raises:
        RefusedError: it does not verify.
    """
    if not verify(public, to_be_signed(sign1.protected, payload), sign1.signature):
        raise RefusedError(
            "bad_signature",
            "The signature does not match the content that the proof leads to.",
            hint="Fetch the receipt again; if this persists, the proof, statement or receipt was altered.",
        )


def to_be_signed(protected: bytes, payload: bytes, external: bytes = b"") -> bytes:
    """Returns the bytes that are signed (RFC 9052 section 4.4).

    Args:
        external: data that both sides know and that is not sent: a signature made with it does not verify without it.
    """
    return b"".join((_SIGNED, encode_bytes(protected), encode_bytes(external), encode_bytes(payload)))


class SignedParts(NamedTuple):
    """The parts of a COSE_Sign1 that carries its payload and has an empty unprotected map.

    Attributes:
        signed: the bytes that are signed, as of `to_be_signed`.
    """

    protected: bytes
    payload: bytes
    signature: bytes
    signed: bytes


def split_sign1(data: bytes) -> SignedParts | None:
    """Returns the parts of what `encode_sign1` made, without decoding them; None for any other bytes.

    All entries of a log have this form, and most of them are read twice. This does not check what the parts contain.
    """
    if data[:2] != _BEFORE_PROTECTED:
        return None
    first, second = _byte_string(data, 2)
    if data[second : second + 1] != _BEFORE_PAYLOAD:
        return None
    third, fourth = _byte_string(data, second + 1)
    if data[fourth : fourth + 2] != _BEFORE_SIGNATURE or len(data) != fourth + 2 + SIGNATURE_BYTES:
        return None
    signed = b"".join((_SIGNED, data[2:second], _NO_BYTES, data[second + 1 : fourth]))
    return SignedParts(data[first:second], data[third:fourth], data[fourth + 2 :], signed)


_BEFORE_PROTECTED: Final = TAG_SIGN1 + b"\x84"  # an array of four
_BEFORE_PAYLOAD: Final = b"\xa0"  # an empty map
_BEFORE_SIGNATURE: Final = b"\x58\x40"  # 64 bytes
_NO_BYTES: Final = b"\x40"


def _byte_string(data: bytes, at: int) -> tuple[int, int]:
    """Return where the content of a byte string of less than 64 KiB begins and ends; positions beyond all data if there
    is no such string."""
    head = int.from_bytes(data[at : at + 3].ljust(3, b"\0"))
    kind, one, two = head >> 16, head >> 8 & 0xFF, head & 0xFFFF
    if 0x40 <= kind < 0x58:
        return at + 1, at + 1 + kind - 0x40
    if kind == 0x58 and one >= 24:
        return at + 2, at + 2 + one
    if kind == 0x59 and two >= 256:
        return at + 3, at + 3 + two
    return len(data), len(data)


def encode_sign1(protected: bytes, payload: bytes, signature: bytes) -> bytes:
    """Return a COSE_Sign1 that carries its payload and has an empty unprotected map."""
    # Each member's encoding stands for itself, so the whole is these, one after the other.
    members = encode_bytes(protected), _BEFORE_PAYLOAD, encode_bytes(payload), encode_bytes(signature)
    return b"".join((_BEFORE_PROTECTED, *members))


def sign_and_encode(protected: bytes, payload: bytes, signer: Signer, external: bytes = b"") -> bytes:
    """Return what `encode_sign1` gives with the signature of `to_be_signed`; the parts that both have in common are
    encoded once."""
    header, content = encode_bytes(protected), encode_bytes(payload)
    signature = signer.sign(b"".join((_SIGNED, header, encode_bytes(external), content)))
    return b"".join((_BEFORE_PROTECTED, header, _BEFORE_PAYLOAD, content, _BEFORE_SIGNATURE, signature))
