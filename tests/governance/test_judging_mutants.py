"""The mutation gate over the modules that judge: a changed comparison is seen by a test."""

from random import Random

import pytest

from tests.strategies.judging_mutants import EQUIVALENT, JUDGES, ROOT, is_seen, mutants, sample, survivors

pytestmark = pytest.mark.no_cover

SECONDS_WIDE = 3_600.0
UNSEEN = 0.05
"""Of all mutants so many may go unseen: twice as many as the last time (5 of 206, each of which now has a test). It
should be 0, but for those that nobody can see (`EQUIVALENT`)."""


def find(module: str, function: str, change: str) -> bool:
    found = [one for one in mutants(module) if one.function == function and one.change.startswith(f"{change}  ->")]
    assert found, "the code has changed: choose another mutant"
    return is_seen(found[0])


@pytest.mark.parametrize(
    ("module", "function", "change"),
    [
        ("governance/authority/shares.py", "_that_fit", "sizes[number] <= room"),
        ("node/engine/fork_allowance.py", "ForkAllowance._origin", "entry.budget >= number"),
        ("registry/decision/issuer_keys.py", "_state", "since <= time"),
    ],
)
def test_a_changed_comparison_of_a_judge_is_seen(module: str, function: str, change: str) -> None:
    assert find(module, function, change)


def test_a_mutant_that_no_test_looks_at_is_not_said_to_be_seen() -> None:
    (mutant, *_) = mutants("governance/authority/shares.py")
    assert not is_seen(mutant, ["governance/test_overlay.py"])


def test_mutants_change_one_thing_and_the_sample_follows_from_its_seed() -> None:
    for module in JUDGES:
        found = list(mutants(module))
        assert len(found) > 10
        assert len({(one.place, one.change) for one in found}) == len(found)
    assert sample(["governance/authority/shares.py"], 3) == sample(["governance/authority/shares.py"], 3)
    assert survivors([], 1.0) == (0, [])
    for tests in JUDGES.values():
        assert all((ROOT / "tests" / one).exists() for one in tests)


def test_whoever_is_excused_is_there() -> None:
    known = {one.key for module in JUDGES for one in mutants(module)}
    assert [one for one in EQUIVALENT if one not in known] == []


@pytest.mark.nightly
def test_most_mutants_of_the_judges_are_seen() -> None:
    seed = Random().randrange(2**32)
    tried, found = survivors(sample(tuple(JUDGES), seed), SECONDS_WIDE, print)
    assert tried > 0
    assert len(found) <= UNSEEN * tried, f"seed {seed}, {tried} tried: " + "; ".join(map(str, found))
