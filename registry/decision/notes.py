"""The notes that are taken while one accreditation or mandate is judged, and the finding that follows from them.

Notes on a chain, or on the scope of terms, hold for many accreditations, so they are taken once and then added to the
notes of each. `chain_notes` and `scope_notes` take them; `case` keeps them.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from ..domain.record_types import NeededRule
from ..domain.records import Voice
from ..domain.scope import AlikeScopes, Axis
from ..encoding.identifiers import CanonicalId
from ..encoding.rfc3339 import day
from .authority_chain import Chain
from .verdict import Finding, Reason, Verdict


class Notes:
    """The reasons and citations that accumulate while one accreditation or mandate is judged.

    Attributes:
        is_elsewhere: whether it covers something else than what is asked.
    """

    __slots__ = (
        "advisories",
        "dates",
        "gaps",
        "is_elsewhere",
        "later",
        "mapped",
        "proved",
        "refusals",
        "statements",
        "suspensions",
        "unchecked",
    )

    def __init__(self) -> None:
        """Start empty. The lists are written out because a decision makes one of these for each accreditation."""
        self.refusals: list[Reason] = []
        self.suspensions: list[Reason] = []
        self.gaps: list[Reason] = []
        self.later: list[Reason] = []
        self.advisories: list[Reason] = []
        self.mapped: list[Reason] = []
        self.proved: list[Reason] = []
        self.unchecked: list[str] = []
        self.statements: dict[bytes, None] = {}
        self.dates: list[int] = []
        self.is_elsewhere = False

    @property
    def only_cites(self) -> bool:
        """Return whether these are statements and dates alone."""
        return not (self.refusals or self.gaps or self.later or self.advisories or self.mapped or self.unchecked)

    def or_none(self) -> "Notes | None":
        """Return these notes on a chain or a scope; None if they are empty."""
        is_some = (
            self.refusals
            or self.gaps
            or self.later
            or self.advisories
            or self.mapped
            or self.unchecked
            or self.statements
            or self.dates
        )
        return self if is_some else None

    def take(self, other: "Notes") -> None:
        """Add the notes on a chain or a scope to these."""
        self.refusals += other.refusals
        self.gaps += other.gaps
        self.later += other.later
        self.advisories += other.advisories
        self.mapped += other.mapped
        self.unchecked += other.unchecked
        self.statements |= other.statements
        self.dates += other.dates
        self.is_elsewhere = self.is_elsewhere or other.is_elsewhere

    @property
    def against(self) -> tuple[Reason, ...]:
        """The reasons for which the answer is not yes."""
        return (*self.refusals, *self.suspensions, *self.gaps)

    def refuse(self, code: str, text: str) -> None:
        self.refusals.append(Reason(code=code, text=text))
        if code.endswith("_not_covered"):
            self.is_elsewhere = True

    def miss(self, code: str, text: str) -> None:
        self.gaps.append(Reason(code=code, text=text))

    def lose(self, code: str, text: str) -> None:
        self.later.append(Reason(code=code, text=text))

    def advise(self, code: str, text: str) -> None:
        self.advisories.append(Reason(code=code, text=text))

    def prove(self, existed: int) -> None:
        text = f"It existed by {day(existed)}, before anything that makes its date or its key doubtful."
        self.proved = [Reason(code="existence_proved", text=text)]

    def cite(self, statements: Sequence[bytes]) -> None:
        for statement in statements:
            self.statements[statement] = None

    def finding(
        self,
        positive: Callable[[], Reason],
        chain: Chain,
        now: int,
        *,
        id: bytes | None = None,
        issuer: CanonicalId | None = None,
        away: int = 0,
    ) -> Finding:
        """Return the finding that follows from everything noted.

        Args:
            positive: makes the first reason of a good finding.
        """
        if self.refusals or self.suspensions or self.gaps:
            reasons = self.against
            verdict = (
                Verdict.NOT_TRUSTED
                if self.refusals
                else Verdict.SUSPENDED
                if self.suspensions
                else Verdict.INDETERMINATE
            )
        else:
            reasons = (*self.later, positive(), *self.mapped, *self.proved, *self.advisories)
            verdict = (
                Verdict.TRUSTED_HISTORICAL
                if self.later
                else Verdict.TRUSTED_WITH_ADVISORY
                if self.advisories
                else Verdict.TRUSTED
            )
        return Finding(
            verdict,
            reasons,
            id,
            issuer,
            tuple(self.statements),
            chain,
            tuple(self.unchecked),
            tuple([date for date in self.dates if date > now]),
            away,
        )


class ChainNotes(NamedTuple):
    """Notes on a chain that hold for every accreditation made under it.

    Attributes:
        notes: None if the chain gives no reason to note anything.
        over: when its mandates ended, seconds; None if they are still valid.
        limits: the limits of every link that has limits, the nearest first.
        is_plain: it has no limits, still holds, and changes nothing about what is granted under it.
    """

    notes: Notes | None
    over: int | None
    limits: Sequence[Mapping[str, Any]]
    is_plain: bool


class SharedNotes(NamedTuple):
    """What the notes on a plain chain and on a scope come to: the same for all grants that have both.

    Attributes:
        links, scope: the notes themselves.
        against: the reasons for which the answer is not yes: `refusals`, then what is open. verdict: what they lead to.
        chain_cited, scope_cited: statements. dates: future ones, seconds.
    """

    links: ChainNotes
    scope: Notes | None
    refusals: tuple[Reason, ...]
    against: tuple[Reason, ...]
    verdict: Verdict
    advisories: tuple[Reason, ...]
    chain_cited: tuple[bytes, ...]
    scope_cited: tuple[bytes, ...]
    unchecked: tuple[str, ...]
    dates: tuple[int, ...]
    is_elsewhere: bool
    is_mapped: bool


def share_notes(links: ChainNotes, scope: Notes | None, now: int) -> SharedNotes:
    """Return what these notes come to; `now`: the answerer's clock, seconds."""
    chain, scope_notes = links.notes or _EMPTY, scope or _EMPTY
    refusals, gaps = tuple(scope_notes.refusals), tuple(scope_notes.gaps)
    return SharedNotes(
        links=links,
        scope=scope,
        refusals=refusals,
        against=(*refusals, *gaps),
        verdict=Verdict.NOT_TRUSTED if refusals else Verdict.INDETERMINATE,
        advisories=tuple(scope_notes.advisories),
        chain_cited=tuple(chain.statements),
        scope_cited=tuple(scope_notes.statements),
        unchecked=(*scope_notes.unchecked, "key"),
        dates=tuple([date for date in (*chain.dates, *scope_notes.dates) if date > now]),
        is_elsewhere=scope_notes.is_elsewhere,
        is_mapped=bool(scope_notes.mapped),
    )


_EMPTY: Final = Notes()


class ScopeNotes(NamedTuple):
    """Notes on terms, which hold for all terms that grant the same.

    Attributes:
        granted: what each of the terms grants. rule: the rule of the grant.
        notes: None if the terms cover the question without any remark.
    """

    granted: tuple[object, ...]
    rule: NeededRule | None
    chain: Chain
    publishers: Collection[Voice]
    notes: Notes | None


class ScopeAnswers:
    """The answers of scopes to a question that names no competency, for scopes that nothing limits.

    Attributes:
        scope, axes, is_enough, notes: the last scope, its answer on every axis, whether the question is precise enough
            for it, and the notes on it.
        alike: compares the next scopes; None before the second.
        by_answers: the notes, by whether the question is precise enough and the answer on every axis.
    """

    __slots__ = ("alike", "axes", "by_answers", "is_enough", "notes", "scope")

    def __init__(self) -> None:
        self.scope: Mapping[str, Any] | None = None
        self.axes: tuple[Axis, ...] | None = None
        self.is_enough = False
        self.alike: AlikeScopes | None = None
        self.notes: Notes | None = None
        self.by_answers: dict[tuple[bool, tuple[Axis, ...]], Notes | None] = {}
