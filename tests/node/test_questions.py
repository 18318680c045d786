"""One table of questions at every door: what one takes the others take for the same, and what one refuses they refuse.

The doors: `POST /v1/decisions`, TRQP's `POST /authorization`, and the options of the command line.
"""

from typing import Any

import msgspec
import pytest

from accredit.cli.verifying.query_options import QueryOptions
from accredit.cli.verifying.query_options import query_of as query_of_options
from accredit.node.questions import Question, query_from_trqp, query_of
from accredit.registry.decision.query import Query
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.encoding.rfc3339 import instant
from accredit.registry.errors import DecodeError
from tests.strategies.domain import COLLEGE, ECOSYSTEM, FRAMEWORK, K1

_OPTIONS = ("authority", "action", "framework", "jurisdiction", "level", "program", "field_of_study", "delivery_mode")
JWK = "did:jwk:" + "e" * 960


def by_decisions(members: dict[str, Any]) -> Query:
    return query_of(msgspec.convert({"issuer": COLLEGE, **members}, Question), ECOSYSTEM)


def by_trqp(members: dict[str, Any]) -> Query:
    asked = {"issuer": COLLEGE, **members}
    entity, context = asked.pop("issuer"), {}
    entity = asked.pop("entity", entity)
    for name, value in asked.items():
        context["time" if name == "issued_on" else name] = value
    # TRQP always names a resource; the same question names it everywhere.
    return query_from_trqp(entity, ECOSYSTEM, "issue", "achievementType:Badge", context, ECOSYSTEM)


def by_options(members: dict[str, Any]) -> Query:
    asked = {"issuer": COLLEGE, **members}
    wanted = [f"achievementType:{one}" for one in _several(asked, "achievement_type", "achievement_types")]
    wanted += [f"credentialType:{one}" for one in _several(asked, "credential_type", "credential_types")]
    axes = dict.fromkeys((*_OPTIONS, "key")) | {name: asked[name] for name in (*_OPTIONS, "key") if name in asked}
    competencies = tuple(_several(asked, "competency", "competencies"))
    when = asked.get("issued_on", asked.get("time"))
    options = QueryOptions(wanted=tuple(wanted), on=when, competencies=competencies, axes=axes)
    return query_of_options(options.question(asked.get("entity", asked["issuer"])), ECOSYSTEM)


def _several(members: dict[str, Any], *names: str) -> list[str]:
    values = [members[name] for name in names if name in members]
    return [one for value in values for one in (value if isinstance(value, list) else [value])]


GOOD: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"issuer": f"{COLLEGE}#key-1"}, {}),
    ({"issuer": JWK}, {"entity": JWK}),
    ({"issued_on": "2019-07-01T02:00:00Z"}, {"time": instant("2019-07-01T02:00:00Z")}),
    ({"issued_on": "2019-07-01T02:00:00+00:00"}, {"time": instant("2019-07-01T02:00:00Z")}),
    ({"issued_on": "2016-12-31T23:59:60Z"}, {"time": instant("2016-12-31T23:59:59Z")}),
    ({"jurisdiction": "US-IN"}, {"jurisdiction": "US-IN"}),
    ({"jurisdiction": "GB"}, {"jurisdiction": "GB"}),
    ({"level": "EQF:6"}, {"level": ("EQF", 6)}),
    ({"field_of_study": "cip:51"}, {"field_of_study": ("cip", "51")}),
    ({"framework": "HTTPS://Skills.example/framework"}, {"framework": FRAMEWORK}),
    ({"competency": f"{FRAMEWORK}/1"}, {"competencies": (f"{FRAMEWORK}/1",)}),
    ({"program": "nursing", "delivery_mode": "online", "key": K1},
     {"program": "nursing", "delivery_mode": "online", "key": K1}),
    ({"credential_type": "OpenBadgeCredential"}, {"credential_types": ("OpenBadgeCredential",)}),
    ({"achievement_types": ["Badge", "ext:Own"]}, {"achievement_types": ("Badge", "ext:Own")}),
]  # fmt: skip

BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"issuer": "college"}, "identifier_scheme", ""),
    ({"issuer": "urn:isbn:college"}, "identifier_scheme", "DID"),
    ({"issued_on": "May"}, "bad_time", "2015-05-20"),
    ({"issued_on": "2019-02-30T00:00:00Z"}, "bad_time", "2015-05-20"),
    ({"achievement_type": "BachelorsDegree"}, "unknown_achievement_type", "Did you mean BachelorDegree?"),
    ({"achievement_type": "Bachelor's degree"}, "unknown_achievement_type", "Did you mean BachelorDegree?"),
    ({"achievement_type": "Xyzzy"}, "unknown_achievement_type", "ext:NAME"),
    ({"jurisdiction": "UK"}, "unknown_place", "Did you mean GB?"),
    ({"jurisdiction": "US-ZZ"}, "unknown_place", "ISO code"),
    ({"jurisdiction": "US-INDIANA"}, "unknown_place", "Did you mean US-IN?"),
    ({"jurisdiction": "Germany"}, "unknown_place", "Did you mean DE?"),
    ({"jurisdiction": "us-in"}, "unknown_place", "Did you mean US-IN?"),
    ({"jurisdiction": "US-CA, MX"}, "unknown_place", "one code at a time"),
    ({"level": "six"}, "bad_level", "EQF:6"),
    ({"field_of_study": "nursing"}, "bad_field", "cip:51"),
    ({"level": "EFQ:6"}, "unknown_level", "Did you mean EQF?"),
    ({"level": "EQF:9"}, "unknown_level", "EQF:8"),
    ({"field_of_study": "cip:77"}, "unknown_field", "01 to 61"),
    ({"field_of_study": "isced_f:0918"}, "unknown_field", "0911"),
    ({"competency": "no uri"}, "identifier_character", ""),
    ({"framework": "no-uri"}, "identifier_scheme", ""),
]


@pytest.mark.parametrize(("asked", "meant"), GOOD, ids=lambda value: str(value)[:40])
def test_a_question_means_the_same_at_every_door(asked: dict[str, Any], meant: dict[str, Any]) -> None:
    query = Query(**{"entity": COLLEGE, "authority": ECOSYSTEM, **meant})
    assert by_decisions(asked) == query
    assert by_options(asked) == query
    trqp = by_trqp(asked)
    types = tuple(dict.fromkeys(("Badge", *query.achievement_types)))
    assert trqp == query._replace(achievement_types=types)


@pytest.mark.parametrize(("asked", "code", "hint"), BAD, ids=lambda value: str(value)[:40])
def test_a_word_that_nobody_knows_is_refused_at_every_door_for_the_same_reason(
    asked: dict[str, Any], code: str, hint: str
) -> None:
    for door in (by_decisions, by_trqp, by_options):
        with pytest.raises(DecodeError) as refused:
            door(asked)
        assert refused.value.code == code, door
        assert hint in refused.value.hint, door
        assert refused.value.hint, door
        assert refused.value.message.count(f"{refused.value.where}: ") <= 1, "the place is named once"
        assert ": " not in refused.value.message.partition(": ")[2], door


def test_offsets_are_taken_everywhere_but_in_trqp_whose_own_rule_is_utc() -> None:
    asked = {"issued_on": "2019-07-01T02:00:00+02:00"}
    assert by_decisions(asked).time == by_options(asked).time == instant("2019-07-01T00:00:00Z")
    with pytest.raises(DecodeError) as refused:
        by_trqp(asked)
    assert "2019-07-01T00:00:00Z" in refused.value.hint


def test_the_issuer_of_a_credential_may_be_an_object_and_null_is_as_if_absent() -> None:
    asked = {"issuer": {"id": COLLEGE, "name": "College", "type": ["Profile"]}, "level": None, "key": None}
    assert by_decisions(asked) == Query(entity=COLLEGE, authority=ECOSYSTEM)


# ------------------------------------------------------------------------------------------------ TRQP


def trqp(resource: str, **context: Any) -> Query:
    return query_from_trqp(COLLEGE, ECOSYSTEM, "issue", resource, context, ECOSYSTEM)


@pytest.mark.parametrize(
    ("resource", "members"),
    [
        ("BachelorDegree", {"achievement_types": ("BachelorDegree",)}),
        ("ext:Own", {"achievement_types": ("ext:Own",)}),
        ("achievementType:Certification", {"achievement_types": ("Certification",)}),
        ("credentialType:Certification", {"credential_types": ("Certification",)}),
        ("UniversityDegreeCredential", {"credential_types": ("UniversityDegreeCredential",)}),
        ("https://x.example/v#T", {"credential_types": ("https://x.example/v#T",)}),
        ("HTTPS://Skills.example/framework", {"resource": "HTTPS://Skills.example/framework"}),
        (f"framework:{FRAMEWORK}", {"framework": FRAMEWORK}),
        (f"competency:{FRAMEWORK}/1", {"competencies": (f"{FRAMEWORK}/1",)}),
    ],
)
def test_a_trqp_resource_is_read_by_its_prefix_or_its_form(resource: str, members: dict[str, Any]) -> None:
    expected: dict[str, Any] = {name: FRAMEWORK if name == "resource" else value for name, value in members.items()}
    assert trqp(resource) == Query(entity=COLLEGE, authority=ECOSYSTEM, **expected)


@pytest.mark.parametrize("word", ["BachelorsDegree", "degree", "Xyzzy", "achievementType:BachelorsDegree"])
def test_a_trqp_resource_that_nobody_knows_is_no_no(word: str) -> None:
    with pytest.raises(DecodeError) as refused:
        trqp(word)
    assert refused.value.where == "resource"
    assert refused.value.code in ("unknown_word", "unknown_achievement_type")


def test_a_trqp_context_fills_in_the_rest_and_unknown_members_are_ignored_whatever_they_hold() -> None:
    query = trqp(
        "Badge",
        achievement_types=["Badge", "Course"],
        achievement_type="Award",
        credential_type="OpenBadgeCredential",
        competency=f"{FRAMEWORK}/1",
        framework=FRAMEWORK,
        locator={"anything": 1},
        assurance_levels=["LOA3"],
        tenant=None,
        jurisdiction=None,
    )
    assert query == Query(
        entity=COLLEGE,
        authority=ECOSYSTEM,
        achievement_types=("Badge", "Course", "Award"),
        credential_types=("OpenBadgeCredential",),
        competencies=(CanonicalId(f"{FRAMEWORK}/1"),),
        framework=FRAMEWORK,
    )


@pytest.mark.parametrize(
    ("context", "where"),
    [
        ({"time": "2015-05-20"}, "context.time"),
        ({"time": 5}, "context.time"),
        ({"level": 6}, "context.level"),
        ({"achievement_types": ["Badge"] * 30 + [f"ext:{n}" for n in range(60)]}, "context.achievement_types"),
        ({"achievement_type": [7]}, "context.achievement_types[1]"),
        ({"competencies": ["no uri"]}, "context.competencies"),
        ({"program": ""}, "context.program"),
    ],
)
def test_a_malformed_trqp_request_is_refused_where_it_is(context: dict[str, Any], where: str) -> None:
    with pytest.raises(DecodeError) as refused:
        trqp("Badge", **context)
    assert refused.value.where == where


def test_a_trqp_request_without_an_entity_or_with_nonsense_for_a_framework_is_refused() -> None:
    with pytest.raises(DecodeError, match="entity_id"):
        query_from_trqp("", ECOSYSTEM, "issue", "Badge", None, ECOSYSTEM)
    with pytest.raises(DecodeError, match="resource"):
        trqp("framework:nonsense")
    with pytest.raises(DecodeError, match="resource"):
        trqp("competency:nonsense")


def test_what_was_asked_about_another_is_not_answered_for_this_one() -> None:
    """Questions that differ in the entity alone are read once."""
    first = query_from_trqp(COLLEGE, ECOSYSTEM, "issue", "achievementType:Badge", None, ECOSYSTEM)
    other = query_from_trqp("did:web:other.example#key-1", ECOSYSTEM, "issue", "achievementType:Badge", {}, ECOSYSTEM)
    again = query_from_trqp(COLLEGE, ECOSYSTEM, "issue", "achievementType:Badge", {"nonsense": 1}, ECOSYSTEM)
    assert first == again
    assert (first.entity, other.entity) == (COLLEGE, "did:web:other.example")
    assert other._replace(entity=COLLEGE) == first
    degree = query_from_trqp(COLLEGE, ECOSYSTEM, "issue", "achievementType:Degree", None, ECOSYSTEM)
    assert degree.achievement_types == ("Degree",)


@pytest.mark.parametrize(
    ("entity", "resource", "where"),
    [("not an id", "Badge", "entity_id"), ("did:web:a b", "Badge", "entity_id"), (COLLEGE, "Bagde", "resource")],
)
def test_what_is_not_understood_is_named_however_often_it_is_asked(entity: str, resource: str, where: str) -> None:
    for _ in range(2):
        with pytest.raises(DecodeError) as refused:
            query_from_trqp(entity, ECOSYSTEM, "issue", resource, None, ECOSYSTEM)
        assert refused.value.where == where
