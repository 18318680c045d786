"""Ctrl-C at any moment, loading included, ends with one line; and exit codes stand in one documented table."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from accredit.cli.base import exits

ROOT = Path(__file__).resolve().parents[2]

# Sends itself Ctrl-C when a certain module is about to be loaded, or a certain function called: no sleeping, no luck.
PROGRAM = """
import importlib.abc, os, signal, sys
moment = sys.argv.pop(1)

class AtImport(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == moment:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, AtImport())
from accredit.cli.start import main
if moment == "the end":
    import atexit
    atexit.register(lambda: os.kill(os.getpid(), signal.SIGINT))
main()
"""
MOMENTS = [
    "click",
    "accredit.cli.base.commands",
    "accredit.registry.errors",
    "accredit.cli.commands.verifier.query",
    "accredit.node.clients.node_client",
    "accredit.node.questions",
    "http.client",
]


def run(moment: str, *words: str) -> "subprocess.CompletedProcess[str]":
    typed = [sys.executable, "-c", PROGRAM, moment, *words]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(typed, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("moment", MOMENTS)
def test_ctrl_c_ends_with_one_line_at_any_moment(moment: str) -> None:
    done = run(moment, "query", "did:web:a.example", "--for", "Degree", "--node", "http://127.0.0.1:9")
    assert done.returncode == 130, done.stderr
    said = done.stderr.split("\n")
    assert [line for line in said if line] == [line for line in said if line.startswith("Stopped; nothing")]
    assert len(done.stderr.split()) < 6, "one line, perhaps after an empty one that ends the terminal's ^C"


def test_ctrl_c_on_the_way_out_changes_nothing_any_more() -> None:
    done = run("the end", "--version")
    assert (done.returncode, done.stderr) == (0, "")


# Presses Ctrl-C at the n-th call or return of any function, counted from when the program answers for itself.
COUNTED = """
import _signal, os, sys
_signal.signal(_signal.SIGINT, _signal.default_int_handler)  # a shell may have started all this with Ctrl-C ignored
at, count = int(sys.argv.pop(1)), 0

def tick(*_event):
    global count
    if count or _signal.getsignal(_signal.SIGINT) is not _signal.default_int_handler:
        count += 1
        if count == at:
            sys.setprofile(None)
            os.kill(os.getpid(), _signal.SIGINT)

sys.setprofile(tick)
from accredit.cli.start import main
main()
"""
QUESTION = ("query", "did:web:a.example", "--for", "Degree", "--node", "http://127.0.0.1:9")
UNREACHABLE = "Error: http://127.0.0.1:9 could not be reached: no program listens there."


@pytest.mark.parametrize("count", [1, 2, 3, 10, 100, 1_000, 10_000, 50_000, 90_000, *range(110_000, 290_000, 20_000)])
def test_ctrl_c_at_any_call_ends_with_one_line_or_changes_nothing(count: int) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    typed = [sys.executable, "-c", COUNTED, str(count), *QUESTION]
    done = subprocess.run(typed, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    first = (done.stderr.split("\n") if count < 1_000 else done.stderr.strip().split("\n"))[0]
    if count <= 10_000:
        assert (done.returncode, done.stderr) == (130, "Stopped; nothing was done.\n")
    elif done.returncode == 130:  # with nothing, where the error itself was just being said
        assert first in ("", UNREACHABLE) or re.fullmatch(r"Stopped; nothing (further )?was done\.", first)
    else:  # a library kept it to itself, or the command had ended
        assert (done.returncode, first) == (5, UNREACHABLE)
    assert "Traceback" not in done.stderr


def test_ctrl_c_that_falls_where_nothing_can_be_raised_is_not_lost() -> None:
    """In a finaliser, as when Python tidies up after an import: it would be shown with a traceback, and forgotten."""
    program = """
import click, os, signal, sys, threading
from accredit.cli import start
from accredit.cli.main import accredit

class Tidied:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)

@accredit.command("wait", example="accredit wait")
def wait():
    Tidied()
    threading.Event().wait(60)

sys.argv = ["accredit", "wait"]
start.main()
"""
    typed = [sys.executable, "-c", program]
    done = subprocess.run(typed, cwd=ROOT, capture_output=True, text=True, timeout=50, check=False)
    assert (done.returncode, done.stderr.strip()) == (130, "Stopped; nothing further was done.")


def test_nothing_is_loaded_before_the_program_answers_for_itself() -> None:
    """Not even of the standard library: loading `enum` alone takes several times what this takes."""
    listed = "import sys; had = set(sys.modules); import accredit.cli.start; print(*sorted(set(sys.modules) - had))"
    done = subprocess.run([sys.executable, "-c", listed], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["accredit", "accredit.cli", "accredit.cli.start"]


def test_ctrl_c_from_another_process_never_shows_the_inside_of_this_program() -> None:
    """At many delays after the start, so that some fall before Python has begun with us: what it says then is its own.

    Nothing here waits for a moment to be right: wherever a signal falls, its own expectation holds.
    """
    ours = re.compile(
        rf'File "{re.escape(str(ROOT))}/(accredit/)?(cli|node|registry|governance|gossip)/(?!__init__|start)'
    )
    for milliseconds in (1, 5, 10, 15, 20, 25, 30, 40, 50, 70, 100, 150, 200):
        started = subprocess.Popen(
            [sys.executable, "-m", "accredit", *QUESTION],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        with started:
            time.sleep(milliseconds / 1000)
            started.send_signal(signal.SIGINT)
            _, said = started.communicate(timeout=60)
        if started.returncode not in (130, 5):
            assert not ours.search(said), said
            continue
        lines = [line for line in said.split("\n") if line]
        assert len(lines) <= 1 or lines[0] == UNREACHABLE


def test_every_exit_code_stands_in_the_documented_table_and_no_other() -> None:
    page = (ROOT / "docs" / "commands.md").read_text("utf-8")
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
    used = {value for name, value in vars(exits).items() if name.isupper() and type(value) is int}
    assert documented == used | set(exits.RESULTS.values())
    assert exits.__doc__ is not None
    assert {int(code) for code in re.findall(r"^ {4}(\d+) ", exits.__doc__, re.MULTILINE)} == documented
