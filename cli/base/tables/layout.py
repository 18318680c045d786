"""Lays out tables as lines of text, within the available width.

    table(("issuer", "id", "remarks"), rows, width=80)     -> lines

A cell is broken at spaces only, so an id, a DID or an address is never broken and can be copied whole. If the columns
together are too wide, the one with the longest text is wrapped first. If that is not enough, each row becomes a small
block of `name  value` lines. No text is cut off.

Widths are those of a terminal: a Chinese character takes two cells, an accent none. Text from right to left is put into
an isolate, so that it cannot reorder its neighbours.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

import click

GAP: Final = "  "
_NARROWEST: Final = 12
"""Cells below which a column of text is not wrapped further: a word or two a line."""
_ISOLATE, _POP = "\u2068", "\u2069"


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], width: int | None = None) -> list[str]:
    """Return the lines of a table.

    Args:
        rows: cells without line breaks; they may be coloured.
        width: cells of a line; None for as wide as it gets, as a file or another program wants it.
    """
    widths = [max(cells(row[at]) for row in [headers, *rows]) for at in range(len(headers))]
    if width is not None and _total(widths) > width:
        narrow = _narrowed(widths, _least(headers, rows), width)
        if narrow is None:
            return _blocks(headers, rows, width)
        widths = narrow
    return [line for row in [headers, *rows] for line in _lines(row, widths)]


def facts(rows: Sequence[tuple[str, str]], width: int | None = None) -> list[str]:
    """Return lines `name  value`, the names in one column.

    Args:
        rows: values may have several lines, each wrapped below itself at spaces.
        width: as for `table`.
    """
    longest = max((cells(name) for name, _ in rows), default=0)
    room = None if width is None else max(width - longest - 2 * len(GAP), _NARROWEST)
    found: list[str] = []
    for name, value in rows:
        head = f"{GAP}{name}{' ' * (longest - cells(name))}{GAP}"
        for part in value.split("\n"):
            for line in [isolated(part)] if room is None else _wrapped(part, room):
                found.append(head + line)
                head = " " * cells(head)
    return found


def prose(text: str, width: int) -> str:
    """Return text whose sentences are broken at spaces where they are wider than `width` cells.

    Text in columns (with two spaces together) stays as it is. So does text to copy, such as a command or a line of
    TOML, because a terminal copies lines that it wrapped itself in one piece.
    """
    return "\n".join(
        line if cells(line) <= width or _KEPT.search(line.lstrip()) else _folded(line, width)
        for line in text.split("\n")
    )


_KEPT: Final = re.compile(
    rf"""  |\baccredit (?!(?:an?|the|its?|this|them)\b)[a-z]|\bcurl |^-|^[#"\[\]{{}}]|^[\w."-]+ = |{_ISOLATE}"""
)


def _folded(line: str, width: int) -> str:
    words = line.lstrip(" ").split(" ")
    indent = " " * (len(line) - len(line.lstrip(" ")))
    found = [indent + words[0]]
    for word in words[1:]:
        if cells(found[-1]) + 1 + cells(word) > width:
            found.append(indent + word)
        else:
            found[-1] += f" {word}"
    return "\n".join(found)


def cells(text: str) -> int:
    """Return how many cells of a terminal a text takes."""
    bare = click.unstyle(text)
    if bare.isascii():
        return len(bare)
    return sum(
        0
        if unicodedata.combining(one) or one in (_ISOLATE, _POP)
        else 2
        if unicodedata.east_asian_width(one) in "WF"
        else 1
        for one in bare
    )


def isolated(text: str) -> str:
    """Return text that keeps its own direction to itself, where it has letters written from right to left."""
    if text.isascii() or _ISOLATE in text or not any(unicodedata.bidirectional(one) in ("R", "AL") for one in text):
        return text
    return f"{_ISOLATE}{text}{_POP}"


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _least(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    """How narrow each column may become: no narrower than its longest word."""
    columns = zip(headers, *rows, strict=True)
    return [max(cells(word) for cell in column for word in (cell.split() or [""])) for column in columns]


def _narrowed(widths: Sequence[int], least: Sequence[int], width: int) -> list[int] | None:
    """Widths that fit, the widest column of prose giving way first; None if there are none."""
    found = list(widths)
    floor = [min(wide, max(small, _NARROWEST)) for wide, small in zip(widths, least, strict=True)]
    while (surplus := _total(found) - width) > 0:
        at = max(range(len(found)), key=lambda one: (found[one] - floor[one] > 0, found[one]))
        if found[at] <= floor[at]:
            return None
        others = [one for index, one in enumerate(found) if index != at and one > floor[index]]
        next_widest = max([one for one in others if one < found[at]], default=floor[at])
        found[at] = max(found[at] - surplus, min(next_widest, found[at] - 1), floor[at])
    return found


def _lines(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    wrapped = [_wrapped(cell, width) for cell, width in zip(row, widths, strict=True)]
    height = max(len(lines) for lines in wrapped)
    found = []
    for at in range(height):
        parts = [lines[at] if at < len(lines) else "" for lines in wrapped]
        padded = [part + " " * (width - cells(part)) for part, width in zip(parts, widths, strict=True)]
        found.append(GAP.join(padded).rstrip())
    return found


def _wrapped(cell: str, width: int) -> list[str]:
    if cells(cell) <= width:
        return [isolated(cell)]
    style = re.match(r"(?:\x1b\[[0-9;]*m)+", cell)
    lines: list[str] = []
    line = ""
    for word in click.unstyle(cell).split():
        longer = f"{line} {word}" if line else word
        if line and cells(longer) > width:
            lines.append(line)
            line = word
        else:
            line = longer
    coloured = [*lines, line] if style is None else [f"{style[0]}{one}\x1b[0m" for one in [*lines, line]]
    return [isolated(one) for one in coloured]


def _blocks(headers: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Each row below the other: its first cell, then the others with their names."""
    name_width = max(cells(header) for header in headers[1:]) if len(headers) > 1 else 0
    found: list[str] = []
    for row in rows:
        found.append(isolated(row[0]) if row[0] else "-")
        for header, cell in zip(headers[1:], row[1:], strict=True):
            name = f"  {header}{' ' * (name_width - cells(header))}{GAP}"
            room = max(width - cells(name), _NARROWEST)
            for line in _wrapped(cell, room) if cell else ():
                found.append(name + line)
                name = " " * cells(name)
    return found
