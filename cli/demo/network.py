"""Runs the demonstration: a folder, people with keys, nodes in their own processes, real commands.

    with Stage.open(folder) as stage:
        stage.show("keys", "new", "alice.key", "--authority", "did:web:board.example")
        stage.start(node)
        stage.until("every node holds the same", lambda: ...)

Commands run as a person would run them, in the folder, with paths relative to it; their output is shown indented. At
the end every process that was started is stopped, by its id.
"""

import json
import os
import secrets
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import click
from click.testing import CliRunner, Result

from accredit.cli.base import exits, output
from accredit.cli.base.context import wants_json
from accredit.cli.base.output import faint, good
from accredit.registry.errors import AccreditError, InputError, StorageError
from accredit.simulations.processes.node_process import NodeProcess

from . import leftovers

PATIENCE: Final = 60.0
"""Seconds to wait for something a network of four nodes does within one or two; a busy machine takes longer."""

_PASSPHRASE: Final = "passphrase"
_ENDS: Final = {signal.SIGTERM: 143, signal.SIGHUP: 129}  # the exit codes that a shell reports for these signals
_WIDTH: Final = 118  # characters of a command's output shown on a line


@dataclass(slots=True)
class DemoNode:
    """A node of the demonstration."""

    folder: str
    name: str
    operator: str
    port: int
    process: NodeProcess | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@dataclass(slots=True)
class Stage:
    """See the module.

    Attributes:
        folder: where commands run. keeps: whether it stays at the end.
        commands: how many were run. settings: environment variables they get besides.
    """

    folder: Path
    keeps: bool
    nodes: list[DemoNode] = field(default_factory=list)
    commands: int = 0
    settings: dict[str, str] = field(default_factory=dict)
    _lock: int | None = None
    _came_from: Path = field(default_factory=Path)
    _accredit: click.Command = field(default_factory=lambda: click.Command(None))

    @classmethod
    def open(cls, keep: Path | None) -> "Stage":
        """Open a stage in the folder `keep`, which is kept afterwards, or else in a temporary one.

        Raises:
            InputError: `keep` is there and not empty.
            StorageError: it cannot be made.
        """
        if keep is None:
            leftovers.clear()
            folder, lock = leftovers.new_folder()
            return cls(folder=folder, keeps=False, _lock=lock)
        try:
            keep.mkdir(parents=True, exist_ok=True)
            is_empty = not any(keep.iterdir())
        except OSError as error:
            said = f"{keep} cannot be made ({error.strerror})."
            raise StorageError("no_folder", said, hint="Give a new folder where you may write.") from error
        if not is_empty:
            raise InputError("not_empty", f"{keep} is not empty.", hint="Give a folder that does not exist yet.")
        return cls(folder=keep.resolve(), keeps=True)

    def __enter__(self) -> "Stage":
        descriptor = os.open(self.folder / _PASSPHRASE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(24) + "\n")
        # Commands run in this process and name their files as a person in that folder would.
        self._came_from, self._accredit = Path.cwd(), click.get_current_context().find_root().command
        os.chdir(self.folder)
        # A plain kill, or a closed terminal, would leave the nodes behind; as an exit it ends them like any other.
        for number, code in _ENDS.items():
            signal.signal(number, partial(_end, code))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        os.chdir(self._came_from)
        if not self.keeps:
            shutil.rmtree(self.folder, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)

    # Commands

    def run(self, *arguments: str, refused: bool = False) -> str:
        """Run one command; return its output.

        It runs in this process, which spares the half second that a new one takes to start: what it reads and prints is
        the same.

        Args:
            refused: whether the answer may be no (exit code 1), or a check may fail.

        Raises:
            AccreditError: it ended with another exit code.
        """
        allowed = (exits.OK, exits.NEGATIVE, *exits.RESULTS.values()) if refused else (exits.OK,)
        return self._invoke(arguments, allowed).stdout

    def _invoke(self, arguments: Sequence[str], allowed: Sequence[int]) -> Result:
        """Run one command, which must end with one of the exit codes `allowed`."""
        self.commands += 1
        theirs = {name: None for name in os.environ if name.startswith("ACCREDIT_")}
        done = CliRunner().invoke(
            self._accredit,
            arguments,
            env={**theirs, "ACCREDIT_PASSPHRASE_FILE": _PASSPHRASE, **self.settings},
        )
        if done.exit_code in _ENDS.values():  # the signal came within the command
            sys.exit(done.exit_code)
        if done.exit_code not in allowed:
            said = (done.stderr or done.stdout).strip().splitlines()[-3:]
            raise AccreditError(
                "demo_failed", f"accredit {' '.join(arguments)} ended with {done.exit_code}: {' '.join(said)}"
            )
        return done

    def ask(self, *arguments: str) -> Any:
        """Run one command with `--json`; return its answer."""
        return json.loads(self.run(*arguments, "--json", refused=True))

    def show(self, *arguments: str, lines: slice = slice(None), refused: bool = False) -> str:
        """Run one command; show it with its output, or with some lines of it."""
        tell(f"  {output.styled('$ accredit ' + _quoted(arguments), fg='cyan')}")
        printed = self.run(*arguments, refused=refused)
        tell_lines(printed.rstrip().splitlines()[lines])
        return printed

    def show_answer(self, *arguments: str, told: Callable[[Any], Iterable[str]]) -> Any:
        """Run one command with `--json`; show it as if without, with the lines that `told` makes of its answer."""
        tell(f"  {output.styled('$ accredit ' + _quoted(arguments), fg='cyan')}")
        answer = self.ask(*arguments)
        tell_lines(told(answer))
        return answer

    def show_refusal(self, *arguments: str) -> str:
        """Run one command that must be refused because it could not take effect; show it and the reason.

        Raises:
            AccreditError: it was not refused, or for another reason.
        """
        tell(f"  {output.styled('$ accredit ' + _quoted(arguments), fg='cyan')}")
        error = json.loads(self._invoke((*arguments, "--json"), (exits.REFUSED,)).stderr)["error"]
        if error["code"] != "cannot_take_effect":
            raise AccreditError("demo_failed", f"accredit {' '.join(arguments)}: {error['message']}")
        reason = str(error["message"]).rpartition(" would not take effect: ")[2]
        tell_lines([f"Refused: {reason}"])
        return reason

    def show_waiting(self, *arguments: str) -> None:
        """Run one command that must report a statement waiting for votes; show it and the report.

        Raises:
            AccreditError: it ended otherwise.
        """
        tell(f"  {output.styled('$ accredit ' + _quoted(arguments), fg='cyan')}")
        error = json.loads(self._invoke((*arguments, "--json"), (exits.NOT_YET,)).stderr)["error"]
        tell_lines([str(error["message"])])

    def offline(self, url: str) -> None:
        """Make later commands that name no node ask this URL; empty for their usual one."""
        self.settings = {"ACCREDIT_NODE": url} if url else {}

    # Nodes

    def start(self, node: DemoNode) -> None:
        """Starts a node and waits until it answers."""
        node.process = NodeProcess(folder=self.folder / node.folder, url=node.url)
        node.process.start()

    def wait_for(self, node: DemoNode) -> None:
        """Waits until a started node answers.

        Raises:
            AccreditError: it ended, or does not answer; its last words are in the message.
        """
        assert node.process is not None
        node.process.wait_until_answers(seconds=PATIENCE)

    def stop(self) -> None:
        """Stop every node that was started, politely first."""
        running = [node.process for node in self.nodes if node.process is not None and node.process.process is not None]
        for process in running:
            process.terminate()
        for process in running:
            if process.wait(seconds=10) is None:
                process.kill()

    def until(self, what: str, condition: Callable[[], bool]) -> float:
        """Wait until `condition` holds; return the seconds it took.

        Raises:
            AccreditError: it does not within `PATIENCE`.
        """
        begun = time.perf_counter()
        while not condition():
            if time.perf_counter() - begun > PATIENCE:
                raise AccreditError("demo_failed", f"{what}: not within {PATIENCE:.0f} s.")
            time.sleep(0.01)
        return time.perf_counter() - begun


class Scenes:
    """Numbers the scenes, and collects the result of each for the table at the end."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.rows: list[tuple[str, str]] = []
        self._begun = time.perf_counter()

    @contextmanager
    def scene(self, title: str) -> Iterator[list[str]]:
        """Run one scene; the items appended to the list become its row."""
        number = len(self.rows) + 1
        elapsed = time.perf_counter() - self._begun
        tell()
        tell(output.mix(output.styled(f"[{number}/{self.total}] {title}", bold=True), faint(f"  {elapsed:.0f} s")))
        results: list[str] = []
        yield results
        self.rows.append((title, "; ".join(results)))
        for result in results:
            tell(output.mix("  ", good("✓"), " ", result))

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.perf_counter() - self._begun


def _end(code: int, *_: object) -> None:
    sys.exit(code)


def tell(text: str = "") -> None:
    """Print a line for people; with `--json` only the final result is printed."""
    if not wants_json():
        output.say(text)


def tell_lines(lines: Iterable[str]) -> None:
    """Print the output of a command, indented; long lines are cut."""
    for line in lines:
        shown = line if len(line) <= _WIDTH else line[: _WIDTH - 1] + "…"
        tell(f"    {output.safe(shown)}".rstrip())


def _quoted(arguments: Sequence[str]) -> str:
    return " ".join(f'"{a}"' if " " in a else a for a in arguments)
