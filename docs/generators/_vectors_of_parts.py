"""The vectors of the parts that everything rests on: CBOR, signatures, map proofs."""

from collections.abc import Iterator
from typing import Any, Final

import cbor2

from accredit.registry.encoding.cbor import encode
from accredit.registry.encoding.ed25519 import KeyPair, public_of
from accredit.registry.limits import CBOR_DEPTH
from accredit.registry.transparency.state_map import Trie
from tests.strategies.curve import (
    BASE,
    EIGHT,
    SMALL,
    ZERO,
    L,
    P,
    add,
    forged,
    hash_of,
    negative,
    pack,
    scalar_of,
    times,
    unpack,
    unusual_spellings,
)
from tests.strategies.domain import seed_of

from ._vector_world import Vector, error

ABOUT_CBOR: Final = (
    "Bytes in hex: accepted, and then the one encoding of their value; or refused (RFC 8949 section 4.2.1, no floats, "
    "no tags, integers of 64 bits and a sign, keys of maps integers or text, at most 16 levels)."
)
ABOUT_SIGNATURES: Final = (
    "Ed25519 at its edges, all in hex: whether the signature is `accepted`, and whether the key is `usable`, that is a "
    "canonical point of the prime-order group. The verdict is libsodium's."
)
ABOUT_PROOFS: Final = (
    "Proofs in the state map, in hex: the `value` that is proved for a key under a root, null where its absence is; "
    "or the error's code."
)


def cbor() -> Iterator[Vector]:
    """Of the encoding."""
    deepest: Any = 0
    for _ in range(CBOR_DEPTH):
        deepest = [deepest]
    for name, why, value in (
        ("map", "Keys in the order of their encodings: shorter ones first.", {"b": 1, "aa": [True, None, False]}),
        ("empty", "Nothing in it.", {}),
        ("integer-keys", "Integers before texts.", {1: b"", -1: "", "": []}),
        ("text", "Text is UTF-8, not normalised.", "Ünïcödé 中 \U0001f393"),
        ("largest", "The largest integer.", 2**64 - 1),
        ("smallest", "The smallest integer.", -(2**64)),
        ("beyond-double", "An integer that a double cannot hold.", 2**53 + 1),
        (
            "heads",
            "Lengths and numbers at the edges of their heads.",
            [23, 24, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32],
        ),
        ("deepest", "Sixteen levels.", deepest),
        ("proto", "A key that some languages take for more than a key.", {"__proto__": 1}),
    ):
        yield _cbor(name, why, encode(value), True)
    for name, why, data in (
        ("long-integer", "0 in two bytes.", "1800"),
        ("long-length", "A text's length in two bytes.", "780161"),
        ("long-list", "A list's length in two bytes.", "9800"),
        ("unsorted", "Keys out of order.", "a2616201616101"),
        ("longer-key-first", "Keys in the order of RFC 7049's text.", "a262616101616201"),
        ("duplicate-key", "A key twice.", "a2616101616102"),
        ("indefinite-list", "A list without a length.", "9fff"),
        ("indefinite-map", "A map without a length.", "bfff"),
        ("indefinite-text", "A text in pieces.", "7f6161ff"),
        ("indefinite-bytes", "Bytes in pieces.", "5f4161ff"),
        ("float", "A float.", "fb3ff0000000000000"),
        ("half-float", "A half float.", "f93c00"),
        ("undefined", "Undefined.", "f7"),
        ("simple", "A simple value.", "f0"),
        ("simple-byte", "`false` in two bytes.", "f814"),
        ("tag", "A tag.", "c100"),
        ("bignum", "A bignum.", "c24101"),
        ("self-described", "The tag that says that it is CBOR.", "d9d9f700"),
        ("shared", "A shared reference.", "d81c80"),
        ("bytes-as-key", "Bytes as a key.", "a1416100"),
        ("boolean-as-key", "A boolean as a key.", "a1f500"),
        ("list-as-key", "A list as a key.", "a18000"),
        ("trailing", "A byte more.", "0000"),
        ("truncated", "A byte less.", "6261"),
        ("truncated-list", "A list of one, and no item.", "81"),
        ("huge-length", "More bytes than there are.", "5bffffffffffffffff"),
        ("huge-list", "More items than there are.", "9bffffffffffffffff"),
        ("reserved", "A head that is reserved.", "1c"),
        ("break", "An end without a beginning.", "ff"),
        ("empty", "No bytes.", ""),
        ("not-utf-8", "Text that is not UTF-8.", "61ff"),
        ("surrogate", "Half a character.", "63eda080"),
        ("overlong", "A nought in two bytes of UTF-8.", "62c080"),
        ("too-deep", "Seventeen levels.", "81" * 17 + "00"),
    ):
        yield _cbor(f"refused-{name}", why, bytes.fromhex(data), False)


def _cbor(name: str, why: str, data: bytes, accepted: bool) -> Vector:
    assert not accepted or cbor2.dumps(cbor2.loads(data)) == data
    return Vector(name=name, why=why, given={"cbor": data.hex()}, expected={"accepted": accepted})


# ------------------------------------------------------------------------------------------------ signatures

_SEED: Final = seed_of("vectors")
_PUBLIC: Final = public_of(_SEED)
_NONCE: Final = 1234567890123456789
_MESSAGE: Final = b"cosignature"


def signatures() -> Iterator[Vector]:
    """Of Ed25519."""
    assert BASE is not None
    secret, honest_point = scalar_of(_SEED), unpack(_PUBLIC)
    assert honest_point is not None
    honest = KeyPair(_SEED).sign(_MESSAGE)
    yield _signature("good", "An honest signature.", _PUBLIC, honest, True)
    yield _signature("other-message", "Of another message.", _PUBLIC, KeyPair(_SEED).sign(b"another"), False)
    changed = bytes([honest[0] ^ 1]) + honest[1:]
    yield _signature("changed", "A bit of it changed.", _PUBLIC, changed, False)
    yield _signature("short", "63 bytes.", _PUBLIC, honest[:-1], False)
    yield _signature("long", "65 bytes.", _PUBLIC, honest + b"\0", False)
    scalar = int.from_bytes(honest[32:], "little")
    for multiple in (1, 8):
        unreduced = honest[:32] + (scalar + multiple * L).to_bytes(32, "little")
        yield _signature(f"unreduced-{multiple}", "S plus a multiple of the order.", _PUBLIC, unreduced, False)
    for at, small in enumerate(SMALL[1:], start=1):
        r = pack(add(times(_NONCE, BASE), small))
        mixed = forged(_PUBLIC, secret, r, _NONCE, _MESSAGE)
        assert mixed.holds(8)
        assert not mixed.holds(1)
        why = "R has a part of small order: only the equation with cofactor holds."
        yield _signature(f"cofactor-{at}", why, _PUBLIC, mixed.signature, False)
    for at, spelling in enumerate((pack(ZERO), *unusual_spellings(ZERO))):
        small_r = forged(_PUBLIC, secret, spelling, 0, _MESSAGE)
        why = "R is the neutral point, in one of its spellings: the equation holds, and gives away the secret."
        yield _signature(f"neutral-r-{at}", why, _PUBLIC, small_r.signature, False)
    spellings = [pack(point) for point in SMALL] + [other for point in SMALL for other in unusual_spellings(point)]
    assert len(spellings) == 14
    for at, public in enumerate(sorted(spellings)):
        point = unpack(public)
        assert point is not None
        r, message = _nobodys(public, point)
        why = "A key of small order: S = 0 and a fitting R, and no secret was needed."
        yield _signature(f"low-order-key-{at}", why, public, r + bytes(32), False, usable=False, message=message)
    why = "A key outside of the prime-order group, which verifies by luck: never to be introduced."
    public, r = pack(add(honest_point, EIGHT)), pack(times(_NONCE, BASE))
    for wanted in (True, False):
        message = next(m for m in _messages() if (hash_of(r, public, m) % 8 == 0) is wanted)
        lucky = forged(public, secret, r, _NONCE, message)
        name = "mixed-key-lucky" if wanted else "mixed-key-unlucky"
        yield _signature(name, why, public, lucky.signature, wanted, usable=False, message=message)
    for name, why, key in (
        ("key-off-the-curve", "A key that is no point.", (2).to_bytes(32, "little")),
        ("key-not-reduced", "A key whose y is not reduced.", (P + 3).to_bytes(32, "little")),
        ("short-key", "A key of 31 bytes.", _PUBLIC[:-1]),
    ):
        yield _signature(name, why, key, honest, False, usable=False)


def _messages() -> Iterator[bytes]:
    return (b"message %d" % number for number in range(10_000))


def _nobodys(public: bytes, point: tuple[int, int]) -> tuple[bytes, bytes]:
    """R and a message for which R = -hA, with A of small order."""
    for message in _messages():
        for small in SMALL:
            r = pack(small)
            if negative(times(hash_of(r, public, message), point)) == small:
                return r, message
    raise AssertionError("one message in eight fits")


def _signature(
    name: str,
    why: str,
    public: bytes,
    signature: bytes,
    accepted: bool,
    *,
    usable: bool = True,
    message: bytes = _MESSAGE,
) -> Vector:
    given = {"public": public.hex(), "message": message.hex(), "signature": signature.hex()}
    return Vector(name=name, why=why, given=given, expected={"accepted": accepted, "usable": usable})


# ------------------------------------------------------------------------------------------------ map proofs


def proofs() -> Iterator[Vector]:
    """Of the state map."""
    trie = Trie((seed_of(f"key {n}"), seed_of(f"value {n}")) for n in range(20))
    root, key, nobody = trie.root(), seed_of("key 7"), seed_of("nobody")
    yield _proof("present", "A key and its value.", root, key, trie.prove(key), {"value": seed_of("value 7").hex()})
    none: dict[str, Any] = {"value": None}
    yield _proof(
        "absent", "A key that is not there: another leaf stands on its path.", root, nobody, trie.prove(nobody), none
    )
    slot = next(one for one in map(seed_of, map(str, range(999))) if len(trie.prove(one)) % 32 == 3)
    yield _proof("absent-empty", "A key whose slot is empty.", root, slot, trie.prove(slot), none)
    yield _proof("empty-map", "The map of nothing.", bytes(32), key, Trie().prove(key), none)
    single = Trie([(key, nobody)])
    yield _proof("single", "The map of one key.", single.root(), key, single.prove(key), {"value": nobody.hex()})
    proof = trie.prove(key)
    for at in range(len(proof)):
        changed = proof[:at] + bytes([proof[at] ^ 1]) + proof[at + 1 :]
        code = "map_proof" if at == 0 or (at in (1, 2) and _is_no_proof(changed)) else "proof_other_root"
        if at < 6 or at % 32 == 0:
            yield _proof(f"changed-{at}", f"A bit of byte {at} changed.", root, key, changed, error(code))
    other = bytes([key[0] ^ 0x80]) + key[1:]
    off_path = proof[:-32] + other + proof[-32:]
    yield _proof("off-path", "Another leaf that is not on the path.", root, key, off_path, error("proof_off_path"))
    own = proof[:-32] + key + proof[-32:]
    yield _proof("own-leaf", "The key's own leaf as another's.", root, key, own, error("proof_off_path"))
    yield _proof("other-root", "Another root.", nobody, key, proof, error("proof_other_root"))
    yield _proof("other-key", "Another key.", root, seed_of("key 8"), proof, error("proof_other_root"))


def _is_no_proof(proof: bytes) -> bool:
    depth = int.from_bytes(proof[:2], "big")
    bitmap = int.from_bytes(proof[2 : 2 + (depth + 7) // 8], "big")
    return not bitmap >> (-depth % 8) & 1 or bool(bitmap & ((1 << -depth % 8) - 1)) or len(proof) % 32 != 3


def _proof(name: str, why: str, root: bytes, key: bytes, proof: bytes, expected: dict[str, Any]) -> Vector:
    given = {"root": root.hex(), "key": key.hex(), "proof": proof.hex()}
    return Vector(name=name, why=why, given=given, expected=expected)
