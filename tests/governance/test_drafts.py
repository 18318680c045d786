"""Dry runs: what would become of a statement if it were said now, with the reason, before anybody signs."""

import pytest

from accredit.governance.authority.effect import EffectState
from accredit.registry.errors import DecodeError
from tests.strategies.bodies import ISSUER, delegation, event, grant, recognition, register
from tests.strategies.consortium import Consortium, Pen, charter_body, key_entry
from tests.strategies.stories import (
    DELEGATE,
    TRIO,
    A,
    B,
    C,
    amend,
    compromise,
    delegate,
    explain,
    issuer_pen,
    trio,
)

SUB = "https://sub.example/"


def test_a_draft_in_order_would_take_effect_at_once() -> None:
    town = trio()
    verdict = explain(town, A, "accreditation.grant", grant())

    assert (verdict.state, verdict.reason, verdict.approvals, verdict.needed) == (
        EffectState.EFFECTIVE,
        "",
        (A,),
        f"{A} itself",
    )


def test_a_draft_that_others_must_carry_would_wait() -> None:
    town = trio()
    verdict = explain(town, A, "recognition.grant", recognition())

    assert (verdict.state, verdict.approvals, verdict.needed) == (EffectState.WAITING, (A,), "2 of 3 authorities")


def test_a_draft_outside_its_authors_limits_is_ineffective_with_the_reason() -> None:
    town = trio()
    pen, _ = delegate(town, actions=["issuer.*", "authority.delegate"], limits={"jurisdictions": ["US"]})

    outside = explain(town, pen, "accreditation.grant", grant())
    body = delegation(SUB, [key_entry(Pen("sub", SUB), budget=5)], actions=["issuer.*"])
    wider = explain(town, pen, "authority.delegate", body)
    narrower = explain(town, pen, "authority.delegate", body | {"limits": {"jurisdictions": ["US-IN"]}})

    assert (outside.state, outside.reason) == (
        EffectState.INEFFECTIVE,
        "Its delegation does not cover accreditation.grant.",
    )
    assert (wider.state, wider.reason) == (
        EffectState.INEFFECTIVE,
        "Its limits exceed its delegator's limits: jurisdictions must be limited.",
    )
    assert narrower.state is EffectState.EFFECTIVE


def test_a_draft_of_a_wrong_shape_is_refused() -> None:
    town = trio()

    with pytest.raises(DecodeError, match="name is missing"):
        explain(town, A, "issuer.register", {"id": ISSUER})


def test_before_the_genesis_is_in_effect_every_draft_waits() -> None:
    town = Consortium.of(*TRIO, approve=False)

    assert explain(town, A, "issuer.register", register()).reason.startswith("The ecosystem's genesis is not in effect")


def test_drafts_by_keys_that_are_cut_off_or_forked_are_told_so() -> None:
    town = trio()
    town.says(town.pen(B).copy(), "issuer.register", register("did:web:one.example"))
    town.says(B, "issuer.register", register())
    town.votes(C, compromise(town, A, town.pen(C), town.genesis))

    forked = explain(town, B, "issuer.register", register())
    assert (forked.state, forked.reason) == (EffectState.WAITING, "Its key has signed two conflicting histories.")
    given = town.says(A, "accreditation.grant", grant())
    assert explain(town, B, "accreditation.status", event(given.id, "suspend"), ISSUER).state is EffectState.INEFFECTIVE
    town.votes(A, compromise(town, B, town.pen(C)))
    assert explain(town, C, "issuer.register", register()).state is EffectState.VOID


def test_drafts_of_votes_count_once_and_for_those_whose_keys_count() -> None:
    town = trio()
    recognised = town.says(A, "recognition.grant", recognition())
    pen = issuer_pen(town)
    vote = {"targets": [recognised.id]}

    assert explain(town, B, "vote.approve", vote).state is EffectState.EFFECTIVE
    assert explain(town, B, "vote.approve", {"targets": [bytes(32)]}).state is EffectState.EFFECTIVE
    assert "has already signed or voted on" in explain(town, A, "vote.approve", vote).reason
    assert explain(town, A, "vote.reject", vote).state is EffectState.EFFECTIVE, "an author takes back what he proposed"
    town.votes(B, recognised)
    assert "is already in effect" in explain(town, B, "vote.reject", vote).reason
    assert "is already in effect" in explain(town, C, "vote.approve", vote).reason
    assert explain(town, pen, "vote.approve", vote).reason == "Its key is not a valid key of the authority it names."


def test_a_vote_on_what_another_body_decides_alone_is_refused_before_it_is_said() -> None:
    town = trio(keys=2, threshold=2)
    given = town.says(f"{A}#1", "accreditation.grant", grant())
    vote = {"targets": [given.id]}

    refused = explain(town, f"{B}#1", "vote.approve", vote)
    assert refused.state is EffectState.INEFFECTIVE
    assert refused.reason == f"Only {A} can decide on {given.id.hex()[:12]}."
    assert explain(town, f"{A}#2", "vote.approve", vote).state is EffectState.EFFECTIVE


def test_drafts_of_key_statements() -> None:
    town = trio(next_keys=True, keys=2)
    new = Pen(f"{A}#1 next", A)
    key = town.pen(f"{A}#1").kid
    rotation = {"key": key, "last": None, "new": key_entry(new, budget=5)}
    cut = {"key": key, "last": None}

    assert explain(town, new, "key.rotate", rotation, A).state is EffectState.EFFECTIVE
    assert explain(town, f"{A}#2", "key.rotate", rotation, A).state is EffectState.INEFFECTIVE
    assert explain(town, f"{A}#2", "key.compromise", cut, A).state is EffectState.EFFECTIVE
    assert explain(town, f"{B}#1", "key.compromise", cut, A).state is EffectState.WAITING
    assert explain(town, f"{A}#1", "key.add", key_entry(Pen("third", A), budget=5), A).state is EffectState.EFFECTIVE


def test_drafts_of_withdrawals_are_for_who_may_withdraw() -> None:
    town = trio()
    _, made = delegate(town)
    body = {"delegation": made.id, "heads": [], "effective_from": 5}

    assert explain(town, A, "authority.withdraw", body, DELEGATE).state is EffectState.EFFECTIVE
    assert explain(town, B, "authority.withdraw", body, DELEGATE).reason == f"Only {A} may change it."


def test_drafts_of_charters() -> None:
    town = trio()
    charter = charter_body(TRIO, town.pens, budget=0)
    body = {"parent": town.eco, "version": 2, "charter": charter, "heads": town.heads()}
    genesis = charter_body(TRIO, town.pens)

    waiting = explain(town, A, "charter.amend", body, town.id)
    assert (waiting.state, waiting.approvals) == (EffectState.WAITING, (A,))
    assert explain(town, A, "charter.amend", body | {"version": 3}, town.id).reason == "It must be version 2."
    assert (
        explain(town, A, "charter.genesis", genesis).reason
        == "This ecosystem was founded by a different genesis statement."
    )
    town.votes(B, amend(town, A))
    assert explain(town, A, "charter.amend", body, town.id).state is EffectState.INEFFECTIVE

    alone = Consortium.of((A, "nonprofit"))
    charter = charter_body([(A, "nonprofit")], alone.pens, budget=0)
    body = {"parent": alone.eco, "version": 2, "charter": charter, "heads": alone.heads()}
    assert explain(alone, A, "charter.amend", body, alone.id).state is EffectState.EFFECTIVE
