"""Query workers beside a real node: one port, the same answers, nothing lost or wrong whoever dies."""

import os
import signal
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.strategies import loopback
from tests.strategies.bodies import event, grant
from tests.strategies.fleet import Fleet, Machine, eventually, founding
from tests.strategies.network import A

ISSUER = "did:web:college.example"
OTHER = "did:web:other.example"
"""It is suspended."""

WORKERS = 2


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """One node with its workers, which trusts an issuer; the stories follow each other on it."""
    with founding(tmp_path_factory.mktemp("workers"), "node1", query_workers=WORKERS) as made:
        made.start()
        answering(made["node1"], WORKERS)
        made["node1"].submit(made.town.says(A, "accreditation.grant", grant(ISSUER)))
        yield made


@pytest.fixture
def node(fleet: Fleet) -> Machine:
    return fleet["node1"]


def workers_of(node: Machine) -> list[int]:
    """Process ids of a node's workers."""
    assert node.process is not None
    tasks = Path(f"/proc/{node.process.pid}/task").glob("*/children")
    children = [int(pid) for task in tasks for pid in task.read_text().split()]
    return [pid for pid in children if b"workers.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def answered(node: Machine) -> int:
    """How many workers have said that they answer."""
    return node.log.read_text().count("a query worker answers")


def answering(node: Machine, at_least: int) -> None:
    """Waits until so many have."""
    eventually(lambda: answered(node) >= at_least, f"{at_least} workers have answered")


def question(issuer: str) -> dict[str, str]:
    return {"issuer": issuer, "achievement_type": "Degree"}


def ask(node: Machine, issuer: str = ISSUER) -> httpx.Response:
    """A question on a connection of its own."""
    return loopback.post(f"{node.url}/v1/decisions", json=question(issuer))


def test_one_port_serves_questions_by_workers_and_all_else_by_the_node(fleet: Fleet, node: Machine) -> None:
    given = fleet.town.says(A, "accreditation.grant", grant(OTHER))
    node.submit(given)  # passed on by whichever worker has accepted it
    assert ask(node, OTHER).json()["authorized"]
    with httpx.Client(trust_env=False, timeout=60) as client:
        assert client.get(f"{node.url}/v1/status").json()["size"] == len(fleet.town.said)
        answer = client.post(f"{node.url}/v1/decisions", json=question(OTHER))  # the node has the line by now
        assert answer.json()["authorized"]
        assert answer.headers["connection"] == "close", "the next question goes to a worker again"
        assert "connection" not in client.post(f"{node.url}/v1/decisions", json=question(OTHER)).headers
    suspension = fleet.town.says(A, "accreditation.status", event(given.id, "suspend"), OTHER)
    node.submit(suspension)
    said = {ask(node, OTHER).json()["verdict"] for _ in range(8)}
    assert said == {"suspended"}, "who was answered finds it everywhere"
    wanted = 'accredit_decisions_total{verdict="suspended"} 8.0'
    eventually(lambda: wanted in loopback.get(f"{node.url}/metrics").text, "the node shows all")


def test_questions_are_answered_while_another_program_holds_the_database(node: Machine, tmp_path: Path) -> None:
    """A backup tool that locks it against writing; and one that copies it."""
    held = sqlite3.connect(node.database, isolation_level=None)
    held.execute("BEGIN IMMEDIATE")
    assert ask(node).json()["authorized"]
    held.execute("ROLLBACK")
    with sqlite3.connect(tmp_path / "copy.sqlite") as copy:
        held.backup(copy)
        assert ask(node).json()["authorized"]
    copy.close()
    held.close()


def test_a_worker_whose_node_stands_still_says_that_its_view_is_too_old(fleet: Fleet, node: Machine) -> None:
    assert node.process is not None
    os.kill(node.process.pid, signal.SIGSTOP)
    try:

        def refused() -> httpx.Response | None:
            body = {"entity_id": ISSUER, "authority_id": fleet.town.id, "action": "issue", "resource": "Degree"}
            answer = loopback.post(f"{node.url}/authorization", json=body)
            return answer if answer.status_code == 503 else None

        answer = eventually(refused, "the worker says that it knows nothing new")
        assert answer.json()["code"] == "stale_view"
        assert int(answer.headers["retry-after"]) > 0
        eventually(lambda: ask(node).json()["verdict"] == "stale_view", "every worker says so")
    finally:
        os.kill(node.process.pid, signal.SIGCONT)
    eventually(lambda: all(ask(node).json()["authorized"] for _ in range(2 * WORKERS)), "they answer again")


def test_a_worker_that_is_killed_is_begun_anew_and_nobody_hears_anything_wrong(node: Machine) -> None:
    before, over, wrong, right = answered(node), threading.Event(), list[object](), list[int]()

    def keep_asking() -> None:
        while not over.is_set():
            try:
                answer = ask(node)
            except httpx.TransportError:
                continue  # its worker died with the connection: whoever asks again is answered
            if answer.status_code == 200 and answer.json()["authorized"]:
                right.append(1)
            else:
                wrong.append(answer.text)

    asking = [threading.Thread(target=keep_asking) for _ in range(3)]
    for thread in asking:
        thread.start()
    for count in (1, 2):
        os.kill(workers_of(node)[0], signal.SIGKILL)
        answering(node, before + count)
    had = len(right)
    eventually(lambda: len(right) > had + 5, "questions are answered after that")
    over.set()
    for thread in asking:
        thread.join()
    assert not wrong
    assert len(workers_of(node)) == WORKERS
    assert "a query worker ended" in node.log.read_text()


def test_workers_end_with_a_killed_node_and_the_next_one_has_the_port(node: Machine) -> None:
    before, workers = answered(node), workers_of(node)
    assert len(workers) == WORKERS
    node.kill()
    for worker in workers:
        eventually(lambda worker=worker: not Path(f"/proc/{worker}").exists(), "the worker has ended")  # type: ignore[misc]
    node.start(ready="/readyz")
    answering(node, before + WORKERS)
    assert ask(node).json()["authorized"]
    assert node.audit().json()["fits"]
    assert node.stop() == 0
    assert "Traceback" not in node.log.read_text()
