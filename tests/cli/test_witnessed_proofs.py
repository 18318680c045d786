"""A proof carries what witnesses signed, and counts for those who ask for witnesses."""

import time
from pathlib import Path
from typing import Any

from accredit.registry.transparency.checkpoint import LogProof
from accredit.registry.transparency.signed_note import VerifierKey
from accredit.registry.transparency.tlog_policy import Log, Policy, PolicyWitness
from tests.cli.town import START_SECONDS, Town


def witnessed(town: Town) -> dict[str, Any]:
    """The checkpoint of node 1, as soon as its witness has cosigned it."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        shown: dict[str, Any] = town.json("log", "show", nodes=town.urls[:1])
        if shown["witnesses"]:
            return shown
        assert time.monotonic() < deadline, "nobody cosigned it"
        time.sleep(0.1)


def test_a_proof_counts_where_its_witnesses_are_relied_on_and_nowhere_else(town: Town, tmp_path: Path) -> None:
    shown = witnessed(town)
    assert [one["name"] for one in shown["witnesses"]] == ["node2.example"]
    assert "witnessed by" in town.run("log", "show", nodes=town.urls[:1]).stdout
    proof = tmp_path / "proof.tlog"
    town.run("log", "prove", town.ecosystem, "-o", proof, nodes=town.urls[:1])
    assert b"node2.example" in LogProof.decode(proof.read_bytes()).checkpoint
    log = Log(key=VerifierKey.decode(shown["log_key"]))
    witness = PolicyWitness(name="two", key=VerifierKey.decode(shown["witnesses"][0]["key"]))
    policy = tmp_path / "witnesses.policy"
    policy.write_bytes(Policy(logs=(log,), witnesses=(witness,), quorum="two").encode())
    nobody = ["http://127.0.0.1:9"]
    verified = town.json("log", "verify", proof, "--policy", policy, nodes=nobody)
    assert (verified["verified"], verified["witnesses"]) == (True, ["node2.example"])
    # The same proof, from before anybody had witnessed it.
    alone = tmp_path / "alone.tlog"
    lines = proof.read_bytes().splitlines(keepends=True)
    alone.write_bytes(b"".join(line for line in lines if b" node2.example " not in line))
    refused = town.run("log", "verify", alone, "--policy", policy, nodes=nobody, code=3)
    assert "not enough" in refused.stderr
    assert town.json("log", "verify", alone, "--log-key", shown["log_key"], nodes=nobody)["witnesses"] == []
    policy.write_bytes(Policy(witnesses=(witness,), quorum="two").encode())
    assert "lacks the log" in town.run("log", "verify", proof, "--policy", policy, nodes=nobody, code=3).stderr
    assert "proof files" in town.run("log", "verify", town.urls[0], "--policy", policy, code=3).stderr
