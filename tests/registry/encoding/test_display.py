"""What strangers wrote is shown on one line, and nothing in it moves, hides or reorders anything."""

import pytest

from accredit.registry.encoding.display import one_line


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
