"""Node, for what is written in JavaScript: found on PATH, from 20 on; a test that needs it is skipped where it is not.

    node("--test", "vectors.test.js", KIT=…)        what it writes; it must end well
    with Lines.of("lines.js", KIT=…) as lines:      a program that answers each JSON line with one
        lines.ask(do="canonical", text="did:web:EXAMPLE.org")
    tool("typescript", "tsc")                       a program of tests/requirements/typescript/, from npm
    packages("federation") / "read.mjs"             our program there, with the packages of npm that it imports

Nothing of `.ci/run` needs it: `apt-get install nodejs npm`, or any other way to a newer Node, and these tests run.
"""

import json
import os
import re
import select
import shutil
import subprocess
import tempfile
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import pytest

from tests.strategies.environments import ROOT, SECONDS, bare_environment

OLDEST: Final = 20
_QUIETLY: Final = ("--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1", "--fetch-retry-mintimeout=1000")
PATIENCE: Final = 900
"""Seconds until a program that does not answer is ended: only ends what hangs."""


def program(name: str) -> str:
    """The path of `node` or `npm`; skips the test where there is none, or one that is too old."""
    found, runtime = shutil.which(name), shutil.which("node")
    if found is None or runtime is None:
        pytest.skip(f"needs {name}, not found on PATH: apt-get install nodejs npm")
    version = subprocess.run([runtime, "--version"], capture_output=True, text=True, timeout=SECONDS).stdout.strip()
    number = re.match(r"v(\d+)\.", version)
    if number is None or int(number[1]) < OLDEST:
        pytest.skip(f"needs node from {OLDEST} on, found {version}")
    return found


def node(*arguments: str, folder: Path | None = None, stdin: str = "", **variables: str) -> str:
    """What node writes with these arguments; it must end well."""
    done = subprocess.run(
        [program("node"), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=folder,
        env=bare_environment(**variables),
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4_000:]
    return done.stdout


def npm(*arguments: str, folder: Path) -> str:
    """What npm writes; it must end well, and asks nobody."""
    command = [program("npm"), *arguments, "--offline", "--ignore-scripts"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, cwd=folder, env=bare_environment())
    assert done.returncode == 0, done.stderr
    return done.stdout


def tool(requirements: str, name: str) -> Path:
    """A program of an npm package, by the name under which the package installs it; skips as `packages`."""
    return packages(requirements) / "node_modules" / ".bin" / name


def packages(requirements: str) -> Path:
    """The folder with what tests/requirements/REQUIREMENTS asks for, and our own programs beside it.

    Made once, from a lock that pins every package by hash; skips the test where it cannot be made.
    """
    program("npm")
    made = _packages(requirements)
    if isinstance(made, str):
        pytest.skip(made)
    return made


@cache
def _packages(requirements: str) -> Path | str:
    """The folder, or why there is none; found out once, for npm without a network takes its time."""
    files = sorted((ROOT / "tests" / "requirements" / requirements).iterdir())
    made_of = sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
    folder = ROOT / "build" / "environments"
    ready = folder / f"{requirements}-{made_of}"
    if ready.exists():
        return ready
    try:
        folder.mkdir(parents=True, exist_ok=True)
        half = Path(tempfile.mkdtemp(dir=folder))
    except OSError as error:
        return f"no environment can be made in {folder}: {error}"
    for file in files:
        shutil.copy(file, half)
    command = [program("npm"), "ci", *_QUIETLY]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=SECONDS, cwd=half, env=bare_environment()
        )
    except subprocess.TimeoutExpired:
        shutil.rmtree(half)
        return f"npm did not install {requirements} within {SECONDS} s"
    if done.returncode:
        shutil.rmtree(half)
        assert "EINTEGRITY" not in done.stderr, done.stderr
        last = (done.stderr.strip().splitlines() or [""])[-1]
        return f"npm cannot install {requirements} (no network?): {last}"
    try:
        half.rename(ready)  # whole or not there at all; whoever made it first has made it
    except OSError:
        shutil.rmtree(half)
    return ready


class Lines:
    """A program that answers each line of JSON with one."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    @classmethod
    def of(cls, *arguments: str, **variables: str) -> "Lines":
        """Start the program with node."""
        command = [program("node"), *arguments]
        pipe = subprocess.PIPE
        return cls(subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env={**os.environ, **variables}))

    def ask(self, **given: Any) -> dict[str, Any]:
        """The answer to one object."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(given) + "\n")
        self._process.stdin.flush()
        if not select.select([self._process.stdout], [], [], PATIENCE)[0]:
            self._process.kill()
        line = self._process.stdout.readline()
        assert line, "the program has ended"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def __enter__(self) -> "Lines":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)
        assert self._process.stdout is not None
        self._process.stdout.close()
