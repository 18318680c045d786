"""What one machine answers to its peer, and what it holds against it: the peer is played by the test."""

import pytest

from accredit.gossip.protocol.config import GossipConfig
from accredit.gossip.protocol.events import (
    FrameReceived,
    PeersChanged,
    Refuse,
    Reply,
    StatementsJudged,
    StatementsLogged,
    Submit,
    Ticked,
)
from accredit.gossip.protocol.wire import (
    Announce,
    Beacon,
    Body,
    Graft,
    Prune,
    Push,
    Reconcile,
    Request,
    Root,
    encode_frame,
)
from accredit.registry.encoding.ed25519 import KeyPair, key_id, public_of
from accredit.registry.statement import decode
from tests.strategies.gossip_alone import ALICE, BOB, CONFIG, Alice, reply_of, root_with
from tests.strategies.gossip_world import AUTHORITY_SEED, START, World, forged, seed_of, statement


def test_each_question_gets_its_answer() -> None:
    alice = Alice()
    alice.log(1, 2, 3)
    ids = tuple(alice.ledger.order)
    ours = Root(root=alice.ledger.root()[0], count=3, size=3)
    assert reply_of(alice.hear(root_with(3))) == ours
    beacon = reply_of(alice.hear(Beacon(root=ours.root, count=3, size=3, time=alice.now - 9), nonce=1))
    assert beacon == Beacon(root=ours.root, count=3, size=3, time=alice.now)
    assert alice.bob().beacon == alice.now - 9
    wanted = Request(ids=(ids[2], bytes(32), ids[0]))
    raws = (alice.ledger.raws[ids[2]], alice.ledger.raws[ids[0]])
    assert reply_of(alice.hear(wanted, nonce=3)) == Push(statements=raws, urgent=False)
    assert reply_of(alice.hear(Graft(), nonce=4)) == Graft()
    assert alice.bob().why == "it dialled us"
    assert reply_of(alice.hear(Prune(backoff=10**12), nonce=5)) == ours
    assert not alice.bob().is_mesh


def test_what_was_announced_is_requested_from_one_peer() -> None:
    alice = Alice()
    alice.befriend()
    alice.log(1)
    announced = Announce(ids=(alice.ledger.order[0], statement(2).id))
    assert isinstance(reply_of(alice.hear(announced, nonce=4)), Root)
    assert alice.asked() == Request(ids=(statement(2).id,))
    count = len(alice.sent)
    alice.hear(announced, nonce=5)
    assert len(alice.sent) == count


def test_a_statement_is_served_three_times_on_request() -> None:
    alice = Alice()
    alice.log(1)
    answers = [reply_of(alice.hear(Request(ids=tuple(alice.ledger.order)), nonce=9 + number)) for number in range(4)]
    assert [len(answer.statements) for answer in answers if isinstance(answer, Push)] == [1, 1, 1, 0]


def test_an_answer_is_no_larger_than_a_frame_may_be() -> None:
    alice = Alice(GossipConfig(push_bytes=700))
    alice.log(1, 2, 3)
    answer = reply_of(alice.hear(Request(ids=tuple(alice.ledger.order))))
    assert isinstance(answer, Push)
    assert 1 <= len(answer.statements) < 3


def test_a_stranger_is_refused_and_counted() -> None:
    alice = Alice()
    eve = encode_frame(
        Graft(), signer=KeyPair(seed_of("eve")), recipient=key_id(ALICE.public), time=START, nonce=bytes(16)
    )
    (refused,) = alice.handle(FrameReceived(token=3, data=eve))
    assert isinstance(refused, Refuse)
    assert (refused.token, refused.status, refused.error.code) == (3, 403, "not_a_peer")
    assert alice.counters()["refused_not_a_peer"] == 1


def test_new_statements_are_submitted_and_copies_are_not() -> None:
    alice = Alice()
    alice.log(1)
    new, old = statement(2), statement(1)
    _, submit = alice.hear(Push(statements=(old.raw, new.raw), urgent=False))
    assert isinstance(submit, Submit)
    assert submit.sender == key_id(BOB.public)
    assert [each.id for each in submit.statements] == [new.id]
    assert alice.counters()["statements_again"] == 1


def test_a_copy_too_old_to_be_recognised_at_a_glance_is_recognised_by_its_id() -> None:
    alice = Alice(GossipConfig(recent_statements=1))
    alice.log(1, 2)
    assert len(alice.hear(Push(statements=(statement(1).raw,), urgent=False))) == 1
    assert alice.counters()["statements_again"] == 1


def test_a_peer_that_sends_what_is_no_statement_is_not_listened_to_for_a_while() -> None:
    alice = Alice()
    alice.befriend()
    rubbish = Push(statements=(b"rubbish", statement(1).raw), urgent=False)
    assert isinstance(reply_of(alice.hear(rubbish)), Root)
    assert alice.counters()["statements_malformed"] == 1
    assert not alice.bob().is_mesh
    assert "malformed statement" in alice.bob().why
    assert alice.bob().distrusted_until == alice.now + CONFIG.distrust_min
    assert alice.asked() == Prune(backoff=CONFIG.graft_backoff)
    alice.answer(root_with(0))
    refused = alice.hear(Push(statements=(statement(2).raw,), urgent=False), nonce=5)[0]
    assert isinstance(refused, Refuse)
    assert (refused.status, refused.error.code) == (429, "distrusted")
    # It is still answered; nothing is asked from it, and it gets no slot.
    assert reply_of(alice.hear(Graft(), nonce=6)) == Prune(backoff=CONFIG.graft_backoff)
    alice.hear(Announce(ids=(statement(3).id,)), nonce=7)
    reconcile = Reconcile(session=bytes(16), salt=bytes(16), root=bytes(32), message=b"\x61")
    assert isinstance(alice.hear(reconcile, nonce=8)[0], Refuse)
    count = len(alice.sent)
    for _ in range(30):
        alice.wait()
    assert len(alice.sent) == count
    alice.now += CONFIG.distrust_min
    assert isinstance(alice.hear(Push(statements=(statement(2).raw,), urgent=False), nonce=9)[1], Submit)


@pytest.mark.parametrize(
    "malformed",
    [
        Announce(ids=(bytes(32), bytes(32))),
        Reconcile(session=bytes(16), salt=bytes(16), root=bytes(32), message=b"rubbish"),
    ],
)
def test_a_malformed_frame_that_a_peer_signed_is_an_offence(malformed: Body) -> None:
    alice = Alice()
    assert isinstance(alice.hear(malformed)[0], Refuse)
    assert alice.counters()["offences"] == 1
    assert alice.bob().distrusted_until is not None


def test_a_flood_over_quota_is_refused_for_now_and_costs_the_slot() -> None:
    alice = Alice(GossipConfig(frames_burst=2, frames_per_second=1))
    alice.befriend()
    effects = [alice.hear(root_with(0), nonce=1_000 + number)[0] for number in range(3)]
    refused = effects[-1]
    assert isinstance(refused, Refuse)
    assert refused.status == 429
    assert not alice.bob().is_mesh
    assert alice.counters()["offences"] == 1


def test_more_than_can_be_judged_waits_and_none_is_refused_for_good() -> None:
    alice = Alice(GossipConfig(work_per_second=60, work_burst=60, backlog_bytes=1_000))
    pushed = [statement(number) for number in range(1, 6)]
    effects = alice.hear(Push(statements=tuple(each.raw for each in pushed), urgent=False))
    got = [each for effect in effects if isinstance(effect, Submit) for each in effect.statements]
    assert len(got) == 1
    refused = alice.hear(Push(statements=(statement(9).raw,), urgent=False), nonce=5)[0]
    assert isinstance(refused, Refuse)
    assert (refused.status, refused.error.code) == (503, "overloaded")
    for _ in range(20):
        got += [each for effect in alice.wait() if isinstance(effect, Submit) for each in effect.statements]
    assert [each.id for each in got] == [each.id for each in pushed]
    assert isinstance(alice.hear(Push(statements=(statement(9).raw,), urgent=False), nonce=6)[0], Reply)


def test_a_copy_of_what_is_accepted_and_not_yet_logged_is_not_judged_again() -> None:
    alice = Alice()
    push = Push(statements=(statement(1).raw,), urgent=False)
    assert isinstance(alice.hear(push)[1], Submit)
    assert len(alice.hear(push, nonce=5)) == 1
    # What could not be stored may come again.
    alice.handle(StatementsJudged(sender=b"", postponed=(statement(1).id,)))
    assert isinstance(alice.hear(push, nonce=6)[1], Submit)


def test_a_bad_copy_does_not_block_the_good_one() -> None:
    """The id says nothing of the signature: whoever sends a forged copy first must not make us refuse the true one."""
    world = World(nodes=3)
    true = statement(1)
    victim, liar = world.nodes[0], world.nodes[2]
    data = encode_frame(
        Push(statements=(forged(true),), urgent=False),
        signer=KeyPair(seed_of(liar.name)),
        recipient=key_id(victim.peer.public),
        time=world.now,
        nonce=bytes(16),
    )
    world.handle(victim, FrameReceived(token=1, data=data))
    assert world.counters(victim)["statements_refused"] == 1
    world.submit(world.nodes[1], [true])
    world.run(seconds=30)
    world.check_same()
    assert victim.ledger.raws[true.id] == true.raw


def test_a_forged_statement_of_a_key_not_yet_known_is_found_out_later_and_nobody_is_blamed() -> None:
    world = World(nodes=2)
    node = world.nodes[0]
    new = seed_of("new key")
    world.submit(node, [decode(forged(statement(1, seed=new)))])
    world.submit(node, [statement(1, kind="key.add", body={"public": public_of(new)})])
    world.run(seconds=10)
    assert world.counters(node)["statements_refused"] == 1
    assert node.ledger.size() == 1


def test_one_frame_of_forged_statements_is_one_offence() -> None:
    alice = Alice()
    judged = StatementsJudged(sender=key_id(BOB.public), refused=(statement(1).id, statement(2).id))
    alice.handle(judged)
    alice.now += CONFIG.distrust_min
    assert isinstance(alice.hear(Push(statements=(statement(3).raw,), urgent=False))[1], Submit)


def test_a_forged_statement_that_a_peer_holds_keeps_nothing_else_from_us() -> None:
    world = World(nodes=2)
    liar = world.nodes[1]
    bad = statement(1)
    liar.ledger.add(bad)
    liar.ledger.raws[bad.id] = forged(bad)
    later = statement(2)
    liar.ledger.add(later)
    world.run(seconds=200)
    honest = world.nodes[0]
    assert later.id in honest.ledger
    assert bad.id not in honest.ledger


def test_the_eleventh_announcement_of_a_heartbeat_is_not_looked_at() -> None:
    alice = Alice()
    for number in range(11):
        alice.hear(Announce(ids=(statement(number + 1).id,)), nonce=50 + number)
    assert alice.counters()["announcements_ignored"] == 1


def test_whoever_grafts_before_its_time_is_struck() -> None:
    alice = Alice()
    alice.befriend()
    alice.handle(StatementsJudged(sender=key_id(BOB.public), refused=(statement(1).id,)))
    alice.answer(root_with(0))
    alice.now += CONFIG.distrust_min // 2
    assert reply_of(alice.hear(Graft(), nonce=70)) == Prune(backoff=CONFIG.graft_backoff)
    alice.now += CONFIG.distrust_min // 2 + 1
    assert reply_of(alice.hear(Graft(), nonce=71)) == Prune(backoff=CONFIG.graft_backoff)
    assert alice.bob().strikes == 2
    assert alice.counters()["grafts_too_early"] == 2
    alice.now += CONFIG.strike_window
    alice.handle(Ticked())
    assert reply_of(alice.hear(Graft(), nonce=72)) == Graft()


def test_who_has_used_up_our_time_does_not_get_another_session() -> None:
    alice = Alice(GossipConfig(work_per_second=1, work_burst=10))
    alice.log(*range(1, 21))
    first = Reconcile(session=bytes(16), salt=bytes(16), root=bytes(32), message=b"\x61")
    assert isinstance(reply_of(alice.hear(first, nonce=1)), Reconcile)
    second = Reconcile(session=b"s" * 16, salt=bytes(16), root=bytes(32), message=b"\x61")
    (refused, *_) = alice.hear(second, nonce=2)
    assert isinstance(refused, Refuse)
    assert (refused.status, refused.error.code) == (503, "overloaded")


def test_statements_of_unknown_keys_are_bounded_and_forgotten_with_their_sender() -> None:
    world = World(nodes=2, config=GossipConfig(waiting_statements=3))
    node, other = world.nodes
    unknown = [statement(n, seed=seed_of("unknown")) for n in range(1, 6)]
    data = encode_frame(
        Push(statements=tuple(each.raw for each in unknown), urgent=False),
        signer=KeyPair(seed_of(other.name)),
        recipient=key_id(node.peer.public),
        time=world.now,
        nonce=bytes(16),
    )
    world.handle(node, FrameReceived(token=1, data=data))
    assert node.machine.statistics().waiting == 3
    assert world.counters(node)["waiting_evicted"] == 2
    world.handle(node, PeersChanged(peers=(node.peer,)))
    assert node.machine.statistics().waiting == 0


def test_what_was_waiting_and_got_logged_otherwise_is_not_judged_again() -> None:
    world = World(nodes=1)
    node = world.nodes[0]
    unknown = statement(1, seed=seed_of("unknown"))
    world.submit(node, [unknown])
    node.ledger.add(unknown)
    assert world.handle(node, StatementsLogged(statements=(node.ledger.add(statement(2)),))) == []


def test_the_authority_of_this_world_is_the_one_that_signs() -> None:
    """Guards the fake: its statements do verify, and forged ones do not."""
    world = World(nodes=1)
    world.submit(world.nodes[0], [statement(1)])
    world.run(seconds=1)
    assert world.nodes[0].ledger.size() == 1
    assert statement(1).kid == key_id(public_of(AUTHORITY_SEED))
