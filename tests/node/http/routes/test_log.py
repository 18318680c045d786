"""The log as tiles: what a witness, a monitor or a newcomer fetches leads to the signed root."""

import pytest

from accredit.registry.encoding.ed25519 import public_of
from accredit.registry.transparency.checkpoint import Checkpoint
from accredit.registry.transparency.merkle import root as root_of
from accredit.registry.transparency.signed_note import Note
from accredit.registry.transparency.tiles import (
    ENTRIES,
    Tile,
    Tiles,
    bundles_of,
    check_entries,
    decode_bundle,
    tiles_of,
)
from tests.strategies.consortium import seed_of
from tests.strategies.served import ORIGIN, Served


async def test_the_whole_log_can_be_fetched_and_leads_to_the_checkpoint(node: Served) -> None:
    response = await node.get("/log/checkpoint")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    text = response.content.split(b"\n\n")[0] + b"\n"
    checkpoint = Checkpoint.decode(text.decode())
    assert (checkpoint.origin, checkpoint.size) == (ORIGIN, len(node.town.said))
    entries = []
    for bundle in bundles_of(checkpoint.size):
        data = (await node.get(f"/log/{bundle.encode_path()}")).content
        entries += decode_bundle(data, bundle.width)
    assert entries == [node.store.entry(number) for number in range(checkpoint.size)]
    check_entries(entries, checkpoint.size, checkpoint.root)
    held = {tile: (await node.get(f"/log/{tile.encode_path()}")).content for tile in tiles_of(checkpoint.size)}
    assert root_of(checkpoint.size, Tiles(checkpoint.size, held.__getitem__)) == checkpoint.root


async def test_the_checkpoint_is_signed_by_the_nodes_log_key(node: Served) -> None:
    note = Note.decode((await node.get("/log/checkpoint")).content)
    assert [signature.name for signature in note.signatures] == [ORIGIN]
    assert public_of(seed_of("log"))


@pytest.mark.parametrize(
    "path", ["0/001", "1/000", "0/000", "0/000.p/200", "entries/000.p/200", "63/x001/000", "20/000"]
)
async def test_a_tile_the_log_does_not_reach_is_404(node: Served, path: str) -> None:
    response = await node.get(f"/log/tile/{path}")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["", "0/0", "0/000.p/0", "0/000.p/256", "00/000", "0/x000/000", "data/000", "0/000/"])
async def test_a_tile_has_one_name(node: Served, path: str) -> None:
    response = await node.get(f"/log/tile/{path}")
    assert (response.status_code, response.json()["code"]) == (400, "tile_path")


async def test_only_what_never_changes_is_kept_for_a_year(node: Served) -> None:
    partial = await node.get("/log/tile/0/000.p/3")
    assert "immutable" not in partial.headers["cache-control"]
    assert Tile(level=ENTRIES, index=0, width=3).encode_path() == "tile/entries/000.p/3"
    again = await node.get("/log/tile/0/000.p/3", headers={"if-none-match": partial.headers["etag"]})
    assert again.status_code == 304
