"""A checker that never fails checks nothing: each is shown a world in which what it guards is broken."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from accredit.simulations.checkers import (
    Bounds,
    NothingLost,
    OneHistory,
    QuorumNotes,
    RecordsRederived,
    Violation,
    all_checkers,
)
from accredit.simulations.run.run import RunOutcome, run
from accredit.simulations.scenarios import Scenario
from accredit.simulations.virtual.facts import Saying
from accredit.simulations.virtual.settings import Settings
from accredit.simulations.virtual.world import World


def story(plan: Callable[[World], Any], *, bounds: Bounds | None = None, **settings: Any) -> RunOutcome:
    """A scenario of its own, run."""
    usual = {"nodes": 5, "seconds": 10.0, "settle": 30.0}
    return run(
        Scenario(
            name="story",
            summary="A story.",
            plan=plan,
            settings=Settings(**(usual | settings)),
            bounds=bounds or Bounds(),
        )
    )


def people(world: World) -> None:
    world.workload.registrations(every=1)
    world.workload.revocations(every=2)


def failed(outcome: RunOutcome) -> str:
    return "" if outcome.failure is None else outcome.failure.checker


def ended_world() -> World:
    """A small world in which all went well."""
    world = World(Settings(nodes=4, seconds=5.0), checkers=all_checkers(Bounds()))
    people(world)
    world.run()
    return world


def test_nothing_fails_where_nothing_is_broken() -> None:
    assert failed(story(people)) == ""


def test_a_disk_that_forgets_what_it_synced_is_seen() -> None:
    def plan(world: World) -> None:
        people(world)

        def sabotage() -> None:
            host = world.hosts[0]
            host.crash()
            del host.disk.entries[-1]
            host.start()

        world.at(8, sabotage)

    assert failed(story(plan)) == "one_history"


def test_a_history_written_anew_is_seen_at_the_end() -> None:
    world = ended_world()
    host = world.hosts[1]
    host.disk.entries[-1], host.disk.entries[-2] = host.disk.entries[-2], host.disk.entries[-1]
    with pytest.raises(Violation, match="another history"):
        OneHistory().on_end(world)


def test_a_statement_that_nobody_signed_is_seen_when_it_is_logged() -> None:
    def plan(world: World) -> None:
        world.at(2, lambda: world.town.signed.pop(world.workload.register().statement.id))

    assert failed(story(plan)) == "valid_statements"


def test_a_world_that_does_not_recover_in_time_is_seen() -> None:
    def plan(world: World) -> None:
        world.at(9.9, lambda: world.workload.register())

    assert failed(story(plan, settle=1.0, tick=60_000)) == "one_root"


def test_an_answered_statement_that_is_nowhere_is_seen() -> None:
    world = ended_world()
    said = world.town.grants_to("https://lost.example/", 0)
    world.workload.sayings[said.id] = Saying(
        statement=said, is_urgent=False, said_at=0, answered_at=1, answered_by="n0000.example"
    )
    with pytest.raises(Violation, match="4 nodes lack it"):
        NothingLost().on_end(world)


def test_records_that_do_not_follow_from_the_disk_are_seen() -> None:
    world = ended_world()
    more = world.town.grants_to("https://new.example/", 0)
    world.hosts[2].disk.entries.append((more.id, more.raw))
    with pytest.raises(Violation, match=r"n0002\.example does not follow"):
        RecordsRederived().on_end(world)


def test_a_byte_changed_on_a_disk_is_seen() -> None:
    world = ended_world()
    id, raw = world.hosts[2].disk.entries[5]
    world.hosts[2].disk.entries[5] = (id, raw[:-1] + bytes([raw[-1] ^ 1]))
    with pytest.raises(Violation, match="other bytes"):
        RecordsRederived().on_end(world)


def test_a_queue_beyond_its_limit_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(World, "queue_limit", -1)
    assert failed(story(people)) == "bounded"


def test_more_of_a_forked_key_than_may_be_brought_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The node counts by other numbers than the checker."""
    monkeypatch.setattr("accredit.node.engine.fork_allowance.ForkAllowance.take", lambda *_: None)
    monkeypatch.setattr("accredit.node.engine.fork_allowance.PATIENCE", 0)
    monkeypatch.setattr("accredit.node.engine.fork_allowance.FORKS_AT_ONCE", 4)

    def plan(world: World) -> None:
        pen = world.workload.retire_pen()

        def say() -> None:
            world.workload.say(world.governing.register(replace(pen)), world.hosts[0])

        for moment in range(1, 12):
            world.at(moment / 2, say)

    assert failed(story(plan)) == "forks_bounded"


@pytest.mark.parametrize(
    ("bounds", "word"),
    [
        (Bounds(urgent_p99=1), "urgent p99"),
        (Bounds(urgent_max=1), "urgent max"),
        (Bounds(normal_max=1), "normal max"),
        (Bounds(one_root=1), "one root"),
        (Bounds(redundant=0.01), "redundant copies"),
        (Bounds(urgent_share=(1, 0.9)), "of urgent deliveries"),
    ],
)
def test_a_promise_that_is_not_kept_is_seen(bounds: Bounds, word: str) -> None:
    outcome = story(people, bounds=bounds)
    assert failed(outcome) == "bounds"
    assert outcome.failure is not None
    assert word in outcome.failure.message


def test_a_promise_about_nothing_is_not_kept() -> None:
    assert failed(story(lambda world: world.workload.register, bounds=Bounds(urgent_p99=500))) == "bounds"


def test_a_missing_quorum_is_seen() -> None:
    world = ended_world()
    QuorumNotes().on_end(world)
    world.settings = replace(world.settings, signers=1)
    with pytest.raises(Violation, match="no note with a quorum"):
        QuorumNotes().on_end(world)


def test_a_node_that_fails_is_a_finding_with_its_replay_command() -> None:
    def plan(world: World) -> None:
        world.at(3, lambda: world.hosts[0].disk.sync().no_such_member)  # type: ignore[attr-defined]

    outcome = story(plan, seed=9)
    assert failed(outcome) == "no_crash"
    assert outcome.failure is not None
    assert "AttributeError in test_checkers.py" in outcome.failure.message
    assert outcome.failure.at == 13_000
    assert outcome.replay.startswith("accredit simulate replay story --seed 9 ")
    assert outcome.replay.endswith(f"--digest {outcome.digest[:16]}")
    assert outcome.tail
