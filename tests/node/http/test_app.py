"""What every route has in common."""

import gzip
import logging
import socket
import time
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from accredit.node.http.app import table
from accredit.node.http.handling import request_reading as requests_module
from accredit.node.http.handling.route import Call
from accredit.node.http.problems import MEDIA_TYPE
from accredit.node.http.server import ConnectionLimits, Server
from accredit.node.http.tcp import TcpListener
from tests.strategies.served import COLLEGE, B, Served, ask_raw, served
from tests.strategies.stored_log import limit_pages, page_count
from tests.strategies.wire import exchange, status_of


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Served:
    return served(tmp_path_factory.mktemp("node"))


ANY_PATH = {"{id}": "0" * 64, "{kid}": "0" * 64, "{path:path}": "0/000"}


def filled(path: str) -> str:
    for name, value in ANY_PATH.items():
        path = path.replace(name, value)
    return path


PATHS = sorted({filled(route.path) for route in table()})
PRIVATE = {filled(route.path) for route in table() if not route.is_public}


@pytest.mark.parametrize("path", PATHS)
async def test_another_method_is_405_and_names_the_allowed_ones(node: Served, path: str) -> None:
    response = await node.ask("DELETE", path)
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert response.headers["content-type"] == MEDIA_TYPE
    allowed = set(response.headers["allow"].split(", "))
    options = await node.ask("OPTIONS", path)
    assert options.status_code == 204
    assert set(options.headers["allow"].split(", ")) == allowed
    assert allowed == {"OPTIONS"} | {
        method
        for route in table()
        if filled(route.path) == path
        for method in ((route.method, "HEAD") if route.method == "GET" else (route.method,))
    }


@pytest.mark.parametrize("path", [path for path in PATHS if path not in PRIVATE])
async def test_web_pages_of_others_may_read_public_routes_errors_included(node: Served, path: str) -> None:
    preflight = await node.ask(
        "OPTIONS", path, headers={"origin": "https://wallet.example", "access-control-request-method": "POST"}
    )
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "Content-Type" in preflight.headers["access-control-allow-headers"]
    answer = await node.ask("PUT", path)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("path", ["/gossip", "/metrics"])
async def test_web_pages_may_not_read_what_is_not_for_them(node: Served, path: str) -> None:
    for method in ("OPTIONS", "GET"):
        assert "access-control-allow-origin" not in (await node.ask(method, path)).headers


@pytest.mark.parametrize("path", ["/nope", "/v1", "/healthz/", "/V1/issuers", "//v1/issuers", "/v1/statements/a/b"])
async def test_what_is_not_there_is_a_problem_and_no_redirection(node: Served, path: str) -> None:
    status, body = await ask_raw(node.app(), "GET", path.encode(), iter(()))
    assert status == 404
    assert b"urn:accredit:problem:not_found" in body


async def test_head_is_get_without_the_body(node: Served) -> None:
    for path in ("/v1/issuers", "/log/checkpoint", "/v1/genesis", "/nope", "/v1/issuer"):
        got, head = await node.get(path), await node.ask("HEAD", path)
        assert (head.status_code, head.content) == (got.status_code, b"")
        assert head.headers.get("etag") == got.headers.get("etag")
        assert head.headers["content-length"] == got.headers["content-length"]


async def test_an_answer_already_held_is_not_sent_again(node: Served) -> None:
    for path in ("/v1/issuers", "/v1/ecosystem", "/log/checkpoint", "/v1/genesis", "/openapi.json"):
        etag = (await node.get(path)).headers["etag"]
        for held in (etag, f'W/{etag}, "x"', "*"):
            again = await node.get(path, headers={"if-none-match": held})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
            assert again.headers["access-control-allow-origin"] == "*"
        assert (await node.get(path, headers={"if-none-match": '"other"'})).status_code == 200


@pytest.mark.parametrize(
    ("sent", "echoed"),
    [
        (b"123e4567-e89b-12d3-a456-426614174000", "123e4567-e89b-12d3-a456-426614174000"),
        (b"a\r\nset-cookie: x=1", "aset-cookie:x=1"),
        (b"x" * 500, "x" * 64),
        (b"<script>", "script"),
    ],
)
async def test_a_request_id_is_echoed_as_far_as_it_is_harmless(node: Served, sent: bytes, echoed: str) -> None:
    response = await node.get("/healthz", headers={"x-request-id": sent})
    assert response.headers["x-request-id"] == echoed


async def test_a_request_without_a_usable_id_gets_one(node: Served) -> None:
    first = (await node.get("/healthz")).headers["x-request-id"]
    second = (await node.get("/nope", headers={"x-request-id": b"\xff\xff"})).headers["x-request-id"]
    assert first
    assert second
    assert first != second


async def test_a_fault_of_ours_is_told_by_request_id_and_nothing_of_it_leaves(
    node: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(type(node.fold), "items", broken)
    with caplog.at_level(logging.ERROR):
        response = await node.get("/v1/authorities", headers={"x-request-id": "case-7"})
    assert response.status_code == 500
    problem = response.json()
    assert problem["code"] == "internal_error"
    assert "case-7" in problem["hint"]
    assert "secret" not in response.text
    assert "Traceback" not in response.text
    assert any("secret detail" in (record.exc_text or str(record.exc_info)) for record in caplog.records)


async def test_a_full_disk_is_507_whole_and_its_paths_stay_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    node = served(tmp_path)
    size = node.store.size()
    said = [node.town.votes(B, node.town.genesis).raw for _ in range(200)]
    pages = page_count(node.store)
    limit_pages(node.store, pages)
    with caplog.at_level(logging.ERROR):
        response = await node.ask(
            "POST", "/v1/statements", content=b"".join(said), headers={"content-type": "application/cbor-seq"}
        )
    assert (response.status_code, response.json()["code"]) == (507, "disk_full")
    assert str(tmp_path) not in response.text
    assert int(response.headers["retry-after"]) > 0
    assert node.store.size() == size
    limit_pages(node.store, 1000000)
    node.time += 60
    assert {result.status for result in node.take(said)} == {"logged"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "bad_json"),
        (b"{", "bad_json"),
        (b"{} {}", "bad_json"),
        (b"NaN", "bad_json"),
        (b'{"issuer": NaN}', "bad_json"),
        (b'{"issuer": Infinity}', "bad_json"),
        (b"[" * 100_000, "bad_json"),
        (b'"\xff"', "bad_json"),
        (b'"\\ud800"', "bad_json"),
        (b"\xef\xbb\xbf{", "bad_json"),
        (b"1e999", "bad_member"),
        (b"9" * 5_000, "bad_member"),
        (b'{"a": 1, "a": 2}', "duplicate_member"),
        (b'{"a\\"": {"b": 1, "b": 2}}', "duplicate_member"),
        (b'{"a": 1, "\\u0061": 2}', "duplicate_member"),
    ],
)
async def test_json_is_one_value_read_one_way(node: Served, body: bytes, code: str) -> None:
    for path in ("/v1/decisions", "/authorization", "/recognition"):
        response = await node.ask("POST", path, content=body, headers={"content-type": "application/json"})
        assert (response.status_code, response.json()["code"]) == (400, code), response.text


async def test_a_byte_order_mark_before_json_is_passed_over(node: Served) -> None:
    asked = b"\xef\xbb\xbf" + b'{"issuer": "%s"}' % COLLEGE.encode()
    response = await node.ask("POST", "/v1/decisions", content=asked, headers={"content-type": "application/json"})
    assert (response.status_code, response.json()["entity"]) == (200, COLLEGE)


async def test_a_body_may_be_gzip_and_no_small_one_becomes_a_large_one(node: Served) -> None:
    headers = {"content-type": "application/json", "content-encoding": "gzip"}

    async def ask(body: bytes, **more: str) -> tuple[int, str]:
        response = await node.ask("POST", "/v1/decisions", content=body, headers=headers | more)
        return response.status_code, response.json().get("code", "")

    asked = gzip.compress(b'{"issuer": "%s"}' % COLLEGE.encode())
    assert await ask(asked) == (200, "")
    assert await ask(gzip.compress(b" " * 2**20 + b"{}")) == (413, "too_large")
    bomb = zlib.compressobj(9, wbits=31)
    small = b"".join([*(bomb.compress(bytes(2**20)) for _ in range(64)), bomb.flush()])
    assert len(small) < 2**17
    assert await ask(small) == (413, "too_large")
    for broken in (asked[:-1], asked + b"x", asked + asked, b"", b"{}", asked[:4] + b"\xff" * 40):
        assert await ask(broken) == (400, "bad_gzip")
    assert await ask(asked, **{"content-encoding": "br"}) == (415, "coding_not_taken")
    assert await ask(b'{"issuer": "%s"}' % COLLEGE.encode(), **{"content-encoding": "Identity"}) == (200, "")


async def test_json_of_another_type_is_415(node: Served) -> None:
    for media_type in ("text/plain", "application/x-www-form-urlencoded", "", "application/jsonx"):
        response = await node.ask("POST", "/v1/decisions", content=b"{}", headers={"content-type": media_type})
        assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")
    asked = b'{"issuer": "%s"}' % COLLEGE.encode()
    headers = {"content-type": "Application/JSON; charset=utf-8"}
    assert (await node.ask("POST", "/v1/decisions", content=asked, headers=headers)).status_code == 200


async def test_after_a_415_the_line_is_closed_and_the_answer_says_so(node: Served) -> None:
    """A body that was not read is no next request: who sends one behind it hears nothing false."""
    body = b'{"entity_id": "x"}'
    fields = b"Host: x\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(body)
    head = b"POST /authorization HTTP/1.1\r\n" + fields
    listening = socket.create_server(("127.0.0.1", 0))
    stop = trio.Event()
    async with trio.open_nursery() as nursery:
        server = Server(node.app(), bounds=ConnectionLimits(), now=time.time)
        nursery.start_soon(partial(server.run, TcpListener(listening), shutdown=stop.wait))
        said = await trio.to_thread.run_sync(exchange, listening.getsockname()[1], (head + body) * 2)
        stop.set()
    assert status_of(said) == 415
    assert said.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in said


async def test_a_length_announced_too_large_is_refused_before_reading(node: Served) -> None:
    def unread() -> Iterator[bytes]:
        raise AssertionError("it has been read")
        yield b""

    headers = {"content_type": b"application/json", "content_length": b"99999999999999999999999999"}
    status, _ = await ask_raw(node.app(), "POST", b"/v1/decisions", unread(), **headers)
    assert status == 413


async def test_a_body_that_never_arrives_is_given_up(
    node: Served, autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    import trio

    assert autojump_clock is not None
    monkeypatch.setattr(requests_module, "BODY_SECONDS", 3.0)
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        await trio.sleep(1)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def gone() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "method": "POST",
        "path": "/v1/decisions",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
        "root_path": "",
    }
    for source in (receive, gone):
        await node.app()({**scope}, source, send)
    assert [message["status"] for message in sent if "status" in message] == [408, 408]


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json", 200),
        ("application/cose;q=0.1, application/json;q=0.9", 200),
        ("*/*;q=0, text/plain", 406),
        ("application/cose;q=abc", 406),
        ("application/*", 200),
        ("", 200),
    ],
)
async def test_an_answer_comes_in_a_form_the_asker_takes(node: Served, accept: str, status: int) -> None:
    path = f"/v1/statements/{node.town.eco.hex()}"
    response = await node.get(path, headers={"accept": accept})
    assert response.status_code == status
    if status == 200 and "json" in accept:
        assert response.headers["content-type"] == "application/json"


def test_every_route_says_what_it_is_in_one_line() -> None:
    assert Call.__doc__
    for route in table():
        assert 3 < len(route.about) < 100
        assert route.handler.__doc__ or route.path == "/openapi.json"
        assert route.gives or route.others
