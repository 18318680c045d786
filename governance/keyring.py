"""The life of authority keys: stratum 2 of the fold.

`key.add` brings a key to its author's authority once that authority speaks. `key.retire`, `key.rotate` and
`key.compromise` cut a key off: they name its last good statement (`last`). That and its ancestors stand, everything
else the key ever says is void, wherever and whenever it turns up. Cut-offs are applied by rank, a higher one before
lower ones are read, so that a thief's own cut-offs fall with the key he stole:

1. two authorities of the charter (`key.retire`, `key.compromise`);
2. the successor that the key's introduction committed to (`key.rotate`, `key.compromise`);
3. the key's own authority, by its threshold (any; but where a successor is committed, rotating is the successor's).

Within a rank all hold, mutual ones included, and of several `last`s the common ancestors stand.
"""

from typing import Final

from registry.keys import key_id
from registry.statement import Statement

from .entries import key_entries
from .ground import Approval, Ground, Voice, is_met
from .rulebook import TWO, rule_for

CUT_OFFS: Final = ("key.retire", "key.rotate", "key.compromise")


def settle_keys(ground: Ground) -> list[Approval]:
    """Fills in `ground`'s cut-offs and added keys; returns the approvals that the cut-offs rest on."""
    basis: list[Approval] = []
    candidates = [s for kind in CUT_OFFS for s in ground.chains.of_kind(kind) if ground.holds(s)]
    for rank in (_by_two_authorities, _by_successor, _by_own_authority):
        _settle_added(ground)
        found: list[tuple[Statement, list[Approval]]] = []
        for statement in candidates:
            if statement.id in ground.cutters or ground.is_cut(statement):
                continue
            approvals = ground.approvals(statement)
            if rank(ground, statement, approvals):
                found.append((statement, approvals))
        for statement, approvals in found:
            _cut(ground, statement)
            basis += approvals
        ground.recut()
    _settle_added(ground)
    return basis


def committed_successors(ground: Ground, key: bytes) -> set[bytes]:
    """The keys that the introductions of `key` commit to as its next."""
    return {
        entry["next"]["key"]
        for statement in ground.chains.introducers(key)
        if ground.holds(statement) and not ground.is_cut(statement)
        for entry in key_entries(statement)
        if "next" in entry and key_id(entry["public"]) == key
    }


def voices_of_key(ground: Ground, key: bytes) -> list[Voice]:
    """Every voice that a key is one of, under any version of the charter, sorted."""
    voices = {
        Voice(by, None)
        for epoch, version in enumerate(ground.versions)
        for by in version.charter.authorities
        if ground.counts(key, Voice(by, None), epoch)
    }
    voices |= {voice for voice, keys in ground.added.items() if key in keys}
    voices |= {
        Voice(s.body["delegate"], s.id)
        for s in ground.chains.introducers(key)
        if s.kind == "authority.delegate" and ground.is_sound(s, narrowing=False)
    }
    return sorted(voices, key=lambda voice: (voice.by, voice.via or b""))


def _by_two_authorities(ground: Ground, statement: Statement, approvals: list[Approval]) -> bool:
    if statement.kind == "key.rotate":
        return False  # it would plant a key in another authority
    charter = ground.charter(statement)
    own = rule_for(statement.kind, statement.body, charter.rules)
    return is_met(TWO if own.asks_one else own, ground.speaking(statement, approvals), charter)


def _by_successor(ground: Ground, statement: Statement, _: list[Approval]) -> bool:
    if statement.kind == "key.retire" or statement.kid not in committed_successors(ground, statement.body["key"]):
        return False
    if statement.kind == "key.rotate" and key_id(statement.body["new"]["public"]) != statement.kid:
        return False
    return any(voice.by == statement.iss for voice in voices_of_key(ground, statement.body["key"]))


def _by_own_authority(ground: Ground, statement: Statement, approvals: list[Approval]) -> bool:
    key = statement.body["key"]
    if statement.kind == "key.rotate" and committed_successors(ground, key):
        return False
    epoch = ground.epoch(statement)
    return any(
        ground.counts(key, voice, epoch) and ground.speaks(voice, statement, approvals)
        for voice in ground.voices(statement, statement.kid)
    )


def _cut(ground: Ground, statement: Statement) -> None:
    key, last = statement.body["key"], statement.body["last"]
    standing = frozenset(s.id for s in ground.chains.ancestry(last) if s.kid == key)
    ground.standing[key] = standing & ground.standing.get(key, standing)
    ground.cutters[statement.id] = statement
    if last is not None:
        ground.anchors.setdefault(key, []).append(last)


def _settle_added(ground: Ground) -> None:
    """The keys brought to each voice: the least fixed point, as an added key may itself help to add another."""
    ground.added = {}
    for statement in ground.cutters.values():
        if statement.kind == "key.rotate":
            for voice in voices_of_key(ground, statement.body["key"]):
                ground.added.setdefault(voice, {})[key_id(statement.body["new"]["public"])] = statement.id
    candidates = [s for s in ground.chains.of_kind("key.add") if ground.is_sound(s, narrowing=False)]
    grew = True
    while grew:
        grew = False
        for statement in candidates:
            key = key_id(statement.body["public"])
            for voice in ground.voices(statement, statement.kid):
                if key in ground.added.get(voice, ()):
                    continue
                if ground.speaks(voice, statement, ground.approvals(statement)):
                    ground.added.setdefault(voice, {})[key] = statement.id
                    grew = True
