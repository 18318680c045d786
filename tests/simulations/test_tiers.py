"""Scenarios of three tiers under one roof: found by name, listed with what they cost, never mixed up."""

import pytest

from accredit.registry.errors import InputError
from accredit.simulations.tiers import TIERS, find, scenarios_of


def test_each_scenario_is_found_in_the_first_tier_that_has_it() -> None:
    assert find("baseline").tier == "world"
    assert find("baseline", "http").tier == "http"
    assert find("restart").tier == "http"
    assert find("torment").tier == "processes"


@pytest.mark.parametrize(
    ("name", "tier", "hint"),
    [
        ("partitoin", "", "Did you mean partition?"),
        ("tormnet", "", "Did you mean torment?"),
        ("silnt", "http", "list"),
        ("torment", "world", "It is one of the tier processes."),
        ("silent", "http", "It is one of the tier world."),
        ("qqq", "", "See `accredit simulate list`."),
        ("baseline", "moon", "One of: world, http, processes."),
    ],
)
def test_a_wrong_name_gets_the_nearest_right_one(name: str, tier: str, hint: str) -> None:
    with pytest.raises(InputError) as refused:
        find(name, tier)
    assert hint in refused.value.hint


def test_every_scenario_says_what_happens_and_about_how_long_it_takes() -> None:
    for tier in TIERS:
        for name, found in scenarios_of(tier).items():
            assert found.scenario.name == name
            assert found.scenario.summary.endswith((".", "?"))
            assert found.takes in ("seconds", "a minute", "minutes")
    assert find("torment").takes == "minutes"
    assert find("baseline", "http").takes == "seconds"
