"""The form of a question and an answer in evidence: plain maps for deterministic CBOR.

`encode_query` leaves out members that ask nothing; `decode_query` reads exactly what that writes. `summary` gives a
decision without its sentences, so that two programs with different wordings still agree on it.
"""

from typing import Any, Final

from ..encoding import schema
from ..limits import IDENTIFIER_CHARS, LIST_ITEMS, TIME_MAX, TIME_MIN
from .query import ENTITY_CHARS, Query
from .verdict import Decision


def _text(value: Any, path: str) -> None:
    if not isinstance(value, str) or len(value) > IDENTIFIER_CHARS:
        raise schema.wrong(path, f"text of at most {IDENTIFIER_CHARS} characters")


def _texts(value: Any, path: str) -> None:
    if type(value) is not list or not 1 <= len(value) <= 2 * LIST_ITEMS:
        raise schema.wrong(path, f"a list of 1 to {2 * LIST_ITEMS} strings")
    for one in value:
        _text(one, path)


def _pair(second: schema.Check) -> schema.Check:
    def check(value: Any, path: str) -> None:
        if type(value) is not list or len(value) != 2:
            raise schema.wrong(path, "a scheme and a value")
        _text(value[0], path)
        second(value[1], path)

    return check


_TUPLES: Final = ("credential_types", "achievement_types", "competencies", "level", "field_of_study")


def _entity(value: Any, path: str) -> None:
    if not isinstance(value, str) or len(value) > ENTITY_CHARS:
        raise schema.wrong(path, f"text of at most {ENTITY_CHARS} characters")


_OPTIONAL: Final[dict[str, schema.Check]] = {
    "resource": _text,
    "time": schema.integer(TIME_MIN, TIME_MAX),
    "credential_types": _texts,
    "achievement_types": _texts,
    "competencies": _texts,
    "framework": _text,
    "level": _pair(schema.integer(-(2**31), 2**31)),
    "jurisdiction": _text,
    "program": _text,
    "field_of_study": _pair(_text),
    "delivery_mode": _text,
    "key": _text,
    "existed_by": schema.integer(TIME_MIN, TIME_MAX),
    "committed_with": _text,
}
_QUERY: Final = schema.members({"entity": _entity, "authority": _text, "action": _text}, _OPTIONAL)


def encode_query(query: Query) -> dict[str, Any]:
    """The question as a map; members that are not asked are left out."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in zip(Query._fields, query, strict=True)
        if value is not None and value != ()
    }


def decode_query(value: Any, path: str) -> Query:
    """The inverse of `encode_query`.

    Raises:
        DecodeError: a member is not of its form, or unknown.
    """
    _QUERY(value, path)
    if "ext" in value:
        raise schema.wrong(path, "no other members")
    members: dict[str, Any] = {name: tuple(one) if name in _TUPLES else one for name, one in value.items()}
    return Query(**members)


def summary(decision: Decision) -> dict[str, Any]:
    """A decision without its sentences, as a map."""
    return {
        "verdict": str(decision.verdict),
        "reasons": [reason.code for reason in decision.reasons],
        "time_evaluated": decision.time_evaluated,
        "time_requested": decision.time_requested,
        "accreditations": list(decision.accreditations),
        "others": [[one.accreditation, str(one.verdict), one.code] for one in decision.others],
        "statements": list(decision.statements),
        "chain": [[by, via] for by, via in decision.chain],
        "unchecked": list(decision.unchecked),
        "valid_until": decision.valid_until,
        "issuer": decision.issuer,
        "issuer_name": decision.issuer_name,
    }
