"""The base of checkers: a checker watches a run, and raises a `Violation` at the first broken rule."""

from collections.abc import Sequence

from accredit.node.engine import KeepNote
from accredit.node.engine.quorum_state import KeptNote
from accredit.registry.statement import Statement

from .facts import CheckedAnswer, Violation
from .ports import HostView, WorldView


class Checker:
    """Watches everything; this base finds no fault."""

    name = ""

    def on_start(self, world: WorldView, host: HostView) -> None:
        """A host loaded its disk."""

    def on_logged(self, world: WorldView, host: HostView, statements: Sequence[Statement]) -> None:
        """A host's disk has synced these."""

    def on_signed(self, world: WorldView, host: HostView, kept: KeepNote) -> None:
        """A host cosigns a state, and has kept what."""

    def on_noted(self, world: WorldView, host: HostView, kept: KeptNote) -> None:
        """A host sees a quorum stand by a state."""

    def on_answer(self, world: WorldView, answer: CheckedAnswer) -> None:
        """A verifier has checked an answer."""

    def on_look(self, world: WorldView) -> None:
        """A few seconds have passed."""

    def on_end(self, world: WorldView) -> None:
        """Faults have stopped, and time to recover is over."""

    def require(self, condition: bool, message: str) -> None:
        """Raises a `Violation` unless the condition holds."""
        if not condition:
            raise Violation(self.name, message)
