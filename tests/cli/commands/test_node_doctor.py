"""`accredit node doctor` where a node stands alone: that nobody else can be asked is no illness."""

import json
import tomllib
from collections.abc import Sequence
from pathlib import Path

from click.testing import CliRunner, Result

from accredit.cli.main import accredit
from tests.strategies.answering_server import AnsweringServer, Asked, Reply

NAME = "node1.example"
GONE = {"name": "node2.example", "url": "http://127.0.0.1:1"}
"""Another node of the registry, which does not run."""


def examined(folder: Path, others: Sequence[dict[str, str]] = (), *, key: str | None = None) -> Result:
    """Examine a node whose registry holds itself (with another `key` of its log, if given) and `others`."""
    active: list[object] = list(others)

    def reply(asked: Asked) -> Reply:
        status = {"name": NAME, "size": 3, "alarms": []}
        return Reply(200, json.dumps(status if "ecosystem" not in asked.target else {"nodes": active}).encode())

    def run(*words: str) -> Result:
        return CliRunner().invoke(accredit, ["node", *words, "--json"], prog_name="accredit")

    with AnsweringServer(reply) as server:
        identity = ("--name", NAME, "--operator", "did:web:council.example", "--url", server.url, "--port", "9")
        made = run("init", str(folder), *identity)
        assert made.exit_code == 0, made.output
        entry = tomllib.loads((folder / "node-entry.toml").read_text())
        if key is not None:
            entry["keys"]["log"] = key
        active.append(entry)
        return run("doctor", str(folder))


def findings(result: Result) -> dict[str, tuple[bool, str]]:
    return {one["what"]: (one["is_well"], one["detail"]) for one in json.loads(result.stdout)["findings"]}


def test_the_only_node_of_an_ecosystem_is_well_and_compared_with_its_own_records(tmp_path: Path) -> None:
    result = examined(tmp_path / "node1")
    found = findings(result)
    assert found["registry"] == (True, "There is no other node to ask: this is the ecosystem's only one.")
    assert found["keys"] == (True, "as in the registry")
    assert result.exit_code == 0, found


def test_a_node_whose_neighbours_are_all_silent_is_not_taken_for_the_only_one(tmp_path: Path) -> None:
    result = examined(tmp_path / "node1", [GONE])
    assert findings(result)["registry"] == (
        False,
        "None of the other nodes in the configuration or the registry could be reached.",
    )
    assert result.exit_code == 1


def test_the_only_node_with_other_keys_than_its_record_is_ill(tmp_path: Path) -> None:
    other = "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
    result = examined(tmp_path / "node1", key=other)
    assert findings(result)["keys"] == (False, "the registry has other keys, of did:web:council.example")
    assert result.exit_code == 1


def test_a_stopped_node_that_knows_no_other_is_not_said_to_have_silent_neighbours(tmp_path: Path) -> None:
    examined(tmp_path / "node1")
    result = CliRunner().invoke(accredit, ["node", "doctor", str(tmp_path / "node1"), "--json"])
    assert "names no other node" in findings(result)["registry"][1]
    assert result.exit_code == 1
