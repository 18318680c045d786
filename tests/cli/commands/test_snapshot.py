"""Snapshots: fetched whole or by what changed, verified before they replace anything, asked offline, never beyond."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from accredit.cli.base import exits
from accredit.node.clients.node_client import NodeClient
from accredit.registry.evidence.trust_policy import TrustPolicy
from tests.cli.town import AGENCY, CHARITY, Town

NOWHERE = ["http://127.0.0.1:9"]


@pytest.fixture(scope="module")
def issuer(town: Town) -> str:
    return town.accredited("did:web:snap.example", "Snap College")


@pytest.fixture
def snapshot(town: Town, issuer: str, policy: Path, tmp_path: Path) -> Path:
    assert issuer
    town.noted()
    path = tmp_path / "all.snapshot"
    assert town.json("snapshot", "sync", path, "--policy", policy)["fetched"] == "whole"
    return path


def say_something(town: Town, id_: str) -> None:
    said = town.json("issuer", "propose", "--id", id_, "--name", "x", key="agency")["statements"][0]
    town.settle(said["id"])
    town.noted()


def count_of(policy: Path) -> int:
    return TrustPolicy.decode(policy.read_bytes()).count


def test_a_snapshot_is_asked_without_a_network_and_brought_up_to_date_by_what_changed(
    town: Town, issuer: str, policy: Path, snapshot: Path
) -> None:
    words = ("--policy", policy)
    asked = ("snapshot", "query", snapshot, issuer, "--for", "BachelorDegree", *words)
    said = town.run(*asked, nodes=NOWHERE).stdout
    assert said.startswith("Verified  2 signers")
    assert "Snap College" in said
    assert "Open Charity ← the charter" in said
    assert town.json(*asked, nodes=NOWHERE)["verdict"] == "trusted_with_advisory"
    new = "did:web:snap-new.example"
    known = ("snapshot", "query", snapshot, new, "--for", "Degree", *words)
    assert town.json(*known, nodes=NOWHERE, code=1)["verdict"] == "unknown_issuer"
    say_something(town, new)
    synced = town.json("snapshot", "sync", snapshot, *words)
    assert synced["fetched"] == "what changed"
    assert synced["statements"] > synced["statements_before"]
    assert count_of(policy) == synced["statements"]
    assert town.json(*known, nodes=NOWHERE, code=1)["verdict"] == "not_trusted"
    shown = town.run("snapshot", "show", snapshot, *words, nodes=NOWHERE).stdout
    assert "yes; until" in shown
    assert "2 node" in shown
    assert town.json("snapshot", "show", snapshot, *words)["records"]["charter"] == 1


def test_beyond_its_note_a_snapshot_says_not_covered_and_never_not_revoked(
    town: Town, issuer: str, policy: Path, snapshot: Path
) -> None:
    policy.write_bytes(replace(TrustPolicy.decode(policy.read_bytes()), max_age=1).encode())
    time.sleep(2.1)
    words = ("snapshot", "query", snapshot, issuer, "--for", "BachelorDegree", "--policy", policy)
    said = town.run(*words, nodes=NOWHERE, code=exits.RESULTS["stale"]).stdout
    assert said.startswith("Not covered")
    assert "accredit snapshot sync" in said
    assert "revoked" not in said
    found = town.json(*words, nodes=NOWHERE, code=12)
    assert (found["result"], found["verdict"], found["authorized"]) == ("stale", "stale_view", False)
    assert "no: update it" in town.run("snapshot", "show", snapshot, "--policy", policy).stdout


def test_an_authority_that_the_policy_does_not_rely_on_is_unknown(
    town: Town, issuer: str, snapshot: Path, tmp_path: Path
) -> None:
    narrow = town.policy(tmp_path / "narrow.txt", "--authority", CHARITY)
    words = ("snapshot", "query", snapshot, issuer, "--for", "BachelorDegree", "--policy", narrow, "--authority")
    assert town.run(*words, AGENCY, nodes=NOWHERE, code=exits.RESULTS["unknown"]).stdout.startswith("Unknown")
    town.run(*words, CHARITY, nodes=NOWHERE)


def test_a_snapshot_older_than_what_was_verified_since_is_not_asked_but_is_a_start(
    town: Town, issuer: str, policy: Path, snapshot: Path
) -> None:
    say_something(town, "did:web:snap-newer.example")
    town.run("query", issuer, "--for", "BachelorDegree", "--policy", policy)
    stale = ("snapshot", "query", snapshot, issuer, "--for", "BachelorDegree", "--policy", policy)
    assert "was verified before" in town.run(*stale, nodes=NOWHERE, code=12).stderr
    assert town.json("snapshot", "sync", snapshot, "--policy", policy)["fetched"] == "what changed"
    town.run(*stale, nodes=NOWHERE)


def test_a_delta_that_leads_nowhere_is_discarded_and_the_whole_fetched(
    town: Town, policy: Path, snapshot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = NodeClient.snapshot
    before = snapshot.read_bytes()

    def bent(self: NodeClient, *, since: Any = None) -> bytes:
        data = bytearray(fetch(self, since=since))
        if since is not None:
            data[40] ^= 1
        return bytes(data)

    monkeypatch.setattr(NodeClient, "snapshot", bent)
    say_something(town, "did:web:snap-bent.example")
    result = town.run("snapshot", "sync", snapshot, "--policy", policy)
    assert "The full snapshot is fetched instead." in result.stderr
    assert "(whole)" in result.stdout
    monkeypatch.setattr(NodeClient, "snapshot", lambda self, **_: fetch(self)[:-1] + b"x")
    held = snapshot.read_bytes()
    assert held != before
    town.run("snapshot", "sync", snapshot, "--policy", policy, code=exits.RESULTS["refuted"])
    assert snapshot.read_bytes() == held, "what does not verify replaces nothing"
    monkeypatch.setattr(NodeClient, "snapshot", fetch)
    down = town.run("snapshot", "sync", snapshot, "--policy", policy, nodes=[*NOWHERE, town.urls[1]])
    assert "could not be reached" in down.stderr
    town.run("snapshot", "sync", snapshot, "--policy", policy, nodes=NOWHERE, code=5)


def test_a_file_that_is_something_else_is_not_overwritten_and_one_that_does_not_stand_is(
    town: Town, policy: Path, snapshot: Path, tmp_path: Path
) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear Ada,\n")
    assert "not a snapshot" in town.run("snapshot", "sync", letter, "--policy", policy, code=3).stderr
    assert letter.read_text() == "Dear Ada,\n"
    data = bytearray(snapshot.read_bytes())
    data[30] ^= 1  # in the root over the statements
    snapshot.write_bytes(bytes(data))
    assert "do not lead to the root" in town.run("snapshot", "show", snapshot, "--policy", policy, code=3).stderr
    result = town.run("snapshot", "sync", snapshot, "--policy", policy)
    assert "can no longer be used" in result.stderr
    town.run("snapshot", "show", snapshot, "--policy", policy)
