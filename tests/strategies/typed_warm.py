"""Types a command where `warm` listens: `python -I -S typed_warm.py PLACE node run folder`, in place of `accredit …`.

To the shell that types it this process is the command: files, folder and environment are handed on, signals too, and it
ends as the command ends. It loads nothing of ours, and next to nothing of Python's.
"""

import json
import os
import signal
import socket
import sys
from contextlib import suppress

HANDED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> None:
    _, place, *words = sys.argv
    line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    line.connect(place)
    request = {"words": words, "cwd": os.getcwd(), "env": dict(os.environ), "limit": 0}
    socket.send_fds(line, [json.dumps(request).encode()], [0, 1, 2])
    process = int(line.recv(64))

    def hand_on(number: int, _frame: object) -> None:
        with suppress(ProcessLookupError):
            os.kill(process, number)

    for number in HANDED_ON:
        signal.signal(number, hand_on)
    code = int(line.recv(64))
    if code < 0:
        if -code in HANDED_ON:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


if __name__ == "__main__":
    main()
