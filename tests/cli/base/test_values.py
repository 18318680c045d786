"""Values that are missing after an option, or name a folder where a file is meant: what to type instead."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from accredit.cli.base import exits
from accredit.cli.main import accredit

CHARTER = "charter draft --id https://t.example/ --name T --authority did:web:a.example"

WRONG = [
    (f"{CHARTER} Council education", "Write 4 values after --authority: ID NAME CONSTITUENCY THRESHOLD"),
    (CHARTER, "Write 4 values after --authority: ID NAME CONSTITUENCY THRESHOLD"),
    (f"{CHARTER} Council education two", "THRESHOLD, the last of its four parts, is a whole number such as 2"),
    ("node audit node1 --node", "Write a value after --node: URL"),
    ("query did:web:a.example --for", "Write a value after --for: TYPE"),
    ("keys new a.key --authority did:web:a.example --sealing", "Write a value after --sealing: [moderate|interactive]"),
    ("keys new a.key --authority did:web:a.example --sealing fast", "'fast' is not one of 'moderate', 'interactive'"),
    ("keys show {folder}", "is a folder. Give a file in it, by its name."),
    ("approve --from {folder}", "is a folder. Give a file in it, by its name."),
    ("evidence check {folder}", "is a folder. Give a file in it, by its name."),
    ("mapping import {folder}", "is a folder. Give a file in it, by its name."),
    ("node restore node1 {folder}", "is a folder. Give a file, such as {folder}/backup.sqlite"),
    ("node backup node1 {folder}", "is a folder. Give the file to make, such as {folder}/backup.sqlite"),
    ("node admit {entered}", "is a folder. Give the file in it: {entered}/node-entry.toml"),
    ("node admit {folder}", "is a folder. Give a file, such as {folder}/node-entry.toml"),
]


@pytest.mark.parametrize(("typed", "said"), WRONG)
def test_a_value_that_is_missing_or_a_folder_is_refused_with_what_to_type(
    typed: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, entered = tmp_path / "folder", tmp_path / "entered"
    folder.mkdir()
    entered.mkdir()
    (entered / "node-entry.toml").touch()
    monkeypatch.chdir(folder)
    result = CliRunner().invoke(accredit, typed.format(folder=folder, entered=entered).split())
    assert result.exit_code == exits.USAGE
    assert said.format(folder=folder, entered=entered) in result.stderr
    assert "For help: accredit " in result.stderr
    assert not any(folder.iterdir()), "nothing was written"
