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

from registry.statement import Statement

from . import charter as charters
from .chains import Chains
from .ground import Approval, Ground, Version, Voice, heads_of, is_met
from .keyring import settle_keys
from .rulebook import rule_for


def found(chains: Chains, ecosystem: bytes) -> tuple[list[Version], list[Approval]]:
    """The genesis as the first version, if it is in effect, and the approvals that rests on."""
    genesis = chains.get(ecosystem)
    if genesis is None:
        return [], []
    version = Version(statement=genesis, charter=charters.parse(genesis.body))
    ground = Ground(chains=chains, versions=[version])
    approvals = _first_approvals(chains, [genesis])[ecosystem]
    speaking = [by for by in sorted(version.charter.authorities) if ground.speaks(Voice(by, None), genesis, approvals)]
    rule = rule_for(genesis.kind, genesis.body, version.charter.rules)
    return ([version], approvals) if is_met(rule, speaking, version.charter) else ([], [])


def settle_charter(chains: Chains, ecosystem: bytes) -> tuple[list[Version], list[Approval], list[str]]:
    """The charter chain in force, the approvals it rests on, and alarms."""
    versions, basis = found(chains, ecosystem)
    alarms: list[str] = []
    while versions:
        parent = versions[-1].statement.id
        siblings = [s for s in chains.of_kind("charter.amend") if s.body["parent"] == parent]
        approvals = _first_approvals(chains, siblings)
        judged = [(_judge(chains, versions, s, approvals[s.id]), approvals[s.id]) for s in siblings]
        passed = [(version, own) for version, own in judged if version is not None]
        if not passed:
            break
        if len(passed) > 1:
            ids = ", ".join(version.statement.id.hex()[:16] for version, _ in passed)
            alarms.append(f"two amendments of version {len(versions)} passed ({ids}); the lower id is in force")
        version, own = passed[0]
        versions.append(version)
        basis += own
    return versions, basis, alarms


def _judge(chains: Chains, versions: list[Version], amendment: Statement, approvals: list[Approval]) -> Version | None:
    """The version that an amendment makes, if it is in order and met by both charters."""
    before = versions[-1]
    body = amendment.body
    covered = _covered(chains, body["heads"])
    if covered is None or body["version"] != len(versions) + 1 or body["charter"]["id"] != before.charter.id:
        return None
    if before.statement.id not in covered or not before.covered <= covered:
        return None
    after = Version(statement=amendment, charter=charters.parse(body["charter"]), covered=covered)
    ground = Ground(chains=chains, versions=versions, within=covered)
    settle_keys(ground)
    usable = [a for a in approvals if a.key not in ground.standing]
    ground.within = None
    for version in (before, after):
        authorities = version.charter.authorities
        speaking = [
            by
            for by in sorted(authorities)
            if len({a.key for a in usable if a.by == by and _is_key_of(ground, version, by, a.key)})
            >= authorities[by].threshold
        ]
        rule = rule_for(amendment.kind, body, version.charter.rules)
        if not is_met(rule, speaking, version.charter) or len(speaking) * 2 <= len(authorities):
            return None
    return after


def _is_key_of(ground: Ground, version: Version, by: str, key: bytes) -> bool:
    return key in version.charter.authorities[by].keys or key in ground.added.get(Voice(by, None), ())


def _covered(chains: Chains, heads: list[dict[str, bytes]]) -> frozenset[bytes] | None:
    """Everything that heads cover; None where one is not held whole, or is not its key's."""
    covered: dict[bytes, None] = {}
    for key, head in heads_of(heads).items():
        held = chains.get(head)
        if held is None or held.kid != key or not chains.is_complete(head):
            return None
        covered.update((s.id, None) for s in chains.ancestry(head))
    return frozenset(covered)


def _first_approvals(chains: Chains, siblings: list[Statement]) -> dict[bytes, list[Approval]]:
    """What counts for each of several charters of one parent: of every key the first approval, both where it forked.

    A vote that names several of them is for the one it names first.
    """
    mine: dict[bytes, list[tuple[Statement, bytes]]] = {}
    against: list[tuple[Statement, bytes]] = []
    ids = {sibling.id for sibling in siblings}
    for sibling in siblings:
        for statement in (sibling, *chains.votes_on(sibling.id)):
            if statement.kind == "vote.reject":
                against.append((statement, sibling.id))
            elif chains.is_orderly(statement.id) and _subject(statement, ids) == sibling.id:
                mine.setdefault(statement.kid, []).append((statement, sibling.id))
    counted: dict[bytes, list[Approval]] = {sibling.id: [] for sibling in siblings}
    for key, approvals in mine.items():
        for statement, subject in approvals:
            earlier = [s for s, _ in approvals] + [s for s, other in against if other == subject]
            if not any(chains.is_ancestor(other, statement) for other in earlier):
                counted[subject].append(Approval(statement=statement, key=key, by=statement.iss))
    return counted


def _subject(statement: Statement, siblings: set[bytes]) -> bytes:
    """Which of `siblings` a charter statement or a vote on some of them is for."""
    if statement.kind != "vote.approve":
        return statement.id
    targets: list[bytes] = statement.body["targets"]
    return next(target for target in targets if target in siblings)
