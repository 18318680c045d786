"""The trust policy: exported with care, shown, renewed along what the old signers vouch for, never widened unasked."""

import json
import re
import time
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from accredit.cli.commands.verifier.trust import differences, fingerprint
from accredit.cli.verifying.checks import write_policy
from accredit.cli.verifying.policy_renewal import fetch_renewal, gather_renewal
from accredit.governance.policy_renewal import renew
from accredit.node.clients.blocking_http import BlockingHttp, HttpAnswer
from accredit.node.clients.node_client import NodeClient
from accredit.registry.encoding.ed25519 import public_of
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.errors import InputError, RefusedError, RemoteError
from accredit.registry.evidence.trust_policy import LIFETIME, TrustPolicy
from accredit.registry.statement import decode
from accredit.registry.transparency.state_note import signer_key
from accredit.registry.transparency.tlog_policy import Policy, threshold_policy
from tests.cli.town import AGENCY, Town, found_town
from tests.strategies.consortium import seed_of
from tests.strategies.fleet import quiet_port


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A consortium of this module's own: its charter is amended."""
    made = found_town(tmp_path_factory.mktemp("trust"))
    made.noted()
    yield made
    made.stop_all()


def read(path: Path) -> TrustPolicy:
    return TrustPolicy.decode(path.read_bytes())


def test_a_policy_is_written_from_several_nodes_and_says_how_to_compare_it(own: Town, tmp_path: Path) -> None:
    target = tmp_path / "policy.txt"
    result = own.run("trust", "export", "-o", target)
    assert "from what 2 nodes said" in result.stdout
    assert "compare the fingerprint with one that you got from elsewhere" in result.stdout
    policy = read(target)
    assert fingerprint(policy) in result.stdout
    assert policy.ecosystem.hex() == own.ecosystem
    assert policy.ecosystem.hex() in result.stdout
    assert (policy.max_age, policy.count, policy.authorities) == (300, 0, ("https://trust.example/",))
    assert abs(policy.expires - time.time() - LIFETIME) < 60
    shown = own.run("trust", "show", target, nodes=["http://127.0.0.1:9"]).stdout
    assert "2 of 2" in shown
    assert "every authority of the ecosystem" in shown
    assert own.json("trust", "show", target)["usable"]
    assert "exists" in own.run("trust", "export", "-o", target, code=6).stderr


def test_what_is_each_verifiers_own_is_said_in_options_and_is_not_in_the_fingerprint(own: Town, tmp_path: Path) -> None:
    usual, special = own.policy(tmp_path / "usual.txt"), tmp_path / "special.txt"
    soon = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 10 * 86_400))
    words = ("--max-age", 60, "--expires", soon, "--authority", AGENCY, "--ecosystem", own.ecosystem)
    found = own.json("trust", "export", "-o", special, *words)
    assert (found["max_age"], found["expires"], found["authorities"]) == (60, f"{soon}T00:00:00Z", [AGENCY])
    assert fingerprint(read(usual)) == fingerprint(read(special)) == found["fingerprint"]
    shown = own.run("trust", "show", special).stdout
    assert "renew it" in shown
    assert AGENCY in shown


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--ecosystem", "ab" * 32), "serves the ecosystem"),
        (("--ecosystem", "ab"), "64 hex"),
        (("--expires", "2020-01-01"), "at most 90 days"),
        (("--expires", "2999-01-01"), "at most 90 days"),
        (("--authority", "did:web:stranger.example"), "is not an authority of this ecosystem"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_not_written(
    own: Town, tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    target = tmp_path / "policy.txt"
    assert says in own.run("trust", "export", "-o", target, *words, code=3).stderr
    assert not target.exists()


def test_nodes_that_say_different_things_lead_to_no_policy(own: Town, town: Town, tmp_path: Path) -> None:
    target = tmp_path / "policy.txt"
    differ = own.run("trust", "export", "-o", target, nodes=[own.urls[0], town.urls[0]], code=3)
    assert "disagree about" in differ.stderr
    own.run("trust", "export", "-o", target, nodes=[own.urls[0], "http://127.0.0.1:9"], code=5)
    assert not target.exists()


def test_a_node_that_sends_no_policy_is_at_fault(own: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NodeClient, "trust_policy", lambda _: b"quorum none\n")
    assert "did not send a trust policy" in own.run("trust", "export", "-o", tmp_path / "p", code=5).stderr


def test_an_expired_policy_is_shown_as_such_and_not_renewed(own: Town, tmp_path: Path) -> None:
    path = own.policy(tmp_path / "policy.txt")
    path.write_bytes(replace(read(path), expires=int(time.time()) - 10).encode())
    assert "no longer valid" in own.run("trust", "show", path).stdout
    assert not own.json("trust", "show", path)["usable"]
    refused = own.run("trust", "renew", path, code=3)
    assert "a source you trust" in refused.stderr
    assert read(path).expires < time.time()


def test_renewing_without_other_signers_asks_nothing_and_keeps_what_is_the_verifiers_own(
    own: Town, tmp_path: Path
) -> None:
    soon = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 10 * 86_400))
    path = own.policy(tmp_path / "policy.txt", "--expires", soon, "--max-age", 200, "--authority", AGENCY)
    own.noted()
    result = own.run("trust", "renew", path)
    assert "The signers are the same." in result.stdout
    renewed = read(path)
    assert abs(renewed.expires - time.time() - LIFETIME) < 60
    assert (renewed.max_age, renewed.authorities) == (200, (AGENCY,))
    assert renewed.count > 0, "the note that was needed is remembered"
    later = own.run("trust", "renew", path, nodes=["http://127.0.0.1:9", own.urls[0]])
    assert "could not be reached" in later.stderr
    own.run("trust", "renew", path, nodes=["http://127.0.0.1:9"], code=5)


def test_a_renewal_written_late_forgets_nothing_that_was_verified_meanwhile(own: Town, tmp_path: Path) -> None:
    path = own.policy(tmp_path / "policy.txt")
    early = read(path)
    later = replace(early, count=10**6, root=bytes(32))
    path.write_bytes(later.encode())
    write_policy(path, replace(early, expires=early.expires - 1))
    assert read(path) == replace(later, expires=early.expires - 1)


def test_another_ecosystem_renews_nothing(own: Town, town: Town, tmp_path: Path) -> None:
    path = own.policy(tmp_path / "policy.txt")
    before = path.read_bytes()
    refused = own.run("trust", "renew", path, nodes=town.urls, code=3)
    assert "No version of the charter" in refused.stderr
    assert path.read_bytes() == before


def test_a_renewal_follows_admitted_nodes_and_amendments_and_widens_nothing_unasked(own: Town, tmp_path: Path) -> None:
    old = own.policy(tmp_path / "old.txt")
    second = own.policy(tmp_path / "second.txt")
    port = quiet_port()
    url, folder = f"http://127.0.0.1:{port}", own.folder / "node3"
    identity = ("--name", "node3.example", "--operator", "Example Library", "--url", url, "--port", port)
    own.run("node", "join", own.urls[0], "--folder", folder, *identity, "--ecosystem", own.ecosystem)
    one = own.urls[:1]
    own.urls.append(url)
    own.start("node3")
    admitted = own.json("node", "admit", folder / "node-entry.toml", key="agency", nodes=one)["statements"][0]["id"]
    own.run("approve", admitted, key="charity", nodes=one)
    own.settle(admitted)
    charter = tomllib.loads(own.run("charter", "show", "--toml", nodes=one).stdout)
    charter["nodes"].append(tomllib.loads((folder / "node-entry.toml").read_text()))
    charter["signers"].append("node3.example")
    path = own.write("next.json", json.dumps(charter))
    amended = own.json("charter", "amend", path, key="council-1", nodes=own.urls)["statements"][0]["id"]
    own.settle(amended)
    for key in ("council-2", "agency"):
        own.run("approve", amended, key=key, nodes=one)
    assert own.json("charter", "show", nodes=one)["version"] == 2
    own.noted()
    before = old.read_bytes()
    declined = own.run("trust", "renew", old, code=130, input="n\n")
    assert "node3.example is a new signer" in declined.stderr
    assert "A quorum is 3 of 3; it was 2 of 2." in declined.stderr
    assert old.read_bytes() == before
    accepted = own.run("trust", "renew", old, input="y\n")
    assert "Renewed" in accepted.stdout
    assert [key.name for key in read(old).signers.keys] == ["node1.example", "node2.example", "node3.example"]
    assert read(old).version == 2
    found = own.json("trust", "renew", second, "--yes")
    assert found["quorum"] == "3 of 3"
    assert found["changes"][-1] == "The charter is now version 2; your policy had version 1."
    assert fingerprint(read(old)) == fingerprint(read(second)) == fingerprint(read(own.policy(tmp_path / "new.txt")))


def test_a_step_that_the_charter_in_force_does_not_come_from_is_refused(own: Town, tmp_path: Path) -> None:
    path = own.policy(tmp_path / "policy.txt")
    own.noted()
    path.write_bytes(replace(read(path), step=bytes(32)).encode())
    assert "No version of the charter" in own.run("trust", "renew", path, code=3).stderr
    with NodeClient(own.urls[0]) as client, pytest.raises(RefusedError, match="does not lead to the charter in force"):
        gather_renewal(client, read(path), int(time.time()))


def test_records_without_the_charter_are_the_nodes_fault(own: Town, tmp_path: Path) -> None:
    policy = replace(read(own.policy(tmp_path / "policy.txt")), charter=CanonicalId("https://other.example/"))
    with NodeClient(own.urls[0]) as client, pytest.raises(RemoteError, match="no record of the charter"):
        gather_renewal(client, policy, int(time.time()))


class WithoutTheRoute(BlockingHttp):
    """The way to a node of an earlier version: what it does not know it calls not found."""

    def __init__(self, url: str, code: str) -> None:
        super().__init__(url)
        self.code = code

    def ask(
        self, method: str, target: str, *, headers: Mapping[str, str], content: bytes | None, max_bytes: int
    ) -> HttpAnswer:
        if target.startswith("/v1/renewal"):
            return HttpAnswer(status=404, body=json.dumps({"code": self.code, "detail": "no."}).encode())
        return super().ask(method, target, headers=headers, content=content, max_bytes=max_bytes)


def test_a_node_without_the_route_is_asked_for_its_whole_log_and_renews_as_well(own: Town, tmp_path: Path) -> None:
    policy = read(own.policy(tmp_path / "policy.txt"))
    own.noted()
    now = int(time.time())
    url = own.urls[0]
    with NodeClient(url) as new, NodeClient(url, way=WithoutTheRoute(url, "not_found")) as old:
        short, long = fetch_renewal(new, policy, now), fetch_renewal(old, policy, now)
        assert policy.step in {decode(raw).id for raw in short.statements}
        assert renew(policy, short, now).signers == renew(policy, long, now).signers
    with NodeClient(url, way=WithoutTheRoute(url, "unasked")) as odd, pytest.raises(InputError, match=r"no\."):
        fetch_renewal(odd, policy, now)


def policy_of(*names: str, quorum: int, suffix: str = "") -> TrustPolicy:
    keys = [signer_key(name, public_of(seed_of(f"{name}{suffix}"))) for name in names]
    return TrustPolicy(
        ecosystem=bytes(32),
        charter=CanonicalId("https://trust.example/"),
        version=1,
        step=bytes(32),
        signers=threshold_policy(keys, quorum),
        max_age=300,
        expires=0,
        authorities=("https://trust.example/",),
    )


def test_every_change_of_signers_is_said_in_a_sentence() -> None:
    old = policy_of("a.example", "b.example", quorum=2)
    assert differences(old, old) == []
    gone = differences(old, policy_of("a.example", quorum=1))
    assert gone == ["b.example is no longer a signer.", "A quorum is 1 of 1; it was 2 of 2."]
    (rotated, other) = differences(old, policy_of("a.example", "b.example", quorum=2, suffix="2"))
    assert rotated.startswith("a.example has a new key: z6Mk")
    assert other.startswith("b.example has a new key: z6Mk")
    bare = replace(old, signers=Policy(quorum="a.example", witnesses=old.signers.witnesses[:1]))
    assert differences(bare, policy_of("a.example", quorum=1)) == ["A quorum is 1 of 1; it was a.example."]


def test_a_file_that_is_no_policy_is_named(own: Town, tmp_path: Path) -> None:
    path = tmp_path / "junk"
    path.write_text("hello\n")
    assert str(path) in own.run("trust", "show", path, code=3).stderr
    assert "Make one with accredit trust export" in own.run("trust", "show", tmp_path / "none", code=3).stderr


def test_a_policy_says_when_it_was_made_whatever_it_learns_since(town: Town, tmp_path: Path) -> None:
    target = tmp_path / "dated.txt"
    made = town.json("trust", "export", "-o", target)["made"]
    assert town.json("trust", "show", target)["made"] == made
    college = town.accredited("did:web:dated-policy.example", "dated-policy")
    town.run("query", college, "--for", "BachelorDegree", "--policy", target)
    shown = town.json("trust", "show", target)
    assert (shown["made"], shown["verified"] > 0) == (made, True)
    assert re.search(rf"made +{made[:10]}", town.run("trust", "show", target).stdout)
    bare = tmp_path / "bare.txt"
    bare.write_bytes(b"".join(line for line in target.read_bytes().splitlines(True) if not line.startswith(b"# Made")))
    assert town.json("trust", "show", bare)["made"] is None
    assert "the file does not say" in town.run("trust", "show", bare).stdout
    target.write_bytes(target.read_bytes().replace(b"# Made 20", b"# Made on 20"))
    assert town.json("trust", "show", target)["made"] is None
