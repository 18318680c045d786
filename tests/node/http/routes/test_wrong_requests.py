"""Wrong requests as a reader of `docs/http.md` makes them: what each is told, and that what it is told to do works."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from accredit.gossip.protocol.wire import Push, encode_frame
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.errors import AccreditError
from accredit.registry.statement import Draft, encode_signed
from tests.strategies import bodies
from tests.strategies.served import COLLEGE, A, Served

TRQP = {"entity_id": COLLEGE, "authority_id": "https://consortium.example/", "action": "issue", "resource": "Degree"}
ASKED = {"issuer": COLLEGE, "achievement_type": "Degree"}

# method, path, JSON body -> status, code, words of detail and hint; then what the hint says instead, answered with 200.
SLIPS: list[tuple[str, str, Any, int, str, list[str], tuple[str, str, Any] | None]] = [
    ("GET", "/v1/v1/decisions", None, 404, "not_found", ["without /v1"], None),
    ("GET", "/v1/isuers", None, 404, "not_found", [], None),
    ("GET", "/v1/decisions", None, 405, "method_not_allowed", ["POST"], ("POST", "/v1/decisions", ASKED)),
    ("GET", "/v1/issuers?catgory=bootcamp", None, 400, "unknown_query_parameter", ["Did you mean category?"],
     ("GET", "/v1/issuers?category=bootcamp", None)),
    ("GET", "/v1/issuers?category=bootcmp", None, 400, "bad_query_parameter", ["Did you mean bootcamp?"],
     ("GET", "/v1/issuers?category=bootcamp", None)),
    ("GET", "/v1/issuers?jurisdiction=UK", None, 400, "unknown_place", ["Did you mean GB?"],
     ("GET", "/v1/issuers?jurisdiction=GB", None)),
    ("GET", "/v1/issuers?limit=0", None, 400, "bad_query_parameter", ["from 1 to 200"],
     ("GET", "/v1/issuers?limit=1", None)),
    ("GET", "/v1/issuer", None, 400, "missing_query_parameter", ["id"], ("GET", f"/v1/issuer?id={COLLEGE}", None)),
    ("GET", "/v1/issuer?id=college", None, 400, "identifier_scheme", ["did:web:"],
     ("GET", f"/v1/issuer?id={COLLEGE}", None)),
    ("GET", "/v1/issuer?id=did:web:nobody.example", None, 404, "not_found", ["/v1/issuers?name="],
     ("GET", "/v1/issuers?name=nobody", None)),
    ("GET", f"/v1/issuer?id=https://{COLLEGE.removeprefix('did:web:')}/", None, 404, "not_found",
     [f"Did you mean {COLLEGE}?"], ("GET", f"/v1/issuer?id={COLLEGE}", None)),
    ("GET", "/v1/accreditation?id=5f2b", None, 400, "bad_id", ["64 digits"], None),
    ("GET", f"/v1/statements/{'5f' * 32}", None, 404, "not_found", [], None),
    ("GET", "/v1/proposals?authority=did:web:nobody.example", None, 404, "unknown_authority", ["/v1/authorities"],
     ("GET", "/v1/authorities", None)),
    ("GET", "/v1/changes?after=99999", None, 400, "after_beyond_end", ["since=TIME"],
     ("GET", "/v1/changes?since=2020-01-01", None)),
    ("GET", "/v1/changes?since=yesterday", None, 400, "bad_time", ["2015-05-20"],
     ("GET", "/v1/changes?since=2015-05-20", None)),
    ("POST", "/v1/decisions", {}, 400, "missing_member", ["issuer"], ("POST", "/v1/decisions", ASKED)),
    ("POST", "/v1/decisions", {**ASKED, "issued": "2020-01-01"}, 400, "bad_member", ["issued"], None),
    ("POST", "/v1/decisions", {**ASKED, "issued_on": "1.5.2020"}, 400, "bad_time", ["issued_on", "2015-05-20"],
     ("POST", "/v1/decisions", {**ASKED, "issued_on": "2015-05-20"})),
    ("POST", "/v1/decisions", {**ASKED, "achievement_type": "Degre"}, 400, "unknown_achievement_type",
     ["Did you mean Degree?"], ("POST", "/v1/decisions", ASKED)),
    ("POST", "/v1/decisions", {**ASKED, "jurisdiction": "Germany"}, 400, "unknown_place", ["Did you mean DE?"],
     ("POST", "/v1/decisions", {**ASKED, "jurisdiction": "DE"})),
    ("POST", "/v1/decisions", {**ASKED, "level": "eqf:6"}, 400, "unknown_level", ["Did you mean EQF?"],
     ("POST", "/v1/decisions", {**ASKED, "level": "EQF:6"})),
    ("POST", "/v1/decisions", {**ASKED, "field_of_study": "soc:12-0000"}, 400, "unknown_field", ["11 to 55"],
     ("POST", "/v1/decisions", {**ASKED, "field_of_study": "soc:15-0000"})),
    ("POST", "/v1/decisions", {**ASKED, "action": "isue"}, 400, "unknown_action", ["Did you mean issue?"],
     ("POST", "/v1/decisions", {**ASKED, "action": "issue"})),
    ("POST", "/v1/decisions", {**ASKED, "authority": "did:web:nobody.example"}, 404, "unknown_authority", [], None),
    ("POST", "/authorization", {**TRQP, "entity_id": ""}, 400, "bad_member", ["entity_id"],
     ("POST", "/authorization", TRQP)),
    ("POST", "/authorization", {**TRQP, "resource": "Degre"}, 400, "unknown_word", ["Did you mean Degree?"],
     ("POST", "/authorization", TRQP)),
    ("POST", "/authorization", {**TRQP, "action": "isue"}, 400, "unknown_action", ["Did you mean issue?"],
     ("POST", "/authorization", TRQP)),
    ("POST", "/authorization", {**TRQP, "context": {"time": "2020-01-01T00:00:00+02:00"}}, 400, "bad_time",
     ["2019-12-31T22:00:00Z"], ("POST", "/authorization", {**TRQP, "context": {"time": "2019-12-31T22:00:00Z"}})),
    ("POST", "/authorization", {**TRQP, "authority_id": "https://nobody.example/"}, 404, "unknown_authority", [], None),
    ("GET", "/log/tile/0/999", None, 404, "not_found", [], None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code", "says", "then"), SLIPS, ids=lambda one: str(one)[:40]
)
async def test_a_wrong_request_is_told_what_is_wrong_and_what_it_is_told_works(
    node: Served,
    method: str,
    path: str,
    body: Any,
    status: int,
    code: str,
    says: list[str],
    then: tuple[str, str, Any] | None,
) -> None:
    response = await node.ask(method, path, **({} if body is None else {"json": body}))
    problem = response.json()
    assert (response.status_code, problem["code"]) == (status, code), problem
    assert response.headers["content-type"].startswith("application/problem+json")
    told = f"{problem['detail']} {problem.get('hint', '')}"
    for words in says:
        assert words in told
    if then is not None:
        method, path, body = then
        answered = await node.ask(method, path, **({} if body is None else {"json": body}))
        assert answered.status_code == 200, answered.text


def forged(node: Served, number: int, *, eco: bytes = b"") -> bytes:
    """A statement by a key that nobody introduced; in another ecosystem, if one is given."""
    draft = Draft(
        iss=A,
        sub=f"did:web:forged{number}.example",
        iat=node.town.time,
        eco=eco or node.town.eco,
        kind="issuer.register",
        seq=1,
        prev=None,
        body=bodies.register(f"did:web:forged{number}.example"),
    )
    return encode_signed(draft, KeyPair(number.to_bytes(32)))


@contextmanager
def left_to_the_collector() -> Iterator[list[AccreditError]]:
    """Errors that only the garbage collector could free; filled at the end of the block."""
    found: list[AccreditError] = []
    flags = gc.get_debug()
    gc.collect()
    gc.disable()
    try:
        yield found
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        found += [each for each in gc.garbage if isinstance(each, AccreditError)]
    finally:
        gc.set_debug(flags)
        gc.garbage.clear()
        gc.enable()


async def test_a_refused_request_is_freed_with_its_answer_and_does_not_wait_for_the_garbage_collector(
    node: Served,
) -> None:
    app = node.app(submissions_per_minute=6)
    several = b"".join(forged(node, number) for number in range(3))
    frame = encode_frame(
        Push(statements=(several,), urgent=False),
        signer=KeyPair(bytes(32)),
        recipient=bytes(32),
        time=int(node.time * 1_000),
        nonce=bytes(16),
    )
    bodies_of = [
        ("/v1/statements", "application/cbor-seq", several, 200),
        ("/v1/statements", "application/cbor-seq", several * 20, 429),  # more than its share, which it has used up
        ("/v1/statements", "application/cose", forged(node, 4, eco=bytes(32)), 422),
        ("/v1/statements", "application/cbor-seq", b"no statement", 400),
        ("/v1/dry-run", "application/cbor", b"no draft", 400),
        ("/gossip", "application/cose", b"no frame", 400),
        ("/gossip", "application/cose", frame, 421),
        ("/v1/cosignatures", "application/cbor", b"no note", 400),
        ("/v1/conflicts", "application/cbor", b"no conflict", 400),
        ("/witness/add-checkpoint", "text/plain", b"old 0\n\nno checkpoint\n", 400),
        ("/v1/decisions", "application/json", b'[{"issuer": "college"}, {"issuer": 1}, {}]', 200),
        ("/v1/decisions", "application/json", b"{", 400),
    ]
    with left_to_the_collector() as left:
        for method, path, asked, status, *_ in SLIPS:
            answer = await node.ask(method, path, app, **({} if asked is None else {"json": asked}))
            assert answer.status_code == status
        for path, kind, body, status in bodies_of:
            answer = await node.ask("POST", path, app, content=body, headers={"content-type": kind})
            assert (path, answer.status_code) == (path, status)
    assert left == []
