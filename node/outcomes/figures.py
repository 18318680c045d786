"""Totals of the public records: one count for the route, the command line and the explorer.

    figures = PublicFigures(now, approvals_of, constituency_of, told, since, dated)
    figures.add_issuer(record, accreditations); figures.add_framework(record); figures.add_mapping(record)
    figures.tables()["categories"]     -> {"community_college": 41, …}

Every record behind a count is public and can be looked up, so small counts are shown too.

* A duration runs from one stated time to another, and only decisions that state both are counted. A negative duration
  counts as zero, because an effect may be announced before it begins.
* A decision is *public* when this node first publishes that it is in effect, by its own clock. Decisions from before
  this node began to publish are counted separately, because an imported history does not show how fast anybody was.
* The yardstick is U.S. law for recognised accrediting agencies: they tell the public of adverse decisions within 24
  hours, and of others within 30 days (34 CFR 602.26). It reports apart that an institution gave its accreditation up or
  let it lapse (its paragraph (f)): that is nobody's decision against it, so it is none of the adverse ones here.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Final, NamedTuple

from accredit.registry.domain.accreditations import status_at, terms_at
from accredit.registry.domain.record_types import (
    AccreditationRecord,
    FrameworkRecord,
    IssuerRecord,
    MappingRecord,
    Sourced,
    StatedEvent,
    StatedTerms,
)
from accredit.registry.domain.records import met, standing
from accredit.registry.domain.vocabulary import (
    ISSUER_CATEGORIES,
    LEARNING_MODES,
    NARROWING_EVENTS,
    SECTORS,
    STATUSES,
    NewlyIssued,
    status_of_event,
    with_ancestors,
)
from accredit.registry.encoding import rfc3339

YARDSTICK: Final[Mapping[str, int]] = {"adverse": 24 * 3_600, "other": 30 * 86_400}
"""Seconds within which the public must be told of a decision: 34 CFR 602.26 (b) and (a)."""

_OWN_DOING: Final = ("withdrawn_voluntary", "expired")
"""Statuses that come from what the institution did or left undone: 34 CFR 602.26 (f) reports them apart."""

NO_ACCREDITATION: Final = "no_accreditation"
"""The status of an issuer that nobody has accredited."""

ALL: Final = "*"
"""The value of an axis of a scope that means everything."""

_FORMAL: Final = ("Degree", "Diploma")
GOOD: Final = (NewlyIssued.TRUSTED, NewlyIssued.ADVISORY)
_ROWS: Final[Mapping[str, Sequence[str]]] = {  # tables that show a word that occurs nowhere, too
    "categories": ISSUER_CATEGORIES,
    "sectors": SECTORS,
    "modes": LEARNING_MODES,
    "statuses": tuple(reversed(list(STATUSES))),
    "issuer_statuses": (*reversed(list(STATUSES)), NO_ACCREDITATION),
    "learning": ("degrees", "skills", "both", "unspecified"),
    "frameworks": ("published", "complete", "in_a_scope", "mapped"),
    "appeals": ("opened", "pending", "decided", "annulled"),
}


class Span(NamedTuple):
    """Durations of one kind: their number, and the most seconds that half and nine tenths of them took."""

    seen: int
    median: int
    ninety: int


class Promptness(NamedTuple):
    """How many decisions became public, and how many of them in time."""

    seen: int
    within: int


@dataclass(slots=True)
class PublicFigures:
    """A count in progress.

    Attributes:
        now: seconds since 1970; statuses are as of then.
        approvals_of: ids of the authorities that spoke for a grant, by its id.
        constituency_of: the sector that an authority represents, by its id; None if it is not known any more.
        told: when this node first published that a statement is in effect, seconds, by its id. since: when it began to
            publish.
        dated: the beginning that a statement itself states, seconds, by its id; the record may have a later one.
    """

    now: int
    approvals_of: Callable[[bytes], Iterable[str]]
    constituency_of: Callable[[str], str | None]
    told: Mapping[bytes, int]
    since: int | None
    dated: Callable[[bytes], int | None]
    issuers: int = 0
    earlier: int = 0
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    _accredited: set[str] = field(default_factory=set)
    _used: set[str] = field(default_factory=set)
    _mapped: set[str] = field(default_factory=set)
    _frameworks: set[str] = field(default_factory=set)
    _spans: dict[str, list[int]] = field(default_factory=dict)
    _public: dict[str, list[int]] = field(default_factory=dict)

    # ------------------------------------------------------------------------------------------------ counting

    def add_issuer(self, record: IssuerRecord, accreditations: Sequence[AccreditationRecord]) -> None:
        """Count an issuer, once under each word in its standing facts, and its accreditations."""
        words = words_of(record)
        self.issuers += 1
        for table, said in words.items():
            self._of(table).update(said)
        best = None
        for accreditation in accreditations:
            word = self._add_accreditation(accreditation)
            if best is None or STATUSES[word].rank > STATUSES[best].rank:
                best = word
        self._of("issuer_statuses")[best or NO_ACCREDITATION] += 1
        if best is not None and STATUSES[best].newly in GOOD:
            self._accredited |= words["categories"]

    def add_framework(self, record: FrameworkRecord) -> None:
        """Counts a framework that somebody has published."""
        self._frameworks.add(record["id"])
        self._of("frameworks")["published"] += 1
        if any(one["complete"] for one in record["stated"]):
            self._of("frameworks")["complete"] += 1

    def add_mapping(self, record: MappingRecord) -> None:
        """Note which frameworks a mapping connects, if it counts in decisions."""
        for one in record["stated"]:
            if one["withdrawn"] is None and one["usable_for_scope"]:
                self._mapped |= {one["source"]["framework"], one["target"]["framework"]}

    def _add_accreditation(self, record: AccreditationRecord) -> str:
        status = status_at(record, self.now, known=self.now)
        self._of("statuses")[status.word] += 1
        self._of("begun")[_year(record["terms"][0]["valid_from"])] += 1
        for by in self.approvals_of(record["id"]):
            self._of("approvals")[self.constituency_of(by) or "unknown"] += 1
        if STATUSES[status.word].newly in GOOD:
            terms = terms_at(record, self.now, known=self.now)
            if terms:
                self._of("learning")[learning_of(terms)] += 1
            self._used |= {framework for one in terms for framework in listed(one["scope"].get("frameworks"))}
        for one in record["terms"]:
            self._add_decision(one, "other")
        for event in record["events"]:
            self._add_event(event)
        self._add_appeals(record["events"])
        return status.word

    def _add_event(self, event: StatedEvent) -> None:
        if is_adverse(event):
            self._of("adverse")[_year(event["effective_from"])] += 1
            self._of("reasons")[event.get("reason_code", "not_given")] += 1
            if "detected_at" in event:
                self._took("detection_to_decision", met(event) - event["detected_at"])
            self._add_decision(event, "adverse")
        elif event["event"] != "appeal_open":
            self._add_decision(event, "other")

    def _add_decision(self, said: Sourced, kind: str) -> None:
        """Add the time from a decision's proposal to the decision, and from there to the public."""
        decided = met(said)
        if decided != said["iat"]:
            self._took("proposal_to_decision", decided - said["iat"])
        told = self.told.get(said["statement"])
        if told is None or self.since is None:
            return
        dated = self.dated(said["statement"])
        decided = decided if dated is None else min(decided, dated)
        if decided < self.since:
            self.earlier += 1
            return
        self._public.setdefault(kind, []).append(max(0, told - decided))
        self._took(f"{kind}_to_public", told - decided)

    def _add_appeals(self, events: Sequence[StatedEvent]) -> None:
        counts, took = self._of("appeals"), appeal_spans(events)
        counts["opened"] += len(took)
        counts["decided"] += sum(one is not None for one in took)
        counts["pending"] += sum(one is None for one in took)
        for seconds in took:
            if seconds is not None:
                self._took("appeal", seconds)
        adverse = {event["statement"] for event in events if is_adverse(event)}
        annulled = {id for event in events if event["event"] == "annul" for id in event["after"]}
        counts["annulled"] += len(adverse & annulled)

    def _of(self, table: str) -> Counter[str]:
        return self.counts.setdefault(table, Counter())

    def _took(self, what: str, seconds: int) -> None:
        self._spans.setdefault(what, []).append(max(0, seconds))

    # ------------------------------------------------------------------------------------------------ results

    def tables(self) -> dict[str, dict[str, int]]:
        """Return the counts by table, then by word; years and reasons have only rows that occur, in order."""
        frameworks = self._of("frameworks")
        frameworks["in_a_scope"] = len(self._frameworks & self._used)
        frameworks["mapped"] = len(self._frameworks & self._mapped)
        found = {name: {word: self._of(name)[word] for word in _ROWS[name]} for name in _ROWS}
        found["approvals"] = dict(self._of("approvals").most_common())
        found["begun"], found["adverse"] = _by_year(self._of("begun")), _by_year(self._of("adverse"))
        found["reasons"] = dict(self._of("reasons").most_common())
        return found

    def whole(self, table: str, counts: Mapping[str, int]) -> int | None:
        """Return the total behind the counts of a table, each item once; None for years."""
        if table in ("categories", "sectors", "modes"):
            return self.issuers
        if table in ("begun", "adverse"):
            return None
        first = {"frameworks": "published", "appeals": "opened"}.get(table)
        return sum(counts.values()) if first is None else counts[first]

    def spans(self) -> dict[str, Span]:
        """Return durations by name; names without data are left out."""
        return {name: _span(sorted(seconds)) for name, seconds in sorted(self._spans.items())}

    def promptness(self) -> dict[str, Promptness]:
        """Return how many decisions became public in time, by `adverse` and `other`."""
        return {
            kind: Promptness(len(found), sum(one <= most for one in found))
            for kind, most in YARDSTICK.items()
            for found in [self._public.get(kind, ())]
        }

    @property
    def accreditations(self) -> int:
        """How many accreditations were counted."""
        return self._of("statuses").total()

    def missing(self) -> list[str]:
        """Return the categories that no issuer is of."""
        return [word for word in ISSUER_CATEGORIES if not self._of("categories")[word]]

    def unaccredited(self) -> list[str]:
        """Return the categories that have issuers, none of which has an accreditation in force."""
        return [word for word in ISSUER_CATEGORIES if self._of("categories")[word] and word not in self._accredited]


def is_adverse(event: StatedEvent) -> bool:
    """Return whether an event is a decision against the institution, and not one of its own to give accreditation up
    or to let it lapse."""
    return event["event"] in NARROWING_EVENTS and status_of_event(event) not in _OWN_DOING


def appeal_spans(events: Iterable[StatedEvent]) -> list[int | None]:
    """Return for each appeal the seconds from its opening to the decision that names it; None if there is no
    decision."""
    events = list(events)
    decided: dict[bytes, int] = {}
    for event in events:
        if event["event"] == "appeal_decide":
            for id in event["after"]:
                decided[id] = min(event["effective_from"], decided.get(id, event["effective_from"]))
    return [
        max(0, decided[event["statement"]] - event["effective_from"]) if event["statement"] in decided else None
        for event in events
        if event["event"] == "appeal_open"
    ]


def words_of(record: IssuerRecord) -> dict[str, set[str]]:
    """Return the words in the standing facts of an issuer, each once: `categories`, `sectors`, `modes`."""
    facts = [fact["facts"] for fact in standing(record["stated"])]
    return {
        "categories": {word for one in facts for word in one.get("categories", ())},
        "sectors": {one["sector"] for one in facts if "sector" in one},
        "modes": {word for one in facts for word in one.get("learning_modes", ())},
    }


def learning_of(terms: Sequence[StatedTerms]) -> str:
    """Return whether terms are about degrees and school diplomas, about skills (anything else named), or both."""
    scopes = [one["scope"] for one in terms]
    types = {word for scope in scopes for word in listed(scope.get("achievement_types"))}
    formal = {word for word in types if any(above in _FORMAL for above in with_ancestors(word))}
    is_any = any(scope.get("achievement_types") == ALL for scope in scopes)
    names_skills = any(scope.get("competencies") or scope.get("frameworks") for scope in scopes)
    is_formal, is_skills = is_any or bool(formal), is_any or names_skills or bool(types - formal)
    if is_formal and is_skills:
        return "both"
    return "degrees" if is_formal else "skills" if is_skills else "unspecified"


def listed(axis: str | Sequence[str] | None) -> Sequence[str]:
    """What an axis names one by one."""
    return () if axis is None or isinstance(axis, str) else axis


def _span(seconds: Sequence[int]) -> Span:
    count = len(seconds)
    return Span(count, seconds[ceil(count * 0.5) - 1], seconds[ceil(count * 0.9) - 1])


def _year(seconds: int) -> str:
    return rfc3339.text(seconds)[:4]


def _by_year(counts: Counter[str]) -> dict[str, int]:
    """A row for each year from the first to the last."""
    if not counts:
        return {}
    return {f"{year:04}": counts[f"{year:04}"] for year in range(int(min(counts)), int(max(counts)) + 1)}
