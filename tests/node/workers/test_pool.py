"""A node outlives its query workers, whatever these do."""

import logging
import socket
from pathlib import Path

import pytest
import trio

from accredit.node.settings import NodeConfig
from accredit.node.workers import pool
from accredit.node.workers.pool import QueryWorkers
from tests.strategies.served import served

MUMBLES = """
import socket, sys
with socket.socket(fileno=int(sys.argv[2])) as line:
    line.recv(200_000)
    line.send(b"\\xc1")
"""


async def test_a_worker_that_says_what_cannot_be_read_does_not_end_its_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pool, "_WORK", MUMBLES)
    node = served(tmp_path)
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
                while caplog.messages.count("a query worker ended") < 2:  # it was started again
                    await trio.sleep(0.01)
            nursery.cancel_scope.cancel()
    assert "a query worker says what cannot be read" in caplog.messages
    assert not workers.processes
