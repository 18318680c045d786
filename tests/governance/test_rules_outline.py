"""What a charter's rules come to, in words."""

import pytest

from accredit.governance.rules import rules_outline
from accredit.governance.rules.charter import Charter, Rule, charter_of
from accredit.governance.rules.rules_outline import UNDONE_BY, Outline, outline, warnings
from accredit.governance.rules.undoing import TABLE, Undoes
from tests.strategies.consortium import Consortium
from tests.strategies.stories import A, trio


def charter(**rules: object) -> Charter:
    return charter_of(trio(rules=rules).genesis)


def row(of: Charter, kind: str) -> Outline:
    return next(one for one in outline(of) if one.kind == kind)


def test_undoing_is_said_to_take_what_doing_takes() -> None:
    strict = charter(**{"accreditation.grant": {"authorities": 3}})

    assert row(strict, "accreditation.status") == Outline(
        kind="accreditation.status",
        done_by="1 authority, under its own mandate",
        undone_by="accreditation.status: 3 of 3 authorities; statement.annul: 3 of 3 authorities",
        reaches_back_by="2 of 3 authorities",
    )
    assert row(strict, "node.admit").reaches_back_by == ""
    assert row(strict, "authority.withdraw").reaches_back_by == "2 of 3 authorities"
    alone = "to suspend or narrow it: any one of those who granted it together; "
    assert row(strict, "accreditation.grant").undone_by.startswith(alone)
    assert not row(charter(), "accreditation.grant").undone_by.startswith(alone)


def test_an_amendment_takes_more_than_half_and_is_undone_by_another() -> None:
    amending = row(charter(**{"charter.amend": {"authorities": 1}}), "charter.amend")
    assert (amending.done_by, amending.undone_by) == ("2 of 3 authorities", "charter.amend: 2 of 3 authorities")


def test_what_ending_anothers_key_takes_is_said_beside_the_rule_for_ones_own() -> None:
    seated = charter(**{"key.compromise": {"authorities": 1, "constituencies": {"nonprofit": 1}}})
    assert row(seated, "key.retire").done_by == (
        "1 authority, under its own mandate; for another body's key: 2 of 3 authorities"
    )
    assert row(seated, "key.compromise").done_by == (
        "1 of 3 authorities, including 1 nonprofit; for another body's key: 2 of 3 authorities, including 1 nonprofit"
    )
    assert row(seated, "key.rotate").done_by == "1 authority, under its own mandate; nobody for another body's key"
    alone = charter_of(Consortium.of((A, "nonprofit")).genesis)
    assert row(alone, "key.retire").done_by == "1 authority, under its own mandate; nobody for another body's key"


def test_of_every_kind_that_undoes_something_the_outline_says_what() -> None:
    """So no way to undo a kind is missing from what `accredit charter check` prints."""
    undoing = {way for ways in UNDONE_BY.values() for way in ways}
    kinds = {name.partition(" ")[0] for name, row in TABLE.items() if row.undoes is not Undoes.NOTHING}
    assert kinds - undoing == {"key.rotate"}, "it puts another key in the place of one"


def test_rules_that_fewer_may_relax_than_they_ask_for_are_warned_of() -> None:
    assert warnings(charter()) == []
    (warning,) = warnings(charter(**{"accreditation.grant": {"authorities": 3}}))
    assert warning.startswith("2 of 3 authorities can amend the charter, and so relax stricter rules: accreditation")
    seated = charter(**{"node.admit": {"majority": True, "constituencies": {"nonprofit": 1}}})
    assert "node.admit" in warnings(seated)[0]
    assert warnings(charter(**{"accreditation.grant": {"authorities": 3}, "charter.amend": {"authorities": 3}})) == []


def test_a_way_of_undoing_that_took_less_would_be_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules_outline, "join", lambda *_: Rule(authorities=1))

    assert any(
        warning.startswith("node.admit can be undone by node.retire with fewer") for warning in warnings(charter())
    )
