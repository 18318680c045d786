"""A process that checks entries for another (`verify_pool`), until the other one closes the pipe.

    python -c "import accredit.node.sync.verify_worker as w; w.work(FD)"

FD is this process' end of a two-way pipe.

    to it      (public keys found elsewhere, entries)           `EntryVerifier.learn`, `.check`
    from it    (marks, public keys found)                       `VerifiedEntries`

Each message is a pickle behind its length (`multiprocessing.connection`); both ends are this program on this machine.
It ends when the other end is closed, for any reason. It imports little, so that it starts quickly.
"""

from multiprocessing.connection import Connection

from accredit.node.memory import collecting_seldom

from .entry_verifier import EntryVerifier


def work(descriptor: int) -> None:
    """Check the entries that come; return when the pipe is closed."""
    checker = EntryVerifier()
    with collecting_seldom(), Connection(descriptor) as pipe:
        while True:
            try:
                publics, entries = pipe.recv()
                checker.learn(publics)
                found = checker.check(entries)
                pipe.send((found.marks, found.publics))
            except (OSError, EOFError):
                return
