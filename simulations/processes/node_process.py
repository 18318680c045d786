"""Runs one real node as a process: starts it, waits for it, ends it, and measures its open resources.

    process = NodeProcess(folder=folder, url="http://127.0.0.1:20001")
    process.start({"ACCREDIT_TICK_MS": "100"})
    process.wait_until_answers("/healthz", seconds=20)
    process.kill()

This is the only supervisor of nodes: the demonstration, the process tier of the simulations and the tests start all
their nodes with it. The process is `accredit node run`, in a session of its own, so that a Ctrl-C at the terminal
reaches only the program that started it; its output goes to `node.log` in its folder. Only processes started here are
ever signalled, by their id.

`TormentedNode` is such a node in the process tier: with its files, its disk, its clock, and the commands about it.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

import trio

import accredit
from accredit.node.clients.blocking_http import BlockingHttp
from accredit.node.files.key_files import NodeKeys
from accredit.node.settings import write_commented
from accredit.registry.encoding.ed25519 import public_of
from accredit.registry.errors import BusyError, RemoteError, StorageError
from accredit.registry.transparency.signed_note import KeyType, VerifierKey
from accredit.simulations.checkers import Violation
from accredit.simulations.virtual.ecosystem import Town

from .small_disk import SmallDisk

START_SECONDS: Final = 60.0
"""Time within which a node must answer after its start, on a busy machine."""

END_SECONDS: Final = 30.0
"""Time within which a node ends after it was told to stop; its own grace is 5 s."""

ASKED_SECONDS: Final = 5.0
"""Time to wait for an answer when testing whether a node answers. A guess."""

_ANSWER_BYTES: Final = 2**20
_ROLES: Final = ("peer", "log", "witness", "state")
_CODE: Final = Path(accredit.__file__).parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The resources of a process: open descriptors, threads, bytes of memory; `age` in seconds since its start."""

    age: float
    descriptors: int
    threads: int
    memory: int


@dataclass(slots=True, kw_only=True)
class NodeProcess:
    """See the module.

    Attributes:
        folder: the folder of the node's settings and of `node.log`.
        url: the address where it answers.
        prefix: words before the command, for example to run it in a network of its own.
        program: the arguments with which Python starts `accredit`.
        process: the running process; None if there is none.
    """

    folder: Path
    url: str
    prefix: tuple[str, ...] = ()
    program: tuple[str, ...] = ("-m", "accredit")
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def said(self) -> str:
        """The text that it has written to `node.log`."""
        path = self.folder / "node.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    @property
    def last_words(self) -> str:
        """The last three lines of its output, for a message."""
        return " / ".join(self.said.strip().splitlines()[-3:])[-500:]

    def start(self, more: Mapping[str, str] | None = None) -> None:
        """Start the node; return at once. `more`: environment variables besides those of `environment`."""
        assert self.process is None, "it runs already"
        with (self.folder / "node.log").open("ab") as log:
            self.process = self._begin(environment(**(more or {})), log)

    def _begin(self, env: Mapping[str, str], log: IO[bytes]) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [*self.prefix, sys.executable, *self.program, "node", "run", str(self.folder)],
            cwd=self.folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def check_runs(self) -> None:
        """Check that it has not ended of its own accord.

        Raises:
            StorageError: `node_ended`, with its exit code and last words.
        """
        if self.process is not None and (code := self.process.poll()) is not None:
            raise StorageError("node_ended", f"The node in {self.folder} ended with {code}: {self.last_words}")

    def answers(self, path: str = "/healthz") -> bool:
        """Return whether it answers a path with 200 now.

        Raises:
            StorageError: `node_ended`.
        """
        self.check_runs()
        try:
            with BlockingHttp(self.url, timeout=ASKED_SECONDS) as http:
                return http.ask("GET", path, headers={}, content=None, max_bytes=_ANSWER_BYTES).status == 200
        except RemoteError:
            return False

    def wait_until_answers(self, path: str = "/healthz", *, seconds: float) -> None:
        """Wait until it answers a path with 200.

        Raises:
            StorageError: `node_ended`.
            RemoteError: `no_answer`: it did not answer within so many seconds.
        """
        deadline = time.monotonic() + seconds
        while not self.answers(path):
            if time.monotonic() > deadline:
                raise RemoteError("no_answer", f"{self.url}{path} was not answered within {seconds:.0f} s.")
            time.sleep(0.02)

    def terminate(self) -> None:
        """Ask it to stop, as a service manager does; return at once."""
        assert self.process is not None
        self.process.terminate()

    def wait(self, *, seconds: float) -> int | None:
        """Wait for its end; return its exit code, or None if it has not ended by then."""
        assert self.process is not None
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        self.process = None
        return code

    def stop(self, *, seconds: float = END_SECONDS) -> int | None:
        """Ask it to stop and wait; return its exit code, or None if it did not stop and was killed."""
        self.terminate()
        code = self.wait(seconds=seconds)
        if code is None:
            self.kill()
        return code

    def kill(self) -> None:
        """End it like a loss of power: no handler runs. Does nothing if it is not running."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@dataclass(slots=True, kw_only=True)
class TormentedNode:
    """A node of the process tier.

    Attributes:
        number: its place among the nodes, from 0.
        node: its process and supervisor.
        disk: its disk, which can be filled.
        is_expected_up: whether it should be running now; if it then ends of its own accord, that is a finding.
        lives: observations of its process, one list for each start.
        starts: number of times that it was started.
    """

    number: int
    name: str
    node: NodeProcess
    log_key: VerifierKey
    disk: SmallDisk | None = None
    is_expected_up: bool = False
    lives: list[list[Usage]] = field(default_factory=list)
    starts: int = 0
    _started_at: float = 0.0

    @classmethod
    def set_up(
        cls,
        town: Town,
        number: int,
        folder: Path,
        *,
        port: int,
        tick: int,
        host: str = "127.0.0.1",
        prefix: tuple[str, ...] = (),
        disk: SmallDisk | None = None,
    ) -> "TormentedNode":
        """Make its files, as `accredit node init` and `node genesis` do."""
        name, url = town.names[number], f"http://{host}:{port}"
        (folder / "data").mkdir(parents=True)
        (folder / "genesis.cose").write_bytes(town.genesis.raw)
        seeds = {role: town.node_seed(name, role) for role in _ROLES}
        NodeKeys.create(folder / "data" / "node-keys.json", name, seeds=seeds)
        write_commented(
            folder / "node.toml",
            name=name,
            ecosystem=town.ecosystem.hex(),
            genesis_file="genesis.cose",
            host=host,
            port=port,
            public_url=url,
            tick_ms=tick,
        )
        key = VerifierKey(name=name, type=KeyType.ED25519, public=public_of(seeds["log"]))
        return cls(
            number=number, name=name, node=NodeProcess(folder=folder, url=url, prefix=prefix), log_key=key, disk=disk
        )

    @property
    def folder(self) -> Path:
        """The folder of its files."""
        return self.node.folder

    @property
    def url(self) -> str:
        """The address where it answers."""
        return self.node.url

    @property
    def process(self) -> "subprocess.Popen[bytes] | None":
        """The running process; None if there is none."""
        return self.node.process

    @property
    def said(self) -> str:
        """The text of its output."""
        return self.node.said

    @property
    def database(self) -> Path:
        """The database file of its log."""
        return self.folder / "data" / "node.sqlite"

    @property
    def head(self) -> Path:
        """The file of the last signed head of its log."""
        return self.folder / "data-heads" / "log.json"

    # ------------------------------------------------------------------------------------------------ the process

    def start(self, *, clock: float = 0.0) -> None:
        """Start it; return at once. `clock`: the error of its clock, seconds."""
        self.node.start({"ACCREDIT_CLOCK_OFFSET_MS": str(round(clock * 1_000))} if clock else None)
        self.starts += 1
        self.lives.append([])
        self._started_at = trio.current_time()
        self.is_expected_up = True

    async def answers(self, path: str = "/healthz") -> None:
        """Wait until it answers a path with 200.

        Raises:
            Violation: it does not.
        """
        with trio.move_on_after(START_SECONDS):
            while True:
                self.check_runs()
                with suppress(StorageError):  # it has ended since: `check_runs` reports that
                    if await trio.to_thread.run_sync(self.node.answers, path):
                        return
                await trio.sleep(0.05)
        raise Violation("no_crash", f"{self.name} does not answer {path} {START_SECONDS:.0f} s after its start")

    def check_runs(self) -> None:
        """Raise a `Violation` if the process has ended and nobody ended it."""
        if self.is_expected_up and self.process is not None and (code := self.process.poll()) is not None:
            raise Violation("no_crash", f"{self.name} ended by itself with {code}: {self.node.last_words}")

    def kill(self) -> None:
        """End it like a loss of power: no handler runs."""
        self.is_expected_up = False
        self.node.kill()

    async def stop(self) -> int:
        """Stop it as a service manager does; return its exit code.

        Raises:
            Violation: it does not end.
        """
        self.is_expected_up = False
        self.node.terminate()
        return await self.ends()

    async def ends(self) -> int:
        """Wait for the end of the process; return its exit code.

        Raises:
            Violation: it does not end.
        """
        with trio.move_on_after(END_SECONDS):
            while True:
                if (code := self.node.wait(seconds=0)) is not None:
                    return code
                await trio.sleep(0.02)
        self.kill()
        raise Violation("stops", f"{self.name} did not end within {END_SECONDS:.0f} s")

    async def types(self, *words: str) -> tuple[int, str]:
        """Run a command of the operator about this node; return its exit code and output."""
        done = await trio.run_process(
            [sys.executable, *self.node.program, *words],
            capture_stdout=True,
            capture_stderr=True,
            check=False,
            env=environment(),
        )
        return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")

    def look(self) -> None:
        """Record the resources of the process now, if the system reports them."""
        if self.process is None:
            return
        found = usage(self.process.pid, trio.current_time() - self._started_at)
        if found is not None:
            self.lives[-1].append(found)


def usage(process: int, age: float) -> Usage | None:
    """Read the resources of a process from /proc; None if there is no /proc or the process has ended."""
    place = Path(f"/proc/{process}")
    try:
        descriptors = len(os.listdir(place / "fd"))
        members = dict(line.split(":", 1) for line in (place / "status").read_text().splitlines() if ":" in line)
        memory = int(members["VmRSS"].split()[0]) * 1_024
        return Usage(age=age, descriptors=descriptors, threads=int(members["Threads"]), memory=memory)
    except (OSError, KeyError, ValueError):
        return None


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """Return free ports that no outgoing connection gets by chance, so that a node can start again on its own.

    Raises:
        BusyError: there are not enough (`no_port`).
    """
    found: list[int] = []
    first = 20_000 + os.getpid() * 131 % 11_000  # simulations that run at the same time begin in different places
    for port in (20_000 + (first + step) % 12_000 for step in range(12_000)):
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind((host, port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise BusyError(
        "no_port",
        f"there are no {count} free ports between 20000 and 32000.",
        hint="End programs that you do not need.",
    )


def environment(**more: str) -> dict[str, str]:
    """Return our environment without settings of a node or a person, with this code on its path, and `more`."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("ACCREDIT_")}
    return ours | {"NO_COLOR": "1", "PYTHONPATH": str(_CODE)} | more
