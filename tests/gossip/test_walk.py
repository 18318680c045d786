"""The walk along a peer's log: the cursor passes only what is logged here, or what is given up and counted."""

from gossip.config import GossipConfig
from gossip.frames import Announce, Fetch, Request, Root
from gossip.walk import Walk
from tests.strategies.gossip_world import Ledger, statement

CONFIG = GossipConfig()
OURS = bytes(32)
THEIRS = bytes([1]) * 32


def root(size: int, *, equal: bool = False) -> Root:
    return Root(root=OURS if equal else THEIRS, count=size, size=size)


class Walker:
    """A walk with what it needs around it."""

    def __init__(self, config: GossipConfig = CONFIG) -> None:
        self.held = Ledger()
        self.asked: dict[bytes, int] = {}
        self.walk = Walk(config, self.asked)
        self.all = [statement(number) for number in range(1, 5)]
        self.ids = tuple(each.id for each in self.all)

    def hear(self, theirs: Root, *, at: int = 0) -> None:
        self.walk.on_root(theirs, (OURS, 0), self.held.size(), at=at)

    def next(self, at: int = 0) -> Fetch | Request | None:
        return self.walk.next(self.held, at=at)

    def page(self, start: int, stop: int, *, size: int = 4) -> None:
        self.walk.on_page(Announce(start=start, size=size, ids=self.ids[start:stop]), self.held)


def test_equal_roots_skip_the_whole_log() -> None:
    walker = Walker()
    assert walker.next() is None
    walker.hear(root(1_000_000, equal=True))
    assert walker.next() is None
    assert walker.walk.in_sync
    walker.hear(root(1_000_001))
    assert walker.next() == Fetch(start=1_000_000)
    assert walker.walk.behind == 1


def test_the_cursor_does_not_pass_what_is_asked_for_and_not_logged() -> None:
    walker = Walker()
    walker.hear(root(4))
    walker.page(0, 2)
    assert walker.next() == Request(ids=walker.ids[:2])
    walker.walk.on_delivered(walker.ids[:2], set(walker.ids[:2]))
    assert walker.next() is None
    walker.hear(root(4))  # still open: a new comparison changes nothing
    assert walker.next(at=999) is None
    for each in walker.all[:2]:
        walker.held.add(each)
    assert walker.next(at=1_000) == Fetch(start=2)


def test_what_another_peer_was_asked_for_is_waited_for_and_then_asked_again() -> None:
    walker = Walker()
    walker.asked[walker.ids[0]] = 5_000
    walker.hear(root(1))
    walker.page(0, 1, size=1)
    assert walker.next() is None
    assert walker.walk.blocked_until == CONFIG.blocked
    assert walker.next(at=5_000) == Request(ids=walker.ids[:1])


def test_an_answer_short_at_its_end_is_no_failure_to_deliver() -> None:
    walker = Walker(GossipConfig(attempts=1))
    walker.hear(root(4))
    walker.page(0, 4)
    assert walker.next() == Request(ids=walker.ids)
    walker.walk.on_delivered(walker.ids, {walker.ids[1]})
    # The first was passed over and counts as tried; the last two may have found no room.
    again = walker.next()
    assert again == Request(ids=walker.ids[2:])
    assert walker.walk.given_up == 1


def test_what_is_refused_is_stepped_over_once() -> None:
    walker = Walker()
    walker.walk.on_refused(walker.ids[0])
    walker.hear(root(1))
    walker.page(0, 1, size=1)
    walker.walk.on_refused(walker.ids[0])
    walker.walk.on_refused(walker.ids[0])
    assert walker.walk.given_up == 1
    assert walker.next() is None
    assert walker.walk.behind == 0


def test_a_failed_question_frees_what_it_asked_for() -> None:
    walker = Walker()
    walker.hear(root(1))
    walker.page(0, 1, size=1)
    request = walker.next()
    assert isinstance(request, Request)
    walker.walk.on_failed(request)
    assert walker.asked == {}
    walker.walk.on_failed(Fetch(start=0))
    assert walker.next(at=1) == request


def test_a_request_is_bounded() -> None:
    walker = Walker(GossipConfig(request_ids=3))
    walker.hear(root(4))
    walker.page(0, 4)
    assert walker.next() == Request(ids=walker.ids[:3])


def test_an_answer_that_comes_after_the_walk_was_over_is_harmless() -> None:
    walker = Walker()
    walker.hear(root(1))
    walker.page(0, 1, size=1)
    walker.next()
    walker.hear(root(1, equal=True))
    walker.walk.on_delivered(walker.ids[:1], set())
    assert walker.next() is None


def test_a_page_that_is_not_the_one_asked_for_ends_the_walk_until_roots_are_compared() -> None:
    walker = Walker()
    walker.hear(root(4))
    walker.page(2, 4)
    assert walker.next() is None
    walker.hear(root(4))
    assert walker.next() == Fetch(start=0)


def test_a_log_that_got_shorter_raises_an_alarm_and_begins_again() -> None:
    walker = Walker()
    walker.hear(root(4, equal=True))
    walker.hear(root(3), at=1)
    assert walker.walk.alarms == 1
    assert walker.next(at=1) == Fetch(start=0)


def test_a_log_that_lies_again_is_walked_again_only_after_ten_minutes() -> None:
    walker = Walker()
    for each in walker.all:
        walker.held.add(each)
    for at, alarms in ((0, 1), (1, 1), (CONFIG.rewalk - 1, 1), (CONFIG.rewalk, 2)):
        walker.hear(root(4), at=at)
        walker.page(0, 4)
        while walker.next(at=at):
            pass
        walker.hear(root(4), at=at)
        assert walker.walk.alarms == alarms
        walker.page(0, 4)
        while walker.next(at=at):
            pass


def test_that_we_hold_more_than_the_peer_is_no_alarm() -> None:
    walker = Walker()
    for each in walker.all:
        walker.held.add(each)
    walker.hear(root(2))
    walker.page(0, 2, size=2)
    assert walker.next() is None
    walker.hear(root(2))
    assert walker.walk.alarms == 0
