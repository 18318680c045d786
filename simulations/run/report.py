"""Writes the report of a run or a sweep: report.json for programs, SVG plots, and one HTML page for people.

    write_run(outcome, Path("out"))         report.json, coverage.svg, (staleness.svg,) index.html
    write_sweep(outcomes, Path("out"))      report.json, spread.svg, index.html

The page needs nothing but itself: no script, no other file.
"""

import json
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

from accredit.simulations.virtual.flood_baseline import Comparison

from .run import RunOutcome
from .svg_plots import Line, Mark, line_chart

FORMAT: Final = "accredit-simulation-report/1"

_STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; } td, th { padding: .2rem .8rem .2rem 0; text-align: left; }
td:first-child { white-space: nowrap; }
td.n { text-align: right; font-variant-numeric: tabular-nums; } svg { width: 100%; height: auto; }
.bad { color: #c00; font-weight: 600; } .good { color: #080; font-weight: 600; }
pre, code { font-family: ui-monospace, monospace; font-size: .9em; white-space: pre-wrap; }
"""


def rows_of(outcome: RunOutcome) -> list[tuple[str, str]]:
    """Return a run in words and numbers, for a table on a terminal or a page."""
    rows = [
        ("scenario", f"{outcome.scenario}: {outcome.summary}"),
        ("nodes", f"{outcome.nodes:,}"),
        ("seed", f"{outcome.seed}"),
        ("settings changed", ", ".join(f"{name} = {value:g}" for name, value in outcome.changes.items())),
        ("virtual time", f"{outcome.virtual_seconds:,.1f} s" if outcome.virtual_seconds else ""),
        ("real time", "" if outcome.virtual_seconds else f"{outcome.wall_seconds:,.1f} s"),
        ("events", f"{outcome.events:,}"),
        ("trace digest" if outcome.virtual_seconds else "digest of the plan", outcome.digest),
    ]
    if (figures := outcome.figures) is not None:
        for word, spread in (("urgent", figures.urgent), ("normal", figures.normal)):
            if spread.statements:
                rows.append(
                    (
                        f"{word} statements",
                        f"{spread.statements:,}; at other nodes after p50 {spread.p50} / p95 {spread.p95} / "
                        f"p99 {spread.p99} / max {spread.max} ms"
                        + (f"; {spread.missing:,} deliveries missing" if spread.missing else ""),
                    )
                )
        one_root = "never" if figures.one_root is None else f"{figures.one_root / 1_000:.2f} s after faults stopped"
        redundant = "" if figures.redundant is None else f"{figures.redundant:.2f}"
        rows += [
            ("one root", one_root),
            ("redundant copies", redundant),
            ("messages", _rate(figures.messages, figures.messages_per_node_second)),
            ("bytes", _rate(figures.bytes, figures.bytes_per_node_second)),
            ("notes with a quorum", f"{figures.notes:,}" if figures.notes else ""),
        ]
    rows += [(name.replace("_", " "), f"{value:g}") for name, value in outcome.extra.items()]
    return [row for row in rows if row[1]]


def _rate(count: int, each: float) -> str:
    """Return a rate as text; empty if nothing was counted."""
    return f"{count:,}; {each:,g} a second and node" if count else ""


def failure_of(outcome: RunOutcome) -> str:
    """Return the failed check in one sentence; empty if all held."""
    failure = outcome.failure
    return "" if failure is None else f"{failure.checker}, after {failure.at / 1_000:.3f} s: {failure.message}"


def write_run(outcome: RunOutcome, folder: Path) -> list[Path]:
    """Write the report of one run; return the files written."""
    bound = outcome.bounds.get("urgent_p99")
    marks = [] if bound is None else [Mark("bound on the urgent p99", bound)]
    ages = outcome.curves.get("staleness", [])
    lines = _coverage(outcome)
    title = f"{outcome.scenario}: share of nodes that a statement has reached"
    chart = line_chart(lines, title=title, x="ms since submission", y="share", marks=marks, y_max=1.0)
    plots = {"coverage.svg": chart}
    body = [_verdict([outcome]), _table(("", ""), rows_of(outcome)), chart]
    if outcome.comparison is not None:
        body.append(f"<h2>Beside plain push</h2><p>{_PLAIN}</p>" + _table(_COMPARED, compared_rows(outcome.comparison)))
    if ages:
        title = f"{outcome.scenario}: for how long what a verifier verified had not been true any more"
        curve = [(time / 1_000, share) for time, share in ages]
        plots["staleness.svg"] = line_chart([Line("verified answers", curve)], title=title, x="s", y="share", y_max=1.0)
        body.append(plots["staleness.svg"])
    body += [
        f"<h2>The same again</h2><pre>{escape(outcome.replay)}</pre>",
    ]
    if outcome.failure is not None:
        body.append(f"<h2>The last events</h2><pre>{escape(chr(10).join(outcome.tail))}</pre>")
    if outcome.figures is not None:
        counters = [(name, f"{value:,}") for name, value in outcome.figures.counters.items()]
        body.append("<h2>What honest nodes counted</h2>" + _table(("counter", "sum"), counters))
    return _write(folder, {"runs": [outcome.as_dict()]}, outcome.scenario, body, plots)


def _coverage(outcome: RunOutcome) -> list[Line]:
    """Return our curves, then those of the plain push, each pair in one colour, all continued to the right edge."""
    words = [word for word in ("urgent", "normal") if outcome.curves.get(word)]
    found = [(word, outcome.curves[word], None) for word in words]
    found += [
        (name, outcome.curves[name], words.index(word))  # type: ignore[misc]
        for word in words
        if outcome.curves.get(name := f"{word}, plain push")
    ]
    end = max((points[-1][0] for _, points, _ in found), default=0)
    return [Line(name, [*points, (end, points[-1][1])], beside) for name, points, beside in found]


_PLAIN: Final = (
    "The same statements in the same world, each passed on once to as many random nodes as our mesh has peers, and "
    "nothing else. It is spared the signatures, the disks and the waiting for a tick."
)
_COMPARED: Final = ("", "ours", "plain push")


def compared_rows(comparison: Comparison) -> list[tuple[str, str, str]]:
    """Return the rows of the columns "ours" and "plain push"."""

    def row(name: str, both: Sequence[float | None], unit: str = "") -> tuple[str, str, str]:
        ours, plain = ("never" if each is None else f"{each:,g}{unit}" for each in both)
        return name, ours, plain

    seconds = [
        [None if each is None else each / 1_000 for each in both] for both in (comparison.healed, comparison.exposed)
    ]
    rows = [
        row("copies of a statement at a node", comparison.copies),
        row("bytes for each statement and node", comparison.bytes),
        row("deliveries that never happened", comparison.missing),
        row("all have everything after faults stopped", seconds[0], " s"),
    ]
    return [*rows, row("contradiction known to all", seconds[1], " s")] if comparison.exposed != (None, None) else rows


SWEEP_HEADERS: Final = (
    *("scenario", "seed", "nodes", "settings", "holds"),
    *("urgent p50", "p99", "max", "normal p99", "one root", "copies"),
)


def sweep_rows(outcomes: Iterable[RunOutcome]) -> list[tuple[str, ...]]:
    """Return one row for each run of a sweep, in the columns of `SWEEP_HEADERS`; times in ms."""
    rows = []
    for outcome in outcomes:
        figures = outcome.figures
        numbers: list[Any] = [None] * 6
        if figures is not None:
            urgent, normal = figures.urgent, figures.normal
            numbers = [urgent.p50, urgent.p99, urgent.max, normal.p99, figures.one_root, figures.redundant]
        settings = ", ".join(f"{name}={value:g}" for name, value in outcome.changes.items() if name != "nodes")
        holds = "no" if outcome.failure is not None else "yes"
        cells = ["" if number is None else f"{number}" for number in numbers]
        rows.append((outcome.scenario, str(outcome.seed), str(outcome.nodes), settings, holds, *cells))
    return rows


def write_sweep(outcomes: Sequence[RunOutcome], folder: Path) -> list[Path]:
    """Write the report of a sweep; return the files written."""
    groups: dict[str, list[RunOutcome]] = {}
    for outcome in outcomes:
        settings = ", ".join(f"{key}={value:g}" for key, value in outcome.changes.items())
        groups.setdefault(f"{outcome.scenario} {settings}".strip(), []).append(outcome)
    lines = []
    for name, runs in groups.items():
        found = [run.figures.urgent.p99 for run in runs if run.figures is not None]
        p99 = sorted(value for value in found if value is not None)
        lines.append(Line(name, [(value, (number + 1) / len(p99)) for number, value in enumerate(p99)]))
    names = ", ".join(dict.fromkeys(each.scenario for each in outcomes))
    title = f"{names}: p99 of urgent statements over {len(outcomes)} runs"
    chart = line_chart(lines, title=title, x="ms", y="share of runs", y_max=1.0)
    failures = [f"{escape(failure_of(each))}<pre>{escape(each.replay)}</pre>" for each in outcomes if each.failure]
    body = [_verdict(outcomes), *failures, chart, _table(SWEEP_HEADERS, sweep_rows(outcomes))]
    return _write(folder, {"runs": [each.as_dict() for each in outcomes]}, names, body, {"spread.svg": chart})


def _verdict(outcomes: Sequence[RunOutcome]) -> str:
    failed = [each for each in outcomes if each.failure is not None]
    if not failed:
        return '<p class="good">Everything held.</p>'
    return f'<p class="bad">{len(failed)} of {len(outcomes)} runs failed: {escape(failure_of(failed[0]))}</p>'


def _table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(each)}</th>" for each in headers)
    lines = ["<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows]
    return f"<table><tr>{head}</tr>{''.join(lines)}</table>"


def _write(folder: Path, data: dict[str, Any], title: str, body: Sequence[str], plots: dict[str, str]) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>{''.join(body)}</body></html>\n"
    )
    files = {
        "report.json": json.dumps({"format": FORMAT, **data}, indent=2) + "\n",
        "index.html": page,
        **plots,
    }
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")
    return [folder / name for name in files]
