"""What is built and installed: one name in site-packages, whatever lies beside it, and everything that runs from there.

The folders at the top of the repository have names that others use as well (`cli`, `node`, `registry`). Installed under
those names, a wheel with its own `cli` made `accredit` run the other tool, and its removal broke ours.
"""

import email
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.installations import PATIENCE, ROOT, Plain, make_wheel

FOLDERS = ("cli", "gossip", "governance", "node", "registry", "simulations")
VERSION = version("accredit")
HOSTILE = "raise SystemExit('hostile code of another was run')\n"


def build(source: Path, target: Path) -> dict[str, Path]:
    """Build wheel and sdist with the back end of the lock; by the end of their names."""
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(target)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    return {path.suffix: path for path in target.iterdir()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return build(ROOT, tmp_path_factory.mktemp("built"))


@pytest.fixture(scope="module")
def besieged(built: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Plain:
    """An environment with ours, and after it a distribution that brings packages of all the names of our folders."""
    folder = tmp_path_factory.mktemp("besieged")
    plain = Plain.made(folder / "environment")
    rivals = {f"{name}/{file}.py": HOSTILE for name in FOLDERS for file in ("__init__", "main")}
    plain.install(built[".whl"])
    plain.install(make_wheel(folder, "hostile", "1", rivals))
    return plain


@pytest.fixture
def workshop(tmp_path: Path) -> Path:
    """A verifier's folder, with files of his own that have the names of our folders."""
    for name in FOLDERS:
        (tmp_path / f"{name}.py").write_text(HOSTILE)
    return tmp_path


def names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_nothing_but_accredit_goes_into_site_packages(built: dict[str, Path]) -> None:
    assert {name.split("/")[0] for name in names(built[".whl"])} == {"accredit", f"accredit-{VERSION}.dist-info"}


def test_the_wheel_holds_every_module_and_says_that_it_is_typed(built: dict[str, Path]) -> None:
    ours = {f"accredit/{path.relative_to(ROOT)}" for one in FOLDERS for path in (ROOT / one).rglob("*.py")}
    modules = {name for name in names(built[".whl"]) if name.endswith(".py")}
    assert modules == ours | {"accredit/__init__.py", "accredit/__main__.py"}
    assert "accredit/py.typed" in names(built[".whl"])


def test_the_pages_of_the_explorer_travel_in_the_wheel(built: dict[str, Path]) -> None:
    explorer = ROOT / "node" / "http" / "explorer"
    files = [*explorer.rglob("*.*"), *(ROOT / "registry" / "javascript").rglob("*.js")]
    there = {f"accredit/{path.relative_to(ROOT)}" for path in files if "__pycache__" not in path.parts}
    assert {Path(name).suffix for name in there} >= {".html", ".css", ".js", ".toml", ".svg"}
    assert there <= set(names(built[".whl"]))


def test_the_metadata_says_what_an_index_and_an_installer_need(built: dict[str, Path]) -> None:
    with zipfile.ZipFile(built[".whl"]) as archive:
        info = f"accredit-{VERSION}.dist-info"
        metadata = email.message_from_bytes(archive.read(f"{info}/METADATA"))
        scripts = archive.read(f"{info}/entry_points.txt").decode()
        assert f"{info}/licenses/LICENSE" in archive.namelist()
    assert (metadata["Name"], metadata["Version"], metadata["Requires-Python"]) == ("accredit", VERSION, ">=3.11")
    assert metadata["License-Expression"] == "Apache-2.0"
    assert "accredit = accredit.cli.start:main" in scripts
    needed = {line.split(">=")[0] for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line}
    assert {"trio", "httpx", "cbor2", "pynacl", "click"} <= needed
    assert not needed & {"pytest", "hatchling", "mypy"}, "tools of ours are nobody else's"


def test_the_sdist_carries_real_files_and_builds_the_same_wheel(built: dict[str, Path], tmp_path: Path) -> None:
    with tarfile.open(built[".gz"]) as archive:
        assert [member.name for member in archive if not member.isfile()] == [], "a link leads nowhere elsewhere"
        assert {member.name.split("/")[1] for member in archive} == {
            ".gitignore",
            "LICENSE",
            "PKG-INFO",
            "README.md",
            "accredit",
            "pyproject.toml",
        }
        archive.extractall(tmp_path, filter="data")
    again = build(tmp_path / f"accredit-{VERSION}", tmp_path / "again")
    assert names(again[".whl"]) == names(built[".whl"])
    assert again[".whl"].read_bytes() == built[".whl"].read_bytes()


def test_packages_of_others_with_the_names_of_our_folders_are_not_taken_for_ours(
    besieged: Plain, workshop: Path
) -> None:
    for name in FOLDERS:
        assert (besieged.packages / name / "__init__.py").read_text() == HOSTILE
    said = besieged.run("accredit", "--version", folder=workshop)
    assert (said.returncode, said.stdout) == (0, f"accredit {VERSION}\n"), said.stderr
    said = besieged.run("accredit", "simulate", "run", "--help", folder=workshop)
    assert (said.returncode, said.stderr) == (0, "")
    place = "from accredit.registry import statement; print(statement.__file__)"
    said = besieged.run("python", "-c", place, folder=workshop)
    assert said.stdout.strip() == str(besieged.packages / "accredit" / "registry" / "statement.py"), said.stderr
    every = "import pkgutil, accredit\nfor one in pkgutil.walk_packages(accredit.__path__, 'accredit.'):\n"
    said = besieged.run(
        "python", "-c", every + "    one.name == 'accredit.__main__' or __import__(one.name)", folder=workshop
    )
    assert said.returncode == 0, said.stderr


def test_removing_a_package_of_the_same_names_leaves_ours_whole(built: dict[str, Path], tmp_path: Path) -> None:
    plain = Plain.made(tmp_path / "environment")
    plain.install(make_wheel(tmp_path, "hostile", "1", {f"{name}/__init__.py": HOSTILE for name in FOLDERS}))
    plain.install(built[".whl"])
    plain.remove("hostile")
    said = plain.run("accredit", "query", "--help", folder=tmp_path)
    assert (said.returncode, said.stderr) == (0, "")


def test_the_examples_of_the_demo_travel_in_the_wheel(built: dict[str, Path]) -> None:
    there = {
        path.relative_to(ROOT / "examples").as_posix() for path in (ROOT / "examples").rglob("*") if path.is_file()
    }
    start = "accredit/cli/demo/examples/"
    assert {name.removeprefix(start) for name in names(built[".whl"]) if name.startswith(start)} == there


@pytest.mark.nightly
def test_the_demo_runs_from_an_installed_wheel_beside_packages_of_others(besieged: Plain, workshop: Path) -> None:
    done = besieged.run("accredit", "demo", folder=workshop)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "import examples/issuers.csv" in done.stdout
