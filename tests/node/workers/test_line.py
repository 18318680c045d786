"""Between a node and a worker: what is said arrives as it was said, connections with their bytes; an end is heard."""

import resource
import socket
from collections.abc import AsyncIterator
from contextlib import closing

import msgspec
import pytest
import trio
import trio.testing

from accredit.node.telemetry import Answered
from accredit.node.workers.line import AnsweredAlike, Beginning, Counted, News, NodeEnd, WorkerEnd, pair
from accredit.registry.errors import InputError


@pytest.fixture
async def ends() -> AsyncIterator[tuple[NodeEnd, WorkerEnd]]:
    ours, theirs = pair()
    with closing(NodeEnd(ours)) as node, closing(WorkerEnd(theirs.detach())) as worker:
        yield node, worker


async def test_a_worker_hears_its_settings_then_news_then_the_end(ends: tuple[NodeEnd, WorkerEnd]) -> None:
    node, worker = ends
    await node.tell(Beginning(settings={"name": "node1"}))
    assert worker.beginning().settings == {"name": "node1"}
    for news in (News(stale="too old.", displaced=None), News(stale=None, displaced="others do not listen.")):
        await node.tell(news)
        assert await worker.hear() == news
    node.close()
    assert await worker.hear() is None
    with pytest.raises(OSError, match=r"Broken|reset|closed"):
        await worker.tell(Counted(answers=[], verdicts={}, tally=[]))


async def test_a_node_hears_the_last_that_a_worker_said_though_it_ended_with_news_unheard(
    ends: tuple[NodeEnd, WorkerEnd],
) -> None:
    node, worker = ends
    said = Counted(answers=[], verdicts={"trusted": 2}, tally=[])
    await worker.tell(said)
    await node.tell(News(stale=None, displaced=None))
    worker.close()
    assert await node.hear() == said
    assert await node.hear() is None


async def test_a_node_hears_what_was_answered_and_gets_lines_with_what_was_read(
    ends: tuple[NodeEnd, WorkerEnd],
) -> None:
    node, worker = ends
    await node.tell(Beginning(settings={}))
    worker.beginning()
    said = Counted(
        answers=[AnsweredAlike("GET", "/v1/issuer", 200, [0, 2], 0.01)],
        verdicts={"trusted": 2},
        tally=[(Answered("trusted", "", "employer"), 2)],
    )
    await worker.tell(said)
    assert await node.hear() == said
    client, accepted = socket.socketpair()
    read = b"POST /v1/statements HTTP/1.1\r\n\r\n" + bytes(70_000)
    await worker.pass_on(accepted, read)
    accepted.close()
    heard = await node.hear()
    assert isinstance(heard, tuple)
    sock, data = heard
    assert data == read
    sock.sendall(b"answered")
    sock.close()
    assert client.recv(100) == b"answered"
    client.close()


async def test_many_connections_are_passed_on_while_the_node_is_busy(ends: tuple[NodeEnd, WorkerEnd]) -> None:
    """Some sixty at once, from one address, ended the worker and all its other connections with it."""
    node, worker = ends
    await node.tell(Beginning(settings={}))
    worker.beginning()
    said = Counted(answers=[], verdicts={"trusted": 1}, tally=[])
    reads = [bytes([number]) * 64 * 1024 for number in range(20)]
    pairs = [socket.socketpair() for _ in reads]
    async with trio.open_nursery() as nursery:
        for (_, accepted), read in zip(pairs, reads, strict=True):
            nursery.start_soon(worker.pass_on, accepted, read)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(worker.tell, said)
        await trio.testing.wait_all_tasks_blocked()
        heard = [await node.hear() for _ in range(len(reads) + 1)]
    assert heard.pop() == said, "it waits for its turn too"
    assert sorted(each[1] for each in heard if isinstance(each, tuple)) == reads
    for each in (*(each[0] for each in heard if isinstance(each, tuple)), *(sock for both in pairs for sock in both)):
        each.close()


async def test_a_connection_for_which_the_node_has_no_descriptor_left_is_lost_and_nothing_else(
    ends: tuple[NodeEnd, WorkerEnd],
) -> None:
    node, worker = ends
    await node.tell(Beginning(settings={}))
    worker.beginning()
    client, accepted = socket.socketpair()
    said = Counted(answers=[], verdicts={"trusted": 1}, tally=[])
    await worker.pass_on(accepted, b"POST /v1/statements HTTP/1.1\r\n\r\n")
    await worker.tell(said)
    accepted.close()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, most[1]))  # further ones are higher
    try:
        heard = await node.hear()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, most)
    assert heard == said
    assert client.recv(100) == b"", "it has ended"
    client.close()


async def test_a_worker_that_is_gone_is_heard_at_once(ends: tuple[NodeEnd, WorkerEnd]) -> None:
    node, worker = ends
    async with trio.open_nursery() as nursery:
        heard: list[object] = []

        async def listen() -> None:
            heard.append(await node.hear())

        nursery.start_soon(listen)
        await trio.testing.wait_all_tasks_blocked()
        worker.close()
    assert heard == [None]


async def test_what_is_none_of_ours_is_refused() -> None:
    ours, theirs = pair()
    node = NodeEnd(ours)
    theirs.send(b"hello")
    with pytest.raises(msgspec.DecodeError):
        await node.hear()
    theirs.close()
    node.close()


def test_a_worker_whose_node_died_before_the_first_word_ends() -> None:
    ours, theirs = pair()
    ours.close()
    with closing(WorkerEnd(theirs.detach())) as worker, pytest.raises(EOFError):
        worker.beginning()


def test_a_system_without_such_sockets_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("not supported")

    monkeypatch.setattr(socket, "socketpair", refuse)
    with pytest.raises(InputError) as refused:
        pair()
    assert refused.value.code == "no_workers_here"
    assert "query_workers" in refused.value.hint
