"""One machine whose peer is played by the test: each answer, each failure, each offence."""

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
    Refuse,
    Reply,
    Send,
    SendFailed,
    StatementsJudged,
    StatementsLogged,
    Submit,
    Ticked,
)
from gossip.frames import Announce, Body, Fetch, Push, Request, Root, decode_frame, encode_frame
from gossip.machine import Machine
from registry.keys import key_id, public_of
from registry.statement import decode
from tests.strategies.gossip_world import AUTHORITY_SEED, START, Ledger, World, forged, seed_of, statement

CONFIG = GossipConfig()
ALICE, BOB = (Peer(name=name, url=f"https://{name}", public=public_of(seed_of(name))) for name in ("alice", "bob"))


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

    def wait_for(self, kind: type) -> Body:
        for _ in range(20):
            if self.sent and isinstance(self.asked(), kind):
                return self.asked()
            self.wait()
        raise AssertionError(f"no {kind.__name__} was sent")

    def answer(self, body: Body) -> list[Effect]:
        """Bob answers what Alice sent last."""
        last = self.sent[-1]
        nonce = decode_frame(last.data, max_bytes=CONFIG.frame_bytes, max_ids=CONFIG.announce_ids).nonce
        self.now += 10
        return self.handle(FrameAnswered(exchange=last.exchange, status=200, data=self.by_bob(body, nonce)))

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
    assert reply_of(alice.hear(root_with(3))) == Root(root=alice.ledger.root()[0], count=3, size=3)
    assert reply_of(alice.hear(Fetch(start=1), nonce=1)) == Announce(start=1, size=3, ids=ids[1:])
    assert reply_of(alice.hear(Fetch(start=9), nonce=2)) == Announce(start=9, size=3, ids=())
    wanted = Request(ids=(ids[2], bytes(32), ids[0]))
    raws = (alice.ledger.raws[ids[2]], alice.ledger.raws[ids[0]])
    assert reply_of(alice.hear(wanted, nonce=3)) == Push(statements=raws, urgent=False)
    announced = Announce(start=0, size=2, ids=(ids[0], bytes(32)))
    assert reply_of(alice.hear(announced, nonce=4)) == Request(ids=(bytes(32),))
    # Asked from one peer, it is not asked from the next at once.
    assert reply_of(alice.hear(announced, nonce=5)) == Request(ids=())


def test_an_answer_is_no_larger_than_a_frame_may_be() -> None:
    alice = Alice(GossipConfig(push_bytes=700))
    alice.log(1, 2, 3)
    answer = reply_of(alice.hear(Request(ids=tuple(alice.ledger.order))))
    assert isinstance(answer, Push)
    assert 1 <= len(answer.statements) < 3


def test_a_stranger_is_refused_and_counted() -> None:
    alice = Alice()
    eve = encode_frame(Fetch(start=0), seed=seed_of("eve"), recipient=key_id(ALICE.public), time=START, nonce=bytes(16))
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
    rubbish = Push(statements=(b"rubbish", statement(1).raw), urgent=False)
    assert isinstance(reply_of(alice.hear(rubbish)), Root)
    assert alice.counters()["statements_malformed"] == 1
    (refused,) = alice.hear(Push(statements=(statement(2).raw,), urgent=False), nonce=5)
    assert isinstance(refused, Refuse)
    assert refused.status == 429
    # It is still answered, and nothing is asked from it.
    alice.hear(root_with(9), nonce=6)
    for _ in range(5):
        alice.wait()
        assert not isinstance(alice.asked(), Fetch)
        alice.handle(SendFailed(exchange=alice.sent[-1].exchange, reason="-"))
    alice.now += CONFIG.distrust_min
    assert isinstance(alice.hear(Push(statements=(statement(2).raw,), urgent=False), nonce=8)[1], Submit)


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


def test_a_forged_statement_in_a_log_is_stepped_over() -> None:
    world = World(nodes=2)
    liar = world.nodes[1]
    bad = statement(1)
    liar.ledger.order.append(bad.id)
    liar.ledger.raws[bad.id] = forged(bad)
    later = statement(2)
    liar.ledger.add(later)
    world.run(seconds=200)
    honest = world.nodes[0]
    assert later.id in honest.ledger
    assert bad.id not in honest.ledger


def test_a_peer_that_lists_what_it_never_delivers_is_asked_three_times() -> None:
    alice = Alice()
    missing, there = statement(1), statement(2)
    alice.hear(root_with(2))
    assert alice.wait_for(Fetch) == Fetch(start=0)
    alice.answer(Announce(start=0, size=2, ids=(missing.id, there.id)))
    for _ in range(3):
        request = alice.asked()
        assert isinstance(request, Request)
        assert missing.id in request.ids
        alice.answer(Push(statements=(there.raw,) if there.id in request.ids else (), urgent=False))
        if alice.ledger.size() == 0:
            alice.handle(StatementsLogged(statements=(alice.ledger.add(there),)))
    assert alice.counters()["statements_given_up"] == 1
    alice.wait()
    assert alice.asked() == Root(root=alice.ledger.root()[0], count=1, size=1), "and then the walk is over"


def test_equal_sizes_with_different_roots_raise_an_alarm_and_begin_again_once() -> None:
    alice = Alice()
    alice.log(1)
    alice.wait_for(Root)
    alice.answer(Root(root=alice.ledger.root()[0], count=1, size=1))
    alice.hear(root_with(1))
    assert alice.counters()["alarm_rewalks"] == 1
    assert alice.wait_for(Fetch) == Fetch(start=0)
    alice.answer(Announce(start=0, size=1, ids=(alice.ledger.order[0],)))
    alice.hear(root_with(1), nonce=99)
    assert alice.counters()["alarm_rewalks"] == 1


def test_a_failing_peer_is_left_alone_longer_and_longer_and_tried_at_once_when_heard() -> None:
    alice = Alice()
    pauses: list[int] = []
    for _ in range(9):
        count = len(alice.sent)
        while len(alice.sent) == count:
            alice.wait()
        for each in alice.sent[count:]:
            alice.handle(SendFailed(exchange=each.exchange, reason="refused"))
        before, sent = alice.now, len(alice.sent)
        alice.log(len(pauses) + 1, urgent=True)
        assert len(alice.sent) == sent, "nothing is sent during the pause"
        pauses.append((alice.machine.next_wakeup() or 0) - before)
    assert 500 <= pauses[0] <= 1_000
    assert 30_000 <= pauses[-1] <= 60_000
    peer = alice.machine.statistics().peers[0]
    assert (peer.failures, peer.error, peer.queued) == (9, "refused", 9)
    count = len(alice.sent)
    alice.hear(root_with(0))
    assert len(alice.sent) > count
    assert alice.machine.statistics().peers[0].last_heard == alice.now


def test_no_answer_at_all_counts_as_failure() -> None:
    alice = Alice()
    alice.log(1, urgent=True)
    exchange = alice.sent[-1].exchange
    assert alice.asked() == Push(statements=(statement(1, kind="accreditation.status").raw,), urgent=True)
    while alice.now < START + CONFIG.exchange:
        alice.wait()
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
    alice.answer(Fetch(start=0))
    assert "does not answer ours" in alice.machine.statistics().peers[0].error
    assert alice.counters()["answers_refused"] == 1


def test_a_push_that_failed_is_made_again_before_newer_ones() -> None:
    alice = Alice()
    alice.log(1, urgent=True)
    first = alice.asked()
    alice.log(2, urgent=True)
    alice.handle(SendFailed(exchange=alice.sent[-1].exchange, reason="lost"))
    alice.hear(root_with(0))
    again = next(
        body
        for body in (decode_frame(each.data, max_bytes=10**6, max_ids=10).body for each in alice.sent[1:])
        if isinstance(body, Push)
    )
    assert isinstance(first, Push)
    assert again.statements[0] == first.statements[0]
    assert len(again.statements) == 2


def test_a_request_that_failed_may_be_made_to_another_peer() -> None:
    alice = Alice()
    wanted = statement(1)
    alice.hear(root_with(1))
    alice.wait_for(Fetch)
    alice.answer(Announce(start=0, size=1, ids=(wanted.id,)))
    assert alice.asked() == Request(ids=(wanted.id,))
    alice.handle(SendFailed(exchange=alice.sent[-1].exchange, reason="lost"))
    assert reply_of(alice.hear(Announce(start=0, size=1, ids=(wanted.id,)))) == Request(ids=(wanted.id,))


def test_a_peer_asks_only_for_what_was_announced_to_it() -> None:
    alice = Alice(GossipConfig(normal_ids=1, root_interval=10**9))
    alice.log(1, 2)
    alice.wait_for(Push)
    alice.answer(root_with(0))
    page = alice.wait_for(Announce)
    assert page == Announce(start=1, size=2, ids=(alice.ledger.order[1],))
    alice.answer(Request(ids=(bytes(32), alice.ledger.order[1])))
    assert alice.asked() == Push(statements=(statement(2).raw,), urgent=False)


def test_who_is_no_longer_a_node_is_forgotten() -> None:
    alice = Alice()
    alice.wait_for(Root)
    exchange = alice.sent[-1].exchange
    alice.handle(PeersChanged(peers=(ALICE,)))
    assert alice.machine.statistics().peers == ()
    assert alice.handle(SendFailed(exchange=exchange, reason="gone")) == []
    alice.handle(PeersChanged(peers=(BOB,)))
    alice.wait_for(Root)
    alice.handle(PeersChanged(peers=()))
    assert alice.handle(FrameAnswered(exchange=alice.sent[-1].exchange, status=200, data=b"")) == []
    (refused,) = alice.hear(Fetch(start=0))
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
