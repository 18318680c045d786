"""Conflicts (`registry.transparency.equivocation`) that concern nodes of this ecosystem, each kept
once.

A conflict proves itself, so its source does not matter. The first one of each kind against each key is kept: one is
enough, and nobody can fill the memory with variants. A file that proves nothing, or accuses a key that no node's record
names, is counted and forgotten.
"""

from collections.abc import Callable
from typing import Final

from accredit.registry.errors import InputError
from accredit.registry.transparency.equivocation import Conflict, check

KEPT: Final = 256
"""Conflicts kept at most: 16 KiB each, 4 MiB. Issue: what gossip compares and a status page can show. A guess."""


class Caught:
    """See the module.

    Attributes:
        refused: how many files proved nothing about a known node.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[str, bytes], Conflict] = {}
        self._files: dict[bytes, None] = {}
        self.refused = 0

    def take(self, data: bytes, is_known: Callable[[str, bytes], bool]) -> Conflict | None:
        """Checks a file and keeps it.

        Args:
            is_known: tells whether the node of a name has a public key for its log, as a witness or as a signer. The
                name is checked too, because nobody signs the name beside a cosigner's key, and it must not accuse
                another node.

        Returns:
            The conflict if it is valid and new; else None.
        """
        if data in self._files:
            return None
        try:
            conflict = check(data)
        except InputError:
            self.refused += 1
            return None
        which = conflict.kind, conflict.key.public
        if which in self._found or len(self._found) >= KEPT:
            return None
        if not is_known(conflict.key.name, conflict.key.public):
            self.refused += 1
            return None
        self._found[which] = conflict
        self._files[data] = None
        return conflict

    def conflicts(self) -> tuple[Conflict, ...]:
        """All, oldest first."""
        return tuple(self._found.values())

    def files(self) -> tuple[bytes, ...]:
        """Their files, oldest first."""
        return tuple(self._files)
