"""The basis for counting votes: the charter in force for a statement, the keys that count, and the cut-offs.

The fold builds it stratum by stratum (`charter_chain`, `key_lifecycle`, `delegations`); every count of votes, in every
stratum, is made here, so that all follow the same rules:

* an author's signature is its key's vote; a key counts once in a ballot, and for one authority, the one it names;
* a key's vote on a statement is its first along its chain, for good;
* only authorities named in the charter count where more than one is asked; each speaks once `threshold` of its keys do;
* what a key said after its cut-off counts for nothing, and what its forks put in doubt waits. But who ends a key undoes
  by that only what they may undo: what others carried with it stands (`_is_spared`);
* of a key and of those that rotations have put in its place only one counts: one person is not two.

Everything about a key is kept by *voice*: anybody can name anybody's key in a delegation of his own, or add it to his
own authority, and must gain no hold over what that key says for others.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from accredit.registry.domain.records import Voice
from accredit.registry.encoding.ed25519 import key_id
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.limits import TIME_MAX, TIME_MIN
from accredit.registry.statement import Statement, Unverified

from .charter import Charter, Rule
from .rulebook import is_narrowing, rule_for
from .statement_index import Chains
from .undoing import FOUNDED_BY, Undoes, asked, is_met, join, lies_within, undoing

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


class Reach(NamedTuple):
    """Who stands behind a cut-off, and so how much of what the key had a hand in falls with it.

    Attributes:
        authorities: of the charter, that speak for it.
        voices: under whatever mandate, that speak for it, or whose every key speaks alone.
    """

    authorities: frozenset[CanonicalId] = frozenset()
    voices: frozenset[Voice] = frozenset()


_NO_REACH: Final = Reach()


class Anchor(NamedTuple):
    """A statement of a key that something shows to have been there: `by`, or several authorities together (None)."""

    statement: bytes
    by: Unverified | None


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
    reaches: dict[bytes, Reach] = field(default_factory=dict)
    """Of each cut-off in effect who stands behind it."""
    anchors: dict[bytes, list[Anchor]] = field(default_factory=dict)
    """Statements of a key named as `last` or in `heads`: they settle which branch of a fork is honest."""
    _forks: dict[bytes, tuple[int, frozenset[bytes]] | None] = field(default_factory=dict)
    _voices: dict[tuple[bytes, str], list[Voice]] = field(default_factory=dict)
    _lines: dict[bytes, frozenset[bytes]] = field(default_factory=dict)
    _origins: dict[bytes, bytes] = field(default_factory=dict)
    _introduced: dict[tuple[bytes, Voice], int] = field(default_factory=dict)

    def over(self, chains: Chains) -> "Ground":
        """The same over other chains, which hold what these hold; what was looked up in these is looked up anew."""
        return replace(self, chains=chains, _forks={}, _voices={}, _lines={}, _introduced={})

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
            self._lines[head] = frozenset(s.id for s in self.chains.ancestry(head))
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

    def voices(self, statement: Unverified, subject: Unverified | None = None) -> list[Voice]:
        """The voices that a statement's key speaks for in it: its authority in the charter, then its delegations.

        Args:
            subject: what a vote is looked at for; None: it speaks for those for which it counts on any of its targets.
        """
        subjects = [statement if subject is None else subject]
        if subject is None and statement.kind.startswith("vote.") and statement.kid in self.cuts:
            subjects += [each for each in self._subjects(statement) if each is not None]
        voices = self.candidates(statement.kid, statement.iss)
        return [voice for voice in voices if any(self.carries(statement, voice, subject) for subject in subjects)]

    def carries(self, statement: Unverified, voice: Voice, subject: Unverified) -> bool:
        """Whether a statement counts for a voice: its key is one of the voice's, and not cut off before it.

        Args:
            subject: what it is said or voted on.
        """
        return self.counts(statement.kid, voice, self.epoch(statement)) and not self._is_after(
            statement, voice, subject
        )

    def candidates(self, key: bytes, by: CanonicalId) -> list[Voice]:
        """Every voice of an authority that a key is one of, under any version of the charter; the charter's first."""
        if (key, by) not in self._voices:
            vias = {s.id for s in self.chains.introducers(key) if s.kind == "authority.delegate"}
            vias |= {voice.via for voice, keys in self.added.items() if voice.via is not None and key in keys}
            voices = [Voice(by, None), *(Voice(by, via) for via in sorted(vias))]
            self._voices[key, by] = [voice for voice in voices if self.is_held(key, voice)]
        return self._voices[key, by]

    def look_up_again(self, statement: Statement) -> None:
        """A statement has come that names keys: for whom these could speak is looked up anew."""
        if statement.kind == "authority.delegate":
            for entry in statement.body["keys"]:
                self._voices.pop((key_id(entry["public"]), statement.body["delegate"]), None)

    def names(self, key: bytes) -> list[CanonicalId]:
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

    def _is_named(self, by: CanonicalId, epoch: int) -> bool:
        return by in self.versions[epoch].charter.authorities

    def line(self, key: bytes) -> bytes:
        """The key in whose place rotations have put this one, itself where none has."""
        seen = {key}
        while (elder := self._origins.get(key)) is not None and elder not in seen:
            key = elder
            seen.add(key)
        return key

    # When things were said

    def said_at(self, statement: Unverified, voice: Voice) -> int:
        """When a statement was said for a voice, seconds: as it states, and not before its key, or what precedes it."""
        return max(self.chains.said_at(statement), self.introduced(statement.kid, voice))

    def introduced(self, key: bytes, voice: Voice) -> int:
        """When a key was first given to a voice, seconds: its first statement cannot be older."""
        if (key, voice) not in self._introduced:
            self._introduced[key, voice] = self._first_given(key, voice, frozenset())
        return self._introduced[key, voice]

    def _first_given(self, key: bytes, voice: Voice, seen: frozenset[tuple[bytes, Voice]]) -> int:
        chains = self.chains
        if voice.via is None:
            named = (v for v in self.versions if voice.by in v.charter.authorities)
            times = [chains.said_at(v.statement) for v in named if key in v.charter.authorities[voice.by].keys]
            sources = []
        else:
            times, sources = [], [voice.via] if key in chains.given(voice.via) else []
        for source in (*sources, *self.added.get(voice, {}).get(key, ())):
            said = chains[source]
            times.append(max(chains.said_at(said), self._signed_no_earlier(said, key, seen | {(key, voice)})))
        return min(times, default=TIME_MIN)

    def _signed_no_earlier(self, said: Statement, key: bytes, seen: frozenset[tuple[bytes, Voice]]) -> int:
        """Before when nobody can have said what gives a key; whoever names it again itself gives it nothing."""
        by = _brought_by(said, key)
        givers = [voice for voice in self.candidates(by, said.iss) if (by, voice) not in seen]
        return min((self._first_given(by, voice, seen) for voice in givers), default=TIME_MAX)

    # What counts

    def cut(self, cut_off: CutOff) -> None:
        """Brings a cut-off into effect."""
        body = cut_off.statement.body
        self.cut_offs[cut_off.statement.id] = cut_off
        self.cuts.setdefault(body["key"], []).append(cut_off)
        if body["last"] is not None:
            by = cut_off.statement if cut_off.voices is not None else None
            self.anchors.setdefault(body["key"], []).append(Anchor(body["last"], by))

    def cuts_for(self, key: bytes, voice: Voice) -> list[CutOff]:
        """The cut-offs that end a key for a voice."""
        return [cut for cut in self.cuts.get(key, ()) if cut.voices is None or voice in cut.voices]

    def is_cut(self, statement: Unverified, subject: Unverified | None = None) -> bool:
        """Whether a statement lies after its key's cut-off, for every voice that it could speak for.

        Args:
            subject: what a vote is looked at for; None: whatever it is said on.
        """
        if statement.kid not in self.cuts:
            return False
        subjects = self._subjects(statement) if subject is None else [subject]
        return all(self._is_after(statement, v, each) for v in self._possible(statement) for each in subjects)

    def is_gone(self, statement: Unverified) -> bool:
        """Whether a statement lies after its key's cut-off and cannot count again, whatever else is said.

        It can where those who ended the key may not undo what it says, even if nothing else shows it to be honest now.
        """
        if statement.kid not in self.cuts:
            return False
        for voice in self._possible(statement):
            cuts = self._cuts_before(statement, voice)
            for subject in self._subjects(statement):
                if not cuts:
                    return False
                if voice is not None and subject is not None and not any(self._undoes(c, voice, subject) for c in cuts):
                    return False
        return True

    def _possible(self, statement: Unverified) -> Sequence[Voice | None]:
        """The voices that a statement's key could speak for; None: for whatever it says."""
        voices = self.candidates(statement.kid, statement.iss)
        # The charter's word on its own authority's key is not undone by a delegation that also names it.
        return (voices[:1] if voices[0].via is None else voices) if voices else [None]

    def _subjects(self, statement: Unverified) -> Sequence[Unverified | None]:
        """What a statement is said on: itself or, of a vote, each target held; None where none is."""
        if not statement.kind.startswith("vote."):
            return [statement]
        held = (self.chains.get(target) for target in statement.body["targets"])
        return [each for each in held if each is not None and not each.kind.startswith("vote.")] or [None]

    def _cuts_before(self, statement: Unverified, voice: Voice | None) -> list[CutOff]:
        """The cut-offs of its key, for a voice, that a statement lies after (None: for whatever it says)."""
        if statement.kid not in self.cuts or statement.id in self.cut_offs:
            return []
        return [
            cut
            for cut in self.cuts[statement.kid]
            if (cut.voices is None or voice in cut.voices)
            and (cut.statement.body["last"] is None or not self._reaches(statement, cut.statement.body["last"]))
        ]

    def _is_after(self, statement: Unverified, voice: Voice | None, subject: Unverified | None) -> bool:
        """Whether a cut-off of its key keeps a statement from counting for a voice and on a subject."""
        cuts = self._cuts_before(statement, voice)
        if not cuts or voice is None or subject is None or subject.kind.startswith("vote."):
            return bool(cuts)
        return not self._is_spared(statement, voice, subject, cuts)

    def _undoes(self, cut: CutOff, voice: Voice, subject: Unverified) -> bool:
        """Whether those who stand behind a cut-off may undo a decision that a voice had a part in."""
        charter, reach = self.charter(subject), self.reaches.get(cut.statement.id, _NO_REACH)
        rule = join([asked(subject, charter), *self.narrowed(subject)], charter)
        if not rule.asks_one:
            return is_met(rule, sorted(reach.authorities & charter.authorities.keys()), charter)
        if cut.voices is None or voice in reach.voices:
            return True
        epoch = self.epoch(subject)
        return (voice.via is None and not self._is_named(voice.by, epoch)) or self.threshold(voice, epoch) == 1

    def narrowed(self, said: Unverified) -> list[Rule]:
        """The rules of what a statement narrowed: who takes that back needs as much. None where it narrows nothing."""
        row, charter = undoing(said.kind, said.body), self.charter(said)
        if not is_narrowing(said.kind, said.body) and row.undoes is not Undoes.TERMS:
            return []
        if row.names is None:
            return [rule_for(FOUNDED_BY[said.kind], charter.rules)] if said.kind in FOUNDED_BY else []
        member, kind = row.names
        named = self.chains.get(said.body[member])
        rules = [rule_for(kind, charter.rules)]
        return rules if named is None or named.kind != kind else [*rules, asked(named, self.charter(named))]

    def _narrows(self, said: Unverified) -> bool:
        """Whether a statement narrows, or is an amendment that lies within all that it says it follows."""
        if is_narrowing(said.kind, said.body) or said.kind != "accreditation.amend":
            return is_narrowing(said.kind, said.body)
        followed = [said.body["accreditation"], *said.body["after"]]
        held = [self.chains.get(id) for id in followed]
        return all(each is not None and "scope" in each.body and lies_within(said, each) for each in held)

    def _is_spared(self, statement: Unverified, voice: Voice, subject: Unverified, cuts: Sequence[CutOff]) -> bool:
        """Whether what a key said after its cut-off counts all the same, in a decision that others carried with it.

        Else one of them could take the decision back by ending his own key. It does not help the finder of an old key:
        somebody whose key is good must have had a part in it and, where it widens, the decision must have been carried
        by the time at which the cut-off was said.
        """
        charter = self.charter(subject)
        rule, narrowing = asked(subject, charter), self._narrows(subject)
        alone = rule.asks_one
        standing: dict[bytes, tuple[Unverified, Voice, bool]] = {}
        for each in [subject, *self._approving(subject, narrowing=narrowing)]:
            of = voice if alone else Voice(each.iss, None)
            if each.iss == of.by and self.counts(each.kid, of, self.epoch(each)):
                before = self._cuts_before(each, of)
                if not any(self._undoes(cut, of, subject) for cut in before):
                    standing[each.id] = each, of, not before
        if statement.id not in standing:
            return False
        if narrowing and alone and not join(self.narrowed(subject), charter).asks_one:
            return True  # what took trust from what several gave, they alone give back
        good = [(each.kid, of) for each, of, is_good in standing.values() if is_good]
        if not self._has_a_hand(good, statement.kid, None if alone else voice):
            return False
        by_then = [each for each, of, _ in standing.values() if self._is_in_time(each, of, cuts)]
        return narrowing or (statement in by_then and self._is_enough(rule, voice, subject, by_then))

    def _has_a_hand(self, good: Iterable[tuple[bytes, Voice]], key: bytes, voice: Voice | None) -> bool:
        """Whether somebody else than a voice, or where keys of one voice are asked (None) than a key, has a good key in
        it."""
        line = self.line(key)
        return any(self.line(other) != line if voice is None else of.by != voice.by for other, of in good)

    def _is_in_time(self, approval: Unverified, voice: Voice, cuts: Iterable[CutOff]) -> bool:
        """Whether an approval was given by the time at which cut-offs were said."""
        return all(self.said_at(approval, voice) <= self._dated(cut.statement) for cut in cuts)

    def _is_enough(self, rule: Rule, voice: Voice, subject: Unverified, approvals: Iterable[Unverified]) -> bool:
        """Whether approvals, each of which counts, meet a rule; one that asks one voice, for that voice."""
        epoch = self.epoch(subject)
        if rule.asks_one:
            return len({self.line(a.kid) for a in approvals if a.iss == voice.by}) >= self.threshold(voice, epoch)
        return is_met(rule, self._counted(approvals, epoch), self.charter(subject))

    def _counted(self, approvals: Iterable[Unverified], epoch: int) -> list[CanonicalId]:
        tally = tally_keys(approvals, self.line)
        return [
            by
            for by, count in sorted(tally.items())
            if self._is_named(by, epoch) and count >= self.threshold(Voice(by, None), epoch)
        ]

    def _dated(self, said: Unverified) -> int:
        """When something was said, whomever it speaks for."""
        voices = self.candidates(said.kid, said.iss)
        return max(self.chains.said_at(said), min((self.introduced(said.kid, v) for v in voices), default=TIME_MIN))

    def is_sound(self, statement: Statement, *, narrowing: bool, subject: Unverified | None = None) -> bool:
        """Whether a statement may have effect: not cut off and, if it widens, orderly and free of doubt by a fork."""
        return self._is_clear(statement, narrowing=narrowing) and not self.is_cut(statement, subject)

    def _is_clear(self, statement: Statement, *, narrowing: bool) -> bool:
        """Cut-offs aside."""
        if not self.holds(statement):
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
        anchors = [
            a.statement for a in self.anchors.get(key, ()) if a.by is None or self._is_independent(a.by, key, first)
        ]
        anchors += [s.id for s in chains.of_key(key) if s.seq >= first and self._is_vouched(s, first)]
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
        return self.holds(held) and not self.is_gone(held)

    def _is_vouched(self, statement: Statement, fork: int) -> bool:
        """Whether another authority key, which does not stand on the forked one itself, has approved a statement."""
        return any(
            vote.kind == "vote.approve"
            and self._is_independent(vote, statement.kid, fork, subject=statement)
            and not self.is_cut(vote, statement)
            and self.holds(vote)
            for vote in self.chains.deciding_votes(statement.id)
        )

    def is_anchored(self, statement: Statement) -> bool:
        """Whether an authority of the charter has shown that a delegate's statement was there: by its vote or heads."""
        for anchor in self.anchors.get(statement.kid, ()):
            by = anchor.by
            is_above = by is None or (by.kind == "authority.withdraw" and self.carries(by, Voice(by.iss, None), by))
            if is_above and self._reaches(statement, anchor.statement):
                return True
        votes = (vote for vote in self.chains.deciding_votes(statement.id) if vote.kind == "vote.approve")
        return any(self.carries(vote, Voice(vote.iss, None), statement) for vote in votes)

    def _is_independent(self, said: Unverified, key: bytes, fork: int, *, subject: Unverified | None = None) -> bool:
        """Whether something was said by an authority's key that had not forked itself by then, and that `key` has not
        introduced from its `fork` on, directly or through others.

        Args:
            subject: what a vote is looked at for: it says nothing here of what else is in its list.
        """
        if said.kid == key or min(self.chains.forks(said.kid), default=said.seq + 1) <= said.seq:
            return False
        return any(self._is_rooted(said.kid, voice, key, fork, {said.kid}) for voice in self.voices(said, subject))

    def _is_rooted(self, held: bytes, voice: Voice, key: bytes, fork: int, seen: set[bytes]) -> bool:
        """Whether a key comes to a voice from the charter without `key` from `fork` on."""
        if voice.via is None and any(
            held in version.charter.authorities[voice.by].keys
            for version in self.versions
            if voice.by in version.charter.authorities
        ):
            return True
        sources = [voice.via] if voice.via is not None and held in self.chains.given(voice.via) else []
        for source in (*sources, *self.added.get(voice, {}).get(held, ())):
            said = self.chains[source]
            by = _brought_by(said, held)
            if by in seen or (said.kid == key and said.seq >= fork):
                continue
            if any(self._is_rooted(by, one, key, fork, seen | {by}) for one in self.candidates(by, said.iss)):
                return True
        return False

    def recut(self) -> None:
        """To be called when cut-offs, added keys or anchors have changed: what was concluded from them is forgotten."""
        self._forks.clear()
        self._voices.clear()
        self._introduced.clear()
        rotations = (cut.statement for cut in self.cut_offs.values() if cut.statement.kind == "key.rotate")
        self._origins = {key_id(said.body["new"]["public"]): said.body["key"] for said in rotations}

    # Counting

    def first_votes(self, subject: Unverified, *, narrowing: bool) -> list[Statement]:
        """The votes on a subject that count: each key's first, sound ones only, none by the author's own key."""
        return self._firsts(subject, narrowing=narrowing, with_cut=False)

    def _approving(self, subject: Unverified, *, narrowing: bool) -> list[Statement]:
        """Each key's first vote on a subject, if it approves, whether its key was cut off before or not."""
        votes = self._firsts(subject, narrowing=narrowing, with_cut=True)
        return [vote for vote in votes if vote.kind == "vote.approve"]

    def _firsts(self, subject: Unverified, *, narrowing: bool, with_cut: bool) -> list[Statement]:
        by_key: dict[bytes, list[Statement]] = {}
        for vote in self.chains.deciding_votes(subject.id):
            if vote.kid == subject.kid or not self._is_clear(vote, narrowing=narrowing):
                continue
            if with_cut or not self.is_cut(vote, subject):
                by_key.setdefault(vote.kid, []).append(vote)
        return [vote for votes in by_key.values() for vote in self.chains.firsts(votes)]

    def retraction(self, subject: Unverified) -> Statement | None:
        """What takes a proposal back: its own key rejects it, or another key of its voice says that it retracts it.

        Of several the lowest id. It takes nobody's approval away: what is carried all the same is not undone by it.
        """
        voices = self.voices(subject)
        for vote in self.chains.deciding_votes(subject.id):
            if vote.kind == "vote.reject" and self.is_sound(vote, narrowing=True, subject=subject):
                says_so = bool(vote.body.get("retract")) and any(v in voices for v in self.voices(vote, subject))
                if vote.kid == subject.kid or says_so:
                    return vote
        return None

    def approvals(self, subject: Unverified, *, narrowing: bool | None = None) -> list[Unverified]:
        """Everything that counts for a subject: itself, by its author's signature, then the votes.

        Args:
            narrowing: how the subject is classed; None: as its body says.
        """
        narrows = is_narrowing(subject.kind, subject.body) if narrowing is None else narrowing
        votes = self.first_votes(subject, narrowing=narrows)
        return [subject, *(vote for vote in votes if vote.kind == "vote.approve")]

    def speaks(self, voice: Voice, subject: Unverified, approvals: Iterable[Unverified]) -> bool:
        """Whether enough of a voice's keys are among those of `approvals`."""
        keys = {self.line(a.kid) for a in approvals if a.iss == voice.by and self.carries(a, voice, subject)}
        return len(keys) >= self.threshold(voice, self.epoch(subject))

    def speaking(self, subject: Unverified, approvals: Iterable[Unverified]) -> list[CanonicalId]:
        """The charter authorities that speak for a subject, sorted."""
        carrying = (a for a in approvals if self.carries(a, Voice(a.iss, None), subject))
        return self._counted(carrying, self.epoch(subject))

    def met(self, subject: Unverified, approvals: Sequence[Unverified], rule: Rule, voice: Voice) -> int:
        """When approvals that meet a rule, or speak for a voice where one is enough, had all been given; seconds."""
        first = self.said_at(subject, voice)
        if rule.asks_one and self.threshold(voice, self.epoch(subject)) == 1:
            return first
        dated = []
        for each in approvals:
            of = voice if rule.asks_one else Voice(each.iss, None)
            if each.iss == of.by and self.carries(each, of, subject):
                dated.append((max(first, self.said_at(each, of)), each))
        times = sorted({time for time, _ in dated})
        enough = (t for t in times if self._is_enough(rule, voice, subject, [a for time, a in dated if time <= t]))
        return next(enough, TIME_MAX)


def _brought_by(said: Unverified, key: bytes) -> bytes:
    """The key on whose strength a statement brings another: its own; for a successor, the one that committed to it."""
    is_successor = said.kind == "key.rotate" and said.kid == key
    return bytes(said.body["key"]) if is_successor else said.kid


def tally_keys(
    approvals: Iterable[Unverified], line: Callable[[bytes], bytes] = lambda key: key
) -> Counter[CanonicalId]:
    """How many keys approve for each authority; a key that names several (it has forked) counts for the first only.

    Args:
        line: gives the key that stands for one and all that have replaced it.
    """
    named: dict[bytes, CanonicalId] = {}
    for approval in approvals:
        key = line(approval.kid)
        named[key] = min(approval.iss, named.get(key, approval.iss))
    return Counter(named.values())
