"""Makes the records of the ecosystem itself: its charter, authorities and nodes; each is a function of law and
facts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, cast

from accredit.governance.authority.ballots import Ground
from accredit.governance.authority.delegations import Seat
from accredit.governance.authority.governing_state import Law
from accredit.governance.authority.node_names import trace_name
from accredit.governance.authority.shares import fair_share
from accredit.governance.index.key_entries import contacts_of, introductions
from accredit.registry.domain.bodies import AuthorityDelegate
from accredit.registry.domain.record_types import (
    AuthorityRecord,
    CharterRecord,
    MandateKey,
    MandateStanding,
    NodeRecord,
)
from accredit.registry.domain.records import Effective, Voice, first_end, voice_of
from accredit.registry.encoding.cbor import encode
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.limits import AUTHORITIES, SHARED_BYTES
from accredit.registry.statement import Statement

KEYS_SHOWN: Final = 2 * AUTHORITIES
"""The most keys of one authority in its record, those in use first. Keys beyond it still count."""


def charter_record(law: Law) -> CharterRecord:
    """Return the record of the charter in force, without the members that have records of their own."""
    version, charter = law.ground.versions[-1], law.charter
    record: CharterRecord = {
        "id": charter.id,
        "name": charter.body["name"],
        "ecosystem": law.ground.versions[0].statement.id,
        "version": len(law.ground.versions),
        "statement": version.statement.id,
        "fold": charter.body["fold"],
        "authorities": sorted(charter.authorities),
        "rules": charter.body["rules"],
        "signers": sorted(charter.body["signers"]),
        "publishers": sorted(charter.body.get("publishers", ())),
    }
    if "max_backdating" in charter.body:
        record["max_backdating"] = charter.body["max_backdating"]
    return record


def authority_record(law: Law, by: CanonicalId) -> AuthorityRecord | None:
    """Return the record of an authority under each of its mandates; None if it has no mandate."""
    standings: list[MandateStanding] = []
    if (named := law.charter.authorities.get(by)) is not None:
        voice = Voice(by, None)
        standing = {
            "via": None,
            "parent": None,
            "name": named.name,
            "constituency": named.constituency,
            **named.contacts,
            "actions": None,
            "limits": None,
            "threshold": named.threshold,
            "keys": _keys(law.ground, voice),
            "withdrawn": None,
            "depth": 0,
        }
        standings.append(cast(MandateStanding, standing))
    seats = sorted((s for s in law.mandates.seats.values() if s.voice.by == by), key=lambda s: s.voice.via or b"")
    delegated = [_delegated(law, seat) for seat in seats]
    # Every delegator can delegate to this id, and every question about it reads the record.
    standings += fair_share(
        delegated,
        SHARED_BYTES,
        paths=lambda one: [law.mandates.path(_giver(one))],
        size=lambda one: len(encode(one)),
        order=lambda one, _: one["via"],
    )
    return {"id": by, "standings": standings} if standings else None


def _giver(standing: MandateStanding) -> Voice:
    assert standing["parent"] is not None, "of the charter's own there is one"
    return voice_of(standing["parent"])


def node_record(law: Law, name: str, stated: Sequence[Effective]) -> NodeRecord | None:
    """Return the record of a node, from the statements about it (`node_names`). A retired name stays retired."""
    naming = trace_name(law, name, [fact.statement for fact in stated])
    if naming.entry is None:
        return None
    return cast(NodeRecord, {**naming.entry, "statement": naming.statement, "retired": naming.retired})


def _delegated(law: Law, seat: Seat) -> MandateStanding:
    assert seat.voice.via is not None
    assert seat.parent is not None
    body = cast(AuthorityDelegate, law.ground.chains[seat.voice.via].body)
    standing = {
        "via": seat.voice.via,
        "parent": {"by": seat.parent.by, "via": seat.parent.via},
        "name": body["name"],
        "constituency": body["constituency"],
        **contacts_of(body),
        "actions": sorted(body["actions"]),
        "limits": body["limits"],
        "threshold": body["threshold"],
        "keys": _keys(law.ground, seat.voice),
        "valid_from": body["valid_from"],
        "withdrawn": first_end([*seat.withdrawals, *_left(law, seat.voice)]),
        "depth": seat.mandate.depth,
    }
    said = law.ground.said_at(law.ground.chains[seat.voice.via], seat.parent)
    if said > body["valid_from"]:
        standing["met"] = said
    if "valid_until" in body:
        standing["valid_until"] = body["valid_until"]
    return cast(MandateStanding, standing)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Left:
    """The end of a mandate whose authority had left the charter, and is named again."""

    statement: Statement
    effective_from: int
    met: int


def _left(law: Law, voice: Voice) -> Iterable[_Left]:
    top = law.mandates.above(voice)[-1]
    version = law.mandates.left(voice, len(law.ground.versions) - 1)
    if version is not None and top.by in law.charter.authorities:  # else everybody sees that nobody stands above it
        statement = law.ground.chains[version.statement.id]
        at = law.ground.chains.said_at(statement)
        yield _Left(statement=statement, effective_from=at, met=at)


def _keys(ground: Ground, voice: Voice) -> list[MandateKey]:
    """Return a voice's keys by key id, each with its origin and whether it is cut off."""
    epoch = len(ground.versions) - 1
    origin = ground.versions[epoch].statement.id if voice.via is None else voice.via
    since = dict.fromkeys(ground.base_keys(voice, epoch), origin)
    added = ground.added.get(voice, {})
    since |= {key: added[key][0] for key in ground.keys(voice, epoch) if key in added}
    shown = sorted(since, key=lambda key: (bool(ground.cuts_for(key, voice)), key))[:KEYS_SHOWN]
    return [_key(ground, voice, key, since[key]) for key in sorted(shown)]


def _key(ground: Ground, voice: Voice, key: bytes, since: bytes) -> MandateKey:
    cuts = ground.cuts_for(key, voice)
    public = next(
        entry.public
        for statement in ground.chains.introducers(key)
        for entry in introductions(statement)
        if entry.key == key and entry.public is not None
    )
    last = min(cuts, key=lambda cut: cut.statement.id).statement.body["last"] if cuts else None
    return {"key": key, "public": public, "since": since, "cut": bool(cuts), "last": last}
