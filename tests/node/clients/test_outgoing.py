"""Networks of institutions: a private certificate authority, a proxy, an address to call from; for all who ask."""

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from accredit.node.clients.blocking_http import BlockingHttp, host_header
from accredit.node.clients.node_client import NodeClient
from accredit.node.clients.outgoing import Outgoing
from accredit.node.clients.peer_http import Peers
from accredit.registry.errors import InputError, RemoteError
from tests.strategies.answering_server import AnsweringServer, Reply

SECRET = "hunter2tr0ub4dor"


def issue_certificates(folder: Path, *of_authority: str, names: str = "DNS:localhost,IP:127.0.0.1") -> dict[str, Path]:
    """Make a certificate authority with these extensions, and a certificate of it for these names."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the openssl command to make certificates")
    made = {name: folder / f"{name}.pem" for name in ("ca", "ca-key", "cert", "key")}
    usual = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    issue = [openssl, "req", "-x509", *usual]
    subprocess.run(
        [*issue, "-subj", "/CN=Example Consortium CA", "-keyout", made["ca-key"], "-out", made["ca"],
         *(word for extension in of_authority for word in ("-addext", extension))],
        check=True, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    subprocess.run(
        [*issue, "-subj", "/CN=localhost", "-addext", f"subjectAltName={names}",
         "-addext", "basicConstraints=critical,CA:FALSE",
         "-CA", made["ca"], "-CAkey", made["ca-key"], "-keyout", made["key"], "-out", made["cert"]],
        check=True, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return made


KEY_USAGE = "keyUsage=critical,keyCertSign,cRLSign"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A certificate authority of our own and a certificate of it for localhost."""
    return issue_certificates(tmp_path_factory.mktemp("ca"), KEY_USAGE)


@pytest.fixture
def secure(authority: dict[str, Path]) -> Iterator[str]:
    """A server that speaks TLS with a certificate of that authority."""
    with tls_server(authority) as url:
        yield url


@contextmanager
def tls_server(authority: dict[str, Path]) -> Iterator[str]:
    """Serve TLS with the certificate that the authority issued."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority["cert"], authority["key"])
    with AnsweringServer(lambda _asked: Reply(200, b'{"answered": true}')) as server:
        inner: Any = server
        found = next(value for value in vars(inner).values() if hasattr(value, "socket"))
        found.socket = context.wrap_socket(found.socket, server_side=True)
        yield server.url.replace("http://127.0.0.1", "https://localhost")


def ask(url: str, outgoing: Outgoing) -> dict[str, Any]:
    with NodeClient(url, outgoing=outgoing, timeout=60.0) as client:
        return client.status()


def test_a_certificate_of_a_private_authority_is_trusted_once_its_file_is_named(
    secure: str, authority: dict[str, Path]
) -> None:
    with pytest.raises(RemoteError) as refused:
        ask(secure, Outgoing())
    assert refused.value.code == "untrusted_certificate"
    assert "ACCREDIT_CA_FILE" in refused.value.hint
    assert ask(secure, Outgoing(ca_file=str(authority["ca"]))) == {"answered": True}


async def test_nodes_trust_it_by_the_same_setting(secure: str, authority: dict[str, Path]) -> None:
    peers = Peers(timeout_seconds=5.0, outgoing=Outgoing(ca_file=str(authority["ca"])))
    assert await peers.get("n", f"{secure}/x", max_bytes=100) == b'{"answered": true}'
    await peers.aclose()
    strangers = Peers(timeout_seconds=5.0)
    with pytest.raises(RemoteError, match="certificate verify failed"):
        await strangers.get("n", f"{secure}/x", max_bytes=100)
    await strangers.aclose()


@pytest.mark.parametrize(
    ("of_authority", "names", "hint"),
    [
        ((), "DNS:localhost", "RFC 5280"),
        ((KEY_USAGE,), "DNS:elsewhere.example", "a host name that the certificate covers"),
    ],
    ids=["an authority without keyUsage", "another name"],
)
def test_a_certificate_that_no_python_should_take_is_refused_on_each_with_its_own_hint(
    tmp_path: Path, of_authority: tuple[str, ...], names: str, hint: str
) -> None:
    made = issue_certificates(tmp_path, *of_authority, names=names)
    with tls_server(made) as url, pytest.raises(RemoteError) as refused:
        ask(url, Outgoing(ca_file=str(made["ca"])))
    assert refused.value.code == "untrusted_certificate"
    assert hint in refused.value.hint


def test_a_file_that_holds_no_certificates_is_named(tmp_path: Path) -> None:
    (tmp_path / "no.pem").write_text("nothing")
    for path in (tmp_path / "no.pem", tmp_path / "nowhere.pem"):
        with pytest.raises(InputError, match=path.name) as refused:
            Outgoing(ca_file=str(path)).trusted()
        assert "BEGIN CERTIFICATE" in refused.value.hint


class Tunnel:
    """An HTTP proxy for one connection at a time: CONNECT and absolute targets, with what it was asked."""

    def __init__(self) -> None:
        self.heads: list[str] = []
        self._sock = socket.create_server(("127.0.0.1", 0))
        self.port = self._sock.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._sock.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._sock.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(client,), daemon=True).start()

    def _one(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(4096)
        self.heads.append(head.decode("latin-1"))
        method, target, _ = head.split(b" ", 2)
        if method != b"CONNECT":
            client.sendall(b'HTTP/1.1 200 OK\r\ncontent-length: 16\r\n\r\n{"proxied": true}'[:-1])
            client.close()
            return
        host, port = target.decode().rsplit(":", 1)
        server = socket.create_connection((host, int(port)))
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        other = threading.Thread(target=self._pump, args=(server, client), daemon=True)
        other.start()
        self._pump(client, server)

    @staticmethod
    def _pump(source: socket.socket, target: socket.socket) -> None:
        try:
            while part := source.recv(4096):
                target.sendall(part)
        except OSError:
            pass
        finally:
            for one in (source, target):
                one.close()


@pytest.fixture
def tunnel() -> Iterator[Tunnel]:
    made = Tunnel()
    yield made
    made.close()


def test_questions_go_through_a_proxy_with_its_password_and_the_node_never_sees_it(
    secure: str, authority: dict[str, Path], tunnel: Tunnel
) -> None:
    through = Outgoing(proxy=f"http://ann:{SECRET}@127.0.0.1:{tunnel.port}", ca_file=str(authority["ca"]))
    assert ask(secure, through) == {"answered": True}
    assert tunnel.heads[0].startswith("CONNECT localhost:")
    assert "Proxy-Authorization: Basic " in tunnel.heads[0]
    assert SECRET not in repr(through)


def test_a_plain_http_question_goes_to_the_proxy_whole(tunnel: Tunnel) -> None:
    http = BlockingHttp("http://node1.example:8080", outgoing=Outgoing(proxy=f"http://127.0.0.1:{tunnel.port}"))
    http.ask("GET", "/v1/status", headers={}, content=None, max_bytes=100)
    http.close()
    assert tunnel.heads[0].startswith("GET http://node1.example:8080/v1/status ")


@pytest.mark.parametrize(
    "proxy", [f"socks5://ann:{SECRET}@p:1", f"ann:{SECRET}@p", f"http://ann:{SECRET}@[", "http://"]
)
def test_a_proxy_that_is_none_is_refused_without_its_password(proxy: str) -> None:
    with pytest.raises(InputError) as refused:
        Outgoing.from_environment({"ACCREDIT_PROXY": proxy})
    assert refused.value.code == "bad_proxy"
    assert SECRET not in str(refused.value)


def test_a_question_leaves_from_the_address_that_was_set() -> None:
    with AnsweringServer(lambda _asked: Reply(200, b"{}")) as server:
        assert ask(server.url, Outgoing(source_address="127.0.0.1")) == {}
        with pytest.raises(RemoteError):
            ask(server.url, Outgoing(source_address="192.0.2.1"))  # not an address of this machine
    with pytest.raises(InputError, match="both set"):
        Outgoing(proxy="http://p.example:1", source_address="127.0.0.1")


async def test_a_node_calls_from_the_address_that_was_set() -> None:
    with AnsweringServer(lambda _asked: Reply(200, b"ok")) as server:
        peers = Peers(timeout_seconds=5.0, outgoing=Outgoing(source_address="127.0.0.1"))
        assert await peers.get("n", f"{server.url}/x", max_bytes=10) == b"ok"
        await peers.aclose()


def test_the_variables_of_the_command_line_are_those_of_the_settings() -> None:
    from accredit.node.settings import settings

    variables = {setting.variable for setting in settings()}
    assert {"ACCREDIT_CA_FILE", "ACCREDIT_PROXY", "ACCREDIT_SOURCE_ADDRESS"} <= variables


@pytest.mark.parametrize(
    ("url", "code", "hint"),
    [
        ("http://nobody.invalid", "unknown_host", "Check its spelling"),
        ("http://127.0.0.1:9", "unreachable", "node runs there"),
    ],
)
def test_an_error_of_the_network_names_its_own_cause(url: str, code: str, hint: str) -> None:
    with pytest.raises(RemoteError) as refused:
        ask(url, Outgoing())
    assert refused.value.code == code
    assert hint in refused.value.hint


@pytest.mark.parametrize(("place", "why"), [("127.0.0.1:1", "no program listens"), ("p.invalid:1", "name is unknown")])
def test_a_proxy_that_is_not_there_is_named_in_place_of_the_node(place: str, why: str) -> None:
    through = Outgoing(proxy=f"http://ann:{SECRET}@{place}")
    with pytest.raises(RemoteError, match=f"the proxy could not be reached: .*{why}") as refused:
        ask("https://node1.example", through)
    assert "ACCREDIT_PROXY" in refused.value.hint
    assert SECRET not in f"{refused.value.message}{refused.value.hint}"


def test_a_server_without_tls_is_said_and_the_hint_is_the_url_that_works() -> None:
    with AnsweringServer(lambda _asked: Reply(200, b"{}")) as server:
        with pytest.raises(RemoteError) as refused:
            ask(server.url.replace("http:", "https:"), Outgoing())
        assert refused.value.code == "no_tls"
        assert refused.value.hint.endswith(server.url)
        assert ask(refused.value.hint.split()[-1], Outgoing()) == {}


def test_the_zone_of_a_link_local_address_is_not_sent_to_the_other_side() -> None:
    assert host_header("[fe80::1%25eth0]:8080") == "[fe80::1]:8080"
    assert host_header("[fe80::1%25eth0]") == "[fe80::1]"
