"""What a fold holds, kept in a database: it is what one in memory comes to, whenever it was written and read again."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.governance.test_law_of_the_fold import picture
from tests.strategies.consortium import fold_of
from tests.strategies.histories import History, histories
from tests.strategies.holdings import KEEPERS

STEPS = st.lists(st.tuples(st.integers(1, 6), st.sampled_from(["go on", "keep", "fail", "reopen"])), max_size=12)


@pytest.mark.parametrize("where", KEEPERS)
def test_a_fold_comes_to_the_same_wherever_and_whenever_it_is_kept(
    tmp_path_factory: pytest.TempPathFactory, where: str
) -> None:
    folder = tmp_path_factory.mktemp("folds")

    @settings(deadline=None, max_examples=20)
    @given(histories(), STEPS)
    def check(history: History, steps: list[tuple[int, str]]) -> None:
        eco, said = history
        said = list({each.id: each for each in said}.values())
        keeper, done = KEEPERS[where](folder, eco), 0
        for count, then in [*steps, (len(said), "keep"), (1, "reopen")]:
            some = said[done : done + count]
            if some:
                keeper.log(some)
            done += len(some)
            for statement in some:
                keeper.fold.add(statement)
            keeper.fold.settle()
            match then:
                case "keep":
                    keeper.keep()
                case "fail":
                    keeper.fail()
                case "reopen":
                    keeper.reopen()
                case _:
                    pass
        assert picture(keeper.fold) == picture(fold_of(eco, said))
        branch = keeper.fold.branch()
        assert picture(branch) == picture(fold_of(eco, said))
        keeper.close()

    check()
