"""A finding about a row or an item, for people: a stable code, a sentence, and what to do."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportFinding:
    """A fact about a row or an item that a person should know.

    Attributes:
        code: stable snake_case word.
        text: what was found, a sentence.
        hint: what to do; may be empty.
    """

    code: str
    text: str
    hint: str = ""
