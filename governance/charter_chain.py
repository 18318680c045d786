"""The charter chain: stratum 1 of the fold.

The genesis takes effect once enough of its own authorities speak. An amendment names its parent and is exactly the next
version. It takes effect once the thresholds of the old *and* the new charter are met, always by more than half of each.

`heads`, the newest statement of each key in use, draws the line: what they cover stays judged by the old charter,
everything else by the new. An amendment's own votes are judged by the old charter and the key statements that its heads
cover, nothing later, so that no later cut-off takes an amendment back. Heads must cover the parent and all that the
parent's heads cover: an amendment cannot rewind one.

A key approves at most one amendment per parent, its first along its chain. A key that signs two first approvals counts
for both; if two amendments of one parent pass all the same, the lower id is in force and an alarm says so.
"""

from collections.abc import Iterable

from accredit.registry.statement import Statement, Unverified

from . import charter as charters
from .ballots import Ground, Heads, Version, Voice, is_met, tally_keys
from .key_lifecycle import settle_keys
from .rulebook import rule_for
from .statement_index import Chains, named_heads

Approvals = list[Unverified]


def found(chains: Chains, ecosystem: bytes) -> Version | None:
    """The genesis as the first version; None while it is not in effect."""
    genesis = chains.get(ecosystem)
    if genesis is None:
        return None
    version = Version(statement=genesis, charter=charters.parse(genesis.body))
    ground = Ground(chains=chains, versions=[version])
    speaking = ground.speaking(genesis, _first_approvals(chains, [genesis])[ecosystem])
    rule = rule_for(genesis.kind, genesis.body, version.charter.rules)
    return version if is_met(rule, speaking, version.charter) else None


def settle_charter(chains: Chains, ecosystem: bytes) -> tuple[list[Version], list[str]]:
    """The charter chain in force, and alarms."""
    first = found(chains, ecosystem)
    if first is None:
        return [], []
    versions: list[Version] = [first]
    alarms: list[str] = []
    children: dict[bytes, list[Statement]] = {}
    for statement in chains.of_kind("charter.amend"):
        children.setdefault(statement.body["parent"], []).append(statement)
    while True:
        siblings = children.get(versions[-1].statement.id, [])
        approvals = _first_approvals(chains, siblings)
        passed = [s for s in siblings if amendment_problem(chains, versions, s) is None]
        passed = [s for s in passed if is_passed(chains, versions, s, approvals[s.id])]
        if not passed:
            return versions, alarms
        if len(passed) > 1:
            ids = ", ".join(statement.id.hex()[:16] for statement in passed)
            alarms.append(f"two amendments of version {len(versions)} passed ({ids}); the lower id is in force")
        versions.append(_version(passed[0]))


def amendment_problem(chains: Chains, versions: list[Version], amendment: Unverified) -> str | None:
    """Why an amendment, whoever approves it, cannot be the next version; None if it can, as far as is held."""
    before, body = versions[-1], amendment.body
    if body["parent"] != before.statement.id:
        return "it amends a version that is no longer, or not yet, in force"
    if body["version"] != len(versions) + 1:
        return f"it must be version {len(versions) + 1}"
    if body["charter"]["id"] != before.charter.id:
        return "an ecosystem keeps its id"
    if has_missing_heads(chains, amendment):
        return None
    ground, heads = Ground(chains=chains, versions=versions), named_heads(amendment)
    if any(chains[head].kid != key for key, head in heads.items()):
        return "its heads name a statement as another key's"
    earlier = [before.statement, *(chains[head] for head in before.heads.values())]
    if not all(ground.is_covered(statement, heads) for statement in earlier):
        return "its heads leave out the version before it, or what that one's heads cover"
    return None


def has_missing_heads(chains: Chains, amendment: Unverified) -> bool:
    """Whether an amendment must wait for what its heads name, or for something before it."""
    return not all(chains.is_complete(head) for head in named_heads(amendment).values())


def is_passed(chains: Chains, versions: list[Version], amendment: Unverified, approvals: Approvals) -> bool:
    """Whether the thresholds of the old and the new charter are met, by more than half of each."""
    if has_missing_heads(chains, amendment):
        return False
    before, after = versions[-1], _version(amendment)
    named = {approval.iss for approval in approvals}
    if any(len(named & v.charter.authorities.keys()) * 2 <= len(v.charter.authorities) for v in (before, after)):
        return False  # the usual case while it waits, and cheap to tell
    ground = Ground(chains=chains, versions=versions, within=after.heads)
    settle_keys(ground)
    for version in (before, after):
        authorities = version.charter.authorities
        tally = tally_keys(a for a in approvals if _is_usable(ground, version, a))
        speaking = [by for by in sorted(authorities) if tally[by] >= authorities[by].threshold]
        rule = rule_for(amendment.kind, amendment.body, version.charter.rules)
        if not is_met(rule, speaking, version.charter) or len(speaking) * 2 <= len(authorities):
            return False
    return True


def _is_usable(ground: Ground, version: Version, approval: Unverified) -> bool:
    """Whether an approval's key is its authority's, by the key statements that the heads cover."""
    voice, authority = Voice(approval.iss, None), version.charter.authorities.get(approval.iss)
    if authority is None or ground.cuts_for(approval.kid, voice):
        return False
    return approval.kid in authority.keys or approval.kid in ground.added.get(voice, ())


def _version(amendment: Unverified) -> Version:
    heads: Heads = named_heads(amendment)
    return Version(statement=amendment, charter=charters.parse(amendment.body["charter"]), heads=heads)


def _first_approvals(chains: Chains, siblings: list[Statement]) -> dict[bytes, Approvals]:
    """What counts for each of several charters of one parent: of every key the first approval, both where it forked.

    A vote that names several of them is for the one it names first.
    """
    ids = {sibling.id for sibling in siblings}
    mine: dict[bytes, list[Statement]] = {}
    against: dict[tuple[bytes, bytes], list[Statement]] = {}
    for sibling in siblings:
        for statement in (sibling, *chains.votes_on(sibling.id)):
            if statement.kind == "vote.reject":
                against.setdefault((statement.kid, sibling.id), []).append(statement)
            elif chains.is_orderly(statement.id) and _subject(statement, ids) == sibling.id:
                mine.setdefault(statement.kid, []).append(statement)
    counted: dict[bytes, Approvals] = {sibling.id: [] for sibling in siblings}
    for key, approvals in mine.items():
        for statement in chains.firsts(approvals):
            subject = _subject(statement, ids)
            if statement in chains.firsts([statement, *against.get((key, subject), ())]):
                counted[subject].append(statement)
    return counted


def _subject(statement: Statement, siblings: Iterable[bytes]) -> bytes:
    """Which of `siblings` a charter statement or a vote on some of them is for."""
    if statement.kind != "vote.approve":
        return statement.id
    targets: list[bytes] = statement.body["targets"]
    return next(target for target in targets if target in siblings)
