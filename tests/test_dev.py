"""`dev.py` on machines that are not as one would wish: broken shims, no ensurepip, no network, a killed installation.

Each story runs the real `dev.py` in a small repository of its own with a real `venv` and a real pip, without a network:
the two packages in its locks are wheels made on the spot, and its project has its own tiny build back end. A newer
release of a locked package is always there: for a lock is made once, and installed on any later day.
"""

import ast
import hashlib
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
import zipfile
from pathlib import Path

import pytest

import dev
import tasks
from benchmarks.__main__ import NAMES

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 400  # seconds for one run of dev.py: it takes some 6 on a quiet machine, and this only ends what hangs

PYPROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""

# Blocks where a file called `block` lies beside it, so that a test can kill the installation in its middle.
BACKEND = """\
import pathlib, time, zipfile


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    here = pathlib.Path(__file__).parent
    if (here / "block").exists():
        (here / "reached").touch()
        time.sleep(300)
    with zipfile.ZipFile(pathlib.Path(wheel_directory, "accredit-1-py3-none-any.whl"), "w") as wheel:
        wheel.writestr("accredit-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: accredit\\nVersion: 1\\n")
        wheel.writestr("accredit-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nTag: py3-none-any\\n")
        wheel.writestr("accredit-1.dist-info/entry_points.txt", "[console_scripts]\\naccredit = thing:main\\n")
        wheel.writestr("accredit-1.dist-info/RECORD", "")
    return "accredit-1-py3-none-any.whl"


build_editable = build_wheel
"""

THING = "import sys\n\n\ndef main():\n    print('thing got', *sys.argv[1:])\n    return 7\n"


class Repository:
    """A copy of dev.py with the smallest project it can install."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.wheels = folder / "wheels"
        self.venv = folder / ".venv"
        (folder / "requirements").mkdir(parents=True)
        self.wheels.mkdir()
        (folder / "dev.py").write_bytes((ROOT / "dev.py").read_bytes())
        (folder / "pyproject.toml").write_text(PYPROJECT)
        (folder / "backend.py").write_text(BACKEND)
        self.make_wheel("thing", "2")  # newer than the lock, as after some days everything is
        thing = self.make_wheel("thing", "1")
        self.lock("demo", thing)
        self.lock("dev", thing, self.make_wheel("asker", "1", "Requires-Dist: thing[extra]>=1\n"))

    def make_wheel(self, name: str, version: str, metadata: str = "") -> str:
        """A wheel that pip can install offline; its line in a lock."""
        path = self.wheels / f"{name}-{version}-py3-none-any.whl"
        info = f"{name}-{version}.dist-info"
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nProvides-Extra: extra\n{metadata}"
        with zipfile.ZipFile(path, "w") as wheel:
            wheel.writestr(f"{name}.py", THING)
            wheel.writestr(f"{info}/METADATA", metadata)
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")
        return f"{name}=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"

    def lock(self, name: str, *lines: str) -> None:
        (self.folder / "requirements" / f"{name}.txt").write_text("".join(lines))

    def packages(self) -> set[str]:
        """What of the locks `.venv` holds, as name-version."""
        found = self.venv.glob("lib/python*/site-packages/*.dist-info")
        return {path.name.removesuffix(".dist-info") for path in found} & {"thing-1", "thing-2", "asker-1"}

    @property
    def environ(self) -> dict[str, str]:
        """Ours without what would reach an index, and with the one wheel."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON", "COV"))}
        quiet = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": str(self.wheels)}
        return {**kept, **quiet}

    def command(self, *args: str) -> list[str]:
        return [sys.executable, str(self.folder / "dev.py"), *args]

    def run(self, *args: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*args), env={**self.environ, **environ}, capture_output=True, text=True, timeout=PATIENCE
        )

    def is_ready(self) -> bool:
        return (self.venv / ".ready").exists()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


def script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_a_lock_that_cannot_be_installed_does_not_poison_the_next_try_and_a_demo_installs_what_it_runs_on(
    repository: Repository,
) -> None:
    """Two stories in one, because a virtual environment takes seconds: after the failure somebody runs the demo."""
    repository.lock("demo", f"thing==1 --hash=sha256:{'0' * 64}\n")
    failed = repository.run("demo")
    assert failed.returncode == 1
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in failed.stderr
    assert "run the same command again" in failed.stderr
    assert not repository.is_ready()
    (repository.venv / "left-over").touch()

    repository.lock("demo", repository.make_wheel("thing", "1"))
    mended = repository.run("demo")
    assert mended.returncode == 7, mended.stderr
    assert repository.is_ready()
    assert repository.packages() == {"thing-1"}
    assert not (repository.venv / "left-over").exists(), "nothing of the failed environment is kept"

    added = repository.run("env")
    assert added.returncode == 0, added.stderr
    assert "making .venv" not in added.stderr, "what is there is kept"
    # Seen with `coverage[toml]`, which a locked package asks for: pip looked for the newest, which no hash covers.
    assert repository.packages() == {"thing-1", "asker-1"}, "a newer release changes nothing, and breaks nothing"
    again = repository.run("demo")
    assert (again.returncode, again.stderr) == (7, ""), "the demo is content with more than it needs"


@pytest.mark.nightly
def test_packages_for_development_that_cannot_be_added_leave_no_environment_taken_for_whole(
    repository: Repository,
) -> None:
    assert repository.run("demo").returncode == 7
    right = (repository.folder / "requirements" / "dev.txt").read_text()
    repository.lock("dev", f"asker==1 --hash=sha256:{'0' * 64}\n")
    assert repository.run("env").returncode == 1
    assert not repository.is_ready()
    repository.lock("dev", right)
    mended = repository.run("env")
    assert mended.returncode == 0, mended.stderr
    assert repository.packages() == {"thing-1", "asker-1"}


@pytest.mark.nightly
def test_an_installation_killed_in_its_middle_is_made_anew(repository: Repository) -> None:
    block = repository.folder / "block"
    block.touch()
    victim = subprocess.Popen(
        repository.command("env"),
        env=repository.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + PATIENCE
        while not (repository.folder / "reached").exists():
            assert victim.poll() is None, "dev.py ended before it came to the middle"
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        os.killpg(victim.pid, signal.SIGKILL)
        victim.wait()
    assert not repository.is_ready()

    block.unlink()
    mended = repository.run("env")
    assert mended.returncode == 0, mended.stderr
    assert "making .venv" in mended.stderr
    assert repository.is_ready()


@pytest.mark.nightly
def test_a_new_place_or_lock_makes_the_environment_anew_and_demo_passes_its_exit_code(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = repository.run("demo", "--fast", "a b")
    assert (first.returncode, first.stdout) == (7, "thing got demo --fast a b\n"), first.stderr

    moved = tmp_path / "moved"
    repository.folder.rename(moved)
    repository.folder, repository.venv, repository.wheels = moved, moved / ".venv", moved / "wheels"
    second = repository.run("demo")
    assert "making .venv" in second.stderr, "the scripts of a moved environment still name the old folder"
    assert (second.returncode, second.stdout) == (7, "thing got demo\n"), second.stderr

    for name, value in {"ROOT": moved, "VENV": moved / ".venv", "READY": moved / ".venv" / ".ready"}.items():
        monkeypatch.setattr(dev, name, value)
    for name, level in (("requirements/demo.txt", 0), ("pyproject.toml", 0), ("requirements/dev.txt", 1)):
        before = (moved / name).read_bytes()
        ready = dev.fingerprints()
        assert dev.installed() == [ready[0]]
        (moved / name).write_bytes(before + b"# changed\n")
        assert [old != new for old, new in zip(ready, dev.fingerprints(), strict=True)] == [level == 0, level == 1], (
            name
        )
        (moved / name).write_bytes(before)
    (moved / ".venv" / "bin" / "python").unlink()
    assert dev.installed() == [], "a system upgrade took the Python away"


def test_a_python_without_ensurepip_gets_the_one_line_that_helps(repository: Repository, tmp_path: Path) -> None:
    lacking = tmp_path / "lacking"
    lacking.mkdir()
    (lacking / "ensurepip.py").write_text("raise ImportError('this Debian has no python3-venv')\n")
    refused = repository.run("env", PATH=str(tmp_path / "empty"), PYTHONPATH=str(lacking))
    assert refused.returncode == 1
    assert f"apt install python{sys.version_info.major}.{sys.version_info.minor}-venv\n" in refused.stderr
    assert refused.stderr.count("apt install") == 1
    assert "Traceback" not in refused.stderr
    assert not repository.venv.exists()


def test_shims_that_do_not_run_and_pythons_too_old_are_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shims = tmp_path / "shims"
    script(shims / "python3.30", "echo 'pyenv: python3.30: command not found' >&2; exit 127")
    script(shims / "python3.29", "echo surprising output")
    script(shims / "python3.28", "printf '3\\n10\\n1\\n/nowhere/python3.10\\n'")
    script(shims / "python3.27", "printf '3\\n27\\n0\\n/nowhere/python3.27\\n'")
    monkeypatch.setenv("PATH", str(shims))
    chosen = dev.pick_interpreter()
    assert chosen.version == sys.version_info[:2], "newer ones do not run, or cannot make environments"
    assert chosen.able
    assert Path(chosen.path).exists()

    script(shims / "python3.27", "printf '3\\n27\\n1\\n/nowhere/python3.27\\n'")
    assert dev.pick_interpreter() == dev.Interpreter((3, 27), True, "/nowhere/python3.27")


def test_a_python_asked_for_by_name_is_taken_though_its_shim_is_off_and_no_other_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script(tmp_path / "manager" / "versions" / "3.27.1" / "bin" / "python", "printf '3\\n27\\n1\\n/nowhere/3.27\\n'")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "manager"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert dev.pick_interpreter().version == sys.version_info[:2], "what nobody asked for is not looked for there"
    monkeypatch.setattr(dev, "WANTED", "3.27")
    assert dev.pick_interpreter() == dev.Interpreter((3, 27), True, "/nowhere/3.27")
    monkeypatch.setattr(dev, "WANTED", "3.28")
    with pytest.raises(SystemExit) as stopped:
        dev.pick_interpreter()
    assert stopped.value.code == tasks.NOT_HERE
    assert "Python 3.28 is not on this machine" in capsys.readouterr().err


def test_a_promised_python_that_is_not_here_is_said_and_one_that_fails_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    codes = {"3.27": 0, "3.28": 127, "3.29": 5}
    monkeypatch.setattr(tasks, "PROMISED", tuple(codes))
    monkeypatch.setattr(tasks, "run", lambda title, _command: codes[title.split()[-1]])
    monkeypatch.setenv("ACCREDIT_PYTHON", "")
    assert tasks.pythons() == 5
    said = capsys.readouterr().err
    assert "Python 3.27 passed" in said
    assert "Python 3.28 is not on this machine, so it was NOT tested" in said
    assert "Python 3.29 FAILED" in said


def test_the_pythons_promised_are_those_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    named = [one.rpartition(" ")[2] for one in project["classifiers"] if re.search(r"Python :: 3\.\d+$", one)]
    assert tuple(named) == tasks.PROMISED
    assert project["requires-python"] == f">={tasks.PROMISED[0]}"
    docker = (ROOT / "Dockerfile").read_text("utf-8")
    assert set(re.findall(r"FROM python:(3\.\d+)", docker)) <= set(tasks.PROMISED)
    for part in (*tasks.DIFFERS, *tasks.DIFFERS_WIDELY):
        assert (ROOT / "tests" / part).exists(), part


def test_no_python_recent_enough_is_said_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script(tmp_path / "python3", "printf '3\\n9\\n1\\n/nowhere/python3.9\\n'")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python3"))
    with pytest.raises(SystemExit, match="1"):
        dev.pick_interpreter()
    said = capsys.readouterr().err
    assert re.search(r"needs Python 3\.11 .* the newest here is 3\.9", said)
    assert said.endswith("apt install python3 python3-venv\n")


def test_every_command_has_a_task_and_no_task_is_out_of_reach() -> None:
    assert sorted({*tasks.TASKS, "demo", "env"}) == sorted(dev.COMMANDS)


def test_the_night_names_its_parts_and_says_how_long_each_takes() -> None:
    assert list(dev.PARTS) == list(tasks.NIGHT)
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \|$", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE)
    assert {name: (takes, what) for name, what, takes in rows} == dev.PARTS


@pytest.mark.parametrize("args", [["--help"], ["judges", "-h"]])
def test_the_parts_of_the_night_are_told_at_once(repository: Repository, args: list[str]) -> None:
    told = repository.run("nightly", *args)
    assert told.returncode == 0, told.stderr
    for name, (takes, what) in dev.PARTS.items():
        assert re.search(f"^    {name} +{takes} +{re.escape(what)}$", told.stdout, re.MULTILINE)
    assert not repository.venv.exists()


def test_each_rare_test_has_its_part_of_the_night() -> None:
    marked = re.compile(r"^ *(@|pytestmark = |.*marks=)pytest\.mark\.nightly", re.MULTILINE)
    places = [ROOT / "tests" / place for part in tasks.RARE.values() for place in part]
    seen = set[Path]()
    for path in sorted((ROOT / "tests").rglob("*.py")):
        if marked.search(path.read_text("utf-8")):
            (at,) = [place for place in places if path.is_relative_to(place)]
            seen.add(at)
    assert seen == set(places)


def test_whatever_looks_further_by_night_is_found_there() -> None:
    """A fixed number of examples would try the same in the night as in every run."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        text = path.read_text("utf-8")
        if "settings().max_examples" in text:
            assert "@pytest.mark.wide" in text, f"{path.name} is marked `wide`, so that the night runs it"
        fixed = re.search(r"max_examples=\d", text)
        assert fixed is None, f"{path.name} takes its number from `tests.strategies.searching.examples`"


def test_an_old_python_can_at_least_start_dev_py_and_be_told() -> None:
    ast.parse((ROOT / "dev.py").read_text("utf-8"), feature_version=(3, 8))


@pytest.mark.parametrize(
    ("args", "code", "text"),
    [
        (["tset"], 2, "There is no command tset; there are: demo, test, nightly"),
        (["check", "registry"], 2, "takes no arguments"),
        (["nightly", "pure", "rest"], 2, "There is no part rest of the night; there are: judges, decoders, defences"),
        (["env", "x"], 2, "takes no arguments"),
    ],
)
def test_a_command_mistyped_is_refused_before_anything_is_made(
    repository: Repository, args: list[str], code: int, text: str
) -> None:
    refused = repository.run(*args)
    assert (refused.returncode, text in refused.stderr) == (code, True), refused.stderr
    assert not repository.venv.exists()


@pytest.mark.parametrize("name", ["check", "docs", "lock"])
def test_a_command_without_a_help_of_its_own_is_told_with_all_others(repository: Repository, name: str) -> None:
    told = repository.run(name, "--help")
    assert (told.returncode, told.stdout) == (0, repository.run("--help").stdout)
    assert not repository.venv.exists()


@pytest.mark.parametrize(
    ("name", "text"), [("test", "the first run installs"), ("bench", "--long"), ("nightly", "pure")]
)
def test_what_a_command_does_is_told_before_anything_is_installed(repository: Repository, name: str, text: str) -> None:
    told = repository.run(name, "--help")
    assert (told.returncode, text in told.stdout.lower()) == (0, True), told.stderr
    assert not repository.venv.exists()


def test_the_help_of_bench_names_each_benchmark() -> None:
    told = subprocess.run(
        [sys.executable, ROOT / "dev.py", "bench", "--help"], capture_output=True, text=True, check=True
    )
    assert re.findall(r"^    (\w+) ", told.stdout, re.MULTILINE) == NAMES


def test_a_tool_ended_by_a_signal_is_reported_as_a_shell_would(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "BIN", Path("/bin"))
    assert tasks.run("killed", ["sh", "-c", "kill -9 $$"]) == 137
    assert tasks.run_all(["true"], ["sh", "-c", "exit 3"], ["sh", "-c", "exit 4"]) == 3
    assert "sh -c exit 4: exit code 4" in capsys.readouterr().err, "a failure does not hide what comes after it"


def test_of_two_tools_side_by_side_each_is_heard_and_each_can_fail(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tasks, "BIN", Path("/bin"))
    meeting = f"touch {tmp_path}/$0; until [ -e {tmp_path}/$1 ]; do sleep 0.01; done; echo $0 met $1"
    assert tasks.run_both(["sh", "-c", meeting, "a", "b"], ["sh", "-c", f"{meeting}; exit 4", "b", "a"]) == 4
    assert capfd.readouterr().out == "b met a\na met b\n"
    assert tasks.run_both(["sh", "-c", "exit 3"], ["true"]) == 3
