"""Running nodes: joining, stopping, starting again, audits of stored bytes, logs proved, the charter amended."""

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from accredit.node.app import first_error
from accredit.registry.errors import StorageError
from accredit.registry.transparency.signed_note import KeyType, VerifierKey
from tests.cli.town import PASSPHRASE, ROOT, START_SECONDS, Town, found_town
from tests.strategies.fleet import quiet_port


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A consortium of this module's own: its nodes are stopped, damaged, amended."""
    made = found_town(tmp_path_factory.mktemp("own"))
    yield made
    made.stop_all()


def test_a_node_joins_reads_along_is_admitted_and_retired(own: Town) -> None:
    port = quiet_port()
    url, folder = f"http://127.0.0.1:{port}", own.folder / "node3"
    identity = ("--name", "node3.example", "--operator", "Example Library", "--url", url, "--port", port)
    words = ("node", "join", own.urls[0], "--folder", folder, *identity, "--ecosystem")
    wrong = own.run(*words, "ab" * 32, code=3)
    assert "serves the ecosystem" in wrong.stderr
    assert not folder.exists()
    joined = own.run(*words, own.ecosystem)
    assert "accredit node admit node-entry.toml" in joined.stdout
    assert len(tomllib.loads((folder / "node.toml").read_text())["peers"]) == 2
    own.urls.append(url)
    own.start("node3")
    said = own.json("node", "admit", folder / "node-entry.toml", key="agency", nodes=own.urls[:1])["statements"][0]
    assert said["state"] == "waiting"
    own.run("approve", said["id"], key="charity", nodes=own.urls[:1])
    own.settle(said["id"])
    assert "node3.example" in own.run("node", "peers", nodes=own.urls[:1]).stdout
    later = own.json(
        "issuer", "propose", "--id", "did:web:later.example", "--name", "x", key="agency", nodes=own.urls[2:]
    )
    own.settle(later["statements"][0]["id"])
    assert own.stop("node3") == 0
    unknown = own.run("node", "retire", "node9.example", key="agency", nodes=own.urls[:1], code=3)
    assert "Active nodes: node1.example" in unknown.stderr
    retire = ("node", "retire", "node3.example", "--reason", "x")
    gone = own.json(*retire, key="agency", nodes=own.urls[:1])["statements"][0]
    own.run("approve", gone["id"], key="charity", nodes=own.urls[:1])
    assert "node3.example" not in own.run("node", "peers", nodes=own.urls[:1]).stdout
    del own.urls[2:]


def test_status_compares_nodes_and_names_one_that_is_down(own: Town) -> None:
    status = own.run("node", "status")
    assert "node1.example" in status.stdout
    down = own.run("node", "status", nodes=[own.urls[0], "http://127.0.0.1:9"], code=1)
    assert "unreachable" in down.stdout
    own.run("node", "status", nodes=["http://127.0.0.1:9"], code=5)


def test_a_port_in_use_and_a_second_process_on_one_database_are_refused_in_words(own: Town) -> None:
    def tried(port: str) -> str:
        words = [
            sys.executable,
            "-c",
            "from accredit.cli.main import main; main()",
            "node",
            "run",
            str(own.folder / "node1"),
        ]
        environment = {"ACCREDIT_PORT": port, "PATH": ""}
        done = subprocess.run(
            words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=START_SECONDS, check=False
        )
        assert done.returncode in (3, 6)
        assert "Traceback" not in done.stderr
        return done.stderr

    assert "another program already listens" in tried(own.urls[1].rpartition(":")[2])
    assert "Error:" in tried("0")


def test_a_node_that_is_stopped_answers_who_waits_and_goes_on_where_it_was(own: Town) -> None:
    said = own.json(
        "issuer", "propose", "--id", "did:web:stop.example", "--name", "x", key="agency", nodes=own.urls[:1]
    )
    assert own.stop("node1") == 0
    own.start("node1")
    assert own.json("issuer", "show", "did:web:stop.example", nodes=own.urls[:1])["name"] == "x"
    own.settle(said["statements"][0]["id"])
    process = own.nodes["node1"].process
    assert process is not None
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=START_SECONDS) == 0
    own.start("node1")


def test_an_audit_derives_everything_again_and_compares_it_with_what_the_node_says(own: Town) -> None:
    result = own.run("node", "audit", own.folder / "node1", "--node", own.urls[0])
    assert "reported state_root" in result.stdout
    assert "differs" not in result.stdout
    other = own.json("node", "audit", own.folder / "node1" / "node.toml")
    assert other["fits"]
    assert {one["what"] for one in other["findings"]} >= {
        "log",
        "signatures",
        "checkpoint",
        "signed head",
        "charter",
        "records",
    }


def copied(own: Town, tmp_path: Path) -> Path:
    """The files of a node that was stopped for the moment of copying."""
    own.stop("node2")
    target = tmp_path / "node2"
    shutil.copytree(own.folder / "node2", target)
    own.start("node2")
    return target


def test_an_audit_names_the_first_thing_that_does_not_fit(own: Town, tmp_path: Path) -> None:
    folder = copied(own, tmp_path)
    database = next((folder / "data").glob("*.sqlite"))
    pristine = database.read_bytes()
    with sqlite3.connect(database) as connection:
        raw = connection.execute("SELECT raw FROM statements WHERE number = 2").fetchone()[0]
        connection.execute("UPDATE statements SET raw = ? WHERE number = 2", (raw[:-1] + bytes([raw[-1] ^ 1]),))
    connection.close()
    flipped = own.run("node", "audit", folder, code=6)
    assert "entry 2" in flipped.stderr or "tile 0" in flipped.stderr
    database.write_bytes(pristine)
    head = folder / "data-heads" / "log.json"
    last = json.loads(head.read_text())
    for change, says in (
        ({"size": last["size"] + 1}, "a backup was restored"),
        ({"root": "ab" * 32}, "not in this log"),
    ):
        head.write_text(json.dumps({**last, **change}))
        assert says in own.run("node", "audit", folder, code=1).stdout
    head.write_text(json.dumps(last))
    config = folder / "node.toml"
    config.write_text(config.read_text().replace("node2.example", "node9.example"))
    assert "is the log of node2.example" in own.run("node", "audit", folder, code=6).stderr


def test_an_audit_derives_noted_and_cosigned_states_again_and_names_a_flipped_bit(own: Town, tmp_path: Path) -> None:
    def audited(folder: Path) -> dict[str, str]:
        return {one["what"]: one["detail"] for one in own.json("node", "audit", folder)["findings"]}

    deadline = time.monotonic() + START_SECONDS
    while "by 2 of 2 signers" not in audited(own.folder / "node2")["noted state"]:
        assert time.monotonic() < deadline, "both signers hold the same, and nobody else speaks"
    folder = copied(own, tmp_path)
    database, state = next((folder / "data").glob("*.sqlite")), folder / "data-heads" / "state.json"
    found = audited(folder)
    assert "by 2 of 2 signers" in found["noted state"]
    kept = json.loads(state.read_text())
    count, root = kept["text"].split("\n")[1:3]
    assert found["cosigned state"].startswith(f"{count} statements, root")
    with sqlite3.connect(database) as connection:
        stored = connection.execute("SELECT value FROM kept WHERE name = 'state_note'").fetchone()[0]
        pristine = database.read_bytes()
        for place in (stored.index(root.encode()) + 5, len(stored) - 30, stored.rindex(b"node2.example")):
            bad = stored[:place] + bytes([stored[place] ^ 1]) + stored[place + 1 :]
            connection.execute("UPDATE kept SET value = ? WHERE name = 'state_note'", (bad,))
            connection.commit()
            assert own.run("node", "audit", folder, code=None).exit_code in (1, 6), place
    connection.close()
    database.write_bytes(pristine)
    other = ("A" if root[0] != "A" else "B") + root[1:]
    state.write_text(json.dumps({**kept, "text": kept["text"].replace(root, other)}))
    assert "does not follow from the log" in own.run("node", "audit", folder, code=6).stderr


def test_an_audit_against_a_node_that_holds_something_else_says_so(own: Town) -> None:
    result = own.run("node", "audit", own.folder / "node1", "--node", "http://127.0.0.1:9", code=1)
    assert "could not be reached" in result.stdout


def test_a_statement_is_proved_to_be_in_a_log_and_the_proof_checked_without_a_network(
    own: Town, tmp_path: Path
) -> None:
    one = own.urls[:1]
    said = own.json("issuer", "propose", "--id", "did:web:proved.example", "--name", "x", key="agency", nodes=one)
    id_ = said["statements"][0]["id"]
    own.settle(id_)
    shown = own.json("log", "show", nodes=one)
    proof = tmp_path / "proof.tlog"
    own.run("log", "prove", id_[:10], "-o", proof, nodes=one)
    verified = own.json("log", "verify", proof, "--log-key", shown["log_key"], nodes=["http://127.0.0.1:9"])
    assert verified["statement"] == id_
    assert "It is in the log of node1.example" in own.run("log", "verify", proof, nodes=own.urls[1:]).stdout
    key = VerifierKey.decode(shown["log_key"])
    other = VerifierKey.decode(own.json("log", "show", nodes=own.urls[1:])["log_key"])
    renamed = VerifierKey(name=key.name, type=KeyType.ED25519, public=other.public).encode()
    witness = VerifierKey(name=key.name, type=KeyType.COSIGNATURE_V1, public=key.public).encode()
    assert "No known key signed" in own.run("log", "verify", proof, "--log-key", renamed, code=3).stderr
    assert "witness's key" in own.run("log", "verify", proof, "--log-key", witness, code=3).stderr
    text = proof.read_bytes()
    proof.write_bytes(text.replace(b"index ", b"index 1", 1))
    own.run("log", "verify", proof, "--log-key", shown["log_key"], code=3)
    header, _, rest = text.partition(b"\nextra ")
    proof.write_bytes(header + b"\n" + rest.partition(b"\n")[2])
    assert "does not contain its statement" in own.run("log", "verify", proof, code=3).stderr
    assert "has signed" not in own.run("log", "verify", own.urls[0]).stdout


def test_a_whole_log_is_read_and_its_root_derived(own: Town) -> None:
    for url in own.urls:
        assert "The log is complete." in own.run("log", "verify", url).stdout
    derived = [own.json("log", "verify", url) for url in own.urls]
    assert derived[0]["records_root"] == derived[1]["records_root"], "two logs, one set, one map"
    assert any(one["state_compared"] for one in derived)
    other = own.json("log", "show", nodes=own.urls[1:])["log_key"]
    own.run("log", "verify", own.urls[0], "--log-key", other, code=3)


def test_the_charter_is_amended_by_its_authorities_and_its_history_shows_it(own: Town) -> None:
    one = own.urls[:1]
    text = own.run("charter", "show", "--toml", nodes=one).stdout.replace("Example Trust", "Example Trust II")
    path = own.write("next.toml", text)
    said = own.run("charter", "amend", path, key="council-1", nodes=own.urls)
    assert "changes name" in said.output
    id_ = own.json("inbox", "--all", nodes=one)["proposals"][0]["id"]
    for key in ("council-2", "agency"):
        own.run("approve", id_, key=key, nodes=one)
    assert own.json("charter", "show", nodes=one)["version"] == 2
    history = own.run("charter", "history", nodes=one).stdout
    assert "founded" in history
    assert "name" in history
    assert "Example Trust II" in own.run("charter", "show", nodes=one).stdout


def test_a_charter_published_early_is_approved_through_the_nodes(tmp_path: Path) -> None:
    town = found_town(tmp_path, signers=())
    try:
        one = town.urls[:1]
        assert "not yet" in town.run("charter", "show", nodes=one).stdout
        waiting = town.json("inbox", "--all", nodes=one)["proposals"]
        assert [proposal["id"] for proposal in waiting] == [town.ecosystem]
        for name in ("council-2", "agency"):
            town.run("approve", town.ecosystem[:12], key=name, nodes=one)
        assert town.json("charter", "show", nodes=one)["effective"]
    finally:
        for name in list(town.nodes):
            assert town.stop(name) == 0


def test_a_node_with_sealed_keys_runs_with_its_passphrase_file_only(own: Town, tmp_path: Path) -> None:
    seal = tmp_path / "seal"
    seal.write_text(PASSPHRASE)
    folder, port = tmp_path / "sealed", quiet_port()
    words = ("--name", "sealed.example", "--operator", "x", "--url", f"http://127.0.0.1:{port}", "--port", port)
    own.run("node", "join", own.urls[0], "--ecosystem", own.ecosystem, "--folder", folder, *words, "--seal", seal)
    assert "seeds" not in json.loads((folder / "data" / "node-keys.json").read_text())
    seal.write_text("wrong")
    assert "not the passphrase" in own.run("node", "run", folder, code=3).stderr


def test_of_several_errors_that_end_a_node_ours_is_the_one_that_is_told() -> None:
    ours = StorageError("disk_full", "There is no room.")
    group = BaseExceptionGroup("x", [ValueError("a"), BaseExceptionGroup("y", [KeyError("b"), ours])])
    assert first_error(group) is ours
    assert isinstance(first_error(BaseExceptionGroup("x", [ValueError("a")])), ValueError)
