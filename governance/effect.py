"""Does a statement take effect? Judged from the law and the votes, never from the order of arrival.

`judge` answers for any statement, and for a draft as if it were said now. The answer is one of

* `effective`;
* `waiting`: for votes, for a statement it follows, or for a fork to be settled;
* `closed`: so many have rejected it that its rule can no longer be met;
* `retracted`: whoever proposed it has taken it back before it took effect;
* `ineffective`: against the rules, with the reason; it never takes effect unless the rules change;
* `annulled`: a later decision says it was wrong;
* `void`: its key was cut off before it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from accredit.registry.statement import Statement, Unverified

from .ballots import Voice, is_met, what_is_needed
from .charter_chain import amendment_problem, contest_of, has_missing_heads, is_passed
from .delegation_limits import Mandate
from .delegations import carrying_voice, mandate_given
from .governing_state import Law
from .key_lifecycle import CUT_OFFS, is_cut_off_in_order
from .rulebook import KINDS, TWO, Stratum, is_narrowing, rule_for


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
    """How a statement stands.

    Attributes:
        state: see the module.
        reason: a sentence for people; empty when effective.
        approvals: ids of the authorities that speak for it so far.
        needed: what its rule asks for, as a phrase.
        voice: the authority it speaks for, when effective.
    """

    state: EffectState
    reason: str
    approvals: tuple[str, ...] = ()
    needed: str = ""
    voice: Voice | None = None


UNDECIDED: Final = (EffectState.WAITING, EffectState.CLOSED)
"""States that votes, or what is not held yet, could still change."""

Finder = Callable[[bytes], Voice | None]
"""Gives the voice of a statement that is in effect, by id; None if it is not."""


def judge(law: Law, statement: Unverified, effective: Finder, *, draft: bool = False) -> StatementEffect:
    """How a statement of any kind stands.

    Args:
        effective: answers for the statements that this one builds on.
        draft: as if it were said now: its own chain is taken to be whole.
    """
    is_law = KINDS[statement.kind].stratum < Stratum.RECORDS
    if is_law and not draft and (voice := effective(statement.id)) is not None:
        return StatementEffect(
            state=EffectState.EFFECTIVE, reason="", voice=voice
        )  # no later cut-off takes an amendment back
    verdict = _judge(law, statement, effective, draft)
    if (
        verdict.state in (EffectState.WAITING, EffectState.CLOSED)
        and (taken_back := law.ground.retraction(statement)) is not None
    ):
        return replace(verdict, state=EffectState.RETRACTED, reason=f"{taken_back.iss} has taken it back.")
    if is_law and not draft and verdict.state is EffectState.EFFECTIVE:
        return _no("what carries it counts only by what is read after it; it must be said again", verdict.needed)
    return verdict


def _judge(law: Law, statement: Unverified, effective: Finder, draft: bool) -> StatementEffect:
    ground = law.ground
    if ground.is_cut(statement):
        return StatementEffect(state=EffectState.VOID, reason="Its key was cut off before it.")
    if KINDS[statement.kind].stratum is Stratum.VOTES:
        return _judge_vote(law, statement, effective, draft=draft)
    needed = _needed(law, statement)
    if not is_narrowing(statement.kind, statement.body):
        if not draft and not ground.chains.is_orderly(statement.id):
            return StatementEffect(
                state=EffectState.WAITING, reason="An earlier statement of its key is missing.", needed=needed
            )
        if ground.is_frozen(statement):
            return StatementEffect(state=EffectState.WAITING, reason="Its key has signed two histories.", needed=needed)
    if (stated := _issuers_own(law, statement, effective)) is not None:
        return StatementEffect(
            state=EffectState.EFFECTIVE, reason="", voice=Voice(statement.iss, stated), needed=needed
        )
    if statement.kind.startswith("charter."):
        return _judge_charter(law, statement, needed)
    if statement.kind in CUT_OFFS:
        return _judge_cut_off(law, statement, needed)
    entitled = _entitled(law, statement, effective)
    if isinstance(entitled, str):
        return _no(entitled, needed)
    voice, problem, speaking = carrying_voice(law.mandates, statement, ground.approvals(statement), entitled=entitled)
    if voice is None:
        state = _waiting_or_closed(law, statement) if problem.startswith("it needs") else EffectState.INEFFECTIVE
        return StatementEffect(state=state, reason=_sentence(problem), approvals=tuple(speaking), needed=needed)
    if draft and (left_out := law.mandates.what_is_left_out(voice, statement)) is not None:
        return _no(left_out, needed)
    if statement.kind == "authority.delegate":
        given = mandate_given(law.mandates, voice, statement)
        if not isinstance(given, Mandate):
            return _no(given, needed)
    return StatementEffect(
        state=EffectState.EFFECTIVE, reason="", approvals=tuple(speaking), needed=needed, voice=voice
    )


def _needed(law: Law, statement: Unverified) -> str:
    charter = law.ground.charter(statement)
    rule = rule_for(statement.kind, statement.body, charter.rules)
    return f"{statement.iss} itself" if rule.asks_one else what_is_needed(rule, charter)


def _no(problem: str, needed: str) -> StatementEffect:
    return StatementEffect(state=EffectState.INEFFECTIVE, reason=_sentence(problem), needed=needed)


def _judge_vote(law: Law, vote: Unverified, effective: Finder, *, draft: bool) -> StatementEffect:
    """A vote stands if its key counts for the authority it names; a draft, if it would also change anything."""
    if not law.ground.voices(vote):
        return _no("its key does not count for the authority it names", "")
    for target in vote.body["targets"] if draft else ():
        held = law.ground.chains.get(target)
        problem = None if held is None else _vote_problem(law, vote, held, effective)
        if problem is not None:
            return _no(problem, "")
    return StatementEffect(state=EffectState.EFFECTIVE, reason="")


def _vote_problem(law: Law, vote: Unverified, subject: Statement, effective: Finder) -> str | None:
    """Why a vote that is not yet said would change nothing about one of its targets; None if it would."""
    ground, name = law.ground, subject.id.hex()[:12]
    standing = judge(law, subject, effective)
    if standing.state is EffectState.EFFECTIVE:
        return f"{name} is in effect already"
    if standing.state in (EffectState.INEFFECTIVE, EffectState.VOID):
        return f"{name} cannot take effect: {standing.reason.rstrip('.')}"
    own = [s for s in (subject, *ground.chains.votes_on(subject.id)) if s.kid == vote.kid]
    if vote.kind == "vote.approve":
        if standing.state is EffectState.RETRACTED:
            return f"{name} was taken back by whoever proposed it"
        if own:
            return f"its key has signed or voted on {name} already, and the first counts for good"
        if subject.kind == "charter.amend":
            return contest_of(ground.chains, ground.versions, subject).problem(vote, subject.id)
        return None
    if any(s.kind == "vote.reject" for s in own):
        return f"its key has rejected {name} already"
    is_retraction = vote.kid == subject.kid or bool(vote.body.get("retract"))
    if is_retraction and not _is_of_one_voice(law, vote, subject):
        return f"only {subject.iss} can take {name} back"
    if subject.kind == "charter.amend":
        return None  # each rejection brings nearer that those who took an approval back may approve another one
    if standing.state is EffectState.RETRACTED:
        return f"{name} was taken back by whoever proposed it"
    return f"its key has voted on {name} already, and the first counts for good" if own and not is_retraction else None


def _is_of_one_voice(law: Law, vote: Unverified, subject: Statement) -> bool:
    """Whether a vote's key is its subject's, or speaks for the voice that proposed it."""
    ground = law.ground
    return vote.kid == subject.kid or any(voice in ground.voices(subject) for voice in ground.voices(vote))


def _judge_charter(law: Law, statement: Unverified, needed: str) -> StatementEffect:
    """A charter statement that is not in force."""
    ground = law.ground
    if statement.kind == "charter.genesis":
        return _no("another genesis founds this ecosystem", needed)
    problem = amendment_problem(ground.chains, ground.versions, statement)
    if problem is not None:
        return _no(problem, needed)
    if has_missing_heads(ground.chains, statement):
        return StatementEffect(
            state=EffectState.WAITING, reason="Something that its heads cover is missing.", needed=needed
        )
    contest = contest_of(ground.chains, ground.versions, statement)
    own_problem = contest.problem(statement, statement.id)
    if own_problem is not None and statement.id not in ground.chains:
        return _no(own_problem, needed)
    approvals = contest.counted(statement.id)
    speaking = tuple(ground.speaking(statement, approvals))
    if is_passed(ground.chains, ground.versions, statement, approvals):
        return StatementEffect(
            state=EffectState.EFFECTIVE, reason="", approvals=speaking, needed=needed, voice=Voice(statement.iss, None)
        )
    reason = f"It needs {needed} of the charter in force, and as its own charter asks; of each more than half."
    if statement not in approvals:
        why = own_problem or "it counts once the one that its key took back can no longer pass"
        reason += f" Its author's own approval does not count yet: {why}."
    state = EffectState.WAITING if contest.is_open(statement.id) else EffectState.CLOSED
    return StatementEffect(state=state, reason=reason, approvals=speaking, needed=needed)


def _judge_cut_off(law: Law, statement: Unverified, needed: str) -> StatementEffect:
    """A cut-off of a key that is not in effect, or a draft of one."""
    ground = law.ground
    approvals = ground.approvals(statement)
    speaking = tuple(ground.speaking(statement, approvals))
    if is_cut_off_in_order(ground, statement):
        voice = Voice(statement.iss, None)
        return StatementEffect(state=EffectState.EFFECTIVE, reason="", approvals=speaking, needed=needed, voice=voice)
    key, voices, charter = statement.body["key"], ground.voices(statement), ground.charter(statement)
    if not voices:
        return _no("neither the committed next key nor a key that counts has signed it", needed)
    own = [voice for voice in voices if ground.is_held(key, voice)]
    if statement.kind == "key.rotate" and any(ground.successors(key, voice) for voice in own):
        return _no("the key's committed next key rotates it, and no other", needed)
    if own and rule_for(statement.kind, statement.body, charter.rules).asks_one:
        asked = ground.threshold(own[0], ground.epoch(statement))
        reason = f"It needs {asked} keys of {own[0].by}."
        return StatementEffect(
            state=_waiting_or_closed(law, statement), reason=reason, approvals=speaking, needed=needed
        )
    if (statement.kind == "key.rotate" and not own) or all(voice.via is not None for voice in voices):
        return _no("it is no key of its author's", needed)
    rule = rule_for(statement.kind, statement.body, charter.rules)
    needed = what_is_needed(TWO if rule.asks_one else rule, charter)
    return StatementEffect(state=EffectState.WAITING, reason=f"It needs {needed}.", approvals=speaking, needed=needed)


def _issuers_own(law: Law, statement: Unverified, effective: Finder) -> bytes | None:
    """Where an issuer ends one of its own keys: what stated the key that it does so with; the lowest id of several.

    That is the mandate it speaks under. An issuer may be an authority too, and whoever states a key for it must not
    come to speak with that authority's voice.
    """
    body = statement.body
    if statement.kind != "issuer.key" or body["op"] == "add" or statement.iss != body["issuer"]:
        return None
    return next(
        (
            stated.id
            for stated in law.ground.chains.introducers(statement.kid)
            if stated.kind.startswith("issuer.") and stated.sub == statement.sub and effective(stated.id) is not None
        ),
        None,
    )


def _waiting_or_closed(law: Law, statement: Unverified) -> EffectState:
    """Whether votes could still carry it: keys that have not rejected it, and are not cut off, may yet approve."""
    ground = law.ground
    narrowing = is_narrowing(statement.kind, statement.body)
    approved = {approval.kid for approval in ground.approvals(statement)}
    against = {vote.kid for vote in ground.first_votes(statement, narrowing=narrowing) if vote.kind == "vote.reject"}
    epoch, charter = ground.epoch(statement), ground.charter(statement)

    def can_speak(voice: Voice) -> bool:
        keys = {*ground.base_keys(voice, epoch), *ground.added.get(voice, ())}
        able = {key for key in keys if key not in against and not ground.cuts_for(key, voice)}
        return len(able | (keys & approved)) >= ground.threshold(voice, epoch)

    rule = rule_for(statement.kind, statement.body, charter.rules)
    if rule.asks_one:
        possible = any(can_speak(voice) for voice in ground.voices(statement))
    else:
        possible = is_met(rule, [by for by in charter.authorities if can_speak(Voice(by, None))], charter)
    return EffectState.WAITING if possible else EffectState.CLOSED


def _entitled(law: Law, statement: Unverified, effective: Finder) -> list[Voice] | str | None:
    """Who may touch what a statement names: these voices, anybody (None), or nobody, with the reason.

    Only who granted an accreditation, or one above it in its chain, changes it: nobody widens another's grant. What
    somebody published only he changes. What authorities recognised together they withdraw together.
    """
    body = statement.body
    match statement.kind:
        case "accreditation.amend" | "accreditation.status":
            target, kind = body["accreditation"], "accreditation.grant"
        case "framework.items" | "framework.status":
            target, kind = body["publish"], "framework.publish"
        case "mapping.withdraw":
            target, kind = body["publish"], "mapping.publish"
        case "recognition.withdraw":
            target, kind = body["recognition"], "recognition.grant"
        case "authority.withdraw":
            return law.mandates.withdrawers(body["delegation"]) or "the delegation it names is not in effect"
        case "statement.annul":
            return _annulment_problem(law, body["target"])
        case _:
            return None
    held, owner = law.ground.chains.get(target), effective(target)
    if held is None or held.kind != kind or owner is None:
        return f"the {kind.partition('.')[0]} it names is not in effect"
    if held.sub != statement.sub:
        return "it names another subject than what it changes"
    if kind == "recognition.grant":
        return None
    return [owner, *law.mandates.above(owner)] if kind == "accreditation.grant" else [owner]


def _annulment_problem(law: Law, target: bytes) -> str | None:
    held = law.ground.chains.get(target)
    if held is None:
        return "the statement it annuls is not held here"
    if KINDS[held.kind].stratum is not Stratum.RECORDS or held.kind == "statement.annul":
        return f"{held.kind} cannot be annulled"
    return None


def _sentence(clause: str) -> str:
    return clause[:1].upper() + clause[1:] + "." if clause else ""
