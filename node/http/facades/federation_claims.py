"""OpenID Federation 1.0 claims of a trust anchor: about the node itself, and about an issuer below it.

Each node is its own anchor; the issuers that may issue now are its direct subordinates. An issuer that may not issue is
absent: in this format a revocation is the absence of a statement, which shows at the latest when the last one expires.

An issuer's claims are those of the standard, and those that the Digital Credentials Consortium's verifier shows. The
format can express what an issuer may issue only by trust marks, one type for each type of achievement.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from accredit.registry.decision.verdict import Decision, Verdict
from accredit.registry.domain.record_types import IssuerRecord
from accredit.registry.domain.records import Voice, standing, voice_of
from accredit.registry.domain.vocabulary import ACHIEVEMENT_TYPES
from accredit.registry.encoding.ed25519 import decode_multibase
from accredit.registry.encoding.identifiers import CanonicalId

from .tokens import WebKey, jwk_of

ENTITY_STATEMENT: Final = "entity-statement+jwt"
RESOLVED: Final = "resolve-response+jwt"
TRUST_MARK: Final = "trust-mark+jwt"
MARK_STATUS: Final = "trust-mark-status-response+jwt"
KEY_SET: Final = "jwk-set+jwt"
EVENTS: Final = "entity-events-statement+jwt"
"""Types of tokens: `typ`, and behind `application/` their media type."""

LIFETIME: Final = 3_600
"""Seconds for which a statement is valid. The standard's readers learn of a revocation in no other way; an hour is
short among federations."""

STEP: Final = 60
"""Statements made within the same span of so many seconds have the same bytes, so that they can be cached and
compared."""

LISTED: Final = "listed"
"""The trust mark of every issuer that may issue anything; other marks have the names of achievement types."""

_PAGES: Final = {
    "federation_fetch_endpoint": "fetch",
    "federation_list_endpoint": "list",
    "federation_extended_list_endpoint": "extended-list",
    "federation_resolve_endpoint": "resolve",
    "federation_subordinate_events_endpoint": "events",
    "federation_historical_keys_endpoint": "historical-keys",
    "federation_trust_mark_endpoint": "trust-mark",
    "federation_trust_mark_list_endpoint": "trust-mark-list",
    "federation_trust_mark_status_endpoint": "trust-mark-status",
}

_ED25519: Final = "z6Mk"  # how multibase of such a key begins


def may_issue(decision: Decision) -> bool:
    """Return whether an issuer may issue anything: the only doubt in the answer is that the question did not say
    what."""
    if decision.verdict is Verdict.INDETERMINATE:
        return all(reason.code == "question_too_open" for reason in decision.reasons)
    return decision.authorized


def anchor_id(url: str) -> str:
    """Return a node's entity identifier: its public address without a final slash."""
    return url.rstrip("/")


def validity(now: int, *ends: int | None) -> dict[str, int]:
    """Return `iat` and `exp` of a statement made now, which ends no later than any of `ends`, seconds."""
    begin = now - now % STEP
    return {"iat": begin, "exp": min([begin + LIFETIME, *(end for end in ends if end is not None)])}


def anchor_claims(url: str, name: str, key: WebKey, now: int) -> dict[str, Any]:
    """Return the claims of a node about itself (§3): its key, its endpoints, and that only it issues its trust
    marks."""
    anchor = anchor_id(url)
    endpoints = {member: f"{anchor}/federation/{page}" for member, page in _PAGES.items()}
    return {
        "iss": anchor,
        "sub": anchor,
        **validity(now),
        "jwks": {"keys": [key.jwk]},
        "metadata": {"federation_entity": {"organization_name": name, "homepage_uri": anchor, **endpoints}},
        "trust_mark_issuers": {type: [anchor] for type in mark_types(url)},
    }


def issuer_claims(
    url: str,
    sub: CanonicalId,
    metadata: Mapping[str, Mapping[str, str]],
    keys: Sequence[Mapping[str, Any]],
    now: int,
    *ends: int | None,
) -> dict[str, Any]:
    """Return the claims of a node about an issuer that may issue (§3, a subordinate statement).

    Args:
        metadata: as `issuer_metadata` has it. keys: as `keys_of` has them.
        ends: times at which a part may change, seconds.
    """
    anchor = anchor_id(url)
    return {
        "iss": anchor,
        "sub": sub,
        **validity(now, *ends),
        "jwks": {"keys": keys},
        "metadata": metadata,
        "source_endpoint": f"{anchor}/federation/fetch",
    }


def issuer_metadata(record: IssuerRecord, voices: Sequence[Voice]) -> dict[str, dict[str, str]]:
    """Return an issuer's metadata by entity type; members without a value are left out: readers refuse nulls.

    Args:
        voices: the voices that count, the nearest to the issuer first; facts of others are left out.
    """
    stated = [each for each in standing(record["stated"]) if voice_of(each) in voices]
    facts = [each["facts"] for each in sorted(stated, key=lambda each: voices.index(voice_of(each)))]
    identifiers = {one["scheme"]: one["value"] for each in reversed(facts) for one in each.get("identifiers", ())}
    metadata = {
        "federation_entity": {
            "organization_name": _first(facts, "name") or record["id"],
            "homepage_uri": _first(facts, "url"),
            "logo_uri": _first(facts, "image"),
        },
        "institution_additional_information": {"legal_name": _first(facts, "legal_name")},
    }
    if ctid := identifiers.get("ctid"):
        metadata["credential_registry_entity"] = {
            "ctid": ctid,
            "url": f"https://credentialengineregistry.org/resources/{ctid}",
            "ce_url": f"https://credentialfinder.org/organization/{ctid}",
        }
    if ror := identifiers.get("ror"):
        metadata["ror_entity"] = {
            "rorid": ror,
            "url": f"https://ror.org/{ror}",
            "ror_url": f"https://api.ror.org/organizations/{ror}",
        }
    said = {type: {name: value for name, value in members.items() if value} for type, members in metadata.items()}
    return {type: members for type, members in said.items() if members}


def keys_of(
    record: IssuerRecord, voices: Collection[Voice], now: int, ask: Callable[[str], Decision]
) -> tuple[list[dict[str, Any]], list[int]]:
    """Return the keys with which an issuer signs credentials now, as JWKs under the ids of their methods.

    Kinds of key without a JWK form here are left out. The second result: when the keys may change, seconds.

    Args:
        voices: those that may state keys.
        ask: gives the answer about a signature with a key (its method's id, or the key as multibase).
    """
    found: dict[str, dict[str, Any]] = {}
    ends: list[int] = []
    added = [one for one in record["keys"] if one["op"] == "add" and voice_of(one) in voices]
    # If several are stated under one id, those that another author has shown to exist in time come first.
    for one in sorted(added, key=lambda one: "unanchored" not in one):
        key, text = one["key"], one["key"].get("public_key_multibase", "")
        if not key.get("valid_from", now) <= now < key.get("valid_until", now + 1):
            continue
        if "jwk" not in key and not text.startswith(_ED25519):
            continue
        decision = ask(text or key["id"])
        if not may_issue(decision) or "key" in decision.unchecked:
            continue
        jwk = {**key["jwk"], "kid": key["id"]} if "jwk" in key else jwk_of(decode_multibase(text), id=key["id"])
        found[key["id"]] = jwk
        ends += [end for end in (key.get("valid_until"), decision.valid_until) if end is not None]
    return list(found.values()), ends


def historical_keys(url: str, key: WebKey, now: int) -> dict[str, Any]:
    """Return the keys that a node signed with before this one (§8.7)."""
    keys = [
        {**jwk_of(public), "exp": until, "revoked": {"revoked_at": until, "reason": "superseded"}}
        for public, until in key.retired
    ]
    return {"iss": anchor_id(url), "iat": validity(now)["iat"], "keys": keys}


# ------------------------------------------------------------------------------------------------ trust marks


def mark_types(url: str, types: Iterable[str] = ACHIEVEMENT_TYPES) -> list[str]:
    """Return the trust mark types that a node gives for types of achievements, the general one first."""
    return [_mark(url, LISTED), *(_mark(url, f"achievementType/{type}") for type in types)]


def meant_by(url: str, mark_type: str) -> str | None:
    """Return the achievement type of a mark: empty for the general one, None if it is not a mark of this node."""
    found = dict(zip(mark_types(url), ("", *ACHIEVEMENT_TYPES), strict=True))
    return found.get(mark_type)


def mark_claims(url: str, issuer: str, mark_type: str, decision: Decision, now: int) -> dict[str, Any]:
    """Return the claims of a trust mark (§7.1).

    Our own member `unchecked` names limits of the accreditation that the mark cannot express, such as places.
    """
    said = {"iss": anchor_id(url), "sub": issuer, "trust_mark_type": mark_type, **validity(now, decision.valid_until)}
    unchecked = [member for member in decision.unchecked if member != "key"]  # keys are in the issuer's statement
    return {**said, "unchecked": unchecked} if unchecked else said


def _mark(url: str, name: str) -> str:
    return f"{anchor_id(url)}/federation/marks/{name}"


def _first(facts: Sequence[Mapping[str, Any]], member: str) -> str:
    return next((str(each[member]) for each in facts if member in each), "")
