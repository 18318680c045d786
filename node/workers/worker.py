"""A query worker: a process that answers public questions from the node's database.

    python -c "import accredit.node.workers.worker as w; w.work(LINE, LISTENING)"

LINE is this process' end of the line to its node (`line`), LISTENING the socket on which all processes accept. It
passes every other request on to the node, with the connection. When the node ends, for any reason, the worker answers
its current requests and ends too.
"""

import logging
import socket
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any, Final

import msgspec
import trio

from accredit.governance.fold import Fold
from accredit.node.engine.notary import Notary
from accredit.node.engine.quorum_state import NotedMap
from accredit.node.http.app import Application, create_app
from accredit.node.http.connection import Sharing
from accredit.node.http.forwarded import networks
from accredit.node.http.http1 import RequestHead
from accredit.node.http.serve import bounds_of
from accredit.node.http.server import Server
from accredit.node.http.tcp import TcpListener, TcpStream
from accredit.node.memory import settle_memory
from accredit.node.runtime.health import VERSION
from accredit.node.settings import NodeConfig
from accredit.node.storage.log_reader import Reader as LogReader
from accredit.node.storage.state_store import StoredNoted
from accredit.node.telemetry import Metrics, configure_logging, event
from accredit.registry.errors import InputError, StorageError
from accredit.registry.transparency.equivocation import Conflict

from .committed_view import CommittedView
from .line import SILENT_SECONDS, AnsweredAlike, Counted, News, WorkerEnd

COUNT_SECONDS: Final = 1.0
"""Time between two messages to the node with counts."""

FOLLOW_SECONDS: Final = 0.5
"""Time between two moves to the last commit while nobody asks: so long the write-ahead log may wait for this reader."""

_log = logging.getLogger(__name__)


class WorkerMetrics(Metrics):
    """Counts answers for the node, which shows the figures of all processes."""

    def __init__(self) -> None:
        super().__init__()
        self._decided: Counter[str] = Counter()

    def decided(self, verdict: str, count: int = 1) -> None:
        """See `Metrics`."""
        self._decided[str(verdict)] += count

    def take(self) -> Counted:
        """Return the counts since the last call."""
        answers = [AnsweredAlike(*key, each.counts, each.seconds) for key, each in self.times.items()]
        self.times.clear()
        verdicts, self._decided = dict(self._decided), Counter()
        return Counted(answers=answers, verdicts=verdicts, tally=list(self.take_answers().items()))


class WorkerHealth:
    """The health of the node, as far as its worker knows."""

    def __init__(self) -> None:
        self._heard = time.monotonic()
        self._news = News(stale=None, displaced=None)

    def hear(self, news: News) -> None:
        """Take in the node's health."""
        self._heard, self._news = time.monotonic(), news

    def displaced(self) -> str | None:
        """See `node_ports.Health`."""
        return self._news.displaced

    def stale(self) -> str | None:
        """See `node_ports.Health`."""
        if time.monotonic() - self._heard > SILENT_SECONDS:
            return "The node behind this worker is busy or has stopped; it may not know the newest revocations."
        return self._news.stale

    def status(self) -> Mapping[str, Any]:
        """Refuse: only the node can answer this.

        Raises:
            InputError: always.
        """
        raise _of_the_node()

    def obstacles(self) -> Sequence[str]:
        """Refuse: only the node can answer this.

        Raises:
            InputError: always.
        """
        raise _of_the_node()

    def measure(self) -> None:
        """Do nothing: the node measures."""


def _of_the_node() -> InputError:
    return InputError("read_only", "this server answers only questions.", hint="Ask the node itself.")


class WorkerReader:
    """The `node.http.handling.node_ports.ReadableNode` of a worker."""

    def __init__(self, config: NodeConfig, view: CommittedView) -> None:
        self._view = view
        self._noted = StoredNoted(view.reader)
        self._offset = config.clock_offset_ms / 1_000
        self.name = config.name
        self.url = config.public_url
        self.version = VERSION
        self.ecosystem = view.reader.ecosystem
        self.counts = WorkerMetrics()
        self.told = WorkerHealth()

    @property
    def metrics(self) -> Metrics:
        """Figures that are counted here and shown by the node."""
        return self.counts

    @property
    def health(self) -> WorkerHealth:
        """The node's health, as far as the worker knows."""
        return self.told

    @property
    def fold(self) -> Fold:
        """Records and statements' standings, as of the last commit."""
        return self._view.fold

    @property
    def as_of(self) -> int:
        """The commit, by the number of moves to others."""
        return self._view.moves

    @property
    def notary(self) -> Notary:
        """Refuse: only the node has the statements of its signers.

        Raises:
            InputError: always.
        """
        raise _of_the_node()

    @property
    def noted(self) -> NotedMap:
        """The newest noted state, as of the last commit."""
        self._view.follow()
        return self._noted

    @property
    def conflicts(self) -> Sequence[Conflict]:
        """Refuse: only the node knows which stored conflicts are of nodes in force.

        Raises:
            InputError: always.
        """
        raise _of_the_node()

    @property
    def log(self) -> LogReader:
        """The log, as of the last commit."""
        self._view.follow()
        return self._view.reader

    def now(self) -> int:
        """Seconds since 1970."""
        return int(time.time() + self._offset)


def work(line: int, listening: int) -> None:
    """Answer public questions until the node ends."""
    with closing(WorkerEnd(line)) as end:
        _work(end, listening)


def _work(end: WorkerEnd, listening: int) -> None:
    try:
        settings = end.beginning().settings
    except EOFError:
        return
    config = msgspec.convert(settings, NodeConfig)
    configure_logging(config.log_format, config.log_level)
    sock = socket.socket(fileno=listening)
    with CommittedView(config.database, is_mapped=True) as view:
        trio.run(_serve, config, view, end, sock)


async def _serve(config: NodeConfig, view: CommittedView, end: WorkerEnd, sock: socket.socket) -> None:
    reader = WorkerReader(config, view)
    view.follow()
    app = create_app(
        reader,
        max_body_bytes=config.max_body_bytes,
        proxies=networks(config.trusted_proxies),
        proxy_header=config.proxy_header,
    )
    settle_memory()
    over = trio.Event()
    server = Server(app, bounds=bounds_of(config), now=time.time, sharing=_Passing(app, end), is_one_of_many=True)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_listen, end, reader.told, over)
        nursery.start_soon(_tell, end, reader.counts, over)
        nursery.start_soon(_follow, view, app)
        await server.run(TcpListener(sock), shutdown=over.wait)
        nursery.cancel_scope.cancel()


class _Passing(Sharing):
    """Answers public questions here, and passes everything else on to the node."""

    def __init__(self, app: Application, end: WorkerEnd) -> None:
        self._app = app
        self._end = end

    def is_ours(self, head: RequestHead) -> bool:
        """See `Sharing`."""
        return self._app.is_shared(head.method, head.path)

    async def pass_on(self, stream: trio.abc.Stream, read: bytes) -> bool:
        """See `Sharing`."""
        assert isinstance(stream, TcpStream)
        try:
            await self._end.pass_on(stream.socket, read)
        except OSError:  # the node has gone, and so does this process
            raise trio.BrokenResourceError from None
        return True


async def _listen(end: WorkerEnd, health: WorkerHealth, over: trio.Event) -> None:
    while (news := await end.hear()) is not None:
        health.hear(news)
    over.set()


async def _tell(end: WorkerEnd, metrics: WorkerMetrics, over: trio.Event) -> None:
    while True:
        try:
            await end.tell(metrics.take())
        except OSError:
            over.set()
            return
        await trio.sleep(COUNT_SECONDS)


async def _follow(view: CommittedView, app: Application) -> None:
    while True:
        await trio.sleep(FOLLOW_SECONDS)
        app.rest()  # what was read is of the commit that the view leaves now, and a stranger chooses how much that is
        try:
            view.renew()
        except StorageError as error:  # whoever asks is told so, and the next look may be luckier
            event(_log, logging.ERROR, "the database cannot be read", code=error.code, reason=str(error))
