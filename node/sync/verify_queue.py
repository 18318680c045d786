"""A line of batches of entries: those that come are checked by several processes, those that are checked are taken in.

    async with checking_line(workers, run_blocking) as line:
        await line.put(entries, take)        once for each batch; takes in the one before
        await line.finish()                  takes in what is left

`take` gets its batch in the order of `put`, one batch at a time, entries that were found good as statements
(`node.sync.verify_pool`). While it works, the batch after is being checked. Whatever it raises comes out of `put` or
`finish`, and what was put after it is never taken in.

What it does not do: judge entries (`engine`), or know where they come from: a node's own log when it starts
(`runtime`), or another node's (`initial_sync`).
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
"""Entries from which on other processes are begun: fewer are checked in the time that this takes (0.5 s, measured)."""

TakeEntries = Callable[[Sequence[bytes | Statement]], Awaitable[None]]
"""What is done with a batch."""


class VerifyQueue:
    """See the module; made by `checking_line`."""

    def __init__(self, pool: Pool, run_blocking: RunBlocking) -> None:
        self._pool = pool
        self._run_blocking = run_blocking
        self._batches: deque[tuple[Wait, TakeEntries]] = deque()

    async def put(self, entries: Sequence[bytes], take: TakeEntries) -> None:
        """Begins to check a batch, and takes in those before it."""
        self._batches.append((await self._run_blocking(partial(self._pool.check, entries)), take))
        await self._take_all_but(AHEAD)

    async def finish(self) -> None:
        """Takes in what is left."""
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
    """A line, and the processes it needs as long as it is there; with 0 workers entries are passed on unchecked."""
    pool = Pool(workers)
    try:
        yield VerifyQueue(pool, run_blocking)
    finally:
        with trio.CancelScope(shield=True):
            await run_blocking(pool.close)


def workers_for(entries: int, workers: int) -> int:
    """How many processes to begin for so many entries, where up to `workers` may be."""
    return workers if workers > 1 and entries >= WORTHWHILE else 0
