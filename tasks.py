"""What each command of `dev.py` does, in the environment that `dev.py` has made.

Run as `python tasks.py COMMAND [ARGUMENTS]` by the Python of that environment; the exit code is that of the first tool
that failed. A task that one tool does is one line here.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final

ROOT: Final = Path(__file__).resolve().parent
BIN: Final = Path(sys.executable).parent

PROMISED: Final = ("3.11", "3.12", "3.13")
"""As the classifiers in pyproject.toml."""

PURE: Final = ("registry", "governance", "gossip")
CORES: Final = os.cpu_count() or 1
PARALLEL: Final = ("-n", "auto", "--dist", "loadfile")
MEASURED: Final = ("-n", str(max(2, CORES // 2)), "--dist", "loadfile")
WAITING: Final = ("-n", str(CORES + 1), "--dist", "loadfile")
"""For tests of nodes and networks, which wait for ticks and for processes; those that are measured never wait, run
beside them and take the cores meanwhile. Two of these, since one alone would end last, and leave a core idle. Each
process collects all tests of its run, so more of them cost more."""

DIFFERS: Final = ("node/storage", "cli/base", "cli/test_help.py", "test_distribution.py", "e2e/test_fleet.py")
DIFFERS_WIDELY: Final = ("registry", "node", "cli", "test_distribution.py", "e2e")
"""What stands on parts of Python that change from version to version: SQLite and its threads, processes, files, what is
installed and how, whole nodes. `nightly` runs more of it, which costs ten minutes for each Python."""

NOT_HERE: Final = 127
"""How `dev.py` ends where the Python that it is told to take is not on the machine."""


def say(text: str) -> None:
    """Write one line of progress, on standard error: standard output belongs to the tools."""
    print(f"dev.py: {text}", file=sys.stderr, flush=True)


def environment() -> dict[str, str]:
    """Ours, but compiled modules are kept: the tests start hundreds of Pythons, and each would compile them all."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def run(title: str, command: Sequence[str]) -> int:
    """Run in the repository's root; return the exit code as a shell gives it."""
    return ended(title, begin(title, command))


def begin(title: str, command: Sequence[str], said: IO[bytes] | None = None) -> "subprocess.Popen[bytes]":
    """Begin to run in the repository's root.

    Args:
        said: takes what it writes; None: it is written where ours is.
    """
    say(title)
    return subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=said, stderr=said)


def ended(title: str, process: "subprocess.Popen[bytes]") -> int:
    """Wait for the end; return the exit code as a shell gives it."""
    while True:
        try:
            code = process.wait()
            break
        except KeyboardInterrupt:
            continue  # the tool got it too, and ends in its own way
    if code:
        say(f"{title}: exit code {code}")
    return code if code >= 0 else 128 - code


def run_all(*commands: Sequence[str]) -> int:
    """Run each tool of the environment, whatever the others say; return the first exit code that is not 0."""
    codes = [run(" ".join(words), tool(words)) for words in commands]
    return next((code for code in codes if code), 0)


def run_both(aside: Sequence[str], shown: Sequence[str]) -> int:
    """Run two tools side by side; what the first writes is shown when both have ended. The exit code as `run_all`."""
    with TemporaryFile() as said:
        process = begin(" ".join(aside), tool(aside), said)
        codes = [run(" ".join(shown), tool(shown))]
        codes.insert(0, ended(" ".join(aside), process))
        said.seek(0)
        shutil.copyfileobj(said, sys.stdout.buffer)
        sys.stdout.flush()
    return next((code for code in codes if code), 0)


def tool(words: Sequence[str]) -> list[str]:
    """Return the command with the path of its tool in the environment."""
    return [str(BIN / words[0]), *words[1:]]


def test(*args: str) -> int:
    """Run pytest on all cores; with arguments as they say, without all tests, and the floor of the pure folders."""
    pytest = ("python", "-m", "pytest")
    if args:
        return run_all([*pytest, *args])
    pure = [f"tests/{name}" for name in PURE]
    measured = ["--cov-report=term-missing:skip-covered", "--cov-fail-under=100", *(f"--cov={name}" for name in PURE)]
    others = [f"--ignore={name}" for name in pure]
    order = "--no-loadscope-reorder"
    return run_both([*pytest, *MEASURED, order, *measured, *pure], [*pytest, *WAITING, order, *others])


def nightly(*names: str) -> int:
    """Run the named parts of the night, or all of them: what is long and rarely the first to fail, searching widely."""
    codes = [NIGHT[name]() for name in names or NIGHT]
    return next((code for code in codes if code), 0)


def wide(*args: str) -> int:
    """Run pytest on all cores with the examples of the night."""
    os.environ["HYPOTHESIS_PROFILE"] = "nightly"
    try:
        return run_all(["python", "-m", "pytest", *PARALLEL, *args])
    finally:
        del os.environ["HYPOTHESIS_PROFILE"]


def pythons(parts: Sequence[str] = DIFFERS) -> int:
    """Run what can differ on each promised Python but this one, which `test` is for."""
    ended: dict[str, int] = {}
    for version in PROMISED:
        if version != f"{sys.version_info.major}.{sys.version_info.minor}":
            os.environ["ACCREDIT_PYTHON"] = version
            tests = [f"tests/{one}" for one in parts]
            command = [sys.executable, str(ROOT / "dev.py"), "test", *PARALLEL, *tests]
            ended[version] = run(f"tests on Python {version}", command)
    for version, code in ended.items():
        words = {0: "passed", NOT_HERE: "is not on this machine, so it was NOT tested"}
        say(f"Python {version} {words.get(code, 'FAILED')}")
    return next((code for code in ended.values() if code not in (0, NOT_HERE)), 0)


def lock(*args: str) -> int:
    """Resolve anew for every platform. The index uv asks is its own configuration's matter and is written nowhere."""
    uv = shutil.which("uv")
    if uv is None:
        say("uv is needed to make locks and is not on PATH: `pipx install uv`, then run this again.")
        return 1
    options = ["--universal", "--generate-hashes", "--no-header", "--no-emit-index-url", "--python-version", "3.11"]
    within = ["--constraints", "requirements/run.txt"]
    as_shown = ["--constraints", "requirements/demo.txt"]
    locks = {
        "requirements/run.txt": ["--group", "build"],
        "requirements/demo.txt": ["--group", "build", "--extra", "credentials", *within],  # the demo checks badges
        "requirements/dev.txt": ["--group", "dev", "--extra", "credentials", "--extra", "skos", *as_shown],
        # Environments of their own, for tests only (executors, object stores, Parquet).
        "tests/requirements/dask.txt": ["--extra", "dask", "--no-annotate", *within],
        "tests/requirements/ray.txt": ["--extra", "ray", "--no-annotate", *within],
        "tests/requirements/analysis.txt": ["--extra", "analysis", "--no-annotate", *within],
        "tests/requirements/stores.txt": ["--extra", "stores", "--no-annotate", *within],
    }
    for path, asked in locks.items():
        command = [uv, "pip", "compile", "--quiet", *options, *args, "pyproject.toml", "--output-file", path, *asked]
        if code := run(path, command):
            return code
    return 0


RARE: Final[Mapping[str, Sequence[str]]] = {
    "judges": ("governance",),
    "decoders": ("test_decoders.py", "test_guided_search.py", "node/http/test_openapi_search.py"),
    "defences": ("simulations/test_mutation_gate.py", "simulations/test_verifiers.py"),
    "disks": ("node/storage",),
    "nodes": ("e2e/test_torment.py", "e2e/test_joining.py", "node/http/explorer"),
    "installed": (
        *("test_dev.py", "test_locks.py", "test_distribution.py"),
        *("simulations/test_executors.py", "e2e/test_object_store.py", "e2e/test_parquet.py"),
    ),
}
"""Where the tests are that are marked as long and rarely the first to fail, by the part of the night that runs them."""

WIDER: Final = "(hypothesis or wide) and not nightly"
"""Which tests try more with the examples of the night; all others would only do again what they do in every run."""

NIGHT: Final[Mapping[str, Callable[[], int]]] = {
    **{
        name: partial(
            wide, "-rP", "-m", "nightly", *(f"tests/{place}" for place in places)
        )  # shows what each has found
        for name, places in RARE.items()
    },
    "pure": lambda: wide("-m", WIDER, *(f"tests/{name}" for name in PURE)),
    "others": lambda: wide("-m", WIDER, "tests", *(f"--ignore=tests/{name}" for name in PURE)),
    "coverage": lambda: test(
        *PARALLEL, "--cov", "--cov-report=term-missing:skip-covered", *(f"--ignore=tests/{name}" for name in PURE)
    ),
    "pythons": lambda: pythons(DIFFERS_WIDELY),
}
"""The parts of the night, each a command of its own, so that a night that was interrupted goes on with the next. What
they are for, and how long they take: `PARTS` of `dev.py`, which refuses all others before it makes an environment."""

TASKS: Final[Mapping[str, Callable[..., int]]] = {
    "test": test,
    "nightly": nightly,
    "pythons": pythons,
    "check": lambda: run_all(
        ["ruff", "check"], ["ruff", "format", "--check"], ["mypy", "--strict"], ["lint-imports", "--no-logo"]
    ),
    "bench": lambda *names: run_all(["python", "-m", "benchmarks", *names]),
    "docs": lambda: run_all(["python", "-m", "docs.generators"]),
    "lock": lock,
}

if __name__ == "__main__":
    try:
        sys.exit(TASKS[sys.argv[1]](*sys.argv[2:]))
    except KeyboardInterrupt:
        sys.exit(130)
