"""The six shapes before a status or a verdict, so that readers need not distinguish them by colour."""

from typing import Final

from accredit.registry.decision.verdict import Verdict
from accredit.registry.domain.vocabulary import STATUSES, NewlyIssued

_OF_MEANING: Final = {
    NewlyIssued.TRUSTED: "good",
    NewlyIssued.ADVISORY: "note",
    NewlyIssued.LISTED_PROGRAMS: "note",
    NewlyIssued.SUSPENDED: "stop",
    NewlyIssued.NOT_TRUSTED: "bad",
}
_OF_VERDICT: Final = {
    Verdict.TRUSTED: "good",
    Verdict.TRUSTED_WITH_ADVISORY: "note",
    Verdict.TRUSTED_HISTORICAL: "past",
    Verdict.SUSPENDED: "stop",
    Verdict.NOT_TRUSTED: "bad",
    Verdict.INDETERMINATE: "open",
    Verdict.UNKNOWN_ISSUER: "open",
    Verdict.STALE_VIEW: "open",
}
_OF_EFFECT: Final = {"effective": "good", "waiting": "open", "annulled": "bad", "void": "bad", "ineffective": "bad"}

MARKS: Final[dict[str, str]] = {
    **{word: _OF_MEANING[row.newly] for word, row in STATUSES.items()},
    **{str(verdict): mark for verdict, mark in _OF_VERDICT.items()},
    **_OF_EFFECT,
    "not_yet": "open",
    "deprecated": "note",
    "in_force": "good",
    "ended": "past",
    "passed": "good",
    "failed": "bad",
    "self": "good",
    "in_step": "good",
    "lagging": "note",
    "failing": "stop",
    "distrusted": "bad",
    "cosigned": "good",
    "late": "note",
    "missing": "stop",
}
"""good: filled circle; note: triangle; stop: square; bad: cross; past: ring; open: diamond."""


def mark_of(word: str) -> str:
    """The shape for a status, a verdict or a state of a statement; a diamond for an unknown one."""
    return MARKS.get(word, "open")
