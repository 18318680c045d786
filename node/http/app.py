"""The ASGI application: the table of routes, and what every request has in common.

* an answer is the handler's, or problem details (`node.http.problems`), also for an unknown path or method; never a
  traceback, whatever came in;
* `X-Request-ID` is echoed, cut down to harmless characters, or made up; the log names it where something failed;
* public routes may be read by web pages of others (CORS, without credentials); `OPTIONS` says so;
* `GET` answers carry an entity tag and are 304 where the asker holds them already (RFC 9110 §13.1.2);
* `HEAD` is `GET` without the body.

Nothing here imports trio, so that another ASGI server can run the same application in a process of its own.
"""

import hashlib
import logging
import re
import secrets
from collections.abc import Sequence
from time import perf_counter
from typing import Final

import msgspec
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from accredit.node.http.routes.node_ports import ReadableNode, WitnessDoor, Writer
from accredit.node.http.routes.rate_limit import Pace
from accredit.node.http.routes.request_reading import read_params
from accredit.node.http.routes.route import JSON, STREAM_SECONDS, ApplicationState, Call, Route, bytes_response
from accredit.node.telemetry import Metrics, event
from accredit.registry.errors import AccreditError, InputError, StorageError

from .forwarded import IpNetwork
from .openapi import document
from .problems import internal_problem, problem_of, problem_response
from .routes import (
    changes,
    conflicts,
    decisions,
    ecosystem,
    exports,
    gossip,
    log,
    notes,
    offline,
    operations,
    presence,
    registry,
    statements,
    trqp,
    witness,
)

REQUEST_ID_CHARS: Final = 64

URGENT_PER_MINUTE: Final = 600
"""Urgent statements of one key that do not wait behind others of its address. A guess: a body's worst day."""

NOTES_PER_MINUTE: Final = 1_200
"""Cosignatures taken from one address: sixteen signers behind it that tell one a second, and some more. A guess."""

_NOT_IN_REQUEST_ID: Final = re.compile(r"[^A-Za-z0-9._:/=@-]")
_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "POST"})  # others are whatever the other side makes up
_EXPOSED: Final = "ETag, Retry-After, X-Request-ID"
_PREFLIGHT: Final = {
    "access-control-allow-headers": "Accept, Content-Type, If-None-Match, Last-Event-ID, X-Request-ID",
    "access-control-max-age": "86400",
}

_log = logging.getLogger(__name__)

FAMILIES: Final = (
    *(trqp, decisions, registry, changes, statements, presence, ecosystem),
    *(notes, conflicts, offline, log, witness, exports, gossip, operations),
)
"""In the order of the document, and of matching: the most asked first."""


def table() -> tuple[Route, ...]:
    """Every route, the OpenAPI document's own among them."""
    routes = [route for family in FAMILIES for route in family.ROUTES]

    async def openapi(call: Call) -> Response:
        body = msgspec.json.encode(document(everything, call.reader.version))
        return bytes_response(body, JSON)

    own = Route(
        method="GET",
        path="/openapi.json",
        handler=openapi,
        family="operations",
        about="This document",
        gives={JSON: dict},
    )
    everything = (*routes, own)
    return everything


def create_app(
    reader: ReadableNode,
    writer: Writer | None = None,
    *,
    witness: WitnessDoor | None = None,
    max_body_bytes: int = 4 * 1024 * 1024,
    submissions_per_minute: int = 6_000,
    proxies: Sequence[IpNetwork] = (),
    proxy_header: str = "x-forwarded-for",
    stream_seconds: float = STREAM_SECONDS,
) -> Starlette:
    """The application.

    Args:
        reader: what the node holds.
        writer: the node's door for statements and gossip; without it, only questions are answered.
        witness: the node as a witness of others' logs; without it, it is none.
        max_body_bytes, submissions_per_minute, proxy_header: as in `node.settings`.
        proxies: networks of the trusted ones.
        stream_seconds: how long a stream of changes lasts.
    """
    shared = ApplicationState(
        pace=Pace(submissions_per_minute),
        urgent_pace=Pace(URGENT_PER_MINUTE),
        note_pace=Pace(NOTES_PER_MINUTE),
        max_body_bytes=max_body_bytes,
        proxies=proxies,
        proxy_header=proxy_header,
        stream_seconds=stream_seconds,
    )
    by_path: dict[str, list[Route]] = {}
    for route in table():
        by_path.setdefault(route.path, []).append(route)
    app = Starlette(
        routes=[
            StarletteRoute(path, _Endpoint(rows, reader, writer, witness, shared)) for path, rows in by_path.items()
        ],
        exception_handlers={HTTPException: _unrouted},
        middleware=[Middleware(_Edge, metrics=reader.metrics)],
    )
    app.router.redirect_slashes = False  # one thing, one address
    return app


async def _unrouted(request: Request, error: Exception) -> Response:
    """A path outside the table; methods are judged by `_Endpoint`."""
    assert isinstance(error, HTTPException)
    return problem_response(
        problem_of(
            InputError("not_found", f"there is nothing at {request.url.path[:200]!r}.", hint="See /openapi.json.")
        )
    )


class _Endpoint:
    """All the routes of one path."""

    def __init__(
        self,
        routes: Sequence[Route],
        reader: ReadableNode,
        writer: Writer | None,
        witness: WitnessDoor | None,
        shared: ApplicationState,
    ) -> None:
        self._routes = {route.method: route for route in routes}
        if "GET" in self._routes:
            self._routes["HEAD"] = self._routes["GET"]
        self._allowed = ", ".join(sorted([*self._routes, "OPTIONS"]))
        self._is_public = any(route.is_public for route in routes)
        self._reader = reader
        self._writer = writer
        self._witness = witness
        self._shared = shared

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await self._answer(request)
        if self._is_public:
            response.headers["access-control-allow-origin"] = "*"
            response.headers["access-control-expose-headers"] = _EXPOSED
        scope["accredit.route"] = next(iter(self._routes.values())).path
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        method = request.method
        if method == "OPTIONS":
            headers = {"allow": self._allowed}
            if self._is_public:
                headers |= {"access-control-allow-methods": self._allowed, **_PREFLIGHT}
            return Response(status_code=204, headers=headers)
        try:
            route = self._routes.get(method)
            if route is None:
                error = InputError("method_not_allowed", f"{method[:20]!r} is not answered here.", hint=self._allowed)
                return problem_response(problem_of(error), headers={"allow": self._allowed})
            params = read_params(request, route.params)
            call = Call(
                reader=self._reader,
                writer=self._writer,
                witness=self._witness,
                shared=self._shared,
                request=request,
                route=route,
                params=params,
            )
            return _conditional(request, await route.handler(call))
        except AccreditError as error:
            if isinstance(error, StorageError):
                event(_log, logging.ERROR, "storage", code=error.code, request=request_id(request), reason=str(error))
            return problem_response(problem_of(error))
        except Exception as error:
            event(_log, logging.ERROR, "internal error", error=error, request=request_id(request))
            return problem_response(internal_problem(request_id(request)))


def request_id(request: Request) -> str:
    """The request's id, as `_Edge` has put it into the scope."""
    return str(request.scope.get("accredit.request_id", ""))


def _conditional(request: Request, response: Response) -> Response:
    """`response`, or 304 if the asker holds what it says. RFC 9110 §13.1.2: weak comparison, `*` matches anything."""
    body = getattr(response, "body", None)  # a stream has none
    if request.method not in ("GET", "HEAD") or response.status_code != 200 or not isinstance(body, bytes):
        return response
    etag = response.headers.setdefault("etag", f'"{hashlib.sha256(body).hexdigest()[:32]}"')
    held = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if etag.removeprefix("W/") not in held and "*" not in held:
        return response
    kept = {name: response.headers[name] for name in ("etag", "cache-control", "vary") if name in response.headers}
    return Response(status_code=304, headers=kept)


class _Edge:
    """Around everything: request id, no body to `HEAD`, figures."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        identity = _request_id(scope)
        scope["accredit.request_id"] = identity
        is_head = scope["method"] == "HEAD"
        status = 500

        async def send_edged(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = identity
                headers["x-content-type-options"] = "nosniff"
            elif is_head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        try:
            await self._app(scope, receive, send_edged)
        finally:
            route = scope.get("accredit.route", "other")
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._metrics.http_requests.labels(method, route, str(status)).inc()
            self._metrics.http_seconds.labels(route).observe(perf_counter() - started)


def _request_id(scope: Scope) -> str:
    sent = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    harmless = _NOT_IN_REQUEST_ID.sub("", sent[: 4 * REQUEST_ID_CHARS].decode("latin-1"))[:REQUEST_ID_CHARS]
    return harmless or secrets.token_hex(8)
