"""Answers nobody has to trust: evidence asked for, checked offline, forged; and conflicts that prove themselves."""

import json
import resource
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from accredit.cli.base import exits
from accredit.cli.base.log_entries import read_entries
from accredit.cli.demo import forgeries
from accredit.cli.main import accredit
from accredit.node.clients.node_client import NodeClient
from accredit.node.files.key_files import NodeKeys
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.evidence.check import Evidence
from accredit.registry.evidence.snapshot import Snapshot
from accredit.registry.evidence.trust_policy import TrustPolicy
from accredit.registry.transparency.equivocation import conflict_of_states
from accredit.registry.transparency.signed_note import Note
from accredit.registry.transparency.state_note import StateNote, cosign_state, signer_key
from tests.cli.town import AGENCY, CHARITY, Town, found_town
from tests.strategies.contradictions import forked_log

NOWHERE = ["http://127.0.0.1:9"]
ABSENT = "did:web:absent.example"


@pytest.fixture(scope="module")
def issuer(town: Town) -> str:
    return town.accredited("did:web:proof.example", "Proof College")


@pytest.fixture
def proof(town: Town, issuer: str, policy: Path, tmp_path: Path) -> Path:
    """Evidence that the issuer is trusted, as a node gave it."""
    town.noted()
    path = tmp_path / "proof.evidence"
    town.run("query", issuer, "--for", "BachelorDegree", "--policy", policy, "--evidence", path)
    return path


def keys_of(town: Town, name: str) -> NodeKeys:
    return NodeKeys.load(town.folder / name / "data" / "node-keys.json")


def checked(town: Town, file: Path, policy: Path, *words: object, code: int) -> Any:
    return town.json("evidence", "check", file, *words, "--policy", policy, nodes=NOWHERE, code=code)


def test_an_answer_is_checked_at_once_and_again_without_any_network(
    town: Town, issuer: str, policy: Path, proof: Path, tmp_path: Path
) -> None:
    count = TrustPolicy.decode(policy.read_bytes()).count
    assert count > 0, "the policy remembers what was verified with it"
    offline = town.run("evidence", "check", proof, "--policy", policy, nodes=NOWHERE)
    assert offline.stdout.startswith("Verified")
    assert "by node1.example, node2.example" in offline.stdout
    assert "check that it is the one you asked" in offline.stdout
    assert "Proof College" in offline.stdout
    assert "Open Charity ← the charter" in offline.stdout
    repeated = town.run(
        "evidence", "check", proof, issuer, "--for", "BachelorDegree", "--policy", policy, nodes=NOWHERE
    )
    assert "check that it is the one you asked" not in repeated.stdout
    found = checked(town, proof, policy, code=0)
    assert found["result"] == "verified"
    assert found["decision"]["authorized"]
    assert found["question"] == {"issuer": issuer, "achievement_type": "BachelorDegree"}
    assert found["noted"]["statements"] == count
    assert found["noted"]["signers"] == ["node1.example", "node2.example"]
    absent = tmp_path / "absent.evidence"
    asked = ("query", ABSENT, "--for", "BachelorDegree", "--evidence", absent, "--policy", policy)
    assert "Unknown issuer" in town.run(*asked, code=1).stdout
    assert checked(town, absent, policy, code=1)["decision"]["verdict"] == "unknown_issuer"


def test_every_axis_of_a_question_travels_with_its_answer(town: Town, issuer: str, policy: Path) -> None:
    axes = (
        "--on",
        "2026-05-20",
        "--level",
        "EQF:6",
        "--field",
        "cip:51",
        "--jurisdiction",
        "US-IN",
        "--mode",
        "online",
    )
    words = ("--for", "BachelorDegree", "--for", "credentialType:A", *axes, "--authority", CHARITY, "--program", "p")
    town.noted()
    found = town.json("query", issuer, *words, "--policy", policy)
    assert found["question"] == {
        "issuer": issuer,
        "achievement_type": "BachelorDegree",
        "credential_type": "A",
        "authority": CHARITY,
        "jurisdiction": "US-IN",
        "program": "p",
        "delivery_mode": "online",
        "level": "EQF:6",
        "field_of_study": "cip:51",
        "issued_on": "2026-05-20T00:00:00Z",
    }


def test_an_answer_to_another_question_is_refuted(town: Town, issuer: str, policy: Path, proof: Path) -> None:
    for words in ((ABSENT, "--for", "BachelorDegree"), (issuer, "--for", "MasterDegree"), (issuer,)):
        found = checked(town, proof, policy, *words, code=exits.RESULTS["refuted"])
        assert (found["result"], found["check"]) == ("refuted", "question")
    said = town.run("evidence", "check", proof, issuer, "--policy", policy, nodes=NOWHERE, code=10).stdout
    assert "answers a different question" in said
    assert "is mistaken or lying" not in said, "it may be we who took the wrong file"


def test_a_withheld_change_is_caught_whatever_note_it_comes_with(
    town: Town, issuer: str, policy: Path, proof: Path, tmp_path: Path
) -> None:
    fresh = town.policy(tmp_path / "fresh.txt")
    said = town.json("issuer", "update", "--id", issuer, "--name", "Renamed College", key="charity")["statements"][0]
    town.settle(said["id"])
    town.noted()
    after = tmp_path / "after.evidence"
    town.run("query", issuer, "--for", "BachelorDegree", "--policy", policy, "--evidence", after)
    old = checked(town, proof, policy, code=exits.RESULTS["stale"])
    assert (old["result"], old["check"]) == ("stale", "count")
    mixed = tmp_path / "mixed.evidence"
    mixed.write_bytes(forgeries.withhold(proof.read_bytes(), after.read_bytes()))
    for held in (policy, fresh):
        found = checked(town, mixed, held, code=exits.RESULTS["refuted"])
        assert (found["result"], found["check"]) == ("refuted", "proof")
    assert TrustPolicy.decode(fresh.read_bytes()).count == 0, "nothing false is remembered"
    out = town.run("evidence", "check", mixed, "--policy", policy, nodes=NOWHERE, code=10).stdout
    assert out.startswith("Refuted  by the check proof")
    assert "is mistaken or lying" in out


def test_a_forged_absence_is_vouched_for_by_the_forger_alone(
    town: Town, issuer: str, policy: Path, proof: Path, tmp_path: Path
) -> None:
    now = int(time.time())
    with NodeClient(town.urls[1]) as client:
        held = Snapshot.load(client.snapshot(), TrustPolicy.decode(policy.read_bytes()), now)
    denied = tmp_path / "denied.evidence"
    trust = CanonicalId("https://trust.example/")
    denied.write_bytes(forgeries.deny(proof.read_bytes(), held, keys_of(town, "node2"), trust, now))
    assert Evidence.decode(denied.read_bytes()).answer["verdict"] == "unknown_issuer"
    found = checked(town, denied, policy, issuer, "--for", "BachelorDegree", code=exits.RESULTS["unwitnessed"])
    assert (found["result"], found["check"], found["decision"]) == ("unwitnessed", "quorum", None)
    assert "node2.example" in found["text"]
    out = town.run("evidence", "check", denied, "--policy", policy, nodes=NOWHERE, code=11).stdout
    assert "only one node says so" in out


def test_an_old_note_cosigned_anew_by_one_signer_is_still_old(
    town: Town, issuer: str, proof: Path, tmp_path: Path
) -> None:
    strict = town.policy(tmp_path / "strict.txt", "--max-age", 1)
    time.sleep(2.1)
    stamped = tmp_path / "stamped.evidence"
    stamped.write_bytes(forgeries.restamp(proof.read_bytes(), keys_of(town, "node1"), int(time.time())))
    found = checked(town, stamped, strict, issuer, "--for", "BachelorDegree", code=exits.RESULTS["stale"])
    assert (found["result"], found["check"]) == ("stale", "age")


def test_a_policy_that_cannot_tell_says_unknown_and_neither_yes_nor_no(
    town: Town, policy: Path, proof: Path, tmp_path: Path
) -> None:
    narrow = town.policy(tmp_path / "narrow.txt", "--authority", AGENCY)
    expired = tmp_path / "expired.txt"
    ends = TrustPolicy.decode(policy.read_bytes())
    expired.write_bytes(replace(ends, expires=int(time.time()) - 1).encode())
    elsewhere = tmp_path / "elsewhere.txt"
    elsewhere.write_bytes(replace(ends, ecosystem=bytes(32), count=0, root=None).encode())
    for held, check in ((narrow, "authority"), (expired, "policy"), (elsewhere, "ecosystem")):
        found = checked(town, proof, held, code=exits.RESULTS["unknown"])
        assert (found["result"], found["check"]) == ("unknown", check)
    assert "neither a yes nor a no" in town.run("evidence", "check", proof, "--policy", expired, code=13).stdout


def test_a_damaged_file_is_refuted_by_its_form_and_what_cannot_be_asked_is_usage(
    town: Town, policy: Path, proof: Path, tmp_path: Path
) -> None:
    junk = tmp_path / "junk"
    for data in (proof.read_bytes()[:-1], proof.read_bytes() + b"x"):
        junk.write_bytes(data)
        found = checked(town, junk, policy, code=exits.RESULTS["refuted"])
        assert (found["check"], found["question"]) == ("form", None)
    assert town.run("evidence", "check", junk, "--policy", policy, code=10).stdout.startswith("Refuted")
    assert "A trust policy is needed" in town.run("evidence", "check", proof, code=3).stderr
    assert (
        "also need the issuer"
        in town.run("evidence", "check", proof, "--for", "Degree", "--policy", policy, code=2).stderr
    )
    assert "There is no trust policy" in town.run("evidence", "check", proof, "--policy", junk / "x", code=3).stderr
    assert str(junk) in town.run("evidence", "check", proof, "--policy", junk, code=3).stderr


def test_what_was_verified_stands_even_if_it_cannot_be_remembered(town: Town, proof: Path, tmp_path: Path) -> None:
    forgetful = town.policy(tmp_path / "forgetful.txt")
    forgetful.chmod(0o644)
    before = forgetful.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, limits[1]))
    try:
        result = town.run("evidence", "check", proof, "--policy", forgetful, nodes=NOWHERE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "What was verified could not be stored in" in result.stderr
    assert forgetful.read_bytes() == before
    town.run("evidence", "check", proof, "--policy", forgetful, nodes=NOWHERE)
    assert TrustPolicy.decode(forgetful.read_bytes()).count > 0
    assert forgetful.stat().st_mode & 0o777 == 0o644, "whoever could read it still can"


# ------------------------------------------------------------------------------------------------------ asking


def test_evidence_is_written_without_a_policy_too_and_never_over_a_file(
    town: Town, issuer: str, tmp_path: Path
) -> None:
    town.noted()
    target = tmp_path / "kept.evidence"
    words = ("query", issuer, "--for", "BachelorDegree", "--evidence", target)
    result = town.run(*words)
    assert f"Wrote {target}" in result.stderr
    assert result.stdout.startswith("Trusted")
    assert Evidence.decode(target.read_bytes()).query.entity == issuer
    assert "already exists" in town.run(*words, code=6).stderr


def test_one_node_that_lies_beside_one_that_does_not_changes_nothing(
    town: Town, issuer: str, policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.noted()
    decide = NodeClient.decide
    forged: dict[str, Any] = {}

    def lying(self: NodeClient, query: Any) -> dict[str, Any]:
        answer = decide(self, query)
        return {**answer, **forged} if self.url == town.urls[0] else answer

    monkeypatch.setattr(NodeClient, "decide", lying)
    words = ("query", issuer, "--for", "BachelorDegree", "--policy", policy)
    # What a node says beside its evidence is not even looked at.
    forged.update(verdict="not_trusted", authorized=False)
    assert town.json(*words)["decision"]["authorized"]
    forged.update(evidence="AAAA")
    both = town.run(*words)
    assert both.stdout.startswith("Verified")
    assert f"{town.urls[0]}: refuted, by the check form" in both.stdout
    assert town.json(*words, nodes=town.urls[:1], code=10)["check"] == "form"
    for nothing in (None, "", 7, "not base64"):
        forged.update(evidence=nothing)
        assert "sent no evidence, although it was asked for" in town.run(*words).stderr
        assert "sent no evidence" in town.run(*words, nodes=town.urls[:1], code=5).stderr
    forged.update(evidence=None, own_word=True)
    cautious = town.run(*words, code=1)
    assert cautious.stdout.startswith("Verified")
    assert f"Own word  of {town.urls[0]}: not_trusted" in cautious.stdout


# --------------------------------------------------------------------------------------------------- conflicts


def test_a_forked_log_convicts_itself(town: Town, issuer: str, tmp_path: Path) -> None:
    liar = keys_of(town, "node2")
    town.noted()
    with NodeClient(town.urls[1]) as client:
        checkpoint = client.checkpoint().encode()
        entries = list(read_entries(client, client.status()["checkpoint_size"], lambda _: None))
    file = tmp_path / "fork.conflict"
    file.write_bytes(forgeries.fork(entries, len(entries) // 2, checkpoint, liar).encode())
    charter = ("--charter", town.folder / "charter.toml")
    said = town.run("evidence", "check", file, *charter, nodes=NOWHERE).stdout
    assert said.startswith("Verified  node2.example signed two log checkpoints that cannot both be true.")
    assert f"entry {len(entries) // 2}, proved for each root" in said
    found = town.json("evidence", "check", file, *charter, nodes=NOWHERE)
    assert (found["kind"], found["result"], found["about"]) == ("conflict", "verified", "checkpoints")
    as_shown = tmp_path / "charter.json"
    as_shown.write_text(json.dumps(town.json("charter", "show")))
    assert town.json("evidence", "check", file, "--charter", as_shown, nodes=NOWHERE)["whose"] == "charter"
    ceremony = ("--charter", town.folder / "genesis.json")
    assert town.json("evidence", "check", file, *ceremony, nodes=NOWHERE)["whose"] == "charter"
    assert [one["size"] for one in found["signed"]] == [len(entries) - 1, len(entries)]
    assert "takes no question" in town.run("evidence", "check", file, issuer, code=2).stderr


def test_nobody_is_accused_by_a_name_that_a_forger_wrote(town: Town, policy: Path, tmp_path: Path) -> None:
    """Two checkpoints under a node's name, signed by anybody's key: a conflict, and not that node's."""
    file = tmp_path / "framed.conflict"
    file.write_bytes(forked_log("node2.example", KeyPair(bytes(31) + b"x")).encode())
    charter = ("--charter", town.folder / "charter.toml")

    for words, whose in (((), "unknown"), (("--policy", policy), "unknown"), (charter, "other_key")):
        found = town.json("evidence", "check", file, *words, nodes=NOWHERE, code=exits.RESULTS["unattributed"])
        assert (found["result"], found["whose"]) == ("unattributed", whose)
        said = town.run("evidence", "check", file, *words, nodes=NOWHERE, code=14).stdout
        assert said.startswith("Unattributed")
        assert "The owner of the key is unknown" in " ".join(said.split())
        assert "Verified" not in said
    assert "accuses nobody you know" in said
    assert "refused" in town.run("node", "accuse", file, code=1).stdout, "nodes compare with their records"
    answer = town.run("evidence", "check", file, "did:web:x.example", code=2).stderr
    assert "takes no question" in answer


def test_a_charter_is_no_judge_of_answers(town: Town, policy: Path, proof: Path, tmp_path: Path) -> None:
    charter = ("--charter", town.folder / "charter.toml")
    assert "only for conflicts" in town.run("evidence", "check", proof, "--policy", policy, *charter, code=2).stderr
    file = tmp_path / "framed.conflict"
    file.write_bytes(forked_log("node2.example", KeyPair(bytes(31) + b"x")).encode())
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("id = 'x'")
    assert "wrong.toml" in town.run("evidence", "check", file, "--charter", wrong, code=3).stderr


def test_a_signer_of_two_states_is_named_and_compared_with_the_policy(town: Town, policy: Path, tmp_path: Path) -> None:
    liar = keys_of(town, "node2")
    with NodeClient(town.urls[1]) as client:
        real = client.state_note()
    state = StateNote.decode(Note.decode(real).text)
    other = replace(state, root=bytes(32))
    second = Note(
        text=other.encode(), signatures=(cosign_state(other, liar.name, liar.state, int(time.time())),)
    ).encode()
    file = tmp_path / "states.conflict"
    found = conflict_of_states(real, second, signer_key(liar.name, liar.publics()["state"]))
    file.write_bytes(found.encode())
    assert "the key of that signer" in town.run("evidence", "check", file, "--policy", policy).stdout
    assert town.json("evidence", "check", file, code=14)["whose"] == "unknown"
    stranger = tmp_path / "stranger.txt"
    trusted = TrustPolicy.decode(policy.read_bytes())
    renamed = trusted.signers.encode().replace(
        found.key.encode().encode(), signer_key("x.example", liar.publics()["witness"]).encode().encode()
    )
    head = trusted.encode().partition(b"\n\n")[0]
    stranger.write_bytes(head + b"\n\n" + renamed)
    assert "is unknown" in town.run("evidence", "check", file, "--policy", stranger, code=14).stdout
    bent = bytearray(found.encode())
    bent[-2] ^= 1
    file.write_bytes(bytes(bent))
    refuted = town.json("evidence", "check", file, code=10)
    assert (refuted["kind"], refuted["result"]) == ("conflict", "refuted")
    assert town.run("evidence", "check", file, code=10).stdout.startswith("Refuted")


# ------------------------------------------------------------------------------------------------ news of one node


def test_a_suspension_without_a_quorum_is_told_as_the_nodes_own_word_and_is_not_a_yes(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    own = found_town(tmp_path_factory.mktemp("own-word"))
    try:
        one = own.urls[:1]
        issuer = "did:web:sudden.example"
        grant = own.write("grant.toml", own.run("accreditation", "template").stdout)
        own.run("issuer", "propose", "--id", issuer, "--name", "Sudden College", key="charity")
        granted = own.json("accreditation", "propose", grant, "--issuer", issuer, key="charity")["statements"][0]["id"]
        own.settle(granted)
        own.noted()
        policy = own.policy("policy.txt")
        words = ("query", issuer, "--for", "BachelorDegree", "--policy", policy)
        assert own.json(*words, nodes=one)["result"] == "verified"
        own.stop("node2")
        own.run("accreditation", "suspend", granted, "--code", "standards_noncompliance", key="charity", nodes=one)
        target = own.folder / "own.evidence"
        alone = own.run(*words, "--evidence", target, nodes=one, code=11)
        assert alone.stdout.startswith(f"Own word  of {one[0]}: suspended")
        assert "was not written" in alone.stderr
        assert not target.exists()
        found = own.json(*words, nodes=one, code=11)
        assert (found["result"], found["check"], found["decision"]) == ("unwitnessed", "own_word", None)
        plain = own.run("query", issuer, "--for", "BachelorDegree", "--evidence", target, nodes=one, code=1)
        assert plain.stdout.startswith("Suspended")
        assert found["own_word"][0]["verdict"] == "suspended"
        own.start("node2")
        own.noted()
        assert own.json(*words, code=1)["decision"]["verdict"] == "suspended"
    finally:
        own.stop_all()
        shutil.rmtree(own.folder)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is not an evidence file"),
        (b"\x89PNG\r\n\x1a\n", "is not an evidence file"),
        (b"accredit-snapshot/v1\n" + bytes(60), "is a snapshot"),
        (b"accredit trust policy 1\n", "is a trust policy"),
        (b'{"verdict": "trusted", "query": 1, "answer": 2}', "is JSON"),
        (b"-----BEGIN CERTIFICATE-----\n", "is a key or a certificate"),
        (b"\xa1\x61a\x01", "is not an evidence file"),
    ],
)
def test_a_file_of_another_kind_accuses_nobody(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "given").write_bytes(content)
    (tmp_path / "policy.txt").write_text("")
    words = ["evidence", "check", str(tmp_path / "given"), "--policy", str(tmp_path / "policy.txt")]
    result = CliRunner().invoke(accredit, words)
    assert result.exit_code == 3
    assert says in result.stderr
    assert "refuted" not in (result.stdout + result.stderr).lower()
    assert len(result.stderr.strip().splitlines()) == 2, "what it is, and what to do"
