"""What must hold, apart from any scenario. A checker watches; the first thing that does not hold raises a `Violation`.

*At any time*
    valid_statements   no honest node logs anything but what an honest authority signed, byte for byte
    one_history        an honest node's log only grows: what it once told of is still there, in place, after any crash
    bounded            queues and waiting rooms stay within their limits

*Eventually*, after faults stop
    one_root           all honest nodes come to one state root, in time
    nothing_lost       what any honest node answered for is in every honest node's log

*At the end*
    records            the records of every honest node are what follows from its disk alone, in another order
    bounds             the figures a scenario promises
    quorum_notes       where there are signers: all honest nodes have a note with a quorum, of the one root
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from governance.fold import Fold
from registry.errors import AccreditError
from registry.statement import Statement, decode

if TYPE_CHECKING:
    from .host import Host
    from .world import World

_WAITING_MAX: Final = 1_000
"""Statements of unknown keys kept for each sender: `GossipConfig.waiting_statements`."""


_LOOKED_AT: Final = 20
"""Hosts whose queues are looked at each time, in turn."""


class Violation(Exception):
    """Something that must hold does not.

    Args:
        checker: which one saw it.
        message: what, where.
    """

    def __init__(self, checker: str, message: str) -> None:
        super().__init__(f"{checker}: {message}")
        self.checker = checker
        self.message = message


class Checker:
    """Sees everything; the base sees nothing wrong."""

    name = ""

    def on_start(self, world: "World", host: "Host") -> None:
        """A host loaded its disk."""

    def on_logged(self, world: "World", host: "Host", statements: Sequence[Statement]) -> None:
        """A host's disk has synced these."""

    def on_look(self, world: "World") -> None:
        """A few seconds have passed."""

    def on_end(self, world: "World") -> None:
        """Faults have stopped, and time to recover is over."""

    def require(self, condition: bool, message: str) -> None:
        """Raises a `Violation` unless the condition holds."""
        if not condition:
            raise Violation(self.name, message)


class ValidStatements(Checker):
    """See the module."""

    name = "valid_statements"

    def on_logged(self, world: "World", host: "Host", statements: Sequence[Statement]) -> None:
        """See `Checker`."""
        if host.is_honest:
            for each in statements:
                signed = world.town.signed.get(each.id)
                self.require(
                    signed is not None and signed.raw == each.raw, f"{host.name} logged {each}, which nobody signed"
                )


class OneHistory(Checker):
    """See the module."""

    name = "one_history"

    def on_start(self, world: "World", host: "Host") -> None:  # noqa: ARG002
        """See `Checker`."""
        self._compare(host)

    def on_end(self, world: "World") -> None:
        """See `Checker`."""
        for host in world.honest:
            self._compare(host)

    def _compare(self, host: "Host") -> None:
        if not host.is_honest:
            return
        stored = [id for id, _ in host.disk.entries]
        self.require(
            stored[: len(host.told)] == host.told,
            f"{host.name} told of {len(host.told)} entries, and its disk with {len(stored)} holds another history",
        )
        self.require(len(dict.fromkeys(stored)) == len(stored), f"{host.name} logged a statement twice")


class Bounded(Checker):
    """See the module."""

    name = "bounded"

    def __init__(self) -> None:
        self._looks = 0

    def on_look(self, world: "World") -> None:
        """See `Checker`."""
        self._looks += 1
        stride = max(1, len(world.honest) // _LOOKED_AT)
        for host in world.honest[self._looks % stride :: stride]:
            if host.engine is None:
                continue
            seen = host.engine.statistics()
            limit = _WAITING_MAX * (len(world.hosts) + 1)
            self.require(seen.waiting <= limit, f"{host.name} keeps {seen.waiting} statements of unknown keys")
            for peer in seen.peers:
                queued = world.queue_limit
                self.require(peer.queued <= queued, f"{host.name} queues {peer.queued} statements for {peer.name}")


class OneRoot(Checker):
    """See the module."""

    name = "one_root"

    def on_end(self, world: "World") -> None:
        """See `Checker`."""
        if world.converged_at is None:
            down = [host.name for host in world.honest if not host.is_up]
            waiting = sum(each.answered_at is None for each in world.workload.sayings.values())
            sizes = sorted({host.engine.size for host in world.honest if host.engine is not None})
            raise Violation(
                self.name,
                f"no single root {world.settings.settle} s after faults stopped: {len(world.roots())} roots, "
                f"logs of {sizes[:5]} entries, {len(down)} nodes down, {waiting} statements without an answer",
            )


class NothingLost(Checker):
    """See the module."""

    name = "nothing_lost"

    def on_end(self, world: "World") -> None:
        """See `Checker`."""
        for each in world.workload.sayings.values():
            if each.answered_at is None:
                continue
            lacking = [h.name for h in world.honest if h.engine is not None and each.statement.id not in h.engine]
            self.require(
                not lacking,
                f"{each.answered_by} answered for {each.statement}, and {len(lacking)} nodes lack it: {lacking[:3]}",
            )


class Records(Checker):
    """See the module."""

    name = "records"

    def on_end(self, world: "World") -> None:
        """See `Checker`."""
        derived: dict[bytes, bytes] = {}  # by the bytes on the disk, in whatever order: many nodes hold the same
        for host in world.honest:
            if host.engine is None:
                continue
            held = sha256(b"".join(sorted(id + raw for id, raw in host.disk.entries))).digest()
            if held not in derived:
                derived[held] = self._derive(world, host)
            self.require(
                derived[held] == host.engine.fold.state_root(),
                f"the state of {host.name} does not follow from the {len(host.disk.entries)} statements on its disk",
            )

    def _derive(self, world: "World", host: "Host") -> bytes:
        """From the bytes alone, in the order of ids, which no node has ever had."""
        fold = Fold(world.town.ecosystem)
        for id, raw in sorted(host.disk.entries):
            signed = world.town.signed[id]
            try:
                self.require(decode(raw).id == id and signed.raw == raw, f"{host.name}'s disk holds other bytes")
            except AccreditError as error:
                raise Violation(self.name, f"{host.name}'s disk holds what is no statement: {error}") from error
            fold.add(signed)
        fold.settle()
        return fold.state_root()


class QuorumNotes(Checker):
    """See the module."""

    name = "quorum_notes"

    def on_end(self, world: "World") -> None:
        """See `Checker`."""
        if not world.settings.signers:
            return
        for host in world.honest:
            if host.engine is not None:
                self.require(host.noted is not None, f"{host.name} has no note with a quorum")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a scenario promises; None: nothing. Times in ms from submission (or from the end of faults, if later).

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


class WithinBounds(Checker):
    """See the module."""

    name = "bounds"

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds

    def on_end(self, world: "World") -> None:
        """See `Checker`."""
        figures, bounds = world.metrics.figures(), self._bounds
        pairs: tuple[tuple[str, float | None, float | None], ...] = (
            ("urgent p99, ms", figures.urgent.p99, bounds.urgent_p99),
            ("urgent max, ms", figures.urgent.max, bounds.urgent_max),
            ("normal max, ms", figures.normal.max, bounds.normal_max),
            ("one root, ms", figures.one_root, bounds.one_root),
            ("redundant copies", figures.redundant, bounds.redundant),
        )
        for name, figure, limit in pairs:
            if limit is not None:
                self.require(figure is not None, f"there is no figure for: {name}")
                self.require(figure is not None and figure <= limit, f"{name}: {figure} is above {limit}")
        if bounds.urgent_share is not None:
            within, wanted = bounds.urgent_share
            share = world.metrics.share(within, urgent=True)
            self.require(share >= wanted, f"{share:.2%} of urgent deliveries within {within} ms; {wanted:.2%} asked")


def all_checkers(bounds: Bounds) -> list[Checker]:
    """Those that watch every run."""
    return [
        ValidStatements(),
        OneHistory(),
        Bounded(),
        OneRoot(),
        NothingLost(),
        Records(),
        QuorumNotes(),
        WithinBounds(bounds),
    ]
