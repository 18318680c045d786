"""Real nodes tormented by a plan for a short while, by the command that does it for minutes; and what is left of them.

`accredit simulate run torment` is its own judge (`simulations.processes.checks`): here it is run as a person runs it,
and asked whether it did what it says it did. The long run is a command of its own; see docs/simulations.md.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from accredit.simulations.processes.node_process import environment
from tests.strategies.fleet import PATIENCE, ROOT, accredit, eventually

SHORT = ("torment", "--nodes", "3", "--seconds", "20", "--seed", "8")
"""At this seed every kind of fault that is asked for below falls into so short a time."""


def test_nodes_that_are_killed_filled_and_restored_lose_nothing_and_fork_nothing(tmp_path: Path) -> None:
    ran = accredit("simulate", "run", *SHORT, "--json", "--report", tmp_path / "out", patience=300, code=None)
    outcome = ran.json()
    assert outcome["failure"] is None, "\n".join([str(outcome["failure"]), *outcome["tail"]])
    assert ran.code == 0
    done = outcome["extra"]
    assert done["kills"] > 2
    assert done["disks filled"] > 0
    assert done["old backups put back"] == 1
    assert done["statements answered"] > 10
    assert done["checkpoints compared"] > 10
    assert outcome["figures"]["urgent"]["missing"] == outcome["figures"]["normal"]["missing"] == 0
    assert "digest of the plan" in (tmp_path / "out" / "index.html").read_text()
    words = outcome["replay"].split()[2:]
    assert words[:2] == ["replay", "torment"]
    assert outcome["digest"].startswith(words[-1])


def children(process: int) -> list[int]:
    """Processes whose parent this one is. Linux."""
    listed = Path(f"/proc/{process}/task/{process}/children")
    return [int(word) for word in listed.read_text().split()] if listed.exists() else []


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.nightly)])
def test_an_interrupted_run_leaves_no_process_and_no_file_behind(number: signal.Signals) -> None:
    with tempfile.TemporaryDirectory() as folder:
        # A shell without job control has what it starts in the background ignore SIGINT.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", "accredit", "simulate", "run", "torment", "--nodes", "3", "--seconds", "60"],
                cwd=ROOT,
                env=environment(TMPDIR=folder),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        finally:
            signal.signal(signal.SIGINT, before)
        try:
            started = eventually(lambda: children(process.pid)[2:] and children(process.pid), "three nodes run")
            time.sleep(0.5)  # wherever they are by then
            process.send_signal(number)
            _, said = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
            process.wait()
        assert process.returncode == 130, said.decode()
        assert not [child for child in started if is_alive(child)]
        assert os.listdir(folder) == []
