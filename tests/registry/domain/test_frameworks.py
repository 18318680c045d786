"""Frameworks in parts, their competencies and status; mappings as far as they go."""

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.registry.domain import frameworks, mappings
from accredit.registry.domain.bodies import FrameworkPublish
from accredit.registry.domain.record_types import StatedFramework
from accredit.registry.domain.records import Effective
from accredit.registry.encoding.cbor import decode, encode
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.errors import DecodeError
from accredit.registry.transparency.merkle import EMPTY_ROOT, leaf_hash, node_hash
from tests.strategies.domain import (
    FRAMEWORK,
    HLC,
    NOW,
    STATE,
    World,
    at,
    effective,
    mapping_body,
    publish_body,
    query_items,
)

CROSSWALK = CanonicalId("urn:example:crosswalk")


def part(
    publish: Effective, number: int, *items: dict[str, Any], by: CanonicalId = HLC, via: bytes | None = None
) -> Effective:
    body = {"framework": FRAMEWORK, "publish": publish.statement.id, "part": number, "items": list(items)}
    frameworks.check_items(body)
    return effective("framework.items", body, by=by, via=via, sub=FRAMEWORK)


def publish(items: list[dict[str, Any]], **members: Any) -> Effective:
    return effective("framework.publish", publish_body(items, **members), sub=FRAMEWORK)


def stated(*said: Effective, statuses: tuple[Effective, ...] = ()) -> StatedFramework:
    publishes = [one for one in said if one.statement.kind == "framework.publish"]
    items = [one for one in said if one.statement.kind == "framework.items"]
    record = frameworks.reduce(FRAMEWORK, publishes, items, statuses)
    assert record is not None
    assert decode(encode(record)) == record
    (one,) = record["stated"]
    return one


ITEMS = query_items(3)


def test_the_items_root_is_the_tree_head_over_the_items_in_order() -> None:
    zero, one, two = (leaf_hash(encode(item)) for item in ITEMS)
    assert frameworks.items_root(ITEMS) == node_hash(node_hash(zero, one), two)
    assert frameworks.items_root(ITEMS[::-1]) != frameworks.items_root(ITEMS)
    assert frameworks.items_root([]) == EMPTY_ROOT


def test_a_framework_is_complete_once_its_parts_give_the_root_that_was_published() -> None:
    said = publish(ITEMS)
    assert not stated(said)["complete"]
    assert not stated(said, part(said, 0, ITEMS[0]), part(said, 2, ITEMS[2]))["complete"]
    whole = stated(said, part(said, 1, ITEMS[2]), part(said, 0, ITEMS[0], ITEMS[1]))
    assert whole["complete"]
    assert whole["parts"] == [0, 1]


def test_items_that_are_not_those_published_complete_nothing() -> None:
    said = publish(ITEMS)
    changed = {**ITEMS[1], "statement": "Does something else"}
    assert not stated(said, part(said, 0, ITEMS[0], changed, ITEMS[2]))["complete"]
    assert not stated(said, part(said, 0, ITEMS[0], ITEMS[2], ITEMS[1]))["complete"]
    short = publish(ITEMS, item_count=2)
    assert not stated(short, part(short, 0, *ITEMS))["complete"]


def test_a_part_said_by_another_authority_is_not_taken_for_the_publishers() -> None:
    said = publish(ITEMS)
    assert not stated(said, part(said, 0, *ITEMS, by=STATE))["complete"]
    assert not stated(said, part(said, 0, *ITEMS, via=bytes(32)))["complete"]


def test_a_slip_in_one_part_is_mended_by_saying_it_again() -> None:
    said = publish(ITEMS)
    slip = part(said, 0, {**ITEMS[0], "statement": "Oops"})
    again = effective(
        "framework.items", part(said, 0, ITEMS[0]).statement.body, iat=NOW + 1, sub=FRAMEWORK
    )  # the same words once more
    whole = stated(said, slip, part(said, 0, ITEMS[0]), again, part(said, 1, ITEMS[1], ITEMS[2]))
    assert whole["complete"]


def test_a_part_said_in_ever_new_ways_cannot_make_a_node_try_for_ever() -> None:
    said = publish(ITEMS)
    many = [part(said, n, {**ITEMS[0], "statement": f"{n} {way}"}) for n in range(8) for way in range(6)]
    assert not stated(said, *many)["complete"]


def test_of_the_parts_at_hand_those_that_a_framework_commits_to_are_told_by_its_root_and_by_nothing_less() -> None:
    one, two, other = ({"id": f"urn:example:{name}", "statement": name} for name in ("one", "two", "other"))
    said = publish([one, two]).statement
    first, second, slipped, beyond = (
        {"framework": FRAMEWORK, "publish": said.id, "part": number, "items": [item]}
        for number, item in ((0, one), (1, two), (1, other), (2, other))
    )

    def committed(*parts: Any) -> list[int] | None:
        return frameworks.committed_parts(cast(FrameworkPublish, said.body), parts)

    assert committed(second, first) == [1, 0]
    assert committed(slipped, first, second, second) == [1, 2]
    assert committed(first, slipped) is None
    assert committed(first) is None
    assert committed(beyond, first, second) == [1, 2], "nobody keeps a framework from being whole by adding to it"


def test_an_empty_framework_is_complete_at_once() -> None:
    assert stated(publish([]))["complete"]


def test_nobodys_framework_has_no_record() -> None:
    assert frameworks.reduce(FRAMEWORK, [], [], []) is None
    assert frameworks.reduce_competency(CanonicalId("urn:example:x"), []) is None


def test_competencies_are_found_under_id_and_alias_and_only_in_complete_frameworks() -> None:
    world = World()
    said = world.framework()
    records = world.records()
    for name in (f"{FRAMEWORK}/0", "urn:example:zero"):
        record = records.get("competency", name)
        assert record is not None
        assert record["in"] == [
            {
                "framework": FRAMEWORK,
                "by": HLC,
                "via": None,
                "statement": said,
                "item": f"{FRAMEWORK}/0",
                "parents": [],
                "code": "0",
            }
        ]
    incomplete = World()
    incomplete.framework(hold_back=1)
    assert incomplete.records().get("competency", f"{FRAMEWORK}/0") is None


def test_two_authorities_that_publish_one_framework_are_two_entries() -> None:
    world = World()
    world.framework()
    world.framework(by=STATE)
    record = world.records().get("competency", f"{FRAMEWORK}/1")
    assert record is not None
    assert sorted(entry["by"] for entry in record["in"]) == [HLC, STATE]


def status(said: Effective, word: str, on: str, *after: bytes, by: CanonicalId = HLC) -> Effective:
    body = {
        "framework": FRAMEWORK,
        "publish": said.statement.id,
        "status": word,
        "effective_from": at(on),
        "after": list(after),
    }
    frameworks.check_status(body)
    return effective("framework.status", body, sub=FRAMEWORK, by=by)


def test_the_status_of_a_framework_is_that_of_its_day_and_the_most_restrictive_unless_followed() -> None:
    said = publish(ITEMS)
    withdrawn = status(said, "withdrawn", "2021-01-01")
    deprecated = status(said, "deprecated", "2020-01-01")
    again = status(said, "active", "2022-01-01", withdrawn.statement.id)
    stranger = status(said, "withdrawn", "2019-01-01", by=STATE)
    one = stated(said, statuses=(withdrawn, deprecated, again, stranger))
    assert frameworks.status_at(one, at("2019-06-01")) == "active"
    assert frameworks.status_at(one, at("2020-06-01")) == "deprecated"
    assert frameworks.status_at(one, at("2021-06-01")) == "withdrawn"
    assert frameworks.status_at(one, at("2022-06-01")) == "deprecated", "who activated it did not know of that"
    last = status(said, "active", "2023-01-01", again.statement.id, deprecated.statement.id)
    diamond = status(said, "active", "2023-01-02", last.statement.id, withdrawn.statement.id)
    one = stated(said, statuses=(withdrawn, deprecated, again, last, diamond))
    assert frameworks.status_at(one, NOW) == "active"


@pytest.mark.parametrize(
    ("items", "where"),
    [
        ([], "body.items"),
        ([{"id": FRAMEWORK}], "body.items[0]"),
        ([ITEMS[0], {**ITEMS[0], "statement": "Twice"}], "body.items[1].id"),
    ],
)
def test_a_slip_in_items_is_refused_where_it_is(items: Any, where: str) -> None:
    with pytest.raises(DecodeError) as caught:
        frameworks.check_items({"framework": FRAMEWORK, "publish": bytes(32), "part": 0, "items": items})
    assert caught.value.where == where


def test_an_alias_pattern_says_where_the_identifier_goes() -> None:
    publish_body(ITEMS, alias_patterns=["https://example.org/items/{identifier}"])
    for wrong in ("https://example.org/items/", "{identifier}", "https://example.org/{identifier}/{identifier}"):
        with pytest.raises(DecodeError, match="identifier"):
            publish_body(ITEMS, alias_patterns=[wrong])


@given(st.permutations(range(5)), st.integers(0, 4))
def test_the_records_do_not_depend_on_the_order_of_arrival(order: list[int], twice: int) -> None:
    items = query_items(4)
    said = publish(items)
    parts = [part(said, number, item) for number, item in enumerate(items)] + [part(said, 0, items[3])]
    arrived = [parts[index] for index in (*order, twice)]
    assert frameworks.reduce(FRAMEWORK, [said], arrived, []) == frameworks.reduce(FRAMEWORK, [said], parts, [])
    assert frameworks.competencies(FRAMEWORK, [said, said], arrived) == frameworks.competencies(
        FRAMEWORK, [said], parts
    )


# ------------------------------------------------------------------------------------------------ mappings


@pytest.mark.parametrize("link", [{"target": None}, {"relation": "no_match"}])
def test_only_no_match_has_no_target(link: dict[str, Any]) -> None:
    links = [{"source": "urn:example:a", "target": "urn:example:b", "relation": "exact_match", **link}]
    with pytest.raises(DecodeError) as caught:
        mapping_body(links=links)
    assert caught.value.where == "body.links[0].target"


def test_a_mapping_is_withdrawn_by_who_published_it() -> None:
    said = effective("mapping.publish", mapping_body(), sub="urn:example:crosswalk")

    def withdraw(on: str, by: CanonicalId) -> Effective:
        body = {"mapping": "urn:example:crosswalk", "publish": said.statement.id, "effective_from": at(on)}
        mappings.check_withdraw(body)
        return effective("mapping.withdraw", body, by=by, sub="urn:example:crosswalk")

    def ended(*withdrawals: Effective) -> Any:
        record = mappings.reduce(CROSSWALK, [said], withdrawals)
        assert record is not None
        assert decode(encode(record)) == record
        return record["stated"][0]["withdrawn"]

    assert ended() is None
    assert ended(withdraw("2020-01-01", STATE)) is None
    early, late = withdraw("2020-01-01", HLC), withdraw("2021-01-01", HLC)
    assert ended(late, early) == {"statement": early.statement.id, "effective_from": at("2020-01-01")}
    assert mappings.reduce(CROSSWALK, [], []) is None
