"""Many machines on a fake wire: whatever the wire does, all come to hold the same statements."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.gossip.protocol.config import GossipConfig
from accredit.gossip.protocol.events import Peer, PeersChanged, Ticked
from accredit.gossip.protocol.wire import Announce, Push, Root
from accredit.registry.encoding.ed25519 import public_of
from tests.strategies.gossip_world import START, World, seed_of, statement
from tests.strategies.searching import examples

CONFIG = GossipConfig()
ALICE, BOB = (Peer(name=name, url=f"https://{name}", public=public_of(seed_of(name))) for name in ("alice", "bob"))


def test_everybody_has_it_in_one_hop() -> None:
    world = World(nodes=5)
    world.say(0, 10)
    world.run(seconds=0.6)
    world.check_same()
    assert len(world.nodes[4].ledger.order) == 10


def test_an_urgent_statement_waits_for_nothing() -> None:
    """Logged after 50 ms and one way of at most 80: gathering for 100 ms would be seen."""
    world = World(nodes=5)
    world.run(seconds=10)
    urgent = world.say(0, urgent=True)
    world.run(seconds=0.05 + 0.08 + 0.05)
    assert all(urgent[0].id in node.ledger for node in world.nodes)


def test_nobody_is_sent_what_it_is_known_to_have() -> None:
    world = World(nodes=2)
    world.say(0, 10)
    world.run(seconds=30)
    assert world.counters(world.nodes[0])["statements_pushed"] == 10
    assert "statements_pushed" not in world.counters(world.nodes[1])


@pytest.mark.no_cover
@examples(8)
@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.1, 0.4]), st.sampled_from([0.0, 0.3]))
def test_loss_duplication_and_reordering_delay_but_never_lose(seed: int, loss: float, duplication: float) -> None:
    world = World(nodes=5, seed=seed)
    world.loss, world.duplication, world.delay = loss, duplication, (1, 2_000)
    for at in range(5):
        world.say(at, 8, urgent=at % 2 == 0)
        world.run(seconds=1)
    world.run(seconds=30)
    world.loss = 0.0
    world.run(seconds=120)
    world.check_same()
    assert len(world.nodes[0].ledger.order) == 40


@pytest.mark.no_cover
def test_a_peer_that_was_down_catches_up_and_gives_what_only_it_has() -> None:
    world = World(nodes=4)
    sleeper = world.nodes[3]
    sleeper.down = True
    world.say(0, 50)
    world.run(seconds=600)
    alone = world.say(3, 2)
    world.run(seconds=1)
    sleeper.down = False
    world.run(seconds=90)
    world.check_same()
    assert all(each.id in world.nodes[0].ledger for each in alone)


@pytest.mark.no_cover
def test_two_halves_that_were_cut_off_for_ten_minutes_become_one() -> None:
    world = World(nodes=6)
    halves = [node.name for node in world.nodes[:3]], [node.name for node in world.nodes[3:]]
    world.cut = {pair for one in halves[0] for other in halves[1] for pair in ((one, other), (other, one))}
    for minute in range(10):
        world.say(0, 5)
        world.say(5, 5, urgent=minute % 2 == 0)
        world.run(seconds=60)
    world.cut = set()
    world.run(seconds=60)
    world.check_same()
    assert len(world.nodes[0].ledger.order) == 100


def test_a_link_cut_in_one_direction_delays_and_is_noticed_at_both_ends() -> None:
    world = World(nodes=2)
    world.cut = {("node0", "node1")}
    world.say(0, 3)
    world.run(seconds=120)
    assert not world.nodes[1].ledger.order
    assert all(node.machine.statistics().peers[0].error == "timed out" for node in world.nodes)
    world.cut = set()
    world.run(seconds=60)
    world.check_same()


def test_a_joiner_comes_to_hold_all_by_reconciliation() -> None:
    config = GossipConfig(request_ids=20, push_bytes=4_000, reconcile_bytes=4_096)
    world = World(nodes=3, config=config)
    world.say(0, 500)
    world.run(seconds=60)
    world.check_same()
    world.nodes.append(world.make("joiner"))
    world.introduce()
    world.run(seconds=60)
    world.check_same()
    assert not any(name.startswith("alarm") for node in world.nodes for name in world.counters(node))
    (peer, *_) = (each for each in world.nodes[3].machine.statistics().peers if each.in_sync is not None)
    assert (peer.in_sync, peer.behind, peer.lag) == (True, 0, 0)


def test_a_queue_that_overflows_is_announced_instead() -> None:
    config = GossipConfig(normal_ids=5, urgent_ids=5, root_interval=10**9, announce_ids=30, announce_peers=0)
    world = World(nodes=2, config=config)
    world.run(seconds=5)
    world.say(0, 100)
    world.say(0, 100, urgent=True)
    world.run(seconds=60)
    world.check_same()
    assert world.counters(world.nodes[0])["statements_announced_instead"] == 190


def test_an_announcement_that_got_lost_is_made_again() -> None:
    world = World(nodes=2, config=GossipConfig(normal_ids=1, root_interval=10**9, push_bytes=1_000))
    world.run(seconds=5)
    world.say(0, 100)
    world.cut = {("node0", "node1")}
    world.run(seconds=2)
    world.cut = set()
    world.run(seconds=60)
    world.check_same()
    assert world.counters(world.nodes[0])["exchanges_failed"] > 0
    assert world.total("promises_broken") == 0, "delivered in many parts is delivered in time"


def test_statements_that_come_before_their_key_wait_and_then_count() -> None:
    world = World(nodes=2)
    new = seed_of("new key")
    later = [statement(n, seed=new) for n in (1, 2)]
    node = world.nodes[0]
    world.submit(node, later)
    world.run(seconds=5)
    assert node.machine.statistics().waiting == 2
    assert not node.ledger.order
    world.submit(node, [statement(1, kind="key.add", body={"public": public_of(new)})])
    world.run(seconds=60)
    world.check_same()
    assert len(node.ledger.order) == 3
    assert node.machine.statistics().waiting == 0


def test_what_was_dropped_on_the_way_into_the_log_is_fetched_again() -> None:
    """A full disk forgets what was accepted; the cursor never passed it."""
    world = World(nodes=2, config=GossipConfig(normal_ids=1))
    world.nodes[1].ledger.add(statement(1_000))
    world.say(0, 20)
    node = world.nodes[1]

    def full_disk() -> None:
        node.pending.clear()
        if world.now < START + 15_000:
            world.at(world.now + 10, full_disk)

    world.at(START, full_disk)
    world.run(seconds=14)
    assert node.ledger.size() == 1
    world.run(seconds=120)
    world.check_same()


def test_a_node_whose_clock_is_minutes_off_is_told_and_recovers() -> None:
    world = World(nodes=2)
    world.nodes[1].clock_error = 300_000
    world.say(0, 1)
    world.run(seconds=30)
    assert "clocks" in world.nodes[0].machine.statistics().peers[0].error
    assert not world.nodes[1].ledger.order
    world.nodes[1].clock_error = 0
    world.run(seconds=120)
    world.check_same()


def test_a_clock_that_is_set_back_does_not_stop_anything() -> None:
    world = World(nodes=2)
    world.run(seconds=10)
    for node in world.nodes:
        node.clock_error = -3_600_000
    world.say(0, 1)
    world.run(seconds=60)
    world.check_same()


def test_the_same_seed_gives_the_same_run() -> None:
    def run(seed: int) -> bytes:
        world = World(nodes=4, seed=seed)
        world.loss = 0.2
        world.say(1, 20)
        world.run(seconds=30)
        return world.trace.digest()

    assert run(7) == run(7)
    assert run(7) != run(8)


@pytest.mark.no_cover
def test_hundreds_of_statements_a_second_do_not_starve_the_comparison_of_roots() -> None:
    world = World(nodes=2)
    world.delay = (300, 400)
    for _ in range(100):
        world.say(0, 20)
        world.run(seconds=0.2)
    assert world.nodes[0].machine.statistics().peers[0].in_sync is not None


@pytest.mark.no_cover
def test_a_large_network_has_it_within_a_second_by_a_mesh_of_eight() -> None:
    world = World(nodes=80)
    world.run(seconds=30)
    degrees = [len(list(node.machine._parts.mesh)) for node in world.nodes]
    assert max(degrees) <= 12
    assert 6.5 <= sum(degrees) / len(degrees) <= 8.5
    copies = world.total("statements_again")
    (urgent,) = world.say(0, urgent=True)
    world.run(seconds=0.6)
    assert all(urgent.id in node.ledger for node in world.nodes)
    world.run(seconds=3)
    assert (world.total("statements_again") - copies) / len(world.nodes) <= 6.2
    (normal,) = world.say(40)
    world.run(seconds=1.2)
    assert all(normal.id in node.ledger for node in world.nodes)


@pytest.mark.no_cover
def test_a_nodes_own_statement_goes_to_twelve_random_members_besides_the_mesh_and_a_relayed_one_does_not() -> None:
    world = World(nodes=60)
    world.run(seconds=30)
    start, author = world.now, world.nodes[0]
    meshes = {node.name: set(node.machine._parts.mesh) for node in world.nodes}
    kids = {node.name: node.kid for node in world.nodes}
    world.say(0, urgent=True)
    world.run(seconds=1)
    told = {kids[peer] for _, peer in world.said(author, Push, since=start)}
    assert meshes[author.name] <= told
    assert 6 <= len(told - meshes[author.name]) <= CONFIG.flood
    for relay in world.nodes[1:]:
        assert {kids[peer] for _, peer in world.said(relay, Push, since=start)} <= meshes[relay.name]


@pytest.mark.no_cover
def test_recent_ids_are_announced_to_a_quarter_of_the_acquaintances_or_to_six() -> None:
    for acquaintances, many in ((0, 6), (64, 16)):
        world = World(nodes=75, config=GossipConfig(flood=0, announce_heartbeats=1, root_interval=10**9))
        world.run(seconds=5)
        author = world.nodes[0].machine._parts
        for node in world.nodes[1 : acquaintances + 1]:
            author.peer(node.kid)
        known = sum(kid not in author.mesh for kid in author.circle.peers)
        world.say(0)
        world.run(seconds=1.5)
        told = {peer for _, peer in world.said(world.nodes[0], Announce)}
        assert len(told) == max(6, known // 4) <= many


@pytest.mark.no_cover
def test_roots_are_compared_every_ten_seconds_or_so_with_anybody_in_the_whole_list() -> None:
    world = World(nodes=40)
    for node in world.nodes[1:]:
        node.machine._parts.is_active = False  # they answer and do nothing by themselves
    world.run(seconds=900)
    compared = world.said(world.nodes[0], Root)
    gaps = [later[0] - sooner[0] for sooner, later in pairwise(compared)]
    assert min(gaps) >= CONFIG.root_interval // 2
    assert max(gaps) <= CONFIG.root_interval * 3 // 2 + 500
    assert 9_000 <= sum(gaps) / len(gaps) <= 11_000
    assert len({peer for _, peer in compared}) >= 30, "90 draws of 39"


@pytest.mark.no_cover
def test_a_third_of_silent_nodes_and_lost_frames_cost_seconds() -> None:
    """Silent: they take everything and never send anything of their own, nor answer."""
    world = World(nodes=60, seed=3)
    silent = world.nodes[40:]
    for node in silent:
        node.down = True
    world.loss = 0.02
    world.run(seconds=90)
    said = world.say(0, 3, urgent=True) + world.say(20, 3)
    world.run(seconds=60)
    world.check_same()
    assert all(each.id in world.nodes[5].ledger for each in said)
    honest = world.nodes[:40]
    assert all(len(list(node.machine._parts.mesh)) >= 6 for node in honest), "the silent ones were replaced"


def test_a_node_not_in_force_says_nothing_and_hears_nothing() -> None:
    world = World(nodes=3)
    outsider = world.make("outsider")
    world.handle(outsider, PeersChanged(peers=tuple(node.peer for node in world.nodes)))
    world.submit(outsider, [statement(1)])
    world.handle(outsider, Ticked())
    world.run(seconds=1)
    assert outsider.ledger.size() == 1
    assert outsider.machine.next_wakeup() is None
    assert world.counters(outsider).get("frames_sent", 0) == 0


@pytest.mark.no_cover
def test_two_runs_of_one_seed_are_the_same_to_the_byte() -> None:
    def digest() -> str:
        world = World(nodes=12, seed=99)
        world.loss = 0.1
        for step in range(5):
            world.say(step, 5, urgent=step % 2 == 0)
            world.run(seconds=7)
        return world.trace.hexdigest()

    assert digest() == digest()


def test_what_was_pruned_or_forgotten_keeps_no_state() -> None:
    world = World(nodes=30, config=GossipConfig(acquaintances=2))
    for node in range(6):
        world.say(node, 2)
        world.run(seconds=2)
    world.run(seconds=20)
    world.check_same()
    assert all(len(node.machine._parts.circle.peers) <= 2 + 12 + 6 for node in world.nodes)


def test_a_clock_set_back_stops_nothing() -> None:
    world = World(nodes=3)
    world.run(seconds=10)
    for node in world.nodes:
        node.clock_error = -60_000
    world.say(0, 3)
    world.run(seconds=180)
    world.check_same()


def test_beacons_tell_who_is_behind_and_who_is_stale() -> None:
    world = World(nodes=2)
    world.run(seconds=40)
    world.cut = {("node0", "node1"), ("node1", "node0")}
    world.say(0, 4)
    world.run(seconds=20)
    (peer,) = world.nodes[0].machine.statistics().peers
    assert (peer.lag, peer.behind) == (4, 0)
    assert peer.beacon is not None
    assert peer.beacon < world.now - 15_000
    world.cut = set()
    world.run(seconds=60)
    (peer,) = world.nodes[0].machine.statistics().peers
    assert peer.lag == 0


def test_when_another_was_last_heard_is_known_without_looking_at_everything() -> None:
    alone = World(nodes=1)
    assert alone.nodes[0].machine.last_heard() is None, "there are no others"
    world = World(nodes=3)
    assert world.nodes[0].machine.last_heard() == 0, "none has spoken yet"
    world.run(seconds=30)
    seen = [peer.last_heard for peer in world.nodes[0].machine.statistics().peers if peer.last_heard is not None]
    assert seen
    assert world.nodes[0].machine.last_heard() == max(seen)


def test_a_peer_that_is_of_use_keeps_its_slot_at_every_rotation() -> None:
    world = World(nodes=4, config=GossipConfig(idle=5_000, rotation_min=5_000, rotation_max=6_000))
    world.run(seconds=5)
    meshes = {node.name: node.machine._parts.mesh for node in world.nodes}
    before = {name: {kid: mesh.slot(kid) for kid in mesh} for name, mesh in meshes.items()}
    for _ in range(20):
        for number in range(len(world.nodes)):
            world.say(number, 1, urgent=True)
        world.run(seconds=1)
    assert all(len(slots) == 3 for slots in before.values())
    assert {name: {kid: mesh.slot(kid) for kid in mesh} for name, mesh in meshes.items()} == before


def test_the_mesh_is_named_as_the_statistics_name_it() -> None:
    world = World(nodes=4)
    world.run(seconds=5)
    machine = world.nodes[0].machine
    assert len(machine.mesh()) == 3
    assert sorted(machine.mesh()) == sorted(peer.name for peer in machine.statistics().peers if peer.is_mesh)
