"""Shows the progress of a node that loads its log or takes in another's: a bar on a terminal, otherwise lines in the
log.

    with shown("Taking in the log", config.log_format) as step:
        step(done, size)

* On a terminal, with `log_format = "text"`: a bar with rate and remaining time, drawn on standard error and gone when
  it is done. A log that takes less than a moment shows nothing.
* Otherwise a log line every `LINE_SECONDS`, in the format of all others (`log_format = "json"`: for programs).
"""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Final

from accredit.node.telemetry import event

LINE_SECONDS: Final = 5.0
"""Between two lines. A guess: often enough to see that it goes on, and 40 lines for the largest log we know of."""

BAR_SECONDS: Final = 0.5
"""Seconds after which a bar appears; shorter tasks show none."""

OnStep = Callable[[int, int], None]
"""Called with entries done and entries in all."""

_log = logging.getLogger(__name__)


@contextmanager
def shown(what: str, log_format: str, clock: Callable[[], float] = monotonic) -> Iterator[OnStep]:
    """Shows progress while something goes on; yields what to tell it."""
    if log_format == "text" and sys.stderr.isatty():
        bar = _Bar(what, clock)
        try:
            yield bar.step
        finally:
            bar.close()
    else:
        yield _Lines(what, clock).step


class _Lines:
    """A line now and then."""

    def __init__(self, what: str, clock: Callable[[], float]) -> None:
        self._what = what
        self._clock = clock
        self._began = self._told = clock()
        self._first: int | None = None

    def step(self, done: int, size: int) -> None:
        """One step."""
        now = self._clock()
        if self._first is None:  # a rate is of what was done since then: the first may be far into a log
            self._first, self._began = done, now
        if now - self._told < LINE_SECONDS:
            return
        self._told = now
        rate = (done - self._first) / (now - self._began) if now > self._began else 0.0
        left = round((size - done) / rate) if rate else None
        event(_log, logging.INFO, self._what.lower(), done=done, of=size, per_second=round(rate), seconds_left=left)


class _Bar:
    """A bar, once it is worth one."""

    def __init__(self, what: str, clock: Callable[[], float]) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
        from rich.progress import TimeRemainingColumn as Remaining
        from rich.text import Text

        class Rate(ProgressColumn):
            """Entries a second."""

            def render(self, task: Task) -> Text:
                speed = task.finished_speed or task.speed
                return Text("" if speed is None else f"{speed:,.0f}/s")

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate(), Remaining())
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task(what)
        self._clock = clock
        self._began = clock()
        self._is_drawn = False

    def step(self, done: int, size: int) -> None:
        """One step."""
        self._bar.update(self._task, completed=done, total=size)
        if not self._is_drawn and self._clock() - self._began >= BAR_SECONDS:
            self._bar.start()
            self._is_drawn = True

    def close(self) -> None:
        """Takes it away."""
        if self._is_drawn:
            self._bar.stop()
