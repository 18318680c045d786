"""Conflicts reach everybody at once, those who were away later, and junk costs little; checkpoints are passed on."""

from hashlib import sha256

import pytest

from accredit.gossip.exchanges.equivocation_gossip import name_of
from accredit.gossip.protocol.config import GossipConfig
from accredit.gossip.protocol.events import Accuse, ConflictsFound, Effect, Heard, PeersChanged
from accredit.gossip.protocol.wire import CONFLICTS_MAX, NOTE_BYTES, Accusation, Beacon, Push, Root
from accredit.registry.encoding.cbor import encode
from accredit.registry.encoding.ed25519 import key_id
from tests.strategies.gossip_alone import ALICE, BEACON, BOB, Alice, reply_of, root_with
from tests.strategies.gossip_world import World, checkpoint, lie, statement

EMPTY = Accusation(holds=(), conflicts=())
QUIET = GossipConfig(root_interval=10**9, beacon_interval=10**9)
NO_ROOTS = GossipConfig(root_interval=10**9)


def name(conflict: bytes) -> bytes:
    found = name_of(conflict)
    assert found is not None
    return found


def digest(*conflicts: bytes) -> bytes:
    return sha256(b"".join(sorted(name(each) for each in conflicts))).digest()


def handed_on(effects: list[Effect]) -> list[bytes]:
    return [each for effect in effects if isinstance(effect, Accuse) for each in effect.conflicts]


def find(alice: Alice, *conflicts: bytes) -> None:
    alice.ledger.kept += conflicts
    alice.handle(ConflictsFound(conflicts=conflicts))


@pytest.mark.no_cover
def test_a_conflict_is_everywhere_as_fast_as_a_revocation() -> None:
    world = World(nodes=30)
    world.run(seconds=20)
    world.accuse(0, lie("node7"))
    world.run(seconds=0.5)
    assert all(len(node.ledger.kept) == 1 for node in world.nodes)
    checked = sum(node.checked for node in world.nodes)
    world.run(seconds=60)
    assert sum(node.checked for node in world.nodes) == checked, "nobody is bothered with it again"
    assert checked == 30


@pytest.mark.no_cover
def test_a_node_that_was_away_learns_of_every_conflict_and_so_does_everybody_of_its_own() -> None:
    world = World(nodes=5)
    world.nodes[4].down = True
    lies = [lie(f"log{number}") for number in range(2 * CONFLICTS_MAX)]
    for conflict in lies:
        world.accuse(0, conflict)
    world.accuse(4, lie("itself"))
    world.run(seconds=60)
    world.nodes[4].down = False
    world.run(seconds=120)
    assert [sorted(node.ledger.kept) for node in world.nodes] == [sorted([*lies, lie("itself")])] * 5


def test_two_proofs_against_one_key_are_one_conflict_and_are_not_sent_to_and_fro() -> None:
    """Which of them a node got first is chance; if nodes compared bytes, they would never come to an end."""
    world = World(nodes=3)
    world.accuse(0, lie("log", 5))
    world.accuse(1, lie("log", 6))
    world.run(seconds=120)
    assert all(len(node.ledger.kept) == 1 for node in world.nodes)
    assert world.total("conflicts_received") <= 3


def test_a_conflict_goes_out_at_once_beside_what_is_under_way() -> None:
    alice = Alice(QUIET)
    alice.befriend()
    alice.log(1)
    alice.wait_for(Push)
    find(alice, lie("log"))
    assert alice.asked() == Accusation(holds=(name(lie("log")),), conflicts=(lie("log"),))
    alice.answer(Accusation(holds=(name(lie("log")),), conflicts=()))
    count = len(alice.sent)
    find(alice, lie("another"))
    assert len(alice.sent) == count + 1
    accusation = alice.asked()
    assert isinstance(accusation, Accusation)
    assert accusation.conflicts == (lie("another"),), "what the peer has is not sent again"


def test_what_the_peer_itself_brought_is_not_sent_back_to_it() -> None:
    alice = Alice(QUIET)
    alice.befriend()
    count = len(alice.sent)
    assert handed_on(alice.hear(Accusation(holds=(name(lie("log")),), conflicts=(lie("log"),)))) == [lie("log")]
    find(alice, lie("log"))
    assert len(alice.sent) == count


def test_an_accusation_that_got_lost_is_made_again() -> None:
    alice = Alice(QUIET)
    alice.befriend()
    find(alice, lie("log"))
    first = alice.asked()
    alice.fail()
    count = len(alice.sent)
    alice.wait_until(lambda: len(alice.sent) > count)
    assert alice.asked() == first


def test_of_many_conflicts_a_frameful_is_sent_until_the_peer_has_all() -> None:
    alice = Alice(QUIET)
    lies = [lie(f"log{number}") for number in range(CONFLICTS_MAX + 2)]
    alice.ledger.kept += lies
    alice.befriend()
    find(alice, lie("last"))
    first = alice.asked()
    assert isinstance(first, Accusation)
    assert list(first.conflicts) == lies[:CONFLICTS_MAX], "the oldest first"
    alice.answer(EMPTY)  # it has yet to check them
    second = alice.asked()
    assert isinstance(second, Accusation)
    assert list(second.conflicts) == [*lies[CONFLICTS_MAX:], lie("last")]
    count = len(alice.sent)
    alice.answer(EMPTY)
    assert len(alice.sent) == count, "who says that it has nothing, again and again, is not sent everything for ever"


def test_roots_and_beacons_tell_of_conflicts_and_where_they_differ_what_is_lacking_is_brought() -> None:
    alice = Alice()
    assert reply_of(alice.hear(root_with(0))) == Root(root=alice.ledger.root()[0], count=0, size=0)
    alice.ledger.kept += [lie("log"), lie("another")]
    told = digest(lie("log"), lie("another"))
    answer = reply_of(alice.hear(root_with(0), nonce=2))
    assert isinstance(answer, Root)
    assert answer.conflicts == told
    held = Accusation(holds=(name(lie("log")),), conflicts=())
    both = (name(lie("log")), name(lie("another")))
    assert reply_of(alice.hear(held, nonce=3)) == Accusation(holds=both, conflicts=(lie("another"),))
    asked = alice.wait_for(Root)
    assert isinstance(asked, Root)
    assert asked.conflicts == told
    count = len(alice.sent)
    alice.answer(Root(root=asked.root, count=0, size=0, conflicts=told))
    assert len(alice.sent) == count
    other = Alice(NO_ROOTS)
    other.ledger.kept += [lie("log"), lie("another")]
    other.wait_for(Beacon)
    other.answer(BEACON)
    assert other.asked() == Accusation(holds=both, conflicts=(lie("log"), lie("another")))


@pytest.mark.parametrize("junk", [b"", b"\x00", encode({"kind": 1, "key": "x"}), encode({"kind": "x", "key": 2})])
def test_what_names_nobody_is_dropped_unread_and_is_no_offence(junk: bytes) -> None:
    alice = Alice()
    assert handed_on(alice.hear(Accusation(holds=(), conflicts=(junk,)))) == []
    assert alice.counters()["conflicts_malformed"] == 1
    assert "offences" not in alice.counters()


def test_the_same_bytes_are_checked_once_a_minute_or_when_the_nodes_have_changed() -> None:
    """It may be we who do not know the accused yet."""
    alice = Alice()
    accusation = Accusation(holds=(), conflicts=(lie("stranger"),))
    assert handed_on(alice.hear(accusation)) == [lie("stranger")]
    assert handed_on(alice.hear(accusation, nonce=2)) == []
    alice.now += 60_000
    assert handed_on(alice.hear(accusation, nonce=3)) == [lie("stranger")]
    alice.handle(PeersChanged(peers=(ALICE, BOB)))
    assert handed_on(alice.hear(accusation, nonce=4)) == [lie("stranger")]


@pytest.mark.no_cover
def test_a_flood_of_false_conflicts_costs_a_peer_its_share_and_us_little() -> None:
    """Each names another key, so each must be checked; 64 at once, then one a second."""
    world = World(nodes=3)
    victim = world.nodes[0]
    alice = Alice()
    checked = 0
    for number in range(50):
        false = [lie(f"log-{number}-{each}")[:-1] + b"!" for each in range(CONFLICTS_MAX)]
        checked += len(handed_on(alice.hear(Accusation(holds=(), conflicts=tuple(false)), nonce=number + 1)))
        alice.now += 100
    assert checked == 64 + 4
    assert alice.counters()["conflicts_ignored"] == 50 * CONFLICTS_MAX - checked
    assert victim.checked == 0


def test_nothing_is_checked_for_a_peer_that_broke_the_rules_or_used_up_our_time() -> None:
    alice = Alice()
    alice.hear(Push(statements=(b"rubbish",), urgent=False))
    assert handed_on(alice.hear(Accusation(holds=(), conflicts=(lie("log"),)), nonce=2)) == []
    busy = Alice(GossipConfig(work_per_second=1, work_burst=1))
    busy.hear(Push(statements=(statement(1).raw,), urgent=False))
    assert handed_on(busy.hear(Accusation(holds=(), conflicts=(lie("log"),)), nonce=2)) == []


def test_a_beacon_shows_five_notes_and_none_that_is_too_large() -> None:
    alice = Alice(NO_ROOTS)
    notes = [checkpoint(f"log{number}", 3) for number in range(6)]
    alice.ledger.shown = [bytes(NOTE_BYTES + 1), *notes]
    beacon = alice.wait_for(Beacon)
    assert isinstance(beacon, Beacon)
    assert list(beacon.notes) == notes[:5]


def test_checkpoints_are_handed_to_the_owner_once_and_from_answers_too() -> None:
    alice = Alice(NO_ROOTS)
    one, two = checkpoint("log", 3), checkpoint("log", 4)
    said = Beacon(root=bytes(32), count=0, size=0, time=alice.now, notes=(one,))
    assert alice.hear(said)[-1] == Heard(sender=key_id(BOB.public), notes=(one,))
    assert not any(isinstance(effect, Heard) for effect in alice.hear(said, nonce=2))
    alice.wait_for(Beacon)
    answer = Beacon(root=bytes(32), count=0, size=0, time=alice.now, notes=(one, two))
    assert alice.answer(answer)[-1] == Heard(sender=key_id(BOB.public), notes=(two,))


def test_checkpoints_beyond_a_peers_share_of_our_time_are_not_looked_at() -> None:
    alice = Alice(GossipConfig(work_per_second=60, work_burst=60, heard=2))
    notes = tuple(checkpoint("log", size) for size in range(1, 4))
    said = Beacon(root=bytes(32), count=0, size=0, time=alice.now, notes=notes)
    assert alice.hear(said)[-1] == Heard(sender=key_id(BOB.public), notes=notes[:1])
    alice.now += 1_000
    assert alice.hear(said, nonce=2)[-1] == Heard(sender=key_id(BOB.public), notes=notes[1:2])
    alice.now += 1_000
    assert alice.hear(said, nonce=3)[-1] == Heard(sender=key_id(BOB.public), notes=notes[2:])
    alice.now += 1_000
    assert alice.hear(said, nonce=4)[-1] == Heard(sender=key_id(BOB.public), notes=notes[:1]), "two are remembered"


def test_each_node_hears_of_the_logs_of_others() -> None:
    world = World(nodes=6)
    for node in world.nodes:
        node.ledger.shown = [checkpoint(node.name, 1)]
    world.run(seconds=60)
    for node in world.nodes:
        heard = {note for each in node.heard for note in each.notes}
        assert len(heard) >= 4
