"""Whatever comes in, what goes out is an answer or a problem: never a fault of ours, and nothing is stored.

Every route of the table is asked: with random queries, paths, headers and bodies, and with JSON and CBOR of nearly the
right shape, which gets past more doors than noise does.
"""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accredit.node.http.app import Application, table
from accredit.node.http.handling.route import Route
from accredit.node.http.openapi import openapi_path
from accredit.registry.encoding.cbor import encode
from tests.strategies.searching import FEW
from tests.strategies.served import COLLEGE, A, Served, ask_raw, served

TABLE = table()
MODULE_NODE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


class Target:
    """One node for all, and the size and root it must keep."""

    def __init__(self, node: Served) -> None:
        self.node = node
        self.app: Application = node.app(stream_seconds=0.0)
        self.before = (node.store.head(), node.fold.state_root(), node.store.changes_size())

    async def strike(self, method: str, target: bytes, body: bytes, **headers: bytes) -> None:
        status, answer = await ask_raw(self.app, method, target, iter([body[:7], body[7:]]), **headers)
        assert status != 500, answer
        assert b"Traceback" not in answer
        if status >= 400 and answer:
            problem = json.loads(answer)
            if b"federation" in target:  # errors as OpenID Federation 1.0 §8.9 has them
                assert problem.get("error_description") or problem["detail"]
            else:
                assert problem["type"] == f"urn:accredit:problem:{problem['code']}"
                assert problem["status"] == status
                assert problem["detail"]
        assert (self.node.store.head(), self.node.fold.state_root(), self.node.store.changes_size()) == self.before


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Target:
    return Target(served(tmp_path_factory.mktemp("node")))


ESCAPED = st.binary(max_size=40).map(lambda raw: b"".join(b"%%%02X" % byte for byte in raw))
PRINTABLE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=40).map(str.encode)
PIECE = (
    ESCAPED
    | PRINTABLE
    | st.sampled_from([b"", b"%", b"%zz", b"+", b"=", b"&&", b"-1", b"0", b"9" * 30, COLLEGE.encode()])
)
HEADER = st.binary(max_size=80) | st.sampled_from([b"application/json", b"*/*;q=nan", b"text/event-stream", b'"x", *'])


def path_of(route: Route, piece: bytes) -> bytes:
    path = openapi_path(route).encode()
    for name in (b"{id}", b"{kid}", b"{path}", b"{hash}", b"{hex}"):
        path = path.replace(name, piece)
    return path.replace(b"?", b"%3F")


@pytest.mark.parametrize("route", TABLE, ids=lambda route: f"{route.method} {route.path}")
@settings(MODULE_NODE, max_examples=FEW.max_examples)
@given(data=st.data())
async def test_noise_gets_an_answer_on_every_route(route: Route, target: Target, data: st.DataObject) -> None:
    names = [param.name.encode() for param in route.params if param.place == "query"]
    pairs = data.draw(st.lists(st.tuples(st.sampled_from([*names, b"x"]) | PIECE, PIECE), max_size=3))
    query = b"&".join(name + b"=" + value for name, value in pairs)
    media_type = data.draw(st.sampled_from([*(name.encode() for name in route.takes), b"text/plain"]) | HEADER)
    await target.strike(
        data.draw(st.sampled_from([route.method, "GET", "HEAD", "POST", "OPTIONS", "PUT"])),
        path_of(route, data.draw(PIECE)) + b"?" + query,
        data.draw(st.binary(max_size=200)),
        content_type=media_type,
        accept=data.draw(HEADER),
        if_none_match=data.draw(HEADER),
        last_event_id=data.draw(HEADER),
        x_request_id=data.draw(HEADER),
        content_length=data.draw(st.sampled_from([b"0", b"-1", b"10", b"\xb2", b"9" * 400])),
    )


JSON_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from([COLLEGE, A, "*"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
TEXT = st.sampled_from([COLLEGE, A, "https://consortium.example/", "issue", "Degree", "EQF:6", "cip:51", "2015-05-20"])
QUESTION = st.dictionaries(
    st.sampled_from(
        [
            *(
                "entity",
                "issuer",
                "authority",
                "action",
                "resource",
                "time",
                "issued_on",
                "credential_type",
                "framework",
            ),
            *("achievement_type", "achievement_types", "competencies", "level", "jurisdiction", "program", "evidence"),
            *("field_of_study", "delivery_mode", "key", "queries", "unknown"),
        ]
    ),
    TEXT | st.text(max_size=30) | st.lists(TEXT, max_size=3) | JSON_VALUE,
    max_size=6,
)
TRQP = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("entity_id", "authority_id", "action", "resource"), TEXT | st.text(max_size=20) | JSON_VALUE),
        "context": QUESTION | JSON_VALUE | st.fixed_dictionaries({"time": TEXT | st.text(max_size=30)}),
    },
)


@pytest.mark.parametrize("path", [b"/v1/decisions", b"/authorization", b"/recognition"])
@MODULE_NODE
@given(value=QUESTION | TRQP | st.lists(QUESTION | JSON_VALUE, max_size=4) | JSON_VALUE)
async def test_questions_of_nearly_the_right_shape_get_an_answer(path: bytes, target: Target, value: Any) -> None:
    await target.strike("POST", path, json.dumps(value).encode(), content_type=b"application/json")


CBOR_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=20) | st.binary(max_size=33),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
DRAFT = st.fixed_dictionaries(
    {
        "iss": st.sampled_from([A, COLLEGE]) | CBOR_VALUE,
        "sub": TEXT | CBOR_VALUE,
        "kind": st.sampled_from(["issuer.register", "vote.approve", "charter.amend", "statement.annul"]) | CBOR_VALUE,
        "body": st.dictionaries(st.sampled_from(["id", "name", "targets", "target"]), TEXT | CBOR_VALUE) | CBOR_VALUE,
        "key": st.binary(min_size=32, max_size=32) | CBOR_VALUE,
    }
)


@MODULE_NODE
@given(value=DRAFT | CBOR_VALUE)
async def test_drafts_of_nearly_the_right_shape_get_an_answer(target: Target, value: Any) -> None:
    if isinstance(value, dict) and isinstance(value.get("key"), bytes) and len(value["key"]) == 32:
        value["key"] = target.node.town.pen(A).kid  # else none would get past the key
    await target.strike("POST", b"/v1/dry-run", encode(value), content_type=b"application/cbor")


@MODULE_NODE
@given(data=st.data())
async def test_statements_with_a_bit_flipped_are_refused_or_known(target: Target, data: st.DataObject) -> None:
    statement = data.draw(st.sampled_from(target.node.town.said))
    raw = bytearray(statement.raw)
    for _ in range(data.draw(st.integers(0, 2))):
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    media_type = data.draw(st.sampled_from([b"application/cose", b"application/cbor-seq"]))
    await target.strike("POST", b"/v1/statements", bytes(raw), content_type=media_type)
    await target.strike("POST", b"/gossip", bytes(raw), content_type=b"application/cose")
