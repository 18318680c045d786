"""A row of the table of routes: how to read a request, its handler, and the form of the answer.

The row has everything that the application and its OpenAPI document need, so that they always agree. A handler gets a
`Call` and returns a `Response`; it raises accredit's errors, which become problem details.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol, TypeVar

import anyio
import msgspec

from accredit.node.http.exchange import HttpRequest, Response
from accredit.node.http.facades.tokens import WebKey
from accredit.node.http.forwarded import IpNetwork, client_of, share_of
from accredit.node.http.problems import Problem
from accredit.registry.errors import BusyError, InputError

from .moment import Moment
from .node_ports import ReadableNode, WitnessDoor, Writer
from .rate_limit import Pace
from .request_reading import Param, decode_as, decode_json, read_body

T = TypeVar("T")

JSON: Final = "application/json"
JSON_BYTES: Final = 1024 * 1024
"""A JSON body: a thousand queries of a kilobyte."""

IMMUTABLE: Final = "public, max-age=31536000, immutable"  # RFC 8246
REVALIDATE: Final = "no-cache"  # may be kept, must be asked about: the entity tag makes that cheap


STREAM_SECONDS: Final = 3_600.0
"""A stream of changes lasts an hour; then its reader reconnects."""


class _Made(NamedTuple):
    """What took turns to make.

    Attributes:
        made_of: the data from which it was made. number: how many of its name had been begun, this one included.
    """

    made_of: Any
    number: int
    result: Any


@dataclass(slots=True, kw_only=True)
class ApplicationState:
    """The shared state of an application's requests.

    Attributes:
        pace: shares of addresses that submit. key_pace: shares of keys whose statements are new; urgent_pace: of those
            that sign urgent ones.
        note_pace: shares of senders of cosignatures.
        max_body_bytes: bound of every body, besides each route's own.
        proxies, proxy_header: as in `node.http.forwarded.client_of`.
        stream_seconds: how long a stream of changes lasts.
        streams: how many are open, of each address.
        kept: expensive answers, by name, each with the data from which it was made. made: those that take turns
            (`share`); begun: how many of each have been begun.
        making: held while such an answer is made in several turns. counting: the same for what is counted for a page,
            which does not wait for the long ones, and listing: for the ids of a type, which both wait for.
        lengthy: held by the one answer to questions that takes many turns (`turns`). submitting: the same for reading a
            batch of statements, which waits for no questions.
        has_explorer: whether pages for people are served.
    """

    pace: Pace
    key_pace: Pace
    urgent_pace: Pace
    note_pace: Pace
    max_body_bytes: int
    proxies: Sequence[IpNetwork] = ()
    proxy_header: str = "x-forwarded-for"
    stream_seconds: float = STREAM_SECONDS
    streams: Counter[str] = field(default_factory=Counter)
    kept: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    made: dict[str, _Made] = field(default_factory=dict)
    begun: Counter[str] = field(default_factory=Counter)
    making: anyio.Lock = field(default_factory=anyio.Lock)
    listing: anyio.Lock = field(default_factory=anyio.Lock)
    counting: anyio.Lock = field(default_factory=anyio.Lock)
    lengthy: anyio.Lock = field(default_factory=anyio.Lock)
    submitting: anyio.Lock = field(default_factory=anyio.Lock)
    has_explorer: bool = True

    def keep(self, name: str, made_of: Any, make: Callable[[], T]) -> T:
        """Return the cached result of `make` for the same data, or make it."""
        found = self.kept.get(name)
        if found is None or found[0] != made_of:
            found = (made_of, make())
            self.kept[name] = found
        value: T = found[1]
        return value

    async def share(
        self, name: str, lock: anyio.Lock, made_of: Callable[[], Any], make: Callable[[], Awaitable[T]]
    ) -> T:
        """Return the result of a `make` that takes turns: one for the same data, or one begun after this was asked for.

        The data may change while it is made. Those who wait for it then share the next one, instead of having one made
        for each of them: under a stream of statements nobody else would get any.

        Args:
            lock: held while it is made.
            made_of: tells what the data are now.
        """
        asked = self.begun[name]
        async with lock:
            now, found = made_of(), self.made.get(name)
            if found is None or (found.made_of != now and found.number <= asked):
                self.begun[name] += 1
                found = _Made(now, self.begun[name], await make())
                self.made[name] = found
        result: T = found.result
        return result


class AnswerSource(Protocol):
    """What a question is answered from, whoever asks it: a `Call` is one."""

    @property
    def reader(self) -> ReadableNode:
        """What the node holds."""
        ...

    @property
    def shared(self) -> ApplicationState:
        """What all requests have in common."""
        ...

    @property
    def moment(self) -> Moment:
        """What is held; not to be kept for another turn."""
        ...

    def look_again(self, now: int) -> Moment:
        """What is held now, for questions of that time: others had a turn, or the node's view has moved on."""
        ...


class AnswerDesk:
    """`AnswerSource`, for questions that are answered in one turn, and of which nothing but the body matters."""

    def __init__(self, reader: ReadableNode, shared: ApplicationState) -> None:
        self.reader = reader
        self.shared = shared
        self._moment: Moment | None = None
        self._is_checked = False

    @property
    def moment(self) -> Moment:
        """As of the first question of this turn."""
        moment = self._moment
        if moment is None or not (self._is_checked or moment.is_still(self.reader)):
            moment = self._moment = Moment(self.reader)
        self._is_checked = True
        return moment

    def look_again(self, now: int) -> Moment:
        """See `AnswerSource`."""
        self._moment = None
        return Moment(self.reader, now)

    def begin_turn(self) -> None:
        """What is asked from now on is answered from what is held when it is."""
        self._is_checked = False

    def rest(self) -> None:
        """Let go of what was read, because the records have moved on, or nobody may ask for a long time."""
        self._moment = None


AtOnce = Callable[[AnswerSource, bytes], Response | None]
"""Answers a body that has come whole, without waiting for anything; None: that takes turns, so the handler does it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, read as far as its route says.

    Attributes:
        params: every parameter of the route, with its value or default.
    """

    reader: ReadableNode
    writer: Writer | None
    witness: WitnessDoor | None
    web_key: WebKey | None
    shared: ApplicationState
    request: HttpRequest
    route: "Route"
    params: Mapping[str, Any]

    @property
    def moment(self) -> Moment:
        """See `AnswerSource`."""
        return Moment(self.reader)

    def look_again(self, now: int) -> Moment:
        """See `AnswerSource`."""
        return Moment(self.reader, now)

    @property
    def client(self) -> str:
        """The client's address, for shares; empty if unknown."""
        peer, shared = self.request.peer, self.shared
        if not peer:
            return ""
        return share_of(client_of(peer, self.request.fields, proxies=shared.proxies, header=shared.proxy_header))

    async def body(self) -> tuple[str, bytes]:
        """The media type and the bytes of the body, as far as the route allows."""
        most = min(self.route.max_bytes, self.shared.max_body_bytes)
        return await read_body(self.request, list(self.route.takes), most)

    async def json(self) -> Any:
        """The body as plain values; the route takes JSON only."""
        return decode_json((await self.body())[1])

    async def json_as(self, shape: type[T]) -> T:
        """The body as a `shape`."""
        return decode_as((await self.body())[1], shape)

    def must_write(self) -> Writer:
        """Return the node's write interface.

        Raises:
            InputError: this server only reads (`read_only`).
        """
        if self.writer is None:
            raise _read_only()
        return self.writer

    def must_be_heard(self) -> None:
        """Check that submissions here reach the other nodes.

        Raises:
            BusyError: the other nodes ignore this node (`displaced`).
        """
        displaced = self.reader.health.displaced()
        if displaced is not None:
            raise BusyError(
                "displaced", displaced, hint="Nothing was accepted. Ask another node: GET /v1/ecosystem lists them."
            )

    def must_witness(self) -> WitnessDoor:
        """The node as a witness.

        Raises:
            InputError: as `must_write`.
        """
        if self.witness is None:
            raise _read_only()
        return self.witness

    def must_sign(self) -> WebKey:
        """The key for what programs on the web read.

        Raises:
            InputError: as `must_write`.
        """
        if self.web_key is None:
            raise _read_only()
        return self.web_key


def _read_only() -> InputError:
    return InputError(
        "read_only",
        "this server answers only questions.",
        hint="Send the request to the node itself, as listed in GET /v1/ecosystem.",
    )


Handler = Callable[[Call], Awaitable[Response]]


def reading(answer: Callable[[AnswerSource, bytes], Response]) -> Handler:
    """The handler that reads the body and has `answer` answer it."""

    async def handler(call: Call) -> Response:
        return answer(call, (await call.body())[1])

    handler.__doc__ = answer.__doc__
    return handler


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorForm:
    """The form of errors that a standard requires instead of problem details.

    Attributes:
        media_type, shape: of the body.
        respond: makes the answer for a problem in this form, with its status.
    """

    media_type: str
    shape: Any
    respond: Callable[[Problem], Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One row.

    Attributes:
        path: with parameters in braces, as in /v1/statements/{id}; `{name:path}` takes slashes too.
        takes: media types of the body, each with its shape; empty without a body. A shape is a type that msgspec knows,
            a tuple of such types (any of them), or None (bytes).
        gives: media types of the 200 answer, each with its shape.
        others: answers that are neither 200 nor a problem: status -> what it says, media types as in `gives`.
        mentions: types that a shape refers to by name only.
        problems: statuses of the problems it may answer with, besides 500 and what every route may.
        is_public: whether web pages of others may read it (CORS).
        is_page: whether it is a page for people: its query is a form's, its problems are pages for whoever accepts
            HTML, and it stands outside the OpenAPI document.
        errors: the form in which a standard wants its errors; None: problem details.
        is_shared: whether it reads only committed data, so that a query worker may answer it.
        at_once: answers most requests as `handler` does, as soon as the body has arrived.
    """

    method: str
    path: str
    handler: Handler
    family: str
    about: str
    gives: Mapping[str, Any]
    params: tuple[Param, ...] = ()
    takes: Mapping[str, Any] = field(default_factory=dict)
    max_bytes: int = JSON_BYTES
    mentions: tuple[Any, ...] = ()
    others: Mapping[int, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)
    problems: tuple[int, ...] = ()
    is_public: bool = True
    is_page: bool = False
    errors: ErrorForm | None = None
    is_shared: bool = False
    at_once: AtOnce | None = None


def json_response(value: Any, *, cache: str = REVALIDATE, headers: Mapping[str, str] | None = None) -> Response:
    """200 with `value` as JSON; its entity tag is made of the bytes."""
    return Response(msgspec.json.encode(value), media_type=JSON, headers={"cache-control": cache, **(headers or {})})


def bytes_response(content: bytes, media_type: str, *, cache: str = REVALIDATE, etag: str = "") -> Response:
    """200 with bytes; `etag` without quotation marks, made of the bytes where empty."""
    headers = {"cache-control": cache}
    if etag:
        headers["etag"] = f'"{etag}"'
    return Response(content, media_type=media_type, headers=headers)
