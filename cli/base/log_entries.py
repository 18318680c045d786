"""Reads a node's whole log in bundles of 256 entries, for commands that need thousands of statements."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from accredit.registry.statement import decode
from accredit.registry.transparency.tiles import bundles_of, decode_bundle

if TYPE_CHECKING:
    from accredit.node.clients.node_client import NodeClient


def read_entries(client: "NodeClient", size: int, step: Callable[[int], None]) -> Iterator[bytes]:
    """Yield every entry of a node's log as a statement; an entry that is not a statement ends it with an error.

    Args:
        size: how many. step: called with how many came since the last call.
    """
    for tile in bundles_of(size):
        for entry in decode_bundle(client.tile(tile.encode_path()), tile.width):
            decode(entry)
            yield entry
        step(tile.width)
