"""What every benchmark here has in common: several runs, median and spread, ratios of one run on one machine, JSON.

    report = Report("witness")
    report.add("add-checkpoint, p99", "ms", runs, at_most=10.0)        a value a run, and the design's target
    report.add("of the bare write", "x", ratios)
    report.finish()                                                    prints a table, writes witness.json

A benchmark is a module of this folder with a `main`: `python3 dev.py bench NAME` runs it. This module, run as one,
prints all results that are there as one table in Markdown. It is no test: it never fails, it says what it saw.

File: `{"benchmark", "command", "machine": {...}, "results": [{"name", "unit", "runs", "median", "low", "high",
"at_most"?, "at_least"?, "met"?}]}` in `build/benchmarks` (or the folder that ACCREDIT_BENCHMARKS names). Machines
differ and are busy: read the ratios.
"""

import gc
import json
import math
import os
import platform
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any, Final

RUNS: Final = 5
"""Of each measurement: enough for a median and to see whether the machine was busy."""

_FOLDER: Final = Path(__file__).resolve().parent.parent / "build" / "benchmarks"


def percentile(values: Sequence[float], fraction: float) -> float:
    """The smallest value that `fraction` of the values do not exceed: nearest rank."""
    assert values
    assert 0 < fraction <= 1
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * fraction) - 1)]


def timed(work: Callable[[], object]) -> float:
    """Seconds that `work` takes, without the garbage collector."""
    gc.collect()
    gc.disable()
    try:
        started = perf_counter()
        work()
        return perf_counter() - started
    finally:
        gc.enable()


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure.

    Attributes:
        runs: its value in each run.
        at_most, at_least: the design's target, if it has one.
    """

    name: str
    unit: str
    runs: tuple[float, ...]
    at_most: float | None = None
    at_least: float | None = None

    @property
    def median(self) -> float:
        """Of the runs."""
        return statistics.median(self.runs)

    @property
    def is_met(self) -> bool | None:
        """Whether the median meets the target; None without one."""
        if self.at_most is None and self.at_least is None:
            return None
        above = self.at_most is not None and self.median > self.at_most
        below = self.at_least is not None and self.median < self.at_least
        return not above and not below

    def members(self) -> dict[str, Any]:
        """As in the file."""
        members: dict[str, Any] = {
            "name": self.name,
            "unit": self.unit,
            "runs": list(self.runs),
            "median": self.median,
            "low": min(self.runs),
            "high": max(self.runs),
        }
        for name, bound in (("at_most", self.at_most), ("at_least", self.at_least)):
            if bound is not None:
                members[name] = bound
        if self.is_met is not None:
            members["met"] = self.is_met
        return members


@dataclass(slots=True)
class Report:
    """What one benchmark saw."""

    benchmark: str
    results: list[Figure] = field(default_factory=list)
    size: str = ""
    """Where it is run at several sizes: this one, which its file is named by too."""

    def add(
        self,
        name: str,
        unit: str,
        runs: Sequence[float],
        *,
        at_most: float | None = None,
        at_least: float | None = None,
    ) -> None:
        """One figure, with its value in each run."""
        self.results.append(Figure(name=name, unit=unit, runs=tuple(runs), at_most=at_most, at_least=at_least))

    def finish(self) -> Path:
        """Prints the figures and writes the file, whose path is returned."""
        members = {
            "benchmark": f"{self.benchmark}{self.size}",
            "command": command(self.benchmark),
            "machine": machine(),
            "results": [result.members() for result in self.results],
        }
        path = folder() / f"{self.benchmark}{self.size}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(members, indent=2) + "\n")
        sys.stdout.write(table([members]))
        return path


def folder() -> Path:
    """Where the files are."""
    return Path(os.environ.get("ACCREDIT_BENCHMARKS") or _FOLDER)


def command(benchmark: str) -> str:
    """How it was started, with the settings that it was given."""
    settings = [f"{k}={v}" for k, v in sorted(os.environ.items()) if k.startswith("ACCREDIT_BENCHMARK_")]
    return " ".join([*settings, "python3 dev.py bench", benchmark])


def machine() -> dict[str, Any]:
    """What it ran on; nothing that names it."""
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
    }


def table(files: Sequence[dict[str, Any]]) -> str:
    """Markdown of the results of some files."""
    lines = ["| benchmark | figure | median | low – high | target |", "|---|---|---|---|---|"]
    for members in files:
        for result in members["results"]:
            unit = result["unit"]
            spread = f"{_shown(result['low'])} – {_shown(result['high'])} {unit}"
            target = f"≤ {_shown(result['at_most'])} {unit}" if "at_most" in result else ""
            target = f"≥ {_shown(result['at_least'])} {unit}" if "at_least" in result else target
            if "met" in result:
                target += " ✓" if result["met"] else " ✗"
            median = f"{_shown(result['median'])} {unit}"
            lines.append(f"| {members['benchmark']} | {result['name']} | {median} | {spread} | {target} |")
    return "\n".join(lines) + "\n"


def _shown(value: float) -> str:
    """Three digits, and thousands set apart."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def main() -> None:
    """Prints every result that is there."""
    sys.stdout.write(table([json.loads(path.read_text()) for path in sorted(folder().glob("*.json"))]))


if __name__ == "__main__":
    main()
