"""Outcomes from the public records: each figure on a small history whose answer a person can count."""

from pathlib import Path
from typing import Any

import pytest

from accredit.node.http.handling import seldom
from tests.strategies import bodies
from tests.strategies.consortium import START
from tests.strategies.explored import DAY, HOSTILE, NURSING, SKILLS, explored
from tests.strategies.served import COLLEGE, FRAMEWORK, A, B, Served

HOUR = 3_600


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Served:
    return explored(tmp_path_factory.mktemp("told"))


async def outcomes(node: Served) -> Any:
    answer = await node.get("/v1/outcomes")
    assert answer.status_code == 200, answer.text
    return answer.json()


def counts(found: Any, table: str) -> dict[str, int]:
    return {row["word"]: row["count"] for row in found["tables"][table] if row["count"]}


async def test_every_table_counts_what_is_there(told: Served) -> None:
    found = await outcomes(told)
    assert counts(found, "statuses") == {
        "active": 3,
        "warning": len(HOSTILE),
        "suspended": 1,
        "expired": 1,
        "superseded": 1,
    }
    assert counts(found, "categories")["training_provider"] == 1
    assert sum(counts(found, "issuer_statuses").values()) == found["issuers"]
    assert found["accreditations"] == sum(counts(found, "statuses").values())
    assert counts(found, "frameworks") == {"published": 2, "complete": 2, "in_a_scope": 1}
    assert counts(found, "learning") == {"degrees": 8, "both": 2}
    assert counts(found, "approvals") == {"nonprofit": 10, "public": 3}
    shares = {row["word"]: row["share"] for row in found["tables"]["approvals"]}
    assert shares["nonprofit"] == 0.7692, "the share of approvals that non-profit bodies gave"
    assert {row["share"] for row in found["tables"]["begun"]} == {None}


async def test_a_kind_of_issuer_that_is_missing_is_named_and_one_that_nobody_accredited_too(told: Served) -> None:
    found = await outcomes(told)
    assert "military" in found["missing"]
    assert not set(found["missing"]) & set(counts(found, "categories"))
    assert not set(found["unaccredited"]) & set(found["missing"])


def joint(node: Served, event: str, late: int, **more: Any) -> bytes:
    """A decision about the nursing school by its board's superior, said now and heard `late` seconds after."""
    town = node.town
    grant = next(one for one in town.said if one.kind == "accreditation.grant" and one.sub == NURSING)
    town.time = int(node.time)
    said = town.says(A, "accreditation.status", bodies.event(grant.id, event, town.time + 1, **more), sub=NURSING)
    node.time = town.time + late
    node.hears()
    return said.id


async def test_time_to_public_runs_from_the_decision_to_when_this_node_told_it(tmp_path: Path) -> None:
    node = explored(tmp_path)
    before = await outcomes(node)
    assert before["earlier"] > 0, "what was decided before this node told anything says nothing of anybody's speed"
    suspended = joint(node, "suspend", 2 * HOUR, reason_code="fraud")
    joint(node, "condition", 30 * HOUR)
    joint(node, "lift", 3 * DAY, after=[suspended])
    found = await outcomes(node)
    kinds = {one["kind"]: one for one in found["publication"]}
    assert (kinds["adverse"]["count"], kinds["adverse"]["within"], kinds["adverse"]["share"]) == (2, 1, 0.5)
    assert kinds["adverse"]["limit_seconds"] == 24 * HOUR
    assert (kinds["other"]["count"], kinds["other"]["within"], kinds["other"]["limit_seconds"]) == (1, 1, 30 * DAY)
    spans = {one["name"]: one for one in found["spans"]}
    assert abs(spans["other_to_public"]["median_seconds"] - 3 * DAY) < 5
    assert found["earlier"] == before["earlier"]


async def test_what_an_institution_gave_up_itself_is_no_adverse_decision(tmp_path: Path) -> None:
    """34 CFR 602.26 reports it apart; a school that left would count as one that its accreditor had closed."""
    node = explored(tmp_path)
    before = await outcomes(node)
    joint(node, "withdraw", 2 * HOUR, reason_code="voluntary")
    joint(node, "expire", 2 * HOUR, reason_code="lapse")
    own = await outcomes(node)
    assert {one["kind"]: one["count"] for one in own["publication"]} == {"adverse": 0, "other": 2}
    assert [counts(own, table) for table in ("adverse", "reasons")] == [
        counts(before, table) for table in ("adverse", "reasons")
    ]
    joint(node, "withdraw", 2 * HOUR, reason_code="fraud")
    accreditors = await outcomes(node)
    assert {one["kind"]: one["count"] for one in accreditors["publication"]} == {"adverse": 1, "other": 2}
    assert counts(accreditors, "reasons")["fraud"] == 1


async def test_a_decision_dated_before_it_was_entered_counts_from_its_date(tmp_path: Path) -> None:
    """An agency that decides on Monday and enters it on Tuesday was a day late, whatever the statement's own date."""
    node = explored(tmp_path)
    node.time += 5 * DAY
    town = node.town
    town.time = int(node.time)
    grant = next(one for one in town.said if one.kind == "accreditation.grant" and one.sub == COLLEGE)
    town.says(A, "accreditation.status", bodies.event(grant.id, "suspend", town.time - 20 * HOUR), sub=COLLEGE)
    node.time = town.time + 10 * HOUR
    node.hears()
    kinds = {one["kind"]: one for one in (await outcomes(node))["publication"]}
    assert (kinds["adverse"]["count"], kinds["adverse"]["within"]) == (1, 0)


async def test_an_appeal_is_open_until_it_is_decided_and_what_it_undid_is_counted(tmp_path: Path) -> None:
    node = explored(tmp_path)
    suspended = joint(node, "suspend", 60, reason_code="other", reason_text="x", detected_at=int(node.time) - DAY)
    opened = joint(node, "appeal_open", 60, after=[suspended])
    found = await outcomes(node)
    assert counts(found, "appeals") == {"opened": 1, "pending": 1}
    spans = {one["name"]: one for one in found["spans"]}
    assert abs(spans["detection_to_decision"]["median_seconds"] - DAY) < 5
    node.time += 6 * DAY
    decided = joint(node, "appeal_decide", 60, after=[opened])
    joint(node, "annul", 60, after=[suspended, decided])
    found = await outcomes(node)
    assert counts(found, "appeals") == {"opened": 1, "decided": 1, "annulled": 1}
    spans = {one["name"]: one for one in found["spans"]}
    assert abs(spans["appeal"]["median_seconds"] - 6 * DAY) < 300


async def test_what_needed_votes_took_from_its_proposal_to_the_last_of_them(tmp_path: Path) -> None:
    node = explored(tmp_path)
    town = node.town
    town.time = int(node.time)
    grant = next(one for one in town.said if one.kind == "accreditation.grant" and one.sub == COLLEGE)
    body = bodies.event(grant.id, "revoke", town.time, reason_code="fraud", void_from=START)
    revoked = town.says(A, "accreditation.status", body, sub=COLLEGE)
    town.time += 4 * DAY
    town.votes(B, revoked)
    node.time = town.time + 60
    node.hears()
    spans = {one["name"]: one for one in (await outcomes(node))["spans"]}
    assert abs(spans["proposal_to_decision"]["ninetieth_seconds"] - 4 * DAY) < 60


async def test_degrees_skills_both_and_what_is_left_open_are_told_apart(tmp_path: Path) -> None:
    node = explored(tmp_path)
    before = counts(await outcomes(node), "learning")
    scopes: dict[str, dict[str, Any]] = {
        "degrees": {"achievement_types": ["MasterDegree", "SecondarySchoolDiploma"]},
        "skills": {"achievement_types": ["MicroCredential"]},
        "both": {"achievement_types": "*"},
        "unspecified": {"credential_types": "*"},
    }
    node.town.time = int(node.time)
    for name, scope in scopes.items():
        id = f"did:web:{name}.example"
        node.town.says(A, "issuer.register", bodies.register(id))
        node.town.says(A, "accreditation.grant", bodies.grant(id, scope=scope, valid_from=START))
    node.time = node.town.time + 60
    node.hears()
    after = counts(await outcomes(node), "learning")
    assert {name: after.get(name, 0) - before.get(name, 0) for name in scopes} == dict.fromkeys(scopes, 1)


async def test_a_framework_counts_as_mapped_where_a_mapping_counts_in_decisions(tmp_path: Path) -> None:
    node = explored(tmp_path)
    town = node.town
    town.time = int(node.time)
    ends = {"source": {"framework": FRAMEWORK}, "target": {"framework": SKILLS}}
    link = {"source": f"{FRAMEWORK}/1", "target": f"{SKILLS}/care", "relation": "exact_match"}
    for id, usable in (("https://m.example/1", False), ("https://m.example/2", True)):
        body = {"id": id, "title": "x", **ends, "method": "expert", "usable_for_scope": usable, "links": [link]}
        town.says(A, "mapping.publish", body, sub=id)
        node.time = town.time + 60
        node.hears()
        assert counts(await outcomes(node), "frameworks").get("mapped", 0) == (2 if usable else 0)


async def test_an_issuer_whom_nobody_accredited_is_counted_as_such(tmp_path: Path) -> None:
    node = explored(tmp_path)
    node.town.time = int(node.time)
    node.town.says(A, "issuer.register", bodies.register("did:web:union.example", categories=["labor_union"]))
    node.time = node.town.time + 60
    node.hears()
    found = await outcomes(node)
    assert "labor_union" in found["unaccredited"]
    assert counts(found, "issuer_statuses")["no_accreditation"] >= 1


@pytest.mark.parametrize(("quick", "is_fresh"), [(-1.0, False), (3_600.0, True)])
async def test_who_asks_after_each_change_has_a_long_count_made_anew_for_a_part_of_the_time_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick: float, is_fresh: bool
) -> None:
    monkeypatch.setattr(seldom, "QUICK_SECONDS", quick)
    monkeypatch.setattr(seldom, "REST", 10**9)
    node = explored(tmp_path)
    app = node.app()
    before = (await node.ask("GET", "/v1/outcomes", app)).json()["issuers"]
    node.town.time = int(node.time)
    node.town.says(A, "issuer.register", bodies.register("did:web:union.example"))
    node.time = node.town.time + 60
    node.hears()
    assert (await node.ask("GET", "/v1/outcomes", app)).json()["issuers"] - before == is_fresh
