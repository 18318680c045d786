"""The heads of a withdrawal: one body alone ends a mandate, and takes nothing of the past away, whatever they leave
out."""

from itertools import permutations
from typing import Any

import pytest

from accredit.governance.authority.effect import EffectState
from accredit.governance.fold import Fold
from accredit.registry.decision.verdict import Verdict
from accredit.registry.statement import Statement
from tests.strategies.bodies import grant, register
from tests.strategies.consortium import Consortium, Pen, fold_of
from tests.strategies.stories import YEAR, A, B, C, amend, answer, delegate, granted, state_of, trio, verdict_of


def withdrawn(town: Consortium, made: Statement, heads: dict[bytes, bytes], by: str = A) -> Statement:
    named = [{"key": key, "id": heads[key]} for key in sorted(heads)]
    body: dict[str, Any] = {"delegation": made.id, "heads": named, "effective_from": town.time + 1}
    return town.says(by, "authority.withdraw", body, made.body["delegate"])


def last_of(town: Consortium, who: str) -> Statement:
    return next(said for said in reversed(town.said) if said.kid == town.pen(who).kid)


def unheard(town: Consortium, pen: Pen, kind: str, body: dict[str, Any]) -> Statement:
    """What a key said, and nobody has yet."""
    said = town.says(pen, kind, body)
    town.said.remove(said)
    return said


@pytest.mark.no_cover
@pytest.mark.parametrize("head", ["of nobody", "of another key", "without what came before it", "early"])
def test_one_body_erases_no_past_of_its_delegate_by_a_head(head: str) -> None:
    town = trio()
    pen, made = delegate(town)
    given = granted(town, pen)
    then, early = town.time, town.said[-2].id
    stray = pen.copy()
    unheard(town, stray, "issuer.register", register("did:web:missing.example"))
    orphan = town.says(stray, "issuer.register", register("did:web:orphan.example"))
    named = {
        "of nobody": b"\x07" * 32,
        "of another key": town.genesis.id,
        "without what came before it": orphan.id,
        "early": early,
    }
    withdrawal = withdrawn(town, made, {pen.kid: named[head]})
    late = town.says(pen, "accreditation.grant", grant("did:web:late.example"))

    assert state_of(town, withdrawal) is EffectState.EFFECTIVE
    assert state_of(town, late) is not EffectState.EFFECTIVE
    assert state_of(town, given) is EffectState.EFFECTIVE
    assert answer(town, at=then) is not Verdict.NOT_TRUSTED

    town.votes(B, withdrawal)

    assert state_of(town, given) is EffectState.INEFFECTIVE


def test_what_one_body_leaves_out_of_the_heads_gives_no_trust_until_another_shows_it() -> None:
    """So a thief who dates a grant back gains nothing, and an honest issuer loses nothing for good."""
    town = trio()
    pen, made = delegate(town)
    given = granted(town, pen)
    early = town.said[-2]
    assert answer(town) in (Verdict.TRUSTED, Verdict.TRUSTED_WITH_ADVISORY)
    withdrawn(town, made, {pen.kid: early.id})
    assert answer(town, at=given.iat) is Verdict.INDETERMINATE

    town.votes(B, given)
    assert answer(town, at=given.iat) is Verdict.TRUSTED_WITH_ADVISORY


@pytest.mark.parametrize("who", ["an amendment of the charter", "another body that ends a delegate of its own"])
@pytest.mark.parametrize("is_late", [False, True])
def test_heads_given_after_a_mandate_ended_show_nothing_of_what_a_thief_dated_back(who: str, is_late: bool) -> None:
    """The next amendment names the newest statement of every key, so a thief had only to wait for it."""
    town = trio()
    pen, made = delegate(town)
    _, others = delegate(town, B, to="https://other.example/")
    first, then = last_of(town, A), town.time
    given = granted(town, pen)

    def heads_by_others() -> None:
        if who.startswith("an amendment"):
            amendment = amend(town, B)
            town.votes(C, amendment)
        else:
            withdrawn(town, others, {pen.kid: given.id}, by=B)

    if not is_late:
        heads_by_others()
    withdrawn(town, made, {town.pen(A).kid: first.id})
    assert (answer(town, at=then + 5) is Verdict.INDETERMINATE) is is_late
    town.time += YEAR
    if is_late:
        heads_by_others()

    assert (answer(town, at=then + 5) is Verdict.INDETERMINATE) is is_late
    withdrawn(town, made, {pen.kid: given.id})
    assert answer(town, at=then + 5) is not Verdict.INDETERMINATE, "whoever gave the mandate says what was in time"


def test_heads_of_another_body_that_takes_two_to_end_its_delegate_are_as_late_as_the_second_one() -> None:
    """Whenever the vote arrives: at nodes that had settled everything else before, too."""
    town = trio(rules={"authority.withdraw": {"authorities": 2}})
    end = town.time + 100
    pen, _ = delegate(town, valid_until=end)
    _, others = delegate(town, B, to="https://other.example/")
    given = granted(town, pen)
    body = {"delegation": others.id, "heads": [{"key": pen.kid, "id": given.id}], "effective_from": town.time}
    withdrawal = town.says(B, "authority.withdraw", body, "https://other.example/")
    town.time = end + 10
    town.votes(C, withdrawal)
    town.time += 10
    late = town.fold()
    assert answer(town, at=given.iat) is Verdict.INDETERMINATE

    vote = town.says(A, "vote.approve", {"targets": [withdrawal.id]}, town.eco.hex(), iat=end - 10)
    late.add(vote)
    late.settle()
    assert dict(late.items()) == dict(town.fold().items())
    assert answer(town, at=given.iat) is not Verdict.INDETERMINATE


def test_a_key_that_never_spoke_needs_no_head() -> None:
    town = trio()
    pen, made = delegate(town)
    idle = Pen("idle", pen.authority)
    given = granted(town, pen)
    withdrawal = withdrawn(town, made, {pen.kid: given.id, idle.kid: b"\x07" * 32})

    assert [state_of(town, said) for said in (withdrawal, given)] == [EffectState.EFFECTIVE] * 2


@pytest.mark.no_cover
def test_heads_that_two_bodies_agree_to_count_in_any_order_and_batch() -> None:
    town = trio()
    pen, made = delegate(town)
    given = granted(town, pen)
    thief = pen.copy()
    middle = town.says(pen, "issuer.register", register("did:web:middle.example"))
    head = town.says(pen, "issuer.register", register("did:web:last.example"))
    stolen = town.says(thief, "accreditation.grant", grant("did:web:stolen.example"))
    withdrawal = withdrawn(town, made, {pen.kid: head.id})
    town.votes(B, withdrawal)
    last = [middle, head, stolen, withdrawal]
    first = [said for said in town.said if said not in last]

    def standing(fold: Fold) -> list[EffectState]:
        return [verdict_of(town, said, fold).state for said in (given, stolen)]

    whole = town.fold()
    assert standing(whole)[0] is EffectState.EFFECTIVE
    assert standing(whole)[1] is not EffectState.EFFECTIVE
    for order in permutations(last):
        for batch in (1, 2):
            fold = fold_of(town.eco, [*first, *order], batch=batch)
            assert standing(fold) == standing(whole)
            assert fold.state_root() == whole.state_root()
