"""Taking back what one proposed, and mending an amendment: nothing in effect is undone, no key carries two."""

from itertools import permutations

import pytest

from accredit.governance.authority.effect import EffectState
from accredit.governance.standing import waiting_proposals
from accredit.registry.statement import Statement
from tests.strategies.bodies import event, grant, recognition, register
from tests.strategies.consortium import Consortium, Pen, fold_of, key_entry
from tests.strategies.stories import (
    DELEGATE,
    TRIO,
    A,
    B,
    C,
    D,
    amend,
    annul,
    charter_name,
    delegate,
    explain,
    state_of,
    trio,
    verdict_of,
)

TWO_OF_TWO = TRIO[:2]
FOUR = (*TRIO, (D, "labor"))


def takes_back(town: Consortium, who: str | Pen, subject: Statement, *, in_words: bool = False) -> Statement:
    body = {"targets": [subject.id]} | ({"retract": True} if in_words else {})
    return town.says(who, "vote.reject", body, town.eco.hex())


# ------------------------------------------------------------------------------------------------ proposals


def test_a_proposal_that_its_author_takes_back_is_gone_and_nobody_is_asked_to_vote_on_it() -> None:
    town = trio()
    proposed = town.says(A, "recognition.grant", recognition())
    takes_back(town, A, proposed)

    assert (state_of(town, proposed), verdict_of(town, proposed).reason) == (
        EffectState.RETRACTED,
        f"{A} has taken it back.",
    )
    assert waiting_proposals(town.fold()) == []
    assert proposed.id in town.fold(), "it stays in the record"
    for kind, who in (("vote.approve", B), ("vote.reject", B), ("vote.reject", A)):
        refused = explain(town, who, kind, {"targets": [proposed.id]})
        assert refused.state is EffectState.INEFFECTIVE, (kind, who)


def test_another_key_of_the_authority_takes_back_only_if_it_says_so() -> None:
    town = trio(keys=3, threshold=2)
    proposed = town.says(f"{A}#1", "issuer.register", register())
    takes_back(town, f"{A}#2", proposed)
    assert state_of(town, proposed) is EffectState.WAITING, "a colleague who is against it has only voted"
    assert "has already rejected" in explain(town, f"{A}#2", "vote.reject", {"targets": [proposed.id]}).reason
    assert (
        explain(town, f"{A}#3", "vote.reject", {"targets": [proposed.id], "retract": True}).state
        is EffectState.EFFECTIVE
    )

    takes_back(town, f"{A}#3", proposed, in_words=True)

    assert state_of(town, proposed) is EffectState.RETRACTED


def test_another_key_takes_back_what_its_body_proposed_whatever_else_that_key_speaks_for() -> None:
    town = trio()
    first, made = delegate(town, keys=2, threshold=2)
    second = town.pen(f"{DELEGATE}#2")
    town.says(B, "authority.delegate", made.body | {"keys": [key_entry(second, budget=20)], "threshold": 1})
    proposed = town.says(first, "issuer.register", register())
    body = {"targets": [proposed.id], "retract": True}
    assert explain(town, second, "vote.reject", body).state is EffectState.EFFECTIVE

    takes_back(town, second, proposed, in_words=True)

    assert state_of(town, proposed) is EffectState.RETRACTED


def test_no_other_authority_takes_a_proposal_back() -> None:
    town = trio()
    proposed = town.says(A, "recognition.grant", recognition())
    takes_back(town, B, proposed, in_words=True)

    assert state_of(town, proposed) is EffectState.WAITING
    assert "only https://a.example/ can take" in explain(
        town, C, "vote.reject", {"targets": [proposed.id], "retract": True}
    ).reason.replace("Only", "only")


@pytest.mark.parametrize("dated_back", [0, 500])
def test_what_took_effect_is_not_undone_by_taking_it_back_however_it_is_dated(dated_back: int) -> None:
    """The author of a joint decision alone, or a thief of his key, says that he had taken it back before."""
    town = trio()
    joint = town.says(A, "recognition.grant", recognition())
    town.votes(B, joint)
    assert state_of(town, joint) is EffectState.EFFECTIVE
    root = town.fold().records_root()
    body = {"targets": [joint.id]}
    town.says(A, "vote.reject", body, town.eco.hex(), iat=max(joint.iat, town.time - dated_back))

    assert state_of(town, joint) is EffectState.EFFECTIVE
    assert town.fold().records_root() == root
    assert "is already in effect" in explain(town, A, "vote.reject", body).reason


@pytest.mark.no_cover
def test_taking_back_says_the_same_in_every_order() -> None:
    town = trio()
    proposed = town.says(A, "recognition.grant", recognition())
    taken = takes_back(town, A, proposed)
    carried = town.says(B, "recognition.grant", recognition("https://other.example/"))
    vote = town.votes(C, carried)
    late = takes_back(town, B, carried)
    before = town.said[: -len((proposed, taken, carried, vote, late))]
    roots = {
        fold_of(town.eco, [*before, *order], batch=1).state_root()
        for order in permutations((proposed, taken, carried, vote, late))
    }
    assert len(roots) == 1
    assert (state_of(town, proposed), state_of(town, carried)) == (EffectState.RETRACTED, EffectState.EFFECTIVE)


def test_a_retraction_by_a_key_cut_off_before_it_counts_for_nothing() -> None:
    town = trio(keys=2, threshold=1)
    proposed = town.says(f"{A}#1", "recognition.grant", recognition())
    takes_back(town, f"{A}#1", proposed)
    assert state_of(town, proposed) is EffectState.RETRACTED
    stolen = {"key": town.pen(f"{A}#1").kid, "last": proposed.id}
    town.says(f"{A}#2", "key.compromise", stolen, A)

    assert state_of(town, proposed) is EffectState.WAITING


def test_a_key_in_doubt_takes_back_what_it_proposed_before() -> None:
    town = trio()
    proposed = town.says(A, "recognition.grant", recognition())
    thief = town.pen(A).copy()
    town.says(thief, "issuer.register", register())
    takes_back(town, A, proposed)

    assert state_of(town, proposed) is EffectState.RETRACTED


def test_votes_on_what_is_decided_or_hopeless_are_refused_before_signing_with_the_reason() -> None:
    town = trio()
    given = town.says(A, "accreditation.grant", grant())
    foreign = town.says(B, "accreditation.status", event(given.id, "suspend"), given.sub)
    wrong = annul(town, A, given)
    town.votes(B, wrong)

    for subject, says in ((wrong, "is already in effect"), (foreign, "cannot take effect")):
        refused = explain(town, C, "vote.approve", {"targets": [subject.id]})
        assert says in refused.reason, refused


# ------------------------------------------------------------------------------------------------ amendments


def test_a_mistaken_amendment_is_mended_before_it_passes() -> None:
    town = Consortium.of(*TWO_OF_TWO)
    mistaken = amend(town, A, authorities=TWO_OF_TWO, name="Exmaple")
    takes_back(town, A, mistaken)
    mended = amend(town, A, authorities=TWO_OF_TWO, name="Example")
    assert (state_of(town, mistaken), state_of(town, mended)) == (EffectState.RETRACTED, EffectState.WAITING)
    town.votes(B, mended)

    assert state_of(town, mended) is EffectState.EFFECTIVE
    assert charter_name(town) == "Example"
    assert state_of(town, mistaken) is not EffectState.EFFECTIVE


def test_a_second_amendment_without_taking_the_first_back_is_refused_before_signing() -> None:
    town = Consortium.of(*TWO_OF_TWO)
    mistaken = amend(town, A, authorities=TWO_OF_TWO, name="Exmaple")
    body = {**mistaken.body, "heads": town.heads()}

    refused = explain(town, A, "charter.amend", body, town.id)

    assert refused.state is EffectState.INEFFECTIVE
    assert f"approved amendment {mistaken.id.hex()[:12]}" in refused.reason
    assert "has not taken it back" in refused.reason
    second = amend(town, A, authorities=TWO_OF_TWO, name="Example")
    town.votes(B, second)
    standing = verdict_of(town, second)
    assert (standing.state, standing.approvals) == (EffectState.CLOSED, (B,)), (
        "what cannot count is not shown as counted"
    )
    assert "Its author's own approval does not count" in standing.reason


def test_one_key_never_carries_two_amendments() -> None:
    """A takes one back and carries another with C; B then approves the one taken back. Only one may pass."""
    town = trio()
    first = amend(town, A, name="First")
    takes_back(town, A, first)
    second = amend(town, A, name="Second")
    town.votes(C, second)
    assert state_of(town, second) is EffectState.WAITING, "B could still carry the first with A"
    assert "can no longer pass" in verdict_of(town, second).reason

    late = town.votes(B, first)
    assert charter_name(town) == "First"
    assert state_of(town, second) is not EffectState.EFFECTIVE

    town.said.remove(late)
    town.pen(B).seq, town.pen(B).prev = late.seq, late.prev
    town.votes(B, first, approve=False)
    assert charter_name(town) == "Second"
    town.votes(B, first)  # a key's first vote on a statement is its vote for good
    assert charter_name(town) == "Second"


def test_an_amendment_in_force_is_not_rewound_by_taking_it_back_and_approving_another() -> None:
    town = trio()
    first = amend(town, A, name="First")
    town.votes(B, first)
    takes_back(town, A, first)
    takes_back(town, B, first)
    rival = amend(town, A, parent=town.genesis, name="Rival")
    for who in (B, C):
        town.votes(who, rival)

    assert charter_name(town) == "First"
    assert state_of(town, rival) is EffectState.INEFFECTIVE


def test_whoever_approved_the_mistaken_one_may_approve_what_was_made_after_he_took_that_back() -> None:
    town = Consortium.of(*TWO_OF_TWO, keys=2, threshold=2)
    mistaken = amend(town, f"{A}#1", authorities=TWO_OF_TWO, keys=2, threshold=2, name="Exmaple")
    town.votes(f"{B}#1", mistaken)
    takes_back(town, f"{A}#1", mistaken)
    too_early = amend(town, f"{A}#1", authorities=TWO_OF_TWO, keys=2, threshold=2, name="Example")
    vote = {"targets": [too_early.id]}
    assert "has not taken it back" in explain(town, f"{B}#1", "vote.approve", vote).reason
    takes_back(town, f"{B}#1", mistaken)
    assert "took it back after this amendment was made" in explain(town, f"{B}#1", "vote.approve", vote).reason
    takes_back(town, f"{A}#1", too_early)
    mended = amend(town, f"{A}#1", authorities=TWO_OF_TWO, keys=2, threshold=2, name="Example")
    for who in (f"{A}#2", f"{B}#1", f"{B}#2"):
        town.votes(who, mended)

    assert state_of(town, mended) is EffectState.EFFECTIVE


def test_a_vote_that_rejects_before_it_approves_never_approves() -> None:
    town = Consortium.of(*TWO_OF_TWO)
    proposed = amend(town, A, authorities=TWO_OF_TWO)
    town.votes(B, proposed, approve=False)
    town.votes(B, proposed)

    assert state_of(town, proposed) is EffectState.CLOSED


def test_an_amendment_whose_heads_are_not_held_may_still_pass_so_nobody_is_free_of_it_yet() -> None:
    town = Consortium.of(*TWO_OF_TWO)
    unseen = town.says(B, "issuer.register", register(), heard=False)
    heads = [*[h for h in town.heads() if h["key"] != unseen.kid], {"key": unseen.kid, "id": unseen.id}]
    mistaken = amend(town, A, authorities=TWO_OF_TWO, heads=sorted(heads, key=lambda h: h["key"]))
    takes_back(town, A, mistaken)
    mended = amend(town, A, authorities=TWO_OF_TWO, name="Example")

    assert state_of(town, mended) is EffectState.WAITING
    assert "can no longer pass" in verdict_of(town, mended).reason


@pytest.mark.no_cover
def test_a_key_that_turns_too_often_is_looked_at_no_more() -> None:
    town = Consortium.of(*TWO_OF_TWO)
    for number in range(17):
        proposed = amend(town, A, authorities=TWO_OF_TWO, name=f"Try {number}")
        takes_back(town, A, proposed)
    last = amend(town, A, authorities=TWO_OF_TWO, name="Too late")
    town.votes(B, last)

    assert state_of(town, last) is not EffectState.EFFECTIVE


def test_a_key_in_two_hands_that_left_an_amendment_does_not_bring_the_one_it_left_to_power() -> None:
    """B, having made the first hopeless, signs a second history in which it approves it after all."""
    has_lower_id = set[bool]()
    for number in range(8):
        town = trio()
        first = amend(town, A, name="First")
        takes_back(town, A, first)
        second = amend(town, A, name=f"Second {number}")
        other_hand = town.pen(B).copy()
        town.votes(B, first, approve=False)
        town.votes(C, second)
        assert charter_name(town) == f"Second {number}"

        town.votes(other_hand, first)

        assert charter_name(town) == f"Second {number}"
        assert any("two amendments of version 1 passed" in alarm for alarm in town.fold().alarms())
        has_lower_id.add(first.id < second.id)
    assert has_lower_id == {True, False}, "the ids must not be what decides"


def test_an_amendment_that_half_of_the_bodies_could_still_approve_can_no_longer_pass() -> None:
    """However little the rules ask: more than half must speak, so whoever took it back is free."""
    rules = {"charter.amend": {"authorities": 2}}
    town = Consortium.of(*FOUR, rules=rules)
    mistaken = amend(town, A, authorities=FOUR, rules=rules, name="Exmaple")
    town.votes(B, mistaken, approve=False)
    takes_back(town, A, mistaken)
    mended = amend(town, A, authorities=FOUR, rules=rules, name="Example")
    for who in (B, C):
        town.votes(who, mended)

    assert charter_name(town) == "Example"


def test_a_key_added_since_counts_among_those_who_could_still_carry_an_amendment() -> None:
    town = Consortium.of(*TWO_OF_TWO)
    second = Pen("second of B", B)
    town.says(B, "key.add", key_entry(second, budget=20), B)
    mistaken = amend(town, A, authorities=TWO_OF_TWO, name="Exmaple")
    town.votes(B, mistaken, approve=False)
    takes_back(town, A, mistaken)
    mended = amend(town, A, authorities=TWO_OF_TWO, name="Example")
    town.votes(B, mended)
    assert state_of(town, mended) is EffectState.WAITING, "B's second key could still carry the mistaken one"

    town.votes(second, mistaken, approve=False)

    assert charter_name(town) == "Example"


def test_whoever_took_back_an_amendment_that_could_never_pass_is_free_at_once() -> None:
    town = Consortium.of(*TWO_OF_TWO)
    hopeless = amend(town, A, version=7, authorities=TWO_OF_TWO)
    against = {"targets": [hopeless.id]}
    assert "cannot take effect" in explain(town, B, "vote.reject", against).reason
    takes_back(town, A, hopeless)
    mended = amend(town, A, authorities=TWO_OF_TWO, name="Example")
    assert verdict_of(town, mended).approvals == (A,)
    assert explain(town, B, "vote.reject", {"targets": [mended.id]}).state is EffectState.EFFECTIVE


def test_the_mended_amendment_may_be_signed_once_the_mistaken_one_is_taken_back() -> None:
    town = Consortium.of(*TWO_OF_TWO)
    mistaken = amend(town, A, authorities=TWO_OF_TWO, name="Exmaple")
    takes_back(town, A, mistaken)
    body = {**mistaken.body, "heads": town.heads()}

    drafted = explain(town, A, "charter.amend", body, town.id)

    assert drafted.state is EffectState.WAITING
    assert "can no longer pass" in drafted.reason, "B could still carry the mistaken one with A"
