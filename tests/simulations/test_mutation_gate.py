"""The mutation gate: each defence is needed, and what needs it is seen."""

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Final

import pytest

from accredit.gossip.peers import mesh
from accredit.registry.errors import InputError
from accredit.simulations.mutation_gate import DEFENCES, Defence, Judged, find_defence, judge, judge_all, rows_of
from accredit.simulations.run import weakenings
from accredit.simulations.run.run import find, run

SEEDS: Final = (*range(1, 21), 31337)
"""At the last, backoff once held without its defence."""

SMALLER: Final[Mapping[str, Mapping[str, float]]] = {
    "mesh salt": {"nodes": 32, "seconds": 6},
    "operator diversity": {"nodes": 20, "seconds": 8},
    "strikes": {"nodes": 12, "seconds": 20},
    "distrust": {"nodes": 6},
    "backoff": {"nodes": 8},
    "reconciliation": {"nodes": 8, "seconds": 60, "settle": 20},
    "announcing": {"nodes": 20, "seconds": 10},
    "fork allowance": {"seconds": 8},
    "quorum": {"seconds": 30},
    "count memory": {"seconds": 40},
}
"""What is enough to tell with one seed, for every run; the sizes of the gate itself are the nightly test's."""


@pytest.mark.parametrize("defence", DEFENCES, ids=[each.name for each in DEFENCES])
def test_a_scenario_holds_with_the_defence_and_fails_without(defence: Defence) -> None:
    judged = judge(replace(defence, settings={**defence.settings, **SMALLER.get(defence.name, {})}))
    assert judged.with_it.failure is None, f"with it: {judged.with_it.failure}"
    assert judged.without.failure is not None, f"nothing needs {defence.name}"
    assert judged.without.failure.checker == defence.checker, judged.without.failure
    assert judged.stands, judged.as_dict()
    assert judged.as_dict()["stands"] is True
    (row,) = rows_of([judged])
    assert row[2].startswith("holds")
    assert row[-1] == "1 of 1 seeds"


@pytest.mark.nightly  # 630 runs: a quarter of an hour of one core
def test_every_defence_tells_with_a_margin_at_twenty_one_seeds() -> None:
    judged = judge_all(DEFENCES, SEEDS)
    assert len(judged) == len(DEFENCES) * len(SEEDS)
    fallen = [each.as_dict() for each in judged if not each.stands]
    assert not fallen, rows_of(judged)


def test_a_figure_next_to_its_bound_does_not_tell() -> None:
    """At one seed the mesh salt's figure was above its bound by two parts in a hundred."""
    judged = judge(find_defence("quotas"))
    low, bound, high = judged.figures
    assert low is not None and high is not None and judged.stands  # noqa: PT018  # what mypy needs

    def bounded_by(frames: float) -> Judged:
        return replace(judged, with_it=replace(judged.with_it, bounds={**judged.with_it.bounds, "frames": frames}))

    assert bounded_by(bound).stands
    assert not bounded_by(high / 1.02).stands
    assert not bounded_by(low * 1.02).stands


def test_a_run_of_the_gate_whose_process_dies_is_a_defence_that_does_not_stand() -> None:
    dying = replace(find_defence("sequence"), name="dying", weakened=die)
    healthy = find_defence("sequence")
    judged = judge_all((dying, healthy), [1], processes=2)
    assert [each.stands for each in judged] == [False, True]
    failure = judged[0].without.failure
    assert failure is not None
    assert "ended by itself" in failure.message


def die() -> AbstractContextManager[None]:
    os._exit(9)


def test_a_defence_that_is_switched_off_is_on_again_afterwards() -> None:
    before = vars(mesh)["_SALT_BYTES"]

    def fail() -> None:
        with weakenings.foreseeable_meshes():
            assert vars(mesh)["_SALT_BYTES"] == 0
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert vars(mesh)["_SALT_BYTES"] == before > 0


def test_a_weakening_is_no_part_of_a_run_without_it() -> None:
    settings = {"nodes": 6, "seconds": 5.0}
    before = run(find("equivocating_authority"), settings).digest
    with weakenings.weak_roots():
        assert run(find("equivocating_authority"), settings).digest != before
    assert run(find("equivocating_authority"), settings).digest == before


def test_a_gate_with_a_defence_that_nothing_needs_does_not_stand() -> None:
    idle = Defence(
        name="idle", what="nothing", scenario="baseline", settings={"nodes": 4, "seconds": 5}, checker="bounds"
    )
    judged = judge(idle)
    assert judged.with_it.digest == judged.without.digest
    assert not judged.stands


def test_each_defence_has_a_name_of_its_own() -> None:
    assert len({each.name for each in DEFENCES}) == len(DEFENCES)
    assert find_defence("quorum").checker == "undeceived"
    with pytest.raises(InputError, match="no defence named"):
        find_defence("prayer")
