"""Limits how many statements of a forked key are accepted in an hour, so that one small budget fills nobody's disk.

A budget bounds the numbers that a key may use, and not how often it uses each. Nobody may refuse the third statement
under one number: two nodes that met different ones first would hold different sets for ever. So what is *surplus* is
taken all the same, only slowly:

* whatever comes under a number that its key has used `FREE` times already;
* whatever is said by a key that is known only through a fork in doubt, or through what its key said after it was cut
  off, directly or through others. So branches multiply no budgets.

All surplus of one forked key, and of those it introduced, shares `FORKS_PER_HOUR` at each node. A number that nobody
has used is free, also above those that are: what narrows counts without what comes before it, so a thief who has the
key too keeps nobody from suspending. What peers bring is not counted here: it was, where it was submitted, and nodes
that took different parts of it could not agree on a state meanwhile. Their frames have shares of their own.
"""

from collections import deque
from collections.abc import Iterable
from typing import Final

from accredit.governance.fold import Fold
from accredit.governance.governing_state import Law
from accredit.governance.key_entries import introductions
from accredit.registry.errors import BusyError
from accredit.registry.statement import Statement

FREE: Final = 2
"""Statements under one number that cost nothing but their numbers: the honest one, and the proof that there are two."""

FORKS_PER_HOUR: Final = 64
"""Surplus statements of one forked key that one node takes from submitters in an hour: 1 MiB at 16 KiB each, 24 MiB a
day, until somebody ends the key. A guess."""

HOUR: Final = 3_600_000
"""ms"""


class ForkAllowance:
    """See the module. Times are in ms since 1970.

    Args:
        fold: of what is logged.
    """

    def __init__(self, fold: Fold) -> None:
        self._fold = fold
        self._pending: dict[bytes, Statement] = {}
        # Of what is pending: ids by key and number, what introduces a key, where a key forks.
        self._numbers: dict[tuple[bytes, int], list[bytes]] = {}
        self._introducing: dict[bytes, list[Statement]] = {}
        self._forking: dict[bytes, int] = {}
        self._taken: dict[bytes, deque[int]] = {}  # by forked key: when surplus was taken

    def take(self, statement: Statement, now: int) -> None:
        """Counts a statement that was submitted here, if it is surplus; to be asked before it is `admitted`.

        Raises:
            BusyError: `forked_key`: this hour's share is used up.
        """
        forked = self._charged_to(statement)
        if forked is None:
            return
        self._taken = {key: times for key, times in self._taken.items() if 0 <= now - times[-1] < HOUR}
        times = self._taken.setdefault(forked, deque(maxlen=FORKS_PER_HOUR))
        if len(times) == FORKS_PER_HOUR and now - times[0] < HOUR:
            minutes = -((now - times[0] - HOUR) // 60_000)
            raise BusyError(
                "forked_key",
                f"key {forked.hex()[:16]} has signed several histories; of it, and of keys known through these alone, "
                f"this node takes {FORKS_PER_HOUR} statements an hour.",
                hint=f"Sign with another key, or try again in {minutes} minutes. If the key is in other hands, end it: "
                "`accredit keys compromise`.",
            )
        times.append(now)

    def admitted(self, statement: Statement) -> None:
        """One more, from whomever, will be logged."""
        key, number = statement.kid, statement.seq
        self._pending[statement.id] = statement
        self._numbers.setdefault((key, number), []).append(statement.id)
        if len(self._used(key, number)) > 1:
            self._forking[key] = min(number, self._forking.get(key, number))
        for entry in introductions(statement):
            self._introducing.setdefault(entry.key, []).append(statement)

    def logged(self, statements: Iterable[Statement]) -> None:
        """These are folded by now."""
        folded = {statement.id for statement in statements}
        left = [statement for statement in self._pending.values() if statement.id not in folded]
        self.dropped()
        for statement in left:
            self.admitted(statement)

    def dropped(self) -> None:
        """Nothing that was admitted will be logged."""
        self._pending.clear()
        self._numbers.clear()
        self._introducing.clear()
        self._forking.clear()

    def _charged_to(self, statement: Statement) -> bytes | None:
        """The forked key whose share a statement comes out of; None where it is no surplus."""
        origin = self._origin(statement.kid, statement.seq, frozenset())
        if origin is not None:
            return origin
        return statement.kid if len(self._used(statement.kid, statement.seq)) >= FREE else None

    def _used(self, key: bytes, number: int) -> set[bytes]:
        return {*self._fold.chains.at(key, number), *self._numbers.get((key, number), ())}

    def _origin(self, key: bytes, number: int, seen: frozenset[bytes]) -> bytes | None:
        """A key in doubt without which nobody would let `key` use a number; None where there is no need of one."""
        law = self._fold.law
        if law is None or not (law.forks or law.ground.cuts or self._forking):
            return None
        found: bytes | None = None
        for said in (*self._fold.chains.introducers(key), *self._introducing.get(key, ())):
            gives = any(entry.key == key and entry.budget >= number for entry in introductions(said))
            if not gives or said.kid in seen:
                continue
            if said.kind == "charter.genesis":
                return None
            origin = said.kid if self._is_doubtful(law, said) else self._origin(said.kid, said.seq, seen | {key})
            if origin is None:
                return None
            found = origin if found is None else min(found, origin)
        return found

    def _is_doubtful(self, law: Law, said: Statement) -> bool:
        ground = law.ground
        return ground.is_frozen(said) or ground.is_gone(said) or said.seq >= self._forking.get(said.kid, said.seq + 1)
