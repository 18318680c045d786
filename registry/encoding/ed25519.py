"""Ed25519 keys, their ids, and did:key.

* A key pair is a 32-byte seed (secret) and a 32-byte public key (RFC 8032).
* Code that signs takes a `Signer`, never a seed: a `KeyPair` in memory, an agent, or a device that keeps its secret.
* `key_id` is the COSE key thumbprint (RFC 9679): SHA-256 of the deterministic CBOR `{1: 1, -1: 6, -2: public}`.
* Libraries differ on edge cases of Ed25519 verification (RFC 8032 §5.1.7 leaves the cofactor open); libsodium's verdict
  counts everywhere. A key of small order, for which anybody can forge signatures, is refused when it is introduced.
* `did:key` (W3C CCG) for Ed25519: multicodec `ed01`, base58btc, prefix `z`.

A private key has one role (statements, peer frames, log, cosignatures, state). No two roles share a key, so bytes
signed in one role mean nothing in another.
"""

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Protocol

from nacl import bindings
from nacl.exceptions import BadSignatureError

from ..errors import DecodeError
from .cbor import encode

PUBLIC_BYTES: Final = 32
SEED_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64

_MULTICODEC_ED25519: Final = bytes.fromhex("ed01")
_MULTICODEC_ED25519_PRIVATE: Final = bytes.fromhex("8026")  # 0x1300 as a varint
_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def public_of(seed: bytes) -> bytes:
    """Return the public key of a 32-byte seed (RFC 8032 §5.1.5)."""
    public, _ = bindings.crypto_sign_seed_keypair(seed)
    return public


class Signer(Protocol):
    """Signs with one Ed25519 key; the signer decides where the secret is kept and who must consent."""

    @property
    def public_key(self) -> bytes:
        """The public key, 32 bytes."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Returns the 64-byte signature of `message` (RFC 8032 §5.1.6), made over the message itself, unhashed."""
        ...


@dataclass(frozen=True, slots=True, init=False)
class KeyPair:
    """A `Signer` whose secret is in memory. The pair is derived once from the seed, which costs as much as a signature.

    Attributes:
        public_key: 32 bytes; only this part is ever printed or compared.
    """

    public_key: bytes
    _secret: bytes = field(repr=False, compare=False)  # as libsodium wants it: seed, then public key

    def __init__(self, seed: bytes) -> None:
        """Derives the pair (RFC 8032 §5.1.5).

        Args:
            seed: 32 secret bytes.
        """
        public, secret = bindings.crypto_sign_seed_keypair(seed)
        object.__setattr__(self, "public_key", public)
        object.__setattr__(self, "_secret", secret)

    def sign(self, message: bytes) -> bytes:
        """Returns the 64-byte signature of `message`; deterministic (RFC 8032 §5.1.6)."""
        return bindings.crypto_sign(message, self._secret)[:SIGNATURE_BYTES]


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether libsodium accepts `signature`; bytes of any content and length get an answer, never an error."""
    if len(public) != PUBLIC_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    try:
        bindings.crypto_sign_open(signature + message, public)
    except BadSignatureError:
        return False
    return True


@lru_cache(maxsize=4_096)  # keys in use: some hundreds. A guess
def key_id(public: bytes) -> bytes:
    """Return the COSE key thumbprint of an Ed25519 public key: 32 bytes (RFC 9679 §3)."""
    return hashlib.sha256(encode({1: 1, -1: 6, -2: public})).digest()


def is_usable_public(public: bytes) -> bool:
    """Return whether `public` is a canonical point of the prime-order subgroup, not of small order."""
    return len(public) == PUBLIC_BYTES and bool(bindings.crypto_core_ed25519_is_valid_point(public))


def did_key(public: bytes) -> str:
    """`did:key:z6Mk…` of an Ed25519 public key."""
    return "did:key:" + multibase(public)


def multibase(public: bytes) -> str:
    """`publicKeyMultibase` of an Ed25519 public key: `z` and base58btc of the multicodec-prefixed key."""
    return "z" + encode_base58(_MULTICODEC_ED25519 + public)


def decode_multibase(text: str) -> bytes:
    """The inverse of `multibase`: the 32-byte public key.

    Raises:
        DecodeError: not base58btc, not an Ed25519 key, or a key of small order.
    """
    hint = "Give the key's publicKeyMultibase, like z6MkhaXgBZDv…."
    if not text.startswith("z") or len(text) > 60:
        raise DecodeError("not_a_key", "an Ed25519 key in multibase form must begin with z6Mk.", hint=hint)
    raw = decode_base58(text[1:])
    if len(raw) != len(_MULTICODEC_ED25519) + PUBLIC_BYTES or not raw.startswith(_MULTICODEC_ED25519):
        raise DecodeError("not_a_key", "this multibase text is not an Ed25519 public key.", hint=hint)
    public = raw[len(_MULTICODEC_ED25519) :]
    if not is_usable_public(public):
        raise DecodeError("weak_key", "this Ed25519 key is not a point of the prime-order group.", hint=hint)
    return public


def decode_secret_multibase(text: str) -> bytes:
    """Return the private key in a Multikey's `secretKeyMultibase` (W3C VC Data Integrity §2.2.2): its bytes.

    Raises:
        DecodeError: not base58btc, or not an Ed25519 private key. The message quotes no part of it.
    """
    try:
        raw = decode_base58(text[1:]) if text.startswith("z") and len(text) <= 100 else b""
    except DecodeError:
        raw = b""
    if not raw.startswith(_MULTICODEC_ED25519_PRIVATE):
        raise DecodeError("not_a_key", "this is not an Ed25519 private key in multibase form.") from None
    return raw[len(_MULTICODEC_ED25519_PRIVATE) :]


def encode_base58(raw: bytes) -> str:
    """Return bytes as base58btc text, without a multibase prefix; the inverse of `decode_base58`."""
    number = int.from_bytes(raw)
    digits = ""
    while number:
        number, digit = divmod(number, 58)
        digits = _BASE58[digit] + digits
    zeros = len(raw) - len(raw.lstrip(b"\0"))
    return _BASE58[0] * zeros + digits


def decode_base58(text: str) -> bytes:
    """Return the bytes of base58btc text, without a multibase prefix.

    Raises:
        DecodeError: the text has a character that base58btc does not have.
    """
    number = 0
    for character in text:
        digit = _BASE58.find(character)
        if digit < 0:
            raise DecodeError("not_a_key", f"{character!r} is not a base58 character.")
        number = number * 58 + digit
    zeros = len(text) - len(text.lstrip(_BASE58[0]))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8)
