"""Whoever catches a node lying can show it to any node, and everybody can check it without believing anyone."""

from pathlib import Path

import httpx
import pytest

from accredit.node.runtime.equivocations import digest
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.transparency.equivocation import Conflict, check
from tests.strategies.consortium import seed_of
from tests.strategies.contradictions import forked_log, two_states
from tests.strategies.served import ORIGIN, Served, served

CBOR = {"content-type": "application/cbor"}


async def show(node: Served, file: bytes, **settings: int) -> httpx.Response:
    return await node.ask("POST", "/v1/conflicts", node.app(**settings), content=file, headers=CBOR)


async def test_a_conflict_is_kept_listed_served_and_an_alarm(tmp_path: Path) -> None:
    node = served(tmp_path)
    assert (await node.get("/v1/conflicts")).json() == {"conflicts": []}
    lie = forked_log(ORIGIN, KeyPair(seed_of("log")))
    response = await show(node, lie.encode())
    assert (response.status_code, response.json()["status"]) == (200, "kept")
    (row,) = (await node.get("/v1/conflicts")).json()["conflicts"]
    assert row == response.json()["conflict"]
    assert (row["id"], row["kind"], row["name"]) == (digest(lie).hex(), "checkpoints", ORIGIN)
    assert (row["key"], row["origin"]) == (lie.key.encode(), ORIGIN)
    assert row["signed"] == [{"size": 7, "root": "00" * 32}, {"size": 7, "root": "01" * 32}]
    file = await node.get(f"/v1/conflicts/{row['id']}")
    assert (file.headers["content-type"], file.content) == ("application/cbor", lie.encode())
    assert check(file.content) == lie
    (alarm,) = (await node.get("/v1/status")).json()["alarms"]
    assert ORIGIN in alarm
    assert row["id"][:12] in alarm
    figures = (await node.get("/metrics")).text
    assert "accredit_conflicts 1.0" in figures
    assert "accredit_alarms 1.0" in figures


async def test_one_is_enough_against_each_key_and_kind(tmp_path: Path) -> None:
    node = served(tmp_path)
    first = forked_log(ORIGIN, KeyPair(seed_of("log")))
    await show(node, first.encode())
    for other in (
        first,
        forked_log(ORIGIN, KeyPair(seed_of("log")), other=2),
        forked_log(ORIGIN, KeyPair(seed_of("log")), size=8),
    ):
        answer = (await show(node, other.encode())).json()
        assert (answer["status"], answer["conflict"]["id"]) == ("known", digest(first).hex())
    assert (await show(node, two_states(ORIGIN, seed_of("state"), node.ecosystem).encode())).json()["status"] == "kept"
    assert len((await node.get("/v1/conflicts")).json()["conflicts"]) == 2
    assert len((await node.get("/v1/status")).json()["alarms"]) == 2


def agreeing(lie: Conflict) -> bytes:
    return Conflict(kind=lie.kind, key=lie.key, first=lie.first, second=lie.first).encode()


@pytest.mark.parametrize(
    ("file", "status", "code"),
    [
        (b"", 400, "not_cbor"),
        (b"\xa0", 400, ""),
        (agreeing(forked_log(ORIGIN, KeyPair(seed_of("log")))), 400, "conflict_order"),
        (forked_log(ORIGIN, KeyPair(seed_of("not the log's"))).encode(), 422, "not_a_nodes_key"),
        (forked_log("stranger.example", KeyPair(seed_of("stranger"))).encode(), 422, "not_a_nodes_key"),
        (b"\xff", 400, ""),
        (forked_log("other.example", KeyPair(seed_of("log"))).encode(), 422, "not_a_nodes_key"),
        (bytes(20_000), 413, "too_large"),
    ],
)
async def test_what_proves_nothing_is_refused_with_the_reason(
    node: Served, file: bytes, status: int, code: str
) -> None:
    response = await show(node, file)
    assert response.status_code == status, response.text
    assert code in response.json()["code"]
    assert response.json()["detail"]
    assert (await node.get("/v1/conflicts")).json() == {"conflicts": []}


async def test_nobody_fills_a_node_with_accusations(node: Served) -> None:
    app = node.app(submissions_per_minute=1)
    lie = forked_log("stranger.example", KeyPair(seed_of("stranger"))).encode()
    statuses = [(await node.ask("POST", "/v1/conflicts", app, content=lie, headers=CBOR)).status_code for _ in range(3)]
    assert statuses[0] == 422
    assert statuses[-1] == 429


async def test_a_conflict_that_is_not_kept_is_not_found(node: Served) -> None:
    response = await node.get(f"/v1/conflicts/{'ab' * 32}")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")
