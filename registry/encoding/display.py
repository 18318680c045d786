"""Shows text from others on one line: characters that could move, hide or reorder anything become visible escapes.

The text of statements has been checked for such characters (`schema.text`); text that somebody typed, sent in an
address or put into a file has not.

>>> one_line("evil\\u202etxt.exe"), one_line("two\\nlines")
('evil\\\\u202etxt.exe', 'two\\\\nlines')
"""

from typing import Final

_JOINERS: Final = "\u200c\u200d"
_RUN: Final = ("=", "+", "-", "@")  # what begins a formula (OWASP, CSV injection); a tab or line break is escaped


def one_line(text: str) -> str:
    """Return `text` on one line, with everything unprintable escaped.

    Line breaks are escaped too, so that no name can look like a line of our output. Joiners between letters of a script
    that needs them (Persian, Hindi) stay, because they are not visible themselves.
    """
    if text.isprintable():
        return text
    return "".join(
        one
        if one.isprintable() or one == "\u00a0" or (one in _JOINERS and _joins(text, at))
        else one.encode("unicode_escape").decode()
        for at, one in enumerate(text)
    )


def sheet_cell(text: str) -> str:
    """Return `text` as a cell of a CSV file: on one line, and with an apostrophe if a spreadsheet would run it.

    On one line, because people also read such a file on a terminal, where a line break in a name would begin a row.

    >>> sheet_cell("=HYPERLINK(1)"), sheet_cell("A College\\nB College,trusted")
    ("'=HYPERLINK(1)", 'A College\\\\nB College,trusted')
    """
    return f"'{one_line(text)}" if text.startswith(_RUN) else one_line(text)


def _joins(text: str, at: int) -> bool:
    around = text[at - 1 : at] + text[at + 1 : at + 2]
    return len(around) == 2 and all(one.isalpha() and not one.isascii() for one in around)
