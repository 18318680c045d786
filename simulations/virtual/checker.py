"""Defines the base of all checkers. A checker watches a run and raises a `Violation` at the first broken rule."""

from collections.abc import Sequence

from accredit.node.engine import KeepNote
from accredit.node.engine.quorum_state import KeptNote
from accredit.registry.statement import Statement

from .facts import CheckedAnswer, Violation
from .ports import HostView, WorldView


class Checker:
    """Watches a run; this base class never finds a fault."""

    name = ""

    def on_start(self, world: WorldView, host: HostView) -> None:
        """Take note that a host loaded its disk."""

    def on_logged(self, world: WorldView, host: HostView, statements: Sequence[Statement]) -> None:
        """Take note that a host's disk has synced these statements."""

    def on_signed(self, world: WorldView, host: HostView, kept: KeepNote) -> None:
        """Take note that a host cosigns a state, and of what it has stored."""

    def on_noted(self, world: WorldView, host: HostView, kept: KeptNote) -> None:
        """Take note that a host sees a quorum stand by a state."""

    def on_answer(self, world: WorldView, answer: CheckedAnswer) -> None:
        """Take note that a verifier has checked an answer."""

    def on_look(self, world: WorldView) -> None:
        """Take note that a few seconds have passed."""

    def on_end(self, world: WorldView) -> None:
        """Take note that faults have stopped, and that the time to recover is over."""

    def require(self, condition: bool, message: str) -> None:
        """Raise a `Violation` unless the condition holds."""
        if not condition:
            raise Violation(self.name, message)
