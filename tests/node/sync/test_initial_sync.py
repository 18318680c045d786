"""A newcomer takes in a log at once: whole, in its own order, and nothing that a liar made up."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache, partial
from pathlib import Path

import pytest
import trio

from accredit.governance.rules.rulebook import is_urgent
from accredit.governance.standing import standing_of
from accredit.node.app import Node
from accredit.node.clients.peer_http import Peers
from accredit.node.storage.log_store import Store
from accredit.node.sync.initial_sync import Bulk
from accredit.node.sync.log_follower import join, reached_at
from accredit.registry.transparency.merkle import leaf_hash
from accredit.registry.transparency.tiles import TILE_WIDTH, Frontier, derive_root
from tests.strategies.bodies import register
from tests.strategies.consortium import Consortium
from tests.strategies.network import A, B, founded, node_entry, storied
from tests.strategies.public_log import CHECKPOINT, GENESIS, PublicLog, bundle_path, hosted
from tests.strategies.real_node import Links, public_files, running, until
from tests.strategies.stored_log import limit_pages
from tests.strategies.web import serve

BATCH = 300  # not a multiple of a bundle, nor of what a pool hands out
MANY = 800
"""Three bundles and a part of one; at each lie all of it is verified."""

PROCESSES = 2


@cache
def told() -> Consortium:
    """`storied`, for tests that add nothing to it."""
    return storied("node1", MANY)


@cache
def told_root() -> bytes:
    """What it means, by a fold that no node has made."""
    return told().fold().state_root()


@asynccontextmanager
async def newcomer(
    folder: Path, town: Consortium, *urls: str, workers: int = 1, timeout_seconds: float = 5.0, name: str = "node2"
) -> AsyncIterator[Node]:
    """A node that the ecosystem does not know, after it has tried these."""
    peers = Peers(timeout_seconds=timeout_seconds)
    bulk = Bulk(
        peers, [f"{url}/" for url in urls], workers=workers, batch=BATCH, retry_seconds=(0.01,), round_seconds=(0.01,)
    )
    try:
        async with running(folder, town, name, workers=workers, bulk=bulk) as node:
            yield node
    finally:
        await peers.aclose()


def check_whole(node: Node, town: Consortium) -> None:
    """It holds what was said, means the same by it, and signs and feeds it as its own."""
    root = told_root() if town is told() else town.fold().state_root()
    assert node.runtime.fold.state_root() == root
    assert node.store.head() == (len(town.said), derive_root(leaf_hash(raw) for raw in node.store.entries(0, 10**6)))
    signed = node.store.checkpoint()
    assert signed is not None
    assert signed[0] == len(town.said)
    assert signed[1].startswith("node2\n")
    assert node.store.changes_size() == len(town.said)


@pytest.mark.parametrize("workers", [1, PROCESSES])
async def test_the_whole_log_is_there_before_the_node_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    monkeypatch.setattr("accredit.node.sync.verify_queue.WORTHWHILE", 100)
    monkeypatch.setattr("accredit.node.sync.verify_pool.CHUNK", 64)
    town = told()
    log = PublicLog.of(town)
    async with hosted(log) as (url,), newcomer(tmp_path, town, url, workers=workers) as node:
        check_whole(node, town)
        fed = {change.statement: change.change for _, change in node.store.changes(0, 10**6)}
        last = {id: word for id, word in fed.items() if word == "took_effect"}
        assert set(last) == {each.id for each in town.said if standing_of(node.runtime.fold, each.id).voice is not None}  # type: ignore[union-attr]
        assert any(is_urgent(each) for each in town.said)
    assert log.asked.count(bundle_path(0)) == 1
    assert log.asked[:2] == [GENESIS, CHECKPOINT]
    assert not [path for path in log.asked if "/tile/0/" in path], "hash tiles are not needed"


async def test_the_next_start_reads_on_where_the_last_one_ended(tmp_path: Path) -> None:
    town = storied("node1", MANY)
    log = PublicLog.of(town)
    cut = 2 * TILE_WIDTH
    log.missing = {bundle_path(2)}
    async with hosted(log) as (url,):
        async with newcomer(tmp_path, town, url) as node:
            assert 0 < node.runtime.engine.size <= cut
            assert reached_at(node.store, url).size == node.runtime.engine.size
            signed = node.store.checkpoint()
            assert signed is not None
            assert signed[0] == node.runtime.engine.size, "a part of their log is a whole log of ours"
        log.missing.clear()
        log.asked.clear()
        async with newcomer(tmp_path, town, url) as node:
            check_whole(node, town)
        assert bundle_path(0) not in log.asked
        town.says(A, "issuer.register", register("did:web:late.example"))
        log.entries.append(town.said[-1].raw)
        log.asked.clear()
        async with newcomer(tmp_path, town, url) as node:
            check_whole(node, town)
        assert log.asked == [CHECKPOINT, bundle_path(3, len(town.said) % TILE_WIDTH), CHECKPOINT]


async def test_what_is_logged_meanwhile_is_read_too(tmp_path: Path) -> None:
    """The node it reads from goes on, and grows by more than a bundle during each of two pulls, then by less."""
    town = storied("node1", 600)
    began = len(town.said)
    log = PublicLog.of(town)
    bursts = [300, 300, 3, 2]

    def grow(path: str) -> None:
        if path.startswith("/log/tile") and ".p/" in path and bursts:
            for number in range(bursts.pop(0)):
                town.says(A, "issuer.register", register(f"did:web:more{len(bursts)}-{number}.example"))
            log.entries = [each.raw for each in town.said]

    log.on_asked = grow
    async with hosted(log) as (url,), newcomer(tmp_path, town, url) as node:
        assert node.runtime.engine.size == began + 603
        async with trio.open_nursery() as nursery:
            peers = Peers()
            nursery.start_soon(partial(join, node.runtime, peers, url, pause_seconds=(0.02, 0.1)))
            await until(lambda: node.runtime.engine.size == len(town.said) == began + 605)
            nursery.cancel_scope.cancel()
        await peers.aclose()
        assert log.asked.count(bundle_path(0)) == 1


async def test_a_newcomer_reconciles_with_what_was_said_elsewhere(tmp_path: Path) -> None:
    """Admitted by what it takes in, it gossips at once, and learns what the log it read does not have."""
    town = founded("node1")
    admitted = town.says(A, "node.admit", node_entry("node2"), sub="node2")
    town.votes(B, admitted)
    links, peers = Links(), Peers()
    async with running(tmp_path, town, "node1", transport=links) as host, trio.open_nursery() as nursery:
        await host.runtime.submit([each.raw for each in town.said])
        web = await nursery.start(serve, public_files(host))
        async with running(tmp_path, town, "node2", transport=links, bulk=Bulk(peers, [web.url])) as guest:
            assert guest.runtime.engine.is_member
            assert guest.runtime.engine.size == len(town.said)
            late = town.says(A, "issuer.register", register())
            await host.runtime.submit([late.raw])
            await until(lambda: late.id in guest.runtime.engine)
        nursery.cancel_scope.cancel()
    await peers.aclose()


def tampered(log: PublicLog) -> str:
    """A byte of one entry; the root it signs is of what it serves."""
    raw = log.entries[700]
    log.entries[700] = raw[:-1] + bytes([raw[-1] ^ 1])
    return "Entry 700 of the log at"


def inadmissible(log: PublicLog) -> str:
    log.entries.insert(600, founded("node7").says(A, "issuer.register", register()).raw)
    return "Entry 600 of the log at"


def garbage(log: PublicLog) -> str:
    log.entries[799] = b"no statement"
    return "Entry 799 of the log at"


def other_root(log: PublicLog) -> str:
    log.root = bytes(32)
    return "not lead to the"


def reordered(log: PublicLog) -> str:
    log.served[1] = lambda entries: [entries[1], entries[0], *entries[2:]]
    return "not lead to the"


def forged(log: PublicLog) -> str:
    log.signer = "node3"
    return "unsigned"


def repeating(log: PublicLog) -> str:
    whole = log.entries
    log.entries = whole[:512] * 40
    return "repeats statements: its first"


def withholding(log: PublicLog) -> str:
    log.missing = {bundle_path(2)}
    return "Entries 512 to 767 of the log at"


def endless(log: PublicLog) -> str:
    log.endless = {bundle_path(2)}
    return "Entries 512 to 767 of the log at"


def dripping(log: PublicLog) -> str:
    log.slowly = {bundle_path(2)}
    return "Entries 512 to 767 of the log at"


def boasting(log: PublicLog) -> str:
    """More entries than atoms: it has to hand them out."""
    log.size = 2**60
    log.root = bytes(32)
    return "cannot be fetched"


def foreign(log: PublicLog) -> str:
    log.genesis = founded("node9").genesis.raw
    return "belongs to the ecosystem"


LIARS = (
    tampered, inadmissible, garbage, other_root, reordered, forged, repeating, withholding, endless, dripping, boasting,
    foreign,
)  # fmt: skip


@pytest.mark.parametrize("lie", LIARS, ids=lambda lie: lie.__name__)
async def test_a_log_that_lies_is_refused_by_name_and_the_next_is_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, lie: Callable[[PublicLog], str]
) -> None:
    town = told()
    liar, honest = PublicLog.of(town), PublicLog.of(town)
    expected = lie(liar)
    with caplog.at_level(logging.WARNING, "accredit.node.sync.initial_sync"):
        async with (
            hosted(liar, honest) as (bad, good),
            newcomer(tmp_path, town, bad, good, timeout_seconds=0.5) as node,
        ):
            check_whole(node, town)
            assert set(node.store.entries(0, len(town.said))) == {each.raw for each in town.said}
            held = reached_at(node.store, bad)
            assert reached_at(node.store, good).size == len(town.said)
    said = [f"{record.accredit_fields['code']}: {record.accredit_fields['reason']}" for record in caplog.records]  # type: ignore[attr-defined]
    assert len(said) == 1
    assert expected in said[0]
    is_lie = caplog.records[0].levelno == logging.ERROR
    assert (held == Frontier()) if is_lie else (0 < held.size < len(town.said))


async def test_without_a_log_that_will_do_the_node_runs_and_goes_on_trying(tmp_path: Path) -> None:
    town = storied("node1", 300)
    log = PublicLog.of(town)
    log.missing = {CHECKPOINT, GENESIS}
    async with hosted(log) as (url,):
        async with newcomer(tmp_path, town, url, "http://127.0.0.1:9") as node:
            assert node.runtime.engine.size == 0
            assert log.asked.count(GENESIS) == 2, "it has nothing, and so it tries twice"
            log.missing = {CHECKPOINT}
        async with newcomer(tmp_path, town, url) as node:
            assert node.runtime.engine.size == 1
            asked = len(log.asked)
        async with newcomer(tmp_path, town, url) as node:
            assert len(log.asked) == asked + 1, "with something to show it does not keep anybody waiting"
            log.missing = set()
            async with trio.open_nursery() as nursery:
                peers = Peers()
                nursery.start_soon(partial(join, node.runtime, peers, url, pause_seconds=(0.02, 0.1)))
                await until(lambda: node.runtime.engine.size == len(town.said))
                nursery.cancel_scope.cancel()
            await peers.aclose()


async def test_a_node_that_is_busy_for_a_moment_is_asked_again(tmp_path: Path) -> None:
    town = told()
    log = PublicLog.of(town)
    log.ill = {bundle_path(1): 1, bundle_path(3, MANY % TILE_WIDTH): 1}
    async with hosted(log) as (url,), newcomer(tmp_path, town, url) as node:
        check_whole(node, town)


async def test_a_full_disk_is_waited_for_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("accredit.node.sync.initial_sync.FULL_SECONDS", (0.01, 0.02))
    town = told()
    log = PublicLog.of(town)
    original, full = Store.append, list[Store]()

    def append(store: Store, raws: list[tuple[bytes, bytes]]) -> tuple[int, bytes]:
        if not full:
            limit_pages(store, 60)
            full.append(store)
        return original(store, raws)

    async def make_room() -> None:
        """A little whenever there was none, so that it is short of it in every kind of write."""
        for pages in range(60, 10_000, 8):
            said = len(caplog.records)
            await until(lambda said=said: len(caplog.records) > said)  # type: ignore[misc]
            limit_pages(full[0], pages)

    monkeypatch.setattr(Store, "append", append)
    with caplog.at_level(logging.ERROR, "accredit.node.sync.initial_sync"):
        async with hosted(log) as (url,), trio.open_nursery() as nursery:
            nursery.start_soon(make_room)
            async with newcomer(tmp_path, town, url) as node:
                check_whole(node, town)
                nursery.cancel_scope.cancel()
    assert len(caplog.records) > 10
    assert all("disk_full" in str(record.__dict__) for record in caplog.records)
