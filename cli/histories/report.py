"""Reports the findings in a history, as a table for people, and as CSV or JSON.

Each finding has a line: file and line, its subject, the code of the rule, the remedy, and whether the row was taken.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from accredit.cli.base import documents, output
from accredit.registry.encoding.display import sheet_cell
from accredit.registry.errors import AccreditError

from .facts import HistoryFinding
from .settle import RULES

COLUMNS: Final = ("where", "about", "code", "taken", "text", "hint")
SHOWN: Final = 8
"""Cases of one rule that are shown; the report has them all."""


def rows(findings: Sequence[HistoryFinding]) -> Iterator[dict[str, Any]]:
    """Return findings for JSON and CSV."""
    for one in findings:
        yield {
            "where": one.where,
            "about": one.about,
            "code": one.finding.code,
            "taken": not one.is_left_out,
            "text": one.finding.text,
            "hint": one.finding.hint,
        }


def encode(path: Path, findings: Sequence[HistoryFinding], more: Mapping[str, Any]) -> str:
    """Return the report in the format of its file name: CSV for `.csv`, else JSON, with the members of `more` too.

    A cell that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    if path.suffix != ".csv":
        return output.to_json({**more, "findings": list(rows(findings))}) + "\n"
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for row in rows(findings):
        cells = [{True: "yes", False: "no"}.get(value, value) for value in row.values()]
        table.writerow(["" if cell is None else sheet_cell(str(cell)) for cell in cells])
    return text.getvalue()


def earlier(path: Path, source: str) -> list[dict[str, Any]] | None:
    """Return the statements in the report that an earlier run of the same import wrote there, so that the next one adds
    to it; None if there is none, or another file."""
    if path.suffix == ".csv":
        return None  # it names no statements
    try:
        written = documents.parse_json(documents.read_text(path), str(path))
    except AccreditError:
        return None
    statements = written.get("statements")
    if written.get("source") != source or "findings" not in written or not isinstance(statements, list):
        return None
    is_whole = all(isinstance(one, dict) and isinstance(one.get("id"), str) for one in statements)
    return statements if is_whole else None


def counts(findings: Sequence[HistoryFinding]) -> dict[str, int]:
    """Return the number of findings by code, largest first."""
    return dict(Counter(one.finding.code for one in findings).most_common())


def conflicts(findings: Sequence[HistoryFinding]) -> list[HistoryFinding]:
    """Return the findings in which the data contradict themselves, in the order of the rules."""
    order = {code: at for at, code in enumerate(RULES)}
    return sorted((one for one in findings if one.finding.code in order), key=lambda one: order[one.finding.code])


def show(findings: Sequence[HistoryFinding], *, shown: int = SHOWN) -> None:
    """Prints findings by code: what the rule is, how often it was used, and the first cases."""
    for code, many in counts(findings).items():
        rule = RULES.get(code)
        output.say(f"{output.styled(code.replace('_', ' '), bold=True)}: {many}")
        if rule is not None:
            output.say(f"  {rule.found} {rule.taken}")
        for one in [one for one in findings if one.finding.code == code][:shown]:
            text = one.finding.text if rule is None else one.finding.text.removesuffix(rule.taken).strip()
            output.say(f"    {output.safe(one.where)}: {output.safe(one.about)}")
            output.say(f"      {output.faint(f'{text} {one.finding.hint}'.strip())}")
        if many > shown:
            output.say(output.faint(f"    … and {many - shown} more"))
