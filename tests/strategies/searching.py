"""How widely Hypothesis searches where one example is a whole history.

    @NARROW
    @given(histories())
    def test_…

A share of what the profile asks for, so that the nightly profile still searches widely.
"""

from typing import Final

from hypothesis import settings

FEW: Final = settings(max_examples=max(1, settings().max_examples // 10))
"""For searches that are made of each of some dozens of doors: 10 in a normal run, 500 in a nightly one."""

NARROW: Final = settings(max_examples=max(1, settings().max_examples * 3 // 10))
"""For examples that take tens of milliseconds: 30 in a normal run, 1,500 in a nightly one."""
