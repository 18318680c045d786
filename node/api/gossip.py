"""`POST /gossip`: a frame of another node in, the answering frame out. What frames say is `gossip.frames`' business."""

from typing import Final

from msgspec.structs import replace
from starlette.responses import Response

from node.api.routes import Call, Route
from node.problems import problem_of, problem_response

MEDIA_TYPE: Final = "application/cose"
FRAME_BYTES: Final = 1024 * 1024
"""Design gossip.md: 1 MiB for what is fetched; as `gossip.config` has it."""


async def gossip(call: Call) -> Response:
    """Hands a frame to the node; whatever is wrong with it, or with its sender, is a problem."""
    writer = call.must_write()
    _, frame = await call.body()
    reply = await writer.gossip(frame)
    if reply.error is not None:
        return problem_response(replace(problem_of(reply.error), status=reply.status))
    return Response(reply.data, media_type=MEDIA_TYPE, headers={"cache-control": "no-store"})


ROUTES: Final = (
    Route(
        method="POST",
        path="/gossip",
        handler=gossip,
        family="peers",
        about="Takes a frame of another node; answers with one",
        takes={MEDIA_TYPE: None},
        max_bytes=FRAME_BYTES,
        gives={MEDIA_TYPE: None},
        problems=(403, 409, 422, 429, 503),
        is_public=False,
    ),
)
