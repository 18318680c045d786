"""Counts the answers about issuers by verdict and week, without recording who asked, about whom or for whom.

    weeks = WeeklyAnswers(store, metrics, clock, run_blocking, least=config.outcomes_least)
    await weeks.run()                              counts what `Metrics.tally` was told, once a minute
    released(store, 12)                            the newest weeks that are over

A question is counted under its verdict (an undecided one under the missing piece) and the issuer's category; no other
data of it is kept. A week is published once, when it is over, with small counts withheld (`suppression`); then its own
counts are deleted. So all exports of a week are equal, nobody can compare a running total with its value an hour later,
and a smaller `outcomes_least` later reveals nothing. Sums over weeks are never published.

A week begins on Monday, 00:00 UTC (ISO 8601); a question answered in its first minute may be counted there or before.
"""

import logging
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from sqlite3 import Connection
from typing import Final

import msgspec
import trio

from accredit.node.clock import Clock
from accredit.node.faults import outliving
from accredit.node.ports import RunBlocking
from accredit.node.storage.log_reader import Reader
from accredit.node.storage.log_store import Store, keep
from accredit.node.telemetry import Answered, Metrics

from .suppression import ALL, Cell, withhold

COUNT_SECONDS: Final = 60.0
"""Seconds between two writes of the counts; so much is lost if the machine fails."""

_RUNNING: Final = "answers this week"
_RELEASED: Final = "answers of "
_log: Final = logging.getLogger(__name__)


class Week(msgspec.Struct, frozen=True, kw_only=True):
    """A week that is over, as it was published.

    Attributes:
        week: as ISO 8601 writes it: 2026-W48.
        least: the smallest count that was shown, nought apart.
        rows: verdict, cause (of an undecided one; else empty), category, count; None where it is withheld. `all` stands
            for every one of them. What is not there is nought.
    """

    week: str
    least: int
    rows: list[tuple[str, str, str, int | None]]


class _Running(msgspec.Struct, frozen=True, kw_only=True):
    """The week that goes on, with its own counts: never shown."""

    week: str
    counts: list[tuple[str, str, str, int]]


class WeeklyAnswers:
    """See the module.

    Args:
        store: the node's database. metrics: what counts its answers.
        least: the smallest count that is shown, from the next week on.
    """

    def __init__(self, store: Store, metrics: Metrics, clock: Clock, run_blocking: RunBlocking, *, least: int) -> None:
        self._store = store
        self._metrics = metrics
        self._clock = clock
        self._run_blocking = run_blocking
        self._least = least

    async def run(self) -> None:
        """Count until cancelled, including the last answers."""
        try:
            while True:
                await self.count()
                await trio.sleep(COUNT_SECONDS)
        finally:
            with trio.CancelScope(shield=True):
                await self.count()

    async def count(self) -> None:
        """Writes what was answered since the last time, and publishes a week that is over."""
        answered, now = self._metrics.take_answers(), int(self._clock.now())

        def work(connection: Connection) -> None:
            _count(self._store, connection, answered, week_of(now), self._least)

        with outliving(_log, "answers not counted"):  # the next attempt may succeed; no answer depends on it
            try:
                await self._run_blocking(lambda: self._store.write(work))
            except BaseException:
                for one, count in answered.items():
                    self._metrics.tally(one, count)
                raise


def _count(store: Store, connection: Connection, answered: Mapping[Answered, int], week: str, least: int) -> None:
    held = store.kept(_RUNNING)
    running = _Running(week=week, counts=[]) if held is None else msgspec.json.decode(held, type=_Running)
    if running.week < week:
        if store.kept(_RELEASED + running.week) is None:  # a clock set back must not publish a week twice
            keep(connection, _RELEASED + running.week, msgspec.json.encode(_release(running, least)))
        running = _Running(week=week, counts=[])
    elif held is not None and not answered:
        return
    counts = Counter({Answered(*key): count for *key, count in running.counts})
    counts.update(answered)
    rows = [(*one, count) for one, count in sorted(counts.items())]
    keep(connection, _RUNNING, msgspec.json.encode(_Running(week=running.week, counts=rows)))


def _release(running: _Running, least: int) -> Week:
    """The week's table, of one row for each verdict, and of an undecided one for each cause."""
    counts: Counter[Cell] = Counter()
    for verdict, cause, category, count in running.counts:
        counts[f"{verdict} {cause}", category] += count
    rows = []
    for (answer, category), shown in withhold(counts, least=least).items():
        if shown != 0:
            verdict, _, cause = answer.partition(" ")
            rows.append((verdict, ALL if answer == ALL else cause, category, shown))
    return Week(week=running.week, least=least, rows=sorted(rows, key=lambda row: row[:3]))


def released(log: Reader, most: int) -> list[Week]:
    """Return the newest weeks that were published, the newest first."""
    found = [msgspec.json.decode(one, type=Week) for one in log.kept_under(_RELEASED)]
    return sorted(found, key=lambda one: one.week, reverse=True)[:most]


def week_of(now: int) -> str:
    """Return the week that a time, seconds since 1970, is in."""
    year, week, _ = datetime.fromtimestamp(now, UTC).isocalendar()
    return f"{year:04}-W{week:02}"


def first_day(week: str) -> str:
    """Return the Monday of a week, as ISO 8601 writes a day."""
    year, number = week.split("-W")
    return datetime.fromisocalendar(int(year), int(number), 1).date().isoformat()
