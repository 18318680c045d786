"""Statements are sent in requests that a node answers in time, whatever they ask of it."""

from collections.abc import Sequence
from typing import Any

from accredit.cli.signing import submit
from accredit.governance.rules.rulebook import work_of
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
