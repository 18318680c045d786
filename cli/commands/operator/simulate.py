"""`accredit simulate`: whole ecosystems with faults and adversaries, on this machine.

In three tiers: engines in virtual time (`world`), whole nodes over HTTP in virtual time (`http`), real nodes as
processes (`processes`). A run prints its seed, its digest, and the command that repeats it. Exit code 1: a check
failed.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from accredit.cli.base import output
from accredit.cli.base.commands import CommandGroup
from accredit.cli.base.exits import Negative
from accredit.cli.base.output import bad, faint, good
from accredit.registry.encoding.counts import many

TIERS: Final = ("world", "http", "processes")  # of `simulations.tiers`, which is not worth importing for `--help`
ENGINES: Final = ("local", "dask", "ray")  # of `simulations.executors`
_SEEDS_MAX: Final = 100_000

simulate = CommandGroup(
    "simulate", help="Simulate whole networks with faults and adversaries, and check what must always hold."
)


def _numbers(
    _context: click.Context, _parameter: click.Parameter, values: Sequence[str]
) -> list[tuple[str, list[float]]]:
    """`name=value`, or several values with commas between them."""
    found = []
    for value in values:
        name, _, numbers = value.partition("=")
        try:
            found.append((name, [float(number) for number in numbers.split(",")]))
        except ValueError as error:
            raise click.BadParameter(f"{value!r} does not have the form name=number.") from error
    return found


def _seeds(_context: click.Context, _parameter: click.Parameter, value: str) -> list[int]:
    """`7`, `1-20` or `1,5,9`."""
    seeds: list[int] = []
    try:
        for part in value.split(","):
            first, dash, last = part.partition("-")
            seeds += range(int(first), int(last) + 1) if dash else [int(first)]
    except ValueError as error:
        raise click.BadParameter(f"{value!r} does not have the form 7, 1-20 or 1,5,9.") from error
    if not seeds:
        raise click.BadParameter(f"{value!r} names no seed; write the lower one first, as in 1-20.")
    if len(seeds) > _SEEDS_MAX:
        raise click.BadParameter(f"{value!r} names more than {_SEEDS_MAX:,} seeds.")
    return seeds


def _or_empty(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str:
    return value or ""


def _world_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """What every command that runs a scenario takes."""
    for option in (
        click.option(
            "--set",
            "changes",
            multiple=True,
            callback=_numbers,
            metavar="NAME=VALUE",
            help="A setting, such as links.loss=0.02.",
        ),
        click.option(
            "--seconds", type=float, help="How long faults last: in virtual time, or in real time for real processes."
        ),
        click.option("--nodes", type=int, help="Number of nodes."),
        click.option(
            "--tier",
            type=click.Choice(TIERS),
            callback=_or_empty,
            help="Tier to use, if several tiers have the scenario.",
        ),
        click.argument("scenario"),
    ):
        function = option(function)
    return function


_seed = click.option("--seed", type=int, default=1, show_default=True, help="Seed of all random choices.")
_report = click.option(
    "--report", type=click.Path(file_okay=False, path_type=Path), help="Folder for report.json, plots and a page."
)


@simulate.command(
    "list", example="accredit simulate list", help="List the scenarios of all tiers, and what each promises."
)
def list_scenarios() -> None:
    """See `help`."""
    from accredit.simulations.tiers import scenarios_of

    found: dict[str, list[Any]] = {}
    for tier in TIERS:
        for name, each in scenarios_of(tier).items():
            found.setdefault(name, []).append(each)

    def text() -> None:
        rows = []
        for name, forms in found.items():
            first = forms[0].scenario
            tiers = ", ".join(each.tier for each in forms)
            size = (str(first.settings.nodes), f"{first.settings.seconds:g}", forms[0].takes)
            rows.append((name, tiers, *size, first.summary))
        output.table(("scenario", "tiers", "nodes", "seconds", "takes", "scenario"), rows)
        output.say(faint("The numbers of nodes and seconds and the running time are for the first tier named."))

    data = [
        {
            "name": name,
            "summary": forms[0].scenario.summary,
            "nodes": forms[0].scenario.settings.nodes,
            "seconds": forms[0].scenario.settings.seconds,
            "tiers": [
                {
                    "tier": each.tier,
                    "nodes": each.scenario.settings.nodes,
                    "seconds": each.scenario.settings.seconds,
                    "takes": each.takes,
                }
                for each in forms
            ],
        }
        for name, forms in found.items()
    ]
    output.emit({"scenarios": data}, text)


@simulate.command(
    "run",
    example="accredit simulate run partition --nodes 20 --seconds 60 --seed 7 --report out/\n"
    "accredit simulate run partition --tier http --nodes 10\n"
    "accredit simulate run torment --nodes 5 --seconds 180 --seed 7\n"
    "accredit simulate run ./island.py --seed 3",
    help="Run one scenario (from `accredit simulate list`, or your own Python file) and report whether "
    "everything held.",
)
@_world_options
@_seed
@_report
def run_scenario(
    scenario: str,
    tier: str,
    nodes: int | None,
    seconds: float | None,
    changes: Sequence[tuple[str, list[float]]],
    seed: int,
    report: Path | None,
) -> None:
    """See `help`."""
    from accredit.simulations.run.report import write_run

    outcome = _run(scenario, tier, _changes(nodes, seconds, changes, seed), compare=report is not None)
    files = [] if report is None else write_run(outcome, report)
    _show(outcome, files)


@simulate.command(
    "replay",
    example="accredit simulate replay partition --nodes 20 --seed 7 --events 100",
    help="Repeat a run, show its last events, and report whether it was the same run.",
)
@_world_options
@_seed
@click.option("--digest", default="", help="Expected beginning of the trace's digest.")
@click.option(
    "--events", type=click.IntRange(1, 100_000), default=40, show_default=True, help="Number of events to show."
)
def replay(
    scenario: str,
    tier: str,
    nodes: int | None,
    seconds: float | None,
    changes: Sequence[tuple[str, list[float]]],
    seed: int,
    digest: str,
    events: int,
) -> None:
    """See `help`."""
    outcome = _run(scenario, tier, _changes(nodes, seconds, changes, seed), keep=events)
    is_same = outcome.digest.startswith(digest.lower())

    def text() -> None:
        for line in outcome.tail:
            output.say(output.safe(line))
        output.say()
        _text(outcome, [])
        if digest:
            output.say(_sameness(outcome.tier, digest, is_same=is_same))

    output.emit({**outcome.as_dict(), "same": is_same}, text)
    if not is_same or outcome.failure is not None:
        raise Negative


@simulate.command(
    "sweep",
    example="accredit simulate sweep lossy --seeds 1-20 --vary links.loss=0,0.05,0.1 --nodes 20 --report out/\n"
    "accredit simulate sweep smoke\n"
    "accredit simulate sweep all --seeds 1-20 --report nightly/\n"
    "accredit simulate sweep all --tier http --seeds 1-4 --engine dask --cluster tcp://127.0.0.1:8786",
    help="Run one scenario, a whole tier, or the smoke set with many seeds, on all processors or a cluster.",
)
@_world_options
@click.option("--seeds", callback=_seeds, default="1-10", show_default=True, help="Such as 7, 1-20 or 1,5,9.")
@click.option(
    "--vary",
    multiple=True,
    callback=_numbers,
    metavar="NAME=VALUES",
    help="Values to try, such as links.loss=0,0.02,0.05.",
)
@click.option("--processes", type=click.IntRange(1, 1_000), help="Runs at a time; default: one per processor.")
@click.option(
    "--engine", type=click.Choice(ENGINES), default="local", show_default=True, help="What executes the runs."
)
@click.option(
    "--cluster",
    default="",
    metavar="ADDRESS",
    help="Address of an existing cluster of that engine; default: start one here.",
)
@_report
def sweep_scenario(
    scenario: str,
    tier: str,
    nodes: int | None,
    seconds: float | None,
    changes: Sequence[tuple[str, list[float]]],
    seeds: list[int],
    vary: Sequence[tuple[str, list[float]]],
    processes: int | None,
    engine: str,
    cluster: str,
    report: Path | None,
) -> None:
    """See `help`."""
    from accredit.simulations.executors import engine as engine_of
    from accredit.simulations.run.report import SWEEP_HEADERS, failure_of, sweep_rows, write_sweep
    from accredit.simulations.smoke import smoke_jobs
    from accredit.simulations.sweep import jobs_of, sweep
    from accredit.simulations.tiers import scenarios_of

    names = list(scenarios_of(tier or TIERS[0])) if scenario == "all" else [scenario]
    given = _changes(nodes, seconds, changes, None)
    jobs = smoke_jobs(seeds) if scenario == "smoke" else jobs_of(names, seeds, dict(vary), given)
    on = engine_of(engine, processes=processes, address=cluster) if engine != "local" or cluster else None
    with output.progress(f"{scenario}: {many(len(jobs), 'run')}", len(jobs)) as done:
        outcomes = list(sweep(jobs, tier=tier, on=on, processes=processes, done=done))
    files = [] if report is None else write_sweep(outcomes, report)
    failed = [each for each in outcomes if each.failure is not None]

    def text() -> None:
        output.table(SWEEP_HEADERS, sweep_rows(outcomes))
        output.say()
        for each in failed:
            output.say(output.mix(bad("Failed: "), failure_of(each)))
            output.say(f"  {each.replay}")
        if not failed:
            output.say(good(f"Everything held in {many(len(outcomes), 'run')}."))
        _wrote(files)

    output.emit({"runs": [each.as_dict() for each in outcomes]}, text)
    if failed:
        raise Negative


@simulate.command(
    "gate",
    example="accredit simulate gate\naccredit simulate gate --seeds 1-20,31337",
    help="For each defence, check that a scenario holds with it and fails without it, with a margin.",
)
@click.option("--seeds", callback=_seeds, default="1", show_default=True, help="Such as 7, 1-20 or 1,5,9.")
@click.option("--processes", type=click.IntRange(1, 1_000), help="Runs at a time; default: one per processor.")
def gate_command(seeds: list[int], processes: int | None) -> None:
    """See `help`."""
    from accredit.simulations.mutation_gate import DEFENCES, HEADERS, judge_all, rows_of

    with output.progress("gate", 2 * len(DEFENCES) * len(seeds)) as done:
        judged = judge_all(DEFENCES, seeds, processes=processes, done=done)
    output.emit(
        {"defences": [each.as_dict() for each in judged]},
        lambda: output.table(HEADERS, rows_of(judged)),
    )
    if not all(each.stands for each in judged):
        raise Negative


@simulate.command(
    "calibrate",
    example="accredit simulate calibrate",
    help="Measure a plain flooding node as the Maelstrom workbench does, and compare with its published figures.",
)
@_seed
def calibrate_command(seed: int) -> None:
    """See `help`."""
    from accredit.simulations.baseline.calibration import PUBLISHED, calibrate

    results = []
    with output.progress("calibrating", len(PUBLISHED)) as done:
        for case in PUBLISHED:
            results.append((case, calibrate(case, seed=seed)))
            done(1)

    def text() -> None:
        rows = []
        for case, found in results:
            rows.append(
                (
                    case.name,
                    "" if case.messages is None else f"{case.messages:.1f}",
                    f"{found.messages_per_operation:.1f}",
                    "" if case.latencies is None else "/".join(map(str, case.latencies)),
                    f"{found.p50}/{found.p95}/{found.p99}/{found.max}",
                )
            )
        output.table(("topology", "messages, published", "here", "stable latency, published", "here, ms"), rows)

    from dataclasses import asdict

    data = [{"case": case.name, "published": asdict(case), "measured": asdict(found)} for case, found in results]
    output.emit({"cases": data}, text)


def _changes(
    nodes: int | None, seconds: float | None, changes: Sequence[tuple[str, list[float]]], seed: int | None
) -> dict[str, float]:
    found = {name: values[-1] for name, values in changes}
    given = {"nodes": nodes, "seconds": seconds, "seed": seed}
    return {**found, **{name: value for name, value in given.items() if value is not None}}


def _sameness(tier: str, digest: str, *, is_same: bool) -> output.Styled:
    """Whether it was the same again; of real processes only what was done to them is."""
    what, besides = ("plan", "; the outcome may differ") if tier == TIERS[2] else ("run", "")
    if is_same:
        return good(f"The same {what}{besides}.")
    return bad(f"A different {what} than {digest}: the code or the settings differ.")


def _run(scenario: str, tier: str, changes: Mapping[str, float], *, keep: int = 40, compare: bool = False) -> Any:
    from accredit.simulations.tiers import find

    found = find(scenario, tier)
    reached = 0
    with output.progress(f"{scenario}, seed {changes['seed']:g}", 100) as advance:

        def progress(share: float) -> None:
            nonlocal reached
            advance(int(share * 100) - reached)
            reached = int(share * 100)

        return found.run(changes, keep=keep, compare=compare, progress=progress)


def _show(outcome: Any, files: Sequence[Path]) -> None:
    output.emit(outcome.as_dict(), lambda: _text(outcome, files))
    if outcome.failure is not None:
        raise Negative


def _text(outcome: Any, files: Sequence[Path]) -> None:
    from accredit.simulations.run.report import failure_of, rows_of

    output.facts(rows_of(outcome))
    output.say()
    if outcome.failure is None:
        output.say(good("Everything held."))
    else:
        output.say(output.mix(bad("Failed: "), failure_of(outcome)))
    output.say(output.mix(faint("To repeat it: "), outcome.replay))
    _wrote(files)


def _wrote(files: Sequence[Path]) -> None:
    for path in files:
        output.say(output.mix(faint("Wrote "), path))
