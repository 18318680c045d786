"""Sweeps on any engine: the same outcomes, digest for digest; and a run that dies costs no other run.

Dask and Ray are tested in environments of their own, made from locks with hashes (`tests/requirements`) and kept in
pytest's cache. Where they cannot be installed these tests say so and are skipped.
"""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

from accredit.registry.errors import InputError
from accredit.simulations.executors import ENGINES, LocalExecutor, WorkerLost, engine
from accredit.simulations.processes.node_process import environment
from accredit.simulations.sweep import jobs_of, sweep
from tests.strategies.jobs import JOBS, STORY, perilous, results

J = TypeVar("J")
R = TypeVar("R")

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ROOT / "tests" / "requirements"


@pytest.fixture(scope="module")
def expected() -> dict[str, str]:
    """What comes of each job, run here."""
    runs = [job for job in JOBS if job.startswith("run")]
    return {job: perilous(job) for job in runs} | {"raise": "raised this job fails", "die": "lost"}


def installed(name: str, cache: pytest.Cache) -> Path:
    """The interpreter of an environment in which that extra is installed; skips the test where it cannot be."""
    lock = LOCKS / f"{name}.txt"
    key = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = cache.mkdir(f"venv-{name}-{key}")
    python = folder / "bin" / "python"
    if not (folder / ".ready").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", folder], check=True, timeout=60)
        words = ["install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--requirement", str(lock)]
        pip = [sys.executable, "-m", "pip", "--python", str(python), *words]
        done = subprocess.run(pip, capture_output=True, text=True, check=False, timeout=600)
        if done.returncode:
            pytest.skip(f"{name} cannot be installed here: {done.stderr.strip()[-300:]}")
        (folder / ".ready").touch()
    return python


@pytest.mark.nightly  # an environment of its own for each, from the network
@pytest.mark.parametrize("name", ["dask", "ray"])
def test_a_cluster_gives_the_digests_of_this_machine_and_loses_only_the_run_that_died(
    name: str, request: pytest.FixtureRequest, expected: dict[str, str]
) -> None:
    python = installed(name, request.config.cache)
    done = subprocess.run(
        [python, "-m", "tests.strategies.jobs", name],
        cwd=ROOT,
        env=environment(PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    assert json.loads(done.stdout.splitlines()[-1]) == expected


def test_local_processes_give_the_same_and_lose_only_the_run_that_died(expected: dict[str, str]) -> None:
    assert results("local") == expected
    assert expected.keys() == set(JOBS)


class Losing:
    """An engine that loses every second run."""

    def map(self, function: Callable[[J], R], jobs: Sequence[J]) -> Iterator[tuple[int, R | Exception]]:
        for index in reversed(range(len(jobs))):
            yield index, WorkerLost("its worker ended by itself") if index % 2 else function(jobs[index])


def test_a_run_that_is_lost_is_an_outcome_that_failed_and_says_how_to_run_it_again(expected: dict[str, str]) -> None:
    ended: list[int] = []
    jobs = jobs_of(["baseline"], [1, 2], {}, STORY)
    outcomes = list(sweep(jobs, tier="http", on=Losing(), done=ended.append))
    assert ended == [1, 1]
    assert outcomes[0].digest == expected["run 1"]
    assert outcomes[1].failure is not None
    assert outcomes[1].failure.checker == "worker"
    assert outcomes[1].replay == "accredit simulate replay baseline --tier http --seed 2 --nodes 3 --set seconds=3"


def test_a_job_that_dies_alone_is_lost_and_nothing_waits_for_it() -> None:
    assert [(index, type(result)) for index, result in LocalExecutor(1).map(perilous, ["die"])] == [(0, WorkerLost)]


@pytest.mark.parametrize(
    ("name", "address", "words"),
    [("spark", "", "One of: local, dask, ray"), ("local", "tcp://127.0.0.1:1", "Choose an engine")],
)
def test_an_engine_that_there_is_not_is_refused(name: str, address: str, words: str) -> None:
    with pytest.raises(InputError) as refused:
        engine(name, address=address)
    assert words in refused.value.hint


@pytest.mark.parametrize("name", ENGINES[1:])
def test_an_engine_that_is_not_installed_names_the_extra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError) as refused:
        engine(name)
    assert f"-m pip install 'accredit[{name}]'" in refused.value.hint


def test_real_nodes_do_not_go_to_a_cluster() -> None:
    with pytest.raises(InputError, match="this machine only"):
        list(sweep([("calm", {"seed": 1})], on=Losing()))
