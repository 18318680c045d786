"""Runs the broadcast workload of the Maelstrom workbench, by its definitions, on any system.

Operations come at a rate; the time between two of them is uniform from 0 to twice the mean. Each is, with equal chance,
a broadcast of a new value or a read, at a node drawn at random. Clients have no delay. After the last operation there
is a quiet time, and then one last read at every node.

* *messages per operation*: messages between nodes, divided by operations (broadcasts and reads; not the last reads).
* *stable latency* of a value: from the acknowledgement of its broadcast to the last read, at any node, that lacked it;
  0 if every read had it (the `set-full` checker of Jepsen).
* *lost*: values acknowledged and absent from any of the last reads.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Protocol

from accredit.simulations.virtual.metrics import percentile
from accredit.simulations.virtual.physics.timeline import Timeline

QUIET: int = 10_000
"""Time between the last operation and the last reads, ms."""


class System(Protocol):
    """The interface of a system that the workload drives."""

    def broadcast(self, node: int, value: int, acknowledge: Callable[[], None]) -> None:
        """Hand a value to a node; `acknowledge` is called once the node answers."""
        ...

    def reads(self, node: int, value: int) -> bool:
        """Return whether a read at a node would show a value."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BroadcastResult:
    """The result of a workload; latencies in ms.

    Attributes:
        messages_per_operation: see the module.
        messages_per_broadcast: the same for broadcasts only, which does not depend on the draw.
    """

    operations: int
    broadcasts: int
    messages: int
    messages_per_operation: float
    messages_per_broadcast: float
    p50: int
    p95: int
    p99: int
    max: int
    lost: int


class BroadcastWorkload:
    """Plans the operations on a timeline and measures them.

    Args:
        begins: the time of the first operation, ms since 1970.
        rate: operations a second. seconds: duration of the operations.
    """

    def __init__(
        self, timeline: Timeline, system: System, *, nodes: int, begins: int, rate: float = 100.0, seconds: float = 20.0
    ) -> None:
        self._timeline = timeline
        self._system = system
        self._nodes = nodes
        self._acknowledged: dict[int, int] = {}
        self._lacked: dict[int, int] = {}
        self._unstable: dict[int, None] = {}
        self._lost = 0
        self.operations = self.broadcasts = 0
        self._plan(timeline.stream("broadcast"), begins, rate, seconds)

    def _plan(self, random: Random, begins: int, rate: float, seconds: float) -> None:
        time = 0.0
        while True:
            time += random.uniform(0.0, 2.0 / rate)
            if time >= seconds:
                break
            node, is_broadcast = random.randrange(self._nodes), random.random() < 0.5
            action = self._broadcasting(node) if is_broadcast else self._reading(node)
            self._timeline.at(begins + round(time * 1_000), action)
        self.ends = begins + round(seconds * 1_000) + QUIET
        self._timeline.at(self.ends, self._read_last)

    def _broadcasting(self, node: int) -> Callable[[], None]:
        def act() -> None:
            value = self.broadcasts
            self.operations += 1
            self.broadcasts += 1
            self._system.broadcast(node, value, lambda: self._acknowledge(value))

        return act

    def _acknowledge(self, value: int) -> None:
        self._acknowledged[value] = self._timeline.now
        self._unstable[value] = None

    def _reading(self, node: int) -> Callable[[], None]:
        def act() -> None:
            self.operations += 1
            for value in list(self._unstable):
                if not self._system.reads(node, value):
                    self._lacked[value] = self._timeline.now
                elif self._is_everywhere(value):
                    del self._unstable[value]  # every node has it from here on: it is not looked at again

        return act

    def _is_everywhere(self, value: int) -> bool:
        return all(self._system.reads(node, value) for node in range(self._nodes))

    def _read_last(self) -> None:
        self._lost = sum(not self._is_everywhere(value) for value in self._unstable)
        self._lost += self.broadcasts - len(self._acknowledged)

    def result(self, messages: int) -> BroadcastResult:
        """Return the result, after the last reads; `messages`: the number sent between nodes until then."""
        latencies = sorted(max(0, self._lacked.get(value, time) - time) for value, time in self._acknowledged.items())
        return BroadcastResult(
            operations=self.operations,
            broadcasts=self.broadcasts,
            messages=messages,
            messages_per_operation=round(messages / max(1, self.operations), 2),
            messages_per_broadcast=round(messages / max(1, self.broadcasts), 2),
            p50=percentile(latencies, 0.5) or 0,
            p95=percentile(latencies, 0.95) or 0,
            p99=percentile(latencies, 0.99) or 0,
            max=latencies[-1] if latencies else 0,
            lost=self._lost,
        )
