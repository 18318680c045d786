"""What a process holds when it begins to serve is not looked through again and again while it answers."""

import gc

import pytest

from accredit.node.memory import GC_OBJECTS, INTAKE_OBJECTS, collecting_seldom, settle_memory


def test_what_is_there_stays_out_of_sight_and_what_comes_is_looked_at_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[object] = []
    monkeypatch.setattr(gc, "collect", lambda: said.append("collect"))
    monkeypatch.setattr(gc, "freeze", lambda: said.append("freeze"))
    monkeypatch.setattr(gc, "set_threshold", lambda *numbers: said.append(numbers))
    settle_memory()
    assert said == ["collect", "freeze", (GC_OBJECTS, *gc.get_threshold()[1:])]


def test_after_an_intake_garbage_is_collected_as_often_as_before() -> None:
    before, meanwhile = gc.get_threshold(), list[tuple[int, int, int]]()

    def take_in() -> None:
        with collecting_seldom():
            meanwhile.append(gc.get_threshold())
            raise ValueError("a log that lies")

    with pytest.raises(ValueError, match="a log that lies"):
        take_in()
    assert meanwhile == [(INTAKE_OBJECTS, *before[1:])]
    assert gc.get_threshold() == before
