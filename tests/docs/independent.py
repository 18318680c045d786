"""CDDL judged by a tool that is not ours: pycddl. Whoever imports this is skipped where it is not installed."""

from functools import cache
from typing import Any

import pytest

from tests.docs.pages import ROOT

pycddl = pytest.importorskip("pycddl", reason="pycddl, an independent CDDL tool, is not installed")


@cache
def rule(page: str, name: str) -> Any:
    """One rule of a page: the tool takes the first of a file."""
    return pycddl.Schema(f"start = {name}\n" + (ROOT / "docs" / page).read_text("utf-8"))


def accepts(page: str, name: str, data: bytes) -> bool:
    """Whether these bytes are what a rule says."""
    try:
        rule(page, name).validate_cbor(data)
    except pycddl.ValidationError:
        return False
    return True
