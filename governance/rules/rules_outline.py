"""Outlines the effects of a charter's rules: who can make, undo or backdate each kind of statement.

People who write a charter read the `outline`; it uses the same joins of rules that judge statements (`undoing`).
`warnings` names rules under which a decision is easier to undo than to make. No kind is, by itself, because undoing
needs the join; but fewer authorities than a rule requires may be able to amend the charter, and so relax the rule.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .charter import Charter, Rule
from .rulebook import KINDS, RETROACTIVE, rule_for
from .undoing import TABLE, Back, Whose, join, rule_of_two, what_is_needed

UNDONE_BY: Final[Mapping[str, tuple[str, ...]]] = {
    "accreditation.grant": ("accreditation.status", "statement.annul"),
    "accreditation.amend": ("accreditation.amend", "statement.annul"),
    "accreditation.status": ("accreditation.status", "statement.annul"),
    "authority.delegate": ("authority.withdraw",),
    "charter.amend": ("charter.amend",),
    "framework.publish": ("framework.status", "statement.annul"),
    "framework.status": ("framework.status", "statement.annul"),
    "issuer.key": ("statement.annul",),
    "issuer.register": ("issuer.update", "statement.annul"),
    "issuer.update": ("issuer.update", "statement.annul"),
    "key.add": ("key.retire", "key.compromise"),
    "mapping.publish": ("mapping.withdraw", "statement.annul"),
    "mapping.withdraw": ("statement.annul",),
    "node.admit": ("node.retire", "statement.annul"),
    "node.replace": ("node.replace", "statement.annul"),
    "node.retire": ("statement.annul",),
    "recognition.grant": ("recognition.withdraw", "statement.annul"),
    "recognition.withdraw": ("statement.annul",),
}
"""The kinds that can end the effect of another, or give back what it took away."""

_NARROWS: Final = ("accreditation.amend", "accreditation.status")
"""Kinds whose statements may narrow an accreditation, so that undoing them needs the accreditation's rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """For one kind, in words: who can make it, who can undo it, and who can let it reach back (empty: nobody)."""

    kind: str
    done_by: str
    undone_by: str
    reaches_back_by: str


def outline(charter: Charter) -> list[Outline]:
    """Return the outline of all kinds for which a charter may have rules, by name.

    An amendment must meet its rule in the old and in the new charter, and needs more than half of the authorities of
    each.
    """
    found = []
    for kind in sorted(name for name in KINDS if not name.startswith("vote.") and name != "charter.genesis"):
        undoing = [f"{way}: {_words(rule, charter)}" for way, rule in _ways(kind, charter).items()]
        if kind == "accreditation.grant" and not _rule(kind, charter).asks_one:
            undoing.insert(0, "to suspend or narrow it: any one of those who granted it together")
        rows = [row for name, row in TABLE.items() if name.partition(" ")[0] == kind]
        back = any(row.back in (Back.RETROACTIVE, Back.BOUNDED, Back.HEADS) for row in rows)
        retroactive = join([_rule(kind, charter), rule_for(RETROACTIVE, charter.rules)], charter)
        found.append(
            Outline(
                kind=kind,
                done_by=_done_by(kind, charter),
                undone_by="; ".join(undoing),
                reaches_back_by=_words(retroactive, charter) if back else "",
            )
        )
    return found


def _done_by(kind: str, charter: Charter) -> str:
    own = _words(_rule(kind, charter), charter)
    if TABLE.get(kind) is None or TABLE[kind].whose not in (Whose.KEY, Whose.HOLDER):
        return own
    if TABLE[kind].whose is Whose.HOLDER or len(charter.authorities) == 1:
        return f"{own}; nobody for another body's key"
    return f"{own}; for another body's key: {what_is_needed(rule_of_two(kind, charter), charter)}"


def warnings(charter: Charter) -> list[str]:
    """Return sentences about decisions that are easier to undo than to make."""
    total = len(charter.authorities)
    found = []
    for kind in UNDONE_BY:
        done = _rule(kind, charter)
        for way, rule in _ways(kind, charter).items():
            if not _asks_no_less(rule, done, total):
                found.append(
                    f"{kind} can be undone by {way} with fewer approvals than it takes: {_words(rule, charter)}."
                )
    most = _rule("charter.amend", charter)
    strict = [kind for kind in UNDONE_BY if not _asks_no_less(most, _rule(kind, charter), total)]
    if strict:
        found.append(
            f"{_words(most, charter)} can amend the charter, and so relax stricter rules: {', '.join(strict)}."
        )
    return found


def _rule(kind: str, charter: Charter) -> Rule:
    own = rule_for(kind, charter.rules)
    if kind != "charter.amend":
        return own
    total = len(charter.authorities)
    return Rule(fraction=(max(own.needed(total), total // 2 + 1), total), constituencies=own.constituencies)


def _ways(kind: str, charter: Charter) -> dict[str, Rule]:
    """Return each way to undo a kind, and what it requires."""
    ways: dict[str, Rule] = {}
    for way in UNDONE_BY.get(kind, ()):
        rules = [_rule(way, charter), _rule(kind, charter)]
        if kind in _NARROWS:
            rules.append(_rule("accreditation.grant", charter))
        ways[way] = join(rules, charter)
    return ways


def _asks_no_less(rule: Rule, other: Rule, total: int) -> bool:
    seats = dict(rule.constituencies)
    return rule.needed(total) >= other.needed(total) and all(
        seats.get(seat, 0) >= count for seat, count in other.constituencies
    )


def _words(rule: Rule, charter: Charter) -> str:
    return "1 authority, under its own mandate" if rule.asks_one else what_is_needed(rule, charter)
