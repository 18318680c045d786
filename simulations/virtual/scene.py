"""The scene of a scenario in virtual time: a town, its hosts and links, and their faults with times.

`world.World` plays it with engines on one heap of events, `http.world.HttpWorld` with whole nodes over HTTP. This
module has their common part: the plans of scenarios, faults of links and clocks and their end, and checkers.

A run has four phases. *Warm-up*: hosts start and find their peers. *Faults*: the workload, and whatever a scenario has
planned (its times count from here). *Recovery*: `heal` ends every fault and starts every machine; adversaries stay what
they are, but do nothing of their own accord any more. It lasts until all honest nodes have one state root, or `settle`
seconds. *End*: checkers look at everything.

It does not let time pass (`run` of these two does).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Generic, TypeVar

from .checker import Checker
from .ecosystem import Town
from .metrics import RunMetrics
from .physics.network import Cut, Network
from .physics.timeline import START
from .ports import HostView, Schedule
from .settings import WARM_UP, Settings
from .workload import Workload

H = TypeVar("H", bound=HostView)


class Scene(ABC, Generic[H]):
    """See the module.

    Attributes:
        hosts: in the order of their names.
        is_healed, healed_at: whether faults have stopped, and when (ms since 1970).
        converged_at: when all honest nodes had one root after the faults; None before.
        has_faults: whether the end of faults changed anything.
        extra: a scenario's own figures, for the report.
    """

    hosts: list[H]
    metrics: RunMetrics
    workload: Workload

    def __init__(
        self, settings: Settings, schedule: Schedule, town: Town, network: Network, checkers: Sequence[Checker]
    ) -> None:
        self.settings = settings
        self.random = schedule.stream("faults")
        self.town = town
        self.is_healed = False
        self.healed_at: int | None = None
        self.converged_at: int | None = None
        self.has_faults = False
        self.extra: dict[str, float] = {}
        self._schedule = schedule
        self._network = network
        self._checkers = list(checkers)
        self._held_back: dict[str, None] = {}
        self._ending: list[Callable[[], None]] = []

    # --------------------------------------------------------------------------------------------------- look

    @property
    @abstractmethod
    def honest(self) -> list[H]:
        """Return the hosts that follow the protocol."""

    @property
    def begins(self) -> int:
        """Return when the phase of faults begins, ms since 1970."""
        return START + round(WARM_UP * 1_000)

    @property
    def seconds_in(self) -> float:
        """Return the seconds since then."""
        return (self._schedule.now - self.begins) / 1_000

    @property
    def queue_limit(self) -> int:
        """Return the number of statements that may wait for one peer."""
        config = self.settings.gossip
        return config.urgent_ids + config.normal_ids

    def roots(self) -> list[bytes]:
        """Return the different state roots of honest nodes that are up, sorted."""
        return sorted({host.engine.fold.state_root() for host in self.honest if host.engine is not None})

    def halves(self) -> tuple[list[str], list[str]]:
        """Return two halves of the names, in alternation."""
        return list(self.town.names[::2]), list(self.town.names[1::2])

    def check(self, ask: Callable[[Checker], None]) -> None:
        """Run every checker."""
        for checker in self._checkers:
            ask(checker)

    def has_converged(self) -> bool:
        """Return whether nobody waits for an answer, and all honest nodes run, of equal size and with one root."""
        if not self.workload.is_quiet:
            return False
        sizes = {host.engine.size if host.engine is not None else -1 for host in self.honest}
        return len(sizes) == 1 and -1 not in sizes and len(self.roots()) == 1

    # ----------------------------------------------------------------------------------------- what a scenario does

    def at(self, seconds: float, action: Callable[[], Any]) -> None:
        """Plan an action some seconds into the phase of faults; it does not run after this phase."""

        def act() -> None:
            if not self.is_healed:
                action()

        self._schedule.at(self.begins + round(seconds * 1_000), act)

    def every(self, seconds: float, action: Callable[[], Any]) -> None:
        """Plan an action repeatedly, as long as faults last."""
        for number in range(1, int(self.settings.seconds / seconds) + 1):
            self.at(number * seconds, action)

    def at_end(self, action: Callable[[], None]) -> None:
        """Plan an action before the last run of the checkers, such as to fill `extra` or make a scenario's checks."""
        self._ending.append(action)

    def some(self, share: float) -> list[H]:
        """Return some of the honest hosts, at least one."""
        return self.random.sample(self.honest, max(1, round(share * len(self.honest))))

    def cut(self, name: str, cut: Cut) -> None:
        """Cut links until `uncut`, or until faults stop."""
        self._fault(f"cut {name}")
        self._network.cuts[name] = cut

    def uncut(self, name: str) -> None:
        """End a cut."""
        self._fault(f"uncut {name}")
        self._network.cuts.pop(name, None)

    def narrow(self, host: H, *, rate: float) -> None:
        """Limit a node's uplink to some bytes for each ms."""
        self._fault(f"narrow {host.name}")
        self._network.uplinks[host.name] = rate

    def clog(self, host: H, *, seconds: float) -> None:
        """Delay all messages from and to a node by some seconds."""
        self._fault(f"clog {host.name}")
        self._network.clogs[host.name] = self._schedule.now + round(seconds * 1_000)

    def set_clock(self, host: H, *, ahead: float) -> None:
        """Set a wall clock some seconds ahead of the others."""
        self._fault(f"clock {host.name}")
        host.set_clock(round(ahead * 1_000))

    def hold_back(self, host: H, *, until: float) -> None:
        """Start a host only at that time, with only the genesis, which must name it."""
        self._fault(f"hold back {host.name}")
        self._held_back[host.name] = None
        self.at(until, host.start)

    # -------------------------------------------------------------------------------------------- the end of faults

    def heal(self) -> None:
        """End every fault: mend all links and machines, and start all machines."""
        self.metrics.on_heal()
        self.is_healed = True
        self.healed_at = self._schedule.now
        network = self._network
        clean = replace(network.settings, loss=0.0, duplication=0.0, reordering=0.0)
        self.has_faults = self.has_faults or clean != network.settings
        network.settings = clean
        for faults in (network.cuts, network.uplinks, network.clogs):
            faults.clear()
        self._note("heal")
        for host in self.hosts:
            self._mend(host)
            if not host.is_up:
                host.start()

    @abstractmethod
    def _mend(self, host: H) -> None:
        """End the faults of a machine that runs, or will run in a moment."""

    def _end(self) -> None:
        """Run the actions that scenarios planned for the end, then the checkers for the last time."""
        for action in self._ending:
            action()
        self.check(lambda checker: checker.on_look(self))  # type: ignore[arg-type]  # they take either
        self.check(lambda checker: checker.on_end(self))  # type: ignore[arg-type]

    def _fault(self, what: str) -> None:
        self.has_faults = True
        self._note(what)

    def _note(self, what: str) -> None:
        self._schedule.trace.note(self._schedule.now, "world", what)
