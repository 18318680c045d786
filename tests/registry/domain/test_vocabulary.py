"""The words of the domain, and the small notations they are written in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.registry.domain import vocabulary
from accredit.registry.domain.vocabulary import (
    ACHIEVEMENT_TYPES,
    EVENTS,
    ISSUER_CATEGORIES,
    STATUSES,
    check_achievement_type,
    credential_type_name,
    is_narrowing_event,
    status_of_event,
    with_ancestors,
)
from accredit.registry.encoding.rfc3339 import day, parse, text
from accredit.registry.errors import DecodeError
from accredit.registry.limits import TIME_MAX, TIME_MIN


def test_there_are_the_31_achievement_types_of_open_badges() -> None:
    assert len(ACHIEVEMENT_TYPES) == 31
    assert len(ISSUER_CATEGORIES) == 18


@pytest.mark.parametrize(
    ("narrow", "broad"),
    [
        ("AssociateDegree", "Degree"),
        ("ResearchDoctorate", "DoctoralDegree"),
        ("ResearchDoctorate", "Degree"),
        ("MasterCertificate", "Certificate"),
        ("GeneralEducationDevelopment", "Diploma"),
    ],
)
def test_a_broader_type_is_an_ancestor_and_never_the_other_way_round(narrow: str, broad: str) -> None:
    assert broad in with_ancestors(narrow)
    assert narrow not in with_ancestors(broad)


def test_the_base_type_is_nobodys_ancestor_so_naming_it_grants_nothing_else() -> None:
    assert [word for word in ACHIEVEMENT_TYPES if "Achievement" in with_ancestors(word)] == ["Achievement"]


def test_every_ancestor_is_a_known_type_and_its_ancestors_are_among_mine() -> None:
    for word in ACHIEVEMENT_TYPES:
        for ancestor in with_ancestors(word):
            assert set(with_ancestors(ancestor)) <= set(with_ancestors(word))
    assert with_ancestors("ext:Own") == ("ext:Own",)


def test_a_type_error_in_an_achievement_type_is_refused_with_a_suggestion() -> None:
    with pytest.raises(DecodeError, match="Did you mean BachelorDegree"):
        check_achievement_type("BachelorDegre", "body.x")
    with pytest.raises(DecodeError):
        check_achievement_type("ext:", "body.x")
    with pytest.raises(DecodeError):
        check_achievement_type(7, "body.x")
    check_achievement_type("ext:Own", "body.x")


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("https://purl.imsglobal.org/spec/vc/ob/vocab.html#AchievementCredential", "OpenBadgeCredential"),
        ("https://purl.imsglobal.org/spec/vc/clr/vocab.html#ClrCredential", "ClrCredential"),
        ("AchievementCredential", "OpenBadgeCredential"),
        ("https://evil.example/#OpenBadgeCredential", "https://evil.example/#OpenBadgeCredential"),
    ],
)
def test_only_the_known_vocabularies_shorten_a_credential_type(written: str, name: str) -> None:
    assert credential_type_name(written) == name


def test_every_event_is_either_narrowing_or_widening() -> None:
    narrowing = [event for event in EVENTS if is_narrowing_event({"event": event})]
    assert narrowing == list(vocabulary.NARROWING_EVENTS)
    assert set(EVENTS) - set(narrowing) == {
        "lift",
        "renew",
        "reinstate",
        "stay",
        "annul",
        "appeal_open",
        "appeal_decide",
    }


def test_every_narrowing_event_brings_a_status_of_the_table() -> None:
    for event in vocabulary.NARROWING_EVENTS:
        assert status_of_event({"event": event, "sanction_level": "probation"}) in STATUSES
    assert status_of_event({"event": "withdraw", "reason_code": "voluntary"}) == "withdrawn_voluntary"
    with pytest.raises(DecodeError, match="does not set a status"):
        status_of_event({"event": "lift"})


def test_the_ranking_is_that_of_the_design() -> None:
    order = "revoked denied withdrawn suspended teach_out show_cause probation warning conditional candidate active"
    ranks = [STATUSES[word].rank for word in order.split()]
    assert ranks == sorted(set(ranks))
    assert {STATUSES[word].rank for word in ("withdrawn", "closed", "superseded", "expired")} == {3}


@given(st.integers(TIME_MIN, TIME_MAX))
def test_times_read_back_as_written(time: int) -> None:
    assert parse(text(time)) == time
    assert text(time).startswith(day(time).removesuffix("Z"))


def test_a_time_beyond_the_calendar_is_shown_as_its_end() -> None:
    assert text(2**60) == "9999-12-31T23:59:59Z"
    assert day(-(2**60)) == "0001-01-01"


@pytest.mark.parametrize("written", ["2015-05-20", "2015-02-30T00:00:00Z", "٢٠١٥"])
def test_a_time_without_utc_or_of_no_calendar_is_refused(written: str) -> None:
    with pytest.raises(DecodeError, match=r"2015-05-20T00:00:00Z"):
        parse(written, where="context.time")
