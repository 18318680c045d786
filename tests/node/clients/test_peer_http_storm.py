"""Hundreds of requests are cancelled, run out of time, are reset, dripped at and drowned: the next one simply works.

The control is one `httpx.AsyncClient` that all requests share, with as many connections, as one would write it at
first. A request that waits for a connection and is cancelled in the very turn in which one comes free gets it all the
same, and never gives it back (httpx 0.28, httpcore 1.0). Two such moments, and the client reaches nobody any more.
"""

import os
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from socket import SO_LINGER, SOL_SOCKET

import httpx
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from accredit.node.clients.peer_http import CONNECTIONS, LINES, Peers
from accredit.registry.errors import RemoteError
from tests.strategies.real_node import until
from tests.strategies.web import Web, answer, serve

REQUESTS = 400
ROUNDS = 600
"""In each, a shared client loses a connection once in about twelve times; two have always been lost by the 70th."""

AT_ONCE = 25
ANGER = ("ok", "ok", "slow", "never", "reset", "half", "drip head", "drip body", "flood", "nonsense")
LOOK_EACH = 10
"""Requests; a look at all connections of the machine takes 7 ms."""

TCP = Path("/proc/net/tcp")
ESTABLISHED = "01"
GATE = [trio.Event()]

pytestmark = pytest.mark.skipif(not TCP.exists(), reason="counts connections and files as Linux shows them")


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def connected_to(port: int) -> int:
    """Our ends of connections to that port that are established."""
    rows = [line.split() for line in TCP.read_text().splitlines()[1:]]
    return sum(row[2].endswith(f":{port:04X}") and row[3] == ESTABLISHED for row in rows)


@dataclass
class Weather:
    """A server that behaves as its path says; `most` is how many connections one client ever had to it."""

    url: str = ""
    most: int = 0
    asked: int = 0
    met: set[str] = field(default_factory=set)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    async def handle(self, line: str, _body: bytes, stream: trio.abc.Stream) -> None:
        self.asked += 1
        if self.asked % LOOK_EACH == 0:
            self.most = max(self.most, connected_to(self.port))
        how = line.split(" ")[1].strip("/").replace("%20", " ")
        self.met.add(how)
        assert isinstance(stream, trio.SocketStream)
        head = b"HTTP/1.1 200 X\r\ncontent-length: 1000\r\n\r\n"
        match how:
            case "ok":
                await stream.send_all(answer(b"here"))
            case "slow":
                await trio.sleep(0.02)
                await stream.send_all(answer(b"here"))
            case "never":
                await trio.sleep_forever()
            case "wait":
                await GATE[0].wait()
                await stream.send_all(answer(b"here"))
            case "reset":
                await stream.send_all(head + bytes(500))
                stream.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
                await stream.aclose()
            case "half":
                await stream.send_all(head + bytes(500))
                await stream.aclose()
            case "drip head" | "drip body":
                await stream.send_all(head if how == "drip body" else b"HTTP/1.1 200 X\r\nx: ")
                while True:
                    await stream.send_all(b".")
                    await trio.sleep(0.005)
            case "flood":
                await stream.send_all(b"HTTP/1.1 200 X\r\ncontent-length: 9000000\r\n\r\n")
                while True:
                    await stream.send_all(bytes(60_000))
            case _:
                await stream.send_all(b"\x16\x03\x01 this is no HTTP \r\n\r\n")
                await stream.aclose()


async def storm(weather: Weather, ask: Callable[[str], Awaitable[object]]) -> None:
    """Requests in gusts; three of four are cancelled, before they begin or wherever they are."""
    random = Random(8)

    async def one(how: str, wait: float) -> None:
        with trio.move_on_after(wait), suppress(RemoteError, httpx.HTTPError):
            await ask(f"{weather.url}/{how}")

    for _ in range(REQUESTS // AT_ONCE):
        async with trio.open_nursery() as nursery:
            for _ in range(AT_ONCE):
                wait = random.choice((0.0, random.uniform(0, 0.01), random.uniform(0, 0.1), 30.0))
                nursery.start_soon(one, random.choice(ANGER), wait)


async def test_after_the_storm_the_next_request_works_and_nothing_is_left(recwarn: pytest.WarningsRecorder) -> None:
    files, tasks = open_files(), trio.lowlevel.current_statistics().tasks_living
    weather = Weather()
    async with trio.open_nursery() as nursery:
        web: Web = await nursery.start(serve, weather.handle)
        weather.url = web.url
        peers = Peers(timeout_seconds=0.1)
        await storm(weather, lambda url: peers.post("node", url, bytes(2_000), max_bytes=10_000))
        assert weather.met == set(ANGER)
        assert await peers.get("node", f"{web.url}/ok", max_bytes=100) == b"here", "at once: nothing is tried twice"
        for _ in range(3):
            assert (await peers.post("node", f"{web.url}/ok", b"", max_bytes=100))[1] == b"here"
        assert 1 <= weather.most <= CONNECTIONS
        assert connected_to(weather.port) <= CONNECTIONS
        await peers.aclose()
        await until(lambda: connected_to(weather.port) == 0)
        nursery.cancel_scope.cancel()
    assert (open_files(), trio.lowlevel.current_statistics().tasks_living) == (files, tasks)
    assert not recwarn.list


async def squeeze(ask: Callable[[str], Awaitable[object]], works: Callable[[], Awaitable[bool]], rounds: int) -> int:
    """Cancels requests that wait for a connection, one each turn of the loop, while one comes free; rounds survived.

    Args:
        ask: one request, to `wait` (answered when the gate is open) or `ok`.
        works: whether a request is answered, after a round.
    """
    for survived in range(rounds):
        GATE[0] = trio.Event()
        waiting = [trio.CancelScope() for _ in range(60)]

        async def one(how: str, scope: trio.CancelScope) -> None:
            with scope, suppress(RemoteError, httpx.HTTPError):
                await ask(how)

        async with trio.open_nursery() as nursery:
            for _ in range(CONNECTIONS):
                nursery.start_soon(one, "wait", trio.CancelScope())
            await wait_all_tasks_blocked(0.0005)
            for scope in waiting:
                nursery.start_soon(one, "ok", scope)
            await wait_all_tasks_blocked()
            GATE[0].set()
            for scope in waiting:
                scope.cancel()
                await trio.lowlevel.checkpoint()
        if not await works():
            return survived
    return rounds


async def test_a_connection_that_comes_free_for_one_who_has_just_gone_is_not_lost() -> None:
    weather = Weather()
    async with trio.open_nursery() as nursery:
        web: Web = await nursery.start(serve, weather.handle)
        weather.url = web.url
        peers = Peers(timeout_seconds=5.0)

        async def works() -> bool:
            return await peers.get("node", f"{web.url}/ok", max_bytes=100) == b"here"

        ask = partial(peers.get, "node", max_bytes=100)
        assert await squeeze(lambda how: ask(f"{web.url}/{how}"), works, ROUNDS // 10) == ROUNDS // 10
        await peers.aclose()
        nursery.cancel_scope.cancel()


async def test_the_same_ends_a_client_that_requests_share() -> None:
    """The control: were this to fail one day, lending each request a client of its own could end."""
    weather = Weather()
    async with trio.open_nursery() as nursery:
        web: Web = await nursery.start(serve, weather.handle)
        weather.url = web.url
        limits = httpx.Limits(max_connections=CONNECTIONS)
        client = httpx.AsyncClient(trust_env=False, timeout=httpx.Timeout(5.0, pool=0.2), limits=limits)

        async def works() -> bool:
            try:
                return (await client.get(f"{web.url}/ok")).content == b"here"
            except httpx.PoolTimeout:
                return False

        assert await squeeze(lambda how: client.get(f"{web.url}/{how}"), works, ROUNDS) < ROUNDS
        assert not await works(), "and it stays so"
        await client.aclose()
        nursery.cancel_scope.cancel()


async def test_connections_to_peers_asked_long_ago_are_given_up() -> None:
    """In a network of thousands every one is asked now and then; two files for each would be the end of a node."""
    weather = Weather()
    async with trio.open_nursery() as nursery:
        web: Web = await nursery.start(serve, weather.handle)
        weather.url = web.url
        peers = Peers()
        for number in range(LINES + 20):
            assert await peers.get(f"node{number}", f"{web.url}/ok", max_bytes=100) == b"here"
        assert connected_to(weather.port) == LINES
        await peers.aclose()
        nursery.cancel_scope.cancel()
