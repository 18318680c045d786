"""The HTTP server over real sockets: whoever is slow, greedy, rude or gone harms nobody else."""

import errno
import json
import logging
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from functools import partial
from typing import Any, Final

import pytest
import trio

from accredit.node import faults
from accredit.node.http import connection, server
from accredit.node.http.forwarded import networks
from accredit.node.http.server import ConnectionLimits, Server
from accredit.node.http.tcp import TcpListener, TcpStream
from tests.strategies.real_node import PATIENCE, until
from tests.strategies.wire import connect, exchange, read_all, status_of

PING: Final = b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n"
LAST: Final = b"GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


class Echo:
    """An application that says back what it was sent, and what became of its requests."""

    def __init__(self) -> None:
        self.begun = 0
        self.hung_up = 0
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        self.begun += 1
        if path == "/fail":
            raise ValueError("a fault of ours")
        if path == "/silent":
            return
        if path == "/hold":
            await receive()
            assert (await receive())["type"] == "http.disconnect"
            self.hung_up += 1
            return
        if path == "/stream":
            await self._stream(scope, send)
            return
        body = b""
        is_more = path != "/unread"
        while is_more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.hung_up += 1
                return
            body += message["body"]
            is_more = message["more_body"]
        self.bodies.append(body)
        if path == "/large":
            body = bytes(8 * 1024 * 1024)
        status = int(scope["query_string"] or b"200")
        headers = [] if path == "/unsized" or status == 204 else [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _stream(self, scope: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for number in range(3 if not scope["query_string"] else 10**9):
            await send({"type": "http.response.body", "body": b"part %d;" % number, "more_body": True})
            await trio.sleep(0.01)
        await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def serving(app: Any = None, **bounds: Any) -> AsyncIterator[tuple[int, Server, trio.Event]]:
    """A server in this process: its port, itself, and what makes it stop."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=512)
    port = listening.getsockname()[1]
    made, stop = Server(app or Echo(), bounds=ConnectionLimits(**bounds), now=time.time), trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(made.run, TcpListener(listening), shutdown=stop.wait))
        yield port, made, stop
        stop.set()


@contextmanager
def lines(port: int, count: int, sent: bytes) -> Iterator[list[socket.socket]]:
    """So many connections that have sent the same and then say nothing."""
    with ExitStack() as stack:
        found = []
        for _ in range(count):
            found.append(stack.enter_context(connect(port)))
            with suppress(ConnectionError):
                found[-1].sendall(sent)
        yield found


async def ask(port: int, data: bytes, **how: Any) -> bytes:
    return await trio.to_thread.run_sync(partial(exchange, port, data, **how))


def answers(data: bytes) -> list[tuple[int, bytes]]:
    """Status and body of each answer in what came over a line."""
    found = []
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        length = int(fields.get(b"content-length", b"0"))
        found.append((status_of(head), rest[:length]))
        data = rest[length:]
    return found


# -------------------------------------------------------------------------------------------------------- requests


async def test_requests_on_one_line_are_answered_in_order_however_they_are_cut() -> None:
    posts = b"".join(
        b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text)
        for text in (b"one", b"two", b"")
    )
    chunked = b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    wire = posts + chunked + LAST
    wanted = [(200, b"one"), (200, b"two"), (200, b""), (200, b"abc"), (200, b"")]
    async with serving() as (port, _, _):
        assert answers(await ask(port, wire)) == wanted

        def drip() -> bytes:
            with connect(port) as sock:
                for at in range(0, len(wire), 7):
                    sock.sendall(wire[at : at + 7])
                return read_all(sock)

        assert answers(await trio.to_thread.run_sync(drip)) == wanted


async def test_others_have_a_turn_between_requests_that_came_at_once() -> None:
    """A thousand fit into one read, and the node stood still until all were answered."""
    said: list[str] = []

    async def note(scope: Any, receive: Any, send: Any) -> None:
        said.append("request")
        await Echo()(scope, receive, send)

    async def turn() -> None:
        while True:
            await trio.lowlevel.checkpoint()
            said.append("turn")

    async with serving(note) as (port, _, _), trio.open_nursery() as nursery:
        nursery.start_soon(turn)
        await ask(port, PING * 20 + LAST)
        nursery.cancel_scope.cancel()
    assert said.count("request") == 21
    assert "request request request" not in " ".join(said), "of two that can run, either may be the first"


async def test_head_has_no_body_204_has_no_length_and_http_1_0_ends_with_its_line() -> None:
    async with serving() as (port, _, _):
        post = b"%b %b HTTP/1.%d\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"
        said = await ask(port, post % (b"HEAD", b"/echo", 1))
        assert b"content-length: 3\r\n" in said
        assert said.endswith(b"\r\n\r\n")
        said = await ask(port, post % (b"POST", b"/echo?204", 1))
        assert said.startswith(b"HTTP/1.1 204")
        assert b"content-length" not in said
        assert b"transfer-encoding" not in said
        said = await ask(port, post % (b"POST", b"/unsized", 1))
        assert answers(said) == [(200, b"abc")], "one piece needs no chunks"
        stream = await ask(port, b"GET /stream HTTP/1.0\r\n\r\n")
        assert stream.endswith(b"\r\n\r\npart 0;part 1;part 2;")
        assert b"transfer-encoding" not in stream
        stream = await ask(port, b"GET /stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert stream.endswith(b"7\r\npart 2;\r\n0\r\n\r\n")
        kept = await ask(port, b"GET /ping HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /ping HTTP/1.0\r\n\r\n")
        assert [status for status, _ in answers(kept)] == [200, 200]


async def test_a_body_is_asked_for_where_its_sender_waits_for_that() -> None:
    head = b"POST /%b HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    async with serving() as (port, _, _):

        def wait(path: bytes) -> bytes:
            with connect(port) as sock:
                sock.sendall(head % path)
                first = sock.recv(1_000)
                if first.startswith(b"HTTP/1.1 100 Continue\r\n\r\n"):
                    sock.sendall(b"abc")
                    return first + sock.recv(1_000)
                return first + read_all(sock)

        said = await trio.to_thread.run_sync(wait, b"echo")
        assert said.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200")
        assert said.endswith(b"abc")
        unread = await trio.to_thread.run_sync(wait, b"unread")
        assert status_of(unread) == 200, "nobody asked for the body, so the line ends with the answer"
        assert b"connection: close" in unread
        refused = await ask(port, (head % b"echo").replace(b"100-continue", b"magic"))
        assert (status_of(refused), b"expectation_failed" in refused) == (417, True)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET / HTTP/1.1\nHost: x\n\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + PING, 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"GET /" + b"x" * 20_000, 414),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 5_000, 431),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ],
)
async def test_what_is_no_http_gets_one_answer_that_says_so_and_no_traceback(
    sent: bytes, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """And what follows it is nobody's request."""
    with caplog.at_level(logging.DEBUG):
        async with serving() as (port, _, _):
            said = await ask(port, sent)
            head, _, body = said.partition(b"\r\n\r\n")
            assert status_of(said) == status
            assert b"content-type: application/problem+json" in head
            assert json.loads(body)["status"] == status, "one answer, and nothing after it"
            assert status_of(await ask(port, LAST)) == 200
    assert not [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]


async def test_a_body_that_turns_out_to_be_none_ends_its_line() -> None:
    app = Echo()
    async with serving(app) as (port, _, _):
        sent = b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n" + PING
        said = await ask(port, sent)
    assert said.count(b"HTTP/1.1 200") == 0
    assert app.bodies == []


# ------------------------------------------------------------------------------------------- the application's faults


async def test_a_fault_of_the_application_is_500_and_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(faults, "_logged", {})
    async with serving() as (port, _, _):
        assert status_of(await ask(port, LAST.replace(b"/ping", b"/fail"))) == 500
        assert await ask(port, LAST.replace(b"/ping", b"/silent")) == b"", "an answer that never began"
        assert status_of(await ask(port, LAST)) == 200
    assert any(record.exc_info for record in caplog.records)
    assert any("did not answer" in record.getMessage() for record in caplog.records)


class FastReader(trio.abc.HalfCloseableStream):
    """Takes whatever it is sent at once, as a socket of a reader on the same machine does."""

    def __init__(self) -> None:
        self.taken = bytearray()
        self.wire = bytearray(LAST.replace(b"/ping", b"/large"))

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        self.taken += data

    async def wait_send_all_might_not_block(self) -> None: ...

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        data, self.wire = bytes(self.wire[:max_bytes]), bytearray()
        return data

    async def send_eof(self) -> None: ...

    async def aclose(self) -> None: ...


async def test_a_long_answer_to_a_fast_reader_lets_others_have_their_turn() -> None:
    """Eight megabytes were written in one turn, and were copied four times for that."""
    turns, stream = [0], FastReader()

    async def others() -> None:
        while True:
            turns[0] += 1
            await trio.lowlevel.checkpoint()

    server = Server(Echo(), bounds=ConnectionLimits(), now=time.time)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(others)
        await server.serve(stream, client=("192.0.2.1", 1), own=("192.0.2.2", 2))
        nursery.cancel_scope.cancel()
    assert turns[0] >= 5
    assert stream.taken.endswith(b"\r\n\r\n" + bytes(8 * 1024 * 1024))


async def test_a_fault_in_serving_one_connection_ends_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It ended the whole node."""
    monkeypatch.setattr(faults, "_logged", {})

    async def run(one: connection.Connection) -> None:
        await one._stream.receive_some(65_536)
        raise ExceptionGroup("of a nursery", [KeyError("nobody foresaw this")])

    async with serving() as (port, made, _):
        with monkeypatch.context() as odd:
            odd.setattr(connection.Connection, "run", run)
            for _ in range(3):
                assert await ask(port, LAST) == b""
        assert status_of(await ask(port, LAST)) == 200
        await until(lambda: not made._open)
    (told,) = [record for record in caplog.records if record.getMessage() == "a connection was given up"]
    assert told.exc_info


# -------------------------------------------------------------------------------------- who is slow, greedy or gone


async def test_hundreds_of_half_open_heads_keep_nobody_out(caplog: pytest.LogCaptureFixture) -> None:
    """Four hundred of them once held a node unreachable, with ten tracebacks a second in its log."""
    with caplog.at_level(logging.DEBUG):
        async with serving(connections=100, of_address=1_000) as (port, made, _):
            with lines(port, 400, b"GET / HTTP/1.1\r\nHo"):
                for _ in range(5):
                    assert status_of(await ask(port, LAST)) == 200
                await until(lambda: len(made._open) <= 100)
    assert not [record for record in caplog.records if record.exc_info]
    assert len(caplog.records) < 100, "a line a second, not one for each"


async def test_one_address_takes_its_share_of_connections_and_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        async with serving(of_address=8) as (port, made, _):
            with lines(port, 8, b"GET /hold HTTP/1.1\r\nHost: x\r\n\r\n"):
                await until(lambda: len(made._open) == 8 and not made._waiting)
                refused = await ask(port, b"")
                assert (status_of(refused), json.loads(refused.partition(b"\r\n\r\n")[2])["code"]) == (
                    503,
                    "overloaded",
                )
                assert b"retry-after: " in refused
            await until(lambda: not made._open)
            assert status_of(await ask(port, LAST)) == 200, "they are gone, and counted no more"
    assert not [record for record in caplog.records if record.exc_info]


async def test_half_open_heads_of_ones_own_address_keep_nobody_out_either() -> None:
    """Behind one address may sit a whole university."""
    async with serving(of_address=20) as (port, made, _):
        with lines(port, 60, b"GET / HTTP/1.1\r\nHo"):
            for _ in range(5):
                assert status_of(await ask(port, LAST)) == 200
            await until(lambda: len(made._open) <= 20)


async def test_a_trusted_proxy_brings_as_many_as_there_is_room_for() -> None:
    async with serving(of_address=2, proxies=networks(["127.0.0.0/8"])) as (port, made, _):
        with lines(port, 20, b""):
            await until(lambda: len(made._open) == 20)
            assert status_of(await ask(port, LAST)) == 200


async def test_where_all_are_at_work_a_newcomer_is_told_to_come_back() -> None:
    async with serving(connections=5) as (port, made, _):
        with lines(port, 5, b"GET /hold HTTP/1.1\r\nHost: x\r\n\r\n"):
            await until(lambda: len(made._open) == 5 and not made._waiting)
            assert status_of(await ask(port, b"")) == 503
        await until(lambda: not made._open)
        assert status_of(await ask(port, LAST)) == 200


async def test_half_sent_bodies_take_what_they_may_and_small_ones_still_get_through() -> None:
    """Sixty of them once took 250 MB."""
    held: list[int] = []

    async def keep(scope: Any, receive: Any, send: Any) -> None:
        """Reads a body into memory, as routes do."""
        if scope["path"] != "/echo":
            await Echo()(scope, receive, send)
            return
        body = bytearray()
        number = len(held)
        held.append(0)
        try:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return
                body += message["body"]
                held[number] = len(body)
        finally:
            held[number] = 0

    megabyte = 1024 * 1024
    half = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (4 * megabyte) + bytes(2 * megabyte)
    statement = b"POST /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 9000\r\n\r\n" + bytes(9_000)
    async with serving(keep, body_bytes=16 * megabyte) as (port, made, _):
        with ExitStack() as stack:
            await trio.to_thread.run_sync(lambda: stack.enter_context(lines(port, 30, half)))
            await until(lambda: sum(size > 0 for size in held) == 30 or len(made._open) < 30)
            await trio.sleep(0.3)
            assert sum(held) <= 5 * megabyte, "a quarter of the budget, and the small beginnings"
            assert status_of(await ask(port, statement)) == 200
        await until(lambda: not made._open)
        assert sum(held) == 0
        assert made._bytes == 0, "what was counted is counted back"
        assert not made._bytes_of


async def test_a_reader_that_does_not_read_is_ended_and_its_work_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "WRITE_SECONDS", 0.3)
    async with serving() as (port, made, _):
        with lines(port, 3, b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n"):
            await until(lambda: not made._open)


async def test_who_hangs_up_is_heard_by_whoever_works_for_him() -> None:
    app = Echo()
    async with serving(app) as (port, made, _):
        with lines(port, 10, b"GET /hold HTTP/1.1\r\nHost: x\r\n\r\n"):
            await until(lambda: app.begun == 10)
        with lines(port, 10, b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc"):
            await until(lambda: app.begun == 20)
        with lines(port, 10, b"GET /stream?1 HTTP/1.1\r\nHost: x\r\n\r\n"):
            await until(lambda: app.begun == 30)
        await until(lambda: app.hung_up == 20)
        await until(lambda: not made._open)


async def test_slow_heads_are_ended_and_told_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte by byte as well: the time is that of the whole head."""
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.4)
    async with serving() as (port, made, _):

        def drip() -> bytes:
            with connect(port) as sock, suppress(ConnectionError):
                for byte in LAST[:-1]:
                    sock.sendall(bytes([byte]))
                    time.sleep(0.05)
            with connect(port) as sock:
                sock.sendall(b"GET / HTT")
                return read_all(sock)

        said = await trio.to_thread.run_sync(drip)
        assert (status_of(said), b"request_timeout" in said) == (408, True)
        await until(lambda: not made._open)


async def test_idle_lines_are_ended_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "IDLE_SECONDS", 1.0)
    async with serving() as (port, _, _):
        assert await ask(port, b"") == b""
        assert [status for status, _ in answers(await ask(port, PING))] == [200]


async def test_a_refusal_reaches_whoever_is_still_sending() -> None:
    """Closing at once would reset the line, and the answer would be lost on the way."""
    async with serving() as (port, _, _):
        sent = b"POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n" + bytes(200_000)
        for _ in range(10):
            assert status_of(await ask(port, sent)) == 200


# ---------------------------------------------------------------------------------------------------------- stopping


async def test_stopping_ends_idle_lines_at_once_and_answers_what_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "GRACE_SECONDS", 60.0)
    released = trio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/hold":
            await released.wait()
        await Echo()({**scope, "path": "/ping"}, receive, send)

    async with trio.open_nursery() as nursery, serving(slow) as (port, made, stop):
        said: list[bytes] = []

        async def hold() -> None:
            said.append(await ask(port, b"GET /hold HTTP/1.1\r\nHost: x\r\n\r\n"))

        nursery.start_soon(hold)
        with lines(port, 5, PING) as idle:
            await until(lambda: len(made._open) == 6 and len(made._waiting) == 5)
            stop.set()
            for sock in idle:
                assert status_of(await trio.to_thread.run_sync(read_all, sock)) == 200
            with pytest.raises(ConnectionRefusedError):
                connect(port)
            released.set()
    assert status_of(said[0]) == 200
    assert b"connection: close" in said[0]


async def test_stopping_waits_for_nobody_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "GRACE_SECONDS", 0.3)
    app = Echo()
    with trio.fail_after(PATIENCE):
        async with serving(app) as (port, made, stop):
            with lines(port, 3, b"GET /hold HTTP/1.1\r\nHost: x\r\n\r\n"):
                await until(lambda: app.begun == 3)
                stop.set()
                await until(lambda: not made._open)


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENETUNREACH])
async def test_a_server_without_file_descriptors_waits_for_some(caplog: pytest.LogCaptureFixture, number: int) -> None:
    """Once it logged a traceback for each connection it could not take."""

    class Scarce(trio.abc.Listener[TcpStream]):
        def __init__(self, inner: TcpListener) -> None:
            self.inner, self.failures = inner, 3

        async def accept(self) -> TcpStream:
            if self.failures:
                self.failures -= 1
                raise OSError(number, "Nothing to accept")
            return await self.inner.accept()

        async def aclose(self) -> None:
            await self.inner.aclose()

    listener = TcpListener(socket.create_server(("127.0.0.1", 0)))
    made = Server(Echo(), bounds=ConnectionLimits(), now=time.time)
    with caplog.at_level(logging.DEBUG):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(made.run, Scarce(listener))
            assert status_of(await ask(listener.socket.getsockname()[1], LAST)) == 200
            nursery.cancel_scope.cancel()
    assert not [record for record in caplog.records if record.exc_info]
