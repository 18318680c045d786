"""Converts values to JSON and back, for people and their tools: bytes as lower-case hex, times as RFC 3339 with Z.

Internally a time is an integer (seconds since 1970 UTC) like any other number, so this module has the list of members
that are times (`TIMES`). The free member `ext` keeps its numbers, because their meaning is unknown.

    >>> plain({"id": b"\\x01\\x02", "iat": 0, "ext": {"iat": 0}})
    {'id': '0102', 'iat': '1970-01-01T00:00:00Z', 'ext': {'iat': 0}}
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from accredit.registry.encoding import rfc3339
from accredit.registry.errors import DecodeError

TIMES: Final = frozenset(
    {
        "beacon_time",
        "cohorts_enrolled_before",
        "compromised_since",
        "detected_at",
        "distrusted_until",
        "due_by",
        "effective_from",
        "effective_until",
        "iat",
        "last_heard",
        "last_seen",
        "met",
        "period_from",
        "period_until",
        "review_due",
        "since",
        "time",
        "until",
        "valid_from",
        "valid_until",
        "void_from",
    }
)
"""Members whose integers are times. An integer `since` is a time; the bytes of a key's `since` stay a statement id."""

_HEX32: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


def plain(value: Any) -> Any:
    """`value` as JSON can hold it: a record, a body, or a part of one."""
    if type(value) is bytes:
        return value.hex()
    if isinstance(value, Mapping):
        return {name: _member(name, item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def _member(name: str, value: Any) -> Any:
    if name == "ext":
        return _hex_only(value)
    if name in TIMES and type(value) is int:
        return format_time(value)
    return plain(value)


def _hex_only(value: Any) -> Any:
    if type(value) is bytes:
        return value.hex()
    if isinstance(value, Mapping):
        return {str(name): _hex_only(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_hex_only(item) for item in value]
    return value


def format_time(seconds: int) -> str:
    """RFC 3339 with Z; inverse of `rfc3339.instant` for whole seconds from year 1 to 9999.

    >>> format_time(1_432_080_000)
    '2015-05-20T00:00:00Z'
    """
    return rfc3339.text(seconds)


def parse_id(text: str, *, where: str = "", what: str = "an id") -> bytes:
    """The 32 bytes of an id in lower-case hexadecimal.

    Raises:
        DecodeError: any other text; upper case too, so that each statement has one address.
    """
    if _HEX32.fullmatch(text) is None:
        raise DecodeError(
            "bad_id",
            f"{text[:80]!r} is not {what}.",
            where=where,
            hint="An id has 64 digits 0-9 and a-f; copy the whole id.",
        )
    return bytes.fromhex(text)
