"""How widely Hypothesis searches where one example is a whole history.

    @NARROW
    @given(histories())
    def test_…

A share of what the profile asks for, so that the nightly profile still searches widely.
"""

from typing import Any, Final

from hypothesis import settings


def examples(count: int, **more: Any) -> settings:
    """So many examples in a normal run, fifty times as many in a nightly one; `more` as Hypothesis has it."""
    return settings(max_examples=max(1, count * settings().max_examples // 100), **more)


FEW: Final = examples(10)
"""For searches that are made of each of some dozens of doors: 10 in a normal run, 500 in a nightly one."""

SOME: Final = examples(40)
"""For properties that are not measured, at milliseconds an example: 40 in a normal run, 2,000 in a nightly one."""

NARROW: Final = examples(30)
"""For examples that take tens of milliseconds: 30 in a normal run, 1,500 in a nightly one."""
