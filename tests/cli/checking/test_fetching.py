"""What `accredit check --fetch` fetches: over TLS, from the very address, without following it elsewhere."""

import json
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from accredit.cli.checking import fetching
from accredit.cli.checking.fetching import did_document, did_web_address, fetch
from accredit.registry.errors import AccreditError, InputError, RefusedError, RemoteError
from tests.cli.town import Town
from tests.node.clients.test_outgoing import KEY_USAGE, issue_certificates
from tests.strategies.answering_server import AnsweringServer, Asked, Reply
from tests.strategies.credentials import Issuer, Json, open_badge, status_entry, status_list


class Site:
    """An issuer's own web site, which speaks TLS with a certificate that we trust here."""

    def __init__(self, server: AnsweringServer, pages: dict[str, Reply]) -> None:
        self.server, self.pages = server, pages
        host = server.url.removeprefix("https://")
        self.school = Issuer.of("site", f"did:web:{host.replace(':', '%3A')}")

    def put(self, path: str, value: object) -> None:
        self.pages[path] = value if isinstance(value, Reply) else Reply(200, json.dumps(value).encode())

    @property
    def asked(self) -> list[str]:
        return [f"{one.method} {one.target}" for one in self.server.asked]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return issue_certificates(tmp_path_factory.mktemp("ca"), KEY_USAGE)


@pytest.fixture
def site(certificates: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificates["cert"], certificates["key"])
    monkeypatch.setenv("ACCREDIT_CA_FILE", str(certificates["ca"]))
    pages: dict[str, Reply] = {}

    def reply(asked: Asked) -> Reply:
        return pages.get(asked.target, Reply(404, b"{}"))

    with AnsweringServer(reply, tls=tls) as server:
        yield Site(server, pages)


def document_of(issuer: Issuer) -> Json:
    key = {"id": issuer.method, "controller": issuer.id, "publicKeyMultibase": issuer.pinned["public_key_multibase"]}
    return {"id": issuer.id, "verificationMethod": [key], "assertionMethod": [issuer.method]}


@pytest.mark.parametrize(
    ("did", "address"),
    [
        ("did:web:a.example", "https://a.example/.well-known/did.json"),
        ("did:web:a.example:dids:one", "https://a.example/dids/one/did.json"),
        ("did:web:localhost%3A8443", "https://localhost:8443/.well-known/did.json"),
    ],
)
def test_a_did_web_has_its_document_at_one_address(did: str, address: str) -> None:
    assert did_web_address(did) == address


@pytest.mark.parametrize(
    "did",
    [
        *("did:key:z6Mk", "did:web:", "did:web:a/b", "did:web:a%2Fb", "did:web:u%40a.example", "did:web:a.example:"),
        *("did:web:a.example:x?y", "did:web:a.example#x", "xdid:web:a.example", "did:web:a.example:\n"),
    ],
)
def test_what_is_no_did_web_leads_nowhere(did: str) -> None:
    with pytest.raises(InputError) as caught:
        did_web_address(did)
    assert caught.value.code == "not_did_web"


@pytest.mark.parametrize(
    "url",
    [
        *("http://a.example/", "file:///etc/passwd", "https://u:p@a.example/", "https:///x", "https://a.example/a b"),
        *("https://[::1", "https://a..example/", f"https://{'a' * 64}.example/", "https://a.example:99999/"),
        *(
            "https://a.example:x/",
            "https://%00/",
            "https://a b.example/",
            "https://\u00e4.example/",
            "https://a.example:0/",
        ),
    ],
)
def test_another_kind_of_address_is_not_asked(url: str) -> None:
    with pytest.raises(InputError) as caught:
        fetch(url, may_be_private=True)
    assert caught.value.code == "bad_url"


def test_a_redirection_is_said_and_not_followed(site: Site) -> None:
    site.put("/moved", Reply(301, b"", headers={"location": "https://evil.example/"}))
    with pytest.raises(RemoteError, match=r"301 and leads to https://evil\.example/, which is not followed"):
        fetch(f"{site.server.url}/moved", may_be_private=True)
    with pytest.raises(RemoteError, match="404"):
        fetch(f"{site.server.url}/nothing?x=1", may_be_private=True)
    assert site.asked == ["GET /moved", "GET /nothing?x=1"]


def test_what_is_no_did_document_is_refused(site: Site) -> None:
    for value in (Reply(200, b"<html>"), [1]):
        site.put("/.well-known/did.json", value)
        with pytest.raises(AccreditError):
            did_document(site.school.id, may_be_private=True)


def test_keys_and_status_lists_are_fetched_only_when_told_to(town: Town, site: Site, tmp_path: Path) -> None:
    """The issuer is in no registry; what its own site says about its key and its list is found all the same."""
    school, url = site.school, f"{site.server.url}/status/1"
    site.put("/.well-known/did.json", document_of(school))
    entry = status_entry(7, statusListCredential=url)
    path = tmp_path / "badge.json"
    path.write_text(json.dumps(school.signed(open_badge(school, credentialStatus=entry))))

    def ends(*words: str) -> dict[str, tuple[str, str]]:
        found = town.json("check", path, *words, code=1)["files"][0]["credentials"][0]
        return {one["check"]: (one["outcome"], one["code"]) for one in found["checks"]}

    told = ends()
    assert told["signature"] == ("not_done", "key_not_found")
    assert told["status"] == ("not_done", "status_list_missing")
    assert site.asked == []
    assert ends("--fetch", "--fetch-private")["status"] == ("not_done", "status_not_fetched")
    for revoked, found in (((), ("passed", "not_revoked")), ((7,), ("failed", "revoked"))):
        site.put("/status/1", school.signed(status_list(school, revoked, id=url)))
        told = ends("--fetch", "--fetch-private")
        assert told["signature"] == ("passed", "signed")
        assert told["status"] == found
        assert told["issuer"] == ("failed", "unknown_issuer")
    assert set(site.asked) == {"GET /.well-known/did.json", "GET /status/1"}
    assert all(not one.body for one in site.server.asked)


def test_a_credential_does_not_lead_into_the_readers_own_network(town: Town, site: Site, tmp_path: Path) -> None:
    school, url = site.school, f"{site.server.url}/status/1"
    site.put("/.well-known/did.json", document_of(school))
    path = tmp_path / "badge.json"
    entry = status_entry(7, statusListCredential=url)
    path.write_text(json.dumps(school.signed(open_badge(school, credentialStatus=entry))))
    found = town.json("check", path, "--fetch", code=1)["files"][0]["credentials"][0]
    told = {one["check"]: one for one in found["checks"]}
    for name in ("signature", "status"):
        assert told[name]["outcome"] == "not_done"
        assert "private network" in told[name]["text"]
        assert "--fetch-private" in told[name]["text"]
    assert site.server.connections == 0


@pytest.mark.parametrize("host", ["10.1.2.3", "169.254.169.254", "[::1]", "[::ffff:192.168.0.1]", "[fd00::1]"])
def test_no_form_of_a_private_address_is_reached(host: str) -> None:
    with pytest.raises(RefusedError) as caught:
        fetch(f"https://{host}/", may_be_private=False)
    assert caught.value.code == "private_address"


def test_a_site_that_answers_a_byte_now_and_then_is_not_waited_for(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def drops() -> Iterator[bytes]:
        while not over.wait(0.05):
            yield b" "

    monkeypatch.setattr(fetching, "WHOLE_SECONDS", 0.5)
    site.put("/slow", Reply(200, drops(), announced=1_000_000))
    try:
        with pytest.raises(RemoteError) as caught:
            fetch(f"{site.server.url}/slow", may_be_private=True)
    finally:
        over.set()
    assert caught.value.code == "too_slow"


def test_a_credential_is_fetched_from_the_address_that_was_typed(town: Town, site: Site) -> None:
    site.put("/.well-known/did.json", document_of(site.school))
    site.put("/badge.json", site.school.signed(open_badge(site.school)))
    found = town.json("check", f"{site.server.url}/badge.json", "--fetch", code=1)["files"][0]["credentials"][0]
    assert found["cause"] == "unknown_issuer"
    gone = town.json("check", f"{site.server.url}/gone.json", code=5)["files"][0]
    assert gone["error"]["code"] == "not_there"
