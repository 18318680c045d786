"""The statement: one format, compared with bytes written by hand, and all that must not pass for it."""

import dataclasses
import hashlib
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import nacl.signing
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from accredit.registry import statement
from accredit.registry.encoding.cbor import encode
from accredit.registry.encoding.ed25519 import KeyPair, key_id, public_of
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.errors import AccreditError, DecodeError, RefusedError
from accredit.registry.limits import CBOR_DEPTH, IDENTIFIER_CHARS, STATEMENT_BYTES, TIME_MAX
from accredit.registry.statement import (
    Draft,
    Statement,
    Unverified,
    as_unverified,
    decode,
    encode_signed,
    iat_of,
    recall,
    statement_id,
    verify,
)
from tests.strategies.cose import (
    DRAFT,
    KID,
    PAYLOAD,
    PROTECTED,
    PUBLIC,
    SEED,
    SIG_STRUCTURE,
    bstr,
    head,
    signed_by_hand,
    tstr,
)
from tests.strategies.searching import SOME

EVIL = CanonicalId("did:web:evil.example")
RAW = encode_signed(DRAFT, KeyPair(SEED))

GOLDEN = (
    "d2845884a401270378236170706c69636174696f6e2f61636372656469742d73746174656d656e742b63626f72045820866e"
    "efbd6718c8846cd7ddfe43fc74ab1daac4538ff8514ea2ec2d410a4157430fa301756469643a7765623a626f6172642e6578"
    "616d706c6502776469643a7765623a636f6c6c6567652e6578616d706c65061a6553f100a05899a66176016365636f582000"
    "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f637365710264626f6479a2626964776469643a"
    "7765623a636f6c6c6567652e6578616d706c65646e616d6567436f6c6c656765646b696e646f6973737565722e7265676973"
    "74657264707265765820202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f58408d0835ca3843"
    "b2fc8a9e3618a23e9c7f1ac38c2865794fac82cc017ed62eaea698bbe6745084383190ce6f68b6d7e412c85613b3971eccd1"
    "905ab0efa19c050b"
)
GOLDEN_ID = "a6e98ebb2d1498530192fe9b24c89d9de4ab0845a93551cadd59eb2275c94d48"


# ------------------------------------------------------------------------------------ the bytes, by hand


def test_the_format_does_not_drift() -> None:
    """Whoever changes a byte of this has made another registry: its statements would not verify in the first."""
    assert RAW.hex() == GOLDEN
    assert decode(RAW).id.hex() == GOLDEN_ID


def test_the_bytes_are_those_written_by_hand_from_the_rfc() -> None:
    assert signed_by_hand(PROTECTED, PAYLOAD) == RAW
    unverified = decode(RAW)
    assert unverified.id == hashlib.sha256(SIG_STRUCTURE).digest()
    assert unverified.id == statement_id(DRAFT, KID)
    nacl.signing.VerifyKey(PUBLIC).verify(SIG_STRUCTURE, unverified.signature)
    assert unverified.kid == KID == key_id(PUBLIC)


def test_what_was_meant_is_what_is_read() -> None:
    unverified = decode(RAW)
    for field in dataclasses.fields(Draft):
        assert getattr(unverified, field.name) == getattr(DRAFT, field.name)
    assert unverified.raw == RAW
    assert unverified.signature == RAW[-64:]
    genesis = dataclasses.replace(DRAFT, eco=None, prev=None, seq=1, body={})
    read = decode(encode_signed(genesis, KeyPair(SEED)))
    assert (read.eco, read.prev, read.seq, read.body) == (None, None, 1, {})


def test_a_delegates_statement_names_its_mandate_and_one_that_names_none_is_read_as_before() -> None:
    mandate = bytes(range(64, 96))
    delegated = encode_signed(dataclasses.replace(DRAFT, mandate=mandate), KeyPair(SEED))
    payload = b"\xa7" + PAYLOAD[1:] + tstr("mandate") + bstr(mandate)
    assert delegated == signed_by_hand(PROTECTED, payload)
    assert decode(delegated).mandate == recall(delegated).mandate == mandate
    assert decode(delegated).id != decode(RAW).id
    assert decode(RAW).mandate is None


# ------------------------------------------------------------------------------------ trust


def test_a_statement_is_made_by_verifying_only() -> None:
    unverified = decode(RAW)
    content = {field.name: getattr(unverified, field.name) for field in dataclasses.fields(Unverified)}
    for proof in (None, True, object()):
        with pytest.raises(TypeError, match="verify"):
            Statement(**content, proof=proof)
    with pytest.raises(TypeError):
        Statement(**content)


def test_what_was_verified_before_is_recalled_as_the_same_statement() -> None:
    raw = encode_signed(DRAFT, KeyPair(SEED))
    recalled, verified = recall(raw), verify(decode(raw), PUBLIC)
    assert type(recalled) is Statement
    for field in dataclasses.fields(Statement):
        assert getattr(recalled, field.name) == getattr(verified, field.name)
    assert iat_of(raw) == verified.iat


def test_bodies_that_nobody_asks_for_do_not_fill_the_memory() -> None:
    made = verify(decode(RAW), PUBLIC)
    for number in range(2 * statement._BATCHES):
        statement._set_aside(number.to_bytes(8), {})
        assert len(statement._decoded) <= statement._BATCHES
    assert made.body == DRAFT.body, "read from its bytes"


def test_a_verified_statement_cannot_be_given_other_content() -> None:
    verified = verify(decode(RAW), PUBLIC)
    with pytest.raises((TypeError, ValueError), match="proof"):
        dataclasses.replace(verified, iss=EVIL)  # type: ignore[call-arg]
    with pytest.raises(dataclasses.FrozenInstanceError):
        verified.iss = EVIL  # type: ignore[misc]
    assert not hasattr(verified, "proof"), "the proof cannot be taken from one statement to the next"


def test_what_was_read_cannot_be_given_other_content() -> None:
    """Its members are what its bytes say: `verify` checks the bytes and believes the members."""
    read = decode(RAW)
    members = {field.name: getattr(read, field.name) for field in dataclasses.fields(Unverified)}
    with pytest.raises(TypeError, match="decode"):
        Unverified(**members, proof=None)
    with pytest.raises((TypeError, ValueError), match="proof"):  # the former from Python 3.13 on
        dataclasses.replace(read, iss=EVIL)  # type: ignore[call-arg]


def test_verified_statements_are_equal_by_id_and_never_equal_to_unverified_ones() -> None:
    verified = verify(decode(RAW), PUBLIC)
    other = verify(decode(encode_signed(dataclasses.replace(DRAFT, seq=3), KeyPair(SEED))), PUBLIC)
    assert verified == verify(decode(RAW), PUBLIC)
    assert len({verified, verify(decode(RAW), PUBLIC), other}) == 2
    assert verified != other
    assert verified != decode(RAW)
    assert decode(RAW) != verified
    assert verified != verified.id
    assert pickle.loads(pickle.dumps(verified)) == verified


def test_a_statement_in_a_log_line_shows_who_and_which_and_nothing_of_its_body() -> None:
    shown = repr(verify(decode(RAW), PUBLIC))
    assert shown == f"<issuer.register {GOLDEN_ID[:8]} by did:web:board.example number 2>"


def test_the_wrong_key_is_refused_even_with_a_good_signature() -> None:
    """kid says whose it is: a signature by another key, or another key offered, counts for nobody."""
    other = hashlib.sha256(b"another").digest()
    with pytest.raises(RefusedError) as caught:
        verify(decode(RAW), public_of(other))
    assert caught.value.code == "wrong_key"
    with pytest.raises(RefusedError) as caught:
        verify(decode(signed_by_hand(PROTECTED, PAYLOAD, other)), PUBLIC)
    assert caught.value.code == "bad_signature"
    assert caught.value.hint
    with pytest.raises(RefusedError):
        verify(decode(RAW), b"")


def test_a_signature_of_the_bare_payload_is_not_one_of_the_statement() -> None:
    """Bytes signed elsewhere under the same key must not become a statement."""
    key = nacl.signing.SigningKey(SEED)
    structures = {
        "the payload": PAYLOAD,
        "the id": hashlib.sha256(SIG_STRUCTURE).digest(),
        "another context": head(4, 4) + tstr("Signature") + bstr(PROTECTED) + bstr(b"") + bstr(PAYLOAD),
        "external data": head(4, 4) + tstr("Signature1") + bstr(PROTECTED) + bstr(b"x") + bstr(PAYLOAD),
        "the whole": b"\xd2\x84" + bstr(PROTECTED) + b"\xa0" + bstr(PAYLOAD),
    }
    for name, signed in structures.items():
        raw = RAW[:-64] + key.sign(signed).signature
        with pytest.raises(RefusedError) as caught:
            verify(decode(raw), PUBLIC)
        assert caught.value.code == "bad_signature", name


def test_the_id_names_content_and_signer_not_the_signature() -> None:
    """Two signatures of one content are one statement, so nobody multiplies it."""
    zeros = decode(RAW[:-64] + bytes(64))
    assert zeros.id == decode(RAW).id
    assert as_unverified(DRAFT, KID) == zeros
    assert encode_signed(as_unverified(DRAFT, KID), KeyPair(SEED)) == RAW
    with pytest.raises(RefusedError):
        verify(zeros, PUBLIC)
    changes: list[dict[str, Any]] = [
        *({"iss": "did:web:b.example"}, {"sub": "x"}, {"iat": 1}, {"eco": None}, {"kind": "x"}),
        *({"seq": 1}, {"prev": None}, {"body": {}}),
    ]
    ids = {statement_id(dataclasses.replace(DRAFT, **change), KID) for change in changes}
    ids |= {statement_id(DRAFT, KID), statement_id(DRAFT, bytes(32))}
    assert len(ids) == len(changes) + 2


# ------------------------------------------------------------------------------------ what is not a statement


def code_of(raw: bytes) -> str:
    with pytest.raises(DecodeError) as caught:
        decode(raw)
    return caught.value.code


def where_of(raw: bytes) -> str:
    with pytest.raises(DecodeError) as caught:
        decode(raw)
    return caught.value.where


SIGNATURE = RAW[-64:]


def cose(*parts: Any) -> bytes:
    return b"\xd2" + encode(list(parts))


def test_anything_but_a_cose_sign1_is_refused() -> None:
    assert decode(cose(PROTECTED, {}, PAYLOAD, SIGNATURE)).raw == RAW
    assert code_of(b"") == "not_cose_sign1"
    assert code_of(RAW[1:]) == "not_cose_sign1"  # untagged
    assert code_of(b"\xd1" + RAW[1:]) == "not_cose_sign1"  # COSE_Mac0
    assert code_of(b"\xd8\x12" + RAW[1:]) == "not_cose_sign1"  # tag 18 in a longer form
    assert code_of(b"\xd2" + RAW) == "not_cbor"  # tagged twice
    assert code_of(b"\xd9\xd9\xf7" + RAW) == "not_cose_sign1"  # self-described CBOR
    assert code_of(cose(PROTECTED, {}, PAYLOAD)) == "not_cose_sign1"
    assert code_of(cose(PROTECTED, {}, PAYLOAD, SIGNATURE, None)) == "not_cose_sign1"
    assert code_of(b"\xd2" + encode({1: 2})) == "not_cose_sign1"
    assert code_of(b"\xd2\xf6") == "not_cose_sign1"


def test_an_unprotected_header_is_refused() -> None:
    """Nobody signed it, so anybody could change it on the way."""
    assert where_of(cose(PROTECTED, {4: KID}, PAYLOAD, SIGNATURE)) == "unprotected"
    assert where_of(cose(PROTECTED, {394: []}, PAYLOAD, SIGNATURE)) == "unprotected"
    others: tuple[Any, ...] = (None, [], b"", b"\xa0", 0, False)
    for other in others:
        assert where_of(cose(PROTECTED, other, PAYLOAD, SIGNATURE)) == "unprotected"


def test_parts_of_other_types_are_refused() -> None:
    assert where_of(cose({}, {}, PAYLOAD, SIGNATURE)) == "protected"
    assert where_of(cose(None, {}, PAYLOAD, SIGNATURE)) == "protected"
    assert where_of(cose(PROTECTED, {}, None, SIGNATURE)) == "payload"  # detached
    assert where_of(cose(PROTECTED, {}, {}, SIGNATURE)) == "payload"
    for signature in (b"", SIGNATURE[:-1], SIGNATURE + b"\x00", None, "x" * 64):
        assert where_of(cose(PROTECTED, {}, PAYLOAD, signature)) == "signature"


HEADER: dict[Any, Any] = {
    1: -8,
    3: "application/accredit-statement+cbor",
    4: KID,
    15: {1: "did:web:board.example", 2: "did:web:college.example", 6: 1_700_000_000},
}
CONTENT: dict[Any, Any] = {
    "v": 1,
    "eco": bytes(32),
    "kind": "issuer.register",
    "seq": 2,
    "prev": bytes(32),
    "body": {},
}


def with_header(changes: dict[Any, Any], *, without: tuple[Any, ...] = ()) -> bytes:
    header = {key: value for key, value in (HEADER | changes).items() if key not in without}
    return signed_by_hand(encode(header), PAYLOAD)


def with_claims(changes: dict[Any, Any], *, without: tuple[Any, ...] = ()) -> bytes:
    claims = {key: value for key, value in (HEADER[15] | changes).items() if key not in without}
    return with_header({15: claims})


def with_content(changes: dict[Any, Any], *, without: tuple[Any, ...] = ()) -> bytes:
    content = {key: value for key, value in (CONTENT | changes).items() if key not in without}
    return signed_by_hand(PROTECTED, encode(content))


def test_the_changes_below_start_from_something_valid() -> None:
    assert with_header({}) == RAW
    assert with_claims({}) == RAW
    verify(decode(with_content({})), PUBLIC)


def test_another_algorithm_or_content_type_is_refused() -> None:
    for algorithm in (-7, 8, -50, None, "EdDSA", [-8], -19):
        assert where_of(with_header({1: algorithm})) == "protected.alg"
    for content_type in ("application/cbor", "", 42, None, "application/accredit-statement+CBOR"):
        assert where_of(with_header({3: content_type})) == "protected.content_type"


def test_a_header_with_a_label_more_or_less_is_refused() -> None:
    """Critical ones (2) among them: nobody may add conditions that a reader does not know."""
    for label in HEADER:
        assert where_of(with_header({}, without=(label,))) == "protected"
    for label in (0, 2, 5, 16, 33, 34, 395, -1, "kid"):
        assert where_of(with_header({label: [1]})) == "protected"
    for protected in (b"", b"\xa0", b"\x80", b"\xf6"):
        assert code_of(signed_by_hand(protected, PAYLOAD)) in ("bad_member", "not_cbor")


def test_a_kid_of_another_length_or_type_is_refused() -> None:
    for kid in (KID[:-1], KID + b"\x00", b"", KID.hex(), None, 4):
        assert where_of(with_header({4: kid})) == "protected.kid"


def test_claims_that_are_missing_added_or_out_of_range_are_refused() -> None:
    for claim in HEADER[15]:
        assert where_of(with_claims({}, without=(claim,))) == "protected.cwt_claims"
    for claim in (3, 4, 5, 7, "iss"):  # an expiry or audience that a reader does not know
        assert where_of(with_claims({claim: 1})) == "protected.cwt_claims"
    others: tuple[Any, ...] = (None, [], b"\xa0", "x")
    for other in others:
        assert where_of(with_header({15: other})) == "protected.cwt_claims"
    for iss in ("", "board.example", "http://board.example/", "DID:web:board.example", None, 1, b"did:web:a.example"):
        assert where_of(with_claims({1: iss})) == "protected.iss"
    for sub in ("", " x", "a\x00b", "x" * (IDENTIFIER_CHARS + 1), None, 1, KID):
        assert where_of(with_claims({2: sub})) == "protected.sub"
    for iat in (-1, TIME_MAX + 1, 2**64 - 1, None, "2015-05-20", True):
        assert where_of(with_claims({6: iat})) == "protected.iat"
    assert decode(with_claims({6: TIME_MAX})).iat == TIME_MAX
    assert decode(with_claims({6: 0})).iat == 0


def test_a_payload_with_a_member_more_or_less_or_out_of_range_is_refused() -> None:
    for name in CONTENT:
        assert where_of(with_content({}, without=(name,))) == "payload"
    for name in ("ext", "sig", "V", 1):
        assert where_of(with_content({name: {}})) == "payload"
    wrong: dict[str, tuple[Any, ...]] = {
        "v": (0, 2, True, "1", None),
        "eco": (bytes(31), bytes(33), "", 0, False),
        "kind": ("", "x" * 65, " issuer.register", None, 1, b"x"),
        "seq": (0, -1, 2**53 + 1, True, None, "1"),
        "prev": (bytes(31), "", 0, [], None),
        "body": (None, [], "", b"\xa0", 0),
        "mandate": (bytes(31), bytes(33), "", 0, None),
    }
    for name, values in wrong.items():
        for value in values:
            assert where_of(with_content({name: value})) == f"payload.{name}", value
    assert where_of(with_content({"seq": 1})) == "payload.prev"  # the first follows nothing
    for payload in (b"", b"\x80", b"\xf6", b"\xa0"):
        assert code_of(signed_by_hand(PROTECTED, payload)) in ("bad_member", "missing_member", "not_cbor")


def test_a_signed_second_spelling_is_refused() -> None:
    """Its author would have two ids for one content."""
    assert code_of(signed_by_hand(PROTECTED, PAYLOAD + b"\x00")) == "not_deterministic"
    assert code_of(signed_by_hand(PROTECTED + b"\x00", PAYLOAD)) == "not_deterministic"
    assert code_of(RAW + b"\x00") == "not_deterministic"
    longer = PAYLOAD.replace(tstr("seq") + b"\x02", tstr("seq") + b"\x18\x02")
    assert code_of(signed_by_hand(PROTECTED, longer)) == "not_deterministic"
    indefinite = b"\xbf" + PAYLOAD[1:] + b"\xff"
    assert code_of(signed_by_hand(PROTECTED, indefinite)) == "not_cbor"
    twice = b"\xa7" + PAYLOAD[1:] + tstr("prev") + b"\xf6"
    assert code_of(signed_by_hand(PROTECTED, twice)) == "not_cbor"
    tagged = PAYLOAD.replace(tstr("seq") + b"\x02", tstr("seq") + b"\xc2\x41\x02")
    assert code_of(signed_by_hand(PROTECTED, tagged)) == "not_cbor"


def test_a_statement_over_the_limit_is_refused_before_it_is_read_and_before_it_is_signed() -> None:
    fits = len(encode_signed(dataclasses.replace(DRAFT, body={"x": "x" * 10_000}), KeyPair(SEED))) - 10_000
    room = STATEMENT_BYTES - fits
    longest = encode_signed(dataclasses.replace(DRAFT, body={"x": "x" * room}), KeyPair(SEED))
    assert len(longest) == STATEMENT_BYTES
    assert decode(longest).body == {"x": "x" * room}
    assert code_of(b"\xd2" * (STATEMENT_BYTES + 1)) == "too_large"
    for make in (lambda draft: encode_signed(draft, KeyPair(SEED)), lambda draft: as_unverified(draft, KID)):
        with pytest.raises(DecodeError) as caught:
            make(dataclasses.replace(DRAFT, body={"x": "x" * (room + 1)}))
        assert caught.value.code == "too_large"


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "http://board.example/"},
        {"sub": ""},
        {"iat": -1},
        {"iat": 2**70},
        {"iat": 1.5},
        {"eco": "00"},
        {"kind": ""},
        {"seq": 0},
        {"prev": b""},
        {"body": []},
        {"body": {"x": 1.5}},
        {"body": {"x": "\ud800"}},
        {"body": {"x": 2**64}},
        {"body": {1.5: 0}},
        {"body": {"x": {1, 2}}},
    ],
    ids=str,
)
def test_a_draft_that_no_node_would_read_is_never_signed(change: dict[str, Any]) -> None:
    draft = dataclasses.replace(DRAFT, **change)
    with pytest.raises(DecodeError):
        encode_signed(draft, KeyPair(SEED))
    with pytest.raises(DecodeError):
        as_unverified(draft, public_of(SEED))


def test_an_id_of_something_that_cannot_be_written_is_refused() -> None:
    with pytest.raises(DecodeError) as caught:
        statement_id(dataclasses.replace(DRAFT, body={"x": 0.5}), KID)
    assert caught.value.code == "not_encodable"
    assert "float" in str(caught.value)


# ------------------------------------------------------------------------------------ arbitrary bytes


def accepted(raw: bytes) -> bool:
    """Whether `raw` passes decode and verify; anything but our errors fails the test."""
    try:
        verify(decode(raw), PUBLIC)
    except AccreditError:
        return False
    return True


def test_no_beginning_of_a_statement_is_one() -> None:
    assert accepted(RAW)
    assert not any(accepted(RAW[:length]) for length in range(len(RAW)))


def test_no_statement_with_a_byte_changed_removed_doubled_or_added_is_one() -> None:
    for at in range(len(RAW)):
        before, byte, after = RAW[:at], RAW[at], RAW[at + 1 :]
        for other in {byte ^ 1 << bit for bit in range(8)} | {0x00, 0xFF, 0xF6, 0xC2, 0x9F, 0xBF} - {byte}:
            assert not accepted(before + bytes([other]) + after), (at, other)
        assert not accepted(before + after) or before + after == RAW
        assert not accepted(before + bytes([byte, byte]) + after), at


@given(st.binary(max_size=400))
@example(b"\xd2")
@example(b"\xd2\x84")
@example(b"\xd2\x84\x40\xa0\x40\x40")
def test_any_bytes_raise_only_our_errors(data: bytes) -> None:
    assert not accepted(data)
    assert not accepted(b"\xd2" + data)
    assert not accepted(signed_by_hand(data, PAYLOAD))
    assert accepted(signed_by_hand(PROTECTED, data)) == (data == PAYLOAD)


@given(st.integers(0, len(RAW) - 1), st.integers(0, 40), st.binary(max_size=40))
def test_any_stretch_replaced_raises_only_our_errors(start: int, length: int, new: bytes) -> None:
    other = RAW[:start] + new + RAW[start + length :]
    assert accepted(other) == (other == RAW)


def outcome(read: Callable[[bytes, bytes], Any], protected: bytes, payload: bytes) -> Any:
    """What reading both parts comes to: all members, or the error."""
    try:
        return read(protected, payload)
    except DecodeError as error:
        return error.code, error.where, error.message


def assert_read_alike(protected: bytes, payload: bytes) -> bool:
    """Both ways of reading come to the same, if the quick one reads these at all; whether it does."""
    plain = outcome(statement._read_plain, protected, payload)
    assert plain is None or plain == outcome(statement._read, protected, payload), (protected, payload)
    return plain is not None


def changed(data: bytes) -> Iterator[bytes]:
    """Bytes with one changed, removed or doubled, and every beginning of them."""
    for at, byte in enumerate(data):
        before, after = data[:at], data[at + 1 :]
        others = {byte ^ 1 << bit for bit in range(8)} | {0x00, 0x18, 0x1A, 0x78, 0xF6, 0xFF}
        yield from (before + bytes(some) + after for some in ((), (byte, byte), *((other,) for other in others)))
        yield before


def test_no_bytes_are_one_statement_read_by_their_places_and_another_read_whole() -> None:
    """Nodes that disagree on what is a statement never hold the same set again."""
    for other in changed(PROTECTED):
        assert_read_alike(other, PAYLOAD)
    for payload in (PAYLOAD, b"\xa7" + PAYLOAD[1:] + tstr("mandate") + bstr(bytes(range(64, 96)))):
        assert assert_read_alike(PROTECTED, payload)
        for other in changed(payload):
            assert_read_alike(PROTECTED, other)


def test_numbers_and_texts_of_every_length_are_read_alike() -> None:
    lengths = (1, 23, 24, 255, 256, IDENTIFIER_CHARS)
    numbers = (2, 23, 24, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32)
    for draft, is_plain in (
        *((dataclasses.replace(DRAFT, sub="x" * length), length < 256) for length in lengths),
        *((dataclasses.replace(DRAFT, iat=number), number < 2**32) for number in numbers),
        *((dataclasses.replace(DRAFT, seq=number), number < 2**32) for number in numbers),
        *((dataclasses.replace(DRAFT, kind=kind), True) for kind in ("k" * 64, "\u00e9", " x", "a\nb", "k" * 65)),
        (dataclasses.replace(DRAFT, kind="dkindx"), False),  # where the member's name seems to stand twice
        (dataclasses.replace(DRAFT, sub="x\u200b"), True),
        (dataclasses.replace(DRAFT, seq=1, prev=None), False),
    ):
        assert assert_read_alike(*statement._parts(draft, KID)) is is_plain, draft


def test_a_body_is_as_deep_as_it_may_be_whichever_way_it_is_read() -> None:
    """A level more would be a statement to one node and none to another."""
    body = encode(DRAFT.body)
    read = []
    for depth in range(CBOR_DEPTH + 3):
        nested = b"\xa1\x61a" + b"\x81" * depth + b"\x00"
        assert_read_alike(PROTECTED, PAYLOAD.replace(body, nested))
        read.append(accepted(signed_by_hand(PROTECTED, PAYLOAD.replace(body, nested))))
    assert read == sorted(read, reverse=True)
    assert read.count(True) == CBOR_DEPTH - 1  # the payload and the body are a level each, and depth 0 has no list


TEXTS = st.text("abz09.-_\u00e9\u6f22\U0001d11e", min_size=1, max_size=20)
BODIES = st.dictionaries(
    TEXTS, st.recursive(st.one_of(st.integers(-(2**64), 2**64 - 1), st.binary(max_size=9), TEXTS), st.lists), max_size=5
)


@pytest.mark.no_cover
@SOME
@given(
    st.builds(
        Draft,
        iss=st.sampled_from(["did:web:a.example", "https://a.example/"]),
        sub=TEXTS,
        iat=st.integers(0, TIME_MAX),
        eco=st.one_of(st.none(), st.binary(min_size=32, max_size=32)),
        kind=TEXTS,
        seq=st.integers(2, 2**53),
        prev=st.binary(min_size=32, max_size=32),
        body=BODIES,
        mandate=st.one_of(st.none(), st.binary(min_size=32, max_size=32)),
    ).flatmap(lambda draft: st.sampled_from([draft, dataclasses.replace(draft, seq=1, prev=None)])),
    st.binary(min_size=32, max_size=32),
)
def test_every_draft_survives_signing_and_reading(draft: Draft, seed: bytes) -> None:
    raw = encode_signed(draft, KeyPair(seed))
    verified = verify(decode(raw), public_of(seed))
    assert Draft(**{field.name: getattr(verified, field.name) for field in dataclasses.fields(Draft)}) == draft
    assert verified.id == statement_id(draft, key_id(public_of(seed))) == as_unverified(draft, verified.kid).id
    assert statement.encode_signed(draft, KeyPair(seed)) == raw, "deterministic"
