"""Backups of real nodes: what may be put back, and what would fork the log."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.strategies.bodies import register
from tests.strategies.fleet import Fleet, accredit, founding
from tests.strategies.network import A


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """One running node with a statement of its own."""
    with founding(tmp_path_factory.mktemp("backups"), "node1") as made:
        made.start()
        made["node1"].submit(made.town.says(A, "issuer.register", register()))
        yield made


@pytest.fixture
def fleet(founded: Fleet) -> Fleet:
    """The same for all; it runs, and no copy of it lies about."""
    (founded.folder / "copy.sqlite").unlink(missing_ok=True)
    if founded["node1"].process is None:
        founded["node1"].start()
    return founded


def test_a_backup_of_a_running_node_brings_a_destroyed_database_back(fleet: Fleet) -> None:
    node = fleet["node1"]
    root = node.state_root()
    copy = fleet.folder / "copy.sqlite"
    size = len(fleet.town.said)
    assert accredit("node", "backup", node.folder, copy, "--json").json()["size"] == size
    assert node.stop() == 0
    node.database.write_bytes(b"gone")
    accredit("node", "restore", node.folder, copy)
    node.start()
    assert node.state_root() == root
    assert node.audit().json()["fits"]


def test_a_backup_older_than_what_was_signed_is_not_put_back(fleet: Fleet) -> None:
    node = fleet["node1"]
    copy = fleet.folder / "copy.sqlite"
    accredit("node", "backup", node.folder, copy)
    node.submit(fleet.town.says(A, "issuer.register", register("did:web:later.example")))
    root = node.state_root()
    assert node.stop() == 0
    said = accredit("node", "restore", node.folder, copy, code=6)
    assert "new enough" in said.said
    node.start()
    assert node.state_root() == root, "a refused call changes nothing"


def test_a_backup_is_not_put_under_a_running_node_nor_over_a_file(fleet: Fleet) -> None:
    node = fleet["node1"]
    copy = fleet.folder / "copy.sqlite"
    accredit("node", "backup", node.folder, copy)
    assert "already running" in accredit("node", "restore", node.folder, copy, code=6).said
    assert "already exists" in accredit("node", "backup", node.folder, copy, code=3).said
    node.answers()


def test_the_backup_of_another_node_is_refused(fleet: Fleet, tmp_path: Path) -> None:
    node = fleet["node1"]
    assert node.stop() == 0
    with founding(tmp_path / "other", "node9") as others:
        others.start()
        accredit("node", "backup", others["node9"].folder, fleet.folder / "foreign.sqlite")
    said = accredit("node", "restore", node.folder, fleet.folder / "foreign.sqlite", code=3)
    assert "is a backup of node9" in said.said
