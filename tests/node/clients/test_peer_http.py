"""HTTP to peers: what is slow, broken, large or hostile becomes one error in bounded time, and spoils nothing later."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio

from accredit.node.clients.outgoing import Outgoing
from accredit.node.clients.peer_http import Peers
from accredit.registry.errors import RemoteError
from tests.strategies.web import Handler, Web, answer, serve


@asynccontextmanager
async def web_of(handler: Handler) -> AsyncIterator[Web]:
    async with trio.open_nursery() as nursery:
        yield await nursery.start(serve, handler)
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def peers_with(timeout_seconds: float = 5.0, proxy: str = "") -> AsyncIterator[Peers]:
    peers = Peers(timeout_seconds=timeout_seconds, outgoing=Outgoing(proxy=proxy))
    try:
        yield peers
    finally:
        await peers.aclose()


async def echo(line: str, body: bytes, stream: trio.abc.Stream) -> None:
    await stream.send_all(answer(line.encode() + b"|" + body, status=418 if "teapot" in line else 200))


async def silence(_line: str, _body: bytes, _stream: trio.abc.Stream) -> None:
    await trio.sleep_forever()


async def test_a_frame_is_posted_and_answered_over_one_kept_connection() -> None:
    async with web_of(echo) as web, peers_with() as peers:
        for number in range(5):
            status, data = await peers.post("node", f"{web.url}/gossip", b"%d" % number, max_bytes=100)
            assert (status, data) == (200, b"POST /gossip HTTP/1.1|%d" % number)
        assert len(web.connections) == 1


async def test_a_status_is_the_callers_business_for_a_frame_and_an_error_for_a_file() -> None:
    async with web_of(echo) as web, peers_with() as peers:
        assert (await peers.post("node", f"{web.url}/teapot", b"", max_bytes=100))[0] == 418
        assert await peers.get("node", f"{web.url}/log/checkpoint", max_bytes=100) == b"GET /log/checkpoint HTTP/1.1|"
        with pytest.raises(RemoteError, match="status 418"):
            await peers.get("node", f"{web.url}/teapot", max_bytes=100)


async def test_nobody_listening_is_said_so() -> None:
    async with peers_with() as peers:
        with pytest.raises(RemoteError, match="does not answer") as caught:
            await peers.post("node", "http://127.0.0.1:9/gossip", b"", max_bytes=1)
        assert caught.value.code == "unreachable"
        with pytest.raises(RemoteError):
            await peers.get("node", "http://127.0.0.1:bad/", max_bytes=1)


async def test_an_answer_too_large_is_not_read_to_its_end() -> None:
    async with web_of(echo) as web, peers_with() as peers:
        with pytest.raises(RemoteError) as caught:
            await peers.post("node", f"{web.url}/gossip", bytes(1_000_000), max_bytes=1_000)
        assert caught.value.code == "answer_too_large"
        assert (await peers.post("node", f"{web.url}/gossip", b"", max_bytes=100))[0] == 200


async def test_a_peer_that_drips_one_byte_at_a_time_is_given_up() -> None:
    async def drip(_line: str, _body: bytes, stream: trio.abc.Stream) -> None:
        await stream.send_all(b"HTTP/1.1 200 X\r\ncontent-length: 1000\r\n\r\n")
        while True:
            await stream.send_all(b".")
            await trio.sleep(0.02)

    async with web_of(drip) as web, peers_with(timeout_seconds=0.2) as peers:
        with pytest.raises(RemoteError) as caught:
            await peers.get("node", f"{web.url}/", max_bytes=10_000)
        assert caught.value.code == "answer_too_slow"


async def test_a_peer_that_says_nothing_times_out_and_delays_no_other() -> None:
    async with web_of(silence) as stalled, web_of(echo) as lively, peers_with(timeout_seconds=2.0) as peers:
        failures = []

        async def post() -> None:
            try:
                await peers.post("stalled", f"{stalled.url}/gossip", b"", max_bytes=1)
            except RemoteError as error:
                failures.append(error.code)

        async with trio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(post)
            await trio.sleep(0.05)
            assert (await peers.post("lively", f"{lively.url}/gossip", b"", max_bytes=100))[0] == 200
        assert failures == ["unreachable"] * 10


async def test_proxies_of_the_environment_are_ignored_and_ours_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with web_of(echo) as web, web_of(echo) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        async with peers_with() as peers:
            assert await peers.get("node", f"{web.url}/x", max_bytes=100) == b"GET /x HTTP/1.1|"
        async with peers_with(proxy=proxy.url) as peers:
            assert await peers.get("node", f"{web.url}/x", max_bytes=100) == f"GET {web.url}/x HTTP/1.1|".encode()


async def test_redirects_are_not_followed() -> None:
    async def elsewhere(_line: str, _body: bytes, stream: trio.abc.Stream) -> None:
        await stream.send_all(b"HTTP/1.1 302 X\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n")

    async with web_of(elsewhere) as web, peers_with() as peers:
        with pytest.raises(RemoteError, match="status 302"):
            await peers.get("node", f"{web.url}/", max_bytes=10)
