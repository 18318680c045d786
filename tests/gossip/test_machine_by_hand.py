"""One machine whose peer is played by the test: each answer, each failure, each offence."""

from collections.abc import Callable
from functools import partial
from hashlib import sha256
from random import Random

import pytest

from gossip.config import GossipConfig
from gossip.events import (
    Effect,
    FrameAnswered,
    FrameReceived,
    Peer,
    PeersChanged,
    PeerStatistics,
    Refuse,
    Reply,
    Send,
    SendFailed,
    StatementsJudged,
    StatementsLogged,
    Submit,
    Ticked,
)
from gossip.frames import (
    Announce,
    Beacon,
    Body,
    Fetch,
    Graft,
    Prune,
    Push,
    Reconcile,
    Request,
    Root,
    decode_frame,
    encode_frame,
)
from gossip.machine import Machine
from registry.keys import key_id, public_of
from registry.statement import decode
from tests.strategies.gossip_world import AUTHORITY_SEED, START, Ledger, World, forged, seed_of, statement

CONFIG = GossipConfig()
ALICE, BOB = (Peer(name=name, url=f"https://{name}", public=public_of(seed_of(name))) for name in ("alice", "bob"))


BEACON = Beacon(root=bytes(32), count=0, size=0, time=START)


class Alice:
    """One machine whose only peer, Bob, is played by the test."""

    def __init__(self, config: GossipConfig = CONFIG) -> None:
        self.now = START
        self.ledger = Ledger()
        self.machine = Machine(seed=seed_of("alice"), held=self.ledger, random=Random(1), config=config)
        self.sent: list[Send] = []
        self.handle(PeersChanged(peers=(ALICE, BOB)))

    def handle(self, event: object) -> list[Effect]:
        effects = self.machine.handle(event, now=self.now)  # type: ignore[arg-type]
        self.sent += [effect for effect in effects if isinstance(effect, Send)]
        return effects

    def hear(self, body: Body, *, nonce: int = 0) -> list[Effect]:
        """Bob posts a frame."""
        data = self.by_bob(body, (nonce or len(self.sent) + self.now).to_bytes(16))
        return self.handle(FrameReceived(token=7, data=data))

    def by_bob(self, body: Body, nonce: bytes) -> bytes:
        return encode_frame(body, seed=seed_of("bob"), recipient=key_id(ALICE.public), time=self.now, nonce=nonce)

    def wait(self) -> list[Effect]:
        """Until the machine wants to be woken."""
        due = self.machine.next_wakeup()
        assert due is not None
        assert due >= self.now
        self.now = due
        return self.handle(Ticked())

    def asked(self) -> Body:
        """What Alice sent last."""
        return decode_frame(self.sent[-1].data, max_bytes=CONFIG.frame_bytes, max_ids=CONFIG.announce_ids).body

    def has_sent_more_than(self, count: int) -> bool:
        return len(self.sent) > count

    def wait_until(self, condition: Callable[[], object]) -> int:
        """Lets time pass until something is so; how much that took, ms."""
        start = self.now
        for _ in range(2_000):
            if condition():
                return self.now - start
            self.wait()
        raise AssertionError("that never happened")

    def wait_for(self, kind: type) -> Body:
        """Until Alice sends one; grafts and beacons are answered on the way."""
        answered = 0
        for _ in range(60):
            if self.sent and isinstance(self.asked(), kind):
                return self.asked()
            if len(self.sent) > answered and isinstance(self.asked(), Graft | Beacon):
                answered = len(self.sent)
                self.answer(Graft() if isinstance(self.asked(), Graft) else BEACON)
            else:
                self.wait()
        raise AssertionError(f"no {kind.__name__} was sent")

    def answer(self, body: Body) -> list[Effect]:
        """Bob answers what Alice sent last."""
        last = self.sent[-1]
        nonce = decode_frame(last.data, max_bytes=CONFIG.frame_bytes, max_ids=CONFIG.announce_ids).nonce
        self.now += 10
        return self.handle(FrameAnswered(exchange=last.exchange, status=200, data=self.by_bob(body, nonce)))

    def befriend(self) -> None:
        """Bob is in Alice's mesh, and nothing is under way."""
        self.wait_for(Graft)
        self.answer(Graft())

    def fail(self, reason: str = "lost") -> list[Effect]:
        """What Alice sent last got lost."""
        return self.handle(SendFailed(exchange=self.sent[-1].exchange, reason=reason))

    def bob(self) -> PeerStatistics:
        (peer,) = self.machine.statistics().peers
        return peer

    def log(self, *numbers: int, urgent: bool = False) -> list[Effect]:
        kind = "accreditation.status" if urgent else "issuer.register"
        return self.handle(
            StatementsLogged(statements=tuple(self.ledger.add(statement(n, kind=kind)) for n in numbers))
        )

    def counters(self) -> dict[str, int]:
        return dict(self.machine.statistics().counters)


def reply_of(effects: list[Effect]) -> Body:
    reply = effects[0]
    assert isinstance(reply, Reply)
    assert reply.token == 7
    return decode_frame(reply.data, max_bytes=CONFIG.frame_bytes, max_ids=CONFIG.announce_ids).body


def root_with(size: int) -> Root:
    return Root(root=sha256(b"bob's").digest(), count=size, size=size)


def test_a_machine_without_peers_wants_nothing() -> None:
    machine = Machine(seed=seed_of("alice"), held=Ledger(), random=Random(1))
    assert machine.handle(PeersChanged(peers=(ALICE,)), now=START) == []
    assert machine.next_wakeup() is None
    assert machine.handle(Ticked(), now=START + 1) == []


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
    assert alice.bob().why == "dialled us"
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
    eve = encode_frame(Graft(), seed=seed_of("eve"), recipient=key_id(ALICE.public), time=START, nonce=bytes(16))
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
        seed=seed_of(liar.name),
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


def test_who_has_used_up_our_time_does_not_get_another_session() -> None:
    alice = Alice(GossipConfig(work_per_second=1, work_burst=10))
    alice.log(*range(1, 21))
    first = Reconcile(session=bytes(16), salt=bytes(16), root=bytes(32), message=b"\x61")
    assert isinstance(reply_of(alice.hear(first, nonce=1)), Reconcile)
    second = Reconcile(session=b"s" * 16, salt=bytes(16), root=bytes(32), message=b"\x61")
    (refused, *_) = alice.hear(second, nonce=2)
    assert isinstance(refused, Refuse)
    assert (refused.status, refused.error.code) == (503, "overloaded")


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


def test_statements_of_unknown_keys_are_bounded_and_forgotten_with_their_sender() -> None:
    world = World(nodes=2, config=GossipConfig(waiting_statements=3))
    node, other = world.nodes
    unknown = [statement(n, seed=seed_of("unknown")) for n in range(1, 6)]
    data = encode_frame(
        Push(statements=tuple(each.raw for each in unknown), urgent=False),
        seed=seed_of(other.name),
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
