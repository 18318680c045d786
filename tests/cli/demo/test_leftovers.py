"""What a killed demonstration leaves is cleared at the next one's start, and nothing else is."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from accredit.cli.demo import leftovers

_NODE = """
import signal, sys
from pathlib import Path
from accredit.node.storage.sqlite import WriterLock
lock = WriterLock(Path(sys.argv[1]))
print("runs", flush=True)
signal.pause()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place of temporary files is the test's own."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def killed() -> Path:
    """The folder of a demonstration whose process has ended without removing it."""
    folder, lock = leftovers.new_folder()
    os.close(lock)
    return folder


def test_the_folder_of_a_killed_demonstration_is_removed_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    folder = killed()
    leftovers.clear()
    assert not folder.exists()
    assert str(folder) in capsys.readouterr().err


def test_the_folder_of_one_that_runs_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    folder, lock = leftovers.new_folder()
    leftovers.clear()
    os.close(lock)
    assert folder.exists()
    assert capsys.readouterr().err == ""


def test_a_kept_folder_and_a_link_to_somebody_s_files_are_left_alone(
    temporary: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    kept = temporary / "accredit-demo-mine"
    kept.mkdir()
    elsewhere = killed().rename(tmp_path_factory.mktemp("home") / "files")
    (temporary / "accredit-demo-link").symlink_to(elsewhere)
    leftovers.clear()
    assert kept.exists()
    assert elsewhere.exists()


def test_a_node_that_runs_on_is_ended_before_its_folder_goes() -> None:
    folder = killed()
    database = folder / "node1" / "data" / "node.sqlite"
    database.parent.mkdir(parents=True)
    database.touch()
    node = subprocess.Popen([sys.executable, "-c", _NODE, str(database)], stdout=subprocess.PIPE)
    try:
        assert node.stdout is not None
        assert node.stdout.readline() == b"runs\n"
        leftovers.clear()
        assert node.wait(timeout=60) == -signal.SIGTERM
    finally:
        node.kill()
        node.communicate()
    assert not folder.exists()


def test_a_node_that_does_not_end_is_named_and_nothing_of_it_removed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = killed()
    (folder / "node1" / "data").mkdir(parents=True)
    (folder / "node1" / "data" / "node.sqlite").touch()
    monkeypatch.setattr(leftovers, "_has_ended", lambda _database: False)
    leftovers.clear()
    assert (folder / "node1").exists()
    assert f"left {folder}, and a node that does not end" in capsys.readouterr().err
