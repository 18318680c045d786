"""`accredit simulate`: whole ecosystems in virtual time, with faults and adversaries, on this machine.

A run drives the engine that every node runs; nothing of the protocol is rebuilt. It prints its seed, the digest of all
that happened, and the command that runs the same again. Exit code 1: something that must hold did not.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from cli import output
from cli.commands import Group
from cli.exits import Negative
from cli.output import bad, faint, good

_SEEDS_MAX: Final = 100_000

simulate = Group("simulate", help="Simulate whole networks: faults, adversaries, and what must hold all the same.")


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
            raise click.BadParameter(f"{value!r} is not of the form name=number.") from error
    return found


def _seeds(_context: click.Context, _parameter: click.Parameter, value: str) -> list[int]:
    """`7`, `1-20` or `1,5,9`."""
    seeds: list[int] = []
    try:
        for part in value.split(","):
            first, dash, last = part.partition("-")
            seeds += range(int(first), int(last) + 1) if dash else [int(first)]
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not of the form 7, 1-20 or 1,5,9.") from error
    if not 1 <= len(seeds) <= _SEEDS_MAX:
        raise click.BadParameter(f"between 1 and {_SEEDS_MAX:,} seeds, please.")
    return seeds


def _world_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """What every command that runs a scenario takes."""
    for option in (
        click.option(
            "--set",
            "changes",
            multiple=True,
            callback=_numbers,
            metavar="NAME=VALUE",
            help="A setting, as in links.loss=0.02.",
        ),
        click.option("--seconds", type=float, help="How long faults last, in virtual time."),
        click.option("--nodes", type=int, help="How many nodes."),
        click.argument("scenario"),
    ):
        function = option(function)
    return function


_seed = click.option("--seed", type=int, default=1, show_default=True, help="Draws everything.")
_report = click.option(
    "--report", type=click.Path(file_okay=False, path_type=Path), help="Write report.json, plots and a page there."
)


@simulate.command("list", example="accredit simulate list", help="The scenarios, and what they promise.")
def list_scenarios() -> None:
    """See `help`."""
    from simulations.scenarios import SCENARIOS

    def text() -> None:
        rows = [
            (each.name, each.settings.nodes, f"{each.settings.seconds:g}", each.summary) for each in SCENARIOS.values()
        ]
        output.table(("scenario", "nodes", "seconds", "what happens"), rows)

    data = [
        {"name": each.name, "summary": each.summary, "nodes": each.settings.nodes, "seconds": each.settings.seconds}
        for each in SCENARIOS.values()
    ]
    output.emit({"scenarios": data}, text)


@simulate.command(
    "run",
    example="accredit simulate run partition --nodes 20 --seconds 60 --seed 7 --report out/",
    help="Run one scenario; say whether everything held.",
)
@_world_options
@_seed
@_report
def run_scenario(
    scenario: str,
    nodes: int | None,
    seconds: float | None,
    changes: Sequence[tuple[str, list[float]]],
    seed: int,
    report: Path | None,
) -> None:
    """See `help`."""
    from simulations.report import write_run

    outcome = _run(scenario, _changes(nodes, seconds, changes, seed), compare=report is not None)
    files = [] if report is None else write_run(outcome, report)
    _show(outcome, files)


@simulate.command(
    "replay",
    example="accredit simulate replay partition --nodes 20 --seed 7 --events 100",
    help="Run the same again, show its last events, and say whether it was the same run.",
)
@_world_options
@_seed
@click.option("--digest", default="", help="What the digest of the trace must begin with.")
@click.option("--events", type=click.IntRange(1, 100_000), default=40, show_default=True, help="How many to show.")
def replay(
    scenario: str,
    nodes: int | None,
    seconds: float | None,
    changes: Sequence[tuple[str, list[float]]],
    seed: int,
    digest: str,
    events: int,
) -> None:
    """See `help`."""
    outcome = _run(scenario, _changes(nodes, seconds, changes, seed), keep=events)
    is_same = outcome.digest.startswith(digest.lower())

    def text() -> None:
        for line in outcome.tail:
            output.say(output.safe(line))
        output.say()
        _text(outcome, [])
        if digest:
            another = f"Another run than {digest}: code or settings differ."
            output.say(good("The same run.") if is_same else bad(another))

    output.emit({**outcome.as_dict(), "same": is_same}, text)
    if not is_same or outcome.failure is not None:
        raise Negative


@simulate.command(
    "sweep",
    example="accredit simulate sweep lossy --seeds 1-20 --vary links.loss=0,0.05,0.1 --nodes 20 --report out/\n"
    "accredit simulate sweep smoke\n"
    "accredit simulate sweep all --seeds 1-20 --report nightly/",
    help="Run one scenario, or all, or the small smoke set, with many seeds and settings, on all processors.",
)
@_world_options
@click.option("--seeds", callback=_seeds, default="1-10", show_default=True, help="As in 7, 1-20 or 1,5,9.")
@click.option(
    "--vary",
    multiple=True,
    callback=_numbers,
    metavar="NAME=VALUES",
    help="Values to try, as in links.loss=0,0.02,0.05.",
)
@click.option("--processes", type=click.IntRange(1, 1_000), help="How many at a time; else one a processor.")
@_report
def sweep_scenario(
    scenario: str,
    nodes: int | None,
    seconds: float | None,
    changes: Sequence[tuple[str, list[float]]],
    seeds: list[int],
    vary: Sequence[tuple[str, list[float]]],
    processes: int | None,
    report: Path | None,
) -> None:
    """See `help`."""
    from simulations.report import SWEEP_HEADERS, failure_of, sweep_rows, write_sweep
    from simulations.scenarios import SCENARIOS
    from simulations.smoke import smoke_jobs
    from simulations.sweep import jobs_of, sweep

    names = list(SCENARIOS) if scenario == "all" else [scenario]
    given = _changes(nodes, seconds, changes, None)
    jobs = smoke_jobs(seeds) if scenario == "smoke" else jobs_of(names, seeds, dict(vary), given)
    with output.progress(f"{scenario}: {len(jobs)} runs", len(jobs)) as done:
        outcomes = list(sweep(jobs, processes=processes, done=done))
    files = [] if report is None else write_sweep(outcomes, report)
    failed = [each for each in outcomes if each.failure is not None]

    def text() -> None:
        output.table(SWEEP_HEADERS, sweep_rows(outcomes))
        output.say()
        for each in failed:
            output.say(output.mix(bad("Failed: "), failure_of(each)))
            output.say(f"  {each.replay}")
        if not failed:
            output.say(good(f"Everything held in {len(outcomes)} runs."))
        _wrote(files)

    output.emit({"runs": [each.as_dict() for each in outcomes]}, text)
    if failed:
        raise Negative


@simulate.command(
    "gate",
    example="accredit simulate gate",
    help="For each defence, run what holds with it and fails without it; say whether it does.",
)
@_seed
def gate_command(seed: int) -> None:
    """See `help`."""
    from simulations.gate import DEFENCES, HEADERS, judge, row_of

    judged = []
    with output.progress("gate", len(DEFENCES)) as done:
        for defence in DEFENCES:
            judged.append(judge(defence, seed=seed))
            done(1)
    output.emit(
        {"defences": [each.as_dict() for each in judged]},
        lambda: output.table(HEADERS, [row_of(one) for one in judged]),
    )
    if not all(each.stands for each in judged):
        raise Negative


@simulate.command(
    "calibrate",
    example="accredit simulate calibrate",
    help="Measure a plain flooding node as the Maelstrom workbench does, beside what it publishes.",
)
@_seed
def calibrate_command(seed: int) -> None:
    """See `help`."""
    from simulations.calibration import PUBLISHED, calibrate

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


def _run(scenario: str, changes: Mapping[str, float], *, keep: int = 40, compare: bool = False) -> Any:
    from simulations.running import find, run

    found = find(scenario)
    reached = 0
    with output.progress(f"{scenario}, seed {changes['seed']:g}", 100) as advance:

        def progress(share: float) -> None:
            nonlocal reached
            advance(int(share * 100) - reached)
            reached = int(share * 100)

        return run(found, changes, keep=keep, compare=compare, progress=progress)


def _show(outcome: Any, files: Sequence[Path]) -> None:
    output.emit(outcome.as_dict(), lambda: _text(outcome, files))
    if outcome.failure is not None:
        raise Negative


def _text(outcome: Any, files: Sequence[Path]) -> None:
    from simulations.report import failure_of, rows_of

    output.facts(rows_of(outcome))
    output.say()
    if outcome.failure is None:
        output.say(good("Everything held."))
    else:
        output.say(output.mix(bad("Failed: "), failure_of(outcome)))
    output.say(output.mix(faint("The same again: "), outcome.replay))
    _wrote(files)


def _wrote(files: Sequence[Path]) -> None:
    for path in files:
        output.say(output.mix(faint("Wrote "), path))
