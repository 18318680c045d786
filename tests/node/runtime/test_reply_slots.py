"""Answers find those who wait for them; who has gone is no trouble, and nobody waits for ever."""

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from accredit.node.runtime.reply_slots import Slots
from accredit.registry.errors import BusyError


async def test_an_answer_may_be_there_at_once_or_come_later() -> None:
    slots: Slots[str] = Slots()
    with slots.opened(1):
        slots.fill(1, "at once")
        assert await slots.answer(1) == "at once"
    async with trio.open_nursery() as nursery:
        with slots.opened(2):

            async def fill() -> None:
                slots.fill(2, "later")

            nursery.start_soon(fill)
            assert await slots.answer(2) == "later"
    assert len(slots) == 0


async def test_an_answer_for_one_who_has_hung_up_is_dropped_and_leaves_nothing() -> None:
    slots: Slots[str] = Slots()

    async def wait(scope: trio.CancelScope) -> None:
        with scope, slots.opened(1):
            await slots.answer(1)

    async with trio.open_nursery() as nursery:
        scope = trio.CancelScope()
        nursery.start_soon(wait, scope)
        await wait_all_tasks_blocked()
        scope.cancel()
    slots.fill(1, "too late")
    assert len(slots) == 0


async def test_only_so_many_wait_but_what_is_answered_at_once_always_is() -> None:
    slots: Slots[str] = Slots(most=2)
    answers: list[str | None] = []

    async def wait(token: int) -> None:
        with slots.opened(token):
            answers.append(await slots.answer(token))

    async with trio.open_nursery() as nursery:
        for token in (1, 2):
            nursery.start_soon(wait, token)
        await wait_all_tasks_blocked()
        with slots.opened(3), pytest.raises(BusyError) as caught:
            await slots.answer(3)
        assert caught.value.code == "overloaded"
        with slots.opened(4):
            slots.fill(4, "at once")
            assert await slots.answer(4) == "at once"
        slots.fill(1, "one")
        await wait_all_tasks_blocked()
        assert answers == ["one"]
        slots.end()
    assert answers == ["one", None]


async def test_who_drains_waits_for_those_who_wait_now() -> None:
    slots: Slots[int] = Slots()
    order: list[str] = []

    async def wait() -> None:
        with slots.opened(1):
            order.append(f"answered {await slots.answer(1)}")

    async def drain() -> None:
        await slots.drained()
        order.append("drained")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await wait_all_tasks_blocked()
        nursery.start_soon(drain)
        await wait_all_tasks_blocked()
        assert order == []
        slots.fill(1, 5)
    assert sorted(order) == ["answered 5", "drained"]
