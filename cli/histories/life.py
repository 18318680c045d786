"""One spell as statements: a grant, then an amendment or an event for each step.

Events name those they follow, so that only the intended event is undone. A spell has up to three parallel lines, and
the gravest decides: *conditions* (monitoring), *sanctions* (warning, probation, show cause: one at a time, a later one
in place of the one before), and the *loss*, after which only an appeal or a renewal restores anything. The lines stand
on events without limits (the grant, a renewal, a removal).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.encoding.rfc3339 import day

from .deeds import LOSSES, HistoryDeed
from .facts import CANDIDATE, DAY, DENIED, WHOLE, HistoryFinding, HistorySpell, Step
from .settle import SettledSpell, finding

GRANT, AMEND, STATUS = "accreditation.grant", "accreditation.amend", "accreditation.status"
_GRAVITY: Final = ("show_cause", "probation", "warning")
_MODES: Final = ("in_person", "online", "correspondence")


class Ref(NamedTuple):
    """Stands in a body for the id of a statement that is planned before it: the position in its life."""

    at: int


class LifeStatement(NamedTuple):
    """One statement of a life; `where` names the row it comes from."""

    kind: str
    body: Mapping[str, Any]
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What every grant of a history has in common.

    Attributes:
        source: short name of the source. snapshot: the day it vouches for, seconds; None: it is kept up to date.
        scope: of a whole institution, where the map of a table gives one; None for everything.
        program: key of a programme -> how a scope names it, and its name.
        agencies: names by keys, of agencies for which another body grants.
    """

    source: str
    snapshot: int | None
    program: Callable[[str], tuple[str, str]]
    scope: Mapping[str, Any] | None = None
    kind: str = "accredit"
    agencies: Mapping[str, str] = field(default_factory=dict)


_EVERYTHING: Final[Mapping[str, Any]] = dict.fromkeys(
    ("achievement_types", "credential_types", "programs", "fields_of_study", "levels", "jurisdictions"), "*"
)


def tell(
    settled: SettledSpell, issuer: CanonicalId, terms: Terms, about: str
) -> tuple[list[LifeStatement], list[HistoryFinding]]:
    """Return the statements of one spell, in order, and the findings.

    Args:
        about: whom findings are about.
    """
    life = _Life(settled, issuer, terms, about)
    life.run()
    return life.told, life.findings


class _Open(NamedTuple):
    """A narrowing event in force: its place, its word, and what it stands on."""

    at: Ref
    word: str
    ground: tuple[Ref, ...]


@dataclass(slots=True)
class _Life:
    settled: SettledSpell
    issuer: CanonicalId
    terms: Terms
    about: str
    told: list[LifeStatement] = field(default_factory=list)
    findings: list[HistoryFinding] = field(default_factory=list)
    clean: tuple[Ref, ...] = ()
    condition: _Open | None = None
    sanction: _Open | None = None
    loss: Ref | None = None
    stay: Ref | None = None
    amended: Ref | None = None
    granted: dict[str, Any] = field(default_factory=dict)
    is_candidate: bool = False

    @property
    def spell(self) -> HistorySpell:
        return self.settled.spell

    def run(self) -> None:
        self.is_candidate = self.spell.status != "accredited"
        self._grant()
        for step in self.settled.steps:
            self._take(step)

    # ------------------------------------------------------------------------------------------------ the grant

    def _grant(self) -> None:
        spell = self.spell
        source = {"system": self.terms.source, "id": spell.key.text}
        body: dict[str, Any] = {
            "issuer": self.issuer,
            "kind": self.terms.kind,
            "level": "institutional" if spell.key.program == WHOLE else "programmatic",
            "scope": self._scope(),
            "source_record": source,
        }
        if spell.start is None:
            assert spell.end is not None, "what never began was denied on a day"
            # It ends by itself too: until the denial has its approvals nobody is a candidate.
            body |= {"valid_from": spell.end, "valid_until": spell.end + DAY, "initial_status": CANDIDATE}
        else:
            body["valid_from"] = spell.start.time
            if spell.start.precision:
                body["valid_from_precision"] = spell.start.precision
            if spell.end is not None:
                body["valid_until"] = spell.end
            if spell.status == CANDIDATE:
                body["initial_status"] = CANDIDATE
        if spell.end is None and self.terms.snapshot is not None:
            text = f"As reported by {day(self.terms.snapshot)} ({self.terms.source}); not checked since."
            body["conditions"] = [{"text": text}]
        if spell.review is not None:
            body["review_due"] = spell.review
        agency = self.terms.agencies.get(spell.key.agency, "")
        extra = {"agency": agency, "department": spell.department, "start_as_reported": spell.as_reported}
        if any(extra.values()):
            body["ext"] = {name: value for name, value in extra.items() if value}
        self.granted = body
        self.told.append(LifeStatement(GRANT, body, spell.where))
        if spell.status == DENIED:
            said = "Denied Accreditation"
            self._event("deny", body["valid_from"], spell.where, (), reason_code="other", reason_text=said)

    def _scope(self) -> dict[str, Any]:
        scope: dict[str, Any] = dict(self.terms.scope or _EVERYTHING)
        if self.spell.key.program != WHOLE:
            id, name = self.terms.program(self.spell.key.program)
            scope["programs"] = [{"id": id, "name": name}]
        if self.terms.scope is None:
            scope["delivery_modes"] = self._first_modes()
        return scope

    def _first_modes(self) -> Any:
        """Modes of delivery at first: all, unless a step adds or drops one; then those it was limited to before."""
        first = next((s.deed for s in self.settled.steps if s.deed in _MODE_DEEDS), None)
        match first:
            case None:
                return "*"
            case HistoryDeed.ADD_ONLINE:
                return [mode for mode in _MODES if mode == "in_person"]
            case _:
                return list(_MODES)

    # ------------------------------------------------------------------------------------------------ steps

    def _take(self, step: Step) -> None:
        spell = self.spell
        if self.loss is not None and step.deed not in _AFTER_LOSS:
            self._find("action_after_loss", step)
            return
        begins = self.granted["valid_from"]
        ended = spell.end is not None and (step.date > spell.end or (step.date == spell.end and not _ends(step.deed)))
        if step.date < begins or ended:
            if step.deed is HistoryDeed.CLOSE_LOCATION:
                self._find("location_closed", step)
            elif not (ended and step.date == spell.end):
                self._find("outside_spell", step)
            return
        match step.deed:
            case HistoryDeed.BEGIN:
                self._begin(step)
            case HistoryDeed.RENEW:
                self._renew(step)
            case HistoryDeed.CONDITION:
                self._impose(step, "condition")
            case HistoryDeed.SANCTION:
                self._impose(step, step.level)
            case HistoryDeed.LIFT:
                self._lift(step)
            case HistoryDeed.STAY:
                self._stay(step)
            case HistoryDeed.AFFIRM:
                self._affirm(step)
            case HistoryDeed.OVERTURN:
                self._overturn(step)
            case HistoryDeed.CLOSE_LOCATION:
                if spell.end == step.date:
                    self._lose(step, "close")
                else:
                    self._find("location_closed", step)
            case HistoryDeed.AMEND | HistoryDeed.ADD_ONLINE | HistoryDeed.DROP_ONLINE | HistoryDeed.DROP_CORRESPONDENCE:
                self._amend(step)
            case _:
                assert step.deed in LOSSES, step.deed
                self._lose(step, step.deed.value)

    def _begin(self, step: Step) -> None:
        start = self.spell.start
        if self.is_candidate and start is not None and step.date > start.time:
            self._renewed(step)
        elif start is None or not start.time <= step.date <= max(start.certain - DAY, start.time):
            self._find("initial_again", step)

    def _renew(self, step: Step) -> None:
        if self.loss is not None:
            self._find("renewed_after_loss", step)
            self._reinstate(step)
        elif self.is_candidate:
            self._find("renewed_candidate", step)
        else:
            self._renewed(step)

    def _renewed(self, step: Step) -> None:
        self.is_candidate = False
        self._clear(self._say(step, "renew", self._heads()))

    def _impose(self, step: Step, word: str) -> None:
        line = self.condition if word == "condition" else self.sanction
        after = self.clean if line is None else (line.at,)
        ground = self.clean if line is None else line.ground
        if line is not None and word in _GRAVITY and _GRAVITY.index(word) > _GRAVITY.index(line.word):
            self._find("milder_sanction", step)
            lifted = self._say(step, "lift", after)
            self._ground(lifted, ground)
            after = ground = (lifted,)
        event = "condition" if word == "condition" else "sanction"
        more: dict[str, Any] = {} if event == "condition" else {"sanction_level": word}
        if step.until is not None and step.until > step.date:
            more["effective_until"] = step.until
        opened = _Open(self._say(step, event, after, **more), word, ground)
        if event == "condition":
            self.condition = opened
        else:
            self.sanction = opened

    def _lift(self, step: Step) -> None:
        if self.loss is not None:
            self._find("renewed_after_loss", step)
            self._reinstate(step)
            return
        line = self.condition if step.level == "condition" else self.sanction
        if line is not None and line.word == step.level:
            self._ground(self._say(step, "lift", (line.at,)), line.ground)
            if line is self.condition:
                self.condition = None
            else:
                self.sanction = None
        elif step.clears and (self.condition or self.sanction):
            self._find("lifted_another", step)
            self._clear(self._say(step, "lift", tuple(one.at for one in (self.condition, self.sanction) if one)))
        else:
            self._find("nothing_to_lift", step)

    def _lose(self, step: Step, event: str) -> None:
        more: dict[str, Any] = {"successor": self.issuer} if event == "supersede" else {}
        self.loss = self._say(step, event, self._heads(), **more)
        self.condition = self.sanction = self.stay = None
        self.clean = ()

    def _stay(self, step: Step) -> None:
        if self.loss is None:
            self._find("stay_without_loss", step)
            said = f"Not listed itself: implied by {step.said} of this day"
            heads = self._heads()
            self.loss = self._event("deny", step.date, step.where, heads, reason_code=step.reason, reason_text=said)
        self.stay = self._say(step, "stay", (self.loss,))

    def _affirm(self, step: Step) -> None:
        if self.loss is not None and self.stay is None:
            self._say(step, "appeal_decide", (self.loss,))
        elif self.loss is not None and self.stay is not None:
            self.loss = self._say(step, "deny", (self.stay,))
            self.stay = None
        else:
            self._lose(step, "deny")

    def _overturn(self, step: Step) -> None:
        if self.loss is None:
            self._find("nothing_to_reinstate", step)
            return
        after = (self.loss,) if self.stay is None else (self.loss, self.stay)
        self._clear(self._say(step, "annul", after))

    def _reinstate(self, step: Step) -> None:
        assert self.loss is not None
        self._clear(self._say(step, "reinstate", (self.loss if self.stay is None else self.stay,)))

    def _amend(self, step: Step) -> None:
        scope = dict(self.granted["scope"])
        modes = scope.get("delivery_modes")
        if isinstance(modes, list):
            added = {"online"} if step.deed is HistoryDeed.ADD_ONLINE else set()
            dropped = {HistoryDeed.DROP_ONLINE: {"online"}, HistoryDeed.DROP_CORRESPONDENCE: {"correspondence"}}.get(
                step.deed, set()
            )
            scope["delivery_modes"] = [mode for mode in _MODES if mode in {*modes, *added} - dropped]
        kept = ("valid_from", "valid_from_precision", "valid_until", "conditions", "review_due", "ext")
        body: dict[str, Any] = {
            "accreditation": Ref(0),
            "after": [] if self.amended is None else [self.amended],
            "effective_from": step.date,
            "scope": scope,
            **{name: self.granted[name] for name in kept if name in self.granted},
            "reason_text": step.text,
        }
        self.granted = {**self.granted, "scope": scope}
        self.told.append(LifeStatement(AMEND, body, step.where))
        self.amended = Ref(len(self.told) - 1)

    # ------------------------------------------------------------------------------------------------ the graph

    def _heads(self) -> tuple[Ref, ...]:
        """Return the events that no other event follows yet."""
        lines = [one for one in (self.condition, self.sanction) if one is not None]
        stood_on = {ref for one in lines for ref in one.ground}
        last = [ref for ref in (self.stay or self.loss,) if ref is not None]
        return (*(ref for ref in self.clean if ref not in stood_on), *(one.at for one in lines), *last)

    def _ground(self, lifted: Ref, ground: tuple[Ref, ...]) -> None:
        """Lift a line: its removal replaces the event that the line stood on."""
        self.clean = (*(ref for ref in self.clean if ref not in ground), lifted)

    def _clear(self, at: Ref) -> None:
        """End all lines by one event that restores everything."""
        self.clean = (at,)
        self.condition = self.sanction = self.loss = self.stay = None

    def _say(self, step: Step, event: str, after: tuple[Ref, ...], **more: Any) -> Ref:
        if event in _REASONED:
            more["reason_code"] = step.reason or "other"
        return self._event(event, step.date, step.where, after, reason_text=step.text or step.said, **more)

    def _event(self, event: str, date: int, where: str, after: tuple[Ref, ...], **more: Any) -> Ref:
        body = {"accreditation": Ref(0), "event": event, "effective_from": date, "after": list(after), **more}
        self.told.append(LifeStatement(STATUS, body, where))
        return Ref(len(self.told) - 1)

    def _find(self, code: str, step: Step) -> None:
        self.findings.append(finding(code, step.where, self.about, f"{step.said} on {day(step.date)}."))


_REASONED: Final = ("condition", "sanction", "withdraw", "expire", "deny", "close", "supersede")
_MODE_DEEDS: Final = (HistoryDeed.ADD_ONLINE, HistoryDeed.DROP_ONLINE, HistoryDeed.DROP_CORRESPONDENCE)
_AFTER_LOSS: Final = (HistoryDeed.STAY, HistoryDeed.AFFIRM, HistoryDeed.OVERTURN, HistoryDeed.RENEW, HistoryDeed.LIFT)


def _ends(deed: HistoryDeed) -> bool:
    """Return whether a deed on the day on which a spell ends belongs to the spell."""
    return deed in LOSSES or deed in (HistoryDeed.AFFIRM, HistoryDeed.CLOSE_LOCATION)


def resolved(body: Mapping[str, Any], ids: Sequence[bytes]) -> dict[str, Any]:
    """Return a body with ids in place of references; `ids` are those of the spell's statements so far."""
    found: dict[str, Any] = {}
    for name, value in body.items():
        if isinstance(value, Ref):
            found[name] = ids[value.at]
        else:
            found[name] = sorted(ids[one.at] for one in value) if name == "after" else value
    return found
