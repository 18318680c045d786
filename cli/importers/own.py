"""Our own formats: issuers in CSV, TOML or JSON; a framework in TOML or JSON. `examples/README.md` documents both.

Issuers in TOML or JSON are a list `issuers`, each with the members of `issuer.register` and, if wanted, a `location` in
words. In CSV the first line names the columns: any of those members (lists separated by spaces), `location`, and the
schemes of identifiers (`ror`, `ipeds_unitid`, …) as columns of their own. Lines before it that begin with `#` are
comments.

A framework has the members of `framework.publish`, without those that are computed, and a list `items`.
"""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

from accredit.cli.base import documents
from accredit.registry.domain.vocabulary import IDENTIFIER_SCHEMES
from accredit.registry.errors import DecodeError

from .reading import Table, read_csv
from .rows import READY, REFUSED, ImportFinding, Row, complete, issuer_id, pinned_keys, place, refusal, trial

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
COLUMNS: Final = (*_TEXTS, *_LISTS, *IDENTIFIER_SCHEMES)


def is_issuers(value: Any) -> bool:
    """Whether a TOML or JSON value looks like our list of issuers."""
    return isinstance(value, Mapping) and "issuers" in value


def table_rows(value: Mapping[str, Any], source: str) -> list[Row]:
    """The rows of a TOML or JSON file.

    Raises:
        DecodeError: `issuers` is not a list, or stands beside something else.
    """
    others = [name for name in value if name != "issuers"]
    if others or not isinstance(value["issuers"], list):
        raise DecodeError(
            "not_a_list_of_issuers",
            f"{source}: expected issuers, a list, and nothing else" + (f", not {others[0]}." if others else "."),
            hint="In TOML every issuer begins with [[issuers]].",
        )
    return [take(source, f"issuer {number}", one) for number, one in enumerate(value["issuers"], 1)]


def csv_rows(text: str, source: str) -> list[Row]:
    """The rows of a CSV file.

    Raises:
        DecodeError: its first line does not name known columns, among them id and name.
    """
    lines = read_csv(text, source)
    names = [name.strip() for name in next(lines, (0, list[str]()))[1]]
    _check_header(names, source)
    rows = []
    for number, cells in lines:
        if len(cells) > len(names):
            finding = ImportFinding(
                code="too_many_cells",
                text=f"It has {len(cells)} cells; the first line names {len(names)}.",
                hint="Put text that contains commas in double quotes.",
            )
            row = Row(source=source, place=f"line {number}", id=cells[0], name="", result=REFUSED, findings=(finding,))
        else:
            row = take(source, f"line {number}", _from_cells(dict(zip(names, cells, strict=False))))
        rows.append(row)
    return rows


def _check_header(names: Sequence[str], source: str) -> None:
    hint = "For example: id,name,url,location"
    if not {"id", "name"} <= set(names) or len(set(names)) != len(names):
        raise DecodeError(
            "bad_header", f"{source}: the first line must name each column once, id and name among them.", hint=hint
        )
    for name in names:
        if name not in COLUMNS:
            close = get_close_matches(name, COLUMNS, 1)
            hint = f"Did you mean {close[0]}?" if close else f"Known are {', '.join(COLUMNS)}."
            raise DecodeError("unknown_column", f"{source}: there is no column {name!r}.", hint=hint)


def _from_cells(cells: Mapping[str, str]) -> dict[str, Any]:
    """A row as TOML would have it; the id stays as written, white space and all."""
    entry: dict[str, Any] = {}
    identifiers = []
    for name, cell in cells.items():
        if not cell.strip():
            continue
        if name == "id":
            entry[name] = cell
        elif name in _TEXTS:
            entry[name] = cell.strip()
        elif name in _LISTS:
            entry[name] = cell.split()
        else:
            identifiers.append({"scheme": name, "value": cell.strip()})
    return {**entry, "identifiers": identifiers} if identifiers else entry


def take(source: str, place: str, written: Any) -> Row:
    """A row of our own format. What is not understood refuses the row: here nothing was meant for anybody else."""
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
        raise DecodeError("bad_entry", "The entry is not a table with id and name.", hint="Write id and name.")
    if isinstance(written, Table) and written.doubled():
        raise DecodeError(
            "doubled_member", f"The entry says {written.doubled()[0]} twice.", hint="Remove the wrong one."
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
