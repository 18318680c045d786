"""HTTP to other nodes: sends frames, and fetches the public files of a log.

    peers = Peers(timeout_seconds=10.0)
    status, answer = await peers.post("node2", "https://node2.example.org/gossip", frame, max_bytes=1_048_576)
    checkpoint = await peers.get("node2", "https://node2.example.org/log/checkpoint", max_bytes=65_536)

* Each peer has at most two connections, so that a stalled one does not delay the other, and a third for polls, which it
  holds for long. Connections to the peers asked last are kept for further requests.
* **Lent, not shared.** Each connection is an httpx client of its own, lent to one request at a time. If a request ends
  before its answer was read (by an error, a deadline, or a cancelled caller), that client ends too. A pool shared by
  requests does not survive cancellation: httpcore 1.0 never frees the connection, and there are only two.
* Every request is bounded: the time for the head, the time for the body, and the size of the body, so that no peer can
  send one byte a minute. Bodies are accepted uncompressed only, so that a small one stays small.
* Proxy variables of the environment are ignored (they would apply to loopback too); only an explicit setting uses a
  proxy.
* Redirects are not followed, because a node's record has its URL.

It does not retry, back off, or judge answers (`gossip` does).
"""

import ssl
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from types import MappingProxyType
from typing import Final

import httpx
import trio

from accredit.registry.errors import RemoteError

from .outgoing import NOTHING_SET, Outgoing

CONNECTIONS: Final = 2
"""Connections to one peer: one for urgent frames, one for the rest (`gossip.peer`)."""

POLLS: Final = 1
"""Connections to one peer for slow answers."""

LINES: Final = 128
"""Peers whose connections are kept at the same time, without polls. A guess: enough for the mesh and the
`acquaintances` of `gossip.config`."""

KEPT_SECONDS: Final = 60.0
"""How long an idle connection is used again. Less than a node's patience with it (`serve.KEEP_ALIVE_SECONDS`, 75)."""

CLOSE_SECONDS: Final = 1.0
"""Time to close a connection in good order. A guess."""

MEDIA_TYPE: Final = "application/cose"
NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


class Peers:
    """Connections to other nodes, made as they are needed.

    Args:
        timeout_seconds: for an answer to begin, connecting included, and for its body.
        outgoing: a private certificate authority, a proxy, an address to call from.
        tls: certificates to trust; by default the public ones and those that `outgoing` names.
        transport: makes the transport of one client; by default TCP. The simulator has its own.
    """

    def __init__(
        self,
        *,
        timeout_seconds: float = 10.0,
        outgoing: Outgoing = NOTHING_SET,
        tls: ssl.SSLContext | None = None,
        transport: Callable[[], httpx.AsyncBaseTransport] | None = None,
    ) -> None:
        self._timeout = timeout_seconds
        self._outgoing = outgoing
        self._tls = tls
        self._transport = transport
        self._lines: OrderedDict[tuple[str, bool], _Line] = OrderedDict()

    async def post(
        self,
        peer: str,
        url: str,
        data: bytes,
        *,
        max_bytes: int,
        media_type: str = MEDIA_TYPE,
        seconds: float = 0.0,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> tuple[int, bytes]:
        """Post a frame; return status and body of the answer, for any status.

        Args:
            peer: the name of the peer, or another constant word for it; it chooses the connections.
            max_bytes: the limit for the answer; 0: only the status is read.
            media_type: the type of the content, if it is not a frame.
            seconds: how long the answer may take to begin; 0 for the default. A request that may take longer has its
                own connection, so that no other waits behind it.
            headers: further ones, in lower case.

        Raises:
            RemoteError: `unreachable`, or `answer_too_large`, `answer_too_slow`.
        """
        sent = {"content-type": media_type, "accept": "*/*", **headers}
        patience = seconds or self._timeout
        async with self._answer(peer, "POST", url, sent, data, patience) as response:
            return response.status_code, await self._body(response, max_bytes) if max_bytes else b""

    async def get(self, peer: str, url: str, *, max_bytes: int) -> bytes:
        """Gets a file.

        Raises:
            RemoteError: as `post`; `unexpected_status` for any but 200.
        """
        async with self._answer(peer, "GET", url, {}, None, self._timeout) as response:
            if response.status_code != 200:
                raise RemoteError(
                    "unexpected_status",
                    f"{url} answered with status {response.status_code}.",
                    hint="Check the URL; the other node's operator can find the reason in its log.",
                )
            return await self._body(response, max_bytes)

    async def aclose(self) -> None:
        """Close all connections, even those in use; later requests make new ones."""
        lines, self._lines = list(self._lines.values()), OrderedDict()
        for line in lines:
            await line.aclose()

    @asynccontextmanager
    async def _answer(
        self, peer: str, method: str, url: str, headers: dict[str, str], data: bytes | None, patience: float
    ) -> AsyncIterator[httpx.Response]:
        line = await self._line(peer, patience > self._timeout)
        async with line.lent(url, self._timeout) as client:
            try:
                response = await _begin(client, method, url, headers, data, patience)
                try:
                    yield response
                finally:
                    await response.aclose()
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise _unreachable(url, _why(error)) from error

    async def _body(self, response: httpx.Response, max_bytes: int) -> bytes:
        parts, body = response.aiter_raw(), bytearray()
        with trio.move_on_after(self._timeout):
            async for part in parts:
                body += part
                if len(body) > max_bytes:
                    await _abandon(response, parts)
                    raise RemoteError("answer_too_large", f"{response.url} sent more than {max_bytes} bytes.")
            return bytes(body)
        raise RemoteError("answer_too_slow", f"{response.url} took more than {self._timeout} s to answer.")

    async def _line(self, peer: str, is_slow: bool) -> "_Line":
        """Return a peer's connections, and drop those to the peers asked longest ago."""
        line = self._lines.get((peer, is_slow))
        if line is None:
            line = self._lines[peer, is_slow] = _Line(POLLS if is_slow else CONNECTIONS, self._new_client)
        self._lines.move_to_end((peer, is_slow))
        surplus = len(self._lines) - LINES
        for key in [key for key, each in self._lines.items() if each.is_idle and each is not line][: max(0, surplus)]:
            await self._lines.pop(key).aclose()
        return line

    def _new_client(self) -> httpx.AsyncClient:
        if self._tls is None and self._transport is None:
            self._tls = self._outgoing.trusted()
        verify = True if self._tls is None else self._tls
        limits = httpx.Limits(max_connections=1, keepalive_expiry=KEPT_SECONDS)
        transport = None if self._transport is None else self._transport()
        if transport is None and self._outgoing.source_address:
            transport = httpx.AsyncHTTPTransport(
                verify=verify, limits=limits, trust_env=False, local_address=self._outgoing.source_address
            )
        return httpx.AsyncClient(
            verify=verify,
            proxy=self._outgoing.proxy or None,
            trust_env=False,
            timeout=None,
            transport=transport,
            headers={"accept-encoding": "identity"},
            limits=limits,
        )


class _Line:
    """The connections to one peer.

    Args:
        most: the maximum number of connections.
    """

    def __init__(self, most: int, make: Callable[[], httpx.AsyncClient]) -> None:
        self._make = make
        self._turn = trio.Semaphore(most)
        self._free: list[httpx.AsyncClient] = []
        self._lent: list[httpx.AsyncClient] = []
        self._waiting = 0
        self._is_closed = False

    @property
    def is_idle(self) -> bool:
        """Whether nobody uses it or waits to."""
        return not (self._lent or self._waiting)

    @asynccontextmanager
    async def lent(self, url: str, patience: float) -> AsyncIterator[httpx.AsyncClient]:
        """Lend one connection to this block; it is reused later, unless an exception leaves the block.

        Raises:
            RemoteError: all connections have been in use for the whole time-out.
        """
        await self._take_turn(url, patience)
        try:
            client = self._free.pop() if self._free else self._make()
            self._lent.append(client)
            is_good = False
            try:
                yield client
                is_good = not self._is_closed
            finally:
                self._lent.remove(client)
                if is_good:
                    self._free.append(client)
                else:
                    await _close(client)
        finally:
            self._turn.release()

    async def aclose(self) -> None:
        """Close all connections, without telling the blocks that use them."""
        self._is_closed = True
        for client in (*self._free, *self._lent):
            await _close(client)
        self._free.clear()

    async def _take_turn(self, url: str, patience: float) -> None:
        self._waiting += 1
        try:
            with trio.move_on_after(patience):
                await self._turn.acquire()
                return
        finally:
            self._waiting -= 1
        raise _unreachable(url, "all connections to it are in use")


async def _begin(
    client: httpx.AsyncClient, method: str, url: str, headers: dict[str, str], data: bytes | None, patience: float
) -> httpx.Response:
    """Send a request; return the answer once its head has come."""
    with trio.move_on_after(patience):
        request = client.build_request(method, url, headers=headers, content=data)
        if data is not None:
            request.stream = _Body(data)
        return await client.send(request, stream=True)
    raise _unreachable(url, f"no answer within {patience:g} s")


async def _close(client: httpx.AsyncClient) -> None:
    """Close a client and its connection, even if the caller has been cancelled."""
    with trio.move_on_after(CLOSE_SECONDS, shield=True), suppress(httpx.HTTPError):
        await client.aclose()


class _Body(httpx.AsyncByteStream):
    """The body to send. httpx uses a generator, which a breaking connection leaves to the garbage collector."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _Once(self._data)


class _Once:
    """An iterator over a single part."""

    def __init__(self, data: bytes) -> None:
        self._parts = [data]

    def __aiter__(self) -> "_Once":
        return self

    async def __anext__(self) -> bytes:
        if not self._parts:
            raise StopAsyncIteration
        return self._parts.pop()


async def _abandon(response: httpx.Response, parts: AsyncIterator[bytes]) -> None:
    """Close the connection in the middle of a body.

    httpx reads through a chain of generators, of which closing the outermost leaves the others to the garbage
    collector. Reading on from the closed connection ends all of them, with the buffered bytes and then an error.
    """
    await response.aclose()
    with suppress(httpx.HTTPError):
        _ = [part async for part in parts]


def _why(error: BaseException) -> str:
    """Return the real cause: httpx keeps it in the causes of its own errors, whose text may be empty."""
    said = str(error)
    cause = error.__cause__ or error.__context__
    while cause is not None:
        said = str(cause) or said
        cause = cause.__cause__ or cause.__context__
    if "CERTIFICATE_VERIFY_FAILED" in said:
        return f"its certificate is not trusted; for a private authority set ca_file ({said})"
    return said or type(error).__name__


def _unreachable(url: str, why: str) -> RemoteError:
    return RemoteError(
        "unreachable",
        f"{url} does not answer: {why}.",
        hint="Check its address and the network of both machines.",
    )
