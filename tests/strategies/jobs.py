"""Jobs for engines of sweeps: one that is a run, one that raises, one that takes its process with it.

A program too, for an environment in which an engine is installed:  python -m tests.strategies.jobs dask
"""

import json
import os
import signal
import sys
from typing import Final

from accredit.simulations.executors import WorkerLost, engine
from accredit.simulations.sweep import run_job

STORY: Final = {"nodes": 3.0, "seconds": 3.0}
JOBS: Final = ("run 1", "raise", "die", "run 2", "run 3")


def perilous(job: str) -> str:
    """The digest of a run of that seed; or what its name says."""
    if job == "raise":
        raise ValueError("this job fails")
    if job == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    return run_job("http", ("baseline", {**STORY, "seed": float(job.split()[1])})).digest


def results(name: str) -> dict[str, str]:
    """What came of each job on an engine of two processes: a digest, or what kind of error."""
    found = dict(engine(name, processes=2).map(perilous, JOBS))
    words = {}
    for index, job in enumerate(JOBS):
        result = found[index]
        kind = "lost" if isinstance(result, WorkerLost) else f"raised {result}"
        words[job] = kind if isinstance(result, Exception) else result
    return words


if __name__ == "__main__":
    print(json.dumps(results(sys.argv[1])))
