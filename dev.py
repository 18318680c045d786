#!/usr/bin/env python3
"""Make the environment, then run a task in it, with nothing but a Python: `python3 dev.py COMMAND [ARGUMENTS]`.

    demo [ARGS]     run the main job: a consortium of four nodes on this machine (`accredit demo --help`)
    test [ARGS]     run the tests on all cores; without ARGS the pure folders must stand at 100 % of branches
    nightly [PARTS] run those that are long and rarely the first to fail, search widely, then `pythons`; without an
                    argument all parts (`nightly --help` says what each runs, and for how long)
    pythons         run what can differ between Pythons on each promised one; one that is not here is said
    check           check lint, formatting, types and import rules; shows all that is wrong, not just the first
    bench [NAMES]   run benchmarks/NAME.py, or all of them; with --long at the sizes that the targets name, in an hour
    docs            make the generated parts of the documentation anew (docs/generators/*.py)
    lock [ARGS]     make requirements/*.txt anew with uv (`lock --upgrade` takes newer versions)
    env             make the environment with all tools, then stop; the tools are in .venv/bin

Any python3 from 3.8 may start this file: it uses the standard library only, and picks the newest Python from 3.11 on
which it finds on PATH and which really runs (a shim of a version manager may not). `.venv` holds the packages of the
hash-checked lock for the demo (those for running, and for checking credentials), and, once a command needs them, those
for development. The locks are complete, so pip is told to look for nothing else (`--no-deps`): no release that anybody
makes later can break the installation.
ACCREDIT_PYTHON=3.12 takes that Python and no other, and `.venv-3.12`, so that environments stand side by side.
`.venv/.ready` is written last and says what was installed: an environment that is half-made, outdated or moved is
therefore never taken for a whole one, and the next command makes it anew. What a task does is said in `tasks.py`.

Exit codes are those of the task; 1 where the environment cannot be made, 2 for a command unknown, 127 where the Python
that was asked for is not here (as a shell's for a command not found: no tool of ours ends with it).
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Iterator, NamedTuple, NoReturn

ROOT = Path(__file__).resolve().parent
WANTED = os.environ.get("ACCREDIT_PYTHON", "")
VENV = ROOT / (f".venv-{WANTED}" if WANTED else ".venv")
READY = VENV / ".ready"
COMMANDS = re.findall(r"^    (\w+) ", __doc__ or "", re.MULTILINE)
DEMO_LOCK, DEV_LOCK = "requirements/demo.txt", "requirements/dev.txt"
# The parts of the night, each with how long it takes on a core that has nothing else to do, and what it runs.
PARTS = {
    "judges": ("an hour and a quarter", "histories, dramas and mutants of governance; the mutants take an hour"),
    "decoders": ("four minutes", "changed inputs for each decoder, bent requests for each route"),
    "defences": ("a quarter of an hour", "the gate of the simulator, lies told to verifiers"),
    "disks": ("half an hour", "a disk that fails, a process that is killed; ACCREDIT_KILLS=200: ten minutes"),
    "nodes": ("two minutes", "whole nodes that are interrupted, the explorer in a browser"),
    "installed": ("a quarter of an hour", "what installs packages, from the network"),
    "pure": ("not timed as a whole", "the properties of the pure folders, with fifty times as many examples"),
    "others": ("not timed as a whole", "all other properties so, guides typed as by a person, thirty kills of nodes"),
    "coverage": ("half an hour", "how much of the other folders all tests reach"),
    "pythons": ("ten minutes for each", "most tests on each promised Python"),
}
TEST_HELP = """python3 dev.py test [ARGS]: run all tests on all cores; with ARGS, pytest with these alone, on one core.

    python3 dev.py test tests/registry           the tests of one folder
    python3 dev.py test -x -q -k suspension      those whose names hold the word, until one fails

The first run installs the packages for development, which takes a minute; after that,
`test --help` shows pytest's own help."""
OLDEST, NEWEST_LOOKED_FOR = (3, 11), 30
PROBE_SECONDS = 20  # a cold start from a network drive is slow; a shim that hangs is given up

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


class Interpreter(NamedTuple):
    """A Python that answered: its version (major, minor), whether it can make environments, and its path."""

    version: tuple[int, int]
    able: bool
    path: str

    @property
    def name(self) -> str:
        """Its version as people write it."""
        return f"{self.version[0]}.{self.version[1]}"


def candidates() -> Iterator[str]:
    """Yield every file that may be a Python: the one running, then those on PATH, newest name first."""
    yield sys.executable
    for name in [*(f"python3.{minor}" for minor in range(NEWEST_LOOKED_FOR, OLDEST[1] - 1, -1)), "python3", "python"]:
        for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
            yield shutil.which(name, path=folder) or ""
    if WANTED:  # a version manager has it by name even where its shim on PATH is not switched on
        kept = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
        yield from map(str, sorted(kept.glob(f"{WANTED}.*/bin/python"), reverse=True))


def probe(path: str) -> Interpreter | None:
    """Start this Python and ask; None where it does not run."""
    try:
        answer = subprocess.run([path, "-c", PROBE], capture_output=True, text=True, timeout=PROBE_SECONDS, check=True)
        major, minor, able, base = answer.stdout.strip().split("\n")
        return Interpreter((int(major), int(minor)), able == "1", base)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def pick_interpreter() -> Interpreter:
    """Pick the newest Python that can make environments; where there is none, stop with the line that helps."""
    files: dict[str, str] = {}
    for path in filter(None, candidates()):
        files.setdefault(os.path.realpath(path), path)  # each real file once
    known = [found for found in map(probe, files.values()) if found and WANTED in ("", found.name)]
    if WANTED and not known:
        stop(f"Python {WANTED} is not on this machine. On Debian or Ubuntu:\n    apt install python{WANTED}-venv", 127)
    best = max(known, key=lambda found: (found.version >= OLDEST, found.able, found.version), default=None)
    if best is None or best.version < OLDEST:
        newest = f"the newest here is {best.name}" if best else "none was found"
        stop(
            f"accredit needs Python 3.11 or newer on PATH; {newest}. On Debian 12, Ubuntu 24.04 or newer:\n"
            "    apt install python3 python3-venv"
        )
    if not best.able:
        stop(
            f"Python {best.name} ({best.path}) lacks venv or ensurepip, so it cannot make the environment. "
            f"On Debian or Ubuntu:\n    apt install python{best.name}-venv"
        )
    return best


def fingerprints() -> list[str]:
    """Hash what the environment for running is made from, and where (its scripts name the folder); then the rest."""
    run_time = [os.fsencode(ROOT), *((ROOT / name).read_bytes() for name in (DEMO_LOCK, "pyproject.toml"))]
    together = b"".join(hashlib.sha256(part).digest() for part in run_time)
    return [hashlib.sha256(part).hexdigest() for part in (together, (ROOT / DEV_LOCK).read_bytes())]


def installed() -> list[str]:
    """Read the fingerprints of what `.venv` holds; none where its Python is gone (a system upgrade may take it)."""
    return READY.read_text().split() if READY.is_file() and (VENV / "bin" / "python").exists() else []


def ensure_environment(development: bool) -> None:
    """Make `.venv`, or add the packages for development to it, unless it is ready. Nothing of a broken one is kept."""
    wanted, have = fingerprints(), installed()  # before installing: a lock that changes meanwhile is not claimed
    if have == wanted or (have[:1] == wanted[:1] and not development):
        return
    pip = [f"{VENV}/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    locked = [*pip, "--no-deps", "--require-hashes", "-r"]
    READY.unlink(missing_ok=True)  # first: what follows may be interrupted at any point
    if have != wanted[:1]:
        found = pick_interpreter()
        say(f"making .venv with Python {found.name} ({found.path})")
        install("an empty environment", [found.path, "-m", "venv", "--clear", str(VENV)])
        install(f"packages of {DEMO_LOCK}, some ten seconds", [*locked, DEMO_LOCK])
        install("accredit itself", [*pip, "--no-build-isolation", "--no-deps", "-e", "."])
    if development:
        install(f"packages of {DEV_LOCK}, some ten seconds", [*locked, DEV_LOCK])
    READY.write_text("\n".join(wanted if development else wanted[:1]))


def install(title: str, command: list[str]) -> None:
    """Do one step of making `.venv`; where it fails, stop."""
    say(title)
    if subprocess.call(command, cwd=ROOT):
        stop(
            "The environment could not be made; the reason is above. The first time it needs the network or pip's "
            "cache. There is nothing to clean up: run the same command again."
        )


def say(text: str) -> None:
    """Write one line of progress, on standard error: standard output belongs to the tools."""
    print(f"dev.py: {text}", file=sys.stderr, flush=True)


def stop(text: str, code: int = 1) -> NoReturn:
    """End: the text says why and what to do next."""
    say(text)
    sys.exit(code)


def pick_parts(*names: str) -> None:
    """End here where the parts of the night are asked for, or one is named that does not exist."""
    if {"-h", "--help"} & set(names):
        print("python3 dev.py nightly [PARTS]: these parts of the night, or all of them, one after another.\n")
        print("\n".join(f"    {name:<10} {time:<22} {what}" for name, (time, what) in PARTS.items()))
        print("\nThe times are of one core that has nothing else to do.")
        sys.exit(0)
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        stop(f"There is no part {unknown[0]} of the night; there are: {', '.join(PARTS)}.", 2)


def tell_benchmarks() -> NoReturn:
    """Print what each benchmark measures, as the first line of its file says, and end."""
    print("python3 dev.py bench [--long] [NAMES]: these benchmarks, or all of them, one after another.\n")
    for path in sorted((ROOT / "benchmarks").glob("*.py")):
        first, _, _ = path.read_text("utf-8").partition("\n")
        if path.stem not in ("__main__", "harness", "open_loop"):  # these are parts of the others
            print(f"    {path.stem:<12} {re.sub('( No)? [Tt]arget.*', '', first[3:])}")
    print("\nAll take some twelve minutes on two cores that have nothing else to do; with --long, an hour at the sizes")
    print("that the targets name. `serving` needs wrk, and leaves nginx out where it is not installed.")
    sys.exit(0)


def main(name: str = "", *args: str) -> NoReturn:
    """Become the task, in the environment that it needs, so that signals and the exit code are its own."""
    if name in ("", "-h", "--help", "help"):
        print((__doc__ or "").strip())
        sys.exit(0 if name else 2)
    if name not in COMMANDS:
        stop(f"There is no command {name}; there are: {', '.join(COMMANDS)}.", 2)
    if name == "nightly":
        pick_parts(*args)
    if name == "bench" and {"-h", "--help"} & set(args):
        tell_benchmarks()
    if name == "test" and {"-h", "--help"} & set(args) and not READY.exists():
        print(TEST_HELP)
        sys.exit(0)
    if name not in ("demo", "test") and {"-h", "--help"} & set(args):
        main("help")  # those two have a help of their own
    if args and name not in ("demo", "test", "nightly", "bench", "lock"):
        stop(f"This command takes no arguments; it was given: {' '.join(args)}", 2)
    if name == "lock":  # makes what environments are made from
        command = [pick_interpreter().path, str(ROOT / "tasks.py"), name, *args]
    else:
        ensure_environment(development=name != "demo")
        command = [f"{VENV}/bin/python", str(ROOT / "tasks.py"), name, *args]
    if name == "demo":
        command = [f"{VENV}/bin/accredit", "demo", *args]
        if not Path(command[0]).exists():
            stop("The accredit command is missing from .venv: delete .venv and run the same command again.")
    if name == "env":
        sys.exit(0)
    os.execv(command[0], command)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
