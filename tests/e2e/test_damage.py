"""One bit of a stored database turns over: the node does not start on it, or the audit names what does not fit.

Bits are chosen by what they belong to, because a random one mostly falls into room that nobody reads.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from accredit.node.storage.sqlite import checksum
from tests.strategies.bodies import register
from tests.strategies.fleet import Fleet, Machine, founding
from tests.strategies.network import A

COUNT = 30


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """One node that has run, and stands; its database is in one file, and a copy lies beside it."""
    with founding(tmp_path_factory.mktemp("damage"), "node1") as made:
        made.start()
        node = made["node1"]
        node.submit(*(made.town.says(A, "issuer.register", register(f"did:web:i{n}.example")) for n in range(COUNT)))
        assert node.stop() == 0
        assert not list(node.database.parent.glob("*-wal")), "a clean stop leaves one file"
        shutil.copy(node.database, made.folder / "sound.sqlite")
        shutil.copytree(node.heads, made.folder / "heads")
        yield made


@pytest.fixture
def node(fleet: Fleet) -> Machine:
    """That node, whole again."""
    machine = fleet["node1"]
    for leftover in machine.database.parent.glob("node.sqlite-*"):
        leftover.unlink()
    shutil.copy(fleet.folder / "sound.sqlite", machine.database)
    return machine


def flip(path: Path, content: bytes, random: Random, *, after: bytes = b"") -> None:
    """Turns over one bit of the only place where the file holds `content`, right after what stands before it."""
    data = bytearray(path.read_bytes())
    assert data.count(after + content) == 1, "there is one such place"
    at = data.index(after + content) + len(after) + random.randrange(len(content))
    data[at] ^= 1 << random.randrange(8)
    path.write_bytes(data)


def stored(node: Machine, sql: str) -> bytes:
    with closing(sqlite3.connect(f"file:{node.database}?mode=ro", uri=True)) as connection:
        found = connection.execute(sql).fetchone()[0]
    return found.encode() if isinstance(found, str) else bytes(found)


@pytest.mark.parametrize("seed", range(4))
def test_a_bit_in_a_stored_statement(fleet: Fleet, node: Machine, seed: int) -> None:
    random = Random(seed)
    index = random.randrange(3, 3 + COUNT - 1)
    flip(node.database, fleet.town.said[index].raw, random)
    said = node.audit(code=6).said
    assert f"entry {index} " in said
    said = node.refuses_to_start()
    assert f"Entry {index} of the stored log" in said
    assert "audit" in said


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        (f"SELECT id FROM statements WHERE number = {COUNT + 2}", f"entry {COUNT + 2} is stored as"),
        ("SELECT substr(hashes, 32 * 12 + 1, 32) FROM tiles", "hash 12 of tile 0/0"),
        ("SELECT root FROM tree", "do not lead to the stored root"),
        ("SELECT note FROM checkpoint", "checkpoint"),
        ("SELECT value FROM meta WHERE name = 'ecosystem'", "ecosystem"),
        ("SELECT value FROM meta WHERE name = 'origin'", "configuration is for node1"),
    ],
    ids=["id", "tile", "root", "checkpoint", "ecosystem", "origin"],
)
def test_a_bit_in_what_is_stored_about_them(node: Machine, sql: str, names: str) -> None:
    content = stored(node, sql)
    if "checkpoint" in sql:  # the root in its text; the signature has a story of its own
        content = content.split(b"\n")[2]
    flip(node.database, content, Random(1), after=sql.split("'")[1].encode() if "meta" in sql else b"")
    assert names in node.audit(code=6).said


def test_a_bit_in_the_signature_of_the_checkpoint(node: Machine) -> None:
    note = stored(node, "SELECT note FROM checkpoint")
    flips = ((at, note[at] ^ 1 << bit) for at in range(len(note) - 20, len(note) - 10) for bit in range(6))
    at, letter = next((at, letter) for at, letter in flips if chr(letter).isalnum())  # of a / or + no flip gives one
    bad = (note[:at] + bytes([letter]) + note[at + 1 :]).decode()
    sound = node.database.read_bytes()
    assert sound.count(note) == 1
    node.database.write_bytes(sound.replace(note, bad.encode()))
    assert "was altered" in node.audit(code=6).said
    assert "was altered" in node.refuses_to_start()
    node.database.write_bytes(sound)
    with closing(sqlite3.connect(node.database)) as connection, connection:  # and where somebody has tidied up
        (size,) = connection.execute("SELECT size FROM checkpoint").fetchone()
        connection.execute("UPDATE checkpoint SET note = ?, digest = ?", (bad, checksum(size, bad)))
    answer = node.audit(code=1)
    assert [one["what"] for one in answer.json()["findings"] if not one["fits"]] == ["checkpoint"]


def test_a_bit_in_the_file_of_the_signed_head(fleet: Fleet, node: Machine) -> None:
    root = node.open(stored(node, "SELECT note FROM checkpoint").decode()).root
    flip(node.heads / "log.json", root.hex().encode(), Random(2))
    said = node.refuses_to_start()
    assert "log.json" in said
    shutil.copytree(fleet.folder / "heads", node.heads, dirs_exist_ok=True)
    node.start()
    assert node.stop() == 0


def test_a_bit_in_the_feed_of_changes(node: Machine) -> None:
    flip(node.database, b"issuer.registerdid:web:i5.example", Random(3))
    assert "feed of changes is inconsistent" in node.audit(code=6).said


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE changes SET time = time + 1 WHERE seq = (SELECT max(seq) FROM changes)",
        "DELETE FROM changes WHERE seq = (SELECT max(seq) FROM changes)",
    ],
    ids=["a time", "the last row"],
)
def test_what_nothing_but_the_feed_says_is_compared_with_its_checksums(node: Machine, sql: str) -> None:
    with closing(sqlite3.connect(node.database)) as connection, connection:
        assert connection.execute(sql).rowcount == 1
    assert "were altered or are incomplete" in node.audit(code=6).said
