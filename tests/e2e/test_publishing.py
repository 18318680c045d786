"""A running node that publishes by itself: kept fresh, asked without the node, and never in its way."""

import os
import signal
from pathlib import Path

from tests.strategies.fleet import Fleet, Machine, accredit, eventually, founding


def publishers(node: Machine) -> list[int]:
    """Processes of the node that publish."""
    assert node.process is not None
    found = []
    # Each thread has its own children, and the node begins processes in whichever is free.
    for children in Path(f"/proc/{node.process.pid}/task").glob("*/children"):
        for child in children.read_text().split():
            if b"publisher" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(int(child))
    return found


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()


def policy_of(fleet: Fleet, folder: Path) -> Path:
    path = folder / "policy.txt"
    accredit("trust", "export", "-o", path, env={"ACCREDIT_NODE": fleet["node1"].url})
    return path


def test_what_a_node_publishes_by_itself_is_asked_once_the_node_is_gone(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with founding(tmp_path, "node1", signers=True, publish_to=str(store), publish_seconds=5) as fleet:
        node = fleet["node1"]
        fleet.start()
        eventually((store / "v1" / "state-note").exists, "the first note is published")
        (publisher,) = eventually(lambda: publishers(node), "the publisher runs")
        os.kill(publisher, signal.SIGKILL)
        assert node.client.ready(), "the node does not need its publisher"
        policy = policy_of(fleet, tmp_path)
        node.kill()
        found = accredit("query", "did:web:x.example", "--policy", policy, "--node", store, "--json", code=1).json()
        assert (found["result"], found["verdict"]) == ("verified", "unknown_issuer")


def test_a_publisher_ends_with_its_node_however_that_came_about(tmp_path: Path) -> None:
    with founding(tmp_path, "node1", signers=True, publish_to=str(tmp_path / "store"), publish_seconds=5) as fleet:
        node = fleet["node1"]
        fleet.start()
        (publisher,) = eventually(lambda: publishers(node), "the publisher runs")
        node.kill()
        eventually(lambda: not is_alive(publisher), "the publisher has ended with its node")


def test_a_target_that_cannot_be_published_to_is_said_before_the_node_serves(tmp_path: Path) -> None:
    with founding(tmp_path, "node1", publish_to="https://files.example.org/") as fleet:
        refused = accredit("node", "run", fleet["node1"].folder, code=3)
        assert "is the address of a web server" in refused.said
