"""Reads JSON-LD in any of its shapes as flat nodes, as far as CTDL-ASN files need it; fetches nothing.

One framework can be written in many ways that mean the same (JSON-LD 1.1): nodes in a `@graph`, in a list, or one
inside the other; a node in several pieces; values alone, in lists, in `@set`, `@list` or `@value`; texts as language
maps or as value objects; names with a prefix or as whole IRIs; links forward or, with `@reverse`, backward. `flatten`
makes one shape of them all: each node once, its members named without prefix, every value in a list, and in place of a
node that was inside another a reference to it. `texts` and `references` read the values.

A context is used if it is in the file: prefixes of ids, `@base`, and other words for `@id` and `@type`. Contexts
elsewhere are not fetched, and names are compared only by their last part.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urljoin

from accredit.cli.importers.reading import listed
from accredit.registry.errors import DecodeError

_LOCAL: Final = re.compile(r"[^:/#]*$")
_LANGUAGE: Final = re.compile(r"(?:[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*|@none)", re.ASCII)
_VALUE_KEYS: Final = frozenset(("@value", "@language", "@type", "@direction", "@index"))

JsonLdNode = Mapping[str, Any]
"""`@id` (text, empty if it has none), `@type` (local names), and members: local name -> list of values."""


@dataclass(slots=True)
class _Context:
    prefixes: dict[str, str] = field(default_factory=dict)
    base: str = ""
    id_words: tuple[str, ...] = ("@id", "id")
    type_words: tuple[str, ...] = ("@type", "type")

    def expand(self, id_: str) -> str:
        """Return an id in full."""
        prefix, colon, rest = id_.partition(":")
        if colon and prefix in self.prefixes and not rest.startswith("//"):
            return self.prefixes[prefix] + rest
        if not self.base or ":" in id_:
            return id_
        try:
            return urljoin(self.base, id_)
        except ValueError:  # a base that is no address
            return id_


def flatten(value: Any) -> list[JsonLdNode]:
    """Return every node in a JSON value once, in the order in which they begin.

    Raises:
        DecodeError: `too_deep`: more nodes lie one inside the other than Python can follow.
    """
    nodes: dict[str, dict[str, Any]] = {}
    context = _Context()
    try:
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, Mapping):
                _node(part, _read_context(part, context), nodes)
    except RecursionError:
        raise DecodeError(
            "too_deep",
            "The nodes of this JSON-LD are nested too deeply.",
            hint="Save it flat, with all nodes in @graph.",
        ) from None
    return list(nodes.values())


def local(name: str) -> str:
    """Return a name without its prefix, as in `ceasn:` or a whole IRI."""
    match = _LOCAL.search(name)
    return match[0] if match and match[0] else name


def texts(values: Sequence[Any]) -> list[tuple[str, str]]:
    """Return every text in values with its language in lower case; the language is empty if none is stated."""
    return [(language.lower(), _clean(text)) for value in values for language, text in _literals(value) if text.strip()]


def references(values: Sequence[Any]) -> list[str]:
    """Return every address to which values refer."""
    return [found for value in values if (found := _reference(value))]


# ------------------------------------------------------------------------------------------------ nodes


def _read_context(part: Mapping[str, Any], outer: _Context) -> _Context:
    written = part.get("@context")
    entries = [entry for entry in (written if isinstance(written, list) else [written]) if isinstance(entry, Mapping)]
    if not entries:
        return outer
    context = _Context(dict(outer.prefixes), outer.base, outer.id_words, outer.type_words)
    for entry in entries:
        for name, meaning in entry.items():
            term = meaning.get("@id") if isinstance(meaning, Mapping) else meaning
            if name == "@base" and isinstance(term, str):
                context.base = term
            elif term == "@id":
                context.id_words += (name,)
            elif term == "@type":
                context.type_words += (name,)
            elif isinstance(term, str) and term.endswith(("/", "#", ":", "=")):
                context.prefixes[name] = term
    return context


def _node(written: Mapping[str, Any], context: _Context, nodes: dict[str, dict[str, Any]]) -> str:
    """Take in one node and those inside it; return the key it stands under."""
    id_ = next((written[word] for word in context.id_words if isinstance(written.get(word), str)), "")
    key = context.expand(id_) if id_ else f"_:{len(nodes)}"
    node: dict[str, Any] | None = None
    words = {*context.id_words, *context.type_words, "@context", "@graph", "@included", "@reverse"}
    types = [local(one) for word in context.type_words for one in listed(written.get(word)) if isinstance(one, str)]
    members = [(name, value) for name, value in written.items() if name not in words]
    if types or members or (id_ and "@graph" not in written):
        node = nodes.setdefault(key, {"@id": context.expand(id_) if id_ else "", "@type": []})
        node["@type"] += [one for one in types if one not in node["@type"]]
    for name, value in members:
        assert node is not None
        held = node.setdefault(local(name), [])
        for one in _values(value, context, nodes):
            if one not in held:
                held.append(one)
    for name, value in (written.get("@reverse") or {}).items() if isinstance(written.get("@reverse"), Mapping) else ():
        for other in listed(value):
            if isinstance(other, Mapping):
                _node({**other, name: [*listed(other.get(name)), {"@id": key}]}, context, nodes)
    for word in ("@graph", "@included"):
        for part in listed(written.get(word)):
            if isinstance(part, Mapping):
                _node(part, _read_context(part, context), nodes)
    return key


def _values(value: Any, context: _Context, nodes: dict[str, dict[str, Any]]) -> Iterator[Any]:
    """Return the values of a member: wrappers opened, nodes replaced by references to them."""
    for one in listed(value):
        if not isinstance(one, Mapping):
            yield one
        elif not one:
            continue
        elif "@set" in one or "@list" in one:
            yield from _values(one.get("@set", one.get("@list")), context, nodes)
        elif "@value" in one or _is_language_map(one):
            yield one
        elif _is_reference(one, context):
            yield {"@id": context.expand(next(str(one[word]) for word in context.id_words if word in one))}
        else:
            yield {"@id": _node(one, _read_context(one, context), nodes)}


def _is_reference(value: Mapping[str, Any], context: _Context) -> bool:
    return len(value) == 1 and any(isinstance(value.get(word), str) for word in context.id_words)


def _is_language_map(value: Mapping[str, Any]) -> bool:
    return bool(value) and all(
        _LANGUAGE.fullmatch(str(tag)) is not None
        and tag not in ("id", "type")
        and all(isinstance(one, str) for one in listed(text))
        for tag, text in value.items()
    )


# ------------------------------------------------------------------------------------------------ values


def _literals(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield "", value
    elif isinstance(value, Mapping) and "@value" in value:
        yield str(value.get("@language") or ""), str(value["@value"])
    elif isinstance(value, Mapping) and "@id" in value:
        yield "", str(value["@id"])
    elif isinstance(value, Mapping):
        for tag, written in value.items():
            for one in listed(written):
                if isinstance(one, str):
                    yield ("" if tag == "@none" else str(tag)), one
    elif isinstance(value, bool | int | float):
        yield "", str(value)


def _reference(value: Any) -> str:
    if isinstance(value, Mapping):
        value = value.get("@id", value.get("@value"))
    return value.strip() if isinstance(value, str) else ""


def _clean(text: str) -> str:
    return text.strip().replace("\r\n", "\n").replace("\r", "\n")
