"""W3C Data Integrity proofs of this node: cryptosuite `eddsa-jcs-2022` (W3C vc-di-eddsa §3.3).

    secured = secure(document, signer, created=now)

The proof is over the document's canonical JSON (RFC 8785), so no reader has to resolve a JSON-LD context to check it.
The key is given as did:key, so no reader has to resolve it either.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from accredit.registry.encoding import jcs, rfc3339
from accredit.registry.encoding.ed25519 import Signer, did_key, encode_base58

_SHA2_256 = bytes((0x12, 32))
"""How a multihash of SHA-256 begins: its code, and the length of what follows (multiformats)."""


def secure(document: Mapping[str, Any], signer: Signer, *, created: int) -> dict[str, Any]:
    """Return a document with a proof that the signer asserts it.

    Args:
        document: plain JSON without fractions, and without a proof.
        created: seconds since 1970.
    """
    proof = {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "created": rfc3339.text(created),
        "verificationMethod": method_of(signer),
        "proofPurpose": "assertionMethod",
        "@context": document["@context"],
    }
    signed = sha256(jcs.encode(proof)).digest() + sha256(jcs.encode(document)).digest()
    return {**document, "proof": {**proof, "proofValue": "z" + encode_base58(signer.sign(signed))}}


def method_of(signer: Signer) -> str:
    """Return the id of the signer's key as a verification method."""
    id = did_key(signer.public_key)
    return f"{id}#{id.removeprefix('did:key:')}"


def digest_multibase(data: bytes) -> str:
    """Return SHA-256 of bytes as a multihash in base58btc."""
    return "z" + encode_base58(_SHA2_256 + sha256(data).digest())
