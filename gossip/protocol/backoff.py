"""Computes the pause after a failure: it doubles each time, up to a maximum.

A caller adds its own jitter if many callers would otherwise return at the same moment.
"""

from typing import Final, TypeVar

Time = TypeVar("Time", int, float)
"""The unit in which the pauses are given."""

_DOUBLINGS: Final = 30
"""After so many doublings the longest pause is reached, whatever the first; the bound keeps the number small."""


def pause_after(failures: int, first: Time, longest: Time) -> Time:
    """Return the pause after a number of failures in a row, at least 1.

    >>> [pause_after(failures, 1, 60) for failures in (1, 2, 3, 7, 1_000)]
    [1, 2, 4, 60, 60]
    """
    return min(longest, first * (1 << min(failures - 1, _DOUBLINGS)))
