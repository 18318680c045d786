"""Alive, ready, and how it is."""

from dataclasses import fields, replace
from pathlib import Path

import pytest

from accredit.gossip.events import PeerStatistics
from accredit.node.runtime.health import BEHIND, UNSIGNED_SECONDS
from accredit.registry.encoding.ed25519 import public_of
from tests.strategies.consortium import Consortium, seed_of
from tests.strategies.served import NOW, ORIGIN, A, B, Served, empty, served

PEER = PeerStatistics(
    name="node2.example.org",
    url="https://node2.example.org",
    last_heard=NOW * 1_000,
    in_sync=True,
    behind=0,
    queued=0,
    overflowed=0,
    failures=0,
    error="",
)


async def test_alive_is_not_ready(node: Served, tmp_path: Path) -> None:
    assert (await node.get("/healthz")).json() == {"status": "alive"}
    assert (await node.get("/readyz")).json() == {"status": "ready"}
    sick = served(tmp_path)
    for peers, word in (
        ((replace(PEER, last_heard=None),), "No other node"),
        ((PEER, replace(PEER, behind=BEHIND + 1)), f"{BEHIND + 1} entries"),
    ):
        sick.peers = peers
        response = await sick.get("/readyz")
        assert (response.status_code, response.json()["code"]) == (503, "not_ready")
        assert word in response.json()["detail"]
        assert (await sick.get("/healthz")).status_code == 200
    sick.peers, sick.is_stopping = (PEER,), True
    assert "shutting down" in (await sick.get("/readyz")).json()["detail"]
    sick.store.close()


async def test_a_node_that_cannot_sign_what_it_stored_is_not_ready(tmp_path: Path) -> None:
    node = served(tmp_path)
    app = node.app()
    statement = node.town.votes("https://b.example/", node.town.genesis)
    node.store.append([(statement.id, statement.raw)])
    assert (await node.ask("GET", "/readyz", app)).status_code == 200, "a batch may be on its way to its checkpoint"
    node.time += UNSIGNED_SECONDS + 1
    response = await node.ask("GET", "/readyz", app)
    assert response.status_code == 503
    assert "checkpoint" in response.json()["detail"]
    node.store.close()


async def test_status_and_figures(tmp_path: Path) -> None:
    node = served(tmp_path)
    node.peers = (PEER, replace(PEER, name="node3", last_heard=None, error="timeout", failures=2))
    status = (await node.get("/v1/status")).json()
    assert (status["name"], status["size"], status["checkpoint_size"]) == (ORIGIN, node.store.size(), node.store.size())
    assert [peer["last_heard"] for peer in status["peers"]] == ["2023-11-16T02:00:00Z", None]
    figures = (await node.get("/metrics")).text
    assert f"accredit_log_entries {float(node.store.size())}" in figures
    assert 'accredit_peers{state="silent"} 1.0' in figures
    assert 'accredit_http_requests_total{method="GET",route="/v1/status",status="200"} 1.0' in figures
    node.store.close()


async def test_all_that_gossip_sees_of_a_peer_is_told(tmp_path: Path) -> None:
    node = served(tmp_path)
    watched = replace(
        PEER,
        behind=1,
        lag=2,
        queued=3,
        overflowed=4,
        failures=5,
        error="timeout",
        is_mesh=True,
        why="it is one of eight",
        round_trip=6,
        firsts=7,
        duplicates=8,
        strikes=9,
        distrusted_until=(NOW + 60) * 1_000,
        beacon=(NOW - 1) * 1_000,
    )
    node.peers = (watched,)
    (told,) = (await node.get("/v1/status")).json()["peers"]
    times = {"last_heard": "2023-11-16T02:00:00Z", "distrusted_until": "2023-11-16T02:01:00Z"}
    assert told.pop("beacon_time") == "2023-11-16T01:59:59Z"
    assert {name: told.pop(name) for name in times} == times
    assert told.pop("round_trip_ms") == 6
    assert told == {name: getattr(watched, name) for name in told}
    assert len(told) + 4 == len(fields(PeerStatistics)), "nothing is kept back"
    node.store.close()


@pytest.mark.parametrize(
    ("peer", "why"),
    [
        (None, "this node itself"),
        (replace(PEER, failures=3, error="connection refused"), "does not answer this node (connection refused)"),
        (replace(PEER, last_heard=None), "not been heard since this node started"),
        (replace(PEER, lag=12), "12 statements fewer"),
        (replace(PEER, distrusted_until=1, why="not listened to: a forged frame", failures=3), "a forged frame"),
        (PEER, "never seen to cosign"),
    ],
)
async def test_a_missing_signer_is_shown_with_the_reason(tmp_path: Path, peer: PeerStatistics | None, why: str) -> None:
    """A charter with a second signer that has never cosigned."""
    seeds = {ORIGIN: "", PEER.name: "other "}
    nodes = [
        {
            "name": name,
            "operator": name,
            "url": f"https://{name}",
            "keys": {role: public_of(seed_of(seed + role)) for role in ("peer", "log", "witness", "state")},
        }
        for name, seed in seeds.items()
    ]
    node = empty(tmp_path, Consortium.of((A, "nonprofit"), (B, "public"), nodes=nodes, signers=list(seeds)))
    node.hears()
    node.peers = () if peer is None else (peer,)
    missing = {one["name"]: one for one in (await node.get("/v1/status")).json()["state_note"]["missing"]}
    assert (missing[PEER.name]["last_seen"], missing[PEER.name]["count"]) == (None, None)
    assert why in missing[PEER.name]["why"]
    node.store.close()


async def test_a_view_is_stale_when_all_others_have_been_silent(tmp_path: Path) -> None:
    node = served(tmp_path)
    assert node.health.stale() is None, "alone, it knows all there is"
    node.peers = (PEER, replace(PEER, last_heard=None))
    node.time = NOW + 900
    assert node.health.stale() is None
    node.time = NOW + 901
    assert "901 seconds" in (node.health.stale() or "")
    node.store.close()


async def test_the_front_door_speaks_to_people_and_to_programs(node: Served) -> None:
    program = await node.get("/")
    assert program.json()["ecosystem"] == node.ecosystem.hex()
    for link in program.json()["links"].values():
        assert (await node.get(link)).status_code == 200
    page = await node.get("/", headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"] == "default-src 'none'"
    assert ORIGIN in page.text
