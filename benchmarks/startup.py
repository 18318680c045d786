"""What it costs to start: `accredit --version`, `--help` and a query, as multiples of `python -c pass`.

The query is put to a server in this process that answers at once what a node answers, so that the cost is the command's
own. Every round starts each program once, one after the other: a busy machine slows all of them. Seconds are wall time
and CPU time of the process, reading of files from a warm cache.
"""

import json
import os
import resource
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import perf_counter
from typing import Final

from benchmarks.harness import Report

ROUNDS: Final = 11

_DECISION: Final = {
    "verdict": "not_trusted",
    "authorized": False,
    "reasons": [{"code": "no_accreditation", "text": "No accreditation covers this."}],
    **{name: [] for name in ("accreditations", "others", "statements", "chain", "unchecked")},
    "time_evaluated": "2026-11-01T00:00:00Z",
    **dict.fromkeys(("time_requested", "valid_until", "issuer_name")),
    "issuer": "did:web:uni.example",
}


class _Node(BaseHTTPRequestHandler):
    """Answers as a node does."""

    def do_POST(self) -> None:
        """A decision."""
        self.rfile.read(int(self.headers["content-length"]))
        self._answer(_DECISION)

    def do_GET(self) -> None:
        """What a query asks for besides."""
        self._answer({"authorities": []})

    def _answer(self, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


def cost(command: list[str], codes: tuple[int, ...]) -> tuple[float, float]:
    """Run it once: seconds of wall time and of CPU time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = perf_counter()
    done = subprocess.run(command, capture_output=True, env=os.environ | {"NO_COLOR": "1"})
    wall = perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode in codes, done.stderr
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure, and write the report."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Node)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    accredit = str(Path(sys.executable).with_name("accredit"))
    asked = [accredit, "query", "did:web:uni.example", "--for", "BachelorDegree", "--node", url]
    programs = {
        "python -c pass": ([sys.executable, "-c", "pass"], (0,), None),
        "import click, the least of any command": ([sys.executable, "-c", "import click"], (0,), None),
        "accredit --version": ([accredit, "--version"], (0,), None),
        "accredit --help": ([accredit, "--help"], (0,), 4.0),
        "accredit query": (asked, (1,), 15.0),
    }
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in programs}
    for _ in range(ROUNDS):
        for name, (command, codes, _target) in programs.items():
            seen[name].append(cost(command, codes))
    server.shutdown()
    report = Report("startup")
    bare = seen["python -c pass"]
    report.add("python -c pass", "ms", [wall * 1000 for wall, _ in bare])
    for name, (_command, _codes, target) in list(programs.items())[1:]:
        walls = [wall / base for (wall, _), (base, _) in zip(seen[name], bare, strict=True)]
        works = [work / base for (_, work), (_, base) in zip(seen[name], bare, strict=True)]
        report.add(f"{name}, to python -c pass", "×", walls, at_most=target)
        report.add(f"{name}, CPU time, to python -c pass", "×", works)
    report.finish()


if __name__ == "__main__":
    main()
