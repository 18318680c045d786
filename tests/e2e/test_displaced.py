"""A node whose name was given to another machine while it was away: it finds out, and nothing it was told is lost."""

import json
from pathlib import Path

import pytest

from accredit.governance.authority.node_names import entry_digest
from accredit.registry.errors import RemoteError
from tests.strategies.bodies import register
from tests.strategies.fleet import Machine, eventually, founding
from tests.strategies.network import A, B, C, node_entry
from tests.strategies.wire import exchange, json_of, post, request, status_of


def unready(machine: Machine) -> str:
    """Why a node is not ready; empty where it is."""
    answer = exchange(machine.port, request("GET", "/readyz"))
    return "" if status_of(answer) == 200 else str(json_of(answer)["detail"])


def test_a_displaced_node_takes_nothing_more_and_what_is_stranded_there_is_brought_to_the_others(
    tmp_path: Path,
) -> None:
    with founding(tmp_path, "node1", "node2", "node3") as fleet:
        fleet.start()
        fleet.agree()
        others, old = [fleet["node1"], fleet["node2"]], fleet["node3"]
        for machine in others:
            assert machine.stop() == 0
        stranded = [fleet.town.says(A, "issuer.register", register(f"did:web:{word}.example")) for word in "xyz"]
        old.submit(*stranded)
        assert old.stop() == 0

        for machine in others:
            machine.start()
        entry = node_entry("elsewhere", "http://127.0.0.1:9") | {"name": "node3"}
        replaced = fleet.town.says(
            B, "node.replace", entry | {"replaces": entry_digest(node_entry("node3", old.url))}, sub="node3"
        )
        others[0].submit(replaced, fleet.town.votes(C, replaced))
        fleet.agree("node1", "node2")

        old.start()
        reason = eventually(lambda: "now belongs to other keys" in (said := unready(old)) and said, "it finds out")
        assert "accredit submit --from-node" in str(reason)
        late = fleet.town.says(A, "issuer.register", register("did:web:late.example"))
        with pytest.raises(RemoteError, match="ignore this node") as refused:
            old.submit(late)
        assert (refused.value.code, old.holds(late)) == ("displaced", False)
        typed = ("issuer", "propose", "--id", "did:web:typed.example", "--name", "Typed")
        assert "Ask another node" in fleet.types(*typed, node="node3", by=B, code=5).said
        asked = json.dumps({"issuer": "did:web:x.example", "achievement_type": "Degree"}).encode()
        answer = exchange(old.port, post("/v1/decisions", asked, "application/json"))
        assert json_of(answer)["verdict"] == "stale_view", "what was revoked meanwhile nobody tells it"

        brought = fleet.types("submit", "--from-node", old.url, "--json").json()["statements"]
        assert [row["id"] for row in brought] == [said.id.hex() for said in stranded]
        for machine in others:
            eventually(lambda machine=machine: all(machine.holds(said) for said in stranded), "it has arrived")  # type: ignore[misc]
        assert "already has every statement that" in fleet.types("submit", "--from-node", old.url).out
