"""Requests made from the OpenAPI document, and bent: whatever is asked, the answer is one that the document promises.

For each operation its good requests (`test_openapi.queries`) and what the document says of its parameters are taken,
and one or two things changed: a parameter left out, doubled, unknown or odd; a path that is not one; another `Accept`
or media type; a body changed in structure. Then the status is a documented one and never 500, and what comes is of the
form and shape that stands in the document, with no member more.
"""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, Final
from urllib.parse import quote, urlencode

import pytest

from accredit.node.http.handling.route import Route
from accredit.node.http.openapi import openapi_path, operation_id
from accredit.node.http.problems import MEDIA_TYPE
from tests.node.http.test_openapi import TABLE, check, operation, queries
from tests.strategies.mutants import block_mutants, cbor_bytes, cbor_tree, json_mutants, mutants
from tests.strategies.served import COLLEGE, COMPETENCY, FRAMEWORK, A, Served, served

USUAL: Final = 15
"""Requests of each operation in a usual run."""
WIDE: Final = 600

WORDS: Final = (
    "", "0", "-1", "1e9", "9" * 40, "é" * 30, "\x00", "%", "%zz", "../..", "x" * 3_000, "0" * 64, "f" * 64, "null",
    "2026-01-01", "9999-12-31T23:59:59Z", "true", "did:web:", "did:web:" + "a:" * 300, "https://[", "\u202e", "*",
    COLLEGE, COMPETENCY, FRAMEWORK, A,
)  # fmt: skip
MEDIA: Final = (
    "application/json",
    "application/cose",
    "application/cbor",
    "application/cbor-seq",
    "text/html",
    "x",
    "",
)


def bent_query(route: Route, query: str, random: Random) -> list[tuple[str, str]]:
    pairs = [(name, value) for name, _, value in (one.partition("=") for one in query.lstrip("?").split("&")) if name]
    names = [param.name for param in route.params if f"{{{param.name}" not in route.path]
    for _ in range(random.choice([0, 1, 1, 2])):
        match random.randrange(5):
            case 0 if pairs:
                del pairs[random.randrange(len(pairs))]
            case 1 if pairs:
                pairs.append(random.choice(pairs))
            case 2:
                pairs.append(("unheard-of", random.choice(WORDS)))
            case _ if names:
                pairs = [*pairs, (random.choice(names), random.choice(WORDS))]
            case _:
                pass
    return pairs


def bent_path(route: Route, places: dict[str, str], random: Random) -> str:
    path = openapi_path(route)
    for place, value in places.items():
        odd = quote(random.choice(WORDS), safe="/" if random.random() < 0.3 else "") or "x"
        path = path.replace(f"{{{place}}}", odd if random.random() < 0.4 else value)
    return path


def bent_body(request: dict[str, Any], random: Random) -> dict[str, Any]:
    """The request with another body, where it has one: in the form it had, or cut up."""
    headers = dict(request.get("headers", {}))
    if "json" in request:
        body = next(json_mutants(request["json"], random, 1))
        headers["content-type"] = "application/json"
    elif "content" in request:
        body = request["content"]
        try:
            bent = cbor_bytes(next(mutants(cbor_tree(body), random, 1)))
        except (ValueError, EOFError):
            bent = next(block_mutants(body, random, 1))
        body = random.choice([body, bent, next(block_mutants(body, random, 1)), b""])
    else:
        return request if random.random() < 0.9 else {**request, "content": b"unasked for"}
    if random.random() < 0.1:
        headers["content-type"] = random.choice(MEDIA)
    return {"content": body, "headers": headers}


def requests(route: Route, node: Served, random: Random, count: int) -> Iterator[tuple[str, dict[str, Any]]]:
    good = queries(node).get(operation_id(route), [("", {"content": b"\xa0"})])
    places = {
        "id": node.town.eco.hex(),
        "kid": node.town.pen(A).kid.hex(),
        "path": "0/000.p/3",
        "hash": "0" * 64,
        "hex": "a",
        "conflict": "0" * 64,
    }
    for _ in range(count):
        query, request = random.choice(good)
        pairs = bent_query(route, query, random)
        made = bent_body(request, random) if random.random() < 0.7 else request
        if random.random() < 0.2:
            made = {**made, "headers": {**made.get("headers", {}), "accept": random.choice(MEDIA)}}
        path = bent_path(route, places, random)
        yield (f"{path}?{urlencode(pairs)}" if pairs else path), made


async def search(route: Route, node: Served, count: int, seed: int) -> Counter[int]:
    random, app, met = Random(seed), node.app(stream_seconds=0.0), Counter[int]()
    documented = operation(route)["responses"]
    for path, request in requests(route, node, random, count):
        response = await node.ask(route.method, path, app, **request)
        status, told = response.status_code, f"seed {seed}: {route.method} {path} {request}: {response.text[:300]}"
        met[status] += 1
        assert status != 500, told
        is_elsewhere = not response.url.path.startswith(route.path.partition("{")[0])  # `..` leads to another route
        if is_elsewhere or (status == 404 and "{" in route.path):
            continue  # an odd path is another route's, or nobody's
        assert str(status) in documented, told
        media_type = response.headers.get("content-type", "").partition(";")[0]
        content = documented[str(status)].get("content", {})
        assert media_type in content, told
        if media_type in ("application/json", MEDIA_TYPE):
            value = json.loads(response.content)
            check(content[media_type]["schema"], value)
            assert media_type != MEDIA_TYPE or value["detail"], told
    return met


@pytest.mark.parametrize("route", TABLE, ids=operation_id)
async def test_bent_requests_are_answered_as_the_document_says(route: Route, tmp_path: Path) -> None:
    assert sum((await search(route, served(tmp_path), USUAL, 20_261_127)).values()) == USUAL


@pytest.mark.nightly
@pytest.mark.parametrize("route", TABLE, ids=operation_id)
async def test_many_bent_requests_are_answered_as_the_document_says(route: Route, tmp_path: Path) -> None:
    await search(route, served(tmp_path), WIDE, Random().randrange(2**32))


async def test_the_search_meets_answers_and_refusals(tmp_path: Path) -> None:
    met: Counter[int] = Counter()
    node = served(tmp_path)
    for route in TABLE[:6]:
        met += await search(route, node, USUAL, 1)
    assert met[200] > 10
    assert met[400] > 10
