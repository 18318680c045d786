"""OpenID Federation: read as a strict client reads it, which believes nothing that it has not verified itself."""

import json
from base64 import urlsafe_b64decode
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from accredit.node.http.facades import federation_claims as claims
from accredit.node.http.facades.federation_events import registered_and_revoked
from accredit.node.http.handling import turns
from accredit.registry.decision.decide import Decision, Query, decide
from accredit.registry.domain.records import Voice, issuer_in
from accredit.registry.domain.vocabulary import ACHIEVEMENT_TYPES
from accredit.registry.encoding.identifiers import CanonicalId
from tests.strategies import bodies
from tests.strategies.consortium import START
from tests.strategies.domain import COLLEGE as HIGH_SCHOOL
from tests.strategies.domain import ECOSYSTEM, World
from tests.strategies.domain import NOW as LATER
from tests.strategies.served import (
    COLLEGE,
    EXPIRED,
    NOW,
    PORT,
    SUSPENDED,
    UNKNOWN,
    WEB_KEY,
    A,
    B,
    Served,
    empty,
    served,
    world,
)

ANCHOR = "https://node1.example.org"
LISTED = f"{ANCHOR}/federation/marks/listed"
BACHELOR = f"{ANCHOR}/federation/marks/achievementType/BachelorDegree"


def decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def opened(token: str, jwks: dict[str, Any], type: str) -> dict[str, Any]:
    """The claims of a token that one of these keys signed."""
    header_text, claims_text, signature = token.split(".")
    header = json.loads(decoded(header_text))
    assert (header["typ"], header["alg"]) == (type, "EdDSA")
    key = next(each for each in jwks["keys"] if each["kid"] == header["kid"])
    VerifyKey(decoded(key["x"])).verify(f"{header_text}.{claims_text}".encode(), decoded(signature))
    claims: dict[str, Any] = json.loads(decoded(claims_text))
    return claims


async def anchor(node: Served) -> dict[str, Any]:
    response = await node.get("/.well-known/openid-federation")
    assert response.headers["content-type"] == "application/entity-statement+jwt"
    payload = json.loads(decoded(response.text.split(".")[1]))
    claims = opened(response.text, payload["jwks"], "entity-statement+jwt")
    assert claims["iss"] == claims["sub"] == ANCHOR
    assert claims["iat"] <= node.time < claims["exp"]
    assert "authority_hints" not in claims, "an anchor has nobody above it"
    return claims


def local(claims: dict[str, Any], endpoint: str) -> str:
    """An endpoint of the metadata, as a path."""
    url: str = claims["metadata"]["federation_entity"][endpoint]
    assert url.startswith(ANCHOR + "/")
    assert "#" not in url
    return url.removeprefix(ANCHOR)


async def looked_up(node: Served, issuer: str) -> dict[str, Any] | None:
    """What a strict client makes of an issuer; None where it is not in the federation."""
    top = await anchor(node)
    response = await node.get(f"{local(top, 'federation_fetch_endpoint')}?sub={quote(issuer, safe='')}")
    if response.status_code == 404:
        return None
    assert response.status_code == 200, response.text
    claims = opened(response.text, top["jwks"], "entity-statement+jwt")
    assert claims["iss"] == top["iss"]
    assert claims["sub"] == issuer, "byte for byte"
    assert claims["iat"] <= node.time < claims["exp"]
    return claims


async def test_a_strict_client_finds_those_that_may_issue_and_no_others(node: Served) -> None:
    found = await looked_up(node, COLLEGE)
    assert found is not None
    assert found["metadata"]["federation_entity"] == {
        "organization_name": "College of Examples",
        "homepage_uri": "https://college.example/",
    }
    for absent in (SUSPENDED, EXPIRED, UNKNOWN):
        assert await looked_up(node, absent) is None
    port = await looked_up(node, PORT)
    assert port is not None


@pytest.mark.parametrize("sent", [quote(PORT, safe=""), PORT, quote(PORT, safe=":")])
async def test_an_id_is_found_encoded_or_raw_and_the_registered_one_is_signed(node: Served, sent: str) -> None:
    response = await node.get(f"/federation/fetch?sub={sent}")
    assert json.loads(decoded(response.text.split(".")[1]))["sub"] == PORT


async def test_a_suspension_takes_the_statement_away_and_answers_are_kept_for_no_longer_than_promised(
    tmp_path: Path,
) -> None:
    node = served(tmp_path)
    response = await node.get(f"/federation/fetch?sub={COLLEGE}")
    assert response.headers["cache-control"] == "public, max-age=60"
    grant = next(one for one in node.town.said if one.kind == "accreditation.grant" and one.sub == COLLEGE)
    node.town.says(A, "accreditation.status", bodies.event(grant.id, "suspend", NOW - 5), sub=COLLEGE)
    node.hears()
    assert await looked_up(node, COLLEGE) is None
    assert (await node.get("/federation/list")).json() == [PORT]


async def test_a_statement_ends_when_what_it_says_ends(tmp_path: Path) -> None:
    town = world()
    town.says(A, "accreditation.grant", bodies.grant("did:web:brief.example", valid_until=NOW + 30))
    node = empty(tmp_path, town)
    node.hears()
    found = await looked_up(node, "did:web:brief.example")
    assert found is not None
    assert found["exp"] == NOW + 30


async def test_keys_are_those_that_sign_now_under_their_own_ids(tmp_path: Path) -> None:
    town = world()
    school = "did:web:keys.example"
    jwk = {"kty": "EC", "crv": "P-256", "x": "a" * 43, "y": "b" * 43}
    keys = [
        {"id": f"{school}#1", "public_key_multibase": "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"},
        {"id": f"{school}#2", "jwk": jwk},
        {"id": f"{school}#3", "jwk": jwk, "valid_until": NOW - 1},
        {"id": f"{school}#4", "jwk": jwk},
        {"id": f"{school}#5", "public_key_multibase": "zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169"},
    ]
    more = {
        "legal_name": "Keys Incorporated",
        "identifiers": [
            {"scheme": "ror", "value": "042nb2s44"},
            {"scheme": "ctid", "value": "ce-12345678-1234-1234-1234-123456789abc"},
        ],
    }
    town.says(A, "issuer.register", bodies.register(school, name="School of Keys", keys=keys, **more))
    town.says(A, "accreditation.grant", bodies.grant(school))
    town.says(A, "issuer.key", {"issuer": school, "op": "compromise", "key_id": f"{school}#4"}, sub=school)
    node = empty(tmp_path, town)
    node.hears()
    found = await looked_up(node, school)
    assert found is not None
    assert {key["kid"]: key["kty"] for key in found["jwks"]["keys"]} == {f"{school}#1": "OKP", f"{school}#2": "EC"}
    assert found["metadata"]["institution_additional_information"] == {"legal_name": "Keys Incorporated"}
    assert found["metadata"]["ror_entity"]["rorid"] == "042nb2s44"
    assert found["metadata"]["credential_registry_entity"]["ctid"].startswith("ce-1234")
    assert "null" not in json.dumps(found)


async def test_a_statement_outlives_none_of_its_keys_and_a_jwk_cannot_name_another_key(tmp_path: Path) -> None:
    town = world()
    school = "did:web:brief-key.example"
    jwk = {"kty": "EC", "crv": "P-256", "x": "a" * 43, "y": "b" * 43, "kid": "did:web:other.example#1"}
    brief = {"public_key_multibase": "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK", "valid_until": NOW + 60}
    keys = [{"id": f"{school}#1", **brief}, {"id": f"{school}#2", "jwk": jwk}]
    town.says(A, "issuer.register", bodies.register(school, keys=keys))
    town.says(A, "accreditation.grant", bodies.grant(school))
    node = empty(tmp_path, town)
    node.hears()
    found = await looked_up(node, school)
    assert found is not None
    assert {key["kid"] for key in found["jwks"]["keys"]} == {f"{school}#1", f"{school}#2"}
    assert found["exp"] == NOW + 60
    node.time = NOW + 61
    later = await looked_up(node, school)
    assert later is not None
    assert [key["kid"] for key in later["jwks"]["keys"]] == [f"{school}#2"]


async def test_another_authority_lends_an_issuer_no_name_and_no_identity(tmp_path: Path) -> None:
    """Else a mill has the ROR id of a university, under the signature of every node."""
    town = world()
    mill = "did:web:mill.example"
    ror = [{"scheme": "ror", "value": "042nb2s44"}]
    lent = {"url": "https://famous.example/", "legal_name": "Famous University", "identifiers": ror}
    town.says(B, "issuer.register", bodies.register(mill, name="Famous University", **lent))
    town.says(A, "accreditation.grant", bodies.grant(mill))
    node = empty(tmp_path, town)
    node.hears()
    found = await looked_up(node, mill)
    assert found is not None
    assert found["metadata"] == {"federation_entity": {"organization_name": mill}}
    recognized = (await node.get(f"/exports/recognized-entity.json?id={mill}")).json()["credentialSubject"][0]
    assert (recognized["name"], set(recognized) & {"legalName", "url"}) == (mill, set())
    listed = (await node.get("/exports/dcc-registry.json")).json()["registry"][mill]
    assert listed == {"name": mill, "location": "", "url": ""}


async def test_another_name_of_an_issuer_has_the_keys_of_the_accredited_one(tmp_path: Path) -> None:
    town = world()
    school, old = "did:web:new-name.example", "did:web:old-name.example"
    keys = {
        id: [{"id": f"{id}#1", "jwk": {"kty": "EC", "crv": "P-256", "x": id[8] * 43, "y": "b" * 43}}]
        for id in (school, old)
    }
    town.says(A, "issuer.register", bodies.register(old, keys=keys[old]))
    town.says(A, "issuer.register", bodies.register(school, name="New", also_known_as=[old], keys=keys[school]))
    town.says(A, "accreditation.grant", bodies.grant(school))
    node = empty(tmp_path, town)
    node.hears()
    found = await looked_up(node, old)
    assert found is not None
    assert found["sub"] == old
    assert [key["kid"] for key in found["jwks"]["keys"]] == [f"{school}#1"], "decisions refuse the other one"


def test_a_key_dated_back_after_a_mandate_was_withdrawn_is_not_told() -> None:
    """Neither under an id of its own, nor in the place of the issuer's own key."""
    story, board = World(), CanonicalId("https://board.example/")
    withdrawn = {"statement": bytes(32), "effective_from": LATER - 1_000}
    via = story.delegate(board, withdrawn=withdrawn)
    how: dict[str, Any] = {"by": board, "via": via, "iat": LATER - 5_000}
    story.grant(**how)
    jwk = {"kty": "EC", "crv": "P-256", "x": "a" * 43, "y": "b" * 43}
    own = {"id": f"{HIGH_SCHOOL}#own", "jwk": jwk}
    story.key_event(op="add", key=own, how=how)
    for id in ("forged", "own"):
        forged = {"id": f"{HIGH_SCHOOL}#{id}", "jwk": jwk | {"x": "f" * 43}}
        story.key_event(op="add", key=forged, how=how)
        story.said[-1] = replace(story.said[-1], is_anchored=False)
    records = story.records()

    def ask(key: str | None = None) -> Decision:
        query = Query(entity=HIGH_SCHOOL, authority=ECOSYSTEM, achievement_types=("Badge",), key=key)
        return decide(query, records, LATER, ecosystem_id=ECOSYSTEM)

    assert ask().authorized, "what a withdrawn mandate gave in time stands"
    record = issuer_in(records, HIGH_SCHOOL)
    assert record is not None
    keys, _ = claims.keys_of(record, [Voice(board, via)], LATER, ask)
    assert keys == [{**jwk, "kid": own["id"]}]


# ------------------------------------------------------------------------------------------------ lists and marks


async def test_a_list_about_one_issuer_is_of_now_and_not_of_the_minute(tmp_path: Path) -> None:
    town = world()
    brief = "did:web:brief.example"
    town.says(A, "accreditation.grant", bodies.grant(brief, valid_until=NOW + 30))
    node = empty(tmp_path, town)
    node.hears()
    path = f"/federation/trust-mark-list?trust_mark_type={quote(BACHELOR)}&sub={brief}"
    assert (await node.get(path)).json() == [brief]
    node.time = NOW + 31
    assert (await node.get(path)).json() == []


async def test_the_list_filters_as_the_standard_says(node: Served) -> None:
    async def listed(query: str) -> list[str]:
        response = await node.get(f"/federation/list{query}")
        assert response.status_code == 200, response.text
        found: list[str] = response.json()
        return found

    assert await listed("") == [COLLEGE, PORT]
    assert await listed("?entity_type=federation_entity") == [COLLEGE, PORT]
    assert await listed("?entity_type=openid_provider") == []
    assert await listed("?intermediate=true") == []
    assert await listed("?trust_marked=true") == [COLLEGE, PORT]
    assert await listed("?trust_marked=false") == []
    assert await listed(f"?trust_mark_type={quote(LISTED)}") == [COLLEGE, PORT]
    assert await listed("?trust_mark_type=https%3A%2F%2Felsewhere.example%2Fmark") == []


async def test_a_mark_says_one_type_of_achievement_and_names_what_it_cannot_say(tmp_path: Path) -> None:
    town = world()
    narrow = {"achievement_types": ["BachelorDegree"], "credential_types": "*"}
    town.says(A, "accreditation.grant", bodies.grant("did:web:degrees.example", scope=narrow))
    placed = narrow | {"jurisdictions": ["US-IN"]}
    town.says(A, "accreditation.grant", bodies.grant("did:web:indiana.example", scope=placed))
    node = empty(tmp_path, town)
    node.hears()
    top = await anchor(node)
    assert len(top["trust_mark_issuers"]) == 1 + len(ACHIEVEMENT_TYPES)
    assert top["trust_mark_issuers"][BACHELOR] == [ANCHOR], "nobody else may issue it"
    with_mark = (await node.get(f"/federation/trust-mark-list?trust_mark_type={quote(BACHELOR)}")).json()
    assert {"did:web:degrees.example", "did:web:indiana.example"} <= set(with_mark)
    url = f"/federation/trust-mark?sub=did:web:degrees.example&trust_mark_type={quote(BACHELOR)}"
    mark = opened((await node.get(url)).text, top["jwks"], "trust-mark+jwt")
    assert (mark["sub"], mark["trust_mark_type"]) == ("did:web:degrees.example", BACHELOR)
    assert "unchecked" not in mark
    limited = await node.get(url.replace("degrees", "indiana"))
    assert opened(limited.text, top["jwks"], "trust-mark+jwt")["unchecked"] == ["jurisdiction"]
    refused = await node.get(url.replace("BachelorDegree", "License"))
    assert (refused.status_code, refused.json()["error"]) == (404, "not_found")
    answer = await node.get(f"/federation/resolve?sub=did:web:degrees.example&trust_anchor={quote(ANCHOR)}")
    resolved = opened(answer.text, top["jwks"], "resolve-response+jwt")
    assert [each["trust_mark_type"] for each in resolved["trust_marks"]] == [LISTED, BACHELOR]
    for each in resolved["trust_marks"]:
        assert opened(each["trust_mark"], top["jwks"], "trust-mark+jwt")["trust_mark_type"] == each["trust_mark_type"]


async def status(node: Served, mark: str) -> str:
    response = await node.ask("POST", "/federation/trust-mark-status", data={"trust_mark": mark})
    assert response.status_code == 200, response.text
    top = await anchor(node)
    said: str = opened(response.text, top["jwks"], "trust-mark-status-response+jwt")["status"]
    return said


async def test_a_mark_is_active_until_it_is_revoked_or_expires_and_others_are_invalid(tmp_path: Path) -> None:
    node = served(tmp_path)
    mark = (await node.get(f"/federation/trust-mark?sub={COLLEGE}&trust_mark_type={quote(LISTED)}")).text
    assert await status(node, mark) == "active"
    forged = mark[:-8] + ("A" * 8 if not mark.endswith("A" * 8) else "B" * 8)
    assert await status(node, forged) == "invalid"
    other = WEB_KEY.sign({"iss": ANCHOR, "sub": COLLEGE, "exp": NOW + 9}, type="entity-statement+jwt")
    assert await status(node, other) == "invalid", "a token of another type is no mark"
    grant = next(one for one in node.town.said if one.kind == "accreditation.grant" and one.sub == COLLEGE)
    node.town.says(A, "accreditation.status", bodies.event(grant.id, "suspend", NOW - 5), sub=COLLEGE)
    node.hears()
    assert await status(node, mark) == "revoked"
    node.time = NOW + 4_000
    expired = await node.ask("POST", "/federation/trust-mark-status", data={"trust_mark": mark})
    assert json.loads(decoded(expired.text.split(".")[1]))["status"] == "expired"


# ------------------------------------------------------------------------------------------------ history


async def test_events_tell_when_an_issuer_was_registered_suspended_and_revoked(tmp_path: Path) -> None:
    town = world()
    school = "did:web:story.example"
    grant = town.says(A, "accreditation.grant", bodies.grant(school))
    start = grant.body["valid_from"]
    suspend = town.says(A, "accreditation.status", bodies.event(grant.id, "suspend", START + 100), sub=school)
    lift = town.says(
        A, "accreditation.status", bodies.event(grant.id, "lift", START + 200, after=[suspend.id]), sub=school
    )
    revoke = bodies.event(grant.id, "revoke", START + 300, after=[lift.id], reason_code="fraud")
    town.says(A, "accreditation.status", revoke, sub=school)
    node = empty(tmp_path, town)
    node.hears()
    top = await anchor(node)
    answer = await node.get(f"{local(top, 'federation_subordinate_events_endpoint')}?sub={school}")
    told = opened(answer.text, top["jwks"], "entity-events-statement+jwt")["federation_registration_events"]
    assert [each["event"] for each in told] == ["registration", "suspension", "registration", "revocation"]
    assert [each["iat"] for each in told[1:]] == [START + 100, START + 200, START + 300]
    assert told[0]["iat"] >= start
    for each in told:
        path = each["information_uri"].removeprefix(ANCHOR)
        assert (await node.get(path)).status_code == 200, "each leads to the statement behind it"


async def test_the_second_accreditation_does_not_revoke_the_first(tmp_path: Path) -> None:
    town = world()
    school = "did:web:two.example"
    town.says(A, "accreditation.grant", bodies.grant(school))
    second = town.says(A, "accreditation.grant", bodies.grant(school, scope=bodies.SCOPE | {"jurisdictions": ["US"]}))
    town.says(A, "accreditation.status", bodies.event(second.id, "suspend", START + 100), sub=school)
    node = empty(tmp_path, town)
    node.hears()
    answer = await node.get(f"/federation/events?sub={school}")
    told = json.loads(decoded(answer.text.split(".")[1]))["federation_registration_events"]
    assert [each["event"] for each in told] == ["registration", "metadata_update", "metadata_update"]
    assert "was active, became suspended" in told[-1]["event_description"]


async def test_the_extended_listing_pages_and_tells_of_those_that_were_revoked(node: Served) -> None:
    top = await anchor(node)
    path = local(top, "federation_extended_list_endpoint")
    first = (await node.get(f"{path}?limit=1")).json()
    (entity,) = first["immediate_subordinate_entities"]
    assert opened(entity["entity_statement"], top["jwks"], "entity-statement+jwt")["sub"] == entity["id"] == COLLEGE
    second = (await node.get(f"{path}?limit=5&claims=trust_marks&from_entity_id={first['next_entity_id']}")).json()
    assert [each["id"] for each in second["immediate_subordinate_entities"]] == [PORT]
    assert "entity_statement" not in second["immediate_subordinate_entities"][0]
    assert "next_entity_id" not in second
    audit = (await node.get(f"{path}?audit_timestamps=true")).json()["immediate_subordinate_entities"]
    by_id = {each["id"]: each for each in audit}
    assert by_id.keys() == {COLLEGE, PORT, SUSPENDED, EXPIRED}
    assert "revoked" in by_id[EXPIRED]
    assert "entity_statement" not in by_id[SUSPENDED]
    assert "registered" in by_id[COLLEGE]
    later = (await node.get(f"{path}?updated_after=2030-01-01")).json()
    assert later == {"immediate_subordinate_entities": []}


async def test_an_extended_listing_that_waited_for_other_long_answers_names_nobody_suspended_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node, give = served(tmp_path), turns.Turns.give
    app = node.app()
    path = local(await anchor(node), "federation_extended_list_endpoint") + "?claims=trust_marks"

    async def listed() -> list[str]:
        found = (await node.ask("GET", path, app=app)).json()
        return [each["id"] for each in found["immediate_subordinate_entities"]]

    assert await listed() == [COLLEGE, PORT]  # and the ids are listed now, which takes turns of its own
    grant = next(one for one in node.town.said if one.kind == "accreditation.grant" and one.sub == COLLEGE)

    async def others_have_a_turn(turn: turns.Turns) -> bool:
        has_waited = await give(turn)
        if has_waited:
            node.take([node.town.says(A, "accreditation.status", bodies.event(grant.id, "suspend"), COLLEGE).raw])
        return has_waited

    monkeypatch.setattr(turns, "TURN_SECONDS", 0.0)
    monkeypatch.setattr(turns, "FREE_TURNS", 1)
    monkeypatch.setattr(turns.Turns, "give", others_have_a_turn)
    assert await listed() == [PORT]


async def test_histories_are_read_for_those_only_who_ask_for_times(
    node: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An authority may give an issuer a history that takes some tens of milliseconds to tell."""
    read = list[int]()

    def counted(accreditations: Any, now: int) -> Any:
        read.append(now)
        return registered_and_revoked(accreditations, now)

    monkeypatch.setattr("accredit.node.http.routes.federation.registered_and_revoked", counted)
    plain = (await node.get("/federation/extended-list")).json()["immediate_subordinate_entities"]
    assert [one["id"] for one in plain] == [COLLEGE, PORT]
    assert read == []
    await node.get("/federation/extended-list?updated_after=2020-01-01T00:00:00Z")
    assert len(read) == 2, "not of those who may not issue and are not listed"


async def test_keys_signed_with_before_are_told(node: Served) -> None:
    top = await anchor(node)
    answer = await node.get(local(top, "federation_historical_keys_endpoint"))
    told = opened(answer.text, top["jwks"], "jwk-set+jwt")
    (old,) = told["keys"]
    assert (old["exp"], old["revoked"]) == (START, {"revoked_at": START, "reason": "superseded"})
    assert old["kid"] != top["jwks"]["keys"][0]["kid"]


# ------------------------------------------------------------------------------------------------ what goes wrong


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("/federation/fetch", 400, "invalid_request"),
        ("/federation/fetch?sub=", 400, "invalid_request"),
        ("/federation/fetch?sub=%00", 404, "not_found"),
        ("/federation/fetch?sub=did:web:unknown.example", 404, "not_found"),
        ("/federation/fetch?sub=<script>alert(1)</script>", 404, "not_found"),
        ("/federation/fetch?sub=did:web:college.example&iss=https://x.example", 400, "invalid_issuer"),
        ("/federation/fetch?sub=did:web:college.example&aud=https://x.example", 400, "unsupported_parameter"),
        ("/federation/list?trust_marked=perhaps", 400, "invalid_request"),
        ("/federation/extended-list?limit=0", 400, "invalid_request"),
        ("/federation/extended-list?claims=everything", 400, "unsupported_parameter"),
        ("/federation/resolve?sub=did:web:college.example&trust_anchor=https://x.example", 400, "invalid_trust_anchor"),
        ("/federation/trust-mark?sub=did:web:college.example&trust_mark_type=x", 404, "not_found"),
    ],
)
async def test_errors_are_the_standards_own(node: Served, path: str, status: int, error: str) -> None:
    response = await node.get(path)
    assert response.headers["content-type"] == "application/json"
    assert (response.status_code, response.json()["error"]) == (status, error)
    assert response.json()["error_description"]


@pytest.mark.parametrize("body", [b"", b"trust_mark=", b"trust_mark=a.b.c", b"trust_mark=%ff", b"\xff", b"a" * 40_000])
async def test_what_is_no_token_is_an_error_and_never_a_traceback(node: Served, body: bytes) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    response = await node.ask("POST", "/federation/trust-mark-status", content=body, headers=headers)
    assert response.status_code in (400, 413)
    assert response.json()["error"] == "invalid_request"


async def test_a_node_without_a_charter_says_that_it_cannot_answer_yet(tmp_path: Path) -> None:
    response = await empty(tmp_path, world()).get("/.well-known/openid-federation")
    assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")
    assert response.headers["retry-after"]


async def test_a_server_without_the_key_sends_its_readers_elsewhere(node: Served) -> None:
    response = await node.ask("GET", f"/federation/fetch?sub={COLLEGE}", node.app(web_key=None))
    assert response.status_code == 503


def test_a_token_that_was_changed_is_not_ours() -> None:
    token = WEB_KEY.sign({"a": 1}, type="t")
    assert WEB_KEY.read(token, type="t") == {"a": 1}
    header, claims, signature = token.split(".")
    forged = f"{header}.{claims}.{'A' * len(signature)}"
    with pytest.raises(BadSignatureError):
        opened(forged, {"keys": [WEB_KEY.jwk]}, "t")
    assert WEB_KEY.read(forged, type="t") is None
    assert WEB_KEY.read(token, type="other") is None
