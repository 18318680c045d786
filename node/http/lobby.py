"""Where connections wait for their next request: all in one place, instead of one task each that sleeps and is woken.

    with Lobby() as lobby:
        nursery.start_soon(lobby.run)
        await lobby.wait(sock, hear)

Whenever bytes have come, `hear` is called, which reads them and says whether it waits for more: then the task that
waits is not woken at all. To wake a task, and to tell the system anew what it waits for, takes longer than to decide
most questions.

In one turn at most `TURN` connections are served; then everything else in the process has its turn, gossip among it.

Linux only (epoll); elsewhere there is no lobby (`HAS_LOBBY`), and each connection waits by itself.
What it does not do: read or write, or look whether anybody is late.
"""

import select
import socket
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

import trio

TURN: Final = 16
"""Connections served before others have a turn: some 2 ms of questions."""

HAS_LOBBY: Final = hasattr(select, "epoll")
"""Whether this system can wait for many in one place that can itself be waited for."""

Hear = Callable[[], bool]
"""Reads what has come; whether to wait for more. It does not wait itself."""


class _Guest:
    """A task that waits, what hears for it meanwhile, and why that failed."""

    __slots__ = ("error", "hear", "task")

    def __init__(self, hear: Hear) -> None:
        self.hear = hear
        self.task = trio.lowlevel.current_task()
        self.error: Exception | None = None


class Lobby:
    """See the module. For one event loop; closed by whoever made it, when nobody waits any more."""

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
        """Looks after those who wait, for ever; `begin` is called before anybody is heard in a turn."""
        descriptor, poll, guests = self._epoll.fileno(), self._epoll.poll, self._guests
        while True:
            await trio.lowlevel.wait_readable(descriptor)
            # Who is left out comes first in the next turn: the system puts those it has named behind the others.
            named = poll(0, TURN)
            begin()
            for number, _ in named:
                guest = guests[number]
                try:
                    if guest.hear():
                        continue
                except Exception as error:
                    guest.error = error
                self._leave(number)
                trio.lowlevel.reschedule(guest.task)

    async def wait(self, sock: socket.socket, hear: Hear) -> None:
        """Waits until `hear` says that it waits for no more; raises what it raises."""
        number, guest = sock.fileno(), _Guest(hear)
        self._epoll.register(number, select.EPOLLIN)
        self._guests[number] = guest

        def abort(_: object) -> trio.lowlevel.Abort:
            self._leave(number)
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)
        if guest.error is not None:
            raise guest.error

    def _leave(self, number: int) -> None:
        del self._guests[number]
        self._epoll.unregister(number)
