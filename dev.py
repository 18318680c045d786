#!/usr/bin/env python3
"""Every task of a developer, with nothing but a Python: `python3 dev.py COMMAND [ARGUMENTS]`.

    demo [ARGS]     run the main job: a consortium of four nodes on this machine (`accredit demo --help`)
    test [ARGS]     the tests with coverage, in one pytest run; without ARGS also the floor for the pure folders
    check           lint, formatting, types, import rules; shows all that is wrong, not just the first
    lint            ruff's findings only
    format          mend what ruff can mend, then format
    bench [NAMES]   run benchmarks/NAME.py, or all of them
    docs            make the generated parts of the documentation anew (docs/generators/*.py)
    lock [ARGS]     make requirements/*.txt anew with uv (`lock --upgrade` takes newer versions)
    env             make the environment, then stop

Any python3 from 3.8 may start this file: it uses the standard library only, and picks the newest Python from 3.11 on
which it finds on PATH and which really runs (a shim of a version manager may not). Everything is installed in `.venv`
from the hash-checked lock. `.venv/.ready` is written last and holds the hash of what was asked for: a half-made,
outdated or moved environment is therefore never taken for a whole one, and the next command makes it anew.

Exit codes are those of the tool that was run; 1 where the environment cannot be made, 2 for a command unknown.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterator

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"
READY = VENV / ".ready"
RUN_LOCK = Path("requirements", "run.txt")
DEV_LOCK = Path("requirements", "dev.txt")

OLDEST = (3, 11)
NEWEST_LOOKED_FOR = 30
PROBE_SECONDS = 20  # a cold start from a network drive is slow; a shim that hangs is given up
PURE = ("registry", "governance", "gossip")

# Run by each Python found. Inside a virtual environment the answer names the Python it was made from: `.venv` must not
# be made by the very interpreter which is cleared away.
PROBE = """
import os, sys
try:
    import ensurepip, venv
    able = 1
except ImportError:
    able = 0
base = getattr(sys, "_base_executable", None) or sys.executable
print(*sys.version_info[:2], able, base if os.path.exists(base) else sys.executable, sep="\\n")
"""


class StopError(Exception):
    """Nothing more can be done: the text says why and what to do next."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Interpreter:
    """A Python that answered: its version (major, minor), its path, and whether it can make environments."""

    version: tuple[int, int]
    path: str
    able: bool


# ---------------------------------------------------------------------------------------------------- which Python


def candidates() -> Iterator[str]:
    """Every file that may be a Python, each real file once: the one running, then PATH, newest name first."""
    names = [f"python3.{minor}" for minor in range(NEWEST_LOOKED_FOR, OLDEST[1] - 1, -1)] + ["python3", "python"]
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    found = (shutil.which(name, path=folder) for name in names for folder in folders)
    seen = set()
    for path in (sys.executable, *found):
        if path and os.path.realpath(path) not in seen:
            seen.add(os.path.realpath(path))
            yield path


def probe(path: str) -> Interpreter | None:
    """Start this Python and ask; None where it does not run."""
    try:
        answer = subprocess.run([path, "-c", PROBE], capture_output=True, text=True, timeout=PROBE_SECONDS, check=True)
        major, minor, able, base = answer.stdout.strip().split("\n")
        return Interpreter((int(major), int(minor)), base, able == "1")
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def pick_interpreter() -> Interpreter:
    """The newest Python that can make environments; StopError, with the line that helps, where there is none."""
    known = [found for found in map(probe, candidates()) if found is not None]
    recent = [found for found in known if found.version >= OLDEST]
    if not recent:
        have = max((found.version for found in known), default=None)
        newest = f"the newest here is {dotted(have)}" if have else "none was found"
        raise StopError(
            f"accredit needs Python {dotted(OLDEST)} or newer on PATH; {newest}. On Debian 12, Ubuntu 24.04 or newer:\n"
            f"    apt install python3 python3-venv"
        )
    able = [found for found in recent if found.able]
    if not able:
        best = max(recent, key=lambda found: found.version)
        raise StopError(
            f"Python {dotted(best.version)} ({best.path}) lacks venv or ensurepip, so it cannot make the environment. "
            f"On Debian or Ubuntu:\n    apt install python{dotted(best.version)}-venv"
        )
    return max(able, key=lambda found: found.version)


def dotted(version: tuple[int, int]) -> str:
    """(3, 11) as people write it."""
    return ".".join(map(str, version))


# ---------------------------------------------------------------------------------------------------- the environment


def fingerprint() -> str:
    """Hash of all the environment is made from, and of where: an editable install is bound to its folder."""
    parts = [os.fsencode(ROOT), *((ROOT / name).read_bytes() for name in (RUN_LOCK, DEV_LOCK, "pyproject.toml"))]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def is_ready() -> bool:
    """Whether `.venv` is whole, up to date, and its Python still there (a system upgrade may take it away)."""
    return (BIN / "python").exists() and READY.is_file() and READY.read_text() == fingerprint()


def ensure_environment() -> None:
    """Make `.venv` unless it is ready. Nothing of an earlier, broken one is kept."""
    if is_ready():
        return
    wanted = fingerprint()  # before installing: a lock that changes meanwhile is not claimed
    interpreter = pick_interpreter()
    say(f"making .venv with Python {dotted(interpreter.version)} ({interpreter.path})")
    READY.unlink(missing_ok=True)  # first: --clear may be interrupted before it comes to this file
    pip = [str(BIN / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    steps = [
        ("empty environment", [interpreter.path, "-m", "venv", "--clear", str(VENV)]),
        (f"packages of {DEV_LOCK}, about a minute", [*pip, "--require-hashes", "-r", str(DEV_LOCK)]),
        ("accredit itself", [*pip, "--no-build-isolation", "--no-deps", "-e", "."]),
    ]
    for title, command in steps:
        code = run(title, command)
        if code:
            raise StopError(
                "The environment could not be made; the reason is above. The first time it needs the network or pip's "
                "cache. There is nothing to clean up: run the same command again.",
                code,
            )
    READY.write_text(wanted)


# ---------------------------------------------------------------------------------------------------- running tools


def say(text: str) -> None:
    """One line of progress, on standard error: standard output belongs to the tools."""
    print(f"dev.py: {text}", file=sys.stderr, flush=True)


def run(title: str, command: list[str]) -> int:
    """Run in the repository root, telling what and how long; the exit code as a shell gives it."""
    say(title)
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT)
    while True:
        try:
            code = process.wait()
            break
        except KeyboardInterrupt:
            continue  # the tool got it too, and ends in its own way
    say(f"{title}: {'done' if code == 0 else f'exit code {code}'} in {time.monotonic() - started:.1f} s")
    return code if code >= 0 else 128 - code


def run_all(*steps: tuple[str, list[str]]) -> int:
    """Run each, whatever the others say; the first exit code that is not 0."""
    codes = [run(title, command) for title, command in steps]
    return next((code for code in codes if code), 0)


def tool(name: str, *args: str) -> list[str]:
    """The command line of a program installed in `.venv`."""
    return [str(BIN / name), *args]


def run_scripts(folder: str, names: list[str]) -> int:
    """Run the modules of a folder one after the other; all of them where none is named."""
    have = sorted(path.stem for path in (ROOT / folder).glob("*.py") if not path.stem.startswith("_"))
    unknown = [name for name in names if name not in have]
    if unknown:
        raise StopError(f"{folder}/ has no {', '.join(unknown)}; it has: {', '.join(have) or 'nothing'}.", 2)
    if not have:
        say(f"{folder}/ has nothing to run")
    package = folder.replace("/", ".")
    return run_all(*((f"{folder}/{name}", tool("python", "-m", f"{package}.{name}")) for name in names or have))


# ---------------------------------------------------------------------------------------------------- commands


def demo(args: list[str]) -> int:
    """Become `accredit demo`, so that signals and the exit code are its own."""
    ensure_environment()
    command = tool("accredit", "demo", *args)
    if not Path(command[0]).exists():
        raise StopError("The accredit command is missing from .venv: delete .venv and run the same command again.")
    sys.stdout.flush()
    os.execv(command[0], command)


def test(args: list[str]) -> int:
    """One pytest run; the coverage floor is judged only where everything was run."""
    ensure_environment()
    coverage = ["--cov", "--cov-report=term-missing:skip-covered"]
    code = run("pytest", tool("python", "-m", "pytest", *coverage, *args))
    if code or args:
        return code
    pure = ",".join(f"{folder}/*" for folder in PURE)
    floor = tool("python", "-m", "coverage", "report", f"--include={pure}", "--fail-under=100")
    return run(f"coverage of {', '.join(PURE)} at 100 %", floor)


def check(args: list[str]) -> int:
    """All that can be said without running the program."""
    refuse(args)
    ensure_environment()
    return run_all(
        ("ruff check", tool("ruff", "check")),
        ("ruff format --check", tool("ruff", "format", "--check")),
        ("mypy --strict", tool("mypy", "--strict")),
        ("lint-imports", tool("lint-imports", "--no-logo")),
    )


def lint(args: list[str]) -> int:
    """Ruff's findings."""
    ensure_environment()
    return run("ruff check", tool("ruff", "check", *args))


def format_code(args: list[str]) -> int:
    """Mend, then format; what cannot be mended is shown."""
    refuse(args)
    ensure_environment()
    return run_all(("ruff check --fix", tool("ruff", "check", "--fix")), ("ruff format", tool("ruff", "format")))


def bench(args: list[str]) -> int:
    """The benchmarks named, or all."""
    ensure_environment()
    return run_scripts("benchmarks", args)


def docs(args: list[str]) -> int:
    """The generators of documentation, each of which writes its own pages."""
    ensure_environment()
    return run_scripts("docs/generators", args)


def lock(args: list[str]) -> int:
    """Resolve anew for every platform. The index uv asks is its own configuration's matter and is written nowhere."""
    uv = shutil.which("uv")
    if uv is None:
        raise StopError("uv is needed to make locks and is not on PATH: `pipx install uv`, then run this again.")
    options = ["--universal", "--generate-hashes", "--no-header", "--no-emit-index-url", "--python-version", "3.11"]
    compile_ = [uv, "pip", "compile", "--quiet", *options, *args, "pyproject.toml"]
    run_time = [*compile_, "--group", "build", "--output-file", str(RUN_LOCK)]
    development = [*compile_, "--group", "dev", "--constraints", str(RUN_LOCK), "--output-file", str(DEV_LOCK)]
    code = run(str(RUN_LOCK), run_time) or run(str(DEV_LOCK), development)
    for extra in ("dask", "ray"):  # environments of their own, for tests only (tests/simulations/test_engines.py)
        path = ROOT / "tests" / "requirements" / f"{extra}.txt"
        of_extra = ["--extra", extra, "--no-annotate", "--constraints", str(RUN_LOCK), "--output-file", str(path)]
        code = code or run(str(path), [*compile_, *of_extra])
    return code


def env(args: list[str]) -> int:
    """The environment alone."""
    refuse(args)
    ensure_environment()
    say(f"ready: {VENV}")
    return 0


def refuse(args: list[str]) -> None:
    """For the commands that take no arguments."""
    if args:
        raise StopError(f"This command takes no arguments; it was given: {' '.join(args)}", 2)


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "demo": demo,
    "test": test,
    "check": check,
    "lint": lint,
    "format": format_code,
    "bench": bench,
    "docs": docs,
    "lock": lock,
    "env": env,
}


def main(args: list[str]) -> int:
    """Run one command; the exit code."""
    if not args or args[0] in ("-h", "--help", "help"):
        print(__doc__.strip())
        return 0 if args else 2
    command = COMMANDS.get(args[0])
    try:
        if command is None:
            raise StopError(f"There is no command {args[0]}; there are: {', '.join(COMMANDS)}.", 2)
        return command(args[1:])
    except StopError as stop:
        say(str(stop))
        return stop.code
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
