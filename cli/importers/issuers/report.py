"""The outcome of each row of an import: a table for people, and a file that `accredit approve --from` reads.

The JSON report is one object: `statements` (what was said and awaits or has taken effect, for `approve`), `rows` (each
with its findings) and `counts`. The CSV report has a line for each row, its statements in one cell. A report of a dry
run names no statements: nothing was said.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from accredit.cli.base import output
from accredit.cli.importers.findings import ImportFinding
from accredit.registry.encoding.display import sheet_cell

from .row import LEFT_OUT, READY, REFUSED, SAME, Row

EFFECTIVE: Final = "effective"
WAITING: Final = "waiting"
WOULD_BE_EFFECTIVE: Final = "would_be_effective"
WOULD_WAIT: Final = "would_wait"
REQUESTED: Final = "requested"
KNOWN: Final = "known"

WORDS: Final[Mapping[str, str]] = {
    EFFECTIVE: "in effect",
    WAITING: "waiting for votes",
    WOULD_BE_EFFECTIVE: "would take effect",
    WOULD_WAIT: "would wait for votes",
    REQUESTED: "in the request file",
    KNOWN: "already there",
    SAME: "repeated",
    LEFT_OUT: "left out",
    REFUSED: "to be checked",
    READY: "not proposed",
}
"""Every result of a row, best first, in words."""

PROPOSED: Final = (EFFECTIVE, WAITING, WOULD_BE_EFFECTIVE, WOULD_WAIT, REQUESTED)
SHOWN: Final = 25
"""Rows shown of each table that needs no action; the report has them all."""

COLUMNS: Final = ("source", "place", "id", "name", "result", "statements", "found", "what_to_do")


def counts(rows: Iterable[Row]) -> dict[str, int]:
    """Return the number of rows by result, best first."""
    found = Counter(row.result for row in rows)
    return {word: found[word] for word in WORDS if found[word]}


def to_json(rows: Sequence[Row], statements: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the report as one JSON value.

    Args:
        statements: each with its `id` in hex.
    """
    return {
        "statements": [dict(statement) for statement in statements],
        "rows": [_row_json(row) for row in rows],
        "counts": counts(rows),
    }


def _row_json(row: Row) -> dict[str, Any]:
    return {
        "source": row.source,
        "place": row.place,
        "id": row.id,
        "name": row.name,
        "result": row.result,
        "statements": [statement.hex() for statement in row.statements],
        "findings": findings_json(row.findings),
    }


def findings_json(findings: Iterable[ImportFinding]) -> list[dict[str, str]]:
    """Return findings for JSON."""
    return [{"code": one.code, "text": one.text, "hint": one.hint} for one in findings]


def to_csv(rows: Sequence[Row]) -> str:
    """Return the report as CSV. A cell that a spreadsheet would take for a formula gets an apostrophe before it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        cells = (row.source, row.place, row.id, row.name, row.result, " ".join(one.hex() for one in row.statements))
        found = (" ".join(one.text for one in row.findings), " ".join(one.hint for one in row.findings if one.hint))
        writer.writerow([sheet_cell(cell) for cell in (*cells, *found)])
    return text.getvalue()


def encode(path: Path, rows: Sequence[Row], statements: Sequence[Mapping[str, Any]]) -> str:
    """Return the report in the format of the file's name: CSV for `.csv`, else JSON."""
    if path.suffix.lower() == ".csv":
        return to_csv(rows)
    return output.to_json(to_json(rows, statements)) + "\n"


# ------------------------------------------------------------------------------------------------ for people


def show(rows: Sequence[Row], *, report: str = "") -> None:
    """Print the outcome of the rows: proposed ones, then the others with reasons, then the numbers.

    Args:
        report: path of the whole report, or of the one that can be written.
    """
    proposed = [row for row in rows if row.result in PROPOSED]
    if proposed:
        lines = [(row.name, row.id, _coloured(row.result), _remarks(row)) for row in proposed[:SHOWN]]
        output.table(("issuer", "id", "state", "remarks"), lines)
        _more(len(proposed) - SHOWN, report)
        output.say()
    removed = [row for row in rows if row.result == LEFT_OUT and row.findings[0].code == "removed"]
    for title, found, shown in (
        (output.bad("To be checked"), [row for row in rows if row.result == REFUSED], len(rows)),
        (output.fair("Left out"), removed, SHOWN),
    ):
        if found:
            output.say(title)
            for row in found[:shown]:
                _show_row(row)
            _more(len(found) - shown, report)
            output.say()
    numbers = ", ".join(f"{number} {WORDS[word]}" for word, number in counts(rows).items())
    if not rows:
        output.say("The list has no rows, so there is nothing to import.")
        return
    output.say(f"{len(rows)} {'row' if len(rows) == 1 else 'rows'}: {numbers}.")


def _show_row(row: Row) -> None:
    """Print a row in full, so that nothing that needs action is cut off."""
    output.say(f"  {output.safe(row.where)}: {output.styled(row.name or row.id or 'no name', bold=True)}")
    for finding in row.findings[:1] if row.result == REFUSED else row.findings:
        output.say(f"    {output.safe(finding.text)}")
        if finding.hint:
            output.say(f"    {output.faint('-> ' + finding.hint)}")


def show_findings(findings: Sequence[ImportFinding]) -> None:
    """Print findings about a framework."""
    if findings:
        output.table(("left out or changed", "what to do"), [(one.text, one.hint) for one in findings])
        output.say()


def _remarks(row: Row) -> str:
    return ", ".join(one.code.replace("_", " ") for one in row.findings)


def _coloured(result: str) -> str:
    return output.good(WORDS[result]) if result in (EFFECTIVE, WOULD_BE_EFFECTIVE) else output.fair(WORDS[result])


def _more(number: int, report: str) -> None:
    if number > 0:
        output.say(output.faint(f"… and {number} more" + (f": {report}" if report else "") + "."))
