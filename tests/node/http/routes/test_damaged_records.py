"""A record that the node holds and that no fold makes: its own subject is told so, and everybody else is answered."""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from accredit.node import faults
from accredit.registry.domain.records import record_key
from accredit.registry.encoding.cbor import encode
from accredit.registry.errors import StorageError
from tests.strategies.served import COLLEGE, FRIEND, PORT, A, B, Served, served

SHAPES: list[Any] = [{}, {"id": 1}, [], {"id": COLLEGE, "stated": 7, "keys": None, "accreditations": [["x", 3]]}]


@pytest.fixture
def node(tmp_path: Path) -> Served:
    """One of its own, for it is damaged."""
    return served(tmp_path)


def damage(node: Served, type: str, id: str, record: Any) -> None:
    node.fold._records[type][id] = encode(record)


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_damaged_record_costs_its_own_subject_an_answer_and_no_other(
    node: Served, shape: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "_logged", {})
    damage(node, "issuer", COLLEGE, shape)
    asked = [{"issuer": COLLEGE, "achievement_type": "Degree"}, {"issuer": PORT, "achievement_type": "Badge"}]
    with caplog.at_level(logging.ERROR):
        response = await node.post("/v1/decisions", asked)
    damaged, whole = response.json()["decisions"]
    assert (damaged["verdict"], damaged["authorized"]) == ("indeterminate", False)
    assert [reason["code"] for reason in damaged["reasons"]] == ["state_damaged"]
    assert "accredit node audit" in damaged["reasons"][0]["text"]
    assert whole["verdict"] != "indeterminate" or whole["reasons"][0]["code"] != "state_damaged"
    assert caplog.messages == ["record damaged"]


async def test_nobody_fills_the_log_with_questions_about_a_damaged_record(
    node: Served, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of a thousand questions in a batch wrote a line, and each fault in a handler its trace; all are counted."""
    monkeypatch.setattr(faults, "_logged", {})
    damage(node, "issuer", COLLEGE, {})
    app = node.app()
    with caplog.at_level(logging.ERROR):
        await node.ask("POST", "/v1/decisions", app, json=[{"issuer": COLLEGE, "achievement_type": "Degree"}] * 50)
        assert caplog.messages == ["record damaged"]
        monkeypatch.setattr(type(node.fold), "get", lambda *_: 1 / 0)
        for _ in range(3):
            answer = await node.ask("GET", f"/v1/issuer?id={COLLEGE}", app)
            assert answer.status_code == 500
            assert answer.json()["code"] == "internal_error"
    assert caplog.messages == ["record damaged", "internal error"]


async def test_asked_for_evidence_a_damaged_record_spoils_no_other_answer(node: Served) -> None:
    damage(node, "accreditation", node.fold.get("issuer", COLLEGE)["accreditations"][0][0].hex(), {})  # type: ignore[index]
    asked = [{"issuer": COLLEGE, "evidence": True}, {"issuer": PORT, "evidence": True}]
    response = await node.post("/v1/decisions", asked)
    assert response.status_code == 200
    assert response.json()["decisions"][1]["evidence"]


@pytest.mark.parametrize("wrong", ["DELETE FROM noted_records", "UPDATE records_leaves SET value = zeroblob(32)"])
async def test_a_record_that_is_not_the_one_in_the_map_is_the_nodes_fault(node: Served, wrong: str) -> None:
    """It was told to whoever asked for evidence as a request that was refused."""
    asked = {"issuer": PORT, "evidence": True}
    assert (await node.post("/v1/decisions", asked)).json()["evidence"]
    with closing(sqlite3.connect(node.store.path)) as disk, disk:
        disk.execute(f"{wrong} WHERE key = ?", (record_key("issuer", PORT),))
    answer = await node.post("/v1/decisions", asked)
    assert (answer.json()["code"], answer.status_code) == ("state_damaged", 503)


async def test_a_row_that_is_not_as_it_was_written_is_said_to_be_damaged(
    node: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = type(node.fold).get

    def read(fold: Any, type: str, id: str) -> Any:
        if (type, id) in (("issuer", COLLEGE), ("recognition", FRIEND)):
            raise StorageError("fold_damaged", "a row of fold_records was altered.")
        return whole(fold, type, id)

    monkeypatch.setattr(type(node.fold), "get", read)
    damaged, other = (await node.post("/v1/decisions", [{"issuer": COLLEGE}, {"issuer": PORT}])).json()["decisions"]
    assert damaged["reasons"][0]["code"] == "state_damaged"
    assert other["issuer"] == PORT
    question = {
        "entity_id": FRIEND,
        "authority_id": "https://consortium.example",
        "action": "issue",
        "resource": "*",
        "context": {},
    }
    answer = await node.post("/recognition", question)
    assert answer.status_code == 200
    assert answer.json()["recognized"] is False


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_damaged_record_takes_nobody_else_off_the_lists_of_other_ecosystems(node: Served, shape: Any) -> None:
    damage(node, "issuer", COLLEGE, shape)
    assert (await node.get("/federation/list")).json() == [PORT]
    extended = await node.get("/federation/extended-list?claims=entity_statement,trust_marks&audit_timestamps=true")
    assert PORT in [one["id"] for one in extended.json()["immediate_subordinate_entities"]]
    for authority in (A, B):
        response = await node.get(f"/exports/recognized-entities.json?authority={authority}")
        assert [one["id"] for one in response.json()["credentialSubject"]] == ([PORT] if authority == B else [])
    for path in (f"/federation/fetch?sub={COLLEGE}", f"/exports/recognized-entity.json?id={COLLEGE}"):
        assert (await node.get(path)).status_code == 404
