"""Every danger that the page names has the test that it names, and the design's list is on the page."""

import ast
import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "what-goes-wrong.md").read_text("utf-8")
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", PAGE)
NAMES = re.compile(r"`tests/[\w/]+\.py::test_\w+`")
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


def test_every_test_that_the_page_names_exists() -> None:
    held = {module: held_in(ROOT / module) for module, _ in NAMED}
    assert len(NAMED) > 200
    assert [f"{module}::{name}" for module, name in NAMED if name not in held[module]] == []


def held_in(module: Path) -> set[str]:
    tree = ast.parse(module.read_text("utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_row_names_a_test_and_where_somebody_attacks_the_honest_use_beside_it() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| what")]
    assert len(rows) > 100
    for row in rows:
        _, *cells = row.strip("| ").split(" | ")
        assert NAMES.fullmatch(cells[0]), row
        assert all(NAMES.fullmatch(cell) or cell == "the same test" for cell in cells[1:]), row
    attacked = PAGE[PAGE.index("## Governance") : PAGE.index("## Machines")]
    assert all(line.count("|") == 4 for line in attacked.splitlines() if line.startswith("|"))
