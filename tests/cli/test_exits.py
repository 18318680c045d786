"""How commands end: the code, the words, and never a traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from accredit.cli.base import exits
from accredit.cli.base.commands import RootCommand
from accredit.cli.base.node_option import complete
from accredit.registry.errors import (
    BusyError,
    DecodeError,
    InputError,
    NotYetError,
    RefusedError,
    RemoteError,
    StorageError,
)
from accredit.registry.evidence.state_check import CheckError, CheckResult

ROOT = Path(__file__).resolve().parents[2]

CASES = [
    (InputError("bad_word", "It is wrong.", hint="Mend it."), 3),
    (DecodeError("bad_member", "expected text.", where="body.name"), 3),
    (RefusedError("over_budget", "It is too much."), 3),
    (NotYetError("unknown_key", "Nobody knows it yet.", hint="Wait."), 4),
    (BusyError("overloaded", "It has no room.", hint="Wait."), 4),
    (RemoteError("unreachable", "It does not answer."), 5),
    (StorageError("disk_full", "There is no room."), 4),
    (StorageError("system_exhausted", "There is no descriptor."), 4),
    (OSError(24, "Too many open files"), 4),
    (StorageError("database_damaged", "It is damaged."), 6),
    (OSError(28, "No space left on device"), 4),
    (exits.Negative(), 1),
    (exits.Negative("refuted"), 10),
    (exits.Negative("unwitnessed"), 11),
    (CheckError(CheckResult.STALE, "count", "It is older than what was verified."), 12),
    (CheckError(CheckResult.UNKNOWN, "policy", "The policy has expired."), 13),
    (KeyboardInterrupt(), 130),
    (click.Abort(), 130),
    (click.UsageError("There is no such option."), 2),
    (ZeroDivisionError("oops"), 70),
]


def failing(error: BaseException) -> RootCommand:
    group = RootCommand("accredit", help="A test.")

    @group.command("fail", example="accredit fail")
    def fail() -> None:
        """Fail."""
        raise error

    assert fail.name == "fail"
    return group


@pytest.mark.parametrize(("error", "code"), CASES, ids=lambda value: type(value).__name__ if value else "")
def test_each_kind_of_error_has_its_own_stable_code_and_no_traceback(error: BaseException, code: int) -> None:
    result = CliRunner().invoke(failing(error), ["fail"])
    assert result.exit_code == code
    assert "Traceback" not in result.output + result.stderr
    assert isinstance(result.exception, SystemExit)


def test_a_person_is_told_what_is_wrong_and_what_to_do_next() -> None:
    result = CliRunner().invoke(failing(CASES[0][0]), ["fail"])
    assert result.stderr == "Error: It is wrong.\nMend it.\n"


def test_a_program_gets_the_same_as_one_object() -> None:
    result = CliRunner().invoke(failing(CASES[0][0]), ["fail", "--json"])
    error = json.loads(result.stderr)["error"]
    assert error == {"code": "bad_word", "message": "It is wrong.", "hint": "Mend it.", "exit": 3}
    assert result.stdout == ""


def test_debug_shows_the_traceback_and_changes_nothing_else() -> None:
    for words in (["fail", "--debug"], ["--debug", "fail"]):
        result = CliRunner().invoke(failing(ZeroDivisionError("oops")), words)
        assert result.exit_code == 70
        assert "Traceback" in result.stderr


def test_a_fault_of_ours_says_that_it_is_ours() -> None:
    result = CliRunner().invoke(failing(ZeroDivisionError("oops")), ["fail"])
    assert "a bug in accredit" in result.stderr
    assert "--debug" in result.stderr


def test_an_error_that_quotes_a_stranger_cannot_move_the_cursor() -> None:
    result = CliRunner().invoke(failing(InputError("x", "They wrote \x1b[2J\u202eevil.")), ["fail"], color=True)
    assert "\x1b[2J" not in result.stderr
    assert "\u202e" not in result.stderr
    assert r"\x1b[2J" in result.stderr


@pytest.mark.parametrize("entrance", ["main", "start"])
def test_a_reader_that_has_seen_enough_is_no_error(entrance: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    words = [sys.executable, "-c", f"from accredit.cli.{entrance} import main; main()", "--help"]
    try:
        done = subprocess.run(words, cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, timeout=60, check=False)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1234567", "8 to 64"),
        ("x" * 10, "8 to 64"),
        ("ab" * 40, "8 to 64"),
        ("12345678", "No id"),
        ("abababab", "2 ids"),
    ],
)
def test_the_beginning_of_an_id_must_name_exactly_one(text: str, says: str) -> None:
    candidates = ["ab" * 32, "ab" * 31 + "ff", "cd" * 32]
    with pytest.raises(InputError, match=says):
        complete(text, lambda: candidates, "a thing")
    assert complete("CDCDCDCD", lambda: candidates, "a thing") == "cd" * 32
    assert complete("ef" * 32, lambda: candidates, "a thing") == "ef" * 32


def test_an_answer_that_is_no_has_been_given_already_and_adds_nothing() -> None:
    result = CliRunner().invoke(failing(exits.Negative()), ["fail"])
    assert (result.stdout, result.stderr) == ("", "")
