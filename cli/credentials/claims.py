"""Reads a credential's claims, and makes the question about its issuer, the only part that leaves this machine.

    said = claims_of(credential, loader)
    question_of(said, key=…)      ->  {"issuer": …, "achievement_types": […], "credential_types": […], "issued_on": …}

All claims are read from the RDF statements (`json_ld`), never from JSON members.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from accredit.registry.domain.vocabulary import credential_type_name
from accredit.registry.encoding import rfc3339
from accredit.registry.errors import DecodeError
from accredit.registry.limits import TIME_MAX, TIME_MIN

from .contexts import ContextLoader
from .json_ld import Statements
from .outcomes import failed, not_done
from .reading import ReadCredential, words

CREDENTIALS: Final = "https://www.w3.org/2018/credentials#"
STATUS: Final = "https://www.w3.org/ns/credentials/status#"
_BADGES: Final = "https://purl.imsglobal.org/spec/vc/ob/vocab.html#"
_CLR: Final = "https://purl.imsglobal.org/spec/vc/clr/vocab.html#"
_SCHEMA: Final = "https://schema.org/"
_TYPE: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"

_ACHIEVEMENT: Final = (
    f"{_BADGES}achievement",
    f"{_BADGES}achievement-0",  # in the context 3.0.1 and 3.0.2
    f"{_BADGES}Achievement",  # in the first one
    f"{_CLR}achievement",
)
_COMPETENCIES: Final = ("ceasn:Competency", "CFItem")
"""Types of an alignment's target that are competencies (Open Badges 3.0, AlignmentTargetType)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusEntry:
    """An entry of `credentialStatus`: where its bit is, and what the bit means. Texts are as written."""

    type: str
    purpose: str
    list_url: str
    index: str
    size: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialClaims:
    """What a credential says of itself.

    Attributes:
        issuer: id as written. issuer_name, name: for people; empty where it does not say.
        types: credential types, short names where the vocabularies have one.
        has_achievement: whether it attests achievements at all.
        untyped: achievements, by name, that do not say of which type they are.
        competencies: targets of alignments that are competencies.
        valid_from, valid_until: seconds since 1970; None where it does not say. A token's own end (exp) is one too.
        token_from: seconds since 1970, from when on the token that it came in counts (nbf); None where none says.
        status: entries of its own status.
    """

    statements: Statements
    issuer: str
    issuer_name: str
    name: str
    types: tuple[str, ...]
    achievement_types: tuple[str, ...]
    has_achievement: bool
    untyped: tuple[str, ...]
    competencies: tuple[str, ...]
    valid_from: int | None
    valid_until: int | None
    token_from: int | None
    issued_on: str
    status: tuple[StatusEntry, ...]


def claims_of(credential: ReadCredential, loader: ContextLoader) -> CredentialClaims:
    """Read what a credential says.

    Raises:
        CheckStopped: it cannot be read as statements, names no issuer or several, or a date that is none.
    """
    document = {name: value for name, value in credential.document.items() if name != "proof"}
    statements = Statements.of(document, loader, is_whole=signs_statements(credential))
    root = statements.root
    issuers = statements.objects(root, f"{CREDENTIALS}issuer")
    if len(issuers) != 1 or issuers[0]["type"] != "IRI":
        raise failed("several_issuers" if len(issuers) > 1 else "no_issuer", "It does not name one issuer by its id.")
    issuer = issuers[0]["value"]
    subjects = statements.values(root, f"{CREDENTIALS}credentialSubject")
    achievements = list(dict.fromkeys(one for subject in subjects for one in statements.values(subject, *_ACHIEVEMENT)))
    typed = {one: statements.values(one, f"{_BADGES}achievementType") for one in achievements}
    begins = [one for name in ("validFrom", "issuanceDate") for one in statements.values(root, CREDENTIALS + name)]
    begins = begins or statements.values(root, f"{_BADGES}awardedDate")
    ends = [one for name in ("validUntil", "expirationDate") for one in statements.values(root, CREDENTIALS + name)]
    statuses = statements.values(root, f"{CREDENTIALS}credentialStatus")
    valid_from = max((_time(one, "validFrom") for one in begins), default=None)
    for member, found in (("credentialStatus", statuses), ("validUntil", ends), ("expirationDate", ends)):
        _check_kept(document, member, found)
    held = credential.token.claims if credential.token is not None else {}
    expiry = [_claim(held, "exp")] if "exp" in held else []
    names = [name for one in achievements for name in statements.values(one, f"{_SCHEMA}name")]
    return CredentialClaims(
        statements=statements,
        issuer=issuer,
        issuer_name=_first(statements.values(issuer, f"{_SCHEMA}name")),
        name=_first([*statements.values(root, f"{_SCHEMA}name"), *names]),
        types=tuple(dict.fromkeys(credential_type_name(one) for one in statements.values(root, _TYPE))),
        achievement_types=tuple(dict.fromkeys(kind for kinds in typed.values() for kind in kinds)),
        has_achievement=bool(achievements),
        untyped=tuple(
            _first(statements.values(one, f"{_SCHEMA}name")) or "an achievement"
            for one, kinds in typed.items()
            if not kinds
        ),
        competencies=tuple(dict.fromkeys(uri for one in achievements for uri in _competencies(statements, one))),
        valid_from=valid_from,
        valid_until=min([*(_time(one, "validUntil") for one in ends), *expiry], default=None),
        token_from=_claim(held, "nbf") if "nbf" in held else None,
        issued_on="" if valid_from is None else rfc3339.text(valid_from),
        status=tuple(_entry(statements, one) for one in statuses),
    )


def signs_statements(credential: ReadCredential) -> bool:
    """Return whether some proof of it signs its statements instead of its text, or nothing signs it at all."""
    proofs = credential.document.get("proof")
    listed = [one for one in (proofs if isinstance(proofs, list) else [proofs]) if isinstance(one, Mapping)]
    if credential.token is not None:
        return False
    return not listed or any(one.get("cryptosuite") != "eddsa-jcs-2022" for one in listed)


def question_of(said: CredentialClaims, *, key: str) -> dict[str, Any]:
    """Return the body of `POST /v1/decisions` that asks about a credential's issuer.

    A badge that says of which type its achievement is, is asked about by that; the competencies that it is aligned with
    are asked about where nothing else says what it attests.

    Args:
        key: the verification method that it names; empty where there is none.
    """
    question: dict[str, Any] = {"issuer": said.issuer}
    if said.achievement_types:
        question["achievement_types"] = list(said.achievement_types)
    if said.types:
        question["credential_types"] = list(said.types)
    if said.competencies and not said.achievement_types:
        question["competencies"] = list(said.competencies)
    if said.issued_on:
        question["issued_on"] = said.issued_on
    if key:
        question["key"] = key
    return question


def raw_claims(credential: ReadCredential) -> dict[str, str]:
    """Return what is shown of a credential that cannot be read as statements: nothing follows from it."""
    issuer = credential.document.get("issuer")
    id_ = issuer.get("id") if isinstance(issuer, Mapping) else issuer
    name = issuer.get("name") if isinstance(issuer, Mapping) else None
    said = {"issuer": id_, "issuer_name": name, "name": credential.document.get("name")}
    shown = {member: value for member, value in said.items() if isinstance(value, str)}
    return {**shown, "types": ", ".join(words(credential.document.get("type")))}


def _competencies(statements: Statements, achievement: str) -> list[str]:
    found = []
    for alignment in statements.values(achievement, f"{_BADGES}alignment"):
        kinds = statements.values(alignment, f"{_BADGES}targetType")
        if not kinds or any(kind in _COMPETENCIES for kind in kinds):
            found += statements.values(alignment, f"{_SCHEMA}targetUrl")
    return found


def _entry(statements: Statements, entry: str) -> StatusEntry:
    def text(name: str) -> str:
        return _first(statements.values(entry, STATUS + name))

    types = [one.removeprefix(STATUS).removeprefix(CREDENTIALS) for one in statements.values(entry, _TYPE)]
    return StatusEntry(
        type=_first(types),
        purpose=text("statusPurpose"),
        list_url=text("statusListCredential"),
        index=text("statusListIndex"),
        size=text("statusSize"),
    )


def _check_kept(document: Mapping[str, Any], member: str, found: Sequence[str]) -> None:
    """Check that what ends a credential did not get lost on the way from JSON to statements.

    Where the text was signed, members without a meaning are allowed. One that says that a credential ends is not: its
    issuer meant it.
    """
    value = document.get(member)
    listed = value if isinstance(value, list) else [] if value is None else [value]
    if len({repr(one) for one in listed}) > len(found):
        raise not_done(
            "member_without_meaning",
            f"Its member {member} has no meaning in the contexts that it names, so nobody can tell whether it still "
            "stands.",
            "Ask the issuer for a credential whose contexts define it.",
        )


def _claim(claims: Mapping[str, Any], name: str) -> int:
    """A time in a token, seconds since 1970 (RFC 7519 §2)."""
    value = claims[name]
    if type(value) not in (int, float):
        raise failed("bad_date", f"The claim {name} of this JWT is not a number of seconds.")
    return int(min(max(value, TIME_MIN), TIME_MAX))


def _first(values: Sequence[str]) -> str:
    return values[0] if values else ""


def _time(written: str, member: str) -> int:
    try:
        return rfc3339.instant(written, where=member, days=True)
    except DecodeError as error:
        raise failed("bad_date", f"Its {error.message}") from None
