"""The parts of the world and its hosts that people, figures and checkers use, in both tiers of virtual time.

`world.World` with `host.Host`, and `http.world.HttpWorld` with `http.host.HttpHost`, implement these protocols; their
users need not know which.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Protocol

from accredit.node.engine import Engine, SubmissionResult
from accredit.node.engine.quorum_state import NotedMap
from accredit.registry.statement import Statement

from .ecosystem import Town
from .facts import Misconduct, Saying
from .physics.network import Network
from .physics.shared_list import SharedList
from .physics.timeline import Action, Trace
from .settings import Settings

Answer = Callable[[tuple[SubmissionResult, ...] | None], None]
"""Is called with the outcome of a submission; None: the node went down before it answered."""


class Schedule(Protocol):
    """Time that passes only on command: `timeline.Timeline`, `http.clock.TaskTimeline`."""

    trace: Trace

    @property
    def now(self) -> int: ...

    @property
    def elapsed(self) -> int: ...

    def stream(self, name: str) -> Random: ...

    def at(self, time: int, action: Action) -> None: ...

    def after(self, ms: int, action: Action) -> None: ...


class DiskView(Protocol):
    """The data that survive a crash: id and bytes of each entry of the log, in order."""

    @property
    def entries(self) -> SharedList[tuple[bytes, bytes]]: ...


class HostView(Protocol):
    """A node and its machine."""

    name: str

    @property
    def engine(self) -> Engine | None: ...

    @property
    def is_up(self) -> bool: ...

    @property
    def is_honest(self) -> bool: ...

    @property
    def noted(self) -> NotedMap | None: ...

    @property
    def disk(self) -> DiskView: ...

    @property
    def told(self) -> SharedList[bytes]: ...

    def start(self) -> None: ...

    def set_clock(self, ahead: int, /) -> None: ...

    def submit(self, raws: Sequence[bytes], answer: Answer, /) -> None: ...


class WorkloadView(Protocol):
    """The statements made, and a way to make more: `workload.Workload`."""

    sayings: dict[bytes, Saying]
    revoked: dict[bytes, Saying]

    def say(self, statement: Statement, at: Any = None) -> Saying: ...


class PlainView(Protocol):
    """The plain push, for comparison: `flood_baseline.PlainPush`."""

    def on_logged(self, host: Any, ids: Sequence[bytes], /) -> None: ...


class MetricsView(Protocol):
    """The measurements of a run: `metrics.RunMetrics`."""

    def counted_from(self, saying: Saying, time: int) -> int: ...

    def share(self, within: int, *, urgent: bool) -> float: ...

    def figures(self) -> Any: ...


class WorldView(Protocol):
    """All parts of a run."""

    settings: Settings
    town: Town
    is_healed: bool
    healed_at: int | None
    converged_at: int | None
    has_faults: bool

    @property
    def timeline(self) -> Schedule: ...

    @property
    def network(self) -> Network: ...

    @property
    def hosts(self) -> Sequence[HostView]: ...

    @property
    def honest(self) -> Sequence[HostView]: ...

    @property
    def plain(self) -> PlainView | None: ...

    @property
    def verifiers(self) -> Sequence[object]: ...

    @property
    def misconduct(self) -> Sequence[Misconduct]: ...

    @property
    def workload(self) -> WorkloadView: ...

    @property
    def metrics(self) -> MetricsView: ...

    @property
    def queue_limit(self) -> int: ...

    def host(self, name: str) -> HostView: ...

    def roots(self) -> list[bytes]: ...

    def at(self, seconds: float, action: Callable[[], Any]) -> None: ...


def mesh_of(host: HostView) -> list[str]:
    """Return the names of the peers in a host's mesh."""
    if host.engine is None:
        return []
    return host.engine.mesh()


def knows(engine: Engine, key: bytes) -> bool:
    """Return whether a node shows that a key contradicted itself: an authority's by alarms, a node's by conflicts."""
    if any(conflict.key.public == key for conflict in engine.conflicts):
        return True
    return any(key.hex()[:16] in alarm for alarm in engine.fold.alarms())
