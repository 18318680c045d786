"""Waits for the next request of all connections in one task, instead of one task for each that sleeps and is woken.

    with Lobby() as lobby:
        nursery.start_soon(lobby.run)
        await lobby.wait(sock, hear)

When bytes have come, the lobby calls `hear`, which reads them and returns whether it waits for more. If so, the waiting
task is not woken. To wake a task, and to tell the system again which events it waits for, takes longer than to decide
most questions.

One turn serves at most `TURN` connections, and none after `TURN_SECONDS`; then everything else in the process has its
turn, gossip included, and then those that are left.

Linux only (epoll); elsewhere there is no lobby (`HAS_LOBBY`), and each connection waits by itself.
It does not read or write, or check time limits.
"""

import select
import socket
from collections.abc import Callable
from time import perf_counter
from types import TracebackType
from typing import Final, Self

import trio

TURN: Final = 16
"""Connections served in one turn: some 2 ms of questions."""

TURN_SECONDS: Final = 0.004
"""The same where questions are dear: a misspelt place takes 1 ms, and a proof more."""

HAS_LOBBY: Final = hasattr(select, "epoll")
"""Whether this system can wait for many sockets through one descriptor for which a task can wait."""

Hear = Callable[[], bool]
"""Reads the bytes that have come, and returns whether to wait for more. It never waits."""


class _Guest:
    """A waiting task, the function that reads for it meanwhile, and that function's error."""

    __slots__ = ("error", "hear", "task")

    def __init__(self, hear: Hear) -> None:
        self.hear = hear
        self.task = trio.lowlevel.current_task()
        self.error: Exception | None = None


class Lobby:
    """See the module. For one event loop; its maker closes it when nobody waits any more."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._guests: dict[int, _Guest] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._epoll.close()

    async def run(self, begin: Callable[[], None] = lambda: None) -> None:
        """Serve the waiting connections for ever; call `begin` in each turn before the first of them."""
        descriptor, poll, guests = self._epoll.fileno(), self._epoll.poll, self._guests
        named: list[tuple[int, int]] = []
        while True:
            if named:
                await trio.lowlevel.checkpoint()
            else:
                await trio.lowlevel.wait_readable(descriptor)
                # Who is left out comes first in the next turn: the system puts those it has named behind the others.
                named = poll(0, TURN)
                named.reverse()
            begin()
            over = perf_counter() + TURN_SECONDS
            while named:
                number, _ = named.pop()
                if number in guests:  # else it has left since it was named
                    self._serve(number)
                if perf_counter() >= over:
                    break

    async def wait(self, sock: socket.socket, hear: Hear) -> None:
        """Wait until `hear` returns that it waits for no more; raise its errors."""
        number, guest = sock.fileno(), _Guest(hear)
        self._epoll.register(number, select.EPOLLIN)
        self._guests[number] = guest

        def abort(_: object) -> trio.lowlevel.Abort:
            self._leave(number)
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)
        if guest.error is not None:
            raise guest.error

    def _serve(self, number: int) -> None:
        guest = self._guests[number]
        try:
            if guest.hear():
                return
        except Exception as error:
            guest.error = error
        self._leave(number)
        trio.lowlevel.reschedule(guest.task)

    def _leave(self, number: int) -> None:
        del self._guests[number]
        self._epoll.unregister(number)
