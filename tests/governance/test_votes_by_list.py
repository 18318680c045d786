"""One vote decides on a list: on each item what a vote on it alone would, whatever else stands in the list."""

import pytest

from accredit.governance.authority.effect import EffectState
from accredit.governance.rules.rulebook import check_body, work_of
from accredit.governance.standing import standing_of
from accredit.registry.errors import DecodeError
from accredit.registry.limits import STATEMENT_BYTES, VOTE_TARGETS
from accredit.registry.statement import Statement
from tests.strategies.bodies import event, grant, recognition
from tests.strategies.consortium import Consortium
from tests.strategies.stories import A, B, C, state_of, trio, verdict_of


def forked(town: Consortium) -> Statement:
    """A key of A signs two statements with one number; the thief's, which accredits somebody."""
    stolen = town.pen(f"{A}#1").copy()
    town.says(f"{A}#1", "accreditation.grant", grant(issuer="did:web:honest.example"))
    return town.says(stolen, "accreditation.grant", grant(issuer="did:web:thief.example"))


def test_a_key_that_was_cut_off_vouches_for_no_fork_by_adding_what_others_carried_to_its_list() -> None:
    for carried_too in (False, True):
        town = trio(keys=2)
        carried = town.says(f"{A}#2", "recognition.grant", recognition())
        town.votes(f"{C}#1", carried)
        assert state_of(town, carried) is EffectState.EFFECTIVE
        thiefs = forked(town)
        assert state_of(town, thiefs) is EffectState.WAITING
        stolen, before = town.pen(f"{B}#1").copy(), town.time
        town.says(f"{B}#2", "key.compromise", {"key": stolen.kid, "last": stolen.prev}, stolen.kid.hex())
        listed = [carried, thiefs] if carried_too else [thiefs]
        town.says(stolen, "vote.approve", {"targets": [one.id for one in listed]}, town.eco.hex(), iat=before)
        assert state_of(town, carried) is EffectState.EFFECTIVE
        assert state_of(town, thiefs) is EffectState.WAITING, "nobody whose key is good has vouched for it"


def joint(town: Consortium, count: int) -> list[Statement]:
    """Proposals of A that need a second authority."""
    return [
        town.says(f"{A}#1", "recognition.grant", recognition(id=f"https://other{number}.example/"))
        for number in range(count)
    ]


def standing(town: Consortium, subjects: list[Statement]) -> list[tuple[EffectState, tuple[str, ...], int | None]]:
    found = [verdict_of(town, subject) for subject in subjects]
    return [(one.state, one.approvals, one.since) for one in found]


def test_a_list_counts_on_each_item_as_a_vote_on_it_alone() -> None:
    for approve in (True, False):
        apart, listed = trio(), trio()
        each, together = joint(apart, 5), joint(listed, 5)
        iat = apart.time + 10
        for subject in each[:4]:
            kind = "vote.approve" if approve else "vote.reject"
            apart.says(B, kind, {"targets": [subject.id]}, apart.eco.hex(), iat=iat)
        listed.says(B, kind, {"targets": [one.id for one in together[:4]]}, listed.eco.hex(), iat=iat)
        assert standing(apart, each) == standing(listed, together)
        expected = EffectState.EFFECTIVE if approve else EffectState.WAITING
        assert [state_of(listed, one) for one in together] == [*[expected] * 4, EffectState.WAITING]


def test_what_was_not_held_when_the_list_was_signed_is_decided_by_it_once_it_arrives_and_holds_nothing_up() -> None:
    town = trio()
    known, unheard = joint(town, 2)
    town.said.remove(unheard)
    town.votes(B, unheard, known)
    assert state_of(town, known) is EffectState.EFFECTIVE
    town.said.append(unheard)
    assert state_of(town, unheard) is EffectState.EFFECTIVE, "the digest committed to this statement and to no other"


def test_one_item_that_cannot_take_effect_holds_up_no_other() -> None:
    town = trio()
    first, last = joint(town, 2)
    hopeless = town.says(A, "accreditation.status", event(bytes(32), "suspend"), "did:web:nobody.example")
    rejection = town.says(C, "vote.reject", {"targets": [first.id]}, town.eco.hex())
    town.votes(B, hopeless, rejection, first, town.genesis, last)
    assert [state_of(town, one) for one in (first, last)] == [EffectState.EFFECTIVE] * 2
    assert state_of(town, hopeless) is EffectState.INEFFECTIVE


def test_taking_one_item_back_leaves_the_rest_of_the_list_as_it_was() -> None:
    town = trio(rules={"recognition.grant": {"authorities": 3}})
    kept, taken_back = joint(town, 2)
    town.votes(B, kept, taken_back)
    assert standing(town, [kept]) == standing(town, [taken_back])
    town.says(f"{A}#1", "vote.reject", {"targets": [taken_back.id]}, town.eco.hex())
    assert [state_of(town, one) for one in (kept, taken_back)] == [EffectState.WAITING, EffectState.RETRACTED]
    town.votes(C, kept)
    assert [state_of(town, one) for one in (kept, taken_back)] == [EffectState.EFFECTIVE, EffectState.RETRACTED]


def test_a_list_after_the_cut_off_counts_for_no_item_and_one_before_it_for_each() -> None:
    for is_before in (True, False):
        town = trio(keys=2)
        items = joint(town, 3)
        stolen, last = town.pen(f"{B}#1"), town.pen(f"{B}#1").prev
        if is_before:
            last = town.votes(stolen.name, *items).id
        town.says(f"{B}#2", "key.compromise", {"key": stolen.kid, "last": last}, stolen.kid.hex())
        if not is_before:
            town.votes(stolen.name, *items)
        expected = EffectState.EFFECTIVE if is_before else EffectState.WAITING
        assert [state_of(town, one) for one in items] == [expected] * 3


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        ([b"\x01" * 32, b"\x01" * 32], "each member only once"),
        ([], f"a list of 1 to {VOTE_TARGETS} members"),
        ([bytes([1, *divmod(n, 256)]) + bytes(29) for n in range(VOTE_TARGETS + 1)], f"1 to {VOTE_TARGETS} members"),
        ([b"\x01" * 31], "32 bytes"),
    ],
    ids=["twice", "empty", "long", "short"],
)
def test_a_list_that_is_none_is_refused_before_it_is_signed(targets: list[bytes], said: str) -> None:
    for kind in ("vote.approve", "vote.reject"):
        with pytest.raises(DecodeError, match=said):
            check_body(kind, {"targets": targets})


def test_the_longest_list_with_reasons_fits_into_one_statement() -> None:
    town = trio()
    targets = [bytes([1, *divmod(number, 256)]) + bytes(29) for number in range(VOTE_TARGETS)]
    body = {"targets": targets, "urgent": True, "reason_text": "r" * 1000}
    vote = town.says(B, "vote.approve", body, town.eco.hex())
    assert standing_of(town.fold(), vote.id) is not None
    assert len(vote.raw) <= STATEMENT_BYTES


def test_a_list_is_as_much_work_as_the_statements_that_it_names() -> None:
    town = trio()
    subjects = joint(town, 3)
    assert [work_of(one) for one in (*subjects, town.votes(B, *subjects))] == [1, 1, 1, 3]
