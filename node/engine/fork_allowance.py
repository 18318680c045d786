"""Limits how many statements of a forked key are accepted, so that a small budget cannot fill disks.

A budget bounds the numbers that a key may use, not how often it uses each. No node may refuse the third statement under
one number, because two nodes that met different ones first would hold different sets for ever. So *surplus* statements
are accepted, but slowly:

* every statement under a number that its key has already used `FREE` times;
* every statement of a key known only through a fork in doubt, or through statements that a key made after its cut-off,
  directly or through other keys. So branches cannot multiply budgets.

All surplus of one forked key, and of those it introduced, is counted together:

* **from submitters** a node takes `FORKS_AT_ONCE`, as many again an hour later, then after two hours more, after four,
  and so on: each share takes twice as long as the one before, so the amount from a stolen key grows with the logarithm
  of the time until somebody ends it;
* **from peers** a node takes `PATIENCE` such shares of every node in force in an hour. That is more than honest nodes
  hold together after years of such an attack, so their statements never wait, not even at a node that was away. Only a
  member that itself pours in a flood meets this bound.

An unused number is free, even above used ones: a narrowing statement counts without its predecessors, so a thief with
the key cannot prevent a suspension.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from accredit.governance.authority.governing_state import Law
from accredit.governance.fold import Fold
from accredit.governance.index.key_entries import introductions
from accredit.registry.errors import BusyError
from accredit.registry.statement import Statement, Unverified

FREE: Final = 2
"""Statements under one number without surplus: the honest one, and a second one, which proves the fork."""

FORKS_AT_ONCE: Final = 64
"""Surplus statements of one forked key in a share that a node takes from submitters: 1 MiB at 16 KiB each. A guess."""

PATIENCE: Final = 16
"""Shares that peers may bring for each node in force: a node accepts so many in 2 ** 15 hours, or 3.7 years."""

HOUR: Final = 3_600_000
"""ms"""


@dataclass(slots=True)
class _Tally:
    """The surplus taken since a time, ms."""

    since: int
    count: int = 0


class ForkAllowance:
    """See the module. Times are in ms since 1970.

    Args:
        fold: of what is logged.
    """

    def __init__(self, fold: Fold) -> None:
        self._fold = fold
        self._pending: dict[bytes, Statement] = {}
        # For pending statements: ids by key and number, introductions of keys, and forks of keys.
        self._numbers: dict[tuple[bytes, int], list[bytes]] = {}
        self._introducing: dict[bytes, list[Statement]] = {}
        self._forking: dict[bytes, int] = {}
        self._submitted: dict[bytes, _Tally] = {}  # by forked key: from submitters, since the first
        self._brought: dict[bytes, _Tally] = {}  # by forked key: by peers, within an hour

    def take(self, statement: Statement, now: int) -> None:
        """Count a statement submitted here, if it is surplus; call this before `admitted`.

        Raises:
            BusyError: `forked_key`: so many have been taken that the next ones must wait.
        """
        forked = self._charged_to(statement)
        if forked is None:
            return
        tally = self._submitted.get(forked)
        if tally is None or now < tally.since:  # a clock set back must not use up a share
            tally = self._submitted[forked] = _Tally(now)
        # The share of number n begins 2 ** n - 1 hours after the first.
        begins = tally.since + (2 ** (tally.count // FORKS_AT_ONCE) - 1) * HOUR
        if now < begins:
            raise BusyError(
                "forked_key",
                f"key {forked.hex()[:16]} has signed several histories; of it, and of keys known through these alone, "
                f"this node takes {FORKS_AT_ONCE} statements at a time, and waits twice as long after each time.",
                hint=f"Sign with another key, or try again in {-((now - begins) // 60_000)} minutes. If the key is in "
                "other hands, end it: `accredit keys compromise`.",
            )
        tally.count += 1

    def check_brought(self, statement: Unverified, now: int, *, nodes: int) -> None:
        """Check a statement from a peer without changing anything; call this before the more expensive signature check.

        Args:
            nodes: how many are in force.

        Raises:
            BusyError: `forked_key`: it is surplus, beyond what honest nodes hold; it must be sent again later.
        """
        forked = self._charged_to(statement)
        if forked is not None and self._is_full(forked, now, nodes):
            raise BusyError(
                "forked_key",
                f"peers bring more of key {forked.hex()[:16]}, which has signed several histories, than honest nodes "
                "hold.",
                hint="It will be taken later. Find out which node takes so much in, and end the key: "
                "`accredit keys compromise`.",
            )

    def count_brought(self, statement: Statement, now: int) -> None:
        """Count a statement from a peer, if it is surplus; call this before `admitted`."""
        forked = self._charged_to(statement)
        if forked is not None:
            tally = self._brought.get(forked)
            if tally is None or not 0 <= now - tally.since < HOUR:
                tally = self._brought[forked] = _Tally(now)
            tally.count += 1

    def delayed(self, now: int, *, nodes: int) -> list[bytes]:
        """Return ids of the forked keys of which peers have sent more within the hour than honest nodes hold,
        sorted."""
        return sorted(forked for forked in self._brought if self._is_full(forked, now, nodes))

    def _is_full(self, forked: bytes, now: int, nodes: int) -> bool:
        tally = self._brought.get(forked)
        if tally is None or not 0 <= now - tally.since < HOUR:
            return False
        return tally.count >= FORKS_AT_ONCE * PATIENCE * nodes

    def admitted(self, statement: Statement) -> None:
        """Take note that one more statement, from any source, will be logged."""
        key, number = statement.kid, statement.seq
        self._pending[statement.id] = statement
        self._numbers.setdefault((key, number), []).append(statement.id)
        if len(self._used(key, number)) > 1:
            self._forking[key] = min(number, self._forking.get(key, number))
        for entry in introductions(statement):
            self._introducing.setdefault(entry.key, []).append(statement)

    def logged(self, statements: Iterable[Statement]) -> None:
        """Take note that these are folded by now."""
        folded = {statement.id for statement in statements}
        left = [statement for statement in self._pending.values() if statement.id not in folded]
        self.dropped()
        for statement in left:
            self.admitted(statement)

    def dropped(self) -> None:
        """Take note that none of the admitted statements will be logged."""
        self._pending.clear()
        self._numbers.clear()
        self._introducing.clear()
        self._forking.clear()

    def _charged_to(self, statement: Unverified) -> bytes | None:
        """Return the forked key whose share a statement uses; None if it is not surplus."""
        origin = self._origin(statement.kid, statement.seq, frozenset())
        if origin is not None:
            return origin
        return statement.kid if len(self._used(statement.kid, statement.seq)) >= FREE else None

    def _used(self, key: bytes, number: int) -> set[bytes]:
        return {*self._fold.chains.at(key, number), *self._numbers.get((key, number), ())}

    def _origin(self, key: bytes, number: int, seen: frozenset[bytes]) -> bytes | None:
        """Return a key in doubt on which every permission of `key` to use a number depends; None if there is no such
        key."""
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
