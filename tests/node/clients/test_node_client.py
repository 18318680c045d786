"""The client keeps a node's words, and takes no node's word for how large or well-formed an answer is."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from accredit.node.clients import node_client as module
from accredit.node.clients.node_client import NodeClient
from accredit.registry.errors import AccreditError, DecodeError, InputError, NotYetError, RefusedError, RemoteError


def answering(handler: Callable[[httpx.Request], httpx.Response]) -> NodeClient:
    return NodeClient("http://node.test/", transport=httpx.MockTransport(handler))


def problem(status: int, **members: Any) -> Callable[[httpx.Request], httpx.Response]:
    body = {"type": "urn:accredit:problem:x", "title": "T", "status": status, "code": "some_code", "detail": "What."}
    return lambda _: httpx.Response(status, content=json.dumps(body | members))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, DecodeError),
        (404, InputError),
        (409, NotYetError),
        (413, InputError),
        (422, RefusedError),
        (429, InputError),
        (500, RemoteError),
        (503, RemoteError),
    ],
)
def test_a_problem_becomes_the_error_of_its_class_with_the_nodes_own_words(
    status: int, kind: type[AccreditError]
) -> None:
    with answering(problem(status, hint="Do this.")) as node, pytest.raises(AccreditError) as raised:
        node.status()
    assert type(raised.value) is kind
    assert (raised.value.code, raised.value.hint) == ("some_code", "Do this.")
    assert "What." in raised.value.message


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"code": 5, "detail": "x"}', b"[" * 100_000, b'"\xff"'])
def test_an_error_that_is_no_problem_is_the_other_machines_fault(body: bytes) -> None:
    with answering(lambda _: httpx.Response(404, content=body)) as node, pytest.raises(RemoteError) as raised:
        node.status()
    assert raised.value.code == "bad_answer"
    assert "404" in raised.value.message


def test_a_hint_that_is_no_text_is_left_out() -> None:
    with answering(problem(400, hint=7)) as node, pytest.raises(DecodeError) as raised:
        node.status()
    assert raised.value.hint == ""


@pytest.mark.parametrize("body", [b"", b"hello", b"[]", b"[" * 100_000])
def test_an_answer_that_is_no_object_is_refused(body: bytes) -> None:
    with answering(lambda _: httpx.Response(200, content=body)) as node, pytest.raises(RemoteError):
        node.status()


def test_an_endless_answer_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER_BYTES", 100_000)

    class Endless(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            for _ in range(1_000):
                yield bytes(1_000)
            raise AssertionError("it read on")

    with answering(lambda _: httpx.Response(200, stream=Endless())) as node, pytest.raises(RemoteError) as raised:
        node.status()
    assert "100000" in raised.value.message


def test_a_redirection_is_not_followed() -> None:
    asked = []

    def elsewhere(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return httpx.Response(302, headers={"location": "http://elsewhere.test/"})

    with answering(elsewhere) as node, pytest.raises(RemoteError):
        node.status()
    assert len(asked) == 1


def test_an_unreachable_node_is_said_with_what_to_do() -> None:
    def dead(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with answering(dead) as node, pytest.raises(RemoteError) as raised:
        node.status()
    assert raised.value.code == "unreachable"
    assert "http://node.test" in raised.value.message
    assert raised.value.hint


@pytest.mark.parametrize(
    "url", ["http://[half", "node.test", "ftp://node.test", "https://", "", "http://a:port", "http://a b"]
)
def test_what_is_no_url_is_said_at_once(url: str) -> None:
    with pytest.raises(InputError) as raised:
        NodeClient(url)
    assert raised.value.code == "bad_url"


def test_an_id_is_encoded_once_and_pages_are_followed_to_the_end() -> None:
    asked = []

    def pages(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        if request.url.path == "/v1/issuer":
            return httpx.Response(200, json={"id": "x"})
        after = request.url.params.get("after")
        following = {None: "did:web:a%3A1", "did:web:a%3A1": None}[after]
        return httpx.Response(200, json={"issuers": [{"id": f"behind {after}"}], "next": following})

    with answering(pages) as node:
        node.issuer("did:web:localhost%3A8080")
        assert [one["id"] for one in node.every_issuer(name="a b")] == ["behind None", "behind did:web:a%3A1"]
    assert "localhost%253A8080" in asked[0]
