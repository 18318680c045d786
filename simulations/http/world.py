"""Runs a whole ecosystem over HTTP in one process: the `world.World` of real nodes.

Phases, people, checkers and figures are the same as there.

    trio.run(partial(play, settings, plan, …), clock=MockClock(autojump_threshold=0))

A scenario's plan gets an `HttpWorld`, which has what plans without adversaries ask of a `World`: `at`, `every`, `cut`,
`uncut`, `crash`, `narrow`, `clog`, `set_clock`, `hold_back`, `some`, `halves`, `workload`, `at_end`; and `slow`, a
factor for all delays of a host. Disks are real files here and cannot be filled; the process tier does that.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import trio

from accredit.simulations.checkers import Checker
from accredit.simulations.virtual.ecosystem import Town
from accredit.simulations.virtual.metrics import RunMetrics
from accredit.simulations.virtual.physics.network import Network
from accredit.simulations.virtual.scene import Scene
from accredit.simulations.virtual.settings import LOOK, POLL, Settings
from accredit.simulations.virtual.workload import Workload

from .clock import TaskTimeline
from .host import HttpHost
from .virtual_sockets import VirtualWires

NOTES_SECONDS = 15.0
"""Seconds that a quorum may take after all nodes have one root."""


@dataclass(slots=True)
class SlowLinks(Network):
    """Links, some of them slower than drawn.

    Attributes:
        factors: by host, the factor for every delay from it and to it.
    """

    factors: dict[str, float] = field(default_factory=dict)

    def carry(self, source: str, target: str, size: int) -> list[int]:
        """See `Network`."""
        factor = max(self.factors.get(source, 1.0), self.factors.get(target, 1.0))
        return [round(delay * factor) for delay in Network.carry(self, source, target, size)]


class HttpWorld(Scene[HttpHost]):
    """See the module. It has these attributes besides those of `Scene`.

    Attributes:
        nursery: where everything runs.
        wires: all connections.
    """

    def __init__(
        self, settings: Settings, nursery: trio.Nursery, folder: Path, *, checkers: Sequence[Checker], keep: int
    ) -> None:
        self.nursery = nursery
        self.timeline = TaskTimeline(nursery, seed=settings.seed, keep=keep)
        names = [f"n{number:04}.example" for number in range(settings.nodes)]
        town = Town.found(
            seed=settings.seed,
            nodes=settings.nodes,
            authorities=settings.authorities,
            grants=settings.grants,
            signers=settings.signers,
            urls={name: f"http://{name}" for name in names},
        )
        self.network = SlowLinks(
            self.timeline.stream("network"), settings.seed, settings.links, clock=lambda: self.timeline.now
        )
        super().__init__(settings, self.timeline, town, self.network, checkers)
        self.wires = VirtualWires(nursery, self.network, self.timeline.trace, lambda: self.timeline.now)
        # Only the virtual tier has these: no comparison rides along, and nobody verifies or contradicts itself here.
        self.plain: None = None
        self.verifiers: tuple[()] = ()
        self.misconduct: tuple[()] = ()
        self.hosts = [HttpHost(self, name, folder / name) for name in self.town.names]
        self.metrics = RunMetrics(self)
        self.workload = Workload(self)

    # --------------------------------------------------------------------------------------------------- look

    def host(self, name: str) -> HttpHost:
        """Return the host of that name."""
        return self.hosts[self.town.names.index(name)]

    @property
    def honest(self) -> list[HttpHost]:
        """All hosts."""
        return self.hosts

    # ----------------------------------------------------------------------------------------- what a scenario does

    def slow(self, host: HttpHost, *, factor: float) -> None:
        """Make every delay from and to a host so many times as long."""
        self._fault(f"slow {host.name} {factor:g}")
        self.network.factors[host.name] = factor

    def crash(self, host: HttpHost, *, down: float = 5.0) -> None:
        """Take a host down for so many seconds; half of the times its process is killed, otherwise it loses power."""
        if host.is_up:
            self._fault(f"crash {host.name}")
            host.crash(is_told=self.random.random() < 0.5)
            self.at(self.seconds_in + down, host.start)

    # ------------------------------------------------------------------------------------------------------- run

    async def run(self, progress: Callable[[float], None]) -> None:
        """Run all phases. Raises a `Violation` at the first failed check."""
        await self._begin()
        ends = self.begins + round(self.settings.seconds * 1_000)
        while self.timeline.now < ends:
            await trio.sleep(min(LOOK, ends - self.timeline.now) / 1_000)
            self.check(lambda checker: checker.on_look(self))
            progress(max(0.0, min(1.0, self.seconds_in / self.settings.seconds)))
        self.heal()
        with trio.move_on_after(self.settings.settle):
            while not self.has_converged():
                await trio.sleep(POLL / 1_000)
            self.converged_at = self.timeline.now
        await trio.sleep(max(self.settings.calm, NOTES_SECONDS if self.settings.signers else 0.0))
        self._end()

    async def _begin(self) -> None:
        """Found every host, and start them one after the other within a second."""
        for host in self.hosts:
            host.found(self.town.founding[:1] if host.name in self._held_back else self.town.founding)
        for host in self.hosts:
            if host.name not in self._held_back:
                host.start()
            await trio.sleep(1.0 / len(self.hosts))

    def heal(self) -> None:
        """See `Scene`."""
        self.network.factors.clear()
        super().heal()

    def _mend(self, host: HttpHost) -> None:
        if host.clock.ahead:
            host.set_clock(0)
