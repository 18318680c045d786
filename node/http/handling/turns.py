"""Lets others have their turn during a long answer, and makes long answers one after the other.

    with Turns(call.shared.lengthy) as turns:
        for each in many:
            ...
            if turns.is_over and await turns.give():
                ...                                 begin anew, if the answer must not be seconds old

An answer of few turns waits for nobody. Of the longer ones only one goes on at a time: what takes several turns, as a
suspension takes some ten, would wait at each of them for all the long answers under way, and anybody can ask for sixty.
Under so many a suspension took 9 s, and 0.2 s since.
"""

from time import perf_counter
from types import TracebackType
from typing import Final, Self

import anyio

TURN_SECONDS: Final = 0.002
"""After so long others get a turn, so that one question does not wait for a thousand: some 50 questions, two proofs, or
one in which a place is misspelt."""


FREE_TURNS: Final = 4
"""Turns after the first that an answer takes before it counts as long: 10 ms in all, some 200 questions. A guess."""


class Turns:
    """The turns of one answer.

    Args:
        lengthy: held by the one answer that takes many turns; None for what is made one at a time anyway.

    Attributes:
        over: when this turn is over, on `perf_counter`.
        is_lengthy: whether this is the long answer that goes on; it waits for no other one any more.
    """

    def __init__(self, lengthy: anyio.Lock | None = None) -> None:
        self._lengthy = anyio.Lock() if lengthy is None else lengthy
        self.is_lengthy = False
        self._given = 0
        self.over = perf_counter() + TURN_SECONDS

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.is_lengthy:
            self._lengthy.release()

    @property
    def is_over(self) -> bool:
        """Return whether it is time to give others a turn."""
        return perf_counter() >= self.over

    async def give(self) -> bool:
        """Give others a turn; return in the next one, and if this answer is long, when no other long one goes on.

        Returns:
            Whether it waited for other long answers, as it does at most once. What was read before may be seconds old.
        """
        self._given += 1
        has_waited = not self.is_lengthy and self._given > FREE_TURNS
        if has_waited:
            await self._lengthy.acquire()
            self.is_lengthy = True
        else:
            await anyio.sleep(0)
        self.over = perf_counter() + TURN_SECONDS
        return has_waited
