"""Chains: answers that do not depend on the order of arrival, and do not take longer on long or forked chains."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from accredit.governance.index.statement_index import Chains, named_heads
from accredit.registry.statement import Statement
from tests.strategies.bodies import register
from tests.strategies.consortium import Consortium, Pen
from tests.strategies.searching import NARROW
from tests.strategies.stories import A, B, C, amend, compromise, delegate, trio


def chains_of(statements: list[Statement]) -> Chains:
    chains = Chains()
    for statement in statements:
        chains.add(statement)
    return chains


@st.composite
def trees(draw: st.DrawFn) -> tuple[Consortium, list[Statement]]:
    """One key's statements, a tree, some withheld, some out of sequence, in any order."""
    town = trio()
    hands = [town.pen(A)]
    said = [town.genesis]
    for _ in range(draw(st.integers(1, 25))):
        hand = draw(st.sampled_from(hands))
        if draw(st.booleans()):
            hand = hand.copy()
            hands.append(hand)
        if draw(st.sampled_from([False] * 9 + [True])):
            hand.seq += 1
        iat = town.time - draw(st.sampled_from([0] * 9 + [50]))
        said.append(town.says(hand, "issuer.register", register(), iat=iat))
    heard = [s for s in said if draw(st.sampled_from([True] * 9 + [False]))]
    return town, draw(st.permutations(heard))


@NARROW
@given(trees())
def test_what_comes_before_what_is_answered_as_by_walking_the_chain(tree: tuple[Consortium, list[Statement]]) -> None:
    _, said = tree
    chains = chains_of(said)
    by_id = {s.id: s for s in said}

    def elders(statement: Statement) -> list[Statement]:
        found = [statement]
        while (prev := found[-1].prev) is not None and prev in by_id:
            found.append(by_id[prev])
        return found

    for head in said:
        line = elders(head)
        assert list(chains.ancestry(head.id)) == line
        in_sequence = all(old.seq + 1 == new.seq and old.kid == new.kid for new, old in pairwise(line))
        is_complete = line[-1].prev is None and line[-1].seq == 1 and in_sequence
        assert chains.is_complete(head.id) is is_complete
        dates = [s.iat for s in line]
        assert chains.is_orderly(head.id) is (is_complete and dates == sorted(dates, reverse=True))
        for other in said:
            if chains.is_complete(head.id):
                assert chains.leads_to(other, head.id) is (other in line)
    firsts = chains.firsts(s for s in said if chains.is_complete(s.id) and s.seq > 1)
    walked = [s for s in said if chains.is_complete(s.id) and s.seq > 1]
    assert set(firsts) == {s for s in walked if not any(o in elders(s)[1:] for o in walked)}


def test_adding_twice_is_adding_once() -> None:
    town = trio()
    chains = chains_of(town.said)

    assert chains.add(town.genesis) == []
    assert len(chains) == len(town.said)
    assert town.genesis.id in chains
    assert chains.get(bytes(32)) is None


def test_what_completes_a_chain_is_told() -> None:
    town = trio()
    said = [town.says(A, "issuer.register", register()) for _ in range(5)]
    chains = chains_of([*town.said[:-5], *said[1:]])
    assert not chains.is_complete(said[4].id)

    assert chains.add(said[0]) == said
    assert chains.is_complete(said[4].id)


def test_a_chain_ends_where_it_claims_another_keys_statement() -> None:
    town = trio()
    said = town.says(Pen(f"{A}#1", A, 3, town.pen(B).prev), "issuer.register", register())
    chains = chains_of(town.said)

    assert list(chains.ancestry(said.id)) == [said]
    assert not chains.is_complete(said.id)
    assert chains.leads_to(said, said.id)
    assert not chains.leads_to(town.genesis, bytes(32))


def test_another_keys_statement_never_comes_before() -> None:
    town = trio()
    of_b = town.says(B, "issuer.register", register())
    of_a = town.says(A, "issuer.register", register())
    chains = chains_of(town.said)

    assert not chains.leads_to(of_a, of_b.id)
    assert not chains.leads_to(of_b, of_a.id)


def test_forks_are_told_by_number() -> None:
    town = trio()
    hands = town.pen(A), town.pen(A).copy()
    two = [town.says(hand, "issuer.register", register(f"did:web:i{n}.example")) for n, hand in enumerate(hands)]
    chains = chains_of(town.said)

    assert chains.forked_keys() == [town.pen(A).kid]
    assert chains.forks(town.pen(A).kid) == [2]
    assert chains.at(town.pen(A).kid, 2) == sorted(s.id for s in two)
    assert chains.is_forked(town.pen(A).kid)
    assert not chains.is_forked(town.pen(B).kid)
    assert set(chains.keys()) == {town.pen(by).kid for by in (A, B, C)}


def test_firsts_of_one_fork_many_times_over_are_all_of_them() -> None:
    town = trio()
    trunk = [town.says(A, "issuer.register", register()) for _ in range(50)]
    branches = [town.says(town.pen(A).copy(), "issuer.register", register(f"did:web:i{n}.example")) for n in range(50)]
    chains = chains_of(town.said)

    assert set(chains.firsts(branches)) == set(branches)
    assert chains.firsts([*branches, trunk[20]]) == [trunk[20]]


def test_statements_of_the_first_strata_name_heads_and_votes_on_them_are_of_these_strata() -> None:
    town = trio()
    _, delegation = delegate(town)
    cut = compromise(town, B, town.pen(A), delegation)
    bare = compromise(town, B, town.pen(C))
    amendment = amend(town, A)
    vote, other = town.votes(C, delegation), town.votes(C, town.says(A, "issuer.register", register()))
    chains = chains_of(town.said)

    assert named_heads(cut) == {town.pen(A).kid: delegation.id}
    assert named_heads(bare) == named_heads(town.genesis) == {}
    assert chains.is_named(delegation.id)
    assert all(chains.is_named(head) for head in named_heads(amendment).values())
    assert [chains.is_governing(s) for s in (delegation, cut, vote, other)] == [True, True, True, False]
