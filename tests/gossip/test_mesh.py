"""The mesh: its size, who chose whom, one slot for each operator, rotation, and who is left alone."""

from collections.abc import Callable
from random import Random

import pytest

from accredit.gossip.peers.mesh import Mesh
from accredit.gossip.peers.roster import Roster
from accredit.gossip.protocol.config import GossipConfig
from accredit.gossip.protocol.events import Peer
from accredit.registry.encoding.ed25519 import key_id, public_of
from tests.strategies.gossip_world import seed_of

CONFIG = GossipConfig()
MINUTE = 60_000


def kid_of(name: str) -> bytes:
    return key_id(public_of(seed_of(name)))


def roster(names: list[str], operators: Callable[[str], str] = lambda _: "") -> Roster:
    return Roster(
        Peer(name=name, url=f"https://{name}", public=public_of(seed_of(name)), operator=operators(name))
        for name in ["me", *names]
    )


NAMES = [f"node{number}" for number in range(40)]


class Driven:
    """A mesh, its heartbeats and the answers to its grafts."""

    def __init__(self, members: Roster, config: GossipConfig = CONFIG, seed: int = 1) -> None:
        self.mesh = Mesh(config, Random(seed))
        self.mesh.set_roster(members, kid_of("me"))
        self.at = 0
        self.bad: set[bytes] = set()
        self.idle: set[bytes] = set()
        self.pruned: list[bytes] = []
        self.dialled: list[bytes] = []

    def beat(self, times: int = 1, *, ms: int = 1_000, accept: bool = True) -> list[bytes]:
        """Whom it dialled in the last of these heartbeats."""
        dialled: list[bytes] = []
        for _ in range(times):
            self.at += ms
            moves = self.mesh.heartbeat(lambda kid: kid not in self.bad, lambda kid: kid in self.idle, at=self.at)
            self.pruned += moves.prune
            dialled = list(moves.dial)
            self.dialled += dialled
            for kid in dialled:
                if accept:
                    assert self.mesh.on_accepted(kid, at=self.at)
        return dialled

    def count(self, *, dialled: bool) -> int:
        return sum(slot.is_dialled == dialled for kid in self.mesh if (slot := self.mesh.slot(kid)) is not None)


def test_half_is_dialled_at_once_and_more_only_if_others_do_not_dial_us() -> None:
    driven = Driven(roster(NAMES))
    assert len(driven.beat()) == 4
    assert len(driven.mesh) == 4
    driven.beat(2)
    assert len(driven.mesh) == 4, "others may be about to dial us"
    driven.beat(2)
    assert len(driven.mesh) == 6
    driven.beat(20)
    assert len(driven.mesh) == 6


def test_those_who_dial_us_never_outnumber_those_we_dial() -> None:
    driven = Driven(roster(NAMES))
    driven.beat()
    accepted = [driven.mesh.on_graft(kid_of(name), at=driven.at) for name in NAMES]
    driven.beat(20)
    assert sum(accepted) == 4 + driven.count(dialled=True), "and those we dialled may dial us as well"
    assert driven.count(dialled=False) == 4
    assert driven.count(dialled=True) == 4
    assert len(driven.mesh) <= CONFIG.degree_high


def test_nobody_gets_in_above_the_upper_bound() -> None:
    driven = Driven(roster(NAMES), GossipConfig(degree=6, degree_low=6, degree_high=6))
    driven.beat(10)
    assert len(driven.mesh) == 6
    outside = next(kid_of(name) for name in NAMES if kid_of(name) not in driven.mesh)
    assert not driven.mesh.on_graft(outside, at=driven.at)


def test_an_operator_has_one_slot_however_many_nodes_it_runs() -> None:
    members = roster([f"evil{number}" for number in range(100)] + NAMES[:8], lambda name: "Evil" * ("evil" in name))
    for seed in range(10):
        driven = Driven(members, seed=seed)
        for number in range(100):
            driven.mesh.on_graft(kid_of(f"evil{number}"), at=0)
        driven.beat(10)
        evil = [kid for kid in driven.mesh if members.operator(kid) == "Evil"]
        assert len(evil) == 1
        assert len(driven.mesh) >= 5
    driven.beat(ms=2 * MINUTE)
    outside = [kid for kid in members.kids if members.operator(kid) == "Evil" and kid not in driven.mesh]
    assert {driven.mesh.why(kid) for kid in outside} == {"another node of its operator is in the mesh"}


def test_a_rotation_replaces_those_who_were_of_no_use_and_else_one_that_we_dialled() -> None:
    driven = Driven(roster(NAMES))
    driven.beat(10)
    before = set(driven.mesh)
    driven.beat(30, ms=MINUTE)
    assert len(driven.pruned) >= 1
    assert all(kid in before for kid in driven.pruned[:1])
    driven.beat(5)
    assert len(driven.mesh) == 6
    driven.pruned.clear()
    useless = list(driven.mesh)[:3]
    driven.idle = set(useless)
    driven.beat(31, ms=MINUTE)
    assert driven.pruned[:3] == useless
    driven.beat(5)
    assert len(driven.mesh) == 6


def test_whoever_sees_one_choice_does_not_know_the_next() -> None:
    driven = Driven(roster(NAMES))
    driven.beat(10)
    ranking = roster(NAMES).ranked(driven.mesh._salt, Random(1), many=CONFIG.mesh_sample)
    driven.beat(31, ms=MINUTE)
    assert roster(NAMES).ranked(driven.mesh._salt, Random(1), many=CONFIG.mesh_sample) != ranking


def test_in_a_small_network_nobody_leaves_for_nothing() -> None:
    driven = Driven(roster(NAMES[:5]))
    driven.beat(10)
    driven.idle = set(driven.mesh)
    driven.beat(100, ms=MINUTE)
    assert driven.pruned == []
    assert len(driven.mesh) == 5


def test_a_rotation_in_which_we_have_dialled_nobody_changes_nothing() -> None:
    driven = Driven(roster([]))
    driven.beat(40, ms=MINUTE)
    assert (driven.pruned, driven.dialled) == ([], [])


def test_pinned_peers_are_always_there() -> None:
    config = GossipConfig(pinned=("node7", "node8"))
    members = roster(NAMES, lambda _: "One operator")
    driven = Driven(members, config)
    driven.beat(10)
    pinned = {kid_of("node7"), kid_of("node8")}
    assert pinned < set(driven.mesh), "and one more of that operator"
    assert len(driven.mesh) == 3
    driven.beat(100, ms=MINUTE)
    assert pinned < set(driven.mesh)
    assert driven.mesh.why(kid_of("node7")) == "pinned"
    driven.bad = pinned
    driven.beat()
    assert not pinned & set(driven.mesh)
    driven.bad = set()
    assert not driven.mesh.on_graft(kid_of("node7"), at=driven.at), "told off like anybody"
    driven.at += 2 * MINUTE
    driven.beat(accept=False)
    assert driven.mesh.on_graft(kid_of("node8"), at=driven.at)
    with pytest.raises(AssertionError, match="two pinned"):
        GossipConfig(pinned=("a", "b", "c"))


def test_a_pinned_peer_may_dial_us_although_all_slots_are_taken() -> None:
    driven = Driven(roster(NAMES), GossipConfig(pinned=("node7",)))
    for name in NAMES[10:20]:
        driven.mesh.on_graft(kid_of(name), at=0)
    assert driven.mesh.on_graft(kid_of("node7"), at=0)
    slot = driven.mesh.slot(kid_of("node7"))
    assert slot is not None
    assert slot.is_pinned


def test_who_may_not_be_in_it_any_more_is_pruned_replaced_and_told_off_for_a_minute() -> None:
    driven = Driven(roster(NAMES))
    driven.beat(10)
    bad = next(iter(driven.mesh))
    driven.bad = {bad}
    driven.beat(5)
    assert driven.pruned == [bad]
    assert len(driven.mesh) == 6
    driven.bad = set()
    assert driven.mesh.is_told_off(bad)
    assert "not now" in driven.mesh.why(bad)
    assert not driven.mesh.on_graft(bad, at=driven.at)
    driven.beat(2, ms=MINUTE)
    assert not driven.mesh.is_told_off(bad)
    assert driven.mesh.on_graft(bad, at=driven.at)
    assert driven.mesh.why(bad) == "it dialled us"


def test_who_does_not_answer_or_refuses_is_not_asked_again_soon() -> None:
    driven = Driven(roster(NAMES[:4]))
    first = driven.beat(accept=False)
    assert len(first) == 4
    assert len(driven.mesh) == 0
    assert "no answer yet" in driven.mesh.why(first[0])
    for kid in first:
        driven.mesh.leave_alone(kid, pause=0, at=driven.at)
        assert not driven.mesh.on_accepted(kid, at=driven.at), "too late"
    assert driven.beat(30) == []
    driven.beat(40, accept=False)
    assert sorted(driven.dialled[4:]) == sorted(first)


def test_who_is_no_longer_a_node_loses_its_slot_and_we_never_dial_ourselves() -> None:
    driven = Driven(roster(NAMES[:3]))
    driven.beat(9)
    assert len(driven.mesh) == 3
    driven.mesh.set_roster(roster(NAMES[:1]), kid_of("me"))
    assert list(driven.mesh) == [kid_of("node0")]
    assert "no kid at all" not in driven.mesh
    assert kid_of("me") not in driven.dialled


def test_of_a_long_list_others_are_tried_when_those_ranked_are_used_up() -> None:
    driven = Driven(roster(NAMES), GossipConfig(mesh_sample=3))
    driven.beat(12)
    assert len(driven.mesh) == 6


def test_both_sides_may_dial_at_once() -> None:
    driven = Driven(roster(NAMES))
    kid = driven.beat(accept=False)[0]
    assert driven.mesh.on_graft(kid, at=driven.at)
    assert kid in driven.mesh
    assert driven.mesh.on_accepted(kid, at=driven.at)
    assert driven.mesh.why(kid) == "dialled"
    others = [kid_of(name) for name in NAMES if driven.mesh.slot(kid_of(name)) is None]
    assert driven.mesh.why(others[0]) == "not selected"
