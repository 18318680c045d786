"""The life of authority keys: stratum 2 of the fold.

`key.add` brings a key to its author's authority once that authority speaks. `key.retire`, `key.rotate` and
`key.compromise` cut a key off: they name its last good statement (`last`). That statement and its ancestors stand;
every other statement of the key is void, wherever and whenever it turns up. Cut-offs apply by rank, a higher rank
before lower ones are read, so that a thief's own cut-offs fall with the stolen key:

1. two authorities of the charter (`key.retire`, `key.compromise`);
2. the successor that the key's introduction committed to (`key.rotate`, `key.compromise`);
3. the key's own authority, by its threshold (any of the three; but if a successor is committed, only the successor
   rotates).

Within a rank all cut-offs hold, mutual ones included; if they name several `last`s, the common ancestors stand.

A cut-off undoes decisions in which the key took part only as far as its supporters may undo them (`undoing`): a
decision that others carried with the key stands until as many agree to the cut-off as the decision's rule requires.

Rank 1 ends a key altogether. The other ranks end it only for the voices for which they speak, and a rotation brings the
new key to these only. So a body that names another body's key as its own can end it for itself and for nobody else.
"""

from collections.abc import Callable, Iterable
from typing import Final

from accredit.governance.rules.rulebook import rule_for
from accredit.governance.rules.undoing import is_met, rule_of_two
from accredit.registry.domain.records import Voice
from accredit.registry.encoding.ed25519 import key_id
from accredit.registry.statement import Statement, Unverified

from .ballots import Approvals, CutOff, Ground, Reach

CUT_OFFS: Final = ("key.retire", "key.rotate", "key.compromise")


def settle_keys(ground: Ground) -> None:
    """Fill in the cut-offs and added keys of `ground`."""
    for rank in _RANKS:
        _Pass(ground).run(rank)
    _Pass(ground).run(None)


def is_cut_off_in_order(ground: Ground, statement: Unverified) -> bool:
    """Return whether a cut-off has the approvals that one of the ranks requires."""
    approvals = ground.approvals(statement)
    return any(rank(ground, statement, approvals) != () for rank in _RANKS)


def can_one_end(ground: Ground, statement: Unverified) -> bool:
    """Return whether, by the charter's rule, one author alone can cut off a key that belongs to no voice."""
    charter = ground.charter(statement)
    speaking = [by for by in charter.authorities if by == statement.iss]
    return is_met(rule_of_two(statement.kind, charter), speaking, charter)


def voices_of_key(ground: Ground, key: bytes) -> list[Voice]:
    """Return every voice to which a key belongs and for which it is not cut off, sorted."""
    return [
        voice
        for by in ground.names(key)
        for voice in ground.candidates(key, by)
        if not ground.cuts_for(key, voice) and ground.counts(key, voice, len(ground.versions) - 1)
    ]


def _by_two_authorities(ground: Ground, statement: Unverified, approvals: Approvals) -> tuple[Voice, ...] | None:
    if statement.kind == "key.rotate":
        return ()  # it would plant a key in another authority
    charter = ground.charter(statement)
    return None if is_met(rule_of_two(statement.kind, charter), ground.speaking(statement, approvals), charter) else ()


def _by_successor(ground: Ground, statement: Unverified, _: Approvals) -> tuple[Voice, ...]:
    key = statement.body["key"]
    if statement.kind == "key.retire":
        return ()
    if statement.kind == "key.rotate" and key_id(statement.body["new"]["public"]) != statement.kid:
        return ()
    voices = ground.candidates(key, statement.iss)
    return tuple(voice for voice in voices if ground.successors(key, voice) == {statement.kid})


def _by_own_authority(ground: Ground, statement: Unverified, approvals: Approvals) -> tuple[Voice, ...]:
    key = statement.body["key"]
    return tuple(
        voice
        for voice in ground.voices(statement)
        if ground.is_held(key, voice)
        and _speaks(ground, voice, statement, approvals)
        and not (statement.kind == "key.rotate" and ground.successors(key, voice))
    )


Rank = Callable[[Ground, Unverified, Approvals], tuple[Voice, ...] | None]
"""Tells for which voices a cut-off ends its key: none, some, or (None) all."""

_RANKS: Final[tuple[Rank, ...]] = (_by_two_authorities, _by_successor, _by_own_authority)


class _Pass:
    """One pass over the key statements, with the cut-offs of higher ranks in effect and not yet its own.

    A key that is added or rotated in may itself help to add and to cut off others, so a pass works in rounds: add all
    keys that the keys at hand can add, read the cut-offs, then include the keys that rotations bring. Each round
    considers only statements in which the new keys take part.
    """

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.ballots: dict[bytes, tuple[Statement, Approvals]] = {}
        self.in_hand: dict[bytes, list[bytes]] = {}  # key -> the statements it has approved, or is to be ended by
        self.found: dict[bytes, CutOff] = {}

    def run(self, rank: Rank | None) -> None:
        """Bring into effect the cut-offs that `rank` allows; without a rank, only add keys."""
        ground, chains = self.ground, self.ground.chains
        self._enter(s for s in chains.of_kind("key.add") if ground.is_sound(s, narrowing=False))
        if rank is not None:
            cut_offs = (s for kind in CUT_OFFS for s in chains.of_kind(kind))
            self._enter(s for s in cut_offs if s.id not in ground.cut_offs and ground.is_sound(s, narrowing=True))
        ground.added = {}
        ground.recut()
        self._bring_rotated(ground.cut_offs.values())
        pending = list(self.ballots)
        while pending:
            cut_offs_at_hand = self._add(pending)
            found = [] if rank is None else self._read(rank, cut_offs_at_hand)
            pending = [id for key in self._bring_rotated(found) for id in self.in_hand.get(key, ())]
        # Read the supporters of all cut-offs before any of them removes a vote, so that mutual ones both hold.
        ground.reaches |= {id: _reach(ground, cut_off) for id, cut_off in self.found.items()}
        for id in sorted(self.found):
            ground.cut(self.found[id])
        ground.recut()

    def _enter(self, statements: Iterable[Statement]) -> None:
        for statement in statements:
            approvals = self.ground.approvals(statement)
            self.ballots[statement.id] = statement, approvals
            keys = {approval.kid: None for approval in approvals}
            if "key" in statement.body:
                keys[statement.body["key"]] = None
            for key in keys:
                self.in_hand.setdefault(key, []).append(statement.id)

    def _add(self, pending: list[bytes]) -> dict[bytes, None]:
        """Add all keys that the keys at hand add; return the cut-offs to read."""
        cut_offs: dict[bytes, None] = {}
        while pending:
            statement, approvals = self.ballots[pending.pop()]
            if statement.kind != "key.add":
                cut_offs[statement.id] = None
                continue
            key = key_id(statement.body["public"])
            for voice in self.ground.voices(statement):
                held = self.ground.added.get(voice, {}).get(key, ())
                if statement.id in held or not _speaks(self.ground, voice, statement, approvals):
                    continue
                before = self.ground.highest(key, voice)
                self.ground.bring(voice, key, statement.id)
                if not held or self.ground.highest(key, voice) > before:
                    pending += self.in_hand.get(key, ())
        return cut_offs

    def _read(self, rank: Rank, statements: Iterable[bytes]) -> list[CutOff]:
        found = []
        for id in statements:
            statement, approvals = self.ballots[id]
            voices = rank(self.ground, statement, approvals)
            if voices != () and (id not in self.found or self.found[id].voices != voices):
                self.found[id] = CutOff(statement=statement, voices=voices)
                found.append(self.found[id])
        return found

    def _bring_rotated(self, cut_offs: Iterable[CutOff]) -> list[bytes]:
        """Bring the keys that rotations put in place of others; return those that are new to a voice."""
        brought = []
        for cut_off in cut_offs:
            if cut_off.statement.kind != "key.rotate":
                continue
            key = key_id(cut_off.statement.body["new"]["public"])
            for voice in cut_off.voices or ():
                if cut_off.statement.id not in self.ground.added.get(voice, {}).get(key, ()):
                    self.ground.bring(voice, key, cut_off.statement.id)
                    brought.append(key)
        return brought


def _reach(ground: Ground, cut_off: CutOff) -> Reach:
    """Return the supporters of a cut-off: those that voted for it, and voices for which a single key is enough to
    speak."""
    statement = cut_off.statement
    approvals, epoch = ground.approvals(statement), ground.epoch(statement)
    named = ground.charter(statement).authorities
    voices = frozenset(
        voice
        for voice in cut_off.voices or ()
        if (voice.via is not None or voice.by in named)
        and (ground.threshold(voice, epoch) == 1 or ground.speaks(voice, statement, approvals))
    )
    own = (voice.by for voice in voices if voice.via is None)
    return Reach(authorities=frozenset((*ground.speaking(statement, approvals), *own)), voices=voices)


def _speaks(ground: Ground, voice: Voice, statement: Unverified, approvals: Approvals) -> bool:
    """Return whether a voice speaks for a key statement, and also the other authorities that the charter requires."""
    charter = ground.charter(statement)
    rule = rule_for(statement.kind, charter.rules)
    if not rule.asks_one and not is_met(rule, ground.speaking(statement, approvals), charter):
        return False
    return ground.speaks(voice, statement, approvals)
