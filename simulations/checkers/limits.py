"""Checkers of limits: queues, meshes, and the figures that a scenario promises.

bounded            queues and waiting rooms stay within their limits
mesh               no honest node's mesh is larger than it may be; after a calm every one is as large as it should be
not_shut_out       no honest node refuses to listen to another honest one
forks_bounded      no honest node logs more of a forked key in an hour than submitters and peers may bring
bounds             the upper bounds that a scenario promises
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from accredit.node.engine import Engine, fork_allowance
from accredit.registry.statement import Statement
from accredit.simulations.virtual.checker import Checker
from accredit.simulations.virtual.metrics import Extremes, Figures
from accredit.simulations.virtual.ports import HostView, WorldView, mesh_of

_LOOKED_AT: Final = 20
"""Hosts examined each time, in turn."""

MESH_CALM: Final = 75
"""Seconds after which meshes have recovered: the pause of a refused graft (60 s), and some heartbeats."""


class _InTurn(Checker):
    """Examines a few of the running honest hosts, different ones each time; a subclass defines the check."""

    def __init__(self) -> None:
        self._looks = 0

    def on_look(self, world: WorldView) -> None:
        """See `Checker`."""
        self._looks += 1
        stride = max(1, len(world.honest) // _LOOKED_AT)
        for host in world.honest[self._looks % stride :: stride]:
            if host.engine is not None:
                self.look(world, host, host.engine)

    @abstractmethod
    def look(self, world: WorldView, host: HostView, engine: Engine) -> None:
        """Look at one host and its engine."""


class Bounded(_InTurn):
    """See the module."""

    name = "bounded"

    def look(self, world: WorldView, host: HostView, engine: Engine) -> None:
        """See `_InTurn`."""
        seen = engine.statistics(strangers=False)
        limit = world.settings.gossip.waiting_statements * (len(world.hosts) + 1)
        self.require(seen.waiting <= limit, f"{host.name} keeps {seen.waiting} statements of unknown keys")
        for peer in seen.peers:
            queued = world.queue_limit
            self.require(peer.queued <= queued, f"{host.name} queues {peer.queued} statements for {peer.name}")


class MeshWithinBounds(_InTurn):
    """See the module."""

    name = "mesh"

    def look(self, world: WorldView, host: HostView, engine: Engine) -> None:  # noqa: ARG002  # `_InTurn`'s signature
        """See `_InTurn`."""
        config = world.settings.gossip
        most = config.degree_high + len(config.pinned)
        size = len(mesh_of(host))
        self.require(size <= most, f"the mesh of {host.name} has {size} peers; {most} are the most")

    def on_end(self, world: WorldView) -> None:
        """See `Checker`."""
        if world.settings.calm < MESH_CALM:
            return
        least = min(world.settings.gossip.degree_low, len(world.honest) - 1)
        small = [(host.name, len(mesh_of(host))) for host in world.honest if len(mesh_of(host)) < least]
        self.require(not small, f"{len(small)} meshes have less than {least} peers: {small[:3]}")


class NotShutOut(_InTurn):
    """See the module."""

    name = "not_shut_out"

    def look(self, world: WorldView, host: HostView, engine: Engine) -> None:
        """See `_InTurn`."""
        for peer in engine.statistics(strangers=False).peers:
            is_shut_out = peer.distrusted_until is not None and world.host(peer.name).is_honest
            self.require(not is_shut_out, f"{host.name} does not listen to {peer.name}: {peer.why}")


class ForksBounded(Checker):
    """See the module. It counts by itself, from the content of disks; after a restart of a node it begins anew."""

    name = "forks_bounded"

    def __init__(self) -> None:
        self._used: dict[tuple[str, bytes, int], int] = {}
        self._surplus: dict[tuple[str, bytes], list[int]] = {}

    def on_start(self, world: WorldView, host: HostView) -> None:  # noqa: ARG002  # `Checker`'s signature
        """See `Checker`."""
        for place in [place for place in self._surplus if place[0] == host.name]:
            del self._surplus[place]

    def on_logged(self, world: WorldView, host: HostView, statements: Sequence[Statement]) -> None:
        """See `Checker`."""
        if not host.is_honest or host.engine is None:
            return
        now = world.timeline.now
        for each in statements:
            number = host.name, each.kid, each.seq
            self._used[number] = self._used.get(number, 0) + 1
            if self._used[number] <= fork_allowance.FREE:
                continue
            times = [time for time in self._surplus.get((host.name, each.kid), ()) if now - time < fork_allowance.HOUR]
            self._surplus[host.name, each.kid] = [*times, now]
            # What submitters bring at once, and what peers may bring for each node, in two hours that touch.
            brought = 2 * fork_allowance.PATIENCE * len(world.hosts)
            limit = fork_allowance.FORKS_AT_ONCE * (2 + brought)
            self.require(
                len(times) < limit,
                f"{host.name} logged {len(times) + 1} statements of the forked key {each.kid.hex()[:16]} in an hour; "
                f"{limit} are the most",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds(Extremes):
    """The upper bounds that a scenario promises besides the `Extremes`; None: no bound.

    Times are in ms from submission, or from the end of faults if that is later.

    Attributes:
        urgent_p99, urgent_max: until urgent statements are logged at honest nodes.
        urgent_share: (ms, share): so many of all pairs of urgent statement and honest node within so long.
        normal_max: the same for all others.
        one_root: ms after faults stop.
        redundant: copies of a statement that a node receives beyond the first, on average.
    """

    urgent_p99: int | None = None
    urgent_max: int | None = None
    urgent_share: tuple[int, float] | None = None
    normal_max: int | None = None
    one_root: int | None = None
    redundant: float | None = None


FIGURES: Final[Mapping[str, tuple[str, Callable[[Figures], float | None]]]] = {
    "urgent_p99": ("urgent p99, ms", lambda figures: figures.urgent.p99),
    "urgent_max": ("urgent max, ms", lambda figures: figures.urgent.max),
    "normal_max": ("normal max, ms", lambda figures: figures.normal.max),
    "one_root": ("one root, ms", lambda figures: figures.one_root),
    "redundant": ("redundant copies", lambda figures: figures.redundant),
    "surrounded": ("share of surrounded nodes", lambda figures: figures.surrounded),
    "hostile": ("share of adversaries in meshes", lambda figures: figures.hostile),
    "offences": ("offences seen by each node", lambda figures: figures.offences),
    "failed": ("failed exchanges of each node in a minute", lambda figures: figures.failed),
    "frames": ("frames a second at the busiest node", lambda figures: figures.frames),
    "beyond": ("adversaries' statements in the fullest log", lambda figures: figures.beyond),
    "stale": ("staleness of verified answers, s", lambda figures: figures.stale),
    "exposed": ("exposure of misconduct, ms", lambda figures: figures.exposed),
}
"""Name of a bound -> the bounded figure, in words, and its place in a run's figures. `urgent_share` bounds a curve."""


class WithinBounds(Checker):
    """See the module."""

    name = "bounds"

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds

    def on_end(self, world: WorldView) -> None:
        """See `Checker`."""
        figures, bounds = world.metrics.figures(), self._bounds
        if not world.misconduct:  # chance kept both sides of it apart: nothing to expose
            bounds = replace(bounds, exposed=None)
        for bound, (words, figure_of) in FIGURES.items():
            limit, figure = getattr(bounds, bound), figure_of(figures)
            if limit is not None:
                self.require(figure is not None, f"there is no figure for: {words}")
                self.require(figure is not None and figure <= limit, f"{words}: {figure} is above {limit}")
        if bounds.urgent_share is not None:
            within, wanted = bounds.urgent_share
            share = world.metrics.share(within, urgent=True)
            self.require(share >= wanted, f"{share:.2%} of urgent deliveries within {within} ms; {wanted:.2%} asked")
