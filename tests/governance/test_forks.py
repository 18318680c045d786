"""One key, one number, two statements: what waits, what settles it, what holds meanwhile."""

import pytest

from accredit.governance.authority import governing_state
from accredit.governance.authority.effect import EffectState
from accredit.governance.authority.governing_state import Law
from accredit.governance.index.statement_index import Chains
from accredit.governance.standing import key_head, standing_of, waiting_proposals
from tests.strategies.bodies import ISSUER, delegation, event, grant, recognition, register
from tests.strategies.consortium import Consortium, Pen, fold_of, key_entry
from tests.strategies.stories import A, B, C, amend, compromise, delegate, state_of, trio, verdict_of


def forked() -> tuple[Consortium, Pen]:
    """A town where A's key is in two hands, and the second hand."""
    town = trio()
    return town, town.pen(A).copy()


def test_a_fork_raises_an_alarm_until_a_cut_off_ends_one_branch() -> None:
    town, thief = forked()
    honest = town.says(A, "accreditation.grant", grant())
    forged = town.says(thief, "accreditation.grant", grant("did:web:mill.example"))
    fold = town.fold()
    assert fold.alarms() == (f"key {thief.kid.hex()[:16]} has signed two statements with the same number",)
    head = key_head(fold, thief.kid)
    assert head is not None
    assert head.forked

    town.votes(C, compromise(town, B, thief, honest))

    fold = town.fold()
    assert fold.alarms() == ()
    assert [verdict_of(town, s, fold).state for s in (honest, forged)] == [EffectState.EFFECTIVE, EffectState.VOID]


def test_what_came_before_the_fork_stands_and_so_do_narrowing_statements_after_it() -> None:
    town = trio()
    before = town.says(A, "accreditation.grant", grant())
    thief = town.pen(A).copy()
    suspended = town.says(A, "accreditation.status", event(before.id, "suspend"), ISSUER)
    lifted = town.says(thief, "accreditation.status", event(before.id, "renew"), ISSUER)

    assert [state_of(town, s) for s in (before, suspended, lifted)] == [
        EffectState.EFFECTIVE,
        EffectState.EFFECTIVE,
        EffectState.WAITING,
    ]
    assert verdict_of(town, lifted).reason == "Its key has signed two conflicting histories."


def test_a_forked_keys_votes_count_for_suspensions_only() -> None:
    town, thief = forked()
    recognised = town.says(B, "recognition.grant", recognition())
    town.votes(A, recognised)
    town.says(thief, "issuer.register", register())
    withdrawn = town.says(B, "recognition.withdraw", {"recognition": recognised.id, "effective_from": 1}, "x")

    assert state_of(town, recognised) is EffectState.WAITING
    assert state_of(town, withdrawn) is EffectState.INEFFECTIVE
    town.votes(C, recognised)
    ended = {"recognition": recognised.id, "effective_from": 1}
    withdrawn = town.says(B, "recognition.withdraw", ended, recognised.sub)
    town.votes(A, withdrawn)
    assert state_of(town, withdrawn) is EffectState.EFFECTIVE


def test_an_anchor_protects_what_comes_before_it_on_its_branch_and_nothing_after() -> None:
    town, thief = forked()
    first = town.says(A, "accreditation.grant", grant())
    second = town.says(A, "accreditation.grant", grant("did:web:second.example"))
    third = town.says(A, "accreditation.grant", grant("did:web:third.example"))
    town.says(thief, "accreditation.grant", grant("did:web:mill.example"))
    town.votes(B, second)

    assert [state_of(town, s) for s in (first, second, third)] == [
        EffectState.EFFECTIVE,
        EffectState.EFFECTIVE,
        EffectState.WAITING,
    ]


def test_a_branch_that_its_own_key_or_a_cut_off_key_approves_is_not_anchored() -> None:
    town, thief = forked()
    honest = town.says(A, "accreditation.grant", grant())
    forged = town.says(thief, "accreditation.grant", grant("did:web:mill.example"))
    town.votes(thief, forged)
    pen, _ = delegate(town, B)
    town.votes(pen, forged)
    town.votes(C, compromise(town, B, pen))

    assert [state_of(town, s) for s in (honest, forged)] == [EffectState.WAITING] * 2


def test_heads_of_an_amendment_anchor_the_branch_they_name() -> None:
    town, thief = forked()
    honest = town.says(A, "accreditation.grant", grant())
    heads = town.heads()
    forged = town.says(thief, "accreditation.grant", grant("did:web:mill.example"))
    town.votes(C, amend(town, B, heads=heads))

    assert [state_of(town, s) for s in (honest, forged)] == [EffectState.EFFECTIVE, EffectState.WAITING]


def test_heads_that_name_what_another_key_said_put_no_branch_in_doubt() -> None:
    """Else whoever ends a delegate of its own blocks a branch that others have vouched for."""
    town, thief = forked()
    _, delegated = delegate(town, B)
    honest = town.says(A, "accreditation.grant", grant())
    town.says(thief, "accreditation.grant", grant("did:web:mill.example"))
    town.votes(B, honest)
    others = town.says(C, "issuer.register", register())
    assert others.seq == honest.seq
    ended = {"delegation": delegated.id, "heads": [{"key": thief.kid, "id": others.id}], "effective_from": town.time}
    withdrawn = town.says(B, "authority.withdraw", ended, delegated.body["delegate"])

    assert [state_of(town, s) for s in (withdrawn, honest)] == [EffectState.EFFECTIVE] * 2


def test_a_fork_that_both_branches_anchor_protects_what_lies_before_the_doubt() -> None:
    town, _ = forked()
    common = town.says(A, "accreditation.grant", grant())
    thief = town.pen(A).copy()
    other = Pen(f"{A}#1", A, 2, town.genesis.id)
    town.says(other, "issuer.register", register())
    one = town.says(A, "accreditation.grant", grant("did:web:one.example"))
    two = town.says(thief, "accreditation.grant", grant("did:web:two.example"))
    town.votes(B, one)
    town.votes(C, two)

    assert [state_of(town, s) for s in (common, one, two)] == [
        EffectState.EFFECTIVE,
        EffectState.WAITING,
        EffectState.WAITING,
    ]


def test_branches_that_are_both_anchored_far_on_protect_neither_from_where_they_part() -> None:
    town, thief = forked()
    said = [
        town.says(hand, "accreditation.grant", grant(f"did:web:i{n}.example")) for n in (1, 2) for hand in (A, thief)
    ]
    town.votes(B, said[2])
    town.votes(C, said[3])

    assert [state_of(town, one) for one in said] == [EffectState.WAITING] * 4


def test_a_fork_learnt_of_late_is_as_if_it_had_always_been_known() -> None:
    town, thief = forked()
    said = [town.says(A, "accreditation.grant", grant(f"did:web:i{n}.example")) for n in range(3)]
    fold = town.fold()
    assert fold.get("issuer", "did:web:i0.example") is not None
    forged = town.says(thief, "issuer.register", register())

    fold.add(forged)
    changes = fold.settle()

    assert changes.ceased == tuple(sorted(s.id for s in said))
    assert fold.state_root() == town.fold().state_root() == fold_of(town.eco, town.said[::-1]).state_root()


def test_a_voucher_counts_until_its_own_key_forks_and_not_from_then_on() -> None:
    for is_late in (False, True):
        town, thief = forked()
        honest = town.says(A, "accreditation.grant", grant())
        town.says(thief, "accreditation.grant", grant("did:web:mill.example"))
        if not is_late:
            town.votes(C, honest)
        other = town.pen(C).copy()
        town.says(C, "issuer.register", register("did:web:one.example"))
        town.says(other, "issuer.register", register("did:web:two.example"))
        if is_late:
            town.votes(C, honest)
            again = town.pen(C).copy()  # a later fork does not make the first one undone
            town.says(C, "issuer.register", register("did:web:three.example"))
            town.says(again, "issuer.register", register("did:web:four.example"))

        assert state_of(town, honest) is (EffectState.WAITING if is_late else EffectState.EFFECTIVE)
        assert fold_of(town.eco, [town.said[0], *reversed(town.said[1:])]).state_root() == town.fold().state_root()


def test_a_voucher_at_the_very_number_of_its_keys_fork_counts_for_nothing() -> None:
    town, thief = forked()
    honest = town.says(A, "accreditation.grant", grant())
    town.says(thief, "accreditation.grant", grant("did:web:mill.example"))
    other = town.pen(C).copy()
    town.votes(C, honest)
    town.says(other, "issuer.register", register("did:web:two.example"))

    assert state_of(town, honest) is EffectState.WAITING


def test_one_statement_more_of_a_forked_key_has_nothing_settled_anew_however_many_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Delegates without end, and ends of keys that nobody has, cost a judgement each; it was all of them each time."""
    settled = 0
    whole = governing_state.settle_law

    def counted(chains: Chains, ecosystem: bytes) -> Law | None:
        nonlocal settled
        settled += 1
        return whole(chains, ecosystem)

    monkeypatch.setattr("accredit.governance.fold.settle_law", counted)
    town, thief = forked()
    for number in range(2):
        town.says(thief.copy(), "issuer.register", register(f"did:web:a{number}.example"))
    fold = town.fold()
    settled = 0
    for number in range(3):
        name = f"https://d{number}.example/"
        body = delegation(name, [key_entry(Pen(name, name), budget=10)])
        end = {"key": Pen(f"nobody's {number}", B).kid, "last": None}
        for kind, said in [
            ("authority.delegate", body),
            ("key.add", key_entry(Pen(f"{name} 2", A))),
            ("key.retire", end),
        ]:
            statement = town.says(thief.copy(), kind, said)
            fold.add(statement)
            fold.settle()
            assert standing_of(fold, statement.id) == standing_of(town.fold(), statement.id)
            if kind == "key.retire":
                assert statement.id in [proposal.statement.id for proposal in waiting_proposals(fold)]
    assert settled == 9, "by the whole folds alone"


def test_a_delegation_beside_the_law_takes_effect_once_its_branch_is_vouched_for() -> None:
    town, thief = forked()
    town.says(A, "issuer.register", register())
    town.says(thief, "issuer.register", register("did:web:b.example"))
    fold = town.fold()
    delegate_pen, given = delegate(town, thief)
    said = town.says(delegate_pen, "issuer.register", register("did:web:c.example"))
    for statement in (given, said):
        fold.add(statement)
        fold.settle()
    reason = "Its author's delegation is not in effect."
    assert [verdict_of(town, given, fold).state, verdict_of(town, said, fold).reason] == [EffectState.WAITING, reason]
    fold.add(town.votes(C, given))
    fold.settle()
    assert [verdict_of(town, each, fold).state for each in (given, said)] == [EffectState.EFFECTIVE] * 2


def test_a_fork_of_the_first_statement_of_a_key_is_settled_by_whoever_vouches_for_a_branch() -> None:
    town = trio()
    pen, _ = delegate(town, A)
    thief = pen.copy()
    honest = town.says(pen, "issuer.register", register())
    forged = town.says(thief, "issuer.register", register("did:web:mill.example"))
    assert [state_of(town, s) for s in (honest, forged)] == [EffectState.WAITING] * 2

    town.votes(B, honest)
    assert [state_of(town, s) for s in (honest, forged)] == [EffectState.EFFECTIVE, EffectState.WAITING]


def test_keys_in_doubt_that_vouch_for_each_other_in_a_circle_stop_no_node() -> None:
    """Whether the ended key vouches for one branch hung on whether the other key is in doubt, and that on the first:
    every node that heard of it stopped for good, whoever of the network had made these keys."""
    town, thief = forked()
    one, other, ended = (Pen(name, A) for name in ("one", "other", "ended"))
    for pen in (one, other, ended):
        town.says(thief, "key.add", key_entry(pen, budget=10), A)
    compromise(town, thief, ended)
    branches = []
    for pen in (one, other):
        twin = pen.copy()
        branches.append(town.says(pen, "issuer.register", register(f"did:web:{pen.name}.example")))
        town.says(twin, "issuer.register", register(f"did:web:{pen.name}-again.example"))
    town.votes(ended, *branches)
    town.votes(one, branches[1])
    town.votes(other, branches[0])

    assert [state_of(town, said) for said in branches] == [EffectState.WAITING] * 2

    town.votes(B, branches[0])
    assert [state_of(town, said) for said in branches] == [EffectState.EFFECTIVE, EffectState.WAITING]
