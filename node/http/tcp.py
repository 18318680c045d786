"""TCP connections for the server: like trio's streams, without costs that a question does not need.

    listener = TcpListener(sock)            a socket that listens
    stream = await listener.accept()        a `trio.abc.HalfCloseableStream`

`trio.SocketStream` gives other tasks a turn at every send, and guards each call against a concurrent one. An answer of
a kilobyte fits into the kernel's buffer, so this stream sends it at once; other tasks get their turn at the next read,
which waits for the next request. With trio's streams a question costs a third more processor time.

One rule differs from trio's: `send_all` is a checkpoint only if it has to wait. `receive_some` always is one.
"""

import errno
import socket
from typing import Final

import trio

RECEIVE_BYTES: Final = 64 * 1024

_GONE_MEANWHILE: Final = frozenset({errno.ECONNABORTED, errno.EPROTO, errno.EPERM, errno.ENETDOWN, errno.EHOSTUNREACH})
"""Errors of `accept` for a connection that broke before it was accepted; accept(2)."""


class TcpStream(trio.abc.HalfCloseableStream):
    """One connection.

    Args:
        sock: connected.
        begun: bytes already read from it.

    Attributes:
        socket: for its addresses and options.
    """

    def __init__(self, sock: socket.socket, begun: bytes = b"") -> None:
        sock.setblocking(False)
        self.socket = sock
        self._begun = begun

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """See `trio.abc.SendStream`; gives others a turn only where it has to wait."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self.socket.send(rest) :]
            except BlockingIOError:
                await trio.lowlevel.wait_writable(self.socket)
            except OSError as error:
                raise self._told(error) from error

    async def wait_send_all_might_not_block(self) -> None:
        """See `trio.abc.SendStream`."""
        if self.socket.fileno() < 0:
            raise trio.ClosedResourceError
        await trio.lowlevel.wait_writable(self.socket)

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """See `trio.abc.ReceiveStream`."""
        await trio.lowlevel.checkpoint_if_cancelled()
        if self._begun:
            most = max_bytes or RECEIVE_BYTES
            begun, self._begun = self._begun[:most], self._begun[most:]
            await trio.lowlevel.cancel_shielded_checkpoint()
            return begun
        has_waited = False
        while True:
            try:
                data = self.socket.recv(max_bytes or RECEIVE_BYTES)
            except BlockingIOError:
                await trio.lowlevel.wait_readable(self.socket)
                has_waited = True
            except OSError as error:
                raise self._told(error) from error
            else:
                if not has_waited:  # a client that sends without pause must not keep other tasks from their turn
                    await trio.lowlevel.cancel_shielded_checkpoint()
                return data

    def receive_now(self) -> bytes | None:
        """What has come; empty at the end, None where nothing has. It does not wait, and is no checkpoint.

        Raises:
            BrokenResourceError, ClosedResourceError: as of `receive_some`.
        """
        try:
            return self.socket.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return None
        except OSError as error:
            raise self._told(error) from error

    def send_now(self, data: bytes) -> int:
        """How many bytes the kernel has taken at once. It does not wait, and is no checkpoint.

        Raises:
            BrokenResourceError, ClosedResourceError: as of `send_all`.
        """
        try:
            return self.socket.send(data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise self._told(error) from error

    @property
    def has_begun(self) -> bool:
        """Whether something was read of it before that nobody has received yet."""
        return bool(self._begun)

    async def send_eof(self) -> None:
        """See `trio.abc.HalfCloseableStream`."""
        await trio.lowlevel.checkpoint()
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError as error:
            raise self._told(error) from error

    async def aclose(self) -> None:
        """See `trio.abc.AsyncResource`."""
        if self.socket.fileno() >= 0:
            trio.lowlevel.notify_closing(self.socket)
            self.socket.close()
        await trio.lowlevel.checkpoint()

    def _told(self, error: OSError) -> trio.ClosedResourceError | trio.BrokenResourceError:
        """Return the error: closed here, or broken by the other side."""
        if self.socket.fileno() < 0:
            return trio.ClosedResourceError("this connection was closed")
        return trio.BrokenResourceError(f"the connection broke: {error}")


class TcpListener(trio.abc.Listener[TcpStream]):
    """A socket that listens.

    Args:
        sock: bound, and listening.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.socket = sock

    async def accept(self) -> TcpStream:
        """The next connection.

        Raises:
            OSError: the process or the machine has no room for one.
        """
        await trio.lowlevel.checkpoint()
        while True:
            try:
                connected, _ = self.socket.accept()
            except BlockingIOError:
                await trio.lowlevel.wait_readable(self.socket)
            except OSError as error:
                if error.errno not in _GONE_MEANWHILE:
                    raise
            else:
                return TcpStream(connected)

    async def aclose(self) -> None:
        """See `trio.abc.AsyncResource`."""
        if self.socket.fileno() >= 0:
            trio.lowlevel.notify_closing(self.socket)
            self.socket.close()
        await trio.lowlevel.checkpoint()
