"""Counting votes: within a body by its keys, across bodies by the charter's rule."""

from typing import Any

import pytest

from accredit.governance.authority.ballots import Ground, tally_keys
from accredit.governance.authority.effect import EffectState
from accredit.governance.standing import explain_draft, standing_of, waiting_proposals
from accredit.registry.statement import Draft, Statement
from tests.strategies.bodies import ISSUER, delegation, event, grant, node, recognition, register
from tests.strategies.consortium import Consortium, Pen, fold_of, key_entry
from tests.strategies.stories import DELEGATE, A, B, C, D, delegate, record_of, state_of, trio, verdict_of

FOUR = ((A, "nonprofit"), (B, "public"), (C, "education"), (D, "education"))


def test_within_a_body_two_of_three_keys_speak_and_votes_count_by_key() -> None:
    town = trio(keys=3, threshold=2)
    given = town.says(f"{A}#1", "accreditation.grant", grant())
    town.votes(f"{A}#1", given)  # the author's own key again
    town.votes(f"{B}#1", given)  # another authority's
    town.votes(f"{B}#2", given)
    waiting = verdict_of(town, given)
    assert (waiting.state, waiting.reason) == (EffectState.WAITING, f"It needs 2 keys of {A}.")

    town.votes(f"{A}#3", given)

    assert verdict_of(town, given).approvals == (A,)


def test_across_bodies_each_needs_its_own_threshold() -> None:
    town = trio(keys=3, threshold=2)
    recognised = town.says(f"{A}#1", "recognition.grant", recognition())
    town.votes(f"{B}#1", recognised)
    town.votes(f"{C}#1", recognised)
    assert verdict_of(town, recognised).approvals == ()

    town.votes(f"{A}#2", recognised)
    assert verdict_of(town, recognised).approvals == (A,)
    town.votes(f"{C}#3", recognised)

    assert (state_of(town, recognised), verdict_of(town, recognised).approvals) == (EffectState.EFFECTIVE, (A, C))


@pytest.mark.parametrize(
    ("rule", "needed", "enough"),
    [
        ({"fraction": "2/3"}, "3 of 4 authorities", [B, C]),
        ({"fraction": "1/4"}, "1 of 4 authorities", []),
        ({"majority": True}, "3 of 4 authorities", [B, D]),
        ({"authorities": 2}, "2 of 4 authorities", [D]),
        (
            {"authorities": 1, "constituencies": {"education": 2}},
            "1 of 4 authorities, including 2 education",
            [B, C, D],
        ),
    ],
)
def test_every_form_of_rule_is_met_by_the_last_voice_it_asks_for(
    rule: dict[str, object], needed: str, enough: list[str]
) -> None:
    town = Consortium.of(*FOUR, rules={"issuer.register": rule})
    said = town.says(A, "issuer.register", register())
    for by in enough:
        waiting = verdict_of(town, said)
        assert (waiting.state, waiting.needed, waiting.reason) == (EffectState.WAITING, needed, f"It needs {needed}.")
        town.votes(by, said)

    assert state_of(town, said) is EffectState.EFFECTIVE


def test_a_default_asks_all_where_there_are_fewer_than_it_names() -> None:
    town = Consortium.of((A, "nonprofit"))

    assert state_of(town, town.says(A, "recognition.grant", recognition())) is EffectState.EFFECTIVE


def test_a_node_needs_a_majority_to_come_and_to_go() -> None:
    town = trio()
    admitted = town.says(A, "node.admit", node("n1.example"))
    assert town.fold().get("node", "n1.example") is None
    town.votes(B, admitted)
    assert [record["name"] for record in town.fold().nodes()] == ["n1.example"]

    retired = town.says(C, "node.retire", {"name": "n1.example"})
    town.votes(B, retired)
    again = town.says(A, "node.admit", node("n1.example", B))
    town.votes(B, again)

    assert town.fold().nodes() == []
    record = record_of(town, "node", "n1.example")
    assert (record["retired"], record["statement"]) == (retired.id, admitted.id)
    assert "a retired name cannot be used again" in verdict_of(town, again).reason


def test_rejections_close_a_proposal_once_its_rule_can_no_longer_be_met() -> None:
    town = trio()
    said = town.says(A, "recognition.grant", recognition())
    town.votes(B, said, approve=False)
    assert state_of(town, said) is EffectState.WAITING
    town.votes(C, said, approve=False)

    assert state_of(town, said) is EffectState.CLOSED
    assert waiting_proposals(town.fold()) == []

    pen = Pen("second of C", C)  # a key that has not rejected it can still speak for its authority
    town.says(C, "key.add", key_entry(pen, budget=10), C)
    assert state_of(town, said) is EffectState.WAITING
    assert [proposal.statement for proposal in waiting_proposals(town.fold())] == [said]
    town.votes(pen, said)

    assert state_of(town, said) is EffectState.EFFECTIVE


def test_how_a_proposal_stood_is_not_kept_longer_than_it_stands_so() -> None:
    """A fold keeps how open statements stood; a branch of it judges each anew."""
    town = trio()
    said = town.says(A, "recognition.grant", recognition())
    town.votes(B, said, approve=False)
    town.votes(C, said, approve=False)
    pen = Pen("second of C", C)
    town.says(C, "key.add", key_entry(pen, budget=10), C)  # it judges nothing about the proposal, which waits again
    town.votes(pen, said)
    fold, states = fold_of(town.eco, ()), list[str]()

    for statement in town.said:
        fold.add(statement)
        fold.settle()
        anew = standing_of(fold.branch(), said.id)
        assert standing_of(fold, said.id) == anew
        states.append("" if anew is None else anew.state)

    assert list(dict.fromkeys(states)) == ["", "waiting", "closed", "effective"]
    assert states[states.index("closed") + 1] == "waiting"


def test_a_vote_is_foreseen_by_how_its_target_stands_and_not_by_how_it_stood() -> None:
    """A fold foresees it from how the target stood when it was judged; a branch of it judges the target anew."""
    town = trio()
    said = town.says(A, "recognition.grant", recognition())
    town.votes(B, said, approve=False)
    town.votes(C, said, approve=False)
    pen = Pen("second of C", C)
    town.says(C, "key.add", key_entry(pen, budget=10), C)
    town.votes(A, said, approve=False)  # takes it back
    fold, reasons = fold_of(town.eco, ()), list[str]()

    for statement in town.said:
        fold.add(statement)
        fold.settle()
        for kind in ("vote.approve", "vote.reject"):
            draft = Draft(
                iss=C,
                sub=town.eco.hex(),
                iat=town.time + 1,
                eco=town.eco,
                kind=kind,
                seq=1,
                prev=None,
                body={"targets": [said.id]},
            )
            foreseen = explain_draft(fold, draft, pen.kid)
            assert foreseen == explain_draft(fold.branch(), draft, pen.kid)
            reasons.append(foreseen.reason)

    name = said.id.hex()[:12]
    assert reasons[-4:] == ["", "", *(f"Statement {name} was taken back by its proposer.",) * 2]


def test_a_proposal_closes_when_the_keys_it_waits_for_are_cut_off() -> None:
    town = trio(keys=2, threshold=2)
    given = town.says(f"{A}#1", "accreditation.grant", grant())
    cut = town.says(f"{B}#1", "key.compromise", {"key": town.pen(f"{A}#2").kid, "last": None}, A)
    for hand in (f"{B}#2", f"{C}#1", f"{C}#2"):
        town.votes(hand, cut)

    assert state_of(town, given) is EffectState.CLOSED


def test_a_rejection_takes_nobody_elses_approval_away() -> None:
    town = trio()
    said = town.says(A, "recognition.grant", recognition())
    town.votes(B, said)
    town.votes(C, said, approve=False)

    assert state_of(town, said) is EffectState.EFFECTIVE


def test_a_keys_first_vote_counts_for_good() -> None:
    town = trio()
    said = town.says(A, "recognition.grant", recognition())
    town.votes(B, said, approve=False)
    town.votes(B, said)
    assert verdict_of(town, said).approvals == (A,)

    town.votes(C, said)
    town.votes(C, said, approve=False)

    assert verdict_of(town, said).approvals == (A, C)


@pytest.mark.no_cover
def test_one_vote_decides_on_many() -> None:
    town = trio()
    said = [town.says(A, "recognition.grant", recognition(f"https://r{n}.example/")) for n in range(20)]
    town.votes(B, *said)

    assert {state_of(town, s) for s in said} == {EffectState.EFFECTIVE}


def test_a_vote_before_its_target_is_held_counts_when_that_comes() -> None:
    town = trio()
    said = town.says(A, "recognition.grant", recognition(), heard=False)
    town.votes(B, said)
    fold = town.fold()

    fold.add(said)
    changes = fold.settle()

    assert changes.took_effect == (said.id,)
    assert changes.records == (("recognition", "https://abroad.example/"),)


def test_a_vote_that_follows_a_gap_counts_for_a_suspension_and_not_for_a_grant() -> None:
    town = trio(keys=2, threshold=2)
    given = town.says(f"{A}#1", "accreditation.grant", grant())
    town.votes(f"{A}#2", given)
    other = town.says(f"{A}#1", "accreditation.grant", grant("did:web:other.example"))
    suspended = town.says(f"{A}#1", "accreditation.status", event(given.id, "suspend"), ISSUER)
    gap = town.votes(f"{A}#2", given, heard=False)
    town.votes(f"{A}#2", other, suspended)

    assert [state_of(town, s) for s in (other, suspended)] == [EffectState.WAITING, EffectState.EFFECTIVE]

    fold = town.fold()
    fold.add(gap)

    assert fold.settle().took_effect == (other.id,)


def test_votes_by_delegates_and_strangers_count_for_nobody_but_the_delegate() -> None:
    town = trio()
    pen, _ = delegate(town)
    said = town.says(A, "recognition.grant", recognition())
    vote = town.votes(pen, said)
    stray = town.votes(Pen(pen.name, B, pen.seq, pen.prev), said)

    assert state_of(town, said) is EffectState.WAITING
    assert state_of(town, vote) is EffectState.EFFECTIVE
    assert verdict_of(town, stray).reason == "Its key is not a valid key of the authority it names."


def test_one_key_in_two_authorities_counts_for_one_of_them_even_if_it_forks() -> None:
    """B has let A's second key speak for it too; its holder signs two histories to be both."""
    town = trio(keys=2)
    shared = town.pen(f"{A}#2")
    town.says(f"{B}#1", "key.add", key_entry(shared, budget=0), B)
    retired = town.says(f"{C}#1", "node.retire", {"name": "n1.example"})
    for by in (A, B):
        town.votes(Pen(shared.name, by, shared.seq, shared.prev), retired)

    assert verdict_of(town, retired).approvals == (A, C)
    assert state_of(town, retired) is EffectState.EFFECTIVE

    alone = town.says(f"{C}#1", "recognition.withdraw", {"recognition": bytes(32), "effective_from": 1})
    votes = [town.votes(Pen(shared.name, by, shared.seq, shared.prev), alone) for by in (B, A)]
    assert tally_keys(votes, lambda key, _: key) == {A: 1}


def test_a_retroactive_revocation_needs_two_of_which_one_has_granted() -> None:
    town = trio()
    pen, _ = delegate(town)
    given = town.says(pen, "accreditation.grant", grant())
    body = event(given.id, "revoke", reason_code="fraud", void_from=1_600_000_000)
    by_delegate = town.says(pen, "accreditation.status", body, ISSUER)
    by_others = town.says(B, "accreditation.status", body, ISSUER)
    town.votes(C, by_others, by_delegate)
    by_its_delegator = town.says(A, "accreditation.status", body, ISSUER)

    assert verdict_of(town, by_delegate).reason == "Only authorities named in the charter may propose it."
    assert verdict_of(town, by_others).reason == f"Only {DELEGATE} or {A} may change it."
    assert verdict_of(town, by_its_delegator).reason == "It needs 2 of 3 authorities."

    town.votes(B, by_its_delegator)

    assert state_of(town, by_its_delegator) is EffectState.EFFECTIVE


def test_a_genesis_takes_effect_when_two_thirds_of_its_own_authorities_have_approved_it() -> None:
    town = Consortium.of(*FOUR, approve=False)
    early = town.says(A, "issuer.register", register())
    for by in (B, C):
        fold = town.fold()
        assert fold.charter is None
        assert (verdict_of(town, town.genesis).state, fold.nodes(), fold.alarms()) == (EffectState.WAITING, [], ())
        assert fold.is_committed(early.id)
        town.votes(by, town.genesis)

    assert state_of(town, town.genesis) is EffectState.EFFECTIVE
    assert state_of(town, early) is EffectState.EFFECTIVE


def test_a_key_that_rejected_the_genesis_first_does_not_approve_it_later() -> None:
    town = Consortium.of((A, "nonprofit"), (B, "public"), approve=False)
    town.votes(B, town.genesis, approve=False)
    town.votes(B, town.genesis)

    assert town.fold().charter is None


def test_a_delegation_can_need_two_authorities() -> None:
    town = trio(rules={"authority.delegate": {"authorities": 2}})
    pen = town.pen("d#1", "https://d.example/")
    made = town.says(A, "authority.delegate", delegation(pen.authority, [key_entry(pen, budget=9)]))
    assert state_of(town, made) is EffectState.WAITING
    town.votes(B, made)

    assert state_of(town, made) is EffectState.EFFECTIVE
    assert record_of(town, "authority", pen.authority)["standings"][0]["parent"] == {"by": A, "via": None}


def test_a_key_that_votes_without_end_makes_no_count_dear(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it says once more on the same proposals is looked at once, and never again."""
    looked_at = []
    for count in (3, 30):
        town = trio(rules={"accreditation.grant": {"authorities": 3}, "authority.delegate": {"authorities": 3}})
        proposals = [town.says(A, "accreditation.grant", grant(f"did:web:p{number}.example")) for number in range(5)]
        proposals.append(delegate(town)[1])
        targets = {"targets": sorted(said.id for said in proposals)}
        for _ in range(count):
            town.says(B, "vote.approve", targets)
        fold, calls = town.fold(), 0
        whole = Ground._is_clear

        def counted(ground: Ground, statement: Statement, *, narrowing: bool, whole: Any = whole) -> bool:
            nonlocal calls
            calls += 1
            return bool(whole(ground, statement, narrowing=narrowing))

        with monkeypatch.context() as patch:
            patch.setattr(Ground, "_is_clear", counted)
            fold.add(town.says(B, "vote.approve", targets, heard=False))
            fold.settle()
            assert calls == 0, "it says nothing new"
            fold.add(town.says(C, "vote.approve", targets, heard=False))
            fold.settle()
        looked_at.append(calls)
        assert all(said.id in {one.statement.id for one in waiting_proposals(town.fold())} for said in proposals)
        assert [verdict_of(town, said, fold).state for said in proposals] == [EffectState.EFFECTIVE] * 6
    assert looked_at[0] == looked_at[1]


@pytest.mark.parametrize("order", [1, -1])
def test_a_vote_said_again_counts_from_the_first_time_whichever_came_first(order: int) -> None:
    town = trio(rules={"accreditation.grant": {"authorities": 2}})
    given = town.says(A, "accreditation.grant", grant())
    votes = []
    for _ in range(3):
        town.time += 1_000
        votes.append(town.votes(B, given))
    fold = fold_of(town.eco, [*(said for said in town.said if said not in votes), *votes[::order]], batch=1)
    assert verdict_of(town, given, fold).since == votes[0].iat
    assert [one.id for one in fold.chains.deciding_votes(given.id)] == [votes[0].id]
    assert len(fold.chains.votes_on(given.id)) == 3


def test_a_vote_in_anothers_name_dates_no_decision() -> None:
    town = trio()
    pen, _ = delegate(town)
    recognised = town.says(A, "recognition.grant", recognition())
    town.votes(Pen(pen.name, B, pen.seq, pen.prev), recognised)
    assert state_of(town, recognised) is EffectState.WAITING

    approved = town.votes(B, recognised)

    assert verdict_of(town, recognised).since == approved.iat
