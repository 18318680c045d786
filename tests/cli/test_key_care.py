"""Keys at the command line: copies that are behind, budgets that run out, successors."""

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from accredit.cli.commands.governance.keys import read_entry
from accredit.cli.main import accredit
from accredit.cli.signing.keys import unsent_path
from accredit.node.clients.node_client import NodeClient
from accredit.node.files import key_files
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.statement import Draft, decode, encode_signed
from tests.cli.town import CHARITY, Town, make_key
from tests.strategies.consortium import seed_of


def test_a_copy_of_a_key_from_before_asks_two_operators_and_then_goes_on(town: Town) -> None:
    path = town.key("agency")
    town.run("issuer", "propose", "--id", "did:web:copy1.example", "--name", "x", key="agency", nodes=town.urls[:1])
    table = json.loads(path.read_text())
    newest = table["last"]["id"]
    table["last"] = None
    path.write_text(json.dumps(table))
    words = ("issuer", "propose", "--id", "did:web:copy2.example", "--name", "x")
    alone = town.run(*words, key="agency", nodes=town.urls[:1], code=3)
    assert "Let nodes of two operators confirm that statement: add --node" in alone.stderr
    same = town.run(
        *words, key="agency", nodes=[town.urls[0], town.urls[0].replace("127.0.0.1", "localhost")], code=None
    )
    assert same.exit_code in (3, 5)
    town.settle(newest)
    town.run(*words, key="agency", nodes=town.urls)


def test_a_key_in_use_twice_is_noticed_before_it_forks(town: Town) -> None:
    make_key(town.folder, "charity-5", CHARITY)
    town.run("keys", "export", town.key("charity-5"), "-o", town.folder / "charity-5.toml")
    town.run("keys", "add", town.folder / "charity-5.toml", key="charity", nodes=town.urls[:1])
    words = ("issuer", "propose", "--name", "x", "--id")
    town.run(*words, "did:web:twice1.example", key="charity-5", nodes=town.urls[:1])
    table = json.loads(town.key("charity-5").read_text())
    table["last"]["id"] = "ab" * 32
    town.key("charity-5").write_text(json.dumps(table))
    result = town.run(*words, "did:web:twice2.example", key="charity-5", nodes=town.urls[:1], code=3)
    assert "two copies of the key are in use" in result.stderr


def test_a_node_that_makes_up_a_head_gets_nothing_signed(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("issuer", "propose", "--id", "did:web:head.example", "--name", "x", "--dry-run")
    foreign = town.json("keys", "status", town.key("agency"))["head"]
    ask = NodeClient.key

    def lying(self: NodeClient, kid: bytes | str) -> dict[str, Any]:
        return {**ask(self, kid), "head": foreign}

    monkeypatch.setattr(NodeClient, "key", lying)
    assert "that your key has not signed" in town.run(*words, key="charity", code=5).stderr
    monkeypatch.setattr(NodeClient, "key", lambda self, kid: {**ask(self, kid), "seq": 999})
    assert "contradicts itself" in town.run(*words, key="charity", code=5).stderr


def test_a_key_runs_out_of_budget_before_anything_is_signed(town: Town) -> None:
    make_key(town.folder, "charity-6", CHARITY)
    town.run("keys", "export", town.key("charity-6"), "-o", town.folder / "charity-6.toml")
    town.run("keys", "add", town.folder / "charity-6.toml", "--budget", "1", key="charity", nodes=town.urls[:1])
    words = ("issuer", "propose", "--name", "x", "--id")
    town.run(*words, "did:web:budget1.example", key="charity-6", nodes=town.urls[:1])
    result = town.run(*words, "did:web:budget2.example", key="charity-6", nodes=town.urls[:1], code=3)
    assert "budget is 1" in result.stderr


def test_a_key_does_not_give_most_of_its_budget_away_unasked(town: Town) -> None:
    one = town.urls[:1]
    for name in ("charity-7", "charity-8"):
        make_key(town.folder, name, CHARITY)
        town.run("keys", "export", town.key(name), "-o", town.folder / f"{name}.toml")
    town.run("keys", "add", town.folder / "charity-7.toml", "--budget", "100", key="charity", nodes=one)
    words = ("keys", "add", town.folder / "charity-8.toml")
    refused = town.run(*words, key="charity-7", nodes=one, code=3).stderr
    assert "would give away 10000 of the 99 statements" in refused
    assert "49 in total" in refused
    assert not unsent_path(town.key("charity-7")).exists()
    town.run(*words, "--budget", "60", key="charity-7", nodes=one)
    assert town.json("keys", "status", town.key("charity-8"), nodes=one)["budget"] == 60
    assert town.json("keys", "status", town.key("charity-7"), nodes=one)["seq"] == 1


def test_a_successor_named_in_an_exported_entry_gets_no_founders_budget_with_it(town: Town) -> None:
    make_key(town.folder, "charity-9", CHARITY)
    make_key(town.folder, "charity-9-next", CHARITY)
    entry = town.folder / "charity-9.toml"
    town.run("keys", "export", town.key("charity-9"), "--next", town.key("charity-9-next"), "-o", entry)
    assert read_entry(entry)["next"]["budget"] == 1_000_000
    added = town.json("keys", "add", entry, "--dry-run", key="charity", nodes=town.urls[:1])["statements"][0]
    assert added["state"] == "effective"
    assert read_entry(entry, budget=10)["next"]["budget"] == read_entry(entry, budget=10)["budget"] == 10


def test_the_last_good_statement_is_found_however_much_the_thief_has_signed_since(town: Town) -> None:
    """Found by its beginning, and all that begin so are seen: a thief may sign until one of his begins alike."""
    one = town.urls[:1]
    make_key(town.folder, "busy", CHARITY)
    town.run("keys", "export", town.key("busy"), "-o", town.folder / "busy.toml")
    town.run("keys", "add", town.folder / "busy.toml", key="charity", nodes=one)
    raws: list[bytes] = []
    with NodeClient(one[0]) as client:
        now = int(time.time())
        for seq in range(1, 1_003):
            prev = decode(raws[-1]).id if raws else None
            body = {"id": f"did:web:busy{seq}.example", "name": "x"}
            draft = Draft(
                iss=CHARITY, sub=body["id"], iat=now, eco=bytes.fromhex(town.ecosystem), kind="issuer.register",
                seq=seq, prev=prev, body=body,
            )  # fmt: skip
            raws.append(encode_signed(draft, KeyPair(seed_of("town busy"))))
        for begin in range(0, len(raws), 500):
            client.submit(raws[begin : begin + 500])
    good, kid = decode(raws[0]), decode(raws[0]).kid.hex()
    words = ("keys", "compromise", kid[:12])
    asked = town.run(*words, key="charity", nodes=one, code=3).stderr
    assert decode(raws[-10]).id.hex()[:12] in asked
    assert "and 992 older ones" in asked, "a list that is cut says so"
    said = town.json(*words, "--last", good.id.hex()[:12], key="charity", nodes=one)["statements"][0]
    assert said["state"] == "effective"
    town.run("issuer", "show", "did:web:busy1.example", nodes=one)
    town.run("issuer", "show", "did:web:busy2.example", nodes=one, code=3)


def test_a_node_that_gives_other_statements_of_a_stolen_key_is_not_believed(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = town.urls[:1]
    newest = town.json("issuer", "propose", "--id", "did:web:other.example", "--name", "x", key="charity", nodes=one)
    foreign = newest["statements"][0]["id"]
    ask = NodeClient.statement_bytes
    kid = town.json("keys", "status", town.key("agency"), nodes=one)["key"]
    town.run("issuer", "propose", "--id", "did:web:other2.example", "--name", "x", key="agency", nodes=one)
    head = town.json("keys", "status", town.key("agency"), nodes=one)["head"]

    def lying(self: NodeClient, statement: bytes | str) -> bytes:
        return ask(self, foreign if statement == head else statement)

    monkeypatch.setattr(NodeClient, "statement_bytes", lying)
    told = town.run("keys", "compromise", kid, "--last", "ab" * 6, "--dry-run", key="charity", nodes=one, code=5)
    assert "gives another statement than" in told.stderr


@pytest.mark.parametrize(
    ("words", "limits"),
    [((), "moderate"), (("--sealing", "moderate"), "moderate"), (("--sealing", "interactive"), "interactive")],
)
def test_a_key_is_sealed_as_strongly_as_it_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], limits: str
) -> None:
    """An option that was ignored would leave the keys of a governance body at the strength of a demonstration."""
    cheap = {"moderate": key_files.FASTEST, "interactive": replace(key_files.FASTEST, opslimit=2)}
    monkeypatch.setattr(key_files, "MODERATE", cheap["moderate"])
    monkeypatch.setattr(key_files, "INTERACTIVE", cheap["interactive"])
    (tmp_path / "passphrase").write_text("a long enough passphrase, of this test")
    more = ["--passphrase-file", str(tmp_path / "passphrase"), "--authority", "https://a.example/", *words]
    done = CliRunner().invoke(
        accredit, ["keys", "new", str(tmp_path / "a.key"), "--next", str(tmp_path / "b.key"), *more]
    )
    assert done.exit_code == 0, done.output
    assert ("discard the key soon" in done.stderr) is (limits == "interactive")
    for name in ("a.key", "b.key"):
        made = json.loads((tmp_path / name).read_text())
        assert made["sealed"]["opslimit"] == cheap[limits].opslimit
