"""Hints lead somewhere: every command, option, setting and variable that a message names is one that there is.

Messages are read from the code itself, so that none can be forgotten. What a hint says to type is what its own test
types (`tests/node/clients/test_node_url.py`, `tests/node/test_questions.py`, `tests/cli/importers`, …).
"""

import ast
import inspect
import re
import shlex
from collections.abc import Iterator
from functools import cache
from itertools import takewhile
from pathlib import Path
from types import FunctionType

import click
import pytest

from accredit.cli.base.for_people import said
from accredit.cli.demo.command import commands_to_try
from accredit.cli.main import accredit
from accredit.node.http.app import table
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
    nodes = list(ast.walk(tree))
    documented = {
        id(node.body[0].value)
        for node in nodes
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    inside = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    left_out = documented | inside
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            parts = [one.value if isinstance(one, ast.Constant) else "…" for one in node.values]
            yield node.lineno, "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in left_out:
            yield node.lineno, node.value


@cache
def messages() -> list[tuple[str, str]]:
    """Every text in the code that may be a message, with its file and line; read when a test first asks."""
    return [
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
    for place, text in messages():
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
        for place, text in messages()
        for option in _OPTION.findall(text)
        if option not in every | _NOT_OURS and not place.startswith(("cli/demo", "cli/commands/simulate"))
    }
    assert unknown == set()


# What follows a command in a message for as long as it is something to type: options, and what stands for a value.
_TYPED = re.compile(r"--[a-z][a-z-]*|[A-Z][A-Z_-]*|…|[0-9a-f]{8,}")


def typed(text: str) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """The commands that a text names with something to type after them."""
    for match in _COMMAND.finditer(text):
        words = tuple(match[1].split())
        following = list(takewhile(_TYPED.fullmatch, (word.rstrip(".,;:)`") for word in match[2].split())))
        if words in PATHS and following:
            yield words, following


def test_every_command_line_in_a_message_is_one_that_its_parser_takes() -> None:
    wrong, seen = [], 0
    for place, text in messages():
        is_shown = place.startswith("cli/demo") or "Example" in text or text.startswith("accredit ")  # tested elsewhere
        for path, words in () if is_shown else typed(text):
            command, seen = PATHS[path], seen + 1
            try:
                given, left, _ = command.make_parser(click.Context(command)).parse_args(list(words))
            except click.UsageError as error:
                wrong.append(f"{place}: accredit {' '.join((*path, *words))}: {error}")
                continue
            needed = [one.name for one in command.params if isinstance(one, click.Argument) and one.required]
            is_whole = not words[0].startswith(
                "--"
            )  # it begins with what the command is about, and not with what to add
            missing = [name for name in needed if is_whole and given.get(str(name)) in (None, ())]
            if not needed and left == ["…"]:  # three dots for more options
                left = []
            if left or missing:
                wrong.append(f"{place}: accredit {' '.join((*path, *words))}: {left or missing}")
    assert seen > 30
    assert wrong == []


def file_of(command: click.Command) -> str:
    """Where a command is written, as messages name it."""
    return callback_of(command).__code__.co_filename.removeprefix(f"{ROOT}/").removeprefix("accredit/")


def callback_of(command: click.Command) -> FunctionType:
    function = inspect.unwrap(command.callback) if command.callback is not None else None
    assert isinstance(function, FunctionType)
    return function


SIGNING = [path for path, command in PATHS.items() if "offline" in options_of(command)]

# The commands on whose behalf a module speaks that is none itself: what it says to add is an option of each.
SPEAKS_FOR: dict[str, list[tuple[str, ...]]] = {
    "cli/importers/frameworks/case.py": [("framework", "import")],
    "cli/importers/frameworks/ctdl_asn.py": [("framework", "import")],
    "cli/importers/frameworks/frameworks.py": [("framework", "import")],
    "cli/importers/frameworks/languages.py": [("framework", "import")],
    "cli/importers/issuers/rows.py": [("issuer", "import")],
    "cli/importers/frameworks/skos.py": [("framework", "import")],
    "cli/importers/spreadsheet.py": [("issuer", "import")],
    "cli/commands/registry/publish_framework.py": [("framework", "import"), ("framework", "publish")],
    "cli/signing/clock.py": SIGNING,
    "cli/signing/key_head.py": SIGNING,
    "cli/signing/keys.py": SIGNING,
    "cli/signing/workflow.py": SIGNING,
    "cli/signing/submit.py": SIGNING,
    "cli/base/listing.py": [path for path, command in PATHS.items() if "limit" in options_of(command)],
    "cli/verifying/decision_text.py": [("query",)],
}
ELSEWHERE = {"budget", "yes"}  # said of a body that has one; said by the commands that ask for a confirmation


def meant(place: str) -> tuple[list[tuple[str, ...]], bool]:
    """The commands that a message may speak for, and whether it speaks for all of them."""
    file, _, line = place.rpartition(":")
    if file in SPEAKS_FOR:
        return SPEAKS_FOR[file], True
    here = commands_in(file)
    for path in here:
        if int(line) in lines_of(path):
            return [path], True
    return here, False


@cache
def commands_in(file: str) -> list[tuple[str, ...]]:
    """The commands that are written in a file, as messages name it."""
    return [path for path, command in PATHS.items() if file_of(command) == file]


@cache
def lines_of(path: tuple[str, ...]) -> range:
    """The lines on which a command is written; each look takes its whole module apart."""
    lines, first = inspect.getsourcelines(callback_of(PATHS[path]))
    return range(first, first + len(lines))


def test_what_a_message_says_to_add_is_an_option_of_the_command_that_says_it() -> None:
    wrong, seen = [], 0
    for place, text in messages():
        commands, is_all = meant(place) if place.startswith("cli/") and not place.startswith("cli/demo") else ([], True)
        others = {option for path, _ in named(text) if path in PATHS for option in options_of(PATHS[path])}
        for option in set(_OPTION.findall(text)) - others - _NOT_OURS - ELSEWHERE if commands else ():
            seen += 1
            have = [option in options_of(PATHS[path]) | {"help", "json", "debug"} for path in commands]
            if not (all(have) if is_all else any(have)):
                without = [" ".join(path) for path, has in zip(commands, have, strict=True) if not has]
                wrong.append(f"{place}: --{option}: {without}")
    assert seen > 60
    assert wrong == []


_ROUTE = re.compile(
    r"(?<![\w.…/])(?:(GET|POST|HEAD) )?"
    r"(/(?:v1|federation|trqp|log|witness|readyz|healthz|metrics|openapi|exports|gossip)(?:[/?.][^\s;,\")'`]*)?)(?!\w)"
)
PREFIXES = {"/v1", "/federation/marks", "/log", "/federation"}  # said of addresses that begin so


def test_every_route_that_a_message_names_is_in_the_table_with_the_parameters_named() -> None:
    routes = [
        (route, re.compile(re.sub(r"\{\w+\}", "[^/]+", re.sub(r"\{\w+:path\}", ".+", route.path)))) for route in table()
    ]
    wrong, seen = [], 0
    for place, text in messages():
        if place.startswith(("node/http/examples", "cli/base/for_people")):
            continue
        for method, target in _ROUTE.findall(text):
            path, _, query = target.rstrip(".").partition("?")
            seen += 1
            fits = [route for route, form in routes if method in ("", route.method) and form.fullmatch(path)]
            wanted = {pair.partition("=")[0] for pair in query.split("&") if pair}
            if (not fits and path not in PREFIXES) or any(
                wanted - {one.name for one in route.params} for route in fits
            ):
                wrong.append(f"{place}: {method} {target}")
    assert seen > 30
    assert wrong == []


def test_every_setting_that_a_message_says_to_set_or_check_is_one() -> None:
    known = {setting.name for setting in settings()}
    named = [
        (place, name)
        for place, text in messages()
        if place.startswith("node/")
        for name in re.findall(r"\b(?:[Ss]et|[Ss]ettings?|[Cc]heck) `?([a-z]+(?:_[a-z]+)+)\b", text)
    ]
    assert len(named) > 6
    assert [one for one in named if one[1] not in known] == []


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
        for place, text in messages()
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
        for place, text in messages()
        if place.startswith(("node/http", "registry", "governance")) and not place.startswith("node/http/examples")
        if re.search(r"\bGET /v1/|\bGET /readyz", text)
        if re.search(r"\bGET /", said(text))
    ]
    assert left == []


def test_the_program_that_the_hints_name_is_this_one() -> None:
    assert accredit.name == "accredit"
    assert (Path(ROOT) / "cli" / "main.py").exists()


def test_a_kept_demonstration_ends_with_commands_that_one_can_type() -> None:
    """Its last commands once had `ID` where an id must stand, and stopped whoever typed them."""
    _, *typed = commands_to_try(Path("my-network"), "http://127.0.0.1:8080", "5f2b8c11")
    assert "accredit accreditation reinstate 5f2b8c11 --key my-network/alice.key" in typed
    for command in typed:
        _, *words = shlex.split(command)
        assert "ID" not in words
        name, at, rest = accredit.resolve_command(click.Context(accredit), words)
        while isinstance(at, click.Group):
            name, at, rest = at.resolve_command(click.Context(at), rest)
        assert at is not None
        at.make_context(name, list(rest))
