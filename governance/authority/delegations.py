"""Authorities and their delegates, top down: stratum 3 of the fold.

Charter authorities have an unlimited mandate. A delegation takes effect if its author speaks for a voice that may
delegate, and gives the child a mandate within that voice's own (`delegation.child_mandate`). Only the delegator, or an
authority above it in the chain, can withdraw a delegation. This ends the mandates of the delegate and of everybody
below it. The statements that the withdrawal's `heads` cover stand. Of the other statements

* a narrowing one stands, if it is dated no later than the withdrawal, until it is undone in its own right;
* a widening one dated before the withdrawal stands too, unless as many agree to the withdrawal as the retroactive rule
  requires: a single body must not erase the past, neither by leaving heads out nor by naming early ones. But nothing
  shows that such a statement existed in time, so no decision rests on it alone (`Mandates.is_anchored`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from accredit.governance.index.statement_index import named_heads
from accredit.governance.rules import delegation_limits as delegation
from accredit.governance.rules.charter import Charter
from accredit.governance.rules.delegation_limits import UNLIMITED, Mandate
from accredit.governance.rules.rulebook import RETROACTIVE, rule_for
from accredit.governance.rules.undoing import Claim, Requirement, asked, is_allowed, is_met, what_is_needed
from accredit.registry.domain.ceiling import what_is_left_out
from accredit.registry.domain.records import Voice
from accredit.registry.encoding.counts import many
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.encoding.rfc3339 import day
from accredit.registry.limits import TIME_MAX
from accredit.registry.statement import Statement, Unverified

from .ballots import Anchor, Ground, Version
from .shares import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """A withdrawal in effect.

    Attributes:
        voice: its author.
        met: when its rule was met, seconds.
        is_retroactive: as many agree to it as the retroactive rule requires.
    """

    statement: Statement
    voice: Voice
    met: int
    is_retroactive: bool

    @property
    def effective_from(self) -> int:
        """Return from when it counts, seconds; the withdrawal of a single body does not count before it was made."""
        stated: int = self.statement.body["effective_from"]
        return stated if self.is_retroactive else max(stated, self.met)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """An authority under one mandate.

    Attributes:
        voice, mandate: the authority, and its powers.
        parent: the voice that gave the mandate; None for the charter's own.
        withdrawals: the withdrawals of this mandate in effect, by id; statements that their `heads` cover stand.
    """

    voice: Voice
    mandate: Mandate
    parent: Voice | None
    withdrawals: tuple[Withdrawal, ...] = ()


class Mandates:
    """Every voice that has a mandate. Built once per law by `settle_mandates`."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.seats: dict[Voice, Seat] = {}

    def over(self, ground: Ground) -> "Mandates":
        """Return the same mandates over other chains."""
        mandates = Mandates(ground)
        mandates.seats = self.seats
        return mandates

    def find(self, voice: Voice, statement: Unverified) -> Seat | None:
        """Return the seat under which a voice carries `statement`; None if it has no such seat."""
        charter = self.ground.charter(statement)
        if voice.via is None:
            named = voice.by in charter.authorities
            return Seat(voice=voice, mandate=UNLIMITED, parent=None) if named else None
        # From the moment the charter names an id, only the charter's mandate speaks for it, and no delegation does.
        return None if charter.holds(voice.by) else self.seats.get(voice)

    def above(self, voice: Voice) -> list[Voice]:
        """Return the voices above one, nearest first, up to the charter."""
        chain: list[Voice] = []
        seat = self.seats.get(voice)
        while seat is not None and seat.parent is not None:
            chain.append(seat.parent)
            seat = self.seats.get(seat.parent)
        return chain

    def path(self, voice: Voice) -> Path:
        """Return the path by which a voice shares the room of a record."""
        return tuple((each.by, each.via or b"") for each in (*reversed(self.above(voice)), voice))

    def is_ended(self, voice: Voice, statement: Unverified, *, narrowing: bool) -> bool:
        """Return whether a withdrawal on the chain leaves `statement` without a mandate."""
        for link in (voice, *self.above(voice)):
            for withdrawal in self.seats[link].withdrawals if link in self.seats else ():
                heads = named_heads(withdrawal.statement)
                if self.ground.is_covered(statement, heads):
                    continue
                said = self.ground.said_at(statement, voice)
                if said > withdrawal.met:
                    return True
                if not narrowing and (said == withdrawal.met or withdrawal.is_retroactive):
                    return True
        return False

    def ends(self, voice: Voice) -> int:
        """Return when a delegate's mandate ends, seconds; `TIME_MAX` if it has no end."""
        ends = [TIME_MAX]
        for link in (voice, *self.above(voice)):
            if (seat := self.seats.get(link)) is not None:
                ends += [withdrawal.effective_from for withdrawal in seat.withdrawals]
                ends += [seat.mandate.valid_until] if seat.mandate.valid_until is not None else []
        return min(ends)

    def is_anchored(self, voice: Voice, statement: Statement) -> bool:
        """Return whether an authority of the charter has shown that a delegate's statement existed in time.

        It does so by a vote, or by the heads with which it ended the mandate. Other heads show it only if they were
        given before the mandate ended: an amendment of the charter names the newest statement of every key, and so
        what a thief has dated back as well.
        """
        ground, end = self.ground, self.ends(voice)
        seats = [self.seats[link] for link in (voice, *self.above(voice)) if link in self.seats]
        closing = {withdrawal.statement.id for seat in seats for withdrawal in seat.withdrawals}
        for statement_id, by, given in ground.anchors.get(statement.kid, ()):
            is_withdrawal = by is not None and by.kind == "authority.withdraw"
            if by is not None and not (is_withdrawal and ground.carries(by, Voice(by.iss, None), by)):
                continue
            is_in_time = given is None or given <= end or (by is not None and by.id in closing)
            if is_in_time and ground.is_covered(statement, {statement.kid: statement_id}):
                return True
        votes = (vote for vote in ground.chains.deciding_votes(statement.id) if vote.kind == "vote.approve")
        return any(ground.carries(vote, Voice(vote.iss, None), statement) for vote in votes)

    def objection(self, voice: Voice, statement: Unverified, *, narrowing: bool) -> str | None:
        """Return why a voice cannot make `statement` take effect, apart from votes; None if it can."""
        seat = self.find(voice, statement)
        if seat is None:
            held = voice.via is not None and self.ground.charter(statement).holds(voice.by)
            return f"the charter names {voice.by}, so it can act only under the charter" if held else _NOT_IN_EFFECT
        introduced = self.ground.introduced(statement.kid, voice)
        if not narrowing and statement.iat < introduced:
            return f"it is dated before its key was introduced on {day(introduced)}"
        if self.is_ended(voice, statement, narrowing=narrowing):
            return "its author's delegation was withdrawn before it was made"
        if self.left(voice, self.ground.epoch(statement)) is not None:
            return "its author's delegation comes from an authority that has left the charter"
        if statement.kind.startswith("key.") or statement.kind == "authority.withdraw":
            return None  # an authority needs no delegation to manage its own keys, or to take back what it gave
        return delegation.objection(seat.mandate, statement.kind, statement.body, statement.iat)

    def left(self, voice: Voice, last: int) -> Version | None:
        """Return the first charter, up to number `last`, without the authority from which a mandate comes, after
        that gave it; None if there is none.

        Being named again revives no mandate: another organisation may have come back under the old id.
        """
        ground = self.ground
        *below, top = (voice, *self.above(voice))
        given = [ground.epoch(ground.chains[each.via]) for each in below[-1:] if each.via is not None]
        since = ground.versions[min(last, *given) if given else last : last + 1]
        return next((version for version in since if top.by not in version.charter.authorities), None)

    def what_is_left_out(self, voice: Voice, statement: Unverified) -> str | None:
        """Return which limited axis a draft by `voice` leaves out, as half a sentence."""
        seat = self.find(voice, statement)
        assert seat is not None, "a voice that carries a statement has a seat for it"
        return what_is_left_out(statement.kind, statement.body, seat.mandate.limits)

    def withdrawers(self, delegation: bytes) -> list[Voice] | None:
        """Return who may withdraw a delegation: its delegator, and all above; None if it is not in effect."""
        held = self.ground.chains.get(delegation)
        if held is None or held.kind != "authority.delegate":
            return None
        voice = Voice(held.body["delegate"], delegation)
        return self.above(voice) if voice in self.seats else None


_NOT_IN_EFFECT: Final = "its author's delegation is not in effect"
_NO_VOICE: Final = "its key is not a valid key of the authority it names"
_NO_MANDATE: Final = "its author speaks by delegation, and it does not name the delegation as its mandate"
_FOREIGN_MANDATE: Final = "its key does not belong to the mandate that it names"


def carrying_voice(
    mandates: Mandates, statement: Unverified, approvals: list[Unverified], asks: Requirement, *, narrowing: bool
) -> tuple[Voice | None, str, list[CanonicalId]]:
    """Find the voice that makes a statement take effect.

    Args:
        asks: the rule and the claims it must meet.

    Returns:
        The voice, or None and the reason; and the authorities that speak for the statement so far.
    """
    ground = mandates.ground
    voice = next(iter(ground.voices(statement)), None)  # there is at most one, because the statement names it
    # Most statements need one voice only; others that speak for them are counted only where it matters.
    is_counted = not asks.rule.asks_one or any(claim.rule for claim in asks.claims)
    speaking = ground.speaking(statement, approvals) if is_counted else []
    if voice is None:
        problem = _why_no_voice(ground, statement)
    else:
        problem = _why_not_carried(mandates, voice, statement, approvals, asks, speaking, narrowing=narrowing)
    if problem:
        return None, problem, speaking if is_counted else ground.speaking(statement, approvals)
    assert voice is not None
    return voice, "", [voice.by] if asks.rule.asks_one else speaking


def _why_not_carried(
    mandates: Mandates,
    voice: Voice,
    statement: Unverified,
    approvals: list[Unverified],
    asks: Requirement,
    speaking: list[CanonicalId],
    *,
    narrowing: bool,
) -> str:
    """Return why a voice does not make its statement take effect, as a clause; empty if it does."""
    ground = mandates.ground
    charter, alone = ground.charter(statement), asks.rule.asks_one
    if not alone and voice.via is not None:
        return "only authorities named in the charter may propose it"
    if alone and (claim := _refusing(asks, [voice], speaking, charter)) is not None:
        return _only(claim)
    if (problem := mandates.objection(voice, statement, narrowing=narrowing)) is not None:
        return problem
    if alone:
        needed = ground.threshold(voice, ground.epoch(statement))
        return "" if ground.speaks(voice, statement, approvals) else f"it needs {many(needed, 'key')} of {voice.by}"
    if not is_met(asks.rule, speaking, charter):
        return f"it needs {what_is_needed(asks.rule, charter)}"
    claim = _refusing(asks, [Voice(by, None) for by in speaking], speaking, charter)
    return "" if claim is None else _only(claim)


def _refusing(asks: Requirement, voices: list[Voice], speaking: list[CanonicalId], charter: Charter) -> Claim | None:
    """Return the first claim that voices do not meet; None if they meet all."""
    return next((claim for claim in asks.claims if not is_allowed(claim, voices, speaking, charter)), None)


def _why_no_voice(ground: Ground, statement: Unverified) -> str:
    """Return why a statement speaks for nobody, as a clause."""
    held = ground.candidates(statement.kid, statement.iss)
    if not held or any(ground.may_speak(statement, voice) for voice in held):
        return _NO_VOICE
    return _NO_MANDATE if statement.mandate is None else _FOREIGN_MANDATE


def _only(claim: Claim) -> str:
    return f"only {' or '.join(dict.fromkeys(voice.by for voice in claim.voices))} may {claim.deed}"


def settle_mandates(ground: Ground) -> Mandates:
    """Return all mandates, working down from the charter one level of delegation at a time."""
    mandates = Mandates(ground)
    pending = [s for s in ground.chains.of_kind("authority.delegate") if ground.is_sound(s, narrowing=False)]
    withdrawals: dict[bytes, list[Statement]] = {}
    for statement in ground.chains.of_kind("authority.withdraw"):
        if ground.is_sound(statement, narrowing=True):
            withdrawals.setdefault(statement.body["delegation"], []).append(statement)
    while True:
        level = [s for s in (_judge(mandates, statement) for statement in pending) if s is not None]
        if not level:
            break
        for seat in level:
            mandates.seats[seat.voice] = seat
        for seat in level:
            assert seat.voice.via is not None
            ended = _in_effect(mandates, withdrawals.get(seat.voice.via, ()))
            mandates.seats[seat.voice] = replace(seat, withdrawals=ended)
        settled = {seat.voice.via for seat in level}
        pending = [statement for statement in pending if statement.id not in settled]
    for seat in mandates.seats.values():
        for withdrawal in seat.withdrawals:
            for key, head in named_heads(withdrawal.statement).items():
                ground.anchors.setdefault(key, []).append(Anchor(head, withdrawal.statement, withdrawal.met))
    ground.recut()
    return mandates


def _judge(mandates: Mandates, statement: Statement) -> Seat | None:
    ground = mandates.ground
    asks = Requirement(asked(statement, ground.charter(statement)))
    voice, _, _ = carrying_voice(mandates, statement, ground.approvals(statement), asks, narrowing=False)
    mandate = None if voice is None else mandate_given(mandates, voice, statement)
    if not isinstance(mandate, Mandate):
        return None
    return Seat(voice=Voice(statement.body["delegate"], statement.id), mandate=mandate, parent=voice)


def mandate_given(mandates: Mandates, voice: Voice, statement: Unverified) -> Mandate | str:
    """Return the mandate that a delegation by `voice` gives, or the clause that says why it gives no mandate."""
    if mandates.ground.charter(statement).holds(statement.body["delegate"]):
        return f"the charter already names {statement.body['delegate']} as an authority, so nobody can delegate to it"
    parent = mandates.find(voice, statement)
    assert parent is not None, "a voice that carries a statement has a seat for it"
    if statement.body["delegate"] in (voice.by, *(above.by for above in mandates.above(voice))):
        return "a body cannot delegate to itself or to a body above it"
    return delegation.child_mandate(parent.mandate, statement.body)


def _in_effect(mandates: Mandates, withdrawals: Iterable[Statement]) -> tuple[Withdrawal, ...]:
    ground, found = mandates.ground, []
    for statement in withdrawals:
        charter, approvals = ground.charter(statement), ground.approvals(statement)
        claim = Claim(tuple(mandates.withdrawers(statement.body["delegation"]) or ()), "change it")
        asks = Requirement(asked(statement, charter), (claim,))
        voice, _, _ = carrying_voice(mandates, statement, approvals, asks, narrowing=True)
        if voice is not None:
            met = ground.met(statement, approvals, asks.rule, voice)
            speaking = ground.speaking(statement, approvals)
            retroactive = rule_for(RETROACTIVE, charter.rules)
            is_retroactive = retroactive.asks_one or is_met(retroactive, speaking, charter)
            found.append(Withdrawal(statement=statement, voice=voice, met=met, is_retroactive=is_retroactive))
    return tuple(found)
