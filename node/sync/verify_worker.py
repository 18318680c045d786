"""The life of a process that checks entries for another (`verify_pool`): what it is sent, until nothing more can come.

    python -c "import accredit.node.sync.verify_worker as w; w.work(FD)"

FD is this process' end of a two-way pipe.

    to it      (public keys found elsewhere, entries)           `EntryVerifier.learn`, `.check`
    from it    (marks, public keys found)                       `checking.Found`

Each message is a pickle behind its length (`multiprocessing.connection`); both ends are this program on this machine.
It ends when the other end is closed, however that came about. It imports little, so as to be there soon.
"""

from multiprocessing.connection import Connection

from .entry_verifier import EntryVerifier


def work(descriptor: int) -> None:
    """Checks what comes; returns when nothing can come any more."""
    checker = EntryVerifier()
    with Connection(descriptor) as pipe:
        while True:
            try:
                publics, entries = pipe.recv()
                checker.learn(publics)
                found = checker.check(entries)
                pipe.send((found.marks, found.publics))
            except (OSError, EOFError):
                return
