"""Pages the records of one type, by id.

A list is paged by id: `next`, when not null, is the `after` of the next page. A search examines a bounded number of
records for each page, so a page may be short or empty and still have a next one.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, Final, TypeVar

from accredit.registry.encoding.identifiers import CanonicalId

from .request_reading import integer, verbatim
from .route import JSON, Call, Route

S = TypeVar("S", bound=str)
T = TypeVar("T")

PAGE: Final = 200
"""Results on a page, at most."""

EXAMINED: Final = 5_000
"""Records examined for one page of a search: some 10 ms. A guess, to be measured."""

AFTER: Final = verbatim("after", "continue after this id: `next` of the previous page")
LIMIT: Final = integer("limit", "maximum number of results", minimum=1, maximum=PAGE, default=50)


def ids(call: Call, type: str) -> Sequence[CanonicalId]:
    """Return the ids of all records of a type, ascending; cached until a record changes."""
    fold = call.reader.fold
    return call.shared.keep(
        f"ids of {type}", fold.records_root(), lambda: [CanonicalId(id) for (_, id), _ in fold.items(type)]
    )


def page(
    among: Sequence[S], after: str | None, limit: int, make: Callable[[S], T | None], examined: int = EXAMINED
) -> tuple[list[T], str | None]:
    """Return the rows that `make` gives for at most `limit` ids after `after`, and the id from which to continue."""
    start = 0 if after is None else bisect_right(among, after)
    found: list[T] = []
    for id in islice(among, start, start + examined):
        start += 1
        made = make(id)
        if made is not None:
            found.append(made)
            if len(found) == limit:
                break
    return found, among[start - 1] if 0 < start < len(among) else None


def record_route(path: str, handler: Any, about: str, gives: Any, **more: Any) -> Route:
    """Return a route that reads records."""
    return Route(method="GET", path=path, handler=handler, family="registry", about=about, gives={JSON: gives}, **more)
