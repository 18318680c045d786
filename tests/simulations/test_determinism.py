"""One seed, one run: in another process, under another hash seed, with and without shared answers."""

import json
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from accredit.simulations.run import run as running
from accredit.simulations.run.run import find, run

ROOT = Path(__file__).resolve().parents[2]
STORY = {"nodes": 8, "seconds": 12, "seed": 5}


def digest_elsewhere(scenario: str, hash_seed: str) -> str:
    """Of a run in a process of its own."""
    words = [sys.executable, "-m", "accredit", "simulate", "run", scenario, "--json", "--nodes", "8", "--seconds", "12"]
    done = subprocess.run(
        [*words, "--seed", "5"],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout[-1000:]
    digest: str = json.loads(done.stdout)["digest"]
    return digest


@pytest.mark.parametrize("scenario", ["lossy", "crash_restart"])
def test_a_run_is_the_same_in_another_process_under_another_hash_seed(scenario: str) -> None:
    here = run(find(scenario), STORY).digest
    assert digest_elsewhere(scenario, "12345") == here


def test_another_seed_is_another_run() -> None:
    assert run(find("lossy"), STORY).digest != run(find("lossy"), {**STORY, "seed": 6}).digest


def test_sharing_answers_among_nodes_changes_nothing_but_the_time_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    story = {"nodes": 8, "seconds": 10}
    shared = run(find("flood_invalid"), story)
    monkeypatch.setattr(running, "shared_answers", nullcontext)
    assert run(find("flood_invalid"), story).digest == shared.digest
