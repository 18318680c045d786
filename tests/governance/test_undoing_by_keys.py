"""Nobody takes a decision back by ending a key that had a hand in it, and no friend of a thief's vouches for him.

Each attack stands beside the honest use it resembles.
"""

from typing import Any

import pytest

from accredit.governance.authority.effect import EffectState
from accredit.registry.decision.verdict import Verdict
from accredit.registry.encoding.ed25519 import multibase
from accredit.registry.statement import Statement
from tests.strategies.bodies import ISSUER, SCOPE, delegation, event, framework, grant, node, register
from tests.strategies.consortium import START, Consortium, Pen, key_entry
from tests.strategies.stories import (
    A,
    B,
    C,
    amend,
    answer,
    compromise,
    delegate,
    granted,
    record_of,
    state_of,
    status,
    trio,
    verdict_of,
)


def revoked_by_two() -> tuple[Consortium, Statement, Statement]:
    town = trio(keys=2)
    given = granted(town, f"{A}#1")
    last = town.said[-1]
    revoked = status(town, f"{A}#1", given, "revoke", void_from=START)
    town.votes(f"{B}#1", revoked)
    assert answer(town) is Verdict.NOT_TRUSTED
    return town, last, revoked


@pytest.mark.parametrize("kind", ["key.retire", "key.rotate", "key.compromise"])
def test_one_body_does_not_take_back_a_joint_revocation_by_ending_its_own_key(kind: str) -> None:
    town, last, revoked = revoked_by_two()
    body: dict[str, Any] = {"key": town.pen(f"{A}#1").kid, "last": last.id}
    if kind == "key.rotate":
        body["new"] = key_entry(Pen("new of A", A), budget=50)
    town.says(f"{A}#2", kind, body, A)

    assert answer(town) is Verdict.NOT_TRUSTED
    assert state_of(town, revoked) is EffectState.EFFECTIVE
    assert town.fold().is_committed(revoked.id)


def test_as_many_as_a_decision_took_end_the_key_that_helped_to_carry_it_and_it_falls() -> None:
    """This cures a joint theft."""
    town, last, revoked = revoked_by_two()
    town.votes(f"{B}#2", compromise(town, f"{A}#2", town.pen(f"{A}#1"), last))

    assert state_of(town, revoked) is EffectState.VOID
    assert answer(town) is Verdict.TRUSTED


def test_one_body_does_not_take_back_its_vote_by_ending_the_key() -> None:
    town = trio(keys=2)
    given = granted(town, f"{A}#1")
    revoked = status(town, f"{A}#1", given, "revoke", void_from=START)
    before = town.says(f"{B}#1", "issuer.register", register("did:web:other.example"))
    town.votes(f"{B}#1", revoked)
    admitted = town.says(f"{A}#1", "node.admit", node("n1.example"))
    town.votes(f"{B}#1", admitted)
    compromise(town, f"{B}#2", town.pen(f"{B}#1"), before)

    assert answer(town) is Verdict.NOT_TRUSTED
    assert record_of(town, "node", "n1.example")["operator"] == A


def test_one_body_voids_what_it_said_alone() -> None:
    town = trio(keys=2)
    given = granted(town, f"{A}#1")
    last = town.said[-1]
    forged = town.says(f"{A}#1", "accreditation.grant", grant("did:web:mill.example"))
    suspended = status(town, f"{A}#1", given, "suspend")
    compromise(town, f"{A}#2", town.pen(f"{A}#1"), last)

    assert state_of(town, forged) is EffectState.VOID
    assert state_of(town, suspended) is EffectState.VOID


def test_keys_long_retired_carry_nothing_between_them() -> None:
    """Who has bought the retired keys of two bodies dates what he signs with them as he likes."""
    town = trio(keys=2)
    town.time += 100
    ends = {}
    for by in (A, B):
        ends[by] = town.pen(f"{by}#1").copy()
        compromise(town, f"{by}#2", town.pen(f"{by}#1"), town.genesis if by == A else None)
    bought = town.says(ends[A], "node.admit", node("bought.example"), iat=START + 50)
    town.says(ends[B], "vote.approve", {"targets": [bought.id]}, town.eco.hex(), iat=START + 50)

    assert state_of(town, bought) is not EffectState.EFFECTIVE


def test_two_keys_that_their_next_ones_ended_carry_nothing_whoever_else_votes_for_it() -> None:
    """The vote of another body is no hand of theirs in what one body decides alone."""
    town = trio(keys=2, threshold=2, next_keys=True)
    town.time += 100
    bought = [town.pen(f"{A}#{n}").copy() for n in (1, 2)]
    for pen in bought:
        new = town.pen(f"{pen.name} next", A)
        compromise(town, new, pen, town.said[0] if pen is bought[0] else None, public=new.public)
    said = town.says(bought[0], "issuer.register", register(), iat=START + 50)
    for hand in (bought[1], f"{B}#1"):
        town.says(hand, "vote.approve", {"targets": [said.id]}, town.eco.hex(), iat=START + 50)

    assert state_of(town, said) is EffectState.VOID


def test_a_colleague_carries_nothing_that_turns_up_with_a_key_which_its_next_one_has_ended() -> None:
    """He who found the key dates back what he signs with it; the colleague votes when he is asked."""
    town = trio(keys=2, threshold=2, next_keys=True)
    town.time += 100
    found, new = town.pen(f"{A}#1").copy(), town.pen(f"{A}#1 next", A)
    compromise(town, new, found, town.genesis, public=new.public)
    said = town.says(found, "issuer.register", register(), iat=START + 50)
    town.votes(f"{A}#2", said)

    assert state_of(town, said) is EffectState.VOID


def test_what_any_of_two_cut_offs_undoes_leaves_the_committed_set() -> None:
    town = trio(keys=3, threshold=2, next_keys=True)
    last = town.says(f"{A}#1", "issuer.register", register())
    forged = town.says(f"{A}#1", "accreditation.grant", grant())
    new = town.pen(f"{A}#1 next", A)
    compromise(town, new, town.pen(f"{A}#1"), last, public=new.public)
    assert town.fold().is_committed(forged.id), "one key does not undo what takes two"

    town.votes(f"{A}#3", compromise(town, f"{A}#2", town.pen(f"{A}#1"), last))

    assert not town.fold().is_committed(forged.id)


def test_a_retired_key_and_a_live_one_carry_nothing_new() -> None:
    town = trio(keys=2)
    old = town.pen(f"{A}#1").copy()
    compromise(town, f"{A}#2", town.pen(f"{A}#1"), town.genesis)
    later = town.says(f"{B}#1", "issuer.register", register())
    admitted = town.says(f"{B}#1", "node.admit", node("new.example"))
    old_vote = town.says(old, "vote.approve", {"targets": [admitted.id]}, town.eco.hex(), iat=START + 1)

    assert state_of(town, later) is EffectState.EFFECTIVE
    assert state_of(town, admitted) is EffectState.WAITING
    assert verdict_of(town, old_vote).state is EffectState.VOID


def test_one_person_is_not_two_by_rotating_his_key() -> None:
    """The old key votes, is rotated, and the new one votes again."""
    town = trio(keys=3, threshold=2)
    body = {"key": town.pen(f"{A}#1").kid, "last": None, "new": key_entry(Pen("new of A", A), budget=50)}
    given = town.says(f"{A}#1", "issuer.register", register())
    body["last"] = given.id
    rotated = town.says(f"{A}#1", "key.rotate", body, A)
    town.votes(f"{A}#2", rotated)
    town.votes(Pen("new of A", A), given)

    assert state_of(town, rotated) is EffectState.EFFECTIVE
    assert state_of(town, given) is EffectState.WAITING


def test_a_colleague_carries_what_was_said_with_a_key_rotated_since() -> None:
    """The honest use: who has lost a key says nothing twice, and nobody has to say anything again."""
    town = trio(keys=3, threshold=2)
    given = town.says(f"{A}#1", "issuer.register", register())
    body = {"key": town.pen(f"{A}#1").kid, "last": given.id, "new": key_entry(Pen("new of A", A), budget=50)}
    town.votes(f"{A}#2", town.says(f"{A}#1", "key.rotate", body, A))
    assert state_of(town, given) is EffectState.WAITING
    town.votes(f"{A}#3", given)
    assert state_of(town, given) is EffectState.EFFECTIVE


def test_a_committed_successor_alone_does_not_take_back_what_two_keys_of_its_body_said() -> None:
    town = trio(keys=2, threshold=2, next_keys=True)
    town.says(f"{A}#1", "issuer.register", register())
    town.votes(f"{A}#2", town.said[-1])
    given = town.says(f"{A}#1", "accreditation.grant", grant())
    last = town.votes(f"{A}#2", given)
    suspended = status(town, f"{A}#1", given, "suspend")
    town.votes(f"{A}#2", suspended)
    assert answer(town) is Verdict.SUSPENDED
    successor = town.pen(f"{A}#2 next", A)
    cut = compromise(town, successor, town.pen(f"{A}#2"), last, public=successor.public)

    assert state_of(town, cut) is EffectState.EFFECTIVE
    assert answer(town) is Verdict.SUSPENDED

    town.votes(f"{A}#1", compromise(town, successor, town.pen(f"{A}#2"), last))
    assert answer(town) is Verdict.SUSPENDED  # the successor is no key of the authority's: one key is not two


@pytest.mark.parametrize("kind", ["key.add", "key.rotate"])
def test_a_voucher_that_the_forked_key_introduced_itself_vouches_for_nothing(kind: str) -> None:
    """A rotation is not held up by the fork, for it takes a key away."""
    town = trio(keys=2)
    before = town.says(f"{A}#1", "issuer.register", register("did:web:before.example"))
    thief = town.pen(f"{A}#1").copy()
    honest = town.says(f"{A}#1", "accreditation.grant", grant())
    minted = Pen("minted", A)
    entry = key_entry(minted, budget=50)
    town.says(
        thief,
        kind,
        entry if kind == "key.add" else {"key": town.pen(f"{A}#2").kid, "last": town.pen(f"{A}#2").prev, "new": entry},
        A,
    )
    forged = town.says(thief, "accreditation.grant", grant("did:web:mill.example"))
    town.votes(minted, forged)

    assert state_of(town, before) is EffectState.EFFECTIVE
    assert state_of(town, forged) is EffectState.WAITING
    town.votes(f"{B}#1", honest)
    assert state_of(town, honest) is EffectState.EFFECTIVE


def test_a_voucher_that_others_introduced_vouches_for_a_branch() -> None:
    town = trio()
    thief, new = town.pen(A).copy(), Pen("second of B", B)
    town.says(B, "key.add", key_entry(new, budget=50), B)
    honest = town.says(A, "accreditation.grant", grant())
    forged = town.says(thief, "accreditation.grant", grant("did:web:mill.example"))
    claimed = town.says(thief, "authority.delegate", delegation(B, [key_entry(town.pen(B), budget=0)]))
    town.votes(new, honest)

    assert state_of(town, claimed) is EffectState.WAITING, "the thief gives no mandate, and takes no voucher away"
    assert [state_of(town, said) for said in (honest, forged)] == [EffectState.EFFECTIVE, EffectState.WAITING]


def test_a_key_that_an_amendment_brought_vouches_for_a_branch() -> None:
    town = trio()
    for by in (A, B, C):
        town.pens[f"{by}#2"] = Pen(f"{by}#2", by)
    amended = amend(town, A, keys=2, name="Two keys")
    town.votes(B, amended)
    thief = town.pen(A).copy()
    honest = town.says(A, "accreditation.grant", grant())
    town.says(thief, "accreditation.grant", grant("did:web:mill.example"))
    town.votes(f"{B}#2", honest)

    assert [state_of(town, said) for said in (amended, honest)] == [EffectState.EFFECTIVE] * 2


def test_a_delegate_of_others_vouches_for_a_branch() -> None:
    town = trio()
    pen, _ = delegate(town, B)
    thief = town.pen(A).copy()
    honest = town.says(A, "accreditation.grant", grant())
    town.says(thief, "accreditation.grant", grant("did:web:mill.example"))
    town.votes(pen, honest)

    assert state_of(town, honest) is EffectState.EFFECTIVE


def test_an_issuers_key_vouches_for_no_branch() -> None:
    """It speaks for no authority; who has stolen a key will have a friend among the issuers."""
    town = trio()
    friend = town.pen("friend", ISSUER)
    key = {"id": f"{ISSUER}#k", "public_key_multibase": "", "budget": 50}

    key["public_key_multibase"] = multibase(friend.public)
    town.says(A, "issuer.register", register(keys=[key]))
    thief = town.pen(A).copy()
    town.says(A, "accreditation.grant", grant())
    forged = town.says(thief, "accreditation.grant", grant("did:web:mill.example"))
    town.votes(friend, forged)

    assert state_of(town, forged) is EffectState.WAITING


def test_a_cut_off_by_an_accomplice_anchors_no_branch() -> None:
    """He names the stolen key in a delegation of his own, and ends it there."""
    town = trio()
    friend = town.pen("friend", "https://friend.example/")
    thief = town.pen(A).copy()
    town.says(A, "accreditation.grant", grant())
    minted, made = delegate(town, thief, to="https://friend.example/")
    forged = town.says(thief, "accreditation.grant", grant("did:web:mill.example"))
    claimed = made.body | {"keys": [key_entry(town.pen(A), budget=0), key_entry(friend, budget=5)]}
    town.says(minted, "authority.delegate", claimed)
    compromise(town, friend, town.pen(A), forged)

    assert state_of(town, forged) is EffectState.WAITING


@pytest.mark.parametrize("is_amended", [False, True])
def test_one_body_does_not_take_back_a_joint_revocation_by_forking_the_key_of_its_approval(is_amended: bool) -> None:
    """Else it is no longer among those who accredited, who alone may narrow: found by the search for such ways."""
    rules = {
        "accreditation.grant": {"authorities": 1, "constituencies": {"public": 1}},
        "accreditation.status": {"authorities": 2},
    }
    town = trio(keys=2, threshold=2, rules=rules)
    town.votes(f"{A}#2", town.says(f"{A}#1", "issuer.register", register()))
    given = town.says(f"{A}#1", "accreditation.grant", grant(scope=SCOPE))
    thief = town.pen(f"{A}#2").copy()
    town.votes(f"{A}#2", given)
    for voter in (f"{B}#1", f"{B}#2"):
        town.votes(voter, given)
    if is_amended:
        body = {"accreditation": given.id, "after": [given.id], "effective_from": town.time, "valid_from": 0}
        narrowed = town.says(
            f"{A}#1", "accreditation.amend", body | {"scope": SCOPE | {"jurisdictions": ["US-IN"]}}, ISSUER
        )
        town.votes(f"{A}#2", narrowed)
    else:
        body = event(given.id, "revoke", town.time, reason_code="fraud")
        narrowed = town.says(f"{A}#1", "accreditation.status", body, ISSUER)
        for voter in (f"{A}#2", f"{C}#1", f"{C}#2"):
            town.votes(voter, narrowed)
    assert state_of(town, narrowed) is EffectState.EFFECTIVE

    town.says(thief, "framework.publish", framework())

    assert [state_of(town, said) for said in (given, narrowed)] == [EffectState.EFFECTIVE] * 2
