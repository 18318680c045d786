"""The law of the fold: every order, duplication and batching of one set gives the same records and the same root."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.governance.authority.admission import Admission
from accredit.governance.authority.ballots import Ground
from accredit.governance.authority.governing_state import Law, settle_law
from accredit.governance.fold import Fold
from accredit.governance.standing import key_heads, standing_of, waiting_proposals
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.errors import AccreditError
from accredit.registry.statement import Statement, decode
from tests.strategies.bodies import register
from tests.strategies.consortium import Pen, accepted, fold_of
from tests.strategies.forked import forked_history
from tests.strategies.histories import History, histories
from tests.strategies.late_targets import heard_late, late_history
from tests.strategies.searching import NARROW
from tests.strategies.stories import A, B, C, trio


def picture(fold: Fold) -> dict[str, Any]:
    """All that anybody can see of a fold."""
    return {
        "records": dict(fold.items()),
        "root": fold.state_root(),
        "committed": sorted(s.id for s in fold.chains if fold.is_committed(s.id)),
        "standings": {s.id: standing_of(fold, s.id) for s in sorted(fold.chains, key=lambda s: s.id)},
        "open": [proposal.statement.id for proposal in waiting_proposals(fold)],
        "alarms": fold.alarms(),
        "nodes": fold.nodes(),
        "heads": key_heads(fold),
    }


@pytest.mark.no_cover
@NARROW
@given(histories(), st.randoms(use_true_random=False), st.integers(1, 7))
def test_order_duplication_and_batching_change_nothing(history: History, random: Any, batch: int) -> None:
    eco, said = history
    shuffled = said + random.choices(said, k=len(said) // 2)
    random.shuffle(shuffled)

    assert picture(fold_of(eco, shuffled, batch=batch)) == picture(fold_of(eco, said))


@pytest.mark.no_cover
@NARROW
@given(histories())
def test_one_at_a_time_is_the_same_as_all_at_once(history: History) -> None:
    eco, said = history

    assert picture(fold_of(eco, said, batch=1)) == picture(fold_of(eco, said))


@pytest.mark.no_cover
@NARROW
@given(histories(), st.randoms(use_true_random=False))
def test_nodes_that_hear_in_any_order_accept_the_same_set(history: History, random: Any) -> None:
    """What is not known yet is tried again, as a node does; what is refused is refused in every order."""
    eco, said = history

    shuffled = list(said)
    random.shuffle(shuffled)

    assert {s.id for s in accepted(eco, shuffled)} == {s.id for s in accepted(eco, said)}


@pytest.mark.no_cover
@NARROW
@given(histories())
def test_the_committed_set_alone_gives_the_same_records(history: History) -> None:
    """What leaves the committed set has no effect: who never heard it comes to the same state."""
    eco, said = history
    said = accepted(eco, said)
    whole = fold_of(eco, said)
    committed = [s for s in said if whole.is_committed(s.id)]
    part = fold_of(eco, accepted(eco, committed))

    assert dict(part.items()) == dict(whole.items())
    assert part.state_root() == whole.state_root()


@pytest.mark.no_cover
@NARROW
@given(histories(), st.data())
def test_a_branch_is_like_a_fold_of_its_own_and_its_base_never_notices(history: History, data: st.DataObject) -> None:
    """Any set split between a base, a branch of it and a branch of that, whatever each has settled before."""
    eco, said = history
    first, second = sorted(data.draw(st.tuples(st.integers(0, len(said)), st.integers(0, len(said)))))
    base = fold_of(eco, said[:first])
    before = picture(base)
    middle = base.branch()
    grow(middle, said[first:second], batch=data.draw(st.integers(1, 5)))
    between = picture(middle)
    top = middle.branch()
    grow(top, said[second:], batch=data.draw(st.integers(1, 5)))

    assert picture(top) == picture(fold_of(eco, said))
    assert picture(middle) == between == picture(fold_of(eco, said[:second]))
    assert picture(base) == before


@pytest.mark.no_cover
@NARROW
@given(histories(), st.data())
def test_a_base_becomes_what_its_branch_is_and_all_go_on_as_before(history: History, data: st.DataObject) -> None:
    """As what a node keeps becomes what a quorum stands by, while more is held already."""
    eco, said = history
    first, second, third = sorted(data.draw(st.tuples(*[st.integers(0, len(said))] * 3)))
    base = fold_of(eco, said[:first])
    middle = base.branch()
    grow(middle, said[first:second], batch=data.draw(st.integers(1, 5)))
    top = middle.branch()
    grow(top, said[second:])
    base.absorb(middle)

    assert picture(base) == picture(middle) == picture(fold_of(eco, said[:second]))
    assert picture(top) == picture(fold_of(eco, said))

    again = base.branch()
    grow(again, said[second:third])
    top.rebase(again)
    base.absorb(again)
    assert picture(base) == picture(fold_of(eco, said[:third]))
    assert picture(top) == picture(fold_of(eco, said))


@NARROW
@given(histories(), st.data())
def test_layers_between_a_base_and_a_branch_may_be_taken_into_the_base(history: History, data: st.DataObject) -> None:
    """As sets that are cosigned one after the other find their quorum while further ones are cosigned already."""
    eco, said = history
    ends = sorted(data.draw(st.tuples(*[st.integers(0, len(said))] * 5)))
    layers = [fold_of(eco, said[: ends[0]])]
    for begin, end in pairwise(ends):
        layers.append(layers[-1].branch())
        grow(layers[-1], said[begin:end], batch=data.draw(st.integers(1, 5)))
    base, first, second, *above = layers
    top = above[-1].branch()
    grow(top, said[ends[-1] :])

    first.absorb(second)
    base.absorb(first)
    above[0].relay(base)
    for fold, end in zip((base, *above), ends[2:], strict=True):
        assert picture(fold) == picture(fold_of(eco, said[:end]))
    assert picture(top) == picture(fold_of(eco, said))

    above[0].absorb(above[1])
    base.absorb(above[0])
    top.relay(base)
    assert picture(base) == picture(fold_of(eco, said[: ends[-1]]))
    assert picture(top) == picture(fold_of(eco, said))


@NARROW
@given(histories(), st.data())
def test_a_base_may_take_any_part_and_its_branch_goes_on_over_it(history: History, data: st.DataObject) -> None:
    """As a node's candidate catches up with what is logged, in whatever steps: no record and no root changes by it."""
    eco, said = history
    base, live = fold_of(eco, []), fold_of(eco, said[: len(said) // 2])
    for share in data.draw(st.lists(st.floats(0, 1), min_size=1, max_size=4)):
        held = [s for s in live.chains if s.id not in base]
        chosen = data.draw(st.permutations(held))[: round(share * len(held))]
        before = picture(live)
        grow(base, chosen)
        live.rebase(base)
        assert picture(live) == before
        assert [s.id in base for s in live.chains.own()] == [False] * (len(live) - len(base))
        grow(live, data.draw(st.permutations(said))[: len(said) // 3], batch=2)
    grow(live, said)

    assert picture(live) == picture(fold_of(eco, said))
    assert picture(base) == picture(fold_of(eco, [s for s in said if s.id in base]))


@NARROW
@given(histories(), st.data())
def test_what_a_fold_comes_to_rest_on_is_a_fold_of_that_part(history: History, data: st.DataObject) -> None:
    eco, said = history
    live = fold_of(eco, said)
    before = picture(live)
    held = list(live.chains)
    part = data.draw(st.permutations(held))[: data.draw(st.sampled_from([len(held), len(held) // 2, 0]))]
    base = live.rest_on(part)

    assert picture(live) == before
    assert picture(base) == picture(fold_of(eco, part))
    assert len(live.chains.own()) == len(held) - len(part)


@NARROW
@given(histories(), st.randoms(use_true_random=False))
def test_acceptance_goes_on_in_a_branch_as_if_there_were_none(history: History, random: Any) -> None:
    eco, said = history
    base, whole = Admission(eco), Admission(eco)
    branch = base
    cut = random.randrange(len(said) + 1)
    for number, statement in enumerate(said):
        if number == cut:
            branch = base.branch()
        verdicts = [_verdict(each, statement) for each in (branch, whole)]
        assert verdicts[0] == verdicts[1]
    assert len(branch) == len(whole)
    assert all((s.id in branch) == (s.id in whole) for s in said)
    assert all((s.id in base) == (s.id in whole) for s in said[:cut])
    assert branch is base or not any(s.id in base for s in said[cut:] if s.id not in {held.id for held in said[:cut]})


def _verdict(admission: Admission, statement: Statement) -> object:
    try:
        return admission.add(admission.admit(decode(statement.raw)))
    except AccreditError as error:
        return error.code


def grow(fold: Fold, statements: Sequence[Statement], *, batch: int = 1_000) -> None:
    for start in range(0, len(statements), batch):
        for statement in statements[start : start + batch]:
            fold.add(statement)
        fold.settle()


def check_forked_history(seed: int) -> None:
    town, choice = forked_history(seed), Random(seed)
    whole = picture(fold_of(town.eco, town.said))
    for batch in (1, 1, 3):
        shuffled = list(town.said)
        choice.shuffle(shuffled)
        assert picture(fold_of(town.eco, shuffled, batch=batch)) == whole, f"seed {seed}, batches of {batch}"


@pytest.mark.parametrize("seed", [*range(1, 21), 100])
def test_branches_cut_offs_and_votes_on_them_come_in_any_order(seed: int) -> None:
    check_forked_history(seed)


@pytest.mark.nightly
def test_branches_cut_offs_and_votes_on_them_come_in_any_order_however_they_are_told() -> None:
    first = Random().randrange(2**32)
    print(f"seeds {first} to {first + 1_999}")
    for seed in range(first, first + 2_000):
        check_forked_history(seed)


def test_what_a_forked_key_says_after_its_end_is_committed_by_those_who_hear_it_late_too() -> None:
    """Its branches said things that the law rests on, so all that it said stays. Whoever heard one of them late had
    another root for ever."""
    town = trio()
    thief = town.pen(A).copy()
    honest = town.says(A, "issuer.register", register())
    town.says(thief.copy(), "key.retire", {"key": Pen("another's", B).kid, "last": None})
    ended = town.says(B, "key.compromise", {"key": thief.kid, "last": honest.id})
    town.says(C, "vote.approve", {"targets": [ended.id]})
    late = town.says(thief, "issuer.register", register("did:web:late.example"))

    whole, fold = town.fold(), fold_of(town.eco, [said for said in town.said if said is not late])
    fold.add(late)
    fold.settle()
    assert whole.is_committed(late.id)
    assert picture(fold) == picture(whole)


def law_of(law: Law) -> dict[str, object]:
    """All that a law concludes, by name: its own members and those of its parts, without what they only remember."""
    ground, remembered = law.ground, ("chains", "_forks", "_voices", "_lines", "_introduced", "_highest")
    parts = {field.name: getattr(law, field.name) for field in fields(Law) if field.name not in ("ground", "mandates")}
    basis = {field.name: getattr(ground, field.name) for field in fields(Ground) if field.name not in remembered}
    return parts | basis | {"seats": law.mandates.seats}


def remembered_wrongly(fold: Fold, anew: Law) -> list[object]:
    """Look-ups and judgements that a fold has kept, and that would be otherwise now."""
    law = fold.law
    assert law is not None
    kept, now = law.ground, anew.ground
    wrong: list[object] = [
        key for key, found in kept._voices.items() if found != now.candidates(key[0], CanonicalId(key[1]))
    ]
    wrong += [key for key, found in kept._introduced.items() if found != now.introduced(*key)]
    wrong += [key for key, found in kept._highest.items() if found != now.highest(*key)]
    wrong += [key for key, found in kept._forks.items() if found != now.fork(key)]
    wrong += [head for head, found in kept._lines.items() if found != {s.id for s in fold.chains.ancestry(head)}]
    return wrong + [id for id, found in fold._verdicts.items() if found != fold._judge(anew, fold.chains[id])]


def check_kept_laws(seeds: Iterable[int]) -> None:
    for seed in seeds:
        check_kept_law(seed)


def check_kept_law(seed: int) -> None:
    town = late_history(seed)
    fold = Fold(town.eco)
    for number, statement in enumerate(heard_late(town, seed)):
        fold.add(statement)
        fold.settle()
        anew = settle_law(fold.chains, town.eco)
        if anew is None or fold.law is None:
            assert anew is fold.law
            continue
        kept, now = law_of(fold.law), law_of(anew)
        # These two say what to look at when something comes, or has changed, and are read when a law is settled: of
        # keys that have spoken since, and of what lies beyond a known fork, there is nothing to look at yet.
        assert fold.law.introduced.items() <= anew.introduced.items()
        assert fold.law.awaited <= anew.awaited
        differ = [name for name in now if kept[name] != now[name] and name not in ("introduced", "awaited")]
        assert differ == [], f"seed {seed}, statement {number}"
        if number % 3 == 0:
            assert remembered_wrongly(fold, anew) == [], f"seed {seed}, statement {number}"
    assert picture(fold) == picture(fold_of(town.eco, town.said)), f"seed {seed}"


@pytest.mark.no_cover
@pytest.mark.parametrize("seed", range(9))
def test_the_law_that_is_kept_is_the_law_settled_anew_after_every_statement(seed: int) -> None:
    check_kept_law(seed)


@pytest.mark.nightly
def test_the_law_that_is_kept_is_the_law_settled_anew_however_much_is_said() -> None:
    check_kept_laws(range(1_000, 2_500))


@pytest.mark.parametrize("fault", ["is_sensitive_to", "is_indifferent_to"])
def test_a_law_that_is_kept_too_long_is_seen(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Law, fault, lambda *_: fault == "is_indifferent_to")

    with pytest.raises(AssertionError, match="seed"):
        check_kept_laws(range(30))
