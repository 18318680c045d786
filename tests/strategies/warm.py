"""Our commands as processes of their own, from a Python that has loaded the program already.

    process = begin(["node", "run", folder], cwd=folder, env=environment(), stdout=log, stderr=log)
    process.terminate()
    process.wait(60)

A node spends nine tenths of its start on loading modules, and tests start hundreds of nodes. So one process for each
process of the test run loads them once, and forks itself for each command. From there on all is as if somebody had
typed it: the command has its own session, folder, environment and files, its exit code, and whatever signal is sent to
it, with one exception: keys are derived from passphrases at the lowest cost, not at half a second of a core for each
signature. Nodes that a command begins, as the demonstration does, are forked here too. What a program does while it
loads is for tests that start one cold (`Machine.start`), and for the guides in a nightly run.

The one that forks has no thread and opens nothing, and ends with the test run, however that ends, and so do the others.
"""

import atexit
import json
import os
import select
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import IO, Any, Final

from accredit.simulations.processes.node_process import NodeProcess, environment

ROOT: Final = Path(__file__).resolve().parents[2]
LOADED: Final = ("accredit.cli.main", "accredit.node.app", "accredit.cli.base.progress", "rich.progress")
"""What nodes are made of, besides all modules of commands."""

_REQUEST_BYTES: Final = 200_000
"""A command with its environment: what a packet between two sockets of one machine carries."""


class Begun(subprocess.Popen[bytes]):
    """A process that another one began for us: to whoever waits for it or ends it, as any other."""

    def __init__(self, args: Sequence[str], line: socket.socket) -> None:  # the parent's would begin one itself
        self.args = args
        self.returncode = None
        self.stdin = self.stdout = self.stderr = None
        self._line = line.detach()  # collected in a cycle, a socket may be found unclosed before this is
        self._waiting = Lock()
        self.pid = int(os.read(self._line, 64))

    def __enter__(self) -> "Begun":
        return self

    def __exit__(self, *_error: object) -> None:
        self.wait()

    def __del__(self, *_more: Any) -> None:
        os.close(self._line)

    def poll(self) -> int | None:
        """Its exit code, once it has ended."""
        with self._waiting:
            if self.returncode is None and select.select([self._line], [], [], 0)[0]:
                self.returncode = int(os.read(self._line, 64))
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Waits for its end, so many seconds."""
        if self.poll() is None:
            select.select([self._line], [], [], timeout)
            if self.poll() is None:
                raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
        assert self.returncode is not None
        return self.returncode


def begin(
    words: Sequence[object],
    *,
    cwd: Path,
    env: Mapping[str, str],
    stdout: IO[bytes],
    stderr: IO[bytes],
    limit: int = 0,
    place: str = "",
) -> Begun:
    """Begins `accredit` with these words, in a session of its own; it reads nothing.

    Args:
        limit: bytes beyond which none of its files grows; 0 for none.
        place: where the process listens that forks; empty for that of this process.
    """
    typed = [str(word) for word in words]
    request = {"words": typed, "cwd": str(cwd), "env": dict(env), "limit": limit}
    with open(os.devnull, "rb") as nothing:
        return Begun(typed, ask(place or address(), request, [nothing.fileno(), stdout.fileno(), stderr.fileno()]))


def ask(place: str, request: dict[str, Any], files: Sequence[int]) -> socket.socket:
    """Asks for a process; returns the line on which its id comes, and then its exit code. Its end ends the process.

    Args:
        files: what is to be its input, its output, and where it says what is wrong.
    """
    line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    line.connect(place)
    socket.send_fds(line, [json.dumps(request).encode()], files)
    return line


@dataclass(slots=True, kw_only=True)
class WarmNode(NodeProcess):
    """A node that is begun so.

    Attributes:
        limit: bytes beyond which none of its files grows; 0 for none.
        is_cold: whether the next start is one from nothing, as a service manager does it.
    """

    limit: int = 0
    is_cold: bool = False

    def _begin(self, env: Mapping[str, str], log: IO[bytes]) -> subprocess.Popen[bytes]:
        if self.is_cold:
            return NodeProcess._begin(self, env, log)
        words = ("node", "run", str(self.folder))
        return begin(words, cwd=self.folder, env=env, stdout=log, stderr=log, limit=self.limit)


@cache
def address() -> str:
    """Where the process listens that forks; it ends when this one does."""
    folder = TemporaryDirectory(prefix="accredit-")
    place = str(Path(folder.name, "warm"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(place)
        listening.listen(100)
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.strategies.warm", str(listening.fileno())],
            cwd=ROOT,
            env=environment(),
            pass_fds=[listening.fileno()],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def end() -> None:
        process.communicate()
        folder.cleanup()

    atexit.register(end)
    return place


def begin_nodes_at(place: str) -> None:
    """Lets the nodes that this process begins be forked too, as those of the demonstration in a guide."""
    cold = NodeProcess._begin

    def warm(node: NodeProcess, env: Mapping[str, str], log: IO[bytes]) -> "subprocess.Popen[bytes]":
        if type(node) is not NodeProcess:
            return cold(node, env, log)
        words = ("node", "run", str(node.folder))
        return begin(words, cwd=node.folder, env=env, stdout=log, stderr=log, place=place)

    setattr(NodeProcess, "_begin", warm)  # noqa: B010  # to mypy a method is no variable


@dataclass(slots=True)
class _Life:
    """A process that was begun: the line to whoever asked for it, and what tells its end."""

    process: int
    line: socket.socket
    end: int


def _serve(listening: socket.socket) -> int:
    """Forks for each request; returns in the process that is to run one, and when nobody can ask any more.

    Returns:
        Bytes beyond which no file of this process is to grow; -1 when there is nothing to run.
    """
    lives: dict[int, _Life] = {}  # by the descriptors that tell of their ends, and by those of the lines
    with selectors.DefaultSelector() as waiting:
        for at in (listening.fileno(), sys.stdin.fileno()):
            waiting.register(at, selectors.EVENT_READ)
        while True:
            for key, _ in waiting.select():
                if key.fd == sys.stdin.fileno():
                    for life in lives.values():  # of a test run that was killed; any other has ended them
                        os.kill(life.process, signal.SIGKILL)
                    return -1
                if key.fd == listening.fileno():
                    line, _ = listening.accept()
                    request, files, _, _ = socket.recv_fds(line, _REQUEST_BYTES, 3)
                    if not request:
                        line.close()
                        continue
                    child = os.fork()
                    if child == 0:
                        listening.close()
                        line.close()
                        for at, life in lives.items():
                            if at == life.end:
                                os.close(life.end)
                                life.line.close()
                        return _become(json.loads(request), files)
                    for file in files:
                        os.close(file)
                    life = _Life(child, line, os.pidfd_open(child))
                    for at in (line.fileno(), life.end):
                        lives[at] = life
                        waiting.register(at, selectors.EVENT_READ)
                    line.send(b"%d" % child)
                elif (life := lives[key.fd]) and key.fd == life.end:
                    _, status = os.waitpid(life.process, 0)
                    for at in [at for at, each in lives.items() if each is life]:
                        del lives[at]
                        if at in waiting.get_map():
                            waiting.unregister(at)
                    os.close(life.end)
                    with life.line, suppress(OSError):  # whoever asked for it may have gone
                        life.line.send(b"%d" % os.waitstatus_to_exitcode(status))
                    break  # what else was seen may be of a life that is over; it is seen again
                else:  # whoever asked for it has gone, or lets go of it
                    waiting.unregister(key.fd)
                    os.kill(life.process, signal.SIGKILL)


def _become(request: dict[str, Any], files: list[int]) -> int:
    """Makes this process what the request says, as far as it can be before anything of ours runs."""
    os.setsid()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    sys.argv[:] = ["accredit", *request["words"]]
    return int(request["limit"])


def _main() -> None:
    listening = socket.socket(fileno=int(sys.argv[1]))
    import gc
    import importlib
    import pkgutil
    import resource

    from accredit.cli import commands, start
    from accredit.node.files import key_files
    from accredit.node.http.explorer.frame import load_templates

    for cost in ("MODERATE", "INTERACTIVE"):  # before anything takes them from there
        setattr(key_files, cost, key_files.FASTEST)

    for name in LOADED:
        importlib.import_module(name)
    for module in pkgutil.iter_modules(commands.__path__, f"{commands.__name__}."):
        importlib.import_module(module.name)
    load_templates()
    place = listening.getsockname()
    gc.freeze()  # what is never collected stays shared with all that are forked
    limit = _serve(listening)
    if limit > 0:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    if limit >= 0:
        begin_nodes_at(place)
        signal.signal(signal.SIGINT, start._stop)
        start.main()


if __name__ == "__main__":
    _main()
