"""HTTP to other nodes: frames out, and the public files of a log in.

    peers = Peers(timeout_seconds=10.0)
    status, answer = await peers.post("node2", "https://node2.example.org/gossip", frame, max_bytes=1_048_576)
    checkpoint = await peers.get("node2", "https://node2.example.org/log/checkpoint", max_bytes=65_536)

* One client for each peer, with at most two connections, so that a stalled peer delays nobody else; they share one TLS
  context, which is what costs time to make.
* Timeouts are httpx's own. A trio cancel scope around a request can leave a connection of the pool taken for ever
  (httpcore 1.0), so there is none; a client whose pool runs dry all the same is thrown away and made anew.
* Bodies are bounded in size and in time as they arrive: no peer can feed us one byte a minute.
* Proxy variables of the environment are ignored (they would apply to loopback too); a proxy is set here or not at all.
* Redirects are not followed: a node's URL is what its record says.

What it does not do: retry, back off, or judge what comes (`gossip`).
"""

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

import httpx
import trio

from registry.errors import RemoteError

CONNECTIONS: Final = 2
"""To one peer: one for what is urgent, one for the rest (`gossip.peer`)."""

MEDIA_TYPE: Final = "application/cose"


class Peers:
    """Connections to other nodes, made as they are needed.

    Args:
        timeout_seconds: for connecting, for each read or write, and for a body as a whole.
        proxy: URL of an HTTP proxy; empty for none.
        tls: certificates to trust; by default those that httpx brings.
        transport: makes what carries the requests of one client; by default TCP. The simulator has its own.
    """

    def __init__(
        self,
        *,
        timeout_seconds: float = 10.0,
        proxy: str = "",
        tls: ssl.SSLContext | None = None,
        transport: Callable[[], httpx.AsyncBaseTransport] | None = None,
    ) -> None:
        self._timeout = timeout_seconds
        self._proxy = proxy or None
        self._tls = tls
        self._transport = transport
        self._clients: dict[str, httpx.AsyncClient] = {}

    async def post(
        self, peer: str, url: str, data: bytes, *, max_bytes: int, media_type: str = MEDIA_TYPE
    ) -> tuple[int, bytes]:
        """Posts a frame; status and body of the answer, whatever the status.

        Args:
            peer: whose connections to use: its name, or any other word that is always the same for it.
            max_bytes: of the answer.
            media_type: of what is sent, where it is no frame.

        Raises:
            RemoteError: `unreachable`, or `answer_too_large`, `answer_too_slow`.
        """
        headers = {"content-type": media_type, "accept": "*/*"}
        async with self._answer(peer, "POST", url, headers, data) as response:
            return response.status_code, await self._body(response, max_bytes)

    async def get(self, peer: str, url: str, *, max_bytes: int) -> bytes:
        """Gets a file.

        Raises:
            RemoteError: as `post`; `unexpected_status` for any but 200.
        """
        async with self._answer(peer, "GET", url, {}, None) as response:
            if response.status_code != 200:
                raise RemoteError(
                    "unexpected_status",
                    f"{url} answered with status {response.status_code}.",
                    hint="Check the URL; the other node's operator finds the reason in its log.",
                )
            return await self._body(response, max_bytes)

    async def aclose(self) -> None:
        """Closes all connections; later requests make new ones."""
        clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            await client.aclose()

    @asynccontextmanager
    async def _answer(
        self, peer: str, method: str, url: str, headers: dict[str, str], data: bytes | None
    ) -> AsyncIterator[httpx.Response]:
        client = self._client(peer)
        try:
            request = client.build_request(method, url, headers=headers, content=data)
            if data is not None:
                request.stream = _Body(data)
            response = await client.send(request, stream=True)
            try:
                yield response
            finally:
                await response.aclose()
        except httpx.PoolTimeout as error:
            if self._clients.get(peer) is client:
                del self._clients[peer]
                await client.aclose()
            raise _unreachable(url, "all connections to it are taken") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _unreachable(url, str(error) or type(error).__name__) from error

    async def _body(self, response: httpx.Response, max_bytes: int) -> bytes:
        deadline = trio.current_time() + self._timeout
        parts, body = response.aiter_bytes(), bytearray()
        async for part in parts:
            body += part
            if len(body) > max_bytes:
                await _abandon(response, parts)
                raise RemoteError("answer_too_large", f"{response.url} answered with more than {max_bytes} bytes.")
            if trio.current_time() > deadline:
                await _abandon(response, parts)
                raise RemoteError("answer_too_slow", f"{response.url} took more than {self._timeout} s to answer.")
        return bytes(body)

    def _client(self, peer: str) -> httpx.AsyncClient:
        if peer not in self._clients:
            if self._tls is None and self._transport is None:
                self._tls = httpx.create_ssl_context(trust_env=False)
            self._clients[peer] = httpx.AsyncClient(
                verify=True if self._tls is None else self._tls,
                proxy=self._proxy,
                trust_env=False,
                timeout=self._timeout,
                transport=None if self._transport is None else self._transport(),
                limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
            )
        return self._clients[peer]


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


def _unreachable(url: str, why: str) -> RemoteError:
    return RemoteError(
        "unreachable",
        f"{url} does not answer: {why}.",
        hint="Check its address, and that both machines have a network.",
    )
