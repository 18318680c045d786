"""`/log/…`: the log as C2SP tlog-tiles, for witnesses, monitors and new nodes.

A full tile never changes and says so. A partial tile is a prefix of a later one, so it may be cached under its own
name, but not for a year (tlog-tiles allows it to disappear).
"""

from typing import Final

from accredit.node.http.exchange import Response
from accredit.node.http.handling.request_reading import text_in_path
from accredit.node.http.handling.route import IMMUTABLE, Call, Route, bytes_response
from accredit.registry.errors import InputError, NotYetError
from accredit.registry.transparency.tiles import TILE_WIDTH, Tile

_TEXT: Final = "text/plain; charset=utf-8"  # tlog-tiles "Checkpoints"
_OCTETS: Final = "application/octet-stream"
_PARTIAL_CACHE: Final = "public, max-age=60"


async def checkpoint(call: Call) -> Response:
    """The newest signed checkpoint; never one whose entries are not all served."""
    newest = call.reader.log.checkpoint()
    if newest is None:
        raise NotYetError("not_ready", "this node has not signed a checkpoint yet.", hint="Ask again in a moment.")
    return bytes_response(newest[1].encode(), _TEXT)


async def tile(call: Call) -> Response:
    """One tile, or one bundle of entries."""
    wanted = Tile.decode_path(f"tile/{call.params['path']}")
    content = call.reader.log.tile(wanted.level, wanted.index, wanted.width)
    if content is None:
        raise InputError(
            "not_found",
            f"the log does not reach {wanted.encode_path()} yet.",
            hint="/log/checkpoint shows the log's size.",
        )
    is_full = wanted.width == TILE_WIDTH
    return bytes_response(content, _OCTETS, cache=IMMUTABLE if is_full else _PARTIAL_CACHE)


ROUTES: Final = (
    Route(
        method="GET",
        path="/log/checkpoint",
        handler=checkpoint,
        family="log",
        about="The newest signed checkpoint (C2SP tlog-checkpoint)",
        gives={"text/plain": None},
        problems=(503,),
    ),
    Route(
        method="GET",
        path="/log/tile/{path:path}",
        handler=tile,
        family="log",
        about="A tile of hashes, or of entries (C2SP tlog-tiles)",
        params=(text_in_path("path", "level or `entries`, then the index in groups of three digits: 0/x001/234.p/17"),),
        gives={_OCTETS: None},
        problems=(404,),
    ),
)
