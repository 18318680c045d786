"""Whether a statement is under a quorum's note, typed: proved under the asker's own policy, by any node that can."""

from pathlib import Path

import pytest

from accredit.cli.verifying.statement_proof import word_of
from accredit.registry.evidence.trust_policy import TrustPolicy
from accredit.registry.transparency.signed_note import VerifierKey
from accredit.registry.transparency.tlog_policy import threshold_policy
from tests.cli.town import Town
from tests.strategies.noted import signer_keys

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def said(town: Town) -> str:
    """The id of a statement that every node holds and a quorum has noted."""
    found = town.json("issuer", "propose", "--id", "did:web:present.example", "--name", "x", key="agency")
    id_: str = found["statements"][0]["id"]
    town.settle(id_)
    town.noted()
    return id_


def test_a_statement_is_proved_to_be_there_and_an_unknown_one_not_to_be(town: Town, said: str, policy: Path) -> None:
    asked = ("log", "prove", said, "--state", "--policy", policy)
    told = town.run(*asked).stdout
    assert told.startswith("Accepted: the state of")
    assert "vouched for" in told
    found = town.json("log", "prove", said[:10], "--state", "--policy", policy, nodes=[NOWHERE, town.urls[1]])
    assert (found["statement"], found["present"], found["node_says"]) == (said, True, None)
    assert TrustPolicy.decode(policy.read_bytes()).count == found["statements"], "no older state from now on"
    unknown = town.run("log", "prove", "ab" * 32, "--state", "--policy", policy, code=1).stdout
    assert "does not include statement abab" in unknown
    assert "has never seen the statement" in unknown
    assert town.json("log", "prove", "ab" * 32, "--state", "--policy", policy, code=1)["present"] is False
    assert "begins with abababab" in town.run("log", "prove", "abababab", "--state", "--policy", policy, code=3).stderr


def test_a_policy_of_other_signers_proves_nothing_and_that_is_no_no(town: Town, said: str, policy: Path) -> None:
    relied_on = TrustPolicy.decode(policy.read_bytes())
    strangers: list[VerifierKey] = signer_keys(3)
    policy.write_bytes(
        TrustPolicy(
            ecosystem=relied_on.ecosystem,
            charter=relied_on.charter,
            version=relied_on.version,
            step=relied_on.step,
            signers=threshold_policy(strangers, 3),
            max_age=relied_on.max_age,
            expires=relied_on.expires,
            authorities=relied_on.authorities,
        ).encode()
    )
    assert "Error" in town.run("log", "prove", said, "--state", "--policy", policy, code=11).stderr


def test_a_statement_that_is_absent_is_told_apart_from_one_that_is_late() -> None:
    assert "never seen" in word_of(None)
    void = word_of({"state": "void", "reason": "Its key had already been cut off."})
    assert void == "the statement is void: Its key had already been cut off."
    assert "Ask again in a moment" in word_of({"state": "effective", "reason": ""})


def test_what_is_missing_or_surplus_on_the_command_line_is_said(
    town: Town, said: str, policy: Path, tmp_path: Path
) -> None:
    assert "--state needs --policy" in town.run("log", "prove", said, "--state", code=2).stderr
    target = tmp_path / "proof"
    surplus = town.run("log", "prove", said, "--state", "--policy", policy, "-o", target, code=2)
    assert "writes no file" in surplus.stderr
    assert not target.exists()
    nobody = town.run("log", "prove", said, "--state", "--policy", tmp_path / "none", code=3).stderr
    assert "There is no trust policy" in nobody
