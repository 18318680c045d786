"""Virtual time: one heap of (time, sequence), one digest over all events, one source of randomness.

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
from itertools import count
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
        self.tail: deque[Happened] = deque(maxlen=keep)

    def note(self, time: int, place: str, what: str, data: bytes = b"") -> None:
        """Add one event. The digest covers lengths, so that no two traces have the same bytes."""
        self.events += 1
        line = f"{time} {place} {what} {len(data)}\n".encode()
        self._hash.update(line)
        self._hash.update(data)
        self.tail.append(Happened(time=time - START, place=place, what=what))

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
        self._heap: list[tuple[int, int, Action]] = []
        self._sequence = count()

    @property
    def elapsed(self) -> int:
        """Return the ms since the start of the run."""
        return self.now - START

    def stream(self, name: str) -> Random:
        """Return a separate random source; the same seed and name give the same numbers."""
        return Random(sha256(f"{self.seed} {name}".encode()).digest())

    def at(self, time: int, action: Action) -> None:
        """Plan an action; one for a past time runs now."""
        heapq.heappush(self._heap, (max(time, self.now), next(self._sequence), action))

    def after(self, ms: int, action: Action) -> None:
        """Plan an action `ms` from now."""
        self.at(self.now + ms, action)

    @property
    def next_at(self) -> int | None:
        """Return when the next planned action runs, ms since 1970; None if nothing is planned."""
        return self._heap[0][0] if self._heap else None

    def run(self, *, until: int, stop: Callable[[], bool] | None = None) -> bool:
        """Let time pass up to and including `until` (ms since 1970), or until `stop` returns true after an action.

        Returns:
            whether it was stopped.
        """
        heap = self._heap
        while heap and heap[0][0] <= until:
            self.now, _, action = heapq.heappop(heap)
            action()
            if stop is not None and stop():
                return True
        self.now = max(self.now, until)
        return False
