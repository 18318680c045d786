"""A small HTTP/1.1 server on loopback, for what a real client must survive: slow, broken and hostile answers.

    async with trio.open_nursery() as nursery:
        web = await nursery.start(serve, handler)
        ... web.url ...
        nursery.cancel_scope.cancel()

`handler(request, stream)` gets the request's first line and body, and writes the whole answer itself.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

import trio

Handler = Callable[[str, bytes, trio.abc.Stream], Awaitable[None]]


@dataclass
class Web:
    """A running server: where it listens, and how many connections it has been asked for."""

    url: str
    connections: list[int] = field(default_factory=list)


async def serve(handler: Handler, *, task_status: trio.TaskStatus[Web]) -> None:
    """Serves until cancelled."""
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    web = Web(url=f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}")
    await trio.serve_listeners(partial(_converse, web, handler), listeners, task_status=_Started(web, task_status))


class _Started:
    """Reports our `Web` where trio would report the listeners."""

    def __init__(self, web: Web, task_status: trio.TaskStatus[Web]) -> None:
        self._web = web
        self._task_status = task_status

    def started(self, _: object = None) -> None:
        self._task_status.started(self._web)


def answer(body: bytes, *, status: int = 200) -> bytes:
    """A whole answer."""
    return b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n" % (status, len(body)) + body


async def _converse(web: Web, handler: Handler, stream: trio.SocketStream) -> None:
    web.connections.append(1)
    data = b""
    try:
        while True:
            while b"\r\n\r\n" not in data:
                part = await stream.receive_some()
                if not part:
                    return
                data += part
            head, _, data = data.partition(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            size = int(length[1]) if length else 0
            while len(data) < size:
                data += await stream.receive_some()
            body, data = data[:size], data[size:]
            await handler(head.partition(b"\r\n")[0].decode(), body, stream)
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        return
