"""What no longer counts is still told: who ended it, from when, and what never counted is not mistaken for it."""

import pytest

from accredit.governance import fold as fold_module
from accredit.governance.authority.effect import EffectState
from accredit.governance.fold import _LEFT_OUT, Fold
from accredit.governance.records.reducers import subject_of
from accredit.governance.standing import ended_grants, undone_about
from accredit.registry.statement import Statement
from tests.strategies.bodies import ISSUER, event, grant
from tests.strategies.consortium import START
from tests.strategies.stories import A, B, C, annul, compromise, trio


def undone(fold: Fold, statement: Statement) -> list[tuple[Statement, EffectState, Statement]]:
    subject = subject_of(statement)
    assert subject is not None
    return [(one.statement, one.state, one.by) for one in undone_about(fold, *subject)]


def test_what_a_stolen_key_said_is_void_by_the_cut_off() -> None:
    town = trio()
    granted = town.says(A, "accreditation.grant", grant())
    cut = compromise(town, B, town.pen(A), town.genesis)
    town.votes(C, cut)
    assert undone(town.fold(), granted) == [(granted, EffectState.VOID, cut)]


def test_an_annulled_grant_takes_what_was_said_about_it_along_but_not_what_never_counted() -> None:
    town = trio(rules={"statement.annul": {"authorities": 2}})
    granted = town.says(A, "accreditation.grant", grant())
    suspended = town.says(A, "accreditation.status", event(granted.id, "suspend", START), sub=ISSUER)
    town.says(B, "accreditation.status", event(granted.id, "suspend", START + 1), sub=ISSUER)
    ending = annul(town, A, granted)
    town.votes(B, ending)
    found = undone(town.fold(), granted)
    assert found == [(granted, EffectState.ANNULLED, ending), (suspended, EffectState.ANNULLED, ending)]


def test_before_the_genesis_nothing_is_undone() -> None:
    town = trio()
    granted = town.says(A, "accreditation.grant", grant())
    subject = subject_of(granted)
    assert subject is not None
    assert undone_about(Fold(town.eco), *subject) == []


def test_how_much_of_a_record_was_left_out_is_read_back_as_it_was_written() -> None:
    places = ((b"key", 7, 1_000), (b"other", 8, 2))
    assert _LEFT_OUT.value(_LEFT_OUT.plain(places)) == places


@pytest.mark.parametrize("batch", [1, 100])
def test_annulled_grants_are_found_by_their_issuer_even_if_grant_and_annulment_came_together(batch: int) -> None:
    town = trio()
    granted = [town.says(A, "accreditation.grant", grant()) for _ in range(3)]
    town.says(A, "accreditation.grant", grant("did:web:other.example"))
    town.votes(B, annul(town, A, granted[0]))
    town.votes(B, annul(town, A, granted[2]))
    fold = Fold(town.eco)
    for start in range(0, len(town.said), batch):
        for each in town.said[start : start + batch]:
            fold.add(each)
        fold.settle()
    assert {one.id for one in ended_grants(fold, ISSUER)} == {granted[0].id, granted[2].id}
    assert ended_grants(fold, "did:web:other.example") == []


def test_of_more_grants_than_are_listed_the_newest_are_whatever_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold_module, "GRANTS_LISTED", 2)
    town = trio()
    granted = [town.says(A, "accreditation.grant", grant()) for _ in range(3)]
    for each in granted:
        town.votes(B, annul(town, A, each))
    for said in (town.said, [*reversed(town.said)]):
        fold = Fold(town.eco)
        for each in said:
            fold.add(each)
        fold.settle()
        assert {one.id for one in ended_grants(fold, ISSUER)} <= {each.id for each in granted}
        assert len(ended_grants(fold, ISSUER)) == 2
