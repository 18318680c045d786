"""Joining: the genesis is the right one, the log is checked, a liar withholds at most, a restart goes on."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio

from accredit.node import faults
from accredit.node.app import Node
from accredit.node.clients.peer_http import Peers
from accredit.node.engine import Engine, SubmissionResult
from accredit.node.runtime.runtime import Runtime
from accredit.node.storage.log_reader import Reader
from accredit.node.sync import log_follower
from accredit.node.sync.keeping_up import KeepingUp
from accredit.node.sync.log_follower import Mirror, fetch_genesis, join, reached_at
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.errors import AccreditError, DecodeError, RefusedError, RemoteError, StorageError
from accredit.registry.transparency.checkpoint import Checkpoint
from accredit.registry.transparency.merkle import leaf_hash
from accredit.registry.transparency.signed_note import sign_note
from accredit.registry.transparency.tiles import Frontier
from tests.strategies.consortium import Consortium
from tests.strategies.network import A, B, founded, issuer_body, node_entry, node_seed
from tests.strategies.real_node import public_files, running, until
from tests.strategies.stored_log import limit_pages, page_count
from tests.strategies.web import Handler, answer, serve

QUICK = (0.02, 0.1)


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[tuple[str, Peers]]:
    async with trio.open_nursery() as nursery:
        web = await nursery.start(serve, handler)
        peers = Peers()
        yield web.url, peers
        await peers.aclose()
        nursery.cancel_scope.cancel()


class Watched:
    """A node that joins, and is asked something in every turn of its own."""

    def __init__(self, node: Runtime) -> None:
        self._node = node
        self.engine, self.store, self.run_blocking = node.engine, node.store, node.run_blocking
        self.submitted: list[Sequence[bytes]] = []
        self.answers: list[int] = []
        self.is_asking = True
        self._asked = 0

    async def submit(self, raws: Sequence[bytes]) -> Sequence[SubmissionResult]:
        self.submitted.append(raws)
        self.answers.append(self._asked)
        return await self._node.submit(raws)

    async def ask(self) -> None:
        while self.is_asking:
            self._asked += 1
            await trio.lowlevel.checkpoint()


async def grown(node: Node, town: Consortium, many: int) -> None:
    """Everything said so far, and more, at `node`."""
    for number in range(many):
        town.says(A, "issuer.register", issuer_body(len(town.said) + number))
    await node.runtime.submit([each.raw for each in town.said])


async def test_a_joining_node_takes_in_the_log_waits_for_its_admission_and_is_then_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accredit.node.sync.log_follower.BATCH", 256)
    monkeypatch.setattr("accredit.node.sync.log_follower.TURN_BYTES", 4_000)
    town = founded("node1")
    async with (
        running(tmp_path, town, "node1") as host,
        running(tmp_path, town, "node2") as guest,
        served(public_files(host)) as (url, files),
    ):
        await grown(host, town, 600)
        watched = Watched(guest.runtime)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(join, watched, files, url + "/", pause_seconds=QUICK))
            nursery.start_soon(watched.ask)
            await until(lambda: guest.runtime.engine.size == host.runtime.engine.size)
            assert guest.runtime.fold.state_root() == host.runtime.fold.state_root()
            taken = [guest.store.entry(number) for number in range(len(town.said))]
            assert taken == [each.raw for each in town.said], "in the order of that log"
            assert max(sum(map(len, some)) for some in watched.submitted) <= 4_000
            assert len(watched.submitted) > 50
            assert max(Counter(watched.answers).values()) <= 2, "questions are answered between turns"
            watched.is_asking = False
            await grown(host, town, 1)
            await until(lambda: guest.runtime.engine.size == host.runtime.engine.size)
            admit = town.says(A, "node.admit", node_entry("node2"), sub="node2")
            await host.runtime.submit([admit.raw, town.votes(B, admit).raw])
            # `join` returns by itself.
        assert guest.runtime.engine.is_member
        assert guest.runtime.statistics().peers[0].name == "node1"


async def test_a_restarted_mirror_goes_on_where_it_was(tmp_path: Path) -> None:
    town = founded("node1")
    asked: list[str] = []
    async with running(tmp_path, town, "node1") as host:
        files_of_host = public_files(host)

        async def noted(line: str, body: bytes, stream: trio.abc.Stream) -> None:
            asked.append(line)
            await files_of_host(line, body, stream)

        async with served(noted) as (url, files):
            await grown(host, town, 300)
            for _ in range(2):
                before = len(asked)
                async with running(tmp_path, town, "node2") as guest, trio.open_nursery() as nursery:
                    nursery.start_soon(partial(join, guest.runtime, files, url, pause_seconds=QUICK))
                    await until(lambda: reached_at(guest.store, url).size == host.runtime.engine.size)
                    await until(lambda before=before: len(asked) > before + 2)  # type: ignore[misc]  # it has looked for more
                    nursery.cancel_scope.cancel()
            assert sum("tile/entries/000 " in line for line in asked) == 1


async def test_another_ecosystems_node_is_not_joined(tmp_path: Path) -> None:
    town, other = founded("node1"), founded("node9")
    async with (
        running(tmp_path, other, "node9") as host,
        running(tmp_path, town, "node2") as guest,
        served(public_files(host)) as (url, files),
    ):
        await host.runtime.submit([other.genesis.raw])
        with pytest.raises(RefusedError, match="belongs to the ecosystem"):
            await join(guest.runtime, files, url, pause_seconds=QUICK)


async def test_something_else_than_a_genesis_is_told_apart_from_another_one() -> None:
    async def page(_line: str, _body: bytes, stream: trio.abc.Stream) -> None:
        await stream.send_all(answer(b"<html>"))

    async with served(page) as (url, files):
        with pytest.raises(RemoteError, match="did not answer with a genesis"):
            await fetch_genesis(files, url, bytes(32))


async def test_a_node_that_is_away_is_tried_again(tmp_path: Path) -> None:
    town = founded("node1")
    away = True
    async with running(tmp_path, town, "node1") as host, running(tmp_path, town, "node2") as guest:
        files_of_host = public_files(host)

        async def sometimes(line: str, body: bytes, stream: trio.abc.Stream) -> None:
            if away:
                await stream.send_all(answer(b"", status=503))
            else:
                await files_of_host(line, body, stream)

        await grown(host, town, 1)
        async with served(sometimes) as (url, files), trio.open_nursery() as nursery:
            nursery.start_soon(partial(join, guest.runtime, files, url, is_done=lambda: False, pause_seconds=QUICK))
            await trio.sleep(0.1)
            away = False
            await until(lambda: guest.runtime.engine.size == host.runtime.engine.size)
            nursery.cancel_scope.cancel()


async def test_a_full_disk_delays_joining_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accredit.node.engine.engine.STORAGE_PAUSE", 0)
    town = founded("node1")
    async with (
        running(tmp_path, town, "node1") as host,
        running(tmp_path, town, "node2") as guest,
        served(public_files(host)) as (url, files),
    ):
        await grown(host, town, 300)
        await guest.runtime.submit([town.genesis.raw])
        pages = page_count(guest.store)
        limit_pages(guest.store, pages)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(join, guest.runtime, files, url, pause_seconds=QUICK))
            await trio.sleep(0.3)
            assert guest.runtime.engine.size == 1
            limit_pages(guest.store, 1000000)
            await until(lambda: guest.runtime.engine.size == host.runtime.engine.size)
            nursery.cancel_scope.cancel()


async def test_a_log_that_contradicts_what_was_read_is_refused_and_read_anew(tmp_path: Path) -> None:
    town = founded("node1")
    async with (
        running(tmp_path, town, "node1") as host,
        running(tmp_path, town, "node2") as guest,
        served(public_files(host)) as (url, files),
    ):
        await grown(host, town, 3)
        guest.store.swap(f"mirror {url}", None, Frontier().append(bytes(32)).encode())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(join, guest.runtime, files, url, pause_seconds=QUICK))
            await until(lambda: guest.runtime.engine.size == host.runtime.engine.size)
            nursery.cancel_scope.cancel()


class Liar:
    """A log of one genesis, served with a checkpoint of the test's choice."""

    def __init__(self, town: Consortium) -> None:
        self.entry = town.genesis.raw
        self.checkpoint = b""
        self.bundle = len(self.entry).to_bytes(2) + self.entry

    async def get(self, peer: str, url: str, *, max_bytes: int) -> bytes:
        found = self.checkpoint if url.endswith("/checkpoint") else self.bundle
        assert url.startswith(peer.split(" ")[0])
        assert len(found) <= max_bytes
        return found

    def sign(self, size: int, root: bytes, seed: bytes) -> None:
        text = Checkpoint(origin="node1", size=size, root=root).encode()
        self.checkpoint = sign_note(text, "node1", KeyPair(seed))


async def refused(liar: Liar, *, frontier: Frontier | None = None, key: bytes | None = None) -> AccreditError:
    mirror = Mirror(liar, "https://node1", frontier)
    taken: list[bytes] = []

    async def take(entries: Sequence[bytes], _reached: Frontier) -> None:
        taken.extend(entries)

    with pytest.raises((RefusedError, DecodeError)) as caught:
        await mirror.pull(take, lambda _: key)
    assert mirror.frontier == (frontier or Frontier())
    assert isinstance(caught.value, AccreditError)
    return caught.value


async def test_a_log_that_lies_is_found_out() -> None:
    town = founded("node1")
    liar = Liar(town)
    seed, key = node_seed("node1", "log"), node_entry("node1")["keys"]["log"]
    liar.sign(1, bytes(32), seed)
    assert (await refused(liar, key=key)).code == "log_root"
    liar.sign(1, bytes(32), node_seed("node2", "log"))
    assert (await refused(liar, key=key)).code == "unsigned"
    assert (await refused(liar)).code == "log_root"
    liar.sign(1, bytes(32), seed)
    two = Frontier().extend([bytes(32), bytes(32)])
    assert (await refused(liar, frontier=two, key=key)).code == "log_shrank"
    liar.bundle = liar.bundle[:-1]
    assert (await refused(liar, key=key)).code == "bundle_truncated"
    liar.checkpoint = b"rubbish"
    assert isinstance(await refused(liar), DecodeError)


async def test_entries_that_nobody_may_say_are_left_out(tmp_path: Path) -> None:
    """Another node's log may hold what we refuse; that is its own trouble, and we go on."""
    town = founded("node1")
    stranger = founded("node7").says(A, "issuer.register", issuer_body())
    async with running(tmp_path, town, "node2") as guest:
        liar = Liar(town)
        liar.entry = stranger.raw
        liar.bundle = b"".join(len(raw).to_bytes(2) + raw for raw in (town.genesis.raw, stranger.raw))
        mirror = Frontier()
        mirror = mirror.extend([leaf_hash(town.genesis.raw), leaf_hash(stranger.raw)])
        liar.sign(2, mirror.root(), node_seed("node1", "log"))
        await guest.runtime.submit([town.genesis.raw])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(join, guest.runtime, liar, "https://node1", pause_seconds=QUICK))
            await until(lambda: guest.store.kept("mirror https://node1") is not None)
            nursery.cancel_scope.cancel()
        assert guest.runtime.engine.size == 1


async def test_a_log_that_cannot_be_looked_up_here_for_a_moment_is_read_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error came out of a nursery, in a group, in which nobody looked for it; it ended the node."""
    town, busy, is_held = founded("node1"), [1, 1], log_follower._is_held

    def looks(engine: Engine, raw: bytes) -> bool:
        if busy:
            busy.pop()
            raise StorageError("database_busy", "It is locked by another program.")
        return is_held(engine, raw)

    monkeypatch.setattr(log_follower, "_is_held", looks)
    async with (
        running(tmp_path, town, "node1") as host,
        running(tmp_path, town, "node2") as guest,
        served(public_files(host)) as (url, files),
    ):
        await grown(host, town, 1)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(join, guest.runtime, files, url, is_done=lambda: False, pause_seconds=QUICK))
            await until(lambda: guest.runtime.engine.size == host.runtime.engine.size)
            nursery.cancel_scope.cancel()
    assert not busy


async def test_a_fault_in_the_reading_of_a_log_ends_only_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(faults, "_logged", {})
    monkeypatch.setattr("accredit.node.sync.keeping_up.LOOK_SECONDS", 0.01)
    town = founded("node1")
    odd: list[Exception] = [KeyError("odd"), ExceptionGroup("odd", [trio.ClosedResourceError("odd")])]
    kept, damaged = log_follower.reached_at, [StorageError("kept_damaged", "It was altered.")]

    class Odd(Peers):
        async def get(self, peer: str, url: str, *, max_bytes: int) -> bytes:
            if odd:
                raise odd.pop()
            return await super().get(peer, url, max_bytes=max_bytes)

    def reached(store: Reader, url: str) -> Frontier:
        if damaged:
            raise damaged.pop()
        return kept(store, url)

    monkeypatch.setattr(log_follower, "reached_at", reached)
    async with (
        running(tmp_path, town, "node1") as host,
        running(tmp_path, town, "node2") as guest,
        served(public_files(host)) as (url, _),
    ):
        await grown(host, town, 1)
        files = Odd()
        keeping_up = KeepingUp(guest.runtime, files, guest.ports.clock, name="node2", begin=[url])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(keeping_up.run)
            await until(lambda: guest.runtime.engine.size == host.runtime.engine.size)
            nursery.cancel_scope.cancel()
        await files.aclose()
    told = [record for record in caplog.records if record.getMessage() == "the reading of a log was given up"]
    assert len(told) == 3
