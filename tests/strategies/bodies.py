"""Small valid bodies for stories about governance."""

from typing import Any

from accredit.registry.domain.frameworks import items_root

ISSUER = "did:web:college.example"
SCOPE: dict[str, Any] = {"credential_types": "*", "achievement_types": ["Degree"], "jurisdictions": ["US"]}


def grant(issuer: str = ISSUER, **changes: Any) -> dict[str, Any]:
    """An `accreditation.grant`."""
    body = {"issuer": issuer, "kind": "accredit", "level": "institutional", "scope": SCOPE, "valid_from": 0}
    return body | changes


def register(issuer: str = ISSUER, **changes: Any) -> dict[str, Any]:
    """An `issuer.register`."""
    return {"id": issuer, "name": f"The issuer {issuer}"} | changes


def event(accreditation: bytes, event: str, effective_from: int = 1_700_000_000, **changes: Any) -> dict[str, Any]:
    """An `accreditation.status`."""
    body = {"accreditation": accreditation, "event": event, "effective_from": effective_from, "after": []}
    return body | changes


def delegation(delegate: str, keys: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    """An `authority.delegate` for issuers and accreditations."""
    body = {
        "delegate": delegate,
        "name": f"Delegate {delegate}",
        "constituency": "education",
        "actions": ["issuer.*", "accreditation.*"],
        "limits": {},
        "keys": keys,
        "threshold": 1,
        "valid_from": 0,
    }
    return body | changes


def node(name: str, operator: str = "https://a.example/") -> dict[str, Any]:
    """A `node.admit`."""
    from tests.strategies.consortium import Pen

    roles = ("peer", "log", "witness", "state")
    return {
        "name": name,
        "operator": operator,
        "url": f"https://{name}/",
        "keys": {role: Pen(f"{name} {role}", operator).public for role in roles},
    }


def recognition(id: str = "https://abroad.example/") -> dict[str, Any]:
    """A `recognition.grant`."""
    return {"id": id, "name": "A consortium abroad", "actions": ["issue"]}


FRAMEWORK = "https://skills.example/framework"
PARTS: tuple[list[dict[str, Any]], ...] = (
    [{"id": f"{FRAMEWORK}/1", "statement": "Reads", "aliases": ["urn:example:reading"]}],
    [{"id": f"{FRAMEWORK}/2", "statement": "Writes", "label": "Writing", "parents": [f"{FRAMEWORK}/1"]}],
)


def framework(id: str = FRAMEWORK) -> dict[str, Any]:
    """A `framework.publish` of the two items in `PARTS`."""
    return {
        "id": id,
        "title": "Skills",
        "version": "1",
        "format": "csv",
        "content_digest": bytes(32),
        "item_count": sum(map(len, PARTS)),
        "items_root": items_root(item for part in PARTS for item in part),
    }


def framework_items(publish: bytes, part: int, id: str = FRAMEWORK) -> dict[str, Any]:
    """One part of it as `framework.items`."""
    return {"framework": id, "publish": publish, "part": part, "items": PARTS[part]}
