"""Decisions: whose word counts. Keys, several accreditations, aliases, the chain, authorities, recognition."""

from typing import Any

import pytest

from accredit.registry.decision.authority_chain import chain_of
from accredit.registry.decision.decide import Decision, Query, Verdict, decide_recognition
from accredit.registry.domain.records import MemoryRecords
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
    UNION,
    World,
    ask,
    at,
    codes,
    pinned,
)


@pytest.fixture
def world() -> World:
    return World()


# ------------------------------------------------------------------------------------------------ keys


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


def test_a_key_is_judged_alike_for_every_accreditation_that_one_authority_made(world: World) -> None:
    """Where the first does not cover what is asked, what was found about the key goes for the second too."""
    world.register(keys=pinned(valid_until=at("2020-01-01")))
    scope = {"credential_types": "*", "achievement_types": ["Certificate"]}
    world.grant(iat=EARLY, scope=scope)
    world.grant(iat=EARLY)
    assert ask(world).verdict is Verdict.TRUSTED
    assert "key_expired" in codes(ask(world, key=K1))
    assert ask(world, key=K1).verdict is Verdict.NOT_TRUSTED
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
    delegated(later, withdrawn={"statement": bytes(32), "effective_from": at("2027-01-01"), "later": True})
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
