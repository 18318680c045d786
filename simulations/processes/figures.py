"""Computes the figures of a run of real processes: the times of statements to every node, and their curves.

A statement counts as logged once a checkpoint of the node covers its place in the log. So times are only as fine as the
interval at which people look (`clients.LOOK_SECONDS`), and a node that is down cannot be observed.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from accredit.simulations.run.run import POINTS
from accredit.simulations.virtual.metrics import Figures, Spread, percentile

from .clients import Book


def delays_of(book: Book, places: Mapping[str, Mapping[bytes, int]], *, urgent: bool) -> list[int]:
    """Return the delays from a statement's submission until a node's log had it, for all pairs of the two, ms; sorted.

    Args:
        places: by node, where each statement is in its final log.
    """
    found = []
    for node, indexes in places.items():
        seen = sorted((time, size) for size, time in book.checkpoints.get(node, {}).values())
        reached: list[tuple[int, int]] = []  # ascending sizes, each with the time at which it was first seen
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
    """Return a summary of the delays."""
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
    """Return the curve of the share of all deliveries that took at most so many ms."""
    if not delays:
        return []
    times = sorted({round(delays[-1] * number / POINTS) for number in range(POINTS + 1)})
    return [(time, round(bisect_right(delays, time) / wanted, 6)) for time in times]


def figures_of(
    book: Book, places: Mapping[str, Mapping[bytes, int]], *, one_root: int | None
) -> tuple[Figures, dict[str, list[tuple[int, float]]]]:
    """Return figures and curves. Traffic between processes is not counted, because nothing observes it.

    Args:
        one_root: time from the end of faults until all nodes had one state, ms.
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
