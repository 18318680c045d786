"""Scores of peers: each threshold alone; nothing good a peer does makes up for it, nothing of ours is blamed on it."""

from hypothesis import given
from hypothesis import strategies as st

from accredit.gossip.peers.peer_score import LocalHealth, PeerScore
from accredit.gossip.protocol.config import GossipConfig
from tests.strategies.gossip_world import statement

CONFIG = GossipConfig()
MINUTE = 60_000


def test_a_pause_doubles_up_to_an_hour_and_is_forgotten_after_another() -> None:
    conduct, at, pauses = PeerScore(CONFIG, at=0), 0, []
    for _ in range(9):
        conduct.offend("lied.", at=at)
        conduct.offend("lied again.", at=at)  # in the same pause: one offence
        pauses.append((conduct.distrusted_until - at) // MINUTE)
        assert conduct.is_distrusted(at=conduct.distrusted_until - 1)
        at = conduct.distrusted_until
        assert not conduct.is_distrusted(at=at)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert conduct.offence == "lied."
    assert not conduct.is_clean(at=at + 59 * MINUTE)
    assert conduct.is_clean(at=at + 60 * MINUTE)
    conduct.offend("lied.", at=at + 60 * MINUTE)
    assert conduct.distrusted_until == at + 61 * MINUTE


@given(st.lists(st.sampled_from(["first", "serve", "beat"]), max_size=50))
def test_no_good_deeds_make_up_for_three_broken_promises(deeds: list[str]) -> None:
    conduct = PeerScore(CONFIG, at=0)
    for number in range(3):
        assert not conduct.is_struck(at=number)
        conduct.strike(at=number)
        for deed in deeds:
            if deed == "first":
                conduct.first(at=number)
            elif deed == "serve":
                conduct.may_serve(bytes(32))
            else:
                conduct.may_announce(at=number)
    assert conduct.is_struck(at=CONFIG.strike_window - 1)
    assert not conduct.is_struck(at=CONFIG.strike_window)


def test_a_statement_is_served_three_times_and_the_memory_of_it_is_bounded() -> None:
    conduct = PeerScore(GossipConfig(known_ids=2), at=0)
    assert [conduct.may_serve(b"a") for _ in range(4)] == [True, True, True, False]
    conduct.may_serve(b"b")
    conduct.may_serve(b"c")
    assert conduct.may_serve(b"a"), "forgotten as the oldest"


def test_so_many_announcements_are_taken_in_one_heartbeat() -> None:
    conduct = PeerScore(CONFIG, at=0)
    assert [conduct.may_announce(at=number) for number in range(11)] == [True] * 10 + [False]
    assert conduct.may_announce(at=CONFIG.heartbeat)


def test_statements_wait_for_the_time_they_take_urgent_ones_first_and_none_is_lost() -> None:
    conduct = PeerScore(GossipConfig(work_per_second=1_000, work_burst=60, backlog_bytes=700), at=0)
    normal, urgent = [statement(number) for number in (1, 2)], [statement(number) for number in (3, 4)]
    assert conduct.take_due(at=0) is None
    conduct.queue(normal, is_urgent=False)
    assert not conduct.is_backlog_full
    conduct.queue(urgent, is_urgent=True)
    assert conduct.is_backlog_full
    assert not conduct.is_clean(at=0)
    taken, at = [], 0
    while (due := conduct.take_due(at=at)) is not None:
        at = due
        taken += conduct.take(at=at)
    assert taken == [*urgent, *normal]
    assert 2 * 60 <= at <= 4 * 60, "60 µs each, at 1,000 µs a second"
    assert conduct.is_overworked(at=at)
    assert conduct.is_clean(at=at)


def test_a_node_in_trouble_gives_others_more_time_within_bounds() -> None:
    health = LocalHealth(CONFIG)
    assert health.scale(3_000) == 3_000
    for _ in range(20):
        health.worse()
    assert health.scale(3_000) == 27_000
    for _ in range(8):
        health.better()
    health.better()
    assert health.scale(3) == 3
