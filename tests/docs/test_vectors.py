"""The verifier's vectors: as the generator makes them, and answered as they say, by the kit as it is installed too."""

import ast
import json
import shutil
import subprocess
import sys
import time
import tomllib
import zipfile
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest

from accredit.registry.evidence.state_check import CheckResult
from docs.generators import vectors
from docs.generators._vector_world import HELD, QUERY
from tests.docs.pages import ROOT, blocks
from tests.installations import PATIENCE, Plain
from tests.strategies.environments import environment, run
from tests.strategies.noted import trust

FOLDER = ROOT / "docs" / "vectors"
PROGRAM = ROOT / "tests" / "outside" / "vectors.py"
LARGEST = 1_300_000  # bytes, all together: whoever copies them copies no burden
FILES = sorted(path.name for path in FOLDER.glob("*.json"))


def expected() -> dict[str, dict[str, Any]]:
    """What the vectors expect, by file and name."""
    found = {}
    for name in FILES:
        listed = json.loads((FOLDER / name).read_text("utf-8"))["vectors"]
        found[name.removesuffix(".json")] = {one["name"]: one["expected"] for one in listed}
    return found


def test_the_vectors_are_what_the_generator_makes() -> None:
    made = vectors.files()
    assert sorted(made) == FILES
    for name in FILES:
        assert (FOLDER / name).read_text("utf-8") == made[name], "run: python3 dev.py docs"
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= LARGEST


def checks_in_code() -> set[str]:
    """The name of every check that evidence or a bucket can fail, as the code has them."""
    names = set()
    for module in ("check", "deciding", "private_lookup", "proved_records", "state_check"):
        for node in ast.walk(ast.parse((ROOT / "registry" / "evidence" / f"{module}.py").read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "CheckError":
                name = node.args[1]
                assert isinstance(name, ast.Constant)
                names.add(str(name.value))
    return names


def test_every_check_that_can_fail_has_a_vector() -> None:
    answers = [one for name in ("evidence", "buckets") for one in expected()[name].values()]
    assert len(checks_in_code()) > 15
    assert checks_in_code() <= {one.get("check") for one in answers}
    assert {str(one) for one in CheckResult} == {one["result"] for one in answers if "result" in one}


def test_every_check_that_a_receipt_can_fail_has_a_vector() -> None:
    tree = ast.parse((ROOT / "registry" / "evidence" / "issuance_receipt.py").read_text("utf-8"))
    places = {"CheckError": 1, "_refuted": 0}
    named = {
        argument.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in places
        for argument in [node.args[places[node.func.id]]]
        if isinstance(argument, ast.Constant)
    }
    assert len(named) > 10
    assert named == {one["check"] for one in expected()["receipts"].values() if one.get("check")}


def test_this_repositorys_own_code_answers_as_the_vectors_say() -> None:
    done = run(Path(sys.executable), str(PROGRAM), "accredit.registry", str(FOLDER), folder=ROOT, PYTHONPATH=str(ROOT))
    assert json.loads(done) == expected()


# ------------------------------------------------------------------------------------------------ the distribution


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The kit, built from the source archive that is built from the folder: so both are whole."""
    folder = tmp_path_factory.mktemp("kit")
    build(ROOT / "registry", folder, "sdist")
    (archive,) = folder.glob("*.tar.gz")
    shutil.unpack_archive(archive, folder, filter="data")
    build(folder / archive.name.removesuffix(".tar.gz"), folder, "wheel")
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def kit(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Plain:
    """An environment that has the kit, cbor2 and pynacl, and nothing else."""
    (packages,) = environment("verifier").parents[1].glob("lib/python*/site-packages")
    plain = Plain.made(tmp_path_factory.mktemp("plain") / "environment", sees=packages)
    plain.install(wheel)
    return plain


def build(source: Path, target: Path, what: str) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", what, "--directory", str(target)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_kit_is_the_folder_registry_under_another_name(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if not name.startswith("accredit_verify-")}
        for name in held:
            assert archive.read(name) == (ROOT / "registry" / name.removeprefix("accredit_verify/")).read_bytes()
        (licence,) = (archive.read(name) for name in archive.namelist() if name.endswith("licenses/LICENSE"))
        (metadata,) = (archive.read(name) for name in archive.namelist() if name.endswith("METADATA"))
    modules = {path.relative_to(ROOT / "registry").as_posix() for path in (ROOT / "registry").rglob("*.py")}
    assert held == {f"accredit_verify/{name}" for name in (*modules, "py.typed")}
    assert licence == (ROOT / "LICENSE").read_bytes()
    said = message_from_bytes(metadata)
    assert sorted(said.get_all("Requires-Dist", [])) == ["cbor2>=6", "pynacl>=1.5"]
    whole = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert (said["Version"], said["Requires-Python"]) == (whole["version"], whole["requires-python"])


def test_the_installed_kit_answers_as_the_vectors_say(kit: Plain, tmp_path: Path) -> None:
    done = kit.run("python", "-W", "error", str(PROGRAM), "accredit_verify", str(FOLDER), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == expected()
    absent = kit.run("python", "-c", "import accredit", folder=tmp_path)
    assert "No module named 'accredit'" in absent.stderr


def test_the_program_on_the_kits_page_verifies_an_answer(kit: Plain, tmp_path: Path) -> None:
    (program,) = [
        one for one in blocks((ROOT / "registry" / "README.md").read_text("utf-8")) if one.language == "python"
    ]
    now = int(time.time())
    (tmp_path / "policy.txt").write_bytes(trust(HELD, now).encode())
    (tmp_path / "answer.evidence").write_bytes(HELD.prove(QUERY, now).encode())
    done = kit.run("python", "-W", "error", "-c", program.text, folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "verified trusted\n"), done.stderr
