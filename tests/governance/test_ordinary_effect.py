"""What is judged in a few look-ups stands as the whole judgement has it; whatever is not ordinary is left to that."""

from typing import Any

import pytest
from hypothesis import given

from accredit.governance.authority.effect import EffectState, InForce, judge
from accredit.governance.authority.ordinary_effect import ORDINARY, in_force
from accredit.governance.fold import Fold
from accredit.governance.rules.rulebook import KINDS, Stratum
from accredit.governance.rules.undoing import TABLE, Back, Undoes, Whose
from accredit.registry.domain.records import Voice
from accredit.registry.statement import Statement
from tests.strategies.bodies import register
from tests.strategies.consortium import Consortium, Pen, fold_of, key_entry
from tests.strategies.histories import AUTHORITIES, A, B, History, histories
from tests.strategies.searching import examples


def judged(fold: Fold, statement: Statement) -> InForce | None:
    """What the whole judgement says of a statement."""
    assert fold.law is not None
    verdict = judge(fold.law, statement, fold._effective.get)
    if verdict.state is not EffectState.EFFECTIVE:
        return None
    assert verdict.voice is not None
    assert verdict.since is not None
    return InForce(verdict.voice, verdict.since)


@pytest.mark.no_cover
@examples(25)
@given(histories())
def test_what_is_judged_quickly_is_judged_as_the_law_has_it(history: History) -> None:
    fold = fold_of(*history)
    for statement in fold.chains if fold.law is not None else ():
        assert fold.law is not None
        quick = in_force(fold.law, statement)
        assert quick is None or quick == judged(fold, statement), statement


def quickly(town: Consortium, statement: Statement) -> InForce | None:
    """What the quick judgement says of a statement among all that was said."""
    law = town.fold().law
    assert law is not None
    return in_force(law, statement)


def test_a_statement_of_one_authority_in_order_is_in_effect_since_its_date() -> None:
    town = Consortium.of(*AUTHORITIES)
    said = town.says(A, "issuer.register", register())
    assert quickly(town, said) == InForce(Voice(said.iss, None), said.iat) == judged(town.fold(), said)


@pytest.mark.parametrize("charter", [{"keys": 2, "threshold": 2}, {"rules": {"issuer.register": {"authorities": 2}}}])
def test_what_needs_more_than_one_key_is_left_to_the_whole_judgement(charter: dict[str, Any]) -> None:
    town = Consortium.of(*AUTHORITIES, **charter)
    assert quickly(town, town.says(A, "issuer.register", register())) is None


def test_what_a_key_said_in_doubt_is_left_to_the_whole_judgement() -> None:
    """Each of these is void, waits, or counts from another time."""
    town, stranger, fresh = Consortium.of(*AUTHORITIES, keys=2), Pen("stranger", A), Pen("fresh", B)
    foreign = town.says(stranger, "issuer.register", register("did:web:foreign.example"))
    voted_on = town.says(A, "issuer.register", register("did:web:voted.example"))
    town.votes(B, voted_on)
    branch = town.pen(f"{B}#2").copy()
    forked = town.says(f"{B}#2", "issuer.register", register("did:web:one.example"))
    town.says(branch, "issuer.register", register("did:web:two.example"))
    town.says(A, "issuer.register", register("did:web:missing.example"), heard=False)
    behind = town.says(A, "issuer.register", register("did:web:behind.example"))
    town.says(B, "key.add", key_entry(fresh, budget=5), B)
    early = town.says(fresh, "issuer.register", register("did:web:early.example"), iat=town.time - 10)
    ended = town.pen(f"{A}#2")
    cut = town.says(ended, "issuer.register", register("did:web:cut.example"))
    town.says(f"{A}#2", "key.retire", {"key": ended.kid, "last": cut.id}, A)
    for statement in (foreign, voted_on, forked, behind, early, cut):
        assert quickly(town, statement) is None, statement


@pytest.mark.parametrize("kind", ORDINARY)
def test_ordinary_kinds_undo_nothing_and_take_nothing_away(kind: str) -> None:
    row = TABLE[kind]
    assert (row.whose, row.undoes, row.names) == (Whose.ANYBODY, Undoes.NOTHING, None)
    assert row.back in (Back.NOT, Back.TERMS)
    assert KINDS[kind].stratum is Stratum.RECORDS
    assert not KINDS[kind].is_narrowing({})
