"""Every command that reads, asked at a store of published files: an answer, or an error that says whom to ask."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from accredit.cli.main import accredit
from accredit.node.clients.store_files import DESCRIPTION
from tests.cli.town import PASSPHRASE, make_key
from tests.strategies.answering_server import AnsweringServer, Asked, Reply

TAKES_A_STORE = {"query", "check", "snapshot sync"}
"""Commands that check all they read."""


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that asks a node, with the words that name it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        elif any(option.name == "nodes" for option in command.params):
            yield (*path, name), command


ASKING = [(" ".join(words), command) for words, command in commands(accredit)]


def argument(of: click.Parameter, folder: Path) -> str:
    """Something of the right kind for an argument."""
    if isinstance(of.type, click.Path):
        return str(folder / "file.json")
    return of.type.choices[0] if isinstance(of.type, click.Choice) else "ab" * 32


@pytest.mark.parametrize(("name", "command"), ASKING, ids=[name for name, _ in ASKING])
def test_a_store_is_answered_from_or_the_error_says_that_a_node_is_needed(
    name: str, command: click.Command, tmp_path: Path
) -> None:
    if name in TAKES_A_STORE:
        return  # tests/cli/test_published.py has their answers
    (tmp_path / "file.json").write_text("{}")
    typed = name.split() + [argument(one, tmp_path) for one in command.params if isinstance(one, click.Argument)]
    for place in (str(tmp_path), "s3://bucket/registry", f"file://{tmp_path}"):
        result = CliRunner().invoke(accredit, [*typed, "--node", place])
        if result.exit_code == 2:
            continue  # an option that it needs is missing, which is said first
        assert result.exit_code == 3, result.output
        assert "is a store of published files, and this command asks a node" in result.stderr, result.stderr
        assert "--node" in result.stderr


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_key(tmp_path_factory.mktemp("keys"), "asking", "did:web:council.example")


@pytest.fixture(scope="module")
def web_server() -> Iterator[AnsweringServer]:
    """A web server with published files and a page for whatever it lacks."""

    def reply(asked: Asked) -> Reply:
        is_there = asked.target == f"/{DESCRIPTION}"
        return Reply(200, b'{"format": "accredit-store/1"}') if is_there else Reply(404, b"<html>Not found</html>")

    with AnsweringServer(reply) as server:
        yield server


@pytest.mark.parametrize(("name", "command"), ASKING, ids=[name for name, _ in ASKING])
def test_a_web_server_with_published_files_is_told_from_a_node(
    name: str, command: click.Command, tmp_path: Path, key: Path, web_server: AnsweringServer
) -> None:
    if name in TAKES_A_STORE:
        return
    (tmp_path / "file.json").write_text("{}")
    typed = name.split() + [argument(one, tmp_path) for one in command.params if isinstance(one, click.Argument)]
    web_server.asked.clear()
    environment = {"ACCREDIT_KEY": str(key), "ACCREDIT_PASSPHRASE_FILE": None, "ACCREDIT_NODE": web_server.url}
    result = CliRunner().invoke(accredit, typed, env=environment, input=PASSPHRASE)
    if not web_server.asked:
        assert result.exit_code in (2, 3), result.output  # what it is given is looked at first
        return
    assert result.exit_code == 3, result.output
    assert "is a store of published files, and this command asks a node" in result.stderr, result.stderr


def test_most_commands_are_looked_at() -> None:
    assert len(ASKING) > 40
