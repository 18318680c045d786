"""The law: what strata 1 to 3 of the fold conclude from the set, for stratum 4 to judge by.

    charter chain -> key cut-offs -> authorities, top down -> (everything else, in `fold`)

Each stratum reads only the ones before it, so the law is a function of the set of statements, whatever the order in
which they came.

The *committed set*, to which the state root binds a node, is the accepted set less what can never count again: what a
key said after its cut-off, and all said by keys that only such statements introduced. What the charter chain and the
cut-offs rest on stays committed whatever happens to its keys later, with its ancestry, so that everyone who holds the
committed set comes to the same law.
"""

from dataclasses import dataclass

from registry.statement import Statement

from .chains import Chains
from .charter import Charter
from .constitution import settle_charter
from .entries import introductions
from .ground import Approval, Ground, Voice
from .keyring import settle_keys
from .mandates import Mandates, settle_mandates


@dataclass(frozen=True, kw_only=True)
class Law:
    """See the module."""

    ground: Ground
    mandates: Mandates
    basis: tuple[Approval, ...]
    alarms: tuple[str, ...]
    fingerprint: object
    """Equal for two laws that judge everything in stratum 4 alike. Taken when the law is settled: the set grows on."""

    @property
    def charter(self) -> Charter:
        """The charter in force."""
        return self.ground.versions[-1].charter

    def is_sensitive_to(self, statement: Statement) -> bool:
        """Whether a statement, by its key alone or by what it votes on, may change what strata 1 to 3 concluded."""
        if self._is_doubtful(statement.kid):
            return True
        if not statement.kind.startswith("vote."):
            return False
        held = (self.ground.chains.get(target) for target in statement.body["targets"])
        return any(self._is_doubtful(target.kid) for target in held if target is not None)

    def _is_doubtful(self, key: bytes) -> bool:
        ground = self.ground
        return key in ground.standing or key in ground.anchors or ground.chains.is_forked(key)

    def effective_governing(self) -> dict[bytes, Voice]:
        """The statements of strata 1 to 3 that are in effect, with the voice each speaks for."""
        ground = self.ground
        effective = {v.statement.id: Voice(v.statement.iss, None) for v in ground.versions}
        for cutter in ground.cutters.values():
            effective[cutter.id] = Voice(cutter.iss, None)
        for voice, keys in ground.added.items():
            effective.update(dict.fromkeys(keys.values(), voice))
        for seat in self.mandates.seats.values():
            if seat.voice.via is not None and seat.parent is not None:
                effective[seat.voice.via] = seat.parent
            for withdrawal in seat.withdrawals:
                effective[withdrawal.statement.id] = Voice(withdrawal.statement.iss, None)
        return effective


def settle_law(chains: Chains, ecosystem: bytes) -> Law | None:
    """The law that the held statements make; None while the genesis is not in effect."""
    versions, basis, alarms = settle_charter(chains, ecosystem)
    if not versions:
        return None
    ground = Ground(chains=chains, versions=versions)
    for version in versions[1:]:
        for entry in version.statement.body["heads"]:
            ground.anchors.setdefault(entry["key"], []).append(entry["id"])
    basis += settle_keys(ground)
    mandates = settle_mandates(ground)
    for key in chains.forked_keys():
        if ground.fork(key) is not None:
            alarms.append(f"key {key.hex()[:16]} has signed two statements with one number")
    return Law(
        ground=ground,
        mandates=mandates,
        basis=tuple(basis),
        alarms=tuple(alarms),
        fingerprint=_fingerprint(ground, mandates),
    )


def _fingerprint(ground: Ground, mandates: Mandates) -> object:
    return (
        tuple((version.statement.id, version.covered) for version in ground.versions),
        dict(ground.standing),
        {voice: sorted(keys) for voice, keys in ground.added.items()},
        dict(mandates.seats),
        {key: ground.fork(key) for key in ground.chains.forked_keys()},
    )


def committed_set(chains: Chains, ecosystem: bytes, law: Law | None) -> tuple[dict[bytes, None], dict[bytes, None]]:
    """Ids of the statements that the state root binds to, and of the keys that stand (ordered sets)."""
    if law is None:
        return {statement.id: None for statement in chains}, {}
    ground = law.ground
    committed, keys = _standing(chains, ecosystem, ground)
    stack: list[Statement] = [held for a in law.basis if (held := chains.get(a.statement.id)) is not None]
    stack += [version.statement for version in ground.versions] + list(ground.cutters.values())
    seen: dict[bytes, None] = {}
    while stack:
        statement = stack.pop()
        if statement.id in seen:
            continue
        seen[statement.id] = None
        committed[statement.id] = None
        if statement.prev is not None and (elder := chains.get(statement.prev)) is not None:
            stack.append(elder)
        stack += [s for s in chains.introducers(statement.kid) if chains.is_complete(s.id)]
    return committed, keys


def _standing(chains: Chains, ecosystem: bytes, ground: Ground) -> tuple[dict[bytes, None], dict[bytes, None]]:
    """What keys with a standing introduction said before any cut-off of theirs, from the genesis outwards."""
    standing: dict[bytes, None] = {}
    known: dict[bytes, None] = {}
    keys = [entry.key for entry in introductions(chains[ecosystem])]
    while keys:
        key = keys.pop()
        if key in known:
            continue
        known[key] = None
        for statement in chains.of_key(key):
            if ground.is_cut(statement):
                continue
            standing[statement.id] = None
            if chains.is_complete(statement.id):
                keys += [entry.key for entry in introductions(statement)]
    return standing, known
