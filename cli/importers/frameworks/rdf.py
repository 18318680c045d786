"""Reads RDF in Turtle, RDF/XML or JSON-LD as plain nodes. It fetches nothing, and refuses text that would grow.

rdflib reads the text (the optional package of `accredit[skos]`). It would open addresses that a file names, so this
module first refuses the causes: in JSON-LD contexts elsewhere, in XML a document type elsewhere. It also refuses XML
that could grow while it is read: it accepts only entities that stand for namespaces.
"""

import logging
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal
from xml.parsers import expat

from accredit.cli.importers.spreadsheet import decode
from accredit.node.extras import install_line
from accredit.registry.errors import DecodeError, NotYetError

RdfSyntax = Literal["turtle", "xml"]
NO_BASE: Final = "http://relative.invalid/"
"""Base of relative addresses if the file does not state one (RFC 2606 §2)."""
ENTITY_CHARS: Final = 200
"""Characters that an XML entity may stand for: a namespace."""
_Triple = tuple[Any, Any, Any]
_ENDINGS: Final[Mapping[str, RdfSyntax]] = {
    "ttl": "turtle",
    "nt": "turtle",  # N-Triples is a part of Turtle
    "rdf": "xml",
    "owl": "xml",
    "xml": "xml",
}
_NAMES: Final[Mapping[RdfSyntax, str]] = {"turtle": "Turtle", "xml": "RDF/XML"}
_TURTLE: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:#[^\n]*\n\s*)*(?:@(?:prefix|base)\s|(?:prefix|base)\s[^\n]*<|<(?:https?://|urn:)[^>\s]*>\s+<)",
    re.IGNORECASE,
)
_XML: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:\?xml\s|!DOCTYPE\s|!--|rdf:RDF\b)")
_WHY: Final = re.compile(r"Bad syntax \((.*?)\) at ", re.DOTALL)
_SAID_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class RdfValue:
    """One value of a property.

    Attributes:
        text: the text as written or, for a node, its key.
        language: tag in lower case; empty if none is stated.
        is_node: whether it refers to a node.
    """

    text: str
    language: str = ""
    is_node: bool = False


RdfNodes = Mapping[str, Mapping[str, list[RdfValue]]]
"""Address of a node (`_:…` if it has none) -> address of a property -> its values, all in the file's order."""


def syntax_of(data: bytes, source: str) -> RdfSyntax | None:
    """Return the syntax of a file in RDF other than JSON-LD, by its name's ending, else by its beginning."""
    if said := _ENDINGS.get(source.lower().rpartition(".")[2]):
        return said
    head = data[:10_000]
    return "xml" if _XML.match(head) else "turtle" if _TURTLE.match(head) else None


def read_rdf(data: bytes, source: str, syntax: RdfSyntax, encoding: str = "") -> RdfNodes:
    """Return the nodes in Turtle or RDF/XML.

    Args:
        encoding: of Turtle that is not Unicode; XML states its own.

    Raises:
        NotYetError: rdflib is not installed.
        DecodeError: the text does not have that syntax, or reading it could open an address or grow without bound.
    """
    rdflib = _rdflib()
    if syntax == "xml":
        _check_xml(data, source)
    else:
        data = decode(data, source, encoding).encode()
    triples, store = _store()
    with _as_written(), _syntax_errors(source, _NAMES[syntax]):
        rdflib.Graph(store).parse(data=data, format=syntax, publicID=NO_BASE)
        return _plain(triples)


def read_json_ld(value: Any, source: str) -> RdfNodes:
    """Return the nodes in a JSON-LD value.

    Raises:
        NotYetError: rdflib is not installed.
        DecodeError: the value is not JSON-LD, or names a context elsewhere.
    """
    rdflib = _rdflib()
    from rdflib.plugins.parsers.jsonld import to_rdf

    _refuse_contexts_elsewhere(value, source)
    triples, store = _store()
    with _as_written(), _syntax_errors(source, "JSON-LD"):
        to_rdf(value, rdflib.Dataset(store), NO_BASE)
        return _plain(triples)


def _rdflib() -> Any:
    try:
        import rdflib
    except ImportError:
        raise NotYetError(
            "not_installed",
            "Reading SKOS needs a package that is not installed here (rdflib).",
            hint=f"Install it: {install_line('skos')}",
        ) from None
    return rdflib


def _store() -> tuple[list[_Triple], Any]:
    """Return a list of triples and a store that fills it, because rdflib's own stores do not keep their order."""
    from rdflib.plugins.stores.memory import Memory

    triples: list[_Triple] = []

    class InOrder(Memory):
        def add(self, triple: _Triple, *_: Any, **__: Any) -> None:
            triples.append(triple)

    return triples, InOrder()


def _plain(triples: Iterable[_Triple]) -> RdfNodes:
    from rdflib import BNode
    from rdflib import Literal as RdfText

    nodes: dict[str, dict[str, list[RdfValue]]] = {}
    for subject, property, value in triples:
        if isinstance(value, RdfText):
            plain = RdfValue(str(value), (value.language or "").lower())
        else:
            plain = RdfValue(f"_:{value}" if isinstance(value, BNode) else str(value), is_node=True)
        key = f"_:{subject}" if isinstance(subject, BNode) else str(subject)
        held = nodes.setdefault(key, {}).setdefault(str(property), [])
        if plain not in held:
            held.append(plain)
    return nodes


# ------------------------------------------------------------------------------------------------ refusals


def _check_xml(data: bytes, source: str) -> None:
    """Refuse XML that is not well-formed, and declarations that make a small file large or open another one."""

    def refuse(what: str) -> None:
        raise DecodeError(
            "xml_declaration",
            f"{source}: it {what}. That is not accepted.",
            hint="Save the vocabulary as Turtle, or as RDF/XML without a document type (<!DOCTYPE …>).",
        )

    def doctype(_name: str, system: str | None, _public: str | None, _inside: bool) -> None:
        if system is not None:
            refuse(f"refers to a document type elsewhere ({system})")

    def entity(name: str, is_parameter: bool, value: str | None, *_elsewhere: str | None) -> None:
        if value is None or is_parameter or len(value) > ENTITY_CHARS or set("&<%") & set(value):
            refuse(f"declares the entity {name!r}, which stands for more than a namespace")

    def attribute(element: str, name: str, _kind: str, default: str | None, _required: bool) -> None:
        if default is not None:
            refuse(f"declares a default for the attribute {name!r} of {element!r}")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = doctype
    parser.EntityDeclHandler = entity
    parser.AttlistDeclHandler = attribute
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        place = f" at line {error.lineno}" if isinstance(error, expat.ExpatError) else ""
        why = expat.ErrorString(error.code) if isinstance(error, expat.ExpatError) else error
        raise _not_rdf(source, "RDF/XML", f"{why}{place}") from error


def _refuse_contexts_elsewhere(value: Any, source: str) -> None:
    """Refuse JSON-LD with a context by address anywhere, because rdflib would open it."""
    waiting: list[tuple[Any, bool]] = [(value, False)]
    while waiting:
        one, is_context = waiting.pop()
        if isinstance(one, list):
            waiting += ((inner, is_context) for inner in one)
        elif isinstance(one, Mapping):
            waiting += ((inner, name in ("@context", "@import")) for name, inner in one.items())
        elif is_context and isinstance(one, str):
            raise DecodeError(
                "context_elsewhere",
                f"{source}: its context is elsewhere ({one[:_SAID_CHARS]}), and is not fetched.",
                hint="Save the vocabulary as Turtle or RDF/XML, or write the context itself into the file.",
            )


# ------------------------------------------------------------------------------------------------ rdflib


@contextmanager
def _as_written() -> Iterator[None]:
    """Make rdflib keep texts as written ("01" of the type integer stays "01"), and print nothing."""
    rdflib = _rdflib()
    logger = logging.getLogger("rdflib")
    before = rdflib.NORMALIZE_LITERALS, logger.level
    rdflib.NORMALIZE_LITERALS = False
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        rdflib.NORMALIZE_LITERALS = before[0]
        logger.setLevel(before[1])


@contextmanager
def _syntax_errors(source: str, name: str) -> Iterator[None]:
    """Turn every error of rdflib's parsers into one about the text."""
    try:
        yield
    except DecodeError:
        raise
    except RecursionError as error:
        raise _not_rdf(source, name, "nested too deeply") from error
    except Exception as error:
        found = _WHY.search(str(error))
        lines = getattr(error, "lines", None)
        place = f" at line {lines + 1}" if isinstance(lines, int) else ""
        is_said = type(error).__module__ != "builtins"  # by the parser; else it only stumbled
        why = found[1] if found else str(error) if is_said else "a value is not of the kind that is due there"
        raise _not_rdf(source, name, " ".join(why.split())[:_SAID_CHARS] + place) from error


def _not_rdf(source: str, name: str, why: str) -> DecodeError:
    return DecodeError(
        "not_rdf", f"{source}: not {name}: {why}.", hint="Download the file again, or correct that place."
    )
