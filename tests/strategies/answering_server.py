"""A real server on the loopback device that answers what a test says, for clients that wait.

with AnsweringServer(lambda request: Reply(404, b"{}")) as server:
    NodeClient(server.url).status()
    server.asked                                   every request so far
"""

import ssl
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request: its method, its target as it was sent, and its body."""

    method: str
    target: str
    body: bytes


@dataclass(frozen=True)
class Reply:
    """An answer. `announced`: the length that it claims; None for no claim, the body's own by default."""

    status: int
    body: bytes | Iterable[bytes] = b""
    headers: dict[str, str] = field(default_factory=dict)
    announced: int | None = -1
    then_close: bool = False


class AnsweringServer:
    """See the module."""

    def __init__(self, reply: Callable[[Asked], Reply | None], *, tls: ssl.SSLContext | None = None) -> None:
        """`reply` answers a request; None ends the connection without an answer."""
        self.asked: list[Asked] = []
        self.connections = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                outer.connections += 1

            def answer(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                asked = Asked(method=self.command, target=self.path, body=self.rfile.read(length))
                outer.asked.append(asked)
                found = reply(asked)
                if found is None:
                    self.close_connection = True
                    return
                parts = [found.body] if isinstance(found.body, bytes) else found.body
                length_of = len(found.body) if isinstance(found.body, bytes) else 0
                announced = length_of if found.announced == -1 else found.announced
                self.send_response(found.status)
                for name, value in found.headers.items():
                    self.send_header(name, value)
                if announced is None:
                    self.send_header("connection", "close")
                else:
                    self.send_header("content-length", str(announced))
                self.end_headers()
                try:
                    for part in parts:
                        self.wfile.write(part)
                except OSError:  # the client has heard enough
                    self.close_connection = True
                self.close_connection |= found.then_close or announced is None or announced > length_of

            do_GET = do_POST = answer  # the names that http.server looks for

            def log_message(self, format: str, *args: object) -> None:
                """Silent."""

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: object, client_address: object) -> None:
                """A client that goes away is a story, not an error."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
