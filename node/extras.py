"""Optional packages: the command that installs those which a part of accredit needs."""

import shlex
import sys


def install_line(extra: str) -> str:
    """Return the command that adds an extra, such as `credentials`, to the environment that runs now.

    It names this Python. The `pip` on somebody's path often belongs to another one, which has no accredit, and would
    refuse, or ask a package index for whatever bears the name there.
    """
    return f"{shlex.quote(sys.executable)} -m pip install 'accredit[{extra}]'"
