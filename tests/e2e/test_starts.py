"""What stops a node from starting, each with a sentence that says what to do; and what must not stop it."""

import json
import shlex
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from accredit.node.files.key_files import FASTEST, NodeKeys
from tests.strategies.bodies import register
from tests.strategies.fleet import Fleet, accredit, eventually, founding, quiet_port
from tests.strategies.network import A, B, node_seed

DEAD_PROXY = "http://127.0.0.1:9"  # nothing listens on the discard port


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """One node that has run, and stands."""
    with founding(tmp_path, "node1") as made:
        made.start()
        assert made["node1"].stop() == 0
        yield made


def test_a_restored_backup_does_not_start_and_nothing_is_signed(fleet: Fleet) -> None:
    node = fleet["node1"]
    shutil.copytree(node.database.parent, fleet.folder / "backup")
    node.start()
    node.submit(fleet.town.says(A, "issuer.register", register()))
    assert node.stop() == 0
    head = (node.heads / "log.json").read_bytes()
    shutil.rmtree(node.database.parent)
    shutil.copytree(fleet.folder / "backup", node.database.parent)
    said = node.refuses_to_start()
    assert "signed a log of 4 entries" in said
    assert "holds only 3" in said
    assert "backup was restored" in said
    assert "Do not delete" in said
    assert (node.heads / "log.json").read_bytes() == head
    finding = next(one for one in node.audit(code=1).json()["findings"] if not one["fits"])
    assert finding["what"] == "signed head"


def test_without_the_folder_of_signed_heads_it_does_not_start(fleet: Fleet) -> None:
    """Somebody moved the database to a new machine, and left behind what keeps it from forking."""
    node = fleet["node1"]
    shutil.move(node.heads, fleet.folder / "elsewhere")
    said = node.refuses_to_start()
    assert "signed a log of 3 entries" in said
    assert "log.json" in said
    assert "does not exist" in said
    assert "Put the original file back" in said
    assert not node.heads.exists(), "nothing that looks like a memory was made up"
    assert [one["what"] for one in node.audit(code=1).json()["findings"] if not one["fits"]] == ["signed head"]

    older = node.heads / "log.json"
    node.heads.mkdir()
    older.write_text(json.dumps({"size": 1, "root": "00" * 32}))
    assert "records only 1" in node.refuses_to_start()

    node.heads.rename(fleet.folder / "older")
    shutil.move(fleet.folder / "elsewhere", node.heads)
    node.start()
    assert node.client.status()["checkpoint_size"] == 3


def test_what_belongs_to_somebody_else_is_refused(fleet: Fleet) -> None:
    node = fleet["node1"]
    (fleet.folder / "other").mkdir()
    with founding(fleet.folder / "other", "node1", "node2") as others:
        assert others.town.eco != fleet.town.eco
        stranger = others["node1"]
        (stranger.database).write_bytes(node.database.read_bytes())
        said = stranger.refuses_to_start()
        assert f"belongs to the ecosystem {fleet.town.eco.hex()}" in said
        assert "data_dir" in said

        keys = others["node2"].folder / "data" / "node-keys.json"
        said = stranger.refuses_to_start(env={"ACCREDIT_KEYS_FILE": str(keys)}, code=3)
        assert "holds the keys of node2, not of node1" in said

        genesis = str(fleet["node1"].folder / "genesis.cose")
        said = others["node2"].refuses_to_start(env={"ACCREDIT_GENESIS_FILE": genesis}, code=3)
        assert f"founds {fleet.town.eco.hex()[:12]}" in said
    node.database.write_bytes(b"SQLite format 3\0 but not ours, of course" * 100)
    assert "node.sqlite" in node.refuses_to_start()


def test_a_second_process_on_the_same_folder_is_refused_and_the_first_goes_on(fleet: Fleet) -> None:
    node = fleet["node1"]
    node.start()
    assert node.process is not None
    said = node.refuses_to_start(env={"ACCREDIT_PORT": str(quiet_port())})
    assert f"A node is already running on {node.database} (process {node.process.pid})" in said
    assert f"another program already listens on 127.0.0.1:{node.port}" in node.refuses_to_start(code=3)
    node.submit(fleet.town.says(A, "issuer.register", register()))
    assert node.stop() == 0
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", node.port))
        sock.listen()
        assert "Stop that program, or set another `port`" in node.refuses_to_start(code=3)
    assert node.audit().json()["fits"]


def test_keys_that_others_can_read_or_nobody_can_open_stop_it(fleet: Fleet) -> None:
    node = fleet["node1"]
    keys = node.folder / "data" / "node-keys.json"
    keys.chmod(0o640)
    said = node.refuses_to_start(code=3)
    assert "(mode 640)" in said
    assert f"chmod 600 {shlex.quote(str(keys))}" in said
    plain = NodeKeys.load(_closed(keys))
    seeds = {role: node_seed("node1", role) for role in plain.publics()}
    keys.unlink()
    NodeKeys.create(keys, "node1", passphrase="open sesame", seeds=seeds, limits=FASTEST)
    assert "Set keys_passphrase_file" in node.refuses_to_start(code=3)
    passphrase = fleet.folder / "sealed-by"
    passphrase.write_text("open sesam\n")
    env = {"ACCREDIT_KEYS_PASSPHRASE_FILE": str(passphrase)}
    said = node.refuses_to_start(env=env, code=3)
    assert f"This is not the passphrase of {keys}" in said
    assert "sesam" not in said.replace(str(fleet.folder), "")
    passphrase.write_text("open sesame\n")
    node.start(env=env)
    assert node.stop() == 0
    assert "sesam" not in node.log.read_text().replace(str(fleet.folder), "")


def _closed(path: Path) -> Path:
    path.chmod(0o600)
    return path


def test_proxies_of_the_environment_come_between_nobody(tmp_path: Path) -> None:
    """They would carry even what goes to this machine itself; here nothing listens on their port."""
    names = [f"{scheme}_proxy" for scheme in ("http", "https", "all")]
    env = dict.fromkeys((*names, *map(str.upper, names)), DEAD_PROXY)
    with founding(tmp_path, "node1", "node2") as fleet:
        fleet.start(env=env)
        said = fleet.town.says(B, "issuer.register", register())
        fleet["node1"].submit(said)
        eventually(lambda: fleet["node2"].holds(said), "it reaches the other node")
        urls = " ".join(machine.url for machine in fleet.machines.values())
        status = accredit("node", "status", "--json", env={**env, "ACCREDIT_NODE": urls}).json()
        assert [row["statements"] for row in status["nodes"]] == [4, 4]
