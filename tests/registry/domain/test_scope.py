"""What a scope covers, and what lies within a delegation's limits."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accredit.registry.decision.query import Query
from accredit.registry.domain import axes, scope
from accredit.registry.domain.record_types import CompetencyEntry
from accredit.registry.domain.scope import AxisOutcome, covers
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.errors import DecodeError
from tests.strategies import domain
from tests.strategies.domain import FRAMEWORK, HLC
from tests.strategies.searching import SOME


def ask(**members: Any) -> Query:
    return Query(entity="did:web:a", authority="did:web:b", **members)


def nothing(_: CanonicalId) -> list[CompetencyEntry]:
    return []


def outcomes(granted: dict[str, Any], lookup: scope.Lookup = nothing, **members: Any) -> dict[str, str]:
    return {axis.name: axis.outcome.value for axis in covers(granted, ask(**members), lookup)}


def entry(item: str, *parents: str, framework: str = FRAMEWORK) -> CompetencyEntry:
    return CompetencyEntry(
        by=HLC,
        via=None,
        statement=bytes(32),
        framework=CanonicalId(framework),
        item=CanonicalId(item),
        parents=list(map(CanonicalId, parents)),
    )


# ------------------------------------------------------------------------------------------------ axes


@pytest.mark.parametrize(
    ("granted", "asked", "expected"),
    [
        ({"achievement_types": ["Degree"]}, {"achievement_types": ("BachelorDegree",)}, "covered"),
        ({"achievement_types": ["BachelorDegree"]}, {"achievement_types": ("Degree",)}, "not_covered"),
        ({"achievement_types": ["Degree"]}, {"achievement_types": ("Degree", "Badge")}, "not_covered"),
        ({"achievement_types": "*"}, {"achievement_types": ("ext:Own",)}, "covered"),
        ({"achievement_types": ["Achievement"]}, {"achievement_types": ("Badge",)}, "not_covered"),
        ({}, {"achievement_types": ("Badge",)}, "not_covered"),
        ({"credential_types": ["OpenBadgeCredential"]}, {"credential_types": ("AchievementCredential",)}, "covered"),
        ({"credential_types": ["ClrCredential"]}, {"credential_types": ("OpenBadgeCredential",)}, "not_covered"),
        (
            {"credential_types": ["ClrCredential"]},
            {"credential_types": ("VerifiableCredential", "ClrCredential")},
            "covered",
        ),
        ({"jurisdictions": ["US"]}, {"jurisdiction": "US-IN"}, "covered"),
        ({"jurisdictions": ["US-IN"]}, {"jurisdiction": "US"}, "not_covered"),
        ({"jurisdictions": ["US-I"]}, {"jurisdiction": "US-IN"}, "not_covered"),
        ({"levels": [{"scheme": "EQF", "min": 5, "max": 6}]}, {"level": ("QF-EHEA", 1)}, "covered"),
        ({"levels": [{"scheme": "EQF", "min": 5, "max": 6}]}, {"level": ("ISCED2011", 7)}, "not_covered"),
        ({"levels": [{"scheme": "EQF", "min": 3, "max": 4}]}, {"level": ("ISCED2011", 3)}, "not_covered"),
        ({"levels": [{"scheme": "SCQF", "min": 1, "max": 12}]}, {"level": ("SCQF", 9)}, "covered"),
        ({"programs": [{"id": "nursing"}]}, {"program": "nursing"}, "covered"),
        ({"programs": [{"id": "nursing"}]}, {"program": "law"}, "not_covered"),
        ({"fields_of_study": [{"scheme": "cip", "code": "51"}]}, {"field_of_study": ("cip", "51.3801")}, "covered"),
        ({"fields_of_study": [{"scheme": "cip", "code": "51.38"}]}, {"field_of_study": ("cip", "51")}, "not_covered"),
        (
            {"fields_of_study": [{"scheme": "cip", "code": "05"}]},
            {"field_of_study": ("isced_f", "0588")},
            "not_covered",
        ),
        (
            {"fields_of_study": [{"scheme": "isced_f", "code": "05"}]},
            {"field_of_study": ("isced_f", "0588")},
            "covered",
        ),
        (
            {"fields_of_study": [{"scheme": "soc", "code": "15-0000"}]},
            {"field_of_study": ("soc", "15-1252")},
            "covered",
        ),
        (
            {"fields_of_study": [{"scheme": "soc", "code": "15-1250"}]},
            {"field_of_study": ("soc", "15-1299")},
            "not_covered",
        ),
        (
            {"fields_of_study": [{"scheme": "soc", "code": "15-1252.00"}]},
            {"field_of_study": ("soc", "15-1252")},
            "covered",
        ),
        (
            {"fields_of_study": [{"scheme": "soc", "code": "15-1255.01"}]},
            {"field_of_study": ("soc", "15-1255.02")},
            "not_covered",
        ),
        ({"delivery_modes": ["online"]}, {"delivery_mode": "online"}, "covered"),
        ({"delivery_modes": "*"}, {"delivery_mode": "by post"}, "covered"),
        ({}, {"delivery_mode": "online"}, "not_covered"),
        ({"frameworks": [FRAMEWORK]}, {"framework": FRAMEWORK}, "covered"),
        ({"frameworks": "*"}, {"framework": FRAMEWORK}, "covered"),
        ({"frameworks": ["urn:example:other"]}, {"framework": FRAMEWORK}, "not_covered"),
        ({"competencies": "*"}, {"framework": FRAMEWORK}, "not_covered"),
    ],
)
def test_one_axis(granted: dict[str, Any], asked: dict[str, Any], expected: str) -> None:
    assert list(outcomes(granted, **asked).values()) == [expected]


def test_an_axis_left_open_is_named_and_an_absent_one_is_not() -> None:
    granted = {
        "credential_types": ["ClrCredential"],
        "achievement_types": ["Degree"],
        "competencies": [f"{FRAMEWORK}/0"],
        "jurisdictions": ["US"],
        "levels": "*",
    }
    assert outcomes(granted) == dict.fromkeys(
        ("credential_types", "achievement_types", "competencies", "jurisdiction"), "open"
    )
    assert outcomes({"frameworks": "*", "competencies": [f"{FRAMEWORK}/0"]}) == {}
    assert outcomes({}) == {}


def test_what_is_not_covered_is_said() -> None:
    (axis,) = covers({"levels": [{"scheme": "EQF", "min": 5, "max": 6}]}, ask(level=("EQF", 8)), nothing)
    assert axis.asked == "EQF:8"


def test_an_envelope_says_nothing_of_what_is_attested() -> None:
    degrees = {"credential_types": "*", "achievement_types": ["Degree"]}
    assert not scope.says_what(degrees, ask(credential_types=("OpenBadgeCredential",)))
    assert not scope.says_what(degrees, ask(credential_types=("MedicalLicence",)))
    assert scope.says_what(degrees, ask(achievement_types=("Badge",)))
    assert scope.says_what(degrees, ask(competencies=("urn:example:c",)))
    assert scope.says_what(degrees, ask(framework=FRAMEWORK))
    assert scope.says_what({"achievement_types": "*"}, ask())
    named = {"credential_types": ["DiplomaCredential", "OpenBadgeCredential"], "achievement_types": ["Degree"]}
    assert scope.says_what(named, ask(credential_types=("DiplomaCredential",)))
    assert not scope.says_what(named, ask(credential_types=("OpenBadgeCredential",)))


# ------------------------------------------------------------------------------------------------ competencies

ZERO, ONE, TWO, ALIAS = f"{FRAMEWORK}/0", f"{FRAMEWORK}/1", f"{FRAMEWORK}/2", "urn:example:zero"


def known(uri: CanonicalId) -> list[CompetencyEntry]:
    """A framework 0 ⊃ 1 ⊃ 2, where 0 has an alias; 1 also lies in another framework."""
    return {
        ZERO: [entry(ZERO)],
        ALIAS: [entry(ZERO)],
        ONE: [entry(ONE, framework="urn:example:other"), entry(ONE, ZERO)],
        TWO: [entry(TWO, ONE, ONE)],
    }.get(uri, [])


@pytest.mark.parametrize(
    ("granted", "asked", "expected"),
    [
        ({"competencies": [ZERO]}, ZERO, "covered"),
        ({"competencies": "*"}, "urn:example:any", "covered"),
        ({"competencies": [ZERO]}, ALIAS, "covered"),
        ({"competencies": [ZERO]}, TWO, "not_covered"),
        ({"competencies": [ZERO], "inherit_to_narrower": True}, TWO, "covered"),
        ({"competencies": [TWO], "inherit_to_narrower": True}, ZERO, "not_covered"),
        ({"competencies": ["urn:example:x"], "inherit_to_narrower": True}, TWO, "not_covered"),
        ({"frameworks": [FRAMEWORK]}, TWO, "covered"),
        ({"frameworks": "*"}, TWO, "covered"),
        ({"frameworks": ["urn:example:third"]}, TWO, "not_covered"),
        ({"frameworks": "*"}, "urn:example:unheard", "unknown"),
        ({"competencies": [ZERO], "inherit_to_narrower": True}, "urn:example:unheard", "unknown"),
        ({"competencies": [ZERO]}, "urn:example:unheard", "not_covered"),
        ({"achievement_types": "*"}, ZERO, "not_covered"),
    ],
)
def test_a_competency_is_covered_by_name_framework_or_a_broader_item(
    granted: dict[str, Any], asked: str, expected: str
) -> None:
    assert outcomes(granted, known, competencies=(asked,))["competencies"] == expected


def test_a_framework_named_in_the_question_rules_the_others_out() -> None:
    granted = {"frameworks": ["urn:example:other"]}
    assert outcomes(granted, known, competencies=(ONE,))["competencies"] == "covered"
    assert outcomes(granted, known, competencies=(ONE,), framework=FRAMEWORK)["competencies"] == "not_covered"


def test_one_competency_outside_refuses_them_all_even_beside_an_unknown_one() -> None:
    granted = {"frameworks": ["urn:example:third"]}
    (axis,) = covers(granted, ask(competencies=("urn:example:unheard", TWO)), known)
    assert (axis.outcome, axis.asked) == (AxisOutcome.NOT_COVERED, TWO)


def test_a_framework_with_a_circle_of_parents_ends() -> None:
    def circle(uri: CanonicalId) -> list[CompetencyEntry]:
        return [entry(uri, ZERO, ONE)]

    assert outcomes({"competencies": [TWO], "inherit_to_narrower": True}, circle, competencies=(ZERO,)) == {
        "competencies": "not_covered"
    }


def test_a_framework_too_deep_to_follow_is_not_followed_for_ever() -> None:
    asked = []

    def deep(uri: CanonicalId) -> list[CompetencyEntry]:
        asked.append(uri)
        return [entry(uri, f"{uri}1")]

    outcomes({"competencies": [TWO], "inherit_to_narrower": True}, deep, competencies=(ZERO,))
    assert len(asked) <= scope.ANCESTORS_MAX + 1


# ------------------------------------------------------------------------------------------------ narrower


DEGREES: dict[str, Any] = {"credential_types": "*", "achievement_types": ["Degree"]}
IN_TWO: dict[str, Any] = {**DEGREES, "competencies": [TWO]}


@pytest.mark.parametrize(
    ("new", "old"),
    [
        (DEGREES, DEGREES),
        ({**DEGREES, "achievement_types": ["BachelorDegree"]}, DEGREES),
        (DEGREES, {**DEGREES, "achievement_types": "*"}),
        ({**DEGREES, "jurisdictions": ["US-IN"]}, {**DEGREES, "jurisdictions": ["US"]}),
        ({**DEGREES, "jurisdictions": ["US-IN"]}, {**DEGREES, "jurisdictions": "*"}),
        (DEGREES, {**DEGREES, "jurisdictions": "*"}),
        (
            {**DEGREES, "levels": [{"scheme": "EQF", "min": 5, "max": 5}]},
            {**DEGREES, "levels": [{"scheme": "EQF", "min": 4, "max": 6}]},
        ),
        ({**DEGREES, "programs": [{"id": "rn", "name": "Nurses"}]}, {**DEGREES, "programs": [{"id": "rn"}]}),
        (
            {**DEGREES, "fields_of_study": [{"scheme": "cip", "code": "51.38"}]},
            {**DEGREES, "fields_of_study": [{"scheme": "cip", "code": "51"}]},
        ),
        ({**DEGREES, "credential_types": ["ClrCredential"]}, {**DEGREES, "achievement_types": "*"}),
        (IN_TWO, {**IN_TWO, "inherit_to_narrower": True}),
        ({**IN_TWO, "inherit_to_narrower": True}, {**IN_TWO, "inherit_to_narrower": True}),
        ({**IN_TWO, "inherit_to_narrower": True}, {**DEGREES, "competencies": "*"}),
        ({**DEGREES, "inherit_to_narrower": True}, DEGREES),
    ],
)
def test_a_scope_that_names_less_lies_within(new: dict[str, Any], old: dict[str, Any]) -> None:
    scope.check_scope(new, "scope")
    scope.check_scope(old, "scope")
    assert scope.is_within(new, old)


@pytest.mark.parametrize(
    ("new", "old"),
    [
        (DEGREES, {**DEGREES, "achievement_types": ["BachelorDegree"]}),
        ({**DEGREES, "achievement_types": "*"}, DEGREES),
        ({**DEGREES, "jurisdictions": ["US"]}, DEGREES),  # a silence is no grant
        (DEGREES, {**DEGREES, "jurisdictions": ["US"]}),  # a list that falls silent asks no more
        ({**DEGREES, "jurisdictions": ["US-IN", "CA"]}, {**DEGREES, "jurisdictions": ["US"]}),
        (
            {**DEGREES, "levels": [{"scheme": "EQF", "min": 4, "max": 7}]},
            {**DEGREES, "levels": [{"scheme": "EQF", "min": 4, "max": 6}]},
        ),
        ({**DEGREES, "delivery_modes": ["online"]}, {**DEGREES, "delivery_modes": ["in_person"]}),
        ({**DEGREES, "frameworks": [FRAMEWORK]}, {**DEGREES, "frameworks": ["https://other.example/framework"]}),
        ({**DEGREES, "credential_types": ["DegreeCredential"]}, DEGREES),  # makes a vague question answerable
        ({**IN_TWO, "inherit_to_narrower": True}, IN_TWO),
    ],
)
def test_a_scope_that_names_more_does_not_lie_within(new: dict[str, Any], old: dict[str, Any]) -> None:
    assert not scope.is_within(new, old)


QUESTIONS = st.fixed_dictionaries(
    {
        "achievement_types": st.just(()) | st.tuples(domain.achievement_types),
        "credential_types": st.sampled_from([(), ("DegreeCredential",), ("ClrCredential",)]),
        "framework": st.none() | st.just(FRAMEWORK),
        "jurisdiction": st.none() | domain.jurisdictions,
        "level": st.none() | st.tuples(st.just("EQF"), st.integers(0, 8)),
        "program": st.none() | st.just("nursing"),
    }
)


@given(domain.scopes, st.lists(st.sampled_from(sorted(domain.scope_axes))), QUESTIONS, st.data())
def test_scopes_compared_one_after_the_other_cover_what_each_covers_by_itself(
    first: dict[str, Any], changed: list[str], question: dict[str, Any], data: st.DataObject
) -> None:
    """Each differs from the one before on one axis; and the first one comes again at the end."""
    scopes = [first]
    for axis in changed:
        other = {name: value for name, value in scopes[-1].items() if name != axis}
        granted = data.draw(st.none() | domain.scope_axes[axis])
        scopes.append(other if granted is None else {**other, axis: granted})
    alike = scope.AlikeScopes(ask(**question))
    for each in (*scopes, first):
        assert alike.covers(each) == tuple(covers(each, ask(**question)))


@pytest.mark.no_cover
@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(domain.scopes, st.data())
def test_whatever_lies_within_an_older_scope_answers_no_question_better(
    old: dict[str, Any], data: st.DataObject
) -> None:
    """Every pair of scopes is judged, and of those that lie within, no answer is better on any axis."""
    new = dict(old)
    for axis in data.draw(st.lists(st.sampled_from(sorted(domain.scope_axes)), max_size=3, unique=True)):
        new[axis] = data.draw(domain.scope_axes[axis])
    if not scope.is_within(new, old):
        return
    question = {
        "achievement_types": data.draw(st.just(()) | st.tuples(domain.achievement_types)),
        "credential_types": data.draw(st.sampled_from([(), ("DegreeCredential",), ("ClrCredential",)])),
        "jurisdiction": data.draw(st.none() | domain.jurisdictions),
        "level": data.draw(st.none() | st.tuples(st.just("EQF"), st.integers(0, 8))),
        "competencies": data.draw(st.just(()) | st.tuples(domain.competency_ids)),
        "framework": data.draw(st.none() | st.just(FRAMEWORK)),
        "program": data.draw(st.none() | st.just("nursing")),
    }
    best = ("not_covered", "unknown", "open", "covered")
    before, after = outcomes(old, known, **question), outcomes(new, known, **question)
    for name, outcome in after.items():
        assert best.index(outcome) <= best.index(before.get(name, "covered")), name
    assert before.keys() <= after.keys(), "what the older scope leaves open, the newer does not close"
    assert scope.says_what(old, ask(**question)) or not scope.says_what(new, ask(**question))


# ------------------------------------------------------------------------------------------------ shape


@pytest.mark.no_cover
@SOME
@given(domain.scopes)
def test_every_scope_we_can_make_is_well_formed_and_can_be_said(granted: dict[str, Any]) -> None:
    scope.check_scope(granted, "body.scope")
    said = scope.sentence(granted, subject="Example College")
    assert said.startswith("Example College may issue ")
    assert said.endswith(".")


@pytest.mark.parametrize(
    ("granted", "where"),
    [
        ({}, "scope"),
        ({"jurisdictions": "*"}, "scope"),
        ({"achievement_types": []}, "scope.achievement_types"),
        ({"achievement_types": "all"}, "scope.achievement_types"),
        ({"achievement_type": ["Degree"]}, "scope"),
        ({"achievement_types": "*", "jurisdictions": ["us"]}, "scope.jurisdictions[0]"),
        ({"achievement_types": "*", "levels": [{"scheme": "EQF", "min": 6, "max": 5}]}, "scope.levels[0]"),
        (
            {"achievement_types": "*", "fields_of_study": [{"scheme": "cip", "code": "5"}]},
            "scope.fields_of_study[0].code",
        ),
        ({"competencies": ["HTTPS://Example.org/x"]}, "scope.competencies[0]"),
    ],
)
def test_a_slip_in_a_scope_is_refused_where_it_is(granted: dict[str, Any], where: str) -> None:
    with pytest.raises(DecodeError) as caught:
        scope.check_scope(granted, "scope")
    assert caught.value.where == where


@pytest.mark.parametrize("text", ["EQF", "EQF:", ":6", "EQF:99", "EQF:six", "EQF:٦"])
def test_a_level_is_a_scheme_and_a_number(text: str) -> None:
    with pytest.raises(DecodeError, match="EQF:6"):
        axes.parse_level(text)


def test_levels_and_fields_in_words() -> None:
    assert axes.parse_level("https://example.org/levels:3") == ("https://example.org/levels", 3)
    assert axes.parse_field("isced_f:0588") == ("isced_f", "0588")
    for wrong in ("cip:5", "cip", "ccc:51"):
        with pytest.raises(DecodeError, match="cip:51"):
            axes.parse_field(wrong)
    with pytest.raises(DecodeError):
        axes.check_jurisdiction(None, "x")


# ------------------------------------------------------------------------------------------------ in words


def test_a_scope_is_said_back_with_its_silences() -> None:
    granted = {
        "credential_types": "*",
        "achievement_types": ["AssociateDegree", "Certificate"],
        "competencies": [ZERO],
        "inherit_to_narrower": True,
        "programs": [{"id": "rn", "name": "Nursing"}],
        "fields_of_study": [{"scheme": "cip", "code": "51"}],
        "levels": [{"scheme": "EQF", "min": 4, "max": 5}, {"scheme": "SCQF", "min": 7, "max": 7}],
        "jurisdictions": ["US-IN"],
    }
    assert scope.sentence(granted) == (
        "The issuer may issue AssociateDegree and Certificate, as any type of credential, for the competencies "
        f"{ZERO} and all narrower ones, at EQF levels 4 to 5 and SCQF level 7, in the programmes Nursing, "
        "in the fields cip:51, in US-IN; nothing is granted for frameworks and modes of delivery."
    )
    everything = dict.fromkeys(domain.ANY_SCOPE | dict.fromkeys(scope._ANY, "*"), "*")
    assert "nothing is granted" not in scope.sentence(everything)
    assert scope.sentence({"frameworks": "*"}).startswith(
        "The issuer may issue credentials, for the competencies of any"
    )


@given(domain.scopes, st.data())
def test_more_granted_never_covers_less(granted: dict[str, Any], data: st.DataObject) -> None:
    axis = data.draw(st.sampled_from(sorted(granted)))
    wider = granted if axis == "inherit_to_narrower" else {**granted, axis: "*"}
    question = {
        "achievement_types": (data.draw(domain.achievement_types),),
        "jurisdiction": data.draw(domain.jurisdictions),
        "level": ("EQF", data.draw(st.integers(0, 8))),
        "competencies": (data.draw(domain.competency_ids),),
    }
    before, after = outcomes(granted, known, **question), outcomes(wider, known, **question)
    for name, outcome in before.items():
        if outcome == "covered":
            assert after[name] == "covered"
