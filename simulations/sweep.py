"""Many runs: seeds × settings, each in a process of its own, on this machine or on a cluster (`executors`).

    outcomes = list(sweep(jobs_of(["lossy"], range(20), {"links.loss": [0, 0.1]}, {"nodes": 20})))

Runs know nothing of each other, and each is a function of its job: whatever engine runs them, the outcomes are the
same, digest for digest. A run whose worker dies, or that raises, is an outcome that failed, and costs no other run.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from threading import Lock
from typing import Final, TypeVar

from accredit.registry.errors import InputError
from accredit.simulations.run.run import Failure, RunOutcome, changed, outcome_of

from .executors import Executor, LocalExecutor, WorkerLost, engine
from .tiers import find

J = TypeVar("J")

Job = tuple[str, dict[str, float]]
"""A scenario's name, and what to change in its settings."""

_ALONE: Final = Lock()
"""A run replaces functions of whole modules (`memoised_crypto`), so that a process has one at a time."""


def jobs_of(
    names: Sequence[str], seeds: Sequence[int], vary: Mapping[str, Sequence[float]], fixed: Mapping[str, float]
) -> list[Job]:
    """Return a job for every scenario with every combination of the varied settings and every seed."""
    combinations = [dict(zip(vary, values, strict=True)) for values in product(*vary.values())]
    return [
        (name, {**fixed, **combination, "seed": seed})
        for name in names
        for combination in combinations
        for seed in seeds
    ]


def sweep(
    jobs: Sequence[Job],
    *,
    tier: str = "",
    on: Executor | None = None,
    processes: int | None = None,
    done: Callable[[int], None] | None = None,
) -> Iterator[RunOutcome]:
    """Make all runs; return their outcomes in the order of the jobs.

    Args:
        tier: the tier of all scenarios; empty: the first tier that has the scenario.
        on: the executor of the runs; None: `processes` of this machine (None: one for each processor; one for real
            nodes, which need the machine for themselves).
        done: called with 1 after each run.

    Raises:
        InputError: no such scenario or setting; before anything runs.
    """
    tiers = set()
    for name, changes in jobs:
        found = find(name, tier)
        found.check(changes)
        tiers.add(found.tier)
    if "processes" in tiers and on is not None and not isinstance(on, LocalExecutor):
        raise InputError(
            "bad_engine", "real nodes run on this machine only.", hint="Leave --engine out, or choose another tier."
        )
    if on is None:
        on = engine("local", processes=1 if processes is None and "processes" in tiers else processes)
    yield from collect(on, partial(run_job, tier), jobs, partial(lost_run, tier), done)


def collect(
    on: Executor,
    function: Callable[[J], RunOutcome],
    jobs: Sequence[J],
    lost: Callable[[J, Exception], RunOutcome],
    done: Callable[[int], None] | None = None,
) -> Iterator[RunOutcome]:
    """Yield outcomes in the order of the jobs, each as soon as it and all before it are there.

    Args:
        lost: makes the outcome of a job that ended with an exception.
    """
    ready: dict[int, RunOutcome] = {}
    following = 0
    for index, result in on.map(function, jobs):
        ready[index] = lost(jobs[index], result) if isinstance(result, Exception) else result
        if done is not None:
            done(1)
        while following in ready:
            yield ready.pop(following)
            following += 1


def run_job(tier: str, job: Job) -> RunOutcome:
    """Make one run of a sweep, in any process."""
    name, changes = job
    with _ALONE:
        return find(name, tier).run(changes)


def lost_run(tier: str, job: Job, error: Exception) -> RunOutcome:
    """Return the outcome of a run whose process returned nothing."""
    name, changes = job
    found = find(name, tier)
    settings = changed(found.scenario.settings, changes)
    what = str(error) if isinstance(error, WorkerLost) else f"{type(error).__name__}: {error}"
    failure = Failure(checker="worker", message=what, at=0)
    return outcome_of(found.scenario, settings, tier=found.tier, failure=failure, replayed=name, asked=tier)
