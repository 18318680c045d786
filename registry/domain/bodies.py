"""The body of each kind of statement, as a TypedDict. The body of a verified statement always has that type.

    body = cast(IssuerRegister, statement.body)      # of a statement that `governance.rulebook.check_body` has let pass
    body["name"]

The checks beside each kind's record (`issuers.check_register`, …) decide; these say the same to a type checker.
"""

# <!-- From here on made by `python3 dev.py docs`: change the code, not this text. -->

from typing import Any, NotRequired, TypedDict

from ..encoding.identifiers import CanonicalId


class NextKey(TypedDict):
    """A part of a body."""

    key: bytes
    budget: int
    ext: NotRequired[Any]


class NewKey(TypedDict):
    """A part of a body."""

    public: bytes
    budget: int
    next: NotRequired[NextKey]
    label: NotRequired[str]
    ext: NotRequired[Any]


class CharterAuthority(TypedDict):
    """A part of a body."""

    id: CanonicalId
    name: str
    constituency: str
    threshold: int
    keys: list[NewKey]
    url: NotRequired[str]
    contact: NotRequired[str]
    apply_url: NotRequired[str]
    appeal_url: NotRequired[str]
    ext: NotRequired[Any]


class CharterRule(TypedDict):
    """A part of a body."""

    authorities: NotRequired[int]
    fraction: NotRequired[str]
    majority: NotRequired[bool]
    constituencies: NotRequired[dict[str, int]]
    ext: NotRequired[Any]


class NodePublicKeys(TypedDict):
    """A part of a body."""

    peer: bytes
    log: bytes
    witness: bytes
    state: bytes
    ext: NotRequired[Any]


class CharterNode(TypedDict):
    """A part of a body."""

    name: str
    operator: str
    url: str
    keys: NodePublicKeys
    ext: NotRequired[Any]


class CharterGenesis(TypedDict):
    """The body of `charter.genesis`."""

    id: CanonicalId
    name: str
    fold: int
    authorities: list[CharterAuthority]
    rules: dict[str, CharterRule]
    nodes: list[CharterNode]
    signers: list[str]
    publishers: NotRequired[list[CanonicalId]]
    max_backdating: NotRequired[int]
    proposals_lapse: NotRequired[int]
    description: NotRequired[str]
    ext: NotRequired[Any]


class NamedHead(TypedDict):
    """A part of a body."""

    key: bytes
    id: bytes
    ext: NotRequired[Any]


class CharterAmend(TypedDict):
    """The body of `charter.amend`."""

    parent: bytes
    version: int
    charter: CharterGenesis
    heads: list[NamedHead]
    ext: NotRequired[Any]


class KeyAdd(TypedDict):
    """The body of `key.add`."""

    public: bytes
    budget: int
    next: NotRequired[NextKey]
    label: NotRequired[str]
    ext: NotRequired[Any]


class KeyRotate(TypedDict):
    """The body of `key.rotate`."""

    key: bytes
    last: bytes | None
    new: NewKey
    reason_text: NotRequired[str]
    refs: NotRequired[list[str]]
    ext: NotRequired[Any]


class KeyRetire(TypedDict):
    """The body of `key.retire`."""

    key: bytes
    last: bytes | None
    public: NotRequired[bytes]
    reason_text: NotRequired[str]
    refs: NotRequired[list[str]]
    ext: NotRequired[Any]


class KeyCompromise(TypedDict):
    """The body of `key.compromise`."""

    key: bytes
    last: bytes | None
    public: NotRequired[bytes]
    reason_text: NotRequired[str]
    refs: NotRequired[list[str]]
    ext: NotRequired[Any]


class ProgramOnAxis(TypedDict):
    """A part of a body."""

    id: str
    name: NotRequired[str]
    cip: NotRequired[str]
    soc: NotRequired[str]
    ext: NotRequired[Any]


class FieldOfStudy(TypedDict):
    """A part of a body."""

    scheme: str
    code: str
    ext: NotRequired[Any]


class LevelRange(TypedDict):
    """A part of a body."""

    scheme: str
    min: int
    max: int
    ext: NotRequired[Any]


class DelegationLimits(TypedDict):
    """A part of a body."""

    kinds: NotRequired[str | list[str]]
    categories: NotRequired[str | list[str]]
    credential_types: NotRequired[str | list[str]]
    achievement_types: NotRequired[str | list[str]]
    frameworks: NotRequired[str | list[CanonicalId]]
    competencies: NotRequired[str | list[CanonicalId]]
    inherit_to_narrower: NotRequired[bool]
    programs: NotRequired[str | list[ProgramOnAxis]]
    fields_of_study: NotRequired[str | list[FieldOfStudy]]
    levels: NotRequired[str | list[LevelRange]]
    jurisdictions: NotRequired[str | list[str]]
    delivery_modes: NotRequired[str | list[str]]
    max_depth: NotRequired[int]
    max_validity: NotRequired[int]
    ext: NotRequired[Any]


class AuthorityDelegate(TypedDict):
    """The body of `authority.delegate`."""

    delegate: CanonicalId
    name: str
    constituency: str
    actions: list[str]
    limits: DelegationLimits
    keys: list[NewKey]
    threshold: int
    valid_from: int
    valid_until: NotRequired[int]
    url: NotRequired[str]
    contact: NotRequired[str]
    apply_url: NotRequired[str]
    appeal_url: NotRequired[str]
    ext: NotRequired[Any]


class AuthorityWithdraw(TypedDict):
    """The body of `authority.withdraw`."""

    delegation: bytes
    heads: list[NamedHead]
    effective_from: int
    reason_text: NotRequired[str]
    refs: NotRequired[list[str]]
    ext: NotRequired[Any]


class NodeAdmit(TypedDict):
    """The body of `node.admit`."""

    name: str
    operator: str
    url: str
    keys: NodePublicKeys
    ext: NotRequired[Any]


class NodeReplace(TypedDict):
    """The body of `node.replace`."""

    name: str
    operator: str
    url: str
    keys: NodePublicKeys
    replaces: bytes
    reason_text: NotRequired[str]
    refs: NotRequired[list[str]]
    ext: NotRequired[Any]


class NodeRetire(TypedDict):
    """The body of `node.retire`."""

    name: str
    reason_text: NotRequired[str]
    refs: NotRequired[list[str]]
    ext: NotRequired[Any]


class OtherIdentifier(TypedDict):
    """A part of a body."""

    scheme: str
    value: str
    ext: NotRequired[Any]


class PinnedKey(TypedDict):
    """A part of a body."""

    id: str
    public_key_multibase: NotRequired[str]
    jwk: NotRequired[dict[str, str | list[str]]]
    valid_from: NotRequired[int]
    valid_until: NotRequired[int]
    budget: NotRequired[int]
    ext: NotRequired[Any]


class IssuerRegister(TypedDict):
    """The body of `issuer.register`."""

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
    keys: NotRequired[list[PinnedKey]]
    status_methods: NotRequired[list[str]]
    parent: NotRequired[CanonicalId]
    predecessors: NotRequired[list[CanonicalId]]
    custodian_for: NotRequired[list[CanonicalId]]
    outcomes_dataset: NotRequired[str]
    learner_contact: NotRequired[str]
    ext: NotRequired[Any]


class IssuerUpdate(TypedDict):
    """The body of `issuer.update`."""

    id: CanonicalId
    name: str
    after: list[bytes]
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
    keys: NotRequired[list[PinnedKey]]
    status_methods: NotRequired[list[str]]
    parent: NotRequired[CanonicalId]
    predecessors: NotRequired[list[CanonicalId]]
    custodian_for: NotRequired[list[CanonicalId]]
    outcomes_dataset: NotRequired[str]
    learner_contact: NotRequired[str]
    ext: NotRequired[Any]


class IssuerKey(TypedDict):
    """The body of `issuer.key`."""

    issuer: CanonicalId
    op: str
    key: NotRequired[PinnedKey]
    key_id: NotRequired[str]
    valid_until: NotRequired[int]
    compromised_since: NotRequired[int]
    reason_text: NotRequired[str]
    ext: NotRequired[Any]


class IssuanceCommit(TypedDict):
    """The body of `issuance.commit`."""

    issuer: CanonicalId
    period_from: int
    period_until: int
    root: bytes
    size_exponent: int
    algorithm: str
    ext: NotRequired[Any]


class ScopeTerms(TypedDict):
    """A part of a body."""

    credential_types: NotRequired[str | list[str]]
    achievement_types: NotRequired[str | list[str]]
    frameworks: NotRequired[str | list[CanonicalId]]
    competencies: NotRequired[str | list[CanonicalId]]
    inherit_to_narrower: NotRequired[bool]
    programs: NotRequired[str | list[ProgramOnAxis]]
    fields_of_study: NotRequired[str | list[FieldOfStudy]]
    levels: NotRequired[str | list[LevelRange]]
    jurisdictions: NotRequired[str | list[str]]
    delivery_modes: NotRequired[str | list[str]]
    ext: NotRequired[Any]


class Condition(TypedDict):
    """A part of a body."""

    text: str
    code: NotRequired[str]
    due_by: NotRequired[int]
    ext: NotRequired[Any]


class SupportingDocument(TypedDict):
    """A part of a body."""

    uri: str
    digest: bytes
    ext: NotRequired[Any]


class PublisherMandate(TypedDict):
    """A part of a body."""

    by: CanonicalId
    via: bytes
    ext: NotRequired[Any]


class SourceRecord(TypedDict):
    """A part of a body."""

    system: str
    id: str
    ext: NotRequired[Any]


class AccreditationGrant(TypedDict):
    """The body of `accreditation.grant`."""

    issuer: CanonicalId
    kind: str
    level: str
    scope: ScopeTerms
    valid_from: int
    valid_from_precision: NotRequired[str]
    valid_until: NotRequired[int]
    conditions: NotRequired[list[Condition]]
    review_due: NotRequired[int]
    policy: NotRequired[str]
    evidence: NotRequired[list[SupportingDocument]]
    initial_status: NotRequired[str]
    publishers: NotRequired[list[CanonicalId | PublisherMandate]]
    source_record: NotRequired[SourceRecord]
    ext: NotRequired[Any]


class AccreditationAmend(TypedDict):
    """The body of `accreditation.amend`."""

    accreditation: bytes
    after: list[bytes]
    effective_from: int
    scope: ScopeTerms
    valid_from: int
    valid_from_precision: NotRequired[str]
    valid_until: NotRequired[int]
    conditions: NotRequired[list[Condition]]
    review_due: NotRequired[int]
    policy: NotRequired[str]
    evidence: NotRequired[list[SupportingDocument]]
    reason_text: NotRequired[str]
    ext: NotRequired[Any]


class AppliesTo(TypedDict):
    """A part of a body."""

    programs: NotRequired[list[str]]
    cohorts_enrolled_before: NotRequired[int]
    ext: NotRequired[Any]


class AccreditationStatus(TypedDict):
    """The body of `accreditation.status`."""

    accreditation: bytes
    event: str
    effective_from: int
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


class FrameworkPublish(TypedDict):
    """The body of `framework.publish`."""

    id: CanonicalId
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
    ext: NotRequired[Any]


class FrameworkItem(TypedDict):
    """A part of a body."""

    id: CanonicalId
    statement: str
    aliases: NotRequired[list[CanonicalId]]
    code: NotRequired[str]
    label: NotRequired[str]
    type: NotRequired[str]
    parents: NotRequired[list[CanonicalId]]
    level: NotRequired[str]
    ext: NotRequired[Any]


class FrameworkItems(TypedDict):
    """The body of `framework.items`."""

    framework: CanonicalId
    publish: bytes
    part: int
    items: list[FrameworkItem]
    ext: NotRequired[Any]


class FrameworkStatus(TypedDict):
    """The body of `framework.status`."""

    framework: CanonicalId
    publish: bytes
    status: str
    effective_from: int
    after: list[bytes]
    reason_text: NotRequired[str]
    ext: NotRequired[Any]


class MappedFramework(TypedDict):
    """A part of a body."""

    framework: CanonicalId
    version: NotRequired[str]
    ext: NotRequired[Any]


class MappingLink(TypedDict):
    """A part of a body."""

    source: CanonicalId
    target: CanonicalId | None
    relation: str
    confidence: NotRequired[int]
    original: NotRequired[str]
    ext: NotRequired[Any]


class MappingPublish(TypedDict):
    """The body of `mapping.publish`."""

    id: CanonicalId
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
    ext: NotRequired[Any]


class MappingWithdraw(TypedDict):
    """The body of `mapping.withdraw`."""

    mapping: CanonicalId
    publish: bytes
    effective_from: int
    reason_text: NotRequired[str]
    ext: NotRequired[Any]


class RecognitionGrant(TypedDict):
    """The body of `recognition.grant`."""

    id: CanonicalId
    name: str
    actions: list[str]
    ecosystem: NotRequired[bytes]
    url: NotRequired[str]
    valid_from: NotRequired[int]
    valid_until: NotRequired[int]
    ext: NotRequired[Any]


class RecognitionWithdraw(TypedDict):
    """The body of `recognition.withdraw`."""

    recognition: bytes
    effective_from: int
    reason_text: NotRequired[str]
    ext: NotRequired[Any]


class StatementAnnul(TypedDict):
    """The body of `statement.annul`."""

    target: bytes
    reason_code: str
    evidence: NotRequired[list[SupportingDocument]]
    reason_text: NotRequired[str]
    refs: NotRequired[list[str]]
    ext: NotRequired[Any]


class VoteApprove(TypedDict):
    """The body of `vote.approve`."""

    targets: list[bytes]
    urgent: NotRequired[bool]
    reason_text: NotRequired[str]
    refs: NotRequired[list[str]]
    ext: NotRequired[Any]


class VoteReject(TypedDict):
    """The body of `vote.reject`."""

    targets: list[bytes]
    urgent: NotRequired[bool]
    retract: NotRequired[bool]
    reason_text: NotRequired[str]
    refs: NotRequired[list[str]]
    ext: NotRequired[Any]
