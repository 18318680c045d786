"""OpenID Federation 1.0, seen from its trust anchor: what is said of the node itself, and of an issuer below it.

Each node is an anchor of its own; the issuers that may issue now are its direct subordinates. An issuer that may not is
not there: in this form a revocation is the absence of a statement, no later than the last one expires.

The claims of an issuer are those that the Digital Credentials Consortium's verifier shows, besides the standard's.
One trust mark type for each type of achievement is the only place where the form can say what an issuer may issue.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from accredit.registry.decision.decide import Decision
from accredit.registry.decision.issuer_keys import KeyState, key_at
from accredit.registry.domain.record_types import IssuerRecord, VoiceMembers
from accredit.registry.domain.records import standing
from accredit.registry.domain.vocabulary import ACHIEVEMENT_TYPES
from accredit.registry.encoding.ed25519 import decode_multibase

from .tokens import WebKey, jwk_of

ENTITY_STATEMENT: Final = "entity-statement+jwt"
RESOLVED: Final = "resolve-response+jwt"
TRUST_MARK: Final = "trust-mark+jwt"
MARK_STATUS: Final = "trust-mark-status-response+jwt"
KEY_SET: Final = "jwk-set+jwt"
EVENTS: Final = "entity-events-statement+jwt"
"""Types of tokens: `typ`, and behind `application/` their media type."""

LIFETIME: Final = 3_600
"""Seconds for which a statement may be believed without asking again. The standard's readers have nothing else to tell
them of a revocation; an hour is the shorter end of what federations use."""

STEP: Final = 60
"""Statements made within the same so many seconds are the same bytes, so that they can be kept and compared."""

LISTED: Final = "listed"
"""The trust mark of every issuer that may issue something; the others are named for types of achievements."""

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


def anchor_id(url: str) -> str:
    """Return a node's entity identifier: its public address without a final slash."""
    return url.rstrip("/")


def validity(now: int, *ends: int | None) -> dict[str, int]:
    """Return `iat` and `exp` of a statement made now, which ends no later than any of `ends`, seconds."""
    begin = now - now % STEP
    return {"iat": begin, "exp": min([begin + LIFETIME, *(end for end in ends if end is not None)])}


def anchor_claims(url: str, name: str, key: WebKey, now: int) -> dict[str, Any]:
    """Return what a node says of itself (§3): its key, its endpoints, and that it alone issues its trust marks."""
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


def issuer_claims(url: str, record: IssuerRecord, decision: Decision, now: int) -> dict[str, Any]:
    """Return what a node says of an issuer that may issue (§3, a subordinate statement).

    Args:
        decision: by which it may: whose facts and keys count.
    """
    anchor = anchor_id(url)
    return {
        "iss": anchor,
        "sub": record["id"],
        **validity(now, decision.valid_until),
        "jwks": {"keys": keys_of(record, decision, now)},
        "metadata": issuer_metadata(record, decision),
        "source_endpoint": f"{anchor}/federation/fetch",
    }


def issuer_metadata(record: IssuerRecord, decision: Decision) -> dict[str, dict[str, str]]:
    """Return an issuer's metadata by entity type; members without a value are left out: readers refuse nulls."""
    stated = sorted(standing(record["stated"]), key=lambda each: (each["by"], each["via"]) not in decision.chain)
    facts = [each["facts"] for each in stated]  # of those whose word the decision rests on first
    identifiers = {one["scheme"]: one["value"] for each in reversed(facts) for one in each.get("identifiers", ())}
    metadata = {
        "federation_entity": {
            "organization_name": decision.issuer_name or record["id"],
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


def keys_of(record: IssuerRecord, decision: Decision, now: int) -> list[dict[str, Any]]:
    """Return the keys with which an issuer signs credentials now, as JWKs under the ids of their methods.

    Only authorities on whose word the decision rests may state and end them. Kinds that have no JWK here are left out.
    """

    def counts(said: VoiceMembers) -> bool:
        return (said["by"], said["via"]) in decision.chain

    found: dict[str, dict[str, Any]] = {}
    for added in record["keys"]:
        if added["op"] != "add" or not counts(added):
            continue
        key = added["key"]
        if key_at(record, key["id"], now, counts).state is not KeyState.GOOD:
            continue
        if "jwk" in key:
            found[key["id"]] = {"kid": key["id"], **key["jwk"]}
        elif key.get("public_key_multibase", "").startswith(_ED25519):
            found[key["id"]] = jwk_of(decode_multibase(key["public_key_multibase"]), id=key["id"])
    return list(found.values())


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
    """Return the type of achievement that a mark is for: empty for the general one, None if it is not of this node."""
    found = dict(zip(mark_types(url), ("", *ACHIEVEMENT_TYPES), strict=True))
    return found.get(mark_type)


def mark_claims(url: str, issuer: str, mark_type: str, decision: Decision, now: int) -> dict[str, Any]:
    """Return the claims of a trust mark (§7.1).

    `unchecked`, a member of ours, names what the accreditation limits and the mark cannot say, such as places.
    """
    said = {"iss": anchor_id(url), "sub": issuer, "trust_mark_type": mark_type, **validity(now, decision.valid_until)}
    unchecked = [member for member in decision.unchecked if member != "key"]  # keys are in the issuer's statement
    return {**said, "unchecked": unchecked} if unchecked else said


def _mark(url: str, name: str) -> str:
    return f"{anchor_id(url)}/federation/marks/{name}"


def _first(facts: Sequence[Mapping[str, Any]], member: str) -> str:
    return next((str(each[member]) for each in facts if member in each), "")
