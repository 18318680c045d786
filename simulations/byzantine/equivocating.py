"""Adversaries that sign contradictory statements for different peers: checkpoints of one size, notes of one count.

An authority that signs two statements with one number acts as a client, not as a node; see
`governance_workload.GovernanceWorkload.equivocate`.
"""

from dataclasses import replace
from hashlib import sha256
from random import Random

from accredit.gossip.protocol.wire import Beacon, Body
from accredit.registry.encoding.cbor import decode, encode
from accredit.registry.encoding.ed25519 import KeyPair, public_of
from accredit.registry.transparency.checkpoint import Checkpoint
from accredit.registry.transparency.signed_note import Note, sign_note
from accredit.registry.transparency.state_note import StateNote, cosign_state
from accredit.simulations.virtual.host import Host

from .conduct import Adversary, Rewriter


class NoteEquivocator(Adversary):
    """A signer that gives each caller, at random, the true root or another one for the same count.

    It draws anew for each call, so that in time somebody hears both. A node that has heard only one root from it cannot
    know of the contradiction; that does no harm, because the quorum is made of the other signers."""

    def __init__(self) -> None:
        self._random = Random(0)
        self._told: dict[tuple[str, int], StateNote] = {}

    def begin(self, host: Host) -> None:
        """See `Conduct`."""
        self._random = host.world.timeline.stream(f"adversary {host.name}")

    def tells(self, host: Host, peer: str, data: bytes) -> bytes | None:
        """See `Conduct`."""
        message = decode(data, what="the message", max_bytes=len(data))
        state = true = StateNote.decode(Note.decode(message[1]).text)
        seed = host.world.town.node_seed(host.name, "state")
        if self._random.random() < 0.5:
            state = replace(true, root=sha256(b"another " + true.root).digest())
        listener = host.world.host(peer)
        if listener.is_up and self._told.setdefault((peer, true.count), state) != state and listener.is_honest:
            host.world.governing.accuse(public_of(seed))
        line = cosign_state(state, host.name, KeyPair(seed), host.clock // 1_000)
        return encode({**message, 1: Note(text=state.encode(), signatures=(line,)).encode()})


class LogEquivocator(Rewriter):
    """Shows each half of its peers a different tree of the same size, each under a signed checkpoint."""

    def __init__(self) -> None:
        super().__init__()
        self._host: Host | None = None
        self._shown: dict[int, int] = {}  # size -> the half to which it was shown first

    def begin(self, host: Host) -> None:
        """See `Conduct`."""
        super().begin(host)
        self._host = host

    def rewrite_for(self, recipient: bytes, body: Body) -> Body | None:
        """Return a beacon with the other tree for peers whose key id is odd."""
        host = self._host
        if not isinstance(body, Beacon) or not body.notes or host is None:
            return body
        checkpoint = Checkpoint.decode(Note.decode(body.notes[0]).text)
        if checkpoint.origin != host.name:
            return body
        seed = host.world.town.node_seed(host.name, "log")
        side = recipient[-1] % 2
        if self._shown.setdefault(checkpoint.size, side) != side:  # somebody else has seen the other side by now
            host.world.governing.accuse(public_of(seed))
        if side == 0:
            return body
        other = replace(checkpoint, root=sha256(b"another " + checkpoint.root).digest())
        return replace(body, notes=(sign_note(other.encode(), host.name, KeyPair(seed)), *body.notes[1:]))
