"""One connection to one server, for programs that wait: the standard library's HTTP/1.1 client, bounded.

    with BlockingHttp("https://registry.example.edu") as http:
        http.ask("GET", "/v1/status", headers={"accept": "application/json"}, content=None, max_bytes=2**20)

A question asked from the command line should not load an event loop, nor trusted certificates where none are checked:
with httpx both made half of its cost. Nodes among themselves use httpx on trio (`peer_http`).
"""

import http.client
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Protocol, Self
from urllib.parse import unquote, urlsplit

from accredit.registry.errors import RemoteError

CONNECT_SECONDS: Final = 10.0
"""For a connection; one that takes longer is lost or far away. A guess."""

ANSWER_SECONDS: Final = 30.0
"""For each part of an answer. A submission waits for a batch (1 s) and its checkpoint; the rest is margin. A guess."""

_PART_BYTES: Final = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """What a server answered: the status code, all bytes of the body, and the headers by their name in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class HttpWay(Protocol):
    """A way to a server: a connection, or something in its place."""

    def ask(
        self, method: str, target: str, *, headers: Mapping[str, str], content: bytes | None, max_bytes: int
    ) -> HttpAnswer:
        """Ask, and wait for the whole answer."""

    def close(self) -> None:
        """End it."""


class BlockingHttp:
    """A connection, kept between questions and made anew when the server has ended it meanwhile.

    Args:
        url: as `node_url` spells it; a path in it comes before every target.
        timeout: seconds for each part of an answer.

    Redirections are not followed, answers not decompressed (none is asked for), the environment's proxies not used.
    """

    def __init__(self, url: str, *, timeout: float = ANSWER_SECONDS) -> None:
        self.url = url
        self._parts = urlsplit(url)
        self._timeout = timeout
        self._open: http.client.HTTPConnection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def ask(
        self, method: str, target: str, *, headers: Mapping[str, str], content: bytes | None, max_bytes: int
    ) -> HttpAnswer:
        """Ask, and wait for the whole answer.

        A kept connection that the server ended before it answered is no answer: the question is put once more, which is
        safe, because no route of a node does twice what it is told twice.

        Args:
            target: the path, percent-encoded, and the query.
            max_bytes: of the answer's body.

        Raises:
            RemoteError: `unreachable`: there was no whole answer; `bad_answer`: it is longer than `max_bytes`.
        """
        is_kept = self._open is not None
        try:
            try:
                response = self._begin(method, target, headers, content)
            except ConnectionError:  # http.client.RemoteDisconnected is one
                if not is_kept:
                    raise
                self.close()
                response = self._begin(method, target, headers, content)
            with response:
                body = bytearray()
                while part := response.read(_PART_BYTES):
                    body += part
                    if len(body) > max_bytes:
                        raise RemoteError("bad_answer", f"{self.url} sends more than {max_bytes} bytes.")
                if response.length:  # bytes announced and still to come: read(n) does not say so itself
                    raise http.client.IncompleteRead(bytes(body), response.length)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise RemoteError(
                "unreachable",
                f"{self.url} could not be asked ({type(error).__name__}: {error}).",
                hint="Check that the node runs and the URL is right, or ask another node.",
            ) from None
        except BaseException:
            self.close()  # what is left of the answer must not be taken for the next one
            raise
        if response.will_close:
            self.close()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return HttpAnswer(status=response.status, body=bytes(body), headers=headers)

    def _begin(
        self, method: str, target: str, headers: Mapping[str, str], content: bytes | None
    ) -> http.client.HTTPResponse:
        if self._open is None:
            self._open = self._new()
            self._open.connect()
            self._open.sock.settimeout(self._timeout)
        self._open.request(method, self._parts.path + target, body=content, headers=dict(headers))
        return self._open.getresponse()

    def _new(self) -> http.client.HTTPConnection:
        host = unquote(self._parts.hostname or "")  # a zone's percent sign is encoded in a URL, and nowhere else
        patience = min(CONNECT_SECONDS, self._timeout)
        if self._parts.scheme == "http":
            return http.client.HTTPConnection(host, self._parts.port or http.client.HTTP_PORT, timeout=patience)
        import ssl

        import certifi

        trusted = ssl.create_default_context(cafile=certifi.where())
        port = self._parts.port or http.client.HTTPS_PORT
        return http.client.HTTPSConnection(host, port, timeout=patience, context=trusted)
