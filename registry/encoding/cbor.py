"""Strict deterministic CBOR: each value has exactly one encoding.

RFC 8949 §4.2.1 (core deterministic encoding, map keys in bytewise order of their encodings), restricted to what our
formats use: integers of 64 bits (major types 0 and 1), byte strings, text strings, arrays, maps with integer or text
keys, `false`, `true`, `null`. No floats, tags, bignums, indefinite lengths, duplicate keys, trailing bytes.

    >>> encode({"b": 1, "a": [True, None]}).hex()
    'a2616182f5f6616201'

`decode` accepts a byte string only if encoding its value again would give the same bytes, so that `encode(decode(data))
== data` and `decode(encode(value)) == value` wherever either returns. It checks this without encoding again: if the
keys are in order and the length is that of the shortest form, only one encoding is possible.
"""

from functools import lru_cache
from typing import Any, Final, NoReturn

import cbor2

from ..errors import DecodeError
from ..limits import CBOR_DEPTH, STATEMENT_BYTES

_TYPES: Final = "only integers, bytes, text, lists, maps, booleans and null are allowed"

_INT_MAX: Final = 2**64 - 1
_INT_MIN: Final = -(2**64)
_REASON_CHARS: Final = 200
_NAMES_CHARS: Final = 500
"""Maps whose names have more characters in all are not remembered, so that input from strangers cannot fill the
memory."""
_SHORT: Final = 24
"""Numbers and lengths below it fit in the first byte."""
_ONE_BYTE: Final = 1 << 8
_TWO_BYTES: Final = 1 << 16
_FOUR_BYTES: Final = 1 << 32
_SIZE_OF_NONE: Final = 2**64
"""Stands for "no valid size": no byte string is as long."""
_BYTES_HEADS: Final = tuple(cbor2.dumps(bytes(size))[: -size or None] for size in range(_ONE_BYTE))
"""The beginning of the encoding of a short byte string, by its length."""
_PLAIN: Final = frozenset((str, bytes, bool, type(None)))


def _no_tag(*_: object) -> NoReturn:
    raise ValueError("tags are not part of this format")


# cbor2 decodes these tags by itself, some at a cost out of all proportion to their size (a bigfloat's exponent, a
# regular expression). Naming each with a refusing decoder stops them before they are built; all others reach tag_hook.
_TAGS_KNOWN_TO_CBOR2: Final = (*range(64), 100, *range(256, 262), 1004, 43000, 55799)
_REFUSE_TAGS: Final = dict.fromkeys(_TAGS_KNOWN_TO_CBOR2, _no_tag)


def encode(value: Any) -> bytes:
    """Return the one encoding of `value`.

    Args:
        value: int within 64 bits and a sign, bytes, str, bool, None, list or tuple, dict with int or str keys.

    Raises:
        TypeError, ValueError: the value is of another type or range. That is the caller's mistake: input from
            outside reaches this function only through `decode`.
    """
    return cbor2.dumps(_ordered(value, 0))


def encode_ordered(value: Any) -> bytes:
    """Return what `encode` gives, at half the cost, for a value of our own making: of the types that `encode` takes,
    the keys of its maps in order already."""
    return cbor2.dumps(value)


def encode_bytes(data: bytes) -> bytes:
    """Return the one encoding of a byte string, as `encode` gives it."""
    size = len(data)
    return _BYTES_HEADS[size] + data if size < _ONE_BYTE else cbor2.dumps(data)


def decode(data: bytes, *, what: str = "CBOR", max_bytes: int = STATEMENT_BYTES, max_depth: int = CBOR_DEPTH) -> Any:
    """Return the value of which `data` is the one encoding; lists for arrays, dicts for maps.

    Args:
        max_depth: levels that may be nested; fewer for bytes that were cut out of others.

    Raises:
        DecodeError: too long, not CBOR, not deterministic, or with a type our formats do not have.
    """
    if len(data) > max_bytes:
        raise DecodeError(
            "too_large",
            f"{what} has {len(data)} bytes; at most {max_bytes} are allowed.",
            hint="Split it into smaller parts.",
        )
    try:
        value = cbor2.loads(
            data,
            allow_indefinite=False,
            allow_duplicate_keys=False,
            max_depth=max_depth,
            semantic_decoders=_REFUSE_TAGS,
            tag_hook=_no_tag,
        )
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError) as error:
        reason = str(error)[:_REASON_CHARS]  # the message may quote a map key of any length
        raise DecodeError("not_cbor", f"{what} is not well-formed CBOR without tags ({reason}).") from error
    try:
        size = _size(value)
    except (TypeError, ValueError) as error:
        raise DecodeError(
            "not_deterministic", f"{what} contains a type this format does not allow ({error})."
        ) from error
    if size != len(data):
        raise DecodeError(
            "not_deterministic",
            f"{what} is not in deterministic encoding (RFC 8949 §4.2.1), or has extra bytes at the end.",
            hint="Encode it with shortest forms, sorted keys and definite lengths.",
        )
    return value


def reread(data: bytes) -> Any:
    """Return the value of bytes that `encode` made or `decode` accepted before, unchecked, at a fifth of the cost."""
    return cbor2.loads(data)


def _ordered(value: Any, depth: int) -> Any:
    """Return `value` with every map's keys in bytewise order, after checking every type in it."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is int:
        if not _INT_MIN <= value <= _INT_MAX:
            raise ValueError("integers have at most 64 bits")
        return value
    if depth >= CBOR_DEPTH:
        raise ValueError(f"at most {CBOR_DEPTH} levels can be nested")
    if kind is list or kind is tuple:
        if _PLAIN.issuperset(map(type, value)):
            return value
        return [item if type(item) in _PLAIN else _ordered(item, depth + 1) for item in value]
    if kind is dict:
        keys, _ = _sorted_keys(value)
        return {key: item if type(item := value[key]) in _PLAIN else _ordered(item, depth + 1) for key in keys}
    raise TypeError(f"{_TYPES}, not {kind.__name__}")


def _size(value: Any) -> int:
    """Return the bytes in the one encoding of a decoded `value`; at least `_SIZE_OF_NONE` if a map's keys are not in
    order.

    Without tags no integer has more than 64 bits, and the reader counts the levels.
    """
    kind = type(value)
    if kind is dict:
        keys, total = _sorted_keys(value)
        if keys != tuple(value):
            return _SIZE_OF_NONE
        count = len(keys)
        total += 1 if count < _SHORT else _head(count)
        items: Any = value.values()
    elif kind is list:
        count = len(value)
        total, items = 1 if count < _SHORT else _head(count), value
    else:
        total, items = 0, (value,)
    for item in items:
        kind = type(item)
        if kind is str or kind is bytes:
            count = len(item) if kind is bytes or item.isascii() else len(item.encode())
            # As `_head`, which takes most of the time where it is called for each.
            total += count + (1 if count < _SHORT else 2 if count < _ONE_BYTE else _head(count))
        elif kind is dict or kind is list:
            total += _size(item) if item else 1
        elif kind is int:
            assert _INT_MIN <= item <= _INT_MAX
            count = item if item >= 0 else ~item
            total += 1 if count < _SHORT else 5 if _TWO_BYTES <= count < _FOUR_BYTES else _head(count)
        elif kind is bool or item is None:
            total += 1
        else:
            raise TypeError(f"{_TYPES}, not {kind.__name__}")
    return total


def _head(count: int) -> int:
    """Return the number of bytes in front of an item: RFC 8949 section 3."""
    return (
        1
        if count < _SHORT
        else 2
        if count < _ONE_BYTE
        else 3
        if count < _TWO_BYTES
        else 5
        if count < _FOUR_BYTES
        else 9
    )


def _sorted_keys(mapping: dict[Any, Any]) -> tuple[tuple[Any, ...], int]:
    """Return a map's keys in the order of their encodings, and the total length of these in bytes."""
    keys = tuple(mapping)
    if keys and type(keys[0]) is int and all(type(key) is int and 0 <= key < _SHORT for key in keys):
        return tuple(sorted(keys)), len(keys)  # one byte each
    try:
        return _sorted_names(keys)
    except _OtherKeysError:
        pass
    if not {type(key) for key in keys} <= {int, str}:
        raise TypeError("map keys must be integers or text")
    encodings = {key: cbor2.dumps(key) for key in keys}
    return tuple(sorted(keys, key=encodings.__getitem__)), sum(map(len, encodings.values()))


class _OtherKeysError(Exception):
    """Keys that are not a few short texts."""


@lru_cache(maxsize=1024)
def _sorted_names(keys: tuple[Any, ...]) -> tuple[tuple[str, ...], int]:
    """Return what `_sorted_keys` does, from a cache: records and bodies use few sets of names, each thousands of times.

    The cache holds text keys only: Python takes 1 and true for one key, CBOR for two.
    """
    if not all(type(key) is str for key in keys) or sum(map(len, keys)) > _NAMES_CHARS:
        raise _OtherKeysError
    encodings = [cbor2.dumps(key) for key in keys]
    return tuple(sorted(keys, key=dict(zip(keys, encodings, strict=True)).__getitem__)), sum(map(len, encodings))
