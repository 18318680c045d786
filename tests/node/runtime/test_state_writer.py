"""The noted state of a running node: it follows the notary, outlives restarts, and its damage ends what it must end."""

import logging
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from accredit.governance.records.encoded_records import encoded
from accredit.node.app import Node
from accredit.node.engine import Engine
from accredit.node.engine.events import NoteStands, SubmissionReply
from accredit.node.runtime.fitness import Fitness
from accredit.node.runtime.fold_keeping import FoldKeeping
from accredit.node.runtime.state_writer import Noting, joined
from accredit.node.storage.log_store import Store
from accredit.node.storage.state_store import NotedStore
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.errors import StorageError
from tests.strategies.bodies import register
from tests.strategies.consortium import Consortium
from tests.strategies.network import A
from tests.strategies.noted_states import Step, Story, issuers
from tests.strategies.real_node import running, until
from tests.strategies.signing import signing_town
from tests.strategies.stored_log import (
    ECOSYSTEM,
    ORIGIN,
    limit_pages,
    open_store,
    page_count,
    tamper,
)

T = TypeVar("T")


async def at_once(work: Callable[[], T]) -> T:
    return work()


class Told(Noting):
    """A node's, with a fold that somebody else tells what it holds."""

    def __init__(self, store: Store) -> None:
        self.kept = FoldKeeping(store, None)
        engine = Engine(
            ecosystem=ECOSYSTEM,
            name=ORIGIN,
            peer_signer=KeyPair(bytes(32)),
            state_signer=KeyPair(bytes(32)),
            random=random.Random(1),
        )
        super().__init__(NotedStore(store), self.kept, engine, at_once, Fitness(lambda: 0.0))

    def folds(self, step: Step) -> NoteStands:
        """The fold comes to that state; what stands by it."""
        for subject, raw in encoded(step.changed):
            self.kept.holdings.record_rows.put(subject, raw or b"")
        self.kept.holdings.committed.update(step.committed)
        return NoteStands(**step.given())

    def hears(self, step: Step) -> bool:
        """A quorum stands by that state, which the fold comes to."""
        return self.take(self.folds(step))


async def started(store: Store) -> Told:
    """Nothing is noted yet."""
    noting = Told(store)
    assert await noting.resume([]) == []
    return noting


# ------------------------------------------------------------------------------------------------------ in its turn


async def test_what_stands_meanwhile_is_stored_as_one(tmp_path: Path) -> None:
    with open_store(tmp_path / "node.sqlite") as store:
        noting, story = await started(store), Story()
        assert noting.hears(story.step(issuers(1, 2)))
        assert not noting.hears(story.step({("issuer", "did:web:i1.example"): None, **issuers(3)}))
        newest = story.step(issuers(2, word="was"))
        assert not noting.hears(newest)
        await noting.store()
        assert noting.noted.state == newest.state
        noting.noted.check(story.records)
        assert noting.hears(story.again()), "the next one has a turn of its own"


async def test_without_room_it_trails_and_is_whole_and_catches_up_with_the_next_note(tmp_path: Path) -> None:
    with open_store(tmp_path / "node.sqlite") as store:
        noting, story = await started(store), Story()
        noting.hears(story.step(issuers(*range(9))))
        await noting.store()
        before, state = dict(story.records), noting.noted.state
        pages = page_count(store)
        limit_pages(store, pages + 1)
        for n in (100, 200):
            assert noting.hears(story.step(issuers(*range(n, n + 90))))
            await noting.store()
            assert noting.noted.state == state
            noting.noted.check(before)
        limit_pages(store, 1000000)
        noting.hears(story.step(issuers(7, word="was")))
        await noting.store()
        noting.noted.check(story.records)


async def test_a_start_without_room_goes_on_and_makes_everything_anew_once_there_is_some(tmp_path: Path) -> None:
    with open_store(tmp_path / "node.sqlite") as store:
        noting, story = Told(store), Story()
        pages = page_count(store)
        limit_pages(store, pages + 1)
        await noting.resume([noting.folds(story.step(issuers(*range(90))))])
        assert noting.noted.state is None
        noting.hears(story.step(issuers(200)))
        await noting.store()
        assert noting.noted.state is None
        limit_pages(store, 1000000)
        noting.hears(story.step({("issuer", "did:web:i3.example"): None}))
        await noting.store()
        noting.noted.check(story.records)
        noting.hears(story.step(issuers(300)))
        await noting.store()
        noting.noted.check(story.records)


async def test_a_state_that_the_stored_records_do_not_lead_to_ends_it(tmp_path: Path) -> None:
    with open_store(tmp_path / "node.sqlite") as store:
        noting, story = await started(store), Story()
        step = story.step(issuers(1, 2))
        noting.hears(replace(step, changed=issuers(1)))
        with pytest.raises(StorageError) as refused:
            await noting.store()
        assert refused.value.code == "state_damaged"


async def test_at_the_start_other_effects_go_on_and_without_a_note_nothing_is_noted(tmp_path: Path) -> None:
    with open_store(tmp_path / "node.sqlite") as store:
        noting, story = Told(store), Story()
        other = SubmissionReply(token=1, results=())
        step = story.step(issuers(1))
        stands = noting.folds(step)
        assert await noting.resume([other, stands]) == [other]
        assert noting.noted.state == step.state
        again = Told(store)
        assert await again.resume([other]) == [other]
        assert again.noted.state is None
        assert joined(None, stands) == stands


# --------------------------------------------------------------------------------------------------- a running node


async def grown(node: Node, town: Consortium, *names: str) -> None:
    """Says so much more, and waits until it is noted."""
    said = [town.says(A, "issuer.register", register(f"did:web:{name}.example")) for name in names]
    if not node.runtime.engine.size:
        said = list(town.said)
    await node.runtime.submit([each.raw for each in said])
    noted, wanted = node.runtime.noted, len(town.said)
    await until(lambda: (state := noted.state) is not None and state.count == wanted)


async def test_deltas_outlive_a_restart(tmp_path: Path) -> None:
    town = signing_town(1)
    async with running(tmp_path, town, "node1") as node:
        await grown(node, town, "a")
        state = node.runtime.noted.state
        assert state is not None
        await grown(node, town, "b")
    async with running(tmp_path, town, "node1") as node:
        found = node.runtime.noted.changed_since(state.root)
        assert found is not None
        assert ("issuer", "did:web:b.example") in found[1]
        await grown(node, town, "c")
        later = node.runtime.noted.changed_since(state.root)
        assert later is not None
        assert set(later[1]) == {*found[1], ("issuer", "did:web:c.example")}


async def test_records_damaged_while_it_was_down_are_made_anew_from_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    town, path = signing_town(1), tmp_path / "node1" / "node.sqlite"
    async with running(tmp_path, town, "node1") as node:
        await grown(node, town, "a")
        sound = dict(node.runtime.noted.items())
    tamper(path, "UPDATE noted_records SET raw = x'a0' WHERE type = 'issuer'")
    with caplog.at_level(logging.WARNING):
        async with running(tmp_path, town, "node1") as node:
            assert dict(node.runtime.noted.items()) == sound
            assert node.runtime.noted.state is not None
            await grown(node, town, "b")
    assert "noted state made anew" in caplog.text


async def test_a_map_damaged_while_it_runs_ends_the_node_before_it_serves_it_on(tmp_path: Path) -> None:
    town, path = signing_town(1), tmp_path / "node1" / "node.sqlite"
    with pytest.raises(BaseExceptionGroup) as ended:  # noqa: PT012 - where in it the node ends is its own business
        async with running(tmp_path, town, "node1") as node:
            await grown(node, town, "a", "b", "c")
            tamper(path, "UPDATE records_leaves SET value = zeroblob(32)")
            said = town.says(A, "issuer.register", register("did:web:d.example"))
            await node.runtime.submit([said.raw])
            await until(lambda: node.runtime.is_stopping)
    assert ended.group_contains(StorageError, match="does not lead to its hash|do not lead to the root")
    async with running(tmp_path, town, "node1") as node:
        await node.runtime.submit([said.raw])  # it may have ended before this was in its log
        await grown(node, town, "e")
