"""The node's HTTP server: Hypercorn on trio, around the application of `server`.

    sock = bind(config)                               first of all: a port in use is said before anything else begins
    node = await open_node(config, …)
    url = await nursery.start(partial(serve, node.application(), config, sock=sock))

`serve` returns when `shutdown` does, after answering what is being asked (at most `GRACE_SECONDS`), or when cancelled.
What it does not do: decide when to stop, or serve the query workers.
"""

import errno
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import trio
from hypercorn.config import Config
from hypercorn.trio import serve as hypercorn_serve

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

from .hypercorn_patches import ALPN, forgiving, mend

GRACE_SECONDS: Final = 5.0
"""For answers under way when the node stops: a submission waits for one tick, 1 s."""

KEEP_ALIVE_SECONDS: Final = 75.0
"""Longer than peers and proxies pause between requests (nginx: 60 s), so that it is they who hang up."""

BACKLOG: Final = 1024
HEADER_BYTES: Final = 16 * 1024

_log = logging.getLogger(__name__)


class NodeReader:
    """`node.http.routes.node_ports.ReadableNode` of a running node.

    Args:
        runtime: the node.
        config: its settings.
        clock: the machine's.
        alarms: as of `node.runtime.health.NodeHealth`.
    """

    def __init__(
        self, runtime: Runtime, config: NodeConfig, clock: Clock, alarms: Callable[[], Sequence[str]] = tuple
    ) -> None:
        self._runtime = runtime
        self._clock = clock
        self.name = config.name
        self.url = config.public_url
        self.version = VERSION
        self.ecosystem = runtime.store.ecosystem
        self.metrics = Metrics()
        self.health = NodeHealth(runtime, runtime.store, config, clock, self.metrics, alarms)

    @property
    def fold(self) -> Fold:
        """Records and standings."""
        return self._runtime.fold

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
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.bind(address)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise _cannot_listen(config, error) from None
    return sock


async def serve(
    app: Any,
    config: NodeConfig,
    *,
    sock: socket.socket | None = None,
    shutdown: Callable[[], Awaitable[None]] | None = None,
    task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serves an application until `shutdown` returns; `task_status` gets the URL that is listened on.

    Args:
        sock: as `bind` gave it; it is closed at the end. None: bound here.
        shutdown: waits until it is time to stop; None: until cancelled.

    Raises:
        InputError: as `bind`.
    """
    listening = bind(config) if sock is None else sock
    host, port = listening.getsockname()[:2]
    mend()
    settings = settings_of(config)
    settings.bind = f"fd://{listening.detach()}"  # Hypercorn owns it from here on
    scheme = "https" if config.tls_cert else "http"
    url = f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"

    async with trio.open_nursery() as nursery:
        await nursery.start(_start, forgiving(app), settings, shutdown)
        event(_log, logging.INFO, "serving", url=url)
        task_status.started(url)


async def _start(
    app: Any,
    settings: Config,
    shutdown: Callable[[], Awaitable[None]] | None,
    *,
    task_status: trio.TaskStatus[list[str]] = trio.TASK_STATUS_IGNORED,
) -> None:
    await hypercorn_serve(app, settings, shutdown_trigger=shutdown, task_status=task_status, mode="asgi")


def settings_of(config: NodeConfig) -> Config:
    """What Hypercorn is told: everything but where to listen."""
    settings = Config()
    settings.certfile = config.tls_cert or None
    settings.keyfile = config.tls_key or None
    settings.backlog = BACKLOG
    settings.keep_alive_timeout = KEEP_ALIVE_SECONDS
    settings.keep_alive_max_requests = 1_000_000  # peers talk for days
    # Hypercorn counts while it is us who are to speak, too: it would cut a stream of changes, or a poll, that is quiet.
    # Who is silent in the middle of a head is idle; in the middle of a body, `api.requests` ends it.
    settings.read_timeout = None
    settings.graceful_timeout = GRACE_SECONDS
    settings.h11_max_incomplete_size = HEADER_BYTES
    settings.alpn_protocols = ALPN
    settings.include_server_header = False
    settings.accesslog = None  # addresses and what they ask are nobody's business
    settings.errorlog = logging.getLogger("hypercorn.error")
    return settings


def _check_tls(config: NodeConfig) -> None:
    if not config.tls_cert:
        return
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(config.tls_cert, config.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise InputError(
            "bad_tls",
            f"the certificate {config.tls_cert} cannot be used with the key {config.tls_key} ({error}).",
            hint="Give the chain and its private key, both PEM and readable by the node.",
        ) from None


def _cannot_listen(config: NodeConfig, error: OSError) -> InputError:
    where = f"{config.host}:{config.port}"
    if error.errno == errno.EADDRINUSE:
        return InputError(
            "port_in_use", f"another program listens on {where}.", hint="Stop it, or set another `port` for this node."
        )
    return InputError(
        "cannot_listen",
        f"this node cannot listen on {where} ({error.strerror or error}).",
        hint="Set `host` and `port`.",
    )
