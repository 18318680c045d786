"""The mutation gate: each defence is needed, and what needs it is seen."""

import pytest

from accredit.gossip import mesh
from accredit.registry.errors import InputError
from accredit.simulations.mutation_gate import DEFENCES, Defence, find_defence, judge, row_of
from accredit.simulations.run import weakenings
from accredit.simulations.run.run import find, run


@pytest.mark.nightly  # of the tests' own strength: two runs a defence; the defences themselves are in every run
@pytest.mark.parametrize("defence", DEFENCES, ids=[each.name for each in DEFENCES])
def test_a_scenario_holds_with_the_defence_and_fails_without(defence: Defence) -> None:
    judged = judge(defence)
    assert judged.with_it.failure is None, f"with it: {judged.with_it.failure}"
    assert judged.without.failure is not None, f"nothing needs {defence.name}"
    assert judged.without.failure.checker == defence.checker, judged.without.failure
    assert judged.stands
    assert judged.as_dict()["stands"] is True
    assert row_of(judged)[2] == "holds"


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
    settings = {"nodes": 8, "seconds": 10.0}
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
