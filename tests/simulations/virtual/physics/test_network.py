"""Links: are the delays, losses and cuts those that the settings speak of?"""

from random import Random
from statistics import median

from accredit.simulations.virtual.physics.network import LinkSettings, Network, Sparse, split

NAMES = [f"n{number}" for number in range(60)]


def network(**settings: float) -> Network:
    return Network(Random(1), 1, LinkSettings(**settings))  # type: ignore[arg-type]


def all_delays(links: Network, *, size: int = 0) -> list[int]:
    return [links.carry(a, b, size)[0] for a in NAMES for b in NAMES if a != b]


def test_delays_are_log_normal_around_their_median() -> None:
    delays = sorted(all_delays(network()))
    assert 43 <= median(delays) <= 47
    assert 18 <= delays[len(delays) // 40] <= 24
    assert 90 <= delays[-len(delays) // 40] <= 110


def test_a_link_is_slower_one_way_than_the_other_and_stays_so() -> None:
    links = network(jitter=0.0)
    there, back = links.carry("n1", "n2", 0), links.carry("n2", "n1", 0)
    assert there != back
    assert [links.carry("n1", "n2", 0) for _ in range(3)] == [there] * 3


def test_a_link_is_the_same_whoever_speaks_first() -> None:
    one, other = network(jitter=0.0), network(jitter=0.0)
    all_delays(one)
    assert one.carry("n1", "n2", 0) == other.carry("n1", "n2", 0)


def test_large_messages_take_longer() -> None:
    links = network(jitter=0.0)
    assert links.carry("n1", "n2", 12_500_000)[0] - links.carry("n1", "n2", 0)[0] == 1_000


def test_loss_and_duplication_come_as_often_as_said() -> None:
    links = network(loss=0.1, duplication=0.2)
    copies = [len(links.carry(a, b, 10)) for a in NAMES for b in NAMES if a != b]
    assert 0.07 < copies.count(0) / len(copies) < 0.13
    assert 0.14 < copies.count(2) / len(copies) < 0.22
    assert links.lost == copies.count(0)
    assert links.messages == len(copies)
    assert links.bytes == 10 * len(copies)


def test_reordering_holds_some_messages_up() -> None:
    held_up = sum(delay > 200 for delay in all_delays(network(reordering=0.2)))
    assert held_up > 100
    assert sum(delay > 200 for delay in all_delays(network())) < 20


def test_a_partition_stops_both_ways_and_nobody_else() -> None:
    links = network()
    links.cuts["halves"] = split(["n1"], ["n2"])
    assert links.carry("n1", "n2", 0) == links.carry("n2", "n1", 0) == []
    assert links.carry("n1", "n3", 0)
    assert links.carry("n3", "n2", 0)


def test_a_one_way_partition_still_lets_the_mute_side_listen() -> None:
    links = network()
    links.cuts["mute"] = split(["n1"], ["n2", "n3"], is_one_way=True)
    assert links.carry("n1", "n2", 0) == []
    assert links.carry("n2", "n1", 0)
    assert links.carry("n2", "n3", 0)


def test_a_sparse_network_cuts_its_share_of_pairs_both_ways() -> None:
    cut = Sparse(0.5, 7)
    pairs = [(a, b) for a in NAMES for b in NAMES if a < b]
    stopped = [cut.stops(*pair) for pair in pairs]
    assert 0.45 < sum(stopped) / len(pairs) < 0.55
    assert stopped == [cut.stops(b, a) for a, b in pairs]


def test_a_narrow_uplink_lets_messages_queue() -> None:
    links = Network(Random(1), 1, LinkSettings(spread=0.0, jitter=0.0), clock=lambda: 1_000)
    links.uplinks["n1"] = 1.0
    assert [links.carry("n1", "n2", 500)[0] for _ in range(3)] == [545, 1_045, 1_545]
    assert links.carry("n2", "n1", 500) == [45]


def test_what_goes_to_or_comes_from_a_clogged_node_arrives_when_it_is_not_any_more() -> None:
    links = Network(Random(1), 1, LinkSettings(spread=0.0, jitter=0.0), clock=lambda: 1_000)
    links.clogs["n1"] = 4_000
    assert links.carry("n1", "n2", 0) == links.carry("n2", "n1", 0) == [3_045]
    assert links.carry("n2", "n3", 0) == [45]
    links.clogs["n1"] = 500  # over
    assert links.carry("n1", "n2", 0) == [45]
