"""What is left of a key's statements, and of what hangs on them, once it has been cut off."""

import pytest

from accredit.governance.authority.effect import EffectState
from tests.strategies.bodies import ISSUER, delegation, event, grant, register
from tests.strategies.consortium import Pen, fold_of, key_entry
from tests.strategies.stories import (
    A,
    B,
    C,
    compromise,
    issuer_pen,
    pinned,
    state_of,
    trio,
    verdict_of,
)


def test_a_stolen_keys_forged_statements_leave_the_committed_set_whenever_they_come() -> None:
    town = trio()
    good = town.says(A, "accreditation.grant", grant())
    thief = town.pen(A).copy()
    early = town.says(thief, "accreditation.grant", grant("did:web:early.example"))
    town.votes(C, compromise(town, B, town.pen(A), good))
    late = town.says(thief, "accreditation.grant", grant("did:web:late.example"))

    for fold in (town.fold(), fold_of(town.eco, town.said, batch=1)):
        assert [fold.is_committed(s.id) for s in (good, early, late)] == [True, False, False]
        assert fold.committed_count() == len(town.said) - 2


def test_what_only_a_void_statement_introduced_leaves_with_it() -> None:
    town = trio()
    pen = Pen("an invented issuer's", ISSUER)
    registered = town.says(town.pen(A).copy(), "issuer.register", register(keys=[pinned(pen)]))
    retired = town.says(pen, "issuer.key", {"issuer": ISSUER, "op": "retire", "key_id": f"{ISSUER}#key"})
    fold = town.fold()
    assert fold.is_committed(retired.id)

    cut = compromise(town, B, town.pen(A))
    for statement in (cut, town.votes(C, cut)):
        fold.add(statement)
    changes = fold.settle()

    assert set(changes.ceased) == {registered.id, retired.id}
    assert not fold.is_committed(registered.id)
    assert not fold.is_committed(retired.id)
    assert fold.state_root() == town.fold().state_root()


def test_a_key_cut_off_for_one_authority_speaks_on_for_another_and_its_chain_stays_whole() -> None:
    town = trio(keys=2)
    shared = town.pen(f"{B}#1")
    town.says(f"{A}#1", "key.add", key_entry(shared, budget=0), A)
    shared.authority = A
    for_a = town.says(shared, "accreditation.grant", grant("did:web:for-a.example"))
    shared.authority = B
    for_b = town.says(shared, "accreditation.grant", grant("did:web:for-b.example"))
    compromise(town, f"{A}#1", Pen(shared.name, A))

    for fold in (town.fold(), fold_of(town.eco, town.said, batch=1), fold_of(town.eco, town.said[::-1], batch=1)):
        assert verdict_of(town, for_a, fold).state is EffectState.VOID
        assert verdict_of(town, for_b, fold).state is EffectState.EFFECTIVE
        assert fold.is_committed(for_a.id)  # else nobody could follow the chain to the other
        assert fold.is_committed(for_b.id)


@pytest.mark.parametrize("order", [1, -1])
def test_a_last_that_is_not_held_yet_lets_its_ancestors_stand_once_it_comes(order: int) -> None:
    town = trio()
    good = town.says(A, "accreditation.grant", grant())
    last = town.says(A, "accreditation.status", event(good.id, "suspend"), ISSUER)
    town.votes(C, compromise(town, B, town.pen(A), last))
    rest = [s for s in town.said if s not in (good, last)]
    fold = fold_of(town.eco, rest)
    assert fold.get("accreditation", good.id.hex()) is None

    for statement in (good, last)[::order]:
        fold.add(statement)
        fold.settle()

    assert fold.state_root() == town.fold().state_root()
    assert fold.get("accreditation", good.id.hex()) is not None


def test_what_comes_before_a_last_stands_though_something_still_earlier_is_missing() -> None:
    """So nobody makes a suspension void by holding back what its key had said before it."""
    town = trio()
    given = town.says(B, "accreditation.grant", grant())
    missing = town.says(A, "issuer.register", register("did:web:missing.example"))
    stands = town.says(A, "issuer.key", {"issuer": ISSUER, "op": "retire", "key_id": f"{ISSUER}#key"})
    last = town.says(A, "issuer.key", {"issuer": ISSUER, "op": "retire", "key_id": f"{ISSUER}#next"})
    void = town.says(A, "issuer.key", {"issuer": ISSUER, "op": "retire", "key_id": f"{ISSUER}#third"})
    town.votes(C, compromise(town, B, town.pen(A), last))
    fold = fold_of(town.eco, [said for said in town.said if said is not missing])

    states = [verdict_of(town, said, fold).state for said in (given, stands, last, void)]
    assert states == [EffectState.EFFECTIVE] * 3 + [EffectState.VOID]


def test_the_vote_of_a_key_that_its_own_body_ended_stands_in_what_others_carried_with_it() -> None:
    """And its vote on what nobody holds is one of a key that was cut off."""
    town = trio(keys=2)
    given = town.says(f"{A}#1", "accreditation.grant", grant())
    before = town.says(f"{B}#1", "issuer.register", register("did:web:other.example"))
    revoked = town.says(
        f"{A}#1", "accreditation.status", event(given.id, "revoke", void_from=1, reason_code="fraud"), ISSUER
    )
    alone = town.says(f"{A}#1", "issuer.register", register("did:web:third.example"))
    vote = town.votes(f"{B}#1", revoked, alone)
    unknown = town.says(f"{B}#1", "vote.approve", {"targets": [bytes(32)]})
    compromise(town, f"{B}#2", town.pen(f"{B}#1"), before)

    assert [state_of(town, said) for said in (revoked, vote, unknown)] == [
        EffectState.EFFECTIVE,
        EffectState.EFFECTIVE,
        EffectState.VOID,
    ]
    assert town.fold().is_committed(vote.id)


def test_a_key_that_names_no_authority_of_its_own_is_cut_off_for_all_it_says() -> None:
    town = trio()
    pen = issuer_pen(town)
    body = {"issuer": ISSUER, "op": "retire", "key_id": f"{ISSUER}#key"}
    retired = town.says(pen, "issuer.key", body)
    assert state_of(town, retired) is EffectState.EFFECTIVE

    town.votes(C, compromise(town, B, pen))

    assert state_of(town, retired) is EffectState.VOID


@pytest.mark.parametrize(
    ("voted", "state"), [(20, EffectState.EFFECTIVE), (40, EffectState.EFFECTIVE), (50, EffectState.VOID)]
)
def test_of_two_cut_offs_the_earlier_one_says_by_when_others_had_to_carry_a_decision(
    voted: int, state: EffectState
) -> None:
    """Else whoever finds a key that ended long ago waits until it is ended again, and asks somebody to approve."""
    town = trio(keys=2, rules={"accreditation.grant": {"authorities": 2}})
    start, stolen = town.time + 100, town.pen(f"{A}#1")
    last = town.says(f"{A}#1", "issuer.register", register())
    given = town.says(f"{A}#1", "accreditation.grant", grant(), iat=start)
    for kind, at in (("key.retire", 40), ("key.compromise", 60)):
        body = {"key": stolen.kid, "last": last.id}
        town.says(f"{A}#2", kind, body, A, iat=start + at)
    town.says(B, "vote.approve", {"targets": [given.id]}, town.eco.hex(), iat=start + voted)
    # Whoever delegates to the one that ended it makes the cut-offs no younger.
    entry = key_entry(town.pen(f"{A}#2"), budget=0)
    town.says(f"{C}#1", "authority.delegate", delegation(A, [entry]), iat=start + 100)

    assert state_of(town, given) is state


def test_what_an_ended_key_says_of_a_thing_that_is_not_here_is_void() -> None:
    """Nobody knows yet how many its undoing would take."""
    town = trio(keys=2)
    given = town.says(f"{B}#1", "accreditation.grant", grant())
    suspended = town.says(f"{A}#1", "accreditation.status", event(given.id, "suspend"), ISSUER)
    compromise(town, f"{A}#2", town.pen(f"{A}#1"), town.genesis)
    without = fold_of(town.eco, [said for said in town.said if said is not given])

    assert verdict_of(town, suspended, without).state is EffectState.VOID
