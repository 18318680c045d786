"""An inbox shows what its key can still bring nearer, and nothing that is other people's business."""

from accredit.governance.authority.effect import EffectState
from accredit.governance.fold import Fold
from accredit.governance.standing import may_vote, waiting_proposals
from tests.strategies.bodies import delegation, framework, framework_items, node, recognition, register
from tests.strategies.consortium import Pen, key_entry
from tests.strategies.stories import DELEGATE, A, B, C, amend, compromise, delegate, granted, state_of, status, trio


def test_what_one_body_decides_alone_waits_only_for_its_own_keys() -> None:
    town = trio(keys=3, threshold=2)
    said = town.says(f"{A}#1", "issuer.register", register())
    fold = town.fold()
    may = {name: may_vote(fold, pen.kid, said) for name, pen in town.pens.items()}
    assert [name for name, can in may.items() if can] == [f"{A}#2", f"{A}#3"]
    town.votes(f"{A}#2", said, approve=False)
    assert not may_vote(town.fold(), town.pen(f"{A}#2").kid, said), "a key's first vote is its vote for good"


def test_a_change_of_what_one_body_granted_waits_only_for_its_own_keys() -> None:
    town = trio(keys=2, threshold=2)
    given = granted(town, f"{A}#1")
    town.votes(f"{A}#2", *town.said[-2:])
    said = status(town, f"{A}#1", given, "suspend")
    fold = town.fold()
    assert [name for name, pen in town.pens.items() if may_vote(fold, pen.kid, said)] == [f"{A}#2"]


def test_a_change_of_what_several_granted_waits_for_any_of_the_charters_bodies() -> None:
    """One of them takes trust away alone; two others can too."""
    town = trio(keys=2, threshold=2, rules={"accreditation.grant": {"authorities": 2}})
    given = granted(town, f"{A}#1")
    for name in (f"{A}#2", f"{B}#1", f"{B}#2"):
        town.votes(name, *[one for one in town.said if one.iss == A and one.kind in ("issuer.register", given.kind)])
    said = status(town, f"{A}#1", given, "suspend")
    fold = town.fold()
    assert [name for name, pen in town.pens.items() if not may_vote(fold, pen.kid, said)] == [f"{A}#1"]


def test_what_takes_several_waits_for_every_body_of_the_charter_and_for_no_delegate() -> None:
    town = trio()
    delegated, _ = delegate(town)
    several = [
        town.says(A, "recognition.grant", recognition()),
        town.says(A, "node.admit", node("n1.example")),
        amend(town, A),
        compromise(town, A, town.pen(B)),
    ]
    fold = town.fold()
    for said in several:
        assert [may_vote(fold, town.pen(who).kid, said) for who in (A, B, C)] == [False, True, True], said.kind
        assert not may_vote(fold, delegated.kid, said)


def test_a_body_ends_its_own_key_by_itself() -> None:
    town = trio(keys=3, threshold=2)
    said = compromise(town, f"{A}#1", town.pen(f"{A}#3"))
    fold = town.fold()
    assert may_vote(fold, town.pen(f"{A}#2").kid, said)
    assert not may_vote(fold, town.pen(f"{B}#1").kid, said)


def test_before_the_genesis_is_in_effect_nobody_votes_on_anything_else() -> None:
    town = trio()
    said = town.says(A, "issuer.register", register())
    assert not may_vote(Fold(town.eco), Pen("x", A).kid, said)


def test_a_framework_and_its_parts_wait_together_and_take_effect_by_one_vote() -> None:
    town = trio(keys=3, threshold=2)
    published = town.says(f"{A}#1", "framework.publish", framework())
    parts = [town.says(f"{A}#1", "framework.items", framework_items(published.id, part)) for part in (0, 1)]
    fold = town.fold()
    assert [one.statement.id for one in waiting_proposals(fold)] == [published.id, *(part.id for part in parts)]
    for part in parts:
        may = {name: may_vote(fold, pen.kid, part) for name, pen in town.pens.items()}
        assert [name for name, can in may.items() if can] == [f"{A}#2", f"{A}#3"], "as on the framework itself"
    town.votes(f"{A}#2", published, *parts)
    assert [state_of(town, one) for one in (published, *parts)] == [EffectState.EFFECTIVE] * 3
    assert waiting_proposals(town.fold()) == []


def test_a_part_does_not_wait_with_a_framework_of_others_or_of_another_name_or_one_taken_back() -> None:
    town = trio(keys=3, threshold=2)
    published = town.says(f"{A}#1", "framework.publish", framework())
    part = town.says(f"{A}#1", "framework.items", framework_items(published.id, 0))
    foreign = town.says(f"{B}#1", "framework.items", framework_items(published.id, 0))
    elsewhere = town.says(f"{A}#1", "framework.items", framework_items(published.id, 0, "https://other.example/f"))
    about_no_framework = town.says(f"{A}#1", "framework.items", framework_items(part.id, 0))
    for lonely in (foreign, elsewhere, about_no_framework):
        assert state_of(town, lonely) is EffectState.INEFFECTIVE
        assert may_vote(town.fold(), town.pens[f"{C}#1"].kid, lonely), (
            "only what waits with its framework is its authority's own"
        )
    assert state_of(town, part) is EffectState.WAITING
    town.votes(f"{A}#1", published, approve=False)
    assert state_of(town, part) is EffectState.INEFFECTIVE


def test_a_key_that_others_delegate_to_as_well_is_still_asked_for_its_vote() -> None:
    """Whoever names a body's key in a delegation must not keep a proposal out of that body's inbox."""
    town = trio()
    pens = [town.pen(f"{DELEGATE}#{n}", DELEGATE) for n in (1, 2, 3)]
    body = delegation(DELEGATE, [key_entry(pen, budget=50) for pen in pens])
    town.says(A, "authority.delegate", body | {"threshold": 2})
    town.says(C, "authority.delegate", delegation(DELEGATE, [key_entry(pen, budget=50) for pen in pens[:2]]))
    town.says(C, "authority.delegate", delegation("https://body.example/", [key_entry(town.pen(B), budget=50)]))
    town.says(C, "authority.delegate", delegation("https://other.example/", [key_entry(pens[1], budget=50)]))
    ended = compromise(town, pens[0], pens[2])
    alone = town.says(pens[0], "issuer.register", register())
    together = town.says(A, "recognition.grant", recognition())

    fold = town.fold()
    assert may_vote(fold, pens[1].kid, alone)
    assert may_vote(fold, pens[1].kid, ended)
    assert may_vote(fold, town.pen(B).kid, together)
