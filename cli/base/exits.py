"""Ends a command: one stable exit code for each kind of outcome, and one way to print errors.

    0    done
    1    the answer is no: not trusted, a check that failed, a draft that cannot take effect
    2    the command line itself is wrong (click)
    3    something given is wrong: a file, an identifier, a statement, a passphrase
    4    not yet: something else has to happen first, such as a vote, or room on the disk; or a node is busy
    5    another machine could not be reached or misbehaved
    6    this machine's own files cannot be read, written, or do not fit together
    10   evidence refuted: it contradicts itself, or what was verified before
    11   unwitnessed: too few of the signers that the trust policy names vouch for it
    12   stale, not covered: they did, too long ago to say anything about now
    13   unknown: this trust policy cannot tell; it has expired, or is about something else
    14   unattributed: a key contradicted itself, and whose key it is nothing at hand can tell
    70   a fault in accredit itself (sysexits.h EX_SOFTWARE)
    130  interrupted

Errors go to standard error: a sentence and what to do next, or with `--json` one object. A traceback is shown only
with `--debug`.
"""

import errno
from typing import Final

import click

from accredit.registry.errors import (
    AccreditError,
    BusyError,
    InputError,
    NotYetError,
    RefusedError,
    RemoteError,
    StorageError,
)

from . import streams
from .for_people import said

OK: Final = 0
NEGATIVE: Final = 1
USAGE: Final = 2
REFUSED: Final = 3
NOT_YET: Final = 4
REMOTE: Final = 5
STORAGE: Final = 6
FAULT: Final = 70
RESULTS: Final = {"refuted": 10, "unwitnessed": 11, "stale": 12, "unknown": 13, "unattributed": 14}
"""Results in which nothing was verified (`registry.evidence.state_check.CheckResult`); never take one for a no, or for
another."""
INTERRUPTED: Final = 130

_PASSING: Final = frozenset({"disk_full", "system_exhausted"})
_PASSING_ERRNO: Final = frozenset({errno.ENOSPC, errno.EMFILE, errno.ENFILE, errno.ENOMEM})
_CODES: Final = (
    (InputError, REFUSED),
    (NotYetError, NOT_YET),
    (BusyError, NOT_YET),
    (RemoteError, REMOTE),
    (StorageError, STORAGE),
)


class Negative(Exception):
    """The command did its work and printed it, and the answer is no or, with one of `RESULTS`, missing."""

    def __init__(self, result: str = "") -> None:
        super().__init__(result)
        self.code = RESULTS.get(result, NEGATIVE)


def exit_code(error: BaseException) -> int:
    """The code a command ends with when `error` stopped it."""
    if isinstance(error, RefusedError) and (result := RESULTS.get(getattr(error, "result", ""))):
        return result  # a check that failed: `registry.evidence.state_check.CheckError`, not worth importing here
    if getattr(error, "code", "") in _PASSING or getattr(error, "errno", None) in _PASSING_ERRNO:
        return NOT_YET  # the files are sound: starting the node again may succeed
    for kind, code in _CODES:
        if isinstance(error, kind):
            return code
    if isinstance(error, Negative):
        return error.code
    if isinstance(error, (click.UsageError, click.FileError)):
        return USAGE
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return INTERRUPTED
    if isinstance(error, OSError):
        return STORAGE
    return FAULT


def unwritten(error: OSError) -> StorageError:
    """The error of a command whose answer could not be written out."""
    return StorageError(
        "cannot_print",
        f"Standard output cannot be written: {error.strerror or error}.",
        hint="Free some space, or write the output elsewhere; then ask again. Everything else the command did is done.",
    )


def report(error: BaseException, *, as_json: bool, debug: bool) -> int:
    """Prints `error` for a person or a program on standard error; returns the exit code."""
    code = exit_code(error)
    if debug and not isinstance(error, (Negative, click.exceptions.Exit)):
        import traceback

        traceback.print_exception(error)
    if isinstance(error, Negative):
        return code
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        streams.write("Stopped; nothing further was done.", err=True)
        return code
    if isinstance(error, click.exceptions.NoArgsIsHelpError) and not as_json:
        _tell(error.format_message())  # the help itself, which needs no word of error before it
        return code
    word, message, hint = _words(error)
    if as_json:
        import json

        streams.write(json.dumps({"error": {"code": word, "message": message, "hint": hint, "exit": code}}), err=True)
        return code
    if isinstance(error, click.ClickException):
        usage = error.ctx.get_usage() + "\n" if isinstance(error, click.UsageError) and error.ctx is not None else ""
        _tell(f"{usage}{click.style('Error:', fg='red', bold=True)} {_safe(message)}")
        if isinstance(error, click.UsageError) and error.ctx is not None:
            if isinstance(error, click.MissingParameter) and (told := getattr(error.param, "help", None)):
                _tell(told)
            streams.write(f"For help: {error.ctx.command_path} --help", err=True)
        return code
    _tell(f"{click.style('Error:', fg='red', bold=True)} {_safe(message)}")
    if hint:
        _tell(_safe(hint))
    return code


def _words(error: BaseException) -> tuple[str, str, str]:
    if isinstance(error, AccreditError):
        return error.code, said(error.message), said(error.hint)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return "usage", "A command is missing.", "Add --help to see the commands."
    if isinstance(error, click.ClickException):
        return "usage", error.format_message(), "Add --help to the command to see how to use it."
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return errno.errorcode.get(error.errno or 0, "os_error").lower(), f"{where}{error.strerror or error}.", ""
    return (
        "fault",
        f"accredit stopped because of an unexpected error ({type(error).__name__}: {error}).",
        "This is a bug in accredit: please run the command again with --debug and report its output.",
    )


def _tell(text: str) -> None:
    from .output import say  # as for `_safe`

    say(text, err=True)


def _safe(text: str) -> str:
    from .output import safe_lines  # only where there is something to say: most commands end without an error

    return safe_lines(text)
