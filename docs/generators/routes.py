"""`docs/http.md`: every route, from the table that the application itself is made of."""

from collections.abc import Mapping
from typing import Any, Final

from accredit.node.http.app import table as routes
from accredit.node.http.openapi import openapi_path
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
    return "\n\n".join(parts)


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
    return "\n".join(lines)


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
