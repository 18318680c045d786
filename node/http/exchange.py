"""Requests and answers for handlers: a thin layer over ASGI that adds no cost to a question.

    request.header("content-type")                  the first field of that name, or ""
    Response(content, media_type="text/plain")      await response(scope, receive, send)

ASGI's own types are dictionaries and callables; they are named here for the signatures.
"""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final

AsgiScope = MutableMapping[str, Any]
AsgiMessage = MutableMapping[str, Any]
AsgiReceive = Callable[[], Awaitable[AsgiMessage]]
AsgiSend = Callable[[AsgiMessage], Awaitable[None]]

_NO_CONTENT: Final = frozenset({204, 304})  # RFC 9110 §8.6: no Content-Length either


class HttpRequest:
    """A request; its body is still to be received.

    Args:
        scope: ASGI's, of an HTTP request. receive: likewise.
    """

    __slots__ = ("receive", "scope")

    def __init__(self, scope: AsgiScope, receive: AsgiReceive) -> None:
        self.scope = scope
        self.receive = receive

    @property
    def method(self) -> str:
        """In capitals."""
        method: str = self.scope["method"]
        return method

    @property
    def query(self) -> bytes:
        """The query string, as sent."""
        query: bytes = self.scope["query_string"]
        return query

    @property
    def path_params(self) -> Mapping[str, str]:
        """Parameters of the path, decoded."""
        found: Mapping[str, str] = self.scope["path_params"]
        return found

    @property
    def peer(self) -> str:
        """The address at the other end of the connection; empty if unknown."""
        client = self.scope.get("client")
        return "" if client is None else str(client[0])

    @property
    def fields(self) -> list[tuple[bytes, bytes]]:
        """The header, names in lower case."""
        fields: list[tuple[bytes, bytes]] = self.scope["headers"]
        return fields

    def header(self, name: str, default: str = "") -> str:
        """The first field of that name, given in lower case."""
        wanted = name.encode()
        for sent, value in self.scope["headers"]:
            if sent == wanted:
                text: str = value.decode("latin-1")
                return text
        return default


class Response:
    """An answer.

    Args:
        content: the body. media_type: of it; a text without a charset is UTF-8.
        headers: further fields, names in lower case.

    Attributes:
        also: fields that every answer has, as sent.
    """

    def __init__(
        self,
        content: bytes = b"",
        status_code: int = 200,
        *,
        media_type: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.body = content
        self.status_code = status_code
        self.headers: dict[str, str] = {**headers} if headers else {}
        if media_type:
            is_plain_text = media_type.startswith("text/") and "charset=" not in media_type
            self.headers["content-type"] = f"{media_type}; charset=utf-8" if is_plain_text else media_type
        self.also: list[tuple[bytes, bytes]] = []

    @property
    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        """All fields as sent, but the body's length."""
        return [*((name.encode(), value.encode("latin-1")) for name, value in self.headers.items()), *self.also]

    @property
    def held(self) -> bytes | None:
        """The whole body; None if it is made while it is sent."""
        return self.body

    async def __call__(self, _scope: AsgiScope, _receive: AsgiReceive, send: AsgiSend) -> None:
        """Sends it."""
        fields = self.raw_headers
        if self.status_code not in _NO_CONTENT:
            fields.append((b"content-length", b"%d" % len(self.body)))
        await send({"type": "http.response.start", "status": self.status_code, "headers": fields})
        await send({"type": "http.response.body", "body": self.body})
