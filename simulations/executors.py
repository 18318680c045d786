"""Runs the jobs of a sweep: in processes of this machine, or on a cluster of Dask or Ray.

    for index, result in engine("dask", processes=4).map(run_one, jobs): ...

An engine runs one function for each job, each in a process that runs nothing else, and returns results as they come,
with the job's number. If the function raises or a worker dies, this is the result of that job alone; the others go on.
Results do not depend on the engine: a run is a function of its job.

* `local`: processes of this machine, fresh interpreters. Needs nothing.
* `dask`, with the extra `accredit[dask]`. Without an address a cluster on this machine; else the scheduler's
  (`tcp://…`), whose workers need the same accredit.
* `ray`, with the extra `accredit[ray]`. Without an address a cluster on this machine; else `auto` or `ray://…`.
"""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from importlib import import_module
from multiprocessing import get_context
from typing import Any, Final, Protocol, TypeVar

from accredit.node.extras import install_line
from accredit.registry.errors import InputError

J = TypeVar("J")
R = TypeVar("R")

ENGINES: Final = ("local", "dask", "ray")


class WorkerLost(Exception):
    """The process that ran a job ended before the job did."""


class Executor(Protocol):
    """Runs many jobs."""

    def map(self, function: Callable[[J], R], jobs: Sequence[J]) -> Iterator[tuple[int, R | Exception]]:
        """Yield number and result of each job as it ends; the result is an exception if the function raised one.

        Args:
            function: of a module, so that other processes find it by its name.
        """
        ...


def engine(name: str, *, processes: int | None = None, address: str = "") -> Executor:
    """Return the engine of that name.

    Args:
        processes: how many runs at a time on this machine; None: one for each processor.
        address: of an existing cluster, for engines that use one.

    Raises:
        InputError: `no_engine`: it is unknown or not installed; `no_address`: local processes have no address.
    """
    match name:
        case "local":
            if address:
                raise InputError("no_address", "local processes have no address.", hint="Choose an engine: --engine.")
            return LocalExecutor(processes or os.cpu_count() or 1)
        case "dask":
            return DaskExecutor(_import("distributed", "dask"), processes, address)
        case "ray":
            return RayExecutor(_import("ray", "ray"), processes, address)
        case _:
            raise InputError("no_engine", f"there is no engine {name!r}.", hint=f"One of: {', '.join(ENGINES)}.")


class LocalExecutor:
    """Processes of this machine. A worker that dies loses only its present run."""

    def __init__(self, processes: int) -> None:
        self._processes = processes

    def map(self, function: Callable[[J], R], jobs: Sequence[J]) -> Iterator[tuple[int, R | Exception]]:
        """See `Executor`."""
        waiting, suspects = deque(range(len(jobs))), deque[int]()
        while waiting or suspects:
            # After a death nobody knows which of the runs under way it was: each of them runs once more, alone.
            if suspects:
                alone = deque([suspects.popleft()])
                lost = yield from self._pool(function, jobs, alone, 1)
                yield from ((index, WorkerLost("the process that ran this ended by itself")) for index in lost)
            else:
                suspects += yield from self._pool(function, jobs, waiting, self._processes)

    def _pool(
        self, function: Callable[[J], R], jobs: Sequence[J], waiting: deque[int], processes: int
    ) -> Generator[tuple[int, R | Exception], None, list[int]]:
        """Run the waiting jobs until all are done or a worker dies; return the jobs that were running then."""
        # Fresh interpreters: a fork would copy whatever threads and files the caller happens to have.
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            running: dict[Future[R], int] = {}
            try:
                while waiting or running:
                    while waiting and len(running) < processes:
                        running[pool.submit(function, jobs[waiting[0]])] = waiting[0]
                        waiting.popleft()
                    for future in wait(running, return_when=FIRST_COMPLETED).done:
                        error = future.exception()
                        if isinstance(error, BrokenProcessPool):
                            raise error
                        yield _done(running.pop(future), future)
            except BrokenProcessPool:
                return sorted(running.values())
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
        return []


class DaskExecutor:
    """Workers of Dask, with one thread each if this class starts the cluster."""

    def __init__(self, distributed: Any, processes: int | None, address: str) -> None:
        self._distributed = distributed
        self._processes = processes
        self._address = address

    def map(self, function: Callable[[J], R], jobs: Sequence[J]) -> Iterator[tuple[int, R | Exception]]:
        """See `Executor`."""
        with ExitStack() as stack:
            client = stack.enter_context(self._client(stack))
            suspects = yield from self._together(client, function, jobs)
            # A death takes along what waited on that worker: each of those runs once more, alone.
            for index in suspects:
                result = self._result(client.submit(function, jobs[index], pure=False, retries=0))
                yield index, WorkerLost("the worker that ran this ended by itself") if result is None else result[0]

    def _together(
        self, client: Any, function: Callable[[J], R], jobs: Sequence[J]
    ) -> Generator[tuple[int, R | Exception], None, list[int]]:
        """Run all jobs; return those that were running on a worker that died."""
        futures = {client.submit(function, job, pure=False, retries=0): index for index, job in enumerate(jobs)}
        suspects = []
        for future in self._distributed.as_completed(futures, loop=client.loop):
            if (result := self._result(future)) is None:
                suspects.append(futures[future])
            else:
                yield futures[future], result[0]
        return sorted(suspects)

    def _result(self, future: Any) -> tuple[Any] | None:
        """Return the result, which may be an exception; None: the worker died."""
        error = future.exception()
        if error is None:
            return (future.result(),)
        return None if isinstance(error, self._distributed.scheduler.KilledWorker) else (error,)

    def _client(self, stack: ExitStack) -> Any:
        if self._address:
            return self._distributed.Client(self._address, set_as_default=False)
        dask = import_module("dask")
        stack.enter_context(dask.config.set({"distributed.scheduler.allowed-failures": 0}))
        cluster = self._distributed.LocalCluster(
            n_workers=self._processes or os.cpu_count() or 1,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
        )
        return self._distributed.Client(stack.enter_context(cluster), set_as_default=False)


class RayExecutor:
    """Workers of Ray, one for each processor."""

    def __init__(self, ray: Any, processes: int | None, address: str) -> None:
        self._ray = ray
        self._processes = processes
        self._address = address

    def map(self, function: Callable[[J], R], jobs: Sequence[J]) -> Iterator[tuple[int, R | Exception]]:
        """See `Executor`."""
        ray = self._ray
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nobody is told what runs here unless somebody wants it
        if self._address:
            ray.init(address=self._address, log_to_driver=False)
        else:
            ray.init(
                num_cpus=self._processes, include_dashboard=False, log_to_driver=False, _node_ip_address="127.0.0.1"
            )
        try:
            remote = ray.remote(num_cpus=1, max_retries=0)(_call)
            running = {remote.remote(function, job): index for index, job in enumerate(jobs)}
            while running:
                done, _ = ray.wait(list(running), num_returns=1)
                yield running.pop(done[0]), self._result(done[0])
        finally:
            ray.shutdown()

    def _result(self, reference: Any) -> Any:
        errors = self._ray.exceptions
        try:
            return self._ray.get(reference)
        except (errors.WorkerCrashedError, errors.NodeDiedError):
            return WorkerLost("the worker that ran this ended by itself")
        except errors.RayTaskError as error:
            return error.cause if isinstance(error.cause, Exception) else error


def _call(function: Callable[[J], R], job: J) -> R:
    """Call a job's function: Ray accepts only plain functions."""
    return function(job)


def _done(index: int, future: Future[Any]) -> tuple[int, Any]:
    error = future.exception()
    if error is None:
        return index, future.result()
    assert isinstance(error, Exception), "what ends a process does not come back as a result"
    return index, error


def _import(module: str, extra: str) -> Any:
    """Return the library of an engine.

    Raises:
        InputError: `no_engine`: it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise InputError(
            "no_engine",
            f"the engine {extra} is not installed.",
            hint=f"Install it: {install_line(extra)}; or leave --engine out.",
        ) from error
