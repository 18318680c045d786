"""Hints lead somewhere: every command, option, setting and variable that a message names is one that there is.

Messages are read from the code itself, so that none can be forgotten. What a hint says to type is what its own test
types (`tests/node/clients/test_node_url.py`, `tests/node/test_questions.py`, `tests/cli/importers`, …).
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from accredit.cli.base.for_people import said
from accredit.cli.main import accredit
from accredit.node.settings import settings
from tests.cli.test_help import COMMANDS, ROOT

FOLDERS = ("registry", "governance", "gossip", "node", "cli")
PATHS = dict(COMMANDS)
GROUPS = {path[:length] for path in PATHS for length in range(1, len(path))}
_COMMAND = re.compile(r"\baccredit((?: [a-z][a-z-]*)+)((?:(?! accredit )[^.])*)")
_OPTION = re.compile(r"(?<![\w-])--([a-z][a-z-]+)")
_NOT_OURS = {"encoding", "algorithm", "data-urlencode"}  # of openssl, of Python and of curl


def texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every text in a module, those with values in them with … in their place; docstrings left out."""
    documented = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [one.value if isinstance(one, ast.Constant) else "…" for one in node.values]
            yield node.lineno, "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented | inside:
            yield node.lineno, node.value


MESSAGES = [
    (f"{path.relative_to(ROOT)}:{line}", text)
    for folder in FOLDERS
    for path in sorted((ROOT / folder).rglob("*.py"))
    for line, text in texts(ast.parse(path.read_text("utf-8")))
    if " " in text
]


def named(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """The commands that a text names, and what follows each."""
    for match in _COMMAND.finditer(text):
        words = match[1].split()
        length = max((n for n in range(1, len(words) + 1) if tuple(words[:n]) in PATHS.keys() | GROUPS), default=0)
        if length or re.match(r"accredit [a-z]+ ", match[0]):
            yield tuple(words[:length] or words[:1]), match[2]


def options_of(command: click.Command) -> set[str]:
    return {option.removeprefix("--") for param in command.params for option in (*param.opts, *param.secondary_opts)}


# Prose in which the program's name is followed by a verb: no command is meant.
PROSE = {("for",), ("stopped",), ("node",), ("trust",), ("knows",)}


def test_every_command_that_a_message_names_exists_and_has_the_options_named_with_it() -> None:
    wrong, seen = [], 0
    for place, text in MESSAGES:
        for path, rest in named(text):
            if path in PROSE:
                continue
            seen += 1
            if path not in PATHS and path not in GROUPS:
                wrong.append(f"{place}: accredit {' '.join(path)}")
                continue
            if path in PATHS:
                mine = options_of(PATHS[path])
                wrong += [
                    f"{place}: accredit {' '.join(path)} has no --{option}"
                    for option in _OPTION.findall(rest.split(" or ")[0])
                    if option not in mine
                ]
    assert seen > 60
    assert wrong == []


def test_every_option_that_a_message_names_is_one_of_some_command() -> None:
    every = {option for command in PATHS.values() for option in options_of(command)} | {"help", "json", "debug"}
    unknown = {
        f"{place}: --{option}"
        for place, text in MESSAGES
        for option in _OPTION.findall(text)
        if option not in every | _NOT_OURS and not place.startswith(("cli/demo", "cli/commands/simulate"))
    }
    assert unknown == set()


def test_every_variable_that_a_message_names_is_read() -> None:
    known = {setting.variable for setting in settings()} | {
        "ACCREDIT_NODE",
        "ACCREDIT_KEY",
        "ACCREDIT_PASSPHRASE_FILE",
        "ACCREDIT_POLICY",
        "ACCREDIT_COMPLETE",
    }
    mentioned = {
        (place, name)
        for place, text in MESSAGES
        for name in re.findall(r"\bACCREDIT_[A-Z_]+", text)
        if name not in known and not name.endswith("_")
    }
    assert mentioned == set()


@pytest.mark.parametrize(
    ("node_says", "told"),
    [
        (
            "GET /v1/issuers?name= searches by name; GET /v1/authorities says where to apply.",
            "Search: accredit issuer list --name WORD; accredit authority list says where to apply.",
        ),
        ("?category: expected one of bootcamp, employer.", "--category must be one of bootcamp, employer."),
        ("Add reason_code, one of: closure, fraud.", "Add --code, one of: closure, fraud."),
        ("It has the wrong form. See /openapi.json.", "It has the wrong form."),
        ("GET /v1/status shows more.", "accredit node status shows more."),
        ("Nothing to rewrite.", "Nothing to rewrite."),
    ],
)
def test_what_a_node_says_in_terms_of_http_is_told_in_those_of_the_command_line(node_says: str, told: str) -> None:
    assert said(node_says) == told


def test_no_hint_of_a_node_reaches_the_command_line_with_a_route_in_it() -> None:
    """Every text with a route in it, as the command line would tell it."""
    left = [
        (place, said(text))
        for place, text in MESSAGES
        if place.startswith(("node/http", "registry", "governance")) and not place.startswith("node/http/examples")
        if re.search(r"\bGET /v1/|\bGET /readyz", text)
        if re.search(r"\bGET /", said(text))
    ]
    assert left == []


def test_the_program_that_the_hints_name_is_this_one() -> None:
    assert accredit.name == "accredit"
    assert (Path(ROOT) / "cli" / "main.py").exists()
