"""The five walks of ARCHITECTURE.md, as steps, and a trail of the calls that a program really makes."""

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from tests.docs.pages import ROOT

Step = tuple[str, str]
"""A file and a name in it."""

PAGE = (ROOT / "ARCHITECTURE.md").read_text("utf-8")


def section(title: str) -> str:
    return PAGE.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def walks() -> dict[str, list[Step]]:
    """Of each walk its steps."""
    text = section("Five walks")
    titles = re.findall(r"^\*\*([^*]+)\.\*\*", text, re.MULTILINE)
    parts = re.split(r"^\*\*[^*]+\.\*\*", text, flags=re.MULTILINE)[1:]
    step = re.compile(r"^\d+\. `([a-z_/]+\.py)` `(\w+)`", re.MULTILINE)
    return {title: step.findall(part) for title, part in zip(titles, parts, strict=True)}


class Trail:
    """The calls of our functions, in order; those of every thread that is `watched`."""

    def __init__(self) -> None:
        self.calls: list[Step] = []

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Note what this thread calls inside the block."""
        before = sys.getprofile()
        sys.setprofile(self._note)
        try:
            yield
        finally:
            sys.setprofile(before)

    def _note(self, frame: FrameType, event: str, argument: object) -> None:  # noqa: ARG002
        if event != "call":
            return
        made = frame.f_locals.get("_cls") or type(frame.f_locals.get("self"))  # a tuple with names is made by `_cls`
        for module, name in (
            (frame.f_globals.get("__name__", ""), frame.f_code.co_name),
            (made.__module__, made.__name__),
        ):
            if module.startswith("accredit."):
                self.calls.append((module.removeprefix("accredit.").replace(".", "/") + ".py", name))

    def first_missed(self, steps: Sequence[Step]) -> Step | None:
        """Return the first step that did not follow those before it; None if the steps were taken in this order."""
        calls = iter(self.calls)
        return next((step for step in steps if step not in calls), None)
