"""The outcome of a statement, and how it is shown."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from accredit.cli.base import output
from accredit.cli.base.documents import when
from accredit.cli.base.output import bad, faint, fair, good, mix, shorten

CANNOT_TAKE_EFFECT: Final = ("ineffective", "void", "closed", "retracted", "annulled")
"""States that no longer change by themselves."""

SHOWN: Final = 25
"""Rows of a result table; the report of a bulk import has the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of one statement.

    Attributes:
        kind, sub, label: the statement's kind and subject, and a name for people.
        id: the statement's id.
        status: as the node reports it: logged, known, waiting, refused; `foreseen` if it was only asked about,
            `requested` if it was written to a request file.
        state: effective, waiting, ineffective, …, as far as known.
        reason: a sentence: why it has no effect (yet), or was refused.
        needed: all approvals that it needs, including those given.
        foreseen: the effect that the node foresees (`GET /v1/statements/{id}`, `foreseen`).
    """

    kind: str
    sub: str
    label: str
    id: bytes
    status: str
    state: str = ""
    reason: str = ""
    needed: str = ""
    foreseen: Mapping[str, Any] = field(default_factory=dict)

    @property
    def begins(self) -> str:
        """Return when it begins to count, RFC 3339, if that is in the future; else empty."""
        return str(self.foreseen.get("begins") or "")

    @property
    def came_to_nothing(self) -> bool:
        """Return whether it was refused, or has no effect and will not get one by itself."""
        return self.status == "refused" or self.state in CANNOT_TAKE_EFFECT

    @property
    def name(self) -> str:
        """Return its shortest telling name."""
        return self.label or self.sub

    def with_status(self, status: str) -> "Outcome":
        """Return the same outcome with another status."""
        return replace(self, status=status)

    def warned(self, before: "Outcome") -> "Outcome":
        """Return the same outcome with the earlier warnings, which still hold, and which no later answer repeats."""
        warnings = before.foreseen.get("warnings")
        return replace(self, foreseen={**self.foreseen, "warnings": warnings}) if warnings else self

    def to_json(self) -> dict[str, Any]:
        """Return its members for `--json`, with the id in hex."""
        return {**asdict(self), "id": self.id.hex()}


def outcome_of(
    *, kind: str, sub: str, label: str, id: bytes, status: str, standing: Mapping[str, Any], problem: Mapping[str, Any]
) -> Outcome:
    """Return an outcome from a node's answer: a statement's standing, and the problem if it was refused."""
    reason = " ".join(str(problem.get(part, "")) for part in ("detail", "hint")).strip() or str(
        standing.get("reason") or ""
    )
    return Outcome(
        kind=kind,
        sub=sub,
        label=label,
        id=id,
        status=status,
        state=str(standing.get("state") or ("refused" if problem else "")),
        reason=reason,
        needed=str(standing.get("needed") or ""),
        foreseen=dict(standing.get("foreseen") or {}),
    )


def show(outcomes: Sequence[Outcome]) -> None:
    """Print outcomes for people: one in full, several as a table."""
    if len(outcomes) == 1:
        _show_one(outcomes[0])
        return
    rows = [(shorten(o.id), o.kind, o.name, word(o), o.needed or o.reason) for o in outcomes[:SHOWN]]
    output.table(("id", "kind", "about", "state", "needed in total, or reason"), rows)
    if len(outcomes) > SHOWN:
        output.say(faint(f"… and {len(outcomes) - SHOWN} more."))


def word(outcome: Outcome) -> output.Styled:
    """Return an outcome's state in a word or two, coloured."""
    is_foreseen = outcome.status in ("foreseen", "requested")
    return state_word(outcome.state or outcome.status, foreseen=is_foreseen, begins=outcome.begins)


def state_word(state: str, *, foreseen: bool = False, begins: str = "") -> output.Styled:
    """Return a statement's state in a word or two, coloured; one that begins later is never called in effect."""
    match state:
        case "effective" if begins:
            return fair(f"{'would take' if foreseen else 'takes'} effect on {when(begins)}")
        case "effective":
            return good("would take effect" if foreseen else "in effect")
        case "waiting":
            return fair("would wait for votes" if foreseen else "waits for votes")
        case "refused" | "ineffective" | "void" | "closed" | "retracted" | "annulled":
            return bad(f"would be {state}" if foreseen else state)
        case _:
            return fair(state)


def foreseen_lines(foreseen: Mapping[str, Any]) -> list[output.Styled]:
    """Return lines about the foreseen effect, the changes, probable mistakes, and waiting proposals for the same."""
    lines = [mix("changes ", line) for line in foreseen.get("differences", ())]
    lines += [mix("then: ", line) for line in foreseen.get("afterwards", ())]
    lines += [mix(fair("! "), line) for line in foreseen.get("warnings", ())]
    lines += [
        mix(
            fair("! "),
            f"{issuer} is not registered as an issuer. Check the id, or register it: accredit issuer propose",
        )
        for issuer in foreseen.get("unregistered", ())
    ]
    duplicates = [shorten(one) for one in foreseen.get("duplicates", ())]
    if duplicates:
        already = f"The same proposal already waits for votes: {', '.join(duplicates[:5])}."
        lines.append(mix(fair("! "), f"{already} One is enough; accredit retract takes the other back."))
    return lines


def _show_one(outcome: Outcome) -> None:
    output.say(f"{output.styled(outcome.kind, bold=True)} about {output.safe(outcome.name)}: {word(outcome)}")
    output.facts(
        [
            ("id", "" if outcome.status == "foreseen" else outcome.id.hex()),
            ("needed in total", outcome.needed),
            ("why", outcome.reason),
        ]
    )
    if outcome.status in ("foreseen", "requested"):
        for line in foreseen_lines(outcome.foreseen):
            output.say(f"  {line}")
    if outcome.state == "waiting" and outcome.status in ("logged", "known"):
        output.say(f"  Others approve it with:  accredit approve {shorten(outcome.id)}")
