"""Finds the format of a file and calls its reader. A telling name ending helps; the content decides.

Crosswalks are read by `crosswalks`.
"""

from dataclasses import replace
from typing import Any, Final

from accredit.cli.base import documents
from accredit.cli.importers.frameworks import case, crosswalks, ctdl_asn, rdf, rsd, sheets, skos
from accredit.cli.importers.frameworks.envelopes import OpenedEnvelopes, opened
from accredit.cli.importers.frameworks.frameworks import (
    COMPUTED,
    Framework,
    FrameworkNaming,
    ImportFindings,
    assemble,
    identifier,
)
from accredit.cli.importers.issuers import dcc, own
from accredit.cli.importers.issuers.row import Row
from accredit.registry.errors import DecodeError

from .reading import read_json, read_toml
from .spreadsheet import Reading, decode

_ISSUER_FORMATS: Final = "Supported: a DCC registry.json, a history of such lists, or accredit's own CSV, TOML or JSON."
_FRAMEWORK_FORMATS: Final = (
    "Supported: CTDL-ASN (JSON-LD), CASE packages, Rich Skill Descriptors (JSON, CSV), SKOS (Turtle, RDF/XML, "
    "JSON-LD), or accredit's own TOML, JSON or CSV."
)


def read_issuers(data: bytes, source: str, reading: Reading = Reading()) -> list[Row]:  # noqa: B008  # frozen
    """Return the rows of a list of issuers, in any format that we know.

    Args:
        source: the file's name, for messages and for its ending.
        reading: the user's options for a file from a spreadsheet.

    Raises:
        DecodeError: the file as a whole cannot be read; errors of one row are in that row.
    """
    text = decode(data, source, reading.encoding)
    match _syntax(text, source):
        case "csv":
            return own.csv_rows(text, source, reading)
        case "toml":
            value: Any = read_toml(text, source)
        case _:
            value = read_json(text, source)
    if own.is_issuers(value):
        return own.table_rows(value, source)
    if dcc.is_list(value):
        return dcc.list_rows(value, text, source)
    if dcc.is_history(value):
        return dcc.history_rows(value, source)
    if dcc.is_known_registries(value):
        return dcc.known_registries_rows(value, source)
    is_framework = case.is_case(value) or rsd.is_rsd(value) or ctdl_asn.is_ctdl_asn(value)
    hint = "If it is a framework, use accredit framework import." if is_framework else _ISSUER_FORMATS
    raise DecodeError("unknown_format", f"{source}: this is not a list of issuers in a known format.", hint=hint)


def read_framework(
    data: bytes,
    source: str,
    naming: FrameworkNaming = FrameworkNaming(),  # noqa: B008  # frozen
    encoding: str = "",
) -> Framework:
    """Return the framework in a file, in any format that we know.

    Args:
        source: the file's name, for messages and for its ending.
        naming: the user's options about the framework.
        encoding: of a sheet that is not Unicode, as Python names it.

    Raises:
        DecodeError: not a framework we can read, or one that cannot be published.
        NotYetError: it is SKOS, and the package that reads SKOS is not installed.
    """
    rdf_syntax = rdf.syntax_of(data, source)
    if rdf_syntax is not None:
        return skos.read(rdf.read_rdf(data, source, rdf_syntax, encoding), data, source, naming)
    text = decode(data, source, encoding)
    syntax = _syntax(text, source)
    if crosswalks.is_crosswalk(text):
        raise DecodeError(
            "is_crosswalk",
            f"{source}: this is a crosswalk between two frameworks, and not a framework.",
            hint="Import it with accredit mapping import.",
        )
    if syntax == "csv":
        return sheets.read(text, data, source, naming)
    written = (
        OpenedEnvelopes(value=read_toml(text, source)) if syntax == "toml" else opened(read_json(text, source), source)
    )
    framework = _of_value(written.value, text, data, source, naming)
    return replace(framework, findings=(*written.findings, *framework.findings))


def _of_value(value: Any, text: str, data: bytes, source: str, naming: FrameworkNaming) -> Framework:
    if case.is_case(value):
        return case.read(value, data, source, naming)
    if rsd.is_rsd(value):
        return rsd.read(value, data, source, naming)
    if skos.is_skos(value, text):
        return skos.read(rdf.read_json_ld(value, source), data, source, naming)
    if ctdl_asn.is_ctdl_asn(value):
        return ctdl_asn.read(value, data, source, naming)
    if isinstance(value, dict) and "items" in value:
        return _own_framework(value, data, source, naming)
    is_list = own.is_issuers(value) or dcc.is_list(value) or dcc.is_history(value)
    hint = "It is a list of issuers: accredit issuer import." if is_list else _FRAMEWORK_FORMATS
    raise DecodeError("unknown_format", f"{source}: this is not a framework in a known format.", hint=hint)


def _own_framework(value: dict[str, Any], data: bytes, source: str, naming: FrameworkNaming) -> Framework:
    """Read our own format: the members of `framework.publish` without the computed ones, and `items`."""
    items = value["items"]
    computed = [name for name in COMPUTED if name in value]
    if computed or not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        what = f"{computed[0]} is computed and must not be given" if computed else "items must be a list of tables"
        raise DecodeError("not_a_framework", f"{source}: {what}.", hint="In TOML every item begins with [[items]].")
    notes = ImportFindings()
    facts = documents.convert({name: member for name, member in value.items() if name != "items"})
    id_ = identifier(naming.id or facts.get("id"), "The framework", notes)
    if id_ is None:
        raise DecodeError("bad_framework_id", f"{source}: {notes.said[-1].text}", hint="Give its id as a URI.")
    taken = []
    for number, item in enumerate(items, 1):
        item_id = identifier(item.get("id"), f"Item {number}", notes)
        if item_id is not None:
            taken.append({**item, "id": item_id})
    asked = {"title": naming.title, "version": naming.version}
    named = {name: text for name, text in asked.items() if text}
    return assemble({**facts, **named, "id": id_}, taken, notes, data=data, source=source, read=len(items))


def _syntax(text: str, source: str) -> str:
    """Return `json`, `toml` or `csv`, by the name's ending, else by the beginning of the text."""
    for ending, syntax in (
        ("json", "json"),
        ("jsonld", "json"),
        ("toml", "toml"),
        ("csv", "csv"),
        ("tsv", "csv"),
        ("tab", "csv"),
    ):
        if source.lower().endswith(f".{ending}"):
            return syntax
    start = text.lstrip()
    if start.startswith(("[[", "[issuers")):
        return "toml"
    if start.startswith(("{", "[")):
        return "json"
    first = next((line for line in start.splitlines() if line.strip() and not line.startswith("#")), "")
    if first.lower().startswith("sep="):
        return "csv"
    return "toml" if "=" in first or first.startswith("[") else "csv"
