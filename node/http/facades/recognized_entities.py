"""W3C Recognized Entities 1.0: credentials that list the entities an authority recognises, and for what.

There are two kinds of file, because some readers trust all subjects of a file, and must not trust more than they
intended:

* *issuers*: those whom one authority has accredited and who may issue now, each with the types of achievements;
* *authorities*: those below an authority, or below the ecosystem, and this node, which signs all of these credentials.

`issuer.recognizedIn` leads from an authority's issuers to the file that lists the authority, and so up to the
ecosystem, whose credential has none. Each credential is this node's view of the registry, and not signed by the
authority.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from accredit.registry.encoding import jcs, rfc3339
from accredit.registry.encoding.ed25519 import did_key

from .data_integrity import digest_multibase, secure
from .federation_claims import anchor_id, validity
from .tokens import WebKey

CONTEXT: Final = ["https://www.w3.org/ns/credentials/v2", "https://www.w3.org/ns/credentials/recognized-entities/v1"]

_SCHEMA: Final = "https://json-schema.org/draft/2020-12/schema"


def issuers_url(url: str, authority: str) -> str:
    """Return the URL of an authority's issuers."""
    return f"{anchor_id(url)}/exports/recognized-entities.json?authority={quote(authority, safe='')}"


def authorities_url(url: str, above: str) -> str:
    """Return the URL of the authorities below an authority, or below the ecosystem."""
    return f"{anchor_id(url)}/exports/recognized-authorities.json?authority={quote(above, safe='')}"


def schema_url(url: str, achievement: str) -> str:
    """Return the URL of the schema of credentials for a type of achievement."""
    return f"{anchor_id(url)}/exports/achievement-schema.json?achievement_type={quote(achievement, safe='')}"


def credential(
    key: WebKey,
    subjects: Sequence[Mapping[str, Any]],
    *,
    id: str,
    name: str,
    above: str | None,
    now: int,
    until: int | None = None,
) -> dict[str, Any]:
    """Return a signed credential about these subjects.

    Args:
        id: its URL.
        name: of the authority that recognises them.
        above: the URL of the file that lists that authority; None for the ecosystem.
        until: when the first part of its content expires, seconds.
    """
    times = validity(now, until)
    issuer: dict[str, Any] = {"id": did_key(key.signer.public_key), "type": "RecognizedIssuer", "name": name}
    if above is not None:
        issuer["recognizedIn"] = {"id": above, "type": "RecognizedEntityCredential"}
    document = {
        "@context": CONTEXT,
        "id": id,
        "type": ["VerifiableCredential", "RecognizedEntityCredential"],
        "issuer": issuer,
        "validFrom": rfc3339.text(times["iat"]),
        "validUntil": rfc3339.text(times["exp"]),
        "credentialSubject": list(subjects),
    }
    return secure(document, key.signer, created=times["iat"])


def issuer_subject(
    url: str, id: str, metadata: Mapping[str, Mapping[str, str]], authority: str, achievements: Sequence[str]
) -> dict[str, Any]:
    """Return an issuer as a subject.

    Args:
        metadata: as `federation_claims.issuer_metadata` has it.
        achievements: types that it may issue, at least one: a subject without any may issue anything.
    """
    facts = metadata["federation_entity"]
    said = {
        "id": id,
        "type": "RecognizedEntity",
        "name": facts["organization_name"],
        "legalName": metadata.get("institution_additional_information", {}).get("legal_name"),
        "url": facts.get("homepage_uri"),
    }
    assert achievements, "one without would be unlimited"
    action: dict[str, Any] = {"type": "RecognizedAction", "action": "issue", "recognizedBy": authority}
    action["outputValidation"] = [_validation(url, achievement) for achievement in achievements]
    return {**{member: value for member, value in said.items() if value}, "recognizedTo": action}


def authority_subject(id: str, name: str, above: str) -> dict[str, Any]:
    """Return an authority, or this node, as a subject that may recognise others."""
    action = {"type": "RecognizedAction", "action": "recognize", "recognizedBy": above}
    return {"id": id, "type": "RecognizedEntity", "name": name, "recognizedTo": action}


def schema(url: str, achievement: str) -> dict[str, Any]:
    """Return the JSON Schema that a credential for a type of achievement satisfies (Open Badges 3.0, CLR 2.0)."""

    def having(member: str, value: dict[str, Any]) -> dict[str, Any]:
        return {"type": "object", "required": [member], "properties": {member: value}}

    subject = having("achievement", having("achievementType", {"const": achievement}))
    return {
        "$schema": _SCHEMA,
        "$id": schema_url(url, achievement),
        "title": f"A credential for an achievement of the type {achievement}",
        **having("credentialSubject", {"anyOf": [subject, {"type": "array", "items": subject, "minItems": 1}]}),
    }


def _validation(url: str, achievement: str) -> dict[str, str]:
    digest = digest_multibase(jcs.encode(schema(url, achievement)))
    return {"id": schema_url(url, achievement), "type": "JsonSchema", "digestMultibase": digest}
