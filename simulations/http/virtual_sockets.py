"""Carries streams of bytes between hosts, over the links of `network.Network`, whose faults appear as they do over TCP.

    wires = VirtualWires(nursery, links, timeline.trace)
    wires.listen("n0000.example", serve)                       serve(end): one connection
    client = httpx.AsyncClient(transport=wires.transport("n0001.example"))

* **Delay**: each piece of a stream takes the link's delay; pieces arrive in order, as TCP hands them on.
* **Loss** and **cuts**: a piece that does not arrive is sent again after `RESEND_MS`, twice that, and so on, so a lost
  piece takes longer, and so do all pieces behind it (RFC 6298 §5.5). Nobody is told of a cut; time-outs notice it.
* **A host that goes down**: if its process is killed, its connections are reset. If it loses power, nobody is told, and
  whoever sends to it gets no answer until it is up again and answers with a reset (RFC 9293 §3.5.1).
* **A connection** takes a round trip; a host that is up and does not listen refuses it.

The client side is httpcore's connection pool under httpx, with its own time-outs; the server side is any function of a
`trio.abc.Stream`. It does not simulate windows, congestion or TLS.
"""

import ssl
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import httpcore
import httpx
import trio

from accredit.gossip.protocol.backoff import pause_after
from accredit.node.clients.peer_http import CONNECTIONS
from accredit.simulations.virtual.physics.network import Network
from accredit.simulations.virtual.physics.timeline import Trace

RESEND_MS: Final = 200
"""Time until a piece is sent again for the first time. RFC 6298 asks for 1 s; Linux waits for 200 ms."""

RESEND_MAX_MS: Final = 60_000
"""Longest time between two attempts to send a piece. RFC 6298 §2.5."""

CONNECT_AGAIN_MS: Final = 1_000
"""Time until a connection is asked for again. RFC 6298 §2.1."""

_ASK: Final = 60  # bytes of a segment without content

Serve = Callable[["End"], Awaitable[None]]


class End(trio.abc.HalfCloseableStream):
    """One end of a connection.

    Attributes:
        host, other_host: where it is, and where the other end is; address, other_address: the same as numbers.
        other: the other end.
    """

    other: "End"

    def __init__(self, wires: "VirtualWires", host: str, other_host: str) -> None:
        self._wires = wires
        self.host = host
        self.other_host = other_host
        self.address, self.other_address = wires.address(host), wires.address(other_host)
        self._inbox = bytearray()
        self._arrived: dict[int, bytes] = {}  # pieces that arrived before earlier ones
        self._expected = 0
        self._sent = 0
        self._is_over = False  # the other end has closed its side
        self._has_ended = False  # this end has closed its side
        self._is_broken = False
        self._is_closed = False
        self._is_lost = False  # its host lost power
        self._changed = trio.Event()

    @property
    def is_readable(self) -> bool:
        """Return whether a read would return at once; on an idle connection this means that it has ended."""
        return bool(self._inbox) or self._is_over or self._is_broken

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """See `trio.abc.SendStream`."""
        await trio.lowlevel.checkpoint()
        self._check()
        if self._has_ended:
            raise trio.ClosedResourceError
        if data:
            self._send(bytes(data))

    async def wait_send_all_might_not_block(self) -> None:
        """See `trio.abc.SendStream`."""
        await trio.lowlevel.checkpoint()
        self._check()

    async def send_eof(self) -> None:
        """See `trio.abc.HalfCloseableStream`."""
        await trio.lowlevel.checkpoint()
        self._check()
        self._end()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """See `trio.abc.ReceiveStream`."""
        await trio.lowlevel.checkpoint()
        while True:
            if self._is_closed:
                raise trio.ClosedResourceError
            if self._inbox:
                taken = bytes(self._inbox[:max_bytes])
                del self._inbox[: len(taken)]
                return taken
            if self._is_broken:
                raise trio.BrokenResourceError("connection reset")
            if self._is_over:
                return b""
            await self._changed.wait()

    async def aclose(self) -> None:
        """See `trio.abc.AsyncResource`."""
        if not self._is_closed:
            if not self._is_broken:
                self._end()
            self._is_closed = True
            self._wires.forget(self)
            self._wake()
        await trio.lowlevel.checkpoint()

    def break_off(self) -> None:
        """End at once, because the connection was reset."""
        self._is_broken = True
        self._wires.forget(self)
        self._wake()

    def lose(self, *, is_told: bool) -> None:
        """End, because its host went down. `is_told`: whether the other end is told."""
        if is_told and not self._is_closed:
            self._wires.reset(self.other)
        self._is_lost = True
        self.break_off()

    def arrive(self, number: int, data: bytes) -> None:
        """Take a piece from the other end; an empty one says that no more follow."""
        if self._is_lost and not self._wires.is_up(self.host):
            return
        if self._is_closed or self._is_broken:
            if data:
                self._wires.reset(self.other)
            return
        self._arrived[number] = data
        while (piece := self._arrived.pop(self._expected, None)) is not None:
            self._expected += 1
            self._inbox += piece
            self._is_over = self._is_over or not piece
        self._wake()

    @property
    def is_gone(self) -> bool:
        """Whether this end can no longer send."""
        return self._is_broken

    def _check(self) -> None:
        if self._is_closed:
            raise trio.ClosedResourceError
        if self._is_broken:
            raise trio.BrokenResourceError("connection reset")

    def _end(self) -> None:
        if not self._has_ended:
            self._has_ended = True
            self._send(b"")

    def _send(self, data: bytes) -> None:
        self._wires.carry(self, self._sent, data)
        self._sent += 1

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()


@dataclass(slots=True)
class VirtualWires:
    """All connections between the hosts of a simulation.

    Args:
        nursery: in which pieces travel.
        links: delays, losses, cuts.
        trace: gets a line for each piece that is sent.
    """

    nursery: trio.Nursery
    links: Network
    trace: Trace
    now: Callable[[], int]
    _listeners: dict[str, tuple[trio.Nursery, Serve]] = field(default_factory=dict)
    _ends: dict[str, dict[End, None]] = field(default_factory=dict)
    _addresses: dict[str, tuple[str, int]] = field(default_factory=dict)
    _tls: ssl.SSLContext = field(default_factory=lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))

    def listen(self, host: str, nursery: trio.Nursery, serve: Serve) -> None:
        """Serve connections to a host from now on, each by a task in the host's nursery."""
        self._listeners[host] = nursery, serve

    def is_up(self, host: str) -> bool:
        """Return whether a host answers to segments."""
        return host in self._listeners

    def take_down(self, host: str, *, is_told: bool) -> None:
        """Take a host down. `is_told`: its connections are reset (a killed process); otherwise nobody is told."""
        self._listeners.pop(host, None)
        for end in list(self._ends.pop(host, {})):
            end.lose(is_told=is_told)

    def address(self, host: str) -> tuple[str, int]:
        """Return an address of 198.18.0.0/15 (RFC 2544) for a host, by which the application tells clients apart."""
        number = len(self._addresses)
        return self._addresses.setdefault(host, (f"198.18.{number // 250}.{number % 250 + 1}", 443))

    def transport(self, host: str) -> httpx.AsyncHTTPTransport:
        """Return what carries the requests of one client of a host: httpx's own transport, over these wires.

        The pool is replaced, because it has no public way to be given a network. Idle connections do not expire by
        age, which httpcore would measure with the machine's clock.
        """
        carried = httpx.AsyncHTTPTransport(verify=self._tls, trust_env=False)
        carried._pool = httpcore.AsyncConnectionPool(
            ssl_context=self._tls,
            max_connections=CONNECTIONS,
            max_keepalive_connections=CONNECTIONS,
            keepalive_expiry=None,
            network_backend=_Backend(self, host),
        )
        return carried

    async def connect(self, host: str, target: str) -> End:
        """Connect one host to another; return the near end.

        Raises:
            ConnectionRefusedError: nobody listens there.
        """
        failures = 0
        while not await self._asks(host, target):
            failures += 1
            await trio.sleep(pause_after(failures, CONNECT_AGAIN_MS, RESEND_MAX_MS) / 1_000)
        if target not in self._listeners:
            raise ConnectionRefusedError(f"{target} refuses connections")
        here, there = End(self, host, target), End(self, target, host)
        here.other, there.other = there, here
        for end in (here, there):
            self._ends.setdefault(end.host, {})[end] = None
        nursery, serve = self._listeners[target]
        nursery.start_soon(serve, there)
        return here

    def carry(self, end: End, number: int, data: bytes) -> None:
        """Send a piece on its way."""
        self.trace.note(self.now(), end.host, f"{len(data)} bytes to {end.other_host}")
        self.nursery.start_soon(self._travel, end, number, data)

    def reset(self, end: End) -> None:
        """Tell an end that its connection has ended; the message may get lost."""
        for delay in self.links.carry(end.other_host, end.host, _ASK)[:1]:
            self.nursery.start_soon(self._reset_later, end, delay)

    def forget(self, end: End) -> None:
        """Forget an end that is closed or broken."""
        self._ends.get(end.host, {}).pop(end, None)

    async def _asks(self, host: str, target: str) -> bool:
        """Exchange one segment and its answer; return whether both arrived. A host without power does not answer."""
        for source, sink in ((host, target), (target, host)):
            delays = self.links.carry(source, sink, _ASK)
            if not delays:
                return False
            await trio.sleep(delays[0] / 1_000)
        return True

    async def _travel(self, end: End, number: int, data: bytes) -> None:
        failures = 0
        while not (delays := self.links.carry(end.host, end.other_host, len(data) + _ASK)):
            failures += 1
            await trio.sleep(pause_after(failures, RESEND_MS, RESEND_MAX_MS) / 1_000)
            if end.is_gone:
                return
        await trio.sleep(delays[0] / 1_000)
        end.other.arrive(number, data)

    async def _reset_later(self, end: End, delay: int) -> None:
        await trio.sleep(delay / 1_000)
        end.break_off()


class _Backend(httpcore.AsyncNetworkBackend):
    """The network of one host, in the form that httpcore asks for."""

    def __init__(self, wires: VirtualWires, host: str) -> None:
        self._wires = wires
        self._host = host

    async def connect_tcp(
        self,
        host: str,
        port: int,  # noqa: ARG002
        timeout: float | None = None,
        local_address: str | None = None,  # noqa: ARG002
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> httpcore.AsyncNetworkStream:
        """See `httpcore.AsyncNetworkBackend`."""
        try:
            with trio.fail_after(_seconds(timeout)):
                return _Line(await self._wires.connect(self._host, host))
        except trio.TooSlowError as error:
            raise httpcore.ConnectTimeout(f"{host} does not answer") from error
        except ConnectionRefusedError as error:
            raise httpcore.ConnectError(str(error)) from error

    async def sleep(self, seconds: float) -> None:
        """See `httpcore.AsyncNetworkBackend`."""
        await trio.sleep(seconds)


class _Line(httpcore.AsyncNetworkStream):
    """An end in the form that httpcore asks for; it raises the errors of httpcore's own backends."""

    def __init__(self, end: End) -> None:
        self._end = end

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """See `httpcore.AsyncNetworkStream`."""
        try:
            with trio.fail_after(_seconds(timeout)):
                return await self._end.receive_some(max_bytes)
        except trio.TooSlowError as error:
            raise httpcore.ReadTimeout from error
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise httpcore.ReadError(str(error)) from error

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """See `httpcore.AsyncNetworkStream`."""
        try:
            with trio.fail_after(_seconds(timeout)):
                await self._end.send_all(buffer)
        except trio.TooSlowError as error:
            raise httpcore.WriteTimeout from error
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise httpcore.WriteError(str(error)) from error

    async def aclose(self) -> None:
        """See `httpcore.AsyncNetworkStream`."""
        await self._end.aclose()

    def get_extra_info(self, info: str) -> Any:
        """See `httpcore.AsyncNetworkStream`."""
        return self._end.is_readable if info == "is_readable" else None


def _seconds(timeout: float | None) -> float:
    return float("inf") if timeout is None else timeout
