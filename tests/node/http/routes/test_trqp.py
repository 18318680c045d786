"""TRQP 2.0: whoever has a client for it can ask us, and no answer can be taken for another."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.shared_data import shared_data
from tests.strategies import bodies
from tests.strategies.served import (
    ALIAS,
    COLLEGE,
    EXPIRED,
    FRIEND,
    NOW,
    PORT,
    SUSPENDED,
    UNKNOWN,
    A,
    B,
    Served,
    empty,
    served,
    world,
)

ECOSYSTEM = "https://consortium.example/"
CLOCK = "2023-11-16T02:00:00Z"  # NOW

_MEMBERS = ("entity_id", "authority_id", "action", "resource")
_TIMES = ("time_evaluated", "time_requested", "valid_until")
OURS = {
    kind: {
        "type": "object",
        "required": [*_MEMBERS, "time_evaluated", kind],
        "properties": {
            **{name: {"type": "string"} for name in (*_MEMBERS, "message", "verdict")},
            **{name: {"type": "string", "pattern": "^[0-9TZ:-]{20}$"} for name in _TIMES},
            kind: {"type": "boolean"},
            "reasons": {"type": "array", "items": {"type": "string"}},
            "context": {"type": "object"},
        },
        "additionalProperties": False,
    }
    for kind in ("authorized", "recognized")
}
"""The shape of both answers, in our words, so that no test depends on the published schemas."""


def question(entity: str = COLLEGE, **changes: Any) -> dict[str, Any]:
    asked = {"entity_id": entity, "authority_id": ECOSYSTEM, "action": "issue", "resource": "BachelorDegree"}
    return asked | changes


async def ask(node: Served, asked: dict[str, Any], path: str = "/authorization") -> dict[str, Any]:
    response = await node.post(path, asked)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    answer: dict[str, Any] = response.json()
    jsonschema.validate(answer, OURS["authorized" if path == "/authorization" else "recognized"])
    assert {name: answer[name] for name in _MEMBERS} == {name: asked[name] for name in _MEMBERS}
    assert answer["time_evaluated"] == CLOCK
    return answer


async def test_a_trusted_issuer_is_authorized_and_the_answer_says_why(node: Served) -> None:
    answer = await ask(node, question())
    assert answer["authorized"] is True
    assert answer["reasons"][0] == "accredited"
    assert A in answer["message"]
    assert "time_requested" not in answer


@pytest.mark.parametrize(
    ("entity", "verdict"),
    [
        (UNKNOWN, "unknown_issuer"),
        (SUSPENDED, "suspended"),
        (EXPIRED, "not_trusted"),
        (COLLEGE, "trusted_with_advisory"),
        (ALIAS, "trusted_with_advisory"),
        (f"{COLLEGE}#key-1", "trusted_with_advisory"),
        (PORT, "trusted_with_advisory"),
        ("DID:WEB:COLLEGE.EXAMPLE", "trusted_with_advisory"),
    ],
)
async def test_unknown_untrusted_and_suspended_are_three_answers_and_all_200(
    node: Served, entity: str, verdict: str
) -> None:
    answer = await ask(node, question(entity))
    assert answer["verdict"] == verdict
    assert answer["authorized"] is (verdict == "trusted_with_advisory")


async def test_an_unanswerable_question_is_no_yes(node: Served) -> None:
    answer = await ask(node, question(context={"time": "2999-01-01T00:00:00Z"}))
    assert (answer["authorized"], answer["verdict"]) == (False, "indeterminate")


async def test_an_action_that_nobody_knows_is_no_no(node: Served) -> None:
    """Whoever reads `authorized` alone would take it for one."""
    response = await node.post("/authorization", question(action="isue"))
    assert (response.status_code, response.json()["code"]) == (400, "unknown_action")
    assert response.json()["hint"] == "Did you mean issue?"


async def test_a_question_about_the_past_is_answered_for_the_past(node: Served) -> None:
    answer = await ask(node, question(EXPIRED, context={"time": "2020-01-01T00:00:00Z", "locator": "x"}))
    assert (answer["authorized"], answer["verdict"]) == (True, "trusted_historical")
    assert answer["time_requested"] == "2020-01-01T00:00:00Z"
    assert answer["context"] == {"time": "2020-01-01T00:00:00Z", "locator": "x"}


async def test_members_we_do_not_know_are_ignored(node: Served) -> None:
    context = {"weather": "fine", "assurance_levels": ["LOA3"], "tenant": None, "jurisdiction": None}
    answer = await ask(node, question(context=context, nonce="123"))
    assert answer["authorized"] is True
    assert answer["context"] == context


async def test_utc_may_be_written_with_its_offset_as_python_does(node: Served) -> None:
    answer = await ask(node, question(context={"time": "2020-01-01T00:00:00+00:00"}))
    assert answer["time_requested"] == "2020-01-01T00:00:00Z"


async def test_an_authority_that_did_not_accredit_answers_for_itself(node: Served) -> None:
    assert (await ask(node, question(authority_id=A)))["authorized"] is True
    assert (await ask(node, question(authority_id=B)))["reasons"] == ["not_by_this_authority"]


async def test_recognition_of_a_friend_and_of_a_stranger(node: Served) -> None:
    friend = await ask(node, question(FRIEND), "/recognition")
    stranger = await ask(node, question("https://stranger.example/"), "/recognition")
    assert (friend["recognized"], stranger["recognized"]) == (True, False)
    waiting = await ask(node, question("https://waiting.example/"), "/recognition")
    assert waiting["recognized"] is False, "one of two authorities is not enough"


@pytest.mark.parametrize("path", ["/authorization", "/recognition"])
@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"entity_id": "college"}, "entity_id"),
        ({"entity_id": ""}, "entity_id"),
        ({"entity_id": 5}, "entity_id"),
        ({"action": ""}, "action"),
        ({"resource": ""}, "resource"),
        ({"authority_id": "nobody"}, "authority_id"),
        ({"context": []}, "context"),
        ({"context": {"time": 1}}, "context"),
        ({"context": {"time": "2015-05-20"}}, "context.time"),
        ({"context": {"time": "2015-05-20T00:00:00+02:00"}}, "context.time"),
        ({"context": {"time": "2015-02-30T00:00:00Z"}}, "context.time"),
    ],
)
async def test_a_malformed_question_is_400_and_says_which_member(
    node: Served, path: str, changes: dict[str, Any], where: str
) -> None:
    response = await node.post(path, question(**changes))
    assert response.status_code == 400
    problem = response.json()
    assert where in problem["where"]


@pytest.mark.parametrize("missing", _MEMBERS)
async def test_a_missing_member_is_400(node: Served, missing: str) -> None:
    asked = question()
    del asked[missing]
    response = await node.post("/authorization", asked)
    assert response.status_code == 400
    assert missing in response.json()["detail"]


async def test_only_an_authority_that_is_not_served_is_404(node: Served) -> None:
    response = await node.post("/authorization", question(authority_id="https://elsewhere.example/"))
    assert response.status_code == 404
    assert response.json()["code"] == "unknown_authority"
    assert ECOSYSTEM in response.json()["hint"]


async def test_a_node_that_hears_nobody_says_so_instead_of_answering(tmp_path: Path) -> None:
    node = served(tmp_path)
    node.peers = (silent_peer(),)
    node.time = NOW + 10_000
    for path in ("/authorization", "/recognition"):
        response = await node.post(path, question())
        assert response.status_code == 503
        assert response.json()["code"] == "stale_view"
        assert int(response.headers["retry-after"]) > 0
    native = (await node.post("/v1/decisions", {"issuer": COLLEGE})).json()
    assert (native["verdict"], native["authorized"]) == ("stale_view", False)


def silent_peer() -> Any:
    from accredit.gossip.events import PeerStatistics

    return PeerStatistics(
        name="node2",
        url="https://node2.example.org",
        last_heard=int(NOW * 1_000),
        in_sync=True,
        behind=0,
        queued=0,
        overflowed=0,
        failures=3,
        error="timeout",
    )


async def test_before_the_genesis_there_is_no_answer_at_all(tmp_path: Path) -> None:
    node = empty(tmp_path, world())
    response = await node.post("/authorization", question())
    assert (response.status_code, response.json()["code"]) == (503, "not_ready")


@pytest.mark.parametrize(("path", "name"), [("/authorization", "authorization"), ("/recognition", "recognition")])
async def test_the_published_schemas_accept_what_we_ask_and_answer(node: Served, path: str, name: str) -> None:
    asking = json.loads(shared_data("trqp", f"trqp_{name}_request.schema.json").read_text("utf-8"))
    answering = json.loads(shared_data("trqp", f"trqp_{name}_response.schema.json").read_text("utf-8"))
    for entity in (COLLEGE, UNKNOWN, SUSPENDED, EXPIRED, FRIEND):
        for context in (None, {"time": "2021-01-01T00:00:00Z"}):
            asked = question(entity) if context is None else question(entity, context=context)
            jsonschema.validate(asked, asking, format_checker=jsonschema.FormatChecker())
            answer = await ask(node, asked, path)
            jsonschema.validate(answer, answering, format_checker=jsonschema.FormatChecker())


async def test_an_answer_says_until_when_it_is_known_to_hold(tmp_path: Path) -> None:
    node = served(tmp_path)
    node.town.says(A, "accreditation.grant", bodies.grant("did:web:brief.example", valid_until=NOW + 30))
    node.hears()
    assert (await ask(node, question("did:web:brief.example")))["valid_until"] == "2023-11-16T02:00:30Z"
