"""The verifier's program in the guide, as a stranger runs it: the folder registry/, cbor2, pynacl, and nothing else."""

import shutil
import time
from pathlib import Path

import pytest

from accredit.registry.decision.query import Query
from tests.docs.pages import ROOT, blocks
from tests.strategies.domain import EARLY, ECOSYSTEM, World, at
from tests.strategies.environments import environment, run
from tests.strategies.noted import Held, trust

UNIVERSITY = "did:web:dibiho.org:TUM"


@pytest.fixture(scope="module")
def python() -> Path:
    return environment("verifier")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with the program, its files, and the package beside it."""
    shutil.copytree(ROOT / "registry", tmp_path / "accredit" / "registry", ignore=shutil.ignore_patterns("__pycache__"))
    (program,) = [one for one in blocks((ROOT / "docs" / "verifier.md").read_text("utf-8")) if one.language == "python"]
    (tmp_path / "verify.py").write_text(program.text)
    world, now = World(), int(time.time())
    world.register(UNIVERSITY, name="Technical University", iat=EARLY)
    world.grant(UNIVERSITY, iat=EARLY, valid_until=at("2099-01-01"))
    held = Held.of(world.records())
    query = Query(entity=UNIVERSITY, authority=ECOSYSTEM, achievement_types=("BachelorDegree",))
    (tmp_path / "policy.txt").write_bytes(trust(held, now).encode())
    (tmp_path / "answer.evidence").write_bytes(held.prove(query, now).encode())
    (tmp_path / "registry.snapshot").write_bytes(held.snapshot(now))
    return tmp_path


def verify(python: Path, place: Path) -> str:
    return run(python, "-W", "error", "verify.py", folder=place)


def test_the_program_of_the_guide_verifies_an_answer_and_asks_a_snapshot(python: Path, place: Path) -> None:
    before = (place / "policy.txt").read_bytes()
    said = verify(python, place).splitlines()
    assert said[0] == f"verified: trusted until {at('2099-01-01')}"
    assert said[1] == "snapshot: trusted True ['accredited']"
    assert (place / "policy.txt").read_bytes() != before, "the policy remembers what was verified"


def test_an_altered_answer_is_refuted_by_the_program_of_the_guide(python: Path, place: Path) -> None:
    path = place / "answer.evidence"
    data = path.read_bytes()
    path.write_bytes(data.replace(b"Technical", b"Tactical!"))
    assert verify(python, place).startswith("refuted by the check record - ")


def test_every_module_of_the_registry_is_imported_with_nothing_else_installed(python: Path, place: Path) -> None:
    modules = (path.relative_to(place).with_suffix("") for path in (place / "accredit").rglob("*.py"))
    names = sorted(".".join(path.parts) for path in modules if path.stem != "__init__")
    assert len(names) > 30
    said = run(
        python, "-c", f"import {', '.join(names)}, importlib.util as u; print(u.find_spec('httpx'))", folder=place
    )
    assert said == "None\n"
