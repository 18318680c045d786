"""The parts of a statement cut out of its bytes: the same as decoding gives, and none where that gives another form."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from accredit.registry.encoding.cbor import encode
from accredit.registry.encoding.cose import Sign1, encode_sign1, sign_and_encode, split_sign1, to_be_signed
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.errors import DecodeError
from tests.strategies.cose import PAYLOAD, PROTECTED, bstr

SIGNATURE = bytes(range(64))
LENGTHS = (0, 1, 23, 24, 255, 256, 65_535)


def decoded(data: bytes) -> tuple[bytes, bytes, bytes] | None:
    """The parts as the decoder finds them, of the one form that is cut."""
    try:
        found = Sign1.decode(data, what="it", max_bytes=1 << 20)
    except DecodeError:
        return None
    if found.payload is None or found.unprotected:
        return None
    return found.protected, found.payload, found.signature


@pytest.mark.parametrize("protected", LENGTHS)
@pytest.mark.parametrize("payload", LENGTHS)
def test_parts_of_every_length_are_cut_where_they_end(protected: int, payload: int) -> None:
    parts = bytes(protected), bytes(payload)
    found = split_sign1(encode_sign1(*parts, SIGNATURE))
    assert found == (*parts, SIGNATURE, to_be_signed(*parts))


def test_what_is_too_long_for_a_statement_is_left_to_the_decoder() -> None:
    assert split_sign1(encode_sign1(b"", bytes(65_536), SIGNATURE)) is None


def test_a_length_in_a_longer_form_than_it_needs_is_not_cut() -> None:
    for short, long in ((b"\x41\x00", b"\x58\x01\x00"), (b"\x41\x00", b"\x59\x00\x01\x00")):
        whole = encode_sign1(b"\x00", b"\x00", SIGNATURE)
        for position in (2, 5):
            assert whole[position : position + 2] == short
            assert split_sign1(whole[:position] + long + whole[position + 2 :]) is None


@given(st.data())
@example(None)
def test_bytes_changed_anywhere_are_cut_only_as_they_are_decoded(data: st.DataObject | None) -> None:
    """Two readers of one form: where one saw a statement and the other none, nodes would hold different sets."""
    whole = encode_sign1(PROTECTED, PAYLOAD, SIGNATURE)
    if data is not None:
        start = data.draw(st.integers(0, len(whole)))
        stop = data.draw(st.integers(start, min(len(whole), start + 8)))
        whole = whole[:start] + data.draw(st.binary(max_size=8)) + whole[stop:]
    found = split_sign1(whole)
    assert (None if found is None else found[:3]) == decoded(whole)


@given(st.binary(max_size=80) | st.binary(max_size=80).map(lambda tail: b"\xd2\x84" + bstr(b"") + b"\xa0" + tail))
def test_any_bytes_are_cut_or_not_but_never_fail(data: bytes) -> None:
    found = split_sign1(data)
    assert (None if found is None else found[:3]) == decoded(data)


@pytest.mark.parametrize("size", [*LENGTHS, 65_536])
@pytest.mark.parametrize("external", [b"", b"known to both sides"])
def test_what_is_signed_while_it_is_encoded_has_the_bytes_of_the_standard(size: int, external: bytes) -> None:
    signer, payload = KeyPair(bytes(32)), b"p" * size
    signature = signer.sign(encode(["Signature1", PROTECTED, external, payload]))
    whole = b"\xd2" + encode([PROTECTED, {}, payload, signature])
    assert sign_and_encode(PROTECTED, payload, signer, external) == whole
