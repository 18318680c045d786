"""Standard output and standard error: a failure to print changes nothing else.

A command prints while it works, and printing must not stop it. If the reader has gone (`| head`, `less` and q), this is
no error: later output is dropped and the command continues to its end. If standard output cannot be written for another
reason, such as a full disk, this is reported at the end, because an answer was lost. Standard error is tried again with
the next text: a node logs there, and a disk that was full for a minute must not silence it for good.

Text that a terminal's encoding lacks is written in ASCII, or as an escape where there is no such spelling.
"""

import codecs
import io
import os
import sys
from typing import Final, TextIO

import click

_IN_ASCII: Final = {
    "–": "-",
    "—": "-",
    "…": "...",
    "→": "->",
    "×": "x",
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
    "é": "e",
}

_failed: list[OSError] = []


def _spell(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    written = error.object[error.start : error.end]
    return "".join(_IN_ASCII.get(one) or one.encode("unicode_escape").decode() for one in written), error.end


codecs.register_error("accredit-ascii", _spell)


def prepare() -> None:
    """Make both streams ready for a command: no character that they lack can stop it."""
    _failed.clear()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.encoding.lower().replace("-", "") != "utf8":
            stream.reconfigure(errors="accredit-ascii")


def write(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Print text; return in any case."""
    stream = sys.stderr if err else sys.stdout
    try:
        click.echo(text, err=err, nl=nl, color=False if os.environ.get("NO_COLOR") else None)
    except BrokenPipeError:
        _silence(stream)
    except OSError as error:
        if not _failed:
            _failed.append(error)
        if not err:
            _silence(stream)


def finish() -> OSError | None:
    """Write out what is still held back; return what kept standard output from being written, if anything did."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            _silence(stream)
        except OSError as error:
            _failed.append(error)
            _silence(stream)
        except ValueError:  # closed
            continue
    return _failed[0] if _failed else None


def _silence(stream: TextIO) -> None:
    """Drop everything written there from now on, and text that the interpreter still buffers."""
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
