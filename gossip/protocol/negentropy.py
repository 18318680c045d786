"""Implements negentropy protocol v1, which finds the ids that one of two sides has and the other lacks.

Range-based set reconciliation over items of (64-bit time, 32-byte id), sorted by time, then id. The initiator sends
messages, and the responder answers each with one, until the initiator has no more questions. The bytes follow the
published `negentropy-protocol-v1.md` of the hoytech/negentropy project:

    message  = 0x61 range*                            ; ranges are adjacent, from (0, 0…) on; skip to the end is implied
    range    = bound mode payload                     ; bound: where it ends, exclusive
    bound    = varint(time) varint(length) prefix     ; time: 0 = infinity, else 1 + difference to the bound before
    payload  = mode 0 skip: nothing
             / mode 1 fingerprint: 16 bytes           ; SHA-256(sum of the ids mod 2^256, little-endian, varint(count))
             / mode 2 ids: varint(count) id*          ; all that the sender has in this range
    varint   = base 128, most significant digit first, as few digits as possible

An equal fingerprint is answered with skip, another one by splitting the range: into 16 sub-ranges, or into all ids if
there are fewer than 32. The responder answers ids with its own ids, and the initiator with skip, because it then knows
both sides.

**Frame limit** (chosen by each side, not sent): ranges without room are summed up in one last fingerprint up to
infinity. So the message still covers everything, and the first ranges in order are settled first.

Fingerprints are additive, so somebody who can choose ids can make two sets collide; the caller blinds ids
(`reconcile`). Times and counts come from the other side; this module never allocates memory by a number that was only
claimed.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import accumulate
from typing import Final

from accredit.registry.errors import DecodeError, RefusedError

VERSION: Final = 0x61
ID_BYTES: Final = 32
FINGERPRINT_BYTES: Final = 16
LIMIT_MIN: Final = 4_096
"""Smallest frame limit, bytes: room for the ids of one small range and their framing."""

BUCKETS: Final = 16
"""The number of sub-ranges in a split: two round trips for a difference in 100,000 items."""

SKIP, FINGERPRINT, IDS = range(3)

_TIME_BYTES: Final = 8
_INFINITY: Final = b"\xff" * _TIME_BYTES + bytes(ID_BYTES)
_RESERVE: Final = 64  # a pending skip (at most 44 bytes) and the fingerprint of the rest (19)
_VARINT_BYTES: Final = 10  # of 64 bits


class Items:
    """A sorted set of items with running sums, so that any range's fingerprint needs one subtraction.

    Args:
        items: (time, id); times from 0 to below 2^64 − 1, no id twice.
    """

    def __init__(self, items: Iterable[tuple[int, bytes]]) -> None:
        self._keys = sorted(time.to_bytes(_TIME_BYTES) + id for time, id in items)
        assert not self._keys or self._keys[-1] < _INFINITY, "2^64 - 1 means infinity"
        numbers = (int.from_bytes(key[_TIME_BYTES:], "little") for key in self._keys)
        self._sums = list(accumulate(numbers, initial=0))

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, bound: bytes, start: int = 0) -> int:
        """Return the index of the first item that is not below `bound`, from `start` on."""
        return bisect_left(self._keys, bound, start)

    def fingerprint(self, start: int, stop: int) -> bytes:
        """Return the fingerprint of the items from `start` to before `stop`."""
        total = (self._sums[stop] - self._sums[start]) % 2**256
        return sha256(total.to_bytes(ID_BYTES, "little") + encode_varint(stop - start)).digest()[:FINGERPRINT_BYTES]

    def ids(self, start: int, stop: int) -> list[bytes]:
        """Return the ids of the items from `start` to before `stop`."""
        return [key[_TIME_BYTES:] for key in self._keys[start:stop]]

    def bound_at(self, index: int) -> bytes:
        """Return the shortest bound between the item before `index` and the item at it."""
        before, key = self._keys[index - 1], self._keys[index]
        length = _TIME_BYTES
        if before[:_TIME_BYTES] == key[:_TIME_BYTES]:
            while before[length] == key[length]:
                length += 1
            length += 1
        return key[:length].ljust(len(key), b"\0")


class Initiator:
    """The side that asks, and in the end knows both differences.

    Attributes:
        have: ids (in order) that the other side lacks, as known so far.
        need: ids that this side lacks.
    """

    def __init__(self, items: Items, *, limit: int) -> None:
        assert limit >= LIMIT_MIN
        self._items = items
        self._limit = limit
        self.have: dict[bytes, None] = {}
        self.need: dict[bytes, None] = {}

    def open(self) -> bytes:
        """Return the first message."""
        message = _Message(self._items, self._limit)
        message.split(0, len(self._items), _INFINITY)
        return message.finish()

    def take(self, message: bytes) -> bytes | None:
        """Return the next message; None when `have` and `need` are complete.

        Raises:
            DecodeError: this is no message. RefusedError: the other side speaks another version.
        """
        if message[:1] != bytes([VERSION]):
            raise RefusedError("negentropy_version", "the peer does not support reconciliation version 1.")
        items, answer, lower = self._items, _Message(self._items, self._limit), 0
        for bound, mode, payload in _ranges(message):
            upper = items.find(bound, lower)
            if mode == IDS:
                theirs = dict.fromkeys(_split_ids(payload))
                ours = dict.fromkeys(items.ids(lower, upper))
                self.have.update((id, None) for id in ours if id not in theirs)
                self.need.update((id, None) for id in theirs if id not in ours)
                answer.skip(bound)
            else:
                _compare(items, answer, lower, upper, bound, mode, payload)
            lower = upper
        data = answer.finish()
        return None if len(data) == 1 else data


def respond(items: Items, message: bytes, *, limit: int) -> bytes:
    """Return the responder's answer to a message.

    Raises:
        DecodeError: this is no message.
    """
    assert limit >= LIMIT_MIN
    if len(message) == 0 or message[0] & 0xF0 != VERSION & 0xF0:
        raise _malformed("it must begin with the version")
    if message[0] != VERSION:  # the specification: answer with the highest version that is spoken
        return bytes([VERSION])
    answer, lower = _Message(items, limit), 0
    for bound, mode, payload in _ranges(message):
        upper = items.find(bound, lower)
        if mode == IDS:
            theirs, ours = _split_ids(payload), items.ids(lower, upper)
            if sorted(theirs) == sorted(ours):
                answer.skip(bound)
            else:
                answer.tell(lower, upper, bound)
        else:
            _compare(items, answer, lower, upper, bound, mode, payload)
        lower = upper
    return answer.finish()


def encode_varint(number: int) -> bytes:
    """Return a number in base 128, the most significant digit first."""
    digits = [number & 0x7F]
    while number := number >> 7:
        digits.append(number & 0x7F | 0x80)
    return bytes(reversed(digits))


def decode_varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the number at an offset of `data`, and the offset behind it.

    Raises:
        DecodeError: cut off, above 64 bits, or with a leading zero digit.
    """
    number = 0
    for index in range(at, min(len(data), at + _VARINT_BYTES)):
        digit = data[index]
        if index == at and digit == 0x80:
            break
        number = number << 7 | digit & 0x7F
        if digit < 0x80:
            if number >= 2**64:
                break
            return number, index + 1
    raise _malformed("a number must use as few digits as possible and have at most 64 bits")


class _Message:
    """A message being built, of at most `limit` bytes. When it is full, it sums up the remaining ranges."""

    def __init__(self, items: Items, limit: int) -> None:
        self._items = items
        self._limit = limit
        self._data = bytearray([VERSION])
        self._time = 0  # of the last bound written
        self._end = bytes(len(_INFINITY))  # how far the message goes, the pending skip not counted
        self._skip: bytes | None = None
        self._is_full = False

    def skip(self, bound: bytes) -> None:
        """Skip this range; neighbouring skips are joined."""
        if not self._is_full:
            self._skip = bound

    def split(self, start: int, stop: int, bound: bytes) -> None:
        """Add this side's items from `start` to before `stop` up to `bound`, in parts."""
        count = stop - start
        if count < 2 * BUCKETS:
            self.tell(start, stop, bound)
            return
        for bucket in range(BUCKETS):
            # If it does not divide evenly, each of the first buckets takes one more.
            end = start + count // BUCKETS + (bucket < count % BUCKETS)
            upto = bound if end == stop else self._items.bound_at(end)
            self._add(upto, FINGERPRINT, self._items.fingerprint(start, end))
            start = end

    def tell(self, start: int, stop: int, bound: bytes) -> None:
        """Add the ids of a range, as many as fit."""
        room = self._limit - len(self._data) - 2 * _RESERVE - _VARINT_BYTES
        end = min(stop, start + max(0, room // ID_BYTES))
        upto = bound if end == stop else self._items.bound_at(end) if end > start else None
        if upto is not None:
            ids = self._items.ids(start, end)
            self._add(upto, IDS, encode_varint(len(ids)) + b"".join(ids))
        self._is_full = self._is_full or end < stop

    def finish(self) -> bytes:
        """Return the whole message."""
        if self._is_full:
            start = self._items.find(self._skip or self._end)
            self._write_skip()
            self._write(_INFINITY, FINGERPRINT, self._items.fingerprint(start, len(self._items)))
            assert len(self._data) <= self._limit
        return bytes(self._data)

    def _add(self, bound: bytes, mode: int, payload: bytes) -> None:
        """Add one range if it still fits: its bound and a pending skip are smaller than the second reserve."""
        if self._is_full or len(self._data) + len(payload) + 2 * _RESERVE > self._limit:
            self._is_full = True
            return
        self._write_skip()
        self._write(bound, mode, payload)

    def _write_skip(self) -> None:
        if self._skip is not None:
            self._write(self._skip, SKIP, b"")
            self._skip = None

    def _write(self, bound: bytes, mode: int, payload: bytes) -> None:
        self._data += self._bound(bound) + encode_varint(mode) + payload
        self._end = bound

    def _bound(self, bound: bytes) -> bytes:
        if bound == _INFINITY:
            return b"\0\0"
        time = int.from_bytes(bound[:_TIME_BYTES])
        offset, self._time = time - self._time, time
        prefix = bound[_TIME_BYTES:].rstrip(b"\0")
        return encode_varint(1 + offset) + encode_varint(len(prefix)) + prefix


def _compare(items: Items, answer: _Message, lower: int, upper: int, bound: bytes, mode: int, payload: bytes) -> None:
    """Do what both sides have in common: skip ranges that are skipped or equal, split those that differ."""
    if mode == SKIP or payload == items.fingerprint(lower, upper):
        answer.skip(bound)
    else:
        answer.split(lower, upper, bound)


def _ranges(message: bytes) -> Iterator[tuple[bytes, int, bytes]]:
    """Yield bound, mode and payload of each range."""
    at, time, last = 1, 0, bytes(len(_INFINITY))
    while at < len(message):
        if last == _INFINITY:
            raise _malformed("nothing may follow a range up to infinity")
        bound, at, time = _read_bound(message, at, time)
        if bound < last:
            raise _malformed("bounds must not decrease")
        last = bound
        mode, at = decode_varint(message, at)
        if mode == SKIP:
            length = 0
        elif mode == FINGERPRINT:
            length = FINGERPRINT_BYTES
        elif mode == IDS:
            count, at = decode_varint(message, at)
            length = count * ID_BYTES
        else:
            raise _malformed("a mode must be 0, 1 or 2")
        if len(message) - at < length:
            raise _malformed("it is cut off")
        yield bound, mode, message[at : at + length]
        at += length


def _read_bound(message: bytes, at: int, time: int) -> tuple[bytes, int, int]:
    """Return a bound, the offset behind it, and the time from which the next one counts."""
    encoded, at = decode_varint(message, at)
    length, at = decode_varint(message, at)
    if length > ID_BYTES or len(message) - at < length:
        raise _malformed("a bound's prefix may have at most 32 bytes")
    prefix, at = message[at : at + length], at + length
    if encoded == 0:
        return _INFINITY, at, time  # an id prefix at infinity means nothing
    time += encoded - 1
    if time >= 2**64 - 1:
        raise _malformed("a time must be below infinity")
    return (time.to_bytes(_TIME_BYTES) + prefix).ljust(len(_INFINITY), b"\0"), at, time


def _split_ids(payload: bytes) -> list[bytes]:
    return [payload[at : at + ID_BYTES] for at in range(0, len(payload), ID_BYTES)]


def _malformed(rule: str) -> DecodeError:
    return DecodeError("not_negentropy", f"this is not a reconciliation message: {rule}.")
