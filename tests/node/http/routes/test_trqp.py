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
    assert answer["context"] == {"time": "2020-01-01T00:00:00Z"}


async def test_members_we_do_not_know_are_ignored_and_not_sent_back_as_if_they_had_counted(node: Served) -> None:
    context = {"weather": "fine", "assurance_levels": ["LOA3"], "tenant": None, "jurisdiction": None}
    answer = await ask(node, question(context=context, nonce="123"))
    assert answer["authorized"] is True
    assert answer["context"] == {}
    known = {"time": "2021-01-01T00:00:00Z", "jurisdiction": "US-IN", "program": "nursing"}
    assert (await ask(node, question(context={**context, **known})))["context"] == known
    recognised = await ask(node, question(FRIEND, context=known), "/recognition")
    assert recognised["context"] == {"time": known["time"]}, "a recognition is for no programme and no place"


URIS = [
    "https://[2001:db8::1]/issuer",
    "http://[::ffff:192.0.2.1]:8080/",
    "https://[v1.fe:80]/",
    "http://college.example/",
    "mailto:registrar@college.example",
    "urn:isbn:0451450523",
    "tel:+1-816-555-1212",
    "x509:CN=College,O=Example",
    "file:///etc/issuer",
    "news:",
    "https://user:secret@college.example/",
    "https://college.example/a%20b?x=%2F#part/1",
    "https://college.example/" + "x" * 2_000,
    "did:web:not_a_host",
]
"""URIs (RFC 3986) that no issuer of ours has, most of which none can have."""


@pytest.mark.parametrize("entity", URIS)
@pytest.mark.parametrize(("path", "yes"), [("/authorization", "authorized"), ("/recognition", "recognized")])
async def test_any_uri_is_an_entity_and_one_that_nobody_knows_is_a_no(
    node: Served, path: str, yes: str, entity: str
) -> None:
    answer = await ask(node, question(entity, context={"time": "2021-01-01T00:00:00Z"}), path)
    assert answer[yes] is False
    assert answer["verdict"] == ("unknown_issuer" if path == "/authorization" else "not_trusted")
    assert answer["time_requested"] == "2021-01-01T00:00:00Z"
    assert "secret" not in answer["message"]


@pytest.mark.parametrize(
    "entity",
    [
        "https://[2001:db8::1",
        "https://[2001:db8::g]/",
        "https://[fe80::1%25eth0]/",
        "https://[192.0.2.1]/",
        "https://college.example/a b",
        "https://college.example/%zz",
        "https://cöllege.example/",
        "1http://college.example/",
        "//college.example/",
        "college.example",
        "https://college.example/[x]",
    ],
)
@pytest.mark.parametrize("path", ["/authorization", "/recognition"])
async def test_what_is_no_uri_is_400(node: Served, path: str, entity: str) -> None:
    response = await node.post(path, question(entity))
    assert response.status_code == 400
    assert "entity_id" in response.json()["where"]


@pytest.mark.parametrize("path", ["/authorization", "/recognition"])
@pytest.mark.parametrize("authority", ["mailto:board@college.example", "https://me:secret@[::1]/"])
async def test_any_uri_is_an_authority_and_one_that_is_not_served_is_404(
    node: Served, path: str, authority: str
) -> None:
    response = await node.post(path, question(authority_id=authority))
    assert (response.status_code, response.json()["code"]) == (404, "unknown_authority")
    assert "secret" not in response.text


async def test_a_foreign_uri_excuses_no_other_mistake(node: Served) -> None:
    foreign = question("mailto:registrar@college.example", action="isue")
    assert (await node.post("/authorization", foreign)).json()["code"] == "unknown_action"


async def test_the_profile_says_what_is_answered_and_all_of_it_is(node: Served) -> None:
    response = await node.get("/trqp/profile")
    said = response.json()
    assert (said["protocol"], said["version"], said["authority_id"]) == ("TRQP", "2.0", ECOSYSTEM)
    assert said["service"]["serviceEndpoint"]["uri"] == node.url
    for action in said["authorization"]["actions"]:
        await ask(node, question(action=action))
    for form in said["resource"]:
        assert form["example"].startswith(form["prefix"])
        await ask(node, question(resource=form["example"]))
        for value in form["values"] or ():
            await ask(node, question(resource=form["prefix"] + value))
    samples = {
        "time": "2021-01-01T00:00:00Z",
        "level": "EQF:6",
        "jurisdiction": "US-IN",
        "field_of_study": "cip:51.3801",
        "framework": "https://frameworks.example/sql",
        **dict.fromkeys(("competencies", "competency"), "https://frameworks.example/sql/joins"),
        **dict.fromkeys(("achievement_types", "achievement_type"), "Degree"),
        **dict.fromkeys(("credential_types", "credential_type"), "OpenBadgeCredential"),
    }
    assert set(said["context"]) == set(said["authorization"]["context"])
    for name, meaning in said["context"].items():
        assert meaning
        context = {name: samples.get(name, "x")}
        assert (await ask(node, question(context=context)))["context"] == context
    assert set(said["members"]) <= set(OURS["authorized"]["properties"])  # type: ignore[call-overload]


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
    from accredit.gossip.protocol.events import PeerStatistics

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
    contexts: list[dict[str, str] | None] = [None, {"time": "2021-01-01T00:00:00Z"}, {"level": "EQF:6", "locator": "x"}]
    for entity in (COLLEGE, UNKNOWN, SUSPENDED, EXPIRED, FRIEND, *URIS):
        for context in contexts:
            asked = question(entity) if context is None else question(entity, context=context)
            jsonschema.validate(asked, asking, format_checker=jsonschema.FormatChecker())
            answer = await ask(node, asked, path)
            jsonschema.validate(answer, answering, format_checker=jsonschema.FormatChecker())


async def test_an_answer_says_until_when_it_is_known_to_hold(tmp_path: Path) -> None:
    node = served(tmp_path)
    node.town.says(A, "accreditation.grant", bodies.grant("did:web:brief.example", valid_until=NOW + 30))
    node.hears()
    assert (await ask(node, question("did:web:brief.example")))["valid_until"] == "2023-11-16T02:00:30Z"


@pytest.mark.parametrize(
    "context",
    [
        {"achievement_types": {}},
        {"achievement_type": [[]]},
        {"competency": [{}], "competencies": ["urn:x:y"]},
        {"credential_types": [1, {}], "credential_type": "x"},
    ],
)
async def test_lists_in_a_context_that_hold_no_texts_are_the_askers_fault(
    node: Served, context: dict[str, Any]
) -> None:
    """They were answered with 500, and each had a traceback in the log."""
    response = await node.post("/authorization", question(context=context))
    assert (response.status_code, response.json()["code"]) == (400, "bad_member")
    assert response.json()["where"].startswith("context.")
