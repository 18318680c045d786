"""Serves one connection: reads requests, passes each to the ASGI application, and sends answers in order (RFC 9112
§9.3).

    await Connection(stream, server, client=("192.0.2.1", 40000), own=("192.0.2.2", 8080), scheme="http").run()

The application runs in the connection's own task and asks for the body piece by piece, so that no bytes are kept before
they are needed. When the other side goes away, the application receives `http.disconnect`. If it continues to send, it
is cancelled without a log entry, because hanging up is allowed.

Slow connections are ended: a head has `HEAD_SECONDS` from its first byte, each piece of a body `BODY_SECONDS`, the
pause between requests `IDLE_SECONDS`, each 64 KiB of an answer `WRITE_SECONDS`. The application limits the time for a
whole body (`handling.request_reading`). Bytes that are not HTTP get one answer that says so, and the connection ends,
because nobody knows where the next request would begin.
"""

import logging
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from functools import partial
from typing import Any, Final, NamedTuple, Protocol

import msgspec
import trio

from accredit.node.faults import tell
from accredit.node.telemetry import event
from accredit.registry.errors import AccreditError, InputError

from .http1 import Headers, RequestBody, RequestHead, encode_head, head_end, parse_head
from .lobby import Lobby
from .problems import MEDIA_TYPE, RETRY_AFTER_SECONDS, problem_of
from .tcp import TcpStream

READ_BYTES: Final = 64 * 1024
"""The most bytes read from the socket at once, and kept unread."""

WRITE_BYTES: Final = 64 * 1024
"""The bytes of an answer given to the socket at once; each piece has its own time."""

TURN_BYTES: Final = 16 * WRITE_BYTES
"""The bytes of an answer written before others have their turn: some 1 ms."""

HEAD_SECONDS: Final = 15.0
"""Time for a whole head. A guess; nginx allows 60 s."""

BODY_SECONDS: Final = 30.0
"""Time until the next piece of a body. The application limits the time for a whole body; one that is answered at once
has so long in all."""

IDLE_SECONDS: Final = 75.0
"""Longer than peers and proxies pause between requests (nginx: 60 s), so that they close first."""

WRITE_SECONDS: Final = 30.0
"""Time for the client to take 64 KiB of an answer: 2 KB/s. A guess."""

LINGER_SECONDS: Final = 2.0
"""Time to read bytes still under way after a last answer; otherwise a reset overtakes the answer (RFC 9112 §9.6)."""

LINGER_BYTES: Final = 256 * 1024

_NEVER: Final = float("inf")
_NO_BODY: Final = frozenset({204, 304})  # RFC 9110 §6.4.1
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

_log = logging.getLogger(__name__)

App = Callable[[Any, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]


class Sharing(Protocol):
    """Decides which of several processes on one socket answers a request."""

    def is_ours(self, head: RequestHead) -> bool:
        """Return whether this process answers such a request."""
        ...

    async def pass_on(self, stream: trio.abc.Stream, read: bytes) -> bool:
        """Give the connection to the process that does, with the bytes read since the last answer.

        Returns:
            Whether it was passed on; if not, this process answers, and the connection then ends.

        Raises:
            trio.BrokenResourceError: it could not be passed on, and must be closed.
        """
        ...


class PreparedRequest(NamedTuple):
    """Requests of one head that are answered as soon as their bodies have come.

    Attributes:
        answer: from a body to the answer: its head up to the length of its body, each line ended, and the body. None
            where this one takes more than that.
    """

    head: RequestHead
    size: int
    answer: Callable[[bytes], tuple[bytes, bytes] | None]


class ConnectionOwner(Protocol):
    """The interface of the server to which a connection belongs (`server.Server`)."""

    app: App
    is_stopping: bool
    sharing: Sharing | None
    lobby: Lobby | None

    def prepared(self, head: bytes) -> PreparedRequest | None:
        """Return what answers requests of this head at once; None: they take the long way."""
        ...

    def waits(self, connection: "Connection") -> None:
        """It waits for a request."""
        ...

    def works(self, connection: "Connection") -> None:
        """It has one."""
        ...

    def charge(self, share: str, so_far: int, size: int) -> None:
        """Count `size` more bytes of a body; BusyError if there is no room for them."""
        ...

    def release(self, share: str, so_far: int) -> None:
        """Forget the bytes of a body that is over."""
        ...

    def date(self) -> bytes:
        """Return the time for a `Date` field."""
        ...


class Connection:
    """See the module.

    Args:
        stream: a `tcp.TcpStream`, one with TLS around it, or any `trio.abc.Stream`.
        server: its owner: application, budget of bytes, whether it is stopping.
        client, own: address and port of either side.
        share: the name under which its bytes are counted; empty: they are not counted by client.

    Attributes:
        due: when the other side must have acted, on trio's clock; the server checks this (`Server.sweep`). A cancel
            scope's deadline would be exact, but setting it five times a request costs as much as parsing one.
    """

    def __init__(
        self,
        stream: trio.abc.Stream,
        server: ConnectionOwner,
        *,
        client: tuple[str, int],
        own: tuple[str, int],
        scheme: str,
        share: str,
    ) -> None:
        self._stream = stream
        self._server = server
        self._share = share
        self._client = client
        self._own = own
        self._scheme = scheme
        self._buffer = bytearray()
        self._head_read = b""
        self._scope = trio.CancelScope()
        self.due = _NEVER
        self._is_reading_head = False
        self._is_reading_body = False
        self._is_over = False  # the other side sends no more
        self._is_last = False  # no request follows on this connection
        self._has_given_way = False
        self._is_brief = True  # what was asked last was answered at once, or nothing was asked yet
        self._unsent = b""  # of an answer that the other side was too slow for
        self._begin(None)

    async def run(self) -> None:
        """Serves the connection until either side ends it; closes it."""
        try:
            with self._scope:
                await self._requests()
            if self._scope.cancelled_caught and self._is_late():
                with trio.move_on_after(LINGER_SECONDS):
                    await self._refuse(
                        InputError(
                            "request_timeout", "the request did not arrive in time.", hint="Send the request faster."
                        )
                    )
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # reset by the other side
        finally:
            with trio.move_on_after(LINGER_SECONDS, shield=True):
                await self._stream.aclose()

    def _is_late(self) -> bool:
        """Return whether to tell the other side that it was too slow."""
        if self._server.is_stopping or self._is_over or self._has_given_way:
            return False
        return bool(self._buffer) if self._is_reading_head else self._is_reading_body and not self._has_started

    def end(self) -> None:
        """Ends the connection, now if it waits for a request, else after the answer under way."""
        self._is_last = True
        if self._is_reading_head:
            self._scope.cancel()

    def give_way(self) -> None:
        """Close the connection without an answer, which would take the room needed for another connection."""
        self._has_given_way = True
        self._scope.cancel()

    def abort(self) -> None:
        """Ends the connection, whatever it is doing."""
        self._scope.cancel()

    # ------------------------------------------------------------------------------------------------ requests

    async def _requests(self) -> None:
        while not self._is_last:
            try:
                head = await self._read_head()
            except AccreditError as error:
                await self._refuse(error)
                return
            if head is None:
                return
            sharing = self._server.sharing
            if sharing is not None and not sharing.is_ours(head):
                if await sharing.pass_on(self._stream, self._head_read + self._buffer):
                    return
                self._is_last = True
            await self._answer(head)
            if self._buffer:  # 64 KiB hold a thousand requests, and others have their turn between any two of them
                await trio.lowlevel.checkpoint()
        if self._is_dirty:
            await self._linger()

    async def _read_head(self) -> RequestHead | None:
        """Return the next head; None if the other side closed the connection before it."""
        buffer = self._buffer
        scanned = 0
        self._is_reading_head = True
        self._server.waits(self)
        self.due = trio.current_time() + (HEAD_SECONDS if buffer else IDLE_SECONDS)
        lobby = self._server.lobby
        if lobby is not None and not buffer and self._is_brief:
            await self._answer_at_once(lobby)
            if self._is_last:  # the server began to stop while the last answer was on its way
                return None
        while True:
            if buffer and (end := head_end(buffer, scanned)) >= 0:
                break
            is_first = not buffer
            scanned = len(buffer)
            if not await self._read():
                return None
            if is_first:
                self.due = trio.current_time() + HEAD_SECONDS
        self._is_reading_head = False
        self._server.works(self)
        self.due = _NEVER
        data = bytes(buffer[:end])
        del buffer[:end]
        self._head_read = data
        self._is_brief = lobby is not None and self._server.prepared(data) is not None
        return parse_head(data)

    async def _answer_at_once(self, lobby: Lobby) -> None:
        """Answers requests that take nothing but their bytes, until another comes: it is in the buffer then."""
        stream = self._stream
        if not isinstance(stream, TcpStream) or stream.has_begun:
            return
        while not (self._buffer or self._is_over):
            await lobby.wait(stream.socket, partial(self._hear, stream))
            if self._unsent:
                await self._write(self._unsent)
                self._unsent = b""
                if self._is_last:
                    return
                self._wait()
        self._wait()

    def _wait(self) -> None:
        """From now on it waits for a request, behind all others that do."""
        self._is_reading_head, self._is_reading_body = True, False
        self._server.works(self)
        self._server.waits(self)
        self.due = trio.current_time() + (HEAD_SECONDS if self._buffer else IDLE_SECONDS)

    def _hear(self, stream: TcpStream) -> bool:
        """Reads what has come, and answers it if that can be done at once; whether to wait for more."""
        try:
            data = stream.receive_now()
            if data is None:
                return True
            if not data:
                self._is_over = True
                return False
            if self._buffer:
                data = bytes(self._buffer) + data
                self._buffer.clear()
            answer = self._at_once(data)
            if answer is None:
                self._buffer += data
                return self._is_reading_body  # the rest of it may follow: clients send head and body by themselves
            self._wait()
            sent = stream.send_now(answer)
        except trio.BrokenResourceError:
            self._is_over = True
            return False
        if sent == len(answer):
            return True
        self._is_reading_head = False
        self._server.works(self)
        self._unsent = answer[sent:]
        return False

    def _at_once(self, data: bytes) -> bytes | None:
        """The answer to one whole request; None where it is not one, or not one for here and now.

        Where only its body is not there yet, `_is_reading_body` is set.
        """
        server = self._server
        has_begun, self._is_reading_body = self._is_reading_body, False
        end = data.find(b"\r\n\r\n") + 4
        prepared = server.prepared(data[:end]) if end >= 4 and not server.is_stopping else None
        if prepared is None or (server.sharing is not None and not server.sharing.is_ours(prepared.head)):
            return None
        missing = end + prepared.size - len(data)
        if missing:
            if missing > 0:
                self._is_reading_head, self._is_reading_body, self._has_started = False, True, False
                server.works(self)
                if not has_begun:  # nobody else limits the time for the whole of it
                    self.due = trio.current_time() + BODY_SECONDS
            return None
        try:
            answered = prepared.answer(data[end:])
        except Exception as error:  # the long way, on which it most likely fails as well, answers that
            tell(_log, "the application failed at once", error, path=prepared.head.path[:200])
            return None
        if answered is None:
            return None
        fields, body = answered
        return b"%bcontent-length: %d\r\ndate: %b\r\n\r\n%b" % (fields, len(body), server.date(), body)

    async def _read(self) -> bool:
        """More bytes into the buffer; False once there will be none."""
        if self._is_over:
            return False
        try:
            data = await self._stream.receive_some(READ_BYTES)
        except trio.BrokenResourceError:
            data = b""
        if not data:
            self._is_over = True
            return False
        self._buffer += data
        return True

    # --------------------------------------------------------------------------------- one request and its answer

    def _begin(self, head: RequestHead | None) -> None:
        """Set up the state of the request under way."""
        self._head = head
        self._body = RequestBody(0 if head is None else head.length)
        self._has_told_body = False
        self._start: dict[str, Any] | None = None
        self._has_started = False
        self._has_finished = False
        self._must_continue = head is not None and head.is_awaiting
        self._is_chunked = False
        self._is_bodiless = False
        self._left: int | None = None
        self._charged = 0
        self._is_dirty = False  # bytes of the request are, or may be, on their way still

    async def _answer(self, head: RequestHead) -> None:
        self._begin(head)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": head.version,
            "method": head.method,
            "scheme": self._scheme,
            "path": head.path,
            "raw_path": head.raw_path,
            "query_string": head.query,
            "root_path": "",
            "headers": head.headers,
            "client": self._client,
            "server": self._own,
        }
        try:
            await self._server.app(scope, self.receive, self.send)
        except Exception as error:
            tell(_log, "the application failed", error, path=head.path[:200])
            self._is_last = True
            if not self._has_started:
                await self._write(encode_head(500, [(b"content-length", b"0"), (b"connection", b"close")]))
            return
        finally:
            self._server.release(self._share, self._charged)
        if not self._has_finished:  # an answer that breaks off must not look complete
            self._is_last = True
            if not self._has_started:
                event(_log, logging.ERROR, "the application did not answer", path=head.path[:200])

    async def receive(self) -> dict[str, Any]:
        """See ASGI: a piece of the body; once it has been told, `http.disconnect` when there is nobody to answer.

        Raises:
            DecodeError: the body is malformed.
            BusyError: the node holds too many unfinished bodies already.
        """
        if self._body.is_done and not self._has_told_body:
            self._has_told_body = True
            return {"type": "http.request", "body": b"", "more_body": False}
        if not self._body.is_done:
            return await self._receive_body()
        while not self._has_finished and len(self._buffer) < READ_BYTES:
            if not await self._read():
                return {"type": "http.disconnect"}
        if self._has_finished:
            await trio.lowlevel.checkpoint()
            return {"type": "http.disconnect"}
        await trio.sleep_forever()  # more requests wait, so the other side is still there
        raise AssertionError("sleeps for ever")

    async def _receive_body(self) -> dict[str, Any]:
        while True:
            try:
                piece = self._body.feed(self._buffer)
            except InputError:
                self._is_over = True  # the next bytes have no known meaning
                if self._has_started:
                    return {"type": "http.disconnect"}
                raise
            if piece or self._body.is_done:
                if self._buffer:  # it may hold many more small chunks
                    await trio.lowlevel.checkpoint()
                break
            if self._must_continue and not self._has_started:
                self._must_continue = False
                await self._write(_CONTINUE)
            self.due = trio.current_time() + BODY_SECONDS
            self._is_reading_body = True
            if not await self._read():
                return {"type": "http.disconnect"}
            self._is_reading_body = False
            self.due = _NEVER
        self._charged += len(piece)
        self._server.charge(self._share, self._charged, len(piece))
        self._has_told_body = self._body.is_done
        return {"type": "http.request", "body": piece, "more_body": not self._body.is_done}

    async def send(self, message: Any) -> None:
        """See ASGI. If the other side is gone, the application is cancelled."""
        if message["type"] == "http.response.start":
            assert self._start is None, "an answer must begin only once"
            self._start = message
            return
        assert message["type"] == "http.response.body"
        assert self._start is not None
        assert not self._has_finished, "the answer has already ended"
        body, is_more = message.get("body", b""), message.get("more_body", False)
        data = b"" if self._has_started else self._encoded_head(len(body), is_more=is_more)
        self._has_started = True
        if self._left is not None:
            assert len(body) <= self._left, "an answer must be as long as it declares"
            self._left -= len(body)
        if self._is_chunked:
            data += b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            data += b"" if is_more else b"0\r\n\r\n"
            body = b""
        elif self._left is None and self._is_bodiless:
            body = b""
        self._has_finished = not is_more and not self._left
        if len(body) <= WRITE_BYTES:
            await self._write(data + body)
        else:  # it is not copied, because it may be long
            await self._write(data)
            await self._write(body)

    def _encoded_head(self, size: int, *, is_more: bool) -> bytes:
        """Head of the answer, and how its body will be delimited (RFC 9112 §6)."""
        assert self._start is not None
        assert self._head is not None
        status, headers = self._start["status"], list(self._start["headers"])
        self._is_bodiless = self._head.method == "HEAD" or status in _NO_BODY
        length = next((value for name, value in headers if name == b"content-length"), None)
        if self._is_bodiless:
            pass
        elif length is not None:
            self._left = int(length)
        elif not is_more:
            headers.append((b"content-length", b"%d" % size))
            self._left = size
        elif self._head.version == "1.1":
            headers.append((b"transfer-encoding", b"chunked"))
            self._is_chunked = True
        else:
            self._is_last = True  # HTTP/1.0: the end of the connection is that of the answer
        self._is_dirty = not self._body.is_done
        if not self._head.is_kept or self._is_dirty or self._is_over or self._server.is_stopping:
            self._is_last = True
        if self._is_last:
            headers.append((b"connection", b"close"))
        elif self._head.version == "1.0":
            headers.append((b"connection", b"keep-alive"))
        headers.append((b"date", self._server.date()))
        return encode_head(status, headers)

    # --------------------------------------------------------------------------------------------------- output

    async def _write(self, data: bytes) -> None:
        try:
            if len(data) <= WRITE_BYTES:
                self.due = trio.current_time() + WRITE_SECONDS
                await self._stream.send_all(data)
            else:
                for at in range(0, len(data), WRITE_BYTES):
                    if at and not at % TURN_BYTES:  # a fast reader never makes the stream wait
                        await trio.lowlevel.checkpoint()
                    self.due = trio.current_time() + WRITE_SECONDS
                    await self._stream.send_all(data[at : at + WRITE_BYTES])
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self._is_over = self._is_last = True
            self._scope.cancel()
            await trio.lowlevel.checkpoint()
        self.due = _NEVER

    async def _refuse(self, error: AccreditError) -> None:
        """Send the last answer: the request cannot be passed to the application."""
        problem = problem_of(error)
        body = msgspec.json.encode(problem)
        headers: Headers = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
            (b"date", self._server.date()),
        ]
        if problem.status in RETRY_AFTER_SECONDS:
            headers.append((b"retry-after", b"%d" % RETRY_AFTER_SECONDS[problem.status]))
        await self._write(encode_head(problem.status, headers) + body)
        await self._linger()

    async def _linger(self) -> None:
        """Close this side, and read on for a moment."""
        with trio.move_on_after(LINGER_SECONDS):
            if isinstance(self._stream, trio.abc.HalfCloseableStream):
                await self._stream.send_eof()
            taken = len(self._buffer)
            while taken < LINGER_BYTES and (data := await self._stream.receive_some(READ_BYTES)):
                taken += len(data)


def http_date(seconds: float) -> bytes:
    """A moment as RFC 9110 §5.6.7 writes it."""
    return formatdate(seconds, usegmt=True).encode()
