"""Competency frameworks as Credential Engine publishes them: CTDL-ASN in JSON-LD, in any of its shapes (`jsonld`).

The Credential Registry's envelopes are opened before (`envelopes`).

What is taken (properties of the CTDL-ASN schema):

    framework  @id -> id · name -> title · versionIdentifier, else dateModified, else dateCreated -> version ·
               publisherName, else publisher -> publisher · license, else rights -> license ·
               source, if it is an address -> source_url
    competency @id -> id · competencyText -> statement · competencyLabel, else name -> label · codedNotation -> code ·
               competencyCategory -> type · isChildOf, and hasChild of others -> parents · ctid -> an alias, the address
               under which the Credential Registry serves the same resource

Nothing is lost silently: every text, link and node of the source is taken or is a finding. Of texts in several
languages one is taken; several texts in that language become one statement, one below the other. An item of another
framework is not taken.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from accredit.registry.encoding.counts import many
from accredit.registry.errors import DecodeError

from . import jsonld
from .frameworks import Framework, FrameworkNaming, ImportFindings, assemble, identifier, is_link, spelled
from .jsonld import JsonLdNode
from .languages import text_in

REGISTRY: Final = "https://credentialengineregistry.org/resources/"
_CTID: Final = re.compile(r"ce-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)

_ITEM: Final = frozenset(
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
_FRAMEWORK: Final = frozenset(
    (
        "@id",
        "@type",
        "name",
        "versionIdentifier",
        "dateModified",
        "dateCreated",
        "publisherName",
        "publisher",
        "license",
        "rights",
        "source",
        "inLanguage",
        "hasTopChild",
        "hasChild",
    )
)
"""Members that are read; every other member is a finding."""


def is_ctdl_asn(value: Any) -> bool:
    """Whether a JSON value looks like JSON-LD with a competency framework."""
    if isinstance(value, list):
        return any(is_ctdl_asn(one) for one in value[:1_000])
    if not isinstance(value, Mapping):
        return False
    kinds = value.get("@type", value.get("type"))
    named = [kinds] if isinstance(kinds, str) else kinds if isinstance(kinds, list) else []
    return "@graph" in value or any(jsonld.local(str(kind)) == "CompetencyFramework" for kind in named)


def read(value: Mapping[str, Any] | Sequence[Any], data: bytes, source: str, naming: FrameworkNaming) -> Framework:
    """Return the framework in a JSON-LD value.

    Args:
        data: the bytes it was read from.
        naming: id, title and version that replace the source's, and the language to take.

    Raises:
        DecodeError: the value has no framework, or several, or one that cannot be published.
    """
    if isinstance(value, Mapping) and not isinstance(value.get("@graph", []), list | Mapping):
        raise DecodeError("not_ctdl_asn", f"{source}: @graph must be a list.", hint="Download it again.")
    notes = ImportFindings()
    nodes = jsonld.flatten(value)
    frameworks = [node for node in nodes if _is(node, "CompetencyFramework")]
    if len(frameworks) != 1:
        found = many(len(frameworks), "framework") if frameworks else "no ceasn:CompetencyFramework"
        raise DecodeError(
            "not_one_framework", f"{source}: the file holds {found}.", hint="Give a file with exactly one."
        )
    reader = _Reader(frameworks[0], notes, source, naming)
    competencies = [node for node in nodes if _is(node, "Competency")]
    for node in nodes:
        if not _is(node, "CompetencyFramework") and not _is(node, "Competency"):
            kind = " and ".join(node["@type"]) or "without a type"
            notes.count("other_node", f"Left out: a node that is not a competency but {kind}")
    return assemble(
        reader.facts(),
        reader.items(competencies),
        notes,
        data=data,
        source=source,
        read=len(competencies),
    )


class _Reader:
    """One pass over one framework."""

    def __init__(self, framework: JsonLdNode, notes: ImportFindings, source: str, naming: FrameworkNaming) -> None:
        self.framework = framework
        self.notes = notes
        self.source = source
        self.naming = naming
        named = identifier(naming.id, "The framework", notes) if naming.id else ""
        own = self._id_of(framework, "The framework") if named == "" else spelled(framework["@id"])
        if named is None or own is None:
            raise DecodeError("bad_framework_id", f"{source}: {notes.said[-1].text}", hint="Add --id URI.")
        self.id = named or own
        self.own = own
        said = jsonld.texts(framework.get("inLanguage", ()))
        self.language = (naming.language or (said[0][1] if said else "en")).lower()

    def facts(self) -> dict[str, Any]:
        """Return the members of `framework.publish` that are not computed."""
        title = self.naming.title or self._one_text(self.framework, "name")
        if not title:
            raise DecodeError("no_title", f"{self.source}: the framework has no ceasn:name.", hint="Add ceasn:name.")
        facts = {"id": self.id, "title": title, "version": self.naming.version or self._version(), "format": "ctdl_asn"}
        sources = jsonld.references(self.framework.get("source", ())) or [
            text for _, text in jsonld.texts(self.framework.get("source", ()))
        ]
        address = next((one for one in sources if is_link(one)), None)
        for one in sources:
            if one != address:
                self.notes.add("not_taken", f"Not imported from the framework: the source {one!r}.")
        optional = {
            "publisher": self._first_of("publisherName", "publisher"),
            "license": self._first_of("license", "rights"),
            "source_url": address,
        }
        for member in sorted(self.framework.keys() - _FRAMEWORK - {"ctid"}):
            self.notes.count("not_taken", f"Not imported from the framework: {member}")
        return {**facts, **{name: value for name, value in optional.items() if value}}

    def _first_of(self, *members: str) -> str:
        """Return the first of several members that has a text; report the others as left out."""
        texts = [(member, self._one_text(self.framework, member)) for member in members if member in self.framework]
        said = [(member, text) for member, text in texts if text]
        for member, text in said[1:]:
            self.notes.add("not_taken", f"Not imported from the framework: its {member}, {text!r}.")
        return said[0][1] if said else ""

    def _version(self) -> str:
        for member in ("versionIdentifier", "dateModified", "dateCreated"):
            said = jsonld.texts(self.framework.get(member, ()))
            if said:
                version = said[0][1].removesuffix("T00:00:00Z")
                if member != "versionIdentifier":
                    self.notes.add("version_from_date", f"The version is named {version}, after {member}.")
                return version
        raise DecodeError(
            "no_version",
            f"{self.source}: the framework has neither a version nor a date.",
            hint="Add --version TEXT.",
        )

    def items(self, competencies: Sequence[JsonLdNode]) -> Iterator[dict[str, Any]]:
        """Yield the framework's own items, in order."""
        parents = self._parents(competencies)
        for node in competencies:
            id_ = self._id_of(node, "A competency")
            if id_ is not None and not self._is_foreign(node, id_):
                yield self._item(node, id_, parents.get(id_, []))
            for member in sorted(node.keys() - _ITEM):
                self.notes.count("not_taken", f"Not imported: {member}")

    def _id_of(self, node: JsonLdNode, what: str) -> str | None:
        """Return its id or, if that is not a URI, the address at which the Credential Registry serves its CTID."""
        ctid = next((text for _, text in jsonld.texts(node.get("ctid", ()))), "")
        if ":" not in str(node["@id"]) and _CTID.fullmatch(ctid):
            text = f"The @id of {what} is not a URI ({node['@id']!r}); its CTID is used instead, {REGISTRY}{ctid}."
            self.notes.add("id_from_ctid", text)
            return REGISTRY + ctid
        if not node["@id"]:
            said = " ".join(text for _, text in jsonld.texts(node.get("competencyText", ())))[:60]
            self.notes.add(
                "no_id", f"{what} was left out because it has no @id: {said!r}.", "Add an @id in the source."
            )
            return None
        return identifier(node["@id"], what, self.notes)

    def _item(self, node: JsonLdNode, id_: str, parents: Sequence[str]) -> dict[str, Any]:
        label = self._one_text(node, "competencyLabel")
        name = self._one_text(node, "name")
        if label and name and name != label:
            self.notes.count("not_taken", "Not imported: name, because competencyLabel is present")
        label = label or name
        statement = self._one_text(node, "competencyText", joined=True)
        if not statement and label:
            self.notes.add("label_as_statement", f"{id_} has no competencyText; its label was used instead.")
        alias = self._alias(node, id_)
        optional = {
            "aliases": [alias] if alias else [],
            "code": self._one_text(node, "codedNotation"),
            "label": label,
            "type": self._one_text(node, "competencyCategory"),
            "parents": list(parents),
        }
        item = {"id": id_, "statement": statement or label}
        return item | {name: value for name, value in optional.items() if value}

    def _is_foreign(self, node: JsonLdNode, id_: str) -> bool:
        wholes = jsonld.references(node.get("isPartOf", ()))
        said = [spelled(whole) for whole in wholes]
        if not wholes or self.own in said:
            return False
        if _without_scheme(self.own) in map(_without_scheme, said):
            text = f"{id_} says it is part of {wholes[0]}, which was read as {self.own}."
            self.notes.add("other_scheme", text, "Write the framework's address the same way everywhere.")
            return False
        text = f"{id_} was left out because it is part of another framework, {wholes[0]}."
        self.notes.add("foreign_item", text, "Import that framework as well.")
        return True

    def _parents(self, competencies: Sequence[JsonLdNode]) -> dict[str, list[str]]:
        """Return the parents of each item, from isChildOf and, reversed, hasChild. The framework is not a parent."""
        ids = {spelled(node["@id"]): node for node in competencies}
        parents: dict[str, dict[str, None]] = {}
        for id_, node in ids.items():
            for parent in map(spelled, jsonld.references(node.get("isChildOf", ()))):
                if parent != self.own:
                    parents.setdefault(id_, {})[parent] = None
        for node in [self.framework, *competencies]:
            above = spelled(node["@id"])
            for child in map(spelled, jsonld.references([*node.get("hasChild", ()), *node.get("hasTopChild", ())])):
                if child not in ids:
                    self.notes.add(
                        "missing_child",
                        f"{above} names {child} as one of its parts, but the file does not contain it.",
                        "Download the whole framework, or correct the link.",
                    )
                elif above != self.own:
                    parents.setdefault(child, {})[above] = None
        return {id_: list(above) for id_, above in parents.items()}

    def _alias(self, node: JsonLdNode, id_: str) -> str | None:
        ctid = next((text for _, text in jsonld.texts(node.get("ctid", ()))), "")
        if not ctid:
            return None
        if _CTID.fullmatch(ctid) is None:
            self.notes.add("bad_ctid", f"The CTID {ctid!r} of {id_} was left out because it is not valid.")
            return None
        return None if id_ == REGISTRY + ctid else REGISTRY + ctid

    def _one_text(self, node: JsonLdNode, member: str, *, joined: bool = False) -> str:
        """Return one text of a member, in the language taken; empty if there is none. Other texts are findings.

        Args:
            joined: whether several texts in that language belong together, one below the other.
        """
        said = jsonld.texts(node.get(member, ()))
        return text_in(self.language, said, self.notes, member=member, of=node["@id"], joined=joined)


def _is(node: JsonLdNode, kind: str) -> bool:
    return kind in node["@type"]


def _without_scheme(uri: str) -> str:
    return uri.partition("://")[2].rstrip("/") or uri
