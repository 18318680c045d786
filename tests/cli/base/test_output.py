"""What is printed: JSON for programs, text for people, and nothing a stranger's name could do to a terminal."""

import json

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from accredit.cli.base import output
from accredit.cli.base.commands import RootCommand


def printing(run: object) -> RootCommand:
    group = RootCommand("accredit", help="A test.")

    @group.command("show", example="accredit show")
    def show() -> None:
        """Show."""
        assert callable(run)
        run()

    assert show.name
    return group


def printed(run: object, *words: str) -> str:
    result = CliRunner().invoke(printing(run), ["show", *words], color=True)
    assert result.exit_code == 0, result.stderr
    return result.stdout


@given(st.text())
def test_no_text_of_a_stranger_reaches_the_terminal_as_a_control_sequence(text: str) -> None:
    shown = output.safe(text)
    assert all(one.isprintable() or one in "\u00a0\u200c\u200d" for one in shown)


@given(st.text(st.characters(categories=("L", "N", "P", "Zs"))))
def test_letters_of_every_script_are_left_as_they_are(text: str) -> None:
    for character in text:
        if character.isprintable():
            assert output.safe(character) == character


def test_json_has_bytes_as_hex_and_says_nothing_else() -> None:
    data = {"id": b"\x01\xff", "list": (1, b"\x02"), "nested": {"key": None}}
    text = printed(lambda: output.emit(data, lambda: output.say("text")), "--json")
    assert json.loads(text) == {"id": "01ff", "list": [1, "02"], "nested": {"key": None}}


def test_text_is_for_people_and_json_is_not_printed_beside_it() -> None:
    assert printed(lambda: output.emit({"a": 1}, lambda: output.say("text"))) == "text\n"


def test_a_table_into_a_pipe_has_plain_aligned_columns() -> None:
    rows = [("a", output.good("yes"), None), ("longer", "no\nreally", 3)]
    assert printed(lambda: output.table(("name", "ok", "n"), rows)) == (
        "name    ok          n\na       yes\nlonger  no\\nreally  3\n"
    )


def test_a_table_on_a_terminal_is_drawn_and_an_escape_in_a_name_is_not_obeyed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    output.table(("name",), [("evil\x1b[2J[bold]x",)])
    shown = capsys.readouterr().out
    assert r"evil\x1b[2J[bold]x" in shown
    assert "\x1b[2J" not in shown


def test_an_empty_table_says_what_that_means() -> None:
    assert printed(lambda: output.table(("a",), [], empty="No proposal is waiting.")) == "No proposal is waiting.\n"


def test_facts_leave_out_what_is_not_known_and_keep_lines_together() -> None:
    text = printed(lambda: output.facts([("why", output.lines(["one", "two"])), ("until", None), ("n", 0)]), "--debug")
    assert "until" not in text
    assert [line.strip() for line in text.replace("\x1b[2m", "").replace("\x1b[0m", "").splitlines()] == [
        "why  one",
        "two",
        "n    0",
    ]


def test_remarks_and_progress_never_mix_with_json() -> None:
    def run() -> None:
        output.note("a remark")
        with output.progress("working", 2) as step:
            step(1)
        output.emit([], lambda: None)

    result = CliRunner().invoke(printing(run), ["show", "--json"])
    assert result.stdout == "[]\n"
    assert result.stderr == ""


def test_progress_is_drawn_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    for total in (3, None):
        with output.progress("Reading the log", total) as step:
            step(1)
    assert "Reading the log" in capsys.readouterr().err


def test_no_color_is_honoured_even_where_colour_is_possible(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[" in printed(lambda: output.say(output.good("yes")))
    monkeypatch.setenv("NO_COLOR", "1")
    assert printed(lambda: output.say(output.good("yes"))) == "yes\n"


def test_a_name_with_a_line_break_cannot_look_like_a_line_of_ours() -> None:
    text = printed(lambda: output.facts([("issuer", "College\nverdict  Trusted")]))
    assert len(text.splitlines()) == 1
    assert r"College\nverdict" in text


def test_json_on_a_terminal_holds_nothing_that_it_would_obey_and_is_still_the_same_json() -> None:
    data = {"name": "a\u202eb\u200bc\x9bd\ufeff \u0627\u0644", "id": b"\x01"}
    text = printed(lambda: output.emit(data, lambda: None), "--json")
    assert json.loads(text) == {**data, "id": "01"}
    assert not any(one in text for one in "\u202e\u200b\x9b\ufeff")
    assert "\u0627\u0644" in text


def test_what_slips_past_is_caught_at_the_last_moment_and_colours_stay() -> None:
    text = printed(lambda: output.say("x\u202ey\x1b[2J" + output.good("ok")))
    assert "\u202e" not in text
    assert "\x1b[2J" not in text
    assert "\x1b[32m" in text


def test_joiners_between_letters_that_need_them_are_not_escaped() -> None:
    persian = "\u0639\u0644\u0645\u200c\u0648\u0635\u0646\u0639\u062a"
    assert output.safe(persian) == persian
    assert output.safe("a\u200cb") == r"a\u200cb"


def test_a_long_name_is_clipped_in_lists_and_a_short_one_is_not() -> None:
    assert output.clipped("Harbour College") == "Harbour College"
    assert output.clipped("n" * 60) == "n" * 60
    assert output.clipped("n" * 61) == "n" * 59 + "…"
    assert output.clipped("The college of many words", 12) == "The college…"
