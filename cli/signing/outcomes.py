"""The outcome of a statement, and how it is shown."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from accredit.cli.base import output
from accredit.cli.base.documents import when
from accredit.cli.base.output import bad, faint, fair, good, mix, shorten

CANNOT_TAKE_EFFECT: Final = ("ineffective", "void", "closed", "retracted", "annulled")
"""States in which nothing more will happen by itself."""

SHOWN: Final = 25
"""Rows of a result table; of a bulk import the report has the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one thing said.

    Attributes:
        kind, sub, label: what was said, about whom, and how to name it to people.
        id: the statement's id.
        status: as the node reports it: logged, known, waiting, refused; `foreseen` if it was only asked about,
            `requested` if it was written to a request file.
        state: effective, waiting, ineffective, …, as far as known.
        reason: a sentence: why it has no effect (yet), or was refused.
        needed: whose approval it takes in all, those given included.
        foreseen: what the node says will be then (`GET /v1/statements/{id}`, `foreseen`).
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
        """When it begins to count, RFC 3339, where that lies ahead; else empty."""
        return str(self.foreseen.get("begins") or "")

    @property
    def came_to_nothing(self) -> bool:
        """Whether it was refused, or has no effect and will have none by itself."""
        return self.status == "refused" or self.state in CANNOT_TAKE_EFFECT

    @property
    def name(self) -> str:
        """What it is about, in the shortest telling form."""
        return self.label or self.sub

    def with_status(self, status: str) -> "Outcome":
        """The same, at another stage."""
        return replace(self, status=status)

    def warned(self, before: "Outcome") -> "Outcome":
        """The same, with what was warned of before it was said: it is true afterwards too, and then nobody tells it."""
        warnings = before.foreseen.get("warnings")
        return replace(self, foreseen={**self.foreseen, "warnings": warnings}) if warnings else self

    def to_json(self) -> dict[str, Any]:
        """For `--json`: every member, the id in hex."""
        return {**asdict(self), "id": self.id.hex()}


def outcome_of(
    *, kind: str, sub: str, label: str, id: bytes, status: str, standing: Mapping[str, Any], problem: Mapping[str, Any]
) -> Outcome:
    """An outcome from what a node answered: a statement's standing, and the problem if it was refused."""
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
    """Prints outcomes for people: one at length, several as a table."""
    if len(outcomes) == 1:
        _show_one(outcomes[0])
        return
    rows = [(shorten(o.id), o.kind, o.name, word(o), o.needed or o.reason) for o in outcomes[:SHOWN]]
    output.table(("id", "kind", "about", "state", "needed in total, or reason"), rows)
    if len(outcomes) > SHOWN:
        output.say(faint(f"… and {len(outcomes) - SHOWN} more."))


def word(outcome: Outcome) -> output.Styled:
    """An outcome's state in a word or two, coloured."""
    is_foreseen = outcome.status in ("foreseen", "requested")
    return state_word(outcome.state or outcome.status, foreseen=is_foreseen, begins=outcome.begins)


def state_word(state: str, *, foreseen: bool = False, begins: str = "") -> output.Styled:
    """A statement's state in a word or two, coloured; what begins later is never said to be in effect."""
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
    """What will be then, what changes, what is probably not meant so, and what waits that asks for the same."""
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
        lines.append(mix(fair("! "), "The same proposal already waits for votes: ", ", ".join(duplicates[:5]), "."))
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
