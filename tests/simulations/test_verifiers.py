"""Verifiers among liars: every kind of lie is met, none is believed; and what they rely on is what protects them."""

from collections import Counter

import pytest

from accredit.simulations.byzantine import Forger
from accredit.simulations.checkers import Violation, all_checkers
from accredit.simulations.run import weakenings
from accredit.simulations.run.run import changed, find, run
from accredit.simulations.virtual.memoised_crypto import shared_answers
from accredit.simulations.virtual.world import World


def asked(name: str, settings: dict[str, float] | None = None) -> World:
    """The world of a scenario, at its end."""
    scenario = find(name)
    world = World(changed(scenario.settings, settings or {}), checkers=all_checkers(scenario.bounds))
    with shared_answers():
        scenario.plan(world)
        world.run()
    return world


def results_of(world: World) -> Counter[str]:
    total: Counter[str] = Counter()
    for verifier in world.verifiers:
        total.update(verifier.results)
    return total


@pytest.mark.nightly  # five seconds of one core; the scenario itself runs small with all others
def test_every_kind_of_lie_is_told_and_seen_through() -> None:
    results = results_of(asked("lying_to_verifiers", {"nodes": 14, "seconds": 90}))
    assert results["verified"] > 100
    for seen in (
        "unwitnessed: quorum",
        "stale: count",
        "refuted: record",
        "refuted: missing_record",
        "refuted: decision",
    ):
        assert results[seen] > 0, results


def test_who_comes_late_is_shown_old_states_and_takes_none() -> None:
    results = results_of(asked("stale_answers"))
    assert results["stale: age"] > 10
    assert results["verified"] > 10


def test_a_verifier_remembers_the_highest_state_and_its_answers_age_little() -> None:
    world = asked("verifiers", {"nodes": 8, "seconds": 30})
    assert all(verifier.policy.count > 10 for verifier in world.verifiers)
    assert results_of(world)["verified"] > 20
    assert world.metrics.ages[0] == 0
    assert world.metrics.ages[-1] < 30_000


def test_more_liars_than_a_quorum_allows_do_deceive() -> None:
    """Five of seven signers are a quorum: then nothing helps, and the checker says so."""
    scenario = find("lying_to_verifiers")
    world = World(changed(scenario.settings, {"nodes": 10, "seconds": 30}), checkers=all_checkers(scenario.bounds))
    world.turn(world.hosts[:5], Forger)
    world.ask(4, every=2.0)
    world.workload.revocations(every=4)
    with shared_answers(), pytest.raises(Violation, match="no honest signer ever stood by"):
        world.run()


@pytest.mark.parametrize("off", [weakenings.no_note_age, weakenings.no_count_memory, weakenings.no_quorum])
def test_a_verifier_without_a_defence_is_no_worse_off_among_honest_nodes(off: weakenings.Weakening) -> None:
    with off():
        assert run(find("verifiers"), {"nodes": 6, "seconds": 20}).failure is None


def test_asking_draws_on_nothing_that_the_rest_of_the_world_draws_on() -> None:
    """The network's own chance apart: the same nodes lie, the same people say the same."""
    one, other = (World(changed(find("verifiers").settings, {"nodes": 6})) for _ in range(2))
    one.ask(3, every=1)
    assert one.random.random() == other.random.random()
