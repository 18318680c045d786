"""Numbers of things in sentences: never "1 signers"."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from accredit.registry.encoding.counts import many

ROOT = Path(__file__).resolve().parents[3]
SHOWN = ("cli", "governance", "node/http")
"""Where texts for people are made. Errors about files and frames, elsewhere, name limits and sizes of logs."""

COUNTED = (
    *("accreditation", "agency", "approval", "authority", "body", "cell", "command", "commit", "conflict", "decision"),
    *("delegation", "entry", "file", "framework", "institution", "issuer", "item", "key", "link", "member", "node"),
    *("part", "peer", "person", "proposal", "record", "request", "row", "run", "signature", "signer", "statement"),
    *("vote", "week"),
)
WORDS = ("action", "constituency")
"""Values in texts that are words and no numbers."""


@pytest.mark.parametrize(
    ("number", "words", "text"),
    [
        (0, ("signer",), "0 signers"),
        (1, ("signer",), "1 signer"),
        (2, ("authority",), "2 authorities"),
        (3, ("key",), "3 keys"),
        (1, ("signed entry",), "1 signed entry"),
        (12_000, ("signed entry",), "12,000 signed entries"),
        (1, ("signer", "vouches", "vouch"), "1 signer vouches"),
        (2, ("signer", "vouches", "vouch"), "2 signers vouch"),
    ],
)
def test_one_is_one_and_more_are_more(number: int, words: tuple[str, ...], text: str) -> None:
    assert many(number, *words) == text


AFTER = r" (?:[a-z]+ )?(?:{})\b|.*\(s\)".format(
    "|".join(f"{one[:-1]}ies" if one.endswith("y") and one != "key" else f"{one}s" for one in COUNTED)
)


def plurals(source: str) -> Iterator[tuple[int, str]]:
    """Numbers in texts that are followed by a noun in the plural, whatever the number is."""
    if re.search(rf"\}}(?:{AFTER})", source) is None:
        return
    for text in ast.walk(ast.parse(source)):
        if not isinstance(text, ast.JoinedStr):
            continue
        for value, after in zip(text.values, text.values[1:], strict=False):
            if isinstance(value, ast.FormattedValue) and isinstance(after, ast.Constant):
                named = ast.unparse(value.value)
                is_number = not named.isupper() and named not in WORDS  # limits are large
                if is_number and re.match(AFTER, str(after.value)):
                    yield text.lineno, f"{{{named}}}{after.value!s}"


def test_no_text_for_people_has_a_plural_beside_a_number_that_may_be_one() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text!r}; use many()"
        for folder in SHOWN
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line, text in plurals(path.read_text())
    ]
    assert not found, "\n".join(found)


def test_the_search_sees_what_it_is_for() -> None:
    shown = (
        'f"{n} signers vouch"; f"{len(a)} waiting proposals"; f"{n} row(s)"; f"{MOST} rows"; f"{many(n, \'row\')} x"'
    )
    assert [text for _, text in plurals(shown)] == [
        "{n} signers vouch",
        "{len(a)} waiting proposals",
        "{n} row(s)",
    ]
