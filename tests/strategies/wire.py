"""HTTP by hand, over a real socket: for requests that no library would send, or that are sent only half."""

import json
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

PATIENCE: Final = 60.0
ANSWER_BYTES: Final = 4 * 1024 * 1024


def post(path: str, body: bytes, content_type: str, headers: Mapping[str, str] | None = None) -> bytes:
    """A whole request, after whose answer the connection ends."""
    return request("POST", path, body, {"Content-Type": content_type, **(headers or {})})


def request(method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
    """The bytes of a request; a body's length is told unless a header says otherwise."""
    sent = {"Host": "127.0.0.1", "Connection": "close", **(headers or {})}
    if body and not {"Content-Length", "Transfer-Encoding"} & {*sent}:
        sent["Content-Length"] = str(len(body))
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def connect(port: int) -> socket.socket:
    """A connection to this machine."""
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


def read_all(sock: socket.socket, *, seconds: float = PATIENCE) -> bytes:
    """What comes until the other side ends the connection, in whatever way, or is silent for so long."""
    found = bytearray()
    sock.settimeout(seconds)
    with suppress(ConnectionError, *([TimeoutError] if seconds < PATIENCE else [])):
        while chunk := sock.recv(65_536):
            found += chunk
            assert len(found) <= ANSWER_BYTES
    return bytes(found)


def exchange(port: int, data: bytes, *, shut: bool = False, seconds: float = PATIENCE) -> bytes:
    """Sends bytes over a connection of its own; all that comes back. With `shut`, our side ends first.

    Args:
        seconds: of silence after which we hang up; the default is a failure instead.
    """
    with connect(port) as sock:
        with suppress(ConnectionError):  # refused before we were done; the answer may be there all the same
            sock.sendall(data)
            if shut:
                sock.shutdown(socket.SHUT_WR)
        return read_all(sock, seconds=seconds)


def status_of(answer: bytes) -> int:
    """The status of an answer; 0 where there is none."""
    line = answer.partition(b"\r\n")[0].split(b" ")
    return int(line[1]) if len(line) > 1 and line[0].startswith(b"HTTP/1.") else 0


def json_of(answer: bytes) -> Any:
    """The body of an answer that is JSON and comes in one piece."""
    return json.loads(answer.partition(b"\r\n\r\n")[2])
