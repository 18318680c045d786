"""Remembers the recent signatures of logs and signers, to notice contradictions.

`Sayings` remembers for each key the newest roots and the notes with them. A second root for one size (of a log), or for
one count (of a signer's states), is a contradiction, and the two notes prove it (`registry.transparency.equivocation`).

`Ledger` does this for the checkpoints that nodes exchange in beacons. It verifies each with the log key of the node's
record before it remembers it, and counts those that do not verify. `shown` chooses the notes to send: the own
checkpoint, the newest noted state (which thus reaches nodes that no signer tells), and some checkpoints of others in
turn. So if a log shows two nodes two trees of one size, they notice it as soon as a path of beacons joins them,
although neither asked that log for a proof.

It does not compare trees of different sizes; that needs the log's own proofs, and witnesses do it.
"""

from collections.abc import Callable, Hashable
from typing import Final

from accredit.registry.errors import InputError
from accredit.registry.transparency.checkpoint import Checkpoint, open_checkpoint
from accredit.registry.transparency.equivocation import Conflict, conflict_of_checkpoints
from accredit.registry.transparency.signed_note import KeyType, Note, VerifierKey

KEPT: Final = 8
"""Sizes remembered for one key: so many seconds of a busy log, or minutes of a signer. A guess."""

OTHERS: Final = 3
"""Checkpoints of others that are shown at a time; with the own one and the state 5, as a beacon has room for."""

NOTE_BYTES: Final = 4 * 1024
"""Largest checkpoint accepted: text, the log's line and the lines of some 30 witnesses."""


class Sayings:
    """The newest sizes that each key signed, with root and note."""

    def __init__(self) -> None:
        self._said: dict[VerifierKey, dict[Hashable, tuple[bytes, bytes]]] = {}

    def root(self, key: VerifierKey, size: Hashable) -> bytes | None:
        """Return the root that it signed for a size, if that is remembered."""
        found = self._said.get(key, {}).get(size)
        return None if found is None else found[0]

    def compare(self, key: VerifierKey, size: Hashable, root: bytes, note: bytes) -> bytes | None:
        """Remember a note, unless one of that size is remembered; return the latter if it has another root.

        Args:
            size: the size or count, which may have only one root.
        """
        said = self._said.setdefault(key, {})
        before = said.setdefault(size, (root, note))
        while len(said) > KEPT:
            said.pop(next(iter(said)))
        return None if before[0] == root else before[1]


class Ledger:
    """See the module.

    Attributes:
        own: this node's newest checkpoint, a signed note; empty before the first.
        standing: the newest state note with a quorum; likewise.
        refused: how many checkpoints did not verify, or are of no log here.
    """

    def __init__(self) -> None:
        self.own = self.standing = b""
        self.refused = 0
        self._sayings = Sayings()
        self._newest: dict[str, tuple[int, bytes]] = {}
        self._turn = 0

    def hear(self, note: bytes, log_key: Callable[[str], bytes | None]) -> Conflict | None:
        """Take in a checkpoint; return the conflict if its log has signed another tree of that size.

        Args:
            log_key: the public log key of the node of that name, if it is in force.
        """
        self._turn += 1
        try:
            if len(note) > NOTE_BYTES:
                raise InputError("too_large", "the checkpoint is too large.")
            checkpoint = Checkpoint.decode(Note.decode(note).text)
            public = log_key(checkpoint.origin)
            if public is None:
                raise InputError("unknown_log", "the checkpoint belongs to no log known here.")
            log = VerifierKey(name=checkpoint.origin, type=KeyType.ED25519, public=public)
            if self._sayings.root(log, checkpoint.size) == checkpoint.root:
                return None  # it is not new, so it is not worth a verification
            open_checkpoint(note, log)
        except InputError:
            self.refused += 1
            return None
        other = self._sayings.compare(log, checkpoint.size, checkpoint.root, note)
        if other is not None:
            return conflict_of_checkpoints(other, note, log)
        if checkpoint.size >= self._newest.get(log.name, (0, b""))[0]:
            self._newest[log.name] = checkpoint.size, note
        return None

    def shown(self) -> tuple[bytes, ...]:
        """Return the notes to send to a peer: own checkpoint, newest noted state, then `OTHERS` of other logs, in
        turn."""
        notes = [note for _, note in self._newest.values() if note != self.own]
        first = self._turn % max(1, len(notes))
        others = (notes[first:] + notes[:first])[:OTHERS]
        return tuple(note for note in (self.own, self.standing, *others) if note)
