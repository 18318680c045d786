"""Adversaries that send too little, or lie about themselves: silent, withholding, promising, lying, stalling."""

from dataclasses import replace
from hashlib import sha256
from random import Random
from typing import Final

from accredit.gossip.protocol.negentropy import Items, respond
from accredit.gossip.protocol.wire import Announce, Body, Push, Reconcile, Root
from accredit.governance.rules.rulebook import is_urgent
from accredit.registry.errors import AccreditError
from accredit.registry.statement import decode
from accredit.simulations.virtual.host import Conduct, Host

from .conduct import Adversary, Rewriter, decoded, repeat, send

_STALL_BYTES: Final = 4_096
"""Limit so small that a set of a few hundred items takes many rounds."""


class Silent(Adversary):
    """Accepts connections and never sends anything."""

    listens = False

    def says(self, data: bytes) -> bytes | None:  # noqa: ARG002
        """See `Conduct`; it never answers."""
        return None

    def tells(self, host: Host, peer: str, data: bytes) -> bytes | None:  # noqa: ARG002
        """See `Conduct`; it never sends."""
        return None

    def passes_on(self, *, urgent: bool) -> bool:  # noqa: ARG002
        """See `Conduct`; it never passes statements on."""
        return False


class Withholder(Rewriter):
    """Passes on all statements except urgent ones, so that nobody learns of a revocation from it."""

    def __init__(self) -> None:
        super().__init__()
        self._withheld: dict[bytes, None] = {}

    def rewrite(self, body: Body) -> Body | None:
        """Return the frame without urgent statements."""
        if isinstance(body, Push):
            return replace(body, statements=tuple(raw for raw in body.statements if not self._withholds(raw)))
        if isinstance(body, Announce):
            return replace(body, ids=tuple(id for id in body.ids if id not in self._withheld))
        return body

    def hears(self, host: Host, data: bytes) -> bool:
        """Learn from incoming statements as well which ones to withhold."""
        frame = decoded(data)
        if frame is not None and isinstance(frame.body, Push):
            for raw in frame.body.statements:
                self._withholds(raw)
        return super().hears(host, data)

    def passes_on(self, *, urgent: bool) -> bool:
        """See `Conduct`."""
        return not urgent

    def _withholds(self, raw: bytes) -> bool:
        try:
            statement = decode(raw)
            urgent = is_urgent(statement)
        except (AccreditError, KeyError):
            return False  # not a statement that any node accepts
        if urgent:
            self._withheld[statement.id] = None
        return urgent


class Promiser(Rewriter):
    """Delays statements: it announces them to every node but never delivers them, so that nobody asks elsewhere.

    It never pushes, and besides new statements it announces ids that it made up."""

    def __init__(self, every: int = 1_000) -> None:
        super().__init__()
        self._every = every

    def begin(self, host: Host) -> None:
        """See `Conduct`."""
        super().begin(host)

        def promise(random: "Random") -> None:
            made_up = sha256(f"{host.name} {host.clock}".encode()).digest()
            for name in host.world.town.names:
                if name != host.name:
                    send(host, name, Announce(ids=(made_up,)), random)

        repeat(host, self._every, promise)

    def rewrite(self, body: Body) -> Body | None:
        """Return a push, or an answer to a request, without the statements."""
        return replace(body, statements=()) if isinstance(body, Push) else body

    def passes_on(self, *, urgent: bool) -> bool:  # noqa: ARG002
        """See `Conduct`."""
        return False


class RootLiar(Rewriter):
    """Claims to hold a different set each time it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self._lies = 0

    def rewrite(self, body: Body) -> Body | None:
        """Return the frame with another root."""
        if not isinstance(body, Root):
            return body
        self._lies += 1
        return replace(body, root=sha256(f"lie {self._lies}".encode()).digest(), count=body.count + 1)


class Staller(RootLiar):
    """Draws others into endless reconciliations.

    Each reply has one small range of invented items, always unequal; sessions of its own are left open.
    """

    def __init__(self, every: int = 2_000) -> None:
        super().__init__()
        self._every = every
        self._made_up: Items | None = None

    def begin(self, host: Host) -> None:
        """See `Conduct`."""
        super().begin(host)
        now = host.clock // 1_000
        ids = [sha256(f"stall {host.name} {number}".encode()).digest() for number in range(500)]
        self._made_up = Items((now - number, id) for number, id in enumerate(ids))

        def open_another(random: "Random") -> None:
            others = [name for name in host.world.town.names if name != host.name]
            first = bytes([0x61, 0, 0, 2, 0])  # version 1; one range over all ids, which is empty
            body = Reconcile(
                session=random.randbytes(16), salt=random.randbytes(16), root=random.randbytes(32), message=first
            )
            send(host, random.choice(others), body, random)

        repeat(host, self._every, open_another)

    def rewrite(self, body: Body) -> Body | None:
        """Return an answer that matches no range and asks for another round."""
        if not isinstance(body, Reconcile) or self._made_up is None:
            return super().rewrite(body)
        self._lies += 1
        try:
            message = respond(self._made_up, bytes([0x61, 0, 0, 1]) + bytes(16), limit=_STALL_BYTES)
        except AccreditError:
            return body
        return replace(body, root=sha256(f"stall {self._lies}".encode()).digest(), message=message)


class Sleeper(Adversary):
    """Behaves honestly until faults have lasted a number of seconds, then changes its conduct.

    Args:
        conduct: its later conduct.
        seconds: time until then.
    """

    def __init__(self, conduct: Conduct, seconds: float) -> None:
        self._then = conduct
        self._seconds = seconds
        self._now = Conduct()

    def begin(self, host: Host) -> None:
        """See `Conduct`."""

        def strike() -> None:
            self._now = self._then
            self._then.begin(host)

        host.world.at(self._seconds, strike)

    def hears(self, host: Host, data: bytes) -> bool:
        """See `Conduct`."""
        return self._now.hears(host, data)

    def says(self, data: bytes) -> bytes | None:
        """See `Conduct`."""
        return self._now.says(data)

    def tells(self, host: Host, peer: str, data: bytes) -> bytes | None:
        """See `Conduct`."""
        return self._now.tells(host, peer, data)

    def passes_on(self, *, urgent: bool) -> bool:
        """See `Conduct`."""
        return self._now.passes_on(urgent=urgent)
