"""`/v1/conflicts`: nodes that were caught contradicting themselves, each with a file that proves it.

A conflict proves itself, so anybody may submit one, and nobody needs to trust the node that lists it: `accredit
evidence check` checks the file. The list has the oldest first; each file has its own address, the SHA-256 of its bytes.
"""

from time import monotonic
from typing import Final, Literal, TypedDict

import anyio

from accredit.node.http.exchange import Response
from accredit.node.http.handling.request_reading import hex_id
from accredit.node.http.handling.route import IMMUTABLE, JSON, Call, Route, bytes_response, json_response
from accredit.node.runtime.equivocations import digest, view
from accredit.node.views.json_views import plain
from accredit.registry.errors import InputError
from accredit.registry.transparency.equivocation import CONFLICT_BYTES

CBOR: Final = "application/cbor"


class ConflictSide(TypedDict):
    """One of the two: how many it is about, and the root."""

    size: int
    root: str


class ConflictView(TypedDict):
    """Two things that one key signed and that cannot both be true.

    `name` is the accused node, `key` the vkey that signed, `origin` the first line of what it signed.
    """

    id: str
    kind: Literal["checkpoints", "state_notes"]
    name: str
    key: str
    origin: str
    signed: list[ConflictSide]


class Conflicts(TypedDict):
    """All that this node keeps, the oldest first."""

    conflicts: list[ConflictView]


class Accused(TypedDict):
    """What is kept against that key now: this one (`kept`), or one that was there before (`known`)."""

    status: Literal["kept", "known"]
    conflict: ConflictView


async def conflicts(call: Call) -> Response:
    """All that are kept."""
    return json_response({"conflicts": [plain(view(one)) for one in call.reader.conflicts]})


async def conflict(call: Call) -> Response:
    """One, as a file."""
    wanted: bytes = call.params["conflict"]
    for one in call.reader.conflicts:
        if digest(one) == wanted:
            return bytes_response(one.encode(), CBOR, cache=IMMUTABLE, etag=wanted.hex())
    raise InputError(
        "not_found", "this node does not keep this conflict.", hint="GET /v1/conflicts lists the conflicts it keeps."
    )


async def accuse(call: Call) -> Response:
    """Takes a conflict in; on disk, and on its way to the other nodes, when it is answered."""
    writer = call.must_write()
    _, file = await call.body()
    await anyio.sleep(call.shared.pace.delay(call.client, 1, monotonic()))
    kept, is_new = await writer.accuse(file)
    return json_response({"status": "kept" if is_new else "known", "conflict": plain(view(kept))}, cache="no-store")


ROUTES: Final = (
    Route(
        method="GET",
        path="/v1/conflicts",
        handler=conflicts,
        family="state",
        about="Nodes that were caught contradicting themselves",
        gives={JSON: Conflicts},
    ),
    Route(
        method="POST",
        path="/v1/conflicts",
        handler=accuse,
        family="state",
        about="Submit proof that a node contradicted itself; anybody may",
        takes={CBOR: None},
        max_bytes=CONFLICT_BYTES,
        gives={JSON: Accused},
        problems=(409, 422, 429, 503, 507),
    ),
    Route(
        method="GET",
        path="/v1/conflicts/{conflict}",
        handler=conflict,
        family="state",
        about="The file that proves a conflict",
        params=(hex_id("conflict", "SHA-256 of the file", place="path"),),
        gives={CBOR: None},
        problems=(404,),
    ),
)
