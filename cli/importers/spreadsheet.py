"""Reads lists saved from a spreadsheet: finds the encoding, the separator and the heads.

Excel and LibreOffice write commas, semicolons (most of Europe) or tabs, sometimes with a first line `sep=;`; UTF-8 with
a byte order mark, UTF-16, or the code page of the machine; heads in any case and empty columns at the end. All of these
are read if the file itself shows which it uses, and nothing is guessed: bytes that are not Unicode are refused until
the user states their encoding.

A head is one of our columns in any case (`ID`, `Legal name`), or what `renamed` says it is. Heads that we do not know
are listed together in one error, or left out on request, and then every row says what was left out of it.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final

from accredit.registry.errors import DecodeError

SEPARATORS: Final[Mapping[str, str]] = {",": "commas", ";": "semicolons", "\t": "tabs"}
_WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
"""First bytes of ZIP archives (.xlsx, .ods) and OLE documents (.xls)."""
_TITLE_LINES: Final = 20
"""Lines among which the heads are looked for, to say where they are. A guess."""
_MARKS: Final = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


_MIDNIGHT: Final = re.compile(
    r"(?<=\d)(?:[T ]0?0:00(?::00(?:\.0{1,6})?)?| 12:00(?::00)? AM)$", re.IGNORECASE | re.ASCII
)
"""What a spreadsheet writes after the day of a cell that has a day alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The user's options about a file, for facts that the file does not show.

    Attributes:
        encoding: as Python names it; empty for Unicode.
        renamed: head as written -> one of our columns; each must be there.
        aliases: heads of others' formats, in lower case -> one of our columns; they may be absent.
        needed: columns that a file of this kind must have.
        ignores_unknown: whether unknown heads are left out.
    """

    encoding: str = ""
    renamed: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    needed: tuple[str, ...] = ("id", "name")
    ignores_unknown: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetLine:
    """One line below the heads.

    Attributes:
        number: of its first line in the file, from 1: a cell can hold line breaks.
        cells: our column -> cell, as written, without empty ones.
        surplus: cells beyond the last head that are not empty.
        ignored: heads that were left out, and whose cells here are not empty.
    """

    number: int
    cells: Mapping[str, str]
    surplus: int
    ignored: tuple[str, ...]


HEADINGS_NAMED: Final = 20
HEADING_CHARS: Final = 60
"""Headings of a wrong file that an error names, and characters of each."""


def day_of_cell(cell: str) -> str:
    """Return the day in a cell that has a day and midnight without an offset; the text of any other cell.

    >>> day_of_cell("2019-05-20 00:00:00"), day_of_cell("2019-05-20 09:30:00")
    ('2019-05-20', '2019-05-20 09:30:00')
    """
    text = cell.strip()
    found = _MIDNIGHT.search(text)
    return text if found is None else text[: found.start()]


def decode(data: bytes, source: str, encoding: str = "") -> str:
    """Return the text of a file: Unicode by its byte order mark, else UTF-8, or the stated encoding.

    Raises:
        DecodeError: `not_text`; the hint says which option names the encoding.
    """
    if data.startswith(_WORKBOOKS):
        raise DecodeError(
            "workbook",
            f"{source} is a spreadsheet's own workbook (.xlsx, .xls or .ods), not a list saved as text.",
            hint="Open it there and save the sheet as CSV UTF-8 (File, Save as), then import the .csv file.",
        )
    marked = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    if not marked and not encoding and b"\0" in data[:200]:
        raise DecodeError(
            "not_text",
            f"{source}: not UTF-8 text (byte {data.index(0)}); it may be UTF-16 without a byte order mark.",
            hint="Save it as CSV UTF-8, or give its encoding: --encoding utf-16-le",
        )
    try:
        return data.decode(marked or encoding or "utf-8")
    except LookupError:
        raise DecodeError(
            "unknown_encoding",
            f"The encoding {encoding!r} is unknown.",
            hint="Try --encoding windows-1252 (Western Europe), windows-1250 (Central Europe), latin-1 or utf-16-le.",
        ) from None
    except UnicodeDecodeError as error:
        if encoding and not marked:
            raise DecodeError(
                "not_text", f"{source}: byte {error.start} is not valid {encoding}.", hint="Try another --encoding."
            ) from None
        raise DecodeError(
            "not_text",
            f"{source}: not UTF-8 text (byte {error.start}); it may be the encoding of some machine.",
            hint="Save it as CSV UTF-8, or give its encoding: --encoding windows-1252",
        ) from None


def read(text: str, source: str, known: Sequence[str], reading: Reading) -> Iterator[SheetLine]:
    """Yield the lines below the first, with cells by our columns.

    Args:
        known: our columns.

    Raises:
        DecodeError: the first line names no or unknown columns, a quotation mark stays open, a cell is too long.
    """
    lines = list(io.StringIO(text, newline=""))
    skipped, separator = _start(lines)
    if separator is None:
        separator = _separator(lines[skipped] if skipped < len(lines) else "", known, reading)
    reader = csv.reader(lines[skipped:], strict=True, delimiter=separator)
    try:
        written = next(reader, [])
        try:
            heads = _heads(written, source, separator, known, reading)
        except DecodeError as error:
            raise _below_a_title(error, lines, skipped, known, reading) from None
        begins = skipped + reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield _line(begins, heads, cells)
            begins = skipped + reader.line_num + 1
    except csv.Error as error:
        raise DecodeError(
            "not_csv",
            f"{source}: line {skipped + reader.line_num}: {error}.",
            hint=f"Put text with {SEPARATORS.get(separator, 'the separator')} or line breaks in double quotes.",
        ) from error


def _below_a_title(
    error: DecodeError, lines: Sequence[str], first: int, known: Sequence[str], reading: Reading
) -> DecodeError:
    """Return an error about the heads; where they stand some lines below a title, it says so."""
    if error.code != "bad_header":
        return error
    for at, line in enumerate(lines[first + 1 : first + _TITLE_LINES], first + 1):
        try:
            cells = next(csv.reader([line], delimiter=_separator(line, known, reading)), [])
        except csv.Error:
            continue
        if set(reading.needed) <= {_column(cell, known, reading) for cell in cells}:
            hint = f"The headings are in line {at + 1}: remove the lines above it, and import the list again."
            return DecodeError(error.code, error.message, hint=hint)
    return error


def _start(lines: Sequence[str]) -> tuple[int, str | None]:
    """Return how many lines precede the heads, and the separator that one of them names."""
    separator = None
    for at, line in enumerate(lines):
        bare = line.strip("\r\n\ufeff")
        if bare.lower().startswith("sep=") and len(bare) == 5:
            separator = bare[4]
        elif bare.strip() and not bare.startswith("#"):
            return at, separator
    return len(lines), separator


def _separator(first: str, known: Sequence[str], reading: Reading) -> str:
    """Return the separator with which the first line names most of our columns, else the most frequent one."""

    def named(separator: str) -> tuple[int, int]:
        cells = next(csv.reader([first], delimiter=separator), [])
        return sum(_column(cell, known, reading) is not None for cell in cells), len(cells)

    try:
        return max(SEPARATORS, key=named)  # the first of those that name as many
    except csv.Error:
        return ","


def _column(head: str, known: Sequence[str], reading: Reading) -> str | None:
    bare = head.strip().strip("\ufeff")
    for written, column in reading.renamed.items():
        if written.casefold() == bare.casefold():
            return column
    if bare.casefold() in reading.aliases:
        return reading.aliases[bare.casefold()]
    plain = bare.casefold().replace(" ", "_").replace("-", "_")
    return plain if plain in known else None


def _heads(
    written: Sequence[str], source: str, separator: str, known: Sequence[str], reading: Reading
) -> list[tuple[str, str | None]]:
    """Return each head as written, with our column for it; None for one that is left out."""
    heads = [(head.strip(), _column(head, known, reading)) for head in written]
    while heads and heads[-1] == ("", None):
        heads.pop()
    for head in reading.renamed:
        if head.casefold() not in (one.casefold() for one, _ in heads):
            raise DecodeError(
                "no_such_column",
                f"{source}: no column has the heading {head!r}.",
                hint=f"The headings are: {_some([one for one, _ in heads]) or 'none; the file is empty'}.",
            )
    columns = [column for _, column in heads if column is not None]
    missing = [name for name in reading.needed if name not in columns]
    if not heads:
        raise DecodeError("bad_header", f"{source} is empty.", hint=_heads_hint(reading.needed))
    if missing:
        raise DecodeError(
            "bad_header",
            f"{source}: the first line, read as separated by {SEPARATORS.get(separator, repr(separator))}, names no "
            f"column {_or(missing)}.",
            hint=f"{_heads_hint(reading.needed)} The headings are: {_some([one for one, _ in heads])}.",
        )
    twice = next((column for column in columns if columns.count(column) > 1), None)
    if twice is not None:
        raise DecodeError(
            "doubled_column", f"{source}: two columns have the heading {twice}.", hint="Rename or remove one of them."
        )
    unknown = [head or f"(column {at})" for at, (head, column) in enumerate(heads, 1) if column is None]
    if unknown and not reading.ignores_unknown:
        close = get_close_matches(unknown[0].casefold(), known, 1)
        hint = f"Did you mean {close[0]}? " if close else ""
        raise DecodeError(
            "unknown_column",
            f"{source}: unknown columns: {_some([repr(one) for one in unknown])}.",
            hint=hint + "Map them (--column 'HEAD=name'), or ignore them: --ignore-unknown-columns. Known columns: "
            + ", ".join(known) + ".",
        )  # fmt: skip
    return heads


def _some(headings: Sequence[str]) -> str:
    """Name the first headings, each cut to fit a line: a wrong file may have thousands, or one of a megabyte."""
    named = [one if len(one) <= HEADING_CHARS else f"{one[:HEADING_CHARS]}…" for one in headings[:HEADINGS_NAMED]]
    more = len(headings) - len(named)
    return ", ".join(named) + (f", and {more} more" if more else "")


def _or(names: Sequence[str]) -> str:
    *more, last = names
    return f"{', '.join(more)} or {last}" if more else last


def _heads_hint(needed: tuple[str, ...]) -> str:
    if needed != ("id", "name"):
        return f"Head the columns {', '.join(needed)}, as in the first line of an export."
    return "Use the headings id,name,url,location, or map your own: --column 'INSTITUTION=name'."


def _line(number: int, heads: Sequence[tuple[str, str | None]], cells: Sequence[str]) -> SheetLine:
    pairs = [(at, head, column, cell) for at, ((head, column), cell) in enumerate(zip(heads, cells, strict=False), 1)]
    return SheetLine(
        number=number,
        cells={column: cell for _, _, column, cell in pairs if column is not None and cell.strip()},
        surplus=sum(1 for cell in cells[len(heads) :] if cell.strip()),
        ignored=tuple(head or f"(column {at})" for at, head, column, cell in pairs if column is None and cell.strip()),
    )
