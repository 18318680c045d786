"""The chain of authorities from the author of a statement up to the charter, and whose facts count along it.

An authority *instance* is a `records.Voice`: an authority's id and the delegation it acts under, None for one that the
charter names. Two delegations to one body are two instances. Each `authority` record lists their standings:

    {id, standings: [{via, parent: {by, via} | null, name, constituency, actions | null, limits | null, …,
                      ?valid_from, ?valid_until, ?met, withdrawn: null | {statement, effective_from, ?later}}]}

**By mandate, not by name.** `mandates_of` says which instances an id alone stands for. If the charter names the id, it
stands for the charter's instance only, so that no delegation to the same id can speak for it; otherwise for each of its
delegations.
"""

from collections.abc import Collection
from typing import NamedTuple

from ..domain.record_types import AuthorityRecord, MandateStanding, VoiceMembers
from ..domain.records import AHEAD_MAX, Records, Voice, authority_in, voice_of
from ..encoding.identifiers import CanonicalId
from ..limits import DELEGATION_DEPTH


class Link(NamedTuple):
    """One instance on a chain; `standing` is None if the charter in force no longer makes it an authority."""

    by: CanonicalId
    via: bytes | None
    standing: MandateStanding | None

    @property
    def voice(self) -> Voice:
        """The instance."""
        return Voice(self.by, self.via)

    @property
    def name(self) -> str:
        """Return the name that its delegator or the charter gives it, else its id."""
        return self.by if self.standing is None else self.standing["name"]


Chain = tuple[Link, ...]
"""From the instance itself up to the charter's authority."""


def chain_of(records: Records, by: CanonicalId, via: bytes | None) -> Chain:
    """Return the chain of an instance; it ends early if a link is missing."""
    links: list[Link] = []
    # The bound (the charter's authority and the deepest delegation) also ends records that form a circle.
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
    """Return whether a fact (with `by` and `via`) counts: an authority of the chain or a publisher stated it."""
    voice = voice_of(said)
    return voice in publishers or any(link.voice == voice for link in chain)


def mandate_begins(standing: MandateStanding, now: int) -> int | None:
    """Return from when a mandate counts, seconds; None for the charter's own.

    Args:
        now: the reader's clock. A delegation that is dated ahead of it begins on its date.
    """
    said = standing.get("met")
    return said if said is not None and said > now + AHEAD_MAX else standing.get("valid_from")


def window(chain: Chain, now: int) -> tuple[int | None, int | None]:
    """Return from when and until when all delegations of a chain are valid; None at an end that nothing limits.

    Args:
        now: the reader's clock.
    """
    begins, ends = None, None
    for link in chain:
        if link.standing is not None:
            start, end = mandate_begins(link.standing, now), link.standing.get("valid_until")
            if start is not None and (begins is None or begins < start):
                begins = start
            if end is not None and (ends is None or end < ends):
                ends = end
    return begins, ends
