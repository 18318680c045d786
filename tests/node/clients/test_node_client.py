"""The client keeps a node's words, and takes no node's word for how large or well-formed an answer is."""

import http.client
import json
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from accredit.node.clients import node_client as module
from accredit.node.clients.node_client import NodeClient
from accredit.registry.encoding.cbor import encode
from accredit.registry.errors import (
    AccreditError,
    DecodeError,
    InputError,
    NotYetError,
    RefusedError,
    RemoteError,
    UnansweredError,
)
from tests.strategies.answering_server import AnsweringServer, Asked, Reply
from tests.strategies.bodies import register
from tests.strategies.consortium import Consortium


@contextmanager
def answering(reply: Callable[[Asked], Reply | None]) -> Iterator[NodeClient]:
    with AnsweringServer(reply) as server, NodeClient(server.url) as client:
        yield client


def problem(status: int, **members: Any) -> Callable[[Asked], Reply]:
    body = {"type": "urn:accredit:problem:x", "title": "T", "status": status, "code": "some_code", "detail": "What."}
    return lambda _: Reply(status, json.dumps(body | members).encode())


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, DecodeError),
        (404, InputError),
        (409, NotYetError),
        (413, InputError),
        (422, RefusedError),
        (429, RemoteError),
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
    with answering(lambda _: Reply(404, body)) as node, pytest.raises(RemoteError) as raised:
        node.status()
    assert raised.value.code == "bad_answer"
    assert "404" in raised.value.message


def test_a_hint_that_is_no_text_is_left_out() -> None:
    with answering(problem(400, hint=7)) as node, pytest.raises(DecodeError) as raised:
        node.status()
    assert raised.value.hint == ""


@pytest.mark.parametrize("body", [b"", b"hello", b"[]", b"[" * 100_000])
def test_an_answer_that_is_no_object_is_refused(body: bytes) -> None:
    with answering(lambda _: Reply(200, body)) as node, pytest.raises(RemoteError):
        node.status()


def test_an_endless_answer_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER_BYTES", 100_000)

    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while True:
            sent += 1_000
            yield bytes(1_000)

    reply = Reply(200, endless(), announced=None)
    with answering(lambda _: reply) as node, pytest.raises(RemoteError) as raised:
        node.status()
    assert "100000" in raised.value.message
    assert sent < 50_000_000, "it read on"


def test_an_answer_that_ends_before_its_announced_length_is_none() -> None:
    with answering(lambda _: Reply(200, b'{"a": 1}', announced=100)) as node, pytest.raises(RemoteError) as raised:
        node.status()
    assert raised.value.code == "unreachable"


def test_a_redirection_is_not_followed() -> None:
    with AnsweringServer(lambda _: Reply(302, headers={"location": "/elsewhere"})) as server:
        with NodeClient(server.url) as node, pytest.raises(RemoteError):
            node.status()
        assert len(server.asked) == 1


def test_a_connection_is_kept_and_one_that_the_server_ended_meanwhile_is_made_anew() -> None:
    """As a node does with a connection that waited while a person typed a passphrase."""
    replies = [Reply(200, b"{}"), Reply(200, b"{}"), None, Reply(200, b"{}"), Reply(200, b"{}", then_close=True)]
    with AnsweringServer(lambda _: replies.pop(0)) as server, NodeClient(server.url) as node:
        for _ in range(3):
            node.submit([b"x"])
        assert (len(server.asked), server.connections) == (4, 2)
        node.status()
        replies.append(Reply(200, b"{}"))
        node.status()
        assert server.connections == 3


def test_a_new_connection_that_ends_without_an_answer_is_not_tried_again() -> None:
    with AnsweringServer(lambda _: None) as server:
        with NodeClient(server.url) as node, pytest.raises(RemoteError) as raised:
            node.status()
        assert raised.value.code == "unreachable"
        assert len(server.asked) == 1


def test_what_is_left_of_an_answer_cut_short_is_not_taken_for_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER_BYTES", 100)
    replies = [Reply(200, bytes(200_000)), Reply(200, b'{"next": true}')]
    with answering(lambda _: replies.pop(0)) as node:
        with pytest.raises(RemoteError):
            node.status()
        assert node.status() == {"next": True}


def test_an_unreachable_node_is_said_with_what_to_do() -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))  # bound and not listening: nobody answers there
        url = f"http://127.0.0.1:{one.getsockname()[1]}"
        with NodeClient(url) as node, pytest.raises(RemoteError) as raised:
            node.status()
    assert raised.value.code == "unreachable"
    assert url in raised.value.message
    assert raised.value.hint


def test_a_silent_node_is_given_up_and_may_have_done_what_was_asked() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with NodeClient(url, timeout=0.05) as node, pytest.raises(UnansweredError) as raised:
            node.status()
    assert raised.value.code == "unanswered"
    assert "may be busy" in raised.value.hint


def test_a_proxys_impatience_is_no_other_than_ones_own() -> None:
    with answering(lambda _: Reply(504, b"<html>Gateway Time-out</html>")) as node, pytest.raises(UnansweredError):
        node.submit([b"x"])


def test_a_machine_that_does_not_take_the_connection_was_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(_connection: http.client.HTTPConnection) -> None:
        raise TimeoutError("timed out")

    monkeypatch.setattr(http.client.HTTPConnection, "connect", connect)
    with NodeClient("http://127.0.0.1:9") as node, pytest.raises(RemoteError) as raised:
        node.status()
    assert (type(raised.value), raised.value.code) == (RemoteError, "unreachable")


def test_https_trusts_only_certificates_of_the_store_and_of_that_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the openssl command to make a certificate")

    def served(name: str) -> tuple[Path, ssl.SSLContext]:
        certificate, key = tmp_path / f"{name}.pem", tmp_path / f"{name}.key"
        request = [openssl, "req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "1", "-subj", "/CN=node"]
        files = ["-addext", f"subjectAltName=IP:{name}", "-keyout", str(key), "-out", str(certificate)]
        subprocess.run([*request, *files], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return certificate, context

    right, wrong = served("127.0.0.1"), served("127.0.0.2")
    with AnsweringServer(lambda _: Reply(200, b"{}"), tls=right[1]) as server, NodeClient(server.url) as node:
        with pytest.raises(RemoteError, match="self-signed certificate"):
            node.status()
        monkeypatch.setattr("certifi.where", lambda: str(right[0]))
        assert node.status() == {}
        assert len(server.asked) == 1
    with AnsweringServer(lambda _: Reply(200, b"{}"), tls=wrong[1]) as server, NodeClient(server.url) as node:
        monkeypatch.setattr("certifi.where", lambda: str(wrong[0]))
        with pytest.raises(RemoteError, match="IP address mismatch"):
            node.status()
        assert server.asked == []


def test_a_path_before_a_proxys_own_prefix_comes_before_every_route() -> None:
    with AnsweringServer(lambda _: Reply(200, b"{}")) as server, NodeClient(f"{server.url}/registry/") as node:
        node.status()
        assert [one.target for one in server.asked] == ["/registry/v1/status"]


@pytest.mark.parametrize(
    "url", ["http://[half", "node.test", "ftp://node.test", "https://", "", "http://a:port", "http://a b"]
)
def test_what_is_no_url_is_said_at_once(url: str) -> None:
    with pytest.raises(InputError) as raised:
        NodeClient(url)
    assert raised.value.code == "bad_url"


def test_an_id_is_encoded_once_and_pages_are_followed_to_the_end() -> None:
    def pages(asked: Asked) -> Reply:
        if urlsplit(asked.target).path == "/v1/issuer":
            return Reply(200, b'{"id": "x"}')
        after = parse_qs(urlsplit(asked.target).query).get("after", [None])[0]
        following = {None: "did:web:a%3A1", "did:web:a%3A1": None}[after]
        return Reply(200, json.dumps({"issuers": [{"id": f"behind {after}"}], "next": following}).encode())

    with AnsweringServer(pages) as server, NodeClient(server.url) as node:
        node.issuer("did:web:localhost%3A8080")
        assert [one["id"] for one in node.every_issuer(name="a b")] == ["behind None", "behind did:web:a%3A1"]
        assert "localhost%253A8080" in server.asked[0].target


def test_statements_as_signed_are_asked_for_until_the_node_sends_no_more_of_them() -> None:
    town = Consortium.of(("https://a.example/", "nonprofit"))
    names = [f"did:web:i{number}.example" for number in range(4)]
    said = [town.genesis, *(town.says("https://a.example/", "issuer.register", register(name)) for name in names)]
    asked: list[list[str]] = []

    def reply(request: Asked) -> Reply:
        ids = json.loads(request.body)["ids"]
        asked.append(ids)
        held = [each.raw for each in said[:4] if each.id.hex() in ids]
        return Reply(200, encode([*held[:2], said[4].raw]))  # two at a time; and one that nobody asked for

    with answering(reply) as node:
        found = node.signed([each.id for each in said[:3]] + [bytes(32)])
    assert {id: each.raw for id, each in found.items()} == {each.id: each.raw for each in said[:3]}
    assert [len(ids) for ids in asked] == [4, 2, 1]


@pytest.mark.parametrize("body", [b"", b"\xa0", encode([5]), encode([b"no statement"]), b"\x82\x41\x00", b"[]"])
def test_what_is_sent_in_place_of_statements_is_the_other_machines_fault(body: bytes) -> None:
    with answering(lambda _: Reply(200, body)) as node, pytest.raises(RemoteError) as raised:
        node.signed([bytes(32)])
    assert raised.value.code == "bad_answer"
