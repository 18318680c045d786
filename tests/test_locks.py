"""The locks can be installed on any later day, by the oldest pip that a promised Python ships, and by the Dockerfile.

A lock is made once. Afterwards everything it pins gets newer releases, and pip must not look at them: pip of Python
3.11 refused the development lock as soon as `coverage` had one, because `pytest-cov` asks for `coverage[toml]`. So the
newer releases are made here, for every package at once, and offered to pip beside the index that the machine has.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

import dev
from tests.installations import PATIENCE, ROOT, make_wheel
from tests.strategies.environments import bare_environment

LOCKS = ("demo", "dev")
OLDEST_PIP = {11: "22.3", 12: "23.2.1"}.get(sys.version_info.minor, "24.2")  # in ensurepip of CPython 3.x.0
NEWER = "9999"  # newer than any release
UNREACHABLE = ("No matching distribution found", "Could not find a version", "NewConnectionError", "ReadTimeoutError")


def pinned(name: str) -> dict[str, str]:
    """Package to version, of those that this platform installs or might."""
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / "requirements" / f"{name}.txt").read_text(), re.MULTILINE))


def test_what_only_checking_credentials_needs_is_not_in_the_lock_for_running() -> None:
    optional = {"joserfc", "pyld", "rfc8785", "cryptography", "cachetools", "lxml"}
    assert not optional & set(pinned("run"))
    assert optional <= set(pinned("demo"))
    assert pinned("run").items() <= pinned("demo").items() <= pinned("dev").items()


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a newer release of every package of the locks."""
    folder = tmp_path_factory.mktemp("later")
    for name in pinned("dev") | pinned("run"):
        make_wheel(folder, name.replace("-", "_"), NEWER, {})
    return folder


def environ_of(later: Path) -> dict[str, str]:
    """The machine's own way to its index, with the newer releases besides."""
    links = f"{os.environ.get('PIP_FIND_LINKS', '')} {later}".strip()
    return bare_environment(PIP_FIND_LINKS=links, PIP_DISABLE_PIP_VERSION_CHECK="1")


def ready_made(python: Path, later: Path) -> None:
    """Give an environment the oldest pip, and see that the newer releases would be found."""
    pip = [str(python), "-m", "pip"]
    put = subprocess.run(
        [*pip, "install", "--quiet", f"pip=={OLDEST_PIP}"], env=environ_of(later), capture_output=True, text=True
    )
    if put.returncode and any(text in put.stderr for text in UNREACHABLE):
        pytest.skip(f"pip {OLDEST_PIP} cannot be fetched (no network?): {put.stderr.strip().splitlines()[-1]}")
    assert put.returncode == 0, put.stderr
    assert f"pip {OLDEST_PIP} " in subprocess.run([*pip, "--version"], capture_output=True, text=True).stdout
    looked = [*pip, "download", "--quiet", "--no-index", "--no-deps", "--dest", str(later / "seen"), "coverage"]
    subprocess.run(looked, env=environ_of(later), check=True, capture_output=True)
    assert [path.name for path in (later / "seen").iterdir()] == [f"coverage-{NEWER}-py3-none-any.whl"]


def versions(python: Path) -> dict[str, str]:
    """What an environment holds."""
    ask = "from importlib.metadata import distributions as all\nfor one in all(): print(one.name, one.version)"
    said = subprocess.run([str(python), "-c", ask], check=True, capture_output=True, text=True, env=bare_environment())
    return dict(line.lower().replace("_", "-").split() for line in said.stdout.splitlines())


@pytest.mark.nightly
@pytest.mark.parametrize("development", [False, True], ids=LOCKS)
def test_the_locks_are_installed_by_the_oldest_pip_after_newer_releases_of_all_packages(
    development: bool, later: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What dev.py does, step by step, in another folder."""
    python = tmp_path / "environment" / "bin" / "python"
    installs = dev.install

    def install(title: str, command: list[str]) -> None:
        installs(title, command)
        if title == "an empty environment":
            ready_made(python, later)

    here = dev.Interpreter(sys.version_info[:2], True, str(Path(sysconfig.get_config_var("BINDIR"), "python3")))
    monkeypatch.setattr(dev, "VENV", tmp_path / "environment")
    monkeypatch.setattr(dev, "READY", tmp_path / "environment" / ".ready")
    monkeypatch.setattr(dev, "install", install)
    monkeypatch.setattr(dev, "pick_interpreter", lambda: here)
    monkeypatch.setattr(os, "environ", environ_of(later))
    dev.ensure_environment(development)

    have = versions(python)
    locked = pinned("dev" if development else "demo")
    assert {name: version for name, version in have.items() if locked.get(name, version) != version} == {}
    assert have.keys() - locked.keys() <= {"accredit", "setuptools"}
    assert ("pytest" in have) is development, "the demo needs no tools"
    subprocess.run([str(python), "-m", "accredit", "--version"], check=True, env=bare_environment(), cwd=tmp_path)


def test_every_installation_of_a_lock_is_told_to_resolve_nothing() -> None:
    """The cheap half of the stories above: the commands that they run, read."""
    told = [line for line in docker_commands() if "requirements/" in line]
    told += re.findall(r"^\s*locked = .*$", (ROOT / "dev.py").read_text(), re.MULTILINE)
    assert len(told) == 2
    for line in told:
        assert "--no-deps" in line, line
        assert "--require-hashes" in line, line


# ---------------------------------------------------------------------------------------------------- the Dockerfile


def instructions() -> Iterator[tuple[str, str]]:
    """The Dockerfile's instructions, each with what follows it."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    for line in text.splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            yield word, rest.strip()


def first_stage() -> list[tuple[str, str]]:
    """Those that build; the second stage copies what they made into an image of its own."""
    found = list(instructions())
    second = [number for number, (word, _) in enumerate(found) if word == "FROM"][1]
    return found[1:second]


def docker_commands() -> list[str]:
    return [rest for word, rest in first_stage() if word == "RUN"]


def sent() -> set[str]:
    """What .dockerignore lets through, by the names at the top."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    return {line[1:].split("/")[0] for line in lines if line.startswith("!")}


def test_all_that_the_dockerfile_copies_is_sent_to_it_and_leads_nowhere_else() -> None:
    copied = {word for rest in (rest for one, rest in first_stage() if one == "COPY") for word in rest.split()[:-1]}
    assert {name.split("/")[0] for name in copied} == sent()
    for name in copied:
        for path in [ROOT / name, *(ROOT / name).rglob("*")]:
            if path.is_symlink():
                assert path.resolve().relative_to(ROOT).parts[0] in sent(), f"{path} leads to what is not copied"


@pytest.mark.nightly
def test_the_commands_of_the_dockerfile_make_an_accredit_that_runs_its_demo(later: Path, tmp_path: Path) -> None:
    """Without a container engine: its COPY and RUN lines in order, in folders of our own, with the oldest pip."""
    source, target = tmp_path / "src", tmp_path / "opt"
    source.mkdir()
    python = target / "bin" / "python"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    environ = environ_of(later)
    environ["PATH"] = f"{tmp_path / 'bin'}{os.pathsep}{environ['PATH']}"
    for word, rest in first_stage():
        if word == "COPY":
            *names, goal = rest.split()
            for name in names:
                copy(ROOT / name, source / name if goal == "./" else source / goal)
        elif word == "RUN":
            command = rest.replace("/opt/accredit", str(target))
            done = subprocess.run(
                ["sh", "-c", command], cwd=source, env=environ, capture_output=True, text=True, timeout=PATIENCE
            )
            assert done.returncode == 0, f"{command}\n{done.stderr}"
            if shlex.split(command)[1:3] == ["-m", "venv"]:
                ready_made(python, later)
    shutil.rmtree(source)  # the image has no sources
    have = versions(python)
    assert NEWER not in have.values()
    assert "pytest" not in have
    done = subprocess.run(
        [str(target / "bin" / "accredit"), "demo"], cwd=tmp_path, env=bare_environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def copy(source: Path, target: Path) -> None:
    """As COPY does: links stay links; what .dockerignore names is not there."""
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", "*.py[cod]"))
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
