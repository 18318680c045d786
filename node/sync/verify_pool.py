"""Several processes that check entries of a log beside this one: `entry_verifier.EntryVerifier`, once in each.

    with Pool(workers) as pool:
        wait = pool.check(entries)          begins
        entries = wait()                    good ones as statements; the caller judges the others

* Processes are started anew (`verify_worker`), not forked, because this one has threads, and secrets that must not be
  copied. They use the same program files as this one.
* Each has its own pipe, and ends when the pipe closes, however this process ends, even by `kill -9`.
* A process that dies (out of memory) costs only time: its entries come back without marks.
* The first `CHUNK` entries are checked here, so that the others begin with the keys of the ecosystem's founding.
* With no worker, no process is started, and entries come back as they are.

`check` and `wait` block, for milliseconds and for the time that checking takes; both are for a worker thread.
"""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection, Pipe
from queue import SimpleQueue
from threading import Lock
from typing import Final

from accredit.node.closing import Closing
from accredit.node.telemetry import event as log_event
from accredit.registry.statement import Statement

from .entry_verifier import UNMARKED, EntryVerifier, VerifiedEntries, marked

CHUNK: Final = 512
"""Entries in one message to a process: some 50 ms of its time, so that the cost of the pipe does not matter."""

END_SECONDS: Final = 5.0
"""How long a process may take to end before it is killed."""

_WORK: Final = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from accredit.node.sync.verify_worker import work
work(int(sys.argv[2]))
"""

Wait = Callable[[], list[bytes | Statement]]
"""Waits for what `Pool.check` began."""

_log = logging.getLogger(__name__)


def cores() -> int:
    """Return how many cores this process may use. It ignores a container's share of time: set `--workers` there."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Pool(Closing):
    """See the module.

    Args:
        workers: processes beside this one.
    """

    def __init__(self, workers: int) -> None:
        self._lock = Lock()
        self._publics: list[bytes] = []  # seen in what was checked so far; only ever continued
        self._seen: set[bytes] = set()
        self._helpers = [_Helper() for _ in range(workers)]
        self._free: SimpleQueue[_Helper] = SimpleQueue()
        for helper in self._helpers:
            self._free.put(helper)
        # A thread for each process, which spends its life waiting for it.
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="check") if workers else None

    def close(self) -> None:
        """End the processes; drop checks whose results nobody has fetched."""
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)
        for helper in self._helpers:
            helper.end()

    @property
    def processes(self) -> tuple[int, ...]:
        """Return the ids of the started processes."""
        return tuple(helper.pid for helper in self._helpers if helper.pid is not None)

    def check(self, entries: Sequence[bytes]) -> Wait:
        """Start to check entries; return a function that waits for the result."""
        threads = self._threads
        if threads is None:
            return lambda: list(entries)
        chunks = [entries[at : at + CHUNK] for at in range(0, len(entries), CHUNK)]
        done = []
        if not self._publics and chunks:
            done.append(self._learn(EntryVerifier().check(chunks.pop(0))).marks)
        begun = [threads.submit(self._ask, chunk) for chunk in chunks]
        return lambda: marked(entries, b"".join([*done, *(each.result() for each in begun)]))

    def _ask(self, chunk: Sequence[bytes]) -> bytes:
        helper = self._free.get()
        try:
            return self._learn(helper.ask(chunk, self._publics)).marks
        finally:
            self._free.put(helper)

    def _learn(self, found: VerifiedEntries) -> VerifiedEntries:
        with self._lock:
            for public in found.publics:
                if public not in self._seen:
                    self._seen.add(public)
                    self._publics.append(public)
        return found


class _Helper:
    """One process and the pipe to it."""

    def __init__(self) -> None:
        self._pipe: Connection | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._told = 0  # how many of the public keys it has been told
        self._dead = False

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def ask(self, chunk: Sequence[bytes], publics: Sequence[bytes]) -> VerifiedEntries:
        """Send it a chunk to check, with the keys that it does not know yet."""
        nothing = VerifiedEntries(marks=bytes([UNMARKED]) * len(chunk))
        if self._dead:
            return nothing
        try:
            pipe = self._pipe or self._begin()
            news = publics[self._told :]
            self._told += len(news)
            pipe.send((news, list(chunk)))
            marks, found = pipe.recv()
        except (OSError, EOFError) as error:
            self._dead = True
            log_event(_log, logging.WARNING, "a checking process ended", reason=repr(error))
            return nothing
        return VerifiedEntries(marks=marks, publics=found)

    def end(self) -> None:
        """Close the pipe, which ends the process."""
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            try:
                self._process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._pipe, self._process, self._dead = None, None, True

    def _begin(self) -> Connection:
        self._pipe, theirs = Pipe()
        with theirs:
            # Not `multiprocessing.Process`: that would run the main module once more, and keep a process to watch.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _WORK, json.dumps(sys.path), str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                process_group=0,  # Ctrl-C in a terminal is for this process, which then ends that one
                pass_fds=[theirs.fileno()],
            )
        return self._pipe
