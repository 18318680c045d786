"""The last signed head: what keeps an honest operator's restored backup from becoming a fork."""

import errno
import json
import shutil
from pathlib import Path

import pytest

from accredit.node.engine.quorum_state import Part
from accredit.node.files.atomic_files import is_passing
from accredit.node.storage.log_store import Store
from accredit.node.storage.signing_guard import SignedHead, SignedState, TreeHead
from accredit.registry.errors import StorageError
from accredit.registry.transparency.state_note import StateNote

ORIGIN = "node1.example.org"


def nothing(size: int) -> bytes:
    raise AssertionError(f"nobody asks for the root at {size}")


def test_a_node_that_never_signed_may_sign_anything(tmp_path: Path) -> None:
    head = SignedHead(tmp_path / "heads" / "log.json")
    assert head.last is None
    head.check_may_sign(0, bytes(32), nothing)
    head.record(0, bytes(32))
    assert SignedHead(tmp_path / "heads" / "log.json").last == TreeHead(size=0, root=bytes(32))


def test_a_smaller_size_is_never_signed_again(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    SignedHead(path).record(5, b"5" * 32)
    head = SignedHead(path)
    with pytest.raises(StorageError, match="backup was restored") as refused:
        head.check_may_sign(4, b"4" * 32, nothing)
    assert refused.value.code == "log_rolled_back"
    assert "restore" in refused.value.hint
    with pytest.raises(StorageError, match="backup was restored"):
        head.record(4, b"4" * 32)
    assert SignedHead(path).last == TreeHead(size=5, root=b"5" * 32)


def test_the_same_size_is_signed_again_only_with_the_same_root(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    head = SignedHead(path)
    head.record(5, b"5" * 32)
    written = path.stat().st_mtime_ns
    head.check_may_sign(5, b"5" * 32, nothing)
    head.record(5, b"5" * 32)
    assert path.stat().st_mtime_ns == written
    with pytest.raises(StorageError) as refused:
        head.check_may_sign(5, b"x" * 32, nothing)
    assert refused.value.code == "log_forked"
    with pytest.raises(StorageError, match="are not the entries that this node signed"):
        head.record(5, b"x" * 32)


def test_a_restored_backup_that_has_outgrown_the_signed_size_is_found_out(tmp_path: Path) -> None:
    def statement(word: str, number: int) -> tuple[bytes, bytes]:
        raw = f"{word} {number}".encode()
        return raw.ljust(32, b"."), raw

    def opened() -> Store:
        return Store.open(tmp_path / "data" / "node.sqlite", ecosystem=bytes(32), origin=ORIGIN)

    heads = tmp_path / "data-heads" / "log.json"
    with opened() as store:
        store.append([statement("old", number) for number in range(90)])
        store.backup(tmp_path / "backup.sqlite")
        size, root = store.append([statement("lost", number) for number in range(10)])
        head = SignedHead(heads)
        head.check_may_sign(size, root, store.root)
        head.record(size, root)
    shutil.rmtree(tmp_path / "data")
    (tmp_path / "data").mkdir()
    shutil.copy(tmp_path / "backup.sqlite", tmp_path / "data" / "node.sqlite")
    with opened() as store:
        head = SignedHead(heads)
        with pytest.raises(StorageError) as behind:
            head.check_may_sign(*store.head(), store.root)
        assert behind.value.code == "log_rolled_back"
        size, root = store.append([statement("other", number) for number in range(20)])
        assert size > 100
        with pytest.raises(StorageError) as forked:
            head.check_may_sign(size, root, store.root)
        assert forked.value.code == "log_forked"


def test_a_log_that_only_grew_goes_on_being_signed(tmp_path: Path) -> None:
    with Store.open(tmp_path / "node.sqlite", ecosystem=bytes(32), origin=ORIGIN) as store:
        head = SignedHead(tmp_path / "log.json")
        for number in range(20):
            size, root = store.append([(bytes([number]) * 32, bytes([number]))])
            head.check_may_sign(size, root, store.root)
            head.record(size, root)
        assert head.last == TreeHead(size=20, root=store.root())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"5",
        b"{}",
        b'{"size": 5}',
        b'{"size": "5", "root": "%s"}' % (b"00" * 32),
        b'{"size": true, "root": "%s"}' % (b"00" * 32),
        b'{"size": -1, "root": "%s"}' % (b"00" * 32),
        b'{"size": 5, "root": "00"}',
        b'{"size": 5, "root": 5}',
        b"\xff\xfe",
    ],
)
def test_a_damaged_head_file_is_not_taken_for_a_missing_one(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "log.json"
    path.write_bytes(content)
    with pytest.raises(StorageError) as refused:
        SignedHead(path)
    assert refused.value.code == "head_corrupt"
    assert "witnesses" in refused.value.hint


def test_a_moment_without_descriptors_is_no_fault_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ended a node under load, with a code after which nobody starts it again, and blamed the user's rights."""
    head = SignedHead(tmp_path / "log.json")

    def scarce(**_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patched:
        patched.setattr("tempfile.mkstemp", scarce)
        with pytest.raises(StorageError, match="Too many open files") as refused:
            head.record(1, bytes(32))
    assert refused.value.code == "system_exhausted"
    assert is_passing(refused.value)
    head.record(1, bytes(32))


def test_a_head_file_that_cannot_be_read_or_written_stops_the_node(tmp_path: Path) -> None:
    (tmp_path / "log.json").mkdir()
    with pytest.raises(StorageError) as unreadable:
        SignedHead(tmp_path / "log.json")
    assert unreadable.value.code == "unreadable_file"
    (tmp_path / "file").write_text("")
    head = SignedHead(tmp_path / "other.json")
    (tmp_path / "other.json").mkdir()
    with pytest.raises(StorageError) as unwritable:
        head.record(1, bytes(32))
    assert unwritable.value.code == "unwritable_file"
    assert head.last is None, "what is not on the disk was not recorded"
    assert not list(tmp_path.glob(".other*"))


def test_a_memory_that_is_gone_or_older_than_the_database_stops_the_node(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    SignedHead(path).check_covers(0)
    with pytest.raises(StorageError, match="does not exist") as missing:
        SignedHead(path).check_covers(5)
    assert missing.value.code == "head_missing"
    assert "Put the original file back" in missing.value.hint
    SignedHead(path).record(4, b"4" * 32)
    with pytest.raises(StorageError, match="records only 4"):
        SignedHead(path).check_covers(5)
    SignedHead(path).check_covers(4)
    SignedHead(path).check_covers(3)


# ------------------------------------------------------------------------------------------- the last state cosigned


def state(count: int, root: int = 1, *, fold: int = 1) -> StateNote:
    return StateNote(name="Example", ecosystem=bytes(32), fold=fold, count=count, root=bytes([root]) * 32)


def test_the_last_state_cosigned_survives_and_never_goes_back(tmp_path: Path) -> None:
    path = tmp_path / "heads" / "state.json"
    assert SignedState(path).last is None
    signed = SignedState(path)
    signed.record(state(5), Part(size=6, without=(2,)))
    assert SignedState(path).last == signed.last == (state(5), Part(size=6, without=(2,)))
    before = path.read_bytes()
    for given, code in ((state(4), "state_rolled_back"), (state(5, 2), "state_forked")):
        with pytest.raises(StorageError) as caught:
            signed.record(given, Part(size=6))
        assert caught.value.code == code
        assert caught.value.hint
        assert (path.read_bytes(), signed.last) == (before, (state(5), Part(size=6, without=(2,))))
    signed.record(state(5), Part(size=6, without=(2,)))
    signed.record(state(5, 2, fold=2), Part(size=6))  # another fold makes other records of the same statements
    signed.record(state(6), Part(size=6))
    assert SignedState(path).last == (state(6), Part(size=6))


def test_a_state_file_taken_away_or_put_back_older_is_noticed(tmp_path: Path) -> None:
    signed = SignedState(tmp_path / "state.json")
    signed.check_covers(0)
    with pytest.raises(StorageError, match="does not exist"):
        signed.check_covers(3)
    signed.record(state(5), Part(size=5))
    signed.check_covers(5)
    with pytest.raises(StorageError, match="records only 5"):
        signed.check_covers(6)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"text": 5, "size": 1, "without": []}',
        '{"text": "a\\n1\\nAAAA\\n", "size": 1, "without": []}',
        json.dumps({"text": state(3).encode(), "size": 3, "without": [3]}),
        json.dumps({"text": state(3).encode(), "size": "3", "without": []}),
        json.dumps({"text": state(3).encode(), "size": 3, "without": 7}),
    ],
)
def test_a_state_file_that_is_none_stops_the_node(tmp_path: Path, content: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(content)
    with pytest.raises(StorageError) as caught:
        SignedState(path)
    assert caught.value.code == "state_corrupt"


def test_a_state_file_that_cannot_be_read_stops_the_node(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as caught:
        SignedState(tmp_path)
    assert caught.value.code == "unreadable_file"
