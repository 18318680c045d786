"""The curve of Ed25519 with its own arithmetic (RFC 8032 §5.1), slowly: to make what an honest library never makes.

`Forged` is a signature as its parts, with the proof of which equations it satisfies; `SMALL` are the eight points of
small order, `unusual_spellings` other bytes for one point. What libsodium says to them is for tests to ask.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

from accredit.registry.encoding.ed25519 import verify

P: Final = 2**255 - 19
L: Final = 2**252 + 27742317777372353535851937790883648493
D: Final = -121665 * pow(121666, -1, P) % P

Point = tuple[int, int]
ZERO: Final[Point] = (0, 1)


def add(a: Point, b: Point) -> Point:
    product = D * a[0] * b[0] * a[1] * b[1] % P
    x = (a[0] * b[1] + a[1] * b[0]) * pow(1 + product, -1, P) % P
    y = (a[1] * b[1] + a[0] * b[0]) * pow(1 - product, -1, P) % P
    return x, y


def times(factor: int, point: Point) -> Point:
    total = ZERO
    for bit in bin(factor)[2:]:
        total = add(total, total)
        if bit == "1":
            total = add(total, point)
    return total


def negative(point: Point) -> Point:
    return -point[0] % P, point[1]


def pack(point: Point) -> bytes:
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def unpack(data: bytes) -> Point | None:
    """The point of 32 bytes, taking y modulo p and any sign of 0: everything any library takes; None off the curve."""
    number = int.from_bytes(data, "little")
    sign_bit, y = number >> 255, (number & (2**255 - 1)) % P
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P:
        return None
    return (x if x & 1 == sign_bit else -x % P), y


BASE = unpack((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
assert BASE is not None


def small_points() -> list[Point]:
    """The eight points whose order divides 8: multiples of one of order 8, found by taking any point L times."""
    for y in range(2, 100):
        point = unpack(y.to_bytes(32, "little"))
        if point is not None:
            small = times(L, point)
            if times(4, small) != ZERO:
                return [times(factor, small) for factor in range(8)]
    raise AssertionError("one point in two has a component of order 8")


SMALL = small_points()
EIGHT = SMALL[1]


def hash_of(r: bytes, public: bytes, message: bytes) -> int:
    return int.from_bytes(hashlib.sha512(r + public + message).digest(), "little") % L


@dataclass(frozen=True)
class Forged:
    """A signature as its parts, and which of the two equations of RFC 8032 §5.1.7 it satisfies."""

    public: bytes
    message: bytes
    r: bytes
    s: int

    @property
    def signature(self) -> bytes:
        return self.r + self.s.to_bytes(32, "little")

    def holds(self, cofactor: int) -> bool:
        r, a = unpack(self.r), unpack(self.public)
        assert BASE is not None
        assert r is not None
        assert a is not None
        right = add(r, times(hash_of(self.r, self.public, self.message), a))
        return times(cofactor * self.s, BASE) == times(cofactor, right)

    @property
    def verdict(self) -> bool:
        return verify(self.public, self.message, self.signature)


def forged(public: bytes, secret: int, r: bytes, nonce: int, message: bytes) -> Forged:
    return Forged(public, message, r, (nonce + hash_of(r, public, message) * secret) % L)


def scalar_of(seed: bytes) -> int:
    digest = bytearray(hashlib.sha512(seed).digest()[:32])
    digest[0] &= 248
    digest[31] = digest[31] & 127 | 64
    return int.from_bytes(digest, "little")


def unusual_spellings(point: Point) -> list[bytes]:
    """Encodings of `point` beside its own: y + p where that fits in 255 bits, and the wrong sign of x = 0."""
    numbers = [point[1]] + ([point[1] + P] if point[1] + P < 2**255 else [])
    signs = [0, 1] if point[0] == 0 else [point[0] & 1]
    every = [(number | bit << 255).to_bytes(32, "little") for number in numbers for bit in signs]
    return [spelling for spelling in every if spelling != pack(point)]
