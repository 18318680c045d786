"""What one machine sends, and what follows from each answer and each failure: the peer is played by the test."""

from functools import partial
from random import Random

import pytest

from accredit.gossip.machine import Machine
from accredit.gossip.protocol.config import GossipConfig
from accredit.gossip.protocol.events import FrameAnswered, Peer, PeersChanged, Refuse, SendFailed, Ticked
from accredit.gossip.protocol.wire import Announce, Fetch, Graft, Prune, Push, Reconcile, Request, Root
from accredit.registry.encoding.ed25519 import KeyPair
from tests.strategies.gossip_alone import ALICE, BOB, CONFIG, Alice, reply_of, root_with
from tests.strategies.gossip_world import START, Ledger, seed_of, statement


def test_a_machine_without_peers_wants_nothing() -> None:
    machine = Machine(signer=KeyPair(seed_of("alice")), held=Ledger(), random=Random(1))
    assert machine.handle(PeersChanged(peers=(ALICE,)), now=START) == []
    assert machine.next_wakeup() is None
    assert machine.handle(Ticked(), now=START + 1) == []


def test_who_announces_and_does_not_deliver_is_struck_and_loses_its_slot() -> None:
    alice = Alice()
    alice.befriend()
    for number in range(1, 4):
        alice.hear(Announce(ids=(statement(number).id,)), nonce=50 + number)
        assert alice.asked() == Request(ids=(statement(number).id,))
        assert alice.bob().is_mesh
        alice.answer(Push(statements=(), urgent=False))
        assert alice.bob().strikes == number
    alice.wait_for(Prune)
    assert not alice.bob().is_mesh
    assert "does not deliver" in alice.bob().why
    assert reply_of(alice.hear(Graft(), nonce=60)) == Prune(backoff=CONFIG.graft_backoff)


def test_an_answer_that_was_cut_short_is_no_broken_promise() -> None:
    alice = Alice()
    alice.befriend()
    said = [statement(number) for number in range(1, 5)]
    alice.hear(Announce(ids=tuple(each.id for each in said)), nonce=50)
    alice.answer(Push(statements=(said[0].raw, said[2].raw), urgent=False))
    assert alice.bob().strikes == 1, "the second was passed over"
    assert alice.asked() == Request(ids=(said[3].id,))


def test_nothing_at_all_within_three_seconds_is_a_broken_promise() -> None:
    alice = Alice()
    alice.befriend()
    alice.hear(Announce(ids=(statement(1).id,)), nonce=50)
    assert 3_000 <= alice.wait_until(lambda: alice.bob().strikes) <= 4_000
    alice.answer(Push(statements=(statement(1).raw,), urgent=False))
    assert alice.bob().strikes == 1


def test_a_graft_refused_or_no_longer_wanted_leaves_no_slot() -> None:
    alice = Alice()
    alice.wait_for(Graft)
    alice.answer(Prune(backoff=5_000))
    assert not alice.bob().is_mesh
    late = Alice()
    late.wait_for(Graft)
    late.hear(Prune(backoff=1), nonce=8)
    late.answer(Graft())
    assert late.asked() == Prune(backoff=CONFIG.graft_backoff)
    late.answer(root_with(0))
    unanswered = Alice()
    unanswered.wait_for(Graft)
    unanswered.fail()
    assert "not now" in unanswered.bob().why


def test_roots_that_differ_while_nothing_is_found_raise_an_alarm_and_are_tried_once_more_with_a_new_salt() -> None:
    alice = Alice()
    alice.ledger.add(statement(1))
    alice.wait_for(Root)
    alice.answer(root_with(1))
    salts = []
    for _ in range(2):
        question = alice.asked()
        assert isinstance(question, Reconcile)
        salts.append(question.salt)
        nothing = Reconcile(session=question.session, salt=question.salt, root=bytes(32), message=b"\x61")
        alice.answer(nothing)
    assert salts[0] != salts[1]
    assert alice.counters()["alarm_roots_differ"] == 2
    count = len(alice.sent)
    alice.hear(root_with(1), nonce=99)
    assert len(alice.sent) == count


def test_a_session_that_brings_nothing_of_what_it_listed_is_a_broken_promise() -> None:
    alice = Alice()
    alice.wait_for(Root)
    alice.answer(root_with(1))
    question = alice.asked()
    assert isinstance(question, Reconcile)
    listed = b"\x61\0\0\x02\x01" + bytes(32)
    alice.answer(Reconcile(session=question.session, salt=question.salt, root=bytes(32), message=listed))
    assert alice.asked() == Fetch(session=question.session, ids=(bytes(32),))
    alice.answer(Push(statements=(), urgent=False))
    assert alice.bob().strikes == 1
    assert alice.counters()["promises_broken"] == 1


def test_there_is_one_session_with_a_peer_at_a_time() -> None:
    alice = Alice(GossipConfig(root_interval=100, heartbeat=10**9))
    alice.wait_for(Root)
    for _ in range(5):
        alice.wait()  # another comparison is due, and waits for its turn
    alice.answer(root_with(1))
    assert isinstance(alice.asked(), Root)
    alice.answer(root_with(1))
    assert isinstance(alice.asked(), Reconcile)
    assert alice.counters()["sessions_begun"] == 1


def test_sessions_that_got_lost_or_take_too_long_are_dropped() -> None:
    alice = Alice(GossipConfig(reconcile_time=30_000))
    alice.wait_for(Root)
    alice.answer(root_with(1))
    assert isinstance(alice.asked(), Reconcile)
    alice.fail()
    alice.wait_for(Root)
    alice.answer(root_with(1))
    assert isinstance(alice.asked(), Reconcile)
    assert alice.wait_until(lambda: alice.counters()["sessions_expired"]) >= 30_000
    unknown = Fetch(session=bytes(16), ids=())
    (refused, *_) = alice.hear(unknown, nonce=77)
    assert isinstance(refused, Refuse)


def test_our_own_trouble_excuses_others() -> None:
    alice = Alice()
    alice.befriend()
    for _ in range(3):
        alice.now += 30_000
        alice.handle(Ticked())  # late: the machine was not run
    health = alice.machine.statistics().health
    assert health >= 2
    alice.hear(Announce(ids=(statement(1).id,)), nonce=50)
    assert alice.wait_until(lambda: alice.bob().strikes) >= 3_000 * (1 + health)


def test_a_failing_peer_is_left_alone_longer_and_longer_and_tried_at_once_when_heard() -> None:
    alice = Alice(GossipConfig(root_interval=10**9, dead_after=99))
    alice.befriend()
    pauses: list[int] = []
    for number in range(1, 10):
        count, last = len(alice.sent), alice.now
        alice.log(number, urgent=True)
        alice.wait_until(partial(alice.has_sent_more_than, count))
        pauses.append(alice.now - last)
        for each in alice.sent[count:]:
            alice.handle(SendFailed(exchange=each.exchange, reason="refused"))
    assert 500 <= pauses[1] <= 1_000
    assert 30_000 <= pauses[-1] <= 60_000
    assert (alice.bob().error, alice.bob().queued) == ("refused", 9)
    assert alice.bob().failures >= 9
    count = len(alice.sent)
    alice.hear(root_with(0))
    assert len(alice.sent) > count
    assert alice.bob().last_heard == alice.now


def test_no_answer_at_all_counts_as_failure() -> None:
    alice = Alice()
    alice.log(1, urgent=True)
    exchange = alice.sent[-1].exchange
    assert alice.asked() == Push(statements=(statement(1, kind="accreditation.status").raw,), urgent=True)
    alice.wait_until(lambda: alice.now >= START + CONFIG.exchange + CONFIG.heartbeat)
    assert alice.machine.statistics().peers[0].error == "no answer"
    assert alice.handle(SendFailed(exchange=exchange, reason="late")) == []
    assert alice.handle(FrameAnswered(exchange=exchange, status=200, data=b"")) == []


@pytest.mark.parametrize(
    ("status", "data", "error"),
    [
        (503, b"busy\x00\x1b[31m\xff", "HTTP status 503: busy"),
        (200, b"not a frame", "not a gossip frame"),
        (404, b"", "HTTP status 404"),
    ],
)
def test_a_bad_answer_is_a_failure_and_tells_why_without_control_characters(
    status: int, data: bytes, error: str
) -> None:
    alice = Alice()
    alice.wait_for(Root)
    alice.handle(FrameAnswered(exchange=alice.sent[-1].exchange, status=status, data=data))
    said = alice.machine.statistics().peers[0].error
    assert error in said
    assert said.isprintable()


def test_an_answer_of_the_wrong_type_is_a_failure() -> None:
    alice = Alice()
    alice.wait_for(Root)
    alice.answer(Request(ids=()))
    assert "does not answer ours" in alice.machine.statistics().peers[0].error
    assert alice.counters()["answers_refused"] == 1


def test_a_push_that_failed_is_made_again_before_newer_ones() -> None:
    alice = Alice()
    alice.befriend()
    alice.log(1, urgent=True)
    first = alice.asked()
    alice.log(2, urgent=True)
    alice.fail()
    alice.hear(root_with(0))
    again = alice.asked()
    assert isinstance(first, Push)
    assert isinstance(again, Push)
    assert again.statements[0] == first.statements[0]
    assert len(again.statements) == 2


def test_to_a_stranger_a_push_is_made_once() -> None:
    """Others bring it, or reconciliation; only the mesh is owed another attempt."""
    alice = Alice(GossipConfig(degree=0, degree_low=0))
    alice.log(1, urgent=True)
    assert isinstance(alice.asked(), Push)
    alice.log(2)
    alice.fail()
    assert alice.bob().queued == 0
    count = len(alice.sent)
    alice.log(3, urgent=True)
    assert len(alice.sent) == count, "while it does not answer it is not among those drawn"


def test_who_is_no_longer_a_node_is_forgotten() -> None:
    alice = Alice()
    alice.wait_for(Root)
    exchange = alice.sent[-1].exchange
    alice.handle(PeersChanged(peers=(ALICE,)))
    assert alice.machine.statistics().peers == ()
    assert alice.handle(SendFailed(exchange=exchange, reason="gone")) == []
    alice.handle(PeersChanged(peers=(ALICE, BOB)))
    alice.wait_for(Root)
    alice.handle(PeersChanged(peers=()))
    assert alice.handle(FrameAnswered(exchange=alice.sent[-1].exchange, status=200, data=b"")) == []
    (refused,) = alice.hear(Graft())
    assert isinstance(refused, Refuse)


def test_a_peer_that_moves_keeps_its_state_and_two_names_for_one_key_are_one_peer() -> None:
    alice = Alice()
    alice.log(1, urgent=True)
    alice.answer(root_with(0))
    moved = Peer(name="bob", url="https://new.bob", public=BOB.public)
    twin = Peer(name="bobby", url="https://twin", public=BOB.public)
    alice.handle(PeersChanged(peers=(twin, moved, ALICE)))
    (peer,) = alice.machine.statistics().peers
    assert (peer.name, peer.url) == ("bob", "https://new.bob")
    assert peer.last_heard is not None
