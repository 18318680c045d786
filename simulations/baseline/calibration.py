"""Tests whether this simulator measures the figures that others have published.

The system is a plain flooding node, on the topologies of the Maelstrom workbench.

A node passes each value that it hears for the first time to all its neighbours except the sender; nodes acknowledge
nothing to each other. The workbench publishes the cost with 25 nodes, 100 operations a second for 20 s:

    messages per operation   line 12.006 · grid 27.806 · total 290.56 · tree4 11.994
    stable latency, ms       p50 / p95 / p99 / max
      grid, 100 ms           452 / 656 / 748 / 791        line, 10 ms   86 / 170 / 193 / 224
      total, 100 ms           77 /  95 /  96 /  97        grid, 10 ms   11 /  42 /  56 /  72
      tree4, 100 ms          386 / 489 / 498 / 505
      grid, 100 ms exp.      229 / 431 / 520 / 630

Messages per operation depend on the share of broadcasts among the operations; messages per broadcast do not: they are
24, 56, 576 and 24."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from accredit.simulations.virtual.physics.timeline import START, Timeline

from .broadcast import BroadcastResult, BroadcastWorkload

NODES: Final = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedMeasurement:
    """One published measurement. A figure that was not published is None.

    Attributes:
        latency: of every link, ms; the mean of an exponential distribution where `is_exponential`.
        messages: for each operation.
        latencies: p50, p95, p99, max of the stable latency, ms.
    """

    topology: str
    latency: int
    is_exponential: bool = False
    messages: float | None = None
    latencies: tuple[int, int, int, int] | None = None

    @property
    def name(self) -> str:
        """The name of the case, for people."""
        return f"{self.topology}, {self.latency} ms{' exponential' if self.is_exponential else ''}"


PUBLISHED: Final = (
    PublishedMeasurement(topology="line", latency=10, messages=12.006, latencies=(86, 170, 193, 224)),
    PublishedMeasurement(topology="grid", latency=10, messages=27.806, latencies=(11, 42, 56, 72)),
    PublishedMeasurement(topology="grid", latency=100, latencies=(452, 656, 748, 791)),
    PublishedMeasurement(topology="grid", latency=100, is_exponential=True, latencies=(229, 431, 520, 630)),
    PublishedMeasurement(topology="total", latency=100, messages=290.56, latencies=(77, 95, 96, 97)),
    PublishedMeasurement(topology="tree4", latency=100, messages=11.994, latencies=(386, 489, 498, 505)),
)


def line(nodes: int) -> list[list[int]]:
    """Return each node's neighbours in a line: the node before it and the node after it."""
    return [[other for other in (node - 1, node + 1) if 0 <= other < nodes] for node in range(nodes)]


def grid(nodes: int) -> list[list[int]]:
    """Return each node's neighbours in a grid that is a square, or nearly."""
    side = next(width for width in range(1, nodes + 1) if width * width >= nodes)

    def near(node: int) -> list[int]:
        row, column = divmod(node, side)
        around = ((row - 1, column), (row, column - 1), (row, column + 1), (row + 1, column))
        return [r * side + c for r, c in around if r >= 0 and 0 <= c < side and r * side + c < nodes]

    return [near(node) for node in range(nodes)]


def total(nodes: int) -> list[list[int]]:
    """Return each node's neighbours if every node is connected to every other."""
    return [[other for other in range(nodes) if other != node] for node in range(nodes)]


def tree4(nodes: int) -> list[list[int]]:
    """Return each node's neighbours in a tree of four children each."""
    near: list[list[int]] = [[] for _ in range(nodes)]
    for node in range(1, nodes):
        parent = (node - 1) // 4
        near[node].append(parent)
        near[parent].append(node)
    return near


TOPOLOGIES: Final[Mapping[str, Callable[[int], list[list[int]]]]] = {
    "line": line,
    "grid": grid,
    "total": total,
    "tree4": tree4,
}


class Flood:
    """Flooding nodes: a `broadcast.System`.

    Attributes:
        messages: the number sent between nodes.
    """

    def __init__(self, timeline: Timeline, near: Sequence[Sequence[int]], delay: Callable[[], int]) -> None:
        self._timeline = timeline
        self._near = near
        self._delay = delay
        self._held: list[dict[int, None]] = [{} for _ in near]
        self.messages = 0

    def broadcast(self, node: int, value: int, acknowledge: Callable[[], None]) -> None:
        """See `broadcast.System`; the node acknowledges at once."""
        self._hear(node, value, None)
        acknowledge()

    def reads(self, node: int, value: int) -> bool:
        """See `broadcast.System`."""
        return value in self._held[node]

    def _hear(self, node: int, value: int, sender: int | None) -> None:
        if value in self._held[node]:
            return
        self._timeline.trace.note(self._timeline.now, f"flood {node}", f"{value} from {sender}")
        self._held[node][value] = None
        for other in self._near[node]:
            if other != sender:
                self.messages += 1
                self._timeline.after(self._delay(), lambda other=other: self._hear(other, value, node))  # type: ignore[misc]


def calibrate(
    case: PublishedMeasurement, *, seed: int = 1, nodes: int = NODES, rate: float = 100.0, seconds: float = 20.0
) -> BroadcastResult:
    """Measure one case as it was published."""
    timeline = Timeline(seed=seed)
    delay = _delay(case, timeline.stream("delay"))
    flood = Flood(timeline, TOPOLOGIES[case.topology](nodes), delay)
    workload = BroadcastWorkload(timeline, flood, nodes=nodes, begins=START, rate=rate, seconds=seconds)
    timeline.run(until=workload.ends)
    return workload.result(flood.messages)


def _delay(case: PublishedMeasurement, random: Random) -> Callable[[], int]:
    if case.is_exponential:
        return lambda: round(random.expovariate(1 / case.latency))
    return lambda: case.latency
