"""Whoever asks for much waits for others who ask for much; who asks for little waits for none."""

from itertools import groupby

import anyio
import pytest
import trio

from accredit.node.http.handling import turns as routes_turns
from accredit.node.http.handling.turns import Turns


@pytest.fixture(autouse=True)
def short_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes_turns, "TURN_SECONDS", 0.0)


async def test_of_many_long_answers_one_goes_on_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    lengthy, steps = anyio.Lock(), list[int]()

    async def answer(number: int, length: int) -> None:
        with Turns(lengthy) as turns:
            for step in range(length):
                steps.append(number)
                if step < length - 1 and turns.is_over:
                    await turns.give()

    monkeypatch.setattr(routes_turns, "FREE_TURNS", 0)
    async with trio.open_nursery() as nursery:
        for number in range(10):
            nursery.start_soon(answer, number, 5)
    assert sorted(steps[:10]) == list(range(10)), "for its first turn an answer waits for nobody"
    assert len(list(groupby(steps[10:]))) == 10, "then one goes on until it is made"


async def test_a_short_answer_does_not_wait_for_a_long_one() -> None:
    lengthy = anyio.Lock()
    async with lengthy:
        with trio.fail_after(60), Turns(lengthy) as turns:
            for _ in range(routes_turns.FREE_TURNS):
                await turns.give()


async def test_an_answer_that_fails_lets_the_next_one_go_on() -> None:
    lengthy = anyio.Lock()

    async def answer() -> None:
        with Turns(lengthy) as turns:
            for _ in range(routes_turns.FREE_TURNS + 1):
                await turns.give()
            raise ValueError("broken")

    for _ in range(2):
        with trio.fail_after(60), pytest.raises(ValueError, match="broken"):
            await answer()
