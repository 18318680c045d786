"""Undoing takes what doing took: fewer than made a decision never widen, reverse or erase it.

Each attack stands beside the honest use it resembles.
"""

from typing import Any

import pytest

from accredit.governance.authority.effect import EffectState
from accredit.governance.rules.charter import Rule
from accredit.governance.rules.rulebook import ONE
from accredit.governance.rules.undoing import TOLERANCE, join
from accredit.registry.decision.decide import Decision, decide
from accredit.registry.decision.query import Query
from accredit.registry.decision.verdict import Verdict
from accredit.registry.encoding.ed25519 import multibase
from accredit.registry.statement import Statement
from tests.strategies.bodies import FRAMEWORK, ISSUER, SCOPE, event, framework, grant, node, register
from tests.strategies.consortium import START, Consortium, Pen, key_entry
from tests.strategies.stories import (
    A,
    B,
    C,
    amend,
    compromise,
    delegate,
    issuer_pen,
    pinned,
    record_of,
    state_of,
    trio,
    verdict_of,
)

YEAR = 365 * 86_400
MILL = {"achievement_types": "*", "credential_types": "*", "jurisdictions": ["US"]}
LAW = ["issuer.*", "accreditation.*"]


def answer(town: Consortium, *, at: int | None = None, later: int = 10, achievement: str = "BachelorDegree") -> Verdict:
    """What is decided about the issuer, `later` seconds after all that was said, as of `at`."""
    query = Query(entity=ISSUER, authority=town.id, achievement_types=(achievement,), jurisdiction="US", time=at)
    return decide(query, town.fold(), town.time + later, ecosystem_id=town.id).verdict


def granted(town: Consortium, by: str | Pen = A, **changes: Any) -> Statement:
    """An issuer, registered and accredited by one authority."""
    town.says(by, "issuer.register", register())
    return town.says(by, "accreditation.grant", grant(**changes))


def status(town: Consortium, who: str | Pen, given: Statement, word: str, *after: Statement, **more: Any) -> Statement:
    more.setdefault("effective_from", town.time + 1)
    if word in ("revoke", "withdraw"):
        more.setdefault("reason_code", "fraud")
    body = event(given.id, word, after=[s.id for s in after], **more)
    return town.says(who, "accreditation.status", body, given.sub)


def amended(town: Consortium, who: str | Pen, given: Statement, *after: Statement, **terms: Any) -> Statement:
    body = {
        "accreditation": given.id,
        "after": [s.id for s in after],
        "effective_from": town.time + 1,
        "scope": SCOPE,
        "valid_from": 0,
    }
    return town.says(who, "accreditation.amend", body | terms, given.sub)


def annulled(town: Consortium, who: str | Pen, target: Statement) -> Statement:
    return town.says(who, "statement.annul", {"target": target.id, "reason_code": "error"}, target.id.hex())


# ------------------------------------------------------------------------------------------------ amendments


def joint_grant(**charter: Any) -> tuple[Consortium, Statement]:
    """A town that asks two bodies, one nonprofit, for a grant; and a grant that A and B made."""
    town = trio(rules={"accreditation.grant": {"authorities": 2, "constituencies": {"nonprofit": 1}}}, **charter)
    town.says(A, "issuer.register", register())
    given = town.says(A, "accreditation.grant", grant())
    town.votes(B, given)
    return town, given


def test_two_keys_of_one_body_do_not_amend_a_joint_grant_to_everything() -> None:
    town, given = joint_grant(keys=2, threshold=2)
    town.votes(f"{A}#2", given)
    town.votes(f"{B}#2", given)
    assert answer(town) is Verdict.TRUSTED
    wider = amended(town, f"{A}#1", given, given, scope=MILL)
    town.votes(f"{A}#2", wider)

    assert answer(town, achievement="License") is Verdict.NOT_TRUSTED
    verdict = verdict_of(town, wider)
    assert (verdict.state, verdict.reason) == (
        EffectState.WAITING,
        "It needs 2 of 3 authorities, including 1 nonprofit.",
    )

    town.votes(f"{B}#1", wider)
    town.votes(f"{B}#2", wider)

    assert answer(town, achievement="License") is Verdict.TRUSTED


def test_whoever_made_a_joint_grant_may_narrow_its_terms_alone() -> None:
    town, given = joint_grant()
    narrower = amended(town, B, given, given, scope=SCOPE | {"jurisdictions": ["US-IN"]})

    assert state_of(town, narrower) is EffectState.EFFECTIVE
    assert answer(town) is Verdict.NOT_TRUSTED

    stranger = amended(town, C, given, given, scope=SCOPE | {"jurisdictions": ["US-OH"]})
    assert state_of(town, stranger) is not EffectState.EFFECTIVE


def test_to_make_an_uncertain_beginning_certain_is_no_narrowing() -> None:
    """Dropping "about" answers a question about that year better than before."""
    town = trio(rules={"accreditation.grant": {"authorities": 2}})
    town.says(A, "issuer.register", register())
    given = town.says(A, "accreditation.grant", grant(valid_from_precision="year"))
    town.votes(B, given)
    certain = amended(town, B, given, given, scope=SCOPE)

    assert state_of(town, certain) is EffectState.WAITING


def test_an_amendment_that_inherits_from_competencies_which_nobody_named_is_judged_like_any_other() -> None:
    """Such a scope is well-formed: whoever signs it must not bring down those who fold it."""
    town, given = joint_grant()
    inherits = {"inherit_to_narrower": True}
    narrower = amended(town, B, given, given, scope=SCOPE | {"jurisdictions": ["US-IN"]} | inherits)
    wider = amended(town, A, given, narrower, scope=MILL | inherits)

    assert state_of(town, narrower) is EffectState.EFFECTIVE
    assert state_of(town, wider) is EffectState.WAITING


def test_a_delegate_does_not_amend_away_what_the_authority_above_it_had_narrowed() -> None:
    """The wider terms lie within the grant, and yet widen."""
    town = trio()
    pen, _ = delegate(town)
    given = granted(town, pen, scope=MILL)
    narrower = amended(town, A, given, given)
    assert answer(town, achievement="License") is Verdict.NOT_TRUSTED
    back = amended(town, pen, given, narrower, scope=MILL)

    assert verdict_of(town, back).reason == f"Only {A} may undo this."
    assert answer(town, achievement="License") is Verdict.NOT_TRUSTED

    amended(town, A, given, narrower, scope=MILL)

    assert answer(town, achievement="License") is Verdict.TRUSTED


def test_an_amendment_of_the_same_second_as_the_one_it_follows_undoes_nothing_before_that_one() -> None:
    """What A had narrowed A has widened again: whoever narrows after that answers for no more."""
    town = trio()
    pen, _ = delegate(town)
    given = granted(town, pen, scope=MILL)
    narrower, at = amended(town, A, given, given), town.time + 100
    back = amended(town, A, given, narrower, scope=MILL, effective_from=at)
    own = amended(town, pen, given, back, scope=MILL | {"credential_types": ["ClrCredential"]}, effective_from=at)

    assert state_of(town, own) is EffectState.EFFECTIVE


def test_a_lift_of_the_same_second_as_the_one_it_follows_lifts_nothing_before_that_one() -> None:
    town = trio()
    pen, _ = delegate(town)
    given = granted(town, pen)
    suspended, at = status(town, A, given, "suspend"), town.time + 100
    lifted = status(town, A, given, "lift", suspended, effective_from=at)
    own = status(town, pen, given, "suspend", lifted, effective_from=at)
    again = status(town, pen, given, "lift", own, effective_from=at)

    assert state_of(town, again) is EffectState.EFFECTIVE


def test_a_lift_of_the_same_second_as_an_annulment_lifts_nothing_that_was_wrong_by_then() -> None:
    town = trio()
    pen, _ = delegate(town)
    given = granted(town, pen)
    suspended, at = status(town, A, given, "suspend"), town.time + 100
    wrong = status(town, A, given, "annul", suspended, effective_from=at)
    own = status(town, pen, given, "suspend", wrong, effective_from=at)
    again = status(town, pen, given, "lift", own, effective_from=at)

    assert state_of(town, again) is EffectState.EFFECTIVE


def test_one_of_several_drops_no_condition_of_what_they_granted_together_and_may_add_one() -> None:
    kept, more = {"text": "Report each year."}, {"text": "Report each month."}
    for conditions, state in (([more], EffectState.WAITING), ([kept, more], EffectState.EFFECTIVE)):
        town = trio(rules={"accreditation.grant": {"authorities": 2}})
        given = granted(town, scope=SCOPE, conditions=[kept])
        town.votes(B, given)
        assert state_of(town, amended(town, A, given, given, conditions=conditions)) is state


def test_a_statement_reaches_back_beyond_a_day_and_no_sooner() -> None:
    for seconds, state in ((TOLERANCE, EffectState.EFFECTIVE), (TOLERANCE + 1, EffectState.WAITING)):
        town = trio()
        given = granted(town)
        town.time += YEAR
        assert state_of(town, status(town, A, given, "suspend", effective_from=town.time + 1 - seconds)) is state


def test_a_constituency_is_met_by_its_own_members_and_by_nobody_else() -> None:
    town = trio(rules={"accreditation.grant": {"authorities": 1, "constituencies": {"public": 1}}})
    by_others, by_its_own = town.says(A, "accreditation.grant", grant()), town.says(B, "accreditation.grant", grant())
    assert [state_of(town, one) for one in (by_others, by_its_own)] == [EffectState.WAITING, EffectState.EFFECTIVE]


def test_an_amendment_that_reaches_back_takes_two_authorities() -> None:
    town = trio()
    given = granted(town)
    town.time += YEAR
    back = amended(town, A, given, given, scope=SCOPE | {"jurisdictions": ["US-IN"]}, effective_from=START)

    assert answer(town, at=START + 10) is Verdict.TRUSTED
    assert state_of(town, back) is EffectState.WAITING

    town.votes(B, back)

    assert answer(town, at=START + 10) is Verdict.NOT_TRUSTED


# ------------------------------------------------------------------------------------------------ events


@pytest.mark.parametrize("word", ["lift", "reinstate", "renew", "stay", "annul", "appeal_decide"])
def test_a_delegate_alone_undoes_nothing_that_the_authority_above_it_imposed(word: str) -> None:
    town = trio()
    pen, _ = delegate(town)
    given = granted(town, pen)
    imposed = status(town, A, given, "suspend")
    undone = status(town, pen, given, word, imposed)

    assert answer(town) is Verdict.SUSPENDED
    assert verdict_of(town, undone).reason == f"Only {A} may undo this."

    by_above = status(town, A, given, word, imposed)

    assert state_of(town, by_above) is EffectState.EFFECTIVE
    assert answer(town) is not Verdict.SUSPENDED or word == "appeal_decide"


@pytest.mark.parametrize("word", ["lift", "reinstate", "renew", "stay", "annul"])
def test_a_delegate_undoes_what_it_imposed_itself(word: str) -> None:
    town = trio()
    pen, _ = delegate(town)
    given = granted(town, pen)
    status(town, pen, given, word, status(town, pen, given, "suspend"))

    assert answer(town) in (Verdict.TRUSTED, Verdict.TRUSTED_WITH_ADVISORY)


@pytest.mark.parametrize("word", ["lift", "reinstate", "renew", "stay", "annul"])
def test_one_body_does_not_undo_a_void_revocation_by_two(word: str) -> None:
    town = trio()
    given = granted(town)
    revoked = status(town, A, given, "revoke", void_from=START)
    town.votes(B, revoked)
    assert answer(town, at=START + 5) is Verdict.NOT_TRUSTED
    undone = status(town, A, given, word, revoked)

    assert answer(town) is Verdict.NOT_TRUSTED
    assert verdict_of(town, undone).reason == "It needs 2 of 3 authorities."

    town.votes(C, undone)

    assert state_of(town, undone) is EffectState.EFFECTIVE
    assert answer(town) in (Verdict.TRUSTED, Verdict.TRUSTED_WITH_ADVISORY)


def test_what_was_undone_in_its_own_right_stands_in_nobodys_way_afterwards() -> None:
    town = trio()
    given = granted(town)
    revoked = status(town, A, given, "revoke", void_from=START)
    town.votes(B, revoked)
    reinstated = status(town, A, given, "reinstate", revoked)
    town.votes(B, reinstated)
    suspended = status(town, A, given, "suspend", reinstated)
    lifted = status(town, A, given, "lift", suspended)

    assert state_of(town, lifted) is EffectState.EFFECTIVE
    assert answer(town) is Verdict.TRUSTED


def test_a_stay_that_has_lapsed_does_not_open_what_it_stayed() -> None:
    """Else whoever may lift what followed the stay would lift what two had imposed before it."""
    town = trio()
    given = granted(town)
    revoked = status(town, A, given, "revoke", void_from=START)
    town.votes(B, revoked)
    stayed = status(town, A, given, "stay", revoked, effective_until=town.time + 100)
    town.votes(B, stayed)
    suspended = status(town, A, given, "suspend", stayed)
    lifted = status(town, A, given, "lift", suspended)

    assert answer(town, later=200) is Verdict.NOT_TRUSTED
    assert verdict_of(town, lifted).reason == "It needs 2 of 3 authorities."


def test_a_lift_that_starts_before_the_joint_one_it_follows_lifts_nothing_joint() -> None:
    town = trio()
    given = granted(town)
    revoked = status(town, A, given, "revoke", void_from=START)
    town.votes(B, revoked)
    reinstated = status(town, A, given, "reinstate", revoked, effective_from=town.time + YEAR)
    town.votes(B, reinstated)
    lifted = status(town, A, given, "lift", status(town, A, given, "suspend", reinstated))

    assert answer(town) is Verdict.NOT_TRUSTED
    assert state_of(town, lifted) is EffectState.WAITING


def test_an_annulled_suspension_need_not_be_lifted_as_well() -> None:
    town = trio()
    pen, _ = delegate(town)
    given = granted(town, pen)
    imposed = status(town, A, given, "suspend")
    wrong = status(town, A, given, "annul", imposed)
    own = status(town, pen, given, "suspend", wrong)
    lifted = status(town, pen, given, "lift", own)

    assert state_of(town, lifted) is EffectState.EFFECTIVE
    assert answer(town) is Verdict.TRUSTED


def test_an_event_that_names_another_accreditations_suspension_undoes_nothing_of_it() -> None:
    town = trio()
    pen, _ = delegate(town)
    given = granted(town, pen)
    other = town.says(A, "accreditation.grant", grant("did:web:other.example"))
    elsewhere = status(town, A, other, "suspend")
    renewed = status(town, pen, given, "renew", elsewhere)

    assert state_of(town, renewed) is EffectState.EFFECTIVE
    assert record_of(town, "accreditation", other.id.hex())["events"][0]["event"] == "suspend"


def test_a_joint_suspension_of_another_accreditation_of_the_issuers_does_not_weigh_on_ones_own() -> None:
    town = trio()
    pen, _ = delegate(town)
    given, other = granted(town, pen), town.says(A, "accreditation.grant", grant())
    elsewhere = status(town, A, other, "suspend")

    assert state_of(town, status(town, pen, given, "renew", elsewhere)) is EffectState.EFFECTIVE
    assert answer(town) is Verdict.TRUSTED


def test_what_an_issuers_key_says_for_an_authority_is_refused_as_no_key_of_its() -> None:
    town = trio()
    given = granted(town)
    pen = issuer_pen(town)
    said = town.says(Pen(pen.name, A, pen.seq, pen.prev), "accreditation.status", event(given.id, "renew"), ISSUER)

    assert verdict_of(town, said).reason == "Its key is not a valid key of the authority it names."


def test_a_proposal_that_passes_after_it_was_lifted_unseen_holds() -> None:
    town = trio()
    given = granted(town)
    revoked = status(town, A, given, "revoke", void_from=START)
    lifted = status(town, A, given, "reinstate", revoked)
    assert state_of(town, lifted) is EffectState.EFFECTIVE
    town.votes(B, revoked)

    assert answer(town) is Verdict.NOT_TRUSTED
    assert state_of(town, lifted) is EffectState.WAITING


def test_each_body_of_a_joint_grant_suspends_it_alone_and_only_the_joint_rule_brings_it_back() -> None:
    town, given = joint_grant()
    suspended = status(town, B, given, "suspend")
    assert answer(town) is Verdict.SUSPENDED
    by_one = status(town, B, given, "lift", suspended)
    assert verdict_of(town, by_one).reason == "It needs 2 of 3 authorities, including 1 nonprofit."
    assert answer(town) is Verdict.SUSPENDED

    town.votes(A, by_one)

    assert answer(town) is Verdict.TRUSTED


def test_a_body_that_had_no_hand_in_a_joint_grant_does_not_suspend_it_alone() -> None:
    town, given = joint_grant()
    suspended = status(town, C, given, "suspend")

    assert verdict_of(town, suspended).reason == f"Only {A} or {B} may change it."
    assert answer(town) is Verdict.TRUSTED


# ------------------------------------------------------------------------------------------------ annulments


def test_two_do_not_annul_what_asks_for_all_three() -> None:
    town = trio(rules={"accreditation.status": {"authorities": 3}})
    given = granted(town)
    revoked = status(town, A, given, "revoke")
    town.votes(B, revoked)
    town.votes(C, revoked)
    wrong = annulled(town, A, revoked)
    town.votes(B, wrong)

    assert answer(town) is Verdict.NOT_TRUSTED
    assert verdict_of(town, wrong).reason == "It needs 3 of 3 authorities."

    town.votes(C, wrong)

    assert answer(town) is Verdict.TRUSTED


def test_a_lone_suspension_of_a_joint_grant_is_not_taken_back_by_ending_the_key_that_said_it() -> None:
    town = trio(keys=2, rules={"accreditation.grant": {"authorities": 2}})
    town.says(A, "issuer.register", register())
    granted = town.says(A, "accreditation.grant", grant(scope=SCOPE))
    town.votes(B, granted)
    suspended = town.says(A, "accreditation.status", event(granted.id, "suspend"), ISSUER)
    ended = town.says(f"{A}#2", "key.retire", {"key": suspended.kid, "last": granted.id}, A)
    assert state_of(town, ended) is EffectState.EFFECTIVE
    assert state_of(town, suspended) is EffectState.EFFECTIVE


def test_two_do_not_annul_narrower_terms_of_what_took_three() -> None:
    town = trio(rules={"accreditation.grant": {"authorities": 3}})
    town.says(A, "issuer.register", register())
    granted = town.says(A, "accreditation.grant", grant(scope=SCOPE))
    for by in (B, C):
        town.votes(by, granted)
    body = {"accreditation": granted.id, "after": [granted.id], "effective_from": town.time, "valid_from": 0}
    narrower = town.says(A, "accreditation.amend", body | {"scope": {**SCOPE, "jurisdictions": ["US-IN"]}}, ISSUER)
    assert state_of(town, narrower) is EffectState.EFFECTIVE
    wrong = annulled(town, A, narrower)
    town.votes(B, wrong)
    assert state_of(town, wrong) is EffectState.WAITING
    town.votes(C, wrong)
    assert state_of(town, wrong) is EffectState.EFFECTIVE


def test_two_do_not_annul_the_suspension_of_what_took_three() -> None:
    """What narrowed counts with the weight of what it narrowed."""
    town = trio(rules={"accreditation.grant": {"authorities": 3}})
    given = granted(town)
    town.votes(B, given)
    town.votes(C, given)
    suspended = status(town, A, given, "suspend")
    wrong = annulled(town, A, suspended)
    town.votes(B, wrong)
    assert answer(town) is Verdict.SUSPENDED

    town.votes(C, wrong)

    assert answer(town) is Verdict.TRUSTED


def test_two_do_not_annul_the_retirement_of_a_node_where_three_admit_one() -> None:
    town = trio(rules={"node.admit": {"authorities": 3}}, nodes=[node("n0.example")])
    retired = town.says(A, "node.retire", {"name": "n0.example"})
    town.votes(B, retired)
    wrong = annulled(town, A, retired)
    town.votes(B, wrong)
    assert record_of(town, "node", "n0.example")["retired"] is not None

    town.votes(C, wrong)

    assert record_of(town, "node", "n0.example")["retired"] is None


def test_a_publisher_alone_does_not_take_back_a_withdrawal_by_two() -> None:
    town = trio()
    published = town.says(A, "framework.publish", framework())
    town.time += YEAR

    def said(word: str, *after: Statement, **more: int) -> Statement:
        body = {"framework": FRAMEWORK, "publish": published.id, "status": word, "after": [s.id for s in after]}
        return town.says(A, "framework.status", body | {"effective_from": town.time + 1} | more)

    withdrawn_then = said("withdrawn", effective_from=START)
    assert state_of(town, withdrawn_then) is EffectState.WAITING
    town.votes(B, withdrawn_then)
    softened, again = said("deprecated", withdrawn_then), said("active", withdrawn_then)
    assert [state_of(town, s) for s in (withdrawn_then, softened, again)] == [
        EffectState.EFFECTIVE,
        EffectState.WAITING,
        EffectState.WAITING,
    ]

    town.votes(C, again)
    own = said("deprecated", again)

    assert [state_of(town, s) for s in (again, own, said("active", own))] == [EffectState.EFFECTIVE] * 3


# ------------------------------------------------------------------------------------------------ cut-offs


def revoked_by_two() -> tuple[Consortium, Statement, Statement]:
    town = trio(keys=2)
    given = granted(town, f"{A}#1")
    last = town.said[-1]
    revoked = status(town, f"{A}#1", given, "revoke", void_from=START)
    town.votes(f"{B}#1", revoked)
    assert answer(town) is Verdict.NOT_TRUSTED
    return town, last, revoked


@pytest.mark.parametrize("kind", ["key.retire", "key.rotate", "key.compromise"])
def test_one_body_does_not_take_back_a_joint_revocation_by_ending_its_own_key(kind: str) -> None:
    town, last, revoked = revoked_by_two()
    body: dict[str, Any] = {"key": town.pen(f"{A}#1").kid, "last": last.id}
    if kind == "key.rotate":
        body["new"] = key_entry(Pen("new of A", A), budget=50)
    town.says(f"{A}#2", kind, body, A)

    assert answer(town) is Verdict.NOT_TRUSTED
    assert state_of(town, revoked) is EffectState.EFFECTIVE
    assert town.fold().is_committed(revoked.id)


def test_as_many_as_a_decision_took_end_the_key_that_helped_to_carry_it_and_it_falls() -> None:
    """This cures a joint theft."""
    town, last, revoked = revoked_by_two()
    town.votes(f"{B}#2", compromise(town, f"{A}#2", town.pen(f"{A}#1"), last))

    assert state_of(town, revoked) is EffectState.VOID
    assert answer(town) is Verdict.TRUSTED


def test_one_body_does_not_take_back_its_vote_by_ending_the_key() -> None:
    town = trio(keys=2)
    given = granted(town, f"{A}#1")
    revoked = status(town, f"{A}#1", given, "revoke", void_from=START)
    before = town.says(f"{B}#1", "issuer.register", register("did:web:other.example"))
    town.votes(f"{B}#1", revoked)
    admitted = town.says(f"{A}#1", "node.admit", node("n1.example"))
    town.votes(f"{B}#1", admitted)
    compromise(town, f"{B}#2", town.pen(f"{B}#1"), before)

    assert answer(town) is Verdict.NOT_TRUSTED
    assert record_of(town, "node", "n1.example")["operator"] == A


def test_one_body_voids_what_it_said_alone() -> None:
    town = trio(keys=2)
    given = granted(town, f"{A}#1")
    last = town.said[-1]
    forged = town.says(f"{A}#1", "accreditation.grant", grant("did:web:mill.example"))
    suspended = status(town, f"{A}#1", given, "suspend")
    compromise(town, f"{A}#2", town.pen(f"{A}#1"), last)

    assert state_of(town, forged) is EffectState.VOID
    assert state_of(town, suspended) is EffectState.VOID


def test_keys_long_retired_carry_nothing_between_them() -> None:
    """Who has bought the retired keys of two bodies dates what he signs with them as he likes."""
    town = trio(keys=2)
    town.time += 100
    ends = {}
    for by in (A, B):
        ends[by] = town.pen(f"{by}#1").copy()
        compromise(town, f"{by}#2", town.pen(f"{by}#1"), town.genesis if by == A else None)
    bought = town.says(ends[A], "node.admit", node("bought.example"), iat=START + 50)
    town.says(ends[B], "vote.approve", {"targets": [bought.id]}, town.eco.hex(), iat=START + 50)

    assert state_of(town, bought) is not EffectState.EFFECTIVE


def test_a_retired_key_and_a_live_one_carry_nothing_new() -> None:
    town = trio(keys=2)
    old = town.pen(f"{A}#1").copy()
    compromise(town, f"{A}#2", town.pen(f"{A}#1"), town.genesis)
    later = town.says(f"{B}#1", "issuer.register", register())
    admitted = town.says(f"{B}#1", "node.admit", node("new.example"))
    old_vote = town.says(old, "vote.approve", {"targets": [admitted.id]}, town.eco.hex(), iat=START + 1)

    assert state_of(town, later) is EffectState.EFFECTIVE
    assert state_of(town, admitted) is EffectState.WAITING
    assert verdict_of(town, old_vote).state is EffectState.VOID


def test_one_person_is_not_two_by_rotating_his_key() -> None:
    """The old key votes, is rotated, and the new one votes again."""
    town = trio(keys=3, threshold=2)
    body = {"key": town.pen(f"{A}#1").kid, "last": None, "new": key_entry(Pen("new of A", A), budget=50)}
    given = town.says(f"{A}#1", "issuer.register", register())
    body["last"] = given.id
    rotated = town.says(f"{A}#1", "key.rotate", body, A)
    town.votes(f"{A}#2", rotated)
    town.votes(Pen("new of A", A), given)

    assert state_of(town, rotated) is EffectState.EFFECTIVE
    assert state_of(town, given) is EffectState.WAITING


def test_a_colleague_carries_what_was_said_with_a_key_rotated_since() -> None:
    """The honest use: who has lost a key says nothing twice, and nobody has to say anything again."""
    town = trio(keys=3, threshold=2)
    given = town.says(f"{A}#1", "issuer.register", register())
    body = {"key": town.pen(f"{A}#1").kid, "last": given.id, "new": key_entry(Pen("new of A", A), budget=50)}
    town.votes(f"{A}#2", town.says(f"{A}#1", "key.rotate", body, A))
    assert state_of(town, given) is EffectState.WAITING
    town.votes(f"{A}#3", given)
    assert state_of(town, given) is EffectState.EFFECTIVE


def test_a_committed_successor_alone_does_not_take_back_what_two_keys_of_its_body_said() -> None:
    town = trio(keys=2, threshold=2, next_keys=True)
    town.says(f"{A}#1", "issuer.register", register())
    town.votes(f"{A}#2", town.said[-1])
    given = town.says(f"{A}#1", "accreditation.grant", grant())
    last = town.votes(f"{A}#2", given)
    suspended = status(town, f"{A}#1", given, "suspend")
    town.votes(f"{A}#2", suspended)
    assert answer(town) is Verdict.SUSPENDED
    successor = town.pen(f"{A}#2 next", A)
    cut = compromise(town, successor, town.pen(f"{A}#2"), last, public=successor.public)

    assert state_of(town, cut) is EffectState.EFFECTIVE
    assert answer(town) is Verdict.SUSPENDED

    town.votes(f"{A}#1", compromise(town, successor, town.pen(f"{A}#2"), last))
    assert answer(town) is Verdict.SUSPENDED  # the successor is no key of the authority's: one key is not two


# ------------------------------------------------------------------------------------------------ withdrawals


def withdrawn(town: Consortium, who: str | Pen, made: Statement, *heads: Statement, **changes: Any) -> Statement:
    named = [{"key": s.kid, "id": s.id} for s in heads]
    body = {"delegation": made.id, "heads": named, "effective_from": town.time + 1} | changes
    return town.says(who, "authority.withdraw", body, made.body["delegate"])


def test_a_withdrawal_with_early_heads_lifts_no_suspension() -> None:
    town = trio()
    pen, made = delegate(town)
    given = granted(town, pen)
    suspended = status(town, pen, given, "suspend")
    withdrawn(town, A, made, given)

    assert state_of(town, suspended) is EffectState.EFFECTIVE
    assert answer(town) is Verdict.SUSPENDED

    status(town, A, given, "lift", suspended)

    assert answer(town) in (Verdict.TRUSTED, Verdict.TRUSTED_WITH_ADVISORY)


def test_a_withdrawal_that_names_no_heads_does_not_erase_an_honest_issuers_past() -> None:
    town = trio()
    pen, made = delegate(town)
    given = granted(town, pen)
    then = town.time
    withdrawal = withdrawn(town, A, made)
    late = town.says(pen, "accreditation.grant", grant("did:web:late.example"))

    assert state_of(town, withdrawal) is EffectState.EFFECTIVE
    assert state_of(town, given) is EffectState.EFFECTIVE
    assert state_of(town, late) is EffectState.INEFFECTIVE
    assert answer(town, at=then) is not Verdict.NOT_TRUSTED

    town.votes(B, withdrawal)

    assert state_of(town, given) is EffectState.INEFFECTIVE


# ------------------------------------------------------------------------------------------------ times


@pytest.mark.parametrize("way", ["void_from", "effective_from"])
def test_one_body_does_not_revoke_back_in_time_however_it_is_spelt(way: str) -> None:
    town = trio()
    given = granted(town)
    then = town.time
    town.time += YEAR
    revoked = status(town, A, given, "revoke", **{way: START})

    assert answer(town, at=then) is Verdict.TRUSTED
    assert verdict_of(town, revoked).reason == "It needs 2 of 3 authorities."

    town.votes(C, revoked)

    assert answer(town, at=then) is Verdict.NOT_TRUSTED


def test_a_back_dated_reinstatement_does_not_wipe_out_a_past_suspension() -> None:
    town = trio()
    given = granted(town)
    suspended = status(town, A, given, "suspend")
    then = town.time
    town.time += YEAR
    back = status(town, A, given, "reinstate", suspended, effective_from=0)
    assert state_of(town, back) is EffectState.WAITING
    now = status(town, A, given, "reinstate", suspended)

    assert state_of(town, now) is EffectState.EFFECTIVE
    assert answer(town, at=then) is Verdict.SUSPENDED
    assert answer(town) is Verdict.TRUSTED

    town.votes(B, back)

    assert answer(town, at=then) is Verdict.TRUSTED


def test_a_reinstatement_by_two_reaches_back_no_further_than_the_charter_lets_it() -> None:
    town = trio(max_backdating=1_000)
    given = granted(town, valid_from=START)
    suspended = status(town, A, given, "suspend")
    then = town.time
    town.time += YEAR
    back = status(town, A, given, "reinstate", suspended, effective_from=0)
    town.votes(B, back)

    assert answer(town, at=then) is Verdict.SUSPENDED
    assert answer(town, at=back.iat - 900) is Verdict.TRUSTED


def test_a_decision_takes_effect_when_its_last_needed_vote_was_cast() -> None:
    """A second suspension approved late does not change times already answered for."""
    town = trio(rules={"accreditation.status": {"authorities": 2}})
    given = granted(town)
    suspended = status(town, A, given, "suspend")
    town.time += 10_000
    between = town.time
    assert answer(town, at=between) is Verdict.TRUSTED
    vote = town.votes(B, suspended)

    assert answer(town) is Verdict.SUSPENDED
    assert answer(town, at=between) is not Verdict.SUSPENDED
    assert answer(town, at=vote.iat) is Verdict.SUSPENDED
    (kept,) = record_of(town, "accreditation", given.id.hex())["events"]
    assert kept["effective_from"] == vote.iat
    assert verdict_of(town, suspended).since == vote.iat


def test_what_takes_two_keys_of_a_body_counts_from_the_second_ones_word() -> None:
    town = trio(keys=2, threshold=2)
    given = town.says(f"{A}#1", "accreditation.grant", grant())
    town.time += 10_000
    vote = town.votes(f"{A}#2", given)
    assert verdict_of(town, given).since == vote.iat > given.iat
    assert record_of(town, "accreditation", given.id.hex())["terms"][0]["met"] == vote.iat


def test_a_fresh_key_dated_before_its_introduction_gives_nothing() -> None:
    town = trio(max_backdating=1_000)
    town.time += YEAR
    pen = Pen("fresh of A", A)
    town.says(A, "issuer.register", register())
    town.says(A, "key.add", key_entry(pen, budget=50), A)
    early = town.says(pen, "accreditation.grant", grant(), iat=START - YEAR)

    assert verdict_of(town, early).reason.startswith("It is dated before its key was introduced")
    assert answer(town, at=START - YEAR + 10) is not Verdict.TRUSTED

    honest = town.says(Pen("fresh of A", A), "accreditation.grant", grant())

    assert state_of(town, honest) is EffectState.WAITING  # the key has forked by now
    second = Pen("second fresh of A", A)
    town.says(A, "key.add", key_entry(second, budget=50), A)
    town.says(second, "accreditation.grant", grant())
    assert answer(town) is Verdict.TRUSTED


def test_a_fresh_key_that_adds_itself_with_an_early_date_is_no_older_by_that() -> None:
    town = trio()
    town.time += YEAR
    pen = Pen("fresh of A", A)
    town.says(A, "key.add", key_entry(pen, budget=50), A)
    town.says(pen, "key.add", key_entry(pen, budget=0), A, iat=START + 1)
    early = town.says(pen, "accreditation.grant", grant(), iat=START + 2)

    assert verdict_of(town, early).reason.startswith("It is dated before its key was introduced")


def test_a_narrowing_by_a_fresh_key_reaches_back_no_further_than_its_introduction() -> None:
    town = trio()
    given = granted(town)
    then = town.time
    town.time += YEAR
    pen = Pen("fresh of A", A)
    town.says(A, "key.add", key_entry(pen, budget=50), A)
    body = event(given.id, "suspend", effective_from=START)
    town.says(pen, "accreditation.status", body, given.sub, iat=START)

    assert answer(town, at=then) is not Verdict.SUSPENDED
    assert answer(town) is Verdict.SUSPENDED


def test_an_expired_delegate_that_dates_a_grant_back_is_not_believed_until_somebody_else_shows_it() -> None:
    town = trio()
    end = town.time + 1_000
    pen, _ = delegate(town, valid_until=end)
    given = granted(town, pen)
    town.votes(B, given)
    honest = answer(town, at=town.time)
    town.time += YEAR
    assert honest is Verdict.TRUSTED
    assert answer(town, at=given.iat) is Verdict.TRUSTED_HISTORICAL

    mill = "did:web:mill.example"
    town.says(pen, "issuer.register", register(mill), iat=end - 10)
    town.says(pen, "accreditation.grant", grant(mill), iat=end - 5)
    query = Query(
        entity=mill, authority=town.id, achievement_types=("BachelorDegree",), jurisdiction="US", time=end - 1
    )
    found = decide(query, town.fold(), town.time, ecosystem_id=town.id)

    assert found.verdict is Verdict.INDETERMINATE
    assert found.reasons[0].code == "unanchored"


def test_the_heads_of_an_amendment_show_that_an_expired_delegate_said_something_in_time() -> None:
    town = trio()
    end = town.time + 1_000
    pen, _ = delegate(town, valid_until=end)
    given = granted(town, pen)
    town.time += YEAR
    assert answer(town, at=given.iat) is Verdict.INDETERMINATE
    amendment = amend(town, A)
    for by in (B, C):
        town.votes(by, amendment)
    assert answer(town, at=given.iat) is Verdict.TRUSTED_HISTORICAL


def test_an_expired_delegate_that_dates_a_key_back_is_not_believed_until_somebody_else_shows_it() -> None:
    """Else he signs old credentials of a real issuer's, years later, with a key of his own."""
    town = trio()
    end = town.time + 1_000
    pen, made = delegate(town, valid_until=end)
    own, forged = Pen("the college's", ISSUER), Pen("the forger's", ISSUER)
    town.says(pen, "issuer.register", register(keys=[pinned(own)]))
    registered = town.said[-1]
    given = town.says(pen, "accreditation.grant", grant())
    town.votes(B, registered, given)

    def asked(key: Pen) -> Decision:
        query = Query(
            entity=ISSUER,
            authority=town.id,
            achievement_types=("BachelorDegree",),
            jurisdiction="US",
            time=end - 1,
            key=multibase(key.public),
        )
        return decide(query, town.fold(), town.time + 1, ecosystem_id=town.id)

    town.time += YEAR
    body = {"issuer": ISSUER, "op": "add", "key": {**pinned(forged), "id": f"{ISSUER}#old"}}
    said = town.says(pen, "issuer.key", body, iat=end - 10)

    assert asked(own).verdict is Verdict.TRUSTED_HISTORICAL, "what another body has shown to be there stands"
    found = asked(forged)
    assert (found.verdict, found.reasons[0].code) == (Verdict.INDETERMINATE, "key_unanchored")

    closed = {"delegation": made.id, "heads": [{"key": pen.kid, "id": said.id}], "effective_from": end}
    town.says(A, "authority.withdraw", closed, made.sub)
    assert asked(forged).verdict is Verdict.TRUSTED_HISTORICAL, "whoever gave the mandate vouches for what it names"


def test_a_date_far_ahead_takes_no_effect_before_it_comes_and_its_key_is_told_why_it_is_stuck() -> None:
    town = trio()
    far = 253_370_764_800  # the year 9999
    town.says(A, "issuer.register", register())
    given = town.says(A, "accreditation.grant", grant(), iat=far)
    stuck = town.says(A, "accreditation.grant", grant("did:web:other.example"))

    assert answer(town) is Verdict.NOT_TRUSTED
    assert verdict_of(town, given).since == far
    assert verdict_of(town, stuck).reason.startswith("Its key has already signed number")


# ------------------------------------------------------------------------------------------------ anchors


@pytest.mark.parametrize("kind", ["key.add", "key.rotate"])
def test_a_voucher_that_the_forked_key_introduced_itself_vouches_for_nothing(kind: str) -> None:
    """A rotation is not held up by the fork, for it takes a key away."""
    town = trio(keys=2)
    before = town.says(f"{A}#1", "issuer.register", register("did:web:before.example"))
    thief = town.pen(f"{A}#1").copy()
    honest = town.says(f"{A}#1", "accreditation.grant", grant())
    minted = Pen("minted", A)
    entry = key_entry(minted, budget=50)
    town.says(
        thief,
        kind,
        entry if kind == "key.add" else {"key": town.pen(f"{A}#2").kid, "last": town.pen(f"{A}#2").prev, "new": entry},
        A,
    )
    forged = town.says(thief, "accreditation.grant", grant("did:web:mill.example"))
    town.votes(minted, forged)

    assert state_of(town, before) is EffectState.EFFECTIVE
    assert state_of(town, forged) is EffectState.WAITING
    town.votes(f"{B}#1", honest)
    assert state_of(town, honest) is EffectState.EFFECTIVE


def test_an_issuers_key_vouches_for_no_branch() -> None:
    """It speaks for no authority; who has stolen a key will have a friend among the issuers."""
    town = trio()
    friend = town.pen("friend", ISSUER)
    key = {"id": f"{ISSUER}#k", "public_key_multibase": "", "budget": 50}
    from accredit.registry.encoding.ed25519 import multibase

    key["public_key_multibase"] = multibase(friend.public)
    town.says(A, "issuer.register", register(keys=[key]))
    thief = town.pen(A).copy()
    town.says(A, "accreditation.grant", grant())
    forged = town.says(thief, "accreditation.grant", grant("did:web:mill.example"))
    town.votes(friend, forged)

    assert state_of(town, forged) is EffectState.WAITING


def test_a_cut_off_by_an_accomplice_anchors_no_branch() -> None:
    """He names the stolen key in a delegation of his own, and ends it there."""
    town = trio()
    friend = town.pen("friend", "https://friend.example/")
    thief = town.pen(A).copy()
    town.says(A, "accreditation.grant", grant())
    minted, made = delegate(town, thief, to="https://friend.example/")
    forged = town.says(thief, "accreditation.grant", grant("did:web:mill.example"))
    claimed = made.body | {"keys": [key_entry(town.pen(A), budget=0), key_entry(friend, budget=5)]}
    town.says(minted, "authority.delegate", claimed)
    compromise(town, friend, town.pen(A), forged)

    assert state_of(town, forged) is EffectState.WAITING


# ------------------------------------------------------------------------------------------------ at the boundary


def test_a_join_asks_for_the_seats_of_every_rule_and_for_none_that_nobody_holds() -> None:
    charter = trio().fold().charter
    assert charter is not None
    held = {by.constituency for by in charter.authorities.values()}
    seat = next(one for one in sorted(held) if sum(by.constituency == one for by in charter.authorities.values()) == 1)
    asks = [Rule(authorities=2, constituencies=((seat, 3),)), Rule(authorities=2, constituencies=(("labor", 1),))]
    assert dict(join(asks, charter).constituencies) == {"labor": 0, seat: 1}
    assert join([Rule(authorities=9), ONE], charter).needed(3) == 3
    assert join([ONE, ONE], charter) == ONE


def test_a_key_may_speak_from_the_second_in_which_it_was_introduced() -> None:
    town = trio()
    new = Pen("a second key of A", A)
    introduced = town.says(A, "key.add", key_entry(new), A)
    early = town.says(Pen(new.name, A), "issuer.register", register(), iat=introduced.iat - 1, heard=False)
    said = town.says(new, "issuer.register", register(), iat=introduced.iat)
    assert state_of(town, said) is EffectState.EFFECTIVE
    town.said[-1] = early
    assert state_of(town, early) is EffectState.INEFFECTIVE


def test_what_needs_two_is_not_carried_by_a_proposal_dated_before_its_key_was_introduced() -> None:
    town, _ = joint_grant()
    town.time += YEAR
    pen = Pen("fresh of A", A)
    town.says(A, "key.add", key_entry(pen, budget=50), A)
    early = town.says(pen, "accreditation.grant", grant(), iat=START - YEAR)
    town.votes(B, early)
    assert verdict_of(town, early).reason.startswith("It is dated before its key was introduced")
