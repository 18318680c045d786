"""Receipts: COSE assembled by hand, byte for byte, and everything that is not one log's word on one statement."""

from hashlib import sha256
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.registry.encoding.cbor import encode
from accredit.registry.encoding.cose import Sign1
from accredit.registry.encoding.ed25519 import KeyPair, key_id, public_of
from accredit.registry.errors import DecodeError, RefusedError
from accredit.registry.statement import decode as decode_statement
from accredit.registry.transparency.merkle import prove_inclusion, root
from accredit.registry.transparency.scitt_receipts import (
    RECEIPT_BYTES,
    RECEIPTS_MAX,
    Receipt,
    attach,
    check_growth,
    check_receipt,
    detach,
    make_receipt,
)
from accredit.registry.transparency.signed_note import KeyType, VerifierKey
from tests.strategies.domain import seed_of
from tests.strategies.receipts import ORIGIN, SEED, STATEMENTS, growth, log_of, receipt_for

LOG = VerifierKey(name=ORIGIN, type=KeyType.ED25519, public=public_of(SEED))


def bstr(data: bytes) -> bytes:
    """A byte string's head by RFC 8949 section 3, written out here, and the string."""
    count = len(data)
    if count < 24:
        return bytes([0x40 + count]) + data
    return (bytes([0x58, count]) if count < 256 else bytes([0x59]) + count.to_bytes(2, "big")) + data


def tstr(text: str) -> bytes:
    data = text.encode()
    assert len(data) < 256
    return (bytes([0x60 + len(data)]) if len(data) < 24 else bytes([0x78, len(data)])) + data


# ------------------------------------------------------------------------------------------------ the format


def by_hand(label: bytes, subject: str, proof: bytes, payload: bytes) -> bytes:
    """A receipt without our encoder: heads, labels and order as RFC 9052, 9679, 9597 and 9942 have them."""
    x = bytes.fromhex("a3010120062158") + b"\x20" + public_of(SEED)  # {1: 1, -1: 6, -2: x}
    thumbprint = sha256(x).digest()
    # {1: -8, 4: kid, 15: {1: origin, 2: subject}, 395: 1}
    claims = b"\xa2\x01" + tstr(ORIGIN) + b"\x02" + tstr(subject)
    protected = b"\xa4\x01\x27\x04" + bstr(thumbprint) + b"\x0f" + claims + b"\x19\x01\x8b\x01"
    to_be_signed = b"\x84" + tstr("Signature1") + bstr(protected) + b"\x40" + bstr(payload)
    # 18([protected, {396: {label: [proof]}}, null, signature])
    unprotected = b"\xa1\x19\x01\x8c\xa1" + label + b"\x81" + bstr(proof)
    return b"\xd2\x84" + bstr(protected) + unprotected + b"\xf6" + bstr(KeyPair(SEED).sign(to_be_signed))


def test_a_receipt_of_inclusion_assembled_by_hand_is_ours_byte_for_byte() -> None:
    size, index = 3, 1
    leaves = [sha256(b"\x00" + raw).digest() for raw in STATEMENTS[:3]]
    left = sha256(b"\x01" + leaves[0] + leaves[1]).digest()
    payload = sha256(b"\x01" + left + leaves[2]).digest()
    proof = b"\x83\x03\x01\x82" + bstr(leaves[0]) + bstr(leaves[2])
    subject = decode_statement(STATEMENTS[1]).id.hex()
    assembled = by_hand(b"\x20", subject, proof, payload)
    assert receipt_for(index, size) == assembled
    checked = check_receipt(assembled, STATEMENTS[1], LOG)
    assert (checked.first, checked.second, checked.origin, checked.kid) == (3, 1, ORIGIN, key_id(LOG.public))


def test_a_receipt_of_consistency_assembled_by_hand_is_ours_byte_for_byte() -> None:
    leaves = [sha256(b"\x00" + raw).digest() for raw in STATEMENTS[:3]]
    left = sha256(b"\x01" + leaves[0] + leaves[1]).digest()
    payload = sha256(b"\x01" + left + leaves[2]).digest()
    proof = b"\x83\x02\x03\x81" + bstr(leaves[2])
    assembled = by_hand(b"\x21", ORIGIN, proof, payload)
    assert growth(2, 3) == assembled
    assert check_growth(assembled, left, payload, LOG).encode() == assembled


def test_a_transparent_statement_assembled_by_hand_is_ours_byte_for_byte() -> None:
    raw, receipt = STATEMENTS[1], receipt_for(1)
    plain = cbor2.loads(raw[1:])
    assembled = b"\xd2\x84" + bstr(plain[0]) + b"\xa1\x19\x01\x8a\x81" + bstr(receipt) + bstr(plain[2]) + bstr(plain[3])
    assert attach(raw, [receipt]) == assembled
    assert detach(assembled) == (raw, (receipt,))


@given(st.data())
def test_every_receipt_of_every_log_holds(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 7))
    index = data.draw(st.integers(0, size - 1))
    receipt = receipt_for(index, size)
    assert check_receipt(receipt, STATEMENTS[index], LOG).encode() == receipt
    old = data.draw(st.integers(1, size - 1))
    grown = growth(old, size)
    check_growth(grown, root(old, log_of(old)), root(size, log_of(size)), LOG)
    transparent = attach(STATEMENTS[index], [receipt])
    raw, receipts = detach(transparent)
    check_receipt(receipts[0], raw, LOG)
    assert transparent != raw == STATEMENTS[index]


# ------------------------------------------------------------------------------------------------ what is refused


def test_every_mutated_byte_of_a_receipt_is_refused() -> None:
    for data, checked in ((receipt_for(2), _inclusion), (growth(3, 7), _growth)):
        checked(data)
        for at, byte in enumerate(data):
            for mask in (1 << at % 8, 0xFF):
                mutated = data[:at] + bytes([byte ^ mask]) + data[at + 1 :]
                try:
                    checked(mutated)
                except (DecodeError, RefusedError):
                    continue
                _only_the_size_differs(data, mutated)
        for at in range(len(data)):
            with pytest.raises(DecodeError):
                checked(data[:at])
        with pytest.raises(DecodeError):
            checked(data + b"\0")


def _only_the_size_differs(data: bytes, mutated: bytes) -> None:
    """A root does not commit to the size of its tree: of sizes with paths of one shape the receipt cannot tell."""
    was, found = Receipt.decode(data), Receipt.decode(mutated)
    assert (found.path, found.sign1.signature, found.sign1.protected) == (
        was.path,
        was.sign1.signature,
        was.sign1.protected,
    )
    assert (found.first, found.second) != (was.first, was.second)


def _inclusion(data: bytes) -> None:
    check_receipt(data, STATEMENTS[2], LOG)


def _growth(data: bytes) -> None:
    check_growth(data, root(3, log_of(3)), root(7, log_of(7)), LOG)


def test_a_receipt_of_another_log_statement_or_kind_is_refused() -> None:
    other_key = VerifierKey(name=ORIGIN, type=KeyType.ED25519, public=public_of(seed_of("other")))
    other_name = VerifierKey(name="log.example/2", type=KeyType.ED25519, public=LOG.public)
    witness = VerifierKey(name=ORIGIN, type=KeyType.COSIGNATURE_V1, public=LOG.public)
    for log in (other_key, other_name, witness):
        with pytest.raises(RefusedError) as refused:
            check_receipt(receipt_for(2), STATEMENTS[2], log)
        assert refused.value.code == "wrong_log"
    with pytest.raises(RefusedError) as refused:
        check_receipt(receipt_for(2), STATEMENTS[3], LOG)
    assert refused.value.code == "wrong_subject"
    with pytest.raises(RefusedError) as refused:
        check_receipt(growth(3, 7), STATEMENTS[2], LOG)
    assert refused.value.code == "wrong_receipt"


def test_growth_between_other_roots_is_refused() -> None:
    for old, new in ((2, 7), (3, 6)):
        with pytest.raises(RefusedError):
            check_growth(growth(3, 7), root(old, log_of(old)), root(new, log_of(new)), LOG)


def test_a_log_of_one_leaf_and_a_log_that_did_not_grow_have_no_receipt() -> None:
    with pytest.raises(RefusedError, match="at least one hash in its path"):
        receipt_for(0, 1)
    for old in (0, 7):
        with pytest.raises(RefusedError, match="at least one hash in its path"):
            growth(old, 7)


def test_a_path_of_another_length_makes_no_receipt() -> None:
    path = prove_inclusion(2, 7, log_of(7))
    for wrong in (path[:-1], [*path, bytes(32)]):
        with pytest.raises(RefusedError):
            make_receipt(STATEMENTS[2], ORIGIN, KeyPair(SEED), index=2, size=7, path=wrong)


def test_a_signature_over_a_checkpoint_is_no_signature_of_a_receipt() -> None:
    """What COSE signs begins with a byte that no text does; what a note signs is text."""
    assert encode(["Signature1", b"", b"", b""])[0] == 0x84
    with pytest.raises(UnicodeDecodeError):
        b"\x84".decode()


HEADER: dict[Any, Any] = {1: -8, 4: bytes(32), 15: {1: "o", 2: "s"}, 395: 1}
PROOF = encode([2, 0, [bytes(32)]])
SIDE: dict[Any, Any] = {396: {-1: [PROOF]}}


def receipt_of(header: Any = HEADER, unprotected: Any = SIDE, payload: Any = None, signature: Any = bytes(64)) -> bytes:
    return b"\xd2" + encode([encode(header), unprotected, payload, signature])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        receipt_of()[1:],
        receipt_of(payload=bytes(32)),
        receipt_of(payload="text"),
        receipt_of(signature=bytes(63)),
        receipt_of(signature=None),
        receipt_of(unprotected=[]),
        b"\xd2" + encode([encode(HEADER), SIDE, None]),
        b"\xd2" + encode({1: 2}),
        receipt_of(header=[]),
        receipt_of(header={**HEADER, 1: -7}),
        receipt_of(header={**HEADER, 395: 2}),
        receipt_of(header={**HEADER, 395: True}),
        receipt_of(header={**HEADER, 3: "text"}),
        receipt_of(header={label: value for label, value in HEADER.items() if label != 4}),
        receipt_of(header={**HEADER, 4: bytes(31)}),
        receipt_of(header={**HEADER, 4: "kid"}),
        receipt_of(header={**HEADER, 15: []}),
        receipt_of(header={**HEADER, 15: {1: "o"}}),
        receipt_of(header={**HEADER, 15: {1: "o", 2: 3}}),
        receipt_of(header={**HEADER, 15: {1: b"o", 2: "s"}}),
        receipt_of(unprotected={}),
        receipt_of(unprotected={**SIDE, 1: 1}),
        receipt_of(unprotected={396: []}),
        receipt_of(unprotected={396: {}}),
        receipt_of(unprotected={396: {-3: [PROOF]}}),
        receipt_of(unprotected={396: {-1: [PROOF], -2: [PROOF]}}),
        receipt_of(unprotected={396: {-1: []}}),
        receipt_of(unprotected={396: {-1: [PROOF, PROOF]}}),
        receipt_of(unprotected={396: {-1: PROOF}}),
        receipt_of(unprotected={396: {-1: ["text"]}}),
        receipt_of(unprotected={396: {-1: [encode({})]}}),
        receipt_of(unprotected={396: {-1: [encode([2, 0])]}}),
        receipt_of(unprotected={396: {-1: [encode([True, 0, [bytes(32)]])]}}),
        receipt_of(unprotected={396: {-1: [encode([2, -1, [bytes(32)]])]}}),
        receipt_of(unprotected={396: {-1: [encode([2**63, 0, [bytes(32)]])]}}),
        receipt_of(unprotected={396: {-1: [encode([2, 0, []])]}}),
        receipt_of(unprotected={396: {-1: [encode([2, 0, [bytes(31)]])]}}),
        receipt_of(unprotected={396: {-1: [encode([2, 0, ["text"]])]}}),
        receipt_of(unprotected={396: {-1: [encode([2, 0, [bytes(32)] * 65])]}}),
        receipt_of(header={**HEADER, 15: {1: "o" * RECEIPT_BYTES, 2: "s"}}),
    ],
)
def test_a_receipt_of_another_form_is_refused(data: bytes) -> None:
    assert Receipt.decode(receipt_of()).subject == "s"
    with pytest.raises(DecodeError):
        Receipt.decode(data)


def test_a_transparent_statement_of_another_form_is_refused() -> None:
    raw, receipt = STATEMENTS[2], receipt_for(2)
    plain = Sign1.decode(raw, what="it", max_bytes=20_000)

    def with_side(unprotected: Any) -> bytes:
        return b"\xd2" + encode([plain.protected, unprotected, plain.payload, plain.signature])

    assert detach(with_side({394: [receipt]})) == (raw, (receipt,))
    wrong: list[dict[int, Any]] = [
        {},
        {394: receipt},
        {394: []},
        {394: ["text"]},
        {394: [b""]},
        {394: [receipt], 1: 1},
        {395: [receipt]},
    ]
    for side in wrong:
        with pytest.raises(DecodeError):
            detach(with_side(side))
    with pytest.raises(DecodeError):
        detach(with_side({394: [receipt] * (RECEIPTS_MAX + 1)}))
    with pytest.raises(DecodeError):
        detach(receipt[:1] + encode([plain.protected, {394: [receipt]}, None, plain.signature]))
    for receipts in ([], [b""], [receipt] * (RECEIPTS_MAX + 1)):
        with pytest.raises(DecodeError):
            attach(raw, receipts)
    with pytest.raises(DecodeError):
        attach(attach(raw, [receipt]), [receipt])


@given(st.binary(max_size=60))
def test_any_bytes_raise_only_our_errors(data: bytes) -> None:
    for read in (Receipt.decode, detach):
        with pytest.raises(DecodeError):
            read(data)
        with pytest.raises(DecodeError):
            read(b"\xd2" + data)
