"""`/explore/outcomes`: totals of the public records, each as a plot with its table beside it.

The figures are those of `/v1/outcomes` (`node.outcomes.figures`), including the weekly totals of questions.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from accredit.node.http.exchange import Response
from accredit.node.http.explorer.frame import DOWNLOAD, Page, page_route, show
from accredit.node.http.explorer.frame import word as label
from accredit.node.http.explorer.phrases import LANGUAGE, load
from accredit.node.http.handling.route import Call
from accredit.node.http.routes.outcomes import counted
from accredit.node.outcomes.figures import YARDSTICK, PublicFigures
from accredit.node.outcomes.suppression import ALL
from accredit.node.outcomes.weeks import Week, first_day, released

DAY: Final = 86_400
KINDS: Final = (ALL, "several", "not_stated", "not_registered")
"""Categories in the weekly totals that are no issuer's."""

YEARS: Final = 40
"""Newest years shown; a national history has more than a hundred."""

SECTIONS: Final[Mapping[str, str]] = {
    "categories": "category",
    "sectors": "sector",
    "modes": "mode",
    "issuer_statuses": "status",
    "statuses": "status",
    "learning": "learning",
    "approvals": "constituency",
    "frameworks": "coverage",
    "begun": "",
    "adverse": "",
    "reasons": "reason",
    "appeals": "appeal",
}
"""Tables of counts in their order, each with the section of the catalogue that has its words."""


async def outcomes(call: Call) -> Response:
    """The figures."""
    figures = await counted(call)
    counts = figures.tables()
    bars = {name: _rows(name, counts[name]) for name in SECTIONS}
    weeks = released(call.reader.log, 1)
    tables = {
        **bars,
        "spans": _spans(figures),
        "publication": _publication(figures),
        "answers": _answers(weeks[0]) if weeks else [],
    }
    values = {
        "issuers": figures.issuers,
        "accreditations": figures.accreditations,
        "missing": figures.missing(),
        "unaccredited": figures.unaccredited(),
        "earlier": figures.earlier,
        "figures": [name for name, rows in bars.items() if any(row["count"] for row in rows)],
        "week": weeks[0].week if weeks else None,
        "begins": first_day(weeks[0].week) if weeks else None,
        "counted": figures.now,
    }
    page = Page(
        template="outcomes.html",
        title=load(LANGUAGE).outcomes.title,
        source="/v1/outcomes",
        values=values,
        tables=tables,
    )
    return show(call, page)


def _rows(table: str, counts: Mapping[str, int]) -> Sequence[Mapping[str, Any]]:
    """A row for each word, the newest `YEARS` of them where the words are years."""
    section = SECTIONS[table]
    words = list(counts) if section else list(counts)[-YEARS:]
    most = max((counts[word] for word in words), default=0) or 1
    return [
        {
            "word": word,
            "label": label(word, section) if section else word,
            "count": counts[word],
            "_share": counts[word] / most,
        }
        for word in words
    ]


def _spans(figures: PublicFigures) -> Sequence[Mapping[str, Any]]:
    t = load(LANGUAGE)
    return [
        {
            "word": name,
            "label": t.span.word(name),
            "count": span.seen,
            "median_days": round(span.median / DAY, 2),
            "ninetieth_days": round(span.ninety / DAY, 2),
        }
        for name, span in figures.spans().items()
    ]


def _publication(figures: PublicFigures) -> Sequence[Mapping[str, Any]]:
    t = load(LANGUAGE)
    return [
        {
            "word": kind,
            "label": t.publication.word(kind),
            "count": one.seen,
            "within": one.within,
            "limit_days": YARDSTICK[kind] // DAY,
        }
        for kind, one in figures.promptness().items()
        if one.seen
    ]


def _answers(week: Week) -> Sequence[Mapping[str, Any]]:
    t = load(LANGUAGE)
    return [
        {
            "verdict": verdict,
            "cause": cause,
            "category": category,
            "count": count,
            "_answer": t.outcomes.all if verdict == ALL else t.verdict.word(verdict),
            "_kind": t.answer_category.word(category) if category in KINDS else t.category.word(category),
        }
        for verdict, cause, category, count in week.rows
    ]


ROUTES: Final = (page_route("/explore/outcomes", outcomes, "What the public records add up to", DOWNLOAD),)
