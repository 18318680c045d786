"""The members of each type of record, as a TypedDict: `docs/records.cddl` for a type checker.

    issuer = issuer_in(records, id)
    issuer["stated"][0]["facts"]["name"]

`records.issuer_in` and its like read a record and give it its type. Times are seconds since
1970. A test compares each of these with its rule in the CDDL, member by member; another compares the records of
generated histories with the CDDL. Parts that are kept as a statement brought them have the types of `bodies`.
"""

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypedDict

from ..encoding.identifiers import CanonicalId
from .bodies import (
    AppliesTo,
    CharterRule,
    Condition,
    DelegationLimits,
    MappedFramework,
    MappingLink,
    NodePublicKeys,
    OtherIdentifier,
    PinnedKey,
    PublisherMandate,
    ScopeTerms,
    SourceRecord,
    SupportingDocument,
)

Record = Mapping[str, Any]
"""A record of any type, for code that stores, proves or sends records without reading their members."""


class VoiceMembers(TypedDict):
    """A `records.Voice`, as records hold it."""

    by: CanonicalId
    via: bytes | None


class Sourced(VoiceMembers):
    """Where a part of a record comes from: the voice, the statement and its time (`records.source`)."""

    statement: bytes
    iat: int
    met: NotRequired[int]
    unanchored: NotRequired[Literal[True]]


class TakesEffect(Sourced):
    """A part of a record that says from when it counts."""

    effective_from: int


class NeededRule(TypedDict):
    """How many of the charter's authorities had to agree, and how many of them of each constituency."""

    authorities: int
    constituencies: NotRequired[dict[str, int]]


class RuledPart(TypedDict):
    """A widening part, and how many had to agree to it; without the member, one voice was enough."""

    rule: NotRequired[NeededRule]


class EndStated(TypedDict):
    """The statement that ended a mapping, a recognition or a delegation, and from when it counts.

    `later`: it states a beginning later than its own date, so it does not count before, whatever its signer's clock.
    """

    statement: bytes
    effective_from: int
    later: NotRequired[Literal[True]]


# ------------------------------------------------------------------------------------------------ issuers


class IssuerFacts(TypedDict):
    """The facts in one statement about an issuer, without its keys."""

    id: CanonicalId
    name: str
    also_known_as: NotRequired[list[CanonicalId]]
    legal_name: NotRequired[str]
    url: NotRequired[str]
    image: NotRequired[str]
    categories: NotRequired[list[str]]
    sector: NotRequired[str]
    role: NotRequired[str]
    learning_modes: NotRequired[list[str]]
    jurisdictions: NotRequired[list[str]]
    identifiers: NotRequired[list[OtherIdentifier]]
    status_methods: NotRequired[list[str]]
    parent: NotRequired[CanonicalId]
    predecessors: NotRequired[list[CanonicalId]]
    custodian_for: NotRequired[list[CanonicalId]]
    outcomes_dataset: NotRequired[str]
    learner_contact: NotRequired[str]
    ext: NotRequired[Any]


class StatedFacts(Sourced):
    """The facts of one `issuer.register` or `issuer.update`."""

    facts: IssuerFacts
    after: list[bytes]


class KeyAdded(Sourced):
    """A key that an authority states to be the issuer's."""

    op: Literal["add"]
    key: PinnedKey
    kid: NotRequired[bytes]


class KeyEnded(Sourced):
    """The end of a key: the key `signer` signed it as number `seq` of its chain."""

    op: Literal["retire", "compromise"]
    key_id: str
    valid_until: NotRequired[int]
    compromised_since: NotRequired[int]
    reason_text: NotRequired[str]
    signer: bytes
    seq: int
    ext: NotRequired[Any]


class IssuerRecord(TypedDict):
    """An issuer. Each of `accreditations` is an id and the SHA-256 of its record."""

    id: CanonicalId
    stated: list[StatedFacts]
    keys: list[KeyAdded | KeyEnded]
    accreditations: list[list[bytes]]


class AliasRecord(TypedDict):
    """The issuers that somebody says are also known by an id."""

    id: CanonicalId
    issuers: list[CanonicalId]


# ------------------------------------------------------------------------------------------------ accreditations


class StatedTerms(TakesEffect, RuledPart):
    """The terms that a grant or an amendment states, and from when they count."""

    after: list[bytes]
    scope: ScopeTerms
    valid_from: int
    valid_from_precision: NotRequired[str]
    valid_until: NotRequired[int]
    initial_status: NotRequired[str]
    conditions: NotRequired[list[Condition]]
    review_due: NotRequired[int]
    policy: NotRequired[str]
    evidence: NotRequired[list[SupportingDocument]]
    source_record: NotRequired[SourceRecord]
    reason_text: NotRequired[str]
    ext: NotRequired[Any]


class StatedEvent(TakesEffect):
    """A status event of an accreditation."""

    event: str
    after: list[bytes]
    sanction_level: NotRequired[str]
    reason_code: NotRequired[str]
    reason_text: NotRequired[str]
    effective_until: NotRequired[int]
    void_from: NotRequired[int]
    applies_to: NotRequired[AppliesTo]
    successor: NotRequired[CanonicalId]
    detected_at: NotRequired[int]
    evidence: NotRequired[list[SupportingDocument]]
    ext: NotRequired[Any]


class AccreditationRecord(TypedDict):
    """An accreditation; its id is that of the grant, whose terms come first."""

    id: bytes
    issuer: CanonicalId
    by: CanonicalId
    via: bytes | None
    iat: int
    kind: str
    level: str
    publishers: NotRequired[list[CanonicalId | PublisherMandate]]
    terms: list[StatedTerms]
    events: list[StatedEvent]


# ------------------------------------------------------------------------------------------------ frameworks, mappings


class FrameworkEvent(TakesEffect):
    """A change of a framework's status."""

    status: str
    after: list[bytes]
    reason_text: NotRequired[str]
    ext: NotRequired[Any]


class StatedFramework(Sourced):
    """A framework as one authority published it. `complete`: the parts at hand give `items_root`."""

    title: str
    version: str
    format: str
    content_digest: bytes
    item_count: int
    items_root: bytes
    publisher: NotRequired[str]
    license: NotRequired[str]
    source_url: NotRequired[str]
    alias_patterns: NotRequired[list[str]]
    supersedes: NotRequired[bytes]
    complete: bool
    parts: list[int]
    events: list[FrameworkEvent]
    ext: NotRequired[Any]


class FrameworkRecord(TypedDict):
    """A framework."""

    id: CanonicalId
    stated: list[StatedFramework]


class CompetencyEntry(VoiceMembers):
    """A competency in one framework; `statement` published the framework, `item` is the competency's id there."""

    framework: CanonicalId
    statement: bytes
    item: CanonicalId
    parents: list[CanonicalId]
    code: NotRequired[str]
    label: NotRequired[str]


CompetencyLink = TypedDict(  # `from` is a keyword of Python, as `in` is below
    "CompetencyLink",
    {
        "by": CanonicalId,
        "via": bytes | None,
        "statement": bytes,
        "iat": int,
        "met": NotRequired[int],
        "unanchored": NotRequired[Literal[True]],
        "rule": NotRequired[NeededRule],
        "mapping": CanonicalId,
        "relation": str,
        "to": NotRequired[CanonicalId],
        "from": NotRequired[CanonicalId],
        "usable": NotRequired[Literal[True]],
        "withdrawn": NotRequired[EndStated],
    },
)
"""A link of a mapping in the record of the competency at one end; `to` or `from` names the other end.

`usable`: it may extend what an accreditation covers.
"""

CompetencyRecord = TypedDict(
    "CompetencyRecord",
    {"id": CanonicalId, "in": list[CompetencyEntry], "links": NotRequired[list[CompetencyLink]]},
)
"""A competency, by its id, an alias, or the id that a mapping links it by."""


class StatedMapping(Sourced, RuledPart):
    """A mapping as one authority published it."""

    title: str
    source: MappedFramework
    target: MappedFramework
    method: str
    usable_for_scope: bool
    links: list[MappingLink]
    publisher: NotRequired[str]
    license: NotRequired[str]
    source_url: NotRequired[str]
    content_digest: NotRequired[bytes]
    withdrawn: EndStated | None
    ext: NotRequired[Any]


class MappingRecord(TypedDict):
    """A mapping."""

    id: CanonicalId
    stated: list[StatedMapping]


# ------------------------------------------------------------------------------------------------ the ecosystem


class StatedRecognition(Sourced):
    """A recognition as it was granted."""

    name: str
    actions: list[str]
    ecosystem: NotRequired[bytes]
    url: NotRequired[str]
    valid_from: NotRequired[int]
    valid_until: NotRequired[int]
    withdrawn: EndStated | None
    ext: NotRequired[Any]


class RecognitionRecord(TypedDict):
    """Another ecosystem, or an authority of one, that this ecosystem recognises."""

    id: CanonicalId
    granted: list[StatedRecognition]


class CharterRecord(TypedDict):
    """The charter in force. `ecosystem` is its genesis, `statement` the genesis or amendment in force."""

    id: CanonicalId
    name: str
    ecosystem: bytes
    version: int
    statement: bytes
    fold: int
    authorities: list[CanonicalId]
    rules: dict[str, CharterRule]
    signers: list[str]
    publishers: list[CanonicalId]
    max_backdating: NotRequired[int]


class MandateKey(TypedDict):
    """A key that acts under a mandate; `since` introduced it, `last` is its last good statement if it is cut off."""

    key: bytes
    public: bytes
    since: bytes
    cut: bool
    last: bytes | None


class ContactLinks(TypedDict):
    """Where people find an authority."""

    url: NotRequired[str]
    contact: NotRequired[str]
    apply_url: NotRequired[str]
    appeal_url: NotRequired[str]


class MandateStanding(ContactLinks):
    """An authority under one mandate. The charter's (`via` null) has no parent, limits, actions or dates.

    `met`: when the delegation's rule was met, where that is after `valid_from`.
    """

    via: bytes | None
    parent: VoiceMembers | None
    name: str
    constituency: str
    actions: list[str] | None
    limits: DelegationLimits | None
    threshold: int
    keys: list[MandateKey]
    valid_from: NotRequired[int]
    valid_until: NotRequired[int]
    met: NotRequired[int]
    withdrawn: EndStated | None
    depth: int


class AuthorityRecord(TypedDict):
    """An authority, under each of its mandates."""

    id: CanonicalId
    standings: list[MandateStanding]


class NodeRecord(TypedDict):
    """A node; `statement` admitted it or changed its entry last, `retired` ended it."""

    name: str
    operator: str
    url: str
    keys: NodePublicKeys
    statement: bytes
    retired: bytes | None
