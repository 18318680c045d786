"""Every danger that the page names has the test that it names, and the design's list is on the page."""

import ast
import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "what-goes-wrong.md").read_text("utf-8")
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", PAGE)
DANGERS = (
    *("CR LF", "leading zeros", "missing newline", "duplicate key lines", "17 signatures", "non-canonical base64"),
    *(
        "lost after its state was persisted",
        "timestamps go stale",
        "sign different sizes",
        "stamped again by one signer",
    ),
    *("bit flipped in storage", "clock set back or ahead", "restored backup", "proof for another root", "wrong depth"),
    *("reordered, truncated or surplus siblings", "absence claimed for a key that is present", "record left out"),
    *("lower count", "bought keys"),
)
"""The design's list, item by item."""


@pytest.mark.parametrize("danger", DANGERS)
def test_every_danger_of_the_design_is_on_the_page(danger: str) -> None:
    assert danger.lower() in PAGE.lower()


@pytest.mark.parametrize(("module", "name"), NAMED, ids=[name for _, name in NAMED])
def test_every_test_that_the_page_names_exists(module: str, name: str) -> None:
    tree = ast.parse(Path(ROOT / module).read_text("utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_row_names_a_test() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| what")]
    assert len(rows) == len(NAMED) > 25
