"""Whoever lacks an optional package is told a line that works where they are."""

import re
import shlex
import sys

import pytest

from accredit.node.extras import install_line
from tests.docs.pages import ROOT


def test_the_line_installs_into_the_python_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/opt/my trust/.venv/bin/python")
    words = shlex.split(install_line("credentials"))
    assert words == ["/opt/my trust/.venv/bin/python", "-m", "pip", "install", "accredit[credentials]"]


def test_no_page_or_program_names_a_pip_that_may_be_another_pythons() -> None:
    folders = ("cli", "docs", "examples", "governance", "gossip", "node", "registry", "simulations")
    files = [ROOT / "README.md", *(path for name in folders for path in sorted((ROOT / name).rglob("*.*")))]
    read = [path for path in files if path.suffix in (".md", ".py") and "adr" not in path.parts]
    assert len(read) > 300
    bare = re.compile(r"(?<!-m )pip install [\"']?accredit\b")
    assert [path.relative_to(ROOT) for path in read if bare.search(path.read_text("utf-8"))] == []
