"""Questions from every interface, and the one parser that reads them.

`POST /v1/decisions`, the TRQP routes and the command line each make a `Question`; only `query_of` turns it into the
core's query. So a question gets the same answer on every interface, and the same rules hold:

* times are RFC 3339 with any offset; a date means the start of its day in UTC (the TRQP routes check TRQP's own rule,
  UTC only, and hint at the time in UTC);
* an unknown word is an error and never a "no": achievement types, places, levels and fields of study are checked
  against their real lists, and the error suggests the nearest one;
* an error names the member as it was written, and what is wrong with it;
* null counts as absent; an issuer may be an object with an `id`, as in a credential.
"""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta

from accredit.registry.decision.explanations import Audience
from accredit.registry.decision.query import ACCREDIT, ENTITY_CHARS, ISSUE, Query, mandate_named, spelled_authority
from accredit.registry.domain.axes import parse_field, parse_level
from accredit.registry.domain.vocabulary import (
    ACHIEVEMENT_TYPES,
    ENVELOPES,
    check_achievement_type,
    credential_type_name,
)
from accredit.registry.encoding import rfc3339
from accredit.registry.encoding.identifiers import canonical, canonical_issuer, without_fragment
from accredit.registry.errors import DecodeError
from accredit.registry.limits import IDENTIFIER_CHARS

from .fields import check_code, check_levels
from .places import check_place

LISTED: Final = 50
"""Values on one axis of one question; real credentials name a handful."""

_Text = Annotated[str, Meta(min_length=1, max_length=IDENTIFIER_CHARS)]
_Who = Annotated[str, Meta(min_length=1, max_length=ENTITY_CHARS)]
_Texts = Annotated[list[_Text], Meta(max_length=LISTED)]
_OneOrMore = _Text | _Texts


class IssuerObject(msgspec.Struct, kw_only=True, frozen=True):
    """An issuer as in a credential: an object with an id; its other members are ignored."""

    id: Annotated[_Who, Meta(description="The issuer's DID or https URL.")]


class Question(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """One question. Only one of two names for a member may be given (entity and issuer, time and issued_on, …)."""

    entity: Annotated[
        _Who | IssuerObject | None,
        Meta(description="The entity the question is about: the issuer's DID or https URL. A fragment is ignored."),
    ] = None
    issuer: Annotated[
        _Who | IssuerObject | None,
        Meta(description="Another name for `entity`: the `issuer` of a credential, as text or as an object with `id`."),
    ] = None
    authority: Annotated[
        _Text | None,
        Meta(description="Count only accreditations by this authority or its delegates. Default: the whole ecosystem."),
    ] = None
    action: Annotated[_Text | None, Meta(description="`issue` (the default), or `accredit` for authorities.")] = None
    resource: Annotated[
        _Text | None,
        Meta(description="An address that names a framework or a competency; the records decide which."),
    ] = None
    time: Annotated[
        _Text | None,
        Meta(description="Time to ask about: RFC 3339 with any offset, or a date (its start, UTC). Default: now."),
    ] = None
    issued_on: Annotated[
        _Text | None, Meta(description="Another name for `time`: the day or time the credential was issued.")
    ] = None
    credential_types: Annotated[
        _OneOrMore | None, Meta(description="Types of the credential, short or as an IRI; one string or a list.")
    ] = None
    credential_type: Annotated[_OneOrMore | None, Meta(description="Another name for `credential_types`.")] = None
    achievement_types: Annotated[
        _OneOrMore | None,
        Meta(description="Achievement types of Open Badges 3.0, or `ext:` and a name; one string or a list."),
    ] = None
    achievement_type: Annotated[_OneOrMore | None, Meta(description="Another name for `achievement_types`.")] = None
    competencies: Annotated[_OneOrMore | None, Meta(description="Competencies, by URI; one text or a list.")] = None
    competency: Annotated[_OneOrMore | None, Meta(description="Another name for `competencies`.")] = None
    framework: Annotated[_Text | None, Meta(description="URI of the framework that the competencies belong to.")] = None
    level: Annotated[_Text | None, Meta(description="Scheme and number of a level, such as `EQF:6`.")] = None
    jurisdiction: Annotated[
        _Text | None, Meta(description="ISO 3166 code of a country or a part of one, such as `DE` or `US-IN`.")
    ] = None
    program: Annotated[_Text | None, Meta(description="The programme's id, as the accreditation lists it.")] = None
    field_of_study: Annotated[
        _Text | None, Meta(description="Scheme and code of a field of study, such as `cip:51.3801` or `isced_f:0913`.")
    ] = None
    delivery_mode: Annotated[_Text | None, Meta(description="Mode of delivery, such as `online`.")] = None
    key: Annotated[
        _Text | None,
        Meta(description="The verification method the credential was signed with, or the key as multibase or did:key."),
    ] = None
    existed_by: Annotated[
        _Text | None,
        Meta(
            description="Time by which you know that the credential existed, as a receipt proves it; its date is then "
            "more than the issuer's word. RFC 3339, or a date."
        ),
    ] = None
    committed_with: Annotated[
        _Text | None,
        Meta(
            description="The issuer's key that committed to the credential, if that is how you know it: `key` of the "
            "receipt."
        ),
    ] = None
    evidence: Annotated[bool, Meta(description="Whether to send a file that proves the answer.")] = False
    audience: Annotated[
        Audience | None,
        Meta(description="Explain the answer to an admissions office, an employer or the learner. Default: nobody."),
    ] = None


PLAIN: Final[Mapping[str, str]] = {
    "entity": "issuer",
    "time": "issued_on",
    "credential_types": "credential_type",
    "achievement_types": "achievement_type",
    "competencies": "competency",
}
"""Canonical names and the plain ones."""

Canonicalise = Callable[[str], str]
"""From a member of `Question` to its name in the asker's interface, for errors."""


def question_from(members: Mapping[str, Any], named: Canonicalise = str) -> Question:
    """Return the question with these members.

    Raises:
        DecodeError: one is unknown or of another type; says which.
    """
    try:
        return msgspec.convert(members, Question)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `$.")
        raise DecodeError("bad_member", f"{what}.", where=named(path.rstrip("`")), hint="See /openapi.json.") from None


def query_of(question: Question, ecosystem: str, named: Canonicalise = str) -> Query:
    """Return the question in the core's terms, every id in its canonical spelling.

    Args:
        ecosystem: whom a question asks that names no authority.

    Raises:
        DecodeError: a member is given under both its names, is not of its form, or is a word that nobody knows.
    """
    entity, entity_name = _either(question, "entity")
    if entity is None:
        raise DecodeError(
            "missing_member",
            "the question does not name an issuer.",
            where=named("entity"),
            hint="Give entity, or issuer.",
        )
    when, when_name = _either(question, "time")
    achievements, achievement_name = _several(question, "achievement_types")
    for one in achievements:
        _check_achievement(one, named(achievement_name))
    credentials, _ = _several(question, "credential_types")
    competencies, competency_name = _several(question, "competencies")
    authority, jurisdiction = question.authority, question.jurisdiction
    if jurisdiction is not None:
        check_place(jurisdiction, named("jurisdiction"))
    if question.action not in (None, ISSUE, ACCREDIT):
        close = get_close_matches(question.action, (ISSUE, ACCREDIT), 1)
        hint = f"Did you mean {close[0]}?" if close else "Ask for issue or accredit."
        raise DecodeError(
            "unknown_action", f"{question.action[:80]!r} is no action here.", where=named("action"), hint=hint
        )
    return Query(
        entity=_spelled(
            _speller(question.action),
            entity if isinstance(entity, str) else entity.id,
            named(entity_name),
        ),
        authority=ecosystem if authority is None else _spelled(spelled_authority_id, authority, named("authority")),
        action=ISSUE if question.action is None else question.action,
        resource=None if question.resource is None else _spelled(canonical, question.resource, named("resource")),
        time=None if when is None else rfc3339.instant(when, where=named(when_name), days=True),
        credential_types=credentials,
        achievement_types=achievements,
        competencies=tuple(_spelled(canonical, uri, named(competency_name)) for uri in competencies),
        framework=None if question.framework is None else _spelled(canonical, question.framework, named("framework")),
        level=None if question.level is None else _level(question.level, named("level")),
        jurisdiction=jurisdiction,
        program=question.program,
        field_of_study=None
        if question.field_of_study is None
        else _field(question.field_of_study, named("field_of_study")),
        delivery_mode=question.delivery_mode,
        key=question.key,
        existed_by=None
        if question.existed_by is None
        else rfc3339.instant(question.existed_by, where=named("existed_by"), days=True),
        committed_with=question.committed_with,
    )


def _level(text: str, where: str) -> tuple[str, int]:
    scheme, number = parse_level(text, where=where)
    check_levels({"scheme": scheme, "min": number, "max": number}, where)
    return scheme, number


def _field(text: str, where: str) -> tuple[str, str]:
    scheme, code = parse_field(text, where=where)
    check_code(scheme, code, where)
    return scheme, code


def sort_word(word: str, where: str) -> tuple[str, str]:
    """Return the member of a question to which a bare word belongs, and its value there.

    A prefix removes ambiguity (`achievementType:`, `credentialType:`, `competency:`, `framework:`). Without one it is
    an achievement type if Open Badges has it, an address (the records decide of what), or a credential type.

    Raises:
        DecodeError: `unknown_word`: nobody can tell what it is; the hint says how to write each.
    """
    prefix, colon, rest = word.partition(":")
    if colon and rest and prefix in _PREFIXES:
        return _PREFIXES[prefix], rest
    if word in ACHIEVEMENT_TYPES or (prefix == "ext" and rest):
        return "achievement_types", word
    try:
        canonical(word)
    except DecodeError:
        pass
    else:
        return "resource", word
    if word.endswith("Credential") or "#" in word or credential_type_name(word) in ENVELOPES:
        return "credential_types", word
    as_type = "" if " " in word else f"If you mean a credential type, write credentialType:{word[:80]}."
    raise DecodeError(
        "unknown_word",
        f"{word[:80]!r} is neither an achievement type of Open Badges 3.0 nor a URI.",
        where=where,
        hint=(_did_you_mean(word) + as_type).strip(),
    )


_PREFIXES: Final = {
    "achievementType": "achievement_types",
    "credentialType": "credential_types",
    "competency": "competencies",
    "framework": "framework",
}


def _check_achievement(word: str, where: str) -> None:
    try:
        check_achievement_type(word, where)
    except DecodeError:
        raise DecodeError(
            "unknown_achievement_type",
            f"{word[:80]!r} is not an achievement type of Open Badges 3.0.",
            where=where,
            hint=_did_you_mean(word) + "Write your own achievement types as ext:NAME.",
        ) from None


_S = TypeVar("_S", bound=str)


def _did_you_mean(word: str) -> str:
    by_fold = {one.casefold(): one for one in ACHIEVEMENT_TYPES}
    close = get_close_matches(word.casefold().replace(" ", "").replace("'", ""), by_fold, 1)
    return f"Did you mean {by_fold[close[0]]}? " if close else ""


def _spell_entity(text: str) -> str:
    spelled = canonical(without_fragment(text), max_chars=ENTITY_CHARS)
    return spelled if spelled.startswith("did:") else canonical_issuer(spelled)


spelled_entity: Final = lru_cache(maxsize=8192)(_spell_entity)
"""Cached, because spelling a DID takes half as long as deciding, and questions about an issuer repeat."""
_issuer: Final = lru_cache(maxsize=8192)(canonical_issuer)


def spelled_authority_id(text: str) -> str:
    """Return an authority's id in its one spelling, with the mandate that it names after a #, if any."""
    return spelled_authority(text) if mandate_named(text) is not None else _issuer(text)


def _either(question: Question, canonical_name: str) -> tuple[Any, str]:
    """The value of a member under its canonical or its plain name, and the name under which it stands."""
    plain_name = PLAIN[canonical_name]
    first, second = getattr(question, canonical_name), getattr(question, plain_name)
    if first is not None and second is not None:
        raise DecodeError(
            "duplicate_member",
            f"{canonical_name} and {plain_name} mean the same.",
            where=plain_name,
            hint="Give only one of them.",
        )
    return (first, canonical_name) if second is None else (second, plain_name)


def _several(question: Question, name: str) -> tuple[tuple[str, ...], str]:
    value, written = _either(question, name)
    if value is None:
        return (), written
    return ((value,) if isinstance(value, str) else tuple(value)), written


def _spelled(spell: Callable[[str], _S], text: str, where: str) -> _S:
    try:
        return spell(text)
    except DecodeError as error:
        raise DecodeError(error.code, error.message, where=where, hint=error.hint) from None


# ------------------------------------------------------------------------------------------------ TRQP


def query_from_trqp(
    entity_id: str, authority_id: str, action: str, resource: str, context: Mapping[str, Any] | None, ecosystem: str
) -> Query:
    """Return the query that a TRQP 2.0 authorization request means.

    TRQP has one `resource` for all that is asked (`sort_word`); members of `Question` in its `context` make it precise.

    Args:
        context: its own members; those not known here are ignored whatever they hold, as TRQP's versioning asks.

    Raises:
        DecodeError: a member is not of its form; `where` names it as TRQP does.
    """
    if not context and 0 < len(entity_id) <= ENTITY_CHARS:
        alike = _asked_alike(authority_id, action, resource, ecosystem)
        if alike is not None:
            return alike._replace(entity=_spelled(_speller(action), entity_id, "entity_id"))
    asked = {name: value for name, value in (context or {}).items() if name in CONTEXT and value is not None}
    if isinstance(asked.get("time"), str):
        rfc3339.parse(asked["time"], where="context.time")
    member, value = sort_word(resource, "resource")
    named = _Named(dict.fromkeys(asked, "context."))
    if member in _LISTS:
        words = [word for name in (member, PLAIN[member]) for word in _listed(asked.pop(name, None))]
        named.prefixed.setdefault(member, "context." if words else "")
        if member == "achievement_types":
            _check_achievement(value, "resource")
        elif member == "competencies":
            _spelled(canonical, value, "resource")
        asked[member] = _once([value, *words])
    elif member not in asked:
        asked[member] = value
        named.prefixed[member] = ""
        if member == "framework":
            _spelled(canonical, value, "resource")
    for name in _LISTS:  # both names of a list may be given, and are one list
        if name in asked and PLAIN[name] in asked:
            asked[name] = _once([*_listed(asked[name]), *_listed(asked.pop(PLAIN[name]))])
    question = question_from({**asked, "entity": entity_id, "authority": authority_id, "action": action}, named)
    return query_of(question, ecosystem, named)


_ANYBODY: Final = "did:web:anybody.example"


@lru_cache(maxsize=1_024)
def _asked_alike(authority_id: str, action: str, resource: str, ecosystem: str) -> Query | None:
    """Return the common part of questions without a context, for any entity; None if it is not understood.

    A service asks the same about one issuer after the other, and reading the question takes as long as deciding it.
    """
    try:
        return query_from_trqp(_ANYBODY, authority_id, action, resource, {"time": None}, ecosystem)
    except DecodeError:
        return None


def _speller(action: str | None) -> Callable[[str], str]:
    """What spells the one whom a question is about."""
    return spelled_authority_id if action == ACCREDIT else spelled_entity


class _Named:
    """What TRQP calls a member: those of the context with their prefix."""

    def __init__(self, prefixed: dict[str, str]) -> None:
        self.prefixed = prefixed

    def __call__(self, name: str) -> str:
        """The name of a member, or of an item in it."""
        bare = name.partition("[")[0]
        return {"entity": "entity_id", "authority": "authority_id"}.get(bare) or self.prefixed.get(bare, "") + name


_LISTS: Final = ("credential_types", "achievement_types", "competencies")
CONTEXT: Final = (
    "time",
    *_LISTS,
    *(PLAIN[name] for name in _LISTS),
    "framework",
    "level",
    "jurisdiction",
    "program",
    "field_of_study",
    "delivery_mode",
    "key",
)
"""Members of `context` that are known here."""


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _once(values: list[Any]) -> list[Any]:
    """Texts without those that are there twice; anything else as it is, for whoever reads the question to refuse."""
    return list(dict.fromkeys(values)) if all(isinstance(value, str) for value in values) else values
