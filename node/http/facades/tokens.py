"""JWTs that this node signs (RFC 7519, as JWS compact, RFC 7515), and Ed25519 keys as JWKs (RFC 8037).

    key = WebKey(signer)
    token = key.sign({"iss": …}, type="entity-statement+jwt")

`alg` is `EdDSA`, which today's readers know; RFC 9864 calls the same algorithm `Ed25519`. A `Signer`, whose secret may
be anywhere, makes the signature, so no JWT library can be used. The tests read these tokens with several libraries.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any, Final

import msgspec

from accredit.registry.encoding.ed25519 import PUBLIC_BYTES, Signer, verify
from accredit.registry.errors import DecodeError

TOKEN_BYTES: Final = 16 * 1024
"""The longest token that is read here: ten times a trust mark of ours."""


@dataclass(frozen=True)
class WebKey:
    """The key with which a node signs formats of the web.

    Attributes:
        signer: makes the signatures; the key has no other role.
        retired: public keys, 32 bytes each, that this node signed with before, and until when, seconds.
    """

    signer: Signer = field(repr=False)
    retired: Sequence[tuple[bytes, int]] = ()

    @cached_property
    def jwk(self) -> dict[str, str]:
        """The public key, with its id and use."""
        return jwk_of(self.signer.public_key)

    def sign(self, claims: Mapping[str, Any], *, type: str) -> str:
        """Return the token that says `claims`.

        Args:
            type: the `typ` of its header, by which its readers tell kinds of tokens apart (RFC 8725 §3.11).
        """
        header = {"typ": type, "alg": "EdDSA", "kid": self.jwk["kid"]}
        signed = f"{_encode(msgspec.json.encode(header))}.{_encode(msgspec.json.encode(claims))}"
        return f"{signed}.{_encode(self.signer.sign(signed.encode()))}"

    def read(self, token: str, *, type: str) -> dict[str, Any] | None:
        """Return the claims of a token of this type if this key signed it; else None.

        Raises:
            DecodeError: `bad_token`: it is not a token at all.
        """
        try:
            signed, _, signature = token.rpartition(".")
            header, claims = (msgspec.json.decode(_decode(part), type=dict) for part in signed.split("."))
            is_ours = verify(self.signer.public_key, signed.encode(), _decode(signature))
        except (ValueError, RecursionError, msgspec.MsgspecError):
            raise DecodeError(
                "bad_token", "this is not a signed JWT.", hint="Send the token as you received it."
            ) from None
        return claims if is_ours and header.get("typ") == type and header.get("alg") == "EdDSA" else None


def jwk_of(public: bytes, *, id: str = "") -> dict[str, str]:
    """Return an Ed25519 public key as a JWK for signatures.

    Args:
        public: 32 bytes.
        id: its `kid`; the key's own thumbprint (RFC 7638) where none is given.
    """
    assert len(public) == PUBLIC_BYTES
    members = {"crv": "Ed25519", "kty": "OKP", "x": _encode(public)}  # in the order of RFC 7638 §3.3
    return {**members, "kid": id or _encode(sha256(msgspec.json.encode(members)).digest()), "use": "sig"}


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    if len(text) > TOKEN_BYTES or not text.isascii() or set(text) & set("+/="):
        raise ValueError("not base64url without padding")
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
