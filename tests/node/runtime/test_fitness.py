"""What makes a node unfit is remembered until it is over, and is over when it is."""

import pytest

from accredit.node.runtime.fitness import STATEMENTS, Fitness
from accredit.registry.errors import StorageError


class Time:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def fail(fitness: Fitness, what: str, code: str = "disk_full") -> None:
    with pytest.raises(StorageError), fitness.writing(what):
        raise StorageError(code, "no room.")


def test_a_write_that_fails_is_remembered_until_one_of_its_kind_succeeds() -> None:
    time = Time()
    fitness = Fitness(time)
    assert (fitness.obstacles(), fitness.outdated(), fitness.is_failing) == ([], None, False)
    fail(fitness, "the signed head")
    time.seconds = 3.0
    fail(fitness, STATEMENTS)
    fail(fitness, "the signed head", "io_error")
    time.seconds = 5.0
    assert (
        fitness.obstacles()
        == fitness.alarms()
        == [
            "This node has been unable to store the signed head for 5 s (io_error).",
            "This node has been unable to store statements for 2 s (disk_full).",
        ]
    )
    assert fitness.outdated() is not None
    with fitness.writing(STATEMENTS):
        pass
    assert fitness.outdated() is None, "what others say is kept again"
    assert fitness.is_failing
    fitness.recovered()
    assert not fitness.is_failing
    assert fitness.failures == {"disk_full": 2, "io_error": 1}, "what happened has happened"


def test_other_errors_are_nobodys_disk() -> None:
    fitness = Fitness(Time())
    with pytest.raises(ValueError, match="x"), fitness.writing(STATEMENTS):
        raise ValueError("x")
    assert not fitness.is_failing


def test_a_node_that_does_not_do_what_is_due_is_unfit_until_it_does() -> None:
    time = Time()
    fitness = Fitness(time)
    fitness.acted(is_done=True)
    assert not fitness.obstacles()
    fitness.acted(is_done=False)
    time.seconds = 7.0
    fitness.acted(is_done=False)
    assert fitness.obstacles() == fitness.alarms()
    assert "for 7 s" in fitness.alarms()[0]
    fitness.acted(is_done=True)
    assert not fitness.obstacles()


def test_a_disowned_log_is_signed_no_more_whatever_the_disk_does() -> None:
    fitness = Fitness(Time())
    fitness.check_may_sign()
    fitness.disown("node2 holds another history")
    fitness.disown("a later reason")
    fitness.recovered()
    with pytest.raises(StorageError, match="node2 holds another history") as refused:
        fitness.check_may_sign()
    assert refused.value.code == "log_disowned"
    assert refused.value.hint
    assert fitness.obstacles() == ["This node has stopped signing: node2 holds another history."]
    assert fitness.alarms() == []
    assert "node2" in (fitness.outdated() or "")
