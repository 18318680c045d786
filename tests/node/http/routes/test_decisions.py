"""The native question, one or many."""

from pathlib import Path
from typing import Any

import anyio
import pytest

from accredit.node.http.handling import turns
from accredit.node.http.handling.deciding import TurnRecords, read_ahead
from accredit.node.http.routes import decisions
from accredit.registry.decision.explanations import Audience, reason_for, verdict_for
from accredit.registry.decision.query import Query
from accredit.registry.decision.verdict import Verdict
from accredit.registry.domain.records import accreditation_in, issuer_in
from accredit.registry.encoding.identifiers import CanonicalId
from tests.node.test_questions import BAD
from tests.strategies.bodies import event, register
from tests.strategies.served import (
    ALIAS,
    COLLEGE,
    COMPETENCY,
    EXPIRED,
    FRAMEWORK,
    PORT,
    SUSPENDED,
    UNKNOWN,
    A,
    B,
    Served,
    served,
)


async def decide(node: Served, asked: Any) -> Any:
    response = await node.post("/v1/decisions", asked)
    assert response.status_code == 200, response.text
    assert response.headers["cache-control"] == "no-store"
    return response.json()


async def test_plain_and_canonical_names_ask_the_same(node: Served) -> None:
    plain = {
        "issuer": COLLEGE,
        "achievement_type": "BachelorDegree",
        "issued_on": "2015-05-20",
        "jurisdiction": "US-IN",
    }
    canonical = {
        "entity": f"{COLLEGE}#key-1",
        "authority": "https://consortium.example",
        "action": "issue",
        "achievement_types": ["BachelorDegree"],
        "time": "2015-05-20T00:00:00Z",
        "jurisdiction": "US-IN",
    }
    first, second = await decide(node, plain), await decide(node, canonical)
    assert first == second
    assert first["authorized"] is True
    assert first["time_requested"] == "2015-05-20T00:00:00Z"
    assert first["chain"] == [{"by": A, "via": None}]
    assert len(first["accreditations"][0]) == 64


@pytest.mark.parametrize(
    "asked",
    [
        {"competency": COMPETENCY},
        {"competencies": [COMPETENCY]},
        {"framework": FRAMEWORK},
        {"resource": FRAMEWORK},
        {"credential_type": "OpenBadgeCredential", "achievement_type": ["AssociateDegree"]},
    ],
)
async def test_every_axis_can_be_asked(node: Served, asked: dict[str, Any]) -> None:
    assert (await decide(node, {"issuer": COLLEGE, **asked}))["authorized"] is True


async def test_axes_the_scope_does_not_grant_make_it_no(node: Served) -> None:
    base = {"issuer": COLLEGE, "achievement_type": "Degree"}
    for axis in ({"level": "EQF:6"}, {"field_of_study": "cip:51"}, {"program": "x"}, {"delivery_mode": "online"}):
        assert (await decide(node, base | axis))["verdict"] == "not_trusted", axis


async def test_answers_come_in_the_order_asked_and_a_bad_one_spoils_no_other(node: Served) -> None:
    asked: list[Any] = [
        {"issuer": COLLEGE, "achievement_type": "Degree"},
        {"issuer": "college"},
        {"issuer": UNKNOWN},
        7,
        {"issuer": COLLEGE, "authority": "https://elsewhere.example/"},
        {"issuer": SUSPENDED, "achievement_type": "Degree"},
        {"issuer": PORT, "achievement_type": "Degree", "evidence": True},
    ]
    for value in (asked, {"queries": asked}):
        rows = (await decide(node, value))["decisions"]
        told = [row.get("verdict") or row["problem"]["code"] for row in rows]
        assert told == [
            "trusted_with_advisory",
            "identifier_scheme",
            "unknown_issuer",
            "bad_member",
            "unknown_authority",
            "suspended",
            "trusted_with_advisory",
        ]


async def test_an_answer_is_the_same_to_the_last_byte_alone_and_among_many(node: Served) -> None:
    degree = {"achievement_type": "Degree"}
    asked: list[dict[str, Any]] = [
        *({"issuer": each, **degree} for each in (COLLEGE, SUSPENDED, EXPIRED, PORT, UNKNOWN, ALIAS)),
        {"issuer": COLLEGE, **degree, "issued_on": "2015-05-20", "key": "did:web:college.example#1"},
        {"issuer": COLLEGE, "resource": FRAMEWORK, "level": "EQF:6"},
        {"issuer": A, "action": "accredit", **degree},
        {"issuer": COLLEGE, **degree, "program": '"\u2028<é'},
    ]
    alone = [(await node.post("/v1/decisions", one)).content for one in asked]
    assert all(b'"verdict"' in one for one in alone)
    many = (await node.post("/v1/decisions", asked)).content
    assert many == b'{"decisions":[' + b",".join(alone) + b"]}"


async def test_a_thousand_questions_are_answered_and_one_more_is_not(node: Served) -> None:
    asked = [{"issuer": COLLEGE, "achievement_type": "Degree"}] * 1_000
    assert len((await decide(node, asked))["decisions"]) == 1_000
    response = await node.post("/v1/decisions", [*asked, {}])
    assert (response.status_code, response.json()["code"]) == (413, "too_many")


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({}, "missing_member"),
        ({"issuer": COLLEGE, "entity": COLLEGE}, "duplicate_member"),
        ({"issuer": COLLEGE, "issued_on": "2015-05-20", "time": "2015-05-20T00:00:00Z"}, "duplicate_member"),
        ({"issuer": COLLEGE, "acheivement_type": "Degree"}, "bad_member"),
        ({"issuer": COLLEGE, "issued_on": "May"}, "bad_time"),
        ({"issuer": COLLEGE, "level": "high"}, "bad_level"),
        ({"issuer": COLLEGE, "jurisdiction": "Indiana"}, "unknown_place"),
        ({"queries": [], "more": 1}, "bad_member"),
        ({"queries": {}}, "bad_member"),
        ("who?", "bad_member"),
        (7.5, "bad_member"),
    ],
)
async def test_a_question_that_cannot_be_understood_says_why(node: Served, asked: Any, code: str) -> None:
    response = await node.post("/v1/decisions", asked)
    assert response.status_code == 400, response.text
    assert response.json()["code"] == code


async def test_one_body_asks_one_question(node: Served) -> None:
    """Two members of one name: a proxy would read one, we the other."""
    bodies = [
        b'{"issuer": "did:web:college.example", "issuer": "did:web:unknown.example"}',
        b'{"issuer": "did:web:college.example", "iss\\u0075er": "did:web:unknown.example"}',
        b'[{"issuer": "did:web:college.example"}, {"time": "x", "time": "y", "issuer": "\\"\\""}]',
    ]
    for body in bodies:
        response = await node.ask("POST", "/v1/decisions", content=body, headers={"content-type": "application/json"})
        assert (response.status_code, response.json()["code"]) == (400, "duplicate_member"), body


async def test_verdicts_are_counted_without_saying_about_whom(node: Served) -> None:
    await decide(node, {"issuer": UNKNOWN})
    figures = (await node.get("/metrics")).text
    assert 'accredit_decisions_total{verdict="unknown_issuer"}' in figures
    assert "did:web" not in figures


async def test_what_was_read_ahead_for_a_batch_is_not_believed_once_others_had_a_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A suspension that is accepted while a batch waits is in all answers that are still to be given."""
    node, clock = served(tmp_path), [0]
    read: list[object] = []
    write, turn, ahead = decisions._write, anyio.sleep, read_ahead

    def written(row: object) -> bytes:
        clock[0] += 1  # second: the turn is over after each answer
        return write(row)

    async def others_have_a_turn(seconds: float) -> None:
        if clock[0] == 1:
            grant = next(one for one in node.town.said if one.kind == "accreditation.grant" and one.sub == PORT)
            node.town.says(B, "accreditation.status", event(grant.id, "suspend"), PORT)
            node.hears()
        await turn(seconds)

    def read_all(queries: list[Query], records: TurnRecords) -> None:
        ahead(queries, records)
        issuer = issuer_in(records, CanonicalId(PORT))
        assert issuer is not None
        read.append([accreditation_in(records, one) for one, _ in issuer["accreditations"]])

    for module in (decisions, turns):
        monkeypatch.setattr(module, "perf_counter", lambda: float(clock[0]))
    monkeypatch.setattr(decisions, "_write", written)
    monkeypatch.setattr(decisions, "read_ahead", read_all)
    monkeypatch.setattr(anyio, "sleep", others_have_a_turn)
    asked = [{"issuer": issuer, "achievement_type": "Degree"} for issuer in (COLLEGE, PORT, PORT)]
    rows = (await decide(node, asked))["decisions"]
    assert [row["verdict"] for row in rows] == ["trusted_with_advisory", "suspended", "suspended"]
    assert len(read) == 1, "all three were read together, before anybody else had a turn"


@pytest.mark.parametrize("evidence", [False, True])
@pytest.mark.parametrize("moment", [1, 2, 3, 4])
async def test_no_answer_of_a_batch_is_older_than_the_last_commit_before_it_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int, evidence: bool
) -> None:
    """Thousands of questions take many turns, and wait for other batches: a yes of the first turn was sent seconds
    after a suspension that everybody else was already told of."""
    node, turn, given = served(tmp_path), anyio.sleep, [0]
    grant = next(one for one in node.town.said if one.kind == "accreditation.grant" and one.sub == PORT)

    async def others_have_a_turn(seconds: float) -> None:
        given[0] += 1
        if given[0] == 1 < moment:  # what changes no answer makes it look, and it is while it looks that one changes
            node.take([node.town.says(B, "issuer.register", register("did:web:another.example")).raw])
        if given[0] == moment:
            node.take([node.town.says(B, "accreditation.status", event(grant.id, "suspend"), PORT).raw])
        await turn(seconds)

    monkeypatch.setattr(turns, "TURN_SECONDS", 0.0)
    monkeypatch.setattr(anyio, "sleep", others_have_a_turn)
    asked = [{"issuer": PORT, "achievement_type": "Degree", "evidence": evidence}] * 4
    rows = (await decide(node, asked))["decisions"]
    assert [row["verdict"] for row in rows] == ["suspended"] * 4
    assert {row.get("evidence") for row in rows} == {None}, "no note says so yet"
    figures = (await node.get("/metrics")).text
    assert 'accredit_decisions_total{verdict="suspended"} 4.0' in figures
    assert 'accredit_decisions_total{verdict="trusted_with_advisory"} 0.0' in figures, "each question is counted once"


async def test_a_batch_that_waits_for_others_during_its_last_look_looks_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waited for seconds in the middle of a look, and sent what it had looked at before that."""
    node, give, given = served(tmp_path), turns.Turns.give, [0]
    grant = next(one for one in node.town.said if one.kind == "accreditation.grant" and one.sub == PORT)

    async def others_have_a_turn(turn: turns.Turns) -> bool:
        given[0] += 1
        if given[0] in (1, 4, 8):  # while it answers and during both first looks comes what changes no answer
            said = register(f"did:web:another{given[0]}.example")
            node.take([node.town.says(B, "issuer.register", said).raw])
        if given[0] == 9:  # the first yes has just been looked at for the third time
            assert not turn.is_lengthy
            node.take([node.town.says(B, "accreditation.status", event(grant.id, "suspend"), PORT).raw])
        has_waited = await give(turn)
        assert has_waited == (given[0] == 9)
        return has_waited

    monkeypatch.setattr(turns, "TURN_SECONDS", 0.0)
    monkeypatch.setattr(turns, "FREE_TURNS", 8)
    monkeypatch.setattr(turns.Turns, "give", others_have_a_turn)
    rows = (await decide(node, [{"issuer": PORT, "achievement_type": "Degree"}] * 4))["decisions"]
    assert [row["verdict"] for row in rows] == ["suspended"] * 4


async def test_a_batch_is_answered_however_many_statements_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node, give, given = served(tmp_path), turns.Turns.give, [0]

    async def others_have_a_turn(turn: turns.Turns) -> bool:
        given[0] += 1
        node.take([node.town.says(B, "issuer.register", register(f"did:web:another{given[0]}.example")).raw])
        return await give(turn)

    monkeypatch.setattr(turns, "TURN_SECONDS", 0.0)
    monkeypatch.setattr(turns.Turns, "give", others_have_a_turn)
    rows = (await decide(node, [{"issuer": PORT, "achievement_type": "Degree"}] * 3))["decisions"]
    assert [row["authorized"] for row in rows] == [True] * 3
    assert given[0] <= 3 * (1 + decisions.LOOKS + 1), "the first pass, the looks, and one during which it waited"


@pytest.mark.parametrize(("asked", "code", "_hint"), BAD, ids=lambda value: str(value)[:40])
async def test_over_http_it_is_a_400_that_names_the_member_as_it_was_written(
    node: Served, asked: dict[str, Any], code: str, _hint: str
) -> None:
    question = {"issuer": COLLEGE, **asked}
    response = await node.post("/v1/decisions", question)
    assert (response.status_code, response.json()["code"]) == (400, code)
    assert response.json()["where"] == next(iter(asked))
    context = {"time" if name == "issued_on" else name: value for name, value in asked.items() if name != "issuer"}
    trqp = {
        "entity_id": question["issuer"],
        "authority_id": "https://consortium.example/",
        "action": "issue",
        "resource": "BachelorDegree",
        "context": context,
    }
    response = await node.post("/authorization", trqp)
    if ":" in asked.get("issuer", ""):  # TRQP takes any URI for an entity, and one that is unknown for no mistake
        assert (response.status_code, response.json()["authorized"]) == (200, False)
        return
    assert (response.status_code, response.json()["code"]) == (400, code)
    assert response.json()["where"].startswith(f"context.{next(iter(context))}" if context else "entity_id")


async def test_an_id_longer_than_any_record_has_is_an_unknown_issuer(node: Served) -> None:
    """A did:jwk of an RSA-4096 key."""
    did = "did:jwk:" + "e" * 960
    answer = await decide(node, {"issuer": {"id": did}, "achievement_type": "Degree"})
    assert answer["verdict"] == "unknown_issuer"
    trqp = {"entity_id": did, "authority_id": "https://consortium.example/", "action": "issue", "resource": "Degree"}
    response = await node.post("/authorization", trqp)
    assert (response.status_code, response.json()["authorized"]) == (200, False)


@pytest.mark.parametrize("audience", Audience)
async def test_an_answer_is_explained_to_the_audience_that_is_named(node: Served, audience: Audience) -> None:
    question = {"issuer": SUSPENDED, "achievement_type": "Degree"}
    said = await decide(node, question | {"audience": audience})
    assert said["verdict"] == "suspended"
    told = said.pop("explanation")
    assert said == await decide(node, question), "nothing else of the answer changes"
    assert (told["audience"], told["sentence"]) == (audience, verdict_for(Verdict.SUSPENDED, audience).sentence)
    for one in told["reasons"]:
        assert (one["sentence"], one["next_step"]) == reason_for(one["code"], audience)
    assert [one["code"] for one in told["reasons"]] == [one["code"] for one in said["reasons"]]


async def test_a_recruiter_is_answered_as_an_employer(node: Served) -> None:
    said = [await decide(node, {"issuer": COLLEGE, "audience": word}) for word in ("recruiter", "employer")]
    assert said[0]["explanation"] == said[1]["explanation"]
    shown = await node.get(f"/explore/decision?issuer={COLLEGE}&audience=recruiter", headers={"accept": "text/html"})
    assert shown.status_code == 200


async def test_an_audience_that_nobody_knows_is_a_mistake_and_no_answer(node: Served) -> None:
    answer = await node.post("/v1/decisions", {"issuer": COLLEGE, "audience": "everybody"})
    assert (answer.status_code, answer.json()["where"]) == (400, "audience")
