"""`docs/commands.md`: every command, its arguments and options, from the command line itself."""

import re
from collections.abc import Iterator
from inspect import cleandoc
from typing import Final

import click

from accredit.cli.base.commands import Command
from accredit.cli.main import accredit
from docs.generators._page import code, rewrite, table

PAGE: Final = "commands.md"

_HELP: Final = ("-h, --help", "Show this message and exit.")

COMMON_FROM: Final = 10
"""An option that this many commands have in the same words is explained once, at the top."""


def every_command(group: click.Group = accredit, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Each command with the words that lead to it, groups left out."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from every_command(command, (*path, name))
        else:
            yield " ".join(("accredit", *path, name)), command


def text() -> str:
    """What many commands share, then every command."""
    commands = list(every_command())
    counts: dict[tuple[str, str], int] = {}
    for name, command in commands:
        for option in _options(command, name):
            counts[option] = counts.get(option, 0) + 1
    common = [option for option, count in counts.items() if count >= COMMON_FROM]
    shared = table(("option", "what"), [(code(names), about) for names, about in common])
    parts = [f"## Options of many commands\n\n{shared}", "## Commands"]
    parts += [_section(name, command, common) for name, command in commands]
    return "\n\n".join(parts)


def _section(name: str, command: click.Command, common: list[tuple[str, str]]) -> str:
    assert isinstance(command, Command)
    context = click.Context(command, info_name=name)
    usage = " ".join([name, *(piece for piece in command.collect_usage_pieces(context) if piece != "[OPTIONS]")])
    lines = [f"### {name}", "", code(usage), "", _plain(command.help or "")]
    own = [option for option in _options(command, name) if option not in common]
    if own:
        lines += ["", table(("option", "what"), [(code(names), about) for names, about in own])]
    shared = [names.split()[0] for names, about in _options(command, name) if (names, about) in common]
    shared = [one.rstrip(",") for one in shared if one not in ("--json", "--debug", "-h,")]
    if shared:
        lines += ["", "Also " + ", ".join(map(code, shared)) + "."]
    return "\n".join([*lines, "", "```", command.example, "```"])


def _options(command: click.Command, name: str) -> list[tuple[str, str]]:
    """Names with the value's place, and the help, as `--help` shows them."""
    context = click.Context(command, info_name=name)
    # Without click's own help option: it is made for whoever asks first, and looks different to different callers.
    options = [param for param in command.params if isinstance(param, click.Option)]
    records = [option.get_help_record(context) for option in options]
    return [_HELP, *((names, _plain(about)) for names, about in filter(None, records))]


def _plain(text: str) -> str:
    """Without the marks that keep click from wrapping, each paragraph on a line."""
    paragraphs = re.split(r"\n\s*\n", cleandoc(text).replace("\b", ""))
    return "\n\n".join(" ".join(one.split()) for one in paragraphs)


if __name__ == "__main__":
    rewrite(PAGE, text())
