"""What comes late counts as if it had come in time: whatever a judgement reads, its arrival has it judged again.

Each story ends with one statement that arrives last, after everything else was settled, and turns something that it
does not seem to touch.
"""

from typing import Any

import pytest

from accredit.governance.authority.effect import EffectState
from accredit.governance.fold import Fold
from accredit.governance.standing import standing_of
from accredit.registry.statement import Statement
from tests.strategies.bodies import FRAMEWORK, framework, register
from tests.strategies.consortium import Consortium, Pen, charter_body, fold_of, key_entry
from tests.strategies.stories import DELEGATE, TRIO, A, B, C, delegate, granted, trio, verdict_of

OTHER = "https://other.example/"


def settled(town: Consortium, *late: Statement) -> tuple[Fold, list[Statement]]:
    """A fold in which some statements came last, each after all before it were settled; and that order."""
    order = [*(said for said in town.said if said not in late), *late]
    return fold_of(town.eco, order, batch=1), order


def check(town: Consortium, turned: Statement, state: EffectState, *late: Statement) -> None:
    """That a statement stands in a state, whenever the `late` ones came; and that without them it does not."""
    whole, (fold, order) = town.fold(), settled(town, *late)
    for each in (whole, fold, fold_of(town.eco, order, batch=2), settled(town, *late)[0].branch()):
        verdict = standing_of(each, turned.id)
        assert verdict is not None
        assert verdict.state is state, verdict
        assert dict(each.items()) == dict(whole.items())
        assert each.state_root() == whole.state_root()
    before = fold_of(town.eco, order[: -len(late)])
    assert dict(before.items()) != dict(whole.items())


def last_of(town: Consortium, pen: Pen) -> Statement:
    return next(said for said in reversed(town.said) if said.kid == pen.kid)


def test_heads_of_another_delegates_end_show_that_a_grant_existed() -> None:
    town = trio()
    _, ended = delegate(town)
    pen, _ = delegate(town, B, to=OTHER)
    given = granted(town, pen)
    body = {"delegation": ended.id, "heads": town.heads(), "effective_from": town.time + 1}
    withdrawal = town.says(A, "authority.withdraw", body, DELEGATE)

    check(town, given, EffectState.EFFECTIVE, withdrawal)
    fold, _ = settled(town, withdrawal)
    record = fold.get("accreditation", given.id.hex())
    assert record is not None
    assert "unanchored" not in str(record)


@pytest.mark.parametrize("delay", [0, 1])
def test_what_its_author_had_kept_back_dates_no_amendment_later(delay: int) -> None:
    """B and C could carry it before. Then its author alone dated it later: nothing that its new keys had said counted
    any more, its heads no longer showed what an ended delegate had granted, and nodes had different roots."""
    town, fresh = trio(), Pen("fresh", A)
    end = town.time + 100
    pen, _ = delegate(town, valid_until=end)
    given, heads = granted(town, pen), town.heads()
    late = town.says(A, "issuer.register", register("did:web:late.example"), iat=town.time + 2 + delay)
    charter = charter_body(TRIO, {**town.pens, f"{A}#1": fresh}, budget=50)
    body = {"parent": town.genesis.id, "version": 2, "charter": charter, "heads": heads}
    amendment = town.says(A, "charter.amend", body, town.id)
    town.votes(B, amendment)
    town.votes(C, amendment)
    said = town.says(fresh, "issuer.register", register("did:web:fresh.example"))

    if late.iat > amendment.iat:
        check(town, amendment, EffectState.INEFFECTIVE, late)
        check(town, said, EffectState.INEFFECTIVE, late)
        assert "use another key" in verdict_of(town, amendment).reason
    else:
        check(town, amendment, EffectState.EFFECTIVE, late)
        check(town, said, EffectState.EFFECTIVE, late)
    record = town.fold().get("accreditation", given.id.hex())
    assert ("unanchored" in str(record)) is (late.iat > amendment.iat)
    missing = fold_of(town.eco, [said for said in town.said if said is not late])
    verdict = standing_of(missing, amendment.id)
    assert verdict is not None
    assert verdict.reason == "An earlier statement of its key is missing."


def test_an_earlier_introduction_of_a_key_by_another_key_makes_room_for_what_it_said() -> None:
    town, fresh = trio(keys=2), Pen("fresh", A)
    then = town.time
    early = town.says(f"{A}#2", "key.add", key_entry(fresh, budget=50), A, iat=then + 10)
    town.says(f"{A}#1", "key.add", key_entry(fresh, budget=50), A, iat=then + 100)
    said = town.says(fresh, "issuer.register", register(), iat=then + 50)

    check(town, said, EffectState.EFFECTIVE, early)


def test_so_it_does_for_the_keys_that_this_key_introduced() -> None:
    town, fresh, further = trio(keys=2), Pen("fresh", A), Pen("further", A)
    then = town.time
    early = town.says(f"{A}#2", "key.add", key_entry(fresh, budget=50), A, iat=then + 10)
    town.says(f"{A}#1", "key.add", key_entry(fresh, budget=50), A, iat=then + 100)
    town.says(fresh, "key.add", key_entry(further, budget=5), A, iat=then + 20)
    said = town.says(further, "issuer.register", register(), iat=then + 50)

    check(town, said, EffectState.EFFECTIVE, early)


def test_a_cut_off_is_as_late_as_what_came_before_it_on_its_keys_chain() -> None:
    """A vote by the key was given before the cut-off was made, as the statement that was missing shows."""
    town = trio(keys=3, rules={"issuer.register": {"authorities": 2}})
    key, then = town.pen(f"{A}#3"), town.time
    last = last_of(town, key)
    said = town.says(B, "issuer.register", register(), iat=then + 60)
    town.says(key, "vote.approve", {"targets": [said.id]}, town.eco.hex(), iat=then + 70)
    missing = town.says(f"{A}#1", "framework.publish", framework(), iat=then + 100)
    town.says(f"{A}#1", "key.retire", {"key": key.kid, "last": last.id}, A, iat=then + 50)

    check(town, said, EffectState.EFFECTIVE, missing)


def test_the_subject_of_a_vote_tells_whether_the_branch_of_a_key_that_was_cut_off_counts() -> None:
    town = trio(keys=2, rules={"issuer.register": {"authorities": 2}})
    key = town.pen(f"{A}#2")
    first = last_of(town, key)
    one = town.says(B, "issuer.register", register("did:web:one.example"))
    two = town.says(C, "issuer.register", register("did:web:two.example"))
    thief = key.copy()
    town.votes(key, one)
    town.votes(thief, two)
    town.says(f"{A}#1", "key.retire", {"key": key.kid, "last": first.id}, A)

    check(town, two, EffectState.WAITING, one)


def crosswalk(**changes: Any) -> dict[str, Any]:
    links = [{"source": f"{FRAMEWORK}/1", "relation": "exact_match", "target": "urn:example:elsewhere"}]
    return {
        "id": "https://crosswalks.example/1",
        "title": "A crosswalk",
        "source": {"framework": FRAMEWORK},
        "target": {"framework": "urn:example:others"},
        "method": "expert",
        "usable_for_scope": True,
        "links": links,
    } | changes


@pytest.mark.parametrize("is_forked", [False, True])
def test_a_mapping_that_took_two_bodies_keeps_what_one_said_against_it_in_the_set(is_forked: bool) -> None:
    """The body cannot take its word back by ending its key alone, although the mapping comes after both."""
    town = trio(keys=2, rules={"accreditation.grant": {"authorities": 2}})
    key = town.pen(f"{A}#2")
    first = last_of(town, key)
    mapping = town.says(C, "mapping.publish", crosswalk())
    town.votes(B, mapping)
    thief = key.copy()
    body = {"mapping": mapping.sub, "publish": mapping.id, "effective_from": town.time}
    withdrawal = town.says(key, "mapping.withdraw", body, mapping.sub)
    if is_forked:
        town.says(thief, "mapping.withdraw", body | {"effective_from": town.time + 9}, mapping.sub)
    town.says(f"{A}#1", "key.retire", {"key": key.kid, "last": first.id}, A)

    fold, _ = settled(town, mapping)
    assert fold.is_committed(withdrawal.id)
    assert fold.state_root() == town.fold().state_root()


def test_a_voucher_for_the_end_of_a_branch_reaches_back_once_its_middle_has_come() -> None:
    town = trio()
    pen = town.pen(A)
    thief = pen.copy()
    honest = town.says(pen, "issuer.register", register("did:web:honest.example"))
    middle = town.says(pen, "issuer.register", register("did:web:middle.example"))
    end = town.says(pen, "issuer.register", register("did:web:end.example"))
    town.says(thief, "issuer.register", register("did:web:forged.example"))
    town.votes(B, end)

    check(town, honest, EffectState.EFFECTIVE, middle)


def test_what_an_ended_key_said_is_in_the_set_as_soon_as_a_cut_off_without_effect_names_it_as_the_last() -> None:
    """The cut-off ends a key of which nobody has heard, so it changes no conclusion of the law."""
    town = trio(keys=2)
    key = town.pen(f"{A}#2")
    first = last_of(town, key)
    said = town.says(key, "issuer.register", register())
    town.says(f"{A}#1", "key.retire", {"key": key.kid, "last": first.id}, A)
    assert not town.fold().is_committed(said.id)
    ended = town.says(B, "key.retire", {"key": Pen("unheard of", B).kid, "last": said.id}, B)

    fold, _ = settled(town, ended)
    assert fold.is_committed(said.id)
    assert fold.state_root() == town.fold().state_root()


@pytest.mark.parametrize("is_approved_by_thief", [False, True])
def test_a_branch_is_vouched_for_as_soon_as_its_end_comes_for_which_somebody_has_voted(
    is_approved_by_thief: bool,
) -> None:
    town = trio()
    pen = town.pen(A)
    thief = pen.copy()
    honest = town.says(pen, "issuer.register", register("did:web:honest.example"))
    end = town.says(pen, "issuer.register", register("did:web:end.example"))
    town.says(thief, "issuer.register", register("did:web:forged.example"))
    if is_approved_by_thief:
        town.votes(thief, end)
    town.votes(B, end)

    check(town, honest, EffectState.EFFECTIVE, end)
