"""Competency frameworks and matches in SKOS (W3C, 2009), in Turtle, RDF/XML or JSON-LD (`rdf`).

What is taken:

    scheme  its address -> id · dcterms:title, dc:title, prefLabel, rdfs:label -> title · owl:versionInfo,
            schema:version, else dcterms:modified, issued, created -> version · dcterms:publisher, dc:publisher,
            dcterms:creator -> publisher · dcterms:license, cc:license, dcterms:rights -> license · dcterms:source, if
            it is an address -> source_url
    concept its address -> id · definition, else scopeNote, else dcterms:description, else prefLabel -> statement ·
            prefLabel, else rdfs:label -> label · notation -> code · broader, and narrower of others -> parents
    matches exactMatch, closeMatch, broadMatch, narrowMatch, relatedMatch, dcterms:isReplacedBy -> links of a mapping

A concept belongs to a scheme by inScheme, topConceptOf, or hasTopConcept of the scheme; where the file has one scheme,
a concept that names no scheme belongs to it. Of texts in several languages one is taken (`languages`). A deprecated
concept is taken, because credentials name it, and is a finding. All other properties are counted in findings.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from accredit.registry.errors import DecodeError

from . import jsonld
from .frameworks import Framework, FrameworkNaming, ImportFindings, assemble, identifier, is_link, named_facts, spelled
from .languages import text_in
from .rdf import NO_BASE, RdfNodes, RdfValue

SKOS: Final = "http://www.w3.org/2004/02/skos/core#"
_DCT: Final = "http://purl.org/dc/terms/"
_DC: Final = "http://purl.org/dc/elements/1.1/"
_OWL: Final = "http://www.w3.org/2002/07/owl#"
_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_RDFS: Final = "http://www.w3.org/2000/01/rdf-schema#"
_FOAF: Final = "http://xmlns.com/foaf/0.1/"

_TYPE: Final = f"{_RDF}type"
_IN: Final = (f"{SKOS}inScheme", f"{SKOS}topConceptOf")
_BROADER, _NARROWER, _TOP = f"{SKOS}broader", f"{SKOS}narrower", f"{SKOS}hasTopConcept"
_DEPRECATED: Final = f"{_OWL}deprecated"

_LABEL: Final = (f"{SKOS}prefLabel", f"{_RDFS}label")
_STATEMENT: Final = (f"{SKOS}definition", f"{SKOS}scopeNote", f"{_DCT}description")
_CODE: Final = (f"{SKOS}notation",)
_TITLE: Final = (f"{_DCT}title", f"{_DC}title", *_LABEL)
_VERSION: Final = (f"{_OWL}versionInfo", "http://schema.org/version", "https://schema.org/version")
_DATE: Final = (f"{_DCT}modified", f"{_DCT}issued", f"{_DCT}created")
_PUBLISHER: Final = (f"{_DCT}publisher", f"{_DC}publisher", f"{_DCT}creator")
_LICENCE: Final = (f"{_DCT}license", "http://creativecommons.org/ns#license", f"{_DCT}rights")
_SOURCE: Final = (f"{_DCT}source",)
_LANGUAGE: Final = (f"{_DCT}language", f"{_DC}language")
MATCHES: Final[Mapping[str, str]] = {
    **{f"{SKOS}{name}": name for name in ("exactMatch", "closeMatch", "broadMatch", "narrowMatch", "relatedMatch")},
    f"{_DCT}isReplacedBy": "replacedBy",
}
"""Property -> the word for its relation in `crosswalks`."""

_CONCEPT_READ: Final = frozenset(
    (_TYPE, *_IN, _BROADER, _NARROWER, _DEPRECATED, *_LABEL, *_STATEMENT, *_CODE, *MATCHES)
)
_SCHEME_READ: Final = frozenset((_TYPE, _TOP, *_TITLE, *_VERSION, *_DATE, *_PUBLISHER, *_LICENCE, *_SOURCE, *_LANGUAGE))
"""Properties that are read; every other property is a finding."""


def is_skos(value: Any, text: str) -> bool:
    """Whether a JSON value looks like JSON-LD with SKOS; `text` is what it was read from."""
    if not isinstance(value, list | Mapping) or not any(word in text for word in ('"@context"', '"@graph"', '"@type"')):
        return False
    kinds = {kind for node in jsonld.flatten(value) for kind in node["@type"]}
    if kinds & {"CompetencyFramework", "AlignmentMap"}:
        return False
    return bool(kinds & {"Concept", "ConceptScheme"}) or (SKOS in text and not kinds & {"Competency"})


def read(nodes: RdfNodes, data: bytes, source: str, naming: FrameworkNaming) -> Framework:
    """Return the concept scheme in RDF as a framework.

    Args:
        data: the bytes it was read from.
        naming: what the framework is to be called, where that is not as the source says, and the language to take. Of
            several schemes in one file, `naming.id` says which.

    Raises:
        DecodeError: the file has no concepts, has several schemes of which none is chosen, or cannot be published.
    """
    notes = ImportFindings()
    concepts = concepts_of(nodes)
    if not concepts:
        raise DecodeError(
            "no_concepts",
            f"{source}: the file holds no skos:Concept.",
            hint="Give a file with a SKOS concept scheme and its concepts.",
        )
    schemes = schemes_of(nodes)
    known = {*concepts, *schemes}
    for key, node in nodes.items():
        if key not in known and _TYPE in node:
            named = " and ".join(jsonld.local(kind.text) for kind in node[_TYPE])
            notes.count("other_node", f"Left out: a node that is not a concept but {named}")
    reader = _Reader(nodes, concepts, schemes, _chosen(schemes, naming, source), notes, naming)
    return assemble(reader.facts(source), reader.items(), notes, data=data, source=source, read=len(concepts))


def concepts_of(nodes: RdfNodes) -> list[str]:
    """Return the addresses of the concepts, in order."""
    return [key for key, node in nodes.items() if _is(node, "Concept")]


def schemes_of(nodes: RdfNodes) -> list[str]:
    """Return the addresses of the schemes that the file describes or, if it describes none, names."""
    described = [key for key, node in nodes.items() if _is(node, "ConceptScheme") or _TOP in node]
    named = (one.text for node in nodes.values() for member in _IN for one in node.get(member, ()) if one.is_node)
    return described or list(dict.fromkeys(named))


def title_of(nodes: RdfNodes, scheme: str) -> str:
    """Return a scheme's title, in English where there is one; empty if it has none."""
    return _Texts(nodes, ImportFindings(), "en").first(scheme, _TITLE)


def matches_of(nodes: RdfNodes, notes: ImportFindings) -> Iterator[tuple[str, str, str]]:
    """Yield source, relation (a word of SKOS) and target of every match; others are findings."""
    for concept in nodes:
        for member, word in MATCHES.items():
            for value in nodes[concept].get(member, ()):
                if not value.is_node or {concept[:2], value.text[:2]} & {"_:"} or NO_BASE in concept + value.text:
                    notes.count("bad_id", f"Left out: a link {word} between two things, one of which has no address")
                else:
                    yield concept, word, value.text


def _chosen(schemes: Sequence[str], naming: FrameworkNaming, source: str) -> str:
    """Return the scheme to take; empty if the file has none."""
    if len(schemes) < 2:
        return schemes[0] if schemes else ""
    chosen = next((one for one in schemes if naming.id and spelled(one) == spelled(naming.id)), None)
    if chosen is None:
        raise DecodeError(
            "several_schemes",
            f"{source}: the file holds {len(schemes)} concept schemes: {', '.join(schemes[:5])}"
            f"{', …' if len(schemes) > 5 else ''}.",
            hint=f"Import one after the other: --id {schemes[0]}",
        )
    return chosen


class _Texts:
    """Chooses the texts of nodes, one for each member, in one language."""

    def __init__(self, nodes: RdfNodes, notes: ImportFindings, language: str) -> None:
        self.nodes = nodes
        self.notes = notes
        self.language = language

    def first(self, key: str, members: Sequence[str], *, joined: bool = False) -> str:
        """Return the text of the first of several members that has one; report the others as left out."""
        node = self.nodes.get(key, {})
        found = ""
        for member in members:
            said = [pair for value in node.get(member, ()) for pair in self._said(value, member)]
            if said and found:
                self.notes.count("not_taken", f"Not imported: {jsonld.local(member)}, because another text is taken")
            elif said:
                named = jsonld.local(member)
                found = text_in(self.language, said, self.notes, member=named, of=key, joined=joined)
        return found

    def _said(self, value: RdfValue, member: str) -> list[tuple[str, str]]:
        """Return language and text of a value. The text of a node is its name or value, else its address."""
        if not value.is_node:
            text = value.text.strip().replace("\r\n", "\n").replace("\r", "\n")
            return [(value.language, text)] if text else []
        node = self.nodes.get(value.text, {})
        for named in (f"{_RDF}value", f"{_FOAF}name", *_LABEL):
            if said := [(one.language, one.text.strip()) for one in node.get(named, ()) if not one.is_node]:
                return said
        if value.text.startswith("_:"):
            self.notes.count("not_taken", f"Not imported: a value of {jsonld.local(member)} that is not text")
            return []
        return [("", value.text)]


class _Reader:
    """One pass over one scheme."""

    def __init__(
        self,
        nodes: RdfNodes,
        concepts: Sequence[str],
        schemes: Sequence[str],
        scheme: str,
        notes: ImportFindings,
        naming: FrameworkNaming,
    ) -> None:
        self.nodes = nodes
        self.concepts = concepts
        self.is_only = len(schemes) < 2
        self.scheme = scheme
        self.notes = notes
        self.naming = naming
        said = [one.text for member in _LANGUAGE for one in nodes.get(scheme, {}).get(member, ()) if not one.is_node]
        self.texts = _Texts(nodes, notes, (naming.language or (said[0] if len(said) == 1 else "en")).lower())

    def facts(self, source: str) -> dict[str, Any]:
        """Return the members of `framework.publish` that are not computed."""
        is_named = not self.scheme.startswith(("_:", NO_BASE))
        said = {
            "id": self.scheme if is_named else "",
            "title": self.texts.first(self.scheme, _TITLE),
            "version": self._version(),
            "publisher": self.texts.first(self.scheme, _PUBLISHER),
        }
        facts = named_facts(said, "skos", self.naming, self.notes, source)
        optional = {"license": self.texts.first(self.scheme, _LICENCE)}
        address = self.texts.first(self.scheme, _SOURCE)
        if is_link(address):
            optional["source_url"] = address
        elif address:
            self.notes.add("not_taken", f"Not imported from the framework: the source {address!r}, which is no URL.")
        self._others(self.scheme, _SCHEME_READ, " from the framework")
        return {**facts, **{name: text for name, text in optional.items() if text}}

    def _version(self) -> str:
        said = self.naming.version or self.texts.first(self.scheme, _VERSION)
        if said:
            return said
        dated = self.texts.first(self.scheme, _DATE).partition("T")[0]
        if dated:
            self.notes.add("version_from_date", f"The version is named {dated}, after the date of the scheme.")
        return dated

    def items(self) -> Iterator[dict[str, Any]]:
        """Yield the scheme's own concepts, in order."""
        mine = {key: id_ for key in self._own() if (id_ := self._id_of(key)) is not None}
        parents = self._parents(mine)
        for key, id_ in mine.items():
            yield self._item(key, id_, parents.get(key, []))
            self._others(key, _CONCEPT_READ)

    def _own(self) -> Iterator[str]:
        tops = {one.text for one in self.nodes.get(self.scheme, {}).get(_TOP, ())}
        for key in self.concepts:
            wholes = [one.text for member in _IN for one in self.nodes[key].get(member, ())]
            if self.scheme in wholes or key in tops or (self.is_only and not wholes):
                yield key
            elif wholes:
                text = f"Left out: a concept of another scheme, {wholes[0]}"
                self.notes.count("foreign_item", text, "Import that scheme as well.")
            else:
                self.notes.count("foreign_item", "Left out: a concept that does not say to which scheme it belongs")

    def _id_of(self, key: str) -> str | None:
        name = next((one.text[:60] for one in self.nodes[key].get(_LABEL[0], ())), "")
        if key.startswith(("_:", NO_BASE)):
            why = "has no address" if key.startswith("_:") else "has a relative address, and the file has no base"
            self.notes.add("no_id", f"The concept {name!r} was left out because it {why}.", "Add it in the source.")
            return None
        return identifier(key, f"The concept {name!r}", self.notes)

    def _item(self, key: str, id_: str, parents: Sequence[str]) -> dict[str, Any]:
        node = self.nodes[key]
        label = self.texts.first(key, _LABEL)
        statement = self.texts.first(key, _STATEMENT, joined=True)
        if not statement and label:
            self.notes.count("label_as_statement", "Without a definition or note; the label was used instead")
        if any(one.text.strip() in ("true", "1") for one in node.get(_DEPRECATED, ())):
            text = "Deprecated in the source, and imported all the same, because credentials may name it"
            self.notes.count("deprecated", text)
        for member in [one for one in MATCHES if one in node]:
            text = f"Not imported: {jsonld.local(member)}, which is a link to another framework"
            self.notes.count("not_taken", text, "Import the links with accredit mapping import.")
        optional = {"code": self.texts.first(key, _CODE), "label": label, "parents": list(parents)}
        item = {"id": id_, "statement": statement or label}
        return item | {name: value for name, value in optional.items() if value}

    def _parents(self, mine: Mapping[str, str]) -> dict[str, list[str]]:
        """Return the parents' ids of each concept, from broader and, reversed, narrower."""
        parents: dict[str, dict[str, None]] = {}
        for key in mine:
            for above in self.nodes[key].get(_BROADER, ()):
                if above.is_node:
                    parents.setdefault(key, {})[mine.get(above.text, above.text)] = None
            for below in self.nodes[key].get(_NARROWER, ()):
                if below.text in mine:
                    parents.setdefault(below.text, {})[mine[key]] = None
                else:
                    self.notes.add(
                        "missing_child",
                        f"{mine[key]} names {below.text} as narrower, but the scheme in the file does not contain it.",
                        "Download the whole scheme, or correct the link.",
                    )
        return {key: list(above) for key, above in parents.items()}

    def _others(self, key: str, read: frozenset[str], where: str = "") -> None:
        for member in sorted(self.nodes.get(key, {}).keys() - read):
            self.notes.count("not_taken", f"Not imported{where}: {jsonld.local(member)}")


def _is(node: Mapping[str, list[RdfValue]], kind: str) -> bool:
    return any(one.text == SKOS + kind for one in node.get(_TYPE, ()))
