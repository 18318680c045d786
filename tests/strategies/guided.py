"""A search for bad inputs that is guided by what runs: what reaches a new step of our code is changed further.

    found = guided(good, mutate, run, Random(seed), 10_000)
    found.runs, found.steps, found.kept

Blind changes of a good input rarely get past the second check of a reader, for one change is too few and two are seldom
the right ones. Here whatever takes a step that no input before it took (from one line to another, in our own folders)
joins those that are changed. The same seed gives the same search.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from types import FrameType
from typing import Any, Final

from cbor2 import CBORError

from tests.docs.pages import ROOT
from tests.strategies.mutants import block_mutants

Mutate = Callable[[bytes, Random, int], Iterator[bytes]]
Step = tuple[str, int, int]
"""A file, and two lines that ran one after the other in one call."""

FOLDERS: Final = tuple(
    f"{ROOT / within / folder}/"  # by the name that imports use, and by the folder's own
    for within in ("accredit", "")
    for folder in ("registry", "governance", "gossip", "node", "cli")
)
_LONGEST: Final = 1 << 20
"""Bytes of an input that is changed further."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """How far one search came: inputs tried, steps of our code taken, inputs that took one first."""

    runs: int
    steps: int
    kept: int


def guided(
    good: bytes,
    mutate: Mutate,
    run: Callable[[bytes], None],
    random: Random,
    count: int,
    *,
    is_ours: Callable[[str], bool] | None = None,
) -> Search:
    """Tries `count` inputs, the first of them `good`; whatever `run` raises ends the search.

    Args:
        mutate: how an input of the kind of `good` is changed; what it cannot read is changed byte by byte.
        is_ours: whether steps in a file count; by default those of the program.
    """
    kept, taken = [good], dict[Step, None]()
    ours = lru_cache(maxsize=None)(is_ours or _is_ours)
    for number in range(count):
        data = good if number == 0 else _changed(random.choice(kept[-32:] if number % 2 else kept), mutate, random)
        steps: dict[Step, None] = {}
        with watched(steps, ours):
            run(data)
        new = [step for step in steps if step not in taken]
        if new and number and len(data) <= _LONGEST:
            kept.append(data)
        taken.update(dict.fromkeys(new))
    return Search(runs=count, steps=len(taken), kept=len(kept) - 1)


def _changed(data: bytes, mutate: Mutate, random: Random) -> bytes:
    if random.random() < 0.75:
        try:
            return next(mutate(data, random, 10))
        except (CBORError, ValueError, LookupError, TypeError, AssertionError, RecursionError, StopIteration):
            pass  # it has become something that only bytes can be changed of
    return next(block_mutants(data or b"\x00", random, 10))


def _is_ours(name: str) -> bool:
    return name.startswith(FOLDERS)


@contextmanager
def watched(steps: dict[Step, None], is_ours: Callable[[str], bool]) -> Iterator[None]:
    """Notes the steps taken meanwhile, in this thread."""
    before = sys.gettrace()

    def on_call(frame: FrameType, event: str, argument: Any) -> Any:
        del event, argument
        name = frame.f_code.co_filename
        if not is_ours(name):
            return None
        last = frame.f_lineno

        def on_line(frame: FrameType, event: str, argument: Any) -> Any:
            nonlocal last
            del argument
            if event == "line":
                steps[name, last, frame.f_lineno] = None
                last = frame.f_lineno
            return on_line

        return on_line

    sys.settrace(on_call)
    try:
        yield
    finally:
        sys.settrace(before)
