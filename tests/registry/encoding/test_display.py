"""What strangers wrote is shown on one line, and nothing in it moves, hides or reorders anything."""

import pytest

from accredit.registry.encoding.display import one_line, sheet_cell


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("College of Examples", "College of Examples"),
        ("Universität Łódź 大学", "Universität Łódź 大学"),
        ("evil\u202etxt.exe", "evil\\u202etxt.exe"),
        ("two\nlines\t\x1b[31m", "two\\nlines\\t\\x1b[31m"),
        ("no\u200bthing", "no\\u200bthing"),
        ("10\u00a0%", "10\u00a0%"),
        ("\u0645\u06cc\u200c\u062e\u0648", "\u0645\u06cc\u200c\u062e\u0648"),  # Persian needs the joiner
        ("pay\u200cpal", "pay\\u200cpal"),
        ("\u200c\u062a", "\\u200c\u062a"),
    ],
)
def test_a_text_cannot_look_like_another_or_like_a_line_of_ours(written: str, shown: str) -> None:
    assert one_line(written) == shown


@pytest.mark.parametrize(
    ("written", "cell"),
    [
        ("College, of Examples", "College, of Examples"),
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("@SUM(1)", "'@SUM(1)"),
        ("-1", "'-1"),
        ("+1", "'+1"),
        ("\t=1", "\\t=1"),
        ("A\r\ndiploma.json,accepted", "A\\r\\ndiploma.json,accepted"),
        ("\x1b[2Kaccepted", "\\x1b[2Kaccepted"),
        ("\u202edetpecca", "\\u202edetpecca"),
    ],
)
def test_a_cell_of_a_stranger_is_no_formula_and_draws_no_row_of_its_own(written: str, cell: str) -> None:
    assert sheet_cell(written) == cell
