"""`docs/life-cycle.md`: statuses and events of an accreditation, from `registry.domain.vocabulary` and
`governance.undoing`."""

from collections.abc import Iterator
from typing import Any, Final

from accredit.governance.rules.undoing import TABLE
from accredit.registry.decision.explanations import CAUSES, reason_for
from accredit.registry.decision.explanations import Audience as To
from accredit.registry.domain.accreditations import BELONGS_TO, NEEDS
from accredit.registry.domain.vocabulary import (
    EVENTS,
    LAPSING_EVENTS,
    NARROWING_EVENTS,
    SANCTION_LEVELS,
    STATUSES,
    IssuedEarlier,
    NewlyIssued,
    status_of_event,
)
from docs.generators._page import code, rewrite, table

PAGE: Final = "life-cycle.md"

_NEWLY: Final = {
    NewlyIssued.TRUSTED: "trusted",
    NewlyIssued.ADVISORY: "trusted, with a note",
    NewlyIssued.SUSPENDED: "suspended",
    NewlyIssued.LISTED_PROGRAMS: "trusted with a note in the listed programmes, else not",
    NewlyIssued.NOT_TRUSTED: "not trusted",
}
_EARLIER: Final = {
    IssuedEarlier.TRUSTED: "trusted",
    IssuedEarlier.HISTORICAL: "trusted as of its date",
    IssuedEarlier.HISTORICAL_WITH_ADVISORY: "trusted as of its date, with a note",
}
_UNDONE_BY: Final = {
    **dict.fromkeys(NARROWING_EVENTS, "`lift`, `reinstate`, `renew`; `annul` as if never said; `stay` for a time"),
    "lift": "the narrowing event, stated anew",
    "reinstate": "the narrowing event, stated anew",
    "renew": "a new narrowing event",
    "stay": "its `effective_until`, or the decision stated anew",
    "annul": "the decision stated anew",
    "appeal_open": "`appeal_decide`",
    "appeal_decide": "a new `appeal_open`",
}
_GIVES: Final = {
    "lift": "the status before all trouble",
    "reinstate": "the status before all trouble",
    "renew": "`active`",
    "stay": "the status before what is stayed, with a note",
    "annul": "the status as if the named events had never been said, for days past as well",
    "appeal_open": "no change; an appeal is shown as open",
    "appeal_decide": "no change: an upheld appeal is followed by `annul` or `lift`; a dismissed one, after a stay, by "
    "the decision stated anew",
}


def text() -> str:
    """Statuses, events, what events need, and their reason codes."""
    statuses = table(
        ("status", "a credential issued while it lasts", "one issued before", "in words"),
        (
            (code(word), _NEWLY[row.newly], _EARLIER[row.earlier], _words(word))
            for word, row in sorted(STATUSES.items(), key=lambda one: -one[1].rank)
        ),
    )
    events = table(("event", "brings", "who may say it", "what it undoes", "reaches back", "undone by"), _events())
    members = table(("event", "needs", "may have"), _members())
    causes = table(("reason_code", "meaning"), ((code(name), meaning) for name, meaning in CAUSES.items()))
    return "\n\n".join(
        ("## Statuses", statuses, "## Events", events, "## Members of events", members, "## Reasons", causes)
    )


def _words(status: str) -> str:
    told = reason_for(f"status_{status}", To.ADMISSIONS)
    return "Nothing stands against it." if told is None else told.sentence


def _events() -> Iterator[list[str]]:
    for event in EVENTS:
        row = TABLE[f"accreditation.status {event}"]
        yield [code(event), _brings(event), row.whose.value, row.undoes.value, row.back.value, _UNDONE_BY[event]]


def _brings(event: str) -> str:
    if event in _GIVES:
        return _GIVES[event]
    said: dict[str, Any] = {"event": event}
    if event == "sanction":
        return ", ".join(code(status_of_event({**said, "sanction_level": level})) for level in SANCTION_LEVELS)
    brought = code(status_of_event(said))
    return f"{brought}; {code('withdrawn_voluntary')} with the reason `voluntary`" if event == "withdraw" else brought


def _members() -> Iterator[list[str]]:
    for event in EVENTS:
        needs = NEEDS.get(event, ())
        may = [name for name, events in BELONGS_TO.items() if event in events and name not in needs]
        assert ("effective_until" in may) == (event in LAPSING_EVENTS)
        yield [code(event), ", ".join(map(code, needs)), ", ".join(map(code, may))]


if __name__ == "__main__":
    rewrite(PAGE, text())
