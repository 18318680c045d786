"""Connects to one server, for blocking programs: the standard library's HTTP/1.1 client, with limits.

    with BlockingHttp("https://registry.example.edu") as http:
        http.ask("GET", "/v1/status", headers={"accept": "application/json"}, content=None, max_bytes=2**20)

A query on the command line should not load an event loop, or trusted certificates that it does not check; with httpx
these made half of its cost. Nodes use httpx on trio among themselves (`peer_http`).
"""

import http.client
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit

from accredit.node.closing import Closing
from accredit.registry.errors import RemoteError, UnansweredError

from .outgoing import NOTHING_SET, Outgoing

CONNECT_SECONDS: Final = 10.0
"""Time to connect; a server that takes longer is down or very far away. A guess."""

ANSWER_SECONDS: Final = 30.0
"""Time for each part of an answer, from a node that has others to answer too. A guess."""

WORK_SECONDS: Final = 120.0
"""The same where the node has to work for the answer, such as on a thousand statements: it may keep them waiting for
20 s by its limits, and have the core to itself for a fraction of the time. A guess."""

_PART_BYTES: Final = 65_536

_AGAINST_RFC_5280: Final = range(80, 95)
_FOR_ANOTHER_NAME: Final = range(62, 65)
"""Codes of OpenSSL 3 (`x509_vfy.h`) for refusals by VERIFY_X509_STRICT, and for a host, email or IP mismatch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """A server's answer: the status code, all bytes of the body, and the headers by lower-case name."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class HttpWay(Protocol):
    """Asks a server, over a connection or in another way."""

    def ask(
        self, method: str, target: str, *, headers: Mapping[str, str], content: bytes | None, max_bytes: int
    ) -> HttpAnswer:
        """Ask, and wait for the whole answer."""

    def close(self) -> None:
        """End it."""


class BlockingHttp(Closing):
    """Connections, kept between questions and replaced when the server has closed one.

    Args:
        url: as `node_url` spells it; a path in it comes before every target.
        timeout: seconds for each part of an answer.
        outgoing: a private certificate authority, a proxy, an address to call from.

    Redirections are not followed, answers not decompressed (none is asked for), the environment's proxies not used.
    """

    def __init__(self, url: str, *, timeout: float = ANSWER_SECONDS, outgoing: Outgoing = NOTHING_SET) -> None:
        self.url = url
        self._parts = urlsplit(url)
        self._timeout = timeout
        self._outgoing = outgoing
        self._headers: dict[str, str] = {}
        self._is_asked_whole = False
        # The idle connections. Each question takes one out, so that several threads can ask at the same time.
        self._kept: list[http.client.HTTPConnection] = []

    def close(self) -> None:
        """End the connections at rest."""
        while self._kept:
            self._kept.pop().close()

    def ask(
        self, method: str, target: str, *, headers: Mapping[str, str], content: bytes | None, max_bytes: int
    ) -> HttpAnswer:
        """Ask, and wait for the whole answer.

        If the server closed a kept connection before it answered, the question is sent once more. This is safe, because
        no route of a node carries out the same request twice.

        Args:
            target: the path, percent-encoded, and the query.
            max_bytes: of the answer's body.

        Raises:
            UnansweredError: `unanswered`: the server took the request, and the next part of its answer did not come in
                time.
            RemoteError: `unreachable`: no complete answer came; `bad_answer`: it is longer than `max_bytes`.
        """
        try:
            connection, is_kept = self._kept.pop(), True
        except IndexError:
            connection, is_kept = self._new(), False
        try:
            try:
                response = self._begin(connection, method, target, headers, content)
            except ConnectionError:  # http.client.RemoteDisconnected is one
                if not is_kept:
                    raise
                connection.close()
                response = self._begin(connection, method, target, headers, content)
            with response:
                body = bytearray()
                while part := response.read(_PART_BYTES):
                    body += part
                    if len(body) > max_bytes:
                        raise RemoteError("bad_answer", f"{self.url} sent more than {max_bytes} bytes.")
                if response.length:  # announced bytes are missing: read(n) does not report this itself
                    raise http.client.IncompleteRead(bytes(body), response.length)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            if isinstance(error, TimeoutError):
                raise unanswered(self.url) from None
            raise _unreachable(self.url, error, is_proxied=bool(self._outgoing.proxy)) from None
        except BaseException:
            connection.close()  # the rest of this answer must not be taken for the next one
            raise
        if response.will_close:
            connection.close()
        else:
            self._kept.append(connection)
        headers = {name.lower(): value for name, value in response.getheaders()}
        return HttpAnswer(status=response.status, body=bytes(body), headers=headers)

    def _begin(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        target: str,
        headers: Mapping[str, str],
        content: bytes | None,
    ) -> http.client.HTTPResponse:
        if connection.sock is None:
            self._connect(connection)
        place, more = self._parts.path + target, self._headers
        if self._is_asked_whole:
            place = f"{self._parts.scheme}://{self._parts.netloc}{place}"
        connection.request(method, place, body=content, headers={**headers, **more})
        return connection.getresponse()

    def _connect(self, connection: http.client.HTTPConnection) -> None:
        try:
            connection.connect()
        except TimeoutError as error:
            raise _unreachable(self.url, error, is_proxied=bool(self._outgoing.proxy)) from None
        connection.sock.settimeout(self._timeout)

    def _new(self) -> http.client.HTTPConnection:
        host = unquote(self._parts.hostname or "")  # only a URL encodes a zone's percent sign
        patience, is_plain = min(CONNECT_SECONDS, self._timeout), self._parts.scheme == "http"
        port = self._parts.port or (http.client.HTTP_PORT if is_plain else http.client.HTTPS_PORT)
        source = (self._outgoing.source_address, 0) if self._outgoing.source_address else None
        self._headers = {"Host": host_header(self._parts.netloc)} if "%25" in self._parts.netloc else {}
        self._is_asked_whole = False
        place = (host, port)
        if self._outgoing.proxy:
            proxy_host, proxy_port, proxy_headers = self._outgoing.proxy_place()
            place = (proxy_host, proxy_port)
            if is_plain:
                self._headers, self._is_asked_whole = proxy_headers, True
        if is_plain:
            return http.client.HTTPConnection(*place, timeout=patience, source_address=source)
        made = http.client.HTTPSConnection(
            *place, timeout=patience, source_address=source, context=self._outgoing.trusted()
        )
        if self._outgoing.proxy:
            made.set_tunnel(host, port, proxy_headers)
        return made


def host_header(netloc: str) -> str:
    """Return host and port without the zone, which means nothing to the other side (RFC 6874 §4)."""
    before, _, after = netloc.partition("%25")
    return before + after[after.index("]") :]


def _certificate_hint(code: int) -> str:
    """Return a hint about a certificate that OpenSSL refused with this code."""
    if code in _AGAINST_RFC_5280:
        return (
            "The certificate, or that of its authority, does not conform to RFC 5280. Have it reissued; an "
            "authority's certificate needs basicConstraints=critical,CA:TRUE and keyUsage=critical,keyCertSign,cRLSign."
        )
    if code in _FOR_ANOTHER_NAME:
        return "Use a host name that the certificate covers, or have a certificate issued for this name."
    return "If your organisation has its own certificate authority, set its file: ACCREDIT_CA_FILE=FILE"


def unanswered(url: str) -> UnansweredError:
    """Return the error for a server that has not answered in time."""
    return UnansweredError(
        "unanswered",
        f"{url} took the request, and has not answered in time.",
        hint="It may be busy and still carry the request out. Do the same again in a minute, or ask another node.",
    )


def _unreachable(url: str, error: Exception, *, is_proxied: bool) -> RemoteError:
    """Return the error with a text and a hint for its cause."""
    kind, said = type(error).__name__, str(getattr(error, "verify_message", "") or error)
    if is_proxied and kind in ("gaierror", "ConnectionRefusedError"):  # only the proxy is looked up and called
        why = "its host name is unknown" if kind == "gaierror" else "no program listens there"
        return RemoteError(
            "proxy_unreachable",
            f"{url} was not asked, because the proxy could not be reached: {why}.",
            hint="Check ACCREDIT_PROXY, or the setting proxy of a node.",
        )
    if kind == "SSLCertVerificationError":
        return RemoteError(
            "untrusted_certificate",
            f"The certificate of {url} is not trusted ({said}).",
            hint=_certificate_hint(getattr(error, "verify_code", 0)),
        )
    if kind == "SSLError" and url.startswith("https:"):
        return RemoteError(
            "no_tls",
            f"{url} does not use TLS correctly ({said}).",
            hint=f"If it uses plain HTTP, ask {url.replace('https:', 'http:', 1)}",
        )
    if kind == "gaierror":
        return RemoteError("unknown_host", f"The host name in {url} is unknown ({said}).", hint="Check its spelling.")
    if kind == "ConnectionRefusedError":
        return RemoteError(
            "unreachable",
            f"{url} could not be reached: no program listens there.",
            hint="Check that the node runs there, or ask another node.",
        )
    return RemoteError(
        "unreachable",
        f"{url} could not be reached ({kind}: {said}).",
        hint="Check that the node runs and that the URL is right, or ask another node.",
    )
