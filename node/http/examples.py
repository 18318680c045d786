"""One example for each route, for both `/openapi.json` and `docs/http.md`.

A test sends each of them to a node, with that node's ids in place of these, and checks that every route has one.
"""

from collections.abc import Mapping
from typing import Any, Final

from accredit.node.http.handling.request_reading import Param
from accredit.node.http.handling.route import Route

ISSUER: Final = "did:web:uni.example"
ECOSYSTEM: Final = "https://trust.example/"
COMPETENCY: Final = "https://frameworks.example/sql/joins"
FRAMEWORK: Final = "https://frameworks.example/sql"
HEX_ID: Final = "5f2b8c11" * 8
NODE: Final = "https://node.trust.example"
MARK: Final = f"{NODE}/federation/marks/listed"
TILE: Final = "0/000.p/3"

_PARAMETERS: Final[Mapping[str, str]] = {
    "id": HEX_ID,
    "/v1/issuer?id": ISSUER,
    "/v1/framework?id": FRAMEWORK,
    "/v1/framework/items?id": FRAMEWORK,
    "/v1/framework/items?q": "join",
    "/exports/recognized-entity.json?id": ISSUER,
    "authority": "https://agency.example/",
    "achievement_type": "BachelorDegree",
    "uri": COMPETENCY,
    "sub": ISSUER,
    "trust_mark_type": MARK,
    "trust_anchor": NODE,
    "kid": HEX_ID,
    "step": HEX_ID,
    "conflict": HEX_ID,
    "hash": HEX_ID,
    "hex": "5f2",
    "begin": "5f2b8c11",
    "path": TILE,
    "/v1/issuers?name": "university",
    "/v1/issuers?jurisdiction": "US-IN",
    "/v1/issuers?limit": "20",
    "/v1/changes?since": "2026-11-27T08:00:00Z",
}
"""Parameters by name; one with a special meaning on a route under the route and the name."""

_BODIES: Final[Mapping[str, Any]] = {
    "POST /authorization": {
        "entity_id": ISSUER,
        "authority_id": ECOSYSTEM,
        "action": "issue",
        "resource": "achievementType:BachelorDegree",
        "context": {"time": "2015-05-20T00:00:00Z", "jurisdiction": "US-IN"},
    },
    "POST /recognition": {
        "entity_id": "https://other-trust.example/",
        "authority_id": ECOSYSTEM,
        "action": "recognize",
        "resource": ECOSYSTEM,
    },
    "POST /v1/statements/lookup": {"ids": [HEX_ID]},
    "POST /v1/decisions": {
        "issuer": {"id": ISSUER},
        "achievement_type": "BachelorDegree",
        "issued_on": "2015-05-20",
        "jurisdiction": "US-IN",
    },
}


def of_parameter(route: Route, param: Param) -> str | None:
    """Return an example value of a parameter; None for one that needs no example."""
    return _PARAMETERS.get(f"{route.path}?{param.name}") or (_PARAMETERS.get(param.name) if param.required else None)


def of_body(route: Route) -> Any:
    """Return an example of a JSON body; None if a route takes no body, or bytes that people do not type."""
    return _BODIES.get(f"{route.method} {route.path}")
