"""The common behaviour of all commands: lazy loading, `--json`, `--debug`, an example in the help, no traceback.

    keys = Group("keys", help="…")

    @keys.command(example="accredit keys show alice.key")
    def show(…): ...

A `CommandGroup` knows some of its commands only by name, a line of help and their place
(`"accredit.cli.commands.governance.keys:keys"`), and imports the module when such a command is used. So
`accredit --help` imports none of them.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Final

import click
from click.shell_completion import CompletionItem

from . import exits
from .context import DEBUG, JSON

takes_encoding = click.option(
    "--encoding",
    metavar="NAME",
    default="",
    help="Encoding of a sheet that is not Unicode, such as windows-1252.",
)
"""Gives a command that reads sheets the option `--encoding`, which their errors mention."""


def _remember(name: str) -> Callable[[click.Context, click.Parameter, bool], None]:
    def callback(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
        if value:
            context.meta[name] = True

    return callback


def _common_options() -> list[click.Parameter]:
    return [
        click.Option(
            ["--json"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_remember(JSON),
            help="Print JSON for programs instead of text for people.",
        ),
        _debug_option(),
    ]


def _debug_option() -> click.Option:
    return click.Option(
        ["--debug"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_remember(DEBUG),
        help="Show the traceback of an error.",
    )


class Command(click.Command):
    """A command with `--json`, `--debug`, and at least one example.

    Args:
        example: lines as typed, each beginning with `accredit`; what continues a line is indented.
    """

    def __init__(self, *args: Any, example: str, **kwargs: Any) -> None:
        kwargs["params"] = [*(kwargs.get("params") or []), *_common_options()]
        super().__init__(*args, **kwargs)
        self.example = example

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click's; says which values an option takes that was given too few."""
        try:
            return super().parse_args(ctx, args)
        except click.BadOptionUsage as error:
            option = next((one for one in self.get_params(ctx) if error.option_name in one.opts), None)
            if option is None or " requires " not in error.message:
                raise
            values = "a value" if option.nargs == 1 else f"{option.nargs} values"
            said = f"Write {values} after {error.option_name}: {option.make_metavar(ctx)}"
            raise click.BadOptionUsage(error.option_name, said, ctx) from error

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """As click's; while a shell completes, with values that can be completed (`completion`)."""
        params = super().get_params(ctx)
        if ctx.resilient_parsing:
            from .completion import complete_values

            complete_values(params)
        return params

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the examples as they are typed, never rewrapped."""
        super().format_epilog(ctx, formatter)
        with formatter.section("Examples" if "\naccredit" in self.example else "Example"):
            for line in self.example.splitlines():
                formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


class CommandGroup(click.Group):
    """Commands under one noun, some of them known only by where they live.

    Args:
        lazy: for each such command its place, as `module:attribute`, and its line in the list of commands.
    """

    def __init__(self, *args: Any, lazy: Mapping[str, tuple[str, str]] | None = None, **kwargs: Any) -> None:
        kwargs["params"] = [*(kwargs.get("params") or []), _debug_option()]
        super().__init__(*args, **kwargs)
        self.lazy = dict(lazy or {})

    def command(  # type: ignore[override]  # narrower on purpose: every command has an example
        self, name: str, *, example: str, **kwargs: Any
    ) -> Callable[[Callable[..., Any]], click.Command]:
        """As click's, making a `Command`."""
        return super().command(name, cls=Command, example=example, **kwargs)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """List the commands in the order of their definition."""
        return [*self.lazy, *(name for name in self.commands if name not in self.lazy)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now if it lives elsewhere."""
        if cmd_name not in self.lazy:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self.lazy[cmd_name][0].partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click's; says where a command's option belongs that was typed before the command."""
        words = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            letter = error.option_name.lower().removeprefix("-")
            if long := [one for param in self.get_params(ctx) for one in param.opts if one.startswith(f"--{letter}")]:
                said = f"{error.option_name} is not an option. Did you mean {' or '.join(long)}?"
                raise click.UsageError(said, ctx) from error
            command = next((word for word in words if word in self.list_commands(ctx)), None)
            if command is None:
                raise
            said = f"{error.option_name} is not an option here; a command's options follow it"
            raise click.UsageError(f"{said}: {ctx.command_path} {command} … {error.option_name}", ctx) from error

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command as click does, and suggest the nearest one for a typing error."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            commands = self.list_commands(ctx)
            options = [option for one in self.get_params(ctx) for option in one.opts]
            close = get_close_matches(args[0], [*commands, *options], 1) if args else []
            here = f" Commands here: {', '.join(commands)}." if len(commands) <= _FEW_COMMANDS else ""
            meant = f" Did you mean {close[0]}?" if close else here
            if deeper := self._one_noun_deeper(ctx, args[0]) if args else []:
                meant = f" Did you mean {' or '.join(deeper)}?"
            raise click.UsageError(f"There is no command {args[0]!r}.{meant}", ctx) from error

    def _one_noun_deeper(self, ctx: click.Context, verb: str) -> list[str]:
        """Return the commands of that verb under the nouns of this group, as typed: `suspend` belongs to a noun."""
        nouns = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        found = [
            f"{ctx.command_path} {name} {verb}"
            for name, noun in nouns
            if isinstance(noun, click.Group) and verb in noun.list_commands(ctx)
        ]
        return found if len(found) <= _FEW_NOUNS else []

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing any that is lazy."""
        rows = [(name, self._short_help(ctx, name, _SENTENCE_CHARS)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Completes names of commands without importing them."""
        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        items = [CompletionItem(name, help=self._short_help(ctx, name, 60)) for name in names]
        return [*items, *click.Command.shell_complete(self, ctx, incomplete)]

    def _short_help(self, ctx: click.Context, name: str, limit: int) -> str:
        if name in self.lazy:
            return self.lazy[name][1]
        command = super().get_command(ctx, name)
        return command.get_short_help_str(limit) if command else ""


_FEW_COMMANDS: Final = 12
"""As many as an error lists; help has longer lists."""

_FEW_NOUNS: Final = 3
"""As many commands of one verb as an error suggests: `list` and `show` have nearly all nouns."""

_SENTENCE_CHARS: Final = 300
"""More than the first sentence of any command's help has: a list of commands wraps it, and cuts none off."""


class _ReaderGone(Exception):
    """The reader of help has gone (`| head`). It has its own type, because click ends with 1 for the usual one."""


class RootCommand(CommandGroup):
    """The command `accredit` itself: the place where errors become messages and exit codes.

    Args:
        page: its help, wrapped to so many columns; without it, click's.
    """

    def __init__(self, *args: Any, page: Callable[[int], str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.page = page

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the page, if there is one of ours."""
        if self.page is None:
            super().format_help(ctx, formatter)
        else:
            formatter.write(self.page(formatter.width))

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """As click's; prints help, so that a reader may have gone, or the disk be full, here already."""
        try:
            return super().make_context(*args, **kwargs)
        except BrokenPipeError as error:
            raise _ReaderGone from error
        except OSError as error:
            raise exits.unwritten(error) from error

    def main(self, args: Sequence[str] | None = None, *rest: Any, **kwargs: Any) -> Any:
        """Runs a command line and exits; never with a traceback unless `--debug` asks for one.

        The exit code is that of the outcome. Trouble with printing does not change it, except that an answer which
        could not be written (a full disk) counts as failed.
        """
        import sys

        from . import streams

        words = list(sys.argv[1:] if args is None else args)
        kwargs["standalone_mode"] = False
        as_json, debug = "--json" in words, "--debug" in words
        streams.prepare()
        try:
            code = super().main(words, *rest, **kwargs)
        except click.exceptions.Exit as exit_:
            code = exit_.exit_code
        except _ReaderGone:
            code = exits.OK
        except BaseException as error:
            if isinstance(error, SystemExit):
                raise
            code = exits.report(error, as_json=as_json, debug=debug)
        code = code if isinstance(code, int) else exits.OK
        lost = streams.finish()
        if lost is not None:
            reported = exits.report(exits.unwritten(lost), as_json=as_json, debug=debug)
            code = code or reported
        sys.exit(code)
