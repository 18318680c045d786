"""The basis for counting votes: the charter in force for a statement, the keys that count, and the cut-offs.

The fold builds it stratum by stratum (`charter_chain`, `key_lifecycle`, `delegations`). This module makes every count
of votes in every stratum, so that all follow the same rules:

* an author's signature is its key's vote; a key counts once in a ballot, for the one authority that it names;
* a key's first vote on a statement along its chain is final;
* if a rule requires more than one authority, only those named in the charter count; each speaks once `threshold` of its
  keys do;
* what a key said after its cut-off does not count, and what its forks put in doubt waits. But ending a key undoes only
  decisions that its enders may undo: a decision that others carried with it stands (`_is_spared`);
* a key and its replacements by rotation count as one, because they belong to one person.

All facts about a key are kept by *voice*. Anybody can name a foreign key in a delegation or add it to their own
authority, and must not gain control over what that key says for others. So a statement speaks for one voice only, which
it names (`Ground.may_speak`).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from typing import Final, NamedTuple

from accredit.governance.index.statement_index import Chains
from accredit.governance.rules.charter import Charter, Rule
from accredit.governance.rules.rulebook import RETROACTIVE, is_narrowing, names_mandate, rule_for
from accredit.governance.rules.undoing import FOUNDED_BY, Undoes, asked, is_met, join, lies_within, undoing
from accredit.registry.domain.records import Voice
from accredit.registry.encoding.ed25519 import key_id
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.limits import TIME_MAX, TIME_MIN
from accredit.registry.statement import Statement, Unverified

HeadsByKey = Mapping[bytes, bytes]
"""The newest statement of each key: it and everything before it on its key's chain are *covered*."""

_Given = tuple[bytes, Voice]
"""A key, as it belongs to a voice."""

Approvals = list[Unverified]
"""The approvals of a statement: the statement itself, for its author's key, and votes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One link of the charter chain.

    Attributes:
        statement: the genesis or amendment.
        charter: the charter from here on.
        heads: statements that they cover are still judged by the version before.
    """

    statement: Unverified
    charter: Charter
    heads: HeadsByKey = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOff:
    """A cut-off in effect, and the voices for which it ends the key; None: for all of them."""

    statement: Unverified
    voices: tuple[Voice, ...] | None


class Reach(NamedTuple):
    """The supporters of a cut-off, who determine which of the key's decisions fall with it.

    Attributes:
        authorities: the charter's authorities that speak for it.
        voices: the voices under any mandate that speak for it, or of which every key speaks alone.
    """

    authorities: frozenset[CanonicalId] = frozenset()
    voices: frozenset[Voice] = frozenset()


_NO_REACH: Final = Reach()


class Anchor(NamedTuple):
    """A statement of a key whose existence is shown by others.

    Attributes:
        by: the statement that shows it; None: several authorities together do.
        given: when they named it as the newest one, seconds; None: they named it as the last good one.
    """

    statement: bytes
    by: Unverified | None
    given: int | None = None


@dataclass(slots=True, kw_only=True)
class Ground:
    """The basis for counting votes. `within` restricts it to some statements, to judge as of an earlier set."""

    chains: Chains
    versions: list[Version]
    within: HeadsByKey | None = None
    is_judging_forks: bool = False
    """Doubt every key from its first fork on, whoever vouches for it."""
    cut_offs: dict[bytes, CutOff] = field(default_factory=dict)
    """The cut-offs in effect, by id; no other cut-off affects them."""
    cuts: dict[bytes, list[CutOff]] = field(default_factory=dict)
    """The same, by the key that they end."""
    added: dict[Voice, dict[bytes, list[bytes]]] = field(default_factory=dict)
    """Keys that `key.add` and `key.rotate` have brought to a voice, with the statements that did, sorted."""
    reaches: dict[bytes, Reach] = field(default_factory=dict)
    """For each cut-off in effect, its supporters."""
    anchors: dict[bytes, list[Anchor]] = field(default_factory=dict)
    """Statements of a key named as `last` or in `heads`; they settle which branch of a fork is honest."""
    _forks: dict[bytes, tuple[int, frozenset[bytes]] | None] = field(default_factory=dict)
    _voices: dict[tuple[bytes, str], list[Voice]] = field(default_factory=dict)
    _lines: dict[bytes, frozenset[bytes]] = field(default_factory=dict)
    _origins: dict[tuple[bytes, Voice], bytes] = field(default_factory=dict)
    _introduced: dict[tuple[bytes, Voice], int] = field(default_factory=dict)
    _highest: dict[tuple[bytes, Voice], int] = field(default_factory=dict)

    def over(self, chains: Chains) -> "Ground":
        """Return a copy over other chains that hold the same statements; cached look-ups are dropped."""
        return replace(self, chains=chains, _forks={}, _voices={}, _lines={}, _introduced={}, _highest={})

    # Which law applies

    def epoch(self, statement: Unverified) -> int:
        """Return the index of the charter version that judges a statement."""
        epoch = len(self.versions) - 1
        while epoch > 0 and self.is_covered(statement, self.versions[epoch].heads):
            epoch -= 1  # the heads of the next amendment cover all that those of this one cover
        return epoch

    def charter(self, statement: Unverified) -> Charter:
        """Return the charter that judges a statement."""
        return self.versions[self.epoch(statement)].charter

    def is_covered(self, statement: Unverified, heads: HeadsByKey) -> bool:
        """Return whether `heads` cover a statement."""
        head = heads.get(statement.kid)
        return head is not None and self._reaches(statement, head)

    def holds(self, statement: Unverified) -> bool:
        """Return whether a statement belongs to the part of the set under consideration."""
        return self.within is None or self.is_covered(statement, self.within)

    def _reaches(self, statement: Unverified, head: bytes) -> bool:
        if self.chains.is_complete(head):
            return self.chains.leads_to(statement, head)
        if head not in self._lines:
            self._lines[head] = frozenset(s.id for s in self.chains.ancestry(head))
        return statement.id in self._lines[head]

    # Which keys count

    def base_keys(self, voice: Voice, epoch: int) -> Iterable[bytes]:
        """Return the keys that a voice was given with its mandate."""
        if voice.via is None:
            authority = self.versions[epoch].charter.authorities.get(voice.by)
            return () if authority is None else authority.keys
        return self.chains.given(voice.via) if self.chains[voice.via].body["delegate"] == voice.by else ()

    def counts(self, key: bytes, voice: Voice, epoch: int) -> bool:
        """Return whether a key belongs to a voice, cut off or not."""
        if key in self.base_keys(voice, epoch):
            return True
        return key in self.added.get(voice, ()) and self.highest(key, voice) >= self._stated_in(voice, epoch)

    def keys(self, voice: Voice, epoch: int) -> dict[bytes, None]:
        """Return all keys that belong to a voice, cut off or not."""
        held = dict.fromkeys(self.base_keys(voice, epoch))
        held.update((key, None) for key in self.added.get(voice, ()) if self.counts(key, voice, epoch))
        return held

    def highest(self, key: bytes, voice: Voice) -> int:
        """Return the newest version of the charter under which a key was added to a voice; -1: it was not."""
        if (key, voice) not in self._highest:
            sources = self.added.get(voice, {}).get(key, ()) if voice.via is None else ()
            self._highest[key, voice] = max((self.epoch(self.chains[source]) for source in sources), default=-1)
        return self._highest[key, voice]

    def _stated_in(self, voice: Voice, epoch: int) -> int:
        """Return the version of the charter that stated a voice's keys: what was added before it counts no more.

        An amendment that changes the keys which the charter states for an authority replaces all that it had. Otherwise
        a thief whom the others have removed from the charter would stay, by a key that he has added meanwhile.
        """
        if voice.via is not None:
            return -1
        if not self._is_named(voice.by, epoch):
            return len(self.versions)
        while epoch > 0 and is_restated(voice.by, self.versions[epoch - 1].charter, self.versions[epoch].charter):
            epoch -= 1
        return epoch

    def is_held(self, key: bytes, voice: Voice) -> bool:
        """Return whether a key belongs to a voice, or did so under an earlier version of the charter."""
        return any(self.counts(key, voice, epoch) for epoch in range(len(self.versions)))

    def threshold(self, voice: Voice, epoch: int) -> int:
        """Return how many of its keys make a voice speak."""
        if voice.via is None:
            return self.versions[epoch].charter.authorities[voice.by].threshold
        return int(self.chains[voice.via].body["threshold"])

    def voices(self, statement: Unverified, subject: Unverified | None = None) -> list[Voice]:
        """Return the voices for which a statement's key speaks in it; of votes and key statements there can be
        several: its authority in the charter, then its delegations.

        Args:
            subject: the target to consider of a vote; None: the voices for which it counts on any of its targets.
        """
        subjects = [statement if subject is None else subject]
        if subject is None and statement.kind.startswith("vote.") and statement.kid in self.cuts:
            subjects += [each for each in self._subjects(statement) if each is not None]
        voices = self.candidates(statement.kid, statement.iss)
        return [voice for voice in voices if any(self.carries(statement, voice, subject) for subject in subjects)]

    def carries(self, statement: Unverified, voice: Voice, subject: Unverified) -> bool:
        """Return whether a statement counts for a voice: it may speak for the voice, its key belongs to the voice, and
        was not cut off before it.

        Args:
            subject: its subject, or the target of the vote.
        """
        if not self.may_speak(statement, voice) or not self.counts(statement.kid, voice, self.epoch(statement)):
            return False
        return not self._is_after(statement, voice, subject)

    @staticmethod
    def may_speak(statement: Unverified, voice: Voice) -> bool:
        """Return whether a statement may speak for a voice of its author: for the one under the mandate that it names.

        A statement that names no mandate speaks under the charter. Otherwise somebody who delegates to another's
        delegate, with that delegate's key, could take over what it says. A vote speaks for the voice that the statement
        voted on names, and a key statement for every voice to which its key belongs, unless they name a mandate.
        """
        if statement.mandate is None and not names_mandate(statement.kind):
            return True
        return statement.mandate == voice.via

    def candidates(self, key: bytes, by: CanonicalId) -> list[Voice]:
        """Return every voice of an authority to which a key belongs, under any charter version; the charter's
        first."""
        if (key, by) not in self._voices:
            vias = {s.id for s in self.chains.introducers(key) if s.kind == "authority.delegate"}
            vias |= {voice.via for voice, keys in self.added.items() if voice.via is not None and key in keys}
            voices = [Voice(by, None), *(Voice(by, via) for via in sorted(vias))]
            self._voices[key, by] = [voice for voice in voices if self.is_held(key, voice)]
        return self._voices[key, by]

    def look_up_again(self, statement: Statement) -> None:
        """Drop cached voices, because a new statement names keys."""
        if statement.kind == "authority.delegate":
            for entry in statement.body["keys"]:
                self._voices.pop((key_id(entry["public"]), statement.body["delegate"]), None)

    def names(self, key: bytes) -> list[CanonicalId]:
        """Return the authorities that have a key under any mandate, sorted."""
        names = {by for version in self.versions for by, a in version.charter.authorities.items() if key in a.keys}
        names |= {s.body["delegate"] for s in self.chains.introducers(key) if s.kind == "authority.delegate"}
        names |= {voice.by for voice, keys in self.added.items() if key in keys}
        return [by for by in sorted(names) if self.candidates(key, by)]

    def bring(self, voice: Voice, key: bytes, by: bytes) -> None:
        """Add a key to a voice, on the strength of the statement `by`."""
        statements = self.added.setdefault(voice, {}).setdefault(key, [])
        statements.append(by)
        statements.sort()
        self._voices.pop((key, voice.by), None)
        self._introduced.clear()
        self._highest.pop((key, voice), None)

    def successors(self, key: bytes, voice: Voice) -> set[bytes]:
        """Return the next keys to which a key's introductions to a voice commit: none, one, or several that disagree.

        The introduction with the mandate decides, not a later one: a thief cannot add a stolen key again with a
        successor of their own.
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

    def line(self, key: bytes, voice: Voice) -> bytes:
        """Return the first key of the line of rotations that led to this key; the key itself if it replaced none.

        A rotation counts only for the voices whose key it replaces. Otherwise anybody could make one of the keys of
        other bodies, by naming each of them as the new key in a rotation of their own.
        """
        seen = {key}
        while (elder := self._origins.get((key, voice))) is not None and elder not in seen:
            key = elder
            seen.add(key)
        return key

    def lines(self) -> dict[tuple[bytes, Voice], bytes]:
        """Return the first key of its line for every key that replaced another for a voice."""
        return {(key, voice): self.line(key, voice) for key, voice in self._origins}

    # When things were said

    def said_at(self, statement: Unverified, voice: Voice) -> int:
        """Return when a statement was made for a voice, seconds: its own date, but not before its key or its
        predecessors."""
        return max(self.chains.said_at(statement), self.introduced(statement.kid, voice))

    def introduced(self, key: bytes, voice: Voice) -> int:
        """Return when a key was first given to a voice, seconds; its statements cannot be older."""
        if (key, voice) not in self._introduced:
            self._introduced |= self._first_given((key, voice))
        return self._introduced[key, voice]

    def _first_given(self, asked: _Given) -> dict[_Given, int]:
        """Return when a key was first given to a voice, and the same for every key on the way from the charter to it.

        A statement gives a key no earlier than its own key was given, and of several statements the earliest counts.
        Whoever adds key after key chooses how long the way is, and it may lead round in circles: so this takes the
        earliest first (Dijkstra, 1959), without recursion.
        """
        chains, pending, ready = self.chains, [asked], list[tuple[int, int]]()
        numbers, leads = {asked: 0}, dict[int, list[tuple[int, int]]]()
        while pending:
            given = pending.pop()
            number = numbers[given]
            if given in self._introduced:
                heappush(ready, (self._introduced[given], number))
                continue
            sources = self._sources(*given)
            times = [chains.said_at(version.statement) for version in self._naming(*given)]
            if times or not sources:
                heappush(ready, (min(times, default=TIME_MIN), number))
            for said in sources:
                by = _brought_by(said, given[0])
                for voice in self.candidates(by, said.iss):
                    if (by, voice) not in numbers:
                        numbers[by, voice] = len(numbers)
                        pending.append((by, voice))
                    leads.setdefault(numbers[by, voice], []).append((chains.said_at(said), number))
        found: dict[int, int] = {}
        while ready:
            time, number = heappop(ready)
            if number not in found:
                found[number] = time
                for said_at, led in leads.get(number, ()):
                    heappush(ready, (max(time, said_at), led))
        return {given: found.get(number, TIME_MAX) for given, number in numbers.items()}

    def _naming(self, key: bytes, voice: Voice) -> list[Version]:
        """Return the versions of the charter that give a key to a voice."""
        if voice.via is not None:
            return []
        named = (v for v in self.versions if voice.by in v.charter.authorities)
        return [version for version in named if key in version.charter.authorities[voice.by].keys]

    def _sources(self, key: bytes, voice: Voice) -> list[Statement]:
        """Return the statements that gave a key to a voice, without the charter's."""
        first = [voice.via] if voice.via is not None and key in self.chains.given(voice.via) else []
        return [self.chains[source] for source in (*first, *self.added.get(voice, {}).get(key, ()))]

    # What counts

    def cut(self, cut_off: CutOff) -> None:
        """Bring a cut-off into effect."""
        body = cut_off.statement.body
        self.cut_offs[cut_off.statement.id] = cut_off
        self.cuts.setdefault(body["key"], []).append(cut_off)
        if body["last"] is not None:
            by = cut_off.statement if cut_off.voices is not None else None
            self.anchors.setdefault(body["key"], []).append(Anchor(body["last"], by))

    def cuts_for(self, key: bytes, voice: Voice) -> list[CutOff]:
        """Return the cut-offs that end a key for a voice."""
        return [cut for cut in self.cuts.get(key, ()) if cut.voices is None or voice in cut.voices]

    def is_cut(self, statement: Unverified, subject: Unverified | None = None) -> bool:
        """Return whether a statement lies after its key's cut-off, for every voice that it could speak for.

        Args:
            subject: the target to consider of a vote; None: all of its targets.
        """
        if statement.kid not in self.cuts:
            return False
        subjects = self._subjects(statement) if subject is None else [subject]
        return all(self._is_after(statement, v, each) for v in self._possible(statement) for each in subjects)

    def is_gone(self, statement: Unverified) -> bool:
        """Return whether a statement lies after its key's cut-off and can never count again.

        It can count again if those who ended the key may not undo it, even if nothing else shows it to be honest now.
        """
        return statement.kid in self.cuts and self._is_lost(statement, self._subjects(statement))

    def is_dispensable(self, statement: Unverified) -> bool:
        """Return whether nobody needs a statement after its key's cut-off: it is gone, or a vote on what is gone.

        Who holds only what can count does not hold the targets of such a vote, and must come to the same set.
        """
        if statement.kid not in self.cuts:
            return False
        subjects = self._subjects(statement)
        if statement.kind.startswith("vote."):
            subjects = [each for each in subjects if each is not None and not self.is_gone(each)] or [None]
        return self._is_lost(statement, subjects)

    def _is_lost(self, statement: Unverified, subjects: Sequence[Unverified | None]) -> bool:
        for voice in self._possible(statement):
            cuts = self.cuts_before(statement, voice)
            for subject in subjects:
                if not cuts:
                    return False
                if voice is not None and subject is not None and not any(self._undoes(c, voice, subject) for c in cuts):
                    return False
        return True

    def _possible(self, statement: Unverified) -> Sequence[Voice | None]:
        """Return the voices for which a statement's key could speak; None: for all of them.

        A statement that speaks for none of them is void as soon as its key is cut off for all of them.
        """
        held = self.candidates(statement.kid, statement.iss)
        voices = [voice for voice in held if self.may_speak(statement, voice)] or held
        # A delegation that also names a key of a charter authority does not change what the charter says about that
        # key.
        return (voices[:1] if voices[0].via is None else voices) if voices else [None]

    def _subjects(self, statement: Unverified) -> Sequence[Unverified | None]:
        """Return a statement's subjects: itself or, for a vote, each target held; None if no target is held."""
        if not statement.kind.startswith("vote."):
            return [statement]
        held = (self.chains.get(target) for target in statement.body["targets"])
        return [each for each in held if each is not None and not each.kind.startswith("vote.")] or [None]

    def cuts_before(self, statement: Unverified, voice: Voice | None) -> list[CutOff]:
        """Return the cut-offs of its key, for a voice (None: for all), after which a statement lies."""
        if statement.kid not in self.cuts or statement.id in self.cut_offs:
            return []
        return [
            cut
            for cut in self.cuts[statement.kid]
            if (cut.voices is None or voice in cut.voices)
            and (cut.statement.body["last"] is None or not self._reaches(statement, cut.statement.body["last"]))
        ]

    def _is_after(self, statement: Unverified, voice: Voice | None, subject: Unverified | None) -> bool:
        """Return whether a cut-off of its key keeps a statement from counting for a voice on a subject."""
        cuts = self.cuts_before(statement, voice)
        if not cuts or voice is None or subject is None or subject.kind.startswith("vote."):
            return bool(cuts)
        return not self._is_spared(statement, voice, subject, cuts)

    def _undoes(self, cut: CutOff, voice: Voice, subject: Unverified) -> bool:
        """Return whether the supporters of a cut-off may undo a decision in which a voice took part."""
        charter, reach = self.charter(subject), self.reaches.get(cut.statement.id, _NO_REACH)
        rule = join([asked(subject, charter), *self.narrowed(subject)], charter)
        if not rule.asks_one:
            return is_met(rule, sorted(reach.authorities & charter.authorities.keys()), charter)
        if cut.voices is None or voice in reach.voices:
            return True
        epoch = self.epoch(subject)
        return (voice.via is None and not self._is_named(voice.by, epoch)) or self.threshold(voice, epoch) == 1

    def narrowed(self, said: Unverified) -> list[Rule]:
        """Return the rules of what a statement narrowed, which its undoing must meet; None if it narrows nothing."""
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
        """Return whether a statement narrows, or is an amendment that lies within all that it follows."""
        if is_narrowing(said.kind, said.body) or said.kind != "accreditation.amend":
            return is_narrowing(said.kind, said.body)
        followed = [said.body["accreditation"], *said.body["after"]]
        held = [self.chains.get(id) for id in followed]
        return all(each is not None and "scope" in each.body and lies_within(said, each) for each in held)

    def _is_spared(self, statement: Unverified, voice: Voice, subject: Unverified, cuts: Sequence[CutOff]) -> bool:
        """Return whether a statement after its key's cut-off still counts, in a decision that others carried with it.

        Otherwise one of them could take the decision back by ending their own key. This does not help a finder of an
        old key: somebody whose key is good must have taken part and, if the decision widens, it must have been carried
        before the cut-off was made.
        """
        charter = self.charter(subject)
        rule, narrowing = asked(subject, charter), self._narrows(subject)
        alone = rule.asks_one
        standing: dict[bytes, tuple[Unverified, Voice, bool]] = {}
        for each in [subject, *self._approving(subject, narrowing=narrowing)]:
            of = voice if alone else Voice(each.iss, None)
            if each.iss == of.by and self.may_speak(each, of) and self.counts(each.kid, of, self.epoch(each)):
                before = self.cuts_before(each, of)
                if not any(self._undoes(cut, of, subject) for cut in before):
                    standing[each.id] = each, of, not before
        if statement.id not in standing:
            return False
        if narrowing and alone and not join(self.narrowed(subject), charter).asks_one:
            return True  # if several gave trust that was later taken away, only they can give it back
        good = [(each.kid, of) for each, of, is_good in standing.values() if is_good]
        if not self._has_a_hand(good, statement, None if alone else voice):
            return False
        by_then = [each for each, of, _ in standing.values() if self._is_in_time(each, of, cuts)]
        return narrowing or (statement in by_then and self._is_enough(rule, voice, subject, by_then))

    def _has_a_hand(self, good: Iterable[tuple[bytes, Voice]], said: Unverified, voice: Voice | None) -> bool:
        """Return whether a good key takes part of another authority than `voice`, or (None) of another person than who
        signed `said`."""
        if voice is not None:
            return any(of.by != voice.by for _, of in good)
        return any(self.line(key, of) != self.line(said.kid, of) for key, of in good)

    def _is_in_time(self, approval: Unverified, voice: Voice, cuts: Iterable[CutOff]) -> bool:
        """Return whether an approval was given no later than cut-offs were made."""
        return all(self.said_at(approval, voice) <= self.dated(cut.statement) for cut in cuts)

    def _is_enough(self, rule: Rule, voice: Voice, subject: Unverified, approvals: Iterable[Unverified]) -> bool:
        """Return whether approvals that all count meet a rule; a rule that requires one voice is checked for that
        voice."""
        epoch = self.epoch(subject)
        if rule.asks_one:
            keys = {self.line(a.kid, voice) for a in approvals if a.iss == voice.by}
            return len(keys) >= self.threshold(voice, epoch)
        return is_met(rule, self._counted(approvals, epoch), self.charter(subject))

    def _counted(self, approvals: Iterable[Unverified], epoch: int) -> list[CanonicalId]:
        tally = tally_keys(approvals, self.line)
        return [
            by
            for by, count in sorted(tally.items())
            if self._is_named(by, epoch) and count >= self.threshold(Voice(by, None), epoch)
        ]

    def dated(self, said: Unverified) -> int:
        """Return when a statement was made, for any voice."""
        voices = self.candidates(said.kid, said.iss)
        return max(self.chains.said_at(said), min((self.introduced(said.kid, v) for v in voices), default=TIME_MIN))

    def is_sound(self, statement: Statement, *, narrowing: bool, subject: Unverified | None = None) -> bool:
        """Return whether a statement may have effect: not cut off and, if it widens, orderly and not in doubt by a
        fork."""
        return self._is_clear(statement, narrowing=narrowing) and not self.is_cut(statement, subject)

    def _is_clear(self, statement: Statement, *, narrowing: bool) -> bool:
        """Return the same without regard to cut-offs."""
        if not self.holds(statement):
            return False
        return narrowing or (self.chains.is_orderly(statement.id) and not self.is_frozen(statement))

    def is_frozen(self, statement: Unverified) -> bool:
        """Return whether a fork of its key leaves open which branch a statement is on."""
        if self.is_judging_forks:
            return min(self.chains.forks(statement.kid), default=statement.seq + 1) <= statement.seq
        fork = self.fork(statement.kid)
        return fork is not None and statement.seq >= fork[0] and statement.id not in fork[1]

    def fork(self, key: bytes) -> tuple[int, frozenset[bytes]] | None:
        """Return the first number that a key has used twice, and the statements that are safe from there on; None if it
        has not forked."""
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
        # What keys in doubt say decides no doubt; otherwise two of them could vouch for each other, in a circle.
        ground = replace(self, is_judging_forks=True)
        anchors = [
            a.statement for a in self.anchors.get(key, ()) if a.by is None or ground._is_independent(a.by, key, first)
        ]
        anchors += [s.id for s in chains.of_key(key) if s.seq >= first and ground._is_vouched(s, first)]
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
        """Return whether another authority key, one that does not depend on the forked key, has approved a
        statement."""
        return any(
            vote.kind == "vote.approve"
            and self._is_independent(vote, statement.kid, fork, subject=statement)
            and not self.is_cut(vote, statement)
            and self.holds(vote)
            for vote in self.chains.deciding_votes(statement.id)
        )

    def _is_independent(self, said: Unverified, key: bytes, fork: int, *, subject: Unverified | None = None) -> bool:
        """Return whether an authority's key that had not forked by then made a statement, and `key` has not introduced
        that key from its `fork` on, directly or through others.

        Args:
            subject: the target to consider of a vote; its other targets do not matter here.
        """
        if said.kid == key or self.is_frozen(said):
            return False
        return any(self._is_rooted((said.kid, voice), key, fork) for voice in self.voices(said, subject))

    def _is_rooted(self, given: _Given, key: bytes, fork: int) -> bool:
        """Return whether some way from the charter to a voice's key avoids `key` from `fork` on."""
        seen, pending = {given: None}, [given]
        while pending:
            given = pending.pop()
            if self._naming(*given):
                return True
            for said in self._sources(*given):
                if said.kid == key and said.seq >= fork:
                    continue
                by = _brought_by(said, given[0])
                before = [(by, voice) for voice in self.candidates(by, said.iss) if (by, voice) not in seen]
                seen.update(dict.fromkeys(before))
                pending += before
        return False

    def recut(self) -> None:
        """Drop all conclusions from cut-offs, added keys and anchors; call it when these have changed."""
        self._forks.clear()
        self._voices.clear()
        self._introduced.clear()
        self._highest.clear()
        rotations = (cut for cut in self.cut_offs.values() if cut.statement.kind == "key.rotate")
        self._origins = {
            (key_id(cut.statement.body["new"]["public"]), voice): cut.statement.body["key"]
            for cut in rotations
            for voice in cut.voices or ()
        }

    # Counting

    def first_votes(self, subject: Unverified, *, narrowing: bool) -> list[Statement]:
        """Return the votes on a subject that count: each key's first, if it is sound and not by the author's own
        key."""
        return self._firsts(subject, narrowing=narrowing, with_cut=False)

    def _approving(self, subject: Unverified, *, narrowing: bool) -> list[Statement]:
        """Return each key's first vote on a subject if it approves, whether the key was cut off before or not."""
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
        """Return the vote that takes a proposal back: its own key rejects it, or another key of its voice retracts it.

        Of several, the one with the lowest id. It removes no approval: a proposal that is carried all the same stands.
        """
        voices = self.voices(subject)
        for vote in self.chains.deciding_votes(subject.id):
            if vote.kind == "vote.reject" and self.is_sound(vote, narrowing=True, subject=subject):
                says_so = bool(vote.body.get("retract")) and any(v in voices for v in self.voices(vote, subject))
                if vote.kid == subject.kid or says_so:
                    return vote
        return None

    def approvals(self, subject: Unverified, *, narrowing: bool | None = None) -> list[Unverified]:
        """Return all approvals of a subject that count: the subject itself, for its author's signature, then the votes.

        Args:
            narrowing: whether the subject counts as narrowing; None: as its body says.
        """
        narrows = is_narrowing(subject.kind, subject.body) if narrowing is None else narrowing
        votes = self.first_votes(subject, narrowing=narrows)
        return [subject, *(vote for vote in votes if vote.kind == "vote.approve")]

    def speaks(self, voice: Voice, subject: Unverified, approvals: Iterable[Unverified]) -> bool:
        """Return whether enough of a voice's keys are among those of `approvals`."""
        keys = {self.line(a.kid, voice) for a in approvals if a.iss == voice.by and self.carries(a, voice, subject)}
        return len(keys) >= self.threshold(voice, self.epoch(subject))

    def speaking(self, subject: Unverified, approvals: Iterable[Unverified]) -> list[CanonicalId]:
        """Return the charter authorities that speak for a subject, sorted."""
        carrying = (a for a in approvals if self.carries(a, Voice(a.iss, None), subject))
        return self._counted(carrying, self.epoch(subject))

    def met(
        self, subject: Unverified, approvals: Sequence[Unverified], rule: Rule, voice: Voice, *, narrowing: bool = False
    ) -> int:
        """Return when the approvals that meet a rule (or a voice, where one is enough) had all been given, seconds.

        If the subject narrows, and those who agree may reach back, the dates that they state count. Otherwise one of
        them could date the decision later afterwards, by an earlier statement of its key that it had kept back.
        """
        first = self.said_at(subject, voice)
        if rule.asks_one and self.threshold(voice, self.epoch(subject)) == 1:
            return first
        dated, said_at = list[tuple[int, Unverified]](), self.said_at
        if narrowing and self._may_reach_back(subject, approvals):
            said_at = self._stated_at
            first = said_at(subject, voice)
        for each in approvals:
            of = voice if rule.asks_one else Voice(each.iss, None)
            if each.iss == of.by and self.carries(each, of, subject):
                dated.append((max(first, said_at(each, of)), each))
        times = sorted({time for time, _ in dated})
        enough = (t for t in times if self._is_enough(rule, voice, subject, [a for time, a in dated if time <= t]))
        return next(enough, TIME_MAX)

    def _may_reach_back(self, subject: Unverified, approvals: Iterable[Unverified]) -> bool:
        charter = self.charter(subject)
        return is_met(rule_for(RETROACTIVE, charter.rules), self.speaking(subject, approvals), charter)

    def _stated_at(self, statement: Unverified, voice: Voice) -> int:
        """Return a statement's own date, seconds, but not before its key's introduction to a voice."""
        return max(statement.iat, self.introduced(statement.kid, voice))


def is_restated(by: CanonicalId, before: Charter, after: Charter) -> bool:
    """Return whether a charter states the same keys for an authority as the one before it."""
    old, new = before.authorities.get(by), after.authorities.get(by)
    return old is not None and new is not None and set(old.keys) == set(new.keys)


def _brought_by(said: Unverified, key: bytes) -> bytes:
    """Return the key on whose strength a statement brings another: its own; for a successor, the key that committed to
    it."""
    is_successor = said.kind == "key.rotate" and said.kid == key
    return bytes(said.body["key"]) if is_successor else said.kid


def tally_keys(approvals: Iterable[Unverified], line: Callable[[bytes, Voice], bytes]) -> Counter[CanonicalId]:
    """Count the approving keys of each authority; a key that names several (it has forked) counts for the first only.

    Args:
        line: gives the key that represents a key of an authority and all its replacements.
    """
    named: dict[bytes, CanonicalId] = {}
    for approval in approvals:
        named[approval.kid] = min(approval.iss, named.get(approval.kid, approval.iss))
    return Counter(by for by, _ in {(by, line(key, Voice(by, None))) for key, by in named.items()})
