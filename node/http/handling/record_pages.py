"""Pages the records of one type, by id.

A list is paged by id: `next`, when not null, is the `after` of the next page. A search examines a bounded number of
records for each page, so a page may be short or empty and still have a next one. Both take turns: a registry may
have a million records.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import partial
from heapq import merge
from typing import Any, Final, TypeVar

from accredit.registry.encoding.identifiers import CanonicalId

from .request_reading import integer, verbatim
from .route import JSON, Call, Route
from .turns import Turns

S = TypeVar("S", bound=str)
T = TypeVar("T")

PAGE: Final = 200
"""Results on a page, at most."""

EXAMINED: Final = 5_000
"""Records examined for one page of a search: some 10 ms. A guess, to be measured."""

AFTER: Final = verbatim("after", "continue after this id: `next` of the previous page")
LIMIT: Final = integer("limit", "maximum number of results", minimum=1, maximum=PAGE, default=50)


async def ids(call: Call, type: str) -> Sequence[CanonicalId]:
    """Return the ids of all records of a type, ascending; listed in turns, and kept until a record changes.

    If records come or go meanwhile, they may be among them or not.
    """
    shared = call.shared

    def made_of() -> bytes:
        return call.reader.fold.records_root()

    return await shared.share(f"ids of {type}", shared.listing, made_of, partial(_listed, call, type))


async def _listed(call: Call, type: str) -> list[CanonicalId]:
    parts: list[list[str]] = []
    turns = Turns()  # one list is made at a time anyway
    for part in call.reader.fold.ids_in_parts(type):
        parts.append(sorted(part))
        if turns.is_over:
            await turns.give()
    listed: list[CanonicalId] = []
    for id in merge(*parts):
        listed.append(CanonicalId(id))
        if turns.is_over:
            await turns.give()
    return listed


async def page(
    call: Call,
    among: Sequence[S],
    after: str | None,
    limit: int,
    make: Callable[[S], T | None],
    examined: int = EXAMINED,
) -> tuple[list[T], str | None]:
    """Return the rows that `make` gives for at most `limit` ids after `after`, and the id from which to continue.

    Args:
        make: reads what is held when it is called, because others have their turn between two rows.
    """
    first = 0 if after is None else bisect_right(among, after)
    end = min(first + examined, len(among))
    found, start = list[T](), first
    with Turns(call.shared.lengthy) as turns:
        while start < end and len(found) < limit:
            if turns.is_over and await turns.give():
                found, start = [], first  # whoever could do something seconds ago may not now
            made = make(among[start])
            start += 1
            if made is not None:
                found.append(made)
    return found, among[start - 1] if 0 < start < len(among) else None


def record_route(path: str, handler: Any, about: str, gives: Any, **more: Any) -> Route:
    """Return a route that reads records."""
    return Route(method="GET", path=path, handler=handler, family="registry", about=about, gives={JSON: gives}, **more)
