"""Limits how fast one address may submit: a submission over its share waits, or is refused if the wait is too long.

The generic cell rate algorithm (ITU-T I.371): for each address it keeps the time at which all its statements would have
been due at an even pace. This may run ahead of the clock by one minute's share. Addresses that have caught up are
forgotten.
"""

from collections import OrderedDict
from typing import Final

from accredit.registry.errors import BusyError

BURST_SECONDS: Final = 60.0
WAIT_SECONDS: Final = 20.0
"""The longest a submitter is kept waiting: less than a client's own patience (30 s)."""

ADDRESSES: Final = 10_000
"""Addresses remembered at most, those that sent last; 100 bytes each."""


class Pace:
    """Shares of submitters.

    Args:
        per_minute: statements an address may submit in a minute.
    """

    def __init__(self, per_minute: int) -> None:
        self._interval = 60.0 / per_minute
        self._due: OrderedDict[str, float] = OrderedDict()

    def delay(self, address: str, count: int, now: float) -> float:
        """Seconds to wait before taking `count` statements from `address`.

        Args:
            now: seconds of a clock that never falls.

        Raises:
            BusyError: it would be too long (`rate_limited`); nothing is counted then.
        """
        due = max(self._due.get(address, now), now) + count * self._interval
        wait = max(0.0, due - now - BURST_SECONDS)
        if wait > WAIT_SECONDS:
            raise BusyError(
                "rate_limited",
                f"{address} has used up its share of submissions; {count} more would wait {wait:.0f} seconds.",
                hint="Send fewer at once, or send them later; nothing in this request was accepted.",
            )
        self._due[address] = due
        self._due.move_to_end(address)
        if len(self._due) > ADDRESSES:
            self._due.popitem(last=False)
        return wait
