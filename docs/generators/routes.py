"""`docs/http.md`: every route, from the table that the application itself is made of."""

import json
import shlex
from collections.abc import Mapping
from typing import Any, Final

from accredit.node.http import examples
from accredit.node.http.app import table as routes
from accredit.node.http.handling.request_reading import ANY, Param
from accredit.node.http.handling.route import Route
from accredit.node.http.openapi import document, openapi_path
from docs.generators._page import code, rewrite, table

PAGE: Final = "http.md"

_FAMILIES: Final = {
    "trqp": "TRQP 2.0",
    "decisions": "Decisions",
    "registry": "What is in the registry",
    "outcomes": "What it adds up to",
    "statements": "Statements and votes",
    "ecosystem": "The ecosystem",
    "log": "The log",
    "state": "The common state",
    "witness": "Witnessing",
    "exports": "Exports",
    "peers": "Between nodes",
    "operations": "Operation",
    "explorer": "The explorer: pages for people, in no OpenAPI document",
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


def command(route: Route) -> str:
    """The line that asks a route for its example, for a shell in which `NODE` is the node's URL."""
    path, query = openapi_path(route), []
    for param in route.params:
        example = examples.of_parameter(route, param)
        if example is not None and param.place == "path":
            path = path.replace(f"{{{param.name}}}", example)
        elif example is not None:
            query.append(f" --data-urlencode {shlex.quote(f'{param.name}={example}')}")
    words = f"curl -s{' -G' if query else ''} $NODE{path}{''.join(query)}"
    if not route.takes:
        return words
    media_type = next(iter(route.takes))
    named = "" if media_type == ANY else f" -H 'content-type: {media_type}'"
    body = examples.of_body(route)
    if body is not None:
        return f"{words}{named} -d '{json.dumps(body, indent=2)}'"
    return f"{words}{named} --data-binary @{_FILES[_name(route)]}"


_FILES: Final[Mapping[str, str]] = {
    "POST /v1/statements": "statement.cose",
    "POST /v1/dry-run": "draft.cbor",
    "POST /v1/cosignatures": "cosignature.cbor",
    "POST /v1/conflicts": "conflict.cbor",
    "POST /witness/add-checkpoint": "add-checkpoint",
    "POST /gossip": "frame.cose",
    "POST /federation/trust-mark-status": "trust-mark.form",
}
"""Bodies that are bytes: a file with one."""


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
                (f"**{code(one)}**" if one in required else code(one), held(schema), str(schema["description"]))
                for one, schema in members.items()
            )
            parts.append(table(("member", "holds", "what"), rows))
    return "\n\n".join(parts)


def held(schema: Mapping[str, Any]) -> str:
    """What a JSON Schema accepts, in a few words."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(held(one) for one in schema["anyOf"]))
    if "enum" in schema:
        return "one of " + ", ".join(code(str(word)) for word in schema["enum"])
    match schema.get("type"):
        case "array":
            return f"a list of {held(schema.get('items', {}))}"
        case "object" if isinstance(schema.get("additionalProperties"), Mapping):
            return f"a map to {held(schema['additionalProperties'])}"
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
    return "\n".join([*lines, "", "```sh", command(route), "```"])


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
