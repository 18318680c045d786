"""What waits for one peer is bounded, in order, and never silently lost."""

from accredit.gossip.exchanges.inbound import Orphans
from accredit.gossip.peers.outbox import Outbox
from accredit.gossip.protocol.config import GossipConfig
from accredit.gossip.protocol.events import Logged
from accredit.gossip.protocol.wire import Announce, Push
from tests.strategies.gossip_world import Ledger, statement


def ledger_of(many: int) -> tuple[Ledger, list[Logged]]:
    ledger = Ledger()
    return ledger, [ledger.add(statement(number)) for number in range(1, many + 1)]


def test_normal_statements_are_gathered_from_the_first_on() -> None:
    ledger, logged = ledger_of(2)
    outbox = Outbox(GossipConfig(gather=100))
    outbox.offer(logged[0], at=1_000)
    outbox.offer(logged[1], at=1_090)
    assert outbox.normal_due == 1_100
    taken = outbox.take_normal(ledger)
    assert taken is not None
    assert len(taken[0].statements) == 2
    assert outbox.normal_due is None
    assert outbox.take_normal(ledger) is None


def test_what_the_peer_turns_out_to_have_is_not_sent() -> None:
    ledger, logged = ledger_of(2)
    outbox = Outbox(GossipConfig())
    outbox.offer(logged[0], at=0)
    outbox.mark_known(logged[0].id)
    outbox.mark_known(logged[1].id)
    outbox.offer(logged[1], at=0)
    assert (outbox.queued, outbox.normal_due) == (0, None)
    assert outbox.take_urgent(ledger) is None


def test_what_comes_back_undelivered_is_due_at_once_unless_known_by_then() -> None:
    ledger, logged = ledger_of(3)
    outbox = Outbox(GossipConfig(gather=100, normal_ids=2))
    for each in logged[:2]:
        outbox.offer(each, at=0)
    taken = outbox.take_normal(ledger)
    assert taken is not None
    outbox.offer(logged[2], at=50)
    outbox.mark_known(logged[0].id)
    outbox.give_back(taken[1], urgent=False)
    assert outbox.normal_due == 0
    again = outbox.take_normal(ledger)
    assert again is not None
    assert list(again[1]) == [logged[1].id, logged[2].id]


def test_when_all_that_comes_back_is_known_nothing_is_due() -> None:
    ledger, logged = ledger_of(1)
    outbox = Outbox(GossipConfig())
    outbox.offer(logged[0], at=0)
    taken = outbox.take_normal(ledger)
    assert taken is not None
    outbox.mark_known(logged[0].id)
    outbox.give_back(taken[1], urgent=False)
    assert outbox.normal_due is None


def test_memory_of_what_a_peer_has_is_bounded_and_forgets_the_oldest() -> None:
    _, logged = ledger_of(3)
    outbox = Outbox(GossipConfig(known_ids=2))
    for each in logged:
        outbox.mark_known(each.id)
    for each in logged:
        outbox.offer(each, at=0)
    assert outbox.queued == 1


def test_overflow_is_announced_from_its_first_statement_on() -> None:
    ledger, logged = ledger_of(5)
    outbox = Outbox(GossipConfig(normal_ids=2, announce_ids=2))
    for each in logged:
        outbox.offer(each, at=0)
    assert outbox.overflowed == 3
    first, second = outbox.take_announcement(ledger), outbox.take_announcement(ledger)
    assert first == (Announce(ids=tuple(ledger.order[2:4])), 2)
    assert second == (Announce(ids=tuple(ledger.order[4:])), 4)
    assert outbox.take_announcement(ledger) is None
    assert not outbox.has_bulk
    outbox.announce_from(4)
    outbox.announce_from(2)
    assert outbox.take_announcement(ledger) == first


def test_nothing_is_announced_from_the_end_of_the_log() -> None:
    ledger, _ = ledger_of(1)
    outbox = Outbox(GossipConfig())
    outbox.announce_from(1)
    assert outbox.take_announcement(ledger) is None


def test_what_is_wanted_goes_in_pushes_that_fit() -> None:
    ledger, logged = ledger_of(3)
    size = len(ledger.raws[logged[0].id])
    outbox = Outbox(GossipConfig(push_bytes=2 * size + 50))
    outbox.want(tuple(each.id for each in logged))
    first = outbox.take_wanted(ledger)
    assert first is not None
    assert len(first[1]) == 2
    outbox.give_back_wanted(first[1])
    assert outbox.take_wanted(ledger) == first
    last = outbox.take_wanted(ledger)
    assert last == (Push(statements=(ledger.raws[logged[2].id],), urgent=False), (logged[2].id,))
    assert outbox.take_wanted(ledger) is None


def test_what_a_peer_was_found_to_lack_is_sent_even_if_it_once_had_it() -> None:
    """It took it, and lost it before it was logged: a full disk, a crash."""
    ledger, logged = ledger_of(1)
    outbox = Outbox(GossipConfig())
    outbox.mark_known(logged[0].id)
    assert outbox.is_known(logged[0].id)
    outbox.want((logged[0].id,))
    assert outbox.take_wanted(ledger) is not None


def test_what_is_given_up_waits_no_more() -> None:
    _, logged = ledger_of(3)
    outbox = Outbox(GossipConfig(normal_ids=1))
    for each in logged:
        outbox.offer(each, at=0)
    outbox.want((logged[0].id,))
    outbox.clear()
    assert (outbox.queued, outbox.has_bulk, outbox.normal_due) == (0, False, None)


def test_the_waiting_of_one_sender_do_not_push_out_those_of_another() -> None:
    first, second, third = (statement(number) for number in (1, 2, 3))
    waiting = Orphans(GossipConfig(waiting_bytes=len(first.raw) + len(second.raw) - 1))
    waiting.add(b"honest", first)
    waiting.add(b"honest", first)
    waiting.add(b"flood", first)
    waiting.add(b"flood", second)
    waiting.add(b"flood", third)
    assert len(waiting) == 2
    assert waiting.evicted == 2
    assert waiting.take() == [(b"honest", (first,)), (b"flood", (third,))]
    assert len(waiting) == 0
