"""The ground a ballot stands on: which charter is in force for a statement, which keys count, what is cut off.

The fold builds it stratum by stratum (`constitution`, `keyring`, `mandates`); every count of votes, in every stratum,
is made here, so that all follow the same rules:

* an author's signature is its key's vote; a key counts once in a ballot, and for one authority, the one it names;
* a key's vote on a statement is its first along its chain, for good;
* only authorities named in the charter count where more than one is asked; each speaks once `threshold` of its keys do;
* what a key said after its cut-off counts for nothing, and what its forks put in doubt waits.

Everything about a key is kept by *voice*: anybody can name anybody's key in a delegation of his own, or add it to his
own authority, and must gain no hold over what that key says for others.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from accredit.registry.domain.records import Voice as Voice  # the strata speak of it by this module
from accredit.registry.statement import Statement, Unverified

from .charter import Charter, Rule
from .rulebook import is_narrowing
from .statement_index import Chains

HeadsByKey = Mapping[bytes, bytes]

Approvals = list[Unverified]
"""What approves a statement: the statement itself, for its author's key, and votes."""
"""Of each key its newest statement: these and all that comes before them on their keys' chains are *covered*."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One link of the charter chain.

    Attributes:
        statement: the genesis or amendment.
        charter: the constitution from here on.
        heads: what they cover stays judged by the version before.
    """

    statement: Unverified
    charter: Charter
    heads: HeadsByKey = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOff:
    """A cut-off in effect, and the voices for which it ends the key; None: for whatever the key says."""

    statement: Unverified
    voices: tuple[Voice, ...] | None


@dataclass(slots=True, kw_only=True)
class Ground:
    """See the module. `within` restricts it to some statements, for judging by what was held at an earlier point."""

    chains: Chains
    versions: list[Version]
    within: HeadsByKey | None = None
    cut_offs: dict[bytes, CutOff] = field(default_factory=dict)
    """Those in effect, by id; they stand whatever else is cut."""
    cuts: dict[bytes, list[CutOff]] = field(default_factory=dict)
    """The same by the key they end."""
    added: dict[Voice, dict[bytes, list[bytes]]] = field(default_factory=dict)
    """Keys that `key.add` and `key.rotate` have brought to a voice, with the statements that did, sorted."""
    anchors: dict[bytes, list[bytes]] = field(default_factory=dict)
    """Statements of a key named as `last` or in `heads`: they settle which branch of a fork is honest."""
    _forks: dict[bytes, tuple[int, frozenset[bytes]] | None] = field(default_factory=dict)
    _voices: dict[tuple[bytes, str], list[Voice]] = field(default_factory=dict)
    _lines: dict[bytes, frozenset[bytes]] = field(default_factory=dict)

    def over(self, chains: Chains) -> "Ground":
        """The same over other chains, which hold what these hold; what was looked up in these is looked up anew."""
        return replace(self, chains=chains, _forks={}, _voices={}, _lines={})

    # Which law applies

    def epoch(self, statement: Unverified) -> int:
        """The index of the charter version that judges a statement."""
        epoch = len(self.versions) - 1
        while epoch > 0 and self.is_covered(statement, self.versions[epoch].heads):
            epoch -= 1  # what an amendment's heads cover, those of the next one cover too
        return epoch

    def charter(self, statement: Unverified) -> Charter:
        """The charter that judges a statement."""
        return self.versions[self.epoch(statement)].charter

    def is_covered(self, statement: Unverified, heads: HeadsByKey) -> bool:
        """Whether `heads` cover a statement."""
        head = heads.get(statement.kid)
        return head is not None and self._reaches(statement, head)

    def holds(self, statement: Unverified) -> bool:
        """Whether a statement belongs to the part of the set that is looked at."""
        return self.within is None or self.is_covered(statement, self.within)

    def _reaches(self, statement: Unverified, head: bytes) -> bool:
        if self.chains.is_complete(head):
            return self.chains.leads_to(statement, head)
        if head not in self._lines:
            self._lines[head] = frozenset(s.id for s in self.chains.ancestry(head) if s.kid == statement.kid)
        return statement.id in self._lines[head]

    # Which keys count

    def base_keys(self, voice: Voice, epoch: int) -> Iterable[bytes]:
        """The keys a voice was given with its mandate."""
        if voice.via is None:
            authority = self.versions[epoch].charter.authorities.get(voice.by)
            return () if authority is None else authority.keys
        return self.chains.given(voice.via) if self.chains[voice.via].body["delegate"] == voice.by else ()

    def counts(self, key: bytes, voice: Voice, epoch: int) -> bool:
        """Whether a key is one of a voice's, cut off or not."""
        if key in self.base_keys(voice, epoch):
            return True
        return key in self.added.get(voice, ()) and (voice.via is not None or self._is_named(voice.by, epoch))

    def is_held(self, key: bytes, voice: Voice) -> bool:
        """Whether a key is, or under an earlier version of the charter was, one of a voice's."""
        return any(self.counts(key, voice, epoch) for epoch in range(len(self.versions)))

    def threshold(self, voice: Voice, epoch: int) -> int:
        """How many of its keys make a voice speak."""
        if voice.via is None:
            return self.versions[epoch].charter.authorities[voice.by].threshold
        return int(self.chains[voice.via].body["threshold"])

    def voices(self, statement: Unverified) -> list[Voice]:
        """The voices that a statement's key speaks for in it: its authority in the charter, then its delegations."""
        return [voice for voice in self.candidates(statement.kid, statement.iss) if self.carries(statement, voice)]

    def carries(self, statement: Unverified, voice: Voice) -> bool:
        """Whether a statement counts for a voice: its key is one of the voice's, and not cut off before it."""
        return self.counts(statement.kid, voice, self.epoch(statement)) and not self._is_after(statement, voice)

    def candidates(self, key: bytes, by: str) -> list[Voice]:
        """Every voice of an authority that a key is one of, under any version of the charter; the charter's first."""
        if (key, by) not in self._voices:
            vias = {s.id for s in self.chains.introducers(key) if s.kind == "authority.delegate"}
            vias |= {voice.via for voice, keys in self.added.items() if voice.via is not None and key in keys}
            voices = [Voice(by, None), *(Voice(by, via) for via in sorted(vias))]
            self._voices[key, by] = [voice for voice in voices if self.is_held(key, voice)]
        return self._voices[key, by]

    def names(self, key: bytes) -> list[str]:
        """The authorities that have a key under any mandate, sorted."""
        names = {by for version in self.versions for by, a in version.charter.authorities.items() if key in a.keys}
        names |= {s.body["delegate"] for s in self.chains.introducers(key) if s.kind == "authority.delegate"}
        names |= {voice.by for voice, keys in self.added.items() if key in keys}
        return [by for by in sorted(names) if self.candidates(key, by)]

    def bring(self, voice: Voice, key: bytes, by: bytes) -> None:
        """Adds a key to a voice, on the strength of the statement `by`."""
        statements = self.added.setdefault(voice, {}).setdefault(key, [])
        statements.append(by)
        statements.sort()
        self._voices.pop((key, voice.by), None)

    def successors(self, key: bytes, voice: Voice) -> set[bytes]:
        """The next keys that a key's introductions to a voice commit to: none, one, or several that disagree.

        What comes with a mandate decides, and nothing added later: who has stolen a key cannot add it anew, with a
        successor of his own.
        """
        chains = self.chains
        added = self.added.get(voice, {}).get(key, [])
        if voice.via is not None:
            sources = [voice.via] if key in chains.given(voice.via) else added
            return {named for source in sources if (named := chains.given(source)[key]) is not None}
        versions = [v for v in self.versions if voice.by in v.charter.authorities]
        versions = [v for v in versions if key in v.charter.authorities[voice.by].keys]
        if versions:
            added = [source for source in added if self.is_covered(chains[source], versions[0].heads)]
        sources = [version.statement.id for version in versions]
        newest = [named for source in sources if (named := chains.given(source)[key]) is not None][-1:]
        return set(newest) or {named for source in added if (named := chains.given(source)[key]) is not None}

    def _is_named(self, by: str, epoch: int) -> bool:
        return by in self.versions[epoch].charter.authorities

    # What counts

    def cut(self, cut_off: CutOff) -> None:
        """Brings a cut-off into effect."""
        body = cut_off.statement.body
        self.cut_offs[cut_off.statement.id] = cut_off
        self.cuts.setdefault(body["key"], []).append(cut_off)
        if body["last"] is not None:
            self.anchors.setdefault(body["key"], []).append(body["last"])

    def cuts_for(self, key: bytes, voice: Voice) -> list[CutOff]:
        """The cut-offs that end a key for a voice."""
        return [cut for cut in self.cuts.get(key, ()) if cut.voices is None or voice in cut.voices]

    def is_cut(self, statement: Unverified) -> bool:
        """Whether a statement lies after its key's cut-off, for every voice that it could speak for."""
        if statement.kid not in self.cuts:
            return False
        voices = self.candidates(statement.kid, statement.iss)
        # The charter's word on its own authority's key is not undone by a delegation that also names it.
        voices = voices[:1] if voices and voices[0].via is None else voices
        if not voices:
            return self._is_after(statement, None)
        return all(self._is_after(statement, voice) for voice in voices)

    def _is_after(self, statement: Unverified, voice: Voice | None) -> bool:
        """Whether a statement lies after a cut-off of its key for a voice (None: for whatever it says)."""
        if statement.kid not in self.cuts or statement.id in self.cut_offs:
            return False
        return any(
            cut.statement.body["last"] is None or not self._reaches(statement, cut.statement.body["last"])
            for cut in self.cuts[statement.kid]
            if cut.voices is None or voice in cut.voices
        )

    def is_sound(self, statement: Statement, *, narrowing: bool) -> bool:
        """Whether a statement may have effect: not cut off and, if it widens, orderly and free of doubt by a fork."""
        if self.is_cut(statement) or not self.holds(statement):
            return False
        return narrowing or (self.chains.is_orderly(statement.id) and not self.is_frozen(statement))

    def is_frozen(self, statement: Unverified) -> bool:
        """Whether a fork of its key leaves open which branch a statement is on."""
        fork = self.fork(statement.kid)
        return fork is not None and statement.seq >= fork[0] and statement.id not in fork[1]

    def fork(self, key: bytes) -> tuple[int, frozenset[bytes]] | None:
        """The first number a key has used twice, and what is safe from there on; None if it has not."""
        if not self.chains.is_forked(key):
            return None
        if key not in self._forks:
            self._forks[key] = self._judge_forks(key)
        return self._forks[key]

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
            for statement in chains.ancestry(anchor):
                if statement.kid != key or statement.seq < first or statement.id in safe:
                    break
                safe[statement.id] = statement.seq
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
        """To be called when cut-offs, added keys or anchors have changed: what was concluded from them is forgotten."""
        self._forks.clear()
        self._voices.clear()

    # Counting

    def first_votes(self, subject: Unverified, *, narrowing: bool) -> list[Statement]:
        """The votes on a subject that count: each key's first, sound ones only, none by the author's own key."""
        by_key: dict[bytes, list[Statement]] = {}
        for vote in self.chains.votes_on(subject.id):
            if vote.kid != subject.kid and self.is_sound(vote, narrowing=narrowing):
                by_key.setdefault(vote.kid, []).append(vote)
        return [vote for votes in by_key.values() for vote in self.chains.firsts(votes)]

    def retraction(self, subject: Unverified) -> Statement | None:
        """What takes a proposal back: its own key rejects it, or another key of its voice says that it retracts it.

        Of several the lowest id. It takes nobody's approval away: what is carried all the same is not undone by it.
        """
        voices = self.voices(subject)
        for vote in self.chains.votes_on(subject.id):
            if vote.kind == "vote.reject" and self.is_sound(vote, narrowing=True):
                says_so = bool(vote.body.get("retract")) and any(voice in voices for voice in self.voices(vote))
                if vote.kid == subject.kid or says_so:
                    return vote
        return None

    def approvals(self, subject: Unverified) -> list[Unverified]:
        """Everything that counts for a subject: itself, by its author's signature, then the votes."""
        votes = self.first_votes(subject, narrowing=is_narrowing(subject.kind, subject.body))
        return [subject, *(vote for vote in votes if vote.kind == "vote.approve")]

    def speaks(self, voice: Voice, subject: Unverified, approvals: Iterable[Unverified]) -> bool:
        """Whether enough of a voice's keys are among those of `approvals`."""
        keys = {a.kid for a in approvals if a.iss == voice.by and self.carries(a, voice)}
        return len(keys) >= self.threshold(voice, self.epoch(subject))

    def speaking(self, subject: Unverified, approvals: Iterable[Unverified]) -> list[str]:
        """The charter authorities that speak for a subject, sorted."""
        epoch = self.epoch(subject)
        tally = tally_keys(a for a in approvals if self.carries(a, Voice(a.iss, None)))
        return [
            by
            for by, count in sorted(tally.items())
            if self._is_named(by, epoch) and count >= self.threshold(Voice(by, None), epoch)
        ]


def tally_keys(approvals: Iterable[Unverified]) -> Counter[str]:
    """How many keys approve for each authority; a key that names several (it has forked) counts for the first only."""
    named: dict[bytes, str] = {}
    for approval in approvals:
        named[approval.kid] = min(approval.iss, named.get(approval.kid, approval.iss))
    return Counter(named.values())


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
