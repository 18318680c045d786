"""Replicas behind a balancer: one is killed, one fed what is old, one what is forged; whoever asks notices nothing."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from accredit.simulations.processes.node_process import environment
from tests.strategies import loopback
from tests.strategies.bodies import grant, register
from tests.strategies.fleet import ROOT, accredit, eventually, founding, quiet_port
from tests.strategies.network import A
from tests.strategies.static_server import balancing

ISSUER = "did:web:college.example"


@contextmanager
def replica(policy: Path, place: object, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """A replica as a process of its own; at the end it has shown no traceback."""
    words = ["replica", "run", "--policy", policy, "--from", place, "--port", port, "--every", "1s"]
    log = policy.with_name(f"replica-{port}.log")
    with log.open("wb") as file:
        command = [sys.executable, "-m", "accredit", *map(str, words)]
        process = subprocess.Popen(command, cwd=ROOT, env=environment(), stderr=file)
        try:
            yield process
        finally:
            process.kill()
            process.wait(timeout=60)
    assert "Traceback" not in log.read_text(), log.read_text()


def status_of(port: int, path: str) -> int:
    try:
        return loopback.get(f"http://127.0.0.1:{port}{path}").status_code
    except httpx.TransportError:
        return 0


def test_behind_a_balancer_nobody_notices_replicas_that_die_or_are_lied_to(tmp_path: Path) -> None:
    store, old = tmp_path / "store", tmp_path / "old"
    with founding(tmp_path, "node1", signers=True) as fleet:
        node, ports = fleet["node1"], [quiet_port() for _ in range(4)]
        fleet.start()
        eventually(lambda: node.client.status()["state_note"], "a quorum has signed")
        accredit("node", "publish", node.folder, old)
        fleet.town.says(A, "issuer.register", register(ISSUER))
        fleet.town.says(A, "accreditation.grant", grant(ISSUER))
        node.submit(*fleet.town.said[-2:])
        policies = [tmp_path / f"policy-{number}.txt" for number in range(4)]
        accredit("trust", "export", "-o", policies[0], env={"ACCREDIT_NODE": node.url})
        asked = ("query", ISSUER, "--for", "Degree", "--policy", policies[0])

        def is_noted() -> bool:
            status = node.client.status()
            return bool(status["state_note"]["root"] == status["state_root"])

        eventually(is_noted, "a quorum has signed the accreditation")
        accredit(*asked, "--node", node.url)
        for policy in policies[1:]:  # all have seen the newer state by now
            shutil.copy(policies[0], policy)
        accredit("node", "publish", node.folder, store)
        forged = tmp_path / "forged"
        shutil.copytree(store, forged)
        for whole in forged.glob("state/*/snapshot"):
            whole.write_bytes(whole.read_bytes()[:21] + bytes(32) + whole.read_bytes()[53:])
        places = [node.url, str(store), str(old), str(forged)]
        with (
            replica(policies[0], places[0], ports[0]) as of_node,
            replica(policies[1], places[1], ports[1]) as of_store,
            replica(policies[2], places[2], ports[2]),
            replica(policies[3], places[3], ports[3]),
            balancing(ports, tmp_path / "nginx") as url,
        ):
            eventually(lambda: all(status_of(port, "/healthz") == 200 for port in ports), "the replicas answer")
            # By its word: a replica lists no authorities.
            accredit(*asked[:4], "--node", f"http://127.0.0.1:{ports[0]}")
            unknown = accredit("query", "did:web:nobody.example", "--node", f"http://127.0.0.1:{ports[0]}", code=1)
            assert unknown.out.startswith("Unknown issuer")
            assert [status_of(port, "/readyz") for port in ports] == [200, 200, 503, 503]
            assert {decided(url) for _ in range(3 * len(ports))} == {True}
            of_store.kill()
            of_store.wait(timeout=60)
            assert {decided(url) for _ in range(3 * len(ports))} == {True}
            assert accredit(*asked, "--node", url, "--json").json()["decision"]["authorized"]
            assert accredit(*asked, "--private", "--node", url, "--json").json()["result"] == "verified"
            of_node.send_signal(signal.SIGTERM)
            assert of_node.wait(timeout=60) == 0
            for port in ports[2:]:
                answer = loopback.post(f"http://127.0.0.1:{port}/v1/decisions", json={"issuer": ISSUER})
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def decided(url: str) -> bool:
    """Whether the issuer is trusted, by whoever answers behind the balancer."""
    asked = {"issuer": ISSUER, "achievement_type": "Degree"}
    return bool(loopback.post(f"{url}/v1/decisions", json=asked).json()["authorized"])
