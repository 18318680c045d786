"""`docs/performance.md`: what the benchmarks saw when they were last run, and the design's targets beside it.

The figures are a machine's, not the code's: so no test compares them. What has been run in this checkout takes the
place of what the page says of it; of other benchmarks the page keeps what it has.
"""

import json
import re
from dataclasses import dataclass
from typing import Final

from benchmarks.harness import folder, table
from docs.generators._page import DOCS, MARK, rewrite

PAGE: Final = "performance.md"

_SECTION: Final = re.compile(r"^## ([a-z_0-9]+)\n+(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_ROW: Final = re.compile(r"^\| ([a-z_0-9]+) \| (.+?) \| (.+?) \| .+? \|(.*)\|$", re.MULTILINE)
_SIZE: Final = "_100000"
"""Of a benchmark run at several sizes, the one that the targets are for."""
_NONE: Final = "not measured here"


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceTarget:
    """A row of the design's table.

    Attributes:
        what: is measured. bound: what it is to be, with its unit.
        benchmark, figure: where the figure comes from; `figure` is a pattern of its name. Both empty: nothing measures
            it alone.
        number: of the bound; is_least: whether that is the least.
    """

    what: str
    bound: str
    benchmark: str = ""
    figure: str = ""
    number: float = 0.0
    is_least: bool = True


def _least(what: str, number: float, unit: str, benchmark: str, figure: str) -> PerformanceTarget:
    shown = f"{number:,g}"
    return PerformanceTarget(
        what=what, bound=f"≥ {shown} {unit}".strip(), benchmark=benchmark, figure=figure, number=number
    )


def _most(what: str, number: float, unit: str, benchmark: str, figure: str) -> PerformanceTarget:
    bound = f"≤ {number:,g} {unit}".strip()
    return PerformanceTarget(what=what, bound=bound, benchmark=benchmark, figure=figure, number=number, is_least=False)


_MILLION: Final = "1,000,000 statements"
_ASKED: Final = r"POST /authorization, 64 connections: "
TARGETS: Final = (
    _least("`POST /authorization`, one worker, to nginx", 0.3, "x", "serving", _ASKED + "1 worker to nginx"),
    _least("the same, to the registry of `benchmarks/peers`", 25, "x", "serving", _ASKED + "1 worker to registry"),
    _most("the same, p99 below saturation, 64 connections", 5, "ms", "serving", r".*, 1 worker, .* a second.*: p99"),
    _least("one process, to nginx", 0.1, "x", "serving", _ASKED + "node to nginx"),
    _least("one process, to the registry", 8, "x", "serving", _ASKED + "node to registry"),
    _least("two workers to one", 1.7, "x", "serving", _ASKED + "2 workers to 1 worker"),
    _least("`POST /v1/decisions` in batches", 50_000, "/s", "serving", ".*, node: to a second of processor"),
    _least("answers with evidence", 5_000, "/s", "evidence", "answers with evidence made, 100,000 issuers"),
    _least("evidence checked, its note read", 10_000, "/s", "evidence", ".*its note read, 100,000 issuers"),
    _least("a verifier with a snapshot, in process", 100_000, "/s", "decisions", "a verifier with a snapshot.*"),
    _least("bulk ingest, one core", 5_000, "statements/s", "ingest", "in bulk, one core"),
    _least("a log taken in from tiles, two cores", 5_000, "statements/s", "ingest", "from tiles over HTTP"),
    _most("10^6 statements taken in from tiles, two cores", 200, "s", "large", _MILLION + " taken in from tiles"),
    _most("start with 10^6 statements, after a clean stop", 5, "s", "large", _MILLION + ": ready after a clean stop"),
    _most("the same, after `kill -9`", 5, "s", "large", _MILLION + ": ready after kill -9"),
    _most("one statement more, at 10^6 to at 10^4", 1.5, "x", "large", f"one statement more, {_MILLION} to 10,000"),
    _most("memory of a node, 10^5 statements", 128, "MiB", "memory", "process with 100,000 statements"),
    _most("memory of a node, 10^6 statements", 512, "MiB", "large", f"process with {_MILLION}"),
    _most("submit to answer, p50", 1_100, "ms", "network", "normal submission to answer, p50"),
    _most("the same, urgent", 50, "ms", "network", "urgent submission to answer, p50"),
    _most("a fresh quorum note everywhere", 1_500, "ms", "network", "quorum note at all 5 nodes, slowest"),
    _most(
        "a revocation, enforced by 5 nodes, p99", 300, "ms", "network", "revocation enforced by all 5 nodes, p99 of all"
    ),
    _most(
        "proof of a record, 10^6 issuers", 1_024, "bytes", "evidence", "longest proof of a record, 1,000,000 issuers"
    ),
    _most("query time, 10^6 statements to 10^4", 1.5, "x", "large", f"a question, {_MILLION} to 10,000"),
    _most("the dearest question that limits allow, p99", 1, "ms", "decisions", "decide, the dearest question.*"),
    _most("gossip p99, workers flooded to idle", 1.1, "x", "flood", "gossip, flooded to alone, p99 of all"),
    _most("a suspension, enforced by a worker, p99", 300, "ms", "flood", "enforced by the worker, alone, p99"),
    _most("the same, workers flooded", 300, "ms", "flood", "enforced by the worker, flooded, p99"),
    # The design asks that a process derives a pair once: a signature then costs half as much.
    _least("signatures, key pair derived once to each time", 1.5, "x", "signing", "ratio"),
    _most("oldest note under a stream of 50/s, one dead", 30, "s", "network", "oldest note under a stream.*"),
    _most("witness: add-checkpoint, p99", 10, "ms", "witness", "add-checkpoint, over HTTP, p99"),
    _most("simulator: 1,000 nodes, 100 statements each", 60, "s", "simulator", ".*1,000 nodes.*"),
    _most("simulator: 10,000 nodes, one urgent statement", 60, "s", "simulator", ".*10,000 nodes.*"),
    _most("`accredit --help`, to `python -c pass`", 4, "x", "startup", "accredit --help, to python -c pass"),
    _most("a query from the command line, to the same", 15, "x", "startup", "accredit query, to python -c pass"),
    _most("a history of 10,000 institutions, told and approved on 3 nodes", 180, "s", "history", "in all"),
    _most("`accredit demo`, idle machine", 45, "s", "demo", "accredit demo"),
)


def text() -> str:
    """The targets with their figures, then the results of each benchmark under the command that gives them."""
    sections = {name: content.strip() for name, content in _SECTION.findall(_kept())}
    for path in folder().glob("*.json"):
        members = json.loads(path.read_text("utf-8"))
        on = members["machine"]
        machine = f"{on['implementation']} {on['python']}, {on['system']} {on['architecture']}, {on['cores']} cores"
        sections[path.stem] = f"`{members['command']}` ({machine})\n\n{table([members]).strip()}"
    for name in sections:
        if (DOCS / f"plots/{name}.svg").exists():
            sections[name] = sections[name].partition("\n\n![")[0] + f"\n\n![Requests a second](plots/{name}.svg)"
    parts = [_targets("\n".join(sections.values()))] if sections else []
    return "\n\n".join([*parts, *(f"## {name}\n\n{content}" for name, content in sorted(sections.items()))])


def _kept() -> str:
    """What the page says now."""
    return (DOCS / PAGE).read_text("utf-8").partition(MARK)[2]


def _targets(found: str) -> str:
    lines = ["## Targets", "", "| what | target | seen | met | from |", "|---|---|---|---|---|"]
    figures = [(benchmark, name, median) for benchmark, name, median, _ in _ROW.findall(found)]
    for one in TARGETS:
        pattern = re.compile(one.figure)
        matching = [(benchmark, median) for benchmark, name, median in figures if pattern.fullmatch(name)]
        at_size = (m for named in (one.benchmark + _SIZE, one.benchmark) for b, m in matching if b == named)
        seen = next(at_size, None)
        met = "" if seen is None else "yes" if _is_met(one, seen) else "no"
        source = f"`bench {one.benchmark}`" if one.benchmark else ""
        lines.append(f"| {one.what} | {one.bound} | {seen or _NONE} | {met} | {source} |")
    return "\n".join(lines)


def _is_met(one: PerformanceTarget, seen: str) -> bool:
    number = float(seen.split(" ")[0].replace(",", ""))
    return number >= one.number if one.is_least else number <= one.number


if __name__ == "__main__":
    if found := text():
        rewrite(PAGE, found)
    else:
        print(f"docs/{PAGE}: no results in {folder()}; `python3 dev.py bench` makes them")
