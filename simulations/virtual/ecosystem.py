"""Makes an ecosystem to simulate: authorities and nodes with real keys, and the founding statements.

    town = Town.found(seed=7, nodes=100)
    grant = town.says(0, "accreditation.grant", {...}, sub=issuer)

The genesis has as many nodes as fit; the others are admitted by `node.admit` and the votes of a majority, as in real
life. Every statement is really signed. Seeds of keys follow from the run's seed, so every run signs the same bytes.

A *crowd* is a share of the nodes that few operators run; it may have searched for peer keys that rank high where the
ranking can be foreseen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from accredit.governance.index.key_entries import next_number
from accredit.governance.rules.rulebook import check_statement
from accredit.registry.domain.records import FOLD_VERSION
from accredit.registry.encoding.ed25519 import KeyPair, key_id, public_of
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.limits import VOTE_TARGETS
from accredit.registry.statement import Draft, Statement, decode, encode_signed, verify

from .physics.timeline import START

CONSTITUENCIES: Final = ("nonprofit", "public", "education", "employer", "labor")
GENESIS_NODES: Final = 40
"""Nodes of some 270 bytes that fit into the genesis beside five authorities."""

BUDGET: Final = 1_000_000
"""Statements that each authority's first key may make, unless a scenario states another number."""

_ROLES: Final = ("peer", "log", "witness", "state")
_FOUNDED: Final = START // 1_000 - 86_400  # a day before the run begins


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """The last nodes in the list, run by a few operators.

    Attributes:
        share: of all nodes.
        operators: number of their operators; 0: each node has its own.
        grinds: keys that each of them tries, to take the one that ranks highest without a salt.
    """

    share: float = 0.0
    operators: int = 2
    grinds: int = 0

    def names(self, names: Sequence[str]) -> list[str]:
        """Return the members of it among all `names`."""
        return list(names[len(names) - round(self.share * len(names)) :])


@dataclass(slots=True)
class Pen:
    """An authority's key and the end of its chain."""

    authority: str
    seed: bytes
    seq: int = 1
    prev: bytes | None = None

    @property
    def public(self) -> bytes:
        """The public key, 32 bytes."""
        return public_of(self.seed)


@dataclass(slots=True)
class Town:
    """Authorities and nodes.

    Attributes:
        pens: one for each authority.
        names: of the nodes. signers: of those that sign state notes.
        genesis: its id is the ecosystem's.
        grounds: peer seeds found by search, by node.
        founding: statements that every node holds at the start, genesis first. founded: their ids.
        grants: accreditations among them.
        signed: every statement that an authority has signed, by id.
    """

    seed: int
    pens: list[Pen]
    names: tuple[str, ...]
    signers: tuple[str, ...]
    genesis: Statement
    grounds: dict[str, bytes] = field(default_factory=dict)
    founding: list[Statement] = field(default_factory=list)
    founded: dict[bytes, None] = field(default_factory=dict)
    grants: list[Statement] = field(default_factory=list)
    signed: dict[bytes, Statement] = field(default_factory=dict)

    @classmethod
    def found(
        cls,
        *,
        seed: int,
        nodes: int,
        authorities: int = 3,
        grants: int = 10,
        signers: int = 0,
        operators: Mapping[str, str] | None = None,
        urls: Mapping[str, str] | None = None,
        budget: int = BUDGET,
        crowd: Crowd | None = None,
    ) -> "Town":
        """Return an ecosystem in force.

        Args:
            grants: accreditations given at the start, to be revoked later.
            signers: how many of the nodes sign state notes.
            operators: node name -> its operator; by default, each node has its own.
            urls: node name -> its address, if others reach it over HTTP.
            budget: of each authority's key.
            crowd: nodes in few hands; every other node has its own operator.
        """
        crowd = crowd or Crowd()
        names = tuple(f"n{number:04}.example" for number in range(nodes))
        pens = [
            Pen(f"https://authority{number}.example/", secret(seed, f"authority {number}"))
            for number in range(authorities)
        ]
        given, grounds = {**_operators(crowd, names), **(operators or {})}, _ground(seed, crowd, names)
        entries = [_node(seed, name, given[name], (urls or {}).get(name), grounds.get(name)) for name in names]
        body: dict[str, Any] = {
            "id": "https://simulated.example/",
            "name": "A simulated ecosystem",
            "fold": FOLD_VERSION,
            "authorities": [_authority(number, pen, budget) for number, pen in enumerate(pens)],
            "rules": {},
            "nodes": entries[:GENESIS_NODES],
            "signers": list(names[:signers]),
        }
        genesis = _sign(pens[0], "charter.genesis", body, body["id"], eco=None, iat=_FOUNDED)
        town = cls(seed=seed, pens=pens, names=names, signers=names[:signers], genesis=genesis, grounds=grounds)
        town._keep(genesis)
        for number in range(1, authorities):
            town._vote(number, [genesis])
        admitted = [
            town.says(0, "node.admit", entry, sub=entry["name"], time=_FOUNDED) for entry in entries[GENESIS_NODES:]
        ]
        for first in range(0, len(admitted), VOTE_TARGETS):
            for number in range(1, authorities // 2 + 1):
                town._vote(number, admitted[first : first + VOTE_TARGETS])
        town.grants = [town.grants_to(f"https://issuer{number}.example/", number) for number in range(grants)]
        town.founding = list(town.signed.values())
        town.founded = dict.fromkeys(town.signed)
        return town

    @property
    def ecosystem(self) -> bytes:
        """Return the genesis statement's id."""
        return self.genesis.id

    @property
    def charter_id(self) -> CanonicalId:
        """Return the ecosystem's identifier."""
        return CanonicalId(self.genesis.body["id"])

    def says(self, authority: int, kind: str, body: Mapping[str, Any], *, sub: str, time: int) -> Statement:
        """Return a new statement of an authority; `time` in seconds since 1970."""
        return self.sign(self.pens[authority % len(self.pens)], kind, body, sub=sub, time=time)

    def sign(self, pen: Pen, kind: str, body: Mapping[str, Any], *, sub: str, time: int) -> Statement:
        """Return the next statement of a key; `time` in seconds since 1970."""
        return self._keep(_sign(pen, kind, body, sub, eco=self.ecosystem, iat=time))

    def grants_to(self, issuer: str, authority: int, *, time: int = _FOUNDED) -> Statement:
        """Return an accreditation for an issuer."""
        body = {
            "issuer": issuer,
            "kind": "accredit",
            "level": "institutional",
            "scope": {"credential_types": "*", "achievement_types": "*"},
            "valid_from": 0,
        }
        return self.says(authority, "accreditation.grant", body, sub=issuer, time=time)

    def node_seed(self, name: str, role: str) -> bytes:
        """Return the secret of one of a node's keys."""
        found = self.grounds.get(name) if role == "peer" else None
        return found or secret(self.seed, f"{name} {role}")

    def peer_id(self, name: str) -> bytes:
        """Return the id of a node's peer key."""
        return key_id(public_of(self.node_seed(name, "peer")))

    def _vote(self, authority: int, targets: Sequence[Statement]) -> None:
        body = {"targets": [each.id for each in targets]}
        self.says(authority, "vote.approve", body, sub=self.ecosystem.hex(), time=_FOUNDED)

    def _keep(self, statement: Statement) -> Statement:
        self.signed[statement.id] = statement
        return statement


def secret(seed: int, name: str) -> bytes:
    """Return a secret seed of 32 bytes, derived from a run's seed and a name."""
    return sha256(f"simulated key {seed} {name}".encode()).digest()


def _operators(crowd: Crowd, names: Sequence[str]) -> dict[str, str]:
    found = {name: f"Operator of {name}" for name in names}
    for number, name in enumerate(crowd.names(names)):
        if crowd.operators:
            found[name] = f"Crowd operator {number % crowd.operators}"
    return found


def _ground(seed: int, crowd: Crowd, names: Sequence[str]) -> dict[str, bytes]:
    """Return for each of the crowd the best of many peer seeds: its key id has the lowest hash under an empty salt."""
    found = {}
    for name in crowd.names(names) if crowd.grinds else ():
        tries = [secret(seed, f"{name} peer {number}") for number in range(crowd.grinds)]
        found[name] = min(tries, key=lambda each: sha256(key_id(public_of(each))).digest())
    return found


def _node(seed: int, name: str, operator: str, url: str | None, ground: bytes | None) -> dict[str, Any]:
    keys = {role: public_of(secret(seed, f"{name} {role}")) for role in _ROLES}
    if ground is not None:
        keys["peer"] = public_of(ground)
    return {"name": name, "operator": operator, "url": url or f"https://{name}", "keys": keys}


def _authority(number: int, pen: Pen, budget: int) -> dict[str, Any]:
    return {
        "id": pen.authority,
        "name": f"Authority {number}",
        "constituency": CONSTITUENCIES[number % len(CONSTITUENCIES)],
        "threshold": 1,
        "keys": [{"public": pen.public, "budget": budget}],
    }


def _sign(pen: Pen, kind: str, body: Mapping[str, Any], sub: str, *, eco: bytes | None, iat: int) -> Statement:
    draft = Draft(iss=pen.authority, sub=sub, iat=iat, eco=eco, kind=kind, seq=pen.seq, prev=pen.prev, body=dict(body))
    unverified = decode(encode_signed(draft, KeyPair(pen.seed)))
    check_statement(unverified)
    statement = verify(unverified, pen.public)
    pen.seq, pen.prev = next_number(statement), statement.id
    return statement
