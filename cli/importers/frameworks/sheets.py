"""Frameworks saved from a spreadsheet: our own columns, and the exports of CASE and Rich Skill Descriptor tools.

Our columns are the members of an item (`id`, `statement`, `code`, `label`, `type`, `parents`, `level`), `parents`
separated by spaces. The heads that OpenSALT (CASE), OSMT (Rich Skill Descriptors), ESCO and O*NET write are understood
beside them; an item that has a name alone is stated by it.
A sheet does not describe the framework itself: the user states its id, title and version (`FrameworkNaming`). Unknown
columns are left out, and each is a finding with the number of its cells.

A CASE export names an item by its UUID, which is written `urn:uuid:…`. A sheet of skills without addresses gets ids
below the framework's own: `https://frameworks.example/skills` and "Write SQL" give `…/skills/write-sql`.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from accredit.cli.importers import spreadsheet
from accredit.cli.importers.spreadsheet import Reading, SheetLine
from accredit.registry.errors import DecodeError

from .frameworks import (
    Framework,
    FrameworkNaming,
    ImportFindings,
    assemble,
    identifier,
    named_facts,
    urn_of,
    whole_cells,
)

COLUMNS: Final = ("id", "statement", "code", "label", "type", "parents", "level")
_CASE: Final[Mapping[str, str]] = {
    "identifier": "id",
    "fullstatement": "statement",
    "humancodingscheme": "code",
    "abbreviatedstatement": "label",
    "cfitemtype": "type",
    "educationlevel": "level",
}
_RSD: Final[Mapping[str, str]] = {
    "canonical url": "id",
    "skill statement": "statement",
    "contextualized skill statement": "statement",
    "rsd name": "label",
    "skill name": "label",
    "category": "type",
    "categories": "type",
    "skill category": "type",
}
_ESCO: Final[Mapping[str, str]] = {
    "concepturi": "id",
    "originuri": "id",
    "uri": "id",
    "preferredlabel": "label",
    "description": "statement",
    "concepttype": "type",
    "kind": "type",
    "iscogroup": "code",
    "broaderconcepturi": "parents",
}
_ONET: Final[Mapping[str, str]] = {
    "o*net-soc code": "code",
    "element id": "code",
    "title": "label",
    "element name": "label",
    "description": "statement",
}
FORMAT_CHARS: Final = 10_000
"""Characters of a sheet that are read to find its format: some screens."""
_ESCO_URI: Final = "http://data.europa.eu/esco/"


def read(text: str, data: bytes, source: str, naming: FrameworkNaming) -> Framework:
    """Return the framework in a sheet.

    Args:
        data: the bytes it was read from.
        naming: the framework's id, title and version.

    Raises:
        DecodeError: no column holds a statement, the framework is not named, or it cannot be published.
    """
    notes = ImportFindings()
    aliases = {**_CASE, **_RSD, **_ESCO, **_ONET}
    reading = Reading(aliases=aliases, needed=("statement",), ignores_unknown=True)
    try:
        lines = list(spreadsheet.read(text, source, COLUMNS, reading))
    except DecodeError as error:
        if error.code != "bad_header":
            raise
        try:  # a list of names, each with an id
            lines = list(spreadsheet.read(text, source, COLUMNS, replace(reading, needed=("id", "label"))))
        except DecodeError:
            raise error from None
    facts = named_facts({}, _format(text), naming, notes, source)
    return assemble(facts, _items(lines, facts["id"], notes), notes, data=data, source=source, read=len(lines))


def _format(text: str) -> str:
    """Return the format whose heads the first line has."""
    heads = next((line.casefold() for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    if "fullstatement" in heads:
        return "case"
    if _ESCO_URI in text[:FORMAT_CHARS]:
        return "esco"
    if "o*net-soc code" in heads or "element id" in heads:
        return "onet"
    return "rsd" if "skill statement" in heads else "csv"


def _items(lines: list[SheetLine], framework: str, notes: ImportFindings) -> Iterator[dict[str, Any]]:
    for line in lines:
        cells = whole_cells(line, notes)
        if cells is None:
            continue
        written = _id(cells, framework, notes)
        id_ = identifier(written, f"Line {line.number}", notes)
        if id_ is None:
            continue
        if "statement" not in cells and "label" in cells:
            notes.count("label_as_statement", "An item has no statement; its label was used instead")
        item: dict[str, Any] = {"id": id_, "statement": cells.get("statement") or cells.get("label") or ""}
        item |= {name: cells[name] for name in ("code", "label", "type", "level") if name in cells}
        if parents := [urn_of(one) for one in cells.get("parents", "").split()]:
            item["parents"] = parents
        yield item


def _id(cells: Mapping[str, str], framework: str, notes: ImportFindings) -> str | None:
    if "id" in cells:
        return urn_of(cells["id"])
    plain = unicodedata.normalize("NFKD", cells.get("label") or cells.get("code") or "").encode("ascii", "ignore")
    slug = re.sub(r"[^a-z0-9]+", "-", plain.decode().lower()).strip("-")
    if not slug or not framework.startswith(("https://", "http://")):
        return None
    notes.count("id_from_name", "Its id was made from the framework's id and its name, because it has no id of its own")
    return f"{framework.rstrip('/')}/{slug}"
