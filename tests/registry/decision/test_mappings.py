"""Mappings in decisions: what they extend, whose count, from when until when; each that is used is cited."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from accredit.registry.decision.competencies import read_around
from accredit.registry.decision.decide import decide
from accredit.registry.decision.query import ACCREDIT
from accredit.registry.decision.verdict import Decision, Verdict
from accredit.registry.domain.record_types import NeededRule, Record
from accredit.registry.domain.records import Records
from accredit.registry.domain.scope import MAPPED_MAX
from tests.strategies.domain import (
    COLLEGE,
    EARLY,
    ECOSYSTEM,
    ELSEWHERE,
    FRAMEWORK,
    HLC,
    NOW,
    STATE,
    UNION,
    World,
    ask,
    at,
    codes,
    query_items,
)
from tests.strategies.questions import competency_questions, crosswalked
from tests.strategies.searching import examples

SAYS = ["accredited", "covered_by_mapping"]
ASKED, BETWEEN, OURS = f"{ELSEWHERE}/a", f"{ELSEWHERE}/b", f"{FRAMEWORK}/1"
EXACT = (ASKED, "exact_match", OURS)


@pytest.fixture
def world() -> World:
    """A college that is accredited for one competency alone."""
    return accredited({"competencies": [OURS]})


def accredited(scope: dict[str, Any], **charter: Any) -> World:
    world = World(**charter)
    world.register(iat=EARLY)
    world.grant(iat=EARLY, scope=scope)
    return world


def asked(world: World, on: str | None = None, *, about: str = ASKED, **members: Any) -> Decision:
    return ask(world, on, achievement_types=(), competencies=(about,), **members)


# ------------------------------------------------------------------------------------------------ what they extend


def test_an_exact_match_of_a_named_competency_is_covered_and_the_mapping_cited(world: World) -> None:
    assert codes(asked(world)) == ["competencies_not_covered"]

    said = world.mapping(EXACT, iat=EARLY)
    decision = asked(world)

    assert (decision.verdict, codes(decision)) == (Verdict.TRUSTED, SAYS)
    assert said in decision.statements
    text = decision.reasons[1].text
    assert text.startswith(f"Covered through a mapping: {ASKED} is an exact match of {OURS} (https://")


@pytest.mark.parametrize(
    ("source", "relation", "target", "is_covered"),
    [
        (ASKED, "exact_match", OURS, True),
        (OURS, "exact_match", ASKED, True),
        (ASKED, "translation_of", OURS, True),
        (OURS, "translation_of", ASKED, True),
        (OURS, "replaced_by", ASKED, True),  # whoever may attest the old item may attest what took its place
        (ASKED, "replaced_by", OURS, False),  # and never an old item because of the new one
        (ASKED, "close_match", OURS, False),
        (ASKED, "broad_match", OURS, False),
        (ASKED, "narrow_match", OURS, False),
        (ASKED, "related_match", OURS, False),
        (ASKED, "prerequisite", OURS, False),
    ],
)
def test_which_relations_extend_a_scope_and_in_which_direction(
    world: World, source: str, relation: str, target: str, is_covered: bool
) -> None:
    world.mapping((source, relation, target), iat=EARLY)
    assert codes(asked(world)) == (SAYS if is_covered else ["competencies_not_covered"])


def test_two_steps_are_followed_and_three_are_not(world: World) -> None:
    first = world.mapping((ASKED, "exact_match", BETWEEN), iat=EARLY)
    second = world.mapping((BETWEEN, "exact_match", OURS), id="https://skills.example/second", iat=EARLY)
    decision = asked(world)
    assert codes(decision) == ["accredited", "covered_by_mapping", "covered_by_mapping"]
    assert {first, second} <= set(decision.statements)

    world.mapping((f"{ELSEWHERE}/z", "exact_match", ASKED), id="https://skills.example/third", iat=EARLY)
    assert codes(asked(world, about=f"{ELSEWHERE}/z")) == ["competencies_not_covered"]


def test_of_several_ways_the_shortest_is_cited(world: World) -> None:
    world.mapping((ASKED, "exact_match", BETWEEN), (BETWEEN, "exact_match", OURS), iat=EARLY)
    direct = world.mapping(EXACT, id="https://skills.example/direct", iat=EARLY)
    decision = asked(world)
    assert codes(decision) == SAYS
    assert direct in decision.statements


def test_a_circle_of_links_and_a_link_to_itself_end(world: World) -> None:
    world.mapping(
        (ASKED, "exact_match", ASKED),
        (ASKED, "exact_match", BETWEEN),
        (BETWEEN, "exact_match", ASKED),
        iat=EARLY,
    )
    assert codes(asked(world)) == ["competencies_not_covered"]


def test_an_item_mapped_to_one_of_a_framework_that_is_granted_is_covered(world: World) -> None:
    world = accredited({"frameworks": [FRAMEWORK]})
    world.mapping(EXACT, iat=EARLY)
    assert codes(asked(world)) == ["competency_unknown"], "nobody has published what the mapping leads to"
    published = world.framework(iat=EARLY)
    decision = asked(world)
    assert codes(decision) == SAYS
    assert published in decision.statements


def test_an_item_mapped_to_a_narrower_one_is_covered_where_narrower_ones_are() -> None:
    world = accredited({"competencies": [f"{FRAMEWORK}/0"], "inherit_to_narrower": True})
    world.framework(iat=EARLY)
    world.mapping((ASKED, "exact_match", f"{FRAMEWORK}/2"), iat=EARLY)
    assert codes(asked(world)) == SAYS


def test_an_alias_of_an_item_is_no_step() -> None:
    world = accredited({"competencies": [BETWEEN]})
    world.framework([{"id": OURS, "statement": "Does it", "aliases": ["urn:example:one"]}], iat=EARLY)
    world.mapping((ASKED, "exact_match", BETWEEN), (OURS, "exact_match", ASKED), iat=EARLY)
    decision = asked(world, about="urn:example:one")
    assert codes(decision) == ["accredited", "covered_by_mapping", "covered_by_mapping"]


def test_every_competency_asked_about_must_be_covered(world: World) -> None:
    world.mapping(EXACT, iat=EARLY)
    assert codes(ask(world, achievement_types=(), competencies=(ASKED, OURS))) == SAYS
    both = ask(world, achievement_types=(), competencies=(ASKED, BETWEEN))
    assert codes(both) == ["competencies_not_covered"]


def test_a_scope_without_competencies_is_not_extended() -> None:
    world = accredited({"achievement_types": ["Badge"]})
    world.mapping(EXACT, iat=EARLY)
    assert "competencies_not_covered" in codes(asked(world))


def test_so_many_items_and_no_more_are_looked_at() -> None:
    hub = [(ASKED, "exact_match", f"{ELSEWHERE}/x{number:03}") for number in range(MAPPED_MAX + 1)]
    for last, is_found in ((MAPPED_MAX - 1, True), (MAPPED_MAX, False)):
        world = accredited({"competencies": [f"{ELSEWHERE}/x{last:03}"]})
        world.mapping(*hub, iat=EARLY)
        assert (codes(asked(world)) == SAYS) is is_found


# ------------------------------------------------------------------------------------------------ whose


def test_a_mapping_that_nobody_marked_usable_extends_nothing(world: World) -> None:
    world.mapping(EXACT, usable=False, iat=EARLY)
    assert codes(asked(world)) == ["competencies_not_covered"]


def test_another_authoritys_mapping_does_not_count_unless_it_is_a_publisher() -> None:
    for publishers, named, is_covered in (([], [], False), ([STATE], [], True), ([], [STATE], True)):
        world = World(publishers=publishers)
        members: dict[str, Any] = {"publishers": named} if named else {}
        world.grant(iat=EARLY, scope={"competencies": [OURS]}, **members)
        world.mapping(EXACT, by=STATE, iat=EARLY)
        assert (codes(asked(world)) == SAYS) is is_covered


def test_steps_of_different_authorities_must_each_count(world: World) -> None:
    world.mapping((ASKED, "exact_match", BETWEEN), iat=EARLY)
    world.mapping((BETWEEN, "exact_match", OURS), id="https://skills.example/state", by=STATE, iat=EARLY)
    assert codes(asked(world)) == ["competencies_not_covered"]
    world.charter["publishers"] = [STATE]
    assert codes(asked(world)) == ["accredited", "covered_by_mapping", "covered_by_mapping"]


def delegated(limits: dict[str, Any], scope: dict[str, Any]) -> tuple[World, bytes]:
    world = World()
    via = world.delegate(UNION, limits=limits)
    world.register(by=UNION, via=via, iat=EARLY)
    world.grant(by=UNION, via=via, iat=EARLY, scope=scope)
    return world, via


def test_a_delegate_widens_its_own_grants_and_never_its_limits() -> None:
    scope = {"competencies": [OURS]}
    free, via = delegated({}, scope)
    free.mapping(EXACT, by=UNION, via=via, iat=EARLY)
    assert codes(asked(free)) == SAYS

    limited, via = delegated(scope, scope)
    limited.mapping(EXACT, by=UNION, via=via, iat=EARLY)
    assert codes(asked(limited)) == ["competencies_not_covered"]
    limited.mapping(EXACT, id="https://skills.example/above", by=HLC, iat=EARLY)
    assert codes(asked(limited)) == SAYS


def test_a_publisher_that_the_grant_names_does_not_widen_limits() -> None:
    scope = {"competencies": [OURS]}
    world = World()
    via = world.delegate(UNION, limits=scope)
    world.grant(by=UNION, via=via, iat=EARLY, scope=scope, publishers=[STATE])
    world.mapping(EXACT, by=STATE, iat=EARLY)
    assert codes(asked(world)) == ["competencies_not_covered"]
    world.charter["publishers"] = [STATE]
    assert codes(asked(world)) == SAYS


def test_what_one_above_has_narrowed_its_delegate_does_not_widen_by_a_mapping() -> None:
    world = World()
    via = world.delegate(UNION)
    grant = world.grant(by=UNION, via=via, iat=EARLY, scope={"competencies": [OURS, ASKED]})
    world.mapping(EXACT, by=UNION, via=via, iat=EARLY)
    world.amend(grant, "2015-01-01", scope={"competencies": [OURS]}, iat=EARLY)  # by HLC
    assert codes(asked(world)) == ["competencies_not_covered"]
    world.mapping(EXACT, id="https://skills.example/above", by=HLC, iat=EARLY)
    assert codes(asked(world)) == SAYS


def test_a_delegates_mandate_is_widened_by_those_above_it_alone() -> None:
    world = World()
    via = world.delegate(UNION, limits={"competencies": [OURS]})
    question = {"action": ACCREDIT, "entity": UNION}
    world.mapping(EXACT, by=UNION, via=via, iat=EARLY)
    assert codes(asked(world, **question)) == ["competencies_not_covered"]
    world.mapping(EXACT, id="https://skills.example/above", by=HLC, iat=EARLY)
    assert codes(asked(world, **question)) == ["mandated", "covered_by_mapping"]


def weigh(world: World, kind: str, rule: NeededRule) -> None:
    world.said = [replace(one, rule=rule) if one.statement.kind == kind else one for one in world.said]


def test_a_mapping_extends_no_terms_that_took_more_than_it_did(world: World) -> None:
    world.mapping(EXACT, iat=EARLY)
    weigh(world, "accreditation.grant", {"authorities": 2, "constituencies": {"labor": 1}})
    assert codes(asked(world)) == ["competencies_not_covered"]
    for rule, is_covered in (
        ({"authorities": 2}, False),
        ({"authorities": 1, "constituencies": {"labor": 1}}, False),
        ({"authorities": 2, "constituencies": {"education": 2}}, False),
        ({"authorities": 2, "constituencies": {"labor": 1}}, True),
        ({"authorities": 3, "constituencies": {"labor": 2, "education": 1}}, True),
    ):
        weigh(world, "mapping.publish", rule)  # type: ignore[arg-type]
        assert (codes(asked(world)) == SAYS) is is_covered


def test_what_several_granted_a_mapping_of_as_many_extends_whoever_proposed_it(world: World) -> None:
    world.mapping(EXACT, by=STATE, iat=EARLY)
    weigh(world, "mapping.publish", {"authorities": 2})
    assert codes(asked(world)) == ["competencies_not_covered"], "one authority's own word is its own to widen"
    weigh(world, "accreditation.grant", {"authorities": 2})
    assert codes(asked(world)) == SAYS


def test_a_mapping_that_only_its_own_date_puts_before_the_end_of_its_mandate_counts_for_nothing() -> None:
    world, via = delegated({}, {"competencies": [OURS]})
    world.mapping(EXACT, by=UNION, via=via, iat=EARLY)
    world.said[-1] = replace(world.said[-1], is_anchored=False)
    assert codes(asked(world)) == SAYS, "while the mandate lasts its own word will do"
    withdrawn = {"statement": bytes(32), "effective_from": at("2024-01-01")}
    world.standings[UNION][0]["withdrawn"] = withdrawn
    assert "competencies_not_covered" in codes(asked(world))


# ------------------------------------------------------------------------------------------------ when


def test_a_mapping_counts_from_when_it_was_said(world: World) -> None:
    world.mapping(EXACT, iat=at("2020-01-01"))
    assert codes(asked(world, "2019-12-31")) == ["competencies_not_covered"]
    assert codes(asked(world, "2020-01-02")) == SAYS


def test_a_withdrawn_mapping_counts_no_longer_and_what_was_issued_under_it_keeps_its_worth(world: World) -> None:
    said = world.mapping(EXACT, iat=EARLY)
    ended = world.withdraw_mapping(said, "2024-01-01")

    now = asked(world)
    assert codes(now) == ["competencies_not_covered"]
    assert ended in now.statements

    earlier = asked(world, "2023-06-01")
    assert earlier.verdict is Verdict.TRUSTED_HISTORICAL
    assert codes(earlier) == ["later_scope", *SAYS, "issuance_date_self_asserted"]
    assert {said, ended} <= set(earlier.statements)


def test_a_withdrawal_that_is_still_to_come_is_the_answers_end(world: World) -> None:
    said = world.mapping(EXACT, iat=EARLY)
    world.withdraw_mapping(said, "2026-08-01")
    decision = asked(world)
    assert (codes(decision), decision.valid_until) == (SAYS, at("2026-08-01"))


def test_a_mapping_that_its_author_alone_withdraws(world: World) -> None:
    said = world.mapping(EXACT, iat=EARLY)
    world.withdraw_mapping(said, "2024-01-01", by=STATE)
    assert codes(asked(world)) == SAYS


def test_the_competencys_record_shows_every_link_whatever_it_counts_for(world: World) -> None:
    world.framework(query_items(1), iat=EARLY)
    world.mapping((f"{FRAMEWORK}/0", "close_match", ASKED), (ASKED, "no_match", None), usable=False)  # type: ignore[arg-type]
    record = world.records().get("competency", ASKED)
    assert record is not None
    assert record["in"] == []
    assert [(one["relation"], one["from"], "usable" in one) for one in record["links"]] == [
        ("close_match", f"{FRAMEWORK}/0", False)
    ]
    assert COLLEGE not in str(record)


# ------------------------------------------------------------------------------------------------ what is read


class Reading:
    """Records that remember which competencies and frameworks they were asked for."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self.asked: set[tuple[str, str]] = set()

    def get(self, type: str, id: str) -> Record | None:
        if type in ("competency", "framework"):
            self.asked.add((type, id))
        return self._records.get(type, id)


@examples(150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_whoever_reads_around_a_competency_has_read_all_that_a_question_about_it_does(data: st.DataObject) -> None:
    records = data.draw(crosswalked()).records()
    query = data.draw(competency_questions())
    asking, around = Reading(records), Reading(records)
    decide(query, asking, NOW, ecosystem_id=ECOSYSTEM)
    read_around(around, query.competencies[0])
    assert asking.asked <= around.asked
