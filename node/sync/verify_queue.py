"""A queue of batches of entries: several processes check them, and this one takes in the checked ones in order.

    async with checking_line(workers, run_blocking) as line:
        await line.put(entries, take)        once for each batch; takes in the one before
        await line.finish()                  takes in what is left

`take` gets its batch in the order of `put`, one batch at a time, with good entries as statements
(`node.sync.verify_pool`). While it works, the next batch is being checked. `put` or `finish` raises any error of
`take`, and later batches are then never taken in.

It does not judge entries (`engine` does), or know their origin: a node's own log when it starts (`runtime`), or another
node's (`initial_sync`).
"""

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

import trio

from accredit.node.ports import RunBlocking
from accredit.registry.statement import Statement

from .verify_pool import Pool, Wait

AHEAD: Final = 1
"""Batches that are being checked while one is taken in."""

WORTHWHILE: Final = 8_192
"""Least number of entries for which processes are started. Starting takes 0.5 s (measured), enough to check fewer."""

TakeEntries = Callable[[Sequence[bytes | Statement]], Awaitable[None]]
"""A function that takes in a batch."""


class VerifyQueue:
    """See the module; made by `checking_line`."""

    def __init__(self, pool: Pool, run_blocking: RunBlocking) -> None:
        self._pool = pool
        self._run_blocking = run_blocking
        self._batches: deque[tuple[Wait, TakeEntries]] = deque()

    async def put(self, entries: Sequence[bytes], take: TakeEntries) -> None:
        """Start to check a batch, and take in the earlier ones."""
        self._batches.append((await self._run_blocking(partial(self._pool.check, entries)), take))
        await self._take_all_but(AHEAD)

    async def finish(self) -> None:
        """Take in the remaining batches."""
        await self._take_all_but(0)

    async def _take_all_but(self, rest: int) -> None:
        while len(self._batches) > rest:
            wait, take = self._batches.popleft()
            try:
                await take(await self._run_blocking(wait))
            except BaseException:
                self._batches.clear()
                raise


@asynccontextmanager
async def checking_line(workers: int, run_blocking: RunBlocking) -> AsyncIterator[VerifyQueue]:
    """Open a queue with its processes; with 0 workers, entries are passed on unchecked."""
    pool = Pool(workers)
    try:
        yield VerifyQueue(pool, run_blocking)
    finally:
        if workers:  # without processes there is nothing to wait for
            with trio.CancelScope(shield=True):
                await run_blocking(pool.close)


def workers_for(entries: int, workers: int) -> int:
    """Return how many processes to start for a number of entries, at most `workers`."""
    return workers if workers > 1 and entries >= WORTHWHILE else 0
