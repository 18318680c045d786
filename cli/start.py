"""The first module that the program `accredit` loads: from here on Ctrl-C ends with one line at any moment.

Loading takes a tenth of a second, during which somebody may press Ctrl-C. This module handles it until the command line
is loaded; then `cli.base.commands` does, and nobody once a command has ended. Python itself handles an earlier Ctrl-C,
before it has begun with this program.
"""

# What `signal` is made of, and there already: loading that one takes milliseconds, in which nobody would answer.
import _signal as signal  # type: ignore[import-not-found]  # typeshed knows the public name only
import os
import sys


def _stop(_number: int, _frame: object) -> None:
    os.write(2, b"Stopped; nothing was done.\n")
    os._exit(130)


signal.signal(signal.SIGINT, _stop)


_AGAIN_SECONDS = 0.001


def _again(lost: "sys.UnraisableHookArgs") -> None:
    """Repeat Ctrl-C a moment later if it came where nothing can be raised, so that Python would ignore it."""
    if lost.exc_type is KeyboardInterrupt:
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS)
    else:
        sys.__unraisablehook__(lost)


def _press(_number: int, _frame: object) -> None:
    signal.raise_signal(signal.SIGINT)


def main() -> None:
    """Entry point of the console script."""
    from . import front_page

    if sys.argv[1:] in front_page.ASKED_BY and front_page.write():
        return
    from .main import accredit

    try:
        try:
            signal.signal(signal.SIGALRM, _press)
            sys.unraisablehook = _again
            signal.signal(signal.SIGINT, signal.default_int_handler)
            accredit.main(prog_name="accredit")
        finally:  # nothing is left to stop, and the interpreter on its way out would show a traceback
            signal.signal(signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt:  # a second one, while the first was being said
        os._exit(130)
