"""Whatever anybody sends to any route: a problem or a closed line, no traceback, and the node is as it was before."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Final

import pytest

from accredit.node.http.app import table
from accredit.node.http.handling.route import Route
from tests.strategies.bodies import register
from tests.strategies.fleet import Fleet, Machine, eventually, founding
from tests.strategies.network import A
from tests.strategies.wire import connect, exchange, request, status_of

SEED: Final = 8
SILENCE_SECONDS: Final = 0.5
"""How long we listen on a line that the server keeps open for more; it ends it in its own time."""

LINGERS: Final = 30.0
"""Seconds; far less than what a line may be idle, 75."""

SPARE_DESCRIPTORS: Final = 4
"""What the node itself may have opened meanwhile."""

NO_FAULT: Final = {501, 503, 505}
"""Above 499, what a sound node may say: not offered, not ready, not this version of HTTP."""

PATH_NONSENSE: Final = (
    "%00", "%ff%fe", "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/x", "a" * 3_000, "%F0%9F%92%A9", "%zz", "0" * 64,
)  # fmt: skip
QUERY_NONSENSE: Final = (
    "%ff=%ff", "a=1&a=1", "id=%00", "id=did:web:x&id=did:web:y", "after=-1&limit=99999999999999999999", "x" * 5_000,
    "name=%f0%28%8c%bc", "time=9999999999-99-99", "[]=&;=;", "limit=1e3",
)  # fmt: skip


def bodies(random: Random) -> Iterator[bytes]:
    """Random octets; CBOR and JSON that promise too much, nest too deeply, or stop in the middle."""
    yield b""
    yield random.randbytes(1)
    yield random.randbytes(3_000)
    yield b"\xd2\x84" + random.randbytes(200)
    yield b"\xd2\x84\x43\xa1\x01\x27\xa0\x5b\xff\xff\xff\xff\xff\xff\xff\xff"  # a byte string of 2**64 - 1 octets
    yield b"\x81" * 20_000 + b"\x00"
    yield b"\xbf" * 5_000
    yield b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff"
    yield b"\xa1\x61\x61\xc2\x59\xff\xff" + bytes(100)
    yield b"[" * 50_000
    yield b'{"queries": [' + b'{"issuer": "did:web:x"},' * 1_001 + b"{}]}"
    yield b'{"issuer": 1e999999, "time": -0.0}'
    yield b'{"issuer": "\\ud800", "\\u0000": null}'
    yield b'{"issuer": "did:web:x", "issuer": "did:web:y"}'
    yield "{“issuer”: “x”}".encode("utf-16")
    yield b"\x00" * 100


def targets(route: Route) -> Iterator[str]:
    """Paths of a route, with nonsense in place of its parameters and of its query."""
    if "{" not in route.path:
        yield route.path
    head, _, rest = route.path.partition("{")
    tail = rest.partition("}")[2]
    for nonsense in PATH_NONSENSE:
        yield f"{head}{nonsense}{tail}" if rest else f"{route.path}/{nonsense}"
    for nonsense in QUERY_NONSENSE:
        yield f"{head}{'0' * 64 if rest else ''}{tail}?{nonsense}"


def lines(random: Random) -> Iterator[bytes]:
    """What is no HTTP request, or one that two programs would read in two ways."""
    body = b"POST /v1/statements HTTP/1.1\r\nHost: x\r\nContent-Type: application/cose\r\n"
    yield random.randbytes(2_000)
    yield b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + random.randbytes(500)  # the beginning of TLS
    yield b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + random.randbytes(300)
    yield b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000") + b"\xff" * 64
    upgrade = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: "
    yield upgrade + b"h2c\r\nHTTP2-Settings: !!\r\n\r\n"
    yield upgrade + b"h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
    yield upgrade + b"websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    yield b"GET /\r\n\r\n"
    yield b"GET  /  HTTP/1.1\r\n\r\n"
    yield b"GET / HTTP/9.9\r\nHost: x\r\n\r\n"
    yield b"GET / HTTP/1.1\r\n\r\n"  # no Host
    yield b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"
    yield b"GET http://elsewhere.example/healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    yield b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: x\r\n\r\n"
    yield b"GET /%0d%0aSet-Cookie:x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    yield b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 40_000 + b"\r\n\r\n"
    yield b"GET /" + b"y" * 40_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"
    yield b"GET / HTTP/1.1\r\nHost: x\r\nX-Request-ID: \xff\x1b[31m\r\nConnection: close\r\n\r\n"
    yield b"G\x00T / HTTP/1.1\r\nHost: \xff\r\n\r\n"
    yield body + b"Content-Length: -1\r\n\r\nx"
    yield body + b"Content-Length: 99999999999999999999\r\n\r\nx"
    yield body + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef"
    yield body + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n"
    yield body + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nx"
    yield body + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n"
    yield body + b"Transfer-Encoding: gzip\r\nConnection: close\r\n\r\n" + random.randbytes(50)
    yield body + b"Content-Length: 500\r\n\r\nhalf"
    yield body + b"Expect: 100-continue\r\nContent-Length: 4\r\nConnection: close\r\n\r\n\xd2\x84\x00\x00"


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with founding(tmp_path_factory.mktemp("hostile"), "node1") as made:
        made.start()
        yield made


def check_unmoved(node: Machine, root: str) -> None:
    """Alive, of the same opinion, and with nothing in its log that looks like a fault of ours."""
    assert status_of(exchange(node.port, request("GET", "/healthz"))) == 200
    assert node.state_root() == root
    log = node.log.read_text()
    assert "Traceback" not in log
    assert "internal error" not in log
    assert " ERROR " not in log


def check_polite(sent: bytes, answer: bytes) -> None:
    status = status_of(answer)
    assert status < 500 or status in NO_FAULT, (sent[:300], answer[:500])
    if status >= 400:
        assert b"Traceback" not in answer
        assert b"site-packages" not in answer


def test_no_body_harms_any_route(fleet: Fleet) -> None:
    node, random, count = fleet["node1"], Random(SEED), 0
    root = node.state_root()
    for route in table():
        path = route.path.replace("{id}", "0" * 64).replace("{kid}", "0" * 64)
        for media_type in [*route.takes, "text/plain"][:3] if route.takes else ["application/json"]:
            for body in bodies(random) if route.takes else [random.randbytes(500)]:
                sent = request(route.method, path, body, {"Content-Type": media_type})
                check_polite(sent, exchange(node.port, sent))
                count += 1
    print(f"{count} bodies")
    check_unmoved(node, root)


def test_no_path_or_query_harms_any_route(fleet: Fleet) -> None:
    node, count = fleet["node1"], 0
    root = node.state_root()
    for route in table():
        for target in targets(route):
            sent = request(route.method, target, b"{}" if route.takes else b"")
            answer = exchange(node.port, sent)
            check_polite(sent, answer)
            assert status_of(answer), "this much is HTTP, and gets an answer"
            count += 1
        for method in ("DELETE", "BREW", "OPTIONS", "HEAD"):
            check_polite(b"", exchange(node.port, request(method, route.path.replace("{", "").replace("}", ""))))
            count += 1
    print(f"{count} paths and queries")
    check_unmoved(node, root)


def test_no_line_that_is_not_http_harms_the_server(fleet: Fleet) -> None:
    node = fleet["node1"]
    root = node.state_root()
    for sent in lines(Random(SEED)):
        check_polite(sent, exchange(node.port, sent, shut=True, seconds=SILENCE_SECONDS))
    check_unmoved(node, root)


@pytest.mark.parametrize("how", ["after the answer", "at once", "half"])
def test_whoever_hangs_up_leaves_nothing_open_behind(fleet: Fleet, how: str) -> None:
    """Else a few hundred of them would take all file descriptors, and the node could not even open its own files."""
    node = fleet["node1"]
    assert node.process is not None
    descriptors = Path(f"/proc/{node.process.pid}/fd")
    if not descriptors.exists():
        pytest.skip("needs /proc to count the file descriptors of another process")
    before = len(list(descriptors.iterdir()))
    kept_open = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    for sent in [kept_open] * 10 + list(lines(Random(SEED))) * 2:
        with connect(node.port) as sock, suppress(ConnectionError, TimeoutError):
            sock.settimeout(SILENCE_SECONDS)
            sock.sendall(sent)
            if how == "half":
                sock.shutdown(socket.SHUT_WR)
            if how != "at once":
                sock.recv(65_536)
                exchange(node.port, request("GET", "/healthz"))  # by now the line is idle on the other side
    eventually(
        lambda: len(list(descriptors.iterdir())) <= before + SPARE_DESCRIPTORS, "the node closes them", seconds=LINGERS
    )
    check_unmoved(node, node.state_root())


def test_after_all_that_it_takes_statements_and_its_files_are_sound(fleet: Fleet) -> None:
    node = fleet["node1"]
    node.submit(fleet.town.says(A, "issuer.register", register()))
    assert node.client.status()["size"] == 4
    assert node.stop() == 0
    assert node.audit().json()["fits"]
