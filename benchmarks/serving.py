"""Questions a second over HTTP: a node alone and with workers, next to servers that everybody knows, in one run.

Targets (performance.md): `POST /authorization`, one worker: at least 0.3 of nginx serving a file of the same size and
25 x the published registry; alone: 0.1 and 8 x; two workers to one: 1.7 x; p99 at most 5 ms over 64 connections; 50,000
decisions a second and core in batches of 1,000. All with the same issuers, two of three accredited, asked in turn:

* **node**: one process; **1 worker**, **2 workers**: with so many query workers, which share the cores with all else;
* **replica**: a process that serves what it has verified; **store**: a bucket of the published files, through nginx;
* **nginx**: a file of the size of an answer, one worker process;
* **bare**: uvicorn (uvloop, httptools) with an application that does nothing (`peers/bare.py`);
* **registry**: FastAPI and SQLAlchemy's ORM over SQLite, as one writes it in an afternoon (`peers/registry.py`).

Two loads: wrk over 1, 12 and 64 connections, each sending the next request when it has the last answer (closed loop:
what a server can do at most; its latencies then are those of a full queue); and requests at a fixed rate, half of what
each can do but no more than one Python process can ask, each measured from the moment at which it was due (`open_loop`:
no coordinated omission). wrk takes a core itself. So the processor time that a request costs the serving processes is
shown too (user and system, from /proc): it depends least on what else runs on the machine.

    python3 dev.py bench serving                                            2,000 issuers: three minutes
    ACCREDIT_BENCHMARK_ISSUERS=100000 python3 dev.py bench serving          five minutes
    python3 dev.py bench --long serving                                     10^4, 10^5 and 10^6: half an hour

wrk and nginx are looked for on the PATH; without wrk nothing is measured, without nginx all but nginx. The peers are
installed into an environment of their own (`build/peers`, by uv, from the package index); where that cannot be done,
they are left out. Whatever is left out is said. `docs/plots/serving.svg` is drawn anew, for N issuers `serving_N.svg`.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Final

import httpx

from accredit.node.storage.log_store import Store
from accredit.simulations.run.svg_plots import Line, line_chart
from benchmarks.harness import Report
from tests.strategies.bodies import grant
from tests.strategies.fleet import Fleet, Machine, accredit, eventually, founding
from tests.strategies.network import A

FEW: Final = 2_000
ISSUERS: Final = int(os.environ.get("ACCREDIT_BENCHMARK_ISSUERS", FEW))
RUNS: Final = 2
SECONDS: Final = 2
CONNECTIONS: Final = (1, 12, 64)
BATCH: Final = 1_000
STEADY_SECONDS: Final = 4
STEADY_CONNECTIONS: Final = 64
STEADY_MOST: Final = 2_000.0
"""Requests a second that one Python process can ask for on its half of a machine, and still be on time."""

ROOT: Final = Path(__file__).resolve().parent.parent
PEERS: Final = ROOT / "benchmarks" / "peers"
PLOT: Final = ROOT / "docs" / "plots" / "serving.svg"
PATIENCE: Final = 60.0
FOLD_SECONDS: Final = 3_600.0
"""For a node to fold its log at the first start: 10^6 statements take some minutes, on a busy machine half an hour."""


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
_ASK_MANY: Final = """
local number = 0
request = function()
  local asked = {{}}
  for at = 1, {batch} do
    number = number + 1
    asked[at] = string.format('{body}', (number * 7919) % {issuers})
  end
  return wrk.format("POST", "{path}", {{["content-type"] = "application/json"}}, "[" .. table.concat(asked, ",") .. "]")
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
_TRQP: Final = (
    '{{"entity_id":"did:web:i%d.example","authority_id":"{authority}",'
    '"action":"issue","resource":"achievementType:Degree"}}'
)
_NATIVE: Final = '{"issuer":"did:web:i%d.example","achievement_type":"Degree"}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What wrk saw: requests a second, milliseconds; and microseconds of processor a request cost the server."""

    per_second: float
    p50: float
    p99: float
    cost: float


@dataclass(slots=True, kw_only=True)
class MeasuredServer:
    """A server that is measured.

    Attributes:
        pids: of its processes.
        seen: by connections, one for each run.
    """

    name: str
    url: str
    pids: tuple[int, ...]
    seen: dict[int, list[Seen]] = field(default_factory=dict)

    def rate(self, connections: int) -> float:
        """Requests a second, in the middle of the runs."""
        return median(each.per_second for each in self.seen[connections])


def ticks(pids: Sequence[int]) -> int:
    """Processor time of processes, in clock ticks."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total


def load(subject: MeasuredServer, script: Path, connections: int, seconds: int = SECONDS) -> Seen:
    """Asks for some seconds; an answer that is none of 2xx ends the benchmark."""
    before = ticks(subject.pids)
    words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(script), subject.url]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    line = next(line for line in said.splitlines() if line.startswith("@@ "))
    requests, duration, p50, p99, bad = map(int, line.split()[1:])
    assert not bad, said
    cost = (ticks(subject.pids) - before) / os.sysconf("SC_CLK_TCK") / max(1, requests) * 1e6
    return Seen(per_second=requests / duration * 1e6, p50=p50 / 1_000, p99=p99 / 1_000, cost=cost)


def steady(subject: MeasuredServer, path: str, bodies: Path, rate: float) -> dict[str, float]:
    """Latencies in ms at a fixed rate; none where some requests failed."""
    host, _, port = subject.url.removeprefix("http://").partition("/")[0].partition(":")
    words = [host, port, path, bodies, f"{rate:.0f}", STEADY_SECONDS, STEADY_CONNECTIONS]
    said = subprocess.run(
        [sys.executable, "-m", "benchmarks.open_loop", *map(str, words)], cwd=ROOT, capture_output=True, text=True
    )
    if said.returncode or (failed := json.loads(said.stdout)["failed"]):
        print(f"serving: {subject.name} at {rate:.0f} a second is left out: {said.stderr[-200:] or f'{failed} failed'}")
        return {}
    seen: dict[str, float] = json.loads(said.stdout)
    return seen


# ------------------------------------------------------------------------------------------------------- servers


def free_port() -> int:
    """One that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


@contextmanager
def process(words: Sequence[str | Path], url: str, env: dict[str, str] | None = None) -> Iterator[int]:
    """A server, from when it answers until it is told to end; its process id."""
    with tempfile.TemporaryFile() as said:
        running = subprocess.Popen(words, stdout=said, stderr=said, env={**os.environ, **(env or {})})
        try:
            deadline = time.monotonic() + PATIENCE
            while True:
                try:
                    httpx.get(url, trust_env=False)
                    break
                except httpx.TransportError:
                    said.seek(0)
                    assert running.poll() is None, said.read().decode()
                    assert time.monotonic() < deadline, url
                    time.sleep(0.05)
            yield running.pid
        finally:
            running.terminate()
            try:
                running.wait(10)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()


@contextmanager
def nginx(folder: Path, content: bytes) -> Iterator[MeasuredServer]:
    """nginx with one worker and one file."""
    port = free_port()
    (folder / "answer").write_bytes(content)
    (folder / "answer").chmod(0o644)
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, port=port))
    url = f"http://127.0.0.1:{port}/answer"
    with process(["nginx", "-c", folder / "nginx.conf"], url) as pid:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        yield MeasuredServer(name="nginx", url=url, pids=tuple(map(int, children)))


def peers() -> Path | None:
    """The interpreter of the peers' environment; None, and why, where it cannot be had."""
    python = ROOT / "build" / "peers" / "bin" / "python"
    wanted = (PEERS / "requirements.txt").read_text()
    made = python.parent.parent / "made-of.txt"
    if made.exists() and made.read_text() == wanted:
        return python
    uv = shutil.which("uv")
    if uv is None:
        print("serving: uv not found; the peers are left out.")
        return None
    for words in (["venv", "-q", "--clear", python.parent.parent], ["pip", "install", "-q", "--python", python, "-r"]):
        more = [PEERS / "requirements.txt"] if words[0] == "pip" else ["--python", sys.executable]
        done = subprocess.run([uv, *map(str, words), *map(str, more)], capture_output=True, text=True)
        if done.returncode:
            print(f"serving: the peers cannot be installed and are left out: {done.stderr.strip()[:300]}")
            return None
    made.write_text(wanted)
    return python


@contextmanager
def uvicorn(python: Path, name: str, app: str, path: str, env: dict[str, str]) -> Iterator[MeasuredServer]:
    """An application under uvicorn, one process."""
    port = free_port()
    words: list[str | Path] = [python, "-m", "uvicorn", "--app-dir", PEERS, app, "--port", str(port), "--no-access-log"]
    words += ["--loop", "uvloop", "--http", "httptools", "--log-level", "warning"]
    url = f"http://127.0.0.1:{port}"
    with process(words, f"{url}/docs", env) as pid:
        yield MeasuredServer(name=name, url=url + path, pids=(pid,))


def fill(fleet: Fleet) -> None:
    """A log in which two of three issuers are accredited; folded when the node starts."""
    town, node = fleet.town, fleet["node1"]
    granted = (
        town.says(A, "accreditation.grant", grant(f"did:web:i{number}.example"), heard=False)
        for number in range(ISSUERS)
        if number % 3
    )
    with Store.open(node.database, ecosystem=town.eco, origin=node.name) as store:
        store.append([(each.id, each.raw) for each in town.said])
        while some := list(islice(granted, BATCH)):
            store.append([(each.id, each.raw) for each in some])


@contextmanager
def node_with(machine: Machine, workers: int) -> Iterator[MeasuredServer]:
    """Our node, with so many workers."""
    before = len(re.findall("a query worker answers", machine.log.read_text())) if machine.log.exists() else 0
    machine.start(env={"ACCREDIT_QUERY_WORKERS": str(workers)}, ready="")
    machine.node.wait_until_answers("/readyz", seconds=FOLD_SECONDS)

    def answer() -> list[int]:
        found = re.findall(r"a query worker answers.*process=(\d+)", machine.log.read_text())[before:]
        return [0] if not workers else list(map(int, found)) if len(found) >= workers else []

    try:
        pids = eventually(answer, "the workers answer", seconds=PATIENCE * 2)
        assert machine.process is not None
        own = machine.process.pid
        name = ("node", "1 worker", "2 workers")[workers]
        yield MeasuredServer(name=name, url=f"{machine.url}/authorization", pids=(own, *pids) if workers else (own,))
    finally:
        machine.stop()


# ------------------------------------------------------------------------------------------------------ measuring


def main() -> None:
    """Measures, prints and keeps the figures."""
    if shutil.which("wrk") is None:
        print("serving: wrk not found; nothing is measured. Install: apt-get install wrk nginx")
        return
    report = Report("serving", size="" if ISSUERS == FEW else f"_{ISSUERS}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        with founding(folder / "nodes", "node1", signers=True, submissions_per_minute=1_000_000) as fleet:
            fill(fleet)
            Measuring(report, fleet, folder).run()
    report.finish()


class Measuring:
    """All of it."""

    def __init__(self, report: Report, fleet: Fleet, folder: Path) -> None:
        self._report = report
        self._node = fleet["node1"]
        self._folder = folder
        self._body = _TRQP.format(authority=fleet.town.id)
        self._authority = fleet.town.id
        self._plain = folder / "plain.lua"
        self._plain.write_text(_TELL)
        self._ask = self._script("/authorization", self._body)
        self._native = self._script("/v1/decisions", _NATIVE)
        self._many = self._script("/v1/decisions", _NATIVE, _ASK_MANY)
        self._bodies = folder / "bodies"
        self._bodies.write_text("\n".join(self._body % (number * 7919 % ISSUERS) for number in range(2_000)))
        self._subjects: dict[str, MeasuredServer] = {}

    def _script(self, path: str, body: str, ask: str = _ASK) -> Path:
        script = self._folder / f"{len(list(self._folder.glob('*.lua')))}.lua"
        script.write_text(ask.format(issuers=ISSUERS, body=body, path=path, batch=BATCH) + _TELL)
        return script

    def run(self) -> None:
        """Measures every server that there is."""
        python = peers()
        with ExitStack() as others:
            for workers in (0, 1, 2):
                with node_with(self._node, workers) as subject:
                    if not workers:
                        self._begin(others, python, self._sample(subject))
                    self._saturate(subject, self._ask)
                    self._ours(subject)
                    if not workers:
                        self._apart(subject.url.removesuffix("/authorization"))
            for name in ("nginx", "bare", "registry"):
                if name in self._subjects:
                    self._saturate(self._subjects[name], self._plain if name == "nginx" else self._ask)
            if "registry" in self._subjects:
                self._steady(self._subjects["registry"], "registry", self._half("registry"))
        self._compare()
        plot = PLOT.with_stem(PLOT.stem + self._report.size)
        plot.parent.mkdir(parents=True, exist_ok=True)
        plot.write_text(self._plot())

    def _sample(self, subject: MeasuredServer) -> bytes:
        answer = httpx.post(
            subject.url, content=self._body % 1, headers={"content-type": "application/json"}, trust_env=False
        )
        assert answer.raise_for_status().json()["authorized"], answer.text  # an empty registry answers faster
        return answer.content

    def _begin(self, stack: ExitStack, python: Path | None, sample: bytes) -> None:
        """The peers, which idle while they are not asked."""
        if shutil.which("nginx") is None:
            print("serving: nginx not found and left out. Install: apt-get install nginx")
        else:
            self._subjects["nginx"] = stack.enter_context(nginx(self._folder, sample))
        if python is not None:
            env = {"BARE_BYTES": str(len(sample))}
            self._subjects["bare"] = stack.enter_context(uvicorn(python, "bare", "bare:app", "/authorization", env))
            database = self._folder / "registry.sqlite"
            subprocess.run([python, PEERS / "registry.py", database, str(ISSUERS), self._authority], check=True)
            made = uvicorn(python, "registry", "registry:app", "/authorization", {"REGISTRY": str(database)})
            self._subjects["registry"] = stack.enter_context(made)

    def _saturate(self, subject: MeasuredServer, script: Path) -> None:
        self._subjects[subject.name] = subject
        load(subject, script, 12, 1)  # warm
        for connections in CONNECTIONS:
            subject.seen[connections] = [load(subject, script, connections) for _ in range(RUNS)]
            what = f"POST /authorization, {subject.name}, {_counted(connections, 'connection')}"
            runs = subject.seen[connections]
            self._report.add(what, "requests/s", [each.per_second for each in runs])
            self._report.add(f"{what}: p99 in a full queue", "ms", [each.p99 for each in runs])
            if connections == max(CONNECTIONS):
                self._report.add(f"{what}: processor time a request", "us", [each.cost for each in runs])

    def _ours(self, subject: MeasuredServer) -> None:
        """What the others have not: the native question, batches; and the latencies, while this one runs."""
        most = max(CONNECTIONS)
        native = MeasuredServer(name=subject.name, url=subject.url.replace("/authorization", ""), pids=subject.pids)
        seen = [load(native, self._native, most) for _ in range(RUNS)]
        what = f"POST /v1/decisions, {subject.name}, {_counted(most, 'connection')}"
        self._report.add(what, "requests/s", [each.per_second for each in seen])
        many = [load(native, self._many, 4) for _ in range(RUNS)]
        what = f"POST /v1/decisions, {BATCH:,} a batch, {subject.name}"
        self._report.add(what, "decisions/s", [each.per_second * BATCH for each in many])
        self._report.add(
            f"{what}: to a second of processor",
            "decisions",
            [BATCH / each.cost * 1e6 for each in many],
            at_least=50_000.0 if subject.name == "node" else None,
        )
        load(subject, self._ask, most, 1)  # wrk leaves batches behind that are answered still; they are not measured
        self._steady(subject, subject.name, self._half(subject.name))

    def _apart(self, node: str) -> None:
        """What serves without the node: a replica, and the published files (one bucket of them, through nginx)."""
        policy, store, port = self._folder / "policy.txt", self._folder / "store", free_port()
        eventually(lambda: httpx.get(f"{node}/v1/state-note", trust_env=False).is_success, "a quorum has signed")
        accredit("trust", "export", "-o", policy, env={"ACCREDIT_NODE": node})
        accredit("node", "publish", self._node.folder, store, patience=FOLD_SECONDS)
        words = [sys.executable, "-m", "accredit", "replica", "run", "--policy", str(policy), "--from", str(store)]
        url = f"http://127.0.0.1:{port}"
        with process([*words, "--port", str(port)], f"{url}/healthz") as pid:
            self._saturate(MeasuredServer(name="replica", url=f"{url}/authorization", pids=(pid,)), self._ask)
        if "nginx" in self._subjects:
            (self._folder / "files").mkdir()
            bucket = max((path.read_bytes() for path in (store / "buckets").iterdir()), key=len)
            with nginx(self._folder / "files", bucket) as files:
                files.name = f"store, a bucket of {len(bucket):,} bytes"
                self._saturate(files, self._plain)

    def _half(self, name: str) -> float:
        return min(STEADY_MOST, self._subjects[name].rate(max(CONNECTIONS)) / 2)

    def _steady(self, subject: MeasuredServer, name: str, rate: float) -> None:
        seen = steady(subject, "/authorization", self._bodies, rate)
        for part in ("p50", "p99", "p999") if seen else ():
            self._report.add(
                f"POST /authorization, {name}, {rate:,.0f} a second, {STEADY_CONNECTIONS} connections: {part}",
                "ms",
                [seen[part]],
                at_most=5.0 if part == "p99" and name == "1 worker" else None,
            )

    def _compare(self) -> None:
        """Ratios, all of this run."""
        most = max(CONNECTIONS)
        pairs: tuple[tuple[str, str, float | None], ...] = (
            *(("node", "nginx", 0.1), ("node", "registry", 8.0), ("node", "bare", None)),
            *(("1 worker", "nginx", 0.3), ("1 worker", "registry", 25.0), ("2 workers", "1 worker", 1.7)),
            *(("2 workers", "registry", None), ("bare", "nginx", None), ("registry", "nginx", None)),
        )
        for one, other, target in pairs:
            if one in self._subjects and other in self._subjects:
                ours, theirs = self._subjects[one].seen[most], self._subjects[other].seen[most]
                ratios = [a.per_second / b.per_second for a, b in zip(ours, theirs, strict=True)]
                what = f"POST /authorization, {_counted(most, 'connection')}: {one} to {other}"
                self._report.add(what, "x", ratios, at_least=target)
                if other in ("nginx", "registry"):
                    costs = [b.cost / a.cost for a, b in zip(ours, theirs, strict=True) if a.cost]
                    self._report.add(f"{what}, by processor time", "x", costs)

    def _plot(self) -> str:
        lines = [
            Line(name, [(connections, subject.rate(connections)) for connections in CONNECTIONS])
            for name, subject in self._subjects.items()
            if name != "nginx" and not name.startswith("store")  # they would press the others to the ground
        ]
        return line_chart(
            lines, title=f"POST /authorization, {ISSUERS:,} issuers", x="connections", y="requests a second"
        )


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


if __name__ == "__main__":
    main()
