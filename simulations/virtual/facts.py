"""The events of a run, as used by its people, figures and checkers."""

from collections.abc import Callable
from dataclasses import dataclass

from accredit.registry.decision.query import Query
from accredit.registry.evidence.check import Checked
from accredit.registry.statement import Statement


class Violation(Exception):
    """A broken rule.

    Args:
        checker: the name of the checker that saw it.
        message: what happened, and where.
    """

    def __init__(self, checker: str, message: str) -> None:
        super().__init__(f"{checker}: {message}")
        self.checker = checker
        self.message = message


@dataclass(slots=True, kw_only=True)
class Saying:
    """A statement on its way.

    Attributes:
        said_at: when it was first submitted, ms since 1970.
        answered_at, answered_by: time and name of the node that answered that it is logged; None before.
        tries: number of submissions.
        told: called when the answer arrives.
    """

    statement: Statement
    is_urgent: bool
    said_at: int
    answered_at: int | None = None
    answered_by: str | None = None
    tries: int = 0
    told: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedAnswer:
    """An answer and the result of checking it; `time`: the verifier's clock, ms since 1970."""

    verifier: str
    host: str
    query: Query
    checked: Checked
    time: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Misconduct:
    """A key that contradicted itself, with both sides seen by honest nodes.

    Attributes:
        key: id of an authority's key; or the public log or state key of a node, 32 bytes each.
        ids: ids of the contradictory statements; empty if a node signed two checkpoints or notes.
        time: ms since 1970.
    """

    key: bytes
    ids: tuple[bytes, ...]
    time: int
