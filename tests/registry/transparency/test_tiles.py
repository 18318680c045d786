"""The log as files: their names, what is in them, and a whole log derived again from its entries."""

import doctest
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.registry.errors import DecodeError, RefusedError
from accredit.registry.transparency import tiles as log
from accredit.registry.transparency.merkle import (
    EMPTY_ROOT,
    SIZE_MAX,
    HashReader,
    MemoryHashes,
    leaf_hash,
    prove_inclusion,
    root,
)
from accredit.registry.transparency.tiles import (
    ENTRIES,
    Frontier,
    Tile,
    Tiles,
    bundles_of,
    check_entries,
    decode_bundle,
    derive_root,
    encode_bundle,
    encode_tile,
    tile_width,
    tiles_of,
)

SIZE = 66_000
LEAVES = [leaf_hash(number.to_bytes(4, "big")) for number in range(SIZE)]
# Sizes around which tiles become full, partial or new.
EDGES = [1, 2, 255, 256, 257, 511, 512, 513, 4_000, 65_535, 65_536, 65_537, SIZE]


@pytest.fixture(scope="module")
def memory() -> MemoryHashes:
    hashes = MemoryHashes()
    hashes.append(LEAVES)
    return hashes


def served(size: int, reader: HashReader) -> Callable[[Tile], bytes]:
    """A static file server that has the files of one size, and no other."""
    files = {tile.encode_path(): encode_tile(tile, reader) for tile in tiles_of(size)}
    return lambda tile: files[tile.encode_path()]


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(level=0, index=0), "tile/0/000"),
        (Tile(level=0, index=1234067), "tile/0/x001/x234/067"),
        (Tile(level=63, index=999, width=255), "tile/63/999.p/255"),
        (Tile(level=1, index=1000, width=1), "tile/1/x001/000.p/1"),
        (Tile(level=ENTRIES, index=273, width=112), "tile/entries/273.p/112"),
        (Tile(level=ENTRIES, index=SIZE_MAX // 256), "tile/entries/x036/x028/x797/x018/x963/967"),
    ],
)
def test_a_tile_has_one_name(tile: Tile, path: str) -> None:
    assert tile.encode_path() == path
    assert Tile.decode_path(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/tile/0/000",
        "tile/0/000/",
        "tile/0/0",
        "tile/0/0000",
        "tile/00/000",
        "tile/01/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/999",
        "tile/0/000.p/",
        "tile/0/000.p/1\n",
        "tile/0/\u0660\u0660\u0660",
        "tile/data/000",
        "tile/0/../000",
        "tile/0/x001/x001/x001/x001/x001/x001/000",
    ],
)
def test_another_spelling_of_a_path_is_refused(path: str) -> None:
    with pytest.raises(DecodeError) as caught:
        Tile.decode_path(path)
    assert caught.value.code == "tile_path"


@given(st.text(alphabet="tile/entrs0123.xp", max_size=30))
def test_any_path_is_a_tile_or_a_decode_error(path: str) -> None:
    try:
        tile = Tile.decode_path(path)
    except DecodeError:
        return
    assert tile.encode_path() == path


@given(st.integers(ENTRIES, 63), st.integers(0, SIZE_MAX // 256), st.integers(1, 256))
def test_paths_round_trip(level: int, index: int, width: int) -> None:
    tile = Tile(level=level, index=index, width=width)

    assert Tile.decode_path(tile.encode_path()) == tile


def test_tiles_of_the_specifications_example() -> None:
    """tlog-tiles counts them for 70,000 leaves."""
    by_level = [[tile.width for tile in tiles_of(70_000) if tile.level == level] for level in range(4)]

    assert by_level == [[256] * 273 + [112], [256, 17], [1], []]
    assert [tile.width for tile in bundles_of(70_000)] == [256] * 273 + [112]
    assert list(tiles_of(0)) == list(bundles_of(0)) == []
    assert [tile.encode_path() for tile in tiles_of(256)] == ["tile/0/000", "tile/1/000.p/1"]


def test_an_empty_tile_does_not_exist() -> None:
    assert tile_width(0, 1, 256) == 0
    assert tile_width(0, 7, 256) == 0
    assert tile_width(1, 0, 255) == 0
    assert tile_width(ENTRIES, 1, 300) == 44


@given(st.integers(0, 200_000), st.integers(0, 3_000))
def test_what_is_written_while_growing_is_all_that_there_is(old: int, more: int) -> None:
    for files in (tiles_of, bundles_of):
        everything = set(files(old + more))
        written = list(files(old + more, since=old))

        assert everything - set(files(old)) == set(written)
        assert len(set(written)) == len(written)


def test_a_tile_says_where_its_leaves_begin() -> None:
    assert Tile(level=0, index=3).start == Tile(level=ENTRIES, index=3).start == 768
    assert Tile(level=1, index=1).start == 65_536


@pytest.mark.parametrize("size", EDGES)
def test_tiles_answer_for_every_subtree(memory: MemoryHashes, size: int) -> None:
    tiles = Tiles(size, served(size, memory))
    for level in range(size.bit_length()):
        count = size >> level
        for index in {0, 1, count // 2, count - 2, count - 1} & set(range(count)):
            assert tiles.read_hash(level, index) == memory.read_hash(level, index), (level, index)
    assert root(size, tiles) == root(size, memory)
    assert prove_inclusion(size // 2, size, tiles) == prove_inclusion(size // 2, size, memory)


def test_a_tile_is_asked_for_once(memory: MemoryHashes) -> None:
    asked: list[Tile] = []
    files = served(255, memory)

    def read_tile(tile: Tile) -> bytes:
        asked.append(tile)
        return files(tile)

    root(255, Tiles(255, read_tile))

    assert asked == [Tile(level=0, index=0, width=255)]


@pytest.mark.parametrize(("level", "index"), [(0, 5), (2, 1), (3, 0), (0, -1), (64, 0)])
def test_a_subtree_that_is_not_complete_is_refused(memory: MemoryHashes, level: int, index: int) -> None:
    with pytest.raises(RefusedError, match="no subtree"):
        Tiles(5, served(5, memory)).read_hash(level, index)


@pytest.mark.parametrize("data", [b"", bytes(5 * 32 - 1), bytes(6 * 32), bytes(256 * 32)])
def test_a_tile_cut_short_or_too_long_is_refused(data: bytes) -> None:
    with pytest.raises(DecodeError, match=r"tile/0/000\.p/5 has"):
        Tiles(5, lambda _: data).read_hash(0, 0)


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256))
def test_bundles_round_trip(entries: list[bytes]) -> None:
    assert decode_bundle(encode_bundle(entries), len(entries)) == entries


def test_a_bundle_has_exactly_its_entries() -> None:
    data = encode_bundle([b"one", b"", b"three"])
    assert data == b"\x00\x03one\x00\x00\x00\x05three"

    for end in range(len(data)):
        with pytest.raises(DecodeError) as caught:
            decode_bundle(data[:end], 3)
        assert caught.value.code == "bundle_truncated"
    for surplus, width in ((data + b"\x00", 3), (data + b"\x00\x00", 3), (data, 2)):
        with pytest.raises(DecodeError) as caught:
            decode_bundle(surplus, width)
        assert caught.value.code == "bundle_surplus"


def test_an_entry_beyond_its_length_prefix_is_refused() -> None:
    assert decode_bundle(encode_bundle([bytes(65_535)]), 1) == [bytes(65_535)]
    with pytest.raises(RefusedError, match="65536"):
        encode_bundle([b"", bytes(65_536)])


@pytest.mark.parametrize("size", [0, *EDGES])
def test_a_frontier_derives_the_root_that_the_tree_has(memory: MemoryHashes, size: int) -> None:
    frontier = Frontier().extend(LEAVES[:size])

    assert frontier.size == size
    assert frontier.root() == derive_root(LEAVES[:size]) == root(size, memory)
    assert Frontier.of(size, memory) == frontier
    assert Frontier.decode(frontier.encode()) == frontier


def test_a_frontier_put_aside_goes_on_where_it_was(memory: MemoryHashes) -> None:
    frontier = Frontier()
    for number, leaf in enumerate(LEAVES[:600], start=1):
        frontier = Frontier.decode(frontier.append(leaf).encode())

        assert frontier.root() == root(number, memory)
    assert len(frontier.hashes) == 4
    assert frontier.extend(LEAVES[600:4_000]) == Frontier.of(4_000, memory)


@pytest.mark.parametrize(
    "data", [b"", bytes(7), bytes(9), bytes(7) + b"\x01", bytes(7) + b"\x03" + bytes(63), b"\x80" + bytes(39)]
)
def test_bytes_that_are_no_frontier_are_refused(data: bytes) -> None:
    with pytest.raises(DecodeError, match="frontier"):
        Frontier.decode(data)


def test_a_whole_log_is_checked_from_its_entries_to_its_root() -> None:
    entries = [b"entry %d" % number for number in range(300)]
    expected = derive_root(leaf_hash(entry) for entry in entries)

    assert check_entries(entries, 300, expected).root() == expected
    assert check_entries([], 0, EMPTY_ROOT) == Frontier()


def test_a_log_with_an_entry_left_out_added_altered_or_moved_is_refused() -> None:
    entries = [b"entry %d" % number for number in range(300)]
    expected = derive_root(leaf_hash(entry) for entry in entries)

    for wrong in (entries[:-1], [*entries, b""], entries[1:]):
        with pytest.raises(RefusedError) as caught:
            check_entries(wrong, 300, expected)
        assert caught.value.code == "log_size"
    for wrong in ([*entries[:-1], b"entry 298"], [entries[1], entries[0], *entries[2:]]):
        with pytest.raises(RefusedError) as caught:
            check_entries(wrong, 300, expected)
        assert caught.value.code == "log_root"


def test_the_example_in_the_docstring_runs() -> None:
    result = doctest.testmod(log)

    assert result.attempted > 0
    assert result.failed == 0
