"""A memory for answers that are dear to find again, and that never grows beyond a number.

Whoever asks chooses what is remembered, so a sitting of many thousand questions must not keep one entry for each.
"""

from typing import Final, TypeVar

K = TypeVar("K")
V = TypeVar("V")

KEPT: Final = 1_024
"""Answers of one kind that are kept at a time: ten authorities that each made a hundred accreditations. A guess."""


def keep(kept: dict[K, V], key: K, answer: V) -> V:
    """Remember an answer and return it; if there are `KEPT` already, forget these first."""
    if len(kept) >= KEPT:
        kept.clear()
    kept[key] = answer
    return answer
