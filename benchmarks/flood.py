"""Whether a flood of questions slows what nodes tell each other: a node with one query worker, alone and flooded.

Targets (performance.md, serving.md): gossip p99 within 10 % of what it is without the flood; what takes trust away is
enforced by the workers within 300 ms, p99.

This program is the node's only peer. It pushes one statement at a time, in frames signed as a member's, and times each
until the node's answer to the frame: that is *gossip*. Half of them suspend an accreditation: the worker is asked about
it over a connection of its own, again as soon as it has answered, until it says so: that is *enforced by the worker*,
from before the push. The flood asks `POST /authorization` over 64 connections, 2,000 times a second: more than one
worker answers beside the asking process, so that its queue is always full.

Node, worker, flood and this program share the machine's cores. Where these are two, gossip waits for a core as
everything does, and the ratio says more of the machine than of the node. So the processor time that the node's own
process takes for a frame is shown as well; it includes what the process does otherwise in that time.

    python3 dev.py bench flood                                              a minute
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Final

import httpx

from accredit.gossip.protocol.wire import Push, encode_frame
from accredit.registry.encoding.ed25519 import KeyPair, key_id, public_of
from accredit.registry.statement import Statement
from benchmarks.harness import Report, percentile
from tests.strategies.bodies import event, grant
from tests.strategies.fleet import Fleet, Machine, eventually, founding
from tests.strategies.network import A, node_seed

ROUNDS: Final = 3
FRAMES: Final = 200
"""Frames in one round that grant, and as many that suspend: a p99 of fewer is that of the two slowest."""

PAUSE: Final = 0.02
"""Seconds between two frames: a stream of statements that no limit on a peer cuts."""

FLOOD_RATE: Final = 2_000
FLOOD_CONNECTIONS: Final = 64
LONGEST: Final = 60.0
SCOPE: Final = {"achievement_types": ["Degree"]}
ROOT: Final = Path(__file__).resolve().parent.parent


class FloodedPeer:
    """The peer of a node: it pushes statements as the member `node2` does, and asks the node's worker."""

    def __init__(self, machine: Machine, fleet: Fleet) -> None:
        self._node, self._town = machine, fleet.town
        self._signer = KeyPair(node_seed("node2", "peer"))
        self._recipient = key_id(public_of(node_seed(machine.name, "peer")))
        self._pushing, self._asking = (
            httpx.Client(base_url=machine.url, trust_env=False, timeout=LONGEST) for _ in range(2)
        )
        self._numbers = count()

    def push(self, statement: Statement, *, urgent: bool) -> float:
        """Milliseconds until the node answers a frame with this statement."""
        frame = encode_frame(
            Push(statements=(statement.raw,), urgent=urgent),
            signer=self._signer,
            recipient=self._recipient,
            time=int(time.time() * 1_000),
            nonce=os.urandom(16),
        )
        begun = time.perf_counter()
        answer = self._pushing.post("/gossip", content=frame, headers={"content-type": "application/cose"})
        took = (time.perf_counter() - begun) * 1_000
        assert answer.status_code == 200, answer.text
        return took

    def trusts(self, issuer: str) -> bool:
        """Whether the worker says that an issuer may issue a degree now."""
        answer = self._asking.post("/v1/decisions", json={"issuer": issuer, "achievement_type": "Degree"})
        return bool(answer.raise_for_status().json()["authorized"])

    def round(self) -> tuple[list[float], list[float]]:
        """Milliseconds of each frame, and of each suspension until the worker enforces it."""
        gossip, enforced, granted = [], [], dict[str, Statement]()
        for _ in range(FRAMES):
            issuer = f"did:web:issuer{next(self._numbers)}.example"
            granted[issuer] = self._town.says(A, "accreditation.grant", grant(issuer, scope=SCOPE))
            gossip.append(self.push(granted[issuer], urgent=False))
            time.sleep(PAUSE)
        for issuer, given in granted.items():
            eventually(partial(self.trusts, issuer), f"{issuer} is trusted")
            ended = self._town.says(A, "accreditation.status", event(given.id, "suspend"), issuer)
            begun = time.perf_counter()
            gossip.append(self.push(ended, urgent=True))
            while self.trusts(issuer):
                assert time.perf_counter() - begun < LONGEST, issuer
            enforced.append((time.perf_counter() - begun) * 1_000)
        return gossip, enforced


@contextmanager
def flood(machine: Machine, folder: Path, authority: str) -> Iterator[None]:
    """Questions without end, as long as the block lasts."""
    bodies = folder / "bodies"
    asked = '{"entity_id":"did:web:nobody%d.example","authority_id":"%s","action":"issue","resource":"Degree"}'
    bodies.write_text("\n".join(asked % (number, authority) for number in range(1_000)))
    words = ["127.0.0.1", machine.port, "/authorization", bodies, FLOOD_RATE, 3_600, FLOOD_CONNECTIONS]
    command = [sys.executable, "-m", "benchmarks.open_loop", *map(str, words)]
    asking = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        time.sleep(1)  # its connections are open and its queue is full
        assert asking.poll() is None
        yield
    finally:
        asking.kill()
        asking.wait()


def own_seconds(machine: Machine) -> float:
    """Processor time of the node's own process."""
    assert machine.process is not None
    fields = Path(f"/proc/{machine.process.pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(report: Report, fleet: Fleet, folder: Path) -> None:
    """Rounds without the flood and under it, in turn."""
    node = fleet["node1"]
    peer = FloodedPeer(node, fleet)
    seen: dict[str, list[tuple[list[float], list[float], float]]] = {"alone": [], "flooded": []}
    peer.round()  # warm
    for _ in range(ROUNDS):
        for what, rounds in seen.items():
            if what == "alone":
                before = own_seconds(node)
                rounds.append((*peer.round(), own_seconds(node) - before))
            else:
                with flood(node, folder, fleet.town.id):
                    before = own_seconds(node)
                    rounds.append((*peer.round(), own_seconds(node) - before))
    for what, rounds in seen.items():
        report.add(f"gossip, {what}, p50", "ms", [percentile(gossip, 0.5) for gossip, _, _ in rounds])
        report.add(f"gossip, {what}, p99", "ms", [percentile(gossip, 0.99) for gossip, _, _ in rounds])
        report.add(
            f"gossip, {what}: the node's own processor time a frame",
            "us",
            [seconds / (2 * FRAMES) * 1e6 for _, _, seconds in rounds],
        )
    alone, flooded = (
        percentile([took for gossip, _, _ in rounds for took in gossip], 0.99) for rounds in seen.values()
    )
    report.add("gossip, flooded to alone, p99 of all", "x", [flooded / alone], at_most=1.1)
    for what, rounds in seen.items():
        every = [took for _, enforced, _ in rounds for took in enforced]
        report.add(f"enforced by the worker, {what}, p50", "ms", [percentile(every, 0.5)])
        report.add(f"enforced by the worker, {what}, p99", "ms", [percentile(every, 0.99)], at_most=300)


def main() -> None:
    """Measures and reports."""
    report = Report("flood")
    with (
        tempfile.TemporaryDirectory() as name,
        founding(Path(name), "node1", "node2", query_workers=1, submissions_per_minute=1_000_000) as fleet,
    ):
        node = fleet["node1"]
        node.start()
        node.submit(*fleet.town.said)
        eventually(lambda: "a query worker answers" in node.log.read_text(), "the worker answers")
        measure(report, fleet, Path(name))
    report.finish()


if __name__ == "__main__":
    main()
