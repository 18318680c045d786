"""Presence: a statement is under a quorum's note or it is not, and whoever says otherwise is refuted."""

from base64 import b64encode
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.registry.errors import DecodeError
from accredit.registry.evidence.state_check import CheckError, CheckResult
from accredit.registry.evidence.statement_proof import Presence, Proved, check_presence
from accredit.registry.transparency.state_map import Trie
from tests.strategies.domain import NOW, World
from tests.strategies.noted import Held, node_names, trust


def said(number: int) -> bytes:
    return sha256(b"statement %d" % number).digest()


SAID = Trie((said(number), said(number)) for number in range(40))
HELD = Held.of(World().records(), statements_root=SAID.root())
POLICY = trust(HELD, NOW)


def answer(id: bytes, *, trie: Trie = SAID, held: Held = HELD, **changes: Any) -> dict[str, Any]:
    """What an honest node answers."""
    return {
        "id": id.hex(),
        "present": trie.get(id) is not None,
        "proof": b64encode(trie.prove(id)).decode(),
        "records_root": held.trie.root().hex(),
        "statements_root": trie.root().hex(),
        "note": held.note(NOW).decode(),
        **changes,
    }


def checked(value: Any, id: bytes, now: int = NOW) -> Proved:
    return check_presence(Presence.of(value), id, POLICY, now)


def refused(value: Any, id: bytes, now: int = NOW) -> tuple[CheckResult, str]:
    with pytest.raises(CheckError) as error:
        checked(value, id, now)
    return error.value.result, error.value.check


@given(number=st.integers(0, 80))
def test_what_is_under_the_note_is_proved_and_so_is_what_is_not(number: int) -> None:
    proved = checked(answer(said(number)), said(number))
    assert proved.is_present == (number < 40)
    assert proved.noted.state == HELD.state
    assert len(proved.noted.signers) == 3


@pytest.mark.parametrize("id", [said(3), said(77)], ids=["present", "absent"])
def test_no_answer_is_turned_into_its_contrary(id: bytes) -> None:
    honest = answer(id)
    other = answer(said(4) if id == said(3) else said(78))
    assert refused({**honest, "present": not honest["present"]}, id) == (CheckResult.REFUTED, "present")
    assert refused({**honest, "proof": other["proof"]}, id) == (CheckResult.REFUTED, "proof")
    assert refused({**honest, "id": other["id"]}, id) == (CheckResult.REFUTED, "statement")
    assert refused(other, id) == (CheckResult.REFUTED, "statement")
    assert refused({**other, "id": id.hex()}, id) == (CheckResult.REFUTED, "proof")


@given(data=st.data(), id=st.sampled_from([said(3), said(77)]))
def test_one_other_bit_anywhere_in_the_proof_or_the_roots_refutes_it(data: st.DataObject, id: bytes) -> None:
    honest = answer(id)
    name = data.draw(st.sampled_from(["proof", "records_root", "statements_root", "id"]))
    raw = bytearray(SAID.prove(id) if name == "proof" else bytes.fromhex(honest[name]))
    bit = data.draw(st.integers(0, 8 * len(raw) - 1))
    raw[bit // 8] ^= 1 << bit % 8
    altered = b64encode(raw).decode() if name == "proof" else raw.hex()
    result, check = refused({**honest, name: altered}, id)
    assert result is CheckResult.REFUTED
    assert check == {"proof": "proof", "id": "statement"}.get(name, "root")


def test_a_proof_cut_short_or_gone_on_with_is_refuted() -> None:
    proof = SAID.prove(said(3))
    for other in (proof[:-1], proof[:-32], proof[1:], proof + b"\x00", proof + bytes(32), proof[:2]):
        value = answer(said(3), proof=b64encode(other).decode())
        assert refused(value, said(3)) == (CheckResult.REFUTED, "proof"), other.hex()


def test_swapped_roots_and_another_states_roots_are_refuted() -> None:
    honest, later = answer(said(3)), Trie((said(number), said(number)) for number in range(41))
    swapped = {"records_root": honest["statements_root"], "statements_root": honest["records_root"]}
    assert refused({**honest, **swapped}, said(3)) == (CheckResult.REFUTED, "root")
    # A statement that is new, under the note of before.
    newer = answer(said(40), trie=later)
    assert refused(newer, said(40)) == (CheckResult.REFUTED, "root")
    assert refused({**newer, "statements_root": honest["statements_root"]}, said(40)) == (CheckResult.REFUTED, "proof")


def test_a_leaf_with_a_value_of_its_own_says_nothing() -> None:
    odd = Trie([(said(1), said(1)), (said(2), said(9))])
    held = Held.of(World().records(), statements_root=odd.root())
    assert checked(answer(said(1), trie=odd, held=held), said(1)).is_present
    assert refused(answer(said(2), trie=odd, held=held), said(2)) == (CheckResult.REFUTED, "proof")


def test_a_note_that_does_not_stand_proves_nothing() -> None:
    alone = HELD.note(NOW, by=node_names(2)).decode()
    assert refused(answer(said(3), note=alone), said(3)) == (CheckResult.UNWITNESSED, "quorum")
    assert refused(answer(said(3), note=""), said(3)) == (CheckResult.UNWITNESSED, "note")
    assert refused(answer(said(3)), said(3), NOW + 301) == (CheckResult.STALE, "age")
    assert refused(answer(said(3), note="x"), said(3)) == (CheckResult.REFUTED, "note")
    late = POLICY.expires
    assert refused(answer(said(3)), said(3), late) == (CheckResult.UNKNOWN, "policy")


@pytest.mark.parametrize(
    "changes",
    [
        {"id": 7},
        {"id": "00"},
        {"id": said(3).hex().upper()},
        {"id": f" {said(3).hex()}"},
        {"present": 1},
        {"present": "true"},
        {"present": None},
        {"proof": ""},
        {"proof": 7},
        {"proof": "A"},
        {"proof": "AAB="},
        {"records_root": None},
        {"statements_root": "00"},
        {"note": 7},
        {"note": "\ud800"},
    ],
)
def test_what_is_no_such_answer_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(DecodeError, match="not a proof about a statement"):
        Presence.of({**answer(said(3)), **changes})


@pytest.mark.parametrize("name", ["id", "present", "proof", "records_root", "statements_root", "note"])
def test_every_member_is_asked_for(name: str) -> None:
    value = answer(said(3))
    del value[name]
    with pytest.raises(DecodeError):
        Presence.of(value)
    others: list[Any] = [None, [], "x", 7]
    for other in others:
        with pytest.raises(DecodeError):
            Presence.of(other)
