"""Carries messages between a node and one of its query workers, over a pair of Unix sockets.

    to a worker      `Beginning`, once; then `News`, every `NEWS_SECONDS`
    from a worker    `Counted`, about once a second; and connections, each with the bytes that were read from it

Each message is a packet of MessagePack, or the descriptor of a connection and its bytes. When one side has ended, for
any reason, the other reads the end of the stream: a worker without a node stops answering.
"""

import array
import socket
from typing import Any, Final

import msgspec
import trio

from accredit.node.telemetry import Answered
from accredit.registry.errors import InputError

NEWS_SECONDS: Final = 0.25
"""Time between two pieces of news: so much later a worker learns that its node's view is too old."""

SILENT_SECONDS: Final = 5.0
"""Time without news after which a worker stops answering, and time without counts after which its node accepts
connections itself. A guess: twenty pieces of news, or a sleeping machine."""

PACKET_BYTES: Final = 128 * 1024
"""Largest packet: the head of a request and the bytes read after it, 80 KiB at most."""


class Beginning(msgspec.Struct, tag=True, frozen=True):
    """The first message to a worker. `settings`: of the node, by name."""

    settings: dict[str, Any]


class News(msgspec.Struct, tag=True, frozen=True):
    """The health of the node. `stale`, `displaced`: as in `node.http.handling.node_ports.Health`."""

    stale: str | None
    displaced: str | None


class AnsweredAlike(msgspec.Struct, frozen=True):
    """Requests with the same route, method and status: `counts` and `seconds` as in `telemetry.AnswerTimes`."""

    method: str
    route: str
    status: int
    counts: list[int]
    seconds: float


class Counted(msgspec.Struct, tag=True, frozen=True):
    """A worker's counts of answers since its last message; the first one is empty and says that the worker answers.

    `tally`: how questions about issuers were answered.
    """

    answers: list[AnsweredAlike]
    verdicts: dict[str, int]
    tally: list[tuple[Answered, int]]


_encode: Final = msgspec.msgpack.Encoder().encode
_news: Final = msgspec.msgpack.Decoder(Beginning | News).decode
_counted: Final = msgspec.msgpack.Decoder(Counted).decode


def pair() -> tuple[socket.socket, socket.socket]:
    """Return the two ends of a line.

    Raises:
        InputError: `no_workers_here`: this system has no such sockets.
    """
    try:
        ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    except OSError as error:
        raise InputError(
            "no_workers_here",
            f"query workers need Unix sockets that keep packets apart, and this system has none ({error}).",
            hint="Set query_workers to 0.",
        ) from error
    for end in ends:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * PACKET_BYTES)
    return ends


class NodeEnd:
    """The node's end of a line.

    Args:
        sock: one of a `pair`.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._socket = sock
        self._sender = _Sender(sock)

    async def tell(self, message: Beginning | News) -> None:
        """Send a message.

        Raises:
            OSError: the other side has ended.
        """
        await self._sender.send(_encode(message))

    async def hear(self) -> "Counted | tuple[socket.socket, bytes] | None":
        """Return the next message; None after the last.

        A connection for which this process has no descriptor left is lost; whoever made it sees its end.

        Raises:
            msgspec.DecodeError: it is not a message of a worker.
        """
        while True:
            try:
                data, descriptors, flags, _ = socket.recv_fds(self._socket, PACKET_BYTES, 1)
            except BlockingIOError:
                await trio.lowlevel.wait_readable(self._socket)
                continue
            except ConnectionResetError:  # it ended before it heard all: told once, ahead of the last it said
                continue
            except OSError:
                return None
            if descriptors:
                return socket.socket(fileno=descriptors[0]), data
            if not flags & socket.MSG_CTRUNC:
                return _counted(data) if data else None
            await trio.lowlevel.checkpoint()

    def close(self) -> None:
        """End the line."""
        if self._socket.fileno() >= 0:
            trio.lowlevel.notify_closing(self._socket)
            self._socket.close()


class WorkerEnd:
    """A worker's end of a line; made outside trio, used inside it.

    Args:
        descriptor: of one socket of a `pair`.
    """

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._sender = _Sender(self._socket)

    def beginning(self) -> Beginning:
        """Wait for the first message and return it.

        Raises:
            EOFError: the node has ended.
        """
        data = self._socket.recv(PACKET_BYTES)
        self._socket.setblocking(False)
        message = _news(data) if data else None
        if not isinstance(message, Beginning):
            raise EOFError("the node has gone")
        return message

    async def hear(self) -> News | None:
        """Return the next piece of news; None after the last."""
        while True:
            try:
                data = self._socket.recv(PACKET_BYTES)
            except BlockingIOError:
                await trio.lowlevel.wait_readable(self._socket)
            except OSError:
                return None
            else:
                message = _news(data) if data else None
                return message if isinstance(message, News) else None

    async def tell(self, message: Counted) -> None:
        """Send the counts of answers.

        Raises:
            OSError: the node has ended.
        """
        await self._sender.send(_encode(message))

    async def pass_on(self, connection: socket.socket, read: bytes) -> None:
        """Pass a connection to the node, with the bytes read from it.

        Raises:
            OSError: the node has ended.
        """
        await self._sender.send(read, connection.fileno())

    def close(self) -> None:
        """End the line."""
        self._socket.close()


class _Sender:
    """Sends packets one after the other. Many connections may be passed on while the other side is busy and its packets
    fill up; two tasks must not wait for room at the
    same time, which trio takes for a fault."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._turn = trio.Lock()

    async def send(self, data: bytes, descriptor: int | None = None) -> None:
        """Send a packet, and a descriptor with it.

        Raises:
            OSError: the other side has ended.
        """
        also = [] if descriptor is None else [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))]
        async with self._turn:
            while True:
                try:
                    self._socket.sendmsg([data], also)
                except BlockingIOError:
                    await trio.lowlevel.wait_writable(self._socket)
                else:
                    return
