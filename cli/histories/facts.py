"""The parts of an accreditation history, whatever its source.

An *institution* had *spells* of accreditation by an *agency*, in a *programme* or as a whole; *steps* happened in them:
a renewal, a probation, a loss. A spell that ended and a later one are two, and never merged.
"""

from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from accredit.cli.importers.findings import ImportFinding
from accredit.registry.encoding.rfc3339 import about, day, next_period, parse

from .deeds import HistoryDeed

DAY: Final = 86_400
"""Seconds."""

EARLIEST: Final = parse("1600-01-01T00:00:00Z")
"""Dates before are typing errors; a mandate for a history reaches back as far."""

WHOLE: Final = "1"
"""The programme that means the institution as a whole, as DAPIP numbers it."""


class Dated(NamedTuple):
    """A date, seconds; `precision` is empty where the day is known, else `year` or `month`, which `time` begins."""

    time: int
    precision: str = ""

    @property
    def certain(self) -> int:
        """Return the first second at which the date has certainly come."""
        return self.time if not self.precision else next_period(self.time, self.precision) or self.time

    def __str__(self) -> str:
        return about(self.time, self.precision) if self.precision else day(self.time)


class SpellKey(NamedTuple):
    """Identifies a spell: institution, agency, programme, and a number among the spells of these three."""

    institution: str
    agency: str
    program: str
    number: str

    @property
    def text(self) -> str:
        """One word, as in `source_record`."""
        return "/".join(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    """Who accredits.

    Attributes:
        key: in the source.
        former_names: that its name carries.
    """

    key: str
    name: str
    former_names: tuple[str, ...] = ()
    where: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Institution:
    """Who is accredited.

    Attributes:
        key: in the source.
        identifiers: scheme and value, as an issuer's.
        web: its web site; empty if unknown.
        id: that the source gives it; empty where one is to be made.
        successor: key of the institution that took it over; empty if none is known.
    """

    key: str
    name: str
    identifiers: tuple[tuple[str, str], ...] = ()
    jurisdiction: str = ""
    web: str = ""
    sector: str = ""
    category: str = ""
    id: str = ""
    successor: str = ""
    where: str = ""


ACCREDITED: Final = "accredited"
CANDIDATE: Final = "candidate"
DENIED: Final = "denied"
STATUSES: Final = (ACCREDITED, CANDIDATE, DENIED)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistorySpell:
    """One spell of accreditation.

    Attributes:
        start: None for one that never began: an application that was denied.
        status: one of `STATUSES`; whether it is over follows from `end` alone.
        end: the first second at which it no longer stands; None while it is open.
        as_reported: the start as the source has it, where it is less exact than it looks.
    """

    key: SpellKey
    start: Dated | None
    status: str
    end: int | None = None
    review: int | None = None
    department: str = ""
    as_reported: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that happened in a spell.

    Attributes:
        said: the word of the source.
        level: of a sanction, or of the one that is lifted.
        clears: the source says that all earlier concerns have been met.
        until: when it ends by itself, seconds.
    """

    key: SpellKey
    date: int
    deed: HistoryDeed
    said: str
    level: str = ""
    reason: str = ""
    text: str = ""
    clears: bool = False
    until: int | None = None
    where: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryFinding:
    """A finding about a row.

    Attributes:
        where: file and line. about: whom the row is about.
        is_left_out: the row was not taken; otherwise it was, by the rule that the finding states.
    """

    where: str
    about: str
    finding: ImportFinding
    is_left_out: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A whole history.

    Attributes:
        source: short name of the source, as in `source_record`.
        snapshot: when the source was last brought up to date, seconds; it vouches for nothing later. None: it is kept
            up to date by whoever imports it.
        programs: key -> name.
        findings: rows that could not be read.
        rows: read in all.
    """

    source: str
    snapshot: int | None
    agencies: dict[str, Agency]
    institutions: dict[str, Institution]
    programs: dict[str, str]
    spells: list[HistorySpell]
    steps: list[Step]
    findings: list[HistoryFinding] = field(default_factory=list)
    rows: int = 0

    def of(self, institutions: set[str]) -> "History":
        """Return the part of the history that is about some institutions."""
        return replace(
            self,
            institutions={key: one for key, one in self.institutions.items() if key in institutions},
            spells=[one for one in self.spells if one.key.institution in institutions],
            steps=[one for one in self.steps if one.key.institution in institutions],
            findings=[],
        )
