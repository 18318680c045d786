"""Tables for spreadsheets."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from accredit.registry.encoding.display import sheet_cell


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """Return rows as RFC 4180 has it, what one lacks left empty, each cell as `sheet_cell` makes it."""
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\r\n")
    table.writerow(columns)
    for row in rows:
        table.writerow([_cell(row.get(name, "")) for name in columns])
    return written.getvalue()


def _cell(value: object) -> str:
    return sheet_cell(" ".join(map(str, value)) if isinstance(value, list) else str(value))
