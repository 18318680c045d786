"""Limits of a delegation are a ceiling: what is left out is limited too."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.registry.decision.query import Query
from accredit.registry.domain.ceiling import (
    body_within_limits,
    ceiling,
    check_limits,
    inherited,
    left_out,
    limits_within,
    scope_within_limits,
    what_is_left_out,
)
from accredit.registry.domain.record_types import CompetencyEntry
from accredit.registry.domain.scope import AxisOutcome, check_scope, covers, says_what
from accredit.registry.encoding.identifiers import CanonicalId
from tests.strategies import domain
from tests.strategies.domain import FRAMEWORK, HLC
from tests.strategies.searching import SOME

ZERO, ONE = (f"{FRAMEWORK}/{number}" for number in range(2))


@pytest.mark.parametrize(
    ("granted", "limits", "problem"),
    [
        ({"achievement_types": ["BachelorDegree"]}, {"achievement_types": ["Degree"]}, None),
        (
            {"achievement_types": ["Degree"]},
            {"achievement_types": ["BachelorDegree"]},
            "Degree not allowed (allowed: BachelorDegree)",
        ),
        ({"achievement_types": "*"}, {"achievement_types": ["Degree"]}, "means all"),
        ({"achievement_types": "*"}, {"achievement_types": "*"}, None),
        ({"achievement_types": "*"}, {}, None),
        ({"jurisdictions": ["US-IN"]}, {"jurisdictions": ["US"]}, None),
        ({"jurisdictions": ["US"]}, {"jurisdictions": ["US-IN"]}, "US not allowed (allowed: US-IN)"),
        ({"frameworks": [FRAMEWORK]}, {"frameworks": [FRAMEWORK]}, None),
        ({"frameworks": "*"}, {"frameworks": [FRAMEWORK]}, "means all"),
        ({"competencies": [ZERO]}, {"frameworks": [FRAMEWORK]}, "so name frameworks"),
        ({"competencies": [ZERO]}, {}, None),
    ],
)
def test_a_delegates_scope_lies_within_its_limits(granted: Any, limits: Any, problem: str | None) -> None:
    found = scope_within_limits(granted, limits)
    assert found is None if problem is None else problem in (found or "")


@pytest.mark.parametrize(
    ("kind", "body", "limits", "problem"),
    [
        ("accreditation.grant", {}, {"kinds": ["accredit"]}, None),
        ("accreditation.grant", {}, {"kinds": ["endorse"]}, "kinds accredit not allowed (allowed: endorse)"),
        ("accreditation.grant", {}, {"max_validity": 10}, "must have valid_until"),
        ("accreditation.grant", {"valid_until": 11}, {"max_validity": 10}, "longer than 10"),
        ("accreditation.grant", {"valid_until": 10}, {"max_validity": 10}, None),
        ("accreditation.grant", {}, {"achievement_types": ["Degree"]}, "means all"),
        ("issuer.register", {}, {"categories": ["bootcamp"]}, "must name categories"),
        ("issuer.register", {"categories": ["bootcamp"]}, {"categories": ["bootcamp"]}, None),
        ("issuer.update", {"categories": ["military"]}, {"categories": ["bootcamp"]}, "military"),
        ("issuer.update", {"jurisdictions": ["FI"]}, {"jurisdictions": ["US"]}, "FI not allowed (allowed: US)"),
        ("framework.publish", {"id": FRAMEWORK}, {"frameworks": ["urn:example:x"]}, FRAMEWORK),
        ("framework.items", {"framework": FRAMEWORK}, {"frameworks": ["urn:example:x"]}, FRAMEWORK),
        (
            "mapping.publish",
            {"source": {"framework": FRAMEWORK}, "target": {"framework": "urn:example:y"}},
            {"frameworks": [FRAMEWORK]},
            "urn:example:y",
        ),
        ("accreditation.status", {}, {"kinds": ["endorse"]}, None),
    ],
)
def test_a_delegates_statement_lies_within_its_limits(kind: str, body: Any, limits: Any, problem: str | None) -> None:
    given = {"kind": "accredit", "valid_from": 0, "scope": {"achievement_types": "*"}} if "accred" in kind else {}
    found = body_within_limits(kind, {**given, **body}, limits)
    assert found is None if problem is None else problem in (found or "")


def test_an_amendment_is_held_to_the_limits_too() -> None:
    body = {"valid_from": 0, "scope": {"achievement_types": "*"}}
    assert body_within_limits("accreditation.amend", body, {"achievement_types": ["Badge"]}) is not None


@pytest.mark.parametrize(
    ("child", "parent", "problem"),
    [
        ({}, {}, None),
        ({}, {"kinds": "*"}, None),
        ({}, {"kinds": ["endorse"]}, "kinds must be limited"),
        ({"kinds": "*"}, {"kinds": ["endorse"]}, "means all"),
        ({"categories": ["bootcamp"]}, {"categories": ["military"]}, "bootcamp"),
        ({"achievement_types": ["MasterDegree"]}, {"achievement_types": ["Degree"]}, None),
        ({}, {"max_validity": 10}, "at most 10"),
        ({"max_validity": 11}, {"max_validity": 10}, "at most 10"),
        ({"max_validity": 10}, {"max_validity": 10}, None),
    ],
)
def test_a_childs_limits_lie_within_its_parents(child: Any, parent: Any, problem: str | None) -> None:
    found = limits_within(child, parent)
    assert found is None if problem is None else problem in (found or "")


@pytest.mark.no_cover
@SOME
@given(domain.scopes, domain.limits, domain.limits)
def test_what_a_child_may_grant_its_parent_may_grant(granted: Any, child: Any, parent: Any) -> None:
    check_limits(child, "limits")
    if limits_within(child, parent) is None and scope_within_limits(granted, child) is None:
        assert scope_within_limits(granted, parent) is None


@given(domain.limits)
def test_limits_lie_within_themselves(limits: Any) -> None:
    assert limits_within(limits, limits) is None


def known(uri: CanonicalId) -> list[CompetencyEntry]:
    """A framework whose items 1 to 3 are parts of item 0."""
    parents = [] if uri == ZERO else [CanonicalId(ZERO)]
    said = CompetencyEntry(by=HLC, via=None, statement=bytes(32), framework=FRAMEWORK, item=uri, parents=parents)
    return [said] if uri.startswith(FRAMEWORK) else []


def answer(scopes: list[Any], query: Query) -> tuple[bool, bool, frozenset[str]]:
    """How good an answer is: whether all is covered, whether enough is said, and what is left open."""
    axes = [axis for one in scopes for axis in covers(one, query, known)]
    wanting = (AxisOutcome.NOT_COVERED, AxisOutcome.UNKNOWN)
    return (
        not any(axis.outcome in wanting for axis in axes),
        all(says_what(one, query) for one in scopes),
        frozenset(axis.name for axis in axes if axis.outcome is AxisOutcome.OPEN),
    )


def effective(granted: Any, limits: Any) -> list[Any]:
    """The scopes that must all cover a question under a mandate, as a decision takes them."""
    return [inherited(granted, limits), ceiling(limits)]


optional = st.none()
queries = st.builds(
    lambda **asked: Query(**asked),  # only these members
    entity=st.just("did:web:a"),
    authority=st.just("did:web:b"),
    credential_types=st.sampled_from([(), ("DegreeCredential",), ("OpenBadgeCredential",), ("License",)]),
    achievement_types=st.just(()) | st.tuples(domain.achievement_types),
    competencies=st.just(()) | st.tuples(domain.competency_ids),
    framework=optional | st.sampled_from([FRAMEWORK, "https://other.example/framework"]),
    level=optional | st.tuples(st.just("EQF"), st.integers(0, 8)),
    jurisdiction=optional | domain.jurisdictions,
    program=optional | st.sampled_from(["nursing", "welding"]),
    field_of_study=optional | st.sampled_from([("cip", "51.3801"), ("soc", "15-1252"), ("cip", "52")]),
    delivery_mode=optional | st.sampled_from(["online", "in_person"]),
)


@pytest.mark.no_cover
@SOME
@given(domain.scopes, domain.limits, queries)
def test_what_an_effective_scope_covers_the_limits_cover(granted: Any, limits: Any, query: Query) -> None:
    """For any scope, within the limits or not, whatever it leaves out."""
    covered, said, left_open = answer(effective(granted, limits), query)
    allowed, enough, open_there = answer([ceiling(limits)], query)
    assert covered <= allowed
    assert said <= enough
    assert left_open >= open_there


@pytest.mark.no_cover
@SOME
@given(domain.scopes, domain.limits, queries, st.data())
def test_leaving_an_axis_out_never_answers_better_than_naming_it(
    granted: Any, limits: Any, query: Query, data: st.DataObject
) -> None:
    axes = [name for name in left_out({}, limits) if name in granted]
    if not axes:
        return
    axis = data.draw(st.sampled_from(axes))
    silent = {name: value for name, value in granted.items() if name != axis}
    named = {**silent, axis: limits[axis]}
    if axis in left_out(silent, limits):
        if axis == "competencies" and "inherit_to_narrower" in limits:
            named["inherit_to_narrower"] = limits["inherit_to_narrower"]
        assert answer(effective(silent, limits), query) == answer(effective(named, limits), query)
    else:
        # Of the two ways to name competencies the other is used: this one grants nothing.
        assert answer(effective(silent, limits), query)[0] <= answer(effective(named, limits), query)[0]


@pytest.mark.no_cover
@SOME
@given(domain.limits, domain.limits, queries)
def test_what_a_childs_ceiling_covers_its_parents_does(child: Any, parent: Any, query: Query) -> None:
    if limits_within(child, parent) is None and "inherit_to_narrower" not in child:
        assert answer([ceiling(child)], query)[0] <= answer([ceiling(parent)], query)[0]


@pytest.mark.no_cover
@SOME
@given(domain.scopes, domain.limits)
def test_a_scope_that_inherits_is_a_scope_and_leaves_nothing_out(granted: Any, limits: Any) -> None:
    whole = inherited(granted, limits)
    check_scope(dict(whole), "scope")
    assert left_out(whole, limits) == []
    assert {name: whole[name] for name in granted if name != "inherit_to_narrower"} == {
        name: value for name, value in granted.items() if name != "inherit_to_narrower"
    }
    assert what_is_left_out("issuer.register", {}, limits) is None
    said = what_is_left_out("accreditation.grant", {"scope": granted}, limits)
    assert (said is None) == (whole == granted)


def test_what_is_left_out_is_said_with_its_limit() -> None:
    limits = {
        "programs": [{"id": "rn"}],
        "levels": [{"scheme": "EQF", "min": 4, "max": 5}],
        "fields_of_study": [{"scheme": "cip", "code": "51"}],
        "frameworks": [FRAMEWORK],
    }
    granted: dict[str, Any] = {"credential_types": "*"}
    said = []
    for axis in left_out(granted, limits):
        said.append(what_is_left_out("accreditation.amend", {"scope": granted}, {axis: limits[axis]}))
    assert said == [
        f"it leaves out frameworks, which are limited to {FRAMEWORK}; name the ones you mean",
        "it leaves out programs, which are limited to rn; name the ones you mean",
        "it leaves out fields_of_study, which are limited to cip:51; name the ones you mean",
        "it leaves out levels, which are limited to EQF:4-5; name the ones you mean",
    ]
    assert what_is_left_out("accreditation.grant", {"scope": {**granted, **limits}}, limits) is None


@pytest.mark.parametrize(
    ("granted", "limits", "problem"),
    [
        ({"credential_types": ["AchievementCredential"]}, {"credential_types": ["OpenBadgeCredential"]}, None),
        ({"credential_types": ["License"]}, {"credential_types": ["Badge"]}, "License not allowed (allowed: Badge)"),
        ({"programs": [{"id": "rn", "cip": "51.38"}]}, {"programs": [{"id": "rn"}]}, None),
        ({"programs": [{"id": "md"}]}, {"programs": [{"id": "rn"}]}, "programs md not allowed (allowed: rn)"),
        ({"competencies": [ZERO]}, {"competencies": [ZERO, ONE]}, None),
        ({"competencies": [ONE]}, {"competencies": [ZERO]}, f"competencies {ONE} not allowed (allowed: {ZERO})"),
        ({"frameworks": [FRAMEWORK]}, {"competencies": [ZERO]}, "so name competencies"),
        ({"competencies": [ZERO]}, {"competencies": [ZERO], "frameworks": [FRAMEWORK]}, None),
        ({"competencies": [ZERO], "inherit_to_narrower": True}, {"competencies": [ZERO]}, "listed competencies"),
        (
            {"competencies": [ZERO], "inherit_to_narrower": True},
            {"competencies": [ZERO], "inherit_to_narrower": True},
            None,
        ),
        (
            {"levels": [{"scheme": "EQF", "min": 4, "max": 6}]},
            {"levels": [{"scheme": "EQF", "min": 4, "max": 5}, {"scheme": "EQF", "min": 6, "max": 6}]},
            None,
        ),
        (
            {"levels": [{"scheme": "EQF", "min": 4, "max": 6}]},
            {"levels": [{"scheme": "EQF", "min": 4, "max": 5}]},
            "levels EQF:4-6 not allowed (allowed: EQF:4-5)",
        ),
        (
            {"fields_of_study": [{"scheme": "cip", "code": "51.3801"}]},
            {"fields_of_study": [{"scheme": "cip", "code": "51"}]},
            None,
        ),
        ({"delivery_modes": "*"}, {"delivery_modes": ["online"]}, "means all"),
    ],
)
def test_every_axis_of_a_scope_can_be_limited(granted: Any, limits: Any, problem: str | None) -> None:
    found = scope_within_limits(granted, limits)
    assert found is None if problem is None else problem in (found or "")
    if problem is None:
        assert limits_within(granted, limits) is None
    else:
        assert limits_within(granted, limits) is not None


def test_only_some_competencies_are_allowed_and_a_child_names_frameworks() -> None:
    assert limits_within({"frameworks": [FRAMEWORK]}, {"competencies": [ZERO]}) is not None
    assert limits_within({}, {"competencies": [ZERO]}) == "competencies must be limited"
    assert ceiling({"competencies": [ZERO], "inherit_to_narrower": True})["inherit_to_narrower"] is True
    assert "frameworks" not in ceiling({"competencies": [ZERO]})
    assert ceiling({"competencies": [ZERO], "frameworks": "*"})["frameworks"] == "*"
