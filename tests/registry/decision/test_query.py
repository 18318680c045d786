"""How a TRQP request becomes a query."""

from typing import Any

import pytest

from accredit.registry.decision.decide import Query, query_from_trqp
from accredit.registry.errors import DecodeError
from tests.strategies.domain import (
    COLLEGE,
    ECOSYSTEM,
    FRAMEWORK,
    K1,
    at,
)

# ------------------------------------------------------------------------------------------------ TRQP


def trqp(resource: str, **context: Any) -> Query:
    return query_from_trqp(COLLEGE, ECOSYSTEM, "issue", resource, context)


@pytest.mark.parametrize(
    ("resource", "members"),
    [
        ("BachelorDegree", {"achievement_types": ("BachelorDegree",)}),
        ("ext:Own", {"achievement_types": ("ext:Own",)}),
        ("achievementType:Certification", {"achievement_types": ("Certification",)}),
        ("credentialType:Certification", {"credential_types": ("Certification",)}),
        ("UniversityDegreeCredential", {"credential_types": ("UniversityDegreeCredential",)}),
        ("https://x.example/v#T", {"credential_types": ("https://x.example/v#T",)}),
        ("HTTPS://Skills.example/framework", {"resource": FRAMEWORK}),
        (f"framework:{FRAMEWORK}", {"framework": FRAMEWORK}),
        (f"competency:{FRAMEWORK}/1", {"competencies": (f"{FRAMEWORK}/1",)}),
    ],
)
def test_a_trqp_resource_is_read_by_its_prefix_or_its_form(resource: str, members: dict[str, Any]) -> None:
    assert trqp(resource) == Query(entity=COLLEGE, authority=ECOSYSTEM, **members)


def test_a_trqp_context_fills_in_the_rest_and_unknown_members_are_ignored() -> None:
    query = query_from_trqp(
        COLLEGE,
        ECOSYSTEM,
        "issue",
        "Badge",
        {
            "time": "2015-05-20T00:00:00Z",
            "achievement_types": ["Badge", "Course"],
            "credential_type": "OpenBadgeCredential",
            "competency": f"{FRAMEWORK}/1",
            "framework": FRAMEWORK,
            "level": "EQF:6",
            "jurisdiction": "US-IN",
            "program": "nursing",
            "field_of_study": "cip:51",
            "delivery_mode": "online",
            "key": K1,
            "locator": {"anything": 1},
        },
    )
    assert query == Query(
        entity=COLLEGE,
        authority=ECOSYSTEM,
        time=at("2015-05-20"),
        achievement_types=("Badge", "Badge", "Course"),
        credential_types=("OpenBadgeCredential",),
        competencies=(f"{FRAMEWORK}/1",),
        framework=FRAMEWORK,
        level=("EQF", 6),
        jurisdiction="US-IN",
        program="nursing",
        field_of_study=("cip", "51"),
        delivery_mode="online",
        key=K1,
    )


@pytest.mark.parametrize(
    ("context", "where"),
    [
        ({"time": "2015-05-20"}, "context.time"),
        ({"time": 5}, "context.time"),
        ({"level": "six"}, "context.level"),
        ({"field_of_study": "51"}, "context.field_of_study"),
        ({"jurisdiction": "Indiana"}, "context.jurisdiction"),
        ({"competencies": ["no uri"]}, "context.competencies"),
        ({"achievement_types": ["A"] * 401}, "context.achievement_types"),
        ({"achievement_type": [7]}, "context.achievement_type"),
        ({"program": ""}, "context.program"),
    ],
)
def test_a_malformed_trqp_request_is_refused_where_it_is(context: dict[str, Any], where: str) -> None:
    with pytest.raises(DecodeError) as caught:
        trqp("Badge", **context)
    assert caught.value.where == where


def test_a_trqp_request_without_an_entity_is_refused() -> None:
    with pytest.raises(DecodeError, match="entity_id"):
        query_from_trqp("", ECOSYSTEM, "issue", "Badge")
    with pytest.raises(DecodeError, match="resource"):
        query_from_trqp(COLLEGE, ECOSYSTEM, "issue", "framework:nonsense")
