"""The committed set: whoever holds it alone accepts it all again and comes to the same law and the same records."""

from accredit.governance.authority.effect import EffectState
from accredit.governance.fold import Fold
from accredit.registry.statement import Statement
from accredit.registry.transparency.state_map import Trie
from tests.strategies.bodies import ISSUER, grant, register
from tests.strategies.consortium import Consortium, Pen, accepted, fold_of, key_entry
from tests.strategies.stories import A, B, C, compromise, pinned, state_of, trio, verdict_of


def check_alone(town: Consortium) -> list[bool]:
    """What of all that was said is committed; and that it is enough, and the same however it comes in."""
    whole = town.fold()
    for order in (town.said, town.said[::-1], town.said[1::2] + town.said[::2]):
        for batch in (1, 2, None):
            assert fold_of(town.eco, order, batch=batch).statements_root() == whole.statements_root()
        check_changes(town, order)
    committed = [s for s in town.said if whole.is_committed(s.id)]
    alone = town.fold(accepted(town.eco, committed))
    assert len(alone) == len(committed) == whole.committed_count()
    assert dict(alone.items()) == dict(whole.items())
    assert alone.state_root() == whole.state_root()
    return [whole.is_committed(s.id) for s in town.said]


def check_changes(town: Consortium, order: list[Statement]) -> list[bytes]:
    """That what is said to enter and to leave the set leads to it, step by step; what left, in that order."""
    fold, held, left = Fold(town.eco), dict[bytes, None](), list[bytes]()
    for statement in order:
        fold.add(statement)
        for id, is_in in fold.settle().committed.items():
            assert (id in held) != is_in, "what is said to change does"
            if is_in:
                held[id] = None
            else:
                del held[id]
                left.append(id)
        assert set(fold.committed()) == set(held)
        assert Trie((id, id) for id in held).root() == fold.statements_root()
    return left


def test_what_a_cut_off_makes_void_leaves_the_set_and_is_said_to() -> None:
    town = trio()
    before = town.says(A, "issuer.register", register())
    forged = town.says(A, "issuer.register", register("did:web:mill.example"))
    town.votes(C, compromise(town, B, town.pen(A), before))

    assert state_of(town, forged) is EffectState.VOID
    assert check_changes(town, town.said) == [forged.id]
    committed = dict(zip(town.said, check_alone(town), strict=True))
    assert [s for s, is_in in committed.items() if not is_in] == [forged]


def test_a_vote_of_an_ended_key_leaves_the_set_with_the_forgery_that_it_votes_on() -> None:
    """B alone ended its key, so what that key says of joint decisions may count; a vote on a forgery never does."""
    town = trio(rules={"accreditation.grant": {"authorities": 2}})
    honest = town.says(A, "accreditation.grant", grant())
    between = town.says(A, "issuer.register", register("did:web:a.example"))
    own = town.says(A, "issuer.register", register())
    last = town.votes(B, compromise(town, C, town.pen(A), own))
    town.says(B, "key.retire", {"key": town.pen(B).kid, "last": last.id}, B)
    forged = town.says(A, "accreditation.grant", grant())
    town.votes(B, honest)
    vote = town.votes(B, forged)

    committed = dict(zip(town.said, check_alone(town), strict=True))
    assert [s for s, is_in in committed.items() if not is_in] == [forged, vote]
    others = [s for s in town.said if s is not between]  # until it comes, nothing shows that the honest grant is none
    assert fold_of(town.eco, [*others, between], batch=1).statements_root() == town.fold().statements_root()


def test_the_branch_that_kept_a_key_from_being_added_in_time_stays() -> None:
    """Without the thief's branch A's third key would have been added before the higher rank was read."""
    town = trio(keys=2)
    thief = town.pen(f"{A}#1").copy()
    third = Pen("third of A", A)
    added = town.says(f"{A}#1", "key.add", key_entry(third, budget=50), A)
    town.says(thief, "accreditation.grant", grant("did:web:mill.example"))
    cut = compromise(town, third, town.pen(f"{C}#1"))
    town.votes(f"{B}#1", cut)
    compromise(town, f"{A}#2", town.pen(f"{A}#1"), added)
    spoken = town.says(f"{C}#1", "accreditation.grant", grant())

    assert verdict_of(town, cut).reason.startswith("Its approvals count only because of statements judged after it")
    assert state_of(town, spoken) is EffectState.EFFECTIVE
    assert all(check_alone(town))


def test_a_void_introduction_of_a_key_that_the_law_rests_on_stays_whenever_it_comes() -> None:
    """It may be what gave that key its budget."""
    town = trio()
    town.votes(C, compromise(town, B, town.pen(A)))
    claim = pinned(town.pen(B), budget=2_000_000)
    town.says(A, "issuer.register", register(keys=[claim]))
    town.says(A, "issuer.register", register("did:web:other.example"))

    assert check_alone(town)[-2:] == [True, False]


def test_what_comes_before_a_standing_statement_stays_even_if_something_before_that_is_withheld() -> None:
    town = trio(keys=2)
    shared = town.pen(f"{B}#1")
    town.says(f"{A}#1", "key.add", key_entry(shared, budget=0), A)
    compromise(town, f"{A}#1", Pen(shared.name, A))
    shared.authority = A
    withheld = town.says(shared, "accreditation.grant", grant("did:web:withheld.example"), heard=False)
    for_a = town.says(shared, "accreditation.grant", grant("did:web:for-a.example"), heard=False)
    shared.authority = B
    for_b = town.says(shared, "accreditation.grant", grant("did:web:for-b.example"))
    town.said.append(for_a)

    assert [state_of(town, s) for s in (for_a, for_b)] == [EffectState.VOID, EffectState.WAITING]
    assert all(check_alone(town))

    town.said.append(withheld)

    assert [state_of(town, s) for s in (for_a, for_b)] == [EffectState.VOID, EffectState.EFFECTIVE]
    assert all(check_alone(town))


def test_a_budget_raised_later_lets_in_what_was_over_it() -> None:
    town = trio()
    pen = Pen("the issuer's", ISSUER)
    for who, budget in ((A, 1), (B, 3)):
        key = pinned(pen, budget=budget)
        town.says(who, "issuer.key", {"issuer": ISSUER, "op": "add", "key": key})
    for _ in range(3):
        town.says(pen, "issuer.key", {"issuer": ISSUER, "op": "retire", "key_id": f"{ISSUER}#key"})
    assert all(check_alone(town))

    town.votes(C, compromise(town, A, town.pen(B), town.genesis))

    assert all(check_alone(town))  # B's introduction is void, and the budget comes from it
