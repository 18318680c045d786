"""A whole ecosystem in virtual time: hosts, links, a workload, faults, and what is measured about them.

    world = World(Settings(nodes=50, seed=7), checkers=all_checkers(Bounds()))
    world.workload.revocations(every=2)
    world.at(30, lambda: world.cut("halves", split(*world.halves())))
    world.run()

A run has four phases. *Warm-up*: hosts start and find their peers. *Faults*: the workload, and whatever a scenario has
planned (its times count from here). *Recovery*: `heal` ends every fault and starts every machine; adversaries stay what
they are, but do nothing of their own accord any more. It lasts until all honest nodes have one state root, or `settle`
seconds. *End*: checkers look at everything.
"""

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any, Final

from gossip.config import GossipConfig
from node.engine import TICK, Engine
from node.engine.image import Image
from registry.trust import MAX_AGE

from .byzantine import Conduct
from .checkers import Checker, Violation
from .founding import BUDGET, Crowd, Town
from .governing import Governing, Misconduct
from .host import Host
from .metrics import Metrics
from .network import Cut, LinkSettings, Network
from .plain import PlainPush
from .shared import Shared
from .timeline import Timeline
from .verifier import Verifier, policy_of
from .workload import Workload

WARM_UP: Final = 10.0
"""Seconds until every mesh stands: some heartbeats more than `GossipConfig.patience`."""

LOOK: Final = 5_000
"""How often checkers look around, ms."""

POLL: Final = 250
"""How often roots are compared while the world recovers, ms; so fine are the figures."""


NOTE_CALM: Final = 45.0
"""Seconds until everybody has a note of one root: whoever missed a cosignature is told of it again after 30 s
(`node.notary.AGAIN`), and a turn takes 10 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A world before it begins. Together with a scenario and this source code, all that a run depends on.

    Attributes:
        nodes: members.
        seed: draws everything.
        seconds: how long faults last, in virtual time.
        settle: seconds in which the world must recover.
        calm: seconds that pass after it has, before the end: what takes longer than one root is looked at then.
        authorities: that may speak.
        grants: accreditations at the start, to be revoked.
        signers: nodes that sign state notes, at most 16.
        tick: between two appends of a node, ms.
        budget: statements that each authority's key may make.
        policy_age: maximum age of a cosignature in verifiers' trust policies, seconds.
        checkpoints: whether nodes sign and show checkpoints of their logs; it costs time, and few scenarios need them.
        links: what links are like while faults last.
        gossip: the settings of every node's gossip.
        crowd: nodes in few hands.
        options: whatever else a scenario lets one choose, by name.
    """

    nodes: int = 20
    seed: int = 1
    seconds: float = 30.0
    settle: float = 60.0
    calm: float = 0.0
    authorities: int = 3
    grants: int = 20
    signers: int = 0
    tick: int = TICK
    budget: int = BUDGET
    policy_age: int = MAX_AGE
    checkpoints: bool = False
    links: LinkSettings = field(default_factory=LinkSettings)
    gossip: GossipConfig = field(default_factory=GossipConfig)
    crowd: Crowd = field(default_factory=Crowd)
    options: tuple[tuple[str, float], ...] = ()

    def option(self, name: str, default: float) -> float:
        """A scenario's own setting."""
        return dict(self.options).get(name, default)


class World:
    """See the module.

    Attributes:
        hosts: in the order of their names.
        founding, founding_ids: what every log begins with: ids and whole encodings; ids.
        is_healed, healed_at: whether faults have stopped, and when (ms since 1970).
        converged_at: when all honest nodes had one root after that; None before.
        has_faults: whether the end of faults changed anything.
        plain: the plain way beside ours, where somebody wants to compare.
        verifiers: relying parties that ask.
        misconduct: contradictions that a scenario had somebody sign.
        extra: figures of a scenario's own, for the report.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        checkers: Sequence[Checker] = (),
        keep: int = 40,
    ) -> None:
        self.settings = settings
        self.timeline = Timeline(seed=settings.seed, keep=keep)
        self.random = self.timeline.stream("faults")
        self.town = Town.found(
            seed=settings.seed,
            nodes=settings.nodes,
            authorities=settings.authorities,
            grants=settings.grants,
            signers=settings.signers,
            budget=settings.budget,
            crowd=settings.crowd,
        )
        self.network = Network(
            self.timeline.stream("network"), settings.seed, settings.links, clock=lambda: self.timeline.now
        )
        self.is_healed = False
        self.healed_at: int | None = None
        self.converged_at: int | None = None
        self.has_faults = False
        self.plain: PlainPush | None = None
        self.verifiers: list[Verifier] = []
        self.misconduct: list[Misconduct] = []
        self.extra: dict[str, float] = {}
        self._checkers = list(checkers)
        self._held_back: dict[str, None] = {}
        self._ending: list[Callable[[], None]] = []
        self.hosts = [Host(self, name, Conduct()) for name in self.town.names]
        self._by_name = {host.name: host for host in self.hosts}
        self.founding = tuple((each.id, each.raw) for each in self.town.founding)
        self.founding_ids = tuple(each.id for each in self.town.founding)
        for host in self.hosts:
            host.disk.entries, host.told = Shared(self.founding), Shared(self.founding_ids)
        self._recount()
        self.metrics = Metrics(self)
        self.workload = Workload(self)
        self.governing = Governing(self)

    # --------------------------------------------------------------------------------------------------- look

    def host(self, name: str) -> Host:
        """The host of that name; for a member that is no machine here, one that never runs."""
        if name not in self._by_name:
            self._by_name[name] = Host(self, name, Conduct())
        return self._by_name[name]

    @property
    def honest(self) -> list[Host]:
        """Those who follow the protocol."""
        return self._honest

    @cached_property
    def image(self) -> Image:
        """What an engine is that has loaded the founding; the others begin with it."""
        engine = Engine(
            ecosystem=self.town.ecosystem,
            name="founding",
            peer_seed=bytes(32),
            state_seed=bytes(32),
            random=Random(0),
        )
        engine.load(self.town.founding)
        engine.settle(now=self.timeline.now)
        return engine.image()

    def roots(self) -> list[bytes]:
        """The different state roots of honest nodes that are up, sorted."""
        return sorted({host.engine.fold.state_root() for host in self.honest if host.engine is not None})

    def halves(self) -> tuple[list[str], list[str]]:
        """Names, each second one on either side."""
        return list(self.town.names[::2]), list(self.town.names[1::2])

    @property
    def queue_limit(self) -> int:
        """Statements that may wait for one peer."""
        config = self.settings.gossip
        return config.urgent_ids + config.normal_ids

    def check(self, ask: Callable[[Checker], None]) -> None:
        """Lets every checker look."""
        for checker in self._checkers:
            ask(checker)

    # ----------------------------------------------------------------------------------------- what a scenario does

    def at(self, seconds: float, action: Callable[[], Any]) -> None:
        """Plans something, so many seconds into the phase of faults; nothing happens once it is over."""

        def act() -> None:
            if not self.is_healed:
                action()

        self.timeline.at(self.begins + round(seconds * 1_000), act)

    def every(self, seconds: float, action: Callable[[], Any]) -> None:
        """Plans something again and again, as long as faults last."""
        for number in range(1, int(self.settings.seconds / seconds) + 1):
            self.at(number * seconds, action)

    def corrupt(self, share: float, conduct: Callable[[], Conduct]) -> list[Host]:
        """Makes so large a share of all hosts adversaries, no signers among them; before the run begins."""
        indexes = [index for index, host in enumerate(self.hosts) if host.name not in self.town.signers]
        chosen = sorted(self.random.sample(indexes, min(len(indexes), round(share * len(self.hosts)))))
        return self.turn([self.hosts[index] for index in chosen], conduct)

    def turn(self, hosts: Sequence[Host], conduct: Callable[[], Conduct]) -> list[Host]:
        """Makes these hosts adversaries; before the run begins."""
        for host in hosts:
            host.conduct = conduct()
        self._recount()
        return list(hosts)

    def turn_crowd(self, conduct: Callable[[], Conduct]) -> list[Host]:
        """Makes all nodes in few hands adversaries."""
        return self.turn([self.host(name) for name in self.settings.crowd.names(self.town.names)], conduct)

    def ask(self, verifiers: int, *, every: float, since: float = 0.0) -> None:
        """Lets relying parties ask, each once in so many seconds from then on, until faults stop."""
        policy = policy_of(self)
        for number in range(verifiers):
            verifier = Verifier(self, f"verifier {number}", policy)
            self.verifiers.append(verifier)
            for turn in range(int((self.settings.seconds - since) / every)):
                self.at(since + (turn + number / verifiers) * every, verifier.ask)

    def cut(self, name: str, cut: Cut) -> None:
        """Cuts links until `uncut`, or until faults stop."""
        self._fault(f"cut {name}")
        self.network.cuts[name] = cut

    def uncut(self, name: str) -> None:
        """Ends a cut."""
        self._fault(f"uncut {name}")
        self.network.cuts.pop(name, None)

    def crash(self, host: Host, *, down: float = 5.0) -> None:
        """Takes a machine down for so many seconds."""
        if host.is_up:
            self._fault(f"crash {host.name}")
            host.crash()
            self.at(self.seconds_in + down, lambda: None if host.is_up else host.start())

    def fill_disk(self, host: Host, *, room_after: float) -> None:
        """A disk is full, and slow for good; after so many seconds it has room again."""
        self._fault(f"fill {host.name}")
        host.disk.is_full, host.disk.slowness = True, 50

        def make_room() -> None:
            host.disk.is_full = False

        self.at(self.seconds_in + room_after, make_room)

    def slow_disk(self, host: Host, times: int) -> None:
        """A disk that takes so many times as long for every write."""
        self._fault(f"slow disk {host.name}")
        host.disk.slowness = times

    def narrow(self, host: Host, *, rate: float) -> None:
        """A node's uplink carries so many bytes in a ms and no more."""
        self._fault(f"narrow {host.name}")
        self.network.uplinks[host.name] = rate

    def clog(self, host: Host, *, seconds: float) -> None:
        """What a node sends or is sent arrives only after so many seconds."""
        self._fault(f"clog {host.name}")
        self.network.clogs[host.name] = self.timeline.now + round(seconds * 1_000)

    def set_clock(self, host: Host, *, ahead: float) -> None:
        """Sets a wall clock so many seconds ahead of the others."""
        self._fault(f"clock {host.name}")
        host.set_clock(round(ahead * 1_000))

    def firewall(self, host: Host) -> None:
        """Nobody can connect to a host, for good; before the run begins."""
        host.is_dialled = False

    def hold_back(self, host: Host, *, until: float) -> None:
        """A host that starts only then, with nothing but the genesis; it must be named there."""
        self._fault(f"hold back {host.name}")
        host.disk.entries, host.told = Shared(own=host.disk.entries[:1]), Shared()
        self._held_back[host.name] = None
        self.at(until, host.start)

    def at_end(self, action: Callable[[], None]) -> None:
        """Before checkers look for the last time: where a scenario fills `extra`, or requires something of its own."""
        self._ending.append(action)

    def require(self, condition: bool, message: str) -> None:
        """Raises a `Violation` unless what a scenario requires holds."""
        if not condition:
            raise Violation("scenario", message)

    def some(self, share: float) -> list[Host]:
        """Some of the honest hosts, at least one."""
        return self.random.sample(self.honest, max(1, round(share * len(self.honest))))

    def post_note(self, source: str, target: str, data: bytes) -> None:
        """A cosigned note on its way; whether it gets there does not matter to anybody."""
        host = self.host(target)
        for delay in self.network.carry(source, target, len(data)) if host.is_dialled else ():
            self.timeline.after(delay, lambda: host.receive_note(data))

    def deliver(self, source: str, target: str, data: bytes) -> None:
        """A frame that an adversary sends by itself; nobody waits for the answer."""
        host = self.host(target)

        def arrive() -> None:
            if host.is_up and host.is_dialled and host.conduct.hears(host, data):
                host.receive_frame(data, lambda _: None)

        for delay in self.network.carry(source, target, len(data)):
            self.timeline.after(delay, arrive)

    @property
    def begins(self) -> int:
        """When the phase of faults begins, ms since 1970."""
        return self._started + round(WARM_UP * 1_000)

    @property
    def seconds_in(self) -> float:
        """Seconds since then."""
        return (self.timeline.now - self.begins) / 1_000

    # ------------------------------------------------------------------------------------------------------- run

    def run(self, progress: Callable[[float], None] | None = None) -> None:
        """All phases. Raises a `Violation` at the first thing that does not hold.

        Args:
            progress: told now and then how far the phase of faults is, from 0 to 1.
        """
        for number, host in enumerate(self.hosts):
            self.timeline.after(number * 1_000 // len(self.hosts), self._starting(host))
        ends = self.begins + round(self.settings.seconds * 1_000)
        while self.timeline.now < ends:
            self.timeline.run(until=min(ends, self.timeline.now + LOOK))
            self.check(lambda checker: checker.on_look(self))
            if progress is not None:
                progress(max(0.0, min(1.0, self.seconds_in / max(1.0, self.settings.seconds))))
        self.heal()
        until = self.timeline.now + round(self.settings.settle * 1_000)
        while self.converged_at is None and self.timeline.now < until:
            self.timeline.run(until=self.timeline.now + POLL)
            if self._has_converged():
                self.converged_at = self.timeline.now
        calm = max(self.settings.calm, NOTE_CALM if self.settings.signers else 0.0)
        self.timeline.run(until=self.timeline.now + round(calm * 1_000))
        for action in self._ending:
            action()
        self.check(lambda checker: checker.on_look(self))
        self.check(lambda checker: checker.on_end(self))

    def heal(self) -> None:
        """Ends every fault: links are whole, disks have room, clocks are right, all machines run."""
        self.metrics.on_heal()
        self.is_healed = True
        self.healed_at = self.timeline.now
        clean = replace(self.network.settings, loss=0.0, duplication=0.0, reordering=0.0)
        self.has_faults = self.has_faults or clean != self.network.settings
        self.network.settings = clean
        self.network.cuts.clear()
        self.network.uplinks.clear()
        self.network.clogs.clear()
        self._note("heal")
        for host in self.hosts:
            host.disk.is_full, host.disk.slowness = False, 1
            if host.clock_error:
                host.set_clock(0)
            if not host.is_up:
                host.start()

    def watch_misconduct(self) -> None:
        """Looks every now and then whether contradictions are known to all who are honest."""
        self.metrics.look_for_exposure()
        if self.misconduct and self.timeline.now < self.begins + round(self.settings.seconds * 1_000) + 60_000:
            self.timeline.after(POLL, self.watch_misconduct)

    def _has_converged(self) -> bool:
        if not self.workload.is_quiet:
            return False
        sizes = {host.engine.size if host.engine is not None else -1 for host in self.honest}
        return len(sizes) == 1 and -1 not in sizes and len(self.roots()) == 1

    def _starting(self, host: Host) -> Callable[[], None]:
        def start() -> None:
            host.conduct.begin(host)
            if host.name not in self._held_back:
                host.start()

        return start

    @property
    def _started(self) -> int:
        return self.timeline.now - self.timeline.elapsed

    def _recount(self) -> None:
        self._honest = [host for host in self.hosts if host.is_honest]

    def _fault(self, what: str) -> None:
        self.has_faults = True
        self._note(what)

    def _note(self, what: str) -> None:
        self.timeline.trace.note(self.timeline.now, "world", what)


def violation_of(error: Exception) -> Violation:
    """What stopped a run, as a violation: an engine that fails is one, too."""
    if isinstance(error, Violation):
        return error
    where = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(where.filename).name}, line {where.lineno}"
    return Violation("no_crash", f"{type(error).__name__} in {place}: {error}")
