"""An authority's keys: added, rotated, retired, stolen; and whom a claim on somebody else's key can hurt."""

import inspect
import sys

import pytest

from accredit.governance.authority.ballots import Ground
from accredit.governance.authority.effect import EffectState
from accredit.governance.standing import key_head, waiting_proposals
from accredit.registry.domain.records import Voice
from accredit.registry.errors import DecodeError
from accredit.registry.statement import Statement
from tests.strategies.bodies import delegation, event, grant, recognition, register
from tests.strategies.consortium import Consortium, Pen, key_entry
from tests.strategies.stories import (
    DELEGATE,
    TRIO,
    A,
    B,
    C,
    amend,
    compromise,
    delegate,
    issuer_pen,
    record_of,
    state_of,
    trio,
    verdict_of,
)


def rotate(town: Consortium, who: str | Pen, old: Pen, new: Pen, last: Statement | None, **entry: bool) -> Statement:
    body = {"key": old.kid, "last": None if last is None else last.id, "new": key_entry(new, budget=50, **entry)}
    return town.says(who, "key.rotate", body, old.authority)


def successor(town: Consortium, pen: Pen) -> Pen:
    return town.pen(f"{pen.name} next", pen.authority)


# ------------------------------------------------------------------------------------------------ added keys


def test_an_added_key_speaks_for_its_authority_and_for_no_other() -> None:
    town = trio()
    pen = Pen("second of A", A)
    added = town.says(A, "key.add", key_entry(pen, budget=50), A)
    mine = town.says(pen, "accreditation.grant", grant())
    pen.authority = B
    theirs = town.says(pen, "accreditation.grant", grant("did:web:other.example"))

    assert state_of(town, mine) is EffectState.EFFECTIVE
    assert state_of(town, theirs) is EffectState.INEFFECTIVE
    keys = record_of(town, "authority", A)["standings"][0]["keys"]
    assert {key["key"]: key["since"] for key in keys} == {town.pen(A).kid: town.eco, pen.kid: added.id}
    head = key_head(town.fold(), pen.kid)
    assert head is not None
    assert [voice.by for voice in head.voices] == [A]


def test_two_of_three_keys_add_a_fourth_and_one_alone_does_not() -> None:
    town = trio(keys=3, threshold=2)
    pen = Pen("fourth of A", A)
    added = town.says(f"{A}#1", "key.add", key_entry(pen, budget=50), A)
    given = town.says(pen, "issuer.register", register())

    assert verdict_of(town, added).reason == f"It needs 2 keys of {A}."
    assert state_of(town, given) is EffectState.INEFFECTIVE

    town.votes(f"{A}#3", given)
    assert state_of(town, given) is EffectState.INEFFECTIVE
    town.votes(f"{A}#2", added)

    assert state_of(town, added) is EffectState.EFFECTIVE
    assert state_of(town, given) is EffectState.EFFECTIVE


def test_keys_that_added_keys_add_count_however_long_the_line_and_whatever_their_ids() -> None:
    town = trio()
    hand: str | Pen = A
    for n in range(12):
        pen = Pen(f"line {n}", A)
        town.says(hand, "key.add", key_entry(pen, budget=10_000 // 4**n or 1), A)
        hand = pen

    last = town.says(hand, "issuer.register", register())

    assert state_of(town, last) is EffectState.EFFECTIVE


def test_a_charter_may_ask_that_others_agree_to_a_new_key() -> None:
    town = trio(rules={"key.add": {"authorities": 2}, "key.retire": {"majority": True}})
    pen = Pen("second of A", A)
    added = town.says(A, "key.add", key_entry(pen, budget=50), A)
    retired = town.says(A, "key.retire", {"key": town.pen(A).kid, "last": added.id}, A)

    assert state_of(town, added) is EffectState.WAITING
    assert verdict_of(town, retired).reason == "It needs 2 of 3 authorities."

    town.votes(B, added, retired)

    assert state_of(town, added) is EffectState.EFFECTIVE
    assert state_of(town, retired) is EffectState.EFFECTIVE


def test_a_rotation_that_the_charter_wants_others_to_agree_to_needs_its_own_authority_all_the_same() -> None:
    town = trio(rules={"key.rotate": {"authorities": 2}})
    new = Pen("new of A", A)
    rotated = rotate(town, A, town.pen(A), new, None)
    foreign = rotate(town, B, town.pen(C), Pen("new of C", C), None)
    town.votes(A, foreign)

    assert state_of(town, rotated) is EffectState.WAITING
    assert state_of(town, foreign) is EffectState.INEFFECTIVE

    town.votes(B, rotated)

    assert state_of(town, rotated) is EffectState.EFFECTIVE


def test_a_key_that_is_to_be_replaced_by_itself_is_refused_before_it_ends_and_its_body_has_none() -> None:
    town = trio()
    with pytest.raises(DecodeError, match="replaced by itself"):
        rotate(town, A, town.pen(A), town.pen(A), None)


def test_a_key_added_on_a_branch_in_doubt_speaks_for_nobody_until_another_key_vouches_for_it() -> None:
    """Else a thief whose theft has come to light brings a fresh key, and speaks on with that."""
    town = trio()
    thief, pen = town.pen(A).copy(), Pen("second of A", A)
    town.says(A, "issuer.register", register())
    added = town.says(thief, "key.add", key_entry(pen, budget=50), A)
    spoken = town.says(pen, "accreditation.grant", grant())
    assert [state_of(town, said) for said in (added, spoken)] == [EffectState.WAITING, EffectState.INEFFECTIVE]

    town.votes(B, added)

    assert [state_of(town, said) for said in (added, spoken)] == [EffectState.EFFECTIVE, EffectState.EFFECTIVE]


# ------------------------------------------------------------------------------------------------ the three ranks


def test_two_authorities_end_a_key_that_its_own_authority_would_keep() -> None:
    town = trio()
    cut = compromise(town, B, town.pen(A))

    waiting = verdict_of(town, cut)
    assert (waiting.state, waiting.needed, waiting.approvals) == (EffectState.WAITING, "2 of 3 authorities", (B,))
    assert [proposal.statement for proposal in waiting_proposals(town.fold())] == [cut]

    town.votes(C, cut)

    assert state_of(town, cut) is EffectState.EFFECTIVE
    head = key_head(town.fold(), town.pen(A).kid)
    assert head is not None
    assert (head.cut, head.voices) == (True, ())


def test_a_thiefs_own_cut_offs_fall_with_the_key_he_stole() -> None:
    town = trio(keys=2)
    thief = town.pen(f"{A}#1").copy()
    revenge = compromise(town, thief, town.pen(f"{A}#2"))
    planted = Pen("planted", A)
    town.says(thief, "key.add", key_entry(planted, budget=50), A)
    honest = town.says(f"{A}#2", "accreditation.grant", grant())
    assert state_of(town, honest) is EffectState.VOID

    cut = compromise(town, B, town.pen(f"{A}#1"))
    town.votes(C, cut)
    by_planted = town.says(planted, "accreditation.grant", grant("did:web:mill.example"))

    assert state_of(town, revenge) is EffectState.VOID
    assert state_of(town, honest) is EffectState.EFFECTIVE
    assert state_of(town, by_planted) is EffectState.INEFFECTIVE


def test_mutual_cut_offs_of_one_rank_both_hold() -> None:
    town = trio(keys=2)
    one, two = compromise(town, f"{A}#1", town.pen(f"{A}#2")), compromise(town, f"{A}#2", town.pen(f"{A}#1"))
    later = town.says(f"{A}#1", "issuer.register", register())

    assert state_of(town, one) is EffectState.EFFECTIVE
    assert state_of(town, two) is EffectState.EFFECTIVE
    assert state_of(town, later) is EffectState.VOID


def test_of_several_lasts_the_common_ancestors_stand() -> None:
    town = trio(keys=2)
    first = town.says(f"{A}#1", "accreditation.grant", grant("did:web:one.example"))
    second = town.says(f"{A}#1", "accreditation.grant", grant("did:web:two.example"))
    compromise(town, f"{A}#2", town.pen(f"{A}#1"), second)
    assert state_of(town, second) is EffectState.EFFECTIVE

    compromise(town, f"{A}#1", town.pen(f"{A}#1"), first)

    assert state_of(town, first) is EffectState.EFFECTIVE
    assert state_of(town, second) is EffectState.VOID


def test_the_committed_next_key_rotates_a_stolen_one_away_and_undoes_what_the_thief_did() -> None:
    town = trio(next_keys=True)
    old = town.pen(A)
    good = town.says(A, "accreditation.grant", grant())
    thief = old.copy()
    new, planted = successor(town, old), Pen("planted", A)
    town.says(thief, "key.add", key_entry(planted, budget=50), A)
    rotated = rotate(town, new, old, new, good)
    by_planted = town.says(planted, "accreditation.grant", grant("did:web:mill.example"))
    by_new = town.says(new, "accreditation.grant", grant("did:web:new.example"))

    assert state_of(town, rotated) is EffectState.EFFECTIVE
    assert state_of(town, good) is EffectState.EFFECTIVE
    assert state_of(town, by_new) is EffectState.EFFECTIVE
    assert state_of(town, by_planted) is EffectState.INEFFECTIVE


def test_rotation_goes_on_from_key_to_key() -> None:
    town = trio(next_keys=True)
    first = town.pen(A)
    second = successor(town, first)
    third = successor(town, second)
    rotate(town, second, first, second, None, next_key=True)
    rotate(town, third, second, third, None)
    spoken = town.says(third, "issuer.register", register())

    assert state_of(town, spoken) is EffectState.EFFECTIVE


def test_a_key_without_a_successor_is_rotated_by_its_own_authority_again_and_again() -> None:
    town = trio()
    pens = [town.pen(A), Pen("second", A), Pen("third", A)]
    rotate(town, pens[0], pens[0], pens[1], None)
    again = rotate(town, pens[1], pens[1], pens[2], None)
    fourth = Pen("fourth", A)
    added = town.says(pens[2], "key.add", key_entry(fourth, budget=10), A)
    spoken = town.says(fourth, "issuer.register", register())

    assert state_of(town, again) is EffectState.EFFECTIVE
    assert state_of(town, added) is EffectState.EFFECTIVE
    assert state_of(town, spoken) is EffectState.EFFECTIVE


def test_a_rotation_that_a_rotated_key_approves_holds_for_every_mandate_it_then_speaks_for() -> None:
    """Two delegations to one body, of which the second asks for two keys."""
    town = trio()
    first, made = delegate(town)
    second, third, fourth = (Pen(f"{n} of the delegate", DELEGATE) for n in ("second", "third", "fourth"))
    entries = [key_entry(first, budget=0), key_entry(second, budget=100)]
    other = town.says(B, "authority.delegate", made.body | {"keys": entries, "threshold": 2})
    town.votes(first, rotate(town, second, second, third, None))
    town.votes(third, rotate(town, first, first, fourth, None))
    spoken = town.says(fourth, "issuer.register", register())

    assert verdict_of(town, spoken).voice == (DELEGATE, made.id)
    standings = {standing["via"]: standing for standing in record_of(town, "authority", DELEGATE)["standings"]}
    keys = {via: {key["key"]: key["cut"] for key in standing["keys"]} for via, standing in standings.items()}
    assert keys == {
        made.id: {first.kid: True, fourth.kid: False},
        other.id: {first.kid: True, second.kid: True, third.kid: False, fourth.kid: False},
    }


def test_where_a_next_key_is_committed_nobody_else_rotates() -> None:
    """Else a thief would rotate the key he stole to one of his own."""
    town = trio(next_keys=True)
    stolen, mine = town.pen(A).copy(), Pen("the thief's", A)
    rotated = rotate(town, stolen, town.pen(A), mine, None)
    spoken = town.says(mine, "issuer.register", register())

    assert verdict_of(town, rotated).reason == "Only the key's committed next key can rotate it."
    assert state_of(town, spoken) is EffectState.INEFFECTIVE


def test_the_next_key_rotates_to_itself_only_and_does_not_retire() -> None:
    town = trio(next_keys=True)
    new, other = successor(town, town.pen(A)), Pen("another", A)
    town.says(new, "key.compromise", {"key": bytes(32), "last": None, "public": new.public}, A)  # shows the key
    planted = rotate(town, new, town.pen(A), other, None)
    retired = town.says(new, "key.retire", {"key": town.pen(A).kid, "last": None}, A)

    for said in (planted, retired):
        assert verdict_of(town, said).reason == ("Neither the committed next key nor a valid key has signed it.")


def test_the_next_key_alone_says_that_a_key_is_compromised() -> None:
    town = trio(next_keys=True, keys=2, threshold=2)
    new = successor(town, town.pen(f"{A}#1"))
    cut = compromise(town, new, town.pen(f"{A}#1"), public=new.public)

    assert state_of(town, cut) is EffectState.EFFECTIVE
    assert town.fold().is_committed(cut.id)


def test_what_a_thief_says_after_the_next_keys_cut_off_is_void() -> None:
    """Where the body's keys speak alone: nobody else has to agree."""
    town = trio(next_keys=True)
    last = town.says(A, "issuer.register", register())
    stolen = town.says(A, "accreditation.grant", grant())
    new = successor(town, town.pen(A))
    compromise(town, new, town.pen(A), last, public=new.public)

    assert [state_of(town, said) for said in (last, stolen)] == [EffectState.EFFECTIVE, EffectState.VOID]


def test_a_stolen_next_key_that_two_authorities_ended_ends_nothing() -> None:
    town = trio(next_keys=True)
    stolen = successor(town, town.pen(A))
    town.votes(C, compromise(town, B, stolen, public=stolen.public))
    rotated = rotate(town, stolen, town.pen(A), stolen, None)
    ended = compromise(town, stolen, town.pen(A))
    honest = town.says(A, "accreditation.grant", grant())

    states = [state_of(town, said) for said in (rotated, ended, honest)]
    assert states == [EffectState.VOID, EffectState.VOID, EffectState.EFFECTIVE]


@pytest.mark.parametrize(("helped", "state"), [(True, EffectState.VOID), (False, EffectState.EFFECTIVE)])
def test_the_next_key_counts_for_its_body_where_as_many_end_a_key_as_a_decision_took(
    helped: bool, state: EffectState
) -> None:
    """The body whose only key is stolen has no other way to speak."""
    town = trio(next_keys=True, rules={"accreditation.grant": {"authorities": 2}})
    given = town.says(A, "accreditation.grant", grant())
    town.votes(B, given)
    new = successor(town, town.pen(A))
    cut = compromise(town, new, town.pen(A), town.genesis, public=new.public)
    if helped:
        town.votes(B, cut)

    assert [state_of(town, said) for said in (cut, given)] == [EffectState.EFFECTIVE, state]


def test_the_next_key_of_a_body_that_has_left_the_charter_ends_the_stolen_one() -> None:
    town = trio(keys=2, next_keys=True)
    last = town.says(f"{A}#1", "issuer.register", register())
    stolen = town.says(f"{A}#1", "accreditation.grant", grant())
    town.votes(f"{A}#2", stolen)
    left = amend(town, f"{B}#1", authorities=TRIO[1:], keys=2, name="Two bodies")
    town.votes(f"{C}#1", left)
    new = successor(town, town.pen(f"{A}#1"))
    cut = compromise(town, new, town.pen(f"{A}#1"), last, public=new.public)
    others = town.says(f"{B}#1", "accreditation.grant", grant("did:web:other.example"))
    vote = town.votes(f"{A}#1", others)

    states = [state_of(town, said) for said in (left, cut, last, others, stolen, vote)]
    assert states == [EffectState.EFFECTIVE] * 4 + [EffectState.VOID] * 2


def test_a_charters_only_authority_ends_a_key_that_nobody_has_named_yet() -> None:
    """Whoever hears it before the key, or one statement at a time, says the same of it."""
    town = Consortium.of((A, "nonprofit"))
    pen = Pen("second of A", A)
    assert state_of(town, compromise(town, A, pen)) is EffectState.EFFECTIVE

    town.says(A, "key.add", key_entry(pen, budget=50), A)
    spoken = town.says(pen, "accreditation.grant", grant())

    assert state_of(town, spoken) is EffectState.VOID


def test_a_rule_that_names_a_seat_does_not_let_the_body_in_it_end_anothers_key_alone() -> None:
    """It would void all that the other had said alone."""
    town = trio(rules={"key.compromise": {"authorities": 1, "constituencies": {"public": 1}}})
    given = town.says(A, "accreditation.grant", grant())
    suspended = town.says(A, "accreditation.status", event(given.id, "suspend"), given.sub)
    cut = compromise(town, B, town.pen(A), given)

    assert verdict_of(town, cut).reason == "It needs 2 of 3 authorities, including 1 public."
    assert state_of(town, suspended) is EffectState.EFFECTIVE

    town.votes(C, cut)

    assert [state_of(town, said) for said in (cut, suspended)] == [EffectState.EFFECTIVE, EffectState.VOID]


def test_two_keys_of_a_body_void_what_two_of_its_keys_said_with_a_stolen_one() -> None:
    town = trio(keys=3, threshold=2)
    stolen = town.says(f"{A}#1", "accreditation.grant", grant())
    town.votes(f"{A}#2", stolen)
    assert state_of(town, stolen) is EffectState.EFFECTIVE
    town.votes(f"{A}#2", compromise(town, f"{A}#3", town.pen(f"{A}#1")))
    assert state_of(town, stolen) is EffectState.VOID


def test_a_key_with_a_committed_successor_is_retired_by_as_many_keys_as_any_other() -> None:
    town = trio(next_keys=True, keys=2, threshold=2)
    cut = town.says(f"{A}#1", "key.retire", {"key": town.pen(f"{A}#2").kid, "last": None}, A)
    verdict = verdict_of(town, cut)
    assert (verdict.state, verdict.reason) == (EffectState.WAITING, f"It needs 2 keys of {A}.")


def test_a_thief_cannot_commit_a_stolen_key_to_a_successor_of_his_own() -> None:
    """He adds the key he holds once more, with his own next key: what came with the mandate decides."""
    town = trio(next_keys=True)
    stolen, his = town.pen(A).copy(), Pen("the thief's next", A)
    again = key_entry(town.pen(A), budget=0) | {"next": {"key": his.kid, "budget": 50}}
    town.says(stolen, "key.add", again, A)
    rotate(town, his, town.pen(A), his, None)
    new = successor(town, town.pen(A))
    rotated = rotate(town, new, town.pen(A), new, town.genesis)
    by_thief = town.says(his, "accreditation.grant", grant("did:web:mill.example"))

    assert state_of(town, rotated) is EffectState.EFFECTIVE
    assert state_of(town, by_thief) is EffectState.INEFFECTIVE


def test_a_thief_cannot_commit_a_key_without_a_successor_to_one_of_his_own() -> None:
    town = trio()
    stolen, his = town.pen(A).copy(), Pen("the thief's next", A)
    town.says(stolen, "key.add", key_entry(town.pen(A), budget=0) | {"next": {"key": his.kid, "budget": 50}}, A)
    by_thief = rotate(town, his, town.pen(A), his, None)
    assert state_of(town, by_thief) is EffectState.INEFFECTIVE

    by_own = rotate(town, A, town.pen(A), Pen("second", A), town.genesis)

    assert state_of(town, by_own) is EffectState.EFFECTIVE


def test_where_introductions_of_an_added_key_disagree_nobody_is_its_successor() -> None:
    town = trio(keys=2)
    pen, honest, his = Pen("third of A", A), Pen("honest next", A), Pen("the thief's next", A)
    for hand, following in ((f"{A}#1", honest), (f"{A}#2", his)):
        entry = key_entry(pen, budget=50) | {"next": {"key": following.kid, "budget": 20}}
        town.says(hand, "key.add", entry, A)
    rotations = [rotate(town, following, pen, following, None) for following in (honest, his)]
    by_own = rotate(town, f"{A}#1", pen, Pen("fourth", A), None)
    spoken = town.says(pen, "issuer.register", register())

    assert [state_of(town, rotation) for rotation in (*rotations, by_own)] == [EffectState.INEFFECTIVE] * 3
    assert state_of(town, spoken) is EffectState.EFFECTIVE


def test_an_added_keys_successor_is_kept_when_an_amendment_lists_the_key() -> None:
    town = trio(keys=2)
    pen = town.pen(f"{A}#3", A)
    town.says(f"{A}#1", "key.add", key_entry(pen, budget=50, next_key=True), A)
    for by in (B, C):
        town.pens[f"{by}#3"] = Pen(f"{by} third", by)
    amended = amend(town, A, keys=3, name="Three keys")
    town.votes(B, amended)
    new = successor(town, pen)
    rotated = rotate(town, new, pen, new, None)

    assert state_of(town, amended) is EffectState.EFFECTIVE
    assert state_of(town, rotated) is EffectState.EFFECTIVE


# ------------------------------------------------------------------------------------------------ claims on keys


def test_whoever_names_anothers_key_in_a_delegation_gains_no_hold_over_it() -> None:
    """Not even an issuer, who may not delegate at all, with a body of two keys: the victim's and its own."""
    town = trio()
    intruder = issuer_pen(town)
    accomplice = Pen("accomplice", "https://x.example/")
    entries = [key_entry(town.pen(B), budget=0), key_entry(accomplice, budget=5)]
    delegate(town, intruder)  # an ordinary one has no more effect
    body = {
        "delegate": accomplice.authority,
        "name": "X",
        "constituency": "other",
        "actions": ["issuer.*"],
        "limits": {},
        "keys": entries,
        "threshold": 1,
        "valid_from": 0,
    }
    town.says(intruder, "authority.delegate", body)
    cut = compromise(town, accomplice, town.pen(B))
    rotate(town, accomplice, town.pen(B), Pen("planted", B), None)
    given = town.says(B, "accreditation.grant", grant())

    assert state_of(town, given) is EffectState.EFFECTIVE
    assert state_of(town, cut) is EffectState.EFFECTIVE  # as X's own key it is ended, which it never was
    head = key_head(town.fold(), town.pen(B).kid)
    assert head is not None
    assert not head.cut
    assert [voice.by for voice in head.voices] == [B]


def test_an_authority_that_adds_anothers_key_to_its_own_cannot_end_it_there() -> None:
    town = trio()
    town.says(A, "key.add", key_entry(town.pen(B), budget=0), A)
    compromise(town, A, town.pen(B))
    given = town.says(B, "accreditation.grant", grant())

    assert state_of(town, given) is EffectState.EFFECTIVE


def test_a_body_that_commits_anothers_key_to_its_own_next_key_cannot_rotate_it() -> None:
    town = trio()
    intruder, his = issuer_pen(town), Pen("his", B)
    claim = key_entry(town.pen(B), budget=0) | {"next": {"key": his.kid, "budget": 20}}
    town.says(intruder, "key.add", claim, B)
    rotated = rotate(town, his, town.pen(B), his, None)
    given = town.says(his, "accreditation.grant", grant())

    assert state_of(town, rotated) is EffectState.INEFFECTIVE
    assert state_of(town, given) is EffectState.INEFFECTIVE


def test_a_delegation_to_an_authority_does_not_save_what_its_stolen_key_forges() -> None:
    town = trio(keys=2)
    thief = town.pen(f"{A}#1").copy()
    body = delegation(A, [key_entry(thief, budget=0)])
    town.says(f"{B}#1", "authority.delegate", body)
    compromise(town, f"{A}#2", thief, town.genesis)
    forged = town.says(thief, "accreditation.grant", grant("did:web:mill.example"))

    assert state_of(town, forged) is EffectState.VOID
    assert not town.fold().is_committed(forged.id)

    vote = town.votes(thief, town.says(f"{C}#1", "recognition.grant", recognition()))

    assert state_of(town, vote) is EffectState.VOID


def test_a_delegation_of_an_added_key_takes_no_word_of_its_authority_away() -> None:
    town = trio()
    pen = Pen("second of A", A)
    town.says(A, "key.add", key_entry(pen, budget=50), A)
    town.says(B, "authority.delegate", delegation(A, [key_entry(pen, budget=0)]))

    assert state_of(town, town.says(pen, "accreditation.grant", grant(), mandate=None)) is EffectState.EFFECTIVE


def test_a_key_that_is_ended_under_one_mandate_votes_under_the_other() -> None:
    town = trio()
    pen, made = delegate(town, keys=2)
    other = town.says(B, "authority.delegate", made.body | {"keys": [key_entry(pen, budget=20)]})
    ended = town.says(f"{DELEGATE}#2", "key.retire", {"key": pen.kid, "last": None}, DELEGATE)
    vote = town.votes(pen, town.says(C, "recognition.grant", recognition()))

    standings = {standing["via"]: standing for standing in record_of(town, "authority", DELEGATE)["standings"]}
    cuts = {via: {key["key"]: key["cut"] for key in standing["keys"]}[pen.kid] for via, standing in standings.items()}
    assert cuts == {made.id: True, other.id: False}
    assert [state_of(town, said) for said in (ended, vote)] == [EffectState.EFFECTIVE, EffectState.EFFECTIVE]


def test_a_delegates_key_that_is_also_in_another_delegation_is_ended_there_only() -> None:
    """Two delegations to one body stay two."""
    town = trio()
    pen, first = delegate(town)
    other = Pen("other key of the delegate", DELEGATE)
    both = [key_entry(pen, budget=0), key_entry(other, budget=20)]
    second = town.says(B, "authority.delegate", first.body | {"keys": both})
    cut = compromise(town, other, pen)
    given = town.says(pen, "accreditation.grant", grant())

    assert state_of(town, cut) is EffectState.EFFECTIVE
    assert verdict_of(town, given).voice == (DELEGATE, first.id)
    standings = {standing["via"]: standing for standing in record_of(town, "authority", DELEGATE)["standings"]}
    assert [key["cut"] for key in standings[first.id]["keys"]] == [False]
    assert {key["key"]: key["cut"] for key in standings[second.id]["keys"]} == {pen.kid: True, other.kid: False}

    ended = compromise(town, pen, pen, given)
    late = town.says(pen, "accreditation.grant", grant("did:web:late.example"))

    assert state_of(town, ended) is EffectState.EFFECTIVE
    assert state_of(town, given) is EffectState.EFFECTIVE
    assert state_of(town, late) is EffectState.VOID


def test_a_delegate_with_a_threshold_minds_its_own_keys() -> None:
    town = trio()
    pen, _ = delegate(town, keys=3, threshold=2, next_keys=True)
    retired = town.says(pen, "key.retire", {"key": town.pen(f"{DELEGATE}#3").kid, "last": None}, DELEGATE)
    added = town.says(pen, "key.add", key_entry(Pen("fourth", DELEGATE), budget=10), DELEGATE)

    assert verdict_of(town, retired).reason == f"It needs 2 keys of {DELEGATE}."
    assert state_of(town, added) is EffectState.WAITING

    town.votes(f"{DELEGATE}#2", retired, added)

    assert state_of(town, retired) is EffectState.EFFECTIVE
    assert state_of(town, added) is EffectState.EFFECTIVE

    new = successor(town, pen)
    assert state_of(town, rotate(town, new, pen, new, None)) is EffectState.EFFECTIVE


def test_a_cut_off_of_a_key_that_is_not_its_authors_has_no_effect() -> None:
    town = trio()
    pen, _ = delegate(town)
    foreign = compromise(town, pen, town.pen(B))
    rotated = rotate(town, B, town.pen(A), Pen("planted", A), None)

    assert verdict_of(town, foreign).reason == "This key does not belong to that authority."
    assert verdict_of(town, rotated).reason == "This key does not belong to that authority."


def test_a_cut_off_that_all_keys_but_the_authors_reject_is_closed() -> None:
    town = trio(keys=3, threshold=2)
    cut = compromise(town, f"{A}#1", town.pen(f"{A}#3"))
    town.votes(f"{A}#2", cut, approve=False)
    assert state_of(town, cut) is EffectState.WAITING

    town.votes(f"{A}#3", cut, approve=False)

    assert state_of(town, cut) is EffectState.CLOSED
    assert waiting_proposals(town.fold()) == []


def test_a_cut_off_waits_while_any_mandate_of_its_key_can_still_carry_it() -> None:
    """A second delegation, to fewer of a body's keys, does not close what the first one may carry."""
    town = trio()
    pen, made = delegate(town, keys=3, threshold=2)
    second, third = (town.pen(f"{DELEGATE}#{number}") for number in (2, 3))
    both = [key_entry(each, budget=20) for each in (pen, second)]
    town.says(B, "authority.delegate", made.body | {"keys": both})
    cut = compromise(town, pen, pen)
    town.votes(second, cut, approve=False)
    assert state_of(town, cut) is EffectState.WAITING

    town.votes(third, cut)

    assert state_of(town, cut) is EffectState.EFFECTIVE


def test_an_authority_that_is_somebodys_delegate_as_well_still_asks_to_end_anothers_key() -> None:
    town = trio()
    town.says(C, "authority.delegate", delegation(A, [key_entry(town.pen(A), budget=0)]))
    cut = compromise(town, A, town.pen(B))

    assert verdict_of(town, cut).reason == "It needs 2 of 3 authorities."


def test_the_approval_by_a_key_in_doubt_carries_a_cut_off() -> None:
    town = trio()
    other_hand = town.pen(C).copy()
    town.says(C, "issuer.register", register())
    cut = compromise(town, B, town.pen(A))
    town.votes(other_hand, cut)

    assert state_of(town, cut) is EffectState.EFFECTIVE


def test_what_ended_keys_approve_does_not_keep_a_proposal_open() -> None:
    town = trio(keys=3, threshold=2)
    proposed = town.says(f"{A}#1", "issuer.register", register())
    assert state_of(town, proposed) is EffectState.WAITING
    for number in (2, 3):
        cut = compromise(town, f"{B}#1", town.pen(f"{A}#{number}"))
        for name in (f"{B}#2", f"{C}#1", f"{C}#2"):
            town.votes(name, cut)
    town.votes(f"{A}#2", proposed)

    assert state_of(town, proposed) is EffectState.CLOSED


def test_the_rejection_by_a_key_in_doubt_closes_a_cut_off_too() -> None:
    """As its approval would have counted: ending a key narrows."""
    town = trio(keys=3, threshold=2)
    other_hand = town.pen(f"{A}#2").copy()
    town.says(f"{A}#2", "issuer.register", register())
    cut = compromise(town, f"{A}#1", town.pen(f"{A}#3"))
    town.votes(other_hand, cut, approve=False)
    assert state_of(town, cut) is EffectState.WAITING

    town.votes(f"{A}#3", cut, approve=False)

    assert state_of(town, cut) is EffectState.CLOSED


def test_a_line_of_keys_each_added_by_the_one_before_stops_no_node_however_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever had a key with a budget of 350 stopped every node for good: the way back to the charter was walked by a
    function that calls itself. It also took a time that grew with the square of the line's length."""
    town, length = trio(), 120
    pen = town.pen(A)
    for number in range(length):
        added = Pen(f"added {number}", A)
        town.says(pen, "key.add", key_entry(added, budget=length - number), A)
        pen = added
    said = town.says(pen, "issuer.register", register())
    walked = 0
    sources = Ground._sources

    def counted(ground: Ground, key: bytes, voice: Voice) -> list[Statement]:
        nonlocal walked
        walked += 1
        return sources(ground, key, voice)

    monkeypatch.setattr(Ground, "_sources", counted)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 120)
    try:
        fold = town.fold()
    finally:
        sys.setrecursionlimit(limit)
    assert verdict_of(town, said, fold).state is EffectState.EFFECTIVE
    assert walked < 5 * length, "each key is walked to a few times"
