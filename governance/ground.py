"""The ground a ballot stands on: which charter is in force for a statement, which keys count, what is cut off.

The fold builds it stratum by stratum (`constitution`, `keyring`, `mandates`); every count of votes, in every stratum,
is made here, so that all follow the same rules:

* an author's signature is its key's vote; a key counts once in a ballot, and for one authority, the one it names;
* a key's vote on a statement is its first along its chain, for good;
* only authorities named in the charter count where more than one is asked; each speaks once `threshold` of its keys do;
* what a key said after its cut-off counts for nothing, and what its forks put in doubt waits.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from registry.keys import key_id
from registry.statement import Statement, Unverified

from .chains import Chains
from .charter import Charter, Rule
from .rulebook import is_narrowing


class Voice(NamedTuple):
    """An authority under one mandate: `via` is None for the charter's own, else the delegation's statement id."""

    by: str
    via: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One link of the charter chain.

    Attributes:
        statement: the genesis or amendment.
        charter: the constitution from here on.
        covered: ids of the statements that stay judged by the version before: the ancestry of the amendment's `heads`.
    """

    statement: Statement
    charter: Charter
    covered: frozenset[bytes] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A statement that counts for its subject: the subject itself, or a vote."""

    statement: Unverified
    key: bytes
    by: str


@dataclass(slots=True, kw_only=True)
class Ground:
    """See the module. `within` restricts it to some statements, for judging by what was held at an earlier point."""

    chains: Chains
    versions: list[Version]
    within: frozenset[bytes] | None = None
    standing: dict[bytes, frozenset[bytes]] = field(default_factory=dict)
    """Of each key cut off: the statements of it that stand."""
    cutters: dict[bytes, Statement] = field(default_factory=dict)
    """The cut-offs in effect; they stand whatever else is cut."""
    added: dict[Voice, dict[bytes, bytes]] = field(default_factory=dict)
    """Keys that `key.add` and `key.rotate` have brought to a voice: key -> statement."""
    anchors: dict[bytes, list[bytes]] = field(default_factory=dict)
    """Statements of a key named as `last` or in `heads`: they settle which branch of a fork is honest."""
    _unfrozen: dict[bytes, tuple[int, frozenset[bytes]] | None] = field(default_factory=dict)

    # Which law applies

    def epoch(self, statement: Unverified) -> int:
        """The index of the charter version that judges a statement."""
        for index, version in enumerate(self.versions[1:]):
            if statement.id in version.covered:
                return index
        return len(self.versions) - 1

    def charter(self, statement: Unverified) -> Charter:
        """The charter that judges a statement."""
        return self.versions[self.epoch(statement)].charter

    def holds(self, statement: Statement) -> bool:
        """Whether a statement belongs to the part of the set that is looked at."""
        return self.within is None or statement.id in self.within

    # Which keys count

    def base_keys(self, voice: Voice, epoch: int) -> tuple[bytes, ...]:
        """The keys a voice was given with its mandate."""
        if voice.via is None:
            authority = self.versions[epoch].charter.authorities.get(voice.by)
            return () if authority is None else authority.keys
        return tuple(key_id(entry["public"]) for entry in self.chains[voice.via].body["keys"])

    def counts(self, key: bytes, voice: Voice, epoch: int) -> bool:
        """Whether a key is one of a voice's."""
        if key in self.base_keys(voice, epoch):
            return True
        return key in self.added.get(voice, ()) and (voice.via is not None or self._is_named(voice.by, epoch))

    def threshold(self, voice: Voice, epoch: int) -> int:
        """How many of its keys make a voice speak."""
        if voice.via is None:
            return self.versions[epoch].charter.authorities[voice.by].threshold
        return int(self.chains[voice.via].body["threshold"])

    def voices(self, statement: Unverified, key: bytes) -> list[Voice]:
        """The voices that a key may speak for in a statement: its authority in the charter, then its delegations."""
        epoch = self.epoch(statement)
        found = [Voice(statement.iss, None)] if self._is_named(statement.iss, epoch) else []
        found += [Voice(statement.iss, via) for via in self._delegations(key)]
        return [voice for voice in found if self.counts(key, voice, epoch)]

    def _is_named(self, by: str, epoch: int) -> bool:
        return by in self.versions[epoch].charter.authorities

    def _delegations(self, key: bytes) -> list[bytes]:
        vias = {s.id: None for s in self.chains.introducers(key) if s.kind == "authority.delegate"}
        vias.update((voice.via, None) for voice, keys in self.added.items() if voice.via is not None and key in keys)
        return sorted(vias)

    # What counts

    def is_cut(self, statement: Unverified) -> bool:
        """Whether a statement lies after its key's cut-off."""
        standing = self.standing.get(statement.kid)
        return standing is not None and statement.id not in standing and statement.id not in self.cutters

    def is_sound(self, statement: Statement, *, narrowing: bool) -> bool:
        """Whether a statement may have effect: not cut off and, if it widens, orderly and free of doubt by a fork."""
        if self.is_cut(statement) or not self.holds(statement):
            return False
        return narrowing or (self.chains.is_orderly(statement.id) and not self.is_frozen(statement))

    def is_frozen(self, statement: Statement) -> bool:
        """Whether a fork of its key leaves open which branch a statement is on."""
        fork = self.fork(statement.kid)
        return fork is not None and statement.seq >= fork[0] and statement.id not in fork[1]

    def fork(self, key: bytes) -> tuple[int, frozenset[bytes]] | None:
        """The first number a key has used twice, and what is safe from there on; None if it has not."""
        if key not in self._unfrozen:
            self._unfrozen[key] = self._judge_forks(key)
        return self._unfrozen[key]

    def _judge_forks(self, key: bytes) -> tuple[int, frozenset[bytes]] | None:
        chains = self.chains
        live_forks = (n for n in chains.forks(key) if sum(map(self._is_live, chains.at(key, n))) > 1)
        first = next(live_forks, None)
        if first is None:
            return None
        anchors = [*self.anchors.get(key, ())]
        anchors += [s.id for s in chains.of_key(key) if s.seq >= first and self._is_vouched(s)]
        safe: dict[bytes, int] = {}
        for anchor in anchors:
            safe.update((s.id, s.seq) for s in chains.ancestry(anchor) if s.seq >= first)
        doubted = min((number for number, count in Counter(safe.values()).items() if count > 1), default=None)
        return first, frozenset(s for s, number in safe.items() if doubted is None or number < doubted)

    def _is_live(self, statement: bytes) -> bool:
        held = self.chains[statement]
        return self.holds(held) and not self.is_cut(held)

    def _is_vouched(self, statement: Statement) -> bool:
        """Whether another key has approved a statement."""
        return any(
            vote.kind == "vote.approve" and vote.kid != statement.kid and self._is_live(vote.id)
            for vote in self.chains.votes_on(statement.id)
        )

    def recut(self) -> None:
        """To be called when cut-offs or anchors have changed: what was concluded from them is forgotten."""
        self._unfrozen.clear()

    # Counting

    def first_votes(self, subject: Unverified, *, narrowing: bool) -> list[Statement]:
        """The votes on a subject that count: each key's first, sound ones only, none by the author's own key."""
        by_key: dict[bytes, list[Statement]] = {}
        for vote in self.chains.votes_on(subject.id):
            if vote.kid != subject.kid and self.is_sound(vote, narrowing=narrowing):
                by_key.setdefault(vote.kid, []).append(vote)
        firsts: list[Statement] = []
        for votes in by_key.values():
            firsts += [v for v in votes if not any(self.chains.is_ancestor(other, v) for other in votes)]
        return firsts

    def approvals(self, subject: Unverified) -> list[Approval]:
        """Everything that counts for a subject: its author's signature, then votes."""
        narrowing = is_narrowing(subject.kind, subject.body)
        approvals = [Approval(statement=subject, key=subject.kid, by=subject.iss)]
        for vote in self.first_votes(subject, narrowing=narrowing):
            if vote.kind == "vote.approve":
                approvals.append(Approval(statement=vote, key=vote.kid, by=vote.iss))
        return approvals

    def speaks(self, voice: Voice, subject: Unverified, approvals: Iterable[Approval]) -> bool:
        """Whether enough of a voice's keys are among `approvals`."""
        keys = {
            approval.key
            for approval in approvals
            if approval.by == voice.by and self.counts(approval.key, voice, self.epoch(approval.statement))
        }
        return len(keys) >= self.threshold(voice, self.epoch(subject))

    def speaking(self, subject: Unverified, approvals: list[Approval]) -> list[str]:
        """The charter authorities that speak for a subject, sorted."""
        return [
            by for by in sorted(self.charter(subject).authorities) if self.speaks(Voice(by, None), subject, approvals)
        ]


def is_met(rule: Rule, speaking: Iterable[str], charter: Charter) -> bool:
    """Whether the authorities that speak satisfy a rule."""
    voices = [charter.authorities[by] for by in speaking]
    if len(voices) < rule.needed(len(charter.authorities)):
        return False
    return all(sum(v.constituency == seat for v in voices) >= count for seat, count in rule.constituencies)


def what_is_needed(rule: Rule, charter: Charter) -> str:
    """A rule as a phrase, as in `2 of 3 authorities, 1 nonprofit among them`."""
    total = len(charter.authorities)
    phrase = f"{rule.needed(total)} of {total} authorities"
    seats = [f"{count} {seat}" for seat, count in rule.constituencies]
    return phrase + (f", {' and '.join(seats)} among them" if seats else "")


def heads_of(entries: Iterable[Mapping[str, bytes]]) -> dict[bytes, bytes]:
    """`heads` as a map from key to its newest statement."""
    return {entry["key"]: entry["id"] for entry in entries}
