"""Reads published mappings (crosswalks) into the links of `mapping.publish`, and reports what it leaves out.

What is read:

    sheet          columns source, relation, target; if wanted confidence (0 to 1) and original
    ESCO–O*NET     the official table: concept_uri and onet_code; it does not say how close a link is, so each is a
                   close_match, and its own measure is kept in `original`
    AlignmentMap   ceterms:AlignmentMap in JSON-LD: its parts' sourceNode, targetNode, alignmentType
    SKOS           exactMatch, closeMatch, … of its concepts, and isReplacedBy (`skos`)
    CASE           the associations of a package that are not its hierarchy: exactMatchOf, isRelatedTo, replacedBy, …

Relations become SKOS terms and four more (`registry.domain.mappings.RELATIONS`); if the source's own word is another,
it is kept. Links with an unknown relation are left out, and the finding has the word.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from accredit.cli.importers import spreadsheet
from accredit.cli.importers.findings import ImportFinding
from accredit.cli.importers.reading import listed, read_json
from accredit.cli.importers.spreadsheet import Reading, SheetLine, decode
from accredit.registry.domain.mappings import CONFIDENCE_MAX, RELATIONS
from accredit.registry.encoding.cbor import encode
from accredit.registry.errors import DecodeError
from accredit.registry.limits import STATEMENT_BYTES

from . import case, jsonld, rdf, skos
from .envelopes import opened
from .frameworks import ImportFindings, identifier, urn_of, whole_cells

COLUMNS: Final = ("source", "relation", "target", "confidence", "original")
_ESCO_ONET: Final = ("concept_uri", "onet_code")
_NUMBERS: Final = ("confidence", "semantic_similarity")
ONET: Final = "https://www.onetonline.org/link/summary/"
"""Prefix of the address at which O*NET shows an occupation by its code; occupations have no other address."""

LINKS_BYTES: Final = STATEMENT_BYTES - 4 * 1024
"""Bytes of encoded links in one statement: its limit, less room for ids, titles and a signature."""
LINKS_MAX: Final = 300
HEAD_CHARS: Final = 10_000
"""Characters of a file that are read to find its format."""
_ORIGINAL_CHARS: Final = 200

_WORDS: Final = {
    **{word.replace("_", ""): word for word in RELATIONS},
    "exactmatchof": "exact_match",
    "exactalignment": "exact_match",
    "closealignment": "close_match",
    "majoralignment": "close_match",
    "minoralignment": "related_match",
    "broadalignment": "broad_match",
    "narrowalignment": "narrow_match",
    "isrelatedto": "related_match",
    "ispeerof": "related_match",
    "istranslationof": "translation_of",
    "precedes": "prerequisite",
}
"""Words of CASE, CTDL and SKOS, in small letters without separators or prefix."""
_HIERARCHY: Final = ("isChildOf", "isPartOf", "exemplar", "hasSkillLevel")
_CODE: Final = re.compile(r"\d\d-\d{4}\.\d\d", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crosswalk:
    """The links of a file.

    Attributes:
        source, target: ids of the frameworks if the file states them; else empty.
        title: if the file states it; else empty.
        read: number of links in the file, taken or not.
    """

    links: tuple[dict[str, Any], ...]
    source: str = ""
    target: str = ""
    title: str = ""
    findings: tuple[ImportFinding, ...] = ()
    read: int = 0


def read_crosswalk(
    data: bytes, source: str, prefixes: Mapping[str, str] | None = None, encoding: str = ""
) -> Crosswalk:
    """Return the links in a file, in any format that we know.

    Args:
        prefixes: prefix of short ids -> its address, if the file does not state it.
        encoding: of a sheet that is not Unicode, as Python names it.

    Raises:
        DecodeError: the file is not a crosswalk, or no link could be taken.
        NotYetError: it is SKOS, and what reads SKOS is not installed.
    """
    notes, rdf_syntax = ImportFindings(), rdf.syntax_of(data, source)
    if rdf_syntax is not None:
        found = _of_skos(rdf.read_rdf(data, source, rdf_syntax, encoding), notes)
    elif (text := decode(data, source, encoding)).lstrip()[:1] in ("{", "["):
        written = opened(read_json(text, source), source)
        notes.said += written.findings
        found = _of_json(written.value, text, source, notes)
    else:
        found = _of_sheet(text, source, notes)
    links = list(_once([*_in_full(found.links, prefixes or {}, notes)], notes))
    if not links:
        first = next(iter(notes.all()), ImportFinding(code="no_links", text="The file holds no links."))
        raise DecodeError(
            "no_links",
            f"{source}: none of its links could be imported.",
            hint=f"{first.text} {first.hint}".strip(),
        )
    return Crosswalk(
        links=tuple(links),
        source=found.source,
        target=found.target,
        title=found.title,
        findings=notes.all(),
        read=found.read,
    )


def is_crosswalk(text: str) -> bool:
    """Return whether a text looks like a crosswalk and nothing else; a CASE package is also a framework."""
    head = _first_line(text).casefold()
    if text.lstrip()[:1] in ("{", "["):
        return "ceterms:AlignmentMap" in text[:HEAD_CHARS]
    return all(name in head for name in _ESCO_ONET) or all(name in head for name in ("source", "relation", "target"))


def _first_line(text: str) -> str:
    return next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")


def in_parts(links: tuple[dict[str, Any], ...]) -> list[list[dict[str, Any]]]:
    """Return links in lists, each of which fits into a statement."""
    parts: list[list[dict[str, Any]]] = []
    size = 0
    for link in links:
        more = len(encode(link))
        if not parts or size + more > LINKS_BYTES or len(parts[-1]) == LINKS_MAX:
            parts.append([])
            size = 0
        parts[-1].append(link)
        size += more
    return parts


# ------------------------------------------------------------------------------------------------ sheets


def _of_sheet(text: str, source: str, notes: ImportFindings) -> Crosswalk:
    first = _first_line(text).casefold()
    if all(name in first for name in _ESCO_ONET):
        known = (*_ESCO_ONET, "confidence", "semantic_similarity")
        lines = list(spreadsheet.read(text, source, known, Reading(needed=_ESCO_ONET, ignores_unknown=True)))
        links = [link for line in lines if (link := _of_esco(line, notes)) is not None]
        if links:
            notes.add(
                "relation_not_said",
                "The table does not say how close its matches are; each was taken as close_match.",
                "A close match extends no accreditation. Have an expert review them before you say exact_match.",
            )
        return Crosswalk(
            links=tuple(links),
            source="http://data.europa.eu/esco/",
            target="https://www.onetonline.org/",
            title="ESCO and O*NET",
            read=len(lines),
        )
    reading = Reading(needed=("source", "relation", "target"), ignores_unknown=True)
    lines = list(spreadsheet.read(text, source, COLUMNS, reading))
    links = [link for line in lines if (link := _of_line(line, notes)) is not None]
    return Crosswalk(links=tuple(links), read=len(lines))


def _of_esco(line: SheetLine, notes: ImportFindings) -> dict[str, Any] | None:
    cells = whole_cells(line, notes, numbers=_NUMBERS)
    if cells is None:
        return None
    code = cells.get("onet_code", "")
    if _CODE.fullmatch(code) is None:
        notes.add("bad_code", f"Line {line.number} was left out because {code!r} is not an O*NET code.")
        return None
    said = [f"{name} {cells[name]}" for name in _NUMBERS if name in cells]
    return _link(cells.get("concept_uri"), "close_match", ONET + code, ", ".join(said))


def _of_line(line: SheetLine, notes: ImportFindings) -> dict[str, Any] | None:
    cells = whole_cells(line, notes, numbers=_NUMBERS)
    if cells is None:
        return None
    word = cells.get("relation", "")
    relation = _relation(word, f"Line {line.number}", notes)
    if relation is None:
        return None
    empty = [name for name in ("source", "target") if name not in cells and (name, relation) != ("target", "no_match")]
    if empty:
        text = f"Line {line.number} was left out because its {' and its '.join(empty)} is empty."
        notes.add("empty_end", text, "Fill in the cell, or remove the line.")
        return None
    original = cells.get("original") or ("" if word == relation else word)
    link = _link(cells.get("source"), relation, cells.get("target"), original)
    if not cells.get("confidence"):
        return link
    confidence = _confidence(cells["confidence"])
    if confidence is None:
        text = (
            f"The confidence of line {line.number} was left out: {cells['confidence']!r} is not a number from 0 to 1."
        )
        notes.add("member_left_out", text, "Write a number such as 0.9.")
        return link
    return {**link, "confidence": confidence}


def _confidence(written: str) -> int | None:
    """Return a confidence in our unit, None if it is not from 0 to 1; a spreadsheet writes 0.9 also as 0,9 or 90%."""
    is_share = written.endswith("%")
    try:
        number = float(written.removesuffix("%").strip().replace(",", "."))
        confidence = round(number * CONFIDENCE_MAX / (100 if is_share else 1))
    except (ValueError, OverflowError):
        return None
    return confidence if 0 <= confidence <= CONFIDENCE_MAX else None


# ------------------------------------------------------------------------------------------------ JSON


def _of_json(value: Any, text: str, source: str, notes: ImportFindings) -> Crosswalk:
    if case.is_case(value):
        return _of_case(value, notes)
    if skos.is_skos(value, text):
        return _of_skos(rdf.read_json_ld(value, source), notes)
    nodes = jsonld.flatten(value) if isinstance(value, list | Mapping) else []
    maps = [node for node in nodes if "AlignmentMap" in node["@type"]]
    if len(maps) != 1:
        raise DecodeError(
            "unknown_format",
            f"{source}: this is not a crosswalk in a known format.",
            hint="Supported: a sheet with the columns source, relation and target, the ESCO–O*NET table, "
            "a ceterms:AlignmentMap (JSON-LD), SKOS with matches, and a CASE package with associations.",
        )
    (found,) = maps
    parts = [node for node in nodes if "AlignmentObject" in node["@type"]]
    compared = jsonld.references(found.get("compares", ()))
    titles = jsonld.texts(found.get("name", ()))
    links = [link for part in parts if (link := _of_alignment(part, notes)) is not None]
    both = compared if len(compared) == 2 else ["", ""]
    title = titles[0][1] if titles else ""
    return Crosswalk(links=tuple(links), source=both[0], target=both[1], title=title, read=len(parts))


def _of_alignment(part: Mapping[str, Any], notes: ImportFindings) -> dict[str, Any] | None:
    start, end = (next(iter(_named(part.get(name, ()))), None) for name in ("sourceNode", "targetNode"))
    word = next(iter(_named(part.get("alignmentType", ()))), "")
    relation = _relation(word, f"The alignment of {start}", notes)
    return None if relation is None else _link(start, relation, end, word)


def _named(values: Any) -> list[str]:
    return [*jsonld.references(values), *(text for _, text in jsonld.texts(values))]


def _of_case(value: Mapping[str, Any], notes: ImportFindings) -> Crosswalk:
    package = value["CFPackage"] if isinstance(value.get("CFPackage"), Mapping) else value
    associations = listed(package.get("CFAssociations"))
    links = []
    for one in associations:
        if not isinstance(one, Mapping):
            notes.count("other_node", "Left out: an association that is not an object")
            continue
        word = str(one.get("associationType", ""))
        if word in _HIERARCHY:
            notes.count("association_left_out", f"Left out: an association of the type {word}, which is no match")
            continue
        start, end = (_case_end(one.get(name)) for name in ("originNodeURI", "destinationNodeURI"))
        relation = _relation(word, f"The association of {start}", notes)
        if relation is not None:
            links.append(_link(start, relation, end, word))
    document = package.get("CFDocument")
    uri = str(document.get("uri") or "") if isinstance(document, Mapping) else ""
    title = str(document.get("title") or "") if isinstance(document, Mapping) else ""
    return Crosswalk(links=tuple(links), source=uri, title=title, read=len(associations))


def _case_end(value: Any) -> str | None:
    if isinstance(value, Mapping):
        value = value.get("uri") or value.get("identifier")
    return urn_of(value.strip()) if isinstance(value, str) and value.strip() else None


# ------------------------------------------------------------------------------------------------ SKOS


def _of_skos(nodes: rdf.RdfNodes, notes: ImportFindings) -> Crosswalk:
    """Return the matches of a vocabulary. Their source is a scheme if only its concepts have matches."""
    links = []
    read = 0
    for start, word, end in skos.matches_of(nodes, notes):
        read += 1
        relation = _relation(word, f"The match of {start}", notes)
        if relation is not None:
            links.append(_link(start, relation, end, word))
    schemes = skos.schemes_of(nodes)
    only = schemes[0] if len(schemes) == 1 else ""
    return Crosswalk(links=tuple(links), source=only, title=skos.title_of(nodes, only), read=read)


# ------------------------------------------------------------------------------------------------ links


def _relation(word: str, what: str, notes: ImportFindings) -> str | None:
    """Return a relation in our words; None, and a finding, if it is unknown."""
    bare = re.sub(r"[^a-z]", "", word.rsplit(":", 1)[-1].rsplit("#", 1)[-1].rsplit("/", 1)[-1].casefold())
    found = _WORDS.get(bare)
    if found is None:
        text = f"{what} was left out because its relation is not known: {word!r}."
        notes.add("unknown_relation", text, f"Write one of {', '.join(RELATIONS)}.")
    return found


def _link(start: str | None, relation: str, end: str | None, original: str) -> dict[str, Any]:
    """Return a link with its ends as written."""
    link: dict[str, Any] = {"source": start, "target": end, "relation": relation}
    if original and original != relation:
        link["original"] = original[:_ORIGINAL_CHARS]
    return link


def _in_full(
    links: Sequence[Mapping[str, Any]], prefixes: Mapping[str, str], notes: ImportFindings
) -> Iterator[dict[str, Any]]:
    """Return the links with canonical ids at both ends; the others are findings."""
    for link in links:
        ends: dict[str, str | None] = {}
        for name in ("source", "target"):
            if name == "target" and link["relation"] == "no_match":
                ends[name] = None
                continue
            written = str(link[name] or "")
            prefix, colon, rest = written.partition(":")
            if colon and prefix in prefixes:
                written = prefixes[prefix] + rest
            ends[name] = identifier(written or None, f"A link from {link['source']}", notes)
            if ends[name] is None:
                break
        if len(ends) < 2 or None in (ends["source"], *([] if link["relation"] == "no_match" else [ends["target"]])):
            continue
        if ends["source"] == ends["target"]:
            notes.add("own_match", f"A link was left out because it links {ends['source']} with itself.")
            continue
        yield {**link, **ends}


def _once(links: Sequence[dict[str, Any]], notes: ImportFindings) -> Iterator[dict[str, Any]]:
    seen: dict[tuple[Any, ...], dict[str, Any]] = {}
    for link in links:
        if seen.setdefault((link["source"], link["target"], link["relation"]), link) is link:
            yield link
        else:
            notes.count("doubled_link", "Left out: a link that an earlier one states already")
