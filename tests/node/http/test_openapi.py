"""The document is true: every route answers what it says, and nothing it does not say."""

import copy
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jsonschema
import pytest
from jsonschema.validators import Draft202012Validator

from accredit.node.http import examples
from accredit.node.http.app import table
from accredit.node.http.handling.route import Route
from accredit.node.http.openapi import document, openapi_path, operation_id
from accredit.node.http.problems import MEDIA_TYPE
from accredit.node.http.routes.federation import FORM
from accredit.node.runtime.equivocations import digest
from accredit.registry.encoding.cbor import encode
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.transparency.checkpoint import Checkpoint
from accredit.registry.transparency.signed_note import sign_note
from accredit.registry.transparency.witness import AddCheckpoint, origin_hash
from docs.generators.routes import command, held
from tests.strategies import bodies
from tests.strategies.consortium import seed_of
from tests.strategies.contradictions import forked_log
from tests.strategies.served import COLLEGE, COMPETENCY, FRAMEWORK, NOW, ORIGIN, OTHER_LOG, WEB_KEY, A, Served, served


def strict(schema: Any) -> Any:
    """The same, with every member it does not name forbidden: an undocumented member is a lie too."""
    if isinstance(schema, dict):
        made = {name: strict(value) for name, value in schema.items()}
        if "properties" in made and "additionalProperties" not in made:
            made["additionalProperties"] = False
        return made
    return [strict(value) for value in schema] if isinstance(schema, list) else schema


# A node that is told that it contradicted itself tells nothing more of its records, so it is told last.
TABLE = sorted((one for one in table() if not one.is_page), key=lambda route: route.path.startswith("/v1/conflicts"))
DOCUMENT = strict(document(TABLE, "1"))


def check(schema: dict[str, Any], value: Any) -> None:
    Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(value)


def operation(route: Route) -> dict[str, Any]:
    made: dict[str, Any] = DOCUMENT["paths"][openapi_path(route)][route.method.lower()]
    return made


def checkpoint_of_another_log() -> bytes:
    """A request that the node cosigns, as a witness."""
    text = Checkpoint(origin=OTHER_LOG, size=1, root=bytes(32)).encode()
    return AddCheckpoint(old=0, proof=(), checkpoint=sign_note(text, OTHER_LOG, KeyPair(seed_of(OTHER_LOG)))).encode()


def queries(node: Served) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """For every operation requests that it answers with 200, in each of its media types."""
    grant = next(one for one in node.town.said if one.kind == "accreditation.grant").id.hex()
    suspended = [one for one in node.town.said if one.kind == "accreditation.grant"][2].id.hex()
    key = node.town.pen(A).kid
    draft = {"iss": A, "sub": COLLEGE, "kind": "issuer.register", "key": key, "body": bodies.register(COLLEGE)}
    new = node.town.says(A, "issuer.register", bodies.register("did:web:new.example")).raw
    again = node.town.says(A, "issuer.register", bodies.register("did:web:newer.example")).raw
    trqp = {"entity_id": COLLEGE, "authority_id": node.town.id, "action": "issue", "resource": "Degree"}
    dated = {**trqp, "context": {"time": "2020-01-01T00:00:00Z"}}
    one = {"issuer": COLLEGE, "achievement_type": "Degree", "issued_on": "2020-01-01"}
    accept = "accept"
    noted = node.notary.noted.state
    assert noted is not None
    lie = forked_log(ORIGIN, KeyPair(seed_of("log")))
    proved = {**one, "evidence": True}
    listed = f"https://{ORIGIN}/federation/marks/listed"
    mark = WEB_KEY.sign({"sub": COLLEGE, "trust_mark_type": listed, "exp": NOW + 9}, type="trust-mark+jwt")
    return {
        "get_well_known_openid_federation": [("", {})],
        "get_federation_fetch": [(f"?sub={COLLEGE}", {})],
        "get_federation_list": [("", {})],
        "get_federation_extended_list": [("?audit_timestamps=true&claims=entity_statement,trust_marks", {})],
        "get_federation_resolve": [(f"?sub={COLLEGE}&trust_anchor=https://{ORIGIN}", {})],
        "get_federation_events": [(f"?sub={COLLEGE}", {})],
        "get_federation_historical_keys": [("", {})],
        "get_federation_trust_mark": [(f"?sub={COLLEGE}&trust_mark_type={listed}", {})],
        "get_federation_trust_mark_list": [(f"?trust_mark_type={listed}", {})],
        "post_federation_trust_mark_status": [
            ("", {"content": f"trust_mark={mark}".encode(), "headers": {"content-type": FORM}})
        ],
        "post_authorization": [("", {"json": trqp}), ("", {"json": dated})],
        "post_recognition": [("", {"json": trqp}), ("", {"json": dated})],
        "post_v1_decisions": [
            ("", {"json": one}),
            ("", {"json": proved}),
            ("", {"json": [one, {}]}),
            ("", {"json": {"queries": [one, one]}}),
        ],
        "get_v1_issuers": [("", {}), ("?name=school&limit=1", {})],
        "get_v1_issuer": [(f"?id={COLLEGE}", {})],
        "get_v1_accreditation": [(f"?id={grant}", {}), (f"?id={suspended}", {})],
        "get_v1_accreditation_timeline": [(f"?id={grant}", {}), (f"?id={suspended}", {})],
        "get_v1_frameworks": [("", {})],
        "get_v1_framework": [(f"?id={FRAMEWORK}", {})],
        "get_v1_framework_items": [(f"?id={FRAMEWORK}", {}), (f"?id={FRAMEWORK}&q=weld&limit=1", {})],
        "get_v1_competencies": [(f"?uri={COMPETENCY}", {})],
        "get_v1_competencies_issuers": [(f"?uri={COMPETENCY}", {})],
        "get_v1_outcomes": [("", {}), ("?weeks=0", {})],
        "get_v1_changes": [("", {}), ("", {"headers": {accept: "text/event-stream"}})],
        "get_v1_changes_atom": [("", {}), (f"?sub={COLLEGE}", {})],
        "get_v1_statements": [("?begin=5f2b8c11", {}), ("?begin=0", {})],
        "get_v1_statements_id": [("", {}), ("", {"headers": {accept: "application/cose"}})],
        "get_v1_statements_id_proof": [("", {})],
        "post_v1_statements_lookup": [
            ("", {"json": {"ids": [grant, suspended, "ab" * 32]}}),
            ("", {"json": {"ids": [grant]}, "headers": {accept: "application/cbor"}}),
        ],
        "post_v1_statements": [
            ("", {"content": new, "headers": {"content-type": "application/cose"}}),
            ("", {"content": again + again[:-1] + b"\0", "headers": {"content-type": "application/cbor-seq"}}),
        ],
        "post_v1_dry_run": [("", {"content": encode(draft), "headers": {"content-type": "application/cbor"}})],
        "get_v1_proposals": [("", {})],
        "get_v1_ecosystem": [("", {})],
        "get_v1_genesis": [("", {})],
        "get_trqp_profile": [("", {})],
        "get_v1_authorities": [("", {})],
        "get_v1_keys_kid": [("", {})],
        "get_v1_heads": [("", {})],
        "get_log_checkpoint": [("", {})],
        "get_log_tile_path": [("", {})],
        "post_witness_add_checkpoint": [("", {"content": checkpoint_of_another_log()})],
        "get_witness_hash_checkpoint": [("", {})],
        "get_v1_state_note": [("", {})],
        "get_v1_conflicts": [("", {})],
        "post_v1_conflicts": [("", {"content": lie.encode(), "headers": {"content-type": "application/cbor"}})],
        "get_v1_conflicts_conflict": [("", {})],
        "get_v1_trust_policy": [("", {})],
        "get_v1_renewal": [(f"?step={node.town.eco.hex()}", {})],
        "get_v1_snapshot": [("", {}), (f"?since={noted.root.hex()}", {}), (f"?since={'0' * 64}", {})],
        "get_v1_issuers_by_prefix_hex": [("", {}), ("?k=1", {})],
        "get_v1_competencies_by_prefix_hex": [("", {}), ("?k=1", {})],
        "get_exports_dcc_registry_json": [("", {})],
        "get_exports_recognized_entities_json": [(f"?authority={A}", {})],
        "get_exports_recognized_entity_json": [(f"?id={COLLEGE}", {})],
        "get_exports_recognized_authorities_json": [("", {}), (f"?authority={A}", {})],
        "get_exports_achievement_schema_json": [("?achievement_type=License", {})],
        "get": [("", {}), ("", {"headers": {accept: "text/html"}})],
        "get_healthz": [("", {})],
        "get_readyz": [("", {})],
        "get_metrics": [("", {})],
        "get_v1_status": [("", {})],
        "get_openapi_json": [("", {})],
    }


def typed(line: str, here: dict[str, str], content: bytes) -> tuple[str, str, dict[str, Any]]:
    """What curl would send for a line of the page: method, path with query, and the rest of the request.

    Args:
        here: what stands in the place of invented ids.
        content: what is in the file that the line names.
    """
    for invented, real in here.items():
        line = line.replace(invented, real)
    words = iter(shlex.split(line))
    assert (next(words), next(words)) == ("curl", "-s")
    method, path, body = "GET", "", None
    query: list[tuple[str, str]] = []
    headers: dict[str, str] = {}
    for word in words:
        match word:
            case "-G":
                pass
            case "--data-urlencode":
                name, _, value = next(words).partition("=")
                query.append((name, value))
            case "-H":
                name, _, value = next(words).partition(": ")
                headers[name] = value
            case "-d" | "--data-binary":
                method, body = "POST", content if word != "-d" else next(words).encode()
                if word != "-d":
                    assert next(words).startswith("@")
            case _:
                path = word.removeprefix("$NODE")
    asked = f"{path}?{urlencode(query)}" if query else path
    return method, asked, {"headers": headers} | ({} if body is None else {"content": body})


def in_turn() -> list[Route]:
    """All routes; those about conflicts last, because a node that its own log key convicts answers little else."""
    return sorted(TABLE, key=lambda route: "/conflicts" in route.path)


async def test_the_example_of_every_route_runs(tmp_path: Path) -> None:
    node = served(tmp_path)
    known, app = queries(node), node.app(stream_seconds=0.02)
    key, grant = node.town.pen(A).kid.hex(), next(one for one in node.town.said if one.kind == "accreditation.grant")
    for route in in_turn():
        name = operation_id(route)
        here = {examples.ISSUER: COLLEGE, examples.COMPETENCY: COMPETENCY, examples.FRAMEWORK: FRAMEWORK}
        here["https://agency.example/"] = A
        here[examples.NODE] = f"https://{ORIGIN}"
        here |= {examples.ECOSYSTEM: str(node.town.id), "https://other-trust.example/": COLLEGE}
        other = {
            "get_v1_keys_kid": key,
            "get_witness_hash_checkpoint": origin_hash(OTHER_LOG),
            "get_v1_conflicts_conflict": digest(forked_log(ORIGIN, KeyPair(seed_of("log")))).hex(),
            "get_v1_accreditation": grant.id.hex(),
            "get_v1_accreditation_timeline": grant.id.hex(),
        }
        here[examples.HEX_ID] = other.get(name, node.town.eco.hex())
        content = b"" if name not in known else known[name][0][1].get("content", b"")
        method, path, request = typed(command(route), here, content)
        assert method == route.method
        if name in ("post_gossip", "post_v1_cosignatures"):
            continue  # a good frame needs a peer, a cosignature a signer: other tests send them
        response = await node.ask(method, path, app, **request)
        assert response.status_code == 200, f"{name}: {path}: {response.text}"


def test_every_parameter_that_must_be_given_and_every_json_body_has_an_example() -> None:
    for route in TABLE:
        made = operation(route)
        assert [one["name"] for one in made.get("parameters", ()) if one["required"] and "example" not in one] == []
        for media_type, content in made.get("requestBody", {}).get("content", {}).items():
            if media_type == "application/json":
                check(content["schema"], content["example"])


async def test_every_route_answers_what_the_document_says(tmp_path: Path) -> None:
    node = served(tmp_path)
    known = queries(node)
    places = {
        "{id}": node.town.eco.hex(),
        "{kid}": node.town.pen(A).kid.hex(),
        "{path}": "0/000.p/3",
        "{hash}": origin_hash(OTHER_LOG),
        "{hex}": "a",
        "{conflict}": digest(forked_log(ORIGIN, KeyPair(seed_of("log")))).hex(),
    }
    seen: set[str] = set()
    app = node.app(stream_seconds=0.02)
    for route in in_turn():
        name = operation_id(route)
        if name in ("post_gossip", "post_v1_cosignatures"):
            continue  # a good frame needs a peer, a cosignature a signer: other tests send them
        path = openapi_path(route)
        for place, value in places.items():
            path = path.replace(place, value)
        said = operation(route)["responses"]["200"]["content"]
        met = set()
        for query, request in known[name]:
            response = await node.ask(route.method, path + query, app, **copy.deepcopy(request))
            assert response.status_code == 200, f"{name}: {response.text}"
            media_type = response.headers["content-type"].partition(";")[0]
            assert media_type in said, f"{name} answers {media_type}"
            met.add(media_type)
            if media_type == "application/json":
                check(said[media_type]["schema"], response.json())
        assert met == set(said), f"{name} was not asked for all its forms"
        seen.add(name)
    assert seen == set(known), "every request above belongs to a route"


async def test_problems_are_as_documented_and_no_route_refuses_with_a_status_it_keeps_to_itself(tmp_path: Path) -> None:
    node = served(tmp_path)
    told = set()
    for route in TABLE:
        path = openapi_path(route)
        for place, value in (
            ("{id}", "0" * 64),
            ("{kid}", "0" * 64),
            ("{path}", "9/000"),
            ("{hash}", "0" * 64),
            ("{conflict}", "0" * 64),
        ):
            path = path.replace(place, value)
        for request in (
            {"params": {"no": "1"}},
            {"content": b"x", "headers": {"content-type": "text/plain"}},
            {"content": b"{}", "headers": {"content-type": next(iter(route.takes), "text/plain")}},
            {"headers": {"accept": "image/png"}},
        ):
            response = await node.ask(route.method, path, **request)
            if response.status_code < 400:
                continue
            documented = operation(route)["responses"][str(response.status_code)]
            form = MEDIA_TYPE if route.errors is None else route.errors.media_type
            assert response.headers["content-type"] == form
            check(documented["content"][form]["schema"], response.json())
            told.add(response.status_code)
    assert {400, 404, 406, 415} <= told


def test_the_document_names_every_parameter_and_body() -> None:
    for route in TABLE:
        said = operation(route)
        assert [param["name"] for param in said.get("parameters", ())] == [param.name for param in route.params]
        assert set(said.get("requestBody", {}).get("content", {})) == set(route.takes)
        for param in said.get("parameters", ()):
            Draft202012Validator.check_schema(param["schema"])
            assert (param["in"] == "path") == (f"{{{param['name']}}}" in openapi_path(route))


def test_the_document_is_open_api_3_1() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    names = [operation_id(route) for route in TABLE]
    assert len(set(names)) == len(names)
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    assert "ProposalView" in DOCUMENT["components"]["schemas"]


def test_a_wrong_answer_would_be_noticed() -> None:
    """The checks above can fail."""
    issuer = {"$ref": "#/components/schemas/IssuerLine"}
    good: dict[str, Any] = {"id": "x", "name": None, "categories": [], "jurisdictions": [], "accreditations": []}
    check(issuer, good)
    for wrong in ({**good, "secret": 1}, {**good, "name": 5}, {"id": "x"}):
        with pytest.raises(jsonschema.ValidationError):
            check(issuer, wrong)


def test_every_member_of_every_shape_says_what_it_holds() -> None:
    shapes = document(table(), "0")["components"]["schemas"]
    silent = [
        f"{name}.{member}"
        for name, shape in shapes.items()
        for member, schema in shape.get("properties", {}).items()
        if not schema.get("description", "").endswith((".", "…"))
    ]
    assert len(shapes) > 50
    assert silent == [], "say it in node/http/members.py"


def test_no_two_members_of_different_kinds_share_a_description() -> None:
    """A description that fits a number, a list and a word says nothing of any of them."""
    holds: dict[tuple[str, str], dict[str, list[str]]] = {}
    for name, shape in document(TABLE, "0")["components"]["schemas"].items():
        for member, schema in shape.get("properties", {}).items():
            of = holds.setdefault((member, schema["description"]), {})
            of.setdefault(held(schema).removesuffix(" or null"), []).append(name)
    shared = {member: of for (member, _), of in holds.items() if len(of) > 1}
    assert shared == {}, "give each one of its own in node/http/members.py"
