"""Judges whether a statement takes effect, by the law and the votes, never by the order of arrival.

`judge` answers for any statement, and for a draft as if it were signed now. The answer is one of

* `effective`;
* `waiting`: for votes, for a statement that it follows, or for the settlement of a fork;
* `closed`: so many authorities have rejected it that its rule can no longer be met;
* `retracted`: its proposer took it back before it took effect;
* `ineffective`: it is against the rules, with the reason; it takes effect only if the rules change;
* `annulled`: a later decision states that it was wrong;
* `void`: its key was cut off before it.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from accredit.governance.rules.charter import Rule
from accredit.governance.rules.delegation_limits import Mandate
from accredit.governance.rules.rulebook import KINDS, Stratum, is_narrowing, rule_for
from accredit.governance.rules.undoing import (
    Claim,
    Requirement,
    Undoes,
    Weight,
    Whose,
    asked,
    begins,
    is_met,
    join,
    lies_within,
    may_undo,
    rule_of_two,
    undoing,
    what_is_needed,
)
from accredit.registry.domain.frameworks import STATUSES as FRAMEWORK_STATUSES
from accredit.registry.domain.records import Voice
from accredit.registry.encoding.counts import many
from accredit.registry.encoding.rfc3339 import day
from accredit.registry.statement import Statement, Unverified

from .charter_chain import amendment_problem, contest_of, is_incomplete, is_passed
from .delegations import carrying_voice, mandate_given
from .governing_state import Law
from .key_lifecycle import CUT_OFFS, is_cut_off_in_order


class EffectState(StrEnum):
    """See the module."""

    EFFECTIVE = "effective"
    WAITING = "waiting"
    CLOSED = "closed"
    RETRACTED = "retracted"
    INEFFECTIVE = "ineffective"
    ANNULLED = "annulled"
    VOID = "void"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementEffect:
    """The standing of a statement.

    Attributes:
        state: see the module.
        reason: a sentence for people; empty when effective.
        approvals: ids of the authorities that speak for it so far.
        needed: what its rule requires, as a phrase.
        voice: the authority it speaks for, when effective.
        since: when its rule was met, seconds; when effective.
    """

    state: EffectState
    reason: str
    approvals: tuple[str, ...] = ()
    needed: str = ""
    voice: Voice | None = None
    since: int | None = None


_OF_ISSUER: Final = "only the issuer itself may say it, with one of its pinned keys that has a budget"
_WITH_FRAMEWORK: Final = "The framework it belongs to waits for votes itself; both can be voted on at once."

UNDECIDED: Final = (EffectState.WAITING, EffectState.CLOSED)
"""States that votes, or statements not held yet, could still change."""


class InForce(NamedTuple):
    """A statement in effect: the voice it speaks for, and when its rule was met, seconds."""

    voice: Voice
    since: int


_NOTHING_JUDGED: Final[Mapping[bytes, StatementEffect]] = MappingProxyType({})

Finder = Callable[[bytes], InForce | None]
"""Tells by a statement's id for whom and since when it is in effect; None if it is not."""


def judge(
    law: Law,
    statement: Unverified,
    effective: Finder,
    *,
    draft: bool = False,
    judged: Mapping[bytes, StatementEffect] = _NOTHING_JUDGED,
) -> StatementEffect:
    """Return the standing of a statement of any kind.

    Args:
        effective: answers for the statements on which this one builds.
        draft: judge it as if it were signed now, with its own chain complete.
        judged: how open statements stand, by their ids, as far as that is known: the targets of a vote that is a draft
            are not judged again then.
    """
    is_law = KINDS[statement.kind].stratum < Stratum.RECORDS
    if is_law and not draft and (held := effective(statement.id)) is not None:
        # A later cut-off does not take an amendment back.
        return StatementEffect(state=EffectState.EFFECTIVE, reason="", voice=held.voice, since=held.since)
    verdict = _judge(law, statement, effective, draft, judged)
    if (
        verdict.state in (EffectState.WAITING, EffectState.CLOSED)
        and (taken_back := law.ground.retraction(statement)) is not None
    ):
        return replace(verdict, state=EffectState.RETRACTED, reason=f"{taken_back.iss} has taken it back.")
    if is_law and not draft and verdict.state is EffectState.EFFECTIVE:
        return _no("its approvals count only because of statements judged after it; sign it again", verdict.needed)
    return verdict


def _judge(
    law: Law, statement: Unverified, effective: Finder, draft: bool, judged: Mapping[bytes, StatementEffect]
) -> StatementEffect:
    """Judge a statement as its author's mandate makes it, else as an issuer's own word.

    Anybody may pin an authority's key for the issuer of the same id, or name an issuer's key in a delegation to the
    issuer's id. Neither takes away what the key may say in its other role.
    """
    verdict = _judge_by_mandate(law, statement, effective, draft, judged)
    if verdict.state is EffectState.EFFECTIVE or (stated := _issuers_own(law, statement, effective)) is None:
        return verdict
    needed, said_at = _needed(law, statement, None), law.ground.chains.said_at(statement)
    doubt = None if is_narrowing(statement.kind, statement.body) else _doubt(law, statement, draft, needed)
    return doubt or _yes(Voice(statement.iss, stated), said_at, (), needed)


def _judge_by_mandate(
    law: Law, statement: Unverified, effective: Finder, draft: bool, judged: Mapping[bytes, StatementEffect]
) -> StatementEffect:
    ground = law.ground
    if ground.is_cut(statement):
        return StatementEffect(state=EffectState.VOID, reason="Its key had already been cut off.")
    if KINDS[statement.kind].stratum is Stratum.VOTES:
        return _judge_vote(law, statement, effective, draft, judged)
    asks = asks_of(law, statement, effective)
    narrowing = is_narrowing(statement.kind, statement.body) or _narrows_terms(law, statement, effective)
    needed = _needed(law, statement, asks.rule if isinstance(asks, Requirement) else None)
    if not narrowing and (doubt := _doubt(law, statement, draft, needed)) is not None:
        return doubt
    if statement.kind.startswith("charter."):
        return _judge_charter(law, statement, needed)
    if statement.kind in CUT_OFFS:
        return _judge_cut_off(law, statement, needed)
    if isinstance(asks, str):
        return (
            _waits(_WITH_FRAMEWORK, needed)
            if _waits_with_its_framework(law, statement, effective)
            else _no(asks, needed)
        )
    approvals = ground.approvals(statement, narrowing=narrowing)
    voice, problem, speaking = carrying_voice(law.mandates, statement, approvals, asks, narrowing=narrowing)
    if voice is None:
        is_open = problem.startswith("it needs")
        state = _waiting_or_closed(law, statement, asks.rule, narrowing) if is_open else EffectState.INEFFECTIVE
        return StatementEffect(state=state, reason=_sentence(problem), approvals=tuple(speaking), needed=needed)
    if draft and (left_out := law.mandates.what_is_left_out(voice, statement)) is not None:
        return _no(left_out, needed)
    if statement.kind == "authority.delegate":
        given = mandate_given(law.mandates, voice, statement)
        if not isinstance(given, Mandate):
            return _no(given, needed)
    since = ground.met(statement, approvals, asks.rule, voice, narrowing=narrowing)
    return StatementEffect(
        state=EffectState.EFFECTIVE, reason="", approvals=tuple(speaking), needed=needed, voice=voice, since=since
    )


def _doubt(law: Law, statement: Unverified, draft: bool, needed: str) -> StatementEffect | None:
    """Return why other statements of its key keep a widening statement from taking effect; None if they do not."""
    ground = law.ground
    chains = ground.chains
    if not draft and not chains.is_complete(statement.id):
        return StatementEffect(
            state=EffectState.WAITING, reason="An earlier statement of its key is missing.", needed=needed
        )
    if (latest := chains.said_at(statement)) > statement.iat or not (draft or chains.is_orderly(statement.id)):
        elder = next((s for s in chains.ancestry(statement.prev) if s.iat >= latest), statement)
        reason = f"its key has already signed number {elder.seq}, dated {day(latest)}; use another key"
        return _no(reason, needed)
    if ground.is_frozen(statement):
        return _waits("Its key has signed two conflicting histories.", needed)
    return None


def _needed(law: Law, statement: Unverified, rule: Rule | None) -> str:
    charter = law.ground.charter(statement)
    rule = rule or rule_for(statement.kind, charter.rules)
    return f"{statement.iss} itself" if rule.asks_one else what_is_needed(rule, charter)


def _yes(voice: Voice, since: int, speaking: tuple[str, ...], needed: str) -> StatementEffect:
    return StatementEffect(
        state=EffectState.EFFECTIVE, reason="", approvals=speaking, needed=needed, voice=voice, since=since
    )


def _waits(reason: str, needed: str) -> StatementEffect:
    return StatementEffect(state=EffectState.WAITING, reason=reason, needed=needed)


def _no(problem: str, needed: str) -> StatementEffect:
    return StatementEffect(state=EffectState.INEFFECTIVE, reason=_sentence(problem), needed=needed)


def _judge_vote(
    law: Law, vote: Unverified, effective: Finder, draft: bool, judged: Mapping[bytes, StatementEffect]
) -> StatementEffect:
    """Judge a vote: it stands if its key counts for the authority that it names; a draft must also change something."""
    if not law.ground.voices(vote):
        return _no("its key is not a valid key of the authority it names", "")
    for target in vote.body["targets"] if draft else ():
        held = law.ground.chains.get(target)
        problem = None if held is None else _vote_problem(law, vote, held, effective, judged.get(target))
        if problem is not None:
            return _no(problem, "")
    return StatementEffect(state=EffectState.EFFECTIVE, reason="")


def _vote_problem(
    law: Law, vote: Unverified, subject: Statement, effective: Finder, known: StatementEffect | None
) -> str | None:
    """Return why a draft vote would change nothing about one of its targets; None if it would change something.

    Args:
        known: how the target stands, if that is known.
    """
    ground, name = law.ground, subject.id.hex()[:12]
    standing = judge(law, subject, effective) if known is None else known
    if standing.state is EffectState.EFFECTIVE:
        return f"statement {name} is already in effect"
    if standing.state in (EffectState.INEFFECTIVE, EffectState.VOID):
        return f"statement {name} cannot take effect: {standing.reason.rstrip('.')}"
    own = [s for s in (subject, *ground.chains.deciding_votes(subject.id)) if s.kid == vote.kid]
    if vote.kind == "vote.approve":
        if standing.state is EffectState.RETRACTED:
            return f"statement {name} was taken back by its proposer"
        if own:
            return f"its key has already signed or voted on {name}; a vote cannot be changed"
        if not counts_for(law, ground.voices(vote), subject, effective):
            return f"only {subject.iss} can decide on {name}"
        if subject.kind == "charter.amend":
            return contest_of(ground.chains, ground.versions, subject).problem(vote, subject.id)
        return None
    if any(s.kind == "vote.reject" for s in own):
        return f"its key has already rejected {name}"
    is_retraction = vote.kid == subject.kid or bool(vote.body.get("retract"))
    if is_retraction and not _is_of_one_voice(law, vote, subject):
        return f"only {subject.iss} can take {name} back"
    if subject.kind == "charter.amend":
        return None  # a rejection can free keys that took an approval back for another amendment
    if standing.state is EffectState.RETRACTED:
        return f"statement {name} was taken back by its proposer"
    return f"its key has already voted on {name}; a vote cannot be changed" if own and not is_retraction else None


def counts_for(law: Law, voices: Collection[Voice], subject: Unverified, effective: Finder) -> bool:
    """Return whether an approval by one of these voices could bring a statement nearer to taking effect."""
    ground, asks = law.ground, asks_of(law, subject, effective)
    rules: tuple[Rule, ...] = ()
    if isinstance(asks, Requirement):
        rules = (asks.rule, *(claim.rule for claim in asks.claims if claim.rule is not None))
    elif _waits_with_its_framework(law, subject, effective):
        rules = (asked(subject, ground.charter(subject)),)
    is_alone = bool(rules) and all(rule.asks_one for rule in rules)
    if is_alone and not subject.kind.startswith("charter."):
        proposing = ground.voices(subject)
        # A cut-off of another body's key needs two of the charter's authorities, whatever its own rule requires.
        ends = subject.body["key"] if subject.kind in CUT_OFFS else None
        if ends is None or any(ground.is_held(ends, voice) for voice in proposing):
            return any(voice in proposing for voice in voices)
    return any(voice.via is None for voice in voices)


def _is_of_one_voice(law: Law, vote: Unverified, subject: Statement) -> bool:
    """Return whether a vote's key signed the subject, or speaks for the voice that proposed it."""
    ground = law.ground
    return vote.kid == subject.kid or any(voice in ground.voices(subject) for voice in ground.voices(vote))


def _judge_charter(law: Law, statement: Unverified, needed: str) -> StatementEffect:
    """Judge a charter statement that is not in force."""
    ground = law.ground
    if statement.kind == "charter.genesis":
        return _no("this ecosystem was founded by a different genesis statement", needed)
    problem = amendment_problem(ground.chains, ground.versions, statement)
    if problem is not None:
        return _no(problem, needed)
    if is_incomplete(ground.chains, statement):
        return StatementEffect(
            state=EffectState.WAITING, reason="A statement that its heads cover is missing.", needed=needed
        )
    contest = contest_of(ground.chains, ground.versions, statement)
    own_problem = contest.problem(statement, statement.id)
    if own_problem is not None and statement.id not in ground.chains:
        return _no(own_problem, needed)
    approvals = contest.counted(statement.id)
    speaking = tuple(ground.speaking(statement, approvals))
    if is_passed(ground.chains, ground.versions, statement, approvals):
        return _yes(Voice(statement.iss, None), ground.chains.said_at(statement), speaking, needed)
    reason = (
        f"It needs {needed} of the charter in force and what its own charter requires, and more than half "
        "of the authorities of each."
    )
    if statement not in approvals:
        why = own_problem or "it counts once the amendment that its key took back can no longer pass"
        reason += f" Its author's own approval does not count yet: {why}."
    state = EffectState.WAITING if contest.is_open(statement.id) else EffectState.CLOSED
    return StatementEffect(state=state, reason=reason, approvals=speaking, needed=needed)


def _judge_cut_off(law: Law, statement: Unverified, needed: str) -> StatementEffect:
    """Judge a cut-off that is not in effect, or a draft of one."""
    ground = law.ground
    approvals = ground.approvals(statement)
    speaking = tuple(ground.speaking(statement, approvals))
    if is_cut_off_in_order(ground, statement):
        voice, since = Voice(statement.iss, None), ground.chains.said_at(statement)
        return StatementEffect(
            state=EffectState.EFFECTIVE, reason="", approvals=speaking, needed=needed, voice=voice, since=since
        )
    key, voices, charter = statement.body["key"], ground.voices(statement), ground.charter(statement)
    if not voices:
        return _no("neither the committed next key nor a valid key has signed it", needed)
    own = [voice for voice in voices if ground.is_held(key, voice)]
    if statement.kind == "key.rotate" and any(ground.successors(key, voice) for voice in own):
        return _no("only the key's committed next key can rotate it", needed)
    rule = rule_for(statement.kind, charter.rules)
    if own and rule.asks_one:
        keys = ground.threshold(own[0], ground.epoch(statement))
        state = _waiting_or_closed(law, statement, rule, True)
        return StatementEffect(
            state=state, reason=f"It needs {many(keys, 'key')} of {own[0].by}.", approvals=speaking, needed=needed
        )
    if (statement.kind == "key.rotate" and not own) or all(voice.via is not None for voice in voices):
        return _no("this key does not belong to that authority", needed)
    needed = what_is_needed(rule_of_two(statement.kind, charter), charter)
    return StatementEffect(state=EffectState.WAITING, reason=f"It needs {needed}.", approvals=speaking, needed=needed)


def _issuers_own(law: Law, statement: Unverified, effective: Finder) -> bytes | None:
    """Return the statement that stated an issuer's signing key, for an issuer that ends a key of its own or commits to
    credentials; of several the lowest id.

    That statement is the mandate under which the issuer speaks. An issuer may be an authority too, and an author that
    states a key for it must not gain that authority's voice. A cut-off ends the key in this role where it ends it for
    all, or for the voice that stated it.
    """
    is_own = statement.kind == "issuance.commit" or (statement.kind == "issuer.key" and statement.body["op"] != "add")
    if not is_own or statement.iss != statement.body["issuer"]:
        return None
    ground = law.ground
    for stated in ground.chains.introducers(statement.kid):
        if stated.kind.startswith("issuer.") and stated.sub == statement.sub:
            held = effective(stated.id)
            if held is not None and not ground.cuts_before(statement, held.voice):
                return stated.id
    return None


def _waiting_or_closed(law: Law, statement: Unverified, rule: Rule, narrowing: bool) -> EffectState:
    """Return waiting, or closed if votes can no longer carry it: keys that have not rejected it and are not cut off may
    still approve."""
    ground = law.ground
    approved = {approval.kid for approval in ground.approvals(statement, narrowing=narrowing)}
    against = {vote.kid for vote in ground.first_votes(statement, narrowing=narrowing) if vote.kind == "vote.reject"}
    epoch, charter = ground.epoch(statement), ground.charter(statement)

    def can_speak(voice: Voice) -> bool:
        keys = ground.keys(voice, epoch).keys()
        able = {key for key in keys if key not in against and not ground.cuts_for(key, voice)}
        return len({ground.line(key, voice) for key in able | (keys & approved)}) >= ground.threshold(voice, epoch)

    if rule.asks_one:
        possible = any(can_speak(voice) for voice in ground.voices(statement))
    else:
        possible = is_met(rule, [by for by in charter.authorities if can_speak(Voice(by, None))], charter)
    return EffectState.WAITING if possible else EffectState.CLOSED


# ------------------------------------------------------------------------------------------------ what undoing takes


def asks_of(law: Law, statement: Unverified, effective: Finder) -> Requirement | str:
    """Return what a statement must meet, by `undoing.TABLE`; or the clause that says why nobody can make it."""
    charter = law.ground.charter(statement)
    row, own = undoing(statement.kind, statement.body), asked(statement, charter)
    if row.undoes is Undoes.TARGET:
        return _to_annul(law, statement, own)
    if row.whose is Whose.ISSUER:
        return _OF_ISSUER
    if row.whose is Whose.ABOVE:
        above = law.mandates.withdrawers(statement.body["delegation"])
        return (
            Requirement(own, (Claim(tuple(above), "change it"),))
            if above
            else "the delegation it names is not in effect"
        )
    if row.names is None:
        return Requirement(own)
    member, kind = row.names
    held, owner = law.ground.chains.get(statement.body[member]), effective(statement.body[member])
    if held is None or held.kind != kind or owner is None:
        return f"the {kind.partition('.')[0]} it names is not in effect"
    if held.sub != statement.sub:
        return "its subject is not the subject of the statement it changes"
    if row.whose is Whose.CHAIN:
        return _to_change(law, statement, own, held, owner.voice, effective)
    if row.whose is Whose.AUTHOR:
        rules = [own, *(asked(held, law.ground.charter(held)) for held in _loosened(law, statement, effective))]
        return Requirement(join(rules, charter), (Claim((owner.voice,), "change it"),))
    return Requirement(own)


def _waits_with_its_framework(law: Law, statement: Unverified, effective: Finder) -> bool:
    """Return whether it is a part of a framework that itself waits: votes on the part count once the framework is in
    effect.

    So keys can vote on both at once, and need no second signature for the part.
    """
    if statement.kind != "framework.items":
        return False
    held = law.ground.chains.get(statement.body["publish"])
    if held is None or (held.kind, held.iss, held.sub) != ("framework.publish", statement.iss, statement.sub):
        return False
    return judge(law, held, effective).state is EffectState.WAITING


def _weight(law: Law, held: Unverified, voice: Voice) -> Weight:
    rule = asked(held, law.ground.charter(held))
    return Weight(rule, (voice, *law.mandates.above(voice)) if rule.asks_one else ())


def _to_change(
    law: Law, statement: Unverified, own: Rule, grant: Unverified, owner: Voice, effective: Finder
) -> Requirement:
    """Return what a change of an accreditation must meet: to narrow it, to widen it, or to undo a narrowing."""
    charter = law.ground.charter(statement)
    weight, undoes = _weight(law, grant, owner), undoing(statement.kind, statement.body).undoes
    if undoes is Undoes.NOTHING or _narrows_terms(law, statement, effective):
        if weight.voices:
            return Requirement(own, (Claim(weight.voices, "change it"),))
        return Requirement(own, (Claim(_carriers(law, grant), "change it", join([weight.rule], charter)),))
    if undoes is Undoes.TERMS:
        undone = [
            (old, voice) for old, voice in _replaced(law, statement, effective) if not lies_within(statement, old)
        ]
    else:
        undone = _narrowings_before(law, statement, effective)
    weights = [_weight(law, old, voice) for old, voice in undone]
    if not weight.voices:  # all that accredited together stand above each of them
        weights = [each._replace(voices=()) for each in weights]
    basic = may_undo([weight], own, charter, deed="change it")
    more = may_undo(weights, own, charter)
    return Requirement(join([basic.rule, more.rule], charter), (*basic.claims, *more.claims))


def _carriers(law: Law, grant: Unverified) -> tuple[Voice, ...]:
    """Return the voices that accredited together; each of them may take trust away alone.

    A doubt about a key does not matter here, as it does not where trust is taken away. Otherwise a body could fork the
    key of its approval: it would no longer be among these voices, and all that it had narrowed with others would fall.
    """
    return tuple(Voice(by, None) for by in law.ground.speaking(grant, law.ground.approvals(grant, narrowing=True)))


def _narrows_terms(law: Law, statement: Unverified, effective: Finder) -> bool:
    """Return whether a statement is an amendment whose terms provably lie within all that it replaces."""
    if statement.kind != "accreditation.amend":
        return False
    grant = law.ground.chains.get(statement.body["accreditation"])
    if grant is None or grant.kind != "accreditation.grant" or effective(grant.id) is None:
        return False
    return all(lies_within(statement, old) for old, _ in _replaced(law, statement, effective)) and lies_within(
        statement, grant
    )


def _replaced(law: Law, statement: Unverified, effective: Finder) -> list[tuple[Unverified, Voice]]:
    """Return the amendments in effect that an amendment replaces, back to those that had replaced others before it."""
    start = _earliest(law, statement)
    return [
        (held, voice) for held, voice, _ in _before(law, statement, effective, stops=lambda _, since: since <= start)
    ]


_LASTING: Final = ("lift", "reinstate", "renew")
"""Events that give trust back for good: what came before them has been undone in its own right."""


def _narrowings_before(law: Law, statement: Unverified, effective: Finder) -> list[tuple[Unverified, Voice]]:
    """Return the narrowing events in effect that an event undoes."""
    start = _earliest(law, statement)
    found = _before(
        law, statement, effective, stops=lambda held, since: held.body["event"] in _LASTING and since <= start
    )
    wrong = {
        id for held, _, since in found if held.body["event"] == "annul" and since <= start for id in held.body["after"]
    }
    narrowed = [
        (held, voice) for held, voice, _ in found if is_narrowing(held.kind, held.body) and held.id not in wrong
    ]
    if statement.body["event"] == "annul":  # it undoes the events that it names, and restores what came before
        return [(held, voice) for held, voice in narrowed if held.id in statement.body["after"]]
    return narrowed


def _before(
    law: Law, statement: Unverified, effective: Finder, *, stops: Callable[[Unverified, int], bool]
) -> list[tuple[Unverified, Voice, int]]:
    """Return the statements of its kind in effect that a statement follows, with when each begins; not beyond one that
    `stops`."""
    chains, seen = law.ground.chains, set[bytes]()
    found: list[tuple[Unverified, Voice, int]] = []
    names = undoing(statement.kind, statement.body).names
    assert names is not None, "what follows others names what it is about"
    member = names[0]
    pending = list(statement.body["after"])
    while pending:
        id = pending.pop()
        held, in_force = chains.get(id), effective(id)
        if id in seen or held is None or in_force is None or held.kind != statement.kind:
            continue
        seen.add(id)
        if held.sub != statement.sub or held.body[member] != statement.body[member]:
            continue
        since = begins(held, in_force.since, law.ground.charter(held))
        found.append((held, in_force.voice, since))
        if not stops(held, since):
            pending += held.body["after"]
    return found


def _loosened(law: Law, statement: Unverified, effective: Finder) -> list[Unverified]:
    """Return the statuses of a framework that a later, less restrictive one undoes."""
    if statement.kind != "framework.status":
        return []
    start, mine = _earliest(law, statement), FRAMEWORK_STATUSES.index(statement.body["status"])
    found = _before(
        law, statement, effective, stops=lambda held, since: held.body["status"] == "active" and since <= start
    )
    return [held for held, _, _ in found if FRAMEWORK_STATUSES.index(held.body["status"]) > mine]


def _earliest(law: Law, statement: Unverified) -> int:
    """Return the earliest time from which a statement could count, whoever votes on it."""
    return begins(statement, law.ground.chains.said_at(statement), law.ground.charter(statement))


def _to_annul(law: Law, statement: Unverified, own: Rule) -> Requirement | str:
    """Return what an annulment must meet: the target's rule and, if the target narrowed, the rule of what it
    narrowed."""
    chains, charter = law.ground.chains, law.ground.charter(statement)
    held = chains.get(statement.body["target"])
    if held is None:
        return "the statement it annuls is missing here"
    row = undoing(held.kind, held.body) if KINDS[held.kind].stratum is Stratum.RECORDS else None
    if row is None or row.undoes is Undoes.TARGET or row.whose is Whose.ISSUER:
        return f"{held.kind} cannot be annulled"
    return Requirement(join([own, asked(held, law.ground.charter(held)), *law.ground.narrowed(held)], charter))


def _sentence(clause: str) -> str:
    return clause[:1].upper() + clause[1:] + "." if clause else ""
