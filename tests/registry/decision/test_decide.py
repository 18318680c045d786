"""Decisions: every row of the status table, when and what is asked; the answer's properties."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.registry.decision.decide import AUTHORIZED, Query, Verdict, decide, decide_recognition
from accredit.registry.domain.records import MemoryRecords
from tests.strategies import domain
from tests.strategies.domain import (
    ALIAS,
    COLLEGE,
    EARLY,
    ECOSYSTEM,
    FRAMEWORK,
    HLC,
    K1,
    NOW,
    STATE,
    World,
    ask,
    at,
    codes,
    key_text,
    shuffled,
)
from tests.strategies.searching import examples


@pytest.fixture
def world() -> World:
    return World()


# ------------------------------------------------------------------------------------------------ the status table


@pytest.mark.parametrize("initial", ["active", "candidate", "conditional"])
def test_newly_issued_under_an_initial_status(world: World, initial: str) -> None:
    world.grant(initial_status=initial, iat=EARLY)
    decision = ask(world, "2020-01-01")
    if initial == "active":
        assert (decision.verdict, codes(decision)) == (Verdict.TRUSTED, ["accredited"])
    else:
        assert decision.verdict is Verdict.TRUSTED_WITH_ADVISORY
        assert codes(decision) == ["accredited", f"status_{initial}"]


ADVISORY = [
    ("condition", {}, "conditional"),
    ("sanction", {"sanction_level": "warning"}, "warning"),
    ("sanction", {"sanction_level": "probation"}, "probation"),
    ("sanction", {"sanction_level": "show_cause"}, "show_cause"),
]
LOST = [
    ("expire", {}, "expired"),
    ("withdraw", {}, "withdrawn"),
    ("withdraw", {"reason_code": "voluntary"}, "withdrawn_voluntary"),
    ("close", {}, "closed"),
    ("supersede", {}, "superseded"),
    ("deny", {}, "denied"),
    ("revoke", {}, "revoked"),
]


@pytest.mark.parametrize(("event", "members", "word"), ADVISORY)
def test_a_sanctioned_college_is_trusted_with_advice_and_its_earlier_degrees_without(
    world: World, event: str, members: Any, word: str
) -> None:
    world.event(world.grant(iat=EARLY), event, "2020-01-01", **members)
    now = ask(world)
    assert (now.verdict, codes(now)) == (Verdict.TRUSTED_WITH_ADVISORY, ["accredited", f"status_{word}"])
    earlier = ask(world, "2019-01-01")
    assert (earlier.verdict, codes(earlier)) == (Verdict.TRUSTED, ["accredited"])


@pytest.mark.parametrize(("event", "members", "word"), LOST)
def test_loss_is_not_retroactive(world: World, event: str, members: Any, word: str) -> None:
    world.event(world.grant(iat=EARLY), event, "2020-01-01", **members)
    for on in (None, "2020-01-01", "2021-01-01"):
        after = ask(world, on)
        assert (after.verdict, codes(after)) == (Verdict.NOT_TRUSTED, [f"status_{word}"])
        assert not after.authorized
    before = ask(world, "2019-12-31")
    assert before.verdict is Verdict.TRUSTED_HISTORICAL
    assert before.authorized
    assert codes(before) == [f"later_{word}", "accredited", "issuance_date_self_asserted"]


def test_who_asks_without_a_date_about_a_lost_accreditation_is_told_to_ask_with_one(world: World) -> None:
    world.event(world.grant(iat=EARLY), "withdraw", "2020-01-01")
    assert (
        "Its status was another until 2020-01-01: for a credential issued before then, ask with its date of issue."
        in ask(world).reasons[0].text
    )


def test_a_suspended_college_is_suspended_and_its_earlier_degrees_historical_with_advice(world: World) -> None:
    world.event(world.grant(iat=EARLY), "suspend", "2020-01-01", reason_code="financial_instability")
    now = ask(world)
    assert (now.verdict, codes(now)) == (Verdict.SUSPENDED, ["status_suspended"])
    assert "Reason: financial instability." in now.reasons[0].text
    earlier = ask(world, "2019-01-01")
    assert earlier.verdict is Verdict.TRUSTED_HISTORICAL
    assert codes(earlier) == ["later_suspended", "accredited", "suspended_now", "issuance_date_self_asserted"]


def test_what_was_issued_during_a_suspension_since_lifted_is_not_authorized(world: World) -> None:
    id = world.grant(iat=EARLY)
    suspension = world.event(id, "suspend", "2020-01-01")
    world.event(id, "lift", "2021-01-01", after=[suspension])
    assert ask(world, "2020-06-01").verdict is Verdict.SUSPENDED
    assert ask(world, "2019-06-01").verdict is Verdict.TRUSTED
    assert ask(world).verdict is Verdict.TRUSTED


def test_an_expired_accreditation(world: World) -> None:
    world.grant(iat=EARLY, valid_until=at("2020-01-01"))
    assert codes(ask(world)) == ["status_expired"]
    before = ask(world, "2019-01-01")
    assert (before.verdict, codes(before)[0]) == (Verdict.TRUSTED_HISTORICAL, "later_expired")


def test_a_fraud_is_void_from_its_date_on_and_good_before(world: World) -> None:
    world.event(
        world.grant(iat=EARLY), "revoke", "2022-01-01", void_from=at("2018-01-01"), reason_text="Degrees were sold."
    )
    for on in (None, "2018-01-01", "2019-06-01"):
        decision = ask(world, on)
        assert (decision.verdict, codes(decision)) == (Verdict.NOT_TRUSTED, ["status_revoked"])
        assert decision.reasons[0].text.endswith("Degrees were sold.")
    assert ask(world, "2017-12-31").verdict is Verdict.TRUSTED_HISTORICAL


def test_a_revocation_of_tomorrow_does_not_reach_back_today(world: World) -> None:
    world.event(world.grant(iat=EARLY), "revoke", "2026-06-02", void_from=at("2018-01-01"))
    decision = ask(world)
    assert decision.verdict is Verdict.TRUSTED
    assert decision.valid_until == at("2026-06-02")


def test_a_teach_out_covers_the_listed_programmes_and_no_others(world: World) -> None:
    world.event(world.grant(iat=EARLY, scope={**domain.ANY_SCOPE, "programs": "*"}), "teach_out", "2020-01-01")
    listed = ask(world, program="nursing")
    assert (listed.verdict, codes(listed)) == (Verdict.TRUSTED_WITH_ADVISORY, ["accredited", "status_teach_out"])
    assert codes(ask(world, program="law")) == ["teach_out_not_covered"]
    unsaid = ask(world)
    assert (unsaid.verdict, codes(unsaid)) == (Verdict.INDETERMINATE, ["program_needed"])
    assert ask(world, "2021-01-01", program="nursing").verdict is Verdict.TRUSTED_WITH_ADVISORY
    before = ask(world, "2019-01-01", program="law")
    assert (before.verdict, codes(before)[0]) == (Verdict.TRUSTED_HISTORICAL, "later_teach_out")


def test_a_teach_out_of_programmes_for_a_cohort_checks_the_programme_and_says_that_the_cohort_was_not(
    world: World,
) -> None:
    applies_to = {"programs": ["nursing"], "cohorts_enrolled_before": at("2019-09-01")}
    id = world.grant(iat=EARLY, scope={**domain.ANY_SCOPE, "programs": "*"})
    world.event(id, "teach_out", "2020-01-01", applies_to=applies_to)
    for program, verdict in (("nursing", Verdict.TRUSTED_WITH_ADVISORY), ("law", Verdict.NOT_TRUSTED)):
        decision = ask(world, program=program)
        assert (decision.verdict, "cohort" in decision.unchecked) == (verdict, True)


def test_a_teach_out_of_a_cohort_says_that_the_cohort_was_not_checked(world: World) -> None:
    world.event(
        world.grant(iat=EARLY), "teach_out", "2020-01-01", applies_to={"cohorts_enrolled_before": at("2019-09-01")}
    )
    decision = ask(world)
    assert decision.verdict is Verdict.TRUSTED_WITH_ADVISORY
    assert "cohort" in decision.unchecked


def test_while_an_appeal_stays_a_withdrawal_it_is_as_before(world: World) -> None:
    id = world.grant(iat=EARLY)
    withdrawal = world.event(id, "withdraw", "2020-01-01")
    world.event(id, "stay", "2020-02-01", after=[withdrawal])
    decision = ask(world)
    assert (decision.verdict, codes(decision)) == (Verdict.TRUSTED_WITH_ADVISORY, ["accredited", "stayed"])


def test_an_answer_during_a_stay_says_that_the_suspension_is_back(world: World) -> None:
    id = world.grant(iat=EARLY)
    suspension = world.event(id, "suspend", "2020-01-01")
    world.event(id, "stay", "2020-02-01", after=[suspension], effective_until=at("2020-03-01"))
    decision = ask(world, "2020-02-15")
    assert decision.verdict is Verdict.TRUSTED_HISTORICAL
    assert codes(decision)[0] == "later_suspended"


def test_an_appeal_and_a_successor_are_mentioned(world: World) -> None:
    id = world.grant(iat=EARLY)
    end = world.event(id, "supersede", "2020-01-01")
    assert "Its successor is did:web:successor.example." in ask(world).reasons[0].text
    world.event(id, "appeal_open", "2020-02-01", after=[end])
    assert "An appeal is open." in ask(world).reasons[0].text


# ------------------------------------------------------------------------------------------------ who and when


def test_an_unknown_issuer_is_told_where_to_apply(world: World) -> None:
    decision = ask(world)
    assert (decision.verdict, codes(decision)) == (Verdict.UNKNOWN_ISSUER, ["unknown_issuer"])
    assert "https://hlc.example/apply" in decision.reasons[0].text
    assert "apply" not in ask(world, authority=STATE).reasons[0].text


def test_a_registered_college_without_accreditation_is_known_and_not_trusted(world: World) -> None:
    world.register()
    decision = ask(world)
    assert (decision.verdict, codes(decision)) == (Verdict.NOT_TRUSTED, ["no_accreditation"])
    assert (decision.issuer, decision.issuer_name) == (COLLEGE, "Example College")


def test_an_ecosystem_spelled_otherwise_is_not_taken_for_an_authority_that_nobody_knows(world: World) -> None:
    world.register()
    world.grant()
    asked = Query(entity=COLLEGE, authority="HTTPS://Ecosystem.example:443", achievement_types=("Degree",))
    assert decide(asked, world.records(), NOW, ecosystem_id=ECOSYSTEM).verdict is Verdict.TRUSTED


def test_a_fragment_and_another_spelling_name_the_same_issuer(world: World) -> None:
    world.grant(iat=EARLY)
    assert ask(world, entity="DID:WEB:College.Example#key-1").verdict is Verdict.TRUSTED


def test_what_is_no_identifier_cannot_be_answered(world: World) -> None:
    for entity in ("", "Example College", "#", "did:web:x y"):
        decision = ask(world, entity=entity)
        assert (decision.verdict, codes(decision)) == (Verdict.INDETERMINATE, ["bad_identifier"])
    assert codes(ask(world, authority="nonsense")) == ["bad_identifier"]


def test_before_and_at_its_first_day(world: World) -> None:
    world.grant(iat=EARLY)
    before = ask(world, "2009-12-31")
    assert (before.verdict, codes(before)) == (Verdict.NOT_TRUSTED, ["not_yet_valid"])
    assert ask(world, "2010-01-01").verdict is Verdict.TRUSTED


def test_nobody_knows_the_future(world: World) -> None:
    world.grant(iat=EARLY)
    decision = ask(world, "2026-06-02")
    assert (decision.verdict, codes(decision)) == (Verdict.INDETERMINATE, ["future_time"])


def test_a_question_stamped_by_a_clock_somewhat_ahead_is_about_now(world: World) -> None:
    world.grant(iat=EARLY)
    assert ask(world, "2026-06-01T00:05:00Z").verdict is Verdict.TRUSTED
    assert codes(ask(world, "2026-06-01T00:05:01Z")) == ["future_time"]


def test_without_a_charter_or_with_an_unheard_authority_or_action_there_is_no_answer(world: World) -> None:
    world.grant(iat=EARLY)
    assert codes(ask(world, records=MemoryRecords())) == ["no_charter"]
    assert codes(ask(world, authority="did:web:stranger.example")) == ["unknown_authority"]
    assert codes(ask(world, action="teach")) == ["unknown_action"]


def test_an_answer_for_one_authority_looks_at_its_own_branch_only(world: World) -> None:
    world.grant(iat=EARLY)
    assert ask(world, authority=HLC).verdict is Verdict.TRUSTED
    assert ask(world, authority="DID:web:HLC.example").verdict is Verdict.TRUSTED
    other = ask(world, authority=STATE)
    assert (other.verdict, codes(other)) == (Verdict.NOT_TRUSTED, ["not_by_this_authority"])


def test_a_degree_of_2019_in_a_registry_that_began_in_2026_says_when_it_was_recorded(world: World) -> None:
    world.grant(iat=at("2026-01-02"))
    decision = ask(world, "2019-06-01")
    assert (decision.verdict, codes(decision)) == (Verdict.TRUSTED_WITH_ADVISORY, ["accredited", "recorded_later"])
    assert "2010-01-01" in decision.reasons[1].text
    assert "2026-01-02" in decision.reasons[1].text
    assert ask(world).verdict is Verdict.TRUSTED


@pytest.mark.parametrize(
    ("precision", "start", "last", "first", "words"),
    [
        ("year", "1987-01-01", "1987-12-31", "1988-01-01", "about 1987"),
        ("month", "1987-05-01", "1987-05-31", "1987-06-01", "about 1987-05"),
        ("month", "1987-12-01", "1987-12-31", "1988-01-01", "about 1987-12"),
    ],
)
def test_a_beginning_known_to_its_year_is_never_reckoned_to_the_day(
    world: World, precision: str, start: str, last: str, first: str, words: str
) -> None:
    known: dict[str, Any] = {"valid_from": at(start), "valid_from_precision": precision}
    world.grant(iat=at(start), initial_status="candidate", **known)
    for on in (start, last):
        within = ask(world, on)
        assert (within.verdict, codes(within)) == (Verdict.INDETERMINATE, ["start_approximate"])
        assert within.reasons[0].text.startswith(f"It began {words}, and no record says on which day")
    after = ask(world, first)
    assert after.verdict is Verdict.TRUSTED_WITH_ADVISORY
    assert after.reasons[0].text.endswith(f"from {words} on.")
    assert after.reasons[1].text == f"Its status on {first} was candidate, since {words}."
    before = ask(world, "1986-12-31")
    assert (before.verdict, before.reasons[0].text) == (Verdict.NOT_TRUSTED, f"It is valid from {words}.")


def test_a_beginning_known_to_its_year_is_told_so_when_it_was_recorded_later(world: World) -> None:
    world.grant(iat=at("2026-01-02"), valid_from=at("1987-01-01"), valid_from_precision="year")
    assert ask(world, "1990-01-01").reasons[1].text == "Valid from about 1987; recorded on 2026-01-02."


def test_who_asks_about_a_day_is_told_of_the_accreditation_that_stood_nearest_to_it(world: World) -> None:
    """Whoever asks about 2019 is not told of 2012, nor of what had not begun."""
    world.grant(iat=EARLY, valid_until=at("2012-01-01"))
    world.event(world.grant(iat=EARLY), "withdraw", "2018-01-01")
    world.grant(iat=EARLY, valid_from=at("2024-01-01"))
    assert codes(ask(world, "2018-06-01")) == ["status_withdrawn"]
    world.grant(iat=EARLY, scope={"achievement_types": ["Badge"], "credential_types": "*"})
    assert codes(ask(world, "2023-12-31")) == ["status_withdrawn"]


def test_of_what_never_stood_nobody_is_told_to_ask_with_an_earlier_date(world: World) -> None:
    world.event(world.grant(iat=EARLY, initial_status="candidate"), "deny", "2010-01-01")
    assert "Its status was another" not in ask(world).reasons[0].text


def test_a_charter_caps_how_far_a_grant_reaches_back() -> None:
    world = World(max_backdating=86_400)
    world.grant(iat=at("2026-01-02"))
    decision = ask(world, "2019-06-01")
    assert (decision.verdict, codes(decision)) == (Verdict.NOT_TRUSTED, ["before_backdating_limit"])
    assert ask(world, "2026-01-01").verdict is Verdict.TRUSTED_WITH_ADVISORY


# ------------------------------------------------------------------------------------------------ dated ahead

FAR = at("9999-01-01")
AHEAD = at("2027-01-01")


@pytest.mark.parametrize("cap", [{}, {"max_backdating": 86_400}])
def test_a_grant_dated_ahead_takes_effect_when_its_date_is_reached_and_the_answer_says_so(cap: dict[str, int]) -> None:
    world = World(**cap)
    world.grant(iat=AHEAD)
    decision = ask(world)
    assert (decision.verdict, codes(decision)) == (Verdict.NOT_TRUSTED, ["dated_ahead"])
    assert "is dated 2027-01-01 and takes effect on that day" in decision.reasons[0].text
    assert decision.valid_until == AHEAD
    assert ask(world, now=AHEAD - 301).verdict is Verdict.NOT_TRUSTED
    assert ask(world, now=AHEAD - 300).verdict in AUTHORIZED, "clocks differ by minutes"


def test_a_date_in_the_year_9999_takes_nothing_from_what_others_have_said(world: World) -> None:
    world.grant(iat=EARLY)
    world.grant(iat=FAR)
    decision = ask(world)
    assert (decision.verdict, [one.code for one in decision.others]) == (Verdict.TRUSTED, ["dated_ahead"])


def test_a_suspension_by_a_clock_that_is_ahead_counts_at_once(world: World) -> None:
    id = world.grant(iat=EARLY)
    world.say("accreditation.status", domain.status_body(id, "suspend", "2027-01-01"), iat=AHEAD)
    assert ask(world).verdict is Verdict.SUSPENDED
    assert ask(world, "2026-05-01").verdict is Verdict.TRUSTED_HISTORICAL


def test_an_amendment_dated_ahead_takes_away_at_once_and_gives_nothing_before_its_date(world: World) -> None:
    DEGREES = {**domain.ANY_SCOPE, "achievement_types": ["BachelorDegree"], "jurisdictions": ["US"]}
    scope = {**domain.ANY_SCOPE, "jurisdictions": ["US-IN"]}
    grant = world.grant(iat=EARLY, scope=scope)
    world.amend(grant, "2027-01-01", after=[grant], iat=AHEAD, scope=DEGREES)
    assert ask(world, jurisdiction="US-OH").verdict is Verdict.NOT_TRUSTED
    assert codes(ask(world, jurisdiction="US-IN")) == ["accredited", "dated_ahead"]
    assert codes(ask(world, jurisdiction="US-IN", achievement_types=("Badge",)))[0] == "achievement_types_not_covered"
    assert ask(world, jurisdiction="US-OH", now=AHEAD).verdict in AUTHORIZED


@pytest.mark.parametrize("lost", [None, "2024-05-01"])
def test_who_accredits_and_pins_no_key_does_not_take_the_word_of_the_authority_that_does(
    world: World, lost: str | None
) -> None:
    """Else a second accreditation leaves every signature of an honest issuer unchecked."""
    world.register(keys=domain.pinned())
    first = world.grant(initial_status="candidate")
    if lost is not None:
        world.event(first, "close", lost)
    world.grant(by=STATE)
    decision = ask(world, key=K1, time=at("2021-01-01"))
    assert decision.accreditations == (first,)
    assert "key" not in decision.unchecked
    assert ask(world, time=at("2021-01-01")).accreditations != (first,), "where no key is asked about the grade counts"
    assert ask(world, key=f"{COLLEGE}#none", time=at("2021-01-01")).accreditations != (first,)


def test_a_key_stated_ahead_is_not_stated_yet_and_the_end_of_one_is(world: World) -> None:
    world.grant(iat=EARLY)
    world.register(keys=[{"id": K1, "public_key_multibase": key_text("one")}], iat=EARLY)
    world.key_event(op="add", key={"id": f"{COLLEGE}#two", "public_key_multibase": key_text("two")}, how={"iat": FAR})
    assert ask(world, key=K1).verdict is Verdict.TRUSTED
    decision = ask(world, key=f"{COLLEGE}#two")
    assert codes(decision) == ["key_unknown"]
    assert decision.valid_until == FAR
    world.key_event(op="retire", key_id=K1, how={"iat": FAR})
    assert codes(ask(world, key=K1)) == ["key_retired"]
    assert ask(world, "2026-05-01", key=K1).verdict is Verdict.TRUSTED


def test_facts_stated_ahead_are_not_stated_yet(world: World) -> None:
    world.grant(iat=EARLY)
    world.register(iat=EARLY)
    world.register(also_known_as=[ALIAS], iat=AHEAD)
    assert ask(world, entity=ALIAS).verdict not in AUTHORIZED
    assert ask(world, entity=ALIAS, now=AHEAD).verdict is Verdict.TRUSTED


def test_a_recognition_dated_ahead_begins_on_its_date(world: World) -> None:
    body = {"id": "https://other.example/", "name": "Other", "actions": ["recognize"], "valid_from": at("2020-01-01")}
    world.say("recognition.grant", body, sub=body["id"], iat=AHEAD)
    query = Query(entity=str(body["id"]), authority=ECOSYSTEM, action="recognize")
    for now, verdict in [(NOW, Verdict.NOT_TRUSTED), (AHEAD, Verdict.TRUSTED)]:
        assert decide_recognition(query, world.records(), now, ecosystem_id=ECOSYSTEM).verdict is verdict


def test_a_condition_is_said(world: World) -> None:
    world.grant(iat=EARLY, conditions=[{"text": "Publish outcomes by 2027."}])
    decision = ask(world)
    assert codes(decision) == ["accredited", "condition"]
    assert "Publish outcomes by 2027." in decision.reasons[1].text


def test_the_answer_says_until_when_it_holds(world: World) -> None:
    id = world.grant(iat=EARLY, valid_until=at("2030-01-01"))
    assert ask(world).valid_until == at("2030-01-01")
    world.event(id, "withdraw", "2028-01-01")
    assert ask(world).valid_until == at("2028-01-01")
    assert ask(world, "2020-01-01").valid_until == at("2028-01-01")
    lasting = World()
    lasting.grant(iat=EARLY)
    assert ask(lasting).valid_until is None
    future = World()
    future.grant(iat=EARLY, valid_from=at("2027-01-01"))
    assert (codes(ask(future)), ask(future).valid_until) == (["not_yet_valid"], at("2027-01-01"))


def test_a_suspension_with_an_end_says_when(world: World) -> None:
    world.event(world.grant(iat=EARLY), "suspend", "2026-01-01", effective_until=at("2026-12-01"))
    decision = ask(world)
    assert (decision.verdict, decision.valid_until) == (Verdict.SUSPENDED, at("2026-12-01"))


# ------------------------------------------------------------------------------------------------ what


def test_what_is_outside_the_scope_is_not_trusted_and_every_axis_is_named(world: World) -> None:
    world.grant(iat=EARLY, scope={"achievement_types": ["Certificate"], "jurisdictions": ["US-IN"]})
    decision = ask(world, jurisdiction="US-CA")
    assert decision.verdict is Verdict.NOT_TRUSTED
    assert codes(decision) == ["achievement_types_not_covered", "jurisdiction_not_covered"]
    assert "US-CA" in decision.reasons[1].text


def test_an_axis_left_open_is_an_advisory_and_listed_as_unchecked(world: World) -> None:
    world.grant(iat=EARLY, scope={"achievement_types": ["Degree"], "jurisdictions": ["US-IN"]})
    decision = ask(world)
    assert (decision.verdict, codes(decision)) == (
        Verdict.TRUSTED_WITH_ADVISORY,
        ["accredited", "jurisdiction_not_asked"],
    )
    assert decision.unchecked == ("jurisdiction", "key")


def test_a_badge_that_does_not_say_what_it_is_has_no_answer_where_types_are_limited(world: World) -> None:
    world.grant(iat=EARLY, scope={"credential_types": "*", "achievement_types": ["Degree"]})
    decision = ask(world, achievement_types=(), credential_types=("OpenBadgeCredential",))
    assert decision.verdict is Verdict.INDETERMINATE
    assert codes(decision) == ["question_too_open"]


def test_amendments_unaware_of_each_other_must_both_cover_it(world: World) -> None:
    id = world.grant(iat=EARLY)
    world.amend(id, "2020-01-01", iat=EARLY, scope={"achievement_types": ["Degree"]})
    world.amend(id, "2020-01-01", iat=EARLY, scope={"achievement_types": ["Certificate"]})
    assert codes(ask(world)) == ["achievement_types_not_covered"]


def test_a_scope_narrowed_later_leaves_the_earlier_degree_historical(world: World) -> None:
    id = world.grant(iat=EARLY)
    world.amend(id, "2020-01-01", iat=EARLY, scope={"achievement_types": ["Certificate"]})
    decision = ask(world, "2019-01-01")
    assert decision.verdict is Verdict.TRUSTED_HISTORICAL
    assert codes(decision)[0] == "later_scope"
    wider = World()
    id = wider.grant(iat=EARLY)
    wider.amend(id, "2020-01-01", iat=EARLY, scope={"achievement_types": ["Degree"]})
    assert ask(wider, "2019-01-01").verdict is Verdict.TRUSTED


def test_an_amendment_that_begins_before_it_is_valid_refuses_meanwhile(world: World) -> None:
    id = world.grant(iat=EARLY)
    world.amend(id, "2020-01-01", iat=EARLY, valid_from=at("2021-01-01"))
    assert codes(ask(world, "2020-06-01")) == ["not_yet_valid"]


def competency(number: int = 1) -> dict[str, Any]:
    return {"achievement_types": (), "competencies": (f"{FRAMEWORK}/{number}",)}


def test_a_competency_counts_by_the_accreditors_own_framework(world: World) -> None:
    world.grant(iat=EARLY, scope={"frameworks": [FRAMEWORK]})
    unknown = ask(world, **competency())
    assert (unknown.verdict, codes(unknown)) == (Verdict.INDETERMINATE, ["competency_unknown"])
    world.framework(by=STATE)
    assert ask(world, **competency()).verdict is Verdict.INDETERMINATE, "the State Board's word does not count here"
    said = world.framework(by=HLC)
    decision = ask(world, **competency())
    assert (decision.verdict, codes(decision)) == (Verdict.TRUSTED, ["accredited"])
    assert said in decision.statements


@pytest.mark.parametrize("where", ["charter", "grant"])
def test_a_named_publishers_framework_counts(where: str) -> None:
    world = World(publishers=[STATE] if where == "charter" else [])
    named: dict[str, Any] = {"publishers": [STATE]} if where == "grant" else {}
    world.grant(iat=EARLY, scope={"frameworks": [FRAMEWORK]}, **named)
    world.framework(by=STATE)
    assert ask(world, **competency()).verdict is Verdict.TRUSTED


def test_a_withdrawn_framework_holds_no_competency_from_then_on(world: World) -> None:
    world.grant(iat=EARLY, scope={"frameworks": [FRAMEWORK]})
    publish = world.framework()
    body = {
        "framework": FRAMEWORK,
        "publish": publish,
        "status": "withdrawn",
        "effective_from": at("2020-01-01"),
        "after": [],
    }
    world.say("framework.status", body, sub=FRAMEWORK)
    assert ask(world, **competency()).verdict is Verdict.INDETERMINATE
    assert ask(world, "2019-01-01", **competency()).verdict is Verdict.TRUSTED


def test_an_ambiguous_resource_is_read_from_the_records(world: World) -> None:
    world.grant(iat=EARLY, scope={"frameworks": [FRAMEWORK]})
    world.framework()
    for resource in (FRAMEWORK, f"{FRAMEWORK}/1"):
        assert ask(world, achievement_types=(), resource=resource).verdict is Verdict.TRUSTED
    unheard = ask(world, achievement_types=(), resource="urn:example:unheard")
    assert codes(unheard) == ["competency_unknown"]


# ------------------------------------------------------------------------------------------------ properties

questions = st.builds(
    Query,
    entity=st.sampled_from([COLLEGE, ALIAS, "did:web:nobody.example", HLC, "nonsense", ""]),
    authority=st.sampled_from([ECOSYSTEM, HLC, STATE, "did:web:nobody.example", "nonsense"]),
    action=st.sampled_from(["issue", "accredit", "other"]),
    resource=st.none() | st.sampled_from([FRAMEWORK, f"{FRAMEWORK}/1"]) | st.text(max_size=5),
    time=st.none() | domain.times,
    credential_types=st.lists(st.text(max_size=5) | st.just("OpenBadgeCredential"), max_size=2).map(tuple),
    achievement_types=st.lists(domain.achievement_types | st.text(max_size=5), max_size=2).map(tuple),
    competencies=st.lists(domain.competency_ids | st.text(max_size=5), max_size=2).map(tuple),
    framework=st.none() | st.just(FRAMEWORK),
    level=st.none() | st.tuples(st.sampled_from(["EQF", "QF-EHEA"]), st.integers(0, 20)),
    jurisdiction=st.none() | domain.jurisdictions,
    program=st.none() | st.sampled_from(["nursing", "law"]),
    field_of_study=st.none() | st.tuples(st.sampled_from(["cip", "soc"]), st.text(max_size=8)),
    delivery_mode=st.none() | st.just("online"),
    key=st.none() | st.sampled_from([K1, key_text("one")]) | st.text(max_size=5),
    existed_by=st.none() | domain.times,
    committed_with=st.none() | st.just(K1),
)


@pytest.mark.no_cover
@examples(50)
@given(domain.histories(), questions, st.lists(st.integers(0, 100), max_size=8))
def test_there_is_always_an_answer_and_it_does_not_depend_on_the_order_of_arrival(
    world: World, query: Query, order: list[int]
) -> None:
    decision = decide(query, world.records(), NOW, ecosystem_id=ECOSYSTEM)
    assert decision.reasons
    assert decision.authorized == (decision.verdict in AUTHORIZED)
    assert decision.valid_until is None or decision.valid_until > NOW
    assert decision == decide(query, shuffled(world, order).records(), NOW, ecosystem_id=ECOSYSTEM)
    decide_recognition(query, world.records(), NOW, ecosystem_id=ECOSYSTEM)


@pytest.mark.no_cover
@examples(40)
@given(domain.histories(), questions)
def test_asking_for_the_present_time_answers_as_asking_without_one(world: World, query: Query) -> None:
    records = world.records()
    undated = decide(query._replace(time=None), records, NOW, ecosystem_id=ECOSYSTEM)
    dated = decide(query._replace(time=NOW), records, NOW, ecosystem_id=ECOSYSTEM)
    assert (undated.verdict, codes(undated)) == (dated.verdict, codes(dated))


@pytest.mark.no_cover
@examples(40)
@given(domain.histories(), questions)
def test_an_answer_holds_until_it_says(world: World, query: Query) -> None:
    records = world.records()
    query = query._replace(time=None)
    decision = decide(query, records, NOW, ecosystem_id=ECOSYSTEM)
    until = decision.valid_until or NOW + 10**9
    assert decide(query, records, until - 1, ecosystem_id=ECOSYSTEM).verdict is decision.verdict


def test_an_issuer_whose_id_is_longer_than_any_record_can_have_is_unknown_and_no_mistake(world: World) -> None:
    world.grant()
    decision = ask(world, entity="did:jwk:" + "e" * 960)
    assert (decision.verdict, codes(decision)) == (Verdict.UNKNOWN_ISSUER, ["unknown_issuer"])
    assert ask(world, entity="did:jwk:" + "e" * 5_000).verdict is Verdict.INDETERMINATE
