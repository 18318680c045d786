"""Questions that are answered where their bytes are read: the same answers, and nobody's turn is taken away."""

import json
import re
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest
import trio
import trio.testing

from accredit.node.http.handling.request_reading import JSON_PARTS, convert, decode_as, decode_json
from accredit.node.http.lobby import Lobby
from accredit.node.http.routes.trqp import TrqpRequest
from accredit.node.http.server import ConnectionLimits, Server
from accredit.node.http.tcp import TcpListener, TcpStream
from accredit.node.questions import Question
from accredit.registry.encoding.rfc3339 import text
from accredit.registry.errors import DecodeError
from tests.strategies.bodies import event
from tests.strategies.network import A
from tests.strategies.real_node import until
from tests.strategies.served import COLLEGE, Served, served
from tests.strategies.wire import connect, exchange, read_all, status_of

LINE: Final = b"%b HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%b\r\n%b"
NATIVE: Final = json.dumps({"issuer": COLLEGE, "achievement_type": "Degree"}).encode()
_OWN: Final = re.compile(rb"(x-request-id|date): [^\r]*\r\n")


ECO: Final = "https://consortium.example/"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Served:
    return served(tmp_path_factory.mktemp("node"))


@asynccontextmanager
async def serving(node: Served, **bounds: Any) -> AsyncIterator[tuple[int, Server]]:
    """A server of the whole application in this process."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=512)
    server, stop = Server(node.app(), bounds=ConnectionLimits(**bounds), now=time.time), trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(server.run, TcpListener(listening), shutdown=stop.wait))
        yield listening.getsockname()[1], server
        stop.set()


def asking(path: bytes, body: bytes, fields: bytes = b"") -> bytes:
    return LINE % (b"POST " + path, len(body), fields, body)


def trqp(**members: str) -> bytes:
    asked = {"entity_id": COLLEGE, "authority_id": ECO, "action": "issue", "resource": "achievementType:Degree"}
    return json.dumps(asked | members).encode()


def talk(port: int, *pieces: bytes) -> bytes:
    """Sends pieces one after the other, most likely read one by one (nothing depends on it); reads to the end."""
    with connect(port) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            sock.sendall(piece)
            time.sleep(0.003)
        sock.shutdown(socket.SHUT_WR)
        return read_all(sock)


BODIES: Final = (
    (b"/authorization", trqp()),
    (b"/authorization", trqp(entity_id="did:web:nobody.example")),
    (b"/authorization", trqp(entity_id="mailto:a@b.example")),
    (b"/authorization", trqp(authority_id="https://stranger.example/")),
    (b"/authorization", trqp(resource="Degreee")),
    (b"/authorization", b'{"entity_id": 7}'),
    (b"/authorization", b"{"),
    (b"/authorization", trqp()[:-1] + b', "action": "issue"}'),
    (b"/recognition", trqp()),
    (b"/v1/decisions", NATIVE),
    (b"/v1/decisions", b"[" + NATIVE + b"]"),
    (b"/v1/decisions", b'{"queries": [' + NATIVE + b"]}"),
    (b"/v1/decisions", b'{"issuer": "did:web:a.example", "issuer": "did:web:b.example"}'),
    (b"/v1/decisions", b'{"unknown": 1}'),
    (b"/v1/decisions", b"\xff"),
)


async def test_answers_are_the_same_bytes_at_once_and_the_long_way(node: Served) -> None:
    """`Expect` makes a request take the long way, and changes nothing else in its answer."""
    fields = b"Connection: keep-alive\r\n"
    async with serving(node) as (port, server):
        for path, body in BODIES:
            quick = await trio.to_thread.run_sync(talk, port, asking(path, body, fields))
            cut = await trio.to_thread.run_sync(talk, port, *_cut(asking(path, body, fields)))
            long = await trio.to_thread.run_sync(talk, port, *_cut(asking(path, body, b"X: y\r\n" * 90 + fields), 3))
            assert status_of(quick) in (200, 400, 404), quick
            assert _OWN.sub(b"", quick) == _OWN.sub(b"", cut), body
            assert _same(quick, long), body
        assert sum(each is not None for each in server._prepared.values()) >= 3


def _cut(request: bytes, size: int = 0) -> list[bytes]:
    """Head and body by themselves, or a first piece that is no whole head."""
    at = size or request.index(b"\r\n\r\n") + 4
    return [request[:at], request[at:]]


def _same(one: bytes, other: bytes) -> bool:
    def plain(answer: bytes) -> list[bytes]:
        return [line for line in _OWN.sub(b"", answer).split(b"\r\n") if line != b"connection: close"]

    return plain(one) == plain(other)


async def test_a_body_that_comes_in_pieces_is_waited_for_and_what_stands_behind_it_is_answered_too(
    node: Served,
) -> None:
    one = asking(b"/v1/decisions", NATIVE)
    get = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    async with serving(node) as (port, _):
        for pieces in (
            (one[:-9], one[-9:]),
            (one[:-9], one[-9:-4], one[-4:]),
            (one + one[:20], one[20:]),
            (one + one + get,),
            (one, get, one, one[:-1], one[-1:] + get),
        ):
            said = await trio.to_thread.run_sync(talk, port, *pieces)
            asked = b"".join(pieces)
            assert said.count(b"HTTP/1.1 200 ") == asked.count(b"POST ") + asked.count(b"GET "), pieces


async def test_a_sender_who_goes_in_the_middle_of_a_body_is_forgotten(node: Served) -> None:
    one = asking(b"/v1/decisions", NATIVE)
    async with serving(node) as (port, server):
        assert status_of(await trio.to_thread.run_sync(talk, port, one[:-9])) == 408
        assert await trio.to_thread.run_sync(talk, port, b"") == b""
        await until(lambda: not server._open)


async def test_a_body_that_drips_has_no_longer_in_all_than_one_that_never_comes(node: Served) -> None:
    """A byte each half minute held a connection for days, and four addresses' worth of them the whole node."""
    one = asking(b"/v1/decisions", NATIVE)
    async with serving(node) as (port, server):
        with connect(port) as sock:
            sock.sendall(one[:-9])
            await until(lambda: any(each._is_reading_body for each in server._open))
            (held,) = server._open
            due = held.due
            sock.sendall(one[-9:-8])
            await until(lambda: len(held._buffer) == len(one) - 8)
            assert held.due == due
            sock.sendall(one[-8:])
            await until(lambda: held._is_reading_head)
            assert held.due > due, "and the next request has its own time"


async def test_a_fault_in_answering_at_once_is_in_the_log_and_ends_nothing(
    node: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: bytes) -> None:
        raise ValueError("a fault of ours")

    monkeypatch.setattr("accredit.node.http.app.Application.prepared", lambda *_: fail)
    one = asking(b"/v1/decisions", NATIVE)
    async with serving(node) as (port, _):
        for _ in range(2):
            assert status_of(await trio.to_thread.run_sync(talk, port, one)) == 200, "the long way is still there"
    assert any(record.exc_info for record in caplog.records)


async def test_a_node_that_stops_waits_for_an_answer_under_way_and_for_no_other_question(
    node: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accredit.node.http.server.GRACE_SECONDS", 1e9)
    monkeypatch.setattr(TcpStream, "send_now", lambda *_: 0)  # as where the other side does not read
    under_way, may_end = trio.Event(), trio.Event()
    send_all = TcpStream.send_all

    async def send_slowly(stream: TcpStream, data: bytes) -> None:
        under_way.set()
        await may_end.wait()
        await send_all(stream, data)

    monkeypatch.setattr(TcpStream, "send_all", send_slowly)
    async with serving(node) as (port, server):
        with connect(port) as sock:
            sock.sendall(asking(b"/v1/decisions", NATIVE))
            await under_way.wait()
            server.stop()
            may_end.set()
            await until(lambda: not server._open)
            assert status_of(read_all(sock)) == 200


async def test_who_does_not_read_gets_his_answers_later_and_keeps_nobody_waiting(node: Served) -> None:
    one = asking(b"/v1/decisions", NATIVE)
    count = 2_000

    def lazy(port: int) -> int:
        with connect(port) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            sock.settimeout(0.2)
            sent = 0
            try:
                while sent < count:
                    sock.sendall(one)  # one by one, and without reading: the line fills up in both directions
                    sent += 1
            except TimeoutError:
                pass
            assert status_of(
                exchange(port, LINE % (b"POST /v1/decisions", len(NATIVE), b"Connection: close\r\n", NATIVE))
            )
            sock.settimeout(60)
            return sent

    async with serving(node) as (port, server):
        assert await trio.to_thread.run_sync(lazy, port) > 10
        await until(lambda: not server._open)


async def test_a_request_names_itself_in_its_answer(node: Served) -> None:
    """What is remembered of a head is not whose request it was."""
    named = asking(b"/v1/decisions", NATIVE, b"X-Request-ID: mine<>\r\n")
    async with serving(node) as (port, _):
        said = await trio.to_thread.run_sync(talk, port, named, named, asking(b"/v1/decisions", NATIVE))
        ids = re.findall(rb"x-request-id: ([^\r]*)", said)
        assert ids[:2] == [b"mine", b"mine"]
        again = await trio.to_thread.run_sync(talk, port, *[asking(b"/v1/decisions", NATIVE)] * 3)
        assert len({*ids[2:], *re.findall(rb"x-request-id: ([^\r]*)", again)}) == 4


async def test_a_suspension_is_in_the_next_answer_on_a_line_that_was_open_before(tmp_path: Path) -> None:
    """Questions of one turn share what is held: those asked after a change are of another turn."""
    node = served(tmp_path)
    one = asking(b"/v1/decisions", NATIVE)
    granted = next(each for each in node.town.said if each.kind == "accreditation.grant" and each.sub == COLLEGE)

    def ask(sock: socket.socket) -> tuple[bool, str]:
        sock.sendall(one)
        said = b""
        while not said.endswith(b"}"):
            said += sock.recv(65_536)
        answer = json.loads(said.partition(b"\r\n\r\n")[2])
        return answer["authorized"], answer["time_evaluated"]

    async with serving(node) as (port, _):
        with connect(port) as sock:
            for _ in range(2):
                assert await trio.to_thread.run_sync(ask, sock) == (True, text(node.now()))
                node.time += 1
            node.town.says(A, "accreditation.status", event(granted.id, "suspend"), COLLEGE)
            node.hears()
            assert await trio.to_thread.run_sync(ask, sock) == (False, text(node.now()))


async def test_a_batch_lets_others_have_a_turn_and_is_of_one_time(
    node: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = 0

    async def sleep(_: float) -> None:
        nonlocal turns
        turns += 1
        node.time += 1

    monkeypatch.setattr("anyio.sleep", sleep)
    dear = _dear()
    for module in ("routes.decisions", "handling.turns"):
        monkeypatch.setattr(f"accredit.node.http.{module}.perf_counter", dear)
    before = node.time
    answer = await node.ask("POST", "/v1/decisions", json=[{"issuer": COLLEGE}] * 120)
    node.time = before
    assert {each["time_evaluated"] for each in answer.json()["decisions"]} == {text(before)}
    assert turns >= 40, "2 ms are over after three of them"


def _dear() -> Callable[[], float]:
    """A clock by which some 1 ms has passed whenever somebody looks at it."""
    seen = count()
    return lambda: next(seen) / 1_024


async def test_remembered_heads_are_few_whatever_is_sent(node: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accredit.node.http.server.PREPARED", 3)
    async with serving(node) as (port, server):
        requests = [asking(b"/v1/decisions", NATIVE, b"X-Request-ID: %d\r\n" % number) for number in range(9)]
        requests.append(asking(b"/authorization", b"x" * 20_000))
        said = await trio.to_thread.run_sync(talk, port, *requests)
        assert said.count(b"HTTP/1.1 200 ") == 9
        assert len(server._prepared) <= 3


async def test_an_error_in_hearing_reaches_the_one_who_waits_and_others_are_heard() -> None:
    def hear() -> bool:
        raise ValueError("a fault of ours")

    ours, theirs = socket.socketpair()
    with ours, theirs, Lobby() as lobby:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lobby.run)
            for error in (True, False):
                theirs.send(b"x")
                if error:
                    with pytest.raises(ValueError, match="a fault of ours"):
                        await lobby.wait(ours, hear)
                else:
                    await lobby.wait(ours, lambda: False)
            with trio.CancelScope() as scope:
                scope.cancel()
                await lobby.wait(ours, hear)
            assert scope.cancelled_caught
            nursery.cancel_scope.cancel()


async def test_a_dear_question_ends_the_turn_and_who_is_left_is_heard_in_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And who has left since the system named him is not looked for."""
    monkeypatch.setattr("accredit.node.http.lobby.perf_counter", _dear())
    monkeypatch.setattr("accredit.node.http.lobby.TURN_SECONDS", 0.0005)
    said: list[str] = []
    scopes: dict[str, trio.CancelScope] = {}

    def hear(name: str) -> bool:
        said.append(name)
        if len(scopes) == 3:  # the first who is heard sends another away
            del scopes[name]
            scopes.popitem()[1].cancel()
        return False

    async def wait(name: str, sock: socket.socket) -> None:
        with trio.CancelScope() as scopes[name]:
            await lobby.wait(sock, partial(hear, name))

    with ExitStack() as stack:
        lobby = stack.enter_context(Lobby())
        async with trio.open_nursery() as nursery:
            for name in "abc":
                ours, theirs = map(stack.enter_context, socket.socketpair())
                theirs.send(b"x")
                nursery.start_soon(wait, name, ours)
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(lobby.run, lambda: said.append("turn"))
            await until(lambda: not lobby._guests)
            nursery.cancel_scope.cancel()
    assert said[:2] == ["turn", said[1]]
    assert said[2] == "turn"
    assert len(set(said)) == 3, "a turn and two names"


@pytest.mark.parametrize(
    ("shape", "body"),
    [
        (TrqpRequest, trqp()),
        (TrqpRequest, trqp()[:-1] + b', "context": null}'),
        (TrqpRequest, trqp()[:-1] + b', "context": {"time": "2020-01-01T00:00:00Z"}, "more": [{}]}'),
        (TrqpRequest, b"\xef\xbb\xbf" + trqp()),
        (TrqpRequest, trqp(resource="\\u00e4").replace(b"\\\\", b"\\")),
        (TrqpRequest, trqp()[:-1] + b', "resource": "x"}'),
        (TrqpRequest, trqp()[:-1] + b', "context": {"a": 1, "a": 2}}'),
        (TrqpRequest, trqp()[:-1] + b', "context": {"a": 1, "\\u0061": 2}}'),
        (TrqpRequest, trqp(action="")),
        (TrqpRequest, b"[]"),
        (TrqpRequest, b""),
        (TrqpRequest, b"[" * 100_000),
        (Question, NATIVE),
        (Question, NATIVE[:-1] + b', "evidence": false, "evidence": true}'),
        (Question, b'{"issuer": "a", "unknown": "b"}'),
        (Question, b'{"issuer": "\xff"}'),
    ],
)
def test_a_body_read_in_one_go_is_what_it_is_read_in_two(shape: type[Any], body: bytes) -> None:
    def read(how: Any) -> object:
        try:
            return how()
        except DecodeError as error:
            return error.code, error.message, error.where, error.hint

    assert read(lambda: decode_as(body, shape)) == read(lambda: convert(decode_json(body), shape))


@pytest.mark.parametrize("part", [b"[]", b'{"a":1}', b"1"])
def test_a_body_of_very_many_small_parts_is_refused_before_it_is_read(part: bytes) -> None:
    """A megabyte of them would keep everybody else waiting."""
    body = b"[" + b",".join([part] * (JSON_PARTS + 1)) + b"]"
    for read in (decode_json, partial(decode_as, shape=Question)):
        with pytest.raises(DecodeError, match="the JSON has more than 65536 members and items") as refused:
            read(body)
        assert refused.value.hint == "Split it into several requests."


def test_a_body_of_as_many_parts_as_are_allowed_is_read() -> None:
    assert len(decode_json(b"[" + b",".join([b"1"] * JSON_PARTS) + b"]")) == JSON_PARTS
