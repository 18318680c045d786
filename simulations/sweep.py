"""Many runs: seeds × settings, each on a processor of its own.

Runs know nothing of each other, so any `concurrent.futures.Executor` will do: by default processes of this machine; an
engine for many machines that offers an executor (Dask's `Client.get_executor()`) works as it is.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context

from .running import Outcome, changed, find, run

Job = tuple[str, dict[str, float]]
"""A scenario's name, and what to change in its settings."""


def jobs_of(
    names: Sequence[str], seeds: Sequence[int], vary: Mapping[str, Sequence[float]], fixed: Mapping[str, float]
) -> list[Job]:
    """Every scenario with every combination of what varies, and each of them with every seed."""
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
    executor: Executor | None = None,
    processes: int | None = None,
    done: Callable[[int], None] | None = None,
) -> Iterator[Outcome]:
    """Outcomes in the order of the jobs.

    Args:
        executor: where runs go; None: `processes` of this machine (None: one for each processor).
        done: told 1 for each run that ended.

    Raises:
        InputError: no such scenario or setting; before anything runs.
    """
    for name, changes in jobs:
        changed(find(name).settings, changes)
    if executor is not None:
        yield from _collect(executor, jobs, done)
        return
    # Fresh interpreters: a fork would copy whatever threads and files the caller happens to have.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from _collect(pool, jobs, done)


def run_named(name: str, changes: Mapping[str, float]) -> Outcome:
    """One run of a sweep, in whatever process."""
    return run(find(name), changes)


def _collect(executor: Executor, jobs: Sequence[Job], done: Callable[[int], None] | None) -> Iterator[Outcome]:
    futures = [executor.submit(run_named, name, changes) for name, changes in jobs]
    if done is not None:
        report = done
        for future in futures:
            future.add_done_callback(lambda _: report(1))
    try:
        for future in futures:
            yield future.result()
    finally:
        for future in futures:
            future.cancel()
