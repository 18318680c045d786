"""What a checker is: it watches, and raises a `Violation` at the first thing that does not hold."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from accredit.node.engine import KeepNote
from accredit.node.engine.quorum_state import KeptNote
from accredit.registry.statement import Statement

if TYPE_CHECKING:
    from .host import Host
    from .verifier import CheckedAnswer
    from .world import World


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

    def on_signed(self, world: "World", host: "Host", kept: KeepNote) -> None:
        """A host cosigns a state, and has kept what."""

    def on_noted(self, world: "World", host: "Host", kept: KeptNote) -> None:
        """A host sees a quorum stand by a state."""

    def on_answer(self, world: "World", answer: "CheckedAnswer") -> None:
        """A verifier has checked an answer."""

    def on_look(self, world: "World") -> None:
        """A few seconds have passed."""

    def on_end(self, world: "World") -> None:
        """Faults have stopped, and time to recover is over."""

    def require(self, condition: bool, message: str) -> None:
        """Raises a `Violation` unless the condition holds."""
        if not condition:
            raise Violation(self.name, message)
