"""Whoever looks after nodes sees how they are, why somebody is missing, and who was caught lying."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from accredit.cli.base import exits
from accredit.cli.commands.operator.node_status import missing
from accredit.node.files.key_files import NodeKeys
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.transparency.equivocation import check
from tests.cli.town import Town, found_town
from tests.strategies import loopback
from tests.strategies.contradictions import forked_log
from tests.strategies.fleet import eventually


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A consortium of this module's own: its nodes are accused and killed."""
    made = found_town(tmp_path_factory.mktemp("own"))
    yield made
    made.stop_all()


def lie_of(own: Town, node: str) -> bytes:
    keys = NodeKeys.load(own.folder / node / "data" / "node-keys.json")
    return forked_log(keys.name, keys.log).encode()


def test_peers_are_shown_with_how_it_goes_with_them(own: Town) -> None:
    def in_mesh() -> bool:
        (peer,) = (one["peer"] for one in own.json("node", "peers", nodes=own.urls[:1])["nodes"] if one["peer"])
        return bool(peer["is_mesh"] and peer["round_trip_ms"] is not None)

    eventually(in_mesh, "the two nodes are in each other's mesh")
    shown = own.run("node", "peers", nodes=own.urls[:1]).stdout
    who, how = shown.split("Other nodes, as node1.example sees them:")
    assert "did:web:agency.example" in who
    assert "this node" in who
    header, row = how.strip().splitlines()[:2]
    for word in ("mesh", "last heard", "round trip", "we lack", "it lacks", "first", "again", "strikes", "queued"):
        assert word in header
    assert row.startswith("node2.example  yes")
    assert " ms " in row
    rows = {one["name"]: one["peer"] for one in own.json("node", "peers", nodes=own.urls[:1])["nodes"]}
    assert rows["node1.example"] is None
    assert rows["node2.example"]["failures"] == 0


def test_a_node_nobody_caught_is_said_so(own: Town) -> None:
    assert "No node was caught" in own.run("node", "conflicts").stdout
    assert own.json("node", "conflicts") == {"conflicts": [], "failed": []}


def test_a_lie_shown_to_a_node_is_an_alarm_is_saved_and_survives_a_restart(own: Town, tmp_path: Path) -> None:
    file = tmp_path / "lie"
    file.write_bytes(lie_of(own, "node2"))
    one = own.urls[:1]
    assert "kept, and passed on to the other nodes" in own.run("node", "accuse", file, nodes=one).stdout
    assert "already known" in own.run("node", "accuse", file, nodes=one).stdout
    shown = own.run("node", "conflicts", "--save", tmp_path / "proof", nodes=one).stdout
    assert "node2.example" in shown
    assert "two log checkpoints" in shown
    (saved,) = (tmp_path / "proof").iterdir()
    assert saved.read_bytes() == file.read_bytes()
    assert "Verified" in own.run("evidence", "check", saved, "--charter", own.folder / "charter.toml", nodes=one).stdout
    assert own.stop("node1") == 0
    own.start("node1")
    (row,) = own.json("node", "conflicts", nodes=one)["conflicts"]
    assert (row["name"], row["kind"], row["nodes"]) == ("node2.example", "checkpoints", one)
    assert check(loopback.get(f"{one[0]}/v1/conflicts/{row['id']}").content).key.name == "node2.example"
    status = own.run("node", "status", nodes=one).stdout
    assert "! node1.example: node2.example signed two checkpoints of its log that cannot both be true" in status


def test_what_proves_nothing_is_not_even_sent(own: Town, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(lie_of(own, "node2")[:-1])
    own.run("node", "accuse", file, nodes=["http://127.0.0.1:9"], code=3)
    file.write_bytes(forked_log("node2.example", KeyPair(bytes(32))).encode())
    refused = own.run("node", "accuse", file, nodes=own.urls[:1], code=1)
    assert "not the key of a node" in refused.stdout
    for words in (("node", "conflicts"), ("node", "accuse", file)):
        gone = own.run(*words, nodes=["http://127.0.0.1:9"], code=exits.REMOTE)
        assert "could not be reached" in gone.stderr
        assert "was caught" not in gone.stdout, "nobody answered"


def test_a_missing_signer_is_named_with_since_when_and_why() -> None:
    """Two minutes pass until a running node misses one; `tests/node/http/routes/test_operations.py` has the reasons."""
    row = {"name": "node2.example", "last_seen": "2026-11-23T15:00:00Z", "count": 12, "why": "it does not answer"}
    assert missing(row) == (
        "the signer node2.example is missing since 2026-11-23 15:00:00 UTC, when it cosigned a state of 12 statements: "
        "it does not answer"
    )
    never = {"name": "node2.example", "last_seen": None, "count": None}
    assert missing(never) == "the signer node2.example is missing and has never been seen"
