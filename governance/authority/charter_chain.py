"""The charter chain: stratum 1 of the fold.

The genesis takes effect once enough of its own authorities speak. An amendment names its parent and is exactly the next
version. It takes effect once the thresholds of the old *and* the new charter are met, always by more than half of each.

`heads`, the newest statement of each key in use, separates old from new: the old charter still judges the statements
that they cover, the new charter all others. An amendment's own votes are judged by the old charter and the key
statements that its heads cover, and by nothing later, so that no later cut-off takes an amendment back. The heads must
cover the parent and all that the parent's heads cover, so that an amendment cannot rewind an earlier one. And like
whatever widens, an amendment needs all earlier statements of its key, in the order of their dates.

A key approves at most one amendment per parent: the first along its chain. It *takes back* an approval by rejecting the
same amendment. Then it may approve another one made later (whose heads cover the rejection), and this approval counts
as soon as the first amendment can no longer pass, whoever else approves it. So no key ever carries two amendments, and
one that has passed stays (see docs/adr/0025).

A key that signs two first approvals counts for both. If two amendments of one parent pass all the same, the one in
force is the one that no key has left for the other; if both qualify, the one with the lower id. An alarm says so.
"""

from collections.abc import Callable, Sequence, Set
from functools import cached_property
from typing import Final

from accredit.governance.index.statement_index import Chains, named_heads
from accredit.governance.rules import charter as charters
from accredit.governance.rules.rulebook import rule_for
from accredit.governance.rules.undoing import is_met
from accredit.registry.domain.records import Voice
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.statement import Statement, Unverified

from .ballots import Approvals, Ground, HeadsByKey, Version, is_restated, tally_keys
from .key_lifecycle import settle_keys

APPROVALS_LOOKED_AT: Final = 16
"""Only so many of a key's first approvals for one version can count. This bounds the work."""


def found(chains: Chains, ecosystem: bytes) -> Version | None:
    """Return the genesis as the first version; None while it is not in effect."""
    genesis = chains.get(ecosystem)
    if genesis is None:
        return None
    version = Version(statement=genesis, charter=charters.charter_of(genesis))
    ground = Ground(chains=chains, versions=[version])
    speaking = ground.speaking(genesis, Contest(chains, [], [genesis]).counted(ecosystem))
    rule = rule_for(genesis.kind, version.charter.rules)
    return version if is_met(rule, speaking, version.charter) else None


def settle_charter(chains: Chains, ecosystem: bytes) -> tuple[list[Version], list[str]]:
    """Return the charter chain in force, and alarms."""
    first = found(chains, ecosystem)
    if first is None:
        return [], []
    versions: list[Version] = [first]
    alarms: list[str] = []
    children: dict[bytes, list[Statement]] = {}
    for statement in chains.of_kind("charter.amend"):
        children.setdefault(statement.body["parent"], []).append(statement)
    while True:
        contest = Contest(chains, versions, children.get(versions[-1].statement.id, []))
        passed = [s for s in contest.siblings if amendment_problem(chains, versions, s) is None]
        passed = [s for s in passed if is_passed(chains, versions, s, contest.counted(s.id))]
        if not passed:
            return versions, alarms
        rivals = {statement.id for statement in passed}
        chosen = next((s for s in passed if not contest.is_left_for(s.id, rivals)), passed[0])
        if len(passed) > 1:
            ids = ", ".join(statement.id.hex()[:16] for statement in passed)
            alarms.append(
                f"two amendments of version {len(versions)} passed ({ids}); {chosen.id.hex()[:16]} is in force"
            )
        versions.append(_version(chosen))


def amendment_problem(chains: Chains, versions: list[Version], amendment: Unverified) -> str | None:
    """Return why an amendment can never be the next version, whoever approves it; None if it can, by what is held."""
    before, body = versions[-1], amendment.body
    if body["parent"] != before.statement.id:
        return "it amends a version that is not in force"
    if body["version"] != len(versions) + 1:
        return f"it must be version {len(versions) + 1}"
    if body["charter"]["id"] != before.charter.id:
        return "an amendment cannot change the ecosystem's id"
    if chains.is_complete(amendment.id) and not chains.is_orderly(amendment.id):
        return "its key had already signed a statement of a later date"
    if is_incomplete(chains, amendment):
        return None
    ground, heads = Ground(chains=chains, versions=versions), named_heads(amendment)
    if any(chains[head].kid != key for key, head in heads.items()):
        return "its heads assign a statement to the wrong key"
    earlier = [before.statement, *(chains[head] for head in before.heads.values())]
    if not all(ground.is_covered(statement, heads) for statement in earlier):
        return "its heads leave out the previous version, or statements that its heads cover"
    return None


def is_incomplete(chains: Chains, amendment: Unverified) -> bool:
    """Return whether an amendment must wait for statements that its heads name, for their predecessors, or for its own.

    Those who carry it approve its date with it. If it could pass without its predecessors, its author alone could date
    it later afterwards, by one that says so: its heads would then have been given too late, and its new keys too.
    """
    own = [amendment.id] if amendment.id in chains else []
    return not all(chains.is_complete(each) for each in (*own, *named_heads(amendment).values()))


def is_passed(chains: Chains, versions: list[Version], amendment: Unverified, approvals: Approvals) -> bool:
    """Return whether the thresholds of the old and the new charter are met, by more than half of each."""
    if is_incomplete(chains, amendment):
        return False
    before, after = versions[-1], _version(amendment)
    named = {approval.iss for approval in approvals}
    if any(len(named & v.charter.authorities.keys()) * 2 <= len(v.charter.authorities) for v in (before, after)):
        return False  # the usual case while it waits, and cheap to check
    ground = Ground(chains=chains, versions=versions, within=after.heads)
    settle_keys(ground)
    for version in (before, after):
        authorities = version.charter.authorities
        tally = tally_keys((a for a in approvals if _is_usable(ground, version, a)), ground.line)
        speaking = [by for by in sorted(authorities) if tally[by] >= authorities[by].threshold]
        rule = rule_for(amendment.kind, version.charter.rules)
        if not is_met(rule, speaking, version.charter) or len(speaking) * 2 <= len(authorities):
            return False
    return True


def _is_usable(ground: Ground, version: Version, approval: Unverified) -> bool:
    """Return whether an approval's key belongs to its authority, by the key statements that the heads cover."""
    voice, authority = Voice(approval.iss, None), version.charter.authorities.get(approval.iss)
    if authority is None or ground.cuts_for(approval.kid, voice):
        return False
    return approval.kid in _keys(ground, version, voice.by)


def _keys(ground: Ground, version: Version, by: CanonicalId) -> set[bytes]:
    """Return the keys of an authority under the charter in force or the next version, by the statements held so far."""
    stated, now = version.charter.authorities[by].keys, ground.versions[-1].charter
    added = ground.keys(Voice(by, None), len(ground.versions) - 1)
    return {*stated, *(added if is_restated(by, now, version.charter) else ())}


def _version(amendment: Unverified) -> Version:
    heads: HeadsByKey = named_heads(amendment)
    return Version(statement=amendment, charter=charters.charter_of(amendment), heads=heads)


def may_pass(chains: Chains, versions: list[Version], amendment: Unverified, barred: Callable[[bytes], bool]) -> bool:
    """Return whether an amendment could still pass if every key that is not `barred` approved it."""
    if amendment_problem(chains, versions, amendment) is not None:
        return False
    if is_incomplete(chains, amendment):
        return True
    before, after = versions[-1], _version(amendment)
    ground = Ground(chains=chains, versions=versions, within=after.heads)
    settle_keys(ground)
    for version in (before, after):
        able: list[CanonicalId] = []
        for by, authority in sorted(version.charter.authorities.items()):
            voice = Voice(by, None)
            keys = _keys(ground, version, by)
            free = [key for key in keys if not ground.cuts_for(key, voice) and not barred(key)]
            able += [by] if len(free) >= authority.threshold else []
        rule = rule_for(amendment.kind, version.charter.rules)
        if not is_met(rule, able, version.charter) or len(able) * 2 <= len(version.charter.authorities):
            return False
    return True


class Contest:
    """The amendments of one parent, and the approvals that count for each.

    Args:
        versions: the charters up to the parent; empty for the genesis, which has no rival.
        siblings: the amendments, by id; one of them may be a draft.
    """

    def __init__(self, chains: Chains, versions: list[Version], siblings: Sequence[Unverified]) -> None:
        self.siblings = siblings
        self._chains = chains
        self._versions = versions
        self._by_id = {sibling.id: sibling for sibling in siblings}
        self._is_open: dict[bytes, bool] = {}
        approvals: dict[bytes, list[Unverified]] = {}
        against: dict[tuple[bytes, bytes], list[Statement]] = {}
        for sibling in siblings:
            votes = chains.votes_on(sibling.id)
            for vote in votes:
                if vote.kind == "vote.reject":
                    against.setdefault((vote.kid, sibling.id), []).append(vote)
            for approval in (sibling, *(vote for vote in votes if vote.kind == "vote.approve")):
                if self._is_orderly(approval) and self._subject(approval) == sibling.id:
                    approvals.setdefault(approval.kid, []).append(approval)
        self._against = {each: chains.firsts(rejections) for each, rejections in against.items()}
        self._mine = {key: [a for a in mine if not self._is_late(a)] for key, mine in approvals.items()}
        self._elder: dict[bytes, Unverified | None] = {}
        for mine in self._mine.values():
            self._find_elders(mine)

    def counted(self, sibling: bytes) -> Approvals:
        """Return the approvals that count for one of them."""
        return self._counted[sibling]

    def is_left_for(self, sibling: bytes, others: Set[bytes]) -> bool:
        """Return whether a key that counted for one has taken that back and counts for another of `others`."""
        return any(
            self._subject(elder) == sibling
            for other in others - {sibling}
            for approval in self._counted[other]
            for elder in self._elders(approval)
        )

    def problem(self, approval: Unverified, sibling: bytes) -> str | None:
        """Return why an approval that is not held can never count for one of them; None if it can."""
        for elder in self._mine.get(approval.kid, ()):
            other = self._subject(elder)
            if other == sibling or elder.id == approval.id or self._is_taken_back(elder, sibling):
                continue
            late = self._withdrawals(elder)
            what = "took it back after this amendment was made" if late else "has not taken it back"
            return f"its key has already approved amendment {other.hex()[:12]} of the same version and {what}"
        return None

    def is_open(self, sibling: bytes) -> bool:
        """Return whether one could still pass, by approvals held and to come."""
        if sibling not in self._is_open:
            amendment = self._by_id[sibling]
            self._is_open[sibling] = may_pass(
                self._chains, self._versions, amendment, lambda key: self._is_barred(key, sibling)
            )
        return self._is_open[sibling]

    @cached_property
    def _counted(self) -> dict[bytes, Approvals]:
        counted: dict[bytes, Approvals] = {sibling.id: [] for sibling in self.siblings}
        for mine in self._mine.values():
            for approval in mine:
                subject = self._subject(approval)
                elders = self._elders(approval)
                if len(elders) < APPROVALS_LOOKED_AT and all(
                    self._subject(elder) != subject
                    and self._is_taken_back(elder, subject)
                    and not self.is_open(self._subject(elder))
                    for elder in elders
                ):
                    counted[subject].append(approval)
        return counted

    def _find_elders(self, mine: list[Unverified]) -> None:
        """Note for each of a key's approvals the previous one on its chain; each step back is made once."""
        by_id = {approval.id: approval for approval in mine}
        nearest: dict[bytes, Unverified | None] = {}
        for approval in sorted(mine, key=lambda s: (s.seq, s.id)):
            passed: list[bytes] = []
            found: Unverified | None = None
            for before in self._chains.ancestry(approval.prev):
                if before.id in by_id or before.id in nearest:
                    found = by_id.get(before.id) or nearest[before.id]
                    break
                passed.append(before.id)
            nearest.update(dict.fromkeys(passed, found))
            self._elder[approval.id] = found

    def _elders(self, approval: Unverified) -> list[Unverified]:
        """Return what the key approved before an approval, the latest first; at most `APPROVALS_LOOKED_AT`."""
        elders: list[Unverified] = []
        elder = self._elder[approval.id]
        while elder is not None and len(elders) < APPROVALS_LOOKED_AT:
            elders.append(elder)
            elder = self._elder[elder.id]
        return elders

    def _is_late(self, approval: Unverified) -> bool:
        """Return whether its key rejected the same amendment before."""
        rejections = self._against.get((approval.kid, self._subject(approval)), ())
        return any(self._comes_before(rejection, approval) for rejection in rejections)

    def _withdrawals(self, approval: Unverified) -> list[Statement]:
        """Return the later rejections of the same amendment by which a key takes an approval back."""
        rejections = self._against.get((approval.kid, self._subject(approval)), ())
        return [rejection for rejection in rejections if self._comes_before(approval, rejection)]

    def _is_taken_back(self, approval: Unverified, sibling: bytes) -> bool:
        """Return whether an approval was taken back before the amendment `sibling` was made, as its heads show."""
        head = named_heads(self._by_id[sibling]).get(approval.kid)
        return head is not None and any(self._chains.leads_to(r, head) for r in self._withdrawals(approval))

    def _is_barred(self, key: bytes, sibling: bytes) -> bool:
        """Return whether a key can never approve one of them, because of what it has said on any branch."""
        mine = self._mine.get(key, ())
        own = [approval for approval in mine if self._subject(approval) == sibling]

        def is_first(statement: Unverified) -> bool:
            return not any(self._comes_before(approval, statement) for approval in own)

        return any(map(is_first, self._against.get((key, sibling), ()))) or any(
            is_first(other) and not self._is_taken_back(other, sibling)
            for other in mine
            if self._subject(other) != sibling
        )

    def _is_orderly(self, statement: Unverified) -> bool:
        return statement.id not in self._chains or self._chains.is_orderly(statement.id)

    def _comes_before(self, elder: Unverified, later: Unverified) -> bool:
        """Return whether one statement of a key precedes another; a draft comes after all that is held."""
        if later.id in self._chains:
            return elder.id in self._chains and elder.id != later.id and self._chains.leads_to(elder, later.id)
        return elder.id in self._chains

    def _subject(self, statement: Unverified) -> bytes:
        """Return the sibling that a charter statement or a vote supports: the one that it names first."""
        if statement.kind != "vote.approve":
            return statement.id
        targets: list[bytes] = statement.body["targets"]
        return next(target for target in targets if target in self._by_id)


def contest_of(chains: Chains, versions: list[Version], amendment: Unverified) -> Contest:
    """Return the contest of an amendment, held or a draft, among those of the same parent, the newest version."""
    held = [s for s in chains.of_kind("charter.amend") if s.body["parent"] == amendment.body["parent"]]
    return Contest(chains, versions, held if amendment.id in chains else [*held, amendment])
