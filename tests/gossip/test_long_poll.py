"""A member that cannot be dialled hears of things as fast as others, and costs its peers nothing when it goes away."""

import pytest

from accredit.gossip.peers.peer import PeerState
from accredit.gossip.protocol.config import GossipConfig
from accredit.gossip.protocol.events import (
    Accuse,
    ConflictsFound,
    Effect,
    FrameReceived,
    PeersChanged,
    Reply,
    Send,
    Submit,
)
from accredit.gossip.protocol.wire import Accusation, Announce, Body, Graft, Poll, Prune, Push, Request, decode_frame
from accredit.registry.encoding.ed25519 import key_id
from tests.strategies.gossip_alone import ALICE, BOB, CONFIG, Alice, root_with
from tests.strategies.gossip_world import World, lie, statement

NOTHING = Push(statements=(), urgent=False)
QUIET = GossipConfig(root_interval=10**9, beacon_interval=10**9, degree=0, degree_low=0)
"""Alice has nothing to say by herself."""


class Holder(Alice):
    """Alice holds Bob's polls; `told` is what she answered, by the number of his poll."""

    def __init__(self, config: GossipConfig = QUIET) -> None:
        self.told: dict[int, Body] = {}
        super().__init__(config)

    def handle(self, event: object) -> list[Effect]:
        effects = super().handle(event)
        for effect in effects:
            if isinstance(effect, Reply):
                limits = {"max_bytes": CONFIG.frame_bytes, "max_ids": CONFIG.announce_ids}
                frame = decode_frame(effect.data, **limits)
                assert frame.nonce == nonce(effect.token) or effect.token == 7
                self.told[effect.token] = frame.body
        return effects

    def poll(self, number: int, *, last: int = 0) -> list[Effect]:
        """Bob polls; whether he got the answer to an earlier one."""
        data = self.by_bob(Poll(last=nonce(last) if last else b""), nonce(number))
        return self.handle(FrameReceived(token=number, data=data))

    @property
    def peer(self) -> PeerState:
        """What she knows of Bob."""
        return self.machine._parts.peer(key_id(BOB.public))

    def takes_bob(self) -> "Holder":
        """Bob has a slot: degree 0 keeps Alice from dialling, so he is let in as if he were alone."""
        self.machine._parts.mesh._config = GossipConfig()
        return self


def nonce(number: int) -> bytes:
    return b"poll" + number.to_bytes(12)


def holder() -> Holder:
    return Holder().takes_bob()


def test_an_urgent_statement_answers_the_poll_at_once_and_a_normal_one_when_it_was_gathered() -> None:
    alice = holder()
    assert alice.poll(1) == []
    alice.log(1)
    alice.now += 50
    alice.log(2, urgent=True)
    assert alice.told == {1: Push(statements=(alice.ledger.raws[alice.ledger.order[1]],), urgent=True)}
    assert alice.poll(2, last=1) == []
    since = alice.now
    alice.wait_until(lambda: 2 in alice.told)
    assert alice.told[2] == Push(statements=(statement(1).raw,), urgent=False)
    assert alice.now - since == 50
    assert alice.sent == [], "nothing was dialled"
    alice.poll(3, last=2)
    assert alice.bob().queued == 0
    assert alice.bob().is_mesh


def test_a_poll_that_nothing_is_there_for_is_answered_with_nothing_after_a_while() -> None:
    alice = holder()
    alice.poll(1)
    assert alice.wait_until(lambda: alice.told) <= QUIET.poll_hold
    assert alice.told == {1: NOTHING}
    assert alice.machine.next_wakeup() is not None


def test_a_peer_has_one_poll_and_the_newer_counts() -> None:
    alice = holder()
    alice.poll(1)
    effects = alice.poll(2)
    assert [effect.token for effect in effects if isinstance(effect, Reply)] == [1]
    alice.log(1, urgent=True)
    assert alice.told[1] == NOTHING
    assert 2 in alice.told
    alice.log(2, urgent=True)
    assert len(alice.told) == 2


def test_what_an_answer_carried_that_did_not_arrive_is_in_the_next() -> None:
    """Bob hung up, or started again: he does not know the answer to his last poll."""
    alice = holder()
    alice.poll(1)
    alice.log(1, urgent=True)
    alice.poll(2)
    assert alice.told[2] == alice.told[1]
    alice.poll(3, last=2)
    alice.log(2, urgent=True)
    again = alice.told[3]
    assert isinstance(again, Push)
    assert len(again.statements) == 1


def test_while_it_polls_it_is_not_dialled_and_when_polls_stop_it_is_a_peer_like_others() -> None:
    alice = holder()
    alice.poll(1)
    alice.log(1, urgent=True)
    for number in range(2, 5):
        alice.log(number, urgent=True)
    alice.spend(QUIET.poll_return - 1)
    assert alice.sent == []
    assert alice.bob().failures == 0
    alice.wait_until(lambda: alice.sent)
    push = alice.asked()
    assert isinstance(push, Push)
    assert len(push.statements) >= 1
    alice.answer(root_with(0))
    alice.wait_until(lambda: alice.bob().queued == 0)
    assert len(alice.sent) == 1 + (len(push.statements) < 4)


@pytest.mark.parametrize("first", [Graft(), Poll(last=b"")])
def test_who_could_not_be_dialled_before_is_let_in_when_it_comes_by_itself(first: Body) -> None:
    """It started late, or stands behind a firewall: what nobody answered before is not held against it."""
    alice = holder()
    alice.peer.failures = 100
    assert alice.bob().why == "does not answer"
    alice.hear(first)
    assert alice.told[7] == Graft() if isinstance(first, Graft) else not alice.told
    assert (alice.bob().is_mesh, alice.bob().failures) == (True, 0)


def test_who_has_no_slot_is_told_so_at_once() -> None:
    alice = Holder()  # who has no room for anybody
    alice.poll(1)
    assert alice.told == {1: Prune(backoff=QUIET.graft_backoff)}
    distrusted = holder()
    distrusted.poll(1)
    distrusted.hear(Push(statements=(b"rubbish",), urgent=False))
    assert distrusted.told[1] == Prune(backoff=QUIET.graft_backoff), "pruned, in the answer to its poll"
    distrusted.poll(2)
    assert distrusted.told[2] == Prune(backoff=QUIET.graft_backoff)
    assert distrusted.bob().strikes == 0, "it may not have heard of it"


def test_who_may_not_be_in_the_mesh_any_more_has_its_held_poll_answered_before_it_is_told() -> None:
    alice = holder()
    alice.poll(1)
    for number in range(3):
        alice.peer.conduct.strike(at=number)
    alice.poll(2)
    assert alice.told == {1: NOTHING, 2: Prune(backoff=QUIET.graft_backoff)}


def test_conflicts_requests_and_announcements_are_put_into_answers_too_and_nothing_else_is() -> None:
    alice = holder()
    alice.poll(1)
    alice.ledger.kept.append(lie("log"))
    alice.handle(ConflictsFound(conflicts=(lie("log"),)))
    accusation = alice.told[1]
    assert isinstance(accusation, Accusation)
    assert accusation.conflicts == (lie("log"),)
    alice.poll(2, last=1)
    alice.hear(Announce(ids=(statement(1).id,)))
    assert alice.told[2] == Request(ids=(statement(1).id,))
    alice.poll(3, last=2)
    for question in (Graft(), root_with(0)):
        alice.machine._parts.circle.ask(alice.peer, question)
    alice.spend(1)
    assert 3 not in alice.told


def test_the_questions_that_waited_for_a_peer_are_not_asked_once_it_polls() -> None:
    alice = Holder(GossipConfig())
    alice.wait_until(lambda: alice.sent)
    alice.fail()
    alice.wait_until(lambda: alice.bob().failures)
    alice.poll(1)
    assert alice.bob().failures == 0
    count = len(alice.sent)
    alice.wait_until(lambda: 1 in alice.told)
    assert len(alice.sent) == count


def test_a_promise_of_a_peer_that_polls_may_take_a_poll_longer() -> None:
    alice = holder()
    alice.poll(1)
    alice.hear(Announce(ids=(statement(1).id,)))
    alice.spend(QUIET.promise + 2_000)
    assert alice.bob().strikes == 0
    alice.wait_until(lambda: alice.bob().strikes)


def test_nobody_waits_for_a_node_that_is_no_longer_one() -> None:
    alice = holder()
    alice.poll(1)
    alice.handle(PeersChanged(peers=(ALICE,)))
    assert alice.told == {1: NOTHING}
    other = holder()
    other.poll(1)
    other.handle(PeersChanged(peers=(BOB,)))
    assert other.told == {1: NOTHING}, "nor for one that has become silent itself"


# ------------------------------------------------------------------------------------------------ the other side


class Firewalled(Alice):
    """Alice cannot be dialled, and Bob is in her mesh."""

    def __init__(self, config: GossipConfig | None = None) -> None:
        super().__init__(config or GossipConfig(root_interval=10**9, beacon_interval=10**9, outbound_only=True))
        self.befriend()

    def polls(self) -> list[Send]:
        return [send for send in self.sent if send.timeout > CONFIG.answer]


def test_one_poll_is_kept_open_at_a_mesh_peer_and_names_the_last_that_was_answered() -> None:
    alice = Firewalled()
    assert alice.asked() == Poll()
    assert alice.sent[-1].timeout == CONFIG.answer + CONFIG.poll_hold
    asked = decode_frame(alice.sent[-1].data, max_bytes=CONFIG.frame_bytes, max_ids=9).nonce
    alice.now += 20_000
    alice.answer(NOTHING)
    assert alice.asked() == Poll(last=asked)
    assert len(alice.polls()) == 2
    assert (alice.bob().round_trip or 0) < 1_000, "how long a poll was held says nothing of the way"


def test_what_comes_in_answer_to_a_poll_is_taken_in_as_if_it_had_been_posted() -> None:
    alice = Firewalled()
    alice.now += 1_000
    (submit, *_) = alice.answer(Push(statements=(statement(1).raw,), urgent=True))
    assert isinstance(submit, Submit)
    alice.spend(1_000)
    alice.answer(Announce(ids=(statement(2).id,)), to=alice.last(Poll))
    (submit, *_) = alice.answer(Push(statements=(statement(2).raw,), urgent=False), to=alice.last(Request))
    assert isinstance(submit, Submit)
    alice.spend(1_000)
    accuse = alice.answer(Accusation(holds=(), conflicts=(lie("log"),)), to=alice.last(Poll))[-1]
    assert isinstance(accuse, Accuse)
    alice.spend(1_000)
    alice.answer(Prune(backoff=60_000), to=alice.last(Poll))
    assert not alice.bob().is_mesh
    count = len(alice.polls())
    for _ in range(10):
        alice.wait()
    assert len(alice.polls()) == count


def test_what_is_requested_in_answer_to_a_poll_is_pushed() -> None:
    alice = Firewalled()
    alice.log(1)
    alice.wait_for(Push)
    alice.answer(root_with(0))
    count = len(alice.sent)
    alice.answer(Request(ids=(statement(1).id, bytes(32))), to=alice.last(Poll))
    assert alice.bodies()[count] == Push(statements=(statement(1).raw,), urgent=False)


def test_a_peer_that_answers_each_poll_at_once_is_not_asked_without_end() -> None:
    alice = Firewalled()
    start = alice.now
    for number in range(2, 22):
        alice.answer(NOTHING)
        alice.wait_until(lambda number=number: len(alice.polls()) == number)  # type: ignore[misc]
    assert alice.now - start >= 20 * CONFIG.poll_pause - 10


def test_a_poll_that_failed_is_made_again_after_a_pause() -> None:
    alice = Firewalled()
    alice.fail("connection reset")
    count = len(alice.polls())
    assert alice.wait_until(lambda: len(alice.polls()) > count) >= CONFIG.backoff_min // 2
    assert alice.bob().is_mesh


# ------------------------------------------------------------------------------------------------- in a network


@pytest.mark.no_cover
def test_a_member_that_cannot_be_dialled_hears_of_a_revocation_within_a_hop() -> None:
    world = World(nodes=12, firewalled=(11,))
    world.run(seconds=40)
    inside = world.nodes[11]
    assert len(list(inside.machine._parts.mesh)) >= 4
    for number in range(5):
        (urgent,) = world.say(number, urgent=True)
        (own,) = world.say(11, urgent=True)
        world.run(seconds=2 * (0.05 + 0.08) + 0.1)
        assert urgent.id in inside.ledger
        assert all(own.id in node.ledger for node in world.nodes)
        world.run(seconds=10)
    assert all(len(node.waiting) <= 1 for node in world.nodes)


def test_two_members_behind_firewalls_hear_of_each_other_through_the_rest() -> None:
    world = World(nodes=10, firewalled=(0, 1, 2), seed=5)
    world.run(seconds=40)
    said = [*world.say(0, 3), *world.say(1, 3, urgent=True)]
    world.accuse(2, lie("log"))
    world.run(seconds=3)
    world.check_same()
    assert len(world.nodes[2].ledger.order) == len(said)
    assert all(len(node.ledger.kept) == 1 for node in world.nodes)


@pytest.mark.no_cover
def test_those_who_poll_are_never_dialled_nor_blamed() -> None:
    world = World(nodes=6, firewalled=(5,))
    world.run(seconds=300)
    for number in range(20):
        world.say(number % 6, 2, urgent=number % 2 == 0)
        world.run(seconds=5)
    world.check_same()
    for node in world.nodes[:5]:
        (peer,) = (each for each in node.machine.statistics().peers if each.name == "node5")
        if peer.is_mesh:
            assert (peer.failures, peer.strikes) == (0, 0)


def test_whoever_holds_a_poll_and_starts_again_costs_nothing_but_another_poll() -> None:
    world = World(nodes=2, firewalled=(1,))
    world.run(seconds=40)
    held, inside = world.nodes
    world.restart(held)
    world.run(seconds=100)
    (urgent,) = world.say(0, urgent=True)
    world.run(seconds=0.5)
    assert urgent.id in inside.ledger
    world.restart(inside)
    world.run(seconds=3)
    (urgent,) = world.say(0, urgent=True)
    world.run(seconds=0.5)
    assert urgent.id in inside.ledger


def test_all_come_to_hold_the_same_although_answers_get_lost() -> None:
    world = World(nodes=5, firewalled=(3, 4), seed=2)
    world.loss = 0.3
    for number in range(10):
        world.say(number % 5, 3, urgent=number % 2 == 0)
        world.run(seconds=5)
    world.run(seconds=30)
    world.loss = 0.0
    world.run(seconds=90)
    world.check_same()
    assert world.nodes[4].ledger.size() == 30
