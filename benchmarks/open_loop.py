"""Asks at a fixed rate, whatever the answers take, and says how long each one took: latencies below saturation.

    python -m benchmarks.open_loop HOST PORT PATH BODIES RATE SECONDS CONNECTIONS

BODIES is a file with one JSON body a line, asked in turn. Each request has its moment, the number of it divided by
RATE; it is sent on a connection that waits, as soon as there is one. What is measured is the time from *its moment* to
its answer: a server that stands still for a second makes all requests late whose moment lay in that second, as it would
for those who ask. (A client that sends the next request when it has the last answer leaves them out: coordinated
omission.)

Prints one line of JSON: `asked`, `failed`, and `p50`, `p90`, `p99`, `p999`, `most` in milliseconds. Python and one
core: good for some thousand requests a second.
"""

import asyncio
import json
import sys
from collections import deque
from pathlib import Path

from benchmarks.harness import percentile


class AskingConnection(asyncio.Protocol):
    """One connection: one request at a time."""

    def __init__(self, load: "OpenLoop") -> None:
        self._load = load
        self._got = b""
        self._moment = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready for a request."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._load.is_free(self)

    def ask(self, moment: float, request: bytes) -> None:
        """Sends it."""
        self._moment = moment
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Perhaps a whole answer."""
        self._got += data
        head, end, body = self._got.partition(b"\r\n\r\n")
        if not end:
            return
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        if len(body) < length:
            return
        self._got = b""
        self._load.has_come(self._moment, head.startswith(b"HTTP/1.1 200"))
        self._load.is_free(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """A request that was under way is lost."""
        del exc
        if self in self._load.free:
            self._load.free.remove(self)
        else:
            self._load.has_come(self._moment, False)
        self._load.reopen()


class OpenLoop:
    """Everything that is asked.

    Args:
        requests: whole requests, asked in turn. rate: a second. count: in all.
    """

    def __init__(self, host: str, port: int, requests: list[bytes], rate: float, count: int) -> None:
        self._host, self._port = host, port
        self._requests = requests
        self._rate = rate
        self._count = count
        self._loop = asyncio.get_running_loop()
        self._due: deque[tuple[float, bytes]] = deque()
        self._opening: set[asyncio.Task[object]] = set()
        self.free: deque[AskingConnection] = deque()
        self.late: list[float] = []
        self.failed = 0
        self.over = asyncio.Event()

    async def run(self, connections: int) -> None:
        """All of it."""
        for _ in range(connections):
            await self._loop.create_connection(lambda: AskingConnection(self), self._host, self._port)
        began = self._loop.time()
        for number in range(self._count):
            moment = began + number / self._rate
            pause = moment - self._loop.time()
            if pause > 0:
                await asyncio.sleep(pause)
            self._due.append((moment, self._requests[number % len(self._requests)]))
            self._send()
        await asyncio.wait_for(self.over.wait(), 30)

    def is_free(self, connection: AskingConnection) -> None:
        """A connection waits for a request."""
        self.free.append(connection)
        self._send()

    def has_come(self, moment: float, is_good: bool) -> None:
        """An answer, or what stands for none."""
        self.late.append(self._loop.time() - moment)
        self.failed += not is_good
        if len(self.late) == self._count:
            self.over.set()

    def reopen(self) -> None:
        """A connection in place of one that was closed."""
        if not self.over.is_set():
            task: asyncio.Task[object] = asyncio.ensure_future(
                self._loop.create_connection(lambda: AskingConnection(self), self._host, self._port)
            )
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    def _send(self) -> None:
        while self._due and self.free:
            self.free.popleft().ask(*self._due.popleft())


async def measure(words: list[str]) -> None:
    """Asks, and prints what was seen."""
    host, port, path, bodies, rate, seconds, connections = words
    requests = [
        b"POST %b HTTP/1.1\r\nhost: %b:%b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
        % (path.encode(), host.encode(), port.encode(), len(body), body)
        for body in Path(bodies).read_bytes().splitlines()
    ]
    load = OpenLoop(host, int(port), requests, float(rate), int(float(rate) * float(seconds)))
    await load.run(int(connections))
    seen = {name: percentile(load.late, part) * 1_000 for name, part in _PARTS.items()}
    print(json.dumps({"asked": len(load.late), "failed": load.failed, **seen}))


_PARTS = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999, "most": 1.0}


if __name__ == "__main__":
    asyncio.run(measure(sys.argv[1:]))
