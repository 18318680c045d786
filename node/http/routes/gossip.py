"""`POST /gossip`: takes a frame from another node and returns the answering frame (`gossip.wire`).

An answer may be held back for as long as the peer allows (a poll of a node that cannot be dialled, 25 s). If the peer
hangs up meanwhile, the answer is dropped.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, TypeVar

import anyio
from msgspec.structs import replace

from accredit.node.http.exchange import HttpRequest, Response
from accredit.node.http.handling.route import Call, Route
from accredit.node.http.problems import problem_of, problem_response
from accredit.registry.errors import InputError

T = TypeVar("T")

MEDIA_TYPE: Final = "application/cose"
FRAME_BYTES: Final = 1024 * 1024
"""Design gossip.md: 1 MiB for what is fetched; as `gossip.config` has it."""


async def gossip(call: Call) -> Response:
    """Pass a frame to the node; a fault of the frame or of its sender becomes a problem."""
    writer = call.must_write()
    _, frame = await call.body()
    reply = await unless_hung_up(call.request, partial(writer.gossip, frame))
    if reply.error is not None:
        return problem_response(replace(problem_of(reply.error), status=reply.status))
    return Response(reply.data, media_type=MEDIA_TYPE, headers={"cache-control": "no-store"})


async def unless_hung_up(request: HttpRequest, work: Callable[[], Awaitable[T]]) -> T:
    """Return the result of `work`, which is cancelled when the other side hangs up; the body must have been read.

    Raises:
        InputError: `hung_up`: the other side is gone.
    """
    done: list[T] = []
    async with anyio.create_task_group() as group:

        async def watch() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                pass
            group.cancel_scope.cancel()

        group.start_soon(watch)
        done.append(await work())
        group.cancel_scope.cancel()
    if not done:
        raise InputError("hung_up", "the other side closed the connection.")
    return done[0]


ROUTES: Final = (
    Route(
        method="POST",
        path="/gossip",
        handler=gossip,
        family="peers",
        about="Receives a frame from another node and answers with a frame",
        takes={MEDIA_TYPE: None},
        max_bytes=FRAME_BYTES,
        gives={MEDIA_TYPE: None},
        problems=(403, 409, 422, 429, 503),
        is_public=False,
    ),
)
