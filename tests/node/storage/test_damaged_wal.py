"""A write-ahead log that its disk has damaged: what is left is a sound beginning of the log, or an error in words."""

from collections import Counter
from pathlib import Path
from random import Random
from typing import Final

import pytest
from hypothesis import settings

from accredit.node.storage.audit import audit
from accredit.registry.errors import StorageError
from tests.strategies.stored_log import expected_root, identify, open_store, statements

STEP: Final = 20
SIZE: Final = 200
CASES: Final = 25 if settings().max_examples < 1_000 else 1_000
"""Of each kind of damage: in every run, and in the nightly one (`HYPOTHESIS_PROFILE`)."""


@pytest.fixture
def files(tmp_path: Path) -> dict[str, bytes]:
    """What a node leaves that loses power with ten appends in its write-ahead log: files by name."""
    path = tmp_path / "whole" / "node.sqlite"
    with open_store(path):
        pass  # closing moves what made the database into it: what follows is in the write-ahead log alone
    with open_store(path) as store:
        for start in range(0, SIZE, STEP):
            store.append(statements(start, start + STEP))
        return {name: (path.parent / name).read_bytes() for name in ("node.sqlite", "node.sqlite-wal")}


def damaged(wal: bytes, how: str, choice: Random) -> bytes:
    at = choice.randrange(len(wal))
    match how:
        case "a bit flipped":
            return wal[:at] + bytes([wal[at] ^ 1 << choice.randrange(8)]) + wal[at + 1 :]
        case "cut short":
            return wal[:at]
        case "a block of zeros":
            return wal[: at - at % 512] + bytes(512) + wal[at - at % 512 + 512 :]
        case _:
            raise AssertionError(how)


@pytest.mark.wide
@pytest.mark.parametrize("how", ["a bit flipped", "cut short", "a block of zeros"])
def test_a_damaged_write_ahead_log_leaves_a_sound_beginning_of_the_log(
    tmp_path: Path, files: dict[str, bytes], how: str
) -> None:
    choice, left = Random(17), Counter[int]()
    for number in range(CASES):
        folder = tmp_path / f"copy{number}"
        folder.mkdir(mode=0o700)
        (folder / "node.sqlite").write_bytes(files["node.sqlite"])
        (folder / "node.sqlite-wal").write_bytes(damaged(files["node.sqlite-wal"], how, choice))
        with open_store(folder / "node.sqlite") as store:
            size, root = audit(store, identify=identify)
            assert root == expected_root(size)
            assert size % STEP == 0, "an append is there as a whole or not at all"
            assert store.append(statements(size, size + 1))[0] == size + 1, "it goes on from there"
        left[size] += 1
    assert min(left) < SIZE, "no damage did any harm: this test tells nothing"


def test_an_undamaged_write_ahead_log_is_read_whole(tmp_path: Path, files: dict[str, bytes]) -> None:
    folder = tmp_path / "copy"
    folder.mkdir(mode=0o700)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    with open_store(folder / "node.sqlite") as store:
        assert audit(store, identify=identify) == (SIZE, expected_root(SIZE))


def test_a_database_file_that_is_no_database_is_refused_in_words(tmp_path: Path, files: dict[str, bytes]) -> None:
    folder = tmp_path / "copy"
    folder.mkdir(mode=0o700)
    (folder / "node.sqlite").write_bytes(bytes(4096) + files["node.sqlite"][4096:])
    with pytest.raises(StorageError) as refused, open_store(folder / "node.sqlite"):
        pass
    assert refused.value.hint
