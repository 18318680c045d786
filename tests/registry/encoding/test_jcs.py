"""JSON in one spelling, as RFC 8785 has it: numbers, order of names, and what has no spelling."""

import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.registry.encoding import jcs
from accredit.registry.errors import DecodeError

NUMBERS = [  # RFC 8785, appendix B: bits of a double, and how it is written
    ("0000000000000000", "0"),
    ("8000000000000000", "0"),
    ("0000000000000001", "5e-324"),
    ("8000000000000001", "-5e-324"),
    ("7fefffffffffffff", "1.7976931348623157e+308"),
    ("ffefffffffffffff", "-1.7976931348623157e+308"),
    ("4340000000000000", "9007199254740992"),
    ("c340000000000000", "-9007199254740992"),
    ("4430000000000000", "295147905179352830000"),
    ("44b52d02c7e14af5", "9.999999999999997e+22"),
    ("44b52d02c7e14af6", "1e+23"),
    ("44b52d02c7e14af7", "1.0000000000000001e+23"),
    ("444b1ae4d6e2ef4e", "999999999999999700000"),
    ("444b1ae4d6e2ef4f", "999999999999999900000"),
    ("444b1ae4d6e2ef50", "1e+21"),
    ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
    ("3eb0c6f7a0b5ed8d", "0.000001"),
    ("41b3de4355555553", "333333333.3333332"),
    ("41b3de4355555554", "333333333.33333325"),
    ("41b3de4355555555", "333333333.3333333"),
    ("41b3de4355555556", "333333333.3333334"),
    ("41b3de4355555557", "333333333.33333343"),
    ("becbf647612f3696", "-0.0000033333333333333333"),
    ("c3b0000000000000", "-1152921504606847000"),
    ("43143ff3c1cb0959", "1424953923781206.2"),
]


@pytest.mark.parametrize(("bits", "written"), NUMBERS)
def test_numbers_are_written_as_ecmascript_writes_them(bits: str, written: str) -> None:
    (number,) = struct.unpack(">d", bytes.fromhex(bits))
    assert jcs.encode(number).decode() == written
    if number.is_integer() and abs(number) < 1e300:
        assert jcs.encode(int(number)).decode() == written


def test_names_are_sorted_by_utf_16_not_by_code_point() -> None:
    """RFC 8785 §3.2.3: of these two, code points say the other order."""
    assert jcs.encode({"\ufb33": 1, "\U0001f600": 2}) == '{"\U0001f600":2,"\ufb33":1}'.encode()


def test_only_what_must_be_escaped_is() -> None:
    written: dict[str, Any] = {"s": '€$\u000f\nA\'B"\\\\"/', "l": [1e30, 4.50, 6, 2e-3, None, True, False, []], "o": {}}
    assert jcs.encode(written).decode() == (
        '{"l":[1e+30,4.5,6,0.002,null,true,false,[]],"o":{},"s":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )


def nested(levels: int) -> Any:
    value: Any = 0
    for _ in range(levels):
        value = [value]
    return value


HUGE = (2**53 + 1, -(2**60) - 1, 10**400)


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), *HUGE, "\ud800", {1: 2}, {"\ud800": 1}, b"x", {"a": {1}}, nested(100_000)],
)
def test_what_two_readers_could_take_for_two_things_is_refused(value: Any) -> None:
    with pytest.raises(DecodeError) as refused:
        jcs.encode(value)
    assert refused.value.code == "not_canonical"


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**53), 2**53)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(codec="utf-8")),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_what_is_written_reads_back_as_the_same_and_is_written_alike_again(value: Any) -> None:
    written = jcs.encode(value)
    again = json.loads(written)
    assert json.loads(written, parse_int=float) == json.loads(json.dumps(value), parse_int=float)
    assert jcs.encode(again) == written
