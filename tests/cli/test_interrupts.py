"""Ctrl-C at any moment, loading included, ends with one line; and exit codes stand in one documented table."""

import os
import re
import subprocess
import sys
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
    "accredit.cli.commands.query",
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


def test_every_exit_code_stands_in_the_documented_table_and_no_other() -> None:
    page = (ROOT / "docs" / "commands.md").read_text("utf-8")
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
    used = {value for name, value in vars(exits).items() if name.isupper() and type(value) is int}
    assert documented == used | set(exits.RESULTS.values())
    assert exits.__doc__ is not None
    assert {int(code) for code in re.findall(r"^ {4}(\d+) ", exits.__doc__, re.MULTILINE)} == documented
