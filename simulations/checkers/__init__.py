"""The checkers of rules that must hold in every scenario; `all_checkers` watch every run.

*At any time*: `valid_statements`, `one_history`, `bounded`, `not_shut_out`, `forks_bounded`, `one_note`, `noted_roots`,
`undeceived`, and `mesh` from above. *Eventually*, after faults stop: `one_root`, `nothing_lost`, `mesh`,
`quorum_notes`. *At the end*: `records`, `exposed`, `bounds`. Each is specified in the module where it stands.
"""

from accredit.simulations.virtual.checker import Checker
from accredit.simulations.virtual.facts import Violation

from .limits import Bounded, Bounds, ForksBounded, MeshWithinBounds, NotShutOut, WithinBounds
from .notes import NotedRoots, OneNote, QuorumNotes, Undeceived
from .statements import Exposed, NothingLost, OneHistory, OneRoot, RecordsRederived, ValidStatements

__all__ = (
    "Bounded",
    "Bounds",
    "Checker",
    "Exposed",
    "ForksBounded",
    "MeshWithinBounds",
    "NotShutOut",
    "NotedRoots",
    "NothingLost",
    "OneHistory",
    "OneNote",
    "OneRoot",
    "QuorumNotes",
    "RecordsRederived",
    "Undeceived",
    "ValidStatements",
    "Violation",
    "WithinBounds",
    "all_checkers",
)


def all_checkers(bounds: Bounds) -> list[Checker]:
    """Return the checkers that watch every run."""
    return [
        ValidStatements(),
        OneHistory(),
        Bounded(),
        MeshWithinBounds(),
        NotShutOut(),
        ForksBounded(),
        OneNote(),
        NotedRoots(),
        Undeceived(),
        OneRoot(),
        NothingLost(),
        RecordsRederived(),
        Exposed(),
        QuorumNotes(),
        WithinBounds(bounds),
    ]
