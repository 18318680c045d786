"""What came of one check of a credential: passed, failed, or not done and why."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class CheckOutcome(StrEnum):
    """How a check ended. A check that was not done says nothing for the credential and nothing against it."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_DONE = "not_done"


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialCheck:
    """One check.

    Attributes:
        name: which one, of `NAMES`.
        code: what was found, as a stable word. text: the same as a sentence. hint: what to do next, or empty.
    """

    name: str
    outcome: CheckOutcome
    code: str
    text: str
    hint: str = ""

    def to_json(self) -> dict[str, str]:
        """For programs."""
        return {
            "check": self.name,
            "outcome": str(self.outcome),
            "code": self.code,
            "text": self.text,
            "hint": self.hint,
        }


NAMES: Final = ("content", "signature", "dates", "status", "issuer")
"""The checks, in the order in which they are shown."""


class CheckStopped(Exception):
    """A check cannot go on: what it found ends it.

    Args:
        outcome: failed, or not done.
        code, text, hint: as of `CredentialCheck`.
    """

    def __init__(self, outcome: CheckOutcome, code: str, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.outcome, self.code, self.text, self.hint = outcome, code, text, hint

    def as_check(self, name: str) -> CredentialCheck:
        """The check that it ended."""
        return CredentialCheck(name=name, outcome=self.outcome, code=self.code, text=self.text, hint=self.hint)


def failed(code: str, text: str, hint: str = "") -> CheckStopped:
    """Return what to raise where something is wrong with the credential."""
    return CheckStopped(CheckOutcome.FAILED, code, text, hint)


def not_done(code: str, text: str, hint: str = "") -> CheckStopped:
    """Return what to raise where something is missing to check it."""
    return CheckStopped(CheckOutcome.NOT_DONE, code, text, hint)
