"""The vocabulary of the domain, as data: the words that a body may use, and the effect of each on a decision.

Sources: Open Badges 3.0 (achievement types), CTDL agent types and ETA-9171 (issuer categories), accreditation practice
and DAPIP (statuses, events, reasons). The status table of the design page on the domain is `STATUSES`, row by row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any, Final

from ..encoding.schema import Check, one_of, text
from ..errors import DecodeError

# ------------------------------------------------------------------------------------------------ who an issuer is

ISSUER_CATEGORIES: Final = (
    "postsecondary_4yr",
    "community_college",
    "secondary_school",
    "training_provider",
    "bootcamp",
    "apprenticeship_sponsor",
    "employer",
    "military",
    "certification_body",
    "assessment_body",
    "professional_association",
    "industry_association",
    "labor_union",
    "government_agency",
    "licensing_board",
    "nonprofit_community",
    "online_platform",
    "quality_assurance_body",
)
SECTORS: Final = ("public", "private_nonprofit", "private_forprofit")
ROLES: Final = ("primary_source", "notary")
LEARNING_MODES: Final = ("degree_based", "skills_based", "work_based", "competency_based")
IDENTIFIER_SCHEMES: Final = (
    "ctid",
    "ror",
    "ipeds_unitid",
    "opeid",
    "dapip_id",
    "eter",
    "deqar",
    "lei",
    "ein",
    "isni",
    "grid",
    "rapids",
    "etpl",
)

# ------------------------------------------------------------------------------------------------ what is achieved

ACHIEVEMENT_PARENTS: Final[Mapping[str, str | None]] = {
    "Achievement": None,
    "ApprenticeshipCertificate": "Certificate",
    "Assessment": None,
    "Assignment": None,
    "AssociateDegree": "Degree",
    "Award": None,
    "BachelorDegree": "Degree",
    "Badge": None,
    "Certificate": None,
    "CertificateOfCompletion": "Certificate",
    "Certification": None,
    "CoCurricular": None,
    "CommunityService": None,
    "Competency": None,
    "Course": None,
    "Degree": None,
    "Diploma": None,
    "DoctoralDegree": "Degree",
    "Fieldwork": None,
    "GeneralEducationDevelopment": "Diploma",
    "JourneymanCertificate": "Certificate",
    "LearningProgram": None,
    "License": None,
    "MasterCertificate": "Certificate",
    "MasterDegree": "Degree",
    "Membership": None,
    "MicroCredential": None,
    "ProfessionalDoctorate": "DoctoralDegree",
    "QualityAssuranceCredential": None,
    "ResearchDoctorate": "DoctoralDegree",
    "SecondarySchoolDiploma": "Diploma",
}
"""Each of the 31 types of Open Badges 3.0 and the next broader one. `Achievement`, the base type, says nothing about
what was achieved, so it covers no other type: a scope that covers every type says `*`."""

ACHIEVEMENT_TYPES: Final = tuple(ACHIEVEMENT_PARENTS)

ENVELOPES: Final = frozenset(
    {
        "VerifiableCredential",
        "EnvelopedVerifiableCredential",
        "VerifiablePresentation",
        "AchievementCredential",
        "OpenBadgeCredential",
        "ClrCredential",
        "EndorsementCredential",
    }
)
"""Credential types that describe the envelope of a credential and not its content."""

UNIVERSAL_CREDENTIAL_TYPES: Final = frozenset({"VerifiableCredential", "EnvelopedVerifiableCredential"})
"""Every credential has one of these types, so a question that names only them asks nothing."""

_TYPE_NAMESPACES: Final = (
    "https://www.w3.org/2018/credentials#",
    "https://purl.imsglobal.org/spec/vc/ob/vocab.html#",
    "https://purl.imsglobal.org/spec/vc/clr/vocab.html#",
)

_WITH_ANCESTORS: Final[Mapping[str, tuple[str, ...]]] = {
    word: (word, *(() if parent is None else (parent,)), *(("Degree",) if parent == "DoctoralDegree" else ()))
    for word, parent in ACHIEVEMENT_PARENTS.items()
}


def with_ancestors(achievement_type: str) -> tuple[str, ...]:
    """Return the type itself, then each broader one: a scope that names any of them covers it."""
    return _WITH_ANCESTORS.get(achievement_type) or (achievement_type,)


@lru_cache(maxsize=1024)  # a question about a hundred scopes names few types
def credential_type_name(credential_type: str) -> str:
    """Return the short name of a type written as an IRI of the W3C or 1EdTech vocabularies; any other text unchanged.

    `AchievementCredential` and `OpenBadgeCredential` are one class (Open Badges 3.0 §B.1): the latter name is used.
    """
    for namespace in _TYPE_NAMESPACES:
        if credential_type.startswith(namespace):
            credential_type = credential_type[len(namespace) :]
            break
    return "OpenBadgeCredential" if credential_type == "AchievementCredential" else credential_type


_known_achievement_type: Final[Check] = one_of(*ACHIEVEMENT_TYPES)


def check_achievement_type(value: Any, path: str) -> None:
    """One of the 31 types, or an extension: `ext:` and a name (Open Badges 3.0, AchievementType)."""
    if isinstance(value, str) and value.startswith("ext:"):
        text(100, min_chars=5)(value, path)
    else:
        _known_achievement_type(value, path)


# ------------------------------------------------------------------------------------------------ accreditations

ACCREDITATION_KINDS: Final = ("accredit", "approve", "recognize", "regulate", "register", "endorse")
ACCREDITATION_LEVELS: Final = ("institutional", "programmatic", "course", "occupational")
INITIAL_STATUSES: Final = ("active", "candidate", "conditional")
SANCTION_LEVELS: Final = ("warning", "probation", "show_cause")
REASON_CODES: Final = (
    "standards_noncompliance",
    "financial_instability",
    "voluntary",
    "closure",
    "merger",
    "lapse",
    "nonpayment",
    "misrepresentation",
    "fraud",
    "diploma_mill",
    "key_compromise",
    "legal_order",
    "false_information",
    "discrimination_violation",
    "administrative_error",
    "other",
)

NARROWING_EVENTS: Final = (
    "suspend",
    "sanction",
    "condition",
    "withdraw",
    "expire",
    "teach_out",
    "close",
    "supersede",
    "revoke",
    "deny",
)
WIDENING_EVENTS: Final = ("lift", "renew", "reinstate", "stay", "annul", "appeal_open", "appeal_decide")
EVENTS: Final = NARROWING_EVENTS + WIDENING_EVENTS

LAPSING_EVENTS: Final = ("suspend", "sanction", "condition", "teach_out", "stay")
"""Events that may state an end."""


def is_narrowing_event(body: Mapping[str, Any]) -> bool:
    """Return whether an `accreditation.status` body takes something away, and so takes effect at once."""
    return body["event"] in NARROWING_EVENTS


class NewlyIssued(Enum):
    """The effect of a status on a credential issued while it lasts."""

    TRUSTED = "trusted"
    ADVISORY = "advisory"
    SUSPENDED = "suspended"
    LISTED_PROGRAMS = "listed_programs"
    NOT_TRUSTED = "not_trusted"


class IssuedEarlier(Enum):
    """The effect of a status on a credential issued before it began, while the accreditation was good."""

    TRUSTED = "trusted"
    HISTORICAL = "historical"
    HISTORICAL_WITH_ADVISORY = "historical_with_advisory"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRow:
    """One row of the status table.

    Attributes:
        rank: 1 is the most restrictive. Rank 0 is a revocation with `void_from`.
    """

    rank: int
    newly: NewlyIssued
    earlier: IssuedEarlier


def _row(rank: int, newly: NewlyIssued, earlier: IssuedEarlier) -> StatusRow:
    return StatusRow(rank=rank, newly=newly, earlier=earlier)


VOID_RANK: Final = 0

STATUSES: Final[Mapping[str, StatusRow]] = {
    "revoked": _row(1, NewlyIssued.NOT_TRUSTED, IssuedEarlier.HISTORICAL),
    "denied": _row(2, NewlyIssued.NOT_TRUSTED, IssuedEarlier.HISTORICAL),
    "withdrawn": _row(3, NewlyIssued.NOT_TRUSTED, IssuedEarlier.HISTORICAL),
    "withdrawn_voluntary": _row(3, NewlyIssued.NOT_TRUSTED, IssuedEarlier.HISTORICAL),
    "closed": _row(3, NewlyIssued.NOT_TRUSTED, IssuedEarlier.HISTORICAL),
    "superseded": _row(3, NewlyIssued.NOT_TRUSTED, IssuedEarlier.HISTORICAL),
    "expired": _row(3, NewlyIssued.NOT_TRUSTED, IssuedEarlier.HISTORICAL),
    "suspended": _row(4, NewlyIssued.SUSPENDED, IssuedEarlier.HISTORICAL_WITH_ADVISORY),
    "teach_out": _row(5, NewlyIssued.LISTED_PROGRAMS, IssuedEarlier.HISTORICAL),
    "show_cause": _row(6, NewlyIssued.ADVISORY, IssuedEarlier.TRUSTED),
    "probation": _row(7, NewlyIssued.ADVISORY, IssuedEarlier.TRUSTED),
    "warning": _row(8, NewlyIssued.ADVISORY, IssuedEarlier.TRUSTED),
    "conditional": _row(9, NewlyIssued.ADVISORY, IssuedEarlier.TRUSTED),
    "candidate": _row(10, NewlyIssued.ADVISORY, IssuedEarlier.TRUSTED),
    "active": _row(11, NewlyIssued.TRUSTED, IssuedEarlier.TRUSTED),
}
"""Status -> rank and meaning. The design leaves "issued earlier" empty for `denied`, because most denials have nothing
before them. Credentials that a candidate issued before it was denied keep their worth, because only `revoke` reaches
back."""

CANDIDATE: Final = "candidate"
"""The status of those who are not accredited yet; a sentence about them must not say that they were."""


def words_of(status: str) -> str:
    """Return a status for a sentence: `show cause`, `withdrawn voluntarily`."""
    return "withdrawn voluntarily" if status == "withdrawn_voluntary" else status.replace("_", " ")


_STATUS_OF_EVENT: Final = {
    "suspend": "suspended",
    "condition": "conditional",
    "withdraw": "withdrawn",
    "expire": "expired",
    "teach_out": "teach_out",
    "close": "closed",
    "supersede": "superseded",
    "revoke": "revoked",
    "deny": "denied",
}


def status_of_event(event: Mapping[str, Any]) -> str:
    """Return the status that a narrowing event brings.

    Raises:
        DecodeError: the event is not a narrowing one.
    """
    word = event["event"]
    if word == "sanction":
        return str(event["sanction_level"])
    if word == "withdraw" and event.get("reason_code") == "voluntary":
        return "withdrawn_voluntary"
    if word not in _STATUS_OF_EVENT:
        raise DecodeError("bad_event", f"{word} does not set a status.")
    return _STATUS_OF_EVENT[word]
