"""Times and ids as people and programs outside see them."""

import re
from pathlib import Path

import pytest

from accredit.node.views.json_views import TIMES, parse_id, plain
from accredit.registry.errors import DecodeError

ROOT = Path(__file__).resolve().parents[3]


def test_a_time_in_a_body_is_never_shown_as_a_bare_number() -> None:
    """Every member that some body declares as a time is in the list."""
    declared = set()
    for folder in ("registry", "governance"):
        for path in (ROOT / folder).rglob("*.py"):
            declared |= set(re.findall(r'"([a-z_]+)": schema\.time\b', path.read_text("utf-8")))
    assert len(declared) >= 8, "the bodies are written otherwise now: look for their times anew"
    assert declared <= TIMES


def test_numbers_in_ext_stay_numbers_for_nobody_said_what_they_mean() -> None:
    value = {"iat": 0, "since": b"\xab", "ext": {"iat": 0, "list": [b"\x01", {"valid_until": 5}]}, "n": [1, (2, None)]}
    assert plain(value) == {
        "iat": "1970-01-01T00:00:00Z",
        "since": "ab",
        "ext": {"iat": 0, "list": ["01", {"valid_until": 5}]},
        "n": [1, [2, None]],
    }


@pytest.mark.parametrize("text", ["", "ab", "AB" * 32, "g" * 64, "0" * 65, "0" * 63 + "\u0660"])
def test_one_id_has_one_spelling(text: str) -> None:
    with pytest.raises(DecodeError):
        parse_id(text)
    assert parse_id("ab" * 32) == b"\xab" * 32
