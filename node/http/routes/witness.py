"""`/witness/…`: this node as a witness of the other nodes' logs, by C2SP tlog-witness.

The submission prefix and the monitoring prefix are both `<public url>/witness`. Clients may send any media type,
because the specification names none. Statuses are those of the specification; error bodies are problem details, except
for 409, whose body is the size held.
"""

from typing import Final

from msgspec.structs import replace

from accredit.node.http.exchange import Response
from accredit.node.http.handling.request_reading import ANY, hex_id
from accredit.node.http.handling.route import Call, Route, bytes_response
from accredit.node.http.problems import problem_of, problem_response
from accredit.registry.errors import InputError
from accredit.registry.transparency.witness import REQUEST_BYTES, Refused, encode_size

SIZE_TYPE: Final = "text/x.tlog.size"
_TEXT: Final = "text/plain; charset=utf-8"


async def add_checkpoint(call: Call) -> Response:
    """Cosigns a checkpoint that continues the one held for its log."""
    witness = call.must_witness()
    _, data = await call.body()
    verdict = await witness.add_checkpoint(data)
    if not isinstance(verdict, Refused):
        return Response(verdict, media_type=_TEXT, headers={"cache-control": "no-store"})
    if verdict.status == 409:
        # Send the media type without a charset, as the specification requires.
        headers = {"content-type": SIZE_TYPE, "cache-control": "no-store"}
        return Response(encode_size(verdict.size or 0), status_code=409, headers=headers)
    return problem_response(replace(problem_of(verdict.error), status=verdict.status))


async def checkpoint(call: Call) -> Response:
    """The newest checkpoint of a log, with its signature and this witness's own."""
    note = await call.must_witness().checkpoint(call.params["hash"].hex())
    if note is None:
        raise InputError(
            "not_found",
            "this witness has no checkpoint of that log.",
            hint="The path must have the SHA-256 of the log's origin, in lower-case hex.",
        )
    return bytes_response(note, _TEXT)


ROUTES: Final = (
    Route(
        method="POST",
        path="/witness/add-checkpoint",
        handler=add_checkpoint,
        family="witness",
        about="Cosigns a node's checkpoint (C2SP tlog-witness)",
        takes={ANY: None},
        max_bytes=REQUEST_BYTES,
        gives={"text/plain": None},
        others={409: ("The witness holds a different size: this one", {SIZE_TYPE: None})},
        problems=(403, 404, 422, 503),
        is_public=False,
    ),
    Route(
        method="GET",
        path="/witness/{hash}/checkpoint",
        handler=checkpoint,
        family="witness",
        about="The newest checkpoint of a log that this node has cosigned (C2SP tlog-witness)",
        params=(hex_id("hash", "SHA-256 of the log's origin", place="path"),),
        gives={"text/plain": None},
        problems=(404, 503),
    ),
)
