"""The clock. No other module asks the machine for the time.

    now()          seconds since 1970 UTC, may jump when the machine's clock is set
    monotonic()    seconds since some moment, never falls; for durations and timeouts

All other modules get a `Clock`, or plain numbers. `SystemClock` has an offset, so that a drill can show the behaviour
of a node with a wrong clock (refused frames, late cosignatures) without setting the machine's clock.

    >>> clock = SystemClock(offset_seconds=-3600.0)
    >>> clock.offset_seconds = 0.0
"""

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time; tests and the simulator have their own."""

    def now(self) -> float:
        """Seconds since 1970-01-01T00:00:00Z, as the machine believes."""
        ...

    def monotonic(self) -> float:
        """Seconds that never fall; only differences mean anything."""
        ...


class SystemClock:
    """The machine's clock.

    Args:
        offset_seconds: added to `now`; may be changed at any time. 0 but in drills.
    """

    def __init__(self, offset_seconds: float = 0.0) -> None:
        self.offset_seconds = offset_seconds

    def now(self) -> float:
        return time.time() + self.offset_seconds

    def monotonic(self) -> float:
        return time.monotonic()
