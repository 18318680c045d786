"""Does a statement take effect? Judged from the law and the votes, never from the order of arrival.

`judge` answers for any statement that is not a vote, and for a draft as if it were said now. The answer is one of

* `effective`;
* `waiting`: for votes, for a statement it follows, or for a fork to be settled;
* `closed`: so many have rejected it that its rule can no longer be met;
* `ineffective`: against the rules, with the reason; it never takes effect unless the rules change;
* `annulled`: a later decision says it was wrong;
* `void`: its key was cut off before it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from registry.statement import Statement, Unverified

from .delegation import child_mandate
from .ground import Approval, Voice, is_met, what_is_needed
from .law import Law
from .mandates import carrying_voice
from .rulebook import KINDS, Stratum, is_narrowing, rule_for


class State(StrEnum):
    """See the module."""

    EFFECTIVE = "effective"
    WAITING = "waiting"
    CLOSED = "closed"
    INEFFECTIVE = "ineffective"
    ANNULLED = "annulled"
    VOID = "void"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How a statement stands.

    Attributes:
        state: see the module.
        reason: a sentence for people; empty when effective.
        approvals: ids of the authorities that speak for it so far.
        needed: what its rule asks for, as a phrase.
        voice: the authority it speaks for, when effective.
    """

    state: State
    reason: str
    approvals: tuple[str, ...] = ()
    needed: str = ""
    voice: Voice | None = None


Finder = Callable[[bytes], Voice | None]
"""Gives the voice of a statement that is in effect, by id; None if it is not."""


def judge(law: Law, statement: Unverified, effective: Finder, *, draft: bool = False) -> Verdict:
    """How a statement of any kind but a vote stands.

    Args:
        effective: answers for the statements that this one builds on.
        draft: as if it were said now: its own chain is taken to be whole.
    """
    ground = law.ground
    if ground.is_cut(statement):
        return Verdict(state=State.VOID, reason="Its key was cut off before it.")
    kind = KINDS[statement.kind]
    if kind.stratum < Stratum.RECORDS and not draft and effective(statement.id) is not None:
        return Verdict(state=State.EFFECTIVE, reason="", voice=effective(statement.id))
    approvals = ground.approvals(statement)
    rule = rule_for(statement.kind, statement.body, law.ground.charter(statement).rules)
    needed = what_is_needed(rule, ground.charter(statement)) if not rule.asks_one else f"{statement.iss} itself"
    if isinstance(statement, Statement) and not is_narrowing(statement.kind, statement.body) and not draft:
        if not ground.chains.is_orderly(statement.id):
            return Verdict(state=State.WAITING, reason="An earlier statement of its key is missing.", needed=needed)
        if ground.is_frozen(statement):
            return Verdict(state=State.WAITING, reason="Its key has signed two histories.", needed=needed)
    if _is_issuers_own(law, statement, effective):
        return Verdict(state=State.EFFECTIVE, reason="", voice=Voice(statement.iss, None), needed=needed)
    entitled = _entitled(law, statement, effective)
    if isinstance(entitled, str):
        return Verdict(state=State.INEFFECTIVE, reason=_sentence(entitled), needed=needed)
    voice, problem, speaking = carrying_voice(law.mandates, statement, approvals, entitled=entitled)
    state = State.EFFECTIVE
    if voice is None:
        state = _why_not(law, statement, approvals, problem)
    elif kind.stratum < Stratum.RECORDS and not draft:
        state, problem = State.INEFFECTIVE, _governing_problem(law, statement, voice)
        voice = None
    return Verdict(state=state, reason=_sentence(problem), approvals=tuple(speaking), needed=needed, voice=voice)


def _is_issuers_own(law: Law, statement: Unverified, effective: Finder) -> bool:
    """Whether an issuer ends one of its own keys, with a key that an authority has stated for it."""
    body = statement.body
    if statement.kind != "issuer.key" or body["op"] == "add" or statement.iss != body["issuer"]:
        return False
    return any(
        stated.kind.startswith("issuer.") and stated.sub == statement.sub and effective(stated.id) is not None
        for stated in law.ground.chains.introducers(statement.kid)
    )


def _why_not(law: Law, statement: Unverified, approvals: list[Approval], problem: str) -> State:
    """Whether votes could still carry it."""
    if not problem.startswith("it needs"):
        return State.INEFFECTIVE
    ground = law.ground
    narrowing = is_narrowing(statement.kind, statement.body)
    against = {v.kid for v in ground.first_votes(statement, narrowing=narrowing) if v.kind == "vote.reject"}
    against -= {approval.key for approval in approvals}
    epoch = ground.epoch(statement)

    def can_speak(voice: Voice) -> bool:
        keys = {*ground.base_keys(voice, epoch), *ground.added.get(voice, ())}
        return len(keys - against) >= ground.threshold(voice, epoch)

    charter = ground.charter(statement)
    rule = rule_for(statement.kind, statement.body, charter.rules)
    if rule.asks_one:
        possible = any(can_speak(voice) for voice in ground.voices(statement, statement.kid))
    else:
        possible = is_met(rule, [by for by in charter.authorities if can_speak(Voice(by, None))], charter)
    return State.WAITING if possible else State.CLOSED


def _governing_problem(law: Law, statement: Unverified, voice: Voice) -> str:
    """Why a statement of strata 1 to 3 has no effect although its rule is met."""
    match statement.kind:
        case "charter.genesis":
            return "another genesis founds this ecosystem"
        case "charter.amend":
            if statement.body["parent"] != law.ground.versions[-1].statement.id:
                return "it amends a version that is no longer, or not yet, in force"
            return "its version, its heads, or a threshold of the old or the new charter is not in order"
        case "authority.delegate":
            seat = law.mandates.find(voice, statement)
            if seat is not None and isinstance(problem := child_mandate(seat.mandate, statement.body), str):
                return problem
            return "a body cannot delegate to itself or to one above it"
        case "authority.withdraw":
            return "only the delegator, or one above it, withdraws a delegation"
        case "key.add":
            return "its authority does not speak for it with keys that count"
        case _:
            return "neither two authorities, the committed next key nor the key's own authority speak for it"


def _entitled(law: Law, statement: Unverified, effective: Finder) -> list[Voice] | str | None:
    """Who may touch what a statement names: these voices, anybody (None), or nobody, with the reason.

    Only who granted an accreditation, or one above it in its chain, changes it: nobody widens another's grant. What
    somebody published only he changes.
    """
    body = statement.body
    match statement.kind:
        case "accreditation.amend" | "accreditation.status":
            target, kind = body["accreditation"], "accreditation.grant"
        case "framework.items" | "framework.status":
            target, kind = body["publish"], "framework.publish"
        case "mapping.withdraw":
            target, kind = body["publish"], "mapping.publish"
        case "statement.annul":
            return _annulment_problem(law, body["target"])
        case _:
            return None
    held, owner = law.ground.chains.get(target), effective(target)
    if held is None or held.kind != kind or owner is None:
        return f"the {kind.partition('.')[0]} it names is not in effect"
    if held.sub != statement.sub:
        return "it names another subject than what it changes"
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
