"""Amendments: who must agree, and what is judged by the old charter for ever."""

from typing import Any

import pytest

from accredit.governance.authority.effect import EffectState
from accredit.registry.statement import Statement
from tests.strategies.bodies import grant, node, recognition, register
from tests.strategies.consortium import Consortium, Pen, accepted, charter_body, fold_of, key_entry
from tests.strategies.stories import (
    TRIO,
    A,
    B,
    C,
    D,
    amend,
    charter_name,
    compromise,
    record_of,
    state_of,
    trio,
    verdict_of,
)

FOUR = (*TRIO, (D, "labor"))


def test_old_statements_stay_judged_by_the_old_charter_and_new_ones_by_the_new() -> None:
    town = trio()
    before = town.says(A, "issuer.register", register())
    amended = amend(town, A, name="Strict", rules={"issuer.register": {"authorities": 2}})
    town.votes(B, amended)
    after = town.says(A, "issuer.register", register("did:web:after.example"))

    assert charter_name(town) == "Strict"
    assert state_of(town, before) is EffectState.EFFECTIVE
    assert (state_of(town, after), verdict_of(town, after).needed) == (EffectState.WAITING, "2 of 3 authorities")
    record = record_of(town, "charter", town.id)
    assert (record["version"], record["statement"], record["ecosystem"]) == (2, amended.id, town.eco)


def test_what_an_amendments_heads_leave_out_is_judged_by_the_new_charter() -> None:
    town = trio()
    left_out = town.says(B, "issuer.register", register())
    heads = [head for head in town.heads() if head["key"] != town.pen(B).kid]
    town.votes(C, amend(town, A, heads=heads, rules={"issuer.register": {"authorities": 2}}))

    assert state_of(town, left_out) is EffectState.WAITING


def test_an_author_the_amendment_removes_no_longer_counts_and_what_he_said_stands() -> None:
    town = trio()
    second = Pen("second of C", C)
    town.says(C, "key.add", key_entry(second, budget=50), C)
    before = town.says(second, "accreditation.grant", grant())
    amended = amend(town, C, authorities=TRIO[:2])
    town.votes(A, amended)
    assert state_of(town, amended) is EffectState.WAITING  # half of the new charter's two is not more than half
    town.votes(B, amended)
    after = [town.says(hand, "accreditation.grant", grant("did:web:after.example")) for hand in (C, second)]

    assert state_of(town, amended) is EffectState.EFFECTIVE
    assert state_of(town, before) is EffectState.EFFECTIVE
    for said in after:
        assert verdict_of(town, said).reason == "Its key is not a valid key of the authority it names."
    fold = town.fold()
    assert fold.get("authority", C) is None
    assert fold.raw("authority", C) is None


def test_a_newcomers_keys_count_for_the_amendment_that_names_them_and_from_then_on() -> None:
    town = trio()
    town.pens[f"{D}#1"] = Pen(f"{D}#1", D)
    amended = amend(town, A, authorities=FOUR, budget=100)
    town.votes(D, amended)
    town.votes(B, amended)

    assert state_of(town, amended) is EffectState.EFFECTIVE
    assert state_of(town, town.says(D, "accreditation.grant", grant())) is EffectState.EFFECTIVE


def test_the_thresholds_of_the_old_and_of_the_new_charter_are_asked() -> None:
    newcomers = ((A, "nonprofit"), (D, "labor"), ("https://e.example/", "labor"))
    town = trio()
    for by, _ in newcomers[1:]:
        town.pens[f"{by}#1"] = Pen(f"{by}#1", by)
    amended = amend(town, A, authorities=newcomers, budget=100)
    town.votes(B, amended)
    assert state_of(town, amended) is EffectState.WAITING  # two of three of the old, one of three of the new

    town.votes(D, amended)

    assert state_of(town, amended) is EffectState.EFFECTIVE


def test_each_charters_own_rule_for_amendments_is_asked_and_always_more_than_half() -> None:
    easy: dict[str, Any] = {"charter.amend": {"authorities": 1}}
    town = trio(rules=easy)
    amended = amend(town, A, rules={"charter.amend": {"authorities": 3}})
    assert state_of(town, amended) is EffectState.WAITING
    town.votes(B, amended)
    assert state_of(town, amended) is EffectState.WAITING  # the new one asks for three
    town.votes(C, amended)

    assert state_of(town, amended) is EffectState.EFFECTIVE


def test_however_little_the_rules_ask_more_than_half_must_speak_with_all_the_keys_they_need() -> None:
    easy: dict[str, Any] = {"charter.amend": {"authorities": 1}}
    town = trio(keys=2, threshold=2, rules=easy)
    amended = amend(town, f"{A}#1", keys=2, threshold=2, rules=easy)
    for hand in (f"{A}#2", f"{B}#1"):
        town.votes(hand, amended)
    assert state_of(town, amended) is EffectState.WAITING

    town.votes(f"{B}#2", amended)

    assert state_of(town, amended) is EffectState.EFFECTIVE


def test_half_of_the_bodies_pass_no_amendment_though_a_key_of_one_more_approves() -> None:
    rules = {"charter.amend": {"authorities": 2}}
    town = Consortium.of(*FOUR, keys=2, threshold=2, rules=rules)
    amended = amend(town, f"{A}#1", authorities=FOUR, keys=2, threshold=2, rules=rules, name="Halved")
    for who in (f"{A}#2", f"{B}#1", f"{B}#2", f"{C}#1"):
        town.votes(who, amended)
    assert state_of(town, amended) is EffectState.WAITING

    town.votes(f"{C}#2", amended)

    assert charter_name(town) == "Halved"


def test_keys_within_authorities_count_as_their_thresholds_ask() -> None:
    town = trio(keys=3, threshold=2)
    amended = amend(town, f"{A}#1", keys=3, threshold=2)
    town.votes(f"{B}#1", amended)
    town.votes(f"{C}#1", amended)
    assert state_of(town, amended) is EffectState.WAITING
    town.votes(f"{B}#2", amended)
    assert state_of(town, amended) is EffectState.WAITING
    town.votes(f"{C}#3", amended)

    assert state_of(town, amended) is EffectState.EFFECTIVE


def test_a_key_added_before_the_heads_counts_and_one_cut_off_before_them_does_not() -> None:
    town = trio()
    added = Pen("second of B", B)
    town.says(B, "key.add", key_entry(added, budget=20), B)
    town.votes(C, compromise(town, B, town.pen(A)))
    amended = amend(town, C)
    town.votes(A, amended)
    assert state_of(town, amended) is EffectState.WAITING

    town.votes(added, amended)

    assert state_of(town, amended) is EffectState.EFFECTIVE


def test_a_key_added_after_the_heads_does_not_count() -> None:
    town = trio()
    heads = town.heads()
    added = Pen("second of B", B)
    town.says(B, "key.add", key_entry(added, budget=20), B)
    amended = amend(town, C, heads=heads)
    town.votes(added, amended)

    assert state_of(town, amended) is EffectState.WAITING


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"version": 3}, "It must be version 2."),
        ({"parent": bytes(32)}, "It amends a version that is not in force."),
        ({"charter": {"id": "https://other.example/"}}, "An amendment cannot change the ecosystem's id."),
    ],
)
def test_an_amendment_out_of_order_has_no_effect_whoever_approves(change: dict[str, Any], reason: str) -> None:
    town = trio()
    good = amend(town, A)
    charter = good.body["charter"] | change.get("charter", {})
    body = good.body | change | {"charter": charter}
    amended = town.says(B, "charter.amend", body, town.id)
    town.votes(A, amended)
    town.votes(C, amended)

    assert verdict_of(town, amended).reason == reason
    assert charter_name(town) == "A consortium"


def test_heads_must_be_the_keys_own_and_cover_the_parent() -> None:
    town = trio()
    heads = town.heads()
    swapped = [{"key": one["key"], "id": other["id"]} for one, other in zip(heads, heads[1:] + heads[:1], strict=True)]
    one_wrong = [*heads[:-1], swapped[-1]]
    without = [head for head in heads if head["key"] != town.pen(A).kid]

    for wrong, reason in (
        (swapped, "to the wrong key"),
        (one_wrong, "to the wrong key"),
        (without, "leave out the previous version"),
    ):
        amended = amend(town, B, heads=wrong)
        town.votes(C, amended)
        town.votes(A, amended)
        assert reason in verdict_of(town, amended).reason


@pytest.mark.parametrize("batch", [1, None])
def test_an_amendment_waits_for_what_its_heads_cover(batch: int | None) -> None:
    town = trio()
    gap = town.says(C, "issuer.register", register())
    head = town.says(C, "issuer.register", register("did:web:head.example"))
    amended = amend(town, A, name="Second")
    town.votes(B, amended)
    rest = [s for s in town.said if s not in (gap, head)]
    for late in ([gap, head], [head, gap]):
        fold = fold_of(town.eco, [*rest, late[0]], batch=batch)
        assert verdict_of(town, amended, fold).reason == "A statement that its heads cover is missing."

        fold.add(late[1])
        changes = fold.settle()

        assert amended.id in changes.took_effect
        assert fold.state_root() == town.fold().state_root()


def test_nodes_come_and_go_with_the_charter_that_names_them() -> None:
    town = trio(nodes=[node("n1.example"), node("n2.example")])
    town.votes(B, amend(town, A, nodes=[node("n2.example"), node("n3.example")]))

    for fold in (town.fold(), fold_of(town.eco, town.said, batch=1)):
        assert [record["name"] for record in fold.nodes()] == ["n2.example", "n3.example"]


def test_three_versions_keep_three_laws() -> None:
    town = trio()
    said, parent = [], town.genesis
    for version, needed in ((2, 2), (3, 3)):
        said.append(town.says(A, "issuer.register", register(f"did:web:v{version}.example")))
        parent = amend(town, A, parent, version, name=f"V{version}", rules={"issuer.register": {"authorities": needed}})
        town.votes(B, parent)
        town.votes(C, parent)
    said.append(town.says(A, "issuer.register", register("did:web:v4.example")))
    town.votes(B, *said[1:])

    assert charter_name(town) == "V3"
    assert [state_of(town, s) for s in said] == [EffectState.EFFECTIVE, EffectState.EFFECTIVE, EffectState.WAITING]


def test_one_vote_for_two_rivals_is_for_the_one_it_names_first() -> None:
    town = trio()
    first, rival = amend(town, A, name="First"), amend(town, B, name="Rival")
    town.votes(C, rival, first)

    assert charter_name(town) == "Rival"
    assert town.fold().alarms() == ()


def test_who_rejected_an_amendment_first_does_not_approve_it_later() -> None:
    town = trio()
    amended = amend(town, A)
    town.votes(B, amended, approve=False)
    town.votes(B, amended)
    assert state_of(town, amended) is EffectState.WAITING
    town.votes(C, amended, approve=False)

    assert state_of(town, amended) is EffectState.CLOSED


def test_a_node_with_the_committed_set_alone_comes_to_the_same_charter_whatever_was_cut_off_since() -> None:
    """The keys that passed an amendment, the key that added one of them, and a rival's voters, are all cut off."""
    town = trio()
    second = Pen("second of B", B)
    town.says(B, "key.add", key_entry(second, budget=100), B)
    amended = amend(town, A, name="Second")
    rival = amend(town, C, name="Rival")
    town.votes(second, amended)
    recognised = town.says(A, "recognition.grant", recognition())
    for pen in (town.pen(A), town.pen(B), second):
        town.votes(C, compromise(town, second if pen is not second else B, pen))
    whole = town.fold()
    committed = [s for s in town.said if whole.is_committed(s.id)]

    assert charter_name(town) == "Second"
    assert verdict_of(town, rival).state is EffectState.INEFFECTIVE
    assert verdict_of(town, recognised).state is EffectState.VOID
    assert len(committed) == len(town.said) - 1  # A's recognition has left it
    assert town.fold(accepted(town.eco, committed)).state_root() == whole.state_root()


def replaced(town: Consortium, pen: Pen, authorities: tuple[tuple[str, str], ...] = TRIO, **more: Any) -> Statement:
    """An amendment by B that states another key for A, and C's approval."""
    charter = charter_body(authorities, {**town.pens, f"{A}#1": pen}, **more)
    parent = next(said for said in reversed(town.said) if said.kind in ("charter.genesis", "charter.amend"))
    version = 2 if parent is town.genesis else parent.body["version"] + 1
    body = {"parent": parent.id, "version": version, "charter": charter, "heads": town.heads()}
    amended = town.says(B, "charter.amend", body, town.id)
    town.votes(C, amended)
    assert state_of(town, amended) is EffectState.EFFECTIVE
    return amended


@pytest.mark.parametrize("way", ["replaced", "left and came back"])
def test_a_thief_whom_the_charter_replaces_does_not_stay_by_a_key_that_he_has_added(way: str) -> None:
    town, secret, fresh = trio(), Pen("secret", A), Pen("fresh", A)
    town.says(A, "key.add", key_entry(secret, budget=50), A)
    before = town.says(secret, "issuer.register", register())
    if way == "replaced":
        replaced(town, fresh)
    else:
        replaced(town, fresh, TRIO[1:])
        replaced(town, town.pen(A))
    stolen = town.says(secret, "issuer.register", register("did:web:mill.example"))
    honest = town.says(fresh if way == "replaced" else A, "issuer.register", register("did:web:honest.example"))

    assert [state_of(town, said) for said in (before, honest)] == [EffectState.EFFECTIVE] * 2
    assert state_of(town, stolen) is EffectState.INEFFECTIVE
    keys = {key["key"] for key in record_of(town, "authority", A)["standings"][0]["keys"]}
    assert secret.kid not in keys


@pytest.mark.parametrize(("bodies", "state"), [(TRIO, EffectState.EFFECTIVE), (TRIO[:2], EffectState.WAITING)])
def test_a_body_that_lost_its_only_key_gets_another_by_as_many_others_as_amend_the_charter(
    bodies: tuple[tuple[str, str], ...], state: EffectState
) -> None:
    """So nobody fewer takes a key from a body that has lost nothing. Of two bodies both have to agree."""
    town, fresh = Consortium.of(*bodies), Pen("fresh", A)
    charter = charter_body(bodies, {**town.pens, f"{A}#1": fresh})
    body = {"parent": town.genesis.id, "version": 2, "charter": charter, "heads": town.heads()}
    amended = town.says(B, "charter.amend", body, town.id)
    assert state_of(town, amended) is EffectState.WAITING
    town.votes(fresh, amended)
    for by, _ in bodies[2:]:
        town.votes(by, amended)

    assert state_of(town, amended) is state


def test_a_key_that_a_body_has_added_stays_while_the_charter_states_the_same_keys_for_it_or_lists_it() -> None:
    town, second, third = trio(), Pen("second of A", A), Pen("third of A", A)
    town.says(A, "key.add", key_entry(second, budget=50), A)
    replaced(town, town.pen(A), name="A new name")
    kept = town.says(second, "issuer.register", register("did:web:kept.example"))
    replaced(town, second)
    listed = town.says(second, "issuer.register", register("did:web:listed.example"))
    town.says(second, "key.add", key_entry(third, budget=5), A)
    added = town.says(third, "issuer.register", register("did:web:added.example"))

    assert [state_of(town, said) for said in (kept, listed, added)] == [EffectState.EFFECTIVE] * 3


@pytest.mark.parametrize("later", range(5))  # in whatever order the ids of these statements have them read
def test_a_key_that_fell_out_counts_again_once_a_key_of_the_charter_adds_it_again(later: int) -> None:
    town, second, third, fresh = trio(), Pen("second of A", A), Pen("third of A", A), Pen("fresh", A)
    town.says(A, "key.add", key_entry(second, budget=50), A)
    replaced(town, fresh)
    town.time += later
    third_added = town.says(second, "key.add", key_entry(third, budget=5), A)
    said = town.says(third, "issuer.register", register())
    assert [state_of(town, each) for each in (third_added, said)] == [EffectState.INEFFECTIVE] * 2

    town.says(fresh, "key.add", key_entry(second, budget=0), A)
    assert [state_of(town, each) for each in (third_added, said)] == [EffectState.EFFECTIVE] * 2


def test_a_key_that_an_amendment_lets_fall_does_not_vote_for_its_body_in_the_new_charter() -> None:
    """Of the two that an amendment takes from a charter of two, one would else be a key that it takes out."""
    town, secret, fresh = trio(), Pen("secret", A), Pen("fresh", A)
    town.says(A, "key.add", key_entry(secret, budget=50), A)
    charter = charter_body(TRIO[:2], {**town.pens, f"{A}#1": fresh})
    body = {"parent": town.genesis.id, "version": 2, "charter": charter, "heads": town.heads()}
    amended = town.says(B, "charter.amend", body, town.id)
    town.votes(secret, amended)

    assert state_of(town, amended) is EffectState.WAITING
    town.votes(fresh, amended)
    assert state_of(town, amended) is EffectState.EFFECTIVE
