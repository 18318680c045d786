"""The command `accredit`: the table of its commands; the commands of each noun are in their own module."""

import click

from accredit.cli import front_page
from accredit.cli.base.commands import RootCommand

accredit = RootCommand(
    "accredit",
    lazy=front_page.COMMANDS,
    page=front_page.page,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": front_page.MAX_WIDTH},
)


# The version is looked up in the metadata of what is installed, and only when it is asked for.
click.version_option(package_name="accredit", message="%(prog)s %(version)s")(accredit)


@accredit.result_callback()
def _finished(*_results: object, **_parameters: object) -> None:
    """A command's own return value is never an exit code."""


def main() -> None:
    """Entry point of the console script."""
    accredit.main(prog_name="accredit")
