"""Strict deterministic CBOR: one value, one byte string.

RFC 8949 §4.2.1 (core deterministic encoding, map keys in bytewise order of their encodings), restricted to what our
formats use: integers of 64 bits (major types 0 and 1), byte strings, text strings, arrays, maps with integer or text
keys, `false`, `true`, `null`. No floats, tags, bignums, indefinite lengths, duplicate keys, trailing bytes.

    >>> encode({"b": 1, "a": [True, None]}).hex()
    'a2616182f5f6616201'

`decode` accepts a byte string only if encoding its value again gives the same bytes, so that
`encode(decode(data)) == data` and `decode(encode(value)) == value` wherever either returns.
"""

from typing import Any, Final, NoReturn

import cbor2

from .errors import DecodeError
from .limits import CBOR_DEPTH, STATEMENT_BYTES

_TYPES: Final = "only integers, bytes, text, lists, maps, booleans and null can be encoded"

_INT_MAX: Final = 2**64 - 1
_INT_MIN: Final = -(2**64)
_REASON_CHARS: Final = 200


def _no_tag(*_: object) -> NoReturn:
    raise ValueError("tags are not part of this format")


# cbor2 decodes these tags by itself, some at a cost out of all proportion to their size (a bigfloat's exponent, a
# regular expression). Naming each with a refusing decoder stops them before they are built; all others reach tag_hook.
_TAGS_KNOWN_TO_CBOR2: Final = (*range(64), 100, *range(256, 262), 1004, 43000, 55799)
_REFUSE_TAGS: Final = dict.fromkeys(_TAGS_KNOWN_TO_CBOR2, _no_tag)


def encode(value: Any) -> bytes:
    """The one encoding of `value`.

    Args:
        value: int within 64 bits and a sign, bytes, str, bool, None, list or tuple, dict with int or str keys.

    Raises:
        TypeError, ValueError: the value is of another type or range. That is the caller's mistake: input from
            outside reaches this function only through `decode`.
    """
    return cbor2.dumps(_ordered(value, 0))


def decode(data: bytes, *, what: str = "CBOR", max_bytes: int = STATEMENT_BYTES) -> Any:
    """The value that `data` is the one encoding of; lists for arrays, dicts for maps.

    Raises:
        DecodeError: too long, not CBOR, not deterministic, or with a type our formats do not have.
    """
    if len(data) > max_bytes:
        raise DecodeError(
            "too_large", f"{what} of {len(data)} bytes; at most {max_bytes} are allowed.", hint="Split it up."
        )
    try:
        value = cbor2.loads(
            data,
            allow_indefinite=False,
            allow_duplicate_keys=False,
            max_depth=CBOR_DEPTH,
            semantic_decoders=_REFUSE_TAGS,
            tag_hook=_no_tag,
        )
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError) as error:
        reason = str(error)[:_REASON_CHARS]  # it may quote a map key of any length
        raise DecodeError("not_cbor", f"{what} is not well-formed CBOR without tags ({reason}).") from error
    try:
        again = encode(value)
    except (TypeError, ValueError) as error:
        raise DecodeError("not_deterministic", f"{what} holds a type this format does not have ({error}).") from error
    if again != data:
        raise DecodeError(
            "not_deterministic",
            f"{what} is not in deterministic encoding (RFC 8949 §4.2.1), or has bytes after its end.",
            hint="Encode with shortest forms, sorted keys, definite lengths.",
        )
    return value


def decode_own(data: bytes) -> Any:
    """The value of bytes that `encode` made, or `decode` has checked before: nothing is checked again."""
    return cbor2.loads(data)


def _ordered(value: Any, depth: int) -> Any:
    """`value` with every map's keys in bytewise order, after checking every type in it."""
    kind = type(value)
    if kind is str or kind is bytes or kind is bool or value is None:
        return value
    if kind is int:
        if not _INT_MIN <= value <= _INT_MAX:
            raise ValueError("integers have at most 64 bits")
        return value
    if depth >= CBOR_DEPTH:
        raise ValueError(f"at most {CBOR_DEPTH} levels can be nested")
    if kind is list or kind is tuple:
        return [_ordered(item, depth + 1) for item in value]
    if kind is dict:
        return {key: _ordered(value[key], depth + 1) for key in _sorted_keys(value)}
    raise TypeError(f"{_TYPES}, not {kind.__name__}")


def _sorted_keys(mapping: dict[Any, Any]) -> list[Any]:
    kinds = {type(key) for key in mapping}
    if kinds <= {str}:
        # The encoded length comes first, so among text keys the shorter sorts first, then bytewise.
        return sorted(mapping, key=_text_order)
    if kinds <= {int, str}:
        return sorted(mapping, key=cbor2.dumps)
    raise TypeError("map keys are integers or text")


def _text_order(key: str) -> tuple[int, bytes]:
    raw = key.encode()
    return len(raw), raw
