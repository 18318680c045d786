"""`docs/http.md`: every route, from the table that the application itself is made of."""

import json
from collections.abc import Mapping
from typing import Any, Final

from accredit.node.http.app import table as routes
from accredit.node.http.openapi import document, openapi_path
from accredit.node.http.routes.request_reading import Param
from accredit.node.http.routes.route import Route
from docs.generators._page import code, rewrite, table

PAGE: Final = "http.md"

_FAMILIES: Final = {
    "trqp": "TRQP 2.0",
    "decisions": "Decisions",
    "registry": "What is in the registry",
    "statements": "Statements and votes",
    "ecosystem": "The ecosystem",
    "log": "The log",
    "state": "The common state",
    "witness": "Witnessing",
    "exports": "Exports",
    "peers": "Between nodes",
    "operations": "Operation",
}


def text() -> str:
    """One section a family, with a table of its routes and what each takes and gives."""
    everything = routes()
    families = list(dict.fromkeys(route.family for route in everything))
    parts = []
    for family in families:
        mine = [route for route in everything if route.family == family]
        overview = table(("route", "what"), ((code(_name(route)), route.about) for route in mine))
        parts.append(
            "\n\n".join(
                [f"## {_FAMILIES.get(family, family.capitalize())}", overview, *(_details(route) for route in mine)]
            )
        )
    return "\n\n".join([*parts, _every_shape()])


EXAMPLES: Final[Mapping[str, Any]] = {
    "POST /authorization": {
        "entity_id": "did:web:uni.example",
        "authority_id": "https://trust.example/",
        "action": "issue",
        "resource": "achievementType:BachelorDegree",
        "context": {"time": "2015-05-20T00:00:00Z", "jurisdiction": "US-IN"},
    },
    "POST /recognition": {
        "entity_id": "https://other-trust.example/",
        "authority_id": "https://trust.example/",
        "action": "recognize",
        "resource": "https://trust.example/",
    },
    "POST /v1/decisions": {
        "issuer": {"id": "did:web:uni.example"},
        "achievement_type": "BachelorDegree",
        "issued_on": "2015-05-20",
        "jurisdiction": "US-IN",
    },
}
"""A question for each route that takes one; a test asks each of them of a node."""


def _example(route: Route) -> list[str]:
    question = EXAMPLES.get(_name(route))
    if question is None:
        return []
    body = json.dumps(question, indent=2)
    asked = f"curl -s $NODE{route.path} -H 'content-type: application/json' -d '{body}'"
    return ["", "```sh", asked, "```"]


def _every_shape() -> str:
    """Each shape of a request or an answer with all its members, as the OpenAPI document has them."""
    shapes = document(routes(), "0")["components"]["schemas"]
    parts = [
        "## Members of every request and answer",
        "Members that are always there (in an answer) or must be given (in a request) are in **bold**.",
    ]
    for name in sorted(shapes):
        shape = shapes[name]
        members = shape.get("properties", {})
        required = shape.get("required", ())
        about = str(shape.get("description", "")).split("\n\n")[0].replace("\n", " ")
        parts.append(f"### {name}" + (f"\n\n{about}" if about else ""))
        if members:
            rows = (
                (f"**{code(one)}**" if one in required else code(one), _holds(schema), str(schema["description"]))
                for one, schema in members.items()
            )
            parts.append(table(("member", "holds", "what"), rows))
    return "\n\n".join(parts)


def _holds(schema: Mapping[str, Any]) -> str:
    """What a JSON Schema accepts, in a few words."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_holds(one) for one in schema["anyOf"]))
    if "enum" in schema:
        return "one of " + ", ".join(code(str(word)) for word in schema["enum"])
    match schema.get("type"):
        case "array":
            return f"a list of {_holds(schema.get('items', {}))}"
        case "object" if isinstance(schema.get("additionalProperties"), Mapping):
            return f"a map to {_holds(schema['additionalProperties'])}"
        case str(word):
            return {"string": "text", "boolean": "true or false", "object": "an object", "null": "null"}.get(word, word)
        case _:
            return "any value"


def _name(route: Route) -> str:
    return f"{route.method} {openapi_path(route)}"


def _details(route: Route) -> str:
    lines = [f"### {_name(route)}", ""]
    if route.params:
        lines += [table(("parameter", "in", "holds", ""), (_parameter(param) for param in route.params)), ""]
    if route.takes:
        lines.append(f"* Takes {_shapes(route.takes)}, at most {_size(route.max_bytes)}.")
    lines.append(f"* Gives {_shapes(route.gives)}.")
    if route.problems:
        lines.append(f"* May answer {', '.join(map(str, sorted(route.problems)))}, besides 400 and 500.")
    if not route.is_public:
        lines.append("* Web pages of others may not read it (no CORS).")
    return "\n".join([*lines, *_example(route)])


def _parameter(param: Param) -> tuple[str, str, str, str]:
    schema = param.schema
    if "enum" in schema:
        holds = "one of " + ", ".join(code(str(word)) for word in schema["enum"])
    elif schema.get("type") == "integer":
        holds = f"{schema['minimum']} to {schema['maximum']}"
    else:
        holds = f"matches {code(schema['pattern'])}" if "pattern" in schema else "text"
    needed = "required" if param.required else f"default {param.default}" if param.default is not None else ""
    return code(param.name), param.place, holds, "; ".join(part for part in (param.about, needed) if part)


def _shapes(shapes: Mapping[str, Any]) -> str:
    """Media types, each with the names that its shapes have in the OpenAPI document."""
    named = []
    for media_type, shape in shapes.items():
        kinds = shape if isinstance(shape, tuple) else () if shape is None else (shape,)
        names = [_type_name(kind) for kind in kinds if kind is not dict]
        named.append(code(media_type) + (f" ({' or '.join(names)})" if names else ""))
    return " or ".join(named)


def _type_name(kind: Any) -> str:
    arguments = getattr(kind, "__args__", ())
    return f"a list of {_type_name(arguments[0])}" if arguments else str(kind.__name__)


def _size(octets: int) -> str:
    return f"{octets // 2**20} MiB" if octets >= 2**20 else f"{octets // 2**10} KiB"


if __name__ == "__main__":
    rewrite(PAGE, text())
