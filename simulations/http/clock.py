"""Virtual time for tasks of trio, and a scheduler whose choices follow from a seed.

    with seeded_scheduler(7):
        trio.run(main, clock=MockClock(autojump_threshold=0))

`TaskTimeline` is a `timeline.Timeline` on trio's clock: one task runs the planned actions, from the same heap.

trio deliberately runs the tasks of one turn in a random order. Its random source is private: this module replaces it
during a run, and sorts tasks before they are shuffled, as trio itself does for Hypothesis. Then a run depends only on
its seed, as far as trio and the libraries on it allow: a test runs one in two processes.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from random import Random

import trio
from trio._core import _run  # not public: see above; a test notices if it changes

from accredit.node.clock import Clock
from accredit.simulations.virtual.physics.timeline import START, Action, Timeline


class TaskTimeline:
    """See the module and `timeline.Timeline`.

    Args:
        nursery: runs the planned actions.
    """

    def __init__(self, nursery: trio.Nursery, *, seed: int, keep: int) -> None:
        self._planned = Timeline(seed=seed, keep=keep)
        self.trace = self._planned.trace
        self._sooner = trio.Event()
        self._clock = trio.lowlevel.current_clock()  # it can be asked after the run, too
        self._began = self._clock.current_time()
        nursery.start_soon(self._run)

    @property
    def now(self) -> int:
        """ms since 1970."""
        return START + self.elapsed

    @property
    def elapsed(self) -> int:
        """ms since the start of the run."""
        return round((self._clock.current_time() - self._began) * 1_000)

    def stream(self, name: str) -> Random:
        """Return a separate random source; the same seed and name give the same numbers."""
        return self._planned.stream(name)

    def at(self, time: int, action: Action) -> None:
        """Plan an action; one for a past time runs now."""
        first = self._planned.next_at
        self._planned.at(time, action)
        if first is None or time < first:
            self._sooner.set()

    def after(self, ms: int, action: Action) -> None:
        """Plan an action `ms` from now."""
        self.at(self.now + ms, action)

    async def _run(self) -> None:
        """Run the planned actions, each at its time, until the nursery is cancelled."""
        while True:
            self._planned.run(until=self.now)
            self._sooner = trio.Event()
            first = self._planned.next_at
            deadline = math.inf if first is None else self._began + (first - START) / 1_000
            with trio.move_on_at(deadline):
                await self._sooner.wait()


class HostClock(Clock):
    """A node's clock, which may be wrong. `ahead`: by how many ms."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self.ahead = 0

    def now(self) -> float:
        """See `Clock`."""
        return (self._now() + self.ahead) / 1_000

    def monotonic(self) -> float:
        """See `Clock`."""
        return trio.current_time()


@contextmanager
def seeded_scheduler(seed: int) -> Iterator[None]:
    """Make trio's choices follow from a seed inside the `with` block."""
    before = _run._ALLOW_DETERMINISTIC_SCHEDULING, _run._r
    _run._ALLOW_DETERMINISTIC_SCHEDULING = True  # type: ignore[misc]
    _run._r = Random(sha256(f"{seed} scheduler".encode()).digest())
    try:
        yield
    finally:
        _run._ALLOW_DETERMINISTIC_SCHEDULING, _run._r = before  # type: ignore[misc]
