"""One node process under load: questions a second, next to nginx serving a file of the same size in the same run.

Targets (performance.md): `POST /authorization` on the default single process at least 0.1 of nginx; p99 at 64
connections. wrk asks about issuers in turn, over 1, 12 and 64 connections; it takes a core itself, so on two cores node
and wrk have one each, and nginx is measured the same way. Besides requests a second, the processor time that a request
costs the serving process is shown (user and system, from /proc): it depends least on what else runs on the machine.

    python3 dev.py bench serving
    ACCREDIT_BENCHMARK_ISSUERS=100000 python3 dev.py bench serving            more issuers

wrk and nginx are looked for on the PATH; without them the benchmark says so and measures nothing. wrk sends the next
request when it has the answer to the last one (closed loop): its latencies at saturation are those of a full queue.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

import httpx

from benchmarks.harness import Report
from tests.strategies.bodies import grant
from tests.strategies.fleet import Fleet, founding
from tests.strategies.network import A

ISSUERS: Final = int(os.environ.get("ACCREDIT_BENCHMARK_ISSUERS", "2000"))
RUNS: Final = 3
SECONDS: Final = 3
CONNECTIONS: Final = (1, 12, 64)
BATCH: Final = 500
SUBMISSIONS_PER_MINUTE: Final = 1_000_000

# Every third issuer is not accredited: a no costs what a yes costs.
_ASK: Final = """
local number = 0
request = function()
  number = number + 1
  local issuer = (number * 7919) % {issuers}
  local body = string.format('{body}', issuer)
  return wrk.format("POST", "{path}", {{["content-type"] = "application/json"}}, body)
end
"""
_TELL: Final = """
done = function(summary, latency, requests)
  local bad = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  io.write(string.format("@@ %d %d %d %d %d\\n",
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), bad))
end
"""
_NGINX: Final = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  server {{ listen 127.0.0.1:{port}; root {folder}; default_type application/json; }}
}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What wrk saw: requests a second, milliseconds; and microseconds of processor a request cost the server."""

    per_second: float
    p50: float
    p99: float
    cost: float


def ticks(pid: int) -> int:
    """Processor time of a process, in clock ticks."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return int(fields[11]) + int(fields[12])


def load(url: str, script: Path, connections: int, pid: int) -> Seen:
    """Asks for some seconds; an answer that is none of 2xx ends the benchmark."""
    before = ticks(pid)
    words = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "-s", str(script), url]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    line = next(line for line in said.splitlines() if line.startswith("@@ "))
    requests, duration, p50, p99, bad = map(int, line.split()[1:])
    assert not bad, said
    cost = (ticks(pid) - before) / os.sysconf("SC_CLK_TCK") / requests * 1e6
    return Seen(per_second=requests / duration * 1e6, p50=p50 / 1_000, p99=p99 / 1_000, cost=cost)


@contextmanager
def nginx(folder: Path, content: bytes) -> Iterator[tuple[str, int]]:
    """nginx with one worker and one file: its URL, and the worker's process id."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    folder.chmod(0o755)
    (folder / "answer").write_bytes(content)
    (folder / "answer").chmod(0o644)
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, port=port))
    process = subprocess.Popen(["nginx", "-c", folder / "nginx.conf"], stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}/answer"
        for _ in range(100):
            try:
                httpx.get(url, trust_env=False).raise_for_status()
                break
            except httpx.ConnectError:
                time.sleep(0.05)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        yield url, int(children[0])
    finally:
        process.terminate()
        process.wait(10)


def fill(fleet: Fleet) -> None:
    """Accredits two of three issuers."""
    node = fleet["node1"]
    given = [
        fleet.town.says(A, "accreditation.grant", grant(f"did:web:i{number}.example"))
        for number in range(ISSUERS)
        if number % 3
    ]
    for start in range(0, len(given), BATCH):
        node.submit(*given[start : start + BATCH])


def main() -> None:
    """Measures, prints and keeps the figures."""
    missing = [name for name in ("wrk", "nginx") if shutil.which(name) is None]
    if missing:
        print(f"serving: {' and '.join(missing)} not found. Install: apt-get install {' '.join(missing)}")
        return
    report = Report("serving")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        with founding(folder / "nodes", "node1", submissions_per_minute=SUBMISSIONS_PER_MINUTE) as fleet:
            fleet.start()
            fill(fleet)
            measure(report, fleet, folder)
    report.finish()


def measure(report: Report, fleet: Fleet, folder: Path) -> None:
    """Each route over each number of connections, nginx right after it in every run."""
    node = fleet["node1"]
    assert node.process is not None
    bodies = {
        "/authorization": f'{{"entity_id":"did:web:i%d.example","authority_id":"{fleet.town.id}",'
        '"action":"issue","resource":"achievementType:Degree"}',
        "/v1/decisions": '{"issuer":"did:web:i%d.example","achievement_type":"Degree"}',
    }
    sample = httpx.post(
        f"{node.url}/authorization",
        content=bodies["/authorization"] % 1,
        headers={"content-type": "application/json"},
        trust_env=False,
    ).raise_for_status()
    plain = folder / "plain.lua"
    plain.write_text(_TELL)
    with nginx(folder, sample.content) as (static, worker):
        for path, body in bodies.items():
            script = folder / f"{path.strip('/').replace('/', '-')}.lua"
            script.write_text(_ASK.format(issuers=ISSUERS, body=body, path=path) + _TELL)
            for connections in CONNECTIONS:
                ours, theirs = [], []
                for _ in range(RUNS):
                    ours.append(load(node.url, script, connections, node.process.pid))
                    theirs.append(load(static, plain, connections, worker))
                what = f"POST {path}, {connections} connection{'s' if connections > 1 else ''}"
                ratios = [one.per_second / other.per_second for one, other in zip(ours, theirs, strict=True)]
                report.add(what, "requests/s", [each.per_second for each in ours])
                is_target = path == "/authorization" and connections == max(CONNECTIONS)
                report.add(f"{what}: of nginx", "x", ratios, at_least=0.1 if is_target else None)
                report.add(f"{what}: p50", "ms", [each.p50 for each in ours])
                report.add(f"{what}: p99", "ms", [each.p99 for each in ours])
                report.add(f"{what}: processor time a request", "us", [each.cost for each in ours])
                report.add("nginx: processor time a request", "us", [median(each.cost for each in theirs)])


if __name__ == "__main__":
    main()
