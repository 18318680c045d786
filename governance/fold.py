"""The fold: from the set of accepted statements to records and their root.

**Law of the fold.** Every permutation, duplication and batching of the same set of statements gives the same records
and the same root. Every record is a pure function of the effective statements about its subject and of the law
(`governing_state`).

`add` takes statements in; `settle` brings records and roots up to date. A new statement recomputes only the records
that it touches; if it changes the law, those that the affected keys have touched; if it changes the charter, all of
them.

    fold = Fold(ecosystem)
    fold.add(statement)
    changes = fold.settle()
    fold.get("issuer", "did:web:example.edu")

A `Fold` is a `registry.domain.records.Records`: `decide` reads it directly. How a statement or a key stands in it,
`governance.standing` answers. Records are kept encoded, in a third of the memory of dicts; those read often are decoded
once.

`branch` gives a fold over this one that continues on its own and keeps only the differences. So a set and a larger one,
or many nodes with the same beginning, take little more memory than one. The law of the fold holds for branches as well.
`rebase` lets a branch catch up with its base after the base has grown; `absorb` makes a base equal to its branch, and
`relay` puts what lies over that branch onto the base.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import sha256
from operator import itemgetter
from typing import Any, Final, cast

from accredit.governance.authority import ordinary_effect
from accredit.governance.authority.effect import EffectState, InForce, StatementEffect, judge
from accredit.governance.authority.governing_state import Law, affected_keys, settle_law
from accredit.governance.authority.node_names import NAMING, Naming, naming_problem, trace_name
from accredit.governance.index import statement_index
from accredit.governance.index.holdings import RECORDS, About, Fact, Holdings, InMemory, ids_about, pairs_about
from accredit.governance.index.overlay import Layered, keys_in_parts, pour, relay
from accredit.governance.index.statement_index import Chains
from accredit.governance.records import committed_set
from accredit.governance.records.committed_set import Committed
from accredit.governance.records.encoded_records import Picked, encoding_of, record_of
from accredit.governance.records.governance_records import authority_record, charter_record
from accredit.governance.records.reducers import (
    ORDER,
    Contributions,
    in_judging_order,
    is_founding,
    leading,
    make_record,
    subject_of,
)
from accredit.governance.rules.charter import Charter
from accredit.governance.rules.undoing import WEIGHED, Back, asked, begins, undoing
from accredit.registry.domain.record_types import NodeRecord, Record
from accredit.registry.domain.records import TYPES, Effective, Subject, Voice, record_key
from accredit.registry.encoding.cbor import reread
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.errors import StorageError
from accredit.registry.statement import Statement, Unverified
from accredit.registry.transparency.state_map import Trie
from accredit.registry.transparency.state_trie import state_root

_Dirty = dict[Subject, dict[bytes, None] | None]
"""Records to recompute, with the statements that were marked for each; None: all statements about it are judged."""

_Pairs = tuple[tuple[Subject, Any], ...]  # a small mapping; there are many


def _places_of(plain: list[Any]) -> tuple[tuple[bytes, int, int], ...]:
    return tuple((key, number, count) for key, number, count in plain)


_SUBJECTS: Final = ids_about(About.SUBJECT, "statements")
_LEFT_OUT: Final = Fact(
    about=About.SUBJECT, name="left_out", plain=lambda places: [list(place) for place in places], value=_places_of
)
_ANNULMENTS: Final = ids_about(About.ID, "annulments", is_listed=True)
_GRANTS: Final = Fact(
    about=About.SUBJECT,
    name="grants",
    plain=lambda dated: [list(one) for one in dated],
    value=lambda plain: tuple(map(tuple, plain)),
)


def _plain_in_force(value: InForce) -> list[Any]:
    return [value.voice.by, value.voice.via, value.since]


def _in_force(plain: list[Any]) -> InForce:
    by, via, since = plain
    return InForce(Voice(by, via), since)


_EFFECTIVE: Final = Fact(about=About.STATEMENT, name="in_force", plain=_plain_in_force, value=_in_force)
_OPEN: Final = Fact(about=About.STATEMENT, name="open", is_listed=True)
_CONTRIBUTIONS: Final = pairs_about(About.SUBJECT, "contributions")
_CONTRIBUTED: Final = pairs_about(About.SUBJECT, "contributed")

_KEEPERS: Final = Fact(about=About.SUBJECT, name="keepers", plain=list, value=tuple)

FACTS: Final = (
    *(_SUBJECTS, _LEFT_OUT, _ANNULMENTS, _GRANTS, _KEEPERS, _EFFECTIVE, _OPEN, _CONTRIBUTIONS, _CONTRIBUTED),
    *statement_index.FACTS,
    *committed_set.FACTS,
)
"""The facts that a fold keeps besides statements, records and maps."""

GRANTS_LISTED: Final = 200
"""Grants to one issuer that are found by it, the newest by date: people look for those that were annulled, of which no
record tells. A guess; each one more is 40 bytes read and written with every further grant."""

KEEPERS_LISTED: Final = 50
"""Issuers that are found as keepers of one issuer's records, the first by id. A guess: an archive or two are usual."""


def _is_its_own(subject: Subject, stood: Iterable[InForce | None]) -> bool:
    """Return whether the record of a subject follows from how the statements about it stand, and from nothing else.

    Nothing contributes to an accreditation's record (`ORDER`). A vote on what a delegate said may show that it existed.
    """
    return subject[0] == ORDER[0] and all(in_force is None or in_force.voice.via is None for in_force in stood)


@lru_cache(maxsize=1_024)  # thousands of proposals wait for the same, in a few sentences. A guess
def _shared(verdict: StatementEffect) -> StatementEffect:
    """Return an equal verdict that is already kept, or else this one."""
    return verdict


_BEFORE_GENESIS: Final = StatementEffect(
    state=EffectState.WAITING,
    reason="The ecosystem's genesis is not in effect: its authorities have not all approved it yet.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The changes that `settle` made.

    Attributes:
        records: types and ids of the records made, changed or removed, sorted.
        took_effect, ceased: ids of the statements that went into effect, or ceased to be in effect, sorted.
        committed: ids of the statements to which the root commits from now on (True), or no longer commits (False).
    """

    records: tuple[Subject, ...] = ()
    took_effect: tuple[bytes, ...] = ()
    ceased: tuple[bytes, ...] = ()
    committed: Mapping[bytes, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Maps:
    """Both maps of a settled fold as they are now, whatever becomes of the fold."""

    records: Trie
    statements: Trie


class Fold:
    """See the module."""

    def __init__(self, ecosystem: bytes, holdings: Holdings | None = None) -> None:
        """Start empty, or with the settled content of `holdings`.

        Args:
            ecosystem: the genesis statement's id, 32 bytes.
            holdings: the storage; in memory by default.
        """
        kept = holdings or InMemory()
        self.ecosystem = ecosystem
        self._holdings = kept
        self.chains = Chains(kept)
        self.law: Law | None = None
        self._subjects: MutableMapping[Subject, tuple[bytes, ...]] = kept.facts(_SUBJECTS)
        # Of an issuer not all that is said of it: under these numbers of these keys there is so much more.
        self._left_out: MutableMapping[Subject, tuple[tuple[bytes, int, int], ...]] = kept.facts(_LEFT_OUT)
        self._annulments: MutableMapping[bytes, tuple[bytes, ...]] = kept.facts(_ANNULMENTS)
        # as encoded
        self._records: dict[str, MutableMapping[str, bytes]] = {type: kept.records(type) for type in TYPES}
        # To each issuer the newest grants, whatever became of them: date and id, ascending.
        self._grants: MutableMapping[Subject, tuple[tuple[int, bytes], ...]] = kept.facts(_GRANTS)
        # Of each issuer those that somebody named as keepers of its records, whatever became of that: ids, ascending.
        self._keepers: MutableMapping[Subject, tuple[str, ...]] = kept.facts(_KEEPERS)
        self._effective: MutableMapping[bytes, InForce] = kept.facts(_EFFECTIVE)
        self._was_effective: dict[bytes, bool] = {}
        self._open: MutableMapping[bytes, None] = kept.facts(_OPEN)
        # How open statements stood when they were judged here, under this law; all who list what waits ask for it.
        self._verdicts: dict[bytes, StatementEffect] = {}
        self._contributions: MutableMapping[Subject, _Pairs] = kept.facts(_CONTRIBUTIONS)
        self._contributed: MutableMapping[Subject, _Pairs] = kept.facts(_CONTRIBUTED)
        self._committed = Committed(self.chains, ecosystem, kept)
        self._record_trie: Trie = kept.trie(RECORDS)
        self._law_is_stale = False
        self._dirty: _Dirty = {}
        self._dirty_annulments: dict[bytes, None] = {}
        self._fresh: dict[bytes, Statement] = {}
        self._beside: dict[bytes, Statement] = {}  # of strata 1 to 3, added without settling these strata
        if ecosystem in self.chains:
            self._take_up_law()

    def _take_up_law(self) -> None:
        """Compute the law from the statements held; it is not stored."""
        self.law = settle_law(self.chains, self.ecosystem)
        self._committed.take_up(self.law)
        if self.law is None:  # before the genesis takes effect nothing is settled, and all statements wait
            self._dirty.update(dict.fromkeys(self._subjects))
            self._dirty_annulments.update((each, None) for some in self._annulments.values() for each in some)

    def renew(self, holdings: Holdings, *, is_same: bool = True) -> None:
        """Take the maps from storage, to free their nodes in memory.

        Args:
            is_same: the stored maps are by now the same as these; not so where they are left alone until a whole log
                has been read in.

        Raises:
            StorageError: `state_damaged`: they are not the same. Nobody may sign a root over them.
        """
        root = self.state_root() if is_same else b""
        self._record_trie = holdings.trie(RECORDS)
        self._committed.renew(holdings)
        if is_same and self.state_root() != root:
            raise StorageError(
                "state_damaged",
                "The stored maps do not lead to the root of the records and statements that they were made from.",
                hint="Stop the node and check the disk; `accredit node audit` names what was changed.",
            )

    # Branches

    def branch(self) -> "Fold":
        """Return a settled copy that continues on its own; this fold must not change while the copy is in use."""
        branch = Fold(self.ecosystem)
        branch._stand_on(self)
        return branch

    def rebase(self, base: "Fold") -> None:
        """Become a branch of `base`, and settle; this changes no record and no root.

        Args:
            base: settled, a part of what this fold holds; if this is a branch, it includes what the previous base held.
        """
        beyond = [held for held in self.chains.own() if held.id not in base]
        self._stand_on(base)
        for statement in beyond:
            self.add(statement)
        self.settle()

    def absorb(self, branch: "Fold") -> None:
        """Become equal to a branch of this fold without folding anything; both are settled.

        The branch stays usable and keeps no differences of its own; so do branches of it. Others must not exist.
        """
        assert not self._fresh
        assert not branch._fresh
        branch.chains.pour()
        for mapping in branch._mappings():
            pour(mapping)
        self.law = None if branch.law is None else branch.law.over(self.chains)
        self._committed.absorb(branch._committed, self.law)
        self._record_trie = branch._record_trie.branch()
        self._law_is_stale = branch._law_is_stale
        self._dirty, self._dirty_annulments = dict(branch._dirty), dict(branch._dirty_annulments)
        self._verdicts = {}

    def relay(self, base: "Fold") -> None:
        """Become a branch of `base` itself, after it has absorbed all branches between the two; nothing else changes.

        So layers that keep no differences any more cost no look-ups.
        """
        self.chains.relay(base.chains)
        for mapping, below in zip(self._mappings(), base._mappings(), strict=True):
            relay(mapping, below)
        self._committed.relay(base._committed)

    def _mappings(self) -> tuple[Mapping[Any, Any], ...]:
        facts: tuple[Mapping[Any, Any], ...] = (
            *(self._subjects, self._left_out, self._annulments, self._effective, self._open),
            *(self._contributions, self._contributed, self._grants, self._keepers),
        )
        return (*facts, *self._records.values())

    def sink(self) -> "Fold":
        """Become a branch of a new settled fold that holds all statements of this one in its storage; return the new
        fold."""
        base = Fold(self.ecosystem)
        vars(base).update(vars(self))
        base._verdicts = {}
        self._stand_on(base)
        return base

    def rest_on(self, part: Sequence[Statement]) -> "Fold":
        """Become a branch of a new settled fold that holds only `part` of this one's statements; return the new fold.

        If the part is everything, nothing is folded again. There are never two whole folds in memory.
        """
        if len(part) == len(self):
            return self.sink()
        base = Fold(self.ecosystem)
        taken = {statement.id: None for statement in part}
        beyond = [held for held in self.chains if held.id not in taken]
        self._stand_on(base)
        for statement in part:
            base.add(statement)
        base.settle()
        self._stand_on(base)
        for statement in beyond:
            self.add(statement)
        self.settle()
        return base

    def _stand_on(self, base: "Fold") -> None:
        assert not base._fresh, "a base is settled"
        self._holdings = base._holdings
        self.chains = base.chains.branch()
        self.law = None if base.law is None else base.law.over(self.chains)
        self._subjects, self._annulments = Layered(base._subjects), Layered(base._annulments)
        self._left_out, self._grants = Layered(base._left_out), Layered(base._grants)
        self._keepers = Layered(base._keepers)
        self._records = {type: Layered(records) for type, records in base._records.items()}
        self._effective, self._open = Layered(base._effective), Layered(base._open)
        self._contributions, self._contributed = Layered(base._contributions), Layered(base._contributed)
        self._committed = base._committed.branch(self.chains, self.law)
        self._record_trie = base._record_trie.branch()
        self._law_is_stale = base._law_is_stale
        # Before the genesis takes effect nothing is settled, and all statements wait.
        self._dirty, self._dirty_annulments = dict(base._dirty), dict(base._dirty_annulments)
        self._fresh, self._beside, self._was_effective = {}, {}, {}

    # The set

    def add(self, statement: Statement) -> list[Statement]:
        """Add an accepted statement; return those that became complete by it. Adding it again changes nothing."""
        if statement.id in self.chains:
            return []
        completed = self.chains.add(statement)
        touched = {s.id: s for s in (statement, *completed)}
        self._fresh |= touched
        if (subject := subject_of(statement)) is not None:
            self._subjects[subject] = (*self._subjects.get(subject, ()), statement.id)
        if statement.kind == "accreditation.grant":
            issuer = ("issuer", statement.sub)
            dated = sorted((*self._grants.get(issuer, ()), (statement.iat, statement.id)))
            self._grants[issuer] = tuple(dated[-GRANTS_LISTED:])
        if statement.kind in ("issuer.register", "issuer.update"):
            for of in statement.body.get("custodian_for", ()):
                keepers = sorted({*self._keepers.get(("issuer", of), ()), statement.sub})
                self._keepers["issuer", of] = tuple(keepers[:KEEPERS_LISTED])
        if statement.kind == "statement.annul":
            target = statement.body["target"]
            self._annulments[target] = (*self._annulments.get(target, ()), statement.id)
        for each in touched.values():
            if each is statement and self._is_repeated(each):
                self._mark(each)
            else:
                self._touch(each)
        self._law_is_stale = self._law_is_stale or self._may_change_law(statement, touched.values())
        return completed

    def _may_change_law(self, statement: Statement, touched: Iterable[Statement]) -> bool:
        governing = [
            s for s in touched if self.chains.is_governing(s) and not (s is statement and self._says_nothing(s))
        ]
        if any(self.chains.is_named(s.id) for s in touched) or not all(map(self._lies_beside, governing)):
            return True
        for each in governing:
            self._beside[each.id] = each
        return self.law is not None and self.law.is_sensitive_to(statement)

    def _is_repeated(self, statement: Statement) -> bool:
        """Return whether it is a vote that only repeats what its key has said before."""
        return statement.kind.startswith("vote.") and not self.chains.decided_on(statement)

    def _says_nothing(self, statement: Statement) -> bool:
        """Return whether it is a repeated vote that is committed whatever the law concludes."""
        law = self.law
        if law is None or statement.kid in law.ground.cuts or not self._committed.knows(statement.kid):
            return False
        return self._is_repeated(statement)

    def _lies_beside(self, statement: Statement) -> bool:
        """Return whether a statement of strata 1 to 3 leaves the law as it is, so that it only needs to be judged."""
        law = self.law
        if law is None or not self._committed.knows(statement.kid) or not law.is_indifferent_to(statement):
            return False
        law.ground.look_up_again(statement)
        return True

    def _touch(self, statement: Statement) -> None:
        """Mark the records that a statement may change, by itself or by its vote."""
        self._mark(statement)
        if statement.kind.startswith("vote."):
            for target in statement.body["targets"]:
                if (held := self.chains.get(target)) is not None:
                    self._mark(held)

    def _mark(self, statement: Statement) -> None:
        if (subject := subject_of(statement)) is not None:
            self._soil(subject, statement)
            if is_founding(statement):  # a statement that narrowed it has the same weight
                for said in self._said_of(subject) if self._annulments else ():
                    for annulment in self._annulments.get(said, ()):
                        self._dirty_annulments[annulment] = None
        for annulment in (statement.id, *self._annulments.get(statement.id, ())):
            if (held := self.chains[annulment]).kind == "statement.annul":
                self._dirty_annulments[annulment] = None
                target = self.chains.get(held.body["target"])
                about = None if target is None or target.kind == "statement.annul" else subject_of(target)
                if about is not None:
                    self._soil(about, target)

    def _soil(self, subject: Subject, statement: Statement | None = None) -> None:
        """Mark a record to be recomputed, and the statements to judge for it (`_looked_at`): all about its subject, if
        one that founds it is marked, or some. A mere contribution from another record costs no judgement.
        """
        if statement is not None and is_founding(statement):
            self._dirty[subject] = None
        elif (marked := self._dirty.setdefault(subject, {})) is not None and statement is not None:
            marked[statement.id] = None

    def __len__(self) -> int:
        return len(self.chains)

    def __contains__(self, statement: bytes) -> bool:
        return statement in self.chains

    def statement(self, statement: bytes) -> Statement | None:
        """Return the statement of that id, if held."""
        return self.chains.get(statement)

    # Settling

    def settle(self) -> Changes:
        """Bring records and roots up to date with the added statements."""
        changed: dict[Subject, None] = {}
        before = self.law
        if self._law_is_stale:
            self._settle_law(changed)
        is_law_new = self.law is not before
        committed = self._committed.settle(self.law, list(self._fresh.values()))
        self._fresh = {}
        if self.law is not None:
            for statement in self._beside.values():
                self._note(statement, self._judge(self.law, statement))
            self._beside = {}
            for annulment in sorted(self._dirty_annulments):
                self._note(self.chains[annulment], judge(self.law, self.chains[annulment], self._effective.get))
            self._dirty_annulments = {}
            for kind in ORDER:
                for subject in sorted(s for s in self._dirty if s[0] == kind):
                    self._settle_subject(self.law, subject, self._dirty.pop(subject), changed, is_law_new=is_law_new)
            self._record_trie.settle()
        was, self._was_effective = self._was_effective, {}
        turned = sorted(s for s, before in was.items() if (s in self._effective) is not before)
        return Changes(
            records=tuple(sorted(changed)),
            took_effect=tuple(s for s in turned if not was[s]),
            ceased=tuple(s for s in turned if was[s]),
            committed=committed,
        )

    def _settle_law(self, changed: dict[Subject, None]) -> None:
        old, law = self.law, settle_law(self.chains, self.ecosystem)
        self.law, self._law_is_stale = law, False
        self._verdicts = {}
        if law is None:
            return
        self._settle_governing(law)
        affected = None if old is None else affected_keys(old, law)
        if affected is None:
            self._dirty.update(dict.fromkeys(self._subjects))
            self._dirty.update((("node", node["name"]), None) for node in law.charter.body["nodes"])
            self._dirty.update((("node", name), None) for name in self._records["node"])
            self._dirty_annulments.update((each, None) for some in self._annulments.values() for each in some)
        for key in affected or ():
            for statement in self.chains.of_key(key):
                self._touch(statement)
        # The voice whose share a statement uses may have changed, even if its content has not.
        for subject in list(self._dirty):
            for target, _ in self._contributions.get(subject, ()):
                self._soil(target)
        self._store(("charter", law.charter.id), encoding_of(charter_record(law)), changed)
        known = dict.fromkeys((*law.charter.authorities, *(voice.by for voice in law.mandates.seats)))
        known |= dict.fromkeys(map(CanonicalId, self._records["authority"]))
        for by in known:
            self._store(("authority", by), encoding_of(authority_record(law, by)), changed)

    def _settle_governing(self, law: Law) -> None:
        """Settle which statements of strata 1 to 3 are in effect, or still open."""
        governing = law.effective_governing()
        for held in self.chains.governing():
            voice = governing.get(held.id)
            self._set_effective(held.id, None if voice is None else InForce(voice, law.ground.said_at(held, voice)))
        for held in self.chains.governing():
            self._note(held, self._judge(law, held))

    def _settle_subject(
        self,
        law: Law,
        subject: Subject,
        marked: dict[bytes, None] | None,
        changed: dict[Subject, None],
        *,
        is_law_new: bool,
    ) -> None:
        """Recompute a subject's record, after judging the statements about it that may stand otherwise."""
        looked_at = self._looked_at(subject, marked)
        stood = {statement.id: self._effective.get(statement.id) for statement in looked_at}
        for statement in in_judging_order(looked_at):
            in_force = None if self._annulments.get(statement.id) else ordinary_effect.in_force(law, statement)
            if in_force is None:
                self._note(statement, self._judge(law, statement))
            else:
                self._set_effective(statement.id, in_force)
                self._open.pop(statement.id, None)
                self._verdicts.pop(statement.id, None)
        moved = [before for each, before in stood.items() if self._effective.get(each) != before]
        if marked is not None and not moved and not is_law_new and _is_its_own(subject, stood.values()):
            return
        is_whole = marked is None or any(moved)  # what has ceased may have led others
        said = self._said_of(subject) if is_whole else tuple(dict.fromkeys((*self._subjects.get(subject, ()), *stood)))
        found = [
            self._fact(law, self.chains[each], in_force)
            for each in said
            if (in_force := self._effective.get(each)) is not None
        ]
        if subject[0] == "issuer":
            found = leading(found)
            self._leave_out(subject, said, {fact.statement.id for fact in found}, is_whole=is_whole)
        facts: dict[str, list[Effective]] = {}
        for fact in found:
            facts.setdefault(fact.statement.kind, []).append(fact)
        contributed = dict(sorted(self._contributed.get(subject, ()), key=itemgetter(0)))
        raw, contributions = make_record(law, subject, facts, contributed, self._voice_of)
        self._contribute(subject, contributions)
        self._store(subject, raw, changed)

    def _looked_at(self, subject: Subject, marked: dict[bytes, None] | None) -> list[Statement]:
        """Return the statements to judge: all about a subject, if one that founds it is marked (None).

        What founds a thing stands whatever else is said of it, so it is not judged again for that. About an issuer
        nothing but what founds affects the others: there one more statement costs one judgement, however many there
        are.
        """
        if marked is None:
            return [self.chains[each] for each in self._said_of(subject)]
        found = [self.chains[each] for each in marked]
        if subject[0] == "issuer" or not found:
            return found
        others = [self.chains[each] for each in self._said_of(subject) if each not in marked]
        return [*found, *(statement for statement in others if not is_founding(statement))]

    def _said_of(self, subject: Subject) -> tuple[bytes, ...]:
        """All that is said of a subject, what is left out too."""
        left_out = [
            each
            for key, number, _ in self._left_out.get(subject, ())
            for each in self.chains.at(key, number)
            if subject_of(self.chains[each]) == subject
        ]
        return tuple(dict.fromkeys((*self._subjects.get(subject, ()), *left_out)))

    def _leave_out(self, subject: Subject, said: Sequence[bytes], kept: Collection[bytes], *, is_whole: bool) -> None:
        """Keeps of what is said of a subject what founds things and what is in its record or could be.

        One statement more is then compared with these alone. All are looked at again when what founds a thing comes or
        goes, or when what was kept ceases; and each when it is marked.

        Args:
            said: all of it (`is_whole`), or what was kept before, with what was marked.
        """
        before = self._subjects.get(subject, ())
        if said == before and all(each in kept for each in said) and subject not in self._left_out:
            return  # as of most issuers
        held = dict.fromkeys(before)
        counts: dict[tuple[bytes, int], int] = {}
        if not is_whole:
            counts = {(key, number): count for key, number, count in self._left_out.get(subject, ())}
        still: list[bytes] = []
        for each in said:
            statement = self.chains[each]
            place, was_held = (statement.kid, statement.seq), each in held
            if is_founding(statement) or each in kept:
                still.append(each)
                change = 0 if is_whole or was_held else -1
            else:
                change = 1 if is_whole or was_held else 0
            if change:
                counts[place] = counts.get(place, 0) + change
        self._subjects[subject] = tuple(still)
        left_out = tuple(sorted((*place, count) for place, count in counts.items() if count))
        if left_out:
            self._left_out[subject] = left_out
        else:
            self._left_out.pop(subject, None)

    def _fact(self, law: Law, statement: Statement, in_force: InForce) -> Effective:
        voice, since = in_force
        row = undoing(statement.kind, statement.body)
        is_dated = row.back in (Back.RETROACTIVE, Back.BOUNDED)
        charter = law.ground.charter(statement)
        return Effective(
            statement=statement,
            by=voice.by,
            via=voice.via,
            met=since,
            begins=begins(statement, since, charter) if is_dated else None,
            is_anchored=voice.via is None or law.mandates.is_anchored(voice, statement),
            rule=asked(statement, charter).agreement(charter) if statement.kind in WEIGHED else None,
        )

    def _voice_of(self, statement: bytes) -> Voice | None:
        """Return for whom a statement is in effect; None if it is not."""
        in_force = self._effective.get(statement)
        return None if in_force is None else in_force.voice

    def _contribute(self, source: Subject, contributions: Contributions) -> None:
        """Replace what `source` contributes to other records, and mark the records that change."""
        before = dict(self._contributions.pop(source, ()))
        if contributions:
            self._contributions[source] = tuple(contributions.items())
        for target in {**before, **contributions}:
            if before.get(target) == contributions.get(target):
                continue
            entries = tuple(each for each in self._contributed.get(target, ()) if each[0] != source)
            if target in contributions:
                entries = (*entries, (source, contributions[target]))
            if entries:
                self._contributed[target] = entries
            else:
                self._contributed.pop(target, None)
            self._soil(target)

    def _judge(self, law: Law, statement: Statement) -> StatementEffect:
        verdict = self._judge_alone(law, statement)
        if statement.kind in NAMING and verdict.state in (EffectState.EFFECTIVE, EffectState.WAITING):
            return self._judge_naming(law, statement, verdict)
        return verdict

    def _judge_alone(self, law: Law, statement: Statement) -> StatementEffect:
        verdict = judge(law, statement, self._effective.get)
        annulments = self._annulments.get(statement.id, ())
        if verdict.state is EffectState.EFFECTIVE and any(annulment in self._effective for annulment in annulments):
            reason = "A later decision annulled it."
            return replace(verdict, state=EffectState.ANNULLED, voice=None, since=None, reason=reason)
        return verdict

    def _judge_naming(self, law: Law, statement: Unverified, verdict: StatementEffect) -> StatementEffect:
        """Judge a statement that gives a node's name to an operator, given the others in effect about that name."""
        problem = naming_problem(statement, self._naming(law, statement.sub))
        if problem is None:
            return verdict
        return replace(
            verdict,
            state=EffectState.INEFFECTIVE,
            voice=None,
            since=None,
            reason=f"{problem[:1].upper()}{problem[1:]}.",
        )

    def _naming(self, law: Law, name: str) -> Naming:
        held = [self.chains[statement] for statement in self._subjects.get(("node", name), ())]
        return trace_name(law, name, [s for s in held if self._judge_alone(law, s).state is EffectState.EFFECTIVE])

    def _note(self, statement: Statement, verdict: StatementEffect) -> None:
        voice, since = verdict.voice, verdict.since
        self._set_effective(statement.id, None if voice is None or since is None else InForce(voice, since))
        if verdict.state in (EffectState.WAITING, EffectState.CLOSED, EffectState.RETRACTED):
            self._open[statement.id] = None
            self._verdicts[statement.id] = _shared(verdict)
        else:
            self._open.pop(statement.id, None)
            self._verdicts.pop(statement.id, None)

    def _set_effective(self, statement: bytes, in_force: InForce | None) -> None:
        self._was_effective.setdefault(statement, statement in self._effective)
        if in_force is None:
            self._effective.pop(statement, None)
        else:
            self._effective[statement] = in_force

    def _store(self, subject: Subject, raw: bytes | None, changed: dict[Subject, None]) -> None:
        type, id = subject
        records = self._records[type]
        if raw == records.get(id):
            return
        changed[subject] = None
        self._record_trie.set(record_key(type, id), None if raw is None else sha256(raw).digest())
        if raw is None:
            del records[id]
        else:
            records[id] = raw

    # Records and roots

    def get(self, type: str, id: str) -> Record | None:
        """A record by type and id (`registry.domain.records.Records`)."""
        records = self._records.get(type)
        raw = None if records is None else records.get(id)
        return None if raw is None else record_of(raw)

    def raw(self, type: str, id: str) -> bytes | None:
        """Return a record's encoding, whose digest is its value in the map."""
        records = self._records.get(type)
        return None if records is None else records.get(id)

    def expect(self, subjects: Iterable[Subject]) -> None:
        """Announce records that will be read next: storage reads many together in a quarter of the time."""
        self._holdings.expect(subjects)

    def pick(self, subjects: Iterable[Subject] | None = None) -> Picked:
        """Return a fixed copy of some records, all if none are named; they are decoded when read."""
        chosen = [(type, id) for type, found in self._records.items() for id in found] if subjects is None else subjects
        return Picked({subject: self.raw(*subject) for subject in chosen})

    def items(self, type: str | None = None) -> Iterator[tuple[Subject, Record]]:
        """Yield records, sorted by type and id; of one type if given."""
        for kind in sorted(self._records) if type is None else [type]:
            records = self._records.get(kind, {})
            for id in sorted(records):
                yield (kind, id), reread(records[id])

    def ids_in_parts(self, type: str) -> Iterator[Sequence[str]]:
        """Yield the ids of all records of a type, part by part in no order.

        The fold may change between two parts; a record that comes or goes meanwhile may be among them or not.
        """
        return keys_in_parts(self._records.get(type, {}))

    def records_root(self) -> bytes:
        """Return the root over the records: 32 bytes."""
        return self._record_trie.root()

    def statements_root(self) -> bytes:
        """Return the root over the committed statements: 32 bytes."""
        return self._committed.root()

    def state_root(self) -> bytes:
        """Return the value that commits to the whole set and all its records: 32 bytes."""
        return state_root(self.records_root(), self.statements_root())

    def maps(self) -> Maps:
        """Return both maps; each costs nothing, for it shares all with the fold."""
        return Maps(records=self._record_trie.branch(), statements=self._committed.map())

    def committed_count(self) -> int:
        """Return the number of statements to which the root commits."""
        return len(self._committed)

    def committed(self) -> Iterator[bytes]:
        """Yield ids of the statements to which the root commits, in no particular order."""
        return iter(self._committed)

    def is_committed(self, statement: bytes) -> bool:
        """Return whether the root commits to a statement."""
        return statement in self._committed

    # Conclusions; `standing` answers more from them

    @property
    def charter(self) -> Charter | None:
        """Return the charter in force; None while the genesis is not in effect."""
        return None if self.law is None else self.law.charter

    def nodes(self) -> list[NodeRecord]:
        """Return the records of the nodes in force, by name."""
        records = (cast(NodeRecord, record) for _, record in self.items("node"))
        return [record for record in records if record["retired"] is None]

    def alarms(self) -> tuple[str, ...]:
        """Return matters for a person to look at: forked keys, rival amendments."""
        return () if self.law is None else self.law.alarms

    def said_about(self, type: str, id: str) -> Iterator[Statement]:
        """Every statement held about a record's subject, whether it counts or not, in the order in which it came."""
        return (self.chains[each] for each in self._said_of((type, id)))

    def named_keepers(self, issuer: str) -> tuple[str, ...]:
        """Return the issuers that anybody has named as keepers of an issuer's records, the first `KEEPERS_LISTED`.

        Whether that stands their own records say.
        """
        return self._keepers.get(("issuer", issuer), ())

    def grants_to(self, issuer: str) -> Iterator[Statement]:
        """Yield an issuer's newest `GRANTS_LISTED` grants, whatever became of them, the newest first."""
        return (self.chains[id] for _, id in reversed(self._grants.get(("issuer", issuer), ())))

    def open_ids(self) -> list[bytes]:
        """Return the ids of the statements that wait for votes, or no longer do because they were closed or taken back,
        in no order. There may be thousands, which are read in turns.
        """
        return list(self._open)

    def annulments(self, statement: bytes) -> tuple[bytes, ...]:
        """Return the ids of the statements that would annul a statement, in effect or not."""
        return self._annulments.get(statement, ())

    def in_force(self, statement: bytes) -> InForce | None:
        """Return for whom a statement is in effect, and since when; None if it is not."""
        return self._effective.get(statement)

    def judged(self, statement: Statement) -> StatementEffect:
        """Judge a held statement alone: `standing` adds whether its authority's share has room for it."""
        if self.law is None:
            return _BEFORE_GENESIS
        found = None if self._fresh else self._verdicts.get(statement.id)
        return self._judge(self.law, statement) if found is None else found

    def judge_draft(self, draft: Unverified) -> StatementEffect:
        """Judge a statement as if its key signed it now."""
        if self.law is None:
            return _BEFORE_GENESIS
        judged = {} if self._fresh else self._verdicts
        verdict = judge(self.law, draft, self._effective.get, draft=True, judged=judged)
        if draft.kind in NAMING and verdict.state in (EffectState.EFFECTIVE, EffectState.WAITING):
            return self._judge_naming(self.law, draft, verdict)
        return verdict

    def naming(self, name: str) -> Naming:
        """Return the entry that belongs to a node's name."""
        return Naming() if self.law is None else self._naming(self.law, name)
