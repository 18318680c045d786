"""`/v1/outcomes`: totals of the public records, and of the answers given in each week.

Figures from the public records are exact (`node.outcomes.figures`); the explorer's page shows the same count. Of this
node's questions it shows only complete weeks, with small counts withheld (`node.outcomes.weeks`).

Counting reads every issuer and accreditation. It runs in turns, so that other requests are answered meanwhile, and the
result is kept until a record changes, but at most a minute; a slow count for longer (`handling.seldom`).
"""

from collections.abc import Iterable
from functools import cache, partial
from typing import Final, TypedDict

import anyio

from accredit.governance.standing import standing_of
from accredit.node.http.exchange import Response
from accredit.node.http.handling.record_pages import ids
from accredit.node.http.handling.request_reading import integer
from accredit.node.http.handling.route import JSON, Call, Route, json_response
from accredit.node.http.handling.seldom import made_seldom
from accredit.node.http.handling.turns import Turns
from accredit.node.outcomes.figures import YARDSTICK, PublicFigures
from accredit.node.outcomes.weeks import first_day, released
from accredit.node.views.json_views import format_time
from accredit.registry.domain.records import (
    accreditation_in,
    authority_in,
    framework_in,
    issuer_in,
    mapping_in,
)
from accredit.registry.encoding.identifiers import CanonicalId

KEPT_SECONDS: Final = 60

FEED_PAGE: Final = 1_000
"""Changes of the feed read at a time."""

WEEKS: Final = 520
"""Weeks in one answer: ten years."""


class CountView(TypedDict):
    """One row of a table."""

    word: str
    count: int
    share: float | None


class SpanView(TypedDict):
    """How long something took."""

    name: str
    count: int
    median_seconds: int
    ninetieth_seconds: int


class PublicationView(TypedDict):
    """How many decisions became public in time."""

    kind: str
    count: int
    within: int
    share: float | None
    limit_seconds: int


class AnswersRow(TypedDict):
    """Decisions of a week with the same answer and kind of issuer."""

    verdict: str
    cause: str
    category: str
    count: int | None


class WeekView(TypedDict):
    """How questions were answered in one week."""

    week: str
    begins: str
    least: int
    rows: list[AnswersRow]


class OutcomesView(TypedDict):
    """Totals of the public records, and of complete weeks."""

    node: str
    as_of: str
    issuers: int
    accreditations: int
    tables: dict[str, list[CountView]]
    spans: list[SpanView]
    publication: list[PublicationView]
    told_since: str | None
    earlier: int
    missing: list[str]
    unaccredited: list[str]
    weeks: list[WeekView]


async def outcomes(call: Call) -> Response:
    """The figures, and the newest weeks."""
    figures = await counted(call)
    value: OutcomesView = {
        "node": call.reader.name,
        "as_of": format_time(figures.now),
        "issuers": figures.issuers,
        "accreditations": figures.accreditations,
        "tables": {
            name: [
                {"word": word, "count": count, "share": _share(count, figures.whole(name, counts))}
                for word, count in counts.items()
            ]
            for name, counts in figures.tables().items()
        },
        "spans": [
            {"name": name, "count": span.seen, "median_seconds": span.median, "ninetieth_seconds": span.ninety}
            for name, span in figures.spans().items()
        ],
        "publication": [
            {
                "kind": kind,
                "count": one.seen,
                "within": one.within,
                "share": _share(one.within, one.seen),
                "limit_seconds": YARDSTICK[kind],
            }
            for kind, one in figures.promptness().items()
        ],
        "told_since": None if figures.since is None else format_time(figures.since),
        "earlier": figures.earlier,
        "missing": figures.missing(),
        "unaccredited": figures.unaccredited(),
        "weeks": [
            {
                "week": one.week,
                "begins": first_day(one.week),
                "least": one.least,
                "rows": [
                    {"verdict": verdict, "cause": cause, "category": category, "count": count}
                    for verdict, cause, category, count in one.rows
                ],
            }
            for one in released(call.reader.log, call.params["weeks"])
        ],
    }
    return json_response(value)


def _share(count: int, whole: int | None) -> float | None:
    return round(count / whole, 4) if whole else None


async def counted(call: Call) -> PublicFigures:
    """Return the count, made again if a record has changed or a minute has passed, because accreditations end by the
    clock."""

    def made_of() -> tuple[bytes, int]:
        return call.reader.fold.records_root(), call.reader.now() // KEPT_SECONDS

    return (await made_seldom(call.shared, "outcomes", made_of, partial(_count, call))).value


async def _count(call: Call) -> PublicFigures:
    fold, now = call.reader.fold, call.reader.now() // KEPT_SECONDS * KEPT_SECONDS
    told, since = await _told(call)

    def approvals_of(grant: bytes) -> Iterable[str]:
        standing = standing_of(fold, grant)
        return () if standing is None else standing.approvals

    @cache
    def constituency_of(id: str) -> str | None:
        record = authority_in(fold, CanonicalId(id))
        standings = () if record is None else record["standings"]
        return next((one["constituency"] for one in sorted(standings, key=lambda one: one["depth"])), None)

    def dated(statement: bytes) -> int | None:
        held = fold.statement(statement)
        found = None if held is None else held.body.get("effective_from")
        return None if found is None else int(found)

    figures = PublicFigures(now, approvals_of, constituency_of, told, since, dated)
    turns = Turns()  # whoever calls this holds `making`
    for id in await ids(call, "issuer"):
        if turns.is_over:
            await turns.give()
        if (issuer := issuer_in(fold, id)) is not None:
            listed = (accreditation_in(fold, one) for one, _ in issuer["accreditations"])
            figures.add_issuer(issuer, [one for one in listed if one is not None])
    for id in await ids(call, "framework"):
        if turns.is_over:
            await turns.give()
        if (framework := framework_in(fold, id)) is not None:
            figures.add_framework(framework)
    for id in await ids(call, "mapping"):
        if turns.is_over:
            await turns.give()
        if (mapping := mapping_in(fold, id)) is not None:
            figures.add_mapping(mapping)
    return figures


async def _told(call: Call) -> tuple[dict[bytes, int], int | None]:
    """Return when this node first published that each statement is in effect, and when it first published anything,
    seconds."""
    told: dict[bytes, int] = {}
    after, since = 0, None
    while rows := call.reader.log.changes(after, FEED_PAGE):
        since = rows[0][1].time if since is None else since
        for _, change in rows:
            if change.change == "took_effect":
                told.setdefault(change.statement, change.time)
        after = rows[-1][0]
        await anyio.sleep(0)
    return told, since


ROUTES: Final = (
    Route(
        method="GET",
        path="/v1/outcomes",
        handler=outcomes,
        family="outcomes",
        about="What the public records add up to, and how many questions were answered how, week by week",
        params=(
            integer("weeks", "how many weeks that are over, the newest first", minimum=0, maximum=WEEKS, default=12),
        ),
        gives={JSON: OutcomesView},
        problems=(503,),
    ),
)
