"""Starts and restarts the query workers of a node, and takes over the connections that they pass on.

    workers = QueryWorkers(config, sock, app, health=health, metrics=metrics)
    nursery.start_soon(workers.run)
    await serve(app, config, sock=sock, workers=workers)

All processes accept on one socket; the node itself does so only while no worker answers, or none has said anything for
`SILENT_SECONDS`. So any free process takes the
next connection, and a worker that dies before it has accepted a connection does not lose it. If a request is for the
node alone, the worker passes the connection to the node, with the bytes read from it. On such a connection the node
answers public questions too, and then closes it, so that the next question goes to a worker again.

A worker that ends is started again, after a pause that doubles up to `PAUSE_SECONDS`.
"""

import json
import logging
import math
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

import msgspec
import trio

from accredit.node.faults import outliving
from accredit.node.http.app import Application
from accredit.node.http.connection import Sharing
from accredit.node.http.handling.node_ports import Health
from accredit.node.http.http1 import RequestHead
from accredit.node.http.server import GRACE_SECONDS
from accredit.node.http.tcp import TcpListener, TcpStream
from accredit.node.settings import NodeConfig
from accredit.node.telemetry import Metrics, event
from accredit.registry.errors import InputError

from .line import NEWS_SECONDS, SILENT_SECONDS, Beginning, Counted, News, NodeEnd, pair

PAUSE_SECONDS: Final = (0.2, 30.0)
"""First and longest pause before a worker is started again. A guess: a moment, then a minute for an operator."""

TEND_SECONDS: Final = 5.0
"""Time between two readings of the write-ahead log's length. A guess: it grows by some MB a second at most."""

_WORK: Final = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from accredit.node.workers.worker import work
work(int(sys.argv[2]), int(sys.argv[3]))
"""

_log = logging.getLogger(__name__)


class QueryWorkers:
    """See the module.

    Args:
        config: the node's settings.
        sock: listens; closed with the listener. app: the node's own application.
        health: the node's. tend: copies the write-ahead log into the database if it has grown; run in a thread.
        metrics: also counts the answers of workers.

    Attributes:
        listener, sharing: as in `node.http.serve.Workers`.
        processes: ids of the running ones. answering: how many of them answer.

    Raises:
        InputError: `tls_and_workers`; `no_workers_here`.
    """

    def __init__(
        self,
        config: NodeConfig,
        sock: socket.socket,
        app: Application,
        *,
        health: Health,
        tend: Callable[[], object],
        metrics: Metrics,
    ) -> None:
        check_workers(config)
        self._config = config
        self._socket = sock
        self._health = health
        self._tend = tend
        self._metrics = metrics
        self._give, taken = trio.open_memory_channel[TcpStream](math.inf)
        self.listener = _Connections(sock, taken)
        self.sharing: Sharing = _Keeping(app, self)
        self.processes: dict[int, None] = {}
        self.answering = 0
        self._alone = trio.CancelScope()
        self._changed = trio.Event()

    async def run(self) -> None:
        """Keep as many workers running as the settings say, until cancelled; then end them."""
        async with trio.open_nursery() as nursery:
            for number in range(self._config.query_workers):
                nursery.start_soon(self._keep, number)
            nursery.start_soon(self._look_after)
            await self._accept_alone()

    async def _look_after(self) -> None:
        """Copy the write-ahead log into the database: permanent readers keep SQLite from doing so by itself."""
        while True:
            await trio.sleep(TEND_SECONDS)
            with outliving(_log, "write-ahead log not taken up"):
                await trio.to_thread.run_sync(self._tend)

    async def _accept_alone(self) -> None:
        """Accept the connections that come while no worker answers."""
        direct = TcpListener(self._socket)
        while True:
            if self.answering:
                self._changed = trio.Event()
                await self._changed.wait()
                continue
            with trio.CancelScope() as self._alone:
                try:
                    self._give.send_nowait(await direct.accept())
                except OSError as error:
                    event(_log, logging.WARNING, "a connection could not be accepted", reason=str(error))
                    await trio.sleep(PAUSE_SECONDS[0])

    def _answers(self, change: int) -> None:
        """Note that one more worker answers, or one fewer."""
        self.answering += change
        self._alone.cancel()  # whoever waits looks again
        self._changed.set()

    async def _keep(self, number: int) -> None:
        pause, longest = PAUSE_SECONDS
        while True:
            began = trio.current_time()
            code = None
            with outliving(_log, "a query worker was given up", worker=number):
                code = await self._live(number)
            pause = PAUSE_SECONDS[0] if trio.current_time() - began > longest else min(longest, 2 * pause)
            event(_log, logging.ERROR, "a query worker ended", worker=number, code=code, again_in=pause)
            await trio.sleep(pause)

    async def _live(self, number: int) -> int:
        """Run one worker until it ends; return its exit code."""
        ours, theirs = pair()
        end = NodeEnd(ours)
        with theirs, ExitStack() as stack:
            stack.callback(end.close)
            listening = self._socket.fileno()
            # As in `sync.verify_pool`: nothing of this process is run again, and Ctrl-C is for this process alone.
            process = await trio.lowlevel.open_process(
                [sys.executable, "-P", "-c", _WORK, json.dumps(sys.path), str(theirs.fileno()), str(listening)],
                stdin=subprocess.DEVNULL,
                process_group=0,
                pass_fds=[theirs.fileno(), listening],
            )
            stack.pop_all()  # from here on whoever waits for it closes the line
        self.processes[process.pid] = None
        is_answering = False
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._inform, end)
                while True:
                    heard = None
                    with trio.move_on_after(SILENT_SECONDS) as patience:
                        heard = await end.hear()
                    if patience.cancelled_caught:  # stopped, or stuck: it accepts nobody, and may never do so again
                        if is_answering:
                            is_answering = False
                            self._answers(-1)
                            event(_log, logging.WARNING, "a query worker is silent", worker=number, process=process.pid)
                        continue
                    if heard is None:
                        break
                    if not isinstance(heard, Counted):
                        sock, read = heard
                        self._give.send_nowait(TcpStream(sock, begun=read))
                        continue
                    if not is_answering:
                        is_answering = True
                        self._answers(+1)
                        event(_log, logging.INFO, "a query worker answers", worker=number, process=process.pid)
                    self._count(heard)
                nursery.cancel_scope.cancel()
        except* msgspec.DecodeError as errors:  # a group, as it comes out of a nursery
            event(_log, logging.ERROR, "a query worker says what cannot be read", worker=number, error=errors)
        finally:
            if is_answering:
                self._answers(-1)
            end.close()
            with trio.CancelScope(shield=True):
                with trio.move_on_after(GRACE_SECONDS + 1.0):
                    await process.wait()
                if process.returncode is None:
                    process.kill()
                    await process.wait()
            del self.processes[process.pid]
        return process.returncode or 0

    async def _inform(self, end: NodeEnd) -> None:
        try:
            await end.tell(Beginning(settings=msgspec.to_builtins(self._config)))
            while True:
                await end.tell(News(stale=self._health.stale(), displaced=self._health.displaced()))
                await trio.sleep(NEWS_SECONDS)
        except OSError:
            return  # whoever hears it reads an end too

    def _count(self, counted: Counted) -> None:
        for one in counted.answers:
            self._metrics.answered_alike(one.method, one.route, one.status, one.counts, one.seconds)
        for verdict, count in counted.verdicts.items():
            self._metrics.decided(verdict, count)
        for answered, count in counted.tally:
            self._metrics.tally(answered, count)


def check_workers(config: NodeConfig) -> None:
    """Check that these settings allow workers.

    Raises:
        InputError: `tls_and_workers`: a process cannot pass on a connection with TLS.
    """
    if config.query_workers and config.tls_cert:
        raise InputError(
            "tls_and_workers",
            "query_workers and tls_cert are both set: a worker cannot hand a TLS connection to the node.",
            hint="Let a proxy in front of the node do TLS, or set query_workers to 0.",
        )


class _Keeping(Sharing):
    """Answers everything in the node; after a public question, closes the connection if any worker answers."""

    def __init__(self, app: Application, workers: QueryWorkers) -> None:
        self._app = app
        self._workers = workers

    def is_ours(self, head: RequestHead) -> bool:
        """See `Sharing`."""
        return not self._workers.answering or not self._app.is_shared(head.method, head.path)

    async def pass_on(self, stream: trio.abc.Stream, read: bytes) -> bool:
        """See `Sharing`."""
        del stream, read
        return False


class _Connections(trio.abc.Listener[TcpStream]):
    """The connections that the node's own process serves."""

    def __init__(self, sock: socket.socket, given: trio.MemoryReceiveChannel[TcpStream]) -> None:
        self._socket = sock
        self._given = given

    async def accept(self) -> TcpStream:
        """See `trio.abc.Listener`."""
        return await self._given.receive()

    async def aclose(self) -> None:
        """See `trio.abc.AsyncResource`."""
        if self._socket.fileno() >= 0:
            trio.lowlevel.notify_closing(self._socket)
            self._socket.close()
        await trio.lowlevel.checkpoint()
