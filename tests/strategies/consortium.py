"""A consortium to tell stories with: authorities whose keys really sign, each keeping its own chain.

    town = Consortium.of(("https://a.example/", "nonprofit"), ("https://b.example/", "public"))
    grant = town.says("https://a.example/", "accreditation.grant", grant_body(...))
    fold = town.fold()

Seeds follow from names, so every run signs the same bytes.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from accredit.governance.authority.admission import Admission
from accredit.governance.fold import Fold
from accredit.governance.index.key_entries import next_number
from accredit.governance.rules.rulebook import check_statement, names_mandate
from accredit.registry.domain.records import FOLD_VERSION
from accredit.registry.encoding.ed25519 import KeyPair, key_id, public_of
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.errors import NotYetError
from accredit.registry.statement import Draft, Statement, decode, encode_signed, verify

BUDGET = 1_000_000
START = 1_700_000_000
"""The first `iat`, in seconds; each statement comes a second later than the one before."""


def seed_of(name: str) -> bytes:
    return hashlib.sha256(f"test key {name}".encode()).digest()


@dataclass
class Pen:
    """A key and the end of its chain."""

    name: str
    authority: str
    seq: int = 1
    prev: bytes | None = None

    @property
    def seed(self) -> bytes:
        return seed_of(self.name)

    @property
    def public(self) -> bytes:
        return public_of(self.seed)

    @property
    def kid(self) -> bytes:
        return key_id(self.public)

    def copy(self) -> "Pen":
        """The same key in other hands, at the same point."""
        return Pen(self.name, self.authority, self.seq, self.prev)


@dataclass
class Consortium:
    """Authorities, their pens, and everything said so far, in order."""

    id: CanonicalId
    pens: dict[str, Pen]
    genesis: Statement
    said: list[Statement] = field(default_factory=list)
    time: int = START
    mandates: dict[tuple[str, bytes], list[bytes]] = field(default_factory=dict)
    """The delegations that gave a body's key a mandate, the first said first."""

    @classmethod
    def of(
        cls,
        *authorities: tuple[str, str],
        keys: int = 1,
        threshold: int = 1,
        next_keys: bool = False,
        approve: bool = True,
        **charter: Any,
    ) -> "Consortium":
        """Founds an ecosystem of (id, constituency) authorities with `keys` keys each, named `<id>#1`, `#2`, …"""
        pens = {name: Pen(name, by) for by, _ in authorities for name in (f"{by}#{n}" for n in range(1, keys + 1))}
        body = charter_body(authorities, pens, keys=keys, threshold=threshold, next_keys=next_keys, **charter)
        first = pens[f"{authorities[0][0]}#1"]
        genesis = _sign(first, "charter.genesis", body, body["id"], eco=None, iat=START)
        town = cls(id=body["id"], pens=pens, genesis=genesis, said=[genesis])
        if approve:
            for name, pen in pens.items():
                if pen is not first:
                    town.votes(name, genesis)
        return town

    @property
    def eco(self) -> bytes:
        return self.genesis.id

    def pen(self, name: str, authority: str | None = None) -> Pen:
        """The pen of that name, or of an authority's first key; a new one if there is none yet."""
        if name in self.pens:
            return self.pens[name]
        if f"{name}#1" in self.pens:
            return self.pens[f"{name}#1"]
        assert authority is not None, f"no key is named {name}"
        self.pens[name] = Pen(name, authority)
        return self.pens[name]

    def says(
        self,
        who: str | Pen,
        kind: str,
        body: dict[str, Any],
        sub: str | None = None,
        *,
        iat: int | None = None,
        heard: bool = True,
        mandate: Statement | Literal["first"] | None = "first",
    ) -> Statement:
        """One statement; `heard` False: signed, but kept from everybody.

        Args:
            mandate: the delegation that it names; by default, a delegate names the first that gave its key a mandate.
        """
        pen = who if isinstance(who, Pen) else self.pen(who)
        self.time += 1
        named = sub or next(
            (body[m] for m in ("id", "issuer", "delegate", "name", "framework") if isinstance(body.get(m), str)), None
        )
        if isinstance(mandate, Statement):
            via: bytes | None = mandate.id
        else:
            via = None if mandate is None else self.mandate_of(pen, kind)
        statement = _sign(pen, kind, body, named or self.eco.hex(), eco=self.eco, iat=iat or self.time, mandate=via)
        self._note_mandates(pen, statement)
        if heard:
            self.said.append(statement)
        return statement

    def mandate_of(self, pen: Pen, kind: str) -> bytes | None:
        """The mandate that a statement of a pen names, if its author chooses nothing else."""
        held = self.mandates.get((pen.authority, pen.kid), ())
        return next(iter(held), None) if names_mandate(kind) else None

    def _note_mandates(self, pen: Pen, said: Statement) -> None:
        body = said.body
        if said.kind == "authority.delegate":
            founders = {key_id(entry["public"]) for by in self.genesis.body["authorities"] for entry in by["keys"]}
            for key in {key_id(entry["public"]) for entry in body["keys"]} - founders:
                self.mandates.setdefault((body["delegate"], key), []).append(said.id)
        elif said.kind in ("key.add", "key.rotate"):
            elder, public = (
                (pen.kid, body["public"]) if said.kind == "key.add" else (body["key"], body["new"]["public"])
            )
            held = self.mandates.setdefault((pen.authority, key_id(public)), [])
            held += [via for via in self.mandates.get((pen.authority, elder), ()) if via not in held]

    def votes(self, who: str | Pen, *targets: Statement, approve: bool = True, heard: bool = True) -> Statement:
        """A vote on statements."""
        kind = "vote.approve" if approve else "vote.reject"
        return self.says(who, kind, {"targets": [t.id for t in targets]}, self.eco.hex(), heard=heard)

    def heads(self, *, without: Iterable[str] = ()) -> list[dict[str, bytes]]:
        """The newest statement of each key that has said anything heard."""
        left_out = {self.pen(name).kid for name in without}
        newest: dict[bytes, Statement] = {}
        for statement in self.said:
            if statement.kid not in left_out and statement.seq >= (
                newest[statement.kid].seq if statement.kid in newest else 0
            ):
                newest[statement.kid] = statement
        return [{"key": key, "id": newest[key].id} for key in sorted(newest)]

    def fold(self, statements: Sequence[Statement] | None = None) -> Fold:
        """A fold of all that was said, or of `statements`."""
        return fold_of(self.eco, self.said if statements is None else statements)


def fold_of(eco: bytes, statements: Iterable[Statement], *, batch: int | None = None) -> Fold:
    """A fold of statements, settled after every `batch` of them, and at the end."""
    fold = Fold(eco)
    for count, statement in enumerate(statements, 1):
        fold.add(statement)
        if batch and count % batch == 0:
            fold.settle()
    fold.settle()
    return fold


def accepted(eco: bytes, statements: Iterable[Statement]) -> list[Statement]:
    """Those that a node accepts which hears `statements` in this order, trying again what it cannot judge yet."""
    node, waiting, found = Admission(eco), list(statements), list[Statement]()
    while waiting:
        later = []
        for statement in waiting:
            try:
                admitted = node.admit(decode(statement.raw))
            except NotYetError:
                later.append(statement)
            else:
                node.add(admitted)
                found.append(admitted)
        if len(later) == len(waiting):
            break
        waiting = later
    return list({statement.id: statement for statement in found}.values())


def charter_body(
    authorities: Sequence[tuple[str, str]],
    pens: dict[str, Pen],
    *,
    keys: int = 1,
    threshold: int = 1,
    next_keys: bool = False,
    budget: int = BUDGET,
    **charter: Any,
) -> dict[str, Any]:
    """A charter that names authorities with their keys."""
    body: dict[str, Any] = {
        "id": "https://consortium.example/",
        "name": "A consortium",
        "fold": FOLD_VERSION,
        "authorities": [
            {
                "id": by,
                "name": f"Authority {by}",
                "constituency": constituency,
                "threshold": threshold,
                "keys": [key_entry(pens[f"{by}#{n}"], budget=budget, next_key=next_keys) for n in range(1, keys + 1)],
            }
            for by, constituency in authorities
        ],
        "rules": {},
        "nodes": [],
        "signers": [],
    }
    return body | charter


def key_entry(pen: Pen, *, budget: int = BUDGET, next_key: bool = False) -> dict[str, Any]:
    """A key entry; with `next_key`, committing to the key named `<name> next`."""
    entry: dict[str, Any] = {"public": pen.public, "budget": budget}
    if next_key:
        entry["next"] = {"key": key_id(public_of(seed_of(f"{pen.name} next"))), "budget": max(budget, 100)}
    return entry


def _sign(
    pen: Pen,
    kind: str,
    body: dict[str, Any],
    sub: str,
    *,
    eco: bytes | None,
    iat: int,
    mandate: bytes | None = None,
) -> Statement:
    draft = Draft(
        iss=pen.authority,
        sub=sub,
        iat=iat,
        eco=eco,
        kind=kind,
        seq=pen.seq,
        prev=pen.prev,
        body=body,
        mandate=mandate,
    )
    unverified = decode(encode_signed(draft, KeyPair(pen.seed)))
    check_statement(unverified)
    statement = verify(unverified, pen.public)
    pen.seq, pen.prev = next_number(statement), statement.id
    return statement
