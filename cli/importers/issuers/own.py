"""Our own formats: issuers in CSV, TOML or JSON; a framework in TOML or JSON. `examples/README.md` documents both.

Issuers in TOML or JSON are a list `issuers`, each with the members of `issuer.register` and, if wanted, a `location` in
words. In CSV (`spreadsheet`) the first line names the columns: any of those members (lists separated by spaces),
`location`, the schemes of identifiers (`ror`, `ipeds_unitid`, …) as columns of their own, and terms of the row's own
accreditation (`valid_from`, `valid_until`, …). Lines before it that begin with `#` are comments.

A framework has the members of `framework.publish`, without those that are computed, and a list `items`.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from accredit.cli.base import documents
from accredit.cli.importers import spreadsheet
from accredit.cli.importers.damage import day_of_serial, find_damage
from accredit.cli.importers.findings import ImportFinding
from accredit.cli.importers.reading import Table
from accredit.cli.importers.spreadsheet import Reading
from accredit.registry.domain.vocabulary import IDENTIFIER_SCHEMES
from accredit.registry.encoding.counts import many
from accredit.registry.errors import DecodeError

from .row import READY, REFUSED, Row
from .rows import complete, issuer_id, pinned_keys, place, refusal, trial

_TEXTS: Final = (
    "id",
    "name",
    "legal_name",
    "url",
    "image",
    "location",
    "sector",
    "role",
    "parent",
    "outcomes_dataset",
    "learner_contact",
)
_LISTS: Final = (
    "also_known_as",
    "categories",
    "learning_modes",
    "jurisdictions",
    "status_methods",
    "predecessors",
    "custodian_for",
)
_WORD_LISTS: Final = ("categories", "learning_modes", "jurisdictions")
"""Lists of single words, which may be separated by spaces, commas, semicolons or bars; ids only by spaces."""

TERMS: Final = ("valid_from", "valid_until", "level", "initial_status")
"""Terms of an accreditation that a row may have, replacing those of the grant file."""

COLUMNS: Final = (*_TEXTS, *_LISTS, *IDENTIFIER_SCHEMES, *TERMS)


def is_issuers(value: Any) -> bool:
    """Return whether a TOML or JSON value looks like our list of issuers."""
    return isinstance(value, Mapping) and "issuers" in value


def table_rows(value: Mapping[str, Any], source: str) -> list[Row]:
    """Return the rows of a TOML or JSON file.

    Raises:
        DecodeError: `issuers` is not a list, or stands beside something else.
    """
    others = [name for name in value if name != "issuers"]
    if others or not isinstance(value["issuers"], list):
        raise DecodeError(
            "not_a_list_of_issuers",
            f"{source}: expected only issuers, a list" + (f", not {others[0]}." if others else "."),
            hint="In TOML every issuer begins with [[issuers]].",
        )
    return [take(source, f"issuer {number}", one) for number, one in enumerate(value["issuers"], 1)]


def csv_rows(text: str, source: str, reading: Reading = Reading()) -> list[Row]:  # noqa: B008  # frozen
    """Return the rows of a list saved from a spreadsheet.

    Raises:
        DecodeError: its first line does not name known columns, including id and name.
    """
    return [_csv_row(line, source) for line in spreadsheet.read(text, source, COLUMNS, reading)]


def _csv_row(line: spreadsheet.SheetLine, source: str) -> Row:
    place, cells = f"line {line.number}", line.cells
    bare = Row(source=source, place=place, id=cells.get("id", ""), name=cells.get("name", "").strip(), result=READY)
    if line.surplus:
        finding = ImportFinding(
            code="too_many_cells",
            text=f"The row has {many(line.surplus, 'more cell')} than the first line.",
            hint="Put text that contains the separator in double quotes.",
        )
        return bare.ended(REFUSED, finding)
    if damaged := tuple(find_damage(cells)):
        return bare.ended(REFUSED, *damaged)
    try:
        terms = _terms(cells)
    except DecodeError as error:
        return bare.ended(REFUSED, refusal(error))
    row = take(source, place, _from_cells({name: cell for name, cell in cells.items() if name not in TERMS}))
    if terms:
        row = replace(row, terms=terms)
    if line.ignored:
        text = f"Ignored, as requested: the columns {', '.join(line.ignored)}."
        row = replace(row, findings=(*row.findings, ImportFinding(code="columns_left_out", text=text)))
    return row


def _terms(cells: Mapping[str, str]) -> dict[str, Any]:
    """Return a row's own terms of accreditation, which replace those of the grant file.

    Raises:
        DecodeError: a date is invalid or ambiguous.
    """
    terms: dict[str, Any] = {}
    for name in TERMS:
        if name not in cells:
            continue
        written = cells[name].strip()
        if name not in documents.TIMES:
            terms[name] = written
            continue
        try:
            terms[name] = documents.seconds(spreadsheet.day_of_cell(written), name)
        except DecodeError as error:
            hint = "Write year, month, day, as in 2015-05-20; in a spreadsheet, format the column as text."
            if meant := day_of_serial(written):
                hint = f"A spreadsheet's own number for {meant}? {hint}"
            raise DecodeError(error.code, f"{written!r} is not a clear date.", where=name, hint=hint) from None
    return terms


_ADDRESSES: Final[Mapping[str, str]] = {
    "ror": r"https?://ror\.org/(0[a-z0-9]{8})/?",
    "isni": r"https?://(?:www\.)?isni\.org/(?:isni/)?(\d{15}[\dX])/?",
    "grid": r"https?://(?:www\.)?grid\.ac/institutes/(grid\.[a-z0-9.]+)/?",
    "lei": r"https?://search\.gleif\.org/#/record/([A-Z0-9]{20})/?",
    "ctid": r"https?://credentialengineregistry\.org/(?:resources|graph)/(ce-[0-9a-f-]{36})/?",
}
"""Addresses under which registers show an identifier, whose last part is the identifier itself."""


def _from_cells(cells: Mapping[str, str]) -> dict[str, Any]:
    """Return a row in the form of TOML; the id stays as written, including white space."""
    entry: dict[str, Any] = {}
    identifiers = []
    for name, cell in cells.items():
        if name == "id":
            entry[name] = cell
        elif name in _TEXTS:
            entry[name] = unicodedata.normalize("NFC", cell.strip())
        elif name in _WORD_LISTS:
            entry[name] = re.split(r"[\s,;|]+", cell.strip(" \t\r\n,;|"))
        elif name in _LISTS:
            entry[name] = cell.split()
        else:
            address = re.fullmatch(_ADDRESSES.get(name, r"(?!)"), cell.strip())
            identifiers.append({"scheme": name, "value": address[1] if address else cell.strip()})
    return {**entry, "identifiers": identifiers} if identifiers else entry


def take(source: str, place: str, written: Any) -> Row:
    """Return a row of our own format. Unknown members refuse the row, because this format is only for us."""
    named = written if isinstance(written, Mapping) else {}
    id, name = (value if isinstance(value := named.get(member), str) else "" for member in ("id", "name"))
    row = Row(source=source, place=place, id=id, name=name.strip(), result=READY)
    found: list[ImportFinding] = []
    try:
        body = _body(written, found)
        return Row(
            source=source,
            place=place,
            id=body["id"],
            name=body["name"],
            result=READY,
            body=body,
            findings=tuple(found + trial(body["name"], body["id"])),
        )
    except DecodeError as error:
        return row.ended(REFUSED, refusal(error), *found)


def _body(written: Any, found: list[ImportFinding]) -> dict[str, Any]:
    if not isinstance(written, Mapping):
        raise DecodeError("bad_entry", "The entry must be a table with id and name.", hint="Add id and name.")
    if isinstance(written, Table) and written.doubled():
        raise DecodeError(
            "doubled_member", f"The entry gives {written.doubled()[0]} twice.", hint="Remove the wrong one."
        )
    entry = {name: value for name, value in written.items() if name != "location"}
    if not isinstance(entry.get("id"), str):
        raise DecodeError("missing_id", "The entry has no id.", hint="Give its DID (did:web:example.edu) or https URL.")
    entry["id"] = issuer_id(entry["id"], found)
    body: dict[str, Any] = documents.convert(entry)
    location = written.get("location")
    if location is not None:
        if not isinstance(location, str) or not location.strip():
            raise DecodeError("bad_entry", "The location is not text.", hint="Put it in quotes, or leave it out.")
        body = _with_place(body, location.strip(), found)
    if "keys" not in body and (keys := pinned_keys(entry["id"])):
        body["keys"] = keys
    complete(body)
    return body


def _with_place(body: dict[str, Any], location: str, found: list[ImportFinding]) -> dict[str, Any]:
    if "jurisdictions" in body:
        members: dict[str, Any] = {"ext": {"location": location}}
    else:
        members = place(location, found)
    ext = body.get("ext", {})
    if not isinstance(ext, Mapping):
        return {**members, **body}
    return {**members, **body, "ext": {**members["ext"], **ext}}
