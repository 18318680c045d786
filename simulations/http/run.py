"""One run over HTTP in one process, from its settings to its outcome.

outcome = run(SCENARIOS["partition"], {"nodes": 10, "seed": 7})
"""

import logging
import shutil
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

import trio
from trio.testing import MockClock

from accredit.node.memory import keeping_what_is_there
from accredit.registry.errors import InputError
from accredit.simulations.checkers import (
    Bounded,
    Checker,
    MeshWithinBounds,
    NothingLost,
    NotShutOut,
    OneHistory,
    OneRoot,
    QuorumNotes,
    RecordsRederived,
    ValidStatements,
    WithinBounds,
)
from accredit.simulations.run.failures import failure_of
from accredit.simulations.run.run import Failure, RunOutcome, changed, curve, outcome_of, with_figures
from accredit.simulations.virtual.memoised_crypto import shared_answers
from accredit.simulations.virtual.settings import Settings

from .clock import seeded_scheduler
from .scenarios import HttpScenario
from .world import HttpWorld

TIER: Final = "http"
NODES_MAX: Final = 500


@dataclass(slots=True)
class RunWorld:
    """Holds the world of a run, so that it can be found after a failure."""

    world: HttpWorld | None = None


class NoErrors(Checker):
    """Checks that no node logs an unexpected error, which has a traceback."""

    name = "no_traceback"

    def __init__(self, errors: Sequence[str]) -> None:
        self._errors = errors

    def on_look(self, world: Any) -> None:  # noqa: ARG002
        """See `Checker`."""
        self.require(not self._errors, f"a node logged: {''.join(self._errors[:1])}")


class _Errors(logging.Handler):
    """Keeps log records that have a traceback."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info is not None and record.exc_info[1] is not None:
            traced = "".join(traceback.format_exception(record.exc_info[1]))
            self.found.append(f"{record.getMessage()}\n{traced}")


@contextmanager
def heard_errors() -> Iterator[list[str]]:
    """Collect the log records with a traceback of nodes and their servers inside the block; print no log lines."""
    handler, loggers = _Errors(), [logging.getLogger(name) for name in ("accredit.node",)]
    before = [each.propagate for each in loggers]
    for each in loggers:
        each.addHandler(handler)
        each.propagate = False
    try:
        yield handler.found
    finally:
        for each, propagates in zip(loggers, before, strict=True):
            each.removeHandler(handler)
            each.propagate = propagates


def run(
    scenario: HttpScenario,
    changes: Mapping[str, float] | None = None,
    *,
    keep: int = 40,
    progress: Callable[[float], None] | None = None,
) -> RunOutcome:
    """Run a scenario with some settings changed. A violation ends the run and is part of the outcome.

    Args:
        keep: how many of the last events the outcome shows.
        progress: called with the progress of the phase of faults, from 0 to 1.

    Raises:
        InputError: as `run.changed`.
    """
    settings = changed(scenario.settings, changes or {})
    if settings.nodes > NODES_MAX:
        raise InputError("bad_setting", f"nodes is {settings.nodes}; over HTTP it may be 2 to {NODES_MAX}.")
    began, stage = time.perf_counter(), RunWorld()
    folder = Path(tempfile.mkdtemp(prefix="accredit-simulation-"))
    failure: Failure | None = None
    try:
        with shared_answers(), seeded_scheduler(settings.seed), heard_errors() as errors:
            checkers = [*_checkers(scenario), NoErrors(errors)]
            play = partial(_play, scenario, settings, folder, stage, keep, checkers, progress or (lambda _share: None))
            trio.run(play, clock=MockClock(autojump_threshold=0.0), strict_exception_groups=True)
    except BaseException as error:  # a node that fails is a finding like any other
        failure = failure_of(error, at=0 if stage.world is None else stage.world.timeline.elapsed)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    assert stage.world is not None, "a world is founded before anything can fail"
    return _outcome(scenario, settings, stage.world, failure, time.perf_counter() - began)


async def _play(
    scenario: HttpScenario,
    settings: Settings,
    folder: Path,
    stage: RunWorld,
    keep: int,
    checkers: list[Checker],
    progress: Callable[[float], None],
) -> None:
    async with trio.open_nursery() as nursery:
        world = HttpWorld(settings, nursery, folder, checkers=checkers, keep=keep)
        stage.world = world
        with keeping_what_is_there():  # the world stays: not worth looking at again and again
            scenario.plan(world)
            await world.run(progress)
        nursery.cancel_scope.cancel()


def _checkers(scenario: HttpScenario) -> list[Checker]:
    """Return the checkers of every run: all that need neither adversaries nor verifiers, nor every effect."""
    return [
        ValidStatements(),
        OneHistory(),
        Bounded(),
        MeshWithinBounds(),
        NotShutOut(),
        OneRoot(),
        NothingLost(),
        RecordsRederived(),
        QuorumNotes(),
        WithinBounds(scenario.bounds),
    ]


def _outcome(
    scenario: HttpScenario, settings: Settings, world: HttpWorld, failure: Failure | None, seconds: float
) -> RunOutcome:
    outcome = outcome_of(
        scenario,
        settings,
        tier=TIER,
        digest=world.timeline.trace.digest(),
        seconds=seconds,
        failure=failure,
        asked=TIER,
    )
    return replace(
        with_figures(outcome, world, scenario.bounds),
        curves={word: curve(cast(Any, world), urgent=word == "urgent") for word in ("urgent", "normal")},
    )
