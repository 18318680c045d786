"""Finds contradictions in a history, and settles them by written rules. Each use of a rule is a finding.

`settle` puts every step into its spell, in order. `life` finds the contradictions that appear only when it states a
spell's steps one after the other, by rules of the same table.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Final, NamedTuple

from accredit.cli.importers.findings import ImportFinding
from accredit.registry.encoding.rfc3339 import day

from .deeds import LOSSES, HistoryDeed
from .facts import DENIED, History, HistoryFinding, HistorySpell, SpellKey, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlingRule:
    """How a contradiction is settled.

    Attributes:
        found: the contradiction, a sentence. taken: its treatment, a sentence.
        is_left_out: whether the row is left out because of it.
    """

    found: str
    taken: str
    is_left_out: bool


def _take(found: str, taken: str) -> SettlingRule:
    return SettlingRule(found=found, taken=taken, is_left_out=False)


def _leave(found: str, taken: str) -> SettlingRule:
    return SettlingRule(found=found, taken=taken, is_left_out=True)


RULES: Final[Mapping[str, SettlingRule]] = {
    "loss_but_open": _take(
        "The last action is a loss, and the record stands open.",
        "The action counts, because a dated decision outranks an empty cell: the accreditation ends on that day.",
    ),
    "dates_differ": _take(
        "A loss and the end of its record have different dates.",
        "The record says when the accreditation ended, the action when that was decided.",
    ),
    "early_loss": _leave(
        "A loss is followed by another on the day on which the record ends.",
        "The record counts, and the first is left out: it was decided, and did not take effect.",
    ),
    "overlapping_spells": _take(
        "Two spells of one agency and programme overlap.", "Both are taken as they are; an answer uses the better one."
    ),
    "other_spell": _take(
        "An action names a spell in which its date does not lie, and another spell covers that date.",
        "It is taken into that spell.",
    ),
    "lifted_another": _take(
        "A sanction is removed that was not imposed; another is in force, and all concerns have been met.",
        "Every sanction in force is lifted.",
    ),
    "milder_sanction": _take(
        "A milder sanction follows a graver one that was not removed.", "The milder one takes its place."
    ),
    "stay_without_loss": _take(
        "A denial is stayed that is not listed.", "A denial of the same day is stated, and stayed."
    ),
    "renewed_after_loss": _take(
        "An accreditation is renewed or reaffirmed after it was lost.", "It is reinstated on that day."
    ),
    "ended_at_once": _leave("A record ends no later than it begins.", "It is left out."),
    "action_without_record": _leave("No record covers the date of an action.", "The action is left out."),
    "outside_spell": _leave("An action is dated before its record begins or after it ends.", "The action is left out."),
    "said_twice": _leave("The same action is listed twice.", "The second is left out."),
    "nothing_to_lift": _leave(
        "A sanction is removed that was not imposed, or had been removed.", "The removal is left out."
    ),
    "nothing_to_reinstate": _leave("A loss is overturned that is not listed.", "The reversal is left out."),
    "action_after_loss": _leave(
        "Something happens to an accreditation that was lost.", "It is left out: a lost accreditation stays lost."
    ),
    "initial_again": _leave(
        "An initial accreditation has another date than the start of its record.", "The record counts."
    ),
    "location_closed": _leave(
        "One location closed, and the institution's record goes on.", "It is left out: the institution is accredited."
    ),
    "renewed_candidate": _leave(
        "A candidacy is renewed.", "It is left out: the institution stays a candidate, as the record says."
    ),
}
"""Code -> rule. `accredit history conflicts` lists each use."""


def finding(code: str, where: str, about: str, detail: str) -> HistoryFinding:
    """Return the finding for one use of a rule of `RULES`; `detail` is a sentence about this case."""
    rule = RULES[code]
    return HistoryFinding(
        where=where,
        about=about,
        finding=ImportFinding(code=code, text=f"{detail} {rule.taken}"),
        is_left_out=rule.is_left_out,
    )


class SettledSpell(NamedTuple):
    """A spell and its steps, oldest first."""

    spell: HistorySpell
    steps: tuple[Step, ...]


def settle(history: History) -> tuple[list[SettledSpell], list[HistoryFinding]]:
    """Return the spells of a history with their steps, and the contradictions.

    Returns:
        spells by institution, agency, programme and start.
    """
    findings: list[HistoryFinding] = []
    spells: dict[SpellKey, HistorySpell] = {}
    for spell in history.spells:
        if spell.start is not None and spell.end is not None and spell.end <= spell.start.time:
            detail = f"It began {spell.start} and ended on {day(spell.end)}."
            findings.append(finding("ended_at_once", spell.where, _about(history, spell.key), detail))
        else:
            spells[spell.key] = spell
    together: dict[tuple[str, str, str], list[HistorySpell]] = {}
    for spell in spells.values():
        together.setdefault(spell.key[:3], []).append(spell)
    for group in together.values():
        group.sort(key=_begin)
        findings += _overlaps(history, group)
    placed: dict[SpellKey, list[Step]] = {}
    for step in history.steps:
        candidates = together.get(step.key[:3], [])
        own = next((one for one in candidates if one.key == step.key), None)
        home = own if own is not None and _covers(own, step) else next((o for o in candidates if _covers(o, step)), own)
        about = _about(history, step.key)
        detail = f"{step.said} on {day(step.date)}."
        if home is None:
            findings.append(finding("action_without_record", step.where, about, detail))
            continue
        if home is not own and step.key.number:
            findings.append(finding("other_spell", step.where, about, f"{detail} Its spell is {step.key.number}."))
        placed.setdefault(home.key, []).append(replace(step, key=home.key))
    settled = []
    for group in together.values():
        for spell in group:
            steps = list(_distinct(history, placed.pop(spell.key, []), findings))
            settled.append(_ended(history, spell, steps, findings))
    return settled, findings


def _about(history: History, key: SpellKey) -> str:
    """Return the subject of a row, for people."""
    institution, agency = history.institutions.get(key.institution), history.agencies.get(key.agency)
    name = institution.name if institution is not None else key.institution
    program = history.programs.get(key.program, key.program)
    return f"{name} ({agency.name if agency is not None else key.agency}; {program})"


def _begin(spell: HistorySpell) -> int:
    if spell.start is not None:
        return spell.start.time
    assert spell.end is not None, "what never began was denied on a day"
    return spell.end


def _covers(spell: HistorySpell, step: Step) -> bool:
    return _begin(spell) <= step.date and (spell.end is None or step.date <= spell.end)


def _overlaps(history: History, group: Sequence[HistorySpell]) -> Iterator[HistoryFinding]:
    for one, other in pairwise(group):
        if other.start is not None and (one.end is None or one.end > other.start.time):
            detail = f"One began {one.start} and the other {other.start}, before the first had ended."
            yield finding("overlapping_spells", other.where, _about(history, other.key), detail)


_ORDER: Final = {
    HistoryDeed.BEGIN: 0,
    HistoryDeed.LIFT: 1,
    HistoryDeed.RENEW: 2,
    HistoryDeed.OVERTURN: 1,
    **dict.fromkeys((HistoryDeed.CONDITION, HistoryDeed.SANCTION), 3),
    **dict.fromkeys(LOSSES, 4),
    HistoryDeed.STAY: 5,
    HistoryDeed.AFFIRM: 6,
}
"""Order of the steps of one day: removals and renewals, then sanctions and conditions, then losses, then appeals."""


def _distinct(history: History, steps: list[Step], findings: list[HistoryFinding]) -> Iterator[Step]:
    """Yield the steps of one spell by date, each once."""
    seen: set[tuple[object, ...]] = set()
    for step in sorted(steps, key=lambda one: (one.date, _ORDER.get(one.deed, 2))):
        what = (step.date, step.said, step.text)
        if what in seen:
            detail = f"{step.said} on {day(step.date)}."
            findings.append(finding("said_twice", step.where, _about(history, step.key), detail))
            continue
        seen.add(what)
        yield step


def _ended(history: History, spell: HistorySpell, steps: list[Step], findings: list[HistoryFinding]) -> SettledSpell:
    """Return the spell with an end that agrees with its loss."""
    about = _about(history, spell.key)
    if spell.status == DENIED or not steps:
        return SettledSpell(spell, tuple(steps))
    at = next((at for at in reversed(range(len(steps))) if steps[at].deed in (*LOSSES, HistoryDeed.AFFIRM)), None)
    later = steps[at + 1 :] if at is not None else []
    is_last = at is not None and not any(one.deed in _GIVES_BACK for one in later)
    if at is not None and is_last:
        loss, is_closed = steps[at], spell.end is not None
        detail = f"{loss.said} on {day(loss.date)}."
        if spell.end is None:
            findings.append(finding("loss_but_open", loss.where, about, detail))
            spell = replace(spell, end=loss.date) if _begin(spell) < loss.date else spell
        elif spell.end != loss.date:
            findings.append(finding("dates_differ", loss.where, about, f"{detail} The record ends {day(spell.end)}."))
            text = f"{loss.text} (decided on {day(loss.date)})"
            steps[at] = replace(loss, date=spell.end, text=text)
        if is_closed and spell.end is not None:
            for early in [one for one in steps[:at] if one.deed in LOSSES and one.date < spell.end]:
                if not any(one.deed in _GIVES_BACK and early.date <= one.date <= loss.date for one in steps):
                    detail = f"{early.said} on {day(early.date)}; the record ends {day(spell.end)}."
                    findings.append(finding("early_loss", early.where, about, detail))
                    steps.remove(early)
        steps.sort(key=lambda one: (one.date, _ORDER.get(one.deed, 2)))
    return SettledSpell(spell, tuple(steps))


_GIVES_BACK: Final = (HistoryDeed.RENEW, HistoryDeed.LIFT, HistoryDeed.STAY, HistoryDeed.OVERTURN)
"""Deeds that can follow a loss and undo it."""


def by_institution(settled: Sequence[SettledSpell]) -> Iterator[tuple[str, list[SettledSpell]]]:
    """Return the spells by institution, in order."""
    ordered = sorted(settled, key=lambda one: one.spell.key.institution)
    for key, group in groupby(ordered, key=lambda one: one.spell.key.institution):
        yield key, list(group)
