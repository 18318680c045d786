"""The queue of admitted statements that wait to be logged, and when each is due.

Two lanes share one order of arrival:

* **own**: submitted to this node; they wait for the next tick (1 s, aligned to the wall clock);
* **relayed**: from peers; they have already waited for a tick where they were submitted, and are logged after `RELAY`.

So a normal statement waits for one tick on its way, not for one at every hop. Statements that nodes log at one tick
have spread long before the next, so it is quiet between ticks and cosigners come to hold the same set (`notary`).

An urgent statement, or a full batch, logs what is pending at once, as far as one batch goes, the urgent statements
first. The relayed lane goes alone, unless a key was introduced while an own statement waits: a relayed statement may be
signed with that key, and a log must hold the introduction first. For the same reason an urgent statement goes after
what its own key said before it, and overtakes nothing while a key that was introduced waits.

A batch is one turn of the node, in which it answers nobody. So it is bounded by work: a vote on 400 proposals is 400
judgements, and many such votes are logged one or two at a time, with questions and urgent statements in between.
"""

from collections.abc import Sequence
from typing import Final

from accredit.governance.rules.rulebook import is_urgent, work_of
from accredit.registry.statement import Statement

BATCH: Final = 1_000
"""Statements in one append, each vote counted as the proposals that it names; a full batch does not wait for a tick.
Performance.md measures inserts at 1,000 a transaction."""

PENDING_MAX: Final = 20_000
"""Statements that may wait to be logged; 5 s of the ingest that performance.md asks for."""

RELAY: Final = 50
"""How long relayed statements are gathered into one append, ms: some ten syncs of a disk (5 ms each, design
simulation.md), so that a stream costs no more than a tenth of the disk's time. A guess, measured in the simulator."""


class Pending:
    """See the module. Times are in ms since 1970."""

    def __init__(self, tick: int) -> None:
        """Args: tick: between two appends of own submissions, ms."""
        self._tick = tick
        self._statements: dict[bytes, Statement] = {}
        self._own: dict[bytes, None] = {}
        self._own_since = 0
        self._relayed_since = 0
        self._work = 0
        self._is_urgent = False
        self._is_tied = False  # a key was introduced while an own statement waits
        self._givers: dict[bytes, None] = {}  # those that introduce keys

    def __len__(self) -> int:
        return len(self._statements)

    @property
    def is_full(self) -> bool:
        """Return whether it accepts no more."""
        return len(self._statements) >= PENDING_MAX

    def add(self, statement: Statement, *, own: bool, gives_keys: bool, now: int) -> None:
        """Add a statement that is not pending yet.

        Args:
            gives_keys: it introduces keys, or completes a statement that does.
        """
        if own:
            if not self._own:
                self._own_since = now
            self._own[statement.id] = None
        elif len(self._own) == len(self._statements):
            self._relayed_since = now
        self._statements[statement.id] = statement
        self._work += work_of(statement)
        if gives_keys:
            self._givers[statement.id] = None
        self._is_urgent = self._is_urgent or is_urgent(statement)
        self._is_tied = self._is_tied or (gives_keys and bool(self._own))

    def due(self, now: int) -> int | None:
        """Return when to log the next batch; None if nothing waits."""
        if not self._statements:
            return None
        if self._work >= BATCH or self._is_urgent:
            return now
        due = []
        if self._own:
            due.append(self._own_due())
        if len(self._own) < len(self._statements):
            due.append(self._relayed_since + RELAY)
        return min(due)

    def take(self, now: int) -> tuple[Statement, ...]:
        """Return the statements due now; empty if none is. A wall clock set back must not make submitters wait for
        hours."""
        if not self._statements:
            return ()
        if self._work >= BATCH or self._is_urgent:
            return self._take(self._urgent_first(), now)
        if self._own and not self._own_since <= now < self._own_due():
            return self._take(list(self._statements), now)
        relayed = [id for id in self._statements if id not in self._own]
        if relayed and not self._relayed_since <= now < self._relayed_since + RELAY:
            return self._take(list(self._statements) if self._is_tied else relayed, now)
        return ()

    def drop(self) -> tuple[Statement, ...]:
        """Empty it; return its statements."""
        dropped = tuple(self._statements.values())
        self._statements.clear()
        self._own.clear()
        self._givers.clear()
        self._work = 0
        self._is_urgent = self._is_tied = False
        return dropped

    def _own_due(self) -> int:
        return (self._own_since // self._tick + 1) * self._tick

    def _urgent_first(self) -> list[bytes]:
        """Return all that waits, in an order in which a log can hold it."""
        if self._givers or not self._is_urgent:
            return list(self._statements)
        keys = {each.kid for each in self._statements.values() if is_urgent(each)}
        return sorted(self._statements, key=lambda id: self._statements[id].kid not in keys)  # stable

    def _take(self, ids: Sequence[bytes], now: int) -> tuple[Statement, ...]:
        batch = self._within(ids)
        if any(id in self._own for id in batch):
            self._own_since = now
        self._relayed_since = now
        taken = tuple(self._statements.pop(id) for id in batch)
        for each in taken:
            self._work -= work_of(each)
            self._own.pop(each.id, None)
            self._givers.pop(each.id, None)
        self._is_urgent = self._is_urgent and any(is_urgent(each) for each in self._statements.values())
        self._is_tied = self._is_tied and bool(self._own)
        return taken

    def _within(self, ids: Sequence[bytes]) -> Sequence[bytes]:
        """Return the first of `ids`, one at least, as many as are a batch."""
        work = 0
        for count, id in enumerate(ids):
            work += work_of(self._statements[id])
            if count and work > BATCH:
                return ids[:count]
        return ids
