"""Sets Python's garbage collector for a long-lived process, and for one that takes in much."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

GC_OBJECTS: Final = 10_000
"""New containers until Python looks for reference cycles among them; by default 700, which a few questions make.
Measured with 10^5 issuers: this took 9 us of 130 a question, and a full collection took up to 70 ms."""

INTAKE_OBJECTS: Final = 100_000
"""The same while a log is taken in: some batches, whose objects all stay or are free by themselves. By default, this
took a tenth of the time."""


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """Look for reference cycles seldom as long as the block lasts."""
    before = gc.get_threshold()
    gc.set_threshold(INTAKE_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def keeping_what_is_there() -> Iterator[None]:
    """Exclude existing objects from garbage collection as long as the block lasts.

    Where somebody has excluded objects already, as the tests do with what they have collected, these stay excluded
    after the block too: Python forgets all of them at once, so nothing is added and nothing is forgotten.
    """
    is_first = not gc.get_freeze_count()
    if is_first:
        gc.freeze()
    try:
        yield
    finally:
        if is_first:
            gc.unfreeze()


def settle_memory() -> None:
    """Exclude existing objects, which stay, from garbage collection, and collect new ones seldom.

    Call it once, when a process begins to serve. Unreferenced objects are freed as before; only reference cycles wait.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_OBJECTS, *gc.get_threshold()[1:])
