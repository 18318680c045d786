"""Competency frameworks as 1EdTech CASE packages, 1.0 and 1.1 (`CFPackage`), strict or loose.

What is taken (members of the CASE information model):

    CFDocument     uri -> id · title -> title · version, else lastChangeDateTime -> version · publisher, else creator ->
                   publisher · licenseURI -> license · officialSourceURL, if it is an address -> source_url
    CFItem         uri, else identifier -> id · fullStatement -> statement · abbreviatedStatement, else
                   alternativeLabel -> label · humanCodingScheme -> code · CFItemType, else the title of
                   CFItemTypeURI -> type · educationLevel -> level
    CFAssociation  isChildOf -> parents of its origin

Packages of version 1.0 vary, and all forms are read: wrapped or flat, links as objects or as text, ids other than
UUIDs. Nothing is lost silently: every other member, association and definition is counted in a finding.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from accredit.cli.importers.reading import listed
from accredit.registry.encoding.counts import many
from accredit.registry.errors import DecodeError

from .frameworks import Framework, FrameworkNaming, ImportFindings, assemble, identifier, is_link, spelled, urn_of

_PACKAGE: Final = frozenset(("CFDocument", "CFItems", "CFAssociations"))
_DOCUMENT: Final = frozenset(
    ("uri", "identifier", "title", "version", "lastChangeDateTime", "publisher", "creator", "licenseURI")
) | {"officialSourceURL"}
_ITEM: Final = frozenset(
    ("uri", "identifier", "fullStatement", "abbreviatedStatement", "alternativeLabel", "humanCodingScheme")
) | {"CFItemType", "educationLevel", "educationalLevel", "CFDocumentURI"}
_ASSOCIATION: Final = frozenset(("associationType", "originNodeURI", "destinationNodeURI"))
"""Members that are read; every other member is a finding."""


def is_case(value: Any) -> bool:
    """Whether a JSON value looks like a CASE package, or a part of one."""
    if isinstance(value, Mapping) and isinstance(value.get("CFPackage"), Mapping):
        value = value["CFPackage"]
    return isinstance(value, Mapping) and any(
        member in value for member in ("CFDocument", "CFItems", "CFItem", "CFDocuments", "CFAssociations")
    )


def read(value: Mapping[str, Any], data: bytes, source: str, naming: FrameworkNaming) -> Framework:
    """Return the framework in a CASE package.

    Args:
        data: the bytes it was read from.
        naming: id, title and version that replace the source's.

    Raises:
        DecodeError: a part of a package, or a framework that cannot be published.
    """
    notes = ImportFindings()
    package = value
    if isinstance(value.get("CFPackage"), Mapping):
        package = value["CFPackage"]
        notes.others(value, ("CFPackage",))
    document, items = package.get("CFDocument"), package.get("CFItems")
    if not isinstance(document, Mapping) or not isinstance(items, list):
        missing = "CFItems" if isinstance(document, Mapping) else "CFDocument"
        raise DecodeError(
            "not_a_case_package",
            f"{source}: this CASE answer has no {missing}, so it is not a complete package.",
            hint="Download the package: GET …/ims/case/v1p1/CFPackages/ID.",
        )
    for member in package:
        if member not in _PACKAGE:
            _count_definitions(member, package[member], notes)
    reader = _Reader(document, notes, source, naming)
    nodes = [item for item in items if isinstance(item, Mapping)]
    if len(nodes) < len(items):
        notes.count("other_node", f"Left out: {many(len(items) - len(nodes), 'entry')} of CFItems that are not objects")
    taken = reader.items(nodes, listed(package.get("CFAssociations")))
    return assemble(reader.facts(), taken, notes, data=data, source=source, read=len(items))


class _Reader:
    """One pass over one package."""

    def __init__(
        self, document: Mapping[str, Any], notes: ImportFindings, source: str, naming: FrameworkNaming
    ) -> None:
        self.document = document
        self.notes = notes
        self.source = source
        self.naming = naming
        id_ = identifier(naming.id or _address(document), "The framework", notes)
        if id_ is None:
            raise DecodeError(
                "bad_framework_id",
                f"{source}: {notes.said[-1].text}",
                hint="Give it an id with --id URI, a URI that you control.",
            )
        self.id = id_
        self.own = {id_, *_spellings(_names(document))}

    def facts(self) -> dict[str, Any]:
        """Return the members of `framework.publish` that are not computed."""
        title = self.naming.title or self._text(self.document, "title")
        if not title:
            raise DecodeError("no_title", f"{self.source}: CFDocument has no title.", hint="Add --title TEXT.")
        facts = {"id": self.id, "title": title, "version": self._version(), "format": "case"}
        publisher, creator = self._text(self.document, "publisher"), self._text(self.document, "creator")
        if publisher and creator and creator != publisher:
            self.notes.add("not_taken", f"Not imported from the framework: its creator, {creator!r}.")
        address = self._text(self.document, "officialSourceURL")
        if address and not is_link(address):
            self.notes.add("not_taken", f"Not imported from the framework: the source {address!r}, which is not a URL.")
            address = ""
        licence = self.document.get("licenseURI")
        terms = _address(licence) or _title(licence)
        if terms and isinstance(licence, Mapping):
            self.notes.others(licence, ("uri" if _address(licence) else "title",), " of the licence")
        optional = {"publisher": publisher or creator, "license": terms, "source_url": address}
        self.notes.others(self.document, _DOCUMENT, " of the framework")
        return {**facts, **{name: value for name, value in optional.items() if value}}

    def _version(self) -> str:
        said = self._text(self.document, "version")
        changed = self._text(self.document, "lastChangeDateTime").partition("T")[0]
        if self.naming.version or said:
            return self.naming.version or said
        if not changed:
            raise DecodeError(
                "no_version",
                f"{self.source}: CFDocument has neither version nor lastChangeDateTime.",
                hint="Add --version TEXT.",
            )
        self.notes.add("version_from_date", f"The version is named {changed}, after lastChangeDateTime.")
        return changed

    def items(self, nodes: Sequence[Mapping[str, Any]], associations: Sequence[Any]) -> Iterator[dict[str, Any]]:
        """Yield the framework's own items, in order."""
        ids = [self._id_of(node) for node in nodes]
        names: dict[str, str] = {}
        for node, id_ in zip(nodes, ids, strict=True):
            if id_ is not None:
                for name in (id_, *_names(node)):
                    names.setdefault(name, id_)
        parents = self._parents(associations, names)
        for node, id_ in zip(nodes, ids, strict=True):
            if id_ is not None and not self._is_foreign(node, id_):
                yield self._item(node, id_, parents.get(id_, []))
            self.notes.others(node, _ITEM)

    def _id_of(self, node: Mapping[str, Any]) -> str | None:
        written, uuid = _address(node), str(node.get("identifier") or "")
        if written and uuid not in written:
            self.notes.count("not_taken", "Not imported: identifier, which is not in the item's uri")
        if not written and urn_of(uuid) != uuid:
            self.notes.count("id_from_identifier", "Named urn:uuid: and its identifier, because it has no uri")
            written = urn_of(uuid)
        said = self._text(node, "fullStatement")[:60]
        return identifier(written or None, f"The item {said!r}", self.notes)

    def _item(self, node: Mapping[str, Any], id_: str, parents: Sequence[str]) -> dict[str, Any]:
        short, other = self._text(node, "abbreviatedStatement"), self._text(node, "alternativeLabel")
        if short and other and short != other:
            self.notes.count("not_taken", "Not imported: alternativeLabel, because abbreviatedStatement is present")
        kind = self._text(node, "CFItemType") or _title(node.get("CFItemTypeURI"))
        level = self._text(node, "educationLevel") or self._text(node, "educationalLevel")
        statement = self._text(node, "fullStatement")
        if not statement and (short or other):
            self.notes.add("label_as_statement", f"{id_} has no fullStatement; its label was used instead.")
        optional = {
            "code": self._text(node, "humanCodingScheme"),
            "label": short or other,
            "type": kind,
            "parents": list(parents),
            "level": level,
        }
        item = {"id": id_, "statement": statement or short or other}
        return item | {name: value for name, value in optional.items() if value}

    def _is_foreign(self, node: Mapping[str, Any], id_: str) -> bool:
        whole = self._link(node.get("CFDocumentURI"), "a link to the framework")
        if not whole or self.own & set(_spellings(whole)):
            return False
        text = f"{id_} was left out because it is part of another framework, {whole[0]}."
        self.notes.add("foreign_item", text, "Import that framework as well.")
        return True

    def _parents(self, associations: Sequence[Any], names: Mapping[str, str]) -> dict[str, list[str]]:
        """Return the parents of each item. An item with a link to the framework is a top item, without parents."""
        parents: dict[str, dict[str, None]] = {}
        for one in associations:
            if not isinstance(one, Mapping):
                self.notes.count("other_node", "Left out: an association that is not an object")
                continue
            kind = one.get("associationType")
            if kind != "isChildOf":
                what = f"Left out: an association of the type {kind}, which is not part of the hierarchy"
                self.notes.count("association_left_out", what)
                continue
            below, above = (self._link(one.get(end), "a link") for end in ("originNodeURI", "destinationNodeURI"))
            child = next((names[name] for name in _spellings(below) if name in names), None)
            if child is None:
                named = below[0] if below else "an item without an address"
                whole = above[0] if above else "An association"
                self.notes.add(
                    "missing_child",
                    f"{whole} names {named} as one of its parts, but the file does not contain it.",
                    "Download the whole package, or correct the link.",
                )
            elif not above:
                self.notes.add("broken_parent", f"{child} has a link without a parent; that link was left out.")
            elif not self.own & set(_spellings(above)):
                parent = next((names[name] for name in _spellings(above) if name in names), spelled(above[0]))
                parents.setdefault(child, {})[parent] = None
            self.notes.others(one, _ASSOCIATION, " of an association")
        return {child: list(above) for child, above in parents.items()}

    def _link(self, value: Any, what: str) -> list[str]:
        """Yield the names to which a link refers: its uri, then its identifier; in 1.0 a link may be text."""
        if not isinstance(value, Mapping):
            return [value.strip()] if isinstance(value, str) and value.strip() else []
        self.notes.others(value, ("uri", "identifier"), f" of {what}")
        return _names(value)

    def _text(self, node: Mapping[str, Any], member: str) -> str:
        """Return a member as text; several texts become one, separated by commas. Other values are findings."""
        said = []
        for one in listed(node.get(member)):
            if isinstance(one, str | int | float) and not isinstance(one, bool):
                said.append(str(one).strip().replace("\r\n", "\n").replace("\r", "\n"))
            else:
                self.notes.count("not_taken", f"Not imported: a value of {member} that is not text")
        return ", ".join(one for one in said if one)


def _count_definitions(member: str, value: Any, notes: ImportFindings) -> None:
    """Count the contents of definitions, rubrics and extensions by their lists."""
    parts = value.items() if isinstance(value, Mapping) else [(member, value)]
    for name, held in parts:
        for _ in listed(held):
            notes.count("other_node", f"Left out: an entry of {name}")


def _address(value: Any) -> str:
    """Return the `uri` of an object; empty if it has none."""
    said = value.get("uri") if isinstance(value, Mapping) else value
    return said.strip() if isinstance(said, str) else ""


def _title(value: Any) -> str:
    said = value.get("title") if isinstance(value, Mapping) else None
    return said.strip() if isinstance(said, str) else ""


def _names(value: Mapping[str, Any]) -> list[str]:
    return [one.strip() for one in (value.get("uri"), value.get("identifier")) if isinstance(one, str) and one.strip()]


def _spellings(names: Sequence[str]) -> list[str]:
    return [*map(spelled, names), *names]
