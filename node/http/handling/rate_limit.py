"""Limits how fast statements are submitted: what is over a share waits, or is refused if the wait is too long.

**An address pays for what it sends, until the node knows whose it is; the key that signed it pays for what is new.** So
a body's own bulk goes at the pace of its key, from whatever address, and an address loses its share only by garbage,
repetitions and what waits for others. Nobody else can use up the share of a key: it is charged after the signature has
been checked and the statement logged, once for each.

`Pace` is the generic cell rate algorithm (ITU-T I.371): for each payer it keeps the time at which all its statements
would have been due at an even pace. This may run ahead of the clock by one minute's share. Payers that have caught up
are forgotten.
"""

from collections import OrderedDict
from typing import Final

from accredit.registry.errors import BusyError

BURST_SECONDS: Final = 60.0
WAIT_SECONDS: Final = 20.0
"""The longest a submitter is kept waiting: less than a client's own patience (30 s)."""

PAYERS: Final = 10_000
"""Addresses, or keys, remembered at most, those that sent last; 100 bytes each."""

KEY_SHARES: Final = 3
"""New statements of a key for each of unknown origin from an address. By default 60,000 a minute: more than a node with
peers and signers logs on two cores (`benchmarks.history`). So whoever has stolen a key, with however many addresses,
slows down others by no more."""


class Pace:
    """Shares of submitters.

    Args:
        per_minute: statements that each payer may submit in a minute.
    """

    def __init__(self, per_minute: int) -> None:
        self._interval = 60.0 / per_minute
        self._due: OrderedDict[str, float] = OrderedDict()

    def delay(self, payer: str, count: int, now: float) -> float:
        """Charge `payer` with `count` statements; return the seconds to wait before taking them.

        Args:
            now: seconds of a clock that never falls.

        Raises:
            BusyError: it would be too long (`rate_limited`); nothing is counted then.
        """
        wait = self.wait(payer, count, now)
        self.charge(payer, count, now)
        return wait

    def wait(self, payer: str, count: int, now: float) -> float:
        """Return the seconds that `payer` has to wait before `count` more statements, charging nothing.

        Raises:
            BusyError: it would be too long (`rate_limited`).
        """
        wait = max(0.0, self._due_after(payer, count, now) - now - BURST_SECONDS)
        if wait > WAIT_SECONDS:
            raise BusyError(
                "rate_limited",
                f"{payer} has used up its share of submissions; {count} more would wait {wait:.0f} seconds.",
                hint="Send fewer at once, or send them later; nothing in this request was accepted.",
            )
        return wait

    def charge(self, payer: str, count: int, now: float) -> None:
        """Charge `payer` with `count` statements that have been taken; of a negative number, give back so many."""
        due = self._due_after(payer, count, now)
        if due <= now:
            self._due.pop(payer, None)
            return
        self._due[payer] = due
        self._due.move_to_end(payer)
        if len(self._due) > PAYERS:
            self._due.popitem(last=False)

    def _due_after(self, payer: str, count: int, now: float) -> float:
        return max(self._due.get(payer, now), now) + count * self._interval
