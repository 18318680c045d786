"""The ASGI application: the table of routes, and what every request has in common.

* an answer comes from the handler, or is problem details (`node.http.problems`), even for an unknown path or method; it
  is never a traceback, whatever the input;
* `X-Request-ID` is echoed, reduced to harmless characters, or generated; the log names it if a request failed;
* other sites' pages may read public routes (CORS, without credentials); `OPTIONS` says so;
* `GET` answers carry an entity tag and are 304 if the client already has them (RFC 9110 §13.1.2);
* `HEAD` is `GET` without the body.

This module does not import trio, so that another ASGI server can run the same application in its own process.
"""

import hashlib
import logging
import re
import secrets
from collections.abc import Callable, Container, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import count
from time import perf_counter
from types import ModuleType
from typing import Final

import msgspec

from accredit.node.faults import tell
from accredit.node.http.exchange import AsgiMessage, AsgiReceive, AsgiScope, AsgiSend, HttpRequest, Response
from accredit.node.http.facades.tokens import WebKey
from accredit.node.http.handling.node_ports import ReadableNode, WitnessDoor, Writer
from accredit.node.http.handling.rate_limit import KEY_SHARES, Pace
from accredit.node.http.handling.request_reading import read_params
from accredit.node.http.handling.route import (
    JSON,
    STREAM_SECONDS,
    AnswerDesk,
    ApplicationState,
    Call,
    Route,
    bytes_response,
)
from accredit.registry.errors import AccreditError, InputError, StorageError, without_frames

from .explorer import table as explorer_pages
from .explorer.frame import accepts_pages, problem_page
from .forwarded import IpNetwork
from .http1 import RequestHead, encode_fields, encode_head
from .openapi import document
from .problems import Problem, internal_problem, problem_of, problem_response
from .routes import (
    changes,
    conflicts,
    decisions,
    ecosystem,
    exports,
    federation,
    frameworks,
    gossip,
    log,
    many_statements,
    notes,
    offline,
    operations,
    outcomes,
    presence,
    recognized_entities,
    registry,
    statements,
    timeline,
    trqp,
    witness,
)

REQUEST_ID_CHARS: Final = 64

URGENT_PER_MINUTE: Final = 600
"""Urgent statements of one key a minute that do not wait behind others from its address. A guess: a body's worst
day."""

NOTES_PER_MINUTE: Final = 1_200
"""Cosignatures a minute from one address: sixteen signers behind it with one a second each, and some more. A guess."""

_NOT_IN_REQUEST_ID: Final = re.compile(r"[^A-Za-z0-9._:/=@-]")
_OWN_IDS: Final = secrets.token_hex(4) + "-"  # of this process; its requests are counted behind it
_NUMBERS: Final = count(1)
_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "POST"})  # other methods are chosen freely by the other side
_READABLE: Final = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"ETag, Retry-After, X-Request-ID"),
]
_OF_304: Final = ("etag", "cache-control", "vary")  # RFC 9110 §15.4.5
_PARAMETER: Final = re.compile(r"{([a-z_]+)(:path)?}")
_PAGES: Final = "/explore"
_NO_SNIFFING: Final = (b"x-content-type-options", b"nosniff")
_PREFLIGHT: Final = {
    "access-control-allow-headers": "Accept, Content-Type, If-None-Match, Last-Event-ID, X-Request-ID",
    "access-control-max-age": "86400",
}

_log = logging.getLogger(__name__)

FAMILIES: Final = (
    *(trqp, decisions, registry, frameworks, timeline, changes, statements, many_statements, presence, ecosystem),
    *(
        notes,
        conflicts,
        offline,
        log,
        witness,
        exports,
        federation,
        recognized_entities,
        gossip,
        operations,
        explorer_pages,
        outcomes,
    ),
)
"""In the order of the document and of matching, the most requested first."""


SHARED: Final = (
    trqp,
    decisions,
    registry,
    frameworks,
    timeline,
    statements,
    presence,
    ecosystem,
    offline,
    log,
    exports,
)
"""Families that read only committed data; query workers answer them too."""

Prepared = Callable[[bytes], tuple[bytes, bytes] | None]
"""From a body to the answer: its head up to the length of its body, each line ended, and the body."""


def _is_shared(family: ModuleType, route: Route) -> bool:
    return family in SHARED and (route.method == "GET" or family in (trqp, decisions))


def table() -> tuple[Route, ...]:
    """Every route, the OpenAPI document's own among them."""
    routes = [replace(row, is_shared=_is_shared(family, row)) for family in FAMILIES for row in family.ROUTES]

    async def openapi(call: Call) -> Response:
        version = call.reader.version
        body = call.shared.keep("openapi", version, lambda: msgspec.json.encode(document(everything, version)))
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
    web_key: WebKey | None = None,
    max_body_bytes: int = 4 * 1024 * 1024,
    submissions_per_minute: int = 20_000,
    proxies: Sequence[IpNetwork] = (),
    proxy_header: str = "x-forwarded-for",
    stream_seconds: float = STREAM_SECONDS,
    explorer: bool = True,
    paths: Container[str] | None = None,
) -> "Application":
    """The application.

    Args:
        reader: reads the node's data.
        writer: takes statements and gossip in; without it, the application only answers questions.
        witness: the node as a witness of others' logs; None: it is not a witness.
        web_key: signs the formats of other ecosystems; without it, these routes do not exist.
        max_body_bytes, submissions_per_minute, proxy_header: as in `node.settings`.
        proxies: networks of the trusted ones.
        stream_seconds: how long a stream of changes lasts.
        explorer: whether pages for people are served.
        paths: the paths to serve, spelled as in the table; None: all of them.
    """
    shared = ApplicationState(
        pace=Pace(submissions_per_minute),
        key_pace=Pace(KEY_SHARES * submissions_per_minute),
        urgent_pace=Pace(URGENT_PER_MINUTE),
        note_pace=Pace(NOTES_PER_MINUTE),
        max_body_bytes=max_body_bytes,
        proxies=proxies,
        proxy_header=proxy_header,
        stream_seconds=stream_seconds,
        has_explorer=explorer,
    )
    by_path: dict[str, list[Route]] = {}
    for route in table():
        if (route.is_page and not explorer) or (paths is not None and route.path not in paths):
            continue
        by_path.setdefault(route.path, []).append(route)
    endpoints = [_Endpoint(rows, reader, writer, witness, web_key, shared) for rows in by_path.values()]
    elsewhere = [] if paths is None else [route.path for route in table() if route.path not in paths]
    return Application(endpoints, reader, AnswerDesk(reader, shared), has_explorer=explorer, elsewhere=elsewhere)


class Application:
    """The ASGI application: finds the endpoint, completes and sends its answer, and counts it.

    It has no layers of a framework, because these take more time than deciding a question. Only the table says what
    each route accepts and answers.
    """

    def __init__(
        self,
        endpoints: Sequence["_Endpoint"],
        reader: ReadableNode,
        desk: AnswerDesk,
        *,
        has_explorer: bool,
        elsewhere: Sequence[str] = (),
    ) -> None:
        """Make it.

        Args:
            elsewhere: the paths of a node that are not answered here, as in the table.
        """
        self._elsewhere = [_pattern(path) for path in dict.fromkeys(elsewhere)]
        self._reader = reader
        self._metrics = reader.metrics
        self._has_explorer = has_explorer
        self._desk = desk
        self._exact = {each.path: each for each in endpoints if "{" not in each.path}
        self._patterns = [(_pattern(each.path), each) for each in endpoints if "{" in each.path]

    async def __call__(self, scope: AsgiScope, receive: AsgiReceive, send: AsgiSend) -> None:
        """See ASGI; a request, or the life of a server that tells of it."""
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "lifespan":
            await _live(receive, send)
        else:
            raise ValueError(f"{scope['type']} is not supported")

    async def _answer(self, scope: AsgiScope, receive: AsgiReceive, send: AsgiSend) -> None:
        started = perf_counter()
        identity = _request_id(scope)
        scope["accredit.request_id"] = identity
        endpoint = self._endpoint(scope)
        status = 500
        try:
            request = HttpRequest(scope, receive)
            response = self._not_there(request) if endpoint is None else await endpoint.answer(request)
            status = response.status_code
            response.also += [(b"x-request-id", identity.encode()), _NO_SNIFFING]
            if endpoint is not None and endpoint.is_public:
                response.also += _READABLE
            await response(scope, receive, _without_body(send) if scope["method"] == "HEAD" else send)
        finally:
            route = "other" if endpoint is None else endpoint.path
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._metrics.answered(method, route, status, perf_counter() - started)

    def _not_there(self, request: HttpRequest) -> Response:
        """A path outside the table; methods are judged by `_Endpoint`."""
        path = request.scope["path"]
        is_page = self._has_explorer and (path == _PAGES or path.startswith(f"{_PAGES}/"))
        if any(pattern.match(path) for pattern in self._elsewhere):
            return problem_response(problem_of(_asked_of_a_replica(path)))
        hint = "The first page, /, leads to all others." if is_page else _instead_of(path)
        problem = problem_of(InputError("not_found", f"there is nothing at {path[:200]!r}.", hint=hint))
        return _page_of(problem, self._reader, request) if is_page else problem_response(problem)

    def prepared(self, head: RequestHead) -> Prepared | None:
        """What answers requests with this head as soon as their bodies have come; None: they take the long way.

        Most clients send one head again and again, so whoever serves them prepares once. The answers are the same.
        """
        endpoint = self._exact.get(head.path)
        answer = None if endpoint is None or head.query else endpoint.at_once(head, self._desk)
        if endpoint is None or answer is None:
            return None
        sent = next((value for name, value in head.headers if name == b"x-request-id"), None)
        method, path, metrics = head.method, endpoint.path, self._metrics
        last = encode_fields([_NO_SNIFFING, *(_READABLE if endpoint.is_public else ())])

        def answered(body: bytes) -> tuple[bytes, bytes] | None:
            started = perf_counter()
            identity = _own_id() if sent is None else _harmless(sent)
            response = answer(body, identity)
            if response is None:
                return None
            status = response.status_code
            first = _first_of_head(status, tuple(response.headers.items()))
            metrics.answered(method, path, status, perf_counter() - started)
            return b"%bx-request-id: %b\r\n%b" % (first, identity.encode(), last), response.body

        return answered

    def begin_turn(self) -> None:
        """What is answered at once from now on is answered from what is held now."""
        self._desk.begin_turn()

    def rest(self) -> None:
        """Let go of what was read for answers at once."""
        self._desk.rest()

    def is_shared(self, method: str, path: str) -> bool:
        """Return whether a request is a public question, which every process that reads the database can answer."""
        endpoint = self._endpoint({"path": path})
        return endpoint is not None and endpoint.is_shared(method)

    def _endpoint(self, scope: AsgiScope) -> "_Endpoint | None":
        path = scope["path"]
        scope["path_params"] = {}
        found = self._exact.get(path)
        if found is not None:
            return found
        for pattern, endpoint in self._patterns:
            match = pattern.match(path)
            if match is not None:
                scope["path_params"] = match.groupdict()
                return endpoint
        return None


def _pattern(path: str) -> re.Pattern[str]:
    """A path with parameters, as `Route` writes it."""
    pattern, at = "", 0
    for found in _PARAMETER.finditer(path):
        name, kind = found.groups()
        pattern += re.escape(path[at : found.start()]) + f"(?P<{name}>{'.*' if kind else '[^/]+'})"
        at = found.end()
    return re.compile(pattern + re.escape(path[at:]) + r"\Z")


async def _live(receive: AsgiReceive, send: AsgiSend) -> None:
    """Answer ASGI lifespan messages of servers that send them; there is nothing to do."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def _page_of(problem: Problem, reader: ReadableNode, request: HttpRequest) -> Response:
    """Return a problem under a page's address: as a page for browsers, else as problem details."""
    if accepts_pages(request):
        try:
            return problem_page(problem, reader, request)
        except Exception as error:  # the fault that broke the page may break this one too
            tell(_log, "internal error", error, request=request_id(request))
    return problem_response(problem)


def _without_body(send: AsgiSend) -> AsgiSend:
    async def send_head(message: AsgiMessage) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return send_head


def _asked_of_a_replica(path: str) -> InputError:
    return InputError(
        "not_served",
        f"this server is a replica: it holds records and their proofs, and does not answer {path[:200]}.",
        hint="Ask a node of the ecosystem; a replica answers accredit query and accredit check.",
    )


def _instead_of(path: str) -> str:
    """Return a hint for an unknown path."""
    for prefix in ("/v1/v1/", "/v1/log/"):
        if path.startswith(prefix):
            return "Give the node's base URL, without /v1."
    return "See /openapi.json."


class _Endpoint:
    """All the routes of one path.

    Attributes:
        path: as in the table. is_public: whether web pages of others may read it.
    """

    def __init__(
        self,
        routes: Sequence[Route],
        reader: ReadableNode,
        writer: Writer | None,
        witness: WitnessDoor | None,
        web_key: WebKey | None,
        shared: ApplicationState,
    ) -> None:
        self.path = routes[0].path
        self._routes = {route.method: route for route in routes}
        if "GET" in self._routes:
            self._routes["HEAD"] = self._routes["GET"]
        self._is_page = any(route.is_page for route in routes)
        self._refusal = problem_response if routes[0].errors is None else routes[0].errors.respond
        self._allowed = ", ".join(sorted([*self._routes, "OPTIONS"]))
        self.is_public = any(route.is_public for route in routes)
        self._reader = reader
        self._writer = writer
        self._witness = witness
        self._web_key = web_key
        self._shared = shared

    def is_shared(self, method: str) -> bool:
        """Whether the route of that method is a public question."""
        route = self._routes.get(method)
        return all(each.is_shared for each in self._routes.values()) if route is None else route.is_shared

    def at_once(self, head: RequestHead, desk: AnswerDesk) -> Callable[[bytes, str], Response | None] | None:
        """What `answer` does for such requests where it needs nothing but the body and a request's id.

        None where the route waits for something, or the head says anything that asks for more than an answer.
        """
        route = self._routes.get(head.method)
        answer = None if route is None else route.at_once
        if route is None or answer is None or not _is_plain(head, route, self._shared.max_body_bytes):
            return None

        def answered(body: bytes, identity: str) -> Response | None:
            try:
                return answer(desk, body)
            except Exception as error:
                return self._refusal(_problem_of_any(error, identity))

        return answered

    async def answer(self, request: HttpRequest) -> Response:
        """The answer of the route, or a problem; never an exception."""
        method = request.method
        if method == "OPTIONS":
            headers = {"allow": self._allowed}
            if self.is_public:
                headers |= {"access-control-allow-methods": self._allowed, **_PREFLIGHT}
            return Response(status_code=204, headers=headers)
        try:
            route = self._routes.get(method)
            if route is None:
                error = InputError("method_not_allowed", f"{method[:20]!r} is not allowed here.", hint=self._allowed)
                return self._not_allowed(request, problem_of(error))
            params = read_params(request, route.params, as_form=route.is_page)
            call = Call(
                reader=self._reader,
                writer=self._writer,
                witness=self._witness,
                web_key=self._web_key,
                shared=self._shared,
                request=request,
                route=route,
                params=params,
            )
            return _conditional(request, await route.handler(call))
        except Exception as error:
            return self._problem(request, _problem_of_any(error, request_id(request)))

    def _not_allowed(self, request: HttpRequest, problem: Problem) -> Response:
        refused = _page_of(problem, self._reader, request) if self._is_page else problem_response(problem)
        refused.headers["allow"] = self._allowed
        return refused

    def _problem(self, request: HttpRequest, problem: Problem) -> Response:
        """Return a problem as a page for browsers; else in the form of the route."""
        if self._is_page:
            return _page_of(problem, self._reader, request)
        return self._refusal(problem)


def _problem_of_any(error: Exception, identity: str) -> Problem:
    """The problem that tells an error to whoever asked; what only the operator can mend, the log tells. The request is
    freed with its answer, whatever call of the handler holds the error."""
    if not isinstance(error, AccreditError):
        tell(_log, "internal error", error, request=identity)
        problem = internal_problem(identity)
    else:
        if isinstance(error, StorageError):
            tell(_log, "storage", error, request=identity)
        problem = problem_of(error)
    without_frames(error)
    return problem


def _is_plain(head: RequestHead, route: Route, max_bytes: int) -> bool:
    """Whether a request has a whole body as it is, of the one media type of its route, and waits for no word before."""
    fields = dict(reversed(head.headers))  # of those sent twice the first counts, as elsewhere
    media_type = fields.get(b"content-type", b"").partition(b";")[0].strip().lower()
    return (
        head.is_kept
        and not head.is_awaiting
        and head.version == "1.1"
        and b"content-encoding" not in fields
        and [media_type.decode("latin-1")] == list(route.takes)
        and head.length is not None
        and head.length <= min(route.max_bytes, max_bytes)
    )


@lru_cache(maxsize=256)  # they say the same again and again: what is kept or not, which type, when to come back
def _first_of_head(status: int, fields: tuple[tuple[str, str], ...]) -> bytes:
    """An answer's head up to the fields that every answer has."""
    return encode_head(status, [(name.encode(), value.encode("latin-1")) for name, value in fields])[:-2]


def request_id(request: HttpRequest) -> str:
    """The request's id, as `Application` has put it into the scope."""
    return str(request.scope.get("accredit.request_id", ""))


def _conditional(request: HttpRequest, response: Response) -> Response:
    """Return `response`, or 304 if the client already has it. RFC 9110 §13.1.2: weak comparison, `*` matches
    anything."""
    if request.method not in ("GET", "HEAD") or response.status_code != 200:
        return response
    body = response.held
    if body is None:
        return response
    etag = response.headers.get("etag")
    if etag is None:  # a long body, whose digest takes long, has a tag already
        etag = response.headers["etag"] = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    held = [tag.strip().removeprefix("W/") for tag in request.header("if-none-match").split(",")]
    if etag.removeprefix("W/") not in held and "*" not in held:
        return response
    kept = {name: value for name, value in response.headers.items() if name in _OF_304}
    return Response(status_code=304, headers=kept)


def _request_id(scope: AsgiScope) -> str:
    sent = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    return _harmless(sent) if sent else _own_id()


def _own_id() -> str:
    return f"{_OWN_IDS}{next(_NUMBERS):012x}"


def _harmless(sent: bytes) -> str:
    """A request's id as it was sent, as far as that may stand in a log."""
    harmless = _NOT_IN_REQUEST_ID.sub("", sent[: 4 * REQUEST_ID_CHARS].decode("latin-1"))[:REQUEST_ID_CHARS]
    return harmless or _own_id()
