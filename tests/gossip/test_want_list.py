"""Announcements: each id is asked from one peer at a time, and who does not deliver is followed by the next."""

from accredit.gossip.exchanges.want_list import Promises, Recent
from accredit.gossip.protocol.config import GossipConfig


def test_a_recent_id_is_announced_in_three_heartbeats_and_their_number_is_bounded() -> None:
    recent = Recent(GossipConfig(announce_ids=2))
    for id in (b"a", b"b", b"c"):
        recent.add(id)
    assert recent.take() == (b"b", b"c")
    recent.add(b"d")
    assert recent.take() == (b"c", b"d")
    assert [recent.take() for _ in range(3)] == [(b"c", b"d"), (b"d",), ()]


def test_the_next_announcer_is_asked_when_the_first_does_not_deliver() -> None:
    promises = Promises()
    assert promises.announced(b"p1", [b"a", b"b"], until=10) == (b"a", b"b")
    for peer in (b"p2", b"p1", b"p2", b"p3", b"p4", b"p5"):
        assert promises.announced(peer, [b"a"], until=10) == ()
    assert promises.overdue(at=9) == {}
    promises.came(b"b")
    promises.came(b"never asked for")
    assert promises.overdue(at=10) == {b"p1": [b"a"]}
    assert promises.broken(b"p1", [b"a", b"b"], until=20) == (True, {b"p2": [b"a"]})
    assert promises.broken(b"p1", [b"a"], until=20) == (False, {}), "nobody is struck twice for one promise"
    assert promises.broken(b"p2", [b"a"], until=30) == (True, {b"p3": [b"a"]})
    promises.broken(b"p3", [b"a"], until=40)
    assert promises.broken(b"p4", [b"a"], until=50) == (True, {}), "four are remembered, the fifth is not"
    assert promises.announced(b"p9", [b"a"], until=60) == (b"a",)


def test_who_delivers_in_parts_has_more_time_for_the_rest() -> None:
    promises = Promises()
    promises.announced(b"p1", [b"a", b"b", b"c"], until=10)
    promises.came(b"a")
    assert promises.renewed(b"p1", [b"a", b"b"], until=20) == (b"b",)
    assert promises.renewed(b"p2", [b"c"], until=20) == ()
    assert promises.overdue(at=10) == {b"p1": [b"c"]}


def test_who_is_no_longer_a_node_promises_nothing() -> None:
    promises = Promises()
    promises.announced(b"p1", [b"a"], until=10)
    promises.announced(b"p2", [b"a", b"b"], until=10)
    promises.forget_peer(b"p2")
    assert promises.overdue(at=10) == {b"p1": [b"a"]}
    assert promises.broken(b"p1", [b"a"], until=20) == (True, {})
