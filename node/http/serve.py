"""Serves the node's application (`app`) with our HTTP server (`server`), on the address in its settings.

    sock = bind(config)                               first, so that a port in use is reported before other work begins
    node = await open_node(config, …)
    url = await nursery.start(partial(serve, node.application(), config, sock=sock))

`serve` returns when `shutdown` does, after finishing the answers under way, or when cancelled. It does not decide when
to stop, or start query workers (`node.workers`).
"""

import errno
import logging
import resource
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol

import trio

from accredit.governance.fold import Fold
from accredit.node.clock import Clock
from accredit.node.engine.notary import Notary
from accredit.node.engine.quorum_state import NotedMap
from accredit.node.runtime.health import VERSION, NodeHealth
from accredit.node.runtime.runtime import Runtime
from accredit.node.settings import NodeConfig
from accredit.node.storage.log_reader import Reader as LogReader
from accredit.node.telemetry import Metrics, event
from accredit.registry.errors import InputError
from accredit.registry.transparency.equivocation import Conflict

from .connection import App, Sharing
from .forwarded import networks
from .server import SPARE_DESCRIPTORS, ConnectionLimits, Server
from .tcp import TcpListener, TcpStream

BACKLOG: Final = 1024
"""Connections that the kernel holds until they are accepted."""

_log = logging.getLogger(__name__)


class NodeReader:
    """`node.http.handling.node_ports.ReadableNode` of a running node.

    Args:
        runtime: the node.
        config: its settings.
        clock: the machine's.
        alarms, publics: as of `node.runtime.health.NodeHealth`.
    """

    def __init__(
        self,
        runtime: Runtime,
        config: NodeConfig,
        clock: Clock,
        alarms: Callable[[], Sequence[str]] = tuple,
        publics: Mapping[str, bytes] | None = None,
    ) -> None:
        self._runtime = runtime
        self._clock = clock
        self.name = config.name
        self.url = config.public_url
        self.version = VERSION
        self.ecosystem = runtime.store.ecosystem
        self.metrics = Metrics()
        self.health = NodeHealth(runtime, runtime.store, config, clock, self.metrics, alarms, publics)

    @property
    def fold(self) -> Fold:
        """Records and standings."""
        return self._runtime.fold

    @property
    def as_of(self) -> None:
        """Not known: the fold changes in place."""
        return None

    @property
    def notary(self) -> Notary:
        """The newest state that a quorum stands by."""
        return self._runtime.notary

    @property
    def noted(self) -> NotedMap:
        """See `Reader`."""
        return self._runtime.noted

    @property
    def conflicts(self) -> Sequence[Conflict]:
        """Proof that nodes contradicted themselves."""
        return self._runtime.conflicts

    @property
    def log(self) -> LogReader:
        """The log and the feed of changes."""
        return self._runtime.store

    def now(self) -> int:
        """Seconds since 1970."""
        return int(self._clock.now())


class Workers(Protocol):
    """Processes that accept on the node's socket too (`node.workers.pool`)."""

    @property
    def listener(self) -> trio.abc.Listener[TcpStream]:
        """Gives the node its connections, and closes the socket."""
        ...

    @property
    def sharing(self) -> Sharing:
        """How the node shares requests with them."""
        ...


def bind(config: NodeConfig) -> socket.socket:
    """The listening socket.

    Raises:
        InputError: the port is taken (`port_in_use`) or the address is not this machine's (`cannot_listen`); the TLS
            files cannot be used (`bad_tls`).
    """
    _check_tls(config)
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            config.host, config.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _cannot_listen(config, error) from None
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise _cannot_listen(config, error) from None
    return sock


async def serve(
    app: App,
    config: NodeConfig,
    *,
    sock: socket.socket | None = None,
    workers: "Workers | None" = None,
    shutdown: Callable[[], Awaitable[None]] | None = None,
    task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serves an application until `shutdown` returns; `task_status` gets the URL that is listened on.

    Args:
        sock: as `bind` gave it; it is closed at the end. None: bound here.
        workers: other processes that accept on it too.
        shutdown: waits until it is time to stop; None: until cancelled.

    Raises:
        InputError: as `bind`.
    """
    listening = bind(config) if sock is None else sock
    host, port = listening.getsockname()[:2]
    sharing = None if workers is None else workers.sharing
    server = Server(app, bounds=bounds_of(config), now=time.time, sharing=sharing)
    listener: trio.abc.Listener[trio.abc.Stream] = TcpListener(listening) if workers is None else workers.listener
    if config.tls_cert:
        listener = trio.SSLListener(listener, _tls(config), https_compatible=True)
    scheme = "https" if config.tls_cert else "http"
    url = f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
    event(_log, logging.INFO, "serving", url=url)
    task_status.started(url)
    await server.run(listener, shutdown=trio.sleep_forever if shutdown is None else shutdown)


def bounds_of(config: NodeConfig) -> ConnectionLimits:
    """Return the limits of connections, which always leave file descriptors for the node itself."""
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    most = config.max_connections
    if descriptors != resource.RLIM_INFINITY:
        most = max(1, min(most, descriptors - SPARE_DESCRIPTORS))
    return ConnectionLimits(
        connections=most,
        of_address=config.max_connections_per_address,
        body_bytes=config.max_unfinished_bytes,
        proxies=networks(config.trusted_proxies),
    )


def _tls(config: NodeConfig) -> ssl.SSLContext:
    """Return the server's TLS context: at least TLS 1.2 (RFC 9325), with HTTP/1.1."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(config.tls_cert, config.tls_key or None)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _check_tls(config: NodeConfig) -> None:
    if not config.tls_cert:
        return
    try:
        _tls(config)
    except (OSError, ssl.SSLError) as error:
        raise InputError(
            "bad_tls",
            f"the certificate {config.tls_cert} cannot be used with the key {config.tls_key} ({error}).",
            hint="Give the certificate chain and its private key, both in PEM and readable by the node.",
        ) from None


def _cannot_listen(config: NodeConfig, error: OSError) -> InputError:
    where = f"{config.host}:{config.port}"
    if error.errno == errno.EADDRINUSE:
        return InputError(
            "port_in_use",
            f"another program already listens on {where}.",
            hint="Stop that program, or set another `port` for this node.",
        )
    return InputError(
        "cannot_listen",
        f"this node cannot listen on {where} ({error.strerror or error}).",
        hint="Check the settings `host` and `port`.",
    )
