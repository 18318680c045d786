"""Outcome before output: what becomes of printing changes neither what a command does nor how it ends."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

PROGRAM = """
import sys
from pathlib import Path
from accredit.cli.base import exits, output
from accredit.cli.base.commands import RootCommand
from accredit.registry.errors import InputError

root = RootCommand("accredit", help="A test.")

@root.command("work", example="accredit work")
def work() -> None:
    '''Work.'''
    output.table(("n", "text"), [(n, "x" * 100) for n in range(5_000)])
    output.say("\\u2013 \\u2192 \\u5317\\u4eac")
    output.emit({"a": 1}, lambda: output.say("done"))
    Path(sys.argv[2]).write_text("the work is done")
    if sys.argv[3] == "no":
        raise exits.Negative
    if sys.argv[3] == "refuted":
        raise exits.Negative("refuted")
    if sys.argv[3] == "error":
        raise InputError("wrong", "It is wrong.", hint="Mend it.")

root.params.clear()
sys.argv = ["accredit", *sys.argv[1:]]
root.main(["work"], prog_name="accredit")
"""

OUTCOMES = [("yes", 0), ("no", 1), ("refuted", 10), ("error", 3)]


def run(tmp_path: Path, outcome: str, stdout: int, **env: str) -> "subprocess.CompletedProcess[bytes]":
    (tmp_path / "program.py").write_text(PROGRAM)
    words = [sys.executable, str(tmp_path / "program.py"), "work", str(tmp_path / "proof"), outcome]
    return subprocess.run(
        words, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), **env}, stdout=stdout, stderr=subprocess.PIPE,
        timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(("outcome", "code"), OUTCOMES)
def test_a_reader_that_is_gone_changes_neither_the_work_nor_the_exit_code(
    tmp_path: Path, outcome: str, code: int
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = run(tmp_path, outcome, writer)
    finally:
        os.close(writer)
    assert done.returncode == code, done.stderr
    assert (tmp_path / "proof").read_text() == "the work is done"
    assert b"Traceback" not in done.stderr
    assert done.stderr == (b"Error: It is wrong.\nMend it.\n" if outcome == "error" else b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which is full")
@pytest.mark.parametrize(("outcome", "code"), [("yes", 6), ("no", 1), ("refuted", 10), ("error", 3)])
def test_an_answer_that_could_not_be_written_is_said_and_the_work_is_done_all_the_same(
    tmp_path: Path, outcome: str, code: int
) -> None:
    with Path("/dev/full").open("wb") as full:
        done = run(tmp_path, outcome, full.fileno())
    assert done.returncode == code
    assert (tmp_path / "proof").read_text() == "the work is done"
    assert b"Standard output cannot be written" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_that_lacks_a_character_gets_it_in_ascii(tmp_path: Path, encoding: str) -> None:
    with (tmp_path / "out").open("wb") as out:
        done = run(tmp_path, "yes", out.fileno(), PYTHONIOENCODING=encoding, LC_ALL="C")
    assert done.returncode == 0, done.stderr
    shown = (tmp_path / "out").read_bytes()
    # click takes ASCII for a mistaken locale and writes UTF-8, as PEP 540 does.
    assert (b"- -> \\u5317\\u4eac" if encoding == "latin-1" else "\u2013 \u2192 \u5317\u4eac".encode()) in shown


FULL_FOR_A_WHILE = """
import logging
import resource
import sys
from accredit.cli.base import streams
from accredit.node import telemetry

telemetry.configure_logging("text", "info")
streams.prepare()
resource.setrlimit(resource.RLIMIT_FSIZE, (64, resource.RLIM_INFINITY))
for _ in range(2):  # the first is written in part
    streams.write("while it is full " * 20, err=True)
logging.getLogger("accredit.node").info("lost")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
logging.getLogger("accredit.node").info("there is room again")
streams.write("and it says so", err=True)
streams.finish()
"""


def test_a_disk_that_was_full_for_a_while_does_not_silence_standard_error_for_good(tmp_path: Path) -> None:
    """A node's log was dropped from the first text on that its disk had no room for, until somebody restarted it."""
    with (tmp_path / "log").open("wb") as log:
        done = subprocess.run(
            [sys.executable, "-c", FULL_FOR_A_WHILE], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE, stderr=log, timeout=60, check=False,
        )  # fmt: skip
    said = (tmp_path / "log").read_text()
    assert "there is room again" in said
    assert "and it says so" in said
    assert done.returncode == 0


def test_an_unknown_issuer_asked_about_into_a_closed_pipe_is_still_a_no(tmp_path: Path) -> None:
    """The real command line: a question that cannot be asked (nobody listens) ends as it would on a terminal."""
    reader, writer = os.pipe()
    os.close(reader)
    words = [sys.executable, "-c", "from accredit.cli.main import main; main()", "query", "did:web:a.example"]
    try:
        done = subprocess.run(
            [*words, "--node", "http://127.0.0.1:9", "--json"], cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=writer, stderr=subprocess.PIPE, timeout=60, check=False,
        )  # fmt: skip
    finally:
        os.close(writer)
    assert done.returncode == 5
    assert json.loads(done.stderr)["error"]["code"] == "unreachable"
