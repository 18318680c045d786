"""Counts how many issuers match each filter of the search page alone.

It counts in one pass over the issuers, in turns, so that other requests are answered meanwhile. It keeps the counts
until a record changes, but at most a minute, because accreditations also end by the clock. In a large registry it
counts the first `LOOKED_AT` issuers by id, and the page says so.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Final

from markupsafe import Markup

from accredit.node.http.handling.record_pages import ids
from accredit.node.http.handling.route import Call
from accredit.node.http.handling.turns import Turns
from accredit.node.http.routes.registry import issuer_line
from accredit.registry.domain.records import issuer_in
from accredit.registry.domain.vocabulary import ISSUER_CATEGORIES, STATUSES

from .listing import authority_choices

LOOKED_AT: Final = 5_000
"""Issuers that are counted: some 0.2 s of work after a record has changed. A guess, to be measured."""

KEPT_SECONDS: Final = 60
PLACES_OFFERED: Final = 30
"""Places that the page suggests, those with most issuers."""

STATUSES_OFFERED: Final = tuple(reversed(tuple(STATUSES)))


@dataclass(frozen=True, slots=True)
class FacetCounts:
    """What was counted.

    Attributes:
        looked_at, of: issuers that were counted, and how many there are.
        categories, statuses: a count for each of `ISSUER_CATEGORIES`, of `STATUSES_OFFERED`.
        authorities: id, name and count of each authority that the form offers.
        places: options of the field, the places with most issuers first.
    """

    looked_at: int
    of: int
    categories: tuple[int, ...]
    statuses: tuple[int, ...]
    authorities: Sequence[tuple[str, str]]
    places: Markup


async def facet_counts(call: Call) -> FacetCounts:
    """Return the counts, computed again if a record has changed or a minute has passed."""

    def made_of() -> tuple[bytes, int]:
        return call.reader.fold.records_root(), call.reader.now() // KEPT_SECONDS

    return await call.shared.share("facets", call.shared.counting, made_of, partial(_count, call))


async def _count(call: Call) -> FacetCounts:
    now, everyone, turns = call.reader.now(), await ids(call, "issuer"), Turns()  # whoever calls this holds `counting`
    categories, statuses, places, authorities = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for id in islice(everyone, LOOKED_AT):
        if turns.is_over:
            await turns.give()
        fold = call.reader.fold
        record = issuer_in(fold, id)
        if record is None:
            continue
        line = issuer_line(fold, record, now)
        categories.update(line["categories"])
        places.update({wider for one in line["jurisdictions"] for wider in _with_wider(one)})
        statuses.update({one["status"] for one in line["accreditations"]})
        authorities.update({one["by"] for one in line["accreditations"]})
    option = Markup('<option value="{0}">{0} ({1})</option>')
    return FacetCounts(
        looked_at=min(len(everyone), LOOKED_AT),
        of=len(everyone),
        categories=tuple([categories[word] for word in ISSUER_CATEGORIES]),
        statuses=tuple([statuses[word] for word in STATUSES_OFFERED]),
        authorities=[(id, f"{name} ({authorities[id]})") for id, name in authority_choices(call)],
        places=Markup("").join([option.format(*one) for one in places.most_common(PLACES_OFFERED)]),
    )


def _with_wider(place: str) -> list[str]:
    """A place and those that it lies in: US-IN and US."""
    parts = place.split("-")
    return ["-".join(parts[:end]) for end in range(1, len(parts) + 1)]
