"""`registry/domain/record_types.py` says of each record what `docs/records.cddl` says, member by member.

Both are brought into one form: a set of alternatives, each a word (`str`), a list, a table, or a map with its members.
"""

from collections.abc import Iterable, Mapping
from types import NoneType, UnionType
from typing import Any, Literal, NotRequired, TypeAlias, Union, get_args, get_origin, get_type_hints, is_typeddict

import pytest

from accredit.registry.domain import record_types
from accredit.registry.domain.records import TYPES
from accredit.registry.encoding.identifiers import CanonicalId
from tests.docs import cddl
from tests.docs.cddl import Array, Choice, Map, Name, flattened, parse
from tests.docs.pages import ROOT

Form: TypeAlias = frozenset[Any]
Members: TypeAlias = Mapping[str, tuple[bool, Form]]
"""Of each member, whether a map must have it, and its form."""

RULES = parse((ROOT / "docs" / "records.cddl").read_text("utf-8"))
PLAIN = {"tstr": "str", "uint": "int", "true": "bool", "null": "None", "any": "Any"}
IDENTIFIERS = ("identifier", "issuer-id")
STANDING = Choice((Name("named"), Name("delegated")))
"""Two rules and one type: what tells them apart is which of its members are null."""


def described(type_: cddl.Type) -> Form:
    """The form of a type of the CDDL."""
    match type_:
        case Name(name) if name in IDENTIFIERS:
            return frozenset(["CanonicalId"])
        case Name(name):
            return described(RULES[name]) if name in RULES else frozenset([PLAIN.get(name, name)])
        case cddl.Literal(value):
            return frozenset([type(value).__name__])
        case Choice(types) if type_ == STANDING:
            return _map(_merged(*map(_members, types)))
        case Choice(types):
            return _either(map(described, types))
        case Array(types):
            return frozenset([("list", _either(map(described, types)))])
        case Map(others=others) if others is not None:
            return frozenset([("dict", described(others))])
        case Map():
            return _map(_members(type_))


def _members(type_: cddl.Type) -> Members:
    whole = RULES[type_.name] if isinstance(type_, Name) else type_
    assert isinstance(whole, Map)
    whole = flattened(RULES, whole)
    members = {name: (True, described(one)) for name, one in whole.required.items()}
    return members | {name: (False, described(one)) for name, one in whole.optional.items()}


def _merged(one: Members, other: Members) -> Members:
    together = {name: (one[name][0], _either([one[name][1], other[name][1]])) for name in one if name in other}
    return {name: (False, form) for name, (_, form) in {**one, **other}.items()} | together


def said(hint: Any) -> Form:
    """The form of a Python type."""
    origin, args = get_origin(hint), get_args(hint)
    if is_typeddict(hint):
        extras = get_type_hints(hint, include_extras=True)
        must = {name: get_origin(one) is not NotRequired for name, one in extras.items()}
        return _map({name: (must[name], said(one)) for name, one in get_type_hints(hint).items()})
    if origin in (Union, UnionType):
        return _either(map(said, args))
    if origin is Literal:
        return frozenset(type(value).__name__ for value in args)
    if origin in (list, dict):
        return frozenset([(origin.__name__, said(args[-1]))])
    return frozenset(["None" if hint is NoneType else "Any" if hint is Any else hint.__name__])


def _either(forms: Iterable[Form]) -> Form:
    return frozenset().union(*forms)


def _map(members: Members) -> Form:
    return frozenset([("map", frozenset(members.items()))])


@pytest.mark.parametrize("type", TYPES)
def test_a_record_has_the_members_that_its_rule_says(type: str) -> None:
    typed = getattr(record_types, f"{type.title()}Record")
    assert said(typed) == described(Name(type))


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("a = { b: tstr }", dict[str, str]),
        ("a = { b: identifier, ? c: [* digest] }", record_types.AliasRecord),
        ("a = { id: issuer-id, ? issuers: [+ issuer-id] }", record_types.AliasRecord),
        ("a = { id: tstr, issuers: [+ issuer-id] }", record_types.AliasRecord),
        ("a = { id: issuer-id, issuers: [+ issuer-id], more: int }", record_types.AliasRecord),
        ("a = tstr / null", str),
        ("a = tstr", CanonicalId),
    ],
)
def test_a_type_that_says_something_else_than_the_rule_is_found(text: str, hint: Any) -> None:
    (type_,) = parse(text).values()
    assert described(type_) != said(hint)


def test_a_type_that_says_the_same_as_the_rule_passes() -> None:
    (type_,) = parse("a = { id: issuer-id, issuers: [+ issuer-id] }").values()
    assert described(type_) == said(record_types.AliasRecord)
