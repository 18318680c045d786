"""An ecosystem with nodes, for tests of engines and whole nodes: a `Consortium` whose genesis names them."""

from typing import Any

from accredit.registry.encoding.ed25519 import public_of
from tests.strategies.bodies import event, grant, register
from tests.strategies.consortium import Consortium, seed_of

A, B, C = "https://a.example/", "https://b.example/", "https://c.example/"
ISSUER = "did:web:college.example"


def node_entry(name: str, url: str | None = None) -> dict[str, Any]:
    """A node as a charter or `node.admit` names it."""
    keys = {role: public_of(node_seed(name, role)) for role in ("peer", "log", "witness", "state")}
    return {"name": name, "operator": A, "url": url or f"https://{name}", "keys": keys}


def node_seed(name: str, role: str) -> bytes:
    """The secret of one of a node's keys."""
    return seed_of(f"{name} {role}")


def founded(*nodes: str, approve: bool = True, urls: dict[str, str] | None = None) -> Consortium:
    """Three authorities and these nodes."""
    entries = [node_entry(name, (urls or {}).get(name)) for name in nodes]
    return Consortium.of((A, "nonprofit"), (B, "public"), (C, "public"), approve=approve, nodes=entries)


def issuer_body(number: int = 0) -> dict[str, Any]:
    """An issuer; each number another one."""
    return {"id": f"{ISSUER}:{number}", "name": f"College {number}"}


def storied(host: str, many: int) -> Consortium:
    """Return `founded(host)` after at least `many` statements, of which some took effect and ceased to."""
    town, number = founded(host), 0
    while len(town.said) < many:
        issuer = f"did:web:i{number}.example"
        town.says(A, "issuer.register", register(issuer))
        granted = town.says(B, "accreditation.grant", grant(issuer))
        if number % 3 == 0:
            town.says(B, "accreditation.status", event(granted.id, "suspend"), issuer)
        number += 1
    return town
