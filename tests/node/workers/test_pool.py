"""A node outlives its query workers, whatever these do."""

import errno
import logging
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from accredit.node import faults
from accredit.node.settings import NodeConfig
from accredit.node.workers import line, pool
from accredit.node.workers.line import Counted
from accredit.node.workers.pool import QueryWorkers
from tests.strategies.served import served

MUMBLES = """
import socket, sys
with socket.socket(fileno=int(sys.argv[2])) as line:
    line.recv(200_000)
    line.send(b"\\xc1")
"""

FALLS_SILENT = f"""
import socket, sys
with socket.socket(fileno=int(sys.argv[2])) as line:
    line.recv(200_000)
    line.send({msgspec.msgpack.encode(Counted(answers=[], verdicts={}, tally=[]))!r})
    while line.recv(200_000):
        pass
"""


async def worked(folder: Path, caplog: pytest.LogCaptureFixture, is_seen: Callable[[], bool]) -> QueryWorkers:
    """One query worker of a node, run until something is seen in the log, then ended."""
    node = served(folder)
    with socket.create_server(("127.0.0.1", 0)) as sock, caplog.at_level(logging.ERROR):
        sock.setblocking(False)
        workers = QueryWorkers(
            NodeConfig(name=node.name, query_workers=1),
            sock,
            node.app(),
            health=node.health,
            tend=lambda: None,
            metrics=node.metrics,
        )
        async with trio.open_nursery() as nursery:
            nursery.start_soon(workers.run)
            with trio.fail_after(60):
                while not is_seen():
                    await trio.sleep(0.01)
            nursery.cancel_scope.cancel()
    return workers


async def test_a_worker_that_says_what_cannot_be_read_does_not_end_its_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pool, "_WORK", MUMBLES)
    workers = await worked(tmp_path, caplog, lambda: caplog.messages.count("a query worker ended") > 1)  # begun again
    assert "a query worker says what cannot be read" in caplog.messages
    assert not workers.processes


async def test_a_worker_that_cannot_be_begun_is_begun_again_and_leaves_no_descriptor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A moment without descriptors or memory ended the node, with a code after which nobody starts it again."""
    monkeypatch.setattr(faults, "_logged", {})
    monkeypatch.setattr(pool, "_WORK", MUMBLES)
    monkeypatch.setattr(pool, "PAUSE_SECONDS", (0.01, 0.05))
    begin, scarce, lines = trio.lowlevel.open_process, [1, 1], list[socket.socket]()
    make_pair = line.pair

    async def begins(*words: Any, **more: Any) -> Any:
        if scarce:
            scarce.pop()
            raise OSError(errno.EMFILE, "Too many open files")
        return await begin(*words, **more)

    def made() -> tuple[socket.socket, socket.socket]:
        lines.extend(make_pair())
        return lines[-2], lines[-1]

    monkeypatch.setattr(trio.lowlevel, "open_process", begins)
    monkeypatch.setattr(pool, "pair", made)
    await worked(tmp_path, caplog, lambda: "a query worker says what cannot be read" in caplog.messages)
    assert caplog.messages.count("a query worker was given up") == 1
    assert {one.fileno() for one in lines} == {-1}


async def test_a_worker_that_falls_silent_keeps_nobody_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A stopped process is still there and accepts nobody: every new connection waited until somebody ended it."""
    monkeypatch.setattr(pool, "_WORK", FALLS_SILENT)
    monkeypatch.setattr(pool, "SILENT_SECONDS", 0.05)
    node = served(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as sock, caplog.at_level(logging.WARNING):
        sock.setblocking(False)
        config = NodeConfig(name=node.name, query_workers=1)
        workers = QueryWorkers(config, sock, node.app(), health=node.health, tend=lambda: None, metrics=node.metrics)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(workers.run)
            with trio.fail_after(60):
                while "a query worker is silent" not in caplog.messages:
                    await trio.sleep(0.01)
                with socket.create_connection(sock.getsockname()):
                    await (await workers.listener.accept()).aclose()
            nursery.cancel_scope.cancel()
    assert not workers.answering
