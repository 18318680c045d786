"""`docs/history.md`: what the words of DAPIP mean here, and how contradictions are settled, from `cli.histories`."""

from typing import Final

from accredit.cli.histories.deeds import ACTIONS, EFFECTS, JUSTIFICATIONS, RECORD_STATUSES
from accredit.cli.histories.settle import RULES
from docs.generators._page import code, rewrite, table

PAGE: Final = "history.md"
_BEGINS: Final = {
    "accredited": "a grant",
    "candidate": "a grant whose initial status is `candidate`",
    "denied": "a grant for the day of the denial alone, and `deny`: nobody was ever accredited",
}


def text() -> str:
    """The tables of words, and that of rules."""
    actions = table(
        ("action", "here", "besides"),
        ((word, EFFECTS[meaning.deed], _besides(meaning.level, meaning.why)) for word, meaning in ACTIONS.items()),
    )
    statuses = table(("status of a record", "here"), ((word, _BEGINS[name]) for word, name in RECORD_STATUSES.items()))
    reasons = table(("justification", "reason code"), ((word, code(name)) for word, name in JUSTIFICATIONS.items()))
    rules = table(
        ("code", "the data say", "an import does"), ((code(name), one.found, one.taken) for name, one in RULES.items())
    )
    return "\n\n".join(
        (
            "## What the words of DAPIP mean here",
            statuses,
            actions,
            reasons,
            "Any other justification is `other`, with its own words.",
            "## How contradictions are settled",
            rules,
        )
    )


def _besides(level: str, why: str) -> str:
    named = "" if not level else code("condition" if level == "condition" else level)
    return "; ".join(part for part in (named, why) if part)


if __name__ == "__main__":
    rewrite(PAGE, text())
