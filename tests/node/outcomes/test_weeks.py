"""Weekly totals: what is counted, when it is told, and that no second export tells more than the first."""

import logging
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from accredit.node import faults
from accredit.node.outcomes import weeks
from accredit.node.outcomes.suppression import ALL
from accredit.node.outcomes.weeks import WeeklyAnswers, first_day, released, week_of
from accredit.node.telemetry import Answered
from accredit.registry.errors import StorageError
from tests.strategies.explored import explored
from tests.strategies.network import founded
from tests.strategies.real_node import running, until
from tests.strategies.served import COLLEGE, EXPIRED, UNKNOWN, Served

DAY = 86_400
YES = Answered("trusted", "", "employer")


async def at_once(work: Any) -> Any:
    return work()


def counting(node: Served, least: int = 10) -> WeeklyAnswers:
    return WeeklyAnswers(node.store, node.metrics, node, at_once, least=least)


async def asks(node: Served, issuer: str, times: int = 1, **more: object) -> None:
    query = {"issuer": issuer, "achievement_type": "BachelorDegree", **more}
    assert (await node.post("/v1/decisions", {"queries": [query] * times})).status_code == 200


@pytest.fixture
def node(tmp_path: Path) -> Served:
    return explored(tmp_path)


def test_a_week_is_that_of_iso_8601() -> None:
    assert week_of(1_795_737_600) == "2026-W48"
    assert first_day("2026-W48") == "2026-11-23"
    assert (week_of(1_798_761_599), week_of(1_798_761_600)) == ("2026-W53", "2026-W53"), "New Year is no new week"


async def test_a_week_is_told_once_it_is_over_and_its_own_counts_are_deleted(node: Served) -> None:
    weekly = counting(node)
    await asks(node, COLLEGE, 12)
    await asks(node, UNKNOWN, 14)
    await weekly.count()
    assert released(node.store, 5) == [], "a week that goes on is no week to publish"
    week = week_of(node.now())
    node.time += 7 * DAY
    await weekly.count()
    (told,) = released(node.store, 5)
    assert (told.week, told.least) == (week, 10)
    counts = {(verdict, category): count for verdict, _, category, count in told.rows}
    assert counts["unknown_issuer", "not_registered"] == 14
    assert counts[ALL, ALL] == 26
    assert counts[ALL, "community_college"] == 12
    running = msgspec.json.decode(node.store.kept("answers this week") or b"")
    assert running["counts"] == [], "what a week was made of is gone"


async def test_small_counts_are_withheld_in_what_is_kept_and_no_other_export_has_them(node: Served) -> None:
    weekly = counting(node)
    await asks(node, COLLEGE, 30)
    await asks(node, UNKNOWN, 3)
    await weekly.count()
    node.time += 7 * DAY
    await weekly.count()
    first = (await node.get("/v1/outcomes")).json()["weeks"]
    shown = {(row["verdict"], row["category"]): row["count"] for row in first[0]["rows"]}
    assert shown["unknown_issuer", "not_registered"] is None
    await counting(node, least=2).count()
    again = (await node.get("/v1/outcomes")).json()["weeks"]
    assert again == first, "another setting publishes no week again"
    assert b"unknown_issuer" not in (node.store.kept("answers this week") or b"")


async def test_two_weeks_have_nothing_in_common_to_compare(node: Served) -> None:
    weekly = counting(node)
    for times in (11, 13):
        await asks(node, COLLEGE, times)
        await weekly.count()
        node.time += 7 * DAY
    await weekly.count()
    newest, older = released(node.store, 5)
    assert [row[3] for row in newest.rows if row[0] == ALL == row[2]] == [13]
    assert [row[3] for row in older.rows if row[0] == ALL == row[2]] == [11]
    assert newest.week > older.week
    assert released(node.store, 1) == [newest]


async def test_a_clock_that_goes_back_publishes_no_week_twice(node: Served) -> None:
    weekly = counting(node)
    node.metrics.tally(YES, 20)
    await weekly.count()
    node.time += 7 * DAY
    await weekly.count()
    (told,) = released(node.store, 5)
    node.time -= 7 * DAY
    node.metrics.tally(YES, 5)
    await weekly.count()
    assert released(node.store, 5) == [told]
    node.time += 14 * DAY
    await weekly.count()
    newest, oldest = released(node.store, 5)
    assert oldest == told
    assert {row[3] for row in newest.rows} == {None}, "five are counted, and too few to be shown"


async def test_counts_survive_a_restart_and_a_quiet_minute(node: Served) -> None:
    node.metrics.tally(YES, 6)
    await counting(node).count()
    await counting(node).count()
    node.metrics.tally(YES, 6)
    again = counting(node)
    await again.count()
    node.time += 7 * DAY
    await again.count()
    assert ("trusted", "", "employer", 12) in released(node.store, 1)[0].rows


@pytest.mark.parametrize("odd", [StorageError("disk_full", "no room.", hint="Make room."), KeyError("odd")])
async def test_a_disk_that_fails_loses_no_count(
    node: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, odd: Exception
) -> None:
    monkeypatch.setattr(faults, "_logged", {})
    weekly = counting(node)
    node.metrics.tally(YES, 12)

    def full(*_: object) -> None:
        raise odd

    with monkeypatch.context() as broken, caplog.at_level(logging.ERROR):
        broken.setattr(weeks, "_count", full)
        await weekly.count()
    assert "answers not counted" in caplog.text
    await weekly.count()
    node.time += 7 * DAY
    await weekly.count()
    assert ("trusted", "", "employer", 12) in released(node.store, 1)[0].rows


async def test_nothing_is_counted_but_verdict_cause_and_kind_of_issuer(node: Served) -> None:
    await asks(node, COLLEGE, 2)
    await asks(node, EXPIRED)
    await node.post("/v1/decisions", {"issuer": "https://a.example/", "action": "accredit"})
    await node.post("/v1/decisions", {"issuer": COLLEGE})
    taken = node.metrics.take_answers()
    assert {one.category for one in taken} <= {"community_college", "not_stated", "several"}
    assert all(len(one) == 3 for one in taken)
    assert sum(taken.values()) == 4, "a question about an authority is none about an issuer"
    assert {one.cause for one in taken if one.verdict != "indeterminate"} == {""}
    assert node.metrics.take_answers() == {}


async def test_a_running_node_counts_at_once_each_minute_and_when_it_stops(tmp_path: Path) -> None:
    async with running(tmp_path, founded("node1"), "node1") as node:
        kept = partial(node.store.kept, "answers this week")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(node.weekly_answers().run)
            await until(lambda: kept() is not None)
            node.reader.metrics.tally(YES, 2)
            nursery.cancel_scope.cancel()
        assert b'["trusted","","employer",2]' in (kept() or b"")
