"""JSON from elsewhere: read in one way, or refused, and never more work than its bytes deserve."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.registry.encoding.json_text import decode, once
from accredit.registry.errors import DecodeError

VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@given(value=VALUE, is_escaped=st.booleans(), has_mark=st.booleans())
def test_whatever_was_written_is_read(value: Any, is_escaped: bool, has_mark: bool) -> None:
    text = json.dumps(value, ensure_ascii=is_escaped).encode()
    assert decode((b"\xef\xbb\xbf" if has_mark else b"") + text) == value


@pytest.mark.parametrize(
    ("data", "code"),
    [
        *((data, "not_json") for data in (b"", b"{", b"{} {}", b"NaN", b'{"a": -Infinity}', b"[" * 100_000)),
        *((data, "not_json") for data in (b'"\xff"', b'"\\ud800"', b"9" * 5_000, b"\xff\xfe{\x00}\x00")),
        (b'{"a": 1, "a": 2}', "duplicate_member"),
        (b'[{"a": {"b": 1, "\\u0062": 2}}]', "duplicate_member"),
    ],
)
def test_what_two_readers_would_read_in_two_ways_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(DecodeError) as refused:
        decode(data)
    assert refused.value.code == code
    assert refused.value.hint or refused.value.message


@given(data=st.binary(max_size=40))
def test_random_bytes_are_json_or_refused(data: bytes) -> None:
    with suppress(DecodeError):
        json.dumps(decode(data), allow_nan=False)


class Name(str):
    """A name that counts how often one is compared with another."""

    compared = 0

    def __eq__(self, other: object) -> bool:
        Name.compared += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


@pytest.mark.parametrize("members", [2_000, 8_000])
def test_finding_the_member_given_twice_takes_one_look_at_each(members: int) -> None:
    """Counting each name among all others took 116 s for 60,000."""
    pairs: list[tuple[str, Any]] = [(Name(f"m{number}"), 0) for number in range(members)]
    Name.compared = 0
    with pytest.raises(DecodeError, match="given twice"):
        once([*pairs, (Name(f"m{members - 1}"), 1)])
    assert Name.compared <= 2 * members
