"""`docs/reasons.md`: verdicts and reason codes in the words of each audience, from `registry.decision.explanations`."""

from collections.abc import Iterator, Mapping
from typing import Final

from accredit.registry.decision.explanations import CAUSES, GROUPS, VERDICTS, Audience, Explained
from docs.generators._page import code, rewrite, table

PAGE: Final = "reasons.md"
_READERS: Final = {
    Audience.ADMISSIONS: "to an admissions office",
    Audience.EMPLOYER: "to an employer",
    Audience.LEARNER: "to the learner",
}


def text() -> str:
    """Verdicts, then the reason codes by group, then the causes of status events."""
    parts = ["## Verdicts", _told("verdict", {str(name): told for name, told in VERDICTS.items()})]
    for title, group in GROUPS.items():
        parts += [f"## {title}", _told("code", group)]
    causes = table(("reason_code", "meaning"), ((code(name), meaning) for name, meaning in CAUSES.items()))
    parts += ["## Causes of a status event", causes]
    return "\n\n".join(parts)


def _told(first: str, told: Mapping[str, Explained]) -> str:
    return table((first, *(_READERS[audience] for audience in Audience)), _rows(told))


def _rows(told: Mapping[str, Explained]) -> Iterator[list[str]]:
    for name, explained in told.items():
        yield [code(name), *(f"{one.sentence} *{one.next_step}*" for one in map(explained.__getitem__, Audience))]


if __name__ == "__main__":
    rewrite(PAGE, text())
