"""Limits escaped by leaving an axis out: what a grant does not name is limited all the same, whoever signs it."""

from typing import Any

import pytest

from accredit.governance.authority.effect import EffectState
from accredit.registry.decision.decide import Decision, Query, Verdict, decide
from accredit.registry.statement import Statement
from tests.strategies.bodies import FRAMEWORK, ISSUER, framework, framework_items, grant, register
from tests.strategies.consortium import Consortium, Pen
from tests.strategies.stories import A, delegate, explain, trio, verdict_of

SUB = "https://sub.example/"
LIMITS: dict[str, Any] = {"jurisdictions": ["US-IN"], "achievement_types": ["Badge"], "categories": ["bootcamp"]}
HONEST: dict[str, Any] = {"jurisdictions": ["US-IN"], "achievement_types": ["Badge"], "credential_types": "*"}
COMPETENCY = f"{FRAMEWORK}/1"


def asked(town: Consortium, **members: Any) -> Decision:
    fold = town.fold()
    charter = fold.charter
    assert charter is not None
    query = Query(**{"entity": ISSUER, "authority": charter.id, **members})
    return decide(query, fold, town.time + 10, ecosystem_id=charter.id)


def codes(decision: Decision) -> list[str]:
    return [reason.code for reason in decision.reasons]


def limited(limits: dict[str, Any] | None = None) -> tuple[Consortium, Pen]:
    """A delegate within limits, and a bootcamp that it has registered."""
    town = trio()
    actions = ["issuer.*", "accreditation.*", "authority.delegate", "framework.*"]
    pen, _ = delegate(town, A, limits=LIMITS if limits is None else limits, actions=actions)
    town.says(pen, "issuer.register", register(categories=["bootcamp"], jurisdictions=["US-IN"]))
    return town, pen


def given(town: Consortium, pen: Pen, scope: dict[str, Any], issuer: str = ISSUER) -> Statement:
    return town.says(pen, "accreditation.grant", grant(issuer, scope=scope))


def test_a_scope_of_credential_types_alone_grants_no_licences() -> None:
    town, pen = limited()
    said = given(town, pen, {"credential_types": ["License"]})

    assert verdict_of(town, said).state is EffectState.EFFECTIVE
    assert asked(town, credential_types=("License",)).verdict is Verdict.INDETERMINATE
    assert codes(asked(town, credential_types=("License",)))[0] == "question_too_open"
    licence = asked(town, credential_types=("License",), achievement_types=("License",), jurisdiction="US-IN")
    assert codes(licence) == ["achievement_types_not_covered"]
    badge = asked(town, credential_types=("License",), achievement_types=("Badge",), jurisdiction="US-IN")
    assert badge.verdict is Verdict.TRUSTED
    abroad = asked(town, credential_types=("License",), achievement_types=("Badge",), jurisdiction="US-TX")
    assert codes(abroad) == ["jurisdiction_not_covered"]


def test_a_scope_of_competencies_alone_reaches_no_further_than_the_limits() -> None:
    town, pen = limited()
    given(town, pen, {"competencies": [COMPETENCY]})
    question = (COMPETENCY,)

    alone = asked(town, competencies=question)
    assert codes(alone) == ["accredited", "achievement_types_not_asked", "jurisdiction_not_asked"]
    licence = asked(town, competencies=question, achievement_types=("License",))
    assert "achievement_types_not_covered" in codes(licence)
    assert licence.verdict is Verdict.NOT_TRUSTED
    assert "jurisdiction_not_covered" in codes(asked(town, competencies=question, jurisdiction="FI"))


@pytest.mark.parametrize("left_out", ["jurisdictions", "achievement_types"])
def test_leaving_an_axis_out_answers_as_the_honest_scope_does(left_out: str) -> None:
    answers = []
    for scope in (HONEST, {name: value for name, value in HONEST.items() if name != left_out}):
        town, pen = limited()
        given(town, pen, scope)
        for question in ({}, {"jurisdiction": "US-IN"}, {"jurisdiction": "US-TX"}):
            for types in (("Badge",), ("License",), ()):
                decision = asked(town, achievement_types=types, **question)
                answers.append((decision.verdict, codes(decision)))
    half = len(answers) // 2
    assert answers[:half] == answers[half:]


def test_a_proposal_that_leaves_a_limited_axis_out_is_refused_before_signing_with_the_limit() -> None:
    town, pen = limited()
    draft = explain(town, pen, "accreditation.grant", grant(scope={"credential_types": ["License"]}))
    assert (draft.state, draft.reason) == (
        EffectState.INEFFECTIVE,
        "It leaves out achievement_types, which are limited to Badge; name the ones you mean.",
    )
    assert explain(town, pen, "accreditation.grant", grant(scope=HONEST)).state is EffectState.EFFECTIVE
    granted = given(town, pen, HONEST)
    amendment = {
        "accreditation": granted.id,
        "after": [granted.id],
        "effective_from": town.time,
        "valid_from": 0,
        "scope": {"credential_types": "*", "achievement_types": ["Badge"]},
    }
    draft = explain(town, pen, "accreditation.amend", amendment, ISSUER)
    assert draft.reason == "It leaves out jurisdictions, which are limited to US-IN; name the ones you mean."


def test_the_limits_of_every_link_of_the_chain_cut_a_scope() -> None:
    """A child's limits name what its parent's do; what they add cuts further."""
    town, pen = limited({"jurisdictions": ["US"]})
    limits = {"jurisdictions": ["US-IN"], "programs": [{"id": "rn"}]}
    sub, made = delegate(town, pen, to=SUB, limits=limits)
    assert verdict_of(town, made).state is EffectState.EFFECTIVE
    given(town, sub, {"achievement_types": ["Degree"]}, "did:web:other.example")

    question = {"entity": "did:web:other.example", "achievement_types": ("Degree",)}
    assert asked(town, **question, jurisdiction="US-IN", program="rn").verdict is Verdict.TRUSTED
    assert "program_not_covered" in codes(asked(town, **question, jurisdiction="US-IN", program="md"))
    assert "jurisdiction_not_covered" in codes(asked(town, **question, jurisdiction="US-TX", program="rn"))
    assert codes(asked(town, **question)) == ["accredited", "jurisdiction_not_asked", "program_not_asked"]


def test_an_issuer_outside_the_categories_of_a_mandate_is_not_accredited_by_it() -> None:
    """Neither by silence: whom nobody that counts has said to be of a category, the mandate does not reach."""
    town, pen = limited()
    question = {"achievement_types": ("Badge",), "jurisdiction": "US-IN"}
    given(town, pen, HONEST)
    assert asked(town, **question).verdict is Verdict.TRUSTED
    given(town, pen, HONEST, "did:web:unsaid.example")
    assert codes(asked(town, entity="did:web:unsaid.example", **question)) == ["category_unknown"]
    town.says(A, "issuer.register", register("did:web:uni.example", categories=["postsecondary_4yr"]))
    given(town, pen, HONEST, "did:web:uni.example")
    assert codes(asked(town, entity="did:web:uni.example", **question)) == ["category_not_covered"]
    town.says("https://b.example/", "issuer.register", register("did:web:b.example", categories=["bootcamp"]))
    given(town, pen, HONEST, "did:web:b.example")
    assert codes(asked(town, entity="did:web:b.example", **question)) == ["category_unknown"], "B does not count here"


def test_competencies_are_an_axis_that_frameworks_do_not_escape() -> None:
    town, pen = limited({"competencies": [COMPETENCY]})
    published = town.says(A, "framework.publish", framework())
    for part in range(2):
        town.says(A, "framework.items", framework_items(published.id, part))
    beyond = given(town, pen, {"frameworks": [FRAMEWORK]})
    assert "so name competencies" in verdict_of(town, beyond).reason
    given(town, pen, {"credential_types": "*"})

    assert asked(town, competencies=(COMPETENCY,)).verdict is Verdict.TRUSTED
    assert codes(asked(town, competencies=(f"{FRAMEWORK}/2",)))[0] == "competencies_not_covered"


def test_one_above_amends_within_its_own_mandate() -> None:
    town, pen = limited({"jurisdictions": ["US-IN"]})
    granted = given(town, pen, {"achievement_types": ["Badge"], "jurisdictions": ["US-IN"]})
    wider = {
        "accreditation": granted.id,
        "after": [granted.id],
        "effective_from": town.time,
        "valid_from": 0,
        "scope": {"achievement_types": ["Badge"], "jurisdictions": ["US"]},
    }
    town.says(A, "accreditation.amend", wider, ISSUER)

    assert asked(town, achievement_types=("Badge",), jurisdiction="US-TX").verdict is Verdict.TRUSTED


def test_what_was_cut_from_a_scope_later_is_said_of_an_earlier_date() -> None:
    town, pen = limited({"jurisdictions": ["US-IN"]})
    granted = given(town, pen, {"achievement_types": ["Badge"]})
    narrower = {
        "accreditation": granted.id,
        "after": [granted.id],
        "effective_from": town.time + 5,
        "valid_from": 0,
        "scope": {"achievement_types": ["Certificate"]},
    }
    town.says(pen, "accreditation.amend", narrower, ISSUER)
    then = asked(town, achievement_types=("Badge",), jurisdiction="US-IN", time=town.time)
    assert (then.verdict, codes(then)[0]) == (Verdict.TRUSTED_HISTORICAL, "later_scope")
