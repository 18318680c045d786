"""How statements and keys stand in a fold, and why: what people ask before they sign, vote or object.

These functions read a settled fold and change nothing.

    standing_of(fold, statement.id)  # in effect, or waiting for whom
    waiting_proposals(fold)                  # what waits for votes
"""

from dataclasses import dataclass, replace
from typing import Any, Final

from accredit.governance.authority.effect import EffectState, InForce, StatementEffect, counts_for, judge
from accredit.governance.authority.governing_state import Law
from accredit.governance.authority.key_lifecycle import voices_of_key
from accredit.governance.fold import Fold
from accredit.governance.index.key_entries import introductions, next_number
from accredit.governance.records.reducers import in_judging_order, is_recorded, subject_of
from accredit.governance.rules.rulebook import check_statement
from accredit.registry.domain.records import Voice, issuer_in
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.statement import Draft, Statement, as_unverified

_OVER: Final[dict[str, Any]] = {
    "state": EffectState.INEFFECTIVE,
    "voice": None,
    "since": None,
    "reason": "Its authority has used up its share of this record; end or withdraw another entry first.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A statement that waits for votes, and the votes on it that are held."""

    statement: Statement
    verdict: StatementEffect
    votes: tuple[Statement, ...]

    def place(self) -> tuple[int, bytes]:
        """Return its sort key among others, the oldest first."""
        return self.statement.iat, self.statement.id


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyHead:
    """Where a key stands.

    Attributes:
        key, public: the key's id, and the public key once it is known.
        budget: the highest number it may use.
        seq, id: number and id of its newest statement held in sequence; 0 and None before its first.
        next_seq: the number its next statement must have.
        forked: it has signed two statements with the same number.
        voices: the authorities it counts for now.
        cut: it has been retired, rotated away or compromised.
    """

    key: bytes
    public: bytes | None
    budget: int
    seq: int
    id: bytes | None
    next_seq: int
    forked: bool
    voices: tuple[Voice, ...]
    cut: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """Something that was said about a record's subject and counts no more, so that the record is silent about it.

    Attributes:
        state: `annulled`, or `void` because its key had been cut off before.
        by: the annulment or the cut-off.
        since: from when that counts, seconds.
    """

    statement: Statement
    state: EffectState
    by: Statement
    since: int


# Statements


def standing_of(fold: Fold, statement: bytes) -> StatementEffect | None:
    """Return how a held statement stands; None if not held. A vote is effective if its key counts for any voice."""
    held = fold.statement(statement)
    if held is None:
        return None
    found = fold.judged(held)
    if found.state is not EffectState.EFFECTIVE or (subject := subject_of(held)) is None:
        return found
    issuer = issuer_in(fold, CanonicalId(held.sub)) if held.kind == "accreditation.grant" else None
    return found if is_recorded(held, fold.get(*subject), issuer) else replace(found, **_OVER)


def ended_grants(fold: Fold, issuer: str) -> list[Statement]:
    """Return the grants to an issuer that are annulled or void, the newest first, among its newest `GRANTS_LISTED`."""
    ended = (EffectState.ANNULLED, EffectState.VOID)
    return [
        one
        for one in fold.grants_to(issuer)
        if (effect := standing_of(fold, one.id)) is not None and effect.state in ended
    ]


def undone_about(fold: Fold, type: str, id: str) -> list[Undone]:
    """Return what was said about a record's subject and is annulled or void, in the order in which it was said.

    With a grant, what was said about it is annulled as well.
    """
    law = fold.law
    if law is None:
        return []
    held = [*fold.said_about(type, id)]
    if all(fold.in_force(one.id) is not None for one in held):
        return []
    said = in_judging_order(held)
    whole: dict[bytes, InForce] = {}  # what would be in effect if nothing had been annulled
    found = []
    for statement in said:
        verdict = judge(law, statement, lambda id: whole.get(id) or fold.in_force(id))
        if verdict.voice is not None and verdict.since is not None:
            whole[statement.id] = InForce(verdict.voice, verdict.since)
        if verdict.state is EffectState.VOID:
            ends = [cut.statement.id for cut in law.ground.cuts[statement.kid]]
        elif statement.id in whole and fold.in_force(statement.id) is None:
            founding = said[0].id
            ends = [each for about in (statement.id, founding) for each in fold.annulments(about)]
        else:
            continue
        ended = min(((force.since, each) for each in ends if (force := fold.in_force(each)) is not None), default=None)
        if ended is not None:
            since, by = ended
            state = EffectState.VOID if verdict.state is EffectState.VOID else EffectState.ANNULLED
            found.append(Undone(statement=statement, state=state, by=fold.chains[by], since=since))
    return sorted(found, key=lambda one: (one.statement.iat, one.statement.id))


# Drafts and proposals


def explain_draft(fold: Fold, draft: Draft, key: bytes) -> StatementEffect:
    """Return the standing that a draft would have if `key` signed it now.

    Raises:
        DecodeError: the draft is not of its kind's shape.
    """
    unverified = as_unverified(draft, key)
    check_statement(unverified)
    return fold.judge_draft(unverified)


def waiting_proposals(fold: Fold) -> list[Proposal]:
    """Return the statements that wait for votes, oldest first."""
    found = (proposal_of(fold, id) for id in fold.open_ids())
    return sorted((one for one in found if one is not None), key=Proposal.place)


def proposal_of(fold: Fold, statement: bytes) -> Proposal | None:
    """Return a statement with the votes on it; None if it waits for none, or is not held."""
    verdict = standing_of(fold, statement)
    if verdict is None or verdict.state is not EffectState.WAITING:
        return None
    votes = tuple(fold.chains.deciding_votes(statement))
    return Proposal(statement=fold.chains[statement], verdict=verdict, votes=votes)


def may_vote(fold: Fold, key: bytes, statement: Statement) -> bool:
    """Return whether a vote by a key that has not voted yet could bring a statement nearer to taking effect."""
    if fold.law is None or key == statement.kid:
        return False
    if any(vote.kid == key for vote in fold.chains.deciding_votes(statement.id)):
        return False
    return counts_for(fold.law, _voices_of(fold.law, key), statement, fold.in_force)


# Keys


def key_head(fold: Fold, key: bytes) -> KeyHead | None:
    """Return the state of a key; None for a key that no held statement introduces."""
    chains, law = fold.chains, fold.law
    entries = [e for s in chains.introducers(key) for e in introductions(s) if e.key == key]
    if not entries:
        return None
    voices = () if law is None else _voices_of(law, key)
    newest = chains.newest(key)
    return KeyHead(
        key=key,
        public=next((entry.public for entry in entries if entry.public is not None), None),
        budget=max(entry.budget for entry in entries),
        seq=0 if newest is None else newest.seq,
        id=None if newest is None else newest.id,
        next_seq=1 if newest is None else next_number(newest),
        forked=chains.is_forked(key),
        voices=voices,
        cut=law is not None and bool(law.ground.cuts.get(key)) and not voices,
    )


def key_heads(fold: Fold) -> list[tuple[bytes, bytes, int]]:
    """Return id, newest statement held in sequence, and its number, for every key in use: the content of `heads`."""
    found = (newest_of(fold, key) for key in sorted(fold.chains.keys()))
    return [each for each in found if each is not None]


def newest_of(fold: Fold, key: bytes) -> tuple[bytes, bytes, int] | None:
    """Return a key's entry in `heads`; None if it is not in use, or no held statement introduces it."""
    head = key_head(fold, key)
    return None if head is None or head.id is None else (key, head.id, head.seq)


def _voices_of(law: Law, key: bytes) -> tuple[Voice, ...]:
    found = voices_of_key(law.ground, key)
    return tuple(voice for voice in found if voice.via is None or voice in law.mandates.seats)
