"""A disk that fails to read, to write or to sync, now and then or for good: what was acknowledged stays.

The operating system says EIO. A small library, made here with a C compiler and loaded into a process that appends,
makes it say so (`failing_disk.c`); where there is no compiler these tests are skipped, and say so.
"""

import os
import shutil
import subprocess
import time
from pathlib import Path
from random import Random
from typing import Final

import pytest

from accredit.node.storage.audit import audit
from tests.strategies.stored_log import expected_root, identify, open_store, run_child, statements

SOURCE: Final = Path(__file__).with_name("failing_disk.c")
CALLS: Final = ("read", "write", "sync")

APPEND_AND_GO_ON: Final = """
with open_store(path) as store:
    size = store.size()
    for _ in range(12):
        try:
            size, root = store.append(statements(size, size + 40))
            print("kept", size, root.hex(), flush=True)
        except StorageError as error:
            print("failed", error.code, flush=True)
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc")
    if compiler is None or not Path("/proc/self/fd").exists():
        pytest.skip("a disk is made to fail with a C compiler, on Linux: there is none here")
    made = tmp_path_factory.mktemp("failing") / "failing_disk.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(made), str(SOURCE), "-ldl"], check=True)
    return made


def strike(library: Path, folder: Path, call: str, at: int, times: int) -> tuple[int, list[str]]:
    """Appends to a log while so many calls fail; how many entries were acknowledged, and the codes of failures."""
    path = folder / "node.sqlite"
    with open_store(path) as store:
        store.append(statements(0, 100))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LD_PRELOAD", str(library))
        patch.setenv("FAILING_FOLDER", os.path.realpath(folder))
        for name, value in (("CALL", call), ("AT", str(at)), ("TIMES", str(times))):
            patch.setenv(f"FAILING_{name}", value)
        lines = run_child(APPEND_AND_GO_ON, path).splitlines()
    told = f"{call} {at} {times}: {lines}"
    kept = [line.split() for line in lines if line.startswith("kept ")]
    codes = [line.split()[-1] for line in lines if not line.startswith("kept ")]
    assert all(code.replace("_", "").isalnum() for code in codes), told  # no traceback: each failure has a code
    acknowledged = int(kept[-1][1]) if kept else 100
    with open_store(path) as store:
        size, root = audit(store, identify=identify)
        assert size >= acknowledged, told
        assert root == expected_root(size), told
        assert store.append(statements(size, size + 10))[0] == size + 10, "it goes on when the disk does"
    return acknowledged, codes


@pytest.mark.parametrize(("call", "at"), [("read", 20), ("write", 1), ("write", 20), ("sync", 4)])
def test_a_disk_that_fails_once_loses_nothing_that_was_acknowledged(
    call: str, at: int, library: Path, tmp_path: Path
) -> None:
    acknowledged, codes = strike(library, tmp_path, call, at, 1)
    assert acknowledged > 100 or codes, "it goes on, or says why it ends"
    assert len(codes) <= 2


def test_a_disk_that_fails_for_good_is_said_to_and_keeps_what_it_had(library: Path, tmp_path: Path) -> None:
    acknowledged, codes = strike(library, tmp_path, "write", 30, 1_000_000)
    assert codes
    assert acknowledged >= 100


WIDE: Final = 150


@pytest.mark.nightly
def test_a_disk_that_fails_at_any_moment_loses_nothing_that_was_acknowledged(library: Path, tmp_path: Path) -> None:
    seed = Random().randrange(2**32)
    random, began, failures = Random(seed), time.monotonic(), 0
    print(f"seed {seed}")
    for number in range(WIDE):
        folder = tmp_path / str(number)
        folder.mkdir()
        call, at, times = random.choice(CALLS), random.randrange(1, 120), random.choice([1, 3, 9])
        failures += len(strike(library, folder, call, at, times)[1])
        shutil.rmtree(folder)
    print(f"seed {seed}: {WIDE} runs, {failures} failures, {time.monotonic() - began:.0f} s")
    assert failures > WIDE // 10
