"""Decides whose frameworks and mappings count when an accreditation is judged.

**Whose.** Terms are read with the frameworks and mappings of the authority that stated them, of those above it, and of
the publishers that the charter or the grant names; terms that several granted together, with those of the accreditor's
chain. A limit is read with those of an authority above the limited one, and of the charter's publishers: nobody widens
their own mandate, and no delegate widens what an authority above it has amended. That holds for mappings, and for what
a framework lists as an item, as narrower than another, or as its alias.

**When.** Each counts from its date until it was withdrawn. If only its own date shows that it was stated before its
author's mandate ended, it does not count.

A mapping extends what was granted, so it needs the approvals that a grant needs as well: an authority must have marked
it `usable_for_scope`, and at least as many must have agreed to it as to the terms, whatever the charter required when
it was published. If several granted together, as many of the charter's authorities may publish it as had to agree. If a
path has several steps, each is judged on its own.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from ..domain.ceiling import ceiling, inherited
from ..domain.frameworks import status_at
from ..domain.record_types import (
    AccreditationRecord,
    CompetencyEntry,
    CompetencyLink,
    NeededRule,
    StatedFramework,
    StatedTerms,
)
from ..domain.records import (
    Records,
    Voice,
    competency_in,
    end_of,
    framework_in,
    is_ahead,
    met,
    took_as_much,
    voice_of,
)
from ..domain.scope import HOPS_MAX, Axis, Links, Lookup, MappedStep, ScopeQuestion, covers
from ..encoding.identifiers import CanonicalId
from .authority_chain import Chain, counts


class Extent(NamedTuple):
    """A scope that must cover a question, and whose word on competencies counts for it.

    Attributes:
        chain, publishers: whose word counts. rules: how many had to agree to each mapping (`records.took_as_much`).
        is_joint: several authorities granted it together, so a mapping by as many of the charter's authorities counts.
    """

    scope: Mapping[str, Any]
    chain: Chain = ()
    publishers: Collection[Voice] = ()
    rules: Sequence[NeededRule | None] = ()
    is_joint: bool = False


def extents_of_terms(
    record: AccreditationRecord,
    terms: Sequence[StatedTerms],
    chain_of: Callable[[Voice], Chain],
    publishers: Collection[Voice],
    own: Collection[Voice],
) -> list[Extent]:
    """Return what terms grant, and the ceilings over their author: every one of these must cover a question.

    Args:
        publishers: those that the charter names. own: those, and the ones that the grant names.
    """
    extents: list[Extent] = []
    granted, by = record["terms"][0].get("rule"), voice_of(record)
    for one in terms:
        # If an authority above the accreditor amended the terms, its own mandate limits them, and nobody below extends
        # them.
        voice = voice_of(one)
        chain = chain_of(voice)
        scope: Mapping[str, Any] = one["scope"]
        rules = (granted, one.get("rule"))
        ceilings = extents_of_limits(chain, publishers, rules)
        if ceilings:
            for link in chain:
                if link.standing is not None and link.standing["limits"]:
                    scope = inherited(scope, link.standing["limits"])
        whose = own if voice == by else publishers
        extents += (Extent(scope, chain, whose, rules, granted is not None), *ceilings)
    return extents


def extents_of_limits(
    chain: Chain, publishers: Collection[Voice], rules: Sequence[NeededRule | None] = ()
) -> list[Extent]:
    """Return the ceilings that the limits of a chain's links set, the nearest first."""
    return [
        Extent(ceiling(link.standing["limits"]), chain[at + 1 :], publishers, rules)
        for at, link in enumerate(chain)
        if link.standing is not None and link.standing["limits"]
    ]


class Competencies:
    """The competencies and mappings that count for one accreditation, as of one time.

    Attributes:
        cited: the statements that published the frameworks consulted, and those that ended mappings which would have
            counted.
        dates: when what may count begins and ends, seconds.
    """

    __slots__ = ("_chain", "_entries", "_is_over", "_now", "_publishers", "_records", "_time", "cited", "dates")

    def __init__(
        self,
        records: Records,
        time: int,
        now: int,
        chain: Chain,
        publishers: Collection[Voice],
        is_over: Callable[[Voice], bool],
    ) -> None:
        """Nothing is read yet.

        Args:
            time: as of when. now: the reader's clock.
            publishers: the voices that count besides those of the chain.
            is_over: whether a voice's mandate has ended by now.
        """
        self._records = records
        self._time = time
        self._now = now
        self._chain = chain
        self._publishers = publishers
        self._is_over = is_over
        self._entries: dict[CanonicalId, list[CompetencyEntry]] = {}
        self.cited: list[bytes] = []
        self.dates: list[int] = []

    def covers(self, extent: Extent, question: ScopeQuestion) -> list[Axis]:
        """Return how an extent answers a question (`domain.scope.covers`)."""
        return covers(extent.scope, question, self._lookup(extent), self._links(extent))

    def _lookup(self, extent: Extent) -> Lookup:
        if extent.is_joint:
            return self._counted
        return lambda uri: [one for one in self._counted(uri) if counts(one, extent.chain, extent.publishers)]

    def _counted(self, uri: CanonicalId) -> Sequence[CompetencyEntry]:
        """Return a competency's entries in the frameworks that count for the accreditation."""
        found = self._entries.get(uri)
        if found is None:
            record = competency_in(self._records, uri)
            found = self._entries[uri] = (
                [one for one in record["in"] if self._counts(one)] if record is not None else []
            )
            self.cited += [one["statement"] for one in found]
        return found

    def _counts(self, entry: CompetencyEntry) -> bool:
        if not counts(entry, self._chain, self._publishers):
            return False
        framework = framework_in(self._records, entry["framework"])
        return framework is not None and any(
            stated["statement"] == entry["statement"] and self._is_in_force(stated) for stated in framework["stated"]
        )

    def _is_in_force(self, framework: StatedFramework) -> bool:
        if "unanchored" in framework and self._is_over(voice_of(framework)):
            return False
        if is_ahead(framework, self._now):
            self.dates.append(met(framework))
            return False
        return status_at(framework, self._time, known=self._now) != "withdrawn"

    def _links(self, extent: Extent) -> Links:
        def links(uri: CanonicalId) -> list[MappedStep]:
            record = competency_in(self._records, uri)
            return [
                _step(uri, link)
                for link in (() if record is None else record.get("links", ()))
                if self._extends(link, extent)
            ]

        return links

    def _extends(self, link: CompetencyLink, extent: Extent) -> bool:
        if "usable" not in link or (link["relation"] == "replaced_by" and "to" in link):
            return False
        voice = voice_of(link)
        if not counts(link, extent.chain, extent.publishers) and not (extent.is_joint and voice.via is None):
            return False
        if not all(took_as_much(link.get("rule"), rule) for rule in extent.rules):
            return False
        if "unanchored" in link and self._is_over(voice):
            return False
        self.dates.append(met(link))
        if "withdrawn" not in link:
            return met(link) <= self._time
        end = end_of(link["withdrawn"], self._now)
        self.dates.append(end)
        if end <= self._time:
            self.cited.append(link["withdrawn"]["statement"])
        return met(link) <= self._time < end


def read_around(records: Records, uri: CanonicalId) -> None:
    """Read every record, besides the issuer's, that any question about a competency may need, whatever the scopes are.

    A server that passes records on without knowing the question calls this; `records` remembers what was read.
    """
    level, seen = [uri], {uri}
    for hop in range(HOPS_MAX + 1):
        reached: list[CanonicalId] = []
        for item in level:
            _read_broader(records, item)
            for name in (item, *_items(records, item)) if hop < HOPS_MAX else ():
                record = competency_in(records, name)
                for link in () if record is None else record.get("links", ()):
                    other = _step(name, link).end
                    if "usable" in link and other not in seen:
                        seen.add(other)
                        reached.append(other)
        level = reached


def _items(records: Records, uri: CanonicalId) -> list[CanonicalId]:
    record = competency_in(records, uri)
    return [] if record is None else [entry["item"] for entry in record["in"]]


def _read_broader(records: Records, uri: CanonicalId) -> None:
    pending, seen = [uri], {uri}
    while pending:
        record = competency_in(records, pending.pop())
        for entry in () if record is None else record["in"]:
            framework_in(records, entry["framework"])
            new = [parent for parent in entry["parents"] if parent not in seen]
            seen.update(new)
            pending += new


def _step(uri: CanonicalId, link: CompetencyLink) -> MappedStep:
    is_forward = "to" in link
    other = link["to"] if is_forward else link["from"]
    return MappedStep(uri, other, link["relation"], is_forward, link["mapping"], link["statement"])


_WORDS: Final = {
    ("exact_match", True): "{start} is an exact match of {end}",
    ("exact_match", False): "{start} is an exact match of {end}",
    ("translation_of", True): "{start} is a translation of {end}",
    ("translation_of", False): "{end} is a translation of {start}",
    ("replaced_by", False): "{start} replaces {end}",
}


def words_of(step: MappedStep) -> str:
    """Return one step as a sentence."""
    said = _WORDS[step.relation, step.is_forward].format(start=step.start, end=step.end)
    return f"Covered through a mapping: {said} ({step.mapping})."
