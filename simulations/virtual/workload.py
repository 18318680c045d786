"""Submits statements while the network fails, and tries again until a node confirms them.

A client submits at a node and waits for the answer. If the node goes down, has no room or is silent, the client goes to
another one. From the moment of the answer the statement must never be lost; `checkers.NothingLost` checks this."""

from collections.abc import Callable
from typing import Final

from accredit.governance.rules.rulebook import is_urgent
from accredit.node.engine import SubmissionResult
from accredit.registry.errors import InputError
from accredit.registry.statement import Statement

from .ecosystem import Pen
from .facts import Saying, Violation
from .ports import HostView, WorldView

RETRY_MS: Final = 2_000
"""How long a client waits before it goes to another node."""


class Workload:
    """All statements of a run, in order.

    Attributes:
        pens: of the authorities that speak here.
        sayings: by statement id.
        revoked: revocations, by the grant that they take away.
    """

    def __init__(self, world: WorldView) -> None:
        self._world = world
        self._random = world.timeline.stream("workload")
        self._issuers = 0
        self._grants = list(world.town.grants)
        self.pens = list(world.town.pens)
        self.revoked: dict[bytes, Saying] = {}
        self.sayings: dict[bytes, Saying] = {}

    @property
    def is_quiet(self) -> bool:
        """Return whether every statement has been answered."""
        return all(each.answered_at is not None for each in self.sayings.values())

    # ------------------------------------------------------------------------------------------------- one by one

    def register(self, at: HostView | None = None, *, told: Callable[[], None] | None = None) -> Saying:
        """Register a new issuer, a normal statement. `at` None: at any honest node. `told` is called at the answer."""
        self._issuers += 1
        issuer = f"https://new{self._issuers}.example/"
        body = {"id": issuer, "name": f"Issuer number {self._issuers}"}
        said = self._world.town.sign(
            self._random.choice(self.pens), "issuer.register", body, sub=issuer, time=self._time
        )
        return self.say(said, at, told)

    def revoke(self, at: HostView | None = None) -> Saying | None:
        """Revoke an accreditation, an urgent statement; return None if none is left."""
        if not self._grants:
            return None
        grant = self._grants.pop(0)
        body = {
            "accreditation": grant.id,
            "event": "revoke",
            "effective_from": self._time,
            "after": [],
            "reason_code": "standards_noncompliance",
        }
        authority = [pen.authority for pen in self._world.town.pens].index(grant.iss)
        said = self._world.town.says(authority, "accreditation.status", body, sub=grant.sub, time=self._time)
        self.revoked[grant.id] = self.say(said, at)
        return self.revoked[grant.id]

    def retire_pen(self) -> Pen:
        """Remove the last authority from the workload, because another party uses its key; return it."""
        pen = self.pens.pop()
        self._grants = [grant for grant in self._grants if grant.iss != pen.authority]
        return pen

    def revoke_all(self) -> int:
        """Revoke all remaining accreditations at once; return their number."""
        many = len(self._grants)
        for _ in range(many):
            self.revoke()
        return many

    # ---------------------------------------------------------------------------------------------------- streams

    def registrations(self, *, every: float, at: HostView | None = None) -> None:
        """Register a new issuer every so many seconds, until faults stop."""
        self._stream(every, lambda: self.register(at))

    def revocations(self, *, every: float, at: HostView | None = None) -> None:
        """Revoke an accreditation every so many seconds, until faults stop or none is left."""
        self._stream(every, lambda: self.revoke(at))

    def _stream(self, every: float, action: Callable[[], object]) -> None:
        def once() -> None:
            if not self._world.is_healed:
                action()
                self._world.timeline.after(self._jittered(every), once)

        self._world.at(self._jittered(every) / 1_000, once)

    def _jittered(self, seconds: float) -> int:
        return max(1, round(seconds * 1_000 * self._random.uniform(0.5, 1.5)))

    # ------------------------------------------------------------------------------------------------- the client

    def say(self, statement: Statement, at: HostView | None = None, told: Callable[[], None] | None = None) -> Saying:
        """Submit a signed statement at that node or any honest one, and repeat until a node answers."""
        now = self._world.timeline.now
        saying = Saying(statement=statement, is_urgent=is_urgent(statement), said_at=now, told=told)
        self.sayings[statement.id] = saying
        self._submit(saying, at)
        return saying

    def _submit(self, saying: Saying, at: HostView | None = None) -> None:
        host = at if at is not None and at.is_up else self._somebody()
        if host is None:
            self._later(saying)
            return
        saying.tries += 1
        host.submit((saying.statement.raw,), lambda results: self._answered(saying, host, results))

    def _answered(self, saying: Saying, host: HostView, results: tuple[SubmissionResult, ...] | None) -> None:
        result = None if results is None else results[0]
        if result is not None and result.status in ("logged", "known"):
            saying.answered_at = self._world.timeline.now
            saying.answered_by = host.name
            if saying.told is not None:
                saying.told()
        elif result is not None and isinstance(result.error, InputError):
            raise Violation("valid_statements", f"{host.name} refused a valid {saying.statement}: {result.error}")
        else:
            self._later(saying)

    def _later(self, saying: Saying) -> None:
        self._world.timeline.after(RETRY_MS, lambda: self._submit(saying))

    def _somebody(self) -> HostView | None:
        up = [host for host in self._world.honest if host.is_up]
        return self._random.choice(up) if up else None

    @property
    def _time(self) -> int:
        return self._world.timeline.now // 1_000
