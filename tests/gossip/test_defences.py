"""The mutation gate of the gossip: each danger is survived, and is not where its one defence is switched off.

A danger is a function from a configuration to nothing, which asserts what must hold. It is run twice: as we are, and
with the defence off, when it must fail.
"""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

import pytest

from accredit.gossip.protocol.config import GossipConfig
from accredit.gossip.protocol.events import FrameReceived, Refuse, Reply
from accredit.gossip.protocol.wire import Accusation, Announce, Body, Graft, Push, Request, encode_frame
from accredit.registry.encoding.ed25519 import KeyPair, key_id, public_of
from accredit.registry.statement import Unverified
from tests.strategies.gossip_world import Node, World, lie, seed_of, statement

NEVER = 10**9


class Puppet:
    """A member whose key is in the hands of the test, so that it can say anything."""

    def __init__(self, world: World, node: Node) -> None:
        node.down = True
        self.world = world
        self.name = node.name
        self._nonce = 0

    def says(self, body: Body, to: Node, *, time: int = 0) -> tuple[Reply | Refuse, bytes]:
        self._nonce += 1
        data = encode_frame(
            body,
            signer=KeyPair(seed_of(self.name)),
            recipient=to.kid,
            time=time or self.world.now,
            nonce=sha(self.name, self._nonce),
        )
        return self.posts(data, to), data

    def posts(self, data: bytes, to: Node) -> Reply | Refuse:
        answer = self.world.handle(to, FrameReceived(token=1, data=data))[0]
        assert isinstance(answer, Reply | Refuse)
        return answer


def sha(name: str, number: int) -> bytes:
    return key_id(public_of(seed_of(f"{name}{number}")))[:16]


def a_cut_that_push_cannot_mend(config: GossipConfig) -> None:
    """Two halves hear nothing of each other for ten minutes; a minute after, all hold the same."""
    world = World(nodes=8, config=config)
    halves = [node.name for node in world.nodes[:4]], [node.name for node in world.nodes[4:]]
    world.run(seconds=10)
    world.cut = {pair for one in halves[0] for other in halves[1] for pair in ((one, other), (other, one))}
    world.say(0, 5)
    world.say(7, 5)
    world.run(seconds=600)
    world.cut = set()
    world.run(seconds=60)
    world.check_same()


def an_eclipse_by_one_rich_operator(config: GossipConfig) -> None:
    """Sixty silent nodes of one operator try to be all that a victim hears."""
    world = World(nodes=70, config=config)
    for node in world.nodes[10:]:
        node.operator = "Evil"
    world.introduce()
    victim = world.nodes[0]
    for node in world.nodes[10:]:
        Puppet(world, node).says(Graft(), victim)
    world.run(seconds=20)
    mesh = list(victim.machine._parts.mesh)
    evil = [node for node in world.nodes[10:] if node.kid in mesh]
    assert len(evil) <= 1
    (urgent,) = world.say(5, urgent=True)
    world.run(seconds=1)
    assert urgent.id in victim.ledger


def one_who_promises_and_never_delivers(config: GossipConfig) -> None:
    """It answers everything, announces everything, and delivers nothing."""
    world = World(nodes=12, config=config)
    world.run(seconds=20)
    victim = world.nodes[0]
    name = next(peer.name for peer in victim.machine.statistics().peers if peer.is_mesh)
    liar = next(node for node in world.nodes if node.name == name)
    puppet = Puppet(world, liar)
    liar.down = False
    for number in range(3):
        puppet.says(Announce(ids=(statement(900 + number).id,)), victim)
        world.run(seconds=5)
    world.run(seconds=5)
    assert not any(peer.name == name and peer.is_mesh for peer in victim.machine.statistics().peers)


def one_who_never_forwards(config: GossipConfig) -> None:
    """Good at everything but being of use: it answers, and passes nothing on. Two rotations later its slot is gone."""
    world = World(nodes=14, config=config)
    world.run(seconds=20)
    mute = world.nodes[3]
    world.mute = {mute.name}
    before = [node for node in world.nodes if mute.kid in node.machine._parts.mesh]
    for _ in range(38):
        world.say(0, 1, urgent=True)
        world.say(10, 1, urgent=True)
        world.run(seconds=10)
    still = [
        node.name
        for node in before
        if (slot := node.machine._parts.mesh.slot(mute.kid)) is not None and slot.since < 60_000
    ]
    assert not still, still


def a_flood(config: GossipConfig) -> None:
    """Five thousand good frames in a second: what is beyond the share is refused, the others are served."""
    world = World(nodes=4, config=config)
    victim, flooder = world.nodes[0], Puppet(world, world.nodes[3])
    taken = sum(isinstance(flooder.says(Request(ids=()), victim)[0], Reply) for _ in range(1_500))
    assert taken <= 1_000
    (urgent,) = world.say(1, urgent=True)
    world.run(seconds=1)
    assert urgent.id in victim.ledger


def a_replay(config: GossipConfig) -> None:
    """A good frame, recorded and sent again, a second and a minute later."""
    world = World(nodes=2, config=config)
    victim, puppet = world.nodes[0], Puppet(world, world.nodes[1])
    answer, data = puppet.says(Request(ids=()), victim)
    assert isinstance(answer, Reply)
    for seconds in (1, 60, 100):
        world.run(seconds=seconds)
        assert isinstance(puppet.posts(data, victim), Refuse)


def a_frame_kept_for_later(config: GossipConfig) -> None:
    """Never sent when it was made, posted five minutes after."""
    world = World(nodes=2, config=config)
    victim, puppet = world.nodes[0], Puppet(world, world.nodes[1])
    answer, _ = puppet.says(Request(ids=()), victim, time=world.now - 300_000)
    assert isinstance(answer, Refuse)


def a_liar_that_comes_back_at_once(config: GossipConfig) -> None:
    """Forged statements again and again: each costs us a signature, so they are not to be had for nothing."""
    world = World(nodes=2, config=config)
    victim, puppet = world.nodes[0], Puppet(world, world.nodes[1])
    judged = 0
    for number in range(1, 50):
        honest = statement(number)
        forged = honest.raw[:-1] + bytes([honest.raw[-1] ^ 1])
        puppet.says(Push(statements=(forged,), urgent=True), victim)
        world.run(seconds=1)
        judged = world.counters(victim).get("statements_refused", 0)
    assert judged <= 1


def a_flood_of_work(config: GossipConfig) -> None:
    """Ten thousand good statements at once: they are judged in a bounded time each second, and all in the end."""
    world = World(nodes=2, config=config)
    victim, puppet = world.nodes[0], Puppet(world, world.nodes[1])
    raws = [statement(number).raw for number in range(1, 401)]
    puppet.says(Push(statements=tuple(raws), urgent=False), victim)
    assert world.counters(victim)["statements_received"] <= 200
    world.run(seconds=60)
    assert victim.ledger.size() == 400


def a_promise_that_another_could_keep(config: GossipConfig) -> None:
    """One announces and is silent; the next one who announced the same is asked, and delivers."""
    world = World(nodes=3, config=config)
    victim, silent, holder = world.nodes
    said = statement(1)
    holder.ledger.add(said)
    for node in (silent, holder):
        Puppet(world, node).says(Announce(ids=(said.id,)), victim)
    holder.down = False
    world.run(seconds=4.8)  # before the network itself says that the other does not answer
    assert said.id in victim.ledger


def a_frame_lost_on_its_way_to_a_mesh_of_strangers(config: GossipConfig) -> None:
    """A statement that no push of its author's arrived with: who hears of it by an announcement asks for it."""
    world = World(nodes=30, config=config)
    world.run(seconds=20)
    author, late = world.nodes[0], world.nodes[1]
    world.cut = {(node.name, late.name) for node in world.nodes if node is not late}
    (said,) = world.say(0)
    world.run(seconds=1.5)
    assert said.id not in late.ledger
    world.cut = set()
    world.run(seconds=3)
    assert said.id in late.ledger
    assert author.ledger.size() == 1


def colliding() -> tuple[list[bytes], list[bytes]]:
    """Two sets of ids, equal but for the first two of each, that add up to the same: as if somebody had searched."""
    common = [sha256(b"%d" % number).digest() for number in range(60)]
    stem = bytes(31)
    return [*common, stem + b"\x10", stem + b"\x20"], [*common, stem + b"\x15", stem + b"\x1b"]


def hidden(config: GossipConfig) -> tuple[World, Node, Unverified]:
    """Node 1 holds a set that was made to look like that of node 0, which holds one statement more that matters."""
    world = World(nodes=2, config=config)
    matters = statement(1_000)
    for node, ids in zip(world.nodes, colliding(), strict=True):
        node.ledger.order = list(ids)
        node.ledger.times = [(0, id) for id in ids]
        node.ledger.raws = {id: statement(2_000 + number).raw for number, id in enumerate(ids)}
    world.nodes[0].ledger.raws[world.nodes[0].ledger.order[-1]] = matters.raw
    world.run(seconds=40)
    return world, world.nodes[1], matters


def a_set_that_was_made_to_hide_a_statement(config: GossipConfig) -> None:
    """Fingerprints add up, so a member who mints statements can search for a set with the same sum."""
    _, victim, matters = hidden(config)
    assert matters.id in victim.ledger


def a_set_that_hides_a_statement_and_nobody_notices(config: GossipConfig) -> None:
    """Whatever hides it, roots resist collisions: that they differ is seen."""
    world, _, _ = hidden(config)
    assert world.total("alarm_roots_differ") > 0


def _nobody(may: Callable[[bytes], bool], at: int) -> list[bytes]:
    del may, at
    return []


def keys_made_to_come_first(config: GossipConfig) -> None:
    """Eight nodes of eight operators whose keys, of thousands tried, come first in everybody's ranking. They wait to be
    dialled, accept everybody, answer everything, and pass nothing on."""
    world = World(nodes=40, config=config)
    first = sorted(world.nodes, key=lambda node: sha256(node.kid).digest())[:8]
    for node in first:
        mesh = node.machine._parts.mesh
        mesh._config = replace(config, degree=80, degree_low=0, degree_high=80)
        mesh._dial = _nobody  # type: ignore[method-assign]
    world.mute = {node.name for node in first}
    world.run(seconds=30)
    honest = [number for number, node in enumerate(world.nodes) if node not in first]
    (urgent,) = world.say(honest[0], urgent=True)
    world.run(seconds=2)
    assert all(urgent.id in world.nodes[number].ledger for number in honest)


def one_that_is_down_for_a_minute(config: GossipConfig) -> None:
    """It refuses connections at once: it is tried a few times, not a thousand."""
    world = World(nodes=3, config=config)
    world.fail_delay = 10
    world.run(seconds=20)
    world.nodes[2].down = True
    world.say(0, 3, urgent=True)
    world.run(seconds=60)
    assert world.counters(world.nodes[0])["exchanges_failed"] <= 30


def an_echo(config: GossipConfig) -> None:
    """What came from a peer is not sent back to it."""
    world = World(nodes=2, config=config)
    world.run(seconds=20)
    world.say(0, 10)
    world.run(seconds=5)
    assert world.counters(world.nodes[1]).get("statements_pushed", 0) == 0


def a_lie_that_only_one_node_saw(config: GossipConfig) -> None:
    """A log showed one tree to one node and another to the rest: everybody hears of it, and who was away does later."""
    world = World(nodes=10, config=config)
    world.run(seconds=20)
    away = world.nodes[9]
    away.down = True
    world.accuse(0, lie("node5"))
    world.run(seconds=0.6)
    assert all(len(node.ledger.kept) == 1 for node in world.nodes[:9])
    world.run(seconds=30)
    away.down = False
    world.run(seconds=60)
    assert len(away.ledger.kept) == 1


def a_flood_of_false_accusations(config: GossipConfig) -> None:
    """Each accuses another key, so none is known before two signatures were checked."""
    world = World(nodes=2, config=config)
    victim, puppet = world.nodes[0], Puppet(world, world.nodes[1])
    for number in range(20):
        false = tuple(lie(f"log{number}.{each}")[:-1] + b"!" for each in range(16))
        puppet.says(Accusation(holds=(), conflicts=false), victim)
    assert victim.checked <= 64


def an_author_whose_mesh_passes_nothing_on(config: GossipConfig) -> None:
    """All its mesh peers take what it says and keep it to themselves."""
    world = World(nodes=40, config=config)
    world.run(seconds=20)
    author = world.nodes[0]
    world.mute = {node.name for node in world.nodes if node.kid in author.machine._parts.mesh}
    (urgent,) = world.say(0, urgent=True)
    world.run(seconds=1)
    assert all(urgent.id in node.ledger for node in world.nodes)


A_MINUTE_FOR_TEN: dict[str, object] = {"idle": 60_000, "rotation_min": 60_000, "rotation_max": 180_000}
PUSH_ALONE: dict[str, object] = {"root_interval": NEVER, "announce_heartbeats": 0}
SMALL_SHARE: dict[str, object] = {"work_per_second": 6_000, "work_burst": 6_000}

DANGERS: list[tuple[Callable[[GossipConfig], None], dict[str, object], dict[str, object]]] = [
    (a_cut_that_push_cannot_mend, {}, {"root_interval": NEVER, "root_retry": NEVER}),
    (an_eclipse_by_one_rich_operator, {}, {"operator_slots": 1_000}),
    (one_who_promises_and_never_delivers, {"root_interval": NEVER}, {"strikes": 1_000}),
    (one_who_never_forwards, A_MINUTE_FOR_TEN | {"degree_low": 8}, {"idle": NEVER}),
    (a_flood, {}, {"frames_burst": NEVER}),
    (a_replay, {}, {"nonce_window": 0}),
    (a_frame_kept_for_later, {}, {"clock_skew": NEVER}),
    (a_liar_that_comes_back_at_once, {}, {"distrust_min": 0, "distrust_max": 0}),
    (a_flood_of_work, SMALL_SHARE, {"work_burst": NEVER}),
    (a_promise_that_another_could_keep, {"root_interval": NEVER}, {"promise": NEVER}),
    (
        a_frame_lost_on_its_way_to_a_mesh_of_strangers,
        {"root_interval": NEVER, "backoff_min": 60_000},
        {"announce_heartbeats": 0},
    ),
    (a_set_that_was_made_to_hide_a_statement, {}, {"salted": False}),
    (a_set_that_hides_a_statement_and_nobody_notices, {"salted": False}, {"root_gate": False}),
    (keys_made_to_come_first, PUSH_ALONE, {"salted": False}),
    (one_that_is_down_for_a_minute, {"dead_after": NEVER}, {"backoff_min": 0, "backoff_max": 0}),
    (an_echo, {}, {"known_ids": 0}),
    (a_lie_that_only_one_node_saw, {}, {"conflicts_per_frame": 0}),
    (a_flood_of_false_accusations, {}, {"conflicts_burst": NEVER}),
    (an_author_whose_mesh_passes_nothing_on, PUSH_ALONE, {"flood": 0}),
]
MEASURED = (a_promise_that_another_could_keep, an_author_whose_mesh_passes_nothing_on)
"""Shorter tests reach the lines of all others."""
each_danger = pytest.mark.parametrize(
    ("danger", "setting", "off"),
    [
        pytest.param(*row, id=row[0].__name__, marks=[] if row[0] in MEASURED else [pytest.mark.no_cover])
        for row in DANGERS
    ],
)


@each_danger
def test_we_survive(danger: Callable[[GossipConfig], None], setting: dict[str, object], off: dict[str, object]) -> None:
    del off
    danger(replace(GossipConfig(), **setting))  # type: ignore[arg-type]


@pytest.mark.no_cover
@each_danger
def test_without_the_defence_we_do_not(
    danger: Callable[[GossipConfig], None], setting: dict[str, object], off: dict[str, object]
) -> None:
    with pytest.raises(AssertionError):
        danger(replace(GossipConfig(), **(setting | off)))  # type: ignore[arg-type]
