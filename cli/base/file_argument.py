"""A file on the command line: where a folder is given, the error says which file to give instead."""

from pathlib import Path
from typing import Any, Final

import click


class FileIn(click.Path):
    """A path of a file, which may be usually named so in a folder.

    Args:
        usual: the file's usual name; empty if it has none.
        new: the command makes the file, so that there need not be one.
        allow_dash: `-` stands for standard input.
    """

    def __init__(self, usual: str = "", *, new: bool = False, allow_dash: bool = False) -> None:
        super().__init__(path_type=Path, dir_okay=False, allow_dash=allow_dash)
        self.usual: Final = usual
        self.new: Final = new

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """As click's; of a folder, says which file in it to give."""
        if not (str(value) == "-" and self.allow_dash) and Path(value).is_dir():
            self.fail(f"{str(value)!r} is a folder. {self._instead(Path(value) / self.usual)}", param, ctx)
        return super().convert(value, param, ctx)

    def _instead(self, inside: Path) -> str:
        if self.new:
            return f"Give the file to make, such as {inside}"
        if not self.usual:
            return "Give a file in it, by its name."
        return f"Give the file in it: {inside}" if inside.is_file() else f"Give a file, such as {inside}"


FILE: Final = FileIn()
"""The type of an argument that names a file."""

FILE_OR_DASH: Final = FileIn(allow_dash=True)
"""The same where `-` is standard input."""
