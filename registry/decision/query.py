"""A question to the registry, and how TRQP 2.0 asks it.

`Query` says who (`entity`), before whom (`authority`: the ecosystem or one authority), what for (`action`: `issue`, or
`accredit` for authorities) and as precisely as the asker can *what*. Empty members are not asked.

TRQP has one `resource` for all of it. A prefix removes ambiguity (`achievementType:`, `credentialType:`, `competency:`,
`framework:`); without one, a word is an achievement type if Open Badges has it and else a credential type, and an
address is a framework or competency, which the records decide.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from ..domain.axes import check_jurisdiction, parse_field, parse_level
from ..domain.vocabulary import ACHIEVEMENT_TYPES
from ..encoding.identifiers import canonical, without_fragment
from ..encoding.rfc3339 import parse
from ..errors import DecodeError
from ..limits import IDENTIFIER_CHARS, LIST_ITEMS

_MANDATE: Final = re.compile("[0-9a-f]{64}", re.ASCII)

ISSUE: Final = "issue"
ACCREDIT: Final = "accredit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One question.

    Attributes:
        entity: id of the issuer (or authority) in any spelling; a fragment is dropped, unless it names a mandate.
        authority: id of the ecosystem, or of one authority that must be among those who answer for it. `id#` and the
            64 hexadecimal digits of a delegation mean the body under that mandate alone (`mandate_named`).
        resource: an address that may name a framework or a competency; None if the members below say it all.
        time: as of when, seconds; None for now.
        level: scheme and number, as (`EQF`, 6). field_of_study: scheme and code, as (`cip`, `51.3801`).
        key: the verification method a credential was signed with, or the key as multibase or did:key.
    """

    entity: str
    authority: str
    action: str = ISSUE
    resource: str | None = None
    time: int | None = None
    credential_types: tuple[str, ...] = ()
    achievement_types: tuple[str, ...] = ()
    competencies: tuple[str, ...] = ()
    framework: str | None = None
    level: tuple[str, int] | None = None
    jurisdiction: str | None = None
    program: str | None = None
    field_of_study: tuple[str, str] | None = None
    delivery_mode: str | None = None
    key: str | None = None


def query_from_trqp(
    entity_id: str, authority_id: str, action: str, resource: str, context: Mapping[str, Any] | None = None
) -> Query:
    """The query that a TRQP 2.0 authorization request means.

    Args:
        context: its own members; those not known here are ignored, as TRQP asks.

    Raises:
        DecodeError: a member is not text, or not of its form; `where` names it.
    """
    asked = dict(context or {})
    for name, value in (("entity_id", entity_id), ("authority_id", authority_id), ("action", action)):
        _text(value, name)
    what = _resource(_text(resource, "resource"))
    lists = {name: what.pop(name, ()) + _texts(asked, name, single) for name, single in _LISTS.items()}
    lists["competencies"] = tuple(_uri(one, "context.competencies") for one in lists["competencies"])
    framework = _optional(asked, "framework")
    level, field = _optional(asked, "level"), _optional(asked, "field_of_study")
    time, jurisdiction = _optional(asked, "time"), _optional(asked, "jurisdiction")
    if jurisdiction is not None:
        check_jurisdiction(jurisdiction, "context.jurisdiction")
    return Query(
        entity=entity_id,
        authority=authority_id,
        action=action,
        resource=what.get("resource"),
        time=None if time is None else parse(time, where="context.time"),
        credential_types=lists["credential_types"],
        achievement_types=lists["achievement_types"],
        competencies=lists["competencies"],
        framework=what.get("framework") if framework is None else _uri(framework, "context.framework"),
        level=None if level is None else parse_level(level, where="context.level"),
        jurisdiction=jurisdiction,
        program=_optional(asked, "program"),
        field_of_study=None if field is None else parse_field(field, where="context.field_of_study"),
        delivery_mode=_optional(asked, "delivery_mode"),
        key=_optional(asked, "key"),
    )


_LISTS: Final = {
    "credential_types": "credential_type",
    "achievement_types": "achievement_type",
    "competencies": "competency",
}


def _resource(resource: str) -> dict[str, Any]:
    prefix, colon, rest = resource.partition(":")
    match prefix if colon else "":
        case "achievementType":
            return {"achievement_types": (rest,)}
        case "credentialType":
            return {"credential_types": (rest,)}
        case "competency":
            return {"competencies": (rest,)}
        case "framework":
            return {"framework": _uri(rest, "resource")}
        case "ext":
            return {"achievement_types": (resource,)}
    if resource in ACHIEVEMENT_TYPES:
        return {"achievement_types": (resource,)}
    try:
        return {"resource": canonical(resource)}
    except DecodeError:
        # Neither an identifier nor a type of Open Badges, so a credential type, short or as an IRI with a fragment.
        return {"credential_types": (resource,)}


def _uri(text: str, where: str) -> str:
    try:
        return canonical(text)
    except DecodeError as error:
        raise DecodeError(error.code, error.message, where=where, hint=error.hint) from None


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= IDENTIFIER_CHARS:
        raise DecodeError("bad_member", f"expected text of 1 to {IDENTIFIER_CHARS} characters.", where=where)
    return value


def _optional(context: Mapping[str, Any], name: str) -> str | None:
    return None if context.get(name) is None else _text(context[name], f"context.{name}")


def _texts(context: Mapping[str, Any], name: str, single: str) -> tuple[str, ...]:
    """The member in the plural, a list or one text, and the one in the singular."""
    found: list[str] = []
    for member in (name, single):
        value = context.get(member)
        if value is None:
            continue
        values = value if isinstance(value, list) else [value]
        if len(values) > LIST_ITEMS:
            raise DecodeError("bad_member", f"expected at most {LIST_ITEMS} texts.", where=f"context.{member}")
        found += [_text(one, f"context.{member}") for one in values]
    return tuple(dict.fromkeys(found))


def mandate_named(authority: str) -> bytes | None:
    """The delegation, 32 bytes, that an authority's id in a question names after its `#`; None if it names none."""
    fragment = authority.partition("#")[2]
    return bytes.fromhex(fragment) if _MANDATE.fullmatch(fragment) is not None else None


def spelled_authority(id: str) -> str:
    """An authority's id in its one spelling, with the mandate that it names, if any; `spelled` otherwise.

    Raises:
        DecodeError: it is no identifier.
    """
    via = mandate_named(id)
    return spelled(id) if via is None else f"{spelled(id)}#{via.hex()}"


@lru_cache(maxsize=8192)
def spelled(id: str) -> str:
    """An issuer's or authority's id in its one spelling, without fragment.

    Raises:
        DecodeError: it is no identifier.
    """
    return canonical(without_fragment(id))
