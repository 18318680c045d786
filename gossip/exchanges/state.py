"""The state that the parts of one machine share: the time, the peers, and what this node says about itself.

    machine      the one entrance: tells the parts the time and passes each event to the right one
    answers      frames of others, and the answers to them
    exchanges    this node's own frames, their answers and failures; polls held for others
    heart        the periodic duties: the mesh, announcements, beacons, comparisons

All four work on the `Parts` of their machine and hold no references to each other. This module does not decide what is
sent.
"""

from collections import Counter
from random import Random

from accredit.gossip.peers.mesh import Mesh
from accredit.gossip.peers.peer import PeerState
from accredit.gossip.peers.peer_score import LocalHealth
from accredit.gossip.peers.peer_table import Circle
from accredit.gossip.peers.rate_limits import Guard
from accredit.gossip.protocol.config import GossipConfig
from accredit.gossip.protocol.events import Held
from accredit.gossip.protocol.wire import Beacon, Prune, Root
from accredit.registry.encoding.ed25519 import Signer, key_id

from .equivocation_gossip import Hearsay
from .inbound import Intake
from .reconcile import Sessions
from .want_list import Recent


class Parts:
    """One machine's parts.

    Attributes:
        signer: has the node's peer key. me: that key's id.
        now: wall clock, ms since 1970, at the last event.
        at: steady clock, ms; it stands still when the wall clock is set back.
        root_retry_at: when the next comparison of roots is due after a failed one; None if none failed.
        is_active: whether this node is in force, and not alone; otherwise it is silent.
    """

    def __init__(self, *, signer: Signer, held: Held, random: Random, config: GossipConfig) -> None:
        self.config = config
        self.signer = signer
        self.me = key_id(signer.public_key)
        self.held = held
        self.random = random
        self.counters: Counter[str] = Counter()
        self.guard = Guard(self.me, config)
        self.health = LocalHealth(config)
        self.circle = Circle(self.me, config, random, self.counters)
        self.intake = Intake(config=config, held=held, circle=self.circle, health=self.health, counters=self.counters)
        self.mesh = Mesh(config, random)
        self.sessions = Sessions(config)
        self.recent = Recent(config)
        self.hearsay = Hearsay(config, held, self.counters)
        self.now = 0
        self.at = 0
        self.root_retry_at: int | None = None
        self.is_active = False

    def pass_time(self, now: int) -> None:
        """Set the time to `now` (ms since 1970)."""
        if now > self.now > 0:
            self.at += now - self.now
        self.now = now

    def peer(self, kid: bytes) -> PeerState:
        """Return the state of a member."""
        return self.circle.peer(kid, at=self.at)

    def root(self) -> Root:
        """Return this node's holdings, as told to peers."""
        root, count = self.held.root()
        return Root(root=root, count=count, size=self.held.size(), conflicts=self.hearsay.digest())

    def beacon(self) -> Beacon:
        """Return a beacon: this node's holdings, the time, and notes to send."""
        root = self.root()
        return Beacon(
            root=root.root,
            count=root.count,
            size=root.size,
            conflicts=root.conflicts,
            time=self.now,
            notes=self.hearsay.notes(),
        )

    def note(self, peer: PeerState, theirs: Root | Beacon) -> None:
        """Take note of the holdings that a peer tells."""
        peer.said = theirs
        if isinstance(theirs, Beacon):
            peer.beacon = theirs.time
            self.hearsay.hear_notes(peer, theirs.notes, at=self.at)
        root, count = self.held.root()
        peer.in_sync = theirs.root == root if self.config.root_gate else theirs.count == count

    def obstacle(self, kid: bytes) -> str:
        """Return why a peer may not be in the mesh, for people; empty if it may."""
        peer = self.circle.peers.get(kid)
        if peer is None:
            return ""
        if peer.conduct.is_distrusted(at=self.at):
            return f"ignored: {peer.conduct.offence}"
        if peer.conduct.is_struck(at=self.at):
            return "does not deliver what it announces"
        if peer.failures >= self.health.scale(self.config.dead_after):
            return "does not answer"
        return ""

    def may_be_mesh(self, kid: bytes) -> bool:
        """Return whether a peer may be in the mesh."""
        peer = self.circle.peers.get(kid)
        if peer is None or (not peer.failures and peer.conduct.is_spotless):  # as nearly all
            return True
        return not self.obstacle(kid)

    def offend(self, peer: PeerState, what: str) -> None:
        """Remove a peer from the mesh and ignore it for a while, because it did what no honest node does."""
        self.counters["offences"] += 1
        peer.conduct.offend(what, at=self.at)
        if self.mesh.slot(peer.kid) is not None:
            self.mesh.prune(peer.kid, at=self.at)
            self.dismiss(peer)

    def dismiss(self, peer: PeerState) -> None:
        """Tell a peer that it has lost its slot; it gets the waiting statements from others."""
        peer.outbox.clear()
        self.circle.ask(peer, Prune(backoff=self.config.graft_backoff))
