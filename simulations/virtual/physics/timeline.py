"""Virtual time: one heap of times, one digest over all events, one source of randomness.

Time is an integer, ms since 1970, and moves only from one planned action to the next. Two actions planned for the same
time happen in the order in which they were planned, so a run is a function of its seed.

    timeline = Timeline(seed=7)
    timeline.after(45, arrive)
    timeline.run(until=timeline.now + 1_000)

Randomness comes in *streams*, each derived from the seed and a name, so that an additional fault does not change the
delays of links."""

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from random import Random
from typing import Final

START: Final = 1_767_225_600_000
"""Every run begins at 2026-01-01T00:00:00Z."""

TAIL: Final = 40
"""Number of last events in the report of a failure."""

Action = Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """One line of a trace: when (ms since the start), where and what."""

    time: int
    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.time / 1_000:10.3f} s  {self.place:<16} {self.what}"


class Trace:
    """The SHA-256 over all events in order, and the last few of them for people.

    Args:
        keep: the full lines kept for people.
    """

    def __init__(self, *, keep: int = TAIL) -> None:
        self._hash = sha256()
        self.events = 0
        self._tail: deque[tuple[int, str, str]] = deque(maxlen=keep)

    @property
    def tail(self) -> list[Happened]:
        """Return the last events, the oldest first."""
        return [Happened(time=time - START, place=place, what=what) for time, place, what in self._tail]

    def note(self, time: int, place: str, what: str, data: bytes = b"") -> None:
        """Add one event. The digest covers lengths, so that no two traces have the same bytes."""
        self.events += 1
        self._hash.update(b"%d %b %b %d\n%b" % (time, place.encode(), what.encode(), len(data), data))
        self._tail.append((time, place, what))

    def digest(self) -> str:
        """Return the digest, 64 hex digits."""
        return self._hash.hexdigest()


class Timeline:
    """The planned events, with their times.

    Attributes:
        now: ms since 1970.
        trace: what has happened.
    """

    def __init__(self, *, seed: int, keep: int = TAIL) -> None:
        self.seed = seed
        self.now = START
        self.trace = Trace(keep=keep)
        # A heap of the times alone: at any moment thousands of nodes have planned for the same few hundred.
        self._times: list[int] = []
        self._planned: dict[int, deque[Action]] = {}

    @property
    def elapsed(self) -> int:
        """Return the ms since the start of the run."""
        return self.now - START

    def stream(self, name: str) -> Random:
        """Return a separate random source; the same seed and name give the same numbers."""
        return Random(sha256(f"{self.seed} {name}".encode()).digest())

    def at(self, time: int, action: Action) -> None:
        """Plan an action; one for a past time runs now."""
        time = max(time, self.now)
        if (planned := self._planned.get(time)) is None:
            self._planned[time] = deque((action,))
            heapq.heappush(self._times, time)
        else:
            planned.append(action)

    def after(self, ms: int, action: Action) -> None:
        """Plan an action `ms` from now."""
        self.at(self.now + ms, action)

    @property
    def next_at(self) -> int | None:
        """Return when the next planned action runs, ms since 1970; None if nothing is planned."""
        return self._times[0] if self._times else None

    def run(self, *, until: int, stop: Callable[[], bool] | None = None) -> bool:
        """Let time pass up to and including `until` (ms since 1970), or until `stop` returns true after an action.

        Returns:
            whether it was stopped.
        """
        times, planned = self._times, self._planned
        while times and times[0] <= until:
            self.now = times[0]
            actions = planned[self.now]
            action = actions.popleft()
            if not actions:
                del planned[heapq.heappop(times)]
            action()
            if stop is not None and stop():
                return True
        self.now = max(self.now, until)
        return False
