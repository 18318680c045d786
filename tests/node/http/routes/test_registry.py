"""Reading the registry, and finding what one looks for."""

from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import quote

import anyio
import pytest

from accredit.node.http.handling import turns
from accredit.node.http.handling.record_pages import page
from accredit.node.http.handling.route import Call
from accredit.node.http.routes.registry import searchable
from tests.strategies import bodies
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
    Served,
    served,
)


async def read(node: Served, path: str, **params: Any) -> Any:
    response = await node.get(path, params=params)
    assert response.status_code == 200, response.text
    return response.json()


async def ids(node: Served, **params: Any) -> list[str]:
    return [line["id"] for line in (await read(node, "/v1/issuers", **params))["issuers"]]


async def test_issuers_are_found_by_name_category_status_and_jurisdiction(node: Served) -> None:
    assert await ids(node) == [COLLEGE, EXPIRED, PORT, SUSPENDED]
    assert await ids(node, name="of EXAMPLES") == [COLLEGE]
    assert await ids(node, category="bootcamp") == [PORT]
    assert await ids(node, status="suspended") == [SUSPENDED]
    assert await ids(node, status="expired") == [EXPIRED]
    assert await ids(node, jurisdiction="US") == [COLLEGE], "the United States hold Indiana"
    assert await ids(node, jurisdiction="US-IL") == []
    assert await ids(node, name="school", status="active") == [PORT]


async def test_pages_lead_from_one_to_the_next_until_there_is_none(node: Served) -> None:
    found, after = [], None
    for _ in range(10):
        params = {"limit": 1} if after is None else {"limit": 1, "after": after}
        answer = await read(node, "/v1/issuers", **params)
        found += [line["id"] for line in answer["issuers"]]
        after = answer["next"]
        if after is None:
            break
    assert found == [COLLEGE, EXPIRED, PORT, SUSPENDED]


async def test_a_search_for_what_is_rare_looks_at_a_bounded_number_of_records() -> None:
    call = cast(Call, SimpleNamespace(shared=SimpleNamespace(lengthy=anyio.Lock())))
    among = [f"{number:05}" for number in range(10_000)]
    looked: list[str] = []

    def make(id: str) -> str | None:
        looked.append(id)
        return id if id == "07000" else None

    found, following = await page(call, among, None, 50, make, examined=4_000)
    assert (found, following, len(looked)) == ([], "03999", 4_000)
    assert await page(call, among, following, 50, make, examined=4_000) == (["07000"], "07999")
    assert await page(call, among, "07999", 50, make, examined=4_000) == ([], None)
    assert await page(call, among, "09999", 50, make) == ([], None)
    assert await page(call, [], None, 50, make) == ([], None)
    assert await page(call, among, "zzz", 50, make) == ([], None)


async def test_a_page_that_waited_for_other_long_answers_has_no_row_from_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its first rows were read, then it waited for seconds, and it was sent with who could issue before that."""
    call = cast(Call, SimpleNamespace(shared=SimpleNamespace(lengthy=anyio.Lock())))
    among, may_issue, give = ["a", "b", "c", "d", "e", "f"], {"b", "c", "d", "f"}, turns.Turns.give

    async def others_have_a_turn(turn: turns.Turns) -> bool:
        has_waited = await give(turn)
        if has_waited:
            may_issue.remove("b")
        return has_waited

    monkeypatch.setattr(turns, "TURN_SECONDS", 0.0)
    monkeypatch.setattr(turns, "FREE_TURNS", 2)
    monkeypatch.setattr(turns.Turns, "give", others_have_a_turn)
    found = await page(call, among, "a", 3, lambda id: id if id in may_issue else None)
    assert found == (["c", "d", "f"], None)


async def test_long_lists_and_searches_let_others_have_their_turn(
    node: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody can ask for them: among 20,000 issuers one search stopped a node for 50 ms, one list for 300."""
    given: list[float] = []
    turn = anyio.sleep

    async def counted(seconds: float) -> None:
        given.append(seconds)
        await turn(seconds)

    monkeypatch.setattr(turns, "TURN_SECONDS", 0.0)
    monkeypatch.setattr(anyio, "sleep", counted)
    app = node.app()
    for path in ("/v1/issuers?q=nobody", "/v1/issuers?q=nobody&limit=7", f"/v1/competencies/issuers?uri={COMPETENCY}"):
        given.clear()
        assert (await node.ask("GET", path, app)).status_code == 200
        assert len(given) >= turns.FREE_TURNS, path
    for path in ("/v1/frameworks", "/v1/heads"):
        given.clear()
        assert (await node.ask("GET", path, app)).status_code == 200
        assert len(given) >= 2, "lists of ids and keys are made in turns too"


async def test_an_id_is_percent_encoded_once(node: Served) -> None:
    """did:web:localhost%3A8080 and did:web:localhost:8080 are two DIDs."""
    assert (await read(node, "/v1/issuer", id=PORT))["id"] == PORT
    assert (await node.get(f"/v1/issuer?id={quote(PORT, safe='')}")).json()["id"] == PORT
    raw = await node.get(f"/v1/issuer?id={PORT}")
    assert raw.status_code == 404
    assert "did:web:localhost:8080" in raw.json()["detail"]
    assert f"Did you mean {PORT}?" in raw.json()["hint"]


async def test_an_issuer_is_shown_with_who_said_what(node: Served) -> None:
    issuer = await read(node, "/v1/issuer", id=f"{COLLEGE}#key-1")
    (facts,) = issuer["stated"]
    assert (facts["by"], facts["facts"]["name"]) == (A, "College of Examples")
    assert facts["iat"] == "2023-11-14T22:13:22Z"
    assert facts["facts"]["ext"]["iat"] == 0, "what ext means is not ours to say"
    (line,) = issuer["accreditations"]
    assert line["status"] == "active"
    accreditation = await read(node, "/v1/accreditation", id=line["id"])
    assert accreditation["issuer"] == COLLEGE
    assert accreditation["terms"][0]["valid_from"] == "1970-01-01T00:00:00Z"
    assert accreditation["status"]["word"] == "active"
    assert COLLEGE in accreditation["sentences"][0]


async def test_an_old_name_leads_to_the_issuer(node: Served) -> None:
    assert (await read(node, "/v1/issuer", id=ALIAS))["id"] == COLLEGE


async def test_a_suspension_is_in_the_history(node: Served) -> None:
    issuer = await read(node, "/v1/issuer", id=SUSPENDED)
    accreditation = await read(node, "/v1/accreditation", id=issuer["accreditations"][0]["id"])
    (event,) = accreditation["events"]
    said = node.fold.chains[bytes.fromhex(event["statement"])].iat
    assert (event["event"], datetime.fromisoformat(event["effective_from"]).timestamp()) == ("suspend", said), (
        "not before it was said"
    )
    assert accreditation["status"]["events"] == [event["statement"]]


async def test_frameworks_competencies_and_who_may_attest_them(node: Served) -> None:
    (framework,) = (await read(node, "/v1/frameworks"))["frameworks"]
    assert framework == await read(node, "/v1/framework", id=FRAMEWORK)
    assert (framework["stated"][0]["complete"], framework["stated"][0]["status"]) == (True, "active")
    competency = await read(node, "/v1/competencies", uri=COMPETENCY)
    assert competency["in"][0]["framework"] == FRAMEWORK
    assert competency["in"][0]["text"] == "Weld a butt joint"
    attestors = await read(node, "/v1/competencies/issuers", uri=COMPETENCY)
    (one,) = attestors["issuers"]
    assert (one["id"], one["verdict"], one["how"]) == (COLLEGE, "trusted_with_advisory", "framework")
    assert one["through"] == []
    assert framework["stated"][0]["statement"] in one["statements"]


async def test_the_competencies_of_a_framework_are_paged_in_its_order_and_found_by_a_text(node: Served) -> None:
    (published,) = (await read(node, "/v1/framework", id=FRAMEWORK))["stated"]
    whole = await read(node, "/v1/framework/items", id=FRAMEWORK)
    assert (whole["publication"], whole["next"]) == (published["statement"], None)
    assert len(whole["items"]) == published["item_count"]
    paged: list[dict[str, Any]] = []
    page = await read(node, "/v1/framework/items", id=FRAMEWORK, limit=1)
    while page["next"] is not None:
        paged += page["items"]
        page = await read(node, "/v1/framework/items", id=FRAMEWORK, limit=1, after=page["next"])
    assert [*paged, *page["items"]] == whole["items"]
    (found,) = (await read(node, "/v1/framework/items", id=FRAMEWORK, q="BUTT joint"))["items"]
    assert (found["id"], found["text"]) == (COMPETENCY, "Weld a butt joint")
    nowhere = await node.get("/v1/framework/items", params={"id": FRAMEWORK, "after": "urn:example:elsewhere"})
    assert (nowhere.status_code, nowhere.json()["code"]) == (400, "bad_query_parameter")


async def test_a_competency_that_no_framework_has_may_be_attested_by_whom_a_scope_names_it_for_or_a_mapping(
    node: Served,
) -> None:
    outside = "https://elsewhere.example/brazing"
    there = await read(node, "/v1/competencies/issuers", uri=COMPETENCY, jurisdiction="DE")
    assert there["issuers"] == [], "its accreditation is for another country"
    here = await read(node, "/v1/competencies/issuers", uri=COMPETENCY, jurisdiction="US-IN")
    assert [one["id"] for one in here["issuers"]] == [COLLEGE]
    nobody = await read(node, "/v1/competencies/issuers", uri=outside)
    assert nobody == {"competency": outside, "issuers": [], "next": None}
    body = {
        "id": "https://crosswalks.example/one",
        "title": "A crosswalk",
        "source": {"framework": "https://elsewhere.example/"},
        "target": {"framework": FRAMEWORK},
        "method": "expert",
        "usable_for_scope": True,
        "links": [{"source": outside, "relation": "exact_match", "target": COMPETENCY}],
    }
    said = node.town.says(A, "mapping.publish", body)
    node.hears()
    (one,) = (await read(node, "/v1/competencies/issuers", uri=outside))["issuers"]
    assert (one["id"], one["how"]) == (COLLEGE, "mapping")
    assert one["through"] == [
        f"Covered through a mapping: {outside} is an exact match of {COMPETENCY} (https://crosswalks.example/one)."
    ]
    assert said.id.hex() in one["statements"]
    (link,) = (await read(node, "/v1/competencies", uri=outside))["links"]
    assert (link["to"], link["usable"], link["statement"]) == (COMPETENCY, True, said.id.hex())


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/issuer?id={UNKNOWN}",
        f"/v1/accreditation?id={'0' * 64}",
        "/v1/framework?id=https://unknown.example/",
        "/v1/framework/items?id=https://unknown.example/",
        "/v1/competencies?uri=https://unknown.example/",
    ],
)
async def test_what_is_not_there_is_404_and_says_where_to_look(node: Served, path: str) -> None:
    response = await node.get(path)
    assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert response.json()["hint"]


@pytest.mark.parametrize(
    ("path", "code", "word"),
    [
        ("/v1/issuers?nane=x", "unknown_query_parameter", "name"),
        ("/healthz?x=1", "unknown_query_parameter", "takes no parameters"),
        ("/v1/issuers?name=a&name=b", "repeated_query_parameter", "once"),
        ("/v1/issuer", "missing_query_parameter", "id"),
        ("/v1/issuer?id=college", "identifier_scheme", "DID"),
        ("/v1/issuers?limit=0", "bad_query_parameter", "1 to 200"),
        ("/v1/issuers?limit=201", "bad_query_parameter", "1 to 200"),
        ("/v1/issuers?limit=%D9%A1", "bad_query_parameter", "1 to 200"),
        ("/v1/issuers?status=suspendet", "bad_query_parameter", "suspended"),
        ("/v1/issuers?name=", "bad_query_parameter", "1 to"),
        ("/v1/issuers?name=%FF", "not_utf8", "UTF-8"),
        ("/v1/accreditation?id=AB", "bad_id", "64"),
        (f"/v1/issuers?name={'x' * 5000}", "query_too_long", "4096"),
    ],
)
async def test_a_parameter_that_cannot_be_read_is_named(node: Served, path: str, code: str, word: str) -> None:
    response = await node.get(path)
    problem = response.json()
    assert (response.status_code, problem["code"]) == (400, code)
    assert word in problem["detail"] + problem.get("hint", "")


async def test_a_plus_is_a_space_in_words(node: Served) -> None:
    assert [line["id"] for line in (await node.get("/v1/issuers?name=local+test")).json()["issuers"]] == [PORT]


async def test_an_old_name_that_several_claim_leads_to_none_of_them(tmp_path: Path) -> None:
    node = served(tmp_path)
    node.town.says(A, "issuer.register", bodies.register("did:web:claims.example", also_known_as=[ALIAS]))
    node.hears()
    response = await node.get("/v1/issuer", params={"id": ALIAS})
    assert response.status_code == 404
    assert "did:web:claims.example" in response.json()["hint"]
    assert COLLEGE in response.json()["hint"]


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("université", "Universite\u0301 du Lac"),
        ("universite", "Université du Lac"),
        ("UNIVERSITE\u0301", "Université du Lac"),
        ("istanbul", "İstanbul Üniversitesi"),
        ("fullwidth", "\uff26\uff35\uff2c\uff2c\uff37\uff29\uff24\uff34\uff28 College"),
        ("softhyphen", "Soft\u00adhyphen"),
    ],
)
def test_a_name_is_found_however_its_accents_are_encoded_or_left_out(typed: str, name: str) -> None:
    assert searchable(typed) in searchable(name)


async def test_a_place_that_nobody_knows_finds_no_empty_list_but_an_error(node: Served) -> None:
    response = await node.get("/v1/issuers", params={"jurisdiction": "UK"})
    assert (response.status_code, response.json()["code"]) == (400, "unknown_place")
    assert "Did you mean GB?" in response.json()["hint"]
