"""What takes turns to make is made once for all who wait for it, and never older than their question."""

from typing import Any

import anyio
import pytest
import trio
import trio.testing

from accredit.node.http.handling.route import ApplicationState


class Listing:
    """A list of what was held while it was made; each making goes on until the test lets it end."""

    def __init__(self) -> None:
        pace: Any = None  # nobody submits anything
        self.shared = ApplicationState(pace=pace, key_pace=pace, urgent_pace=pace, note_pace=pace, max_body_bytes=1)
        self.held = 0
        self.is_changing = False
        self.made = list[int]()
        self.may_end = anyio.Event()

    async def ask(self, answers: list[int]) -> None:
        """Ask for the list, and put the answer beside the others."""
        answers.append(await self.shared.share("list", self.shared.listing, lambda: self.held, self._make))

    async def _make(self) -> int:
        held = self.held
        self.made.append(held)
        await self.may_end.wait()
        self.held += self.is_changing
        return held


async def test_all_who_wait_while_statements_come_share_one_list_begun_after_they_asked() -> None:
    """Each had one made for itself, and under fifty statements a second the sixtieth waited for sixty."""
    listing, first, later = Listing(), list[int](), list[int]()
    listing.is_changing = True
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(listing.ask, first)
            await trio.testing.wait_all_tasks_blocked()
            listing.held = 1
            for _ in range(5):
                nursery.start_soon(listing.ask, later)
            await trio.testing.wait_all_tasks_blocked()
            listing.may_end.set()
    assert first == [0]
    assert later == [2] * 5, "none of them has what was read before it asked"
    assert listing.held == 3, "what was shared had changed again, so one more was to be made for whoever asks now"
    assert listing.made == [0, 2]


async def test_a_list_is_kept_until_the_data_change() -> None:
    listing, answers = Listing(), list[int]()
    listing.may_end.set()
    for held in (0, 0, 1, 1):
        listing.held = held
        await listing.ask(answers)
    assert answers == [0, 0, 1, 1]
    assert listing.made == [0, 1]


async def test_a_list_that_could_not_be_made_is_made_for_the_next() -> None:
    listing, answers = Listing(), list[int]()
    with trio.move_on_after(0):
        await listing.ask(answers)
    listing.may_end.set()
    with trio.fail_after(60):
        await listing.ask(answers)
    assert answers == [0]
    assert len(listing.made) in (1, 2), "cancelled before it began, or while it was made"


@pytest.mark.parametrize("changes", [False, True])
async def test_whoever_asks_while_data_change_during_the_making_gets_them_at_the_next_question(changes: bool) -> None:
    listing, answers = Listing(), list[int]()
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(listing.ask, answers)
            await trio.testing.wait_all_tasks_blocked()
            listing.held += changes
            listing.may_end.set()
        await listing.ask(answers)
    assert answers == [0, int(changes)]
