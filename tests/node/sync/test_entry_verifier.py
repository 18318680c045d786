"""Entries checked out of order and beside each other: a mark says no more than it may, and loses nothing."""

from dataclasses import fields

import pytest
from hypothesis import given

from accredit.governance.authority.admission import Admission
from accredit.node.sync.entry_verifier import GOOD, UNMARKED, EntryVerifier, marked
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.errors import NotYetError, RefusedError
from accredit.registry.statement import Draft, Statement, Unverified, decode, encode_signed, verify
from tests.strategies.bodies import ISSUER, register
from tests.strategies.consortium import Consortium, Pen, accepted, key_entry
from tests.strategies.histories import History, histories
from tests.strategies.network import A, founded
from tests.strategies.searching import examples


def said_by(town: Consortium, many: int) -> list[bytes]:
    for number in range(many):
        town.says(A, "issuer.register", register(f"did:web:i{number}.example"))
    return [each.raw for each in town.said]


@examples(15)
@given(histories())
def test_whatever_was_accepted_is_found_good_and_is_the_same_statement(history: History) -> None:
    statements = accepted(history.eco, history.said)
    entries = [each.raw for each in statements]
    found = EntryVerifier().check(entries)
    assert [mark == GOOD for mark in found.marks] == [each.eco is not None for each in statements]
    for statement, recalled in zip(statements[1:], marked(entries, found.marks)[1:], strict=True):
        assert isinstance(recalled, Statement)
        for field in fields(Unverified):
            assert getattr(recalled, field.name) == getattr(statement, field.name)


@examples(15)
@given(histories())
def test_marks_spare_the_signature_and_nothing_else(history: History) -> None:
    """One that judges statements with marks lets in exactly what one lets in that checks everything itself."""
    entries = [each.raw for each in history.said]
    spared, whole = Admission(history.eco), Admission(history.eco)
    for entry in marked(entries, EntryVerifier().check(entries).marks):
        raw = entry.raw if isinstance(entry, Statement) else entry
        assert let_in(spared, entry) == let_in(whole, raw)
    assert len(spared) == len(whole)


def let_in(node: Admission, entry: bytes | Statement) -> str:
    """What a node says to it; nothing if it lets it in."""
    try:
        node.add(node.readmit(entry if isinstance(entry, Statement) else decode(entry)))
    except (NotYetError, RefusedError) as error:
        return error.code
    return ""


def test_no_changed_byte_is_found_good() -> None:
    town = founded("node1")
    entries = said_by(town, 1)
    checker = EntryVerifier()
    checker.check(entries)
    last = entries[-1]
    changed = [last[:at] + bytes([last[at] ^ 1 << at % 8]) + last[at + 1 :] for at in range(len(last))]
    assert set(checker.check(changed).marks) == {UNMARKED}
    assert checker.check([last]).marks == bytes([GOOD])


def test_a_key_from_a_part_that_others_look_at_must_be_told() -> None:
    town = founded("node1")
    entries = said_by(town, 2)
    first, second = entries[:3], entries[3:]
    one, other = EntryVerifier(), EntryVerifier()
    found = one.check(first)
    assert set(other.check(second).marks) == {UNMARKED}
    other.learn(found.publics)
    assert set(other.check(second).marks) == {GOOD}
    assert one.check(first).publics == (), "each key is told once"


def test_a_well_signed_statement_of_the_wrong_shape_is_left_to_whoever_has_the_words() -> None:
    town = founded("node1")
    entries = said_by(town, 0)
    checker = EntryVerifier()
    checker.check(entries)
    pen = town.pen(A)
    draft = Draft(
        iss=A, sub="did:web:other.example", iat=1, eco=town.eco, kind="issuer.register", seq=pen.seq, prev=pen.prev,
        body=register(),
    )  # fmt: skip
    misnamed = encode_signed(draft, KeyPair(pen.seed))
    assert checker.check([misnamed]).marks == bytes([UNMARKED])


def test_a_mark_is_no_admission() -> None:
    """A stranger adds a key to himself: his signature is good, and nobody knows him."""
    town = founded("node1")
    entries = said_by(town, 0)
    stranger, second = Pen("stranger", A), Pen("second", A)
    adds = town.says(stranger, "key.add", key_entry(stranger), A, heard=False)
    also = town.says(stranger, "key.add", key_entry(second), A, heard=False)
    speaks = town.says(second, "issuer.register", register(ISSUER), heard=False)
    found = EntryVerifier().check([*entries, adds.raw, also.raw, speaks.raw])
    assert found.marks[-1] == GOOD
    node = Admission(town.eco)
    for raw in entries:
        node.add(node.admit(decode(raw)))
    for statement in (adds, also, speaks):
        with pytest.raises(NotYetError) as caught:
            node.readmit(statement)
        assert caught.value.code == "unknown_key"
    with pytest.raises(NotYetError):
        node.admit(verify(decode(speaks.raw), second.public))
