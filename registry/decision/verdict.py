"""The answer to a query: verdicts, reasons, and how several findings become one decision.

A *finding* is the answer that one accreditation (or one mandate of an authority) gives. The best finding decides; the
others are listed with their verdicts. Verdicts from best to worst: trusted, trusted_with_advisory, trusted_historical,
indeterminate, suspended, not_trusted. An unanswerable question ranks before a refusal, because the missing piece might
turn it into a yes. "Unknown" and "stale" never compete with other findings, so their order does not matter.

Reason codes are stable. Those of refusals end with `not_covered`, those of axes left open with `not_asked`; statuses
give `status_…` for the time asked about and `later_…` for what came after it.

All of these are tuples, not data classes: they are frozen too, and take a third of the time to make.
"""

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from ..encoding.identifiers import CanonicalId

if TYPE_CHECKING:  # whoever only reads an answer loads no records
    from .authority_chain import Chain


class Verdict(StrEnum):
    """The grade of an answer (design page on the domain)."""

    TRUSTED = "trusted"
    TRUSTED_WITH_ADVISORY = "trusted_with_advisory"
    TRUSTED_HISTORICAL = "trusted_historical"
    INDETERMINATE = "indeterminate"
    SUSPENDED = "suspended"
    NOT_TRUSTED = "not_trusted"
    UNKNOWN_ISSUER = "unknown_issuer"
    STALE_VIEW = "stale_view"


AUTHORIZED: Final = frozenset({Verdict.TRUSTED, Verdict.TRUSTED_WITH_ADVISORY, Verdict.TRUSTED_HISTORICAL})
RANK: Final = {verdict: rank for rank, verdict in enumerate(Verdict)}


class Reason(NamedTuple):
    """One reason: a stable snake_case code and a plain sentence."""

    code: str
    text: str


class Other(NamedTuple):
    """An accreditation that did not decide, and what it would have said."""

    accreditation: bytes
    verdict: Verdict
    code: str


class Finding(NamedTuple):
    """The answer that one accreditation or one mandate gives.

    Attributes:
        id: the accreditation; None for a mandate or a recognition.
        issuer: to whom the accreditation was granted; None likewise.
        dates: future times at which it may change, seconds.
        away: seconds from the time asked about to the nearest time at which it stood; 0 if it stood then. One that
            covers something else, or has not begun, counts as further away than any that has ended.
    """

    verdict: Verdict
    reasons: tuple[Reason, ...]
    id: bytes | None = None
    issuer: CanonicalId | None = None
    statements: tuple[bytes, ...] = ()
    chain: "Chain" = ()
    unchecked: tuple[str, ...] = ()
    dates: tuple[int, ...] = ()
    away: int = 0


class Decision(NamedTuple):
    """The answer to one query.

    Attributes:
        accreditations: ids it rests on.
        others: the other accreditations that were considered.
        statements: ids of the statements it rests on.
        chain: the authorities that answer for it, up to the charter's.
        unchecked: what the query did not ask or could not be checked: members of the query, or `type id` of a missing
            record.
        time_evaluated: the answerer's clock, seconds. time_requested: as asked, seconds; None for now.
        valid_until: the next known date at which the answer may change; a new statement may come first. Seconds.
        issuer: the id under which the entity is registered, where it was found (it may have been asked by an alias).
    """

    verdict: Verdict
    reasons: tuple[Reason, ...]
    time_evaluated: int
    time_requested: int | None = None
    accreditations: tuple[bytes, ...] = ()
    others: tuple[Other, ...] = ()
    statements: tuple[bytes, ...] = ()
    chain: tuple[tuple[str, bytes | None], ...] = ()
    unchecked: tuple[str, ...] = ()
    valid_until: int | None = None
    issuer: CanonicalId | None = None
    issuer_name: str | None = None

    @property
    def authorized(self) -> bool:
        """Return the answer as yes or no."""
        return self.verdict in AUTHORIZED


def order_of(finding: Finding) -> tuple[bool, int, int, int, bytes]:
    """Sort key: the best finding first; among equals the one that stood nearest in time (a question about 2019 should
    not be answered by what ended in 2006), then the one with the fewest reasons, then the lowest id.

    Of those that say yes the ones that checked the key come first, whatever their grade: else an authority that
    accredits an issuer and pins no key for it would take the word of one that does.
    """
    has_key = finding.verdict in AUTHORIZED and "key" not in finding.unchecked
    return not has_key, RANK[finding.verdict], finding.away, len(finding.reasons), finding.id or b""
