"""An inbox shows what its key can still bring nearer, and nothing that is other people's business."""

from accredit.governance.fold import Fold
from tests.strategies.bodies import node, recognition, register
from tests.strategies.consortium import Pen
from tests.strategies.stories import A, B, C, amend, compromise, delegate, trio


def test_what_one_body_decides_alone_waits_only_for_its_own_keys() -> None:
    town = trio(keys=3, threshold=2)
    said = town.says(f"{A}#1", "issuer.register", register())
    fold = town.fold()
    may = {name: fold.may_vote(pen.kid, said) for name, pen in town.pens.items()}
    assert [name for name, can in may.items() if can] == [f"{A}#2", f"{A}#3"]
    town.votes(f"{A}#2", said, approve=False)
    assert not town.fold().may_vote(town.pen(f"{A}#2").kid, said), "a key's first vote is its vote for good"


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
        assert [fold.may_vote(town.pen(who).kid, said) for who in (A, B, C)] == [False, True, True], said.kind
        assert not fold.may_vote(delegated.kid, said)


def test_a_body_ends_its_own_key_by_itself() -> None:
    town = trio(keys=3, threshold=2)
    said = compromise(town, f"{A}#1", town.pen(f"{A}#3"))
    fold = town.fold()
    assert fold.may_vote(town.pen(f"{A}#2").kid, said)
    assert not fold.may_vote(town.pen(f"{B}#1").kid, said)


def test_before_the_genesis_is_in_effect_nobody_votes_on_anything_else() -> None:
    town = trio()
    said = town.says(A, "issuer.register", register())
    assert not Fold(town.eco).may_vote(Pen("x", A).kid, said)
