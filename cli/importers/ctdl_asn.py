"""Competency frameworks as Credential Engine publishes them: CTDL-ASN in JSON-LD.

A file is `{"@context": …, "@id": …, "@graph": [a ceasn:CompetencyFramework, its ceasn:Competency nodes, …]}`. What is
taken (properties of the CTDL-ASN schema):

    framework  @id -> id · name -> title · versionIdentifier, else dateModified, else dateCreated -> version ·
               publisherName, else publisher -> publisher · license · source, if it is an address -> source_url
    competency @id -> id · competencyText -> statement · competencyLabel, else name -> label · codedNotation -> code ·
               competencyCategory -> type · isChildOf, and hasChild of others -> parents · ctid -> an alias, the address
               under which the Credential Registry serves the same resource

Texts are language maps (`{"en-us": "…"}`): one language is taken, the others are reported. An item that is part of
another framework is foreign and not taken. Names are compared without their prefix, as in `ceasn:` or a whole IRI; the
context is not fetched. Where a value is a list, the first is meant.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from accredit.registry.encoding.identifiers import canonical
from accredit.registry.encoding.schema import link
from accredit.registry.errors import DecodeError

from .frameworks import Framework, ImportFindings, assemble, identifier

REGISTRY: Final = "https://credentialengineregistry.org/resources/"
_CTID: Final = re.compile(r"ce-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_LOCAL: Final = re.compile(r"[^:/#]*$")

_TAKEN: Final = frozenset(
    (
        "@id",
        "@type",
        "ctid",
        "competencyText",
        "competencyLabel",
        "name",
        "codedNotation",
        "competencyCategory",
        "isPartOf",
        "isChildOf",
        "isTopChildOf",
        "hasChild",
    )
)

JsonLdNode = Mapping[str, Any]


def is_ctdl_asn(value: Any) -> bool:
    """Whether a JSON value looks like JSON-LD with a competency framework."""
    return isinstance(value, Mapping) and ("@graph" in value or _is(value, "CompetencyFramework"))


def read(
    value: Mapping[str, Any], data: bytes, source: str, *, language: str | None = None, version: str | None = None
) -> Framework:
    """The framework in a JSON-LD value.

    Args:
        data: the bytes it was read from.
        language: tag of the language to take, as in `en` or `es-MX`; by default what the framework says it is in.
        version: what to call this version, where the source does not say.

    Raises:
        DecodeError: no framework, or several, or one that cannot be published.
    """
    graph = value.get("@graph", [value])
    if not isinstance(graph, list):
        raise DecodeError("not_ctdl_asn", f"{source}: @graph is not a list.", hint="Download it again.")
    notes = ImportFindings()
    nodes = [_plain_names(node) for node in graph if isinstance(node, Mapping)]
    frameworks = [node for node in nodes if _is(node, "CompetencyFramework")]
    if len(frameworks) != 1:
        found = f"{len(frameworks)} frameworks" if frameworks else "no ceasn:CompetencyFramework"
        raise DecodeError("not_one_framework", f"{source}: it holds {found}.", hint="Give a file with exactly one.")
    reader = _Reader(frameworks[0], notes, source, language)
    competencies = [node for node in nodes if _is(node, "Competency")]
    for node in nodes:
        if not _is(node, "CompetencyFramework") and not _is(node, "Competency"):
            kind = " and ".join(_kinds(node)) or "of no type"
            notes.count("other_node", f"Left out: a node that is no competency but {kind}")
    return assemble(
        reader.facts(version),
        reader.items(competencies),
        notes,
        data=data,
        source=source,
        read=len(competencies),
    )


class _Reader:
    """One pass over one framework."""

    def __init__(self, framework: JsonLdNode, notes: ImportFindings, source: str, language: str | None) -> None:
        self.framework = framework
        self.notes = notes
        self.source = source
        id_ = identifier(framework.get("@id"), "The framework", notes)
        if id_ is None:
            raise DecodeError("bad_framework_id", f"{source}: {notes.said[-1].text}", hint="Give its @id as a URI.")
        self.id = id_
        self.language = (language or _first_text(framework.get("inLanguage")) or "en").lower()

    def facts(self, version: str | None) -> dict[str, Any]:
        """The members of `framework.publish` that are not computed."""
        title = self.text(self.framework.get("name"))
        if not title:
            raise DecodeError("no_title", f"{self.source}: the framework has no ceasn:name.", hint="Add it.")
        facts = {"id": self.id, "title": title, "version": version or self._version(), "format": "ctdl_asn"}
        publisher = self.text(self.framework.get("publisherName")) or _first_text(self.framework.get("publisher"))
        license_ = _first_text(self.framework.get("license")) or _first_text(self.framework.get("rights"))
        address = next((one for one in _listed(self.framework.get("source")) if _is_link(one)), None)
        optional = {"publisher": publisher, "license": license_, "source_url": address}
        return {**facts, **{name: value for name, value in optional.items() if value}}

    def _version(self) -> str:
        for member in ("versionIdentifier", "dateModified", "dateCreated"):
            written = _first_text(self.framework.get(member))
            if written:
                version = written.removesuffix("T00:00:00Z")
                if member != "versionIdentifier":
                    self.notes.add("version_from_date", f"The version is called {version}, after {member}.")
                return version
        raise DecodeError(
            "no_version",
            f"{self.source}: the framework says neither version nor date.",
            hint="Name it: --version TEXT.",
        )

    def items(self, competencies: Sequence[JsonLdNode]) -> Iterator[dict[str, Any]]:
        """The framework's own items, in order."""
        parents = self._parents(competencies)
        for node in competencies:
            id_ = identifier(node.get("@id"), "A competency", self.notes)
            if id_ is not None and not self._is_foreign(node, id_):
                yield self._item(node, id_, parents.get(id_, []))
            for member in sorted(node.keys() - _TAKEN):
                self.notes.count("not_taken", f"Not taken: {member}")

    def _item(self, node: JsonLdNode, id_: str, parents: Sequence[str]) -> dict[str, Any]:
        label = self.text(node.get("competencyLabel")) or self.text(node.get("name"))
        statement = self.text(node.get("competencyText"))
        if not statement and label:
            self.notes.add("label_as_statement", f"{id_} has no competencyText; its label was taken for it.")
        alias = self._alias(node, id_)
        optional = {
            "aliases": [alias] if alias else [],
            "code": self.text(node.get("codedNotation")),
            "label": label,
            "type": self.text(node.get("competencyCategory")),
            "parents": list(parents),
        }
        item = {"id": id_, "statement": statement or label}
        return item | {name: value for name, value in optional.items() if value}

    def _is_foreign(self, node: JsonLdNode, id_: str) -> bool:
        wholes = [whole for whole in (_reference(one) for one in _listed(node.get("isPartOf"))) if whole]
        if not wholes or self.id in (_spelled(whole) for whole in wholes):
            return False
        text = f"{id_} was left out: it is part of another framework, {wholes[0]}."
        self.notes.add("foreign_item", text, "Import that framework too.")
        return True

    def _parents(self, competencies: Sequence[JsonLdNode]) -> dict[str, list[str]]:
        """Item -> parents, from isChildOf and, the other way round, hasChild. The framework itself is no parent."""
        parents: dict[str, dict[str, None]] = {}
        for node in competencies:
            id_ = _spelled(node.get("@id"))
            for parent in map(_reference, _listed(node.get("isChildOf"))):
                if parent and _spelled(parent) != self.id:
                    parents.setdefault(id_, {})[_spelled(parent)] = None
        for node in competencies:
            for child in map(_reference, _listed(node.get("hasChild"))):
                if child:
                    parents.setdefault(_spelled(child), {})[_spelled(node.get("@id"))] = None
        return {id_: list(above) for id_, above in parents.items()}

    def _alias(self, node: JsonLdNode, id_: str) -> str | None:
        ctid = _first_text(node.get("ctid"))
        if not ctid:
            return None
        if _CTID.fullmatch(ctid) is None:
            self.notes.add("bad_ctid", f"The CTID {ctid!r} of {id_} was left out: it is not one.")
            return None
        return None if id_ == REGISTRY + ctid else REGISTRY + ctid

    def text(self, value: Any) -> str:
        """One text of a language map; plain text as it is; empty if there is none."""
        if not isinstance(value, Mapping):
            return _first_text(value)
        if "@value" in value:
            return _first_text(value["@value"])
        tags = {str(tag).lower(): tag for tag in value}
        chosen = next((tag for tag in tags if tag == self.language), None) or next(
            (tag for tag in tags if tag.split("-")[0] == self.language.split("-")[0]), None
        )
        others = sorted(tag for tag in tags if tag != chosen)
        if chosen is None and others:
            chosen = others.pop(0)
            self.notes.count("other_language", f"Not there in {self.language}, taken in {chosen}")
        for tag in others:
            self.notes.count("language_left_out", f"Also there in {tag}, not taken", "--language takes another.")
        return _first_text(value[tags[chosen]]) if chosen is not None else ""


def _plain_names(node: JsonLdNode) -> JsonLdNode:
    """The node with its properties named without prefix; of two that become one name, the first stays."""
    plain: dict[str, Any] = {}
    for name, value in node.items():
        plain.setdefault(name if name.startswith("@") else _local(name), value)
    return plain


def _local(name: str) -> str:
    match = _LOCAL.search(name)
    return match[0] if match and match[0] else name


def _kinds(node: JsonLdNode) -> list[str]:
    return [_local(kind) for kind in _listed(node.get("@type")) if isinstance(kind, str)]


def _is(node: JsonLdNode, kind: str) -> bool:
    return kind in _kinds(node)


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _first_text(value: Any) -> str:
    """The first text in a value, without white space at its ends."""
    for one in _listed(value):
        if isinstance(one, Mapping):
            one = one.get("@id") or one.get("@value")
        if isinstance(one, str) and one.strip():
            return one.strip().replace("\r\n", "\n").replace("\r", "\n")
    return ""


def _reference(value: Any) -> str:
    """The URI a reference names: text, or an object with `@id`."""
    return _first_text(value)


def _spelled(uri: Any) -> str:
    try:
        return canonical(uri) if isinstance(uri, str) else ""
    except DecodeError:
        return str(uri)


def _is_link(value: Any) -> bool:
    try:
        link(value, "")
    except DecodeError:
        return False
    return True
