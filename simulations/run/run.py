"""One run of a scenario, from its settings to its outcome, with the command that repeats it.

    outcome = run(SCENARIOS["partition"], settings)
    outcome.digest, outcome.failure, outcome.replay

Settings are changed by name, as on the command line: `nodes`, `seed`, `seconds`, …; `links.loss`, `gossip.degree`; and
any other name is an option of the scenario's own (`share`)."""

import gc
import time
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from shlex import quote
from typing import Any, Final, Protocol

from accredit.node.memory import keeping_what_is_there
from accredit.registry.errors import InputError
from accredit.registry.evidence.trust_policy import LIFETIME
from accredit.registry.limits import SIGNERS
from accredit.simulations.checkers import Bounds, all_checkers
from accredit.simulations.scenarios import SCENARIOS, Scenario
from accredit.simulations.virtual.ecosystem import BUDGET, CONSTITUENCIES
from accredit.simulations.virtual.flood_baseline import Comparison, PlainPush
from accredit.simulations.virtual.memoised_crypto import shared_answers
from accredit.simulations.virtual.metrics import Figures, RunMetrics
from accredit.simulations.virtual.ports import Schedule
from accredit.simulations.virtual.settings import Settings
from accredit.simulations.virtual.world import World, violation_of

POINTS: Final = 200
"""Of a curve in a report."""

RARELY: Final = (200_000, 50, 1_000)
"""When garbage is looked for while a world runs: thousands of nodes are millions of objects, nearly all of which stay.
Measured at 4,000 nodes: the usual thresholds take a third of the time, these none, at the same memory."""

_NODES_MAX: Final = 20_000
_SECONDS_MAX: Final = 7 * 86_400
_PLAIN: Final = (
    *("nodes", "seed", "seconds", "settle", "calm", "authorities", "grants", "signers", "tick", "budget"),
    "policy_age",
)
_GROUPS: Final = ("links", "gossip", "crowd")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A broken rule: the checker that found it, the finding, and the time (ms since the start)."""

    checker: str
    message: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcome:
    """The outcome of a run. Everything except `wall_seconds` is a function of scenario and settings.

    Attributes:
        changes: settings that differ from the scenario's own.
        digest: over every event in order.
        figures: None where the run did not come to its end.
        extra: figures of the scenario's own.
        bounds: what the scenario promises.
        curves: by class of statement, points (ms, share of deliveries that took no longer); those of the plain way
            under the same name with ", plain push", where it was asked for; of verified answers (`staleness`) the share
            that was out of date for no longer.
        comparison: with the plain way.
        tail: the last events.
        replay: the command that runs the same again.
        tier: what ran (`tiers`).
    """

    scenario: str
    summary: str
    seed: int
    nodes: int
    changes: dict[str, float]
    digest: str
    events: int = 0
    virtual_seconds: float = 0.0
    wall_seconds: float
    figures: Figures | None = None
    extra: dict[str, float] = field(default_factory=dict)
    bounds: dict[str, Any] = field(default_factory=dict)
    curves: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    comparison: Comparison | None = None
    failure: Failure | None
    tail: list[str] = field(default_factory=list)
    replay: str
    tier: str

    def as_dict(self) -> dict[str, Any]:
        """Return its form in report.json."""
        return asdict(self)


class AnyScenario(Protocol):
    """The common members of scenarios of all tiers."""

    @property
    def name(self) -> str: ...

    @property
    def summary(self) -> str: ...

    @property
    def settings(self) -> Settings: ...


class MeasuredWorld(Protocol):
    """The measurements of a world, whichever tier it is of."""

    extra: dict[str, float]

    @property
    def timeline(self) -> Schedule: ...

    @property
    def metrics(self) -> RunMetrics: ...


def outcome_of(
    scenario: AnyScenario,
    settings: Settings,
    *,
    tier: str,
    digest: str = "",
    seconds: float = 0.0,
    failure: Failure | None = None,
    replayed: str = "",
    asked: str = "",
) -> RunOutcome:
    """Return the outcome of a run as far as every tier has one; figures are added to it (`replace`).

    Args:
        scenario: with its own settings. settings: those of the run.
        seconds: of wall time.
        replayed: the scenario in the command that repeats the run; empty: its name.
        asked: the tier in that command; empty: the scenario implies it.
    """
    different = differences(scenario.settings, settings)
    return RunOutcome(
        scenario=scenario.name,
        summary=scenario.summary,
        seed=settings.seed,
        nodes=settings.nodes,
        changes=different,
        digest=digest,
        wall_seconds=round(seconds, 2),
        failure=failure,
        replay=replay_command(replayed or scenario.name, settings.seed, different, digest, tier=asked),
        tier=tier,
    )


def with_figures(outcome: RunOutcome, world: MeasuredWorld, bounds: Bounds) -> RunOutcome:
    """Return an outcome with the measurements of a world in virtual time."""
    trace = world.timeline.trace
    return replace(
        outcome,
        events=trace.events,
        virtual_seconds=world.timeline.elapsed / 1_000,
        figures=world.metrics.figures(),
        extra=world.extra,
        bounds={name: value for name, value in asdict(bounds).items() if value is not None},
        tail=[str(each) for each in trace.tail],
    )


def find(name: str) -> Scenario:
    """Return the scenario of that name.

    Raises:
        InputError: there is none.
    """
    if name not in SCENARIOS:
        from difflib import get_close_matches

        close = get_close_matches(name, SCENARIOS, 1)
        raise InputError(
            "unknown_scenario",
            f"there is no scenario named {name!r}.",
            hint=f"Did you mean {close[0]}?" if close else "See `accredit simulate list`.",
        )
    return SCENARIOS[name]


def changed(settings: Settings, changes: Mapping[str, float]) -> Settings:
    """Return the settings with some changed by name.

    Raises:
        InputError: no such setting, or a value it cannot have.
    """
    plain: dict[str, Any] = {}
    groups: dict[str, dict[str, Any]] = {name: {} for name in _GROUPS}
    options = dict(settings.options)
    for name, value in changes.items():
        group, _, member = name.partition(".")
        if name in _PLAIN:
            plain[name] = _as(type(getattr(settings, name)), name, value)
        elif member:
            if group not in groups or member not in {field.name for field in fields(getattr(settings, group))}:
                raise InputError("unknown_setting", f"there is no setting {name!r}.", hint="See docs/simulations.md.")
            groups[group][member] = _as(type(getattr(getattr(settings, group), member)), name, value)
        else:
            options[name] = float(value)
    for name, members in groups.items():
        if members:
            try:
                plain[name] = replace(getattr(settings, name), **members)
            except AssertionError as error:
                raise InputError("bad_setting", f"these do not go together: {', '.join(members)}. {error}") from error
    result = replace(settings, **plain, options=tuple(sorted(options.items())))
    _check(result)
    return result


def run(
    scenario: Scenario,
    changes: Mapping[str, float] | None = None,
    *,
    keep: int = 40,
    compare: bool = False,
    progress: Callable[[float], None] | None = None,
) -> RunOutcome:
    """Run a scenario with some settings changed. A violation ends the run and is part of the outcome.

    Args:
        keep: how many of the last events the outcome shows.
        compare: lets the plain way (`plain`) ride along; the run is the same.
        progress: told how far the run is, from 0 to 1.

    Raises:
        InputError: as `changed`.
    """
    settings = changed(scenario.settings, changes or {})
    began = time.perf_counter()
    failure: Failure | None = None
    with shared_answers():
        world = World(settings, checkers=all_checkers(scenario.bounds), keep=keep)
        world.plain = PlainPush(world) if compare else None
        often = gc.get_threshold()
        gc.set_threshold(*RARELY)
        try:
            with keeping_what_is_there():  # the world stays: not worth looking at again and again
                scenario.plan(world)
                world.run(progress)
        except Exception as error:  # an engine that fails is a finding like any other
            seen = violation_of(error)
            failure = Failure(checker=seen.checker, message=seen.message, at=world.timeline.elapsed)
        finally:
            gc.set_threshold(*often)
    outcome = outcome_of(
        scenario,
        settings,
        tier="world",
        digest=world.timeline.trace.digest(),
        seconds=time.perf_counter() - began,
        failure=failure,
        replayed=scenario.place,
    )
    return replace(
        with_figures(outcome, world, scenario.bounds),
        curves=_curves(world),
        comparison=None if world.plain is None else world.plain.compare(),
    )


def _check(settings: Settings) -> None:
    """Raise an `InputError` unless a world can be made of the settings."""
    links = settings.links
    ranges = (
        ("nodes", settings.nodes, 2, _NODES_MAX),
        ("seconds", settings.seconds, 1, _SECONDS_MAX),
        ("settle", settings.settle, 1, _SECONDS_MAX),
        ("calm", settings.calm, 0, _SECONDS_MAX),
        ("budget", settings.budget, 1, BUDGET),
        ("policy_age", settings.policy_age, 1, LIFETIME),
        ("crowd.share", settings.crowd.share, 0, 1),
        ("crowd.operators", settings.crowd.operators, 0, settings.nodes),
        ("crowd.grinds", settings.crowd.grinds, 0, 100_000),
        ("authorities", settings.authorities, 1, len(CONSTITUENCIES)),
        ("grants", settings.grants, 0, 10_000),
        ("signers", settings.signers, 0, min(SIGNERS, settings.nodes)),
        ("tick", settings.tick, 1, 60_000),
        ("links.median", links.median, 1, 60_000),
        ("links.spread", links.spread, 0, 5),
        ("links.jitter", links.jitter, 0, 5),
        ("links.loss", links.loss, 0, 1),
        ("links.duplication", links.duplication, 0, 1),
        ("links.reordering", links.reordering, 0, 1),
        ("links.bandwidth", links.bandwidth, 1, 10**9),
    )
    for name, value, least, most in ranges:
        if not least <= value <= most:
            raise InputError("bad_setting", f"{name} is {value:g}; it may be {least:g} to {most:g}.")


def _as(kind: type, name: str, value: float) -> Any:
    if kind is int and float(value).is_integer():
        return int(value)
    if kind is float:
        return float(value)
    raise InputError("bad_setting", f"{name} cannot be {value:g}.", hint="Give a whole number." if kind is int else "")


def differences(usual: Settings, settings: Settings) -> dict[str, float]:
    """Return by name the settings that `changed` would have to change, except the seed."""
    found: dict[str, float] = {}
    for name in _PLAIN:
        if name != "seed" and getattr(settings, name) != getattr(usual, name):
            found[name] = getattr(settings, name)
    for group in _GROUPS:
        ours, theirs = getattr(settings, group), getattr(usual, group)
        for each in fields(ours):
            if getattr(ours, each.name) != getattr(theirs, each.name):
                found[f"{group}.{each.name}"] = getattr(ours, each.name)
    before = dict(usual.options)
    found.update((name, value) for name, value in settings.options if before.get(name) != value)
    return found


def replay_command(name: str, seed: int, changes: Mapping[str, float], digest: str, *, tier: str = "") -> str:
    """Return the command that makes the same run again. `tier`: given if the scenario does not imply it."""
    words = ["accredit simulate replay", quote(name), *([f"--tier {tier}"] if tier else []), f"--seed {seed}"]
    for key, value in changes.items():
        number = int(value) if float(value).is_integer() else value
        words.append(f"--nodes {number}" if key == "nodes" else f"--set {key}={number}")
    return " ".join([*words, *([f"--digest {digest[:16]}"] if digest else [])])


def curve(world: World, *, urgent: bool) -> list[tuple[int, float]]:
    """Return the curve of coverage against time since submission."""
    return _curve(world.metrics.delays(urgent=urgent), _wanted(world, urgent=urgent))


def _wanted(world: World, *, urgent: bool) -> int:
    return len(world.honest) * sum(each.is_urgent is urgent for each in world.workload.sayings.values())


def _curves(world: World) -> dict[str, list[tuple[int, float]]]:
    """See `RunOutcome.curves`."""
    curves = {}
    for word in ("urgent", "normal"):
        urgent = word == "urgent"
        curves[word] = curve(world, urgent=urgent)
        if world.plain is not None:
            curves[f"{word}, plain push"] = _curve(world.plain.delays(urgent=urgent), _wanted(world, urgent=urgent))
    ages = world.metrics.ages
    return curves | ({"staleness": _curve(ages, len(ages))} if ages else {})


def _curve(values: Sequence[int], wanted: int) -> list[tuple[int, float]]:
    """Return the share of values that are no greater, at some points up to the greatest of the sorted values."""
    if not values:
        return []
    times = sorted({round(values[-1] * number / POINTS) for number in range(POINTS + 1)})
    return [(time, round(bisect_right(values, time) / wanted, 6)) for time in times]
