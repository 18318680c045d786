"""The law: the conclusions of strata 1 to 3 of the fold, by which stratum 4 judges all other statements.

    charter chain -> key cut-offs -> authorities, top down -> (everything else, in `fold`)

Each stratum reads only the ones before it, so the law is a function of the set of statements, whatever the order in
which they came.

`affected_keys` compares two laws and names the keys whose statements they may judge differently, so that only the
records these touch are recomputed. So it has to compare everything about a key that a judgement reads.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from accredit.governance.index.key_entries import introductions
from accredit.governance.index.statement_index import Chains, named_heads
from accredit.governance.rules.charter import Charter
from accredit.governance.rules.undoing import undoing
from accredit.registry.domain.records import Voice
from accredit.registry.statement import Statement, Unverified

from .ballots import Anchor, Ground
from .charter_chain import settle_charter
from .delegations import Mandates, settle_mandates
from .key_lifecycle import CUT_OFFS, can_one_end, settle_keys

Ends = dict[bytes, tuple[object, ...]]


@dataclass(frozen=True, kw_only=True)
class Law:
    """The conclusions; `ends`, `forks` and `unsettled` are copied when the law is settled, because the set grows
    further.

    Attributes:
        alarms: matters for a person to look at.
        ends: for each key cut off: the cut-offs, their dates and supporters, and the voices for which it could speak.
        introduced: when each key that was added to a voice, and has spoken, was first given to it.
        lines: for each key that replaced another for a voice: the first key of its line.
        awaited: statements of any kind that are not held, and by which a fork could be judged otherwise.
        forks: for each key that has forked: the first number used twice, and the statements that are safe.
        unsettled: keys of which a cut-off or heads in effect name a statement that is not complete here.
    """

    ground: Ground
    mandates: Mandates
    alarms: tuple[str, ...]
    ends: Ends
    introduced: dict[tuple[bytes, Voice], int]
    lines: dict[tuple[bytes, Voice], bytes]
    awaited: frozenset[bytes]
    forks: dict[bytes, tuple[int, frozenset[bytes]]]
    unsettled: frozenset[bytes]

    @property
    def charter(self) -> Charter:
        """Return the charter in force."""
        return self.ground.versions[-1].charter

    def over(self, chains: Chains) -> "Law":
        """Return the same law over a set that holds the same statements, and may grow from now on."""
        ground = self.ground.over(chains)
        return replace(self, ground=ground, mandates=self.mandates.over(ground))

    def is_sensitive_to(self, statement: Statement) -> bool:
        """Return whether a statement may change the conclusions of strata 1 to 3, by its key alone or by its votes."""
        if statement.id in self.awaited or self._may_settle_fork(statement):
            return True
        if not statement.kind.startswith("vote."):
            return False
        held = (self.ground.chains.get(target) for target in statement.body["targets"])
        return any(self._is_doubtful(target.kid) for target in held if target is not None)

    def is_indifferent_to(self, statement: Statement) -> bool:
        """Return whether a new statement of strata 1 to 3, added alone, changes no conclusion of these strata.

        A thief can sign any number of statements under one number, and each would cause all of them to be judged again.
        A statement beyond a fork of its own key that brings keys has no effect until another statement settles the
        fork. A statement that ends a key which nobody has named ends nothing until others vote on it.
        """
        ground = self.ground
        chains = ground.chains
        if statement.kid in ground.cuts or chains.deciding_votes(statement.id) or chains.is_named(statement.id):
            return False
        if not all(self._is_unheard_of(entry.key, statement) for entry in introductions(statement)):
            return False
        if statement.kind in ("key.add", "authority.delegate"):
            return statement.kid in self.forks and ground.is_frozen(statement)
        if statement.kind not in CUT_OFFS or not self._is_unheard_of(statement.body["key"], statement):
            return False
        last = chains.get(statement.body["last"] or b"")
        return (last is None or last.kid not in ground.cuts) and not can_one_end(ground, statement)

    def _is_unheard_of(self, key: bytes, statement: Statement) -> bool:
        """Return whether a key has signed nothing, and only this statement names it."""
        chains = self.ground.chains
        named = [said.id for said in chains.introducers(key)]
        return key not in self.ground.cuts and named in ([], [statement.id]) and not chains.has_spoken(key)

    def _may_settle_fork(self, statement: Statement) -> bool:
        """Return whether one more statement of a key in doubt may move or reduce the doubt.

        A statement after a known fork, for which nobody has vouched, does not change the doubt.
        """
        if not self._is_doubtful(statement.kid):
            return False
        fork = self.forks.get(statement.kid)
        if fork is None or statement.kid in self.unsettled or statement.seq < fork[0]:
            return True
        return any(vote.kid != statement.kid for vote in self.ground.chains.deciding_votes(statement.id))

    def _is_doubtful(self, key: bytes) -> bool:
        return key in self.unsettled or self.ground.chains.is_forked(key)

    def effective_governing(self) -> dict[bytes, Voice]:
        """Return the statements of strata 1 to 3 in effect, each with the voice for which it speaks."""
        ground = self.ground
        effective = {v.statement.id: Voice(v.statement.iss, None) for v in ground.versions}
        for cut_off in ground.cut_offs.values():
            voices = cut_off.voices or (Voice(cut_off.statement.iss, None),)
            effective[cut_off.statement.id] = voices[0]
        for voice, keys in ground.added.items():
            for statements in keys.values():
                effective.update((statement, effective.get(statement, voice)) for statement in statements)
        for seat in self.mandates.seats.values():
            assert seat.voice.via is not None, "only delegates have seats of their own"
            assert seat.parent is not None
            effective[seat.voice.via] = seat.parent
            for withdrawal in seat.withdrawals:
                effective[withdrawal.statement.id] = withdrawal.voice
        return effective


def settle_law(chains: Chains, ecosystem: bytes) -> Law | None:
    """Return the law that follows from the held statements; None while the genesis is not in effect."""
    versions, alarms = settle_charter(chains, ecosystem)
    if not versions:
        return None
    ground = Ground(chains=chains, versions=versions)
    for version in versions:
        for key, head in version.heads.items():
            given = chains.said_at(version.statement)
            ground.anchors.setdefault(key, []).append(Anchor(head, None, given))
    settle_keys(ground)
    mandates = settle_mandates(ground)
    forks = {key: fork for key in chains.forked_keys() if (fork := ground.fork(key)) is not None}
    alarms += [f"key {key.hex()[:16]} has signed two statements with the same number" for key in forks]
    anchored = ((key, anchor.statement) for key, anchors in ground.anchors.items() for anchor in anchors)
    return Law(
        ground=ground,
        mandates=mandates,
        alarms=tuple(alarms),
        ends={key: _end(ground, key) for key in sorted(ground.cuts)},
        introduced=_introduced(ground),
        lines=ground.lines(),
        awaited=_awaited(chains),
        forks=forks,
        unsettled=frozenset(key for key, head in anchored if not chains.is_complete(head)),
    )


def affected_keys(before: Law, after: Law) -> list[bytes] | None:
    """Return the keys whose statements two laws may judge differently, sorted; None: all keys."""
    if _version_ids(before) != _version_ids(after):
        return None
    keys = {*before.unsettled, *after.unsettled}
    keys |= {key for key in {*before.ends, *after.ends} if before.ends.get(key) != after.ends.get(key)}
    keys |= {key for key in {*before.forks, *after.forks} if before.forks.get(key) != after.forks.get(key)}
    keys |= {key for (key, _), _ in before.lines.items() ^ after.lines.items()}
    keys |= {key for (key, _), _ in before.introduced.items() ^ after.introduced.items()}
    old_ends, new_ends = _withdrawals(before), _withdrawals(after)
    for ended in old_ends ^ new_ends:  # its heads anchor statements of any key (`Mandates.is_anchored`)
        keys |= named_heads(after.ground.chains[ended[0]]).keys()
    voices = {*before.mandates.seats, *after.mandates.seats, *before.ground.added, *after.ground.added}
    for voice in voices:
        old, new = before.ground.added.get(voice, {}), after.ground.added.get(voice, {})
        keys |= {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
        if _seats(before, voice) != _seats(after, voice):
            keys |= {*old, *new, *after.ground.base_keys(voice, 0)}
    return sorted(keys)


def _seats(law: Law, voice: Voice) -> list[object]:
    """Return the seats of a delegate and of all above it."""
    return [law.mandates.seats.get(link) for link in (voice, *law.mandates.above(voice))]


def _version_ids(law: Law) -> list[bytes]:
    return [version.statement.id for version in law.ground.versions]


def _withdrawals(law: Law) -> set[tuple[bytes, int]]:
    """Return the withdrawals in effect, each with when its rule was met."""
    return {(w.statement.id, w.met) for seat in law.mandates.seats.values() for w in seat.withdrawals}


def _end(ground: Ground, key: bytes) -> tuple[object, ...]:
    cuts = [
        (cut.statement.id, cut.voices, ground.reaches[cut.statement.id], ground.dated(cut.statement))
        for cut in ground.cuts[key]
    ]
    return (*cuts, *(voice for by in ground.names(key) for voice in ground.candidates(key, by)))


def _introduced(ground: Ground) -> dict[tuple[bytes, Voice], int]:
    """Return when keys were added to voices. A charter or a delegation in effect gave its keys at its own date."""
    given = ((key, voice) for voice, keys in ground.added.items() for key in keys)
    return {(key, voice): ground.introduced(key, voice) for key, voice in given if ground.chains.has_spoken(key)}


def _awaited(chains: Chains) -> frozenset[bytes]:
    """Return what is not held of the statements by which a fork of a key could be judged otherwise.

    A vote vouches for all that comes before its target on a branch, as far as that is held. A branch counts if
    something in it stands although its key was cut off, and that depends on what the statement or the vote is about
    (`Ground.is_gone`). So does whether somebody vouches for a branch with a key that was cut off (`Ground.is_cut`).
    These subjects may be of any kind, so they can come without touching the law otherwise.
    """
    ended = {s.body["key"] for kind in CUT_OFFS for s in chains.of_kind(kind)}
    awaited: set[bytes] = set()
    for key in chains.forked_keys():
        forks, passed = chains.forks(key), dict[bytes, None]()
        for statement in chains.of_key(key):
            if statement.seq < forks[0]:
                continue
            voters = {vote.kid for vote in chains.deciding_votes(statement.id)}
            if (key in ended and statement.seq in forks) or not voters.isdisjoint(ended):
                awaited.update(_read(chains, statement))
            if voters - {key}:
                awaited.update(_before(chains, statement, forks[0], passed))
    return frozenset(id for id in awaited if id not in chains)


def _before(chains: Chains, statement: Statement, first: int, passed: dict[bytes, None]) -> Iterator[bytes]:
    """Yield the ids that a statement and those before it, down to the number `first`, name as the one before them."""
    for held in chains.ancestry(statement.id):
        if held.id in passed or held.seq < first:
            return
        passed[held.id] = None
        if held.prev is not None:
            yield held.prev


def _read(chains: Chains, statement: Unverified) -> Iterator[bytes]:
    """Yield the ids that a statement names as its subject or as what it follows; of a vote, its targets' ids too."""
    if statement.kind.startswith("vote."):
        for target in statement.body["targets"]:
            yield target
            held = chains.get(target)
            if held is not None and not held.kind.startswith("vote."):
                yield from _read(chains, held)
        return
    names = undoing(statement.kind, statement.body).names
    if names is not None:
        yield statement.body[names[0]]
    yield from statement.body.get("after", ())
