"""Writes numbers with their nouns in sentences for people: one signer vouches, two signers vouch, 1,000 entries."""

from typing import Final

_VOWELS: Final = "aeiou"


def many(number: int, noun: str, one: str = "", more: str = "") -> str:
    """Return a number with the noun that it counts, in the singular or the plural.

        many(1, "signer", "vouches", "vouch") -> "1 signer vouches"
        many(1200, "signed entry")            -> "1,200 signed entries"

    Args:
        noun: in the singular; words before it stay as they are.
        one, more: the words that follow, for one and for all other numbers.
    """
    if number == 1:
        said, end = f"1 {noun}", one
    else:
        is_y = noun.endswith("y") and noun[-2:-1] not in _VOWELS
        said, end = f"{number:,} {noun[:-1] + 'ies' if is_y else noun + 's'}", more
    return f"{said} {end}" if end else said
