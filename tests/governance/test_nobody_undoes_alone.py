"""No set of keys below a decision's weight makes an answer better, whatever it says: a search (`undoing_search`)."""

from collections import Counter
from collections.abc import Callable, Iterable
from random import Random

import pytest

from accredit.governance.authority import ballots, effect
from accredit.governance.authority.ballots import Ground
from accredit.governance.rules import undoing
from accredit.registry.decision import competencies
from accredit.registry.domain.records import Voice
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.statement import Unverified
from tests.strategies.undoing_search import search

pytestmark = pytest.mark.no_cover


def test_who_may_not_undo_a_decision_makes_no_answer_better() -> None:
    found = search(range(18))
    print(f"{found.states} states of {found.dramas} dramas looked at, {found.mapped} of them after a mapping")

    assert found.states > 150
    assert found.mapped > 20
    assert found.better == ()


@pytest.mark.nightly  # the same, wide: some twenty thousand states, others each night
def test_who_may_not_undo_a_decision_makes_no_answer_better_in_many_dramas() -> None:
    first = Random().randrange(2**32)
    found = search(range(first, first + 1_500))
    print(f"seeds {first} to {first + 1_499}: {found.states} states of {found.dramas} dramas looked at,", end=" ")
    print(f"{found.mapped} of them after a mapping")

    assert found.states > 10_000
    assert found.better == ()


def test_the_search_finds_a_way_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not blind: with a clause of the law switched off, somebody undoes what he may not."""
    monkeypatch.setattr(effect, "_narrowings_before", lambda *_: [])

    assert search(range(10, 19), stop_at_first=True).better != ()


def test_it_finds_a_mapping_that_took_less_than_granting_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undoing, "WIDENED_BY_MAPPINGS", ())
    monkeypatch.setattr(competencies, "took_as_much", lambda *_: True)
    monkeypatch.setattr(competencies, "counts", lambda *_: True)

    assert search(range(54, 60), stop_at_first=True).better != ()


def test_it_finds_keys_of_other_bodies_that_a_rotation_makes_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the law once was: whoever had replaced a key, and by whosesoever key, the two were one person's."""

    def line(ground: Ground, key: bytes, _: Voice) -> bytes:
        elders, seen = {new: old for (new, _), old in ground._origins.items()}, {key}
        while (elder := elders.get(key)) is not None and elder not in seen:
            key = elder
            seen.add(key)
        return key

    def tally(approvals: Iterable[Unverified], line: Callable[[bytes, Voice], bytes]) -> Counter[CanonicalId]:
        named: dict[bytes, CanonicalId] = {}
        for approval in approvals:
            key = line(approval.kid, Voice(approval.iss, None))
            named[key] = min(approval.iss, named.get(key, approval.iss))
        return Counter(named.values())

    monkeypatch.setattr(Ground, "line", line)
    monkeypatch.setattr(ballots, "tally_keys", tally)

    assert search(range(4, 18), stop_at_first=True).better != ()
