"""Two small protocols for operations of a running node that may block, so that a simulation or a test can replace them.

    size = await run_blocking(store.size)                                 RunBlocking: work that waits for a disk
    status, answer = await transport.post(name, url, frame, max_bytes=…)  Transport: work that waits for a network

A real node uses `in_thread` and `peers.Peers`.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

import trio

T = TypeVar("T")


Progress = Callable[[int, int], None]
"""Called with entries done and entries in all."""


class RunBlocking(Protocol):
    """Runs a function that blocks, somewhere it may."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]: ...


async def in_thread(work: Callable[[], T]) -> T:
    """Run it in a worker thread, as in production; it is not abandoned when cancelled, so that no work is left half
    done."""
    return await trio.to_thread.run_sync(work)


class Transport(Protocol):
    """What carries frames and notes to peers: `peers.Peers`, or the simulator's links."""

    async def post(
        self,
        peer: str,
        url: str,
        data: bytes,
        *,
        max_bytes: int,
        media_type: str = "application/cose",
        seconds: float = 0.0,
    ) -> tuple[int, bytes]:
        """Status and body of the answer, which may take so many seconds (0: as long as any).

        Raises:
            RemoteError: there was none.
        """
        ...
