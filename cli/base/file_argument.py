"""A file on the command line: where a folder is given, the error names the file in it that is meant."""

from pathlib import Path
from typing import Any, Final

import click


class FileIn(click.Path):
    """A path of a file, which is usually named so in a folder.

    Args:
        usual: the file's usual name.
        new: the command makes the file, so that there need not be one.
    """

    def __init__(self, usual: str, *, new: bool = False) -> None:
        super().__init__(path_type=Path, dir_okay=False)
        self.usual: Final = usual
        self.new: Final = new

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """As click's; of a folder, says which file in it to give."""
        inside = Path(value) / self.usual
        if self.new and inside.parent.is_dir():
            self.fail(f"{str(value)!r} is a folder. Give the file to make, such as {inside}", param, ctx)
        if inside.is_file():
            self.fail(f"{str(value)!r} is a folder. Give the file in it: {inside}", param, ctx)
        return super().convert(value, param, ctx)
