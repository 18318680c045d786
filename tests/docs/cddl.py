"""Does a value match a rule of a CDDL file? For the part of CDDL (RFC 8610) that `docs/records.cddl` uses, and no more.

    rules = parse(text)
    mismatch(rules, "issuer", value)     None, or where and why not

Understood: rules; choices `/`; `tstr bstr bytes int uint bool true null any`; `.size`; text and integer literals;
arrays (`[* t]`, `[+ t]`, fixed ones) and maps with members `name: type`, `? name: type`, `* tstr => type`, and groups
included by name, which are rules in parentheses. Anything else is a `SyntaxError`: a file is not half understood.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_TOKEN: Final = re.compile(r';[^\n]*|\s+|(?P<token>"[^"]*"|=>|\.size|[A-Za-z_][\w-]*|\d+|[=/{}\[\]():,?*+])', re.ASCII)
_PLAIN: Final[Mapping[str, Callable[[Any], bool]]] = {
    "tstr": lambda value: type(value) is str,
    "bstr": lambda value: type(value) is bytes,
    "bytes": lambda value: type(value) is bytes,
    "int": lambda value: type(value) is int,
    "uint": lambda value: type(value) is int and value >= 0,
    "bool": lambda value: type(value) is bool,
    "true": lambda value: value is True,
    "null": lambda value: value is None,
    "any": lambda _: True,
}


@dataclass(frozen=True)
class Choice:
    """One of several types."""

    types: tuple["Type", ...]


@dataclass(frozen=True)
class Name:
    """A rule or a type of CDDL's own, perhaps of a size in bytes."""

    name: str
    size: int | None = None


@dataclass(frozen=True)
class Literal:
    """Exactly this text or number."""

    value: str | int


@dataclass(frozen=True)
class Array:
    """`[* type]`, `[+ type]`, or one type for each place."""

    types: tuple["Type", ...]
    occurs: str = ""


@dataclass
class Map:
    """A map (or a group): members, required or not, perhaps others of one type, and groups included."""

    required: dict[str, "Type"] = field(default_factory=dict)
    optional: dict[str, "Type"] = field(default_factory=dict)
    others: "Type | None" = None
    groups: list[str] = field(default_factory=list)


Type = Choice | Name | Literal | Array | Map
Rules = Mapping[str, Type]


def parse(text: str) -> dict[str, Type]:
    """The rules of a file, by name."""
    return _Parser(text).rules()


def mismatch(rules: Rules, rule: str, value: Any) -> str | None:
    """Why `value` does not match `rule`, with the place; None if it does."""
    return _check(rules, Name(rule), value, rule)


def _check(rules: Rules, type_: Type, value: Any, path: str) -> str | None:
    match type_:
        case Choice(types):
            reasons = [_check(rules, one, value, path) for one in types]
            return None if None in reasons else "; or ".join(filter(None, reasons))
        case Literal(wanted):
            same = type(value) is type(wanted) and value == wanted
            return None if same else f"{path}: {value!r} is not {wanted!r}"
        case Name(name, size) if name in _PLAIN:
            good = _PLAIN[name](value) and (size is None or len(value) == size)
            return None if good else f"{path}: {value!r} is not {name}" + (f" of {size}" if size else "")
        case Name(name):
            return _check(rules, rules[name], value, path)
        case Array(types, occurs):
            return _check_array(rules, types, occurs, value, path)
        case Map():
            return _check_map(rules, type_, value, path)


def _check_array(rules: Rules, types: tuple[Type, ...], occurs: str, value: Any, path: str) -> str | None:
    if type(value) is not list or (occurs == "+" and not value) or (not occurs and len(value) != len(types)):
        return f"{path}: {value!r} is not such an array"
    wanted = [types[0] if occurs else types[index] for index in range(len(value))]
    found = (_check(rules, one, item, f"{path}[{n}]") for n, (one, item) in enumerate(zip(wanted, value, strict=True)))
    return next(filter(None, found), None)


def _check_map(rules: Rules, map_: Map, value: Any, path: str) -> str | None:
    if type(value) is not dict:
        return f"{path}: {value!r} is not a map"
    whole = flattened(rules, map_)
    for name in whole.required:
        if name not in value:
            return f"{path}: {name} is missing"
    for name, member in value.items():
        type_ = whole.required.get(name) or whole.optional.get(name) or whole.others
        if type_ is None or type(name) is not str:
            return f"{path}: there is no member {name!r}"
        if (reason := _check(rules, type_, member, f"{path}.{name}")) is not None:
            return reason
    return None


def flattened(rules: Rules, map_: Map) -> Map:
    """A map with the members of the groups it includes."""
    whole = Map(dict(map_.required), dict(map_.optional), map_.others)
    for name in map_.groups:
        group = rules[name]
        assert isinstance(group, Map), f"{name} is no group"
        inner = flattened(rules, group)
        whole.required |= inner.required
        whole.optional |= inner.optional
    return whole


class _Parser:
    """Recursive descent over the tokens."""

    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        at = 0
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                raise SyntaxError(f"not understood: {text[at : at + 40]!r}")
            if found["token"]:
                self.tokens.append(found["token"])
            at = found.end()
        self.at = 0

    def peek(self, ahead: int = 0) -> str:
        return self.tokens[self.at + ahead] if self.at + ahead < len(self.tokens) else ""

    def take(self, *wanted: str) -> str:
        token = self.peek()
        if wanted and token not in wanted:
            raise SyntaxError(f"expected {' or '.join(wanted)}, found {' '.join(self.tokens[self.at : self.at + 8])}")
        self.at += 1
        return token

    def rules(self) -> dict[str, Type]:
        found: dict[str, Type] = {}
        while self.peek():
            name = self.take()
            self.take("=")
            assert name not in found, f"{name} is defined twice"
            found[name] = self.map("(", ")") if self.peek() == "(" else self.type()
        return found

    def type(self) -> Type:
        types = [self.one()]
        while self.peek() == "/":
            self.take()
            types.append(self.one())
        return types[0] if len(types) == 1 else Choice(tuple(types))

    def one(self) -> Type:
        token = self.peek()
        if token == "{":
            return self.map("{", "}")
        if token == "[":
            return self.array()
        self.take()
        if token.startswith('"'):
            return Literal(token[1:-1])
        if token.isdigit():
            return Literal(int(token))
        if not token[:1].isalpha():
            raise SyntaxError(f"expected a type, found {token!r}")
        if self.peek() == ".size":
            self.take()
            return Name(token, int(self.take()))
        return Name(token)

    def array(self) -> Array:
        self.take("[")
        occurs = self.take() if self.peek() in ("*", "+") else ""
        types = [self.type()]
        while self.peek() == ",":
            self.take()
            types.append(self.type())
        self.take("]")
        if occurs and len(types) > 1:
            raise SyntaxError("only arrays of one repeated type, or of fixed length")
        return Array(tuple(types), occurs)

    def map(self, opening: str, closing: str) -> Map:
        self.take(opening)
        found = Map()
        while self.peek() != closing:
            if self.peek() == "*":
                self.take()
                self.take("tstr")
                self.take("=>")
                found.others = self.type()
            elif self.peek() != "?" and self.peek(1) in (",", closing):
                found.groups.append(self.take())
            else:
                members = found.required
                if self.peek() == "?":
                    self.take()
                    members = found.optional
                name = self.take()
                self.take(":")
                members[name] = self.type()
            if self.peek() != closing:
                self.take(",")
        self.take(closing)
        return found
