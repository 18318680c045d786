"""`accredit simulate`: what it prints, how it ends, and that a failing run says how to run the same again."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from accredit.cli.main import accredit
from accredit.simulations import mutation_gate

SMALL = ("--nodes", "4", "--seconds", "4")


def accredit_simulate(*words: str) -> Result:
    return CliRunner().invoke(accredit, ["simulate", *words])


def test_every_scenario_is_listed_with_what_happens_in_it() -> None:
    listed = accredit_simulate("list", "--json")
    names = [each["name"] for each in json.loads(listed.stdout)["scenarios"]]
    assert {"baseline", "partition", "withhold_revocations", "broadcast"} <= set(names)
    assert "Half the nodes" in accredit_simulate("list").stdout


def test_a_run_prints_its_figures_and_writes_its_report(tmp_path: Path) -> None:
    done = accredit_simulate("run", "baseline", *SMALL, "--seed", "3", "--report", str(tmp_path / "out"))
    assert done.exit_code == 0, done.output
    assert "Everything held." in done.stdout
    assert "accredit simulate replay baseline --seed 3 --nodes 4 --set seconds=4 --digest " in done.stdout
    assert (tmp_path / "out" / "index.html").exists()


def test_the_command_that_a_run_prints_replays_it() -> None:
    run = json.loads(accredit_simulate("run", "lossy", *SMALL, "--set", "links.loss=0.2", "--json").stdout)
    words = run["replay"].split()[2:]
    replayed = accredit_simulate(*words)
    assert replayed.exit_code == 0, replayed.output
    assert "The same run." in replayed.stdout


def test_another_run_is_not_taken_for_the_same() -> None:
    replayed = accredit_simulate("replay", "baseline", *SMALL, "--digest", "0000", "--events", "3")
    assert replayed.exit_code == 1
    assert "A different run than 0000" in replayed.stdout


def test_a_run_in_which_something_does_not_hold_ends_with_1_and_says_how_to_see_it_again() -> None:
    done = accredit_simulate(
        "run", "partition", "--nodes", "6", "--seconds", "20", "--set", "settle=1", "--set", "normal=1"
    )
    assert done.exit_code == 1
    assert "Failed: one_root" in done.stdout
    assert "accredit simulate replay partition --seed 1 --nodes 6" in done.stdout


def test_a_sweep_prints_a_row_for_each_run(tmp_path: Path) -> None:
    done = accredit_simulate(
        "sweep", "baseline", *SMALL, "--seeds", "1-2", "--report", str(tmp_path), "--processes", "1"
    )
    assert done.exit_code == 0, done.output
    assert "Everything held in 2 runs." in done.stdout
    assert (tmp_path / "spread.svg").exists()


def test_the_gate_says_of_each_defence_whether_something_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    needed = mutation_gate.find_defence("sequence")
    idle = replace(needed, name="idle", weakened=None)
    monkeypatch.setattr(mutation_gate, "DEFENCES", (needed, idle))
    done = accredit_simulate("gate", "--json")
    assert done.exit_code == 1
    assert [each["stands"] for each in json.loads(done.stdout)["defences"]] == [True, False]
    monkeypatch.setattr(mutation_gate, "DEFENCES", (needed,))
    done = accredit_simulate("gate")
    assert done.exit_code == 0, done.output
    assert "sequence" in done.stdout
    assert "1 of 1 seeds" in done.stdout


def test_the_gate_judges_every_seed_and_names_those_at_which_a_defence_does_not_tell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    needed = mutation_gate.find_defence("sequence")
    monkeypatch.setattr(mutation_gate, "DEFENCES", (needed, replace(needed, name="idle", weakened=None)))
    done = accredit_simulate("gate", "--seeds", "2,5", "--processes", "2")
    assert done.exit_code == 1
    needed_row, idle_row = done.stdout.splitlines()[1:]
    assert "2 of 2 seeds" in needed_row
    assert "0 of 2 seeds, not with 2, 5" in idle_row


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("run", "no_such"), 3),
        (("run", "baseline", "--set", "links.nothing=1"), 3),
        (("run", "baseline", "--set", "loss"), 2),
        (("sweep", "baseline", "--seeds", "x"), 2),
        (("sweep", "baseline", "--seeds", "9-1"), 2),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_runs(words: tuple[str, ...], code: int) -> None:
    assert accredit_simulate(*words).exit_code == code
