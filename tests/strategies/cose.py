"""One statement written byte by byte from RFC 8949 and RFC 9052, to compare with what the code makes.

Uses none of the code it is compared with, but for the draft that says the same.
"""

import nacl.signing

from accredit.registry.statement import Draft

SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")  # RFC 8032 §7.1, test 1
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
KID = bytes.fromhex("866eefbd6718c8846cd7ddfe43fc74ab1daac4538ff8514ea2ec2d410a415743")
DRAFT = Draft(
    iss="did:web:board.example",
    sub="did:web:college.example",
    iat=1_700_000_000,
    eco=bytes(range(32)),
    kind="issuer.register",
    seq=2,
    prev=bytes(range(32, 64)),
    body={"name": "College", "id": "did:web:college.example"},
)


def head(major: int, number: int) -> bytes:
    """RFC 8949 §3: a major type and its number, up to two bytes of it."""
    if number < 24:
        return bytes([major << 5 | number])
    if number < 256:
        return bytes([major << 5 | 24, number])
    return bytes([major << 5 | 25]) + number.to_bytes(2)


def bstr(value: bytes) -> bytes:
    return head(2, len(value)) + value


def tstr(value: str) -> bytes:
    return head(3, len(value.encode())) + value.encode()


PROTECTED = (
    head(5, 4)  # a map of four: keys 1, 3, 4, 15 in bytewise order
    + b"\x01\x27"  # alg: -8
    + b"\x03"
    + tstr("application/accredit-statement+cbor")
    + b"\x04"
    + bstr(KID)
    + b"\x0f"
    + head(5, 3)
    + b"\x01"
    + tstr("did:web:board.example")
    + b"\x02"
    + tstr("did:web:college.example")
    + b"\x06\x1a\x65\x53\xf1\x00"  # iat: 1,700,000,000
)
PAYLOAD = (
    head(5, 6)  # a map of six: the shorter keys first
    + tstr("v")
    + b"\x01"
    + tstr("eco")
    + bstr(bytes(range(32)))
    + tstr("seq")
    + b"\x02"
    + tstr("body")
    + head(5, 2)
    + tstr("id")
    + tstr("did:web:college.example")
    + tstr("name")
    + tstr("College")
    + tstr("kind")
    + tstr("issuer.register")
    + tstr("prev")
    + bstr(bytes(range(32, 64)))
)
SIG_STRUCTURE = head(4, 4) + tstr("Signature1") + bstr(PROTECTED) + bstr(b"") + bstr(PAYLOAD)  # RFC 9052 §4.4


def signed_by_hand(protected: bytes, payload: bytes, seed: bytes = SEED) -> bytes:
    """A COSE_Sign1 around any bytes, with a signature that is good."""
    to_sign = head(4, 4) + tstr("Signature1") + bstr(protected) + bstr(b"") + bstr(payload)
    signature = nacl.signing.SigningKey(seed).sign(to_sign).signature
    return b"\xd2\x84" + bstr(protected) + b"\xa0" + bstr(payload) + bstr(signature)
