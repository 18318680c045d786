"""Issuance receipts: what they prove, every way to claim more, and what they keep to themselves."""

import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.registry.domain.issuance import EXPONENT_MAX, content_of, exponent_for, leaf
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.errors import DecodeError
from accredit.registry.evidence.issuance_receipt import Existence, IssuanceReceipt, check_receipt, issuer_of
from accredit.registry.evidence.state_check import CheckError, CheckResult
from accredit.registry.statement import Draft, decode, encode_signed
from accredit.registry.transparency.state_note import StateNote
from accredit.registry.transparency.state_trie import state_root
from tests.strategies.committing import HELD_AT, KEY, SCHOOL, SEED, Committed, committed, credential
from tests.strategies.domain import GENESIS, NOW
from tests.strategies.noted import cosigned, node_names
from tests.strategies.searching import SOME

ADA, BOB = credential("Ada"), credential("Bob")
OTHER_SEED = sha256(b"another key").digest()
DAY = 86_400


@pytest.fixture(scope="module")
def said() -> Committed:
    return committed([ADA, BOB])


def refused(receipt: IssuanceReceipt, said: Committed, of: Any = ADA, now: int = NOW) -> tuple[CheckResult, str]:
    with pytest.raises(CheckError) as error:
        check_receipt(receipt, of, said.policy, now)
    return error.value.result, error.value.check


def test_a_receipt_proves_by_when_its_credential_existed_and_survives_its_file(said: Committed) -> None:
    again = IssuanceReceipt.decode(said.receipts[0].encode())
    assert again == said.receipts[0]
    found = check_receipt(again, ADA, said.policy, NOW)
    assert found == Existence(
        existed_by=HELD_AT + 10, issuer=decode(again.statement).iss, key=KEY, statement=said.statement
    )
    assert len(said.receipts[0].encode()) < 6_000, "a holder keeps it beside the credential"


def test_a_note_of_years_ago_is_what_a_receipt_is_for(said: Committed) -> None:
    late = replace(said.policy, expires=NOW + 20 * 365 * DAY)
    assert check_receipt(said.receipts[0], ADA, late, late.expires - DAY).existed_by == HELD_AT + 10
    old = committed([ADA], fold=1)
    assert check_receipt(old.receipts[0], ADA, old.policy, NOW).existed_by == HELD_AT + 10, "an older fold"
    ahead = replace(said.policy, count=10**6, root=bytes(32))
    assert check_receipt(said.receipts[0], ADA, ahead, NOW), "a lower count than was verified since"


def test_a_signature_made_anew_makes_no_other_credential(said: Committed) -> None:
    resigned = {**ADA, "proof": {"type": "x"}, "proofs": [1]}
    assert check_receipt(said.receipts[0], resigned, said.policy, NOW)


STATUS = {"type": "BitstringStatusListEntry", "statusListCredential": "https://s.example/1", "statusListIndex": "7"}


def test_a_thief_of_the_key_who_strips_the_status_off_an_old_credential_loses_its_receipt() -> None:
    """Else a credential that was revoked comes back, signed by the stolen key, as one that nobody can revoke."""
    revocable = {**ADA, "credentialStatus": STATUS}
    said = committed([revocable, ADA])
    resigned = {**revocable, "proof": {"type": "by the thief"}}
    assert check_receipt(said.receipts[0], resigned, said.policy, NOW)
    for changed in (
        ADA,
        {**ADA, "credentialStatus": {**STATUS, "statusListIndex": "8"}},
        {**ADA, "credentialStatus": []},
    ):
        assert refused(said.receipts[0], said, changed) == (CheckResult.REFUTED, "leaf")
    assert refused(said.receipts[1], said, revocable) == (CheckResult.REFUTED, "leaf"), "nor is one put on"


def test_a_receipt_does_not_tell_what_the_status_of_its_credential_is() -> None:
    """Without the credential nobody finds its place in the list, although there are only some hundred thousand."""
    said = committed([{**ADA, "credentialStatus": {**STATUS, "statusListIndex": str(index)}} for index in range(2)])
    receipt = said.receipts[0]
    guessed = [leaf(receipt.salt, content_of({"credentialStatus": {**STATUS, "statusListIndex": "0"}}))]
    assert not {*guessed} & {*receipt.path, decode(receipt.statement).body["root"]}
    assert b"status" not in receipt.encode().replace(b"statements_root", b"")


def test_a_credential_in_a_jwt_is_its_payload_and_signatures_are_left_out_inside() -> None:
    vc = {"type": ["VerifiableCredential"], "credentialStatus": {"id": "a"}}
    payload = {"iss": SCHOOL, "nbf": 1, "vc": vc}
    said = committed([payload])
    assert check_receipt(said.receipts[0], {**payload, "vc": {**vc, "proof": {"type": "x"}}}, said.policy, NOW)
    moved = {**payload, "vc": {**vc, "credentialStatus": {"id": "b"}}}
    assert refused(said.receipts[0], said, moved) == (CheckResult.REFUTED, "leaf")


def test_the_receipt_of_another_credential_proves_nothing(said: Committed) -> None:
    assert refused(said.receipts[1], said) == (CheckResult.REFUTED, "leaf")
    altered = {**ADA, "credentialSubject": {**ADA["credentialSubject"], "name": "Eve"}}
    assert refused(said.receipts[0], said, altered) == (CheckResult.REFUTED, "leaf")


@pytest.mark.no_cover
@SOME
@given(data=st.data())
def test_one_other_bit_in_salt_path_or_place_refutes_it(data: st.DataObject) -> None:
    said = committed([ADA, BOB])
    receipt = said.receipts[0]
    which = data.draw(st.sampled_from(["salt", "index", "path"]))
    if which == "index":
        changed = replace(receipt, index=receipt.index ^ 1 << data.draw(st.integers(0, 9)))
    elif which == "salt":
        changed = replace(receipt, salt=_flipped(receipt.salt, data))
    else:
        at = data.draw(st.integers(0, 9))
        path = list(receipt.path)
        path[at] = _flipped(path[at], data)
        changed = replace(receipt, path=tuple(path))
    assert refused(changed, said) == (CheckResult.REFUTED, "leaf")


def _flipped(raw: bytes, data: st.DataObject) -> bytes:
    bit = data.draw(st.integers(0, 8 * len(raw) - 1))
    return (int.from_bytes(raw, "big") ^ 1 << bit).to_bytes(len(raw), "big")


@pytest.mark.parametrize("length", [0, 9, 11])
def test_a_path_of_another_length_is_refused(said: Committed, length: int) -> None:
    receipt = said.receipts[0]
    path = (*receipt.path, bytes(32))[:length]
    assert refused(replace(receipt, path=path), said) == (CheckResult.REFUTED, "leaf")


def test_another_issuers_commitment_proves_nothing_of_this_ones_credential() -> None:
    """Whoever may speak here could commit to a stranger's credential, and so seem to vouch for its date."""
    rival = committed([ADA], issuer="did:web:rival.example", seed=OTHER_SEED)
    assert refused(rival.receipts[0], rival) == (CheckResult.REFUTED, "issuer")
    posing = replace(rival.receipts[0], issuer=said_by(SCHOOL))
    assert refused(posing, rival) == (CheckResult.REFUTED, "issuer")


def said_by(id: str) -> Any:
    return id


def test_a_key_that_did_not_sign_the_commitment_is_told_from_the_one_that_did(said: Committed) -> None:
    other = committed([ADA], seed=OTHER_SEED)
    assert refused(replace(said.receipts[0], key=other.receipts[0].key), said) == (CheckResult.REFUTED, "key")
    assert refused(replace(said.receipts[0], key="z6Mknonsense"), said) == (CheckResult.REFUTED, "key")
    raw = bytearray(said.receipts[0].statement)
    raw[-1] ^= 1
    assert refused(replace(said.receipts[0], statement=bytes(raw)), said) == (CheckResult.REFUTED, "key")


def test_a_commitment_dated_back_proves_no_more_than_when_it_was_held() -> None:
    liar = committed([ADA], iat=HELD_AT - 10 * 365 * DAY)
    assert check_receipt(liar.receipts[0], ADA, liar.policy, NOW).existed_by == HELD_AT + 10


def test_one_signer_that_dates_its_cosignature_back_moves_nothing() -> None:
    """Of four signers one may lie: the earliest time by which three had cosigned is that of an honest one, or later."""
    liar = committed([ADA], times=(HELD_AT - 10 * DAY, HELD_AT, HELD_AT + 5, HELD_AT + 10))
    assert check_receipt(liar.receipts[0], ADA, liar.policy, NOW).existed_by == HELD_AT + 5


@pytest.mark.parametrize(
    ("break_it", "answer"),
    [
        (lambda r: replace(r, proof=None), (CheckResult.UNWITNESSED, "proof")),
        (lambda r: replace(r, proof={**r.proof, "proof": "AAAA"}), (CheckResult.REFUTED, "proof")),
        (lambda r: replace(r, proof={}), (CheckResult.REFUTED, "proof")),
        (lambda r: replace(r, proof={**r.proof, "records_root": "00" * 32}), (CheckResult.REFUTED, "root")),
        (lambda r: replace(r, proof={**r.proof, "note": "no note"}), (CheckResult.REFUTED, "note")),
        (lambda r: replace(r, statement=b"\xd2"), (CheckResult.REFUTED, "statement")),
        (lambda r: replace(r, statement=r.statement[:-1]), (CheckResult.REFUTED, "statement")),
    ],
)
def test_what_is_broken_is_named(
    said: Committed, break_it: Callable[[Any], IssuanceReceipt], answer: tuple[CheckResult, str]
) -> None:
    assert refused(break_it(said.receipts[0]), said) == answer


def test_a_statement_of_another_kind_or_shape_is_no_commitment() -> None:
    wrong = committed([ADA], kind="issuer.update")
    assert refused(wrong.receipts[0], wrong) == (CheckResult.REFUTED, "statement")
    wide = committed([ADA], size_exponent=9)
    assert refused(wide.receipts[0], wide) == (CheckResult.REFUTED, "statement")
    about = committed([ADA], issuer=SCHOOL, ext={"x": 1})
    assert check_receipt(about.receipts[0], ADA, about.policy, NOW)


def test_a_statement_about_somebody_else_is_no_commitment(said: Committed) -> None:
    body, other = decode(said.receipts[0].statement).body, "did:web:x.example"
    draft = Draft(iss=SCHOOL, sub=other, iat=1, eco=GENESIS, kind="issuance.commit", seq=1, prev=None, body=body)
    raw = encode_signed(draft, KeyPair(SEED))
    assert refused(replace(said.receipts[0], statement=raw), said) == (CheckResult.REFUTED, "statement")


def test_a_state_that_does_not_hold_it_proves_nothing() -> None:
    absent = committed([ADA], holds=False)
    assert refused(absent.receipts[0], absent) == (CheckResult.REFUTED, "proof")


def test_too_few_or_unknown_signers_prove_nothing_and_neither_do_those_of_tomorrow() -> None:
    few = committed([ADA], times=(HELD_AT, HELD_AT))
    assert refused(few.receipts[0], few) == (CheckResult.UNWITNESSED, "quorum")
    tomorrow = committed([ADA], times=(NOW + DAY,) * 4)
    assert refused(tomorrow.receipts[0], tomorrow) == (CheckResult.STALE, "age")
    proof = dict(few.receipts[0].proof or {})
    note = proof["note"].replace("— n0.example", "— m0.example").replace("— n1.example", "— m1.example")
    unknown = replace(few.receipts[0], proof={**proof, "note": note})
    assert refused(unknown, few) == (CheckResult.UNWITNESSED, "cosignatures")


def test_another_ecosystem_and_a_policy_that_has_ended_say_so(said: Committed) -> None:
    elsewhere = replace(said, policy=replace(said.policy, ecosystem=bytes(32)))
    assert refused(said.receipts[0], elsewhere) == (CheckResult.UNKNOWN, "ecosystem")
    ended = replace(said, policy=replace(said.policy, expires=NOW))
    assert refused(said.receipts[0], ended) == (CheckResult.UNKNOWN, "policy")
    proof = dict(said.receipts[0].proof or {})
    genesis = said.policy.ecosystem.hex()
    assert genesis in proof["note"]
    foreign = replace(said.receipts[0], proof=foreign_note(proof))
    assert refused(foreign, said) == (CheckResult.UNKNOWN, "ecosystem")


def foreign_note(proof: dict[str, Any]) -> dict[str, Any]:
    """The same roots, noted by the same signers for another ecosystem."""
    root = state_root(bytes.fromhex(proof["records_root"]), bytes.fromhex(proof["statements_root"]))
    state = StateNote(name="Other", ecosystem=bytes(32), fold=1, count=9, root=root)
    return {**proof, "note": cosigned(state, HELD_AT, node_names(4)).decode()}


@pytest.mark.parametrize(
    ("given_", "check"),
    [
        ([], "credential"),
        ({"issuer": 7}, "credential"),
        ({"name": "no issuer"}, "credential"),
        ({"issuer": "not an id"}, "credential"),
        ({**ADA, "n": 2**53 + 1}, "credential"),
        ({**ADA, "issuer": "did:web:rival.example"}, "issuer"),
    ],
)
def test_what_is_no_credential_of_the_issuer_is_refused(said: Committed, given_: Any, check: str) -> None:
    assert refused(said.receipts[0], said, given_)[1] == check


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": SCHOOL},
        {"issuer": {"id": f"{SCHOOL}#key-1"}},
        {"iss": SCHOOL},
        {"iss": SCHOOL, "vc": {}},
        {"vc": {"issuer": SCHOOL}},
    ],
)
def test_the_issuer_is_found_where_each_form_names_it(document: dict[str, Any]) -> None:
    assert issuer_of(document) == SCHOOL


@pytest.mark.parametrize("document", [[], "x", {}, {"issuer": []}, {"vc": 7}])
def test_what_names_no_issuer_says_so(document: Any) -> None:
    with pytest.raises(DecodeError, match="issuer"):
        issuer_of(document)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[]", "not_a_receipt"),
        ("{}", "not_a_receipt"),
        ("{", "not_json"),
        ('{"salt": "AA==", "v": 1}', "missing_member"),
        ("x" * 70_000, "too_large"),
    ],
)
def test_a_file_that_is_no_receipt_says_what_it_is(text: str, code: str) -> None:
    with pytest.raises(DecodeError) as error:
        IssuanceReceipt.decode(text.encode())
    assert error.value.code == code


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("salt", "AAAA"),
        ("salt", "!"),
        ("path", ["!"]),
        ("index", -1),
        ("proof", 7),
        ("statement", "!"),
        ("v", 2),
        ("x", 1),
    ],
)
def test_a_receipt_with_a_wrong_member_names_it(said: Committed, member: str, value: Any) -> None:
    members = json.loads(said.receipts[0].encode())
    with pytest.raises(DecodeError) as error:
        IssuanceReceipt.decode(json.dumps({**members, member: value}).encode())
    assert member in f"{error.value} {error.value.where}"


# ------------------------------------------------------------------------------------------------ privacy


def test_the_same_credential_twice_gives_two_leaves_that_nothing_connects() -> None:
    twice = committed([ADA, ADA])
    first, second = twice.receipts
    assert leaf(first.salt, content_of(ADA)) != leaf(second.salt, content_of(ADA))
    assert not set(first.path[:5]) & set(second.path[:5]), "their paths meet near the root at most"


def test_log_and_one_receipt_say_the_same_whatever_the_others_hold() -> None:
    """With the same random numbers, two worlds that differ in Bob's credential only. Ada's receipt must not tell which:
    in each world every hash it has is that of a salted leaf whose salt she lacks, or of a random one."""
    with_bob, with_eve = committed([ADA, BOB]), committed([ADA, credential("Eve")])
    mine, yours = with_bob.receipts[0], with_eve.receipts[0]
    assert (mine.salt, mine.index) == (yours.salt, yours.index)
    differing = [at for at, pair in enumerate(zip(mine.path, yours.path, strict=True)) if pair[0] != pair[1]]
    assert len(differing) == 1, "one subtree holds his leaf"
    guesses = [leaf(salt, content_of(one)) for one in (BOB, credential("Eve")) for salt in (mine.salt, bytes(32))]
    body = decode(mine.statement).body
    shown = {*mine.path, mine.salt, body["root"]}
    assert not shown & {*guesses, *(sha256(content_of(one)).digest() for one in (ADA, BOB))}


def test_nothing_tells_how_many_there_are() -> None:
    one, many = committed([ADA]), committed([credential(str(number)) for number in range(900)])
    bodies = [decode(said.receipts[0].statement).body for said in (one, many)]
    assert bodies[0]["size_exponent"] == bodies[1]["size_exponent"] == 10
    assert set(bodies[0]) == set(bodies[1])
    sizes = [len(replace(said.receipts[0], proof=None).encode()) for said in (one, many)]
    assert abs(sizes[0] - sizes[1]) < 4, "but for the digits of the place"


def test_places_are_drawn_so_that_order_says_nothing() -> None:
    places = [committed([ADA], random=seed).receipts[0].index for seed in range(12)]
    assert len(set(places)) > 8


@pytest.mark.parametrize(("count", "exponent"), [(1, 10), (1_024, 10), (1_025, 11), (2**20, EXPONENT_MAX)])
def test_a_tree_has_room_for_all_and_never_fewer_than_a_thousand_leaves(count: int, exponent: int) -> None:
    assert exponent_for(count) == exponent


def test_more_than_a_tree_can_hold_is_refused() -> None:
    with pytest.raises(DecodeError, match="several parts"):
        exponent_for(2**EXPONENT_MAX + 1)
