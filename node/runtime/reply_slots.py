"""Slots in which callers wait for an answer, identified by a token.

    slots: Slots[ReplyFrame] = Slots(most=256)
    with slots.opened(token):
        handle(FrameArrived(token=token, data=frame))       may call `slots.fill(token, reply)` here, or much later
        reply = await slots.answer(token)                   None: nobody will answer any more

A caller that hangs up closes its slot, and a later answer is dropped. `end` ends all waits without an answer. It does
not give out tokens, or decide what callers without an answer are told.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

import trio

from accredit.registry.errors import BusyError

T = TypeVar("T")


class _Slot(Generic[T]):
    """Where one caller waits."""

    def __init__(self) -> None:
        self.done = trio.Event()
        self.value: T | None = None


class Slots(Generic[T]):
    """See the module.

    Args:
        most: how many may wait; None for any number.
    """

    def __init__(self, *, most: int | None = None) -> None:
        self._most = most
        self._slots: dict[int, _Slot[T]] = {}

    def __len__(self) -> int:
        """How many are open."""
        return len(self._slots)

    @contextmanager
    def opened(self, token: int) -> Iterator[None]:
        """A slot for the time of this block."""
        self._slots[token] = _Slot()
        try:
            yield
        finally:
            del self._slots[token]

    def fill(self, token: int, value: T) -> None:
        """An answer has come; dropped where nobody waits for it."""
        slot = self._slots.get(token)
        if slot is not None:
            slot.value = value
            slot.done.set()

    def has(self, token: int) -> bool:
        """Whether the answer has come."""
        return self._slots[token].done.is_set()

    async def answer(self, token: int) -> T | None:
        """What has come or comes; None after `end`.

        Raises:
            BusyError: `overloaded`: it has not come, and too many wait already.
        """
        slot = self._slots[token]
        if not self.has(token):
            if self._most is not None and len(self._slots) > self._most:
                raise BusyError(
                    "overloaded",
                    "too many requests are already waiting for an answer from this node.",
                    hint="Try again in a few minutes.",
                )
            await slot.done.wait()
        return slot.value

    async def drained(self) -> None:
        """Returns when all who wait now have been answered."""
        for slot in list(self._slots.values()):
            await slot.done.wait()

    def end(self) -> None:
        """Nobody who waits now will be answered any more."""
        for slot in self._slots.values():
            slot.done.set()
