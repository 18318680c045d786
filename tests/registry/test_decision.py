"""Decisions: every row of the status table, every refusal, as of then and as of now."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.chain import chain_of
from registry.decision import AUTHORIZED, Decision, Query, Verdict, decide, decide_recognition, query_from_trqp
from registry.errors import DecodeError
from registry.records import MemoryRecords
from tests.strategies import domain
from tests.strategies.domain import (
    COLLEGE,
    ECOSYSTEM,
    FRAMEWORK,
    HLC,
    NOW,
    STATE,
    UNION,
    World,
    at,
    key_text,
    shuffled,
)

K1 = f"{COLLEGE}#k1"
EARLY = at("2009-01-01")


@pytest.fixture
def world() -> World:
    return World()


def ask(world: World, on: str | None = None, *, records: Any = None, **members: Any) -> Decision:
    members.setdefault("achievement_types", ("BachelorDegree",))
    members.setdefault("entity", COLLEGE)
    query = Query(**{"authority": ECOSYSTEM, "time": None if on is None else at(on), **members})
    return decide(query, records or world.records(), NOW, ecosystem_id=ECOSYSTEM)


def codes(decision: Decision) -> list[str]:
    assert all(reason.text and "None" not in reason.text for reason in decision.reasons)
    return [reason.code for reason in decision.reasons]


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
    assert "It stood until 2020-01-01: for a credential issued before, ask with its date." in ask(world).reasons[0].text


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


def test_a_charter_caps_how_far_a_grant_reaches_back() -> None:
    world = World(max_backdating=86_400)
    world.grant(iat=at("2026-01-02"))
    decision = ask(world, "2019-06-01")
    assert (decision.verdict, codes(decision)) == (Verdict.NOT_TRUSTED, ["before_backdating_limit"])
    assert ask(world, "2026-01-01").verdict is Verdict.TRUSTED_WITH_ADVISORY


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


# ------------------------------------------------------------------------------------------------ keys


def pinned(**window: Any) -> list[dict[str, Any]]:
    return [{"id": K1, "public_key_multibase": key_text("one"), **window}]


def test_a_good_key_removes_the_doubt_about_a_historical_date(world: World) -> None:
    world.register(keys=pinned())
    world.event(world.grant(iat=EARLY), "withdraw", "2020-01-01")
    decision = ask(world, "2019-01-01", key=K1)
    assert decision.verdict is Verdict.TRUSTED_HISTORICAL
    assert codes(decision) == ["later_withdrawn", "accredited"]
    assert decision.unchecked == ()


def test_a_foreign_key_is_not_trusted(world: World) -> None:
    world.register(keys=pinned())
    world.grant(iat=EARLY)
    assert codes(ask(world, key=f"{COLLEGE}#other")) == ["key_unknown"]
    assert ask(world, key=K1).verdict is Verdict.TRUSTED


def test_a_key_pinned_by_an_authority_that_did_not_accredit_does_not_count(world: World) -> None:
    world.register(by=STATE, keys=pinned())
    world.grant(iat=EARLY)
    decision = ask(world, key=K1)
    assert (decision.verdict, codes(decision)) == (Verdict.TRUSTED_WITH_ADVISORY, ["accredited", "no_pinned_keys"])


def test_a_key_outside_its_window_is_not_trusted(world: World) -> None:
    world.register(keys=pinned(valid_from=at("2015-01-01"), valid_until=at("2020-01-01")))
    world.grant(iat=EARLY)
    assert codes(ask(world, key=K1)) == ["key_expired"]
    assert codes(ask(world, "2014-01-01", key=K1)) == ["key_not_yet_valid"]
    assert ask(world, "2016-01-01", key=K1).verdict is Verdict.TRUSTED


def test_a_key_compromised_later_lets_its_thief_sign_earlier_dates_and_this_is_said(world: World) -> None:
    world.register(keys=pinned())
    world.grant(iat=EARLY)
    world.key_event(op="compromise", key_id=K1, compromised_since=at("2020-01-01"), how={"by": COLLEGE, "key": "one"})
    assert codes(ask(world, key=K1)) == ["key_compromised"]
    decision = ask(world, "2019-01-01", key=K1)
    assert (decision.verdict, codes(decision)) == (
        Verdict.TRUSTED_WITH_ADVISORY,
        ["accredited", "key_compromised_later"],
    )


def test_a_retired_key(world: World) -> None:
    world.register(keys=pinned())
    world.grant(iat=EARLY)
    world.key_event(op="retire", key_id=K1, valid_until=at("2027-01-01"))
    decision = ask(world, key=K1)
    assert (decision.verdict, decision.valid_until) == (Verdict.TRUSTED, at("2027-01-01"))


# ------------------------------------------------------------------------------------------------ several


def test_the_best_of_several_accreditations_decides_and_the_others_are_listed(world: World) -> None:
    withdrawn = world.grant(iat=EARLY)
    world.event(withdrawn, "withdraw", "2020-01-01")
    good = world.grant(iat=EARLY, by=STATE)
    narrow = world.grant(iat=EARLY, scope={"achievement_types": ["Badge"]})
    decision = ask(world)
    assert (decision.verdict, decision.accreditations) == (Verdict.TRUSTED, (good,))
    assert {(one.accreditation, one.verdict, one.code) for one in decision.others} == {
        (withdrawn, Verdict.NOT_TRUSTED, "status_withdrawn"),
        (narrow, Verdict.NOT_TRUSTED, "achievement_types_not_covered"),
    }
    assert decision.chain == ((STATE, None),)


def test_a_question_that_might_be_answered_yes_is_not_refused_for_a_worse_accreditation(world: World) -> None:
    world.grant(iat=EARLY, scope={"achievement_types": ["Badge"]})
    world.grant(iat=EARLY, scope={"achievement_types": ["Degree"], "credential_types": "*"}, by=STATE)
    decision = ask(world, achievement_types=(), credential_types=("ClrCredential",))
    assert decision.verdict is Verdict.INDETERMINATE


def test_a_new_grant_after_a_revocation_stands_by_itself(world: World) -> None:
    world.event(world.grant(iat=EARLY), "revoke", "2020-01-01")
    world.grant(iat=at("2022-01-01"), valid_from=at("2022-01-01"))
    assert ask(world).verdict is Verdict.TRUSTED
    assert ask(world, "2021-01-01").verdict is Verdict.NOT_TRUSTED


def test_a_record_that_is_not_held_makes_a_no_uncertain_and_leaves_a_yes(world: World) -> None:
    world.register()
    id = world.grant(iat=EARLY)
    records = world.records()
    records.put("accreditation", id.hex(), None)
    decision = ask(world, records=records)
    assert (decision.verdict, codes(decision)) == (Verdict.INDETERMINATE, ["record_missing"])
    assert decision.unchecked == (f"accreditation {id.hex()}",)
    out_of_scope = world.grant(iat=EARLY, scope={"achievement_types": ["Badge"]})
    records = world.records()
    records.put("accreditation", id.hex(), None)
    partly = ask(world, records=records)
    assert (partly.verdict, codes(partly)) == (
        Verdict.INDETERMINATE,
        ["record_missing", "achievement_types_not_covered"],
    )
    records = world.records()
    records.put("accreditation", out_of_scope.hex(), None)
    assert ask(world, records=records).verdict is Verdict.TRUSTED


# ------------------------------------------------------------------------------------------------ aliases

ALIAS = "https://college.example/issuer"


def test_an_issuer_is_found_by_an_alias_that_its_accreditor_stated(world: World) -> None:
    world.register(also_known_as=[ALIAS])
    world.grant(iat=EARLY)
    decision = ask(world, entity=ALIAS)
    assert (decision.verdict, decision.issuer) == (Verdict.TRUSTED, COLLEGE)
    assert decision.issuer_name == "Example College"


def test_nobody_takes_an_alias_over_for_anothers_accreditation(world: World) -> None:
    world.register(by=STATE, also_known_as=[ALIAS])
    world.grant(iat=EARLY)
    decision = ask(world, entity=ALIAS)
    assert (decision.verdict, codes(decision)) == (Verdict.UNKNOWN_ISSUER, ["unknown_issuer"])


def test_a_second_claim_to_an_alias_does_not_stand_in_the_way(world: World) -> None:
    world.register(also_known_as=[ALIAS])
    world.grant(iat=EARLY)
    world.register("did:web:squatter.example", by=STATE, also_known_as=[ALIAS])
    world.register(ALIAS, by=STATE, name="Squatter")
    assert ask(world, entity=ALIAS).verdict is Verdict.TRUSTED
    records = world.records()
    records.put("alias", ALIAS, {"id": ALIAS, "issuers": [ALIAS]})
    assert codes(ask(world, records=records, entity=ALIAS)) == ["no_accreditation"]


def test_an_alias_of_an_issuer_that_is_not_held_says_so(world: World) -> None:
    records = world.records()
    records.put("alias", ALIAS, {"id": ALIAS, "issuers": [COLLEGE]})
    decision = ask(world, records=records, entity=ALIAS)
    assert (decision.verdict, decision.unchecked) == (Verdict.INDETERMINATE, (f"issuer {COLLEGE}",))


# ------------------------------------------------------------------------------------------------ the chain


def delegated(world: World, **members: Any) -> bytes:
    via = world.delegate(UNION, **members)
    world.grant(iat=EARLY, by=UNION, via=via)
    return via


def test_a_delegates_accreditation_shows_the_chain_up_to_the_charter(world: World) -> None:
    via = delegated(world)
    for authority in (ECOSYSTEM, HLC, UNION):
        decision = ask(world, authority=authority)
        assert decision.verdict is Verdict.TRUSTED
        assert decision.chain == ((UNION, via), (HLC, None))
        assert via in decision.statements
    assert codes(ask(world, authority=STATE)) == ["not_by_this_authority"]


def test_a_delegations_window_clips_what_the_delegate_grants(world: World) -> None:
    delegated(world, valid_from=at("2015-01-01"), valid_until=at("2020-01-01"))
    assert codes(ask(world)) == ["delegation_expired"]
    assert codes(ask(world, "2014-01-01")) == ["delegation_not_yet_valid"]
    within = ask(world, "2016-01-01")
    assert within.verdict is Verdict.TRUSTED_HISTORICAL
    assert codes(within)[0] == "later_delegation_expired"


def test_a_delegation_in_force_says_until_when(world: World) -> None:
    delegated(world, valid_from=at("2015-01-01"), valid_until=at("2030-01-01"))
    assert ask(world).valid_until == at("2030-01-01")


def test_what_a_withdrawn_delegate_had_said_stands_with_an_advisory(world: World) -> None:
    delegated(world, withdrawn={"statement": bytes(32), "effective_from": at("2020-01-01")})
    decision = ask(world)
    assert (decision.verdict, codes(decision)) == (Verdict.TRUSTED_WITH_ADVISORY, ["accredited", "authority_withdrawn"])
    later = World()
    delegated(later, withdrawn={"statement": bytes(32), "effective_from": at("2027-01-01")})
    assert (ask(later).verdict, ask(later).valid_until) == (Verdict.TRUSTED, at("2027-01-01"))


def test_an_authority_that_left_the_charter_leaves_its_accreditations_with_an_advisory(world: World) -> None:
    world.grant(iat=EARLY)
    del world.standings[HLC]
    decision = ask(world)
    assert (decision.verdict, codes(decision)) == (
        Verdict.TRUSTED_WITH_ADVISORY,
        ["accredited", "authority_not_in_force"],
    )


def test_two_delegations_to_one_body_are_two(world: World) -> None:
    first = world.delegate(UNION)
    second = world.delegate(UNION)
    world.register(by=UNION, via=first, keys=pinned())
    world.grant(iat=EARLY, by=UNION, via=second)
    assert "no_pinned_keys" in codes(ask(world, key=K1))


def test_a_delegation_that_is_not_held_ends_the_chain_with_an_advisory(world: World) -> None:
    world.delegate(UNION)
    world.grant(iat=EARLY, by=UNION, via=bytes(32))
    assert codes(ask(world)) == ["accredited", "authority_not_in_force"]


def test_records_whose_chain_is_a_circle_end(world: World) -> None:
    one = world.delegate(UNION)
    world.standings[UNION][0]["parent"] = {"by": UNION, "via": one}
    assert len(chain_of(world.records(), UNION, one)) == 9


# ------------------------------------------------------------------------------------------------ authorities


def accredit(world: World, entity: str = UNION, on: str | None = None, **members: Any) -> Decision:
    return ask(world, on, entity=entity, action="accredit", **members)


def test_a_charter_authority_may_accredit(world: World) -> None:
    decision = accredit(world, HLC)
    assert (decision.verdict, codes(decision)) == (Verdict.TRUSTED, ["mandated"])
    assert decision.issuer_name == "Higher Learning Commission"


def test_a_delegate_may_accredit_within_its_actions_and_limits(world: World) -> None:
    via = world.delegate(UNION, limits={"achievement_types": ["Certificate"], "frameworks": [FRAMEWORK]})
    assert codes(accredit(world)) == ["achievement_types_not_covered"]
    decision = accredit(world, achievement_types=("MasterCertificate",))
    assert (decision.verdict, codes(decision)) == (
        Verdict.TRUSTED_WITH_ADVISORY,
        ["mandated", "competencies_not_asked"],
    )
    assert decision.chain == ((UNION, via), (HLC, None))
    assert codes(accredit(world, achievement_types=(), framework="urn:example:other")) == ["framework_not_covered"]
    assert accredit(world, authority=STATE).verdict is Verdict.NOT_TRUSTED
    assert accredit(world, authority=HLC, achievement_types=("Certificate",)).authorized


def test_a_delegate_for_frameworks_only_may_not_accredit(world: World) -> None:
    world.delegate(UNION, actions=["framework.*"])
    assert codes(accredit(world)) == ["action_not_covered"]


def test_a_mandate_has_its_time(world: World) -> None:
    world.delegate(UNION, valid_from=at("2015-01-01"), valid_until=at("2020-01-01"))
    assert codes(accredit(world)) == ["delegation_expired"]
    assert codes(accredit(world, on="2014-01-01")) == ["delegation_not_yet_valid"]
    assert accredit(world, on="2016-01-01").verdict is Verdict.TRUSTED_HISTORICAL
    world.standings[UNION][0]["withdrawn"] = {"statement": bytes(32), "effective_from": at("2015-06-01")}
    assert codes(accredit(world, on="2016-01-01")) == ["delegation_expired"]


def test_a_mandate_that_ends_later_says_when(world: World) -> None:
    world.delegate(UNION, valid_until=at("2030-01-01"))
    assert (accredit(world).verdict, accredit(world).valid_until) == (Verdict.TRUSTED, at("2030-01-01"))


def test_a_delegate_of_who_left_may_no_longer_accredit(world: World) -> None:
    world.delegate(UNION)
    del world.standings[HLC]
    assert codes(accredit(world)) == ["authority_not_in_force"]


def test_who_is_no_authority_is_unknown(world: World) -> None:
    decision = accredit(world, COLLEGE)
    assert (decision.verdict, codes(decision)) == (Verdict.UNKNOWN_ISSUER, ["unknown_entity"])


# ------------------------------------------------------------------------------------------------ recognition

OTHER = "https://other.example/"


def recognized(world: World, on: str | None = None, **members: Any) -> Decision:
    query = Query(
        **{
            "entity": OTHER,
            "authority": ECOSYSTEM,
            "action": "issue",
            "time": None if on is None else at(on),
            **members,
        }
    )
    return decide_recognition(query, world.records(), NOW, ecosystem_id=ECOSYSTEM)


def test_an_ecosystem_recognises_itself_its_authorities_and_nobody_else_unasked(world: World) -> None:
    assert recognized(world, entity=ECOSYSTEM).verdict is Verdict.TRUSTED
    assert recognized(world, entity=HLC).verdict is Verdict.TRUSTED
    assert codes(recognized(world)) == ["not_recognized"]
    assert codes(recognized(world, entity="nonsense")) == ["bad_identifier"]
    assert codes(recognized(world, on="2027-01-01")) == ["future_time"]
    query = Query(entity=OTHER, authority=ECOSYSTEM)
    assert codes(decide_recognition(query, MemoryRecords(), NOW, ecosystem_id=ECOSYSTEM)) == ["no_charter"]


def test_a_recognition_holds_for_its_actions_and_its_time(world: World) -> None:
    body = {
        "id": OTHER,
        "name": "Other",
        "actions": ["issue"],
        "valid_from": at("2020-01-01"),
        "valid_until": at("2030-01-01"),
    }
    id = world.say("recognition.grant", body, sub=OTHER)
    assert (recognized(world).verdict, recognized(world).valid_until) == (Verdict.TRUSTED, at("2030-01-01"))
    assert codes(recognized(world, action="accredit")) == ["action_not_covered"]
    assert codes(recognized(world, on="2019-01-01")) == ["not_yet_valid"]
    world.say("recognition.withdraw", {"recognition": id, "effective_from": at("2025-01-01")}, sub=OTHER)
    assert codes(recognized(world)) == ["recognition_ended"]
    assert recognized(world, on="2024-01-01").verdict is Verdict.TRUSTED_HISTORICAL
    world.say("recognition.grant", {"id": OTHER, "name": "Other", "actions": ["*"]}, sub=OTHER)
    assert recognized(world, action="anything").verdict is Verdict.TRUSTED


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
)


@settings(max_examples=150)
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


@settings(max_examples=100)
@given(domain.histories(), questions)
def test_asking_for_the_present_time_answers_as_asking_without_one(world: World, query: Query) -> None:
    records = world.records()
    undated = decide(replace(query, time=None), records, NOW, ecosystem_id=ECOSYSTEM)
    dated = decide(replace(query, time=NOW), records, NOW, ecosystem_id=ECOSYSTEM)
    assert (undated.verdict, codes(undated)) == (dated.verdict, codes(dated))


@settings(max_examples=100)
@given(domain.histories(), questions)
def test_an_answer_holds_until_it_says(world: World, query: Query) -> None:
    records = world.records()
    query = replace(query, time=None)
    decision = decide(query, records, NOW, ecosystem_id=ECOSYSTEM)
    until = decision.valid_until or NOW + 10**9
    assert decide(query, records, until - 1, ecosystem_id=ECOSYSTEM).verdict is decision.verdict
