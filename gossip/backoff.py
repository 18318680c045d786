"""How long to wait after a failure: twice as long each time, up to a maximum.

Whoever waits adds its own jitter, where many would otherwise come back at once.
"""

from typing import Final, TypeVar

Time = TypeVar("Time", int, float)
"""In whatever unit the pauses are given."""

_DOUBLINGS: Final = 30
"""Beyond that the longest pause is reached, whatever the first; and the number stays a small one."""


def pause_after(failures: int, first: Time, longest: Time) -> Time:
    """Return the pause after so many failures in a row, 1 or more.

    >>> [pause_after(failures, 1, 60) for failures in (1, 2, 3, 7, 1_000)]
    [1, 2, 4, 60, 60]
    """
    return min(longest, first * (1 << min(failures - 1, _DOUBLINGS)))
