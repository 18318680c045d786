"""What commands print: text for people, JSON for programs, and nothing on a terminal that a stranger could abuse.

* `emit(data, text)` prints `data` as JSON under `--json`, else calls `text`. Bytes become lower-case hex.
* Names and reasons come from other people: `safe` shows their control characters as escapes, so that no text in the
  registry can move the cursor, rename the window or hide a line. `say` and `table` apply it to what they are given.
* Colours (and rich, which draws tables on a terminal) appear only where standard output is a terminal and NO_COLOR is
  unset; into a file or pipe go plain columns.
* Progress is drawn on standard error, so that it never mixes with an answer.
"""

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import click

from .commands import wants_json

_COLUMN_MAX: Final = 160  # characters of a cell in plain tables; longer ones are cut, the JSON has them whole


def emit(data: Any, text: Callable[[], None]) -> None:
    """The answer of a command, in the form that was asked for."""
    if wants_json():
        click.echo(to_json(data))
    else:
        text()


def to_json(data: Any) -> str:
    """Indented JSON; bytes as lower-case hex, tuples as lists."""
    return json.dumps(plain(data), indent=2, ensure_ascii=False)


def plain(value: Any) -> Any:
    """`value` with everything JSON lacks replaced: bytes by hex, tuples by lists, keys by text."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key.hex() if isinstance(key, bytes) else str(key): plain(item) for key, item in value.items()}
    return value


def safe(text: object) -> str:
    """`text` for a terminal: control, format and line-direction characters become visible escapes; newlines stay."""
    return "".join(
        c if c == "\n" or (c.isprintable() or c == "\u00a0") else c.encode("unicode_escape").decode() for c in str(text)
    )


class Styled(str):
    """Text that is safe to print as it is, colours included: only `styled` and `mix` make it."""

    __slots__ = ()


def styled(text: object, **style: Any) -> Styled:
    """`text` made safe, then styled with click's words (`fg`, `bold`, …)."""
    return Styled(click.style(safe(text), **style))


def mix(*parts: object) -> Styled:
    """Parts one after the other; those that are not styled yet are made safe."""
    return Styled("".join(part if isinstance(part, Styled) else safe(part) for part in parts))


def say(text: str = "", *, err: bool = False) -> None:
    """One line or more of text whose untrusted parts went through `safe` or `styled`."""
    click.echo(text, err=err, color=False if os.environ.get("NO_COLOR") else None)


def note(text: str) -> None:
    """A remark beside the answer: on standard error, and never with `--json`."""
    if not wants_json():
        say(text, err=True)


def lines(parts: Iterable[object]) -> Styled:
    """Parts one below the other, as `mix` treats them."""
    return Styled("\n".join(mix(part) for part in parts))


def good(text: object) -> Styled:
    """Good news."""
    return styled(text, fg="green", bold=True)


def bad(text: object) -> Styled:
    """Bad news."""
    return styled(text, fg="red", bold=True)


def fair(text: object) -> Styled:
    """News that need attention."""
    return styled(text, fg="yellow", bold=True)


def faint(text: object) -> Styled:
    """What few will want to read."""
    return styled(text, dim=True)


def shorten(identifier: bytes | str, digits: int = 12) -> str:
    """The beginning of an id in hex, long enough to be given back to a command."""
    text = identifier.hex() if isinstance(identifier, bytes) else identifier
    return text[:digits]


def facts(rows: Iterable[tuple[str, object]]) -> None:
    """Lines `name   value`, for one thing; those whose value is None or empty are left out."""
    shown = [(name, mix(value)) for name, value in rows if value not in (None, "", [], ())]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        first, *more = value.split("\n")
        say(f"  {faint(name.ljust(width))}  {first}")
        for line in more:
            say(f"  {' ' * width}  {line}")


def table(headers: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str = "Nothing.") -> None:
    """Rows under headers; `empty` says what it means that there are none."""
    if not rows:
        say(empty)
        return
    cells = [[_cell(value) for value in row] for row in rows]
    if sys.stdout.isatty():
        _rich_table(headers, cells)
    else:
        _plain_table(headers, cells)


def _cell(value: object) -> str:
    return "" if value is None else mix(value).replace("\n", " ")


def _plain_table(headers: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    bare = [[_cut(click.unstyle(cell)) for cell in row] for row in cells]
    widths = [max(len(row[at]) for row in [headers, *bare]) for at in range(len(headers))]
    for row in [list(headers), *bare]:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _cut(cell: str) -> str:
    return cell if len(cell) <= _COLUMN_MAX else cell[: _COLUMN_MAX - 1] + "…"


def _rich_table(headers: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for header in headers:
        drawn.add_column(header, overflow="fold")
    for row in cells:
        drawn.add_row(*(Text.from_ansi(cell) for cell in row))
    Console().print(drawn)


@contextmanager
def progress(label: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """A bar (or, without `total`, a spinner) while something takes more than a moment.

    Yields:
        a function to call with how many steps were done since the last call.
    """
    if wants_json() or not sys.stderr.isatty():
        yield lambda _steps: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = [SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()]
    if total is not None:
        columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()]
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda steps: bar.advance(task, steps)
