"""Which keys of an issuer count for an answer: those that the decision cites, and no others."""

from typing import Any

from accredit.cli.checking.issuer_answers import counted_keys
from accredit.cli.credentials.keys import IssuerKeys
from accredit.node.views.decision_view import decided
from accredit.node.views.json_views import plain
from accredit.registry.decision.decide import decide
from accredit.registry.decision.query import Query
from accredit.registry.domain.records import issuer_in
from tests.strategies.domain import COLLEGE, ECOSYSTEM, HLC, K1, NOW, STATE, World, at, key_text, pinned

THIEF = {"id": K1, "public_key_multibase": key_text("thief")}


def keys_of(world: World, *, asked: str | None = K1) -> IssuerKeys:
    records = world.records()
    types = ("BachelorDegree",)
    query = Query(entity=COLLEGE, authority=ECOSYSTEM, achievement_types=types, key=asked, time=at("2026-01-01"))
    decision: Any = decided(decide(query, records, NOW, ecosystem_id=ECOSYSTEM))
    record = issuer_in(records, COLLEGE)
    assert record is not None
    return counted_keys(plain(record["keys"]), decision, {"key": asked} if asked else {})


def college() -> World:
    """Accredited by one authority, which pins its key; another may speak too."""
    world = World()
    world.register(keys=pinned())
    world.grant()
    return world


def test_a_key_that_a_stranger_states_under_a_genuine_id_does_not_count() -> None:
    world = college()
    world.key_event(op="add", key=THIEF, how={"by": STATE})
    assert list(keys_of(world).pinned) == pinned()[:1]


def test_two_keys_under_one_id_by_authorities_that_count_are_both_told() -> None:
    world = college()
    world.key_event(op="add", key=THIEF, how={"by": HLC})
    assert THIEF in keys_of(world).pinned
    assert len(keys_of(world).pinned) == 2


def test_without_a_named_key_all_are_candidates_and_those_of_the_accreditor_come_first() -> None:
    world = World()
    world.key_event(op="add", key=THIEF, how={"by": STATE, "iat": at("2010-01-01")})
    world.register(keys=pinned())
    world.grant()
    found = keys_of(world, asked=None).pinned
    assert found[-1] == THIEF
    assert len(found) > 1


def test_a_theft_is_known_whenever_it_is_said_to_have_been_and_only_by_a_word_that_counts() -> None:
    for by, stolen in ((STATE, []), (HLC, [K1])):
        world = college()
        world.key_event(op="compromise", key_id=K1, compromised_since=at("2026-05-01"), how={"by": by})
        assert sorted(keys_of(world).stolen) == stolen
