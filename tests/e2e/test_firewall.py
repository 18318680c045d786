"""A node that nobody can dial takes part like any other: it keeps a request open, and the news come with the answer."""

from pathlib import Path
from typing import Any, Final

from tests.strategies.bodies import register
from tests.strategies.fleet import Machine, eventually, founding, quiet_port
from tests.strategies.network import A, C

NEVER: Final = "3600000"
"""ms between two comparisons of roots: in this story nothing is found out that way."""


def peer_at(machine: Machine) -> dict[str, Any]:
    """How node3 stands, as another node sees it."""
    (found,) = (peer for peer in machine.client.status()["peers"] if peer["name"] == "node3")
    return dict(found)


def test_what_is_said_elsewhere_reaches_a_node_behind_a_firewall_and_the_other_way_round(tmp_path: Path) -> None:
    with founding(tmp_path, "node1", "node2", "node3", signers=True) as fleet:
        # It listens where its record does not say, so that nobody finds it: as good as a firewall.
        walled = Machine.at("node3", fleet["node3"].folder, quiet_port())
        fleet.machines["node3"] = walled
        for name in ("node1", "node2"):
            fleet[name].start(env={"ACCREDIT_RECONCILE_MS": NEVER})
        settings = {"ACCREDIT_PORT": str(walled.port), "ACCREDIT_OUTBOUND_ONLY": "true"}
        walled.start(env={"ACCREDIT_RECONCILE_MS": NEVER, **settings})
        for name in ("node1", "node2"):
            eventually(lambda name=name: peer_at(fleet[name])["is_mesh"], f"{name} holds a request of node3")  # type: ignore[misc]
        fleet["node1"].submit(*fleet.town.said)
        for name in fleet.machines:
            fleet[name].answers("/readyz")

        told = fleet.town.says(A, "issuer.register", register("did:web:told.example"))
        fleet["node1"].submit(told)
        eventually(lambda: walled.holds(told), "it hears of what is said at another node")
        own = fleet.town.says(C, "issuer.register", register("did:web:own.example"))
        walled.submit(own)
        for name in ("node1", "node2"):
            eventually(lambda name=name: fleet[name].holds(own), f"{name} hears of what is said there")  # type: ignore[misc]
        fleet.agree()
        seen = peer_at(fleet["node1"])
        assert (seen["is_mesh"], seen["failures"]) == (True, 0), seen
        assert seen["last_heard"] is not None
        assert walled.stop() == 0, "open requests do not keep it from stopping"
        assert fleet["node1"].stop() == 0
