"""Runs a plain push in the same world, for comparison: nodes pass each new statement once to a few random nodes.

It is gossip without a mesh, announcements, reconciliation, or statements kept for nodes that were away. It accompanies
a run, for the same statements from the same nodes at the same moments, over links with the same delays, losses and
cuts, past the same adversaries and machines that are down. It has random numbers of its own and leaves no mark on the
run's trace. So both lines of a plot show one world.

It does not simulate ticks, disks and signatures: a node passes a statement on at once."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from .host import Host, HostWorld
from .physics.network import Network

FRAME_BYTES: Final = 224
"""Bytes of a frame besides its statements, measured on an encoded push."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Compares this project's gossip with the plain push, each as (ours, plain); None: never, or not measurable.

    Attributes:
        copies: number of copies of a statement that an honest node gets, on average.
        bytes: number sent for each statement and node; ours includes all other traffic.
        missing: number of deliveries that never happened.
        healed: time from the end of faults until all honest nodes had every statement, ms.
        exposed: time from a contradiction until every honest node had met both sides of it, ms.
    """

    copies: tuple[float, float]
    bytes: tuple[int, int]
    missing: tuple[int, int]
    healed: tuple[int | None, int | None]
    exposed: tuple[int | None, int | None]

    def as_dict(self) -> dict[str, Any]:
        """Return its form in a report."""
        return asdict(self)


class PlainPush:
    """See the module. A node passes each statement to as many nodes as the mesh has peers."""

    def __init__(self, world: HostWorld) -> None:
        self._world = world
        self._random = world.timeline.stream("plain push")
        self._network = Network(
            world.timeline.stream("plain links"),
            world.settings.seed,
            world.settings.links,
            cuts=world.network.cuts,
            uplinks=world.network.uplinks,
            clogs=world.network.clogs,
            clock=lambda: world.timeline.now,
        )
        self._arrivals: dict[bytes, dict[str, int]] = {}
        self._copies = 0

    def on_logged(self, host: Host, ids: Sequence[bytes]) -> None:
        """Take in statements that a node has logged; a statement starts at the first node that has it, here as well."""
        for id in ids:
            if id not in self._arrivals and id in self._world.workload.sayings:
                self._hear(host, id)

    def _hear(self, host: Host, id: bytes) -> None:
        world, saying = self._world, self._world.workload.sayings[id]
        arrivals = self._arrivals.setdefault(id, {})
        if not host.is_up:
            return
        self._copies += host.is_honest
        if host.name in arrivals:
            return
        arrivals[host.name] = world.timeline.now
        if not host.conduct.passes_on(urgent=saying.is_urgent):
            return
        self._network.settings = world.network.settings
        size = FRAME_BYTES + len(saying.statement.raw)
        others = [each for each in self._random.sample(world.hosts, self._fanout) if each is not host]
        for other in others:
            for delay in self._network.carry(host.name, other.name, size):
                world.timeline.after(delay, lambda other=other: self._hear(other, id))  # type: ignore[misc]

    @property
    def _fanout(self) -> int:
        return min(self._world.settings.gossip.degree, len(self._world.hosts))

    def delays(self, *, urgent: bool) -> list[int]:
        """Return the delays of all deliveries, sorted, as `metrics.RunMetrics.delays`."""
        world = self._world
        return sorted(
            time - world.metrics.counted_from(saying, time)
            for id, saying in world.workload.sayings.items()
            if saying.is_urgent is urgent
            for name, time in self._arrivals.get(id, {}).items()
            if world.host(name).is_honest
        )

    def compare(self) -> Comparison:
        """Return the comparison, at the end of a run."""
        world, figures = self._world, self._world.metrics.figures()
        pairs = max(1, len(world.honest) * len(world.workload.sayings))
        said = max(1, len(world.hosts) * len(world.workload.sayings))
        got = sum(len(self.delays(urgent=urgent)) for urgent in (True, False))
        missing = len(world.honest) * len(world.workload.sayings) - got
        ours = figures.counters.get("statements_received", 0) + figures.counters.get("statements_again", 0)
        return Comparison(
            copies=(round(ours / pairs, 2), round(self._copies / pairs, 2)),
            bytes=(figures.bytes // said, self._network.bytes // said),
            missing=(figures.urgent.missing + figures.normal.missing, missing),
            healed=(figures.one_root, self._healed() if missing == 0 else None),
            exposed=(figures.exposed, self._exposed()),
        )

    def _healed(self) -> int:
        last = max((time for times in self._arrivals.values() for time in times.values()), default=0)
        return max(0, last - (self._world.healed_at or 0))

    def _exposed(self) -> int | None:
        """Return when the last honest node had met all sides of every authority's contradiction."""
        found = []
        for each in self._world.misconduct:
            for id in each.ids:
                times = self._arrivals.get(id, {})
                if not all(host.name in times for host in self._world.honest):
                    return None
                found.append(max(times.values()) - each.time)
        return max(found, default=None)
