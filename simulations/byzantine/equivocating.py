"""Those who say one thing to some and another thing to others, each signed: two state notes for one count.

An authority that signs two statements with one number is `governing.Governing.equivocate`: a client's doing, no node's.
"""

from hashlib import sha256
from typing import TYPE_CHECKING

from registry.encoding import decode, encode
from registry.note import Note
from registry.state_note import StateNote, cosign_state

from .conduct import Adversary

if TYPE_CHECKING:
    from simulations.host import Host


class NoteEquivocator(Adversary):
    """A signer that tells every second node of another root for the same count, cosigned as well as the true one."""

    def tells(self, host: "Host", peer: str, data: bytes) -> bytes | None:
        """See `Conduct`."""
        if host.world.town.names.index(peer) % 2:
            return data
        message = decode(data, what="the message", max_bytes=len(data))
        state = StateNote.decode(Note.decode(message[1]).text)
        root = sha256(b"another " + state.root).digest()
        other = StateNote(name=state.name, ecosystem=state.ecosystem, fold=state.fold, count=state.count, root=root)
        line = cosign_state(other, host.name, host.world.town.node_seed(host.name, "state"), host.clock // 1_000)
        return encode({**message, 1: Note(text=other.encode(), signatures=(line,)).encode()})
