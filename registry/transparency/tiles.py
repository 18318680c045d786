"""The log as static files: C2SP tlog-tiles over the tree arithmetic of `merkle`.

    tile/<L>/<N>[.p/<W>]            256 (or W) hashes of level 8*L, from number 256*N on, 32 bytes each
    tile/entries/<N>[.p/<W>]        256 (or W) entries, each after its length: u16, big-endian

`N` is written in groups of three digits, all but the last with an x: 1234067 is `x001/x234/067`. A tile that is not
full yet is *partial* and carries its width, 1 to 255. A tile is never empty. The hashes of the levels between (1 to 7,
9 to 15, ...) are not stored: `Tiles` computes them from the tile below.

    >>> Tile(level=0, index=1234067, width=17).encode_path()
    'tile/0/x001/x234/067.p/17'
    >>> [tile.encode_path() for tile in tiles_of(70_000)][-3:]
    ['tile/1/000', 'tile/1/001.p/17', 'tile/2/000.p/1']

A `Frontier` is a log folded into the few hashes needed to append more. A reader of a log's entries derives the root
with it, in memory of O(log n), and can store it and continue later.

It does not read or write files (the caller passes a function), or say who vouches for a root (`signed_note`). Do not
trust the bytes of tiles: check the proofs made from them against a signed root.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ..errors import DecodeError, RefusedError
from .merkle import EMPTY_ROOT, HASH_BYTES, SIZE_MAX, HashReader, leaf_hash, node_hash

TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 1 << TILE_HEIGHT
# The level of entry bundles in a `Tile`; in paths it is the word "entries".
ENTRIES: Final = -1
LEVEL_MAX: Final = 63  # tlog-tiles; a log of 2**63 leaves ends at level 7
ENTRY_BYTES_MAX: Final = 0xFFFF  # the length prefix is a u16
# Index in up to six groups: beyond the 2**55 tiles of the largest log.
_PATH: Final = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One file of the log: hashes, or entries where `level` is `ENTRIES`.

    Args:
        level: tile level, 0 to 63, or `ENTRIES`.
        index: number of the tile within its level.
        width: hashes or entries in it, 1 to 256; 256 is a full tile.
    """

    level: int
    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        assert ENTRIES <= self.level <= LEVEL_MAX
        assert self.index >= 0
        assert 1 <= self.width <= TILE_WIDTH

    @property
    def start(self) -> int:
        """Index of the first leaf below it."""
        return self.index << (TILE_HEIGHT * (max(self.level, 0) + 1))

    def encode_path(self) -> str:
        """Return its path below the log's prefix, without a leading slash."""
        groups = [f"{self.index % 1000:03}"]
        rest = self.index // 1000
        while rest:
            groups.append(f"x{rest % 1000:03}")
            rest //= 1000
        level = "entries" if self.level == ENTRIES else str(self.level)
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{level}/{'/'.join(reversed(groups))}{partial}"

    @classmethod
    def decode_path(cls, path: str) -> "Tile":
        """Read a path exactly as `encode_path` writes it.

        Raises:
            DecodeError: it has any other spelling, even of a tile that exists: each file has one name.
        """
        match = _PATH.fullmatch(path)
        if match is not None:
            level = ENTRIES if match["level"] == "entries" else int(match["level"])
            index = int(match["index"].replace("x", "").replace("/", ""))
            width = int(match["width"] or TILE_WIDTH)
            # `.p/256` and a leading group x000 are the spellings that the pattern lets through.
            if level <= LEVEL_MAX and width <= TILE_WIDTH:
                tile = cls(level=level, index=index, width=width)
                if tile.encode_path() == path:
                    return tile
        raise DecodeError(
            "tile_path",
            "This is not the path of a tile.",
            hint="Write tile/<level>/<index in groups of three digits>, as in tile/0/x001/234.p/17.",
        )


def tile_width(level: int, index: int, size: int) -> int:
    """Return the width of tile `index` of `level` (or `ENTRIES`) in a log of `size` leaves: 0 (no tile) to 256."""
    hashes = size >> (TILE_HEIGHT * max(level, 0))
    return max(0, min(TILE_WIDTH, hashes - index * TILE_WIDTH))


def tiles_of(size: int, *, since: int = 0) -> Iterator[Tile]:
    """Yield the hash tiles of a log of `size` leaves, lower levels first.

    Args:
        size: leaves in the log.
        since: the earlier size; only tiles that are new or wider since then are yielded, for the caller to write.
    """
    level = 0
    while size >> (TILE_HEIGHT * level):
        yield from _level_tiles(level, size, since)
        level += 1


def bundles_of(size: int, *, since: int = 0) -> Iterator[Tile]:
    """Yield the entry bundles of a log of `size` leaves; `since` as in `tiles_of`."""
    return _level_tiles(ENTRIES, size, since)


def _level_tiles(level: int, size: int, since: int) -> Iterator[Tile]:
    assert 0 <= since <= size <= SIZE_MAX
    shift = TILE_HEIGHT * max(level, 0)
    if size >> shift == since >> shift:
        return
    index = (since >> shift) // TILE_WIDTH
    while width := tile_width(level, index, size):
        yield Tile(level=level, index=index, width=width)
        index += 1


def encode_tile(tile: Tile, reader: HashReader) -> bytes:
    """Return the bytes of a hash tile. Inverse: `Tiles`, a `HashReader` over such bytes."""
    assert tile.level != ENTRIES
    first = tile.index * TILE_WIDTH
    return b"".join(reader.read_hash(TILE_HEIGHT * tile.level, first + at) for at in range(tile.width))


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Return the bytes of an entry bundle.

    Raises:
        RefusedError: an entry is too long for its length prefix.
    """
    assert 1 <= len(entries) <= TILE_WIDTH
    for entry in entries:
        if len(entry) > ENTRY_BYTES_MAX:
            raise RefusedError(
                "entry_too_long",
                f"An entry of the log has {len(entry)} bytes; the format allows {ENTRY_BYTES_MAX}.",
                hint="Log a digest and keep the content elsewhere.",
            )
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def decode_bundle(data: bytes, width: int) -> list[bytes]:
    """Read an entry bundle of exactly `width` entries.

    Raises:
        DecodeError: it ends early, or something follows.
    """
    entries: list[bytes] = []
    at = 0
    for _ in range(width):
        start = at + 2
        end = start + int.from_bytes(data[at:start], "big")
        if start > len(data) or end > len(data):
            raise DecodeError("bundle_truncated", f"The bundle ends in the middle of entry {len(entries)} of {width}.")
        entries.append(data[start:end])
        at = end
    if at != len(data):
        raise DecodeError(
            "bundle_surplus", f"The bundle has {len(data) - at} extra bytes after the last of its {width} entries."
        )
    return entries


class Tiles:
    """A `HashReader` over tiles.

    It keeps the tiles it has read, 8 kB each, and never reads one twice: make one for each job, then drop it.

    Args:
        size: leaves in the log; decides which tiles are partial.
        read_tile: returns the bytes of a tile; its errors are passed on. If it has the full tile instead of the partial
            one, as tlog-tiles allows, it returns the first `32 * width` bytes.
    """

    def __init__(self, size: int, read_tile: Callable[[Tile], bytes]) -> None:
        assert 0 <= size <= SIZE_MAX
        self._size = size
        self._read_tile = read_tile
        self._seen: dict[Tile, bytes] = {}

    def read_hash(self, level: int, index: int) -> bytes:
        """Return the hash of a complete subtree; `index` counts subtrees of that `level`.

        Raises:
            RefusedError: the subtree is not complete in a log of this size.
            DecodeError: the length of a tile does not match its width.
        """
        if (index + 1) << level > self._size or index < 0:
            raise RefusedError("no_such_subtree", f"A log of {self._size} leaves has no subtree ({level}, {index}).")
        tile_level, above = divmod(level, TILE_HEIGHT)
        tile_index, offset = divmod(index << above, TILE_WIDTH)
        tile = Tile(level=tile_level, index=tile_index, width=tile_width(tile_level, tile_index, self._size))
        data = self._tile(tile)
        hashes = [data[at : at + HASH_BYTES] for at in range(offset * HASH_BYTES, len(data), HASH_BYTES)][: 1 << above]
        while len(hashes) > 1:
            hashes = [node_hash(left, right) for left, right in zip(hashes[::2], hashes[1::2], strict=True)]
        return hashes[0]

    def _tile(self, tile: Tile) -> bytes:
        data = self._seen.get(tile)
        if data is None:
            data = self._read_tile(tile)
            if len(data) != tile.width * HASH_BYTES:
                raise DecodeError(
                    "tile_length",
                    f"{tile.encode_path()} has {len(data)} bytes instead of {tile.width * HASH_BYTES}.",
                    hint="Fetch it again, or from another node.",
                )
            self._seen[tile] = data
        return data


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontier:
    """A log folded into the roots of its largest complete subtrees, left to right: one for each set bit of `size`.

    Args:
        size: leaves folded in.
        hashes: the roots, the largest subtree first.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        assert 0 <= self.size <= SIZE_MAX
        assert len(self.hashes) == self.size.bit_count()

    @classmethod
    def of(cls, size: int, reader: HashReader) -> "Frontier":
        """Return the frontier of the first `size` leaves of a stored log."""
        levels = [level for level in reversed(range(size.bit_length())) if size >> level & 1]
        # To the left of a subtree of 2**level leaves are exactly those of the larger set bits of the size.
        hashes = tuple(reader.read_hash(level, (size >> level) - 1) for level in levels)
        return cls(size=size, hashes=hashes)

    def append(self, leaf: bytes) -> "Frontier":
        """Return the frontier with one more leaf, given as its hash."""
        return self.extend((leaf,))

    def extend(self, leaf_hashes: Iterable[bytes]) -> "Frontier":
        """Return the frontier with more leaves, given as their hashes."""
        size, hashes = self.size, list(self.hashes)
        for leaf in leaf_hashes:
            current = leaf
            # Adding one carries through the set low bits; each carry joins two equal subtrees.
            for _ in range((size ^ (size + 1)).bit_length() - 1):
                current = node_hash(hashes.pop(), current)
            hashes.append(current)
            size += 1
        return Frontier(size=size, hashes=tuple(hashes))

    def root(self) -> bytes:
        """Return the root of the log, as `merkle.root` does. RFC 6962 2.1."""
        if not self.hashes:
            return EMPTY_ROOT
        *rest, current = self.hashes
        for left in reversed(rest):
            current = node_hash(left, current)
        return current

    def encode(self) -> bytes:
        """Return `u64 size || hashes`, for storage."""
        return self.size.to_bytes(8, "big") + b"".join(self.hashes)

    @classmethod
    def decode(cls, data: bytes) -> "Frontier":
        """Read the bytes that `encode` wrote.

        Raises:
            DecodeError: the length does not fit the size.
        """
        size = int.from_bytes(data[:8], "big")
        if size > SIZE_MAX or len(data) != 8 + HASH_BYTES * size.bit_count():
            raise DecodeError(
                "frontier", "These bytes are not the frontier of a log.", hint="Derive it again from the log."
            )
        return cls(size=size, hashes=tuple(data[at : at + HASH_BYTES] for at in range(8, len(data), HASH_BYTES)))


def derive_root(leaf_hashes: Iterable[bytes]) -> bytes:
    """Return the root over all leaves, read in one pass."""
    return Frontier().extend(leaf_hashes).root()


def check_entries(entries: Iterable[bytes], size: int, root: bytes) -> Frontier:
    """Check all entries of a log against the root of a checkpoint; return its frontier, from which to continue.

    Raises:
        RefusedError: there are more or fewer entries, or they lead to another root.
    """
    frontier = Frontier().extend(leaf_hash(entry) for entry in entries)
    if frontier.size != size:
        raise RefusedError(
            "log_size", f"The log has {frontier.size} entries, but its checkpoint says {size}.", hint="Fetch it again."
        )
    if frontier.root() != root:
        raise RefusedError(
            "log_root",
            f"The {size} entries of the log do not lead to the root in its checkpoint.",
            hint="Do not rely on this log; its signed checkpoint is evidence.",
        )
    return frontier
