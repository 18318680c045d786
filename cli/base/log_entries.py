"""A node's whole log, read by bundles of 256 entries: what asks about thousands of statements asks nothing singly."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from accredit.registry.statement import decode
from accredit.registry.transparency.tiles import bundles_of, decode_bundle

if TYPE_CHECKING:
    from accredit.node.clients.node_client import NodeClient


def read_entries(client: "NodeClient", size: int, step: Callable[[int], None]) -> Iterator[bytes]:
    """Every entry of a node's log, each looked at as a statement; one that is none ends it.

    Args:
        size: how many. step: called with how many came since the last call.
    """
    for tile in bundles_of(size):
        for entry in decode_bundle(client.tile(tile.encode_path()), tile.width):
            decode(entry)
            yield entry
        step(tile.width)
