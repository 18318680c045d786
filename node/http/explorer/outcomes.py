"""`/explore/outcomes`: what the public records add up to, each figure as a plot with its table beside it.

Every record behind a count is public and can be looked up one by one, so nothing is left out for being small. What was
asked of this node is no part of it: no figure here says anything about verifiers or holders.

Counting reads every issuer and accreditation. It is done in turns, so that others are answered meanwhile, and kept for
as long as no record changes, at most a minute.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

import anyio

from accredit.node.http.exchange import Response
from accredit.node.http.routes.registry import ids
from accredit.node.http.routes.route import Call
from accredit.registry.domain.accreditations import status_at
from accredit.registry.domain.record_types import AccreditationRecord, IssuerRecord
from accredit.registry.domain.records import accreditation_in, issuer_in, met, standing
from accredit.registry.domain.vocabulary import ISSUER_CATEGORIES, LEARNING_MODES, NARROWING_EVENTS, SECTORS, STATUSES
from accredit.registry.encoding import rfc3339

from .frame import DOWNLOAD, Page, page_route, show
from .phrases import LANGUAGE, load

KEPT_SECONDS: Final = 60
BREATH: Final = 100
"""Records counted at a time; then other requests get their turn."""

YEARS: Final = 40
"""Newest years shown; a national history has more than a hundred."""

_DAY: Final = 86_400


@dataclass(slots=True)
class Counts:
    """What was counted; `to_revocation` is in days, where an event says when its cause was found."""

    issuers: int = 0
    categories: Counter[str] = field(default_factory=Counter)
    sectors: Counter[str] = field(default_factory=Counter)
    modes: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    begun: Counter[str] = field(default_factory=Counter)
    adverse: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    to_revocation: list[float] = field(default_factory=list)

    def add_issuer(self, record: IssuerRecord) -> None:
        """Counts an issuer under each word that a standing fact says of it, once."""
        facts = [fact["facts"] for fact in standing(record["stated"])]
        self.issuers += 1
        self.categories.update({word for one in facts for word in one.get("categories", ())})
        self.sectors.update({one["sector"] for one in facts if "sector" in one})
        self.modes.update({word for one in facts for word in one.get("learning_modes", ())})

    def add_accreditation(self, record: AccreditationRecord, now: int) -> None:
        """Counts an accreditation, and each narrowing event of it."""
        self.statuses[status_at(record, now).word] += 1
        self.begun[_year(record["terms"][0]["valid_from"])] += 1
        for event in record["events"]:
            if event["event"] not in NARROWING_EVENTS:
                continue
            self.adverse[_year(event["effective_from"])] += 1
            self.reasons[event.get("reason_code", "not_given")] += 1
            if "detected_at" in event:
                self.to_revocation.append(max(0, met(event) - event["detected_at"]) / _DAY)


async def outcomes(call: Call) -> Response:
    """The figures."""
    counts = await _counted(call)
    tables = {
        "categories": _rows(ISSUER_CATEGORIES, counts.categories, "category"),
        "sectors": _rows(SECTORS, counts.sectors, "sector"),
        "modes": _rows(LEARNING_MODES, counts.modes, "mode"),
        "statuses": _rows(reversed(tuple(STATUSES)), counts.statuses, "status"),
        "begun": _years(counts.begun),
        "adverse": _years(counts.adverse),
        "reasons": _rows([word for word, _ in counts.reasons.most_common()], counts.reasons, "reason"),
    }
    values = {
        "issuers": counts.issuers,
        "accreditations": counts.statuses.total(),
        "missing": [word for word in ISSUER_CATEGORIES if not counts.categories[word]],
        "to_revocation": round(median(counts.to_revocation), 1) if counts.to_revocation else None,
        "figures": [name for name, rows in tables.items() if any(row["count"] for row in rows)],
        "counted": call.reader.now() // KEPT_SECONDS * KEPT_SECONDS,
    }
    page = Page(template="outcomes.html", title=load(LANGUAGE).outcomes.title, values=values, tables=tables)
    return show(call, page)


async def _counted(call: Call) -> Counts:
    """The counts, made anew where a record has changed and a minute has passed: accreditations end by the clock too."""
    fold, now = call.reader.fold, call.reader.now()
    made_of = (fold.records_root(), now // KEPT_SECONDS)
    async with call.shared.making:
        found = call.shared.kept.get("outcomes")
        if found is None or found[0] != made_of:
            found = (made_of, await _count(call, now))
            call.shared.kept["outcomes"] = found
    counts: Counts = found[1]
    return counts


async def _count(call: Call, now: int) -> Counts:
    counts, fold = Counts(), call.reader.fold
    for number, id in enumerate(ids(call, "issuer")):
        if number % BREATH == BREATH - 1:
            await anyio.sleep(0)
        if (issuer := issuer_in(fold, id)) is not None:
            counts.add_issuer(issuer)
    for number, id in enumerate(ids(call, "accreditation")):
        if number % BREATH == BREATH - 1:
            await anyio.sleep(0)
        if (accreditation := accreditation_in(fold, bytes.fromhex(id))) is not None:
            counts.add_accreditation(accreditation, now)
    return counts


def _year(seconds: int) -> str:
    return rfc3339.text(seconds)[:4]


def _rows(words: Iterable[str], counts: Counter[str], section: str) -> list[dict[str, Any]]:
    """A row for each word of a list, those that occur nowhere too."""
    phrases = getattr(load(LANGUAGE), section)
    return _with_bars([{"word": word, "label": phrases.word(word), "count": counts[word]} for word in words])


def _years(counts: Counter[str]) -> list[dict[str, Any]]:
    """A row for each year from the first to the last, the newest `YEARS` of them."""
    if not counts:
        return []
    first, last = int(min(counts)), int(max(counts))
    years = range(max(first, last - YEARS + 1), last + 1)
    return _with_bars([{"word": f"{year:04}", "label": f"{year:04}", "count": counts[f"{year:04}"]} for year in years])


def _with_bars(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    most = max((row["count"] for row in rows), default=0) or 1
    return [{**row, "_share": row["count"] / most} for row in rows]


ROUTES: Final = (page_route("/explore/outcomes", outcomes, "What the public records add up to", DOWNLOAD),)
