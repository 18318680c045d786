"""Our commands as processes of their own, from a Python that has loaded the program already.

    process = begin(["node", "run", folder], cwd=folder, env=environment(), stdout=log, stderr=log)
    process.terminate()
    process.wait(60)

A node spends nine tenths of its start on loading modules, and tests start hundreds of nodes. So one process for each
process of the test run loads them once, and forks itself for each command. From there on all is as if somebody had
typed it: the command has its own session, folder, environment and files, its exit code, and whatever signal is sent to
it. What a program does while it loads is for tests that start one cold (`Machine.start`), and for the guides.

The one that forks has no thread and opens nothing, and ends with the test run.
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
from threading import Lock
from typing import IO, Any, Final

from accredit.simulations.processes.node_process import NodeProcess, environment

ROOT: Final = Path(__file__).resolve().parents[2]
LOADED: Final = (
    "accredit.cli.start",
    "accredit.cli.main",
    "accredit.cli.commands.ceremony",
    "accredit.cli.commands.node",
    "accredit.cli.commands.node_audit",
    "accredit.cli.commands.node_backup",
    "accredit.cli.commands.node_status",
    "accredit.node.app",
)
"""What nodes and the commands about them are made of."""

_REQUEST_BYTES: Final = 200_000
"""A command with its environment: what a packet between two sockets of one machine carries."""


class Begun(subprocess.Popen[bytes]):
    """A process that another one began for us: to whoever waits for it or ends it, as any other."""

    def __init__(self, args: Sequence[str], ended: socket.socket) -> None:  # the parent's would begin one itself
        self.args = args
        self.returncode = None
        self.stdin = self.stdout = self.stderr = None
        self._ended = ended
        self._waiting = Lock()
        self.pid = int(ended.recv(64))

    def __enter__(self) -> "Begun":
        return self

    def __exit__(self, *_error: object) -> None:
        self.wait()

    def __del__(self, *_more: Any) -> None:
        self._ended.close()

    def poll(self) -> int | None:
        """Its exit code, once it has ended."""
        with self._waiting:
            if self.returncode is None and select.select([self._ended], [], [], 0)[0]:
                self.returncode = int(self._ended.recv(64))
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Waits for its end, so many seconds."""
        if self.poll() is None:
            select.select([self._ended], [], [], timeout)
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
) -> Begun:
    """Begins `accredit` with these words, in a session of its own; it reads nothing.

    Args:
        limit: bytes beyond which none of its files grows; 0 for none.
    """
    typed = [str(word) for word in words]
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    request = json.dumps({"words": typed, "cwd": str(cwd), "env": dict(env), "limit": limit}).encode()
    assert len(request) <= _REQUEST_BYTES
    with theirs:
        socket.send_fds(_forking(), [request], [theirs.fileno(), stdout.fileno(), stderr.fileno()])
    return Begun(typed, ours)


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
def _forking() -> socket.socket:
    """The line to the process that forks; it ends when this one does."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.strategies.warm", str(theirs.fileno())],
            cwd=ROOT,
            env=environment(),
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


def _serve(line: socket.socket) -> int:
    """Forks for each request; returns in the process that is to run one, and when nobody can ask any more.

    Returns:
        Bytes beyond which no file of this process is to grow; -1 when there is nothing to run.
    """
    with selectors.DefaultSelector() as waiting:
        waiting.register(line, selectors.EVENT_READ)
        while True:
            for key, _ in waiting.select():
                if key.fileobj is line:
                    request, files, _, _ = socket.recv_fds(line, _REQUEST_BYTES, 3)
                    if not request:
                        return -1
                    child = os.fork()
                    if child == 0:
                        for other in list(waiting.get_map().values()):
                            if other.fileobj is not line:
                                os.close(other.fd)
                                other.data[1].close()
                        line.close()
                        return _become(json.loads(request), files)
                    ended = socket.socket(fileno=files[0])
                    for file in files[1:]:
                        os.close(file)
                    waiting.register(os.pidfd_open(child), selectors.EVENT_READ, (child, ended))
                    ended.send(b"%d" % child)
                else:
                    child, ended = key.data
                    waiting.unregister(key.fileobj)
                    os.close(key.fd)
                    _, status = os.waitpid(child, 0)
                    with ended, suppress(OSError):  # whoever asked for it has gone
                        ended.send(b"%d" % os.waitstatus_to_exitcode(status))


def _become(request: dict[str, Any], files: list[int]) -> int:
    """Makes this process what the request says, as far as it can be before anything of ours runs."""
    os.setsid()
    os.close(files[0])
    for number, file in zip((1, 2), files[1:], strict=True):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    sys.argv[:] = ["accredit", *request["words"]]
    return int(request["limit"])


def _main() -> None:
    line = socket.socket(fileno=int(sys.argv[1]))
    import gc
    import importlib
    import resource

    for name in LOADED:
        importlib.import_module(name)
    gc.freeze()  # what is never collected stays shared with all that are forked
    from accredit.cli import start

    limit = _serve(line)
    if limit > 0:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    if limit >= 0:
        signal.signal(signal.SIGINT, start._stop)
        start.main()


if __name__ == "__main__":
    _main()
