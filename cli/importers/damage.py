"""Finds text that a spreadsheet or a wrong encoding has damaged, so that nobody signs it.

Each finding states the probable original. A person must confirm it; nothing is repaired silently.
"""

import html
import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any, Final

from .findings import ImportFinding

_ERRORS: Final = re.compile(r"#(?:REF!|N/A|NAME\?|VALUE!|DIV/0!|NULL!|NUM!|SPILL!|CALC!|####*)")
_SCIENTIFIC: Final = re.compile(r"[+-]?\d(?:[.,]\d+)?E[+-]?\d{1,3}", re.IGNORECASE)
_ENTITY: Final = re.compile(r"&(?:[a-z]{2,8}|#\d{2,6}|#x[0-9a-f]{2,5});", re.IGNORECASE)
_MOJIBAKE: Final = re.compile("[\u00c2\u00c3\u00c5\u00d0\u00d1\u00e2][\u0080-\u00bf\u0152-\u0178\u2013-\u2122\u20ac]")
_TEXTS: Final = ("name", "legal_name", "location", "statement", "label")


def find_damage(cells: Mapping[str, Any]) -> Iterator[ImportFinding]:
    """Yield the damage in the texts of one row, by column."""
    for column, cell in cells.items():
        if isinstance(cell, str):
            yield from _in_cell(column, cell.strip())


def _in_cell(column: str, text: str) -> Iterator[ImportFinding]:
    if _ERRORS.fullmatch(text):
        yield ImportFinding(
            code="spreadsheet_error",
            text=f"The {column} is {text}, which is a spreadsheet error, not a value.",
            hint="Correct the formula there, save the list again and import it.",
        )
    elif text.startswith("=") and column in _TEXTS:
        yield ImportFinding(
            code="formula",
            text=f"The {column} {text[:60]!r} is a formula, not its result.",
            hint="In the spreadsheet, replace it with its value (paste as values), save the list and import it.",
        )
    elif _SCIENTIFIC.fullmatch(text) and column not in _TEXTS:
        yield ImportFinding(
            code="scientific_number",
            text=f"The {column} is {text}: the spreadsheet read it as a number and lost digits.",
            hint="Format that column as text, enter it again, save the list and import it.",
        )
    elif "\ufffd" in text:
        yield ImportFinding(
            code="lost_character",
            text=f"The {column} {text!r} has lost a character.",
            hint="Save the list again from its original, as CSV UTF-8.",
        )
    elif column in _TEXTS and (meant := _meant(text)):
        yield ImportFinding(
            code="mojibake",
            text=f"The {column} {text!r} looks like {meant!r} read in the wrong encoding.",
            hint="Save the list again from its original, as CSV UTF-8.",
        )
    elif column in _TEXTS and _ENTITY.search(text) and html.unescape(text) != text:
        yield ImportFinding(
            code="html_entity",
            text=f"The {column} {text!r} was copied from the source of a web page.",
            hint=f"Write it in plain text: {html.unescape(text)}",
        )


def _meant(text: str) -> str:
    """Return the UTF-8 text that was read as Windows-1252; empty if it was not."""
    if _MOJIBAKE.search(text) is None:
        return ""
    for encoding in ("cp1252", "latin-1"):
        try:
            return text.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
    return ""


def day_of_serial(written: str) -> str:
    """Return the day that a spreadsheet means by a number of days; empty for other text. Nothing is converted silently.

    Excel counts from the end of 1899, or, in some old files of the Macintosh, from the beginning of 1904.
    """
    if not re.fullmatch(r"[1-9]\d{4}", written):
        return ""
    days = int(written)
    usual, old = (date(*start) + timedelta(days) for start in ((1899, 12, 30), (1904, 1, 1)))
    return f"{usual} (or {old}, where its dates begin in 1904)"
