"""The checkers of meshes, notes, answers and contradictions, each shown a world in which what it guards is broken."""

from dataclasses import replace
from random import Random

import pytest

from accredit.gossip.protocol.wire import Push
from accredit.node.engine import KeepNote
from accredit.node.engine.quorum_state import KeptNote, Part
from accredit.registry.decision.query import Query
from accredit.registry.evidence.check import Checked, check
from accredit.registry.evidence.state_check import CheckResult
from accredit.registry.transparency.state_note import StateNote
from accredit.simulations.byzantine import Silent
from accredit.simulations.byzantine.conduct import send
from accredit.simulations.checkers import (
    Bounds,
    Exposed,
    MeshWithinBounds,
    NotedRoots,
    NotShutOut,
    OneNote,
    QuorumNotes,
    Undeceived,
    Violation,
    all_checkers,
)
from accredit.simulations.virtual.facts import CheckedAnswer, Misconduct
from accredit.simulations.virtual.host import Conduct
from accredit.simulations.virtual.settings import Settings
from accredit.simulations.virtual.verifier import policy_of
from accredit.simulations.virtual.world import World


@pytest.fixture(scope="module")
def world() -> World:
    """A small world with signers and verifiers in which all went well."""
    world = World(Settings(nodes=5, seconds=20.0, signers=4), checkers=all_checkers(Bounds()))
    world.workload.registrations(every=3)
    world.workload.revocations(every=4)
    world.ask(2, every=5)
    world.run()
    return world


def state_of(world: World) -> StateNote:
    noted = world.hosts[0].noted
    assert noted is not None
    assert noted.state is not None
    return noted.state


def everything(world: World) -> Part:
    return Part(size=len(world.hosts[0].disk.entries))


def test_a_mesh_that_is_too_large_or_stays_too_small_is_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    MeshWithinBounds().on_look(world)
    MeshWithinBounds().on_end(world)  # no calm, no promise
    usual = world.settings
    narrow = replace(usual.gossip, degree_high=1, degree=1, degree_low=1)
    monkeypatch.setattr(world, "settings", replace(usual, gossip=narrow))
    with pytest.raises(Violation, match="1 are the most"):
        MeshWithinBounds().on_look(world)
    monkeypatch.setattr(world, "settings", replace(usual, calm=100.0))
    MeshWithinBounds().on_end(world)
    wide = replace(usual.gossip, degree_low=8)
    monkeypatch.setattr(world, "settings", replace(usual, calm=100.0, gossip=wide))
    world.honest[0].crash()
    with pytest.raises(Violation, match="1 meshes have less than 4"):
        MeshWithinBounds().on_end(world)
    world.honest[0].start()
    world.timeline.run(until=world.timeline.now + 30_000)


def test_an_honest_node_that_is_not_listened_to_is_seen(world: World) -> None:
    NotShutOut().on_look(world)
    forger, victim = world.hosts[1], world.hosts[0]
    forgery = world.town.founding[1].raw[:-1]  # not even a statement
    send(forger, victim.name, Push(statements=(forgery,), urgent=True), Random(1))
    world.timeline.run(until=world.timeline.now + 1_000)
    with pytest.raises(Violation, match=r"n0000\.example does not listen to n0001\.example"):
        NotShutOut().on_look(world)
    world.turn([forger], Silent)
    NotShutOut().on_look(world)  # an adversary may be shut out
    world.turn([forger], Conduct)
    world.timeline.run(until=world.timeline.now + 70_000)
    NotShutOut().on_look(world)  # and nobody for good, who did it once


def test_a_signer_that_signs_two_states_of_one_count_is_seen(world: World) -> None:
    checker, state = OneNote(), state_of(world)
    host, part = world.hosts[0], everything(world)
    checker.on_signed(world, host, KeepNote(text=state.encode(), part=part))
    checker.on_signed(world, host, KeepNote(text=state.encode(), part=part))
    checker.on_signed(world, host, KeepNote(text=replace(state, count=1).encode(), part=part))
    other = replace(state, root=bytes(32)).encode()
    checker.on_signed(world, world.hosts[1], KeepNote(text=other, part=part))
    with pytest.raises(Violation, match="signed two states"):
        checker.on_signed(world, host, KeepNote(text=other, part=part))


def test_a_note_whose_root_does_not_follow_from_its_set_is_seen(world: World) -> None:
    host = world.hosts[0]
    assert host.noted is not None
    assert host.noted.note is not None
    whole = KeptNote(note=host.noted.note, part=everything(world))
    NotedRoots().on_noted(world, host, whole)
    with pytest.raises(Violation, match="lead to another"):
        NotedRoots().on_noted(world, host, replace(whole, part=Part(size=whole.part.size, without=(3,))))


def answered(world: World, state: StateNote, *, later: int = 0) -> CheckedAnswer:
    """An answer that verified, about somebody who is accredited; as if of another state, and `later` ms from now."""
    query = Query(entity=world.town.grants[-1].sub, authority=world.town.charter_id)
    host, now = world.hosts[0], world.timeline.now
    data = host.answer(query)
    assert data is not None
    checked = check(data, query, policy_of(world), now // 1_000)
    assert checked.result is CheckResult.VERIFIED, checked
    checked = replace(checked, state=state)
    return CheckedAnswer(verifier="v", host=host.name, query=query, checked=checked, time=now + later)


def test_every_way_of_being_deceived_is_seen(world: World) -> None:
    state = state_of(world)
    checker = Undeceived()
    checker.on_signed(world, world.hosts[0], KeepNote(text=state.encode(), part=everything(world)))
    good = answered(world, state)
    checker.on_answer(world, good)
    with pytest.raises(Violation, match="no honest signer ever stood by"):
        checker.on_answer(world, answered(world, replace(state, root=bytes(32))))
    with pytest.raises(Violation, match="no honest signer stood by for 400 s"):
        checker.on_answer(world, answered(world, state, later=400_000))
    with pytest.raises(Violation, match="which was"):
        checker.on_answer(world, replace(good, query=good.query._replace(entity="https://mill.example/")))
    older = replace(state, count=state.count - 1)
    checker.on_signed(world, world.hosts[0], KeepNote(text=older.encode(), part=everything(world)))
    with pytest.raises(Violation, match="before"):
        checker.on_answer(world, answered(world, older))


def test_what_did_not_verify_deceives_nobody(world: World) -> None:
    good = answered(world, state_of(world))
    refuted = replace(good, checked=Checked(result=CheckResult.REFUTED, check="root", text="No."))
    Undeceived().on_answer(world, refuted)


def test_a_contradiction_that_somebody_does_not_know_of_is_seen(world: World) -> None:
    ids = tuple(each.id for each in world.town.founding[:2])
    world.misconduct.append(Misconduct(key=bytes(32), ids=ids, time=0))
    with pytest.raises(Violation, match="5 nodes do not know"):
        Exposed().on_end(world)
    world.misconduct[0] = Misconduct(key=bytes(32), ids=(*ids, bytes(32)), time=0)
    Exposed().on_end(world)  # one side of it reached nobody
    world.misconduct.clear()


def test_what_a_scenario_requires_of_its_own_is_a_violation(world: World) -> None:
    world.require(True, "")
    with pytest.raises(Violation, match="scenario: it rains"):
        world.require(False, "it rains")


def test_a_last_note_that_is_not_of_all_that_is_held_is_seen(world: World) -> None:
    QuorumNotes().on_end(world)
    host = world.hosts[0]
    host.submit([world.town.grants_to("https://late.example/", 0).raw], lambda _: None)
    world.timeline.run(until=world.timeline.now + 1_020)
    with pytest.raises(Violation, match=r"the newest note at n000[0-4]\.example"):
        QuorumNotes().on_end(world)
    world.timeline.run(until=world.timeline.now + 15_000)
    QuorumNotes().on_end(world)
