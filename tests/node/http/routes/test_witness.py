"""The witness over HTTP: statuses and bodies of tlog-witness, and problems that say what is wrong."""

from pathlib import Path

import pytest

from accredit.node.http.app import create_app
from accredit.registry.encoding.ed25519 import public_of
from accredit.registry.transparency.checkpoint import open_checkpoint
from accredit.registry.transparency.signed_note import KeyType, VerifierKey
from accredit.registry.transparency.witness import REQUEST_BYTES, AddCheckpoint, origin_hash, read_cosignature
from tests.strategies.consortium import seed_of
from tests.strategies.served import ORIGIN, OTHER_LOG, Served, served
from tests.strategies.witnessed import Tree

LOG = Tree(OTHER_LOG, 20)
KEY = VerifierKey(name=ORIGIN, type=KeyType.COSIGNATURE_V1, public=public_of(seed_of("witness")))
ADD = "/witness/add-checkpoint"


@pytest.fixture
def node(tmp_path: Path) -> Served:
    """A node of its own for each story: what a witness holds, it never forgets."""
    return served(tmp_path)


@pytest.mark.parametrize("headers", [{}, {"content-type": "text/plain; charset=utf-8"}, {"content-type": "a/b"}])
async def test_a_checkpoint_is_cosigned_under_any_media_type(node: Served, headers: dict[str, str]) -> None:
    response = await node.ask("POST", ADD, content=LOG.request(0, 5).encode(), headers=headers)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain")
    assert response.headers["cache-control"] == "no-store"
    assert read_cosignature(response.content, LOG.text(5), KEY, node.now())


async def test_409_is_the_size_alone_under_its_own_type(node: Served) -> None:
    await node.ask("POST", ADD, content=LOG.request(0, 5).encode())
    response = await node.ask("POST", ADD, content=LOG.request(0, 8).encode())
    assert (response.status_code, response.content) == (409, b"5\n")
    assert response.headers["content-type"] == "text/x.tlog.size"
    # A client without any knowledge goes on from there.
    assert (await node.ask("POST", ADD, content=LOG.request(5, 8).encode())).status_code == 200


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (b"old 0\r\n\r\n", 400, "witness_request"),
        (LOG.request(5, 4).encode(), 400, "old_above_size"),
        (LOG.request(0, 5).encode().replace(OTHER_LOG.encode(), b"elsewhere.example"), 404, "unknown_log"),
        (LOG.request(0, 5).encode().replace(b"\n5\n", b"\n6\n"), 403, "signature_refused"),
        (AddCheckpoint(old=0, proof=(bytes(32),), checkpoint=LOG.note(5)).encode(), 422, "proof_length"),
        (b"x" * (REQUEST_BYTES + 1), 413, "too_large"),
    ],
)
async def test_a_refusal_is_a_problem_with_the_status_of_the_specification(
    node: Served, request_: bytes, status: int, code: str
) -> None:
    response = await node.ask("POST", ADD, content=request_)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["content-type"] == "application/problem+json"


async def test_a_monitor_reads_what_is_held_by_the_hash_of_the_origin(node: Served) -> None:
    path = f"/witness/{origin_hash(OTHER_LOG)}/checkpoint"
    assert (await node.get(path)).status_code == 404
    await node.ask("POST", ADD, content=LOG.request(0, 5).encode())
    response = await node.get(path)
    assert response.status_code == 200
    opened = open_checkpoint(response.content, LOG.key, [KEY])
    assert opened.checkpoint.size == 5
    assert [one.time for one in opened.cosignatures] == [node.now()]
    again = await node.get(path, headers={"if-none-match": response.headers["etag"]})
    assert again.status_code == 304
    assert (await node.get("/witness/" + "AB" * 32 + "/checkpoint")).status_code == 400


async def test_a_server_that_only_reads_witnesses_nothing(node: Served) -> None:
    response = await node.ask("POST", ADD, create_app(node), content=LOG.request(0, 5).encode())
    assert (response.status_code, response.json()["code"]) == (503, "read_only")
