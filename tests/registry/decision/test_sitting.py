"""Shorter ways to a decision lead where the long one does: many questions at one sitting, and a lone grant."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.registry.decision import kept_answers
from accredit.registry.decision.decide import CASES, Query, Sitting, Verdict, decide
from accredit.registry.domain.records import MemoryRecords
from accredit.registry.encoding.identifiers import CanonicalId
from tests.strategies import domain
from tests.strategies.domain import (
    ALIAS,
    ANY_SCOPE,
    COLLEGE,
    EARLY,
    ECOSYSTEM,
    ELSEWHERE,
    FRAMEWORK,
    HLC,
    K1,
    NOW,
    STATE,
    UNION,
    World,
    at,
)
from tests.strategies.searching import examples

BACHELOR = Query(entity=COLLEGE, authority=ECOSYSTEM, achievement_types=("BachelorDegree",))


def asks() -> list[Query]:
    """Questions of every sort that a sitting tells apart, several of them about several entities."""
    others: list[dict[str, Any]] = [
        {},
        {"time": at("2015-05-20")},
        {"time": NOW + 10**6},
        {"authority": HLC},
        {"authority": STATE},
        {"authority": "did:web:nobody.example"},
        {"authority": "nonsense"},
        {"action": "accredit"},
        {"action": "other"},
        {"achievement_types": ("Badge",)},
        {"achievement_types": (), "resource": CanonicalId(f"{FRAMEWORK}/1")},
        {"key": K1},
        {"key": K1, "time": at("2015-05-20")},
    ]
    entities = (COLLEGE, UNION, ALIAS, HLC, "did:web:nobody.example", "nonsense", "did:jwk:" + "e" * 960)
    return [BACHELOR._replace(entity=entity, **other) for entity in entities for other in others]


def town() -> World:
    """Two issuers, one of them under two authorities, a delegate, a framework, a suspension, a key."""
    made = World()
    made.register(iat=EARLY, also_known_as=[ALIAS], keys=domain.pinned())
    made.register(UNION, name="Union", iat=EARLY)
    via = made.delegate("did:web:below.example", limits={"achievement_types": ["Badge"]})
    made.grant(iat=EARLY)
    made.grant(iat=EARLY, by=STATE, scope={"achievement_types": ["BachelorDegree"], "jurisdictions": ["US-IN"]})
    made.grant(UNION, iat=EARLY, by=CanonicalId("did:web:below.example"), via=via)
    suspended = made.grant(UNION, iat=EARLY, scope={"frameworks": [FRAMEWORK], "competencies": [f"{FRAMEWORK}/1"]})
    made.event(suspended, "suspend", "2020-01-01")
    made.framework(iat=EARLY)
    return made


def test_a_question_of_many_is_answered_as_if_it_were_the_only_one() -> None:
    records = town().records()
    sitting = Sitting(records, NOW, ecosystem_id=ECOSYSTEM)
    questions = asks()
    alone = [decide(query, records, NOW, ecosystem_id=ECOSYSTEM) for query in questions]
    assert [sitting.decide(query) for query in (*questions, *reversed(questions))] == [*alone, *reversed(alone)]
    assert {decision.verdict for decision in alone} >= {
        Verdict.TRUSTED,
        Verdict.TRUSTED_WITH_ADVISORY,
        Verdict.SUSPENDED,
        Verdict.NOT_TRUSTED,
        Verdict.INDETERMINATE,
        Verdict.UNKNOWN_ISSUER,
    }


def test_what_one_issuer_was_granted_is_not_taken_for_what_the_next_one_was() -> None:
    world = World()
    grants: dict[str, dict[str, Any]] = {
        "did:web:all.example": {},
        "did:web:badges.example": {"scope": {"achievement_types": ["Badge"]}},
        "did:web:narrower.example": {"scope": {"competencies": [f"{FRAMEWORK}/0"], "inherit_to_narrower": True}},
        "did:web:exactly.example": {"scope": {"competencies": [f"{FRAMEWORK}/0"], "inherit_to_narrower": False}},
        "did:web:later.example": {"valid_from": at("2020-01-01")},
        "did:web:ended.example": {"valid_until": at("2012-01-01")},
        "did:web:other.example": {"by": STATE},
        "did:web:again.example": {},
    }
    for issuer, members in grants.items():
        world.register(issuer, iat=EARLY)
        world.grant(issuer, iat=EARLY, **members)
    world.framework(iat=EARLY)
    records = world.records()
    for asked in ({"achievement_types": ("BachelorDegree",)}, {"competencies": (CanonicalId(f"{FRAMEWORK}/1"),)}):
        sitting = Sitting(records, NOW, ecosystem_id=ECOSYSTEM)
        for issuer in (*grants, *reversed(grants)):
            query = Query(entity=issuer, authority=ECOSYSTEM, time=at("2015-05-20"), **asked)
            assert sitting.decide(query) == decide(query, records, NOW, ecosystem_id=ECOSYSTEM)


def test_more_questions_than_a_sitting_remembers_are_answered_all_the_same() -> None:
    records = town().records()
    sitting = Sitting(records, NOW, ecosystem_id=ECOSYSTEM)
    for number in range(2 * CASES + 2):
        query = BACHELOR._replace(time=at("2015-05-20") + number % (CASES + 1))
        assert sitting.decide(query).time_requested == query.time


def test_a_sitting_before_the_charter_says_so_to_everybody() -> None:
    sitting = Sitting(MemoryRecords(), NOW, ecosystem_id=ECOSYSTEM)
    assert [sitting.decide(BACHELOR).reasons[0].code for _ in range(2)] == ["no_charter", "no_charter"]


# ------------------------------------------------------------------------------------------------ the lone grant

BELOW = CanonicalId("did:web:below.example")

members = st.fixed_dictionaries(
    {"scope": st.just(ANY_SCOPE) | domain.scopes, "valid_from": domain.times},
    optional={
        "valid_until": st.just(at("2041-01-01")) | st.integers(at("2040-01-02"), at("2050-01-01")),
        "initial_status": st.sampled_from(["active", "candidate"]),
        "conditions": st.just([{"text": "Report each year."}]),
        "by": st.sampled_from([HLC, STATE, BELOW]),
    },
)
losses = st.fixed_dictionaries(
    {
        "event": st.sampled_from(["suspend", "revoke", "deny", "withdraw", "condition", "teach_out", "supersede"]),
        "on": st.sampled_from(["2003-01-01", "2015-05-20", "2020-01-01", "2031-01-01", "2041-01-01"]),
        "iat": domain.times,
    },
    optional={"effective_until": st.just(at("2042-01-01")), "void_from": st.just(at("2001-01-01"))},
)
mandates = st.fixed_dictionaries(
    {},
    optional={
        "valid_from": domain.times,
        "valid_until": domain.times,
        "limits": st.just({"achievement_types": ["Badge"]}),
        "withdrawn": st.just({"statement": bytes(32), "effective_from": at("2020-01-01")}),
    },
)
wordings = st.fixed_dictionaries(
    {},
    optional={
        "time": domain.times,
        "achievement_types": st.just(("BachelorDegree",)),
        "jurisdiction": st.just("US-IN"),
        "competencies": st.just((CanonicalId(f"{FRAMEWORK}/1"),)) | st.just((CanonicalId(f"{ELSEWHERE}/far"),)),
        "credential_types": st.just(("DegreeCredential",)),
        "level": st.just(("EQF", 6)),
        "program": st.just("nursing"),
        "authority": st.sampled_from([HLC, STATE]),
        "existed_by": domain.times,
    },
)


@pytest.mark.no_cover
@examples(100)
@given(
    st.lists(st.tuples(members, domain.times, st.none() | losses), min_size=1, max_size=3),
    wordings,
    st.none() | st.just(10**7),
    mandates,
)
def test_a_lone_grant_is_judged_as_at_length(
    granted: list[tuple[dict[str, Any], int, dict[str, Any] | None]],
    wording: dict[str, Any],
    cap: int | None,
    mandate: dict[str, Any],
) -> None:
    world = World(**({} if cap is None else {"max_backdating": cap}))
    world.register(iat=EARLY)
    via = world.delegate(BELOW, **mandate)
    for terms, iat, loss in granted:
        given: dict[str, Any] = {**terms, "via": via} if terms.get("by") == BELOW else terms
        grant = world.grant(iat=iat, **given)
        if loss is not None:
            more = {name: value for name, value in loss.items() if name not in ("event", "on", "iat")}
            body = {**domain.status_body(grant, loss["event"], loss["on"]), **more}
            world.say("accreditation.status", body, iat=loss["iat"])
    world.framework(iat=EARLY)
    world.mapping((f"{ELSEWHERE}/far", "exact_match", f"{FRAMEWORK}/1"), iat=EARLY)
    query = BACHELOR._replace(**{"achievement_types": (), **wording})
    records, now = world.records(), at("2030-06-01")
    for one in (query, query._replace(existed_by=None)):
        # A key that committed to nothing says nothing, but takes the question past the shorter way.
        at_length = one._replace(existed_by=None, committed_with=K1)
        assert decide(one, records, now, ecosystem_id=ECOSYSTEM) == decide(
            at_length, records, now, ecosystem_id=ECOSYSTEM
        )


def test_a_sitting_of_many_questions_keeps_a_bounded_number_of_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    made = World()
    issuers = [f"did:web:school-{number}.example" for number in range(6)]
    for number, issuer in enumerate(issuers):
        via = made.delegate(f"did:web:body-{number}.example")
        by = CanonicalId(f"did:web:body-{number}.example")
        made.register(issuer, iat=EARLY, by=by, via=via, keys=domain.pinned())
        for scope in ({**ANY_SCOPE, "achievement_types": ["Badge"]}, ANY_SCOPE, {**ANY_SCOPE, "jurisdictions": ["US"]}):
            made.grant(issuer, iat=EARLY, by=by, via=via, scope=scope)
    records = made.records()
    asked = [BACHELOR._replace(entity=issuer, key=K1, jurisdiction="FR") for issuer in issuers]
    expected = [decide(query, records, NOW, ecosystem_id=ECOSYSTEM) for query in asked]
    monkeypatch.setattr(kept_answers, "KEPT", 2)
    sitting = Sitting(records, NOW, ecosystem_id=ECOSYSTEM)

    assert [sitting.decide(query) for query in asked] == expected

    (opened,) = sitting._cases.values()
    case = opened.case
    kept = (case.chains, case.links, case.key_answers, case.scope_answers.by_answers)
    assert [0 < len(answers) <= 2 for answers in kept] == [True] * 4
