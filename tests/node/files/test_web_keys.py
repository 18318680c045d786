"""The keys a node signed for the web with: old ones are remembered, each until the next began."""

from pathlib import Path

from accredit.node.files.key_files import ROLES, NodeKeys
from accredit.node.storage.log_store import Store
from accredit.node.storage.web_keys import remember_web_key

FIRST, SECOND = bytes([1]) * 32, bytes([2]) * 32


def test_a_key_that_was_replaced_is_told_with_its_end_and_one_that_came_back_is_not(tmp_path: Path) -> None:
    with Store.open(tmp_path / "node.sqlite", ecosystem=bytes(32), origin="node1") as store:
        assert remember_web_key(store, FIRST, 100) == []
        assert remember_web_key(store, FIRST, 200) == [], "a restart is not a new key"
        assert remember_web_key(store, SECOND, 300) == [(FIRST, 300)]
        assert remember_web_key(store, FIRST, 400) == [(SECOND, 400)]
    with Store.open(tmp_path / "node.sqlite", ecosystem=bytes(32), origin="node1") as store:
        assert remember_web_key(store, FIRST, 500) == [(SECOND, 400)]


def test_the_web_key_follows_from_the_file_and_is_none_of_the_others(tmp_path: Path) -> None:
    made = NodeKeys.create(tmp_path / "keys.json", "node1")
    loaded = NodeKeys.load(tmp_path / "keys.json")
    assert loaded.web.public_key == made.web.public_key
    assert made.web.public_key not in made.publics().values()
    other = NodeKeys.of_seeds("node1", {role: bytes([number]) * 32 for number, role in enumerate(ROLES)})
    assert other.web.public_key != made.web.public_key
