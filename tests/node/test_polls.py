"""A frame may be answered late: whoever waits gets its answer, whoever hangs up is forgotten, nobody waits for ever.

Which frames are held, and for how long, is gossip's business. Here one kind of bytes stands for them.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
import pytest
import trio

from accredit.node.app import Node
from accredit.node.clients.peer_http import CONNECTIONS, Peers
from accredit.node.engine import Effect, Event, FrameArrived, ReplyFrame
from accredit.node.http import connection
from accredit.node.http.serve import bind, serve
from accredit.node.settings import NodeConfig
from accredit.registry.errors import RemoteError
from tests.strategies.loopback import NO_CERTIFICATES
from tests.strategies.network import founded
from tests.strategies.real_node import running, until
from tests.strategies.web import answer
from tests.strategies.web import serve as serve_web

HOLD = b"answer me later"
HEADERS = {"content-type": "application/cose"}


@dataclass
class Holding:
    """A node on the wire whose engine holds what says `HOLD`, until `release`."""

    node: Node
    url: str
    shutdown: trio.Event
    tokens: list[int] = field(default_factory=list)

    def handle(self, event: Event, *, now: int) -> list[Effect]:
        if isinstance(event, FrameArrived) and event.data == HOLD:
            self.tokens.append(event.token)
            return []
        return type(self.node.runtime.engine).handle(self.node.runtime.engine, event, now=now)

    def release(self, data: bytes) -> None:
        """Answers the oldest that is held."""
        self.node.runtime._perform([ReplyFrame(token=self.tokens.pop(0), status=200, data=data)])

    @property
    def waiting(self) -> int:
        return len(self.node.runtime._frames)


@asynccontextmanager
async def holding(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Holding]:
    town = founded("node1", "node2")
    config = NodeConfig(name="node1", host="127.0.0.1", port=0)
    async with running(folder, town, "node1") as node, trio.open_nursery() as nursery:
        await node.runtime.submit([each.raw for each in town.said])
        shutdown = trio.Event()
        url = await nursery.start(partial(serve, node.application(), config, sock=bind(config), shutdown=shutdown.wait))
        made = Holding(node=node, url=url, shutdown=shutdown)
        monkeypatch.setattr(node.runtime.engine, "handle", made.handle)
        yield made
        shutdown.set()


async def test_a_late_answer_reaches_who_waits_and_others_are_answered_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with holding(tmp_path, monkeypatch) as web:
        peers, answers = Peers(timeout_seconds=2.0), list[tuple[int, bytes]]()

        async def poll() -> None:
            answers.append(await peers.post("node1", f"{web.url}/gossip", HOLD, max_bytes=100, seconds=30.0))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(poll)
            await until(lambda: web.waiting == 1)
            await trio.sleep(2.2)  # longer than any other request may take
            for _ in range(3):
                status, _ = await peers.post("node1", f"{web.url}/gossip", b"no frame", max_bytes=1_000)
                assert status == 400
            assert answers == []
            web.release(b"here it is")
        assert answers == [(200, b"here it is")]
        assert web.waiting == 0
        await peers.aclose()


async def test_a_line_that_is_silent_because_we_have_not_answered_is_not_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What others must say in time does not count while it is us who are to speak."""
    for name in ("HEAD_SECONDS", "IDLE_SECONDS", "WRITE_SECONDS"):
        monkeypatch.setattr(connection, name, 1.0)
    async with (
        holding(tmp_path, monkeypatch) as web,
        httpx.AsyncClient(trust_env=False, verify=NO_CERTIFICATES) as client,
    ):

        async def release() -> None:
            await until(lambda: web.waiting == 1)
            await trio.sleep(2.5)
            web.release(b"here it is")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(release)
            answered = await client.post(f"{web.url}/gossip", content=HOLD, headers=HEADERS, timeout=60.0)
        assert answered.content == b"here it is"


async def test_who_hangs_up_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with holding(tmp_path, monkeypatch) as web:
        async with httpx.AsyncClient(trust_env=False, verify=NO_CERTIFICATES) as client:
            with pytest.raises(httpx.ReadTimeout):
                await client.post(f"{web.url}/gossip", content=HOLD, headers=HEADERS, timeout=0.2)
        await until(lambda: web.waiting == 0)
        web.release(b"too late")
        assert web.waiting == 0


async def test_a_node_that_shuts_down_answers_those_it_has_kept_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with holding(tmp_path, monkeypatch) as web:
        statuses: list[int] = []

        async def poll() -> None:
            async with httpx.AsyncClient(trust_env=False, verify=NO_CERTIFICATES) as client:
                answered = await client.post(f"{web.url}/gossip", content=HOLD, headers=HEADERS, timeout=60.0)
                statuses.append(answered.status_code)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(poll)
            await until(lambda: web.waiting == 1)
            with trio.fail_after(60.0):
                await web.node.runtime.stop()
        assert statuses == [503]


async def test_only_so_many_are_kept_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with holding(tmp_path, monkeypatch) as web:
        monkeypatch.setattr(web.node.runtime._frames, "_most", 3)
        statuses: list[int] = []

        async def poll() -> None:
            statuses.append((await web.node.runtime.gossip(HOLD)).status)

        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(poll)
            await until(lambda: len(statuses) == 2)
            assert statuses == [503, 503]
            assert (await web.node.runtime.gossip(b"no frame")).status == 400, "what is answered at once still is"
            while web.waiting:
                web.release(b"")
                await trio.sleep(0)
        assert sorted(statuses) == [200, 200, 200, 503, 503]


async def test_polls_have_a_line_of_their_own_besides_the_two_of_everything_else() -> None:
    """A peer that holds a poll and stalls on all else is asked over three connections, not more, and none is lost."""
    gate = trio.Event()
    paths: list[str] = []

    async def slow(line: str, _body: bytes, stream: trio.abc.Stream) -> None:
        paths.append(line.split(" ")[1])
        await gate.wait()
        await stream.send_all(answer(b"at last"))

    async with trio.open_nursery() as server:
        web = await server.start(serve_web, slow)
        peers = Peers(timeout_seconds=60.0)
        async with trio.open_nursery() as nursery:
            for _ in range(2 * CONNECTIONS):
                nursery.start_soon(partial(peers.post, "node", f"{web.url}/frame", b"", max_bytes=100))
            await until(lambda: len(paths) == CONNECTIONS)
            nursery.start_soon(partial(peers.post, "node", f"{web.url}/poll", b"", max_bytes=100, seconds=90.0))
            await until(lambda: "/poll" in paths)
            assert len(web.connections) == CONNECTIONS + 1
            gate.set()
        assert len(web.connections) == CONNECTIONS + 1
        await peers.aclose()
        server.cancel_scope.cancel()


async def test_a_poll_that_is_not_answered_in_its_time_fails_like_anything_else() -> None:
    async def silence(_line: str, _body: bytes, _stream: trio.abc.Stream) -> None:
        await trio.sleep_forever()

    async with trio.open_nursery() as server:
        web = await server.start(serve_web, silence)
        peers = Peers(timeout_seconds=0.1)
        with pytest.raises(RemoteError) as caught, trio.fail_after(60.0):
            await peers.post("node", f"{web.url}/poll", b"", max_bytes=100, seconds=0.3)
        assert caught.value.code == "unreachable"
        await peers.aclose()
        server.cancel_scope.cancel()
