"""Undoing a decision needs the approvals that made it.

    Only voices that could have made a decision can widen, reverse or erase it: under at least its own rule, and under
    the right mandate, not just the same id. Taking trust away can always be quick; giving it back never is.

* The *weight* of a decision: the rule of its kind in the charter that judges it and, if one voice was enough, that
  voice with all above it in its chain.
* The *join* of rules takes the greater of each requirement, so that meeting the join meets every one of the rules.
* To *undo* decisions, a statement must meet the join of its own kind's rule and of theirs; and for each decision that
  one voice made alone, it must come from that voice or one above it.

`TABLE` says for every kind, and for every event of an accreditation, who may make it, what it undoes and how far it
reaches back. The modules that judge and the documentation both read it.

A statement that reaches back must meet the `RETROACTIVE` rule, whether it does so by `void_from` or by an
`effective_from` before its own date by more than `TOLERANCE`. Every other statement counts from when its rule was met,
and not before its last needed vote.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, NamedTuple

from accredit.registry.domain.accreditations import certain_from
from accredit.registry.domain.records import Voice
from accredit.registry.domain.scope import is_within
from accredit.registry.domain.vocabulary import NARROWING_EVENTS, WIDENING_EVENTS
from accredit.registry.encoding.counts import many
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.limits import TIME_MAX
from accredit.registry.statement import Unverified

from .charter import Charter, Rule
from .rulebook import ONE, RETROACTIVE, TWO, is_narrowing, rule_for

TOLERANCE: Final = 86_400
"""Seconds by which a statement may date its effect before itself without reaching back: a working day in any time
zone."""


# ------------------------------------------------------------------------------------------------ the table


class Whose(StrEnum):
    """Who may make a statement, besides its rule; see `TABLE`."""

    ANYBODY = "any authority; a delegate only within its mandate"
    AUTHOR = "the author of the statement it names"
    CHAIN = "the accreditor or an authority above it; to narrow what several granted together, any one of them"
    TOGETHER = "any authorities of the charter"
    ISSUER = "the issuer itself, with a pinned key of its own"
    ABOVE = "the delegator or an authority above it"
    HOLDER = "the key's own authority or, if it is committed to one, its successor alone"
    KEY = (
        "the key's own authority or its committed successor; to end another's key, two authorities, or more by its rule"
    )


class Undoes(StrEnum):
    """What a statement undoes, and so whose weight it needs; see `TABLE`."""

    NOTHING = "nothing"
    TERMS = (
        "terms that it widens: the weight of the grant, and of each amendment that it replaces and does not lie within"
    )
    NARROWINGS = "the narrowing events it follows, and the grant's weight"
    STATUSES = "the more restrictive statuses it follows"
    TARGET = "the statement it names; if that one narrowed another, with the other's weight too"
    CARRIED = "statements by the key after `last`, as far as those who end the key may undo the decision it carried"
    MANDATE = "the mandate; under the retroactive rule, every widening statement outside `heads` too"


class Back(StrEnum):
    """How far a statement reaches back; see `TABLE`."""

    NOT = "not at all: it counts from when its rule is met"
    TERMS = "a validity in the past is shown as recorded later and cut off at `max_backdating`"
    RETROACTIVE = "only under the retroactive rule"
    BOUNDED = "only under the retroactive rule, and no further than `max_backdating`"
    LAST = "to `last`"
    AMENDED = "to `heads`: the previous charter still applies to what they cover"
    HEADS = "to its own date; to `heads` under the retroactive rule"


@dataclass(frozen=True, slots=True, kw_only=True)
class Undoing:
    """One row of `TABLE`.

    Attributes:
        whose, undoes, back: see there.
        names: the body's member that names its object, and the kind that the object must have.
    """

    whose: Whose
    undoes: Undoes = Undoes.NOTHING
    back: Back = Back.NOT
    names: tuple[str, str] | None = None


_GRANT: Final = ("accreditation", "accreditation.grant")
_NARROWS: Final = Undoing(whose=Whose.CHAIN, back=Back.RETROACTIVE, names=_GRANT)
_GIVES_BACK: Final = Undoing(whose=Whose.CHAIN, undoes=Undoes.NARROWINGS, back=Back.BOUNDED, names=_GRANT)
_FOUNDS: Final = Undoing(whose=Whose.ANYBODY)
_ENDS_A_KEY: Final = Undoing(whose=Whose.KEY, undoes=Undoes.CARRIED, back=Back.LAST)

TABLE: Final[Mapping[str, Undoing]] = {
    "charter.genesis": _FOUNDS,
    "charter.amend": Undoing(whose=Whose.TOGETHER, back=Back.AMENDED),
    "key.add": _FOUNDS,
    "key.rotate": replace(_ENDS_A_KEY, whose=Whose.HOLDER),
    "key.retire": _ENDS_A_KEY,
    "key.compromise": _ENDS_A_KEY,
    "authority.delegate": _FOUNDS,
    "authority.withdraw": Undoing(
        whose=Whose.ABOVE, undoes=Undoes.MANDATE, back=Back.HEADS, names=("delegation", "authority.delegate")
    ),
    "node.admit": Undoing(whose=Whose.TOGETHER),
    "node.replace": Undoing(whose=Whose.TOGETHER),
    "node.retire": Undoing(whose=Whose.TOGETHER),
    "issuer.register": _FOUNDS,
    "issuer.update": _FOUNDS,
    "issuer.key": _FOUNDS,
    "issuance.commit": Undoing(whose=Whose.ISSUER),
    "accreditation.grant": Undoing(whose=Whose.ANYBODY, back=Back.TERMS),
    "accreditation.amend": Undoing(whose=Whose.CHAIN, undoes=Undoes.TERMS, back=Back.RETROACTIVE, names=_GRANT),
    **{f"accreditation.status {event}": _NARROWS for event in NARROWING_EVENTS},
    **{f"accreditation.status {event}": _GIVES_BACK for event in WIDENING_EVENTS},
    "accreditation.status appeal_open": _NARROWS,  # it changes nothing by itself
    "framework.publish": _FOUNDS,
    "framework.items": Undoing(whose=Whose.AUTHOR, names=("publish", "framework.publish")),
    "framework.status": Undoing(
        whose=Whose.AUTHOR, undoes=Undoes.STATUSES, back=Back.RETROACTIVE, names=("publish", "framework.publish")
    ),
    "mapping.publish": _FOUNDS,
    "mapping.withdraw": Undoing(whose=Whose.AUTHOR, back=Back.RETROACTIVE, names=("publish", "mapping.publish")),
    "recognition.grant": Undoing(whose=Whose.TOGETHER),
    "recognition.withdraw": Undoing(
        whose=Whose.TOGETHER, back=Back.RETROACTIVE, names=("recognition", "recognition.grant")
    ),
    "statement.annul": Undoing(whose=Whose.TOGETHER, undoes=Undoes.TARGET),
}
"""For every kind, and every event of `accreditation.status`: who may make it, what it undoes, how far it reaches
back."""


FOUNDED_BY: Final = {"node.retire": "node.admit", "issuer.key": "issuer.register"}
"""For kinds that narrow the subject that they name: the kind that founded this subject."""


def undoing(kind: str, body: Mapping[str, Any]) -> Undoing:
    """Return the row of `TABLE` for a statement that is not a vote."""
    return TABLE[f"{kind} {body['event']}" if kind == "accreditation.status" else kind]


# ------------------------------------------------------------------------------------------------ weights


class Weight(NamedTuple):
    """The approvals that a decision needed.

    Attributes:
        rule: the rule of its kind.
        voices: if one voice made it alone, that voice and those above it; empty if it needed several.
    """

    rule: Rule
    voices: tuple[Voice, ...] = ()


class Claim(NamedTuple):
    """A condition on who may act: one of these voices, or as many as meet `rule`; `deed` completes a sentence about
    it."""

    voices: tuple[Voice, ...]
    deed: str
    rule: Rule | None = None


class Requirement(NamedTuple):
    """The conditions for a statement to take effect: a rule, and every claim."""

    rule: Rule
    claims: tuple[Claim, ...] = ()


def join(rules: Iterable[Rule], charter: Charter) -> Rule:
    """Return the rule with the greater of each requirement, as far as `charter` can meet it; an older one may have
    required more."""
    several = [rule for rule in rules if not rule.asks_one]
    if not several:
        return ONE
    total = len(charter.authorities)
    seats: dict[str, int] = {}
    for rule in several:
        for seat, count in rule.constituencies:
            present = sum(authority.constituency == seat for authority in charter.authorities.values())
            seats[seat] = max(seats.get(seat, 0), min(count, present))
    needed = max(min(rule.needed(total), total) for rule in several)
    return Rule(fraction=(needed, total), constituencies=tuple(sorted(seats.items())))


def rule_of_two(kind: str, charter: Charter) -> Rule:
    """Return what ending another body's key by a kind of statement requires: never fewer than two, whatever seats the
    kind's own rule names."""
    return join([TWO, rule_for(kind, charter.rules)], charter)


def may_undo(weights: Sequence[Weight], own: Rule, charter: Charter, *, deed: str = "undo this") -> Requirement:
    """Return what a statement with the rule `own` must meet to undo decisions of these weights."""
    claims = tuple(Claim(weight.voices, deed) for weight in weights if weight.voices)
    return Requirement(join([own, *(weight.rule for weight in weights)], charter), claims)


def is_met(rule: Rule, speaking: Iterable[CanonicalId], charter: Charter) -> bool:
    """Return whether the authorities that speak meet a rule."""
    voices = [charter.authorities[by] for by in speaking]
    if len(voices) < rule.needed(len(charter.authorities)):
        return False
    return all(sum(v.constituency == seat for v in voices) >= count for seat, count in rule.constituencies)


def is_allowed(claim: Claim, voices: Iterable[Voice], speaking: Collection[CanonicalId], charter: Charter) -> bool:
    """Return whether one of `voices`, or all authorities that speak together, meet a claim."""
    if any(voice in claim.voices for voice in voices):
        return True
    return claim.rule is not None and is_met(claim.rule, speaking, charter)


def what_is_needed(rule: Rule, charter: Charter) -> str:
    """Return a rule as a phrase, as in `2 of 3 authorities, including 1 nonprofit`."""
    total = len(charter.authorities)
    phrase = f"{rule.needed(total)} of {many(total, 'authority')}"
    seats = [f"{count} {seat}" for seat, count in rule.constituencies]
    return phrase + (f", including {' and '.join(seats)}" if seats else "")


def lies_within(amendment: Unverified, old: Unverified) -> bool:
    """Return whether an amendment's terms provably cover no more than older ones, in scope, validity and conditions."""
    new, before = amendment.body, old.body
    return (
        new["valid_from"] >= before["valid_from"]
        and certain_from(new) >= certain_from(before)
        and new.get("valid_until", TIME_MAX + 1) <= before.get("valid_until", TIME_MAX + 1)
        and all(condition in new.get("conditions", ()) for condition in before.get("conditions", ()))
        and is_within(new["scope"], before["scope"])
    )


# ------------------------------------------------------------------------------------------------ reaching back


def reaches_back(statement: Unverified) -> bool:
    """Return whether a statement dates its effect before itself by more than the tolerance."""
    body = statement.body
    if undoing(statement.kind, body).back not in (Back.RETROACTIVE, Back.BOUNDED):
        return False
    return "void_from" in body or bool(body["effective_from"] < statement.iat - TOLERANCE)


WIDENED_BY_MAPPINGS: Final = ("accreditation.grant", "accreditation.amend", "authority.delegate")
"""A mapping that is `usable_for_scope` may widen the scopes and limits in these kinds, so it must meet their rules
too."""

WEIGHED: Final = ("accreditation.grant", "accreditation.amend", "mapping.publish")
"""Kinds whose records say how many had to agree: a mapping cannot extend terms that needed more approvals than it
did."""


def asked(statement: Unverified, charter: Charter) -> Rule:
    """Return the rule that a statement must meet: its kind's, the retroactive one if it reaches back, and those of
    grants that it may widen."""
    names = [statement.kind]
    if reaches_back(statement):
        names.append(RETROACTIVE)
    if statement.kind == "mapping.publish" and statement.body["usable_for_scope"]:
        names += WIDENED_BY_MAPPINGS
    rules = [rule_for(name, charter.rules) for name in names]
    return rules[0] if len(rules) == 1 else join(rules, charter)


def begins(statement: Unverified, met: int, charter: Charter) -> int:
    """Return from when a statement with an `effective_from` counts, seconds.

    Args:
        met: when its rule was met, seconds.
    """
    stated: int = statement.body["effective_from"]
    if not reaches_back(statement):
        return max(stated, met)
    furthest = charter.body.get("max_backdating")
    if is_narrowing(statement.kind, statement.body) or furthest is None:
        return stated
    return max(stated, met - int(furthest))
