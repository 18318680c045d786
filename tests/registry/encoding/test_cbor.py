"""Strict CBOR: whatever has two encodings elsewhere has one here, and the other is refused.

The bytes are written by hand from RFC 8949, so that the library cannot agree with itself by mistake.
"""

import doctest
import tracemalloc
from typing import Any

import cbor2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from accredit.registry.encoding import cbor
from accredit.registry.encoding.cbor import decode, encode
from accredit.registry.errors import AccreditError, DecodeError, InputError
from accredit.registry.limits import CBOR_DEPTH, STATEMENT_BYTES


def code_of(data: bytes | str) -> str:
    with pytest.raises(DecodeError) as caught:
        decode(bytes.fromhex(data) if isinstance(data, str) else data)
    return caught.value.code


# ------------------------------------------------------------------------------------ known answers

KNOWN: list[tuple[Any, str]] = [
    # RFC 8949 appendix A, those of its examples whose types we have
    (0, "00"),
    (1, "01"),
    (10, "0a"),
    (23, "17"),
    (24, "1818"),
    (25, "1819"),
    (100, "1864"),
    (1000, "1903e8"),
    (1000000, "1a000f4240"),
    (1000000000000, "1b000000e8d4a51000"),
    (18446744073709551615, "1bffffffffffffffff"),
    (-18446744073709551616, "3bffffffffffffffff"),
    (-1, "20"),
    (-10, "29"),
    (-100, "3863"),
    (-1000, "3903e7"),
    (False, "f4"),
    (True, "f5"),
    (None, "f6"),
    (b"", "40"),
    (bytes.fromhex("01020304"), "4401020304"),
    ("", "60"),
    ("a", "6161"),
    ("IETF", "6449455446"),
    ('"\\', "62225c"),
    ("\u00fc", "62c3bc"),
    ("\u6c34", "63e6b0b4"),
    ("\U00010151", "64f0908591"),
    ([], "80"),
    ([1, 2, 3], "83010203"),
    ([1, [2, 3], [4, 5]], "8301820203820405"),
    (list(range(1, 26)), "98190102030405060708090a0b0c0d0e0f101112131415161718181819"),
    ({}, "a0"),
    ({1: 2, 3: 4}, "a201020304"),
    ({"a": 1, "b": [2, 3]}, "a26161016162820203"),
    (["a", {"b": "c"}], "826161a161626163"),
    ({"a": "A", "b": "B", "c": "C", "d": "D", "e": "E"}, "a56161614161626142616361436164614461656145"),
    # the widths between
    (255, "18ff"),
    (256, "190100"),
    (65535, "19ffff"),
    (65536, "1a00010000"),
    (4294967295, "1affffffff"),
    (4294967296, "1b0000000100000000"),
    (-24, "37"),
    (-25, "3818"),
    (-256, "38ff"),
    (-257, "390100"),
    ("x" * 24, "7818" + "78" * 24),
    (b"x" * 256, "590100" + "78" * 256),
]


@pytest.mark.parametrize(("value", "data"), KNOWN, ids=[data[:20] for _, data in KNOWN])
def test_known_answer(value: Any, data: str) -> None:
    assert encode(value).hex() == data
    decoded = decode(bytes.fromhex(data))
    assert decoded == value
    assert type(decoded) is type(value)


def test_the_example_of_the_module_is_true() -> None:
    assert doctest.testmod(cbor).failed == 0
    assert doctest.testmod(cbor).attempted > 0


# ------------------------------------------------------------------------------------ order of keys


def test_map_keys_of_mixed_types_are_in_bytewise_order_of_their_encodings() -> None:
    """RFC 8949 4.2.1, its own example without the types we do not have: not the shorter first, as in RFC 7049."""
    data = bytes.fromhex("a50a001864012002617a03626161" + "04")
    value = {10: 0, 100: 1, -1: 2, "z": 3, "aa": 4}
    assert encode({"aa": 4, "z": 3, -1: 2, 100: 1, 10: 0}) == data
    assert decode(data) == value
    assert list(decode(data)) == [10, 100, -1, "z", "aa"]
    older = bytes.fromhex("a50a002002186401" + "617a0362616104")
    assert code_of(older) == "not_deterministic"


def test_negative_keys_follow_positive_ones_by_bytes_not_by_number() -> None:
    """A sort by number would put -2 first; the key thumbprint of every key depends on this."""
    assert encode({-2: 0, -1: 0, 1: 0}).hex() == "a3010020002100"
    assert encode({-25: 0, -24: 0, 24: 0, 23: 0}).hex() == "a417001818003700381800"
    assert code_of("a3210020000100") == "not_deterministic"


def test_text_keys_sort_by_their_bytes_the_shorter_first() -> None:
    assert encode({"b": 0, "aa": 0, "": 0, "B": 0, "\u00e9": 0}).hex() == "a560006142006162006261610062c3a900"
    long = {"x" * length: 0 for length in (300, 256, 255, 24, 23, 1)}
    assert list(decode(encode(long))) == sorted(long)
    assert encode(long) == cbor2.dumps(dict.fromkeys(sorted(long), 0))


def test_maps_inside_of_lists_and_maps_are_ordered_too() -> None:
    assert encode([{"b": 0, "a": ({2: 0, 1: 0},)}]).hex() == "81a2616181a2010002006162" + "00"


# ------------------------------------------------------------------------------------ second spellings


@pytest.mark.parametrize(
    "data",
    [
        *("1800", "1817", "190017", "1900ff", "1a0000ffff", "1b00000000ffffffff"),  # integers
        *("3800", "3900ff", "3a0000ffff", "3b00000000ffffffff"),
        *("580100", "59000100", "5a0000000100", "5b000000000000000100"),  # lengths of bytes
        *("780161", "79000161", "7a0000000161", "7b000000000000000161"),  # of text
        *("980100", "99000100", "9a0000000100", "9b000000000000000100"),  # of arrays
        *("b8010000", "b900010000", "ba000000010000", "bb00000000000000010000"),  # of maps
    ],
)
def test_a_longer_form_of_a_number_or_length_is_refused(data: str) -> None:
    assert code_of(data) == "not_deterministic"


@pytest.mark.parametrize("data", ["5f4100ff", "7f6161ff", "9f00ff", "bf0000ff", "5fff", "9fff", "829f00ff00"])
def test_indefinite_lengths_are_refused(data: str) -> None:
    assert code_of(data) == "not_cbor"


@pytest.mark.parametrize("data", ["a201000100", "a2616100616101", "a26161f6a0f6", "a3000001000000"])
def test_duplicate_keys_are_refused(data: str) -> None:
    """The last of two would win here and the first elsewhere."""
    assert code_of(data) in ("not_cbor", "not_deterministic")


def test_true_as_a_key_is_not_taken_for_one() -> None:
    assert code_of("a1f500") == "not_deterministic"
    assert code_of("a20100f500") in ("not_cbor", "not_deterministic")


@pytest.mark.parametrize("data", ["0000", "f6f6", "a000", "6161ff", "01f7"])
def test_bytes_after_the_end_are_refused(data: str) -> None:
    assert code_of(data) == "not_deterministic"


@pytest.mark.parametrize("data", ["", "18", "19ff", "41", "6261", "81", "a1", "a100", "ff", "1c", "3d", "fe", "9c"])
def test_half_a_value_is_refused(data: str) -> None:
    assert code_of(data) == "not_cbor"


@pytest.mark.parametrize("data", ["61ff", "62c328", "63eda080", "64f4908080", "62c080"])
def test_text_that_is_not_utf_8_is_refused(data: str) -> None:
    assert code_of(data) == "not_cbor"


# ------------------------------------------------------------------------------------ types we do not have


@pytest.mark.parametrize(
    "data",
    [
        *("f90000", "f93c00", "fa47c35000", "fb3ff199999999999a", "f97e00", "f97c00", "fb7ff8000000000001"),  # floats
        *("f7", "e0", "f0", "f820", "f8ff"),  # undefined and simple values
        *("a1400000", "a1f600", "a1f93c0000", "a18000", "a1a000"),  # keys of other types
    ],
)
def test_a_type_of_another_format_is_refused(data: str) -> None:
    assert code_of(data) in ("not_cbor", "not_deterministic")


def test_every_tag_is_refused_wherever_it_stands() -> None:
    """Bignums, dates, shared references, sets and self-description among them; also those no library knows yet."""
    contents: tuple[Any, ...] = (0, b"\x01", "a", [0, 0], {})
    numbers = [*range(512), 1004, 43000, 55799, 65535, 65536, 2**32 - 1, 2**32, 2**64 - 1]
    for number in numbers:
        for content in contents:
            tagged = cbor2.dumps(cbor2.CBORTag(number, content))
            for data in (tagged, b"\x81" + tagged, b"\xa1\x61\x61" + tagged, b"\xa1" + tagged + b"\x00"):
                assert code_of(data) == "not_cbor", (number, content)


@pytest.mark.parametrize(
    "data",
    [
        "c5821b7fffffffffffffff01",  # bigfloat: 2 to a power of 19 digits
        "c5821a3b9aca0001",
        "c4821b7fffffffffffffff01",  # decimal fraction
        "c482c2490100000000000000000001",
        "d81e8201" + "00",  # rational with denominator 0
        "d823781c" + b"(a+)+$(a+)+$(a+)+$(a+)+$(a+)".hex(),  # regular expression
        "d8237818" + b"(?:(?:(?:a{999}){999}){9".hex(),
        "c25a00003f00" + "ff" * 0x3F00,  # a bignum of 16 KB
        "d9010282" + "0000",  # set
        "d81c81d81d00",  # a list that contains itself
        "d90100" + "83646e616d65d8190000",  # string references
    ],
)
def test_a_tag_that_costs_more_than_its_bytes_is_refused_before_it_is_built(data: str) -> None:
    tracemalloc.start()
    try:
        assert code_of(data) == "not_cbor"
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000, "bytes"


@pytest.mark.parametrize("major", [0x40, 0x60, 0x80, 0xA0])
@pytest.mark.parametrize("length", ["1a7fffffff", "1bffffffffffffffff", "1b7fffffffffffffff", "1b00000fffffffffff"])
def test_a_length_beyond_the_end_reserves_no_memory(major: int, length: str) -> None:
    head = bytes.fromhex(length)
    data = bytes([major | head[0]]) + head[1:]
    tracemalloc.start()
    try:
        assert code_of(data) == "not_cbor"
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000, "bytes"


# ------------------------------------------------------------------------------------ limits


@pytest.mark.parametrize("head", [b"\x81", b"\xa1\x00"])
def test_nesting_ends_at_the_same_depth_for_both_directions(head: bytes) -> None:
    deepest: Any = 0
    for _ in range(CBOR_DEPTH):
        deepest = [deepest] if head == b"\x81" else {0: deepest}
    data = head * CBOR_DEPTH + b"\x00"
    assert encode(deepest) == data
    assert decode(data) == deepest
    assert code_of(head * (CBOR_DEPTH + 1) + b"\x00") == "not_cbor"
    assert code_of(head * 5_000 + b"\x00") == "not_cbor"
    with pytest.raises(ValueError, match="nested"):
        encode([deepest])


def test_a_value_that_contains_itself_ends() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ValueError, match="nested"):
        encode(endless)


def test_a_long_message_is_refused_before_it_is_read() -> None:
    longest = b"\x59\x3f\xfd" + bytes(STATEMENT_BYTES - 3)
    assert len(decode(longest)) == STATEMENT_BYTES - 3
    with pytest.raises(DecodeError, match="the letter has 16385 bytes; at most 16384") as caught:
        decode(longest + b"\x00", what="the letter")
    assert caught.value.code == "too_large"
    assert caught.value.hint
    assert decode(b"\x00", max_bytes=1) == 0
    with pytest.raises(DecodeError, match="at most 0 are allowed"):
        decode(b"\x00", max_bytes=0)


def test_a_refusal_does_not_repeat_a_key_of_any_length() -> None:
    key = b"\x79\x10\x00" + b"k" * 0x1000
    with pytest.raises(DecodeError) as caught:
        decode(b"\xa2" + key + b"\x00" + key + b"\x00")
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "value",
    [1.0, {1, 2}, bytes, bytearray(b"x"), memoryview(b"x"), object(), {b"k": 0}, {None: 0}, {True: 0}, 1j],
)
def test_a_program_that_encodes_another_type_is_told(value: Any) -> None:
    with pytest.raises(TypeError):
        encode(value)
    with pytest.raises(TypeError):
        encode([{"deep": value}])


@pytest.mark.parametrize("value", [2**64, -(2**64) - 1, 10**400, "\ud800"])
def test_a_program_that_encodes_what_does_not_fit_is_told(value: Any) -> None:
    with pytest.raises(ValueError, match=r"64 bits|surrogates"):
        encode(value)


def test_a_map_is_not_changed_by_encoding_it() -> None:
    value = {"b": 0, "a": [(1, 2)]}
    encode(value)
    assert list(value) == ["b", "a"]
    assert value["a"] == [(1, 2)]


# ------------------------------------------------------------------------------------ properties

INTEGERS = st.integers(-(2**64), 2**64 - 1)
LEAVES = st.one_of(INTEGERS, st.binary(max_size=30), st.text(max_size=30), st.booleans(), st.none())
KEYS = st.one_of(INTEGERS, st.text(max_size=30))
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(KEYS, inner, max_size=5)),
    max_leaves=20,
)


@given(VALUES)
def test_decoding_what_was_encoded_gives_the_value(value: Any) -> None:
    data = encode(value)
    assert decode(data) == value
    assert encode(decode(data)) == data


@given(st.dictionaries(KEYS, st.none(), max_size=12), st.randoms(use_true_random=False))
def test_the_order_in_which_a_map_was_filled_does_not_show(mapping: dict[Any, None], random: Any) -> None:
    keys = list(mapping)
    random.shuffle(keys)
    data = encode(dict.fromkeys(keys))
    assert data == encode(mapping)
    encoded = [encode(key) for key in decode(data)]
    assert encoded == sorted(encoded)


@given(st.binary(max_size=60))
@example(bytes.fromhex("a18000"))
@example(bytes.fromhex("d90102"))
def test_any_bytes_are_a_value_with_that_one_encoding_or_our_error(data: bytes) -> None:
    try:
        value = decode(data)
    except InputError:
        return
    assert encode(value) == data


@given(VALUES.map(encode), st.data())
def test_a_changed_byte_never_gives_the_same_value(data: bytes, draw: st.DataObject) -> None:
    at = draw.draw(st.integers(0, len(data) - 1))
    changed = data[:at] + bytes([data[at] ^ draw.draw(st.integers(1, 255))]) + data[at + 1 :]
    try:
        value = decode(changed)
    except AccreditError:
        return
    assert encode(value) != data


# ------------------------------------------------------------------------------------ the size is the proof


def is_its_own_encoding(data: bytes) -> bool:
    """As the module's docstring defines it, without the short way that `decode` takes."""
    try:
        value = cbor2.loads(data, allow_indefinite=False, allow_duplicate_keys=False)
        return encode(value) == data
    except (cbor2.CBORError, ValueError, TypeError, OverflowError):
        return False


def is_accepted(data: bytes) -> bool:
    try:
        return encode(decode(data)) == data
    except DecodeError:
        return False


def test_of_all_one_and_two_byte_strings_those_that_encode_to_themselves_are_accepted() -> None:
    short = [bytes([one]) for one in range(256)] + [bytes([one, two]) for one in range(256) for two in range(256)]
    accepted = [data for data in short if is_accepted(data)]
    assert accepted == [data for data in short if is_its_own_encoding(data)]
    assert len(accepted) > 500


values = st.recursive(
    st.integers(-(2**64), 2**64 - 1) | st.binary(max_size=30) | st.text(max_size=30) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.integers(-30, 300) | st.text(max_size=30), inner),
    max_leaves=12,
)


@given(values, st.data())
def test_of_any_bytes_near_an_encoding_those_that_encode_to_themselves_are_accepted(
    value: Any, data: st.DataObject
) -> None:
    encoded = encode(value)
    assert decode(encoded) == value
    at = data.draw(st.integers(0, len(encoded) - 1))
    mutated = encoded[:at] + data.draw(st.binary(max_size=3)) + encoded[at + data.draw(st.integers(0, 2)) :]
    assert is_accepted(mutated) == is_its_own_encoding(mutated)


def test_names_too_long_to_be_remembered_are_sorted_all_the_same() -> None:
    names = {"a" * 300: 1, "b" * 299: 2}
    assert decode(encode(names)) == names
    assert list(decode(encode(names))) == ["b" * 299, "a" * 300]
