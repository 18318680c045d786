"""One real node: its files, its process, commands typed for it, and how much it has open.

    machine = NodeProcess.set_up(town, "n0001.example", folder, port=…, tick=1_000)
    machine.start(clock=-12.5)
    await machine.answers("/healthz")
    machine.kill()

The process is `accredit node run`, in a session of its own, so that a Ctrl-C at the terminal is the simulation's to
handle; its output goes to `node.log` in its folder. Only processes started here are ever signalled, by their id.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
import trio

import accredit
from accredit.node.key_files import NodeKeys
from accredit.node.settings import write_commented
from accredit.registry.encoding.ed25519 import public_of
from accredit.registry.transparency.signed_note import KeyType, VerifierKey
from accredit.simulations.checkers import Violation
from accredit.simulations.virtual.ecosystem import Town

from .small_disk import SmallDisk

START_SECONDS: Final = 60.0
"""Within which a node must answer after its start, on a machine that has much else to do."""

END_SECONDS: Final = 30.0
"""Within which a node ends that was told to stop; its own grace is 5 s."""

_ROLES: Final = ("peer", "log", "witness", "state")
_CODE: Final = Path(accredit.__file__).parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a process holds: open descriptors, threads, bytes of memory; `age` in seconds since its start."""

    age: float
    descriptors: int
    threads: int
    memory: int


@dataclass(slots=True, kw_only=True)
class NodeProcess:
    """See the module.

    Attributes:
        number: its place among the nodes, from 0.
        process: while it runs.
        disk: where its disk can be filled.
        is_expected_up: whether it should be running now; an end of its own accord is then a finding.
        lives: by start, what was seen of the process.
        starts: how often it was started.
    """

    number: int
    name: str
    folder: Path
    port: int
    log_key: VerifierKey
    disk: SmallDisk | None = None
    host: str = "127.0.0.1"
    prefix: tuple[str, ...] = ()
    process: "subprocess.Popen[bytes] | None" = None
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
    ) -> "NodeProcess":
        """Its files, as `accredit node init` and `node genesis` make them."""
        name = town.names[number]
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
            public_url=f"http://{host}:{port}",
            tick_ms=tick,
        )
        key = VerifierKey(name=name, type=KeyType.ED25519, public=public_of(seeds["log"]))
        return cls(number=number, name=name, folder=folder, port=port, log_key=key, host=host, prefix=prefix, disk=disk)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{self.host}:{self.port}"

    @property
    def database(self) -> Path:
        """Its log."""
        return self.folder / "data" / "node.sqlite"

    @property
    def head(self) -> Path:
        """The last signed head of its log."""
        return self.folder / "data-heads" / "log.json"

    @property
    def said(self) -> str:
        """All that it has said."""
        path = self.folder / "node.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    # ------------------------------------------------------------------------------------------------ the process

    def start(self, *, clock: float = 0.0) -> None:
        """Starts it; returns at once. `clock`: how wrong it is, seconds."""
        assert self.process is None, "it runs already"
        with (self.folder / "node.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, *_command("node", "run", str(self.folder))],
                cwd=self.folder,
                env=_environment(clock),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.starts += 1
        self.lives.append([])
        self._started_at = trio.current_time()
        self.is_expected_up = True

    async def answers(self, path: str = "/healthz") -> None:
        """Waits until it answers there with 200.

        Raises:
            Violation: it does not.
        """
        with trio.move_on_after(START_SECONDS):
            async with httpx.AsyncClient(trust_env=False, timeout=5.0) as client:
                while True:
                    self.check_runs()
                    try:
                        if (await client.get(self.url + path)).status_code == 200:
                            return
                    except httpx.HTTPError:
                        pass
                    await trio.sleep(0.05)
        raise Violation("no_crash", f"{self.name} does not answer {path} {START_SECONDS:.0f} s after its start")

    def check_runs(self) -> None:
        """Raises a `Violation` where the process has ended and nobody ended it."""
        if self.is_expected_up and self.process is not None and (code := self.process.poll()) is not None:
            words = " / ".join(self.said.strip().splitlines()[-3:])
            raise Violation("no_crash", f"{self.name} ended by itself with {code}: {words[-500:]}")

    def kill(self) -> None:
        """As a loss of power to the process: no handler runs."""
        self.is_expected_up = False
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    async def stop(self) -> int:
        """As a service manager does; its exit code.

        Raises:
            Violation: it does not end.
        """
        assert self.process is not None
        self.is_expected_up = False
        self.process.terminate()
        return await self.ends()

    async def ends(self) -> int:
        """Waits for the end of the process; its exit code.

        Raises:
            Violation: it does not end.
        """
        assert self.process is not None
        with trio.move_on_after(END_SECONDS):
            while self.process.poll() is None:
                await trio.sleep(0.02)
        code = self.process.poll()
        if code is None:
            self.kill()
            raise Violation("stops", f"{self.name} did not end within {END_SECONDS:.0f} s")
        self.process = None
        return code

    async def types(self, *words: str) -> tuple[int, str]:
        """A command of the operator's about this node: exit code, and all it said."""
        done = await trio.run_process(
            _command(*words), capture_stdout=True, capture_stderr=True, check=False, env=_environment(0.0)
        )
        return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")

    def look(self) -> None:
        """Notes what the process holds now, where the system tells."""
        if self.process is None:
            return
        found = usage(self.process.pid, trio.current_time() - self._started_at)
        if found is not None:
            self.lives[-1].append(found)


def usage(process: int, age: float) -> Usage | None:
    """From /proc; None where there is none, or where the process has ended."""
    place = Path(f"/proc/{process}")
    try:
        descriptors = len(os.listdir(place / "fd"))
        members = dict(line.split(":", 1) for line in (place / "status").read_text().splitlines() if ":" in line)
        memory = int(members["VmRSS"].split()[0]) * 1_024
        return Usage(age=age, descriptors=descriptors, threads=int(members["Threads"]), memory=memory)
    except (OSError, KeyError, ValueError):
        return None


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """Free ports that no outgoing connection gets by chance, so that a node which starts again finds its own one.

    Raises:
        Violation: there are not so many.
    """
    found: list[int] = []
    first = 20_000 + os.getpid() * 131 % 11_000  # two simulations at a time begin in different places
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
    raise Violation("setting_up", f"there are no {count} free ports between 20000 and 32000")


def _command(*words: str) -> Sequence[str]:
    return [sys.executable, "-m", "accredit", *words]


def _environment(clock: float) -> dict[str, str]:
    """Ours without settings of a node or a person."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("ACCREDIT_")}
    offset = {"ACCREDIT_CLOCK_OFFSET_MS": str(round(clock * 1_000))} if clock else {}
    return ours | {"NO_COLOR": "1", "PYTHONPATH": str(_CODE)} | offset
