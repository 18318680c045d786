"""The right edge of a log's tree, in memory: all stored data that an append needs.

    edge, tiles = edge.extend(leaf_hashes)     the edge afterwards, and the new content of every tile touched
    edge.root()

An edge is the frontier (roots of the largest complete subtrees, `registry.transparency.tiles`) and the tiles that are
not full yet, at most 8 KiB a level. Extending reads nothing else and costs O(leaves + log size). Facts are frozen: an
edge whose tiles could not be written is simply not kept.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from accredit.registry.errors import StorageError
from accredit.registry.transparency.merkle import HASH_BYTES, new_hashes, node_hash, root
from accredit.registry.transparency.tiles import TILE_HEIGHT, TILE_WIDTH

TileId = tuple[int, int]
"""Tile level and index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """The edge of a tree of `size` leaves.

    Attributes:
        size: leaves.
        frontier: hash by (level, index), one for each set bit of the size.
        partial: tiles that are neither empty nor full, by tile level.
    """

    size: int
    frontier: dict[tuple[int, int], bytes]
    partial: dict[int, bytes]

    def read_hash(self, level: int, index: int) -> bytes:
        """A `merkle.HashReader` for the frontier; appending and the root of `size` ask for nothing else."""
        return self.frontier[level, index]

    def root(self) -> bytes:
        """Return the root of the `size` leaves. RFC 6962 2.1."""
        return root(self.size, self)

    def extend(self, leaf_hashes: Sequence[bytes]) -> "tuple[Edge, dict[TileId, bytes]]":
        """Append leaves, given as hashes; return the new edge, and each changed tile with its whole content."""
        made = dict(new_hashes(self.size, leaf_hashes, self))
        size = self.size + len(leaf_hashes)
        tiles: dict[TileId, bytearray] = {}
        for (level, index), found in made.items():
            if level % TILE_HEIGHT:
                continue
            tile = (level // TILE_HEIGHT, index // TILE_WIDTH)
            if tile not in tiles:
                # The first hash met in a tile either opens it or continues the one that was partial.
                tiles[tile] = bytearray(self.partial[tile[0]] if index % TILE_WIDTH else b"")
            assert len(tiles[tile]) == index % TILE_WIDTH * HASH_BYTES
            tiles[tile] += found
        known = self.frontier | made
        partial: dict[int, bytes] = {}
        for level, index, width in partial_tiles(size):
            content = tiles.get((level, index))
            partial[level] = bytes(content) if content is not None else self.partial[level]
            assert len(partial[level]) == width * HASH_BYTES
        edge = Edge(size=size, frontier={place: known[place] for place in frontier_of(size)}, partial=partial)
        return edge, {tile: bytes(content) for tile, content in tiles.items()}


EMPTY_EDGE: Final = Edge(size=0, frontier={}, partial={})


def frontier_of(size: int) -> list[tuple[int, int]]:
    """Return level and index of the largest complete subtrees of a tree, largest first."""
    return [(level, (size >> level) - 1) for level in reversed(range(size.bit_length())) if size >> level & 1]


def partial_tiles(size: int) -> list[tuple[int, int, int]]:
    """Return level, index and width of the tiles that are neither empty nor full."""
    found = []
    for level in range(size.bit_length() // TILE_HEIGHT + 1):
        index, width = divmod(size >> (TILE_HEIGHT * level), TILE_WIDTH)
        if width:
            found.append((level, index, width))
    return found


def load_edge(size: int, read_tile: Callable[[int, int], bytes]) -> Edge:
    """Read the edge of a stored tree; the frontier is in the tiles that are not full.

    Raises:
        StorageError: `tree_damaged`: a tile at the edge does not have the width that follows from the size.
    """
    partial: dict[int, bytes] = {}
    for level, index, width in partial_tiles(size):
        partial[level] = read_tile(level, index)
        if len(partial[level]) != width * HASH_BYTES:
            raise tree_damaged(f"tile {level}/{index} has {len(partial[level])} bytes instead of {width * HASH_BYTES}")
    frontier: dict[tuple[int, int], bytes] = {}
    for level, index in frontier_of(size):
        tile_level, above = divmod(level, TILE_HEIGHT)
        start = (index << above) % TILE_WIDTH * HASH_BYTES
        frontier[level, index] = fold(partial[tile_level][start : start + (HASH_BYTES << above)])
    return Edge(size=size, frontier=frontier, partial=partial)


def fold(hashes: bytes) -> bytes:
    """Return the root over adjacent hashes, whose number is a power of two."""
    row = [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]
    while len(row) > 1:
        row = [node_hash(left, right) for left, right in zip(row[::2], row[1::2], strict=True)]
    return row[0]


def tree_damaged(what: str) -> StorageError:
    """Return the error for inconsistent stored hashes; `what` names the first inconsistency."""
    return StorageError(
        "tree_damaged",
        f"The stored log is inconsistent: {what}.",
        hint="Stop the node, check the disk, then restore a backup that is new enough (`accredit node restore`).",
    )
