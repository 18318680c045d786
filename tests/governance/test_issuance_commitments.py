"""Issuance commitments: said by the issuer's own key and by nobody else; no record follows."""

from typing import Any

import pytest

from accredit.governance.authority.effect import EffectState
from accredit.governance.rules.rulebook import check_body
from accredit.registry.errors import DecodeError
from tests.strategies.bodies import ISSUER
from tests.strategies.consortium import Pen
from tests.strategies.stories import A, B, issuer_pen, state_of, trio, verdict_of

OTHER = "did:web:other.example"


def commitment(**changes: Any) -> dict[str, Any]:
    return {
        "issuer": ISSUER,
        "period_from": 1_700_000_000,
        "period_until": 1_700_000_001,
        "root": bytes(32),
        "size_exponent": 10,
        "algorithm": "sha256-salted-jcs",
        **changes,
    }


def test_an_issuers_own_key_commits_and_no_record_changes() -> None:
    town = trio()
    pen = issuer_pen(town)
    before = town.fold().records_root()
    said = town.says(pen, "issuance.commit", commitment())
    assert state_of(town, said) is EffectState.EFFECTIVE
    fold = town.fold()
    assert fold.records_root() == before
    assert fold.is_committed(said.id), "a quorum's note binds to it all the same"


def test_nobody_else_commits_for_an_issuer_not_even_who_accredited_it() -> None:
    town = trio()
    pen = issuer_pen(town)
    said = [
        town.says(A, "issuance.commit", commitment()),
        town.says(A, "issuance.commit", commitment(issuer=A)),
        town.says(pen, "issuance.commit", commitment(issuer=OTHER)),
        town.says(Pen(pen.name, A, pen.seq, pen.prev), "issuance.commit", commitment()),
    ]
    assert {state_of(town, one) for one in said} == {EffectState.INEFFECTIVE}
    assert "only the issuer itself" in verdict_of(town, said[0]).reason.lower()


def test_a_key_that_the_issuer_lost_before_commits_to_nothing_where_its_statement_was_annulled() -> None:
    town = trio()
    pen = issuer_pen(town)
    registered = town.said[-1]
    said = town.says(pen, "issuance.commit", commitment())
    annulled = town.says(A, "statement.annul", {"target": registered.id, "reason_code": "error"}, registered.id.hex())
    town.votes(B, annulled)
    assert state_of(town, said) is EffectState.INEFFECTIVE


def test_a_commitment_cannot_be_annulled_for_nothing_follows_from_it() -> None:
    town = trio()
    said = town.says(issuer_pen(town), "issuance.commit", commitment())
    annulled = town.says(A, "statement.annul", {"target": said.id, "reason_code": "error"}, said.id.hex())
    town.votes(B, annulled)
    assert state_of(town, annulled) is EffectState.INEFFECTIVE
    assert "cannot be annulled" in verdict_of(town, annulled).reason
    assert state_of(town, said) is EffectState.EFFECTIVE


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"root": bytes(31)}, "root"),
        ({"size_exponent": 9}, "size_exponent"),
        ({"size_exponent": 25}, "size_exponent"),
        ({"algorithm": "md5"}, "algorithm"),
        ({"period_until": 1_700_000_000}, "period_until"),
        ({"count": 3}, "count"),
    ],
)
def test_a_commitment_of_another_shape_is_refused(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(DecodeError, match=where):
        check_body("issuance.commit", commitment(**changes))
