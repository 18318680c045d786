"""SIGTERM: who waits gets an answer, the process ends well, and what it held is what it holds afterwards."""

import select
import time
from contextlib import ExitStack
from pathlib import Path

from tests.strategies.bodies import register
from tests.strategies.fleet import Machine, founding
from tests.strategies.network import A, B, C
from tests.strategies.wire import connect, json_of, post, read_all, request, status_of

SUBMITTERS = 12

LONG_TICK = 1_500
"""ms: long enough for all to have arrived; a stop waits 5 s for those whose statements are pending."""


def has_taken_in(machine: Machine) -> None:
    """Requests sent before this one have reached the program: it answers others that came after them."""
    for _ in range(30):
        machine.client.status()


def test_those_who_wait_for_the_next_append_are_answered_before_the_end(tmp_path: Path) -> None:
    with founding(tmp_path, "node1", tick_ms=LONG_TICK) as fleet, ExitStack() as connections:
        fleet.start()
        node = fleet["node1"]
        node.submit(fleet.town.says(A, "issuer.register", register()))  # returns just after a tick
        waiting = []
        for number in range(SUBMITTERS):
            said = fleet.town.says((A, B, C)[number % 3], "issuer.register", register(f"did:web:i{number}.example"))
            sock = connections.enter_context(connect(node.port))
            sock.sendall(post("/v1/statements", said.raw, "application/cose"))
            waiting.append((sock, said))
        has_taken_in(node)
        unanswered = SUBMITTERS - len(select.select([sock for sock, _ in waiting], [], [], 0)[0])
        node.terminate()
        answers = {said.id: json_of(read_all(sock)) for sock, said in waiting}
        assert node.ends() == 0
        print(f"{unanswered} of {SUBMITTERS} waited when the node was told to stop")
        for answer in answers.values():
            assert answer["statements"][0]["status"] == "logged"
        assert "Traceback" not in node.log.read_text()
        assert node.audit().json()["fits"]

        node.start()
        for _, said in waiting:
            assert node.client.statement(said.id)["index"] == answers[said.id]["statements"][0]["index"]


def test_a_restart_keeps_every_root(tmp_path: Path) -> None:
    with founding(tmp_path, "node1") as fleet:
        fleet.start()
        node = fleet["node1"]
        for number in range(6):
            node.submit(fleet.town.says(A, "issuer.register", register(f"did:web:i{number}.example")))
        roots = ("state_root", "records_root", "statements_root", "size", "checkpoint_size")
        before = {name: node.client.status()[name] for name in roots}
        checkpoint, feed = node.client.checkpoint(), node.client.changes()
        for _ in range(3):
            assert node.stop() == 0
            node.start()
            assert {name: node.client.status()[name] for name in roots} == before
            assert node.client.checkpoint() == checkpoint, "nothing was signed that was not new"
            assert node.client.changes() == feed
        audit = node.audit().json()
        assert audit["fits"]
        assert "reported state_root" in {one["what"] for one in audit["findings"]}


def test_nobody_who_keeps_a_line_open_keeps_the_node_from_ending(tmp_path: Path) -> None:
    """A stream of changes, a request of which half has come, and a line on which nobody speaks."""
    with founding(tmp_path, "node1") as fleet, ExitStack() as connections:
        fleet.start()
        node = fleet["node1"]
        stream, half, silent = (connections.enter_context(connect(node.port)) for _ in range(3))
        stream.sendall(request("GET", "/v1/changes", headers={"Accept": "text/event-stream"}))
        assert status_of(stream.recv(65_536)) == 200
        half.sendall(post("/v1/statements", bytes(1_000), "application/cose")[:-500])
        silent.sendall(b"GET /healthz HT")
        has_taken_in(node)
        began = time.monotonic()
        assert node.stop() == 0
        print(f"the node ended after {time.monotonic() - began:.1f} s")
        for sock in (stream, half, silent):
            read_all(sock)
        assert node.audit().json()["fits"]


def test_a_node_told_to_stop_while_it_starts_ends_well(tmp_path: Path) -> None:
    with founding(tmp_path, "node1") as fleet:
        fleet.start()
        node = fleet["node1"]
        assert node.stop() == 0
        ends = set()
        for tenths in range(0, 8, 2):
            node.start(ready="", cold=True)
            time.sleep(tenths / 10)
            ends.add(node.stop())
        # Before Python runs any line of ours, SIGTERM is what it always was: the end of the process.
        assert ends <= {0, -15}
        node.start()
        node.submit(fleet.town.says(A, "issuer.register", register()))
        assert node.stop() == 0
        assert node.audit().json()["fits"]
