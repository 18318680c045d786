"""Alive, ready, and how it is."""

import logging
import re
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import pytest

from accredit.gossip.protocol.events import PeerStatistics
from accredit.node.faults import outliving
from accredit.node.runtime.equivocations import accuse
from accredit.node.runtime.fitness import STATEMENTS
from accredit.node.runtime.health import BEHIND, UNSIGNED_SECONDS
from accredit.registry.encoding.ed25519 import KeyPair, public_of
from accredit.registry.errors import StorageError
from tests.strategies.consortium import Consortium, seed_of
from tests.strategies.contradictions import forked_log
from tests.strategies.served import COLLEGE, NOW, ORIGIN, PEER, A, B, Served, empty, served


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


@pytest.mark.parametrize(
    ("peer", "why"),
    [
        (None, "this node itself"),
        (replace(PEER, failures=3, error="connection refused"), "does not answer this node (connection refused)"),
        (replace(PEER, last_heard=None), "not been heard from since this node started"),
        (replace(PEER, lag=12), "12 statements fewer"),
        (replace(PEER, distrusted_until=1, why="not listened to: a forged frame", failures=3), "a forged frame"),
        (PEER, "never been seen to cosign"),
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


async def test_a_view_is_stale_when_all_others_have_been_silent(tmp_path: Path) -> None:
    node = served(tmp_path)
    assert node.health.stale() is None, "alone, it knows all there is"
    node.peers = (PEER, replace(PEER, last_heard=None))
    node.time = NOW + 900
    assert node.health.stale() is None
    node.time = NOW + 901
    assert "901 seconds" in (node.health.stale() or "")


# ------------------------------------------------------------------------------------------- the operator's alert table

GUIDE = Path(__file__).resolve().parents[4] / "docs" / "operator.md"
Figures = dict[str, float]


def fail_to_store(node: Served) -> None:
    with pytest.raises(StorageError), node.fitness.writing(STATEMENTS):
        raise StorageError("disk_full", "no room.")


def store_unsigned(node: Served) -> None:
    said = node.town.votes(B, node.town.genesis)
    node.store.append([(said.id, said.raw)])


def meet_a_fault(_node: Served) -> None:
    with outliving(logging.getLogger("accredit.node.somewhere"), "an exchange was given up"):
        raise KeyError("nobody foresaw this")


def hear_nobody(node: Served) -> None:
    node.peers = tuple(replace(PEER, name=name, last_heard=None, failures=3) for name in ("node2", "node3"))


def show_a_lie(node: Served) -> None:
    accuse(node.engine, node.hand, LIE.encode())


LIE = forked_log(ORIGIN, KeyPair(seed_of("log")))
TROUBLE: dict[str, tuple[Callable[[Served], None], Callable[[Figures], bool]]] = {
    "accredit_ready == 0": (fail_to_store, lambda seen: seen["accredit_ready"] == 0),
    "accredit_conflicts > 0": (show_a_lie, lambda seen: seen["accredit_conflicts"] > 0),
    "accredit_alarms > 0": (show_a_lie, lambda seen: seen["accredit_alarms"] > 0),
    "increase(accredit_storage_errors_total[10m]) > 0": (
        fail_to_store,
        lambda seen: seen.get('accredit_storage_errors_total{code="disk_full"}', 0.0) > 0,
    ),
    "increase(accredit_faults_total[10m]) > 0": (
        meet_a_fault,
        lambda seen: seen.get('accredit_faults_total{what="an exchange was given up"}', 0.0) > 0,
    ),
    "accredit_log_entries - accredit_checkpoint_entries > 0": (
        store_unsigned,
        lambda seen: seen["accredit_log_entries"] > seen["accredit_checkpoint_entries"],
    ),
    'accredit_peers{state="silent"}': (
        hear_nobody,
        lambda seen: seen['accredit_peers{state="silent"}'] > seen['accredit_peers{state="heard"}'],
    ),
}
"""Each row of the table: how a node comes to be in that trouble, and what its figures say then."""


def test_every_row_of_the_operators_table_is_tried() -> None:
    table = GUIDE.read_text("utf-8").partition("| condition | meaning |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `([^`]+)`", table, re.MULTILINE) == list(TROUBLE)


@pytest.mark.parametrize("row", TROUBLE)
async def test_a_node_in_trouble_shows_it_in_its_figures_and_a_sound_one_does_not(row: str, tmp_path: Path) -> None:
    get_into, shows = TROUBLE[row]
    node = served(tmp_path)
    node.peers = (PEER,)

    async def figures() -> Figures:
        lines = (await node.get("/metrics")).text.splitlines()
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line[:1] != "#"}

    assert not shows(await figures()), "it is well"
    get_into(node)
    assert shows(await figures())


async def test_a_node_that_cannot_keep_what_it_is_told_does_not_answer_as_if_it_could(tmp_path: Path) -> None:
    """It once answered trusted where three others answered suspended."""
    node = served(tmp_path)
    asked = {"entity_id": COLLEGE, "authority_id": node.town.id, "action": "issue", "resource": "Degree"}
    assert (await node.post("/authorization", asked)).status_code == 200
    fail_to_store(node)
    refused = await node.post("/authorization", asked)
    assert (refused.status_code, refused.json()["code"]) == (503, "stale_view")
    assert int(refused.headers["retry-after"]) > 0
    assert (await node.post("/v1/decisions", {"issuer": COLLEGE})).json()["verdict"] == "stale_view"
    assert "disk_full" in (await node.get("/readyz")).json()["detail"]
    assert "disk_full" in (await node.get("/v1/status")).json()["alarms"][0]
    node.fitness.recovered()
    assert (await node.post("/authorization", asked)).status_code == 200
    assert (await node.get("/readyz")).status_code == 200


async def test_a_node_whose_key_signed_another_history_is_not_ready_and_answers_nothing(tmp_path: Path) -> None:
    node = served(tmp_path)
    node.fitness.disown("node2 holds another history of this log")
    asked = {"entity_id": COLLEGE, "authority_id": node.town.id, "action": "issue", "resource": "Degree"}
    assert (await node.post("/authorization", asked)).json()["code"] == "stale_view"
    assert "has stopped signing" in (await node.get("/readyz")).json()["detail"]


async def test_a_key_of_which_peers_bring_more_than_honest_nodes_hold_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = served(tmp_path)
    assert (await node.get("/v1/status")).json()["alarms"] == []
    monkeypatch.setattr(type(node.runtime), "delayed_keys", [bytes.fromhex("ab" * 32)])
    (alarm,) = (await node.get("/v1/status")).json()["alarms"]
    assert "key abababababababab, which has signed several histories" in alarm
    assert "accredit keys compromise" in alarm
