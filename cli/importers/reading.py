"""Reads values strictly: JSON without losing duplicate members, and TOML.

Of two members with one name, Python's JSON reader keeps only the last. In a list edited by hand, one issuer would thus
silently replace another, so objects are read as `Table`, which keeps every pair.
"""

import json
from typing import Any, Final

from accredit.cli.base import documents
from accredit.registry.errors import DecodeError

_NESTED: Final = "nested too deeply"
_LONG_NUMBER: Final = "a number in it has thousands of digits"


class Table(dict[str, Any]):
    """A JSON object: a dict of the last value of each member, and all `pairs` as written."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs

    def doubled(self) -> list[str]:
        """Return the members written more than once with different values, in order."""
        seen: dict[str, Any] = {}
        found: dict[str, None] = {}
        for name, value in self.pairs:
            if name in seen and seen[name] != value:
                found[name] = None
            seen.setdefault(name, value)
        return list(found)


def read_json(text: str, source: str) -> Any:
    """Return the value of a JSON text, with objects as `Table`.

    Raises:
        DecodeError: not JSON, nested too deeply, or with text that is not Unicode (half of a surrogate pair).
    """
    try:
        value = json.loads(text, object_pairs_hook=Table)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        said = error.msg.removesuffix(" starting at")
        raise DecodeError(
            "not_json",
            f"{source}: not JSON: {said} at line {error.lineno}, column {error.colno}.",
            hint="Download the file again, or correct that place.",
        ) from error
    except UnicodeEncodeError as error:
        raise DecodeError(
            "not_text", f"{source}: a \\u escape does not stand for a character.", hint="Correct it in the file."
        ) from error
    except (ValueError, RecursionError) as error:
        is_deep = isinstance(error, RecursionError)
        raise DecodeError(
            "not_json",
            f"{source}: this JSON is not accepted: {_NESTED if is_deep else _LONG_NUMBER}.",
            hint="Save it flatter." if is_deep else "Write the number in quotes, or correct it.",
        ) from error
    return value


def read_toml(text: str, source: str) -> dict[str, Any]:
    """Return the table of a TOML text.

    Raises:
        DecodeError: not TOML.
    """
    try:
        return documents.parse_toml(text, source)
    except ValueError as error:  # a number of thousands of digits
        raise DecodeError(
            "not_toml",
            f"{source}: this TOML is not accepted: {_LONG_NUMBER}.",
            hint="Write the number in quotes, or correct it.",
        ) from error


def listed(value: Any) -> list[Any]:
    """Return a value that may stand alone or in a list as a list; of null, an empty one."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


class Lines:
    """Finds the lines of the members of a JSON object; ask for them in the order in which they are written."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1

    def of(self, member: str) -> int | None:
        """Return the line of the next `"member":`; None from the first one that is spelled with escapes."""
        quoted = json.dumps(member, ensure_ascii=False)
        at = self._text.find(quoted, self._at)
        while at >= 0 and not self._text[at + len(quoted) : at + len(quoted) + 20].lstrip().startswith(":"):
            at = self._text.find(quoted, at + 1)
        if at < 0:
            self._at = len(self._text)  # never search the same stretch again: a list may have many such members
            return None
        self._line += self._text.count("\n", self._at, at)
        self._at = at + len(quoted)
        return self._line
