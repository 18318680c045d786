"""Every scenario, small: the smoke set. The sizes they are meant for are `accredit simulate sweep`'s business."""

from functools import cache

import pytest

from accredit.registry.errors import InputError
from accredit.simulations.checkers import Bounds
from accredit.simulations.run.run import RunOutcome, changed, find, run
from accredit.simulations.scenarios import SCENARIOS, scenario
from accredit.simulations.smoke import smoke_jobs, smoke_settings
from accredit.simulations.virtual.metrics import Figures
from accredit.simulations.virtual.settings import Settings
from accredit.simulations.virtual.world import World


def figures_of(name: str, settings: dict[str, float]) -> Figures:
    figures = run(find(name), settings).figures
    assert figures is not None
    return figures


@cache
def small(name: str) -> RunOutcome:
    """What comes of a scenario in its size of the smoke set."""
    return run(find(name), smoke_settings(name))


@pytest.mark.parametrize("name", list(SCENARIOS))
def test_everything_holds_in(name: str) -> None:
    outcome = small(name)
    assert outcome.failure is None, f"{outcome.failure}\n{outcome.replay}"
    assert outcome.figures is not None
    assert outcome.figures.normal.deliveries + outcome.figures.urgent.deliveries > 0
    assert outcome.figures.normal.missing == outcome.figures.urgent.missing == 0


def test_a_scenario_meets_what_it_is_about() -> None:
    """A scenario whose faults do not happen would hold for nothing."""
    lossy = figures_of("lossy", {"nodes": 8, "seconds": 10})
    forged = figures_of("flood_invalid", {"nodes": 10, "seconds": 10})
    crashes = run(find("crash_restart"), {"nodes": 8, "seconds": 20}, keep=100_000)
    assert lossy.counters["exchanges_failed"] > 10
    assert forged.counters["offences"] > 0
    assert "crash" in "".join(crashes.tail)
    assert crashes.figures is not None
    assert crashes.figures.counters["exchanges_failed"] > 0


@pytest.mark.parametrize("name", ["equivocating_authority", "lying_log", "lying_signers"])
def test_contradictions_happen_and_are_known_to_all_at_the_end(name: str) -> None:
    figures = small(name).figures
    assert figures is not None
    assert figures.exposed is not None


def test_whoever_promises_in_vain_is_replaced_though_it_behaved_before() -> None:
    outcome = small("late_strike")
    assert outcome.failure is None
    assert outcome.figures is not None
    assert outcome.figures.counters["promises_broken"] > 10
    assert outcome.figures.counters["offences"] > 0
    assert outcome.bounds == {"one_root": 60_000, "hostile": 0.1}
    assert find("late_strike").bounds == Bounds(one_root=60_000, hostile=0.1)


def test_the_smoke_set_has_every_scenario_and_each_is_as_long_as_its_faults_need() -> None:
    jobs = smoke_jobs([1, 2])
    assert [name for name, _ in jobs[::2]] == list(SCENARIOS)
    assert [settings["seed"] for _, settings in jobs[:2]] == [1, 2]


def test_more_nodes_than_fit_into_the_genesis_are_admitted_by_vote() -> None:
    world = World(Settings(nodes=44))
    for host in (world.hosts[0], world.hosts[-1]):
        host.start()
        assert host.engine is not None
        assert host.engine.is_member
        assert len(host.engine.statistics().peers) == 43


def test_settings_are_changed_by_name() -> None:
    settings = changed(
        Settings(), {"nodes": 50.0, "seconds": 5.0, "links.loss": 0.5, "gossip.degree": 10.0, "share": 0.2}
    )
    assert settings.nodes == 50
    assert settings.links.loss == 0.5
    assert settings.gossip.degree == 10
    assert settings.option("share", 0.0) == 0.2
    assert settings.option("other", 7.0) == 7.0


@pytest.mark.parametrize(
    "changes",
    [
        {"links.los": 1.0},
        {"disk.x": 1.0},
        {"nodes": 2.5},
        {"nodes": 1.0},
        {"gossip.degree": 1.0},
        {"links.loss": 1.5},
        {"signers": 17.0},
        {"seconds": 0.0},
    ],
)
def test_a_setting_that_does_not_exist_or_fit_is_refused(changes: dict[str, float]) -> None:
    with pytest.raises(InputError):
        changed(Settings(), changes)


def test_a_misspelt_scenario_gets_the_nearest_one_offered() -> None:
    with pytest.raises(InputError, match="Did you mean partition"):
        find("partitoin")


def test_two_scenarios_cannot_share_a_name() -> None:
    def baseline(world: World) -> None:
        """Another one."""
        world.heal()

    with pytest.raises(InputError, match="two scenarios"):
        scenario(bounds=Bounds())(baseline)
