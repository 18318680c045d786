"""Every command explains itself, with an example that its own parser takes; and quickly."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from accredit.cli import front_page
from accredit.cli.base import exits
from accredit.cli.base.commands import Command, CommandGroup
from accredit.cli.main import accredit
from tests.strategies.answering_server import AnsweringServer, Asked, Reply

ROOT = Path(__file__).resolve().parents[2]


def every_command(
    group: CommandGroup = accredit, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, CommandGroup):
            yield from every_command(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS = list(every_command())


def test_each_command_that_reads_a_sheet_has_the_option_that_its_errors_name() -> None:
    takers = {" ".join(path) for path, command in COMMANDS if "encoding" in {one.name for one in command.params}}
    assert takers == {
        "issuer import",
        "framework import",
        "mapping import",
        "history import table",
        "history conflicts",
    }


def every_group(group: CommandGroup = accredit) -> Iterator[CommandGroup]:
    yield group
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        if isinstance(command, CommandGroup):
            yield from every_group(command)


def test_a_list_of_commands_says_whole_sentences_what_each_does() -> None:
    groups = list(every_group())
    assert len(groups) > 10
    for group in groups:
        shown = group.get_help(click.Context(group, terminal_width=80, info_name=group.name))
        assert "..." not in shown.replace("ARGS]...", ""), group.name
        assert max(map(len, shown.splitlines())) <= 80, group.name


def test_the_commands_of_the_main_job_are_there() -> None:
    names = {" ".join(path) for path, _ in COMMANDS}
    assert names >= {
        "demo", "query", "inbox", "show", "approve", "reject", "retract", "annul", "sign", "submit",
        "keys new", "keys list", "keys show", "keys export", "keys import", "keys add", "keys rotate", "keys retire",
        "keys compromise", "charter draft", "charter check", "charter sign", "charter publish", "charter show",
        "charter amend", "charter history", "issuer show", "issuer list", "issuer propose", "issuer update",
        "issuer import", "accreditation show", "accreditation list", "accreditation propose", "accreditation amend",
        "accreditation suspend", "accreditation reinstate", "accreditation withdraw", "accreditation revoke",
        "accreditation event", "framework show", "framework list", "framework import", "framework publish",
        "authority show", "authority list", "authority delegate", "authority withdraw", "recognition grant",
        "recognition withdraw", "recognition list", "log show", "log prove", "log verify", "node init", "node join",
        "trust export", "trust show", "trust renew", "evidence check", "snapshot sync", "snapshot query",
        "snapshot show", "export accreditations", "node admit", "node replace", "node retire",
        "node run", "node status", "node peers", "node audit",
    }  # fmt: skip


@pytest.mark.parametrize(("path", "command"), [pytest.param(p, c, id=" ".join(p)) for p, c in COMMANDS])
def test_help_of_every_command_says_what_it_does_and_shows_an_example_that_its_parser_takes(
    path: tuple[str, ...], command: click.Command
) -> None:
    result = CliRunner().invoke(accredit, [*path, "--help"])
    assert result.exit_code == 0
    assert "--json" in result.output
    assert command.help, "what it does"
    assert isinstance(command, Command)
    assert command.example in re.sub(r"\n  ", "\n", result.output)
    mine = 0
    for line in command.example.replace("\\\n", " ").splitlines():
        words = shlex.split(line.partition(" > ")[0])
        while words[0] != "accredit":  # an environment variable before it
            assert "=" in words.pop(0)
        if tuple(words[1 : 1 + len(path)]) == path:
            mine += 1
            words = [word for word in words[1 + len(path) :] if word != "…"]
            # Raises click.UsageError for an option or a number of arguments that the command does not have.
            command.make_context(" ".join(path), words, resilient_parsing=False).close()
    assert mine


NEEDED_BY_NO_QUESTION = {
    *("trio", "anyio", "asyncio", "httpx", "httpcore", "hypercorn", "starlette", "prometheus_client"),
    *("certifi", "rich", "sqlite3", "sqlite_utils", "multiprocessing"),
    *(
        "accredit.governance",
        "accredit.gossip",
        "accredit.simulations",
        "accredit.cli.signing",
        "accredit.cli.importers",
    ),
    *("accredit.node.engine", "accredit.node.storage", "accredit.node.runtime"),
    *("accredit.registry.decision.decide", "accredit.registry.evidence", "accredit.registry.transparency"),
    *("accredit.registry.domain.records", "accredit.registry.domain.accreditations"),
}
"""A node answers a question put to it: no event loop, no certificates for http, no decision made here, no records."""

NEEDED_BY_NO_HELP = NEEDED_BY_NO_QUESTION | {
    *("cbor2", "nacl", "msgspec", "http", "ssl", "json", "traceback", "importlib.metadata"),
    *("accredit.node", "accredit.cli.commands", "accredit.cli.verifying"),
}


def loaded_by(*words: str, code: int = 0) -> set[str]:
    """The modules that a command has loaded when it ends, and the packages they are in."""
    listed = "import atexit, sys; atexit.register(lambda: print(*sys.modules, sep='\\n', file=sys.stderr))"
    run = f"{listed}; from accredit.cli.main import accredit; accredit.main(sys.argv[1:], 'accredit')"
    done = subprocess.run([sys.executable, "-c", run, *words], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    assert done.stdout
    return set(done.stderr.splitlines())


def test_help_is_quick_because_no_command_is_imported() -> None:
    assert NEEDED_BY_NO_HELP & loaded_by("--help") == set()


def test_a_question_is_quick_because_nothing_is_loaded_that_it_does_not_use() -> None:
    decision = {
        "verdict": "not_trusted",
        "authorized": False,
        "reasons": [{"code": "no_accreditation", "text": "No accreditation covers this."}],
        **{name: [] for name in ("accreditations", "others", "statements", "chain", "unchecked")},
        **dict.fromkeys(("time_requested", "valid_until", "issuer_name")),
        "time_evaluated": "2026-11-01T00:00:00Z",
        "issuer": "did:web:uni.example",
    }

    def reply(asked: Asked) -> Reply:
        return Reply(200, json.dumps(decision if asked.method == "POST" else {"authorities": []}).encode())

    with AnsweringServer(reply) as server:
        question = ("query", "did:web:uni.example", "--for", "BachelorDegree", "--node", server.url)
        assert NEEDED_BY_NO_QUESTION & loaded_by(*question, code=1) == set()


BY_NAME = (sys.executable, "-c", "from accredit.cli.start import main; main()")
"""As the console script calls it."""


def test_the_front_page_loads_nothing_that_reads_command_lines() -> None:
    listed = "import atexit, sys; atexit.register(lambda: print(*sys.modules, sep='\\n', file=sys.stderr)); "
    words = [sys.executable, "-c", listed + BY_NAME[2], "--help"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stderr.splitlines())
    assert "accredit.cli.front_page" in loaded
    assert {"click", "accredit.cli.main", "accredit.registry"} & loaded == set()


@pytest.mark.parametrize("columns", ["20", "61", "80", "300", "nonsense"])
def test_the_front_page_is_what_the_command_line_itself_prints(columns: str) -> None:
    environment = {**os.environ, "COLUMNS": columns}
    whole = "from accredit.cli.main import main; main()"
    pages = {
        subprocess.run([*words, "--help"], cwd=ROOT, capture_output=True, env=environment, check=True).stdout
        for words in (BY_NAME, (sys.executable, "-c", whole))
    }
    assert len(pages) == 1
    [page] = pages
    wrapped = page.decode().partition("  Example:")[0].splitlines()
    assert 40 < max(map(len, wrapped)) <= front_page.MAX_WIDTH


def test_the_front_page_lists_the_options_that_there_are() -> None:
    context = click.Context(accredit)
    own = {name: said for name, said in front_page.OPTIONS.items() if "--help" not in name}
    rows = [one.get_help_record(context) for one in accredit.params]
    assert [row for row in rows if row] == list(own.items())
    assert set(front_page.OPTIONS) - set(own) == {", ".join(accredit.context_settings["help_option_names"])}


def test_the_front_page_reaches_a_terminal_that_lacks_its_characters() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    done = subprocess.run([*BY_NAME, "--help"], cwd=ROOT, capture_output=True, env=environment, check=True)
    assert b"amend, suspend, revoke, ..." in done.stdout


def test_a_full_disk_is_no_help() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*BY_NAME, "--help"], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 6
    assert b"Standard output cannot be written" in done.stderr


@pytest.mark.parametrize("words", [[], ["keys"], ["issuer", "key"]], ids=["accredit", "group", "group within a group"])
def test_a_group_without_a_command_shows_its_help_and_no_error(words: list[str]) -> None:
    result = CliRunner().invoke(accredit, words, prog_name="accredit")
    shown = CliRunner().invoke(accredit, [*words, "--help"], prog_name="accredit").output
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == shown


def test_a_program_that_asks_a_group_for_json_is_told_that_a_command_is_missing() -> None:
    error = click.exceptions.NoArgsIsHelpError(click.Context(accredit, info_name="accredit"))
    assert exits._words(error)[:2] == ("usage", "A command is missing.")


@pytest.mark.parametrize(
    ("words", "offered"), [(["isuer"], "issuer"), (["keys", "exprt"], "export"), (["node", "statsu"], "status")]
)
def test_a_mistyped_command_gets_the_nearest_one_offered(words: list[str], offered: str) -> None:
    result = CliRunner().invoke(accredit, words)
    assert result.exit_code == 2
    assert f"Did you mean {offered}?" in result.stderr


def test_shell_completion_knows_commands_without_importing_them_and_options_of_commands() -> None:
    def completed(words: str) -> str:
        environment = {"_ACCREDIT_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        return CliRunner().invoke(accredit, [], env=environment, prog_name="accredit").output

    assert "accreditation" in completed("accredit acc")
    assert "compromise" in completed("accredit keys co")
    assert "--jurisdiction" in completed("accredit query --j")
    assert "ACCREDIT_COMPLETE=bash_source" in CliRunner().invoke(accredit, ["--help"]).output


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("--json issuer list", "options follow it: accredit issuer "),
        ("--node http://127.0.0.1:1 query did:web:uni.example", "options follow it: accredit query … --node"),
        ("issuer --limit 3 list", "options follow it: accredit issuer list … --limit"),
        ("--versoin", "Did you mean '--version'?"),
        ("-V", "Did you mean --version?"),
        ("help", "Did you mean --help?"),
        ("version", "Did you mean --version?"),
        ("history import list.csv", "Commands here: dapip, table."),
    ],
)
def test_words_in_the_wrong_place_are_answered_with_what_to_type(typed: str, says: str) -> None:
    result = CliRunner().invoke(accredit, typed.split(), prog_name="accredit")
    assert result.exit_code == 2
    assert says in result.stderr
