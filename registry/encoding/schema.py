"""Schemas of bodies, written as data: small checks that compose.

A check takes a value and the path to it; it returns nothing, or raises a `DecodeError` that names the path. Unknown
members are refused, so that a typing error never silently grants less (or more) than was meant. The member `ext` may
hold extensions of any shape.

    >>> person = members({"name": text()}, {"born": time})
    >>> person({"name": "Ada"}, "body")
    >>> person({"nane": "Ada"}, "body")
    Traceback (most recent call last):
    accredit.registry.errors.DecodeError: body: unknown member 'nane'. Did you mean name?
"""

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, Final

from ..errors import DecodeError
from ..limits import IDENTIFIER_CHARS, KEY_BUDGET, LIST_ITEMS, NAME_CHARS, TEXT_CHARS, TIME_MAX, TIME_MIN
from .ed25519 import is_usable_public
from .identifiers import canonical, canonical_issuer

Check = Callable[[Any, str], None]
"""`check(value, path)`: returns None, or raises DecodeError."""

# Characters that are invisible, or make a text look like another: Unicode's Cc, marks and overrides of direction,
# zero-width spaces and the byte order mark; not the joiners (U+200C, U+200D), which Persian and Hindi names need. The
# list is written out, because two nodes with two versions of Unicode must not disagree.
_HIDDEN: Final = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
)
_CONTROL: Final = re.compile(rf"[\t\n{_HIDDEN}]")
_CONTROL_IN_LINES: Final = re.compile(rf"[{_HIDDEN}]")
_SPACE: Final = re.compile(r"[\x00-\x20\x7f-\xa0\s]")


def wrong(path: str, expected: str, *, hint: str = "") -> DecodeError:
    """Return the error for a value that is not `expected` (a noun phrase)."""
    return DecodeError("bad_member", f"expected {expected}.", where=path, hint=hint)


def text(max_chars: int = NAME_CHARS, *, min_chars: int = 1, lines: bool = False) -> Check:
    """Text without hidden characters or white space at its ends; with line breaks only if it may have `lines`."""
    hidden = _CONTROL_IN_LINES if lines else _CONTROL

    def check(value: Any, path: str) -> None:
        if not isinstance(value, str) or not min_chars <= len(value) <= max_chars:
            raise wrong(path, f"text of {min_chars} to {max_chars} characters")
        if value != value.strip():
            raise wrong(path, "text without white space at either end", hint="Remove the white space.")
        found = hidden.search(value)
        if found is not None:
            what = f"text without control characters (it has U+{ord(found[0]):04X})"
            is_line = found[0] in "\r\n"
            hint = "Write it on one line." if is_line and not lines else "Remove the invisible character."
            raise wrong(path, what, hint=hint)

    return check


prose = text(TEXT_CHARS, lines=True)


def integer(minimum: int, maximum: int) -> Check:
    """An integer from `minimum` to `maximum`, both included."""

    def check(value: Any, path: str) -> None:
        if type(value) is not int or not minimum <= value <= maximum:
            raise wrong(path, f"an integer from {minimum} to {maximum}")

    return check


time = integer(TIME_MIN, TIME_MAX)
"""Seconds since 1970-01-01T00:00:00Z, negative before."""

budget = integer(1, KEY_BUDGET)


def boolean(value: Any, path: str) -> None:
    """True or false."""
    if type(value) is not bool:
        raise wrong(path, "true or false")


def octets(length: int) -> Check:
    """A byte string of exactly `length` bytes."""

    def check(value: Any, path: str) -> None:
        if type(value) is not bytes or len(value) != length:
            raise wrong(path, f"a byte string of {length} bytes")

    return check


digest = octets(32)
"""A SHA-256 digest, a statement id or a key id."""


def public_key(value: Any, path: str) -> None:
    """An Ed25519 public key that is not of small order."""
    digest(value, path)
    if not is_usable_public(value):
        raise DecodeError(
            "weak_key", "this Ed25519 key is not a point of the prime-order group.", where=path, hint="Make a new key."
        )


def one_of(*words: str) -> Check:
    """One of `words`."""

    def check(value: Any, path: str) -> None:
        if not isinstance(value, str) or value not in words:
            close = get_close_matches(value, words, 1) if isinstance(value, str) else []
            given = f", not {value[:80]!r}" if isinstance(value, str) and value else ""
            hint = f"Did you mean {close[0]}?" if close else ""
            raise wrong(path, f"one of {', '.join(words)}{given}", hint=hint)

    return check


def _identifier(spell: Callable[[str], str]) -> Check:
    def check(value: Any, path: str) -> None:
        if not isinstance(value, str):
            raise wrong(path, "an identifier (a DID or URL)")
        try:
            spelled = spell(value)
        except DecodeError as error:
            raise DecodeError(error.code, error.message, where=path, hint=error.hint) from None
        if spelled != value:
            raise DecodeError("not_canonical", f"{value!r} is not in canonical form; write {spelled!r}.", where=path)

    return check


uri = _identifier(canonical)
"""A canonical DID, http(s) URL or URN."""

issuer_id = _identifier(canonical_issuer)
"""A canonical DID or https URL."""


def link(value: Any, path: str) -> None:
    """A web or mail address for people, as written; nothing compares it, so it is not made canonical."""
    if not isinstance(value, str) or len(value) > IDENTIFIER_CHARS:
        raise wrong(path, f"an address of at most {IDENTIFIER_CHARS} characters")
    if not value.startswith(("https://", "http://", "mailto:")) or _SPACE.search(value) is not None:
        raise wrong(path, "an address without spaces that begins with https://, http:// or mailto:")


def list_of(item: Check, *, minimum: int = 0, maximum: int = LIST_ITEMS) -> Check:
    """A list of `minimum` to `maximum` members, each accepted by `item`, none twice."""

    def check(value: Any, path: str) -> None:
        if type(value) is not list or not minimum <= len(value) <= maximum:
            raise wrong(path, f"a list of {minimum} to {maximum} members")
        for index, member in enumerate(value):
            item(member, f"{path}[{index}]")
            if member in value[:index]:
                raise wrong(f"{path}[{index}]", "each member only once")

    return check


def either(first: Check, second: Check) -> Check:
    """Accept a value that `first` or `second` accepts; the error is that of the second."""

    def check(value: Any, path: str) -> None:
        try:
            first(value, path)
        except DecodeError:
            second(value, path)

    return check


def nullable(item: Check) -> Check:
    """Null, or what `item` accepts."""

    def check(value: Any, path: str) -> None:
        if value is not None:
            item(value, path)

    return check


def wildcard(item: Check) -> Check:
    """The text `*` (everything, said explicitly), or what `item` accepts."""

    def check(value: Any, path: str) -> None:
        if value != "*":
            item(value, path)

    return check


def members(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """A map with every `required` member, any of the `optional` ones, possibly `ext`, and nothing else."""
    known = {**required, **(optional or {})}

    def check(value: Any, path: str) -> None:
        if type(value) is not dict:
            raise wrong(path, "a map with the members " + ", ".join(known))
        for name in value:
            if name != "ext" and name not in known:
                close = get_close_matches(str(name), known, 1)
                raise DecodeError(
                    "unknown_member",
                    f"unknown member {name!r}.",
                    where=path,
                    hint=f"Did you mean {close[0]}?" if close else "Known members: " + ", ".join(known) + ", ext.",
                )
        for name in required:
            if name not in value:
                raise DecodeError("missing_member", f"the member {name} is missing.", where=path, hint=f"Add {name}.")
        for name, member in known.items():
            if name in value:
                member(value[name], f"{path}.{name}")

    return check


def table_of(key: Check, value_check: Check, *, maximum: int = LIST_ITEMS) -> Check:
    """A map whose keys `key` accepts and whose values `value_check` does."""

    def check(value: Any, path: str) -> None:
        if type(value) is not dict or len(value) > maximum:
            raise wrong(path, f"a map of at most {maximum} members")
        for name, member in value.items():
            key(name, path)
            value_check(member, f"{path}.{name}")

    return check
