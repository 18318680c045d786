"""Nodes with real SQLite: what is answered is stored and signed; what was killed half-way is finished, never forked."""

import contextlib
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from accredit.gossip.exchanges.requester import Exchanges
from accredit.gossip.protocol.config import GossipConfig
from accredit.gossip.protocol.events import Ticked
from accredit.node import faults
from accredit.node.app import Node
from accredit.node.clients.peer_http import MEDIA_TYPE, NO_HEADERS, Peers
from accredit.node.engine import Effect, Engine, Event, notary_events
from accredit.node.engine.notary import Notary
from accredit.node.runtime import persistence
from accredit.node.runtime.runtime import Runtime
from accredit.node.storage.audit import audit
from accredit.node.storage.log_store import Change, Store
from accredit.node.storage.signing_guard import SignedHead, SignedState
from accredit.registry.errors import BusyError, RemoteError, StorageError
from accredit.registry.transparency.checkpoint import open_checkpoint
from accredit.registry.transparency.signed_note import KeyType, VerifierKey
from tests.strategies.bodies import register
from tests.strategies.consortium import Consortium
from tests.strategies.network import A, founded, issuer_body
from tests.strategies.real_node import Links, config_of, keys_of, public_files, running, until
from tests.strategies.stored_log import limit_pages, page_count
from tests.strategies.web import serve


def raws_of(town: Consortium) -> list[bytes]:
    return [each.raw for each in town.said]


def check(node: Node) -> None:
    """The stored bytes lead to the stored tree, the signed checkpoint is over all of it, the fold is its log's."""
    size, root = audit(node.store)
    signed = node.store.checkpoint()
    assert signed is not None
    key = VerifierKey(name=node.keys.name, type=KeyType.ED25519, public=node.keys.log.public_key)
    checkpoint = open_checkpoint(signed[1].encode(), key).checkpoint
    assert (checkpoint.size, checkpoint.root) == (size, root) == (node.runtime.engine.size, root)
    assert node.store.changes_size() == size


async def settled(node: Node) -> None:
    await until(lambda: node.store.changes_size() == node.runtime.engine.size)


async def test_an_answer_comes_only_under_a_signed_checkpoint(tmp_path: Path) -> None:
    town = founded("node1")
    async with running(tmp_path, town, "node1") as node:
        results = await node.runtime.submit(raws_of(town))
        assert [each.status for each in results] == ["logged"] * 3
        signed = node.store.checkpoint()
        assert signed is not None
        assert signed[0] == 3
        assert node.store.entries(0, 3) == raws_of(town)
        assert (await node.runtime.submit([town.genesis.raw]))[0].index == 0
        await settled(node)
        check(node)
        kinds = [change.kind for _, change in node.store.changes(0, 10)]
        assert kinds == ["charter.genesis"]
        assert node.runtime.fold.charter is not None


async def test_who_is_answered_finds_in_the_feed_what_was_said(tmp_path: Path) -> None:
    town = founded("node1")
    town.says(A, "issuer.register", issuer_body())
    async with running(tmp_path, town, "node1") as node:
        await node.runtime.submit(raws_of(town))
        assert node.store.changes_size() == 4
        assert {change.kind for _, change in node.store.changes(0, 10)} == {"charter.genesis", "issuer.register"}


async def test_a_restart_gives_the_same_state_and_feeds_nothing_twice(tmp_path: Path) -> None:
    town = founded("node1")
    town.says(A, "issuer.register", issuer_body())
    async with running(tmp_path, town, "node1") as node:
        await node.runtime.submit(raws_of(town))
        await settled(node)
        before, feed = node.runtime.fold.state_root(), node.store.changes(0, 100)
    seen: list[tuple[int, int]] = []
    async with running(tmp_path, town, "node1", progress=lambda done, size: seen.append((done, size))) as node:
        assert node.runtime.fold.state_root() == before
        assert seen[-1] == (4, 4)
        await settled(node)
        assert node.store.changes(0, 100) == feed
        check(node)


async def test_a_start_feeds_what_a_killed_node_did_not_in_batches_and_each_change_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The feed ends in the middle of a batch, and the disk is full for a while."""
    town = founded("node1")
    for number in range(17):
        town.says(A, "issuer.register", register(f"did:web:i{number}.example"))
    monkeypatch.setattr(persistence, "LOAD_BATCH", 4)
    add_changes, sizes = Store.add_changes, []

    def add(store: Store, changes: Sequence[Change], *, size: int) -> None:
        sizes.append(size)
        if len(sizes) == 3:
            raise StorageError("disk_full", "full.")
        add_changes(store, changes, size=size)

    path = config_of(tmp_path, town, "node1").database
    with Store.open(path, ecosystem=town.eco, origin="node1") as store:
        store.append([(each.id, each.raw) for each in town.said])
        store.add_changes([], size=6)
    monkeypatch.setattr(Store, "add_changes", add)
    async with running(tmp_path, town, "node1") as node:
        await settled(node)
        size = len(town.said)
        assert sizes == [10, 14, 18, size], "two batches, one that finds no room, and at the end all that is left"
        fed = [change.statement for _, change in node.store.changes(0, 100)]
        assert sorted(fed) == sorted(each.id for each in town.said[6:])
        check(node)


async def test_what_was_stored_and_not_signed_when_killed_is_signed_at_the_start(tmp_path: Path) -> None:
    town = founded("node1")
    with Store.open(tmp_path / "node1" / "node.sqlite", ecosystem=town.eco, origin="node1") as store:
        store.append([(each.id, each.raw) for each in town.said])
    async with running(tmp_path, town, "node1") as node:
        await settled(node)
        check(node)
        assert [change.kind for _, change in node.store.changes(0, 10)] == ["charter.genesis"]


async def test_a_restored_backup_is_not_started(tmp_path: Path) -> None:
    town = founded("node1")
    async with running(tmp_path, town, "node1") as node:
        await node.runtime.submit(raws_of(town))
        node.store.backup(tmp_path / "backup.db")
        await node.runtime.submit([town.says(A, "issuer.register", issuer_body()).raw])
    for leftover in tmp_path.glob("node1.db*"):
        leftover.unlink()
    (tmp_path / "backup.db").rename(tmp_path / "node1" / "node.sqlite")
    with pytest.raises(StorageError) as caught:
        async with running(tmp_path, town, "node1"):
            pass
    assert caught.value.code == "log_rolled_back"


async def test_a_log_changed_behind_our_back_is_not_loaded(tmp_path: Path) -> None:
    town = founded("node1")
    forged = town.said[1].raw[:-1] + bytes([town.said[1].raw[-1] ^ 1])
    with Store.open(tmp_path / "node1" / "node.sqlite", ecosystem=town.eco, origin="node1") as store:
        store.append([(town.genesis.id, town.genesis.raw), (town.said[1].id, forged)])
    with pytest.raises(StorageError) as caught:
        async with running(tmp_path, town, "node1"):
            pass
    assert caught.value.code == "log_inadmissible"


async def test_a_full_disk_is_the_answer_and_nothing_is_told_to_have_happened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite's own "database or disk is full", by its page limit."""
    town = founded("node1")
    async with running(tmp_path, town, "node1") as node:
        await node.runtime.submit(raws_of(town))
        pages = page_count(node.store)
        limit_pages(node.store, pages)
        many = [town.says(A, "issuer.register", issuer_body(number), heard=False).raw for number in range(300)]
        monkeypatch.setattr("accredit.node.engine.engine.STORAGE_PAUSE", 0)
        results = await node.runtime.submit(many)
        assert {each.status for each in results} == {"refused"}
        assert {each.error.code for each in results if each.error} == {"disk_full"}
        assert node.runtime.engine.size == node.store.size() == 3
        limit_pages(node.store, 1000000)
        assert {each.status for each in await node.runtime.submit(many)} == {"logged"}
        await settled(node)
        check(node)


@pytest.mark.parametrize("code", ["disk_full", "database_busy", "system_exhausted"])
async def test_signing_waits_for_room_and_the_answer_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    """The statements are stored, the file of the last head is not: nobody is told anything before it is."""
    monkeypatch.setattr("accredit.node.runtime.persistence.RETRY_SECONDS", (0.02, 0.05))
    town = founded("node1")
    full = True
    record = SignedHead.record

    def record_if_room(self: SignedHead, size: int, root: bytes) -> None:
        if full:
            raise StorageError(code, "not now.")
        record(self, size, root)

    monkeypatch.setattr(SignedHead, "record", record_if_room)
    async with running(tmp_path, town, "node1") as node, trio.open_nursery() as nursery:
        results: list[str] = []

        async def submit() -> None:
            results.extend(each.status for each in await node.runtime.submit(raws_of(town)))

        nursery.start_soon(submit)
        await until(lambda: node.store.size() == 3)
        await trio.sleep(0.1)
        assert node.store.checkpoint() is None
        assert results == []
        full = False
        await until(lambda: results == ["logged"] * 3)
        await settled(node)
        check(node)


async def test_a_store_that_disagrees_ends_the_node(tmp_path: Path) -> None:
    town = founded("node1")
    with pytest.RaisesGroup(pytest.RaisesExc(StorageError, match="do not lead to the root"), flatten_subgroups=True):
        async with running(tmp_path, town, "node1") as node:
            node.runtime._keeping._frontier = node.runtime._keeping._frontier.append(bytes(32))
            with pytest.raises(BusyError, match="shutting down"):
                await node.runtime.submit([town.genesis.raw])
    with pytest.RaisesGroup(pytest.RaisesExc(StorageError, match="already in the log"), flatten_subgroups=True):
        async with running(tmp_path / "other", town, "node1") as node:
            node.store.append([(town.genesis.id, town.genesis.raw)])
            with pytest.raises(BusyError, match="shutting down"):
                await node.runtime.submit([town.genesis.raw])


async def test_changes_that_found_no_room_go_with_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    town = founded("node1")
    add_changes = Store.add_changes
    monkeypatch.setattr(
        Store, "add_changes", lambda *_, **__: (_ for _ in ()).throw(StorageError("disk_full", "full."))
    )
    async with running(tmp_path, town, "node1") as node:
        await node.runtime.submit(raws_of(town))
        await trio.sleep(0.05)
        assert node.store.changes_size() == 0
        monkeypatch.setattr(Store, "add_changes", add_changes)
        await node.runtime.submit([town.says(A, "issuer.register", issuer_body()).raw])
        await settled(node)
        assert [change.kind for _, change in node.store.changes(0, 9)] == ["charter.genesis", "issuer.register"]


async def test_who_hangs_up_does_not_take_his_statement_back(tmp_path: Path) -> None:
    town = founded("node1")
    async with running(tmp_path, town, "node1") as node:
        with trio.move_on_after(0):
            await node.runtime.submit(raws_of(town))
        await until(lambda: node.runtime.engine.size == 3)


async def test_a_node_that_stops_answers_those_who_wait_and_takes_nothing_new(tmp_path: Path) -> None:
    town = founded("node1")
    async with running(tmp_path, town, "node1") as node, trio.open_nursery() as nursery:
        statuses: list[str] = []

        async def submit() -> None:
            statuses.extend(each.status for each in await node.runtime.submit(raws_of(town)))

        nursery.start_soon(submit)
        await wait_all_tasks_blocked()
        await node.runtime.stop()
        await until(lambda: statuses == ["logged"] * 3)
        assert node.runtime.is_stopping
        with pytest.raises(BusyError, match="shutting down"):
            await node.runtime.submit(raws_of(town))
        assert (await node.runtime.gossip(b"")).status == 503


async def test_three_nodes_come_to_hold_the_same(tmp_path: Path) -> None:
    town = founded("node1", "node2", "node3")
    links = Links()
    async with contextlib.AsyncExitStack() as stack:
        nodes = [
            await stack.enter_async_context(running(tmp_path, town, f"node{number}", transport=links))
            for number in (1, 2, 3)
        ]
        for node in nodes:
            await node.runtime.submit([town.genesis.raw])
        await nodes[0].runtime.submit(raws_of(town))
        links.down.add("node3")
        issuers = [town.says(A, "issuer.register", issuer_body(number)) for number in range(20)]
        await nodes[1].runtime.submit([each.raw for each in issuers])
        await until(lambda: nodes[0].runtime.engine.size == 23)
        assert nodes[2].runtime.engine.size < 23
        links.down.clear()
        await until(lambda: nodes[2].runtime.engine.size == 23)
        for node in nodes:
            await settled(node)
            check(node)
        assert len({node.runtime.fold.state_root() for node in nodes}) == 1
        assert {peer.name for peer in nodes[0].runtime.statistics().peers} == {"node2", "node3"}


async def test_a_fault_in_an_exchange_with_a_peer_ends_only_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever a library raises when a connection breaks, and whatever an answer meets here."""
    monkeypatch.setattr(faults, "_logged", {})
    monkeypatch.setattr("accredit.node.runtime.runtime.TICK", 20)
    post, on_answer, handle = Links.post, Exchanges._on_answer, Engine.handle
    of_post: list[Exception] = [KeyError("odd"), trio.BusyResourceError("odd"), ExceptionGroup("odd", [OSError("odd")])]
    of_answer, of_time = [IndexError("odd"), IndexError("odd")], [ValueError("odd")]

    async def posts(links: Links, *words: Any, **more: Any) -> tuple[int, bytes]:
        if of_post:
            raise of_post.pop()
        return await post(links, *words, **more)

    def answers(exchanges: Exchanges, *words: Any) -> None:
        if of_answer:
            raise of_answer.pop()
        on_answer(exchanges, *words)

    def handles(engine: Engine, event: Event, *, now: int) -> list[Effect]:
        if of_time and isinstance(event, Ticked):
            raise of_time.pop()
        return handle(engine, event, now=now)

    monkeypatch.setattr(Links, "post", posts)
    monkeypatch.setattr(Exchanges, "_on_answer", answers)
    monkeypatch.setattr(Engine, "handle", handles)
    town, links = founded("node1", "node2"), Links()
    async with (
        running(tmp_path, town, "node1", transport=links) as one,
        running(tmp_path, town, "node2", transport=links) as two,
    ):
        await two.runtime.submit([town.genesis.raw])
        await one.runtime.submit(raws_of(town))
        await until(lambda: not (of_post or of_answer or of_time))
        await one.runtime.submit([town.says(A, "issuer.register", issuer_body()).raw])
        await until(lambda: two.runtime.engine.size == one.runtime.engine.size == len(town.said))
    told = {record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR}
    assert told == {
        "a frame to another node was given up",
        "an exchange with another node was given up",
        "what was due was given up",
    }


async def test_a_node_that_gives_up_all_that_is_due_says_so_and_logs_what_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It called itself ready, and nobody who submitted anything was ever answered."""
    monkeypatch.setattr("accredit.node.runtime.runtime.TICK", 20)
    handle = Notary.handle

    def handles(notary: Notary, event: Any, *, now: int) -> Any:
        if isinstance(event, notary_events.Ticked):
            raise ValueError("odd")
        return handle(notary, event, now=now)

    town = founded("node1")
    async with running(tmp_path, town, "node1") as node:
        await node.runtime.submit(raws_of(town))
        assert not node.runtime.fitness.obstacles()
        with monkeypatch.context() as odd:
            odd.setattr(Notary, "handle", handles)
            with trio.fail_after(60):
                said = town.says(A, "issuer.register", issuer_body())
                assert [one.status for one in await node.runtime.submit([said.raw])] == ["logged"]
            (obstacle,) = node.runtime.fitness.obstacles()
            assert "given up" in obstacle
            assert node.runtime.fitness.alarms() == [obstacle]
        await node.runtime.submit([town.says(A, "issuer.register", issuer_body(1)).raw])
        await until(lambda: not node.runtime.fitness.obstacles())


async def test_an_urgent_statement_does_not_wait_for_the_tick(tmp_path: Path) -> None:
    town = founded("node1")
    async with running(tmp_path, town, "node1") as node:
        await node.runtime.submit(raws_of(town))
        node.runtime.engine._pending._tick = 60_000
        with trio.fail_after(5):
            retire = town.says(A, "node.retire", {"name": "node9"}, sub="node9")
            assert (await node.runtime.submit([retire.raw]))[0].status == "logged"


async def test_two_nodes_talk_over_http(tmp_path: Path) -> None:
    town = founded("node1", "node2")  # their URLs are replaced by where they listen, below
    async with trio.open_nursery() as nursery:
        urls: dict[str, str] = {}
        transports = {name: Rerouted(urls) for name in ("node1", "node2")}
        async with contextlib.AsyncExitStack() as stack:
            nodes = {
                name: await stack.enter_async_context(running(tmp_path, town, name, transport=transports[name]))
                for name in ("node1", "node2")
            }
            for name, node in nodes.items():
                urls[f"https://{name}"] = (await nursery.start(serve, public_files(node))).url
                await node.runtime.submit([town.genesis.raw])
            await nodes["node1"].runtime.submit(raws_of(town))
            await until(lambda: nodes["node2"].runtime.engine.size == 3)
        for transport in transports.values():
            await transport.aclose()
        nursery.cancel_scope.cancel()


class Rerouted(Peers):
    """Real HTTP, to the ports that a test got."""

    def __init__(self, urls: dict[str, str]) -> None:
        super().__init__()
        self._urls = urls

    async def post(
        self,
        peer: str,
        url: str,
        data: bytes,
        *,
        max_bytes: int,
        media_type: str = MEDIA_TYPE,
        seconds: float = 0.0,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> tuple[int, bytes]:
        base = "/".join(url.split("/")[:3])
        if base not in self._urls:
            raise RemoteError("unreachable", "it has not started yet.")
        there = url.replace(base, self._urls[base])
        more: dict[str, Any] = {"media_type": media_type, "seconds": seconds, "headers": headers}
        return await super().post(peer, there, data, max_bytes=max_bytes, **more)


async def test_the_pushes_of_a_member_reach_it_before_any_comparison(tmp_path: Path) -> None:
    town = founded("node1", "node2")
    links, slow = Links(), GossipConfig(root_interval=10**8)
    async with (
        running(tmp_path, town, "node1", transport=links, gossip=slow) as one,
        running(tmp_path, town, "node2", transport=links, gossip=slow) as two,
    ):
        await two.runtime.submit([town.genesis.raw])
        await one.runtime.submit(raws_of(town))
        await until(lambda: two.runtime.engine.size == 3)


async def test_a_runtime_that_was_never_started_takes_nothing(tmp_path: Path) -> None:
    town = founded("node1")
    with Store.open(tmp_path / "node1" / "node.sqlite", ecosystem=town.eco, origin="node1") as store:
        async with running(tmp_path / "elsewhere", town, "node1") as node:
            runtime = await Runtime.open(
                store=store,
                head=SignedHead(tmp_path / "head.json"),
                state=SignedState(tmp_path / "state.json"),
                keys=keys_of("node1"),
                peers=Links(),
                clock=node.runtime._clock,
            )
        with pytest.raises(BusyError):
            await runtime.submit([town.genesis.raw])
