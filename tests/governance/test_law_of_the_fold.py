"""The law of the fold: every order, duplication and batching of one set gives the same records and the same root."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from governance.fold import Fold
from tests.strategies.consortium import accepted, fold_of
from tests.strategies.histories import History, histories


def picture(fold: Fold) -> dict[str, Any]:
    """All that anybody can see of a fold."""
    return {
        "records": dict(fold.items()),
        "root": fold.state_root(),
        "committed": sorted(s.id for s in fold.chains if fold.is_committed(s.id)),
        "standings": {s.id: fold.standing(s.id) for s in sorted(fold.chains, key=lambda s: s.id)},
        "open": [proposal.statement.id for proposal in fold.proposals()],
        "alarms": fold.alarms(),
        "nodes": fold.nodes(),
        "heads": fold.heads(),
    }


@given(histories(), st.randoms(use_true_random=False), st.integers(1, 7))
def test_order_duplication_and_batching_change_nothing(history: History, random: Any, batch: int) -> None:
    eco, said = history
    shuffled = said + random.choices(said, k=len(said) // 2)
    random.shuffle(shuffled)

    assert picture(fold_of(eco, shuffled, batch=batch)) == picture(fold_of(eco, said))


@given(histories())
def test_one_at_a_time_is_the_same_as_all_at_once(history: History) -> None:
    eco, said = history

    assert picture(fold_of(eco, said, batch=1)) == picture(fold_of(eco, said))


@given(histories(), st.randoms(use_true_random=False))
def test_nodes_that_hear_in_any_order_accept_the_same_set(history: History, random: Any) -> None:
    """What is not known yet is tried again, as a node does; what is refused is refused in every order."""
    eco, said = history

    shuffled = list(said)
    random.shuffle(shuffled)

    assert {s.id for s in accepted(eco, shuffled)} == {s.id for s in accepted(eco, said)}


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
