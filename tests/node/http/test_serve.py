"""A node on the wire: our server, loopback, the client that the command line uses."""

import json
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
import trio

from accredit.gossip.protocol.wire import Push, Request, decode_frame, encode_frame, verify_frame
from accredit.node.app import Node
from accredit.node.clients.node_client import NodeClient
from accredit.node.http.routes.changes import STREAMS_OF_ADDRESS
from accredit.node.http.serve import NodeReader, bind, serve
from accredit.node.settings import NodeConfig
from accredit.registry.encoding.ed25519 import KeyPair, key_id, public_of
from accredit.registry.errors import InputError, RefusedError, RemoteError
from tests.strategies import bodies, loopback
from tests.strategies.consortium import Consortium
from tests.strategies.network import A, founded, node_seed
from tests.strategies.real_node import running, until
from tests.strategies.wire import connect, exchange, request, status_of

T = TypeVar("T")


@dataclass
class Listening:
    """A node that runs, and where."""

    url: str
    node: Node
    town: Consortium
    shutdown: trio.Event

    async def ask(self, question: Callable[[NodeClient], T]) -> T:
        """Asks with the synchronous client, from a thread."""

        def work() -> T:
            with NodeClient(self.url) as client:
                return question(client)

        return await trio.to_thread.run_sync(work)


@asynccontextmanager
async def listening(folder: Path, **settings: Any) -> AsyncIterator[Listening]:
    """A founded node behind its HTTP server, on a free port; node2 is its peer in name only."""
    town = founded("node1", "node2")
    config = NodeConfig(name="node1", host="127.0.0.1", port=0, **settings)
    sock = bind(config)
    async with running(folder, town, "node1", **settings) as node:
        await node.runtime.submit([each.raw for each in town.said])
        shutdown = trio.Event()
        async with trio.open_nursery() as nursery:
            url = await nursery.start(partial(serve, node.application(), config, sock=sock, shutdown=shutdown.wait))
            yield Listening(url=url, node=node, town=town, shutdown=shutdown)
            shutdown.set()


async def test_a_statement_goes_in_and_a_decision_comes_out(tmp_path: Path) -> None:
    async with listening(tmp_path) as web:
        register = web.town.says(A, "issuer.register", bodies.register(name="College of Examples"))
        grant = web.town.says(A, "accreditation.grant", bodies.grant())
        answer = await web.ask(lambda node: node.submit([register.raw, grant.raw]))
        assert [row["status"] for row in answer["statements"]] == ["logged", "logged"]
        asked = {"issuer": bodies.ISSUER, "achievement_type": "BachelorDegree"}
        decision = await web.ask(lambda node: node.decide(asked))
        assert (decision["authorized"], decision["issuer_name"]) == (True, "College of Examples")
        later = web.town.says(A, "accreditation.grant", bodies.grant(valid_from=1))
        bad = later.raw[:-1] + bytes([later.raw[-1] ^ 1])
        with pytest.raises(RefusedError) as refused:
            await web.ask(lambda node: node.submit([bad]))
        assert refused.value.code == "bad_signature"
        assert refused.value.hint
        await until(lambda: web.node.store.changes_size() == web.node.store.size())


async def test_every_question_of_the_client_has_an_answer(tmp_path: Path) -> None:
    async with listening(tmp_path) as web:
        register = web.town.says(A, "issuer.register", bodies.register())
        grant = web.town.says(A, "accreditation.grant", bodies.grant())
        genesis, kid = web.town.genesis, web.town.pen(A).kid

        def tour(node: NodeClient) -> None:
            node.submit([register.raw])
            node.submit([grant.raw])
            assert node.genesis() == genesis.raw
            assert node.ecosystem()["ecosystem"] == genesis.id.hex()
            assert node.authorities()["authorities"]
            assert node.key(kid)["next_seq"] == web.town.pen(A).seq
            assert node.heads()["heads"]
            assert node.status()["name"] == "node1"
            assert node.statement(grant.id)["sub"] == bodies.ISSUER
            assert node.statement_bytes(grant.id.hex()) == grant.raw
            draft = {"iss": A, "sub": "did:web:n.example", "kind": "issuer.register", "key": kid}
            assert node.dry_run({**draft, "body": bodies.register("did:web:n.example")})["state"] == "effective"
            assert node.proposals(authority=A, key=kid)["proposals"] == []
            assert node.issuers(name="issuer", limit=1)["issuers"][0]["id"] == bodies.ISSUER
            assert [one["id"] for one in node.every_issuer(limit=1)] == [bodies.ISSUER]
            assert node.issuer(bodies.ISSUER)["accreditations"][0]["id"] == grant.id.hex()
            assert node.accreditation(grant.id)["issuer"] == bodies.ISSUER
            assert node.frameworks() == {"frameworks": [], "next": None}
            assert node.competency_issuers("https://unknown.example/x")["issuers"] == []
            for unknown in (node.framework, node.competency):
                with pytest.raises(InputError, match=r"(not in this registry|no complete framework)"):
                    unknown("https://unknown.example/x")
            rows = node.decide_all([{"issuer": bodies.ISSUER}, {}])
            assert [row.get("verdict") or row["problem"]["code"] for row in rows] == ["indeterminate", "missing_member"]
            trqp = {"entity_id": bodies.ISSUER, "authority_id": web.town.id, "action": "issue", "resource": "Degree"}
            assert node.authorization(trqp)["authorized"] is True
            assert node.recognition(trqp)["recognized"] is False
            assert node.checkpoint().startswith("node1\n")
            assert len(node.tile("tile/0/000.p/2")) == 64
            assert isinstance(node.changes(after=0, limit=5)["changes"], list)

        await web.ask(tour)


async def test_a_stream_of_changes_tells_what_happens_while_it_is_read(tmp_path: Path) -> None:
    async with listening(tmp_path) as web:
        register = web.town.says(A, "issuer.register", bodies.register())
        connected = trio.Event()

        def follow() -> str:
            headers = {"accept": "text/event-stream"}
            with (
                httpx.Client(base_url=web.url, trust_env=False, timeout=60.0) as client,
                client.stream("GET", "/v1/changes", headers=headers) as response,
            ):
                trio.from_thread.run_sync(connected.set)
                return next(line for line in response.iter_lines() if register.id.hex() in line)

        async def speak() -> None:
            await connected.wait()
            await web.node.runtime.submit([register.raw])

        async with trio.open_nursery() as nursery:
            nursery.start_soon(speak)
            told = await trio.to_thread.run_sync(follow)
        assert '"took_effect"' in told


async def test_a_peers_frame_is_answered_with_a_frame(tmp_path: Path) -> None:
    async with listening(tmp_path) as web:
        peer, own = node_seed("node2", "peer"), public_of(node_seed("node1", "peer"))
        frame = encode_frame(
            Request(ids=(web.town.eco,)),
            signer=KeyPair(peer),
            recipient=key_id(own),
            time=int(time.time() * 1_000),
            nonce=bytes(16),
        )
        async with httpx.AsyncClient(base_url=web.url, trust_env=False) as client:
            headers = {"content-type": "application/cose"}
            answer = await client.post("/gossip", content=frame, headers=headers)
            again = await client.post("/gossip", content=frame, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/cose")
        pushed = verify_frame(decode_frame(answer.content, max_bytes=2**20, max_ids=5_000), own).body
        assert isinstance(pushed, Push)
        assert pushed.statements == (web.town.genesis.raw,)
        assert (again.status_code, again.json()["code"]) == (409, "frame_replayed")


async def test_head_and_problems_on_the_wire(tmp_path: Path) -> None:
    async with listening(tmp_path) as web, httpx.AsyncClient(base_url=web.url, trust_env=False) as client:
        got, head = await client.get("/v1/ecosystem"), await client.head("/v1/ecosystem")
        assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", got.headers["etag"])
        assert "server" not in got.headers
        again = await client.get("/v1/ecosystem", headers={"if-none-match": got.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        missing = await client.get("/nope")
        assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")
        post = partial(loopback.post, f"{web.url}/v1/decisions")
        large = partial(post, content=bytes(2_000_000), headers={"content-type": "application/json"})
        assert (await trio.to_thread.run_sync(large)).status_code == 413
        assert (await client.get("/v1/issuer?id=did:web:localhost%253A8080")).json()["detail"].count("%3A") == 1


@pytest.mark.parametrize("host", ["registry.example", "elsewhere.example:8080", "[::1]"])
async def test_a_request_in_the_form_for_proxies_is_answered_as_the_one_it_means(tmp_path: Path, host: str) -> None:
    """RFC 9112 §3.2.2: a server accepts the absolute form, and takes the host from it whatever the field Host says."""
    body = b'{"issuer": "did:web:nobody.example", "achievement_type": "Degree"}'
    async with listening(tmp_path) as web:
        port = int(web.url.rpartition(":")[2])

        async def ask(method: str, target: str, sent: bytes = b"") -> tuple[int, bytes]:
            headers = {"Host": "other.example", "Content-Type": "application/json"}
            raw = await trio.to_thread.run_sync(exchange, port, request(method, target, sent, headers))
            return status_of(raw), raw.partition(b"\r\n\r\n")[2]

        for target in ("/v1/ecosystem", "/v1/issuers?name=a%20b&limit=1", "/v1/issuers?limit=none", "/nope"):
            plain = await ask("GET", target)
            for scheme in ("http", "HTTP", "https"):
                absolute = await ask("GET", f"{scheme}://{host}{target}")
                assert absolute[0] == plain[0]
                assert _without_request_id(absolute[1]) == _without_request_id(plain[1])
        status, answer = await ask("POST", f"http://{host}/v1/decisions", body)
        assert (status, json.loads(answer)["verdict"]) == (200, "unknown_issuer")
        assert (await ask("GET", f"http://{host}"))[0] == (await ask("GET", "/"))[0]
        status, answer = await ask("GET", "http://user@registry.example/healthz")
        assert (status, json.loads(answer)["status"]) == (400, 400)


def _without_request_id(body: bytes) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(body)
    return {name: value for name, value in read.items() if name != "request_id"}


async def test_a_node_that_is_told_to_stop_answers_what_it_was_asked_and_frees_its_port(tmp_path: Path) -> None:
    async with listening(tmp_path) as web:
        port = httpx.URL(web.url).port
        assert (await web.ask(lambda node: node.status()))["size"] == len(web.town.said)
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", port or 0))
    with NodeClient(web.url) as client, pytest.raises(RemoteError) as gone:
        await trio.to_thread.run_sync(client.status)
    assert gone.value.code == "unreachable"
    assert gone.value.hint


def config(**changes: Any) -> NodeConfig:
    return NodeConfig(name="node1", **{"host": "127.0.0.1", "port": 0, **changes})


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"", 0),
        (b"GET /healthz HTTP/1.1\r\nHo", 408),
        (
            b"POST /v1/statements HTTP/1.1\r\nHost: x\r\nContent-Type: application/cose\r\nContent-Length: 9\r\n\r\n12",
            408,
        ),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n12", 200),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 200),
    ],
)
async def test_nobody_holds_a_line_by_saying_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent: bytes, status: int
) -> None:
    """In the middle of a head, of a body, of a body nobody asked for, or after an answer."""
    monkeypatch.setattr("accredit.node.http.connection.IDLE_SECONDS", 0.4)
    monkeypatch.setattr("accredit.node.http.connection.HEAD_SECONDS", 0.4)
    monkeypatch.setattr("accredit.node.http.handling.request_reading.BODY_SECONDS", 0.2)
    async with listening(tmp_path) as web:
        port = int(web.url.rpartition(":")[2])
        answer = await trio.to_thread.run_sync(partial(exchange, port, sent))
        assert status_of(answer) == status


def test_a_taken_port_is_said_before_anything_else_begins() -> None:
    with bind(config()) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError) as refused:
            bind(config(port=port))
    assert refused.value.code == "port_in_use"
    assert str(port) in refused.value.message


def test_an_address_that_is_not_this_machines_is_refused() -> None:
    for host in ("192.0.2.1", "no.such.host.invalid"):
        with pytest.raises(InputError) as refused:
            bind(config(host=host))
        assert refused.value.code == "cannot_listen"


def test_tls_files_are_tried_before_the_port_is_taken(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    with pytest.raises(InputError) as refused:
        bind(config(tls_cert=str(empty), tls_key=str(tmp_path / "none.pem")))
    assert refused.value.code == "bad_tls"


async def test_a_node_can_do_tls_itself(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the openssl command to make a certificate")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    request = ["req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    name = ["-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    await trio.run_process([openssl, *request, *name, *files], stderr=subprocess.DEVNULL)
    async with listening(tmp_path, tls_cert=str(certificate), tls_key=str(key)) as web:
        assert web.url.startswith("https://")
        import ssl

        trusted = ssl.create_default_context(cafile=str(certificate))
        async with httpx.AsyncClient(base_url=web.url, verify=trusted, trust_env=False) as client:
            assert (await client.get("/healthz")).json() == {"status": "alive"}


async def test_serve_binds_for_itself_and_ends_when_cancelled(tmp_path: Path) -> None:
    town = founded("node1")
    async with running(tmp_path, town, "node1") as node, trio.open_nursery() as nursery:
        url = await nursery.start(serve, node.application(), config())
        async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
            assert (await client.get("/readyz")).status_code == 503, "the genesis has not come yet"
        reader = NodeReader(node.runtime, config(public_url="https://node1.example"), _Frozen())
        assert (reader.url, reader.now(), reader.log) == ("https://node1.example", 7, node.store)
        nursery.cancel_scope.cancel()


class _Frozen:
    def now(self) -> float:
        return 7.9

    def monotonic(self) -> float:
        return 0.0


async def test_streams_of_one_address_leave_the_node_to_others(tmp_path: Path) -> None:
    """Nine hundred of them once stalled a node for 7.5 s; beyond its share an address gets a refusal."""
    asked = b"GET /v1/changes HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n"

    def storm(port: int) -> list[int]:
        with ExitStack() as stack:
            lines = [stack.enter_context(connect(port)) for _ in range(60)]
            for line in lines:
                line.sendall(asked)
            statuses = [status_of(line.recv(4_096)) for line in lines]
            healthy = exchange(port, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", seconds=10.0)
            assert status_of(healthy) == 200
            return statuses

    async with listening(tmp_path) as web:
        statuses = await trio.to_thread.run_sync(storm, int(web.url.rpartition(":")[2]))
    assert sorted(statuses) == [200] * STREAMS_OF_ADDRESS + [503] * (60 - STREAMS_OF_ADDRESS)


async def test_several_threads_ask_with_one_client(tmp_path: Path) -> None:
    async with listening(tmp_path) as web:
        with NodeClient(web.url) as client:
            sizes: list[int] = []

            async def ask() -> None:
                for _ in range(10):
                    sizes.append((await trio.to_thread.run_sync(client.status))["size"])

            async with trio.open_nursery() as nursery:
                for _ in range(5):
                    nursery.start_soon(ask)
        assert sizes == [len(web.town.said)] * 50
