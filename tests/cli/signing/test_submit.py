"""Statements are sent in requests that a node answers in time, whatever they ask of it."""

from collections.abc import Sequence
from typing import Any

import pytest

from accredit.cli.signing import submit
from accredit.governance.rules.rulebook import work_of
from accredit.registry.errors import UnansweredError
from accredit.registry.limits import VOTE_TARGETS
from accredit.registry.statement import decode
from tests.strategies import bodies
from tests.strategies.consortium import Consortium

A = "https://a.example/"


class Recorder:
    """Takes everything, and remembers what came in one request."""

    def __init__(self) -> None:
        self.requests: list[list[bytes]] = []

    def submit(self, raws: Sequence[bytes]) -> dict[str, Any]:
        self.requests.append([*raws])
        return {"statements": [{"id": decode(raw).id.hex()} for raw in raws]}


def test_a_request_asks_no_more_of_a_node_than_it_answers_within_a_clients_patience() -> None:
    """Twelve votes on 4,500 proposals in one request once took a busy node more than the client's 30 seconds."""
    town = Consortium.of((A, "nonprofit"))
    register = town.says(A, "issuer.register", bodies.register())
    votes = [
        town.says(
            A,
            "vote.approve",
            {"targets": [bytes([part, at % 256, at // 256]) * 10 + bytes(2) for at in range(VOTE_TARGETS)]},
        )
        for part in range(12)
    ]
    node = Recorder()
    raws = [register.raw, *(vote.raw for vote in votes)]
    receipts = submit.submit(node, raws)  # type: ignore[arg-type]
    assert [raw for request in node.requests for raw in request] == raws
    assert [one["id"] for one in receipts] == [decode(raw).id.hex() for raw in raws]
    work = [sum(work_of(decode(raw)) for raw in request) for request in node.requests]
    assert max(work) <= 2_000
    assert len(node.requests) == 3, "and not one by one"


class Busy:
    """A node that logs statement after statement, and has no time to answer before the last one."""

    def __init__(self, *, steps: Sequence[int]) -> None:
        self.steps = [*steps]
        self.logged = 0
        self.asked = 0

    def submit(self, raws: Sequence[bytes]) -> dict[str, Any]:
        self.asked += 1
        if self.logged >= len(raws):
            return {"statements": [{"id": decode(raw).id.hex(), "status": "known"} for raw in raws]}
        raise UnansweredError("unanswered", "it has not answered in time.")

    def standings(self, ids: Sequence[bytes]) -> dict[str, dict[str, Any]]:
        step = self.steps.pop(0)
        if step < 0:
            raise UnansweredError("unanswered", "it has no time for this either.")
        self.logged += step
        return {id.hex(): {} for id in ids[: self.logged]}


def test_a_node_that_works_on_statements_is_waited_for_however_long_it_says_nothing() -> None:
    """An import ended with a time-out, and the busy node had most of it in its log."""
    town = Consortium.of((A, "nonprofit"))
    raws = [town.says(A, "issuer.register", bodies.register(f"did:web:i{at}.example")).raw for at in range(3)]
    node = Busy(steps=[1, 1, 1])
    assert [one["status"] for one in submit.submit(node, raws)] == ["known"] * 3  # type: ignore[arg-type]
    assert node.asked == 4


@pytest.mark.parametrize("steps", [[0], [1, 0], [-1], [2, -1]])
def test_a_node_that_says_nothing_and_logs_nothing_more_is_given_up(steps: Sequence[int]) -> None:
    town = Consortium.of((A, "nonprofit"))
    raws = [town.says(A, "issuer.register", bodies.register(f"did:web:i{at}.example")).raw for at in range(3)]
    node = Busy(steps=steps)
    with pytest.raises(UnansweredError):
        submit.submit(node, raws)  # type: ignore[arg-type]
    assert node.asked == len(steps)
