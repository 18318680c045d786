"""An HTTP/1.1 server for ASGI applications on trio: accepts connections, bounds them, ends them.

    server = Server(app, bounds=Bounds(), now=clock.now)
    await server.run(listener, shutdown=stopping.wait)      a `tcp.TcpListener`, or one with TLS around it

`ConnectionLimits` bounds what one address, and all addresses together, can use:

* **connections in all**: if all are in use, the one that has waited longest for a request is closed for the new one, so
  that a client with silent connections shuts nobody out; if all are at work, the new one gets a 503;
* **connections of one address** (for IPv6, of one /64): the same among its own connections. Trusted proxies, which
  carry requests of many clients, are not counted;
* **bytes of unfinished bodies**, in total and of one address: above the bound, the answer is a 503. The first
  `SMALL_BYTES` of each are free, so that a question or an urgent statement always gets through.

A server that runs out of file descriptors waits for some to be closed. None of these conditions is an error of the
node; each is logged in one line, at most once a second, without a traceback.
"""

import errno
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol, runtime_checkable

import msgspec
import trio

from accredit.node.faults import enduring, outliving
from accredit.node.telemetry import event
from accredit.registry.errors import AccreditError, BusyError

from .connection import HEAD_SECONDS, App, Connection, PreparedRequest, Sharing, http_date
from .forwarded import IpNetwork, is_proxy, share_of
from .http1 import RequestHead, encode_head, parse_head
from .lobby import HAS_LOBBY, Lobby
from .problems import MEDIA_TYPE, RETRY_AFTER_SECONDS, problem_of
from .tcp import TcpStream

GRACE_SECONDS: Final = 5.0
"""Seconds for answers under way when the node stops; a submission waits for one tick, 1 s."""

SWEEP_SECONDS: Final = 0.5
"""Seconds between two checks for late connections; a wait may be longer than its limit by so much."""

SMALL_BYTES: Final = 16 * 1024
"""The bytes of each body outside the budget: one statement, or a question."""

PREPARED: Final = 256
"""Heads of requests that are remembered with what answers them, and `PREPARED_BYTES` of each: 1 MiB together."""

PREPARED_BYTES: Final = 2 * 1024

SPARE_DESCRIPTORS: Final = 64
"""File descriptors that connections leave to the node: its database, its own requests to peers."""

FEW: Final = 8
"""Connections that a process has before it leaves the next one to the others that accept on the same socket."""

MODESTY_SECONDS: Final = 0.001
"""Between two that it accepts then: else one takes all of many that are opened at once, and the others are idle."""

_PAUSE_SECONDS: Final = 0.1  # until a listener that had no descriptor left tries again
_SCARCE: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})
_NO_LISTENER: Final = frozenset({errno.EBADF, errno.EINVAL, errno.ENOTSOCK})  # accept(2): nothing listens any more

_log = logging.getLogger(__name__)


@runtime_checkable
class AnswersAtOnce(Protocol):
    """An application that can say of a head what answers such requests at once (`app.Application.prepared`)."""

    def prepared(self, head: RequestHead) -> Callable[[bytes], tuple[bytes, bytes] | None] | None:
        """Return what answers them, as `PreparedRequest.answer`; None: they take the long way."""
        ...

    def begin_turn(self) -> None:
        """Look at everything anew: what is answered next was asked before this."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """The limits of connections.

    Attributes:
        connections: at a time, in all. of_address: of one address.
        body_bytes: of unfinished bodies, in all; one address may take a quarter.
        proxies: networks whose connections are not counted by address.
    """

    connections: int = 1_000
    of_address: int = 250
    body_bytes: int = 64 * 1024 * 1024
    proxies: Sequence[IpNetwork] = ()


class Server:
    """See the module.

    Args:
        app: the ASGI application.
        now: seconds since 1970, for `Date`.
        sharing: how it shares requests with other processes; None: it answers all.
        is_one_of_many: whether other processes accept on the same socket.

    Attributes:
        is_stopping: whether connections end after the answer under way.
        lobby: where connections wait; None where there is none, and while the server does not run.
    """

    def __init__(
        self,
        app: App,
        *,
        bounds: ConnectionLimits,
        now: Callable[[], float],
        sharing: Sharing | None = None,
        is_one_of_many: bool = False,
    ) -> None:
        self.app = app
        self.sharing = sharing
        self.is_stopping = False
        self._is_one_of_many = is_one_of_many
        self._bounds = bounds
        self._now = now
        self._open: dict[Connection, str] = {}
        self._waiting: dict[Connection, None] = {}  # connections that wait for a request, the longest-waiting first
        self._of_address: Counter[str] = Counter()
        self._bytes = 0
        self._bytes_of: Counter[str] = Counter()
        self._date = (0, b"")
        self.lobby: Lobby | None = None
        self._prompt = app if isinstance(app, AnswersAtOnce) else None
        self._prepared: dict[bytes, PreparedRequest | None] = {}
        self._told_at = float("-inf")

    async def run(
        self, listener: trio.abc.Listener[Any], *, shutdown: Callable[[], Awaitable[None]] = trio.sleep_forever
    ) -> None:
        """Serves until `shutdown` returns; answers what is being asked then, for at most `GRACE_SECONDS`."""
        with Lobby() if HAS_LOBBY else nullcontext() as self.lobby:
            await self._run(listener, shutdown)

    async def _run(self, listener: trio.abc.Listener[Any], shutdown: Callable[[], Awaitable[None]]) -> None:
        async with trio.open_nursery() as nursery, listener:
            sweeping = trio.CancelScope()
            nursery.start_soon(self._look_after, sweeping)
            async with trio.open_nursery() as accepting:
                accepting.start_soon(self._accept, listener, nursery)
                await shutdown()
                accepting.cancel_scope.cancel()
            await listener.aclose()
            self.stop()
            nursery.cancel_scope.deadline = trio.current_time() + GRACE_SECONDS
            while self._open:  # slow connections are still swept
                await trio.sleep(_PAUSE_SECONDS)
            sweeping.cancel()

    async def _look_after(self, scope: trio.CancelScope) -> None:
        """Serve waiting connections, and close late ones."""
        with scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(enduring, _log, "the watch over slow connections", self.sweep)
                if self.lobby is not None:
                    begin = () if self._prompt is None else (self._prompt.begin_turn,)
                    nursery.start_soon(
                        enduring, _log, "the watch over waiting connections", partial(self.lobby.run, *begin)
                    )

    async def sweep(self) -> None:
        """Close late connections, for as long as the server runs."""
        while True:
            await trio.sleep(SWEEP_SECONDS)
            now = trio.current_time()
            for connection in [each for each in self._open if each.due <= now]:
                connection.abort()

    def stop(self) -> None:
        """Ends connections that wait for a request now, others after their answer."""
        self.is_stopping = True
        for connection in [*self._open]:
            connection.end()

    async def serve(self, stream: trio.abc.Stream, *, client: tuple[str, int], own: tuple[str, int]) -> None:
        """Serves one connection, if there is room; closes it."""
        scheme = "https" if isinstance(stream, trio.SSLStream) else "http"
        address = "" if is_proxy(client[0], self._bounds.proxies) else share_of(client[0])
        refusal = self._refusal(address)
        if refusal is not None:
            await self._turn_away(stream, refusal)
            return
        connection = Connection(stream, self, client=client, own=own, scheme=scheme, share=address)
        self._open[connection] = address
        self._of_address[address] += 1
        try:
            if isinstance(stream, trio.SSLStream):
                with trio.fail_after(HEAD_SECONDS):
                    await stream.do_handshake()
            await connection.run()
        except (trio.BrokenResourceError, trio.TooSlowError, ssl.SSLError):
            pass  # no TLS, or none that we speak
        finally:
            del self._open[connection]
            self._waiting.pop(connection, None)
            self._of_address[address] -= 1
            if not self._of_address[address]:
                del self._of_address[address]
            with trio.CancelScope(shield=True, deadline=trio.current_time() + 1.0), suppress(trio.BrokenResourceError):
                await trio.aclose_forcefully(stream)

    # --------------------------------------------------------------------------------- what connections ask of it

    def waits(self, connection: Connection) -> None:
        """Take note that it waits for a request; it may be closed for a new one, after those that already wait."""
        self._waiting[connection] = None

    def works(self, connection: Connection) -> None:
        """It has one."""
        self._waiting.pop(connection, None)

    def prepared(self, head: bytes) -> PreparedRequest | None:
        """What answers requests of this head at once; remembered, for a client sends the same again and again."""
        if self._prompt is None or len(head) > PREPARED_BYTES or not head.startswith(b"POST "):
            return None
        if head in self._prepared:
            return self._prepared[head]
        try:
            parsed = parse_head(head)
        except AccreditError:
            return None  # whoever reads it next says so
        answer = self._prompt.prepared(parsed)
        is_small = parsed.length is not None and parsed.length <= SMALL_BYTES
        found = PreparedRequest(parsed, parsed.length or 0, answer) if answer is not None and is_small else None
        if len(self._prepared) == PREPARED:
            self._prepared.clear()
        self._prepared[head] = found
        return found

    def charge(self, share: str, so_far: int, size: int) -> None:
        """Counts `size` more bytes of a body of which `so_far` have come with them.

        Raises:
            BusyError: more are held than there is room for (`overloaded`).
        """
        if so_far <= SMALL_BYTES:
            return
        counted = min(size, so_far - SMALL_BYTES)
        self._bytes += counted
        self._bytes_of[share] += counted
        if self._bytes > self._bounds.body_bytes or (share and self._bytes_of[share] > self._bounds.body_bytes // 4):
            raise BusyError("overloaded", "this node holds too many unfinished requests.", hint="Send it again later.")

    def release(self, share: str, so_far: int) -> None:
        """The request whose body had so many bytes is over."""
        if so_far > SMALL_BYTES:
            self._bytes -= so_far - SMALL_BYTES
            self._bytes_of[share] -= so_far - SMALL_BYTES
            if not self._bytes_of[share]:
                del self._bytes_of[share]

    def date(self) -> bytes:
        """Now, as RFC 9110 §6.6.1 asks for."""
        now = int(self._now())
        if now != self._date[0]:
            self._date = (now, http_date(now))
        return self._date[1]

    # ------------------------------------------------------------------------------------------------- accepting

    async def _accept(self, listener: trio.abc.Listener[Any], nursery: trio.Nursery) -> None:
        while True:
            try:
                stream = await listener.accept()
            except OSError as error:
                if error.errno in _NO_LISTENER:
                    raise
                if error.errno in _SCARCE:
                    self._tell("no file descriptor left for a connection", connections=len(self._open))
                    self._make_room()
                else:
                    self._tell("a connection could not be accepted", reason=str(error))
                await trio.sleep(_PAUSE_SECONDS)
                continue
            nursery.start_soon(self._converse, stream)
            if self._is_one_of_many and len(self._open) >= FEW:
                await trio.sleep(MODESTY_SECONDS)

    async def _converse(self, stream: trio.abc.Stream) -> None:
        """Serve one connection; whatever goes wrong with it ends no other."""
        with outliving(_log, "a connection was given up"):
            await self._serve_socket(stream)

    async def _serve_socket(self, stream: trio.abc.Stream) -> None:
        transport = stream.transport_stream if isinstance(stream, trio.SSLStream) else stream
        assert isinstance(transport, TcpStream)
        sock = transport.socket
        try:
            client, own = sock.getpeername(), sock.getsockname()
            if sock.family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:  # it is gone already
            await trio.aclose_forcefully(stream)
            return
        await self.serve(stream, client=_address(client), own=_address(own))

    def _refusal(self, address: str) -> BusyError | None:
        """Return why there is no room for another connection from `address`; make room if possible."""
        hint = "Close connections you do not need, or ask again in a moment."
        is_full = bool(address) and self._of_address[address] >= self._bounds.of_address
        if is_full and not self._make_room(address):
            return BusyError(
                "overloaded", f"{address} has {self._bounds.of_address} open connections, the maximum.", hint=hint
            )
        if len(self._open) >= self._bounds.connections and not self._make_room():
            return BusyError("overloaded", f"all {self._bounds.connections} connections are busy.", hint=hint)
        return None

    def _make_room(self, address: str | None = None) -> bool:
        """Ends the connection, of an address, that has waited longest for a request; False where none waits."""
        oldest = next((each for each in self._waiting if address is None or self._open[each] == address), None)
        if oldest is None:
            return False
        self._tell("a waiting connection made room for another", connections=len(self._open))
        self.works(oldest)  # once is enough
        oldest.give_way()
        return True

    async def _turn_away(self, stream: trio.abc.Stream, error: BusyError) -> None:
        self._tell("connection turned away", reason=error.message)
        problem = problem_of(error)
        body = msgspec.json.encode(problem)
        head = encode_head(
            problem.status,
            [
                (b"content-type", MEDIA_TYPE.encode()),
                (b"content-length", b"%d" % len(body)),
                (b"retry-after", b"%d" % RETRY_AFTER_SECONDS[problem.status]),
                (b"connection", b"close"),
                (b"date", self.date()),
            ],
        )
        with trio.move_on_after(1.0), suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            if not isinstance(stream, trio.SSLStream):  # a handshake before a refusal would cost work under a flood
                await stream.send_all(head + body)
        await trio.aclose_forcefully(stream)

    def _tell(self, what: str, **facts: Any) -> None:
        now = trio.current_time()
        if now - self._told_at >= 1.0:
            self._told_at = now
            event(_log, logging.WARNING, what, **facts)


def _address(name: Any) -> tuple[str, int]:
    """Address and port of a socket's name; a Unix socket has none."""
    return (name[0], name[1]) if isinstance(name, tuple) else ("", 0)
