"""No date that its author chooses reaches further than what others can vouch for.

Each attack stands beside the honest use it resembles.
"""

import pytest

from accredit.governance.authority.effect import EffectState
from accredit.registry.decision.decide import Decision, decide
from accredit.registry.decision.query import Query
from accredit.registry.decision.verdict import Verdict
from accredit.registry.encoding.ed25519 import multibase
from tests.strategies.bodies import ISSUER, event, grant, register
from tests.strategies.consortium import START, Pen, fold_of, key_entry
from tests.strategies.stories import (
    DELEGATE,
    YEAR,
    A,
    B,
    C,
    amend,
    answer,
    delegate,
    explain,
    granted,
    joint_grant,
    pinned,
    record_of,
    state_of,
    status,
    trio,
    verdict_of,
)


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


@pytest.mark.parametrize(("late", "verdict"), [(0, Verdict.TRUSTED_HISTORICAL), (1, Verdict.INDETERMINATE)])
def test_the_heads_of_an_amendment_show_that_an_expired_delegate_said_something_if_they_were_given_in_time(
    late: int, verdict: Verdict
) -> None:
    town = trio()
    end = town.time + 1_000
    pen, _ = delegate(town, valid_until=end)
    given = granted(town, pen)
    town.time = end + late - 1  # the amendment comes a second later
    amendment = amend(town, A)
    town.time += YEAR
    assert answer(town, at=given.iat) is Verdict.INDETERMINATE
    town.votes(B, amendment)
    assert answer(town, at=given.iat) is verdict


@pytest.mark.parametrize(
    ("by", "covers", "verdict"),
    [
        (A, True, Verdict.TRUSTED_HISTORICAL),
        (A, False, Verdict.INDETERMINATE),
        (DELEGATE, True, Verdict.INDETERMINATE),
    ],
)
def test_the_heads_of_a_withdrawal_show_what_they_cover_if_an_authority_of_the_charter_names_them(
    by: str, covers: bool, verdict: Verdict
) -> None:
    """A delegate that delegates would else vouch for whatever its own delegate dates back."""
    town = trio()
    end = town.time + 1_000
    pen, _ = delegate(town, actions=["issuer.*", "accreditation.*", "authority.*"], limits={"max_depth": 1})
    sub, made = delegate(town, pen, to="https://sub.example/", valid_until=end)
    registered, given = town.says(sub, "issuer.register", register()), town.says(sub, "accreditation.grant", grant())
    town.time += YEAR
    assert answer(town, at=given.iat) is Verdict.INDETERMINATE

    head = given if covers else registered
    body = {"delegation": made.id, "heads": [{"key": sub.kid, "id": head.id}], "effective_from": end}
    ended = town.says(pen if by == DELEGATE else by, "authority.withdraw", body, made.sub)

    assert state_of(town, ended) is EffectState.EFFECTIVE
    assert answer(town, at=given.iat) is verdict


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
    told = f"Its key has already signed number {given.seq}, dated 9999-01-01; use another key."
    assert verdict_of(town, stuck).reason == told
    assert explain(town, A, "issuer.register", register("did:web:other.example")).reason.startswith(told[:35])


def test_a_key_may_speak_from_the_second_in_which_it_was_introduced() -> None:
    town = trio()
    new = Pen("a second key of A", A)
    introduced = town.says(A, "key.add", key_entry(new), A)
    early = town.says(Pen(new.name, A), "issuer.register", register(), iat=introduced.iat - 1, heard=False)
    said = town.says(new, "issuer.register", register(), iat=introduced.iat)
    assert state_of(town, said) is EffectState.EFFECTIVE
    town.said[-1] = early
    assert state_of(town, early) is EffectState.INEFFECTIVE


def test_a_delegates_key_says_nothing_before_it_was_given_with_the_mandate_or_added() -> None:
    town = trio()
    first, made = delegate(town)
    early = town.says(first, "issuer.register", register(), iat=made.iat - 1)
    second, _ = delegate(town, B, to="https://other.example/")
    added = Pen("second of the delegate", second.authority)
    town.says(second, "key.add", key_entry(added, budget=50), added.authority)
    between = town.says(added, "issuer.register", register(), iat=town.time - 1)

    for said in (early, between):
        assert verdict_of(town, said).reason.startswith("It is dated before its key was introduced")


def test_who_delegates_to_a_delegate_later_undoes_nothing_that_a_key_it_had_added_said_before() -> None:
    """The added key is as old as the mandate under which it was added, whatever others give its elder since."""
    town = trio()
    first, made = delegate(town)
    added = Pen("second of the delegate", DELEGATE)
    town.says(first, "key.add", key_entry(added, budget=50), DELEGATE)
    spoken = town.says(added, "issuer.register", register())
    town.says(B, "authority.delegate", made.body | {"keys": [key_entry(first, budget=5)]})

    assert state_of(town, spoken) is EffectState.EFFECTIVE


def test_what_needs_two_is_not_carried_by_a_proposal_dated_before_its_key_was_introduced() -> None:
    town, _ = joint_grant()
    town.time += YEAR
    pen = Pen("fresh of A", A)
    town.says(A, "key.add", key_entry(pen, budget=50), A)
    early = town.says(pen, "accreditation.grant", grant(), iat=START - YEAR)
    town.votes(B, early)
    assert verdict_of(town, early).reason.startswith("It is dated before its key was introduced")


@pytest.mark.parametrize("who", [A, B])
@pytest.mark.parametrize(("agree", "verdict"), [(2, Verdict.SUSPENDED), (3, Verdict.TRUSTED_HISTORICAL)])
def test_one_of_several_dates_no_suspension_later_by_a_statement_that_it_had_kept_back(
    who: str, agree: int, verdict: Verdict
) -> None:
    """Of a decision by two, one took half a year back alone. Where two may not reach back, the date is as late as what
    each had said before, or they could date it back."""
    rules = {kind: {"authorities": 2} for kind in ("accreditation.grant", "accreditation.status")}
    town = trio(rules=rules | {"accreditation.status.void_from": {"authorities": agree}})
    given = granted(town)
    town.votes(B, given)
    town.time += 1_000
    late = town.says(who, "issuer.register", register("did:web:late.example"), iat=town.time + YEAR // 2)
    begun = status(town, A, given, "suspend", reason_code="fraud")
    town.votes(B, begun)
    town.time += YEAR
    town.says(C, "issuer.register", register("did:web:later.example"))

    query = Query(entity=ISSUER, authority=town.id, achievement_types=("BachelorDegree",), time=begun.iat + 100)
    for heard, expected in ((town.said, verdict), ([s for s in town.said if s is not late], Verdict.SUSPENDED)):
        for batch in (1, None):
            fold = fold_of(town.eco, heard, batch=batch)
            assert decide(query, fold, town.time, ecosystem_id=town.id).verdict is expected
