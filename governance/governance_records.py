"""Records of the ecosystem itself: its charter, its authorities, its nodes; each a function of law and facts."""

from collections.abc import Sequence
from typing import Any, Final

from accredit.registry.domain.records import Effective, Voice, voice_of
from accredit.registry.encoding.cbor import encode
from accredit.registry.limits import AUTHORITIES, SHARED_BYTES

from .ballots import Ground
from .delegations import Seat
from .governing_state import Law
from .key_entries import CONTACTS, introductions
from .node_names import trace_name
from .shares import fair_share

KEYS_SHOWN: Final = 2 * AUTHORITIES
"""Keys of one authority in its record, those in use first. Which keys count does not depend on it."""


def charter_record(law: Law) -> dict[str, Any]:
    """The charter in force, without what has records of its own."""
    version, charter = law.ground.versions[-1], law.charter
    record = {
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


def authority_record(law: Law, by: str) -> dict[str, Any] | None:
    """An authority under each of its mandates; None if it has none."""
    standings = []
    if (named := law.charter.authorities.get(by)) is not None:
        voice = Voice(by, None)
        standings.append(
            {
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
        )
    seats = sorted((s for s in law.mandates.seats.values() if s.voice.by == by), key=lambda s: s.voice.via or b"")
    delegated: list[dict[str, Any]] = [_delegated(law, seat) for seat in seats]
    # Anybody who may delegate can delegate to this id, and whoever asks about it reads the record.
    shown: list[dict[str, Any]] = fair_share(
        law.mandates,
        delegated,
        SHARED_BYTES,
        voice=lambda one: voice_of(one["parent"]),
        size=lambda one: len(encode(one)),
        order=lambda one: one["via"],
    )
    standings += shown
    return {"id": by, "standings": standings} if standings else None


def node_record(law: Law, name: str, stated: Sequence[Effective]) -> dict[str, Any] | None:
    """A node, as what is stated about it makes it (`node_names`). A retired name stays retired."""
    naming = trace_name(law, name, [fact.statement for fact in stated])
    if naming.entry is None:
        return None
    return {**naming.entry, "statement": naming.statement, "retired": naming.retired}


def _delegated(law: Law, seat: Seat) -> dict[str, Any]:
    assert seat.voice.via is not None
    assert seat.parent is not None
    body = law.ground.chains[seat.voice.via].body
    record: dict[str, Any] = {
        "via": seat.voice.via,
        "parent": {"by": seat.parent.by, "via": seat.parent.via},
        "name": body["name"],
        "constituency": body["constituency"],
        **{name: body[name] for name in CONTACTS if name in body},
        "actions": sorted(body["actions"]),
        "limits": body["limits"],
        "threshold": body["threshold"],
        "keys": _keys(law.ground, seat.voice),
        "valid_from": body["valid_from"],
        "withdrawn": None,
        "depth": seat.mandate.depth,
    }
    if "valid_until" in body:
        record["valid_until"] = body["valid_until"]
    if seat.withdrawals:
        earliest = min(seat.withdrawals, key=lambda one: (one.effective_from, one.statement.id))
        record["withdrawn"] = {"statement": earliest.statement.id, "effective_from": earliest.effective_from}
    return record


def _keys(ground: Ground, voice: Voice) -> list[dict[str, Any]]:
    """A voice's keys with where each came from and whether it is cut off, by key id."""
    epoch = len(ground.versions) - 1
    origin = ground.versions[epoch].statement.id if voice.via is None else voice.via
    since = dict.fromkeys(ground.base_keys(voice, epoch), origin)
    since |= {key: statements[0] for key, statements in ground.added.get(voice, {}).items()}
    shown = sorted(since, key=lambda key: (bool(ground.cuts_for(key, voice)), key))[:KEYS_SHOWN]
    return [_key(ground, voice, key, since[key]) for key in sorted(shown)]


def _key(ground: Ground, voice: Voice, key: bytes, since: bytes) -> dict[str, Any]:
    cuts = ground.cuts_for(key, voice)
    public = next(
        entry.public
        for statement in ground.chains.introducers(key)
        for entry in introductions(statement)
        if entry.key == key and entry.public is not None
    )
    last = min(cuts, key=lambda cut: cut.statement.id).statement.body["last"] if cuts else None
    return {"key": key, "public": public, "since": since, "cut": bool(cuts), "last": last}
