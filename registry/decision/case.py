"""One question and the records that answer it, with everything that is read once and used for all accreditations."""

from collections.abc import Collection
from typing import NamedTuple

from ..domain.accreditations import publisher
from ..domain.record_types import AccreditationRecord, StatedFacts
from ..domain.records import Records, Voice, authority_in, is_ahead
from ..encoding.identifiers import CanonicalId
from .authority_chain import Chain, chain_of
from .issuer_keys import KeyAnswer
from .kept_answers import keep
from .notes import ChainNotes, ScopeAnswers, ScopeNotes, SharedNotes
from .query import Query


class Case(NamedTuple):
    """The facts and caches that all findings of one decision share.

    Attributes:
        time: the time asked about. now: the answerer's clock. Both in seconds; time is at most now.
        publishers: the voices whose facts the charter lets count for everybody.
        max_backdating: the charter's cap, seconds; None: no cap.
        mandates: the voices of the authority that was asked about; None where the whole ecosystem was.
        is_watched: what is read again must be read from `records` (`decide.Sitting`).
        is_plain: neither a key nor a commitment is asked about, and at most one mandate.
        chains, links, key_answers, scoped, scope_answers, shared: results kept because one authority may have made a
            hundred accreditations; the first two by voice, then by issuer, voice and publishers, for the terms judged
            last, by scope, and for the lone grant judged last.
    """

    query: Query
    records: Records
    time: int
    now: int
    publishers: Collection[Voice]
    max_backdating: int | None
    mandates: Collection[Voice] | None
    is_watched: bool
    is_plain: bool
    chains: dict[tuple[CanonicalId, bytes | None], Chain]
    links: dict[tuple[CanonicalId, bytes | None], ChainNotes]
    key_answers: dict[tuple[object, ...], KeyAnswer]
    scoped: list[ScopeNotes]
    scope_answers: ScopeAnswers
    shared: list[SharedNotes]

    def chain(self, voice: tuple[CanonicalId, bytes | None]) -> Chain:
        """The chain of an instance."""
        found = self.chains.get(voice)
        if found is None:
            found = keep(self.chains, voice, chain_of(self.records, *voice))
        elif self.is_watched:
            for link in found:
                authority_in(self.records, link.by)
        return found

    def said(self, stated: list[StatedFacts]) -> list[StatedFacts]:
        """Return the facts that are not dated ahead of the answerer's clock."""
        return [one for one in stated if not is_ahead(one, self.now)]

    @property
    def is_past(self) -> bool:
        return self.time < self.now


def publishers_of(case: Case, record: AccreditationRecord) -> Collection[Voice]:
    """Return the publishers whose facts count besides those of the chain: the charter's and the grant's."""
    named = record.get("publishers")
    return (*case.publishers, *map(publisher, named)) if named else case.publishers
