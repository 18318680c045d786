"""Runs a whole ecosystem in virtual time: hosts, links, a workload, faults, and measurements.

    world = World(Settings(nodes=50, seed=7), checkers=all_checkers(Bounds()))
    world.workload.revocations(every=2)
    world.at(30, lambda: world.cut("halves", split(*world.halves())))
    world.run()

Its phases and the plans of scenarios are those of every `scene.Scene`; only this tier has adversaries, disks and
verifiers.
"""

import traceback
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Final

from accredit.node.engine import Engine
from accredit.node.engine.image import EngineImage
from accredit.registry.encoding.ed25519 import KeyPair

from .checker import Checker
from .ecosystem import Town
from .facts import Misconduct, Violation
from .flood_baseline import PlainPush
from .governance_workload import GovernanceWorkload
from .host import Conduct, Host
from .metrics import RunMetrics
from .physics.network import Network
from .physics.shared_list import SharedList
from .physics.timeline import Timeline
from .scene import Scene
from .settings import LOOK, POLL, Settings
from .verifier import Verifier, policy_of
from .workload import Workload

NOTE_CALM: Final = 45.0
"""Seconds until every node has a note of one root: a node that missed a cosignature is told of it again after 30 s
(`node.engine.notary.AGAIN`), and a turn takes 10 s."""


class World(Scene[Host]):
    """See the module. It has these attributes besides those of `Scene`.

    Attributes:
        founding, founding_ids: the beginning of every log: ids and whole encodings; ids only.
        plain: the plain push that accompanies our gossip, for comparison; may be None.
        verifiers: the relying parties that ask.
        misconduct: contradictions that a scenario made a key sign.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        checkers: Sequence[Checker] = (),
        keep: int = 40,
    ) -> None:
        self.timeline = Timeline(seed=settings.seed, keep=keep)
        town = Town.found(
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
        super().__init__(settings, self.timeline, town, self.network, checkers)
        self.plain: PlainPush | None = None
        self.verifiers: list[Verifier] = []
        self.misconduct: list[Misconduct] = []
        self.hosts = [Host(self, name, Conduct()) for name in self.town.names]
        self._by_name = {host.name: host for host in self.hosts}
        self.founding = tuple((each.id, each.raw) for each in self.town.founding)
        self.founding_ids = tuple(each.id for each in self.town.founding)
        for host in self.hosts:
            host.disk.entries, host.told = SharedList(self.founding), SharedList(self.founding_ids)
        self._recount()
        self.metrics = RunMetrics(self)
        self.workload = Workload(self)
        self.governing = GovernanceWorkload(self)

    # --------------------------------------------------------------------------------------------------- look

    def host(self, name: str) -> Host:
        """Return the host of that name; a member without a machine here has one that never runs."""
        if name not in self._by_name:
            self._by_name[name] = Host(self, name, Conduct())
        return self._by_name[name]

    @property
    def honest(self) -> list[Host]:
        """The hosts that follow the protocol."""
        return self._honest

    @cached_property
    def image(self) -> EngineImage:
        """Return the image of an engine that has loaded the founding; the other engines begin with it."""
        engine = Engine(
            ecosystem=self.town.ecosystem,
            name="founding",
            peer_signer=KeyPair(bytes(32)),
            state_signer=KeyPair(bytes(32)),
            random=Random(0),
        )
        engine.load(self.town.founding)
        engine.settle(now=self.timeline.now)
        return engine.image()

    # ----------------------------------------------------------------------------------------- what a scenario does

    def corrupt(self, share: float, conduct: Callable[[], Conduct]) -> list[Host]:
        """Make so large a share of all hosts adversaries; call it before the run begins.

        Signers are left out, and so are adversaries, because a second conduct would replace the first."""
        indexes = [
            index
            for index, host in enumerate(self.hosts)
            if host.name not in self.town.signers and host.conduct.is_honest
        ]
        chosen = sorted(self.random.sample(indexes, min(len(indexes), round(share * len(self.hosts)))))
        return self.turn([self.hosts[index] for index in chosen], conduct)

    def turn(self, hosts: Sequence[Host], conduct: Callable[[], Conduct]) -> list[Host]:
        """Make these hosts adversaries; call it before the run begins."""
        for host in hosts:
            host.conduct = conduct()
        self._recount()
        return list(hosts)

    def turn_crowd(self, conduct: Callable[[], Conduct]) -> list[Host]:
        """Make all nodes in few hands adversaries."""
        return self.turn([self.host(name) for name in self.settings.crowd.names(self.town.names)], conduct)

    def ask(self, verifiers: int, *, every: float, since: float = 0.0) -> None:
        """Make each relying party ask once in so many seconds from then on, until faults stop."""
        policy = policy_of(self)
        for number in range(verifiers):
            verifier = Verifier(self, f"verifier {number}", policy)
            self.verifiers.append(verifier)
            for turn in range(int((self.settings.seconds - since) / every)):
                self.at(since + (turn + number / verifiers) * every, verifier.ask)

    def crash(self, host: Host, *, down: float = 5.0) -> None:
        """Take a machine down for so many seconds."""
        if host.is_up:
            self._fault(f"crash {host.name}")
            host.crash()
            self.at(self.seconds_in + down, lambda: None if host.is_up else host.start())

    def fill_disk(self, host: Host, *, room_after: float) -> None:
        """Fill a disk and make it permanently slow; after so many seconds it has room again."""
        self._fault(f"fill {host.name}")
        host.disk.is_full, host.disk.slowness = True, 50

        def make_room() -> None:
            host.disk.is_full = False

        self.at(self.seconds_in + room_after, make_room)

    def slow_disk(self, host: Host, times: int) -> None:
        """Make every write of a disk take so many times as long."""
        self._fault(f"slow disk {host.name}")
        host.disk.slowness = times

    def firewall(self, host: Host) -> None:
        """Block all connections to a host permanently; call it before the run begins."""
        host.is_dialled = False

    def hold_back(self, host: Host, *, until: float) -> None:
        """See `Scene`."""
        host.disk.entries, host.told = SharedList(own=host.disk.entries[:1]), SharedList()
        super().hold_back(host, until=until)

    def require(self, condition: bool, message: str) -> None:
        """Raise a `Violation` unless a scenario's requirement holds."""
        if not condition:
            raise Violation("scenario", message)

    def post_note(self, source: str, target: str, data: bytes) -> None:
        """Send a cosigned note; nobody waits for its arrival."""
        host = self.host(target)
        for delay in self.network.carry(source, target, len(data)) if host.is_dialled else ():
            self.timeline.after(delay, lambda: host.receive_note(data))

    def deliver(self, source: str, target: str, data: bytes) -> None:
        """Send a frame of an adversary; nobody waits for the answer."""
        host = self.host(target)

        def arrive() -> None:
            if host.is_up and host.is_dialled and host.conduct.hears(host, data):
                host.receive_frame(data, lambda _: None)

        for delay in self.network.carry(source, target, len(data)):
            self.timeline.after(delay, arrive)

    # ------------------------------------------------------------------------------------------------------- run

    def run(self, progress: Callable[[float], None] | None = None) -> None:
        """Run all phases. Raises a `Violation` at the first failed check.

        Args:
            progress: called now and then with the progress of the phase of faults, from 0 to 1.
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
            if self.has_converged():
                self.converged_at = self.timeline.now
        calm = max(self.settings.calm, NOTE_CALM if self.settings.signers else 0.0)
        self.timeline.run(until=self.timeline.now + round(calm * 1_000))
        self._end()

    def _mend(self, host: Host) -> None:
        host.disk.is_full, host.disk.slowness = False, 1
        if host.clock_error:
            host.set_clock(0)

    def watch_misconduct(self) -> None:
        """Check now and then whether all honest nodes know the contradictions."""
        self.metrics.look_for_exposure()
        if self.misconduct and self.timeline.now < self.begins + round(self.settings.seconds * 1_000) + 60_000:
            self.timeline.after(POLL, self.watch_misconduct)

    def _starting(self, host: Host) -> Callable[[], None]:
        def start() -> None:
            host.conduct.begin(host)
            if host.name not in self._held_back:
                host.start()

        return start

    def _recount(self) -> None:
        self._honest = [host for host in self.hosts if host.is_honest]


def violation_of(error: Exception) -> Violation:
    """Return the error that stopped a run as a violation; a failed engine is one, too."""
    if isinstance(error, Violation):
        return error
    where = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(where.filename).name}, line {where.lineno}"
    return Violation("no_crash", f"{type(error).__name__} in {place}: {error}")
