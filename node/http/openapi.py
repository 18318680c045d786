"""Makes the OpenAPI 3.1 document from the application's table of routes.

JSON shapes are msgspec structs and typed dictionaries; their schemas are msgspec's. A test asks every route and checks
the real answer against this document, including members that the document lacks.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from accredit.node.http.handling.request_reading import Param
from accredit.node.http.handling.route import JSON, Route

from . import examples
from .members import describe
from .problems import MEDIA_TYPE, Problem

_CONVERTER: Final = re.compile(r":path\}")
_REF: Final = "#/components/schemas/{name}"
_EVERY_ROUTE: Final = (400, 500)
_REASON: Final = {
    400: "Malformed; `detail` says what and where",
    403: "The sender is not allowed to do this",
    404: "Not found, or not served by this node",
    406: "Not available in a form that the request accepts",
    408: "The body did not arrive in time",
    409: "It cannot be judged yet",
    413: "Too large",
    415: "The body has the wrong media type",
    422: "Well-formed, but refused by a rule",
    429: "Too many requests",
    500: "An error in the node",
    501: "Not available",
    502: "Another machine did not answer correctly",
    503: "Unable to answer now; see Retry-After",
    507: "No space to store it",
}


def document(routes: Sequence[Route], version: str) -> dict[str, Any]:
    """Return the document for `routes`, as plain values; it leaves out pages for people."""
    routes = [route for route in routes if not route.is_page]
    distinct = list(dict.fromkeys([one for route in routes for one in _types(route)] + [Problem]))
    schemas, components = msgspec.json.schema_components(distinct, ref_template=_REF)
    describe(components)
    schema_of = dict(zip(distinct, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(openapi_path(route), {})[route.method.lower()] = _operation(route, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "accredit",
            "summary": "A decentralised trust registry for learning and employment records",
            "version": version,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "tags": [{"name": family} for family in dict.fromkeys(route.family for route in routes)],
        "paths": paths,
        "components": {"schemas": components},
    }


def openapi_path(route: Route) -> str:
    """The route's path as OpenAPI writes it: a parameter is one name in braces."""
    return _CONVERTER.sub("}", route.path)


def operation_id(route: Route) -> str:
    """A stable name for generated clients, as in get_v1_statements_id."""
    return re.sub(r"[^a-z0-9]+", "_", f"{route.method.lower()} {openapi_path(route)}").strip("_")


def _operation(route: Route, schema_of: dict[Any, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": operation_id(route),
        "tags": [route.family],
        "summary": route.about,
        "responses": {},
    }
    if route.gives:
        operation["responses"]["200"] = {"description": "The answer", "content": _content(route.gives, schema_of)}
    if route.params:
        operation["parameters"] = [_parameter(route, param) for param in route.params]
    if route.takes:
        content = _content(route.takes, schema_of)
        if (example := examples.of_body(route)) is not None:
            content[JSON]["example"] = example
        operation["requestBody"] = {"required": True, "content": content}
    own = (408, 413, 415) if route.takes else ()
    for status in sorted({*_EVERY_ROUTE, *own, *route.problems}):
        form = route.errors
        problem = (
            {MEDIA_TYPE: {"schema": schema_of[Problem]}}
            if form is None
            else {form.media_type: {"schema": schema_of[form.shape]}}
        )
        operation["responses"][str(status)] = {"description": _REASON[status], "content": problem}
    for status, (what, shapes) in route.others.items():
        operation["responses"][str(status)] = {"description": what, "content": _content(shapes, schema_of)}
    return operation


def _types(route: Route) -> list[Any]:
    """Every type that the route's shapes are made of."""
    types: list[Any] = [*route.mentions, *([] if route.errors is None else [route.errors.shape])]
    others = [shape for _, shapes in route.others.values() for shape in shapes.values()]
    for shape in (*route.takes.values(), *route.gives.values(), *others):
        types += shape if isinstance(shape, tuple) else [] if shape is None else [shape]
    return types


def _schema(shape: Any, schema_of: dict[Any, Any]) -> Any:
    return {"anyOf": [schema_of[one] for one in shape]} if isinstance(shape, tuple) else schema_of[shape]


def _content(shapes: Any, schema_of: dict[Any, Any]) -> dict[str, Any]:
    # OpenAPI 3.1 §4.8.14.4: bytes need no schema.
    return {
        media_type: {} if shape is None else {"schema": _schema(shape, schema_of)}
        for media_type, shape in shapes.items()
    }


def _parameter(route: Route, param: Param) -> dict[str, Any]:
    example = examples.of_parameter(route, param)
    is_number = param.schema.get("type") == "integer"
    return {
        "name": param.name,
        "in": param.place,
        "required": param.required,
        "description": param.about[:1].upper() + param.about[1:] + ".",
        "schema": dict(param.schema),
        **({} if example is None else {"example": int(example) if is_number else example}),
    }
