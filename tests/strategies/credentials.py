"""Credentials of ours, signed with keys of ours, in every form that `accredit check` reads.

school = Issuer.of("school")
badge = school.signed(open_badge(school))              Open Badges 3.0 with an eddsa-rdfc-2022 proof
school.token(open_badge(school))                       the same as a JWT
baked_png(badge), baked_svg(badge)
"""

import base64
import gzip
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from accredit.cli.credentials.contexts import ContextLoader
from accredit.cli.credentials.proofs import signed_bytes
from accredit.registry.encoding.ed25519 import KeyPair, did_key, encode_base58, multibase
from tests.strategies.consortium import seed_of

V1: Final = "https://www.w3.org/2018/credentials/v1"
V2: Final = "https://www.w3.org/ns/credentials/v2"
BADGES: Final = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"
CLR: Final = "https://purl.imsglobal.org/spec/clr/v2p0/context-2.0.1.json"
ED25519_2020: Final = "https://w3id.org/security/suites/ed25519-2020/v1"
LIST_URL: Final = "https://school.example/status/1"
ISSUED: Final = "2024-06-01T00:00:00Z"

Json = dict[str, Any]


def base64url(raw: bytes) -> str:
    """Bytes as tokens have them."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass(frozen=True)
class Issuer:
    """Who issues: an id and a key."""

    id: str
    method: str
    pair: KeyPair

    @classmethod
    def of(cls, name: str, id: str = "") -> "Issuer":
        """An issuer whose id is its key (did:key), or the one given."""
        pair = KeyPair(seed_of(f"credential {name}"))
        own = multibase(pair.public_key)
        id_ = id or did_key(pair.public_key)
        return cls(id=id_, method=f"{id_}#{own}", pair=pair)

    @property
    def pinned(self) -> Json:
        """The key as the registry pins it."""
        return {"id": self.method, "public_key_multibase": multibase(self.pair.public_key)}

    def proof(self, document: Mapping[str, Any], suite: str = "eddsa-rdfc-2022", **members: Any) -> Json:
        """A proof over a document, made at its time."""
        kind = (
            {"type": suite} if suite == "Ed25519Signature2020" else {"type": "DataIntegrityProof", "cryptosuite": suite}
        )
        options = {
            **kind,
            "created": ISSUED,
            "verificationMethod": self.method,
            "proofPurpose": "assertionMethod",
            **members,
        }
        signature = self.pair.sign(signed_bytes(document, options, ContextLoader()))
        return {**options, "proofValue": "z" + encode_base58(signature)}

    def signed(self, document: Mapping[str, Any], *suites: str, **members: Any) -> Json:
        """The document with a proof of each suite."""
        proofs = [self.proof(document, suite, **members) for suite in suites or ("eddsa-rdfc-2022",)]
        return {**document, "proof": proofs[0] if len(proofs) == 1 else proofs}

    @property
    def jwk(self) -> Json:
        """The public key as a JWK."""
        return {"kty": "OKP", "crv": "Ed25519", "x": base64url(self.pair.public_key)}

    def token(self, claims: Mapping[str, Any], **header: Any) -> str:
        """Claims as a JWT of this issuer; a header of None is left out."""
        said = {"alg": "EdDSA", "typ": "vc+jwt", "kid": self.method, **header}
        kept = {name: value for name, value in said.items() if value is not None}
        signed = ".".join(base64url(json.dumps(part).encode()) for part in (kept, claims))
        return f"{signed}.{base64url(self.pair.sign(signed.encode()))}"


def open_badge(issuer: Issuer, achievement_type: str | None = "BachelorDegree", **members: Any) -> Json:
    """An Open Badge 3.0, unsigned."""
    achievement = {
        "id": "https://school.example/achievements/1",
        "type": ["Achievement"],
        "name": "Bachelor of Science",
        "criteria": {"narrative": "Passed all examinations."},
        "description": "Three years.",
    }
    if achievement_type is not None:
        achievement["achievementType"] = achievement_type
    return {
        "@context": [V2, BADGES],
        "id": "urn:uuid:0b0cf1a8-5a3c-4f6a-9d5e-6f3f3d2a1b0c",
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "issuer": {"id": issuer.id, "type": ["Profile"], "name": "Example School"},
        "validFrom": ISSUED,
        "name": "Bachelor of Science",
        "credentialSubject": {"type": ["AchievementSubject"], "achievement": achievement},
        **members,
    }


def status_entry(index: int | str = 7, purpose: str = "revocation", **members: Any) -> Json:
    """Where a credential's own status stands."""
    return {
        "type": "BitstringStatusListEntry",
        "statusPurpose": purpose,
        "statusListIndex": str(index),
        "statusListCredential": LIST_URL,
        **members,
    }


def status_list(
    issuer: Issuer,
    revoked: Sequence[int] = (),
    *,
    size: int = 131_072,
    encoded: str | None = None,
    purpose: str = "revocation",
    **members: Any,
) -> Json:
    """A status list, unsigned: `size` entries, of which these are revoked."""
    bits = bytearray(size // 8)
    for index in revoked:
        bits[index // 8] |= 1 << (7 - index % 8)
    packed = base64url(gzip.compress(bytes(bits), mtime=0))
    return {
        "@context": [V2],
        "id": LIST_URL,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": issuer.id,
        "validFrom": ISSUED,
        "credentialSubject": {
            "id": f"{LIST_URL}#list",
            "type": "BitstringStatusList",
            "statusPurpose": purpose,
            "encodedList": f"u{packed}" if encoded is None else encoded,
        },
        **members,
    }


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG file."""
    return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)


def png(*chunks: bytes) -> bytes:
    """A PNG file of one pixel with these chunks."""
    head = chunk(b"IHDR", (1).to_bytes(4) * 2 + bytes([8, 0, 0, 0, 0]))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


def baked_png(credential: Json | str, *, is_compressed: bool = False) -> bytes:
    """A badge with a credential in it (Open Badges 3.0 §5.3.1)."""
    text = (credential if isinstance(credential, str) else json.dumps(credential)).encode()
    packed = zlib.compress(text) if is_compressed else text
    return png(chunk(b"iTXt", b"openbadgecredential\0" + bytes([is_compressed, 0]) + b"\0\0" + packed))


def baked_svg(credential: Json | str) -> bytes:
    """The same as SVG (§5.3.2)."""
    space = 'xmlns:openbadges="https://purl.imsglobal.org/ob/v3p0"'
    if isinstance(credential, str):
        inner = f'<openbadges:credential verify="{credential}"/>'
    else:
        inner = f"<openbadges:credential><![CDATA[{json.dumps(credential)}]]></openbadges:credential>"
    return f'<svg xmlns="http://www.w3.org/2000/svg" {space} width="1" height="1">{inner}</svg>'.encode()
