"""A whole ecosystem over HTTP in one process: `world.World` for real nodes. The same phases, people, checkers, figures.

    trio.run(partial(play, settings, plan, …), clock=MockClock(autojump_threshold=0))

A scenario's plan gets an `HttpWorld`, which has what plans without adversaries ask of a `World`: `at`, `every`, `cut`,
`uncut`, `crash`, `set_clock`, `hold_back`, `some`, `halves`, `workload`, `at_end`; and `slow`, a factor for all delays
of a host. Disks are real files here, so that none can be filled; that is the process tier's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import trio

from simulations.checkers import Checker
from simulations.founding import Town
from simulations.metrics import Metrics
from simulations.network import Cut, Network
from simulations.workload import Workload
from simulations.world import LOOK, POLL, WARM_UP, Settings

from .clock import TaskTimeline
from .host import HttpHost
from .wires import Wires

NOTES_SECONDS = 15.0
"""A quorum takes a moment longer than one root."""


@dataclass(slots=True)
class SlowLinks(Network):
    """Links of which some are slower than drawn.

    Attributes:
        factors: by host, of every delay from it and to it.
    """

    factors: dict[str, float] = field(default_factory=dict)

    def carry(self, source: str, target: str, size: int) -> list[int]:
        """See `Network`."""
        factor = max(self.factors.get(source, 1.0), self.factors.get(target, 1.0))
        return [round(delay * factor) for delay in Network.carry(self, source, target, size)]


class HttpWorld:
    """See the module; attributes are those of `World`.

    Attributes:
        nursery: in which everything happens.
        wires: all connections.
    """

    def __init__(
        self, settings: Settings, nursery: trio.Nursery, folder: Path, *, checkers: Sequence[Checker], keep: int
    ) -> None:
        self.settings = settings
        self.nursery = nursery
        self.timeline = TaskTimeline(nursery, seed=settings.seed, keep=keep)
        self.random = self.timeline.stream("faults")
        names = [f"n{number:04}.example" for number in range(settings.nodes)]
        self.town = Town.found(
            seed=settings.seed,
            nodes=settings.nodes,
            authorities=settings.authorities,
            grants=settings.grants,
            signers=settings.signers,
            urls={name: f"http://{name}" for name in names},
        )
        self.network = SlowLinks(self.timeline.stream("network"), settings.seed, settings.links)
        self.wires = Wires(nursery, self.network, self.timeline.trace, lambda: self.timeline.now)
        self.is_healed = False
        self.healed_at: int | None = None
        self.converged_at: int | None = None
        self.has_faults = False
        self.extra: dict[str, float] = {}
        self._checkers = list(checkers)
        self._held_back: dict[str, None] = {}
        self._ending: list[Callable[[], None]] = []
        self._began = self.timeline.now
        self.hosts = [HttpHost(self, name, folder / name) for name in self.town.names]
        # People and figures ask of a world and its hosts what these have; a run of each scenario shows it.
        self.metrics = Metrics(cast(Any, self))
        self.workload = Workload(cast(Any, self))

    # --------------------------------------------------------------------------------------------------- look

    def host(self, name: str) -> HttpHost:
        """The host of that name."""
        return self.hosts[self.town.names.index(name)]

    @property
    def honest(self) -> list[HttpHost]:
        """All of them."""
        return self.hosts

    @property
    def queue_limit(self) -> int:
        """Statements that may wait for one peer."""
        return self.settings.gossip.urgent_ids + self.settings.gossip.normal_ids

    @property
    def seconds_in(self) -> float:
        """Seconds since faults began."""
        return (self.timeline.now - self.begins) / 1_000

    @property
    def begins(self) -> int:
        """When the phase of faults begins, ms since 1970."""
        return self._began + round(WARM_UP * 1_000)

    def roots(self) -> list[bytes]:
        """The different state roots of hosts that are up, sorted."""
        return sorted({host.engine.fold.state_root() for host in self.hosts if host.engine is not None})

    def halves(self) -> tuple[list[str], list[str]]:
        """Names, each second one on either side."""
        return list(self.town.names[::2]), list(self.town.names[1::2])

    def check(self, ask: Callable[[Checker], None]) -> None:
        """Lets every checker look."""
        for checker in self._checkers:
            ask(checker)

    # ----------------------------------------------------------------------------------------- what a scenario does

    def at(self, seconds: float, action: Callable[[], Any]) -> None:
        """See `World`."""

        def act() -> None:
            if not self.is_healed:
                action()

        self.timeline.at(self.begins + round(seconds * 1_000), act)

    def every(self, seconds: float, action: Callable[[], Any]) -> None:
        """See `World`."""
        for number in range(1, int(self.settings.seconds / seconds) + 1):
            self.at(number * seconds, action)

    def at_end(self, action: Callable[[], None]) -> None:
        """See `World`."""
        self._ending.append(action)

    def some(self, share: float) -> list[HttpHost]:
        """Some of the hosts, at least one."""
        return self.random.sample(self.hosts, max(1, round(share * len(self.hosts))))

    def cut(self, name: str, cut: Cut) -> None:
        """See `World`."""
        self._fault(f"cut {name}")
        self.network.cuts[name] = cut

    def uncut(self, name: str) -> None:
        """See `World`."""
        self._fault(f"uncut {name}")
        self.network.cuts.pop(name, None)

    def slow(self, host: HttpHost, *, factor: float) -> None:
        """Makes every delay from and to a host so many times as long."""
        self._fault(f"slow {host.name} {factor:g}")
        self.network.factors[host.name] = factor

    def crash(self, host: HttpHost, *, down: float = 5.0) -> None:
        """Takes a host down for so many seconds: half the time as a killed process, else as a loss of power."""
        if host.is_up:
            self._fault(f"crash {host.name}")
            host.crash(is_told=self.random.random() < 0.5)
            self.at(self.seconds_in + down, host.start)

    def set_clock(self, host: HttpHost, *, ahead: float) -> None:
        """Sets a wall clock so many seconds ahead of the others."""
        self._fault(f"clock {host.name}")
        host.set_clock(round(ahead * 1_000))

    def hold_back(self, host: HttpHost, *, until: float) -> None:
        """A host that starts only then, with nothing but the genesis."""
        self._fault(f"hold back {host.name}")
        self._held_back[host.name] = None
        self.at(until, host.start)

    # ------------------------------------------------------------------------------------------------------- run

    async def run(self, progress: Callable[[float], None]) -> None:
        """All phases. Raises a `Violation` at the first thing that does not hold."""
        await self._begin()
        ends = self.begins + round(self.settings.seconds * 1_000)
        while self.timeline.now < ends:
            await trio.sleep(min(LOOK, ends - self.timeline.now) / 1_000)
            self.check(lambda checker: checker.on_look(cast(Any, self)))
            progress(max(0.0, min(1.0, self.seconds_in / self.settings.seconds)))
        self._heal()
        with trio.move_on_after(self.settings.settle):
            while not self._has_converged():
                await trio.sleep(POLL / 1_000)
            self.converged_at = self.timeline.now
        if self.settings.signers:
            await trio.sleep(NOTES_SECONDS)
        for action in self._ending:
            action()
        self.check(lambda checker: checker.on_look(cast(Any, self)))
        self.check(lambda checker: checker.on_end(cast(Any, self)))

    async def _begin(self) -> None:
        """Founds every host, and starts them one after the other within a second."""
        for host in self.hosts:
            host.found(self.town.founding[:1] if host.name in self._held_back else self.town.founding)
        for host in self.hosts:
            if host.name not in self._held_back:
                host.start()
            await trio.sleep(1.0 / len(self.hosts))

    def _heal(self) -> None:
        """Ends every fault: links are whole, clocks are right, all hosts run."""
        self.is_healed = True
        self.healed_at = self.timeline.now
        clean = replace(self.network.settings, loss=0.0, duplication=0.0, reordering=0.0)
        self.has_faults = self.has_faults or clean != self.network.settings
        self.network.settings = clean
        self.network.cuts.clear()
        self.network.factors.clear()
        self._note("heal")
        for host in self.hosts:
            if host.clock.ahead:
                host.set_clock(0)
            if not host.is_up:
                host.start()

    def _has_converged(self) -> bool:
        if not self.workload.is_quiet:
            return False
        sizes = {-1 if host.engine is None else host.engine.size for host in self.hosts}
        return len(sizes) == 1 and -1 not in sizes and len(self.roots()) == 1

    def _fault(self, what: str) -> None:
        self.has_faults = True
        self._note(what)

    def _note(self, what: str) -> None:
        self.timeline.trace.note(self.timeline.now, "world", what)
