"""What an operator sees while a node is not there yet: that it goes on, how fast, and for how long still."""

import io
import logging

import pytest

from accredit.cli.base.progress import BAR_SECONDS, LINE_SECONDS, shown


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def facts(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [record.accredit_fields for record in caplog.records]  # type: ignore[attr-defined]


def test_where_nobody_looks_there_is_a_line_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    with (
        caplog.at_level(logging.INFO, "accredit.cli.base.progress"),
        shown("Reading in the log", "text", clock) as step,
    ):
        for number in range(21):
            step(1_000 + 100 * number, 5_000)
            clock.now += LINE_SECONDS / 10
    assert [record.getMessage() for record in caplog.records] == ["reading in the log"] * 2
    rate = round(1_000 / LINE_SECONDS)
    assert facts(caplog) == [
        {"done": 2_000, "of": 5_000, "per_second": rate, "seconds_left": 3 * LINE_SECONDS},
        {"done": 3_000, "of": 5_000, "per_second": rate, "seconds_left": 2 * LINE_SECONDS},
    ]


def test_a_rate_that_is_not_known_yet_promises_nothing(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    with caplog.at_level(logging.INFO, "accredit.cli.base.progress"), shown("Loading the log", "json", clock) as step:
        clock.now = 2 * LINE_SECONDS
        step(4_096, 5_000)
        assert facts(caplog) == [{"done": 4_096, "of": 5_000, "per_second": 0, "seconds_left": None}]


def terminal(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """Standard error is one from here on."""
    made = Screen()
    monkeypatch.setattr("sys.stderr", made)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    return made


def test_on_a_terminal_there_is_a_bar_that_goes_away(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock, screen = Clock(), terminal(monkeypatch)
    with (
        caplog.at_level(logging.INFO, "accredit.cli.base.progress"),
        shown("Reading in the log", "text", clock) as step,
    ):
        step(10, 1_000)
        assert screen.getvalue() == "", "what takes a moment shows nothing"
        clock.now = BAR_SECONDS
        step(500, 1_000)
    drawn = screen.getvalue()
    assert "Reading in the log" in drawn
    assert "500/1000" in drawn.replace(" ", "")
    assert drawn.endswith("\x1b[2K"), "the line is cleared"
    assert not caplog.records


def test_programs_get_lines_even_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, screen = Clock(), terminal(monkeypatch)
    with shown("Reading in the log", "json", clock) as step:
        clock.now = BAR_SECONDS
        step(500, 1_000)
    assert screen.getvalue() == ""
