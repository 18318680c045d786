"""The first thing that the program `accredit` loads: from here on Ctrl-C ends with one line, whatever is going on.

Loading takes a tenth of a second, and somebody may have pressed Ctrl-C in it. Until the command line is there to
answer, the answer is given here; afterwards it is `cli.base.commands`', and nobody's once a command has ended.
"""

import os
import signal


def _stop(_number: int, _frame: object) -> None:
    os.write(2, b"Stopped; nothing was done.\n")
    os._exit(130)


signal.signal(signal.SIGINT, _stop)


def main() -> None:
    """Entry point of the console script."""
    from .main import accredit

    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        accredit.main(prog_name="accredit")
    except KeyboardInterrupt:  # a second one, while the first was being said
        os._exit(130)
    finally:  # nothing is left to stop, and the interpreter on its way out would show a traceback
        signal.signal(signal.SIGINT, signal.SIG_IGN)
