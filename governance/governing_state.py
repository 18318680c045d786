"""The law: the conclusions of strata 1 to 3 of the fold, by which stratum 4 judges.

    charter chain -> key cut-offs -> authorities, top down -> (everything else, in `fold`)

Each stratum reads only the ones before it, so the law is a function of the set of statements, whatever the order in
which they came.

Two laws can be compared: `affected_keys` names the keys whose statements the one may judge otherwise than the other, so
that only the records these touch are made anew.
"""

from dataclasses import dataclass, replace

from accredit.registry.domain.records import Voice
from accredit.registry.statement import Statement

from .ballots import Anchor, Ground
from .charter import Charter
from .charter_chain import settle_charter
from .delegations import Mandates, settle_mandates
from .key_entries import introductions
from .key_lifecycle import CUT_OFFS, can_one_end, settle_keys
from .statement_index import Chains

Ends = dict[bytes, tuple[object, ...]]


@dataclass(frozen=True, kw_only=True)
class Law:
    """What is concluded; `ends`, `forks` and `unsettled` are taken when it is settled, for the set grows on.

    Attributes:
        alarms: what somebody should look at.
        ends: of each key cut off: by what and whom, and for whom it could speak.
        forks: of each key that has forked: from which number on, and what is safe.
        unsettled: keys of which a cut-off or heads in effect name a statement that is not held whole.
    """

    ground: Ground
    mandates: Mandates
    alarms: tuple[str, ...]
    ends: Ends
    forks: dict[bytes, tuple[int, frozenset[bytes]]]
    unsettled: frozenset[bytes]

    @property
    def charter(self) -> Charter:
        """The charter in force."""
        return self.ground.versions[-1].charter

    def over(self, chains: Chains) -> "Law":
        """The same law as read by a set that holds the same statements, and perhaps more from now on."""
        ground = self.ground.over(chains)
        return replace(self, ground=ground, mandates=self.mandates.over(ground))

    def is_sensitive_to(self, statement: Statement) -> bool:
        """Whether a statement, by its key alone or by what it votes on, may change what strata 1 to 3 concluded."""
        if self._may_settle_fork(statement):
            return True
        if not statement.kind.startswith("vote."):
            return False
        held = (self.ground.chains.get(target) for target in statement.body["targets"])
        return any(self._is_doubtful(target.kid) for target in held if target is not None)

    def is_indifferent_to(self, statement: Statement) -> bool:
        """Whether a statement of strata 1 to 3, just added, changes nothing that these concluded, while no other does.

        A thief can sign any number of them under one number, and each would have all of them judged anew. What brings
        keys and lies beyond a fork of its own key has no effect before something else settles that fork; what ends a
        key that nobody has named ends nothing before others vote on it.
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
        """Whether a key has said nothing, and no other statement than this one names it."""
        chains = self.ground.chains
        named = [said.id for said in chains.introducers(key)]
        return key not in self.ground.cuts and named in ([], [statement.id]) and not chains.has_spoken(key)

    def _may_settle_fork(self, statement: Statement) -> bool:
        """Whether a key in doubt, by one statement more, may be in doubt from another number on, or less.

        What comes after a fork that is known, and that nobody has vouched for, changes nothing about it.
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
        """The statements of strata 1 to 3 that are in effect, with the voice each speaks for."""
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
    """The law that the held statements make; None while the genesis is not in effect."""
    versions, alarms = settle_charter(chains, ecosystem)
    if not versions:
        return None
    ground = Ground(chains=chains, versions=versions)
    for version in versions:
        for key, head in version.heads.items():
            ground.anchors.setdefault(key, []).append(Anchor(head, None))
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
        forks=forks,
        unsettled=frozenset(key for key, head in anchored if not chains.is_complete(head)),
    )


def affected_keys(before: Law, after: Law) -> list[bytes] | None:
    """The keys whose statements two laws may judge differently, sorted; None: any key's."""
    if _version_ids(before) != _version_ids(after):
        return None
    keys = {*before.unsettled, *after.unsettled}
    keys |= {key for key in {*before.ends, *after.ends} if before.ends.get(key) != after.ends.get(key)}
    keys |= {key for key in {*before.forks, *after.forks} if before.forks.get(key) != after.forks.get(key)}
    voices = {*before.mandates.seats, *after.mandates.seats, *before.ground.added, *after.ground.added}
    for voice in voices:
        old, new = before.ground.added.get(voice, {}), after.ground.added.get(voice, {})
        keys |= old.keys() ^ new.keys()
        if _seats(before, voice) != _seats(after, voice):
            keys |= {*old, *new, *after.ground.base_keys(voice, 0)}
    return sorted(keys)


def _seats(law: Law, voice: Voice) -> list[object]:
    """The seats of a delegate and of all above it."""
    return [law.mandates.seats.get(link) for link in (voice, *law.mandates.above(voice))]


def _version_ids(law: Law) -> list[bytes]:
    return [version.statement.id for version in law.ground.versions]


def _end(ground: Ground, key: bytes) -> tuple[object, ...]:
    cuts = [(cut.statement.id, cut.voices, ground.reaches[cut.statement.id]) for cut in ground.cuts[key]]
    return (*cuts, *(voice for by in ground.names(key) for voice in ground.candidates(key, by)))
