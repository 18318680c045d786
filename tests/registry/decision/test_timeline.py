"""An accreditation's life: each day has one spell, which says what a credential of that day is worth today."""

from typing import Any

import pytest

from accredit.registry.decision.timeline import LAPSED, NOT_YET, occurrences, spells
from accredit.registry.decision.verdict import Verdict
from accredit.registry.domain.vocabulary import EVENTS, NARROWING_EVENTS
from tests.strategies.domain import ANY_SCOPE, EARLY, NOW, World, at

T, A, H, N = (
    Verdict.TRUSTED,
    Verdict.TRUSTED_WITH_ADVISORY,
    Verdict.TRUSTED_HISTORICAL,
    Verdict.NOT_TRUSTED,
)


@pytest.fixture
def world() -> World:
    return World()


def told(world: World, id: bytes, now: int = NOW) -> list[tuple[str, Verdict]]:
    return [(one.word, one.verdict) for one in spells(world.accreditation(id), now)]


def test_a_grant_alone_is_one_spell_from_its_first_day(world: World) -> None:
    id = world.grant(iat=EARLY, valid_from=at("2010-01-01"))
    (spell,) = spells(world.accreditation(id), NOW)
    assert (spell.begins, spell.ends, spell.word, spell.verdict) == (at("2010-01-01"), None, "active", T)


def test_what_ends_by_date_leaves_its_days_historical(world: World) -> None:
    id = world.grant(iat=EARLY, valid_from=at("2010-01-01"), valid_until=at("2020-01-01"))
    assert told(world, id) == [("active", H), ("expired", N)]
    assert told(world, id, at("2015-01-01")) == [("active", T), ("expired", N)], "what is announced is told ahead"


def test_days_before_the_terms_are_valid_and_of_which_only_the_year_is_known_are_not_yet(world: World) -> None:
    id = world.grant(iat=EARLY, valid_from=at("2010-01-01"), valid_from_precision="year")
    found = spells(world.accreditation(id), NOW)
    assert [(one.begins, one.word, one.verdict) for one in found] == [
        (at("2010-01-01"), NOT_YET, N),
        (at("2011-01-01"), "active", T),
    ]


def test_what_was_recorded_later_and_conditions_are_noted(world: World) -> None:
    late = world.grant(iat=at("2012-01-01"), valid_from=at("2010-01-01"))
    assert told(world, late) == [("active", A), ("active", T)]
    bound = world.grant(iat=EARLY, level="course", conditions=[{"text": "Report every year."}])
    assert told(world, bound) == [("active", A)]


def test_a_loss_makes_earlier_days_historical_and_a_reinstatement_gives_them_back(world: World) -> None:
    id = world.grant(iat=EARLY, valid_from=at("2010-01-01"))
    suspension = world.event(id, "suspend", "2020-01-01")
    assert told(world, id) == [("active", H), ("suspended", Verdict.SUSPENDED)]
    world.event(id, "reinstate", "2021-01-01", after=[suspension])
    assert told(world, id) == [("active", T), ("suspended", Verdict.SUSPENDED), ("active", T)]


def test_several_spells_of_one_grant_and_the_programmes_of_a_teach_out(world: World) -> None:
    id = world.grant(iat=EARLY, valid_from=at("2010-01-01"))
    first = world.event(id, "withdraw", "2012-01-01", reason_code="voluntary")
    again = world.event(id, "renew", "2014-01-01", after=[first])
    world.event(
        id,
        "teach_out",
        "2018-01-01",
        after=[again],
        effective_until=at("2022-01-01"),
        applies_to={"programs": ["nursing"]},
    )
    found = spells(world.accreditation(id), NOW)
    assert [(one.word, one.verdict, one.programs) for one in found] == [
        ("active", H, ()),
        ("withdrawn_voluntary", N, ()),
        ("active", H, ()),
        ("teach_out", H, ("nursing",)),
        ("expired", N, ()),
    ]


def test_a_revocation_that_reaches_back_takes_the_days_from_then_on(world: World) -> None:
    id = world.grant(iat=EARLY, valid_from=at("2010-01-01"))
    world.event(id, "revoke", "2022-01-01", void_from=at("2018-01-01"))
    found = spells(world.accreditation(id), NOW)
    assert [(one.begins, one.word, one.verdict) for one in found] == [
        (at("2010-01-01"), "active", H),
        (at("2018-01-01"), "revoked", N),
    ]


def test_what_was_said_is_told_in_the_order_in_which_it_counts(world: World) -> None:
    id = world.grant(iat=EARLY, valid_from=at("2010-01-01"))
    world.event(id, "suspend", "2020-01-01", reason_code="closure")
    world.amend(id, "2015-01-01", scope=ANY_SCOPE, iat=EARLY)
    found = occurrences(world.accreditation(id))
    assert [one.event for one in found] == ["granted", "amended", "suspend"]
    assert [one.effective for one in found] == [at("2010-01-01"), at("2015-01-01"), at("2020-01-01")]
    assert found[0].stated == EARLY
    assert found[2].members["reason_code"] == "closure"


def test_of_one_second_what_follows_is_told_after_what_it_follows(world: World) -> None:
    id = world.grant(iat=EARLY, valid_from=at("2010-01-01"))
    head, expected = b"", []
    for event in ("suspend", "appeal_open", "stay", "appeal_decide", "suspend", "lift"):
        head = world.event(id, event, "2020-01-01", after=[head] if head else [])
        expected.append(event)
    assert [one.event for one in occurrences(world.accreditation(id))] == ["granted", *expected]


FURTHER: dict[str, dict[str, Any]] = {
    "sanction": {"sanction_level": "probation"},
    "teach_out": {"applies_to": {"programs": ["nursing"]}},
    "supersede": {"successor": "did:web:next.example"},
    **{event: {"reason_code": "other", "reason_text": "so"} for event in ("withdraw", "revoke", "deny")},
}
"""What an event needs besides its date."""


@pytest.mark.parametrize("ended", EVENTS)
def test_each_event_is_shown_as_ended_by_what_takes_its_effect_and_by_nothing_else(world: World, ended: str) -> None:
    found = {}
    for day, by in enumerate(EVENTS):
        id = world.grant(iat=EARLY, valid_from=at("2010-01-01") + 86_400 * day)
        first = world.event(id, ended, "2020-01-01", after=[id], **FURTHER.get(ended, {}))
        world.event(id, by, "2021-01-01", after=[first], **FURTHER.get(by, {}))
        found[by] = id
    if ended in NARROWING_EVENTS:
        enders: tuple[str, ...] = ("lift", "reinstate", "renew", "annul")
    else:
        enders = {"stay": NARROWING_EVENTS, "appeal_open": ("appeal_decide",)}.get(ended, ())
    for by, id in found.items():
        _, told, after = occurrences(world.accreditation(id))
        assert after.ending is None
        assert told.ending == ((by, at("2021-01-01"), after.members["statement"]) if by in enders else None)


def test_the_first_end_counts_and_an_annulment_ends_only_what_it_names(world: World) -> None:
    id = world.grant(iat=EARLY, valid_from=at("2010-01-01"))
    warned = world.event(id, "sanction", "2020-01-01", sanction_level="warning", effective_until=at("2020-06-01"))
    suspended = world.event(id, "suspend", "2020-02-01", after=[warned])
    annulled = world.event(id, "annul", "2020-03-01", after=[suspended])
    world.event(id, "lift", "2020-07-01", after=[annulled])
    _, first, second, *_ = occurrences(world.accreditation(id))
    assert first.ending == (LAPSED, at("2020-06-01"), None)
    assert second.ending == ("annul", at("2020-03-01"), annulled)


def test_a_teach_out_does_not_lapse(world: World) -> None:
    id = world.grant(iat=EARLY, valid_from=at("2010-01-01"))
    world.event(id, "teach_out", "2018-01-01", effective_until=at("2022-01-01"), **FURTHER["teach_out"])
    assert occurrences(world.accreditation(id))[1].ending is None
