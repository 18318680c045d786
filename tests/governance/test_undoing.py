"""Undoing takes what doing took: fewer than made a decision never widen, reverse or erase it.

Each attack stands beside the honest use it resembles.
"""

from typing import Any

import pytest

from accredit.governance.authority.effect import EffectState
from accredit.governance.records.reducers import in_judging_order
from accredit.governance.rules.charter import Rule
from accredit.governance.rules.rulebook import ONE
from accredit.governance.rules.undoing import TOLERANCE, join
from accredit.registry.decision.verdict import Verdict
from accredit.registry.statement import Statement
from tests.strategies.bodies import FRAMEWORK, ISSUER, SCOPE, event, framework, grant, node, register
from tests.strategies.consortium import START, Consortium, Pen
from tests.strategies.stories import (
    YEAR,
    A,
    B,
    C,
    answer,
    delegate,
    granted,
    issuer_pen,
    joint_grant,
    record_of,
    state_of,
    status,
    trio,
    verdict_of,
)
from tests.strategies.undoing_search import CROSSWALK, crosswalk

MILL = {"achievement_types": "*", "credential_types": "*", "jurisdictions": ["US"]}
LAW = ["issuer.*", "accreditation.*"]


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


def test_an_amendment_of_a_grant_that_is_not_here_waits_for_it() -> None:
    town = trio(keys=2)
    given = town.says(f"{A}#1", "accreditation.grant", grant())
    told = {
        amended(town, f"{A}#2", given): "The accreditation it names is not in effect.",
        amended(town, f"{A}#1", given): "An earlier statement of its key is missing.",
    }
    without = town.fold([one for one in town.said if one is not given])

    for said, reason in told.items():
        assert verdict_of(town, said, without).reason == reason
        assert state_of(town, said) is EffectState.EFFECTIVE


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


def test_of_two_changes_alone_the_one_that_undoes_the_other_is_judged_after_it() -> None:
    """Else a node that hears them one by one says otherwise than one that hears all at once, if their ids are so."""
    town = trio()
    given = granted(town)
    for _ in range(6):
        suspended = status(town, A, given, "suspend")
        lifted = status(town, A, given, "lift", suspended)
        assert in_judging_order([lifted, suspended]) == [suspended, lifted]


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
    narrowed = amended(town, A, granted, granted, scope=SCOPE | {"jurisdictions": ["US-IN"]})
    widened = amended(town, A, granted, granted, scope=SCOPE | {"jurisdictions": ["US", "CA"]})
    back = amended(town, A, granted, granted, narrowed, scope=SCOPE)
    ended = town.says(f"{A}#2", "key.retire", {"key": suspended.kid, "last": granted.id}, A)
    for said in (ended, suspended, narrowed):
        assert state_of(town, said) is EffectState.EFFECTIVE
    for said in (widened, back):
        assert state_of(town, said) is EffectState.VOID


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


def test_two_do_not_annul_the_withdrawal_of_a_mapping_that_takes_three() -> None:
    """A mapping that may widen a grant takes as many as a grant, and so does what brings it back."""
    town = trio(rules={"accreditation.grant": {"authorities": 3}})
    made = town.says(A, "mapping.publish", crosswalk())
    for who in (B, C):
        town.votes(who, made)
    body = {"mapping": CROSSWALK, "publish": made.id, "effective_from": town.time + 1}
    ended = town.says(A, "mapping.withdraw", body, CROSSWALK)
    back = annulled(town, A, ended)
    town.votes(B, back)
    assert [state_of(town, said) for said in (made, ended, back)] == [
        EffectState.EFFECTIVE,
        EffectState.EFFECTIVE,
        EffectState.WAITING,
    ]

    town.votes(C, back)

    assert state_of(town, back) is EffectState.EFFECTIVE


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
    repeated = said("withdrawn", withdrawn_then)
    behind_its_own = said("active", repeated)
    assert [state_of(town, s) for s in (withdrawn_then, softened, again, repeated, behind_its_own)] == [
        EffectState.EFFECTIVE,
        EffectState.WAITING,
        EffectState.WAITING,
        EffectState.EFFECTIVE,
        EffectState.WAITING,
    ]

    town.votes(C, again)
    own = said("deprecated", again)

    assert [state_of(town, s) for s in (again, own, said("active", own))] == [EffectState.EFFECTIVE] * 3


def test_a_status_of_the_same_second_as_the_one_it_follows_undoes_nothing_before_that_one() -> None:
    town = trio()
    published = town.says(A, "framework.publish", framework())
    town.time += YEAR
    later = town.time + 100

    def said(word: str, at: int, *after: Statement) -> Statement:
        body = {"framework": FRAMEWORK, "publish": published.id, "status": word, "after": [s.id for s in after]}
        return town.says(A, "framework.status", body | {"effective_from": at})

    withdrawn = said("withdrawn", START)
    town.votes(B, withdrawn)
    again = said("active", later, withdrawn)
    town.votes(C, again)

    states = [state_of(town, said("deprecated", at, again)) for at in (later, later - 1)]
    assert states == [EffectState.EFFECTIVE, EffectState.WAITING]


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


# ------------------------------------------------------------------------------------------------ joined rules


def test_a_join_asks_for_the_seats_of_every_rule_and_for_none_that_nobody_holds() -> None:
    charter = trio().fold().charter
    assert charter is not None
    held = {by.constituency for by in charter.authorities.values()}
    seat = next(one for one in sorted(held) if sum(by.constituency == one for by in charter.authorities.values()) == 1)
    asks = [Rule(authorities=2, constituencies=((seat, 3),)), Rule(authorities=2, constituencies=(("labor", 1),))]
    assert dict(join(asks, charter).constituencies) == {"labor": 0, seat: 1}
    assert join([Rule(authorities=9), ONE], charter).needed(3) == 3
    assert join([ONE, ONE], charter) == ONE
