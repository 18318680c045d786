"""The figures of a run of real processes: the times of statements to every node, and their curves.

A statement was in a node's log as soon as a checkpoint of it covered the place it has there; so times are as fine as
people look (`clients.LOOK_SECONDS`), and while a node is down nobody sees anything.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from accredit.simulations.run.run import POINTS
from accredit.simulations.virtual.metrics import Figures, Spread, percentile

from .clients import Book


def delays_of(book: Book, places: Mapping[str, Mapping[bytes, int]], *, urgent: bool) -> list[int]:
    """Of all pairs of a statement said and a node: ms from its submission until it was seen in that node's log; sorted.

    Args:
        places: by node, where each statement is in its final log.
    """
    found = []
    for node, indexes in places.items():
        seen = sorted((time, size) for size, time in book.checkpoints.get(node, {}).values())
        reached: list[tuple[int, int]] = []  # sizes rising, with the time at which each was first seen
        for time, size in seen:
            if not reached or size > reached[-1][0]:
                reached.append((size, time))
        sizes = [size for size, _ in reached]
        for said in book.said:
            place = indexes.get(said.statement.id)
            if said.is_urgent is urgent and place is not None and (at := bisect_right(sizes, place)) < len(sizes):
                found.append(max(0, reached[at][1] - said.said_at))
    return sorted(found)


def spread_of(delays: Sequence[int], statements: int, nodes: int) -> Spread:
    """Delays, summed up."""
    return Spread(
        statements=statements,
        deliveries=len(delays),
        missing=statements * nodes - len(delays),
        p50=percentile(delays, 0.5),
        p95=percentile(delays, 0.95),
        p99=percentile(delays, 0.99),
        max=delays[-1] if delays else None,
    )


def curve_of(delays: Sequence[int], wanted: int) -> list[tuple[int, float]]:
    """Share of all deliveries that took no longer, against ms."""
    if not delays:
        return []
    times = sorted({round(delays[-1] * number / POINTS) for number in range(POINTS + 1)})
    return [(time, round(bisect_right(delays, time) / wanted, 6)) for time in times]


def figures_of(
    book: Book, places: Mapping[str, Mapping[bytes, int]], *, one_root: int | None
) -> tuple[Figures, dict[str, list[tuple[int, float]]]]:
    """Figures and curves. What travels between processes is not counted: nobody stands between them.

    Args:
        one_root: ms from the end of faults until all nodes had one state.
    """
    spreads, curves = {}, {}
    for word in ("urgent", "normal"):
        delays = delays_of(book, places, urgent=word == "urgent")
        statements = sum(each.is_urgent is (word == "urgent") for each in book.said)
        spreads[word] = spread_of(delays, statements, len(places))
        curves[word] = curve_of(delays, statements * len(places))
    figures = Figures(
        urgent=spreads["urgent"],
        normal=spreads["normal"],
        one_root=one_root,
        redundant=None,
        messages=0,
        bytes=0,
        messages_per_node_second=0.0,
        bytes_per_node_second=0.0,
        notes=0,
        counters=dict(sorted(book.outcomes.items())),
    )
    return figures, curves
