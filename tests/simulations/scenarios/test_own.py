"""Scenarios of somebody's own: the page's example as a person runs it, and what is said where a file is not one."""

import subprocess
import sys
from pathlib import Path

import pytest

from accredit.registry.errors import InputError
from accredit.simulations.processes.node_process import environment
from accredit.simulations.scenarios import SCENARIOS
from accredit.simulations.scenarios.own import load_own
from accredit.simulations.tiers import find
from tests.docs.pages import ROOT, blocks

(EXAMPLE,) = (
    block.text for block in blocks((ROOT / "docs" / "simulations.md").read_text("utf-8")) if block.language == "python"
)


def simulate(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "accredit", "simulate", *words],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_example_of_the_page_runs_from_a_file_as_the_page_says(tmp_path: Path) -> None:
    assert len(EXAMPLE.split("@scenario")[1].splitlines()) <= 20
    (tmp_path / "island.py").write_text(EXAMPLE)
    done = simulate(tmp_path, "run", "./island.py", "--seed", "3")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "island" in done.stdout
    (again,) = (line for line in done.stdout.splitlines() if line.startswith("To repeat it: "))
    words = again.removeprefix("To repeat it: accredit simulate ").split()
    assert "The same run." in simulate(tmp_path, *words).stdout, "the command that it names finds the file"


def test_a_sweep_takes_a_file_into_every_process(tmp_path: Path) -> None:
    (tmp_path / "island.py").write_text(EXAMPLE)
    done = simulate(tmp_path, "sweep", "./island.py", "--seeds", "1-2", "--nodes", "8", "--seconds", "8")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (None, "no_file", "there is no file"),
        ("x = 1\n", "no_scenario", "has no scenario"),
        ("def broken(:\n", "scenario_broken", "SyntaxError"),
        ("import nowhere_to_be_found\n", "scenario_broken", "nowhere_to_be_found"),
        ("x = 1\nraise ValueError('why')\n", "scenario_broken", "line 2"),
    ],
)
def test_a_file_that_is_no_scenario_is_refused_with_what_to_do(
    tmp_path: Path, text: str | None, code: str, said: str
) -> None:
    path = tmp_path / f"own_{code}_{abs(hash(text))}.py"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError) as refused:
        find(str(path))
    assert refused.value.code == code
    assert said in refused.value.message
    assert refused.value.hint


def test_of_several_scenarios_in_a_file_one_is_named(tmp_path: Path) -> None:
    text = (
        EXAMPLE.replace("def island", "def first_island") + "\n\n" + EXAMPLE.replace("def island", "def second_island")
    )
    path = tmp_path / "islands.py"
    path.write_text(text)
    try:
        with pytest.raises(InputError) as refused:
            load_own(str(path))
        assert refused.value.code == "several_scenarios"
        assert refused.value.hint == f"Name one: {path}:first_island"
    finally:
        for name in ("first_island", "second_island"):
            SCENARIOS.pop(name, None)
    found = find(f"{path}:second_island")
    try:
        assert found.scenario.name == "second_island"
        assert found.tier == "world"
    finally:
        for name in ("first_island", "second_island"):
            SCENARIOS.pop(name, None)


def test_a_module_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError) as refused:
        find("research.islands")
    assert refused.value.code == "no_module"
