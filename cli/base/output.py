"""Prints results: text for people, JSON for programs, and no control characters by strangers on a terminal.

* `emit(data, text)` prints `data` as JSON under `--json`, else calls `text`. Bytes become lower-case hex.
* Names and reasons come from other people: `safe` shows their control characters as escapes, so that no text in the
  registry can move the cursor, rename the window or hide a line. `say` and `table` apply it to what they are given.
* Colours appear only where standard output is a terminal and NO_COLOR is unset. Tables fit the terminal's width and
  break no id (`layout`); into a file or pipe go whole columns.
* A failure to print changes nothing else (`streams`).
* Progress is drawn on standard error, so that it never mixes with an answer.
"""

import json
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from shutil import get_terminal_size
from typing import Any, Final

import click

from accredit.registry.encoding.display import one_line

from . import streams
from .context import wants_json
from .tables import layout


def emit(data: Any, text: Callable[[], None]) -> None:
    """The answer of a command, in the form that was asked for."""
    if wants_json():
        streams.write(to_json(data))
    else:
        text()


def to_json(data: Any) -> str:
    """Return indented JSON; bytes as lower-case hex, tuples as lists. Control characters of terminals are escaped."""
    written = json.dumps(plain(data), indent=2, ensure_ascii=False)
    return written if written.isascii() else _OBEYED.sub(lambda found: json.dumps(found[0])[1:-1], written)


def plain(value: Any) -> Any:
    """`value` with everything JSON lacks replaced: bytes by hex, tuples by lists, keys by text."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key.hex() if isinstance(key, bytes) else str(key): plain(item) for key, item in value.items()}
    return value


NAME_CHARS: Final = 60
"""Characters of a name in a list: one column of a screen. A guess."""


def safe(text: object) -> str:
    """Return `text` on one line of a terminal, as `one_line` makes it; `lines` puts several texts below each other."""
    return one_line(str(text))


def safe_lines(text: str) -> str:
    """Return text of ours that has line breaks, each of its lines made `safe`."""
    return "\n".join(safe(line) for line in text.split("\n"))


class Styled(str):
    """Text that is safe to print as it is, colours included: only `styled` and `mix` make it."""

    __slots__ = ()


def styled(text: object, **style: Any) -> Styled:
    """`text` made safe, then styled with click's words (`fg`, `bold`, …)."""
    return Styled(click.style(layout.isolated(safe(text)), **style))


def mix(*parts: object) -> Styled:
    """Parts one after the other; those that are not styled yet are made safe."""
    return Styled("".join(part if isinstance(part, Styled) else safe(part) for part in parts))


def quoted(path: object) -> str:
    """Return a path as a shell reads it back: for commands that are printed to be run."""
    return shlex.quote(str(path))


def say(text: str = "", *, err: bool = False) -> None:
    """One line or more of text whose untrusted parts went through `safe` or `styled`; as wide as the terminal."""
    if (sys.stderr if err else sys.stdout).isatty():
        text = layout.prose(text, get_terminal_size().columns)
    streams.write(_net(text), err=err)


def fits(line: str) -> bool:
    """Whether a line is no wider than the terminal; in a file every line fits."""
    return not sys.stdout.isatty() or layout.cells(line) <= get_terminal_size().columns


def _net(text: str) -> str:
    """Filter the printed text a last time: of a terminal's control characters only colours stay."""
    if text.isascii() and "\x1b" not in text:
        return text
    return _OBEYED.sub(
        lambda found: found[0] if _COLOUR.fullmatch(found[0]) else found[0].encode("unicode_escape").decode(), text
    )


_COLOUR = re.compile(r"\x1b\[[0-9;]{0,8}m")
_HIDDEN = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2067\ufeff"
_OBEYED = re.compile(rf"\x1b\[[0-9;]{{0,8}}m|[{_HIDDEN}]")
"""Control characters, and those that change the direction of text or show nothing. The isolate that `layout` puts
around a name from right to left (U+2068, U+2069) is ours."""


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
    """Text that few readers need."""
    return styled(text, dim=True)


def shorten(identifier: bytes | str, digits: int = 12) -> str:
    """The beginning of an id in hex, long enough to be given back to a command."""
    text = identifier.hex() if isinstance(identifier, bytes) else identifier
    return text[:digits]


def clipped(text: object, most: int = NAME_CHARS) -> str:
    """A name as a list shows it: the beginning of a long one. With --json, and shown alone, it is whole."""
    written = str(text)
    return written if len(written) <= most else f"{written[: most - 1].rstrip()}…"


def facts(rows: Iterable[tuple[str, object]]) -> None:
    """Lines `name   value`, for one thing; those whose value is None or empty are left out."""
    shown = [(faint(name), mix(value)) for name, value in rows if value not in (None, "", [], ())]
    for line in layout.facts(shown, get_terminal_size().columns if sys.stdout.isatty() else None):
        say(line)


def table(headers: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str = "Nothing.") -> None:
    """Print rows under headers; `empty` is the text if there are no rows."""
    if not rows:
        say(empty)
        return
    is_terminal = sys.stdout.isatty()
    shown = [[_cell(value) for value in row] for row in rows]
    heads = [click.style(header, bold=True) if is_terminal else header for header in headers]
    for line in layout.table(heads, shown, get_terminal_size().columns if is_terminal else None):
        say(line)


def _cell(value: object) -> str:
    shown = "" if value is None else mix(value).replace("\n", " ")
    return shown if sys.stdout.isatty() else click.unstyle(shown)


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
