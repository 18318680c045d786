"""`/v1/changes`: statements that took effect or ceased to, in the order this node saw them, as pages or as a stream.

A page names the number from which to continue (`next`). Numbers differ between nodes: a reader that changes nodes
continues from a time (`since`) somewhat before the last change it has seen, and recognises known changes by their
statements' ids (ADR 31).

With `Accept: text/event-stream` the same rows come as server-sent events (WHATWG HTML §9.2), each under its number, so
that a browser that reconnects continues where it was (`Last-Event-ID`). A stream ends after an hour; its reader then
reconnects. The feed is read once a second, which works in any process that can read the database.
"""

import logging
from collections import Counter
from time import monotonic
from typing import Final, Literal, TypedDict

import anyio
import msgspec

from accredit.node.http.exchange import AsgiReceive, AsgiScope, AsgiSend, Response
from accredit.node.http.handling.request_reading import accepts, integer, moment
from accredit.node.http.handling.route import JSON, Call, Route, json_response
from accredit.node.storage.log_reader import Change
from accredit.node.telemetry import event
from accredit.node.views.json_views import format_time
from accredit.registry.errors import BusyError, InputError, StorageError

_log = logging.getLogger(__name__)

EVENTS: Final = "text/event-stream"
PAGE: Final = 1_000
STREAMS: Final = 100
"""Streams at a time in one process. A guess: each costs one read of the database a second."""

STREAMS_OF_ADDRESS: Final = 10
"""Streams of one address: a few programs, or browsers behind one router."""

STREAM_PAGE: Final = 100
"""Changes in one piece of a stream. Streams that catch up take turns; up to a hundred such turns may come before a
question is answered."""

LOOK_SECONDS: Final = 1.0
QUIET_SECONDS: Final = 15.0
"""Seconds without news after which a comment is sent, so that proxies do not take the connection for dead (WHATWG HTML
§9.2.7)."""


class ChangeView(TypedDict):
    """A statement that took effect, or ceased to, and when this node saw it."""

    seq: int
    time: str
    statement: str
    kind: str
    sub: str
    change: Literal["took_effect", "ceased"]


class ChangesPage(TypedDict):
    """A page of the feed; ask again with `after` = `next`."""

    changes: list[ChangeView]
    next: int


async def changes(call: Call) -> Response:
    """A page of the feed, or the feed as a stream."""
    after, limit = _start(call), call.params["limit"]
    if accepts(call.request, (JSON, EVENTS)) == EVENTS:
        last = _last_event(call, after)
        _require_position(call, last)
        return _stream(call, last)
    rows = call.reader.log.changes(after, limit)
    if not rows:
        _require_position(call, after)
    value: ChangesPage = {
        "changes": [change_view(seq, change) for seq, change in rows],
        "next": rows[-1][0] if rows else after,
    }
    return json_response(value, headers={"vary": "Accept"})


def _start(call: Call) -> int:
    """Return the number from which to continue, given as such or by a time."""
    after: int = call.params["after"]
    since: int | None = call.params["since"]
    if since is None:
        return after
    if after:
        raise InputError("both_given", "after and since cannot be combined.", hint="Leave one of them out.")
    return call.reader.log.changes_before(since)


def _require_position(call: Call, after: int) -> None:
    """Refuse a position that this node's feed has not reached: it is another node's, or this one's before a restore.

    A reader that waited there would miss all changes until the feed reached that number.
    """
    if after and not call.reader.log.changes(after - 1, 1):
        raise InputError(
            "after_beyond_end",
            f"this node's feed has not reached number {after} yet.",
            hint="Each node numbers its own feed. After changing nodes, ask with since=TIME, a day before the "
            "last change you have seen, and use the statements' ids to skip the changes you have seen.",
        )


def _last_event(call: Call, after: int) -> int:
    sent = call.request.header("last-event-id")
    return max(after, int(sent)) if sent.isascii() and sent.isdigit() and len(sent) < 19 else after


def _stream(call: Call, after: int) -> Response:
    streams, hint = call.shared.streams, "Ask for pages instead, or ask another node."
    if streams.total() >= STREAMS:
        raise BusyError("overloaded", f"{STREAMS} streams are already open.", hint=hint)
    if call.client and streams[call.client] >= STREAMS_OF_ADDRESS:
        raise BusyError("overloaded", f"{call.client} already has {STREAMS_OF_ADDRESS} open streams.", hint=hint)
    headers = {"cache-control": "no-store", "vary": "Accept", "x-accel-buffering": "no"}
    if call.request.method == "HEAD":
        return Response(media_type=EVENTS, headers=headers)
    return _EventStream(call, after, headers)


class _EventStream(Response):
    """The feed until the reader goes away, an hour is over, or the database cannot be read."""

    def __init__(self, call: Call, after: int, headers: dict[str, str]) -> None:
        super().__init__(media_type=EVENTS, headers=headers)
        self._call = call
        self._after = after

    @property
    def held(self) -> None:
        """None: the body is never held as a whole."""
        return

    async def __call__(self, _scope: AsgiScope, receive: AsgiReceive, send: AsgiSend) -> None:
        shared = self._call.shared
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        shared.streams[self._call.client] += 1
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(_until_gone, receive, group.cancel_scope)
                with anyio.move_on_after(shared.stream_seconds):
                    await self._tell(send)
                group.cancel_scope.cancel()
        finally:
            shared.streams[self._call.client] -= 1
            shared.streams += Counter()  # forgets those of whom none is left
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _tell(self, send: AsgiSend) -> None:
        spoken = monotonic()
        await send(_part(b": changes\n\n"))
        while True:
            try:
                rows = self._call.reader.log.changes(self._after, STREAM_PAGE)
            except StorageError as error:
                event(_log, logging.ERROR, "stream of changes ended", code=error.code, reason=str(error))
                return
            if rows:
                await send(_part(b"".join(_event(seq, change) for seq, change in rows)))
                self._after = rows[-1][0]
                spoken = monotonic()
            elif monotonic() - spoken >= QUIET_SECONDS:
                spoken = monotonic()
                await send(_part(b": still here\n\n"))
            if len(rows) < STREAM_PAGE:
                await anyio.sleep(LOOK_SECONDS)


async def _until_gone(receive: AsgiReceive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


def _event(seq: int, change: Change) -> bytes:
    return b"id: %d\ndata: %s\n\n" % (seq, msgspec.json.encode(change_view(seq, change)))


def _part(content: bytes) -> dict[str, object]:
    return {"type": "http.response.body", "body": content, "more_body": True}


def change_view(seq: int, change: Change) -> ChangeView:
    """Return a change as it is told."""
    return {
        "seq": seq,
        "time": format_time(change.time),
        "statement": change.statement.hex(),
        "kind": change.kind,
        "sub": change.sub,
        "change": "took_effect" if change.change == "took_effect" else "ceased",
    }


ROUTES: Final = (
    Route(
        method="GET",
        path="/v1/changes",
        handler=changes,
        family="registry",
        about="Statements that took effect or ceased to, as pages or as server-sent events",
        params=(
            integer("after", "return the changes after this number", minimum=0, maximum=2**62, default=0),
            moment("since", "instead of `after`: start with the first change that this node saw at this time or later"),
            integer("limit", "maximum number of changes", minimum=1, maximum=PAGE, default=200),
        ),
        gives={JSON: ChangesPage, EVENTS: None},
        problems=(406, 503),
    ),
)
