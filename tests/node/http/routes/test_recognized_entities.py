"""W3C Recognized Entities: whom the files name, how a verifier walks up, and that others verify the proofs."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from jsonschema import Draft202012Validator, ValidationError

from accredit.registry.encoding import rfc3339
from accredit.registry.encoding.ed25519 import decode_base58, did_key
from tests.strategies import bodies
from tests.strategies.consortium import key_entry
from tests.strategies.node_js import node as run_node
from tests.strategies.node_js import packages
from tests.strategies.served import (
    COLLEGE,
    EXPIRED,
    NOW,
    ORIGIN,
    PORT,
    SUSPENDED,
    WEB_KEY,
    A,
    B,
    Served,
    empty,
    served,
    world,
)

BASE = f"https://{ORIGIN}"
NODE = did_key(WEB_KEY.signer.public_key)


async def credential(node: Served, url: str) -> dict[str, Any]:
    response = await node.get(url.removeprefix(BASE))
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    assert found["issuer"]["id"] == NODE
    return found


def subjects(found: dict[str, Any]) -> list[str]:
    return [each["id"] for each in found["credentialSubject"]]


async def test_a_file_names_the_issuers_of_one_authority_that_may_issue_now(node: Served) -> None:
    ours = await credential(node, f"/exports/recognized-entities.json?authority={A}")
    assert subjects(ours) == [COLLEGE]
    (college,) = ours["credentialSubject"]
    assert (college["name"], college["url"]) == ("College of Examples", "https://college.example/")
    assert college["recognizedTo"]["recognizedBy"] == A
    assert subjects(await credential(node, f"/exports/recognized-entities.json?authority={B}")) == [PORT]
    for absent in (SUSPENDED, EXPIRED):
        response = await node.get(f"/exports/recognized-entity.json?id={absent}")
        assert (response.status_code, response.json()["code"]) == (404, "not_found")


async def test_a_verifier_walks_from_an_issuer_up_to_the_ecosystem(node: Served) -> None:
    found = await credential(node, f"/exports/recognized-entity.json?id={quote(PORT, safe='')}")
    steps = 0
    while (above := found["issuer"].get("recognizedIn")) is not None:
        found = await credential(node, above["id"])
        assert NODE in subjects(found), "at each step the signer is among the subjects"
        steps += 1
    assert steps == 1
    assert set(subjects(found)) == {NODE, A, B}
    assert COLLEGE not in subjects(found), "who trusts all of this file trusts no issuer by it"


async def test_a_delegate_is_reached_through_its_delegator(tmp_path: Path) -> None:
    town = world()
    board = town.pen("board", "https://board.example/")
    town.says(A, "authority.delegate", bodies.delegation("https://board.example/", [key_entry(board)]))
    town.says(board, "accreditation.grant", bodies.grant("did:web:below.example"))
    node = empty(tmp_path, town)
    node.hears()
    found = await credential(node, "/exports/recognized-entity.json?id=did:web:below.example")
    seen = []
    while (above := found["issuer"].get("recognizedIn")) is not None:
        found = await credential(node, above["id"])
        seen.append(set(subjects(found)) - {NODE})
    assert seen == [{"https://board.example/"}, {A, B}]


async def test_scope_is_a_schema_with_a_digest_that_credentials_satisfy_or_not(tmp_path: Path) -> None:
    town = world()
    scope = {"achievement_types": ["BachelorDegree", "License"], "credential_types": "*"}
    town.says(A, "accreditation.grant", bodies.grant("did:web:two.example", scope=scope))
    node = empty(tmp_path, town)
    node.hears()
    found = await credential(node, "/exports/recognized-entity.json?id=did:web:two.example")
    rules = found["credentialSubject"][0]["recognizedTo"]["outputValidation"]
    assert len(rules) == 2
    for rule, achievement in zip(rules, ("BachelorDegree", "License"), strict=True):
        response = await node.get(rule["id"].removeprefix(BASE))
        assert decode_base58(rule["digestMultibase"][1:]) == b"\x12\x20" + sha256(response.content).digest()
        validator = Draft202012Validator(response.json())
        good = {"credentialSubject": {"achievement": {"achievementType": achievement}}}
        validator.validate(good)
        validator.validate({"credentialSubject": [good["credentialSubject"]]})
        for wrong in ({}, {"credentialSubject": {"achievement": {"achievementType": "Badge"}}}):
            with pytest.raises(ValidationError):
                validator.validate(wrong)
    licensed = await credential(node, f"/exports/recognized-entities.json?authority={A}&achievement_type=License")
    assert subjects(licensed) == ["did:web:two.example"], "a narrow file names those only who may issue that"


async def test_an_issuer_of_own_types_alone_is_not_named_as_one_that_may_issue_anything(tmp_path: Path) -> None:
    town = world()
    scope = {"achievement_types": ["ext:Own"], "credential_types": "*"}
    town.says(A, "accreditation.grant", bodies.grant("did:web:own.example", scope=scope))
    node = empty(tmp_path, town)
    node.hears()
    assert (await node.get("/exports/recognized-entity.json?id=did:web:own.example")).status_code == 404
    found = await credential(node, f"/exports/recognized-entities.json?authority={A}")
    assert subjects(found) == [COLLEGE]
    assert all(one["recognizedTo"]["outputValidation"] for one in found["credentialSubject"])


async def test_a_file_of_authorities_outlives_none_of_their_mandates(tmp_path: Path) -> None:
    town = world()
    board = town.pen("board", "https://board.example/")
    given = bodies.delegation("https://board.example/", [key_entry(board)], valid_until=NOW + 60)
    town.says(A, "authority.delegate", given)
    node = empty(tmp_path, town)
    node.hears()
    found = await credential(node, f"/exports/recognized-authorities.json?authority={A}")
    assert subjects(found) == [NODE, "https://board.example/"]
    assert found["validUntil"] == rfc3339.text(NOW + 60)


async def test_a_long_file_has_pages(tmp_path: Path) -> None:
    town = world()
    for number in range(5):
        town.says(A, "accreditation.grant", bodies.grant(f"did:web:n{number}.example"))
    node = empty(tmp_path, town)
    node.hears()
    path, found = f"/exports/recognized-entities.json?authority={quote(A, safe='')}&limit=2", list[str]()
    for _ in range(10):
        response = await node.get(path)
        found += subjects(response.json())
        if "link" not in response.headers:
            break
        path = response.headers["link"].partition(">")[0].removeprefix(f"<{BASE}") + "&limit=2"
    assert found == [COLLEGE, *(f"did:web:n{number}.example" for number in range(5))]


async def test_what_is_not_an_authority_or_a_type_is_said(node: Served) -> None:
    for query, status, code in (
        ("", 400, "missing_query_parameter"),
        ("?authority=https://nobody.example/", 404, "unknown_authority"),
        (f"?authority={node.town.id}", 404, "unknown_authority"),
        (f"?authority={A}&achievement_type=Degrees", 400, "bad_query_parameter"),
    ):
        response = await node.get(f"/exports/recognized-entities.json{query}")
        assert (response.status_code, response.json()["code"]) == (status, code)


async def test_an_independent_verifier_accepts_the_proofs_and_no_changed_document(tmp_path: Path) -> None:
    node = served(tmp_path)
    paths = (
        f"/exports/recognized-entities.json?authority={A}",
        f"/exports/recognized-entity.json?id={quote(PORT, safe='')}",
        "/exports/recognized-authorities.json",
    )
    documents = [await credential(node, path) for path in paths]
    changed = [
        {**documents[0], "credentialSubject": [{**documents[0]["credentialSubject"][0], "id": SUSPENDED}]},
        {**documents[0], "validUntil": "2099-01-01T00:00:00Z"},
    ]
    lines = "".join(json.dumps(each) + "\n" for each in (*documents, *changed))
    said = [
        json.loads(line) for line in run_node(str(packages("data_integrity") / "verify.mjs"), stdin=lines).splitlines()
    ]
    assert [each["verified"] for each in said] == [True, True, True, False, False], said
