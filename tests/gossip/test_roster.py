"""The member list: one node for each key, in an order nobody else can foresee, drawn from as a whole."""

from collections import Counter
from random import Random

from accredit.gossip.peers.roster import Roster, roster_of
from accredit.gossip.protocol.events import Peer
from accredit.registry.encoding.ed25519 import key_id, public_of
from tests.strategies.gossip_world import seed_of


def peer(name: str, *, key: str = "", operator: str = "") -> Peer:
    return Peer(name=name, url=f"https://{name}", public=public_of(seed_of(key or name)), operator=operator)


def test_two_names_for_one_key_are_one_node_and_the_order_is_that_of_names() -> None:
    roster = roster_of([peer("c"), peer("a"), peer("b", key="a")])
    assert [each.name for each in roster] == ["a", "c"]
    assert roster[1].name == "c"
    assert [each.name for each in roster[:1]] == ["a"]
    assert len(roster) == 2
    assert roster.get(roster.kids[1]) == peer("c")
    assert roster.get(bytes(32)) is None
    assert roster_of(roster) is roster


def test_a_node_of_no_known_operator_is_its_own() -> None:
    roster = Roster(
        [peer("a"), peer("b"), peer("c", operator="node a"), peer("d", operator="O"), peer("e", operator="O")]
    )
    operators = [roster.operator(kid) for kid in roster.kids]
    assert operators[0] != operators[1]
    assert operators[3] == operators[4] == "O"


def test_the_ranking_depends_on_the_secret_salt_and_on_nothing_else() -> None:
    peers = [peer(f"node{number}") for number in range(50)]
    one, other = Roster(peers), Roster(reversed(peers))

    def ranked(roster: Roster, salt: bytes, seed: int = 1) -> list[bytes]:
        return roster.ranked(salt, Random(seed), many=50)

    assert ranked(one, b"salt") == ranked(other, b"salt", 2)
    assert ranked(one, b"salt") != ranked(one, b"another")
    assert sorted(ranked(one, b"salt")) == sorted(one.kids)


def test_of_a_long_list_a_few_are_ranked_each_with_the_same_chance() -> None:
    """So nobody's place depends on its key, and what is ranked does not grow with the list."""
    roster = Roster(peer(f"node{number}") for number in range(60))
    first: Counter[bytes] = Counter()
    for seed in range(1_200):
        ranking = roster.ranked(b"salt", Random(seed), many=15)
        assert len(set(ranking)) == 15
        first.update(ranking)
    assert len(first) == 60
    assert all(200 <= times <= 400 for times in first.values())


def test_a_node_is_found_by_its_name() -> None:
    roster = Roster([peer("a"), peer("b")])
    assert roster.named("b") == roster.kids[1]
    assert roster.named("c") is None


def test_everybody_else_may_be_drawn_and_never_oneself() -> None:
    roster, random = Roster([peer(f"node{number}") for number in range(5)]), Random(1)
    me = key_id(public_of(seed_of("node2")))
    drawn = [roster.draw(2, random, but=me) for _ in range(200)]
    assert all(len(set(each)) == 2 for each in drawn)
    assert {kid for each in drawn for kid in each} == set(roster.kids) - {me}
    for many in (4, 5, 99):
        assert sorted(roster.draw(many, random, but=me)) == sorted(set(roster.kids) - {me})
    assert len(roster.draw(3, random, but=b"nobody")) == 3
    assert Roster().draw(1, random, but=me) == []
