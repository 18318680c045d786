"""Delegations: limits that only narrow, chains that end, withdrawals that reach down."""

from typing import Any

import pytest

from accredit.governance.authority.effect import EffectState
from accredit.governance.rules.delegation_limits import check_delegation
from accredit.registry.domain.records import Voice, authority_in
from accredit.registry.errors import DecodeError
from accredit.registry.statement import Statement
from tests.strategies.bodies import ISSUER, SCOPE, delegation, event, grant, recognition, register
from tests.strategies.consortium import START, Consortium, Pen, fold_of, key_entry
from tests.strategies.stories import (
    DELEGATE,
    TRIO,
    A,
    B,
    C,
    amend,
    delegate,
    record_of,
    state_of,
    trio,
    verdict_of,
)

SUB = "https://sub.example/"
MAY_DELEGATE = ["issuer.*", "accreditation.*", "authority.delegate"]


def body(**changes: Any) -> dict[str, Any]:
    return delegation(DELEGATE, [key_entry(Pen("d", DELEGATE))]) | changes


def withdraw(town: Consortium, who: str | Pen, made: Statement, *heads: Statement, **changes: Any) -> Statement:
    named = [{"key": head.kid, "id": head.id} for head in heads]
    said = {"delegation": made.id, "heads": named, "effective_from": 5} | changes
    return town.says(who, "authority.withdraw", said, made.body["delegate"])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"threshold": 2}, "2 keys are required, but the delegation lists 1"),
        ({"valid_from": 5, "valid_until": 5}, "end before it begins"),
        ({"actions": ["charter.amend"]}, "cannot be delegated"),
        ({"actions": ["statement.*"]}, "cannot be delegated"),
        ({"actions": ["recognition.grant"]}, "cannot be delegated"),
        ({"actions": ["node.admit"]}, "cannot be delegated"),
        ({"actions": ["*"]}, "cannot be delegated"),
        ({"actions": []}, "a list of 1 to"),
        ({"keys": [key_entry(Pen("d", DELEGATE), budget=n) for n in (1, 2)], "threshold": 2}, "listed twice"),
    ],
)
def test_delegations_of_what_cannot_be_delegated_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(DecodeError, match=words):
        check_delegation(body(**changes))
    check_delegation(body(valid_until=5))


@pytest.mark.parametrize(
    ("parent", "child", "reason"),
    [
        ({}, {"actions": ["framework.publish"]}, "Its delegator may not make framework.publish statements itself."),
        ({}, {"actions": ["issuer.*", "key.add"]}, "Its delegator may not make key.add statements itself."),
        (
            {"limits": {"jurisdictions": ["US-IN"]}},
            {},
            "Its limits exceed its delegator's limits: jurisdictions must be",
        ),
        ({"limits": {"max_depth": 0}}, {}, "It would be delegation number 2 in its chain; at most 1 are allowed."),
        ({"valid_until": START + 500}, {}, "It would end after its delegator's own mandate."),
        (
            {"valid_until": START + 500},
            {"valid_until": START + 501},
            "It would end after its delegator's own mandate.",
        ),
        ({"valid_from": 10}, {"valid_from": 9}, "It would begin before its delegator's own mandate."),
        ({}, {"to": DELEGATE}, "A body cannot delegate to itself or to a body above it."),
        ({}, {"to": A}, "The charter already names https://a.example/ as an authority, so nobody can delegate to it."),
    ],
)
def test_a_child_beyond_its_parent_is_ineffective(parent: dict[str, Any], child: dict[str, Any], reason: str) -> None:
    town = trio()
    pen, made = delegate(town, actions=MAY_DELEGATE, **parent)
    _, beyond = delegate(town, pen, **{"to": SUB, "actions": ["issuer.*"], **child})

    assert state_of(town, made) is EffectState.EFFECTIVE
    found = verdict_of(town, beyond)
    assert found.state is EffectState.INEFFECTIVE
    assert found.reason.startswith(reason)


def test_key_and_vote_statements_are_not_delegated() -> None:
    town = trio()
    for action in ("key.add", "vote.approve"):
        _, made = delegate(town, actions=["issuer.*", action])
        assert verdict_of(town, made).reason == "Key and vote statements need no delegation."


def test_a_child_within_its_parent_acts_within_its_own_limits_down_to_the_last_depth_allowed() -> None:
    town = trio()
    limits = {"jurisdictions": ["US-IN"], "max_depth": 1}
    pen, _ = delegate(town, actions=MAY_DELEGATE, limits=limits, valid_until=START + 500)
    sub, made = delegate(
        town, pen, to=SUB, actions=MAY_DELEGATE, limits={"jurisdictions": ["US-IN"]}, valid_until=START + 400
    )
    _, third = delegate(town, sub, to="https://third.example/", actions=["issuer.*"], limits=limits)
    inside = town.says(sub, "accreditation.grant", grant(scope=SCOPE | {"jurisdictions": ["US-IN"]}))
    outside = town.says(sub, "accreditation.grant", grant())

    assert state_of(town, made) is EffectState.EFFECTIVE
    assert state_of(town, third) is EffectState.INEFFECTIVE
    assert state_of(town, inside) is EffectState.EFFECTIVE
    assert verdict_of(town, outside).reason.startswith("It exceeds its author's limits: jurisdictions US not allowed")
    record = record_of(town, "authority", SUB)
    assert [s["depth"] for s in record["standings"]] == [2]
    assert record["standings"][0]["valid_until"] == START + 400


def test_a_delegate_acts_while_its_delegation_is_valid_and_in_kinds_it_covers() -> None:
    town = trio()
    pen, _ = delegate(town, actions=["issuer.register"], valid_from=START + 10, valid_until=START + 20)
    early = town.says(pen, "issuer.register", register(), iat=START + 9)
    inside = town.says(pen, "issuer.register", register(), iat=START + 10)
    other = town.says(pen, "accreditation.grant", grant(), iat=START + 11)
    late = town.says(pen, "issuer.register", register(), iat=START + 20)

    assert verdict_of(town, early).reason == "It is dated before its author's delegation begins."
    assert state_of(town, inside) is EffectState.EFFECTIVE
    assert verdict_of(town, other).reason == "Its delegation does not cover accreditation.grant."
    assert verdict_of(town, late).reason == "It is dated after its author's delegation ended."


def test_a_delegate_never_acts_where_several_are_asked_nor_in_what_stays_with_the_charter() -> None:
    town = trio(rules={"recognition.grant": {"authorities": 1}, "issuer.register": {"authorities": 2}})
    pen, _ = delegate(town, actions=["issuer.*"])
    recognised = town.says(pen, "recognition.grant", recognition())
    registered = town.says(pen, "issuer.register", register())
    town.votes(A, registered)
    town.votes(B, registered)

    assert verdict_of(town, recognised).reason == "Its delegation does not cover recognition.grant."
    assert verdict_of(town, registered).reason == "Only authorities named in the charter may propose it."


def test_two_of_a_delegates_three_keys_speak_for_it() -> None:
    town = trio()
    pen, _ = delegate(town, keys=3, threshold=2)
    given = town.says(pen, "accreditation.grant", grant())
    assert verdict_of(town, given).reason == f"It needs 2 keys of {DELEGATE}."

    town.votes(f"{DELEGATE}#3", given)

    assert state_of(town, given) is EffectState.EFFECTIVE


def test_of_two_delegations_the_one_that_a_statement_names_says_how_many_keys_it_needs() -> None:
    town = trio()
    pen, first = delegate(town)
    both = [key_entry(pen, budget=0), key_entry(Pen("other", DELEGATE), budget=5)]
    second = town.says(B, "authority.delegate", first.body | {"keys": both, "threshold": 2})
    given = town.says(pen, "accreditation.grant", grant())

    found = verdict_of(town, given)
    assert found.voice == (DELEGATE, first.id)
    assert len(record_of(town, "authority", DELEGATE)["standings"]) == 2

    withdraw(town, A, first, town.said[-1])
    later = town.says(pen, "accreditation.grant", grant("did:web:later.example"), mandate=second)

    assert state_of(town, given) is EffectState.EFFECTIVE
    assert verdict_of(town, later).reason == f"It needs 2 keys of {DELEGATE}."
    assert state_of(town, second) is EffectState.EFFECTIVE


def test_what_a_delegate_said_before_its_delegation_is_carried_counts_once_it_is() -> None:
    town = trio(keys=2, threshold=2)
    pen, made = delegate(town, f"{A}#1", actions=MAY_DELEGATE)
    sub, below = delegate(town, pen, to=SUB, actions=["accreditation.*"])
    given = town.says(sub, "accreditation.grant", grant())
    assert verdict_of(town, given).reason == "Its author's delegation is not in effect."

    town.votes(f"{A}#2", made)

    assert [state_of(town, s) for s in (made, below, given)] == [EffectState.EFFECTIVE] * 3


def test_a_delegates_key_does_not_speak_for_another_body() -> None:
    town = trio()
    pen, _ = delegate(town)
    stray = Pen(pen.name, B)

    assert verdict_of(town, town.says(stray, "issuer.register", register())).reason == (
        "Its key is not a valid key of the authority it names."
    )


# ------------------------------------------------------------------------------------------------ withdrawals


def test_what_the_heads_of_a_withdrawal_cover_stands_and_nothing_else_below_it() -> None:
    town = trio()
    pen, made = delegate(town, actions=MAY_DELEGATE)
    before = town.says(pen, "accreditation.grant", grant())
    sub, _ = delegate(town, pen, to=SUB, actions=["accreditation.*"])
    below = town.says(sub, "accreditation.grant", grant("did:web:below.example"))
    forgotten = town.says(sub, "accreditation.grant", grant("did:web:forgotten.example"))
    withdrawal = withdraw(town, A, made, town.said[-3], below, effective_from=town.time + 1)
    town.votes(B, withdrawal)
    after = town.says(pen, "accreditation.grant", grant("did:web:after.example"))

    assert state_of(town, withdrawal) is EffectState.EFFECTIVE
    assert [state_of(town, s) for s in (before, below)] == [EffectState.EFFECTIVE] * 2
    for late in (forgotten, after):
        assert verdict_of(town, late).reason == "Its author's delegation was withdrawn before it was made."
    (standing,) = record_of(town, "authority", DELEGATE)["standings"]
    assert standing["withdrawn"] == {"statement": withdrawal.id, "effective_from": withdrawal.iat}
    by_delegator = town.says(A, "accreditation.status", event(before.id, "suspend"), ISSUER)
    assert state_of(town, by_delegator) is EffectState.EFFECTIVE


def test_only_the_delegator_or_one_above_withdraws() -> None:
    town = trio()
    pen, made = delegate(town, actions=MAY_DELEGATE)
    sub, below = delegate(town, pen, to=SUB, actions=["issuer.*"])
    refused = [withdraw(town, B, made), withdraw(town, sub, made), withdraw(town, sub, below)]

    assert [verdict_of(town, s).reason for s in refused] == [
        f"Only {A} may change it.",
        f"Only {A} may change it.",
        f"Only {DELEGATE} or {A} may change it.",
    ]
    assert state_of(town, withdraw(town, pen, below)) is EffectState.EFFECTIVE
    assert state_of(town, withdraw(town, A, below)) is EffectState.EFFECTIVE


def test_a_withdrawn_delegate_withdraws_nothing() -> None:
    town = trio()
    pen, made = delegate(town, actions=MAY_DELEGATE)
    _, below = delegate(town, pen, to=SUB, actions=["issuer.*"])
    withdraw(town, A, made, town.said[-1])
    late = withdraw(town, pen, below)

    assert verdict_of(town, late).reason == "Its author's delegation was withdrawn before it was made."


def test_a_suspension_of_the_second_in_which_its_mandate_ends_stands() -> None:
    town = trio()
    pen, made = delegate(town)
    given = town.says(pen, "accreditation.grant", grant())
    suspended = town.says(pen, "accreditation.status", event(given.id, "suspend", after=[]), ISSUER)
    town.time = suspended.iat - 1
    ended = withdraw(town, A, made)

    assert ended.iat == suspended.iat
    assert state_of(town, suspended) is EffectState.EFFECTIVE


def test_a_grant_of_the_second_in_which_its_mandate_ends_stands_only_if_the_heads_cover_it() -> None:
    town = trio()
    pen, made = delegate(town)
    covered = town.says(pen, "accreditation.grant", grant())
    outside = town.says(pen, "accreditation.grant", grant("did:web:outside.example"), iat=covered.iat)
    town.time = covered.iat - 1
    ended = withdraw(town, A, made, covered)

    assert ended.iat == outside.iat
    assert [state_of(town, said) for said in (covered, outside)] == [EffectState.EFFECTIVE, EffectState.INEFFECTIVE]


def test_what_a_delegate_took_back_before_it_was_withdrawn_stays_taken_back_whatever_the_heads_leave_out() -> None:
    town = trio()
    pen, made = delegate(town, actions=MAY_DELEGATE)
    sub, below = delegate(town, pen, to=SUB, actions=["accreditation.*"])
    taken_back = withdraw(town, pen, below)
    withdraw(town, A, made, below)
    late = town.says(sub, "accreditation.grant", grant())

    assert state_of(town, taken_back) is EffectState.EFFECTIVE
    assert state_of(town, late) is EffectState.INEFFECTIVE
    assert record_of(town, "authority", SUB)["standings"][0]["withdrawn"]["statement"] == taken_back.id


def test_two_mandates_of_one_body_share_the_room_of_a_record_apart() -> None:
    town = trio()
    vias = [delegate(town)[1].id for _ in range(2)]
    law = town.fold().law
    assert law is not None
    assert [law.mandates.path(Voice(DELEGATE, via)) for via in vias] == [((A, b""), (DELEGATE, via)) for via in vias]


def test_withdrawing_what_is_no_delegation_in_effect_has_no_effect() -> None:
    town = trio()
    _, beyond = delegate(town, actions=["key.add"])
    registered = town.says(A, "issuer.register", register())
    other = {"delegation": registered.id, "heads": [], "effective_from": 5}

    for said in (withdraw(town, A, beyond), town.says(A, "authority.withdraw", other, DELEGATE)):
        assert verdict_of(town, said).reason == "The delegation it names is not in effect."


def test_a_withdrawal_follows_the_charters_own_rule() -> None:
    town = trio(rules={"authority.withdraw": {"authorities": 2}})
    pen, made = delegate(town)
    withdrawal = withdraw(town, A, made)
    by_others = withdraw(town, B, made)
    town.votes(C, by_others)
    given = town.says(pen, "accreditation.grant", grant())
    assert state_of(town, withdrawal) is EffectState.WAITING
    assert verdict_of(town, by_others).reason == f"Only {A} may change it."
    assert state_of(town, given) is EffectState.EFFECTIVE

    town.votes(B, withdrawal)

    assert state_of(town, withdrawal) is EffectState.EFFECTIVE
    assert state_of(town, given) is EffectState.INEFFECTIVE


def test_of_two_withdrawals_both_hold_and_the_earliest_is_shown() -> None:
    town = trio()
    pen, made = delegate(town)
    before = town.says(pen, "issuer.register", register())
    given = town.says(pen, "accreditation.grant", grant())
    withdraw(town, A, made, given, effective_from=town.time + 90)
    strict = withdraw(town, A, made, before, effective_from=town.time + 70)
    town.votes(B, strict)

    assert [state_of(town, s) for s in (before, given)] == [EffectState.EFFECTIVE, EffectState.INEFFECTIVE]
    (standing,) = record_of(town, "authority", DELEGATE)["standings"]
    assert standing["withdrawn"]["statement"] == strict.id


def test_heads_of_a_withdrawal_that_come_late_cover_all_the_same() -> None:
    town = trio()
    pen, made = delegate(town)
    first = town.says(pen, "accreditation.grant", grant())
    second = town.says(pen, "accreditation.grant", grant("did:web:second.example"))
    withdraw(town, A, made, second)
    orders = ([first, second], [second, first])

    for order in orders:
        fold = fold_of(town.eco, [*(s for s in town.said if s not in order), *order], batch=1)
        assert verdict_of(town, first, fold).state is EffectState.EFFECTIVE
        assert fold.state_root() == town.fold().state_root()


def test_delegates_of_an_authority_that_has_left_the_charter_act_no_more() -> None:
    """Nobody is left above them who could withdraw their delegation."""
    town = trio()
    pen, made = delegate(town, by=C)
    before = town.says(pen, "accreditation.grant", grant())
    town.votes(B, amend(town, A, authorities=TRIO[:2]))
    after = town.says(pen, "accreditation.grant", grant("did:web:after.example"))

    assert state_of(town, made) is EffectState.EFFECTIVE
    assert state_of(town, before) is EffectState.EFFECTIVE
    assert verdict_of(town, after).reason == (
        "Its author's delegation comes from an authority that has left the charter."
    )


def test_a_body_that_comes_back_into_the_charter_has_no_delegates_of_before() -> None:
    """Another organisation may have come back under the old id, and has given no mandate to anybody."""
    town = trio()
    pen, _ = delegate(town, by=C)
    town.votes(B, left := amend(town, A, authorities=TRIO[:2], name="Left"))
    town.votes(B, amend(town, A, left, version=3, name="Back"))
    said = town.says(pen, "accreditation.grant", grant())
    own = town.says(C, "issuer.register", register("did:web:own.example"))
    again, _ = delegate(town, by=C, to=SUB)
    anew = town.says(again, "issuer.register", register("did:web:anew.example"))

    assert "left the charter" in verdict_of(town, said).reason
    assert [state_of(town, each) for each in (own, anew)] == [EffectState.EFFECTIVE] * 2
    ends = [mandate["withdrawn"] for by in (DELEGATE, SUB) for mandate in record_of(town, "authority", by)["standings"]]
    assert ends == [{"statement": left.id, "effective_from": left.iat}, None]


def test_a_mandate_may_begin_and_end_in_the_same_second_as_its_delegators() -> None:
    town = trio()
    pen, _ = delegate(town, actions=MAY_DELEGATE, valid_from=START, valid_until=START + 500)
    _, said = delegate(town, pen, to=SUB, actions=["issuer.*"], valid_from=START, valid_until=START + 500)
    assert state_of(town, said) is EffectState.EFFECTIVE


def test_a_withdrawal_by_a_key_that_has_forked_ends_the_mandate_all_the_same() -> None:
    """Nobody keeps a mandate by forking the key of whoever gave it: what narrows stands."""
    town = trio()
    _, made = delegate(town, A)
    thief = town.pen(A).copy()
    town.says(thief, "issuer.register", register("did:web:thief.example"))
    body = {"delegation": made.id, "heads": [], "effective_from": town.time}
    withdrawn = town.says(A, "authority.withdraw", body, DELEGATE)
    assert state_of(town, withdrawn) is EffectState.EFFECTIVE
    record = authority_in(town.fold(), DELEGATE)
    assert record is not None
    assert record["standings"][0]["withdrawn"] is not None
