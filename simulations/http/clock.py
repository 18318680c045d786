"""Virtual time for tasks of trio, and a scheduler whose choices follow from a seed.

    with seeded_scheduler(7):
        trio.run(main, clock=MockClock(autojump_threshold=0))

`TaskTimeline` has the methods of `timeline.Timeline`, on trio's clock: what is planned is a task that waits for it.

trio runs the tasks of one turn in a random order, on purpose. The random source is its own and not public: here it is
replaced while a run lasts, and tasks are sorted before they are shuffled, as trio itself does for Hypothesis. With that
a run depends on nothing but its seed, as far as trio and the libraries on it do: a test runs one in two processes.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from random import Random

import trio
from trio._core import _run  # not public: see above; a test notices if it changes

from accredit.node.clock import Clock
from accredit.simulations.virtual.timeline import START, Action, Trace


class TaskTimeline:
    """See the module and `timeline.Timeline`.

    Args:
        nursery: in which what is planned happens.
    """

    def __init__(self, nursery: trio.Nursery, *, seed: int, keep: int) -> None:
        self.seed = seed
        self.trace = Trace(keep=keep)
        self._nursery = nursery
        self._clock = trio.lowlevel.current_clock()  # it can be asked after the run, too
        self._began = self._clock.current_time()

    @property
    def now(self) -> int:
        """ms since 1970."""
        return START + self.elapsed

    @property
    def elapsed(self) -> int:
        """ms since the start of the run."""
        return round((self._clock.current_time() - self._began) * 1_000)

    def stream(self, name: str) -> Random:
        """A source of chance of its own; the same seed and name give the same numbers."""
        return Random(sha256(f"{self.seed} {name}".encode()).digest())

    def at(self, time: int, action: Action) -> None:
        """Plans an action; for a time that has passed, now."""
        self._nursery.start_soon(self._wait, self._began + (time - START) / 1_000, action)

    def after(self, ms: int, action: Action) -> None:
        """Plans an action `ms` from now."""
        self.at(self.now + ms, action)

    async def _wait(self, deadline: float, action: Action) -> None:
        await trio.sleep_until(deadline)
        action()


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
    """Makes trio's choices follow from a seed, for what runs within."""
    before = _run._ALLOW_DETERMINISTIC_SCHEDULING, _run._r
    _run._ALLOW_DETERMINISTIC_SCHEDULING = True  # type: ignore[misc]
    _run._r = Random(sha256(f"{seed} scheduler".encode()).digest())
    try:
        yield
    finally:
        _run._ALLOW_DETERMINISTIC_SCHEDULING, _run._r = before  # type: ignore[misc]
