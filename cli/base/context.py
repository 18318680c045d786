"""Options that apply to a whole command: `--json`, `--debug`."""

from typing import Final

import click

JSON: Final = "accredit.json"
DEBUG: Final = "accredit.debug"


def wants_json() -> bool:
    """Return whether the running command was given `--json`."""
    context = click.get_current_context(silent=True)
    return bool(context and context.meta.get(JSON))
