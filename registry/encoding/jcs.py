"""JSON in one spelling: the JSON Canonicalization Scheme, RFC 8785.

    encode({"b": 1.0, "a": "é"})     -> b'{"a":"\\xc3\\xa9","b":1}'

Members are sorted by the UTF-16 code units of their names, text is escaped only where JSON must, numbers are written as
ECMAScript writes them: the fewest digits that read back as the same double. A number that no double holds exactly is
refused, because two readers could read it as two numbers.
"""

import json
import math
import sys
from typing import Any, Final

from ..errors import DecodeError

_INTEGER_MAX: Final = 2**53
"""Up to it a double holds every integer: RFC 8785 §3.2.2.3, with RFC 7493 §2.2."""
_PLAIN_DIGITS: Final = 21
"""ECMAScript writes a number below 10**21 without an exponent, and one from 10**-6 on."""


def encode(value: Any) -> bytes:
    """Return the one spelling of a JSON value.

    Raises:
        DecodeError: `not_canonical`: it is not a JSON value, or has a number or text without such a spelling.
    """
    parts: list[str] = []
    try:
        _write(value, parts)
        return "".join(parts).encode()
    except (UnicodeEncodeError, RecursionError) as error:
        reason = "text that is not Unicode" if isinstance(error, UnicodeEncodeError) else "too many levels"
        raise _wrong(f"it has {reason}") from None


def _write(value: Any, parts: list[str]) -> None:
    if value is None or isinstance(value, bool):
        parts.append({None: "null", True: "true", False: "false"}[value])
    elif isinstance(value, str):
        parts.append(json.dumps(value, ensure_ascii=False))
    elif isinstance(value, int):
        parts.append(str(value) if abs(value) <= _INTEGER_MAX else _great(value))
    elif isinstance(value, float):
        parts.append(_number(value))
    elif isinstance(value, (list, tuple)):
        parts.append("[")
        for at, item in enumerate(value):
            parts.append("," if at else "")
            _write(item, parts)
        parts.append("]")
    elif isinstance(value, dict):
        parts.append("{")
        for at, name in enumerate(sorted(value, key=_code_units)):
            parts.append(f"{',' if at else ''}{json.dumps(name, ensure_ascii=False)}:")
            _write(value[name], parts)
        parts.append("}")
    else:
        raise _wrong(f"a {type(value).__name__} is no JSON value")


def _code_units(name: Any) -> bytes:
    if not isinstance(name, str):
        raise _wrong("a member's name is not text")
    return name.encode("utf-16-be")


def _great(value: int) -> str:
    """Write an integer beyond 2^53, if a double has exactly this value or is written the same."""
    if value.bit_length() < sys.float_info.max_exp:
        written = _number(float(value))
        if float(value) == value or written == str(value):
            return written
    raise _wrong(f"no double is the integer {hex(value)[:40]}")


def _number(value: float) -> str:
    """A double as ECMAScript writes it (Number::toString, ECMA-262)."""
    if not math.isfinite(value):
        raise _wrong("it has a number that JSON has no word for")
    if value == 0:
        return "0"
    sign, digits = ("-", repr(-value)) if value < 0 else ("", repr(value))
    mantissa, _, exponent = digits.partition("e")
    whole, _, fraction = mantissa.partition(".")
    point = len(whole) + int(exponent or 0)
    bare = (whole + fraction).lstrip("0")
    point -= len(whole + fraction) - len(bare)
    bare = bare.rstrip("0")
    if len(bare) <= point <= _PLAIN_DIGITS:
        return sign + bare + "0" * (point - len(bare))
    if 0 < point <= _PLAIN_DIGITS:
        return f"{sign}{bare[:point]}.{bare[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{bare}"
    power = point - 1
    rest = f".{bare[1:]}" if len(bare) > 1 else ""
    return f"{sign}{bare[0]}{rest}e{'+' if power > 0 else '-'}{abs(power)}"


def _wrong(what: str) -> DecodeError:
    return DecodeError("not_canonical", f"this JSON has no canonical spelling (RFC 8785): {what}.")
