"""What we change about Hypercorn's connections (0.18, trio), each because of what it did to a running node.

    mend()                    once in a process, before it serves
    app = forgiving(app)      around the application

* **HTTP/1.1 only.** A connection that became HTTP/2 (by TLS, by `Upgrade: h2c`, by its preface) and whose other side
  hung up was kept for ever, one file descriptor each: some hundred requests ended a node. Proxies speak HTTP/1.1 to us.
* **A line whose other side has hung up is closed at once.** It was kept until its idle time ended: fourteen one-off
  requests a second used up 1,024 file descriptors.
* **An answer that meets the end of its line is no error.** Where something follows a request that is no HTTP, Hypercorn
  closes the line while the application answers; its log got a traceback for each, as often as anybody wished.

The first two replace methods of Hypercorn that are not public; `tests/e2e/test_hostile_bytes.py` notices if a newer
version has others, or needs this no more.
"""

import logging
from typing import Any

import trio
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.trio.tcp_server import TCPServer

from accredit.node.telemetry import event

ALPN = ["http/1.1"]
"""For `hypercorn.config.Config.alpn_protocols`."""

_log = logging.getLogger(__name__)
_read_data = TCPServer._read_data


def mend() -> None:
    """Puts our methods in place of Hypercorn's; may be called again."""
    H11Protocol._check_protocol = _stay  # type: ignore[method-assign]
    TCPServer._read_data = _read_to_the_end  # type: ignore[method-assign]


def forgiving(app: Any) -> Any:
    """The ASGI application, without the error that its answers run into when their line is closed meanwhile."""

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        try:
            await app(scope, receive, send)
        except trio.BusyResourceError:
            event(_log, logging.DEBUG, "line broken", path=scope.get("path", ""))

    return answer


async def _stay(self: H11Protocol, event: Any) -> None:
    """Whatever a request asks for, the next one is HTTP/1.1 as well."""


async def _read_to_the_end(self: TCPServer) -> None:
    """As Hypercorn's; then nothing is waited for that only a living line could bring."""
    await _read_data(self)
    await self.idle_task.stop()
