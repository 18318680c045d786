"""Runs the broadcast workload (`broadcast`) on real nodes, to compare them with published figures.

A value is an `issuer.register`; a broadcast is acknowledged when the node answers that the statement is logged; a read
asks whether the node has it logged. A message is a frame sent by one node to another. The answer to every frame costs
nothing extra over HTTP and is counted apart (`messages_with_answers_per_operation`). Heartbeats, announcements and
comparisons of roots count like all other frames."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from .broadcast import QUIET, BroadcastResult, BroadcastWorkload

if TYPE_CHECKING:
    from accredit.simulations.virtual.world import World


class Nodes:
    """Real nodes as a `broadcast.System`."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._ids: dict[int, bytes] = {}

    def broadcast(self, node: int, value: int, acknowledge: Callable[[], None]) -> None:
        """See `broadcast.System`."""
        saying = self._world.workload.register(self._world.hosts[node], told=acknowledge)
        self._ids[value] = saying.statement.id

    def reads(self, node: int, value: int) -> bool:
        """See `broadcast.System`."""
        engine = self._world.hosts[node].engine
        return engine is not None and self._ids[value] in engine


def play_broadcast(world: "World") -> Callable[[], BroadcastResult]:
    """Plan the workload; return a function that gives the result at the end, and fills `world.extra`."""
    seconds = world.settings.seconds - QUIET / 1_000
    assert seconds > 0, "the last ten seconds are the quiet time"
    workload = BroadcastWorkload(
        world.timeline,
        Nodes(world),
        nodes=len(world.hosts),
        begins=world.begins,
        rate=world.settings.option("rate", 100.0),
        seconds=seconds,
    )
    before: list[tuple[int, int]] = []
    after: list[tuple[int, int]] = []
    world.timeline.at(world.begins, lambda: before.append(_sent(world)))
    world.timeline.at(workload.ends, lambda: after.append(_sent(world)))

    def finish() -> BroadcastResult:
        result = workload.result(after[0][0] - before[0][0])
        world.extra.update(
            operations=result.operations,
            messages_per_operation=result.messages_per_operation,
            messages_with_answers_per_operation=round((after[0][1] - before[0][1]) / result.operations, 2),
            stable_latency_p50=result.p50,
            stable_latency_p95=result.p95,
            stable_latency_p99=result.p99,
            stable_latency_max=result.max,
            lost=result.lost,
        )
        return result

    return finish


def _sent(world: "World") -> tuple[int, int]:
    """Return how many frames nodes sent of their own accord, and how many messages in all, so far."""
    return world.metrics.counters()["frames_sent"], world.network.messages
