#!/usr/bin/env python3
"""Make the environment, then run a task in it, with nothing but a Python: `python3 dev.py COMMAND [ARGUMENTS]`.

    demo [ARGS]     run the main job: a consortium of four nodes on this machine (`accredit demo --help`)
    test [ARGS]     run the tests on all cores; without ARGS the pure folders must stand at 100 % of branches
    nightly         run those that are long and rarely the first to fail too, searching widely; then `pythons`
    pythons         run what can differ between Pythons on each promised one; one that is not here is said
    check           check lint, formatting, types and import rules; shows all that is wrong, not just the first
    bench [NAMES]   run benchmarks/NAME.py, or all of them
    docs            make the generated parts of the documentation anew (docs/generators/*.py)
    lock [ARGS]     make requirements/*.txt anew with uv (`lock --upgrade` takes newer versions)
    env             make the environment with all tools, then stop; the tools are in .venv/bin

Any python3 from 3.8 may start this file: it uses the standard library only, and picks the newest Python from 3.11 on
which it finds on PATH and which really runs (a shim of a version manager may not). `.venv` holds the packages of the
hash-checked lock for running, and from the first command that needs them those for development. The locks are complete,
so pip is told to look for nothing else (`--no-deps`): no release that anybody makes later can break the installation.
ACCREDIT_PYTHON=3.12 takes that Python and no other, and `.venv-3.12`, so that environments stand side by side.
`.venv/.ready` is written last and says what was installed: an environment that is half-made, outdated or moved is
therefore never taken for a whole one, and the next command makes it anew.

Exit codes are those of the tool that was run; 1 where the environment cannot be made, 2 for a command unknown, 127
where the Python that was asked for is not here.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Callable, Iterator, NamedTuple, Sequence

ROOT = Path(__file__).resolve().parent
WANTED = os.environ.get("ACCREDIT_PYTHON", "")
VENV = ROOT / (f".venv-{WANTED}" if WANTED else ".venv")
BIN = VENV / "bin"
READY = VENV / ".ready"
RUN_LOCK = "requirements/run.txt"
DEV_LOCK = "requirements/dev.txt"

OLDEST = (3, 11)
NEWEST_LOOKED_FOR = 30
PROBE_SECONDS = 20  # a cold start from a network drive is slow; a shim that hangs is given up
PROMISED = ("3.11", "3.12", "3.13")  # as the classifiers in pyproject.toml
PURE = ("registry", "governance", "gossip")
# What stands on parts of Python that change from version to version: SQLite and its threads, processes, files, what is
# installed and how, whole nodes. `nightly` runs more of it, which costs ten minutes for each Python.
DIFFERS = ("node/storage", "cli/base", "cli/test_help.py", "test_distribution.py", "e2e/test_fleet.py")
DIFFERS_WIDELY = ("registry", "node", "cli", "test_distribution.py", "e2e")

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

    code = 1


class MissingPythonError(StopError):
    """The Python that ACCREDIT_PYTHON asks for is not here."""

    code = 127  # as a shell's for a command not found: no tool of ours ends with it


class Interpreter(NamedTuple):
    """A Python that answered: its version (major, minor), whether it can make environments, and its path."""

    version: tuple[int, int]
    able: bool
    path: str


def candidates() -> Iterator[str]:
    """Yield every file that may be a Python, each real file once: the one running, then PATH, newest name first."""
    names = [f"python3.{minor}" for minor in range(NEWEST_LOOKED_FOR, OLDEST[1] - 1, -1)] + ["python3", "python"]
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    found = (shutil.which(name, path=folder) for name in names for folder in folders)
    seen = set()
    # A version manager has what was asked for by name even where its shim on PATH is not switched on.
    managers = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    kept = map(str, sorted(managers.glob(f"{WANTED}.*/bin/python"), reverse=True)) if WANTED else ()
    for path in (sys.executable, *found, *kept):
        if path and os.path.realpath(path) not in seen:
            seen.add(os.path.realpath(path))
            yield path


def probe(path: str) -> Interpreter | None:
    """Start this Python and ask; None where it does not run."""
    try:
        answer = subprocess.run([path, "-c", PROBE], capture_output=True, text=True, timeout=PROBE_SECONDS, check=True)
        major, minor, able, base = answer.stdout.strip().split("\n")
        return Interpreter((int(major), int(minor)), able == "1", base)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def pick_interpreter() -> Interpreter:
    """Pick the newest Python that can make environments; StopError, with the line that helps, where there is none."""
    known = [found for found in map(probe, candidates()) if found and WANTED in ("", dotted(found.version))]
    if WANTED and not known:
        raise MissingPythonError(
            f"Python {WANTED} is not on this machine. On Debian or Ubuntu:\n    apt install python{WANTED}-venv"
        )
    best = max(known, key=lambda found: (found.version >= OLDEST, found.able, found.version), default=None)
    if best is None or best.version < OLDEST:
        newest = f"the newest here is {dotted(best.version)}" if best else "none was found"
        raise StopError(
            f"accredit needs Python {dotted(OLDEST)} or newer on PATH; {newest}. On Debian 12, Ubuntu 24.04 or newer:\n"
            f"    apt install python3 python3-venv"
        )
    if not best.able:
        raise StopError(
            f"Python {dotted(best.version)} ({best.path}) lacks venv or ensurepip, so it cannot make the environment. "
            f"On Debian or Ubuntu:\n    apt install python{dotted(best.version)}-venv"
        )
    return best


def dotted(version: tuple[int, int]) -> str:
    """Write (3, 11) as people do."""
    return ".".join(map(str, version))


def fingerprints() -> tuple[str, str]:
    """Hash what the environment for running is made from, and where (its scripts name the folder); then the rest."""
    run_time = [os.fsencode(ROOT), *((ROOT / name).read_bytes() for name in (RUN_LOCK, "pyproject.toml"))]
    together = b"".join(hashlib.sha256(part).digest() for part in run_time)
    return hashlib.sha256(together).hexdigest(), hashlib.sha256((ROOT / DEV_LOCK).read_bytes()).hexdigest()


def installed() -> list[str]:
    """Read the fingerprints of what `.venv` holds; none where its Python is gone (a system upgrade may take it)."""
    return READY.read_text().split() if READY.is_file() and (BIN / "python").exists() else []


def ensure_environment(development: bool = True) -> None:
    """Make `.venv`, or add the packages for development to it, unless it is ready. Nothing of a broken one is kept."""
    wanted = list(fingerprints())  # before installing: a lock that changes meanwhile is not claimed
    have = installed()
    if have == wanted or (have[:1] == wanted[:1] and not development):
        return
    pip = [str(BIN / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    locked = [*pip, "--no-deps", "--require-hashes", "-r"]
    READY.unlink(missing_ok=True)  # first: what follows may be interrupted at any point
    if have != wanted[:1]:
        found = pick_interpreter()
        say(f"making .venv with Python {dotted(found.version)} ({found.path})")
        install("an empty environment", [found.path, "-m", "venv", "--clear", str(VENV)])
        install(f"packages of {RUN_LOCK}, some ten seconds", [*locked, RUN_LOCK])
        install("accredit itself", [*pip, "--no-build-isolation", "--no-deps", "-e", "."])
    if development:
        install(f"packages of {DEV_LOCK}, some ten seconds", [*locked, DEV_LOCK])
    READY.write_text("\n".join(wanted if development else wanted[:1]))


def install(title: str, command: list[str]) -> None:
    """Do one step of making `.venv`; StopError where it fails."""
    if run(title, command):
        raise StopError(
            "The environment could not be made; the reason is above. The first time it needs the network or pip's "
            "cache. There is nothing to clean up: run the same command again."
        )


def say(text: str) -> None:
    """Write one line of progress, on standard error: standard output belongs to the tools."""
    print(f"dev.py: {text}", file=sys.stderr, flush=True)


def run(title: str, command: list[str]) -> int:
    """Run in the repository root; the exit code as a shell gives it."""
    say(title)
    process = subprocess.Popen(command, cwd=ROOT)
    while True:
        try:
            code = process.wait()
            break
        except KeyboardInterrupt:
            continue  # the tool got it too, and ends in its own way
    if code:
        say(f"{title}: exit code {code}")
    return code if code >= 0 else 128 - code


def run_all(*commands: list[str]) -> int:
    """Run each tool of `.venv`, whatever the others say; the first exit code that is not 0."""
    codes = [run(" ".join(words), [str(BIN / words[0]), *words[1:]]) for words in commands]
    return next((code for code in codes if code), 0)


def demo(args: list[str]) -> int:
    """Become `accredit demo`, so that signals and the exit code are its own."""
    command = str(BIN / "accredit")
    if not Path(command).exists():
        raise StopError("The accredit command is missing from .venv: delete .venv and run the same command again.")
    os.execv(command, [command, "demo", *args])


def test(args: list[str]) -> int:
    """Run pytest on all cores; with ARGS as they say, without all tests, and the floor of the pure folders."""
    pytest = ["python", "-m", "pytest"]
    if args:
        return run_all([*pytest, *args])
    pytest += ["-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder"]
    pure = [f"tests/{name}" for name in PURE]
    measured = ["--cov-report=term-missing:skip-covered", "--cov-fail-under=100", *(f"--cov={name}" for name in PURE)]
    return run_all([*pytest, *measured, *pure], [*pytest, *(f"--ignore={name}" for name in pure)])


def nightly() -> int:
    """Run every test, searching widely, with the coverage of everything; then the other Pythons."""
    os.environ["HYPOTHESIS_PROFILE"] = "nightly"
    every = ["-m", "", "--cov", "--cov-report=term-missing:skip-covered", "-n", "auto", "--dist", "loadfile"]
    code = run_all(["python", "-m", "pytest", *every])
    del os.environ["HYPOTHESIS_PROFILE"]
    return pythons(DIFFERS_WIDELY) or code


def pythons(parts: Sequence[str] = DIFFERS) -> int:
    """Run what can differ on each promised Python but the one of `.venv`, which `test` is for."""
    here = subprocess.run([str(BIN / "python"), "-c", PROBE], capture_output=True, text=True, check=True).stdout.split()
    ended: dict[str, int] = {}
    for version in PROMISED:
        if version != ".".join(here[:2]):
            os.environ["ACCREDIT_PYTHON"] = version
            part = ["-n", "auto", "--dist", "loadfile", *(f"tests/{one}" for one in parts)]
            ended[version] = run(f"tests on Python {version}", [sys.executable, __file__, "test", *part])
    for version, code in ended.items():
        words = {0: "passed", MissingPythonError.code: "is not on this machine, so it was NOT tested"}
        say(f"Python {version} {words.get(code, 'FAILED')}")
    return next((code for code in ended.values() if code not in (0, MissingPythonError.code)), 0)


def check() -> int:
    """Say all that can be said without running the program."""
    return run_all(
        ["ruff", "check"], ["ruff", "format", "--check"], ["mypy", "--strict"], ["lint-imports", "--no-logo"]
    )


def lock(args: list[str]) -> int:
    """Resolve anew for every platform. The index uv asks is its own configuration's matter and is written nowhere."""
    uv = shutil.which("uv")
    if uv is None:
        raise StopError("uv is needed to make locks and is not on PATH: `pipx install uv`, then run this again.")
    options = ["--universal", "--generate-hashes", "--no-header", "--no-emit-index-url", "--python-version", "3.11"]
    compile_ = [uv, "pip", "compile", "--quiet", *options, *args, "pyproject.toml", "--output-file"]
    code = run(RUN_LOCK, [*compile_, RUN_LOCK, "--group", "build"])
    code = code or run(DEV_LOCK, [*compile_, DEV_LOCK, "--group", "dev", "--constraints", RUN_LOCK])
    for extra in ("dask", "ray"):  # environments of their own, for tests only (tests/simulations/test_executors.py)
        path = f"tests/requirements/{extra}.txt"
        code = code or run(path, [*compile_, path, "--extra", extra, "--no-annotate", "--constraints", RUN_LOCK])
    return code


def main(args: list[str]) -> int:
    """Run one command; the exit code."""
    name, args = (args[0], args[1:]) if args else ("", [])
    if name in ("", "-h", "--help", "help"):
        print((__doc__ or "").strip())
        return 0 if name else 2
    tasks: dict[str, Callable[[], int]] = {
        "demo": lambda: demo(args),
        "test": lambda: test(args),
        "nightly": nightly,
        "pythons": pythons,
        "check": check,
        "bench": lambda: run_all(["python", "-m", "benchmarks", *args]),
        "docs": lambda: run_all(["python", "-m", "docs.generators"]),
        "lock": lambda: lock(args),
        "env": lambda: 0,
    }
    if name not in tasks:
        say(f"There is no command {name}; there are: {', '.join(tasks)}.")
        return 2
    if args and name in ("nightly", "pythons", "check", "docs", "env"):
        say(f"This command takes no arguments; it was given: {' '.join(args)}")
        return 2
    try:
        if name != "lock":
            ensure_environment(development=name != "demo")
        return tasks[name]()
    except StopError as stop:
        say(str(stop))
        return stop.code
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
