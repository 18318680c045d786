"""The chain of authorities from the author of a statement up to the charter, and whose facts count along it.

An authority *instance* is a `records.Voice`: an authority's id and the delegation it acts under, None for one that the
charter names. Two delegations to one body are two instances. Each `authority` record lists their standings:

    {id, standings: [{via, parent: {by, via} | null, name, constituency, actions | null, limits | null, …,
                      ?valid_from, ?valid_until, withdrawn: null | {statement, effective_from}}]}

**By mandate, not by name.** `mandates_of` says which instances an id alone stands for: where the charter names it, the
charter's own and no other, so that nobody's delegation to that id speaks for it; else each of its delegations.
"""

from collections.abc import Collection
from typing import NamedTuple

from ..domain.record_types import AuthorityRecord, MandateStanding, VoiceMembers
from ..domain.records import Records, Voice, authority_in, voice_of
from ..encoding.identifiers import CanonicalId
from ..limits import DELEGATION_DEPTH


class Link(NamedTuple):
    """One instance on a chain; `standing` is None where it is no longer an authority of the charter in force."""

    by: CanonicalId
    via: bytes | None
    standing: MandateStanding | None

    @property
    def voice(self) -> Voice:
        """The instance."""
        return Voice(self.by, self.via)

    @property
    def name(self) -> str:
        """As its delegator or the charter calls it, else its id."""
        return self.by if self.standing is None else self.standing["name"]


Chain = tuple[Link, ...]
"""From the instance itself up to the charter's authority."""


def chain_of(records: Records, by: CanonicalId, via: bytes | None) -> Chain:
    """The chain of an instance; it ends early where a link is missing."""
    links: list[Link] = []
    # The charter's own authority, then at most so many delegations: records that form a circle end here too.
    while len(links) <= DELEGATION_DEPTH:
        link = Link(by, via, _standing(records, by, via))
        links.append(link)
        parent = None if link.standing is None else link.standing["parent"]
        if parent is None:
            break
        by, via = parent["by"], parent["via"]
    return tuple(links)


def _standing(records: Records, by: CanonicalId, via: bytes | None) -> MandateStanding | None:
    record = authority_in(records, by)
    if record is not None:
        for standing in record["standings"]:
            if standing["via"] == via:
                return standing
    return None


def mandates_of(record: AuthorityRecord) -> list[Voice]:
    """The instances that an authority's id alone stands for, given its record; in the order of the record."""
    voices = [Voice(record["id"], standing["via"]) for standing in record["standings"]]
    own = Voice(record["id"], None)
    return [own] if own in voices else voices


def counts(said: VoiceMembers, chain: Chain, publishers: Collection[Voice]) -> bool:
    """Whether a fact (with `by` and `via`) counts: said by one of the chain, or by a publisher that was named."""
    voice = voice_of(said)
    return voice in publishers or any(link.voice == voice for link in chain)


def window(chain: Chain) -> tuple[int | None, int | None]:
    """From when and until when all delegations of a chain are valid; None where nothing limits it."""
    begins, ends = None, None
    for link in chain:
        if link.standing is not None:
            start, end = link.standing.get("valid_from"), link.standing.get("valid_until")
            if start is not None and (begins is None or begins < start):
                begins = start
            if end is not None and (ends is None or end < ends):
                ends = end
    return begins, ends
