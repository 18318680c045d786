"""HTTP to other nodes: frames out, and the public files of a log in.

    peers = Peers(timeout_seconds=10.0)
    status, answer = await peers.post("node2", "https://node2.example.org/gossip", frame, max_bytes=1_048_576)
    checkpoint = await peers.get("node2", "https://node2.example.org/log/checkpoint", max_bytes=65_536)

* To each peer there are at most two connections, so that one that stalls delays nobody else, and a third for polls,
  which it holds for long. They are kept for the next request, those to the peers asked last.
* **Lent, not shared.** Each connection is an httpx client of its own, lent to one request at a time. Whatever ends a
  request before its answer was read (an error, a deadline, a caller that is cancelled) ends that client too. A pool
  that requests share does not survive their being cancelled: httpcore 1.0 leaves connections taken for ever, and two
  of them are all there are.
* Every request is bounded in time, its answer's head and its body each as a whole, and the body in size: no peer can
  feed us one byte a minute. Bodies are taken as they are, uncompressed: a small one stays small.
* Proxy variables of the environment are ignored (they would apply to loopback too); a proxy is set here or not at all.
* Redirects are not followed: a node's URL is what its record says.

What it does not do: retry, back off, or judge what comes (`gossip`).
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
"""To one peer: one for what is urgent, one for the rest (`gossip.peer`)."""

POLLS: Final = 1
"""Connections to one peer on which it may take its time."""

LINES: Final = 128
"""Peers whose connections are kept at the same time, polls counted apart. A guess: the mesh and `acquaintances` of
`gossip.config`, for what goes to the same nodes for different purposes."""

KEPT_SECONDS: Final = 60.0
"""How long an idle connection is used again. Less than a node's patience with it (`serve.KEEP_ALIVE_SECONDS`, 75)."""

CLOSE_SECONDS: Final = 1.0
"""For saying goodbye to the other side. A guess."""

MEDIA_TYPE: Final = "application/cose"
NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


class Peers:
    """Connections to other nodes, made as they are needed.

    Args:
        timeout_seconds: for an answer to begin, connecting included, and for its body.
        outgoing: a private certificate authority, a proxy, an address to call from.
        tls: certificates to trust; by default the public ones and those that `outgoing` names.
        transport: makes what carries the requests of one client; by default TCP. The simulator has its own.
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
        """Posts a frame; status and body of the answer, whatever the status.

        Args:
            peer: whose connections to use: its name, or any other word that is always the same for it.
            max_bytes: of the answer; 0: its status is enough, and nothing more is read.
            media_type: of what is sent, where it is no frame.
            seconds: how long the answer may take to begin; 0 for as long as any. What may take longer than others has a
                connection of its own, so that none waits behind it.
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
        """Closes all connections, those in use too; later requests make new ones."""
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
        """A peer's connections; those to the peers asked longest ago are given up."""
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
        most: how many there may be.
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
        """One connection, for this block alone; used again after it, unless an exception leaves the block.

        Raises:
            RemoteError: all are taken, for so many seconds.
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
        """Closes them all; nobody's block is told."""
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
    """Sends a request; the answer as far as its head."""
    with trio.move_on_after(patience):
        request = client.build_request(method, url, headers=headers, content=data)
        if data is not None:
            request.stream = _Body(data)
        return await client.send(request, stream=True)
    raise _unreachable(url, f"no answer within {patience:g} s")


async def _close(client: httpx.AsyncClient) -> None:
    """Ends a client and its connection, even where its caller has been cancelled."""
    with trio.move_on_after(CLOSE_SECONDS, shield=True), suppress(httpx.HTTPError):
        await client.aclose()


class _Body(httpx.AsyncByteStream):
    """What is sent. httpx's own is a generator, which a connection that breaks meanwhile leaves to the collector."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _Once(self._data)


class _Once:
    """One part, and no more."""

    def __init__(self, data: bytes) -> None:
        self._parts = [data]

    def __aiter__(self) -> "_Once":
        return self

    async def __anext__(self) -> bytes:
        if not self._parts:
            raise StopAsyncIteration
        return self._parts.pop()


async def _abandon(response: httpx.Response, parts: AsyncIterator[bytes]) -> None:
    """Closes the connection in the middle of a body.

    httpx reads through a chain of generators, of which closing the outermost leaves the others to the garbage
    collector. Reading on from the closed connection ends them all: what is buffered, then an error.
    """
    await response.aclose()
    with suppress(httpx.HTTPError):
        _ = [part async for part in parts]


def _why(error: BaseException) -> str:
    """What really happened: httpx keeps it in the causes of its own errors, whose text may be empty."""
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
