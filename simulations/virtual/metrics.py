"""The measurements of a run: how fast statements spread, the cost, and the time to heal.

Times are ms of virtual time. A *delivery* is a pair of a statement said during the run and an honest node that logged
it; its time counts from the submission, or from the end of faults if that came later than the submission and the node
was reached only after it (`since_heal`), so that a partition does not count against the network."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

from .facts import CheckedAnswer, Saying
from .ports import HostView, WorldView, knows, mesh_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The durations of deliveries, ms; None without deliveries.

    Attributes:
        statements, deliveries: their numbers.
        missing: deliveries that never happened.
    """

    statements: int
    deliveries: int
    missing: int
    p50: int | None
    p95: int | None
    p99: int | None
    max: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Extremes:
    """Values that must stay small, as measured in a run or promised by a scenario (`checkers.Bounds`); None: unknown.

    Attributes:
        surrounded: share of honest nodes that have only adversaries in their mesh when faults stop.
        hostile: share of adversaries in honest nodes' meshes when faults stop.
        offences: how often an honest node found that a peer breaks the rules, on average.
        failed: exchanges that failed, for each honest node and minute.
        frames: frames that the busiest honest node took in, each second.
        beyond: statements in the fullest honest log that only adversaries made.
        stale: seconds that an accreditation was revoked when a verifier last verified that it was not.
        exposed: ms from a contradiction to the last honest node that knows of it.
    """

    surrounded: float | None = None
    hostile: float | None = None
    offences: float | None = None
    failed: float | None = None
    frames: float | None = None
    beyond: int | None = None
    stale: int | None = None
    exposed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures(Extremes):
    """The numbers of a run; its `Extremes` are None if there is nothing to measure.

    Attributes:
        one_root: ms from the end of faults until all honest nodes had one root; None: they never did.
        redundant: copies of a statement received beyond the first, for each statement and node.
        messages, bytes: sent one way by all nodes, including answers.
        messages_per_node_second, bytes_per_node_second: of them.
        counters: sums over all honest nodes.
    """

    urgent: Spread
    normal: Spread
    one_root: int | None
    redundant: float | None
    messages: int
    bytes: int
    messages_per_node_second: float
    bytes_per_node_second: float
    notes: int
    counters: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """Return its members for a report."""
        return asdict(self)


class RunMetrics:
    """Collects measurements during a run."""

    def __init__(self, world: WorldView) -> None:
        self._world = world
        self._arrivals: dict[bytes, dict[str, int]] = {}
        self._notes = 0
        self._ages: list[int] = []
        self._exposed: dict[bytes, int] = {}
        self._meshes: tuple[float, float] | None = None
        self._gone: Counter[str] = Counter()  # what engines had counted before they crashed

    def on_logged(self, host: HostView, ids: Sequence[bytes]) -> None:
        """Note that a host's disk has synced these statements."""
        if self._world.plain is not None:
            self._world.plain.on_logged(host, ids)
        if host.is_honest:
            for id in ids:
                self._arrivals.setdefault(id, {}).setdefault(host.name, self._world.timeline.now)

    def on_noted(self, host: HostView) -> None:
        """Note that a host has a new note with a quorum."""
        if host.is_honest:
            self._notes += 1

    def on_answer(self, answer: CheckedAnswer, grant: bytes) -> None:
        """Note that a verifier has checked an answer about the holder of a grant."""
        checked, revocation = answer.checked, self._world.workload.revoked.get(grant)
        if checked.decision is None:
            return
        is_late = checked.decision.authorized and revocation is not None and revocation.answered_at is not None
        self._ages.append(answer.time - (revocation.answered_at or 0) if is_late and revocation is not None else 0)

    def on_heal(self) -> None:
        """Measure the meshes just before faults stop."""
        meshes = [mesh_of(host) for host in self._world.honest if host.is_up]
        if len(self._world.honest) < len(self._world.hosts) and any(meshes):
            hostile = [sum(not self._world.host(name).is_honest for name in mesh) for mesh in meshes]
            pairs = list(zip(meshes, hostile, strict=True))
            surrounded = sum(bad == len(mesh) > 0 for mesh, bad in pairs) / len(pairs)
            self._meshes = round(surrounded, 3), round(sum(hostile) / sum(map(len, meshes)), 3)

    def look_for_exposure(self) -> None:
        """Note since when every honest node that is up knows of a contradiction."""
        for each in self._world.misconduct:
            if each.key not in self._exposed:
                engines = [host.engine for host in self._world.honest if host.engine is not None]
                is_whole = len(engines) == len(self._world.honest)
                if is_whole and all(knows(engine, each.key) for engine in engines):
                    self._exposed[each.key] = self._world.timeline.now - each.time

    @property
    def ages(self) -> list[int]:
        """Return, sorted, for how many ms each verified answer had no longer been true."""
        return sorted(self._ages)

    def on_crash(self, host: HostView) -> None:
        """Add the counters of a host before its crash."""
        if host.engine is not None and host.is_honest:
            self._gone.update(host.engine.counters())

    def delays(self, *, urgent: bool) -> list[int]:
        """Return the delays of all deliveries, sorted."""
        return sorted(
            time - self.counted_from(saying, time)
            for id, saying in self._world.workload.sayings.items()
            if saying.is_urgent is urgent
            for time in self._arrivals.get(id, {}).values()
        )

    def counted_from(self, saying: Saying, time: int) -> int:
        """Return when the time of a delivery begins: at the submission, or at the end of faults if it came later."""
        healed = self._world.healed_at
        if healed is not None and time > healed and self._world.has_faults:
            return max(saying.said_at, healed)
        return saying.said_at

    def share(self, within: int, *, urgent: bool) -> float:
        """Return the share of all expected deliveries that took at most `within` ms."""
        delays = self.delays(urgent=urgent)
        wanted = self._wanted(urgent=urgent)
        return bisect_right(delays, within) / wanted if wanted else 1.0

    def _wanted(self, *, urgent: bool) -> int:
        return len(self._world.honest) * sum(each.is_urgent is urgent for each in self._world.workload.sayings.values())

    def spread(self, *, urgent: bool) -> Spread:
        """Return the durations of deliveries."""
        delays = self.delays(urgent=urgent)
        wanted = self._wanted(urgent=urgent)
        return Spread(
            statements=sum(each.is_urgent is urgent for each in self._world.workload.sayings.values()),
            deliveries=len(delays),
            missing=wanted - len(delays),
            p50=percentile(delays, 0.5),
            p95=percentile(delays, 0.95),
            p99=percentile(delays, 0.99),
            max=delays[-1] if delays else None,
        )

    def counters(self) -> Counter[str]:
        """Return the sums of all honest nodes' counters, including crashed ones."""
        total = self._gone.copy()
        for host in self._world.honest:
            if host.engine is not None:
                total.update(host.engine.counters())
        return total

    def _busiest(self) -> float:
        """Return the frames that the busiest honest node took in, each second."""
        taken = [host.engine.counters()["frames_received"] for host in self._world.honest if host.engine is not None]
        return round(max(taken, default=0) * 1_000 / max(1, self._world.timeline.elapsed), 1)

    def figures(self) -> Figures:
        """Return all figures."""
        world = self._world
        counters = self.counters()
        first = counters["statements_received"]
        node_seconds = len(world.hosts) * max(1, world.timeline.elapsed) / 1_000
        return Figures(
            urgent=self.spread(urgent=True),
            normal=self.spread(urgent=False),
            one_root=None if world.converged_at is None else world.converged_at - (world.healed_at or 0),
            redundant=round(counters["statements_again"] / first, 2) if first else None,
            messages=world.network.messages,
            bytes=world.network.bytes,
            messages_per_node_second=round(world.network.messages / node_seconds, 2),
            bytes_per_node_second=round(world.network.bytes / node_seconds),
            notes=self._notes,
            surrounded=None if self._meshes is None else self._meshes[0],
            hostile=None if self._meshes is None else self._meshes[1],
            offences=round(counters["offences"] / max(1, len(world.honest)), 2),
            failed=round(
                counters["exchanges_failed"] * 60_000 / (len(world.honest) * max(1, world.timeline.elapsed)), 2
            ),
            frames=self._busiest(),
            beyond=max((host.engine.size for host in world.honest if host.engine is not None), default=0)
            - len(world.town.founding)
            - len(world.workload.sayings),
            stale=None if not self._ages else max(self._ages) // 1_000,
            exposed=max(self._exposed.values()) if len(self._exposed) == len(world.misconduct) > 0 else None,
            counters=dict(sorted(counters.items())),
        )


def percentile(values: Sequence[int], share: float) -> int | None:
    """Return the smallest value that at least this share of the sorted values does not exceed; None without values."""
    if not values:
        return None
    return values[max(0, ceil(share * len(values)) - 1)]
